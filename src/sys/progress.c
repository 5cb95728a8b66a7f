/* progress.c - a short stack of waits, and the pace at which the innermost is told.
 * Touches: nothing; whoever was named draws.
 */
#include "sys/progress.h"

#include "base/mem.h"
#include "sys/clock.h"

#include <stdarg.h>
#include <stdbool.h>

#define WAITS_MAX 8
#define TICK_MS   200

struct wait {
	char   *text;                   /* NULL: nothing to tell */
	int64_t begun_ms;
};

static struct wait waits[WAITS_MAX];
static size_t waits_n;
static int64_t next_ms;
static bool told;                       /* ... and not taken back */
static void (*teller)(const char *text, int64_t for_ms);

void progress_to(void (*draw)(const char *text, int64_t for_ms))
{
	teller = draw;
}

/* A wait that is over before the first tick is not worth a word. */
static void rest(void)
{
	next_ms = clock_monotonic_ms() + TICK_MS;
}

void progress_begin(const char *first, size_t n, const char *fmt, ...)
{
	struct wait *w = &waits[waits_n];
	char *what, *more = NULL;
	va_list ap;

	if (waits_n++ >= WAITS_MAX)
		mem_bug("too many waits inside each other");
	*w = (struct wait){ .begun_ms = clock_monotonic_ms() };
	rest();
	if (!teller || n == 0)
		return;
	va_start(ap, fmt);
	what = mem_vformat(fmt, ap);
	va_end(ap);
	if (n > 1)
		more = mem_format(" and %zu more", n - 1);
	w->text = mem_format("%s%s: %s", first, more ? more : "", what);
	free(what);
	free(more);
}

void progress_end(void)
{
	if (waits_n == 0)
		mem_bug("the end of a wait that was not begun");
	free(waits[--waits_n].text);
	rest();
	if (teller && told)
		teller(NULL, 0);
	told = false;
}

static const struct wait *innermost(void)
{
	return teller && waits_n && waits[waits_n - 1].text ? &waits[waits_n - 1] : NULL;
}

int64_t progress_next_ms(void)
{
	return innermost() ? next_ms : INT64_MAX;
}

void progress_tick(void)
{
	const struct wait *w = innermost();
	int64_t now_ms;

	if (!w)
		return;
	now_ms = clock_monotonic_ms();
	if (now_ms < next_ms)
		return;
	teller(w->text, now_ms - w->begun_ms);
	told = true;
	rest();
}
