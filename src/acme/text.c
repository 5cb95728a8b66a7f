/* text.c - texts of a CA.
 * Touches: nothing but memory.
 */
#include "acme/text.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>

#define URL_LEN_MAX 2048

char *acme_printable(const char *s)
{
	char *copy = mem_copy_str(s ? s : "");

	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f)
			*p = *p == '\n' || *p == '\t' ? ' ' : '?';
	return copy;
}

bool acme_is_url(const char *s)
{
	size_t len = strlen(s);

	if (!text_starts(s, "https://") || len > URL_LEN_MAX || len <= strlen("https://"))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)s[i]))
			return false;
	return true;
}

const char *acme_url(const struct json *o, const char *key)
{
	const char *s = json_str(o, key, NULL);

	return s && acme_is_url(s) ? s : NULL;
}
