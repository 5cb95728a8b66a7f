/* doctor_find.h - the diagnosis: from what was seen of a service to what clients do, and what is wrong
 * and why.
 *
 * Pure: no I/O, no clock.  RFC 6698 section 4, RFC 7671 sections 5 to 9, RFC 7672 sections 2 and 3.
 */
#ifndef RUN_DOCTOR_FIND_H
#define RUN_DOCTOR_FIND_H

#include "run/doctor_seen.h"
#include "run/generation.h"

enum doctor_severity { DOCTOR_OK, DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_ERROR };
const char *doctor_severity_name(enum doctor_severity s);       /* "ok", "note", "warning", "error" */

struct doctor_finding {
	enum doctor_severity severity;
	const char          *code;      /* a word that stays; certline(8) lists them */
	char                *text;      /* what and why, which server or record, what to do; one line */
};
struct doctor_findings {
	struct doctor_finding *v;
	size_t n;
};
/* The same code and text are there once. */
void doctor_add(struct doctor_findings *f, enum doctor_severity s, const char *code, const char *fmt,
		...)
	__attribute__((format(printf, 4, 5)));
enum doctor_severity doctor_worst(const struct doctor_findings *f);     /* OK if there is none */
void doctor_sort(struct doctor_findings *f);            /* the worst first, in their order */
void doctor_findings_free(struct doctor_findings *f);

/* What a client that does DANE does: RFC 7672 between mail servers, else RFC 7671. */
enum doctor_verdict {
	DOCTOR_UNKNOWN,                 /* nobody was reached, or nothing could be found out */
	DOCTOR_ACCEPTS,
	DOCTOR_REFUSES,                 /* the server, so that a mail waits in the queue */
	DOCTOR_NO_DANE,                 /* TLS as without DANE: why */
	DOCTOR_DEFERS,                  /* the records cannot be found out: no connection until then */
};
const char *doctor_verdict_name(enum doctor_verdict v); /* "accepts", "refuses", "no DANE", ... */

/* A record of any of the sets, and what became of it at the places that were looked at. */
struct doctor_record {
	const char    *data;            /* of the observations */
	bool           compared;        /* there was a chain; else fate is not known */
	enum dane_fate fate;            /* the best that it met */
	char          *why;             /* NULL: it matches everywhere */
};
/* "matches", "different", ... "not compared" */
const char *doctor_fate_name(const struct doctor_record *r);

struct doctor_diagnosis {
	struct doctor_findings findings;
	enum doctor_verdict    verdict;
	char                  *why;     /* one phrase; NULL of ACCEPTS */
	enum security          security;        /* of the records that clients take */
	char                  *security_why;    /* NULL: nothing to say */
	enum doctor_verdict   *views;   /* of each view of the observations */
	struct doctor_record  *records;
	size_t                 records_n;
};

/* A record that belongs in DNS because of the line whose service it is. */
struct doctor_own {
	char *data;
	enum doctor_role {
		DOCTOR_OWN_LIVE,
		DOCTOR_OWN_STAGED,
		DOCTOR_OWN_REPLACED,    /* its key was live: others may have the record in a cache */
		DOCTOR_OWN_SIBLING,     /* of a line that names the owner, too */
	} role;
	int   generation;               /* 0: of a sibling */
};

struct doctor_terms {
	int64_t now;
	int64_t warn_for, critical_for; /* what is left of a certificate */
	bool    self_signed;            /* no CA is meant to have signed it */
	bool    strict;                 /* it is late for renewal, whether or not clients look at dates */
	const struct generation *newest;        /* of the line whose service it is, or NULL */
	const struct doctor_own *own;   /* by role; none: it is nobody's line */
	size_t  own_n;
};

void doctor_find(struct doctor_diagnosis *out, const struct doctor_seen *s, const struct doctor_terms *t);
void doctor_diagnosis_free(struct doctor_diagnosis *d);

/* The same of a domain, whose mail hosts have these diagnoses, in their order; its `views` and records
 * are empty. */
void doctor_find_mail(struct doctor_diagnosis *out, const struct mail_hosts *m,
		      const struct doctor_diagnosis *const *hosts);

#endif
