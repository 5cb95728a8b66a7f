/* block.c - where everything of one line stands in the picture.
 *
 * Texts are put only where they fit, the longest of several that does: nothing overlaps, and what finds no
 * room is in the tool tips.  What matters now has the first choice of a place, then what is to come, and then
 * what was.
 * Touches: nothing.
 */
#include "cmd/block.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/cmd.h"
#include "cmd/lanes.h"
#include "cmd/markup.h"

#define NAME_ROW   26.0         /* rows of a block */
#define SIGN_ROW   17.0
#define MARK_ROW   18.0
#define SET_BAR    14.0
#define NOTE_ROW   15.0
#define BLOCK_GAP  12.0

#define NAME_MAX_LEN 48
#define FAR_JUMP     40         /* of a mark's text, with nothing but a line between them */

struct block {
	struct canvas *d;
	const struct timeline *t;
	struct lanes lanes;
	struct row marks, notes;
};

/* The zone, and the days ----------------------------------------------------------------------------- */

static char *keys_text(const struct timeline_set *s)
{
	struct buf b;
	char *text;

	buf_init(&b, CANVAS_MAX);
	buf_addf(&b, "key%s ", s->keys_n == 1 ? "" : "s");
	for (size_t i = 0; i < s->keys_n; i++)
		buf_addf(&b, "%s%d", i ? " + " : "", s->keys[i]);
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

/* What is due now is not done yet. */
static bool is_now_there(const struct canvas *d, const struct timeline_set *s)
{
	return s->from_at < d->now && d->now <= s->until_at;
}

static void note_texts(struct strv *out, const struct canvas *d, const struct timeline_set *s,
		       const char *keys)
{
	const char *what = is_now_there(d, s) ? "in the zone now: TLSA of" : "TLSA of";
	char from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];

	canvas_day(from, d, s->from_at);
	canvas_day(until, d, s->until_at);
	if (canvas_has(d, s->until_at))
		strv_take(out, mem_format("%s %s, %s to %s", what, keys, from, until));
	else
		strv_take(out, mem_format("%s %s from %s", what, keys, from));
	strv_take(out, mem_format("%s %s", what, keys));
}

/* Under the bars there is room for sets that are in the zone for a few days.  Returns true if it was used. */
static bool draw_set(struct block *b, const struct timeline_set *s, double y)
{
	struct canvas *d = b->d;
	double x = canvas_place(d, s->from_at), to_x = canvas_place(d, s->until_at);
	char *keys, *span, *title;
	struct strv texts = { 0 }, notes = { 0 };
	bool noted = false;

	if (s->from_at > d->until_at || s->until_at <= d->from_at)
		return false;
	keys = keys_text(s);
	span = canvas_span(d, s->from_at, s->until_at);
	title = mem_format("in the zone %s: TLSA records of %s", span, keys);
	canvas_bar(d, s->keys_n > 1 ? "both" : "set", x, to_x, y, SET_BAR, title);
	strv_take(&texts, mem_format("in the zone: TLSA records of %s", keys));
	strv_take(&texts, mem_format("TLSA: %s", keys));
	strv_add(&texts, keys);
	/* of those that are narrower than a line can be, nobody can tell one from another */
	if (!canvas_put_in_bar(d, "s", x, to_x, y + 10.7, SMALL, &texts) &&
	    (is_now_there(d, s) || (s->keys_n > 1 && to_x - x >= BAR_LEAST))) {
		note_texts(&notes, d, s, keys);
		noted = row_put_near(&b->notes, d, "s m o", x, to_x, y + SET_BAR + 11, &notes);
	}
	strv_free(&notes);
	strv_free(&texts);
	free(title);
	free(span);
	free(keys);
	return noted;
}

/* Returns where the next thing may begin. */
static double draw_sets(struct block *b, double y)
{
	const struct timeline *t = b->t;
	bool noted = false;
	size_t now = 0;

	while (now < t->sets_n && t->sets[now].until_at < b->d->now)
		now++;
	for (size_t i = 0; i < t->sets_n; i++)
		noted |= draw_set(b, &t->sets[in_turn(i, t->sets_n, now)], y);
	return y + SET_BAR + (noted ? NOTE_ROW : 2);
}

static bool is_marked(const struct canvas *d, const struct timeline *t)
{
	for (size_t i = 0; i < t->marks_n; i++)
		if (canvas_has(d, t->marks[i].at))
			return true;
	return false;
}

static void draw_mark(struct block *b, const struct timeline_mark *m, double y, double to_y)
{
	struct canvas *d = b->d;
	double x = canvas_place(d, m->at);
	char at[WHEN_TEXT_LEN], *title;

	when_format_minute(at, m->at);
	title = mem_format("%s at %s UTC: key %d goes live%s%s", rollover_step_name(m->step), at, m->key,
			   m->why ? ": " : "", m->why ? m->why : "");
	canvas_line(d, "promote", x, y + 8, to_y);
	canvas_gem(d, x, y + 8, title);
	row_take(&b->marks, x - GEM, x + GEM, TAKEN);
	lanes_take_line(&b->lanes, x);
	free(title);
}

static void name_mark(struct block *b, const struct timeline_mark *m, double y)
{
	double x = canvas_place(b->d, m->at);
	struct strv texts = { 0 };
	char on[WHEN_TEXT_LEN];

	canvas_day(on, b->d, m->at);
	strv_take(&texts, mem_format("%s %s: key %d goes live", rollover_step_name(m->step), on, m->key));
	strv_take(&texts, mem_format("%s: key %d live", on, m->key));
	strv_add(&texts, on);
	/* each of them on one side or the other before a shorter one; and close to it before far away */
	for (size_t i = 0; i < texts.n * 2; i++) {
		const struct strv one = { &texts.v[i / 2], 1 };
		int jump = i % 2 ? FAR_JUMP : JUMP;

		if (row_put_after(&b->marks, b->d, "s pr o", x + GEM + 3, jump, y + 12, &one) ||
		    row_put_before(&b->marks, b->d, "s pr o", x - GEM - 3, jump, y + 12, &one))
			break;
	}
	strv_free(&texts);
}

static void draw_marks(struct block *b, double y, double to_y)
{
	const struct timeline *t = b->t;
	size_t now = 0;

	for (size_t i = 0; i < t->marks_n; i++)
		if (canvas_has(b->d, t->marks[i].at))
			draw_mark(b, &t->marks[i], y, to_y);
	while (now < t->marks_n && t->marks[now].at < b->d->now)
		now++;
	for (size_t i = 0; i < t->marks_n; i++) {
		const struct timeline_mark *m = &t->marks[in_turn(i, t->marks_n, now)];

		if (canvas_has(b->d, m->at))
			name_mark(b, m, y);
	}
}

/* Blocks --------------------------------------------------------------------------------------------- */

char *block_outlook(const struct canvas *d, const struct timeline *t)
{
	const char *phase, *step = rollover_step_name(t->next.step);
	char on[DAY_TEXT_LEN], *why, *text;

	if (t->error)
		return mem_copy_str(t->error);
	phase = rollover_phase_name(t->phase);
	why = forecast_reason(&t->next, t->held);
	canvas_day(on, d, t->next.at);
	if (t->next.step == DO_NOTHING)
		text = mem_format("%s; nothing comes by time alone: %s", phase, why);
	else if (t->next.at <= d->now)
		text = mem_format("%s; next: %s, at the next run%s %s", phase, step, t->held ? ";" : ":", why);
	else
		text = mem_format("%s; next: %s on %s%s %s", phase, step, on, t->held ? ";" : ":", why);
	free(why);
	return text;
}

static void draw_name(struct canvas *d, const struct timeline *t, double y)
{
	char *name = markup_cut(t->name, NAME_MAX_LEN), *text = block_outlook(d, t), *cut;

	cut = canvas_cut(text, RIGHT - LEFT - 12 - canvas_wide(name, 15), BIG);
	buf_addf(&d->texts, "<text x=\"%.1f\" y=\"%.1f\"><tspan class=\"n\">", LEFT, y + 18);
	markup_text(&d->texts, name);
	buf_add_str(&d->texts, "</tspan>");
	if (!t->error) {
		buf_add_str(&d->texts, "<tspan class=\"m\" dx=\"12\">");
		markup_text(&d->texts, cut);
		buf_add_str(&d->texts, "</tspan>");
	}
	buf_add_str(&d->texts, "</text>\n");
	buf_addf(d->out, "<rect class=\"bg\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", LEFT, y + 4,
		 RIGHT - LEFT, NAME_ROW - 6);
	buf_add_str(d->out, "<title>");
	markup_textf(d->out, "%s: %s", t->name, text);
	buf_add_str(d->out, "</title></rect>\n");
	free(cut);
	free(text);
	free(name);
}

char *block_trouble(const struct timeline *t)
{
	char *all, *text;

	if (t->error)
		return mem_format("cannot be read: %s", t->error);
	if (!t->trouble)
		return NULL;
	all = strv_join(t->trouble, "; ");
	text = mem_format("needs attention: %s", all);
	free(all);
	return text;
}

/* What is wrong with the line: a sign that says it, and a text.  Returns the height that it took. */
static double draw_sign(struct canvas *d, const struct timeline *t, double y)
{
	char *text = block_trouble(t), *cut;

	if (!text)
		return 0;
	cut = canvas_cut(text, RIGHT - LEFT - 18, BIG);
	/* nothing runs through it either */
	buf_addf(d->out, "<rect class=\"bg\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", LEFT,
		 y - 2, RIGHT - LEFT, SIGN_ROW);
	canvas_sign(d, LEFT, y, text);
	canvas_put(d, "w", "start", LEFT + 18, y + 11, cut);
	free(cut);
	free(text);
	return SIGN_ROW;
}

double block_draw(struct canvas *d, const struct timeline *t, double y)
{
	double top, keys, zone, now = canvas_place(d, d->now);
	struct block b = { .d = d, .t = t };

	canvas_rule(d, y);
	draw_name(d, t, y);
	top = y + NAME_ROW + draw_sign(d, t, y + NAME_ROW);
	if (t->error)
		return top + BLOCK_GAP / 2;
	lanes_init(&b.lanes, d, t);
	keys = top + (is_marked(d, t) ? MARK_ROW : 2);
	zone = keys + (double)b.lanes.n * LANE_ROW;
	row_take_line(&b.marks, now);
	row_take_line(&b.notes, now);
	lanes_take_line(&b.lanes, now);
	draw_marks(&b, top, zone + (t->sets_n ? SET_BAR : -8));
	lanes_draw(&b.lanes, keys);
	lanes_free(&b.lanes);
	return (t->sets_n ? draw_sets(&b, zone) : zone) + BLOCK_GAP;
}
