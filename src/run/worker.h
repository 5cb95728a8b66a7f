/* worker.h - a forked child that looks at many things and reports a JSON value for each.
 *
 * What strangers send is parsed there: the answer that ends the worker costs nothing else, and whoever ran
 * it tries again with halves of what was asked.
 */
#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "io/json.h"
#include "sys/proc.h"

/* In the worker: all of the text, or of the value as one line (which it frees), to its output.  Returns the
 * exit status. */
int worker_write(int out_fd, const struct buf *text);
int worker_report(int out_fd, struct json *root);

/* Makes p one that runs this work; its output is the caller's to free. */
void worker_prepare(struct proc *p, int (*work)(void *arg, int out_fd), void *arg, int64_t limit_ms);
/* What it reported, which the caller frees; NULL with an error. */
struct json *worker_result(const struct proc *p, struct err *e) NEEDS_CHECK;

/* Runs one, and waits.  Returns what it reported, an array of n values that the caller frees; NULL with an
 * error. */
struct json *worker_run(int (*work)(void *arg, int out_fd), void *arg, int64_t limit_ms, size_t n,
			struct err *e) NEEDS_CHECK;

#endif
