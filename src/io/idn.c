/* idn.c - the only user of libidn2: names to A-labels, strictly as IDNA2008 says (RFC 5891 5).
 *
 * The mappings of UTS 46 are off: they turn ligatures into letters and drop invisible characters
 * without a word, and together with IDN2_USE_STD3_ASCII_RULES even drop a "_" or "/".  They only
 * serve to propose what may have been meant.
 * Touches: nothing.
 */
#include "io/idn.h"

#include "base/mem.h"

#include <stdbool.h>

#include <idn2.h>

static bool is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

/* RFC 5891 4.2.3.1; libidn2 looks for it only among the mappings. */
static bool has_bad_hyphen(const char *name)
{
	for (;;) {
		size_t len = strcspn(name, ".");

		if (!is_ascii(name, len) && (name[0] == '-' || name[len - 1] == '-'))
			return true;
		if (!name[len])
			return false;
		name += len + 1;
	}
}

static int refuse(const char *name, const char *why, struct err *e)
{
	char *mapped = NULL, *meant = NULL;

	if (idn2_to_ascii_8z(name, &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
	    idn2_to_unicode_8z8z(mapped, &meant, 0) == IDN2_OK && strlen(meant) < 256)
		err_set(e, ERR_USAGE, "\"%.256s\": %s (did you mean \"%s\"?)", name, why, meant);
	else
		err_set(e, ERR_USAGE, "\"%.256s\": %s", name, why);
	idn2_free(mapped);
	idn2_free(meant);
	return -1;
}

int idn_to_ascii(char **out, const char *name, struct err *e)
{
	char *lower = mem_copy_str(name), *ascii = NULL;
	int rc, result = -1;

	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	if (is_ascii(lower, strlen(lower))) {
		*out = lower;
		return 0;
	}
	if (has_bad_hyphen(lower)) {
		err_set(e, ERR_USAGE, "\"%.256s\": a label begins or ends with \"-\"", name);
		goto out;
	}
	rc = idn2_to_ascii_8z(lower, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);
	if (rc == IDN2_MALLOC)
		mem_bug("libidn2 has no memory");
	if (rc != IDN2_OK) {
		refuse(lower, idn2_strerror(rc), e);
		goto out;
	}
	*out = mem_copy_str(ascii);
	result = 0;
out:
	free(lower);
	idn2_free(ascii);
	return result;
}
