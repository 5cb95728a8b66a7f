/* markup.c - escaping, for SVG and HTML.
 * Touches: nothing.
 */
#include "cmd/markup.h"

#include "base/mem.h"

#include <stdint.h>

/* Bytes of the character at s, 0 if it is none that XML allows (RFC 3629, XML 1.0 section 2.2). */
static size_t character(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c;
	size_t len;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if ((p[0] & 0xf0) == 0xe0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	c = p[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < 0xa0 || (len == 3 && c < 0x800) || (len == 4 && (c < 0x10000 || c > 0x10ffff)) ||
	    (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff)
		return 0;
	/* marks that turn the direction of what follows */
	if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f)
		return 0;
	return len;
}

static const char *reference(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

void markup_text(struct buf *out, const char *text)
{
	for (const char *s = text ? text : ""; *s;) {
		const char *ref = reference(*s);
		size_t len = character(s);

		if (ref)
			buf_add_str(out, ref);
		else if (len)
			buf_add(out, s, len);
		else
			buf_add_char(out, *s == '\n' || *s == '\t' || *s == '\r' ? ' ' : '?');
		s += len ? len : 1;
	}
}

void markup_textf(struct buf *out, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = mem_vformat(fmt, ap);
	va_end(ap);
	markup_text(out, text);
	free(text);
}

size_t markup_len(const char *text)
{
	size_t n = 0;

	for (const char *s = text; *s; n++) {
		size_t len = character(s);

		s += len ? len : 1;
	}
	return n;
}

char *markup_cut(const char *text, size_t max)
{
	const char *s = text;
	size_t keep = max > 3 ? max - 3 : 0;
	char *start, *cut;

	if (markup_len(text) <= max)
		return mem_copy_str(text);
	for (size_t n = 0; n < keep; n++) {
		size_t len = character(s);

		s += len ? len : 1;
	}
	start = mem_copy_strn(text, (size_t)(s - text));
	cut = mem_format("%s...", start);
	free(start);
	return cut;
}
