/* wanted.h - what a line wants in DNS: its own keys at its owners, and what other lines recorded there. */
#ifndef RUN_WANTED_H
#define RUN_WANTED_H

#include "run/servers.h"

/* But nothing at owners whose servers do not present the live key yet: *held, which the caller frees. */
void wanted_set(struct set *out, struct servers_held *held, const struct world *w, const struct line *l);
/* At all owners, whatever their servers present. */
void wanted_ever(struct set *out, const struct world *w, const struct line *l);

#endif
