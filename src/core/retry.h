/* retry.h - how long to leave a failed step alone. */
#ifndef CORE_RETRY_H
#define CORE_RETRY_H

#include "base/when.h"

#define RETRY_FIRST_FOR MINUTE
#define RETRY_MAX_FOR   (23 * HOUR)     /* below a day, so that a daily run always tries */

/* What CAs ask of clients: after a minute, ten and a hundred minutes, then once a day.  Of each a random part
 * of at most a quarter is taken off, so that many lines do not come back at once.  failures >= 1; draw is
 * uniform in 0..65535: 0 gives the whole delay, 65535 almost three quarters of it.  Never 0, never
 * overflows. */
int64_t retry_delay(int64_t failures, uint16_t draw);

#endif
