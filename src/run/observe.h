/* observe.h - the facts of a line, for the rule table. */
#ifndef RUN_OBSERVE_H
#define RUN_OBSERVE_H

#include "run/line.h"

/* Needs world_load().  Looks at links and the include file, and at nothing outside. */
void line_facts(struct facts *f, struct world *w, struct line *l);

#endif
