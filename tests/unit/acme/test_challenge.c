/* test_challenge.c - types, tokens, records.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/challenge.h"
#include "base/mem.h"

static void types_have_names(void **state)
{
	static const char *const bad[] = { "", "http-0", "http-011", "HTTP-01", "dns-02", "dns-persist-01", "tls-sni-01" };
	enum challenge_type type;

	(void)state;
	for (int t = 0; t < CHALLENGE_TYPES_N; t++) {
		assert_true(challenge_type_parse(challenge_type_name((enum challenge_type)t), &type));
		assert_int_equal(type, t);
	}
	assert_string_equal(challenge_type_name(HTTP_01), "http-01");
	assert_string_equal(challenge_type_name(DNS_01), "dns-01");
	assert_string_equal(challenge_type_name(TLS_ALPN_01), "tls-alpn-01");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (challenge_type_parse(bad[i], &type))
			fail_msg("%s", bad[i]);
}

/* A token becomes the name of a file, and a part of a URL. */
static void tokens_are_base64url(void **state)
{
	static const char *const good[] = { "A", "0", "-", "----", "_", "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA" };
	static const char *const bad[] = { "", ".", "..", "../x", "/x", "a/b", ".htaccess", "a.b", "a b", "a=", "a+b", "%2e",
					   "$x", "a\n", "\x1b", "\xc3\xb6", "a\\b", "a:b", "*" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!challenge_token_ok(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (challenge_token_ok(bad[i]))
			fail_msg("%s", bad[i]);
}

static void tokens_have_an_end(void **state)
{
	char s[130];

	(void)state;
	memset(s, 'x', sizeof(s));
	s[129] = '\0';
	assert_false(challenge_token_ok(s));
	s[128] = '\0';
	assert_true(challenge_token_ok(s));
}

static void records(void **state)
{
	char *s = challenge_record("www.example.org");

	(void)state;
	assert_string_equal(s, "_acme-challenge.www.example.org");
	free(s);
}

static void freed_ones_are_empty(void **state)
{
	struct challenge c = { .name = mem_copy_str("a"), .url = mem_copy_str("b"), .token = mem_copy_str("c"),
			       .key_authorization = mem_copy_str("d"), .wildcard = true };

	(void)state;
	challenge_free(&c);
	assert_null(c.name);
	assert_null(c.token);
	assert_false(c.wildcard);
	challenge_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_have_names),
		cmocka_unit_test(tokens_are_base64url),
		cmocka_unit_test(tokens_have_an_end),
		cmocka_unit_test(records),
		cmocka_unit_test(freed_ones_are_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
