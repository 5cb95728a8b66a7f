/* tlsa.c - TLSA records as values: making, reading, printing, and whether a set covers what is
 * served.
 *
 * Every digest that is handed out or compared went through digest_of(): the digest of nothing,
 * which a program computes when it failed to read a certificate, is not one.  RFC 6698 section 2,
 * RFC 7671 section 8.
 * Touches: nothing.
 */
#include "core/tlsa.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <strings.h>

static const char nothing_sha256[] =
	"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char nothing_sha512[] =
	"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";

static const char *checked(const char *hex, size_t len, const char *nothing)
{
	return strnlen(hex, 2 * len + 1) == 2 * len && text_is_hex(hex, len) &&
	       strcasecmp(hex, nothing) != 0 ? hex : NULL;
}

/* The association data that the leaf has under p, or NULL. */
static const char *digest_of(const struct tlsa_leaf *leaf, struct tlsa_params p)
{
	if (p.usage == 2 && p.matching == 1 && p.selector <= 1)
		return checked(p.selector ? leaf->ta_spki_sha256 : leaf->ta_cert_sha256, 32,
			       nothing_sha256);
	if (p.usage == 2 || p.selector != 1)
		return NULL;
	switch (p.matching) {
	case 1:
		return checked(leaf->spki_sha256, 32, nothing_sha256);
	case 2:
		return checked(leaf->spki_sha512, 64, nothing_sha512);
	default:
		return NULL;
	}
}

bool tlsa_make(struct tlsa_rdata *out, struct tlsa_params p, const struct tlsa_leaf *leaf)
{
	const char *hex = digest_of(leaf, p);
	size_t i;

	if (p.usage < 2 || p.usage > 3 || !hex)
		return false;
	*out = (struct tlsa_rdata){ .p = p };
	for (i = 0; hex[i]; i++)
		out->hex[i] = (char)tolower((unsigned char)hex[i]);
	return true;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A number 0..255 and the blanks behind it; *s moves on. */
static bool parse_octet(uint8_t *out, const char **s)
{
	char digits[4] = "";
	size_t len = strspn(*s, "0123456789");
	int64_t n;

	if (len >= sizeof(digits) || !blank((*s)[len]))
		return false;
	memcpy(digits, *s, len);
	if (!text_number(digits, 255, &n))
		return false;
	*out = (uint8_t)n;
	for (*s += len; blank(**s); (*s)++)
		;
	return true;
}

bool tlsa_split(struct tlsa_params *p, char **hex, const char *data)
{
	struct tlsa_params r;
	size_t n = 0;
	char *out;

	if (!parse_octet(&r.usage, &data) || !parse_octet(&r.selector, &data) ||
	    !parse_octet(&r.matching, &data))
		return false;
	out = mem_alloc(strlen(data) + 1);
	for (; *data; data++) {
		if (blank(*data) && data[1])
			continue;
		if (!isxdigit((unsigned char)*data))
			break;
		out[n++] = (char)tolower((unsigned char)*data);
	}
	if (*data || n == 0 || n % 2) {
		free(out);
		return false;
	}
	*p = r;
	*hex = out;
	return true;
}

bool tlsa_parse(struct tlsa_rdata *out, const char *data)
{
	struct tlsa_params p;
	char *hex;
	bool fits;

	if (!tlsa_split(&p, &hex, data))
		return false;
	fits = strlen(hex) <= TLSA_DIGEST_HEX_MAX;
	if (fits) {
		*out = (struct tlsa_rdata){ .p = p };
		memcpy(out->hex, hex, strlen(hex));
	}
	free(hex);
	return fits;
}

bool tlsa_is_of_nothing(const char *hex)
{
	return strcasecmp(hex, nothing_sha256) == 0 || strcasecmp(hex, nothing_sha512) == 0;
}

char *tlsa_format(const struct tlsa_rdata *r)
{
	return mem_format("%u %u %u %s", r->p.usage, r->p.selector, r->p.matching, r->hex);
}

static bool same_params(struct tlsa_params a, struct tlsa_params b)
{
	return a.usage == b.usage && a.selector == b.selector && a.matching == b.matching;
}

/* Usages 1 and 3 speak of the leaf, and of the leaf we hold nothing but the digests of its key; usage 2 of
 * somebody above it, of whom we know the last that is sent. */
static bool computable(struct tlsa_params p)
{
	if (p.usage == 2)
		return p.selector <= 1 && p.matching == 1;
	return (p.usage == 1 || p.usage == 3) && p.selector == 1 &&
	       (p.matching == 1 || p.matching == 2);
}

static bool has_match(const struct tlsa_rdata *set, size_t n, struct tlsa_params p,
		      const struct tlsa_leaf *leaf)
{
	const char *hex = digest_of(leaf, p);

	for (size_t i = 0; hex && i < n; i++)
		if (same_params(set[i].p, p) && strcasecmp(set[i].hex, hex) == 0)
			return true;
	return false;
}

enum tlsa_cover tlsa_covers(const struct tlsa_rdata *set, size_t n, const struct tlsa_leaf *leaves,
			    size_t leaves_n)
{
	enum tlsa_cover cover = n && !leaves_n ? TLSA_UNKNOWN : TLSA_COVERS;

	for (size_t i = 0; i < n; i++) {
		if (!computable(set[i].p)) {
			cover = TLSA_UNKNOWN;
			continue;
		}
		for (size_t j = 0; j < leaves_n; j++)
			if (!has_match(set, n, set[i].p, &leaves[j]))
				return TLSA_LACKS;
	}
	return cover;
}

/* Of digests of the same thing clients take the strongest that the set has. */
static bool hidden(const struct tlsa_rdata *set, size_t n, struct tlsa_params p, const struct tlsa_leaf *leaf)
{
	struct tlsa_params stronger = { p.usage, p.selector, 2 };
	bool there = false;

	for (size_t i = 0; i < n && p.matching == 1; i++)
		there |= same_params(set[i].p, stronger);
	return there && !has_match(set, n, stronger, leaf);
}

bool tlsa_accepted(const struct tlsa_rdata *set, size_t n, const struct tlsa_leaf *leaves, size_t leaves_n)
{
	for (size_t j = 0; j < leaves_n; j++) {
		bool accepted = false;

		for (size_t i = 0; i < n && !accepted; i++)
			accepted = has_match(set, n, set[i].p, &leaves[j]) && !hidden(set, n, set[i].p, &leaves[j]);
		if (!accepted)
			return false;
	}
	return leaves_n > 0;
}
