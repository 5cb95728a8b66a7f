/* deliver.c - channels.
 * Touches: child processes (sendmail, hooks, workers that talk to web servers), journal and syslog, the file
 * with the token for webhooks.
 */
#include "run/deliver.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/crypto.h"
#include "io/http.h"
#include "run/hook.h"
#include "run/mail.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/journal.h"
#include "sys/proc.h"

#include <sys/stat.h>

#define AT_ONCE     16
#define ANSWER_MAX  ((size_t)1 << 20)
#define TOKEN_MAX   ((size_t)4 << 10)
#define OUTPUT_MAX  ((size_t)4 << 10)
#define WORDS_MAX   300
#define MAIL_MAX    ((size_t)4 << 20)

/* One delivery; must not move in memory while it runs. */
struct job {
	struct parcel    parcel;        /* n 0: a ping */
	char            *destination;   /* "webhook https://..." */
	const char      *url;
	char            *authorization;
	struct buf       input;
	struct hook_run  hook;
	struct strv      argv;
	struct err       refused;       /* it cannot be tried */
};

/* Queueing --------------------------------------------------------------------------------------- */

bool deliver_has_channel(const struct line_config *c)
{
	return c->notify_mail.n || c->notify_hooks.n || c->webhooks.n || c->syslog;
}

static void queue(struct messages *m, const struct message *what, enum channel channel, const char *to)
{
	struct message one = *what;

	one.channel = channel;
	one.to = (char *)to;
	messages_add(m, &one);
}

void deliver_queue(struct messages *m, const struct line_config *c, const struct message *what)
{
	if (c->notify_mail.n) {
		char *to = strv_join(&c->notify_mail, " ");

		queue(m, what, CHANNEL_MAIL, to);
		free(to);
	}
	for (size_t i = 0; i < c->notify_hooks.n; i++)
		queue(m, what, CHANNEL_HOOK, c->notify_hooks.v[i]);
	for (size_t i = 0; i < c->webhooks.n; i++)
		queue(m, what, CHANNEL_WEBHOOK, c->webhooks.v[i]);
	if (c->syslog)
		queue(m, what, CHANNEL_SYSLOG, "");
}

/* Where it goes by the configuration of now; NULL: nowhere. */
static char *destination_now(const struct message *m, const struct line_config *c)
{
	const struct strv *list = m->channel == CHANNEL_HOOK ? &c->notify_hooks : &c->webhooks;

	if (m->channel == CHANNEL_SYSLOG)
		return c->syslog ? mem_copy_str("") : NULL;
	if (m->channel == CHANNEL_MAIL)
		return c->notify_mail.n ? strv_join(&c->notify_mail, " ") : NULL;
	return list->n ? mem_copy_str(strv_has(list, m->to) ? m->to : list->v[0]) : NULL;
}

void deliver_fit(struct messages *m, const struct world *w)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct line *l = world_find(w, m->v[i].line);
		char *to = l ? destination_now(&m->v[i], l->cfg) : NULL;

		m->v[i].done |= !to;
		if (!to)
			continue;
		free(m->v[i].to);
		m->v[i].to = to;
	}
}

/* Jobs ------------------------------------------------------------------------------------------- */

static char *host_name(void)
{
	char host[256] = "";

	return mem_copy_str(gethostname(host, sizeof(host) - 1) == 0 && *host ? host : "localhost");
}

static struct json *describe(const struct message *m, const struct line *l)
{
	struct json *o = hook_describe(event_name(m->event), l);
	char at[WHEN_TEXT_LEN], *host = host_name();

	when_format_instant(at, m->at);
	json_put_str(o, "at", at);
	json_put_str(o, "text", m->text);
	json_put_str(o, "host", host);
	free(host);
	return o;
}

static int read_token(char **out, const char *path, struct err *e)
{
	struct buf text;
	struct stat st;
	int rc;

	if (stat(path, &st) == 0 && st.st_mode & (S_IROTH | S_IWOTH))
		return err_set(e, ERR_UNSAFE, "%s can be read or written by others: chmod o= %s", path, path);
	buf_init(&text, TOKEN_MAX);
	rc = fs_read(&text, path, TOKEN_MAX, NULL, e);
	if (rc == 0) {
		const char *token = text_trim(text.s);

		for (const char *s = token; *s && rc == 0; s++)
			if (*s <= ' ' || *s > '~')
				rc = err_set(e, ERR_USAGE, "%s is not one word", path);
		if (!*token)
			rc = err_set(e, ERR_USAGE, "%s is empty: the token belongs in it", path);
		if (rc == 0)
			*out = mem_format("Bearer %s", token);
	}
	buf_wipe(&text);
	return rc;
}

static int web_work(void *arg, int out_fd)
{
	const struct job *j = arg;
	struct http_config c = { .user_agent = CERTLINE_AGENT, .body_max = ANSWER_MAX, .in_flight = 1,
				 .plain = text_starts(j->url, "http://"), .discreet = true };
	struct http_request r = {
		.method = HTTP_POST,
		.url = j->url,
		.content_type = j->parcel.n ? "application/json" : "text/plain; charset=UTF-8",
		.authorization = j->authorization,
		.payload = j->input.s,
		.payload_len = j->input.len,
		.limit_ms = DELIVER_ONE_MS,
	};
	struct http *h;
	struct err e;

	if (http_new(&h, &c, &e) < 0) {
		dprintf(out_fd, "%s", e.text);
		return e.kind;
	}
	http_send_all(h, &r, 1);
	if (r.status == 0)
		dprintf(out_fd, "%s", r.err.text);
	else if (r.status / 100 != 2)
		dprintf(out_fd, "the answer is status %d", r.status);
	else
		return 0;
	return ERR_REFUSED;
}

static void prepare_web(struct job *j, struct proc *p)
{
	*p = (struct proc){ .work = web_work, .arg = j };
	buf_init(&p->out, OUTPUT_MAX);
}

static int prepare_webhook(struct job *j, struct proc *p, const struct line *l, struct err *e)
{
	const struct message *m = j->parcel.v[0];
	struct json *o;

	if (l->cfg->webhook_token && read_token(&j->authorization, l->cfg->webhook_token, e) < 0)
		return -1;
	o = describe(m, l);
	buf_init(&j->input, ANSWER_MAX << 4);
	json_print(&j->input, o, false);
	json_free(o);
	j->url = m->to;
	prepare_web(j, p);
	return 0;
}

static int prepare_mail(struct job *j, struct proc *p, const struct line *l, struct err *e)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", home[] = "HOME=/",
		    lang[] = "LANG=C";
	static char *const env[] = { path, home, lang, NULL };
	unsigned char random[12];
	char id[2 * sizeof(random) + 1];
	struct mail head = { .from = l->cfg->notify_from, .to = j->parcel.v[0]->to, .id = id, .at = clock_now() };
	char *host;

	/* as with hooks: whoever can write the file has our rights */
	if (fs_check_trusted(l->cfg->sendmail, e) < 0)
		return -1;
	crypto_random(random, sizeof(random));
	text_hex(id, random, sizeof(random));
	buf_init(&j->input, MAIL_MAX);
	head.host = host = host_name();
	mail_compose(&j->input, &head, &j->parcel);
	free(host);
	strv_add(&j->argv, l->cfg->sendmail);
	strv_add(&j->argv, "-i");
	for (size_t i = 0; i < l->cfg->notify_mail.n; i++)
		strv_add(&j->argv, l->cfg->notify_mail.v[i]);
	strv_take(&j->argv, NULL);
	*p = (struct proc){ .argv = j->argv.v, .envp = env, .input = j->input.s, .input_len = j->input.len };
	buf_init(&p->out, OUTPUT_MAX);
	return 0;
}

static int prepare_hook(struct job *j, struct proc *p, const struct world *w, const struct line *l,
			struct err *e)
{
	const struct message *m = j->parcel.v[0];
	struct json *o = describe(m, l);
	int rc = hook_prepare_with(&j->hook, event_name(m->event), m->to, w, l, o, e);

	json_free(o);
	if (rc < 0)
		return -1;
	*p = j->hook.proc;
	p->exclusive = NULL;            /* else one that hangs would keep others waiting, longer than we have */
	return 0;
}

/* -1: it cannot be tried; *e says why. */
static int prepare(struct delivery *d, struct job *j, struct proc *p, struct err *e)
{
	const struct message *m = j->parcel.v[0];
	struct line *l = world_find(d->w, m->line);

	world_load(d->w, l);
	switch (m->channel) {
	case CHANNEL_MAIL:
		return prepare_mail(j, p, l, e);
	case CHANNEL_HOOK:
		return prepare_hook(j, p, d->w, l, e);
	case CHANNEL_WEBHOOK:
		return prepare_webhook(j, p, l, e);
	case CHANNEL_SYSLOG:
	case CHANNELS_N:
		break;
	}
	mem_bug("a channel that is not for children");
}

static void job_free(struct job *j, struct proc *p)
{
	free(j->parcel.v);
	free(j->destination);
	if (j->authorization)
		mem_wipe(j->authorization, strlen(j->authorization));
	free(j->authorization);
	buf_free(&j->input);
	if (j->hook.argv)
		j->hook.proc = *p;
	else
		buf_free(&p->out);
	hook_free(&j->hook);
	if (j->argv.n)
		j->argv.n--;            /* the NULL at its end */
	strv_free(&j->argv);
}

/* What came of it -------------------------------------------------------------------------------- */

/* What a URL has behind its host may be a secret. */
static char *shown(const char *destination)
{
	size_t origin = text_origin(destination), len = origin ? origin : strlen(destination);

	return mem_format("%.*s%s", (int)len, destination, destination[len] ? "/..." : "");
}

/* Of the output of a program the last row, which most often is the reason. */
static char *words_of(const struct proc *p, const struct err *refused, bool worker)
{
	char *text, *out, *last;
	size_t len = p->out.len;

	if (refused->kind != ERR_NONE)
		return mem_copy_str(refused->text);
	while (len && p->out.s[len - 1] == '\n')
		len--;
	out = mem_copy_strn(len ? p->out.s : "", strnlen(len ? p->out.s : "", len));
	last = strrchr(out, '\n') ? strrchr(out, '\n') + 1 : out;
	last[text_fit(last, WORDS_MAX)] = '\0';
	text_make_printable(last);
	if (worker && *last && !p->timed_out)
		text = mem_copy_str(last);
	else
		text = mem_format("%s%s%s", p->err.text, *last ? ": " : "", last);
	free(out);
	return text;
}

/* All that is for a destination waits, not only what was tried: it is not tried again in this run. */
static void put_off(struct delivery *d, const char *destination, const char *error)
{
	for (size_t i = 0; i < d->messages->n; i++) {
		struct message *m = &d->messages->v[i];
		char *its = message_destination(m);

		if (!m->done && strcmp(its, destination) == 0)
			message_failed(m, error, d->now, crypto_draw());
		free(its);
	}
}

static void finish(struct delivery *d, struct job *j, const struct proc *p)
{
	bool ok = j->refused.kind == ERR_NONE && p->status == 0;
	char *where, *why, *text;

	for (size_t i = 0; i < j->parcel.n && ok; i++)
		j->parcel.v[i]->done = true;
	if (ok)
		return;
	where = shown(j->destination);
	why = words_of(p, &j->refused, p->work != NULL);
	text = mem_format("telling by %s failed%s: %s", where,
			  j->parcel.n ? ", and is tried again later" : "", why);
	d->say(d->arg, text);
	if (j->parcel.n)
		put_off(d, j->destination, why);
	free(where);
	free(why);
	free(text);
}

static void add_pings(struct delivery *d, struct job *jobs, struct proc *procs, size_t *n)
{
	for (; d->pings.n && *n < AT_ONCE; (*n)++) {
		struct job *j = &jobs[*n];

		*j = (struct job){ .destination = mem_format("ping %s", d->pings.v[--d->pings.n]) };
		free(d->pings.v[d->pings.n]);
		j->url = j->destination + strlen("ping ");
		buf_init(&j->input, ANSWER_MAX);
		buf_add_str(&j->input, d->log);
		prepare_web(j, &procs[*n]);
	}
}

struct batch {
	struct delivery *d;
	struct job       jobs[AT_ONCE];
	struct proc      procs[AT_ONCE];        /* parallel; those that are finished have no job any more */
	size_t           n;
};

/* What was delivered is on disk at once: if we are killed while others are slow, it is not told again. */
static void finish_those_over(void *arg)
{
	struct batch *b = arg;
	bool any = false;

	for (size_t i = 0; i < b->n; i++) {
		if (!b->jobs[i].destination || !b->procs[i].over)
			continue;
		finish(b->d, &b->jobs[i], &b->procs[i]);
		job_free(&b->jobs[i], &b->procs[i]);
		b->jobs[i] = (struct job){ 0 };
		any = true;
	}
	if (any && b->d->save)
		b->d->save(b->d->save_arg);
}

/* As many destinations as go at once, one parcel each. */
static bool run_round(struct delivery *d, int64_t left_ms)
{
	struct batch b = { .d = d };
	struct proc_lull lull = { .call = finish_those_over, .arg = &b };
	struct strv busy = { 0 };
	bool any;

	add_pings(d, b.jobs, b.procs, &b.n);
	while (b.n < AT_ONCE) {
		struct job *j = &b.jobs[b.n];
		struct proc *p = &b.procs[b.n];

		*j = (struct job){ 0 };
		if (!messages_next(&j->parcel, d->messages, &busy, d->now))
			break;
		j->destination = message_destination(j->parcel.v[0]);
		strv_add(&busy, j->destination);
		if (prepare(d, j, p, &j->refused) == 0) {
			j->refused.kind = ERR_NONE;
			b.n++;
			continue;
		}
		finish(d, j, p);
		job_free(j, p);
		d->save(d->save_arg);
	}
	for (size_t i = 0; i < b.n; i++)
		b.procs[i].limit_ms = left_ms < DELIVER_ONE_MS ? left_ms : DELIVER_ONE_MS;
	any = busy.n || b.n;
	proc_run_heeding(b.procs, b.n, AT_ONCE, &lull);
	finish_those_over(&b);
	strv_free(&busy);
	return any;
}

/* Here, since nothing is waited for. */
static bool send_to_journal(struct delivery *d)
{
	bool journal = journal_is_there(JOURNAL_SOCKET), failed = false, any = false;

	for (size_t i = 0; i < d->messages->n && !failed; i++) {
		struct message *m = &d->messages->v[i];
		char *text = mem_format("event=%s line=%s: %s", event_name(m->event), m->line, m->text);
		char priority[2] = { (char)('0' + event_priority(m->event)), '\0' };
		const struct journal_field fields[] = {
			{ "MESSAGE", text },
			{ "MESSAGE_ID", event_id(m->event) },
			{ "PRIORITY", priority },
			{ "SYSLOG_IDENTIFIER", "certline" },
			{ "CERTLINE_EVENT", event_name(m->event) },
			{ "CERTLINE_LINE", m->line },
		};
		struct err e;

		if (m->channel == CHANNEL_SYSLOG && !m->done) {
			any = true;
			if (!journal)
				failed = journal_syslog(SYSLOG_SOCKET, event_priority(m->event), text, &e) < 0;
			else
				failed = journal_send(JOURNAL_SOCKET, fields, ARRAY_LEN(fields), &e) < 0;
			m->done = !failed;
		}
		if (failed) {
			d->say(d->arg, e.text);
			put_off(d, "syslog ", e.text);
		}
		free(text);
	}
	return any;
}

void deliver_all(struct delivery *d)
{
	int64_t until_ms = clock_monotonic_ms() + DELIVER_MS, left_ms;

	if (send_to_journal(d))
		d->save(d->save_arg);
	while ((left_ms = until_ms - clock_monotonic_ms()) > 0 && !proc_stopping() && run_round(d, left_ms))
		;
	strv_free(&d->pings);
}

void deliver_pings(const struct strv *urls, void (*say)(void *arg, const char *text), void *arg)
{
	struct messages none = { 0 };
	struct delivery d = { .messages = &none, .log = "", .say = say, .arg = arg };

	strv_copy(&d.pings, urls);
	run_round(&d, PING_START_MS);
	strv_free(&d.pings);
}
