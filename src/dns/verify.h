/* verify.h - whether an RRset in one server's answer is signed by its zone: the checks of RFC 4035
 * section 5.3.1 made here, the arithmetic by io/dnsmsg, the keys from the validated DNSKEY RRset.
 */
#ifndef DNS_VERIFY_H
#define DNS_VERIFY_H

#include "io/dnsmsg.h"

struct verified {
	bool     ok;
	bool     wildcard;              /* the signature has fewer labels than the owner */
	int64_t  until_at;              /* expiration of the signature that lasts longest */
	uint32_t original_ttl;          /* the largest among the good signatures */
	char     why[200];              /* when !ok: the reason, of the nearest miss */
};

/* `section` holds RRset and RRSIGs among others; those of (owner, type) are looked at.  `apex` is
 * the zone that owner is in, `keys` its DNSKEY RRset.  Not ok if there is no such RRset or no good
 * signature: RRSIG owner = owner, class IN; type covered; signer = apex, which is at or above the
 * owner; labels at most those of the owner; inception <= now <= expiration; a key of the same tag
 * and algorithm with the zone bit, protocol 3, not revoked; and the arithmetic. */
void verify_rrset(struct verified *out, const struct dns_rrs *section, const char *owner,
		  uint16_t type, const char *apex, const struct dns_rrs *keys, int64_t now);

#endif
