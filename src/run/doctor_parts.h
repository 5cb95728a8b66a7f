/* doctor_parts.h - what the files of the diagnosis tell each other; for nobody else. */
#ifndef RUN_DOCTOR_PARTS_H
#define RUN_DOCTOR_PARTS_H

#include "run/doctor_find.h"

/* What a client that validates gets when it asks for the records. */
enum doctor_answer {
	ANSWERED_NOT_ASKED,             /* there is no owner */
	ANSWERED_RECORDS,
	ANSWERED_NOTHING,               /* there is provably none */
	ANSWERED_INSECURE,              /* whatever it is, it is not signed */
	ANSWERED_BOGUS,                 /* SERVFAIL, in effect */
	ANSWERED_UNKNOWN,               /* we could not find out */
};

/* doctor_dns.c: findings about names, name servers, aliases and sets; out->security and its why. */
enum doctor_answer doctor_find_dns(struct doctor_diagnosis *out, const struct doctor_seen *s,
				   const struct doctor_terms *t);
/* doctor_records.c: the fate of each record, and what is wrong with it, when out->views are known. */
void doctor_find_records(struct doctor_diagnosis *out, const struct doctor_seen *s, enum doctor_answer a,
			 const struct doctor_terms *t);
/* "127.0.0.1:25 (ECDSA P-256)"; the caller frees. */
char *doctor_place(const struct doctor_view *v);

#endif
