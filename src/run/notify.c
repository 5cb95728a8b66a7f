/* notify.c - from lines to messages, and their file.
 * Touches: STATE/notify.json, history.jsonl of lines; through deliver.c all that it touches.
 */
#include "run/notify.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/deliver.h"
#include "run/expiry.h"
#include "run/observe.h"
#include "run/pending.h"
#include "run/servers.h"
#include "run/store.h"
#include "run/suggest.h"
#include "sys/clock.h"

#define FILE_MAX ((size_t)64 << 20)

/* The file --------------------------------------------------------------------------------------- */

struct notes {
	const struct notify *n;
	struct messages      m;
	char                *path;
	struct buf           written;   /* what the file has */
	bool                 stored;    /* what is to be told is on disk */
};

/* -1: it cannot be read; one that is damaged counts as empty, and *damaged is set. */
static int load(struct messages *m, struct buf *text, const char *path, bool *damaged, struct err *e)
{
	struct json *o;
	bool missing;

	*m = (struct messages){ 0 };
	*damaged = false;
	if (fs_read(text, path, FILE_MAX, &missing, e) < 0)
		return -1;
	if (missing)
		return 0;
	o = json_parse(text->s, text->len, e);
	if (!o || !json_plain(o)) {
		json_free(o);
		*damaged = true;
		return 0;
	}
	messages_decode(m, o);
	json_free(o);
	return 0;
}

/* Nothing new: nothing is written. */
static void save(struct notes *t)
{
	struct json *o;
	struct buf text;
	struct err e;

	t->stored = true;
	if (t->m.n == 0 && t->m.conditions_n == 0 && t->written.len == 0)
		return;
	o = messages_encode(&t->m);
	buf_init(&text, FILE_MAX);
	json_print(&text, o, true);
	json_free(o);
	if (strcmp(text.s, t->written.s) != 0) {
		/* what runs that were killed have left half-written */
		fs_sweep_temporary(t->n->w->config->state);
		if (fs_write(t->path, text.s, text.len, (struct fs_mode){ 0600, (gid_t)-1 }, &e) < 0) {
			t->n->say(t->n->arg, e.text);
			t->stored = false;
		} else {
			buf_clear(&t->written);
			buf_add(&t->written, text.s, text.len);
		}
	}
	buf_free(&text);
}

static void save_delivered(void *arg)
{
	struct notes *t = arg;

	if (t->stored)
		save(t);
}

/* What it had is for a person to look into. */
static void put_aside(struct notes *t)
{
	char *aside = mem_format("%s.damaged", t->path), *text;

	if (rename(t->path, aside) == 0)
		text = mem_format("%s is damaged: it is kept as %s, and what it had is told to nobody", t->path,
				  aside);
	else
		text = mem_format("%s is damaged: what it had is told to nobody", t->path);
	t->n->say(t->n->arg, text);
	free(text);
	free(aside);
	buf_clear(&t->written);
}

/* What is wrong ---------------------------------------------------------------------------------- */

static void add_dns(struct alarms *out, const struct line *l, const struct facts *f)
{
	for (size_t i = 0; i < l->ledger.eyes_n && l->policy.verifies; i++) {
		const struct horizon *h = &l->ledger.eyes[i];
		const struct horizon_server *s;

		if (!h->looked_at)
			continue;
		if (h->security == HS_BOGUS || (h->security == HS_INSECURE && !l->horizon.insecure_ok))
			alarms_add(out, EVENT_DNSSEC_LOST, h->owner,
				   mem_format("the zone of %s is %s: %s", h->owner,
					      horizon_security_name(h->security),
					      h->why ? h->why : "DANE has no effect there"));
		s = horizon_unsigned(h);
		if (s)
			alarms_add(out, EVENT_DNSSEC_LOST, h->owner,
				   mem_format("name server %s: the answer about %s is not signed as it must be: %s",
					      s->id, h->owner, s->why ? s->why : "?"));
		if (f->live.present && f->deployed_at && horizon_uncovered(h, f->live.id, &s))
			alarms_add(out, EVENT_UNCOVERED, h->owner,
				   mem_format("name server %s gives TLSA records for %s that do not fit the live "
					      "key: DANE clients refuse it", s->id, h->owner));
	}
}

static void add_servers(struct alarms *out, const struct world *w, const struct line *l,
			const struct facts *f)
{
	struct strv texts = { 0 }, about = { 0 };

	servers_alarms(&texts, &about, w, l, f);
	for (size_t i = 0; i < texts.n; i++)
		alarms_add(out, EVENT_ENDPOINT, about.v[i], mem_copy_str(texts.v[i]));
	strv_free(&texts);
	strv_free(&about);
}

/* Another event tells of it, in this run or when it began. */
static bool is_told_else(const struct alarms *all, const char *text, const char *about, unsigned events)
{
	static const struct {
		enum event  event;
		const char *kind;       /* of pending_find() */
	} rows[] = {
		{ EVENT_EXPIRY, "expiry " },
		{ EVENT_DNSSEC_LOST, "dns " },
		{ EVENT_UNCOVERED, "dns " },
		{ EVENT_ENDPOINT, "endpoint " },
	};

	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		if (!(events & 1U << rows[r].event) || !text_starts(about, rows[r].kind))
			continue;
		for (size_t i = 0; i < all->n; i++)
			if (all->v[i].event == rows[r].event &&
			    (rows[r].event == EVENT_EXPIRY || strcmp(about + strlen(rows[r].kind), all->v[i].key) == 0 ||
			     (rows[r].event != EVENT_ENDPOINT && strstr(text, all->v[i].key))))
				return true;
	}
	return false;
}

/* Each as a condition of its own: one that comes later is told at once. */
static void add_failure(struct alarms *out, const char *about, const char *text, bool waits)
{
	if (!waits)
		alarms_add(out, EVENT_FAILING, about, mem_copy_str(text));
	alarms_add(out, EVENT_OVERDUE, about, mem_copy_str(text));
}

/* After all others. */
static void add_failures(struct alarms *out, const struct notify *n, struct line *l)
{
	struct strv pending = { 0 }, about = { 0 };
	const struct strv *failed = &n->failures[l - n->w->lines];
	bool waits = pending_find(&pending, &about, n->w, l) == STANDS_WAITING;

	for (size_t i = 0; i < pending.n; i++)
		if (!is_told_else(out, pending.v[i], about.v[i], l->cfg->notify_events))
			add_failure(out, about.v[i], pending.v[i], waits);
	if (l->failed) {
		add_failure(out, "line", l->err.text, false);
	} else if (l->untidy && !pending.n) {
		char *text = strv_join(failed, "\n");

		add_failure(out, "untidy", text, false);
		free(text);
	}
	strv_free(&pending);
	strv_free(&about);
}

static void gather(struct alarms *out, const struct notify *n, struct line *l)
{
	const struct suggestion *s;
	struct facts f;
	char *text;

	if (l->failed) {
		add_failures(out, n, l);
		return;
	}
	line_facts(&f, n->w, l);
	text = expiry_text(l, &f, clock_now());
	if (text)
		alarms_add(out, EVENT_EXPIRY, expiry_name(expiry_level(l, &f, clock_now())), text);
	if (l->live.number && suggest_at(l, &l->live, &s) && s->explanation)
		alarms_add(out, EVENT_ARI, s->explanation,
			   mem_format("the CA explains when it suggests to renew: %s", s->explanation));
	add_dns(out, l, &f);
	add_servers(out, n->w, l, &f);
	add_failures(out, n, l);
}

/* From what is to messages ----------------------------------------------------------------------- */

struct telling {
	struct notes      *t;
	const struct line *l;
};

static void tell(void *arg, enum event event, const char *text)
{
	const struct telling *g = arg;
	int64_t now = clock_now();

	deliver_queue(&g->t->m, g->l->cfg, &(struct message){
		.event = event,
		.line = g->l->cfg->name,
		.text = (char *)text,
		.at = now,
		.queued_at = now,
	});
}

static bool event_of(enum event *out, enum life what)
{
	static const struct {
		enum life  what;
		enum event event;
	} rows[] = {
		{ LIFE_STAGED, EVENT_STAGED },
		{ LIFE_PROMOTED, EVENT_PROMOTED },
		{ LIFE_ROLLED_BACK, EVENT_PROMOTED },
		{ LIFE_RETIRED, EVENT_RETIRED },
		{ LIFE_RENEWED, EVENT_RENEWED },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].what != what)
			continue;
		*out = rows[i].event;
		return true;
	}
	return false;
}

/* What happened long ago, before there was a history, is no news. */
static void tell_history(struct notes *t, const struct line *l, const struct history_rows *rows)
{
	int64_t now = clock_now();
	enum event event;

	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *r = &rows->v[i];
		char *id, *text;

		if (!event_of(&event, r->what) || !(l->cfg->notify_events & 1U << event) ||
		    now - r->at >= MESSAGE_LIFE_FOR)
			continue;
		id = mem_format("%s %d %d %lld", life_name(r->what), r->keyset, r->gen, (long long)r->at);
		text = mem_format("%s: keyset %d, generation %d: %s", life_name(r->what), r->keyset, r->gen,
				  r->text);
		deliver_queue(&t->m, l->cfg, &(struct message){
			.event = event,
			.line = l->cfg->name,
			.text = text,
			.at = r->at,
			.queued_at = now,
			.id = id,
		});
		free(id);
		free(text);
	}
}

static void look_at_line(struct notes *t, struct line *l, struct history_due *due)
{
	const struct notify *n = t->n;
	struct telling g = { t, l };
	struct alarms wrong = { 0 };
	struct err e;

	if (!l->failed && l->known && history_due(due, n->w, l, &e) < 0) {
		char *text = mem_format("%s: %s", l->cfg->name, e.text);

		n->say(n->arg, text);
		free(text);
	}
	if (!deliver_has_channel(l->cfg))
		return;
	tell_history(t, l, &due->rows);
	gather(&wrong, n, l);
	conditions_fit(&t->m, l->cfg->name, &wrong, l->cfg->notify_events, l->cfg->overdue_for, clock_now(),
		       tell, &g);
	alarms_free(&wrong);
}

static void write_histories(const struct notify *n, const struct history_due *due)
{
	for (size_t i = 0; i < n->n; i++) {
		struct err e;
		char *text;

		if (history_append(&due[i], n->lines[i]->cfg, &e) == 0)
			continue;
		text = mem_format("%s: %s", n->lines[i]->cfg->name, e.text);
		n->say(n->arg, text);
		free(text);
	}
}

/* A line that is gone, or has nobody to tell. */
static bool is_told(void *arg, const char *name)
{
	const struct line *l = world_find(arg, name);

	return l && deliver_has_channel(l->cfg);
}

/* Each once, however many lines have it. */
static void ping_urls(struct strv *out, const struct notify *n, const char *behind)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct strv *pings = &n->lines[i]->cfg->pings;

		for (size_t k = 0; k < pings->n; k++) {
			const char *url = pings->v[k];
			size_t len = strcspn(url, "?#"), path_len = len - (len && url[len - 1] == '/');
			char *whole = mem_format("%.*s/%s%s", (int)path_len, url, behind, url + len);

			if (strv_has(out, whole))
				free(whole);
			else
				strv_take(out, whole);
		}
	}
}

void notify_begin(const struct notify *n)
{
	struct strv urls = { 0 };

	ping_urls(&urls, n, "start");
	if (urls.n)
		deliver_pings(&urls, n->say, n->arg);
	strv_free(&urls);
}

/* Of a queue that is not on disk, only what is wrong now is told, and that at every run: news that were
 * written to no history are queued again by the next one. */
static void keep_alarms(struct messages *m, int64_t began_at)
{
	for (size_t i = 0; i < m->n; i++)
		m->v[i].done |= *m->v[i].id || m->v[i].queued_at < began_at;
}

static void deliver(struct notes *t)
{
	const struct notify *n = t->n;
	char *status = mem_format("%d", n->status);
	struct delivery d = { .w = n->w, .messages = &t->m, .log = n->log, .now = clock_now(),
			      .save = save_delivered, .save_arg = t, .say = n->say, .arg = n->arg };

	ping_urls(&d.pings, n, status);
	deliver_all(&d);
	free(status);
}

void notify_end(const struct notify *n)
{
	struct notes t = { .n = n, .path = mem_format("%s/notify.json", n->w->config->state) };
	struct history_due *due = mem_array(n->n, sizeof(*due));
	struct strv lost = { 0 };
	int64_t began_at = clock_now();
	size_t dropped;
	bool damaged, readable;
	struct err e;

	buf_init(&t.written, FILE_MAX);
	readable = load(&t.m, &t.written, t.path, &damaged, &e) == 0;
	if (!readable)
		n->say(n->arg, e.text);
	if (damaged)
		put_aside(&t);
	for (size_t i = 0; i < n->n; i++)
		look_at_line(&t, n->lines[i], &due[i]);
	conditions_keep(&t.m, is_told, n->w);
	deliver_fit(&t.m, n->w);
	dropped = messages_tidy(&t.m, &lost, clock_now());
	if (readable)
		save(&t);
	if (t.stored)
		write_histories(n, due);
	else
		keep_alarms(&t.m, began_at);
	deliver(&t);
	for (size_t i = 0; i < lost.n; i++)
		n->say(n->arg, lost.v[i]);
	if (dropped) {
		char *text = mem_format("too much is to be told: the %zu oldest messages were dropped", dropped);

		n->say(n->arg, text);
		free(text);
	}
	for (size_t i = 0; i < n->n; i++)
		history_due_free(&due[i]);
	free(due);
	strv_free(&lost);
	messages_free(&t.m);
	buf_free(&t.written);
	free(t.path);
}

char *notify_waiting(const struct config *c, struct err *e)
{
	char *path = mem_format("%s/notify.json", c->state), *text = NULL;
	const struct message *oldest = NULL;
	struct messages m;
	struct buf buf;
	bool damaged;
	char since[WHEN_TEXT_LEN];

	*e = (struct err){ 0 };
	buf_init(&buf, FILE_MAX);
	if (load(&m, &buf, path, &damaged, e) == 0 && damaged)
		err_set(e, ERR_LOCAL, "%s is damaged: the next run puts it aside", path);
	if (m.n) {
		oldest = &m.v[0];
		when_format_minute(since, oldest->queued_at);
		text = mem_format("%zu message%s not told yet, the oldest since %s UTC, by %s%s%s", m.n,
				  m.n == 1 ? " is" : "s are", since, channel_name(oldest->channel),
				  oldest->error ? ": " : "", oldest->error ? oldest->error : "");
	}
	messages_free(&m);
	buf_free(&buf);
	free(path);
	return text;
}
