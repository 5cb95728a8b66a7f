/* doctor.c - from services to observations, in a worker.
 *
 * In this order, each step for all services side by side: addresses of the hosts (and where their aliases
 * lead, RFC 7671 section 7), the records at every name server, handshakes that offer to take one kind of
 * key, and what the chains are worth.
 * Touches: the network, in child processes (workers).
 */
#include "run/doctor.h"

#include "base/mem.h"
#include "base/text.h"
#include "dns/resolvers.h"
#include "io/crypto.h"
#include "run/doctor_parts.h"
#include "run/worker.h"
#include "sys/clock.h"

#define EACH_MS	   100 /* more of everything for each service */
#define DNS_MS	   ((int64_t)60 * 1000)
#define PROBES_MS  ((int64_t)60 * 1000) /* for one round of handshakes */
#define LIMIT_MS   (4 * DNS_MS + 3 * PROBES_MS)
#define MAIL_MS	   ((int64_t)30 * 1000) /* for the mail hosts of one domain */

#define SUBMISSION 587 /* by people, and not by mail servers */

/* What is asked --------------------------------------------------------------------------------- */

static void take_ask(struct doctor_seen *s, const struct doctor_ask *a)
{
	/* "_PORT._PROTO.HOST", which was checked */
	const char *proto = a->owner ? strchr(a->owner, '.') + 1 : NULL;
	char *port = proto ? mem_copy_strn(a->owner + 1, (size_t)(proto - a->owner) - 2) : NULL;
	int64_t n = 0;

	*s = (struct doctor_seen){ .owner = mem_copy_str(a->owner),
				   .mail_domain = mem_copy_str(a->mail_domain) };
	s->host = mem_copy_str(a->host ? a->host : proto ? strchr(proto, '.') + 1 : "");
	s->base = mem_copy_str(s->host);
	if (a->port)
		s->port = a->port;
	else if (port && text_number(port, 65535, &n))
		s->port = (unsigned)n;
	if (proto && !text_starts(proto, "_tcp."))
		s->unlookable = mem_format("\"%.*s\" is not TCP, which is all that can be looked at",
					   (int)strcspn(proto, "."), proto);
	else if (!s->port)
		s->unlookable =
			mem_format("\"%s\" is not a port that can be connected to", port ? port : "");
	s->starttls = a->starttls == DOCTOR_STARTTLS_OF_PORT ? starttls_of_port(s->port)
							     : (enum starttls)a->starttls;
	s->mail = s->starttls == STARTTLS_SMTP && s->port != SUBMISSION;
	free(port);
}

/* DNS ------------------------------------------------------------------------------------------- */

/* The services that are looked up in one way. */
struct part {
	size_t *of; /* their places */
	size_t n;
	struct look_config how;
};

/* Where records are looked for depends on the host's aliases; where there is neither anything to look for
 * nor an address to find, nobody is asked. */
static void find_hosts(struct doctor_seen *out, const struct doctor_ask *asks, const struct part *p)
{
	const char **names = mem_array(p->n, sizeof(*names));
	uint16_t *ports = mem_array(p->n, sizeof(*ports));
	struct host *hosts = mem_array(p->n, sizeof(*hosts));
	size_t *of = mem_array(p->n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct doctor_ask *a = &asks[p->of[i]];

		if (a->addrs_n && !a->owner)
			continue;
		names[n] = out[p->of[i]].host;
		ports[n] = (uint16_t)out[p->of[i]].port;
		of[n++] = p->of[i];
	}
	if (n)
		hosts_find(hosts, names, ports, n, &p->how);
	for (size_t i = 0; i < n; i++)
		out[of[i]].at = hosts[i];
	for (size_t i = 0; i < p->n; i++) {
		struct doctor_seen *s = &out[p->of[i]];
		const struct doctor_ask *a = &asks[p->of[i]];

		if (!a->addrs_n)
			continue;
		s->addrs_given = true;
		free(s->at.addrs);
		s->at.addrs = mem_array(a->addrs_n, sizeof(*s->at.addrs));
		s->at.addrs_n = a->addrs_n;
		memcpy(s->at.addrs, a->addrs, a->addrs_n * sizeof(*a->addrs));
	}
	free(of);
	free(hosts);
	free(ports);
	free(names);
}

/* Where clients look first: at the end of the host's aliases, if every step there is secure.  NULL: there
 * is no such place. */
static char *owner_at_end(const struct doctor_seen *s)
{
	if (!s->owner || !s->at.end || s->at.security != SECURITY_SECURE ||
	    strcmp(s->at.end, s->host) == 0)
		return NULL;
	return mem_format("%.*s%s", (int)(strlen(s->owner) - strlen(s->host)), s->owner, s->at.end);
}

static bool has_records(const struct look_owner *o)
{
	for (size_t i = 0; i < o->zones_n; i++)
		if (o->zones[i].security != SECURITY_SECURE)
			return false;
	for (size_t i = 0; i < o->servers_n; i++)
		if (doctor_seen_final(o, &o->servers[i]) && o->servers[i].answer == ANSWER_DATA)
			return true;
	return false;
}

static void choose(struct doctor_seen *s)
{
	if (s->dns_n > 1 && has_records(&s->dns[1])) {
		s->used = 1;
		free(s->base);
		s->base = mem_copy_str(s->at.end);
	}
	doctor_seen_sets(s);
}

static void find_records(struct doctor_seen *out, const struct part *p)
{
	const char **owners = mem_array(2 * p->n, sizeof(*owners));
	struct look_owner *seen = mem_array(2 * p->n, sizeof(*seen));
	char **ends = mem_array(p->n, sizeof(*ends));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct doctor_seen *s = &out[p->of[i]];

		if (s->owner)
			owners[n++] = s->owner;
		ends[i] = owner_at_end(s);
		if (ends[i])
			owners[n++] = ends[i];
	}
	look_all(seen, owners, n, &p->how);
	n = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct doctor_seen *s = &out[p->of[i]];

		s->dns_n = (size_t)(s->owner != NULL) + (ends[i] != NULL);
		s->dns = mem_array(s->dns_n, sizeof(*s->dns));
		for (size_t k = 0; k < s->dns_n; k++)
			s->dns[k] = seen[n++];
		choose(s);
		free(ends[i]);
	}
	free(ends);
	free(seen);
	free(owners);
}

static void blame(enum security *security, char **why, const char *fault)
{
	*security = SECURITY_UNKNOWN;
	free(*why);
	*why = mem_copy_str(fault);
}

static bool is_doubtful(enum security s)
{
	return s == SECURITY_BOGUS || s == SECURITY_UNKNOWN;
}

/* NULL: they are fit, or nobody validates by them; the caller frees. */
static char *fault_here(const struct look_config *how)
{
	char *fault = resolvers_fault(how), *text;

	if (!fault)
		return NULL;
	text = mem_format("%s; try --resolver ADDRESS, or [dns] resolver = recurse", fault);
	free(fault);
	return text;
}

/* What is not secure because of our own resolvers says nothing about those whose names they are. */
static void blame_resolvers(struct doctor_seen *out, const struct part *p)
{
	bool doubtful = false;
	char *fault;

	for (size_t i = 0; i < p->n; i++) {
		const struct doctor_seen *s = &out[p->of[i]];
		const struct look_zone *ignored;

		doubtful |= s->at.name && is_doubtful(s->at.security);
		for (size_t k = 0; k < s->dns_n; k++)
			doubtful |= is_doubtful(look_security(&s->dns[k], &ignored));
	}
	fault = doubtful ? fault_here(&p->how) : NULL;
	for (size_t i = 0; fault && i < p->n; i++) {
		struct doctor_seen *s = &out[p->of[i]];

		if (s->at.name && is_doubtful(s->at.security)) {
			blame(&s->at.security, &s->at.why, fault);
			free(s->at.problem);
			s->at.problem = mem_copy_str(fault);
		}
		for (size_t k = 0; k < s->dns_n; k++)
			for (size_t z = 0; z < s->dns[k].zones_n; z++)
				if (is_doubtful(s->dns[k].zones[z].security))
					blame(&s->dns[k].zones[z].security, &s->dns[k].zones[z].why,
					      fault);
	}
	free(fault);
}

static void look_up(struct doctor_seen *out, const struct doctor_ask *asks, size_t n)
{
	bool *done = mem_array(n, sizeof(*done));
	struct part p = { .of = mem_array(n, sizeof(*p.of)) };

	for (size_t i = 0; i < n; i++) {
		if (done[i])
			continue;
		p.n = 0;
		p.how = *asks[i].how;
		for (size_t k = i; k < n; k++) {
			if (done[k] || asks[k].how != asks[i].how)
				continue;
			done[k] = true;
			p.of[p.n++] = k;
		}
		p.how.limits.all_ms = DNS_MS + (int64_t)p.n * EACH_MS;
		crypto_random((unsigned char *)&p.how.limits.first, sizeof(p.how.limits.first));
		find_hosts(out, asks, &p);
		find_records(out, &p);
		blame_resolvers(out, &p);
	}
	free(p.of);
	free(done);
}

/* Handshakes ------------------------------------------------------------------------------------ */

/* Of one service and one address. */
struct call {
	size_t service;
	const struct addr *to;
	struct probe tried[3]; /* ECDSA, RSA, any */
	bool asked[3];
};
static const enum tls_offer offers[] = { TLS_OFFER_ECDSA, TLS_OFFER_RSA, TLS_OFFER_ANY };

/* Another offer may fare better: somebody spoke TLS, or might have. */
static bool depends_on_offer(enum probe_outcome o)
{
	return o == PROBE_OK || o == PROBE_NOT_OFFERED || o == PROBE_TLS_FAILED || o == PROBE_CLOSED;
}

static bool is_due(const struct call *c, size_t round)
{
	if (round == 0)
		return true;
	if (!depends_on_offer(c->tried[0].outcome))
		return false;
	/* a key of another kind, or an offer that an old server has no answer to */
	return round == 1 || (c->tried[0].outcome != PROBE_OK && c->tried[1].outcome != PROBE_OK &&
			      depends_on_offer(c->tried[1].outcome));
}

static void call_round(struct call *calls, size_t n, size_t round, const struct doctor_seen *out,
		       const struct doctor_ask *asks)
{
	struct probe *p = mem_array(n, sizeof(*p));
	struct probe_limits limits = probe_defaults;
	size_t due = 0;

	limits.all_ms = PROBES_MS + (int64_t)n * EACH_MS / 2;
	for (size_t i = 0; i < n; i++) {
		const struct doctor_seen *s = &out[calls[i].service];

		calls[i].asked[round] = is_due(&calls[i], round);
		if (!calls[i].asked[round])
			continue;
		p[due] = (struct probe){ .to = *calls[i].to,
					 .sni = s->base,
					 .domain = asks[calls[i].service].domain ? asks[calls[i].service].domain : s->base,
					 .starttls = s->starttls,
					 .offer = offers[round] };
		if (asks[calls[i].service].from)
			p[due].from = *asks[calls[i].service].from;
		due++;
	}
	probe_all(p, due, &limits);
	due = 0;
	for (size_t i = 0; i < n; i++)
		if (calls[i].asked[round])
			calls[i].tried[round] = p[due++];
	free(p);
}

/* The names by which clients know the server: RFC 7671 section 5.2.2, RFC 7672 section 3.2.2. */
static void names_of(struct strv *names, const struct doctor_seen *s)
{
	strv_add(names, s->base);
	if (strcmp(s->host, s->base) != 0)
		strv_add(names, s->host);
	if (s->mail_domain && !strv_has(names, s->mail_domain))
		strv_add(names, s->mail_domain);
}

/* The instant at which the certificate was, is, or will be valid, nearest to now. */
static int64_t while_valid(const struct presented_cert *c, int64_t now)
{
	return now < c->from_at ? c->from_at : now > c->until_at ? c->until_at : now;
}

static void judge(struct doctor_view *v, const struct doctor_seen *s)
{
	struct strv names = { 0 };
	struct dane_client as = { .mail = s->mail, .names = &names, .now = clock_now() };

	names_of(&names, s);
	for (size_t i = 0; i < names.n; i++)
		v->named |= presented_names(&v->chain, names.v[i]);
	v->fault = presented_verify(&v->fault_why, &v->chain, &names, NULL, as.now);
	if (v->fault == PRESENTED_NOT_YET || v->fault == PRESENTED_EXPIRED || v->fault == PRESENTED_WRONG_NAME)
		v->beside = presented_verify(&v->beside_why, &v->chain, NULL, NULL, while_valid(&v->chain.v[0], as.now));
	v->dane = mem_array(s->sets_n, sizeof(*v->dane));
	for (size_t i = 0; i < s->sets_n; i++)
		dane_judge(&v->dane[i], &v->chain, &s->sets[i].data, &as);
	strv_free(&names);
}

static void take_probe(struct doctor_seen *s, const struct probe *p, enum tls_offer offer)
{
	struct doctor_view *v;
	struct err e;

	s->views = mem_resize(s->views, s->views_n + 1, sizeof(*s->views));
	v = &s->views[s->views_n++];
	*v = (struct doctor_view){ .addr = p->to,
				   .offer = offer,
				   .outcome = p->outcome,
				   .why = mem_copy_str(p->why),
				   .at = p->at };
	if (p->outcome != PROBE_OK)
		return;
	memcpy(v->protocol, p->presented.protocol, sizeof(v->protocol));
	if (presented_read(&v->chain, &p->presented, &e) < 0) {
		v->why = mem_copy_str(e.text);
		v->chain = (struct presented){ 0 };
		return;
	}
	judge(v, s);
}

static void take_call(struct doctor_seen *s, struct call *c)
{
	if (!depends_on_offer(c->tried[0].outcome)) {
		take_probe(s, &c->tried[0], TLS_OFFER_ANY);
	} else if (c->asked[2]) {
		/* what single offers met is told by the one that leaves the server the choice */
		take_probe(s, &c->tried[2], TLS_OFFER_ANY);
	} else {
		take_probe(s, &c->tried[0], offers[0]);
		take_probe(s, &c->tried[1], offers[1]);
	}
	for (size_t i = 0; i < ARRAY_LEN(c->tried); i++)
		if (c->asked[i])
			probes_free(&c->tried[i], 1);
}

static void call_up(struct doctor_seen *out, const struct doctor_ask *asks, size_t n)
{
	struct call *calls;
	size_t calls_n = 0, max = 0;

	for (size_t i = 0; i < n; i++)
		max += out[i].at.addrs_n;
	calls = mem_array(max, sizeof(*calls));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < out[i].at.addrs_n && !out[i].unlookable; k++)
			calls[calls_n++] = (struct call){ .service = i, .to = &out[i].at.addrs[k] };
	for (size_t round = 0; round < ARRAY_LEN(offers); round++)
		call_round(calls, calls_n, round, out, asks);
	for (size_t i = 0; i < calls_n; i++)
		take_call(&out[calls[i].service], &calls[i]);
	free(calls);
}

/* The worker ------------------------------------------------------------------------------------ */

struct job {
	const struct doctor_ask *asks;
	size_t n;
	/* ... or mail domains */
	const char *const *domains;
	const struct look_config *how;
};

static int look_work(void *arg, int out_fd)
{
	const struct job *j = arg;
	struct doctor_seen *seen = mem_array(j->n, sizeof(*seen));
	struct json *all = json_array();

	for (size_t i = 0; i < j->n; i++)
		take_ask(&seen[i], &j->asks[i]);
	look_up(seen, j->asks, j->n);
	call_up(seen, j->asks, j->n);
	for (size_t i = 0; i < j->n; i++)
		doctor_seen_put(all, &seen[i]);
	doctor_seen_free(seen, j->n);
	free(seen);
	return worker_report(out_fd, all);
}

static int mail_work(void *arg, int out_fd)
{
	const struct job *j = arg;
	struct json *all = json_array();
	char *fault = NULL;
	bool asked = false;

	for (size_t i = 0; i < j->n; i++) {
		struct mail_hosts m;

		mail_hosts_find(&m, j->domains[i], j->how);
		if (is_doubtful(m.security) && !asked) {
			fault = fault_here(j->how);
			asked = true;
		}
		if (is_doubtful(m.security) && fault) {
			blame(&m.security, &m.why, fault);
			free(m.problem);
			m.problem = mem_copy_str(fault);
		}
		doctor_mail_put(all, &m);
		mail_hosts_free(&m);
	}
	free(fault);
	return worker_report(out_fd, all);
}

static const char not_of_it[] = "a worker told of something else";

static void note_failure(struct doctor_seen *s, const struct doctor_ask *a, const char *why)
{
	take_ask(s, a);
	s->problem = mem_format("looking at it failed: %s", why);
}

/* After `until_ms` nothing is tried again. */
static void look_until(struct doctor_seen *out, const struct doctor_ask *asks, size_t n, int64_t until_ms)
{
	struct job j = { .asks = asks, .n = n };
	struct err e = { 0 };
	struct json *all = worker_run(look_work, &j, LIMIT_MS + (int64_t)n * 8 * EACH_MS, n, &e);

	for (size_t i = 0; all && i < n; i++)
		if (!doctor_seen_get(&out[i], json_at(all, i))) {
			doctor_seen_free(&out[i], 1);
			note_failure(&out[i], &asks[i], not_of_it);
		}
	json_free(all);
	if (e.kind == ERR_NONE)
		return;
	if (n > 1 && clock_monotonic_ms() < until_ms && !proc_stopping()) {
		look_until(out, asks, n / 2, until_ms);
		look_until(out + n / 2, asks + n / 2, n - n / 2, until_ms);
	} else {
		for (size_t i = 0; i < n; i++)
			note_failure(&out[i], &asks[i], e.text);
	}
}

void doctor_look(struct doctor_seen *out, const struct doctor_ask *asks, size_t n)
{
	if (n)
		look_until(out, asks, n, clock_monotonic_ms() + LIMIT_MS / 2);
}

void doctor_mail(struct mail_hosts *out, const char *const *domains, size_t n,
		 const struct look_config *how)
{
	struct job j = { .domains = domains, .n = n, .how = how };
	struct err e = { 0 };
	struct json *all;

	if (!n)
		return;
	all = worker_run(mail_work, &j, DNS_MS + (int64_t)n * MAIL_MS, n, &e);
	for (size_t i = 0; i < n; i++) {
		if (all && doctor_mail_get(&out[i], json_at(all, i)))
			continue;
		mail_hosts_free(&out[i]);
		out[i] = (struct mail_hosts){ .domain = mem_copy_str(domains[i]),
					      .problem = mem_format("looking at it failed: %s",
								    all ? not_of_it : e.text) };
	}
	json_free(all);
}
