/* fuzz_chain.c - any text as the chain of certificates that a CA sends.  After a first line "sign" its
 * certificates get keys that we know and are signed anew, each by the next, so that there is more to be
 * refused than signatures.  What is accepted must hold by OpenSSL's own means.
 * Touches: nothing.  Seeds: tests/data/chain.
 */
#include "base/mem.h"
#include "base/when.h"
#include "io/crypto_parts.h"
#include "io/request.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define NOW      ((int64_t)1800000000)
#define TEXT_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static const char sign_line[] = "sign\n";

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
	if (ERR_peek_error())
		mem_bug("something was left in OpenSSL's queue");
}

static bool to_be_signed(const uint8_t *data, size_t size)
{
	return size >= strlen(sign_line) && memcmp(data, sign_line, strlen(sign_line)) == 0;
}

/* Making chains -------------------------------------------------------------------------------- */

static struct key *leaf_key, *ca_key;

static void make_keys(void)
{
	struct err e = { 0 };

	leaf_key = key_make(KEY_EC_256, &e);
	ca_key = key_make(KEY_EC_256, &e);
	must(leaf_key && ca_key, "no keys");
}

static X509 *next_cert(BIO *from)
{
	X509 *x = PEM_read_bio_X509(from, NULL, NULL, NULL);

	ERR_clear_error();
	return x;
}

static void sign(struct buf *out, const uint8_t *text, size_t len)
{
	BIO *from = BIO_new_mem_buf(text, (int)len), *to = BIO_new(BIO_s_mem());
	char *bytes;
	long n = 0;

	for (X509 *x; (x = next_cert(from)); n++) {
		if (X509_set_pubkey(x, (n ? ca_key : leaf_key)->pkey) &&
		    X509_sign(x, ca_key->pkey, EVP_sha256()) > 0)
			PEM_write_bio_X509(to, x);
		X509_free(x);
	}
	ERR_clear_error();
	n = BIO_get_mem_data(to, &bytes);
	if (n > 0)
		buf_add(out, bytes, (size_t)n);
	BIO_free(from);
	BIO_free(to);
}

/* What is in one of the blocks, and not how it is written: most changes of a text in PEM spoil all of it. */
static size_t mutate_inside(uint8_t *data, size_t size, size_t max, unsigned which)
{
	BIO *from = BIO_new_mem_buf(data, (int)size), *to = BIO_new(BIO_s_mem());
	unsigned char der[16384], *block = NULL;
	char *name = NULL, *header = NULL, *text;
	long len;

	if (to_be_signed(data, size))
		BIO_puts(to, sign_line);
	for (unsigned i = 0; PEM_read_bio(from, &name, &header, &block, &len) == 1; i++) {
		if (len > 0 && (size_t)len <= sizeof(der)) {
			memcpy(der, block, (size_t)len);
			if (i == which)
				len = (long)LLVMFuzzerMutate(der, (size_t)len, sizeof(der));
			PEM_write_bio(to, PEM_STRING_X509, "", der, len);
		}
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(block);
	}
	ERR_clear_error();
	len = BIO_get_mem_data(to, &text);
	if (len > 0 && (size_t)len <= max) {
		memcpy(data, text, (size_t)len);
		size = (size_t)len;
	}
	BIO_free(from);
	BIO_free(to);
	return size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return seed % 4 ? mutate_inside(data, size, max, seed / 4 % 3) : LLVMFuzzerMutate(data, size, max);
}

/* What must hold ------------------------------------------------------------------------------- */

static void check_links(const struct chain *c)
{
	must(c->n > 0 && c->n <= CHAIN_MAX, "a chain of another length");
	for (size_t i = 0; i + 1 < c->n; i++)
		must(X509_verify(c->v[i]->x509, X509_get0_pubkey(c->v[i + 1]->x509)) == 1,
		     "a link that is not signed by the next");
}

static void check_round_trip(const struct chain *c)
{
	struct chain again;
	struct err e = { 0 };
	struct buf pem;

	buf_init(&pem, TEXT_MAX);
	must(chain_write(&pem, c, 0, &e) == 0 && !pem.over, "a chain that cannot be written");
	must(chain_parse(&again, pem.s, pem.len, &e) == 0, "a chain that does not read back");
	must(again.n == c->n, "a chain that reads back as another");
	for (size_t i = 0; i < c->n; i++)
		must(X509_cmp(c->v[i]->x509, again.v[i]->x509) == 0,
		     "a certificate that reads back as another");
	chain_free(&again);
	buf_free(&pem);
}

static void check_renewal_id(const struct cert *c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	char *id = cert_renewal_id(c);

	if (id)
		must(strspn(id, alphabet) == strlen(id) && strchr(id, '.'),
		     "an identifier for ARI that is none");
	must(true, "");
	free(id);
}

static bool is_for(X509 *x, const char *host)
{
	return X509_check_host(x, host, 0, 0, NULL) == 1;
}

/* The leaf was accepted for "a.test *.b.test 192.0.2.1". */
static void check_leaf(const struct chain *c)
{
	time_t latest_from = (time_t)(NOW + HOUR), now = (time_t)NOW;
	X509 *x = c->v[0]->x509;

	must(EVP_PKEY_eq(X509_get0_pubkey(x), leaf_key->pkey) == 1, "a certificate for another key");
	must(is_for(x, "a.test") && is_for(x, "x.b.test") && X509_check_ip_asc(x, "192.0.2.1", 0) == 1,
	     "a certificate without one of the names");
	must(!is_for(x, "b.test") && !is_for(x, "other.test"), "a certificate with another name");
	must(X509_cmp_time(X509_get0_notBefore(x), &latest_from) < 0 &&
	     X509_cmp_time(X509_get0_notAfter(x), &now) > 0, "a certificate that is not valid now");
	must(X509_check_ca(x) == 0, "a leaf that is a CA");
	must(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0) == 1, "a certificate that is not for servers");
}

static void check_asked(const struct chain *c, struct err *e)
{
	char a[] = "a.test", b[] = "*.B.test", ip[] = "192.0.2.1", *list[] = { b, ip, a };
	const struct strv names = { list, 3 }, fewer = { list + 1, 2 };

	if (chain_check(c, leaf_key, &names, NOW, e) == 0)
		check_leaf(c);
	else
		must(e->kind == ERR_REFUSED && e->text[0], "an error without text");
	must(chain_check(c, ca_key, &names, NOW, e) < 0, "accepted for another key");
	if (chain_check(c, leaf_key, &names, NOW, e) == 0)
		must(chain_check(c, leaf_key, &fewer, NOW, e) < 0, "accepted for fewer names, too");
}

static void try_text(const char *text, size_t len)
{
	struct err e = { 0 };
	struct chain c;

	if (chain_parse(&c, text, len, &e) < 0) {
		must(e.kind == ERR_REFUSED && e.text[0], "an error without text");
		must(!c.v && !c.n, "something left after an error");
		return;
	}
	must(true, "");
	check_links(&c);
	check_round_trip(&c);
	check_renewal_id(c.v[0]);
	check_asked(&c, &e);
	(void)chain_leads_to(&c, "Root");
	must(chain_leads_to(&c, "") < 0, "a chain that leads nowhere");
	chain_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (!leaf_key)
		make_keys();
	if (to_be_signed(data, size)) {
		struct buf b;

		buf_init(&b, TEXT_MAX);
		sign(&b, data + strlen(sign_line), size - strlen(sign_line));
		if (!b.over)
			try_text(b.s, b.len);
		buf_free(&b);
		return 0;
	}
	/* without a NUL behind it */
	copy = mem_alloc(size);
	if (size)
		memcpy(copy, data, size);
	try_text(copy, size);
	free(copy);
	return 0;
}
