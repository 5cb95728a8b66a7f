/* suggest.h - asking CAs when the certificates of lines should be renewed, and remembering what they said. */
#ifndef RUN_SUGGEST_H
#define RUN_SUGGEST_H

#include "run/line.h"

/* For those of the lines whose certificates are a CA's and whose time to ask has come: in a worker for
 * each CA, since strangers' answers are parsed.  Notes it in the ledgers; asked[i] is set where
 * something was noted. */
void suggest_ask(struct line *const *lines, size_t n, bool *asked, unsigned jobs);

/* The earliest instant suggested for a certificate of the generation; 0: none is known.  The
 * suggestion that rules is returned too. */
int64_t suggest_at(const struct line *l, const struct generation *g, const struct suggestion **which);

#endif
