/* markup.h - text in SVG and HTML: whatever it is, it stays text. */
#ifndef CMD_MARKUP_H
#define CMD_MARKUP_H

#include "base/buf.h"

/* For element content and quoted attributes: & < > " ' as references; control characters and what is no UTF-8
 * become "?", line ends and tabs blanks.  NULL is "". */
void markup_text(struct buf *out, const char *text);
void markup_textf(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Characters, as far as it is UTF-8. */
size_t markup_len(const char *text);
/* At most `max` characters, the last three of them "..." if there were more; the caller frees. */
char *markup_cut(const char *text, size_t max);

#endif
