/* dnsupdate.h - dynamic update messages, and their TSIG signatures.
 * RFC 2136 section 2, RFC 8945 sections 4 and 5.
 */
#ifndef IO_DNSUPDATE_H
#define IO_DNSUPDATE_H

#include "io/dnsmsg.h"

/* One RRset of the message.  Records are as text: of TLSA "3 1 1 ab..", data of any length; of TXT one
 * string, at most 255 bytes, each for itself; there are none of other types. */
struct update_rrset {
	const char        *owner;
	uint16_t           type;
	const struct strv *had;         /* prerequisite: exactly these are there; empty: none is; NULL:
					 * there is no prerequisite */
	const struct strv *drop;        /* deleted one by one (class NONE); NULL: none */
	const struct strv *add;         /* NULL: none */
	int64_t            ttl_for;     /* of those that are added */
};

struct update_sign {                    /* NULL in the call below: no TSIG */
	const char *name, *algorithm, *secret;  /* as struct tsig_key */
};

struct update_msg;                      /* remembers what a reply must answer; has the secret */

/* The message in wire form, signed, and what is needed to check its reply.  wire must be
 * initialised, and is cleared first.  The time of the signature is that of the system, also when
 * the clock is pretended.  ERR_LOCAL for names and records that are none, an unusable key, a
 * message of more than 64 KiB; *m is NULL then. */
int update_msg_make(struct update_msg **m, struct buf *wire, const char *zone,
		    const struct update_rrset *sets, size_t n, const struct update_sign *s,
		    struct err *e) NEEDS_CHECK;
void update_msg_drop(struct update_msg *m);             /* NULL is fine */

enum tsig_state {
	TSIG_GOOD,                      /* MAC, names and time are right */
	TSIG_NONE,                      /* the reply is not signed: it proves nothing */
	TSIG_WRONG,                     /* ... signed, and not by the key, or at another time */
};
enum { TSIG_BADSIG = 16 };      /* an error of TSIG; the next ones are DNS_BADKEY, DNS_BADTIME */

struct update_reply {
	int             rcode;          /* of the message */
	int             tsig_error;     /* of the TSIG record, 0 if there is none */
	enum tsig_state tsig;           /* TSIG_NONE also when the request was not signed */
	int64_t         ahead_for;      /* BADTIME: our clock less the server's; 0: unknown */
	char            why[160];       /* of TSIG_WRONG */
};
/* The time of the reply's signature is compared with that of the request's, which is the system's
 * own.  ERR_REFUSED if the reply is malformed or has another id. */
int update_msg_reply(struct update_reply *out, const struct update_msg *m,
		     const unsigned char *wire, size_t len, struct err *e) NEEDS_CHECK;

#endif
