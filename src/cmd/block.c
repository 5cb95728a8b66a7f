/* block.c - where everything of one line stands in the picture.
 *
 * A key has one lane from its making to its end; a lane is used again when the key before is gone.  Texts are
 * put only where they fit, the longest of several that does: nothing overlaps, and what finds no room is in
 * the tool tips.
 * Touches: nothing.
 */
#include "cmd/block.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/cmd.h"
#include "cmd/markup.h"

#define NAME_ROW   26.0         /* rows of a block */
#define MARK_ROW   18.0
#define KEY_BAR    20.0
#define CERT_BAR   14.0
#define LANE_ROW   (KEY_BAR + 2 + CERT_BAR + 8)
#define SET_BAR    14.0
#define NOTE_ROW   15.0
#define BLOCK_GAP  12.0

#define NAME_MAX_LEN 48
#define LANES_MAX    12

/* "from 4 Jul to 6 Jul", for tool tips with the minute. */
static char *span_text(int64_t from_at, int64_t until_at, const struct canvas *d)
{
	char from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];

	when_format_minute(from, from_at);
	when_format_minute(until, until_at);
	if (until_at > d->until_at)
		return mem_format("from %s UTC on", from);
	return mem_format("from %s to %s UTC", from, until);
}

/* Keys ---------------------------------------------------------------------------------------------- */

static int64_t begin_of(const struct timeline_key *k)
{
	return k->stretches[0].from_at;
}

static int64_t end_of(const struct timeline_key *k)
{
	return k->stretches[k->stretches_n - 1].until_at;
}

static bool visible(const struct canvas *d, const struct timeline_key *k)
{
	return k->stretches_n && begin_of(k) <= d->until_at && end_of(k) > d->from_at;
}

static const struct stretch *stretch_of(const struct timeline_key *k, enum key_state state)
{
	for (size_t i = 0; i < k->stretches_n; i++)
		if (k->stretches[i].state == state)
			return &k->stretches[i];
	return NULL;
}

static void draw_stretch(struct canvas *d, const struct timeline_key *k, const struct stretch *s, double y)
{
	static const char *const says[] = {
		[KEY_STAGED] = "is staged, its records are not published",
		[KEY_PUBLISHED] = "is staged, its records are published",
		[KEY_LIVE] = "is live",
		[KEY_RETIRED] = "is retired, its records are still published",
	};
	char *span = span_text(s->from_at, s->until_at, d);
	char *title = mem_format("key %d %s %s%s%s%s", k->number, says[s->state], span, s->why ? ": " : "",
				 s->why ? s->why : "", k->compromised ? " (compromised)" : "");

	canvas_bar(d, k->compromised && s->state == KEY_LIVE ? "bad" : key_state_name(s->state),
		   canvas_place(d, s->from_at), canvas_place(d, s->until_at), y, KEY_BAR, title);
	free(title);
	free(span);
}

static void name_stretch(struct canvas *d, const struct timeline_key *k, const struct stretch *s, double y)
{
	const char *bad = k->compromised ? ", compromised" : "";
	char from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];
	struct strv texts = { 0 };

	canvas_day(from, d, s->from_at);
	canvas_day(until, d, s->until_at);
	if (s->state == KEY_LIVE && canvas_has(d, s->until_at))
		strv_take(&texts, mem_format("key %d live%s, %s to %s", k->number, bad, from, until));
	if (s->state == KEY_LIVE)
		strv_take(&texts, mem_format("key %d live%s since %s", k->number, bad, from));
	else
		strv_take(&texts, mem_format("key %d %s %s", k->number, key_state_name(s->state), from));
	strv_take(&texts, mem_format("key %d %s", k->number, key_state_name(s->state)));
	strv_take(&texts, mem_format("key %d", k->number));
	canvas_put_in_bar(d, s->state == KEY_LIVE ? "on" : "", canvas_place(d, s->from_at),
			  canvas_place(d, s->until_at), y + 14, BOLD, &texts);
	strv_free(&texts);
}

/* Beside a bar: how long before it went live it was published, and after, when its records go. */
static char *before_text(const struct timeline_key *k)
{
	const struct stretch *live = stretch_of(k, KEY_LIVE);
	const struct stretch *first = &k->stretches[0], *published = stretch_of(k, KEY_PUBLISHED);
	char rough[WHEN_TEXT_LEN];

	if (!live || first == live)
		return NULL;
	if (published && published < live)
		first = published;
	when_format_rough(rough, live->from_at - first->from_at);
	return mem_format("%s %s before", published == first ? "published" : "staged", rough);
}

static char *after_text(const struct canvas *d, const struct timeline_key *k)
{
	const struct stretch *s = &k->stretches[k->stretches_n - 1];
	char until[WHEN_TEXT_LEN];

	if (s->until_at > d->until_at)
		return NULL;
	canvas_day(until, d, s->until_at);
	if (k->zone_from_at != WHEN_NEVER)
		return mem_format("records gone %s", until);
	return mem_format("gone %s", until);
}

static void cert_title(struct buf *out, const struct canvas *d, const struct timeline_key *k,
		       const struct timeline_cert *c)
{
	char from[WHEN_TEXT_LEN], ends[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];

	when_format_minute(from, c->from_at);
	when_format_minute(ends, c->ends_at);
	when_format_minute(until, c->until_at);
	buf_addf(out, "certificate for key %d from %s, valid until %s", k->number, from, ends);
	if (c->until_at < c->ends_at && c->until_at <= d->until_at)
		buf_addf(out, ", in use until %s", until);
	buf_addf(out, " UTC%s", c->stand_in ? ", a stand-in until the CA has answered" : "");
}

static void name_cert(struct canvas *d, const struct timeline_cert *c, bool renewed, double x, double to_x,
		      double y)
{
	char ends[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];
	struct strv texts = { 0 };

	canvas_day(ends, d, c->ends_at);
	canvas_day(until, d, c->until_at);
	if (renewed && canvas_has(d, c->until_at)) {
		strv_take(&texts, mem_format("certificate until %s, renewed %s", ends, until));
		strv_take(&texts, mem_format("to %s, renewed %s", ends, until));
		strv_take(&texts, mem_format("renewed %s", until));
	} else {
		strv_take(&texts, mem_format("certificate until %s", ends));
		strv_take(&texts, mem_format("until %s", ends));
	}
	canvas_put_in_bar(d, "s", x, to_x, y + 10.7, SMALL, &texts);
	strv_free(&texts);
}

/* Those that are too narrow to be told apart are one bar. */
static void draw_certs(struct canvas *d, const struct timeline_key *k, double y)
{
	for (size_t i = 0, next; i < k->certs_n; i = next) {
		const struct timeline_cert *c = &k->certs[i];
		double x = canvas_place(d, c->from_at), to_x = canvas_place(d, c->until_at);
		struct buf title;

		next = i + 1;
		if (c->from_at > d->until_at || c->until_at <= d->from_at)
			continue;
		buf_init(&title, CANVAS_MAX);
		while (next < k->certs_n && to_x - x < 3) {
			to_x = canvas_place(d, k->certs[next].until_at);
			next++;
		}
		if (next > i + 1)
			buf_addf(&title, "%zu certificates for key %d, one after the other", next - i, k->number);
		else
			cert_title(&title, d, k, c);
		canvas_bar(d, "cert", x, to_x, y, CERT_BAR, title.s);
		if (next == i + 1)
			name_cert(d, c, next < k->certs_n, x, to_x, y);
		buf_free(&title);
	}
}

static double bar_end(const struct canvas *d, const struct timeline_key *k)
{
	double x = canvas_place(d, begin_of(k)), to_x = canvas_place(d, end_of(k));

	return to_x - x < BAR_LEAST ? x + BAR_LEAST : to_x;
}

struct lane {
	double  end;                    /* of its last bar, and the text after it */
	int64_t free_at;
};

/* The lane that has been free for the longest time: so there is most room for texts. */
static size_t lane_for(struct lane *lanes, size_t *n, int64_t at)
{
	size_t best = *n;

	for (size_t i = 0; i < *n; i++)
		if (lanes[i].free_at < at && (best == *n || lanes[i].free_at < lanes[best].free_at))
			best = i;
	if (best == *n && *n < LANES_MAX)
		lanes[(*n)++] = (struct lane){ .end = LEFT };
	return best < *n ? best : *n - 1;
}

/* Which lane each key has; how many there are. */
static size_t assign_lanes(size_t *of, const struct canvas *d, const struct timeline *t)
{
	struct lane lanes[LANES_MAX] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < t->keys_n; i++) {
		if (!visible(d, &t->keys[i]))
			continue;
		of[i] = lane_for(lanes, &n, begin_of(&t->keys[i]));
		lanes[of[i]].free_at = end_of(&t->keys[i]);
	}
	return n;
}

/* Where the next bar of the same lane begins. */
static double next_begin(const struct canvas *d, const struct timeline *t, const size_t *of, size_t i)
{
	for (size_t k = i + 1; k < t->keys_n; k++)
		if (visible(d, &t->keys[k]) && of[k] == of[i])
			return canvas_place(d, begin_of(&t->keys[k]));
	return RIGHT;
}

static void draw_key(struct canvas *d, const struct timeline *t, const size_t *of, size_t i,
		     struct lane *lane, double y)
{
	const struct timeline_key *k = &t->keys[i];
	char *before = before_text(k), *after = after_text(d, k);
	double x = canvas_place(d, begin_of(k)), to_x = bar_end(d, k);

	for (size_t s = 0; s < k->stretches_n; s++) {
		if (k->stretches[s].from_at > d->until_at || k->stretches[s].until_at <= d->from_at)
			continue;
		draw_stretch(d, k, &k->stretches[s], y);
		name_stretch(d, k, &k->stretches[s], y);
	}
	if (before && canvas_has(d, begin_of(k)) && x - lane->end > canvas_wide(before, SMALL) + 12)
		canvas_put(d, "s m o", "end", x - 5, y + 14, before);
	lane->end = to_x;
	if (after && next_begin(d, t, of, i) - to_x > canvas_wide(after, SMALL) + 12) {
		canvas_put(d, "s m o", "start", to_x + 5, y + 14, after);
		lane->end = to_x + 5 + canvas_wide(after, SMALL);
	}
	draw_certs(d, k, y + KEY_BAR + 2);
	free(before);
	free(after);
}

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

/* A text in the row under the bars, near x; false: it finds no room there. */
static bool put_note(struct canvas *d, double *end, double x, double y, const char *text)
{
	double width = canvas_wide(text, SMALL), at = x - width / 2;

	if (at < *end + 6)
		at = *end + 6;
	if (at + width > RIGHT)
		at = RIGHT - width;
	if (at < *end + 6 || at > x || at + width < x)
		return false;
	canvas_put(d, "s m o", "start", at, y, text);
	*end = at + width;
	return true;
}

/* Returns where the next thing may begin. */
static double draw_sets(struct canvas *d, const struct timeline *t, double y)
{
	double end = LEFT - 6;
	bool noted = false;

	for (size_t i = 0; i < t->sets_n; i++) {
		const struct timeline_set *s = &t->sets[i];
		double x = canvas_place(d, s->from_at), to_x = canvas_place(d, s->until_at);
		char *keys, *span, *title, *note, from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];
		struct strv texts = { 0 };

		if (s->from_at > d->until_at || s->until_at <= d->from_at)
			continue;
		keys = keys_text(s);
		span = span_text(s->from_at, s->until_at, d);
		title = mem_format("in the zone %s: TLSA records of %s", span, keys);
		canvas_bar(d, s->keys_n > 1 ? "both" : "set", x, to_x, y, SET_BAR, title);
		strv_take(&texts, mem_format("in the zone: TLSA records of %s", keys));
		strv_take(&texts, mem_format("TLSA: %s", keys));
		strv_add(&texts, keys);
		if (!canvas_put_in_bar(d, "s", x, to_x, y + 10.7, SMALL, &texts) && s->keys_n > 1) {
			canvas_day(from, d, s->from_at);
			canvas_day(until, d, s->until_at);
			note = canvas_has(d, s->until_at) ? mem_format("TLSA of %s, %s to %s", keys, from, until)
						      : mem_format("TLSA of %s from %s", keys, from);
			noted |= put_note(d, &end, (x + to_x) / 2, y + SET_BAR + 11, note);
			free(note);
		}
		strv_free(&texts);
		free(title);
		free(span);
		free(keys);
	}
	return y + SET_BAR + (noted ? NOTE_ROW : 2);
}

static bool is_marked(const struct canvas *d, const struct timeline *t)
{
	for (size_t i = 0; i < t->marks_n; i++)
		if (canvas_has(d, t->marks[i].at))
			return true;
	return false;
}

static double mark_begin(const struct canvas *d, const struct timeline *t, size_t i)
{
	return i < t->marks_n && canvas_has(d, t->marks[i].at) ? canvas_place(d, t->marks[i].at) - 6 : RIGHT;
}

static void draw_marks(struct canvas *d, const struct timeline *t, double y, double to_y)
{
	double end = LEFT;

	for (size_t i = 0; i < t->marks_n; i++) {
		const struct timeline_mark *m = &t->marks[i];
		double x = canvas_place(d, m->at);
		char on[WHEN_TEXT_LEN], at[WHEN_TEXT_LEN], *title;
		struct strv texts = { 0 };
		const char *text;

		if (!canvas_has(d, m->at))
			continue;
		canvas_day(on, d, m->at);
		when_format_minute(at, m->at);
		title = mem_format("%s at %s UTC: key %d goes live%s%s", rollover_step_name(m->step), at, m->key,
				   m->why ? ": " : "", m->why ? m->why : "");
		canvas_line(d, "promote", x, y + 8, to_y);
		buf_addf(d->out, "<path class=\"gem\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\">", x, y + 3);
		canvas_tip(d->out, title);
		buf_add_str(d->out, "</path>\n");
		strv_take(&texts, mem_format("%s %s: key %d goes live", rollover_step_name(m->step), on, m->key));
		strv_take(&texts, mem_format("%s: key %d live", on, m->key));
		strv_add(&texts, on);
		text = canvas_fitting(&texts, mark_begin(d, t, i + 1) - x - 14, SMALL);
		if (text) {
			canvas_put(d, "s pr o", "start", x + 8, y + 12, text);
			end = x + 8 + canvas_wide(text, SMALL);
		} else {
			text = canvas_fitting(&texts, x - 14 - end, SMALL);
			if (text)
				canvas_put(d, "s pr o", "end", x - 8, y + 12, text);
			end = x + 6;
		}
		strv_free(&texts);
		free(title);
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

	cut = markup_cut(text, (size_t)((RIGHT - LEFT - canvas_wide(name, 18)) / canvas_wide("x", BIG)));
	buf_addf(&d->texts, "<text x=\"%.1f\" y=\"%.1f\"><tspan class=\"n\">", LEFT, y + 18);
	markup_text(&d->texts, name);
	buf_add_str(&d->texts, "</tspan><tspan class=\"m\" dx=\"12\">");
	markup_text(&d->texts, cut);
	buf_add_str(&d->texts, "</tspan></text>\n");
	buf_addf(d->out, "<rect class=\"bg\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">", LEFT, y + 4,
		 RIGHT - LEFT, NAME_ROW - 6);
	buf_add_str(d->out, "<title>");
	markup_textf(d->out, "%s: %s", t->name, text);
	buf_add_str(d->out, "</title></rect>\n");
	free(cut);
	free(text);
	free(name);
}

double block_draw(struct canvas *d, const struct timeline *t, double y)
{
	size_t *of = mem_array(t->keys_n, sizeof(*of));
	struct lane lanes[LANES_MAX];
	size_t lanes_n = assign_lanes(of, d, t);
	double top = y + NAME_ROW, keys = top + (is_marked(d, t) ? MARK_ROW : 2);
	double zone = keys + (double)lanes_n * LANE_ROW;

	for (size_t i = 0; i < LANES_MAX; i++)
		lanes[i] = (struct lane){ .end = LEFT };
	canvas_rule(d, y);
	draw_name(d, t, y);
	if (t->error) {
		free(of);
		return top + BLOCK_GAP / 2;
	}
	draw_marks(d, t, top, zone + (t->sets_n ? SET_BAR : -8));
	for (size_t i = 0; i < t->keys_n; i++)
		if (visible(d, &t->keys[i]))
			draw_key(d, t, of, i, &lanes[of[i]], keys + (double)of[i] * LANE_ROW);
	free(of);
	return (t->sets_n ? draw_sets(d, t, zone) : zone) + BLOCK_GAP;
}

int64_t block_begin_at(const struct timeline *t)
{
	return t->keys_n && t->keys[0].stretches_n ? begin_of(&t->keys[0]) : WHEN_NEVER;
}
