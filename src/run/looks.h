/* looks.h - looks at name servers and at servers, all of them side by side.
 *
 * What strangers send is parsed by worker processes, one for all lines that look in the same way.  One that
 * dies is repeated with each half of its lines, and so on, until the answer that kills it has cost one line.
 */
#ifndef RUN_LOOKS_H
#define RUN_LOOKS_H

#include "run/vantage.h"

struct look;

/* What is looked at. */
struct look_kind {
	const char *what;                       /* for whoever waits */
	/* In the worker, with the look as argument: reports a JSON value. */
	int     (*work)(void *look, int out_fd);
	int64_t (*limit_ms)(const struct look *k);
	/* Takes what was reported to the ledgers (not saved); false: that is nonsense. */
	bool    (*note)(const struct look *k, const struct json *seen);
	/* Nothing comes of it. */
	void    (*give_up)(const struct look *k, const char *why);
};

struct look {
	const struct look_kind *kind;
	struct line **lines;                    /* owned array */
	size_t        n;
};

/* Starts as zeroes; what is in it is gone after looks_run(). */
struct looks {
	struct look    *v;
	size_t          n;
	struct vantages elsewhere;              /* hooks, whose answers the lines have while the looks are noted */
};

/* A look for each way to look that these lines have.  `lines` need not stay. */
void looks_add(struct looks *all, const struct look_kind *kind, struct line *const *lines, size_t n);
void looks_run(struct looks *all);

#endif
