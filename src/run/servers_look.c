/* servers_look.c - lines to handshakes, and what comes of these to what is remembered.
 * Touches: the network, in child processes (workers).
 */
#include "run/servers.h"

#include "base/mem.h"
#include "base/when.h"
#include "dns/hosts.h"
#include "io/presented.h"
#include "run/endpoints.h"
#include "run/look_how.h"
#include "run/worker.h"
#include "sys/clock.h"
#include "tls/probe.h"

#define LOOK_LIMIT_MS ((int64_t)180 * 1000)     /* lookups and probes end by themselves before */
#define GONE_FOR      DAY

/* In a worker ------------------------------------------------------------------------------------ */

/* One handshake that is to be done, and whose it is. */
struct target {
	size_t line;                    /* in the look */
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

static void add_targets(struct round *r, const struct line *l, size_t line, const struct endpoint_spec *s,
			const struct addr *addrs, size_t n)
{
	static const enum tls_offer offers[] = {
		[KEY_FAMILY_RSA] = TLS_OFFER_RSA,
		[KEY_FAMILY_ECDSA] = TLS_OFFER_ECDSA,
		[KEY_FAMILY_ANY] = TLS_OFFER_ANY,
	};
	unsigned families = servers_families(l);

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
	unsigned families = servers_families(l);

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
	char text[ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < h->addrs_n; i++) {
		endpoints_address(text, &h->addrs[i]);
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
	unsigned families = servers_families(l);

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
static void find(struct round *r, const struct look *k)
{
	const char **names;
	uint16_t *ports;
	struct target *of;
	struct host *hosts;
	struct look_config c;
	size_t n = 0, all = 0;

	for (size_t i = 0; i < k->n; i++)
		all += r->specs_n[i];
	names = mem_array(all, sizeof(*names));
	ports = mem_array(all, sizeof(*ports));
	of = mem_array(all, sizeof(*of));
	for (size_t i = 0; i < k->n; i++)
		for (size_t s = 0; s < r->specs_n[i]; s++) {
			const struct endpoint_spec *e = &r->specs[i][s];

			if (e->addrs_n) {
				add_targets(r, k->lines[i], i, e, e->addrs, e->addrs_n);
				continue;
			}
			names[n] = e->host;
			ports[n] = e->port;
			of[n++] = (struct target){ .line = i, .spec = e };
		}
	hosts = mem_array(n, sizeof(*hosts));
	look_how(&c, k->lines[0]->cfg);
	if (n)
		hosts_find(hosts, names, ports, n, &c);
	for (size_t i = 0; i < n; i++) {
		const struct line *l = k->lines[of[i].line];

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
	char address[ENDPOINT_TEXT_LEN], *why = more ? mem_format("%s: %s", name, p->why) : mem_copy_str(name);
	enum served_state state = endpoints_state_of(p->outcome);
	struct presented chain = { 0 };
	struct json *o;
	struct err e;

	endpoints_address(address, &p->to);
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
	const struct look *k = arg;
	struct round r = {
		.specs = mem_array(k->n, sizeof(struct endpoint_spec *)),
		.specs_n = mem_array(k->n, sizeof(*r.specs_n)),
		.report = json_array(),
	};
	int status;

	for (size_t i = 0; i < k->n; i++) {
		endpoints_of(&r.specs[i], &r.specs_n[i], k->lines[i]->cfg);
		json_put(r.report, NULL, json_array());
	}
	find(&r, k);
	probe_all(r.probes, r.n, &probe_defaults);
	if (proc_stopping())            /* half a look is none */
		return 1;
	for (size_t i = 0; i < r.n; i++)
		report_probe(&r, i);
	status = worker_report(out_fd, r.report);
	for (size_t i = 0; i < k->n; i++)
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
	size_t n = json_len(list), more = elsewhere ? elsewhere->n : 0;
	struct served_answer *answers = mem_array(n + more, sizeof(*answers));
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		ok &= take_answer(&answers[i], json_at(list, i), clock_now());
	for (size_t i = 0; i < more; i++)
		answers[n + i] = elsewhere->v[i];
	if (ok)
		served_note(&l->ledger.served, answers, n + more);
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

static int64_t limit_ms(const struct look *k)
{
	(void)k;
	return LOOK_LIMIT_MS;
}

static bool note(const struct look *k, const struct json *all)
{
	bool ok = json_len(all) == k->n;

	for (size_t i = 0; i < k->n && ok; i++)
		ok = note_line(k->lines[i], json_at(all, i));
	return ok;
}

static void give_up(const struct look *k, const char *why)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->lines[i]->servers_problem);
		k->lines[i]->servers_problem = mem_copy_str(why);
	}
}

void servers_add(struct looks *all, struct line *const *lines, size_t n, const struct world *w)
{
	static const struct look_kind kind = {
		.what = "servers",
		.work = look_work,
		.limit_ms = limit_ms,
		.note = note,
		.give_up = give_up,
	};
	struct line **due = mem_array(n, sizeof(struct line *));
	size_t due_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (lines[i]->failed || !lines[i]->policy.looks || !lines[i]->live.number)
			continue;
		lines[i]->servers_fresh_at = clock_now();
		free(lines[i]->servers_problem);
		lines[i]->servers_problem = NULL;
		forget_others(lines[i]);
		vantage_add(&all->elsewhere, lines[i], servers_families(lines[i]), w);
		due[due_n++] = lines[i];
	}
	looks_add(all, &kind, due, due_n);
	free(due);
}
