/* notify.h - telling people and machines, at the end of an acting run.
 *
 * In this order, so that a run that is killed anywhere loses nothing: what has happened to keys
 * (history.h) and what is wrong with lines becomes messages, which are written to STATE/notify.json; then
 * the history is written; then messages are delivered.  Whatever of this fails is said, and is no failure
 * of a line.
 */
#ifndef RUN_NOTIFY_H
#define RUN_NOTIFY_H

#include "run/history.h"
#include "run/message.h"

struct notify {
	struct world       *w;
	struct line       **lines;      /* of this run */
	size_t              n;
	const struct strv  *failures;   /* what failed in this run, for each line of the world */
	int                 status;     /* of the run, for pings */
	const char         *log;        /* ... and what it said */
	void              (*say)(void *arg, const char *text);
	void               *arg;
};

/* Before the run: pings. */
void notify_begin(const struct notify *n);
/* After it. */
void notify_end(const struct notify *n);

/* What is not told yet, and why: a sentence; NULL: nothing.  Read-only; the caller frees. */
char *notify_waiting(const struct config *c, struct err *e);

#endif
