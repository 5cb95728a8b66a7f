/* vantage.c - one hook for each line and place; what they print to answers.
 * Touches: child processes (hooks).
 */
#include "run/vantage.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/json.h"
#include "run/endpoints.h"
#include "run/hook.h"
#include "sys/clock.h"
#include "tls/probe.h"

#define TEXT_LEN_MAX 300
#define ENDPOINTS_MAX 1000              /* of one hook */
#define DOCUMENT_MAX ((size_t)16 << 20) /* that many endpoints, with name servers, records and findings */

struct vantage {
	struct line *line;
	unsigned families;
	const char *command;
	struct hook_run hook;           /* without argv if it cannot be run */
	struct err err;                 /* why */
};

/* "probe@far.example.net" of ".../vantage-ssh probe@far.example.net": the last word. */
static const char *place_of(const char *command)
{
	const char *blank = strrchr(command, ' '), *slash = strrchr(command, '/');

	return blank ? blank + 1 : slash ? slash + 1 : command;
}

/* Printable and of limited length; kept for as long as the answers. */
static const char *keep(struct vantage_answers *a, const char *text)
{
	char *copy = mem_copy_strn(text, text_fit(text, TEXT_LEN_MAX));

	text_make_printable(copy);
	strv_take(&a->texts, copy);
	return copy;
}

static struct served_answer *add(struct vantage_answers *a, const char *name, const char *address,
				 enum key_family f, enum served_state state, const char *why)
{
	a->v = mem_resize(a->v, a->n + 1, sizeof(*a->v));
	a->v[a->n] = (struct served_answer){ .name = name, .address = address, .family = f, .state = state,
					     .why = why, .spki = "", .cert = "", .serial = "", .at = clock_now() };
	return &a->v[a->n++];
}

static void add_unseen(struct vantage_answers *a, const char *name, const char *place, unsigned families,
		       enum served_state state, const char *why)
{
	char *address = mem_format("- from %s", place);
	const char *kept = keep(a, address), *reason = keep(a, why);

	free(address);
	for (int f = 0; f < KEY_FAMILY_N; f++)
		if (families >> f & 1)
			add(a, name, kept, (enum key_family)f, state, reason);
}

static bool family_of(enum key_family *out, const char *name)
{
	for (int f = 0; f < KEY_FAMILY_N; f++)
		if (strcmp(name, key_family_name((enum key_family)f)) == 0) {
			*out = (enum key_family)f;
			return true;
		}
	return false;
}

static enum served_state state_of(const char *outcome)
{
	if (strcmp(outcome, "ok") == 0)
		return SERVED_PRESENTED;
	for (int o = PROBE_UNTRIED; o < PROBE_OK; o++)
		if (strcmp(outcome, probe_outcome_name((enum probe_outcome)o)) == 0)
			return endpoints_state_of((enum probe_outcome)o);
	return SERVED_FAULTY;
}

static bool is_digest(const char *hex)
{
	return strlen(hex) == SERVED_SPKI_LEN - 1 && strspn(hex, "0123456789abcdef") == SERVED_SPKI_LEN - 1;
}

static void add_endpoint(struct vantage_answers *a, const char *name, const char *place, unsigned families,
			 const struct json *o)
{
	const char *outcome = json_str(o, "outcome", ""), *why = json_str(o, "why", outcome);
	const char *spki = json_str(o, "spki", ""), *cert = json_str(o, "certificate", "");
	char *address = mem_format("%.80s from %s", json_str(o, "address", "?"), place);
	enum served_state state = state_of(outcome);
	struct served_answer *s;
	enum key_family f;

	if (!family_of(&f, json_str(o, "type", "")) || !(families >> f & 1)) {
		free(address);
		return;
	}
	if (state == SERVED_PRESENTED && (!is_digest(spki) || !is_digest(cert)))
		state = SERVED_FAULTY;
	s = add(a, name, keep(a, address), f, state, keep(a, why));
	free(address);
	if (state != SERVED_PRESENTED)
		return;
	s->spki = keep(a, spki);
	s->cert = keep(a, cert);
	s->serial = keep(a, json_str(o, "serial", ""));
	if (!when_parse_instant(json_str(o, "not_after", ""), &s->until_at))
		s->until_at = 0;
}

static void take_document(struct vantage_answers *a, const struct line *l, const char *place,
			  unsigned families, const struct json *doc)
{
	const struct json *list = json_get(doc, "owners");

	for (size_t i = 0; i < l->cfg->owners.n; i++) {
		const char *name = l->cfg->owners.v[i];
		size_t before = a->n;

		for (size_t k = 0; k < json_len(list); k++) {
			const struct json *o = json_at(list, k), *endpoints = json_get(o, "endpoints");

			if (strcmp(json_str(o, "owner", ""), name) != 0)
				continue;
			for (size_t e = 0; e < json_len(endpoints) && e < ENDPOINTS_MAX; e++)
				add_endpoint(a, name, place, families, json_at(endpoints, e));
		}
		if (a->n == before)
			add_unseen(a, name, place, families, SERVED_AWAY, "nothing was seen of it from there");
	}
}

/* A look that found something wrong ends with 1, like `certline check`. */
static void take(const struct vantage *k)
{
	const struct proc *p = &k->hook.proc;
	struct vantage_answers *a = k->line->elsewhere;
	const char *place = place_of(k->command);
	struct json *doc = NULL;
	struct err e = k->err;

	if (k->hook.argv) {
		e = p->err;
		if (p->out.over)
			err_set(&e, ERR_REFUSED, "prints more than %zu bytes", DOCUMENT_MAX);
		else if (p->status == 0 || p->status == 1)
			doc = json_parse(p->out.s, p->out.len, &e);
	}
	if (doc) {
		take_document(a, k->line, place, k->families, doc);
	} else {
		/* one that cannot even be run says nothing of servers: no time makes it one that switched */
		enum served_state state = k->hook.argv ? SERVED_AWAY : SERVED_FAULTY;
		/* and what it says of itself in its first row */
		const char *words = k->hook.argv ? p->out.s : "";
		size_t len = strcspn(words, "\n");
		char *why = mem_format("the vantage hook: %s%s%.*s", e.text, len ? ": " : "",
				       len < TEXT_LEN_MAX ? (int)len : TEXT_LEN_MAX, words);

		for (size_t i = 0; i < k->line->cfg->owners.n; i++)
			add_unseen(a, k->line->cfg->owners.v[i], place, k->families, state, why);
		free(why);
	}
	json_free(doc);
}

void vantage_add(struct vantages *all, struct line *l, unsigned families, const struct world *w)
{
	size_t n = l->cfg->vantage.n;

	all->v = mem_resize(all->v, all->n + n, sizeof(*all->v));
	for (size_t i = 0; i < n; i++) {
		struct vantage *k = &all->v[all->n++];

		*k = (struct vantage){ .line = l, .families = families, .command = l->cfg->vantage.v[i] };
		if (hook_prepare(&k->hook, HOOK_VANTAGE, k->command, w, l, &k->err) < 0)
			continue;
		/* a document and no words: three endpoints with many names fill what others may print */
		k->hook.proc.out.max = DOCUMENT_MAX;
		k->hook.proc.exclusive = NULL;
	}
	if (n)
		l->elsewhere = mem_array(1, sizeof(*l->elsewhere));
}

size_t vantage_begin(struct vantages *all, struct proc *procs)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].hook.argv)
			procs[n++] = all->v[i].hook.proc;
	return n;
}

void vantage_end(struct vantages *all, const struct proc *procs)
{
	for (size_t i = 0; i < all->n; i++) {
		struct vantage *k = &all->v[i];

		if (k->hook.argv)
			k->hook.proc = *procs++;
		take(k);
		hook_free(&k->hook);
	}
}

void vantage_free(struct vantages *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct line *l = all->v[i].line;

		if (!l->elsewhere)
			continue;
		free(l->elsewhere->v);
		strv_free(&l->elsewhere->texts);
		free(l->elsewhere);
		l->elsewhere = NULL;
	}
	free(all->v);
	*all = (struct vantages){ 0 };
}
