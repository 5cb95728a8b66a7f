/* test_markup.c - whatever a text is, it stays text.
 * Touches: nothing.
 */
#include "cmd/markup.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void texts_are_escaped(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ NULL, "" },
		{ "", "" },
		{ "mx.example.org", "mx.example.org" },
		{ "<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;" },
		{ "a & b &amp; \"c\"", "a &amp; b &amp;amp; &quot;c&quot;" },
		{ "]]>", "]]&gt;" },
		{ "two\nlines\tand\rmore", "two lines and more" },
		{ "bell \a escape \033[1m delete \x7f", "bell ? escape ?[1m delete ?" },
		{ "B\xc3\xbc" "cher \xe2\x82\xac \xf0\x9f\x94\x91", "B\xc3\xbc" "cher \xe2\x82\xac \xf0\x9f\x94\x91" },
		/* no UTF-8: a lone byte, one that breaks off, an overlong "/", a surrogate, beyond the last one */
		{ "\xff", "?" },
		{ "\xc3", "?" },
		{ "\xe2\x82", "??" },
		{ "\xc0\xaf", "??" },
		{ "\xe0\x80\xaf", "???" },
		{ "\xed\xa0\x80", "???" },
		{ "\xf4\x90\x80\x80", "????" },
		/* control characters in two bytes, what XML does not allow, and what turns the direction */
		{ "\xc2\x85", "??" },
		{ "\xef\xbf\xbe", "???" },
		{ "\xe2\x80\xae", "???" },
		/* a character that breaks off before one that matters */
		{ "\xe2<", "?&lt;" },
		{ "\xf0\x9f\"", "??&quot;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 1000);
		markup_text(&b, rows[i].text);
		assert_string_equal(b.s, rows[i].want);
		buf_clear(&b);
		if (rows[i].text)
			markup_textf(&b, "%s", rows[i].text);
		assert_string_equal(b.s, rows[i].want);
		buf_free(&b);
	}
}

static void long_texts_are_cut(void **state)
{
	static const struct {
		const char *text;
		size_t max;
		const char *want;
	} rows[] = {
		{ "mx", 2, "mx" },
		{ "mx.example.org", 14, "mx.example.org" },
		{ "mx.example.org", 13, "mx.example..." },
		{ "mx.example.org", 3, "..." },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 5, "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc" },
		{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 4, "\xc3\xbc..." },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *cut = markup_cut(rows[i].text, rows[i].max);

		assert_string_equal(cut, rows[i].want);
		assert_true(markup_len(cut) <= rows[i].max);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
