/* text.h - small work on strings: hex, numbers, what may be shown, the nearest word for "did you mean". */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lower-case hex of len bytes; out has room for 2 * len + 1. */
void text_hex(char *out, const unsigned char *bytes, size_t len);

/* True if s is `len` bytes written as lower- or upper-case hex, and nothing else. */
bool text_is_hex(const char *s, size_t len);

/* A whole non-negative decimal number without sign, blanks or leading zeros, at most max.
 * Returns false and leaves *out alone if it is not one. */
bool text_number(const char *s, int64_t max, int64_t *out);

/* The word of words[0..n-1] that is so near to `word` that a typing error is likely, or NULL. */
const char *text_nearest(const char *word, const char *const *words, size_t n);

/* Blanks at both ends go; works in place and returns the new start. */
char *text_trim(char *s);

/* Bytes of the character at s (UTF-8, RFC 3629); 0 if it is malformed, a control, or one of the marks that
 * break a line or turn the direction of what follows, and at the end. */
size_t text_character(const char *s);
/* In place: what text_character() does not know becomes "?", byte by byte; tabs become blanks. */
void text_make_printable(char *s);
/* How many bytes of s, at most `most`, end with a whole character. */
size_t text_fit(const char *s, size_t most);

/* Bytes of a URL up to its path, all of it that is no secret; 0: s has no "://". */
size_t text_origin(const char *s);

bool text_starts(const char *s, const char *prefix);
bool text_ends(const char *s, const char *suffix);

#endif
