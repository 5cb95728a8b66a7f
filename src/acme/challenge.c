/* challenge.c - challenges.
 * Touches: nothing but memory.
 */
#include "acme/challenge.h"

#include "base/mem.h"

#include <ctype.h>

#define TOKEN_LEN_MAX 128

static const char *const names[] = {
	[HTTP_01] = "http-01",
	[DNS_01] = "dns-01",
	[TLS_ALPN_01] = "tls-alpn-01",
};
_Static_assert(ARRAY_LEN(names) == CHALLENGE_TYPES_N, "a name for each type");

const char *challenge_type_name(enum challenge_type t)
{
	return names[t];
}

bool challenge_type_parse(const char *s, enum challenge_type *out)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(s, names[i]) != 0)
			continue;
		*out = (enum challenge_type)i;
		return true;
	}
	return false;
}

bool challenge_token_ok(const char *s)
{
	size_t len = 0;

	for (; s[len]; len++)
		if (!isalnum((unsigned char)s[len]) && s[len] != '-' && s[len] != '_')
			return false;
	return len > 0 && len <= TOKEN_LEN_MAX;
}

void challenge_free(struct challenge *c)
{
	free(c->name);
	free(c->url);
	free(c->token);
	free(c->key_authorization);
	*c = (struct challenge){ 0 };
}

char *challenge_record(const char *name)
{
	return mem_format("_acme-challenge.%s", name);
}
