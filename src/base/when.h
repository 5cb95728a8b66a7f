/* when.h - durations and dates as text.  No clock: that is sys/clock.
 *
 * Instants are int64_t seconds since the epoch, UTC; durations int64_t seconds.
 */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define MINUTE ((int64_t)60)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WEEK   (7 * DAY)
#define YEAR   (365 * DAY)

#define WHEN_NEVER      INT64_MAX               /* an instant that does not come */
#define WHEN_LAST       ((int64_t)253402300799) /* 9999-12-31T23:59:59Z, the last date we print */
#define WHEN_TEXT_LEN   32                      /* room for every text below, with terminator */

/* "30s 15m 25h 180d 2w 1y", one number and one unit.  A number without unit is not a duration. */
bool when_parse_duration(const char *s, int64_t *out_for);

/* Exact, in the largest unit from days down that fits, so that when_parse_duration reads it back (up
 * to 1000 years): 90000 is "25h", a week "7d". */
void when_format_duration(char out[WHEN_TEXT_LEN], int64_t d_for);

/* For people, two units at most, rounded towards zero: "1d 23h", "45m", "12s", "256d", "2y 31d". */
void when_format_rough(char out[WHEN_TEXT_LEN], int64_t d_for);

/* "@1700000000" or RFC 3339 ("2026-11-28T14:02:00Z", "+01:00" offsets, a blank for the T, or the
 * date alone, which means midnight UTC; fractions of a second are dropped).  Years 1 to 9999 in UTC; a
 * leap second is not known. */
bool when_parse_instant(const char *s, int64_t *out_at);

/* RFC 3339 in UTC, "2026-11-28T14:02:00Z".  Instants outside years 1 to 9999 print as "never". */
void when_format_instant(char out[WHEN_TEXT_LEN], int64_t at);

/* "2026-11-28 14:02", UTC, for tables; and "2026-11-28". */
void when_format_minute(char out[WHEN_TEXT_LEN], int64_t at);
void when_format_date(char out[WHEN_TEXT_LEN], int64_t at);

/* a + b that stays at WHEN_NEVER instead of overflowing; b >= 0. */
int64_t when_add(int64_t at, int64_t d_for);

#endif
