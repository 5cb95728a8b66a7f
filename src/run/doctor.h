/* doctor.h - looking at services from outside, as clients meet them: name servers, addresses,
 * handshakes, and what DANE and the CAs that are known here make of it.
 *
 * All that strangers send is parsed in one worker process.  One that dies is repeated with half of the
 * services, and so on, until the answer that kills it has cost one of them.
 */
#ifndef RUN_DOCTOR_H
#define RUN_DOCTOR_H

#include "run/doctor_seen.h"

#define DOCTOR_STARTTLS_OF_PORT (-1)

/* A service to be looked at.  Nothing in it is owned. */
struct doctor_ask {
	const char *owner;              /* TLSA owner; NULL: there are no records to look for */
	const char *host;               /* NULL: HOST of the owner */
	unsigned    port;               /* 0: PORT of the owner */
	int         starttls;           /* enum starttls, or DOCTOR_STARTTLS_OF_PORT */
	const struct addr *addrs;       /* instead of the host's; none: as DNS says */
	size_t      addrs_n;
	const char *domain;             /* of XMPP; NULL: the TLSA base domain */
	const struct addr *from;        /* source address; NULL: the system's choice */
	const char *mail_domain;        /* whose mail host it is; NULL */
	const struct look_config *how;  /* services with the same one are looked up together */
};

/* All side by side, within a time that depends on n alone.  Fills out[n]; what could not be found out is a
 * problem in it. */
void doctor_look(struct doctor_seen *out, const struct doctor_ask *asks, size_t n);

/* The mail hosts of domains; in a worker, too. */
void doctor_mail(struct mail_hosts *out, const char *const *domains, size_t n, const struct look_config *how);

#endif
