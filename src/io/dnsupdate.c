/* dnsupdate.c - dynamic update messages and TSIG; the user of ldns for taking replies apart.
 *
 * Messages and their signatures are written here, byte by byte, since ldns asserts on what it does not like,
 * and does not know every algorithm.  A reply has to have its signature as the last thing in it, and what it
 * says is believed only when the names, the id and the time in the signature are right too.
 * A reply that says BADSIG or BADKEY has a TSIG record with nothing in it, and counts as unsigned.
 * RFC 2136 sections 2 (sections of a message) and 2.4, 2.5 (how they are used), RFC 8945 sections
 * 4.2 (the record), 4.3 (what is signed), 5.4 (replies), RFC 6698 section 2.1, RFC 1035 section 3.3.14.
 * Touches: nothing; reads the clock.
 */
#include "io/dnsupdate.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/crypto.h"
#include "io/jose.h"
#include "sys/clock.h"

#include <ctype.h>
#include <inttypes.h>

#include <ldns/ldns.h>

#define MESSAGE_MAX 65535
#define HEADER_LEN 12
#define OPCODE_UPDATE 5
#define CLASS_NONE 254
#define CLASS_ANY 255
#define TYPE_TSIG 250
#define FUDGE_FOR 300           /* RFC 8945 section 10 */
#define MAC_MAX 64
#define SECRET_MAX 65536

/* Fields of a TSIG record, as ldns numbers them. */
enum { TSIG_ALGORITHM, TSIG_TIME, TSIG_FUDGE, TSIG_MAC, TSIG_ID, TSIG_ERROR, TSIG_OTHER, TSIG_N };

struct update_msg {
	unsigned char id[2];
	char         *name;                     /* of the key; NULL: not signed */
	const struct hmac *hmac;
	struct buf    secret;                   /* bytes */
	struct buf    mac;                      /* of the request; empty: there is none yet */
	int64_t       signed_at;
};

/* RFC 8945 section 6. */
static const struct hmac {
	const char *algorithm, *digest;
} hmacs[] = {
	{ "hmac-sha256", "SHA256" },
	{ "hmac-sha384", "SHA384" },
	{ "hmac-sha512", "SHA512" },
};

/* What is signed besides the message (section 4.3.3). */
struct signed_with {
	int64_t  at;
	uint64_t fudge_for, error;
	const unsigned char *other;     /* behind its length */
	size_t   other_len;
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

static void add_time(struct buf *b, int64_t at)
{
	add_16(b, (size_t)(at >> 32));
	add_16(b, (size_t)(at >> 16));
	add_16(b, (size_t)at);
}

static void add_variables(struct buf *b, const struct update_msg *m, const struct signed_with *w)
{
	/* names of keys and algorithms were looked at when the message was begun */
	(void)add_name(b, m->name);
	add_16(b, CLASS_ANY);
	add_16(b, 0);
	add_16(b, 0);
	(void)add_name(b, m->hmac->algorithm);
	add_time(b, w->at);
	add_16(b, w->fudge_for);
	add_16(b, w->error);
	add_16(b, w->other_len);
	buf_add(b, w->other, w->other_len);
}

/* Of a message without its TSIG record; of a reply if the request has a MAC already. */
static int make_mac(struct buf *out, const struct update_msg *m, const char *wire, size_t len,
		    const struct signed_with *w, struct err *e)
{
	struct buf text;
	int rc;

	buf_init(&text, 2 * MESSAGE_MAX);
	if (m->mac.len) {
		add_16(&text, m->mac.len);
		buf_add(&text, m->mac.s, m->mac.len);
	}
	buf_add(&text, wire, len);
	add_variables(&text, m, w);
	if (text.over)
		rc = err_set(e, ERR_LOCAL, "larger than a DNS message");
	else
		rc = crypto_hmac(out, m->hmac->digest, m->secret.s, m->secret.len, &text, e);
	buf_free(&text);
	return rc;
}

static void add_tsig_rdata(struct buf *b, const struct update_msg *m)
{
	(void)add_name(b, m->hmac->algorithm);
	add_time(b, m->signed_at);
	add_16(b, FUDGE_FOR);
	add_16(b, m->mac.len);
	buf_add(b, m->mac.s, m->mac.len);
	buf_add(b, m->id, sizeof(m->id));
	add_16(b, 0);
	add_16(b, 0);
}

/* Adds the signature to the message, and notes what its reply will be signed with. */
static int sign(struct update_msg *m, struct buf *wire, struct err *e)
{
	struct signed_with w = { .at = clock_real(), .fudge_for = FUDGE_FOR };
	struct buf rdata;

	m->signed_at = w.at;
	if (make_mac(&m->mac, m, wire->s, wire->len, &w, e) < 0)
		return err_wrap(e, "signing the update with the key %s", m->name);
	buf_init(&rdata, UINT16_MAX);
	add_tsig_rdata(&rdata, m);
	(void)add_name(wire, m->name);
	add_16(wire, TYPE_TSIG);
	add_16(wire, CLASS_ANY);
	add_16(wire, 0);
	add_16(wire, 0);
	add_16(wire, rdata.len);
	buf_add(wire, rdata.s, rdata.len);
	buf_free(&rdata);
	/* of the additional section; nothing else is in it */
	wire->s[HEADER_LEN - 1] = 1;
	if (wire->over)
		return err_set(e, ERR_LOCAL, "the signed update is larger than a DNS message");
	return 0;
}

/* False: it cannot be used. */
static bool take_key(struct update_msg *m, const struct update_sign *s)
{
	m->name = dns_name_canon(s->name);
	for (size_t i = 0; i < ARRAY_LEN(hmacs); i++)
		if (strcmp(s->algorithm, hmacs[i].algorithm) == 0)
			m->hmac = &hmacs[i];
	return base64url_decode(&m->secret, s->secret, strlen(s->secret), true) && m->secret.len && m->name &&
	       m->hmac;
}

int update_msg_make(struct update_msg **m, struct buf *wire, const char *zone,
		    const struct update_rrset *sets, size_t n, const struct update_sign *s,
		    struct err *e)
{
	struct update_msg *made = mem_alloc(sizeof(*made));

	*m = NULL;
	crypto_random(made->id, sizeof(made->id));
	buf_init(&made->secret, SECRET_MAX);
	buf_init(&made->mac, MAC_MAX);
	if (s && !take_key(made, s)) {
		update_msg_drop(made);
		return err_set(e, ERR_LOCAL, "the key %.200s cannot be used", s->name);
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
	buf_wipe(&m->secret);
	buf_free(&m->mac);
	free(m->name);
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

/* Behind a name of the message; 0: it does not end. */
static size_t skip_name(const unsigned char *wire, size_t len, size_t at)
{
	while (at < len && wire[at] && wire[at] < 0xc0)
		at += 1U + wire[at];
	if (at >= len)
		return 0;
	at += wire[at] ? 2 : 1;
	return at <= len ? at : 0;
}

/* Where the last record of the message begins; 0: none does, or there is something behind it. */
static size_t last_record(const unsigned char *wire, size_t len)
{
	size_t questions = read_number(wire + 4, 2), records = 0, at = HEADER_LEN, last = 0;

	for (size_t i = 6; i < HEADER_LEN; i += 2)
		records += read_number(wire + i, 2);
	for (; questions && at; questions--) {
		at = skip_name(wire, len, at);
		at = at && len - at >= 4 ? at + 4 : 0;
	}
	for (; records && at; records--) {
		last = at;
		at = skip_name(wire, len, at);
		if (!at || len - at < 10 || len - at - 10 < read_number(wire + at + 8, 2))
			return 0;
		at += 10 + read_number(wire + at + 8, 2);
	}
	return at == len ? last : 0;
}

/* The MAC of a reply, whose TSIG record is this. */
static bool mac_is_right(const struct update_msg *m, const ldns_rr *tsig, const unsigned char *wire,
			 size_t len, const struct signed_with *w)
{
	const ldns_rdf *given = ldns_rr_rdf(tsig, TSIG_MAC);
	size_t last = last_record(wire, len), at = last ? skip_name(wire, len, last) : 0;
	char *bare;
	struct buf mac;
	struct err ignored;
	bool right;

	/* ldns has found it in the additional section: there it has to be the last one */
	if (!at || read_number(wire + at, 2) != TYPE_TSIG || !read_number(wire + 10, 2))
		return false;
	bare = mem_alloc(last);
	memcpy(bare, wire, last);
	if (bare[11]-- == 0)
		bare[10]--;
	buf_init(&mac, MAC_MAX);
	right = make_mac(&mac, m, bare, last, w, &ignored) == 0 && ldns_rdf_size(given) == 2 + mac.len &&
		crypto_same(ldns_rdf_data(given) + 2, mac.s, mac.len);
	buf_free(&mac);
	free(bare);
	return right;
}

static enum tsig_state check_tsig(struct update_reply *out, const struct update_msg *m,
				  const ldns_pkt *pkt, const unsigned char *wire, size_t len)
{
	const ldns_rr *tsig = ldns_pkt_tsig(pkt);
	const ldns_rdf *other;
	struct signed_with w;

	if (!well_formed(tsig))
		return not_good(out, "its signature is malformed");
	out->tsig_error = (int)read_number(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_ERROR)), 2);
	if (ldns_rdf_size(ldns_rr_rdf(tsig, TSIG_MAC)) == 2)
		return TSIG_NONE;
	if (!same_name(ldns_rr_owner(tsig), m->name) ||
	    !same_name(ldns_rr_rdf(tsig, TSIG_ALGORITHM), m->hmac->algorithm))
		return not_good(out, "it is signed with another key or algorithm");
	if (memcmp(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_ID)), m->id, sizeof(m->id)) != 0)
		return not_good(out, "its signature is for another message");
	other = ldns_rr_rdf(tsig, TSIG_OTHER);
	w = (struct signed_with){
		.at = (int64_t)read_number(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_TIME)), 6),
		.fudge_for = read_number(ldns_rdf_data(ldns_rr_rdf(tsig, TSIG_FUDGE)), 2),
		.error = (uint64_t)out->tsig_error,
		.other = ldns_rdf_data(other) + 2,
		.other_len = ldns_rdf_size(other) - 2,
	};
	take_server_time(out, m, other);
	if (!mac_is_right(m, tsig, wire, len, &w))
		return not_good(out, "its signature is wrong");
	if (w.at - m->signed_at > (int64_t)w.fudge_for || m->signed_at - w.at > (int64_t)w.fudge_for)
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
	if (m->name && ldns_pkt_tsig(pkt))
		out->tsig = check_tsig(out, m, pkt, wire, len);
	ldns_pkt_free(pkt);
	return 0;
}
