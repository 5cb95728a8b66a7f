/* store_eyes.c - the part of state.json that remembers what name servers showed.
 * Touches: nothing but memory.
 */
#include "run/store_parts.h"

#include "base/mem.h"

static const char *const states[] = {
	[H_UNKNOWN] = "unknown",
	[H_BAD] = "bad",
	[H_GOOD] = "good",
};
_Static_assert(ARRAY_LEN(states) == H_GOOD + 1, "a word for each state");

/* Zero means "not", and is not written. */
static void put_n(struct json *o, const char *key, int64_t n)
{
	if (n)
		json_put_int(o, key, n);
}

static void put_text(struct json *o, const char *key, const char *s)
{
	if (s && *s)
		json_put_str(o, key, s);
}

static void put_flag(struct json *o, const char *key, bool b)
{
	if (b)
		json_put_bool(o, key, true);
}

static void put_server(struct json *list, const struct horizon *h, const struct horizon_server *s)
{
	struct json *o = json_put(list, NULL, json_object()), *views;

	json_put_str(o, "id", s->id);
	put_text(o, "names", s->names);
	put_flag(o, "listed", s->listed);
	put_n(o, "unlisted_until_at", s->unlisted_until_at);
	put_n(o, "answered_at", s->answered_at);
	put_n(o, "failing_at", s->failing_at);
	put_n(o, "failed_at", s->failed_at);
	put_n(o, "silent_at", s->silent_at);
	put_text(o, "why", s->why);
	put_flag(o, "no_route", s->no_route);
	put_n(o, "reach", s->reach_for);
	put_flag(o, "unsigned", s->unsigned_);
	put_n(o, "signed_until_at", s->signed_until_at);
	put_n(o, "serial", s->serial);
	put_n(o, "ttl", s->ttl_for);
	put_n(o, "records", s->records);
	views = json_put(o, "views", json_array());
	for (size_t k = 0; k < h->keysets_n; k++) {
		struct json *v = json_put(views, NULL, json_object());

		json_put_str(v, "state", states[s->views[k].state]);
		put_n(v, "bad_ttl", s->views[k].bad_ttl_for);
		put_n(v, "good_since_at", s->views[k].good_since_at);
		put_n(v, "rounds", s->views[k].rounds);
		put_flag(v, "accepted", s->views[k].accepted);
	}
}

void store_put_eyes(struct json *o, const struct ledger *l)
{
	struct json *list;

	if (!l->eyes_n)
		return;
	list = json_put(o, "eyes", json_array());
	for (size_t i = 0; i < l->eyes_n; i++) {
		const struct horizon *h = &l->eyes[i];
		struct json *j, *part;

		if (!h->looked_at)
			continue;
		j = json_put(list, NULL, json_object());
		json_put_str(j, "owner", h->owner);
		json_put_str(j, "path", h->path);
		json_put_str(j, "security", horizon_security_name(h->security));
		put_text(j, "why", h->why);
		put_flag(j, "wildcard", h->wildcard);
		json_put_int(j, "looked_at", h->looked_at);
		put_n(j, "alias_ttl", h->alias_ttl_for);
		part = json_put(j, "keysets", json_array());
		for (size_t k = 0; k < h->keysets_n; k++) {
			struct json *x = json_put(part, NULL, json_object());

			json_put_int(x, "id", h->keysets[k].keyset);
			put_n(x, "stale_until_at", h->keysets[k].stale_until_at);
			put_n(x, "seen_at", h->keysets[k].seen_at);
			put_n(x, "lacking_ttl", h->keysets[k].lacking_ttl_for);
		}
		part = json_put(j, "servers", json_array());
		for (size_t s = 0; s < h->servers_n; s++)
			put_server(part, h, &h->servers[s]);
	}
}

/* Reading --------------------------------------------------------------------------------------- */

static int word(const struct json *o, const char *key, const char *const *words, size_t n)
{
	const char *s = json_str(o, key, "");

	for (size_t i = 0; i < n; i++)
		if (strcmp(s, words[i]) == 0)
			return (int)i;
	return 0;
}

static enum horizon_security security(const char *text)
{
	for (int s = HS_UNKNOWN; s <= HS_BOGUS; s++)
		if (strcmp(text, horizon_security_name((enum horizon_security)s)) == 0)
			return (enum horizon_security)s;
	return HS_UNKNOWN;
}

static int small(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n < -1 || n > INT32_MAX ? 0 : (int)n;
}

static void get_server(struct horizon_server *s, const struct horizon *h, const struct json *o)
{
	const struct json *views = json_get(o, "views");

	*s = (struct horizon_server){
		.id = mem_copy_str(json_str(o, "id", "")),
		.names = mem_copy_str(json_str(o, "names", "")),
		.listed = json_bool(o, "listed", false),
		.unlisted_until_at = json_int(o, "unlisted_until_at", 0),
		.answered_at = json_int(o, "answered_at", 0),
		.failing_at = json_int(o, "failing_at", 0),
		.failed_at = json_int(o, "failed_at", 0),
		.silent_at = json_int(o, "silent_at", 0),
		.why = mem_copy_str(json_str(o, "why", NULL)),
		.no_route = json_bool(o, "no_route", false),
		.reach_for = json_int(o, "reach", 0),
		.unsigned_ = json_bool(o, "unsigned", false),
		.signed_until_at = json_int(o, "signed_until_at", 0),
		.serial = (uint32_t)json_int(o, "serial", 0),
		.ttl_for = json_int(o, "ttl", 0),
		.records = small(o, "records"),
	};
	s->views = mem_array(h->keysets_n, sizeof(*s->views));
	for (size_t k = 0; k < h->keysets_n && k < json_len(views); k++) {
		const struct json *v = json_at(views, k);

		s->views[k] = (struct horizon_view){
			.state = (enum horizon_state)word(v, "state", states, ARRAY_LEN(states)),
			.bad_ttl_for = json_int(v, "bad_ttl", 0),
			.good_since_at = json_int(v, "good_since_at", 0),
			.rounds = small(v, "rounds"),
			.accepted = json_bool(v, "accepted", false),
		};
	}
}

static void get_eye(struct horizon *h, const struct json *o)
{
	const struct json *keysets = json_get(o, "keysets"), *servers = json_get(o, "servers");

	horizon_init(h, json_str(o, "owner", ""));
	/* without keyset 0 in front it is not ours: as if nothing had been seen */
	if (json_int(json_at(keysets, 0), "id", -1) != 0)
		return;
	h->path = mem_copy_str(json_str(o, "path", NULL));
	h->security = security(json_str(o, "security", ""));
	h->why = mem_copy_str(json_str(o, "why", NULL));
	h->wildcard = json_bool(o, "wildcard", false);
	h->looked_at = json_int(o, "looked_at", 0);
	h->alias_ttl_for = json_int(o, "alias_ttl", 0);
	free(h->keysets);
	h->keysets_n = json_len(keysets);
	h->keysets = mem_array(h->keysets_n, sizeof(*h->keysets));
	for (size_t k = 0; k < h->keysets_n; k++) {
		const struct json *x = json_at(keysets, k);

		h->keysets[k] = (struct horizon_keyset){
			.keyset = small(x, "id"),
			.stale_until_at = json_int(x, "stale_until_at", 0),
			.seen_at = json_int(x, "seen_at", 0),
			.lacking_ttl_for = json_int(x, "lacking_ttl", 0),
		};
	}
	h->servers_n = json_len(servers);
	h->servers = mem_array(h->servers_n, sizeof(*h->servers));
	for (size_t s = 0; s < h->servers_n; s++)
		get_server(&h->servers[s], h, json_at(servers, s));
}

void store_get_eyes(struct ledger *l, const struct json *list)
{
	l->eyes_n = json_len(list);
	l->eyes = mem_array(l->eyes_n, sizeof(*l->eyes));
	for (size_t i = 0; i < l->eyes_n; i++)
		get_eye(&l->eyes[i], json_at(list, i));
}
