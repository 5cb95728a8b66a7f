/* account.h - accounts at a CA: RFC 8555 section 7.3.  An account is its key; its URL can always be
 * asked for.
 */
#ifndef ACME_ACCOUNT_H
#define ACME_ACCOUNT_H

#include "acme/session.h"
#include "io/jose.h"

/* What the CA gave out to people who have a contract with it (external account binding, section 7.3.4). */
struct account_eab {
	const char   *kid;              /* NULL: none */
	const void   *mac_key;
	size_t        mac_key_len;
	enum jose_mac alg;
};

/* The URL of the account that has this key, NULL if there is none; the caller frees. */
int account_find(struct session *s, char **url, const struct key *key, struct err *e) NEEDS_CHECK;

/* Makes one, or finds the one that has this key.  The terms of service are agreed to: asking whether is the
 * caller's duty.  contacts: "mailto:a@example.org". */
int account_make(struct session *s, char **url, const struct key *key, const struct strv *contacts,
		 const struct account_eab *eab, struct err *e) NEEDS_CHECK;

struct account_info {
	char *status;                   /* "valid", "deactivated", "revoked", printable */
	struct strv contacts;
};
/* All three are for the session's account. */
int account_show(struct session *s, struct account_info *out, struct err *e) NEEDS_CHECK;
int account_update(struct session *s, const struct strv *contacts, struct err *e) NEEDS_CHECK;
int account_deactivate(struct session *s, struct err *e) NEEDS_CHECK;
void account_info_free(struct account_info *i);

/* Gives the session's account another key (section 7.3.5).  The new key is on disk before.  After an error
 * of kind ERR_LATER it may have been done: account_find with both keys tells. */
int account_change_key(struct session *s, const struct key *new_key, struct err *e) NEEDS_CHECK;

#endif
