/* session.h - a conversation with one CA: its directory, nonces, and signed requests, many side by
 * side.
 *
 * Everything that a CA answers is hostile until it was looked at: bodies and JSON depth are capped,
 * URLs must be https, texts are made printable.  RFC 8555 sections 6 (requests, nonces, errors) and
 * 7.1 (directory).
 */
#ifndef ACME_SESSION_H
#define ACME_SESSION_H

#include "io/crypto.h"
#include "io/http.h"
#include "io/json.h"

/* How long a CA that said no, and meant it for good, wants to be left alone: 429, 503 and rateLimited. */
struct rest {
	int64_t rest_for;               /* the longest Retry-After; -1: it has named none */
	bool    limited;                /* a rate limit */
};

struct session_config {
	const char *directory;          /* URL */
	const char *ca_file;            /* PEM bundle in place of the system's; NULL */
	int64_t     request_ms;         /* for one request */
	int64_t     run_ms;             /* for everything that is done with the session */
	/* both stay the caller's */
	struct rest *rest;              /* kept up to date, also if no session comes of it; NULL */
	struct json *problems;          /* a list of those that the CA sends (problem_keep), but for calls that are
					 * made again; also if no session comes of it; NULL */
};

struct session;

/* What the CA says of itself.  Texts are NULL, lists empty, where it says nothing. */
struct directory {
	char *new_nonce, *new_account, *new_order, *revoke_cert, *key_change, *renewal_info;
	char *terms;                    /* URL of the terms of service */
	struct strv identities;         /* names for CAA records */
	struct strv profiles;           /* names */
	struct strv descriptions;       /* of the profiles, in the same order */
	bool  eab_required;
};

/* Asks for the directory.  ERR_USAGE for a URL that is no https URL, ERR_LATER, ERR_REFUSED. */
int session_open(struct session **out, const struct session_config *c, struct err *e) NEEDS_CHECK;
void session_close(struct session *s);          /* NULL is fine */
const struct directory *session_directory(const struct session *s);
struct http *session_http(const struct session *s);

/* Who signs from now on.  Both stay the caller's.  url NULL: not known yet. */
void session_set_account(struct session *s, const struct key *key, const char *url);
const struct key *session_key(const struct session *s);
const char *session_account(const struct session *s);
/* Milliseconds left of the session's time; 0: none, or we were told to stop. */
int64_t session_left_ms(const struct session *s);
/* Waits, but not beyond the session's time or a signal; false if one of them ended the wait. */
bool session_wait(const struct session *s, int64_t ms);

/* Puts one that stands in an order, or in the authorization of a name, into the list; as problem_keep. */
void session_keep_problem(struct session *s, const struct json *problem, const char *name);

struct call {
	const char *url;
	const char *payload;            /* NULL: POST-as-GET */
	const struct key *key;          /* signs, and its public key stands in the message; NULL: the
	                                 * account signs */
	const char *accept;
	bool        once;               /* a lost reply is not asked for again: the caller finds out */
	bool        creates;            /* each time that it is done makes something new: a lost reply is asked
	                                 * for once more, and not twice */
	bool        judged;             /* a refusal may be all right: the caller keeps it if it is a problem */

	/* what came of it */
	int         status;             /* of the last reply; 0: none */
	struct err  err;                /* ERR_NONE for a status below 300.  ERR_LATER: not now (network,
	                                 * 5xx, a rate limit); ERR_REFUSED: the CA says no */
	char       *problem;            /* error type, "rateLimited" for the ones of RFC 8555, or ""; NULL: no
	                                 * problem document */
	struct json *problem_doc;       /* all of it; NULL */
	struct json *doc;               /* the JSON object of a good reply that has one; NULL */
	struct buf  body;               /* of a good reply */
	char       *location;
	struct strv links;              /* "REL URL" */
	int64_t     retry_after_for;    /* -1: none */
};

/* All side by side.  badNonce is tried again (RFC 8555 section 6.5), twenty times; a reply that is
 * lost or 5xx twice, unless `once`.  nonces_ahead: so many more nonces are fetched at the same time,
 * for the calls that come next. */
void session_call_all(struct session *s, struct call *c, size_t n, size_t nonces_ahead);
/* The same for one; the result is that of c->err. */
int session_call(struct session *s, struct call *c, struct err *e) NEEDS_CHECK;
/* Whether the CA has answered with that problem, "badNonce" for example. */
bool call_says(const struct call *c, const char *problem);
void calls_free(struct call *c, size_t n);      /* the results; not the array */

#endif
