/* probe.h - what servers present: many handshakes side by side in one poll loop, each with a time limit.
 *
 * Meant to run in a worker process, since what strangers send is parsed.
 */
#ifndef TLS_PROBE_H
#define TLS_PROBE_H

#include "io/tls.h"
#include "sys/addr.h"
#include "tls/starttls.h"

#include <stdint.h>

enum probe_outcome {
	PROBE_UNTRIED = 0,              /* the time for all ran out first, or told to stop, or this host is at
					 * fault: no sockets, a source address that is not its own */
	/* nobody was reached, or nobody is let in */
	PROBE_NO_ROUTE,                 /* this host has no route to that address (family) */
	PROBE_UNREACHABLE,              /* somebody on the way says that there is none */
	PROBE_CONN_REFUSED,
	PROBE_NO_ANSWER,                /* no connection in time */
	PROBE_BUSY,                     /* the server says that it wants nobody for now */
	/* somebody is there, and no certificate was seen */
	PROBE_SILENT,                   /* connected, then the time was up */
	PROBE_CLOSED,                   /* the server ended the connection early; some do so instead of telling
	                                 * that they have no key of the kind that was asked for */
	PROBE_GARBAGE,                  /* it does not speak the protocol, or no TLS; or turns us away for
	                                 * good */
	PROBE_NO_STARTTLS,              /* it does not offer it */
	PROBE_TLS_FAILED,
	PROBE_NOT_OFFERED,              /* no key of the kind that was asked for (an offer other than ANY): it
					 * says so, or hangs up and shows one of another kind in the same call */
	/* it was seen */
	PROBE_OK,
	PROBE_OUTCOME_N,
};
const char *probe_outcome_name(enum probe_outcome o);   /* "no answer in time", "offers no STARTTLS" */
bool probe_reached(enum probe_outcome o);               /* SILENT and all that follow */
/* Whether the details of a failure end with what is to be configured. */
bool probe_advises(const char *why);

struct probe {
	struct addr     to;
	struct addr     from;           /* source address; len 0: the system's choice */
	const char     *sni;            /* the TLSA base domain */
	const char     *domain;         /* of the service, for XMPP; NULL: sni */
	enum starttls   starttls;
	enum tls_offer  offer;

	/* what came of it; whatever stood there is overwritten */
	enum probe_outcome outcome;
	char           *why;            /* details of a failure, one printable line of at most 300 bytes; NULL */
	struct tls_presented presented; /* of OK */
	int64_t         at;             /* clock_now() when it was known */
};

struct probe_limits {
	unsigned in_flight;             /* at one time, in all */
	unsigned in_flight_each;        /* ... per address (without the port) */
	int64_t  connect_ms;            /* for the connection */
	int64_t  each_ms;               /* for one probe with connection, talk and handshake, from its start */
	int64_t  all_ms;                /* for the whole call */
	const char *own_name;           /* for EHLO; NULL: the host's name */
};
extern const struct probe_limits probe_defaults;        /* 200, 4, 5000, 15000, 120000, NULL */

/* One address and port has two connections at a time at most: servers count them. */
void probe_all(struct probe *p, size_t n, const struct probe_limits *limits);
void probes_free(struct probe *p, size_t n);            /* the results; not the array */

#endif
