/* tlsa.h - TLSA records as values (RFC 6698 section 2.1, RFC 7671).
 *
 * Owners are lower-case absolute names without the trailing dot; data is the presentation form of
 * the RDATA, "3 1 1 <hex in lower case>".
 */
#ifndef CORE_TLSA_H
#define CORE_TLSA_H

#include "base/buf.h"
#include "core/keytype.h"

#include <stdint.h>

#define TLSA_PARAMS_MAX 4
#define TLSA_DIGEST_HEX_MAX 128

struct tlsa_params {
	uint8_t usage;          /* 3 = DANE-EE, 2 = DANE-TA */
	uint8_t selector;       /* 1 = SubjectPublicKeyInfo, 0 = certificate */
	uint8_t matching;       /* 1 = SHA-256, 2 = SHA-512 */
};

struct tlsa_rdata {
	struct tlsa_params p;
	char hex[TLSA_DIGEST_HEX_MAX + 1];
};

/* What a server presents: one leaf for each key type; a client may negotiate any of them. */
struct tlsa_leaf {
	char spki_sha256[65];
	char spki_sha512[129];
	/* the trust anchor that the server sends: the last certificate of the chain after the leaf; "" if
	 * there is none (RFC 7671 section 5.2) */
	char ta_spki_sha256[65];
	char ta_cert_sha256[65];
};

/* The record of one leaf for one set of parameters.  False for parameters that we do not make (all
 * but 3 1 1, 3 1 2, 2 1 1 and 2 0 1), a leaf without a trust anchor, or an impossible digest (wrong
 * length, no hex, or that of empty input). */
bool tlsa_make(struct tlsa_rdata *out, struct tlsa_params p, const struct tlsa_leaf *leaf);

/* "3 1 1 ab..": three numbers 0..255 and hex, which may be in upper case and have blanks inside, as
 * in zone files.  False for anything else, for no data, and for data of more than 64 bytes: a
 * record of a whole certificate or key (matching type 0) is a valid one that has no place here, and
 * who leaves it out of a set must take TLSA_COVERS for TLSA_UNKNOWN.  out is left alone then. */
bool tlsa_parse(struct tlsa_rdata *out, const char *data);
/* The same for data of any length; *hex is in lower case, and the caller's to free. */
bool tlsa_split(struct tlsa_params *p, char **hex, const char *data);
/* The SHA-256 or SHA-512 of empty input, which a program publishes that could not read the certificate. */
bool tlsa_is_of_nothing(const char *hex);
char *tlsa_format(const struct tlsa_rdata *r);                  /* the caller frees */

enum tlsa_cover { TLSA_UNKNOWN = -1, TLSA_LACKS = 0, TLSA_COVERS = 1 };

/* covers(RRset, chain): an empty set covers everything; otherwise every (usage, selector, matching
 * type) in the set must have a record that matches each leaf (RFC 7671 section 8); further records
 * of the same combination do no harm.  Computed for usage 3 and 1 with selector 1 and matching type
 * 1 or 2, and for 2 1 1 and 2 0 1.  LACKS if one of these misses a leaf; else UNKNOWN if there are
 * others, or no leaves. */
enum tlsa_cover tlsa_covers(const struct tlsa_rdata *set, size_t n, const struct tlsa_leaf *leaves,
			    size_t leaves_n);

/* Whether a client accepts a server with these leaves: each has a record that matches, and the client does
 * not pass it over for a stronger digest with the same usage and selector that does not match (digest
 * agility, RFC 7671 section 9).  A set that is accepted may fall short of covering. */
bool tlsa_accepted(const struct tlsa_rdata *set, size_t n, const struct tlsa_leaf *leaves, size_t leaves_n);

#endif
