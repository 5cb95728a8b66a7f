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

/* The certificates for these keys are in the store: their orders are over.  Until that is said the next run
 * fetches the same certificates again. */
void issue_acme_stored(const struct issue_want *w, const struct line_config *c);

#endif
