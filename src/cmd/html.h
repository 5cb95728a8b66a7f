/* html.h - a page that needs nothing else: no script, nothing from elsewhere, and a policy that says so.
 *
 * All texts are escaped here.  Instants are printed in UTC, with the exact one in the datetime attribute;
 * 0 and WHEN_NEVER as a dash.
 */
#ifndef CMD_HTML_H
#define CMD_HTML_H

#include "base/buf.h"

#include <stdint.h>

/* Everything up to the content of <main>, and from there on. */
void html_begin(struct buf *out, const char *title);
void html_end(struct buf *out);

void html_heading(struct buf *out, int level, const char *id, const char *text);        /* id: or NULL */
/* <p class="class">, class or NULL. */
void html_paragraph(struct buf *out, const char *class, const char *text);
void html_list(struct buf *out, const char *class, const struct strv *texts);  /* nothing if it is empty */
void html_time(struct buf *out, int64_t at);

/* A table in a box that scrolls by itself; on a narrow screen each row is a card, with the name of the column
 * before each cell, and without those that are a dash.  The first cell of each row is its heading. */
struct html_table {
	struct buf *out;
	const char *const *columns;
	size_t      n, at;              /* the column of the next cell */
};
/* label: what it is, for those who do not see the heading over it; shown if there is none (captioned). */
void html_table_begin(struct html_table *t, struct buf *out, const char *label, bool captioned,
		      const char *const *columns, size_t n);
void html_row_begin(struct html_table *t, const char *heading);
void html_row_link(struct html_table *t, const char *id, const char *heading);  /* to what has that id */
void html_cell(struct html_table *t, const char *text);         /* NULL, "" and "-": a dash */
void html_cell_code(struct html_table *t, const char *text);    /* hex: may be broken anywhere */
void html_cell_time(struct html_table *t, int64_t at);
void html_cell_state(struct html_table *t, const char *state, const char *text);        /* as html_state() */
void html_row_end(struct html_table *t);
void html_table_end(struct html_table *t);

/* A word on a coloured ground: "good", "bad" or "note". */
void html_state(struct buf *out, const char *state, const char *text);

/* The box that a picture scrolls in. */
void html_picture_begin(struct buf *out, const char *label);
void html_picture_end(struct buf *out);

/* One server, by one address and one key type, as it was last seen. */
struct html_endpoint {
	const char *owner;              /* "_25._tcp.mx.example.org" */
	const char *address;            /* "192.0.2.1:25" */
	const char *family;             /* "ECDSA" */
	const char *state;              /* as html_state() */
	const char *key;                /* which one is served, in words */
	int64_t     cert_until_at;      /* 0: not known */
	int64_t     seen_at;            /* 0: never */
	const char *error;              /* in words; NULL */
};
void html_endpoints(struct buf *out, const struct html_endpoint *rows, size_t n);

/* What happened to a line, the newest first. */
struct html_event {
	int64_t     at;
	int         keyset, gen;        /* 0: none */
	const char *event, *text;
};
/* No heading: what is said of the log stands between that and the rows. */
void html_history(struct buf *out, const struct html_event *rows, size_t n);

#endif
