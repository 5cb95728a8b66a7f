/* test_dane.c - chains against TLSA records: what a client does, the fate of every record, and the words.
 * Touches: a file of trusted CAs in $TMPDIR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../io/forge.h"
#include "tls/dane.h"

#define LEAF "DNS:mx.example.org"

static struct forge all[] = {
	{ .name = "root", .subject = "Root CA", CA },
	{ .name = "other", .subject = "Other CA", CA },
	{ .name = "ca", .by = "root", .subject = "Issuing CA", CA },
	{ .name = "old-ca", .by = "root", .subject = "Issuing CA", .key = "ca", CA, .until_for = -HOUR },
	{ .name = "leaf", .by = "ca", .san = LEAF },
	{ .name = "elsewhere", .by = "ca", .san = "DNS:www.example.org" },
	{ .name = "expired", .by = "ca", .san = LEAF, .until_for = -HOUR },
	{ .name = "client", .by = "ca", .san = LEAF, .uses = "clientAuth" },
	{ .name = "weak", .by = "ca", .san = LEAF, .kind = "RSA-1024" },
	{ .name = "self", .san = LEAF },
	{ .name = "old-self", .san = "DNS:www.example.org", .until_for = -HOUR },
	{ .name = "next", .by = "ca", .san = LEAF },
};

static char *ca_file;

static int set_up(void **state)
{
	(void)state;
	forge_all(all, ARRAY_LEN(all));
	ca_file = forge_ca_file(all, ARRAY_LEN(all), "root");
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

/* --- records by words --- */

static char *hex_of(const void *bytes, size_t len)
{
	char *hex = mem_alloc(2 * len + 1);

	text_hex(hex, bytes, len);
	return hex;
}

static char *data_of(const struct forge *f, int selector, int matching)
{
	struct tls_der der = forge_der(f, selector == 1);
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *hex;

	if (matching == 0) {
		hex = hex_of(der.v, der.len);
	} else {
		EVP_Digest(der.v, der.len, raw, &len, matching == 1 ? EVP_sha256() : EVP_sha512(), NULL);
		hex = hex_of(raw, len);
	}
	free(der.v);
	return hex;
}

static char *pem_digest_of(const struct forge *f, int selector)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *text;
	long n;

	if (selector)
		PEM_write_bio_PUBKEY(bio, f->pkey);
	else
		PEM_write_bio_X509(bio, f->x);
	n = BIO_get_mem_data(bio, &text);
	EVP_Digest(text, (size_t)n, raw, &len, EVP_sha256(), NULL);
	BIO_free(bio);
	return hex_of(raw, len);
}

/* "3 1 1 leaf": the record of that; "3 1 1 leaf 0 1": the data of other parameters under these; "3 1 1 leaf
 * pem"; anything else as it stands. */
static char *record(const char *text)
{
	struct strv w = forge_words(text, " ");
	char *data, *out;
	struct forge *f = NULL;

	for (size_t i = 0; w.n > 3 && i < ARRAY_LEN(all); i++)
		if (strcmp(all[i].name, w.v[3]) == 0)
			f = &all[i];
	if (!f) {
		strv_free(&w);
		return mem_copy_str(text);
	}
	if (w.n == 5)
		data = pem_digest_of(f, w.v[1][0] - '0');
	else
		data = data_of(f, w.v[w.n == 6 ? 4 : 1][0] - '0', w.v[w.n == 6 ? 5 : 2][0] - '0');
	out = mem_format("%s %s %s %s", w.v[0], w.v[1], w.v[2], data);
	free(data);
	strv_free(&w);
	return out;
}

/* --- the table --- */

#define NOTHING_256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ZEROS_256 "0000000000000000000000000000000000000000000000000000000000000000"
#define SHA1 "0123456789012345678901234567890123456789"

enum { WEB, MAIL };

struct row {
	const char *chain, *records;    /* the latter with commas in between */
	int         mail;
	enum dane_outcome outcome;
	const char *words;              /* of the whole */
	enum dane_fate fates[4];        /* of as many as there are records */
	const char *more[4];            /* words of each */
};

#define OK DANE_MATCHES
#define NO DANE_DIFFERENT
#define UNPROVEN DANE_UNPROVEN
#define OVER DANE_PASSED_OVER
#define BAD DANE_MALFORMED
#define UNKNOWN DANE_UNKNOWN
#define NOT_MAIL DANE_NOT_FOR_MAIL
#define ACCEPTED DANE_ACCEPTED
#define REFUSED DANE_REFUSED
#define UNUSABLE DANE_UNUSABLE

static const struct row rows[] = {
	{ "leaf ca", "", MAIL, DANE_ABSENT, NULL, { 0 }, { 0 } },
	/* usage 3: every selector and matching type; names, dates and CAs do not count */
	{ "leaf ca", "3 1 1 leaf", MAIL, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "3 1 2 leaf", MAIL, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "3 1 0 leaf", MAIL, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "3 0 1 leaf", MAIL, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "3 0 2 leaf", WEB, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "3 0 0 leaf", WEB, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "old-self", "3 1 1 old-self", MAIL, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "expired", "3 0 1 expired", WEB, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "client", "3 1 1 client", WEB, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "3 1 1 next", MAIL, REFUSED, "it is for another key: that of the server's leaf has the SHA-256 ",
	  { NO }, { "another key" } },
	{ "leaf ca", "3 0 2 next", MAIL, REFUSED, "it is for another certificate", { NO }, { 0 } },
	{ "leaf ca", "3 1 1 next, 3 1 1 leaf", MAIL, ACCEPTED, "matches the leaf", { NO, OK }, { "another key" } },
	/* usage 2: in the chain, above the leaf */
	{ "leaf ca root", "2 1 1 root", MAIL, ACCEPTED, "matches certificate 3 of the chain (CN=Root CA)", { OK }, { 0 } },
	{ "leaf ca", "2 0 1 ca", MAIL, ACCEPTED, "matches certificate 2 of the chain (CN=Issuing CA)", { OK }, { 0 } },
	{ "leaf ca", "2 1 2 ca", WEB, ACCEPTED, "matches certificate 2", { OK }, { 0 } },
	{ "leaf ca other", "2 0 2 ca", WEB, ACCEPTED, "matches certificate 2", { OK }, { 0 } },
	{ "leaf root ca", "2 1 1 root", WEB, ACCEPTED, "matches certificate 2", { OK }, { 0 } },
	{ "leaf", "2 1 1 ca", MAIL, REFUSED, "the server sends the leaf alone; the CA that usage 2 speaks of must be in the "
	  "chain that it sends", { NO }, { 0 } },
	{ "leaf ca", "2 0 1 root", MAIL, REFUSED, "it is for another CA than those that the server sends (1)", { NO }, { 0 } },
	{ "elsewhere ca", "2 1 1 ca", MAIL, REFUSED, "it matches, but the certificate is not for mx.example.org, but for "
	  "www.example.org", { UNPROVEN }, { 0 } },
	{ "expired ca", "2 1 1 ca", MAIL, REFUSED, "it matches, but the certificate expired at", { UNPROVEN }, { 0 } },
	{ "leaf old-ca root", "2 0 1 root", MAIL, REFUSED, "CN=Issuing CA expired at", { UNPROVEN }, { 0 } },
	{ "leaf old-ca ca", "2 1 1 ca", MAIL, ACCEPTED, "matches certificate", { OK }, { 0 } },
	{ "client ca", "2 1 1 ca", WEB, REFUSED, "it matches, but the certificate: un", { UNPROVEN }, { 0 } },
	{ "weak ca", "2 1 1 ca", MAIL, ACCEPTED, "matches certificate 2", { OK }, { 0 } },
	{ "weak ca root", "0 1 1 root", WEB, REFUSED, "key too weak", { UNPROVEN }, { 0 } },
	{ "leaf other", "2 1 1 other", MAIL, REFUSED, "it matches, but the chain does not lead", { UNPROVEN }, { 0 } },
	{ "self", "2 1 1 self", MAIL, REFUSED, "it is the SHA-256 of the key of the leaf, of which the record would be 3 1 1; "
	  "usage 2 means a CA above the leaf", { NO }, { 0 } },
	{ "self self", "2 0 1 self", MAIL, REFUSED, "of which the record would be 3 0 1", { NO }, { 0 } },
	{ "leaf", "2 0 0 ca", MAIL, ACCEPTED, "matches the CA that signed the chain, which is not sent", { OK }, { 0 } },
	{ "leaf", "2 1 0 ca", MAIL, ACCEPTED, "matches the CA that signed the chain", { OK }, { 0 } },
	{ "leaf ca", "2 0 0 root", WEB, ACCEPTED, "matches the CA that signed the chain", { OK }, { 0 } },
	{ "leaf ca", "2 1 0 ca", WEB, ACCEPTED, "matches certificate 2", { OK }, { 0 } },
	{ "leaf", "2 0 0 root", MAIL, REFUSED, "does not lead to the CA whose certificate it holds", { NO }, { 0 } },
	{ "leaf", "2 1 0 other", MAIL, REFUSED, "does not lead to the CA whose key it holds", { NO }, { 0 } },
	{ "elsewhere", "2 1 0 ca", MAIL, REFUSED, "not for mx.example.org", { UNPROVEN }, { 0 } },
	/* usages 0 and 1 */
	{ "leaf ca", "1 1 1 leaf", WEB, ACCEPTED, "matches the leaf", { OK }, { 0 } },
	{ "leaf ca", "0 1 1 ca", WEB, ACCEPTED, "matches certificate 2 of the chain (CN=Issuing CA)", { OK }, { 0 } },
	{ "leaf ca", "0 0 1 root", WEB, ACCEPTED, "matches certificate 3 of the chain (CN=Root CA)", { OK }, { 0 } },
	{ "self", "1 1 1 self", WEB, REFUSED, "it matches, but the certificate is signed by itself", { UNPROVEN }, { 0 } },
	{ "leaf", "1 0 2 leaf", WEB, REFUSED, "it matches, but the issuer of the certificate, CN=Issuing CA, is not known",
	  { UNPROVEN }, { 0 } },
	{ "expired ca", "0 1 1 ca", WEB, REFUSED, "it matches, but the certificate expired", { UNPROVEN }, { 0 } },
	{ "leaf ca", "0 1 1 other", WEB, REFUSED, "it is for another CA", { NO }, { 0 } },
	{ "leaf ca other", "0 1 1 other", WEB, REFUSED, "not on the way to the CA that is trusted", { NO }, { 0 } },
	{ "leaf ca", "0 1 1 leaf", WEB, REFUSED, "of which the record would be 1 1 1; usage 0 means a CA above", { NO }, { 0 } },
	{ "leaf ca", "1 1 1 next", WEB, REFUSED, "it is for another key", { NO }, { 0 } },
	{ "leaf ca", "1 1 1 leaf", MAIL, UNUSABLE, "no client can use the record 1 1 1 ", { NOT_MAIL },
	  { "mail servers cannot use records of usage 1" } },
	{ "leaf ca", "0 1 1 ca, 3 1 1 leaf", MAIL, ACCEPTED, "matches the leaf", { NOT_MAIL, OK }, { "usage 2 is the like" } },
	{ "leaf ca", "0 1 1 ca, 3 1 1 next", MAIL, REFUSED, "the server does not fit the record 3 1 1", { NOT_MAIL, NO }, { 0 } },
	/* digest agility */
	{ "leaf ca", "3 1 1 leaf, 3 1 2 leaf", MAIL, ACCEPTED, "3 1 2", { OVER, OK }, { "it would match, but clients" } },
	{ "leaf ca", "3 1 1 leaf, 3 1 2 next", MAIL, REFUSED, "it would match, but clients that know SHA-512 look at the "
	  "records 3 1 2 alone", { OVER, NO }, { 0 } },
	{ "leaf ca", "3 1 1 next, 3 1 2 leaf", MAIL, ACCEPTED, "3 1 2", { OVER, OK }, { "clients that know" } },
	{ "leaf ca", "3 1 1 leaf, 3 0 2 next", MAIL, ACCEPTED, "3 1 1", { OK, NO }, { 0 } },
	{ "leaf ca", "3 1 1 leaf, 2 1 2 root", MAIL, ACCEPTED, "3 1 1", { OK, NO }, { 0 } },
	{ "leaf ca", "3 1 0 leaf, 3 1 2 next", MAIL, ACCEPTED, "3 1 0", { OK, NO }, { 0 } },
	{ "leaf ca", "3 1 1 leaf, 3 1 2 " ZEROS_256, MAIL, ACCEPTED, "3 1 1", { OK, BAD }, { 0 } },
	{ "leaf ca", "1 1 2 next, 1 1 1 leaf, 3 1 1 leaf", MAIL, ACCEPTED, "3 1 1", { NOT_MAIL, NOT_MAIL, OK }, { 0 } },
	/* the right digest under wrong parameters */
	{ "leaf ca", "3 1 1 leaf 0 1", MAIL, REFUSED, "it is the SHA-256 of the certificate of the leaf, of which the record "
	  "would be 3 0 1; selector 1 means the key", { NO }, { 0 } },
	{ "leaf ca", "3 0 1 leaf 1 1", MAIL, REFUSED, "the record would be 3 1 1; selector 0 means the certificate", { NO }, { 0 } },
	{ "leaf ca", "3 1 1 ca", MAIL, REFUSED, "it is the SHA-256 of the key of certificate 2 of the chain (CN=Issuing CA), of "
	  "which the record would be 2 1 1; usage 3 means the leaf", { NO }, { 0 } },
	{ "leaf ca", "2 1 1 leaf", MAIL, REFUSED, "the record would be 3 1 1; usage 2 means a CA above the leaf", { NO }, { 0 } },
	{ "leaf ca", "2 1 1 leaf 0 1", MAIL, REFUSED, "3 0 1; usage 2 means a CA above the leaf; selector 1", { NO }, { 0 } },
	{ "leaf ca", "3 1 1 leaf 1 2", MAIL, UNUSABLE, "the record would be 3 1 2; matching type 1 means SHA-256", { BAD }, { 0 } },
	{ "leaf ca", "3 1 2 leaf 1 1", MAIL, UNUSABLE, "the record would be 3 1 1; matching type 2 means SHA-512", { BAD }, { 0 } },
	{ "leaf ca", "3 1 0 leaf 1 1", MAIL, UNUSABLE, "matching type 0 means no digest, but the whole", { BAD }, { 0 } },
	{ "leaf ca", "3 0 1 leaf 0 0", MAIL, UNUSABLE, "the record would be 3 0 0", { BAD }, { 0 } },
	{ "leaf ca", "3 0 1 leaf pem", MAIL, REFUSED, "it is the SHA-256 of the certificate in PEM", { NO }, { 0 } },
	{ "leaf ca", "3 1 1 leaf pem", MAIL, REFUSED, "it is the SHA-256 of the key in PEM", { NO }, { 0 } },
	{ "leaf ca", "3 1 1 " NOTHING_256, MAIL, REFUSED, "it is the digest of nothing", { NO }, { 0 } },
	{ "leaf ca", "3 1 1 next, 3 1 1 leaf 0 1", MAIL, REFUSED, "fits none of the records, as 3 1 1 ", { NO, NO },
	  { "another key", "selector 1 means the key" } },
	/* what nobody can use */
	{ "leaf ca", "3 1 1 " SHA1, MAIL, UNUSABLE, "a digest of matching type 1 has 32 bytes, and this has 20, the length of "
	  "SHA-1", { BAD }, { 0 } },
	{ "leaf ca", "3 1 2 " ZEROS_256, MAIL, UNUSABLE, "has 64 bytes, and this has 32, the length of SHA-256", { BAD }, { 0 } },
	{ "leaf ca", "3 1 0 " ZEROS_256, MAIL, UNUSABLE, "matching type 0 holds the whole key in DER, and the 32 bytes of the "
	  "record are none; they have the length of SHA-256", { BAD }, { 0 } },
	{ "leaf ca", "2 0 0 abcd", MAIL, UNUSABLE, "holds the whole certificate in DER, and the 2 bytes", { BAD }, { 0 } },
	{ "leaf ca", "4 1 1 " ZEROS_256, MAIL, UNUSABLE, "usage 4 is not known", { UNKNOWN }, { 0 } },
	{ "leaf ca", "3 2 1 " ZEROS_256, MAIL, UNUSABLE, "selector 2 is not known", { UNKNOWN }, { 0 } },
	{ "leaf ca", "3 1 3 abcd", MAIL, UNUSABLE, "matching type 3 is not known", { UNKNOWN }, { 0 } },
	{ "leaf ca", "255 1 1 abcd, nonsense\x1b[31m, 3 1 1, 3 1 1 abc", MAIL, UNUSABLE, "any of the records, as 255 1 1 abcd",
	  { UNKNOWN, BAD, BAD, BAD }, { "usage 255", "no TLSA record", "no TLSA record", "no TLSA record" } },
	{ "leaf ca", "255 1 1 abcd, 3 1 1 leaf", MAIL, ACCEPTED, "3 1 1", { UNKNOWN, OK }, { 0 } },
	{ "leaf ca", "255 1 1 abcd, 3 1 1 next", MAIL, REFUSED, "does not fit the record 3 1 1", { UNKNOWN, NO }, { 0 } },
};

static void check_record(const struct row *row, size_t k, const struct dane_record *r)
{
	if (r->fate != row->fates[k])
		fail_msg("%s / %s: record %zu has fate %d (%s)", row->chain, row->records, k, r->fate, r->why ? r->why : "");
	if (!r->why != (r->fate == DANE_MATCHES))
		fail_msg("%s / %s: words of record %zu", row->chain, row->records, k);
	if (row->more[k] && !strstr(r->why, row->more[k]))
		fail_msg("%s / %s: \"%s\"", row->chain, row->records, r->why);
	if (r->fate == DANE_MALFORMED)
		assert_int_equal(r->usage, -1);
	else
		assert_int_equal(r->usage, (int)strtol(r->data, NULL, 10));
	if (r->fate == DANE_UNPROVEN && r->depth < 0 && !strstr(row->records, " 0 ca"))
		fail_msg("%s / %s: it matches nothing", row->chain, row->records);
}

static void check_row(const struct row *row)
{
	struct presented p = forge_present(all, ARRAY_LEN(all), row->chain);
	struct strv names = forge_words("mx.example.org example.org", " ");
	struct strv texts = forge_words(row->records, ","), records = { 0 };
	struct dane_client as = { .mail = row->mail, .names = &names, .ca_file = ca_file, .now = NOW };
	struct dane_verdict v;

	for (size_t i = 0; i < texts.n; i++)
		strv_take(&records, record(texts.v[i]));
	dane_judge(&v, &p, &records, &as);
	if (v.outcome != row->outcome)
		fail_msg("%s / %s: %s, \"%s\"", row->chain, row->records, dane_outcome_name(v.outcome), v.why ? v.why : "");
	if (!row->words != !v.why || (v.why && !strstr(v.why, row->words)))
		fail_msg("%s / %s: \"%s\"", row->chain, row->records, v.why ? v.why : "");
	for (const char *s = v.why; s && *s; s++)
		assert_true(*s >= 0x20 && *s <= 0x7e);
	assert_int_equal(v.n, records.n);
	for (size_t k = 0; k < v.n; k++)
		check_record(row, k, &v.v[k]);
	assert_int_equal(ERR_peek_error(), 0);
	dane_verdict_free(&v);
	dane_verdict_free(&v);
	presented_free(&p);
	strv_free(&names);
	strv_free(&texts);
	strv_free(&records);
}

static void judges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
}

static void tells_the_depth(void **state)
{
	static const struct { const char *chain, *record; int depth; } table[] = {
		{ "leaf ca root", "3 1 1 leaf", 0 }, { "leaf ca root", "2 1 1 ca", 1 }, { "leaf ca root", "2 1 1 root", 2 },
		{ "leaf ca", "2 0 0 root", -1 }, { "leaf ca", "0 1 1 root", 2 }, { "leaf ca", "3 1 1 next", -1 },
		{ "expired ca", "2 1 1 ca", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct presented p = forge_present(all, ARRAY_LEN(all), table[i].chain);
		struct strv names = forge_words("mx.example.org", " "), records = { 0 };
		struct dane_client as = { .names = &names, .ca_file = ca_file, .now = NOW };
		struct dane_verdict v;

		strv_take(&records, record(table[i].record));
		dane_judge(&v, &p, &records, &as);
		if (v.v[0].depth != table[i].depth)
			fail_msg("%s / %s: %d", table[i].chain, table[i].record, v.v[0].depth);
		dane_verdict_free(&v);
		presented_free(&p);
		strv_free(&names);
		strv_free(&records);
	}
}

static void any_name_of_the_client_will_do(void **state)
{
	struct presented p = forge_present(all, ARRAY_LEN(all), "elsewhere ca"), none = { 0 };
	struct strv names = forge_words("mx.example.org www.example.org", " "), records = { 0 };
	struct dane_client as = { .mail = true, .names = &names, .now = NOW };
	struct dane_verdict v;

	(void)state;
	strv_take(&records, record("2 1 1 ca"));
	dane_judge(&v, &p, &records, &as);
	assert_int_equal(v.outcome, DANE_ACCEPTED);
	dane_verdict_free(&v);
	dane_judge(&v, &none, &records, &as);
	assert_int_equal(v.outcome, DANE_REFUSED);
	dane_verdict_free(&v);
	presented_free(&p);
	strv_free(&names);
	strv_free(&records);
}

static void every_outcome_has_a_name(void **state)
{
	(void)state;
	assert_string_equal(dane_outcome_name(DANE_ABSENT), "absent");
	assert_string_equal(dane_outcome_name(DANE_UNUSABLE), "unusable");
	assert_string_equal(dane_outcome_name(DANE_ACCEPTED), "accepted");
	assert_string_equal(dane_outcome_name(DANE_REFUSED), "refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(judges, forge_queue_is_empty),
		cmocka_unit_test_teardown(tells_the_depth, forge_queue_is_empty),
		cmocka_unit_test_teardown(any_name_of_the_client_will_do, forge_queue_is_empty),
		cmocka_unit_test_teardown(every_outcome_has_a_name, forge_queue_is_empty),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
