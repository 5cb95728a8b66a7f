/* servers.c - from the apex to the addresses of its servers.
 *
 * Nobody may be left out: whoever has old records and is not asked makes a promotion too early.  So
 * a name server whose address cannot be found out now makes the list incomplete; one that has none,
 * as DNS says, is out of everybody's reach.
 * Touches: the network.
 */
#include "dns/servers.h"

#include "base/mem.h"
#include "dns/reply.h"

#define PARENTS_ASKED 3                 /* servers of a parent that are asked about the child */
#define NAMES_MAX     32                /* of name servers; real zones have at most 13 */
#define ADDRESSES_MAX 64

/* What is known while the servers of a zone are looked for. */
struct search {
	struct zone *z;
	struct strv  names;             /* NS names, of the child and of its parent */
	size_t       names_asked;       /* the first ones were asked about */
};

static void incomplete(struct zone *z, const char *why)
{
	if (!z->incomplete)
		z->incomplete = mem_format("not all name servers of %s are known: %s ([dns] "
					   "resolver, servers)", z->apex, why);
}

static void add_name(struct search *s, const struct dns_rr *rr)
{
	char *name;

	if (rr->type != DNS_NS || strcmp(rr->owner, s->z->apex) != 0 || !dns_rr_target(&name, rr))
		return;
	if (strv_has(&s->names, name)) {
		free(name);
	} else if (s->names.n == NAMES_MAX) {
		incomplete(s->z, "it has too many");
		free(name);
	} else {
		strv_take(&s->names, name);
	}
}

static void add_names(struct search *s, const struct dns_rrs *section)
{
	int64_t ttl_for = reply_ttl(section, s->z->apex, DNS_NS);

	if (ttl_for > s->z->ns_ttl_for)
		s->z->ns_ttl_for = ttl_for;
	for (size_t i = 0; i < section->n; i++)
		add_name(s, &section->v[i]);
}

/* l[k] may be an address of a server, by this NS name. */
static void add_address(struct finder *f, struct zone *z, const char *name, const struct dns_rrs *l, size_t k)
{
	const struct dns_rr *rr = &l->v[k];
	int64_t ttl_for = reply_ttl(l, rr->owner, rr->type);
	struct addr a;
	size_t i = 0;

	if ((rr->type != DNS_A && rr->type != DNS_AAAA) ||
	    !addr_from_bytes(&a, rr->rdata, rr->rdata_len, f->c->port))
		return;
	while (i < z->servers_n && !addr_same(&z->servers[i].addr, &a))
		i++;
	if (i == ADDRESSES_MAX) {
		incomplete(z, "they have too many addresses");
		return;
	}
	if (i == z->servers_n) {
		z->servers = mem_resize(z->servers, z->servers_n + 1, sizeof(*z->servers));
		z->servers[z->servers_n++] = (struct zone_server){ .addr = a };
	}
	if (!strv_has(&z->servers[i].names, name))
		strv_add(&z->servers[i].names, name);
	if (ttl_for > z->servers[i].ttl_for)
		z->servers[i].ttl_for = ttl_for;
}

static bool has_address(const struct zone *z, const char *name)
{
	for (size_t i = 0; i < z->servers_n; i++)
		if (strv_has(&z->servers[i].names, name))
			return true;
	return false;
}

/* Frees what is in r, too. */
static void take_children(struct search *s, struct resolved *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = r[i].name;

		add_names(&s[i], &r[i].msg.answer);
		if (!r[i].ok)
			incomplete(s[i].z, r[i].why);
		resolved_free(&r[i], 1);
		r[i] = (struct resolved){ .name = name, .type = DNS_NS };
	}
}

/* NS records of the child itself, by the resolvers. */
static void ask_children(struct finder *f, struct search *s, size_t n)
{
	struct resolved *r = mem_array(n, sizeof(*r));

	for (size_t i = 0; i < n; i++)
		r[i] = (struct resolved){ .name = s[i].z->apex, .type = DNS_NS };
	finder_resolve(f, r, n);
	take_children(s, r, n);
	/* who forges the resolver's answer may add servers that way, but hide none */
	if (finder_validate(f, r, n))
		take_children(s, r, n);
	free(r);
}

/* What was answered about the addresses of the names of one zone that are new. */
static void take_addresses(struct finder *f, struct search *s, const struct resolved *r, size_t n)
{
	for (; s->names_asked < s->names.n; s->names_asked++) {
		const char *name = s->names.v[s->names_asked], *why = NULL;

		for (size_t i = 0; i < n; i++) {
			if (strcmp(r[i].name, name) != 0)
				continue;
			for (size_t k = 0; k < r[i].msg.answer.n; k++)
				add_address(f, s->z, name, &r[i].msg.answer, k);
			if (!r[i].ok)
				why = r[i].why;
		}
		/* one family that is known stands for the other */
		if (why && !has_address(s->z, name))
			incomplete(s->z, why);
	}
}

/* What the chain of trust says of one name: that names_asked has passed it does not matter. */
static void add_validated(struct finder *f, struct zone *z, const struct resolved *r)
{
	if (!r->ok)
		incomplete(z, r->why);
	if (r->unproved && !r->msg.answer.n && !has_address(z, r->name)) {
		char *why = mem_format("%s has no address, as an unsigned zone says, which proves nothing: "
				       "take it out of the delegation", r->name);

		incomplete(z, why);
		free(why);
	}
	for (size_t i = 0; i < r->msg.answer.n; i++)
		add_address(f, z, r->name, &r->msg.answer, i);
}

/* A and AAAA of every NS name that was not asked about yet. */
static void ask_addresses(struct finder *f, struct search *s, size_t n)
{
	struct strv names = { 0 };
	struct resolved *r;

	for (size_t i = 0; i < n; i++)
		for (size_t k = s[i].names_asked; k < s[i].names.n; k++)
			if (!strv_has(&names, s[i].names.v[k]))
				strv_add(&names, s[i].names.v[k]);
	r = mem_array(2 * names.n, sizeof(*r));
	for (size_t i = 0; i < 2 * names.n; i++)
		r[i] = (struct resolved){ .name = names.v[i / 2],
					  .type = i % 2 ? DNS_AAAA : DNS_A };
	finder_resolve(f, r, 2 * names.n);
	for (size_t i = 0; i < n; i++)
		take_addresses(f, &s[i], r, 2 * names.n);
	resolved_free(r, 2 * names.n);
	for (size_t i = 0; i < 2 * names.n; i++)
		r[i] = (struct resolved){ .name = names.v[i / 2],
					  .type = i % 2 ? DNS_AAAA : DNS_A };
	if (finder_validate(f, r, 2 * names.n)) {
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < 2 * names.n; k++)
				if (strv_has(&s[i].names, r[k].name))
					add_validated(f, s[i].z, &r[k]);
		resolved_free(r, 2 * names.n);
	}
	free(r);
	strv_free(&names);
}

/* Parents -------------------------------------------------------------------------------------- */

static void find_parents(struct finder *f, struct zone **parents, const struct search *s, size_t n)
{
	char **names = mem_array(n, sizeof(*names)), **why = mem_array(n, sizeof(*why));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;
	struct zone **found = mem_array(n, sizeof(struct zone *));

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

/* Zones that are needed only for questions about their children: a few servers are enough, and the
 * search for all of them, should it come, adds the others. */
static void few_servers(struct finder *f, struct zone *const *zones, size_t n)
{
	struct search *s = mem_array(n, sizeof(*s));
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		bool known = !zones[i] || zones[i]->found || zones[i]->servers_n;

		for (size_t k = 0; k < left && !known; k++)
			known = s[k].z == zones[i];
		if (!known)
			s[left++].z = zones[i];
	}
	ask_children(f, s, left);
	for (size_t k = 0; k < left; k++)
		while (s[k].names.n > PARENTS_ASKED)
			free(s[k].names.v[--s[k].names.n]);
	ask_addresses(f, s, left);
	for (size_t k = 0; k < left; k++) {
		free(s[k].z->incomplete);
		s[k].z->incomplete = NULL;
		strv_free(&s[k].names);
	}
	free(s);
}

/* What one server of the parent says about the child, of which it may be a server too. */
static void take_referral(struct finder *f, struct search *s, const struct question *q)
{
	struct dns_msg m;
	struct err e;

	if (q->outcome != ASK_ANSWERED || dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		return;
	add_names(s, &m.authority);
	add_names(s, &m.answer);
	for (size_t i = 0; i < m.additional.n; i++)
		if (strv_has(&s->names, m.additional.v[i].owner))
			add_address(f, s->z, m.additional.v[i].owner, &m.additional, i);
	dns_msg_free(&m);
}

static void ask_parents(struct finder *f, struct search *s, size_t n)
{
	struct zone **parents = mem_array(n, sizeof(struct zone *));
	struct question *q = mem_array(n * PARENTS_ASKED, sizeof(*q));
	size_t *of = mem_array(n * PARENTS_ASKED, sizeof(*of)), left = 0;

	find_parents(f, parents, s, n);
	few_servers(f, parents, n);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; parents[i] && k < parents[i]->servers_n && k < PARENTS_ASKED;
		     k++) {
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

/* All ------------------------------------------------------------------------------------------ */

static int by_address(const void *a, const void *b)
{
	const struct zone_server *x = a, *y = b;

	return addr_compare(&x->addr, &y->addr);
}

static void conclude(struct zone *z)
{
	if (z->servers_n) {
		qsort(z->servers, z->servers_n, sizeof(*z->servers), by_address);
	} else if (z->incomplete) {
		z->problem = z->incomplete;
		z->incomplete = NULL;
	} else {
		z->problem = mem_format("no address of a name server of %s is known ([dns] "
					"resolver, servers)", z->apex);
	}
}

void servers_find(struct finder *f, struct zone *const *zones, size_t zones_n)
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
	ask_addresses(f, s, n);
	ask_parents(f, s, n);
	ask_addresses(f, s, n);
	for (size_t i = 0; i < n; i++) {
		conclude(s[i].z);
		strv_free(&s[i].names);
	}
	free(s);
}
