/* canvas.c - instants to places, texts to widths, and shapes to SVG.
 * Touches: nothing.
 */
#include "cmd/canvas.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/markup.h"

/* Time ---------------------------------------------------------------------------------------------- */

double canvas_place(const struct canvas *d, int64_t at)
{
	if (at <= d->from_at)
		return LEFT;
	if (at >= d->until_at)
		return RIGHT;
	return LEFT + (RIGHT - LEFT) * (double)(at - d->from_at) / (double)(d->until_at - d->from_at);
}

bool canvas_has(const struct canvas *d, int64_t at)
{
	return at >= d->from_at && at <= d->until_at;
}

const char *const month_names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
				      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

struct date canvas_date(int64_t at)
{
	struct date t = { 0 };
	char text[WHEN_TEXT_LEN];

	when_format_date(text, at);
	if (sscanf(text, "%d-%d-%d", &t.year, &t.month, &t.day) == 3)
		t.month--;
	return t;
}

#define ONE_YEAR_FOR (300 * DAY)        /* a day and a month are clear without a year */

void canvas_day(char out[WHEN_TEXT_LEN], const struct canvas *d, int64_t at)
{
	struct date t = canvas_date(at);
	char minute[WHEN_TEXT_LEN], year[8] = "";

	when_format_minute(minute, at);
	if (at - d->now > ONE_YEAR_FOR || d->now - at > ONE_YEAR_FOR)
		snprintf(year, sizeof(year), " %04d", t.year % 10000);
	snprintf(out, WHEN_TEXT_LEN, "%d %s%.6s%.6s", t.day, month_names[t.month], year,
		 d->until_at - d->from_at < 10 * DAY ? minute + strlen("2027-01-01") : "");
}

char *canvas_span(const struct canvas *d, int64_t from_at, int64_t until_at)
{
	char from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];

	when_format_minute(from, from_at);
	when_format_minute(until, until_at);
	if (until_at > d->until_at)
		return mem_format("from %s UTC on", from);
	return mem_format("from %s to %s UTC", from, until);
}

/* Shapes -------------------------------------------------------------------------------------------- */

/* Parts of a size, as in the widest of the usual faces. */
static double wide_of(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return 0.64;
	if (c >= 0x80)                  /* a character begins, and may be as wide as it is high; or goes on */
		return c >= 0xe3 ? 1 : c >= 0xc0 ? 0.7 : 0;
	if (strchr("MWm@%", c))
		return 0.99;
	if (strchr("w+<>=~", c))
		return 0.84;
	if (strchr(" ijl.,:;'|!/\\", c))
		return 0.34;
	if (strchr("rtf()[]-", c))
		return 0.42;
	return c >= 'A' && c <= 'Z' ? 0.7 : 0.62;
}

double canvas_wide(const char *text, double size)
{
	double width = 0;

	for (const char *s = text; *s; s++)
		width += wide_of((unsigned char)*s);
	return width * size;
}

char *canvas_cut(const char *text, double room, double size)
{
	size_t max = markup_len(text);
	char *cut = mem_copy_str(text);

	/* no character is wider than the size: that many must go at least */
	for (double over; max > 3 && (over = canvas_wide(cut, size) - room) > 0;) {
		size_t less = (size_t)(over / size) + 1;

		free(cut);
		max = max > less + 3 ? max - less : 3;
		cut = markup_cut(text, max);
	}
	return cut;
}

void canvas_line(struct canvas *d, const char *style, double x, double y, double to_y)
{
	buf_addf(d->out, "<path class=\"%s\" d=\"M%.1f %.1fV%.1f\"/>\n", style, x, y, to_y);
}

void canvas_rule(struct canvas *d, double y)
{
	buf_addf(d->out, "<path class=\"rule\" d=\"M%.1f %.1fH%.1f\"/>\n", LEFT, y, RIGHT);
}

void canvas_tip(struct buf *out, const char *text)
{
	buf_add_str(out, "<title>");
	markup_text(out, text);
	buf_add_str(out, "</title>");
}

void canvas_gem(struct canvas *d, double x, double y, const char *title)
{
	buf_addf(d->out, "<path class=\"gem\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\">", x, y - GEM);
	if (title)
		canvas_tip(d->out, title);
	buf_add_str(d->out, "</path>\n");
}

/* A triangle with an exclamation mark in it. */
void canvas_sign(struct canvas *d, double x, double y, const char *title)
{
	buf_addf(d->out, "<path class=\"sign\" d=\"M%.1f %.1fl6.5 12h-13z\">", x + 6.5, y);
	canvas_tip(d->out, title);
	buf_addf(d->out, "</path>\n<path class=\"bang\" d=\"M%.1f %.1fv3.5m0 1.5v1.5\"/>\n", x + 6.5, y + 4);
}

void canvas_bar(struct canvas *d, const char *style, double x, double to_x, double y, double height,
		const char *title)
{
	double width = to_x - x < BAR_LEAST ? BAR_LEAST : to_x - x;

	buf_addf(d->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", style, x, y,
		 width, height);
	canvas_tip(d->out, title);
	buf_add_str(d->out, "</rect>\n");
}

void canvas_put(struct canvas *d, const char *style, const char *anchor, double x, double y, const char *text)
{
	buf_addf(&d->texts, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", style, x, y);
	if (strcmp(anchor, "start") != 0)
		buf_addf(&d->texts, " text-anchor=\"%s\"", anchor);
	buf_add_char(&d->texts, '>');
	markup_text(&d->texts, text);
	buf_add_str(&d->texts, "</text>\n");
}

const char *canvas_fitting(const struct strv *texts, double room, double size)
{
	for (size_t i = 0; i < texts->n; i++)
		if (canvas_wide(texts->v[i], size) <= room)
			return texts->v[i];
	return NULL;
}

bool canvas_put_in_bar(struct canvas *d, const char *style, double x, double to_x, double base, double size,
		       const struct strv *texts)
{
	const char *text = canvas_fitting(texts, to_x - x - 10, size);

	if (text)
		canvas_put(d, style, "start", x + 5, base, text);
	return text != NULL;
}

/* Rows ---------------------------------------------------------------------------------------------- */

#define LINE_GAP 2.0            /* on both sides of a line */
#define TEXT_GAP 4.0            /* on both sides of a text */

static int column(double x)
{
	return x < 0 ? 0 : x > CANVAS_WIDTH ? (int)CANVAS_WIDTH : (int)x;
}

void row_take(struct row *r, double x, double to_x, enum taken how)
{
	for (int i = column(x); i <= column(to_x); i++)
		if (r->at[i] < how)
			r->at[i] = (unsigned char)how;
}

void row_take_line(struct row *r, double x)
{
	row_take(r, x - LINE_GAP, x + LINE_GAP, TAKEN_LINE);
}

bool row_has_room(const struct row *r, double x, double to_x)
{
	if (x < LEFT || to_x > RIGHT)
		return false;
	for (int i = column(x); i <= column(to_x); i++)
		if (r->at[i] != TAKEN_NOT)
			return false;
	return true;
}

static void put_at(struct row *r, struct canvas *d, const char *style, double x, double base,
		   const char *text)
{
	canvas_put(d, style, "start", x, base, text);
	row_take(r, x - TEXT_GAP, x + canvas_wide(text, SMALL) + TEXT_GAP, TAKEN);
}

const char *row_put_after(struct row *r, struct canvas *d, const char *style, double x, int jump, double base,
			  const struct strv *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		double width = canvas_wide(texts->v[i], SMALL);

		for (int by = 0; by <= jump && r->at[column(x + by)] != TAKEN; by++) {
			if (!row_has_room(r, x + by, x + by + width))
				continue;
			put_at(r, d, style, x + by, base, texts->v[i]);
			return texts->v[i];
		}
	}
	return NULL;
}

/* Anchored at its end: it stands close to what it belongs to, however wide the reader's face is. */
const char *row_put_before(struct row *r, struct canvas *d, const char *style, double x, int jump,
			   double base, const struct strv *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		double width = canvas_wide(texts->v[i], SMALL);

		for (int by = 0; by <= jump && r->at[column(x - by)] != TAKEN; by++) {
			if (!row_has_room(r, x - by - width, x - by))
				continue;
			canvas_put(d, style, "end", x - by, base, texts->v[i]);
			row_take(r, x - by - width - TEXT_GAP, x - by + TEXT_GAP, TAKEN);
			return texts->v[i];
		}
	}
	return NULL;
}

bool row_put_near(struct row *r, struct canvas *d, const char *style, double x, double to_x, double base,
		  const struct strv *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		double width = canvas_wide(texts->v[i], SMALL), middle = (x + to_x - width) / 2;
		/* it touches them at least with its end */
		int most = (int)((to_x - x + width) / 2) + JUMP;

		for (int by = 0; by <= most; by++) {
			double left = middle - by, right = middle + by;
			double at = row_has_room(r, right, right + width) ? right : left;

			if (!row_has_room(r, at, at + width))
				continue;
			put_at(r, d, style, at, base, texts->v[i]);
			return true;
		}
	}
	return false;
}

size_t in_turn(size_t i, size_t n, size_t now)
{
	return i < n - now ? now + i : n - 1 - i;
}
