/* pending.h - how a line stands: whoever shows it or tells of it asks here. */
#ifndef RUN_PENDING_H
#define RUN_PENDING_H

#include "run/line.h"

/* From the best to the worst; all behind WAITING need somebody. */
enum standing {
	STANDS_WELL,
	STANDS_WAITING,                 /* for orders that its CA still works on, and for nothing else */
	STANDS_NEW,                     /* it was never set up */
	STANDS_BADLY,                   /* something is wrong or owed */
	STANDS_FAILED,                  /* it cannot be loaded, or failed in this run (line.err) */
	STANDINGS_N,
};

/* What is wrong with a line now, one text each: failed steps, pending hooks, what name servers and servers
 * show, keys that others can read.  Needs world_load(); `out` is empty before.  about: parallel to it, what
 * that is about, which stays the same when the words change ("step renew", "dns ...", "endpoint ..."); or
 * NULL. */
enum standing pending_find(struct strv *out, struct strv *about, struct world *w, struct line *l);

/* Of that, what is told at every run, since mail may be bouncing; and what is worth knowing. */
void pending_alarms(struct strv *alarms, struct strv *warnings, struct world *w, struct line *l);

#endif
