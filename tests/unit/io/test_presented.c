/* test_presented.c - chains as servers present them: what is read, hostile ones too, and every fault in the
 * order in which it is told.
 * Touches: files of trusted CAs in $TMPDIR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "forge.h"

#define LEAF "DNS:mx.example.org,DNS:*.w.example.org,IP:192.0.2.1,IP:2001:db8::1"

static struct forge all[] = {
	{ .name = "root", .subject = "Root CA", CA },
	{ .name = "other-root", .subject = "Other Root", CA },
	{ .name = "ca", .by = "root", .subject = "Issuing CA", CA },
	{ .name = "old-ca", .by = "root", .subject = "Issuing CA", .key = "ca", CA, .until_for = -HOUR },
	{ .name = "young-ca", .by = "root", .subject = "Issuing CA", .key = "ca", CA, .from_for = HOUR },
	{ .name = "no-ca", .by = "root", .subject = "No CA", .constraints = "critical,CA:FALSE" },
	{ .name = "other-ca", .by = "root", .subject = "Issuing CA", CA },
	{ .name = "old-root", .subject = "Old Root", CA, .until_for = -HOUR },
	{ .name = "by-old-root", .by = "old-root", .subject = "mx.example.org", .san = LEAF },
	{ .name = "leaf", .by = "ca", .subject = "mx.example.org", .san = LEAF },
	{ .name = "expired", .by = "ca", .subject = "mx.example.org", .san = LEAF, .until_for = -DAY / 2 },
	{ .name = "young", .by = "ca", .san = LEAF, .from_for = DAY },
	{ .name = "client", .by = "ca", .san = LEAF, .uses = "clientAuth" },
	{ .name = "by-no-ca", .by = "no-ca", .san = LEAF },
	{ .name = "self", .subject = "mx.example.org", .san = LEAF },
	{ .name = "old-self", .subject = "mx.example.org", .san = LEAF, .until_for = -HOUR },
	{ .name = "by-root", .by = "root", .san = LEAF },
	{ .name = "weak", .by = "root", .san = LEAF, .kind = "RSA-1024" },
	{ .name = "sha1", .by = "root", .san = LEAF, .digest = "SHA1" },
	{ .name = "cn", .by = "root", .subject = "mx.example.org" },
	{ .name = "root-name", .by = "root", .subject = "Example Root" },
	{ .name = "nameless", .by = "root", .subject = "" },
	{ .name = "nul", .by = "root", .subject = "", .san = "DNS:x.example.org,DNS:mx.example.org!" },
	{ .name = "p384", .by = "root", .san = LEAF, .kind = "P-384" },
	{ .name = "koblitz", .by = "root", .san = LEAF, .kind = "secp256k1" },
	{ .name = "ed", .by = "root", .san = LEAF, .kind = "ED25519" },
	{ .name = "rsa", .by = "root", .san = LEAF, .kind = "RSA-2048" },
	{ .name = "partial", .by = "root", .subject = "", .san = "DNS:m*.example.org" },
};

static char *ca_file;

static int set_up(void **state)
{
	(void)state;
	forge_all(all, ARRAY_LEN(all));
	ca_file = forge_ca_file(all, ARRAY_LEN(all), "root old-root");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(ca_file);
	free(ca_file);
	forge_free(all, ARRAY_LEN(all));
	return 0;
}

static struct presented present(const char *names)
{
	return forge_present(all, ARRAY_LEN(all), names);
}

static struct tls_der der_of(const char *name, bool is_key)
{
	return forge_der(forge_find(all, ARRAY_LEN(all), name), is_key);
}

/* --- reading --- */

static void reads_what_is_in_a_certificate(void **state)
{
	struct presented p = present("leaf ca root");
	char hex[SHA256_HEX_LEN + 1];

	(void)state;
	assert_int_equal(p.n, 3);
	assert_string_equal(p.v[0].subject, "CN=mx.example.org");
	assert_string_equal(p.v[0].issuer, "CN=Issuing CA");
	assert_string_equal(p.v[0].serial, "0a");
	assert_int_equal(p.v[0].from_at, NOW - DAY);
	assert_int_equal(p.v[0].until_at, NOW + 90 * DAY);
	assert_int_equal(p.v[0].names.n, 4);
	assert_string_equal(p.v[0].names.v[0], "*.w.example.org");
	assert_string_equal(p.v[0].names.v[1], "192.0.2.1");
	assert_string_equal(p.v[0].names.v[2], "2001:db8::1");
	assert_false(p.v[0].is_ca || p.v[0].self_signed || p.v[1].self_signed);
	assert_true(p.v[1].is_ca && p.v[2].is_ca && p.v[2].self_signed);
	for (size_t i = 0; i < p.n; i++) {
		crypto_sha256(hex, p.v[i].cert.v, p.v[i].cert.len);
		assert_string_equal(p.v[i].cert_sha256, hex);
		crypto_sha256(hex, p.v[i].spki.v, p.v[i].spki.len);
		assert_string_equal(p.v[i].spki_sha256, hex);
		assert_int_equal(strlen(p.v[i].cert_sha512), SHA512_HEX_LEN);
		assert_int_equal(strlen(p.v[i].spki_sha512), SHA512_HEX_LEN);
	}
	presented_free(&p);
	presented_free(&p);
}

static void tells_keys_apart(void **state)
{
	static const struct { const char *name; enum key_type type; const char *key; } rows[] = {
		{ "leaf", KEY_EC_256, "ECDSA P-256" }, { "p384", KEY_EC_384, "ECDSA P-384" },
		{ "koblitz", KEY_OTHER, "ECDSA secp256k1" }, { "ed", KEY_OTHER, "Ed25519" },
		{ "rsa", KEY_RSA_2048, "RSA 2048" }, { "weak", KEY_OTHER, "RSA 1024" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct presented p = present(rows[i].name);

		assert_string_equal(p.v[0].key, rows[i].key);
		assert_int_equal(p.v[0].type, rows[i].type);
		presented_free(&p);
	}
}

/* Reads one certificate; NULL: it was, and *p is to be freed. */
static char *read_one(struct presented *p, const void *bytes, size_t len)
{
	struct tls_der der = { (unsigned char *)bytes, len };
	struct tls_presented from = { .certs = &der, .n = 1 };
	struct err e = { 0 };

	if (presented_read(p, &from, &e) == 0)
		return NULL;
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_null(p->v);
	assert_int_equal(p->n, 0);
	return mem_copy_str(e.text);
}

static void refuses_what_is_no_certificate(void **state)
{
	struct tls_der der = der_of("leaf", false);
	unsigned char *longer = mem_alloc(der.len + 1);
	struct tls_presented none = { 0 }, many = { .n = TLS_CERTS_MAX + 1 };
	struct presented p;
	struct err e = { 0 };
	char *why;

	(void)state;
	memcpy(longer, der.v, der.len);
	for (size_t len = 0; len < der.len; len++) {
		unsigned char *cut = mem_alloc(len);    /* of that size, for the sanitizer */

		memcpy(cut, der.v, len);
		why = read_one(&p, cut, len);
		assert_non_null(why);
		free(why);
		free(cut);
	}
	why = read_one(&p, longer, der.len + 1);
	assert_true(text_starts(why, "certificate 1 of the chain is damaged ("));
	free(why);
	assert_int_equal(presented_read(&p, &none, &e), -1);
	assert_string_equal(e.text, "the server presented no certificate");
	assert_int_equal(presented_read(&p, &many, &e), -1);
	free(longer);
	free(der.v);
}

/* Every byte of a certificate, changed: it is read or it is not, and nothing else happens. */
static void survives_damage(void **state)
{
	struct tls_der der = der_of("leaf", false);
	struct strv names = forge_words("mx.example.org", " ");
	size_t good = 0;

	(void)state;
	for (size_t i = 0; i < der.len; i++) {
		static const unsigned char flips[] = { 0x01, 0x80, 0xff };

		for (size_t k = 0; k < sizeof(flips); k++) {
			struct presented p;
			char *why;

			der.v[i] ^= flips[k];
			why = read_one(&p, der.v, der.len);
			if (!why) {
				enum presented_fault f = presented_verify(&why, &p, &names, ca_file, NOW);

				assert_true(f == PRESENTED_OK ? !why : why && *why);
				assert_int_not_equal(f, PRESENTED_OK);
				for (const char *s = why; *s; s++)
					assert_true(*s >= 0x20 && *s <= 0x7e);
				good++;
				presented_free(&p);
			}
			free(why);
			der.v[i] ^= flips[k];
			assert_int_equal(ERR_peek_error(), 0);
		}
	}
	assert_true(good > 100);
	strv_free(&names);
	free(der.v);
}

/* Replaces bytes in the DER of a certificate, of which the length stays. */
static struct tls_der patched(const char *name, const void *from, size_t from_len, const void *to)
{
	struct tls_der der = der_of(name, false);
	unsigned char *at = memmem(der.v, der.len, from, from_len);

	assert_non_null(at);
	memcpy(at, to, from_len);
	return der;
}

static void leaves_out_what_is_no_name(void **state)
{
	struct tls_der der = patched("nul", "mx.example.org!", 15, "mx.example.org\0");
	struct presented p;

	(void)state;
	assert_null(read_one(&p, der.v, der.len));
	assert_int_equal(p.v[0].names.n, 1);
	assert_string_equal(p.v[0].names.v[0], "x.example.org");
	assert_false(presented_names(&p, "mx.example.org"));
	assert_true(presented_names(&p, "x.example.org"));
	assert_string_equal(p.v[0].subject, "");
	presented_free(&p);
	free(der.v);
}

static void reads_odd_certificates(void **state)
{
	struct forge *leaf = forge_find(all, ARRAY_LEN(all), "leaf");
	X509 *x = X509_dup(leaf->x);
	unsigned char *der = NULL, raw[300];
	struct presented p;
	struct tls_der d;
	BIGNUM *n;
	char *why;
	int len;

	(void)state;
	/* a serial number of 300 bytes */
	memset(raw, 0x5a, sizeof(raw));
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	X509_sign(x, leaf->pkey, EVP_sha256());
	len = i2d_X509(x, &der);
	assert_null(read_one(&p, der, (size_t)len));
	assert_string_equal(p.v[0].serial, "a serial number of 300 bytes");
	presented_free(&p);
	OPENSSL_free(der);
	BN_free(n);
	X509_free(x);
	/* a key of an algorithm that nobody knows: id-ecPublicKey, made another number */
	d = patched("leaf", "\x2a\x86\x48\xce\x3d\x02\x01", 7, "\x2a\x86\x48\xce\x3d\x02\x7f");
	assert_null(read_one(&p, d.v, d.len));
	assert_string_equal(p.v[0].key, "an unknown kind of key");
	assert_int_equal(p.v[0].type, KEY_OTHER);
	presented_free(&p);
	free(d.v);
	/* no date */
	d = patched("leaf", "270114080000Z", 13, "27011408x000Z");
	why = read_one(&p, d.v, d.len);
	assert_string_equal(why, "certificate 1 of the chain: a damaged certificate: no date in notBefore");
	free(why);
	free(d.v);
}

/* --- names --- */

static void compares_names(void **state)
{
	static const struct { const char *chain, *name; bool has; } rows[] = {
		{ "leaf", "mx.example.org", true }, { "leaf", "MX.example.ORG", true },
		{ "leaf", "a.w.example.org", true }, { "leaf", "a.b.w.example.org", false },
		{ "leaf", "w.example.org", false }, { "leaf", "example.org", false },
		{ "leaf", ".example.org", false }, { "leaf", "", false }, { "leaf", "192.0.2.1", true },
		{ "leaf", "192.0.2.2", false }, { "leaf", "2001:db8:0::1", true }, { "leaf", "2001:db8::2", false },
		{ "cn", "mx.example.org", true }, { "cn", "example.org", false },
		{ "root-name", "mx.example.org", false }, { "nameless", "mx.example.org", false },
		{ "partial", "mx.example.org", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct presented p = present(rows[i].chain);

		if (presented_names(&p, rows[i].name) != rows[i].has)
			fail_msg("%s: %s", rows[i].chain, rows[i].name);
		presented_free(&p);
	}
}

/* --- verification --- */

static void judge(const char *what, enum presented_fault got, enum presented_fault fault, char *why, const char *words)
{
	if (got != fault || (!words != !why) || (words && !strstr(why, words)))
		fail_msg("%s: %d, \"%s\" instead of %d, \"%s\"", what, got, why ? why : "", fault, words ? words : "");
	assert_int_equal(ERR_peek_error(), 0);
	free(why);
}

static void verifies_as_a_client_that_knows_cas(void **state)
{
	static const struct { const char *chain, *names; enum presented_fault fault; const char *words; } rows[] = {
		{ "leaf ca", "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca root", "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf root ca", "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf old-ca ca", "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca", "other.example.org mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca", "192.0.2.1", PRESENTED_OK, NULL },
		{ "cn", "mx.example.org", PRESENTED_OK, NULL },
		{ "rsa", "mx.example.org", PRESENTED_OK, NULL },
		{ "young ca", "mx.example.org", PRESENTED_NOT_YET, "the certificate is not valid before 2027-01-16 08:00" },
		{ "leaf young-ca", "mx.example.org", PRESENTED_NOT_YET, "the CA's certificate CN=Issuing CA is not valid" },
		{ "expired ca", "mx.example.org", PRESENTED_EXPIRED, "the certificate expired at 2027-01-14 20:00" },
		{ "expired", "mx.example.org", PRESENTED_EXPIRED, "the certificate expired at" },
		{ "expired old-ca", "other.example.org", PRESENTED_EXPIRED, "the certificate expired at" },
		{ "leaf old-ca", "mx.example.org", PRESENTED_EXPIRED, "the CA's certificate CN=Issuing CA expired at" },
		{ "by-old-root", "mx.example.org", PRESENTED_EXPIRED, "the CA's certificate CN=Old Root expired at" },
		{ "old-self", "mx.example.org", PRESENTED_EXPIRED, "the certificate expired" },
		{ "leaf ca", "other.example.org", PRESENTED_WRONG_NAME, "is not for other.example.org, but for *.w.example.org, "
		  "192.0.2.1, 2001:db8::1 and 1 more" },
		{ "self", "other.example.org", PRESENTED_WRONG_NAME, "is not for other.example.org" },
		{ "nameless", "mx.example.org", PRESENTED_WRONG_NAME, "is not for mx.example.org: it has no names" },
		{ "leaf ca", "", PRESENTED_WRONG_NAME, "any name" },
		{ "self", "mx.example.org", PRESENTED_SELF_SIGNED, "signed by itself" },
		{ "self ca root", "mx.example.org", PRESENTED_SELF_SIGNED, "signed by itself" },
		{ "leaf", "mx.example.org", PRESENTED_UNTRUSTED, "the issuer of the certificate, CN=Issuing CA, is not known" },
		{ "leaf root", "mx.example.org", PRESENTED_UNTRUSTED, "the issuer of the certificate, CN=Issuing CA" },
		{ "leaf other-ca", "mx.example.org", PRESENTED_UNTRUSTED, "is not signed by the key of its issuer" },
		{ "client ca", "mx.example.org", PRESENTED_OTHER, "the certificate: un" },
		{ "by-no-ca no-ca", "mx.example.org", PRESENTED_OTHER, "the CA's certificate CN=No CA: invalid CA" },
		{ "weak", "mx.example.org", PRESENTED_OTHER, "the certificate: EE certificate key too weak" },
		{ "sha1", "mx.example.org", PRESENTED_OTHER, "too weak" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct presented p = present(rows[i].chain);
		struct strv names = forge_words(rows[i].names, " ");
		char *why;
		enum presented_fault f = presented_verify(&why, &p, &names, ca_file, NOW);

		judge(rows[i].chain, f, rows[i].fault, why, rows[i].words);
		strv_free(&names);
		presented_free(&p);
	}
}

static void tells_of_cas_that_cannot_be_read(void **state)
{
	struct presented p = present("leaf ca root");
	struct strv names = forge_words("mx.example.org", " ");
	char *why, *others = forge_ca_file(all, ARRAY_LEN(all), "other-root");
	enum presented_fault f;

	(void)state;
	f = presented_verify(&why, &p, &names, "/nonexistent", NOW);
	judge("no file", f, PRESENTED_UNTRUSTED, why, "no trusted CAs can be read from /nonexistent");
	f = presented_verify(&why, &p, &names, others, NOW);
	judge("another CA", f, PRESENTED_UNTRUSTED, why, "leads to a CA that is not trusted: the CA's certificate CN=Root CA");
	f = presented_verify(&why, &p, &names, NULL, NOW);
	judge("the system's", f, PRESENTED_UNTRUSTED, why, "CN=Root CA");
	unlink(others);
	free(others);
	strv_free(&names);
	presented_free(&p);
}

static void shows_the_way_to_the_ca(void **state)
{
	struct presented p = present("leaf ca"), way;
	struct strv names = forge_words("mx.example.org", " ");
	char *why;

	(void)state;
	assert_int_equal(presented_path(&why, &way, &p, &names, ca_file, NOW), PRESENTED_OK);
	assert_int_equal(way.n, 3);
	assert_string_equal(way.v[0].cert_sha256, p.v[0].cert_sha256);
	assert_string_equal(way.v[2].subject, "CN=Root CA");
	presented_free(&way);
	assert_int_equal(presented_path(&why, &way, &p, &names, "/nonexistent", NOW), PRESENTED_UNTRUSTED);
	assert_null(way.v);
	free(why);
	strv_free(&names);
	presented_free(&p);
}

static void verifies_to_one_certificate(void **state)
{
	static const struct { const char *chain; size_t anchor; const char *name; enum presented_fault fault;
			      const char *words; } rows[] = {
		{ "leaf ca root", 2, "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca root", 1, "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca", 1, "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf", 0, "mx.example.org", PRESENTED_OK, NULL },
		{ "self", 0, "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf root ca", 1, "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca old-root", 1, "mx.example.org", PRESENTED_OK, NULL },
		{ "leaf ca root", 1, "other.example.org", PRESENTED_WRONG_NAME, "not for other" },
		{ "expired ca", 1, "mx.example.org", PRESENTED_EXPIRED, "the certificate expired" },
		{ "leaf old-ca root", 1, "mx.example.org", PRESENTED_EXPIRED, "CN=Issuing CA expired" },
		{ "leaf root", 1, "mx.example.org", PRESENTED_UNTRUSTED, "does not lead" },
		{ "leaf other-root", 1, "mx.example.org", PRESENTED_UNTRUSTED, "does not lead" },
		{ "self other-root", 1, "mx.example.org", PRESENTED_UNTRUSTED, "does not lead" },
		{ "leaf other-ca", 1, "mx.example.org", PRESENTED_UNTRUSTED, "not signed by" },
		{ "client ca", 1, "mx.example.org", PRESENTED_OTHER, "the certificate: un" },
		{ "by-no-ca no-ca", 1, "mx.example.org", PRESENTED_OTHER, "invalid CA" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct presented p = present(rows[i].chain);
		struct strv names = forge_words(rows[i].name, " ");
		char *why;
		enum presented_fault f = presented_verify_to(&why, &p, rows[i].anchor, &names, NOW);

		judge(rows[i].chain, f, rows[i].fault, why, rows[i].words);
		strv_free(&names);
		presented_free(&p);
	}
}

static void verifies_with_what_is_not_sent(void **state)
{
	static const struct { const char *chain, *anchor; bool is_key; enum presented_fault fault;
			      const char *words; } rows[] = {
		{ "leaf", "ca", false, PRESENTED_OK, NULL },
		{ "leaf", "ca", true, PRESENTED_OK, NULL },
		{ "leaf ca", "root", false, PRESENTED_OK, NULL },
		{ "leaf ca", "root", true, PRESENTED_OK, NULL },
		{ "leaf", "root", false, PRESENTED_UNTRUSTED, "does not lead" },
		{ "leaf", "root", true, PRESENTED_UNTRUSTED, "no certificate that the server sends is signed by that key" },
		{ "leaf", "old-ca", false, PRESENTED_EXPIRED, "CN=Issuing CA expired" },
		{ "expired", "ca", true, PRESENTED_EXPIRED, "the certificate expired" },
		{ "expired", "root", true, PRESENTED_UNTRUSTED, "no certificate" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct presented p = present(rows[i].chain);
		struct strv names = forge_words("mx.example.org", " ");
		struct tls_der anchor = der_of(rows[i].anchor, rows[i].is_key);
		char *why;
		enum presented_fault f = presented_verify_with(&why, &p, &anchor, rows[i].is_key, &names, NOW);

		judge(rows[i].anchor, f, rows[i].fault, why, rows[i].words);
		anchor.len--;
		assert_false(presented_readable(&anchor, rows[i].is_key));
		assert_int_equal(presented_verify_with(&why, &p, &anchor, rows[i].is_key, &names, NOW), PRESENTED_UNTRUSTED);
		free(why);
		free(anchor.v);
		strv_free(&names);
		presented_free(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(reads_what_is_in_a_certificate, forge_queue_is_empty),
		cmocka_unit_test_teardown(tells_keys_apart, forge_queue_is_empty),
		cmocka_unit_test_teardown(refuses_what_is_no_certificate, forge_queue_is_empty),
		cmocka_unit_test_teardown(survives_damage, forge_queue_is_empty),
		cmocka_unit_test_teardown(leaves_out_what_is_no_name, forge_queue_is_empty),
		cmocka_unit_test_teardown(reads_odd_certificates, forge_queue_is_empty),
		cmocka_unit_test_teardown(compares_names, forge_queue_is_empty),
		cmocka_unit_test_teardown(verifies_as_a_client_that_knows_cas, forge_queue_is_empty),
		cmocka_unit_test_teardown(tells_of_cas_that_cannot_be_read, forge_queue_is_empty),
		cmocka_unit_test_teardown(shows_the_way_to_the_ca, forge_queue_is_empty),
		cmocka_unit_test_teardown(verifies_to_one_certificate, forge_queue_is_empty),
		cmocka_unit_test_teardown(verifies_with_what_is_not_sent, forge_queue_is_empty),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
