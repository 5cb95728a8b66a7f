/* retry.c - capped exponential back-off with jitter.
 * Touches: nothing.
 */
#include "core/retry.h"

int64_t retry_delay(int64_t failures, uint16_t draw)
{
	int64_t d_for = RETRY_FIRST_FOR;

	while (--failures > 0 && d_for < RETRY_MAX_FOR)
		d_for *= 2;
	if (d_for > RETRY_MAX_FOR)
		d_for = RETRY_MAX_FOR;
	return d_for - d_for / 4 * draw / 65536;
}
