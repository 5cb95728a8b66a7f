/* test_tlsa.c - TLSA records as values, and whether a set covers what is served.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "core/tlsa.h"

#define A256 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B256 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C256 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define A512 A256 "0000000000000000000000000000000000000000000000000000000000000001"
#define B512 B256 "0000000000000000000000000000000000000000000000000000000000000002"
#define C512 C256 "0000000000000000000000000000000000000000000000000000000000000003"

#define NOTHING256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NOTHING512 "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
		   "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

#define P(u, s, m) ((struct tlsa_params){ u, s, m })

static const struct tlsa_leaf leaf_a = { .spki_sha256 = A256, .spki_sha512 = A512 },
			      leaf_b = { .spki_sha256 = B256, .spki_sha512 = B512 };

static void makes_what_we_publish(void **state)
{
	struct tlsa_rdata r;
	char *s;

	(void)state;
	assert_true(tlsa_make(&r, P(3, 1, 1), &leaf_a));
	s = tlsa_format(&r);
	assert_string_equal(s, "3 1 1 " A256);
	free(s);
	assert_true(tlsa_make(&r, P(3, 1, 2), &leaf_a));
	s = tlsa_format(&r);
	assert_string_equal(s, "3 1 2 " A512);
	free(s);
}

static void makes_nothing_else(void **state)
{
	unsigned made = 0;

	(void)state;
	for (unsigned u = 0; u < 256; u++)
		for (unsigned s = 0; s < 4; s++)
			for (unsigned m = 0; m < 256; m++) {
				struct tlsa_rdata r;
				bool ours = u == 3 && s == 1 && (m == 1 || m == 2);

				assert_int_equal(tlsa_make(&r, P((uint8_t)u, (uint8_t)s,
								 (uint8_t)m), &leaf_a), ours);
				made += ours;
			}
	assert_int_equal(made, 2);
}

static void makes_lower_case(void **state)
{
	struct tlsa_leaf l = leaf_a;
	struct tlsa_rdata r;

	(void)state;
	l.spki_sha256[0] = 'F';
	assert_true(tlsa_make(&r, P(3, 1, 1), &l));
	assert_int_equal(r.hex[0], 'f');
}

static void refuses_impossible_digests(void **state)
{
	static const struct {
		const char *sha256, *sha512;
	} rows[] = {
		{ "", "" },
		{ NOTHING256, NOTHING512 },
		{ "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "" },
		{ "aa", A256 },
		{ &A256[1], &A512[1] },
		{ "gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  " " A256 "000000000000000000000000000000000000000000000000000000000000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsa_rdata r, as_before;
		struct tlsa_leaf l = { .spki_sha256 = "", .spki_sha512 = "" };

		memset(&r, 0x55, sizeof(r));
		as_before = r;
		memcpy(l.spki_sha256, rows[i].sha256, strlen(rows[i].sha256) + 1);
		memcpy(l.spki_sha512, rows[i].sha512, strlen(rows[i].sha512) + 1);
		assert_false(tlsa_make(&r, P(3, 1, 1), &l));
		assert_false(tlsa_make(&r, P(3, 1, 2), &l));
		assert_memory_equal(&r, &as_before, sizeof(r));
	}
}

static void survives_a_digest_without_end(void **state)
{
	struct tlsa_leaf l;
	struct tlsa_rdata r;

	(void)state;
	memset(&l, 'a', sizeof(l));
	assert_false(tlsa_make(&r, P(3, 1, 1), &l));
	assert_false(tlsa_make(&r, P(3, 1, 2), &l));
}

static void reads_records(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "3 1 1 " A256, "3 1 1 " A256 },
		{ "3 1 2 " A512, "3 1 2 " A512 },
		{ "0 0 0 ab", "0 0 0 ab" },
		{ "255 254 253 00", "255 254 253 00" },
		{ "3\t1  1 \tABcd", "3 1 1 abcd" },
		{ "3 1 1 AB CD\tef 0 1", "3 1 1 abcdef01" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsa_rdata r;
		char *s;

		if (!tlsa_parse(&r, rows[i].in))
			fail_msg("not read: %s", rows[i].in);
		s = tlsa_format(&r);
		assert_string_equal(s, rows[i].out);
		free(s);
	}
}

static void refuses_what_is_no_record(void **state)
{
	static const char *const rows[] = {
		"", " ", "3", "3 1", "3 1 1", "3 1 1 ", "3 1 1  ", "3 1 1 a", "3 1 1 abc",
		"3 1 1 ag", "3 1 1 0xab", " 3 1 1 ab", "3 1 1 ab ", "3 1 1 ab\n", "3 1 1\nab",
		"3 1 1 ab;c", "3 1 1 (ab)", "256 1 1 ab", "3 256 1 ab", "3 1 256 ab", "1000 1 1 ab",
		"-3 1 1 ab", "+3 1 1 ab", "03 1 1 ab", "3 01 1 ab", "3 1 1.0 ab", "3,1,1,ab",
		"311ab", "x 1 1 ab", "3 1 1 " A512 "00", "3 1 1 \xc3\xa4",
		"99999999999999999999 1 1 ab",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsa_rdata r, as_before;

		memset(&r, 0x55, sizeof(r));
		as_before = r;
		if (tlsa_parse(&r, rows[i]))
			fail_msg("read: \"%s\"", rows[i]);
		assert_memory_equal(&r, &as_before, sizeof(r));
	}
}

/* Each row: a set, the number of leaves (a, then b) that are served, and the answer. */
static void covers_as_rfc7671_section_8_says(void **state)
{
	static const struct {
		const char *what;
		const char *set[6];
		size_t leaves_n;
		enum tlsa_cover cover;
	} rows[] = {
		{ "both digests", { "3 1 1 " A256, "3 1 2 " A512 }, 1, TLSA_COVERS },
		{ "3 1 2 missing", { "3 1 1 " A256, "3 1 2 " C512 }, 1, TLSA_LACKS },
		{ "3 1 1 missing", { "3 1 2 " A512, "3 1 1 " C256 }, 1, TLSA_LACKS },
		{ "one digest", { "3 1 1 " A256 }, 1, TLSA_COVERS },
		{ "another key", { "3 1 1 " C256 }, 1, TLSA_LACKS },
		{ "staged beside live", { "3 1 1 " A256, "3 1 1 " C256 }, 1, TLSA_COVERS },
		{ "live last", { "3 1 1 " C256, "3 1 1 " B256, "3 1 1 " A256 }, 1, TLSA_COVERS },
		{ "two leaves", { "3 1 1 " A256, "3 1 1 " B256 }, 2, TLSA_COVERS },
		{ "two leaves, one record", { "3 1 1 " A256 }, 2, TLSA_LACKS },
		{ "two leaves, other one", { "3 1 1 " B256 }, 2, TLSA_LACKS },
		{ "two leaves, both digests",
		  { "3 1 1 " A256, "3 1 1 " B256, "3 1 2 " A512, "3 1 2 " B512 }, 2, TLSA_COVERS },
		{ "two leaves, 3 1 2 of one",
		  { "3 1 1 " A256, "3 1 1 " B256, "3 1 2 " A512 }, 2, TLSA_LACKS },
		{ "foreign of the same kind", { "3 1 1 " C256, "3 1 1 " A256, "3 1 2 " A512,
						"3 1 2 " C512 }, 1, TLSA_COVERS },
		{ "malformed of the same kind", { "3 1 1 abcd", "3 1 1 " A256 }, 1, TLSA_COVERS },
		{ "nothing but malformed", { "3 1 1 abcd" }, 1, TLSA_LACKS },
		{ "digest under the other type", { "3 1 2 " A256 }, 1, TLSA_LACKS },
		{ "PKIX-EE", { "1 1 1 " A256 }, 1, TLSA_COVERS },
		{ "PKIX-EE of another", { "1 1 1 " C256 }, 1, TLSA_LACKS },
		{ "usages are apart", { "3 1 1 " A256, "1 1 1 " C256 }, 1, TLSA_LACKS },
		{ "whole certificate", { "3 1 1 " A256, "3 0 1 " A256 }, 1, TLSA_UNKNOWN },
		{ "whole certificate, 1", { "1 0 2 " A512 }, 1, TLSA_UNKNOWN },
		{ "trust anchor that is not sent", { "3 1 1 " A256, "2 1 1 " C256 }, 1, TLSA_LACKS },
		{ "trust anchor with our digest", { "2 0 1 " A256 }, 1, TLSA_LACKS },
		{ "trust anchor, SHA-512", { "3 1 1 " A256, "2 1 2 " C512 }, 1, TLSA_UNKNOWN },
		{ "PKIX-TA", { "0 1 1 " A256 }, 1, TLSA_UNKNOWN },
		{ "full key", { "3 1 0 abcd" }, 1, TLSA_UNKNOWN },
		{ "unknown usage", { "3 1 1 " A256, "4 1 1 " A256 }, 1, TLSA_UNKNOWN },
		{ "private usage", { "255 1 1 " A256 }, 1, TLSA_UNKNOWN },
		{ "unknown selector", { "3 2 1 " A256 }, 1, TLSA_UNKNOWN },
		{ "unknown type", { "3 1 1 " A256, "3 1 3 abcd" }, 1, TLSA_UNKNOWN },
		{ "lacks beats unknown", { "3 1 3 abcd", "3 1 1 " C256 }, 1, TLSA_LACKS },
		{ "lacks beats unknown, turned", { "3 1 1 " C256, "3 1 3 abcd" }, 1, TLSA_LACKS },
		{ "lacks beats trust anchor", { "2 1 1 " A256, "3 1 1 " A256 }, 2, TLSA_LACKS },
		{ "empty", { NULL }, 1, TLSA_COVERS },
		{ "empty, two leaves", { NULL }, 2, TLSA_COVERS },
		{ "empty, no leaf", { NULL }, 0, TLSA_COVERS },
		{ "no leaf", { "3 1 1 " A256 }, 0, TLSA_UNKNOWN },
	};
	const struct tlsa_leaf leaves[] = { leaf_a, leaf_b };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsa_rdata set[6];
		enum tlsa_cover cover;
		size_t n = 0;

		for (; n < ARRAY_LEN(set) && rows[i].set[n]; n++)
			assert_true(tlsa_parse(&set[n], rows[i].set[n]));
		cover = tlsa_covers(set, n, leaves, rows[i].leaves_n);
		if (cover != rows[i].cover)
			fail_msg("%s: %d, not %d", rows[i].what, cover, rows[i].cover);
	}
}

/* RFC 7671 5.2: usage 2 matches what is sent after the leaf. */
static void trust_anchors(void **state)
{
	const struct tlsa_leaf leaf = { A256, A512, C256, B256 };
	static const struct {
		const char *set[3];
		enum tlsa_cover cover;
	} rows[] = {
		{ { "2 1 1 " C256 }, TLSA_COVERS },
		{ { "2 0 1 " B256 }, TLSA_COVERS },
		{ { "2 1 1 " B256 }, TLSA_LACKS },
		{ { "2 1 1 " A256 }, TLSA_LACKS },
		{ { "2 0 1 " C256 }, TLSA_LACKS },
		{ { "3 1 1 " A256, "2 0 1 " B256 }, TLSA_COVERS },
		{ { "3 1 1 " A256, "2 0 1 " C256 }, TLSA_LACKS },       /* 3 1 1 current, 2 0 1 future */
		{ { "3 1 1 " B256, "2 0 1 " B256 }, TLSA_LACKS },
	};
	struct tlsa_rdata r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tlsa_rdata set[3];
		size_t n = 0;

		for (; n < ARRAY_LEN(set) && rows[i].set[n]; n++)
			assert_true(tlsa_parse(&set[n], rows[i].set[n]));
		assert_int_equal(tlsa_covers(set, n, &leaf, 1), rows[i].cover);
	}
	assert_true(tlsa_make(&r, P(2, 1, 1), &leaf));
	assert_string_equal(r.hex, C256);
	assert_true(tlsa_make(&r, P(2, 0, 1), &leaf));
	assert_string_equal(r.hex, B256);
	assert_false(tlsa_make(&r, P(2, 1, 2), &leaf));
	assert_false(tlsa_make(&r, P(2, 1, 1), &leaf_a));
	assert_false(tlsa_make(&r, P(2, 0, 1), &leaf_b));
}

/* A leaf that could not be read must not be "covered" by the digest of nothing. */
static void splits_records_of_any_length(void **state)
{
	struct tlsa_params p;
	struct tlsa_rdata r;
	char *hex = NULL;

	(void)state;
	assert_true(tlsa_split(&p, &hex, "2 0 0 AB cd " A512 "ef"));
	assert_int_equal(p.usage * 100 + p.selector * 10 + p.matching, 200);
	assert_int_equal(strlen(hex), 6 + strlen(A512));
	assert_memory_equal(hex, "abcd", 4);
	free(hex);
	assert_false(tlsa_parse(&r, "2 0 0 AB cd " A512 "ef"));
	assert_false(tlsa_split(&p, &hex, "2 0 0 " A512 "e"));
	assert_true(tlsa_is_of_nothing(NOTHING256));
	assert_false(tlsa_is_of_nothing(A512));
}

static void nothing_is_not_covered(void **state)
{
	const struct tlsa_leaf nothing = { .spki_sha256 = NOTHING256, .spki_sha512 = NOTHING512 },
			       blank = { .spki_sha256 = "", .spki_sha512 = "" };
	struct tlsa_rdata set[2];

	(void)state;
	assert_true(tlsa_parse(&set[0], "3 1 1 " NOTHING256));
	assert_true(tlsa_parse(&set[1], "3 1 2 " NOTHING512));
	assert_int_equal(tlsa_covers(set, 2, &nothing, 1), TLSA_LACKS);
	assert_int_equal(tlsa_covers(set, 2, &blank, 1), TLSA_LACKS);
}

static void accepted_by_clients(void **state)
{
	static const struct {
		const char *set[3];
		bool        accepted;   /* a server with leaf a */
	} rows[] = {
		{ { NULL }, false },
		{ { "3 1 1 " A256 }, true },
		{ { "3 1 1 " B256 }, false },
		{ { "3 1 1 " A256, "3 1 1 " B256 }, true },
		{ { "3 1 1 " A256, "2 1 1 " C256 }, true },
		{ { "3 1 1 " A256, "3 0 1 " C256, "1 1 1 " C256 }, true },
		{ { "3 1 1 " A256, "3 1 2 " B512 }, false },
		{ { "3 1 1 " A256, "3 1 2 " A512, "3 1 2 " B512 }, true },
		{ { "3 1 1 " B256, "3 1 2 " A512 }, true },
		{ { "3 1 1 " A256, "2 1 2 " B512 }, true },
		{ { "2 1 1 " C256 }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct tlsa_leaf both[] = { leaf_a, leaf_b };
		struct tlsa_rdata set[3];
		size_t n = 0;

		while (n < 3 && rows[i].set[n]) {
			assert_true(tlsa_parse(&set[n], rows[i].set[n]));
			n++;
		}
		if (tlsa_accepted(set, n, both, 1) != rows[i].accepted)
			fail_msg("row %zu", i);
		/* what covers a key is accepted by all */
		if (n && tlsa_covers(set, n, both, 2) == TLSA_COVERS)
			assert_true(tlsa_accepted(set, n, both, 2));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(makes_what_we_publish),
		cmocka_unit_test(makes_nothing_else),
		cmocka_unit_test(makes_lower_case),
		cmocka_unit_test(refuses_impossible_digests),
		cmocka_unit_test(survives_a_digest_without_end),
		cmocka_unit_test(reads_records),
		cmocka_unit_test(refuses_what_is_no_record),
		cmocka_unit_test(splits_records_of_any_length),
		cmocka_unit_test(covers_as_rfc7671_section_8_says),
		cmocka_unit_test(accepted_by_clients),
		cmocka_unit_test(trust_anchors),
		cmocka_unit_test(nothing_is_not_covered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
