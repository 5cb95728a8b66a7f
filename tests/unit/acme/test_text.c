/* test_text.c - texts and URLs of a CA.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/text.h"
#include "base/mem.h"

static void texts_become_printable(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ NULL, "" },
		{ "", "" },
		{ "a b~!", "a b~!" },
		{ "a\nb\tc", "a b c" },
		{ "a\r\nb", "a? b" },
		{ "\x1b[2J\x07\x08\x7f", "?[2J???" },
		{ "\xc2\x9b\xe2\x80\xae\xff", "??????" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *s = acme_printable(rows[i].in);

		assert_string_equal(s, rows[i].out);
		free(s);
	}
}

static void urls_are_https(void **state)
{
	static const char *const good[] = { "https://a", "https://a/", "https://[2001:db8::1]:14000/x?a=b&c=%20",
					    "https://A.example/~x" };
	static const char *const bad[] = { "", "https://", "http://a", "HTTPS://a", "https:/a", "https//a", "/a", "a",
					   " https://a", "https://a b", "https://a\n", "https://a\r\nX: y",
					   "https://a\x7f", "https://a\x1b", "https://\xc3\xa4", "file:///etc/passwd" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		if (!acme_is_url(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (acme_is_url(bad[i]))
			fail_msg("%s", bad[i]);
}

static void urls_have_an_end(void **state)
{
	char s[2050];

	(void)state;
	memset(s, 'x', sizeof(s));
	memcpy(s, "https://", strlen("https://"));
	s[2049] = '\0';
	assert_false(acme_is_url(s));
	s[2048] = '\0';
	assert_true(acme_is_url(s));
}

static void urls_in_objects(void **state)
{
	static const char text[] = "{\"good\": \"https://a/b\", \"http\": \"http://a/b\", \"number\": 7, \"null\": null,"
				   " \"list\": [\"https://a\"], \"escape\": \"https://a/\\u001b\"}";
	static const char *const none[] = { "http", "number", "null", "list", "escape", "missing" };
	struct err e = { 0 };
	struct json *o = json_parse(text, strlen(text), &e);

	(void)state;
	assert_non_null(o);
	assert_string_equal(acme_url(o, "good"), "https://a/b");
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_null(acme_url(o, none[i]));
	assert_null(acme_url(NULL, "good"));
	json_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_printable),
		cmocka_unit_test(urls_are_https),
		cmocka_unit_test(urls_have_an_end),
		cmocka_unit_test(urls_in_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
