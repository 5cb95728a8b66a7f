/* servers.h - looking at the servers of lines, and remembering what they presented (core/served.h). */
#ifndef RUN_SERVERS_H
#define RUN_SERVERS_H

#include "run/looks.h"

/* Whether servers must be looked at now: something depends on what they present, or the last look is long
 * ago. */
bool servers_due(const struct world *w, const struct line *l);
/* Adds a look at all endpoints of those of the lines that look. */
void servers_add(struct looks *all, struct line *const *lines, size_t n, const struct world *w);

/* A mask of the families of keys that are offered: those of the live key, and of retired ones. */
unsigned servers_families(const struct line *l);

/* What is asked of the endpoints of a line: the live key, and whatever else may be met there. */
struct servers_question {
	struct served_question q;
	struct served_key *keys;
	struct strv words;
};
void servers_ask(struct servers_question *out, const struct world *w, const struct line *l);
void servers_ask_free(struct servers_question *q);

/* Owners at which the line has no records, and wants none yet, since their servers are not known to present
 * the live key: first they do, then a record says so.  "" stands for what hooks publish. */
struct servers_held {
	struct strv owners;             /* the caller frees */
	int64_t     until_at;           /* of the first of them, if nothing changes; WHEN_NEVER: time alone
					 * will not do */
	struct strv kept;               /* if that is all of the configured ones: the owners that have records
					 * all the same, and keep them until then; the caller frees */
};
void servers_held(struct servers_held *out, const struct world *w, const struct line *l);
void servers_held_free(struct servers_held *h);

/* Every endpoint that was reached presents the live key and its certificate. */
bool servers_content(const struct world *w, const struct line *l);
/* Some endpoint presents an older key or certificate of the line than the live one: the servers were told,
 * and did not listen. */
bool servers_behind(const struct world *w, const struct line *l);

/* What was seen, for people: a row for each view. */
struct servers_row {
	const struct endpoint *endpoint;
	enum key_family family;
	const struct served_view *view;
	char *key;                      /* "the live key", "a key that is not of this line"; NULL: none was
					 * presented */
	bool  good;                     /* it presents what it should */
	bool  current;                  /* ... by its newest certificate */
};
void servers_rows(struct servers_row **out, size_t *n, const struct world *w, const struct line *l);
void servers_rows_free(struct servers_row *v, size_t n);        /* the array, too */

/* Since when every server presents the live key, if that is the keyset; 0: not all do. */
int64_t servers_since(const struct world *w, const struct line *l, int keyset);

/* What is wrong at the servers: to be told, and the line is not in order.  One sentence each; about:
 * parallel to it, which endpoint and kind of key that is, or NULL. */
void servers_alarms(struct strv *out, struct strv *about, const struct world *w, const struct line *l,
		    const struct facts *f);
/* What is worth knowing, and no more. */
void servers_warnings(struct strv *out, const struct world *w, const struct line *l, const struct facts *f);

#endif
