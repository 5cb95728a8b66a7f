/* test_json.c - JSON: what is read, what is refused, what is written.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/json.h"

static struct json *parse(const char *s)
{
	/* a copy without a terminator, so that a sanitizer sees every byte read too far */
	size_t len = strlen(s);
	struct err e = { 0 };
	struct json *j;
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	j = json_parse(copy, len, &e);
	free(copy);
	if (!j)
		fail_msg("%s: %s", s, e.text);
	return j;
}

static char *printed(const struct json *j, bool pretty)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	json_print(&b, j, pretty);
	assert_false(b.over);
	return b.s;
}

/* Each document as we print it. */
static void reads_documents(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{}", "{}" },
		{ " \t\r\n[ \n ] \n", "[]" },
		{ "{\"a\":1,\"b\":-2,\"c\":0}", "{\"a\":1,\"b\":-2,\"c\":0}" },
		{ "[true , false,null]", "[true,false,null]" },
		{ "[\"\",\"a b\",\"\x7f\"]", "[\"\",\"a b\",\"\x7f\"]" },
		{ "[\"\\n\\u0041\\/\\\"\\\\\"]", "[\"\\nA/\\\"\\\\\"]" },
		{ "[\"\xc3\xa4\", \"\\ud834\\udd1e\"]", "[\"\xc3\xa4\",\"\xf0\x9d\x84\x9e\"]" },
		{ "[-0]", "[0]" },
		{ "[1.5, 1]", "[1.5,1]" },
		{ "[999999999999999999]", "[999999999999999999]" },
		{ "[1000000000000000000,-9223372036854775808,9223372036854775807]",
		  "[1000000000000000000,-9223372036854775808,9223372036854775807]" },
		{ "{\"z\":{\"y\":[{\"x\":[]}]},\"a\":{}}",
		  "{\"z\":{\"y\":[{\"x\":[]}]},\"a\":{}}" },
		{ "{\"\":1}", "{\"\":1}" },
		{ "{\"0123456789012345678901234567890123456789012345678901234567890123\":1}",
		  "{\"0123456789012345678901234567890123456789012345678901234567890123\":1}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = parse(rows[i].in);
		char *s = printed(j, false);

		assert_string_equal(s, rows[i].out);
		free(s);
		json_free(j);
	}
}

static void refuses_what_is_no_document(void **state)
{
	static const struct {
		const char *in, *why;
	} rows[] = {
		{ "", "line 1 column 0: '[' or '{' expected near end of file" },
		{ " ", "line 1 column 1: '[' or '{' expected near end of file" },
		{ "1", "line 1 column 1: '[' or '{' expected near '1'" },
		{ "\"a\"", "line 1 column 3: '[' or '{' expected near '\"a\"'" },
		{ "null", "line 1 column 4: '[' or '{' expected near 'null'" },
		{ "{\"a\":1,\n\"b\":2,\n\"a\":3}",
		  "line 3 column 3: duplicate object key near '\"a\"'" },
		{ "{\"a\":1} x", "line 1 column 9: end of file expected near 'x'" },
		{ "[]]", "line 1 column 3: end of file expected near ']'" },
		{ "{}{}", "line 1 column 3: end of file expected near '{'" },
		{ "[1,]", NULL }, { "[,]", NULL }, { "{,}", NULL }, { "{\"a\":1,}", NULL },
		{ "{\"a\"}", NULL }, { "{\"a\":}", NULL }, { "{a:1}", NULL }, { "{1:1}", NULL },
		{ "[1 2]", NULL }, { "[1", NULL }, { "{\"a\":1", NULL }, { "[\"a", NULL },
		{ "[\"a\\", NULL }, { "[\"\\u00", NULL }, { "[1}", NULL }, { "{\"a\":1]", NULL },
		{ "[truex]", NULL }, { "[tru", NULL }, { "[nul]", NULL }, { "[True]", NULL },
		{ "[01]", NULL }, { "[-]", NULL }, { "[+1]", NULL }, { "[-01]", NULL },
		{ "[1.]", NULL }, { "[.5]", NULL }, { "[0x1]", NULL }, { "[NaN]", NULL },
		{ "[9223372036854775808]", NULL }, { "[-9223372036854775809]", NULL },
		{ "[1e999]", NULL }, { "[\"\t\"]", NULL }, { "[\"\n\"]", NULL },
		{ "[\"\\u0000\"]", NULL }, { "{\"\\u0000\":1}", NULL }, { "[\"\\x\"]", NULL },
		{ "[\"\\ud834\"]", NULL }, { "[\"\xff\"]", NULL }, { "[\"\xc0\x80\"]", NULL },
		{ "[\"\xed\xa0\x80\"]", NULL }, { "[\xc3\xa4]", NULL }, 
		{ "\xef\xbb\xbf{}", "line 1 column 1: '[' or '{' expected near '\?\?\?'" },
		{ "[1] // no", NULL }, { "/* */[]", NULL }, { "['a']", NULL },
		{ "{\"a\":{\"b\":1,\"b\":1}}", NULL }, { "[{\"a\":null,\"a\":null}]", NULL },
		{ "{\"a\":1,\"\\u0061\":2}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };

		if (json_parse(rows[i].in, strlen(rows[i].in), &e))
			fail_msg("read: %s", rows[i].in);
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_true(strncmp(e.text, "line ", 5) == 0);
		if (rows[i].why)
			assert_string_equal(e.text, rows[i].why);
	}
}

static void refuses_nul_bytes(void **state)
{
	static const char *const rows[] = { "[]\0", "[\0]", "[\"\0\"]", "\0[]" };
	static const size_t len[] = { 3, 3, 5, 3 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };

		assert_null(json_parse(rows[i], len[i], &e));
		assert_int_equal(e.kind, ERR_LOCAL);
	}
}

/* depth brackets of both kinds, the innermost holding `core` */
static char *nested(int depth, const char *core)
{
	struct buf b;

	buf_init(&b, 1 << 22);
	for (int i = 0; i < depth; i++)
		buf_add_str(&b, i % 2 ? "{\"a\":" : "[");
	buf_add_str(&b, core);
	for (int i = depth - 1; i >= 0; i--)
		buf_add_char(&b, i % 2 ? '}' : ']');
	return b.s;
}

static void depth_has_a_limit(void **state)
{
	/* the second goes to jansson, for its escape */
	static const char *const cores[] = { "1", "\"[[{{\\n\"" };
	static const int too_deep[] = { JSON_DEPTH_MAX + 1, 2047, 2049, 100000 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cores); i++) {
		char *s = nested(JSON_DEPTH_MAX, cores[i]);

		json_free(parse(s));
		free(s);
		for (size_t j = 0; j < ARRAY_LEN(too_deep); j++) {
			s = nested(too_deep[j], cores[i]);
			assert_null(json_parse(s, strlen(s), &e));
			assert_int_equal(e.kind, ERR_LOCAL);
			assert_non_null(strstr(e.text, "more than 32 levels deep"));
			free(s);
		}
	}
	assert_null(json_parse("[\n[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 38, &e));
	assert_string_equal(e.text, "line 2 column 32: more than 32 levels deep");
}

static void brackets_in_strings_are_no_depth(void **state)
{
	struct json *j = parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\",\"\\\\\"]");

	(void)state;
	assert_int_equal(json_len(j), 2);
	json_free(j);
	/* side by side is not deep */
	j = parse("[[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],[],"
		  "[],[],[],[],[],[],[],[],[],[\"\\n\"]]");
	assert_int_equal(json_len(j), 36);
	json_free(j);
}

static void getters_fall_back(void **state)
{
	struct json *o = parse("{\"s\":\"text\",\"i\":42,\"r\":42.0,\"t\":true,\"f\":false,"
			       "\"n\":null,\"a\":[\"x\",7],\"o\":{\"k\":1}}");
	const struct json *a = json_get(o, "a");
	static const char *const keys[] = { "i", "r", "t", "n", "a", "o", "none", "" };

	(void)state;
	assert_string_equal(json_str(o, "s", "-"), "text");
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_string_equal(json_str(o, keys[i], "-"), "-");
	assert_null(json_str(o, "none", NULL));

	assert_int_equal(json_int(o, "i", -1), 42);
	assert_int_equal(json_int(o, "r", -1), -1);
	assert_int_equal(json_int(o, "s", -1), -1);
	assert_int_equal(json_int(o, "t", -1), -1);
	assert_int_equal(json_int(o, "none", INT64_MIN), INT64_MIN);

	json_drop(o, "r");
	json_drop(o, "r");
	assert_false(json_has(o, "r"));
	assert_true(json_bool(o, "t", false));
	assert_false(json_bool(o, "f", true));
	assert_true(json_bool(o, "i", true));
	assert_false(json_bool(o, "n", false));

	assert_true(json_has(o, "n"));
	assert_false(json_has(o, "none"));
	assert_int_equal(json_len(a), 2);
	assert_string_equal(json_text(json_at(a, 0)), "x");
	assert_null(json_text(json_at(a, 1)));
	assert_null(json_at(a, 2));
	assert_int_equal(json_len(o), 0);
	assert_null(json_at(o, 0));
	assert_null(json_get(a, "0"));
	json_free(o);
}

static void getters_accept_nothing(void **state)
{
	(void)state;
	assert_null(json_get(NULL, "a"));
	assert_null(json_get(NULL, NULL));
	assert_false(json_has(NULL, "a"));
	assert_string_equal(json_str(NULL, "a", "-"), "-");
	assert_int_equal(json_int(NULL, "a", 3), 3);
	assert_true(json_bool(NULL, "a", true));
	assert_int_equal(json_len(NULL), 0);
	assert_null(json_at(NULL, 0));
	assert_null(json_text(NULL));
	json_free(NULL);
}

static void prints_in_order(void **state)
{
	struct json *o = json_new_object(), *a, *inner;
	char *s;

	(void)state;
	json_put_str(o, "zebra", "z");
	json_put_int(o, "ant", -5);
	json_put_bool(o, "yes", true);
	json_put_bool(o, "no", false);
	json_put_str(o, "nothing", NULL);
	a = json_put(o, "list", json_new_array());
	json_put_int(a, NULL, INT64_MAX);
	json_put_int(a, NULL, INT64_MIN);
	json_put_str(a, NULL, "q\"\\\n\x01/\xc3\xa4");
	inner = json_put(a, NULL, json_new_object());
	json_put_str(inner, "k", "");
	json_put(o, "empty", json_new_object());
	json_put_int(o, "ant", 6);              /* stays where it was */

	s = printed(o, false);
	assert_string_equal(s, "{\"zebra\":\"z\",\"ant\":6,\"yes\":true,\"no\":false,"
			    "\"nothing\":null,\"list\":[9223372036854775807,-9223372036854775808,"
			    "\"q\\\"\\\\\\n\\u0001/\xc3\xa4\",{\"k\":\"\"}],\"empty\":{}}");
	free(s);
	s = printed(o, true);
	assert_string_equal(s, "{\n"
			    "  \"zebra\": \"z\",\n"
			    "  \"ant\": 6,\n"
			    "  \"yes\": true,\n"
			    "  \"no\": false,\n"
			    "  \"nothing\": null,\n"
			    "  \"list\": [\n"
			    "    9223372036854775807,\n"
			    "    -9223372036854775808,\n"
			    "    \"q\\\"\\\\\\n\\u0001/\xc3\xa4\",\n"
			    "    {\n"
			    "      \"k\": \"\"\n"
			    "    }\n"
			    "  ],\n"
			    "  \"empty\": {}\n"
			    "}\n");
	free(s);
	json_free(o);
}

static void what_is_printed_reads_back_the_same(void **state)
{
	struct json *o = json_new_object(), *again;
	char key[32], *a, *b;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "key-%d", i * 7919 % 300);
		json_put_int(o, key, i);
	}
	for (int pretty = 0; pretty < 2; pretty++) {
		a = printed(o, pretty);
		again = parse(a);
		b = printed(again, pretty);
		assert_string_equal(a, b);
		free(a);
		free(b);
		json_free(again);
	}
	json_free(o);
}

static void values_may_stand_alone(void **state)
{
	struct json *o = parse("{\"s\":\"x\"}");
	char *s = printed(json_get(o, "s"), false);

	(void)state;
	assert_string_equal(s, "\"x\"");
	free(s);
	json_free(o);
}

static void bad_utf8_becomes_a_question_mark(void **state)
{
	struct json *o = json_new_object();
	char *s;

	(void)state;
	json_put_str(o, "a", "\xff");
	json_put_str(o, "b", "ok\xc3");
	json_put_int(o, "\xfe", 1);
	json_put(o, "\xfd", json_new_array());
	s = printed(o, false);
	assert_string_equal(s, "{\"a\":\"?\",\"b\":\"?\",\"?\":[]}");
	free(s);
	json_free(o);
}

static void put_returns_the_value_in_its_place(void **state)
{
	struct json *o = json_new_object(), *v = json_new_object();

	(void)state;
	assert_ptr_equal(json_put(o, "k", v), v);
	assert_ptr_equal(json_get(o, "k"), v);
	json_put_str(v, "in", "side");
	assert_string_equal(json_str(json_get(o, "k"), "in", "-"), "side");
	json_free(o);
}

static void printing_heeds_the_ceiling(void **state)
{
	struct json *o = parse("{\"key\":\"a long value\"}");
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	json_print(&b, o, false);
	assert_true(b.over);
	assert_string_equal(b.s, "{\"key\":\"a ");
	buf_free(&b);
	json_free(o);
}

/* Callers may use the short names; jansson's own must not be hidden by them. */
static void short_names_are_ours(void **state)
{
	struct json *o = json_object();
	char *s;

	(void)state;
	json_put_int(json_put(o, "a", json_array()), NULL, 1);
	s = printed(o, false);
	assert_string_equal(s, "{\"a\":[1]}");
	free(s);
	json_free(o);
}

static void what_is_the_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "{}", "{}", true },
		{ "{\"a\": 1, \"b\": [\"x\"]}", "{\"b\": [\"x\"], \"a\": 1}", true },
		{ "{\"a\": 1}", "{\"a\": 2}", false },
		{ "{\"a\": 1}", "{\"a\": 1, \"b\": 1}", false },
		{ "{\"a\": \"1\"}", "{\"a\": 1}", false },
		{ "[1, 2]", "[2, 1]", false },
		{ "[]", "{}", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *a = parse(rows[i].a), *b = parse(rows[i].b);

		assert_true(json_same(a, b) == rows[i].same);
		assert_true(json_same(b, a) == rows[i].same);
		json_free(a);
		json_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_documents),
		cmocka_unit_test(refuses_what_is_no_document),
		cmocka_unit_test(refuses_nul_bytes),
		cmocka_unit_test(depth_has_a_limit),
		cmocka_unit_test(brackets_in_strings_are_no_depth),
		cmocka_unit_test(getters_fall_back),
		cmocka_unit_test(getters_accept_nothing),
		cmocka_unit_test(prints_in_order),
		cmocka_unit_test(what_is_printed_reads_back_the_same),
		cmocka_unit_test(values_may_stand_alone),
		cmocka_unit_test(bad_utf8_becomes_a_question_mark),
		cmocka_unit_test(put_returns_the_value_in_its_place),
		cmocka_unit_test(printing_heeds_the_ceiling),
		cmocka_unit_test(short_names_are_ours),
		cmocka_unit_test(what_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
