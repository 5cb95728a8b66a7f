/* test_progress.c - who is told of which wait, and when.
 * Touches: child processes.
 */
#include "sys/progress.h"

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct strv told;
static int erased;
static int64_t last_ms;

static void note(const char *text, int64_t for_ms)
{
	if (text)
		strv_add(&told, text);
	else
		erased++;
	last_ms = for_ms;
}

static int watched(void **state)
{
	(void)state;
	strv_free(&told);
	erased = 0;
	progress_to(note);
	return 0;
}

static int pause_work(void *arg, int out_fd)
{
	(void)out_fd;
	/* a worker that waits for a child of its own tells nobody */
	if (*(int *)arg > 0) {
		int ms = -*(int *)arg;
		struct proc p = { .work = pause_work, .arg = &ms, .limit_ms = 5000 };

		buf_init(&p.out, 100);
		progress_begin("inner", 1, "in a worker");
		proc_run_all(&p, 1, 2);
		progress_end();
		buf_free(&p.out);
		return told.n > 0 || erased > 0;
	}
	clock_pause_ms((unsigned)-*(int *)arg);
	return 0;
}

static void wait_for_child(int ms)
{
	struct proc p = { .work = pause_work, .arg = &ms, .limit_ms = 5000 };

	buf_init(&p.out, 100);
	proc_run_all(&p, 1, 2);
	assert_int_equal(p.status, 0);
	buf_free(&p.out);
}

static void a_wait_is_told_a_few_times_a_second(void **state)
{
	(void)state;
	progress_begin("mx", 1, "waiting for %s", "name servers");
	wait_for_child(-900);
	/* a machine that is busy may be late, and never early */
	assert_in_range(told.n, 1, 5);
	assert_string_equal(told.v[0], "mx: waiting for name servers");
	assert_in_range(last_ms, 200, 5000);
	assert_int_equal(erased, 0);
	progress_end();
	assert_int_equal(erased, 1);
}

static void a_short_one_is_not(void **state)
{
	(void)state;
	progress_begin("mx", 1, "waiting");
	progress_tick();
	progress_end();
	assert_int_equal(told.n, 0);
	assert_int_equal(erased, 0);
	assert_true(progress_next_ms() == INT64_MAX);
}

static void the_innermost_is_told(void **state)
{
	(void)state;
	progress_begin("mx", 12, "outer");
	progress_begin("web", 1, "inner");
	wait_for_child(-300);
	progress_end();
	assert_int_equal(erased, 1);
	wait_for_child(-300);
	progress_end();
	assert_true(told.n >= 2);
	assert_string_equal(told.v[0], "web: inner");
	assert_string_equal(told.v[told.n - 1], "mx and 11 more: outer");
}

static void nothing_to_wait_for_is_not_told(void **state)
{
	(void)state;
	progress_begin("", 0, "outer");
	assert_true(progress_next_ms() == INT64_MAX);
	wait_for_child(-250);
	progress_end();
	assert_int_equal(told.n, 0);
}

static void workers_do_not_tell(void **state)
{
	(void)state;
	wait_for_child(600);
	assert_int_equal(told.n, 0);
}

static void nobody_is_told_without_a_teller(void **state)
{
	(void)state;
	progress_to(NULL);
	progress_begin("mx", 1, "waiting");
	assert_true(progress_next_ms() == INT64_MAX);
	progress_tick();
	progress_end();
	assert_int_equal(erased, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_wait_is_told_a_few_times_a_second, watched),
		cmocka_unit_test_setup(a_short_one_is_not, watched),
		cmocka_unit_test_setup(the_innermost_is_told, watched),
		cmocka_unit_test_setup(nothing_to_wait_for_is_not_told, watched),
		cmocka_unit_test_setup(workers_do_not_tell, watched),
		cmocka_unit_test_setup(nobody_is_told_without_a_teller, watched),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	strv_free(&told);
	return rc;
}
