/* endpoints.c - owners and rows of [endpoints] to what is looked at.
 * Touches: nothing.
 */
#include "run/endpoints.h"

#include "base/mem.h"
#include "core/names.h"

static bool split_host(const char *name, uint16_t *port, char **host)
{
	const char *colon = strrchr(name, ':');

	if (!colon)
		return false;
	*port = (uint16_t)strtoul(colon + 1, NULL, 10);
	*host = mem_copy_strn(name, (size_t)(colon - name));
	return true;
}

static struct endpoint_spec *find(struct endpoint_spec *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

/* Rows of `starttls`, the nearest one: of the endpoint, then of its port, then of all. */
static enum starttls how_of(const struct line_config *c, const char *name, uint16_t port)
{
	enum starttls how = starttls_of_port(port);
	int best = 0;

	for (size_t i = 0; i < c->starttls.n; i++) {
		const char *row = c->starttls.v[i], *word = strchr(row, ' ') + 1;
		char *what = mem_copy_strn(row, strcspn(row, " "));
		int rank = strcmp(what, name) == 0 ? 3 : strcmp(what, "*") == 0 ? 1
			 : !strpbrk(what, "._") && strtoul(what, NULL, 10) == port ? 2 : 0;

		if (rank > best && starttls_parse(word, &how))
			best = rank;
		free(what);
	}
	return how;
}

static struct endpoint_spec *add(struct endpoint_spec **v, size_t *n, const struct line_config *c,
				 const char *name)
{
	struct endpoint_spec s = { .is_owner = *name == '_' };
	const char *host;

	if (s.is_owner) {
		if (!name_split_tcp(name, &s.port, &host))
			return NULL;
		s.host = mem_copy_str(host);
	} else if (!split_host(name, &s.port, &s.host)) {
		return NULL;
	}
	s.name = mem_copy_str(name);
	s.starttls = how_of(c, name, s.port);
	s.domain = c->xmpp_domain;
	*v = mem_resize(*v, *n + 1, sizeof(**v));
	(*v)[*n] = s;
	return &(*v)[(*n)++];
}

static void add_row(struct endpoint_spec **v, size_t *n, const struct line_config *c, const char *row)
{
	char *name = mem_copy_strn(row, strcspn(row, " ")), *word;
	struct endpoint_spec *s = find(*v, *n, name);
	const char *at = row + strlen(name);

	if (!s)
		s = add(v, n, c, name);
	free(name);
	for (size_t i = 0; s && *at; i++) {
		size_t len = strcspn(++at, " ");

		word = mem_copy_strn(at, len);
		at += len;
		if (i > 0 || !starttls_parse(word, &s->starttls)) {
			s->addrs = mem_resize(s->addrs, s->addrs_n + 1, sizeof(*s->addrs));
			if (!addr_parse(&s->addrs[s->addrs_n++], word, 53))
				mem_bug("an address that was checked is none");
		}
		free(word);
	}
}

void endpoints_of(struct endpoint_spec **out, size_t *n, const struct line_config *c)
{
	*out = NULL;
	*n = 0;
	for (size_t i = 0; i < c->owners.n; i++)
		add(out, n, c, c->owners.v[i]);
	for (size_t i = 0; i < c->endpoints.n; i++)
		add_row(out, n, c, c->endpoints.v[i]);
}

void endpoints_free(struct endpoint_spec *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].host);
		free(v[i].addrs);
	}
	free(v);
}

void endpoints_address(char out[ENDPOINT_TEXT_LEN], const struct addr *a)
{
	char text[ADDR_TEXT_LEN];

	addr_format(text, a);
	if (addr_port(a) != 53)
		snprintf(out, ENDPOINT_TEXT_LEN, "%s", text);
	else
		snprintf(out, ENDPOINT_TEXT_LEN, addr_is_ipv6(a) ? "[%s]:53" : "%s:53", text);
}

bool endpoints_all(const struct line_config *c)
{
	const char *ignored;
	uint16_t port;

	for (size_t i = 0; i < c->owners.n; i++)
		if (!name_split_tcp(c->owners.v[i], &port, &ignored))
			return false;
	return true;
}

/* What there was no time for is no server that is away, which would count as told after a while. */
enum served_state endpoints_state_of(enum probe_outcome o)
{
	if (o == PROBE_OK)
		return SERVED_PRESENTED;
	if (o == PROBE_UNTRIED)
		return SERVED_FAULTY;
	if (o == PROBE_NOT_OFFERED)
		return SERVED_ABSENT;
	if (o == PROBE_NO_ROUTE)
		return SERVED_UNROUTED;
	return probe_reached(o) ? SERVED_FAULTY : SERVED_AWAY;
}
