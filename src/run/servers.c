/* servers.c - lines to handshakes, certificates to what is remembered.
 * Touches: the network, in child processes (workers).
 */
#include "run/servers.h"

#include "base/mem.h"
#include "base/when.h"
#include "dns/hosts.h"
#include "io/presented.h"
#include "run/endpoints.h"
#include "run/look_groups.h"
#include "run/look_how.h"
#include "run/vantage.h"
#include "run/worker.h"
#include "sys/clock.h"
#include "sys/progress.h"
#include "tls/probe.h"

#define LOOK_LIMIT_MS ((int64_t)180 * 1000)     /* lookups and probes end by themselves before */
#define GONE_FOR      DAY
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
	*out = (struct servers_question){
		.q.away_for = l->cfg->away_for ? l->cfg->away_for : WHEN_NEVER,
		.q.fresh_at = l->servers_fresh_at,
	};
	add_keys(out, &l->live, true, false, "the live key");
	add_numbered(out, &l->staging, "staged");
	for (size_t i = 0; i < l->retired_n; i++)
		add_numbered(out, &l->retired[i], "old");
	add_siblings(out, w, l);
	out->q.keys = out->keys;
}

void servers_ask_free(struct servers_question *q)
{
	free(q->keys);
	strv_free(&q->words);
	*q = (struct servers_question){ 0 };
}

static unsigned families_of(const struct line *l)
{
	unsigned mask = 0;

	for (size_t i = 0; i < l->live.leaves_n; i++)
		mask |= 1U << key_type_family(l->live.leaves[i].type);
	for (size_t r = 0; r < l->retired_n; r++)
		for (size_t i = 0; i < l->retired[r].leaves_n; i++)
			mask |= 1U << key_type_family(l->retired[r].leaves[i].type);
	return mask;
}

/* In a worker ------------------------------------------------------------------------------------ */

struct group {
	struct line **lines;
	size_t        n;
};

/* One handshake that is to be done, and whose it is. */
struct target {
	size_t line;                    /* in the group */
	const struct endpoint_spec *spec;
	enum key_family family;
};

struct round {
	struct endpoint_spec **specs;   /* of each line */
	size_t        *specs_n;
	struct target *targets;
	struct probe  *probes;          /* parallel */
	size_t         n;
	struct json   *report;          /* an array for each line */
};

static struct json *report(const struct round *r, size_t line, const struct endpoint_spec *s,
			   const char *address, enum key_family f, enum served_state state, const char *why)
{
	struct json *o = json_put(json_at(r->report, line), NULL, json_object());

	json_put_str(o, "name", s->name);
	json_put_str(o, "address", address);
	json_put_int(o, "family", f);
	json_put_int(o, "state", state);
	json_put_str(o, "why", why);
	return o;
}

/* The port is said, also that of DNS. */
static void address_text(char out[ADDR_TEXT_LEN + 8], const struct addr *a)
{
	char text[ADDR_TEXT_LEN];

	addr_format(text, a);
	if (addr_port(a) != 53)
		snprintf(out, ADDR_TEXT_LEN + 8, "%s", text);
	else
		snprintf(out, ADDR_TEXT_LEN + 8, addr_is_ipv6(a) ? "[%s]:53" : "%s:53", text);
}

static void add_targets(struct round *r, const struct line *l, size_t line, const struct endpoint_spec *s,
			const struct addr *addrs, size_t n)
{
	static const enum tls_offer offers[] = {
		[KEY_FAMILY_RSA] = TLS_OFFER_RSA,
		[KEY_FAMILY_ECDSA] = TLS_OFFER_ECDSA,
		[KEY_FAMILY_ANY] = TLS_OFFER_ANY,
	};
	unsigned families = families_of(l);

	r->targets = mem_resize(r->targets, r->n + n * KEY_FAMILY_N, sizeof(*r->targets));
	r->probes = mem_resize(r->probes, r->n + n * KEY_FAMILY_N, sizeof(*r->probes));
	for (size_t i = 0; i < n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			struct probe *p = &r->probes[r->n];

			if (!(families >> f & 1))
				continue;
			r->targets[r->n++] = (struct target){ line, s, (enum key_family)f };
			*p = (struct probe){ .to = addrs[i], .sni = s->host, .domain = s->domain,
					     .starttls = s->starttls, .offer = offers[f] };
			for (size_t k = 0; k < l->cfg->sources.n; k++) {
				struct addr from;

				/* from any port */
				if (addr_parse(&from, l->cfg->sources.v[k], 0) &&
				    addr_is_ipv6(&from) == addr_is_ipv6(&p->to))
					p->from = from;
			}
		}
}

/* In the same way of each family of keys that is asked for. */
static void report_all(const struct round *r, const struct line *l, size_t line,
		       const struct endpoint_spec *s, const char *address, enum served_state state,
		       const char *why)
{
	unsigned families = families_of(l);

	for (int f = 0; f < KEY_FAMILY_N; f++)
		if (families >> f & 1)
			report(r, line, s, address, (enum key_family)f, state, why);
}

/* An address of that name that was looked at from here before. */
static bool was_known(const struct endpoint *e, const char *name)
{
	return strcmp(e->name, name) == 0 && strcmp(e->address, "-") != 0 && !strstr(e->address, " from ");
}

/* What DNS does not tell for now: whatever was there before is not reached, and is not forgotten, since it
 * may be there again with the key that it had.  An answer with other addresses of the family is believed. */
static void report_lost(const struct round *r, const struct line *l, size_t line,
			const struct endpoint_spec *s, const struct host *h)
{
	bool any = h->addrs_n > 0;

	for (size_t i = 0; i < l->ledger.served.n; i++) {
		const struct endpoint *e = &l->ledger.served.v[i];
		bool is_ipv6 = *e->address == '[';

		if (!was_known(e, s->name) || (h->addrs_n && !h->lost[is_ipv6]))
			continue;
		report_all(r, l, line, s, e->address, SERVED_AWAY, h->problem);
		any = true;
	}
	if (!any)
		report_all(r, l, line, s, "-", SERVED_AWAY, h->problem);
}

static bool is_live_key(const struct line *l, const char *spki)
{
	for (size_t i = 0; i < l->live.leaves_n; i++)
		if (strcmp(l->live.leaves[i].spki.spki_sha256, spki) == 0)
			return true;
	return false;
}

static bool has_address(const struct host *h, const char *address)
{
	char text[ADDR_TEXT_LEN + 8];

	for (size_t i = 0; i < h->addrs_n; i++) {
		address_text(text, &h->addrs[i]);
		if (strcmp(text, address) == 0)
			return true;
	}
	return false;
}

/* An address that is not in DNS any more, and showed another key than the live one, may be there again for
 * the next client: DNS that gives each of them a few addresses of many.  It is remembered for a day. */
static void report_gone(const struct round *r, const struct line *l, size_t line,
			const struct endpoint_spec *s, const struct host *h)
{
	unsigned families = families_of(l);

	for (size_t i = 0; i < l->ledger.served.n; i++) {
		const struct endpoint *e = &l->ledger.served.v[i];

		if (!was_known(e, s->name) || has_address(h, e->address))
			continue;
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			const struct served_view *v = &e->views[f];

			if ((families >> f & 1) && *v->spki && !is_live_key(l, v->spki) &&
			    clock_now() - v->seen_at < GONE_FOR)
				report(r, line, s, e->address, (enum key_family)f, SERVED_AWAY,
				       "it has left DNS, and presented another key before");
		}
	}
}

/* Nobody looks at them, so nobody knows what they show. */
static void report_more(const struct round *r, const struct line *l, size_t line,
			const struct endpoint_spec *s, size_t more)
{
	char *why = mem_format("%zu more address%s than are looked at: name those that count in [endpoints] servers",
			       more, more == 1 ? "" : "es");

	report_all(r, l, line, s, "-", SERVED_FAULTY, why);
	free(why);
}

/* Where the endpoints are. */
static void find(struct round *r, const struct group *g)
{
	const char **names;
	uint16_t *ports;
	struct target *of;
	struct host *hosts;
	struct look_config c;
	size_t n = 0, all = 0;

	for (size_t i = 0; i < g->n; i++)
		all += r->specs_n[i];
	names = mem_array(all, sizeof(*names));
	ports = mem_array(all, sizeof(*ports));
	of = mem_array(all, sizeof(*of));
	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; k < r->specs_n[i]; k++) {
			const struct endpoint_spec *s = &r->specs[i][k];

			if (s->addrs_n) {
				add_targets(r, g->lines[i], i, s, s->addrs, s->addrs_n);
				continue;
			}
			names[n] = s->host;
			ports[n] = s->port;
			of[n++] = (struct target){ .line = i, .spec = s };
		}
	hosts = mem_array(n, sizeof(*hosts));
	look_how(&c, g->lines[0]->cfg);
	if (n)
		hosts_find(hosts, names, ports, n, &c);
	for (size_t i = 0; i < n; i++) {
		const struct line *l = g->lines[of[i].line];

		if (hosts[i].addrs_n)
			add_targets(r, l, of[i].line, of[i].spec, hosts[i].addrs, hosts[i].addrs_n);
		if (hosts[i].more)
			report_more(r, l, of[i].line, of[i].spec, hosts[i].more);
		if (hosts[i].problem)
			report_lost(r, l, of[i].line, of[i].spec, &hosts[i]);
		else
			report_gone(r, l, of[i].line, of[i].spec, &hosts[i]);
	}
	hosts_free(hosts, n);
	look_how_free(&c);
	free(hosts);
	free(of);
	free(ports);
	free(names);
}

static void report_probe(const struct round *r, size_t i)
{
	const struct target *t = &r->targets[i];
	const struct probe *p = &r->probes[i];
	const char *name = probe_outcome_name(p->outcome);
	bool more = p->why && strcasecmp(p->why, name) != 0;
	char address[ADDR_TEXT_LEN + 8], *why = more ? mem_format("%s: %s", name, p->why) : mem_copy_str(name);
	enum served_state state = endpoints_state_of(p->outcome);
	struct presented chain = { 0 };
	struct json *o;
	struct err e;

	address_text(address, &p->to);
	if (state == SERVED_PRESENTED && presented_read(&chain, &p->presented, &e) < 0) {
		state = SERVED_FAULTY;
		free(why);
		why = mem_copy_str(e.text);
	}
	o = report(r, t->line, t->spec, address, t->family, state, why);
	json_put_int(o, "at", p->at);
	if (state == SERVED_PRESENTED) {
		json_put_str(o, "spki", chain.v[0].spki_sha256);
		json_put_str(o, "cert", chain.v[0].cert_sha256);
		json_put_str(o, "serial", chain.v[0].serial);
		json_put_int(o, "until_at", chain.v[0].until_at);
	}
	presented_free(&chain);
	free(why);
}

static int look_work(void *arg, int out_fd)
{
	const struct group *g = arg;
	struct round r = {
		.specs = mem_array(g->n, sizeof(struct endpoint_spec *)),
		.specs_n = mem_array(g->n, sizeof(*r.specs_n)),
		.report = json_array(),
	};
	int status;

	for (size_t i = 0; i < g->n; i++) {
		endpoints_of(&r.specs[i], &r.specs_n[i], g->lines[i]->cfg);
		json_put(r.report, NULL, json_array());
	}
	find(&r, g);
	probe_all(r.probes, r.n, &probe_defaults);
	if (proc_stopping())            /* half a look is none */
		return 1;
	for (size_t i = 0; i < r.n; i++)
		report_probe(&r, i);
	status = worker_report(out_fd, r.report);
	for (size_t i = 0; i < g->n; i++)
		endpoints_free(r.specs[i], r.specs_n[i]);
	probes_free(r.probes, r.n);
	free(r.specs);
	free(r.specs_n);
	free(r.targets);
	free(r.probes);
	return status;
}

/* Looking ---------------------------------------------------------------------------------------- */

static bool take_answer(struct served_answer *a, const struct json *o, int64_t now)
{
	int64_t family = json_int(o, "family", -1), state = json_int(o, "state", -1);

	if (family < 0 || family >= KEY_FAMILY_N || state <= SERVED_UNKNOWN || state > SERVED_PRESENTED)
		return false;
	*a = (struct served_answer){
		.name = json_str(o, "name", NULL),
		.address = json_str(o, "address", NULL),
		.family = (enum key_family)family,
		.state = (enum served_state)state,
		.why = json_str(o, "why", NULL),
		.spki = json_str(o, "spki", ""),
		.cert = json_str(o, "cert", ""),
		.serial = json_str(o, "serial", ""),
		.until_at = json_int(o, "until_at", 0),
		.at = json_int(o, "at", now),
	};
	return a->name && a->address;
}

static bool note_line(struct line *l, const struct json *list)
{
	const struct vantage_answers *elsewhere = l->elsewhere;
	size_t n = json_len(list);
	struct served_answer *answers = mem_array(n + elsewhere->n, sizeof(*answers));
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		ok &= take_answer(&answers[i], json_at(list, i), clock_now());
	for (size_t i = 0; i < elsewhere->n; i++)
		answers[n + i] = elsewhere->v[i];
	if (ok)
		served_note(&l->ledger.served, answers, n + elsewhere->n);
	free(answers);
	return ok;
}

static void forget_others(struct line *l)
{
	struct endpoint_spec *specs;
	const char **names;
	size_t n;

	endpoints_of(&specs, &n, l->cfg);
	names = mem_array(n, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = specs[i].name;
	served_keep(&l->ledger.served, names, n);
	free(names);
	endpoints_free(specs, n);
}

static void look_group(struct line **lines, size_t n)
{
	struct group g = { .lines = lines, .n = n };
	struct proc p = { .work = look_work, .arg = &g, .limit_ms = LOOK_LIMIT_MS };
	struct err e = { 0 };
	struct json *all;

	progress_begin(lines[0]->cfg->name, n, "looking at servers");
	all = worker_run(&p, n, &e);
	progress_end();
	for (size_t i = 0; all && i < n && e.kind == ERR_NONE; i++)
		if (!note_line(lines[i], json_at(all, i)))
			err_set(&e, ERR_LOCAL, "a worker told of a server that is none");
	json_free(all);
	if (e.kind == ERR_NONE)
		return;
	if (n > 1 && !proc_stopping()) {
		/* one answer has ended it: find out whose line that costs */
		look_group(lines, n / 2);
		look_group(lines + n / 2, n - n / 2);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		free(lines[i]->servers_problem);
		lines[i]->servers_problem = mem_format("looking at its servers failed: %s", e.text);
	}
}

/* What hooks see from elsewhere is noted together with what is seen from here. */
static void look_from_elsewhere(struct vantage_answers *out, struct line **lines, size_t n,
				const struct world *w, unsigned jobs)
{
	unsigned *families = mem_array(n, sizeof(*families));

	for (size_t i = 0; i < n; i++)
		families[i] = families_of(lines[i]);
	vantage_look(out, lines, families, n, w, jobs);
	for (size_t i = 0; i < n; i++)
		lines[i]->elsewhere = &out[i];
	free(families);
}

void servers_look(struct line *const *lines, size_t n, const struct world *w, unsigned jobs)
{
	struct line **due = mem_array(n, sizeof(struct line *));
	struct vantage_answers *elsewhere = mem_array(n, sizeof(*elsewhere));
	size_t due_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (lines[i]->failed || !lines[i]->policy.looks || !lines[i]->live.number)
			continue;
		lines[i]->servers_fresh_at = clock_now();
		free(lines[i]->servers_problem);
		lines[i]->servers_problem = NULL;
		forget_others(lines[i]);
		due[due_n++] = lines[i];
	}
	look_from_elsewhere(elsewhere, due, due_n, w, jobs);
	look_groups(due, due_n, look_group);
	for (size_t i = 0; i < due_n; i++)
		due[i]->elsewhere = NULL;
	vantage_free(elsewhere, due_n);
	free(elsewhere);
	free(due);
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

/* A name is new in the configuration, or the state was lost. */
static bool knows_all_names(const struct line *l)
{
	struct endpoint_spec *specs;
	size_t n, known = 0;

	endpoints_of(&specs, &n, l->cfg);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < l->ledger.served.n; k++)
			if (strcmp(l->ledger.served.v[k].name, specs[i].name) == 0) {
				known++;
				break;
			}
	endpoints_free(specs, n);
	return known == n;
}

bool servers_due(const struct world *w, const struct line *l)
{
	int64_t oldest_at = WHEN_NEVER;

	if (!l->policy.looks || l->failed || !l->live.number)
		return false;
	for (size_t i = 0; i < l->ledger.served.n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			int64_t at = l->ledger.served.v[i].views[f].looked_at;

			if (at && at < oldest_at)
				oldest_at = at;
		}
	return l->retired_n || (l->policy.publishes && !l->ledger.set_done_at) || oldest_at == WHEN_NEVER ||
	       !knows_all_names(l) ||
	       clock_now() >= when_add(oldest_at, l->cfg->look_every_for) || !servers_content(w, l);
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
	unsigned families = families_of(l);
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
					  v->until_at <= now ? "EXPIRED: " : v->until_at - now < URGENT_FOR ? "URGENT: " : "",
					  e->name, e->address, v->serial, v->until_at <= now ? "ended" : "ends", until,
					  since, l->policy.tells ? ", and the servers were told: was it reloaded? The "
					  "post-certchange hooks run again at the next run"
					  : ": nothing tells servers to load it ([hooks] post-certchange)"));
	}
}

static char *alarm_text(const struct served_judgement *j, const struct facts *f, const struct policy *p)
{
	char *what = served_text(j), *text = NULL;

	switch (j->reason) {
	case SR_NONE:
	case SR_NEVER_LOOKED:
	case SR_STALE:
	case SR_UNSTEADY:
		break;
	case SR_OTHER_KEY:
		if (j->met)
			text = mem_format("%s: it was not reloaded, or has other files%s%s", what,
					  p->publishes ? "; the old records stay" : "",
					  p->tells ? ", and the post-certchange hooks run again at the next run"
						   : "");
		else
			text = mem_format("%s: %slet the server read the live files of the line", what,
					  f->live.published_at ? "no record vouches for it, and DANE clients refuse "
								 "it; " : "");
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

/* Not reached, and that is no fault: it has just begun, or it is this host that has no IPv6. */
static bool is_excused(const struct line *l, const struct served_judgement *j)
{
	return is_away(j) && (!away_long(&j->who->views[j->family]) ||
			      (j->reason == SR_UNROUTED && is_reached(&l->ledger.served, j->who->name)));
}

void servers_alarms(struct strv *out, struct strv *about, const struct world *w, const struct line *l,
		    const struct facts *f)
{
	struct servers_question s;

	if (!l->policy.looks || !l->live.number)
		return;
	if (l->servers_problem) {
		strv_add(out, l->servers_problem);
		if (about)
			strv_add(about, "");
	}
	servers_ask(&s, w, l);
	s.q.fresh_at = 0;
	for (size_t i = 0; i < l->ledger.served.n; i++) {
		struct served_judgement j = served_judge_one(&l->ledger.served.v[i], &s.q);
		char *text;

		if (j.verdict == SERVED_YES || j.reason == SR_UNSTEADY || is_excused(l, &j) ||
		    /* the servers have not been told yet: that is the alarm */
		    (l->policy.tells && f->deploy_pending))
			continue;
		text = alarm_text(&j, f, &l->policy);
		if (text)
			add_alarm(out, about, j.who, j.family, text);
	}
	if (!f->deploy_pending)
		outdated_alarms(out, about, l, &s);
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
}
