/* test_clock.c - the one clock and its seam.  The last tests pretend, which cannot be undone.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sys/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>

static bool hide_boot_id;

/* Stands in for libc's, so that /proc can be away. */
int open(const char *path, int flags, ...)
{
	if (hide_boot_id && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) {
		errno = ENOENT;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

static int64_t seconds(clockid_t id)
{
	struct timespec t;

	assert_int_equal(clock_gettime(id, &t), 0);
	return (int64_t)t.tv_sec;
}

static void the_wall_clock_is_the_systems(void **state)
{
	int64_t before = seconds(CLOCK_REALTIME), now = clock_now();

	(void)state;
	assert_in_range(now, before, seconds(CLOCK_REALTIME));
	assert_true(now > 1700000000);
}

static void a_reading_has_both_clocks_and_the_boot(void **state)
{
	int64_t real = seconds(CLOCK_REALTIME), boot = seconds(CLOCK_BOOTTIME);
	struct clock_reading r, again;
	char line[64] = "";
	FILE *f;

	(void)state;
	memset(&r, 'X', sizeof(r));
	clock_read(&r);
	clock_read(&again);
	assert_in_range(r.real_at, real, seconds(CLOCK_REALTIME));
	assert_in_range(r.boot_for, boot, seconds(CLOCK_BOOTTIME));
	f = fopen("/proc/sys/kernel/random/boot_id", "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	assert_int_equal(strlen(line), 36);
	assert_string_equal(r.boot_id, line);
	assert_string_equal(again.boot_id, line);
}

static void without_proc_no_two_readings_vouch_for_each_other(void **state)
{
	struct clock_reading r, again;

	(void)state;
	hide_boot_id = true;
	clock_read(&r);
	clock_read(&again);
	hide_boot_id = false;
	assert_memory_equal(r.boot_id, "unknown-", 8);
	assert_string_not_equal(r.boot_id, again.boot_id);
}

static int64_t slept_ms(long ms)
{
	int64_t before = clock_monotonic_ms();

	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
	return clock_monotonic_ms() - before;
}

static void milliseconds_pass_in_real_time(void **state)
{
	(void)state;
	assert_in_range(slept_ms(30), 29, 1000);
}

static void it_is_not_pretended_by_itself(void **state)
{
	int64_t at = -42;

	(void)state;
	assert_false(clock_pretended(&at));
	assert_int_equal(at, -42);
	assert_false(clock_pretended(NULL));
}

static void a_pretended_clock_stands_still_everywhere_but_in_limits(void **state)
{
	static const int64_t instants[] = { 1795874520, 0, -1, 253402300799 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
		struct clock_reading r;
		int64_t at = -42;

		clock_pretend(instants[i]);
		assert_int_equal(clock_now(), instants[i]);
		assert_in_range(slept_ms(5), 4, 1000);
		assert_int_equal(clock_now(), instants[i]);
		clock_read(&r);
		assert_int_equal(r.real_at, instants[i]);
		assert_int_equal(r.boot_for, instants[i]);
		assert_string_equal(r.boot_id, "rehearsal");
		assert_true(clock_pretended(&at));
		assert_int_equal(at, instants[i]);
		assert_true(clock_pretended(NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wall_clock_is_the_systems),
		cmocka_unit_test(a_reading_has_both_clocks_and_the_boot),
		cmocka_unit_test(without_proc_no_two_readings_vouch_for_each_other),
		cmocka_unit_test(milliseconds_pass_in_real_time),
		cmocka_unit_test(it_is_not_pretended_by_itself),
		cmocka_unit_test(a_pretended_clock_stands_still_everywhere_but_in_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
