/* engine.c - the loop: observe, decide, do, note.
 * Touches: files under STATE.
 */
#include "run/engine_parts.h"

#include "acme/revocation.h"
#include "base/mem.h"
#include "io/crypto.h"
#include "run/links.h"
#include "run/observe.h"
#include "run/pending.h"
#include "run/step.h"
#include "run/store.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define ROUNDS_MAX   100        /* no line has that many steps at one instant: a guard against a loop */

/* Telling -------------------------------------------------------------------------------------- */

void engine_tell(struct engine *en, enum tell kind, const struct line *l, const char *text)
{
	en->tell(en->arg, kind, l, text, NULL);
}

void engine_save(struct engine *en, struct line *l)
{
	struct err e;

	if (!l->swept)
		store_sweep(l->cfg);
	l->swept = true;
	if (store_save_ledger(&l->ledger, l->cfg, &e) == 0) {
		l->noted = l->lost = false;
		return;
	}
	/* the deed is on disk and will be found again; nothing more is tried on this line now */
	l->failed = l->unreadable = true;
	l->err = e;
	engine_tell(en, TELL_FAILED, l, e.text);
}

void engine_step_failed(struct round *r, struct task *t, const struct err *e)
{
	char *text = mem_format("%s: %s", rollover_step_name(t->step), e->text);

	t->failed = true;
	t->l->tried |= 1U << t->step;
	r->en->tell(r->en->arg, TELL_FAILED, t->l, text, t->problems);
	free(text);
	/* the generations were not touched: what is in memory is still what is on disk */
	ledger_failed(&t->l->ledger, t->step, e->text, r->now, crypto_draw());
	t->l->ledger.retry[t->step].begun = e->kind == ERR_PENDING;
	if ((!step_makes_generation(t->step) && t->step != DO_REVOKE) || proc_stopping() || e->kind == ERR_USAGE)
		t->l->ledger.retry[t->step].next_at = 0;
	engine_save(r->en, t->l);
}

void engine_step_succeeded(struct round *r, struct task *t, const char *text)
{
	if (text)
		engine_tell(r->en, TELL_DONE, t->l, text);
	line_reload(t->l);
	if (t->l->failed) {
		engine_tell(r->en, TELL_FAILED, t->l, t->l->err.text);
		return;
	}
	ledger_succeeded(&t->l->ledger, t->step);
	engine_save(r->en, t->l);
}

void engine_worker_error(struct err *e, const struct proc *p)
{
	*e = p->err;
	if (p->status > 0 && p->status <= ERR_UNSAFE && p->out.len && !p->timed_out)
		err_set(e, (enum err_kind)p->status, "%s", p->out.s);
}

/* Steps that only move links and notes ----------------------------------------------------------- */

static void run_moves(struct round *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];
		char *text = NULL;
		struct err e;

		if (t->step == DO_PUBLISH || t->step == DO_DEPLOY)
			continue;
		if (step_do(&text, r->en->w, t->l, t->step, r->now, &e) < 0) {
			engine_step_failed(r, t, &e);
		} else {
			/* retire and purge are notes only: they must be on disk before the reload */
			if (t->step == DO_RETIRE || t->step == DO_PURGE)
				engine_save(r->en, t->l);
			if (!t->l->failed)
				engine_step_succeeded(r, t, text);
		}
		free(text);
	}
}

/* Preparing -------------------------------------------------------------------------------------- */

static bool usable(struct engine *en, struct line *l)
{
	if (!l->failed && !l->known && !en->init) {
		l->failed = true;
		err_set(&l->err, ERR_LOCAL, "not set up yet: run `certline init %s`", l->cfg->name);
	}
	if (l->failed)
		engine_tell(en, TELL_FAILED, l, l->err.text);
	return !l->failed;
}

static void adopt(struct engine *en, struct line *l)
{
	for (int i = 0; i < 3 && !l->failed; i++) {
		char *text;
		struct err e;

		if (step_adopt(&text, l, clock_now(), &e) < 0) {
			l->failed = true;
			l->err = e;
			engine_tell(en, TELL_FAILED, l, e.text);
			return;
		}
		if (!text)
			return;
		engine_tell(en, TELL_DONE, l, text);
		free(text);
		line_reload(l);
		if (l->failed)
			engine_tell(en, TELL_FAILED, l, l->err.text);
		else
			engine_save(en, l);
	}
}

static const char *order_revoke(struct line *l, int reason, bool now)
{
	if (l->cfg->issuer == ISSUER_SELF)
		return "the line has no CA that could revoke anything (issuer = self): `certline roll --emergency` "
		       "replaces the key, and its records go";
	return ledger_order_revoke(&l->ledger, reason, now);
}

/* A key that is compromised is rolled; another one gets a new certificate. */
static const char *order_revocation(struct line *l, const struct order *o)
{
	const char *no = order_revoke(l, o->reason, true);

	if (no)
		return no;
	if (o->reason == REVOKE_KEY_COMPROMISE)
		return ledger_order_roll(&l->ledger, true, false);
	ledger_order_renew(&l->ledger, false);
	return NULL;
}

static void take_order(struct engine *en, struct line *l, const struct order *o)
{
	const char *no = NULL;

	switch (o->what) {
	case ORDER_NONE:
		return;
	case ORDER_RENEW:
		ledger_order_renew(&l->ledger, o->force);
		break;
	case ORDER_ROLL:
		no = o->revoke ? order_revoke(l, REVOKE_KEY_COMPROMISE, false) : NULL;
		if (!no)
			no = ledger_order_roll(&l->ledger, o->emergency, o->force);
		break;
	case ORDER_REVOKE:
		no = order_revocation(l, o);
		break;
	case ORDER_BACK:
		no = ledger_order_back(&l->ledger);
		break;
	}
	if (no) {
		l->failed = true;
		err_set(&l->err, ERR_REFUSED, "%s", no);
		engine_tell(en, TELL_FAILED, l, no);
	} else if (!en->dry_run) {
		engine_save(en, l);
		if (l->failed)
			engine_tell(en, TELL_FAILED, l, "the order was not taken: give it again");
	}
}

/* The last act of a promotion that was killed. */
static void drop_stale_staging(struct engine *en, struct line *l)
{
	if (!l->stale_staging || step_drop_staging(l, &l->err) == 0)
		return;
	l->failed = true;
	engine_tell(en, TELL_FAILED, l, l->err.text);
}

/* That a line is to be set up is written down first: whatever happens then, the next run goes on. */
static void begin(struct engine *en, struct line *l)
{
	if (l->known || en->dry_run)
		return;
	if (store_make_line(l->cfg, &l->err) == 0) {
		engine_save(en, l);
		l->known = !l->failed;
		return;
	}
	l->failed = true;
	engine_tell(en, TELL_FAILED, l, l->err.text);
}

static void prepare(struct engine *en, struct line *l, const struct order *o)
{
	world_load(en->w, l);
	if (!usable(en, l))
		return;
	begin(en, l);
	if (l->failed)
		return;
	if (l->jump == JUMP_SHIFTED)
		engine_tell(en, TELL_WHY, l, "the clock was set: all waits were moved with it");
	else if (l->jump == JUMP_RESTARTED)
		engine_tell(en, TELL_WHY, l, "the clock cannot be trusted across the last boot: waits that were "
			"under way count from the boot");
	if (l->dropped_gen) {
		char *text = mem_format("the staging link is missing: the staged key (generation %d) is "
					"dropped", l->dropped_gen);

		engine_tell(en, TELL_FAILED, l, text);
		free(text);
	}
	if (!en->dry_run) {
		drop_stale_staging(en, l);
		adopt(en, l);
		if (!l->failed && l->noted)
			engine_save(en, l);
	}
	if (!l->failed)
		take_order(en, l, o);
}

/* Rounds ----------------------------------------------------------------------------------------- */

static void forecast(struct engine *en, struct line *l)
{
	int64_t now = clock_now();
	char *key = NULL, *cert = NULL;
	struct facts f;
	struct err e;

	if (!l->live.number && links_foreign(&key, &cert, l->cfg, "live", &e) < 0) {
		engine_tell(en, TELL_FAILED, l, e.text);
		l->failed = true;
		return;
	}
	if (key) {
		char *text = mem_format("would adopt the live key in %s", key);

		engine_tell(en, TELL_DONE, l, text);
		free(text);
		free(key);
		free(cert);
		return;
	}

	line_facts(&f, en->w, l);
	for (int i = 0; i < ROUNDS_MAX; i++) {
		struct decision d = rollover_next(&l->policy, &f, now);
		char *text;

		if (d.step == DO_NOTHING) {
			text = line_reason(d.why, d.detail);
			engine_tell(en, TELL_WHY, l, text);
			free(text);
			return;
		}
		text = mem_format("would %s: %s", rollover_step_name(d.step), d.why);
		engine_tell(en, TELL_DONE, l, text);
		free(text);
		rollover_assume(&l->policy, &f, d.step, now);
	}
}

/* A step may fail after its deed was done (the last fsync of a folder, say).  Then nobody asks for it any
 * more, and its failure is over. */
static void forget_failures(struct round *r, struct line *l, const struct facts *f)
{
	bool forgot = false;

	for (int s = 0; s < STEP_N; s++) {
		if (!l->ledger.retry[s].failures ||
		    rollover_wants(&l->policy, f, (enum step)s, r->now))
			continue;
		ledger_succeeded(&l->ledger, (enum step)s);
		forgot = true;
	}
	if (forgot)
		engine_save(r->en, l);
}

/* Fills r->tasks with what the active lines want to do now, if it is for workers, or if it is not; a line
 * with nothing to do goes inactive. */
static void collect(struct round *r, struct line **lines, bool *active, size_t n, bool for_workers)
{
	r->n = 0;
	r->now = clock_now();
	for (size_t i = 0; i < r->en->w->includes_n; i++)
		r->en->w->includes[i].looked = false;
	for (size_t i = 0; i < n; i++) {
		struct decision d;
		struct facts f;
		char *why;

		if (!active[i] || lines[i]->failed)
			continue;
		line_facts(&f, r->en->w, lines[i]);
		d = rollover_next(&lines[i]->policy, &f, r->now);
		if (d.step != DO_NOTHING && engine_for_worker(d.step) != for_workers)
			continue;
		why = line_reason(d.why, d.detail);
		engine_tell(r->en, TELL_WHY, lines[i], why);
		free(why);
		active[i] = d.step != DO_NOTHING;
		if (!active[i])
			forget_failures(r, lines[i], &f);
		else
			r->tasks[r->n++] = (struct task){ .l = lines[i], .step = d.step,
							  .why = d.why, .now = r->now };
	}
}

/* A new set at an owner that others name too concerns them as well. */
static void wake_siblings(const struct round *r, bool *active, size_t n)
{
	if (r->en->w->shared_n == 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].step == DO_PUBLISH)
			for (size_t k = 0; k < n; k++)
				active[k] = true;
}

/* Rounds of these lines, until whoever is active still wants a worker. */
static void run_rounds(struct engine *en, struct line **lines, bool *active, size_t n)
{
	struct round r = { .en = en, .tasks = mem_array(n, sizeof(*r.tasks)) };

	for (int round = 0; round < ROUNDS_MAX && !proc_stopping(); round++) {
		collect(&r, lines, active, n, false);
		if (r.n == 0)
			break;
		run_moves(&r);
		engine_hand_out(&r);
		engine_look_again(&r, DO_PUBLISH);
		engine_look_again(&r, DO_DEPLOY);
		wake_siblings(&r, active, n);
	}
	free(r.tasks);
}

void engine_go_on(struct engine *en, struct line **lines, size_t n)
{
	bool *active = mem_array(n, sizeof(*active));

	for (size_t i = 0; i < n; i++)
		active[i] = true;
	run_rounds(en, lines, active, n);
	free(active);
}

/* Those that no worker has anything to do for do not wait for the others. */
static void run_lines(struct engine *en, struct line **lines, bool *active, size_t n)
{
	struct round r = { .en = en, .tasks = mem_array(n, sizeof(*r.tasks)) };

	for (int round = 0; round < ROUNDS_MAX && !proc_stopping(); round++) {
		run_rounds(en, lines, active, n);
		collect(&r, lines, active, n, true);
		if (r.n == 0)
			break;
		engine_work(&r);
		/* lines that went on meanwhile may have published */
		for (size_t i = 0; i < n && en->w->shared_n; i++)
			active[i] = true;
	}
	free(r.tasks);
}

static void tell_alarms(struct engine *en, struct line *l)
{
	struct strv alarms = { 0 }, warnings = { 0 };

	pending_alarms(&alarms, &warnings, en->w, l);
	for (size_t i = 0; i < alarms.n; i++)
		engine_tell(en, TELL_FAILED, l, alarms.v[i]);
	for (size_t i = 0; i < warnings.n; i++)
		engine_tell(en, TELL_WHY, l, warnings.v[i]);
	strv_free(&alarms);
	strv_free(&warnings);
}

struct tally engine_run(struct engine *en, struct line **lines, size_t n, const struct order *order)
{
	bool *active = mem_array(n, sizeof(*active));
	struct tally tally = { 0 };

	for (size_t i = 0; i < n; i++) {
		prepare(en, lines[i], order);
		active[i] = !lines[i]->failed;
	}
	engine_look(en, lines, n);
	if (!en->dry_run)
		engine_clean(en, lines, n);
	if (!en->dry_run)
		engine_ask_cas(en, lines, n);
	for (size_t i = 0; i < n; i++) {
		if (lines[i]->failed)
			continue;
		if (en->dry_run)
			forecast(en, lines[i]);
		else {
			engine_distrust_unseen(en, lines[i]);
			engine_distrust_deployment(en, lines[i]);
		}
	}
	if (!en->dry_run)
		run_lines(en, lines, active, n);
	for (size_t i = 0; i < n; i++) {
		struct strv pending = { 0 };
		enum standing stands = STANDS_WELL;

		if (!lines[i]->failed && !en->dry_run) {
			stands = pending_find(&pending, NULL, en->w, lines[i]);
			tell_alarms(en, lines[i]);
		}
		if (lines[i]->failed || lines[i]->untidy)
			stands = STANDS_FAILED;
		tally.waiting += stands == STANDS_WAITING;
		tally.bad += stands > STANDS_WAITING;
		strv_free(&pending);
	}
	free(active);
	return tally;
}
