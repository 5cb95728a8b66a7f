/* step.h - what each step does to the disk.  One function a step; none of them decides anything.
 *
 * A step first does the deed (a new generation, a moved link), then notes it in the ledger and saves
 * that.  If the note is lost, ledger_reconcile() finds the deed.
 */
#ifndef RUN_STEP_H
#define RUN_STEP_H

#include "run/line.h"

/* Steps that make a generation: slow, and free of notes, so they may run in a worker. */
bool step_makes_generation(enum step s);
int step_make(int *number, const struct line *l, enum step s, int64_t now, struct issue_report *r,
	      struct err *e) NEEDS_CHECK;

/* Ends such a step: moves the link to the new generation.  *text says what happened; caller frees. */
int step_made(char **text, struct line *l, enum step s, int number, int64_t now,
	      struct err *e) NEEDS_CHECK;

/* DO_LINK, DO_ROLL_BACK, DO_UNSTAGE, DO_PROMOTE, DO_RETIRE, DO_PURGE. */
int step_do(char **text, const struct world *w, struct line *l, enum step s, int64_t now,
	    struct err *e) NEEDS_CHECK;

/* Empties the staging slot, whose links in [dirs] go first. */
int step_drop_staging(const struct line *l, struct err *e) NEEDS_CHECK;

/* Deletes superseded generations, but for the newest two.  Keys in use, staged, retired or waiting to be
 * purged are not superseded. */
int step_prune(const struct line *l, struct err *e) NEEDS_CHECK;

/* Takes in what another program left in [dirs] certs and keys: live if the line is new, and staging
 * beside an adopted live key.  *text is NULL if there was nothing. */
int step_adopt(char **text, struct line *l, int64_t now, struct err *e) NEEDS_CHECK;

#endif
