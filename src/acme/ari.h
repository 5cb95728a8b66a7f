/* ari.h - asks a CA when certificates should be renewed: RFC 9773 section 4. */
#ifndef ACME_ARI_H
#define ACME_ARI_H

#include "acme/session.h"

struct ari {
	const char *id;                 /* cert_renewal_id */
	/* what came of it */
	int64_t start_at, end_at;       /* 0: nothing of use, err says why */
	char   *explanation;            /* URL, printable; NULL */
	int64_t retry_after_for;        /* -1: not said */
	struct err err;                 /* ERR_LATER: it may be better soon */
};

/* All side by side; no account is needed.  A CA that does not know of it: ERR_REFUSED for each. */
void ari_ask_all(struct session *s, struct ari *v, size_t n);
void aris_free(struct ari *v, size_t n);        /* the results; not the array */

#endif
