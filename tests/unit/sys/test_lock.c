/* test_lock.c - one acting run at a time, and what the others are told.
 * Touches: a temporary folder; child processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/lock.h"
#include "sys/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char dir[64], path[96];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/certline-lock-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/lock", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

/* A child that takes the lock, says so and then waits to be killed. */
static pid_t hold(void)
{
	int ready[2];
	char c;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct lock l;
		struct err e;

		if (lock_open(&l, path, 0, &e) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_lock_is_an_empty_file_of_0600(void **state)
{
	static const mode_t masks[] = { 000, 022, 0777 };
	struct stat st;
	struct lock l;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		mode_t mask = umask(masks[i]);

		assert_int_equal(lock_open(&l, path, 0, &e), 0);
		umask(mask);
		assert_true(l.fd >= 0);
		assert_true(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		lock_close(&l);
		assert_int_equal(l.fd, -1);
		lock_close(&l);         /* not held: nothing to do */
		unlink(path);
	}
	assert_int_equal(lock_open(&l, path, 0, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	lock_close(&l);
}

static void a_second_lock_fails_in_time_and_names_the_holder(void **state)
{
	static const struct {
		int wait_ms;
		int64_t least, most;
	} rows[] = { { 0, 0, 45 }, { -5, 0, 45 }, { 20, 20, 65 }, { 200, 200, 300 } };
	const pid_t holder = hold();
	char who[192];

	(void)state;
	snprintf(who, sizeof(who), "%s is held by pid %ld (", path, (long)holder);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct lock l = { .fd = 42 };
		struct err e = { 0 };
		int64_t before = clock_monotonic_ms(), took;

		assert_int_equal(lock_open(&l, path, rows[i].wait_ms, &e), -1);
		took = clock_monotonic_ms() - before;
		/* the upper limits allow for a slow or busy machine */
		if (took < rows[i].least || took > rows[i].most + 500)
			fail_msg("row %zu took %lld ms", i, (long long)took);
		assert_int_equal(e.kind, ERR_LATER);
		assert_non_null(strstr(e.text, path));
		assert_non_null(strstr(e.text, who));
		assert_non_null(strstr(e.text, "test_lock"));
		assert_int_equal(l.fd, -1);
	}
	end(holder);
}

static void a_killed_holder_leaves_no_lock(void **state)
{
	struct lock l;
	struct err e;

	(void)state;
	end(hold());
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(lock_open(&l, path, 0, &e), 0);
	lock_close(&l);
}

static void waiting_ends_when_the_holder_does(void **state)
{
	const pid_t holder = hold();
	int64_t before = clock_monotonic_ms();
	struct lock l;
	struct err e;
	pid_t killer = fork();

	(void)state;
	assert_true(killer >= 0);
	if (killer == 0) {
		nanosleep(&(struct timespec){ .tv_nsec = 120000000 }, NULL);
		_exit(kill(holder, SIGKILL) < 0);
	}
	assert_int_equal(lock_open(&l, path, 10000, &e), 0);
	assert_in_range(clock_monotonic_ms() - before, 119, 2000);
	lock_close(&l);
	assert_int_equal(waitpid(killer, NULL, 0), killer);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
}

static void a_program_that_is_started_does_not_inherit_it(void **state)
{
	struct lock l;
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(lock_open(&l, path, 0, &e), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	lock_close(&l);
	/* until execve the child has a copy, so that this is a wait */
	assert_int_equal(lock_open(&l, path, 2000, &e), 0);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);       /* it still runs */
	lock_close(&l);
	end(pid);
}

static void a_forked_worker_keeps_it(void **state)
{
	struct lock l;
	struct err e;
	pid_t pid;

	(void)state;
	assert_int_equal(lock_open(&l, path, 0, &e), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	lock_close(&l);
	assert_int_equal(lock_open(&l, path, 0, &e), -1);
	assert_int_equal(e.kind, ERR_LATER);
	end(pid);
	assert_int_equal(lock_open(&l, path, 1000, &e), 0);
	lock_close(&l);
}

/* The holder has the old file, everybody who comes later would have the new one. */
static void a_file_replaced_during_the_wait_is_not_locked_in_vain(void **state)
{
	struct lock l, other;
	struct err e;
	int64_t before;
	pid_t holder = hold(), remover;

	(void)state;
	remover = fork();
	assert_true(remover >= 0);
	if (remover == 0) {
		nanosleep(&(struct timespec){ .tv_nsec = 80000000 }, NULL);
		if (unlink(path) < 0 || kill(holder, SIGKILL) < 0)
			_exit(1);
		_exit(0);
	}
	before = clock_monotonic_ms();
	assert_int_equal(lock_open(&l, path, 5000, &e), 0);
	assert_in_range(clock_monotonic_ms() - before, 79, 3000);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(lock_open(&other, path, 0, &e), -1);
	lock_close(&l);
	waitpid(remover, NULL, 0);
	waitpid(holder, NULL, 0);
}

static void sharers_keep_out_who_wants_it_alone(void **state)
{
	struct lock a, b, c;
	struct err e;
	pid_t holder;

	(void)state;
	assert_int_equal(lock_share(&a, path, 0, &e), 0);
	assert_int_equal(lock_share(&b, path, 0, &e), 0);
	assert_int_equal(lock_open(&c, path, 0, &e), -1);
	assert_int_equal(e.kind, ERR_LATER);
	lock_close(&a);
	assert_int_equal(lock_open(&c, path, 0, &e), -1);
	lock_close(&b);
	assert_int_equal(lock_open(&c, path, 0, &e), 0);
	lock_close(&c);
	holder = hold();
	assert_int_equal(lock_share(&a, path, 20, &e), -1);
	assert_int_equal(e.kind, ERR_LATER);
	end(holder);
}

static void what_is_no_lock_file_is_an_error_of_ours(void **state)
{
	static const char *const kinds[] = { "folder", "fifo", "link", "nowhere" };
	char link_to[128], missing[128];

	(void)state;
	snprintf(link_to, sizeof(link_to), "%s/target", dir);
	snprintf(missing, sizeof(missing), "%s/none/lock", dir);
	unlink(path);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const char *where = i == 3 ? missing : path;
		struct lock l = { .fd = 42 };
		struct err e = { 0 };

		if (i == 0)
			assert_int_equal(mkdir(path, 0700), 0);
		else if (i == 1)
			assert_int_equal(mkfifo(path, 0600), 0);
		else if (i == 2)
			assert_int_equal(symlink(link_to, path), 0);
		if (lock_open(&l, where, 0, &e) == 0)
			fail_msg("a %s was locked", kinds[i]);
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_non_null(strstr(e.text, where));
		assert_int_equal(l.fd, -1);
		if (i == 0)
			assert_int_equal(rmdir(path), 0);
		else
			unlink(path);
	}
	assert_int_equal(access(link_to, F_OK), -1);    /* nothing was made through the link */
}

/* Somebody who presses ^C while we wait does not want to wait any longer. */
static void being_told_to_stop_ends_the_wait(void **state)
{
	const pid_t holder = hold();
	int64_t before = clock_monotonic_ms();
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		struct lock l;
		struct err e;

		proc_init();
		_exit(lock_open(&l, path, 30000, &e) < 0 && e.kind == ERR_LATER ? 7 : 1);
	}
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	assert_in_range(clock_monotonic_ms() - before, 99, 2000);
	end(holder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_is_an_empty_file_of_0600),
		cmocka_unit_test(a_second_lock_fails_in_time_and_names_the_holder),
		cmocka_unit_test(a_killed_holder_leaves_no_lock),
		cmocka_unit_test(waiting_ends_when_the_holder_does),
		cmocka_unit_test(a_program_that_is_started_does_not_inherit_it),
		cmocka_unit_test(a_forked_worker_keeps_it),
		cmocka_unit_test(a_file_replaced_during_the_wait_is_not_locked_in_vain),
		cmocka_unit_test(sharers_keep_out_who_wants_it_alone),
		cmocka_unit_test(what_is_no_lock_file_is_an_error_of_ours),
		cmocka_unit_test(being_told_to_stop_ends_the_wait),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
