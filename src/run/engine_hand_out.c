/* engine_hand_out.c - what goes out of this host: records to publishers, certificates to servers.
 * Touches: include files, child processes (workers and hooks).
 */
#include "run/engine_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/hook.h"
#include "run/observe.h"
#include "run/publish.h"
#include "run/publish_update.h"
#include "run/wanted.h"
#include "sys/clock.h"
#include "sys/proc.h"
#include "sys/progress.h"

/* What a hook prints may carry anything, and goes to a terminal or into a mail. */
static void tell_output(struct engine *en, enum tell kind, const struct line *l, const struct buf *out)
{
	for (size_t i = 0; i < out->len;) {
		const char *end = memchr(out->s + i, '\n', out->len - i);
		size_t len = end ? (size_t)(end - out->s) - i : out->len - i;
		char *line = mem_copy_strn(out->s + i, len);

		for (char *nul = line; (nul = memchr(nul, '\0', len - (size_t)(nul - line)));)
			*nul = '?';
		text_make_printable(line);
		engine_tell(en, kind, l, line);
		free(line);
		i += len + 1;
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
static void tell_abandoned(struct round *r, struct task *t, const struct set *wanted)
{
	const struct set *s = &t->l->ledger.set;

	for (size_t i = 0; i < s->n && t->l->cfg->publish & PUBLISH_UPDATE; i++) {
		char *text;

		if (set_has(wanted, s->v[i].owner) || !*s->v[i].owner ||
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
	struct servers_held held;
	struct set wanted;
	struct err e;

	wanted_set(&wanted, &held, r->en->w, t->l);
	if (publish_check_siblings(r->en->w, t->l, &e) < 0 ||
	    publish_check_cover(t->l->cfg, &t->l->live, &wanted, &held.owners, &e) < 0) {
		t->blocked = true;
		engine_step_failed(r, t, &e);
		goto out;
	}
	if (ledger_set_differs(l, &wanted)) {
		tell_abandoned(r, t, &wanted);
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
	servers_held_free(&held);
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

void engine_hand_out(struct round *r)
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
