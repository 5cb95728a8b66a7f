/* presented.h - the chain that a server presented: what is in it, and what it is worth to clients that
 * know CAs.
 * By OpenSSL, whose types stay inside.
 *
 * Everything is hostile: a certificate that cannot be parsed is an error, not a crash; texts are made
 * printable.  RFC 5280, RFC 6125 (names), RFC 7671 section 5 (which of it DANE looks at).
 */
#ifndef IO_PRESENTED_H
#define IO_PRESENTED_H

#include "base/buf.h"
#include "base/err.h"
#include "core/keytype.h"
#include "io/crypto.h"
#include "io/tls.h"

struct presented_cert {
	struct tls_der cert, spki;      /* DER of the whole, and of its SubjectPublicKeyInfo; owned */
	char    cert_sha256[SHA256_HEX_LEN + 1], cert_sha512[SHA512_HEX_LEN + 1];
	char    spki_sha256[SHA256_HEX_LEN + 1], spki_sha512[SHA512_HEX_LEN + 1];
	enum key_type type;
	char    key[32];                /* "RSA 2048", "ECDSA P-256", "Ed25519": for people */
	int64_t from_at, until_at;
	char    serial[48];             /* as in struct cert_info */
	char    subject[256], issuer[256];      /* printable ASCII, RFC 2253; may end in "..." */
	bool    self_signed;            /* issuer is subject */
	bool    is_ca;
	struct strv names;              /* dNSNames and addresses, as in struct cert_info; what is no name is
	                                 * left out */
};

struct presented {
	struct presented_cert *v;       /* as sent, leaf first */
	size_t n;
};

/* ERR_REFUSED: which certificate cannot be read, and why. */
int presented_read(struct presented *out, const struct tls_presented *from, struct err *e) NEEDS_CHECK;
void presented_free(struct presented *p);               /* accepts a zeroed one */

/* DER of a certificate with a key that can be used, or of such a key, and nothing behind it. */
bool presented_readable(const struct tls_der *der, bool is_key);
/* The digest of what the certificate or key (SubjectPublicKeyInfo) is in PEM: nobody should publish that. */
void presented_pem_sha256(char out[SHA256_HEX_LEN + 1], const struct tls_der *der, bool is_key);

/* A name of the leaf (wildcards as RFC 6125 6.4.3; the CN only if there is no SAN) is the given one: a host
 * name in A-labels, or an address. */
bool presented_names(const struct presented *p, const char *name);

enum presented_fault {
	PRESENTED_OK,
	PRESENTED_NOT_YET,              /* the first fault in this order, nearest to what must be done */
	PRESENTED_EXPIRED,
	PRESENTED_WRONG_NAME,
	PRESENTED_SELF_SIGNED,          /* of the leaf */
	PRESENTED_UNTRUSTED,            /* no way to a trusted CA: an intermediate is missing, or it is unknown */
	PRESENTED_OTHER,                /* purpose, constraints, weak signatures ... */
};

/* As a client that knows CAs sees it at `now`: the leaf is for one of the names (NULL: any will do).
 * ca_file: PEM bundle in place of the system's; NULL: the system's (and $SSL_CERT_FILE).  *why: one printable
 * line, NULL if OK; the caller frees.  Dates of all certificates on the way count, and RSA keys below 2048
 * bits and SHA-1 do not pass. */
enum presented_fault presented_verify(char **why, const struct presented *p, const struct strv *names,
				      const char *ca_file, int64_t now);

/* The same; if OK, *way is how the client went, from the leaf to the CA that it trusts, sent or not. */
enum presented_fault presented_path(char **why, struct presented *way, const struct presented *p,
				    const struct strv *names, const char *ca_file, int64_t now);

/* As a DANE client sees it that trusts one certificate or key and no CA (usage 2; RFC 7671 section 5.2): the
 * chain leads from the leaf to certificate `anchor` of it (0: the leaf itself), each signed by the next;
 * dates, constraints, purpose and names count.  Beyond the anchor nothing does. */
enum presented_fault presented_verify_to(char **why, const struct presented *p, size_t anchor,
					 const struct strv *names, int64_t now);
/* The same with a trust anchor that is not in the chain: the certificate of a 2 0 0 record (RFC 7671 5.2.3)
 * or the key of a 2 1 0 record, as DER. */
enum presented_fault presented_verify_with(char **why, const struct presented *p,
					   const struct tls_der *anchor, bool is_key,
					   const struct strv *names, int64_t now);

#endif
