/* issue.h - from keys to certificates: the one place that knows issuers. */
#ifndef RUN_ISSUE_H
#define RUN_ISSUE_H

#include "io/crypto.h"
#include "run/config.h"

struct issued {
	struct cert *cert;      /* the leaf; cert_free */
	char        *chain;     /* PEM of what the server sends after it, "" for none; free */
};

/* A certificate for each of the n keys, for the line's names.  The private keys are only read. */
int issue_certificates(struct issued *out, struct key *const *keys, size_t n,
		       const struct line_config *c, int64_t now, struct err *e) NEEDS_CHECK;
void issued_free(struct issued *v, size_t n);

#endif
