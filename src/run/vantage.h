/* vantage.h - hooks that look at a line's servers from somewhere else.
 *
 * What one prints is a document like that of `certline check --json` with the owners of the line, which is
 * what a certline there prints.  All of it is hostile.
 */
#ifndef RUN_VANTAGE_H
#define RUN_VANTAGE_H

#include "run/line.h"
#include "sys/proc.h"

/* What was seen from there, as answers about endpoints whose addresses end in " from WHERE": one for each
 * address and family among `families` (a mask); an owner of which nothing came, or all of them if the hook
 * failed, is away, and is faulty if the hook could not be run at all. Owned. */
struct vantage_answers {
	struct served_answer *v;
	size_t      n;
	struct strv texts;              /* behind them */
};

/* Hooks of several lines; starts as zeroes. */
struct vantages {
	struct vantage *v;
	size_t          n;
};

/* Adds the hooks of a line, which ask about these families. */
void vantage_add(struct vantages *all, struct line *l, unsigned families, const struct world *w);
/* Fills procs[all->n] with children that run those that can be run, and returns how many these are. */
size_t vantage_begin(struct vantages *all, struct proc *procs);
/* Takes what they printed: the lines have answers (`elsewhere`), until vantage_free(). */
void vantage_end(struct vantages *all, const struct proc *procs);
void vantage_free(struct vantages *all);

#endif
