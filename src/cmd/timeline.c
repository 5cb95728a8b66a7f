/* timeline.c - from a ledger to what was, from the rule table to what will be.
 *
 * The keys of a timeline stand in the order in which they were made.  While it is made, the last stretch of a
 * key that is not over is open (until WHEN_NEVER), and so are its last certificate and its time in the zone.
 * Touches: history.jsonl of a line, reading only.
 */
#include "cmd/timeline.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/cmd.h"

static const char *const state_names[] = {
	[KEY_STAGED] = "staged",
	[KEY_PUBLISHED] = "published",
	[KEY_LIVE] = "live",
	[KEY_RETIRED] = "retired",
};
_Static_assert(ARRAY_LEN(state_names) == KEY_STATES_N, "a name for each state");

const char *key_state_name(enum key_state s)
{
	return state_names[s];
}

/* Growing lists ----------------------------------------------------------------------------------- */

/* Room for one more of n. */
static void *grown(void *v, size_t n, size_t size)
{
	return n & (n - 1) ? v : mem_resize(v, n ? n * 2 : 1, size);
}

static struct timeline_key *add_key(struct timeline *t, int number)
{
	struct timeline_key *k;

	t->keys = grown(t->keys, t->keys_n, sizeof(*t->keys));
	k = &t->keys[t->keys_n++];
	*k = (struct timeline_key){ .number = number, .zone_from_at = WHEN_NEVER, .zone_until_at = WHEN_NEVER };
	return k;
}

/* One that has no length is not worth a place. */
static void close_stretch(struct timeline_key *k, int64_t at)
{
	struct stretch *s = k->stretches_n ? &k->stretches[k->stretches_n - 1] : NULL;

	if (!s || s->until_at != WHEN_NEVER)
		return;
	s->until_at = at;
	if (s->from_at >= at)
		k->stretches_n--;
}

static void begin_stretch(struct timeline_key *k, enum key_state state, int64_t at, const char *why)
{
	close_stretch(k, at);
	k->stretches = grown(k->stretches, k->stretches_n, sizeof(*k->stretches));
	k->stretches[k->stretches_n++] = (struct stretch){ state, at, WHEN_NEVER, why };
}

static void close_cert(struct timeline_key *k, int64_t at)
{
	struct timeline_cert *c = k->certs_n ? &k->certs[k->certs_n - 1] : NULL;

	if (c && c->until_at > at)
		c->until_at = at > c->from_at ? at : c->from_at;
}

static void add_cert(struct timeline_key *k, int64_t from_at, int64_t ends_at, bool stand_in)
{
	close_cert(k, from_at);
	k->certs = grown(k->certs, k->certs_n, sizeof(*k->certs));
	k->certs[k->certs_n++] = (struct timeline_cert){ from_at, ends_at, ends_at, stand_in };
}

static void add_mark(struct timeline *t, int64_t at, enum step step, int key, const char *why)
{
	t->marks = grown(t->marks, t->marks_n, sizeof(*t->marks));
	t->marks[t->marks_n++] = (struct timeline_mark){ at, step, key, why };
}

/* The past ------------------------------------------------------------------------------------------ */

/* All of its records were acknowledged; 0: not all were, or none is there.  *there: one is. */
static int64_t published(bool *there, const struct set *s, int keyset)
{
	int64_t at = 0;

	*there = false;
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].keyset != keyset)
			continue;
		*there = true;
		if (!s->v[i].published_at)
			return 0;
		if (s->v[i].published_at > at)
			at = s->v[i].published_at;
	}
	return at;
}

static void remember_zone(struct timeline_key *k, const struct line *l, const struct keyset *was)
{
	bool there;
	int64_t at = published(&there, &l->ledger.set, was->id);

	if (!l->policy.publishes)
		return;
	if (there) {
		k->zone_from_at = at ? at : WHEN_NEVER;
	} else if (was->removed_at && was->live_at) {
		/* its records are forgotten; they were there at the latest when it went live */
		k->zone_from_at = was->live_at;
		k->zone_until_at = was->removed_at;
	}
}

/* The certificates before the one that is known, as far as the log has them. */
static void remember_certs(struct timeline_key *k, const struct generation *g,
			   const struct history_rows *past)
{
	int64_t from_at, until_at;
	int gen = 0;

	for (size_t i = 0; i < past->n; i++) {
		const struct history_row *r = &past->v[i];

		if (r->keyset != k->number || (r->what != LIFE_CREATED && r->what != LIFE_RENEWED) ||
		    r->gen < gen || (g && r->gen >= g->number) ||
		    (k->certs_n && r->at < k->certs[k->certs_n - 1].from_at))
			continue;
		/* a stand-in that was replaced in the same run is no certificate to speak of */
		if (r->gen == gen && k->certs_n)
			k->certs_n--;
		gen = r->gen;
		add_cert(k, r->at, WHEN_NEVER, false);
	}
	if (!g)
		return;
	generation_validity(g, &from_at, &until_at);
	while (k->certs_n && k->certs[k->certs_n - 1].from_at >= from_at)
		k->certs_n--;
	add_cert(k, from_at, until_at, g->bootstrap);
}

/* It is live again, after a roll-back. */
static bool has_returned(const struct line *l, const struct keyset *was, const struct history_rows *past)
{
	if (!was->live_at)
		return false;
	for (size_t i = 0; i < past->n; i++)
		if (past->v[i].keyset == was->id && past->v[i].what == LIFE_ROLLED_BACK)
			return true;
	return was->live_at == l->ledger.rolled_back_at;
}

/* Of such a key the ledger has only the return. */
static void remember_lives(struct timeline *t, struct timeline_key *k, const struct keyset *was,
			   const struct history_rows *past)
{
	enum step came = was->staged_at ? DO_PROMOTE : DO_MAKE_KEY;

	for (size_t i = 0; i < past->n; i++) {
		const struct history_row *r = &past->v[i];

		if (r->keyset != was->id || r->at >= was->live_at ||
		    (k->stretches_n && r->at <= k->stretches[k->stretches_n - 1].from_at))
			continue;
		if (r->what == LIFE_PROMOTED || r->what == LIFE_ROLLED_BACK) {
			begin_stretch(k, KEY_LIVE, r->at, NULL);
			add_mark(t, r->at, r->what == LIFE_PROMOTED ? came : DO_ROLL_BACK, was->id, NULL);
		} else if (r->what == LIFE_REPLACED && k->stretches_n) {
			begin_stretch(k, KEY_RETIRED, r->at, NULL);
		}
	}
}

static void remember_key(struct timeline *t, const struct line *l, const struct keyset *was,
			 const struct history_rows *past)
{
	struct timeline_key *k = add_key(t, was->id);
	bool back = has_returned(l, was, past);

	k->compromised = was->compromised;
	remember_zone(k, l, was);
	if (was->staged_at) {
		begin_stretch(k, KEY_STAGED, was->staged_at, NULL);
		if (k->zone_from_at != WHEN_NEVER && (!was->live_at || k->zone_from_at < was->live_at))
			begin_stretch(k, KEY_PUBLISHED, k->zone_from_at, NULL);
	}
	if (was->live_at) {
		if (back)
			remember_lives(t, k, was, past);
		begin_stretch(k, KEY_LIVE, was->live_at, NULL);
		add_mark(t, was->live_at, back ? DO_ROLL_BACK : was->staged_at ? DO_PROMOTE : DO_MAKE_KEY, was->id,
			 NULL);
	}
	if (was->retired_at)
		begin_stretch(k, KEY_RETIRED, was->retired_at, NULL);
	remember_certs(k, line_generation(l, was->id), past);
	if (was->removed_at) {
		close_stretch(k, was->removed_at);
		close_cert(k, was->removed_at);
	}
}

/* The future ---------------------------------------------------------------------------------------- */

/* A key that is renewed every hour over a hundred years is a mistake that must end, too. */
#define STEPS_PER_LINE_MAX 100000

void timeline_foresee(const struct policy *p, const struct facts *known, int64_t now, int64_t until_at,
		      void (*each)(void *arg, int64_t at, const struct decision *d), void *arg)
{
	struct facts f = *known;

	for (int i = 0; i < STEPS_PER_LINE_MAX && now <= until_at; i++) {
		struct decision d = rollover_next(p, &f, now);

		if (d.step == DO_NOTHING) {
			if (d.again_at == WHEN_NEVER)
				return;
			now = d.again_at;
			continue;
		}
		each(arg, now, &d);
		rollover_assume(p, &f, d.step, now);
	}
}

struct fold {
	struct timeline *t;
	const struct policy *p;
	int gens;                       /* the number of the newest generation */
	size_t first;                   /* keys before this one are over, and out of the zone */
};

static const struct stretch *last_of(const struct timeline_key *k)
{
	return k->stretches_n ? &k->stretches[k->stretches_n - 1] : NULL;
}

static bool is_now(const struct timeline_key *k, enum key_state state)
{
	const struct stretch *s = last_of(k);

	return s && s->until_at == WHEN_NEVER && s->state == state;
}

static bool is_over(const struct timeline_key *k)
{
	return !k->stretches_n || last_of(k)->until_at != WHEN_NEVER;
}

static struct timeline_key *live_key(const struct timeline *t)
{
	for (size_t i = t->keys_n; i-- > 0;)
		if (is_now(&t->keys[i], KEY_LIVE))
			return &t->keys[i];
	mem_bug("a step that needs a live key");
}

static struct timeline_key *next_key(const struct timeline *t)
{
	for (size_t i = t->keys_n; i-- > 0;)
		if (is_now(&t->keys[i], KEY_STAGED) || is_now(&t->keys[i], KEY_PUBLISHED))
			return &t->keys[i];
	mem_bug("a step that needs a staged key");
}

/* Of one that is_now() retired. */
static int64_t retired_at(const struct timeline_key *k)
{
	return k->stretches[k->stretches_n - 1].from_at;
}

/* As ledger_retired_first() and _last() have it. */
static struct timeline_key *retired_key(const struct fold *x, bool last)
{
	struct timeline_key *found = NULL;

	for (size_t i = x->first; i < x->t->keys_n; i++) {
		struct timeline_key *k = &x->t->keys[i];
		int64_t at, found_at;

		if (!is_now(k, KEY_RETIRED))
			continue;
		at = retired_at(k);
		found_at = found ? retired_at(found) : 0;
		if (!found || (last ? at >= found_at
				    : k->compromised > found->compromised ||
				      (k->compromised == found->compromised && at < found_at)))
			found = k;
	}
	if (!found)
		mem_bug("a step that needs a retired key");
	return found;
}

/* Whatever is not over belongs in the zone, and nothing else. */
static void publish(struct fold *x, int64_t at, const char *why)
{
	for (size_t i = x->first; i < x->t->keys_n; i++) {
		struct timeline_key *k = &x->t->keys[i];

		if (is_now(k, KEY_STAGED))
			begin_stretch(k, KEY_PUBLISHED, at, why);
		if (!is_over(k) && k->zone_from_at == WHEN_NEVER)
			k->zone_from_at = at;
		else if (is_over(k) && k->zone_from_at != WHEN_NEVER && k->zone_until_at == WHEN_NEVER)
			k->zone_until_at = at;
	}
}

static void new_key(struct fold *x, enum key_state state, int64_t at, const char *why)
{
	struct timeline_key *k = add_key(x->t, ++x->gens);

	begin_stretch(k, state, at, why);
	add_cert(k, at, when_add(at, x->p->cert_for), false);
}

static void renew(struct fold *x, struct timeline_key *k, int64_t at)
{
	x->gens++;
	add_cert(k, at, when_add(at, x->p->cert_for), false);
}

static void go_live(struct timeline *t, struct timeline_key *k, int64_t at, const struct decision *d)
{
	begin_stretch(live_key(t), KEY_RETIRED, at, d->why);
	begin_stretch(k, KEY_LIVE, at, d->why);
	add_mark(t, at, d->step, k->number, d->why);
}

static void fold_step(void *arg, int64_t at, const struct decision *d)
{
	struct fold *x = arg;
	struct timeline *t = x->t;
	struct timeline_key *k;

	while (x->first < t->keys_n && is_over(&t->keys[x->first]) &&
	       (t->keys[x->first].zone_from_at == WHEN_NEVER || t->keys[x->first].zone_until_at != WHEN_NEVER))
		x->first++;
	switch (d->step) {
	case DO_NOTHING:
	case DO_LINK:
	case DO_DEPLOY:
	case DO_REVOKE:
	case DO_PURGE:
	case STEP_N:
		break;
	case DO_MAKE_KEY:
		new_key(x, KEY_LIVE, at, d->why);
		add_mark(t, at, d->step, x->gens, d->why);
		break;
	case DO_STAGE:
		new_key(x, KEY_STAGED, at, d->why);
		break;
	case DO_ROLL_BACK:
		go_live(t, retired_key(x, true), at, d);
		break;
	case DO_PROMOTE:
		go_live(t, next_key(t), at, d);
		break;
	case DO_RENEW:
		renew(x, live_key(t), at);
		break;
	case DO_RENEW_STAGING:
		renew(x, next_key(t), at);
		break;
	case DO_PUBLISH:
		publish(x, at, d->why);
		break;
	case DO_UNSTAGE:
	case DO_RETIRE:
		k = d->step == DO_UNSTAGE ? next_key(t) : retired_key(x, false);
		close_stretch(k, at);
		close_cert(k, at);
		break;
	}
}

/* What is in the zone ------------------------------------------------------------------------------- */

static int by_instant(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool in_zone(const struct timeline_key *k, int64_t at)
{
	return k->zone_from_at != WHEN_NEVER && k->zone_from_at <= at && at < k->zone_until_at;
}

/* Keys before *first have left the zone. */
static void add_set(struct timeline *t, size_t *first, int64_t from_at, int64_t until_at)
{
	struct timeline_set s = { from_at, until_at, NULL, 0 };

	while (*first < t->keys_n && (t->keys[*first].zone_from_at == WHEN_NEVER ||
				      t->keys[*first].zone_until_at <= from_at))
		++*first;
	for (size_t i = *first; i < t->keys_n; i++) {
		const struct timeline_key *k = &t->keys[i];

		/* a later key is published no earlier */
		if (k->zone_from_at != WHEN_NEVER && k->zone_from_at > from_at)
			break;
		if (!in_zone(k, from_at))
			continue;
		s.keys = mem_resize(s.keys, s.keys_n + 1, sizeof(*s.keys));
		s.keys[s.keys_n++] = k->number;
	}
	if (s.keys_n)
		t->sets[t->sets_n++] = s;
}

/* From each instant at which a key comes or goes to the next one. */
static void find_sets(struct timeline *t)
{
	int64_t *at = mem_array(t->keys_n * 2, sizeof(*at));
	size_t n = 0, first = 0;

	for (size_t i = 0; i < t->keys_n; i++) {
		if (t->keys[i].zone_from_at == WHEN_NEVER)
			continue;
		at[n++] = t->keys[i].zone_from_at;
		at[n++] = t->keys[i].zone_until_at;
	}
	if (n)
		qsort(at, n, sizeof(*at), by_instant);
	t->sets = mem_array(n, sizeof(*t->sets));
	for (size_t i = 0; i + 1 < n; i++)
		if (at[i] < at[i + 1])
			add_set(t, &first, at[i], at[i + 1]);
	free(at);
}

/* --------------------------------------------------------------------------------------------------- */

static int by_making(const void *a, const void *b)
{
	const struct keyset *x = *(const struct keyset *const *)a, *y = *(const struct keyset *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

static int by_time(const void *a, const void *b)
{
	const struct timeline_mark *x = a, *y = b;

	return x->at != y->at ? (x->at < y->at ? -1 : 1) : (x->key > y->key) - (x->key < y->key);
}

void timeline_make(struct timeline *t, const struct line *l, const struct facts *f,
		   const struct history_rows *past, int64_t now, int64_t until_at)
{
	struct fold x = { t, &l->policy, ledger_newest_gen(&l->ledger), 0 };
	const struct keyset **was = mem_array(l->ledger.keysets_n, sizeof(struct keyset *));

	*t = (struct timeline){ .name = l->cfg->name, .phase = rollover_phase(f),
				.next = rollover_forecast(&l->policy, f, now) };
	t->held = held_step(l, f, &t->next, now);
	for (size_t i = 0; i < l->ledger.keysets_n; i++)
		was[i] = &l->ledger.keysets[i];
	if (l->ledger.keysets_n)
		qsort(was, l->ledger.keysets_n, sizeof(struct keyset *), by_making);
	for (size_t i = 0; i < l->ledger.keysets_n; i++)
		remember_key(t, l, was[i], past);
	free(was);
	timeline_foresee(&l->policy, f, now, until_at, fold_step, &x);
	if (t->marks_n)
		qsort(t->marks, t->marks_n, sizeof(*t->marks), by_time);
	find_sets(t);
}

void timeline_take(struct timeline *t, const struct view *v, int64_t until_at)
{
	struct history_rows past;
	struct err ignored;
	size_t damaged;
	bool cut;

	if (v->l->failed) {
		*t = (struct timeline){ .name = v->l->cfg->name, .error = v->l->err.text };
		return;
	}
	/* a log that cannot be read is what others complain of: the picture has less of the past then */
	if (history_read(&past, &damaged, &cut, v->l->cfg, &ignored) < 0)
		history_rows_free(&past);
	timeline_make(t, v->l, &v->f, &past, v->now, until_at);
	if (v->stands == STANDS_BADLY)
		t->trouble = &v->pending;
	history_rows_free(&past);
}

void timeline_free(struct timeline *t)
{
	for (size_t i = 0; i < t->keys_n; i++) {
		free(t->keys[i].stretches);
		free(t->keys[i].certs);
	}
	for (size_t i = 0; i < t->sets_n; i++)
		free(t->sets[i].keys);
	free(t->keys);
	free(t->sets);
	free(t->marks);
	*t = (struct timeline){ 0 };
}
