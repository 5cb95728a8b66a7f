/* vantage.h - hooks that look at a line's servers from somewhere else.
 *
 * What one prints is a document like that of `certline check --json` with the owners of the line, which is
 * what a certline there prints.  All of it is hostile.
 */
#ifndef RUN_VANTAGE_H
#define RUN_VANTAGE_H

#include "run/line.h"

/* What was seen from there, as answers about endpoints whose addresses end in " from WHERE": one for each
 * address and family among `families` (a mask); an owner of which nothing came, or all of them if the hook
 * failed, is away, and is faulty if the hook could not be run at all. Owned. */
struct vantage_answers {
	struct served_answer *v;
	size_t      n;
	struct strv texts;              /* behind them */
};

/* Runs the hooks of all these lines side by side; out[n], in their order.  families[n]. */
void vantage_look(struct vantage_answers *out, struct line *const *lines, const unsigned *families, size_t n,
		  const struct world *w, unsigned jobs);
void vantage_free(struct vantage_answers *v, size_t n);         /* the contents; not the array */

#endif
