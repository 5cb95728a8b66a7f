/* suggest.c - renewal information, for lines.
 * Touches: network, in child processes.
 */
#include "run/suggest.h"

#include "acme/ari.h"
#include "base/mem.h"
#include "base/when.h"
#include "run/worker.h"
#include "sys/clock.h"

#define OUTPUT_MAX    ((size_t)4 << 20)
#define RUN_MS        60000
#define ANSWER_AGE_MAX_FOR (2 * DAY)    /* a time to ask that is farther away was noted under another clock */

/* What one worker asks: certificates of one CA. */
struct batch {
	const char  *ca, *ca_file;
	struct ari  *v;
	struct line **lines;            /* of each */
	size_t       n;
};

static struct suggestion *find(const struct ledger *l, const char *id)
{
	for (size_t i = 0; i < l->suggestions_n; i++)
		if (strcmp(l->suggestions[i].id, id) == 0)
			return &l->suggestions[i];
	return NULL;
}

int64_t suggest_at(const struct line *l, const struct generation *g, const struct suggestion **which)
{
	int64_t at = 0;

	*which = NULL;
	for (size_t i = 0; i < g->leaves_n; i++) {
		const char *id = g->leaves[i].renewal_id;
		const struct suggestion *s = id ? find(&l->ledger, id) : NULL;

		if (!s || !s->at || (at && s->at >= at))
			continue;
		at = s->at;
		*which = s;
	}
	return at;
}

/* Collecting -------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static struct batch *batch_for(struct batch **v, size_t *n, const char *ca, const char *ca_file)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*v)[i].ca, ca) == 0 && same((*v)[i].ca_file, ca_file))
			return &(*v)[i];
	*v = mem_resize(*v, *n + 1, sizeof(**v));
	(*v)[*n] = (struct batch){ .ca = ca, .ca_file = ca_file };
	return &(*v)[(*n)++];
}

static bool due(const struct line *l, const struct leaf *leaf, int64_t now)
{
	const struct suggestion *s = find(&l->ledger, leaf->renewal_id);

	/* after the end nobody is asked (RFC 9773 section 4.3) */
	return leaf->until_at > now &&
	       (!s || s->next_at <= now || s->next_at > when_add(now, ANSWER_AGE_MAX_FOR));
}

static void add_generation(struct batch **v, size_t *n, struct line *l, const struct generation *g,
			   int64_t now)
{
	for (size_t i = 0; i < g->leaves_n && g->ca; i++) {
		struct batch *b;

		if (!g->leaves[i].renewal_id || !due(l, &g->leaves[i], now))
			continue;
		b = batch_for(v, n, g->ca, l->cfg->ca_file);
		b->v = mem_resize(b->v, b->n + 1, sizeof(*b->v));
		b->lines = mem_resize(b->lines, b->n + 1, sizeof(struct line *));
		b->lines[b->n] = l;
		b->v[b->n++] = (struct ari){ .id = g->leaves[i].renewal_id };
	}
}

/* Forgets certificates that are neither live nor staged any more. */
static void keep_current(struct line *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->ledger.suggestions_n; i++) {
		struct suggestion *s = &l->ledger.suggestions[i];
		bool used = false;

		for (size_t k = 0; k < l->live.leaves_n; k++)
			used |= same(l->live.leaves[k].renewal_id, s->id);
		for (size_t k = 0; k < l->staging.leaves_n; k++)
			used |= same(l->staging.leaves[k].renewal_id, s->id);
		if (used)
			l->ledger.suggestions[kept++] = *s;
		else
			suggestion_free(s);
	}
	l->ledger.suggestions_n = kept;
}

/* Asking ------------------------------------------------------------------------------------------ */

static int ask_work(void *arg, int out_fd)
{
	const struct batch *b = arg;
	struct session_config c = { .directory = b->ca, .ca_file = b->ca_file, .request_ms = RUN_MS / 2,
				    .run_ms = RUN_MS };
	struct json *list = json_array();
	struct session *s;
	struct err e;

	if (session_open(&s, &c, &e) == 0) {
		ari_ask_all(s, b->v, b->n);
		session_close(s);
		for (size_t i = 0; i < b->n; i++) {
			struct json *o = json_put(list, NULL, json_object());

			json_put_int(o, "start", b->v[i].start_at);
			json_put_int(o, "end", b->v[i].end_at);
			json_put_str(o, "explanation", b->v[i].explanation);
			json_put_int(o, "retry_after", b->v[i].retry_after_for);
			json_put_bool(o, "lasting", b->v[i].err.kind == ERR_REFUSED);
		}
		aris_free(b->v, b->n);
	}
	return worker_report(out_fd, list);
}

static struct suggestion *make(struct ledger *l, const char *id)
{
	struct suggestion *s = find(l, id);

	if (s)
		return s;
	l->suggestions = mem_resize(l->suggestions, l->suggestions_n + 1, sizeof(*l->suggestions));
	s = &l->suggestions[l->suggestions_n++];
	*s = (struct suggestion){ .id = mem_copy_str(id) };
	return s;
}

static void note_failure(struct suggestion *s, const struct json *o)
{
	int64_t now = clock_now(), rest_for = json_int(o, "retry_after", -1);

	suggestion_failed(s, json_bool(o, "lasting", false), now);
	if (rest_for > DAY)
		rest_for = DAY;
	if (rest_for > 0 && when_add(now, rest_for) > s->next_at)
		s->next_at = when_add(now, rest_for);
}

static void note(const struct batch *b, const struct proc *p)
{
	struct err ignored;
	struct json *list = p->status == 0 ? json_parse(p->out.s, p->out.len, &ignored) : NULL;

	for (size_t i = 0; i < b->n; i++) {
		const struct json *o = json_at(list, i);
		struct suggestion *s = make(&b->lines[i]->ledger, b->v[i].id);

		if (json_int(o, "start", 0))
			suggestion_answer(s, json_int(o, "start", 0), json_int(o, "end", 0),
					  json_str(o, "explanation", NULL), json_int(o, "retry_after", -1),
					  clock_now(), crypto_draw());
		else
			note_failure(s, o);
	}
	json_free(list);
}

void suggest_ask(struct line *const *lines, size_t n, bool *asked, unsigned jobs)
{
	struct batch *b = NULL;
	struct proc *procs;
	size_t batches = 0;
	int64_t now = clock_now();

	for (size_t i = 0; i < n; i++) {
		if (lines[i]->failed || lines[i]->cfg->issuer != ISSUER_ACME)
			continue;
		keep_current(lines[i]);
		add_generation(&b, &batches, lines[i], &lines[i]->live, now);
		add_generation(&b, &batches, lines[i], &lines[i]->staging, now);
	}
	procs = mem_array(batches, sizeof(*procs));
	for (size_t i = 0; i < batches; i++) {
		procs[i] = (struct proc){ .work = ask_work, .arg = &b[i], .limit_ms = RUN_MS + 10000 };
		buf_init(&procs[i].out, OUTPUT_MAX);
	}
	proc_run_all(procs, batches, jobs > 1 ? jobs : 2);
	for (size_t i = 0; i < batches; i++) {
		note(&b[i], &procs[i]);
		for (size_t k = 0; k < b[i].n; k++)
			for (size_t x = 0; x < n; x++)
				asked[x] |= lines[x] == b[i].lines[k];
		buf_free(&procs[i].out);
		free(b[i].v);
		free(b[i].lines);
	}
	free(procs);
	free(b);
}
