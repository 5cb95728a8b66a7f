/* cuts.c - from a name to its zone, by way of the name above it.
 *
 * From "example.org" on downwards, so that no resolver is asked for anything that may not be there.
 * A server of the zone above tells of a cut by a referral; one that has the zone below as well, by a SOA
 * record of it.
 * Touches: the network.
 */
#include "dns/cuts.h"

#include "base/mem.h"
#include "core/names.h"
#include "dns/servers.h"

#define SURE_LABELS 2           /* "example.org": everybody asks for it */
#define HOPS_MAX    10

/* The end of a name that surely is there: what a resolver hears of it tells it nothing of the name. */
static char *sure_end(const char *name)
{
	char *end = dns_name_parent(name);

	while (end && dns_name_labels(end) > SURE_LABELS) {
		char *up = dns_name_parent(end);

		free(end);
		end = up;
	}
	return end;
}

/* The zone that the end of each name is in, or the one that is configured. */
static void find_above(struct finder *f, struct zone **out, char **why, const char *const *names, size_t n)
{
	char **above = mem_array(n, sizeof(*above)), **whys = mem_array(n, sizeof(*whys));
	struct zone **found = mem_array(n, sizeof(struct zone *));
	size_t *of = mem_array(n, sizeof(*of)), left = 0;

	for (size_t i = 0; i < n; i++) {
		out[i] = finder_configured(f, names[i]);
		why[i] = NULL;
		if (out[i])
			continue;
		above[left] = sure_end(names[i]);
		if (above[left])
			of[left++] = i;
		else
			why[i] = mem_copy_str("its zone cannot be found: there is no name above it");
	}
	finder_zones(f, found, whys, (const char *const *)above, left);
	for (size_t k = 0; k < left; k++) {
		out[of[k]] = found[k];
		why[of[k]] = whys[k];
		free(above[k]);
	}
	free(above);
	free(whys);
	free(found);
	free(of);
}

/* Only zones have such records: where one stands between the zone and the name, there is another zone. */
static void take_cuts(struct finder *f, struct zone **z, const char *name, const struct dns_rrs *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *owner = l->v[i].owner;

		if ((l->v[i].type == DNS_NS || l->v[i].type == DNS_SOA) && name_below(name, owner) &&
		    name_below(owner, (*z)->apex) && strcmp(owner, (*z)->apex) != 0)
			*z = finder_zone(f, owner);
	}
}

static void take_reply(struct finder *f, struct zone **z, const struct question *q)
{
	struct dns_msg m;
	struct err e;

	if (q->outcome != ASK_ANSWERED || dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		return;
	take_cuts(f, z, q->name, &m.answer);
	take_cuts(f, z, q->name, &m.authority);
	dns_msg_free(&m);
}

/* Asks the servers of each zone about the name; true if that has led to another zone. */
static bool go_down(struct finder *f, struct zone **out, const char *const *names, size_t n)
{
	size_t *first = mem_array(n + 1, sizeof(*first)), left = 0;
	struct question *q = NULL;
	bool moved = false;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		first[i] = left;
		while (k < i && strcmp(names[k], names[i]) != 0)
			k++;
		if (k < i || !out[i])
			continue;
		q = mem_resize(q, left + out[i]->servers_n + 1, sizeof(*q));
		for (k = 0; k < out[i]->servers_n; k++)
			q[left++] = (struct question){ .to = out[i]->servers[k].addr, .name = names[i],
						       .type = DNS_SOA };
	}
	first[n] = left;
	ask_all(q, left, &f->c->limits);
	for (size_t i = 0; i < n; i++) {
		const struct zone *before = out[i];
		size_t k = 0;

		for (size_t a = first[i]; a < first[i + 1]; a++)
			take_reply(f, &out[i], &q[a]);
		while (strcmp(names[k], names[i]) != 0)
			k++;
		out[i] = out[k];
		moved |= out[i] != before;
	}
	questions_free(q, left);
	free(q);
	free(first);
	return moved;
}

void cuts_find(struct finder *f, struct zone **out, char **why, const char *const *names, size_t n)
{
	find_above(f, out, why, names, n);
	servers_find(f, out, n);
	for (int hops = 0; hops < HOPS_MAX && go_down(f, out, names, n); hops++)
		servers_find(f, out, n);
}
