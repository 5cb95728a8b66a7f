/* block.h - one line in the picture: its name, the days on which keys go live, the keys with their
 * certificates, and what is in the zone.
 */
#ifndef CMD_BLOCK_H
#define CMD_BLOCK_H

#include "cmd/canvas.h"
#include "cmd/timeline.h"

/* Draws a block that begins at y, and returns where it ends. */
double block_draw(struct canvas *d, const struct timeline *t, double y);

/* What comes next of the line, in words; the caller frees. */
char *block_outlook(const struct canvas *d, const struct timeline *t);

/* When the first of the keys was made; WHEN_NEVER: there is none. */
int64_t block_begin_at(const struct timeline *t);

#endif
