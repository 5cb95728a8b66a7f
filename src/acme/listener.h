/* listener.h - answers http-01 and tls-alpn-01 challenges itself, for as long as an order needs it.
 * RFC 8555 section 8.3, RFC 8737. */
#ifndef ACME_LISTENER_H
#define ACME_LISTENER_H

#include "acme/challenge.h"

#include <sys/types.h>

struct listener {
	pid_t pid;
	int  *fds;                      /* that listen */
	size_t fds_n;
};

/* http, tls: where to listen, each "80" (all addresses of this host, IPv4 and IPv6) or an address and port;
 * of a type that no challenge has, nothing is opened.  The challenges must stay until listener_stop.  A child
 * process does the work.  ERR_LOCAL, with the remedy. */
int listener_start(struct listener *l, const struct strv *http, const struct strv *tls,
		   const struct challenge *v, size_t n, struct err *e) NEEDS_CHECK;
void listener_stop(struct listener *l);         /* a zeroed one is fine */

#endif
