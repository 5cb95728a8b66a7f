/* eyes_wire.h - what a worker saw, as text for the pipe to its parent and back. */
#ifndef RUN_EYES_WIRE_H
#define RUN_EYES_WIRE_H

#include "dns/look.h"

void eyes_encode(struct buf *out, const struct look_owner *o, size_t n);
/* Fills o[0..n-1] in the order of encoding; ERR_LOCAL if the text is not of that form. */
int eyes_decode(struct look_owner *o, size_t n, const char *text, size_t len, struct err *e) NEEDS_CHECK;
/* One of them, as a value. */
struct json;
void eyes_put(struct json *list, const struct look_owner *o);
bool eyes_get(struct look_owner *o, const struct json *from);   /* false: it is none */

#endif
