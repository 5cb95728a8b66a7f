/* engine.c - the loop: observe, decide, do, note.
 * Touches: files under STATE, include files, child processes (workers and hooks).
 */
#include "run/engine_parts.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/crypto.h"
#include "io/json.h"
#include "run/eyes.h"
#include "acme/revocation.h"
#include "run/hook.h"
#include "run/links.h"
#include "run/observe.h"
#include "run/pending.h"
#include "run/publish.h"
#include "run/publish_update.h"
#include "run/servers.h"
#include "run/step.h"
#include "run/store.h"
#include "sys/clock.h"
#include "sys/proc.h"
#include "sys/progress.h"

#define ROUNDS_MAX   100        /* no line has that many steps at one instant: a guard against a loop */

/* Telling -------------------------------------------------------------------------------------- */

void engine_tell(struct engine *en, enum tell kind, const struct line *l, const char *text)
{
	en->tell(en->arg, kind, l, text, NULL);
}

/* What a hook prints may carry anything, and goes to a terminal or into a mail. */
static void tell_output(struct engine *en, enum tell kind, const struct line *l, const struct buf *out)
{
	for (size_t i = 0; i < out->len;) {
		const char *end = memchr(out->s + i, '\n', out->len - i);
		size_t len = end ? (size_t)(end - out->s) - i : out->len - i;
		char *line = mem_copy_strn(out->s + i, len);

		for (size_t k = 0; k < len; k++)
			if (((unsigned char)line[k] < 0x20 && line[k] != '\t') || line[k] == 0x7f)
				line[k] = '?';
		engine_tell(en, kind, l, line);
		free(line);
		i += len + 1;
	}
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

/* Steps that only move links and notes ----------------------------------------------------------- */

static void run_moves(struct round *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];
		char *text = NULL;
		struct err e;

		if (t->step == DO_PUBLISH || t->step == DO_DEPLOY)
			continue;
		if (step_do(&text, t->l, t->step, r->now, &e) < 0) {
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

/* Publication and deployment --------------------------------------------------------------------- */

static const char *event_of(const struct task *t)
{
	return t->step == DO_PUBLISH ? HOOK_KEYCHANGE : HOOK_CERTCHANGE;
}

static const struct strv *commands_of(const struct task *t)
{
	static const struct strv none;

	if (t->step == DO_DEPLOY)
		return &t->l->cfg->post_certchange;
	return t->l->cfg->publish & PUBLISH_HOOK ? &t->l->cfg->post_keychange : &none;
}

static struct acks *acks_of(const struct task *t)
{
	return t->step == DO_PUBLISH ? &t->l->ledger.keychange : &t->l->ledger.certchange;
}

/* What a hook acknowledges: the recorded set, or the live generation. */
static int subject_of(const struct task *t)
{
	return t->step == DO_PUBLISH ? t->l->ledger.set_serial : t->l->live.number;
}

/* An owner that left the configuration has records in its zone that no update will ever take away: their keys
 * will be rolled, and clients refuse the server then. */
static void tell_abandoned(struct round *r, struct task *t)
{
	const struct set *s = &t->l->ledger.set;

	for (size_t i = 0; i < s->n && t->l->cfg->publish & PUBLISH_UPDATE; i++) {
		char *text;

		if (strv_has(&t->l->cfg->owners, s->v[i].owner) || !*s->v[i].owner ||
		    (i && strcmp(s->v[i].owner, s->v[i - 1].owner) == 0))
			continue;
		text = mem_format("%s is not among the owners any more: its records stay in the zone until you "
				  "delete them there, and must go before the key does", s->v[i].owner);
		engine_tell(r->en, TELL_FAILED, t->l, text);
		free(text);
		t->l->untidy = true;
	}
}

/* The obligation is on disk before anything is handed out. */
static void record_set(struct round *r, struct task *t)
{
	struct ledger *l = &t->l->ledger;
	struct strv publishers = { 0 };
	struct set wanted;
	struct err e;

	line_wanted(&wanted, r->en->w, t->l);
	if (publish_check_siblings(r->en->w, t->l, &e) < 0 ||
	    publish_check_cover(t->l->cfg, &t->l->live, &wanted, &e) < 0) {
		t->blocked = true;
		engine_step_failed(r, t, &e);
		goto out;
	}
	if (ledger_set_differs(l, &wanted)) {
		tell_abandoned(r, t);
		ledger_set_record(l, &wanted, r->now);
	} else if (l->set_done_at && (t->l->cfg->publish & PUBLISH_INCLUDE) &&
		   publish_include_changed(r->en->w, t->l->cfg->include_file)) {
		/* somebody changed the file, and a server may have loaded it */
		ledger_set_distrust(l);
	}
	line_publishers(&publishers, t->l->cfg);
	acks_keep(&l->keychange, &publishers);
	engine_save(r->en, t->l);
	t->failed |= t->l->failed;
out:
	strv_free(&publishers);
	set_free(&wanted);
}

/* Every include file once, however many lines have changed in it. */
static void write_includes(struct round *r)
{
	for (size_t i = 0; i < r->en->w->includes_n; i++)
		r->en->w->includes[i].looked = false;
	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];
		struct include_view *v;
		struct err e;

		if (t->step != DO_PUBLISH || t->failed || !(t->l->cfg->publish & PUBLISH_INCLUDE))
			continue;
		v = world_include(r->en->w, t->l->cfg->include_file);
		if (!publish_include_wrong(r->en->w, v->path))
			continue;
		if (publish_include(r->en->w, v->path, r->now, &e) < 0) {
			err_wrap(&e, "include file");
			t->blocked = true;
			engine_step_failed(r, t, &e);
			continue;
		}
		v->wrong = false;
	}
}

/* Updates ---------------------------------------------------------------------------------------- */

void engine_worker_error(struct err *e, const struct proc *p)
{
	*e = p->err;
	if (p->status > 0 && p->status <= ERR_UNSAFE && p->out.len && !p->timed_out)
		err_set(e, (enum err_kind)p->status, "%s", p->out.s);
}

/* In a worker: records that are not ours, or the error, go back as text. */
static int update_work(void *arg, int out_fd)
{
	const struct task *t = arg;
	struct buf foreign;
	struct err e;
	int rc;

	buf_init(&foreign, (size_t)1 << 20);
	rc = publish_update(&foreign, t->l, &e);
	dprintf(out_fd, "%s", rc < 0 ? e.text : foreign.s);
	buf_free(&foreign);
	return rc < 0 ? (int)e.kind : 0;
}

static void update_done(struct round *r, struct task *t, const struct proc *p)
{
	struct acks *a = &t->l->ledger.keychange;

	if (p->status == 0) {
		acks_ok(a, UPDATE_NAME, t->l->ledger.set_serial, r->now);
		if (p->out.len)
			engine_tell(r->en, TELL_WHY, t->l, "records in the zone that are not ours, and are kept:");
		tell_output(r->en, TELL_WHY, t->l, &p->out);
	} else {
		struct err e;
		char *text;

		engine_worker_error(&e, p);
		text = mem_format("update: %s", e.text);
		t->failed = true;
		t->l->tried |= 1U << t->step;
		acks_failed(a, UPDATE_NAME, text + strlen("update: "), r->now);
		engine_tell(r->en, TELL_FAILED, t->l, text);
		free(text);
	}
	engine_save(r->en, t->l);
}

static void run_updates(struct round *r)
{
	struct proc *procs = mem_array(r->n, sizeof(*procs));
	struct task **of = mem_array(r->n, sizeof(struct task *));
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];
		const struct ack *a = acks_find(&t->l->ledger.keychange, UPDATE_NAME);

		if (t->step != DO_PUBLISH || t->blocked || t->l->failed ||
		    !(t->l->cfg->publish & PUBLISH_UPDATE) ||
		    (a && a->acked == t->l->ledger.set_serial))
			continue;
		of[n] = t;
		procs[n] = (struct proc){ .work = update_work, .arg = t, .limit_ms = WORK_LIMIT_MS };
		buf_init(&procs[n++].out, (size_t)1 << 20);
	}
	/* always in children, since replies are parsed there */
	progress_begin(n ? of[0]->l->cfg->name : "", n, "updating the zone");
	proc_run_all(procs, n, r->en->jobs > 1 ? r->en->jobs : 2);
	progress_end();
	for (size_t i = 0; i < n; i++) {
		update_done(r, of[i], &procs[i]);
		buf_free(&procs[i].out);
	}
	free(procs);
	free(of);
}

static void hook_done(struct round *r, struct task *t, const char *command, const struct proc *p)
{
	struct acks *a = acks_of(t);
	const struct err *e = &p->err;

	if (p->status == 0) {
		acks_ok(a, command, subject_of(t), r->now);
		tell_output(r->en, TELL_WHY, t->l, &p->out);
	} else {
		char *text = mem_format("%s hook %s: %s", event_of(t), command, e->text);

		t->failed = true;
		t->l->tried |= 1U << t->step;
		acks_failed(a, command, e->text, r->now);
		engine_tell(r->en, TELL_FAILED, t->l, text);
		tell_output(r->en, TELL_OUTPUT, t->l, &p->out);
		free(text);
	}
	engine_save(r->en, t->l);
}

/* One hook of each line at a time, so that those of one line keep their order. */
static void run_wave(struct round *r, size_t wave)
{
	struct hook_run *hooks = mem_array(r->n, sizeof(*hooks));
	struct proc *procs = mem_array(r->n, sizeof(*procs));
	struct task **of = mem_array(r->n, sizeof(struct task *));
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];
		const struct strv *commands = commands_of(t);
		const struct ack *a;
		struct err e;

		if ((t->step != DO_PUBLISH && t->step != DO_DEPLOY) || t->l->failed ||
		    wave >= commands->n)
			continue;
		if (t->blocked)
			continue;
		a = acks_find(acks_of(t), commands->v[wave]);
		if (a && a->acked == subject_of(t))
			continue;
		if (hook_prepare(&hooks[n], event_of(t), commands->v[wave], r->en->w, t->l, &e) < 0) {
			struct proc refused = { .status = -1, .err = e, .out = { .s = (char[]){ 0 } } };

			hook_done(r, t, commands->v[wave], &refused);
			continue;
		}
		procs[n] = hooks[n].proc;
		of[n++] = t;
	}
	progress_begin(n ? of[0]->l->cfg->name : "", n, "running hooks (%s)", n ? procs[0].argv[0] : "");
	proc_run_all(procs, n, r->en->jobs);
	progress_end();
	for (size_t i = 0; i < n; i++) {
		hook_done(r, of[i], commands_of(of[i])->v[wave], &procs[i]);
		hooks[i].proc = procs[i];
		hook_free(&hooks[i]);
	}
	free(hooks);
	free(procs);
	free(of);
}

static void tell_published(struct round *r, const struct task *t)
{
	const struct set *s = &t->l->ledger.set;
	size_t records = 0;
	char *text;

	for (size_t i = 0; i < s->n; i++)
		records += *s->v[i].owner != '\0';
	text = records ? mem_format("published %zu TLSA record%s (set %d)", records,
				    records == 1 ? "" : "s", t->l->ledger.set_serial)
		       : mem_format("the key-change hooks ran (set %d)", t->l->ledger.set_serial);
	engine_tell(r->en, TELL_DONE, t->l, text);
	free(text);
}

static void finish_hand_out(struct round *r, struct task *t)
{
	struct ledger *l = &t->l->ledger;
	struct strv publishers = { 0 };
	bool pending;

	if (t->step == DO_PUBLISH)
		line_publishers(&publishers, t->l->cfg);
	pending = acks_pending(acks_of(t), t->step == DO_PUBLISH ? &publishers : commands_of(t),
			       subject_of(t));
	strv_free(&publishers);
	if (t->failed || t->l->failed || pending)
		return;
	if (t->step == DO_PUBLISH) {
		ledger_set_done(l, clock_now());
		tell_published(r, t);
	} else {
		char *text = mem_format("the servers were told of generation %d", t->l->live.number);

		ledger_deployed(l, clock_now());
		acks_keep(&l->certchange, commands_of(t));
		engine_tell(r->en, TELL_DONE, t->l, text);
		free(text);
	}
	ledger_succeeded(l, t->step);
	engine_save(r->en, t->l);
}

static void run_hand_outs(struct round *r)
{
	size_t waves = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct task *t = &r->tasks[i];

		if (t->step != DO_PUBLISH && t->step != DO_DEPLOY)
			continue;
		if (t->step == DO_PUBLISH)
			record_set(r, t);
		if (commands_of(t)->n > waves)
			waves = commands_of(t)->n;
	}
	write_includes(r);
	run_updates(r);
	for (size_t w = 0; w < waves && !proc_stopping(); w++)
		run_wave(r, w);
	for (size_t i = 0; i < r->n; i++)
		if (r->tasks[i].step == DO_PUBLISH || r->tasks[i].step == DO_DEPLOY)
			finish_hand_out(r, &r->tasks[i]);
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

/* Looking ---------------------------------------------------------------------------------------- */

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

static void look_first(struct engine *en, struct line **lines, size_t n)
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
static void distrust_deployment(struct engine *en, struct line *l)
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
static void distrust_unseen(struct engine *en, struct line *l)
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

static void look_again(const struct round *r, enum step told)
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
		run_hand_outs(&r);
		look_again(&r, DO_PUBLISH);
		look_again(&r, DO_DEPLOY);
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
	look_first(en, lines, n);
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
			distrust_unseen(en, lines[i]);
			distrust_deployment(en, lines[i]);
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
