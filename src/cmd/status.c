/* status.c - `certline status`: every line, on 80 columns or as JSON.  Reads only, takes no lock.
 * Touches: stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/when.h"
#include "core/ca.h"
#include "io/json.h"
#include "run/notify.h"
#include "run/servers.h"
#include "run/suggest.h"
#include "sys/fs.h"

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define PLAIN "\033[0m"

#define REVOKED_NEWS_FOR ((int64_t)30 * DAY)        /* how long a revocation is told */

static void when_text(char out[WHEN_TEXT_LEN], const struct view *v)
{
	char rough[WHEN_TEXT_LEN];

	if (v->next.at == WHEN_NEVER) {
		snprintf(out, WHEN_TEXT_LEN, "-");
	} else if (v->next.at <= v->now) {
		snprintf(out, WHEN_TEXT_LEN, "now");
	} else {
		when_format_rough(rough, v->next.at - v->now);
		snprintf(out, WHEN_TEXT_LEN, "in %.24s", rough);
	}
}

static void print_head(bool color)
{
	printf("%s%-22s %-9s %8s %9s  %-14s %s%s\n", color ? BOLD : "", "LINE", "PHASE", "KEY AGE",
	       "CERT LEFT", "NEXT", "WHEN", color ? PLAIN : "");
}

static void print_problem(const struct view *v, const char *text)
{
	if (v->color)
		fputs(RED, stdout);
	print_wrapped(text, "  ! ", "    ", 80);
	if (v->color)
		fputs(PLAIN, stdout);
}

static void print_records(const struct view *v)
{
	const struct set *s = &v->l->ledger.set;

	for (size_t i = 0; i < s->n; i++) {
		if (!*s->v[i].owner)
			continue;
		if (i == 0 || strcmp(s->v[i].owner, s->v[i - 1].owner) != 0)
			printf("    %s\n", s->v[i].owner);
		printf("      %.30s...  %s%s\n", s->v[i].data,
		       s->v[i].keyset == v->f.live.id ? "live"
		       : v->f.staging.present && s->v[i].keyset == v->f.staging.id ? "staging"
		       : s->v[i].keyset ? "retired" : "of another line",
		       s->v[i].published_at ? "" : ", not published yet");
	}
}

static bool issued_by(const struct generation *g, const char *ca)
{
	const char *directory = ca_directory(ca);

	return directory && strcmp(directory, g->ca) == 0;
}

/* What is served is of a CA, and not of the first one configured. */
static bool is_fallback(const struct view *v)
{
	const struct line_config *c = v->l->cfg;
	const struct generation *g = &v->l->live;

	return g->number && g->ca && c->issuer == ISSUER_ACME && c->cas.n && !issued_by(g, c->cas.v[0]);
}

static void print_fallback(const struct view *v)
{
	const struct strv *cas = &v->l->cfg->cas;
	const char *ca = NULL;
	char *text;

	if (!is_fallback(v))
		return;
	for (size_t i = 1; i < cas->n && !ca; i++)
		if (issued_by(&v->l->live, cas->v[i]))
			ca = cas->v[i];
	if (ca)
		text = mem_format("CA in use: %s, instead of %s, the first one configured", ca, cas->v[0]);
	else
		text = mem_format("CA in use: %s, which is not configured any more", v->l->live.ca);
	print_wrapped(text, "    ", "      ", 80);
	free(text);
}

/* With -v it stands beside the instant. */
static void print_explanation(const struct view *v)
{
	const struct suggestion *s;
	char *text;

	if (!v->l->live.number || !suggest_at(v->l, &v->l->live, &s) || !s->explanation)
		return;
	text = mem_format("the CA explains when it suggests to renew: %s", s->explanation);
	print_wrapped(text, "    ", "      ", 80);
	free(text);
}

static const char *role_of(const struct view *v, const struct keyset *k)
{
	if (k->id == v->f.live.id)
		return "live";
	return k->removed_at ? "former" : k->retired_at ? "old" : "staged";
}

static void print_revocations(const struct view *v)
{
	const struct ledger *g = &v->l->ledger;
	char at[WHEN_TEXT_LEN], *text;

	for (size_t i = 0; i < g->keysets_n; i++) {
		const struct keyset *k = &g->keysets[i];

		if (!k->revoked_at || v->now - k->revoked_at >= REVOKED_NEWS_FOR)
			continue;
		when_format_minute(at, k->revoked_at);
		text = mem_format("revoked: certificates of the %s key (keyset %d), on %s UTC", role_of(v, k), k->id,
				  at);
		print_wrapped(text, "    ", "      ", 80);
		free(text);
	}
}

static void put_revocations(struct json *o, const struct ledger *g)
{
	struct json *list = json_put(o, "revoked", json_array());

	for (size_t i = 0; i < g->keysets_n; i++) {
		struct json *r;

		if (!g->keysets[i].revoked_at)
			continue;
		r = json_put(list, NULL, json_object());
		json_put_int(r, "keyset", g->keysets[i].id);
		put_instant(r, "at", g->keysets[i].revoked_at);
	}
}

/* Who issued what is served, and when that is renewed. */
static void print_certificate(const struct view *v)
{
	const struct generation *g = &v->l->live;
	const struct suggestion *s;
	char at[WHEN_TEXT_LEN];

	if (!g->number)
		return;
	when_format_minute(at, v->f.live.cert_until_at);
	printf("    certificate: %s, until %s UTC%s\n", g->ca ? g->ca : g->issuer, at,
	       v->f.live.bootstrap ? ", a stand-in until the CA has answered" : "");
	if (!suggest_at(v->l, g, &s))
		return;
	when_format_minute(at, s->at);
	printf("    the CA suggests to renew it: %s UTC%s%s\n", at, s->explanation ? ", see " : "",
	       s->explanation ? s->explanation : "");
}

static void put_certificate(struct json *o, const struct view *v)
{
	const struct generation *g = &v->l->live;
	const struct suggestion *s;
	struct json *list;

	if (!g->number)
		return;
	json_put_str(o, "issuer", g->issuer);
	json_put_str(o, "ca", g->ca);
	json_put_bool(o, "fallback", is_fallback(v));
	json_put_bool(o, "stand_in", v->f.live.bootstrap);
	list = json_put(o, "serials", json_array());
	for (size_t i = 0; i < g->leaves_n; i++)
		json_put_str(list, NULL, g->leaves[i].serial);
	put_instant(o, "renew_at", rollover_renew_at(&v->l->policy, &v->f.live));
	if (!suggest_at(v->l, g, &s))
		return;
	put_instant(o, "suggested_at", s->at);
	json_put_str(o, "explanation", s->explanation);
}

/* What was ordered and is not done, and why somebody did so. */
static void print_orders(const struct view *v)
{
	const struct ledger *g = &v->l->ledger;

	for (size_t i = 0; i < v->orders.n; i++)
		printf("    ordered: %s\n", v->orders.v[i]);
	for (size_t i = 0; i < g->keysets_n; i++) {
		const struct keyset *k = &g->keysets[i];

		if (k->compromised && !k->removed_at)
			printf("    compromised: the %s key (generation %d)\n", role_of(v, k), k->gen);
		if (k->revoke_gen)
			printf("    ordered: the certificates of the %s key are to be revoked%s\n", role_of(v, k),
			       k->revoke_now ? "" : " when another one is served");
	}
}

static void print_servers(const struct view *v)
{
	struct servers_row *rows;
	size_t n;

	servers_rows(&rows, &n, v->w, v->l);
	for (size_t i = 0; i < n; i++) {
		const struct servers_row *r = &rows[i];
		char at[WHEN_TEXT_LEN], until[WHEN_TEXT_LEN], *text;

		when_format_minute(at, r->view->looked_at);
		when_format_minute(until, r->view->until_at);
		if (r->key)
			text = mem_format("%s at %s: %s (%s)%s, until %s UTC; looked at %s UTC", r->endpoint->name,
					  r->endpoint->address, r->key, key_family_name(r->family),
					  r->good && !r->current ? " by an old certificate" : "", until, at);
		else
			text = mem_format("%s at %s: %s (%s); looked at %s UTC", r->endpoint->name, r->endpoint->address,
					  r->view->why ? r->view->why : served_state_name(r->view->state),
					  key_family_name(r->family), at);
		print_wrapped(text, "    ", "      ", 80);
		free(text);
	}
	servers_rows_free(rows, n);
}

static void put_servers(struct json *o, const struct view *v)
{
	struct json *list = json_put(o, "endpoints", json_array());
	struct servers_row *rows;
	size_t n;

	servers_rows(&rows, &n, v->w, v->l);
	for (size_t i = 0; i < n; i++) {
		const struct served_view *s = rows[i].view;
		struct json *r = json_put(list, NULL, json_object());

		json_put_str(r, "name", rows[i].endpoint->name);
		json_put_str(r, "address", rows[i].endpoint->address);
		json_put_str(r, "family", key_family_name(rows[i].family));
		json_put_str(r, "state", served_state_name(s->state));
		json_put_str(r, "key", rows[i].key);
		json_put_bool(r, "ok", rows[i].good && rows[i].current);
		json_put_bool(r, "current", rows[i].current);
		put_instant(r, "looked", s->looked_at);
		if (s->why)
			json_put_str(r, "why", s->why);
		put_instant(r, "failing", s->failing_at);
		if (!*s->spki)
			continue;
		json_put_str(r, "spki", s->spki);
		json_put_str(r, "serial", s->serial);
		put_instant(r, "not_after", s->until_at);
		put_instant(r, "seen", s->seen_at);
		put_instant(r, "since", s->spki_since_at);
	}
	servers_rows_free(rows, n);
}

static void print_view(const struct view *v, bool verbose)
{
	char age[WHEN_TEXT_LEN] = "-", left[WHEN_TEXT_LEN] = "-", when[WHEN_TEXT_LEN];
	const char *phase = rollover_phase_name(rollover_phase(&v->f));
	char *why;

	print_cell(v->l->cfg->name, 0, 22);
	if (v->l->failed) {
		printf(" %-9s\n", "?");
		print_problem(v, v->l->err.text);
		return;
	}
	if (v->f.live.present) {
		when_format_rough(age, v->now - v->f.live.created_at);
		when_format_rough(left, v->f.live.cert_until_at - v->now);
	}
	when_text(when, v);
	printf(" %-9s %8s %9s  %-14s %s\n", phase, age, left,
	       v->next.step == DO_NOTHING ? "-" : rollover_step_name(v->next.step), when);
	if (!v->l->known) {
		print_wrapped("not set up yet: run certline init", "    ", "    ", 80);
		return;
	}
	why = forecast_reason(&v->next, v->held);
	print_wrapped(why, "    ", "    ", 80);
	free(why);
	print_orders(v);
	print_revocations(v);
	print_fallback(v);
	if (!verbose)
		print_explanation(v);
	for (size_t i = 0; i < v->pending.n; i++)
		print_problem(v, v->pending.v[i]);
	for (size_t i = 0; i < v->warnings.n; i++)
		print_wrapped(v->warnings.v[i], "    note: ", "          ", 80);
	if (verbose) {
		print_certificate(v);
		print_records(v);
		print_servers(v);
	}
}

static void put_key(struct json *o, const char *name, const struct key_facts *k, bool verifies)
{
	struct json *j;

	if (!k->present)
		return;
	j = json_put(o, name, json_object());
	json_put_int(j, "keyset", k->id);
	json_put_int(j, "generation", k->gen);
	put_instant(j, "created", k->created_at);
	put_instant(j, "staged", k->staged_at);
	put_instant(j, "retired", k->retired_at);
	put_instant(j, "not_before", k->cert_from_at);
	put_instant(j, "not_after", k->cert_until_at);
	put_instant(j, "published", k->published_at);
	if (verifies) {
		json_put_str(j, "dns", k->sight == SIGHT_GO ? "go" : k->sight == SIGHT_WAIT ? "wait" : "hold");
		put_instant(j, "safe", k->safe_at);
		if (k->seen)
			json_put_str(j, "dns_why", k->seen);
	}
	if (k->compromised)
		json_put_bool(j, "compromised", true);
}

static void put_view(struct json *lines, const struct view *v)
{
	struct json *o = json_put(lines, NULL, json_object()), *list;
	const struct set *s = &v->l->ledger.set;

	json_put_str(o, "line", v->l->cfg->name);
	json_put_bool(o, "ok", !v->l->failed && v->l->known && v->pending.n == 0);
	if (v->l->failed) {
		json_put_str(o, "error", v->l->err.text);
		return;
	}
	json_put_bool(o, "set_up", v->l->known);
	json_put_str(o, "phase", rollover_phase_name(rollover_phase(&v->f)));
	if (v->f.live.present) {
		json_put_int(o, "key_age", v->now - v->f.live.created_at);
		json_put_int(o, "certificate_left", v->f.live.cert_until_at - v->now);
	}
	json_put_str(o, "next", v->next.step == DO_NOTHING ? NULL : rollover_step_name(v->next.step));
	put_instant(o, "next_at", v->next.at);
	json_put_str(o, "waits", v->held == DO_NOTHING ? NULL : rollover_step_name(v->held));
	json_put_str(o, "why", v->next.why);
	json_put_str(o, "detail", v->next.detail);
	json_put_texts(o, "orders", &v->orders);
	json_put_texts(o, "pending", &v->pending);
	json_put_texts(o, "warnings", &v->warnings);
	put_revocations(o, &v->l->ledger);
	put_certificate(o, v);
	put_servers(o, v);
	put_key(o, "live", &v->f.live, v->l->policy.verifies);
	put_key(o, "staging", &v->f.staging, v->l->policy.verifies);
	put_key(o, "retired", &v->f.retired, false);
	list = json_put(o, "records", json_array());
	for (size_t i = 0; i < s->n; i++) {
		struct json *r;

		if (!*s->v[i].owner)
			continue;
		r = json_put(list, NULL, json_object());
		json_put_str(r, "owner", s->v[i].owner);
		json_put_str(r, "data", s->v[i].data);
		json_put_int(r, "keyset", s->v[i].keyset);
		put_instant(r, "published", s->v[i].published_at);
	}
}

/* A line that was renamed or taken out of the configuration may still have records that servers need. */
static void mention_strangers(const struct scene *s)
{
	char *lines = mem_format("%s/lines", s->config.state);
	struct strv names = { 0 };
	struct err ignored;

	if (fs_list(&names, lines, &ignored) == 0)
		for (size_t i = 0; i < names.n; i++) {
			char *owed = mem_format("%s/%s/challenges.json", lines, names.v[i]);
			bool owes = access(owed, F_OK) == 0;

			if (!config_find(&s->config, names.v[i]))
				complain("line %s is in the store (%s/%s), but not in this configuration%s%s",
					 names.v[i], lines, names.v[i],
					 owes ? "; its challenges are still in place, as it says in " : "",
					 owes ? owed : "");
			free(owed);
		}
	strv_free(&names);
	free(lines);
}

/* Of no line, and no reason for another exit status: the next run tries again. */
static void mention_messages(const struct scene *s, const struct args *a, struct json *doc)
{
	struct err e;
	char *text = notify_waiting(&s->config, &e);

	if (e.kind != ERR_NONE)
		complain("notify: %s", e.text);
	json_put_str(doc, "notify", text);
	if (text && !a->json && !a->quiet)
		print_wrapped(text, "note: ", "      ", 80);
	free(text);
}

enum exit_status cmd_status(const struct args *a)
{
	struct json *doc, *lines;
	enum exit_status status;
	struct scene s;

	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	doc = begin_document(&lines, "lines");
	if (!a->json && !a->quiet)
		print_head(colorful(a));
	for (size_t i = 0; i < s.n; i++) {
		struct view v;

		view_take(&v, &s, s.lines[i]);
		v.color = colorful(a);
		status = view_status(&v, status);
		if (a->json)
			put_view(lines, &v);
		else if (!a->quiet)
			print_view(&v, a->verbose);
		view_free(&v);
	}
	if (a->lines.n == 0 && !a->quiet)
		mention_strangers(&s);
	mention_messages(&s, a, doc);
	end_document(doc, a);
	scene_close(&s);
	return status;
}
