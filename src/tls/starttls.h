/* starttls.h - the talk before TLS, as a machine without a network: bytes in, bytes out.
 *
 * RFC 3207 (SMTP), 2033 (LMTP), 2595 and 9051 (IMAP, POP3), 5804 (ManageSieve), 6120 (XMPP), 4217 (FTP),
 * 4511 (LDAP), 4642 (NNTP); PostgreSQL's SSLRequest, MySQL's handshake packet.
 * Everything that a server says is hostile: lines and replies have limits, and nothing may follow the
 * go-ahead (a response that was injected into the clear).
 */
#ifndef TLS_STARTTLS_H
#define TLS_STARTTLS_H

#include "base/buf.h"

enum starttls {
	STARTTLS_NONE,                  /* TLS from the first byte */
	STARTTLS_SMTP,
	STARTTLS_LMTP,
	STARTTLS_IMAP,
	STARTTLS_POP3,
	STARTTLS_SIEVE,
	STARTTLS_XMPP_CLIENT,
	STARTTLS_XMPP_SERVER,
	STARTTLS_FTP,
	STARTTLS_LDAP,
	STARTTLS_NNTP,
	STARTTLS_POSTGRES,
	STARTTLS_MYSQL,
	STARTTLS_N,
};
const char *starttls_name(enum starttls s);             /* "smtp", "xmpp-client"; "none" */
bool starttls_parse(const char *name, enum starttls *s);
/* What is usual at a port: 25, 587: SMTP, 143: IMAP, ...; NONE for all others. */
enum starttls starttls_of_port(unsigned port);
/* What somebody speaks who says this first, where TLS was expected; NONE: that cannot be told. */
enum starttls starttls_of_greeting(const char *line);

struct starttls_talk {
	enum starttls how;
	const char   *domain;           /* of the service, for XMPP's "to" */
	const char   *own_name;         /* what EHLO says */
	/* the rest is starttls.c's */
	int           state;
	bool          offered;          /* STARTTLS was among what the server can do */
	unsigned      lines;
	size_t        total;            /* bytes */
	struct buf    in;               /* what was not understood yet */
	char         *why;              /* MISSING, BUSY and FAILED: what the server said, one printable line */
};

enum starttls_next {
	STARTTLS_MORE,                  /* send what was put into `out`, then hand in what comes */
	STARTTLS_GO,                    /* begin with TLS, when `out` is sent */
	STARTTLS_MISSING,               /* the server speaks the protocol, and does not offer it */
	STARTTLS_BUSY,                  /* it wants nobody for now, and says so: 421, BYE */
	STARTTLS_FAILED,                /* it does not, or said no */
};
void starttls_begin(struct starttls_talk *t, enum starttls how, const char *domain, const char *own_name);
/* The first call has len 0: before anything came. */
enum starttls_next starttls_step(struct starttls_talk *t, const char *bytes, size_t len, struct buf *out);
void starttls_end(struct starttls_talk *t);

#endif
