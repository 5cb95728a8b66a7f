/* expiry.h - how urgent it is that the live certificate ends, and what it lacks.  No CA writes mails about
 * that any more. */
#ifndef RUN_EXPIRY_H
#define RUN_EXPIRY_H

#include "run/line.h"

enum expiry { EXPIRY_FAR, EXPIRY_EARLY, EXPIRY_NEAR, EXPIRY_URGENT, EXPIRY_OVER };
/* EARLY: it is not valid yet.  NEAR: renewing it has failed, too. */
enum expiry expiry_level(const struct line *l, const struct facts *f, int64_t now);
const char *expiry_name(enum expiry x);         /* "near" */
/* The end of the live certificate in words; NULL where it is far.  The caller frees. */
char *expiry_text(const struct line *l, const struct facts *f, int64_t now);

/* Adds what is to be said of it now, louder as the end comes nearer. */
void expiry_alarms(struct strv *out, const struct line *l, const struct facts *f, int64_t now);

#endif
