/* engine_look.c - what is looked at in a run, and what is owed again because of what is seen.
 * Touches: child processes (workers).
 */
#include "run/engine_parts.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/eyes.h"
#include "run/servers.h"
#include "sys/clock.h"
#include "sys/proc.h"

/* Asks the name servers of `names` that verify, and looks at the servers of `servers` that look. */
static void look(struct engine *en, struct line **names, size_t names_n, struct line **servers,
		 size_t servers_n)
{
	struct looks all = { 0 };

	eyes_add(&all, names, names_n);
	servers_add(&all, servers, servers_n, en->w);
	looks_run(&all);
	if (en->dry_run)
		return;
	for (size_t i = 0; i < names_n; i++)
		if (names[i]->policy.verifies && !names[i]->failed)
			engine_save(en, names[i]);
	for (size_t i = 0; i < servers_n; i++)
		if (servers[i]->policy.looks && !servers[i]->failed && !(names_n && servers[i]->policy.verifies))
			engine_save(en, servers[i]);
}

void engine_look(struct engine *en, struct line **lines, size_t n)
{
	struct line **due = mem_array(n, sizeof(struct line *));
	size_t due_n = 0;

	for (size_t i = 0; i < n; i++)
		if (servers_due(en->w, lines[i]))
			due[due_n++] = lines[i];
	look(en, lines, n, due, due_n);
	free(due);
}

/* A hook said yes, and servers present the old key or certificate all the same: they are told again. */
void engine_distrust_deployment(struct engine *en, struct line *l)
{
	if (!l->policy.looks || !l->policy.tells || l->failed || !servers_behind(en->w, l))
		return;
	engine_tell(en, TELL_WHY, l, "servers do not present what they were told of: they are told again");
	acks_distrust(&l->ledger.certchange);
	engine_save(en, l);
}

/* Time for a publisher to do what it has acknowledged, before it is asked again. */
#define UNSEEN_FOR HOUR

/* What was acknowledged long ago and stands nowhere was not published, or somebody took it away: it is owed
 * again, and all waits start anew. */
void engine_distrust_unseen(struct engine *en, struct line *l)
{
	const char *owner = l->policy.verifies && !l->failed ? eyes_unseen(l) : NULL;
	char *text;

	if (!owner || !l->ledger.set_done_at || clock_now() - l->ledger.set_done_at < UNSEEN_FOR)
		return;
	text = mem_format("no name server shows what was published at %s: it is published again, and all "
			  "waits begin anew", owner);
	engine_tell(en, TELL_FAILED, l, text);
	free(text);
	l->untidy = true;
	ledger_set_distrust(&l->ledger);
	engine_save(en, l);
}

/* No publisher's word counts until name servers are seen to have followed it, nor a reload hook's until
 * servers are.  Most do within a second or so; the others are seen by the next run. */
#define LOOK_AGAIN_MS 10000             /* longer: somebody is silent, and would be the next time */

void engine_look_again(const struct round *r, enum step told)
{
	static const unsigned pauses_ms[] = { 0, 300, 700, 1500, 3000 };
	bool names = told == DO_PUBLISH;        /* a zone takes a moment, and servers may take several */
	size_t first = names ? 1 : 0, past = ARRAY_LEN(pauses_ms) - (names ? 1 : 0), n = 0;
	int64_t until_ms = clock_monotonic_ms() + LOOK_AGAIN_MS;
	struct line **lines = mem_array(r->n, sizeof(struct line *));

	for (size_t i = 0; i < r->n; i++) {
		struct line *l = r->tasks[i].l;

		if (r->tasks[i].step == told && !l->failed && (names ? l->policy.verifies : l->policy.looks))
			lines[n++] = l;
	}
	for (size_t p = first; p < past && n && !proc_stopping() && clock_monotonic_ms() < until_ms; p++) {
		size_t left = 0;

		clock_pause_ms(pauses_ms[p]);
		look(r->en, lines, names ? n : 0, lines, names ? 0 : n);
		for (size_t i = 0; i < n; i++)
			if (!lines[i]->failed &&
			    !(names ? eyes_content(lines[i]) : servers_content(r->en->w, lines[i])))
				lines[left++] = lines[i];
		n = left;
	}
	free(lines);
}
