/* hosts.h - addresses of hosts and mail hosts of domains, by the validator: aliases followed, and how far
 * DNSSEC vouches for what was found.
 *
 * RFC 7671 section 7: where a host is an alias and every step is secure, the TLSA base domain is its end,
 * and the name itself only if there are no records at the end.  RFC 7672 section 2.2: MX hosts; RFC 7505:
 * the null MX.
 */
#ifndef DNS_HOSTS_H
#define DNS_HOSTS_H

#include "dns/zone.h"

struct host {
	char         *name;             /* as asked, canonical */
	char         *end;              /* where its aliases lead; name if it is none */
	enum security security;         /* the worst of the A and AAAA answers, aliases and all */
	char         *why;              /* of bogus and unknown; NULL */
	struct addr  *addrs;            /* IPv4 first, sorted, each once, of the given port; at most HOST_ADDRS_MAX.
	                                 * None of a bogus answer */
	size_t        addrs_n;
	size_t        more;             /* addresses beyond HOST_ADDRS_MAX, which are left out */
	bool          lost[2];          /* of A, AAAA: no answer, or none that counts */
	char         *problem;          /* "there is no such name", "it has no addresses", or as why (of A or AAAA;
	                                 * then addresses of the other kind may be there); NULL: none */
};
#define HOST_ADDRS_MAX 64

/* Where nobody validates (VALIDATE_NO) everything is secure, as it is of zones.
 * names: canonical; ports: of each, for its addresses.  All side by side; never fails as a whole.  Meant to
 * run in a worker process. */
void hosts_find(struct host *out, const char *const *names, const uint16_t *ports, size_t n,
		const struct look_config *c);
void hosts_free(struct host *h, size_t n);              /* the contents; not the array */

struct mail_hosts {
	char         *domain;
	enum security security;         /* of the MX answer */
	char         *why;
	bool          implicit;         /* no MX records: the domain itself (RFC 5321 section 5.1) */
	bool          null_mx;          /* it says that it takes no mail (RFC 7505); that must stand
					 * alone, but hosts may be beside it */
	struct mail_host { char *name; unsigned preference; } *v;       /* by preference, name */
	size_t        n;                /* at most MAIL_HOSTS_MAX */
	char         *problem;          /* there is no such name, or as why, and no hosts then; NULL: none */
};
#define MAIL_HOSTS_MAX 50
void mail_hosts_find(struct mail_hosts *out, const char *domain, const struct look_config *c);
void mail_hosts_free(struct mail_hosts *m);

#endif
