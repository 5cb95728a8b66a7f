/* authorization.c - authorizations, and the choice of a challenge.
 * Touches: nothing but memory.
 */
#include "acme/authorization.h"

#include "acme/problem.h"
#include "acme/text.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/addr.h"

#include <strings.h>

#define CHALLENGES_MAX 30

static enum authorization_status status_of(const struct json *doc)
{
	const char *s = json_str(doc, "status", "");

	return strcmp(s, "pending") == 0   ? AUTH_PENDING
	       : strcmp(s, "valid") == 0   ? AUTH_VALID
	       : strcmp(s, "invalid") == 0 ? AUTH_INVALID
					   : AUTH_OTHER;
}

/* The name as it was ordered, there with "*." if it is a wildcard; NULL: it was not. */
static const char *ordered(const struct strv *names, const char *name, bool wildcard)
{
	for (size_t i = 0; i < names->n; i++) {
		const char *s = names->v[i];

		if (text_starts(s, "*.") != wildcard)
			continue;
		s += wildcard ? strlen("*.") : 0;
		if (strcasecmp(s, name) == 0)
			return s;
	}
	return NULL;
}

/* Challenges of a type that is known and that could be answered: others, of new types and without tokens, are
 * passed over. */
static unsigned offered(const struct json *list, const struct json *by_type[CHALLENGE_TYPES_N])
{
	unsigned mask = 0;

	for (size_t i = 0; i < json_len(list) && i < CHALLENGES_MAX; i++) {
		const struct json *c = json_at(list, i);
		enum challenge_type t;

		if (!challenge_type_parse(json_str(c, "type", ""), &t) || !acme_url(c, "url") ||
		    !challenge_token_ok(json_str(c, "token", "")) ||
		    strcmp(json_str(c, "status", "pending"), "invalid") == 0)
			continue;
		by_type[t] = c;
		mask |= 1U << t;
	}
	return mask;
}

static void choose(struct authorization *a, const struct json *list, const char *thumbprint,
		   const struct responder *r)
{
	const struct json *by_type[CHALLENGE_TYPES_N] = { NULL };
	unsigned mask = offered(list, by_type);
	struct challenge *c = &a->challenge;
	int type;

	if (!mask) {
		err_set(&a->err, ERR_REFUSED, "%s: the CA offers no challenge that certline knows", c->name);
		return;
	}
	type = r->choose(r->arg, c->name, c->wildcard, mask, &a->err);
	if (type < 0)
		return;
	c->type = (enum challenge_type)type;
	c->url = mem_copy_str(acme_url(by_type[type], "url"));
	c->token = mem_copy_str(json_str(by_type[type], "token", ""));
	c->key_authorization = mem_format("%s.%s", c->token, thumbprint);
	jose_digest(c->digest, c->key_authorization);
	a->chosen = true;
}

void authorization_read(struct authorization *a, const struct json *doc, const struct strv *names,
			const char *thumbprint, const struct responder *r)
{
	const struct json *id = json_get(doc, "identifier");
	const char *value = json_str(id, "value", ""), *name;
	struct challenge *c = &a->challenge;
	struct addr address;

	a->status = status_of(doc);
	c->wildcard = json_bool(doc, "wildcard", false);
	name = ordered(names, value, c->wildcard);
	if (!name) {
		char *shown = acme_printable(value);

		err_set(&a->err, ERR_REFUSED, "the CA asks for an authorization of \"%.80s\", which was not ordered",
			shown);
		free(shown);
		return;
	}
	c->name = mem_copy_str(name);
	c->address = addr_parse(&address, name, 1);
	switch (a->status) {
	case AUTH_VALID:
		break;
	case AUTH_PENDING:
		choose(a, json_get(doc, "challenges"), thumbprint, r);
		break;
	case AUTH_INVALID:
		authorization_failed(a, doc);
		break;
	case AUTH_OTHER: {
		char *status = acme_printable(json_str(doc, "status", "(no status)"));

		err_set(&a->err, ERR_REFUSED, "%s: the authorization is %.40s", name, status);
		free(status);
		break;
	}
	}
}

static const struct json *failed_challenge(const struct json *doc)
{
	const struct json *list = json_get(doc, "challenges");

	for (size_t i = 0; i < json_len(list) && i < CHALLENGES_MAX; i++)
		if (json_has(json_at(list, i), "error"))
			return json_at(list, i);
	return NULL;
}

const struct json *authorization_problem(const struct json *doc)
{
	return json_get(failed_challenge(doc), "error");
}

void authorization_failed(struct authorization *a, const struct json *doc)
{
	const struct json *c = failed_challenge(doc);
	const char *name = a->challenge.name ? a->challenge.name : "?";
	char *text, *type;

	a->status = AUTH_INVALID;
	if (!c) {
		err_set(&a->err, ERR_REFUSED, "%s: the authorization failed, and the CA does not say why", name);
		return;
	}
	text = problem_text(json_get(c, "error"));
	type = acme_printable(json_str(c, "type", "?"));
	err_set(&a->err, ERR_REFUSED, "%s: %.30s failed: %s", name, type, text);
	free(text);
	free(type);
}

void authorization_free(struct authorization *a)
{
	free(a->url);
	challenge_free(&a->challenge);
	*a = (struct authorization){ 0 };
}
