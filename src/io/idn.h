/* idn.h - internationalised names to A-labels (RFC 5891) with libidn2. */
#ifndef IO_IDN_H
#define IO_IDN_H

#include "base/err.h"

/* Lower case, A-labels; *out is the caller's.  An ASCII name passes through lower-cased, labels that
 * begin with "_" and a leading "*." included.  A name that IDNA2008 forbids: ERR_USAGE with the reason. */
int idn_to_ascii(char **out, const char *name, struct err *e) NEEDS_CHECK;

#endif
