/* engine_issue.c - the steps of a round that make keys and ask CAs: in worker processes, since they
 * take time and what strangers answer is parsed.
 * Touches: files under STATE; network, in child processes.
 */
#include "run/engine_parts.h"

#include "acme/problem.h"
#include "base/mem.h"
#include "base/when.h"
#include "io/crypto.h"
#include "run/observe.h"
#include "run/respond.h"
#include "run/revoke.h"
#include "run/step.h"
#include "run/suggest.h"
#include "run/worker.h"
#include "sys/clock.h"
#include "sys/progress.h"

#define WORK_OUTPUT_MAX (PROBLEMS_PRINT_MAX + ((size_t)1 << 20))
#define LULL_MS         3000            /* others are waited for, so that hooks go side by side */

/* Somebody has said how long the step is to be left alone. */
static void rest(struct round *r, struct task *t, int64_t rest_for)
{
	struct retry *retry = &t->l->ledger.retry[t->step];

	if (rest_for <= 0 || when_add(r->now, rest_for) <= retry->next_at)
		return;
	retry->next_at = when_add(r->now, rest_for);
	engine_save(r->en, t->l);
}

/* Steps that make a generation ------------------------------------------------------------------ */

/* In a worker: what came of it goes back as JSON. */
static int make_work(void *arg, int out_fd)
{
	const struct task *t = arg;
	struct issue_report report = { .retry_after_for = -1, .problems = json_array() };
	struct json *o = json_object();
	struct err e = { 0 };
	struct buf b;
	int number = 0, rc;

	/* a TERM leaves time to take challenges away, and reaches hooks */
	proc_init();
	rc = step_make(&number, t->l, t->step, t->now, &report, &e);
	json_put_int(o, "number", rc < 0 ? 0 : number);
	json_put_int(o, "kind", rc < 0 ? (int)e.kind : ERR_NONE);
	json_put_str(o, "error", e.text);
	json_put_int(o, "retry_after", report.retry_after_for);
	json_put_texts(o, "notes", &report.notes);
	json_put(o, "problems", report.problems);
	report.problems = NULL;
	buf_init(&b, WORK_OUTPUT_MAX);
	json_print(&b, o, false);
	if (b.over) {
		/* of a CA that has too much to say, the error must do */
		json_drop(o, "notes");
		buf_clear(&b);
		json_print(&b, o, false);
	}
	json_free(o);
	issue_report_free(&report);
	rc = worker_write(out_fd, &b);
	buf_free(&b);
	return rc;
}

/* What the worker says, which is o if it could be read, else NULL; the number of the generation, 0 with an
 * error. */
static int made_number(struct round *r, const struct task *t, const struct proc *p, const struct json *o,
		       struct err *e)
{
	const struct json *notes = json_get(o, "notes");
	int number = (int)json_int(o, "number", 0);

	for (size_t i = 0; i < json_len(notes); i++)
		if (json_text(json_at(notes, i)))
			engine_tell(r->en, TELL_DONE, t->l, json_text(json_at(notes, i)));
	if (p->status != 0)
		*e = p->err;
	else if (o && !number)
		err_set(e, (enum err_kind)json_int(o, "kind", ERR_LOCAL), "%s", json_str(o, "error", "?"));
	return number;
}

static void finish_make(struct round *r, struct task *t, struct proc *p)
{
	struct err e = { 0 };
	struct json *o = p->status == 0 ? json_parse(p->out.s, p->out.len, &e) : NULL;
	char *text = NULL;
	int number = made_number(r, t, p, o, &e);

	if (number && step_made(&text, t->l, t->step, number, r->now, &e) == 0)
		e.kind = ERR_NONE;
	if (e.kind != ERR_NONE) {
		t->problems = json_get(o, "problems");
		engine_step_failed(r, t, &e);
		t->problems = NULL;
		rest(r, t, json_int(o, "retry_after", -1));
		json_free(o);
		return;
	}
	json_free(o);
	engine_step_succeeded(r, t, text);
	/* one of a kind a run, whatever a CA makes of it */
	t->l->tried |= 1U << t->step;
	free(text);
	if (!t->l->failed && step_prune(t->l, &e) < 0) {
		engine_tell(r->en, TELL_FAILED, t->l, e.text);
		t->l->untidy = true;
	}
}

/* Revocation ------------------------------------------------------------------------------------- */

/* In a worker: how many, or the error, goes back as text. */
static int revoke_work(void *arg, int out_fd)
{
	const struct task *t = arg;
	const struct keyset *k = ledger_revoke_due(&t->l->ledger);
	struct err e;
	size_t n;

	if (revoke_keyset(t->l, k->id, k->revoke_gen, (enum revocation_reason)k->revoke_reason, &n, &e) == 0)
		return dprintf(out_fd, "%zu", n) < 0 ? 255 : 0;
	dprintf(out_fd, "%s", e.text);
	return (int)e.kind;
}

static void revoked(struct round *r, struct task *t, const struct proc *p)
{
	const struct keyset *k = ledger_revoke_due(&t->l->ledger);
	struct err e;
	char *text;

	if (p->status != 0) {
		engine_worker_error(&e, p);
		engine_step_failed(r, t, &e);
		return;
	}
	if (strcmp(p->out.s, "0") == 0)
		text = mem_format("no certificate of keyset %d is left to revoke: all have expired", k->id);
	else
		text = mem_format("revoked %s certificate%s of keyset %d (%s)", p->out.s,
			  strcmp(p->out.s, "1") == 0 ? "" : "s", k->id,
			  revocation_reason_name((enum revocation_reason)k->revoke_reason));
	ledger_revoked(&t->l->ledger, k->id, r->now);
	engine_save(r->en, t->l);
	if (!t->l->failed)
		engine_step_succeeded(r, t, text);
	free(text);
}

/* Batches ---------------------------------------------------------------------------------------- */

struct works {
	struct round *r;
	struct proc  *procs;
	bool         *taken;
};

bool engine_for_worker(enum step s)
{
	return step_makes_generation(s) || s == DO_REVOKE;
}

static void prepare(struct proc *p, struct task *t)
{
	const struct line_config *c = t->l->cfg;

	*p = (struct proc){ .work = t->step == DO_REVOKE ? revoke_work : make_work, .arg = t,
			    .limit_ms = WORK_LIMIT_MS };
	if (t->step != DO_REVOKE && c->issuer == ISSUER_ACME)
		p->limit_ms += c->order_limit_for * 1000;
	buf_init(&p->out, WORK_OUTPUT_MAX);
}

/* Takes what has come of those that are over, and says which lines they are of. */
static size_t take_over(struct works *x, struct line **lines)
{
	size_t n = 0;

	for (size_t i = 0; i < x->r->n; i++) {
		struct task *t = &x->r->tasks[i];

		if (!x->procs[i].over || x->taken[i])
			continue;
		x->taken[i] = true;
		if (t->step == DO_REVOKE)
			revoked(x->r, t, &x->procs[i]);
		else
			finish_make(x->r, t, &x->procs[i]);
		buf_free(&x->procs[i].out);
		lines[n++] = t->l;
	}
	return n;
}

static void while_others_take_long(void *arg)
{
	struct works *x = arg;
	struct line **lines = mem_array(x->r->n, sizeof(struct line *));

	engine_go_on(x->r->en, lines, take_over(x, lines));
	free(lines);
}

void engine_work(struct round *r)
{
	struct works x = { r, mem_array(r->n, sizeof(*x.procs)), mem_array(r->n, sizeof(*x.taken)) };
	const struct proc_lull lull = { LULL_MS, while_others_take_long, &x };
	struct line **ignored = mem_array(r->n, sizeof(struct line *));
	bool asks = false;
	size_t names = 0;

	for (size_t i = 0; i < r->n; i++) {
		names += r->tasks[i].l->cfg->domains.n;
		prepare(&x.procs[i], &r->tasks[i]);
		asks |= r->tasks[i].step == DO_REVOKE || r->tasks[i].l->cfg->issuer == ISSUER_ACME;
	}
	crypto_prepare();
	/* what a CA answers is parsed in a child */
	progress_begin(r->tasks[0].l->cfg->name, r->n, "%s, %zu name%s",
		       asks ? "waiting for the CA" : "making keys", names, names == 1 ? "" : "s");
	proc_run_heeding(x.procs, r->n, asks && r->en->jobs < 2 ? 2 : r->en->jobs, &lull);
	progress_end();
	take_over(&x, ignored);
	free(ignored);
	free(x.procs);
	free(x.taken);
}

/* Leftovers -------------------------------------------------------------------------------------- */

static int clean_work(void *arg, int out_fd)
{
	const struct line *l = arg;
	struct err e;

	proc_init();
	if (respond_clean(l->cfg, &e) == 0)
		return 0;
	dprintf(out_fd, "%s", e.text);
	return (int)e.kind;
}

void engine_clean(struct engine *en, struct line **lines, size_t n)
{
	struct proc *procs = mem_array(n, sizeof(*procs));
	struct line **of = mem_array(n, sizeof(struct line *));
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (lines[i]->failed || !respond_owes(lines[i]->cfg))
			continue;
		of[left] = lines[i];
		procs[left] = (struct proc){ .work = clean_work, .arg = lines[i], .limit_ms = WORK_LIMIT_MS };
		buf_init(&procs[left++].out, WORK_OUTPUT_MAX);
	}
	proc_run_all(procs, left, en->jobs > 1 ? en->jobs : 2);
	for (size_t i = 0; i < left; i++) {
		struct err e;

		if (procs[i].status != 0) {
			engine_worker_error(&e, &procs[i]);
			engine_tell(en, TELL_FAILED, of[i], e.text);
			of[i]->untidy = true;
		}
		buf_free(&procs[i].out);
	}
	free(procs);
	free(of);
}

/* Suggestions ------------------------------------------------------------------------------------ */

static const char *explanation(const struct line *l)
{
	const struct suggestion *s;

	suggest_at(l, &l->live, &s);
	return s ? s->explanation : NULL;
}

/* A certificate that this run renews anyway: no CA has anything to add to that. */
static bool renews_anyway(const struct engine *en, struct line *l)
{
	struct facts f;

	if (l->failed || l->cfg->issuer != ISSUER_ACME)
		return false;
	line_facts(&f, en->w, l);
	return rollover_wants(&l->policy, &f, DO_RENEW, clock_now());
}

/* When CAs suggest to renew.  What they have to explain is told once: it may be a mass revocation. */
void engine_ask_cas(struct engine *en, struct line **all, size_t all_n)
{
	struct line **lines = mem_array(all_n, sizeof(struct line *));
	bool *asked = mem_array(all_n, sizeof(*asked));
	char **told = mem_array(all_n, sizeof(*told));
	size_t n = 0;

	for (size_t i = 0; i < all_n; i++)
		if (!renews_anyway(en, all[i]))
			lines[n++] = all[i];
	for (size_t i = 0; i < n; i++)
		told[i] = mem_copy_str(explanation(lines[i]));
	progress_begin(n ? lines[0]->cfg->name : "", n, "asking the CA when to renew");
	suggest_ask(lines, n, asked, en->jobs);
	progress_end();
	for (size_t i = 0; i < n; i++) {
		const char *why;

		if (asked[i]) {
			engine_save(en, lines[i]);
			why = explanation(lines[i]);
			if (why && !(told[i] && strcmp(told[i], why) == 0)) {
				char *text = mem_format("the CA explains when it suggests to renew: %s", why);

				engine_tell(en, TELL_DONE, lines[i], text);
				free(text);
			}
		}
		free(told[i]);
	}
	free(told);
	free(asked);
	free(lines);
}
