/* ask.h - questions to name servers: many at once, each answered or failed when the call returns.
 *
 * One poll loop.  Every try of a question has a fresh connected UDP socket (so a random port), a
 * random id, and a time limit of its own; what does not match id, opcode and question is ignored
 * and waited past (RFC 5452 section 9).  A truncated reply is asked for again by TCP; a question
 * that UDP does not answer goes to TCP as its last try, since servers drop UDP when they limit
 * response rates.  No server is called unreachable on UDP evidence alone, unless we have no route
 * to it.
 *
 * An address of which ten questions in a row have failed, TCP and all, is given up for the rest of
 * the call: what still waits for it fails in the same way, and does not use up everybody's time.
 */
#ifndef DNS_ASK_H
#define DNS_ASK_H

#include "io/dnsmsg.h"
#include "sys/addr.h"

enum ask_outcome {
	ASK_UNANSWERED = 0,     /* not asked, or the time for all ran out first, or told to stop */
	ASK_ANSWERED,           /* id, QR, opcode and question are right, the rest is unparsed */
	ASK_TIMEOUT,
	ASK_CONN_REFUSED,       /* nobody listens there */
	ASK_NO_ROUTE,           /* this host itself has no route to that address (family) */
	ASK_UNREACHABLE,        /* somebody on the way says that there is none */
	ASK_BROKEN,             /* a connection that ended early, a reply that is no message or to
				 * something else; a question that cannot be sent */
};
const char *ask_outcome_text(enum ask_outcome o);       /* "no answer in time" and so on */

struct question {
	struct addr  to;
	const char  *name;              /* what to ask: name, type, flags ... */
	uint16_t     type;
	struct dns_query_flags flags;
	/* ... or a ready message (an update): sent as it is, by TCP only, its reply is matched by
	 * id, QR and opcode, and by the question section if the reply has one */
	const unsigned char *message;
	size_t       message_len;

	/* what came of it; whatever stood there is overwritten */
	enum ask_outcome outcome;
	unsigned char *reply;           /* the caller frees, by questions_free */
	size_t       reply_len;
	int64_t      at;                /* clock_now() when the reply was there, or it failed */
	bool         by_tcp;            /* the last try was */
};

struct ask_limits {
	unsigned in_flight;             /* at one time, in all */
	unsigned in_flight_each;        /* ... per address */
	unsigned per_second_each;       /* new tries per address; a fifth of them at once */
	unsigned per_second_own;        /* the same of addresses of this host, which nobody has to protect from
	                                 * it; 0: as of others */
	int64_t  udp_ms, tcp_ms;        /* per try: two of UDP, one of TCP */
	int64_t  all_ms;                /* for the whole call */
	size_t   first;                 /* the question that each address is asked first, if it is asked it;
	                                 * those before it come last: who has no time for all is asked
	                                 * others the next time */
};
extern const struct ask_limits ask_defaults;    /* 100, 10, 50, 0, 1500, 3000, 120000 */

void ask_all(struct question *q, size_t n, const struct ask_limits *limits);
void questions_free(struct question *q, size_t n);      /* the replies; not the array */

#endif
