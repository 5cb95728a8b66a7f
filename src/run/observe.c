/* observe.c - from a line and the world around it to facts.
 * Touches: files under STATE, include files and [dirs], reading only.
 */
#include "run/observe.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/links.h"
#include "run/publish.h"
#include "run/servers.h"
#include "run/suggest.h"
#include "run/wanted.h"
#include "sys/clock.h"

static void certs(struct ledger_certs *out, const struct generation *g, const struct line *l)
{
	const struct line_config *c = l->cfg;
	const struct suggestion *ignored;

	*out = (struct ledger_certs){ 0 };
	if (!g->number)
		return;
	generation_validity(g, &out->from_at, &out->until_at);
	out->suggested_at = suggest_at(l, g, &ignored);
	/* with all names, as soon as may be */
	if (g->left_out.n && (!out->suggested_at || out->suggested_at > g->made_at + DAY))
		out->suggested_at = g->made_at + DAY;
	out->fits_names = generation_fits_names(g, c);
	out->fits_types = generation_fits_types(g, c);
	/* the configured issuer has another word for it */
	out->bootstrap = g->bootstrap || (c->issuer == ISSUER_ACME && strcmp(g->issuer, "self") == 0);
}

/* What other lines keep us from knowing is no concern of a set that was handed out and has not changed. */
bool line_include_wrong(struct world *w, const struct line *l)
{
	if (!l->ledger.set_serial || !(l->cfg->publish & PUBLISH_INCLUDE))
		return false;
	return l->ledger.set_done_at ? publish_include_changed(w, l->cfg->include_file)
				     : publish_include_wrong(w, l->cfg->include_file);
}

void line_facts(struct facts *f, struct world *w, struct line *l)
{
	struct strv publishers = { 0 };
	struct set wanted;
	struct servers_question servers = { 0 };
	struct servers_held held;
	const struct keyset *retired = ledger_retired_first(&l->ledger);
	struct ledger_view v = { .wanted = &wanted };

	wanted_set(&wanted, &held, w, l);
	v.held = &held.owners;
	v.held_until_at = held.until_at;
	v.kept = held.kept.n > 0;
	certs(&v.live, &l->live, l);
	certs(&v.staging, &l->staging, l);
	for (size_t i = 0; retired && i < l->retired_n; i++)
		if (l->retired[i].keyset == retired->id)
			certs(&v.retired, &l->retired[i], l);
	v.certchange = &l->cfg->post_certchange;
	line_publishers(&publishers, l->cfg);
	v.keychange = &publishers;
	v.include_wrong = line_include_wrong(w, l);
	v.links_wrong = l->live.number && links_wrong(l);
	v.now = clock_now();
	v.fresh_at = l->fresh_at;
	if (l->policy.verifies) {
		l->horizon.old_ttl_for = l->ledger.old_ttl_for;
		v.horizon = &l->horizon;
	}
	if (l->policy.looks) {
		servers_ask(&servers, w, l);
		v.served = &servers.q;
	}
	strv_free(&l->said);
	ledger_facts(f, &l->said, &l->ledger, &l->policy, &v);
	f->tried = l->tried;
	servers_ask_free(&servers);
	strv_free(&publishers);
	servers_held_free(&held);
	set_free(&wanted);
}

char *line_reason(const char *why, const char *detail)
{
	return detail ? mem_format("%s: %s", why, detail) : mem_copy_str(why);
}
