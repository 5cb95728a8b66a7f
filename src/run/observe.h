/* observe.h - the facts of a line, for the rule table. */
#ifndef RUN_OBSERVE_H
#define RUN_OBSERVE_H

#include "run/line.h"

/* Needs world_load().  Looks at links and the include file, and at nothing outside. */
void line_facts(struct facts *f, struct world *w, struct line *l);

/* The line's include file has to be written again. */
bool line_include_wrong(struct world *w, const struct line *l);

#endif
