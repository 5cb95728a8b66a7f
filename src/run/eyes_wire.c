/* eyes_wire.c - struct look_owner as JSON and back.
 * Touches: nothing but memory.
 */
#include "run/eyes_wire.h"

#include "base/mem.h"
#include "io/json.h"

static void put_server(struct json *list, const struct look_server *s)
{
	struct json *o = json_put(list, NULL, json_object());
	char address[ADDR_TEXT_LEN];

	addr_format(address, &s->addr);
	json_put_str(o, "address", address);
	json_put_str(o, "zone", s->zone);
	json_put_str(o, "name", s->name);
	json_put_texts(o, "names", &s->names);
	json_put_int(o, "answer", s->answer);
	json_put_str(o, "why", s->why);
	json_put_texts(o, "data", &s->data);
	json_put_int(o, "ttl", s->ttl_for);
	json_put_int(o, "negative", s->negative_for);
	json_put_bool(o, "signed", s->signed_ok);
	json_put_int(o, "until", s->signed_until_at);
	json_put_bool(o, "wildcard", s->wildcard);
	json_put_int(o, "serial", s->serial);
	json_put_str(o, "target", s->target);
	json_put_str(o, "nsid", s->nsid);
	json_put_int(o, "at", s->at);
	json_put_int(o, "reach", s->reach_for);
	json_put_bool(o, "no_route", s->no_route);
	json_put_bool(o, "unasked", s->unasked);
}

static void put_owner(struct json *all, const struct look_owner *from)
{
	struct json *o = json_put(all, NULL, json_object()), *list;

	json_put_str(o, "owner", from->owner);
	json_put_str(o, "problem", from->problem);
	json_put_str(o, "end", from->end);
	list = json_put(o, "zones", json_array());
	for (size_t z = 0; z < from->zones_n; z++) {
		const struct look_zone *zone = &from->zones[z];
		struct json *j = json_put(list, NULL, json_object());

		json_put_str(j, "apex", zone->apex);
		json_put_int(j, "security", zone->security);
		json_put_str(j, "why", zone->why);
		json_put_int(j, "ns_ttl", zone->ns_ttl_for);
		json_put_str(j, "mname", zone->mname);
	}
	list = json_put(o, "servers", json_array());
	for (size_t s = 0; s < from->servers_n; s++)
		put_server(list, &from->servers[s]);
}

struct json *eyes_encode(const struct look_owner *owners, size_t n)
{
	struct json *all = json_array();

	for (size_t i = 0; i < n; i++)
		put_owner(all, &owners[i]);
	return all;
}

/* Reading --------------------------------------------------------------------------------------- */

static char *get_text(const struct json *o, const char *key)
{
	return mem_copy_str(json_str(o, key, NULL));
}

/* A number of an enumeration; what is none: the first of them. */
static int get_number(const struct json *o, const char *key, int past)
{
	int64_t n = json_int(o, key, 0);

	return n > 0 && n < past ? (int)n : 0;
}

static bool get_server(struct look_server *s, const struct json *o)
{
	*s = (struct look_server){
		.zone = mem_copy_str(json_str(o, "zone", "")),
		.name = mem_copy_str(json_str(o, "name", "")),
		.answer = (enum answer)get_number(o, "answer", ANSWER_ALIAS + 1),
		.why = get_text(o, "why"),
		.ttl_for = json_int(o, "ttl", 0),
		.negative_for = json_int(o, "negative", 0),
		.signed_ok = json_bool(o, "signed", false),
		.signed_until_at = json_int(o, "until", 0),
		.wildcard = json_bool(o, "wildcard", false),
		.serial = (uint32_t)json_int(o, "serial", 0),
		.target = get_text(o, "target"),
		.nsid = get_text(o, "nsid"),
		.at = json_int(o, "at", 0),
		.reach_for = json_int(o, "reach", 0),
		.no_route = json_bool(o, "no_route", false),
		.unasked = json_bool(o, "unasked", false),
	};
	json_texts(&s->names, json_get(o, "names"));
	json_texts(&s->data, json_get(o, "data"));
	return addr_parse(&s->addr, json_str(o, "address", ""), 53);
}

static bool get_owner(struct look_owner *out, const struct json *o)
{
	const struct json *zones = json_get(o, "zones"), *servers = json_get(o, "servers");
	bool ok = json_str(o, "owner", NULL) != NULL;

	out->owner = mem_copy_str(json_str(o, "owner", ""));
	out->problem = get_text(o, "problem");
	out->end = get_text(o, "end");
	out->zones_n = json_len(zones);
	out->zones = mem_array(out->zones_n, sizeof(*out->zones));
	for (size_t i = 0; i < out->zones_n; i++) {
		const struct json *j = json_at(zones, i);

		out->zones[i] = (struct look_zone){
			.apex = mem_copy_str(json_str(j, "apex", "")),
			.security = (enum security)get_number(j, "security", SECURITY_BOGUS + 1),
			.why = get_text(j, "why"),
			.ns_ttl_for = json_int(j, "ns_ttl", 0),
			.mname = get_text(j, "mname"),
		};
	}
	out->servers_n = json_len(servers);
	out->servers = mem_array(out->servers_n, sizeof(*out->servers));
	for (size_t i = 0; i < out->servers_n; i++)
		ok &= get_server(&out->servers[i], json_at(servers, i));
	return ok;
}

bool eyes_decode(struct look_owner *o, size_t n, const struct json *all)
{
	bool ok = json_len(all) == n;

	for (size_t i = 0; i < n && ok; i++)
		ok = get_owner(&o[i], json_at(all, i));
	return ok;
}
