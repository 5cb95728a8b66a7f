/* update.h - the full TLSA set of each owner of one zone, written in one transaction and looked at.
 * RFC 2136 (dynamic updates), RFC 8945 (TSIG).
 */
#ifndef DNS_UPDATE_H
#define DNS_UPDATE_H

#include "dns/ask.h"
#include "dns/tsig.h"

struct update_owner {
	const char *owner;
	struct strv want;               /* "3 1 1 ab..": what must be there */
	struct strv drop;               /* ours, not wanted any more; what is in neither list is left alone */
	int64_t     ttl_for;
};

struct update {
	const char  *zone;              /* apex */
	struct addr  server;
	const struct tsig_key *key;     /* NULL: unsigned (loopback tests, IP-based policies) */
	const struct update_owner *owners;
	size_t       owners_n;
	struct ask_limits limits;

	/* what came of it */
	bool         changed;           /* false: everything was there already and nothing was sent */
	struct strv  foreign;           /* "OWNER DATA" of records that are not ours and were kept */
};

/* Reads the RRsets from the server first; if they are as wanted nothing is sent.  Else one packet by TCP:
 * a prerequisite (the RRset is exactly what was read, or there is none, RFC 2136 2.4), delete and add.  A
 * lost race (NXRRSET, YXRRSET) is read and tried again, three times.  After NOERROR the server is asked
 * until it shows the wanted sets (five seconds): NOERROR alone proves nothing.
 * Refuses (ERR_UNSAFE) to leave an owner without any record.
 * Errors: ERR_REFUSED with the rcode and a remedy (BADKEY, BADSIG, BADTIME with the difference of clocks,
 * NOTAUTH, NOTZONE, REFUSED, NOTIMP, an owner that is a CNAME), ERR_LATER if the server does not answer or
 * does not show the set.  Meant to run in a worker process, since replies are parsed. */
int update_apply(struct update *u, struct err *e) NEEDS_CHECK;

#endif
