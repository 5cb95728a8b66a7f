/* test_dnsupdate.c - update messages byte by byte, and signatures by OpenSSL's HMAC, which here
 * plays the server and knows nothing of ldns.
 * RFC 2136 section 2, RFC 8945 sections 4.2 and 4.3.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/dnsupdate.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SECRET "MTIzNDU2Nzg5MDEyMzQ1Ng=="
#define RAW_SECRET "1234567890123456"
#define KEY_WIRE "\4tlsa\7example\0"
#define FUDGE 300

static const struct update_sign sha256_key = { "tlsa.example", "hmac-sha256", SECRET };
static const struct update_sign sha384_key = { "tlsa.example", "hmac-sha384", SECRET };
static const struct update_sign sha512_key = { "tlsa.example", "hmac-sha512", SECRET };

/* What a server puts into a reply. */
struct signer {
	const char *name;               /* wire form with its end, of name_len bytes */
	size_t      name_len;
	const char *algorithm;          /* "hmac-sha256" */
	const char *secret;
	int64_t     at;
	unsigned    fudge, error;
	const char *other;              /* other_len bytes */
	size_t      other_len;
	bool        no_mac;
};

struct request {
	struct update_msg *m;
	struct buf         wire;
	unsigned char      mac[64];
	size_t             mac_len;     /* 0: not signed */
	int64_t            at;
};

static void add_16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

static void add_48(struct buf *b, int64_t v)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		buf_add_char(b, (char)(v >> shift));
}

static const EVP_MD *digest_of(const char *algorithm)
{
	if (strcmp(algorithm, "hmac-sha384") == 0)
		return EVP_sha384();
	return strcmp(algorithm, "hmac-sha512") == 0 ? EVP_sha512() : EVP_sha256();
}

static void add_algorithm(struct buf *b, const char *algorithm)
{
	buf_add_char(b, (char)strlen(algorithm));
	buf_add(b, algorithm, strlen(algorithm) + 1);
}

/* RFC 8945 section 4.3.3; the request's MAC in front if it is a reply. */
static size_t make_mac(unsigned char out[64], const struct signer *s, const struct request *r,
		       const char *msg, size_t len)
{
	unsigned out_len = 0;
	struct buf b;

	buf_init(&b, 1 << 17);
	if (r) {
		add_16(&b, (unsigned)r->mac_len);
		buf_add(&b, r->mac, r->mac_len);
	}
	buf_add(&b, msg, len);
	buf_add(&b, s->name, s->name_len);
	buf_add(&b, "\0\377\0\0\0\0", 6);
	add_algorithm(&b, s->algorithm);
	add_48(&b, s->at);
	add_16(&b, s->fudge);
	add_16(&b, s->error);
	add_16(&b, (unsigned)s->other_len);
	buf_add(&b, s->other, s->other_len);
	assert_non_null(HMAC(digest_of(s->algorithm), s->secret, (int)strlen(s->secret),
			     (const unsigned char *)b.s, b.len, out, &out_len));
	buf_free(&b);
	return out_len;
}

static void sign_reply(struct buf *reply, const struct signer *s, const struct request *r)
{
	unsigned char mac[64];
	size_t mac_len = make_mac(mac, s, r, reply->s, reply->len);
	struct buf rdata;

	if (s->no_mac)
		mac_len = 0;
	buf_init(&rdata, 1024);
	add_algorithm(&rdata, s->algorithm);
	add_48(&rdata, s->at);
	add_16(&rdata, s->fudge);
	add_16(&rdata, (unsigned)mac_len);
	buf_add(&rdata, mac, mac_len);
	buf_add(&rdata, reply->s, 2);
	add_16(&rdata, s->error);
	add_16(&rdata, (unsigned)s->other_len);
	buf_add(&rdata, s->other, s->other_len);
	buf_add(reply, s->name, s->name_len);
	buf_add(reply, "\0\372\0\377\0\0\0\0", 8);
	add_16(reply, (unsigned)rdata.len);
	buf_add(reply, rdata.s, rdata.len);
	reply->s[11]++;
	buf_free(&rdata);
}

/* A reply to r without a signature: header and the question. */
static void make_reply(struct buf *reply, const struct request *r, int rcode)
{
	buf_init(reply, 4096);
	buf_add(reply, r->wire.s, 2);
	buf_add(reply, "\250\0\0\1\0\0\0\0\0\0", 10);
	reply->s[3] = (char)rcode;
	buf_add(reply, "\7example\4test\0\0\6\0\1", 18);
}

static struct signer good_signer(const struct request *r)
{
	return (struct signer){ KEY_WIRE, sizeof(KEY_WIRE) - 1, "hmac-sha256", RAW_SECRET, r->at,
				FUDGE, 0, "", 0, false };
}

static void make_request(struct request *r, const struct update_sign *s)
{
	char owner[] = "_25._tcp.mx.example.test", one[] = "3 1 1 ab", two[] = "3 1 2 cdef";
	char *had[] = { one }, *add[] = { one, two };
	const struct strv had_list = { had, 1 }, add_list = { add, 2 }, none = { NULL, 0 };
	const struct update_rrset set = { owner, DNS_TLSA, &had_list, &none, &add_list, 300 };
	struct err e = { 0 };

	*r = (struct request){ 0 };
	buf_init(&r->wire, 65535);
	if (update_msg_make(&r->m, &r->wire, "example.test", &set, 1, s, &e) < 0)
		fail_msg("%s", e.text);
	if (!s)
		return;
	/* at the end: time (6), fudge, length of MAC, MAC, id, error, length of nothing */
	r->mac_len = (size_t)EVP_MD_get_size(digest_of(s->algorithm));
	memcpy(r->mac, r->wire.s + r->wire.len - 6 - r->mac_len, r->mac_len);
	for (size_t i = 0; i < 6; i++)
		r->at = r->at << 8 |
			(unsigned char)r->wire.s[r->wire.len - 16 - r->mac_len + i];
}

static void request_free(struct request *r)
{
	update_msg_drop(r->m);
	buf_free(&r->wire);
}

static struct update_reply judged(const struct request *r, const struct buf *reply)
{
	struct update_reply out;
	struct err e = { 0 };

	if (update_msg_reply(&out, r->m, (const unsigned char *)reply->s, reply->len, &e) < 0)
		fail_msg("%s", e.text);
	return out;
}

static void writes_what_rfc2136_says(void **state)
{
	static const char expected[] =
		"28000001000400060000"
		"076578616d706c650474657374000006" "0001"
		/* prerequisites: both records of one owner, none at the other */
		"035f3235045f746370026d78076578616d706c65047465737400" "0034" "0001" "00000000"
		"0004" "030101ab"
		"035f3235045f746370026d78076578616d706c65047465737400" "0034" "0001" "00000000"
		"0005" "030102cdef"
		"035f3235045f746370026d78076578616d706c65047465737400" "0034" "0001" "00000000"
		"0004" "ff00fe99"
		"012a045f746370076578616d706c65047465737400" "0034" "00fe" "00000000" "0000"
		/* updates: away, and there */
		"035f3235045f746370026d78076578616d706c65047465737400" "0034" "00fe" "00000000"
		"0004" "030101ab"
		"035f3235045f746370026d78076578616d706c65047465737400" "0034" "00fe" "00000000"
		"0005" "030102cdef"
		"035f3235045f746370026d78076578616d706c65047465737400" "0034" "0001" "0000012c"
		"0004" "030101aa"
		"012a045f746370076578616d706c65047465737400" "0034" "0001" "7fffffff"
		"0004" "03010100"
		"012a045f746370076578616d706c65047465737400" "0034" "0001" "7fffffff"
		"0004" "02000101"
		"012a045f746370076578616d706c65047465737400" "0034" "0001" "7fffffff"
		"0006" "000000010203";
	char a[] = "3 1 1 ab", b[] = "3 1 2 CDEF", c[] = "255 0 254 99", d[] = "3 1 1 aa";
	char f[] = "3 1 1 00", g[] = "2 0 1 01", h[] = "0 0 0 010203";
	char *had[] = { a, b, c }, *drop[] = { a, b }, *add[] = { d }, *add2[] = { f, g, h };
	const struct strv had_list = { had, 3 }, drop_list = { drop, 2 }, add_list = { add, 1 };
	const struct strv add2_list = { add2, 3 }, none = { NULL, 0 };
	const struct update_rrset sets[] = {
		{ "_25._tcp.MX.example.test.", DNS_TLSA, &had_list, &drop_list, &add_list, 300 },
		{ "*._tcp.example.test", DNS_TLSA, &none, &none, &add2_list, INT32_MAX },
	};
	struct update_msg *m;
	struct buf wire;
	struct err e = { 0 };
	char *hex;

	(void)state;
	buf_init(&wire, 65535);
	buf_add_str(&wire, "something old");
	assert_int_equal(update_msg_make(&m, &wire, "Example.TEST", sets, 2, NULL, &e), 0);
	hex = mem_alloc(2 * wire.len + 1);
	text_hex(hex, (const unsigned char *)wire.s, wire.len);
	assert_string_equal(hex + 4, expected);
	free(hex);
	update_msg_drop(m);
	update_msg_drop(NULL);
	buf_free(&wire);
}

/* Records of another type, without a prerequisite; and a prerequisite alone. */
static void writes_single_records(void **state)
{
	static const char expected[] =
		"28000001000100030000"
		"0474657374000006" "0001"
		"01610474657374000005" "00fe" "00000000" "0000"
		"01610474657374000010" "0001" "0000003c" "0003" "026162"
		"01610474657374000010" "0001" "0000003c" "0001" "00"
		"01620474657374000010" "00fe" "00000000" "0006" "0561205c2262";
	char one[] = "ab", empty[] = "", two[] = "a \\\"b";
	char *add[] = { one, empty }, *drop[] = { two };
	const struct strv add_list = { add, 2 }, drop_list = { drop, 1 }, none = { NULL, 0 };
	const struct update_rrset sets[] = {
		{ .owner = "a.test", .type = DNS_TXT, .add = &add_list, .ttl_for = 60 },
		{ .owner = "a.test", .type = DNS_CNAME, .had = &none },
		{ .owner = "b.test", .type = DNS_TXT, .drop = &drop_list },
	};
	char *hex, *list[] = { mem_alloc(257) };
	const struct strv large = { list, 1 };
	struct update_rrset set = { .owner = "a.test", .type = DNS_TXT, .add = &large };
	struct update_msg *m;
	struct buf wire;
	struct err e = { 0 };

	(void)state;
	buf_init(&wire, 65535);
	assert_int_equal(update_msg_make(&m, &wire, "test", sets, 3, NULL, &e), 0);
	hex = mem_alloc(2 * wire.len + 1);
	text_hex(hex, (const unsigned char *)wire.s, wire.len);
	assert_string_equal(hex + 4, expected);
	free(hex);
	update_msg_drop(m);
	memset(list[0], 'x', 256);
	assert_int_equal(update_msg_make(&m, &wire, "test", &set, 1, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	assert_int_equal(strncmp(e.text, "\"a.test TXT xxx", 15), 0);
	list[0][255] = '\0';
	assert_int_equal(update_msg_make(&m, &wire, "test", &set, 1, NULL, &e), 0);
	update_msg_drop(m);
	/* there is no text of others */
	set.type = DNS_A;
	assert_int_equal(update_msg_make(&m, &wire, "test", &set, 1, NULL, &e), -1);
	free(list[0]);
	buf_free(&wire);
}

static void refuses_what_is_no_message(void **state)
{
	static const struct {
		const char *zone, *owner;
		char data[32];
		int64_t ttl_for;
	} rows[] = {
		{ "example..test", "a.example.test", "3 1 1 ab", 1 },
		{ "", "a.example.test", "3 1 1 ab", 1 },
		{ "example.test", "", "3 1 1 ab", 1 },
		{ "example.test", "a\\", "3 1 1 ab", 1 },
		{ "example.test", "a.example.test", "3 1 1 ab", -1 },
		{ "example.test", "a.example.test", "3 1 1 ab", (int64_t)INT32_MAX + 1 },
		{ "example.test", "a.example.test", "", 1 },
		{ "example.test", "a.example.test", "3 1 1", 1 },
		{ "example.test", "a.example.test", "3 1 1 ", 1 },
		{ "example.test", "a.example.test", "3 1 1 a", 1 },
		{ "example.test", "a.example.test", "3 1 1 ag", 1 },
		{ "example.test", "a.example.test", "3 1 1 ab ", 1 },
		{ "example.test", "a.example.test", "3  1 1 ab", 1 },
		{ "example.test", "a.example.test", "256 1 1 ab", 1 },
		{ "example.test", "a.example.test", "-1 1 1 ab", 1 },
		{ "example.test", "a.example.test", "1000 1 1 ab", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *data = mem_copy_str(rows[i].data), *list[] = { data };
		const struct strv add = { list, 1 }, none = { NULL, 0 };
		const struct update_rrset set = { rows[i].owner, DNS_TLSA, &none, &none, &add,
						  rows[i].ttl_for };
		struct update_msg *m = (struct update_msg *)&set;
		struct buf wire;
		struct err e = { 0 };

		buf_init(&wire, 65535);
		if (update_msg_make(&m, &wire, rows[i].zone, &set, 1, &sha256_key, &e) == 0)
			fail_msg("row %zu was made", i);
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_null(m);
		buf_free(&wire);
		free(data);
	}
}

static void refuses_what_is_too_large(void **state)
{
	char *data = mem_alloc(2 * 30000 + 7), *list[] = { data, data, data };
	const struct strv two = { list, 2 }, three = { list, 3 }, none = { NULL, 0 };
	struct update_rrset set = { "a.example.test", DNS_TLSA, &none, &none, &two, 1 };
	struct update_msg *m;
	struct buf wire;
	struct err e = { 0 };

	(void)state;
	memcpy(data, "3 0 0 ", 6);
	memset(data + 6, 'a', 2 * 30000);
	buf_init(&wire, 65535);
	assert_int_equal(update_msg_make(&m, &wire, "example.test", &set, 1, &sha512_key, &e), 0);
	assert_true(wire.len > 60000);
	update_msg_drop(m);
	set.add = &three;
	assert_int_equal(update_msg_make(&m, &wire, "example.test", &set, 1, &sha512_key, &e), -1);
	assert_non_null(strstr(e.text, "larger than a DNS message"));
	buf_free(&wire);
	free(data);
}

static void refuses_unusable_keys(void **state)
{
	static const struct update_sign rows[] = {
		{ "a..b", "hmac-sha256", SECRET },
		{ "k", "hmac-sha224", SECRET },
		{ "k", "hmac-nothing", SECRET },
		{ "k", "hmac-sha256", "no.base64" },
	};
	const struct strv none = { NULL, 0 };
	const struct update_rrset set = { "a.example.test", DNS_TLSA, &none, &none, &none, 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct update_msg *m;
		struct buf wire;
		struct err e = { 0 };

		buf_init(&wire, 65535);
		if (update_msg_make(&m, &wire, "example.test", &set, 1, &rows[i], &e) == 0)
			fail_msg("row %zu was signed", i);
		assert_int_equal(e.kind, ERR_LOCAL);
		assert_null(strstr(e.text, rows[i].secret));
		buf_free(&wire);
	}
}

static void signs_as_rfc8945_says(void **state)
{
	static const struct update_sign *const keys[] = { &sha256_key, &sha384_key, &sha512_key };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct request r;
		struct signer s;
		unsigned char mac[64];
		size_t tsig_len, mac_len;
		char *bare;

		make_request(&r, keys[i]);
		assert_true(r.at > 1700000000 && r.at < (int64_t)1 << 40);
		s = good_signer(&r);
		s.algorithm = keys[i]->algorithm;
		/* name, type to length of RDATA, algorithm (11 and two), and the rest */
		tsig_len = s.name_len + 10 + 13 + 16 + r.mac_len;
		bare = mem_copy_strn(r.wire.s, r.wire.len - tsig_len);
		assert_int_equal(bare[11], 1);
		bare[11] = 0;
		mac_len = make_mac(mac, &s, NULL, bare, r.wire.len - tsig_len);
		assert_int_equal(mac_len, r.mac_len);
		assert_memory_equal(mac, r.mac, mac_len);
		free(bare);
		request_free(&r);
	}
}

static void believes_the_server(void **state)
{
	static const struct update_sign *const keys[] = { &sha256_key, &sha384_key, &sha512_key };
	static const int rcodes[] = { DNS_NOERROR, DNS_NXRRSET, DNS_REFUSED, DNS_NOTZONE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(keys) * ARRAY_LEN(rcodes); i++) {
		const struct update_sign *key = keys[i % ARRAY_LEN(keys)];
		struct request r;
		struct signer s;
		struct update_reply got;
		struct buf reply;

		make_request(&r, key);
		make_reply(&reply, &r, rcodes[i / ARRAY_LEN(keys)]);
		s = good_signer(&r);
		s.algorithm = key->algorithm;
		sign_reply(&reply, &s, &r);
		got = judged(&r, &reply);
		assert_int_equal(got.tsig, TSIG_GOOD);
		assert_int_equal(got.rcode, rcodes[i / ARRAY_LEN(keys)]);
		assert_int_equal(got.tsig_error, 0);
		assert_int_equal(got.ahead_for, 0);
		buf_free(&reply);
		request_free(&r);
	}
}

static void believes_nobody_else(void **state)
{
	static const struct {
		const char *what, *why;
		struct signer other;            /* what is not zero differs */
		int64_t later_for;
		bool other_request;
		enum tsig_state tsig;
	} rows[] = {
		{ "capitals", "", { .name = "\4TLSA\7example\0", .name_len = 14 }, 0, false, TSIG_GOOD },
		{ "300 s later", "", { .error = 0 }, 300, false, TSIG_GOOD },
		{ "300 s earlier", "", { .error = 0 }, -300, false, TSIG_GOOD },
		{ "301 s later", "at another time", { .error = 0 }, 301, false, TSIG_WRONG },
		{ "301 s earlier", "at another time", { .error = 0 }, -301, false, TSIG_WRONG },
		{ "a small fudge", "at another time", { .fudge = 5 }, 6, false, TSIG_WRONG },
		{ "at the epoch", "at another time", { .error = 0 }, INT64_MIN, false, TSIG_WRONG },
		{ "another secret", "wrong", { .secret = "1234567890123457" }, 0, false, TSIG_WRONG },
		{ "another key", "another key", { .name = "\4tlsb\7example\0", .name_len = 14 }, 0, false,
		  TSIG_WRONG },
		{ "a key below", "another key", { .name = "\1a\4tlsa\7example\0", .name_len = 16 }, 0,
		  false, TSIG_WRONG },
		{ "no key name", "another key", { .name = "\0", .name_len = 1 }, 0, false, TSIG_WRONG },
		{ "another algorithm", "another key", { .algorithm = "hmac-sha512" }, 0, false,
		  TSIG_WRONG },
		{ "one of the same length of name", "another key", { .algorithm = "hmac-sha384" }, 0, false,
		  TSIG_WRONG },
		{ "no algorithm at all", "another key", { .algorithm = "hmac" }, 0, false, TSIG_WRONG },
		{ "another request", "wrong", { .error = 0 }, 0, true, TSIG_WRONG },
		{ "with an error", "", { .error = 22 }, 0, false, TSIG_GOOD },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		struct signer s;
		struct update_reply got;
		struct buf reply;

		make_request(&r, &sha256_key);
		make_reply(&reply, &r, DNS_NOERROR);
		s = good_signer(&r);
		s.at = rows[i].later_for == INT64_MIN ? 0 : r.at + rows[i].later_for;
		s.name = rows[i].other.name ? rows[i].other.name : s.name;
		s.name_len = rows[i].other.name ? rows[i].other.name_len : s.name_len;
		s.secret = rows[i].other.secret ? rows[i].other.secret : s.secret;
		s.algorithm = rows[i].other.algorithm ? rows[i].other.algorithm : s.algorithm;
		s.fudge = rows[i].other.fudge ? rows[i].other.fudge : s.fudge;
		s.error = rows[i].other.error;
		if (rows[i].other_request)
			r.mac[0] ^= 1;
		/* what is signed has the name in lower case */
		if (strcmp(rows[i].what, "capitals") == 0) {
			size_t at = reply.len;

			s.name = KEY_WIRE;
			sign_reply(&reply, &s, &r);
			memcpy(reply.s + at, rows[i].other.name, s.name_len);
		} else {
			sign_reply(&reply, &s, &r);
		}
		got = judged(&r, &reply);
		if (got.tsig != rows[i].tsig || !strstr(got.why, rows[i].why))
			fail_msg("%s: %d, %s", rows[i].what, got.tsig, got.why);
		assert_int_equal(got.tsig_error, rows[i].other.error);
		buf_free(&reply);
		request_free(&r);
	}
}

static void knows_what_is_not_signed(void **state)
{
	static const unsigned errors[] = { TSIG_BADSIG, DNS_BADKEY };
	struct request r;
	struct signer s;
	struct update_reply got;
	struct buf reply;

	(void)state;
	make_request(&r, &sha256_key);
	make_reply(&reply, &r, DNS_NOERROR);
	got = judged(&r, &reply);
	assert_int_equal(got.tsig, TSIG_NONE);
	assert_int_equal(got.rcode, DNS_NOERROR);
	buf_free(&reply);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		make_reply(&reply, &r, DNS_NOTAUTH);
		s = good_signer(&r);
		s.error = errors[i];
		s.no_mac = true;
		sign_reply(&reply, &s, &r);
		got = judged(&r, &reply);
		assert_int_equal(got.tsig, TSIG_NONE);
		assert_int_equal(got.tsig_error, errors[i]);
		buf_free(&reply);
	}
	request_free(&r);
	/* a signature in the reply to what was not signed */
	make_request(&r, NULL);
	make_reply(&reply, &r, DNS_NOERROR);
	s = good_signer(&r);
	sign_reply(&reply, &s, &r);
	got = judged(&r, &reply);
	assert_int_equal(got.tsig, TSIG_NONE);
	assert_int_equal(got.tsig_error, 0);
	buf_free(&reply);
	request_free(&r);
}

static void tells_how_clocks_differ(void **state)
{
	static const int64_t rows[] = { 3600, -3600, 172800, 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		struct signer s;
		struct update_reply got;
		struct buf reply, other;

		make_request(&r, &sha256_key);
		make_reply(&reply, &r, DNS_NOTAUTH);
		buf_init(&other, 6);
		add_48(&other, r.at - rows[i]);
		s = good_signer(&r);
		s.error = DNS_BADTIME;
		s.other = other.s;
		s.other_len = other.len;
		sign_reply(&reply, &s, &r);
		got = judged(&r, &reply);
		assert_int_equal(got.tsig, TSIG_GOOD);
		assert_int_equal(got.tsig_error, DNS_BADTIME);
		assert_int_equal(got.ahead_for, rows[i]);
		buf_free(&other);
		buf_free(&reply);
		request_free(&r);
	}
}

/* Each bit of a good reply turned around, and each shorter one: never believed, but for what a
 * signature does not cover. */
static void notices_every_change(void **state)
{
	struct request r;
	struct signer s;
	struct update_reply got;
	struct buf reply;
	struct err e;
	size_t name_at, believed = 0;

	(void)state;
	make_request(&r, &sha256_key);
	make_reply(&reply, &r, DNS_NOERROR);
	name_at = reply.len;
	s = good_signer(&r);
	sign_reply(&reply, &s, &r);
	for (size_t bit = 0; bit < 8 * reply.len; bit++) {
		size_t at = bit / 8;
		char was = reply.s[at];
		int rc;

		reply.s[at] = (char)(was ^ 1 << bit % 8);
		rc = update_msg_reply(&got, r.m, (const unsigned char *)reply.s, reply.len, &e);
		if (rc == 0 && got.tsig == TSIG_GOOD) {
			bool letter = (was | 0x20) >= 'a' && (was | 0x20) <= 'z' && bit % 8 == 5;
			bool class_or_ttl = at >= name_at + 16 && at < name_at + 22;

			if (at < name_at || !(letter || class_or_ttl))
				fail_msg("believed with bit %zu of byte %zu turned", bit % 8, at);
			believed++;
		}
		reply.s[at] = was;
	}
	assert_true(believed <= 2 * 11 + 48);
	for (size_t len = 0; len < reply.len; len++)
		if (update_msg_reply(&got, r.m, (const unsigned char *)reply.s, len, &e) == 0 &&
		    got.tsig == TSIG_GOOD)
			fail_msg("believed when cut to %zu bytes", len);
	assert_int_equal(judged(&r, &reply).tsig, TSIG_GOOD);
	buf_free(&reply);
	request_free(&r);
}

static void refuses_what_answers_another(void **state)
{
	struct request r, other;
	struct update_reply got;
	struct buf reply;
	struct err e = { 0 };

	(void)state;
	make_request(&r, &sha256_key);
	make_request(&other, &sha256_key);
	make_reply(&reply, &r, DNS_NOERROR);
	reply.s[0] ^= 1;
	assert_int_equal(update_msg_reply(&got, r.m, (unsigned char *)reply.s, reply.len, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	assert_int_equal(update_msg_reply(&got, r.m, (unsigned char *)reply.s, 0, &e), -1);
	buf_free(&reply);
	request_free(&r);
	request_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_rfc2136_says),
		cmocka_unit_test(writes_single_records),
		cmocka_unit_test(refuses_what_is_no_message),
		cmocka_unit_test(refuses_what_is_too_large),
		cmocka_unit_test(refuses_unusable_keys),
		cmocka_unit_test(signs_as_rfc8945_says),
		cmocka_unit_test(believes_the_server),
		cmocka_unit_test(believes_nobody_else),
		cmocka_unit_test(knows_what_is_not_signed),
		cmocka_unit_test(tells_how_clocks_differ),
		cmocka_unit_test(notices_every_change),
		cmocka_unit_test(refuses_what_answers_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
