/* clock.h - the one clock.  Nothing else in the program asks the system for the time.
 *
 * The seam: clock_pretend() makes every later reading start from a given instant (`--now`), for
 * rehearsals and tests.  A pretended clock stands still, so that a run is reproducible.
 */
#ifndef SYS_CLOCK_H
#define SYS_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_BOOT_ID_LEN 40

/* What is stored with every state, so that a jump of the wall clock can be told from time passing. */
struct clock_reading {
	int64_t real_at;                        /* wall clock, seconds since the epoch */
	int64_t boot_for;                       /* seconds since boot, suspended time included */
	char    boot_id[CLOCK_BOOT_ID_LEN];     /* changes with every boot; "rehearsal" when pretended */
};

int64_t clock_now(void);
void clock_read(struct clock_reading *r);
void clock_pretend(int64_t at);
bool clock_pretended(int64_t *at);      /* true, and the instant, if clock_pretend was called */

/* Monotonic milliseconds for time limits.  Never pretended: a child that hangs, hangs in real time. */
int64_t clock_monotonic_ms(void);

#endif
