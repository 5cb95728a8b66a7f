/* order.h - from names and keys to certificates: RFC 8555 section 7.4, several orders side by side.
 *
 * The number of round trips one after the other does not depend on the number of names or orders: all
 * orders are placed at once, all their authorizations fetched, all challenges put in place, offered
 * and waited for together.
 */
#ifndef ACME_ORDER_H
#define ACME_ORDER_H

#include "acme/challenge.h"
#include "acme/session.h"
#include "io/request.h"

struct order {
	const struct key  *key;         /* of the certificate; never the account's */
	const struct strv *names;       /* A-labels, wildcards, addresses */
	bool        common_name;        /* as request_make */
	const char *profile;            /* NULL: the CA's default */
	bool        require_profile;    /* else it is done without, if the CA refuses it */
	const char *replaces;           /* RFC 9773; NULL */
	const char *chain_by;           /* as chain_leads_to: preferred among what the CA offers; NULL */
	const char *resume;             /* URL of an order for the same key and names that was begun; NULL */

	/* what came of it */
	struct chain chain;             /* empty: see err */
	struct err   err;               /* ERR_PENDING: the CA still works on it; ERR_LATER: worth
	                                 * another try at the next run */
	struct strv  unauthorized;      /* names whose authorization failed, if that is all that is wrong */
	char        *problem;           /* error type of the CA's, or NULL */
	int64_t      retry_after_for;   /* a rate limit: not before; -1 */
	char        *url;               /* of the order, to be resumed or, with a chain, to be forgotten when that
	                                 * is stored; NULL: it is over */
	struct strv  warnings;
};

/* Writes down the URL of order i before anything is done with it; NULL: it is over. */
struct order_diary {
	void *arg;
	int (*note)(void *arg, size_t i, const char *url, struct err *e);
};

/* Every order ends with a chain that is for its key and names, valid and in order, or with an err. */
void order_run_all(struct session *s, struct order *v, size_t n, const struct responder *r,
		   const struct order_diary *d, int64_t now);
void orders_free(struct order *v, size_t n);    /* the results; not the array */

#endif
