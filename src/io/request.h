/* request.h - what is asked of a CA, and whether what it gave is that: certificate requests, chains.
 *
 * Names are DNS names (wildcards too) or IP addresses in their canonical form (RFC 5952).
 * RFC 2986 (PKCS #10), RFC 5280, RFC 8555 sections 7.4 and 9.1, RFC 8737 section 3, RFC 8738, RFC 9773 4.1.
 */
#ifndef IO_REQUEST_H
#define IO_REQUEST_H

#include "io/crypto.h"

/* DER of a request signed by k: names as subjectAltName and an empty subject, or one with the first of the
 * names that fits into 64 bytes (RFC 5280 appendix A.1) as its common name.  ERR_LOCAL. */
int request_make(struct buf *der, const struct key *k, const struct strv *names, bool common_name,
		 struct err *e) NEEDS_CHECK;

/* What a CA sent: leaf first, each signed by the next. */
struct chain {
	struct cert **v;
	size_t        n;
};
#define CHAIN_MAX 10

/* A PEM text of 1 to CHAIN_MAX certificates and nothing else (blank lines aside): each is signed by the next
 * and names it as its issuer.  ERR_REFUSED, with what is wrong. */
int chain_parse(struct chain *out, const char *pem, size_t len, struct err *e) NEEDS_CHECK;
void chain_free(struct chain *c);
/* The leaf is for this key and exactly these names (in any order; names that are neither of DNS nor addresses
 * are not looked at), a server may present it, and it is valid at `now` (an hour's difference of clocks is
 * allowed at its beginning).  ERR_REFUSED. */
int chain_check(const struct chain *c, const struct key *k, const struct strv *names, int64_t now,
		struct err *e) NEEDS_CHECK;
/* PEM of certificates from index `from` on; nothing if there are none.  ERR_LOCAL. */
int chain_write(struct buf *pem, const struct chain *c, size_t from, struct err *e) NEEDS_CHECK;
/* `wanted` is the common name of an issuer in the chain (of its last certificate too), or the SHA-256
 * fingerprint of one of its certificates, but for the leaf, in hex, with or without colons.  How far from the
 * end of the chain that is: 0: the last certificate, or who signed it; -1: nowhere. */
int chain_leads_to(const struct chain *c, const char *wanted);

/* ERR_LOCAL. */
int cert_der(struct buf *out, const struct cert *c, struct err *e) NEEDS_CHECK;
/* The identifier of RFC 9773 4.1, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"; NULL if there can be none.  The
 * caller frees. */
char *cert_renewal_id(const struct cert *c);

/* The answer to tls-alpn-01: self-signed, one name or address, critical acmeIdentifier with SHA-256 of the
 * key authorization. */
struct cert *cert_alpn_answer(const struct key *k, const char *name, const char *key_authorization,
			      int64_t now, struct err *e);
/* What a CA says in SNI for that name: the name, or for an address its reverse name (RFC 8738 section 6).
 * The caller frees. */
char *alpn_server_name(const char *name);

/* One TLS server connection that offers acme-tls/1 and presents one of several answers, by SNI.  For a
 * poll loop: the socket is non-blocking.  The answers outlive their connections; a second one for a server
 * name takes the place of the first. */
struct alpn_answers;
struct alpn_answers *alpn_answers_new(void);            /* NULL: out of memory or the like */
int alpn_answers_add(struct alpn_answers *a, const char *server_name, const struct key *k,
		     const struct cert *c, struct err *e) NEEDS_CHECK;
void alpn_answers_free(struct alpn_answers *a);
struct alpn_connection;
struct alpn_connection *alpn_accept(struct alpn_answers *a, int fd);    /* NULL: the same */
enum alpn_wants { ALPN_READ, ALPN_WRITE, ALPN_DONE };
enum alpn_wants alpn_step(struct alpn_connection *c);   /* after ALPN_DONE only alpn_close */
void alpn_close(struct alpn_connection *c);             /* fd is the caller's to close */

#endif
