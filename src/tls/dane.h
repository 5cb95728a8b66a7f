/* dane.h - what a DANE client makes of a TLSA RRset and the chain that a server presented.
 *
 * The matching of digests is ours, so that every single record gets its fate in words; paths, dates and
 * names of usages 0, 1 and 2 are io/presented.h.  Whether the RRset may be believed (DNSSEC) is the caller's
 * business: only a secure one is handed in.  RFC 6698 sections 2.1 and 4.1, RFC 7671 sections 5, 9 and
 * 10.1.1, RFC 7672 section 3.1.
 */
#ifndef TLS_DANE_H
#define TLS_DANE_H

#include "io/presented.h"

#include <stdint.h>

enum dane_fate {
	DANE_MALFORMED,                 /* no record at all, a digest of the wrong length, or no certificate or key
	                                 * where the whole of it should stand */
	DANE_UNKNOWN,                   /* a usage, selector or matching type that no RFC defines */
	DANE_NOT_FOR_MAIL,              /* usage 0 or 1 with SMTP (RFC 7672 3.1.3) */
	DANE_PASSED_OVER,               /* there is a stronger digest of the same usage and selector (RFC 7671 9) */
	DANE_DIFFERENT,                 /* nothing in the chain matches it */
	DANE_UNPROVEN,                  /* it matches, and the chain does not hold: `why` */
	DANE_MATCHES,
};

struct dane_record {
	const char *data;               /* the caller's text */
	int         usage, selector, matching;  /* -1 of MALFORMED */
	enum dane_fate fate;
	int         depth;              /* of the certificate that it matches, 0: the leaf; -1: none that was sent
	                                 * (2 x 0 records hold the trust anchor themselves) */
	char       *why;                /* a sentence; NULL of MATCHES; owned */
};

enum dane_outcome {
	DANE_ABSENT,                    /* no records: TLS as without DANE */
	DANE_UNUSABLE,                  /* records, and none of them usable: the same; mail must be encrypted, though
	                                 * (RFC 7672 2.2) */
	DANE_ACCEPTED,
	DANE_REFUSED,                   /* usable records, and none of them fits: the client goes away */
};
const char *dane_outcome_name(enum dane_outcome o);

struct dane_client {
	bool               mail;        /* SMTP: as RFC 7672 has it */
	const struct strv *names;       /* reference identifiers: the TLSA base domain first */
	const char        *ca_file;     /* for usages 0 and 1; NULL: the system's */
	int64_t            now;
};

struct dane_verdict {
	enum dane_outcome   outcome;
	struct dane_record *v;          /* one for each record, in their order */
	size_t              n;
	char               *why;        /* one sentence, of all outcomes but ABSENT; owned */
};

/* Usages 0 and 2 are of what is above the leaf: as for OpenSSL, and so for most mail servers, no leaf is a
 * trust anchor, not even one that signs itself.
 * records: presentation form, "3 1 1 ab.."; of any parameters and any length (whole certificates, too). */
void dane_judge(struct dane_verdict *out, const struct presented *chain, const struct strv *records,
		const struct dane_client *as);
void dane_verdict_free(struct dane_verdict *v);

#endif
