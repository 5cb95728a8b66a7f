/* servers.c - what servers were seen to present, judged for their lines.
 * Touches: nothing.
 */
#include "run/servers.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/endpoints.h"
#include "sys/clock.h"

#define AWAY_ALARM_FOR HOUR                     /* a host may be rebooting */
#define URGENT_FOR    (7 * DAY)                 /* before what is served ends */

/* What is asked ---------------------------------------------------------------------------------- */

static void add_keys(struct servers_question *out, const struct generation *g, bool wanted, bool tolerated,
		     const char *words)
{
	strv_add(&out->words, words);
	for (size_t i = 0; i < g->leaves_n; i++) {
		out->keys = mem_resize(out->keys, out->q.keys_n + 1, sizeof(*out->keys));
		out->keys[out->q.keys_n++] = (struct served_key){
			.spki = g->leaves[i].spki.spki_sha256,
			.cert = wanted ? g->leaves[i].fingerprint : NULL,
			.family = key_type_family(g->leaves[i].type),
			.wanted = wanted,
			.tolerated = tolerated,
			.words = out->words.v[out->words.n - 1],
		};
	}
}

static void add_numbered(struct servers_question *out, const struct generation *g, const char *what)
{
	char *words;

	if (!g->number)
		return;
	words = mem_format("the %s key (generation %d)", what, g->number);
	add_keys(out, g, false, false, words);
	free(words);
}

/* Two hosts of one name may have a line each. */
static void add_siblings(struct servers_question *out, const struct world *w, const struct line *l)
{
	for (size_t i = 0; i < l->cfg->owners.n; i++) {
		size_t first, past;

		world_shared(w, l->cfg->owners.v[i], &first, &past);
		for (size_t k = first; k < past; k++) {
			const struct line *other = &w->lines[w->shared[k].line];

			if (other == l)
				continue;
			add_keys(out, &other->live, false, true, "a key of another line");
			for (size_t r = 0; r < other->retired_n; r++)
				add_keys(out, &other->retired[r], false, true, "a key of another line");
		}
	}
}

void servers_ask(struct servers_question *out, const struct world *w, const struct line *l)
{
	const struct keyset *next = ledger_retired_first(&l->ledger);

	*out = (struct servers_question){
		.q.told_at = ledger_told_at(&l->ledger, &l->policy),
		.q.away_for = l->cfg->away_for ? l->cfg->away_for : WHEN_NEVER,
		.q.fresh_at = l->servers_fresh_at,
	};
	add_keys(out, &l->live, true, false, "the live key");
	add_numbered(out, &l->staging, "staged");
	for (size_t i = 0; i < l->retired_n; i++) {
		size_t first = out->q.keys_n;

		add_numbered(out, &l->retired[i], "old");
		for (size_t k = first; k < out->q.keys_n; k++)
			out->keys[k].leaving = next && next->id == l->retired[i].keyset;
	}
	for (size_t i = 0; i < l->removed_n; i++) {
		size_t first = out->q.keys_n;

		add_numbered(out, &l->removed[i], "removed");
		for (size_t k = first; k < out->q.keys_n; k++)
			out->keys[k].removed = true;
	}
	add_siblings(out, w, l);
	out->q.keys = out->keys;
}

void servers_ask_free(struct servers_question *q)
{
	free(q->keys);
	strv_free(&q->words);
	*q = (struct servers_question){ 0 };
}

unsigned servers_families(const struct line *l)
{
	unsigned mask = 0;

	for (size_t i = 0; i < l->live.leaves_n; i++)
		mask |= 1U << key_type_family(l->live.leaves[i].type);
	for (size_t r = 0; r < l->retired_n; r++)
		for (size_t i = 0; i < l->retired[r].leaves_n; i++)
			mask |= 1U << key_type_family(l->retired[r].leaves[i].type);
	return mask;
}

/* First records ---------------------------------------------------------------------------------- */

/* "_443._udp.www.example.org" to its host. */
static const char *host_of(const char *owner)
{
	const char *dot = strchr(owner, '.');

	dot = dot ? strchr(dot + 1, '.') : NULL;
	return dot ? dot + 1 : owner;
}

/* Which endpoints must present the key before there are records at an owner: its own; of one that cannot be
 * looked at, those of its host, or all there are. */
static void endpoints_before(struct strv *out, const struct endpoint_spec *specs, size_t n, const char *owner)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(specs[i].name, owner) == 0) {
			strv_add(out, owner);
			return;
		}
	for (size_t i = 0; i < n; i++)
		if (specs[i].is_owner && strcmp(specs[i].host, host_of(owner)) == 0)
			strv_add(out, specs[i].name);
	for (size_t i = 0; i < n && !out->n; i++)
		strv_add(out, specs[i].name);
}

static int64_t first_at(const struct line *l, struct served_question *q, const struct strv *among)
{
	q->among = among;
	return served_first_at(&l->ledger.served, q);
}

/* Servers that no owner speaks of are those behind one that does: the first set of a line waits for them. */
static int64_t others_at(const struct line *l, struct served_question *q, const struct endpoint_spec *specs,
			 size_t n)
{
	struct strv others = { 0 };
	int64_t at = 0;

	for (size_t i = 0; i < n && !l->ledger.set_serial; i++)
		if (!strv_has(&l->cfg->owners, specs[i].name))
			strv_add(&others, specs[i].name);
	if (others.n)
		at = first_at(l, q, &others);
	strv_free(&others);
	return at;
}

static void hold(struct servers_held *out, const char *owner, int64_t until_at)
{
	if (clock_now() >= until_at)
		return;
	strv_add(&out->owners, owner);
	if (until_at < out->until_at)
		out->until_at = until_at;
}

/* Owners that have no records of the line's. */
static void find_bare(struct strv *out, const struct line *l)
{
	if (!l->policy.looks || !l->policy.publishes || !l->live.number)
		return;
	for (size_t i = 0; i < l->cfg->owners.n; i++)
		if (!set_has(&l->ledger.set, l->cfg->owners.v[i]))
			strv_add(out, l->cfg->owners.v[i]);
	if (!l->cfg->owners.n && !set_has(&l->ledger.set, ""))
		strv_add(out, "");
}

void servers_held(struct servers_held *out, const struct world *w, const struct line *l)
{
	struct endpoint_spec *specs;
	struct servers_question s;
	struct strv bare = { 0 };
	int64_t others;
	size_t n;

	*out = (struct servers_held){ .until_at = WHEN_NEVER };
	find_bare(&bare, l);
	if (!bare.n)
		return;
	endpoints_of(&specs, &n, l->cfg);
	servers_ask(&s, w, l);
	others = others_at(l, &s.q, specs, n);
	for (size_t i = 0; i < bare.n; i++) {
		struct strv before = { 0 };
		int64_t at;

		endpoints_before(&before, specs, n, bare.v[i]);
		at = first_at(l, &s.q, &before);
		hold(out, bare.v[i], at > others ? at : others);
		strv_free(&before);
	}
	if (out->owners.n && out->owners.n == l->cfg->owners.n)
		ledger_set_owners(&out->kept, &l->ledger);
	servers_ask_free(&s);
	endpoints_free(specs, n);
	strv_free(&bare);
}

void servers_held_free(struct servers_held *h)
{
	strv_free(&h->owners);
	strv_free(&h->kept);
}

/* What came of it -------------------------------------------------------------------------------- */

static bool is_away(const struct served_judgement *j)
{
	return j->reason == SR_UNROUTED || j->reason == SR_AWAY || j->reason == SR_NO_ADDRESS;
}

/* Not away, and in the way of the live key, or with an old certificate of it. */
static bool is_content(const struct line *l, const struct servers_question *s)
{
	enum key_family family;
	size_t at = 0;

	for (size_t i = 0; i < l->ledger.served.n; i++) {
		struct served_judgement j = served_judge_one(&l->ledger.served.v[i], &s->q);

		if (j.verdict != SERVED_YES && !is_away(&j) && j.reason != SR_UNSTEADY)
			return false;
	}
	return l->ledger.served.n && !served_outdated(&l->ledger.served, &s->q, &at, &family);
}

bool servers_content(const struct world *w, const struct line *l)
{
	struct servers_question s;
	bool content;

	servers_ask(&s, w, l);
	content = is_content(l, &s);
	servers_ask_free(&s);
	return content;
}

bool servers_behind(const struct world *w, const struct line *l)
{
	struct servers_question s;
	enum key_family family;
	size_t at = 0;
	bool behind;

	servers_ask(&s, w, l);
	behind = served_outdated(&l->ledger.served, &s.q, &at, &family) != NULL;
	for (size_t i = 0; i < l->ledger.served.n && !behind; i++) {
		struct served_judgement j = served_judge_one(&l->ledger.served.v[i], &s.q);

		behind = j.reason == SR_OTHER_KEY && j.met;
	}
	servers_ask_free(&s);
	return behind;
}

/* At the address, or (NULL) at any. */
static bool knows(const struct line *l, const char *name, const char *address)
{
	for (size_t i = 0; i < l->ledger.served.n; i++) {
		const struct endpoint *e = &l->ledger.served.v[i];

		if (strcmp(e->name, name) == 0 && (!address || strcmp(e->address, address) == 0))
			return true;
	}
	return false;
}

/* Else a name or an address is new in the configuration, or the state was lost. */
static bool knows_all(const struct line *l)
{
	struct endpoint_spec *specs;
	bool all = true;
	size_t n;

	endpoints_of(&specs, &n, l->cfg);
	for (size_t i = 0; i < n; i++) {
		all = all && knows(l, specs[i].name, NULL);
		for (size_t k = 0; k < specs[i].addrs_n && all; k++) {
			char address[ENDPOINT_TEXT_LEN];

			endpoints_address(address, &specs[i].addrs[k]);
			all = knows(l, specs[i].name, address);
		}
	}
	endpoints_free(specs, n);
	return all;
}

static bool away_long(const struct served_view *v)
{
	return v->failing_at && clock_now() - v->failing_at >= AWAY_ALARM_FOR;
}

/* Somebody is at another address of that name, or was an hour ago. */
static bool is_reached(const struct served *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			const struct served_view *v = &s->v[i].views[f];

			if (strcmp(s->v[i].name, name) == 0 &&
			    (v->state > SERVED_AWAY || (v->state == SERVED_AWAY && !away_long(v))))
				return true;
		}
	return false;
}

/* It is this host that has no IPv6. */
static bool is_unrouted(const struct line *l, const struct served_judgement *j)
{
	return j->reason == SR_UNROUTED && is_reached(&l->ledger.served, j->who->name);
}

/* Some endpoint was not reached, and may be there by now. */
static bool misses_any(const struct line *l, const struct servers_question *s)
{
	for (size_t i = 0; i < l->ledger.served.n; i++) {
		struct served_judgement j = served_judge_one(&l->ledger.served.v[i], &s->q);

		if (is_away(&j) && !is_unrouted(l, &j))
			return true;
	}
	return false;
}

static bool has_bare(const struct line *l)
{
	struct strv bare = { 0 };
	bool any;

	find_bare(&bare, l);
	any = bare.n > 0;
	strv_free(&bare);
	return any;
}

bool servers_due(const struct world *w, const struct line *l)
{
	int64_t oldest_at = WHEN_NEVER;
	unsigned families = servers_families(l);
	struct servers_question s;
	bool due;

	if (!l->policy.looks || l->failed || !l->live.number)
		return false;
	for (size_t i = 0; i < l->ledger.served.n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			int64_t at = l->ledger.served.v[i].views[f].looked_at;

			if (at && at < oldest_at && (families >> f & 1))
				oldest_at = at;
		}
	if (l->retired_n || has_bare(l) || oldest_at == WHEN_NEVER || !knows_all(l) ||
	    clock_now() >= when_add(oldest_at, l->cfg->look_every_for))
		return true;
	servers_ask(&s, w, l);
	due = !is_content(l, &s) || misses_any(l, &s);
	servers_ask_free(&s);
	return due;
}

/* For people ------------------------------------------------------------------------------------- */

static void fill_row(struct servers_row *r, const struct servers_question *s)
{
	const struct served_key *met = NULL;

	for (size_t i = 0; i < s->q.keys_n && r->view->state == SERVED_PRESENTED && !met; i++)
		if (strcmp(s->keys[i].spki, r->view->spki) == 0)
			met = &s->keys[i];
	if (r->view->state == SERVED_PRESENTED)
		r->key = mem_copy_str(met ? met->words : "a key that is not of this line");
	/* a server that has no key of one kind shows nobody a wrong one */
	r->good = r->view->state == SERVED_ABSENT
			  ? served_judge_one(r->endpoint, &s->q).verdict == SERVED_YES
			  : met && (met->wanted || met->tolerated);
	r->current = r->good && (!met || !met->cert || strcmp(met->cert, r->view->cert) == 0);
}

void servers_rows(struct servers_row **out, size_t *n, const struct world *w, const struct line *l)
{
	const struct served *all = &l->ledger.served;
	unsigned families = servers_families(l);
	struct servers_question s;

	*out = mem_array(all->n * KEY_FAMILY_N, sizeof(**out));
	*n = 0;
	if (!l->policy.looks || !l->live.number)
		return;
	servers_ask(&s, w, l);
	s.q.fresh_at = 0;
	for (size_t i = 0; i < all->n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			struct servers_row *r = &(*out)[*n];

			/* what nobody asks for any more is old news */
			if (!all->v[i].views[f].looked_at || !(families >> f & 1))
				continue;
			*r = (struct servers_row){ &all->v[i], (enum key_family)f, &all->v[i].views[f],
						   NULL, false, false };
			fill_row(r, &s);
			(*n)++;
		}
	servers_ask_free(&s);
}

void servers_rows_free(struct servers_row *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].key);
	free(v);
}

int64_t servers_since(const struct world *w, const struct line *l, int keyset)
{
	struct servers_question s;
	struct served_judgement j;

	if (!l->policy.looks || l->live.keyset != keyset)
		return 0;
	servers_ask(&s, w, l);
	s.q.fresh_at = 0;
	j = served_judge(&l->ledger.served, &s.q);
	servers_ask_free(&s);
	return j.verdict == SERVED_YES ? j.at : 0;
}

/* Alarms ----------------------------------------------------------------------------------------- */

static void add_alarm(struct strv *out, struct strv *about, const struct endpoint *e, enum key_family f,
		      char *text)
{
	strv_take(out, text);
	if (about)
		strv_take(about, mem_format("%s %s %s", e->name, e->address, key_family_name(f)));
}

/* By the end of the certificate that it presents. */
static const char *urgency(const struct served_view *v)
{
	int64_t now = clock_now();

	if (!v->until_at || v->until_at - now >= URGENT_FOR)
		return "";
	return v->until_at <= now ? "EXPIRED: " : "URGENT: ";
}

/* The old certificate is no alarm as long as the servers were not told of the new one. */
static void outdated_alarms(struct strv *out, struct strv *about, const struct line *l,
			    const struct servers_question *s)
{
	const struct served *all = &l->ledger.served;
	const struct endpoint *e;
	enum key_family family;
	int64_t now = clock_now();
	size_t at = 0;

	while ((e = served_outdated(all, &s->q, &at, &family))) {
		const struct served_view *v = &e->views[family];
		char since[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN];

		when_format_minute(since, l->live.made_at);
		when_format_minute(until, v->until_at);
		add_alarm(out, about, e, family,
			  mem_format("%s%s at %s presents an old certificate (serial %s) that %s %s UTC, although "
					  "there is a new one since %s UTC%s",
					  urgency(v), e->name, e->address, v->serial, v->until_at <= now ? "ended" : "ends", until,
					  since, l->policy.tells ? ", and the servers were told: was it reloaded? The "
					  "post-certchange hooks run again at the next run"
					  : ": nothing tells servers to load it ([hooks] post-certchange)"));
	}
}

static char *alarm_text(const struct served_judgement *j, bool held, const struct policy *p)
{
	char *what = served_text(j), *text = NULL;
	const char *urgent = j->who ? urgency(&j->who->views[j->family]) : "";

	switch (j->reason) {
	case SR_NONE:
	case SR_NEVER_LOOKED:
	case SR_STALE:
	case SR_UNSTEADY:
		break;
	case SR_OTHER_KEY:
		if (j->met && j->met->removed)
			text = mem_format("%s%s: it was started from old files, or was away when the others were "
					  "reloaded%s%s", urgent, what,
					  p->publishes ? "; the records of that key are gone, and DANE clients refuse it"
						       : "",
					  p->tells ? "; the post-certchange hooks run again at the next run" : "");
		else if (j->met)
			text = mem_format("%s%s: it was not reloaded, or has other files%s%s", urgent, what,
					  p->publishes ? "; the old records stay" : "",
					  p->tells ? ", and the post-certchange hooks run again at the next run"
						   : "");
		else
			text = mem_format("%s: %slet the server read the live files of the line", what,
					  held || !p->publishes ? "" : "no record vouches for it, and DANE clients "
								       "refuse it; ");
		break;
	case SR_NO_ADDRESS:
	case SR_UNROUTED:
	case SR_AWAY:
	case SR_FAULTY:
	case SR_ABSENT:
		text = mem_copy_str(what);
		break;
	}
	free(what);
	return text;
}

/* Not reached, and that is no fault: it has just begun, or it is this host that has no IPv6. */
static bool is_excused(const struct line *l, const struct served_judgement *j)
{
	return is_away(j) && (!away_long(&j->who->views[j->family]) || is_unrouted(l, j));
}

void servers_alarms(struct strv *out, struct strv *about, const struct world *w, const struct line *l,
		    const struct facts *f)
{
	struct servers_question s;
	struct servers_held held;

	if (!l->policy.looks || !l->live.number)
		return;
	if (l->servers_problem) {
		strv_add(out, l->servers_problem);
		if (about)
			strv_add(about, "");
	}
	servers_ask(&s, w, l);
	servers_held(&held, w, l);
	s.q.fresh_at = 0;
	for (size_t i = 0; i < l->ledger.served.n; i++) {
		struct served_judgement j = served_judge_one(&l->ledger.served.v[i], &s.q);
		char *text;

		if (j.verdict == SERVED_YES || j.reason == SR_UNSTEADY || is_excused(l, &j) ||
		    /* the servers have not been told yet: that is the alarm */
		    (l->policy.tells && f->deploy_pending))
			continue;
		text = alarm_text(&j, strv_has(&held.owners, j.who->name), &l->policy);
		if (text)
			add_alarm(out, about, j.who, j.family, text);
	}
	if (!f->deploy_pending)
		outdated_alarms(out, about, l, &s);
	servers_held_free(&held);
	servers_ask_free(&s);
}

/* Not every server knows several keys. */
static void absent_warnings(struct strv *out, const struct line *l, const struct endpoint *e)
{
	for (size_t i = 0; i < l->live.leaves_n; i++) {
		enum key_family f = key_type_family(l->live.leaves[i].type);

		if (e->views[f].state == SERVED_ABSENT)
			strv_take(out, mem_format("%s at %s has no %s key, although the line has one", e->name,
						  e->address, key_family_name(f)));
	}
}

/* The line goes on without them.  If there are no others, that is what it waits for. */
static void held_warnings(struct strv *out, const struct world *w, const struct line *l,
			  const struct facts *f)
{
	struct servers_held held;

	servers_held(&held, w, l);
	for (size_t i = 0; i < held.kept.n; i++)
		strv_take(out, mem_format("%s is not among the owners any more, and keeps its records until the servers of "
					  "another one are seen with the live key", held.kept.v[i]));
	for (size_t i = 0; i < held.owners.n && !f->held_until_at; i++)
		strv_take(out, mem_format("%s gets its first records when its servers are seen with the live key",
					  held.owners.v[i]));
	servers_held_free(&held);
}

void servers_warnings(struct strv *out, const struct world *w, const struct line *l, const struct facts *f)
{
	/* a hook that fails is the alarm, and does not hide what servers show meanwhile */
	bool untold = l->policy.tells && f->deploy_pending;
	struct servers_question s;

	if (!l->policy.looks || !l->live.number)
		return;
	servers_ask(&s, w, l);
	s.q.fresh_at = 0;
	for (size_t i = 0; i < l->ledger.served.n; i++) {
		struct served_judgement j = served_judge_one(&l->ledger.served.v[i], &s.q);

		if (j.reason == SR_UNSTEADY || is_excused(l, &j) ||
		    (untold && j.verdict != SERVED_YES && j.reason != SR_NEVER_LOOKED))
			strv_take(out, served_text(&j));
		if (j.verdict == SERVED_YES)
			absent_warnings(out, l, &l->ledger.served.v[i]);
	}
	servers_ask_free(&s);
	held_warnings(out, w, l, f);
}
