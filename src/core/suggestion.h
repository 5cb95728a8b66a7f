/* suggestion.h - when a CA suggests to renew a certificate: RFC 9773 section 4.
 *
 * Pure: no I/O, no clock.  The instant is drawn once for each window, so that asking often does not move it.
 */
#ifndef CORE_SUGGESTION_H
#define CORE_SUGGESTION_H

#include <stdbool.h>
#include <stdint.h>

struct suggestion {
	char   *id;                     /* of the certificate (section 4.1) */
	int64_t start_at, end_at;       /* the window; 0: none is known */
	int64_t at;                     /* drawn in it */
	int64_t next_at;                /* when the CA is asked again; 0: now */
	int     failures;               /* in a row */
	char   *explanation;            /* URL, printable; or NULL */
};

void suggestion_free(struct suggestion *s);

/* A window as the CA gave it.  end before start is none (section 4.2), and what was known stays.
 * retry_after_for: -1: not said.  draw: uniform in 0..65535. */
void suggestion_answer(struct suggestion *s, int64_t start_at, int64_t end_at, const char *explanation,
		       int64_t retry_after_for, int64_t now, uint16_t draw);
/* The CA could not be asked, or gave nothing of use.  lasting: it is not likely to be better soon. */
void suggestion_failed(struct suggestion *s, bool lasting, int64_t now);

#endif
