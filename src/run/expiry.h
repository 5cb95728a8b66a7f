/* expiry.h - how urgent it is that the live certificate ends.  No CA writes mails about that any more. */
#ifndef RUN_EXPIRY_H
#define RUN_EXPIRY_H

#include "run/line.h"

/* What is to be said of it now, louder as the end comes nearer; NULL: nothing.  The caller frees. */
char *expiry_alarm(const struct line *l, const struct facts *f, int64_t now);

#endif
