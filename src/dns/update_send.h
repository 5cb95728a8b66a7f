/* update_send.h - one update message to one server: signed, sent by TCP, and what the reply says.
 *
 * RFC 2136 (dynamic updates), RFC 8945 (TSIG).
 */
#ifndef DNS_UPDATE_SEND_H
#define DNS_UPDATE_SEND_H

#include "dns/ask.h"
#include "dns/tsig.h"
#include "io/dnsupdate.h"

struct update_target {
	const char  *zone;              /* apex, in any spelling */
	struct addr  server;
	const struct tsig_key *key;     /* NULL: unsigned */
	struct ask_limits limits;
	uint16_t     type;              /* of the records, for remedies */
};

/* One transaction.  *unmet: 0 if the server said NOERROR; DNS_NXRRSET or DNS_YXRRSET if a prerequisite does
 * not hold, and nothing was done.  Errors: ERR_LOCAL for what is no message; ERR_REFUSED with the rcode and a
 * remedy, and for a reply whose signature is wrong or missing; ERR_LATER if the server does not answer. */
int update_send(int *unmet, const struct update_target *to, const struct update_rrset *sets, size_t n,
		struct err *e) NEEDS_CHECK;

#endif
