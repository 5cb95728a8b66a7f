/* test_jose.c - JSON Web Signatures: against the examples of the RFCs, OpenSSL's own verification, and the
 * `jose` command if it is there.
 * Touches: tests/data/pem (reads; so it is run from the top of the source); a new folder in $TMPDIR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/jose.h"
#include "io/json.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#define DATA "tests/data/pem/"

/* The key of RFC 7517 appendix A.2, whose public part is that of RFC 7638 section 3.1. */
static const char rfc_key[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDS/HtqCh5sZxBK\n"
	"64+Isldmm032ed2tCZtcSmzZqIAVtaEzvwuFbHhxtt8AC1VPzrPC7VErto8UXG6E\n"
	"NHUvq1Khz8EkQI95tYpFeMFkKIVXifeiSeOEyy2fri1n/Zb7kmwZjgdzmf3IFcCv\n"
	"CX3eWq3v9E3nDoJ/SHhDJDm/7rlgaNBHT8UNbZC/OpjfrxBAyJwC1pKrOzwolmCd\n"
	"hv1zt3TOB0BkfO7qoxC9EvmFqOufWf3UJs6lshIPTyo0vKt2S35sVNaEAji8xAWH\n"
	"pZ5m7R8ziUV3Y1xHCvdc+Swg0dpD4b/EGeIipvDQuzWMXjj5ywUK6v6QSBTxrBqk\n"
	"nMqeoMqDAgMBAAECggEAX4cTteJY/gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoV\n"
	"H+HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT\n"
	"0/YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy/nHNKroADIkJ46pRUohsXywbReAdYaM\n"
	"wFs9tv8d/cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2j\n"
	"x4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL+Us2lG\n"
	"VkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8QKBgQDzeL7si8wZegxcKyS/\n"
	"vdMqvzrfsWI7tnbvO/yiPqltZRDIs9AFDG09WfAPbRH7rR5MOYPa6Ocy3k+ioyub\n"
	"xF+Y2FVYO2OMyYIyM6lJeJwUePtc65UhhDKpVaVYSHp03foZVliT3c3wFz29jjXH\n"
	"LwH1HPM4ZVDNe80S+fs7SdVt+wKBgQDd185H1y5ir7RL6aQUvOAi2AwR8XMHareF\n"
	"Z6Ey4bSgK6qdve+hsvK6aqNVlA7V0it3CBOcJ2ljMFw59bmvfvQAVeOJZ+380YSK\n"
	"i+ieLOEqmj1VVLvxPMWDGQh2t5xF7Oxn7WRh3+zWoNvG2QMSB8AhMAb0tScAO6fi\n"
	"8hxvrJ6XGQKBgBuLD15HOmGvcvKCVvfyC4+MbqabtJc4vx+1U5EvMY+UnV93KBNK\n"
	"IpmMMSItnpkwLntFDmuXaYBRsgSeHPLUNlReNNl0boCg0z/GpGIRaObQAO+0HvzZ\n"
	"rbmGXNwt5tyNuBthr0ebEg8VMgDds6vC35/RFJrOq2Nzm/GHoipE4gY9AoGBALPZ\n"
	"QB/X4IAbKBUfDmnNkfxNoMNvNq09pBjgIbyJZRExNXn6wOoblFLzHwXDKZ/Janlu\n"
	"r8852GOUkkBe6THQv2oCN5xvCG6dQVG9CVIq2kTalHy4XEG/3fRheA4e3u+Fm0bK\n"
	"G0aJ7o02DdcQmj+kzutY71q1/i9fLcV8OPeEP3IJAoGAGyM/p6JrXySiz1toFgKb\n"
	"WV+JdI3jQ4ypu9rbMWx3rQJBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa+Bk0KWNG\n"
	"DjJHZDdDmFhW3AN7lI+puxk/mHZGJ11rxyR8O55XLSe3SPmRfKwZI6yU24ZxvQKF\n"
	"YItdldUKGzO6Ia6zTKhAVRU=\n"
	"-----END PRIVATE KEY-----\n";

#define RFC_N \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE" \
	"CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q" \
	"vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6" \
	"WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

/* After every test: nothing may be left in OpenSSL's queue. */
static int queue_is_empty(void **state)
{
	(void)state;
	return ERR_peek_error() ? -1 : 0;
}

static struct key *parse_key(const char *pem)
{
	struct err e = { 0 };
	struct key *k = key_parse(pem, strlen(pem), &e);

	if (!k)
		fail_msg("%s", e.text);
	return k;
}

static struct key *load_key(const char *name)
{
	char *path = mem_format(DATA "good/%s.pem", name), pem[8192] = "";
	FILE *f = fopen(path, "r");
	struct key *k;

	if (!f || fread(pem, 1, sizeof(pem) - 1, f) == 0)
		fail_msg("%s cannot be read", path);
	fclose(f);
	free(path);
	k = parse_key(pem);
	return k;
}

static struct key *make_key(enum key_type t)
{
	struct err e = { 0 };
	struct key *k = key_make(t, &e);

	if (!k)
		fail_msg("%s", e.text);
	return k;
}

/* The same key for OpenSSL. */
static EVP_PKEY *pkey_of(const struct key *k)
{
	struct err e = { 0 };
	struct buf pem;
	EVP_PKEY *pkey;
	BIO *bio;

	buf_init(&pem, 1 << 16);
	assert_int_equal(key_write(&pem, k, &e), 0);
	bio = BIO_new_mem_buf(pem.s, (int)pem.len);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(pkey);
	BIO_free(bio);
	buf_wipe(&pem);
	return pkey;
}

/* --- base64url --- */

static void encodes_base64url(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} rows[] = {
		/* RFC 4648 section 10, without padding */
		{ "", 0, "" }, { "f", 1, "Zg" }, { "fo", 2, "Zm8" }, { "foo", 3, "Zm9v" },
		{ "foob", 4, "Zm9vYg" }, { "fooba", 5, "Zm9vYmE" }, { "foobar", 6, "Zm9vYmFy" },
		/* RFC 7515 appendix C */
		{ "\x03\xec\xff\xe0\xc1", 5, "A-z_4ME" },
		{ "\0\0\0", 3, "AAAA" }, { "\xff\xff\xff\xff", 4, "_____w" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf b;

		buf_init(&b, 100);
		base64url_encode(&b, rows[i].bytes, rows[i].len);
		assert_string_equal(b.s, rows[i].text);
		buf_clear(&b);
		assert_true(base64url_decode(&b, rows[i].text, strlen(rows[i].text), false));
		assert_int_equal(b.len, rows[i].len);
		assert_memory_equal(b.s, rows[i].bytes, b.len);
		buf_free(&b);
	}
}

static void encodes_what_openssl_encodes(void **state)
{
	unsigned char raw[256];
	char theirs[400];
	struct buf b;

	(void)state;
	for (size_t len = 0; len <= sizeof(raw); len++) {
		crypto_random(raw, len);
		EVP_EncodeBlock((unsigned char *)theirs, raw, (int)len);
		for (char *p = theirs; *p; p++)
			*p = *p == '+' ? '-' : *p == '/' ? '_' : *p == '=' ? '\0' : *p;
		buf_init(&b, 1000);
		base64url_encode(&b, raw, len);
		assert_string_equal(b.s, theirs);
		buf_clear(&b);
		assert_true(base64url_decode(&b, theirs, strlen(theirs), false));
		assert_int_equal(b.len, len);
		assert_memory_equal(b.s, raw, len);
		buf_free(&b);
	}
}

static void decodes_strictly_or_leniently(void **state)
{
	static const struct {
		const char *text;
		const char *strict, *lenient;   /* NULL: refused */
	} rows[] = {
		{ "Zm9vYg", "foob", "foob" },
		{ "Zm9vYg==", NULL, "foob" },
		{ "Zm9vYmE=", NULL, "fooba" },
		{ "Zm9v", "foo", "foo" },
		{ "", "", "" },
		{ " \t\r\n", NULL, "" },
		{ "\n Zm9vYg== \r\n", NULL, "foob" },
		{ "Pj4_Pz8", ">>???", ">>???" },
		{ "Pj4/Pz8", NULL, ">>???" },
		{ "fn5-fn4", "~~~~~", "~~~~~" },
		{ "fn5+fn4=", NULL, "~~~~~" }, { "fn5+fn4", NULL, "~~~~~" },
		{ "Zm9vYg=", NULL, NULL },       /* padding that is wrong */
		{ "Zm9vYg===", NULL, NULL },
		{ "Zm9v=", NULL, NULL },
		{ "Zm9v====", NULL, NULL },
		{ "=", NULL, NULL }, { "==", NULL, NULL },
		{ "Zm9v Yg", NULL, NULL },       /* a blank within */
		{ "Zm9vYg== ==", NULL, NULL },
		{ "Zm9vY", NULL, NULL }, { "Z", NULL, NULL },
		{ "Zh", NULL, NULL },            /* stray bits: 'h' is 100001 */
		{ "Zm9", NULL, NULL },           /* '9' is 111101 */
		{ "Zm9vYh==", NULL, NULL },
		{ "Zm9v!m9v", NULL, NULL }, { "Zm9\xc3", NULL, NULL }, { "Zm.v", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *text = rows[i / 2].text;
		const char *want = i % 2 ? rows[i / 2].lenient : rows[i / 2].strict;
		struct buf b;

		buf_init(&b, 100);
		buf_add_str(&b, "+");
		if (base64url_decode(&b, text, strlen(text), i % 2) != !!want)
			fail_msg("\"%s\" %s", text, i % 2 ? "leniently" : "strictly");
		assert_string_equal(b.s + 1, want ? want : "");
		buf_free(&b);
	}
	{
		struct buf b;

		buf_init(&b, 100);
		assert_false(base64url_decode(&b, "Zm9\0", 4, false));
		assert_false(base64url_decode(&b, "Zm9\0", 4, true));
		buf_free(&b);
	}
}

/* Every text of up to three digits: what is decoded is encoded to the same text. */
static void decoding_has_one_text_for_each_value(void **state)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t decoded = 0;

	(void)state;
	for (int i = 0; i < 64 * 64 * 64; i++) {
		char text[4] = { digit[i >> 12], digit[i >> 6 & 63], digit[i & 63] };
		struct buf b, again;

		buf_init(&b, 10);
		if (base64url_decode(&b, text, 3, false)) {
			decoded++;
			buf_init(&again, 10);
			base64url_encode(&again, b.s, b.len);
			assert_string_equal(again.s, text);
			buf_free(&again);
		}
		buf_free(&b);
	}
	assert_int_equal(decoded, 65536);
}

static void digests_key_authorizations(void **state)
{
	char d[JOSE_DIGEST_LEN + 1];

	(void)state;
	jose_digest(d, "abc");          /* SHA-256, FIPS 180-2 appendix B.1 */
	assert_string_equal(d, "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
	jose_digest(d, "");
	assert_string_equal(d, "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
}

/* --- public keys --- */

static void thumbprint_of_rfc_7638(void **state)
{
	struct key *k = parse_key(rfc_key);
	char print[JOSE_DIGEST_LEN + 1];
	struct err e = { 0 };
	struct buf jwk;

	(void)state;
	assert_string_equal(jose_alg(k), "RS256");
	buf_init(&jwk, 1 << 12);
	assert_int_equal(jose_jwk(&jwk, k, &e), 0);
	assert_string_equal(jwk.s, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" RFC_N "\"}");
	assert_int_equal(jose_thumbprint(print, k, &e), 0);
	assert_string_equal(print, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	buf_free(&jwk);
	key_free(k);
}

static void algorithms_go_by_kind(void **state)
{
	static const struct {
		const char *key, *alg;
	} rows[] = {
		{ "key-ec256-pkcs8", "ES256" }, { "key-ec256-sec1-params", "ES256" },
		{ "key-ec384-sec1", "ES384" }, { "key-rsa2048-pkcs1", "RS256" },
		{ "key-rsa1024-pkcs1", NULL }, { "key-ec521-sec1", NULL },
		{ "key-ed25519-pkcs8", NULL }, { "key-ec256-explicit", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct jose_header h = { .url = "https://ca.example/" };
		struct key *k = load_key(rows[i].key);
		char print[JOSE_DIGEST_LEN + 1];
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 1 << 14);
		if (rows[i].alg) {
			assert_string_equal(jose_alg(k), rows[i].alg);
			assert_int_equal(jose_jwk(&b, k, &e), 0);
			buf_free(&b);
			key_free(k);
			continue;
		}
		assert_null(jose_alg(k));
		assert_int_equal(jose_jwk(&b, k, &e), -1);
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_int_equal(jose_thumbprint(print, k, &e), -1);
		assert_int_equal(jose_sign(&b, k, &h, "{}", &e), -1);
		assert_int_equal(ERR_peek_error(), 0);
		buf_free(&b);
		key_free(k);
	}
}

/* Until one has been seen whose x begins with a zero byte, and one whose y does. */
static void coordinates_are_padded(void **state)
{
	bool x_seen = false, y_seen = false;

	(void)state;
	for (int i = 0; i < 20000 && !(x_seen && y_seen); i++) {
		enum key_type t = i % 8 ? KEY_EC_256 : KEY_EC_384;
		size_t field = t == KEY_EC_256 ? 32 : 48;
		struct key *k = make_key(t);
		struct err e = { 0 };
		struct json *o;
		struct buf b;

		buf_init(&b, 1 << 12);
		assert_int_equal(jose_jwk(&b, k, &e), 0);
		o = json_parse(b.s, b.len, &e);
		for (int xy = 0; xy < 2; xy++) {
			const char *text = json_str(o, xy ? "y" : "x", "");

			buf_clear(&b);
			assert_true(base64url_decode(&b, text, strlen(text), false));
			assert_int_equal(b.len, field);
			if (b.s[0] == 0)
				*(xy ? &y_seen : &x_seen) = true;
		}
		json_free(o);
		buf_free(&b);
		key_free(k);
	}
	assert_true(x_seen && y_seen);
}

/* --- signatures --- */

/* A flattened JWS taken apart. */
struct taken {
	struct json *doc, *header;
	struct buf text, payload, signature;    /* text: what was signed */
};

static void take(struct taken *t, const char *jws, size_t len)
{
	struct err e = { 0 };
	const char *p, *q, *s;
	struct buf header;

	t->doc = json_parse(jws, len, &e);
	assert_non_null(t->doc);
	p = json_str(t->doc, "protected", NULL);
	q = json_str(t->doc, "payload", NULL);
	s = json_str(t->doc, "signature", NULL);
	assert_non_null(p);
	assert_non_null(q);
	assert_non_null(s);
	assert_true(text_starts(jws, "{\"protected\":\""));
	buf_init(&t->text, 1 << 22);
	buf_init(&t->payload, 1 << 22);
	buf_init(&t->signature, 1024);
	buf_init(&header, 1 << 16);
	buf_addf(&t->text, "%s.%s", p, q);
	assert_true(base64url_decode(&header, p, strlen(p), false));
	assert_true(base64url_decode(&t->payload, q, strlen(q), false));
	assert_true(base64url_decode(&t->signature, s, strlen(s), false));
	t->header = json_parse(header.s, header.len, &e);
	assert_non_null(t->header);
	buf_free(&header);
}

static void taken_free(struct taken *t)
{
	json_free(t->doc);
	json_free(t->header);
	buf_free(&t->text);
	buf_free(&t->payload);
	buf_free(&t->signature);
}

/* By OpenSSL, which wants DER. */
static bool verifies(const struct taken *t, EVP_PKEY *pkey)
{
	const unsigned char *raw = (const unsigned char *)t->signature.s;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ec = EVP_PKEY_is_a(pkey, "EC"), ok;
	int field = (EVP_PKEY_get_bits(pkey) + 7) / 8, len;
	const EVP_MD *md = ec && field == 48 ? EVP_sha384() : EVP_sha256();
	unsigned char *der = NULL;

	if (ec) {
		ECDSA_SIG *sig = ECDSA_SIG_new();

		assert_int_equal(t->signature.len, 2 * field);
		ECDSA_SIG_set0(sig, BN_bin2bn(raw, field, NULL), BN_bin2bn(raw + field, field, NULL));
		len = i2d_ECDSA_SIG(sig, &der);
		ECDSA_SIG_free(sig);
	} else {
		assert_int_equal(t->signature.len, field);
		len = field;
	}
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey), 1);
	ok = EVP_DigestVerify(ctx, ec ? der : raw, (size_t)len, (const unsigned char *)t->text.s,
			      t->text.len) == 1;
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

static void one_signature(const struct key *k, EVP_PKEY *pkey, int i, bool seen[2])
{
	struct jose_header h = { .url = "https://ca.example/new", .kid = "https://ca.example/acct/1" };
	char *payload = mem_format("{\"n\":%d}", i);
	struct err e = { 0 };
	struct taken t;
	struct buf b;

	buf_init(&b, 1 << 14);
	if (jose_sign(&b, k, &h, payload, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(ERR_peek_error(), 0);
	take(&t, b.s, b.len);
	assert_true(verifies(&t, pkey));
	seen[0] |= t.signature.s[0] == 0;
	seen[1] |= t.signature.s[t.signature.len / 2] == 0;
	if (i % 16 == 0) {
		t.signature.s[i / 16 % 32 + 1] ^= 1;
		assert_false(verifies(&t, pkey));
	}
	taken_free(&t);
	buf_free(&b);
	free(payload);
}

/* At least 1000 of each curve, and as many as it takes to see r and s begin with a zero byte. */
static void ecdsa_signatures_are_raw(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct key *k = make_key(kind ? KEY_EC_384 : KEY_EC_256);
		EVP_PKEY *pkey = pkey_of(k);
		bool seen[2] = { false, false };

		for (int i = 0; i < 1000 || (i < 20000 && !(seen[0] && seen[1])); i++)
			one_signature(k, pkey, i, seen);
		assert_true(seen[0] && seen[1]);
		EVP_PKEY_free(pkey);
		key_free(k);
	}
}

static void rsa_signatures_verify(void **state)
{
	bool seen[2] = { false, false };

	(void)state;
	for (int t = KEY_RSA_2048; t <= KEY_RSA_4096; t++) {
		struct key *k = make_key((enum key_type)t);
		EVP_PKEY *pkey = pkey_of(k);

		for (int i = 0; i < 3; i++)
			one_signature(k, pkey, i, seen);
		EVP_PKEY_free(pkey);
		key_free(k);
	}
	{
		struct key *k = parse_key(rfc_key);
		EVP_PKEY *pkey = pkey_of(k);

		/* the number may be shorter than the modulus, its text may not */
		for (int i = 0; i < 300; i++)
			one_signature(k, pkey, i, seen);
		EVP_PKEY_free(pkey);
		key_free(k);
	}
}

static void headers_say_what_they_should(void **state)
{
	static const struct {
		struct jose_header h;
		const char *payload;
	} rows[] = {
		{ { "https://ca.example/new-acct", "bm9uY2U", NULL }, "{\"a\":1}" },
		{ { "https://ca.example/order/1", "bm9uY2U", "https://ca.example/acct/1" }, NULL },
		{ { "https://ca.example/order/1", NULL, "https://ca.example/acct/1" }, "{}" },
		{ { "https://ca.example/key-change", NULL, NULL }, "m\xc3\xbcller" },
	};
	struct key *k = load_key("key-ec384-sec1");
	EVP_PKEY *pkey = pkey_of(k);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct jose_header *h = &rows[i].h;
		struct err e = { 0 };
		struct buf b, jwk, text;
		struct taken t;

		buf_init(&b, 1 << 14);
		buf_init(&jwk, 1 << 12);
		buf_init(&text, 1 << 12);
		assert_int_equal(jose_sign(&b, k, h, rows[i].payload, &e), 0);
		assert_int_equal(jose_jwk(&jwk, k, &e), 0);
		take(&t, b.s, b.len);
		assert_true(verifies(&t, pkey));
		assert_string_equal(t.payload.s, rows[i].payload ? rows[i].payload : "");
		assert_string_equal(json_str(t.header, "alg", ""), "ES384");
		assert_string_equal(json_str(t.header, "url", ""), h->url);
		assert_int_equal(json_has(t.header, "nonce"), h->nonce != NULL);
		assert_int_equal(json_has(t.header, "kid"), h->kid != NULL);
		assert_int_equal(json_has(t.header, "jwk"), h->kid == NULL);
		if (h->nonce)
			assert_string_equal(json_str(t.header, "nonce", ""), h->nonce);
		if (h->kid) {
			assert_string_equal(json_str(t.header, "kid", ""), h->kid);
		} else {
			json_print(&text, json_get(t.header, "jwk"), false);
			assert_string_equal(text.s, jwk.s);
		}
		taken_free(&t);
		buf_free(&b);
		buf_free(&jwk);
		buf_free(&text);
	}
	EVP_PKEY_free(pkey);
	key_free(k);
}

static void too_long_is_an_error(void **state)
{
	struct jose_header h = { .url = "https://ca.example/" };
	struct key *k = load_key("key-ec256-pkcs8");
	char *payload = mem_alloc((1 << 20) + 2);
	struct err e = { 0 };
	struct taken t;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 22);
	memset(payload, 'x', (1 << 20) + 1);
	assert_int_equal(jose_sign(&b, k, &h, payload, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	payload[1 << 20] = '\0';
	assert_int_equal(jose_sign(&b, k, &h, payload, &e), 0);
	take(&t, b.s, b.len);
	assert_string_equal(t.payload.s, payload);
	taken_free(&t);
	buf_free(&b);
	buf_init(&b, 100);
	assert_int_equal(jose_sign(&b, k, &h, "{}", &e), -1);
	buf_clear(&b);
	assert_int_equal(jose_jwk(&b, k, &e), -1);
	buf_free(&b);
	free(payload);
	key_free(k);
}

static void macs_are_right(void **state)
{
	static const struct {
		enum jose_mac mac;
		const char *alg;
		size_t len;
	} rows[] = { { JOSE_HS256, "HS256", 32 }, { JOSE_HS384, "HS384", 48 }, { JOSE_HS512, "HS512", 64 } };
	unsigned char key[200], want[EVP_MAX_MD_SIZE];

	(void)state;
	crypto_random(key, sizeof(key));
	for (size_t i = 0; i < 3 * ARRAY_LEN(rows); i++) {
		static const size_t key_lens[] = { 1, 32, 200 };
		const EVP_MD *md = i / 3 == 0 ? EVP_sha256() : i / 3 == 1 ? EVP_sha384() : EVP_sha512();
		size_t key_len = key_lens[i % 3];
		struct err e = { 0 };
		struct taken t;
		struct buf b;

		buf_init(&b, 1 << 14);
		assert_int_equal(jose_sign_mac(&b, rows[i / 3].mac, key, key_len, "kid-1",
					       "https://ca.example/new-acct", "{\"kty\":\"EC\"}", &e), 0);
		assert_int_equal(ERR_peek_error(), 0);
		take(&t, b.s, b.len);
		assert_string_equal(json_str(t.header, "alg", ""), rows[i / 3].alg);
		assert_string_equal(json_str(t.header, "kid", ""), "kid-1");
		assert_string_equal(json_str(t.header, "url", ""), "https://ca.example/new-acct");
		assert_false(json_has(t.header, "nonce"));
		assert_string_equal(t.payload.s, "{\"kty\":\"EC\"}");
		HMAC(md, key, (int)key_len, (unsigned char *)t.text.s, t.text.len, want, NULL);
		assert_int_equal(t.signature.len, rows[i / 3].len);
		assert_memory_equal(t.signature.s, want, t.signature.len);
		taken_free(&t);
		buf_clear(&b);
		assert_int_equal(jose_sign_mac(&b, rows[i / 3].mac, key, 0, "k", "u", "p", &e), -1);
		assert_int_equal(e.kind, ERR_LOCAL);
		buf_free(&b);
	}
}

/* --- the `jose` command --- */

static char *folder;

static char *put_file(const char *name, const char *text)
{
	char *path = mem_format("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	if (!f)
		fail_msg("%s cannot be written", path);
	fputs(text, f);
	fclose(f);
	return path;
}

/* Its exit status; out gets what it says. */
static int run(char *out, size_t size, const char *const *argv)
{
	int fds[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		close(fds[0]);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fds[1]);
	while (len + 1 < size && (n = read(fds[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void jose_agrees(const char *jws, const char *jwk, const char *payload)
{
	char *jws_path = put_file("x.json", jws), *jwk_path = put_file("key.jwk", jwk), out[4096];
	const char *argv[] = { "jose", "jws", "ver", "-i", jws_path, "-k", jwk_path, "-O-", NULL };
	char *bad = mem_copy_str(jws), *at;

	assert_int_equal(run(out, sizeof(out), argv), 0);
	assert_string_equal(out, payload);
	at = strstr(bad, "\"signature\":\"") + 20;
	*at = *at == 'A' ? 'B' : 'A';
	free(put_file("x.json", bad));
	assert_int_not_equal(run(out, sizeof(out), argv), 0);
	unlink(jws_path);
	unlink(jwk_path);
	free(bad);
	free(jws_path);
	free(jwk_path);
}

static void one_kind_for_jose(enum key_type kind)
{
	struct jose_header h = { .url = "https://ca.example/new", .nonce = "bm9uY2U" };
	char print[JOSE_DIGEST_LEN + 1], out[4096], *path;
	struct key *k = make_key(kind);
	struct err e = { 0 };
	struct buf b, jwk;

	buf_init(&b, 1 << 14);
	buf_init(&jwk, 1 << 14);
	assert_int_equal(jose_sign(&b, k, &h, "{\"a\":1}", &e), 0);
	assert_int_equal(jose_jwk(&jwk, k, &e), 0);
	jose_agrees(b.s, jwk.s, "{\"a\":1}");
	assert_int_equal(jose_thumbprint(print, k, &e), 0);
	path = put_file("key.jwk", jwk.s);
	assert_int_equal(run(out, sizeof(out), (const char *[]){ "jose", "jwk", "thp", "-a", "S256", "-i",
								 path, NULL }), 0);
	assert_memory_equal(out, print, JOSE_DIGEST_LEN);
	unlink(path);
	free(path);
	buf_free(&b);
	buf_free(&jwk);
	key_free(k);
}

static void the_jose_command_agrees(void **state)
{
	static const char key[32] = "0123456789abcdef0123456789abcdef";
	char out[4096], *jwk;
	struct err e = { 0 };
	struct buf b;

	(void)state;
	if (run(out, sizeof(out), (const char *[]){ "jose", "alg", NULL }) != 0) {
		print_message("# SKIPPED: there is no `jose` command here, so it was not asked\n");
		skip();
	}
	folder = mem_format("%s/certline-jose.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(folder));
	one_kind_for_jose(KEY_EC_256);
	one_kind_for_jose(KEY_EC_384);
	one_kind_for_jose(KEY_RSA_2048);
	buf_init(&b, 1 << 14);
	base64url_encode(&b, key, sizeof(key));
	jwk = mem_format("{\"kty\":\"oct\",\"k\":\"%s\"}", b.s);
	buf_clear(&b);
	assert_int_equal(jose_sign_mac(&b, JOSE_HS256, key, sizeof(key), "kid-1", "https://ca.example/",
				       "{\"a\":1}", &e), 0);
	jose_agrees(b.s, jwk, "{\"a\":1}");
	buf_free(&b);
	free(jwk);
	assert_int_equal(rmdir(folder), 0);
	free(folder);
}

#define TEST(f) cmocka_unit_test_teardown(f, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(encodes_base64url),
		TEST(encodes_what_openssl_encodes),
		TEST(decodes_strictly_or_leniently),
		TEST(decoding_has_one_text_for_each_value),
		TEST(digests_key_authorizations),
		TEST(thumbprint_of_rfc_7638),
		TEST(algorithms_go_by_kind),
		TEST(coordinates_are_padded),
		TEST(ecdsa_signatures_are_raw),
		TEST(rsa_signatures_verify),
		TEST(headers_say_what_they_should),
		TEST(too_long_is_an_error),
		TEST(macs_are_right),
		TEST(the_jose_command_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
