/* canvas.c - instants to places, texts to widths, and shapes to SVG.
 * Touches: nothing.
 */
#include "cmd/canvas.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/markup.h"

#define EM 0.56         /* of a size: usual faces are not wider, on the average of our words */

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

/* Shapes -------------------------------------------------------------------------------------------- */

double canvas_wide(const char *text, double size)
{
	return (double)markup_len(text) * size * EM;
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
