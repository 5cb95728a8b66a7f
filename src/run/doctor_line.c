/* doctor_line.c - the store against the world: which keyset is served, whether the certificate is the
 * newest one, whether the records of the ledger are in DNS, what is owed, CAA.
 * Touches: the network (CAA, in a child process); files under STATE, reading only.
 */
#include "run/doctor_line.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/ca.h"
#include "run/ca.h"
#include "run/caa_check.h"
#include "run/doctor_parts.h"
#include "run/pending.h"
#include "run/wanted.h"
#include "run/worker.h"
#include "sys/clock.h"

/* Keys ------------------------------------------------------------------------------------------ */

static const struct leaf *leaf_in(const struct generation *g, const struct doctor_view *v)
{
	for (size_t i = 0; g->number && v->chain.n && i < g->leaves_n; i++)
		if (strcmp(g->leaves[i].spki.spki_sha256, v->chain.v[0].spki_sha256) == 0)
			return &g->leaves[i];
	return NULL;
}

static const struct leaf *leaf_retired(const struct line *l, const struct doctor_view *v)
{
	const struct leaf *leaf = NULL;

	for (size_t i = 0; i < l->retired_n && !leaf; i++)
		leaf = leaf_in(&l->retired[i], v);
	return leaf;
}

const char *doctor_keyset(const struct line *l, const struct doctor_view *v, bool *current)
{
	const struct leaf *leaf = leaf_in(&l->live, v);
	const char *name = leaf ? "live" : NULL;

	if (!v->chain.n)
		return NULL;
	if (!leaf && (leaf = leaf_in(&l->staging, v)))
		name = "staging";
	if (!leaf && (leaf = leaf_retired(l, v)))
		name = "retired";
	if (current)
		*current = leaf && strcmp(leaf->fingerprint, v->chain.v[0].cert_sha256) == 0;
	return name ? name : "unknown";
}

static void find_key(struct doctor_findings *out, const struct line *l, const struct doctor_view *v)
{
	const struct presented_cert *c = &v->chain.v[0];
	const struct leaf *live = leaf_in(&l->live, v);
	char *place = doctor_place(v);

	if (live && strcmp(live->fingerprint, c->cert_sha256) != 0)
		doctor_add(out, DOCTOR_ERROR, "store-old-certificate",
			   "%s: the key is the live one, but the certificate (serial %s) is not the one "
			   "in the store (serial %s): the server was not reloaded, or reads other files",
			   place, c->serial, live->serial);
	else if (!live && leaf_in(&l->staging, v))
		doctor_add(out, DOCTOR_ERROR, "store-staging-served",
			   "%s: the staged key is served before it is live: the server must read the "
			   "files below %s",
			   place, "live/");
	else if (!live && leaf_retired(l, v))
		doctor_add(out, DOCTOR_ERROR, "store-retired-served",
			   "%s: a key that was replaced is served still: reload the server; the records "
			   "of that key %s",
			   place,
			   l->policy.looks   ? "stay until every server presents the live key"
			   : l->policy.blind ? "stay"
					     : "go when rollback-window and retire-after are over, whatever "
					       "it presents, as nobody looks at it");
	else if (!live)
		doctor_add(out, DOCTOR_ERROR, "store-unknown-key",
			   "%s: the key that is served is none of the line's (its record would be 3 1 1 "
			   "%s): does the server read the files of the store?",
			   place, c->spki_sha256);
	free(place);
}

static const char *family(enum key_type t)
{
	const char *name = key_type_name(t);

	return text_starts(name, "rsa") ? "RSA" : text_starts(name, "ec") ? "ECDSA" : NULL;
}

/* At each address a key of each family that the line has. */
static void find_missing_types(struct doctor_findings *out, const struct line *l,
			       const struct doctor_seen *s)
{
	for (size_t k = 0; k < l->live.leaves_n; k++) {
		const char *want = family(l->live.leaves[k].type);

		for (size_t i = 0; want && i < s->views_n; i++) {
			const struct doctor_view *at = &s->views[i];
			bool any = false, known = at->chain.n > 0;
			char address[ADDR_TEXT_LEN];

			for (size_t o = 0; o < s->views_n; o++)
				any |= addr_same(&s->views[o].addr, &at->addr) && s->views[o].chain.n &&
				       text_starts(s->views[o].chain.v[0].key, want);
			if (any || !known)
				continue;
			addr_format(address, &at->addr);
			doctor_add(out, DOCTOR_WARNING, "store-type-missing",
				   "%s presents no %s key, although the line has one: give the server "
				   "the files of that key too",
				   address, want);
		}
	}
}

/* Records --------------------------------------------------------------------------------------- */

static int by_role(const void *a, const void *b)
{
	const struct doctor_own *x = a, *y = b;

	return x->role != y->role ? (int)x->role - (int)y->role : x->generation - y->generation;
}

static void own_add(struct doctor_own **out, size_t *n, const struct line *l, const struct set *set)
{
	*out = mem_resize(*out, *n + set->n, sizeof(**out));
	for (size_t i = 0; i < set->n; i++) {
		const struct set_entry *r = &set->v[i];
		const struct generation *g = r->keyset ? line_generation(l, r->keyset) : NULL;
		enum doctor_role role = DOCTOR_OWN_SIBLING;

		/* by hook alone; or of a key that was retired just now */
		if (!*r->data || (r->keyset && !g))
			continue;
		if (g)
			role = g == &l->live	  ? DOCTOR_OWN_LIVE
			       : g == &l->staging ? DOCTOR_OWN_STAGED
						  : DOCTOR_OWN_REPLACED;
		(*out)[(*n)++] = (struct doctor_own){ mem_copy_str(r->data), role, g ? g->number : 0 };
	}
}

void doctor_own_of(struct doctor_own **out, size_t *n, const struct world *w, const struct line *l)
{
	struct set wanted;

	*out = NULL;
	*n = 0;
	if (l->failed || !l->live.number)
		return;
	/* what is wanted is not recorded yet where the state was lost */
	own_add(out, n, l, &l->ledger.set);
	wanted_ever(&wanted, w, l);
	own_add(out, n, l, &wanted);
	set_free(&wanted);
	if (*n)
		qsort(*out, *n, sizeof(**out), by_role);
}

void doctor_own_free(struct doctor_own *own, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(own[i].data);
	free(own);
}

static bool recorded(const struct line *l, const char *owner, const char *data)
{
	for (size_t i = 0; i < l->ledger.set.n; i++)
		if (strcmp(l->ledger.set.v[i].owner, owner) == 0 &&
		    strcmp(l->ledger.set.v[i].data, data) == 0)
			return true;
	return false;
}

/* Somebody at the end of the aliases has said what there is. */
static bool anybody_says(const struct look_owner *o)
{
	for (size_t i = 0; i < o->servers_n; i++)
		if (doctor_seen_final(o, &o->servers[i]) &&
		    (o->servers[i].answer == ANSWER_DATA || o->servers[i].answer == ANSWER_EMPTY))
			return true;
	return false;
}

static void find_missing(struct doctor_findings *out, const struct set_entry *r,
			 const struct doctor_seen *s)
{
	char *who;

	if (!r->published_at) {
		doctor_add(out, DOCTOR_NOTE, "record-unpublished", "%.18s... at %s is not published yet",
			   r->data, r->owner);
		return;
	}
	if (!s->sets_n && anybody_says(&s->dns[0]))
		doctor_add(out, DOCTOR_ERROR, "record-missing",
			   "%.18s... was published at %s, and no name server shows it", r->data,
			   r->owner);
	for (size_t i = 0; i < s->sets_n; i++) {
		if (strv_has(&s->sets[i].data, r->data))
			continue;
		who = strv_join(&s->sets[i].servers, ", ");
		doctor_add(out, DOCTOR_ERROR, "record-missing",
			   "%.18s... was published at %s, and name server %s does not show it", r->data,
			   r->owner, who);
		free(who);
	}
}

static void find_records(struct doctor_findings *out, const struct line *l, const struct doctor_seen *s)
{
	/* where nothing answered nothing is missing */
	if (!s->owner || s->used || !s->dns_n || !s->dns[0].servers_n)
		return;
	for (size_t i = 0; i < l->ledger.set.n; i++)
		if (strcmp(l->ledger.set.v[i].owner, s->owner) == 0)
			find_missing(out, &l->ledger.set.v[i], s);
	for (size_t i = 0; i < s->sets_n; i++)
		for (size_t k = 0; k < s->sets[i].data.n; k++)
			if (!recorded(l, s->owner, s->sets[i].data.v[k]))
				doctor_add(out, DOCTOR_NOTE, "record-foreign",
					   "%.18s... at %s is not of this line: it is left alone",
					   s->sets[i].data.v[k], s->owner);
}

void doctor_find_line(struct doctor_findings *out, const struct line *l, const struct doctor_seen *s)
{
	if (s->problem || l->failed || !l->live.number)
		return;
	for (size_t i = 0; i < s->views_n; i++)
		if (s->views[i].chain.n)
			find_key(out, l, &s->views[i]);
	find_missing_types(out, l, s);
	find_records(out, l, s);
}

void doctor_find_pending(struct doctor_findings *out, struct world *w, struct line *l)
{
	struct strv pending = { 0 };
	enum standing stands;

	if (l->failed) {
		doctor_add(out, DOCTOR_ERROR, "line-failed", "%s", l->err.text);
		return;
	}
	if (!l->known) {
		doctor_add(out, DOCTOR_ERROR, "line-new",
			   "the line is not set up yet: run certline init");
		return;
	}
	stands = pending_find(&pending, NULL, w, l);
	for (size_t i = 0; i < pending.n; i++)
		doctor_add(out, stands == STANDS_WAITING ? DOCTOR_NOTE : DOCTOR_ERROR, "pending", "%s",
			   pending.v[i]);
	strv_free(&pending);
}

/* CAA ------------------------------------------------------------------------------------------- */

#define CAA_MS	   ((int64_t)60 * 1000) /* after this no more lines are looked at */
#define LAST_MS	   ((int64_t)60 * 1000) /* for the last of them */

/* What a CA calls itself, asked once. */
struct known_ca {
	const char *directory;
	struct strv issuers;
	char *problem; /* NULL: it has told */
};

struct caa_job {
	const struct line_config *const *lines;
	size_t n;
	struct known_ca *cas; /* the worker's */
	size_t cas_n;
	int64_t until_ms;
};

static bool has_ca(const struct line_config *c)
{
	return c->issuer == ISSUER_ACME && c->cas.n;
}

static const struct known_ca *ask_ca(struct caa_job *j, const struct line_config *c)
{
	struct session_config sc = { .directory = ca_directory(c->cas.v[0]),
				     .ca_file = c->ca_file,
				     .request_ms = 10000,
				     .run_ms = 15000 };
	struct session *session;
	struct known_ca *ca;
	struct err e;

	for (size_t i = 0; i < j->cas_n; i++)
		if (strcmp(j->cas[i].directory, sc.directory) == 0)
			return &j->cas[i];
	j->cas = mem_resize(j->cas, j->cas_n + 1, sizeof(*j->cas));
	ca = &j->cas[j->cas_n++];
	*ca = (struct known_ca){ .directory = sc.directory };
	if (session_open(&session, &sc, &e) < 0) {
		ca->problem = mem_format("the CA could not be asked how it is called: %s", e.text);
		return ca;
	}
	strv_copy(&ca->issuers, &session_directory(session)->identities);
	session_close(session);
	return ca;
}

static void put_caa(struct json *list, enum doctor_severity s, const char *text)
{
	struct json *o = json_put(list, NULL, json_object());

	json_put_bool(o, "error", s == DOCTOR_ERROR);
	json_put_str(o, "text", text);
}

static void look_at_caa(struct json *list, struct caa_job *j, const struct line_config *c)
{
	const struct known_ca *ca;
	struct caa_verdict v;
	struct ca_account a;
	struct err e;

	if (clock_monotonic_ms() > j->until_ms) {
		put_caa(list, DOCTOR_WARNING, "there was no time left");
		return;
	}
	ca = ask_ca(j, c);
	if (ca->problem) {
		put_caa(list, DOCTOR_WARNING, ca->problem);
		return;
	}
	if (ca_read(&a, c, c->cas.v[0], &e) < 0)
		put_caa(list, DOCTOR_WARNING, e.text);
	caa_check(&v, c, &ca->issuers, a.url);
	for (size_t i = 0; i < v.refusals.n; i++)
		put_caa(list, DOCTOR_ERROR, v.refusals.v[i]);
	for (size_t i = 0; i < v.doubts.n; i++)
		put_caa(list, DOCTOR_WARNING, v.doubts.v[i]);
	caa_verdict_free(&v);
	ca_close(&a);
}

static int caa_work(void *arg, int out_fd)
{
	struct caa_job *j = arg;
	struct json *all = json_array();

	for (size_t i = 0; i < j->n; i++) {
		struct json *list = json_put(all, NULL, json_array());

		if (has_ca(j->lines[i]))
			look_at_caa(list, j, j->lines[i]);
	}
	for (size_t i = 0; i < j->cas_n; i++) {
		free(j->cas[i].problem);
		strv_free(&j->cas[i].issuers);
	}
	free(j->cas);
	return worker_report(out_fd, all);
}

static void take_caa(struct doctor_findings *out, const struct json *list)
{
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *o = json_at(list, i);

		if (json_bool(o, "error", false))
			doctor_add(out, DOCTOR_ERROR, "caa-refuses", "%s", json_str(o, "text", "?"));
		else
			doctor_add(out, DOCTOR_WARNING, "caa-unknown", "CAA was not checked: %s",
				   json_str(o, "text", "?"));
	}
}

void doctor_find_caa(struct doctor_findings *const *out, const struct line_config *const *lines, size_t n)
{
	struct caa_job j = { .lines = lines, .n = n, .until_ms = clock_monotonic_ms() + CAA_MS };
	struct err e = { 0 };
	struct json *all;
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= has_ca(lines[i]);
	if (!any)
		return;
	all = worker_run(caa_work, &j, CAA_MS + LAST_MS, n, &e);
	for (size_t i = 0; i < n; i++) {
		if (all)
			take_caa(out[i], json_at(all, i));
		else if (has_ca(lines[i]))
			doctor_add(out[i], DOCTOR_WARNING, "caa-unknown", "CAA was not checked: %s",
				   e.text);
	}
	json_free(all);
}
