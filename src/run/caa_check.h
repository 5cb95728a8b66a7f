/* caa_check.h - whether CAA records let a CA issue for the names of a line, by the methods it uses. */
#ifndef RUN_CAA_CHECK_H
#define RUN_CAA_CHECK_H

#include "run/config.h"

struct caa_verdict {
	struct strv refusals;           /* sentences: the CA must say no */
	struct strv doubts;             /* what could not be found out: the CA may say no */
};

/* issuers: names by which the CA calls itself; none: nothing is known, and nothing is looked up.
 * account_url NULL: not known yet.  Parses answers of strangers. */
void caa_check(struct caa_verdict *out, const struct line_config *c, const struct strv *issuers,
	       const char *account_url);
void caa_verdict_free(struct caa_verdict *v);

/* The names as they stand in DNS, each once: without "*.", and no addresses. */
void caa_host_names(struct strv *out, const struct line_config *c);

#endif
