/* look_how.c - [dns] of a line as the layer below wants it.
 * Touches: /etc/resolv.conf.
 */
#include "run/look_how.h"

#include "base/mem.h"
#include "sys/clock.h"

#define SYSTEM_RESOLVERS_MAX 3

/* "ZONE ADDRESS ..." as the configuration made it. */
static void add_servers(struct look_servers *out, const char *row)
{
	const char *at = row + strcspn(row, " ");

	*out = (struct look_servers){ .zone = mem_copy_strn(row, (size_t)(at - row)) };
	while (*at) {
		size_t len = strcspn(++at, " ");
		char *word = mem_copy_strn(at, len);

		out->v = mem_resize(out->v, out->n + 1, sizeof(*out->v));
		if (!addr_parse(&out->v[out->n++], word, 53))
			mem_bug("an address that was checked is none");
		free(word);
		at += len;
	}
}

void look_how(struct look_config *out, const struct line_config *c)
{
	static const enum validate kinds[] = {
		[CHECK_DNSSEC] = VALIDATE_DNSSEC,
		[CHECK_RESOLVER] = VALIDATE_RESOLVER,
		[CHECK_NOTHING] = VALIDATE_NO,
	};
	int64_t at = 0;

	clock_pretended(&at);
	*out = (struct look_config){
		.port = (uint16_t)c->dns_port,
		.validate = kinds[c->validate],
		.trust_anchor = c->trust_anchor,
		.pretended_at = at,
		.limits = ask_defaults,
		.zones_n = c->dns_servers.n,
		.resolvers_n = c->resolvers.n,
	};
	out->zones = mem_array(out->zones_n, sizeof(*out->zones));
	for (size_t i = 0; i < out->zones_n; i++)
		add_servers(&out->zones[i], c->dns_servers.v[i]);
	out->resolvers = mem_array(out->resolvers_n + SYSTEM_RESOLVERS_MAX, sizeof(*out->resolvers));
	for (size_t i = 0; i < out->resolvers_n; i++)
		if (!addr_parse(&out->resolvers[i], c->resolvers.v[i], 53))
			mem_bug("an address that was checked is none");
	if (!out->resolvers_n && !c->recurse)
		out->resolvers_n = look_system_resolvers(out->resolvers, SYSTEM_RESOLVERS_MAX, NULL);
}

void look_how_free(struct look_config *c)
{
	for (size_t i = 0; i < c->zones_n; i++) {
		free(c->zones[i].zone);
		free(c->zones[i].v);
	}
	free(c->zones);
	free(c->resolvers);
	*c = (struct look_config){ 0 };
}

bool look_how_same(const struct line_config *a, const struct line_config *b)
{
	return strv_same(&a->dns_servers, &b->dns_servers) && strv_same(&a->resolvers, &b->resolvers) &&
	       a->recurse == b->recurse && a->dns_port == b->dns_port && a->validate == b->validate &&
	       strcmp(a->trust_anchor, b->trust_anchor) == 0;
}
