/* test_addr.c - addresses and ports as text and for the kernel.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sys/addr.h"

static void reads_and_prints(void **state)
{
	static const struct {
		const char *in, *out;
		uint16_t port;
		bool ipv6, loopback;
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1", 53, false, false },
		{ "192.0.2.1:53", "192.0.2.1", 53, false, false },
		{ "192.0.2.1:5353", "192.0.2.1:5353", 5353, false, false },
		{ "255.255.255.255:65535", "255.255.255.255:65535", 65535, false, false },
		{ "127.0.0.1", "127.0.0.1", 53, false, true },
		{ "127.255.3.4:1", "127.255.3.4:1", 1, false, true },
		{ "128.0.0.1", "128.0.0.1", 53, false, false },
		{ "2001:db8::1", "2001:db8::1", 53, true, false },
		{ "2001:DB8:0:0::1", "2001:db8::1", 53, true, false },
		{ "[2001:db8::1]", "2001:db8::1", 53, true, false },
		{ "[2001:db8::1]:53", "2001:db8::1", 53, true, false },
		{ "[2001:db8::1]:5353", "[2001:db8::1]:5353", 5353, true, false },
		{ "2001:db8::1:5353", "2001:db8::1:5353", 53, true, false },
		{ "::", "::", 53, true, false },
		{ "::1", "::1", 53, true, true },
		{ "::2", "::2", 53, true, false },
		{ "::ffff:127.0.0.1", "::ffff:127.0.0.1", 53, true, false },
		{ "[1111:2222:3333:4444:5555:6666:123.123.123.123]:65535",
		  "[1111:2222:3333:4444:5555:6666:7b7b:7b7b]:65535", 65535, true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a, again;
		char text[ADDR_TEXT_LEN];

		if (!addr_parse(&a, rows[i].in, 53))
			fail_msg("not read: %s", rows[i].in);
		addr_format(text, &a);
		assert_string_equal(text, rows[i].out);
		assert_int_equal(addr_port(&a), rows[i].port);
		assert_int_equal(addr_is_ipv6(&a), rows[i].ipv6);
		assert_int_equal(addr_is_loopback(&a), rows[i].loopback);
		assert_true(addr_parse(&again, text, 53));
		assert_true(addr_same(&a, &again));
	}
}

static void refuses(void **state)
{
	static const char *const rows[] = {
		"", ":", ":53", "192.0.2", "192.0.2.256", "192.0.2.01", "192.0.2.1:", "192.0.2.1:0",
		"192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "192.0.2.1: 1", "192.0.2.1:1x",
		" 192.0.2.1", "192.0.2.1 ", "192.0.2.1#53", "192.0.2.1@53", "[192.0.2.1]:53",
		"[2001:db8::1", "2001:db8::1]", "[2001:db8::1]53", "[2001:db8::1]:", "[]", "[]:53",
		"[2001:db8::1]:99999", "[[::1]]", "::1%lo", "[::1%lo]:53", "fe80::1%eth0", "1::2::",
		"12345::", "localhost", "ns1.example.org", "1:2",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
	};
	struct addr a, as_before;

	(void)state;
	memset(&a, 0x55, sizeof(a));
	as_before = a;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (addr_parse(&a, rows[i], 53))
			fail_msg("read: %s", rows[i]);
		assert_memory_equal(&a, &as_before, sizeof(a));
	}
}

static void from_bytes(void **state)
{
	struct addr a, b;
	char text[ADDR_TEXT_LEN];

	(void)state;
	assert_true(addr_from_bytes(&a, "\xc0\0\2\1", 4, 53));
	addr_format(text, &a);
	assert_string_equal(text, "192.0.2.1");
	assert_true(addr_from_bytes(&b, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16, 54));
	addr_format(text, &b);
	assert_string_equal(text, "[2001:db8::1]:54");
	for (size_t len = 0; len <= 17; len++)
		if (len != 4 && len != 16)
			assert_false(addr_from_bytes(&a, "0123456789abcdefgh", len, 53));
	addr_format(text, &a);
	assert_string_equal(text, "192.0.2.1");
}

static void none_is_none(void **state)
{
	struct addr none = { 0 }, a;
	char text[ADDR_TEXT_LEN];

	(void)state;
	assert_true(addr_parse(&a, "0.0.0.0", 53));
	addr_format(text, &none);
	assert_string_equal(text, "none");
	assert_int_equal(addr_port(&none), 0);
	assert_false(addr_is_ipv6(&none));
	assert_false(addr_is_loopback(&none));
	assert_true(addr_same(&none, &none));
	assert_false(addr_same(&none, &a));
	assert_false(addr_same(&a, &none));
}

/* Each is before all that follow. */
static void has_an_order(void **state)
{
	static const char *const rows[] = {
		"1.2.3.4:5", "1.2.3.4:6", "1.2.3.4:600", "1.2.4.0:5", "200.0.0.0:5", "[::1]:5",
		"[::1]:6", "[::2]:5", "[fe80::]:5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
			struct addr a, b;
			int order;

			assert_true(addr_parse(&a, rows[i], 53));
			assert_true(addr_parse(&b, rows[j], 53));
			order = addr_compare(&a, &b);
			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
			assert_int_equal(addr_same(&a, &b), i == j);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints),
		cmocka_unit_test(refuses),
		cmocka_unit_test(from_bytes),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(has_an_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
