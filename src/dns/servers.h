/* servers.h - which servers answer for a zone: all addresses of all NS names, those that the zone
 * itself has and those that its parent delegates to, and glue.
 *
 * RFC 1034 sections 4.2.2 and 4.3.2 (delegation), RFC 2181 section 5.4.1, RFC 9471 (glue).
 */
#ifndef DNS_SERVERS_H
#define DNS_SERVERS_H

#include "dns/zone.h"

/* Servers of those of the zones (NULL: none) for which they were not looked for yet: servers,
 * ns_ttl_for, problem, incomplete, found. */
void servers_find(struct finder *f, struct zone *const *zones, size_t n);

#endif
