/* test_idn.c - names to A-labels: what passes through, what is converted, what is refused.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "io/idn.h"

static void becomes_ascii(void **state)
{
	static const struct {
		const char *name, *ascii;
	} rows[] = {
		{ "example.org", "example.org" },
		{ "EXAMPLE.Org", "example.org" },
		{ "*.Example.org", "*.example.org" },
		{ "_25._TCP.mx.example.org", "_25._tcp.mx.example.org" },
		{ "xn--mnchen-3ya.example", "xn--mnchen-3ya.example" },
		{ "", "" },
		/* not ours to judge: core/names does */
		{ "a..b", "a..b" },
		{ "a b", "a b" },
		{ "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example" },
		{ "M\xc3\xbcnchen.EXAMPLE", "xn--mnchen-3ya.example" },
		{ "*.m\xc3\xbcnchen.example", "*.xn--mnchen-3ya.example" },
		{ "_25._tcp.m\xc3\xbcnchen.example", "_25._tcp.xn--mnchen-3ya.example" },
		/* sharp s keeps its own label, unlike in IDNA2003 */
		{ "fa\xc3\x9f.de", "xn--fa-hia.de" },
		/* u and a combining diaeresis: the same as the composed letter */
		{ "mu\xcc\x88nchen.example", "xn--mnchen-3ya.example" },
		{ "\xd7\x90\x31.example", "xn--1-zhc.example" },
		{ "\xe4\xbe\x8b\xe3\x81\x88.jp", "xn--r8jz45g.jp" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		char *ascii = NULL;

		if (idn_to_ascii(&ascii, rows[i].name, &e) < 0)
			fail_msg("\"%s\": %s", rows[i].name, e.text);
		assert_string_equal(ascii, rows[i].ascii);
		free(ascii);
	}
}

static void is_refused(void **state)
{
	static const struct {
		const char *name, *why;
	} rows[] = {
		{ "\xe2\x98\x83.example", "disallowed" },                        /* snowman */
		{ "\xf0\x9f\x98\x80.example", "disallowed" },                    /* emoji */
		{ "M\xc3\x9cNCHEN.example", "did you mean \"m\xc3\xbcnchen.example\"" },
		{ "\xef\xac\x81sch.example", "did you mean \"fisch.example\"" },  /* fi ligature */
		/* the mappings would drop these without a word */
		{ "m\xc3\xbc_x.example", "disallowed" },
		{ "m\xc3\xbc/x.example", "disallowed" },
		{ "m\xc3\xbc x.example", "disallowed" },
		{ "\xe2\x80\x8bm\xc3\xbc.example", "disallowed" },        /* zero width space */
		{ "a\xe3\x80\x82\xc3\xbc.example", "disallowed" },    /* full-width dot */
		{ "-\xc3\xbc.example", "begins or ends with \"-\"" },
		{ "\xc3\xbc-.example", "begins or ends with \"-\"" },
		{ "ab--\xc3\xbc.example", "hyphens" },
		{ "\x31\xd7\x90.example", "bi-directional" },
		{ "m\xfcnchen.example", "" },                                    /* Latin-1 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		char *ascii = NULL;

		if (idn_to_ascii(&ascii, rows[i].name, &e) == 0)
			fail_msg("row %zu: \"%s\" becomes \"%s\"", i, rows[i].name, ascii);
		assert_null(ascii);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.text, rows[i].why))
			fail_msg("row %zu: %s", i, e.text);
	}
}

/* Short as text, too long as an A-label. */
static void long_labels_are_refused(void **state)
{
	char name[2 * 60 + sizeof(".example")] = "";
	char *ascii = NULL;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 60; i++)
		memcpy(name + 2 * i, i % 2 ? "\xc3\xbc" : "\xc3\xa4", 3);
	memcpy(name + 2 * 60, ".example", sizeof(".example"));
	assert_int_equal(idn_to_ascii(&ascii, name, &e), -1);
	assert_non_null(strstr(e.text, "too large"));
	assert_null(ascii);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(becomes_ascii),
		cmocka_unit_test(is_refused),
		cmocka_unit_test(long_labels_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
