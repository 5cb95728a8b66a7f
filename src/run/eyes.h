/* eyes.h - asking the name servers about the owners of lines, and remembering what they said.
 *
 * The looking is done by worker processes, since replies of strangers are parsed: one for all lines that
 * look in the same way.  One that dies is repeated with half of the lines, and so on, until the answer
 * that kills it has cost one line.
 */
#ifndef RUN_EYES_H
#define RUN_EYES_H

#include "run/line.h"

/* Looks at all owners of those of the lines that verify, and notes it in their ledgers (not saved). */
void eyes_look(struct line *const *lines, size_t n);

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
