/* horizon.c - what servers were seen to give, and what caches may hold because of it.
 *
 * A view (one server, one keyset) moves between three states; each arrow names what happens to H,
 * the keyset's stale horizon, at the arrival `at` of the answer:
 *
 *      UNKNOWN --lacks--> BAD    at + ttl
 *      UNKNOWN --covers-> GOOD   at + what is assumed of the time before
 *      BAD     --lacks--> BAD    at + the larger of the TTLs of this answer and the last
 *      BAD     --covers-> GOOD   at + TTL of the last set that lacked it: given until just now
 *      BAD     --fails--> BAD    the same, once: what came before the silence
 *      GOOD    --lacks--> BAD    at + ttl
 *      GOOD    --covers-> GOOD   nothing; nor when a GOOD or UNKNOWN one fails
 *
 * An answer without a good signature is not believed when it covers, and believed when it lacks.
 * "No set" lacks with its negative TTL where negatives count; else it is harmless in a cache, so
 * GOOD, but no round of the key's.  An alias has no set to lack anything.
 * Facts that hold after each call: keyset 0 is keysets[0] and no answer with data is GOOD for it;
 * bad_ttl_for is set while BAD and is at least the floor; H is at least that of every answer.
 * Touches: nothing but memory.
 */
#include "core/horizon.h"

#include "base/mem.h"
#include "base/when.h"

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void replace(char **to, const char *s)
{
	char *copy = mem_copy_str(s);

	free(*to);
	*to = copy;
}

const char *horizon_security_name(enum horizon_security s)
{
	static const char *const names[] = {
		[HS_UNKNOWN] = "unknown",
		[HS_INSECURE] = "insecure",
		[HS_SECURE] = "secure",
		[HS_BOGUS] = "bogus",
	};
	_Static_assert(ARRAY_LEN(names) == HS_BOGUS + 1, "a word for each status");

	return names[s];
}

void horizon_init(struct horizon *h, const char *owner)
{
	*h = (struct horizon){ .owner = mem_copy_str(owner), .keysets_n = 1 };
	h->keysets = mem_array(1, sizeof(*h->keysets));
}

static void server_free(struct horizon_server *s)
{
	free(s->id);
	free(s->names);
	free(s->why);
	free(s->views);
	*s = (struct horizon_server){ 0 };
}

void horizon_free(struct horizon *h)
{
	for (size_t i = 0; i < h->servers_n; i++)
		server_free(&h->servers[i]);
	free(h->servers);
	free(h->keysets);
	free(h->owner);
	free(h->path);
	free(h->why);
	*h = (struct horizon){ 0 };
}

/* Keysets -------------------------------------------------------------------------------------- */

static size_t place_of(const struct horizon_keyset *v, size_t n, int keyset)
{
	size_t i = 0;

	while (i < n && v[i].keyset != keyset)
		i++;
	return i;
}

size_t horizon_place(const struct horizon *h, int keyset)
{
	return place_of(h->keysets, h->keysets_n, keyset);
}

void horizon_keep(struct horizon *h, const int *keysets, size_t n)
{
	struct horizon_keyset *kept = mem_array(n + 1, sizeof(*kept));
	size_t *from = mem_array(n + 1, sizeof(*from)), kept_n = 1;

	kept[0] = h->keysets[0];
	for (size_t i = 0; i < n; i++) {
		if (place_of(kept, kept_n, keysets[i]) < kept_n)
			continue;
		from[kept_n] = place_of(h->keysets, h->keysets_n, keysets[i]);
		if (from[kept_n] == h->keysets_n)
			from[kept_n] = 0;
		kept[kept_n] = h->keysets[from[kept_n]];
		kept[kept_n++].keyset = keysets[i];
	}
	for (size_t s = 0; s < h->servers_n; s++) {
		struct horizon_view *views = mem_array(kept_n, sizeof(*views));

		for (size_t k = 0; k < kept_n; k++)
			views[k] = h->servers[s].views[from[k]];
		free(h->servers[s].views);
		h->servers[s].views = views;
	}
	free(from);
	free(h->keysets);
	h->keysets = kept;
	h->keysets_n = kept_n;
}

/* A round -------------------------------------------------------------------------------------- */

static void raise_horizon(struct horizon_keyset *k, int64_t at, int64_t d_for)
{
	k->stale_until_at = larger(k->stale_until_at, when_add(at, d_for));
}

/* How long a set may last that was given before we looked. */
static int64_t before(const struct horizon_keyset *k, const struct horizon_policy *p)
{
	return larger(larger(p->assume_ttl_for, p->ttl_floor_for),
		      larger(k->lacking_ttl_for, p->old_ttl_for));
}

void horizon_begin(struct horizon *h, const struct horizon_round *r, const struct horizon_policy *p)
{
	bool known = r->path && r->security != HS_UNKNOWN;

	/* a cache that has the old alias goes on to ask the servers it led to, after we have ceased
	 * to, and then has their set for a TTL */
	if (known && h->path && strcmp(h->path, r->path) != 0) {
		int64_t alias_for = larger(h->alias_ttl_for, p->ttl_floor_for);

		for (size_t k = 0; k < h->keysets_n; k++)
			raise_horizon(&h->keysets[k], when_add(r->now, alias_for),
				      before(&h->keysets[k], p));
		h->alias_ttl_for = 0;
	}
	if (known)
		replace(&h->path, r->path);
	replace(&h->why, r->why);
	h->security = r->security;
	h->wildcard = false;
	h->looked_at = r->now;
}

static void lacks(struct horizon_keyset *k, struct horizon_view *v, int64_t at, int64_t ttl_for)
{
	raise_horizon(k, at, v->state == H_BAD ? larger(ttl_for, v->bad_ttl_for) : ttl_for);
	k->lacking_ttl_for = larger(k->lacking_ttl_for, ttl_for);
	*v = (struct horizon_view){ .state = H_BAD, .bad_ttl_for = ttl_for, .accepted = v->accepted };
}

/* It has ceased to lack the key, if it did. */
static void leave_bad(struct horizon_keyset *k, struct horizon_view *v, int64_t at)
{
	if (v->state == H_BAD)
		raise_horizon(k, at, v->bad_ttl_for);
	v->state = H_GOOD;
	v->bad_ttl_for = 0;
}

static void covers(struct horizon_keyset *k, struct horizon_view *v, const struct horizon_answer *a,
		   int64_t ttl_for, const struct horizon_policy *p)
{
	if (v->state == H_UNKNOWN) {
		raise_horizon(k, a->at, larger(ttl_for, before(k, p)));
		if (!k->lacking_ttl_for)
			k->lacking_ttl_for = larger(p->assume_ttl_for, p->ttl_floor_for);
	}
	leave_bad(k, v, a->at);
	if (!v->rounds)
		v->good_since_at = a->at;
	if (v->rounds < INT32_MAX)
		v->rounds++;
	if (!k->seen_at && a->kind == HA_DATA)
		k->seen_at = a->at;
}

static void nothing_there(struct horizon_keyset *k, struct horizon_view *v, int64_t at)
{
	leave_bad(k, v, at);
	v->rounds = 0;
	v->good_since_at = 0;
}

/* What is not signed proves nothing. */
static void unproved(struct horizon_view *v)
{
	v->rounds = 0;
	v->good_since_at = 0;
}

static void note_view(struct horizon *h, size_t i, struct horizon_view *v,
		      const struct horizon_answer *a, const struct horizon_policy *p)
{
	struct horizon_keyset *k = &h->keysets[i];
	int64_t ttl_for = larger(a->ttl_for, p->ttl_floor_for);
	bool covered = false;

	switch (a->kind) {
	case HA_UNASKED:
	case HA_FAIL:
		return;
	case HA_EMPTY:
		covered = !p->count_negative;
		break;
	case HA_DATA:
		covered = i > 0 && a->covers[i] == TLSA_COVERS;
		break;
	case HA_ALIAS:
		covered = i > 0;
		break;
	}
	v->accepted = a->kind == HA_DATA && a->accepts ? i > 0 && a->accepts[i] : covered;
	if (!covered)
		lacks(k, v, a->at, ttl_for);
	else if (a->unsigned_)
		unproved(v);
	else if (a->kind == HA_EMPTY)
		nothing_there(k, v, a->at);
	else
		covers(k, v, a, ttl_for, p);
}

static struct horizon_server *server_of(struct horizon *h, const char *id)
{
	struct horizon_server *s;

	for (size_t i = 0; i < h->servers_n; i++)
		if (strcmp(h->servers[i].id, id) == 0)
			return &h->servers[i];
	h->servers = mem_resize(h->servers, h->servers_n + 1, sizeof(*h->servers));
	s = &h->servers[h->servers_n++];
	*s = (struct horizon_server){ .id = mem_copy_str(id), .names = mem_copy_str("") };
	s->views = mem_array(h->keysets_n, sizeof(*s->views));
	return s;
}

/* What it gave until just now, as far as we know. */
static void fall_silent(struct horizon *h, struct horizon_server *s, int64_t at)
{
	s->silent_at = at;
	for (size_t k = 0; k < h->keysets_n; k++)
		if (s->views[k].state == H_BAD)
			raise_horizon(&h->keysets[k], at, s->views[k].bad_ttl_for);
}

/* Between two looks that are far apart it may have answered others. */
static void note_failure(struct horizon *h, struct horizon_server *s,
			 const struct horizon_answer *a, const struct horizon_policy *p)
{
	if (!s->failing_at)
		s->failing_at = a->at;
	if (!s->silent_at || (p->ignore_after_for && a->at - s->failed_at > p->ignore_after_for / 2))
		fall_silent(h, s, a->at);
	s->failed_at = a->at;
	s->no_route = a->no_route;
	replace(&s->why, a->why);
}

/* Why the answer is not as it should be, if it is not. */
static const char *why_of(const struct horizon *h, const struct horizon_answer *a)
{
	if (a->why)
		return a->why;
	for (size_t k = 1; a->kind == HA_DATA && k < h->keysets_n; k++)
		if (a->covers[k] == TLSA_UNKNOWN)
			return "it has records that certline cannot compute";
	return NULL;
}

void horizon_note(struct horizon *h, const struct horizon_answer *a, const struct horizon_policy *p)
{
	struct horizon_server *s = server_of(h, a->id);

	if (a->names)
		replace(&s->names, a->names);
	s->reach_for = larger(s->reach_for, a->reach_for);
	/* no silence of the server's, and no answer of this run */
	if (a->kind == HA_UNASKED)
		return;
	if (a->kind == HA_FAIL) {
		note_failure(h, s, a, p);
		return;
	}
	if (a->kind == HA_DATA && h->keysets_n > 1 && !a->covers)
		mem_bug("an answer with data says nothing of the keysets");
	for (size_t k = 0; k < h->keysets_n; k++)
		note_view(h, k, &s->views[k], a, p);
	replace(&s->why, why_of(h, a));
	s->answered_at = a->at;
	s->failing_at = s->failed_at = s->silent_at = 0;
	s->no_route = false;
	s->unsigned_ = a->unsigned_;
	s->signed_until_at = a->signed_until_at;
	s->serial = a->serial;
	s->ttl_for = a->ttl_for;
	s->records = a->kind == HA_ALIAS ? -1 : a->kind == HA_EMPTY ? 0 : a->records;
	if (a->kind == HA_ALIAS)
		h->alias_ttl_for = larger(h->alias_ttl_for, a->ttl_for);
	if (a->wildcard)
		h->wildcard = true;
}

/* Servers that left the set -------------------------------------------------------------------- */

static bool is_listed(const char *id, const char *const *listed_ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(id, listed_ids[i]) == 0)
			return true;
	return false;
}

/* Resolvers may have asked it until the end, and reached it where we did not. */
static void drop_server(struct horizon *h, size_t i, const struct horizon_policy *p)
{
	struct horizon_server *s = &h->servers[i];

	for (size_t k = 0; k < h->keysets_n; k++) {
		struct horizon_keyset *x = &h->keysets[k];

		if (s->views[k].state == H_BAD)
			raise_horizon(x, s->unlisted_until_at, s->views[k].bad_ttl_for);
		else if (s->views[k].state == H_UNKNOWN && !s->no_route)
			raise_horizon(x, s->unlisted_until_at, before(x, p));
	}
	server_free(s);
	memmove(s, s + 1, (h->servers_n - i - 1) * sizeof(*s));
	h->servers_n--;
}

/* While the key is nowhere yet, the old TTL is that of the sets that are given now or that a cache
 * may still have, and not the largest of all times. */
static void fit_lacking_ttl(struct horizon *h, size_t k, int64_t now)
{
	struct horizon_keyset *x = &h->keysets[k];
	int64_t most_for = larger(x->stale_until_at - now, 0);

	if (x->seen_at)
		return;
	for (size_t i = 0; i < h->servers_n; i++)
		if (h->servers[i].views[k].state == H_BAD)
			most_for = larger(most_for, h->servers[i].views[k].bad_ttl_for);
	if (x->lacking_ttl_for > most_for)
		x->lacking_ttl_for = most_for;
}

void horizon_end(struct horizon *h, const char *const *listed_ids, size_t n, int64_t ns_ttl_for,
		 const struct horizon_policy *p, int64_t now)
{
	int64_t gone_for = larger(ns_ttl_for, p->ttl_floor_for);

	for (size_t i = h->servers_n; n && i-- > 0;) {
		struct horizon_server *s = &h->servers[i];

		s->listed = is_listed(s->id, listed_ids, n);
		if (s->listed)
			s->unlisted_until_at = 0;
		else if (!s->unlisted_until_at)
			s->unlisted_until_at = when_add(now, larger(gone_for, s->reach_for));
		else if (s->unlisted_until_at < now)
			drop_server(h, i, p);
	}
	for (size_t k = 0; k < h->keysets_n; k++)
		fit_lacking_ttl(h, k, now);
}

/* The clock ------------------------------------------------------------------------------------ */

static void shift(int64_t *at, int64_t by_for)
{
	if (*at == 0 || *at == WHEN_NEVER)
		return;
	*at = by_for > 0 ? when_add(*at, by_for) : *at + by_for;
	if (*at < 1)
		*at = 1;        /* 0 means "not" */
}

void horizon_shift(struct horizon *h, int64_t by_for)
{
	shift(&h->looked_at, by_for);
	for (size_t k = 0; k < h->keysets_n; k++) {
		shift(&h->keysets[k].stale_until_at, by_for);
		shift(&h->keysets[k].seen_at, by_for);
	}
	for (size_t i = 0; i < h->servers_n; i++) {
		struct horizon_server *s = &h->servers[i];

		shift(&s->unlisted_until_at, by_for);
		shift(&s->answered_at, by_for);
		shift(&s->failing_at, by_for);
		shift(&s->failed_at, by_for);
		shift(&s->silent_at, by_for);
		for (size_t k = 0; k < h->keysets_n; k++)
			shift(&s->views[k].good_since_at, by_for);
	}
}

/* What was left of a wait at the last round is left of it now. */
static void resume(int64_t *at, int64_t looked_at, int64_t sure_at)
{
	if (*at && *at != WHEN_NEVER)
		*at = when_add(sure_at, larger(*at - looked_at, 0));
}

static void anew(int64_t *at, int64_t sure_at)
{
	if (*at)
		*at = sure_at;
}

void horizon_restart(struct horizon *h, int64_t sure_at)
{
	for (size_t k = 0; k < h->keysets_n; k++) {
		resume(&h->keysets[k].stale_until_at, h->looked_at, sure_at);
		anew(&h->keysets[k].seen_at, sure_at);
	}
	for (size_t i = 0; i < h->servers_n; i++) {
		struct horizon_server *s = &h->servers[i];

		resume(&s->unlisted_until_at, h->looked_at, sure_at);
		anew(&s->answered_at, sure_at - 1);     /* not an answer of this run */
		anew(&s->failing_at, sure_at);
		anew(&s->failed_at, sure_at - 1);
		anew(&s->silent_at, sure_at);
		for (size_t k = 0; k < h->keysets_n; k++) {
			anew(&s->views[k].good_since_at, sure_at);
			s->views[k].rounds = 0;
		}
	}
	anew(&h->looked_at, sure_at);
}
