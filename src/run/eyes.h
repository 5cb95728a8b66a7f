/* eyes.h - asking the name servers about the owners of lines, and remembering what they said. */
#ifndef RUN_EYES_H
#define RUN_EYES_H

#include "run/looks.h"

/* Adds a look at all owners of those of the lines that verify. */
void eyes_add(struct looks *all, struct line *const *lines, size_t n);

/* True if every server shows all that was published: live and staged key, and nothing is silent. */
bool eyes_content(const struct line *l);

/* The owner at which no server shows the live or the staged key, although at least one answers; NULL:
 * there is none. */
const char *eyes_unseen(const struct line *l);

/* What is wrong in DNS whether or not something is under way: to be told, and the line is not in order.  One
 * sentence each. */
void eyes_alarms(struct strv *out, struct line *l, const struct facts *f);
/* What is worth knowing, and no more. */
void eyes_warnings(struct strv *out, struct line *l, const struct facts *f);

#endif
