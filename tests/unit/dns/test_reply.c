/* test_reply.c - what is read out of one reply, and what is not believed.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/reply.h"
#include "made.h"

#define ZONE "example.test"
#define OWNER "_25._tcp.mx.example.test"
#define DATA "TLSA 3 1 1 aabb"
#define SOA "SOA ns1.example.test 4711 30"
#define AA 0x0400
#define PLAIN ((struct made_sig){ .labels = -1 })

static const struct dns_rrs unchecked;

/* A reply in the making. */
struct reply {
	struct dns_rrs answer, authority, additional;
};

/* The reply as a server's word about OWNER; frees it. */
static struct look_server taken_of(uint16_t type, struct reply *r, unsigned flags,
				   const struct dns_rrs *keys)
{
	struct look_server s = { .zone = mem_copy_str(ZONE), .name = mem_copy_str(OWNER) };
	struct question q = { .type = type, .outcome = ASK_ANSWERED, .at = MADE_NOW + 5 };
	struct buf b;

	buf_init(&b, 65535);
	made_reply(&b, 1, flags, OWNER, type, &r->answer, &r->authority, &r->additional);
	q.reply = (unsigned char *)b.s;
	q.reply_len = b.len;
	reply_take(&s, &q, keys, MADE_NOW);
	assert_int_equal(s.at, MADE_NOW + 5);
	buf_free(&b);
	dns_rrs_free(&r->answer);
	dns_rrs_free(&r->authority);
	dns_rrs_free(&r->additional);
	return s;
}

static struct look_server taken(struct reply *r, unsigned flags, const struct dns_rrs *keys)
{
	return taken_of(DNS_TLSA, r, flags, keys);
}

static void fails(struct reply *r, unsigned flags, const char *why)
{
	struct look_server s = taken(r, flags, &unchecked);

	assert_int_equal(s.answer, ANSWER_FAIL);
	if (!strstr(s.why, why))
		fail_msg("\"%s\" was expected, not: %s", why, s.why);
	assert_int_equal(s.data.n, 0);
	reply_server_free(&s);
}

static void sets(void **state)
{
	struct reply r = { 0 };
	struct look_server s;

	(void)state;
	made_add(&r.answer, OWNER, 300, DATA);
	made_add(&r.answer, OWNER, 900, "TLSA 2 0 1 ff");
	made_add(&r.answer, OWNER, 60, "TLSA 3 1 2 00");
	/* beside it, what has nothing to do with it */
	made_add(&r.answer, "_26._tcp.mx.example.test", 9999, "TLSA 3 1 1 11");
	made_add(&r.answer, "_25._tcp.mx.other.test", 9999, "TLSA 3 1 1 22");
	made_add(&r.answer, "other.test", 9999, "CNAME x.test");
	made_add(&r.authority, OWNER, 9999, "TLSA 3 1 1 33");
	made_add(&r.additional, OWNER, 9999, "TLSA 3 1 1 44");
	s = taken(&r, AA, &unchecked);
	assert_int_equal(s.answer, ANSWER_DATA);
	assert_int_equal(s.data.n, 3);
	assert_string_equal(s.data.v[0], "3 1 1 aabb");
	assert_string_equal(s.data.v[1], "2 0 1 ff");
	assert_string_equal(s.data.v[2], "3 1 2 00");
	assert_int_equal(s.ttl_for, 900);
	assert_true(s.signed_ok);
	assert_int_equal(s.signed_until_at, 0);
	assert_null(s.why);
	reply_server_free(&s);
}

static void useless(void **state)
{
	static const struct {
		unsigned flags;
		const char *why;
	} rows[] = {
		{ 0, "authority" }, { AA | DNS_SERVFAIL, "it answers SERVFAIL" },
		{ AA | DNS_REFUSED, "it answers REFUSED" }, { DNS_NOTAUTH, "it answers NOTAUTH" },
		{ AA | 15, "it answers RCODE15" },
	};
	struct reply r = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		made_add(&r.answer, OWNER, 300, DATA);
		fails(&r, rows[i].flags, rows[i].why);
	}
	made_add(&r.authority, "mx.example.test", 300, "NS ns.mx.example.test");
	fails(&r, 0, "authority");
	/* no SOA record, or that of another zone */
	fails(&r, AA, "SOA");
	fails(&r, AA | DNS_NXDOMAIN, "SOA");
	made_add(&r.authority, "test", 300, SOA);
	made_add(&r.authority, "mx.example.test", 300, SOA);
	made_add(&r.answer, ZONE, 300, SOA);
	fails(&r, AA, "SOA");
	for (int i = 0; i < 201; i++) {
		char text[64];

		snprintf(text, sizeof(text), "TLSA 3 1 1 %04x", (unsigned)i);
		made_add(&r.answer, OWNER, 300, text);
	}
	fails(&r, AA, "more TLSA records");
}

static void no_answers(void **state)
{
	static unsigned char junk[20];
	static const struct {
		enum ask_outcome outcome;
		const char *why;
		bool no_route;
	} rows[] = {
		{ ASK_TIMEOUT, "no answer in time", false },
		{ ASK_CONN_REFUSED, "connection refused", false },
		{ ASK_NO_ROUTE, "no route", true },
		{ ASK_UNANSWERED, "not asked in time", false },
		{ ASK_BROKEN, "no proper answer", false },
		{ ASK_ANSWERED, "malformed", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct look_server s = { .zone = mem_copy_str(ZONE), .name = mem_copy_str(OWNER) };
		struct question q = { .type = DNS_TLSA, .outcome = rows[i].outcome, .reply = junk };

		q.reply_len = i;        /* shorter than a header */
		reply_take(&s, &q, &unchecked, MADE_NOW);
		assert_int_equal(s.answer, ANSWER_FAIL);
		assert_non_null(strstr(s.why, rows[i].why));
		assert_int_equal(s.no_route, rows[i].no_route);
		assert_int_equal(s.unasked, rows[i].outcome == ASK_UNANSWERED);
		assert_int_equal(s.at, MADE_NOW);
		reply_server_free(&s);
	}
}

static void denials(void **state)
{
	static const struct {
		uint32_t soa_ttl, nsec_ttl;
		const char *soa;
		int64_t negative_for;
	} rows[] = {
		{ 3600, 0, "SOA ns1.example.test 4711 30", 30 },
		{ 20, 0, "SOA ns1.example.test 4711 30", 20 },
		{ 3600, 7200, "SOA ns1.example.test 4711 30", 7200 },
		{ 3600, 10, "SOA ns1.example.test 4711 30", 30 },
		{ 3600, 0, "SOA ns1.example.test 4711 4294967295", 3600 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reply r = { 0 };
		struct look_server s;

		made_add(&r.authority, ZONE, rows[i].soa_ttl, rows[i].soa);
		if (rows[i].nsec_ttl)
			made_add(&r.authority, "mx.example.test", rows[i].nsec_ttl, "NSEC 0001");
		s = taken(&r, AA | (i % 2 ? DNS_NXDOMAIN : 0), &unchecked);
		assert_int_equal(s.answer, ANSWER_EMPTY);
		assert_int_equal(s.negative_for, rows[i].negative_for);
		assert_int_equal(s.serial, 4711);
		assert_true(s.signed_ok);
		reply_server_free(&s);
	}
}

static void aliases(void **state)
{
	static const struct {
		const char *owner, *rr;
		unsigned flags;
		const char *target;     /* NULL: it is none */
	} rows[] = {
		{ OWNER, "CNAME _dane.example.test", AA, "_dane.example.test" },
		{ OWNER, "CNAME x.other.test", AA | DNS_NXDOMAIN, "x.other.test" },
		{ OWNER, "CNAME .", AA, "." },
		{ "mx.example.test", "DNAME mx.other.test", AA, "_25._tcp.mx.other.test" },
		{ "_tcp.mx.example.test", "DNAME .", AA, "_25" },
		{ ZONE, "DNAME other.test", AA, "_25._tcp.mx.other.test" },
		/* a DNAME at the name itself changes nothing there; above the zone it is not its own */
		{ OWNER, "DNAME other.test", AA, NULL },
		{ "test", "DNAME other.test", AA, NULL },
		{ ".", "DNAME other.test", AA, NULL },
		{ "x.example.test", "DNAME other.test", AA, NULL },
		{ "_tcp.mx.example.test", "CNAME other.test", AA, NULL },
		{ "x" OWNER, "CNAME other.test", AA, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reply r = { 0 };
		struct look_server s;

		made_add(&r.answer, rows[i].owner, 300, rows[i].rr);
		made_add(&r.answer, "x.other.test", 5, DATA);
		made_add(&r.authority, ZONE, 3600, SOA);
		s = taken(&r, rows[i].flags, &unchecked);
		if (rows[i].target) {
			assert_int_equal(s.answer, ANSWER_ALIAS);
			assert_string_equal(s.target, rows[i].target);
			assert_int_equal(s.ttl_for, 300);
		} else {
			assert_int_equal(s.answer, ANSWER_EMPTY);
			assert_null(s.target);
		}
		assert_int_equal(s.data.n, 0);
		reply_server_free(&s);
	}
}

#define L60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void alias_details(void **state)
{
	struct reply r = { 0 };
	struct look_server s;

	(void)state;
	/* synthesised with a TTL of its own: caches may keep either */
	made_add(&r.answer, "mx.example.test", 300, "DNAME mx.other.test");
	made_add(&r.answer, OWNER, 301, "CNAME _25._tcp.mx.other.test");
	s = taken(&r, AA, &unchecked);
	assert_int_equal(s.answer, ANSWER_ALIAS);
	assert_int_equal(s.ttl_for, 301);
	reply_server_free(&s);
	made_add(&r.answer, ZONE, 300, "DNAME " L60 "." L60 "." L60 "." L60);
	fails(&r, AA, "cannot be a name");
}

/* All of the kinds of answers in a zone that is signed. */
static void signatures(void **state)
{
	struct made_key k = made_key(MADE_ED25519);
	struct dns_rrs keys = { 0 };
	struct reply r = { 0 };
	struct look_server s;

	(void)state;
	made_dnskey(&keys, &k, ZONE, 257, 3);
	made_add(&r.answer, OWNER, 300, DATA);
	made_sign(&r.answer, OWNER, DNS_TLSA, &k, ZONE,
		  (struct made_sig){ .labels = 3, .original_ttl = 900 });
	s = taken(&r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_DATA);
	assert_true(s.signed_ok);
	assert_true(s.wildcard);
	assert_int_equal(s.signed_until_at, MADE_NOW + 86400);
	assert_int_equal(s.ttl_for, 900);
	reply_server_free(&s);

	made_add(&r.answer, OWNER, 300, DATA);
	s = taken(&r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_DATA);
	assert_false(s.signed_ok);
	assert_non_null(strstr(s.why, "no signature"));
	reply_server_free(&s);

	made_add(&r.answer, OWNER, 300, "CNAME x.test");
	made_sign(&r.answer, OWNER, DNS_CNAME, &k, ZONE,
		  (struct made_sig){ .labels = -1, .until_at = MADE_NOW - 1, .original_ttl = 700 });
	s = taken(&r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_ALIAS);
	assert_false(s.signed_ok);
	assert_int_equal(s.ttl_for, 700);
	assert_non_null(strstr(s.why, "expired"));
	reply_server_free(&s);

	made_add(&r.answer, "mx.example.test", 300, "DNAME x.test");
	made_sign(&r.answer, "mx.example.test", DNS_DNAME, &k, ZONE, PLAIN);
	made_add(&r.answer, OWNER, 300, "CNAME _25._tcp.x.test");
	s = taken(&r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_ALIAS);
	assert_true(s.signed_ok);
	reply_server_free(&s);

	made_add(&r.authority, ZONE, 300, SOA);
	made_sign(&r.authority, ZONE, DNS_SOA, &k, ZONE, PLAIN);
	s = taken(&r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_EMPTY);
	assert_true(s.signed_ok);
	assert_false(s.wildcard);
	reply_server_free(&s);

	made_add(&r.authority, ZONE, 300, SOA);
	s = taken(&r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_EMPTY);
	assert_false(s.signed_ok);
	reply_server_free(&s);
	dns_rrs_free(&keys);
	EVP_PKEY_free(k.key);
}

static void texts(void **state)
{
	struct made_key k = made_key(MADE_ED25519);
	struct dns_rrs keys = { 0 };
	struct reply r = { 0 };
	struct look_server s;

	(void)state;
	made_dnskey(&keys, &k, ZONE, 0x0101, 3);
	made_add(&r.answer, OWNER, 60, "TXT one");
	made_add(&r.answer, OWNER, 60, "TXT two words");
	made_sign(&r.answer, OWNER, DNS_TXT, &k, ZONE, PLAIN);
	made_add(&r.answer, OWNER, 300, DATA);
	s = taken_of(DNS_TXT, &r, AA, &keys);
	assert_int_equal(s.answer, ANSWER_DATA);
	assert_true(s.signed_ok);
	assert_int_equal(s.signed_until_at, MADE_NOW + 86400);
	assert_int_equal(s.data.n, 2);
	assert_string_equal(s.data.v[0], "one");
	assert_string_equal(s.data.v[1], "two words");
	assert_int_equal(s.ttl_for, 60);
	reply_server_free(&s);
	/* a signature over another set */
	made_add(&r.answer, OWNER, 60, "TXT one");
	made_sign(&r.answer, OWNER, DNS_TXT, &k, ZONE, PLAIN);
	made_add(&r.answer, OWNER, 60, "TXT more");
	s = taken_of(DNS_TXT, &r, AA, &keys);
	assert_false(s.signed_ok);
	assert_non_null(strstr(s.why, OWNER " TXT"));
	reply_server_free(&s);
	dns_rrs_free(&keys);
	EVP_PKEY_free(k.key);
}

static void serials(void **state)
{
	struct dns_rrs answer = { 0 }, none = { 0 };
	struct question q = { .outcome = ASK_ANSWERED };
	struct buf b;

	(void)state;
	made_add(&answer, "x.test", 1, "SOA ns.x.test 1 1");
	made_add(&answer, ZONE, 1, SOA);
	buf_init(&b, 65535);
	made_reply(&b, 1, AA, ZONE, DNS_SOA, &answer, &none, &none);
	q.reply = (unsigned char *)b.s;
	q.reply_len = b.len;
	assert_int_equal(reply_serial(&q, ZONE), 4711);
	assert_int_equal(reply_serial(&q, "x.test"), 1);
	assert_int_equal(reply_serial(&q, "y.test"), 0);
	q.reply_len = 20;
	assert_int_equal(reply_serial(&q, ZONE), 0);
	q.outcome = ASK_TIMEOUT;
	assert_int_equal(reply_serial(&q, ZONE), 0);
	buf_free(&b);
	dns_rrs_free(&answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets), cmocka_unit_test(useless), cmocka_unit_test(no_answers),
		cmocka_unit_test(denials), cmocka_unit_test(aliases), cmocka_unit_test(alias_details),
		cmocka_unit_test(signatures), cmocka_unit_test(texts), cmocka_unit_test(serials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
