/* test_text.c - hex, numbers, nearest words, ends of strings.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

static void hex_is_lower_case_and_terminated(void **state)
{
	static const unsigned char bytes[] = { 0x00, 0x09, 0x0a, 0xff, 0xa5 };
	char out[2 * sizeof(bytes) + 1];

	(void)state;
	memset(out, 'X', sizeof(out));
	text_hex(out, bytes, sizeof(bytes));
	assert_string_equal(out, "00090affa5");
	text_hex(out, bytes, 0);
	assert_string_equal(out, "");
}

static void hex_is_known_by_length_and_digits(void **state)
{
	static const struct {
		const char *s;
		size_t len;
		bool   is;
	} rows[] = {
		{ "", 0, true },        { "00", 1, true },       { "aFfA09", 3, true },
		{ "0", 0, false },      { "0", 1, false },       { "000", 1, false },
		{ "0000", 1, false },   { "0g", 1, false },      { "0x", 1, false },
		{ " 0", 1, false },     { "0:", 1, false },      { "0\n", 1, false },
		{ "00", 0, false },     { "\xef\xbc", 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (text_is_hex(rows[i].s, rows[i].len) != rows[i].is)
			fail_msg("\"%s\", %zu", rows[i].s, rows[i].len);
}

static void numbers_are_plain_and_within_limits(void **state)
{
	static const struct {
		const char *s;
		int64_t max;
		bool    ok;
		int64_t n;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "1", 0, false, 0 },
		{ "0", INT64_MAX, true, 0 },
		{ "9", 9, true, 9 },
		{ "9", 8, false, 0 },
		{ "9", 5, false, 0 },
		{ "10", 9, false, 0 },
		{ "65535", 65535, true, 65535 },
		{ "65536", 65535, false, 0 },
		{ "655350", 65535, false, 0 },
		{ "99", 15, false, 0 },
		{ "15", 15, true, 15 },
		{ "16", 15, false, 0 },
		{ "9223372036854775807", INT64_MAX, true, INT64_MAX },
		{ "9223372036854775808", INT64_MAX, false, 0 },
		{ "18446744073709551617", INT64_MAX, false, 0 },
		{ "99999999999999999999999999", INT64_MAX, false, 0 },
		{ "0", -1, false, 0 },
		{ "", 9, false, 0 },
		{ "00", 9, false, 0 },
		{ "01", 9, false, 0 },
		{ "-1", 9, false, 0 },
		{ "+1", 9, false, 0 },
		{ " 1", 9, false, 0 },
		{ "1 ", 9, false, 0 },
		{ "1\n", 9, false, 0 },
		{ "0x1", 99, false, 0 },
		{ "1e1", 99, false, 0 },
		{ "1.0", 99, false, 0 },
		{ "\xd9\xa1", 99, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t n = -42;

		if (text_number(rows[i].s, rows[i].max, &n) != rows[i].ok)
			fail_msg("\"%s\" up to %lld", rows[i].s, (long long)rows[i].max);
		assert_int_equal(n, rows[i].ok ? rows[i].n : -42);
	}
}

static void typing_errors_find_their_word(void **state)
{
	static const char *const words[] = { "status", "plan", "run", "renew", "roll", "check",
					     "domains", "post-keychange", "post-certchange" };
	static const struct {
		const char *word, *found;
	} rows[] = {
		{ "status", "status" },
		{ "statsu", "status" },         /* neighbours swapped: one step */
		{ "staus", "status" },
		{ "sttaus", "status" },
		{ "statuss", "status" },
		{ "paln", "plan" },
		{ "rnu", "run" },
		{ "chekc", "check" },
		{ "domain", "domains" },
		{ "post-keychagne", "post-keychange" },
		{ "post_certchange", "post-certchange" },
		{ "", NULL },
		{ "x", NULL },
		{ "xyz", NULL },
		{ "frobnicate", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *found = text_nearest(rows[i].word, words, ARRAY_LEN(words));

		if (!rows[i].found) {
			if (found)
				fail_msg("\"%s\" finds %s", rows[i].word, found);
			continue;
		}
		if (!found)
			fail_msg("\"%s\" finds nothing", rows[i].word);
		assert_string_equal(found, rows[i].found);
	}
	assert_null(text_nearest("plan", words, 0));
}

static void the_first_of_equally_near_words_wins(void **state)
{
	static const char *const words[] = { "bard", "card", "care" };

	(void)state;
	assert_ptr_equal(text_nearest("xard", words, 3), words[0]);
	assert_ptr_equal(text_nearest("care", words, 3), words[2]);
}

static void over_long_words_are_near_nothing(void **state)
{
	char word[300], other[101], edge[64];
	const char *words[2] = { other, edge };

	(void)state;
	memset(word, 'a', sizeof(word));
	memset(other, 'b', sizeof(other));
	memset(edge, 'c', sizeof(edge));
	word[sizeof(word) - 1] = other[sizeof(other) - 1] = edge[sizeof(edge) - 1] = '\0';
	for (size_t len = 60; len < sizeof(word); len++) {
		const char *end = word + sizeof(word) - 1 - len;

		assert_null(text_nearest(end, words, 2));
	}
	/* 63 bytes is the longest that is compared */
	edge[0] = 'x';
	assert_ptr_equal(text_nearest(edge, words, 2), edge);
	edge[0] = 'c';
	memset(word, 'c', 63);
	word[63] = '\0';
	word[10] = 'x';
	assert_ptr_equal(text_nearest(word, words, 2), edge);
}

static void blanks_at_both_ends_go(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },           { " ", "" },        { " \t\r\n ", "" },
		{ "a", "a" },         { " a", "a" },      { "a\r\n", "a" },
		{ "\ta b \t", "a b" }, { "  a\n b  ", "a\n b" },
		{ "\va\f", "\va\f" }, { "\xc2\xa0", "\xc2\xa0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *s = mem_copy_str(rows[i].in);

		assert_string_equal(text_trim(s), rows[i].out);
		free(s);
	}
}

static void ends_are_compared_whole(void **state)
{
	static const struct {
		const char *s, *part;
		bool starts, ends;
	} rows[] = {
		{ "", "", true, true },          { "a", "", true, true },
		{ "", "a", false, false },       { "a.conf", ".conf", false, true },
		{ "conf", ".conf", false, false }, { ".conf", ".conf", true, true },
		{ ".conf~", ".conf", true, false }, { "a.CONF", ".conf", false, false },
		{ "aXa", "a", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (text_starts(rows[i].s, rows[i].part) != rows[i].starts)
			fail_msg("\"%s\" starts with \"%s\"?", rows[i].s, rows[i].part);
		if (text_ends(rows[i].s, rows[i].part) != rows[i].ends)
			fail_msg("\"%s\" ends with \"%s\"?", rows[i].s, rows[i].part);
	}
}

static void only_what_is_printable_is_shown(void **state)
{
	static const struct {
		const char *s, *shown;
	} rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "tab\there", "tab here" },
		{ "\033[31mred\r\n", "?[31mred??" },
		{ "del\177", "del?" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82" },
		{ "c1 \xc2\x9b", "c1 ??" },
		{ "turned \xe2\x80\xae", "turned ???" },
		{ "mark \xe2\x80\x8f", "mark ???" },
		{ "line \xe2\x80\xa8", "line ???" },
		{ "isolate \xe2\x81\xa6", "isolate ???" },
		{ "surrogate \xed\xa0\x80", "surrogate ???" },
		{ "over-long \xc0\xaf \xe0\x80\xaf", "over-long ?? ???" },
		{ "too large \xf4\x90\x80\x80", "too large ????" },
		{ "cut \xe2\x82", "cut ??" },
		{ "latin \xe9t\xe9", "latin ?t?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *s = mem_copy_str(rows[i].s);

		text_make_printable(s);
		assert_string_equal(s, rows[i].shown);
		free(s);
	}
}

static void cuts_are_between_characters(void **state)
{
	static const struct {
		const char *s;
		size_t most, len;
	} rows[] = {
		{ "", 0, 0 }, { "", 5, 0 }, { "abc", 5, 3 }, { "abc", 3, 3 }, { "abc", 2, 2 },
		{ "a\xc3\xa9" "b", 4, 4 }, { "a\xc3\xa9" "b", 3, 3 }, { "a\xc3\xa9" "b", 2, 1 },
		{ "\xf0\x9f\x99\x82", 3, 0 }, { "\xf0\x9f\x99\x82", 4, 4 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(text_fit(rows[i].s, rows[i].most), rows[i].len);
}

static void urls_are_cut_before_their_path(void **state)
{
	static const struct {
		const char *url;
		size_t len;
	} rows[] = {
		{ "", 0 }, { "/in/secret", 0 }, { "https://a.example", 17 }, { "https://a.example/", 17 },
		{ "https://a.example?k=secret", 17 }, { "http://[::1]:80#x", 15 }, { "webhook https://a.example/b", 25 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(text_origin(rows[i].url), rows[i].len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_is_lower_case_and_terminated),
		cmocka_unit_test(hex_is_known_by_length_and_digits),
		cmocka_unit_test(numbers_are_plain_and_within_limits),
		cmocka_unit_test(typing_errors_find_their_word),
		cmocka_unit_test(the_first_of_equally_near_words_wins),
		cmocka_unit_test(over_long_words_are_near_nothing),
		cmocka_unit_test(blanks_at_both_ends_go),
		cmocka_unit_test(ends_are_compared_whole),
		cmocka_unit_test(only_what_is_printable_is_shown),
		cmocka_unit_test(cuts_are_between_characters),
		cmocka_unit_test(urls_are_cut_before_their_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
