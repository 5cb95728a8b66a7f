/* caa_check.c - names of a line and CAA records.
 * Touches: network.
 */
#include "run/caa_check.h"

#include "base/mem.h"
#include "base/text.h"
#include "dns/caa.h"
#include "run/look_how.h"
#include "sys/addr.h"

static const char *host_of(const char *name)
{
	return name + (text_starts(name, "*.") ? 2 : 0);
}

void caa_host_names(struct strv *out, const struct line_config *c)
{
	for (size_t i = 0; i < c->domains.n; i++) {
		const char *host = host_of(c->domains.v[i]);
		struct addr a;

		if (!addr_parse(&a, host, 1) && !strv_has(out, host))
			strv_add(out, host);
	}
}

static const struct caa_set *set_of(const struct caa_set *s, size_t n, const char *host)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, host) == 0)
			return &s[i];
	return NULL;
}

static void judge(struct caa_verdict *out, const struct line_config *c, const char *name,
		  const struct caa_set *s, const struct strv *issuers, const char *account_url)
{
	struct caa_question q = { .name = name, .issuers = issuers, .account_url = account_url };
	enum method m;
	char *why = NULL;

	if (!s || !config_method(c, name, &m))
		return;
	q.method = challenge_type_name(method_type(m));
	if (s->problem)
		strv_take(&out->doubts, mem_format("%s: CAA: %s", name, s->problem));
	else if (!caa_allows(s, &q, &why))
		strv_take(&out->refusals, mem_format("%s: CAA: %s", name, why));
	free(why);
}

void caa_check(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
	       const char *account_url)
{
	struct strv hosts = { 0 };
	struct look_config how;
	struct caa_set *s;

	*out = (struct caa_verdict){ 0 };
	if (!issuers->n)
		return;
	caa_host_names(&hosts, c);
	s = mem_array(hosts.n, sizeof(*s));
	for (size_t i = 0; i < hosts.n; i++)
		s[i].name = hosts.v[i];
	look_how(&how, c);
	caa_find(s, hosts.n, &how);
	look_how_free(&how);
	for (size_t i = 0; i < c->domains.n; i++)
		judge(out, c, c->domains.v[i], set_of(s, hosts.n, host_of(c->domains.v[i])), issuers, account_url);
	caa_free(s, hosts.n);
	free(s);
	strv_free(&hosts);
}

void caa_verdict_free(struct caa_verdict *v)
{
	strv_free(&v->refusals);
	strv_free(&v->doubts);
}
