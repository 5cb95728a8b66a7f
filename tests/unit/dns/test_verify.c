/* test_verify.c - which signatures count: each rule of RFC 4035 section 5.3.1 broken by itself, in
 * signatures that are good otherwise.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/verify.h"
#include "made.h"

#define ZONE "example.test"
#define OWNER "_25._tcp.mx.example.test"
#define DATA "TLSA 3 1 1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define OTHER "TLSA 3 1 1 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define PLAIN ((struct made_sig){ .labels = -1 })

static struct made_key ed, p256, rsa, foreign;
static struct dns_rrs keys;             /* of ZONE: ed, p256, rsa */

static int make_keys(void **state)
{
	(void)state;
	ed = made_key(MADE_ED25519);
	p256 = made_key(MADE_P256);
	rsa = made_key(MADE_RSA);
	foreign = made_key(MADE_ED25519);
	made_dnskey(&keys, &ed, ZONE, 257, 3);
	made_dnskey(&keys, &p256, ZONE, 256, 3);
	made_dnskey(&keys, &rsa, ZONE, 256, 3);
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	EVP_PKEY_free(ed.key);
	EVP_PKEY_free(p256.key);
	EVP_PKEY_free(rsa.key);
	EVP_PKEY_free(foreign.key);
	dns_rrs_free(&keys);
	return 0;
}

/* Verifies and frees the section. */
static struct verified verified(struct dns_rrs *l, const char *owner, const struct dns_rrs *with)
{
	struct verified v;

	verify_rrset(&v, l, owner, DNS_TLSA, ZONE, with, MADE_NOW);
	dns_rrs_free(l);
	return v;
}

static void refused(struct dns_rrs *l, const char *owner, const struct dns_rrs *with, const char *why)
{
	struct verified v = verified(l, owner, with);

	if (v.ok || !strstr(v.why, why))
		fail_msg("\"%s\" was expected, it is: %s", why, v.ok ? "good" : v.why);
	assert_int_equal(v.until_at, 0);
}

static struct dns_rrs signed_set(const char *owner, const struct made_key *k, struct made_sig s)
{
	struct dns_rrs l = { 0 };

	made_add(&l, owner, 300, OTHER);
	made_add(&l, owner, 300, DATA);
	made_sign(&l, owner, DNS_TLSA, k, ZONE, s);
	return l;
}

static void algorithms(void **state)
{
	const struct made_key *all[] = { &ed, &p256, &rsa };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct made_sig s = { .labels = -1, .original_ttl = 7200 };
		struct dns_rrs l = signed_set(OWNER, all[i], s);
		struct verified v = verified(&l, OWNER, &keys);

		assert_string_equal(v.why, "");
		assert_true(v.ok);
		assert_false(v.wildcard);
		assert_int_equal(v.until_at, MADE_NOW + 86400);
		assert_int_equal(v.original_ttl, 7200);
	}
}

static void rules(void **state)
{
	static const struct {
		struct made_sig s;
		const char *why;        /* NULL: good */
	} rows[] = {
		{ { .labels = -1 }, NULL },
		{ { .labels = -1, .signer = "test" }, "signer is not the zone" },
		{ { .labels = -1, .signer = "." }, "signer is not the zone" },
		{ { .labels = -1, .signer = "mx.example.test" }, "signer is not the zone" },
		{ { .labels = -1, .signer = "other.test" }, "signer is not the zone" },
		{ { .labels = 6 }, "more labels" },
		{ { .labels = 255 }, "more labels" },
		{ { .labels = -1, .until_at = MADE_NOW - 1 }, "expired" },
		{ { .labels = -1, .until_at = MADE_NOW }, NULL },
		{ { .labels = -1, .from_at = MADE_NOW + 1 }, "not valid yet" },
		{ { .labels = -1, .from_at = MADE_NOW }, NULL },
		/* half of the circle of serial numbers away: in the past */
		{ { .labels = -1, .until_at = MADE_NOW + ((int64_t)1 << 31) }, "expired" },
		{ { .labels = -1, .type = DNS_A }, "no signature" },
		{ { .labels = -1, .tag = 1 }, "no key that could have made it" },
		{ { .labels = -1, .algorithm = 14 }, "no key that could have made it" },
		{ { .labels = -1, .algorithm = MADE_P256 }, "no key that could have made it" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_rrs l = signed_set(OWNER, &ed, rows[i].s);

		if (rows[i].why)
			refused(&l, OWNER, &keys, rows[i].why);
		else
			assert_true(verified(&l, OWNER, &keys).ok);
	}
}

/* Whoever has another signed zone can sign anything with its key, also in our name. */
static void foreign_key(void **state)
{
	struct dns_rrs both = { 0 }, l;
	struct made_key k = foreign;

	(void)state;
	made_dnskey(&both, &k, "other.test", 257, 3);
	l = signed_set(OWNER, &k, (struct made_sig){ .labels = -1, .signer = "other.test" });
	refused(&l, OWNER, &keys, "signer is not the zone");
	l = signed_set(OWNER, &k, PLAIN);
	refused(&l, OWNER, &keys, "no key");
	k.tag = ed.tag;
	l = signed_set(OWNER, &k, PLAIN);
	refused(&l, OWNER, &keys, "ogus");
	dns_rrs_free(&both);
}

static void key_flags(void **state)
{
	static const struct {
		unsigned flags, protocol;
		bool ok;
	} rows[] = {
		{ 256, 3, true }, { 257, 3, true }, { 0, 3, false }, { 1, 3, false },
		{ 256 | 128, 3, false }, { 257 | 128, 3, false }, { 256, 2, false }, { 256, 0, false },
		{ 0xffff & ~128u, 3, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_rrs own = { 0 }, l;
		struct made_key k = ed;

		made_dnskey(&own, &k, ZONE, rows[i].flags, rows[i].protocol);
		l = signed_set(OWNER, &k, PLAIN);
		if (rows[i].ok)
			assert_true(verified(&l, OWNER, &own).ok);
		else
			refused(&l, OWNER, &own, "no key that could have made it");
		dns_rrs_free(&own);
	}
}

static void wildcards(void **state)
{
	struct dns_rrs l = signed_set(OWNER, &ed, (struct made_sig){ .labels = 3 });
	struct verified v = verified(&l, OWNER, &keys);

	(void)state;
	assert_true(v.ok);              /* made from *.mx.example.test */
	assert_true(v.wildcard);
	/* the wildcard itself, as it is in the zone */
	l = signed_set("*._tcp.mx.example.test", &ed, PLAIN);
	v = verified(&l, "*._tcp.mx.example.test", &keys);
	assert_true(v.ok);
	assert_false(v.wildcard);
	l = signed_set("*._tcp.mx.example.test", &ed, (struct made_sig){ .labels = 5 });
	refused(&l, "*._tcp.mx.example.test", &keys, "more labels");
}

static void several(void **state)
{
	struct dns_rrs l = { 0 };
	struct made_key gone = foreign;
	struct verified v;

	(void)state;
	/* a roll of algorithms: one expired, one of a key that is gone, two good ones */
	gone.tag = 7;
	made_add(&l, OWNER, 300, DATA);
	made_sign(&l, OWNER, DNS_TLSA, &ed, ZONE,
		  (struct made_sig){ .labels = -1, .until_at = MADE_NOW - 5 });
	made_sign(&l, OWNER, DNS_TLSA, &gone, ZONE, PLAIN);
	made_sign(&l, OWNER, DNS_TLSA, &rsa, ZONE,
		  (struct made_sig){ .labels = -1, .until_at = MADE_NOW + 50, .original_ttl = 900 });
	made_sign(&l, OWNER, DNS_TLSA, &p256, ZONE,
		  (struct made_sig){ .labels = -1, .until_at = MADE_NOW + 40, .original_ttl = 901 });
	v = verified(&l, OWNER, &keys);
	assert_true(v.ok);
	assert_int_equal(v.until_at, MADE_NOW + 50);
	assert_int_equal(v.original_ttl, 901);
	/* the nearest miss is told: wrong arithmetic, not the expired one */
	made_add(&l, OWNER, 300, DATA);
	made_sign(&l, OWNER, DNS_TLSA, &ed, ZONE, PLAIN);
	made_sign(&l, OWNER, DNS_TLSA, &p256, ZONE,
		  (struct made_sig){ .labels = -1, .until_at = MADE_NOW - 5 });
	l.v[0].rdata[10] ^= 1;
	refused(&l, OWNER, &keys, "ogus");
}

static void records(void **state)
{
	struct dns_rrs l, none = { 0 }, empty = { 0 };

	(void)state;
	/* one record more, one less, another owner, another class, without signature, nothing */
	l = signed_set(OWNER, &ed, PLAIN);
	made_add(&l, OWNER, 300, "TLSA 3 1 1 cc");
	refused(&l, OWNER, &keys, "ogus");
	l = signed_set(OWNER, &ed, PLAIN);
	l.v[0].type = DNS_A;
	refused(&l, OWNER, &keys, "ogus");
	l = signed_set("_26._tcp.mx.example.test", &ed, PLAIN);
	refused(&l, OWNER, &keys, "no such record");
	l = signed_set(OWNER, &ed, PLAIN);
	l.v[2].class_ = 3;
	refused(&l, OWNER, &keys, "no signature");
	l = signed_set(OWNER, &ed, PLAIN);
	l.v[0].class_ = l.v[1].class_ = 3;
	refused(&l, OWNER, &keys, "no such record");
	made_add(&none, OWNER, 300, DATA);
	refused(&none, OWNER, &keys, "no signature");
	refused(&none, OWNER, &keys, "no such record");
	l = signed_set(OWNER, &ed, PLAIN);
	refused(&l, OWNER, &empty, "no key");
	/* records of others in between do no harm, and their signatures are not ours */
	made_add(&l, "a.example.test", 5, "A 192.0.2.1");
	made_sign(&l, "a.example.test", DNS_A, &ed, ZONE, PLAIN);
	made_add(&l, OWNER, 300, DATA);
	made_add(&l, OWNER, 300, "A 192.0.2.1");
	made_sign(&l, OWNER, DNS_A, &ed, ZONE, PLAIN);
	made_sign(&l, OWNER, DNS_TLSA, &ed, ZONE, PLAIN);
	assert_true(verified(&l, OWNER, &keys).ok);
}

/* Ten signatures for others in front, which are not even tried; and a heap of bad ones is not worked
 * through. */
static void heaps(void **state)
{
	struct dns_rrs l = { 0 };

	(void)state;
	made_add(&l, OWNER, 300, DATA);
	made_add(&l, OWNER, 300, "A 192.0.2.1");
	for (int i = 0; i < 10; i++)
		made_sign(&l, OWNER, DNS_A, &ed, ZONE, PLAIN);
	made_sign(&l, OWNER, DNS_TLSA, &ed, ZONE, PLAIN);
	assert_true(verified(&l, OWNER, &keys).ok);
	made_add(&l, OWNER, 300, DATA);
	for (int i = 0; i < 100; i++)
		made_sign(&l, OWNER, DNS_TLSA, &ed, ZONE, PLAIN);
	l.v[0].rdata[10] ^= 1;
	refused(&l, OWNER, &keys, "ogus");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(algorithms), cmocka_unit_test(rules), cmocka_unit_test(foreign_key),
		cmocka_unit_test(key_flags), cmocka_unit_test(wildcards), cmocka_unit_test(several),
		cmocka_unit_test(records), cmocka_unit_test(heaps),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
