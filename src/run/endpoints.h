/* endpoints.h - the servers of a line: from the owners of its TLSA records, and from [endpoints].
 *
 * RFC 7671 section 7: the host of an owner is the TLSA base domain, and so the server name (SNI).
 */
#ifndef RUN_ENDPOINTS_H
#define RUN_ENDPOINTS_H

#include "core/served.h"
#include "run/config.h"
#include "sys/addr.h"
#include "tls/probe.h"

struct endpoint_spec {
	char         *name;             /* the owner, or "HOST:PORT" */
	bool          is_owner;
	char         *host;
	uint16_t      port;
	enum starttls starttls;
	const char   *domain;           /* of XMPP; in the configuration, or host */
	struct addr  *addrs;            /* where it is by configuration; none: look its host up */
	size_t        addrs_n;
};

/* Owners of other protocols than TCP, or of any port ("*"), cannot be looked at, and are left out. */
void endpoints_of(struct endpoint_spec **out, size_t *n, const struct line_config *c);
void endpoints_free(struct endpoint_spec *v, size_t n);         /* the array, too */
/* "192.0.2.1:25": the port is said, also that of DNS. */
#define ENDPOINT_TEXT_LEN (ADDR_TEXT_LEN + 8)
void endpoints_address(char out[ENDPOINT_TEXT_LEN], const struct addr *a);
/* Whether all of its owners can be looked at. */
bool endpoints_all(const struct line_config *c);
/* What a handshake with one came to, as it is remembered. */
enum served_state endpoints_state_of(enum probe_outcome o);

#endif
