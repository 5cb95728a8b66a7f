/* canvas.h - a drawing that is a span of time wide: where an instant is, how wide a text may be, and the few
 * shapes that a picture is made of.  Shapes come first and texts last, so that no line runs through a text.
 */
#ifndef CMD_CANVAS_H
#define CMD_CANVAS_H

#include "base/buf.h"

#include <stdint.h>

#define CANVAS_MAX   ((size_t)256 << 20)
#define CANVAS_WIDTH 1200.0
#define LEFT         16.0               /* of what has a time */
#define RIGHT        (CANVAS_WIDTH - LEFT)

#define BIG   12.0                      /* sizes of texts */
#define BOLD  13.0                      /* as wide as 12 in bold face */
#define SMALL 10.5

struct canvas {
	struct buf *out;                /* shapes */
	struct buf  texts;
	int64_t     now, from_at, until_at;
};

/* Time.  What lies outside is at the margins. */
double canvas_place(const struct canvas *d, int64_t at);
bool canvas_has(const struct canvas *d, int64_t at);

struct date {
	int year, month, day;           /* month: 0 to 11 */
};
struct date canvas_date(int64_t at);
extern const char *const month_names[];
/* "4 Jul", with the year if it is far from now, and with the hour if the whole picture is of few days. */
#define DAY_TEXT_LEN 32
void canvas_day(char out[DAY_TEXT_LEN], const struct canvas *d, int64_t at);

/* Texts.  anchor: "start", "middle" or "end". */
double canvas_wide(const char *text, double size);
void canvas_put(struct canvas *d, const char *style, const char *anchor, double x, double y,
		const char *text);
/* The first of the texts that is no wider than `room`, or NULL. */
const char *canvas_fitting(const struct strv *texts, double room, double size);
/* That one, into a bar; false: none fits. */
bool canvas_put_in_bar(struct canvas *d, const char *style, double x, double to_x, double base, double size,
		       const struct strv *texts);

/* Shapes, and their tool tips. */
#define BAR_LEAST 1.5                   /* a shorter bar is drawn so wide */
void canvas_line(struct canvas *d, const char *style, double x, double y, double to_y);
void canvas_rule(struct canvas *d, double y);
void canvas_tip(struct buf *out, const char *text);
void canvas_bar(struct canvas *d, const char *style, double x, double to_x, double y, double height,
		const char *title);

#endif
