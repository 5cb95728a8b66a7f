/* notice.c - words that do not wait for a result.
 * Touches: nothing but memory; whoever was named prints.
 */
#include "run/notice.h"

#include "base/mem.h"

#include <stdarg.h>

static void (*teller)(const char *line, bool warning, const char *text);

void notice_to(void (*tell)(const char *line, bool warning, const char *text))
{
	teller = tell;
}

static void say(const char *line, bool warning, const char *fmt, va_list ap)
{
	char *text;

	if (!teller)
		return;
	text = mem_vformat(fmt, ap);
	teller(line, warning, text);
	free(text);
}

void notice_done(const char *line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(line, false, fmt, ap);
	va_end(ap);
}

void notice_warning(const char *line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(line, true, fmt, ap);
	va_end(ap);
}
