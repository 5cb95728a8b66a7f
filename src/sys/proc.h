/* proc.h - children: hooks (execve, never a shell) and our own workers (fork), many side by side.
 *
 * proc_run_all() is a batch call: concurrent inside, synchronous outside.  Every child has its own
 * process group, closed descriptors (0, 1, 2 and nothing else for hooks), default signal handlers, a
 * time limit, and captured output with a ceiling.  A child that overstays gets TERM, and 5 seconds
 * later its group gets KILL.  When a child has exited, whatever is left of its group and holds the
 * output pipe open is not waited for longer than 2 seconds.  If we are told to stop (SIGTERM, SIGINT,
 * SIGHUP), running children get TERM, nothing new is started, and proc_run_all returns.
 */
#ifndef SYS_PROC_H
#define SYS_PROC_H

#include "base/buf.h"
#include "base/err.h"

struct proc {
	/* what to run: either argv (argv[0] an absolute path; both lists end with NULL) ... */
	char *const *argv;
	char *const *envp;
	/* ... or a function in a forked worker; what it returns (0..255) is the exit status, what it
	 * writes to out_fd is the output */
	int        (*work)(void *arg, int out_fd);
	void        *arg;

	const char  *input;             /* for standard input; NULL: empty */
	size_t       input_len;
	int64_t      limit_ms;          /* time limit */
	const char  *exclusive;         /* never two children with the same text at a time; may be NULL */

	/* what came of it; out (stdout and stderr, as they came) must be initialised by the caller */
	struct buf   out;
	bool         started;
	bool         timed_out;
	int          status;            /* exit status; 128 + n when killed by signal n; -1: not started */
	struct err   err;               /* status != 0 in words: "exit status 3", "killed by signal 11
	                                 * (Segmentation fault)", "took longer than 60s and was ended",
	                                 * "cannot be run: /x/y: Permission denied" */
};

/* Runs all, at most `jobs` at a time, in order of the array as far as `exclusive` allows.  With
 * jobs == 1 a `work` function runs in this process, without fork; its output still lands in out
 * (through a memory file or pipe large enough). */
void proc_run_all(struct proc *p, size_t n, unsigned jobs);

/* Installs the handlers for SIGTERM, SIGINT and SIGHUP that proc_run_all heeds, and ignores SIGPIPE. */
void proc_init(void);
bool proc_stopping(void);               /* such a signal has come */

#endif
