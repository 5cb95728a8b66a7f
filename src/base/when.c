/* when.c - durations and dates as text (RFC 3339 section 5.6).
 * Touches: nothing.
 */
#include "base/when.h"

static const struct unit {
	char    letter;
	int64_t d_for;
} units[] = {
	{ 'y', YEAR }, { 'w', WEEK }, { 'd', DAY }, { 'h', HOUR }, { 'm', MINUTE }, { 's', 1 },
};

#define UNITS_N    (sizeof(units) / sizeof(units[0]))
#define WHEN_FIRST ((int64_t)-62135596800)      /* 0001-01-01T00:00:00Z */

bool when_parse_duration(const char *s, int64_t *out_for)
{
	int64_t n = 0;
	const char *p = s;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > 1000000000000)
			return false;
		n = n * 10 + (*p - '0');
	}
	if (p == s || !*p || p[1])
		return false;
	for (size_t i = 0; i < UNITS_N; i++) {
		if (units[i].letter != *p)
			continue;
		if (n > 1000 * YEAR / units[i].d_for)
			return false;
		*out_for = n * units[i].d_for;
		return true;
	}
	return false;
}

void when_format_duration(char out[WHEN_TEXT_LEN], int64_t d_for)
{
	/* weeks and years are for reading only: 180d stays 180d */
	for (size_t i = 2; i < UNITS_N; i++)
		if (d_for % units[i].d_for == 0 && (d_for || units[i].letter == 's')) {
			snprintf(out, WHEN_TEXT_LEN, "%lld%c", (long long)(d_for / units[i].d_for),
				 units[i].letter);
			return;
		}
}

void when_format_rough(char out[WHEN_TEXT_LEN], int64_t d_for)
{
	const char *sign = d_for < 0 ? "-" : "";
	long long d;

	if (d_for < -INT64_MAX)
		d_for = -INT64_MAX;
	if (d_for < 0)
		d_for = -d_for;
	d = d_for;
	if (d_for >= 2 * YEAR && d_for % YEAR < DAY)
		snprintf(out, WHEN_TEXT_LEN, "%s%lldy", sign, d / YEAR);
	else if (d_for >= 2 * YEAR)
		snprintf(out, WHEN_TEXT_LEN, "%s%lldy %lldd", sign, d / YEAR, d % YEAR / DAY);
	else if (d_for >= 10 * DAY || (d_for >= DAY && d_for % DAY < HOUR))
		snprintf(out, WHEN_TEXT_LEN, "%s%lldd", sign, d / DAY);
	else if (d_for >= DAY)
		snprintf(out, WHEN_TEXT_LEN, "%s%lldd %lldh", sign, d / DAY, d % DAY / HOUR);
	else if (d_for >= HOUR && d_for % HOUR >= MINUTE)
		snprintf(out, WHEN_TEXT_LEN, "%s%lldh %lldm", sign, d / HOUR, d % HOUR / MINUTE);
	else if (d_for >= HOUR)
		snprintf(out, WHEN_TEXT_LEN, "%s%lldh", sign, d / HOUR);
	else if (d_for >= MINUTE)
		snprintf(out, WHEN_TEXT_LEN, "%s%lldm", sign, d / MINUTE);
	else
		snprintf(out, WHEN_TEXT_LEN, "%s%llds", sign, d);
}

/* Exactly n digits at *p, which moves on. */
static bool digits(const char **p, int n, int *out)
{
	*out = 0;
	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

/* "Z" or "+hh:mm": seconds to take away from the local time. */
static bool zone_offset(const char **p, int64_t *out_for)
{
	int h, m, sign = **p == '-' ? -1 : 1;

	*out_for = 0;
	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		return true;
	}
	if (**p != '+' && **p != '-')
		return false;
	(*p)++;
	if (!digits(p, 2, &h) || *(*p)++ != ':' || !digits(p, 2, &m) || h > 23 || m > 59)
		return false;
	*out_for = sign * (h * HOUR + m * MINUTE);
	return true;
}

static bool parse_rfc3339(const char *p, int64_t *out_at)
{
	struct tm tm = { 0 }, back;
	int64_t offset_for = 0;
	time_t t;

	if (!digits(&p, 4, &tm.tm_year) || *p++ != '-' || !digits(&p, 2, &tm.tm_mon) ||
	    *p++ != '-' || !digits(&p, 2, &tm.tm_mday))
		return false;
	if (*p) {
		if (*p != 'T' && *p != 't' && *p != ' ')
			return false;
		p++;
		if (!digits(&p, 2, &tm.tm_hour) || *p++ != ':' || !digits(&p, 2, &tm.tm_min) ||
		    *p++ != ':' || !digits(&p, 2, &tm.tm_sec))
			return false;
		if (*p == '.') {
			size_t n = strspn(++p, "0123456789");

			if (n == 0)
				return false;
			p += n;
		}
		if (!zone_offset(&p, &offset_for) || *p)
			return false;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	back = tm;
	t = timegm(&back);
	/* timegm takes 31 February for 3 March: what comes back must be what went in */
	if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon || back.tm_hour != tm.tm_hour ||
	    back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
		return false;
	if ((int64_t)t - offset_for < WHEN_FIRST || (int64_t)t - offset_for > WHEN_LAST)
		return false;
	*out_at = (int64_t)t - offset_for;
	return true;
}

bool when_parse_instant(const char *s, int64_t *out_at)
{
	int64_t n = 0;

	if (*s != '@')
		return parse_rfc3339(s, out_at);
	if (!*++s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		n = n * 10 + (*s - '0');
		if (n > WHEN_LAST)
			return false;
	}
	*out_at = n;
	return true;
}

/* Broken-down UTC, with the year as people count it; false outside the years that we print. */
static bool civil(struct tm *tm, int64_t at)
{
	time_t t = (time_t)at;

	if (at < WHEN_FIRST || at > WHEN_LAST || !gmtime_r(&t, tm))
		return false;
	tm->tm_year += 1900;
	tm->tm_mon += 1;
	return true;
}

/* Not strftime: its %Y does not pad the year to the four digits of RFC 3339. */
void when_format_instant(char out[WHEN_TEXT_LEN], int64_t at)
{
	struct tm tm;

	if (civil(&tm, at))
		snprintf(out, WHEN_TEXT_LEN, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year,
			 tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	else
		snprintf(out, WHEN_TEXT_LEN, "never");
}

void when_format_minute(char out[WHEN_TEXT_LEN], int64_t at)
{
	struct tm tm;

	if (civil(&tm, at))
		snprintf(out, WHEN_TEXT_LEN, "%04d-%02d-%02d %02d:%02d", tm.tm_year, tm.tm_mon,
			 tm.tm_mday, tm.tm_hour, tm.tm_min);
	else
		snprintf(out, WHEN_TEXT_LEN, "never");
}

void when_format_date(char out[WHEN_TEXT_LEN], int64_t at)
{
	struct tm tm;

	if (civil(&tm, at))
		snprintf(out, WHEN_TEXT_LEN, "%04d-%02d-%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
	else
		snprintf(out, WHEN_TEXT_LEN, "never");
}

int64_t when_add(int64_t at, int64_t d_for)
{
	return at > WHEN_NEVER - d_for ? WHEN_NEVER : at + d_for;
}
