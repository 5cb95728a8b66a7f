/* revocation.h - taking certificates back: RFC 8555 section 7.6. */
#ifndef ACME_REVOCATION_H
#define ACME_REVOCATION_H

#include "acme/session.h"

/* RFC 5280 section 5.3.1: those that CAs take from subscribers; 3 and 9 by some only. */
enum revocation_reason {
	REVOKE_UNSPECIFIED = 0,
	REVOKE_KEY_COMPROMISE = 1,
	REVOKE_AFFILIATION = 3,
	REVOKE_SUPERSEDED = 4,
	REVOKE_CESSATION = 5,
	REVOKE_PRIVILEGE = 9,
};
bool revocation_reason_parse(const char *s, enum revocation_reason *out);       /* "key-compromise" */
const char *revocation_reason_name(enum revocation_reason r);

/* key: the certificate's own, which needs no account; NULL: the account signs.  A certificate that is revoked
 * already is success.  *stranger: the CA has said no to who signed, and not to what was asked for. */
int revoke_certificate(struct session *s, const struct cert *c, const struct key *key,
		       enum revocation_reason reason, bool *stranger, struct err *e) NEEDS_CHECK;

#endif
