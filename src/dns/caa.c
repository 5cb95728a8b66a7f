/* caa.c - the CAA records of names, and what they permit.
 *
 * Each name and those above it are asked about side by side, level by level; what the names have in common is
 * asked once.  Aliases are followed by whoever resolves.
 * RFC 8659 sections 3 (the search), 4.1 (critical), 4.2 (grammar), 4.3 (issuewild), RFC 8657 (accounturi,
 * validationmethods), RFC 9495 (issuemail).
 * Touches: the network.
 */
#include "dns/caa.h"

#include "base/mem.h"

#include <ctype.h>
#include <strings.h>

#define CRITICAL 0x80

/* The search ----------------------------------------------------------------------------------- */

/* Every question that was asked, each once. */
struct asked {
	struct resolved *v;             /* their names are ours */
	size_t           n;
};

static size_t find_question(const struct asked *a, const char *name)
{
	size_t i = 0;

	while (i < a->n && strcmp(a->v[i].name, name) != 0)
		i++;
	return i;
}

static void fail(struct caa_set *s, const char *at, const char *why)
{
	caa_free(s, 1);
	s->problem = mem_format("the CAA records of %s cannot be looked up: %s", at, why);
}

/* True if the search ends here.  Behind an alias the records are of another name. */
static bool take_answer(struct caa_set *s, const struct resolved *r)
{
	if (!r->ok) {
		fail(s, r->name, r->why);
		return true;
	}
	for (size_t i = 0; i < r->msg.answer.n; i++) {
		struct dns_caa caa;

		if (r->msg.answer.v[i].type != DNS_CAA)
			continue;
		if (!dns_rr_caa(&caa, &r->msg.answer.v[i])) {
			fail(s, r->name, "one of them is malformed");
			return true;
		}
		for (char *p = caa.tag; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		s->v = mem_resize(s->v, s->n + 1, sizeof(*s->v));
		s->v[s->n++] = (struct caa_record){ .critical = caa.flags & CRITICAL, .tag = caa.tag,
						    .value = caa.value };
	}
	if (s->n)
		s->at = mem_copy_str(r->name);
	return s->n != 0;
}

static char *first_name(struct caa_set *s)
{
	char *name = dns_name_canon(strncmp(s->name, "*.", 2) == 0 ? s->name + 2 : s->name);

	if (!name)
		fail(s, s->name, "it is no name");
	return name;
}

/* From the names in at[], which are used up, to those above; NULL: the search has ended. */
static bool climb(struct finder *f, struct asked *a, struct caa_set *s, char **at, size_t n)
{
	size_t known = a->n;
	bool more = false;

	for (size_t i = 0; i < n; i++) {
		if (!at[i] || find_question(a, at[i]) < a->n)
			continue;
		a->v = mem_resize(a->v, a->n + 1, sizeof(*a->v));
		a->v[a->n++] = (struct resolved){ .name = mem_copy_str(at[i]), .type = DNS_CAA,
						  .checked = true };
	}
	finder_look_up(f, a->v + known, a->n - known);
	for (size_t i = 0; i < n; i++) {
		char *up = NULL;

		if (at[i] && !take_answer(&s[i], &a->v[find_question(a, at[i])]))
			up = dns_name_parent(at[i]);
		if (up && strcmp(up, ".") == 0) {
			free(up);
			up = NULL;
		}
		free(at[i]);
		at[i] = up;
		more |= up != NULL;
	}
	return more;
}

void caa_find(struct caa_set *s, size_t n, const struct look_config *c)
{
	char **at = mem_array(n, sizeof(*at));
	struct asked a = { 0 };
	struct finder f;

	for (size_t i = 0; i < n; i++) {
		s[i] = (struct caa_set){ .name = s[i].name };
		at[i] = first_name(&s[i]);
	}
	finder_init(&f, c);
	while (climb(&f, &a, s, at, n))
		;
	for (size_t i = 0; i < a.n; i++) {
		char *name = (char *)a.v[i].name;

		resolved_free(&a.v[i], 1);
		free(name);
	}
	finder_free(&f);
	free(a.v);
	free(at);
}

void caa_free(struct caa_set *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].n; k++) {
			free(s[i].v[k].tag);
			free(s[i].v[k].value);
		}
		free(s[i].v);
		free(s[i].at);
		free(s[i].problem);
		s[i] = (struct caa_set){ .name = s[i].name };
	}
}

/* Values of issue and issuewild ---------------------------------------------------------------- */

/* A piece of a value. */
struct part {
	const char *s;
	size_t      len;
};

/* What comes next in a value; it moves on. */
struct reader {
	const char *at;
};

static void skip_blanks(struct reader *r)
{
	r->at += strspn(r->at, " \t");
}

static bool skip_char(struct reader *r, char c)
{
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

/* Letters and digits, with hyphens in between.  RFC 8659 section 4.2: label and tag. */
static bool read_label(struct reader *r, struct part *out)
{
	*out = (struct part){ .s = r->at };
	while (isalnum((unsigned char)*r->at) || *r->at == '-')
		r->at++;
	out->len = (size_t)(r->at - out->s);
	return out->len && out->s[0] != '-' && out->s[out->len - 1] != '-';
}

/* True also if there is none: *out is empty then. */
static bool read_issuer(struct reader *r, struct part *out)
{
	struct part label;

	*out = (struct part){ .s = r->at };
	if (*r->at == ';' || !*r->at)
		return true;
	do {
		if (!read_label(r, &label))
			return false;
	} while (skip_char(r, '.'));
	out->len = (size_t)(r->at - out->s);
	return true;
}

static bool read_parameter(struct reader *r, struct part *tag, struct part *value)
{
	if (!read_label(r, tag))
		return false;
	skip_blanks(r);
	if (!skip_char(r, '='))
		return false;
	skip_blanks(r);
	*value = (struct part){ .s = r->at };
	while (*r->at > ' ' && *r->at <= '~' && *r->at != ';')
		r->at++;
	value->len = (size_t)(r->at - value->s);
	return true;
}

static bool part_is(const struct part *p, const char *word)
{
	return strlen(word) == p->len && strncasecmp(p->s, word, p->len) == 0;
}

/* What a value says, as far as it concerns us. */
struct grant {
	struct part issuer;             /* empty: nobody */
	size_t      accounts, methods;  /* how many of the parameters there are */
	struct part account, method;
};

/* False if it is malformed. */
static bool read_grant(struct grant *g, const char *value)
{
	struct reader r = { value };
	struct part tag, text;

	*g = (struct grant){ 0 };
	skip_blanks(&r);
	if (!read_issuer(&r, &g->issuer))
		return false;
	skip_blanks(&r);
	if (!skip_char(&r, ';'))
		return !*r.at;
	skip_blanks(&r);
	if (!*r.at)
		return true;
	do {
		skip_blanks(&r);
		if (!read_parameter(&r, &tag, &text))
			return false;
		if (part_is(&tag, "accounturi")) {
			g->accounts++;
			g->account = text;
		} else if (part_is(&tag, "validationmethods")) {
			g->methods++;
			g->method = text;
		}
		skip_blanks(&r);
	} while (skip_char(&r, ';'));
	return !*r.at;
}

/* A list of labels with commas in between.  RFC 8657 section 4. */
static bool has_method(const struct part *list, const char *method)
{
	struct reader r = { list->s };
	bool found = false;
	struct part label;

	do {
		if (!read_label(&r, &label))
			return false;
		found |= label.len == strlen(method) && strncmp(label.s, method, label.len) == 0;
	} while (skip_char(&r, ','));
	return found && r.at == list->s + list->len;
}

/* What is permitted ---------------------------------------------------------------------------- */

static bool is_ours(const struct part *issuer, const struct strv *issuers)
{
	for (size_t i = 0; i < issuers->n; i++)
		if (part_is(issuer, issuers->v[i]))
			return true;
	return !issuers->n;             /* a CA that does not tell: it may be this one */
}

/* Why the record does not let the CA issue: *rank: how near it came.  NULL: it does. */
static char *objection(const struct caa_record *r, const struct caa_question *q, int *rank)
{
	struct grant g;

	*rank = 0;
	if (!read_grant(&g, r->value))
		return mem_copy_str("is malformed, and lets nobody issue");
	if (!g.issuer.len)
		return mem_copy_str("lets nobody issue");
	*rank = 1;
	if (!is_ours(&g.issuer, q->issuers))
		return mem_format("lets another CA issue, and not %s", q->issuers->v[0]);
	*rank = 2;
	if (g.accounts > 1 || g.methods > 1)
		return mem_copy_str("has a parameter twice, and lets nobody issue");
	if (g.methods && !has_method(&g.method, q->method))
		return mem_format("does not permit validation by %s", q->method);
	*rank = 3;
	if (g.accounts && !q->account_url)
		return mem_copy_str("is bound to an account, and ours is not known yet");
	if (g.accounts && (strlen(q->account_url) != g.account.len ||
			   strncmp(q->account_url, g.account.s, g.account.len) != 0))
		return mem_format("is bound to another account than ours, %s", q->account_url);
	return NULL;
}

static const char *const known[] = { "issue", "issuewild", "issuemail", "iodef" };

/* A record that the CA must understand, and that we do not know; NULL: there is none. */
static const struct caa_record *find_unknown(const struct caa_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		bool is_known = false;

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			is_known |= strcmp(s->v[i].tag, known[k]) == 0;
		if (s->v[i].critical && !is_known)
			return &s->v[i];
	}
	return NULL;
}

static bool has_tag(const struct caa_set *s, const char *tag)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].tag, tag) == 0)
			return true;
	return false;
}

/* 'CAA 0 issue "ca.example.net" of example.org WHAT' */
static char *explain(const struct caa_set *s, const struct caa_record *r, const char *what)
{
	return mem_format("CAA %d %s \"%s\" of %s %s", r->critical ? CRITICAL : 0, r->tag, r->value, s->at,
			  what);
}

/* Of the records with that tag; none of them: anybody may.  The nearest miss is told. */
static bool some_permits(const struct caa_set *s, const char *tag, const struct caa_question *q, char **why)
{
	int best = -1, rank;

	for (size_t i = 0; i < s->n; i++) {
		char *what;

		if (strcmp(s->v[i].tag, tag) != 0)
			continue;
		what = objection(&s->v[i], q, &rank);
		if (!what) {
			free(*why);
			*why = NULL;
			return true;
		}
		if (rank > best) {
			free(*why);
			*why = explain(s, &s->v[i], what);
			best = rank;
		}
		free(what);
	}
	return !*why;
}

bool caa_allows(const struct caa_set *s, const struct caa_question *q, char **why)
{
	bool wild = strncmp(q->name, "*.", 2) == 0 && has_tag(s, "issuewild");
	const struct caa_record *unknown = find_unknown(s);

	*why = NULL;
	if (s->problem)
		*why = mem_copy_str(s->problem);
	else if (unknown)
		*why = explain(s, unknown, "is critical, and not known to every CA");
	return !*why && some_permits(s, wild ? "issuewild" : "issue", q, why);
}
