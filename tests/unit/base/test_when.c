/* test_when.c - durations and dates as text.
 * Touches: the environment variable TZ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/when.h"

static void durations_are_one_number_and_one_unit(void **state)
{
	static const struct {
		const char *s;
		int64_t d_for;          /* -1: refused */
	} rows[] = {
		{ "0s", 0 },
		{ "30s", 30 },
		{ "15m", 900 },
		{ "25h", 90000 },
		{ "180d", 15552000 },
		{ "2w", 1209600 },
		{ "1y", 31536000 },
		{ "007d", 604800 },
		{ "1000y", 31536000000 },
		{ "1001y", -1 },
		{ "365000d", 31536000000 },
		{ "365001d", -1 },
		{ "31536000000s", 31536000000 },
		{ "31536000001s", -1 },
		{ "9223372036854775807s", -1 },
		{ "18446744073709551617s", -1 },
		{ "99999999999999999999999999999999y", -1 },
		{ "", -1 },
		{ "d", -1 },
		{ "5", -1 },
		{ "5 d", -1 },
		{ " 5d", -1 },
		{ "5d ", -1 },
		{ "-5d", -1 },
		{ "+5d", -1 },
		{ "1.5d", -1 },
		{ "1d12h", -1 },
		{ "5D", -1 },
		{ "5M", -1 },
		{ "5dd", -1 },
		{ "5x", -1 },
		{ "0x5s", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t d_for = -42;
		bool ok = when_parse_duration(rows[i].s, &d_for);

		if (ok != (rows[i].d_for >= 0))
			fail_msg("\"%s\" is %s", rows[i].s, ok ? "read" : "refused");
		assert_int_equal(d_for, ok ? rows[i].d_for : -42);
	}
}

static void durations_are_printed_exactly(void **state)
{
	static const struct {
		int64_t d_for;
		const char *s;
	} rows[] = {
		{ 0, "0s" },
		{ 1, "1s" },
		{ 59, "59s" },
		{ 60, "1m" },
		{ 61, "61s" },
		{ 3600, "1h" },
		{ 5400, "90m" },
		{ 90000, "25h" },
		{ DAY, "1d" },
		{ WEEK, "7d" },
		{ 180 * DAY, "180d" },
		{ YEAR, "365d" },
		{ 1000 * YEAR, "365000d" },
		{ INT64_MAX, "9223372036854775807s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[WHEN_TEXT_LEN];
		int64_t back = -1;

		when_format_duration(out, rows[i].d_for);
		assert_string_equal(out, rows[i].s);
		if (rows[i].d_for > 1000 * YEAR)
			continue;
		assert_true(when_parse_duration(out, &back));
		assert_int_equal(back, rows[i].d_for);
	}
}

static void people_get_two_units_at_most(void **state)
{
	static const struct {
		int64_t d_for;
		const char *s;
	} rows[] = {
		{ 0, "0s" },
		{ 12, "12s" },
		{ 59, "59s" },
		{ 60, "1m" },
		{ 45 * MINUTE + 59, "45m" },
		{ HOUR - 1, "59m" },
		{ HOUR, "1h" },
		{ HOUR + 59, "1h" },
		{ HOUR + MINUTE, "1h 1m" },
		{ DAY - 1, "23h 59m" },
		{ DAY, "1d" },
		{ DAY + HOUR - 1, "1d" },
		{ 47 * HOUR + 30 * MINUTE, "1d 23h" },
		{ 10 * DAY - 1, "9d 23h" },
		{ 10 * DAY + 5 * HOUR, "10d" },
		{ 256 * DAY, "256d" },
		{ 2 * YEAR - 1, "729d" },
		{ 2 * YEAR, "2y" },
		{ 2 * YEAR + 31 * DAY, "2y 31d" },
		{ -1, "-1s" },
		{ -HOUR - MINUTE, "-1h 1m" },
		{ -90, "-1m" },
		{ INT64_MAX, "292471208677y 195d" },
		{ -INT64_MAX, "-292471208677y 195d" },
		{ INT64_MIN, "-292471208677y 195d" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[WHEN_TEXT_LEN];

		when_format_rough(out, rows[i].d_for);
		assert_string_equal(out, rows[i].s);
	}
}

static void instants_are_read_as_rfc3339_or_epoch(void **state)
{
	static const struct {
		const char *s;
		int64_t at;
	} rows[] = {
		{ "@0", 0 },
		{ "@1700000000", 1700000000 },
		{ "@253402300799", WHEN_LAST },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01T00:00:01z", 1 },
		{ "1970-01-01", 0 },
		{ "1969-12-31T23:59:59Z", -1 },         /* what timegm says when it fails */
		{ "2026-11-28T14:02:00Z", 1795874520 },
		{ "2026-11-28 14:02:00Z", 1795874520 },
		{ "2026-11-28t14:02:00Z", 1795874520 },
		{ "2026-11-28T15:02:00+01:00", 1795874520 },
		{ "2026-11-28T10:32:00-03:30", 1795874520 },
		{ "2026-11-29T00:02:00+10:00", 1795874520 },
		{ "2026-11-28T14:02:00-00:00", 1795874520 },
		{ "2026-11-28T14:02:00.999999999Z", 1795874520 },
		{ "2026-11-28", 1795824000 },
		{ "2024-02-29", 1709164800 },
		{ "2000-02-29", 951782400 },
		{ "2038-01-19T03:14:08Z", 2147483648 },
		{ "2106-02-07T06:28:16Z", 4294967296 },
		{ "0001-01-01T00:00:00Z", -62135596800 },
		{ "9999-12-31T23:59:59Z", WHEN_LAST },
		{ "9999-12-31T23:59:59+00:01", WHEN_LAST - 60 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = -42;

		if (!when_parse_instant(rows[i].s, &at))
			fail_msg("\"%s\" is refused", rows[i].s);
		assert_int_equal(at, rows[i].at);
	}
}

static void all_else_is_no_instant(void **state)
{
	static const char *const rows[] = {
		"", "@", "@-1", "@+1", "@ 1", "@1 ", "@1.5", "@0x1", "@253402300800",
		"@99999999999999999999999999", "1700000000", "now", "2026", "2026-11", "2026-11-",
		"26-11-28", "2026-11-28T", "2026-11-28 ", "2026-11-28T14", "2026-11-28T14:02",
		"2026-11-28T14:02Z", "2026-11-28T14:02:00", "2026-11-28T14:02:00 Z",
		"2026-11-28T14:02:00Zx", "2026-11-28T14:02:00Z ", " 2026-11-28", "2026-11-28x",
		"2026-11-28X14:02:00Z", "2026-11-28  14:02:00Z", "2026-11-28T14:02:00.Z",
		"2026-11-28T14:02:00,5Z", "2026-11-28T14:02:00+1:00", "2026-11-28T14:02:00+0100",
		"2026-11-28T14:02:00+01", "2026-11-28T14:02:00+24:00", "2026-11-28T14:02:00+01:60",
		"2026-11-28T14:02:00+01:00Z", "2026-00-28", "2026-13-28", "2026-11-00",
		"2026-11-31", "2026-02-29", "2023-02-29", "2100-02-29", "2026-01-32",
		"2026-11-28T24:00:00Z", "2026-11-28T14:60:00Z", "2026-11-28T14:02:61Z",
		"2016-12-31T23:59:60Z", "-026-11-28", "2026-1 -28", "2026/11/28", "+026-11-28",
		"0000-01-01", "0000-12-31T23:59:59Z", "0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01", "10000-01-01", "20261128", "2026-11-28T1402:00Z",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t at = -42;

		if (when_parse_instant(rows[i], &at))
			fail_msg("\"%s\" is read as %lld", rows[i], (long long)at);
		assert_int_equal(at, -42);
	}
}

static void instants_are_printed_in_utc_with_four_digits(void **state)
{
	static const struct {
		int64_t at;
		const char *instant, *minute, *date;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00Z", "1970-01-01 00:00", "1970-01-01" },
		{ -1, "1969-12-31T23:59:59Z", "1969-12-31 23:59", "1969-12-31" },
		{ 1795874520, "2026-11-28T14:02:00Z", "2026-11-28 14:02", "2026-11-28" },
		{ 1795874579, "2026-11-28T14:02:59Z", "2026-11-28 14:02", "2026-11-28" },
		{ 951782400, "2000-02-29T00:00:00Z", "2000-02-29 00:00", "2000-02-29" },
		{ WHEN_LAST, "9999-12-31T23:59:59Z", "9999-12-31 23:59", "9999-12-31" },
		{ WHEN_LAST + 1, "never", "never", "never" },
		{ WHEN_NEVER, "never", "never", "never" },
		{ INT64_MIN, "never", "never", "never" },
		{ -62135596800, "0001-01-01T00:00:00Z", "0001-01-01 00:00", "0001-01-01" },
		{ -62135596801, "never", "never", "never" },
		{ -30610224000, "1000-01-01T00:00:00Z", "1000-01-01 00:00", "1000-01-01" },
		{ -30610224001, "0999-12-31T23:59:59Z", "0999-12-31 23:59", "0999-12-31" },
	};

	(void)state;
	setenv("TZ", "America/St_Johns", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[WHEN_TEXT_LEN];
		int64_t back;

		when_format_instant(out, rows[i].at);
		assert_string_equal(out, rows[i].instant);
		if (strcmp(out, "never") != 0) {
			assert_true(when_parse_instant(out, &back));
			assert_int_equal(back, rows[i].at);
		}
		when_format_minute(out, rows[i].at);
		assert_string_equal(out, rows[i].minute);
		when_format_date(out, rows[i].at);
		assert_string_equal(out, rows[i].date);
	}
	unsetenv("TZ");
	tzset();
}

static void sums_stay_at_never(void **state)
{
	static const struct {
		int64_t at, d_for, sum;
	} rows[] = {
		{ 0, 0, 0 },
		{ 5, 7, 12 },
		{ -5, 7, 2 },
		{ WHEN_NEVER, 0, WHEN_NEVER },
		{ WHEN_NEVER, 1, WHEN_NEVER },
		{ WHEN_NEVER, INT64_MAX, WHEN_NEVER },
		{ WHEN_NEVER - 1, 1, WHEN_NEVER },
		{ WHEN_NEVER - 2, 1, WHEN_NEVER - 1 },
		{ 1, INT64_MAX, WHEN_NEVER },
		{ 0, INT64_MAX, WHEN_NEVER },
		{ -1, INT64_MAX, WHEN_NEVER - 1 },
		{ INT64_MIN, INT64_MAX, -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(when_add(rows[i].at, rows[i].d_for) == rows[i].sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_one_number_and_one_unit),
		cmocka_unit_test(durations_are_printed_exactly),
		cmocka_unit_test(people_get_two_units_at_most),
		cmocka_unit_test(instants_are_read_as_rfc3339_or_epoch),
		cmocka_unit_test(all_else_is_no_instant),
		cmocka_unit_test(instants_are_printed_in_utc_with_four_digits),
		cmocka_unit_test(sums_stay_at_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
