/* act.c - what the acting commands share: the lock, one engine run, and telling about it.
 * Touches: stdout, stderr; through the engine all that it touches.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"
#include "run/observe.h"
#include "run/store.h"
#include "sys/clock.h"
#include "sys/proc.h"

struct teller {
	const struct args *a;
	const struct scene *s;
	struct json **events;           /* one array a line, with --json */
};

static const char *kind_name(enum tell kind)
{
	switch (kind) {
	case TELL_DONE:
		return "done";
	case TELL_FAILED:
		return "failed";
	case TELL_OUTPUT:
		return "output";
	case TELL_WHY:
		return "why";
	}
	mem_bug("a kind of message that does not exist");
}

static void tell_json(struct teller *t, enum tell kind, const struct line *l, const char *text)
{
	size_t i = (size_t)(l - t->s->world.lines);
	struct json *o;

	if (kind == TELL_WHY && !t->a->verbose)
		return;
	if (!t->events[i])
		t->events[i] = json_array();
	o = json_put(t->events[i], NULL, json_object());
	json_put_str(o, "kind", kind_name(kind));
	json_put_str(o, "text", text);
}

static void tell(void *arg, enum tell kind, const struct line *l, const char *text)
{
	struct teller *t = arg;

	if (t->a->json)
		tell_json(t, kind, l, text);
	switch (kind) {
	case TELL_DONE:
		if (!t->a->quiet && !t->a->json)
			printf("%s: %s\n", l->cfg->name, text);
		break;
	case TELL_FAILED:
		fflush(stdout);
		fprintf(stderr, "certline: %s: %s\n", l->cfg->name, text);
		break;
	case TELL_OUTPUT:
		fprintf(stderr, "    | %s\n", text);
		break;
	case TELL_WHY:
		if (t->a->verbose && !t->a->json)
			printf("%s: (%s)\n", l->cfg->name, text);
		break;
	}
	fflush(stdout);
}

static void outlook(struct scene *s, struct line *l)
{
	struct facts f;
	struct forecast c;
	char at[WHEN_TEXT_LEN], in[WHEN_TEXT_LEN];
	int64_t now = clock_now();
	char *why;

	line_facts(&f, &s->world, l);
	f.tried = 0;                    /* what failed in this run comes again in the next */
	c = rollover_forecast(&l->policy, &f, now);
	why = line_reason(c.why, c.detail);
	when_format_minute(at, c.at);
	when_format_rough(in, c.at - now);
	if (c.step == DO_NOTHING)
		printf("%s: next: nothing by time alone: %s\n", l->cfg->name, why);
	else if (c.at <= now)
		printf("%s: next: %s, at the next run: %s\n", l->cfg->name, rollover_step_name(c.step), why);
	else
		printf("%s: next: %s on %s UTC (in %s): %s\n", l->cfg->name, rollover_step_name(c.step), at,
		       in, why);
	free(why);
}

/* What an emergency roll can and cannot do: both numbers, so that the operator can choose. */
static void emergency_advice(struct scene *s, struct line *l, bool forced)
{
	struct facts f;
	char at[WHEN_TEXT_LEN];
	int64_t settled_at;

	line_facts(&f, &s->world, l);
	if (f.live.compromised == false || !f.staging.present)
		return;
	settled_at = rollover_settled_at(&l->policy, &f);
	if (settled_at == WHEN_NEVER) {
		printf("%s: the new key is not promoted before its records are %s%s%s\n", l->cfg->name,
		       f.staging.published_at ? "seen everywhere: " : "published",
		       f.staging.published_at && f.staging.seen ? f.staging.seen : "",
		       f.staging.published_at && !forced
			       ? "; at once, at the price of clients that are shut out: --force" : "");
		return;
	}
	when_format_minute(at, settled_at);
	printf("%s: without an outage for DANE clients: promotion at %s UTC; the old key is exposed until "
	       "then\n", l->cfg->name, at);
	if (!forced)
		printf("%s: at once: `certline roll --emergency --force %s`; clients whose caches hold the "
		       "old set fail until that time\n", l->cfg->name, l->cfg->name);
}

static void print_json(struct teller *t, struct scene *s, bool ok)
{
	struct json *doc = json_object(), *lines;

	json_put_int(doc, "version", JSON_VERSION);
	json_put_str(doc, "command", t->a->command);
	json_put_bool(doc, "ok", ok);
	lines = json_put(doc, "lines", json_array());
	for (size_t i = 0; i < s->n; i++) {
		struct json *o = json_put(lines, NULL, json_object());
		size_t k = (size_t)(s->lines[i] - s->world.lines);

		json_put_str(o, "line", s->lines[i]->cfg->name);
		json_put_bool(o, "failed", s->lines[i]->failed);
		json_put(o, "events", t->events[k] ? t->events[k] : json_array());
		t->events[k] = NULL;
	}
	print_document(doc);
}

static enum exit_status after(struct teller *t, struct scene *s, const struct act *what, size_t bad)
{
	if (t->a->json)
		print_json(t, s, bad == 0);
	for (size_t i = 0; i < s->n && what->outlook && !t->a->quiet && !t->a->json; i++) {
		if (s->lines[i]->failed || t->a->dry_run)
			continue;
		outlook(s, s->lines[i]);
		if (what->order.emergency)
			emergency_advice(s, s->lines[i], what->order.force);
	}
	return bad ? EXIT_BAD : EXIT_OK;
}

enum exit_status act(const struct args *a, const struct act *what)
{
	struct scene s;
	struct lock lock = { .fd = -1 };
	struct teller t = { .a = a, .s = &s };
	struct engine en = { .jobs = a->jobs, .init = what->init, .dry_run = a->dry_run, .tell = tell,
			     .arg = &t };
	enum exit_status status;
	struct err e;

	if (scene_open(&s, a, &status) < 0)
		return status;
	if (!a->dry_run && store_lock(&lock, &s.config, &e) < 0) {
		complain("%s", e.text);
		scene_close(&s);
		return e.kind == ERR_LATER ? EXIT_NOT_NOW : EXIT_BAD;
	}
	proc_init();
	t.events = mem_array(s.world.n, sizeof(struct json *));
	en.w = &s.world;
	status = after(&t, &s, what, engine_run(&en, s.lines, s.n, &what->order));
	free(t.events);
	lock_close(&lock);
	scene_close(&s);
	return status;
}
