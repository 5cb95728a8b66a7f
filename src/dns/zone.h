/* zone.h - which zone a name is in, and whether that is signed.
 *
 * RFC 1034 section 4.2, RFC 2181 section 6 (zone cuts), RFC 4035 section 3.2.2 (CD), RFC 6840 (AD).
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "base/buf.h"
#include "dns/ask.h"
#include "io/validator.h"

/* Who tells whether zones are secure: the chain of trust, the AD bit of a resolver on this host, or
 * nobody: then all zones count as secure, and no signature is looked at. */
enum validate { VALIDATE_DNSSEC, VALIDATE_RESOLVER, VALIDATE_NO };

struct look_config {
	struct addr     *resolvers;     /* for discovery; none: recurse with the validator */
	size_t           resolvers_n;
	struct look_servers {           /* by configuration, instead of discovery */
		char        *zone;
		struct addr *v;
		size_t       n;
	}               *zones;
	size_t           zones_n;
	uint16_t         port;          /* of discovered servers: 53 */
	enum validate    validate;
	const char      *trust_anchor;  /* for VALIDATE_DNSSEC */
	int64_t          pretended_at;  /* 0: none */
	struct ask_limits limits;
};

struct zone_server {
	struct addr addr;
	struct strv names;              /* NS names that led here; none if configured */
	int64_t     ttl_for;            /* the larger of TTL and Original TTL of the address; the largest
	                                 * that was seen */
};

struct zone {
	char         *apex;
	bool          configured;       /* its servers are */
	struct zone_server *servers;
	size_t        servers_n;
	int64_t       ns_ttl_for;
	char         *mname;            /* NULL: unknown */
	char         *problem;          /* no servers: why; NULL else */
	char         *incomplete;       /* there may be more servers: why; NULL else */
	bool          found;            /* servers were looked for (dns/servers.c) */

	enum security security;
	char         *why;              /* bogus or unknown: the reason */
	struct dns_rrs keys;            /* DNSKEYs of a secure zone; none: nothing is checked */
	bool          judged;           /* security was asked for */

	uint32_t     *serials;          /* of every server, 0: not known; NULL: not asked */
};

/* All that is found out in one call of look_all, look_primaries, txt_look and so on. */
struct finder {
	const struct look_config *c;
	struct validator *v;            /* NULL: none is needed, or it could not be made: v_why */
	char        *v_why;
	int64_t      validated_ms;      /* spent on waiting for it */
	struct zone **zones;            /* stay where they are */
	size_t       zones_n;
};

void finder_init(struct finder *f, const struct look_config *c);
void finder_free(struct finder *f);

/* The zones of names, side by side: out[i] is NULL if none could be found, and then why[i] says why
 * (the caller frees). */
void finder_zones(struct finder *f, struct zone **out, char **why, const char *const *names,
		  size_t n);
/* The zone of an apex that was found otherwise: the one that there is, or a new one. */
struct zone *finder_zone(struct finder *f, const char *apex);
/* The nearest zone above the name whose servers are configured; NULL: none. */
struct zone *finder_configured(struct finder *f, const char *name);
/* DNSSEC status and keys of those of the zones (NULL: none) that were not asked for yet. */
void finder_security(struct finder *f, struct zone *const *zones, size_t n);

/* Questions to the resolvers, or to the validator when there are none; the next resolver is asked
 * when one fails.  Not validated. */
struct resolved {
	const char *name;
	uint16_t    type;
	bool        ok;                 /* answered: msg */
	bool        unproved;           /* ok by finder_validate, in a zone that is not signed */
	bool        checked;            /* asked without CD: a resolver that validates shall say SERVFAIL
					 * to what is bogus */
	struct dns_msg msg;             /* from the validator: the answer section only */
	char       *end;                /* ok: where aliases lead, canonical; the name if there are none */
	enum security security;         /* by finder_validate and finder_look_up */
	char       *why;                /* !ok, or security is not known */
};
void finder_resolve(struct finder *f, struct resolved *r, size_t n);
/* The same question by the chain of trust: ok only if the answer is secure, or provably insecure.  False, and
 * nothing is done, where nobody validates. */
bool finder_validate(struct finder *f, struct resolved *r, size_t n);
/* The same, and where nobody validates by finder_resolve: all is secure then, as zones are. */
void finder_look_up(struct finder *f, struct resolved *r, size_t n);
void resolved_free(struct resolved *r, size_t n);

#endif
