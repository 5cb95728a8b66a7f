/* test_crypto.c - keys and certificates: against fixed files, the openssl command's answers for
 * them, and libcrypto's own verification.
 * Touches: tests/data/pem (reads; so it is run from the top of the source).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/crypto.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#define DATA "tests/data/pem/"

/* openssl pkey -in key-ec256-pkcs8.pem -pubout -outform DER | sha256sum, sha512sum */
#define EC256_SHA256 "a9cffb715cd929d7fc3accd7e3544829628a8ecaaaa29227f3cdd4685302dbdd"
#define EC256_SHA512 "ee4a5c7baf1ab135b36a389a6469dce4c06fb1e3c19450699684b5da3cbb4722" \
		     "2cd8dd6b274e2c57e8a6ea285a9b1c3b49a5128467077b2bd377c2911f3fcb1d"
#define RSA2048_SHA256 "8aa2a29ef8c19c2bec15d55080671198394e2ed832ead1eb35fe83af0783130b"

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = mem_alloc(1 << 16);

	if (!f)
		fail_msg("%s cannot be opened", path);
	if (fread(s, 1, (1 << 16) - 1, f) == 0)
		fail_msg("%s is empty", path);
	fclose(f);
	return s;
}

static struct key *load_key(const char *name)
{
	char *path = mem_format(DATA "good/%s.pem", name), *s = slurp(path);
	struct err e = { 0 };
	struct key *k = key_parse(s, strlen(s), &e);

	if (!k)
		fail_msg("%s: %s", path, e.text);
	assert_int_equal(ERR_peek_error(), 0);
	free(s);
	free(path);
	return k;
}

static struct cert *load_cert(const char *name)
{
	char *path = mem_format(DATA "good/%s.pem", name), *s = slurp(path);
	struct err e = { 0 };
	struct cert *c = cert_parse(s, strlen(s), NULL, &e);

	if (!c)
		fail_msg("%s: %s", path, e.text);
	assert_int_equal(ERR_peek_error(), 0);
	free(s);
	free(path);
	return c;
}

/* After every test: nothing may be left in OpenSSL's queue. */
static int queue_is_empty(void **state)
{
	(void)state;
	return ERR_peek_error() ? -1 : 0;
}

/* --- keys --- */

static void reads_keys_of_all_forms(void **state)
{
	static const struct {
		const char *name;
		enum key_type kind;
		const char *sha256;
	} rows[] = {
		{ "key-ec256-pkcs8", KEY_EC_256, EC256_SHA256 },
		{ "key-ec256-sec1-params", KEY_EC_256, EC256_SHA256 },
		{ "key-ec384-sec1", KEY_EC_384,
		  "bbbb8fdef2af32ee1bef2806ae82bb9ce6e2b04bddb71d3f5918a3b5665be2a9" },
		{ "key-rsa2048-pkcs1", KEY_RSA_2048, RSA2048_SHA256 },
		{ "key-rsa2048-pkcs8", KEY_RSA_2048, RSA2048_SHA256 },
		{ "key-rsa1024-pkcs1", KEY_OTHER,
		  "524c06eacaa5589768b13079cb8ef247e1cf780c84e69162b26aba228983617a" },
		{ "key-ec521-sec1", KEY_OTHER,
		  "ef446a8e5bdd08e623e29358ada42a0484349063d69899608a9cd2365617bd7b" },
		{ "key-ed25519-pkcs8", KEY_OTHER,
		  "e30476b54dace3a30ecc1a17479241385f4cf55b54c145f85d6129df476a4585" },
		{ "key-ec256-explicit", KEY_OTHER,
		  "cacf173e8f3452d61884ab4d132ded0cdbef83d1d1a1a039f42d49eb5bd78e61" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *k = load_key(rows[i].name);
		struct spki_digests d;
		struct err e = { 0 };

		if (key_kind(k) != rows[i].kind)
			fail_msg("%s is %s", rows[i].name, key_type_name(key_kind(k)));
		assert_int_equal(key_spki(&d, k, &e), 0);
		assert_string_equal(d.sha256, rows[i].sha256);
		assert_int_equal(strlen(d.sha512), SHA512_HEX_LEN);
		if (i < 2)
			assert_string_equal(d.sha512, EC256_SHA512);
		assert_int_equal(ERR_peek_error(), 0);
		key_free(k);
	}
}

static void finds_a_key_among_other_things(void **state)
{
	char *key = slurp(DATA "good/key-ec256-pkcs8.pem");
	char *cert = slurp(DATA "good/cert-rsa2048-cn.pem");
	char *crlf = mem_alloc(2 * strlen(key) + 1), *p = crlf;
	char *texts[6];

	(void)state;
	for (const char *q = key; *q; q++) {
		if (*q == '\n')
			*p++ = '\r';
		*p++ = *q;
	}
	texts[0] = mem_format("Bag Attributes\n    friendlyName: mx\n%s", key);
	texts[1] = mem_format("%s%s", cert, key);
	texts[2] = mem_format("%s%s", key, cert);
	texts[3] = mem_format("\n\n%s\n\nthe end", key);
	texts[4] = mem_copy_strn(key, strlen(key) - 1);         /* no newline at the end */
	texts[5] = crlf;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct err e = { 0 };
		struct key *k = key_parse(texts[i], strlen(texts[i]), &e);
		struct spki_digests d;

		if (!k)
			fail_msg("text %zu: %s", i, e.text);
		assert_int_equal(key_spki(&d, k, &e), 0);
		assert_string_equal(d.sha256, EC256_SHA256);
		assert_int_equal(ERR_peek_error(), 0);
		key_free(k);
		free(texts[i]);
	}
	free(key);
	free(cert);
}

static void refuses_what_is_no_key(void **state)
{
	static const struct {
		const char *path, *why;         /* why: how the text begins */
	} rows[] = {
		{ "bad/key-encrypted-pkcs8.pem",
		  "is encrypted; certline needs a key without a passphrase" },
		{ "bad/key-encrypted-legacy.pem",
		  "is encrypted; certline needs a key without a passphrase" },
		{ "bad/key-cut.pem", "not a private key in PEM: " },
		{ "bad/key-damaged.pem", "a damaged private key: " },
		{ "good/cert-ec256-san.pem",
		  "there is no private key in it (PEM is expected)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *path = mem_format(DATA "%s", rows[i].path), *s = slurp(path);
		struct err e = { 0 };

		assert_null(key_parse(s, strlen(s), &e));
		assert_int_equal(e.kind, ERR_LOCAL);
		if (!text_starts(e.text, rows[i].why) || text_ends(e.text, "no reason"))
			fail_msg("%s: %s", path, e.text);
		assert_int_equal(ERR_peek_error(), 0);
		free(s);
		free(path);
	}
}

static void refuses_texts_without_key(void **state)
{
	static const char *const rows[] = {
		"", "\n", "x", "-----BEGIN",
		"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
	};
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		e = (struct err){ 0 };
		assert_null(key_parse(rows[i], strlen(rows[i]), &e));
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_true(strlen(e.text) > 10);
		assert_int_equal(ERR_peek_error(), 0);
	}
	assert_null(key_parse("x", (size_t)1 << 40, &e));
	assert_string_equal(e.text, "too long for a private key");
}

static void makes_writes_and_reads_keys(void **state)
{
	(void)state;
	for (int t = 0; t < KEY_OTHER; t++) {
		struct err e = { 0 };
		struct key *k = key_make((enum key_type)t, &e), *again;
		struct spki_digests a, b;
		struct buf pem, pem2;

		if (!k)
			fail_msg("%s: %s", key_type_name((enum key_type)t), e.text);
		assert_int_equal(key_kind(k), t);
		buf_init(&pem, 1 << 16);
		assert_int_equal(key_write(&pem, k, &e), 0);
		assert_true(text_starts(pem.s, "-----BEGIN PRIVATE KEY-----\n"));
		assert_true(text_ends(pem.s, "\n-----END PRIVATE KEY-----\n"));
		again = key_parse(pem.s, pem.len, &e);
		assert_non_null(again);
		assert_int_equal(key_kind(again), t);
		assert_int_equal(key_spki(&a, k, &e), 0);
		assert_int_equal(key_spki(&b, again, &e), 0);
		assert_string_equal(a.sha256, b.sha256);
		assert_string_equal(a.sha512, b.sha512);
		buf_init(&pem2, 1 << 16);
		assert_int_equal(key_write(&pem2, again, &e), 0);
		assert_string_equal(pem.s, pem2.s);
		assert_int_equal(ERR_peek_error(), 0);
		buf_wipe(&pem);
		buf_wipe(&pem2);
		key_free(k);
		key_free(again);
	}
}

static void keys_differ(void **state)
{
	struct err e = { 0 };
	struct key *a = key_make(KEY_EC_256, &e), *b = key_make(KEY_EC_256, &e);
	struct spki_digests da, db;

	(void)state;
	assert_int_equal(key_spki(&da, a, &e), 0);
	assert_int_equal(key_spki(&db, b, &e), 0);
	assert_string_not_equal(da.sha256, db.sha256);
	key_free(a);
	key_free(b);
	key_free(NULL);
}

static void rsa_exponent_is_65537(void **state)
{
	struct err e = { 0 };
	struct key *k = key_make(KEY_RSA_2048, &e);
	struct buf pem;
	EVP_PKEY *pkey;
	BIGNUM *n = NULL;
	BIO *bio;

	(void)state;
	buf_init(&pem, 1 << 16);
	assert_int_equal(key_write(&pem, k, &e), 0);
	bio = BIO_new_mem_buf(pem.s, (int)pem.len);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	assert_non_null(pkey);
	assert_int_equal(EVP_PKEY_get_bn_param(pkey, "e", &n), 1);
	assert_true(BN_is_word(n, 65537));
	BN_free(n);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	buf_wipe(&pem);
	key_free(k);
}

static void foreign_kinds_are_written_too(void **state)
{
	static const char *const rows[] = { "key-ed25519-pkcs8", "key-ec521-sec1",
					    "key-rsa1024-pkcs1", "key-ec256-explicit" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct key *k = load_key(rows[i]), *again;
		struct spki_digests a, b;
		struct err e = { 0 };
		struct buf pem;

		buf_init(&pem, 1 << 16);
		assert_int_equal(key_write(&pem, k, &e), 0);
		again = key_parse(pem.s, pem.len, &e);
		assert_non_null(again);
		assert_int_equal(key_spki(&a, k, &e), 0);
		assert_int_equal(key_spki(&b, again, &e), 0);
		assert_string_equal(a.sha512, b.sha512);
		buf_wipe(&pem);
		key_free(k);
		key_free(again);
	}
}

static void too_small_a_buffer_is_an_error(void **state)
{
	struct key *k = load_key("key-ec256-pkcs8");
	struct cert *c = load_cert("cert-ec256-san");
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(key_write(&b, k, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	buf_wipe(&b);
	e = (struct err){ 0 };
	buf_init(&b, 100);
	assert_int_equal(cert_write(&b, c, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	buf_free(&b);
	key_free(k);
	cert_free(c);
}

/* --- self-signed certificates --- */

static X509 *x509_of(const struct cert *c)
{
	struct err e = { 0 };
	struct buf pem;
	BIO *bio;
	X509 *x;

	buf_init(&pem, 1 << 20);
	assert_int_equal(cert_write(&pem, c, &e), 0);
	bio = BIO_new_mem_buf(pem.s, (int)pem.len);
	x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	assert_non_null(x);
	BIO_free(bio);
	buf_free(&pem);
	return x;
}

/* As openssl verify -x509_strict -check_ss_sig -purpose sslserver -attime AT -CAfile SELF does. */
static int verify(X509 *x, int64_t at, const char *host)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error;

	X509_STORE_add_cert(store, x);
	X509_STORE_CTX_init(ctx, store, x, NULL);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
				    X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_time(param, (time_t)at);
	X509_VERIFY_PARAM_set1_host(param, host, 0);
	X509_verify_cert(ctx);
	error = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return error;
}

static struct cert *self_sign(const struct key *k, const struct strv *names)
{
	struct err e = { 0 };
	struct cert *c = cert_self_sign(k, names, 1700000000, 1700000000 + 90 * DAY, &e);

	if (!c)
		fail_msg("%s", e.text);
	assert_int_equal(ERR_peek_error(), 0);
	return c;
}

static void self_signed_certificates_verify(void **state)
{
	static const struct {
		const char *key;                /* NULL: made */
		enum key_type kind;
		int signature;
		uint32_t usage;
	} rows[] = {
		{ NULL, KEY_EC_256, NID_ecdsa_with_SHA256, KU_DIGITAL_SIGNATURE },
		{ NULL, KEY_EC_384, NID_ecdsa_with_SHA384, KU_DIGITAL_SIGNATURE },
		{ "key-rsa2048-pkcs1", KEY_RSA_2048, NID_sha256WithRSAEncryption,
		  KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT },
		{ "key-ed25519-pkcs8", KEY_OTHER, NID_ED25519, KU_DIGITAL_SIGNATURE },
		{ "key-ec521-sec1", KEY_OTHER, NID_ecdsa_with_SHA256, KU_DIGITAL_SIGNATURE },
	};
	struct strv names = { 0 };

	(void)state;
	strv_add(&names, "mx.example.org");
	strv_add(&names, "*.example.org");
	strv_add(&names, "xn--mller-kva.example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		struct key *k = rows[i].key ? load_key(rows[i].key) : key_make(rows[i].kind, &e);
		struct cert *c = self_sign(k, &names);
		X509 *x = x509_of(c);
		int64_t from = 1700000000, to = from + 90 * DAY;

		assert_int_equal(X509_get_version(x), X509_VERSION_3);
		assert_int_equal(X509_get_signature_nid(x), rows[i].signature);
		assert_int_equal(X509_get_key_usage(x), rows[i].usage);
		assert_int_equal(X509_get_extended_key_usage(x), XKU_SSL_SERVER | XKU_SSL_CLIENT);
		assert_non_null(X509_get0_subject_key_id(x));
		assert_int_equal(X509_check_ca(x), 0);
		assert_int_equal(verify(x, from, "mx.example.org"), X509_V_OK);
		/* RFC 5280 4.1.2.5 includes the last second; OpenSSL does not */
		assert_int_equal(verify(x, to - 1, "www.example.org"), X509_V_OK);
		assert_int_equal(verify(x, from, "xn--mller-kva.example"), X509_V_OK);
		assert_int_equal(verify(x, from, "example.org"), X509_V_ERR_HOSTNAME_MISMATCH);
		assert_int_equal(verify(x, from - 1, "mx.example.org"),
				 X509_V_ERR_CERT_NOT_YET_VALID);
		assert_int_equal(verify(x, to + 1, "mx.example.org"), X509_V_ERR_CERT_HAS_EXPIRED);
		assert_true(cert_matches_key(c, k));
		X509_free(x);
		cert_free(c);
		key_free(k);
	}
	strv_free(&names);
}

static void self_signed_certificates_say_what_they_should(void **state)
{
	struct key *k = load_key("key-ec256-pkcs8");
	struct strv names = { 0 };
	struct cert_info info;
	struct err e = { 0 };
	struct cert *c;

	(void)state;
	strv_add(&names, "www.example.org");
	strv_add(&names, "example.org");
	c = self_sign(k, &names);
	assert_int_equal(cert_inspect(&info, c, &e), 0);
	assert_int_equal(info.not_before_at, 1700000000);
	assert_int_equal(info.not_after_at, 1700000000 + 90 * DAY);
	assert_string_equal(info.issuer, "CN=www.example.org");
	assert_true(info.self_signed);
	assert_int_equal(info.names.n, 2);
	assert_string_equal(info.names.v[0], "example.org");
	assert_string_equal(info.names.v[1], "www.example.org");
	assert_string_equal(info.spki.sha256, EC256_SHA256);
	assert_string_equal(info.spki.sha512, EC256_SHA512);
	cert_info_free(&info);
	cert_free(c);
	strv_free(&names);
	key_free(k);
}

static void long_first_names_are_no_common_name(void **state)
{
	static const char label[] = "a123456789b123456789c123456789d123456789e123456789f";
	static const struct {
		int len;
		bool fits;
	} rows[] = { { 63, true }, { 64, true }, { 65, false }, { 253, false } };
	struct key *k = load_key("key-ec256-pkcs8");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv names = { 0 };
		struct cert_info info;
		struct err e = { 0 };
		struct buf name;
		struct cert *c;
		X509 *x;

		buf_init(&name, (size_t)rows[i].len);
		while (!name.over)
			buf_addf(&name, "%s%s", name.len ? "." : "", label);
		if (name.s[name.len - 1] == '.')
			name.s[name.len - 1] = 'x';
		strv_add(&names, name.s);
		c = self_sign(k, &names);
		x = x509_of(c);
		assert_int_equal(verify(x, 1700000000, name.s), X509_V_OK);
		assert_int_equal(cert_inspect(&info, c, &e), 0);
		assert_string_equal(info.names.v[0], name.s);
		if (rows[i].fits)
			assert_true(text_starts(info.issuer, "CN=a12"));
		else
			assert_string_equal(info.issuer, "O=certline");
		assert_true(info.self_signed);
		cert_info_free(&info);
		X509_free(x);
		cert_free(c);
		strv_free(&names);
		buf_free(&name);
	}
	key_free(k);
}

/* What goes in, what cert_inspect makes of it, and the subject. */
static void addresses_are_names_too(void **state)
{
	static const struct {
		const char *names[4], *back[4], *subject;
	} rows[] = {
		{ { "192.0.2.1" }, { "192.0.2.1" }, "O=certline" },
		{ { "192.0.2.1", "2001:db8::1" }, { "192.0.2.1", "2001:db8::1" }, "O=certline" },
		{ { "2001:DB8:0:0:0:0:0:1", "mx.example.org" }, { "2001:db8::1", "mx.example.org" },
		  "CN=mx.example.org" },
		{ { "mx.example.org", "::1" }, { "::1", "mx.example.org" }, "CN=mx.example.org" },
		{ { "192.0.2.10", "192.0.2.9", "192.0.2.10" }, { "192.0.2.10", "192.0.2.9" }, "O=certline" },
		{ { "2001:db8:0:1:1:1:1:1", "2001:0:0:1:0:0:0:1", "2001:db8:0:0:1:0:0:1" },
		  { "2001:0:0:1::1", "2001:db8:0:1:1:1:1:1", "2001:db8::1:0:0:1" }, "O=certline" },
		{ { "::ffff:192.0.2.1" }, { "::ffff:192.0.2.1" }, "O=certline" },
		/* no addresses */
		{ { "192.0.2.1:53" }, { "192.0.2.1:53" }, "CN=192.0.2.1:53" },
		{ { "192.0.2" }, { "192.0.2" }, "CN=192.0.2" },
		{ { "[::1]" }, { "[::1]" }, "CN=[::1]" },
	};
	struct key *k = load_key("key-ec256-pkcs8");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv names = { 0 };
		struct cert_info info;
		struct err e = { 0 };
		struct cert *c;
		X509 *x;

		for (size_t j = 0; rows[i].names[j]; j++)
			strv_add(&names, rows[i].names[j]);
		c = self_sign(k, &names);
		x = x509_of(c);
		for (size_t j = 0; rows[i].names[j]; j++)
			assert_int_equal(X509_check_ip_asc(x, rows[i].names[j], 0) == 1, i < 7 &&
					 !strchr(rows[i].names[j], 'm'));
		assert_int_equal(cert_inspect(&info, c, &e), 0);
		assert_string_equal(info.issuer, rows[i].subject);
		for (size_t j = 0; j < info.names.n; j++)
			assert_string_equal(info.names.v[j], rows[i].back[j]);
		assert_null(rows[i].back[info.names.n]);
		cert_info_free(&info);
		X509_free(x);
		cert_free(c);
		strv_free(&names);
		ERR_clear_error();              /* of X509_check_ip_asc */
	}
	key_free(k);
}

static void serials_are_positive_random_and_long(void **state)
{
	struct key *k = load_key("key-ec256-pkcs8");
	struct strv names = { 0 };
	char seen[64][48];
	bool high = false, low = false;

	(void)state;
	strv_add(&names, "example.org");
	for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
		struct cert *c = self_sign(k, &names);
		X509 *x = x509_of(c);
		struct cert_info info;
		struct err e = { 0 };

		assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(x)), V_ASN1_INTEGER);
		assert_int_equal(cert_inspect(&info, c, &e), 0);
		assert_true(strlen(info.serial) <= 32);
		assert_true(strlen(info.serial) > 24);
		high |= strlen(info.serial) == 32 && info.serial[0] >= '8';
		low |= info.serial[0] < '8';
		memcpy(seen[i], info.serial, sizeof(info.serial));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
		cert_info_free(&info);
		X509_free(x);
		cert_free(c);
	}
	assert_true(high && low);               /* all 128 bits are used */
	strv_free(&names);
	key_free(k);
}

/* RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
static void dates_are_exact(void **state)
{
	static const struct {
		int64_t from, to;
		int from_type, to_type;
	} rows[] = {
		{ 0, 0, V_ASN1_UTCTIME, V_ASN1_UTCTIME },
		{ -1, 1, V_ASN1_UTCTIME, V_ASN1_UTCTIME },
		{ 1700000000, 1700000001, V_ASN1_UTCTIME, V_ASN1_UTCTIME },
		{ 2147483647, 2147483648, V_ASN1_UTCTIME, V_ASN1_UTCTIME },
		{ 2524607999, 2524608000, V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME },
		{ -631152001, -631152000, V_ASN1_GENERALIZEDTIME, V_ASN1_UTCTIME },
		{ 951782400, 4107542400, V_ASN1_UTCTIME, V_ASN1_GENERALIZEDTIME },
		{ -62135596800, WHEN_LAST, V_ASN1_GENERALIZEDTIME, V_ASN1_GENERALIZEDTIME },
	};
	struct key *k = load_key("key-ec256-pkcs8");
	struct strv names = { 0 };

	(void)state;
	strv_add(&names, "example.org");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert_info info;
		struct err e = { 0 };
		struct cert *c = cert_self_sign(k, &names, rows[i].from, rows[i].to, &e);
		X509 *x;

		if (!c)
			fail_msg("row %zu: %s", i, e.text);
		x = x509_of(c);
		assert_int_equal(ASN1_STRING_type(X509_get0_notBefore(x)), rows[i].from_type);
		assert_int_equal(ASN1_STRING_type(X509_get0_notAfter(x)), rows[i].to_type);
		assert_int_equal(cert_inspect(&info, c, &e), 0);
		assert_int_equal(info.not_before_at, rows[i].from);
		assert_int_equal(info.not_after_at, rows[i].to);
		cert_info_free(&info);
		X509_free(x);
		cert_free(c);
	}
	strv_free(&names);
	key_free(k);
}

static void impossible_certificates_are_refused(void **state)
{
	static const struct {
		const char *name;               /* NULL: none */
		int64_t from, to;
	} rows[] = {
		{ NULL, 0, 1 },
		{ "", 0, 1 },
		{ "a b", 0, 1 },
		{ "a\nb", 0, 1 },
		{ "m\xc3\xbcller.example", 0, 1 },
		{ "example.org", 2, 1 },
		{ "example.org", 0, WHEN_LAST + 1 },
		{ "example.org", 0, WHEN_NEVER },
		{ "example.org", INT64_MIN, 1 },
	};
	struct key *k = load_key("key-ec256-pkcs8");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv names = { 0 };
		struct err e = { 0 };

		if (rows[i].name)
			strv_add(&names, rows[i].name);
		assert_null(cert_self_sign(k, &names, rows[i].from, rows[i].to, &e));
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_int_equal(ERR_peek_error(), 0);
		strv_free(&names);
	}
	key_free(k);
}

/* --- reading certificates --- */

static void inspects_a_fixed_certificate(void **state)
{
	struct cert *c = load_cert("cert-ec256-san");
	struct cert_info info;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(cert_inspect(&info, c, &e), 0);
	assert_int_equal(info.not_before_at, 1795831386);
	assert_int_equal(info.not_after_at, 2111191386);
	assert_string_equal(info.serial, "7f0123456789abcdef0123456789abcdef012345");
	assert_string_equal(info.sha256,
			    "9674c101cac41cc5340716027af732bad649a88f477d0ec174424bef1384ef56");
	assert_string_equal(info.issuer, "CN=MX.Example.org,O=Ex\\\"ample\\, Inc,C=DE");
	assert_true(info.self_signed);
	/* the SAN has MX.Example.org, example.org, mx.example.org and an address */
	assert_int_equal(info.names.n, 3);
	assert_string_equal(info.names.v[0], "192.0.2.1");
	assert_string_equal(info.names.v[1], "example.org");
	assert_string_equal(info.names.v[2], "mx.example.org");
	assert_string_equal(info.spki.sha256, EC256_SHA256);
	assert_string_equal(info.spki.sha512, EC256_SHA512);
	cert_info_free(&info);
	cert_info_free(&info);
	cert_free(c);
	cert_free(NULL);
}

static void matches_its_key_and_no_other(void **state)
{
	static const struct {
		const char *cert, *key;
		bool matches;
	} rows[] = {
		{ "cert-ec256-san", "key-ec256-pkcs8", true },
		{ "cert-ec256-san", "key-ec256-sec1-params", true },
		{ "cert-ec256-san", "key-ec256-explicit", false },
		{ "cert-ec256-san", "key-ec384-sec1", false },
		{ "cert-ec256-san", "key-rsa2048-pkcs8", false },
		{ "cert-rsa2048-cn", "key-rsa2048-pkcs1", true },
		{ "cert-rsa2048-cn", "key-rsa1024-pkcs1", false },
		{ "cert-rsa2048-cn", "key-ed25519-pkcs8", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = load_cert(rows[i].cert);
		struct key *k = load_key(rows[i].key);

		if (cert_matches_key(c, k) != rows[i].matches)
			fail_msg("%s and %s", rows[i].cert, rows[i].key);
		assert_int_equal(ERR_peek_error(), 0);
		cert_free(c);
		key_free(k);
	}
}

static void walks_through_a_chain(void **state)
{
	char *a = slurp(DATA "good/cert-ec256-san.pem");
	char *b = slurp(DATA "good/cert-rsa2048-cn.pem");
	char *key = slurp(DATA "good/key-ec256-pkcs8.pem");
	char *text = mem_format("junk -----BEGIN CERTIFICATE----- in a line\n"
				"-----BEGIN X-----\n%%%%\n%s%s# between\n%s# end\n", key, a, b);
	const char *p = text, *end = text + strlen(text), *rest = NULL;
	struct err e = { 0 };
	struct cert *c;

	(void)state;
	c = cert_parse(p, (size_t)(end - p), &rest, &e);
	assert_non_null(c);
	assert_true(text_starts(rest, "# between\n-----BEGIN"));
	cert_free(c);
	p = rest;
	c = cert_parse(p, (size_t)(end - p), &rest, &e);
	assert_non_null(c);
	assert_string_equal(rest, "# end\n");
	cert_free(c);
	p = rest;
	assert_null(cert_parse(p, (size_t)(end - p), &rest, &e));
	assert_ptr_equal(rest, p);              /* left alone */
	assert_string_equal(e.text, "there is no certificate in it (PEM is expected)");

	/* the end of the text and CRLF */
	a[strlen(a) - 1] = '\0';
	c = cert_parse(a, strlen(a), &rest, &e);
	assert_non_null(c);
	assert_ptr_equal(rest, a + strlen(a));
	cert_free(c);
	free(text);
	text = mem_alloc(2 * strlen(b) + 1);
	for (size_t i = 0, n = 0; b[i]; i++) {
		if (b[i] == '\n')
			text[n++] = '\r';
		text[n++] = b[i];
	}
	c = cert_parse(text, strlen(text), &rest, &e);
	assert_non_null(c);
	assert_string_equal(rest, "");
	cert_free(c);
	free(text);
	free(a);
	free(b);
	free(key);
}

static void written_certificates_read_back(void **state)
{
	char *text = slurp(DATA "good/cert-rsa2048-cn.pem");
	struct cert *c = load_cert("cert-rsa2048-cn");
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 16);
	assert_int_equal(cert_write(&b, c, &e), 0);
	assert_string_equal(b.s, text);
	buf_free(&b);
	cert_free(c);
	free(text);
}

static void refuses_what_is_no_certificate(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "there is no certificate in it" },
		{ "x\n", "there is no certificate in it" },
		{ " -----BEGIN CERTIFICATE-----\n", "there is no certificate in it" },
		{ "-----BEGIN CERTIFICATE-----", "a certificate without its end" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n", "a certificate without its end" },
		{ "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "" },
		{ "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		  "a damaged certificate: " },
		{ "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
		  "not a certificate in PEM: " },
		{ "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,"
		  "91DB4024A0FBB3F63AF0061659DFFEF9\n\nAAAA\n-----END CERTIFICATE-----\n",
		  "not a certificate in PEM: " },
	};
	static const char *const files[] = { "cert-cut", "cert-damaged", "key-cut" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		e = (struct err){ 0 };
		assert_null(cert_parse(rows[i].text, strlen(rows[i].text), NULL, &e));
		assert_int_equal(e.kind, ERR_LOCAL);
		if (!text_starts(e.text, rows[i].why))
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(ERR_peek_error(), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = mem_format(DATA "bad/%s.pem", files[i]), *s = slurp(path);

		e = (struct err){ 0 };
		assert_null(cert_parse(s, strlen(s), NULL, &e));
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_int_equal(ERR_peek_error(), 0);
		free(s);
		free(path);
	}
}

static void refuses_bytes_behind_a_certificate(void **state)
{
	struct cert *c = load_cert("cert-ec256-san");
	X509 *x = x509_of(c);
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);
	unsigned char *longer = mem_alloc((size_t)len + 1);
	BIO *bio = BIO_new(BIO_s_mem());
	struct err e = { 0 };
	char *text;
	long text_len;

	(void)state;
	memcpy(longer, der, (size_t)len);
	assert_true(PEM_write_bio(bio, "CERTIFICATE", "", longer, len + 1));
	text_len = BIO_get_mem_data(bio, &text);
	assert_null(cert_parse(text, (size_t)text_len, NULL, &e));
	assert_string_equal(e.text, "a damaged certificate: there are bytes behind its end");
	BIO_free(bio);
	OPENSSL_free(der);
	free(longer);
	X509_free(x);
	cert_free(c);
}

/* --- certificates that we would not make --- */

struct odd {
	const char *cn;                 /* NULL: no subject */
	size_t      cn_len;
	struct {
		int type;
		const char *s;
		size_t len;
	} san[3];                       /* up to the first without s */
	int         san_n;              /* how often the extension is added; 0: never */
	const char *raw_san;            /* DER of the extension's value instead, of raw_len bytes */
	int         raw_len;
	const char *serial;             /* as BN_hex2bn reads it; NULL: 1 */
	int         not_after_raw;      /* a date that is none */
	const char *issuer;             /* its CN; NULL: no issuer */
};

#define S(text) text, sizeof(text) - 1

static struct cert *make_odd(const struct odd *o)
{
	char *pem = slurp(DATA "good/key-ec256-pkcs8.pem");
	BIO *bio = BIO_new_mem_buf(pem, -1), *out = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	GENERAL_NAMES *san = GENERAL_NAMES_new();
	X509 *x = X509_new();
	struct err e = { 0 };
	struct cert *c;
	BIGNUM *n = NULL;
	char *text;
	long len;

	X509_set_version(x, X509_VERSION_3);
	BN_hex2bn(&n, o->serial ? o->serial : "1");
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	if (o->cn)
		X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
					   (const unsigned char *)o->cn, (int)o->cn_len, -1, 0);
	if (o->issuer) {
		X509_NAME *name = X509_NAME_new();

		X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					   (const unsigned char *)o->issuer, -1, -1, 0);
		X509_set_issuer_name(x, name);
		X509_NAME_free(name);
	}
	ASN1_TIME_set(X509_getm_notBefore(x), 0);
	ASN1_TIME_set(X509_getm_notAfter(x), 1);
	if (o->not_after_raw)
		ASN1_STRING_set(X509_getm_notAfter(x), "991332000000Z", -1);
	X509_set_pubkey(x, pkey);
	for (size_t i = 0; i < ARRAY_LEN(o->san) && o->san[i].s; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();
		ASN1_IA5STRING *s = ASN1_IA5STRING_new();

		ASN1_STRING_set(s, o->san[i].s, (int)o->san[i].len);
		GENERAL_NAME_set0_value(g, o->san[i].type, s);
		sk_GENERAL_NAME_push(san, g);
	}
	for (int i = 0; i < o->san_n; i++)
		X509_add1_ext_i2d(x, NID_subject_alt_name, san, 0, X509V3_ADD_APPEND);
	if (o->raw_san) {
		ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
		X509_EXTENSION *ext;

		ASN1_OCTET_STRING_set(s, (const unsigned char *)o->raw_san, o->raw_len);
		ext = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, s);
		X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
		ASN1_OCTET_STRING_free(s);
	}
	assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
	assert_true(PEM_write_bio_X509(out, x));
	len = BIO_get_mem_data(out, &text);
	ERR_clear_error();
	c = cert_parse(text, (size_t)len, NULL, &e);
	if (!c)
		fail_msg("%s", e.text);
	GENERAL_NAMES_free(san);
	X509_free(x);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	BIO_free(out);
	free(pem);
	return c;
}

static void names_of_odd_certificates(void **state)
{
	static const struct {
		struct odd o;
		const char *names[3];
		const char *why;                /* NULL: no error */
	} rows[] = {
		{ { S("CN.Example"), .san_n = 0 }, { "cn.example" }, NULL },
		{ { S("Example Root CA"), .san_n = 0 }, { NULL }, NULL },
		{ { S("m\xc3\xbcller.example"), .san_n = 0 }, { NULL }, NULL },
		{ { .cn = NULL }, { NULL }, NULL },
		{ { S("a.example\0.evil"), .san_n = 0 }, { NULL },
		  "a common name with bytes that no name has" },
		/* any SAN silences the CN */
		{ { S("cn.example"), { { GEN_DNS, S("San.Example") } }, .san_n = 1 },
		  { "san.example" }, NULL },
		{ { S("cn.example"), { { GEN_EMAIL, S("a@b.example") } }, .san_n = 1 },
		  { NULL }, NULL },
		{ { S("x"), { { GEN_DNS, S("z.example") }, { GEN_URI, S("https://u.example/\0") },
			      { GEN_DNS, S("*.a.example") } }, .san_n = 1 },
		  { "*.a.example", "z.example" }, NULL },
		{ { S("x"), { { GEN_DNS, S("a.example") }, { GEN_DNS, S("A.EXAMPLE") },
			      { GEN_DNS, S("a.example") } }, .san_n = 1 },
		  { "a.example" }, NULL },
		{ { S("x"), { { GEN_DNS, S("a.example\0.evil.example") } }, .san_n = 1 },
		  { NULL }, "a dNSName with bytes that no name has" },
		{ { S("x"), { { GEN_DNS, S("a.example") }, { GEN_DNS, S("\0") } }, .san_n = 1 },
		  { NULL }, "a dNSName with bytes that no name has" },
		{ { S("x"), { { GEN_DNS, S("") } }, .san_n = 1 },
		  { NULL }, "a dNSName with bytes that no name has" },
		{ { S("x"), { { GEN_DNS, S("a\nb.example") } }, .san_n = 1 },
		  { NULL }, "a dNSName with bytes that no name has" },
		{ { S("x"), { { GEN_DNS, S("\x1b[2J.example") } }, .san_n = 1 },
		  { NULL }, "a dNSName with bytes that no name has" },
		{ { S("x"), { { GEN_DNS, S("\xe4.example") } }, .san_n = 1 },
		  { NULL }, "a dNSName with bytes that no name has" },
		{ { S("x"), { { GEN_IPADD, S("\xc0\0\2\1") }, { GEN_DNS, S("A.example") } }, .san_n = 1 },
		  { "192.0.2.1", "a.example" }, NULL },
		{ { S("x"), { { GEN_IPADD, S("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\xab\0") } }, .san_n = 1 },
		  { "2001:db8::ab00" }, NULL },
		{ { S("x"), { { GEN_IPADD, S("") } }, .san_n = 1 }, { NULL }, "an iPAddress of 0 bytes" },
		{ { S("x"), { { GEN_IPADD, S("\xc0\0\2") } }, .san_n = 1 },
		  { NULL }, "an iPAddress of 3 bytes" },
		{ { S("x"), { { GEN_DNS, S("a.example") }, { GEN_IPADD, S("\xc0\0\2\1\xff\xff\xff\0") } },
		    .san_n = 1 }, { NULL }, "an iPAddress of 8 bytes" },
		{ { S("x"), { { GEN_IPADD, S("192.0.2.1/255.255") } }, .san_n = 1 },
		  { NULL }, "an iPAddress of 17 bytes" },
		{ { S("x"), { { GEN_DNS, S("a.example") } }, .san_n = 2 },
		  { NULL }, "more than one list of names" },
		{ { S("x"), .raw_san = "\x30\x7f", .raw_len = 2 },
		  { NULL }, "a damaged list of names" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = make_odd(&rows[i].o);
		struct cert_info info;
		struct err e = { 0 };
		int rc = cert_inspect(&info, c, &e);

		if (rc != (rows[i].why ? -1 : 0))
			fail_msg("row %zu: %d %s", i, rc, e.text);
		assert_int_equal(ERR_peek_error(), 0);
		if (rows[i].why) {
			assert_int_equal(e.kind, ERR_LOCAL);
			assert_string_equal(e.text, rows[i].why);
			assert_null(info.names.v);
		} else {
			for (size_t j = 0; j < info.names.n; j++)
				assert_string_equal(info.names.v[j], rows[i].names[j]);
			assert_null(rows[i].names[info.names.n]);
			cert_info_free(&info);
		}
		cert_free(c);
	}
}

static void odd_serials_and_dates(void **state)
{
	static const struct {
		struct odd o;
		const char *serial;             /* NULL: an error */
	} rows[] = {
		{ { S("x"), .serial = "0" }, "00" },
		{ { S("x"), .serial = "80" }, "80" },
		{ { S("x"), .serial = "-1F" }, "-1f" },
		{ { S("x"), .serial = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" },
		  "ffffffffffffffffffffffffffffffffffffffffffffff" },
		{ { S("x"), .serial = "-FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" },
		  "-ffffffffffffffffffffffffffffffffffffffffffffff" },
		{ { S("x"), .serial = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF" }, NULL },
		{ { S("x"), .not_after_raw = 1 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = make_odd(&rows[i].o);
		struct cert_info info;
		struct err e = { 0 };

		if (cert_inspect(&info, c, &e) < 0) {
			if (rows[i].serial)
				fail_msg("row %zu: %s", i, e.text);
		} else {
			assert_non_null(rows[i].serial);
			assert_string_equal(info.serial, rows[i].serial);
			assert_false(info.self_signed);
			cert_info_free(&info);
		}
		assert_int_equal(ERR_peek_error(), 0);
		cert_free(c);
	}
}

#define UUML4 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

/* Escaped, so that it can be printed, and cut, so that it fits. */
static void odd_issuers(void **state)
{
	static const struct {
		struct odd o;
		const char *starts;
		size_t len;
	} rows[] = {
		{ { S("x"), .san_n = 0 }, "", 0 },
		{ { S("x"), .issuer = "a\x1b[2J\nb" }, "CN=a\\1B[2J\\0Ab", 14 },
		{ { S("x"), .issuer = UUML4 }, "CN=\\C3\\BC\\C3\\BC", 27 },
		{ { S("x"), .issuer = UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 },
		  "CN=\\C3\\BC", 243 },
		{ { S("x"), .issuer = UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4 UUML4
		    UUML4 UUML4 }, "CN=\\C3\\BC", 255 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cert *c = make_odd(&rows[i].o);
		struct cert_info info;
		struct err e = { 0 };

		assert_int_equal(cert_inspect(&info, c, &e), 0);
		assert_true(text_starts(info.issuer, rows[i].starts));
		assert_int_equal(strlen(info.issuer), rows[i].len);
		assert_int_equal(text_ends(info.issuer, "..."), rows[i].len == 255);
		cert_info_free(&info);
		cert_free(c);
	}
}

/* --- the rest --- */

static void sha256_is_sha256(void **state)
{
	char hex[SHA256_HEX_LEN + 1];

	(void)state;
	crypto_sha256(hex, "abc", 3);
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256(hex, "", 0);
	assert_string_equal(hex,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void random_bytes_fill_it_all(void **state)
{
	unsigned char a[1000] = { 0 }, any[1000] = { 0 };

	(void)state;
	for (int i = 0; i < 16; i++) {
		crypto_random(a, sizeof(a));
		for (size_t j = 0; j < sizeof(a); j++)
			any[j] |= a[j];
	}
	for (size_t j = 0; j < sizeof(any); j++)
		assert_int_not_equal(any[j], 0);
	memset(a, 0, sizeof(a));
	crypto_random(a, 0);
	assert_int_equal(a[0], 0);
}

#define TEST(f) cmocka_unit_test_teardown(f, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_keys_of_all_forms),
		TEST(finds_a_key_among_other_things),
		TEST(refuses_what_is_no_key),
		TEST(refuses_texts_without_key),
		TEST(makes_writes_and_reads_keys),
		TEST(keys_differ),
		TEST(rsa_exponent_is_65537),
		TEST(foreign_kinds_are_written_too),
		TEST(too_small_a_buffer_is_an_error),
		TEST(self_signed_certificates_verify),
		TEST(self_signed_certificates_say_what_they_should),
		TEST(long_first_names_are_no_common_name),
		TEST(addresses_are_names_too),
		TEST(serials_are_positive_random_and_long),
		TEST(dates_are_exact),
		TEST(impossible_certificates_are_refused),
		TEST(inspects_a_fixed_certificate),
		TEST(matches_its_key_and_no_other),
		TEST(walks_through_a_chain),
		TEST(written_certificates_read_back),
		TEST(refuses_what_is_no_certificate),
		TEST(refuses_bytes_behind_a_certificate),
		TEST(names_of_odd_certificates),
		TEST(odd_serials_and_dates),
		TEST(odd_issuers),
		TEST(sha256_is_sha256),
		TEST(random_bytes_fill_it_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
