/* jose.c - JSON Web Signatures as ACME wants them, by OpenSSL and io/json.
 *
 * Signatures are made as RFC 7518 section 3 says: r and s of ECDSA at the length of the field, one after
 * the other, where OpenSSL has DER; RSA by PKCS #1 v1.5.  What is signed is kept as text, and the same
 * text is sent, so no two ways to print JSON can differ.
 * Touches: private keys, in memory.
 */
#include "io/jose.h"

#include "base/mem.h"
#include "io/crypto_parts.h"
#include "io/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#define PAYLOAD_MAX ((size_t)1 << 20)
#define NUMBER_MAX  ((size_t)1024)              /* bytes: RSA of 8192 bits */

/* --- base64url --- */

void base64url_encode(struct buf *out, const void *bytes, size_t len)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = bytes;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			buf_add_char(out, digit[bits >> (have - 6) & 63]);
	}
	if (have)
		buf_add_char(out, digit[bits << (6 - have) & 63]);
}

/* 64: no digit. */
static unsigned digit_value(char c, bool lenient)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	if (c == '-' || (lenient && c == '+'))
		return 62;
	if (c == '_' || (lenient && c == '/'))
		return 63;
	return 64;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Moves text and len to the digits alone.  False: padding that is wrong. */
static bool strip(const char **text, size_t *len)
{
	size_t pad = 0;

	while (*len && is_blank((*text)[*len - 1]))
		--*len;
	while (*len && is_blank(**text)) {
		++*text;
		--*len;
	}
	while (*len && (*text)[*len - 1] == '=') {
		pad++;
		--*len;
	}
	return pad == 0 || (pad <= 2 && (*len + pad) % 4 == 0);
}

bool base64url_decode(struct buf *out, const char *text, size_t len, bool lenient)
{
	uint32_t bits = 0;
	unsigned have = 0;

	if ((lenient && !strip(&text, &len)) || len % 4 == 1)
		return false;
	for (size_t i = 0; i < len; i++)
		if (digit_value(text[i], lenient) == 64)
			return false;
	/* of the last digit 4 or 2 bits are left over, which must be 0 */
	if (len % 4 && digit_value(text[len - 1], lenient) & (len % 4 == 2 ? 15 : 3))
		return false;
	for (size_t i = 0; i < len; i++) {
		bits = bits << 6 | digit_value(text[i], lenient);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_add_char(out, (char)(bits >> have & 255));
		}
	}
	return true;
}

static void digest_text(char out[JOSE_DIGEST_LEN + 1], const void *bytes, size_t len)
{
	unsigned char raw[SHA256_LEN];
	struct buf text;

	crypto_digest(raw, bytes, len);
	buf_init(&text, JOSE_DIGEST_LEN);
	base64url_encode(&text, raw, sizeof(raw));
	memcpy(out, text.s, JOSE_DIGEST_LEN + 1);
	buf_free(&text);
}

void jose_digest(char out[JOSE_DIGEST_LEN + 1], const char *text)
{
	digest_text(out, text, strlen(text));
}

/* --- public keys --- */

/* What RFC 7518 says of the kinds of keys; field_len is of the numbers r, s, x and y, 0 for RSA. */
struct kind {
	const char *alg, *curve;
	int         field_len;
};

static const struct kind *kind_of(const struct key *k)
{
	static const struct kind ec_256 = { "ES256", "P-256", 32 };
	static const struct kind ec_384 = { "ES384", "P-384", 48 };
	static const struct kind rsa = { "RS256", NULL, 0 };

	switch (key_kind(k)) {
	case KEY_EC_256:
		return &ec_256;
	case KEY_EC_384:
		return &ec_384;
	case KEY_RSA_2048:
	case KEY_RSA_3072:
	case KEY_RSA_4096:
		return &rsa;
	case KEY_OTHER:
	case KEY_TYPE_N:
		break;
	}
	return NULL;
}

/* NULL: e is set. */
static const struct kind *need_kind(const struct key *k, struct err *e)
{
	const struct kind *kind = kind_of(k);

	if (!kind)
		err_set(e, ERR_LOCAL, "a key that is neither P-256, P-384 nor RSA of 2048, 3072 or 4096 bits "
			"cannot be an account's");
	return kind;
}

const char *jose_alg(const struct key *k)
{
	const struct kind *kind = kind_of(k);

	return kind ? kind->alg : NULL;
}

/* len 0: as long as the number is. */
static int put_number(struct json *to, const char *name, const struct key *k, const char *param, int len,
		      struct err *e)
{
	unsigned char raw[NUMBER_MAX];
	BIGNUM *n = NULL;
	struct buf text;
	bool ok = EVP_PKEY_get_bn_param(k->pkey, param, &n);

	if (ok && len == 0)
		len = BN_num_bytes(n);
	ok = ok && (size_t)len <= sizeof(raw) && BN_bn2binpad(n, raw, len) == len;
	BN_free(n);
	if (!ok)
		return crypto_error(e, "reading the public key");
	buf_init(&text, 2 * sizeof(raw));
	base64url_encode(&text, raw, (size_t)len);
	json_put_str(to, name, text.s);
	buf_free(&text);
	return 0;
}

/* NULL: e is set. */
static struct json *jwk(const struct key *k, const struct kind *kind, struct err *e)
{
	struct json *o = json_object();
	int rc;

	if (kind->curve) {
		json_put_str(o, "crv", kind->curve);
		json_put_str(o, "kty", "EC");
		rc = put_number(o, "x", k, OSSL_PKEY_PARAM_EC_PUB_X, kind->field_len, e);
		if (rc == 0)
			rc = put_number(o, "y", k, OSSL_PKEY_PARAM_EC_PUB_Y, kind->field_len, e);
	} else {
		rc = put_number(o, "e", k, OSSL_PKEY_PARAM_RSA_E, 0, e);
		json_put_str(o, "kty", "RSA");
		if (rc == 0)
			rc = put_number(o, "n", k, OSSL_PKEY_PARAM_RSA_N, 0, e);
	}
	ERR_clear_error();
	if (rc == 0)
		return o;
	json_free(o);
	return NULL;
}

int jose_jwk(struct buf *out, const struct key *k, struct err *e)
{
	const struct kind *kind = need_kind(k, e);
	struct json *o = kind ? jwk(k, kind, e) : NULL;

	if (!o)
		return -1;
	json_print(out, o, false);
	json_free(o);
	return out->over ? err_set(e, ERR_LOCAL, "a public key of more than %zu bytes", out->max) : 0;
}

int jose_thumbprint(char out[JOSE_DIGEST_LEN + 1], const struct key *k, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, 4 * NUMBER_MAX);
	rc = jose_jwk(&text, k, e);
	if (rc == 0)
		digest_text(out, text.s, text.len);
	buf_free(&text);
	return rc;
}

/* --- signatures --- */

/* Of DER: r and s, each at the length of the field. */
static int raw_ecdsa(struct buf *out, const unsigned char *der, size_t der_len, int field_len, struct err *e)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	unsigned char raw[2 * 48];
	bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, field_len) == field_len &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + field_len, field_len) == field_len;

	ECDSA_SIG_free(sig);
	if (!ok)
		return crypto_error(e, "reading an ECDSA signature");
	buf_add(out, raw, 2 * (size_t)field_len);
	return 0;
}

static int sign(struct buf *out, const struct key *k, const struct kind *kind, const struct buf *text,
		struct err *e)
{
	const EVP_MD *md = kind->field_len == 48 ? EVP_sha384() : EVP_sha256();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[NUMBER_MAX];
	size_t len = sizeof(sig);
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, k->pkey) == 1 &&
		  EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text->s, text->len) == 1;
	int rc = 0;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return crypto_error(e, "signing");
	if (kind->field_len)
		rc = raw_ecdsa(out, sig, len, kind->field_len, e);
	else
		buf_add(out, sig, len);
	ERR_clear_error();
	return rc;
}

/* A flattened JWS on its way. */
struct jws {
	struct buf protected, payload;          /* base64url */
	struct buf text;                        /* both with a dot: what is signed */
	struct buf signature;                   /* bytes */
};

static void jws_free(struct jws *j)
{
	buf_free(&j->protected);
	buf_free(&j->payload);
	buf_free(&j->text);
	buf_free(&j->signature);
}

/* Takes over header.  j is to be freed in any case. */
static int jws_begin(struct jws *j, struct json *header, const char *payload, struct err *e)
{
	struct buf text;
	bool over;

	buf_init(&text, PAYLOAD_MAX);
	buf_init(&j->protected, 2 * PAYLOAD_MAX);
	buf_init(&j->payload, 2 * PAYLOAD_MAX);
	buf_init(&j->text, 4 * PAYLOAD_MAX + 1);
	buf_init(&j->signature, NUMBER_MAX);
	json_print(&text, header, false);
	json_free(header);
	over = text.over || (payload && strlen(payload) > PAYLOAD_MAX);
	if (!over && payload)
		base64url_encode(&j->payload, payload, strlen(payload));
	base64url_encode(&j->protected, text.s, text.len);
	buf_free(&text);
	buf_addf(&j->text, "%s.%s", j->protected.s, j->payload.s);
	return over ? err_set(e, ERR_LOCAL, "signing: longer than %zu bytes", PAYLOAD_MAX) : 0;
}

static int jws_end(struct buf *out, const struct jws *j, struct err *e)
{
	struct json *o = json_object();
	struct buf text;

	buf_init(&text, 2 * NUMBER_MAX);
	base64url_encode(&text, j->signature.s, j->signature.len);
	json_put_str(o, "protected", j->protected.s);
	json_put_str(o, "payload", j->payload.s);
	json_put_str(o, "signature", text.s);
	json_print(out, o, false);
	json_free(o);
	buf_free(&text);
	return out->over ? err_set(e, ERR_LOCAL, "signing: longer than %zu bytes", out->max) : 0;
}

int jose_sign(struct buf *out, const struct key *k, const struct jose_header *h, const char *payload,
	      struct err *e)
{
	const struct kind *kind = need_kind(k, e);
	struct json *header, *public = kind && !h->kid ? jwk(k, kind, e) : NULL;
	struct jws j;
	int rc;

	if (!kind || (!h->kid && !public))
		return -1;
	header = json_object();
	json_put_str(header, "alg", kind->alg);
	if (public)
		json_put(header, "jwk", public);
	else
		json_put_str(header, "kid", h->kid);
	if (h->nonce)
		json_put_str(header, "nonce", h->nonce);
	json_put_str(header, "url", h->url);
	rc = jws_begin(&j, header, payload, e);
	if (rc == 0)
		rc = sign(&j.signature, k, kind, &j.text, e);
	if (rc == 0)
		rc = jws_end(out, &j, e);
	jws_free(&j);
	return rc;
}

static const struct {
	const char *alg, *digest;
} macs[] = {
	[JOSE_HS256] = { "HS256", "SHA256" },
	[JOSE_HS384] = { "HS384", "SHA384" },
	[JOSE_HS512] = { "HS512", "SHA512" },
};

bool jose_mac_parse(const char *s, enum jose_mac *out)
{
	for (size_t i = 0; i < ARRAY_LEN(macs); i++) {
		if (strcmp(macs[i].alg, s) != 0)
			continue;
		*out = (enum jose_mac)i;
		return true;
	}
	return false;
}

int jose_sign_mac(struct buf *out, enum jose_mac alg, const void *mac_key, size_t mac_key_len,
		  const char *kid, const char *url, const char *payload, struct err *e)
{
	struct json *header;
	struct jws j;
	int rc;

	if (mac_key_len == 0)
		return err_set(e, ERR_LOCAL, "an empty MAC key");
	header = json_object();
	json_put_str(header, "alg", macs[alg].alg);
	json_put_str(header, "kid", kid);
	json_put_str(header, "url", url);
	rc = jws_begin(&j, header, payload, e);
	if (rc == 0)
		rc = crypto_hmac(&j.signature, macs[alg].digest, mac_key, mac_key_len, &j.text, e);
	if (rc == 0)
		rc = jws_end(out, &j, e);
	jws_free(&j);
	return rc;
}
