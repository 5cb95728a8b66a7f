/* fuzz_pem.c - any text as keys and certificates in PEM.
 * Touches: nothing.  Seeds: tests/data/pem.
 */
#include "base/mem.h"
#include "io/crypto.h"

#include <openssl/err.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
	if (ERR_peek_error())
		mem_bug("something was left in OpenSSL's queue");
}

static void check_info(const struct cert_info *i)
{
	for (size_t n = 0; n < i->names.n; n++) {
		must(i->names.v[n][0] != '\0', "an empty name");
		must(n == 0 || strcmp(i->names.v[n - 1], i->names.v[n]) < 0, "names out of order");
		for (const char *p = i->names.v[n]; *p; p++)
			must(*p > 0x20 && *p < 0x7f && (*p < 'A' || *p > 'Z'), "an unclean name");
	}
	for (const char *p = i->issuer; *p; p++)
		must(*p >= 0x20 && *p < 0x7f, "an unclean issuer");
	must(strlen(i->sha256) == SHA256_HEX_LEN && strlen(i->spki.sha256) == SHA256_HEX_LEN &&
	     strlen(i->spki.sha512) == SHA512_HEX_LEN && strlen(i->serial) >= 2, "a short digest");
}

/* k may be NULL */
static void one_cert(const struct cert *c, const struct key *k)
{
	struct cert_info info, other;
	struct spki_digests d;
	struct err e = { 0 };
	struct cert *again;
	struct buf b;

	if (cert_inspect(&info, c, &e) < 0) {
		must(e.kind == ERR_LOCAL && e.text[0], "an error without text");
		must(!info.names.v, "something to free after an error");
		return;
	}
	check_info(&info);
	if (k && key_spki(&d, k, &e) == 0)
		must(cert_matches_key(c, k) == (strcmp(info.spki.sha256, d.sha256) == 0),
		     "a key and a certificate that match without the same digest");
	buf_init(&b, 1 << 22);
	must(cert_write(&b, c, &e) == 0, "a certificate that cannot be written");
	again = cert_parse(b.s, b.len, NULL, &e);
	must(again, "a certificate that does not read back");
	must(cert_inspect(&other, again, &e) == 0, "a certificate that is odd when read again");
	must(strcmp(info.sha256, other.sha256) == 0 && strv_same(&info.names, &other.names),
	     "a certificate that reads back as another");
	cert_info_free(&info);
	cert_info_free(&other);
	cert_free(again);
	buf_free(&b);
}

static void one_key(const struct key *k)
{
	struct spki_digests a, b;
	struct err e = { 0 };
	struct key *again;
	struct buf pem;

	must(key_kind(k) < KEY_TYPE_N, "a key of no kind");
	if (key_spki(&a, k, &e) < 0) {
		must(e.kind == ERR_LOCAL && e.text[0], "an error without text");
		return;
	}
	buf_init(&pem, 1 << 22);
	if (key_write(&pem, k, &e) == 0) {
		must(strncmp(pem.s, "-----BEGIN PRIVATE KEY-----\n", 28) == 0, "not PKCS#8");
		again = key_parse(pem.s, pem.len, &e);
		must(again && key_spki(&b, again, &e) == 0, "a key that does not read back");
		must(strcmp(a.sha512, b.sha512) == 0, "a key that reads back as another");
		key_free(again);
	}
	must(true, "");                         /* the queue is empty, also after a failure */
	buf_wipe(&pem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *rest;
	struct err e = { 0 };
	struct cert *c;
	struct key *k = key_parse(p, size, &e);

	must(k || (e.kind == ERR_LOCAL && e.text[0]), "an error without text");
	if (k)
		one_key(k);
	for (int i = 0; i < 8 && p < end; i++) {
		e = (struct err){ 0 };
		c = cert_parse(p, (size_t)(end - p), &rest, &e);
		if (!c) {
			must(e.kind == ERR_LOCAL && e.text[0], "an error without text");
			break;
		}
		must(rest > p && rest <= end, "a rest outside of the text");
		one_cert(c, k);
		cert_free(c);
		p = rest;
	}
	key_free(k);
	return 0;
}
