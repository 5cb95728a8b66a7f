/* look_groups.h - lines that look in the same way, so that one look serves all of them. */
#ifndef RUN_LOOK_GROUPS_H
#define RUN_LOOK_GROUPS_H

#include "run/line.h"

/* Calls `look` for the lines of each way to look; for no more of them when we are told to stop.  Their order
 * in `lines` is lost. */
void look_groups(struct line **lines, size_t n, void (*look)(struct line **lines, size_t n));

#endif
