/* problem.h - what a CA says when it says no: RFC 7807 problem documents with the subproblems of RFC 8555
 * section 6.7.1, and replies that should have had one. */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H

#include "io/http.h"
#include "io/json.h"

/* The error in words, one line: "ca.example.org: the CA says: detail (rateLimited);
 * www.example.org: detail (dns)".  Always returns -1.  ERR_LATER for 5xx, 429 and rateLimited; else
 * ERR_REFUSED. type, doc: as in struct call, may be NULL; the caller frees. */
int problem_error(struct err *e, const struct http_request *r, char **type, struct json **doc);

#define PROBLEMS_TOLD 3                 /* in one text; what more there are belongs into a list */

/* The text of a problem document that stands in an order, an authorization or a challenge; never NULL; the
 * caller frees. */
char *problem_text(const struct json *problem);

/* Adds every subproblem, "www.example.org: detail (dns)", if they are too many for the text. */
void problem_list(struct strv *out, const struct json *problem);

/* "rateLimited" of "urn:ietf:params:acme:error:rateLimited"; any other type as it is; the caller frees. */
char *problem_type(const struct json *problem);

#endif
