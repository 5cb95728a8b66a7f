/* respond.h - challenges of a line's names: put in place, looked at, taken away.
 *
 * What is put in place is written down before, in STATE/lines/LINE/challenges.json, and the file goes
 * when all is taken away: what a killed run left behind is taken away by the next one.  If that fails, it
 * stays written down beside what this run puts in place.
 */
#ifndef RUN_RESPOND_H
#define RUN_RESPOND_H

#include "acme/listener.h"
#include "io/json.h"
#include "run/config.h"

struct placed;

struct respond {
	const struct line_config *c;
	const unsigned *permitted;      /* as caa_check.h has it */
	struct placed *v;
	size_t         n;
	struct json   *debts;           /* what earlier runs have left written down; NULL: nothing */
	struct listener listener;
	struct strv    warnings;
};

/* r->arg is x, which must stay, and so must permitted: what CAA records do not permit is chosen only if there
 * is nothing else. */
void respond_init(struct respond *x, struct responder *r, const struct line_config *c,
		  const unsigned *permitted);
void respond_free(struct respond *x);

/* Whether challenges.json tells of anything. */
bool respond_owes(const struct line_config *c);
/* Takes away what it tells of.  A file that is damaged is moved aside, which is an error too. */
int respond_clean(const struct line_config *c, struct err *e) NEEDS_CHECK;

#endif
