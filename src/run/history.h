/* history.h - the life of each key of a line, as rows that are only ever added:
 * STATE/lines/LINE/history.jsonl.
 *
 *     {"at":"2027-01-15T08:00:00Z","event":"promoted","keyset":2,"generation":3,"text":"...","known":[...]}
 *
 * It is derived from the ledger and not told by those who act: what the ledger has and the log has not is
 * missing, so that a run that was killed is made up for by the next one.  The rows of one run are one
 * write, and the last of them says in `known` and `told` what the log has now, so that none is there
 * twice, and nothing but the end of a file is read.  A row that was cut by a crash stays, is skipped by
 * readers, and is written anew.
 */
#ifndef RUN_HISTORY_H
#define RUN_HISTORY_H

#include "run/line.h"

/* In the order in which they happen at one instant. */
enum life {
	LIFE_CREATED,
	LIFE_STAGED,
	LIFE_REPLACED,                  /* live no more; its records stay */
	LIFE_PROMOTED,                  /* live for the first time */
	LIFE_ROLLED_BACK,               /* live again */
	LIFE_RENEWED,                   /* a new certificate */
	LIFE_DEPLOYED,                  /* every post-certchange hook has acknowledged a generation */
	LIFE_PUBLISHED,                 /* its records, acknowledged by every publisher */
	LIFE_SEEN,                      /* ... and shown by every name server */
	LIFE_SERVED,                    /* every server was seen to present it */
	LIFE_COMPROMISED,
	LIFE_REVOKED,
	LIFE_RETIRED,                   /* its records are wanted no more */
	LIFE_DESTROYED,                 /* its files are deleted */
	LIVES_N,
};
const char *life_name(enum life what);          /* "rolled back" */

struct history_row {
	int64_t   at;
	enum life what;
	int       keyset, gen;          /* 0: none */
	char     *text;
};
struct history_rows {
	struct history_row *v;
	size_t n;
};
void history_rows_free(struct history_rows *r);

/* What the log has of a keyset. */
struct history_known {
	int      id, gen;
	unsigned had;                   /* mask of 1 << life */
};
struct history_mark {
	struct history_known *v;
	size_t n;
	int    told_gen;                /* the last one that LIFE_DEPLOYED was about */
};

/* What the ledger alone does not say of a keyset. */
struct history_key {
	int     keyset;
	int64_t published_at, seen_at, served_at;       /* 0: not */
	int64_t made_at;                /* its newest generation; 0: not known */
	char   *keys, *certificates;    /* in words; NULL: not known */
};
struct history_view {
	const struct ledger *ledger;
	struct history_key  *keys;
	size_t  keys_n;
	int     told_gen;               /* the generation that every hook has acknowledged; 0: none */
	int64_t told_at;
	int64_t now;
};

/* Pure: the rows that are missing, in the order in which they happened; the mark becomes that of a log which
 * has them. */
void history_missing(struct history_rows *out, struct history_mark *m, const struct history_view *v);

/* Rows as they are in the file.  What is no whole row is counted in *damaged; *unmarked: how many rows, at
 * the end, the mark does not know of, since a crash has cut what was to come after them; all: there is no
 * mark. */
void history_encode(struct buf *out, const struct history_rows *rows, const struct history_mark *m);
void history_decode(struct history_rows *out, struct history_mark *m, size_t *unmarked, size_t *damaged,
		    const char *text);
/* Rows that are among the last n of `there`, too, go. */
void history_drop(struct history_rows *rows, const struct history_rows *there, size_t n);
void history_mark_free(struct history_mark *m);

/* What is missing in the log of a line, and the mark for it; nothing is written. */
struct history_due {
	struct history_rows rows;
	struct history_mark mark;
};
int history_due(struct history_due *out, const struct world *w, const struct line *l,
		struct err *e) NEEDS_CHECK;
int history_append(const struct history_due *d, const struct line_config *c, struct err *e) NEEDS_CHECK;
void history_due_free(struct history_due *d);

/* The whole log, or the last rows if it is very long: then *cut. */
int history_read(struct history_rows *out, size_t *damaged, bool *cut, const struct line_config *c,
		 struct err *e) NEEDS_CHECK;

#endif
