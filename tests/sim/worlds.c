/* worlds.c - the stale horizon against name servers that do what they like, in many small worlds.
 *
 * In a world every server of a zone is at each time in one state: it gives the old set with some
 * TTL, the new set, no set, the new set with a bad signature, or nothing.  Servers lag, freeze,
 * fall back, go down, join the zone's server set and leave it; TTLs go up and down; the clock is
 * set; the machine reboots; what was remembered is lost.  Resolvers ask any server that is in the
 * set, or was less than the TTL of the server set ago, at any time, and keep what they get for its
 * TTL, or for a minute if that is less.  So the true instant after which no cache can hold a
 * breaking set is known exactly: for each state with the old set, its end plus its TTL.  The
 * program sees nothing of this but its rounds.
 *
 * Checked, with true time:
 *   - no world goes before that instant;
 *   - every world goes in the end, and none much later than its servers, TTLs and policy ask for;
 *   - the rule "acknowledged, plus one TTL" is early in many: the worlds are not harmless.
 * The limit of what can be proved, kept by all worlds: a state lasts for two rounds at least; and
 * before the first round (or the first after what was remembered got lost) no server had left the
 * set, and an old set or an empty one that is seen in it had stood there with its TTL for long.
 *
 * usage: worlds [--plain] N [SEED]       --plain: judge by that rule instead; must fail.  World i
 *                                        has the seed SEED + i: `worlds 1 SEED` plays it again
 * Touches: stdout.
 */
#include "base/mem.h"
#include "base/when.h"
#include "core/horizon.h"

#include <inttypes.h>

#define SERVERS   6
#define OWNERS    2
#define ROUNDS    40                    /* until then anything goes; then all servers are well */
#define STATES    (ROUNDS + 4)
#define EPOCH     ((int64_t)1700000000)
#define BEFORE    ((int64_t)0)
#define ASSUME    DAY
#define ROUND_FOR ((int64_t)10)         /* a round takes up to this */

enum kind { OLD, NEW, EMPTY, UNSIGNED, DOWN };

struct state {
	int64_t   from_at;
	enum kind kind;
	int64_t   ttl_for;
};

struct server {
	struct state v[STATES];
	int     n;
	int64_t in_at, out_at;          /* listed */
	int     twin_of;                /* -1; else another address of that one, without route */
	char    id[48], names[16];
};

struct owner {
	struct server s[SERVERS];
	int     n;
};

struct world {
	uint64_t rng;
	struct owner o[OWNERS];
	struct horizon eyes[OWNERS];
	int      owners_n;
	int64_t  round_at[ROUNDS + 1], step_for;
	int64_t  wall_for;              /* wall clock - true time */
	int64_t  published_at, old_ttl_for, ns_ttl_for, floor_for, ttl_most_for;
	int      staged, published;     /* in the interval after these rounds */
	bool     first, asks_gone, steady_ttl;
	int      lost, jump, reboot;    /* in the round or before it; -1: not */
	struct horizon_policy p;
	bool     urgent;
};

struct result {
	int64_t go_at, safe_at, due_at;         /* go_at WHEN_NEVER: never */
	bool    early, plain_early;
};

static uint64_t draw(struct world *w)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static int64_t between(struct world *w, int64_t lo, int64_t hi)
{
	return hi <= lo ? lo : lo + (int64_t)(draw(w) % (uint64_t)(hi - lo + 1));
}

static bool chance(struct world *w, int percent)
{
	return between(w, 1, 100) <= percent;
}

/* Making a world ------------------------------------------------------------------------------- */

/* From seconds to a day, small ones as often as large ones; but not of too many rounds. */
static int64_t some_ttl(struct world *w)
{
	int64_t most_for = w->step_for * 20 < DAY ? w->step_for * 20 : DAY;
	int64_t ttl_for = between(w, 1, (int64_t)1 << between(w, 2, 17));

	return ttl_for < most_for ? ttl_for : most_for;
}

/* An instant in the interval after round i, when no round is under way. */
static int64_t after_round(struct world *w, int i)
{
	return between(w, w->round_at[i] + ROUND_FOR + 1, w->round_at[i + 1] - 1);
}

static void add_state(struct world *w, struct server *s, int64_t at, enum kind kind)
{
	int64_t ttl_for = s->n ? s->v[s->n - 1].ttl_for : w->old_ttl_for;

	if (!w->steady_ttl && chance(w, 40))
		ttl_for = some_ttl(w);
	if (ttl_for > w->ttl_most_for)
		w->ttl_most_for = ttl_for;
	s->v[s->n++] = (struct state){ at, kind, ttl_for };
}

static enum kind some_kind(struct world *w, int round)
{
	int dice = (int)between(w, 1, 100);
	bool fit = w->lost < 0;         /* see the head comment: the limit */

	if (round >= ROUNDS - 4)
		return NEW;
	if (dice <= 10)
		return DOWN;
	if (dice <= 15 && fit)
		return EMPTY;
	if (round < w->published)
		return w->first ? EMPTY : OLD;
	if (dice <= 18)
		return UNSIGNED;
	return dice <= 45 ? w->first ? EMPTY : OLD : NEW;
}

/* States from round `from` on, each for two rounds at least; well in the end. */
static void fill_server(struct world *w, struct server *s, int from)
{
	int lag = chance(w, 50) ? 2 : 10;

	add_state(w, s, BEFORE, from || !w->published ? some_kind(w, from)
						      : w->first ? EMPTY : OLD);
	for (int i = from; (i += 2 + (int)between(w, 0, lag)) < ROUNDS - 2;)
		add_state(w, s, after_round(w, i), some_kind(w, i));
	add_state(w, s, after_round(w, ROUNDS - 2), NEW);
}

/* A server that joins later, perhaps with an old set that it gives up before any round sees it. */
static void join(struct world *w, struct server *s)
{
	int from = (int)between(w, 1, ROUNDS - 10);

	s->in_at = after_round(w, from);
	if (from < w->published || !chance(w, 30)) {
		fill_server(w, s, from);
		return;
	}
	add_state(w, s, BEFORE, w->first ? EMPTY : OLD);
	add_state(w, s, between(w, s->in_at, w->round_at[from + 1] - 1), NEW);
	for (int i = from + 1; (i += 2 + (int)between(w, 0, 5)) < ROUNDS - 2;)
		add_state(w, s, after_round(w, i), some_kind(w, i));
	add_state(w, s, after_round(w, ROUNDS - 2), NEW);
}

static const struct state *state_at(const struct server *s, int64_t at)
{
	int i = s->n - 1;

	while (i > 0 && s->v[i].from_at > at)
		i--;
	return &s->v[i];
}

/* Out of the server set.  If the program asks it no more, it goes on with what it was seen to have,
 * or comes back with that, or gets the new set. */
static void leave(struct world *w, struct server *s)
{
	int round = (int)between(w, 3, ROUNDS - 6), n = 0;
	struct state last, seen;

	if (s->in_at >= w->round_at[round - 2])
		return;
	s->out_at = after_round(w, round);
	if (w->asks_gone)
		return;
	last = *state_at(s, w->round_at[round]);
	while (s->v[n].from_at != last.from_at)
		n++;
	seen = n ? s->v[n - 1] : last;
	s->n = n + 1;
	if (last.kind == OLD && chance(w, 50))
		s->v[s->n++] = (struct state){ after_round(w, round + 2), NEW, last.ttl_for };
	else if (last.kind == DOWN && n && seen.kind != DOWN && s->in_at < w->round_at[0])
		s->v[s->n++] = (struct state){ after_round(w, round + 1), seen.kind, seen.ttl_for };
}

static void make_owner(struct world *w, struct owner *o, int nr)
{
	o->n = (int)between(w, 1, 3);
	for (int i = 0; i < o->n; i++) {
		o->s[i].in_at = BEFORE;
		fill_server(w, &o->s[i], 0);
	}
	while (o->n < 4 && chance(w, 15))
		join(w, &o->s[o->n++]);
	for (int i = 0; i < o->n; i++) {
		struct server *s = &o->s[i];

		s->out_at = WHEN_NEVER;
		s->twin_of = -1;
		snprintf(s->id, sizeof(s->id), "192.0.2.%d zone%d.test", i, nr);
		snprintf(s->names, sizeof(s->names), "ns%d", i);
		if (i > 0 && w->lost < 0 && chance(w, 20))
			leave(w, s);
	}
	if (chance(w, 10)) {
		int i = (int)between(w, 0, o->n - 1);

		o->s[o->n] = o->s[i];
		o->s[o->n].twin_of = i;
		snprintf(o->s[o->n].id, sizeof(o->s[0].id), "2001:db8::%d zone%d.test", i, nr);
		o->n++;
	}
}

static void make_policy(struct world *w)
{
	static const int old_ttls[] = { 0, 0, 0, 1, 2 };

	w->p = (struct horizon_policy){
		.margin_for = between(w, 1, 300),
		.old_ttls = old_ttls[between(w, 0, 4)],
		.ttl_floor_for = 60,
		.assume_ttl_for = ASSUME,
		.count_negative = chance(w, 70),
		.confirm = (int)between(w, 1, 3),
		.confirm_for = chance(w, 50) ? 0 : 300,
		.ignore_after_for = chance(w, 80) ? 0 : between(w, 1, 10) * w->step_for,
		.signature_left_for = HOUR,
		.overlap_for = chance(w, 80) ? 0 : between(w, 0, DAY),
	};
	w->urgent = chance(w, 20);
}

static void make_world(struct world *w, uint64_t seed)
{
	*w = (struct world){ .lost = -1, .jump = -1, .reboot = -1 };
	w->rng = seed * 0x2545f4914f6cdd1d + 1;
	w->step_for = between(w, 60, 7200);
	w->round_at[0] = EPOCH;
	for (int i = 1; i <= ROUNDS; i++)
		w->round_at[i] = w->round_at[i - 1] + ROUND_FOR + 2 +
				 between(w, w->step_for / 2, w->step_for * 3 / 2);
	w->first = chance(w, 10);
	w->published = chance(w, 90) ? (int)between(w, 2, 15) : 0;
	w->staged = w->published ? (int)between(w, 1, w->published) : 0;
	w->old_ttl_for = some_ttl(w);
	w->ns_ttl_for = some_ttl(w);
	w->floor_for = between(w, 0, 60);
	w->asks_gone = chance(w, 50);
	if (chance(w, 10))
		w->lost = (int)between(w, 1, ROUNDS - 6);
	if (chance(w, 10))
		w->jump = (int)between(w, 1, ROUNDS - 6);
	if (chance(w, 5))
		w->reboot = (int)between(w, 1, ROUNDS - 6);
	w->steady_ttl = w->lost >= 0 || chance(w, 30);
	make_policy(w);
	w->owners_n = chance(w, 15) ? 2 : 1;
	for (int i = 0; i < w->owners_n; i++)
		make_owner(w, &w->o[i], i);
	w->published_at = after_round(w, w->published);
}

/* The truth ------------------------------------------------------------------------------------ */

/* The instant after which no cache holds a breaking set, of those that were given up to `at`. */
static int64_t true_horizon(const struct world *w, int64_t at)
{
	int64_t until_at = 0;

	for (int o = 0; o < w->owners_n; o++)
		for (int i = 0; i < w->o[o].n; i++) {
			const struct server *s = &w->o[o].s[i];
			int64_t gone_at = when_add(s->out_at, w->ns_ttl_for);

			for (int k = 0; k < s->n; k++) {
				int64_t from_at = s->v[k].from_at, end_at = at;
				int64_t ttl_for = s->v[k].ttl_for;

				if (s->v[k].kind != OLD)
					continue;
				if (k + 1 < s->n && s->v[k + 1].from_at < end_at)
					end_at = s->v[k + 1].from_at;
				if (gone_at < end_at)
					end_at = gone_at;
				if (s->in_at > from_at)
					from_at = s->in_at;
				if (ttl_for < w->floor_for)
					ttl_for = w->floor_for;
				if (end_at > from_at && end_at + ttl_for > until_at)
					until_at = end_at + ttl_for;
			}
		}
	return until_at;
}

/* The rounds ----------------------------------------------------------------------------------- */

static void ask(const struct world *w, struct horizon *h, const struct server *s, int64_t at)
{
	static const enum tlsa_cover old[] = { TLSA_LACKS, TLSA_COVERS, TLSA_LACKS };
	static const enum tlsa_cover new[] = { TLSA_LACKS, TLSA_COVERS, TLSA_COVERS };
	const struct state *x = state_at(s, at);
	struct horizon_answer a = { .id = s->id, .names = s->names, .kind = HA_DATA, .covers = new,
				    .records = 2, .ttl_for = x->ttl_for, .at = at + w->wall_for };

	if (s->twin_of >= 0 || x->kind == DOWN) {
		a.kind = HA_FAIL;
		a.no_route = s->twin_of >= 0;
	} else if (x->kind == OLD) {
		a.covers = old;
	} else if (x->kind == EMPTY) {
		a.kind = HA_EMPTY;
	} else if (x->kind == UNSIGNED) {
		a.unsigned_ = true;
	}
	horizon_note(h, &a, &w->p);
}

static bool is_known(const struct horizon *h, const char *id)
{
	for (size_t i = 0; i < h->servers_n; i++)
		if (strcmp(h->servers[i].id, id) == 0)
			return true;
	return false;
}

static void look(struct world *w, const struct owner *o, struct horizon *h, int64_t at)
{
	struct horizon_round r = { .path = "a path", .security = HS_SECURE,
				   .now = at + w->wall_for };
	const char *listed[SERVERS];
	size_t n = 0;

	horizon_begin(h, &r, &w->p);
	for (int i = 0; i < o->n; i++) {
		const struct server *s = &o->s[i];
		int64_t arrived_at = at + i * ROUND_FOR / SERVERS;

		if (s->in_at <= at && at < s->out_at)
			listed[n++] = s->id;
		else if (!w->asks_gone || !is_known(h, s->id))
			continue;
		ask(w, h, s, arrived_at);
	}
	horizon_end(h, listed, n, w->ns_ttl_for, &w->p, at + ROUND_FOR + w->wall_for);
}

static void disturb(struct world *w, struct horizon *h, int round, int64_t by_for)
{
	if (round == w->lost) {
		horizon_free(h);
		horizon_init(h, "owner");
	}
	if (round == w->jump)
		horizon_shift(h, by_for);
	if (round == w->reboot)
		horizon_restart(h, w->wall_for + between(w, w->round_at[round - 1] + ROUND_FOR,
							 w->round_at[round]));
	horizon_keep(h, (int[]){ 1, 2 }, round >= w->staged ? 2 : 1);
}

static struct horizon_judgement play_round(struct world *w, int round, int64_t at)
{
	struct horizon_question q = { .keyset = 2, .urgent = w->urgent };
	int64_t by_for = 0;

	if (round == w->jump || round == w->reboot)
		w->wall_for += by_for = between(w, -400 * DAY, 400 * DAY);
	for (int i = 0; i < w->owners_n; i++) {
		disturb(w, &w->eyes[i], round, by_for);
		look(w, &w->o[i], &w->eyes[i], at);
	}
	q.published_at = w->published_at <= at ? w->published_at + w->wall_for : 0;
	q.fresh_at = at + w->wall_for;
	return horizon_judge(w->eyes, (size_t)w->owners_n, &q, &w->p, at + ROUND_FOR + w->wall_for);
}

/* True if some server may be seen with the new set before it was seen without. */
static bool has_unknowns(const struct world *w)
{
	for (int o = 0; o < w->owners_n; o++)
		for (int i = 0; i < w->o[o].n; i++) {
			const struct server *s = &w->o[o].s[i];
			enum kind k = state_at(s, EPOCH)->kind;

			if (s->in_at > EPOCH || s->out_at != WHEN_NEVER || (k != OLD && k != EMPTY))
				return true;
		}
	return w->lost >= 0;
}

/* Long enough for everything that the policy asks for, after all servers are well. */
static int64_t due_at(const struct world *w)
{
	int64_t ttl_for = w->ttl_most_for > 60 ? w->ttl_most_for : 60;
	int64_t at = w->round_at[ROUNDS] + w->p.margin_for + w->p.overlap_for;

	if (has_unknowns(w)) {
		ttl_for = ASSUME;
		at += w->ns_ttl_for + 60;
	}
	return at + (w->p.old_ttls > 1 ? w->p.old_ttls : 1) * ttl_for +
	       (w->p.confirm + 1) * (2 * w->step_for + 300);
}

static struct result play(struct world *w, bool plain)
{
	struct result r = { .go_at = WHEN_NEVER };
	int64_t at = 0;

	for (int i = 0; i < w->owners_n; i++)
		horizon_init(&w->eyes[i], "owner");
	r.due_at = due_at(w);
	for (int i = 0; at <= r.due_at; i++) {
		struct horizon_judgement j;

		at = i <= ROUNDS ? w->round_at[i] : at + w->step_for;
		j = play_round(w, i, at);
		if (plain ? at >= w->published_at + w->old_ttl_for : j.verdict == HORIZON_GO) {
			r.go_at = at + ROUND_FOR;
			break;
		}
		/* nothing changes any more: on to the next round that may say something else */
		if (i >= ROUNDS && j.verdict == HORIZON_WAIT && j.at != WHEN_NEVER &&
		    j.at - w->wall_for - ROUND_FOR - w->step_for > at)
			at = j.at - w->wall_for - ROUND_FOR - w->step_for;
	}
	for (int i = 0; i < w->owners_n; i++)
		horizon_free(&w->eyes[i]);
	if (r.go_at != WHEN_NEVER) {
		r.safe_at = true_horizon(w, r.go_at);
		r.early = r.safe_at > r.go_at;
	}
	at = w->published_at + w->old_ttl_for;
	r.plain_early = true_horizon(w, at) > at;
	return r;
}

/* The result ----------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool say(bool good, const char *text)
{
	printf("%sok - %s\n", good ? "" : "not ", text);
	return good;
}

static bool run(uint64_t n, uint64_t seed, bool plain)
{
	struct world *w = mem_alloc(sizeof(*w));
	int64_t *late_for = mem_array(n, sizeof(*late_for));
	uint64_t early = 0, never = 0, plain_early = 0, gone = 0;
	char median[WHEN_TEXT_LEN] = "-", most[WHEN_TEXT_LEN] = "-", *text;
	bool good;

	for (uint64_t i = 0; i < n; i++) {
		struct result r;
		bool prudent;

		make_world(w, seed + i);
		r = play(w, plain);
		if (r.early && early++ == 0)
			printf("# world %" PRIu64 " goes %" PRId64 " s early\n", seed + i,
			       r.safe_at - r.go_at);
		if (r.go_at == WHEN_NEVER && never++ == 0)
			printf("# world %" PRIu64 " does not go\n", seed + i);
		plain_early += r.plain_early;
		prudent = w->lost >= 0 || w->reboot >= 0 ||
			  (!w->urgent && (w->p.old_ttls || w->p.overlap_for));
		if (r.go_at != WHEN_NEVER && r.safe_at > w->published_at && !prudent)
			late_for[gone++] = r.go_at - r.safe_at;
	}
	if (gone) {
		qsort(late_for, gone, sizeof(*late_for), by_size);
		when_format_rough(median, late_for[gone / 2]);
		when_format_rough(most, late_for[gone - 1 - gone / 100]);
	}
	text = mem_format("%" PRIu64 " worlds: %" PRIu64 " early by %s; published plus one TTL "
			  "would have been early in %" PRIu64 " (%" PRIu64 " %%)", n, early,
			  plain ? "that" : "proof", plain_early, n ? plain_early * 100 / n : 0);
	good = say(early == 0, text);
	free(text);
	text = mem_format("%" PRIu64 " worlds never went; those that had but to wait for caches "
			  "went %s after the true instant by median, 99 %% within %s", never,
			  median, most);
	good &= say(never == 0, text);
	free(text);
	good &= say(n < 1000 || plain_early > n / 3, "the worlds are hostile enough");
	free(late_for);
	free(w);
	return good;
}

int main(int argc, char **argv)
{
	bool plain = argc > 1 && strcmp(argv[1], "--plain") == 0;
	uint64_t n, seed;

	argv += plain;
	argc -= plain;
	n = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
	seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	return run(n, seed, plain) ? 0 : 1;
}
