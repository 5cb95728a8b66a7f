/* eyes_wire.h - what a worker saw, as JSON for the pipe to its parent and back. */
#ifndef RUN_EYES_WIRE_H
#define RUN_EYES_WIRE_H

#include "dns/look.h"

struct json;

struct json *eyes_encode(const struct look_owner *o, size_t n);         /* an array; the caller frees */
/* Fills o[0..n-1], which are empty, in the order of encoding.  False if `all` is not of that form; what was
 * filled is the caller's to free all the same. */
bool eyes_decode(struct look_owner *o, size_t n, const struct json *all);

#endif
