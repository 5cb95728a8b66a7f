/* reply.h - what one reply to a question for TLSA or TXT records says.  No network.
 *
 * RFC 2308 (denials), RFC 4035 section 5, RFC 6672 (DNAME), RFC 6698 section 2.1, RFC 8198,
 * RFC 8555 section 8.4.
 */
#ifndef DNS_REPLY_H
#define DNS_REPLY_H

#include "base/buf.h"
#include "dns/ask.h"

enum answer {
	ANSWER_FAIL,                    /* nothing usable; why says what */
	ANSWER_EMPTY,                   /* authoritative: no such record there */
	ANSWER_DATA,
	ANSWER_ALIAS,                   /* authoritative: a CNAME (or a DNAME above), followed */
};

/* What one address says about one owner (at one hop). */
struct look_server {
	struct addr  addr;
	char        *zone;              /* apex of the zone that it was asked for */
	char        *name;              /* what it was asked about: the owner, or an alias's target */
	struct strv  names;             /* NS names that led here; none if configured */
	int64_t      reach_for;         /* how long resolvers may ask it when it has left: the larger of the
	                                 * zone's NS TTL and the TTL of this address */
	enum answer  answer;
	char        *why;               /* FAIL, or why the signature is not good; NULL else */
	struct strv  data;              /* DATA: "3 1 1 ab.." or the text, every
					 * record */
	int64_t      ttl_for;           /* DATA, ALIAS: the larger of TTL and Original TTL */
	int64_t      negative_for;      /* EMPTY: as RFC 2308 section 5, and that of NSEC, NSEC3 if
	                                 * larger */
	bool         signed_ok;         /* the RRset (or the denial's SOA) has a good signature by the
	                                 * zone; true where nothing is checked */
	int64_t      signed_until_at;   /* 0: not signed or not checked */
	bool         wildcard;
	uint32_t     serial;            /* of the SOA, if it was seen; 0: not */
	char        *target;            /* ALIAS: where to */
	char        *nsid;
	int64_t      at;                /* when the answer had arrived */
	bool         no_route;          /* FAIL because this host has no route to such addresses */
	bool         unasked;           /* FAIL because there was no time to ask */
};

/* What came of a question about s->name to a server of s->zone, of the type that was asked for: answer
 * and everything below it, in an otherwise empty s.  `keys`: the DNSKEY RRset of the zone; none:
 * signatures are not checked. */
void reply_take(struct look_server *s, const struct question *q, const struct dns_rrs *keys,
		int64_t now);
void reply_server_free(struct look_server *s);

/* The serial of the zone, from a reply to a question for its SOA record; 0: it is not there. */
uint32_t reply_serial(const struct question *q, const char *apex);

/* The larger of TTL and Original TTL of an RRset, of its largest record; 0: it is not there. */
int64_t reply_ttl(const struct dns_rrs *section, const char *owner, uint16_t type);

#endif
