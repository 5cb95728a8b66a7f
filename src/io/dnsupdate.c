/* dnsupdate.c - dynamic update messages and TSIG; the user of ldns for signing and its check.
 *
 * Messages are written here, byte by byte, since ldns asserts on what it does not like; ldns only
 * adds the signature, and compares that of the reply.  What the comparison says is believed only
 * when the names, the id and the time in the signature are right too: ldns does not look at them.
 * A reply that says BADSIG or BADKEY has a TSIG record with nothing in it, and counts as unsigned.
 * RFC 2136 sections 2 (sections of a message) and 2.4, 2.5 (how they are used), RFC 8945 sections
 * 4.2 (the record), 4.3 (what is signed), 5.4 (replies), RFC 6698 section 2.1, RFC 1035 section 3.3.14.
 * Touches: nothing; ldns reads the system's clock.
 */
#include "io/dnsupdate.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/crypto.h"

#include <ctype.h>
#include <inttypes.h>

#include <ldns/ldns.h>

#define MESSAGE_MAX 65535
#define HEADER_LEN 12
#define OPCODE_UPDATE 5
#define CLASS_NONE 254
#define FUDGE_FOR 300           /* RFC 8945 section 10 */

/* Fields of a TSIG record, as ldns numbers them. */
enum { TSIG_ALGORITHM, TSIG_TIME, TSIG_FUDGE, TSIG_MAC, TSIG_ID, TSIG_ERROR, TSIG_OTHER, TSIG_N };

struct update_msg {
	unsigned char id[2];
	char         *name, *algorithm, *secret;        /* of the key; NULL: not signed */
	ldns_rdf     *mac;                              /* of the request */
	int64_t       signed_at;
};

static uint64_t read_number(const unsigned char *p, size_t len)
{
	uint64_t v = 0;

	while (len--)
		v = v << 8 | *p++;
	return v;
}

static void add_16(struct buf *b, size_t v)
{
	const unsigned char bytes[] = { (unsigned char)(v >> 8), (unsigned char)v };

	buf_add(b, bytes, sizeof(bytes));
}

/* Writing -------------------------------------------------------------------------------------- */

static bool add_name(struct buf *b, const char *name)
{
	unsigned char wire[255];
	size_t len;

	if (!dns_name_wire(wire, &len, name))
		return false;
	buf_add(b, wire, len);
	return true;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : tolower(c) - 'a' + 10);
}

/* The RDATA of "3 1 1 ab..", cleared first.  False if it is not of that form. */
static bool tlsa_rdata(struct buf *out, const char *data)
{
	size_t len;

	buf_clear(out);
	for (int i = 0; i < 3; i++) {
		char digits[4] = "";
		int64_t n;

		len = strcspn(data, " ");
		if (len >= sizeof(digits) || data[len] != ' ')
			return false;
		memcpy(digits, data, len);
		if (!text_number(digits, 255, &n))
			return false;
		buf_add_char(out, (char)n);
		data += len + 1;
	}
	len = strlen(data);
	if (len == 0 || len % 2 || !text_is_hex(data, len / 2))
		return false;
	for (; *data; data += 2)
		buf_add_char(out, (char)(hex_digit(data[0]) << 4 | hex_digit(data[1])));
	return !out->over;
}

static bool txt_rdata(struct buf *out, const char *data)
{
	size_t len = strlen(data);

	if (len > 255)
		return false;
	buf_clear(out);
	buf_add_char(out, (char)len);
	buf_add(out, data, len);
	return true;
}

static bool rdata_of(struct buf *out, uint16_t type, const char *data)
{
	if (type == DNS_TXT)
		return txt_rdata(out, data);
	return type == DNS_TLSA && tlsa_rdata(out, data);
}

/* A record in any section; data NULL: without RDATA. */
static bool add_record(struct buf *b, const struct update_rrset *set, unsigned class_, int64_t ttl_for,
		       const char *data)
{
	struct buf rdata;
	bool good;

	buf_init(&rdata, UINT16_MAX);
	good = (!data || rdata_of(&rdata, set->type, data)) && add_name(b, set->owner);
	add_16(b, set->type);
	add_16(b, class_);
	add_16(b, (size_t)ttl_for >> 16);
	add_16(b, (size_t)ttl_for);
	add_16(b, rdata.len);
	buf_add(b, rdata.s, rdata.len);
	buf_free(&rdata);
	return good;
}

static int add_records(struct buf *b, size_t *count, const struct update_rrset *set,
		       const struct strv *list, unsigned class_, int64_t ttl_for, struct err *e)
{
	for (size_t i = 0; list && i < list->n; i++, ++*count)
		if (!add_record(b, set, class_, ttl_for, list->v[i]))
			return err_set(e, ERR_LOCAL, "\"%.200s %s %.200s\" is no record",
				       set->owner, dns_type_name(set->type), list->v[i]);
	return 0;
}

static int add_prerequisite(struct buf *b, size_t *count, const struct update_rrset *set,
			    struct err *e)
{
	if (!set->had)
		return 0;
	if (set->had->n)
		return add_records(b, count, set, set->had, DNS_CLASS_IN, 0, e);
	if (!add_record(b, set, CLASS_NONE, 0, NULL))
		return err_set(e, ERR_LOCAL, "\"%.200s\" is no name", set->owner);
	++*count;
	return 0;
}

/* All but the signature. */
static int write_message(struct buf *b, const unsigned char id[2], const char *zone,
			 const struct update_rrset *sets, size_t n, struct err *e)
{
	size_t prerequisites = 0, updates = 0;
	struct buf body;
	int rc = 0;

	buf_init(&body, MESSAGE_MAX);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = add_prerequisite(&body, &prerequisites, &sets[i], e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (sets[i].ttl_for < 0 || sets[i].ttl_for > INT32_MAX)
			rc = err_set(e, ERR_LOCAL, "%" PRId64 " is no TTL", sets[i].ttl_for);
		else if (add_records(&body, &updates, &sets[i], sets[i].drop, CLASS_NONE, 0, e) < 0)
			rc = -1;
		else
			rc = add_records(&body, &updates, &sets[i], sets[i].add, DNS_CLASS_IN,
					 sets[i].ttl_for, e);
	}
	buf_clear(b);
	buf_add(b, id, 2);
	add_16(b, OPCODE_UPDATE << 11);
	add_16(b, 1);
	add_16(b, prerequisites);
	add_16(b, updates);
	add_16(b, 0);
	if (rc == 0 && !add_name(b, zone))
		rc = err_set(e, ERR_LOCAL, "\"%.200s\" is no name", zone);
	add_16(b, DNS_SOA);
	add_16(b, DNS_CLASS_IN);
	buf_add(b, body.s, body.len);
	if (rc == 0 && (body.over || b->over))
		rc = err_set(e, ERR_LOCAL, "the update is larger than a DNS message");
	buf_free(&body);
	return rc;
}

/* Signing -------------------------------------------------------------------------------------- */

/* ldns leaks when it cannot sign. */
static bool usable(const struct update_sign *s)
{
	ldns_rdf *bytes = NULL;

	if (strcmp(s->algorithm, "hmac-sha256") != 0 && strcmp(s->algorithm, "hmac-sha512") != 0)
		return false;
	if (ldns_str2rdf_b64(&bytes, s->secret) != LDNS_STATUS_OK)
		return false;
	mem_wipe(ldns_rdf_data(bytes), ldns_rdf_size(bytes));
	ldns_rdf_deep_free(bytes);
	return true;
}

static int64_t time_of(const ldns_rr *tsig)
{
	return (int64_t)read_number(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_TIME)), 6);
}

/* Replaces the message by a signed one, and notes what its reply will be signed with. */
static int sign(struct update_msg *m, struct buf *wire, struct err *e)
{
	char *algorithm = mem_format("%s.", m->algorithm);
	ldns_pkt *pkt = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	ldns_status s = ldns_wire2pkt(&pkt, (const uint8_t *)wire->s, wire->len);
	int rc = -1;

	if (s == LDNS_STATUS_OK)
		s = ldns_pkt_tsig_sign(pkt, m->name, m->secret, FUDGE_FOR, algorithm, NULL);
	if (s == LDNS_STATUS_OK)
		s = ldns_pkt2wire(&bytes, pkt, &len);
	if (s != LDNS_STATUS_OK) {
		err_set(e, ERR_LOCAL, "signing the update with the key %s: %s", m->name,
			ldns_get_errorstr_by_id(s));
		goto out;
	}
	m->mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(pkt), TSIG_MAC));
	if (!m->mac)
		mem_bug("ldns has no memory");
	m->signed_at = time_of(ldns_pkt_tsig(pkt));
	buf_clear(wire);
	buf_add(wire, bytes, len);
	if (wire->over) {
		err_set(e, ERR_LOCAL, "the signed update is larger than a DNS message");
		goto out;
	}
	rc = 0;
out:
	free(algorithm);
	free(bytes);
	if (pkt)
		ldns_pkt_free(pkt);
	return rc;
}

int update_msg_make(struct update_msg **m, struct buf *wire, const char *zone,
		    const struct update_rrset *sets, size_t n, const struct update_sign *s,
		    struct err *e)
{
	struct update_msg *made = mem_alloc(sizeof(*made));

	*m = NULL;
	crypto_random(made->id, sizeof(made->id));
	if (s) {
		made->name = dns_name_canon(s->name);
		made->algorithm = mem_copy_str(s->algorithm);
		made->secret = mem_copy_str(s->secret);
		if (!made->name || !usable(s)) {
			update_msg_drop(made);
			return err_set(e, ERR_LOCAL, "the key %.200s cannot be used", s->name);
		}
	}
	if (write_message(wire, made->id, zone, sets, n, e) < 0 || (s && sign(made, wire, e) < 0)) {
		update_msg_drop(made);
		return -1;
	}
	*m = made;
	return 0;
}

void update_msg_drop(struct update_msg *m)
{
	if (!m)
		return;
	if (m->secret)
		mem_wipe(m->secret, strlen(m->secret));
	free(m->secret);
	free(m->name);
	free(m->algorithm);
	if (m->mac)
		ldns_rdf_deep_free(m->mac);
	free(m);
}

/* Replies -------------------------------------------------------------------------------------- */

static bool same_name(const ldns_rdf *rdf, const char *name)
{
	unsigned char wire[255];
	size_t len;

	if (!rdf || !dns_name_wire(wire, &len, name) || ldns_rdf_size(rdf) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (tolower(ldns_rdf_data(rdf)[i]) != wire[i])
			return false;
	return true;
}

/* A field of fixed size, or one that begins with its length. */
static bool has_size(const ldns_rr *tsig, size_t field, size_t size)
{
	const ldns_rdf *rdf = ldns_rr_rdf(tsig, field);

	if (!rdf)
		return false;
	if (size)
		return ldns_rdf_size(rdf) == size;
	return ldns_rdf_size(rdf) >= 2 &&
	       ldns_rdf_size(rdf) == 2 + read_number(ldns_rdf_data(rdf), 2);
}

static bool well_formed(const ldns_rr *tsig)
{
	static const size_t sizes[TSIG_N] = {
		[TSIG_TIME] = 6, [TSIG_FUDGE] = 2, [TSIG_ID] = 2, [TSIG_ERROR] = 2,
	};

	if (ldns_rr_rd_count(tsig) != TSIG_N || !ldns_rr_rdf(tsig, TSIG_ALGORITHM))
		return false;
	for (size_t i = TSIG_TIME; i < TSIG_N; i++)
		if (!has_size(tsig, i, sizes[i]))
			return false;
	return true;
}

/* The server's clock, in a reply that says BADTIME.  RFC 8945 section 5.2.3. */
static void take_server_time(struct update_reply *out, const struct update_msg *m,
			     const ldns_rdf *other)
{
	if (out->tsig_error == DNS_BADTIME && ldns_rdf_size(other) == 2 + 6)
		out->ahead_for = m->signed_at - (int64_t)read_number(ldns_rdf_data(other) + 2, 6);
}

static enum tsig_state not_good(struct update_reply *out, const char *why)
{
	snprintf(out->why, sizeof(out->why), "%s", why);
	return TSIG_WRONG;
}

static enum tsig_state check_tsig(struct update_reply *out, const struct update_msg *m,
				  ldns_pkt *pkt, const unsigned char *wire, size_t len)
{
	ldns_rr *tsig = ldns_pkt_tsig(pkt);
	int64_t signed_at, fudge_for;

	if (!well_formed(tsig))
		return not_good(out, "its signature is malformed");
	out->tsig_error = (int)read_number(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_ERROR)), 2);
	if (ldns_rdf_size(ldns_rr_rdf(tsig, TSIG_MAC)) == 2)
		return TSIG_NONE;
	if (!same_name(ldns_rr_owner(tsig), m->name) ||
	    !same_name(ldns_rr_rdf(tsig, TSIG_ALGORITHM), m->algorithm))
		return not_good(out, "it is signed with another key or algorithm");
	if (memcmp(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_ID)), m->id, sizeof(m->id)) != 0)
		return not_good(out, "its signature is for another message");
	signed_at = time_of(tsig);
	fudge_for = (int64_t)read_number(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_FUDGE)), 2);
	take_server_time(out, m, ldns_rr_rdf(tsig, TSIG_OTHER));
	/* takes the record out of the packet for a while: nothing of it is used behind this */
	if (!ldns_pkt_tsig_verify(pkt, wire, len, m->name, m->secret, m->mac))
		return not_good(out, "its signature is wrong");
	if (signed_at - m->signed_at > fudge_for || m->signed_at - signed_at > fudge_for)
		return not_good(out, "it was signed at another time: an old one, or a clock jumps");
	return TSIG_GOOD;
}

int update_msg_reply(struct update_reply *out, const struct update_msg *m,
		     const unsigned char *wire, size_t len, struct err *e)
{
	ldns_pkt *pkt = NULL;
	ldns_status s;

	*out = (struct update_reply){ .tsig = TSIG_NONE };
	if (len < HEADER_LEN || memcmp(wire, m->id, sizeof(m->id)) != 0)
		return err_set(e, ERR_REFUSED, "a reply to another message");
	s = ldns_wire2pkt(&pkt, wire, len);
	if (s != LDNS_STATUS_OK || !pkt)
		return err_set(e, ERR_REFUSED, "malformed reply: %s", ldns_get_errorstr_by_id(s));
	out->rcode = ldns_pkt_edns_extended_rcode(pkt) << 4 | (int)ldns_pkt_get_rcode(pkt);
	if (m->mac && ldns_pkt_tsig(pkt))
		out->tsig = check_tsig(out, m, pkt, wire, len);
	ldns_pkt_free(pkt);
	return 0;
}
