/* proc.h - children: hooks (execve, never a shell) and our own workers (fork), many side by side.
 *
 * proc_run_all() is a batch call: concurrent inside, synchronous outside.  Every child has its own
 * process group, default signal handlers, a time limit, and captured output with a ceiling: what
 * does not fit is read and dropped, and out.over says so.
 *
 * A child that overstays gets TERM, with its group, and 5 seconds later its group gets KILL; so
 * does what is left of the group when the child itself is gone.  If we are told to stop (SIGTERM,
 * SIGINT, SIGHUP), running children are ended in the same way, nothing new is started, and
 * proc_run_all returns.  When a child has exited by itself, whatever is left of its group and holds
 * the output pipe open is not waited for longer than 2 seconds and goes on: it may be a daemon that
 * a hook started.
 *
 * Hooks get descriptors 0, 1 and 2 and nothing else, the folder "/", umask 022 and no signal
 * blocked.  Workers keep our descriptors, folder, umask and signal mask, and SIGPIPE stays ignored;
 * they die with us.  A worker that runs children itself calls proc_init() first, else a TERM does
 * not reach these.
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct proc {
	/* what to run: either argv (argv[0] an absolute path; both lists end with NULL; an envp of
	 * NULL is empty) ... */
	char *const *argv;
	char *const *envp;
	/* ... or a function in a forked worker; what it returns (0..255, all else counts as 255) is
	 * the exit status, what it writes to out_fd is the output; out_fd is not its to close */
	int        (*work)(void *arg, int out_fd);
	void        *arg;

	const char  *input;             /* for a hook's standard input; NULL: empty */
	size_t       input_len;
	int64_t      limit_ms;          /* time limit; 0 and less is over at once */
	const char  *exclusive;         /* not two at a time with the same text; NULL: any */

	/* what came of it; out (stdout and stderr, as they came) is added to and must be
	 * initialised by the caller */
	struct buf   out;
	bool         over;              /* it has come to its end, or was never started */
	bool         started;
	bool         timed_out;         /* then status is not 0, whatever it said at the end */
	int          status;            /* exit status; 128 + n: killed by n; -1: not started */

	/* status != 0 in words; ERR_NONE with status 0:
	 *   ERR_REFUSED  hooks: "exit status 3", "killed by signal 11 (Segmentation fault)"
	 *   ERR_LOCAL    the same of workers; "cannot be run: /x/y: Permission denied"
	 *   ERR_LATER    "took longer than 60s and was ended"; ended or not started because we were
	 *                told to stop */
	struct err   err;
};

/* Runs all, at most `jobs` at a time, in order of the array as far as `exclusive` allows.  With
 * jobs <= 1 a `work` function runs in this process, without fork and without time limit; its output
 * still lands in out. */
void proc_run_all(struct proc *p, size_t n, unsigned jobs);

/* The same; but `after_ms` after the first one is over, `call` may go on with those that are, while the
 * others run; and so again for the next ones.  It may run children of its own; no other is attended to
 * meanwhile. */
struct proc_lull {
	int64_t after_ms;
	void  (*call)(void *arg);
	void   *arg;
};
void proc_run_heeding(struct proc *p, size_t n, unsigned jobs, const struct proc_lull *lull);

/* A companion: a worker that serves somebody while we go on, and ends with us.  0, or -1 with an error.
 * It keeps our descriptors; proc_stopping() tells it when to end, and 5 seconds later it is killed. */
int proc_begin(pid_t *pid, int (*work)(void *arg), void *arg, struct err *e) NEEDS_CHECK;
void proc_end(pid_t pid);               /* and waits for it; 0 is none */

/* Installs the handlers for SIGTERM, SIGINT and SIGHUP that proc_run_all heeds (a SIGHUP that is
 * ignored, as by nohup, stays ignored), and ignores SIGPIPE. */
void proc_init(void);
bool proc_stopping(void);               /* such a signal has come */
/* While `on`, proc_stopping() is false: what was begun can be undone, in the seconds that are left. */
void proc_undo(bool on);

#endif
