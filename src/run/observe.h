/* observe.h - the facts of a line, for the rule table. */
#ifndef RUN_OBSERVE_H
#define RUN_OBSERVE_H

#include "run/line.h"

/* Needs world_load().  Looks at links and the include file, and at nothing outside.  The texts that f
 * points to live until the next call for the line, or until it is unloaded. */
void line_facts(struct facts *f, struct world *w, struct line *l);

/* The line's include file has to be written again. */
bool line_include_wrong(struct world *w, const struct line *l);

/* A reason of the rule table with its detail (or NULL); the caller frees. */
char *line_reason(const char *why, const char *detail);

#endif
