/* tsig.h - TSIG keys and their files, as BIND's tsig-keygen and "ddns-confgen -q" write them.
 * RFC 8945.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "base/err.h"

#include <stddef.h>

struct tsig_key {
	char  *name;                    /* canonical */
	char  *algorithm;               /* "hmac-sha256", "hmac-sha384", "hmac-sha512" */
	char  *secret;                  /* base64; wiped by tsig_key_free */
};

/* Reads the one `key "NAME" { algorithm ...; secret "..."; };` of the file; //, # and C comments as
 * BIND has them.  ERR_LOCAL if it cannot be read; else ERR_USAGE, "FILE:LINE: ..." with a remedy:
 * no key, several keys, something else beside it, an algorithm that is not supported (hmac-sha224,
 * sha1 and md5 are refused by name), a secret that is no base64 or shorter than 16 bytes.
 * No text has anything of the secret.  *exposed: everybody can read the file, which is the caller's
 * business; 0 after an error. */
int tsig_key_read(struct tsig_key *out, const char *path, int *exposed, struct err *e) NEEDS_CHECK;
/* The same from text, for tests and fuzzers; path is for messages. */
int tsig_key_parse(struct tsig_key *out, const char *text, size_t len, const char *path,
		   struct err *e) NEEDS_CHECK;
void tsig_key_free(struct tsig_key *k);

#endif
