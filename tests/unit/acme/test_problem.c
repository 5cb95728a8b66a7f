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
		{ "{\"type\": \"" ACME "dns\", \"detail\": \"D\", \"status\": 400, \"instance\": \"i\"}",
		  "D (dns, HTTP status 400), see i" },
		{ "{\"detail\": \"D\", \"status\": 599}", "D (HTTP status 599)" },
		{ "{\"detail\": \"D\", \"status\": 99}", "D" },
		{ "{\"detail\": \"D\", \"status\": 600}", "D" },
		{ "{\"detail\": \"D\", \"status\": 4294967696}", "D" },
		{ "{\"detail\": \"D\", \"status\": \"400\"}", "D" },
		{ "{\"subproblems\": [{\"detail\": \"D\", \"status\": 400}]}", "no reason given; ?: D" },
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
		  "ca.example:14000: the CA says: No (unauthorized, HTTP status 403)" },
		{ 429, "{\"type\": \"" ACME "rateLimited\", \"detail\": \"Slow\"}", ERR_LATER, "rateLimited",
		  "ca.example:14000: the CA says: Slow (rateLimited, HTTP status 429)" },
		{ 403, "{\"type\": \"" ACME "rateLimited\"}", ERR_LATER, "rateLimited",
		  "ca.example:14000: the CA says: no reason given (rateLimited, HTTP status 403)" },
		{ 500, "{\"type\": \"" ACME "serverInternal\", \"detail\": \"D\"}", ERR_LATER, "serverInternal",
		  "ca.example:14000: the CA says: D (serverInternal, HTTP status 500)" },
		{ 400, "{\"detail\": \"D\"}", ERR_REFUSED, "", "ca.example:14000: the CA says: D (HTTP status 400)" },
		{ 400, "{\"detail\": \"D\", \"status\": 200}", ERR_REFUSED, "",
		  "ca.example:14000: the CA says: D (HTTP status 400)" },
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
		assert_int_equal(json_int(s.doc, "status", 0), s.doc ? rows[i].status : 0);
		said_free(&s);
	}
}

static void the_way_out_is_told(void **state)
{
	static const char body[] = "{\"type\": \"" ACME "userActionRequired\", \"detail\": \"New terms\"}";
	struct said s;

	(void)state;
	tell(&s, 403, body, "terms-of-service https://ca.example/\x1bterms");
	assert_string_equal(s.e.text, "ca.example:14000: the CA says: New terms (userActionRequired, HTTP status 403); "
				      "read https://ca.example/?terms, and do what it says before the next run");
	said_free(&s);
	tell(&s, 403, body, "help https://ca.example/terms");
	assert_string_equal(s.e.text, "ca.example:14000: the CA says: New terms (userActionRequired, HTTP status 403)");
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
	assert_string_equal(e.text, "ca.example: the CA says: D (HTTP status 400)");
	buf_free(&r.body);
}

static char *printed(const struct json *o)
{
	struct buf b;
	char *s;

	buf_init(&b, 10 * PROBLEMS_PRINT_MAX);
	json_print(&b, o, false);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static void what_is_known_is_kept(void **state)
{
	static const struct {
		const char *in, *name, *out;
	} rows[] = {
		{ "{\"type\": \"" ACME "dns\", \"title\": \"T\", \"detail\": \"D\", \"status\": 400, \"instance\": \"I\","
		  " \"identifier\": {\"type\": \"dns\", \"value\": \"a.example\"}, \"algorithms\": [\"x\"]}", NULL,
		  "[{\"type\":\"" ACME "dns\",\"title\":\"T\",\"detail\":\"D\",\"status\":400,\"instance\":\"I\","
		  "\"identifier\":\"a.example\"}]" },
		{ "{\"detail\": \"a\\u001b[31m\\r\\nb\\u00e4\", \"type\": \"\\u0007\", \"title\": \"\\u007f\", \"instance\":"
		  " \"\\u009b\"}", "\x1b",
		  "[{\"type\":\"?\",\"title\":\"?\",\"detail\":\"a?[31m? b??\",\"instance\":\"??\",\"identifier\":\"?\"}]" },
		{ "{\"identifier\": {\"value\": \"a\"}}", "b", "[{\"identifier\":\"b\"}]" },
		{ "{\"type\": 7, \"title\": null, \"detail\": [], \"status\": \"x\", \"instance\": {}, \"identifier\": \"a\","
		  " \"subproblems\": 3}", NULL, "[{}]" },
		{ "{\"detail\": \"D\", \"subproblems\": [1, null, \"x\", [], {\"detail\": \"E\", \"identifier\": {\"value\": \"a\"},"
		  " \"subproblems\": [{\"detail\": \"F\"}]}, {\"status\": 403}]}", "b",
		  "[{\"detail\":\"D\",\"identifier\":\"b\",\"subproblems\":[{\"detail\":\"E\",\"identifier\":\"a\"},"
		  "{\"status\":403}]}]" },
		{ "{\"detail\": \"D\", \"subproblems\": [7]}", NULL, "[{\"detail\":\"D\"}]" },
		{ "[]", "b", "[]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *list = json_array(), *o = parse(rows[i].in);
		char *s;

		problem_keep(list, o, rows[i].name);
		/* the same once more */
		problem_keep(list, o, rows[i].name);
		s = printed(list);
		assert_string_equal(s, rows[i].out);
		free(s);
		json_free(list);
		problem_keep(NULL, o, NULL);
		json_free(o);
	}
}

static void long_texts_are_kept_in_part(void **state)
{
	static const size_t len[] = { 1000, 1001, 50000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(len); i++) {
		struct json *list = json_array(), *o = json_object();
		char *s = mem_alloc(len[i] + 1);
		const char *kept;

		memset(s, 'x', len[i]);
		json_put_str(o, "detail", s);
		problem_keep(list, o, NULL);
		kept = json_str(json_at(list, 0), "detail", "");
		assert_int_equal(strlen(kept), 1000);
		assert_string_equal(kept + 997, len[i] > 1000 ? "..." : "xxx");
		free(s);
		json_free(o);
		json_free(list);
	}
}

/* A CA that sends as much as it can. */
static void only_so_many_are_kept(void **state)
{
	static const char *const keys[] = { "type", "title", "detail", "instance" };
	struct json *list = json_array();
	char *s = mem_alloc(5001);
	size_t subs = 0;

	(void)state;
	memset(s, '"', 5000);
	for (int i = 0; i < 30; i++) {
		struct json *o = json_object(), *all = json_put(o, "subproblems", json_array());

		for (int k = 0; k < 30; k++) {
			struct json *sub = json_put(all, NULL, json_object());

			for (size_t x = 0; x < ARRAY_LEN(keys); x++)
				json_put_str(sub, keys[x], s);
			json_put_str(json_put(sub, "identifier", json_object()), "value", s);
			json_put_int(sub, "status", 599);
		}
		for (size_t x = 0; x < ARRAY_LEN(keys); x++)
			json_put_str(o, keys[x], s);
		json_put_int(o, "status", 500 + i);
		problem_keep(list, o, s);
		json_free(o);
	}
	free(s);
	assert_int_equal(json_len(list), 20);
	for (size_t i = 0; i < 20; i++)
		subs += json_len(json_get(json_at(list, i), "subproblems"));
	assert_int_equal(subs, 200);
	assert_int_equal(json_len(json_get(json_at(list, 0), "subproblems")), 30);
	assert_false(json_has(json_at(list, 19), "subproblems"));
	s = printed(list);
	assert_in_range(strlen(s), PROBLEMS_PRINT_MAX / 2, PROBLEMS_PRINT_MAX - 1);
	free(s);
	json_free(list);
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
		cmocka_unit_test(what_is_known_is_kept),
		cmocka_unit_test(long_texts_are_kept_in_part),
		cmocka_unit_test(only_so_many_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
