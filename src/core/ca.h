/* ca.h - certification authorities by name. */
#ifndef CORE_CA_H
#define CORE_CA_H

#include <stdbool.h>
#include <stddef.h>

struct ca {
	const char *name;               /* as in the configuration */
	const char *directory;          /* URL of its ACME directory (RFC 8555 section 7.1.1) */
	const char *address_profile;    /* as below */
};

const struct ca *ca_list(size_t *n);

/* The URL of a CA that is named in the configuration, by name or URL; NULL: neither. */
const char *ca_directory(const char *s);

/* The one profile by which the CA has certificates for IP addresses; NULL: any, or none is known. */
const char *ca_address_profile(const char *directory);

/* True if nobody trusts what comes from there: its host name says "staging" or "test-". */
bool ca_is_test(const char *directory);

/* A folder's name for it: its name, or host and path with "_" for what is not [A-Za-z0-9.-].  The
 * caller frees. */
char *ca_folder(const char *directory);

#endif
