/* jose.h - JSON Web Signatures as ACME wants them, by OpenSSL and io/json.
 *
 * RFC 7515 (JWS, flattened JSON), RFC 7517, RFC 7518 (ES256, ES384, RS256: fixed-length raw signatures),
 * RFC 7638 (thumbprints), RFC 4648 section 5 (base64url), RFC 8555 sections 6.2 and 7.3.4.
 * All errors are ERR_LOCAL, unless said otherwise.
 */
#ifndef IO_JOSE_H
#define IO_JOSE_H

#include "base/buf.h"
#include "base/err.h"
#include "io/crypto.h"

#define JOSE_DIGEST_LEN 43              /* base64url of SHA-256 */

/* base64url without padding. */
void base64url_encode(struct buf *out, const void *bytes, size_t len);
/* Strict: no padding, no blanks, no other alphabet, no stray bits.  Lenient, for what people paste: padding,
 * blanks around it and the standard alphabet too.  False, out alone, if it is none. */
bool base64url_decode(struct buf *out, const char *text, size_t len, bool lenient);

/* base64url(SHA-256(text)): the value of a dns-01 record from a key authorization. */
void jose_digest(char out[JOSE_DIGEST_LEN + 1], const char *text);

/* "ES256", "ES384", "RS256"; NULL: no account key can be of that kind. */
const char *jose_alg(const struct key *k);
/* The public key, members in the order of RFC 7638, no blanks. */
int jose_jwk(struct buf *out, const struct key *k, struct err *e) NEEDS_CHECK;
int jose_thumbprint(char out[JOSE_DIGEST_LEN + 1], const struct key *k, struct err *e) NEEDS_CHECK;

struct jose_header {
	const char *url;
	const char *nonce;              /* NULL: none (inner signatures) */
	const char *kid;                /* account URL; NULL: the public key itself stands there */
};
/* {"protected":..,"payload":..,"signature":..}; payload NULL: the empty text of POST-as-GET. */
int jose_sign(struct buf *out, const struct key *k, const struct jose_header *h, const char *payload,
	      struct err *e) NEEDS_CHECK;

enum jose_mac { JOSE_HS256, JOSE_HS384, JOSE_HS512 };
bool jose_mac_parse(const char *s, enum jose_mac *out);         /* "HS256" */
/* External account binding: the payload signed with a MAC key that the CA gave out. */
int jose_sign_mac(struct buf *out, enum jose_mac alg, const void *mac_key, size_t mac_key_len,
		  const char *kid, const char *url, const char *payload, struct err *e) NEEDS_CHECK;

#endif
