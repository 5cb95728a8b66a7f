/* retry.h - how long to leave a failed step alone. */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include <stdint.h>

#define RETRY_FIRST_FOR ((int64_t)5 * 60)
#define RETRY_MAX_FOR   ((int64_t)12 * 60 * 60)        /* below a day, so that a daily run always tries */

/* Doubles from RETRY_FIRST_FOR with every failure up to RETRY_MAX_FOR, then a random part of at most a
 * quarter is taken off, so that many lines do not come back at once.  failures >= 1; draw is uniform
 * in 0..65535: 0 gives the whole delay, 65535 almost three quarters of it.  Never 0, never overflows. */
int64_t retry_delay(int64_t failures, uint16_t draw);

#endif
