/* txt.h - TXT records of challenges: where they belong, writing them, and whether every server shows them.
 *
 * RFC 8555 section 8.4 (dns-01), RFC 2136, RFC 1034 section 3.6.2 and RFC 6672 (aliases).
 */
#ifndef DNS_TXT_H
#define DNS_TXT_H

#include "dns/look.h"
#include "dns/update.h"

/* Where the record of a name must be written: its aliases are followed, zone by zone. */
struct txt_place {
	const char  *name;              /* asked: "_acme-challenge.www.example.org" */
	/* found: */
	char        *at;                /* the end of its aliases; name itself if there are none */
	char        *apex;              /* the zone that `at` is in */
	struct addr *servers;           /* of the primary: by the SOA's MNAME, as look_primaries */
	size_t       servers_n;
	bool         aliased;
	char        *problem;           /* NULL: found */
};
/* Aliases are followed by asking authoritative servers, so that no resolver remembers that the record is
 * not there.  At most 16, in no circle. */
void txt_places(struct txt_place *p, size_t n, const struct look_config *c);
void txt_places_free(struct txt_place *p, size_t n);    /* the results; not the array */

/* One record of one name, to be added or taken away. */
struct txt_change {
	const char *at;                 /* owner of the record, in the zone */
	const char *value;              /* printable; at most 255 bytes */
	bool        remove;
};
/* All changes of one zone in one packet (more only if it would be too large): added records beside whatever
 * is there, removed ones exactly and no others.  It is no error if a record is there, or gone, already.
 * After an error nothing can be said of what was done.  Errors as update_apply; it does not look after it. */
int txt_update(const char *apex, const struct addr *server, const struct tsig_key *key, uint32_t ttl,
	       const struct txt_change *v, size_t n, const struct ask_limits *limits,
	       struct err *e) NEEDS_CHECK;

/* Whether every authoritative server of the zone of `name` (and of every zone on the way of its aliases)
 * shows all the values, and validating resolvers believe it. */
struct txt_sight {
	const char        *name;
	const struct strv *values;
	bool               seen;        /* by all */
	bool               bogus;       /* waiting will not help */
	char              *why;         /* not seen: who lacks what; NULL else */
	struct strv        others;      /* values there that are not ours: leftovers */
};
void txt_look(struct txt_sight *s, size_t n, const struct look_config *c);
void txt_sights_free(struct txt_sight *s, size_t n);

#endif
