/* look_how.h - how a line's zones and name servers are found and asked: its [dns] section. */
#ifndef RUN_LOOK_HOW_H
#define RUN_LOOK_HOW_H

#include "dns/look.h"
#include "run/config.h"

/* Points into c, which must stay.  The caller frees. */
void look_how(struct look_config *out, const struct line_config *c);
void look_how_free(struct look_config *c);
/* Two lines look in the same way. */
bool look_how_same(const struct line_config *a, const struct line_config *b);

#endif
