/* progress.h - what is being waited for, and since when: told to whoever draws it.
 *
 * Long waits are named by those who begin them, and may stand inside each other: the innermost is the one
 * that is told.  While children are waited for (sys/proc.h), the teller is called a few times a second.
 * Nobody is told by a worker: its parent waits for it, and tells so.
 */
#ifndef SYS_PROGRESS_H
#define SYS_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* Who draws it; NULL, as at the start: nobody.  A text of NULL: nothing is waited for any more. */
void progress_to(void (*draw)(const char *text, int64_t for_ms));

/* "FIRST: words", or "FIRST and N - 1 more: words"; with n = 0 there is nothing to wait for. */
void progress_begin(const char *first, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void progress_end(void);

/* The monotonic instant at which to call progress_tick() again; INT64_MAX: need not be. */
int64_t progress_next_ms(void);
void progress_tick(void);

#endif
