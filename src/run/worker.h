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

/* Runs p, which has its work, arg and limit_ms (its output is not the caller's), and waits.  Returns what it
 * reported, an array of n values that the caller frees; NULL with an error. */
struct json *worker_run(struct proc *p, size_t n, struct err *e) NEEDS_CHECK;

#endif
