/* act.c - what the acting commands share: the lock, one engine run, and telling about it.
 * Touches: stdout, stderr; through the engine all that it touches.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/json.h"
#include "run/exposure.h"
#include "run/metrics.h"
#include "run/notify.h"
#include "run/observe.h"
#include "run/servers.h"
#include "run/store.h"
#include "sys/clock.h"
#include "sys/proc.h"

struct teller {
	const struct args *a;
	const struct scene *s;
	struct json **events;           /* one array a line, with --json */
	struct strv *failures;          /* what failed, one list a line */
	struct buf log;                 /* what was said */
};

#define LOG_MAX  ((size_t)4 << 20)
#define LOG_TAIL ((size_t)10000)        /* what is told of it */

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

static void tell_json(struct teller *t, enum tell kind, const struct line *l, const char *text,
		      const struct json *problems)
{
	size_t i = (size_t)(l - t->s->world.lines);
	struct json *o;

	if (!t->events[i])
		t->events[i] = json_array();
	o = json_put(t->events[i], NULL, json_object());
	json_put_str(o, "kind", kind_name(kind));
	json_put_str(o, "text", text);
	if (json_len(problems))
		json_put(o, "problems", json_clone(problems));
}

static void tell(void *arg, enum tell kind, const struct line *l, const char *text,
		 const struct json *problems)
{
	struct teller *t = arg;

	if (kind == TELL_WHY && !t->a->verbose)
		return;
	hide_wait();
	if (t->a->json)
		tell_json(t, kind, l, text, problems);
	if (kind == TELL_FAILED)
		strv_add(&t->failures[l - t->s->world.lines], text);
	if (kind != TELL_WHY)
		buf_addf(&t->log, "%s: %s\n", l->cfg->name, text);
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
		if (!t->a->json)
			printf("%s: (%s)\n", l->cfg->name, text);
		break;
	}
	fflush(stdout);
}

/* "LINE: text", folded for who reads it on a terminal; in a log or a mail a message is one row, like all that
 * is told.  Takes over the text. */
static void say(const struct line *l, char *text)
{
	char *row = mem_format("%s: %s", l->cfg->name, text);

	print_wrapped(row, "", "    ", isatty(STDOUT_FILENO) ? 80 : SIZE_MAX);
	free(row);
	free(text);
}

static void outlook(struct scene *s, struct line *l)
{
	struct facts f;
	struct forecast c;
	char at[WHEN_TEXT_LEN], in[WHEN_TEXT_LEN];
	int64_t now = clock_now();
	enum step held;
	char *why;

	line_facts(&f, &s->world, l);
	f.tried = 0;                    /* what failed in this run comes again in the next */
	c = rollover_forecast(&l->policy, &f, now);
	held = held_step(l, &f, &c, now);
	why = forecast_reason(&c, held);
	when_format_minute(at, c.at);
	when_format_rough(in, c.at - now);
	if (c.step == DO_NOTHING)
		say(l, mem_format("next: nothing by time alone: %s", why));
	else if (c.at <= now)
		say(l, mem_format("next: %s, at the next run%s %s", rollover_step_name(c.step),
				  held ? ";" : ":", why));
	else
		say(l, mem_format("next: %s on %s UTC (in %s)%s %s", rollover_step_name(c.step), at, in,
				  held ? ";" : ":", why));
	free(why);
}

/* Nobody has to wait for a CA to start a server for the first time. */
static void say_stand_in(const struct line *l)
{
	const struct retry *r = &l->ledger.retry[DO_RENEW];

	if (l->live.bootstrap && r->failures && !l->policy.no_stand_in)
		say(l, mem_format("a self-signed certificate stands in for the CA's, so that servers can be started; "
				  "%s, `certline renew %s` asks the CA again",
				  r->begun ? "in a while" : "when what failed is mended", l->cfg->name));
}

/* What the next runs go on with; a rehearsal takes no orders. */
static void orders_of(struct strv *out, const struct teller *t, struct scene *s, struct line *l)
{
	struct facts f;

	if (l->failed || t->a->dry_run)
		return;
	line_facts(&f, &s->world, l);
	list_orders(out, &f);
}

/* A step that failed is no reason to give the order again. */
static void say_orders(const struct teller *t, struct scene *s, struct line *l)
{
	struct strv orders = { 0 };

	orders_of(&orders, t, s, l);
	for (size_t i = 0; i < orders.n; i++)
		say(l, mem_format("ordered: %s; the next runs go on with it", orders.v[i]));
	strv_free(&orders);
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
		say(l, mem_format("the new key is not promoted before its records are %s%s%s",
				  f.staging.published_at ? "seen everywhere: " : "published",
				  f.staging.published_at && f.staging.seen ? f.staging.seen : "",
				  f.staging.published_at && !forced
					  ? "; at once, at the price of clients that are shut out: --force"
					  : ""));
		return;
	}
	when_format_minute(at, settled_at);
	say(l, mem_format("without an outage for DANE clients: promotion at %s UTC; the old key is exposed "
			  "until then", at));
	if (!forced)
		say(l, mem_format("at once: `certline roll --emergency --force %s`; clients whose caches "
				  "hold the old set fail until that time", l->cfg->name));
}

static bool has_failed(const struct line *l, const struct json *events)
{
	bool failed = l->failed;

	for (size_t i = 0; i < json_len(events); i++)
		failed |= strcmp(json_str(json_at(events, i), "kind", ""), kind_name(TELL_FAILED)) == 0;
	return failed;
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
		struct strv orders = { 0 };

		json_put_str(o, "line", s->lines[i]->cfg->name);
		json_put_bool(o, "failed", has_failed(s->lines[i], t->events[k]));
		orders_of(&orders, t, s, s->lines[i]);
		json_put_texts(o, "orders", &orders);
		strv_free(&orders);
		json_put(o, "events", t->events[k] ? t->events[k] : json_array());
		t->events[k] = NULL;
	}
	print_document(doc);
}

static enum exit_status after(struct teller *t, struct scene *s, const struct act *what,
			      const struct tally *tally)
{
	if (t->a->json)
		print_json(t, s, !tally->bad && !tally->waiting);
	for (size_t i = 0; i < s->n && !t->a->quiet && !t->a->json; i++) {
		if (s->lines[i]->failed || t->a->dry_run)
			continue;
		if (what->order.what != ORDER_NONE)
			say_orders(t, s, s->lines[i]);
		if (what->outlook) {
			say_stand_in(s->lines[i]);
			outlook(s, s->lines[i]);
		}
		if (what->order.emergency)
			emergency_advice(s, s->lines[i], what->order.force);
	}
	return tally->bad ? EXIT_BAD : tally->waiting ? EXIT_NOT_NOW : EXIT_OK;
}

/* A step that failed may have said the same. */
static bool was_told(const struct teller *t, const char *text)
{
	for (size_t i = 0; i < t->s->world.n; i++)
		for (size_t k = 0; k < t->failures[i].n; k++)
			if (text_ends(t->failures[i].v[k], text))
				return true;
	return false;
}

/* Told at every run until it is mended; an account's key once, though many lines use it. */
static void tell_exposed(struct teller *t, struct scene *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct strv texts = { 0 };

		exposure_alarms(&texts, s->lines[i]);
		for (size_t k = 0; k < texts.n; k++)
			if (!was_told(t, texts.v[k]))
				tell(t, TELL_FAILED, s->lines[i], texts.v[k], NULL);
		strv_free(&texts);
	}
}

/* Beside all results: no failure of a line. */
static void say_notify(void *arg, const char *text)
{
	(void)arg;
	complain("notify: %s", text);
}

static size_t seen_of(struct metric_endpoint **out, const struct world *w, const struct line *l)
{
	struct servers_row *rows;
	size_t n, told = 0;

	servers_rows(&rows, &n, w, l);
	*out = mem_array(n, sizeof(**out));
	for (size_t i = 0; i < n; i++)
		/* what this host cannot see says nothing of the server */
		if (rows[i].view->state != SERVED_UNROUTED)
			(*out)[told++] = (struct metric_endpoint){
				.owner = rows[i].endpoint->name,
				.endpoint = rows[i].endpoint->address,
				.type = key_family_name(rows[i].family),
				.ok = rows[i].good && rows[i].current,
				.seen_at = rows[i].view->seen_at,
				.not_after_at = rows[i].key ? rows[i].view->until_at : 0,
			};
	servers_rows_free(rows, n);
	return told;
}

static void tell_others(struct teller *t, struct scene *s, struct notify *n, enum exit_status status)
{
	struct err e;

	n->failures = t->failures;
	n->status = (int)status;
	n->log = t->log.s + (t->log.len > LOG_TAIL ? t->log.len - LOG_TAIL : 0);
	while ((*n->log & 0xc0) == 0x80)        /* in the middle of a character */
		n->log++;
	if (metrics_write(&s->world, seen_of, clock_now(), &e) < 0)
		complain("%s", e.text);
	notify_end(n);
}

enum exit_status act(const struct args *a, const struct act *what)
{
	struct scene s;
	struct lock lock = { .fd = -1 };
	struct teller t = { .a = a, .s = &s };
	struct engine en = { .jobs = a->jobs, .init = what->init, .dry_run = a->dry_run, .tell = tell,
			     .arg = &t };
	enum exit_status status;
	struct notify notify;
	struct err e;
	struct tally tally;

	if (scene_open(&s, a, &status) < 0)
		return status;
	if (!a->dry_run && store_lock(&lock, &s.config, &e) < 0) {
		complain("%s", e.text);
		scene_close(&s);
		return e.kind == ERR_LATER ? EXIT_NOT_NOW : EXIT_BAD;
	}
	proc_init();
	print_notices(a);
	show_waits(a);
	t.events = mem_array(s.world.n, sizeof(struct json *));
	t.failures = mem_array(s.world.n, sizeof(*t.failures));
	buf_init(&t.log, LOG_MAX);
	en.w = &s.world;
	notify = (struct notify){ .w = &s.world, .lines = s.lines, .n = s.n, .say = say_notify };
	if (!a->dry_run)
		notify_begin(&notify);
	tally = engine_run(&en, s.lines, s.n, &what->order);
	if (!a->dry_run)
		tell_exposed(&t, &s);
	status = after(&t, &s, what, &tally);
	if (!a->dry_run)
		tell_others(&t, &s, &notify, status);
	for (size_t i = 0; i < s.world.n; i++)
		strv_free(&t.failures[i]);
	free(t.failures);
	free(t.events);
	buf_free(&t.log);
	lock_close(&lock);
	scene_close(&s);
	return status;
}
