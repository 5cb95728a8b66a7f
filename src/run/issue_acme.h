/* issue_acme.h - certificates from a CA, with everything that this needs on disk.
 *
 *     STATE/lines/LINE/orders.json        orders that were begun; how often each CA failed, and rests until
 *     STATE/lines/LINE/challenges.json    what is in place for them (respond.h)
 */
#ifndef RUN_ISSUE_ACME_H
#define RUN_ISSUE_ACME_H

#include "run/issue.h"

/* All keys side by side.  Goes on with an order that was begun.  A CA that failed several times in a row is
 * followed by the next one that is configured. */
int issue_acme(struct issued *out, const struct issue_want *w, const struct line_config *c,
	       struct issue_report *r, struct err *e) NEEDS_CHECK;

/* The certificate for the key with this digest (sha256, hex) is in its place: its order is over.  Until that
 * is said the next run fetches the same certificate again. */
void issue_acme_stored(const struct line_config *c, const char *spki);

#endif
