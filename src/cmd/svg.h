/* svg.h - timelines as a picture: one block a line, with the keys as bars, their certificates under them,
 * what is in the zone when, and the days on which keys go live.
 */
#ifndef CMD_SVG_H
#define CMD_SVG_H

#include "cmd/timeline.h"

struct svg_window {
	int64_t now;
	int64_t until_at;
};

/* Adds an svg element.  alone: as a file of its own, with the style sheet in it; else inside a page that has
 * svg_style. */
void svg_timelines(struct buf *out, const struct timeline *t, size_t n, const struct svg_window *w,
		   bool alone);

#define SVG_FACE "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Liberation Sans\",Arial,sans-serif"

/* The rules of the style sheet, for both colour schemes; every one begins with ".timeline". */
extern const char *const svg_style;

#endif
