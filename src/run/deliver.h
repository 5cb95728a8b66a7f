/* deliver.h - handing out messages: sendmail, hooks, webhooks, journal, pings; side by side, and with an end.
 *
 * What hangs costs a bounded time: DELIVER_MS, and some seconds until the last child is killed.  A
 * destination that fails is left alone for the rest of the run, and all that is for it waits.
 */
#ifndef RUN_DELIVER_H
#define RUN_DELIVER_H

#include "run/line.h"
#include "run/message.h"

#define DELIVER_MS     20000            /* no delivery begins after this */
#define DELIVER_ONE_MS 10000
#define PING_START_MS  5000

struct delivery {
	struct world    *w;
	struct messages *messages;
	struct strv      pings;         /* whole URLs */
	const char      *log;           /* their body */
	int64_t          now;
	/* after each delivery, which is noted in messages; NULL: nothing is to be saved */
	void           (*save)(void *save_arg);
	void            *save_arg;
	void           (*say)(void *arg, const char *text);
	void            *arg;
};

/* Fits the queue to what is configured now: messages for channels or lines that are gone are done, the others
 * go where the configuration says now. */
void deliver_fit(struct messages *m, const struct world *w);
/* All that is due. */
void deliver_all(struct delivery *d);
/* Empty POSTs to whole URLs, for the start of a run; errors are said. */
void deliver_pings(const struct strv *urls, void (*say)(void *arg, const char *text), void *arg);

/* A line can be told by something. */
bool deliver_has_channel(const struct line_config *c);
/* A message for each channel of the line. */
void deliver_queue(struct messages *m, const struct line_config *c, const struct message *what);

#endif
