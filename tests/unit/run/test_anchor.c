/* test_anchor.c - records of usage 2: the trust anchor of a chain, and chains that do not match it any more.
 * The CAs are made here with OpenSSL.
 * Touches: a folder under /tmp.
 */
#include "run/generation.h"
#include "run/publish.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "run/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define NOW ((int64_t)1800000000)

struct ca {
	EVP_PKEY *key;
	X509     *cert;
};

static X509 *certify(EVP_PKEY *key, const char *name, const struct ca *by)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
						    (const unsigned char *)name, -1, -1, 0), 1);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - DAY);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 90 * DAY);
	X509_set_subject_name(x, subject);
	X509_set_issuer_name(x, by ? X509_get_subject_name(by->cert) : subject);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, by ? by->key : key, EVP_sha256()) > 0);
	X509_NAME_free(subject);
	return x;
}

static struct ca ca_new(const char *name)
{
	struct ca ca = { .key = EVP_EC_gen("P-256") };

	ca.cert = certify(ca.key, name, NULL);
	return ca;
}

static void ca_free(struct ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

/* The line's key and a chain by the CA, as another program would leave them. */
static void write_chain(const char *dir, EVP_PKEY *key, const struct ca *by)
{
	char *path = mem_format("%s/key.pem", dir);
	FILE *f = fopen(path, "w");
	X509 *leaf = certify(key, "mx.example.org", by);

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	free(path);
	path = mem_format("%s/cert.pem", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, leaf), 1);
	if (by)
		assert_int_equal(PEM_write_X509(f, by->cert), 1);
	fclose(f);
	free(path);
	X509_free(leaf);
}

static void load(struct generation *g, struct line_config *c, const char *dir)
{
	char *key = mem_format("%s/key.pem", dir), *cert = mem_format("%s/cert.pem", dir);
	struct err e;
	int number;

	if (generation_adopt(&number, c, key, cert, NOW, &e) < 0 ||
	    generation_load(g, c, number, &e) < 0)
		fail_msg("%s", e.text);
	free(key);
	free(cert);
}

static void a_renewed_chain_must_match(void **state)
{
	static const char *const folders[] = { "lines", "lines/mx", "lines/mx/gen" };
	char dir[] = "/tmp/certline-anchor.XXXXXX", *path;
	struct line_config c = { .name = (char[]){ "mx" }, .key_gid = (gid_t)-1, .params_n = 2,
				 .params = { { 2, 1, 1 }, { 2, 0, 1 } } };
	struct ca ours = ca_new("our CA"), other = ca_new("another CA");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct generation g = { 0 }, h = { 0 };
	struct set set = { .ttl_for = HOUR };
	static const struct strv none;
	unsigned char digest[32];
	char hex[65];
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	c.state = dir;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		path = mem_format("%s/%s", dir, folders[i]);
		assert_int_equal(fs_mkdir(path, (struct fs_mode){ 0700, (gid_t)-1 }, &e), 0);
		free(path);
	}
	strv_add(&c.owners, "_25._tcp.mx.example.org");
	write_chain(dir, key, &ours);
	load(&g, &c, dir);

	/* what is kept in the manifest is the anchor that openssl sees */
	assert_int_equal(X509_digest(ours.cert, EVP_sha256(), digest, NULL), 1);
	text_hex(hex, digest, sizeof(digest));
	assert_string_equal(g.leaves[0].spki.ta_cert_sha256, hex);
	for (size_t i = 0; i < c.params_n; i++) {
		struct tlsa_rdata r;
		char *data;

		assert_true(tlsa_make(&r, c.params[i], &g.leaves[0].spki));
		data = tlsa_format(&r);
		set_add(&set, c.owners.v[0], data, 1);
		free(data);
	}
	set_sort(&set);
	assert_int_equal(publish_check_cover(&c, &g, &set, &none, &e), 0);
	assert_int_equal(publish_check_sets(&c, &g, &set, &e), 0);

	/* the same key, by another CA, and by none: clients would refuse both */
	write_chain(dir, key, &other);
	load(&h, &c, dir);
	assert_int_equal(publish_check_sets(&c, &h, &set, &e), -1);
	assert_int_equal(e.kind, ERR_UNSAFE);
	generation_free(&h);
	write_chain(dir, key, NULL);
	load(&h, &c, dir);
	assert_string_equal(h.leaves[0].spki.ta_cert_sha256, "");
	assert_int_equal(publish_check_sets(&c, &h, &set, &e), -1);

	/* 3 1 1 does not care */
	set_free(&set);
	{
		struct tlsa_rdata r;
		char *data;

		assert_true(tlsa_make(&r, (struct tlsa_params){ 3, 1, 1 }, &g.leaves[0].spki));
		data = tlsa_format(&r);
		set_add(&set, c.owners.v[0], data, 1);
		free(data);
	}
	assert_int_equal(publish_check_sets(&c, &h, &set, &e), 0);
	set_free(&set);
	assert_int_equal(publish_check_sets(&c, &h, &set, &e), 0);   /* nothing published yet */

	generation_free(&g);
	generation_free(&h);
	strv_free(&c.owners);
	EVP_PKEY_free(key);
	ca_free(&ours);
	ca_free(&other);
	/* fs_remove_tree goes one level down and no further */
	for (size_t i = ARRAY_LEN(folders); i-- > 0;) {
		path = mem_format("%s/%s", dir, folders[i]);
		if (fs_remove_tree(path, &e) < 0)
			fail_msg("%s", e.text);
		free(path);
	}
	if (fs_remove_tree(dir, &e) < 0)
		fail_msg("%s", e.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_renewed_chain_must_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
