/* sim.c - the rule table and the ledger in a hostile world, over thousands of years.
 *
 * A world has a primary name server and secondaries that lag, resolvers that cache, a DANE client that
 * believes them, TLS servers that present what the last successful deployment gave them, hooks and an
 * issuer that fail, crashes before and after every deed, and a wall clock that jumps.  In the half of the worlds
 * in which servers are looked at, hooks say yes and servers do not hear it, and servers are down for days.  The line is run
 * by the same rules and the same notes as the program; only the disk is played here.
 *
 * Checked at every instant at which a client looks, in true time:
 *   - a client never meets a key that is not in the set its resolver has (RFC 7671 section 8);
 *   - no key is deleted while any server or cache still promises it;
 *   - the first set is not published before the servers have the key.
 * And at the end: keys were rolled and certificates renewed, so that safety is not idleness.
 *
 * usage: sim [YEARS [SEED]]         SIM_TRACE=1 prints the events of the world that fails
 * Touches: stdout.
 */
#include "base/mem.h"
#include "base/when.h"
#include "core/ledger.h"
#include "core/rollover.h"

#include <inttypes.h>

#define SERVERS   3
#define CACHES    3
#define KEYS_MAX  8
#define SERVING   3
#define EPOCH     ((int64_t)1700000000)

/* A set in DNS: the keysets whose records it has.  An empty one means "no DANE". */
struct dns_set {
	int     id[KEYS_MAX];
	int     n;
	int64_t ttl_for;
};

struct name_server {
	struct dns_set now, next;
	int64_t next_at;                /* when `next` arrives; WHEN_NEVER: nothing is on its way */
};

struct cache {
	struct dns_set set;
	int64_t until_at;
};

/* A TLS server: what it presents, which is what it was told last, or what was live when it started. */
struct serving {
	int     keyset;
	int64_t down_until_at;
};

struct world {
	uint64_t rng;
	int64_t  t;                     /* true time */
	int64_t  wall_off_for;          /* wall clock - true time */
	int64_t  booted_at;
	int      boots;

	/* the disk */
	struct ledger disk;
	struct ledger_links links;
	int      gens;
	int64_t  key_created_at[4096], cert_from_at[4096], cert_until_at[4096]; /* by generation % */
	int      keyset_of[4096];
	bool     on_disk[4096];         /* keyset, by id % */

	/* outside */
	struct name_server ns[SERVERS];
	struct cache caches[CACHES];
	struct serving serving[SERVING];

	struct policy p;
	int64_t  lag_for;               /* longest delay of a secondary */
	double   hook_fails, issuer_fails, crashes, jumps, deaf, outages;
	bool     force_bug;

	/* counts */
	uint64_t steps, rolls, renewals, crashes_n, jumps_n, looks, runs, retired, backs, emergencies, deaf_n;
	const char *broken;
	bool     trace;
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
	return lo + (int64_t)(draw(w) % (uint64_t)(hi - lo + 1));
}

static bool chance(struct world *w, double p)
{
	return (double)(draw(w) >> 11) / 9007199254740992.0 < p;
}

static void note(struct world *w, const char *what, int id)
{
	if (w->trace)
		printf("  %9.3f d  %-14s %d  (served %d, live %d, staging %d)\n",
		       (double)(w->t - EPOCH) / (double)DAY, what, id, w->serving[0].keyset, w->links.live_id,
		       w->links.staging_id);
}

/* The clock that the program sees ---------------------------------------------------------------- */

static struct ledger_clock clock_of(const struct world *w)
{
	struct ledger_clock c = { .real_at = w->t + w->wall_off_for,
				  .boot_for = w->t - w->booted_at };

	snprintf(c.boot_id, sizeof(c.boot_id), "boot %d", w->boots);
	return c;
}

static int64_t wall(const struct world *w)
{
	return w->t + w->wall_off_for;
}

/* DNS -------------------------------------------------------------------------------------------- */

static bool dns_has(const struct dns_set *s, int id)
{
	for (int i = 0; i < s->n; i++)
		if (s->id[i] == id)
			return true;
	return false;
}

static bool is_up(struct world *w, int i)
{
	struct serving *s = &w->serving[i];

	if (s->down_until_at > w->t)
		return false;
	if (s->down_until_at) {
		s->down_until_at = 0;
		s->keyset = w->links.live_id;
	}
	return true;
}

static void settle_servers(struct world *w)
{
	for (int i = 0; i < SERVERS; i++) {
		if (w->ns[i].next_at <= w->t) {
			w->ns[i].now = w->ns[i].next;
			w->ns[i].next_at = WHEN_NEVER;
		}
	}
}

/* The primary (0) has it at once; a secondary some time later, but never later than lag_for after the
 * first change it has not seen: it transfers whole zones. */
static void publish(struct world *w, const struct set *recorded)
{
	struct dns_set s = { .ttl_for = w->p.ttl_for };

	for (size_t i = 0; i < recorded->n && s.n < KEYS_MAX; i++)
		s.id[s.n++] = recorded->v[i].keyset;
	if (!dns_has(&s, w->links.live_id))
		w->broken = "a published set without the live key";
	for (int i = 0; i < SERVING; i++)
		if (w->serving[i].keyset && is_up(w, i) && !dns_has(&s, w->serving[i].keyset))
			w->broken = "a published set without the served key";
	w->ns[0].now = s;
	for (int i = 1; i < SERVERS; i++) {
		int64_t at = w->t + between(w, 0, w->lag_for);

		w->ns[i].next = s;
		if (w->ns[i].next_at == WHEN_NEVER || at < w->ns[i].next_at)
			w->ns[i].next_at = at;
	}
}

static bool promised(const struct world *w, int id)
{
	for (int i = 0; i < SERVERS; i++)
		if (dns_has(&w->ns[i].now, id))
			return true;
	for (int i = 0; i < CACHES; i++)
		if (w->caches[i].until_at > w->t && dns_has(&w->caches[i].set, id))
			return true;
	return false;
}

/* A client asks one of the resolvers and connects. */
static void client_looks(struct world *w)
{
	struct cache *c = &w->caches[draw(w) % CACHES];
	int i = (int)(draw(w) % SERVING), served = is_up(w, i) ? w->serving[i].keyset : 0;

	settle_servers(w);
	if (w->t >= c->until_at) {
		c->set = w->ns[draw(w) % SERVERS].now;
		c->until_at = w->t + (c->set.ttl_for ? c->set.ttl_for : w->p.ttl_for);
	}
	w->looks++;
	if (c->set.n && served && !dns_has(&c->set, served)) {
		w->broken = "a client was refused: its resolver has a set without the served key";
		note(w, "REFUSED", served);
	}
}

/* The disk ----------------------------------------------------------------------------------------- */

static void copy_acks(struct acks *to, const struct acks *from)
{
	to->n = from->n;
	to->v = from->n ? mem_array(from->n, sizeof(*to->v)) : NULL;
	for (size_t i = 0; i < from->n; i++) {
		to->v[i] = from->v[i];
		to->v[i].command = mem_copy_str(from->v[i].command);
		to->v[i].error = mem_copy_str(from->v[i].error);
	}
}

static void copy_served(struct served *to, const struct served *from)
{
	to->v = from->n ? mem_array(from->n, sizeof(*to->v)) : NULL;
	for (size_t i = 0; i < from->n; i++) {
		to->v[i] = from->v[i];
		to->v[i].name = mem_copy_str(from->v[i].name);
		to->v[i].address = mem_copy_str(from->v[i].address);
		for (int f = 0; f < KEY_FAMILY_N; f++)
			to->v[i].views[f].why = mem_copy_str(from->v[i].views[f].why);
	}
}

static void copy_ledger(struct ledger *to, const struct ledger *from)
{
	ledger_free(to);
	*to = *from;
	copy_served(&to->served, &from->served);
	to->keysets = from->keysets_n ? mem_array(from->keysets_n, sizeof(*to->keysets)) : NULL;
	if (from->keysets_n)
		memcpy(to->keysets, from->keysets, from->keysets_n * sizeof(*to->keysets));
	to->set = (struct set){ .ttl_for = from->set.ttl_for };
	for (size_t i = 0; i < from->set.n; i++) {
		set_add(&to->set, from->set.v[i].owner, from->set.v[i].data, from->set.v[i].keyset);
		to->set.v[i].published_at = from->set.v[i].published_at;
		to->set.v[i].stale_until_at = from->set.v[i].stale_until_at;
	}
	copy_acks(&to->keychange, &from->keychange);
	copy_acks(&to->certchange, &from->certchange);
	for (int s = 0; s < STEP_N; s++)
		to->retry[s].error = mem_copy_str(from->retry[s].error);
}

static void save(struct world *w, struct ledger *l)
{
	l->clock = clock_of(w);
	copy_ledger(&w->disk, l);
}

/* One run ------------------------------------------------------------------------------------------ */

static struct strv hooks;       /* one of each kind */
static const struct strv none;

#define OWNER    "_25._tcp.mx.example"
#define SPKI_LEN 16

/* The keys that may be met: the live one is asked about. */
static void ask(struct served_question *q, struct served_key *keys, char (*spkis)[SPKI_LEN], const struct world *w,
		const struct ledger *l)
{
	*q = (struct served_question){ .keys = keys, .keys_n = l->keysets_n, .told_at = ledger_told_at(l, &w->p), .away_for = w->p.retire_after_for };
	for (size_t i = 0; i < l->keysets_n; i++) {
		snprintf(spkis[i], SPKI_LEN, "%d", l->keysets[i].id);
		keys[i] = (struct served_key){ .spki = spkis[i], .family = KEY_FAMILY_ECDSA, .words = "a key",
					       .wanted = l->keysets[i].id == w->links.live_id,
					       .leaving = &l->keysets[i] == ledger_retired_first(l) };
	}
}

/* Until when there are no first records. */
static int64_t held_until(const struct world *w, const struct ledger *l)
{
	char (*spkis)[SPKI_LEN];
	struct served_key *keys;
	struct served_question q;
	int64_t at;

	if (!w->p.looks || !w->p.publishes || set_has(&l->set, OWNER))
		return 0;
	spkis = mem_array(l->keysets_n, SPKI_LEN);
	keys = mem_array(l->keysets_n, sizeof(*keys));
	ask(&q, keys, spkis, w, l);
	at = served_first_at(&l->served, &q);
	free(keys);
	free(spkis);
	return at;
}

static void wanted_of(struct set *out, const struct world *w, const struct ledger *l)
{
	*out = (struct set){ .ttl_for = w->p.ttl_for };
	if (!w->p.publishes || wall(w) < held_until(w, l))
		return;
	for (size_t i = 0; i < l->keysets_n; i++)
		if (!l->keysets[i].removed_at)
			set_add(out, OWNER, "3 1 1", l->keysets[i].id);
	set_sort(out);
}

static void certs_of(struct ledger_certs *c, const struct world *w, const struct keyset *k)
{
	*c = (struct ledger_certs){ .fits_names = true, .fits_types = true };
	if (!k)
		return;
	c->from_at = w->cert_from_at[k->gen % 4096];
	c->until_at = w->cert_until_at[k->gen % 4096];
}

/* A new generation on disk; nothing points to it yet. */
static int make_generation(struct world *w, int keyset)
{
	int gen = ++w->gens;

	w->cert_from_at[gen % 4096] = wall(w);
	w->cert_until_at[gen % 4096] = wall(w) + w->p.cert_for;
	w->keyset_of[gen % 4096] = keyset ? keyset : gen;
	if (!keyset) {
		w->key_created_at[gen % 4096] = wall(w);
		w->on_disk[gen % 4096] = true;
	}
	return gen;
}

static void link_live(struct world *w, int gen)
{
	w->links.live_gen = gen;
	w->links.live_id = w->keyset_of[gen % 4096];
	w->links.live_created_at = w->key_created_at[w->links.live_id % 4096];
}

static void link_staging(struct world *w, int gen)
{
	w->links.staging_gen = gen;
	w->links.staging_id = gen ? w->keyset_of[gen % 4096] : 0;
	w->links.staging_created_at = gen ? w->key_created_at[w->links.staging_id % 4096] : 0;
}

static bool crash(struct world *w)
{
	if (!chance(w, w->crashes))
		return false;
	w->crashes_n++;
	note(w, "crash", 0);
	return true;
}

enum outcome { DONE, FAILED, CRASHED };

/* The deed of a hook step: it may have its effect and still not be acknowledged. */
static enum outcome run_hook(struct world *w, struct ledger *l, bool publication)
{
	bool fails = chance(w, w->hook_fails), effect = !fails || chance(w, 0.3);

	if (crash(w))
		return CRASHED;
	if (effect && publication)
		publish(w, &l->set);
	for (int i = 0; i < SERVING && effect && !publication; i++) {
		if (chance(w, w->deaf))
			w->deaf_n++;
		else if (is_up(w, i))
			w->serving[i].keyset = w->links.live_id;
	}
	w->t += between(w, 0, 60);
	if (crash(w))
		return CRASHED;
	return fails ? FAILED : DONE;
}

static enum outcome do_hand_out(struct world *w, struct ledger *l, enum step s)
{
	struct acks *a = s == DO_PUBLISH ? &l->keychange : &l->certchange;
	int subject;
	enum outcome o;

	if (s == DO_PUBLISH) {
		struct set wanted;

		wanted_of(&wanted, w, l);
		if (ledger_set_differs(l, &wanted))
			ledger_set_record(l, &wanted, wall(w));
		set_free(&wanted);
		save(w, l);
	}
	subject = s == DO_PUBLISH ? l->set_serial : w->links.live_gen;
	o = run_hook(w, l, s == DO_PUBLISH);
	if (o == FAILED)
		acks_failed(a, hooks.v[0], "it failed", wall(w));
	if (o != DONE)
		return o;
	acks_ok(a, hooks.v[0], subject, wall(w));
	if (s == DO_PUBLISH)
		ledger_set_done(l, wall(w));
	else
		ledger_deployed(l, wall(w));
	return DONE;
}

static enum outcome do_make(struct world *w, const struct ledger *l, enum step s)
{
	const struct keyset *k = s == DO_RENEW ? ledger_live(l)
			       : s == DO_RENEW_STAGING ? ledger_staging(l) : NULL;
	int gen;

	if (crash(w))
		return CRASHED;
	if (chance(w, w->issuer_fails))
		return FAILED;
	w->t += between(w, 0, 30);
	gen = make_generation(w, k ? k->id : 0);
	if (crash(w))
		return CRASHED;
	if (s == DO_MAKE_KEY || s == DO_RENEW)
		link_live(w, gen);
	else
		link_staging(w, gen);
	w->renewals += s == DO_RENEW;
	return crash(w) ? CRASHED : DONE;
}

static enum outcome do_move(struct world *w, struct ledger *l, enum step s)
{
	const struct keyset *k;

	if (crash(w))
		return CRASHED;
	if (s == DO_PROMOTE) {
		link_live(w, w->links.staging_gen);
		w->rolls++;
		if (crash(w))
			return CRASHED;
		link_staging(w, 0);
	} else if (s == DO_ROLL_BACK) {
		link_live(w, ledger_retired_last(l)->gen);
		w->backs++;
	} else if (s == DO_UNSTAGE) {
		link_staging(w, 0);
	} else if (s == DO_RETIRE) {
		w->retired++;
		ledger_removed(l, ledger_retired_first(l)->id, wall(w));
	} else if (s == DO_PURGE) {
		for (size_t i = l->keysets_n; i-- > 0;) {
			k = &l->keysets[i];
			if (!k->removed_at || k->removed_at + PURGE_AFTER_FOR > wall(w))
				continue;
			settle_servers(w);
			if (promised(w, k->id))
				w->broken = "a key was deleted that DNS still promises";
			w->on_disk[k->id % 4096] = false;
			ledger_purged(l, k->id);
			break;
		}
	}
	return crash(w) ? CRASHED : DONE;
}

static enum outcome do_step(struct world *w, struct ledger *l, enum step s)
{
	note(w, rollover_step_name(s), w->links.live_gen);
	w->steps++;
	switch (s) {
	case DO_MAKE_KEY:
	case DO_RENEW:
	case DO_RENEW_STAGING:
	case DO_STAGE:
		return do_make(w, l, s);
	case DO_PUBLISH:
	case DO_DEPLOY:
		return do_hand_out(w, l, s);
	case DO_PROMOTE:
	case DO_ROLL_BACK:
	case DO_UNSTAGE:
	case DO_RETIRE:
	case DO_PURGE:
		return do_move(w, l, s);
	case DO_NOTHING:
	case DO_LINK:
	case DO_REVOKE:
	case STEP_N:
		break;
	}
	mem_bug("a step that the simulation does not know");
}

/* Looking ------------------------------------------------------------------------------------------ */

static void look(struct world *w, struct ledger *l)
{
	struct served_answer answers[SERVING];
	char names[SERVING][8], spkis[SERVING][SPKI_LEN];

	for (int i = 0; i < SERVING; i++) {
		struct served_answer *a = &answers[i];

		snprintf(names[i], sizeof(names[i]), "%d", i);
		snprintf(spkis[i], SPKI_LEN, "%d", w->serving[i].keyset);
		*a = (struct served_answer){ .name = OWNER, .address = names[i], .family = KEY_FAMILY_ECDSA,
					     .at = wall(w), .why = "it is down", .spki = "", .cert = "",
					     .serial = "" };
		a->state = is_up(w, i) ? SERVED_PRESENTED : SERVED_AWAY;
		if (a->state == SERVED_PRESENTED)
			snprintf(spkis[i], SPKI_LEN, "%d", w->serving[i].keyset);
		a->spki = a->cert = spkis[i];
	}
	served_note(&l->served, answers, SERVING);
}

/* A server that presents an older key is told again. */
static void distrust(struct world *w, struct ledger *l)
{
	char (*spkis)[SPKI_LEN] = mem_array(l->keysets_n, SPKI_LEN);
	struct served_key *keys = mem_array(l->keysets_n, sizeof(*keys));
	struct served_question q;

	ask(&q, keys, spkis, w, l);
	for (size_t i = 0; i < l->served.n; i++) {
		struct served_judgement j = served_judge_one(&l->served.v[i], &q);

		if (j.reason == SR_OTHER_KEY && j.met)
			acks_distrust(&l->certchange);
	}
	free(keys);
	free(spkis);
}

static void facts_of(struct facts *f, struct world *w, struct ledger *l)
{
	char (*spkis)[SPKI_LEN] = mem_array(l->keysets_n, SPKI_LEN);
	struct served_key *keys = mem_array(l->keysets_n, sizeof(*keys));
	struct served_question q;
	struct strv said = { 0 }, owners = { 0 };
	struct set wanted;
	struct ledger_view v = { .wanted = &wanted, .certchange = w->p.tells ? &hooks : &none,
				 .keychange = w->p.publishes ? &hooks : &none };

	if (w->p.looks) {
		ask(&q, keys, spkis, w, l);
		v.served = &q;
		v.held_until_at = held_until(w, l);
		if (wall(w) < v.held_until_at)
			strv_add(&owners, OWNER);
		v.held = &owners;
	}
	wanted_of(&wanted, w, l);
	certs_of(&v.live, w, ledger_live(l));
	certs_of(&v.staging, w, ledger_staging(l));
	ledger_facts(f, &said, l, &w->p, &v);
	strv_free(&said);
	strv_free(&owners);
	set_free(&wanted);
	free(keys);
	free(spkis);
}

static void load(struct world *w, struct ledger *l)
{
	struct ledger_clock now = clock_of(w);

	copy_ledger(l, &w->disk);
	ledger_clock_fit(l, &now);
	ledger_reconcile(l, &w->links, now.real_at);
	/* the last act of a promotion that was killed */
	if (w->links.staging_id && ledger_keyset(l, w->links.staging_id)->live_at)
		link_staging(w, 0);
}

static void operator_acts(struct world *w, struct ledger *l)
{
	if (chance(w, 0.002) && !ledger_order_roll(l, false, false))
		save(w, l);
	if (chance(w, 0.0005) && !ledger_order_roll(l, true, false)) {
		w->emergencies++;
		note(w, "EMERGENCY", w->links.live_id);
		save(w, l);
	}
	if (ledger_retired_last(l) && chance(w, 0.02) && !ledger_order_back(l))
		save(w, l);
	if (chance(w, 0.002)) {
		ledger_order_renew(l, false);
		save(w, l);
	}
}

static void run(struct world *w)
{
	struct ledger l = { 0 };
	unsigned tried = 0;

	w->runs++;
	load(w, &l);
	save(w, &l);
	operator_acts(w, &l);
	if (w->p.looks && w->links.live_id) {
		look(w, &l);
		distrust(w, &l);
		save(w, &l);
	}
	for (int i = 0; i < 60 && !w->broken; i++) {
		struct facts f;
		struct decision d;
		enum outcome o;

		facts_of(&f, w, &l);
		f.tried = tried;
		d = rollover_next(&w->p, &f, wall(w));
		if (d.step == DO_NOTHING)
			break;
		if (i == 59)
			w->broken = "a run that does not come to rest";
		o = do_step(w, &l, d.step);
		if (o == CRASHED)
			break;
		if (o == FAILED) {
			tried |= 1U << d.step;
			if (d.step != DO_PUBLISH && d.step != DO_DEPLOY)
				ledger_failed(&l, d.step, "it failed", wall(w), (uint16_t)draw(w));
			save(w, &l);
			continue;
		}
		if (d.step == DO_DEPLOY && w->p.looks)
			look(w, &l);
		ledger_succeeded(&l, d.step);
		ledger_reconcile(&l, &w->links, wall(w));
		save(w, &l);
		client_looks(w);
	}
	ledger_free(&l);
	if (w->links.live_id && !w->on_disk[w->links.live_id % 4096])
		w->broken = "the live key is lost";
	for (int i = 0; i < SERVING; i++)
		if (is_up(w, i) && w->serving[i].keyset && !w->on_disk[w->serving[i].keyset % 4096])
			w->broken = "the served key is lost";
}

/* The world ---------------------------------------------------------------------------------------- */

/* On the same boot any jump; over a boot either back, or so far ahead that it is not believed: a small
 * step ahead over a boot cannot be told from a machine that was off, see ledger.c. */
static void clock_jumps(struct world *w)
{
	w->jumps_n++;
	if (chance(w, 0.5)) {
		w->wall_off_for = chance(w, 0.5) ? 0 : between(w, -30 * DAY, 30 * DAY);
	} else {
		w->boots++;
		w->t += between(w, 30, 3 * DAY);
		w->booted_at = w->t - between(w, 5, 300);
		if (chance(w, 0.5))
			w->wall_off_for -= between(w, DAY * 4, 400 * DAY);
		else if (chance(w, 0.5))
			w->wall_off_for += between(w, 8 * DAY, 400 * DAY);
	}
	note(w, "clock", (int)(w->wall_off_for / DAY));
}

static void world_make(struct world *w, uint64_t seed)
{
	static const int64_t ttls[] = { 300, HOUR, DAY };

	*w = (struct world){ .rng = seed, .t = EPOCH, .booted_at = EPOCH - 1000 };
	w->p = (struct policy){
		.max_key_age_for = between(w, 20, 200) * DAY,
		.retire_after_for = between(w, 1, 96) * HOUR,
		.cert_for = between(w, 6, 120) * DAY,
		.ttl_for = ttls[draw(w) % 3],
		.publishes = true, .tells = true,
		.standby = chance(w, 0.3),
		.looks = chance(w, 0.35),
	};
	w->p.rollback_for = chance(w, 0.5) ? w->p.retire_after_for : between(w, 0, 96) * HOUR;
	if (w->p.looks) {
		w->deaf = chance(w, 0.3) ? 0 : 0.3;
		w->outages = chance(w, 0.3) ? 0 : 0.02;
	}
	/* what the configuration must promise while nobody looks at the secondaries; in an emergency
	 * only the margin is left for them */
	w->lag_for = between(w, 0, EMERGENCY_MARGIN_FOR - 1);
	w->p.staging_for = w->p.ttl_for + between(w, 1, 48) * HOUR;
	w->hook_fails = chance(w, 0.3) ? 0 : 0.4;
	w->issuer_fails = chance(w, 0.3) ? 0 : 0.3;
	w->crashes = chance(w, 0.3) ? 0 : 0.05;
	w->jumps = chance(w, 0.4) ? 0 : 0.004;
	for (int i = 0; i < SERVERS; i++)
		w->ns[i].next_at = WHEN_NEVER;
}

static void world_run(struct world *w, int64_t for_years)
{
	int64_t end_at = w->t + for_years * YEAR;

	while (w->t < end_at && !w->broken) {
		int64_t next_at;

		run(w);
		/* while something is staged people run it more often */
		next_at = w->t + (w->links.staging_id ? between(w, 600, 6 * HOUR)
						      : between(w, 4 * HOUR, 36 * HOUR));
		for (int i = 0; i < 3 && !w->broken; i++) {
			w->t += (next_at - w->t) / 3;
			client_looks(w);
		}
		for (int i = 0; i < SERVING; i++)
			if (is_up(w, i) && chance(w, w->outages))
				w->serving[i].down_until_at = w->t + between(w, HOUR, 10 * DAY);
		if (chance(w, w->jumps))
			clock_jumps(w);
	}
}

int main(int argc, char **argv)
{
	int64_t years = argc > 1 ? strtol(argv[1], NULL, 10) : 10000, each = 20;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct world *w = mem_alloc(sizeof(*w));
	uint64_t rolls = 0, renewals = 0, crashes = 0, jumps = 0, looks = 0, steps = 0, idle = 0,
		 backs = 0, emergencies = 0;
	int64_t done;

	strv_add(&hooks, "/hook");
	for (done = 0; done < years; done += each, seed++) {
		world_make(w, seed);
		w->trace = getenv("SIM_TRACE") && argc > 2;
		world_run(w, each);
		if (w->broken) {
			printf("not ok - seed %" PRIu64 ": %s, after %.3f days (again with: sim %d %" PRIu64
			       ")\n", seed, w->broken, (double)(w->t - EPOCH) / (double)DAY, (int)each, seed);
			return 1;
		}
		rolls += w->rolls;
		renewals += w->renewals;
		crashes += w->crashes_n;
		jumps += w->jumps_n;
		looks += w->looks;
		steps += w->steps;
		backs += w->backs;
		emergencies += w->emergencies;
		/* ages of 20 to 200 days: less than one roll in two years is not a working program */
		idle += w->rolls < (uint64_t)each / 2 || w->renewals < (uint64_t)each;
		ledger_free(&w->disk);
	}
	printf("# %" PRId64 " years: %" PRIu64 " rollovers (%" PRIu64 " back, %" PRIu64 " emergencies), %"
	       PRIu64 " renewals, %" PRIu64 " steps, %" PRIu64 " crashes, %" PRIu64 " clock jumps, %" PRIu64
	       " client looks\n", done, rolls, backs, emergencies, renewals, steps, crashes, jumps, looks);
	if (idle > (uint64_t)(years / each / 20)) {
		printf("not ok - %" PRIu64 " of %" PRId64 " worlds hardly did anything\n", idle, years / each);
		return 1;
	}
	printf("ok - no client was refused, no key lost\n");
	strv_free(&hooks);
	free(w);
	return 0;
}
