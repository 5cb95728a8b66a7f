/* zone.c - apexes, name servers and their addresses, DNSSEC status of zones; each of them once a run.
 *
 * Questions go to the resolvers with CD set, so that a bogus zone can be looked at too (RFC 4035
 * section 3.2.2); what they say about servers is not trusted for anything but where to ask.
 * Touches: the network.
 */
#include "dns/zone.h"

#include "base/mem.h"
#include "core/names.h"

#define VALIDATE_MS     ((int64_t)20 * 1000)
#define PARENTS_ASKED   3               /* servers of the parent that are asked for the delegation */
#define NS_MAX          32              /* names; real zones have at most 13 */

void finder_init(struct finder *f, const struct look_config *c)
{
	struct validator_stub *stubs = mem_array(c->zones_n, sizeof(*stubs));
	struct validator_config v = {
		.trust_anchor = c->trust_anchor, .forward = c->resolvers, .forward_n = c->resolvers_n,
		.stubs = stubs, .stubs_n = c->resolvers_n ? 0 : c->zones_n,
		.pretended_at = c->pretended_at, .use_ipv6 = true,
	};
	struct err e;

	*f = (struct finder){ .c = c };
	for (size_t i = 0; i < c->zones_n; i++)
		stubs[i] = (struct validator_stub){ c->zones[i].zone, c->zones[i].v, c->zones[i].n };
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
	free(z->why);
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

/* Asking the resolvers --------------------------------------------------------------------------- */

static void by_validator(struct finder *f, struct resolved *r, size_t n)
{
	struct lookup *l = mem_array(n, sizeof(*l));

	for (size_t i = 0; i < n; i++)
		l[i] = (struct lookup){ .name = r[i].name, .type = r[i].type };
	if (f->v)
		validator_lookup_all(f->v, l, n, VALIDATE_MS);
	for (size_t i = 0; i < n; i++) {
		r[i].ok = f->v && (l[i].security == SECURITY_SECURE || l[i].security == SECURITY_INSECURE);
		if (!r[i].ok)
			r[i].why = mem_copy_str(l[i].why ? l[i].why : f->v_why ? f->v_why : "no answer");
		r[i].msg = (struct dns_msg){ .answer = l[i].rrs,
					     .rcode = l[i].nxdomain ? DNS_NXDOMAIN : DNS_NOERROR };
		l[i].rrs = (struct dns_rrs){ 0 };
	}
	lookups_free(l, n);
	free(l);
}

/* The reply as an answer, or why it is none. */
static bool take(struct resolved *r, const struct question *q, const struct addr *to)
{
	char address[ADDR_TEXT_LEN];
	const char *why = NULL;
	struct err e;

	if (q->outcome != ASK_ANSWERED)
		why = ask_outcome_text(q->outcome);
	else if (dns_msg_parse(&r->msg, q->reply, q->reply_len, &e) < 0)
		why = e.text;
	else if (r->msg.rcode != DNS_NOERROR && r->msg.rcode != DNS_NXDOMAIN)
		why = dns_rcode_name(r->msg.rcode);
	free(r->why);
	r->why = NULL;
	r->ok = !why;
	if (r->ok)
		return true;
	dns_msg_free(&r->msg);
	addr_format(address, to);
	r->why = mem_format("resolver %s about %s %s: %s", address, r->name, dns_type_name(r->type), why);
	return false;
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
			q[left++] = (struct question){ .to = c->resolvers[k], .name = r[i].name,
						       .type = r[i].type, .flags = { .rd = true, .cd = true } };
		}
		ask_all(q, left, &c->limits);
		for (size_t i = 0; i < left; i++)
			take(&r[of[i]], &q[i], &c->resolvers[k]);
		questions_free(q, left);
	}
	free(q);
	free(of);
}

void resolved_free(struct resolved *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dns_msg_free(&r[i].msg);
		free(r[i].why);
	}
}

/* Apexes ---------------------------------------------------------------------------------------- */

static struct zone *zone_of_apex(struct finder *f, const char *apex)
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

/* The nearest zone above the name whose servers are configured, or NULL. */
static struct zone *configured_zone(struct finder *f, const char *name)
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
	z = zone_of_apex(f, best->zone);
	if (z->configured)
		return z;
	z->configured = z->found = true;
	z->servers_n = best->n;
	z->servers = mem_array(best->n, sizeof(*z->servers));
	for (size_t i = 0; i < best->n; i++)
		z->servers[i].addr = best->v[i];
	return z;
}

static void note_mname(struct zone *z, const struct dns_rr *rr)
{
	struct dns_soa soa;

	if (z->mname || !dns_rr_soa(&soa, rr))
		return;
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
		note_mname(zone_of_apex(f, rr->owner), rr);
		return zone_of_apex(f, rr->owner);
	}
	/* behind an alias the authority section is about its target */
	for (size_t i = 0; i < r->msg.authority.n && !alias; i++) {
		const struct dns_rr *rr = &r->msg.authority.v[i];

		if (rr->type != DNS_SOA || !name_below(r->name, rr->owner))
			continue;
		note_mname(zone_of_apex(f, rr->owner), rr);
		return zone_of_apex(f, rr->owner);
	}
	return NULL;
}

void finder_zones(struct finder *f, struct zone **out, char **why, const char *const *names, size_t n)
{
	char **at = mem_array(n, sizeof(*at));
	struct resolved *r = mem_array(n, sizeof(*r));
	size_t *of = mem_array(n, sizeof(*of)), left;

	for (size_t i = 0; i < n; i++) {
		out[i] = configured_zone(f, names[i]);
		why[i] = NULL;
		at[i] = out[i] ? NULL : mem_copy_str(names[i]);
	}
	do {
		left = 0;
		for (size_t i = 0; i < n; i++) {
			if (!at[i])
				continue;
			of[left] = i;
			r[left++] = (struct resolved){ .name = at[i], .type = DNS_SOA };
		}
		finder_resolve(f, r, left);
		for (size_t k = 0; k < left; k++) {
			size_t i = of[k];
			char *up;

			out[i] = r[k].ok ? zone_in(f, &r[k]) : NULL;
			if (!r[k].ok)
				why[i] = mem_format("its zone cannot be found: %s ([dns] resolver, servers)",
						    r[k].why);
			up = r[k].ok && !out[i] ? dns_name_parent(at[i]) : NULL;
			if (r[k].ok && !out[i] && !up)
				why[i] = mem_copy_str("its zone cannot be found: nobody tells of a SOA record "
						      "above it ([dns] resolver, servers)");
			free(at[i]);
			at[i] = up;
		}
		resolved_free(r, left);
	} while (left);
	free(at);
	free(r);
	free(of);
}

/* Servers --------------------------------------------------------------------------------------- */

/* What is known while the servers of a zone are looked for. */
struct search {
	struct zone *z;
	struct strv  names;             /* NS names, of the child and of its parent */
};

static void add_name(struct search *s, const struct dns_rr *rr)
{
	char *name;

	if (rr->type != DNS_NS || strcmp(rr->owner, s->z->apex) != 0 || !dns_rr_target(&name, rr))
		return;
	if (rr->ttl > s->z->ns_ttl_for)
		s->z->ns_ttl_for = rr->ttl;
	if (strv_has(&s->names, name) || s->names.n == NS_MAX)
		free(name);
	else
		strv_take(&s->names, name);
}

static void add_address(struct finder *f, struct zone *z, const char *name, const struct dns_rr *rr)
{
	struct zone_server *s;
	struct addr a;

	if ((rr->type != DNS_A && rr->type != DNS_AAAA) ||
	    !addr_from_bytes(&a, rr->rdata, rr->rdata_len, f->c->port))
		return;
	for (size_t i = 0; i < z->servers_n; i++) {
		s = &z->servers[i];
		if (!addr_same(&s->addr, &a))
			continue;
		if (!strv_has(&s->names, name))
			strv_add(&s->names, name);
		return;
	}
	z->servers = mem_resize(z->servers, z->servers_n + 1, sizeof(*z->servers));
	s = &z->servers[z->servers_n++];
	*s = (struct zone_server){ .addr = a };
	strv_add(&s->names, name);
}

/* NS records of the child itself, by the resolvers. */
static void ask_children(struct finder *f, struct search *s, size_t n)
{
	struct resolved *r = mem_array(n, sizeof(*r));

	for (size_t i = 0; i < n; i++)
		r[i] = (struct resolved){ .name = s[i].z->apex, .type = DNS_NS };
	finder_resolve(f, r, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < r[i].msg.answer.n; k++)
			add_name(&s[i], &r[i].msg.answer.v[k]);
		if (!r[i].ok)
			s[i].z->problem = mem_copy_str(r[i].why);
	}
	resolved_free(r, n);
	free(r);
}

/* Addresses of some of the servers of the parents, which may hold only NS names that the child has. */
static void find_parents(struct finder *f, struct zone **parents, const struct search *s, size_t n)
{
	char **names = mem_array(n, sizeof(*names)), **why = mem_array(n, sizeof(*why));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;
	struct zone **found = mem_array(n, sizeof(*found));

	for (size_t i = 0; i < n; i++) {
		parents[i] = NULL;
		names[left] = dns_name_parent(s[i].z->apex);
		if (names[left])
			of[left++] = i;
	}
	finder_zones(f, found, why, (const char *const *)names, left);
	for (size_t k = 0; k < left; k++) {
		parents[of[k]] = found[k];
		free(names[k]);
		free(why[k]);
	}
	free(found);
	free(names);
	free(why);
	free(of);
}

static void resolve_servers(struct finder *f, struct search *s, size_t n);

/* The servers of zones that are needed only to ask them about their children: by NS names alone. */
static void servers_of_parents(struct finder *f, struct zone *const *parents, size_t n)
{
	struct search *s = mem_array(n, sizeof(*s));
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		bool twice = !parents[i] || parents[i]->servers_n;

		for (size_t k = 0; k < left && !twice; k++)
			twice = s[k].z == parents[i];
		if (!twice)
			s[left++].z = parents[i];
	}
	ask_children(f, s, left);
	resolve_servers(f, s, left);
	for (size_t i = 0; i < left; i++) {
		free(s[i].z->problem);
		s[i].z->problem = NULL;
		strv_free(&s[i].names);
	}
	free(s);
}

/* What one server of the parent says about the child. */
static void take_referral(struct finder *f, struct search *s, const struct question *q)
{
	struct dns_msg m;
	struct err e;

	if (q->outcome != ASK_ANSWERED || dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		return;
	for (size_t i = 0; i < m.authority.n; i++)
		add_name(s, &m.authority.v[i]);
	for (size_t i = 0; i < m.answer.n; i++)
		add_name(s, &m.answer.v[i]);
	for (size_t i = 0; i < m.additional.n; i++)
		if (strv_has(&s->names, m.additional.v[i].owner))
			add_address(f, s->z, m.additional.v[i].owner, &m.additional.v[i]);
	dns_msg_free(&m);
}

static void ask_parents(struct finder *f, struct search *s, size_t n)
{
	struct zone **parents = mem_array(n, sizeof(*parents));
	struct question *q = mem_array(n * PARENTS_ASKED, sizeof(*q));
	size_t *of = mem_array(n * PARENTS_ASKED, sizeof(*of)), left = 0;

	find_parents(f, parents, s, n);
	servers_of_parents(f, parents, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; parents[i] && k < parents[i]->servers_n && k < PARENTS_ASKED; k++) {
			of[left] = i;
			q[left++] = (struct question){ .to = parents[i]->servers[k].addr,
						       .name = s[i].z->apex, .type = DNS_NS };
		}
	}
	ask_all(q, left, &f->c->limits);
	for (size_t k = 0; k < left; k++)
		take_referral(f, &s[of[k]], &q[k]);
	questions_free(q, left);
	free(parents);
	free(q);
	free(of);
}

/* A and AAAA of every NS name, each name once. */
static void resolve_servers(struct finder *f, struct search *s, size_t n)
{
	struct strv names = { 0 };
	struct resolved *r;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < s[i].names.n; k++)
			if (!strv_has(&names, s[i].names.v[k]))
				strv_add(&names, s[i].names.v[k]);
	r = mem_array(2 * names.n, sizeof(*r));
	for (size_t i = 0; i < 2 * names.n; i++)
		r[i] = (struct resolved){ .name = names.v[i / 2], .type = i % 2 ? DNS_AAAA : DNS_A };
	finder_resolve(f, r, 2 * names.n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 2 * names.n; k++)
			for (size_t j = 0; j < r[k].msg.answer.n && strv_has(&s[i].names, r[k].name); j++)
				add_address(f, s[i].z, r[k].name, &r[k].msg.answer.v[j]);
	resolved_free(r, 2 * names.n);
	free(r);
	strv_free(&names);
}

static int by_address(const void *a, const void *b)
{
	const struct zone_server *x = a, *y = b;

	return addr_compare(&x->addr, &y->addr);
}

void finder_servers(struct finder *f, struct zone *const *zones, size_t zones_n)
{
	struct search *s = mem_array(zones_n, sizeof(*s));
	size_t n = 0;

	for (size_t i = 0; i < zones_n; i++) {
		if (!zones[i] || zones[i]->found)
			continue;
		zones[i]->found = true;
		s[n++].z = zones[i];
	}
	ask_children(f, s, n);
	ask_parents(f, s, n);
	resolve_servers(f, s, n);
	for (size_t i = 0; i < n; i++) {
		struct zone *z = s[i].z;

		if (z->servers_n) {
			free(z->problem);
			z->problem = NULL;
			qsort(z->servers, z->servers_n, sizeof(*z->servers), by_address);
		} else if (!z->problem) {
			z->problem = mem_format("no address of a name server of %s is known ([dns] resolver, "
						"servers)", z->apex);
		}
		strv_free(&s[i].names);
	}
	free(s);
}

/* Security -------------------------------------------------------------------------------------- */

/* The AD bit of a resolver on this host (RFC 6840 section 5.7: asked for by DO). */
static void by_resolver(struct finder *f, struct zone **z, size_t n)
{
	const struct look_config *c = f->c;
	struct question *q = mem_array(n, sizeof(*q));

	for (size_t i = 0; i < n; i++) {
		z[i]->security = SECURITY_UNKNOWN;
		if (!c->resolvers_n || !addr_is_loopback(&c->resolvers[0]))
			z[i]->why = mem_copy_str("validate = resolver needs a resolver on this host, at a loopback "
						 "address ([dns] resolver)");
		else
			q[i] = (struct question){ .to = c->resolvers[0], .name = z[i]->apex, .type = DNS_DNSKEY,
						  .flags = { .rd = true } };
	}
	if (n && !z[0]->why)
		ask_all(q, n, &c->limits);
	for (size_t i = 0; i < n && !z[i]->why; i++) {
		struct dns_msg m = { 0 };
		struct err e;

		if (q[i].outcome != ASK_ANSWERED) {
			z[i]->why = mem_format("the resolver: %s", ask_outcome_text(q[i].outcome));
		} else if (dns_msg_parse(&m, q[i].reply, q[i].reply_len, &e) < 0) {
			z[i]->why = mem_format("the resolver: %s", e.text);
		} else if (m.rcode == DNS_SERVFAIL) {
			z[i]->security = SECURITY_BOGUS;
			z[i]->why = mem_copy_str("the resolver says SERVFAIL: the zone is bogus, or its servers do not "
						 "answer");
		} else if (!m.ad) {
			z[i]->security = SECURITY_INSECURE;
		} else {
			z[i]->security = SECURITY_SECURE;
			for (size_t k = 0; k < m.answer.n; k++)
				if (m.answer.v[k].type == DNS_DNSKEY)
					dns_rrs_add(&z[i]->keys, &m.answer.v[k]);
		}
		dns_msg_free(&m);
	}
	questions_free(q, n);
	free(q);
}

static void by_chain(struct finder *f, struct zone **z, size_t n)
{
	struct lookup *l = mem_array(n, sizeof(*l));

	for (size_t i = 0; i < n; i++)
		l[i] = (struct lookup){ .name = z[i]->apex, .type = DNS_DNSKEY };
	if (f->v)
		validator_lookup_all(f->v, l, n, VALIDATE_MS);
	for (size_t i = 0; i < n; i++) {
		z[i]->security = f->v ? l[i].security : SECURITY_UNKNOWN;
		z[i]->why = f->v ? l[i].why : mem_copy_str(f->v_why);
		l[i].why = NULL;
		z[i]->keys = l[i].rrs;
		l[i].rrs = (struct dns_rrs){ 0 };
	}
	lookups_free(l, n);
	free(l);
}

void finder_security(struct finder *f, struct zone *const *zones, size_t zones_n)
{
	struct zone **z = mem_array(zones_n, sizeof(*z));
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
