/* ca.c - the public CAs that speak ACME to everybody.
 * Touches: nothing.
 */
#include "core/ca.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>

#define FOLDER_LEN_MAX 100
#define SCHEME         "https://"

static const struct ca list[] = {
	{ "letsencrypt", "https://acme-v02.api.letsencrypt.org/directory", "shortlived" },
	{ "letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory", "shortlived" },
	{ "zerossl", "https://acme.zerossl.com/v2/DV90", NULL },
	{ "google", "https://dv.acme-v02.api.pki.goog/directory", NULL },
	{ "google-staging", "https://dv.acme-v02.test-api.pki.goog/directory", NULL },
	{ "sslcom-ecc", "https://acme.ssl.com/sslcom-dv-ecc", NULL },
	{ "sslcom-rsa", "https://acme.ssl.com/sslcom-dv-rsa", NULL },
	{ "actalis", "https://acme-api.actalis.com/acme/directory", NULL },
};

const struct ca *ca_list(size_t *n)
{
	*n = ARRAY_LEN(list);
	return list;
}

const char *ca_directory(const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (strcmp(s, list[i].name) == 0)
			return list[i].directory;
	return text_starts(s, SCHEME) && s[strlen(SCHEME)] ? s : NULL;
}

const char *ca_address_profile(const char *directory)
{
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (strcmp(directory, list[i].directory) == 0)
			return list[i].address_profile;
	return NULL;
}

bool ca_is_test(const char *directory)
{
	const char *host = text_starts(directory, SCHEME) ? directory + strlen(SCHEME) : directory;
	char *name = mem_copy_strn(host, strcspn(host, "/:?#")), *test;
	bool is;

	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	test = strstr(name, "test-");
	/* but not "latest-" */
	is = strstr(name, "staging") || (test && (test == name || !isalnum((unsigned char)test[-1])));
	free(name);
	return is;
}

/* So that names that are cut stay different (FNV-1a). */
static uint32_t mark_of(const char *s)
{
	uint32_t mark = 2166136261U;

	for (; *s; s++)
		mark = (mark ^ (unsigned char)*s) * 16777619U;
	return mark;
}

char *ca_folder(const char *directory)
{
	char *s;

	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (strcmp(directory, list[i].directory) == 0)
			return mem_copy_str(list[i].name);
	s = mem_copy_str(text_starts(directory, SCHEME) ? directory + strlen(SCHEME) : directory);
	for (char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			*p = '_';
	if (s[0] == '.')
		s[0] = '_';
	if (strlen(s) > FOLDER_LEN_MAX) {
		char *whole = s;

		s = mem_format("%.*s-%08" PRIx32, FOLDER_LEN_MAX - 9, whole, mark_of(directory));
		free(whole);
	}
	return s;
}
