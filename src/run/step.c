/* step.c - the steps.
 * Touches: private keys, files under STATE, [dirs].
 */
#include "run/step.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/issue_acme.h"
#include "run/links.h"
#include "run/publish.h"
#include "run/servers.h"
#include "run/store.h"
#include "run/suggest.h"

#define SUPERSEDED_KEPT 2       /* for whoever still has one open, and to look at */

bool step_makes_generation(enum step s)
{
	return s == DO_MAKE_KEY || s == DO_STAGE || s == DO_RENEW || s == DO_RENEW_STAGING;
}

/* The live key is compromised, its certificates were or will be revoked, or its CA wants that to be over. */
static bool pressing(const struct line *l, int64_t now)
{
	const struct suggestion *ignored;
	int64_t suggested_at = suggest_at(l, &l->live, &ignored);

	for (size_t i = 0; i < l->ledger.keysets_n; i++) {
		const struct keyset *k = &l->ledger.keysets[i];

		if (k->id == l->live.keyset && (k->compromised || k->revoke_gen || k->revoked_at))
			return true;
	}
	return suggested_at && suggested_at <= now;
}

int step_make(int *number, const struct line *l, enum step s, int64_t now, struct issue_report *r,
	      struct err *e)
{
	const struct generation *from = s == DO_RENEW ? &l->live
				      : s == DO_RENEW_STAGING ? &l->staging : NULL;

	if (store_make_line(l->cfg, e) < 0)
		return -1;
	return generation_make(number, l->cfg, from, &l->live, l->ledger.renew_force, pressing(l, now), now, r, e);
}

static char *types_text(const struct generation *g)
{
	struct buf b;
	char *s;

	buf_init(&b, 1000);
	for (size_t i = 0; i < g->leaves_n; i++)
		buf_addf(&b, "%s%s", i ? "+" : "", key_type_name(g->leaves[i].type));
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

int step_prune(const struct line *l, struct err *e)
{
	int *numbers = NULL, rc;
	size_t n = 0, superseded = 0;

	rc = generation_list(&numbers, &n, l->cfg, e);
	for (size_t i = n; i-- > 0 && rc == 0;) {
		bool in_use = numbers[i] == l->live.number || numbers[i] == l->staging.number;

		/* nor those whose certificates are to be revoked */
		for (size_t k = 0; k < l->ledger.keysets_n && !in_use; k++)
			in_use = numbers[i] == l->ledger.keysets[k].gen ||
				 numbers[i] <= l->ledger.keysets[k].revoke_gen;
		if (!in_use && ++superseded > SUPERSEDED_KEPT)
			rc = generation_remove(l->cfg, numbers[i], e);
	}
	free(numbers);
	return rc;
}

/* Whether clients would refuse the new certificate by the records that they accept the last one by.  A staged
 * key whose records are not published yet has none. */
static int check_renewal(const struct line *l, enum step s, const struct generation *g, struct err *e)
{
	const struct set *set = &l->ledger.set;
	struct err ignored;

	if (s == DO_RENEW_STAGING && publish_check_sets(l->cfg, &l->staging, set, &ignored) < 0)
		return 0;
	return publish_check_sets(l->cfg, g, set, e);
}

int step_made(char **text, struct line *l, enum step s, int number, int64_t now, struct err *e)
{
	const char *slot = s == DO_MAKE_KEY || s == DO_RENEW ? "live" : "staging";
	struct generation g;
	char until[WHEN_TEXT_LEN], *types;
	int64_t from_at, until_at;
	int rc;

	(void)now;
	/* what the worker wrote is looked at before anything points to it */
	if (generation_load(&g, l->cfg, number, e) < 0 || generation_verify(&g, l->cfg, e) < 0)
		return -1;
	if ((s == DO_RENEW || s == DO_RENEW_STAGING) && check_renewal(l, s, &g, e) < 0) {
		generation_free(&g);
		return err_wrap(e, "the new certificate is not used");
	}
	generation_validity(&g, &from_at, &until_at);
	when_format_date(until, until_at);
	types = types_text(&g);
	if (s == DO_MAKE_KEY)
		*text = mem_format("made the first key (%s, generation %d); its certificate is valid until %s",
				   types, number, until);
	else if (s == DO_STAGE)
		*text = mem_format("staged a new key (%s, generation %d)", types, number);
	else
		*text = mem_format("renewed the certificate of the %s key (generation %d), valid until %s",
				   slot, number, until);
	free(types);
	rc = store_set_slot(l->cfg, slot, number, e);
	/* until it is in its place the next run goes on with the order, and is given it once more */
	if (rc == 0 && g.ca)
		for (size_t i = 0; i < g.leaves_n; i++)
			issue_acme_stored(l->cfg, g.leaves[i].spki.spki_sha256);
	generation_free(&g);
	if (rc == 0)
		return 0;
	free(*text);
	*text = NULL;
	return -1;
}

/* -------------------------------------------------------------------------------------------- */

int step_drop_staging(const struct line *l, struct err *e)
{
	links_drop_staging(l);
	return store_set_slot(l->cfg, "staging", 0, e);
}

/* Good enough to be given to servers, in itself and by what is published. */
static int check_next(const struct world *w, const struct line *l, const struct generation *g, struct err *e)
{
	struct servers_held held;
	int rc;

	if (generation_verify(g, l->cfg, e) < 0)
		return -1;
	servers_held(&held, w, l);
	rc = l->policy.publishes ? publish_check_cover(l->cfg, g, &l->ledger.set, &held.owners, e) : 0;
	servers_held_free(&held);
	return rc;
}

static int promote(char **text, const struct world *w, struct line *l, struct err *e)
{
	if (check_next(w, l, &l->staging, e) < 0)
		return err_wrap(e, "the staged key is not promoted");
	if (store_set_slot(l->cfg, "live", l->staging.number, e) < 0 || step_drop_staging(l, e) < 0)
		return -1;
	*text = mem_format("promoted the staged key: generation %d is live", l->staging.number);
	return 0;
}

static int roll_back(char **text, const struct world *w, struct line *l, struct err *e)
{
	const struct generation *g = &l->retired[l->retired_n - 1];

	if (check_next(w, l, g, e) < 0)
		return err_wrap(e, "not rolled back");
	if (store_set_slot(l->cfg, "live", g->number, e) < 0)
		return -1;
	*text = mem_format("rolled back: generation %d is live again", g->number);
	return 0;
}

static void retire(char **text, struct line *l, int64_t now)
{
	const struct keyset *k = ledger_retired_first(&l->ledger);

	*text = mem_format("retired the old key (generation %d)%s", k->gen,
			   l->policy.publishes ? "; its records go" : "");
	ledger_removed(&l->ledger, k->id, now);
}

static int purge(char **text, struct line *l, int64_t now, struct err *e)
{
	int *numbers = NULL, rc;
	size_t n = 0;

	rc = generation_list(&numbers, &n, l->cfg, e);
	for (size_t k = l->ledger.keysets_n; k-- > 0 && rc == 0;) {
		struct keyset *old = &l->ledger.keysets[k];
		int id = old->id;

		if (!old->removed_at || when_add(old->removed_at, PURGE_AFTER_FOR) > now)
			continue;
		for (size_t i = 0; i < n && rc == 0; i++) {
			struct generation g = { 0 };
			struct err ignored;

			/* one that cannot be read was not purged half-way by us: leave it alone */
			if (generation_load(&g, l->cfg, numbers[i], &ignored) == 0 && g.keyset == id)
				rc = generation_remove(l->cfg, numbers[i], e);
			generation_free(&g);
		}
		if (rc < 0)
			break;
		*text = mem_format("deleted the files of a key that was retired long ago (keyset %d)%s", id,
				   l->cfg->backups ? ", after copying them to [dirs] backups" : "");
		ledger_purged(&l->ledger, id);
		break;          /* one a step */
	}
	free(numbers);
	return rc;
}

int step_do(char **text, const struct world *w, struct line *l, enum step s, int64_t now, struct err *e)
{
	*text = NULL;
	switch (s) {
	case DO_LINK:
		return links_make(l, e);
	case DO_ROLL_BACK:
		return roll_back(text, w, l, e);
	case DO_UNSTAGE:
		*text = mem_format("dropped the staged key (generation %d)", l->staging.number);
		return step_drop_staging(l, e);
	case DO_PROMOTE:
		return promote(text, w, l, e);
	case DO_RETIRE:
		retire(text, l, now);
		return 0;
	case DO_PURGE:
		return purge(text, l, now, e);
	case DO_NOTHING:
	case DO_MAKE_KEY:
	case DO_RENEW_STAGING:
	case DO_RENEW:
	case DO_DEPLOY:
	case DO_PUBLISH:
	case DO_STAGE:
	case DO_REVOKE:
	case STEP_N:
		break;
	}
	mem_bug("a step that is done elsewhere");
}

/* Adoption ------------------------------------------------------------------------------------- */

static int adopt_slot(char **text, struct line *l, const char *slot, int64_t now, struct err *e)
{
	char *key, *cert;
	int number, rc = 0;

	if (links_foreign(&key, &cert, l->cfg, slot, e) < 0)
		return err_wrap(e, "adopting the %s key", slot);
	if (!key)
		return 0;
	if (store_make_line(l->cfg, e) < 0 ||
	    generation_adopt(&number, l->cfg, key, cert, now, e) < 0 ||
	    store_set_slot(l->cfg, slot, number, e) < 0)
		rc = err_wrap(e, "adopting %s", key);
	else
		*text = mem_format("adopted the %s key in %s as generation %d", slot, key, number);
	free(key);
	free(cert);
	return rc;
}

int step_adopt(char **text, struct line *l, int64_t now, struct err *e)
{
	*text = NULL;
	if (!l->live.number)
		return adopt_slot(text, l, "live", now, e);
	/* The live key was adopted, and a file of it, or a staged key, still stands where links belong:
	 * the same layout, half taken in. */
	if (strcmp(l->live.issuer, "adopted") != 0 || l->ledger.set_serial || l->retired_n)
		return 0;
	if (!l->staging.number && adopt_slot(text, l, "staging", now, e) < 0)
		return -1;
	if (*text)
		return 0;
	if (links_wrong(l) && (links_replace(l, "live", e) < 0 || links_replace(l, "staging", e) < 0))
		return -1;
	return 0;
}
