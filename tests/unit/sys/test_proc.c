/* test_proc.c - children: what they get, what is heard of them, and that each one ends in time.
 *
 * After every test no descriptor may be left open and no child be left over.  Some calls of libc
 * are replaced: kill(), to see that only groups get signals; syscall(), to be an older kernel; and
 * the monotonic clock with ppoll(), to let the seconds of a limit pass faster.
 * Touches: a temporary folder; child processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LIMIT_MS 20000          /* of children that should not need it */

static int64_t slack_ms = 1500; /* for a slow or busy machine */
static bool valgrind;           /* its execve() fails loudly and drops signals that wait */
static bool old_kernel;
static int  signals_sent;
static int  speed = 1;
static char dir[64];
static int  descriptors_before;

int kill(pid_t pid, int sig)
{
	if (pid >= -1)
		fail_msg("signal %d to %ld, which is no group", sig, (long)pid);
	signals_sent++;
	return (int)syscall(SYS_kill, pid, sig);
}

long syscall(long number, ...)
{
	static const struct {
		long   number;
		size_t args_n;
	} known[] = { { SYS_pidfd_open, 2 }, { SYS_close_range, 3 }, { SYS_kill, 2 },
		      { SYS_clock_gettime, 2 }, { SYS_ppoll, 5 } };
	static long (*real)(long, ...);
	size_t args_n = 0;
	long a[6] = { 0 };
	va_list ap;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].number == number)
			args_n = known[i].args_n;
	if (args_n == 0)
		fail_msg("system call %ld", number);
	va_start(ap, number);
	for (size_t i = 0; i < args_n; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (old_kernel && (number == SYS_pidfd_open || number == SYS_close_range)) {
		errno = ENOSYS;
		return -1;
	}
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int clock_gettime(clockid_t id, struct timespec *t)
{
	int rc = (int)syscall(SYS_clock_gettime, id, t);

	if (id == CLOCK_MONOTONIC) {
		int64_t ns = speed * ((int64_t)t->tv_sec * 1000000000 + t->tv_nsec);

		*t = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	}
	return rc;
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask)
{
	struct timespec t = *limit;

	if (speed > 1) {
		int64_t ns = ((int64_t)t.tv_sec * 1000000000 + t.tv_nsec) / speed;

		t = (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	}
	return (int)syscall(SYS_ppoll, fds, n, &t, mask, (size_t)NSIG / 8);
}

/* For the tests themselves. */
static int send_signal(pid_t pid, int sig)
{
	return (int)syscall(SYS_kill, pid, sig);
}

static int descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int setup(void **state)
{
	(void)state;
	old_kernel = false;
	signals_sent = 0;
	speed = 1;
	snprintf(dir, sizeof(dir), "/tmp/certline-proc-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	descriptors_before = descriptors();
	return 0;
}

static int teardown(void **state)
{
	char command[256];
	pid_t left = waitpid(-1, NULL, WNOHANG);

	(void)state;
	if (left != -1 || errno != ECHILD)
		fail_msg("a child is left over: %ld", (long)left);
	assert_int_equal(descriptors(), descriptors_before);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	left = fork();
	if (left == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return waitpid(left, NULL, 0) == left ? 0 : -1;
}

/* A hook that runs a script; the arguments live until the program ends. */
static struct proc script(const char *text)
{
	static char *argv[128][4];
	static char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"A=b c", NULL };
	static size_t next;
	char **v = argv[next++ % ARRAY_LEN(argv)];
	struct proc p = { .argv = v, .envp = env, .limit_ms = LIMIT_MS };

	v[0] = (char *)"/bin/sh";
	v[1] = (char *)"-c";
	v[2] = (char *)text;
	v[3] = NULL;
	buf_init(&p.out, 100000);
	return p;
}

static struct proc worker(int (*work)(void *, int), void *arg)
{
	struct proc p = { .work = work, .arg = arg, .limit_ms = LIMIT_MS };

	buf_init(&p.out, 2000000);
	return p;
}

static struct proc run_script(const char *text)
{
	struct proc p = script(text);

	proc_run_all(&p, 1, 1);
	return p;
}

static bool is_there(pid_t pid)
{
	return send_signal(pid, 0) == 0;
}

/* Orphans come to us, because main() asked for them. */
static bool soon_gone(pid_t pid)
{
	for (int i = 0; i < 200 && is_there(pid); i++) {
		waitpid(pid, NULL, WNOHANG);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return !is_there(pid);
}

static void reap_orphans(void)
{
	for (int i = 0; i < 200 && waitpid(-1, NULL, WNOHANG) >= 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static pid_t pid_in(const struct buf *b)
{
	pid_t pid = (pid_t)strtol(b->s, NULL, 10);

	if (pid <= 1)
		fail_msg("no pid: %s", b->s);
	return pid;
}

/* What came of it ------------------------------------------------------------------------------ */

static void results_are_told_in_numbers_and_words(void **state)
{
	static const struct {
		const char *text;
		int status;
		enum err_kind kind;
		const char *words;
	} rows[] = {
		{ "exit 0", 0, ERR_NONE, "" },
		{ "exit 1", 1, ERR_REFUSED, "exit status 1" },
		{ "exit 3", 3, ERR_REFUSED, "exit status 3" },
		{ "exit 127", 127, ERR_REFUSED, "exit status 127" },
		{ "exit 255", 255, ERR_REFUSED, "exit status 255" },
		{ "kill -SEGV $$", 139, ERR_REFUSED, "killed by signal 11 (Segmentation fault)" },
		{ "kill -KILL $$", 137, ERR_REFUSED, "killed by signal 9 (Killed)" },
		{ "kill -TERM $$", 143, ERR_REFUSED, "killed by signal 15 (Terminated)" },
		{ "kill -PIPE $$", 141, ERR_REFUSED, "killed by signal 13 (Broken pipe)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct proc p = script(rows[i].text);

		p.timed_out = true;
		err_set(&p.err, ERR_UNSAFE, "left from before");
		proc_run_all(&p, 1, 1);
		assert_true(p.started);
		assert_false(p.timed_out);
		assert_int_equal(p.status, rows[i].status);
		assert_int_equal(p.err.kind, rows[i].kind);
		assert_string_equal(p.err.text, rows[i].words);
		buf_free(&p.out);
	}
}

static void what_cannot_be_run_says_why(void **state)
{
	static const struct {
		const char *name, *content;
		mode_t mode;
		const char *why;
	} rows[] = {
		{ "none", NULL, 0, "No such file or directory" },
		{ "plain", "#!/bin/sh\n", 0644, "Permission denied" },
		{ "no-interpreter", "#!/no/such/thing\n", 0755, "an interpreter that exists" },
		{ "crlf", "#!/bin/sh\r\nexit 0\r\n", 0755, "an interpreter that exists" },
		{ "no-first-line", "exit 0\n", 0755, "first line names" },
		{ "", NULL, 0, "Permission denied" },                   /* the folder */
		{ "none/x", NULL, 0, "No such file or directory" },
	};

	(void)state;
	if (valgrind)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char path[128], want[160];
		char *argv[] = { path, NULL };
		struct proc p = { .argv = argv, .limit_ms = LIMIT_MS };

		snprintf(path, sizeof(path), "%s/%s", dir, rows[i].name);
		if (rows[i].content) {
			FILE *f = fopen(path, "we");

			assert_non_null(f);
			fputs(rows[i].content, f);
			fclose(f);
			assert_int_equal(chmod(path, rows[i].mode), 0);
		}
		buf_init(&p.out, 100);
		proc_run_all(&p, 1, 1);
		assert_false(p.started);
		assert_int_equal(p.status, -1);
		assert_int_equal(p.err.kind, ERR_LOCAL);
		snprintf(want, sizeof(want), "cannot be run: %s: ", path);
		assert_memory_equal(p.err.text, want, strlen(want));
		if (!strstr(p.err.text, rows[i].why))
			fail_msg("%s", p.err.text);
		assert_string_equal(p.out.s, "");
		buf_free(&p.out);
	}
}

static void a_relative_path_is_not_run(void **state)
{
	char *argv[] = { (char *)"bin/true", NULL };
	struct proc p = { .argv = argv, .limit_ms = LIMIT_MS };

	(void)state;
	buf_init(&p.out, 100);
	proc_run_all(&p, 1, 1);         /* from "/" it would even be found */
	assert_int_equal(p.status, -1);
	assert_string_equal(p.err.text, "cannot be run: bin/true: not an absolute path");
	buf_free(&p.out);
}

static void without_descriptors_nothing_is_run_and_nothing_breaks(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (valgrind)
		skip();
	pid = fork();
	if (pid == 0) {
		struct proc p[2] = { script("echo x"), script("echo y") };
		struct rlimit limit = { (rlim_t)descriptors() - 1, 1024 };

		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			_exit(2);
		proc_run_all(p, 2, 2);
		for (int i = 0; i < 2; i++)
			if (p[i].status != -1 || p[i].started || p[i].err.kind != ERR_LOCAL ||
			    !strstr(p[i].err.text, "cannot be run: /bin/sh: Too many open files"))
				_exit(3);
		limit.rlim_cur = 1024;
		setrlimit(RLIMIT_NOFILE, &limit);
		proc_run_all(p, 2, 2);
		_exit(p[0].status == 0 && p[1].status == 0 ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Output and input ----------------------------------------------------------------------------- */

static void both_outputs_come_in_order(void **state)
{
	struct proc p = script("echo one; echo two >&2; printf 'three\\000'");

	(void)state;
	buf_add_str(&p.out, "before ");
	proc_run_all(&p, 1, 1);
	assert_int_equal(p.out.len, strlen("before one\ntwo\nthree") + 1);
	assert_memory_equal(p.out.s, "before one\ntwo\nthree", p.out.len);
	assert_false(p.out.over);
	buf_free(&p.out);
}

static void output_above_the_ceiling_is_dropped_but_read(void **state)
{
	struct proc p = script("printf abcdef; head -c 20000000 /dev/zero; echo end >&2; exit 5");

	(void)state;
	buf_free(&p.out);
	buf_init(&p.out, 4);
	proc_run_all(&p, 1, 1);
	assert_int_equal(p.status, 5);
	assert_string_equal(p.out.s, "abcd");
	assert_true(p.out.over);
	buf_free(&p.out);
}

static void all_output_is_there_when_the_child_is_gone(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		/* less than the pipe holds: the child is gone before we have read it */
		struct proc p = run_script("head -c 60000 /dev/zero; printf end");

		assert_int_equal(p.out.len, 60003);
		assert_string_equal(p.out.s + 60000, "end");
		buf_free(&p.out);
	}
}

static char *much_input(size_t len)
{
	char *input = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		input[i] = (char)('a' + i * 7 % 23);
	return input;
}

static void input_arrives_whole_and_ends(void **state)
{
	const size_t lens[] = { 0, 1, 65536, 65537, 1000000 };
	char *input = much_input(1000000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		struct proc p = script("cat");

		buf_free(&p.out);
		buf_init(&p.out, 2000000);
		p.input = input;
		p.input_len = lens[i];
		proc_run_all(&p, 1, 1);
		assert_int_equal(p.status, 0);
		assert_int_equal(p.out.len, lens[i]);
		assert_memory_equal(p.out.s, input, lens[i]);
		buf_free(&p.out);
	}
	free(input);
}

static void no_input_is_empty_input(void **state)
{
	struct proc p = run_script("wc -c; read -r x || echo end");

	(void)state;
	assert_string_equal(p.out.s, "0\nend\n");
	buf_free(&p.out);
}

static void unread_input_blocks_nobody(void **state)
{
	static const char *const texts[] = {
		"exit 0",
		"exec <&-; echo x; sleep 0.05",
		"head -c 3 >/dev/null",
		"head -c 5000000 /dev/zero",
		"head -c 2000000 /dev/zero; cat; head -c 2000000 /dev/zero",
		/* somebody else keeps the input open */
		"exec 3<&0; sleep 30 <&3 >/dev/null 2>&1 & echo $!",
	};
	char *input = much_input(5000000);
	int64_t before = clock_monotonic_ms();

	(void)state;
	signal(SIGPIPE, SIG_DFL);               /* whatever the caller forgot */
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct proc p = script(texts[i]);

		p.input = input;
		p.input_len = 5000000;
		proc_run_all(&p, 1, 1);
		if (p.status != 0)
			fail_msg("%s: %s", texts[i], p.err.text);
		if (i == ARRAY_LEN(texts) - 1) {
			send_signal(pid_in(&p.out), SIGKILL);
			assert_true(soon_gone(pid_in(&p.out)));
		}
		buf_free(&p.out);
	}
	assert_true(signal(SIGPIPE, SIG_DFL) == SIG_DFL);
	assert_true(clock_monotonic_ms() - before < slack_ms);
	free(input);
}

/* What a hook gets ----------------------------------------------------------------------------- */

static void a_hook_gets_a_clean_place(void **state)
{
	/* the last command keeps sh from becoming the one before it, with other descriptors */
	static const char text[] =
		"pwd; umask; env | grep -v '^_=\\|^PWD=\\|^OLDPWD=\\|^SHLVL=' | sort; "
		"ls /proc/$$/fd; :";
	/* without sh, which sets signals as it likes */
	static char *signals[] = { (char *)"/bin/grep", (char *)"^Sig[BI]",
				   (char *)"/proc/self/status", NULL };
	sigset_t some, old;
	struct proc p;
	int low, high;
	mode_t mask;

	(void)state;
	mask = umask(077);
	low = open("/dev/null", O_RDONLY);
	high = fcntl(low, F_DUPFD, 700);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, &old);
	for (int i = 0; i < 2; i++) {
		old_kernel = i == 1;
		p = run_script(text);
		assert_string_equal(p.out.s, "/\n0022\nA=b c\nPATH=/usr/bin:/bin\n0\n1\n2\n");
		buf_clear(&p.out);
		p.argv = signals;
		proc_run_all(&p, 1, 1);
		assert_non_null(strstr(p.out.s, "SigBlk:\t0000000000000000\n"));
		assert_non_null(strstr(p.out.s, "SigIgn:\t"));
		/* signals 32 and 33 belong to libc: whoever started us may have had them ignored */
		assert_int_equal(strtoull(strstr(p.out.s, "SigIgn:\t") + 8, NULL, 16) & ~0x180000000ULL, 0);
		buf_free(&p.out);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	assert_int_equal(umask(mask), 077);
	close(low);
	close(high);
}

static void a_hook_without_environment_has_none(void **state)
{
	char *argv[] = { (char *)"/usr/bin/env", NULL };
	struct proc p = { .argv = argv, .limit_ms = LIMIT_MS };

	(void)state;
	buf_init(&p.out, 1000);
	proc_run_all(&p, 1, 1);
	assert_int_equal(p.status, 0);
	assert_string_equal(p.out.s, "");
	buf_free(&p.out);
}

static void a_hook_leads_its_own_group(void **state)
{
	struct proc p = run_script("read -r pid comm s ppid pgrp rest </proc/$$/stat; "
				   "echo $pid $pgrp $ppid");
	long pid = 0, group = 0, parent = 0;

	(void)state;
	assert_int_equal(sscanf(p.out.s, "%ld %ld %ld", &pid, &group, &parent), 3);
	assert_int_equal(pid, group);
	assert_int_equal(parent, getpid());
	assert_int_not_equal(group, getpgrp());
	buf_free(&p.out);
}

/* Under cron or a careless supervisor 0, 1 and 2 may be closed, and pipes take their numbers. */
static void closed_descriptors_of_ours_do_no_harm(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct proc p = script("cat; echo out; echo err >&2; ls /proc/$$/fd; :");

		p.input = "in\n";
		p.input_len = 3;
		close(0);
		close(1);
		close(2);
		proc_run_all(&p, 1, 1);
		_exit(p.status == 0 && strcmp(p.out.s, "in\nout\nerr\n0\n1\n2\n") == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void an_ignored_sigchld_hides_no_exit(void **state)
{
	struct proc p;

	(void)state;
	signal(SIGCHLD, SIG_IGN);
	p = run_script("exit 3");
	assert_int_equal(p.status, 3);
	assert_true(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
	buf_free(&p.out);
}

/* Time ----------------------------------------------------------------------------------------- */

static int64_t best_of(int n, char *const *argv)
{
	int64_t best_us = INT64_MAX;

	while (n-- > 0) {
		struct proc p = { .argv = argv, .limit_ms = LIMIT_MS };
		struct timespec a, b;
		int64_t us;

		buf_init(&p.out, 100);
		clock_gettime(CLOCK_MONOTONIC, &a);
		proc_run_all(&p, 1, 1);
		clock_gettime(CLOCK_MONOTONIC, &b);
		assert_int_equal(p.status, 0);
		buf_free(&p.out);
		us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
		if (us < best_us)
			best_us = us;
	}
	return best_us;
}

/* Without waiting for an interval to pass: how long fork and execve take tells us what is fair. */
static void an_instant_command_takes_an_instant(void **state)
{
	static char *instant[] = { (char *)"/bin/true", NULL };
	/* the end of its output does not tell us of its exit */
	static char *silent[] = { (char *)"/bin/sh", (char *)"-c",
				  (char *)"exec >/dev/null 2>&1; exec sleep 0.02", NULL };
	int64_t fork_us = INT64_MAX, us;

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct timespec a, b;
		pid_t pid;

		clock_gettime(CLOCK_MONOTONIC, &a);
		pid = fork();
		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
		clock_gettime(CLOCK_MONOTONIC, &b);
		us = (b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000;
		if (us < fork_us)
			fork_us = us;
	}
	us = best_of(20, instant);
	if (us > 2 * fork_us + 3000)
		fail_msg("%lld us, %lld for the program alone", (long long)us, (long long)fork_us);
	us = best_of(5, silent);
	if (us > 4 * fork_us + 23000)
		fail_msg("%lld us for a silent one", (long long)us);
	old_kernel = true;
	us = best_of(5, silent);
	if (us > 4 * fork_us + 40000)
		fail_msg("%lld us without pidfd", (long long)us);
}

static void the_time_limit_ends_a_child(void **state)
{
	static const struct {
		int64_t limit_ms;
		const char *text, *words;
		int status;
	} rows[] = {
		{ 200, "echo x; exec sleep 60", "200ms", 143 },
		{ 1000, "exec sleep 60", "1s", 143 },
		{ 0, "exec sleep 60", "0s", 143 },
		{ -7000, "exec sleep 60", "-7s", 143 },
		/* it dies by TERM, what it started dies with it */
		{ 200, "sleep 60 & sleep 61; :", "200ms", 143 },
		/* it obeys with status 0: that is no success */
		{ 200, "trap 'exit 0' TERM; sleep 60 & wait", "200ms", 143 },
		{ 200, "trap 'exit 9' TERM; sleep 60 & wait", "200ms", 9 },
		/* a stopped one has to be woken */
		{ 200, "kill -STOP $$", "200ms", 143 },
		/* no output to notice the end by */
		{ 200, "exec >/dev/null 2>&1 <&-; exec sleep 60", "200ms", 143 },
	};
	struct proc p[ARRAY_LEN(rows)];
	int64_t before = clock_monotonic_ms(), took;
	char words[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		p[i] = script(rows[i].text);
		p[i].limit_ms = rows[i].limit_ms;
	}
	proc_run_all(p, ARRAY_LEN(rows), 100);
	took = clock_monotonic_ms() - before;
	assert_in_range(took, 1000, 1000 + slack_ms);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!p[i].timed_out || p[i].status != rows[i].status)
			fail_msg("row %zu: %d, %s", i, p[i].status, p[i].err.text);
		assert_int_equal(p[i].err.kind, ERR_LATER);
		snprintf(words, sizeof(words), "took longer than %s and was ended", rows[i].words);
		assert_string_equal(p[i].err.text, words);
		buf_free(&p[i].out);
	}
	reap_orphans();
}

static void a_limit_without_end_does_not_overflow(void **state)
{
	struct proc p = script("exit 0");

	(void)state;
	p.limit_ms = INT64_MAX;
	proc_run_all(&p, 1, 1);
	assert_int_equal(p.status, 0);
	buf_free(&p.out);
}

static void what_does_not_obey_is_killed(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "trap '' TERM; while :; do sleep 0.05; done", 137 },
		/* it dies by TERM, but what it started does not, and holds on to the output */
		{ "(trap '' TERM; while :; do sleep 0.05; done) & echo $!; wait", 143 },
		/* the same without the output to know it by */
		{ "(trap '' TERM; while :; do sleep 0.05; done) >/dev/null 2>&1 & echo $!; wait",
		  143 },
	};
	struct proc p[ARRAY_LEN(rows)];
	int64_t before;

	(void)state;
	speed = 5;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		p[i] = script(rows[i].text);
		p[i].limit_ms = 2000;
	}
	before = clock_monotonic_ms();
	proc_run_all(p, ARRAY_LEN(rows), 3);
	assert_in_range(clock_monotonic_ms() - before, 6950, 7000 + speed * slack_ms);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (p[i].status != rows[i].status)
			fail_msg("row %zu: %d, %s", i, p[i].status, p[i].err.text);
		assert_true(p[i].timed_out);
		assert_string_equal(p[i].err.text, "took longer than 2s and was ended");
		if (i > 0)
			assert_true(soon_gone(pid_in(&p[i].out)));
		buf_free(&p[i].out);
	}
	reap_orphans();
}

static void a_daemon_that_a_hook_started_is_let_go(void **state)
{
	static const struct {
		const char *text;
		int64_t least, most;
	} rows[] = {
		{ "sleep 60 & echo $!", 1950, 2000 },
		{ "sleep 60 >/dev/null 2>&1 & echo $!", 0, 0 },
		/* one that writes more than anybody wants */
		{ "(sleep 0.02; exec cat /dev/zero) & echo $!", 1950, 2000 },
	};

	(void)state;
	speed = 5;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t before = clock_monotonic_ms(), took;
		struct proc p = script(rows[i].text);
		pid_t pid;

		proc_run_all(&p, 1, 1);
		took = clock_monotonic_ms() - before;
		if (took < rows[i].least || took > rows[i].most + speed * slack_ms)
			fail_msg("row %zu took %lld ms", i, (long long)took);
		assert_int_equal(p.status, 0);
		assert_false(p.timed_out);
		assert_int_equal(signals_sent, 0);
		pid = pid_in(&p.out);
		if (i != 2)             /* that one dies of its own output */
			assert_true(is_there(pid));
		send_signal(pid, SIGKILL);
		assert_true(soon_gone(pid));
		buf_free(&p.out);
	}
}

/* Side by side --------------------------------------------------------------------------------- */

static int note_times(void *arg, int out_fd)
{
	int64_t from = clock_monotonic_ms();

	nanosleep(&(struct timespec){ .tv_nsec = *(long *)arg * 1000000 }, NULL);
	dprintf(out_fd, "%lld %lld", (long long)from, (long long)clock_monotonic_ms());
	return 0;
}

struct span { long long from, to; };

static void read_spans(struct span *s, struct proc *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(p[i].status, 0);
		assert_int_equal(sscanf(p[i].out.s, "%lld %lld", &s[i].from, &s[i].to), 2);
		buf_free(&p[i].out);
	}
}

static size_t most_at_once(const struct span *s, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t now = 0;

		for (size_t j = 0; j < n; j++)
			now += s[j].from <= s[i].from && s[i].from < s[j].to;
		if (now > most)
			most = now;
	}
	return most;
}

static void no_more_than_jobs_run_and_no_fewer(void **state)
{
	static const unsigned jobs[] = { 2, 3, 50 };
	long sleep_ms = valgrind ? 900 : 80;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
		struct proc p[6];
		struct span s[6];

		for (size_t j = 0; j < 6; j++)
			p[j] = worker(note_times, &sleep_ms);
		proc_run_all(p, 6, jobs[i]);
		read_spans(s, p, 6);
		assert_int_equal(most_at_once(s, 6), jobs[i] < 6 ? jobs[i] : 6);
		for (size_t j = 1; j < 6; j++)          /* in order, as far as a clock can tell */
			assert_true(s[j].from >= s[j - 1].from - sleep_ms / 2);
	}
	proc_run_all(NULL, 0, 4);
}

static void the_same_exclusive_text_means_one_at_a_time(void **state)
{
	static const char *const texts[] = { "a", "a", "b", NULL, "a", "b", NULL, "a" };
	enum { N = ARRAY_LEN(texts) };
	long sleep_ms = valgrind ? 300 : 60;
	struct proc p[N];
	struct span s[N];
	char copy[N][2];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		p[i] = worker(note_times, &sleep_ms);
		if (!texts[i])
			continue;
		/* the text counts, not the pointer */
		snprintf(copy[i], sizeof(copy[i]), "%s", texts[i]);
		p[i].exclusive = copy[i];
	}
	proc_run_all(p, N, N);
	read_spans(s, p, N);
	for (size_t i = 0; i < N; i++)
		for (size_t j = i + 1; j < N; j++)
			if (texts[i] && texts[j] && strcmp(texts[i], texts[j]) == 0)
				assert_true(s[i].to <= s[j].from);
	/* those without a text, or the first of theirs, wait for nobody */
	assert_true(s[2].from < s[0].to && s[3].from < s[0].to && s[6].from < s[0].to);
	assert_true(s[5].from < s[4].from);
}

static void one_that_cannot_be_run_holds_up_nobody(void **state)
{
	static char *nothing[] = { (char *)"/no/such/hook", NULL };
	struct proc p[4] = { script("echo a"), script("echo b"), script("echo c"),
			     script("exit 4") };

	(void)state;
	p[1].argv = nothing;
	for (size_t i = 0; i < 4; i++)
		p[i].exclusive = "same";
	proc_run_all(p, 4, 3);
	assert_string_equal(p[0].out.s, "a\n");
	assert_int_equal(p[1].status, -1);
	assert_string_equal(p[2].out.s, "c\n");
	assert_int_equal(p[3].status, 4);
	for (size_t i = 0; i < 4; i++)
		buf_free(&p[i].out);
}

static void a_flood_does_not_keep_others_waiting(void **state)
{
	struct proc p[2] = { script("exec cat /dev/zero"), script("echo quick") };
	int64_t before = clock_monotonic_ms();

	(void)state;
	p[0].limit_ms = 300;
	proc_run_all(p, 2, 2);
	assert_true(clock_monotonic_ms() - before < 300 + slack_ms);
	assert_true(p[0].timed_out);
	assert_true(p[0].out.over);
	assert_int_equal(p[0].out.len, 100000);
	assert_string_equal(p[1].out.s, "quick\n");
	buf_free(&p[0].out);
	buf_free(&p[1].out);
}

/* Workers -------------------------------------------------------------------------------------- */

static int give(void *arg, int out_fd)
{
	dprintf(out_fd, "%ld %ld", (long)getpid(), (long)getpgrp());
	return *(int *)arg;
}

static void a_workers_result_is_its_exit_status(void **state)
{
	static const struct {
		int gives, status;
		const char *words;
	} rows[] = {
		{ 0, 0, "" },
		{ 7, 7, "exit status 7" },
		{ 255, 255, "exit status 255" },
		{ 256, 255, "exit status 255" },        /* not 0, as wait() would have it */
		{ -1, 255, "exit status 255" },
	};

	(void)state;
	for (unsigned jobs = 0; jobs < 3; jobs++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			int gives = rows[i].gives;
			struct proc p = worker(give, &gives);
			long pid = 0, group = 0;

			proc_run_all(&p, 1, jobs);
			assert_true(p.started);
			assert_int_equal(p.status, rows[i].status);
			assert_string_equal(p.err.text, rows[i].words);
			assert_int_equal(p.err.kind, rows[i].status ? ERR_LOCAL : ERR_NONE);
			assert_int_equal(sscanf(p.out.s, "%ld %ld", &pid, &group), 2);
			if (jobs < 2)
				assert_int_equal(pid, getpid());
			else
				assert_int_not_equal(pid, getpid());
			if (jobs == 2)
				assert_int_equal(pid, group);
			buf_free(&p.out);
		}
	}
}

static int write_much(void *arg, int out_fd)
{
	(void)arg;
	for (int i = 0; i < 100000; i++)
		if (dprintf(out_fd, "%09d\n", i) != 10)
			return 1;
	return 0;
}

static void a_workers_output_is_whole_with_and_without_fork(void **state)
{
	(void)state;
	for (unsigned jobs = 1; jobs <= 2; jobs++) {
		struct proc p = worker(write_much, NULL);

		proc_run_all(&p, 1, jobs);
		assert_int_equal(p.status, 0);
		assert_int_equal(p.out.len, 1000000);
		assert_memory_equal(p.out.s, "000000000\n000000001\n", 20);
		assert_string_equal(p.out.s + 999990, "000099999\n");
		buf_free(&p.out);

		p = worker(write_much, NULL);
		buf_free(&p.out);
		buf_init(&p.out, 15);
		proc_run_all(&p, 1, jobs);
		assert_int_equal(p.status, 0);
		assert_string_equal(p.out.s, "000000000\n00000");
		assert_true(p.out.over);
		buf_free(&p.out);
	}
}

static int do_harm(void *arg, int out_fd)
{
	(void)out_fd;
	raise(*(int *)arg);
	return 0;
}

static void a_killed_worker_is_our_own_trouble(void **state)
{
	static const struct {
		int sig, status;
		const char *words;
	} rows[] = {
		{ SIGKILL, 137, "killed by signal 9 (Killed)" },
		{ SIGTERM, 143, "killed by signal 15 (Terminated)" },   /* our handler is not its */
		{ SIGUSR1, 138, "killed by signal 10 (User defined signal 1)" },
		{ SIGPIPE, 0, "" },                                     /* stays ignored */
	};

	(void)state;
	signal(SIGUSR1, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int sig = rows[i].sig;
		struct proc p = worker(do_harm, &sig);

		proc_run_all(&p, 1, 2);
		assert_int_equal(p.status, rows[i].status);
		assert_string_equal(p.err.text, rows[i].words);
		assert_int_equal(p.err.kind, rows[i].status ? ERR_LOCAL : ERR_NONE);
		buf_free(&p.out);
	}
	signal(SIGUSR1, SIG_DFL);
}

static int look_around(void *arg, int out_fd)
{
	const int *fd = arg;
	char c = '?', cwd[256];
	mode_t mask = umask(0);

	(void)!read(fd[0], &c, 1);
	dprintf(out_fd, "%c %03o %s", c, (unsigned)mask, getcwd(cwd, sizeof(cwd)));
	return fcntl(out_fd, F_GETFD) & FD_CLOEXEC ? 0 : 1;
}

static void a_worker_keeps_what_is_ours(void **state)
{
	struct proc p;
	char want[300], cwd[256];
	mode_t mask = umask(027);
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	assert_int_equal(write(fd[1], "!", 1), 1);
	p = worker(look_around, fd);
	proc_run_all(&p, 1, 2);
	umask(mask);
	snprintf(want, sizeof(want), "! 027 %s", getcwd(cwd, sizeof(cwd)));
	assert_string_equal(p.out.s, want);
	assert_int_equal(p.status, 0);
	close(fd[0]);
	close(fd[1]);
	buf_free(&p.out);
}

/* Waits for a file that the hook makes when its input has ended. */
static int wait_for_file(void *arg, int out_fd)
{
	(void)out_fd;
	for (int i = 0; i < 600; i++) {
		if (access(arg, F_OK) == 0)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return 1;
}

static void a_worker_does_not_hold_the_pipes_of_a_hook(void **state)
{
	char path[96], text[256], *input = much_input(1000000);
	struct proc p[2];

	(void)state;
	snprintf(path, sizeof(path), "%s/ended", dir);
	/* it waits, so that its input is still open when the worker is forked */
	snprintf(text, sizeof(text), "sleep 0.1; cat >/dev/null; : >%s", path);
	p[0] = script(text);
	p[0].input = input;
	p[0].input_len = 1000000;
	p[1] = worker(wait_for_file, path);
	proc_run_all(p, 2, 2);
	assert_int_equal(p[0].status, 0);
	assert_int_equal(p[1].status, 0);
	buf_free(&p[0].out);
	buf_free(&p[1].out);
	free(input);
}

static int tell_and_sleep(void *arg, int out_fd)
{
	const int *fd = arg;
	pid_t pid = getpid();

	(void)out_fd;
	if (write(fd[1], &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	sleep(60);
	return 0;
}

static void workers_die_with_us(void **state)
{
	pid_t parent, child = 0;
	int fd[2];

	(void)state;
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0) {
		struct proc p = worker(tell_and_sleep, fd);

		proc_run_all(&p, 1, 2);
		_exit(0);
	}
	assert_int_equal(read(fd[0], &child, sizeof(child)), sizeof(child));
	assert_true(is_there(child));
	send_signal(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_true(soon_gone(child));
	close(fd[0]);
	close(fd[1]);
}

static void hooks_are_told_to_stop_when_we_die(void **state)
{
	char path[96], text[400], pid[32] = "";
	pid_t parent, hook;
	int fd = -1;

	(void)state;
	snprintf(path, sizeof(path), "%s/hook", dir);
	snprintf(text, sizeof(text), "echo $$ >%s.part; mv %s.part %s; exec sleep 60", path, path, path);
	parent = fork();
	if (parent == 0) {
		struct proc p = script(text);

		proc_run_all(&p, 1, 1);
		_exit(0);
	}
	for (int i = 0; i < 600 && fd < 0; i++) {
		fd = open(path, O_RDONLY);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	assert_true(read(fd, pid, sizeof(pid) - 1) > 0);
	hook = (pid_t)strtol(pid, NULL, 10);
	assert_true(is_there(hook));
	send_signal(parent, SIGKILL);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	assert_true(soon_gone(hook));
	close(fd);
}

static void a_worker_has_a_time_limit_too(void **state)
{
	long sleep_ms = 400;
	struct proc p[2] = { worker(note_times, &sleep_ms), worker(note_times, &sleep_ms) };

	(void)state;
	p[0].limit_ms = 100;
	proc_run_all(p, 2, 2);
	assert_true(p[0].timed_out);
	assert_int_equal(p[0].status, 143);
	assert_int_equal(p[0].err.kind, ERR_LATER);
	assert_int_equal(p[1].status, 0);
	buf_free(&p[0].out);
	buf_free(&p[1].out);
}

static int told(const struct proc *p)
{
	return p->err.kind == ERR_LATER && !p->timed_out && strstr(p->err.text, "told to stop");
}

/* Lulls ---------------------------------------------------------------------------------------- */

struct lull_test {
	struct proc *p;
	size_t       n;
	char         path[96];
	int          calls, over;       /* over: how many were, at the last call */
};

/* Makes the file that the last one waits for, by a hook. */
static void use_the_lull(void *arg)
{
	struct lull_test *t = arg;
	char text[128];
	struct proc p;

	t->calls++;
	t->over = 0;
	for (size_t i = 0; i < t->n; i++)
		t->over += t->p[i].over;
	snprintf(text, sizeof(text), ": >%s", t->path);
	p = script(text);
	proc_run_all(&p, 1, 2);
	assert_int_equal(p.status, 0);
	buf_free(&p.out);
}

static void who_is_done_goes_on_while_others_take_long(void **state)
{
	struct proc p[4] = { script("echo a"), script("sleep 0.05; echo b"), worker(NULL, NULL),
			     script("echo never") };
	struct lull_test t = { .p = p, .n = 4 };
	struct proc_lull lull = { 400, use_the_lull, &t };

	(void)state;
	snprintf(t.path, sizeof(t.path), "%s/go", dir);
	p[2].work = wait_for_file;
	p[2].arg = t.path;
	p[3].argv = (char *const[]){ (char *)"relative", NULL };
	proc_run_heeding(p, 4, 4, &lull);
	assert_int_equal(t.calls, 1);
	assert_int_equal(t.over, 3);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(p[i].status, i < 3 ? 0 : -1);
		assert_true(p[i].over);
		buf_free(&p[i].out);
	}
}

static void a_lull_is_for_those_that_are_over(void **state)
{
	struct proc p[2] = { script("sleep 0.3"), script("sleep 0.3; echo b") };
	struct lull_test t = { .p = p, .n = 2 };
	struct proc_lull lull = { 100, use_the_lull, &t };

	(void)state;
	snprintf(t.path, sizeof(t.path), "%s/go", dir);
	proc_run_heeding(p, 1, 2, &lull);       /* nobody is over but the last */
	proc_run_heeding(p, 2, 1, &lull);       /* one after the other: there is nobody to wait for */
	assert_int_equal(t.calls, 0);
	for (int i = 0; i < 2; i++)
		buf_free(&p[i].out);
}

/* Its children are ended too, and then those of the batch. */
static void run_long(void *arg)
{
	struct proc p = script("exec sleep 60"), *out = arg;

	proc_run_all(&p, 1, 1);
	*out = p;
}

static void a_signal_in_a_lull_ends_all(void **state)
{
	int64_t before = clock_monotonic_ms();
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct proc p[2] = { script("exec sleep 60"), script("echo a") }, inner = { 0 };
		struct proc_lull lull = { 10, run_long, &inner };

		proc_init();
		if (fork() == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
			_exit(send_signal(getppid(), SIGTERM) < 0);
		}
		proc_run_heeding(p, 2, 2, &lull);
		_exit(told(&p[0]) && told(&inner) && p[1].status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(clock_monotonic_ms() - before < 300 + slack_ms);
	reap_orphans();
}

/* Being told to stop --------------------------------------------------------------------------- */

static int nothing_to_do(void *arg, int out_fd)
{
	(void)arg;
	(void)out_fd;
	return 0;
}

/* In a child, because being told to stop is for good.  Each exit status is one wrong thing. */
static void run_until_stopped(int ready)
{
	struct proc p[4] = { script("echo x; exec sleep 60"),
			     script("trap 'exit 0' TERM; sleep 60 & wait"),
			     script("sleep 60 & sleep 61; :"), script("echo never") };
	int64_t before;

	signal(SIGHUP, SIG_DFL);
	proc_init();
	if (proc_stopping())
		_exit(1);
	if (write(ready, "x", 1) != 1)
		_exit(2);
	before = clock_monotonic_ms();
	proc_run_all(p, 4, 3);
	if (clock_monotonic_ms() - before > slack_ms)
		_exit(3);
	if (!proc_stopping())
		_exit(4);
	if (p[0].status != 143 || !p[0].started || !told(&p[0]) || strcmp(p[0].out.s, "x\n") != 0)
		_exit(5);
	if (p[1].status != 0 || p[1].err.kind != ERR_NONE)      /* it finished in good order */
		_exit(6);
	if (p[2].status != 143 || !told(&p[2]))
		_exit(7);
	if (p[3].status != -1 || p[3].started || !told(&p[3]))
		_exit(8);

	/* from now on nothing is started, by any way */
	proc_run_all(p, 4, 3);
	for (int i = 0; i < 4; i++)
		if (p[i].status != -1 || p[i].started || !told(&p[i]))
			_exit(9);
	for (unsigned jobs = 1; jobs < 3; jobs++) {
		struct proc w = worker(nothing_to_do, NULL);

		proc_run_all(&w, 1, jobs);
		if (w.status != -1 || w.started || !told(&w))
			_exit(10);
	}
	_exit(0);
}

static void a_signal_ends_the_children_and_starts_no_more(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	pid_t pids[ARRAY_LEN(signals)];
	int ready[2], status;
	char c;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			run_until_stopped(ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
	}
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		send_signal(pids[i], signals[i]);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		if (status != 0)
			fail_msg("%s: wait status %#x", strsignal(signals[i]), status);
	}
	close(ready[0]);
	close(ready[1]);
	reap_orphans();
}

/* The moment between looking and sleeping is where such a signal is lost. */
static void no_signal_is_slept_through(void **state)
{
	(void)state;
	if (valgrind)
		skip();
	for (int i = 0; i < 40; i++) {
		int64_t before = clock_monotonic_ms();
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			struct proc p = script("exec sleep 3");

			proc_init();
			if (fork() == 0) {
				nanosleep(&(struct timespec){ .tv_nsec = i * 100000 }, NULL);
				_exit(send_signal(getppid(), SIGTERM) < 0);
			}
			proc_run_all(&p, 1, 1);
			_exit(told(&p) ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_true(clock_monotonic_ms() - before < slack_ms);
	}
	reap_orphans();
}

static void nohup_is_respected_and_sigpipe_ignored(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		signal(SIGHUP, SIG_IGN);
		signal(SIGPIPE, SIG_DFL);
		proc_init();
		raise(SIGHUP);
		raise(SIGPIPE);
		if (proc_stopping())
			_exit(1);
		raise(SIGINT);
		_exit(proc_stopping() ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int run_a_hook(void *arg, int out_fd)
{
	struct proc p = script("echo $$; exec sleep 60");

	(void)arg;
	proc_init();
	if (proc_stopping())
		return 1;
	proc_run_all(&p, 1, 1);
	dprintf(out_fd, "%s", p.out.s);
	return told(&p) ? 9 : 2;
}

static void a_worker_can_pass_the_end_on_to_its_own_children(void **state)
{
	struct proc p = worker(run_a_hook, NULL);

	(void)state;
	p.limit_ms = 300;
	proc_run_all(&p, 1, 2);
	assert_true(p.timed_out);
	assert_int_equal(p.status, 9);
	assert_true(soon_gone(pid_in(&p.out)));
	buf_free(&p.out);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(results_are_told_in_numbers_and_words),
		T(what_cannot_be_run_says_why),
		T(a_relative_path_is_not_run),
		T(without_descriptors_nothing_is_run_and_nothing_breaks),
		T(both_outputs_come_in_order),
		T(output_above_the_ceiling_is_dropped_but_read),
		T(all_output_is_there_when_the_child_is_gone),
		T(input_arrives_whole_and_ends),
		T(no_input_is_empty_input),
		T(unread_input_blocks_nobody),
		T(a_hook_gets_a_clean_place),
		T(a_hook_without_environment_has_none),
		T(a_hook_leads_its_own_group),
		T(closed_descriptors_of_ours_do_no_harm),
		T(an_ignored_sigchld_hides_no_exit),
		T(an_instant_command_takes_an_instant),
		T(the_time_limit_ends_a_child),
		T(a_limit_without_end_does_not_overflow),
		T(what_does_not_obey_is_killed),
		T(a_daemon_that_a_hook_started_is_let_go),
		T(no_more_than_jobs_run_and_no_fewer),
		T(the_same_exclusive_text_means_one_at_a_time),
		T(one_that_cannot_be_run_holds_up_nobody),
		T(a_flood_does_not_keep_others_waiting),
		T(a_workers_result_is_its_exit_status),
		T(a_workers_output_is_whole_with_and_without_fork),
		T(a_killed_worker_is_our_own_trouble),
		T(a_worker_keeps_what_is_ours),
		T(a_worker_does_not_hold_the_pipes_of_a_hook),
		T(workers_die_with_us),
		T(hooks_are_told_to_stop_when_we_die),
		T(a_worker_has_a_time_limit_too),
		T(who_is_done_goes_on_while_others_take_long),
		T(a_lull_is_for_those_that_are_over),
		T(a_signal_in_a_lull_ends_all),
		T(a_signal_ends_the_children_and_starts_no_more),
		T(no_signal_is_slept_through),
		T(nohup_is_respected_and_sigpipe_ignored),
		T(a_worker_can_pass_the_end_on_to_its_own_children),
	};

	valgrind = getenv("LD_PRELOAD") && strstr(getenv("LD_PRELOAD"), "vgpreload");
	if (valgrind)
		slack_ms = 30000;
	/* orphans of killed children come to us, so that none is lost from sight */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
