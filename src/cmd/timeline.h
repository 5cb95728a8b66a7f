/* timeline.h - the life of a line as spans of time: the past as far as the ledger knows it, and the future as
 * the rule table will have it if everything succeeds.  What is drawn (svg.h), and nothing about how.
 *
 * No clock, and no I/O but that of timeline_take().  An instant of 0 lies before what is known, WHEN_NEVER
 * beyond what was looked at.
 */
#ifndef CMD_TIMELINE_H
#define CMD_TIMELINE_H

#include "run/history.h"
#include "run/line.h"

/* A key from its making to the removal of its records. */
enum key_state {
	KEY_STAGED,             /* made; its records are not published, or never will be */
	KEY_PUBLISHED,          /* ... published: caches learn them */
	KEY_LIVE,
	KEY_RETIRED,            /* no longer live, its records are still published */
	KEY_STATES_N,
};
const char *key_state_name(enum key_state s);   /* "staged", "published", "live", "retired" */

struct stretch {
	enum key_state state;
	int64_t from_at, until_at;
	const char *why;                /* it begins, in the words of the rule table; NULL: it has begun */
};

struct timeline_cert {
	int64_t from_at;
	int64_t until_at;               /* replaced, or of no use any more with its key */
	int64_t ends_at;                /* not valid any more; WHEN_NEVER: not known */
	bool    stand_in;
};

/* A key that is not made yet has the number that it will get. */
struct timeline_key {
	int     number;                 /* of the keyset */
	bool    compromised;
	struct stretch *stretches;      /* in order, without gaps */
	size_t  stretches_n;
	struct timeline_cert *certs;
	size_t  certs_n;
	int64_t zone_from_at, zone_until_at;    /* its records are in the zone; both WHEN_NEVER: never */
};

/* What is in the zone for a while: the records of these keys. */
struct timeline_set {
	int64_t from_at, until_at;
	int    *keys;                   /* their numbers */
	size_t  keys_n;
};

/* A key goes live: DO_MAKE_KEY, DO_PROMOTE or DO_ROLL_BACK. */
struct timeline_mark {
	int64_t   at;
	enum step step;
	int       key;
	const char *why;                /* NULL: it is past */
};

struct timeline {
	const char *name;               /* the line's */
	const char *error;              /* why nothing is known of it, and nothing else is set; NULL */
	const struct strv *trouble;     /* what is owed or fails now, each a text; NULL: nothing */
	enum phase  phase;
	struct forecast next;
	enum step   held;               /* what its reason is about, if it is not what comes next */
	struct timeline_key *keys;
	size_t keys_n;
	struct timeline_set *sets;
	size_t sets_n;
	struct timeline_mark *marks;    /* in order */
	size_t marks_n;
};

/* f: of the line.  past: its log, for what the ledger does not remember: certificates that were replaced, and
 * a key that was live before it is live again; or none.  Texts are those of the line and of the facts, and
 * live as long. */
void timeline_make(struct timeline *t, const struct line *l, const struct facts *f,
		   const struct history_rows *past, int64_t now, int64_t until_at);
struct view;
/* The same for a line that was looked at, with its log as far as it can be read, and what is wrong with the
 * line.  The view must live as long. */
void timeline_take(struct timeline *t, const struct view *v, int64_t until_at);
void timeline_free(struct timeline *t);

/* The fold: every step to come until then, at its instant, each one assumed to succeed.  `each` is called
 * before that. */
void timeline_foresee(const struct policy *p, const struct facts *f, int64_t now, int64_t until_at,
		      void (*each)(void *arg, int64_t at, const struct decision *d), void *arg);

#endif
