/* pending.c - what is wrong with a line, what it owes, and what it waits for.
 * Touches: files under STATE, include files and [dirs], reading only.
 */
#include "run/pending.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/expiry.h"
#include "run/exposure.h"
#include "run/eyes.h"
#include "run/hook.h"
#include "run/observe.h"
#include "run/publish.h"
#include "run/publish_update.h"
#include "run/respond.h"
#include "run/servers.h"
#include "sys/clock.h"

/* What stays like that until somebody does something. */
static void standing_alarms(struct strv *out, const struct line *l, const struct facts *f)
{
	if (f->retired.present && l->policy.blind)
		strv_take(out, mem_copy_str("the records of the old key cannot go: nothing tells the servers "
					    "of new keys (give [hooks] post-certchange, or [timing] "
					    "retire-after)"));
	if (f->back_wanted)
		strv_take(out, mem_copy_str("a roll-back is ordered and not done"));
}

static void put(struct strv *out, struct strv *about, char *text, char *what)
{
	strv_take(out, text);
	strv_take(about, what);
}

/* Those that have no name yet: their words without numbers, which change with the time. */
static void name_others(struct strv *about, const struct strv *out, const char *kind)
{
	while (about->n < out->n) {
		char *what = mem_format("%s %s", kind, out->v[about->n]), *to = what;

		for (const char *p = what; *p; p++)
			if (*p < '0' || *p > '9')
				*to++ = *p;
		*to = '\0';
		strv_take(about, what);
	}
}

static void pending_hooks(struct strv *out, struct strv *about, const char *event,
			  const struct strv *commands, const struct acks *acks, int subject)
{
	for (size_t i = 0; i < commands->n; i++) {
		const struct ack *a = acks_find(acks, commands->v[i]);
		char since[WHEN_TEXT_LEN];

		bool is_update = strcmp(commands->v[i], UPDATE_NAME) == 0;

		if (a && a->acked == subject)
			continue;
		if (!a || !a->failures) {
			put(out, about, mem_format("%s%s%s has not run yet", is_update ? "" : event,
						   is_update ? "" : " hook ", commands->v[i]),
			    mem_format("hook %s %s", event, commands->v[i]));
			continue;
		}
		when_format_minute(since, a->failing_at);
		put(out, about, mem_format("%s%s%s failed %d time%s since %s: %s", is_update ? "" : event,
					  is_update ? "" : " hook ", commands->v[i], a->failures, a->failures == 1 ? "" : "s",
					  since, a->error ? a->error : ""),
		    mem_format("hook %s %s", event, commands->v[i]));
	}
}

static void find(struct strv *out, struct strv *about, struct world *w, struct line *l)
{
	struct strv publishers = { 0 }, endpoints = { 0 };
	struct facts f;

	line_publishers(&publishers, l->cfg);
	line_facts(&f, w, l);
	if (!f.live.present)
		put(out, about, mem_copy_str("there is no key yet"), mem_copy_str("key"));
	for (int s = 0; s < STEP_N; s++) {
		const struct retry *r = &l->ledger.retry[s];
		char at[WHEN_TEXT_LEN];

		if (!r->failures)
			continue;
		when_format_minute(at, r->next_at);
		put(out, about, mem_format("%s %s %d time%s: %s (again %s%s)",
					  rollover_step_name((enum step)s),
					  r->begun ? "was not finished" : "failed", r->failures,
					  r->failures == 1 ? "" : "s", r->error ? r->error : "",
					  r->next_at ? "after " : "at the next run",
					  r->next_at ? at : ""),
		    mem_format("step %s", rollover_step_name((enum step)s)));
	}
	if (f.deploy_pending)
		pending_hooks(out, about, HOOK_CERTCHANGE, &l->cfg->post_certchange, &l->ledger.certchange,
			      l->live.number);
	if (l->policy.publishes && f.set_pending)
		pending_hooks(out, about, HOOK_KEYCHANGE, &publishers, &l->ledger.keychange,
			      l->ledger.set_serial);
	strv_free(&publishers);
	if (line_include_wrong(w, l))
		strv_take(out, mem_format("include file %s does not show the wanted records",
					  l->cfg->include_file));
	if (l->policy.publishes && f.live.present && f.set_changed && !f.held_until_at)
		strv_take(out, mem_copy_str("the TLSA set has changed and is not published yet"));
	standing_alarms(out, l, &f);
	if (respond_owes(l->cfg))
		strv_take(out, mem_copy_str("a challenge is still in place, and is taken away at the next run "
					    "(challenges.json)"));
	name_others(about, out, "owed");
	expiry_alarms(out, l, &f, clock_now());
	name_others(about, out, "expiry");
	eyes_alarms(out, l, &f);
	name_others(about, out, "dns");
	servers_alarms(out, &endpoints, w, l, &f);
	for (size_t i = 0; i < endpoints.n; i++)
		strv_take(about, mem_format("endpoint %s", endpoints.v[i]));
	strv_free(&endpoints);
}

/* All of it is orders that the CA still works on, and that the next run goes on with. */
static bool only_waits(const struct line *l, const struct strv *pending)
{
	size_t n = 0;

	for (int s = 0; s < STEP_N; s++)
		n += l->ledger.retry[s].begun;
	return n > 0 && n == pending->n;
}

enum standing pending_find(struct strv *out, struct strv *about, struct world *w, struct line *l)
{
	struct strv names = { 0 };

	if (l->failed)
		return STANDS_FAILED;
	if (l->known)
		find(out, &names, w, l);
	exposure_alarms(out, l);
	name_others(&names, out, "exposed");
	if (about)
		*about = names;
	else
		strv_free(&names);
	if (!l->known)
		return STANDS_NEW;
	return out->n == 0 ? STANDS_WELL : only_waits(l, out) ? STANDS_WAITING : STANDS_BADLY;
}

void pending_alarms(struct strv *alarms, struct strv *warnings, struct world *w, struct line *l)
{
	struct facts f;

	line_facts(&f, w, l);
	eyes_alarms(alarms, l, &f);
	eyes_warnings(warnings, l, &f);
	servers_alarms(alarms, NULL, w, l, &f);
	servers_warnings(warnings, w, l, &f);
	expiry_alarms(alarms, l, &f, clock_now());
	standing_alarms(alarms, l, &f);
}
