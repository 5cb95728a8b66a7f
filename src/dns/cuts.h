/* cuts.h - the zones of names that may not be there yet: no resolver is asked for such a name, since it would
 * remember for a while that there is none.
 *
 * RFC 2308 section 5 (caching of denials), RFC 8020 (what is below them), RFC 1034 section 4.2.1 (zone cuts).
 */
#ifndef DNS_CUTS_H
#define DNS_CUTS_H

#include "dns/zone.h"

/* As finder_zones.  The zone of the last labels of the name is found by the resolvers, and its servers
 * are asked whether there are zone cuts below that.  Finds the servers of those zones too. */
void cuts_find(struct finder *f, struct zone **out, char **why, const char *const *names, size_t n);

#endif
