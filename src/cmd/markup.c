/* markup.c - escaping, for SVG and HTML.
 * Touches: nothing.
 */
#include "cmd/markup.h"

#include "base/mem.h"
#include "base/text.h"

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
		size_t len = text_character(s);

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
		size_t len = text_character(s);

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
		size_t len = text_character(s);

		s += len ? len : 1;
	}
	start = mem_copy_strn(text, (size_t)(s - text));
	cut = mem_format("%s...", start);
	free(start);
	return cut;
}
