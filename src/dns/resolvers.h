/* resolvers.h - whether the chain of trust can be followed through the resolvers at all: one that is dead, or
 * hands no DNSSEC data on, makes every name look bogus, or unknown.
 *
 * RFC 4035 section 3.2 (what a resolver has to hand on), section 5 (the chain begins with the root's keys).
 */
#ifndef DNS_RESOLVERS_H
#define DNS_RESOLVERS_H

#include "dns/zone.h"

/* What is wrong with each of them; the caller frees.  NULL: one of them is good enough, or no chain is
 * followed through them.  Asks for the keys of the root: meant to run in a worker process, when something
 * was not secure. */
char *resolvers_fault(const struct look_config *c);

#endif
