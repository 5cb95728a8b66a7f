/* block.h - one line in the picture: its name, what is wrong with it, the days on which keys go live, the
 * keys with their certificates, and what is in the zone.
 */
#ifndef CMD_BLOCK_H
#define CMD_BLOCK_H

#include "cmd/canvas.h"
#include "cmd/timeline.h"

/* Draws a block that begins at y, and returns where it ends. */
double block_draw(struct canvas *d, const struct timeline *t, double y);

/* What comes next of the line, in words; the caller frees. */
char *block_outlook(const struct canvas *d, const struct timeline *t);

/* What is wrong with the line, in words; NULL: nothing.  The caller frees. */
char *block_trouble(const struct timeline *t);

#endif
