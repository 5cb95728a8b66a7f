/* err.c - the one error type: formatting and growing on the way up.
 * Touches: nothing.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the UTF-8 sequence of two bytes or more at s, 0 if it is malformed (RFC 3629 section
 * 4), a control, or one of the marks that break a line or turn its direction. */
static size_t printable_sequence(const unsigned char *s)
{
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	static const uint32_t least[] = { [2] = 0xa0, [3] = 0x800, [4] = 0x10000 };
	uint32_t code;

	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	code = s[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069))
		return 0;
	return len;
}

/* A text from outside may carry anything: only printable bytes and UTF-8 stay. */
static void tidy(struct err *e, bool cut)
{
	unsigned char *p = (unsigned char *)e->text;

	if (cut)
		memcpy(e->text + sizeof(e->text) - 4, "...", 4);
	while (*p) {
		size_t len = *p < 0x80 ? 1 : printable_sequence(p);

		if (len == 0)
			*p = '?';
		else if (*p < 0x20 || *p == 0x7f)
			*p = ' ';
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
