/* http.h - requests by libcurl, many side by side over few connections (HTTP/2 where it is offered); its
 * types stay inside.
 *
 * For a CA: https only, certificates verified, redirects refused (RFC 8555 section 6.1).  For a look at our
 * own challenge as the CA sees it: http too, redirects followed, certificates not verified (`probe`).
 * Proxies as curl takes them from the environment (https_proxy, no_proxy).
 */
#ifndef IO_HTTP_H
#define IO_HTTP_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;

struct http_config {
	const char *user_agent;         /* " libcurl/7.88.1" is put behind it */
	const char *ca_file;            /* PEM bundle in place of the system's; NULL: $SSL_CERT_FILE, or the
	                                 * system's */
	bool        probe;
	bool        plain;              /* http too, past any proxy: for what listens on this host.  The caller
	                                 * sees to it that nothing else is asked so */
	bool        discreet;           /* errors name no more of a URL than its host: the rest is a secret */
	size_t      body_max;           /* a longer body is an error */
	unsigned    in_flight;          /* requests at one time */
};
int http_new(struct http **h, const struct http_config *c, struct err *e) NEEDS_CHECK;
void http_drop(struct http *h);         /* closes the connections; NULL is fine */

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST };

struct http_request {
	enum http_method method;
	const char *url;
	const char *content_type;       /* of the payload; NULL: none */
	const char *accept;             /* NULL: anything */
	const char *language;           /* Accept-Language; NULL: none */
	const char *authorization;      /* NULL: none */
	const void *payload;           /* what a POST sends */
	size_t      payload_len;
	int64_t     limit_ms;           /* for the whole request, from when it is one of those in flight */
	const char *resolve_to;         /* connect to this "192.0.2.1" or "[2001:db8::1]:8080" (without a port:
	                                 * to the URL's) whatever the host in the URL is; NULL: look it up.
	                                 * Another host that it redirects to is looked up */

	/* what came of it; whatever stood there is overwritten */
	int         status;             /* 0: there was no answer: err says why */
	struct err  err;                /* ERR_LATER: not reached, or not in time; ERR_REFUSED: the certificate,
	                                 * a redirect, an answer that is too large or no HTTP; ERR_USAGE: the
	                                 * URL; ERR_LOCAL: libcurl cannot do it.  ERR_NONE whenever there is
	                                 * a status.  Text names the host */
	struct buf  body;
	char       *media_type;         /* lower case, without parameters; NULL: none */
	char       *nonce;              /* Replay-Nonce, if it is base64url; NULL: none */
	char       *location;           /* absolute; NULL: none */
	struct strv links;              /* "REL URL" for each relation of each Link header, URL absolute */
	int64_t     retry_after_for;    /* seconds, of both forms of Retry-After; -1: none */
	int64_t     date_at;            /* Date; 0: none */
};

/* Returns when all are done, or the time of each is up, or we were told to stop (proc_stopping). */
void http_send_all(struct http *h, struct http_request *r, size_t n);
void http_requests_free(struct http_request *r, size_t n);      /* the results; not the array */

#endif
