/* ledger.c - notes, and the facts that follow from them.
 * Touches: nothing but memory.
 */
#include "core/ledger.h"

#include "base/mem.h"
#include "base/when.h"
#include "core/retry.h"

#define JUMP_MIN_FOR     MINUTE         /* less is the clock being disciplined */
#define JUMP_FORWARD_FOR (7 * DAY)      /* over a reboot, more than this is not believed */

static void acks_free(struct acks *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].command);
		free(a->v[i].error);
	}
	free(a->v);
	*a = (struct acks){ 0 };
}

void set_free(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].owner);
		free(s->v[i].data);
	}
	free(s->v);
	*s = (struct set){ 0 };
}

void ledger_free(struct ledger *l)
{
	free(l->keysets);
	set_free(&l->set);
	acks_free(&l->keychange);
	acks_free(&l->certchange);
	for (int s = 0; s < STEP_N; s++)
		free(l->retry[s].error);
	for (size_t i = 0; i < l->suggestions_n; i++)
		suggestion_free(&l->suggestions[i]);
	free(l->suggestions);
	for (size_t i = 0; i < l->eyes_n; i++)
		horizon_free(&l->eyes[i]);
	free(l->eyes);
	served_free(&l->served);
	*l = (struct ledger){ 0 };
}

/* Keysets -------------------------------------------------------------------------------------- */

static bool is_live(const struct keyset *k)
{
	return k->live_at && !k->retired_at && !k->removed_at;
}

static bool is_staging(const struct keyset *k)
{
	return k->staged_at && !k->live_at && !k->removed_at;
}

static bool is_retired(const struct keyset *k)
{
	return k->retired_at && !k->removed_at;
}

static struct keyset *find(const struct ledger *l, bool (*is)(const struct keyset *))
{
	for (size_t i = 0; i < l->keysets_n; i++)
		if (is(&l->keysets[i]))
			return &l->keysets[i];
	return NULL;
}

struct keyset *ledger_keyset(const struct ledger *l, int id)
{
	for (size_t i = 0; i < l->keysets_n; i++)
		if (l->keysets[i].id == id)
			return &l->keysets[i];
	return NULL;
}

struct keyset *ledger_live(const struct ledger *l)
{
	return find(l, is_live);
}

struct keyset *ledger_staging(const struct ledger *l)
{
	return find(l, is_staging);
}

struct keyset *ledger_retired_first(const struct ledger *l)
{
	struct keyset *first = NULL;

	for (size_t i = 0; i < l->keysets_n; i++) {
		struct keyset *k = &l->keysets[i];

		if (!is_retired(k))
			continue;
		/* a compromised one does not queue behind an older one that has time */
		if (!first || k->compromised > first->compromised ||
		    (k->compromised == first->compromised && k->retired_at < first->retired_at))
			first = k;
	}
	return first;
}

struct keyset *ledger_retired_last(const struct ledger *l)
{
	struct keyset *last = NULL;

	for (size_t i = 0; i < l->keysets_n; i++) {
		struct keyset *k = &l->keysets[i];

		if (is_retired(k) && (!last || k->retired_at >= last->retired_at))
			last = k;
	}
	return last;
}

int ledger_retired_n(const struct ledger *l)
{
	int n = 0;

	for (size_t i = 0; i < l->keysets_n; i++)
		n += is_retired(&l->keysets[i]);
	return n;
}

int ledger_newest_gen(const struct ledger *l)
{
	int gen = 0;

	for (size_t i = 0; i < l->keysets_n; i++)
		if (l->keysets[i].gen > gen)
			gen = l->keysets[i].gen;
	return gen;
}

static struct keyset *add(struct ledger *l, int id, int gen, int64_t created_at)
{
	struct keyset *k;

	l->keysets = mem_resize(l->keysets, l->keysets_n + 1, sizeof(*l->keysets));
	k = &l->keysets[l->keysets_n++];
	*k = (struct keyset){ .id = id, .gen = gen, .created_at = created_at };
	return k;
}

static bool note_live(struct ledger *l, const struct ledger_links *links, int64_t now)
{
	struct keyset *k = ledger_keyset(l, links->live_id);
	bool noted = false;

	if (!k)
		k = add(l, links->live_id, links->live_gen, links->live_created_at);
	if (k->gen != links->live_gen) {
		k->gen = links->live_gen;
		noted = true;
	}
	if (is_live(k))
		return noted;
	if (k->retired_at)
		l->rolled_back_at = now;
	else
		l->rolled_back_at = 0;
	k->live_at = now;
	k->retired_at = k->removed_at = 0;
	served_turn(&l->served);
	/* A hook may have had its effect without acknowledging it: after a roll-back the servers may have
	 * the other key, whatever was acknowledged for this one before. */
	l->deployed_keyset = 0;
	l->deployed_at = 0;
	for (size_t i = 0; i < l->certchange.n; i++)
		l->certchange.v[i].acked = 0;
	return true;
}

static bool note_staging(struct ledger *l, const struct ledger_links *links, int64_t now)
{
	struct keyset *k = ledger_keyset(l, links->staging_id);

	if (!k)
		k = add(l, links->staging_id, links->staging_gen, links->staging_created_at);
	/* a key that has been live is not staged again: a promotion was killed before its last act */
	if (k->live_at || (is_staging(k) && k->gen == links->staging_gen))
		return false;
	k->gen = links->staging_gen;
	if (!k->staged_at)
		k->staged_at = now;
	k->removed_at = 0;
	return true;
}

bool ledger_reconcile(struct ledger *l, const struct ledger_links *links, int64_t now)
{
	bool noted = false;

	if (links->live_id)
		noted |= note_live(l, links, now);
	if (links->staging_id)
		noted |= note_staging(l, links, now);
	for (size_t i = 0; i < l->keysets_n; i++) {
		struct keyset *k = &l->keysets[i];

		if (is_live(k) && k->id != links->live_id) {
			k->retired_at = now;
			noted = true;
		}
		if (is_staging(k) && k->id != links->staging_id) {
			k->removed_at = now;
			noted = true;
		}
	}
	if (l->roll_from && l->roll_from != links->live_id) {
		l->roll_from = 0;
		l->force = false;
		noted = true;
	}
	if (l->back_to && l->back_to == links->live_id) {
		l->back_to = 0;
		noted = true;
	}
	return noted;
}

void ledger_assume_retired(struct ledger *l, int id, int gen, int64_t created_at, int64_t now)
{
	struct keyset *k = ledger_keyset(l, id);

	if (!k)
		k = add(l, id, gen, created_at);
	if (gen > k->gen)
		k->gen = gen;
	if (!k->live_at && !k->staged_at)
		k->live_at = k->retired_at = now;
}

void ledger_removed(struct ledger *l, int id, int64_t now)
{
	struct keyset *k = ledger_keyset(l, id);

	if (k)
		k->removed_at = now;
}

void ledger_purged(struct ledger *l, int id)
{
	for (size_t i = 0; i < l->keysets_n; i++) {
		if (l->keysets[i].id != id)
			continue;
		memmove(&l->keysets[i], &l->keysets[i + 1],
			(l->keysets_n - i - 1) * sizeof(*l->keysets));
		l->keysets_n--;
		return;
	}
}

void ledger_succeeded(struct ledger *l, enum step s)
{
	free(l->retry[s].error);
	l->retry[s] = (struct retry){ 0 };
	if (s == DO_RENEW)
		l->renew_force = false;
}

void ledger_failed(struct ledger *l, enum step s, const char *error, int64_t now, uint16_t draw)
{
	struct retry *r = &l->retry[s];

	if (r->failures < INT32_MAX)
		r->failures++;
	r->next_at = when_add(now, retry_delay(r->failures, draw));
	free(r->error);
	r->error = mem_copy_str(error);
}

/* The set -------------------------------------------------------------------------------------- */

void set_add(struct set *s, const char *owner, const char *data, int keyset)
{
	if ((s->n & (s->n - 1)) == 0)
		s->v = mem_resize(s->v, s->n ? s->n * 2 : 1, sizeof(*s->v));
	s->v[s->n++] = (struct set_entry){ .owner = mem_copy_str(owner),
					   .data = mem_copy_str(data), .keyset = keyset };
}

static int by_owner_keyset_data(const void *a, const void *b)
{
	const struct set_entry *x = a, *y = b;
	int c = strcmp(x->owner, y->owner);

	if (c == 0)
		c = (x->keyset > y->keyset) - (x->keyset < y->keyset);
	return c ? c : strcmp(x->data, y->data);
}

void set_sort(struct set *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), by_owner_keyset_data);
}

bool ledger_set_differs(const struct ledger *l, const struct set *wanted)
{
	if (l->set.n != wanted->n || l->set.ttl_for != wanted->ttl_for)
		return true;
	for (size_t i = 0; i < wanted->n; i++)
		if (by_owner_keyset_data(&l->set.v[i], &wanted->v[i]) != 0)
			return true;
	return false;
}

static const struct set_entry *set_find(const struct set *s, const struct set_entry *x)
{
	return s->n ? bsearch(x, s->v, s->n, sizeof(*s->v), by_owner_keyset_data) : NULL;
}

bool set_has(const struct set *s, const char *owner)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].keyset && strcmp(s->v[i].owner, owner) == 0)
			return true;
	return false;
}

void ledger_set_owners(struct strv *out, const struct ledger *l)
{
	for (size_t i = 0; i < l->set.n; i++)
		if (*l->set.v[i].owner && l->set.v[i].keyset && !strv_has(out, l->set.v[i].owner))
			strv_add(out, l->set.v[i].owner);
}

void ledger_set_record(struct ledger *l, const struct set *wanted, int64_t now)
{
	struct set next = { .ttl_for = wanted->ttl_for };

	for (size_t i = 0; i < wanted->n; i++) {
		const struct set_entry *w = &wanted->v[i], *old = set_find(&l->set, w);

		set_add(&next, w->owner, w->data, w->keyset);
		if (old) {
			next.v[i].published_at = old->published_at;
			next.v[i].stale_until_at = old->stale_until_at;
		}
	}
	/* a recorded set that was never finished may have reached some caches all the same */
	if (l->set_done_at || l->old_ttl_for < l->set.ttl_for)
		l->old_ttl_for = l->set.ttl_for;
	set_free(&l->set);
	l->set = next;
	l->set_serial++;
	l->set_at = now;
	l->set_done_at = 0;
}

void ledger_set_done(struct ledger *l, int64_t now)
{
	if (l->set_done_at)
		return;
	l->set_done_at = now;
	if (l->old_ttl_for && when_add(now, l->old_ttl_for) > l->horizon_at)
		l->horizon_at = when_add(now, l->old_ttl_for);
	for (size_t i = 0; i < l->set.n; i++) {
		if (l->set.v[i].published_at)
			continue;
		l->set.v[i].published_at = now;
		l->set.v[i].stale_until_at = l->horizon_at;
	}
}

void ledger_set_distrust(struct ledger *l)
{
	for (size_t i = 0; i < l->set.n; i++)
		l->set.v[i].published_at = l->set.v[i].stale_until_at = 0;
	l->set_done_at = 0;
	for (size_t i = 0; i < l->keychange.n; i++)
		l->keychange.v[i].acked = 0;
}

/* Acknowledgements ----------------------------------------------------------------------------- */

static struct ack *ack_find(const struct acks *a, const char *command)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].command, command) == 0)
			return &a->v[i];
	return NULL;
}

static struct ack *ack_get(struct acks *a, const char *command)
{
	struct ack *k = ack_find(a, command);

	if (k)
		return k;
	a->v = mem_resize(a->v, a->n + 1, sizeof(*a->v));
	a->v[a->n] = (struct ack){ .command = mem_copy_str(command) };
	return &a->v[a->n++];
}

const struct ack *acks_find(const struct acks *a, const char *command)
{
	return ack_find(a, command);
}

bool acks_pending(const struct acks *a, const struct strv *commands, int what)
{
	for (size_t i = 0; i < commands->n; i++) {
		const struct ack *k = ack_find(a, commands->v[i]);

		if (!k || k->acked != what)
			return true;
	}
	return false;
}

void acks_ok(struct acks *a, const char *command, int what, int64_t now)
{
	struct ack *k = ack_get(a, command);

	k->acked = what;
	k->acked_at = now;
	k->failures = 0;
	k->failing_at = 0;
	free(k->error);
	k->error = NULL;
}

void acks_failed(struct acks *a, const char *command, const char *error, int64_t now)
{
	struct ack *k = ack_get(a, command);

	if (k->failures++ == 0)
		k->failing_at = now;
	free(k->error);
	k->error = mem_copy_str(error);
}

void acks_distrust(struct acks *a)
{
	for (size_t i = 0; i < a->n; i++)
		a->v[i].acked = 0;
}

void acks_keep(struct acks *a, const struct strv *commands)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++) {
		if (strv_has(commands, a->v[i].command)) {
			a->v[n++] = a->v[i];
			continue;
		}
		free(a->v[i].command);
		free(a->v[i].error);
	}
	a->n = n;
}

void ledger_deployed(struct ledger *l, int64_t now)
{
	const struct keyset *live = ledger_live(l);

	if (!live || l->deployed_keyset == live->id)
		return;
	l->deployed_keyset = live->id;
	l->deployed_at = now;
}

/* Eyes ----------------------------------------------------------------------------------------- */

struct horizon *ledger_eye(const struct ledger *l, const char *owner)
{
	for (size_t i = 0; i < l->eyes_n; i++)
		if (l->eyes[i].owner && strcmp(l->eyes[i].owner, owner) == 0)
			return &l->eyes[i];
	return NULL;
}

void ledger_eyes_fit(struct ledger *l, const struct strv *owners)
{
	struct horizon *eyes = mem_array(owners->n, sizeof(*eyes));
	int *ids = mem_array(l->keysets_n, sizeof(*ids));
	size_t n = 0;

	for (size_t i = 0; i < l->keysets_n; i++)
		if (!l->keysets[i].removed_at)
			ids[n++] = l->keysets[i].id;
	for (size_t o = 0; o < owners->n; o++) {
		struct horizon *had = ledger_eye(l, owners->v[o]);

		if (had) {
			eyes[o] = *had;
			*had = (struct horizon){ 0 };
		} else {
			horizon_init(&eyes[o], owners->v[o]);
		}
		horizon_keep(&eyes[o], ids, n);
	}
	for (size_t i = 0; i < l->eyes_n; i++)
		horizon_free(&l->eyes[i]);
	free(l->eyes);
	free(ids);
	l->eyes = eyes;
	l->eyes_n = owners->n;
}

/* Orders --------------------------------------------------------------------------------------- */

const char *ledger_order_roll(struct ledger *l, bool emergency, bool force)
{
	struct keyset *live = ledger_live(l);

	if (!live)
		return "there is no live key yet: run `certline init` first";
	l->roll_from = live->id;
	l->force = force;
	l->back_to = 0;
	/* who orders it does not want to wait */
	ledger_succeeded(l, DO_STAGE);
	ledger_succeeded(l, DO_RENEW_STAGING);
	if (emergency)
		live->compromised = true;
	return NULL;
}

const char *ledger_order_back(struct ledger *l)
{
	struct keyset *k = ledger_retired_last(l);

	if (!k)
		return "there is no retired key whose records are still published";
	if (k->compromised)
		return "the retired key was declared compromised";
	l->back_to = k->id;
	l->roll_from = 0;
	l->force = false;
	return NULL;
}

const char *ledger_order_revoke(struct ledger *l, int reason, bool now)
{
	struct keyset *live = ledger_live(l);

	if (!live)
		return "there is no live key whose certificates could be revoked";
	live->revoke_gen = live->gen;
	live->revoke_reason = reason;
	live->revoke_now = now;
	ledger_succeeded(l, DO_REVOKE);
	return NULL;
}

/* One that is served goes first if that was ordered; else servers must have another key. */
struct keyset *ledger_revoke_due(const struct ledger *l)
{
	const struct keyset *live = ledger_live(l);

	for (size_t i = 0; i < l->keysets_n; i++) {
		struct keyset *k = &l->keysets[i];

		if (k->revoke_gen && (k->revoke_now || (live && k != live && l->deployed_keyset == live->id)))
			return k;
	}
	return NULL;
}

void ledger_revoked(struct ledger *l, int id, int64_t now)
{
	struct keyset *k = ledger_keyset(l, id);

	k->revoke_gen = 0;
	k->revoke_now = false;
	k->revoked_at = now;
}

void ledger_order_renew(struct ledger *l, bool force)
{
	l->renew_gen = ledger_newest_gen(l) + 1;
	/* by hand means now: an earlier failure does not hold it back */
	ledger_succeeded(l, DO_RENEW);
	ledger_succeeded(l, DO_RENEW_STAGING);
	l->renew_force = force;
}

/* The clock ------------------------------------------------------------------------------------ */

static void shift(int64_t *at, int64_t by_for)
{
	if (*at && *at != WHEN_NEVER)
		*at += by_for;
}

static void shift_all(struct ledger *l, int64_t by_for)
{
	for (size_t i = 0; i < l->keysets_n; i++) {
		struct keyset *k = &l->keysets[i];

		shift(&k->created_at, by_for);
		shift(&k->staged_at, by_for);
		shift(&k->live_at, by_for);
		shift(&k->retired_at, by_for);
		shift(&k->removed_at, by_for);
	}
	for (size_t i = 0; i < l->set.n; i++) {
		shift(&l->set.v[i].published_at, by_for);
		shift(&l->set.v[i].stale_until_at, by_for);
	}
	for (size_t i = 0; i < l->keychange.n; i++) {
		shift(&l->keychange.v[i].acked_at, by_for);
		shift(&l->keychange.v[i].failing_at, by_for);
	}
	for (size_t i = 0; i < l->certchange.n; i++) {
		shift(&l->certchange.v[i].acked_at, by_for);
		shift(&l->certchange.v[i].failing_at, by_for);
	}
	for (int s = 0; s < STEP_N; s++)
		shift(&l->retry[s].next_at, by_for);
	for (size_t i = 0; i < l->eyes_n; i++)
		horizon_shift(&l->eyes[i], by_for);
	served_shift(&l->served, by_for);
	shift(&l->set_at, by_for);
	shift(&l->set_done_at, by_for);
	shift(&l->horizon_at, by_for);
	shift(&l->deployed_at, by_for);
	shift(&l->rolled_back_at, by_for);
}

static void not_before(int64_t *at, int64_t floor_at)
{
	if (*at && *at < floor_at)
		*at = floor_at;
}

/* Nothing is known of the time between the last save and this boot, so every wait that had begun
 * counts only what has passed since the machine started: that much is sure. */
static void restart_waits(struct ledger *l, const struct ledger_clock *now)
{
	int64_t sure_at = now->real_at - now->boot_for;

	for (size_t i = 0; i < l->set.n; i++) {
		struct set_entry *s = &l->set.v[i];

		if (!s->published_at)
			continue;
		not_before(&s->published_at, sure_at);
		if (s->stale_until_at)
			not_before(&s->stale_until_at, when_add(sure_at, l->old_ttl_for));
	}
	if (l->old_ttl_for)
		not_before(&l->horizon_at, when_add(sure_at, l->old_ttl_for));
	for (size_t i = 0; i < l->keysets_n; i++) {
		not_before(&l->keysets[i].retired_at, sure_at);
		not_before(&l->keysets[i].removed_at, sure_at);
	}
	not_before(&l->deployed_at, sure_at);
	for (size_t i = 0; i < l->eyes_n; i++)
		horizon_restart(&l->eyes[i], sure_at);
	served_restart(&l->served, sure_at, now->real_at);
}

/* A clock that was put back must not leave instants in the future: they would prolong waits by as much
 * as it was wrong before, for years perhaps. */
static void not_after(int64_t *at, int64_t ceiling_at)
{
	if (*at > ceiling_at)
		*at = ceiling_at;
}

static void cap_future(struct ledger *l, int64_t now)
{
	for (size_t i = 0; i < l->keysets_n; i++) {
		not_after(&l->keysets[i].created_at, now);
		not_after(&l->keysets[i].staged_at, now);
		not_after(&l->keysets[i].live_at, now);
		not_after(&l->keysets[i].retired_at, now);
		not_after(&l->keysets[i].removed_at, now);
	}
	for (size_t i = 0; i < l->set.n; i++) {
		not_after(&l->set.v[i].published_at, now);
		not_after(&l->set.v[i].stale_until_at, when_add(now, l->old_ttl_for));
	}
	for (int s = 0; s < STEP_N; s++)
		not_after(&l->retry[s].next_at, when_add(now, RETRY_MAX_FOR));
	not_after(&l->horizon_at, when_add(now, l->old_ttl_for));
	not_after(&l->deployed_at, now);
	not_after(&l->rolled_back_at, now);
}

enum ledger_jump ledger_clock_fit(struct ledger *l, const struct ledger_clock *now)
{
	const struct ledger_clock *then = &l->clock;
	int64_t drift_for;

	if (!then->real_at)
		return JUMP_NONE;
	if (strcmp(then->boot_id, now->boot_id) == 0) {
		drift_for = (now->real_at - then->real_at) - (now->boot_for - then->boot_for);
		if (drift_for >= -JUMP_MIN_FOR && drift_for <= JUMP_MIN_FOR)
			return JUMP_NONE;
		shift_all(l, drift_for);
		return JUMP_SHIFTED;
	}
	if (now->real_at >= then->real_at && now->real_at - then->real_at <= JUMP_FORWARD_FOR)
		return JUMP_NONE;
	restart_waits(l, now);
	if (now->real_at < then->real_at)
		cap_future(l, now->real_at);
	return JUMP_RESTARTED;
}

/* Facts ---------------------------------------------------------------------------------------- */

/* When the last of a keyset's wanted records was acknowledged; 0 if one was not. */
static void published(struct key_facts *f, const struct ledger *l, const struct set *wanted)
{
	for (size_t i = 0; i < wanted->n; i++) {
		const struct set_entry *have;

		if (wanted->v[i].keyset != f->id)
			continue;
		have = set_find(&l->set, &wanted->v[i]);
		if (!have || !have->published_at) {
			f->published_at = f->stale_until_at = 0;
			return;
		}
		if (have->published_at > f->published_at)
			f->published_at = have->published_at;
		if (have->stale_until_at > f->stale_until_at)
			f->stale_until_at = have->stale_until_at;
	}
}

static void fill(struct key_facts *f, const struct keyset *k, const struct ledger *l,
		 const struct ledger_certs *c, const struct set *wanted)
{
	if (!k)
		return;
	*f = (struct key_facts){
		.present = true,
		.id = k->id,
		.gen = k->gen,
		.compromised = k->compromised,
		.disowned = k->compromised && (k->revoke_gen || k->revoked_at),
		.created_at = k->created_at,
		.staged_at = k->staged_at,
		.live_at = k->live_at,
		.retired_at = k->retired_at,
	};
	if (c) {
		f->fits_types = c->fits_types;
		f->fits_names = c->fits_names;
		f->bootstrap = c->bootstrap;
		f->cert_from_at = c->from_at;
		f->cert_until_at = c->until_at;
		f->suggested_at = c->suggested_at;
	}
	published(f, l, wanted);
}

/* The eyes of the owners that have records, or may have: another array, of the same contents. */
static struct horizon *open_eyes(size_t *n, const struct ledger *l, const struct strv *held)
{
	struct horizon *eyes = mem_array(l->eyes_n, sizeof(*eyes));

	*n = 0;
	for (size_t i = 0; i < l->eyes_n; i++)
		if (!held || !strv_has(held, l->eyes[i].owner))
			eyes[(*n)++] = l->eyes[i];
	return eyes;
}

/* What name servers show of a keyset. */
static void judge(enum sight *sight, int64_t *safe_at, const char **seen, struct strv *said,
		  const struct ledger *l, const struct ledger_view *v,
		  const struct horizon_question *q)
{
	static const enum sight sights[] = {
		[HORIZON_GO] = SIGHT_GO,
		[HORIZON_WAIT] = SIGHT_WAIT,
		[HORIZON_HOLD] = SIGHT_HOLD,
	};
	size_t n;
	struct horizon *eyes = open_eyes(&n, l, v->held);
	struct horizon_judgement j = horizon_judge(eyes, n, q, v->horizon, v->now);

	*sight = sights[j.verdict];
	*safe_at = j.at;
	if (j.verdict != HORIZON_GO) {
		strv_take(said, horizon_text(&j, v->now));
		*seen = said->v[said->n - 1];
	}
	free(eyes);
}

/* `urgent`: the overlap that is asked for by prudence alone is left out. */
static void look(struct key_facts *k, struct strv *said, const struct ledger *l,
		 const struct ledger_view *v, bool urgent)
{
	if (k->present && v->horizon)
		judge(&k->sight, &k->safe_at, &k->seen, said, l, v,
		      &(struct horizon_question){ .keyset = k->id, .published_at = k->published_at,
						  .fresh_at = v->fresh_at, .urgent = urgent });
}

static void orders(struct facts *f, struct strv *said, const struct ledger *l,
		   const struct ledger_view *v)
{
	const struct keyset *back = l->back_to ? ledger_keyset(l, l->back_to) : NULL;
	struct key_facts b = { 0 };

	f->roll_wanted = l->roll_from && l->roll_from == f->live.id;
	f->force = f->roll_wanted && l->force;
	f->renew_gen = l->renew_gen;
	if (!back || back != ledger_retired_last(l) || back->compromised)
		return;
	f->back_wanted = true;
	fill(&b, back, l, NULL, v->wanted);
	look(&b, said, l, v, true);
	f->back_published = b.published_at != 0;
	f->back_sight = b.sight;
	f->back_seen = b.seen;
}

int64_t ledger_told_at(const struct ledger *l, const struct policy *p)
{
	const struct keyset *live = ledger_live(l);

	if (!live)
		return 0;
	if (p->tells)
		return l->deployed_keyset == live->id ? l->deployed_at : 0;
	return p->blind ? 0 : live->live_at;
}

static enum shown judge_servers(int64_t *at, const char **why, struct strv *said, const struct served *s,
				const struct served_question *q)
{
	static const enum shown shows[] = {
		[SERVED_NO] = SHOWN_NO,
		[SERVED_WAIT] = SHOWN_LATER,
		[SERVED_YES] = SHOWN_YES,
	};
	struct served_judgement j = served_judge(s, q);

	*at = j.verdict == SERVED_NO ? 0 : j.at;
	if (j.verdict != SERVED_YES) {
		strv_take(said, served_text(&j));
		*why = said->v[said->n - 1];
	}
	return shows[j.verdict];
}

/* Whether servers present the live key, and whether any presents the compromised one that goes next.  Nobody
 * relies on those whose owners have no records yet, unless that is all of them. */
static void look_at_servers(struct facts *f, struct strv *said, const struct ledger *l,
			    const struct ledger_view *v)
{
	struct served_question q;
	struct strv names = { 0 };

	if (!v->served || !f->live.present)
		return;
	if (v->kept) {
		f->shown_why = f->gone_why = "the owners that have records are not configured any more, and the "
					     "servers of the others were not seen with the live key";
		return;
	}
	for (size_t i = 0; i < l->served.n; i++)
		if (f->held_until_at || !v->held || !strv_has(v->held, l->served.v[i].name))
			strv_add(&names, l->served.v[i].name);
	q = *v->served;
	q.among = &names;
	f->shown = judge_servers(&f->shown_at, &f->shown_why, said, &l->served, &q);
	q.about_leaving = true;
	f->gone = f->retired.compromised ? judge_servers(&f->gone_at, &f->gone_why, said, &l->served, &q)
					 : SHOWN_NO;
	strv_free(&names);
}

/* The line has no record anywhere, nor wants one yet, since no server is known to present the live key. */
static bool held_all(const struct ledger_view *v)
{
	if (!v->held || !v->held->n || !v->held_until_at)
		return false;
	for (size_t i = 0; i < v->wanted->n; i++)
		if (v->wanted->v[i].keyset)
			return false;
	return true;
}

void ledger_facts(struct facts *f, struct strv *said, const struct ledger *l, const struct policy *p,
		  const struct ledger_view *v)
{
	const struct keyset *live = ledger_live(l);

	*f = (struct facts){ 0 };
	fill(&f->live, live, l, &v->live, v->wanted);
	fill(&f->staging, ledger_staging(l), l, &v->staging, v->wanted);
	fill(&f->retired, ledger_retired_first(l), l, &v->retired, v->wanted);
	f->retired_n = ledger_retired_n(l);
	f->links_wrong = v->links_wrong;
	f->set_changed = ledger_set_differs(l, v->wanted);
	f->set_pending = l->set_serial && (!l->set_done_at || v->include_wrong ||
					   acks_pending(&l->keychange, v->keychange, l->set_serial));
	if (live) {
		/* the last acknowledgement may be noted and its consequence not */
		f->deploy_pending = acks_pending(&l->certchange, v->certchange, live->gen) ||
				    (p->tells && l->deployed_keyset != live->id);
	}
	f->deployed_at = ledger_told_at(l, p);
	f->published = l->set_serial > 0;
	f->held_until_at = held_all(v) ? v->held_until_at : 0;
	look_at_servers(f, said, l, v);
	orders(f, said, l, v);
	look(&f->live, said, l, v, true);
	look(&f->staging, said, l, v, f->live.compromised);
	f->revoke_due = ledger_revoke_due(l);
	f->rolled_back_at = l->rolled_back_at;
	for (size_t i = 0; i < l->keysets_n; i++) {
		int64_t at = l->keysets[i].removed_at;

		if (at && (!f->purge_at || when_add(at, PURGE_AFTER_FOR) < f->purge_at))
			f->purge_at = when_add(at, PURGE_AFTER_FOR);
	}
	for (int s = 0; s < STEP_N; s++)
		f->retry_at[s] = l->retry[s].next_at;
}
