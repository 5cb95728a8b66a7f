/* caa.h - which CAs may issue for a name: the CAA records that a CA would find.
 *
 * RFC 8659 (look-up, issue, issuewild, critical flags), RFC 8657 (accounturi, validationmethods).
 */
#ifndef DNS_CAA_H
#define DNS_CAA_H

#include "dns/look.h"

struct caa_record {
	bool  critical;
	char *tag;                      /* lower case */
	char *value;                    /* printable; bytes that are not are "?" */
};

struct caa_set {
	const char *name;               /* asked: a host name; "*." in front is not looked at */
	char       *at;                 /* where the set stands: the name or one above it; NULL: nowhere */
	struct caa_record *v;
	size_t      n;
	char       *problem;            /* the look-up failed or is bogus: a CA would refuse; NULL else */
};
/* Each name, and what is above it up to the root, through the validating resolver (c->validate and so on),
 * aliases followed at each step; all names side by side, each question once. */
void caa_find(struct caa_set *s, size_t n, const struct look_config *c);
void caa_free(struct caa_set *s, size_t n);             /* the results; not the array */

/* Whether a set lets a CA issue for the name (a wildcard too).  *why, if not: one sentence, the caller
 * frees; NULL else.  No issuers: it is not known how the CA calls itself, any name may be its own. */
struct caa_question {
	const char *name;
	const struct strv *issuers;     /* names by which the CA calls itself (meta.caaIdentities) */
	const char *account_url;        /* NULL: not known yet */
	const char *method;             /* "dns-01" */
};
bool caa_allows(const struct caa_set *s, const struct caa_question *q, char **why);

#endif
