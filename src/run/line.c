/* line.c - what is on disk of a line, and what it wants in DNS.
 * Touches: files under STATE, reading only.
 */
#include "run/line.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/endpoints.h"
#include "run/store.h"
#include "sys/clock.h"

/* The world ------------------------------------------------------------------------------------ */

static int by_owner(const void *a, const void *b)
{
	const struct shared_owner *x = a, *y = b;
	int c = strcmp(x->owner, y->owner);

	return c ? c : (x->line > y->line) - (x->line < y->line);
}

static void find_shared_owners(struct world *w)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->lines[i].cfg->owners.n;
	w->shared = mem_array(n, sizeof(*w->shared));
	n = 0;
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; k < w->lines[i].cfg->owners.n; k++)
			w->shared[n++] = (struct shared_owner){ w->lines[i].cfg->owners.v[k], i };
	qsort(w->shared, n, sizeof(*w->shared), by_owner);
	for (size_t i = 0; i < n; i++) {
		bool twin = (i && strcmp(w->shared[i].owner, w->shared[i - 1].owner) == 0) ||
			    (i + 1 < n && strcmp(w->shared[i].owner, w->shared[i + 1].owner) == 0);

		/* compare before overwriting: kept <= i, and only equal owners are neighbours */
		if (twin)
			w->shared[kept++] = w->shared[i];
	}
	w->shared_n = kept;
}

static int by_path(const void *a, const void *b)
{
	const struct include_view *x = a, *y = b;
	int c = strcmp(x->path, y->path);

	return c ? c : (x->lines > y->lines) - (x->lines < y->lines);
}

/* One view a path; the lines of a view are neighbours in one array. */
static void find_includes(struct world *w)
{
	size_t n = 0;

	w->include_lines = mem_array(w->n, sizeof(*w->include_lines));
	w->includes = mem_array(w->n, sizeof(*w->includes));
	for (size_t i = 0; i < w->n; i++) {
		w->include_lines[i] = i;
		if (w->lines[i].cfg->include_file && (w->lines[i].cfg->publish & PUBLISH_INCLUDE))
			w->includes[n++] = (struct include_view){
				.path = w->lines[i].cfg->include_file,
				.lines = &w->include_lines[i],
			};
	}
	qsort(w->includes, n, sizeof(*w->includes), by_path);
	/* the pointers carried the line numbers through the sort; now they become ranges */
	size_t *sorted = mem_array(w->n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++) {
		struct include_view *last = &w->includes[w->includes_n ? w->includes_n - 1 : 0];

		sorted[i] = *w->includes[i].lines;
		if (w->includes_n && strcmp(last->path, w->includes[i].path) == 0) {
			last->lines_n++;
			continue;
		}
		w->includes[w->includes_n] = w->includes[i];
		w->includes[w->includes_n].lines = &sorted[i];
		w->includes[w->includes_n++].lines_n = 1;
	}
	free(w->include_lines);
	w->include_lines = sorted;
}

struct include_view *world_include(const struct world *w, const char *path)
{
	struct include_view *v = w->includes;
	size_t n = w->includes_n;

	while (n > 0) {
		size_t half = n / 2;
		int c = strcmp(path, v[half].path);

		if (c == 0)
			return &v[half];
		if (c > 0) {
			v += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	mem_bug("an include file that no line names");
}

void world_init(struct world *w, struct config *config)
{
	*w = (struct world){ .config = config, .n = config->lines_n };
	w->lines = mem_array(w->n, sizeof(*w->lines));
	for (size_t i = 0; i < w->n; i++) {
		w->lines[i].cfg = &config->lines[i];
		policy_of(&w->lines[i].policy, &config->lines[i]);
		horizon_policy_of(&w->lines[i].horizon, &config->lines[i]);
	}
	find_shared_owners(w);
	find_includes(w);
}

void world_free(struct world *w)
{
	for (size_t i = 0; i < w->n; i++)
		line_unload(&w->lines[i]);
	free(w->lines);
	free(w->shared);
	free(w->include_lines);
	free(w->includes);
	*w = (struct world){ 0 };
}

struct line *world_find(const struct world *w, const char *name)
{
	const struct line_config *c = config_find(w->config, name);

	return c ? &w->lines[c - w->config->lines] : NULL;
}

#define CA_CERT_FOR (90 * DAY)          /* for forecasts, before there is one */

void policy_of(struct policy *p, const struct line_config *c)
{
	bool publishes = c->owners.n > 0 || c->post_keychange.n > 0;
	bool tells = c->post_certchange.n > 0;
	bool looks = config_looks(c);
	int64_t ttl_for = c->ttl_for > c->ttl_floor_for ? c->ttl_for : c->ttl_floor_for;
	int64_t verified_for = ttl_for * (c->old_ttls > 1 ? c->old_ttls : 1) + c->margin_for;

	if (verified_for < c->staging_for)
		verified_for = c->staging_for;
	*p = (struct policy){
		.max_key_age_for = c->max_key_age_for,
		.staging_for = c->staging_for,
		.retire_after_for = c->retire_after_for,
		.rollback_for = c->rollback_for,
		.renew_before_for = c->renew_before.before_for,
		.renew_num = c->renew_before.num,
		.renew_den = c->renew_before.den,
		.cert_for = c->issuer == ISSUER_SELF ? c->self_lifetime_for : CA_CERT_FOR,
		.no_stand_in = c->issuer == ISSUER_ACME && c->bootstrap,
		.ttl_for = c->owners.n ? c->ttl_for : 0,
		.standby = c->standby,
		.publishes = publishes,
		.tells = tells,
		.looks = looks,
		.away_for = c->away_for,
		.half_looks = looks && !endpoints_all(c),
		.blind = publishes && !tells && !looks && !c->retire_after_given,
		.verifies = c->verify == VERIFY_SERVERS,
		.verified_for = verified_for,
	};
}

void horizon_policy_of(struct horizon_policy *p, const struct line_config *c)
{
	*p = (struct horizon_policy){
		.margin_for = c->margin_for,
		.old_ttls = (int)c->old_ttls,
		.ttl_floor_for = c->ttl_floor_for,
		.assume_ttl_for = c->assume_ttl_for,
		.count_negative = c->count_negative,
		.confirm = (int)c->confirm,
		.confirm_for = c->confirm_for,
		.ignore_after_for = c->unreachable_for,
		.insecure_ok = c->insecure,
		.signature_left_for = c->signature_left_for,
		.overlap_for = c->staging_for,
	};
}

/* Loading -------------------------------------------------------------------------------------- */

void line_unload(struct line *l)
{
	ledger_free(&l->ledger);
	generation_free(&l->live);
	generation_free(&l->staging);
	for (size_t i = 0; i < l->removed_n; i++)
		generation_free(&l->removed[i]);
	free(l->removed);
	l->removed = NULL;
	l->removed_n = 0;
	for (size_t i = 0; i < l->retired_n; i++)
		generation_free(&l->retired[i]);
	free(l->retired);
	l->retired = NULL;
	l->retired_n = 0;
	l->loaded = l->known = l->noted = l->failed = l->stale_staging = l->lost = false;
	l->unreadable = false;
	l->dropped_gen = 0;
	strv_free(&l->said);
	free(l->servers_problem);
	l->servers_problem = NULL;
}

void line_reload(struct line *l)
{
	line_unload(l);
	line_load(l);
}

static int load_slot(struct generation *g, const struct line_config *c, const char *slot,
		     struct err *e)
{
	int number;

	if (store_slot(&number, c, slot, e) < 0)
		return -1;
	if (!number)
		return 0;
	return generation_load(g, c, number, e) < 0 ? err_wrap(e, "the %s key", slot) : 0;
}

/* The ledger is lost, the generations are not: every key that is neither live nor staging may still be
 * promised in DNS, and may still be served. */
static int assume_the_worst(struct line *l, int64_t now, struct err *e)
{
	int *numbers, rc;
	size_t n;

	rc = generation_list(&numbers, &n, l->cfg, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct generation g = { 0 };

		rc = generation_load(&g, l->cfg, numbers[i], e);
		if (rc == 0 && g.keyset != l->live.keyset && g.keyset != l->staging.keyset)
			ledger_assume_retired(&l->ledger, g.keyset, g.number, g.key_created_at, now);
		generation_free(&g);
	}
	free(numbers);
	return rc;
}

static int by_retirement(const void *a, const void *b)
{
	const struct keyset *x = *(const struct keyset *const *)a;
	const struct keyset *y = *(const struct keyset *const *)b;

	return (x->retired_at > y->retired_at) - (x->retired_at < y->retired_at);
}

static int load_retired(struct line *l, struct err *e)
{
	const struct keyset **order = mem_array(l->ledger.keysets_n, sizeof(struct keyset *));
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < l->ledger.keysets_n; i++)
		if (l->ledger.keysets[i].retired_at && !l->ledger.keysets[i].removed_at)
			order[n++] = &l->ledger.keysets[i];
	qsort(order, n, sizeof(struct keyset *), by_retirement);
	l->retired = n ? mem_array(n, sizeof(*l->retired)) : NULL;
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = generation_load(&l->retired[i], l->cfg, order[i]->gen, e);
		l->retired_n++;
	}
	free(order);
	return rc < 0 ? err_wrap(e, "a retired key whose records are still published") : 0;
}

/* A server may be started from old files.  Without them it is not known, and that is all. */
static void load_removed(struct line *l)
{
	l->removed = mem_array(l->ledger.keysets_n, sizeof(*l->removed));
	for (size_t i = 0; i < l->ledger.keysets_n && l->policy.looks; i++) {
		struct generation *g = &l->removed[l->removed_n];
		struct err ignored;

		if (!l->ledger.keysets[i].removed_at)
			continue;
		if (generation_load(g, l->cfg, l->ledger.keysets[i].gen, &ignored) == 0)
			l->removed_n++;
		else
			generation_free(g);
	}
}

/* Neither a state nor a live link, but keys: what is left of a store, and one of them may be served. */
static int check_orphans(const struct line *l, struct err *e)
{
	int *numbers, newest, rc;
	size_t n;
	char *dir;

	rc = generation_list(&numbers, &n, l->cfg, e);
	newest = n ? numbers[n - 1] : 0;
	free(numbers);
	if (rc < 0 || !newest)
		return rc;
	dir = store_path(l->cfg, NULL);
	err_set(e, ERR_LOCAL, "%s has keys (up to generation %d), but neither state.json nor the live link; "
		"restore them from a backup, or make the link to the generation that is served (ln -s "
		"gen/%06d %s/live)", dir, newest, newest, dir);
	free(dir);
	return -1;
}

/* A key that was live is gone: never a reason to make a new one. */
static int check_lost(const struct line *l, bool lost, struct err *e)
{
	char *path;

	if (l->live.number)
		return 0;
	if (lost)
		return check_orphans(l, e);
	if (l->ledger.keysets_n == 0)
		return 0;
	path = store_path(l->cfg, "live");
	err_set(e, ERR_LOCAL, "%s is missing although the line has had a key (generation %d); restore the "
		"link to its generation, or the store from a backup", path, ledger_newest_gen(&l->ledger));
	free(path);
	return -1;
}

static int load(struct line *l, struct err *e)
{
	struct clock_reading r;
	struct ledger_clock now;
	struct ledger_links links;
	bool lost;

	if (store_load_ledger(&l->ledger, &lost, l->cfg, e) < 0 ||
	    load_slot(&l->live, l->cfg, "live", e) < 0 || check_lost(l, lost, e) < 0 ||
	    load_slot(&l->staging, l->cfg, "staging", e) < 0)
		return -1;
	clock_read(&r);
	now = (struct ledger_clock){ .real_at = r.real_at, .boot_for = r.boot_for };
	snprintf(now.boot_id, sizeof(now.boot_id), "%s", r.boot_id);
	l->jump = ledger_clock_fit(&l->ledger, &now);
	if (lost && l->live.number && assume_the_worst(l, r.real_at, e) < 0)
		return -1;
	links = (struct ledger_links){
		.live_id = l->live.keyset, .live_gen = l->live.number,
		.live_created_at = l->live.key_created_at,
		.staging_id = l->staging.keyset, .staging_gen = l->staging.number,
		.staging_created_at = l->staging.key_created_at,
	};
	if (!links.staging_id && ledger_staging(&l->ledger) &&
	    ledger_staging(&l->ledger)->id != links.live_id)
		l->dropped_gen = ledger_staging(&l->ledger)->gen;
	l->noted = ledger_reconcile(&l->ledger, &links, r.real_at) || l->jump != JUMP_NONE;
	if (l->staging.number && ledger_keyset(&l->ledger, l->staging.keyset)->live_at) {
		generation_free(&l->staging);
		l->stale_staging = true;
	}
	if (l->policy.verifies)
		ledger_eyes_fit(&l->ledger, &l->cfg->owners);
	l->known = !lost || l->live.number;
	l->lost = lost && l->live.number;
	load_removed(l);
	return load_retired(l, e);
}

void line_load(struct line *l)
{
	if (l->loaded)
		return;
	l->loaded = true;
	l->failed = l->unreadable = load(l, &l->err) < 0;
}

void world_shared(const struct world *w, const char *owner, size_t *first, size_t *past)
{
	size_t lo = 0, hi = w->shared_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(w->shared[mid].owner, owner) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*first = *past = lo;
	while (*past < w->shared_n && strcmp(w->shared[*past].owner, owner) == 0)
		(*past)++;
}

void world_load(struct world *w, struct line *l)
{
	line_load(l);
	for (size_t i = 0; i < l->cfg->owners.n; i++) {
		size_t first, past;

		world_shared(w, l->cfg->owners.v[i], &first, &past);
		for (size_t k = first; k < past; k++)
			line_load(&w->lines[w->shared[k].line]);
	}
	if (l->cfg->publish & PUBLISH_INCLUDE) {
		struct include_view *v = world_include(w, l->cfg->include_file);

		for (size_t i = 0; i < v->lines_n && !v->loaded; i++)
			line_load(&w->lines[v->lines[i]]);
		v->loaded = true;
	}
}

void line_publishers(struct strv *out, const struct line_config *c)
{
	if (c->publish & PUBLISH_UPDATE)
		strv_add(out, UPDATE_NAME);
	for (size_t i = 0; i < c->post_keychange.n && c->publish & PUBLISH_HOOK; i++)
		strv_add(out, c->post_keychange.v[i]);
}

const struct generation *line_generation(const struct line *l, int keyset)
{
	if (l->live.keyset == keyset)
		return &l->live;
	if (l->staging.keyset == keyset)
		return &l->staging;
	for (size_t i = 0; i < l->retired_n; i++)
		if (l->retired[i].keyset == keyset)
			return &l->retired[i];
	return NULL;
}
