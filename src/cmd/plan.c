/* plan.c - `certline plan`: a forecast, by folding the rule table over assumed successes; as text or as a
 * picture.
 * Touches: stdout, stderr; the file that --svg names.
 */
#include "cmd/cmd.h"
#include "cmd/svg.h"
#include "cmd/timeline.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"
#include "run/observe.h"
#include "sys/clock.h"

#define PICTURE_MAX ((size_t)64 << 20)

struct event {
	int64_t     at;
	const struct line *l;
	enum step   step;
	const char *why;
	size_t      order;              /* of two at the same instant, the one that comes first */
};

struct events {
	struct event *v;
	size_t n;
};

static void add(struct events *out, const struct event *e)
{
	if ((out->n & (out->n - 1)) == 0)
		out->v = mem_resize(out->v, out->n ? out->n * 2 : 1, sizeof(*out->v));
	out->v[out->n] = *e;
	out->v[out->n].order = out->n;
	out->n++;
}

struct seen {
	struct events *out;
	const struct line *l;
};

static void note(void *arg, int64_t at, const struct decision *d)
{
	const struct seen *x = arg;

	if (d->step != DO_LINK)
		add(x->out, &(struct event){ at, x->l, d->step, d->why, 0 });
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

#define NAME_WIDTH_MAX 20

/* A name that is longer than its column has a row of its own. */
static void print_event(const struct event *e, int width)
{
	bool fits = strlen(e->l->cfg->name) <= (size_t)width;
	char at[WHEN_TEXT_LEN], *first, *rest;

	when_format_minute(at, e->at);
	if (!fits)
		printf("%s  %s\n", at, e->l->cfg->name);
	first = mem_format("%16s  %-*s  %-13s ", fits ? at : "", width, fits ? e->l->cfg->name : "",
			   rollover_step_name(e->step));
	rest = mem_format("%*s", (int)strlen(first), "");
	print_wrapped(e->why, first, rest, 80);
	free(first);
	free(rest);
}

/* lines, failed: how many were asked for, and how many of those nothing is known of. */
static void print_text(const struct events *e, int64_t days, size_t lines, size_t failed)
{
	int width = (int)strlen("LINE");

	if (e->n == 0 && failed < lines)
		printf("nothing will happen%s%s in the next %lld day%s\n", failed ? " to the other line" : "",
		       failed && lines - failed > 1 ? "s" : "", (long long)days, days == 1 ? "" : "s");
	if (e->n == 0)
		return;
	for (size_t i = 0; i < e->n; i++) {
		size_t len = strlen(e->v[i].l->cfg->name);

		if (len > (size_t)width && len <= NAME_WIDTH_MAX)
			width = (int)len;
	}
	printf("%-16s  %-*s  %-13s %s\n", "WHEN (UTC)", width, "LINE", "STEP", "WHY");
	for (size_t i = 0; i < e->n; i++)
		print_event(&e->v[i], width);
}

static void print_json(const struct events *e, const struct scene *s)
{
	struct json *list, *doc = begin_document(&list, "events"), *failed;

	for (size_t i = 0; i < e->n; i++) {
		struct json *o = json_put(list, NULL, json_object());
		char at[WHEN_TEXT_LEN];

		when_format_instant(at, e->v[i].at);
		json_put_str(o, "at", at);
		json_put_str(o, "line", e->v[i].l->cfg->name);
		json_put_str(o, "step", rollover_step_name(e->v[i].step));
		json_put_str(o, "why", e->v[i].why);
	}
	failed = json_put(doc, "failed", json_array());
	for (size_t i = 0; i < s->n; i++) {
		struct json *o;

		if (!s->lines[i]->failed)
			continue;
		o = json_put(failed, NULL, json_object());
		json_put_str(o, "line", s->lines[i]->cfg->name);
		json_put_str(o, "error", s->lines[i]->err.text);
	}
	print_document(doc);
}

/* Lines that failed are in the picture too. */
static int draw(const struct args *a, struct scene *s, int64_t until_at)
{
	const struct svg_window window = { clock_now(), until_at };
	struct timeline *t = mem_array(s->n, sizeof(*t));
	struct view *views = mem_array(s->n, sizeof(*views));
	struct buf out;
	int rc;

	for (size_t i = 0; i < s->n; i++) {
		view_take(&views[i], s, s->lines[i]);
		timeline_take(&t[i], &views[i], until_at);
	}
	buf_init(&out, PICTURE_MAX);
	svg_timelines(&out, t, s->n, &window, true);
	rc = print_file(a->svg, &out);
	buf_free(&out);
	for (size_t i = 0; i < s->n; i++)
		timeline_free(&t[i]);
	for (size_t i = 0; i < s->n; i++)
		view_free(&views[i]);
	free(views);
	free(t);
	return rc;
}

static void print(const struct args *a, struct scene *s, int64_t until_at)
{
	struct events events = { 0 };
	size_t failed = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct line *l = s->lines[i];
		struct facts f;

		failed += l->failed;
		if (l->failed)
			continue;
		line_facts(&f, &s->world, l);
		timeline_foresee(&l->policy, &f, clock_now(), until_at, note, &(struct seen){ &events, l });
	}
	if (events.n)
		qsort(events.v, events.n, sizeof(*events.v), by_time);
	if (a->json)
		print_json(&events, s);
	else if (!a->quiet)
		print_text(&events, a->days, s->n, failed);
	free(events.v);
}

enum exit_status cmd_plan(const struct args *a)
{
	int64_t until_at = when_add(clock_now(), a->days * DAY);
	enum exit_status status;
	struct scene s;

	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	for (size_t i = 0; i < s.n; i++) {
		world_load(&s.world, s.lines[i]);
		if (!s.lines[i]->failed)
			continue;
		complain("%s: no plan could be made: %s", s.lines[i]->cfg->name, s.lines[i]->err.text);
		status = EXIT_BAD;
	}
	if (!a->svg)
		print(a, &s, until_at);
	else if (draw(a, &s, until_at) < 0)
		status = EXIT_BAD;
	scene_close(&s);
	return status;
}
