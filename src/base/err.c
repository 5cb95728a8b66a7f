/* err.c - the one error type: formatting and growing on the way up.
 * Touches: nothing.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>

/* A text from outside may carry anything: only printable bytes and UTF-8 stay. */
static void tidy(struct err *e)
{
	size_t len = strlen(e->text);

	for (char *p = e->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	if (len == sizeof(e->text) - 1)
		memcpy(e->text + len - 3, "...", 3);
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	tidy(e);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;
	size_t len;

	e->kind = ERR_LOCAL;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", why);
	tidy(e);
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char inner[sizeof(e->text)];
	va_list ap;
	size_t len;

	memcpy(inner, e->text, sizeof(inner));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", inner);
	tidy(e);
	return -1;
}
