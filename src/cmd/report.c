/* report.c - `certline report`: all that is known of the lines as one HTML page, from what is on disk:
 * nobody is asked, no lock is taken, nothing is changed.
 * Touches: the file that --html names, stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/when.h"
#include "cmd/html.h"
#include "cmd/markup.h"
#include "cmd/svg.h"
#include "run/history.h"
#include "run/servers.h"
#include "sys/clock.h"

#define PAGE_MAX ((size_t)64 << 20)

/* How much a line needs somebody. */
static const struct {
	const char *state, *text;
} needs[] = {
	[STANDS_WELL] = { "good", "fine" },
	[STANDS_WAITING] = { "note", "waits for a CA" },
	[STANDS_NEW] = { "note", "not set up yet" },
	[STANDS_BADLY] = { "bad", "needs attention" },
	[STANDS_FAILED] = { "bad", "cannot be read" },
};
_Static_assert(ARRAY_LEN(needs) == STANDINGS_N, "a word for each");

struct report {
	struct buf   *out;
	struct view  *views;
	size_t        n;
	struct view **urgent;           /* the same, in the order in which they need somebody */
	int64_t       now, until_at;
};

static int by_need(const void *a, const void *b)
{
	const struct view *x = *(const struct view *const *)a, *y = *(const struct view *const *)b;

	if (x->stands != y->stands)
		return x->stands < y->stands ? 1 : -1;
	if (x->f.live.cert_until_at != y->f.live.cert_until_at)
		return x->f.live.cert_until_at < y->f.live.cert_until_at ? -1 : 1;
	return strcmp(x->l->cfg->name, y->l->cfg->name);
}

static size_t fine(const struct report *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->views[i].stands == STANDS_WELL;
	return n;
}

/* Summary ------------------------------------------------------------------------------------------- */

/* The name of a line, which leads to its part of the page. */
static void add_link(const struct report *r, const struct view *v)
{
	buf_addf(r->out, "<a href=\"#line-%zu\">", (size_t)(v - r->views) + 1);
	markup_text(r->out, v->l->cfg->name);
	buf_add_str(r->out, "</a>");
}

static const char *first_words(const struct view *v)
{
	if (v->l->failed)
		return v->l->err.text;
	return v->pending.n ? v->pending.v[0] : "run certline init";
}

static void add_attention(const struct report *r)
{
	buf_add_str(r->out, "<ol>\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct view *v = r->urgent[i];

		if (v->stands == STANDS_WELL)
			continue;
		buf_add_str(r->out, "<li>");
		add_link(r, v);
		buf_add_char(r->out, ' ');
		html_state(r->out, needs[v->stands].state, needs[v->stands].text);
		buf_add_char(r->out, ' ');
		markup_text(r->out, first_words(v));
		if (v->pending.n > 1)
			buf_addf(r->out, " (and %zu more)", v->pending.n - 1);
		buf_add_str(r->out, "</li>\n");
	}
	buf_add_str(r->out, "</ol>\n");
}

static const char *next_name(const struct view *v)
{
	return v->next.step == DO_NOTHING ? "-" : rollover_step_name(v->next.step);
}

static void add_overview(const struct report *r)
{
	static const char *const columns[] = { "Line", "Status", "Phase", "Key age", "Certificate left",
					       "Next", "When" };
	struct html_table t;
	char age[WHEN_TEXT_LEN], left[WHEN_TEXT_LEN], id[32];

	html_table_begin(&t, r->out, "All lines", false, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < r->n; i++) {
		const struct view *v = &r->views[i];

		snprintf(id, sizeof(id), "line-%zu", i + 1);
		html_row_link(&t, id, v->l->cfg->name);
		html_cell_state(&t, needs[v->stands].state, needs[v->stands].text);
		when_format_rough(age, v->now - v->f.live.created_at);
		when_format_rough(left, v->f.live.cert_until_at - v->now);
		html_cell(&t, v->l->failed ? NULL : rollover_phase_name(rollover_phase(&v->f)));
		html_cell(&t, v->f.live.present ? age : NULL);
		html_cell(&t, v->f.live.present ? left : NULL);
		html_cell(&t, v->l->failed ? NULL : next_name(v));
		if (!v->l->failed && v->next.at <= v->now)
			html_cell(&t, "at the next run");
		else
			html_cell_time(&t, v->l->failed ? 0 : v->next.at);
		html_row_end(&t);
	}
	html_table_end(&t);
}

static void add_summary(const struct report *r)
{
	size_t good = fine(r);
	char *text;

	html_heading(r->out, 2, NULL, "Summary");
	if (good == r->n)
		text = mem_format("%s fine.", r->n == 1 ? "The line is" : "All lines are");
	else if (r->n == 1)
		text = mem_copy_str("The line is not fine. What needs somebody:");
	else
		text = mem_format("%zu of %zu lines %s fine. What needs somebody, most urgent first:", good, r->n,
				  good == 1 ? "is" : "are");
	html_paragraph(r->out, "lead", text);
	free(text);
	if (good < r->n)
		add_attention(r);
	add_overview(r);
}

/* The plan ------------------------------------------------------------------------------------------ */

static void add_plan(const struct report *r)
{
	const struct svg_window window = { r->now, r->until_at };
	struct timeline *t = mem_array(r->n, sizeof(*t));

	for (size_t i = 0; i < r->n; i++)
		timeline_take(&t[i], &r->views[i], r->until_at);
	html_heading(r->out, 2, "plan", "Plan");
	html_paragraph(r->out, "quiet", "If everything succeeds, and certline cron runs all the time.");
	html_picture_begin(r->out, "Plan");
	svg_timelines(r->out, t, r->n, &window, false);
	html_picture_end(r->out);
	for (size_t i = 0; i < r->n; i++)
		timeline_free(&t[i]);
	free(t);
}

/* Keys and records ---------------------------------------------------------------------------------- */

static void add_key(struct html_table *t, const char *role, const struct generation *g,
		    const struct keyset *k, int64_t published_at)
{
	char *is = mem_format("%s%s", role, k && k->compromised ? ", compromised" : "");

	for (size_t i = 0; i < g->leaves_n; i++) {
		const struct leaf *leaf = &g->leaves[i];
		char *name = mem_format("key %d, %s", g->keyset, key_type_name(leaf->type));

		html_row_begin(t, name);
		html_cell(t, is);
		html_cell_time(t, g->key_created_at);
		html_cell_time(t, published_at);
		html_cell(t, g->bootstrap ? "a stand-in" : g->ca ? g->ca : g->issuer);
		html_cell_time(t, leaf->until_at);
		html_cell_code(t, leaf->serial);
		html_row_end(t);
		free(name);
	}
	free(is);
}

static void add_keys(const struct report *r, const struct view *v)
{
	static const char *const columns[] = { "Key", "Is", "Made", "Published", "Certificate by",
					       "Valid until", "Serial" };
	struct html_table t;
	const struct line *l = v->l;

	html_heading(r->out, 3, NULL, "Keys and certificates");
	html_table_begin(&t, r->out, "Keys and certificates", false, columns, ARRAY_LEN(columns));
	add_key(&t, "live", &l->live, ledger_keyset(&l->ledger, l->live.keyset), v->f.live.published_at);
	add_key(&t, "staged", &l->staging, ledger_keyset(&l->ledger, l->staging.keyset), v->f.staging.published_at);
	for (size_t i = 0; i < l->retired_n; i++)
		add_key(&t, "retired", &l->retired[i], ledger_keyset(&l->ledger, l->retired[i].keyset), 0);
	html_table_end(&t);
}

static void add_records(const struct report *r, const struct line *l)
{
	static const char *const columns[] = { "Owner", "TLSA record", "Of key", "Published" };
	struct html_table t;
	const struct set *s = &l->ledger.set;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += *s->v[i].owner != '\0';
	if (n == 0)
		return;
	html_heading(r->out, 3, NULL, "TLSA records");
	html_table_begin(&t, r->out, "TLSA records", false, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < s->n; i++) {
		char key[32] = "of another line";

		if (!*s->v[i].owner)
			continue;
		if (s->v[i].keyset)
			snprintf(key, sizeof(key), "key %d", s->v[i].keyset);
		html_row_begin(&t, s->v[i].owner);
		html_cell_code(&t, s->v[i].data);
		html_cell(&t, key);
		html_cell_time(&t, s->v[i].published_at);
		html_row_end(&t);
	}
	html_table_end(&t);
}

/* History ------------------------------------------------------------------------------------------- */

#define HISTORY_MAX 40          /* the newest; the command prints all of it */

static void add_history(const struct report *r, const struct line *l)
{
	struct history_rows all = { 0 };
	struct html_event *rows;
	size_t damaged, n;
	struct err e;
	char *text;
	bool cut;
	int rc = history_read(&all, &damaged, &cut, l->cfg, &e);

	if (all.n || damaged || rc < 0)
		html_heading(r->out, 3, NULL, "History");
	if (rc < 0)
		html_paragraph(r->out, "bad", e.text);
	if (damaged) {
		text = mem_format("history.jsonl: %zu damaged row%s left out.", damaged,
				  damaged == 1 ? " is" : "s are");
		html_paragraph(r->out, "bad", text);
		free(text);
	}
	if (cut)
		html_paragraph(r->out, NULL, "history.jsonl is very long: only its end was read.");
	n = all.n < HISTORY_MAX ? all.n : HISTORY_MAX;
	rows = mem_array(n, sizeof(*rows));
	for (size_t i = 0; i < n; i++) {
		const struct history_row *h = &all.v[all.n - 1 - i];

		rows[i] = (struct html_event){ .at = h->at, .event = life_name(h->what), .keyset = h->keyset,
					       .gen = h->gen, .text = h->text };
	}
	html_history(r->out, rows, n);
	free(rows);
	history_rows_free(&all);
}

/* Servers ------------------------------------------------------------------------------------------- */

static void add_endpoints(const struct report *r, const struct view *v)
{
	struct html_endpoint *out;
	struct servers_row *rows;
	size_t n;

	servers_rows(&rows, &n, v->w, v->l);
	out = mem_array(n, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		const struct servers_row *s = &rows[i];
		bool good = s->good && s->current;

		out[i] = (struct html_endpoint){
			.owner = s->endpoint->name,
			.address = s->endpoint->address,
			.family = key_family_name(s->family),
			.state = good ? "good" : s->key ? "bad" : "note",
			.key = !s->key ? "none seen" : s->good && !s->current ? "the live key, by an old certificate" : s->key,
			.cert_until_at = s->key ? s->view->until_at : 0,
			.seen_at = s->view->seen_at,
			.error = s->view->why,
		};
	}
	html_endpoints(r->out, out, n);
	free(out);
	servers_rows_free(rows, n);
}

/* DNS ----------------------------------------------------------------------------------------------- */

static void add_covering(struct html_table *t, const char *word)
{
	if (strcmp(word, "-") == 0)
		html_cell(t, word);
	else
		html_cell_state(t, strcmp(word, "yes") == 0 ? "good" : "note", word);
}

static void add_server(struct html_table *t, const struct horizon *h, const struct horizon_server *s,
		       const struct column *c)
{
	char ttl[WHEN_TEXT_LEN] = "", records[16], *serial = NULL;

	if (s->ttl_for)
		when_format_duration(ttl, s->ttl_for);
	server_records(records, s, "");
	if (s->serial)
		serial = mem_format("%lu", (unsigned long)s->serial);
	html_row_begin(t, s->id);
	html_cell(t, s->names);
	html_cell(t, serial);
	html_cell(t, ttl);
	html_cell(t, records);
	for (size_t i = 0; i < COLUMNS_N; i++)
		add_covering(t, server_covers(h, s, c[i].keyset));
	html_cell_time(t, s->signed_until_at);
	html_cell_time(t, s->answered_at);
	html_cell(t, s->why ? s->why
			  : s->listed ? NULL : "left the zone's server set; resolvers may still ask it");
	html_row_end(t);
	free(serial);
}

static void add_owner(const struct report *r, const struct view *v, const struct horizon *h)
{
	static const char *const columns[] = { "Server, zone", "Names", "Serial", "TTL", "Records",
					       "Live key", "Staged key", "Old key", "Signed until",
					       "Answered", "Note" };
	struct html_table t;
	struct column c[COLUMNS_N];
	char *caption = mem_format("%s (%s%s)", h->owner, horizon_security_name(h->security),
				   h->wildcard ? ", wildcard" : "");

	columns_of(c, v->l);
	html_table_begin(&t, r->out, caption, true, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < h->servers_n; i++)
		add_server(&t, h, &h->servers[i], c);
	html_table_end(&t);
	free(caption);
	buf_add_str(r->out, "<p class=\"quiet\">Asked last at ");
	html_time(r->out, h->looked_at);
	buf_add_str(r->out, "</p>\n");
	if (h->why)
		html_paragraph(r->out, NULL, h->why);
	for (size_t i = 0; i < COLUMNS_N; i++) {
		size_t k = horizon_place(h, c[i].keyset);

		if (!c[i].keyset || k == h->keysets_n || h->keysets[k].stale_until_at <= v->now)
			continue;
		buf_addf(r->out, "<p>Caches may hold a set without the %s key until ", c[i].name);
		html_time(r->out, h->keysets[k].stale_until_at);
		buf_add_str(r->out, ".</p>\n");
	}
}

/* What follows from that for a key. */
static void add_sight(const struct report *r, const char *name, const struct key_facts *k)
{
	if (!k->present)
		return;
	buf_addf(r->out, "<p>%s key: %s", name, sight_name(k->sight));
	if (k->sight == SIGHT_WAIT && k->safe_at != WHEN_NEVER) {
		buf_add_str(r->out, " until ");
		html_time(r->out, k->safe_at);
	}
	buf_add_str(r->out, k->seen ? ": " : ".");
	markup_text(r->out, k->seen);
	buf_add_str(r->out, "</p>\n");
}

static void add_dns(const struct report *r, const struct view *v)
{
	const struct line *l = v->l;

	if (!l->cfg->owners.n)
		return;
	html_heading(r->out, 3, NULL, "What name servers show");
	if (!l->policy.verifies)
		html_paragraph(r->out, NULL, "verify = no: name servers are not asked.");
	if (!l->policy.verifies)
		return;
	add_sight(r, "Live", &v->f.live);
	add_sight(r, "Staged", &v->f.staging);
	if (!l->ledger.eyes_n)
		html_paragraph(r->out, NULL, "Name servers were not asked yet.");
	for (size_t i = 0; i < l->ledger.eyes_n; i++)
		add_owner(r, v, &l->ledger.eyes[i]);
}

/* Lines --------------------------------------------------------------------------------------------- */

static void add_next(const struct report *r, const struct view *v)
{
	char *why = forecast_reason(&v->next, v->held), rough[WHEN_TEXT_LEN];

	buf_addf(r->out, "<p>Phase: %s. ", rollover_phase_name(rollover_phase(&v->f)));
	if (v->next.step == DO_NOTHING) {
		buf_add_str(r->out, "Nothing comes by time alone: ");
	} else if (v->next.at <= v->now) {
		buf_addf(r->out, "Next: %s, at the next run: ", next_name(v));
	} else {
		when_format_rough(rough, v->next.at - v->now);
		buf_addf(r->out, "Next: %s on ", next_name(v));
		html_time(r->out, v->next.at);
		buf_addf(r->out, " (in %s): ", rough);
	}
	markup_text(r->out, why);
	buf_add_str(r->out, ".</p>\n");
	free(why);
}

static void add_line(const struct report *r, const struct view *v)
{
	char *id = mem_format("line-%zu", (size_t)(v - r->views) + 1), *orders = strv_join(&v->orders, ", ");

	buf_add_str(r->out, "<section>\n");
	html_heading(r->out, 2, id, v->l->cfg->name);
	buf_add_str(r->out, "<p>");
	html_state(r->out, needs[v->stands].state, needs[v->stands].text);
	buf_add_str(r->out, "</p>\n");
	if (v->l->failed) {
		html_paragraph(r->out, NULL, v->l->err.text);
	} else if (!v->l->known) {
		html_paragraph(r->out, NULL, "Run certline init to set it up.");
	} else {
		add_next(r, v);
		if (v->orders.n) {
			buf_add_str(r->out, "<p>Ordered: ");
			markup_text(r->out, orders);
			buf_add_str(r->out, ".</p>\n");
		}
		html_list(r->out, "bad", &v->pending);
		html_list(r->out, "note", &v->warnings);
		add_keys(r, v);
		add_records(r, v->l);
		add_dns(r, v);
		add_endpoints(r, v);
		add_history(r, v->l);
	}
	buf_add_str(r->out, "</section>\n");
	free(orders);
	free(id);
}

static void add_page(const struct report *r)
{
	char *title = mem_format("certline: %zu of %zu line%s fine", fine(r), r->n, r->n == 1 ? "" : "s");

	html_begin(r->out, title);
	html_heading(r->out, 1, NULL, "certline report");
	buf_add_str(r->out, "<p class=\"quiet\">Made at ");
	html_time(r->out, r->now);
	buf_add_str(r->out, " by certline " CERTLINE_VERSION ". All times are UTC. Nobody was asked for it: "
			    "servers are shown as they were last seen.</p>\n");
	add_summary(r);
	add_plan(r);
	for (size_t i = 0; i < r->n; i++)
		add_line(r, &r->views[i]);
	html_end(r->out);
	free(title);
}

enum exit_status cmd_report(const struct args *a)
{
	struct report r = { .now = clock_now(), .until_at = when_add(clock_now(), a->days * DAY) };
	enum exit_status status;
	struct scene s;
	struct buf out;

	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	buf_init(&out, PAGE_MAX);
	r.out = &out;
	r.n = s.n;
	r.views = mem_array(s.n, sizeof(*r.views));
	r.urgent = mem_array(s.n, sizeof(struct view *));
	for (size_t i = 0; i < s.n; i++) {
		view_take(&r.views[i], &s, s.lines[i]);
		status = view_status(&r.views[i], status);
		r.urgent[i] = &r.views[i];
	}
	if (s.n)
		qsort(r.urgent, s.n, sizeof(struct view *), by_need);
	add_page(&r);
	if (print_file(a->html, &out) < 0)
		status = EXIT_BAD;
	for (size_t i = 0; i < s.n; i++)
		view_free(&r.views[i]);
	free(r.views);
	free(r.urgent);
	buf_free(&out);
	scene_close(&s);
	return status;
}
