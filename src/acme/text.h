/* text.h - texts that a CA sends, made fit for use. */
#ifndef ACME_TEXT_H
#define ACME_TEXT_H

#include "io/json.h"

/* One printable line; bytes that are not printable ASCII are "?".  NULL is "".  The caller frees. */
char *acme_printable(const char *s);

/* An https URL of at most 2048 bytes of visible ASCII. */
bool acme_is_url(const char *s);
/* A string member that is one; NULL.  Owned by o. */
const char *acme_url(const struct json *o, const char *key);

#endif
