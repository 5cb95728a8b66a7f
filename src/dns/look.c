/* look.c - the TLSA or TXT set of every owner, from every address of every server, hop by hop.
 *
 * All questions of one hop of all owners are on their way at the same time.
 * Touches: the network, /etc/resolv.conf.
 */
#include "dns/look.h"

#include "base/mem.h"
#include "base/text.h"
#include "dns/cuts.h"
#include "dns/servers.h"
#include "sys/clock.h"

#define ALIASES_MAX 16
#define ELSEWHERE_FOR ((int64_t)86400)  /* TTL of a set that an alias may lead to, not looked at */

/* Where an owner has got to. */
struct walk {
	char        *name;              /* to be asked now; NULL: done */
	struct zone *z;                 /* that it is in */
	size_t       first;             /* its first server of this hop */
	size_t       asked;             /* the question to that one */
	struct strv  been;              /* names, against loops */
};

/* The questions of one hop. */
struct questions {
	struct question *q;
	size_t           n;
	size_t          *serials;       /* of every zone of the finder: the first for a SOA, or NONE */
};
#define NONE SIZE_MAX

/* One hop -------------------------------------------------------------------------------------- */

/* One to every server of the zone; the index of the first. */
static size_t add_questions(struct questions *p, const struct zone *z, const char *name,
			    uint16_t type)
{
	size_t first = p->n;

	if (!z->servers_n)
		return first;
	p->q = mem_resize(p->q, p->n + z->servers_n, sizeof(*p->q));
	for (size_t i = 0; i < z->servers_n; i++)
		p->q[p->n++] = (struct question){ .to = z->servers[i].addr, .name = name,
						  .type = type, .flags = { .nsid = true } };
	return first;
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

static void add_servers(struct look_owner *o, struct walk *w)
{
	w->first = o->servers_n;
	o->servers = mem_resize(o->servers, o->servers_n + w->z->servers_n, sizeof(*o->servers));
	for (size_t i = 0; i < w->z->servers_n; i++) {
		struct look_server *s = &o->servers[o->servers_n++];

		*s = (struct look_server){ .addr = w->z->servers[i].addr,
					   .zone = mem_copy_str(w->z->apex),
					   .name = mem_copy_str(w->name) };
		strv_copy(&s->names, &w->z->servers[i].names);
		s->reach_for = w->z->servers[i].ttl_for > w->z->ns_ttl_for ? w->z->servers[i].ttl_for
									   : w->z->ns_ttl_for;
	}
}

/* The servers of a name are asked once about it, however many owners lead there. */
static void ask_owners(struct questions *p, struct look_owner *out, struct walk *w, size_t n,
		       uint16_t type)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		if (!w[i].name)
			continue;
		add_servers(&out[i], &w[i]);
		while (k < i && (!w[k].name || strcmp(w[k].name, w[i].name) != 0))
			k++;
		w[i].asked = k < i ? w[k].asked : add_questions(p, w[i].z, w[i].name, type);
	}
}

static void ask_serials(struct questions *p, struct finder *f)
{
	p->serials = mem_array(f->zones_n, sizeof(*p->serials));
	for (size_t i = 0; i < f->zones_n; i++) {
		struct zone *z = f->zones[i];

		p->serials[i] = NONE;
		/* a zone that was found only as a parent is not asked */
		if (!z->judged || z->serials)
			continue;
		z->serials = mem_array(z->servers_n, sizeof(*z->serials));
		p->serials[i] = add_questions(p, z, z->apex, DNS_SOA);
	}
}

static void take_serials(const struct questions *p, struct finder *f)
{
	for (size_t i = 0; i < f->zones_n; i++) {
		struct zone *z = f->zones[i];

		for (size_t k = 0; p->serials[i] != NONE && k < z->servers_n; k++)
			z->serials[k] = reply_serial(&p->q[p->serials[i] + k], z->apex);
	}
}

static void take_answers(const struct questions *p, struct look_owner *o, const struct walk *w)
{
	for (size_t i = 0; i < w->z->servers_n; i++) {
		struct look_server *s = &o->servers[w->first + i];

		reply_take(s, &p->q[w->asked + i], &w->z->keys, clock_now());
		if (!s->serial)
			s->serial = w->z->serials[i];
	}
}

/* The walk cannot go on. */
static void stop(struct look_owner *o, const char *why)
{
	free(o->problem);
	o->problem = mem_copy_str(why);
	o->lost = true;
}

/* Finds the zones and servers of all names that are to be asked now. */
static void find_all(struct finder *f, struct look_owner *out, struct walk *w, size_t n, uint16_t type)
{
	const char **names = mem_array(n, sizeof(*names));
	struct zone **z = mem_array(n, sizeof(struct zone *));
	char **why = mem_array(n, sizeof(*why));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;

	for (size_t i = 0; i < n; i++) {
		if (!w[i].name)
			continue;
		of[left] = i;
		names[left++] = w[i].name;
	}
	if (type == DNS_TXT)
		cuts_find(f, z, why, names, left);
	else
		finder_zones(f, z, why, names, left);
	servers_find(f, z, left);
	finder_security(f, z, left);
	for (size_t k = 0; k < left; k++) {
		size_t i = of[k];

		w[i].z = z[k];
		if (z[k])
			add_zone(&out[i], z[k]);
		if (!z[k] || z[k]->problem)
			stop(&out[i], z[k] ? z[k]->problem : why[k]);
		else if (z[k]->incomplete && !out[i].problem)
			out[i].problem = mem_copy_str(z[k]->incomplete);
		free(why[k]);
		if (z[k] && !z[k]->problem)
			continue;
		free(w[i].name);
		w[i].name = NULL;
	}
	free(names);
	free(z);
	free(why);
	free(of);
}

/* Servers that lead to another target than that one (NULL: to any): what is there is not looked at,
 * and counts as a set of which nothing is known. */
static void dissent(struct look_owner *o, size_t first, const char *target)
{
	for (size_t i = first; i < o->servers_n; i++) {
		struct look_server *s = &o->servers[i];

		if (!s->target || (target && strcmp(s->target, target) == 0))
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
	if (strv_has(&w->been, target))
		stop(o, "its aliases go round in a circle");
	else if (w->been.n > ALIASES_MAX)
		stop(o, "its aliases are too many");
	else
		w->name = mem_copy_str(target);
}

static bool hop(struct finder *f, struct look_owner *out, struct walk *w, size_t n, uint16_t type)
{
	struct questions p = { 0 };
	bool more = false;

	find_all(f, out, w, n, type);
	ask_owners(&p, out, w, n, type);
	ask_serials(&p, f);
	ask_all(p.q, p.n, &f->c->limits);
	take_serials(&p, f);
	for (size_t i = 0; i < n; i++)
		if (w[i].name)
			take_answers(&p, &out[i], &w[i]);
	for (size_t i = 0; i < n; i++) {
		if (w[i].name)
			step_on(&out[i], &w[i]);
		more |= w[i].name != NULL;
	}
	questions_free(p.q, p.n);
	free(p.q);
	free(p.serials);
	return more;
}

void look_walk(struct finder *f, struct look_owner *out, const char *const *owners, size_t n,
	       uint16_t type)
{
	struct walk *w = mem_array(n, sizeof(*w));

	for (size_t i = 0; i < n; i++) {
		out[i] = (struct look_owner){ .owner = mem_copy_str(owners[i]) };
		w[i].name = mem_copy_str(owners[i]);
	}
	while (hop(f, out, w, n, type))
		;
	for (size_t i = 0; i < n; i++) {
		free(w[i].name);
		strv_free(&w[i].been);
	}
	free(w);
}

void look_all(struct look_owner *out, const char *const *owners, size_t n,
	      const struct look_config *c)
{
	struct finder f;

	finder_init(&f, c);
	look_walk(&f, out, owners, n, DNS_TLSA);
	finder_free(&f);
}

enum security look_security(const struct look_owner *o, const struct look_zone **which)
{
	*which = o->zones_n ? &o->zones[0] : NULL;
	for (size_t i = 1; i < o->zones_n; i++)
		if (security_worse(o->zones[i].security, (*which)->security))
			*which = &o->zones[i];
	return *which ? (*which)->security : SECURITY_UNKNOWN;
}

void look_free(struct look_owner *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < o[i].servers_n; k++)
			reply_server_free(&o[i].servers[k]);
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

/* The system's resolvers ----------------------------------------------------------------------- */

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

/* Primaries ------------------------------------------------------------------------------------ */

static void add_address(struct look_primary *p, const struct dns_rr *rr, uint16_t port)
{
	struct addr a;

	if ((rr->type != DNS_A && rr->type != DNS_AAAA) ||
	    !addr_from_bytes(&a, rr->rdata, rr->rdata_len, port))
		return;
	p->addrs = mem_resize(p->addrs, p->addrs_n + 1, sizeof(*p->addrs));
	p->addrs[p->addrs_n++] = a;
}

/* Of configured zones, whose SOA record was not asked for. */
static void find_mnames(struct finder *f, struct zone *const *z, size_t n)
{
	struct resolved *r = mem_array(n, sizeof(*r));
	struct dns_soa soa;

	for (size_t i = 0; i < n; i++)
		r[i] = (struct resolved){ .name = z[i]->apex, .type = DNS_SOA, .ok = z[i]->mname };
	finder_resolve(f, r, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < r[i].msg.answer.n && !z[i]->mname; k++)
			if (strcmp(r[i].msg.answer.v[k].owner, z[i]->apex) == 0 &&
			    dns_rr_soa(&soa, &r[i].msg.answer.v[k]))
				z[i]->mname = soa.mname;
	resolved_free(r, n);
	free(r);
}

/* One for each zone. */
static void find_primaries(struct finder *f, struct look_primary *out, struct zone *const *z,
			   size_t n)
{
	struct resolved *r = mem_array(2 * n, sizeof(*r));

	find_mnames(f, z, n);
	for (size_t i = 0; i < 2 * n; i++)
		r[i] = (struct resolved){ .name = z[i / 2]->mname ? z[i / 2]->mname : "",
					  .type = i % 2 ? DNS_AAAA : DNS_A,
					  .ok = !z[i / 2]->mname };
	finder_resolve(f, r, 2 * n);
	for (size_t i = 0; i < n; i++) {
		out[i].apex = mem_copy_str(z[i]->apex);
		out[i].mname = mem_copy_str(z[i]->mname);
		for (size_t k = 2 * i; k < 2 * i + 2; k++)
			for (size_t a = 0; a < r[k].msg.answer.n; a++)
				add_address(&out[i], &r[k].msg.answer.v[a], f->c->port);
		/* a zone that DNS does not tell of: its servers are known, and one may take updates */
		if (!z[i]->configured || out[i].addrs_n)
			continue;
		out[i].addrs = mem_array(z[i]->servers_n, sizeof(*out[i].addrs));
		for (size_t k = 0; k < z[i]->servers_n; k++)
			out[i].addrs[out[i].addrs_n++] = z[i]->servers[k].addr;
	}
	resolved_free(r, 2 * n);
	free(r);
}

static void copy_primary(struct look_primary *out, const struct look_primary *p)
{
	*out = (struct look_primary){ .apex = mem_copy_str(p->apex),
				      .mname = mem_copy_str(p->mname), .addrs_n = p->addrs_n };
	out->addrs = mem_array(p->addrs_n, sizeof(*out->addrs));
	for (size_t i = 0; i < p->addrs_n; i++)
		out->addrs[i] = p->addrs[i];
}

void look_primaries_of(struct finder *f, struct look_primary *out, struct zone *const *z, size_t n)
{
	struct zone **each = mem_array(n, sizeof(struct zone *));
	struct look_primary *found = mem_array(n, sizeof(*found));
	size_t each_n = 0, k;

	for (size_t i = 0; i < n; i++) {
		for (k = 0; z[i] && k < each_n && each[k] != z[i];)
			k++;
		if (z[i] && k == each_n)
			each[each_n++] = z[i];
	}
	find_primaries(f, found, each, each_n);
	for (size_t i = 0; i < n; i++) {
		out[i] = (struct look_primary){ 0 };
		for (k = 0; z[i] && each[k] != z[i];)
			k++;
		if (z[i])
			copy_primary(&out[i], &found[k]);
	}
	look_primaries_free(found, each_n);
	free(found);
	free(each);
}

void look_primaries(struct look_primary *out, const char *const *names, size_t n,
		    const struct look_config *c)
{
	struct zone **z = mem_array(n, sizeof(struct zone *));
	char **why = mem_array(n, sizeof(*why));
	struct finder f;

	finder_init(&f, c);
	finder_zones(&f, z, why, names, n);
	look_primaries_of(&f, out, z, n);
	for (size_t i = 0; i < n; i++)
		out[i].problem = why[i];
	finder_free(&f);
	free(z);
	free(why);
}

void look_primaries_free(struct look_primary *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].problem);
		free(p[i].apex);
		free(p[i].mname);
		free(p[i].addrs);
		p[i] = (struct look_primary){ 0 };
	}
}
