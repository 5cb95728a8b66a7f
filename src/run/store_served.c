/* store_served.c - the part of state.json that remembers what servers presented.
 * Touches: nothing but memory.
 */
#include "run/store_parts.h"

#include "base/mem.h"

static void put_view(struct json *list, enum key_family f, const struct served_view *v)
{
	struct json *o = json_put(list, NULL, json_object());

	json_put_str(o, "family", key_family_name(f));
	json_put_str(o, "state", served_state_name(v->state));
	json_put_int(o, "looked_at", v->looked_at);
	if (v->why)
		json_put_str(o, "why", v->why);
	if (v->failing_at)
		json_put_int(o, "failing_at", v->failing_at);
	if (!*v->spki)
		return;
	json_put_str(o, "spki", v->spki);
	json_put_str(o, "certificate", v->cert);
	json_put_str(o, "serial", v->serial);
	json_put_int(o, "until_at", v->until_at);
	json_put_int(o, "seen_at", v->seen_at);
	json_put_int(o, "key_since_at", v->spki_since_at);
	json_put_int(o, "certificate_since_at", v->cert_since_at);
	if (*v->before)
		json_put_str(o, "before", v->before);
	if (v->relapsed_at)
		json_put_int(o, "relapsed_at", v->relapsed_at);
}

void store_put_served(struct json *state, const struct ledger *l)
{
	struct json *list;

	if (!l->served.n)
		return;
	list = json_put(state, "served", json_array());
	for (size_t i = 0; i < l->served.n; i++) {
		const struct endpoint *e = &l->served.v[i];
		struct json *o = json_put(list, NULL, json_object()), *views;

		json_put_str(o, "name", e->name);
		json_put_str(o, "address", e->address);
		views = json_put(o, "views", json_array());
		for (int f = 0; f < KEY_FAMILY_N; f++)
			if (e->views[f].looked_at)
				put_view(views, (enum key_family)f, &e->views[f]);
	}
}

/* Reading --------------------------------------------------------------------------------------- */

static void get_text(char *to, size_t size, const struct json *o, const char *key)
{
	snprintf(to, size, "%s", json_str(o, key, ""));
}

static void get_view(struct endpoint *e, const struct json *o)
{
	const char *family = json_str(o, "family", ""), *state = json_str(o, "state", "");
	struct served_view *v = NULL;

	for (int f = 0; f < KEY_FAMILY_N; f++)
		if (strcmp(family, key_family_name((enum key_family)f)) == 0)
			v = &e->views[f];
	if (!v)
		return;
	for (int s = SERVED_UNKNOWN; s <= SERVED_PRESENTED; s++)
		if (strcmp(state, served_state_name((enum served_state)s)) == 0)
			v->state = (enum served_state)s;
	free(v->why);
	v->why = mem_copy_str(json_str(o, "why", NULL));
	v->looked_at = json_int(o, "looked_at", 0);
	v->failing_at = json_int(o, "failing_at", 0);
	get_text(v->spki, sizeof(v->spki), o, "spki");
	get_text(v->cert, sizeof(v->cert), o, "certificate");
	get_text(v->serial, sizeof(v->serial), o, "serial");
	v->until_at = json_int(o, "until_at", 0);
	v->seen_at = json_int(o, "seen_at", 0);
	v->spki_since_at = json_int(o, "key_since_at", 0);
	v->cert_since_at = json_int(o, "certificate_since_at", 0);
	get_text(v->before, sizeof(v->before), o, "before");
	v->relapsed_at = json_int(o, "relapsed_at", 0);
}

void store_get_served(struct ledger *l, const struct json *list)
{
	l->served.n = json_len(list);
	l->served.v = mem_array(l->served.n, sizeof(*l->served.v));
	for (size_t i = 0; i < l->served.n; i++) {
		const struct json *o = json_at(list, i), *views = json_get(o, "views");
		struct endpoint *e = &l->served.v[i];

		e->name = mem_copy_str(json_str(o, "name", ""));
		e->address = mem_copy_str(json_str(o, "address", ""));
		for (size_t k = 0; k < json_len(views); k++)
			get_view(e, json_at(views, k));
	}
}
