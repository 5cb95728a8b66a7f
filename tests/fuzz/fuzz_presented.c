/* fuzz_presented.c - any bytes as the chain that a server presents: certificates in DER, each behind its length in
 * two bytes, or in PEM; and the first line, if it begins with "tlsa ", as TLSA records with commas in between.
 * What was read must be what OpenSSL reads, and verdicts must hold together.
 * Touches: nothing.  Seeds: tests/data/chain, tests/data/pem, tests/data/presented.
 */
#include "base/mem.h"
#include "base/text.h"
#include "io/crypto_parts.h"
#include "tls/dane.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#define NOW ((int64_t)1800000000)
#define LINE_MAX_LEN 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
	if (ERR_peek_error())
		mem_bug("something was left in OpenSSL's queue");
}

static void must_print(const char *s)
{
	must(*s, "words that are none");
	for (; *s; s++)
		must(*s >= 0x20 && *s <= 0x7e, "words that cannot be printed");
}

/* --- input --- */

static void add(struct tls_presented *to, const uint8_t *bytes, size_t len)
{
	struct tls_der der = { mem_alloc(len), len };   /* of that size, for the sanitizer */

	if (len)
		memcpy(der.v, bytes, len);
	to->certs = mem_resize(to->certs, to->n + 1, sizeof(*to->certs));
	to->certs[to->n++] = der;
}

static void take_pem(struct tls_presented *to, const uint8_t *data, size_t size)
{
	BIO *bio = BIO_new_mem_buf(data, (int)size);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len;

	while (to->n <= TLS_CERTS_MAX && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		add(to, der, (size_t)len);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	ERR_clear_error();
}

static void take_lengths(struct tls_presented *to, const uint8_t *data, size_t size)
{
	while (size >= 2 && to->n <= TLS_CERTS_MAX) {
		size_t len = (size_t)(data[0] << 8 | data[1]);

		data += 2;
		size -= 2;
		len = len > size ? size : len;
		add(to, data, len);
		data += len;
		size -= len;
	}
}

/* The records of the first line, of which the length is returned. */
static size_t take_records(struct strv *records, const uint8_t *data, size_t size)
{
	static const char head[] = "tlsa ";
	size_t len = 0;
	char *line, *rest, *s;

	if (size < strlen(head) || memcmp(data, head, strlen(head)) != 0)
		return 0;
	while (len < size && len < LINE_MAX_LEN && data[len] != '\n')
		len++;
	line = rest = mem_copy_strn((const char *)data + strlen(head), len - strlen(head));
	while ((s = strsep(&rest, ",")))
		strv_add(records, s);
	free(line);
	return len < size ? len + 1 : len;
}

/* --- what must hold --- */

static void check_cert(const struct presented_cert *c)
{
	const unsigned char *p = c->cert.v;
	X509 *x = d2i_X509(NULL, &p, (long)c->cert.len);
	char hex[SHA256_HEX_LEN + 1];

	must(x && p == c->cert.v + c->cert.len, "a certificate that OpenSSL does not read");
	crypto_sha256(hex, c->cert.v, c->cert.len);
	must(strcmp(hex, c->cert_sha256) == 0, "another digest");
	crypto_sha256(hex, c->spki.v, c->spki.len);
	must(strcmp(hex, c->spki_sha256) == 0, "another digest of the key");
	must_print(c->key);
	must_print(c->serial);
	if (*c->subject)
		must_print(c->subject);
	if (*c->issuer)
		must_print(c->issuer);
	for (size_t i = 0; i < c->names.n; i++)
		must_print(c->names.v[i]);
	X509_free(x);
}

static void check_fault(enum presented_fault f, char *why)
{
	must((f == PRESENTED_OK) == !why, "a fault without words");
	if (why)
		must_print(why);
	free(why);
}

static void verify(const struct presented *p, const struct strv *names)
{
	char *why;
	enum presented_fault f = presented_verify(&why, p, names, "/nonexistent", NOW);

	must(f != PRESENTED_OK, "trusted without a CA");
	check_fault(f, why);
	for (size_t i = 0; i < p->n && i < 4; i++) {
		f = presented_verify_to(&why, p, i, names, NOW);
		check_fault(f, why);
		f = presented_verify_with(&why, p, &p->v[i].spki, true, names, NOW);
		check_fault(f, why);
	}
}

/* Adds records of every kind that fit. */
static void add_records(struct strv *records, const struct presented *p)
{
	strv_take(records, mem_format("3 1 1 %s", p->v[0].spki_sha256));
	strv_take(records, mem_format("1 0 2 %s", p->v[0].cert_sha512));
	strv_take(records, mem_format("2 1 1 %s", p->v[p->n - 1].spki_sha256));
	strv_take(records, mem_format("0 0 1 %s", p->v[p->n - 1].cert_sha256));
}

static void judge(const struct presented *p, const struct strv *records, const struct strv *names, bool mail)
{
	struct dane_client as = { .mail = mail, .names = names, .ca_file = "/nonexistent", .now = NOW };
	struct dane_verdict v;
	bool some = false;

	dane_judge(&v, p, records, &as);
	must(v.n == records->n, "another number of records");
	for (size_t i = 0; i < v.n; i++) {
		must((v.v[i].fate == DANE_MATCHES) == !v.v[i].why, "a fate without words");
		if (v.v[i].why)
			must_print(v.v[i].why);
		must(v.v[i].depth < (int)p->n, "a certificate that is not there");
		some |= v.v[i].fate == DANE_MATCHES;
	}
	must(some == (v.outcome == DANE_ACCEPTED), "an outcome without a record");
	must((v.outcome == DANE_ABSENT) == !v.why && (v.outcome == DANE_ABSENT) == !v.n, "an outcome without words");
	if (v.why)
		must_print(v.why);
	dane_verdict_free(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char mx[] = "mx.example.org", ip[] = "192.0.2.1", *list[] = { mx, ip };
	const struct strv names = { list, 2 };
	struct tls_presented from = { 0 };
	struct strv records = { 0 };
	struct presented p;
	struct err e = { 0 };
	size_t line = take_records(&records, data, size);

	if (size - line && data[line] == '-')
		take_pem(&from, data + line, size - line);
	else
		take_lengths(&from, data + line, size - line);
	if (presented_read(&p, &from, &e) < 0) {
		must(e.kind == ERR_REFUSED && !p.v && !p.n, "an error that leaves something");
		must_print(e.text);
	} else {
		for (size_t i = 0; i < p.n; i++)
			check_cert(&p.v[i]);
		for (size_t i = 0; i < p.v[0].names.n && i < 8; i++)
			(void)presented_names(&p, p.v[0].names.v[i]);
		verify(&p, &names);
		judge(&p, &records, &names, true);
		add_records(&records, &p);
		judge(&p, &records, &names, false);
		presented_free(&p);
	}
	for (size_t i = 0; i < from.n; i++)
		free(from.certs[i].v);
	free(from.certs);
	strv_free(&records);
	return 0;
}
