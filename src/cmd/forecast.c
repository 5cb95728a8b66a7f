/* forecast.c - what comes next of a line, what waits, and what was ordered: in words, for `status` and for
 * the commands that act.
 * Touches: nothing.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "run/observe.h"

enum step held_step(const struct line *l, const struct facts *f, const struct forecast *c, int64_t now)
{
	struct facts tidy = *f;
	enum step held = DO_NOTHING;

	tidy.purge_at = 0;              /* as in the forecast */
	/* what is done now has its own reason, and that of a roll-back says what it is about */
	if (rollover_next(&l->policy, &tidy, now).step != DO_NOTHING || f->back_wanted)
		return DO_NOTHING;
	switch (rollover_phase(f)) {
	case PH_NEW:
	case PH_STEADY:
		break;
	case PH_STAGED:
	case PH_CROWDED:
		held = DO_PROMOTE;
		break;
	case PH_RETIRING:
		held = DO_RETIRE;
		break;
	}
	return held == c->step ? DO_NOTHING : held;
}

char *forecast_reason(const struct forecast *c, enum step held)
{
	char *why = line_reason(c->why, c->detail), *text;

	if (held == DO_NOTHING)
		return why;
	text = mem_format("%s waits: %s", rollover_step_name(held), why);
	free(why);
	return text;
}

static bool older(const struct key_facts *k, int gen)
{
	return k->present && k->gen < gen;
}

void list_orders(struct strv *out, const struct facts *f)
{
	if (f->roll_wanted)
		strv_take(out, mem_format("roll%s%s", f->live.compromised ? " --emergency" : "",
					  f->force ? " --force" : ""));
	if (f->back_wanted)
		strv_add(out, "roll --back");
	if (older(&f->live, f->renew_gen) || older(&f->staging, f->renew_gen))
		strv_add(out, "renew");
}
