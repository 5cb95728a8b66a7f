/* test_request.c - certificate requests and chains: what is asked for is read back by OpenSSL, and what a CA
 * may send is made here, good and hostile; the answer to tls-alpn-01: by a client of OpenSSL's in this
 * process and by the `openssl` command.
 * Touches: nothing but loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/request.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define NOW    ((int64_t)1800000000)
#define PAIRS  12                       /* of keys, for CAs */

static struct key *leaf_key;
static EVP_PKEY *leaf_pkey, *ca_pkey[PAIRS];

static int queue_is_empty(void **state)
{
	(void)state;
	return ERR_peek_error() ? -1 : 0;
}

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

static int make_keys(void **state)
{
	struct err e = { 0 };

	(void)state;
	signal(SIGPIPE, SIG_IGN);               /* as the program does */
	leaf_key = key_make(KEY_EC_256, &e);
	leaf_pkey = pkey_of(leaf_key);
	for (int i = 0; i < PAIRS; i++)
		ca_pkey[i] = EVP_EC_gen("P-256");
	ERR_clear_error();
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	key_free(leaf_key);
	EVP_PKEY_free(leaf_pkey);
	for (int i = 0; i < PAIRS; i++)
		EVP_PKEY_free(ca_pkey[i]);
	return 0;
}

static struct strv names_of(const char *text)
{
	struct strv l = { 0 };
	char *copy = mem_copy_str(text), *save = copy, *s;

	while ((s = strsep(&copy, " ")))
		if (*s)
			strv_add(&l, s);
	free(save);
	return l;
}

/* --- making certificates, good ones and others --- */

#define LEAF_SAN "DNS:a.example,DNS:*.b.example"

struct spec {
	const char *cn, *issuer_cn;             /* NULL: none; "" for the issuer: the next certificate's */
	const char *constraints, *usage, *uses, *san, *san_again, *skid, *akid;  /* as in openssl.cnf */
	const char *serial;                     /* hex; NULL: 1 */
	int64_t from_at, until_at;
	const char *critical;                   /* OID of an extension that nobody knows */
	long version;                           /* as it is written: 2 for X.509 v3 */
};

#define GOOD_LEAF { .issuer_cn = "", .constraints = "critical,CA:FALSE", \
		    .usage = "critical,digitalSignature", .uses = "serverAuth,clientAuth", \
		    .san = LEAF_SAN, .from_at = NOW - DAY, .until_at = NOW + 90 * DAY, .version = 2 }
#define GOOD_CA(name) { .cn = name, .issuer_cn = "", .constraints = "critical,CA:TRUE", \
			.usage = "critical,keyCertSign", .from_at = NOW - YEAR, .until_at = NOW + YEAR, \
			.version = 2 }

static void set_name(X509_NAME *name, const char *cn)
{
	if (cn)
		assert_true(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
						       (const unsigned char *)cn, -1, -1, 0));
}

static void extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!ext)
		fail_msg("no extension \"%s\"", value);
	assert_true(X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
}

/* What has no text form, or one that does not allow mistakes. */
static void extend_raw(X509 *x, const char *oid, int critical, const void *bytes, int len)
{
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *id = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *ext;

	assert_true(ASN1_OCTET_STRING_set(s, bytes, len));
	ext = X509_EXTENSION_create_by_OBJ(NULL, id, critical, s);
	assert_true(ext && X509_add_ext(x, ext, -1));
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(id);
	ASN1_OCTET_STRING_free(s);
}

static X509 *make(const struct spec *s, EVP_PKEY *pkey, const char *issuer_cn, EVP_PKEY *signer)
{
	X509 *x = X509_new();
	BIGNUM *n = NULL;

	X509_set_version(x, s->version);
	BN_hex2bn(&n, s->serial ? s->serial : "1");
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	set_name(X509_get_subject_name(x), s->cn);
	set_name(X509_get_issuer_name(x), s->issuer_cn && !*s->issuer_cn ? issuer_cn : s->issuer_cn);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)s->from_at);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)s->until_at);
	X509_set_pubkey(x, pkey);
	extend(x, NID_basic_constraints, s->constraints);
	extend(x, NID_key_usage, s->usage);
	extend(x, NID_ext_key_usage, s->uses);
	extend(x, NID_subject_alt_name, s->san);
	extend(x, NID_subject_alt_name, s->san_again);
	extend(x, NID_subject_key_identifier, s->skid);
	if (s->akid)
		extend_raw(x, "2.5.29.35", 0, s->akid, 2 + (unsigned char)s->akid[1]);
	if (s->critical)
		extend_raw(x, s->critical, 1, "\x05\x00", 2);
	assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
	ERR_clear_error();
	return x;
}

static void put_pem(struct buf *out, X509 *x)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_true(PEM_write_bio_X509(bio, x));
	len = BIO_get_mem_data(bio, &text);
	buf_add(out, text, (size_t)len);
	BIO_free(bio);
}

/* Leaf first; specs[i] has key i - 1 of ca_pkey, the last signs itself. */
static void put_chain(struct buf *out, const struct spec *specs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t by = i + 1 < n ? i + 1 : i;
		X509 *x = make(&specs[i], i ? ca_pkey[i - 1] : leaf_pkey, specs[by].cn,
			       by ? ca_pkey[by - 1] : leaf_pkey);

		put_pem(out, x);
		X509_free(x);
	}
}

static struct buf good_chain(size_t n)
{
	struct spec s[PAIRS + 1] = { GOOD_LEAF };
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 1; i < n; i++)
		s[i] = (struct spec)GOOD_CA(i == 1 ? "First CA" : i == 2 ? "Second CA" : "Other CA");
	put_chain(&b, s, n);
	return b;
}

/* Chain of a leaf like s and one CA. */
static struct chain chain_of(const struct spec *s)
{
	struct spec specs[2] = { *s, GOOD_CA("CA") };
	struct err e = { 0 };
	struct chain c;
	struct buf b;

	buf_init(&b, 1 << 20);
	put_chain(&b, specs, 2);
	if (chain_parse(&c, b.s, b.len, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(ERR_peek_error(), 0);
	buf_free(&b);
	return c;
}

/* --- requests --- */

static void read_request(const struct buf *der, const struct key *k, const struct strv *names, int signature)
{
	const unsigned char *p = (const unsigned char *)der->s;
	X509_REQ *r = d2i_X509_REQ(NULL, &p, (long)der->len);
	EVP_PKEY *pkey = pkey_of(k);
	STACK_OF(X509_EXTENSION) *exts;
	GENERAL_NAMES *san;
	X509_EXTENSION *ext;

	assert_non_null(r);
	assert_ptr_equal(p, der->s + der->len);
	assert_int_equal(X509_REQ_verify(r, X509_REQ_get0_pubkey(r)), 1);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(r), pkey), 1);
	assert_int_equal(X509_REQ_get_version(r), X509_REQ_VERSION_1);
	assert_int_equal(X509_REQ_get_signature_nid(r), signature);
	assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(r)), 0);
	assert_int_equal(X509_REQ_get_attr_count(r), 1);
	exts = X509_REQ_get_extensions(r);
	assert_int_equal(sk_X509_EXTENSION_num(exts), 1);
	ext = sk_X509_EXTENSION_value(exts, 0);
	assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(ext)), NID_subject_alt_name);
	san = X509V3_EXT_d2i(ext);
	assert_int_equal(sk_GENERAL_NAME_num(san), names->n);
	for (size_t i = 0; i < names->n; i++) {
		int type;
		ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, (int)i), &type);
		unsigned char raw[16];
		int len = inet_pton(AF_INET, names->v[i], raw) == 1 ? 4 :
			  inet_pton(AF_INET6, names->v[i], raw) == 1 ? 16 : 0;

		assert_int_equal(type, len ? GEN_IPADD : GEN_DNS);
		assert_int_equal(ASN1_STRING_length(s), len ? len : (int)strlen(names->v[i]));
		assert_memory_equal(ASN1_STRING_get0_data(s), len ? (const void *)raw : names->v[i],
				    ASN1_STRING_length(s));
	}
	GENERAL_NAMES_free(san);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(r);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
}

static void requests_ask_for_names_alone(void **state)
{
	static const struct {
		enum key_type kind;
		int signature;
	} rows[] = {
		{ KEY_EC_256, NID_ecdsa_with_SHA256 }, { KEY_EC_384, NID_ecdsa_with_SHA384 },
		{ KEY_RSA_2048, NID_sha256WithRSAEncryption },
	};
	struct strv names = names_of("mx.example.org *.example.org 192.0.2.1 2001:db8::1 xn--mller-kva.example");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		struct key *k = key_make(rows[i].kind, &e);
		struct buf der;

		buf_init(&der, 1 << 16);
		if (request_make(&der, k, &names, false, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(ERR_peek_error(), 0);
		read_request(&der, k, &names, rows[i].signature);
		buf_free(&der);
		buf_init(&der, 100);
		assert_int_equal(request_make(&der, k, &names, false, &e), -1);
		assert_int_equal(e.kind, ERR_LOCAL);
		buf_free(&der);
		key_free(k);
	}
	strv_free(&names);
}

static void requests_have_a_common_name_if_it_is_wanted(void **state)
{
	static const struct {
		const char *names, *common_name;
	} rows[] = {
		{ "mx.example.org www.example.org", "mx.example.org" },
		{ "a-name-that-is-much-longer-than-the-sixty-four-bytes-of-it.example.org *.example.org", "*.example.org" },
		{ "a-name-that-is-much-longer-than-the-sixty-four-bytes-of-it.example.org", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv names = names_of(rows[i].names);
		struct err e = { 0 };
		char cn[100] = "";
		const unsigned char *p;
		struct buf der;
		X509_REQ *r;

		buf_init(&der, 1 << 16);
		assert_int_equal(request_make(&der, leaf_key, &names, true, &e), 0);
		p = (const unsigned char *)der.s;
		r = d2i_X509_REQ(NULL, &p, (long)der.len);
		X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(r), NID_commonName, cn, sizeof(cn));
		assert_string_equal(cn, rows[i].common_name);
		X509_REQ_free(r);
		buf_free(&der);
		strv_free(&names);
		ERR_clear_error();
	}
}

static void requests_need_names(void **state)
{
	static const char *const rows[] = { NULL, "", "a b", "a\nb", "m\xc3\xbcller.example" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv names = { 0 };
		struct err e = { 0 };
		struct buf der;

		if (rows[i])
			strv_add(&names, rows[i]);
		buf_init(&der, 1 << 16);
		assert_int_equal(request_make(&der, leaf_key, &names, false, &e), -1);
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_int_equal(der.len, 0);
		buf_free(&der);
		strv_free(&names);
	}
}

/* --- reading chains --- */

static void reads_chains_of_any_length(void **state)
{
	(void)state;
	for (size_t n = 1; n <= CHAIN_MAX + 1; n++) {
		struct buf b = good_chain(n);
		struct err e = { 0 };
		struct chain c;
		int rc = chain_parse(&c, b.s, b.len, &e);

		assert_int_equal(ERR_peek_error(), 0);
		if (n <= CHAIN_MAX) {
			if (rc < 0)
				fail_msg("%zu: %s", n, e.text);
			assert_int_equal(c.n, n);
			chain_free(&c);
		} else {
			assert_int_equal(rc, -1);
			assert_string_equal(e.text, "more than 10 certificates");
		}
		assert_null(c.v);
		buf_free(&b);
	}
}

static void blanks_do_not_matter(void **state)
{
	struct buf b = good_chain(2), crlf, gaps;
	struct err e = { 0 };
	struct chain c;

	(void)state;
	buf_init(&crlf, 1 << 20);
	buf_init(&gaps, 1 << 20);
	buf_add_str(&gaps, "\n \t\r\n");
	for (size_t i = 0; i < b.len; i++) {
		if (b.s[i] == '\n')
			buf_add_str(&crlf, "\r");
		buf_add_char(&crlf, b.s[i]);
		buf_add_char(&gaps, b.s[i]);
		if (b.s[i] == '\n' && text_starts(b.s + i + 1, "-----BEGIN"))
			buf_add_str(&gaps, "\n\n");
	}
	buf_add_str(&gaps, " \n\n\t");
	if (chain_parse(&c, crlf.s, crlf.len, &e) < 0)
		fail_msg("%s", e.text);
	chain_free(&c);
	if (chain_parse(&c, gaps.s, gaps.len, &e) < 0)
		fail_msg("%s", e.text);
	chain_free(&c);
	assert_int_equal(chain_parse(&c, b.s, b.len - 1, &e), 0);       /* no newline at the end */
	assert_int_equal(c.n, 2);
	chain_free(&c);
	chain_free(&c);
	buf_free(&b);
	buf_free(&crlf);
	buf_free(&gaps);
}

#define KEY_BLOCK "-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n"

/* @ stands for the text of a good chain of two, 1 and 2 for its certificates. */
static void refuses_texts_that_are_no_chain(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "there is no certificate in it" },
		{ "\n \n", "there is no certificate in it" },
		{ "{\"type\":\"error\"}\n", "something that is not a certificate in PEM" },
		{ "# a comment\n@", "something that is not a certificate in PEM" },
		{ "@# a comment\n", "something that is not a certificate in PEM" },
		{ "1subject=x\n2", "something that is not a certificate in PEM" },
		{ "\xef\xbb\xbf@", "something that is not a certificate in PEM" },
		{ " @", "something that is not a certificate in PEM" },
		{ "@" KEY_BLOCK, "a block in PEM that is not a certificate" },
		{ KEY_BLOCK "@", "a block in PEM that is not a certificate" },
		{ "1" KEY_BLOCK "2", "a block in PEM that is not a certificate" },
		{ "@-----BEGIN CERTIFICATE REQUEST-----\nMAAA\n-----END CERTIFICATE REQUEST-----\n",
		  "a block in PEM that is not a certificate" },
		{ "@-----BEGIN TRUSTED CERTIFICATE-----\nMAAA\n-----END TRUSTED CERTIFICATE-----\n",
		  "a block in PEM that is not a certificate" },
		{ "@-----BEGIN X509 CERTIFICATE-----\nMAAA\n-----END X509 CERTIFICATE-----\n",
		  "a block in PEM that is not a certificate" },
		{ "@-----BEGIN PKCS7-----\nMAAA\n-----END PKCS7-----\n",
		  "a block in PEM that is not a certificate" },
		{ "@-----BEGIN CERTIFICATE-----", "a certificate without its end" },
		{ "@-----BEGIN CERTIFICATE-----\nMAAA\n", "a certificate without its end" },
		{ "-----BEGIN CERTIFICATE-----\nMAAA\n-----END PRIVATE KEY-----\n",
		  "a certificate with something in it that is not base64" },
		{ "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nMAAA\n-----END CERTIFICATE-----\n",
		  "a certificate with something in it that is not base64" },
		{ "-----BEGIN CERTIFICATE-----\n@-----END CERTIFICATE-----\n",
		  "a certificate with something in it that is not base64" },
		{ "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "not a certificate in PEM: " },
		{ "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n", "a damaged certificate: " },
		{ "-----BEGIN CERTIFICATE-----\nMA=A\n-----END CERTIFICATE-----\n", "not a certificate in PEM: " },
		{ "21", "certificate 1 names an issuer that is not the next certificate" },
		{ "11", "certificate 1 names an issuer that is not the next certificate" },
		{ "121", "certificate 2 names an issuer that is not the next certificate" },
		{ "1x", "something that is not a certificate in PEM" },
	};
	struct buf good = good_chain(2);
	const char *second = strstr(good.s + 1, "-----BEGIN");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		struct chain c;
		struct buf b;

		buf_init(&b, 1 << 20);
		for (const char *p = rows[i].text; *p; p++) {
			bool ours = p == rows[i].text || p[1] == '\0' || p[-1] == '\n' || p[-1] == '1' ||
				    (unsigned char)p[-1] == 0xbf || p[-1] == ' ';

			if (*p == '@')
				buf_add_str(&b, good.s);
			else if (ours && *p == '1')
				buf_add(&b, good.s, (size_t)(second - good.s));
			else if (ours && *p == '2')
				buf_add_str(&b, second);
			else
				buf_add_char(&b, *p);
		}
		if (chain_parse(&c, b.s, b.len, &e) == 0)
			fail_msg("row %zu is a chain", i);
		if (!text_starts(e.text, rows[i].why))
			fail_msg("row %zu: %s", i, e.text);
		assert_int_equal(e.kind, ERR_REFUSED);
		assert_null(c.v);
		assert_int_equal(ERR_peek_error(), 0);
		buf_free(&b);
	}
	buf_free(&good);
}

static void refuses_too_much(void **state)
{
	size_t len = ((size_t)1 << 20) + 1;
	char *blanks = mem_alloc(len + 1);
	struct buf b = good_chain(1);
	struct err e = { 0 };
	struct chain c;

	(void)state;
	memset(blanks, '\n', len);
	memcpy(blanks, b.s, b.len);
	assert_int_equal(chain_parse(&c, blanks, len - 1, &e), 0);
	chain_free(&c);
	assert_int_equal(chain_parse(&c, blanks, len, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_string_equal(e.text, "a chain of more than 1048576 bytes");
	/* a NUL is a byte like others */
	e = (struct err){ 0 };
	assert_int_equal(chain_parse(&c, b.s, b.len + 1, &e), -1);
	assert_string_equal(e.text, "something that is not a certificate in PEM");
	memcpy(blanks, b.s, b.len);
	blanks[100] = '\0';
	assert_int_equal(chain_parse(&c, blanks, len - 1, &e), -1);
	assert_string_equal(e.text, "a certificate with something in it that is not base64");
	buf_free(&b);
	free(blanks);
}

static void refuses_wrong_links(void **state)
{
	static const struct {
		struct spec s[3];
		int wrong_key;                  /* this one is signed by somebody else's key */
		const char *why;
	} rows[] = {
		{ { GOOD_LEAF, GOOD_CA("A"), GOOD_CA("B") }, -1, NULL },
		{ { GOOD_LEAF, GOOD_CA("A"), GOOD_CA("B") }, 0,
		  "certificate 1 is not signed by the next certificate" },
		{ { GOOD_LEAF, GOOD_CA("A"), GOOD_CA("B") }, 1,
		  "certificate 2 is not signed by the next certificate" },
		/* nobody asks who signed the last one: it may be an intermediate one */
		{ { GOOD_LEAF, GOOD_CA("A"), GOOD_CA("B") }, 2, NULL },
		{ { { .issuer_cn = "C", .version = 2 }, GOOD_CA("A"), GOOD_CA("B") }, -1,
		  "certificate 1 names an issuer that is not the next certificate" },
		{ { { .version = 2 }, GOOD_CA("A"), GOOD_CA("B") }, -1,
		  "certificate 1 names an issuer that is not the next certificate" },
		{ { GOOD_LEAF, { .cn = "A", .issuer_cn = "A", .constraints = "CA:TRUE", .version = 2 },
		    GOOD_CA("B") }, -1, "certificate 2 names an issuer that is not the next certificate" },
		{ { GOOD_LEAF, { .cn = "A", .issuer_cn = "", .constraints = "CA:FALSE", .version = 2 },
		    GOOD_CA("B") }, -1, "certificate 2 is not one of a CA" },
		{ { GOOD_LEAF, { .cn = "A", .issuer_cn = "", .version = 2 }, GOOD_CA("B") }, -1,
		  "certificate 2 is not one of a CA" },
		{ { GOOD_LEAF, { .cn = "A", .issuer_cn = "", .constraints = "CA:TRUE",
				 .usage = "digitalSignature", .version = 2 }, GOOD_CA("B") }, -1,
		  "certificate 2 is not one of a CA" },
		{ { GOOD_LEAF, { .cn = "A", .issuer_cn = "", .usage = "keyCertSign", .version = 2 },
		    GOOD_CA("B") }, -1, "certificate 2 is not one of a CA" },
		{ { GOOD_LEAF, GOOD_CA("A"), { .cn = "B", .issuer_cn = "", .version = 0 } }, -1,
		  "certificate 3 is not one of a CA" },
		/* a CA without a key identifier, and one whose keyUsage says nothing, are fine */
		{ { GOOD_LEAF, { .cn = "A", .issuer_cn = "", .constraints = "CA:TRUE", .version = 2 },
		    GOOD_CA("B") }, -1, NULL },
		{ { { .issuer_cn = "", .san = LEAF_SAN, .san_again = LEAF_SAN, .version = 2 }, GOOD_CA("A"),
		    GOOD_CA("B") }, -1, "certificate 1 has damaged extensions" },
		{ { { .issuer_cn = "", .akid = "\x30\x01\x7f", .version = 2 }, GOOD_CA("A"), GOOD_CA("B") },
		  -1, "certificate 1 has damaged extensions" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		struct chain c;
		struct buf b;
		int rc;

		buf_init(&b, 1 << 20);
		for (int j = 0; j < 3; j++) {
			int by = j < 2 ? j : 1;
			X509 *x = make(&rows[i].s[j], j ? ca_pkey[j - 1] : leaf_pkey, rows[i].s[by + 1].cn,
				       ca_pkey[j == rows[i].wrong_key ? 5 : by]);

			put_pem(&b, x);
			X509_free(x);
		}
		rc = chain_parse(&c, b.s, b.len, &e);
		assert_int_equal(ERR_peek_error(), 0);
		if ((rc < 0) != !!rows[i].why || (rc < 0 && strcmp(e.text, rows[i].why) != 0))
			fail_msg("row %zu: %s", i, e.text);
		if (rc < 0)
			assert_int_equal(e.kind, ERR_REFUSED);
		chain_free(&c);
		buf_free(&b);
	}
}

/* Parameters of the outer signature algorithm that OpenSSL reads, and writes as what it does not read. */
static void refuses_what_would_not_read_back(void **state)
{
	static const unsigned char parameters[] = { 0x01, 0x01, 0x0b, 0x05, 0x00, 0x03, 0x82 };
	const struct spec leaf = GOOD_LEAF;
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	X509 *x = make(&leaf, leaf_pkey, "CA", rsa);
	unsigned char *der = NULL, *at;
	int len = i2d_X509(x, &der);

	(void)state;
	/* of sha256WithRSAEncryption, and the signature behind it */
	at = memmem(der, (size_t)len, parameters, sizeof(parameters));
	assert_non_null(at);
	for (int i = 0; i < 2; i++) {
		BIO *bio = BIO_new(BIO_s_mem());
		struct err e = { 0 };
		struct chain c;
		char *text;
		long n;

		at[3] = i ? 0x20 : 0x05;
		PEM_write_bio(bio, PEM_STRING_X509, "", der, len);
		n = BIO_get_mem_data(bio, &text);
		assert_int_equal(chain_parse(&c, text, (size_t)n, &e), i ? -1 : 0);
		assert_int_equal(ERR_peek_error(), 0);
		if (i) {
			assert_int_equal(e.kind, ERR_REFUSED);
			assert_string_equal(e.text, "a damaged certificate: it would not read back once stored");
		}
		chain_free(&c);
		BIO_free(bio);
	}
	OPENSSL_free(der);
	X509_free(x);
	EVP_PKEY_free(rsa);
}

/* Whatever is changed in a good chain: an error of the right kind, or a chain that holds. */
static void survives_damage(void **state)
{
	struct buf good = good_chain(3);
	struct strv names = names_of("a.example *.b.example");
	size_t accepted = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 4000; i++) {
		char *text = mem_copy_strn(good.s, good.len);
		size_t len = good.len, at = (size_t)random() % len;
		struct err e = { 0 };
		struct chain c;

		if (i % 4 == 0) {
			len = at;                               /* cut */
		} else if (i % 4 == 1) {
			memmove(text + at, text + at + 1, len - at);
			len--;
		} else {
			text[at] = i % 4 == 2 ? (char)random() : "AZaz09+/=-\n "[random() % 12];
		}
		if (chain_parse(&c, text, len, &e) == 0) {
			accepted++;
			if (chain_check(&c, leaf_key, &names, NOW, &e) < 0)
				assert_int_equal(e.kind, ERR_REFUSED);
			free(cert_renewal_id(c.v[0]));
			chain_leads_to(&c, "Second CA");
			chain_free(&c);
		} else {
			assert_int_equal(e.kind, ERR_REFUSED);
			assert_true(e.text[0] != '\0');
		}
		assert_int_equal(ERR_peek_error(), 0);
		free(text);
	}
	assert_true(accepted < 1500);           /* the last one's signature is not looked at */
	strv_free(&names);
	buf_free(&good);
}

/* --- judging chains --- */

static void judges_leaves(void **state)
{
	static const struct {
		struct spec s;
		const char *names, *why;
	} rows[] = {
		{ GOOD_LEAF, "a.example *.b.example", NULL },
		{ GOOD_LEAF, "*.b.example a.example", NULL },
		{ GOOD_LEAF, "A.Example a.example *.b.EXAMPLE", NULL },
		{ GOOD_LEAF, "a.example", "the certificate is also for \"*.b.example\"" },
		{ GOOD_LEAF, "a.example *.b.example c.example", "the certificate is not for \"c.example\"" },
		{ GOOD_LEAF, "a.example www.b.example", "the certificate is not for \"www.b.example\"" },
		{ GOOD_LEAF, "", "the certificate is also for \"a.example\"" },
		/* neither a common name nor keyUsage nor a key identifier is asked for */
		{ { .cn = "other.example", .issuer_cn = "", .san = LEAF_SAN, .until_at = NOW + 1, .version = 2 },
		  "a.example *.b.example", NULL },
		{ { .issuer_cn = "", .san = LEAF_SAN, .usage = "keyAgreement", .until_at = NOW + 1, .skid = "hash",
		    .version = 2 }, "a.example *.b.example", NULL },
		{ { .cn = "a.example", .issuer_cn = "", .until_at = NOW + 1, .version = 2 }, "a.example",
		  "the certificate has no names (subjectAltName)" },
		{ { .issuer_cn = "", .san = "email:a@a.example", .until_at = NOW + 1, .version = 2 }, "a.example",
		  "the certificate is not for \"a.example\"" },
		{ { .issuer_cn = "", .san = "DNS:a.example,email:a@a.example", .until_at = NOW + 1,
		    .version = 2 }, "a.example", NULL },
		/* addresses */
		{ { .issuer_cn = "", .san = "IP:192.0.2.1,IP:2001:db8::1", .until_at = NOW + 1, .version = 2 },
		  "192.0.2.1 2001:db8::1", NULL },
		{ { .issuer_cn = "", .san = "IP:2001:db8::1", .until_at = NOW + 1, .version = 2 },
		  "2001:DB8:0::1", NULL },
		{ { .issuer_cn = "", .san = "IP:192.0.2.1", .until_at = NOW + 1, .version = 2 }, "192.0.2.2",
		  "the certificate is not for \"192.0.2.2\"" },
		{ { .issuer_cn = "", .san = "DNS:192.0.2.1", .until_at = NOW + 1, .version = 2 }, "192.0.2.1",
		  "the certificate has \"192.0.2.1\" as a name, not as an address" },
		/* times */
		{ { .issuer_cn = "", .san = "DNS:a.example", .from_at = NOW + HOUR, .until_at = NOW + DAY,
		    .version = 2 }, "a.example", NULL },
		{ { .issuer_cn = "", .san = "DNS:a.example", .from_at = NOW + HOUR + 1, .until_at = NOW + DAY,
		    .version = 2 }, "a.example", "the certificate is valid from 2027-01-15T09:00:01Z on only" },
		{ { .issuer_cn = "", .san = "DNS:a.example", .until_at = NOW + 1, .version = 2 }, "a.example",
		  NULL },
		{ { .issuer_cn = "", .san = "DNS:a.example", .until_at = NOW, .version = 2 }, "a.example",
		  "the certificate has expired at 2027-01-15T08:00:00Z" },
		/* what it is for */
		{ { .issuer_cn = "", .san = "DNS:a.example", .uses = "clientAuth", .until_at = NOW + 1,
		    .version = 2 }, "a.example", "the certificate is not for servers (extendedKeyUsage)" },
		{ { .issuer_cn = "", .san = "DNS:a.example", .uses = "clientAuth,serverAuth", .until_at = NOW + 1,
		    .version = 2 }, "a.example", NULL },
		{ { .issuer_cn = "", .san = "DNS:a.example", .uses = "anyExtendedKeyUsage", .until_at = NOW + 1,
		    .version = 2 }, "a.example", "the certificate is not for servers (extendedKeyUsage)" },
		{ { .issuer_cn = "", .san = "DNS:a.example", .usage = "cRLSign", .until_at = NOW + 1,
		    .version = 2 }, "a.example", "the certificate is not for servers (keyUsage)" },
		{ { .issuer_cn = "", .san = "DNS:a.example", .usage = "keyEncipherment", .until_at = NOW + 1,
		    .version = 2 }, "a.example", NULL },
		{ { .issuer_cn = "", .san = "DNS:a.example", .constraints = "CA:TRUE", .until_at = NOW + 1,
		    .version = 2 }, "a.example", "the certificate is one of a CA" },
		{ { .issuer_cn = "", .san = "DNS:a.example", .constraints = "CA:TRUE",
		    .usage = "digitalSignature", .until_at = NOW + 1, .version = 2 }, "a.example",
		  "the certificate is one of a CA" },
		{ { .issuer_cn = "", .san = "DNS:a.example", .usage = "keyCertSign", .until_at = NOW + 1,
		    .version = 2 }, "a.example", "the certificate is one of a CA" },
		/* a precertificate */
		{ { .issuer_cn = "", .san = "DNS:a.example", .until_at = NOW + 1, .version = 2,
		    .critical = "1.3.6.1.4.1.11129.2.4.3" }, "a.example",
		  "the certificate has a critical extension that nobody knows" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strv names = names_of(rows[i].names);
		struct chain c = chain_of(&rows[i].s);
		struct err e = { 0 };
		int rc = chain_check(&c, leaf_key, &names, NOW, &e);

		if ((rc < 0) != !!rows[i].why || (rc < 0 && strcmp(e.text, rows[i].why) != 0))
			fail_msg("row %zu: %s", i, e.text);
		if (rc < 0)
			assert_int_equal(e.kind, ERR_REFUSED);
		assert_int_equal(ERR_peek_error(), 0);
		chain_free(&c);
		strv_free(&names);
	}
}

static void leaves_are_for_the_key(void **state)
{
	struct spec leaf = GOOD_LEAF;
	struct strv names = names_of("a.example *.b.example");
	struct err e = { 0 };
	struct key *other = key_make(KEY_EC_256, &e);
	struct chain c = chain_of(&leaf), none = { 0 };

	(void)state;
	assert_int_equal(chain_check(&c, leaf_key, &names, NOW, &e), 0);
	assert_int_equal(chain_check(&c, other, &names, NOW, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_string_equal(e.text, "the certificate is not for the key that was asked for");
	assert_int_equal(chain_check(&none, leaf_key, &names, NOW, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	chain_free(&c);
	strv_free(&names);
	key_free(other);
}

static void writes_chains(void **state)
{
	struct buf good = good_chain(3), b;
	const char *second = strstr(good.s + 1, "-----BEGIN");
	struct err e = { 0 };
	struct chain c;

	(void)state;
	assert_int_equal(chain_parse(&c, good.s, good.len, &e), 0);
	buf_init(&b, 1 << 16);
	assert_int_equal(chain_write(&b, &c, 0, &e), 0);
	assert_string_equal(b.s, good.s);
	buf_clear(&b);
	assert_int_equal(chain_write(&b, &c, 1, &e), 0);
	assert_string_equal(b.s, second);
	buf_clear(&b);
	assert_int_equal(chain_write(&b, &c, 3, &e), 0);
	assert_string_equal(b.s, "");
	buf_free(&b);
	buf_init(&b, 1000);
	assert_int_equal(chain_write(&b, &c, 0, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	buf_free(&b);
	buf_free(&good);
	chain_free(&c);
}

static void fingerprint(char out[SHA256_HEX_LEN + 1], const struct cert *c)
{
	struct err e = { 0 };
	struct buf der;

	buf_init(&der, 1 << 16);
	assert_int_equal(cert_der(&der, c, &e), 0);
	crypto_sha256(out, der.s, der.len);
	buf_free(&der);
}

static void chains_lead_somewhere(void **state)
{
	struct spec s[3] = { GOOD_LEAF, GOOD_CA("X1"), GOOD_CA("Y \xc3\xbc") };
	char hex[SHA256_HEX_LEN + 1], colons[3 * SHA256_HEX_LEN + 1] = "", *p = colons;
	struct err e = { 0 };
	struct chain c;
	struct buf b;

	(void)state;
	s[2].issuer_cn = "Root Z";
	buf_init(&b, 1 << 16);
	put_chain(&b, s, 3);
	if (chain_parse(&c, b.s, b.len, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(chain_leads_to(&c, "X1"), 2);
	assert_int_equal(chain_leads_to(&c, "Y \xc3\xbc"), 1);
	assert_int_equal(chain_leads_to(&c, "Root Z"), 0);
	assert_int_equal(chain_leads_to(&c, "Root"), -1);
	assert_int_equal(chain_leads_to(&c, "root z"), -1);
	assert_int_equal(chain_leads_to(&c, "Root Z "), -1);
	assert_int_equal(chain_leads_to(&c, ""), -1);
	for (size_t i = 0; i < 3; i++) {
		fingerprint(hex, c.v[i]);
		p = colons;
		for (size_t j = 0; j < SHA256_HEX_LEN; j += 2)
			p += snprintf(p, 4, "%s%c%c", j ? ":" : "", hex[j] >= 'a' ? hex[j] - 32 : hex[j], hex[j + 1]);
		assert_int_equal(chain_leads_to(&c, hex), i ? 2 - (int)i : -1);
		assert_int_equal(chain_leads_to(&c, colons), i ? 2 - (int)i : -1);
		hex[63] = hex[63] == '0' ? '1' : '0';
		assert_int_equal(chain_leads_to(&c, hex), -1);
		hex[63] = '\0';
		assert_int_equal(chain_leads_to(&c, hex), -1);
		p[-1] = 'g';
		assert_int_equal(chain_leads_to(&c, colons), -1);
	}
	assert_int_equal(ERR_peek_error(), 0);
	chain_free(&c);
	buf_free(&b);
}

static void certificates_in_der(void **state)
{
	struct spec leaf = GOOD_LEAF;
	struct chain c = chain_of(&leaf);
	struct err e = { 0 };
	const unsigned char *p;
	struct buf der;
	X509 *x;

	(void)state;
	buf_init(&der, 1 << 16);
	assert_int_equal(cert_der(&der, c.v[0], &e), 0);
	p = (const unsigned char *)der.s;
	x = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(x);
	assert_ptr_equal(p, der.s + der.len);
	assert_int_equal(X509_check_host(x, "a.example", 0, 0, NULL), 1);
	X509_free(x);
	buf_free(&der);
	buf_init(&der, 10);
	assert_int_equal(cert_der(&der, c.v[0], &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	buf_free(&der);
	chain_free(&c);
}

/* RFC 9773 section 4.1 */
#define AKID \
	"\x30\x16\x80\x14\x69\x88\x5b\x6b\x87\x46\x40\x41\xe1\xb3\x7b\x84\x7b\xa0\xae\x2c\xde\x01\xc8\xd4"

static void renewal_identifiers(void **state)
{
	static const struct {
		const char *akid, *serial, *id;
	} rows[] = {
		{ AKID, "87654321", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" },
		{ AKID, "07654321", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.B2VDIQ" },
		{ AKID, "0", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA" },
		{ AKID, "-01", "aYhba4dGQEHhs3uEe6CuLN4ByNQ._w" },
		{ NULL, "87654321", NULL },
		{ "\x30\x00", "1", NULL },              /* none in it */
		{ "\x30\x02\x80\x00", "1", NULL },      /* an empty one */
		{ "\x30\x03\x80\x01\xff", "1", "_w.AQ" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct spec leaf = GOOD_LEAF;
		struct chain c;
		char *id;

		leaf.akid = rows[i].akid;
		leaf.serial = rows[i].serial;
		c = chain_of(&leaf);
		id = cert_renewal_id(c.v[0]);
		if (!id != !rows[i].id || (id && strcmp(id, rows[i].id) != 0))
			fail_msg("row %zu: %s", i, id ? id : "none");
		assert_int_equal(ERR_peek_error(), 0);
		free(id);
		chain_free(&c);
	}
}

/* --- the answer to tls-alpn-01 --- */

static X509 *x509_of(const struct cert *c)
{
	const unsigned char *p;
	struct err e = { 0 };
	struct buf der;
	X509 *x;

	buf_init(&der, 1 << 16);
	assert_int_equal(cert_der(&der, c, &e), 0);
	p = (const unsigned char *)der.s;
	x = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(x);
	buf_free(&der);
	return x;
}

static void answers_have_the_identifier(void **state)
{
	static const char *const rows[] = { "a.example", "192.0.2.1", "2001:db8::1" };
	/* SHA-256 of "abc", as an OCTET STRING */
	static const unsigned char value[] =
		"\x04\x20\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
		"\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		struct cert *c = cert_alpn_answer(leaf_key, rows[i], "abc", NOW, &e);
		ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
		X509_EXTENSION *ext;
		GENERAL_NAMES *san;
		int at;
		X509 *x;

		if (!c)
			fail_msg("%s", e.text);
		assert_int_equal(ERR_peek_error(), 0);
		x = x509_of(c);
		at = X509_get_ext_by_OBJ(x, id, -1);
		ext = X509_get_ext(x, at);
		assert_non_null(ext);
		assert_int_equal(X509_get_ext_by_OBJ(x, id, at), -1);
		assert_int_equal(X509_EXTENSION_get_critical(ext), 1);
		assert_int_equal(ASN1_STRING_length(X509_EXTENSION_get_data(ext)), 34);
		assert_memory_equal(ASN1_STRING_get0_data(X509_EXTENSION_get_data(ext)), value, 34);
		san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
		assert_int_equal(sk_GENERAL_NAME_num(san), 1);
		assert_int_equal(sk_GENERAL_NAME_value(san, 0)->type, i ? GEN_IPADD : GEN_DNS);
		assert_int_equal(i ? X509_check_ip_asc(x, rows[i], 0) : X509_check_host(x, rows[i], 0, 0, NULL), 1);
		assert_int_equal(X509_verify(x, leaf_pkey), 1);
		assert_int_equal(X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)), 0);
		assert_true(cert_matches_key(c, leaf_key));
		GENERAL_NAMES_free(san);
		ASN1_OBJECT_free(id);
		X509_free(x);
		cert_free(c);
		ERR_clear_error();
	}
	{
		struct err e = { 0 };

		assert_null(cert_alpn_answer(leaf_key, "a b", "abc", NOW, &e));
		assert_int_equal(e.kind, ERR_LOCAL);
	}
}

static void server_names(void **state)
{
	static const char *const rows[][2] = {
		{ "a.example", "a.example" },
		{ "192.0.2.1", "1.2.0.192.in-addr.arpa" },
		{ "255.0.10.200", "200.10.0.255.in-addr.arpa" },
		{ "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
		{ "fe80::abcd:ef", "f.e.0.0.d.c.b.a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.e.f.ip6.arpa" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *name = alpn_server_name(rows[i][0]);

		assert_string_equal(name, rows[i][1]);
		free(name);
	}
}

static void add_answer(struct alpn_answers *a, const char *name, const struct key *k,
		       const char *authorization)
{
	struct err e = { 0 };
	struct cert *c = cert_alpn_answer(k, name, authorization, NOW, &e);
	char *server_name = alpn_server_name(name);

	assert_non_null(c);
	if (alpn_answers_add(a, server_name, k, c, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(ERR_peek_error(), 0);
	cert_free(c);
	free(server_name);
}

static struct alpn_answers *some_answers(void)
{
	struct alpn_answers *a = alpn_answers_new();
	struct err e = { 0 };
	struct key *rsa = key_make(KEY_RSA_2048, &e);

	assert_non_null(a);
	add_answer(a, "a.example", leaf_key, "old");
	add_answer(a, "192.0.2.1", leaf_key, "abc");
	add_answer(a, "rsa.example", rsa, "abc");
	add_answer(a, "A.EXAMPLE", leaf_key, "abc");            /* takes the place of the first */
	key_free(rsa);                          /* the answers have what they need */
	return a;
}

/* A client in this process, over a socket pair. */
struct pair {
	SSL_CTX *ctx;
	SSL *client;
	struct alpn_connection *server;
	int fds[2];                     /* client, server */
};

static void pair_open(struct pair *p, struct alpn_answers *a, const char *sni, const char *alpn, int version)
{
	p->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(p->ctx, 0);
	SSL_CTX_set_min_proto_version(p->ctx, version);
	SSL_CTX_set_max_proto_version(p->ctx, version);
	p->client = SSL_new(p->ctx);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
	SSL_set_fd(p->client, p->fds[0]);
	if (sni)
		SSL_set_tlsext_host_name(p->client, sni);
	if (alpn)
		SSL_set_alpn_protos(p->client, (const unsigned char *)alpn, (unsigned)strlen(alpn));
	ERR_clear_error();
	p->server = alpn_accept(a, p->fds[1]);
	assert_non_null(p->server);
	assert_int_equal(ERR_peek_error(), 0);
}

static void pair_close(struct pair *p)
{
	alpn_close(p->server);
	SSL_free(p->client);
	SSL_CTX_free(p->ctx);
	close(p->fds[0]);
	close(p->fds[1]);
}

static enum alpn_wants step(struct pair *p)
{
	enum alpn_wants w = alpn_step(p->server);

	assert_int_equal(ERR_peek_error(), 0);
	return w;
}

/* 0: the handshake was completed; else the reason why not, as the client sees it. */
static int shake(struct pair *p, enum alpn_wants *wants)
{
	int reason = -1;

	*wants = ALPN_READ;
	for (int i = 0; i < 20 && reason < 0; i++) {
		int rc = SSL_connect(p->client), why = SSL_get_error(p->client, rc);

		if (rc == 1)
			reason = 0;
		else if (why != SSL_ERROR_WANT_READ)
			reason = ERR_GET_REASON(ERR_peek_error());
		ERR_clear_error();
		if (*wants != ALPN_DONE)
			*wants = step(p);
	}
	for (int i = 0; i < 5 && *wants != ALPN_DONE; i++)
		*wants = step(p);
	return reason;
}

#define ACME "\x0a" "acme-tls/1"

static void connections_are_answered(void **state)
{
	static const struct {
		const char *sni, *alpn;
		int version, reason;
	} rows[] = {
		{ "a.example", ACME, TLS1_3_VERSION, 0 },
		{ "a.example", ACME, TLS1_2_VERSION, 0 },
		{ "A.eXample", ACME, TLS1_3_VERSION, 0 },
		{ "rsa.example", ACME, TLS1_3_VERSION, 0 },
		{ "rsa.example", ACME, TLS1_2_VERSION, 0 },
		{ "1.2.0.192.in-addr.arpa", ACME, TLS1_3_VERSION, 0 },
		{ "a.example", "\x08http/1.1" ACME, TLS1_3_VERSION, 0 },
		{ "a.example", "\x08http/1.1", TLS1_3_VERSION, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL },
		{ "a.example", "\x08http/1.1", TLS1_2_VERSION, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL },
		{ "a.example", "\x0b" "acme-tls/1x" "\x09" "acme-tls/", TLS1_3_VERSION,
		  SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL },
		{ "a.example", NULL, TLS1_3_VERSION, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL },
		{ "a.example", NULL, TLS1_2_VERSION, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL },
		{ "b.example", ACME, TLS1_3_VERSION, SSL_R_TLSV1_UNRECOGNIZED_NAME },
		{ "b.example", ACME, TLS1_2_VERSION, SSL_R_TLSV1_UNRECOGNIZED_NAME },
		{ "www.a.example", ACME, TLS1_3_VERSION, SSL_R_TLSV1_UNRECOGNIZED_NAME },
		{ "192.0.2.1", ACME, TLS1_3_VERSION, SSL_R_TLSV1_UNRECOGNIZED_NAME },
		{ NULL, ACME, TLS1_3_VERSION, SSL_R_TLSV1_UNRECOGNIZED_NAME },
		{ NULL, ACME, TLS1_2_VERSION, SSL_R_TLSV1_UNRECOGNIZED_NAME },
		{ "a.example", ACME, TLS1_1_VERSION, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION },
	};
	struct alpn_answers *a = some_answers();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum alpn_wants wants;
		struct pair p;
		int reason;

		pair_open(&p, a, rows[i].sni, rows[i].alpn, rows[i].version);
		reason = shake(&p, &wants);
		if (reason != rows[i].reason)
			fail_msg("row %zu: %d", i, reason);
		assert_int_equal(wants, ALPN_DONE);
		assert_int_equal(step(&p), ALPN_DONE);
		if (!reason) {
			const unsigned char *alpn;
			unsigned len;
			char byte;
			X509 *x = SSL_get1_peer_certificate(p.client);

			SSL_get0_alpn_selected(p.client, &alpn, &len);
			assert_int_equal(len, 10);
			assert_memory_equal(alpn, "acme-tls/1", 10);
			assert_int_equal(SSL_read(p.client, &byte, 1), 0);
			assert_int_equal(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
			if (!text_ends(rows[i].sni, "arpa"))
				assert_int_equal(X509_check_host(x, rows[i].sni, 0, 0, NULL), 1);
			X509_free(x);
		}
		ERR_clear_error();
		pair_close(&p);
	}
	alpn_answers_free(a);
	alpn_answers_free(NULL);
	alpn_close(NULL);
}

/* The newest answer counts; it ends in the digest of "abc". */
static void the_newest_answer_counts(void **state)
{
	struct alpn_answers *a = some_answers();
	enum alpn_wants wants;
	const ASN1_STRING *s;
	struct pair p;
	X509 *x;

	(void)state;
	pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
	assert_int_equal(shake(&p, &wants), 0);
	x = SSL_get1_peer_certificate(p.client);
	s = X509_EXTENSION_get_data(X509_get_ext(x, X509_get_ext_count(x) - 1));
	assert_memory_equal(ASN1_STRING_get0_data(s), "\x04\x20\xba\x78\x16\xbf", 6);
	X509_free(x);
	pair_close(&p);
	alpn_answers_free(a);
}

static void answers_need_their_key(void **state)
{
	struct alpn_answers *a = alpn_answers_new();
	struct err e = { 0 };
	struct key *other = key_make(KEY_EC_256, &e);
	struct cert *c = cert_alpn_answer(leaf_key, "a.example", "abc", NOW, &e);

	(void)state;
	assert_int_equal(alpn_answers_add(a, "a.example", other, c, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	cert_free(c);
	key_free(other);
	alpn_answers_free(a);
}

static void nothing_is_read_after_the_handshake(void **state)
{
	struct alpn_answers *a = some_answers();
	struct pair p;
	int left = 0;

	(void)state;
	pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
	SSL_connect(p.client);
	assert_int_equal(step(&p), ALPN_READ);
	assert_int_equal(SSL_connect(p.client), 1);
	assert_int_equal(SSL_write(p.client, "hello", 5), 5);   /* right behind the handshake */
	assert_int_equal(step(&p), ALPN_DONE);
	assert_int_equal(ioctl(p.fds[1], FIONREAD, &left), 0);
	assert_true(left > 5);
	ERR_clear_error();
	pair_close(&p);
	alpn_answers_free(a);
}

/* A client that sends byte by byte, one that hangs up, one that talks rubbish. */
static void odd_clients(void **state)
{
	struct alpn_answers *a = some_answers();
	unsigned char hello[4096];
	struct pair p;
	ssize_t n;

	(void)state;
	pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
	SSL_connect(p.client);
	ERR_clear_error();
	n = read(p.fds[1], hello, sizeof(hello));
	assert_true(n > 100);
	for (ssize_t i = 0; i < n; i++) {
		assert_int_equal(step(&p), ALPN_READ);
		assert_int_equal(write(p.fds[0], hello + i, 1), 1);
	}
	assert_int_equal(step(&p), ALPN_READ);
	assert_int_equal(SSL_connect(p.client), 1);
	ERR_clear_error();
	assert_int_equal(step(&p), ALPN_DONE);
	pair_close(&p);

	for (ssize_t cut = 0; cut < n; cut += 13) {
		pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
		assert_int_equal(write(p.fds[0], hello, (size_t)cut), cut);
		assert_int_equal(step(&p), ALPN_READ);
		shutdown(p.fds[0], SHUT_RDWR);
		assert_int_equal(step(&p), ALPN_DONE);
		pair_close(&p);
	}
	srandom(1);
	for (int i = 0; i < 1000; i++) {
		unsigned char bad[4096];

		memcpy(bad, hello, (size_t)n);
		for (long j = random() % 4 + 1; j > 0; j--)
			bad[random() % n] = (unsigned char)random();
		pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
		assert_int_equal(write(p.fds[0], bad, (size_t)n), n);
		step(&p);
		shutdown(p.fds[0], SHUT_RDWR);
		assert_int_equal(step(&p), ALPN_DONE);
		pair_close(&p);
	}
	pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
	assert_int_equal(write(p.fds[0], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	assert_int_equal(step(&p), ALPN_DONE);
	pair_close(&p);
	alpn_answers_free(a);
}

static void waits_until_it_can_write(void **state)
{
	struct alpn_answers *a = some_answers();
	char block[4096] = "";
	size_t filled = 0;
	struct pair p;
	ssize_t n;

	(void)state;
	pair_open(&p, a, "a.example", ACME, TLS1_3_VERSION);
	SSL_connect(p.client);
	ERR_clear_error();
	while ((n = write(p.fds[1], block, sizeof(block))) > 0)
		filled += (size_t)n;
	assert_int_equal(step(&p), ALPN_WRITE);
	assert_int_equal(step(&p), ALPN_WRITE);
	while (filled && (n = read(p.fds[0], block, filled < sizeof(block) ? filled : sizeof(block))) > 0)
		filled -= (size_t)n;
	assert_int_equal(step(&p), ALPN_READ);
	assert_int_equal(SSL_connect(p.client), 1);
	ERR_clear_error();
	/* and now with the last word */
	while ((n = write(p.fds[1], block, sizeof(block))) > 0)
		filled += (size_t)n;
	assert_int_equal(step(&p), ALPN_WRITE);
	assert_true(read(p.fds[0], block, sizeof(block)) > 0);
	for (int i = 0; i < 100 && step(&p) == ALPN_WRITE; i++)
		assert_true(read(p.fds[0], block, sizeof(block)) > 0);
	assert_int_equal(step(&p), ALPN_DONE);
	pair_close(&p);
	alpn_answers_free(a);
}

/* --- the `openssl` command as client --- */

static int listen_on(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(at);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* What it says, errors too. */
static pid_t start(int *out, const char *const *argv)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

static void serve_one(struct alpn_answers *a, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct alpn_connection *c = alpn_accept(a, fd);
	enum alpn_wants w;

	while ((w = alpn_step(c)) != ALPN_DONE) {
		struct pollfd f = { fd, w == ALPN_READ ? POLLIN : POLLOUT, 0 };

		if (poll(&f, 1, 10000) <= 0)
			fail_msg("the client says nothing");
	}
	alpn_close(c);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void the_openssl_command_agrees(void **state)
{
	static const struct {
		const char *sni, *alpn, *version, *says;
		bool ok;
	} rows[] = {
		{ "a.example", "acme-tls/1", "-tls1_3", "ALPN protocol: acme-tls/1", true },
		{ "rsa.example", "acme-tls/1", "-tls1_2", "ALPN protocol: acme-tls/1", true },
		{ "a.example", "h2", "-tls1_3", "no application protocol", false },
		{ "b.example", "acme-tls/1", "-tls1_3", "unrecognized name", false },
		{ "b.example", "acme-tls/1", "-tls1_2", "unrecognized name", false },
	};
	struct alpn_answers *a = some_answers();
	uint16_t port;
	int listener = listen_on(&port), out, status;
	char *to = mem_format("127.0.0.1:%u", port);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *argv[] = { "openssl", "s_client", "-connect", to, "-servername", rows[i].sni,
				       "-alpn", rows[i].alpn, rows[i].version, NULL };
		struct pollfd f = { listener, POLLIN, 0 };
		char text[32768];
		size_t len = 0;
		ssize_t n;
		pid_t pid = start(&out, argv);

		if (poll(&f, 1, 10000) <= 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			print_message("# SKIPPED: there is no `openssl` command here, so it was not asked\n");
			skip();
		}
		serve_one(a, listener);
		while (len + 1 < sizeof(text) && (n = read(out, text + len, sizeof(text) - 1 - len)) > 0)
			len += (size_t)n;
		text[len] = '\0';
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!strstr(text, rows[i].says) || (rows[i].ok && !strstr(text, "CONNECTED")))
			fail_msg("row %zu: %s", i, text);
		close(out);
	}
	close(listener);
	free(to);
	alpn_answers_free(a);
}

#define TEST(f) cmocka_unit_test_teardown(f, queue_is_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_ask_for_names_alone),
		TEST(requests_have_a_common_name_if_it_is_wanted),
		TEST(requests_need_names),
		TEST(reads_chains_of_any_length),
		TEST(blanks_do_not_matter),
		TEST(refuses_texts_that_are_no_chain),
		TEST(refuses_too_much),
		TEST(refuses_wrong_links),
		TEST(refuses_what_would_not_read_back),
		TEST(survives_damage),
		TEST(judges_leaves),
		TEST(leaves_are_for_the_key),
		TEST(writes_chains),
		TEST(chains_lead_somewhere),
		TEST(certificates_in_der),
		TEST(renewal_identifiers),
		TEST(answers_have_the_identifier),
		TEST(server_names),
		TEST(connections_are_answered),
		TEST(the_newest_answer_counts),
		TEST(answers_need_their_key),
		TEST(nothing_is_read_after_the_handshake),
		TEST(odd_clients),
		TEST(waits_until_it_can_write),
		TEST(the_openssl_command_agrees),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
