/* test_err.c - error texts: one printable line that grows at its front.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>

#define ROOM (sizeof(((struct err *)0)->text) - 1)

static void an_error_grows_outermost_first(void **state)
{
	struct err e = { 0 };

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "live/key.pem"), -1);
	assert_int_equal(err_wrap(&e, "loading the %s key", "live"), -1);
	assert_int_equal(err_wrap(&e, "mail"), -1);
	assert_string_equal(e.text, "mail: loading the live key: open live/key.pem: "
				    "No such file or directory");
	assert_int_equal(e.kind, ERR_LOCAL);
}

static void the_kind_is_set_and_kept(void **state)
{
	static const enum err_kind kinds[] = { ERR_USAGE, ERR_LOCAL, ERR_LATER, ERR_REFUSED,
					       ERR_UNSAFE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct err e = { .kind = ERR_USAGE, .text = "old" };

		assert_int_equal(err_set(&e, kinds[i], "no %d", 7), -1);
		err_wrap(&e, "x");
		assert_int_equal(e.kind, kinds[i]);
		assert_string_equal(e.text, "x: no 7");
		err_sys(&e, "y");
		assert_int_equal(e.kind, ERR_LOCAL);
	}
}

static void the_old_text_may_be_part_of_the_new_one(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_LATER, "inner");
	err_set(&e, ERR_LATER, "outer (%s)", e.text);
	assert_string_equal(e.text, "outer (inner)");
	err_wrap(&e, "again %s", e.text);
	assert_string_equal(e.text, "again outer (inner): outer (inner)");
	errno = EACCES;
	err_sys(&e, "%.5s", e.text);
	assert_string_equal(e.text, "again: Permission denied");
}

static void texts_from_outside_become_one_printable_line(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "", "" },
		{ "plain ~", "plain ~" },
		{ "two\nlines\r\n", "two lines  " },
		{ "tab\tbell\007escape\033[31m", "tab bell escape [31m" },
		{ "del\177", "del " },
		{ "gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x94\x91",
		  "gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac \xf0\x9f\x94\x91" },
		{ "latin1 gr\xfc\xdf" "e", "latin1 gr??e" },
		{ "c1 \xc2\x9b" "31m", "c1 ??31m" },            /* CSI in one character */
		{ "nbsp \xc2\xa0", "nbsp \xc2\xa0" },
		{ "overlong \xc0\xaf \xe0\x80\xaf", "overlong ?? ???" },
		{ "surrogate \xed\xa0\x80", "surrogate ???" },
		{ "too big \xf4\x90\x80\x80 \xf5\x80\x80\x80", "too big ???? ????" },
		{ "largest \xf4\x8f\xbf\xbf", "largest \xf4\x8f\xbf\xbf" },
		{ "broken off \xe2\x82", "broken off ??" },
		{ "stray \x80\xbf", "stray ??" },
		{ "line sep \xe2\x80\xa8", "line sep ???" },
		{ "rtl \xe2\x80\xae" "fdp", "rtl ???fdp" },
		{ "isolate \xe2\x81\xa6", "isolate ???" },
		{ "dash \xe2\x80\x93", "dash \xe2\x80\x93" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };

		err_set(&e, ERR_REFUSED, "%s", rows[i].in);
		assert_string_equal(e.text, rows[i].out);
	}
}

/* A text of n bytes, the last of which are the end of `tail`. */
static char *long_text(size_t n, const char *tail)
{
	char *s = mem_alloc(n + 1);
	size_t len = strlen(tail);

	memset(s, 'x', n);
	memcpy(s + n - len, tail, len);
	return s;
}

static void long_texts_end_in_dots(void **state)
{
	static const struct {
		size_t len;
		bool   cut;
	} rows[] = { { ROOM - 1, false }, { ROOM, false }, { ROOM + 1, true }, { 5000, true } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		char *s = long_text(rows[i].len, "end");

		err_set(&e, ERR_LOCAL, "%s", s);
		assert_int_equal(strlen(e.text), rows[i].cut ? ROOM : rows[i].len);
		assert_string_equal(e.text + strlen(e.text) - 3, rows[i].cut ? "..." : "end");
		free(s);
	}
}

static void wrapping_too_much_keeps_the_front(void **state)
{
	struct err e = { 0 };
	char *s = long_text(ROOM, "end");

	(void)state;
	err_set(&e, ERR_LOCAL, "%s", s);
	err_wrap(&e, "front");
	assert_int_equal(strlen(e.text), ROOM);
	assert_memory_equal(e.text, "front: xxx", 10);
	assert_string_equal(e.text + ROOM - 3, "...");

	err_set(&e, ERR_LOCAL, "inner");
	err_wrap(&e, "%s", s);
	assert_string_equal(e.text + ROOM - 3, "...");
	errno = EIO;
	err_sys(&e, "%s%s", s, s);
	assert_string_equal(e.text + ROOM - 3, "...");
	assert_int_equal(strlen(e.text), ROOM);
	free(s);
}

static void a_cut_leaves_no_half_character(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		struct err e = { 0 };
		char *s = long_text(ROOM + 10, "");

		for (size_t i = shift; i + 4 <= ROOM + 10; i += 4)
			memcpy(s + i, "\xf0\x9f\x94\x91", 4);
		err_set(&e, ERR_LOCAL, "%s", s);
		assert_string_equal(e.text + ROOM - 3, "...");
		for (size_t i = 0; i < ROOM; i++) {
			if ((unsigned char)e.text[i] < 0x80)
				continue;
			assert_memory_equal(e.text + i, "\xf0\x9f\x94\x91", 4);
			i += 3;
		}
		free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_grows_outermost_first),
		cmocka_unit_test(the_kind_is_set_and_kept),
		cmocka_unit_test(the_old_text_may_be_part_of_the_new_one),
		cmocka_unit_test(texts_from_outside_become_one_printable_line),
		cmocka_unit_test(long_texts_end_in_dots),
		cmocka_unit_test(wrapping_too_much_keeps_the_front),
		cmocka_unit_test(a_cut_leaves_no_half_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
