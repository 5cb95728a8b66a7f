/* respond.h - challenges of a line's names: put in place, looked at, taken away.
 *
 * What is put in place is written down before, in STATE/lines/LINE/challenges.json, and the file goes
 * when all is taken away: what a killed run left behind is taken away by the next one.
 */
#ifndef RUN_RESPOND_H
#define RUN_RESPOND_H

#include "acme/listener.h"
#include "run/config.h"

struct placed;

struct respond {
	const struct line_config *c;
	struct placed *v;
	size_t         n;
	struct listener listener;
	struct strv    warnings;
};

/* r->arg is x, which must stay. */
void respond_init(struct respond *x, struct responder *r, const struct line_config *c);
void respond_free(struct respond *x);

/* Whether challenges.json tells of anything. */
bool respond_owes(const struct line_config *c);
/* Takes away what it tells of. */
int respond_clean(const struct line_config *c, struct err *e) NEEDS_CHECK;

#endif
