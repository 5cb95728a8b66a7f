/* lanes.h - the keys of one line in the picture: a bar for each, with its phases, and its certificates under
 * it.
 */
#ifndef CMD_LANES_H
#define CMD_LANES_H

#include "cmd/canvas.h"
#include "cmd/timeline.h"

#define LANES_MAX 12
#define LANE_ROW  44.0                  /* the height of one */

struct lanes {
	struct canvas *d;
	const struct timeline *t;
	size_t    *of;                  /* the lane of each key */
	size_t     n;                   /* how many there are */
	struct row rows[LANES_MAX];     /* beside the bars of keys */
};
void lanes_init(struct lanes *l, struct canvas *d, const struct timeline *t);
void lanes_free(struct lanes *l);
/* A line runs through all of them: before they are drawn. */
void lanes_take_line(struct lanes *l, double x);
void lanes_draw(struct lanes *l, double y);

/* What a bar of this state is called in the picture: "kept". */
const char *lanes_word(enum key_state s);

/* When the first of the keys was made; WHEN_NEVER: there is none. */
int64_t lanes_begin_at(const struct timeline *t);

#endif
