/* wanted.c - the set that a line wants in DNS.
 * Touches: nothing.
 */
#include "run/wanted.h"

#include "base/mem.h"

static void want_keyset(struct set *out, const struct line *l, const struct generation *g,
			const struct strv *owners)
{
	const struct line_config *c = l->cfg;

	for (size_t o = 0; o < owners->n; o++) {
		if (!*owners->v[o]) {
			set_add(out, "", "", g->keyset);
			continue;
		}
		for (size_t p = 0; p < c->params_n; p++) {
			for (size_t i = 0; i < g->leaves_n; i++) {
				struct tlsa_rdata r;
				char *data;

				if (!tlsa_make(&r, c->params[p], &g->leaves[i].spki))
					continue;       /* publish_check_cover refuses the hole */
				data = tlsa_format(&r);
				set_add(out, owners->v[o], data, g->keyset);
				free(data);
			}
		}
	}
}

static bool have(const struct set *s, const char *owner, const char *data)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].owner, owner) == 0 && strcmp(s->v[i].data, data) == 0)
			return true;
	return false;
}

/* What the other lines have recorded at an owner that this one names too. */
static void want_siblings(struct set *out, const struct world *w, const struct line *l,
			  const char *owner)
{
	size_t first, past;

	world_shared(w, owner, &first, &past);
	for (size_t k = first; k < past; k++) {
		const struct line *other = &w->lines[w->shared[k].line];

		if (other == l)
			continue;
		for (size_t i = 0; i < other->ledger.set.n; i++) {
			const struct set_entry *s = &other->ledger.set.v[i];

			if (s->keyset && strcmp(s->owner, owner) == 0 && !have(out, owner, s->data))
				set_add(out, owner, s->data, 0);
		}
	}
}

static void want(struct set *out, const struct world *w, const struct line *l, const struct strv *owners)
{
	*out = (struct set){ .ttl_for = l->policy.ttl_for };
	if (!l->policy.publishes)
		return;
	if (l->live.number)
		want_keyset(out, l, &l->live, owners);
	if (l->staging.number)
		want_keyset(out, l, &l->staging, owners);
	for (size_t i = 0; i < l->retired_n; i++)
		want_keyset(out, l, &l->retired[i], owners);
	for (size_t i = 0; i < owners->n; i++)
		want_siblings(out, w, l, owners->v[i]);
	set_sort(out);
}

/* "" stands for what hooks publish where no owner is configured. */
static void configured_owners(struct strv *out, const struct line *l)
{
	strv_copy(out, &l->cfg->owners);
	if (!out->n)
		strv_add(out, "");
}

void wanted_set(struct set *out, struct servers_held *held, const struct world *w, const struct line *l)
{
	struct strv all = { 0 }, owners = { 0 };

	servers_held(held, w, l);
	configured_owners(&all, l);
	for (size_t i = 0; i < all.n; i++)
		if (!strv_has(&held->owners, all.v[i]))
			strv_add(&owners, all.v[i]);
	want(out, w, l, held->kept.n ? &held->kept : &owners);
	strv_free(&owners);
	strv_free(&all);
}

void wanted_ever(struct set *out, const struct world *w, const struct line *l)
{
	struct strv owners = { 0 };

	configured_owners(&owners, l);
	want(out, w, l, &owners);
	strv_free(&owners);
}
