/* canvas.h - a drawing that is a span of time wide: where an instant is, how wide a text may be, and the few
 * shapes that a picture is made of.  Shapes come first and texts last, and what stands beside a bar asks its
 * row for room, so that no line runs through a text and no text covers a mark.
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
/* "from 2027-07-04 08:00 to ... UTC", for tool tips; the caller frees. */
char *canvas_span(const struct canvas *d, int64_t from_at, int64_t until_at);

/* Texts.  anchor: "start", "middle" or "end". */
double canvas_wide(const char *text, double size);
/* With "..." at its end if it is wider than the room; the caller frees. */
char *canvas_cut(const char *text, double room, double size);
void canvas_put(struct canvas *d, const char *style, const char *anchor, double x, double y,
		const char *text);
/* The first of the texts that is no wider than `room`, or NULL. */
const char *canvas_fitting(const struct strv *texts, double room, double size);
/* That one, into a bar; false: none fits. */
bool canvas_put_in_bar(struct canvas *d, const char *style, double x, double to_x, double base, double size,
		       const struct strv *texts);

/* What is taken in a row of the picture, from left to right. */
enum taken {
	TAKEN_NOT,
	TAKEN_LINE,                     /* a line runs through it: a text may begin behind */
	TAKEN,
};
struct row {
	unsigned char at[(int)CANVAS_WIDTH + 1];        /* enum taken */
};
void row_take(struct row *r, double x, double to_x, enum taken how);
void row_take_line(struct row *r, double x);
bool row_has_room(const struct row *r, double x, double to_x);
/* Puts the first of the texts that finds room into the row, beginning at x or so much later, behind a line
 * (after), or ending so (before), takes its place, and returns it; NULL: none does.  It jumps over nothing
 * that is TAKEN. */
#define JUMP 8                          /* so far away a text still stands beside its bar */
const char *row_put_after(struct row *r, struct canvas *d, const char *style, double x, int jump, double base,
			  const struct strv *texts);
const char *row_put_before(struct row *r, struct canvas *d, const char *style, double x, int jump,
			   double base, const struct strv *texts);
/* ... or as near to the middle of these two as it can be, beside or between them. */
bool row_put_near(struct row *r, struct canvas *d, const char *style, double x, double to_x, double base,
		  const struct strv *texts);
/* The i-th of n things that lie in time, in the order in which places are given away: that which matters now,
 * what is to come, and what was, the latest first. */
size_t in_turn(size_t i, size_t n, size_t now);

/* Shapes, and their tool tips. */
#define BAR_LEAST 1.5                   /* a shorter bar is drawn so wide */
void canvas_line(struct canvas *d, const char *style, double x, double y, double to_y);
void canvas_rule(struct canvas *d, double y);
#define GEM 5.0                         /* half of its width and height */
/* A diamond around (x, y); title: or NULL. */
void canvas_gem(struct canvas *d, double x, double y, const char *title);
/* That something is wrong: at (x, y), 13 wide and 12 high. */
void canvas_sign(struct canvas *d, double x, double y, const char *title);
void canvas_tip(struct buf *out, const char *text);
void canvas_bar(struct canvas *d, const char *style, double x, double to_x, double y, double height,
		const char *title);

#endif
