/* revoke.h - revoking what a line's keys were certified with. */
#ifndef RUN_REVOKE_H
#define RUN_REVOKE_H

#include "acme/revocation.h"
#include "run/line.h"

/* Every certificate on disk for the keys of a keyset that a CA issued and that has not expired, in
 * generations up to that number.  By the account; where that is not there, or is refused, by the
 * certificate's own key, which is told, since CAs draw conclusions from it.  *n: how many are revoked now. */
int revoke_keyset(const struct line *l, int keyset, int up_to, enum revocation_reason reason, size_t *n,
		  struct err *e) NEEDS_CHECK;

#endif
