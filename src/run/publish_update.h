/* publish_update.h - the recorded set of a line, written into its zones by RFC 2136. */
#ifndef RUN_PUBLISH_UPDATE_H
#define RUN_PUBLISH_UPDATE_H

#include "run/line.h"

/* One transaction for each zone.  What must go is found by content: everything that any key of the
 * line on this disk would have there, and is not wanted.  What else is there is kept, and told in
 * `foreign`, one "OWNER DATA" a line.  A zone that fails does not keep the others from being written; the
 * first error
 * is returned.  Meant for a worker process. */
int publish_update(struct buf *foreign, const struct line *l, struct err *e) NEEDS_CHECK;

#endif
