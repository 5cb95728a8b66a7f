/* test_problem.c - errors of a CA in words.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/problem.h"
#include "base/mem.h"

#define ACME "urn:ietf:params:acme:error:"

static struct json *parse(const char *s)
{
	struct err e = { 0 };
	struct json *o = json_parse(s, strlen(s), &e);

	if (!o)
		fail_msg("%s: %s", s, e.text);
	return o;
}

static void types(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{\"type\": \"" ACME "rateLimited\"}", "rateLimited" },
		{ "{\"type\": \"" ACME "\"}", "" },
		{ "{\"type\": \"about:blank\"}", "about:blank" },
		{ "{\"type\": \"x\\u001b[2J\\n\"}", "x?[2J " },
		{ "{\"type\": 7}", "" },
		{ "{}", "" },
		{ "[]", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *o = parse(rows[i].in);
		char *s = problem_type(o);

		assert_string_equal(s, rows[i].out);
		free(s);
		json_free(o);
	}
}

static void texts(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{\"type\": \"" ACME "caa\", \"detail\": \"No\"}", "No (caa)" },
		{ "{\"detail\": \"No\"}", "No" },
		{ "{\"type\": \"about:blank\", \"title\": \"Bad Request\"}", "Bad Request (about:blank)" },
		{ "{\"title\": \"T\", \"detail\": \"D\"}", "D" },
		{ "{\"detail\": \"D\", \"instance\": \"https://a/b\"}", "D, see https://a/b" },
		{ "{\"detail\": \"a\\u001b[31m\\r\\nok 1\"}", "a?[31m? ok 1" },
		{ "{}", "no reason given" },
		{ "[]", "no reason given" },
		{ "{\"type\": 7, \"detail\": [], \"subproblems\": 3}", "no reason given" },
		{ "{\"detail\": \"D\", \"subproblems\": [{\"type\": \"" ACME "dns\", \"detail\": \"E\","
		  " \"identifier\": {\"type\": \"dns\", \"value\": \"a.example\"}}, {}]}",
		  "D; a.example: E (dns); ?: no reason given" },
		{ "{\"detail\": \"D\", \"subproblems\": [1, null, {\"identifier\": 3}]}",
		  "D; ?: no reason given; ?: no reason given; ?: no reason given" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *o = parse(rows[i].in);
		char *s = problem_text(o);

		assert_string_equal(s, rows[i].out);
		free(s);
		json_free(o);
	}
}

static void not_all_subproblems_are_shown(void **state)
{
	struct json *o = json_object(), *list = json_put(o, "subproblems", json_array());
	struct strv all = { 0 };
	char *s;

	(void)state;
	problem_list(&all, o);
	assert_int_equal(all.n, 0);
	for (int i = 0; i < 23; i++)
		json_put_str(json_put(list, NULL, json_object()), "detail", "x");
	s = problem_text(o);
	assert_string_equal(s, "no reason given; ?: x; ?: x; ?: x; and 20 more");
	free(s);
	problem_list(&all, o);
	assert_int_equal(all.n, 23);
	assert_string_equal(all.v[22], "?: x");
	strv_free(&all);
	json_free(o);
}

/* A reply with this status and body, and the error that it becomes. */
struct said {
	struct err e;
	char *type;
	struct json *doc;
};

static void tell(struct said *s, int status, const char *body, const char *link)
{
	struct http_request r = { .url = "https://ca.example:14000/acme/new-order?x", .status = status };

	*s = (struct said){ 0 };
	buf_init(&r.body, 1 << 20);
	buf_add_str(&r.body, body);
	if (link)
		strv_add(&r.links, link);
	assert_int_equal(problem_error(&s->e, &r, &s->type, &s->doc), -1);
	strv_free(&r.links);
	buf_free(&r.body);
}

static void said_free(struct said *s)
{
	free(s->type);
	json_free(s->doc);
}

static void replies(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_kind kind;
		const char *type, *text;
	} rows[] = {
		{ 403, "{\"type\": \"" ACME "unauthorized\", \"detail\": \"No\"}", ERR_REFUSED, "unauthorized",
		  "ca.example:14000: the CA says: No (unauthorized)" },
		{ 429, "{\"type\": \"" ACME "rateLimited\", \"detail\": \"Slow\"}", ERR_LATER, "rateLimited",
		  "ca.example:14000: the CA says: Slow (rateLimited)" },
		{ 403, "{\"type\": \"" ACME "rateLimited\"}", ERR_LATER, "rateLimited",
		  "ca.example:14000: the CA says: no reason given (rateLimited)" },
		{ 500, "{\"type\": \"" ACME "serverInternal\", \"detail\": \"D\"}", ERR_LATER, "serverInternal",
		  "ca.example:14000: the CA says: D (serverInternal)" },
		{ 400, "{\"detail\": \"D\"}", ERR_REFUSED, "", "ca.example:14000: the CA says: D" },
		{ 429, "", ERR_LATER, NULL, "ca.example:14000: HTTP status 429 without a reason" },
		{ 502, "<html>\n\x1b[31m</html>", ERR_LATER, NULL,
		  "ca.example:14000: HTTP status 502 with a text that is no ACME error: <html> ?[31m</html>" },
		{ 404, "{}", ERR_REFUSED, NULL,
		  "ca.example:14000: HTTP status 404 with a text that is no ACME error: {}" },
		{ 404, "[]", ERR_REFUSED, NULL,
		  "ca.example:14000: HTTP status 404 with a text that is no ACME error: []" },
		{ 302, "", ERR_REFUSED, NULL, "ca.example:14000: HTTP status 302 without a reason" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct said s;

		tell(&s, rows[i].status, rows[i].body, NULL);
		assert_string_equal(s.e.text, rows[i].text);
		assert_int_equal(s.e.kind, rows[i].kind);
		if (rows[i].type)
			assert_string_equal(s.type, rows[i].type);
		else
			assert_null(s.type);
		assert_true((s.doc != NULL) == (rows[i].type != NULL));
		said_free(&s);
	}
}

static void the_way_out_is_told(void **state)
{
	static const char body[] = "{\"type\": \"" ACME "userActionRequired\", \"detail\": \"New terms\"}";
	struct said s;

	(void)state;
	tell(&s, 403, body, "terms-of-service https://ca.example/\x1bterms");
	assert_string_equal(s.e.text, "ca.example:14000: the CA says: New terms (userActionRequired); read "
				      "https://ca.example/?terms, and do what it says before the next run");
	said_free(&s);
	tell(&s, 403, body, "help https://ca.example/terms");
	assert_string_equal(s.e.text, "ca.example:14000: the CA says: New terms (userActionRequired)");
	said_free(&s);
	tell(&s, 403, "{\"type\": \"" ACME "unauthorized\"}", "terms-of-service https://ca.example/terms");
	assert_null(strstr(s.e.text, "terms"));
	said_free(&s);
}

static void long_texts_are_cut(void **state)
{
	struct said s;
	char *body = mem_alloc(100000);

	(void)state;
	memset(body, '<', 99999);
	tell(&s, 404, body, NULL);
	assert_int_equal(strlen(s.e.text), strlen("ca.example:14000: HTTP status 404 with a text that is no ACME error: ") +
						   120 + strlen("..."));
	said_free(&s);
	memset(body, 'x', 99999);
	memcpy(body, "{\"detail\": \"", strlen("{\"detail\": \""));
	memcpy(body + 99997, "\"}", 2);
	tell(&s, 404, body, NULL);
	assert_in_range(strlen(s.e.text), 500, sizeof(s.e.text) - 1);
	said_free(&s);
	free(body);
}

static void nobody_need_ask_for_more(void **state)
{
	struct http_request r = { .url = "ca.example/x", .status = 400 };
	struct err e;

	(void)state;
	buf_init(&r.body, 100);
	buf_add_str(&r.body, "{\"detail\": \"D\"}");
	assert_int_equal(problem_error(&e, &r, NULL, NULL), -1);
	assert_string_equal(e.text, "ca.example: the CA says: D");
	buf_free(&r.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(texts),
		cmocka_unit_test(not_all_subproblems_are_shown),
		cmocka_unit_test(replies),
		cmocka_unit_test(the_way_out_is_told),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(nobody_need_ask_for_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
