/* validator.h - the DNSSEC chain of trust, by libunbound, whose types stay inside.
 *
 * One validator per run: it caches, and a run should see the world once.  RFC 4033 section 5: every
 * answer is secure, insecure, bogus or indeterminate; the last is called unknown here.
 */
#ifndef IO_VALIDATOR_H
#define IO_VALIDATOR_H

#include "base/buf.h"
#include "base/err.h"
#include "io/dnsmsg.h"
#include "sys/addr.h"

enum security { SECURITY_UNKNOWN, SECURITY_INSECURE, SECURITY_SECURE, SECURITY_BOGUS };
/* It is worse to know no more than `a` than to know `b`: bogus, unknown, insecure, secure. */
bool security_worse(enum security a, enum security b);

struct validator_config {
	const char        *trust_anchor;        /* file in zone format: DS or DNSKEY of the root;
	                                         * NULL: nothing is validated, all is insecure */
	const struct addr *forward;             /* recursive resolvers to ask; none: recurse */
	size_t             forward_n;
	struct validator_stub {                 /* zones whose servers are known, when recursing */
		const char        *zone;
		const struct addr *servers;
		size_t             servers_n;
	}                 *stubs;
	size_t             stubs_n;
	int64_t            pretended_at;        /* "now" for signatures; 0: the system's clock */
	bool               use_ipv6;
};

struct lookup {
	const char   *name;
	uint16_t      type;
	enum security security;
	char         *why;              /* of bogus and unknown, one printable line; NULL else */
	struct dns_rrs rrs;             /* the RRset of the answer if there is one: owner is the
	                                 * canonical name; empty for NXDOMAIN and no data.  That of a
	                                 * bogus answer too: good for nothing but where to ask */
	char         *end;              /* where aliases lead, canonical; name if there are none; NULL: no answer */
	bool          nxdomain;
	int           rcode;
};

struct validator;
int validator_new(struct validator **v, const struct validator_config *c,
		  struct err *e) NEEDS_CHECK;
void validator_drop(struct validator *v);

/* All side by side; what is not answered after limit_ms is unknown ("no answer in time").  The
 * caller frees with lookups_free. */
void validator_lookup_all(struct validator *v, struct lookup *l, size_t n, int64_t limit_ms);
void lookups_free(struct lookup *l, size_t n);

#endif
