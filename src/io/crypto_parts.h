/* crypto_parts.h - what crypto.c, jose.c, presented.c and request.c share of OpenSSL; nobody else includes
 * it.
 *
 * As everywhere here: whoever calls into OpenSSL leaves its error queue empty.
 */
#ifndef IO_CRYPTO_PARTS_H
#define IO_CRYPTO_PARTS_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct key {
	EVP_PKEY *pkey;
};

struct cert {
	X509 *x509;
};

#define SHA256_LEN 32

/* Sets e to what and OpenSSL's first reason, which is the one nearest to the cause.  ERR_LOCAL. */
int crypto_error(struct err *e, const char *what);
void crypto_digest(unsigned char out[SHA256_LEN], const void *bytes, size_t len);      /* SHA-256 */
void crypto_hex_digest(char *out, const EVP_MD *md, const void *bytes, size_t len);    /* lower case */
/* What certificates and requests are signed with.  NULL is what OpenSSL wants for Ed25519 and Ed448,
 * whose digest is built in; the queue may have something in it afterwards. */
const EVP_MD *crypto_signing_digest(const struct key *k);

/* 4 or 16, if name is an IP address without a port and brackets; else 0. */
size_t crypto_address(unsigned char out[16], const char *name);
/* As cert_inspect writes it: lower case; an address as RFC 5952 wants it.  The caller frees. */
char *crypto_name(const char *name);
void crypto_names_tidy(struct strv *names);     /* sorted, each once */
/* At least one, and each a visible ASCII text. */
int crypto_check_names(const struct strv *names, struct err *e) NEEDS_CHECK;
/* Values of subjectAltName: dNSName, or iPAddress for an address.  NULL: OpenSSL failed. */
GENERAL_NAMES *crypto_general_names(const struct strv *names);
/* Adds the names of x's subjectAltName; 1: done, 0: there is no such extension, -1: it is bad. */
int crypto_alt_names(struct strv *names, const X509 *x, struct err *e) NEEDS_CHECK;

/* The same for one value of it; 0 and nothing added: it is neither a dNSName nor an iPAddress. */
int crypto_alt_name(struct strv *names, int type, const ASN1_STRING *s, struct err *e) NEEDS_CHECK;
/* Adds the most specific common name, if it looks like a name of DNS. */
int crypto_common_name(struct strv *names, const X509 *x, struct err *e) NEEDS_CHECK;

/* Parts of a certificate as struct cert_info has them; `what` is for the error. */
#define CRYPTO_SERIAL_LEN 48
#define CRYPTO_NAME_LEN 256
int crypto_time(int64_t *out_at, const ASN1_TIME *t, const char *what, struct err *e) NEEDS_CHECK;
int crypto_serial(char out[CRYPTO_SERIAL_LEN], const X509 *x, struct err *e) NEEDS_CHECK;
int crypto_name_text(char out[CRYPTO_NAME_LEN], const X509_NAME *name, struct err *e) NEEDS_CHECK;

/* A certificate as cert_self_sign makes them, before it is signed; NULL: e is set. */
X509 *crypto_leaf(const struct key *k, const struct strv *names, int64_t not_before_at,
		  int64_t not_after_at, struct err *e);
/* Signs x with k and takes it over, also when it fails. */
struct cert *crypto_seal(X509 *x, const struct key *k, struct err *e);

#endif
