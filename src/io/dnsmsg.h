/* dnsmsg.h - DNS messages as values: built, taken apart, and one signature checked; by ldns, whose
 * types stay inside.  No network: ldns accepts replies that answer another question, so dns/ask.c
 * does that.  And no chain of trust: ldns takes the key of any signed zone for that of any other.
 *
 * Names are in presentation form, lower case (ASCII), without the dot at the end; the root is ".".
 * Bytes that are not printable or special in zone files are \DDD, also a dot inside a label (\046):
 * in a canonical name every "." separates labels.  Names that are passed in may have capitals, a
 * dot at the end, and both kinds of escapes.
 * RFC 1035 section 4, RFC 3597, RFC 6891 (EDNS), RFC 4034.
 */
#ifndef IO_DNSMSG_H
#define IO_DNSMSG_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28,
	DNS_DNAME = 39, DNS_DS = 43, DNS_RRSIG = 46, DNS_NSEC = 47, DNS_DNSKEY = 48, DNS_NSEC3 = 50,
	DNS_TLSA = 52, DNS_CAA = 257,
};
enum {
	DNS_NOERROR = 0, DNS_FORMERR = 1, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3, DNS_NOTIMP = 4,
	DNS_REFUSED = 5, DNS_YXDOMAIN = 6, DNS_YXRRSET = 7, DNS_NXRRSET = 8, DNS_NOTAUTH = 9,
	DNS_NOTZONE = 10, DNS_BADVERS = 16, DNS_BADKEY = 17, DNS_BADTIME = 18,
};
#define DNS_NAME_MAX 1016       /* room for the longest presentation form, with its terminator */
#define DNS_CLASS_IN 1

struct dns_rr {
	char          *owner;
	uint16_t       type, class_;
	uint32_t       ttl;             /* 0 for values of 2^31 and more (RFC 2181 section 8) */
	unsigned char *rdata;           /* wire form, names in it uncompressed */
	size_t         rdata_len;
};

struct dns_rrs {
	struct dns_rr *v;
	size_t         n;
};

struct dns_msg {
	bool           aa, tc, ad, ra;
	int            rcode;           /* with the bits of EDNS */
	struct dns_rrs answer, authority, additional;   /* without OPT and TSIG */
	char          *nsid;            /* hex, or NULL */
};

/* Takes a reply apart.  Whoever got it has checked id and question.  ERR_REFUSED with the reason if
 * it is malformed; *out is empty then.  Hostile input may still trip an assertion of the library:
 * call it where a crash costs little. */
int dns_msg_parse(struct dns_msg *out, const unsigned char *wire, size_t len,
		  struct err *e) NEEDS_CHECK;
void dns_msg_free(struct dns_msg *m);           /* accepts a zeroed one */
void dns_rrs_free(struct dns_rrs *l);
void dns_rrs_add(struct dns_rrs *to, const struct dns_rr *rr);          /* copies */

/* "NXDOMAIN", "TLSA"; "RCODE12", "TYPE65280" for others.  The texts last. */
const char *dns_rcode_name(int rcode);
const char *dns_type_name(uint16_t type);

/* Wire form of a name.  False if it is none. */
bool dns_name_wire(unsigned char out[255], size_t *len, const char *name);
/* The canonical spelling of a name as above, the caller frees; NULL if it is none. */
char *dns_name_canon(const char *name);
size_t dns_name_labels(const char *name);       /* no root; "*" counts: "*.example.org" has 3 */
/* "org" of "example.org", "." of "org", NULL of "."; the caller frees. */
char *dns_name_parent(const char *name);

/* A query: RD and CD as said, EDNS with DO and a payload size of 1232, NSID asked for if said.
 * `out` is cleared first, and has room for 512 bytes.  False if the name is none. */
struct dns_query_flags {
	bool rd, cd, nsid;
};
bool dns_query_make(struct buf *out, uint16_t id, const char *name, uint16_t type,
		    struct dns_query_flags f);

/* What is inside of some types.  False if the RDATA is not of that form. */
/* NS, CNAME, DNAME; the caller frees. */
bool dns_rr_target(char **name, const struct dns_rr *rr);
/* "." is the null MX's (RFC 7505); the caller frees. */
bool dns_rr_mx(char **host, unsigned *preference, const struct dns_rr *rr);
struct dns_soa {
	char    *mname;                 /* the caller frees */
	uint32_t serial, refresh, expire, minimum;
};
bool dns_rr_soa(struct dns_soa *out, const struct dns_rr *rr);
struct dns_rrsig {
	uint16_t covered;
	uint8_t  algorithm, labels;
	uint32_t original_ttl;
	uint32_t inception, expiration; /* serial arithmetic, RFC 4034 section 3.1.5 */
	uint16_t key_tag;
	char    *signer;                /* the caller frees */
};
bool dns_rr_rrsig(struct dns_rrsig *out, const struct dns_rr *rr);
struct dns_dnskey {
	uint16_t flags;
	uint8_t  protocol, algorithm;
	uint16_t tag;
};
bool dns_rr_dnskey(struct dns_dnskey *out, const struct dns_rr *rr);
/* "3 1 1 ab12.." of a TLSA record, one byte of data up to 64 KiB; the caller frees. */
bool dns_rr_tlsa(char **data, const struct dns_rr *rr);

/* All strings of a TXT record as one (RFC 8555 section 8.4 has values so); bytes that are not printable are
 * \DDD.  The caller frees. */
bool dns_rr_txt(char **data, const struct dns_rr *rr);
struct dns_caa {
	uint8_t flags;
	char   *tag, *value;            /* as in the record, but bytes that are not printable are "?"; the
					 * caller frees both */
};
bool dns_rr_caa(struct dns_caa *out, const struct dns_rr *rr);

/* The arithmetic of one signature over one RRset (all of one owner and type) with one key, and
 * nothing else, not even the time: that signature, key and RRset belong together is for the caller
 * to check (dns/verify.c).
 * The names in the RRset must be those that were signed, save a wildcard expansion.
 * Does not change its arguments.  ERR_REFUSED with the library's reason. */
int dns_sig_check(const struct dns_rr *const *rrset, size_t n, const struct dns_rr *rrsig,
		  const struct dns_rr *dnskey, struct err *e) NEEDS_CHECK;

#endif
