/* svg.c - the picture as a whole: style sheet, grid of months, today, and the blocks one under the other.
 * Touches: nothing.
 */
#include "cmd/svg.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/block.h"
#include "cmd/canvas.h"
#include "cmd/lanes.h"
#include "cmd/markup.h"

#define HEAD 84.0               /* title, what the colours are, today, names of months */
#define FOOT 28.0

/* clang-format off */
const char *const svg_style =
	".timeline{background:#fff;font:12px " SVG_FACE "}\n"
	".timeline text{fill:#1a1f26;pointer-events:none}\n"
	".timeline .h{font-size:16px;font-weight:600}\n"
	".timeline .n{font-size:14px;font-weight:600}\n"
	".timeline .m{fill:#4f5a67}\n"
	".timeline .s{font-size:10.5px}\n"
	".timeline .o{paint-order:stroke;stroke:#fff;stroke-width:3px;stroke-linejoin:round}\n"
	".timeline .bg{fill:#fff}\n"
	".timeline .grid{stroke:#dfe4ea}\n"
	".timeline .rule{stroke:#b9c1ca}\n"
	".timeline .today{stroke:#b3261e;stroke-width:1.5}\n"
	".timeline text.td{fill:#b3261e;font-weight:600}\n"
	".timeline .promote{stroke:#6a2ba8;stroke-dasharray:2 3}\n"
	".timeline .gem{fill:#6a2ba8}\n"
	".timeline text.pr{fill:#5b2391}\n"
	".timeline .staged{fill:#dbe7fb;stroke:#2f62b5}\n"
	".timeline .published{fill:#b4d0f8;stroke:#2f62b5}\n"
	".timeline .live{fill:#1b6b42;stroke:#1b6b42}\n"
	".timeline .retired{fill:#d9dde3;stroke:#69737f}\n"
	".timeline .bad{fill:#a3201a;stroke:#a3201a}\n"
	".timeline text.on{fill:#fff;font-weight:600}\n"
	".timeline .cert{fill:#e0efe5;stroke:#5d9a78}\n"
	".timeline .set{fill:#f8ecd0;stroke:#b08020}\n"
	".timeline .both{fill:#eec35a;stroke:#8a6210}\n"
	".timeline .sign{fill:#a3201a}\n"
	".timeline .bang{fill:none;stroke:#fff;stroke-width:1.5;pointer-events:none}\n"
	".timeline text.w{fill:#8f1711}\n"
	"@media screen and (prefers-color-scheme:dark){\n"
	".timeline{background:#12161c}\n"
	".timeline text{fill:#e6eaf0}\n"
	".timeline .m{fill:#a9b3bf}\n"
	".timeline .o{stroke:#12161c}\n"
	".timeline .bg{fill:#12161c}\n"
	".timeline .grid{stroke:#2a313b}\n"
	".timeline .rule{stroke:#4a5461}\n"
	".timeline .today{stroke:#ff8a80}\n"
	".timeline text.td{fill:#ff9c93}\n"
	".timeline .promote{stroke:#c6a2ee}\n"
	".timeline .gem{fill:#c6a2ee}\n"
	".timeline text.pr{fill:#d3b6f4}\n"
	".timeline .staged{fill:#1d2f4d;stroke:#7fa8e8}\n"
	".timeline .published{fill:#2b4c80;stroke:#7fa8e8}\n"
	".timeline .live{fill:#63c795;stroke:#63c795}\n"
	".timeline .retired{fill:#3a424d;stroke:#8b95a1}\n"
	".timeline .bad{fill:#ff9c93;stroke:#ff9c93}\n"
	".timeline text.on{fill:#06210f}\n"
	".timeline .cert{fill:#173626;stroke:#4c8f6b}\n"
	".timeline .set{fill:#3d3115;stroke:#b08d3c}\n"
	".timeline .both{fill:#6e5310;stroke:#e0b84f}\n"
	".timeline .sign{fill:#ff9c93}\n"
	".timeline .bang{stroke:#12161c}\n"
	".timeline text.w{fill:#ff9c93}\n"
	"}\n";
/* clang-format on */

static int64_t first_of(int year, int month)
{
	char text[WHEN_TEXT_LEN];
	int64_t at;

	snprintf(text, sizeof(text), "%04d-%02d-01", year % 10000, month + 1);
	return when_parse_instant(text, &at) ? at : WHEN_NEVER;
}

/* The beginnings of days, months or years. */
struct ticks {
	int days, months;               /* from one to the next; one of them is 0 */
	int year, month;                /* of the next one, if months are counted */
	int64_t at;
};

static void begin_ticks(struct ticks *k, const struct canvas *d)
{
	static const int steps[] = { 1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200 };
	int64_t days = (d->until_at - d->from_at) / DAY;
	struct date t = canvas_date(d->from_at);
	size_t s = 0;

	*k = (struct ticks){ .year = t.year };
	if (days < 100) {
		k->days = days < 20 ? 1 : days < 40 ? 2 : 7;
		k->at = d->from_at - d->from_at % DAY;
		return;
	}
	while (s + 1 < ARRAY_LEN(steps) && days / 30 / steps[s] > 24)
		s++;
	k->months = steps[s];
	if (k->months < 12)
		k->month = t.month - t.month % k->months;
	else
		k->year -= k->year % (k->months / 12);
	k->at = first_of(k->year, k->month);
}

static void next_tick(struct ticks *k)
{
	if (k->days) {
		k->at = when_add(k->at, k->days * DAY);
		return;
	}
	k->month += k->months;
	k->year += k->month / 12;
	k->month %= 12;
	k->at = first_of(k->year, k->month);
}

static void name_tick(char out[WHEN_TEXT_LEN], const struct ticks *k)
{
	struct date t = canvas_date(k->at);

	if (k->days)
		snprintf(out, WHEN_TEXT_LEN, "%d %s", t.day, month_names[t.month]);
	else if (k->month == 0)
		snprintf(out, WHEN_TEXT_LEN, "%d", t.year);
	else
		snprintf(out, WHEN_TEXT_LEN, "%s", month_names[t.month]);
}

static void draw_grid(struct canvas *d, double y, double to_y, bool again)
{
	double end = LEFT, now = canvas_place(d, d->now);
	struct ticks k;

	for (begin_ticks(&k, d); k.at <= d->until_at; next_tick(&k)) {
		char text[WHEN_TEXT_LEN];
		double x = canvas_place(d, k.at);

		if (k.at <= d->from_at)
			continue;
		name_tick(text, &k);
		canvas_line(d, "grid", x, y, to_y);
		if (x + 4 <= end || x + 4 + canvas_wide(text, SMALL) >= RIGHT)
			continue;
		/* today has a name of its own, with the month */
		if (now > x && now < x + 6 + canvas_wide(text, SMALL))
			continue;
		canvas_put(d, "s m", "start", x + 4, y + 10, text);
		if (again)
			canvas_put(d, "s m", "start", x + 4, to_y - 2, text);
		end = x + 10 + canvas_wide(text, SMALL);
	}
}

static void draw_today(struct canvas *d, double y, double to_y)
{
	struct date t = canvas_date(d->now);
	char *text = mem_format("today, %d %s %d", t.day, month_names[t.month], t.year);
	double x = canvas_place(d, d->now);

	canvas_line(d, "today", x, y - 12, to_y);
	canvas_put(d, "s td o", "start", x + 4, y - 4, text);
	free(text);
}

/* Some of the past, as far as it is known. */
static int64_t begin_at(const struct timeline *t, size_t n, const struct svg_window *w)
{
	int64_t ahead_for = w->until_at - w->now, first_at = w->now, least_at = w->now - ahead_for / 40;

	for (size_t i = 0; i < n; i++)
		if (lanes_begin_at(&t[i]) < first_at)
			first_at = lanes_begin_at(&t[i]) - ahead_for / 80;
	if (first_at < w->now - ahead_for / 6)
		first_at = w->now - ahead_for / 6;
	return first_at < least_at ? first_at : least_at;
}

static void describe(struct buf *out, const struct canvas *d, const struct timeline *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *text = block_outlook(d, &t[i]);

		markup_textf(out, "%s%s: %s", i ? ". " : "", t[i].name, text);
		free(text);
		text = t[i].trouble ? block_trouble(&t[i]) : NULL;
		if (text)
			markup_textf(out, "; %s", text);
		free(text);
		for (size_t k = 0; k < t[i].marks_n; k++) {
			char on[WHEN_TEXT_LEN];

			if (t[i].marks[k].at < d->now || !canvas_has(d, t[i].marks[k].at))
				continue;
			when_format_date(on, t[i].marks[k].at);
			markup_textf(out, "; key %d goes live on %s", t[i].marks[k].key, on);
		}
	}
}

/* What the colours are, beside the axis: as far as they are in the picture. */
static bool has_state(const struct timeline *t, size_t n, enum key_state s, bool compromised)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t[i].keys_n; k++)
			for (size_t j = 0; j < t[i].keys[k].stretches_n; j++)
				if (t[i].keys[k].stretches[j].state == s &&
				    (s != KEY_LIVE || t[i].keys[k].compromised == compromised))
					return true;
	return false;
}

static bool has_set(const struct timeline *t, size_t n, bool of_several)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t[i].sets_n; k++)
			if ((t[i].sets[k].keys_n > 1) == of_several)
				return true;
	return false;
}

static double draw_colour(struct canvas *d, const char *style, double x, double y, const char *text)
{
	buf_addf(d->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"10\"/>\n", style, x, y - 9);
	canvas_put(d, "s m", "start", x + 19, y, text);
	return x + 33 + canvas_wide(text, SMALL);
}

static void draw_colours(struct canvas *d, const struct timeline *t, size_t n, double y)
{
	double x = LEFT;

	buf_add_str(d->out, "<g class=\"colours\">\n");
	for (enum key_state s = 0; s < KEY_STATES_N; s++)
		if (has_state(t, n, s, false))
			x = draw_colour(d, key_state_name(s), x, y, lanes_word(s));
	if (has_state(t, n, KEY_LIVE, true))
		x = draw_colour(d, "bad", x, y, "live, compromised");
	if (x > LEFT)
		x = draw_colour(d, "cert", x, y, "certificate");
	if (has_set(t, n, false))
		x = draw_colour(d, "set", x, y, "TLSA records in the zone");
	if (has_set(t, n, true))
		x = draw_colour(d, "both", x, y, "TLSA records of several keys in the zone");
	if (x > LEFT) {
		canvas_gem(d, x + GEM, y - 4, NULL);
		canvas_put(d, "s m", "start", x + 16, y, "a key goes live");
	}
	buf_add_str(d->out, "</g>\n");
}

static void draw_all(struct canvas *d, const struct timeline *t, size_t n, double height, const char *heading)
{
	double y = HEAD;

	buf_addf(d->out, "<rect class=\"bg\" width=\"%.0f\" height=\"%.0f\"/>\n", CANVAS_WIDTH, height);
	canvas_put(d, "h", "start", LEFT, 24, heading);
	draw_colours(d, t, n, 44);
	draw_grid(d, HEAD - 14, height - 8, n > 3);
	draw_today(d, HEAD - 14, height - FOOT + 8);
	for (size_t i = 0; i < n; i++)
		y = block_draw(d, &t[i], y);
	buf_add(d->out, d->texts.s, d->texts.len);
}

static double height_of(const struct canvas *d, const struct timeline *t, size_t n)
{
	struct buf nowhere;
	struct canvas trial = *d;
	double y = HEAD;

	buf_init(&nowhere, 0);
	trial.out = &nowhere;
	buf_init(&trial.texts, 0);
	for (size_t i = 0; i < n; i++)
		y = block_draw(&trial, &t[i], y);
	buf_free(&trial.texts);
	buf_free(&nowhere);
	return y + FOOT;
}

void svg_timelines(struct buf *out, const struct timeline *t, size_t n, const struct svg_window *w,
		   bool alone)
{
	struct canvas d = { .out = out, .now = w->now, .until_at = w->until_at, .from_at = begin_at(t, n, w) };
	char from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN], *heading;
	double height = height_of(&d, t, n);

	when_format_date(from, d.from_at);
	when_format_date(until, d.until_at);
	heading = mem_format("Keys, certificates and TLSA records, %s to %s (UTC)", from, until);
	buf_init(&d.texts, CANVAS_MAX);
	if (alone)
		buf_add_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	buf_addf(out, "<svg class=\"timeline\" %sviewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		 "aria-labelledby=\"timeline-title timeline-desc\"",
		 alone ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", CANVAS_WIDTH, height);
	if (alone)
		buf_addf(out, " width=\"%.0f\" height=\"%.0f\"", CANVAS_WIDTH, height);
	buf_add_str(out, ">\n<title id=\"timeline-title\">");
	markup_text(out, heading);
	buf_add_str(out, "</title>\n<desc id=\"timeline-desc\">");
	describe(out, &d, t, n);
	buf_add_str(out, "</desc>\n");
	if (alone)
		buf_addf(out, "<style>\n%s</style>\n", svg_style);
	draw_all(&d, t, n, height, heading);
	buf_add_str(out, "</svg>\n");
	buf_free(&d.texts);
	free(heading);
}
