/* text.c - hex, numbers, characters, nearest words.
 * Touches: nothing.
 */
#include "base/text.h"

#include "base/mem.h"

void text_hex(char *out, const unsigned char *bytes, size_t len)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digit[bytes[i] >> 4];
		out[2 * i + 1] = digit[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

bool text_is_hex(const char *s, size_t len)
{
	return strlen(s) == 2 * len && strspn(s, "0123456789abcdefABCDEF") == 2 * len;
}

size_t text_character(const char *s)
{
	static const uint32_t least[] = { [2] = 0xa0, [3] = 0x800, [4] = 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t c;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	c = p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || c == 0xfffe || c == 0xffff ||
	    c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return 0;
	return len;
}

void text_make_printable(char *s)
{
	while (*s) {
		size_t len = text_character(s);

		if (!len)
			*s = *s == '\t' ? ' ' : '?';
		s += len ? len : 1;
	}
}

size_t text_fit(const char *s, size_t most)
{
	size_t len = strnlen(s, most);

	/* the first byte that is left out may go on with a character */
	while (len && (s[len] & 0xc0) == 0x80)
		len--;
	return len;
}

size_t text_origin(const char *s)
{
	const char *host = strstr(s, "://");

	return host ? (size_t)(host + 3 - s) + strcspn(host + 3, "/?#") : 0;
}

bool text_number(const char *s, int64_t max, int64_t *out)
{
	int64_t n = 0;

	if (!*s || (s[0] == '0' && s[1]))
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || n > (max - (*s - '0')) / 10)
			return false;
		n = n * 10 + (*s - '0');
	}
	if (n > max)
		return false;
	*out = n;
	return true;
}

/* Levenshtein distance with a swap of neighbours as one step; words over 63 bytes are near none. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), d[3][64];

	if (la > 63 || lb > 63)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = d[i % 3], *up = d[(i - 1) % 3], *upup = d[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    upup[j - 2] + 1 < best)
				best = upup[j - 2] + 1;
			now[j] = best;
		}
	}
	return d[la % 3][lb];
}

const char *text_nearest(const char *word, const char *const *words, size_t n)
{
	const char *found = NULL;
	size_t best = strlen(word) / 3 + 1;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, words[i]);

		if (d <= best && d < strlen(words[i])) {
			if (found && d == best)
				continue;
			best = d;
			found = words[i];
		}
	}
	return found;
}

char *text_trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r\n");
	len = strlen(s);
	while (len && strchr(" \t\r\n", s[len - 1]))
		s[--len] = '\0';
	return s;
}

bool text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *s, const char *suffix)
{
	size_t ls = strlen(s), lx = strlen(suffix);

	return ls >= lx && strcmp(s + ls - lx, suffix) == 0;
}
