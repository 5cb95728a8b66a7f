/* zone.c - apexes and DNSSEC status of zones, and the questions to resolvers; each zone once a run.
 *
 * Questions go to the resolvers with CD set, unless they say otherwise, so that a bogus zone can be
 * looked at too (RFC 4035 section 3.2.2); what they say about servers is not trusted for anything
 * but where to ask.
 * Touches: the network.
 */
#include "dns/zone.h"

#include "base/mem.h"
#include "core/names.h"
#include "sys/clock.h"

#define VALIDATE_MS     ((int64_t)30 * 1000)    /* for one batch, */
#define VALIDATE_ALL_MS ((int64_t)40 * 1000)    /* for all of a finder, */
#define VALIDATE_MIN_MS ((int64_t)3 * 1000)     /* and what each batch has in any case */
#define RESOLVER_PACE 4                 /* times what a name server is asked in a second */
#define OWN_RESOLVER_PACE 40            /* the same of one on this host */
#define ALIASES_MAX 16

static const char no_own_resolver[] =
	"validate = resolver needs a resolver on this host, at a loopback address ([dns] resolver)";

void finder_init(struct finder *f, const struct look_config *c)
{
	struct validator_stub *stubs = mem_array(c->zones_n, sizeof(*stubs));
	struct validator_config v = {
		.trust_anchor = c->validate == VALIDATE_DNSSEC ? c->trust_anchor : NULL,
		.forward = c->resolvers, .forward_n = c->resolvers_n,
		.stubs = stubs, .stubs_n = c->resolvers_n ? 0 : c->zones_n,
		.pretended_at = c->pretended_at, .use_ipv6 = true,
	};
	struct err e;

	*f = (struct finder){ .c = c };
	for (size_t i = 0; i < c->zones_n; i++)
		stubs[i] = (struct validator_stub){ c->zones[i].zone, c->zones[i].v,
						    c->zones[i].n };
	if ((c->validate == VALIDATE_DNSSEC || !c->resolvers_n) && validator_new(&f->v, &v, &e) < 0)
		f->v_why = mem_copy_str(e.text);
	free(stubs);
}

static void zone_free(struct zone *z)
{
	for (size_t i = 0; i < z->servers_n; i++)
		strv_free(&z->servers[i].names);
	free(z->servers);
	free(z->apex);
	free(z->mname);
	free(z->problem);
	free(z->incomplete);
	free(z->why);
	free(z->serials);
	dns_rrs_free(&z->keys);
	free(z);
}

void finder_free(struct finder *f)
{
	for (size_t i = 0; i < f->zones_n; i++)
		zone_free(f->zones[i]);
	free(f->zones);
	free(f->v_why);
	validator_drop(f->v);
	*f = (struct finder){ 0 };
}

/* Asking the resolvers ------------------------------------------------------------------------- */

/* Who swallows a zone's keys would make every batch take as long as it may. */
static void validate(struct finder *f, struct lookup *l, size_t n)
{
	int64_t began_ms = clock_monotonic_ms(), left_ms = VALIDATE_ALL_MS - f->validated_ms;

	if (left_ms > VALIDATE_MS)
		left_ms = VALIDATE_MS;
	validator_lookup_all(f->v, l, n, left_ms < VALIDATE_MIN_MS ? VALIDATE_MIN_MS : left_ms);
	f->validated_ms += clock_monotonic_ms() - began_ms;
}

/* What is bogus is taken too, as with CD. */
static void by_validator(struct finder *f, struct resolved *r, size_t n)
{
	struct lookup *l = mem_array(n, sizeof(*l));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;

	for (size_t i = 0; i < n; i++) {
		if (r[i].ok)
			continue;
		of[left] = i;
		l[left++] = (struct lookup){ .name = r[i].name, .type = r[i].type };
	}
	if (f->v)
		validate(f, l, left);
	for (size_t k = 0; k < left; k++) {
		struct resolved *x = &r[of[k]];

		x->ok = f->v && l[k].security != SECURITY_UNKNOWN;
		x->end = mem_copy_str(l[k].end);
		if (!x->ok)
			x->why = mem_copy_str(f->v_why ? f->v_why : l[k].why ? l[k].why : "no answer");
		x->msg = (struct dns_msg){ .answer = l[k].rrs,
					   .rcode = l[k].nxdomain ? DNS_NXDOMAIN : DNS_NOERROR };
		l[k].rrs = (struct dns_rrs){ 0 };
	}
	lookups_free(l, left);
	free(of);
	free(l);
}

/* NULL: it is no alias. */
static char *alias_of(const char *name, const struct dns_rrs *answer)
{
	char *target = NULL;

	for (size_t i = 0; !target && i < answer->n; i++)
		if (answer->v[i].type == DNS_CNAME && strcmp(answer->v[i].owner, name) == 0 &&
		    !dns_rr_target(&target, &answer->v[i]))
			target = NULL;
	return target;
}

/* Where the aliases in the answer lead. */
static char *follow(const char *name, const struct dns_rrs *answer)
{
	char *at = dns_name_canon(name), *next;

	for (size_t hops = 0; at && hops < ALIASES_MAX && (next = alias_of(at, answer)); hops++) {
		free(at);
		at = next;
	}
	return at;
}

/* The reply as an answer, or why it is none; its code stays. */
static void take(struct resolved *r, const struct question *q)
{
	char address[ADDR_TEXT_LEN];
	const char *why = NULL;
	struct err e;
	int rcode;

	if (q->outcome != ASK_ANSWERED)
		why = ask_outcome_text(q->outcome);
	else if (dns_msg_parse(&r->msg, q->reply, q->reply_len, &e) < 0)
		why = e.text;
	else if (r->msg.rcode != DNS_NOERROR && r->msg.rcode != DNS_NXDOMAIN)
		why = dns_rcode_name(r->msg.rcode);
	else if (!r->msg.ra && !r->msg.aa && !r->msg.answer.n)
		why = "it does not recurse";
	free(r->why);
	r->why = NULL;
	r->ok = !why;
	if (r->ok) {
		r->end = follow(r->name, &r->msg.answer);
		return;
	}
	rcode = r->msg.rcode;
	dns_msg_free(&r->msg);
	r->msg.rcode = rcode;
	addr_format(address, &q->to);
	r->why = mem_format("resolver %s about %s %s: %s", address, r->name,
			    dns_type_name(r->type), why);
}

static void ask_resolvers(const struct look_config *c, const struct addr *to, size_t n,
			  struct question *q)
{
	struct ask_limits limits = c->limits;

	for (size_t i = 0; i < n; i++)
		q[i].to = *to;
	limits.in_flight_each *= RESOLVER_PACE;
	limits.per_second_own = limits.per_second_each * OWN_RESOLVER_PACE;
	limits.per_second_each *= RESOLVER_PACE;
	ask_all(q, n, &limits);
}

static void by_chain_of_trust(struct finder *f, struct resolved *r, size_t n)
{
	struct lookup *l = mem_array(n, sizeof(*l));

	for (size_t i = 0; i < n; i++)
		l[i] = (struct lookup){ .name = r[i].name, .type = r[i].type };
	validate(f, l, n);
	for (size_t i = 0; i < n; i++) {
		r[i].ok = l[i].security == SECURITY_SECURE || l[i].security == SECURITY_INSECURE;
		r[i].unproved = l[i].security == SECURITY_INSECURE;
		r[i].security = l[i].security;
		if (!r[i].ok) {
			r[i].why = l[i].why ? l[i].why : mem_copy_str("no answer");
			l[i].why = NULL;
			continue;
		}
		r[i].msg = (struct dns_msg){ .answer = l[i].rrs,
					     .rcode = l[i].nxdomain ? DNS_NXDOMAIN : DNS_NOERROR };
		r[i].end = l[i].end;
		l[i].end = NULL;
		l[i].rrs = (struct dns_rrs){ 0 };
	}
	lookups_free(l, n);
	free(l);
}

/* A resolver on this host that validates answers SERVFAIL for what is bogus, unless it is told not to. */
static const struct addr *own_resolver(const struct look_config *c)
{
	for (size_t i = 0; i < c->resolvers_n; i++)
		if (addr_is_loopback(&c->resolvers[i]))
			return &c->resolvers[i];
	return NULL;
}

/* SERVFAIL: if there is an answer to a question with CD, then it is validation that failed. */
static void find_bogus(struct finder *f, struct resolved *r, size_t n, const struct addr *to)
{
	struct question *q = mem_array(n, sizeof(*q));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;

	for (size_t i = 0; i < n; i++) {
		if (r[i].ok || r[i].msg.rcode != DNS_SERVFAIL)
			continue;
		of[left] = i;
		q[left++] = (struct question){ .name = r[i].name, .type = r[i].type,
					       .flags = { .rd = true, .cd = true } };
	}
	ask_resolvers(f->c, to, left, q);
	for (size_t k = 0; k < left; k++) {
		struct resolved *x = &r[of[k]], anew = { .name = x->name, .type = x->type };

		take(&anew, &q[k]);
		if (anew.ok) {
			char *why = mem_format("%s, and without validation it has an answer", x->why);

			free(x->why);
			x->why = why;
			x->security = SECURITY_BOGUS;
		}
		resolved_free(&anew, 1);
	}
	questions_free(q, left);
	free(q);
	free(of);
}

static void by_own_resolver(struct finder *f, struct resolved *r, size_t n, const struct addr *to)
{
	struct question *q = mem_array(n, sizeof(*q));

	for (size_t i = 0; i < n; i++)
		q[i] = (struct question){ .name = r[i].name, .type = r[i].type,
					  .flags = { .rd = true } };
	ask_resolvers(f->c, to, n, q);
	for (size_t i = 0; i < n; i++) {
		take(&r[i], &q[i]);
		if (r[i].ok)
			r[i].security = r[i].msg.ad ? SECURITY_SECURE : SECURITY_INSECURE;
	}
	questions_free(q, n);
	free(q);
	find_bogus(f, r, n, to);
}

bool finder_validate(struct finder *f, struct resolved *r, size_t n)
{
	const struct addr *own = own_resolver(f->c);

	if (f->c->validate == VALIDATE_DNSSEC && f->v)
		by_chain_of_trust(f, r, n);
	else if (f->c->validate == VALIDATE_RESOLVER && own)
		by_own_resolver(f, r, n, own);
	else
		return false;
	return true;
}

void finder_resolve(struct finder *f, struct resolved *r, size_t n)
{
	const struct look_config *c = f->c;
	struct question *q = mem_array(n, sizeof(*q));
	size_t *of = mem_array(n, sizeof(*of));

	if (!c->resolvers_n)
		by_validator(f, r, n);
	for (size_t k = 0; k < c->resolvers_n; k++) {
		size_t left = 0;

		for (size_t i = 0; i < n; i++) {
			if (r[i].ok)
				continue;
			of[left] = i;
			q[left++] = (struct question){ .name = r[i].name, .type = r[i].type,
						       .flags = { .rd = true, .cd = !r[i].checked } };
		}
		ask_resolvers(c, &c->resolvers[k], left, q);
		for (size_t i = 0; i < left; i++)
			take(&r[of[i]], &q[i]);
		questions_free(q, left);
	}
	free(q);
	free(of);
}

void resolved_free(struct resolved *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dns_msg_free(&r[i].msg);
		free(r[i].end);
		free(r[i].why);
	}
}

void finder_look_up(struct finder *f, struct resolved *r, size_t n)
{
	if (n == 0 || finder_validate(f, r, n))
		return;
	if (f->c->validate != VALIDATE_DNSSEC)
		finder_resolve(f, r, n);
	for (size_t i = 0; i < n; i++) {
		switch (f->c->validate) {
		case VALIDATE_DNSSEC:
			r[i].why = mem_copy_str(f->v_why ? f->v_why : "there is no validator");
			break;
		case VALIDATE_RESOLVER:
			if (r[i].ok)
				r[i].why = mem_copy_str(no_own_resolver);
			break;
		case VALIDATE_NO:
			if (r[i].ok)
				r[i].security = SECURITY_SECURE;
			break;
		}
	}
}

/* Apexes --------------------------------------------------------------------------------------- */

struct zone *finder_zone(struct finder *f, const char *apex)
{
	struct zone *z;

	for (size_t i = 0; i < f->zones_n; i++)
		if (strcmp(f->zones[i]->apex, apex) == 0)
			return f->zones[i];
	z = mem_alloc(sizeof(*z));
	z->apex = mem_copy_str(apex);
	f->zones = mem_resize(f->zones, f->zones_n + 1, sizeof(struct zone *));
	f->zones[f->zones_n++] = z;
	return z;
}

struct zone *finder_configured(struct finder *f, const char *name)
{
	const struct look_servers *best = NULL;
	struct zone *z;

	for (size_t i = 0; i < f->c->zones_n; i++) {
		const struct look_servers *s = &f->c->zones[i];

		if (name_below(name, s->zone) &&
		    (!best || dns_name_labels(s->zone) > dns_name_labels(best->zone)))
			best = s;
	}
	if (!best)
		return NULL;
	z = finder_zone(f, best->zone);
	if (z->configured)
		return z;
	z->configured = z->found = true;
	z->servers_n = best->n;
	z->servers = mem_array(best->n, sizeof(*z->servers));
	for (size_t i = 0; i < best->n; i++)
		z->servers[i].addr = best->v[i];
	if (!best->n)
		z->problem = mem_format("[dns] servers names no address for %s", z->apex);
	return z;
}

static void note_mname(struct zone *z, const struct dns_rr *rr)
{
	struct dns_soa soa;

	if (!z->mname && dns_rr_soa(&soa, rr))
		z->mname = soa.mname;
}

/* The zone that an answer to a question for a SOA record tells of, or NULL. */
static struct zone *zone_in(struct finder *f, const struct resolved *r)
{
	bool alias = false;

	for (size_t i = 0; i < r->msg.answer.n; i++) {
		const struct dns_rr *rr = &r->msg.answer.v[i];

		alias |= rr->type == DNS_CNAME || rr->type == DNS_DNAME;
		if (rr->type != DNS_SOA || strcmp(rr->owner, r->name) != 0)
			continue;
		note_mname(finder_zone(f, rr->owner), rr);
		return finder_zone(f, rr->owner);
	}
	/* behind an alias the authority section is about its target */
	for (size_t i = 0; i < r->msg.authority.n && !alias; i++) {
		const struct dns_rr *rr = &r->msg.authority.v[i];

		if (rr->type != DNS_SOA || !name_below(r->name, rr->owner))
			continue;
		note_mname(finder_zone(f, rr->owner), rr);
		return finder_zone(f, rr->owner);
	}
	return NULL;
}

/* Asks once about every name in at[] (NULL: none): out and why of all who have that name now. */
static void ask_apexes(struct finder *f, struct zone **out, char **why, char **at, size_t n)
{
	struct resolved *r = mem_array(n, sizeof(*r));
	size_t *of = mem_array(n, sizeof(*of)), asked = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (!at[i])
			continue;
		while (k < asked && strcmp(r[k].name, at[i]) != 0)
			k++;
		of[i] = k;
		if (k == asked)
			r[asked++] = (struct resolved){ .name = at[i], .type = DNS_SOA };
	}
	finder_resolve(f, r, asked);
	for (size_t i = 0; i < n; i++) {
		if (!at[i])
			continue;
		out[i] = r[of[i]].ok ? zone_in(f, &r[of[i]]) : NULL;
		if (!r[of[i]].ok)
			why[i] = mem_format("its zone cannot be found: %s ([dns] resolver, "
					    "servers)", r[of[i]].why);
	}
	resolved_free(r, asked);
	free(r);
	free(of);
}

void finder_zones(struct finder *f, struct zone **out, char **why, const char *const *names,
		  size_t n)
{
	char **at = mem_array(n, sizeof(*at));
	bool more = n != 0;

	for (size_t i = 0; i < n; i++) {
		out[i] = finder_configured(f, names[i]);
		why[i] = NULL;
		at[i] = out[i] ? NULL : mem_copy_str(names[i]);
	}
	while (more) {
		more = false;
		ask_apexes(f, out, why, at, n);
		for (size_t i = 0; i < n; i++) {
			char *up = at[i] && !out[i] && !why[i] ? dns_name_parent(at[i]) : NULL;

			if (at[i] && !out[i] && !why[i] && !up)
				why[i] = mem_copy_str("its zone cannot be found: nobody tells of a "
						      "SOA record above it ([dns] resolver, "
						      "servers)");
			free(at[i]);
			at[i] = up;
			more |= up != NULL;
		}
	}
	free(at);
}

/* Security ------------------------------------------------------------------------------------- */

static void judge(struct zone *z, enum security security, const char *why)
{
	z->security = security;
	free(z->why);
	z->why = mem_copy_str(why);
}

/* The keys of a secure answer.  Without any nothing would be checked, and all taken for good. */
static void take_keys(struct zone *z, const struct dns_rrs *answer)
{
	for (size_t i = 0; i < answer->n; i++)
		if (answer->v[i].type == DNS_DNSKEY && strcmp(answer->v[i].owner, z->apex) == 0)
			dns_rrs_add(&z->keys, &answer->v[i]);
	if (z->keys.n)
		judge(z, SECURITY_SECURE, NULL);
	else
		judge(z, SECURITY_UNKNOWN, "it has no DNSKEY records, as if it was a part of the "
					   "zone above ([dns] servers)");
}

/* What a resolver on this host says; DO asks for its AD bit (RFC 6840 section 5.7). */
static void take_judgement(struct zone *z, const struct question *q, bool *again)
{
	struct dns_msg m = { 0 };
	struct err e;

	*again = false;
	if (q->outcome != ASK_ANSWERED) {
		judge(z, SECURITY_UNKNOWN, ask_outcome_text(q->outcome));
	} else if (dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0) {
		judge(z, SECURITY_UNKNOWN, e.text);
	} else if (m.rcode == DNS_SERVFAIL) {
		judge(z, SECURITY_UNKNOWN, "the resolver finds no servers of it that answer");
		*again = true;
	} else if (m.rcode != DNS_NOERROR) {
		judge(z, SECURITY_UNKNOWN, dns_rcode_name(m.rcode));
	} else if (m.ad) {
		take_keys(z, &m.answer);
	} else {
		judge(z, SECURITY_INSECURE, NULL);
	}
	dns_msg_free(&m);
}

/* SERVFAIL: if there is an answer to a question with CD, then it is validation that failed. */
static void tell_bogus(struct zone *z, const struct question *q)
{
	struct dns_msg m;
	struct err e;

	if (q->outcome != ASK_ANSWERED || dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		return;
	if (m.rcode == DNS_NOERROR)
		judge(z, SECURITY_BOGUS, "the resolver answers SERVFAIL, and without validation it "
					 "has an answer");
	dns_msg_free(&m);
}

static void by_resolver(struct finder *f, struct zone **z, size_t n)
{
	const struct look_config *c = f->c;
	struct question *q = mem_array(n, sizeof(*q));
	const struct addr *to = own_resolver(c);
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		q[i] = (struct question){ .name = z[i]->apex, .type = DNS_DNSKEY,
					  .flags = { .rd = true } };
		if (!to)
			judge(z[i], SECURITY_UNKNOWN, no_own_resolver);
	}
	if (to)
		ask_resolvers(c, to, n, q);
	for (size_t i = 0; i < n && to; i++) {
		bool again;

		take_judgement(z[i], &q[i], &again);
		if (!again)
			continue;
		questions_free(&q[left], 1);
		q[left] = (struct question){ .name = z[i]->apex, .type = DNS_DNSKEY,
					     .flags = { .rd = true, .cd = true } };
		z[left++] = z[i];
	}
	if (left)
		ask_resolvers(c, to, left, q);
	for (size_t i = 0; i < left; i++)
		tell_bogus(z[i], &q[i]);
	questions_free(q, n);
	free(q);
}

static void by_chain(struct finder *f, struct zone **z, size_t n)
{
	struct lookup *l = mem_array(n, sizeof(*l));

	for (size_t i = 0; i < n; i++)
		l[i] = (struct lookup){ .name = z[i]->apex, .type = DNS_DNSKEY };
	if (f->v)
		validate(f, l, n);
	for (size_t i = 0; i < n; i++) {
		if (!f->v)
			judge(z[i], SECURITY_UNKNOWN, f->v_why);
		else if (l[i].security == SECURITY_SECURE)
			take_keys(z[i], &l[i].rrs);
		else
			judge(z[i], l[i].security, l[i].why);
	}
	lookups_free(l, n);
	free(l);
}

void finder_security(struct finder *f, struct zone *const *zones, size_t zones_n)
{
	struct zone **z = mem_array(zones_n, sizeof(struct zone *));
	size_t n = 0;

	for (size_t i = 0; i < zones_n; i++) {
		if (!zones[i] || zones[i]->judged)
			continue;
		zones[i]->judged = true;
		z[n++] = zones[i];
	}
	switch (f->c->validate) {
	case VALIDATE_DNSSEC:
		by_chain(f, z, n);
		break;
	case VALIDATE_RESOLVER:
		by_resolver(f, z, n);
		break;
	case VALIDATE_NO:
		for (size_t i = 0; i < n; i++)
			z[i]->security = SECURITY_SECURE;
		break;
	}
	free(z);
}
