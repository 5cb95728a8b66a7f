/* look.h - one round of looking: what every authoritative server of every owner says, and whether
 * it is signed.  Knows nothing of lines, keys or rollovers.
 *
 * For each owner: the zone it is in; all its servers (NS names at the apex and in the parent's
 * delegation, all addresses of each, glue); the zone's DNSSEC status; the TLSA (or TXT) RRset from
 * every address.  A CNAME or DNAME is followed zone by zone: each hop's servers are asked.
 * RFC 1034 section 4.2 (delegation), RFC 4035 section 5, RFC 7671 section 7.
 */
#ifndef DNS_LOOK_H
#define DNS_LOOK_H

#include "base/buf.h"
#include "dns/reply.h"
#include "dns/zone.h"

struct look_zone {
	char         *apex;
	enum security security;
	char         *why;              /* bogus, unknown, or how the zone could not be found */
	int64_t       ns_ttl_for;       /* the larger of the child's and the parent's NS TTL */
	char         *mname;            /* primary server by SOA; NULL if unknown */
};

struct look_owner {
	char         *owner;
	char         *problem;          /* zone or servers could not be found, or not all of them;
	                                 * NULL else */
	bool          lost;             /* ... so that its aliases were not followed to their end */
	char         *end;              /* the name that has (or would have) the records: owner, or
	                                 * where its aliases lead */
	struct look_zone *zones;        /* on the way, each once; the first is the owner's own */
	size_t        zones_n;
	struct look_server *servers;    /* of all hops */
	size_t        servers_n;
};

/* owners: canonical names.  Fills out[n]; never fails as a whole: problems are in the owners.
 * Meant to run in a worker process, since replies are parsed. */
void look_all(struct look_owner *out, const char *const *owners, size_t n,
	      const struct look_config *c);
void look_free(struct look_owner *o, size_t n);         /* the contents; not the array */
/* The worst of the zones on the way, and which that is (NULL: none is known); of equal ones the first. */
enum security look_security(const struct look_owner *o, const struct look_zone **which);

/* The first usable nameserver lines of /etc/resolv.conf (path NULL), at most `max`; 0 if there are
 * none. */
size_t look_system_resolvers(struct addr *out, size_t max, const char *path);

/* The zone of each name, for updates: apex, MNAME and its addresses.  Names of the same zone are
 * told the same.  Same worker rule. */
struct look_primary {
	char        *problem;           /* the zone could not be found; NULL else */
	char        *apex, *mname;
	struct addr *addrs;
	size_t       addrs_n;
};
void look_primaries(struct look_primary *out, const char *const *names, size_t n,
		    const struct look_config *c);
void look_primaries_free(struct look_primary *p, size_t n);     /* the contents; not the array */

/* Both with a finder that goes on being used.  The first one of TLSA or TXT records: no resolver is asked for
 * the name of a TXT record (dns/cuts.h), since they come and go, and others look for them at once.  An owner
 * NULL is left out, and nothing is said of a zone NULL. */
void look_walk(struct finder *f, struct look_owner *out, const char *const *owners, size_t n,
	       uint16_t type);
void look_primaries_of(struct finder *f, struct look_primary *out, struct zone *const *zones, size_t n);

#endif
