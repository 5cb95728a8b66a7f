/* engine.h - one run: observe, ask the rule table, do the step, note it, and again until nothing is left.
 *
 * Lines go side by side in rounds.  A round asks every line for its next step and does all of them: hooks
 * side by side (of one line in their order, never two runs of one program at a time), changes of links and
 * notes here, one after the other.  What needs a key or a CA is done in worker processes when nothing else
 * is left to do; a line whose worker is done does not wait long for the others'.  Only this process writes
 * state.json.
 */
#ifndef RUN_ENGINE_H
#define RUN_ENGINE_H

#include "run/line.h"

enum tell {
	TELL_DONE,              /* something happened */
	TELL_FAILED,            /* something did not; text is an error */
	TELL_OUTPUT,            /* output of a hook, one line of it */
	TELL_WHY,               /* a reason, for those who want to know */
};

struct engine {
	struct world *w;
	unsigned      jobs;             /* children at a time */
	bool          init;             /* lines that were never set up are set up */
	bool          dry_run;          /* reasons only: nothing is changed */
	/* problems: what CAs sent in a step that failed (acme/problem.h), a JSON array; NULL: nothing */
	void        (*tell)(void *arg, enum tell kind, const struct line *l, const char *text,
			    const struct json *problems);
	void         *arg;
};

/* Orders of an operator, carried out before the first round. */
struct order {
	enum { ORDER_NONE, ORDER_RENEW, ORDER_ROLL, ORDER_BACK, ORDER_REVOKE } what;
	bool emergency, force;
	bool revoke;                    /* ROLL: the certificates of the old key, when it is not served any more */
	int  reason;                    /* REVOKE: as enum revocation_reason */
};

/* Of lines for which not all is as it should be. */
struct tally {
	size_t bad;                     /* they failed or owe something */
	size_t waiting;                 /* STANDS_WAITING (pending.h) */
};

/* Runs the given lines.  Errors are told as they happen. */
struct tally engine_run(struct engine *en, struct line **lines, size_t n, const struct order *order);

#endif
