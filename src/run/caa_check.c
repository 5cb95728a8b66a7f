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

/* The names as they stand in DNS, each once: without "*.", and no addresses. */
static void host_names(struct strv *out, const struct line_config *c)
{
	for (size_t i = 0; i < c->domains.n; i++) {
		const char *host = host_of(c->domains.v[i]);
		struct addr a;

		if (!addr_parse(&a, host, 1) && !strv_has(out, host))
			strv_add(out, host);
	}
}

/* Records that let a CA issue -------------------------------------------------------------------- */

static const char *tag_of(bool wildcard)
{
	return wildcard ? "issuewild" : "issue";
}

static char *record_text(const char *host, bool wildcard, const char *value)
{
	return mem_format("%s. CAA 0 %s \"%s\"", host, tag_of(wildcard), value);
}

/* The types of challenges that a name can be validated by, as a mask. */
static unsigned types_of(const struct line_config *c, const char *name)
{
	struct err ignored;
	unsigned types = 0;

	for (unsigned t = 0; t < CHALLENGE_TYPES_N; t++)
		if (config_method(c, name, 1U << t, &ignored) >= 0)
			types |= 1U << t;
	return types;
}

/* For the name itself, or its wildcard.  NULL: it is not in the line, and needs none.  The caller frees. */
static char *value_of(const struct line_config *c, const char *host, bool wildcard, const char *issuer,
		      const char *account_url)
{
	char *name = mem_format("%s%s", wildcard ? "*." : "", host), *value = NULL;
	unsigned types = strv_has(&c->domains, name) ? types_of(c, name) : 0;
	const char *between = "";
	struct buf b;

	buf_init(&b, 4096);
	buf_add_str(&b, issuer);
	if (account_url)
		buf_addf(&b, "; accounturi=%s", account_url);
	buf_add_str(&b, "; validationmethods=");
	for (unsigned t = 0; t < CHALLENGE_TYPES_N; t++)
		if (types >> t & 1) {
			buf_addf(&b, "%s%s", between, challenge_type_name((enum challenge_type)t));
			between = ",";
		}
	if (types)
		value = buf_steal(&b);
	buf_free(&b);
	free(name);
	return value;
}

static void add_records(struct strv *out, const struct line_config *c, const char *host, bool wildcard,
			const struct caa_issuer *i)
{
	for (size_t k = 0; k < i->names->n; k++) {
		char *value = value_of(c, host, wildcard, i->names->v[k], i->account_url);

		if (value)
			strv_take(out, record_text(host, wildcard, value));
		free(value);
	}
}

/* Neither the name (if it is not in the certificate) nor its wildcard may be issued by anybody else. */
static void add_denials(struct strv *out, const char *host, size_t plain, size_t wild)
{
	if (!plain)
		strv_take(out, record_text(host, false, ";"));
	if (!wild)
		strv_take(out, record_text(host, true, ";"));
}

void caa_recommend(struct strv *out, const struct line_config *c, const struct caa_issuer *i, size_t n)
{
	struct strv hosts = { 0 };

	host_names(&hosts, c);
	for (size_t h = 0; h < hosts.n; h++) {
		size_t before = out->n, plain;

		for (size_t k = 0; k < n; k++)
			add_records(out, c, hosts.v[h], false, &i[k]);
		plain = out->n - before;
		for (size_t k = 0; k < n; k++)
			add_records(out, c, hosts.v[h], true, &i[k]);
		if (out->n > before)
			add_denials(out, hosts.v[h], plain, out->n - before - plain);
	}
	strv_free(&hosts);
}

/* Adds the value to the set, and the record to the text. */
static void add_record(struct caa_set *s, struct buf *text, const char *host, bool wildcard, char *value)
{
	char *record = record_text(host, wildcard, value);

	buf_addf(text, "%s%s", text->len ? ", " : "", record);
	free(record);
	s->v[s->n++] = (struct caa_record){ .tag = (char *)tag_of(wildcard), .value = value };
}

/* What a set that refuses lacks: records for a zone file, in one text; NULL: more would not help.  The caller
 * frees.  A set that stands above the name counts no more when the name has one, which then has to allow all
 * that the line needs of it. */
static char *missing(const struct caa_set *s, const struct caa_question *q, const struct line_config *c)
{
	const char *host = host_of(q->name);
	bool there = strcmp(s->at, host) == 0;
	struct caa_set then = { .name = q->name, .at = s->at, .v = mem_array(s->n + 2, sizeof(*then.v)) };
	size_t had = there ? s->n : 0;
	char *ignored, *text = NULL;
	struct buf b;

	buf_init(&b, 8192);
	for (; then.n < had; then.n++)
		then.v[then.n] = s->v[then.n];
	for (int wild = 0; wild < 2; wild++) {
		bool asked = !there || (bool)wild == text_starts(q->name, "*.");
		char *value = asked ? value_of(c, host, wild, q->issuers->v[0], q->account_url) : NULL;

		if (value)
			add_record(&then, &b, host, wild, value);
	}
	if (caa_allows(&then, q, &ignored) && then.n > had)
		text = buf_steal(&b);
	free(ignored);
	buf_free(&b);
	while (then.n > had)
		free(then.v[--then.n].value);
	free(then.v);
	return text;
}

/* Records that there are ------------------------------------------------------------------------- */

static const struct caa_set *set_of(const struct caa_set *s, size_t n, const char *host)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s[i].name, host) == 0)
			return &s[i];
	return NULL;
}

/* The types of challenges that are not forbidden. */
static unsigned judge(struct caa_verdict *out, const struct line_config *c, const char *name,
		      const struct caa_set *s, const struct strv *issuers, const char *account_url, bool advise)
{
	struct caa_question q = { .name = name, .issuers = issuers, .account_url = account_url };
	unsigned types = types_of(c, name), permitted = 0;
	struct strv reasons = { 0 };
	char *why, *records;

	if (!s || !types)
		return types;
	if (s->problem) {
		strv_take(&out->doubts, mem_format("%s: CAA: %s", name, s->problem));
		return types;
	}
	for (unsigned t = 0; t < CHALLENGE_TYPES_N; t++) {
		if (!(types >> t & 1))
			continue;
		q.method = challenge_type_name((enum challenge_type)t);
		if (caa_allows(s, &q, &why))
			permitted |= 1U << t;
		else if (!strv_has(&reasons, why))
			strv_add(&reasons, why);
		free(why);
	}
	if (!permitted) {
		why = strv_join(&reasons, "; ");
		records = advise ? missing(s, &q, c) : NULL;
		strv_take(&out->refusals, mem_format("%s: CAA: %s%s%s", name, why, records ? "; it needs " : "",
						     records ? records : ""));
		free(records);
		free(why);
	}
	strv_free(&reasons);
	return permitted;
}

/* Nothing is said where nothing can be looked up: a CA that does not tell may well not ask DNS at all. */
static void doubt_issuer(struct caa_verdict *out, const struct caa_set *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i].n) {
			strv_take(&out->doubts,
				  mem_format("CAA was not checked: there are records at %s, and the CA does not say "
					     "by which names they call it (caaIdentities)", s[i].at));
			return;
		}
}

static void look(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
		 const char *account_url, bool advise)
{
	struct strv hosts = { 0 };
	struct look_config how;
	struct caa_set *s;

	*out = (struct caa_verdict){ 0 };
	host_names(&hosts, c);
	if (!hosts.n)
		return;
	s = mem_array(hosts.n, sizeof(*s));
	for (size_t i = 0; i < hosts.n; i++)
		s[i].name = hosts.v[i];
	look_how(&how, c);
	caa_find(s, hosts.n, &how);
	look_how_free(&how);
	if (issuers->n)
		out->permitted = mem_array(c->domains.n, sizeof(*out->permitted));
	for (size_t i = 0; i < c->domains.n && issuers->n; i++)
		out->permitted[i] = judge(out, c, c->domains.v[i], set_of(s, hosts.n, host_of(c->domains.v[i])),
					  issuers, account_url, advise);
	if (!issuers->n)
		doubt_issuer(out, s, hosts.n);
	caa_free(s, hosts.n);
	free(s);
	strv_free(&hosts);
}

void caa_look(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
	      const char *account_url)
{
	*out = (struct caa_verdict){ 0 };
	if (issuers->n)
		look(out, c, issuers, account_url, false);
}

void caa_check(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
	       const char *account_url)
{
	look(out, c, issuers, account_url, true);
}

void caa_verdict_free(struct caa_verdict *v)
{
	strv_free(&v->refusals);
	strv_free(&v->doubts);
	free(v->permitted);
}
