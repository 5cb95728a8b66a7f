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

/* Stored with every state, so that a jump of the wall clock can be told from time passing. */
struct clock_reading {
	int64_t real_at;                        /* wall clock, seconds since the epoch */
	int64_t boot_for;                       /* seconds since boot, suspended time included */
	/* changes with every boot; "rehearsal" when pretended; without /proc it is different at
	 * every reading, so that it never vouches for anything */
	char    boot_id[CLOCK_BOOT_ID_LEN];
};

int64_t clock_now(void);
void clock_read(struct clock_reading *r);
void clock_pretend(int64_t at);
/* True, and the instant (at may be NULL), if clock_pretend was called; else *at is left alone. */
bool clock_pretended(int64_t *at);

/* The wall clock, never pretended: for what is agreed with others at this moment (TSIG). */
int64_t clock_real(void);

/* Waits in real time; a signal ends it early. */
void clock_pause_ms(unsigned ms);

/* Monotonic milliseconds for time limits.  Never pretended: what hangs, hangs in real time. */
int64_t clock_monotonic_ms(void);

#endif
