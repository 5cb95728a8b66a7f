/* names.h - what a DNS name must look like before it is used for anything. */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A name for a certificate: lower-case LDH labels (RFC 1123 2.1), 1 to 63 bytes each, 253 in all, at
 * least two labels (so "localhost" needs no exception: it is refused), "*" alone only as the first
 * label with at least two more (RFC 6125 6.4.3), no trailing dot, the last label not all digits (that
 * would be an IP address).  ERR_USAGE, with the reason. */
int name_check_host(const char *name, struct err *e) NEEDS_CHECK;

/* A TLSA owner (RFC 6698 3): "_PORT._PROTO.HOST" with PORT 0..65535 or "*", PROTO any label that
 * begins with "_" (RFC 7673 and later add protocols), HOST as above but no wildcard. */
int name_check_owner(const char *name, struct err *e) NEEDS_CHECK;

/* "_25._tcp.mx.example.org" to port and host, which points into it; false: of another protocol, or of
 * any port, where nobody can look. */
bool name_split_tcp(const char *owner, uint16_t *port, const char **host);

/* True if name is at or below apex ("." is above all); no trailing dots; case-insensitive. */
bool name_below(const char *name, const char *apex);

/* A line's name, used as a folder: [A-Za-z0-9._-], 1 to 64 bytes, not beginning with "." or "-". */
int name_check_line(const char *name, struct err *e) NEEDS_CHECK;

#endif
