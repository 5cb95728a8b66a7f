/* retry.c - capped back-off with jitter.
 * Touches: nothing.
 */
#include "core/retry.h"

#include "base/mem.h"

int64_t retry_delay(int64_t failures, uint16_t draw)
{
	static const int64_t delays[] = { RETRY_FIRST_FOR, 10 * MINUTE, 100 * MINUTE };
	int64_t d_for = failures <= (int64_t)ARRAY_LEN(delays) ? delays[failures - 1] : RETRY_MAX_FOR;

	return d_for - d_for / 4 * draw / 65536;
}
