/* dnsmsg.c - DNS messages as values; the user of ldns for replies and signatures.
 *
 * Names, queries and the insides of records are read and written here, since they are small and
 * ldns asserts on what it does not like.  ldns takes replies apart and does the arithmetic of
 * signatures.  Whole packets are never printed: ldns 1.8.3 crashes on one with an EDNS CHAIN
 * option.
 * RFC 1035 section 4, RFC 3597, RFC 4034 (RRSIG, DNSKEY), RFC 5001 (NSID), RFC 6698, RFC 6891, RFC 8659.
 * Touches: nothing.
 */
#include "io/dnsmsg.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>

#include <ldns/ldns.h>

#define NAME_WIRE_MAX 255
#define EDNS_PAYLOAD 1232       /* fits every path unfragmented (DNS flag day 2020) */
#define EDNS_OPTION_NSID 3

static uint16_t read_16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t read_32(const unsigned char *p)
{
	return (uint32_t)read_16(p) << 16 | read_16(p + 2);
}

static void add_16(struct buf *b, uint16_t v)
{
	const unsigned char bytes[] = { (unsigned char)(v >> 8), (unsigned char)v };

	buf_add(b, bytes, sizeof(bytes));
}

/* Names ---------------------------------------------------------------------------------------- */

/* One byte of a label, escaped or not; *s moves on.  False at a broken escape. */
static bool parse_byte(unsigned char *out, const char **s)
{
	const unsigned char *p = (const unsigned char *)*s;
	int value;

	if (*p != '\\') {
		*out = (unsigned char)tolower(*p);
		*s += 1;
		return true;
	}
	if (!isdigit(p[1])) {
		*out = (unsigned char)tolower(p[1]);
		*s += 2;
		return p[1] != '\0';
	}
	if (!isdigit(p[2]) || !isdigit(p[3]))
		return false;
	value = (p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0');
	*out = (unsigned char)tolower(value & 0xff);
	*s += 4;
	return value <= 255;
}

bool dns_name_wire(unsigned char out[255], size_t *len, const char *name)
{
	unsigned char wire[NAME_WIRE_MAX];
	size_t start = 0, end = 1;      /* of the label: its length byte, and behind it */

	if (strcmp(name, ".") == 0)
		name++;
	else if (!*name)
		return false;
	while (*name) {
		if (*name != '.') {
			/* the root must fit behind it */
			if (end + 1 >= sizeof(wire) || !parse_byte(&wire[end++], &name) ||
			    end - start > 64)
				return false;
			continue;
		}
		if (end == start + 1)
			return false;
		wire[start] = (unsigned char)(end - start - 1);
		start = end++;
		name++;
	}
	wire[start] = (unsigned char)(end - start - 1);
	if (wire[start])
		wire[end++] = 0;
	memcpy(out, wire, end);
	*len = end;
	return true;
}

/* Bytes of the name at p, at most len; 0 if it is none, or compressed. */
static size_t name_length(const unsigned char *p, size_t len)
{
	size_t at = 0;

	while (at < len && at < NAME_WIRE_MAX) {
		if (p[at] == 0)
			return at + 1;
		if (p[at] > 63)
			return 0;
		at += p[at] + (size_t)1;
	}
	return 0;
}

/* Everything special is \DDD, so that in a canonical name every "." is between two labels. */
static void add_label(struct buf *b, const unsigned char *label, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (label[i] > ' ' && label[i] < 0x7f && !strchr("\\.\"();@$", label[i]))
			buf_add_char(b, (char)tolower(label[i]));
		else
			buf_addf(b, "\\%03u", label[i]);
	}
}

/* The name at p; the caller frees.  NULL if there is none within len. */
static char *name_text(const unsigned char *p, size_t len)
{
	struct buf b;
	char *text;

	if (name_length(p, len) == 0)
		return NULL;
	buf_init(&b, DNS_NAME_MAX - 1);
	if (*p == 0)
		buf_add_char(&b, '.');
	while (*p) {
		add_label(&b, p + 1, *p);
		p += *p + 1;
		if (*p)
			buf_add_char(&b, '.');
	}
	text = mem_copy_strn(b.s, b.len);
	buf_free(&b);
	return text;
}

char *dns_name_canon(const char *name)
{
	unsigned char wire[NAME_WIRE_MAX];
	size_t len;

	return dns_name_wire(wire, &len, name) ? name_text(wire, len) : NULL;
}

size_t dns_name_labels(const char *name)
{
	unsigned char wire[NAME_WIRE_MAX];
	size_t len, n = 0;

	if (!dns_name_wire(wire, &len, name))
		return 0;
	for (const unsigned char *p = wire; *p; p += *p + 1)
		n++;
	return n;
}

char *dns_name_parent(const char *name)
{
	unsigned char wire[NAME_WIRE_MAX];
	size_t len;

	if (!dns_name_wire(wire, &len, name) || wire[0] == 0)
		return NULL;
	return name_text(wire + wire[0] + 1, len - wire[0] - 1);
}

/* Replies -------------------------------------------------------------------------------------- */

static void rr_free(struct dns_rr *rr)
{
	free(rr->owner);
	free(rr->rdata);
}

void dns_rrs_free(struct dns_rrs *l)
{
	for (size_t i = 0; i < l->n; i++)
		rr_free(&l->v[i]);
	free(l->v);
	*l = (struct dns_rrs){ 0 };
}

void dns_msg_free(struct dns_msg *m)
{
	dns_rrs_free(&m->answer);
	dns_rrs_free(&m->authority);
	dns_rrs_free(&m->additional);
	free(m->nsid);
	*m = (struct dns_msg){ 0 };
}

/* Takes over what rr owns.  Room doubles whenever n reaches a power of two. */
static void take(struct dns_rrs *to, struct dns_rr rr)
{
	if ((to->n & (to->n - 1)) == 0)
		to->v = mem_resize(to->v, to->n ? 2 * to->n : 1, sizeof(*to->v));
	to->v[to->n++] = rr;
}

static unsigned char *copy_bytes(const unsigned char *bytes, size_t len)
{
	unsigned char *copy = mem_alloc(len);

	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

void dns_rrs_add(struct dns_rrs *to, const struct dns_rr *rr)
{
	struct dns_rr copy = *rr;

	copy.owner = mem_copy_str(rr->owner);
	copy.rdata = copy_bytes(rr->rdata, rr->rdata_len);
	take(to, copy);
}

static bool add_ldns_rr(struct dns_rrs *to, const ldns_rr *rr)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);
	ldns_buffer *wire;
	struct dns_rr made = {
		.type = (uint16_t)ldns_rr_get_type(rr),
		.class_ = (uint16_t)ldns_rr_get_class(rr),
		.ttl = ldns_rr_ttl(rr) > INT32_MAX ? 0 : ldns_rr_ttl(rr),
	};

	made.owner = owner ? name_text(ldns_rdf_data(owner), ldns_rdf_size(owner)) : NULL;
	if (!made.owner)
		return false;
	wire = ldns_buffer_new(LDNS_MIN_BUFLEN);
	if (!wire)
		mem_bug("ldns has no memory");
	if (ldns_rr_rdata2buffer_wire(wire, rr) != LDNS_STATUS_OK) {
		ldns_buffer_free(wire);
		free(made.owner);
		return false;
	}
	made.rdata_len = ldns_buffer_position(wire);
	made.rdata = copy_bytes(ldns_buffer_begin(wire), made.rdata_len);
	ldns_buffer_free(wire);
	take(to, made);
	return true;
}

static bool add_section(struct dns_rrs *to, const ldns_rr_list *from)
{
	for (size_t i = 0; from && i < ldns_rr_list_rr_count(from); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(from, i);

		if (!rr || !add_ldns_rr(to, rr))
			return false;
	}
	return true;
}

/* Options of an OPT record: code, length, data, again and again.  RFC 6891 section 6.1.2. */
static char *find_nsid(const ldns_rdf *options)
{
	const unsigned char *p = options ? ldns_rdf_data(options) : NULL;
	size_t left = p ? ldns_rdf_size(options) : 0;

	while (left >= 4) {
		size_t len = read_16(p + 2);

		if (len > left - 4)
			return NULL;
		if (read_16(p) == EDNS_OPTION_NSID && len) {
			char *hex = mem_alloc(2 * len + 1);

			text_hex(hex, p + 4, len);
			return hex;
		}
		p += 4 + len;
		left -= 4 + len;
	}
	return NULL;
}

/* Moves *at behind the name there, which may be compressed. */
static bool skip_name(const unsigned char *wire, size_t len, size_t *at)
{
	while (*at < len && wire[*at] && wire[*at] < 0xc0)
		*at += wire[*at] + (size_t)1;
	if (*at >= len)
		return false;
	*at += wire[*at] ? 2 : 1;
	return true;
}

/* One OPT and one TSIG record at most (RFC 6891 section 6.1.1, RFC 8945 section 5.1): of several,
 * ldns leaks all but the last. */
static bool has_single_meta_records(const unsigned char *wire, size_t len)
{
	size_t at = 12, records, opts = 0, tsigs = 0;

	if (len < at)
		return false;
	for (unsigned i = read_16(wire + 4); i > 0; i--) {
		if (!skip_name(wire, len, &at))
			return false;
		at += 4;
	}
	records = (size_t)read_16(wire + 6) + read_16(wire + 8) + read_16(wire + 10);
	for (; records > 0; records--) {
		if (!skip_name(wire, len, &at) || at > len || len - at < 10)
			return false;
		opts += read_16(wire + at) == LDNS_RR_TYPE_OPT;
		tsigs += read_16(wire + at) == LDNS_RR_TYPE_TSIG;
		at += 10 + (size_t)read_16(wire + at + 8);
	}
	return at <= len && opts <= 1 && tsigs <= 1;
}

int dns_msg_parse(struct dns_msg *out, const unsigned char *wire, size_t len, struct err *e)
{
	struct dns_msg m = { 0 };
	ldns_pkt *pkt = NULL;
	ldns_status s;
	int result = -1;

	*out = m;
	if (!has_single_meta_records(wire, len))
		return err_set(e, ERR_REFUSED, "malformed DNS message: it ends early, or has "
					       "several OPT or TSIG records");
	s = ldns_wire2pkt(&pkt, wire, len);
	if (s != LDNS_STATUS_OK || !pkt) {
		err_set(e, ERR_REFUSED, "malformed DNS message: %s", ldns_get_errorstr_by_id(s));
		goto out;
	}
	m.aa = ldns_pkt_aa(pkt);
	m.tc = ldns_pkt_tc(pkt);
	m.ad = ldns_pkt_ad(pkt);
	m.ra = ldns_pkt_ra(pkt);
	m.rcode = ldns_pkt_edns_extended_rcode(pkt) << 4 | (int)ldns_pkt_get_rcode(pkt);
	if (!add_section(&m.answer, ldns_pkt_answer(pkt)) ||
	    !add_section(&m.authority, ldns_pkt_authority(pkt)) ||
	    !add_section(&m.additional, ldns_pkt_additional(pkt))) {
		err_set(e, ERR_REFUSED, "malformed DNS message: a record cannot be read");
		goto out;
	}
	m.nsid = find_nsid(ldns_pkt_edns_data(pkt));
	*out = m;
	m = (struct dns_msg){ 0 };
	result = 0;
out:
	dns_msg_free(&m);
	if (pkt)
		ldns_pkt_free(pkt);
	return result;
}

/* Names of numbers ----------------------------------------------------------------------------- */

/* A slot for every value, so that what was handed out stays right; pages not used cost nothing. */
static const char *number_name(char slots[][12], const char *prefix, uint16_t number)
{
	snprintf(slots[number], sizeof(slots[number]), "%s%u", prefix, number);
	return slots[number];
}

const char *dns_rcode_name(int rcode)
{
	static char rcodes[UINT16_MAX + 1][12];
	/* clang-format off */
	static const char *const names[] = {
		[DNS_NOERROR] = "NOERROR", [DNS_FORMERR] = "FORMERR", [DNS_SERVFAIL] = "SERVFAIL",
		[DNS_NXDOMAIN] = "NXDOMAIN", [DNS_NOTIMP] = "NOTIMP", [DNS_REFUSED] = "REFUSED",
		[DNS_YXDOMAIN] = "YXDOMAIN", [DNS_YXRRSET] = "YXRRSET", [DNS_NXRRSET] = "NXRRSET",
		[DNS_NOTAUTH] = "NOTAUTH", [DNS_NOTZONE] = "NOTZONE", [DNS_BADVERS] = "BADVERS",
		[DNS_BADKEY] = "BADKEY", [DNS_BADTIME] = "BADTIME",
	};
	/* clang-format on */

	if (rcode >= 0 && rcode < (int)ARRAY_LEN(names) && names[rcode])
		return names[rcode];
	return number_name(rcodes, "RCODE", (uint16_t)rcode);
}

const char *dns_type_name(uint16_t type)
{
	static char types[UINT16_MAX + 1][12];
	/* clang-format off */
	static const struct { uint16_t type; const char *name; } names[] = {
		{ DNS_A, "A" }, { DNS_NS, "NS" }, { DNS_CNAME, "CNAME" }, { DNS_SOA, "SOA" },
		{ DNS_MX, "MX" }, { DNS_TXT, "TXT" }, { DNS_AAAA, "AAAA" }, { DNS_DNAME, "DNAME" }, { DNS_DS, "DS" },
		{ DNS_RRSIG, "RRSIG" }, { DNS_NSEC, "NSEC" }, { DNS_DNSKEY, "DNSKEY" },
		{ DNS_NSEC3, "NSEC3" }, { DNS_TLSA, "TLSA" }, { DNS_CAA, "CAA" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return number_name(types, "TYPE", type);
}

/* Queries -------------------------------------------------------------------------------------- */

bool dns_query_make(struct buf *out, uint16_t id, const char *name, uint16_t type,
		    struct dns_query_flags f)
{
	unsigned char wire[NAME_WIRE_MAX];
	size_t len;

	buf_clear(out);
	if (!dns_name_wire(wire, &len, name))
		return false;
	add_16(out, id);
	add_16(out, (uint16_t)((f.rd ? 0x0100 : 0) | (f.cd ? 0x0010 : 0)));
	add_16(out, 1);                 /* questions, and one additional record, the OPT */
	add_16(out, 0);
	add_16(out, 0);
	add_16(out, 1);
	buf_add(out, wire, len);
	add_16(out, type);
	add_16(out, DNS_CLASS_IN);
	buf_add_char(out, '\0');
	add_16(out, LDNS_RR_TYPE_OPT);
	add_16(out, EDNS_PAYLOAD);
	add_16(out, 0);                 /* extended rcode, version */
	add_16(out, 0x8000);            /* DO */
	add_16(out, f.nsid ? 4 : 0);
	if (f.nsid) {
		add_16(out, EDNS_OPTION_NSID);
		add_16(out, 0);
	}
	return !out->over;
}

/* Records -------------------------------------------------------------------------------------- */

bool dns_rr_target(char **name, const struct dns_rr *rr)
{
	if (rr->type != DNS_NS && rr->type != DNS_CNAME && rr->type != DNS_DNAME)
		return false;
	if (name_length(rr->rdata, rr->rdata_len) != rr->rdata_len || rr->rdata_len == 0)
		return false;
	*name = name_text(rr->rdata, rr->rdata_len);
	return true;
}

bool dns_rr_mx(char **host, unsigned *preference, const struct dns_rr *rr)
{
	if (rr->type != DNS_MX || rr->rdata_len < 3 ||
	    name_length(rr->rdata + 2, rr->rdata_len - 2) != rr->rdata_len - 2)
		return false;
	*preference = (unsigned)(rr->rdata[0] << 8 | rr->rdata[1]);
	*host = name_text(rr->rdata + 2, rr->rdata_len - 2);
	return true;
}

bool dns_rr_soa(struct dns_soa *out, const struct dns_rr *rr)
{
	size_t mname = name_length(rr->rdata, rr->rdata_len);
	size_t rname = name_length(rr->rdata + mname, rr->rdata_len - mname);
	const unsigned char *numbers = rr->rdata + mname + rname;

	if (rr->type != DNS_SOA || !mname || !rname || rr->rdata_len != mname + rname + 20)
		return false;
	*out = (struct dns_soa){
		.mname = name_text(rr->rdata, mname),
		.serial = read_32(numbers),
		.refresh = read_32(numbers + 4),
		.expire = read_32(numbers + 12),
		.minimum = read_32(numbers + 16),
	};
	return true;
}

bool dns_rr_rrsig(struct dns_rrsig *out, const struct dns_rr *rr)
{
	const unsigned char *p = rr->rdata;
	size_t signer;

	if (rr->type != DNS_RRSIG || rr->rdata_len <= 18)
		return false;
	signer = name_length(p + 18, rr->rdata_len - 18);
	if (signer == 0 || rr->rdata_len == 18 + signer)
		return false;
	*out = (struct dns_rrsig){
		.covered = read_16(p),
		.algorithm = p[2],
		.labels = p[3],
		.original_ttl = read_32(p + 4),
		.expiration = read_32(p + 8),
		.inception = read_32(p + 12),
		.key_tag = read_16(p + 16),
		.signer = name_text(p + 18, signer),
	};
	return true;
}

/* RFC 4034 appendix B; the exception for algorithm 1 is left out, nobody may use that. */
static uint16_t key_tag(const unsigned char *rdata, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16 & 0xffff));
}

bool dns_rr_dnskey(struct dns_dnskey *out, const struct dns_rr *rr)
{
	if (rr->type != DNS_DNSKEY || rr->rdata_len <= 4)
		return false;
	*out = (struct dns_dnskey){
		.flags = read_16(rr->rdata),
		.protocol = rr->rdata[2],
		.algorithm = rr->rdata[3],
		.tag = key_tag(rr->rdata, rr->rdata_len),
	};
	return true;
}

bool dns_rr_tlsa(char **data, const struct dns_rr *rr)
{
	const unsigned char *p = rr->rdata;
	char *hex;

	if (rr->type != DNS_TLSA || rr->rdata_len <= 3)
		return false;
	hex = mem_alloc(2 * (rr->rdata_len - 3) + 1);
	text_hex(hex, p + 3, rr->rdata_len - 3);
	*data = mem_format("%u %u %u %s", p[0], p[1], p[2], hex);
	free(hex);
	return true;
}

static bool is_printable(unsigned char c)
{
	return c >= ' ' && c < 0x7f;
}

bool dns_rr_txt(char **data, const struct dns_rr *rr)
{
	const unsigned char *p = rr->rdata, *end = p + rr->rdata_len;
	struct buf b;

	if (rr->type != DNS_TXT || p == end)
		return false;
	while (p < end && *p < end - p)
		p += *p + 1;
	if (p != end)
		return false;
	buf_init(&b, 4 * (size_t)UINT16_MAX);
	for (p = rr->rdata; p < end; p += *p + 1) {
		for (size_t i = 1; i <= *p; i++)
			buf_addf(&b, is_printable(p[i]) ? "%c" : "\\%03u", p[i]);
	}
	*data = buf_steal(&b);
	buf_free(&b);
	return true;
}

static char *printable(const unsigned char *p, size_t len)
{
	char *s = mem_copy_strn((const char *)p, len);

	for (size_t i = 0; i < len; i++)
		s[i] = is_printable(p[i]) ? (char)p[i] : '?';
	return s;
}

/* RFC 8659 section 4.1. */
bool dns_rr_caa(struct dns_caa *out, const struct dns_rr *rr)
{
	const unsigned char *p = rr->rdata;
	size_t tag;

	if (rr->type != DNS_CAA || rr->rdata_len < 3)
		return false;
	tag = p[1];
	if (tag == 0 || tag > rr->rdata_len - 2)
		return false;
	*out = (struct dns_caa){ .flags = p[0], .tag = printable(p + 2, tag),
				 .value = printable(p + 2 + tag, rr->rdata_len - 2 - tag) };
	return true;
}

/* Signatures ----------------------------------------------------------------------------------- */

/* NULL if it is no record.  Through wire form, which ldns checks; on the rest it asserts. */
static ldns_rr *to_ldns(const struct dns_rr *rr)
{
	unsigned char owner[NAME_WIRE_MAX];
	size_t len, at = 0;
	struct buf wire;
	ldns_rr *made = NULL;
	ldns_status s;

	if (!dns_name_wire(owner, &len, rr->owner) || rr->rdata_len > UINT16_MAX)
		return NULL;
	buf_init(&wire, sizeof(owner) + 10 + UINT16_MAX);
	buf_add(&wire, owner, len);
	add_16(&wire, rr->type);
	add_16(&wire, rr->class_);
	add_16(&wire, (uint16_t)(rr->ttl >> 16));
	add_16(&wire, (uint16_t)rr->ttl);
	add_16(&wire, (uint16_t)rr->rdata_len);
	buf_add(&wire, rr->rdata, rr->rdata_len);
	s = ldns_wire2rr(&made, (const uint8_t *)wire.s, wire.len, &at, LDNS_SECTION_ANSWER);
	buf_free(&wire);
	return s == LDNS_STATUS_OK ? made : NULL;
}

static bool is_signature(const struct dns_rr *rr)
{
	struct dns_rrsig sig;

	if (!dns_rr_rrsig(&sig, rr))
		return false;
	free(sig.signer);
	return true;
}

static bool push(ldns_rr_list *l, const struct dns_rr *rr)
{
	ldns_rr *made = to_ldns(rr);

	if (made && !ldns_rr_list_push_rr(l, made))
		mem_bug("ldns has no memory");
	return made != NULL;
}

int dns_sig_check(const struct dns_rr *const *rrset, size_t n, const struct dns_rr *rrsig,
		  const struct dns_rr *dnskey, struct err *e)
{
	ldns_rr_list *set = ldns_rr_list_new(), *keys = ldns_rr_list_new();
	ldns_rr *sig = NULL;
	struct dns_dnskey key;
	ldns_status s;
	int result = -1;

	if (!set || !keys)
		mem_bug("ldns has no memory");
	/* a record without RDATA passes ldns_wire2rr, and trips an assertion later */
	if (n == 0 || !is_signature(rrsig) || !dns_rr_dnskey(&key, dnskey) ||
	    !(sig = to_ldns(rrsig)) || !push(keys, dnskey)) {
		err_set(e, ERR_REFUSED, "malformed RRSIG or DNSKEY");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		if (rrset[i]->rdata_len == 0 || !push(set, rrset[i])) {
			err_set(e, ERR_REFUSED, "malformed %s record",
				dns_type_name(rrset[i]->type));
			goto out;
		}
	s = ldns_verify_rrsig_keylist_notime(set, sig, keys, NULL);
	if (s == LDNS_STATUS_OK)
		result = 0;
	else
		err_set(e, ERR_REFUSED, "%s", ldns_get_errorstr_by_id(s));
out:
	ldns_rr_list_deep_free(set);
	ldns_rr_list_deep_free(keys);
	ldns_rr_free(sig);
	return result;
}
