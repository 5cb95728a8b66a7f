/* caa_check.h - whether CAA records let a CA issue for the names of a line, by one of its methods at least;
 * and the records that would.
 * RFC 8659, RFC 8657 (accounturi, validationmethods).
 */
#ifndef RUN_CAA_CHECK_H
#define RUN_CAA_CHECK_H

#include "run/config.h"

struct caa_verdict {
	struct strv refusals;           /* sentences: the CA must say no */
	struct strv doubts;             /* what could not be found out: the CA may say no */
	unsigned   *permitted;          /* for each name of the line the types of its challenges that are not
	                                 * forbidden, a mask, 1 << type; NULL: not known */
};

/* issuers: names by which the CA calls itself; none: nothing is known, and nothing is looked up.
 * account_url NULL: not known yet.  Parses answers of strangers. */
void caa_look(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
	      const char *account_url);
/* The same before an order: refusals name the records that are missing, if any would help.  That issuers are
 * not known is a doubt if there are records. */
void caa_check(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
	       const char *account_url);
void caa_verdict_free(struct caa_verdict *v);

struct caa_issuer {
	const struct strv *names;       /* by which the CA calls itself; none: it is left out */
	const char        *account_url; /* NULL: not known */
};
/* The tightest records, as in a zone file, that let these CAs issue for the names of the line, and nobody
 * else. */
void caa_recommend(struct strv *out, const struct line_config *c, const struct caa_issuer *i, size_t n);

#endif
