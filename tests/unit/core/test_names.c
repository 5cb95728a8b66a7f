/* test_names.c - which names are taken, which are refused, and with what reason.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "core/names.h"

#define L30 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct row {
	const char *name;
	const char *why;        /* a part of the refusal; NULL: accepted */
};

static void check(const struct row *rows, size_t n, int (*ask)(const char *, struct err *))
{
	for (size_t i = 0; i < n; i++) {
		struct err e = { 0 };
		int rc = ask(rows[i].name, &e);

		if (!rows[i].why && rc < 0)
			fail_msg("\"%s\" is refused: %s", rows[i].name, e.text);
		if (rows[i].why && rc == 0)
			fail_msg("\"%s\" is accepted", rows[i].name);
		if (rows[i].why && !strstr(e.text, rows[i].why))
			fail_msg("\"%s\" is refused with: %s", rows[i].name, e.text);
		if (rows[i].why)
			assert_int_equal(e.kind, ERR_USAGE);
	}
}

static void hosts(void **state)
{
	static const struct row rows[] = {
		{ "example.org", NULL },
		{ "a.b", NULL },
		{ "mx-1.example.org", NULL },
		{ "3com.example", NULL },
		{ "1.2.3.4.example.org", NULL },
		{ "4.3.2.1.in-addr.arpa", NULL },
		{ "xn--mnchen-3ya.example", NULL },
		{ "*.example.org", NULL },
		{ "*.a.b.example.org", NULL },
		{ L63 ".example", NULL },
		{ L63 "." L63 "." L63 "." L30 L30 "a",
		  NULL },
		{ "", "an empty name" },
		{ "localhost", "one label" },
		{ "*", "\"*\"" },
		{ "*.org", "one label" },
		{ "*.", "no host name" },
		{ "*.*.example.org", "\"*\"" },
		{ "a.*.example.org", "\"*\"" },
		{ "a*.example.org", "\"*\"" },
		{ "*a.example.org", "\"*\"" },
		{ "example.org.", "dot at the end" },
		{ ".", "dot at the end" },
		{ ".example.org", "empty label" },
		{ "a..example.org", "empty label" },
		{ "Example.org", "lower case" },
		{ "a_b.example.org", "\"_\" cannot stand" },
		{ "_25._tcp.example.org", "\"_\" cannot stand" },
		{ "a b.example.org", "\" \" cannot stand" },
		{ "a/b.example.org", "\"/\" cannot stand" },
		{ "../etc.example.org", "empty label" },
		{ "a.example.org,b.example.org", "not by commas" },
		{ "m\xc3\xbcnchen.example", "xn--" },
		{ "-a.example.org", "begins or ends with \"-\"" },
		{ "a-.example.org", "begins or ends with \"-\"" },
		{ "-.example.org", "begins or ends with \"-\"" },
		{ L63 "a.example", "longer than 63" },
		{ L63 "." L63 "." L63 "." L30 L30 "aa",
		  "longer than 253" },
		{ "192.0.2.1", "an address" },
		{ "example.123", "an address" },
		{ "2001:db8::1", "\":\" cannot stand" },
		{ "https://example.org", "\":\" cannot stand" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), name_check_host);
}

static void owners(void **state)
{
	static const struct row rows[] = {
		{ "_25._tcp.mx.example.org", NULL },
		{ "_443._tcp.www.example.org", NULL },
		{ "_0._tcp.example.org", NULL },
		{ "_65535._udp.example.org", NULL },
		{ "_853._quic.ns.example.org", NULL },
		{ "*._tcp.example.org", NULL },
		{ "_5269._tcp.xn--mnchen-3ya.example", NULL },
		{ "", "an empty name" },
		{ "mx.example.org", "first label" },
		{ "25._tcp.mx.example.org", "first label" },
		{ "_._tcp.mx.example.org", "first label" },
		{ "_65536._tcp.mx.example.org", "first label" },
		{ "_025._tcp.mx.example.org", "first label" },
		{ "_-1._tcp.mx.example.org", "first label" },
		{ "_25a._tcp.mx.example.org", "first label" },
		{ "_2525252525._tcp.mx.example.org", "first label" },
		{ "_smtp._tcp.mx.example.org", "first label" },
		{ "_*._tcp.mx.example.org", "every port is \"*\"" },
		{ "_25", "second label" },
		{ "_25.tcp.mx.example.org", "second label" },
		{ "_25._.mx.example.org", "second label" },
		{ "_25.mx.example.org", "second label" },
		{ "_25._tcp", "no host name" },
		{ "_25._tcp.", "no host name" },
		{ "_25._TCP.mx.example.org", "lower case" },
		{ "_25._tcp.*.example.org", "\"*\"" },
		{ "_25._tcp.localhost", "one label" },
		{ "_25._tcp.mx.example.org.", "dot at the end" },
		{ "_25._tcp.192.0.2.1", "an address" },
		{ "_25._tcp." L63 "." L63 "." L63 "." L30 "aaaaaaaaaaaaaaaaaaaaaaaaa",
		  "longer than 253" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), name_check_owner);
}

static void lines(void **state)
{
	static const struct row rows[] = {
		{ "mail", NULL },
		{ "conf", NULL },
		{ "A", NULL },
		{ "0", NULL },
		{ "_x", NULL },
		{ "mail.example.org", NULL },
		{ "web-1_a", NULL },
		{ L63 "a", NULL },
		{ L63 "aa", "longer than 64" },
		{ "", "an empty name" },
		{ ".", "begins with" },
		{ "..", "begins with" },
		{ ".hidden", "begins with" },
		{ "-v", "begins with" },
		{ "a/b", "only letters" },
		{ "../a", "only letters" },
		{ "a b", "only letters" },
		{ "a\nb", "only letters" },
		{ "m\xc3\xbcnchen", "only letters" },
	};

	(void)state;
	check(rows, ARRAY_LEN(rows), name_check_line);
}

/* Whatever the length of a name, the reason is readable. */
static void long_names_leave_room_for_the_reason(void **state)
{
	char name[5001];
	struct err e;

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(name_check_host(name, &e), -1);
	assert_true(text_ends(e.text, "longer than 253 bytes"));
	assert_int_equal(name_check_line(name, &e), -1);
	assert_true(text_ends(e.text, "longer than 64 bytes"));
}

static void below(void **state)
{
	static const struct {
		const char *name, *apex;
		bool        is;
	} rows[] = {
		{ "example.org", "example.org", true },
		{ "a.example.org", "example.org", true },
		{ "_25._tcp.mx.example.org", "example.org", true },
		{ "A.Example.ORG", "example.org", true },
		{ "a.example.org", "EXAMPLE.org", true },
		{ "anything", ".", true },
		{ "", ".", true },
		{ "badexample.org", "example.org", false },
		{ "example.org", "a.example.org", false },
		{ "org", "example.org", false },
		{ "a.example.com", "example.org", false },
		{ "a.example.org", "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (name_below(rows[i].name, rows[i].apex) != rows[i].is)
			fail_msg("\"%s\" below \"%s\"", rows[i].name, rows[i].apex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(owners),
		cmocka_unit_test(lines),
		cmocka_unit_test(long_names_leave_room_for_the_reason),
		cmocka_unit_test(below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
