/* doctor_line.h - what was seen from outside against what a line has in its store. */
#ifndef RUN_DOCTOR_LINE_H
#define RUN_DOCTOR_LINE_H

#include "run/doctor_find.h"
#include "run/line.h"

/* "live", "staging", "retired" or "unknown"; NULL: no key was seen there.  *current, if given: the
 * certificate is the one in the store. */
const char *doctor_keyset(const struct line *l, const struct doctor_view *v, bool *current);

/* The records that the line, which is loaded, has in DNS or wants there, for the terms of a diagnosis. */
void doctor_own_of(struct doctor_own **out, size_t *n, const struct world *w, const struct line *l);
void doctor_own_free(struct doctor_own *own, size_t n);

/* Adds to a diagnosis: which keys and certificates are served, and which records should be in DNS.  The
 * line is loaded. */
void doctor_find_line(struct doctor_findings *out, const struct line *l, const struct doctor_seen *s);

/* A finding for each problem that the line itself knows of: what is owed, or failed. */
void doctor_find_pending(struct doctor_findings *out, struct world *w, struct line *l);

/* CAA records against the first CA of each line that has one; out[n].  Asks the CAs, and looks at DNS, in a
 * worker. */
void doctor_find_caa(struct doctor_findings *const *out, const struct line_config *const *lines, size_t n);

#endif
