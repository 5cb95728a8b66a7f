/* lanes.c - where the bars of keys and certificates stand, and what they are called.
 *
 * A key has one lane from its making to its end; a lane is used again when the key before is gone.
 * Touches: nothing.
 */
#include "cmd/lanes.h"

#include "base/mem.h"
#include "base/when.h"

#define KEY_BAR  20.0
#define CERT_BAR 14.0

const char *lanes_word(enum key_state s)
{
	return s == KEY_RETIRED ? "kept" : key_state_name(s);
}

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

static const char *says(const struct timeline_key *k, enum key_state s)
{
	switch (s) {
	case KEY_STAGED:
		return "is staged, its records are not published";
	case KEY_PUBLISHED:
		return "is staged, its records are published";
	case KEY_LIVE:
		return "is live";
	case KEY_RETIRED:
		return k->zone_from_at == WHEN_NEVER ? "is kept, another key is live"
						     : "is kept, its records are still published";
	case KEY_STATES_N:
		break;
	}
	return "";
}

static void draw_stretch(struct canvas *d, const struct timeline_key *k, const struct stretch *s, double y)
{
	char *span = canvas_span(d, s->from_at, s->until_at);
	char *title = mem_format("key %d %s %s%s%s%s", k->number, says(k, s->state), span, s->why ? ": " : "",
				 s->why ? s->why : "", k->compromised ? " (compromised)" : "");

	canvas_bar(d, k->compromised && s->state == KEY_LIVE ? "bad" : key_state_name(s->state),
		   canvas_place(d, s->from_at), canvas_place(d, s->until_at), y, KEY_BAR, title);
	free(title);
	free(span);
}

/* Returns true if the key's number is in it. */
static bool name_stretch(struct canvas *d, const struct timeline_key *k, const struct stretch *s, double y)
{
	const char *bad = k->compromised ? ", compromised" : "", *word = lanes_word(s->state);
	double x = canvas_place(d, s->from_at), to_x = canvas_place(d, s->until_at);
	char from[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];
	const char *style = s->state == KEY_LIVE ? "on" : "", *small = s->state == KEY_LIVE ? "s on" : "s";
	struct strv texts = { 0 };
	bool named;

	canvas_day(from, d, s->from_at);
	canvas_day(until, d, s->until_at);
	if (s->state == KEY_LIVE && canvas_has(d, s->until_at))
		strv_take(&texts, mem_format("key %d live%s, %s to %s", k->number, bad, from, until));
	strv_take(&texts, mem_format("key %d %s%s since %s", k->number, word, s->state == KEY_LIVE ? bad : "",
				     from));
	strv_take(&texts, mem_format("key %d %s", k->number, word));
	named = canvas_put_in_bar(d, style, x, to_x, y + 14, BOLD, &texts) ||
		canvas_put_in_bar(d, small, x, to_x, y + 13.5, SMALL, &texts);
	strv_free(&texts);
	if (named)
		return true;
	/* what it is, and who it is from its neighbours */
	strv_add(&texts, *bad && s->state == KEY_LIVE ? bad + strlen(", ") : word);
	if (canvas_put_in_bar(d, small, x, to_x, y + 13.5, SMALL, &texts)) {
		strv_free(&texts);
		return false;
	}
	strv_free(&texts);
	strv_take(&texts, mem_format("key %d", k->number));
	named = canvas_put_in_bar(d, small, x, to_x, y + 13.5, SMALL, &texts);
	strv_free(&texts);
	return named;
}

/* Beside a bar: how long before it went live it was published, and after, until when it is kept.  A key whose
 * bar had no room for its number has that here. */
static void before_texts(struct strv *out, const struct canvas *d, const struct timeline_key *k, bool named)
{
	const struct stretch *live = stretch_of(k, KEY_LIVE);
	const struct stretch *first = &k->stretches[0], *published = stretch_of(k, KEY_PUBLISHED);
	const char *word = published && (!live || published < live) ? "published" : "staged";
	char rough[WHEN_TEXT_LEN];

	if (first == live || first->state == KEY_RETIRED || (!live && named))
		return;
	if (live) {
		if (published && published < live)
			first = published;
		when_format_rough(rough, live->from_at - first->from_at);
		if (!named)
			strv_take(out, mem_format("key %d, %s %s before", k->number, word, rough));
		strv_take(out, mem_format("%s %s before", word, rough));
	} else {
		strv_take(out, mem_format("key %d, %s", k->number, word));
	}
	if (!named)
		strv_take(out, mem_format("key %d", k->number));
	/* a bar that has room for it says so itself */
	if (canvas_place(d, first->until_at) - canvas_place(d, first->from_at) < canvas_wide(word, SMALL) + 10)
		strv_add(out, word);
}

static void after_texts(struct strv *out, const struct canvas *d, const struct timeline_key *k, bool named)
{
	const struct stretch *s = &k->stretches[k->stretches_n - 1];
	const char *word = s->state == KEY_RETIRED ? "kept until" : s->state == KEY_LIVE ? "gone" : "removed";
	const char *bad = k->compromised ? " (compromised)" : "";
	char until[WHEN_TEXT_LEN];

	canvas_day(until, d, s->until_at);
	if (!named && s->until_at <= d->until_at) {
		strv_take(out, mem_format("key %d%s, %s %s", k->number, bad, word, until));
		strv_take(out, mem_format("key %d, %s %s", k->number, word, until));
	}
	if (s->until_at <= d->until_at) {
		strv_take(out, mem_format("%s %s", word, until));
		if (s->state == KEY_RETIRED)
			strv_add(out, "kept");
	}
	if (!named)
		strv_take(out, mem_format("key %d", k->number));
}

static void cert_title(struct buf *out, const struct canvas *d, const struct timeline_key *k,
		       const struct timeline_cert *c)
{
	char from[WHEN_TEXT_LEN], ends[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];

	when_format_minute(from, c->from_at);
	when_format_minute(ends, c->ends_at);
	when_format_minute(until, c->until_at);
	buf_addf(out, "certificate for key %d from %s", k->number, from);
	if (c->ends_at != WHEN_NEVER)
		buf_addf(out, ", valid until %s", ends);
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
	if (c->ends_at == WHEN_NEVER) {
		strv_take(&texts, renewed ? mem_format("certificate, renewed %s", until)
					  : mem_copy_str("certificate"));
		strv_take(&texts, renewed ? mem_format("renewed %s", until) : mem_copy_str("certificate"));
	} else if (renewed && canvas_has(d, c->until_at)) {
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

static double cert_wide(const struct canvas *d, const struct timeline_cert *c)
{
	return canvas_place(d, c->until_at) - canvas_place(d, c->from_at);
}

/* Those that are too narrow to be told apart are one bar. */
static void draw_certs(struct canvas *d, const struct timeline_key *k, double y)
{
	for (size_t i = 0, next; i < k->certs_n; i = next) {
		const struct timeline_cert *c = &k->certs[i];
		/* one that is older than its key's time here is under the key's bar all the same */
		int64_t from_at = c->from_at > begin_of(k) ? c->from_at : begin_of(k);
		double x = canvas_place(d, from_at), to_x = canvas_place(d, c->until_at);
		struct buf title;

		next = i + 1;
		if (from_at > d->until_at || c->until_at <= d->from_at || c->until_at < begin_of(k))
			continue;
		buf_init(&title, CANVAS_MAX);
		while (next < k->certs_n && to_x - x < 3 && cert_wide(d, &k->certs[next]) < 3)
			to_x = canvas_place(d, k->certs[next++].until_at);
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

/* The lane that has been free for the longest time: so there is most room for texts. */
static size_t lane_for(const int64_t *free_at, size_t n, int64_t at)
{
	size_t best = n;

	for (size_t i = 0; i < n; i++)
		if (free_at[i] < at && (best == n || free_at[i] < free_at[best]))
			best = i;
	return best == n && n == LANES_MAX ? n - 1 : best;
}

void lanes_init(struct lanes *l, struct canvas *d, const struct timeline *t)
{
	int64_t free_at[LANES_MAX] = { 0 };

	*l = (struct lanes){ .d = d, .t = t, .of = mem_array(t->keys_n, sizeof(*l->of)) };
	for (size_t i = 0; i < t->keys_n; i++) {
		if (!visible(d, &t->keys[i]))
			continue;
		l->of[i] = lane_for(free_at, l->n, begin_of(&t->keys[i]));
		if (l->of[i] == l->n)
			l->n++;
		free_at[l->of[i]] = end_of(&t->keys[i]);
	}
}

void lanes_free(struct lanes *l)
{
	free(l->of);
	*l = (struct lanes){ 0 };
}

void lanes_take_line(struct lanes *l, double x)
{
	for (size_t i = 0; i < l->n; i++)
		row_take_line(&l->rows[i], x);
}

static void draw_bars(struct lanes *l, size_t i, double y)
{
	const struct timeline_key *k = &l->t->keys[i];

	for (size_t s = 0; s < k->stretches_n; s++)
		if (k->stretches[s].from_at <= l->d->until_at && k->stretches[s].until_at > l->d->from_at)
			draw_stretch(l->d, k, &k->stretches[s], y);
	draw_certs(l->d, k, y + KEY_BAR + 2);
	row_take(&l->rows[l->of[i]], canvas_place(l->d, begin_of(k)), bar_end(l->d, k), TAKEN);
}

static void name_key(struct lanes *l, size_t i, double y)
{
	const struct timeline_key *k = &l->t->keys[i];
	struct row *row = &l->rows[l->of[i]];
	struct canvas *d = l->d;
	struct strv texts = { 0 };
	bool named = false;
	const char *put;

	for (size_t s = 0; s < k->stretches_n; s++)
		if (k->stretches[s].from_at <= d->until_at && k->stretches[s].until_at > d->from_at)
			named |= name_stretch(d, k, &k->stretches[s], y);
	after_texts(&texts, d, k, named);
	put = row_put_after(row, d, "s m o", bar_end(d, k) + 5, JUMP, y + 14, &texts);
	named |= put && strncmp(put, "key", 3) == 0;
	strv_free(&texts);
	if (!canvas_has(d, begin_of(k)))
		return;
	before_texts(&texts, d, k, named);
	row_put_before(row, d, "s m o", canvas_place(d, begin_of(k)) - 5, JUMP, y + 14, &texts);
	strv_free(&texts);
}

void lanes_draw(struct lanes *l, double y)
{
	const struct timeline *t = l->t;
	size_t now = 0;

	for (size_t i = 0; i < t->keys_n; i++)
		if (visible(l->d, &t->keys[i]))
			draw_bars(l, i, y + (double)l->of[i] * LANE_ROW);
	while (now < t->keys_n && (!t->keys[now].stretches_n || end_of(&t->keys[now]) <= l->d->now))
		now++;
	for (size_t n = 0; n < t->keys_n; n++) {
		size_t i = in_turn(n, t->keys_n, now);

		if (visible(l->d, &t->keys[i]))
			name_key(l, i, y + (double)l->of[i] * LANE_ROW);
	}
}

int64_t lanes_begin_at(const struct timeline *t)
{
	return t->keys_n && t->keys[0].stretches_n ? begin_of(&t->keys[0]) : WHEN_NEVER;
}
