/* expiry.h - how urgent it is that the live certificate ends, and what it lacks.  No CA writes mails about
 * that any more. */
#ifndef RUN_EXPIRY_H
#define RUN_EXPIRY_H

#include "run/line.h"

/* Adds what is to be said of it now, louder as the end comes nearer. */
void expiry_alarms(struct strv *out, const struct line *l, const struct facts *f, int64_t now);

#endif
