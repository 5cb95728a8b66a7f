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
	struct strv drop;               /* ours, not wanted any more; what is in neither stays */
	int64_t     ttl_for;
};

struct update {
	const char  *zone;              /* apex, in any spelling */
	struct addr  server;
	const struct tsig_key *key;     /* NULL: unsigned (loopback tests, IP-based policies) */
	const struct update_owner *owners;
	size_t       owners_n;
	struct ask_limits limits;

	/* what came of it */
	bool         changed;           /* false: all was there already, and nothing was sent */
	struct strv  foreign;           /* "OWNER DATA" of records that are not ours, and stay */
};

/* Reads the RRsets from the server first; if they are as wanted, data and TTL, nothing is sent.
 * Else one packet by TCP (more only if it would be too large; never within an owner): a
 * prerequisite (the RRset is exactly what was read, or there is none, RFC 2136 section 2.4),
 * delete and add.  A lost race (NXRRSET, YXRRSET) is read and tried again, three times.  A set
 * that a wildcard gives counts as none.
 * After NOERROR the server is asked until it shows the wanted sets (five seconds): NOERROR alone
 * proves nothing.
 * changed and foreign are set anew; foreign only on success, and is the caller's to free.  After
 * an error changed tells whether the server has said NOERROR to some update.
 * Errors: ERR_UNSAFE for an owner that would be left without any record; ERR_LOCAL for data, names
 * and TTLs that are none; ERR_REFUSED with the rcode and a remedy (BADKEY, BADSIG, BADTIME with
 * the difference of clocks, NOTAUTH, NOTZONE, REFUSED, NOTIMP ...), for a reply whose signature is
 * wrong or missing, and for an owner that is an alias (CNAME) or in another zone; ERR_LATER if the
 * server does not answer or does not show the set, or the set changes all the time.  Meant to run
 * in a worker process, since replies are parsed. */
int update_apply(struct update *u, struct err *e) NEEDS_CHECK;

#endif
