/* err.c - the one error type: formatting and growing on the way up.
 * Touches: nothing.
 */
#include "base/err.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text from outside may carry anything: only printable bytes and UTF-8 stay. */
static void tidy(struct err *e, bool cut)
{
	char *p = e->text;

	if (cut)
		memcpy(e->text + sizeof(e->text) - 4, "...", 4);
	while (*p) {
		size_t len = text_character(p);

		if (!len)
			*p = ((unsigned char)*p < 0x20 || *p == 0x7f) ? ' ' : '?';
		p += len ? len : 1;
	}
}

/* "words: rest", put together before the old text goes: both may be part of it. */
static __attribute__((format(printf, 3, 0))) void put(struct err *e, const char *rest,
						      const char *fmt, va_list ap)
{
	char text[sizeof(e->text)] = { 0 };
	int words = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = words < 0 ? 0 : (size_t)words;
	bool cut = len >= sizeof(text);

	if (rest && !cut) {
		int more = snprintf(text + len, sizeof(text) - len, ": %s", rest);

		cut = more < 0 || (size_t)more >= sizeof(text) - len;
	}
	memcpy(e->text, text, sizeof(text));
	tidy(e, cut);
}

int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	e->kind = kind;
	va_start(ap, fmt);
	put(e, NULL, fmt, ap);
	va_end(ap);
	return -1;
}

int err_sys(struct err *e, const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list ap;

	e->kind = ERR_LOCAL;
	va_start(ap, fmt);
	put(e, why, fmt, ap);
	va_end(ap);
	return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(e, e->text, fmt, ap);
	va_end(ap);
	return -1;
}
