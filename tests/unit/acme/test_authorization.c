/* test_authorization.c - what a CA says of authorizations, and the choice of a challenge.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/authorization.h"
#include "base/mem.h"

#define ID(name)   "\"identifier\": {\"type\": \"dns\", \"value\": \"" name "\"}"
#define PENDING(c) "{" ID("www.example.org") ", \"status\": \"pending\", \"challenges\": [" c "]}"
#define HTTP       "{\"type\": \"http-01\", \"url\": \"https://ca/1\", \"status\": \"pending\", \"token\": \"token-1\"}"
#define DNS        "{\"type\": \"dns-01\", \"url\": \"https://ca/2\", \"status\": \"pending\", \"token\": \"token-2\"}"
#define ALPN       "{\"type\": \"tls-alpn-01\", \"url\": \"https://ca/3\", \"token\": \"token-3\"}"

/* What the responder is asked, and the types that it likes. */
struct asked {
	unsigned likes, offered;
	char *name;
	bool wildcard;
};

static int choose(void *arg, const char *name, bool wildcard, unsigned offered, struct err *e)
{
	struct asked *a = arg;

	a->offered = offered;
	a->wildcard = wildcard;
	free(a->name);
	a->name = mem_copy_str(name);
	for (int t = 0; t < CHALLENGE_TYPES_N; t++)
		if (a->likes & offered & 1U << t)
			return t;
	return err_set(e, ERR_REFUSED, "%s: nothing that I like", name);
}

static struct json *parse(const char *s)
{
	struct err e = { 0 };
	struct json *o = json_parse(s, strlen(s), &e);

	if (!o)
		fail_msg("%s: %s", s, e.text);
	return o;
}

static void read_it(struct authorization *a, struct asked *asked, const char *text)
{
	static const char *const ordered[] = { "www.example.org", "*.example.org", "example.net", "2001:db8::a" };
	struct strv names = { 0 };
	const struct responder r = { .arg = asked, .choose = choose };
	struct json *o = parse(text);

	for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
		strv_add(&names, ordered[i]);
	*a = (struct authorization){ .url = mem_copy_str("https://ca/authz") };
	authorization_read(a, o, &names, "thumb", &r);
	strv_free(&names);
	json_free(o);
}

static void forget(struct authorization *a, struct asked *asked)
{
	authorization_free(a);
	free(asked->name);
	asked->name = NULL;
}

static void one_is_chosen(void **state)
{
	struct asked asked = { .likes = 1U << HTTP_01 };
	struct authorization a;

	(void)state;
	read_it(&a, &asked, PENDING(DNS ", " HTTP ", " ALPN));
	assert_int_equal(a.err.kind, ERR_NONE);
	assert_int_equal(a.status, AUTH_PENDING);
	assert_int_equal(asked.offered, 1U << HTTP_01 | 1U << DNS_01 | 1U << TLS_ALPN_01);
	assert_false(asked.wildcard);
	assert_true(a.chosen);
	assert_int_equal(a.challenge.type, HTTP_01);
	assert_string_equal(a.challenge.name, "www.example.org");
	assert_string_equal(a.challenge.url, "https://ca/1");
	assert_string_equal(a.challenge.token, "token-1");
	assert_string_equal(a.challenge.key_authorization, "token-1.thumb");
	assert_string_equal(a.challenge.digest, "3pN1lKSlQCOOihJcInCRARBPy_duMZigcLLtGlALoj8");
	assert_false(a.challenge.address);
	forget(&a, &asked);
}

/* Each is passed over, whatever stands beside it. */
static void what_is_no_challenge_is_not_offered(void **state)
{
	static const char *const bad[] = {
		"7", "null", "\"http-01\"", "[]", "{}",
		"{\"type\": \"http-01\"}",
		"{\"type\": \"http-01\", \"url\": \"https://ca/1\"}",
		"{\"type\": \"http-01\", \"token\": \"token-1\"}",
		"{\"url\": \"https://ca/1\", \"token\": \"token-1\"}",
		"{\"type\": \"http-02\", \"url\": \"https://ca/1\", \"token\": \"token-1\"}",
		"{\"type\": \"http-01\", \"url\": \"http://ca/1\", \"token\": \"token-1\"}",
		"{\"type\": \"http-01\", \"url\": \"https://ca/1\", \"token\": \"../x\"}",
		"{\"type\": \"http-01\", \"url\": \"https://ca/1\", \"token\": 7}",
		"{\"type\": \"http-01\", \"url\": \"https://ca/1\", \"token\": \"token-1\", \"status\": \"invalid\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *text = mem_format(PENDING("%s, " DNS), bad[i]);
		struct asked asked = { .likes = 1U << DNS_01 };
		struct authorization a;

		read_it(&a, &asked, text);
		assert_int_equal(asked.offered, 1U << DNS_01);
		assert_true(a.chosen);
		assert_string_equal(a.challenge.token, "token-2");
		forget(&a, &asked);
		free(text);
	}
}

static void none_may_do(void **state)
{
	static const struct {
		const char *in, *why;
	} rows[] = {
		{ PENDING(""), "www.example.org: the CA offers no challenge that certline knows" },
		{ "{" ID("www.example.org") ", \"status\": \"pending\"}",
		  "www.example.org: the CA offers no challenge that certline knows" },
		{ PENDING(HTTP), "www.example.org: nothing that I like" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked asked = { .likes = 1U << DNS_01 };
		struct authorization a;

		read_it(&a, &asked, rows[i].in);
		assert_false(a.chosen);
		assert_int_equal(a.err.kind, ERR_REFUSED);
		assert_string_equal(a.err.text, rows[i].why);
		forget(&a, &asked);
	}
}

/* Names are those that were ordered, as they were ordered. */
static void names(void **state)
{
	static const struct {
		const char *in, *name;
		bool wildcard, address;
	} rows[] = {
		{ "{" ID("www.example.org") ", \"status\": \"valid\"}", "www.example.org", false, false },
		{ "{" ID("WWW.Example.ORG") ", \"status\": \"valid\"}", "www.example.org", false, false },
		{ "{" ID("example.org") ", \"status\": \"valid\", \"wildcard\": true}", "example.org", true, false },
		{ "{" ID("EXAMPLE.org") ", \"status\": \"valid\", \"wildcard\": true}", "example.org", true, false },
		{ "{" ID("example.net") ", \"status\": \"valid\", \"wildcard\": false}", "example.net", false, false },
		{ "{\"identifier\": {\"type\": \"ip\", \"value\": \"2001:DB8::A\"}, \"status\": \"valid\"}", "2001:db8::a",
		  false, true },
		/* these were not */
		{ "{" ID("example.org") ", \"status\": \"valid\"}", NULL, false, false },
		{ "{" ID("*.example.org") ", \"status\": \"valid\"}", NULL, false, false },
		{ "{" ID("*.example.org") ", \"status\": \"valid\", \"wildcard\": true}", NULL, true, false },
		{ "{" ID("www.example.org") ", \"status\": \"valid\", \"wildcard\": true}", NULL, true, false },
		{ "{" ID("www.example.or") ", \"status\": \"valid\"}", NULL, false, false },
		{ "{" ID("") ", \"status\": \"valid\"}", NULL, false, false },
		{ "{" ID("../../etc") ", \"status\": \"pending\", \"challenges\": [" HTTP "]}", NULL, false, false },
		{ "{\"identifier\": \"www.example.org\", \"status\": \"valid\"}", NULL, false, false },
		{ "{\"status\": \"valid\"}", NULL, false, false },
		{ "{}", NULL, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked asked = { .likes = 1U << HTTP_01 };
		struct authorization a;

		read_it(&a, &asked, rows[i].in);
		assert_false(a.chosen);
		assert_int_equal(a.challenge.wildcard, rows[i].wildcard);
		if (rows[i].name) {
			assert_int_equal(a.err.kind, ERR_NONE);
			assert_int_equal(a.status, AUTH_VALID);
			assert_string_equal(a.challenge.name, rows[i].name);
			assert_int_equal(a.challenge.address, rows[i].address);
		} else {
			assert_int_equal(a.err.kind, ERR_REFUSED);
			assert_non_null(strstr(a.err.text, "which was not ordered"));
			assert_null(a.challenge.name);
			assert_null(asked.name);
		}
		forget(&a, &asked);
	}
}

static void a_name_that_was_not_ordered_is_printable(void **state)
{
	struct asked asked = { 0 };
	struct authorization a;

	(void)state;
	read_it(&a, &asked, "{" ID("a\\u001b[2J\\u202e") "}");
	assert_string_equal(a.err.text, "the CA asks for an authorization of \"a?[2J???\", which was not ordered");
	forget(&a, &asked);
}

static void a_wildcard_is_asked_for(void **state)
{
	struct asked asked = { .likes = 1U << DNS_01 };
	struct authorization a;

	(void)state;
	read_it(&a, &asked, "{" ID("example.org") ", \"wildcard\": true, \"status\": \"pending\", \"challenges\": [" DNS
			    "]}");
	assert_true(a.chosen);
	assert_true(asked.wildcard);
	assert_string_equal(asked.name, "example.org");
	assert_true(a.challenge.wildcard);
	forget(&a, &asked);
}

static void bad_ends(void **state)
{
	static const struct {
		const char *in, *why;
		enum authorization_status status;
	} rows[] = {
		{ "{" ID("www.example.org") "}", "www.example.org: the authorization is (no status)", AUTH_OTHER },
		{ "{" ID("www.example.org") ", \"status\": \"revoked\"}", "www.example.org: the authorization is revoked",
		  AUTH_OTHER },
		{ "{" ID("www.example.org") ", \"status\": \"a\\u001b\"}", "www.example.org: the authorization is a?",
		  AUTH_OTHER },
		{ "{" ID("www.example.org") ", \"status\": \"invalid\"}",
		  "www.example.org: the authorization failed, and the CA does not say why", AUTH_INVALID },
		{ "{" ID("www.example.org") ", \"status\": \"invalid\", \"challenges\": [7, " DNS ", {\"type\": \"http-01\","
		  " \"error\": {\"type\": \"urn:ietf:params:acme:error:dns\", \"detail\": \"No A\\n\"}}]}",
		  "www.example.org: http-01 failed: No A  (dns)", AUTH_INVALID },
		{ "{" ID("www.example.org") ", \"status\": \"invalid\", \"challenges\": [{\"type\": \"dns-01\", \"error\": "
		  "{\"detail\": \"No TXT\", \"status\": 403}}]}",
		  "www.example.org: dns-01 failed: No TXT (HTTP status 403)", AUTH_INVALID },
		{ "{" ID("www.example.org") ", \"status\": \"invalid\", \"challenges\": [{\"error\": 7}]}",
		  "www.example.org: ? failed: no reason given", AUTH_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct asked asked = { .likes = 1U << HTTP_01 };
		struct authorization a;

		read_it(&a, &asked, rows[i].in);
		assert_int_equal(a.err.kind, ERR_REFUSED);
		assert_string_equal(a.err.text, rows[i].why);
		assert_int_equal(a.status, rows[i].status);
		assert_false(a.chosen);
		forget(&a, &asked);
	}
}

static void the_problem_is_that_of_the_challenge_that_failed(void **state)
{
	struct json *o = parse("{\"challenges\": [7, " DNS ", {\"error\": {\"detail\": \"first\"}}, {\"error\": {}}]}");
	struct json *none = parse("{\"challenges\": [" DNS "]}");

	(void)state;
	assert_string_equal(json_str(authorization_problem(o), "detail", ""), "first");
	assert_null(authorization_problem(none));
	assert_null(authorization_problem(NULL));
	json_free(o);
	json_free(none);
}

/* The reply is no object at all. */
static void nothing_was_said(void **state)
{
	struct authorization a = { 0 };
	const struct strv none = { 0 };
	const struct responder r = { .choose = choose };

	(void)state;
	authorization_read(&a, NULL, &none, "thumb", &r);
	assert_int_equal(a.err.kind, ERR_REFUSED);
	authorization_free(&a);
	authorization_failed(&a, NULL);
	assert_string_equal(a.err.text, "?: the authorization failed, and the CA does not say why");
	authorization_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_chosen),
		cmocka_unit_test(what_is_no_challenge_is_not_offered),
		cmocka_unit_test(none_may_do),
		cmocka_unit_test(names),
		cmocka_unit_test(a_name_that_was_not_ordered_is_printable),
		cmocka_unit_test(a_wildcard_is_asked_for),
		cmocka_unit_test(bad_ends),
		cmocka_unit_test(the_problem_is_that_of_the_challenge_that_failed),
		cmocka_unit_test(nothing_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
