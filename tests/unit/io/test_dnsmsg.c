/* test_dnsmsg.c - DNS messages: names, queries, replies taken apart, signatures.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/dnsmsg.h"

/* By dnssec-signzone of BIND 9.18, so that another implementation has the word. */
static const struct zone {
	const char *algorithm, *dnskey, *plain, *wild, *ns;
} zones[] = {
	{
		"RSASHA256",
		"0101030803010001a98c5651e352b4c7f0caf4958cd40091e2ef6a53408319cf6d879c1eb240"
		"67a4a0ab2805d7785f99eecb2095e5018726d98f06a0f9fa66b018e1e807b21481d5f42d5425"
		"e61a03b70be92e5ae844379f3372e4faa9df11cbad2edbd7e37601a913a7a1da6f77ef1d4111"
		"79bbde4f15c1188918680290441903991e1163c579761be47a3280e156c73eba8e29dc2f137f"
		"68629d44f11bae684c5e519bc2051b3c90f17b0aa46109ee16e36f8aca68499293c9a379a7d6"
		"e349ccf108c3cc6ca87f9f609e6350aad387802508aa3b8159a4660dac66055b59f19f88fc17"
		"7e64259d626c230b4036aadf6d1e84b35c1fa46e116cf8d4b8581d9427a2ee0b08a0c591",
		"003408050000012c7fe817805e0be100daa1076578616d706c6504746573740072b3d16aba25"
		"ad1e52d96011cbd20a84033a0d1938f74e040e0f5abc11f5034676d4469bd152421e7bd8d7c4"
		"013d0debae45b4db33a7c2e8556f99fbab33a76df6c0fe19083a9a158050e1dc73d2b27d15d8"
		"567fafcc2b83d8b641e8b7cf1984cc663bd48fde2d8642840d8ef0f246c91b64b7f1070cb574"
		"122e7ae77c35b39bbc3e22d4984861e3efa421eb80ec629a5226922f4f45f52293ae0d40f2fd"
		"bc2edbc603c2084de4f548820ac9812f9861563f79a323238efb79376a79d22b312f9059d2ce"
		"c6c6989858e34595884b040f250f2b03a827755eef94cbce2ea550d628cd32a13c902fa35a11"
		"f50f9c31b3170b9c646dc579e76a3cc188d71849c43d",
		"003408040000012c7fe817805e0be100daa1076578616d706c65047465737400373b6cdb0b86"
		"7629dc1cfe75d149e19e25ac56e907f5c24ced0c62a118487ec733b325c7149bd4b0ec807f91"
		"0609c6f3e72f4ea4f5f210d0fe6bc41bf4813267ee6d3c8ace16ed5c6d394065f211f548a56c"
		"b6f978a057d9daa57d575e92e3f6cd04eaa5156c702c2f1daf83492b8abfe7bbc4adbd31b910"
		"0e33a3f812e109044f3e93d470dca00dc849a18a4fc5f27bd9e585234b961255859e8ef56c57"
		"3df5252393532d3d1f7b5c3fdfbfd34129d84e2e7e829b193450095b70117e14b64090736f6c"
		"88e376b580e40d237bdbea16c2900bacb3b71a18f1e1acfccc1a91b7e22bd118196951014f9b"
		"559d8a4c8de139a86c3dd8c9e8e5493dc4e50156d98f",
		"000208020000012c7fe817805e0be100daa1076578616d706c650474657374007930068b5442"
		"4fc7a83357113a68d35b21d87aacc5a9621ebc3ac66d8cf4f6def64b21434c97cd2e169e3ccf"
		"eee5ff1be755d9f4b37e179b9679bb82b1e56315e016243274a055be0fac2919728d7430ef5d"
		"1aa5e688dc1b4eda44ed35a95a831a304430a0451d9d10df4dbb4d6fbfbdaf253dff9500b611"
		"0fa0e6e77d92e84011543bac5144dd14e54af64e79fdd8c26ff7d6c29c4c36bc146ff47d0d9c"
		"c78a76703c0c34681155d5fe2f38b20511106d841c4a8f3ddfd430938084560a3b9954fef840"
		"c47b326cbc82dbee9534f062f412ff66d12a7fe8b136dcf765269ff61a36a018a2abc57a29bd"
		"8e80846fbb3a4ef71cadd845723b53debdfa3006b4ae",
	},
	{
		"ECDSAP256SHA256",
		"0101030d001014f648ccb01965e67345fc76e370339d590495e52ebefc8c01419eb364f4e1f3"
		"ed6e286f371c6b51065392b5bb1aaceea6efeb3d35ce559e7fa2ba15ead2",
		"00340d050000012c7fe817805e0be100fb3f076578616d706c650474657374009ba041b80239"
		"828ae4eccf085a5fdae11799cd47dfc3383a59b4c361f762ae86c0e8a012756b20c4b50ca9aa"
		"7d2ff164a4ab48c37d069048e062318a80b66b17",
		"00340d040000012c7fe817805e0be100fb3f076578616d706c650474657374007a0c776f834d"
		"169b6da0003819ca3521eaf55a6b7b186f86fd0a7ff12e3c66b9bebb67fd093b39b229f17455"
		"7e1b3163ea4fd2e47ccf6df163f0b792ee721b02",
		"00020d020000012c7fe817805e0be100fb3f076578616d706c65047465737400d016af96a688"
		"c26f94900aa5240c947e05d171c84fe1a8b53e32c4a0614ccc0e91bdc3c01f4a3875eef8ecf1"
		"d5613527f367b099c711b22126b8d2f971d19a8b",
	},
	{
		"ECDSAP384SHA384",
		"0101030e0d882c3c9395bbb3d2b1092b3a74410388616d65c4df0bec0fe6cdcadd8b5fa16525"
		"20964fbdff0d6cec8cabeebb0414a5cae911dbe1c3cd33da77338e7e1cdb89d7682e23ed9456"
		"56463d2496ef7b4b2b71614deb0ca3e33e46ff3b160d2d50",
		"00340e050000012c7fe817805e0be100f841076578616d706c650474657374007dc286b5542f"
		"42b112f445b79e71d44a81cc741d5fe3b463bd5cb43b6ab2e583c20a16821104415fdd901cc8"
		"56e69a613f48fb304c0d5653f9392c62c589d36eca6969859064e30503fcd7674170e3538496"
		"3d09e6ea7deb6e4dd344fe7aa857",
		"00340e040000012c7fe817805e0be100f841076578616d706c650474657374004e1c908d1f2c"
		"5cd0570bc9ee5ec3b2607c742a0b55ffb9e80e8dcec0286cceadc9779bc2524b44aaeeccffeb"
		"bb57bfab3acdbecf43b3732fbb41dbaa4d1595ef98c05861b4adcd8abb9da17197414267a56f"
		"98e245ca6f449ae8b43309042eb7",
		"00020e020000012c7fe817805e0be100f841076578616d706c6504746573740092f68d4ef909"
		"3abb0b717c95e0342a9f2bf53b17bbaf28c790bc6f8029f235057e96d515dc3e80c2dcb0840b"
		"538b56692773e7bee470ad2e73bd2373efbe532e7020f690589adb805bc91eb8c98cead8ae8f"
		"d540a57365c52e022848122e8ab2",
	},
	{
		"ED25519",
		"0101030f3d69078d384674913a6a266c0e79e5540054195fd222df443399b2f152b2951b",
		"00340f050000012c7fe817805e0be100e3f5076578616d706c650474657374008d10d2005260"
		"b5e471f61cbaf29404a709e8633cf31b0807f84da8b3456f9331bcb7a0e296944b815b58b70c"
		"a1a324391adf7f9dfe19811bf42b03ee50b77001",
		"00340f040000012c7fe817805e0be100e3f5076578616d706c650474657374007de7aa4509fd"
		"46418b0af3669519c4384f69a1d321b5573a7538692261f3405d17ec7902a787e9137226c3e1"
		"969ffd49d35508bbde66b4b1aaa52f6e7a6eba0d",
		"00020f020000012c7fe817805e0be100e3f5076578616d706c650474657374007f168b67bf30"
		"febd6a7596594752bdd2c393164d2fb606efbe77e63b8e963f41b18e954031bb0877cbb35ff3"
		"13ece3620d7b4bb0f6ce94f78ea5932fcddcee0a",
	},
};

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C32 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define L63 "123456789012345678901234567890123456789012345678901234567890123"
#define L61 "1234567890123456789012345678901234567890123456789012345678901"

static unsigned char nibble(char c)
{
	const char *digits = "0123456789abcdef";

	assert_non_null(strchr(digits, c));
	return (unsigned char)(strchr(digits, c) - digits);
}

static struct dns_rr record(const char *owner, uint16_t type, const char *hex)
{
	struct dns_rr rr = { .owner = mem_copy_str(owner), .type = type, .class_ = DNS_CLASS_IN,
			     .ttl = 17, .rdata_len = strlen(hex) / 2 };

	rr.rdata = mem_alloc(rr.rdata_len);
	for (size_t i = 0; i < rr.rdata_len; i++)
		rr.rdata[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return rr;
}

static void drop(struct dns_rr *rr)
{
	free(rr->owner);
	free(rr->rdata);
}

/* Names ---------------------------------------------------------------------------------------- */

static void canonical_names(void **state)
{
	static const struct {
		const char *in, *out;
		size_t labels;
		const char *parent;
	} rows[] = {
		{ ".", ".", 0, NULL },
		{ "org", "org", 1, "." },
		{ "ORG.", "org", 1, "." },
		{ "Mail.Example.ORG", "mail.example.org", 3, "example.org" },
		{ "*.example.org.", "*.example.org", 3, "example.org" },
		{ "_25._tcp.mail.example.org", "_25._tcp.mail.example.org", 5,
		  "_tcp.mail.example.org" },
		{ "a\\.b.c", "a\\046b.c", 2, "c" },
		{ "a\\046b.c", "a\\046b.c", 2, "c" },
		{ "\\097\\B", "ab", 1, "." },
		{ "\\065", "a", 1, "." },
		{ "a\\\\.b", "a\\092.b", 2, "b" },
		{ "a b", "a\\032b", 1, "." },
		{ "\\000.x", "\\000.x", 2, "x" },
		{ "\xc3\xa4.x", "\\195\\164.x", 2, "x" },
		{ "0/25.2.0.192.in-addr.arpa", "0/25.2.0.192.in-addr.arpa", 6,
		  "2.0.192.in-addr.arpa" },
		{ L63 ".x", L63 ".x", 2, "x" },
		{ L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61, 4,
		  L63 "." L63 "." L61 },
		{ L63 "." L63 "." L63 "." L61 ".", L63 "." L63 "." L63 "." L61, 4,
		  L63 "." L63 "." L61 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *canon = dns_name_canon(rows[i].in), *parent = dns_name_parent(rows[i].in);
		char *again;

		if (!canon)
			fail_msg("no name: %s", rows[i].in);
		assert_string_equal(canon, rows[i].out);
		again = dns_name_canon(canon);
		assert_string_equal(again, canon);
		assert_int_equal(dns_name_labels(rows[i].in), rows[i].labels);
		if (rows[i].parent)
			assert_string_equal(parent, rows[i].parent);
		else
			assert_null(parent);
		free(canon);
		free(again);
		free(parent);
	}
}

static void no_names(void **state)
{
	static const char *const rows[] = {
		"", "..", ".a", "a..b", "a..", "a.b..", "\\", "a\\", "a\\2", "a\\25", "\\256",
		"\\999", "\\25a", L63 "4", L63 "4.x", L63 "." L63 "." L63 "." L61 "2",
		L63 "." L63 "." L63 "." L61 ".1", L63 "." L63 "." L63 "." L63,
	};
	unsigned char wire[255];
	size_t len = 4711;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (dns_name_wire(wire, &len, rows[i]))
			fail_msg("a name: \"%s\"", rows[i]);
		assert_int_equal(len, 4711);
		assert_null(dns_name_canon(rows[i]));
		assert_null(dns_name_parent(rows[i]));
		assert_int_equal(dns_name_labels(rows[i]), 0);
	}
}

static void the_longest_presentation_fits(void **state)
{
	struct buf b;
	char *canon;

	(void)state;
	buf_init(&b, 4096);
	for (int i = 0; i < 63 + 63 + 63 + 61; i++)
		buf_add_str(&b, i && i % 63 == 0 ? ".\\255" : "\\255");
	canon = dns_name_canon(b.s);
	assert_string_equal(canon, b.s);
	assert_true(strlen(canon) < DNS_NAME_MAX);
	free(canon);
	buf_free(&b);
}

static void wire_of_names(void **state)
{
	unsigned char wire[255];
	size_t len;

	(void)state;
	assert_true(dns_name_wire(wire, &len, "Ab.c."));
	assert_int_equal(len, 6);
	assert_memory_equal(wire, "\2ab\1c", 6);
	assert_true(dns_name_wire(wire, &len, "."));
	assert_int_equal(len, 1);
	assert_int_equal(wire[0], 0);
}

/* Queries -------------------------------------------------------------------------------------- */

static void makes_queries(void **state)
{
	static const char plain[] = "\x12\x34\0\0\0\1\0\0\0\0\0\1" "\1a\0\0\x34\0\1"
				    "\0\0\x29\4\xd0\0\0\x80\0\0\0";
	static const char full[] = "\x12\x34\1\x10\0\1\0\0\0\0\0\1" "\1a\0\0\x34\0\1"
				   "\0\0\x29\4\xd0\0\0\x80\0\0\4\0\3\0\0";
	struct buf b;

	(void)state;
	buf_init(&b, 512);
	buf_add_str(&b, "left over");
	assert_true(dns_query_make(&b, 0x1234, "A", DNS_TLSA, (struct dns_query_flags){ 0 }));
	assert_int_equal(b.len, sizeof(plain) - 1);
	assert_memory_equal(b.s, plain, b.len);
	assert_true(dns_query_make(&b, 0x1234, "a", DNS_TLSA,
				   (struct dns_query_flags){ true, true, true }));
	assert_int_equal(b.len, sizeof(full) - 1);
	assert_memory_equal(b.s, full, b.len);
	assert_false(dns_query_make(&b, 1, "a..b", DNS_A, (struct dns_query_flags){ 0 }));
	assert_true(dns_query_make(&b, 1, L63 "." L63 "." L63 "." L61, DNS_A,
				   (struct dns_query_flags){ true, true, true }));
	buf_free(&b);
}

/* Replies -------------------------------------------------------------------------------------- */

/* Literals end at their terminator, which is left out. */
#define ADD(b, literal) buf_add((b), literal, sizeof(literal) - 1)

/* Header of a reply to "_25._tcp.x TLSA"; the name stands at offset 12. */
static void begin(struct buf *b, const char flags[2], int answers, int authority, int additional)
{
	const unsigned char counts[] = { 0, 1, 0, (unsigned char)answers, 0,
					 (unsigned char)authority, 0, (unsigned char)additional };

	buf_init(b, 65535);
	ADD(b, "\x12\x34");
	buf_add(b, flags, 2);
	buf_add(b, counts, sizeof(counts));
	ADD(b, "\3_25\4_tcp\1x\0\0\x34\0\1");
}

static int parse(struct dns_msg *m, struct buf *b, struct err *e)
{
	int rc = dns_msg_parse(m, (const unsigned char *)b->s, b->len, e);

	buf_free(b);
	return rc;
}

static void takes_replies_apart(void **state)
{
	struct dns_msg m;
	struct buf b;
	struct err e;
	char *s;

	(void)state;
	begin(&b, "\x86\xb3", 4, 1, 3);
	ADD(&b, "\xc0\x0c\0\x34\0\1\0\0\1\x2c\0\5\3\1\1\xab\xcd");
	ADD(&b, "\3_25\4_TCP\1X\0\0\x34\0\3\x80\0\0\0\0\4\3\1\1\xff");   /* class 3, huge TTL */
	ADD(&b, "\xc0\x0c\0\5\0\1\x7f\xff\xff\xff\0\4\1Y\xc0\x15");
	ADD(&b, "\xc0\x0c\xff\x78\0\1\0\0\0\0\0\0");    /* TYPE65400 without RDATA */
	ADD(&b, "\1x\0\0\6\0\1\0\0\0\5\0\x1d\2NS\xc0\x15\1h\xc0\x15\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4"
		"\0\0\0\5");
	ADD(&b, "\1n\xc0\x15\0\1\0\1\0\0\0\5\0\4\xc0\0\2\1");
	ADD(&b, "\0\0\x29\4\xd0\1\0\0\0\0\x0d\0\x0a\0\2zz\0\3\0\3\1\2\xff");
	ADD(&b, "\1n\xc0\x15\0\x1c\0\1\0\0\0\5\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	if (parse(&m, &b, &e) < 0)
		fail_msg("%s", e.text);
	assert_true(m.aa && m.tc && m.ad && m.ra);
	assert_int_equal(m.rcode, 16 + 3);
	assert_string_equal(m.nsid, "0102ff");
	assert_int_equal(m.answer.n, 4);
	assert_int_equal(m.authority.n, 1);
	assert_int_equal(m.additional.n, 2);

	assert_string_equal(m.answer.v[0].owner, "_25._tcp.x");
	assert_int_equal(m.answer.v[0].type, DNS_TLSA);
	assert_int_equal(m.answer.v[0].class_, DNS_CLASS_IN);
	assert_int_equal(m.answer.v[0].ttl, 300);
	assert_true(dns_rr_tlsa(&s, &m.answer.v[0]));
	assert_string_equal(s, "3 1 1 abcd");
	free(s);
	assert_string_equal(m.answer.v[1].owner, "_25._tcp.x");
	assert_int_equal(m.answer.v[1].class_, 3);
	assert_int_equal(m.answer.v[1].ttl, 0);
	assert_int_equal(m.answer.v[2].ttl, 0x7fffffff);
	assert_true(dns_rr_target(&s, &m.answer.v[2]));
	assert_string_equal(s, "y.x");
	free(s);
	assert_int_equal(m.answer.v[2].rdata_len, 5);
	assert_int_equal(m.answer.v[3].rdata_len, 0);
	assert_int_equal(m.answer.v[3].type, 65400);
	assert_string_equal(m.additional.v[0].owner, "n.x");
	assert_memory_equal(m.additional.v[0].rdata, "\xc0\0\2\1", 4);
	assert_int_equal(m.additional.v[1].rdata_len, 16);

	dns_rrs_add(&m.authority, &m.answer.v[0]);
	assert_int_equal(m.authority.n, 2);
	assert_string_equal(m.authority.v[1].owner, "_25._tcp.x");
	assert_ptr_not_equal(m.authority.v[1].owner, m.answer.v[0].owner);
	dns_msg_free(&m);
	dns_msg_free(&m);
}

static void empty_replies(void **state)
{
	struct dns_msg m;
	struct buf b;
	struct err e;

	(void)state;
	begin(&b, "\x84\x00", 0, 0, 0);
	assert_int_equal(parse(&m, &b, &e), 0);
	assert_true(m.aa && !m.tc && !m.ad && !m.ra);
	assert_int_equal(m.rcode, DNS_NOERROR);
	assert_int_equal(m.answer.n + m.authority.n + m.additional.n, 0);
	assert_null(m.nsid);
	dns_msg_free(&m);
}

/* An option that runs over its end is left, and so is an NSID without content. */
static void odd_options(void **state)
{
	struct dns_msg m;
	struct buf b;
	struct err e;

	(void)state;
	begin(&b, "\x84\x00", 0, 0, 1);
	ADD(&b, "\0\0\x29\4\xd0\0\0\0\0\0\5\0\3\0\2\1");
	assert_int_equal(parse(&m, &b, &e), 0);
	assert_null(m.nsid);
	dns_msg_free(&m);
	begin(&b, "\x84\x00", 0, 0, 1);
	ADD(&b, "\0\0\x29\4\xd0\0\0\0\0\0\4\0\3\0\0");
	assert_int_equal(parse(&m, &b, &e), 0);
	assert_null(m.nsid);
	dns_msg_free(&m);
	/* CHAIN (13), on which ldns_pkt2str ends the program */
	begin(&b, "\x84\x00", 0, 0, 1);
	ADD(&b, "\0\0\x29\4\xd0\0\0\0\0\0\7\0\x0d\0\3\1a\0");
	assert_int_equal(parse(&m, &b, &e), 0);
	dns_msg_free(&m);
}

static void malformed_replies(void **state)
{
	static const struct {
		const char *what, *bytes;
		size_t len;
	} rows[] = {
#define ROW(what, bytes) { what, bytes, sizeof(bytes) - 1 }
		ROW("nothing there", ""),
		ROW("ends in the name", "\3_2"),
		ROW("ends in the header", "\xc0\x0c\0\x34\0\1"),
		ROW("ends in RDATA", "\xc0\x0c\0\x34\0\1\0\0\0\0\0\5\3\1\1\xab"),
		ROW("name points to itself", "\xc0\x1c\0\x34\0\1\0\0\0\0\0\4\3\1\1\xab"),
		ROW("pointer behind the end", "\xff\xff\0\x34\0\1\0\0\0\0\0\4\3\1\1\xab"),
		ROW("A of three bytes", "\xc0\x0c\0\1\0\1\0\0\0\0\0\3\1\2\3"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_msg m;
		struct buf b;
		struct err e;

		begin(&b, "\x84\x00", 1, 0, 0);
		buf_add(&b, rows[i].bytes, rows[i].len);
		if (parse(&m, &b, &e) == 0)
			fail_msg("parsed: %s", rows[i].what);
		assert_int_equal(e.kind, ERR_REFUSED);
		dns_msg_free(&m);
	}
}

/* ldns would leak the first of two. */
static void meta_records_twice(void **state)
{
	struct dns_msg m;
	struct buf b;
	struct err e;

	(void)state;
	begin(&b, "\x84\x00", 0, 0, 2);
	ADD(&b, "\0\0\x29\4\xd0\0\0\0\0\0\0");
	ADD(&b, "\0\0\x29\4\xd0\0\0\0\0\0\0");
	assert_int_equal(parse(&m, &b, &e), -1);
	begin(&b, "\x84\x00", 0, 0, 2);
	ADD(&b, "\0\0\xfa\0\xff\0\0\0\0\0\0");
	ADD(&b, "\0\0\xfa\0\xff\0\0\0\0\0\0");
	assert_int_equal(parse(&m, &b, &e), -1);
	assert_int_equal(e.kind, ERR_REFUSED);
	begin(&b, "\x84\x00", 0, 0, 2);
	ADD(&b, "\0\0\x29\4\xd0\0\0\0\0\0\0");
	ADD(&b, "\0\0\xfa\0\xff\0\0\0\0\0\0");
	assert_int_equal(parse(&m, &b, &e), 0);
	assert_int_equal(m.additional.n, 0);
	dns_msg_free(&m);
}

static void names_of_numbers(void **state)
{
	const char *unknown = dns_type_name(65280);

	(void)state;
	assert_string_equal(dns_rcode_name(DNS_NXDOMAIN), "NXDOMAIN");
	assert_string_equal(dns_rcode_name(DNS_BADTIME), "BADTIME");
	assert_string_equal(dns_rcode_name(12), "RCODE12");
	assert_string_equal(dns_rcode_name(4095), "RCODE4095");
	assert_string_equal(dns_type_name(DNS_TLSA), "TLSA");
	assert_string_equal(dns_type_name(0), "TYPE0");
	assert_string_equal(dns_type_name(65535), "TYPE65535");
	assert_string_equal(unknown, "TYPE65280");
}

/* Records -------------------------------------------------------------------------------------- */

static void records_of_the_wrong_form(void **state)
{
	static const struct {
		uint16_t type;
		const char *hex;
	} rows[] = {
		{ DNS_NS, "" }, { DNS_NS, "0161" }, { DNS_NS, "01610000" }, { DNS_NS, "c00c" },
		{ DNS_A, "016100" }, { DNS_SOA, "" }, { DNS_SOA, "00" }, { DNS_SOA, "0000" },
		{ DNS_SOA, "000000000001000000020000000300000004000000" },
		{ DNS_SOA, "0000000000010000000200000003000000040000000500" },
		{ DNS_RRSIG, "" }, { DNS_RRSIG, "003408050000012c7fe817805e0be100daa1" },
		{ DNS_RRSIG, "003408050000012c7fe817805e0be100daa100" },
		{ DNS_RRSIG, "003408050000012c7fe817805e0be100daa1ff00" },
		{ DNS_DNSKEY, "" }, { DNS_DNSKEY, "01010308" }, { DNS_TLSA, "" },
		{ DNS_TLSA, "030101" }, { DNS_TXT, "" }, { DNS_TXT, "02" }, { DNS_TXT, "0261" },
		{ DNS_TXT, "016101" }, { DNS_TXT, "01610262" }, { DNS_CAA, "" }, { DNS_CAA, "00" },
		{ DNS_CAA, "0001" }, { DNS_CAA, "000061" }, { DNS_CAA, "000369" },
		{ DNS_CAA, "00ff6973737565" }, { DNS_MX, "" }, { DNS_MX, "0001" }, { DNS_MX, "000101610000" },
		{ DNS_MX, "0001ff" }, { DNS_MX, "0001c00c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_rr rr = record("x", rows[i].type, rows[i].hex);
		struct dns_rrsig sig;
		struct dns_dnskey key;
		struct dns_soa soa;
		struct dns_caa caa;
		unsigned preference;
		char *s;

		if (dns_rr_target(&s, &rr) || dns_rr_soa(&soa, &rr) || dns_rr_rrsig(&sig, &rr) ||
		    dns_rr_dnskey(&key, &rr) || dns_rr_tlsa(&s, &rr) || dns_rr_txt(&s, &rr) ||
		    dns_rr_caa(&caa, &rr) || dns_rr_mx(&s, &preference, &rr))
			fail_msg("row %zu is taken", i);
		drop(&rr);
	}
}

static void texts_in_records(void **state)
{
	static const struct {
		const char *hex, *text;
	} rows[] = {
		{ "00", "" }, { "0161", "a" }, { "0161026263", "abc" }, { "000161000162", "ab" },
		{ "06207e5c220a7f", " ~\\\"\\010\\127" }, { "03002eff", "\\000.\\255" },
	};
	struct dns_rr rr;
	struct dns_caa caa;
	unsigned preference;
	char *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		rr = record("x", DNS_TXT, rows[i].hex);
		assert_true(dns_rr_txt(&s, &rr));
		assert_string_equal(s, rows[i].text);
		free(s);
		drop(&rr);
	}
	rr = record("x", DNS_CAA, "80055469ff75003b207e0a");
	assert_true(dns_rr_caa(&caa, &rr));
	assert_int_equal(caa.flags, 0x80);
	assert_string_equal(caa.tag, "Ti?u?");
	assert_string_equal(caa.value, "; ~?");
	free(caa.tag);
	free(caa.value);
	drop(&rr);
	rr = record("x", DNS_MX, "0102016d024f7200");
	assert_true(dns_rr_mx(&s, &preference, &rr));
	assert_int_equal(preference, 258);
	assert_string_equal(s, "m.or");
	free(s);
	drop(&rr);
	rr = record("x", DNS_MX, "000000");
	assert_true(dns_rr_mx(&s, &preference, &rr));
	assert_string_equal(s, ".");
	free(s);
	drop(&rr);
	rr = record("x", DNS_CAA, "000161");
	assert_true(dns_rr_caa(&caa, &rr));
	assert_string_equal(caa.tag, "a");
	assert_string_equal(caa.value, "");
	free(caa.tag);
	free(caa.value);
	drop(&rr);
}

static void inside_of_records(void **state)
{
	struct dns_rr rr = record("x", DNS_SOA, "024e5301780001610000000001000000020000000300000004"
						"00000005");
	struct dns_rrsig sig;
	struct dns_dnskey key;
	struct dns_soa soa;

	(void)state;
	assert_true(dns_rr_soa(&soa, &rr));
	assert_string_equal(soa.mname, "ns.x");
	assert_int_equal(soa.serial, 1);
	assert_int_equal(soa.refresh, 2);
	assert_int_equal(soa.expire, 4);
	assert_int_equal(soa.minimum, 5);
	free(soa.mname);
	drop(&rr);

	rr = record("x", DNS_RRSIG, zones[0].plain);
	assert_true(dns_rr_rrsig(&sig, &rr));
	assert_int_equal(sig.covered, DNS_TLSA);
	assert_int_equal(sig.algorithm, 8);
	assert_int_equal(sig.labels, 5);
	assert_int_equal(sig.original_ttl, 300);
	assert_int_equal(sig.inception, 1577836800);
	assert_int_equal(sig.expiration, 2145916800);
	assert_string_equal(sig.signer, "example.test");
	free(sig.signer);
	drop(&rr);

	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		rr = record("x", DNS_RRSIG, zones[i].plain);
		assert_true(dns_rr_rrsig(&sig, &rr));
		free(sig.signer);
		drop(&rr);
		rr = record("x", DNS_DNSKEY, zones[i].dnskey);
		assert_true(dns_rr_dnskey(&key, &rr));
		assert_int_equal(key.flags, 257);
		assert_int_equal(key.protocol, 3);
		assert_int_equal(key.algorithm, sig.algorithm);
		assert_int_equal(key.tag, sig.key_tag);
		drop(&rr);
	}
}

/* Signatures ----------------------------------------------------------------------------------- */

static int check(const char *owner, uint16_t type, const char *first, const char *second,
		 const char *rrsig, const char *dnskey, struct err *e)
{
	struct dns_rr a = record(owner, type, first), b = record(owner, type, second ? second : "");
	struct dns_rr sig = record(owner, DNS_RRSIG, rrsig);
	struct dns_rr key = record("example.test", DNS_DNSKEY, dnskey);
	const struct dns_rr *set[] = { &a, &b };
	int rc = dns_sig_check(set, second ? 2 : 1, &sig, &key, e);

	assert_string_equal(sig.owner, owner);
	assert_int_equal(a.ttl, 17);
	drop(&a);
	drop(&b);
	drop(&sig);
	drop(&key);
	return rc;
}

static void good_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		const struct zone *z = &zones[i];
		struct err e = { .text = "" };

		if (check("_25._tcp.mail.example.test", DNS_TLSA, "030101" B32, "030101" A32,
			  z->plain, z->dnskey, &e) < 0)
			fail_msg("%s: %s", z->algorithm, e.text);
		if (check("_25._tcp.mail.example.test", DNS_TLSA, "030101" A32, "030101" B32,
			  z->plain, z->dnskey, &e) < 0)
			fail_msg("%s, other order: %s", z->algorithm, e.text);
		if (check("_25._tcp.wild.example.test", DNS_TLSA, "030101" C32, NULL, z->wild,
			  z->dnskey, &e) < 0)
			fail_msg("%s, expanded: %s", z->algorithm, e.text);
		if (check("a.b._tcp.wild.example.test", DNS_TLSA, "030101" C32, NULL, z->wild,
			  z->dnskey, &e) < 0)
			fail_msg("%s, expanded further: %s", z->algorithm, e.text);
		if (check("*._tcp.wild.example.test", DNS_TLSA, "030101" C32, NULL, z->wild,
			  z->dnskey, &e) < 0)
			fail_msg("%s, the wildcard itself: %s", z->algorithm, e.text);
		/* names in RDATA are signed in lower case */
		if (check("example.test", DNS_NS, "036e7332076578616d706c65047465737400",
			  "034e5331074578616d706c65047465737400", z->ns, z->dnskey, &e) < 0)
			fail_msg("%s, NS: %s", z->algorithm, e.text);
	}
}

static void bad_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		const struct zone *z = &zones[i], *other = &zones[(i + 1) % ARRAY_LEN(zones)];
		const char *owner = "_25._tcp.mail.example.test";
		char *bent = mem_copy_str(z->plain), *cut = mem_copy_str(z->plain);
		char *short_key = mem_copy_str(z->dnskey);
		const struct {
			const char *what, *owner, *first, *second, *sig, *key;
		} rows[] = {
			{ "a record less", owner, "030101" A32, NULL, z->plain, z->dnskey },
			{ "another record", owner, "030101" A32, "030101" C32, z->plain,
			  z->dnskey },
			{ "another owner", "_24._tcp.mail.example.test", "030101" A32,
			  "030101" B32, z->plain, z->dnskey },
			{ "another key", owner, "030101" A32, "030101" B32, z->plain,
			  other->dnskey },
			{ "another signature", owner, "030101" A32, "030101" B32, z->wild,
			  z->dnskey },
			{ "a bit of the signature", owner, "030101" A32, "030101" B32, bent,
			  z->dnskey },
			{ "signature cut", owner, "030101" A32, "030101" B32, cut, z->dnskey },
			{ "key cut", owner, "030101" A32, "030101" B32, z->plain, short_key },
			{ "not below the wildcard", "_25._tcp.tame.example.test", "030101" C32,
			  NULL, z->wild, z->dnskey },
			{ "record without data", owner, "", "030101" B32, z->plain, z->dnskey },
			{ "no signature", owner, "030101" A32, "030101" B32, "", z->dnskey },
			{ "no key", owner, "030101" A32, "030101" B32, z->plain, "" },
		};

		bent[strlen(bent) - 1] = bent[strlen(bent) - 1] == '0' ? '1' : '0';
		cut[strlen(cut) - 2] = '\0';
		short_key[10] = '\0';
		for (size_t j = 0; j < ARRAY_LEN(rows); j++) {
			struct err e = { .text = "" };

			if (check(rows[j].owner, DNS_TLSA, rows[j].first, rows[j].second,
				  rows[j].sig, rows[j].key, &e) == 0)
				fail_msg("%s, %s: good", z->algorithm, rows[j].what);
			assert_int_equal(e.kind, ERR_REFUSED);
			assert_true(e.text[0]);
		}
		free(bent);
		free(cut);
		free(short_key);
	}
}

static void signature_over_nothing(void **state)
{
	struct dns_rr sig = record("x", DNS_RRSIG, zones[0].plain);
	struct dns_rr key = record("x", DNS_DNSKEY, zones[0].dnskey);
	struct err e;

	(void)state;
	assert_int_equal(dns_sig_check(NULL, 0, &sig, &key, &e), -1);
	drop(&sig);
	drop(&key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_names),
		cmocka_unit_test(no_names),
		cmocka_unit_test(the_longest_presentation_fits),
		cmocka_unit_test(wire_of_names),
		cmocka_unit_test(makes_queries),
		cmocka_unit_test(takes_replies_apart),
		cmocka_unit_test(empty_replies),
		cmocka_unit_test(odd_options),
		cmocka_unit_test(malformed_replies),
		cmocka_unit_test(meta_records_twice),
		cmocka_unit_test(names_of_numbers),
		cmocka_unit_test(records_of_the_wrong_form),
		cmocka_unit_test(inside_of_records),
		cmocka_unit_test(texts_in_records),
		cmocka_unit_test(good_signatures),
		cmocka_unit_test(bad_signatures),
		cmocka_unit_test(signature_over_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
