/* exposure.c - words about the modes of keys.
 * Touches: files under STATE/accounts, or where account-key says: their modes only.
 */
#include "run/exposure.h"

#include "run/ca.h"

static void add(struct strv *out, const struct generation *g)
{
	for (size_t i = 0; i < g->exposed.n; i++)
		strv_add(out, g->exposed.v[i]);
}

void exposure_alarms(struct strv *out, const struct line *l)
{
	add(out, &l->live);
	add(out, &l->staging);
	for (size_t i = 0; i < l->retired_n; i++)
		add(out, &l->retired[i]);
	ca_alarms(out, l->cfg);
}
