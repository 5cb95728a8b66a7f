/* tls.h - TLS as a client by OpenSSL: one handshake over a connected socket, and what the server presented.
 * OpenSSL's types stay inside.  For a poll loop: the socket is non-blocking, and the caller's.
 *
 * Nothing is verified here but the server's signature (it has the private key of the leaf): whether the
 * chain is worth something is io/presented.h and tls/dane.h.  TLS 1.0 to 1.3, whatever the system's
 * configuration of OpenSSL says, since an old server is to be diagnosed and not to be passed over.
 * RFC 8446, RFC 5246, RFC 6066 section 3 (server name).
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* Which keys the server may present: one that has several shows the others to nobody but those who ask. */
enum tls_offer { TLS_OFFER_ANY, TLS_OFFER_RSA, TLS_OFFER_ECDSA, TLS_OFFER_EDDSA, TLS_OFFER_N };
const char *tls_offer_name(enum tls_offer o);           /* "any", "RSA", "ECDSA", "EdDSA" */

/* Certificates as the server sent them, the leaf first; owned. */
struct tls_der {
	unsigned char *v;
	size_t         len;
};
#define TLS_CERTS_MAX 20
struct tls_presented {
	struct tls_der *certs;
	size_t          n;
	char            protocol[16];   /* "TLSv1.3" */
};
void tls_presented_free(struct tls_presented *p);       /* accepts a zeroed one */

struct tls_client;
/* sni: server name, NULL or an address: none is sent.  alpn: one protocol, or NULL.  NULL: out of memory or
 * the like. */
struct tls_client *tls_client_new(int fd, const char *sni, enum tls_offer o, const char *alpn);
/* Bytes that were read from the socket beyond a STARTTLS dialog belong to nobody: RFC 3207 section 4.2 and
 * its kin; the caller calls them an error. */
enum tls_wants { TLS_READ, TLS_WRITE, TLS_DONE, TLS_FAILED };
enum tls_wants tls_client_step(struct tls_client *c);   /* after DONE and FAILED: take and close only */
/* After DONE. */
void tls_client_take(struct tls_presented *out, struct tls_client *c);
/* After FAILED. */
enum tls_fault {
	TLS_FAULT_OTHER,
	TLS_FAULT_REFUSED,              /* it has no key of the kind that was offered: an alert that says so
	                                 * (handshake_failure, insufficient_security, ...), or it took another */
	TLS_FAULT_NOT_TLS,              /* what came is no TLS */
	TLS_FAULT_CLOSED,               /* the connection ended */
};
/* One printable line without "error:0A..."; the caller frees. */
char *tls_client_why(const struct tls_client *c, enum tls_fault *kind);
void tls_client_close(struct tls_client *c);            /* sends close_notify if it can at once; fd stays
	                                                 * open */

#endif
