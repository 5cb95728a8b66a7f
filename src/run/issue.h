/* issue.h - from keys to certificates: what every issuer is given and gives. */
#ifndef RUN_ISSUE_H
#define RUN_ISSUE_H

#include "io/crypto.h"
#include "io/json.h"
#include "run/config.h"

struct issued {
	struct cert *cert;      /* the leaf; cert_free */
	char        *chain;     /* PEM of what the server sends after it, "" for none; free */
};

/* A certificate for each of the keys, for the line's names.  The private keys are only read. */
struct issue_want {
	struct key *const *keys;
	size_t      n;
	/* of what is renewed: */
	const char *ca;                 /* directory of the CA that issued it; NULL: none did */
	const char *const *renewal_ids; /* of each, as cert_renewal_id; NULL entries: none */
	/* of what servers have now: */
	const char *served_ca;          /* directory of the CA that issued it; "" for one that is not known;
					 * NULL: none did */
	bool        force;              /* a certificate that nobody trusts may take its place */
	bool        urgent;             /* better one without some of the names than none ([acme] allow-subset) */
	int64_t     now;
};

/* What is told beside the result. */
struct issue_report {
	char       *ca;                 /* directory of the CA that issued; NULL: self-signed */
	struct strv left_out;           /* names of the line that the certificates are not for */
	struct strv notes;              /* sentences for the log */
	struct json *problems;          /* a list of the problems that CAs have sent (acme/problem.h); NULL: nobody
					 * wants to know; json_free */
	int64_t     retry_after_for;    /* after a failure: not before; -1 */
};

/* Self-signed: for lines without a CA, and as a stand-in until the CA has answered (issue_acme.h). */
int issue_self(struct issued *out, const struct issue_want *w, const struct line_config *c,
	       struct err *e) NEEDS_CHECK;
void issued_free(struct issued *v, size_t n);
void issue_report_free(struct issue_report *r);

#endif
