/* publish_update.c - from a recorded set to updates of zones.
 * RFC 2136, RFC 7671 section 8.
 * Touches: the network; key files of [update]; files under STATE, reading only.
 */
#include "run/publish_update.h"

#include "base/mem.h"
#include "dns/look.h"
#include "dns/update.h"
#include "run/look_how.h"
#include "run/update_rows.h"

/* The owners of one zone. */
struct job {
	char         *zone;
	struct addr  *servers;          /* to be tried in turn */
	size_t        servers_n;
	struct update_owner *owners;
	size_t        owners_n;
};

struct jobs {
	struct job *v;
	size_t      n;
};

static void jobs_free(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++) {
		for (size_t o = 0; o < jobs->v[i].owners_n; o++) {
			strv_free(&jobs->v[i].owners[o].want);
			strv_free(&jobs->v[i].owners[o].drop);
		}
		free(jobs->v[i].owners);
		free(jobs->v[i].servers);
		free(jobs->v[i].zone);
	}
	free(jobs->v);
	*jobs = (struct jobs){ 0 };
}

static void add_to_job(struct jobs *jobs, const char *zone, const struct addr *servers, size_t n,
		       const char *owner)
{
	struct job *j;
	size_t i = 0;

	while (i < jobs->n && strcmp(jobs->v[i].zone, zone) != 0)
		i++;
	if (i == jobs->n) {
		jobs->v = mem_resize(jobs->v, jobs->n + 1, sizeof(*jobs->v));
		jobs->v[jobs->n++] = (struct job){ .zone = mem_copy_str(zone), .servers_n = n,
						   .servers = mem_array(n, sizeof(struct addr)) };
		for (size_t k = 0; k < n; k++)
			jobs->v[i].servers[k] = servers[k];
	}
	j = &jobs->v[i];
	j->owners = mem_resize(j->owners, j->owners_n + 1, sizeof(*j->owners));
	j->owners[j->owners_n++] = (struct update_owner){ .owner = owner };
}

/* Which zone each owner is in, and where that is written.  The first error is in *first, and ends nothing. */
static void find_jobs(struct jobs *jobs, const struct line_config *c, const struct strv *owners,
		      struct err *first)
{
	const char **unknown = mem_array(owners->n, sizeof(*unknown));
	struct look_primary *p = mem_array(owners->n, sizeof(*p));
	struct look_config how;
	size_t n = 0;

	for (size_t i = 0; i < owners->n; i++) {
		char *zone;
		const char *address = update_row(&c->update_servers, owners->v[i], &zone);
		struct addr server;

		if (!address)
			unknown[n++] = owners->v[i];
		else if (!addr_parse(&server, address, 53))
			mem_bug("an address that was checked is none");
		else
			add_to_job(jobs, zone, &server, 1, owners->v[i]);
		free(zone);
	}
	if (n) {
		look_how(&how, c);
		look_primaries(p, unknown, n, &how);
		look_how_free(&how);
	}
	for (size_t i = 0; i < n; i++) {
		if (!p[i].problem && p[i].addrs_n)
			add_to_job(jobs, p[i].apex, p[i].addrs, p[i].addrs_n, unknown[i]);
		else if (first->kind == ERR_NONE && p[i].problem)
			err_set(first, ERR_LATER, "the zone of %s: %s", unknown[i], p[i].problem);
		else if (first->kind == ERR_NONE)
			err_set(first, ERR_LATER, "the primary server of the zone of %s has no address: name it in "
				"[update] servers", unknown[i]);
	}
	look_primaries_free(p, n);
	free(p);
	free(unknown);
}

/* Every record that some key on this disk would have. */
static int all_ours(struct strv *out, const struct line_config *c, struct err *e)
{
	static const struct tlsa_params kinds[] = { { 3, 1, 1 }, { 3, 1, 2 }, { 2, 1, 1 }, { 2, 0, 1 } };
	int *numbers, rc;
	size_t n;

	rc = generation_list(&numbers, &n, c, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct generation g = { 0 };
		struct err ignored;

		/* a damaged one is of no key that is wanted: those were loaded before */
		if (generation_load(&g, c, numbers[i], &ignored) < 0) {
			generation_free(&g);
			continue;
		}
		for (size_t k = 0; k < g.leaves_n * ARRAY_LEN(kinds); k++) {
			struct tlsa_rdata r;
			char *data;

			if (!tlsa_make(&r, kinds[k % ARRAY_LEN(kinds)],
				       &g.leaves[k / ARRAY_LEN(kinds)].spki))
				continue;
			data = tlsa_format(&r);
			if (!strv_has(out, data))
				strv_add(out, data);
			free(data);
		}
		generation_free(&g);
	}
	free(numbers);
	return rc;
}

static void fill_owner(struct update_owner *u, const struct line *l, const struct strv *ours)
{
	u->ttl_for = l->ledger.set.ttl_for;
	for (size_t i = 0; i < l->ledger.set.n; i++)
		if (strcmp(l->ledger.set.v[i].owner, u->owner) == 0)
			strv_add(&u->want, l->ledger.set.v[i].data);
	for (size_t i = 0; i < ours->n; i++)
		if (!strv_has(&u->want, ours->v[i]))
			strv_add(&u->drop, ours->v[i]);
}

static int run_job(struct buf *foreign, const struct job *job, const struct line_config *c, struct err *e)
{
	struct tsig_key key;
	struct update u = { .zone = job->zone, .owners = job->owners, .owners_n = job->owners_n,
			    .limits = ask_defaults };
	char address[ADDR_TEXT_LEN];
	bool signs;
	int rc = -1;

	if (update_key(&key, &signs, c, job->zone, e) < 0)
		return -1;
	u.key = signs ? &key : NULL;
	for (size_t i = 0; i < job->servers_n; i++) {
		u.server = job->servers[i];
		rc = update_apply(&u, e);
		for (size_t k = 0; k < u.foreign.n; k++)
			buf_addf(foreign, "%s\n", u.foreign.v[k]);
		strv_free(&u.foreign);
		addr_format(address, &u.server);
		if (rc == 0)
			break;
		err_wrap(e, "zone %s at %s", job->zone, address);
		if (e->kind != ERR_LATER)
			break;
	}
	tsig_key_free(&key);
	return rc;
}

int publish_update(struct buf *foreign, const struct line *l, struct err *e)
{
	struct jobs jobs = { 0 };
	struct strv ours = { 0 }, owners = { 0 };
	struct err first = { 0 };
	int rc = all_ours(&ours, l->cfg, e);

	/* one that has no records in the set yet is left alone */
	ledger_set_owners(&owners, &l->ledger);
	if (rc == 0)
		find_jobs(&jobs, l->cfg, &owners, &first);
	for (size_t i = 0; i < jobs.n; i++) {
		for (size_t o = 0; o < jobs.v[i].owners_n; o++)
			fill_owner(&jobs.v[i].owners[o], l, &ours);
		if (run_job(foreign, &jobs.v[i], l->cfg, e) < 0 && first.kind == ERR_NONE)
			first = *e;
	}
	if (rc == 0 && first.kind != ERR_NONE) {
		*e = first;
		rc = -1;
	}
	jobs_free(&jobs);
	strv_free(&owners);
	strv_free(&ours);
	return rc;
}
