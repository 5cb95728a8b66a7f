/* proc.c - children: starting them, feeding them, listening to them, and ending them in time.
 *
 * One loop waits in ppoll() for whatever can happen and then asks every child for everything, so
 * that no event is tied to a descriptor number.  A child's life:
 *
 *      start() --> running --exit--> exited --output closed, or 2 s--> finish()
 *                     |                ^
 *                     '--end(): TERM, 5 s, KILL the group
 *
 * True throughout: a child that has exited is reaped in finish() and not before, so that until then
 * its number, which is also the number of its group, cannot belong to anybody else.  The signals
 * that tell us to stop are delivered inside ppoll() only, so that none is slept through.
 * Touches: child processes.
 */
#include "sys/proc.h"

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define TERM_TO_KILL_MS 5000
#define DRAIN_MS        2000
#define NO_PIDFD_MS     5
#define CHUNK_LEN       16384
#define WATCHES         4       /* descriptors of one child that ppoll looks at */
#define OPEN_MAX_GUESS  65536

struct child {
	struct proc *p;         /* NULL: a free slot */
	pid_t     pid;          /* also its group; 0: not ours any more */
	int       pidfd;        /* -1: exited, or the kernel has none */
	int       in, out;      /* our ends of its pipes; -1: closed */
	int       report;       /* closes when execve succeeds, says errno when it does not */
	int       exec_errno;
	size_t    in_done;      /* bytes of the input that it took */
	int64_t   end_ms;       /* its time limit; this and the next two on the monotonic clock */
	int64_t   kill_ms;      /* once ended */
	int64_t   drain_ms;     /* once exited */
	bool      exited, ended, killed;
	siginfo_t how;          /* once exited */
};

struct batch {
	struct proc   *p;
	size_t         n;
	bool          *begun;   /* n: started, or failed to */
	struct child  *slots;
	size_t         slots_n, running;
	struct pollfd *fds;     /* WATCHES for each slot */
	sigset_t       outside; /* the signal mask around ppoll and in workers */
	sigset_t       inside;  /* everywhere else */
	const struct proc_lull *lull;   /* NULL: none */
	int64_t        lull_ms; /* when it is one; INT64_MAX: nobody is over that it was not called for */
};

static const int stop_signals[] = { SIGTERM, SIGINT, SIGHUP };
static volatile sig_atomic_t stopping;
static bool undoing;

static void on_stop(int sig)
{
	(void)sig;
	stopping = 1;
}

void proc_init(void)
{
	struct sigaction stop = { .sa_handler = on_stop, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;

	for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++) {
		/* nohup: whoever ignores hang-ups for us means it */
		if (stop_signals[i] == SIGHUP && sigaction(SIGHUP, NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		sigaction(stop_signals[i], &stop, NULL);
	}
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);      /* a file that may grow no more is a write that fails */
}

bool proc_stopping(void)
{
	return stopping && !undoing;
}

void proc_undo(bool on)
{
	undoing = on;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static const char *shown_name(const struct proc *p)
{
	return p->work ? "a worker" : p->argv[0];
}

/* In the child --------------------------------------------------------------------------------- */

static void default_signals(const sigset_t *mask)
{
	struct sigaction normal = { .sa_handler = SIG_DFL };

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &normal, NULL);          /* KILL, STOP and libc's own refuse */
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static void close_from(int first)
{
	long end;

	if (syscall(SYS_close_range, (unsigned)first, ~0U, 0U) == 0)
		return;
	end = sysconf(_SC_OPEN_MAX);
	if (end < 0 || end > OPEN_MAX_GUESS)
		end = OPEN_MAX_GUESS;
	for (int fd = first; fd < end; fd++)
		close(fd);
}

static _Noreturn void become_hook(const struct proc *p, int in, int out, int report, pid_t parent)
{
	static char *const no_env[] = { NULL };
	sigset_t none;
	int why;

	setpgid(0, 0);
	/* out of the way first: if our own 0 to 2 were closed, a pipe may be in their place */
	in = fcntl(in, F_DUPFD_CLOEXEC, 10);
	out = fcntl(out, F_DUPFD_CLOEXEC, 10);
	report = fcntl(report, F_DUPFD_CLOEXEC, 10);
	if (in < 0 || out < 0 || report < 0)
		goto failed;
	if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(out, STDERR_FILENO) < 0 || dup3(report, 3, O_CLOEXEC) < 0)
		goto failed;
	report = 3;
	close_from(4);
	umask(022);
	if (chdir("/") < 0)
		goto failed;
	sigemptyset(&none);
	default_signals(&none);
	/* the next run calls it again: two at a time are what it is not made for */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		goto failed;
	execve(p->argv[0], p->argv, p->envp ? p->envp : no_env);
	if (errno == ENOENT && access(p->argv[0], F_OK) == 0)
		errno = ENOEXEC;        /* what is missing is its interpreter */
failed:
	why = errno;
	if (report >= 0 && write(report, &why, sizeof(why)) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void become_worker(const struct batch *b, const struct proc *p, int out,
				    pid_t parent)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int status;

	setpgid(0, 0);
	/* the parent may have died before it was asked for */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(255);
	progress_to(NULL);
	/* another child would wait for the end of its input as long as we had the pipe open */
	for (size_t i = 0; i < b->slots_n; i++) {
		struct child c = b->slots[i];

		if (!c.p)
			continue;
		close_fd(&c.in);
		close_fd(&c.out);
		close_fd(&c.report);
		close_fd(&c.pidfd);
	}
	default_signals(&b->outside);
	sigaction(SIGPIPE, &ignore, NULL);      /* a peer that hangs up must not kill it */
	status = p->work(p->arg, out);
	_exit(status < 0 || status > 255 ? 255 : status);
}

/* In the parent -------------------------------------------------------------------------------- */

/* pid 0, 1 and -1 would be a catastrophe: our own group, init, everybody. */
static void kill_group(const struct child *c, int sig)
{
	if (c->pid > 1)
		kill(-c->pid, sig);
}

static int nonblocking(int fd)
{
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void is_over(struct batch *b, struct proc *p)
{
	p->over = true;
	if (b->lull && b->lull_ms == INT64_MAX)
		b->lull_ms = clock_monotonic_ms() + b->lull->after_ms;
}

/* Into a free slot, or an error into p. */
static void start(struct batch *b, struct child *c, struct proc *p)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, report[2] = { -1, -1 };
	const pid_t parent = getpid();
	int64_t now_ms = clock_monotonic_ms();
	pid_t pid = -1;

	if (!p->work && p->argv[0][0] != '/') {
		err_set(&p->err, ERR_LOCAL, "cannot be run: %s: not an absolute path", p->argv[0]);
		is_over(b, p);
		return;
	}
	if (pipe2(out, O_CLOEXEC) < 0 || nonblocking(out[0]) < 0)
		goto failed;
	if (!p->work && (pipe2(in, O_CLOEXEC) < 0 || nonblocking(in[1]) < 0 ||
			 pipe2(report, O_CLOEXEC) < 0 || nonblocking(report[0]) < 0))
		goto failed;
	pid = fork();
	if (pid < 0)
		goto failed;
	if (pid == 0) {
		if (!p->work)
			become_hook(p, in[0], out[1], report[1], parent);
		close(out[0]);
		become_worker(b, p, out[1], parent);
	}
	/* both sides do it: whoever comes first, nobody sees the child in our group */
	setpgid(pid, pid);
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&report[1]);
	*c = (struct child){ .p = p, .pid = pid, .in = in[1], .out = out[0], .report = report[0] };
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
	c->end_ms = now_ms;
	if (p->limit_ms > 0)
		c->end_ms = p->limit_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + p->limit_ms;
	p->started = p->work != NULL;
	b->running++;
	return;
failed:
	err_sys(&p->err, "cannot be run: %s", shown_name(p));
	is_over(b, p);
	for (int i = 0; i < 2; i++) {
		close_fd(&in[i]);
		close_fd(&out[i]);
		close_fd(&report[i]);
	}
}

static bool excluded(const struct batch *b, const struct proc *p)
{
	for (size_t i = 0; p->exclusive && i < b->slots_n; i++) {
		const struct proc *other = b->slots[i].p;

		if (other && other->exclusive && strcmp(other->exclusive, p->exclusive) == 0)
			return true;
	}
	return false;
}

static struct child *free_slot(const struct batch *b)
{
	for (size_t i = 0; i < b->slots_n; i++)
		if (!b->slots[i].p)
			return &b->slots[i];
	return NULL;
}

static void start_more(struct batch *b)
{
	struct child *slot = free_slot(b);

	for (size_t i = 0; slot && i < b->n; i++) {
		if (b->begun[i] || excluded(b, &b->p[i]))
			continue;
		b->begun[i] = true;
		start(b, slot, &b->p[i]);
		slot = free_slot(b);
	}
}

static void end(struct child *c, int64_t now_ms)
{
	kill_group(c, SIGTERM);
	kill_group(c, SIGCONT);         /* a stopped one has to wake up to notice */
	c->ended = true;
	c->kill_ms = now_ms + TERM_TO_KILL_MS;
}

static void end_all(struct batch *b)
{
	for (size_t i = 0; i < b->slots_n; i++) {
		struct child *c = &b->slots[i];

		if (c->p && !c->exited && !c->ended)
			end(c, clock_monotonic_ms());
	}
}

static int64_t next_ms(const struct child *c, int64_t now_ms)
{
	int64_t at_ms = c->end_ms;

	if (c->exited)
		return c->drain_ms;
	if (c->ended)
		at_ms = c->killed ? c->kill_ms + DRAIN_MS : c->kill_ms;
	if (c->pidfd < 0 && now_ms + NO_PIDFD_MS < at_ms)
		at_ms = now_ms + NO_PIDFD_MS;
	return at_ms;
}

static void watch(struct batch *b, nfds_t *n, int fd, short events)
{
	if (fd >= 0)
		b->fds[(*n)++] = (struct pollfd){ .fd = fd, .events = events };
}

static void wait_for_news(struct batch *b)
{
	int64_t now_ms = clock_monotonic_ms(), until_ms = b->lull_ms, left_ms;
	struct timespec left;
	nfds_t n = 0;

	for (size_t i = 0; i < b->slots_n; i++) {
		const struct child *c = &b->slots[i];

		if (!c->p)
			continue;
		watch(b, &n, c->pidfd, POLLIN);
		watch(b, &n, c->report, POLLIN);
		watch(b, &n, c->out, POLLIN);
		watch(b, &n, c->in, POLLOUT);
		if (next_ms(c, now_ms) < until_ms)
			until_ms = next_ms(c, now_ms);
	}
	if (progress_next_ms() < until_ms)
		until_ms = progress_next_ms();
	left_ms = until_ms > now_ms ? until_ms - now_ms : 0;
	left.tv_sec = (time_t)(left_ms / 1000);
	left.tv_nsec = (long)(left_ms % 1000) * 1000000;
	ppoll(b->fds, n, &left, &b->outside);   /* a failure is an early return: EINTR, ENOMEM */
	progress_tick();
}

static void hear_exec(struct child *c)
{
	ssize_t n;

	if (c->report < 0)
		return;
	n = read(c->report, &c->exec_errno, sizeof(c->exec_errno));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		c->p->started = true;
	close_fd(&c->report);
}

/* Whatever it does not want is its own affair: a hook may ignore its input. */
static void feed(struct child *c)
{
	while (c->in >= 0 && c->in_done < c->p->input_len) {
		ssize_t n = write(c->in, c->p->input + c->in_done, c->p->input_len - c->in_done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break;
		c->in_done += (size_t)n;
	}
	close_fd(&c->in);
}

/* One chunk a round, so that a child that floods us does not keep us from the others. */
static void collect(struct child *c)
{
	char chunk[CHUNK_LEN];
	ssize_t n;

	if (c->out < 0)
		return;
	n = read(c->out, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		close_fd(&c->out);
	else
		buf_add(&c->p->out, chunk, (size_t)n);
}

static void notice_exit(struct child *c, int64_t now_ms)
{
	if (c->exited)
		return;
	c->how = (siginfo_t){ 0 };
	if (waitid(P_PID, (id_t)c->pid, &c->how, WEXITED | WNOHANG | WNOWAIT) < 0) {
		if (errno == EINTR)
			return;
		/* somebody else reaped it: the number is no longer ours to send signals to */
		c->pid = 0;
		c->how = (siginfo_t){ .si_code = CLD_EXITED };
		c->how.si_status = 255;
	} else if (c->how.si_pid == 0) {
		return;
	}
	c->exited = true;
	close_fd(&c->pidfd);
	close_fd(&c->in);
	c->drain_ms = now_ms + DRAIN_MS;
}

static void say_limit(struct proc *p, const char *then)
{
	bool whole = p->limit_ms % 1000 == 0;

	err_set(&p->err, ERR_LATER, "took longer than %lld%s and %s",
		(long long)(whole ? p->limit_ms / 1000 : p->limit_ms), whole ? "s" : "ms", then);
}

/* What came of it, in p->status and in words. */
static void judge(struct child *c)
{
	static const char no_program[] = "it is no program, nor a script whose first line names an "
					 "interpreter that exists";
	struct proc *p = c->p;
	const enum err_kind kind = p->work ? ERR_LOCAL : ERR_REFUSED;
	bool by_signal = !c->exited || c->how.si_code != CLD_EXITED;
	int what = c->exited ? c->how.si_status : SIGKILL;

	if (c->exec_errno) {
		p->timed_out = false;
		err_set(&p->err, ERR_LOCAL, "cannot be run: %s: %s", shown_name(p),
			c->exec_errno == ENOEXEC ? no_program : strerror(c->exec_errno));
		return;
	}
	p->status = by_signal ? 128 + what : what;
	if (p->timed_out) {
		if (p->status == 0)
			p->status = 128 + SIGTERM;      /* it obeyed, but it did not do its work */
		say_limit(p, c->exited ? "was ended" : "could not be ended");
	} else if (p->status == 0) {
		return;
	} else if (c->ended) {
		err_set(&p->err, ERR_LATER, "was ended, because we were told to stop");
	} else if (by_signal) {
		err_set(&p->err, kind, "killed by signal %d (%s)", what, strsignal(what));
	} else {
		err_set(&p->err, kind, "exit status %d", what);
	}
}

static void finish(struct batch *b, struct child *c)
{
	/* of a child that we ended nothing may go on; a daemon that a good hook started may */
	if (c->ended)
		kill_group(c, SIGKILL);
	while (c->pid > 0 && waitpid(c->pid, NULL, c->exited ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	judge(c);
	is_over(b, c->p);
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->report);
	close_fd(&c->pidfd);
	c->p = NULL;
	b->running--;
}

static void attend(struct batch *b, struct child *c)
{
	int64_t now_ms = clock_monotonic_ms();
	bool given_up;

	notice_exit(c, now_ms);
	hear_exec(c);
	feed(c);
	collect(c);
	if (!c->exited && !c->ended && now_ms >= c->end_ms) {
		c->p->timed_out = true;
		end(c, now_ms);
	}
	if (c->ended && !c->killed && now_ms >= c->kill_ms) {
		kill_group(c, SIGKILL);
		c->killed = true;
	}
	/* not even KILL ends a process that hangs in the kernel, on a dead NFS server say */
	given_up = c->killed && now_ms >= c->kill_ms + DRAIN_MS;
	if ((c->exited && (c->out < 0 || now_ms >= c->drain_ms)) || (!c->exited && given_up))
		finish(b, c);
}

/* Time is used, not taken: what it does may be stopped by the same signals. */
static void use_lull(struct batch *b)
{
	if (clock_monotonic_ms() < b->lull_ms || proc_stopping())
		return;
	b->lull_ms = INT64_MAX;
	sigprocmask(SIG_SETMASK, &b->outside, NULL);
	b->lull->call(b->lull->arg);
	sigprocmask(SIG_SETMASK, &b->inside, NULL);
}

static void run_side_by_side(struct proc *p, size_t n, size_t jobs, const struct proc_lull *lull)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, normal = { .sa_handler = SIG_DFL };
	struct sigaction old_pipe, old_child;
	struct batch b = { .p = p, .n = n, .slots_n = jobs < n ? jobs : n, .lull = lull,
			   .lull_ms = INT64_MAX };
	sigset_t stop;

	b.begun = mem_array(n, sizeof(*b.begun));
	b.slots = mem_array(b.slots_n, sizeof(*b.slots));
	b.fds = mem_array(b.slots_n * WATCHES, sizeof(*b.fds));
	sigemptyset(&stop);
	for (size_t i = 0; i < ARRAY_LEN(stop_signals); i++)
		sigaddset(&stop, stop_signals[i]);
	sigprocmask(SIG_BLOCK, &stop, &b.outside);
	sigprocmask(SIG_BLOCK, NULL, &b.inside);
	sigaction(SIGPIPE, &ignore, &old_pipe);
	/* if it is ignored, perhaps since before our own start, no exit status is kept */
	sigaction(SIGCHLD, &normal, &old_child);

	for (;;) {
		if (proc_stopping())
			end_all(&b);
		else
			start_more(&b);
		if (b.running == 0)
			break;
		wait_for_news(&b);
		for (size_t i = 0; i < b.slots_n; i++)
			if (b.slots[i].p)
				attend(&b, &b.slots[i]);
		if (b.running)
			use_lull(&b);
	}
	for (size_t i = 0; i < n; i++) {
		p[i].over = true;
		if (!b.begun[i])
			err_set(&p[i].err, ERR_LATER, "not started, because we were told to stop");
	}

	sigaction(SIGCHLD, &old_child, NULL);
	sigaction(SIGPIPE, &old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &b.outside, NULL);
	free(b.begun);
	free(b.slots);
	free(b.fds);
}

/* Without fork: easier to debug, and nothing is lost with a single job. */
static void run_here(struct proc *p)
{
	char chunk[CHUNK_LEN];
	ssize_t n;
	int fd;

	if (proc_stopping()) {
		err_set(&p->err, ERR_LATER, "not started, because we were told to stop");
		return;
	}
	fd = memfd_create("certline-worker", MFD_CLOEXEC);
	if (fd < 0) {
		err_sys(&p->err, "cannot be run: %s", shown_name(p));
		return;
	}
	p->started = true;
	p->status = p->work(p->arg, fd);
	if (p->status < 0 || p->status > 255)
		p->status = 255;
	if (p->status != 0)
		err_set(&p->err, ERR_LOCAL, "exit status %d", p->status);
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&p->out, chunk, (size_t)n);
	close(fd);
}

void proc_run_heeding(struct proc *p, size_t n, unsigned jobs, const struct proc_lull *lull)
{
	for (size_t i = 0; i < n; i++) {
		p[i].over = p[i].started = p[i].timed_out = false;
		p[i].status = -1;
		p[i].err = (struct err){ .kind = ERR_NONE };
	}
	if (jobs > 1) {
		run_side_by_side(p, n, jobs, lull);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i].work)
			run_here(&p[i]);
		else
			run_side_by_side(&p[i], 1, 1, NULL);
		p[i].over = true;
	}
}

void proc_run_all(struct proc *p, size_t n, unsigned jobs)
{
	proc_run_heeding(p, n, jobs, NULL);
}

/* Companions ----------------------------------------------------------------------------------- */

#define COMPANION_MS 5000

int proc_begin(pid_t *pid, int (*work)(void *arg), void *arg, struct err *e)
{
	pid_t parent = getpid();

	*pid = fork();
	if (*pid < 0) {
		*pid = 0;
		return err_sys(e, "a process cannot be started");
	}
	if (*pid > 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(255);
	stopping = 0;
	proc_init();
	_exit(work(arg) & 0xff);
}

void proc_end(pid_t pid)
{
	int64_t until_ms = clock_monotonic_ms() + COMPANION_MS;
	struct pollfd p = { .events = POLLIN };

	if (pid <= 0)
		return;
	p.fd = (int)syscall(SYS_pidfd_open, pid, 0U);
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_monotonic_ms() >= until_ms)
			kill(pid, SIGKILL);
		poll(&p, 1, p.fd < 0 ? NO_PIDFD_MS : COMPANION_MS / 50);
	}
	close_fd(&p.fd);
}
