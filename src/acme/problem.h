/* problem.h - what a CA says when it says no: RFC 7807 problem documents with the subproblems of RFC 8555
 * section 6.7.1, and replies that should have had one. */
#ifndef ACME_PROBLEM_H
#define ACME_PROBLEM_H

#include "io/http.h"
#include "io/json.h"

/* The error in words, one line: "ca.example.org: the CA says: detail (rateLimited, HTTP status 429);
 * www.example.org: detail (dns)".  Always returns -1.  ERR_LATER for 5xx, 429 and rateLimited; else
 * ERR_REFUSED. type, doc: as in struct call, may be NULL; the caller frees.  The "status" in doc is that of
 * the reply, whatever the CA wrote there. */
int problem_error(struct err *e, const struct http_request *r, char **type, struct json **doc);

#define PROBLEMS_TOLD 3                 /* in one text; what more there are belongs into a list */

/* The text of a problem document that stands in an order, an authorization or a challenge; never NULL; the
 * caller frees. */
char *problem_text(const struct json *problem);

/* Adds every subproblem, "www.example.org: detail (dns)", if they are too many for the text. */
void problem_list(struct strv *out, const struct json *problem);

#define PROBLEMS_PRINT_MAX ((size_t)3 << 20)   /* a list of those kept, printed in one line, is shorter */

/* Adds a copy to a list (a JSON array; NULL: nothing is kept): an object with what there is of "type" (as it
 * was sent), "title", "detail", "status" (a number from 100 to 599), "instance", "identifier" (its value, or
 * `name` unless that is NULL) and "subproblems" (objects with the same members but the last).  Texts are
 * printable, and end in "..." if they were longer than 1000 bytes.  Not added: what is no object, what is in
 * the list already, more than 20 problems, and more than 200 subproblems of all of them.  RFC 7807 section
 * 3.1, RFC 8555 section 6.7.1. */
void problem_keep(struct json *list, const struct json *problem, const char *name);

/* "rateLimited" of "urn:ietf:params:acme:error:rateLimited"; any other type as it is; the caller frees. */
char *problem_type(const struct json *problem);

#endif
