/* authorization.h - permissions to have a name in a certificate: RFC 8555 section 7.1.4 and 7.5. */
#ifndef ACME_AUTHORIZATION_H
#define ACME_AUTHORIZATION_H

#include "acme/challenge.h"

enum authorization_status { AUTH_PENDING, AUTH_VALID, AUTH_INVALID, AUTH_OTHER };

struct authorization {
	char *url;
	enum authorization_status status;
	bool  chosen;                   /* there is a challenge to be answered */
	bool  offered;                  /* ... that the CA was told of */
	struct challenge challenge;
	struct err err;                 /* why it cannot become valid */
};

/* What the CA says of it.  `names`: of the orders that it belongs to; others are refused.  Chooses the
 * challenge of a pending one.  Problems are in a->err. */
void authorization_read(struct authorization *a, const struct json *doc, const struct strv *names,
			const char *thumbprint, const struct responder *r);

/* The error of an authorization that has become invalid, in words: of the challenge that failed. */
void authorization_failed(struct authorization *a, const struct json *doc);
/* That error, a problem document owned by doc; NULL: there is none. */
const struct json *authorization_problem(const struct json *doc);

void authorization_free(struct authorization *a);

#endif
