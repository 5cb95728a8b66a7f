/* test_buf.c - growing text under a ceiling, and lists of strings.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void a_new_buffer_is_an_empty_string(void **state)
{
	static const size_t ceilings[] = { 0, 1, 63, 64, 65, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ceilings); i++) {
		struct buf b;

		buf_init(&b, ceilings[i]);
		assert_string_equal(b.s, "");
		assert_int_equal(b.len, 0);
		assert_int_equal(b.max, ceilings[i]);
		assert_false(b.over);
		buf_free(&b);
	}
}

static void freeing_twice_and_freeing_nothing_is_fine(void **state)
{
	struct buf b = { 0 };
	struct strv l = { 0 };

	(void)state;
	buf_free(&b);
	buf_wipe(&b);
	buf_init(&b, 100);
	buf_add_str(&b, "secret");
	buf_wipe(&b);
	assert_null(b.s);
	buf_free(&b);
	strv_free(&l);
	strv_add(&l, "x");
	strv_free(&l);
	strv_free(&l);
	assert_null(l.v);
}

static void text_grows_by_every_way_of_adding(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_add(&b, "ab\0c", 4);
	buf_add(&b, NULL, 0);
	buf_add_char(&b, 'd');
	buf_add_str(&b, "");
	buf_add_str(&b, "ef");
	buf_addf(&b, "%d-%s", 42, "g");
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.s, "ab\0cdef42-g", 12);
	assert_false(b.over);
	buf_free(&b);
}

/* Every ceiling around the first sizes of the memory, filled to the last byte, then one more. */
static void the_ceiling_holds_to_the_byte(void **state)
{
	(void)state;
	for (size_t max = 0; max < 300; max++) {
		struct buf b;

		buf_init(&b, max);
		for (size_t i = 0; i < max; i++) {
			buf_add_char(&b, (char)('a' + i % 26));
			assert_false(b.over);
			assert_int_equal(b.len, i + 1);
			assert_int_equal(b.s[i], 'a' + i % 26);
			assert_int_equal(b.s[i + 1], '\0');
			assert_true(b.cap >= b.len && b.cap <= max);
		}
		buf_add(&b, "", 0);
		assert_false(b.over);
		buf_add_char(&b, 'X');
		assert_true(b.over);
		assert_int_equal(b.len, max);
		assert_int_equal(strlen(b.s), max);
		buf_free(&b);
	}
}

static void what_does_not_fit_is_cut_and_noted(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_add_str(&b, "abc");
	buf_add_str(&b, "defg");
	assert_string_equal(b.s, "abcde");
	assert_true(b.over);

	buf_clear(&b);
	assert_string_equal(b.s, "");
	assert_false(b.over);
	buf_addf(&b, "%s", "123456");
	assert_string_equal(b.s, "12345");
	assert_true(b.over);
	buf_add_str(&b, "");
	assert_true(b.over);            /* stays until it is cleared */
	buf_free(&b);

	buf_init(&b, 3);
	buf_add(&b, "abcdef", 6);
	assert_string_equal(b.s, "abc");
	buf_free(&b);
}

static void a_large_piece_fits_at_once(void **state)
{
	static const char piece[100000] = { 'p' };
	struct buf b;

	(void)state;
	buf_init(&b, sizeof(piece) + 1);
	buf_add_char(&b, 'a');
	buf_add(&b, piece, sizeof(piece));
	assert_int_equal(b.len, sizeof(piece) + 1);
	assert_memory_equal(b.s + 1, piece, sizeof(piece));
	assert_false(b.over);
	buf_free(&b);
}

static void a_stolen_string_leaves_an_empty_buffer(void **state)
{
	struct buf b;
	char *s;

	(void)state;
	buf_init(&b, 4);
	buf_add_str(&b, "abcde");
	s = buf_steal(&b);
	assert_string_equal(s, "abcd");
	assert_string_equal(b.s, "");
	assert_int_equal(b.max, 4);
	assert_false(b.over);
	buf_add_str(&b, "xy");
	assert_string_equal(s, "abcd");
	assert_string_equal(b.s, "xy");
	free(s);
	buf_free(&b);
}

static void lists_grow_past_every_power_of_two(void **state)
{
	struct strv l = { 0 };
	char text[16] = "";

	(void)state;
	for (size_t i = 0; i < 70; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		if (i % 2)
			strv_add(&l, text);
		else
			strv_take(&l, mem_copy_str(text));
		assert_int_equal(l.n, i + 1);
	}
	for (size_t i = 0; i < 70; i++) {
		snprintf(text, sizeof(text), "%zu", i);
		assert_string_equal(l.v[i], text);
		assert_true(strv_has(&l, text));
	}
	assert_false(strv_has(&l, "70"));
	assert_false(strv_has(&l, ""));
	strv_free(&l);
	assert_false(strv_has(&l, "1"));
}

static void a_copy_is_independent_and_replaces(void **state)
{
	struct strv a = { 0 }, b = { 0 };

	(void)state;
	strv_add(&a, "one");
	strv_add(&a, "two");
	strv_add(&b, "old");
	strv_copy(&b, &a);
	strv_free(&a);
	assert_int_equal(b.n, 2);
	assert_string_equal(b.v[0], "one");
	assert_string_equal(b.v[1], "two");
	strv_copy(&b, &a);
	assert_int_equal(b.n, 0);
	strv_free(&b);
}

static void what_is_joined_has_it_between(void **state)
{
	static const char *const wanted[] = { "", "one", "one, ", "one, , two" };
	struct strv l = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		char *text = strv_join(&l, ", ");

		assert_string_equal(text, wanted[i]);
		free(text);
		strv_add(&l, i == 0 ? "one" : i == 1 ? "" : "two");
	}
	strv_free(&l);
}

static void sorting_is_by_bytes(void **state)
{
	static const char *const before[] = { "b", "", "a", "ab", "Z", "\xc3\xa4", "a" };
	static const char *const after[] = { "", "Z", "a", "a", "ab", "b", "\xc3\xa4" };
	struct strv l = { 0 };

	(void)state;
	strv_sort(&l);
	assert_int_equal(l.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		strv_add(&l, before[i]);
	strv_sort(&l);
	for (size_t i = 0; i < ARRAY_LEN(after); i++)
		assert_string_equal(l.v[i], after[i]);
	strv_free(&l);
}

static void the_same_means_each_string_as_often(void **state)
{
	static const struct {
		const char *a[4], *b[4];
		bool same;
	} rows[] = {
		{ { NULL }, { NULL }, true },
		{ { "x" }, { NULL }, false },
		{ { "x" }, { "x" }, true },
		{ { "x" }, { "y" }, false },
		{ { "x", "y", "z" }, { "z", "x", "y" }, true },
		{ { "x", "y" }, { "x", "y", "z" }, false },
		{ { "x", "x", "y" }, { "x", "y", "y" }, false },
		{ { "x", "x", "y" }, { "x", "y", "x" }, true },
		{ { "x", "" }, { "x" }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv a = { 0 }, b = { 0 };

		for (size_t j = 0; j < 4 && rows[i].a[j]; j++)
			strv_add(&a, rows[i].a[j]);
		for (size_t j = 0; j < 4 && rows[i].b[j]; j++)
			strv_add(&b, rows[i].b[j]);
		if (strv_same(&a, &b) != rows[i].same || strv_same(&b, &a) != rows[i].same)
			fail_msg("row %zu should %sbe the same", i, rows[i].same ? "" : "not ");
		strv_free(&a);
		strv_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_buffer_is_an_empty_string),
		cmocka_unit_test(freeing_twice_and_freeing_nothing_is_fine),
		cmocka_unit_test(text_grows_by_every_way_of_adding),
		cmocka_unit_test(the_ceiling_holds_to_the_byte),
		cmocka_unit_test(what_does_not_fit_is_cut_and_noted),
		cmocka_unit_test(a_large_piece_fits_at_once),
		cmocka_unit_test(a_stolen_string_leaves_an_empty_buffer),
		cmocka_unit_test(lists_grow_past_every_power_of_two),
		cmocka_unit_test(a_copy_is_independent_and_replaces),
		cmocka_unit_test(what_is_joined_has_it_between),
		cmocka_unit_test(sorting_is_by_bytes),
		cmocka_unit_test(the_same_means_each_string_as_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
