/* look.c - the TLSA set of every owner, from every address of every server, hop by hop.
 *
 * All questions of one hop of all owners are on their way at the same time.  Of a reply only records
 * of the name that was asked for count, and DNAMEs above it in its zone: servers add what they have of other
 * zones, as if with authority.
 * Touches: the network, /etc/resolv.conf.
 */
#include "dns/look.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/names.h"
#include "dns/verify.h"
#include "dns/zone.h"
#include "sys/clock.h"

#define HOPS_MAX 8
#define RECORDS_MAX 200
#define ELSEWHERE_FOR ((int64_t)86400)  /* TTL of a set that an alias may lead to, where we do not look */

/* One question, and where its answer goes. */
struct probe {
	struct look_owner *o;           /* NULL: the serial of the zone */
	size_t             i;           /* index of the server in o, or in the zone */
	struct zone       *z;
};

struct probes {
	struct probe    *v;
	struct question *q;             /* parallel */
	size_t           n;
};

/* Where an owner has got to. */
struct walk {
	char        *name;              /* to be asked now; NULL: done */
	size_t       first;             /* its first server of this hop */
	struct strv  been;              /* names, against loops */
	struct zone *z;
};

/* One answer ------------------------------------------------------------------------------------ */

static const struct dns_rr *find_rr(const struct dns_rrs *l, const char *owner, uint16_t type)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].type == type && l->v[i].class_ == DNS_CLASS_IN &&
		    (!owner || strcmp(l->v[i].owner, owner) == 0))
			return &l->v[i];
	return NULL;
}

static void longer(int64_t *d_for, int64_t other_for)
{
	if (other_for > *d_for)
		*d_for = other_for;
}

/* The larger of TTL and Original TTL: validators use the smaller, others do not look (RFC 4035 5.3.3). */
static int64_t ttl_of(const struct dns_rrs *l, const char *owner, uint16_t type)
{
	int64_t ttl_for = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct dns_rrsig s = { 0 };

		if (strcmp(l->v[i].owner, owner) != 0)
			continue;
		if (l->v[i].type == type)
			longer(&ttl_for, l->v[i].ttl);
		else if (l->v[i].type == DNS_RRSIG && dns_rr_rrsig(&s, &l->v[i]) && s.covered == type &&
			 s.original_ttl < (uint32_t)1 << 31)
			longer(&ttl_for, s.original_ttl);
		free(s.signer);
	}
	return ttl_for;
}

static void check_signature(struct look_server *s, const struct dns_rrs *l, const char *owner,
			    uint16_t type, const struct zone *z)
{
	struct verified v;

	s->signed_ok = true;
	if (z->security != SECURITY_SECURE || !z->keys.n)
		return;
	verify_rrset(&v, l, owner, type, z->apex, &z->keys, clock_now());
	s->signed_ok = v.ok;
	s->signed_until_at = v.until_at;
	s->wildcard |= v.wildcard && type == DNS_TLSA;
	if (!v.ok)
		s->why = mem_format("the signature of %s %s: %s", owner, dns_type_name(type), v.why);
}

static void fail(struct look_server *s, const char *why)
{
	s->answer = ANSWER_FAIL;
	free(s->why);
	s->why = mem_copy_str(why);
}

/* RFC 6672 section 2.2: what is below the DNAME moves under its target. */
static char *substitute(const char *name, const struct dns_rr *dname)
{
	char *target, *whole, *canon;
	size_t keep = strlen(name) - strlen(dname->owner);

	if (!dns_rr_target(&target, dname))
		return NULL;
	whole = mem_format("%.*s%s", (int)keep, name, strcmp(target, ".") == 0 ? "" : target);
	canon = dns_name_canon(whole);
	free(target);
	free(whole);
	return canon;
}

/* True if the answer is an alias. */
static bool take_alias(struct look_server *s, const struct dns_msg *m, const char *name,
		       const struct zone *z)
{
	const struct dns_rr *cname = find_rr(&m->answer, name, DNS_CNAME), *dname = NULL;

	for (size_t i = 0; i < m->answer.n; i++) {
		const struct dns_rr *rr = &m->answer.v[i];

		if (rr->type == DNS_DNAME && strcmp(rr->owner, name) != 0 && name_below(name, rr->owner) &&
		    name_below(rr->owner, z->apex))
			dname = rr;
	}
	if (dname)
		s->target = substitute(name, dname);
	else if (!cname || !dns_rr_target(&s->target, cname))
		return false;
	if (!s->target) {
		fail(s, "an alias to a name that is too long");
		return true;
	}
	s->answer = ANSWER_ALIAS;
	s->ttl_for = ttl_of(&m->answer, dname ? dname->owner : name, dname ? DNS_DNAME : DNS_CNAME);
	check_signature(s, &m->answer, dname ? dname->owner : name, dname ? DNS_DNAME : DNS_CNAME, z);
	return true;
}

static bool take_set(struct look_server *s, const struct dns_msg *m, const char *name,
		     const struct zone *z)
{
	for (size_t i = 0; i < m->answer.n && s->data.n < RECORDS_MAX; i++) {
		const struct dns_rr *rr = &m->answer.v[i];
		char *data;

		if (rr->type != DNS_TLSA || rr->class_ != DNS_CLASS_IN || strcmp(rr->owner, name) != 0)
			continue;
		strv_take(&s->data, dns_rr_tlsa(&data, rr) ? data : mem_copy_str("malformed"));
	}
	if (!s->data.n)
		return false;
	s->answer = ANSWER_DATA;
	s->ttl_for = ttl_of(&m->answer, name, DNS_TLSA);
	check_signature(s, &m->answer, name, DNS_TLSA, z);
	return true;
}

/* RFC 2308 section 5; RFC 8198 section 5.4: a denial may be made from an NSEC for as long as that lasts. */
static void take_denial(struct look_server *s, const struct dns_msg *m, const struct zone *z)
{
	const struct dns_rr *rr = find_rr(&m->authority, z->apex, DNS_SOA);
	struct dns_soa soa;

	if (!rr) {
		fail(s, "neither an answer nor the zone's SOA record");
		return;
	}
	s->answer = ANSWER_EMPTY;
	if (dns_rr_soa(&soa, rr)) {
		s->negative_for = rr->ttl < soa.minimum ? rr->ttl : soa.minimum;
		s->serial = soa.serial;
		free(soa.mname);
	}
	for (size_t i = 0; i < m->authority.n; i++)
		if (m->authority.v[i].type == DNS_NSEC || m->authority.v[i].type == DNS_NSEC3)
			longer(&s->negative_for, m->authority.v[i].ttl);
	check_signature(s, &m->authority, z->apex, DNS_SOA, z);
}

static void take(struct look_server *s, const struct question *q, const struct zone *z)
{
	struct dns_msg m = { 0 };
	struct err e;

	s->at = q->at ? q->at : clock_now();
	s->no_route = q->outcome == ASK_NO_ROUTE;
	if (q->outcome != ASK_ANSWERED) {
		fail(s, ask_outcome_text(q->outcome));
	} else if (dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0) {
		fail(s, e.text);
	} else if (m.rcode != DNS_NOERROR && m.rcode != DNS_NXDOMAIN) {
		fail(s, dns_rcode_name(m.rcode));
	} else if (!m.aa) {
		fail(s, "it does not answer with authority for the zone (lame, or delegated further)");
	} else {
		s->nsid = m.nsid;
		m.nsid = NULL;
		if (!take_alias(s, &m, s->name, z) && !take_set(s, &m, s->name, z))
			take_denial(s, &m, z);
	}
	dns_msg_free(&m);
}

static void take_serial(struct zone_server *s, const struct question *q, const char *apex)
{
	const struct dns_rr *rr;
	struct dns_msg m;
	struct dns_soa soa;
	struct err e;

	if (q->outcome != ASK_ANSWERED || dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		return;
	rr = find_rr(&m.answer, apex, DNS_SOA);
	if (rr && dns_rr_soa(&soa, rr)) {
		s->serial = soa.serial;
		free(soa.mname);
	}
	dns_msg_free(&m);
}

/* One hop --------------------------------------------------------------------------------------- */

static void add_probe(struct probes *p, struct probe probe, struct question q)
{
	if ((p->n & (p->n - 1)) == 0) {
		p->v = mem_resize(p->v, p->n ? p->n * 2 : 1, sizeof(*p->v));
		p->q = mem_resize(p->q, p->n ? p->n * 2 : 1, sizeof(*p->q));
	}
	p->v[p->n] = probe;
	p->q[p->n++] = q;
}

static void add_zone(struct look_owner *o, const struct zone *z)
{
	for (size_t i = 0; i < o->zones_n; i++)
		if (strcmp(o->zones[i].apex, z->apex) == 0)
			return;
	o->zones = mem_resize(o->zones, o->zones_n + 1, sizeof(*o->zones));
	o->zones[o->zones_n++] = (struct look_zone){
		.apex = mem_copy_str(z->apex), .security = z->security, .why = mem_copy_str(z->why),
		.ns_ttl_for = z->ns_ttl_for, .mname = mem_copy_str(z->mname),
	};
}

static void ask_owner(struct probes *p, struct look_owner *o, struct walk *w)
{
	w->first = o->servers_n;
	o->servers = mem_resize(o->servers, o->servers_n + w->z->servers_n, sizeof(*o->servers));
	for (size_t i = 0; i < w->z->servers_n; i++) {
		struct look_server *s = &o->servers[o->servers_n++];

		*s = (struct look_server){ .addr = w->z->servers[i].addr, .zone = mem_copy_str(w->z->apex),
					   .name = mem_copy_str(w->name) };
		strv_copy(&s->names, &w->z->servers[i].names);
		add_probe(p, (struct probe){ o, o->servers_n - 1, w->z },
			  (struct question){ .to = s->addr, .name = s->name, .type = DNS_TLSA,
					     .flags = { .nsid = true } });
	}
}

static void ask_serials(struct probes *p, struct finder *f)
{
	for (size_t i = 0; i < f->zones_n; i++) {
		struct zone *z = f->zones[i];

		/* a zone that was found only as a parent is not asked */
		if (!z->judged || z->serials)
			continue;
		z->serials = true;
		for (size_t k = 0; k < z->servers_n; k++)
			add_probe(p, (struct probe){ NULL, k, z },
				  (struct question){ .to = z->servers[k].addr, .name = z->apex,
						     .type = DNS_SOA });
	}
}

/* Finds the zones and servers of all names that are to be asked now. */
static void find_all(struct finder *f, struct look_owner *out, struct walk *w, size_t n)
{
	const char **names = mem_array(n, sizeof(*names));
	struct zone **z = mem_array(n, sizeof(*z));
	char **why = mem_array(n, sizeof(*why));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;

	for (size_t i = 0; i < n; i++) {
		if (!w[i].name)
			continue;
		of[left] = i;
		names[left++] = w[i].name;
	}
	finder_zones(f, z, why, names, left);
	finder_servers(f, z, left);
	finder_security(f, z, left);
	for (size_t k = 0; k < left; k++) {
		size_t i = of[k];

		w[i].z = z[k];
		if (z[k])
			add_zone(&out[i], z[k]);
		if (!z[k])
			out[i].problem = why[k];
		else if (z[k]->problem)
			out[i].problem = mem_copy_str(z[k]->problem);
		if (!out[i].problem)
			continue;
		free(w[i].name);
		w[i].name = NULL;
	}
	free(names);
	free(z);
	free(why);
	free(of);
}

/* Servers that lead to another target than that one (NULL: to any): what is there is not looked at, and
 * counts as a set of which nothing is known. */
static void dissent(struct look_owner *o, size_t first, const char *target)
{
	for (size_t i = first; i < o->servers_n; i++) {
		struct look_server *s = &o->servers[i];

		if (s->answer != ANSWER_ALIAS || (target && strcmp(s->target, target) == 0))
			continue;
		s->answer = ANSWER_DATA;
		strv_take(&s->data, mem_format("alias to %s", s->target));
		s->ttl_for += ELSEWHERE_FOR;
	}
}

/* Where the owner's walk goes next: nowhere, or to the target of an alias. */
static void step_on(struct look_owner *o, struct walk *w)
{
	const char *target = NULL;
	size_t aliases = 0, others = 0;

	for (size_t i = w->first; i < o->servers_n; i++) {
		const struct look_server *s = &o->servers[i];

		if (s->answer == ANSWER_ALIAS && !target)
			target = s->target;
		aliases += s->answer == ANSWER_ALIAS;
		others += s->answer == ANSWER_DATA || s->answer == ANSWER_EMPTY;
	}
	/* a few that say so do not lead all others astray */
	if (aliases < others)
		target = NULL;
	free(o->end);
	o->end = w->name;
	w->name = NULL;
	dissent(o, w->first, target);
	if (!target)
		return;
	strv_add(&w->been, o->end);
	if (strv_has(&w->been, target) || w->been.n == HOPS_MAX)
		o->problem = mem_format("its aliases %s (%s)", strv_has(&w->been, target)
					? "go round in a circle" : "are too many", target);
	else
		w->name = mem_copy_str(target);
}

static bool hop(struct finder *f, struct look_owner *out, struct walk *w, size_t n)
{
	struct probes p = { 0 };
	bool more = false;

	find_all(f, out, w, n);
	for (size_t i = 0; i < n; i++)
		if (w[i].name)
			ask_owner(&p, &out[i], &w[i]);
	ask_serials(&p, f);
	ask_all(p.q, p.n, &f->c->limits);
	for (size_t k = 0; k < p.n; k++) {
		if (p.v[k].o)
			take(&p.v[k].o->servers[p.v[k].i], &p.q[k], p.v[k].z);
		else
			take_serial(&p.v[k].z->servers[p.v[k].i], &p.q[k], p.v[k].z->apex);
	}
	for (size_t i = 0; i < n; i++) {
		if (!w[i].name)
			continue;
		for (size_t k = 0; k < w[i].z->servers_n; k++)
			if (!out[i].servers[w[i].first + k].serial)
				out[i].servers[w[i].first + k].serial = w[i].z->servers[k].serial;
		step_on(&out[i], &w[i]);
		more |= w[i].name != NULL;
	}
	questions_free(p.q, p.n);
	free(p.q);
	free(p.v);
	return more;
}

void look_all(struct look_owner *out, const char *const *owners, size_t n, const struct look_config *c)
{
	struct walk *w = mem_array(n, sizeof(*w));
	struct finder f;

	finder_init(&f, c);
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct look_owner){ .owner = mem_copy_str(owners[i]) };
		w[i].name = mem_copy_str(owners[i]);
	}
	while (hop(&f, out, w, n))
		;
	for (size_t i = 0; i < n; i++) {
		free(w[i].name);
		strv_free(&w[i].been);
	}
	free(w);
	finder_free(&f);
}

void look_free(struct look_owner *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < o[i].servers_n; k++) {
			struct look_server *s = &o[i].servers[k];

			free(s->zone);
			free(s->name);
			free(s->why);
			free(s->target);
			free(s->nsid);
			strv_free(&s->names);
			strv_free(&s->data);
		}
		for (size_t k = 0; k < o[i].zones_n; k++) {
			free(o[i].zones[k].apex);
			free(o[i].zones[k].why);
			free(o[i].zones[k].mname);
		}
		free(o[i].servers);
		free(o[i].zones);
		free(o[i].owner);
		free(o[i].problem);
		free(o[i].end);
		o[i] = (struct look_owner){ 0 };
	}
}

/* The system's resolvers -------------------------------------------------------------------------- */

size_t look_system_resolvers(struct addr *out, size_t max, const char *path)
{
	FILE *f = fopen(path ? path : "/etc/resolv.conf", "re");
	char row[512];
	size_t n = 0;

	while (f && n < max && fgets(row, sizeof(row), f)) {
		static const char word[] = "nameserver";
		char *value;

		if (!text_starts(row, word) || !strchr(" \t", row[strlen(word)]))
			continue;
		value = row + strlen(word);
		value += strspn(value, " \t");
		value[strcspn(value, " \t\r\n%#;")] = '\0';
		n += addr_parse(&out[n], value, 53);
	}
	if (f)
		fclose(f);
	return n;
}

/* The primary ------------------------------------------------------------------------------------- */

static void primary_addresses(struct look_primary *out, struct finder *f)
{
	struct resolved r[2] = {
		{ .name = out->mname, .type = DNS_A }, { .name = out->mname, .type = DNS_AAAA },
	};

	finder_resolve(f, r, 2);
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < r[i].msg.answer.n; k++) {
			const struct dns_rr *rr = &r[i].msg.answer.v[k];
			struct addr a;

			if (rr->type != r[i].type ||
			    !addr_from_bytes(&a, rr->rdata, rr->rdata_len, f->c->port))
				continue;
			out->addrs = mem_resize(out->addrs, out->addrs_n + 1, sizeof(*out->addrs));
			out->addrs[out->addrs_n++] = a;
		}
	}
	resolved_free(r, 2);
}

static void primary_name(struct look_primary *out, struct finder *f)
{
	struct resolved r = { .name = out->apex, .type = DNS_SOA };
	const struct dns_rr *rr;
	struct dns_soa soa;

	finder_resolve(f, &r, 1);
	rr = find_rr(&r.msg.answer, out->apex, DNS_SOA);
	if (rr && dns_rr_soa(&soa, rr))
		out->mname = soa.mname;
	resolved_free(&r, 1);
}

int look_primary(struct look_primary *out, const char *name, const struct look_config *c, struct err *e)
{
	struct finder f;
	struct zone *z;
	char *why;
	int rc = 0;

	*out = (struct look_primary){ 0 };
	finder_init(&f, c);
	finder_zones(&f, &z, &why, &name, 1);
	if (!z) {
		rc = err_set(e, ERR_LATER, "%s", why);
		free(why);
		goto out;
	}
	out->apex = mem_copy_str(z->apex);
	out->mname = mem_copy_str(z->mname);
	if (!out->mname)
		primary_name(out, &f);
	if (out->mname)
		primary_addresses(out, &f);
	/* a zone that DNS does not tell of: its servers are known, and one of them may take updates */
	for (size_t i = 0; i < z->servers_n && z->configured && !out->addrs_n; i++) {
		out->addrs = mem_array(z->servers_n, sizeof(*out->addrs));
		for (; i < z->servers_n; i++)
			out->addrs[out->addrs_n++] = z->servers[i].addr;
	}
out:
	finder_free(&f);
	return rc;
}

void look_primary_free(struct look_primary *p)
{
	free(p->apex);
	free(p->mname);
	free(p->addrs);
	*p = (struct look_primary){ 0 };
}
