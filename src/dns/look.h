/* look.h - one round of looking: what every authoritative server of every owner says, and whether it is
 * signed.  Knows nothing of lines, keys or rollovers.
 *
 * For each owner: the zone it is in; all its servers (NS names at the apex and in the parent's
 * delegation, all addresses of each, glue); the zone's DNSSEC status; the TLSA RRset from every address.
 * A CNAME or DNAME is followed zone by zone: each hop's servers are asked.
 * RFC 1034 section 4.2 (delegation), RFC 4035 section 5, RFC 7671 section 7.
 */
#ifndef DNS_LOOK_H
#define DNS_LOOK_H

#include "base/buf.h"
#include "dns/zone.h"

enum answer {
	ANSWER_FAIL,                    /* nothing usable; why says what */
	ANSWER_EMPTY,                   /* authoritative: no TLSA record there */
	ANSWER_DATA,
	ANSWER_ALIAS,                   /* authoritative: a CNAME (or a DNAME above), followed */
};

/* What one address says about one owner (at one hop). */
struct look_server {
	struct addr  addr;
	char        *zone;              /* apex of the zone that it was asked for */
	char        *name;              /* what it was asked about: the owner, or where an alias leads */
	struct strv  names;             /* NS names that led here; none if configured */
	enum answer  answer;
	char        *why;               /* FAIL, or why the signature is not good; NULL else */
	struct strv  data;              /* DATA: "3 1 1 ab..", every record */
	int64_t      ttl_for;           /* DATA, ALIAS: the larger of TTL and Original TTL */
	int64_t      negative_for;      /* EMPTY: as RFC 2308 section 5, and that of NSEC, NSEC3 if larger */
	bool         signed_ok;         /* the RRset (or the denial's SOA) has a good signature by the zone;
	                                 * true in zones that are not secure, where nothing is checked */
	int64_t      signed_until_at;   /* 0: not signed or not checked */
	bool         wildcard;
	uint32_t     serial;            /* of the SOA, if it was seen; 0: not */
	char        *target;            /* ALIAS: where to */
	char        *nsid;
	int64_t      at;                /* when the answer had arrived */
	bool         no_route;          /* FAIL because this host has no route to such addresses */
};

struct look_zone {
	char         *apex;
	enum security security;
	char         *why;              /* bogus, unknown, or how the zone could not be found */
	int64_t       ns_ttl_for;       /* the larger of the child's and the parent's NS TTL */
	char         *mname;            /* primary server by SOA; NULL if unknown */
};

struct look_owner {
	char         *owner;
	char         *problem;          /* zone or servers could not be found; NULL else */
	char         *end;              /* the name that has (or would have) the records: owner, or where its
	                                 * aliases lead */
	struct look_zone *zones;        /* one a hop, the first is the owner's own */
	size_t        zones_n;
	struct look_server *servers;    /* of all hops */
	size_t        servers_n;
};

/* owners: canonical names.  Fills out[n]; never fails as a whole: problems are in the owners.
 * Meant to run in a worker process, since replies are parsed. */
void look_all(struct look_owner *out, const char *const *owners, size_t n, const struct look_config *c);
void look_free(struct look_owner *o, size_t n);         /* the contents; not the array */

/* The first usable nameserver lines of /etc/resolv.conf (path NULL), at most `max`; 0 if there are none. */
size_t look_system_resolvers(struct addr *out, size_t max, const char *path);

/* The zone of a name, for updates: apex, MNAME and its addresses.  Same worker rule. */
struct look_primary {
	char        *apex, *mname;
	struct addr *addrs;
	size_t       addrs_n;
};
int look_primary(struct look_primary *out, const char *name, const struct look_config *c,
		 struct err *e) NEEDS_CHECK;
void look_primary_free(struct look_primary *p);

#endif
