/* crypto.h - keys and certificates by OpenSSL; its types stay inside (io/jose and io/request share them).
 *
 * Private keys leave this file only as PEM in a buffer that the caller wipes.  Nothing here prints
 * or logs a secret.  All errors are ERR_LOCAL.
 */
#ifndef IO_CRYPTO_H
#define IO_CRYPTO_H

#include "base/buf.h"
#include "base/err.h"
#include "core/keytype.h"

#include <stdbool.h>
#include <stdint.h>

struct key;
struct cert;

#define SHA256_HEX_LEN 64
#define SHA512_HEX_LEN 128

struct spki_digests {
	char sha256[SHA256_HEX_LEN + 1];        /* lower-case hex of the digest of */
	char sha512[SHA512_HEX_LEN + 1];        /* SubjectPublicKeyInfo (RFC 6698 selector 1) */
};

struct key *key_make(enum key_type t, struct err *e);   /* not KEY_OTHER */
/* The first private key of a PEM text, in any form that OpenSSL reads (PKCS#8, PKCS#1, SEC1 ...);
 * what stands around it is passed over.  Encrypted: an error that says so, and nobody is asked.
 * That the private and the public part belong together is not checked. */
struct key *key_parse(const char *pem, size_t len, struct err *e);
void key_free(struct key *k);                           /* NULL is fine */
int key_write(struct buf *pem_out, const struct key *k, struct err *e) NEEDS_CHECK;    /* PKCS#8 */
enum key_type key_kind(const struct key *k);    /* EC on a curve without a name is KEY_OTHER */
/* Never the digest of nothing: fails instead. */
int key_spki(struct spki_digests *out, const struct key *k, struct err *e) NEEDS_CHECK;

/* A self-signed leaf: X.509 v3, random 128-bit serial, CN = first name that is no IP address if it
 * fits 64 bytes (else O = certline: an issuer must not be empty), all names as SAN: addresses (of IPv4
 * or IPv6, without port and brackets) as iPAddress, others as dNSName.  CA:FALSE, digitalSignature
 * (and keyEncipherment for RSA), serverAuth + clientAuth, SKI.  Signed with SHA-256, or SHA-384 for
 * P-384.  Valid from not_before_at to not_after_at inclusive, within the years 0 to 9999.  At least
 * one name, visible ASCII without blanks; other rules for names are core/names' business. */
struct cert *cert_self_sign(const struct key *k, const struct strv *names, int64_t not_before_at,
			    int64_t not_after_at, struct err *e);
/* The first certificate of a PEM text, whatever stands before it; *rest, if not NULL and there is
 * one, gets what follows its END line (points into pem, and is pem + len if nothing does). */
struct cert *cert_parse(const char *pem, size_t len, const char **rest, struct err *e);
void cert_free(struct cert *c);
int cert_write(struct buf *pem_out, const struct cert *c, struct err *e) NEEDS_CHECK;

struct cert_info {
	int64_t not_before_at;
	int64_t not_after_at;
	char    serial[48];             /* lower-case hex, "-" before it if negative */
	char    sha256[SHA256_HEX_LEN + 1];     /* fingerprint of the DER */
	char    issuer[256];            /* printable ASCII, RFC 2253; may end in "..." */
	bool    self_signed;            /* issuer is subject */
	struct strv names;              /* dNSNames, lower case, and iPAddresses, as RFC 5952 writes
	                                 * them; sorted, each once; the CN if there is no SAN and
	                                 * the CN has no blanks */
	struct spki_digests spki;
};

/* A name with a NUL, a blank or a byte that is not ASCII is an error, and so is an iPAddress of neither
 * 4 nor 16 bytes; out needs no freeing then. */
int cert_inspect(struct cert_info *out, const struct cert *c, struct err *e) NEEDS_CHECK;
/* The digests of the certificate's SubjectPublicKeyInfo and of itself, whatever names it has (a CA's). */
int cert_anchor(char spki[SHA256_HEX_LEN + 1], char whole[SHA256_HEX_LEN + 1], const struct cert *c,
		struct err *e) NEEDS_CHECK;
void cert_info_free(struct cert_info *i);               /* a zeroed one is fine */
/* The same SubjectPublicKeyInfo byte by byte, so that both have the same TLSA records. */
bool cert_matches_key(const struct cert *c, const struct key *k);

/* What OpenSSL does when it meets its first key, a few milliseconds of work: once, before children are
 * started that would each do it.  Nobody must. */
void crypto_prepare(void);

uint16_t crypto_draw(void);             /* uniform */
/* Fills out with len random bytes from the system's generator; cannot fail (ends the program). */
void crypto_random(unsigned char *out, size_t len);

/* Adds the HMAC of the text; digest_name: "SHA256", as OpenSSL calls it. */
int crypto_hmac(struct buf *out, const char *digest_name, const void *mac_key, size_t mac_key_len,
		const struct buf *text, struct err *e) NEEDS_CHECK;
/* Takes the same time wherever they differ. */
bool crypto_same(const void *a, const void *b, size_t len);

/* SHA-256 in lower-case hex of a text (fingerprints of what was written; not for keys). */
void crypto_sha256(char out[SHA256_HEX_LEN + 1], const void *bytes, size_t len);

#endif
