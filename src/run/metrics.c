/* metrics.c - the table of metrics.
 * Touches: the files that [run] metrics-file names.
 */
#include "run/metrics.h"

#include "base/mem.h"
#include "base/when.h"
#include "run/observe.h"
#include "run/pending.h"
#include "sys/fs.h"

#define FILE_MAX ((size_t)256 << 20)

struct view {
	struct line    *l;
	struct facts    f;
	struct forecast next;
	size_t          pending;
	bool            ok;
	struct metric_endpoint *endpoints;
	size_t          endpoints_n;
};

/* Format ----------------------------------------------------------------------------------------- */

static void add_label_value(struct buf *out, const char *value)
{
	for (; *value; value++)
		if (*value == '\n')
			buf_add_str(out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_addf(out, "\\%c", *value);
		else
			buf_add_char(out, *value);
}

void metric_head(struct buf *out, const char *name, const char *help)
{
	buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

void metric_sample(struct buf *out, const char *name, const struct metric_label *labels, size_t n,
		   int64_t value)
{
	buf_add_str(out, name);
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
		add_label_value(out, labels[i].value);
		buf_add_char(out, '"');
	}
	buf_addf(out, "%s %lld\n", n ? "}" : "", (long long)value);
}

/* Labels behind "line": { "slot", slot }, ... */
#define LABELS(v, ...) ((const struct metric_label[]){ { "line", (v)->l->cfg->name }, __VA_ARGS__ })
#define SAMPLE(out, name, v, value, ...) \
	metric_sample(out, name, LABELS(v, __VA_ARGS__), ARRAY_LEN(LABELS(v, __VA_ARGS__)), value)
/* An instant that is not known has no sample. */
#define SAMPLE_AT(out, name, v, at, ...) \
	do { \
		if ((at) && (at) != WHEN_NEVER) \
			SAMPLE(out, name, v, at, __VA_ARGS__); \
	} while (0)

/* Samples ---------------------------------------------------------------------------------------- */

static const char *const slots[] = { "live", "staging", "retired" };

static void ok(struct buf *out, const char *name, const struct view *v)
{
	SAMPLE(out, name, v, v->ok);
}

static void pending(struct buf *out, const char *name, const struct view *v)
{
	SAMPLE(out, name, v, (int64_t)v->pending);
}

static void phase(struct buf *out, const char *name, const struct view *v)
{
	for (unsigned p = PH_NEW; p <= PH_CROWDED && !v->l->failed; p <<= 1)
		SAMPLE(out, name, v, rollover_phase(&v->f) == (enum phase)p,
			{ "phase", rollover_phase_name((enum phase)p) });
}

static void next_step(struct buf *out, const char *name, const struct view *v)
{
	if (!v->l->failed && v->next.step != DO_NOTHING)
		SAMPLE_AT(out, name, v, v->next.at, { "step", rollover_step_name(v->next.step) });
}

static void step_failures(struct buf *out, const char *name, const struct view *v)
{
	for (int s = 0; s < STEP_N; s++)
		if (v->l->ledger.retry[s].failures)
			SAMPLE(out, name, v, v->l->ledger.retry[s].failures,
				{ "step", rollover_step_name((enum step)s) });
}

static void key_created(struct buf *out, const char *name, const struct view *v)
{
	const struct key_facts *k[] = { &v->f.live, &v->f.staging, &v->f.retired };

	for (size_t i = 0; i < ARRAY_LEN(k); i++)
		if (k[i]->present)
			SAMPLE_AT(out, name, v, k[i]->created_at, { "slot", slots[i] });
}

static void certificates(struct buf *out, const char *name, const struct view *v, bool until)
{
	const struct generation *g[] = { &v->l->live, &v->l->staging };

	for (size_t i = 0; i < ARRAY_LEN(g); i++)
		for (size_t k = 0; g[i]->number && k < g[i]->leaves_n; k++)
			SAMPLE_AT(out, name, v, until ? g[i]->leaves[k].until_at : g[i]->leaves[k].from_at,
				{ "slot", slots[i] }, { "type", key_type_name(g[i]->leaves[k].type) });
}

static void not_before(struct buf *out, const char *name, const struct view *v)
{
	certificates(out, name, v, false);
}

static void not_after(struct buf *out, const char *name, const struct view *v)
{
	certificates(out, name, v, true);
}

static void renew_at(struct buf *out, const char *name, const struct view *v)
{
	if (v->f.live.present)
		SAMPLE_AT(out, name, v, rollover_renew_at(&v->l->policy, &v->f.live));
}

static void deployed(struct buf *out, const char *name, const struct view *v)
{
	SAMPLE_AT(out, name, v, v->f.deployed_at);
}

static const char *slot_of(const struct view *v, int keyset)
{
	return slots[keyset == v->l->live.keyset ? 0 : keyset == v->l->staging.keyset ? 1 : 2];
}

/* Whether an earlier record of the owner is of the same slot: of another key type, or of another retired
 * key. */
static bool is_again(const struct view *v, size_t i)
{
	const struct set_entry *s = v->l->ledger.set.v;

	for (size_t k = i; k-- > 0 && strcmp(s[k].owner, s[i].owner) == 0;)
		if (s[k].keyset && s[k].published_at && slot_of(v, s[k].keyset) == slot_of(v, s[i].keyset))
			return true;
	return false;
}

static void published(struct buf *out, const char *name, const struct view *v)
{
	const struct set *s = &v->l->ledger.set;

	for (size_t i = 0; i < s->n; i++)
		if (*s->v[i].owner && s->v[i].keyset && !is_again(v, i))
			SAMPLE_AT(out, name, v, s->v[i].published_at,
				{ "owner", s->v[i].owner }, { "slot", slot_of(v, s->v[i].keyset) });
}

static void looked(struct buf *out, const char *name, const struct view *v)
{
	for (size_t i = 0; i < v->l->ledger.eyes_n && v->l->policy.verifies; i++)
		SAMPLE_AT(out, name, v, v->l->ledger.eyes[i].looked_at,
			{ "owner", v->l->ledger.eyes[i].owner });
}

static void secure(struct buf *out, const char *name, const struct view *v)
{
	for (size_t i = 0; i < v->l->ledger.eyes_n && v->l->policy.verifies; i++)
		if (v->l->ledger.eyes[i].looked_at)
			SAMPLE(out, name, v, v->l->ledger.eyes[i].security == HS_SECURE &&
						     !horizon_unsigned(&v->l->ledger.eyes[i]),
				{ "owner", v->l->ledger.eyes[i].owner });
}

static void uncovered(struct buf *out, const char *name, const struct view *v)
{
	for (size_t i = 0; i < v->l->ledger.eyes_n && v->l->policy.verifies; i++) {
		const struct horizon *h = &v->l->ledger.eyes[i];
		const struct horizon_server *s;

		if (h->looked_at)
			SAMPLE(out, name, v, v->f.live.present && v->f.deployed_at &&
			       horizon_uncovered(h, v->f.live.id, &s), { "owner", h->owner });
	}
}

#define ENDPOINT(v, i) { "owner", (v)->endpoints[i].owner }, { "endpoint", (v)->endpoints[i].endpoint }, \
		       { "type", (v)->endpoints[i].type }

static void endpoint_ok(struct buf *out, const char *name, const struct view *v)
{
	for (size_t i = 0; i < v->endpoints_n; i++)
		SAMPLE(out, name, v, v->endpoints[i].ok,
		       ENDPOINT(v, i));
}

static void endpoint_seen(struct buf *out, const char *name, const struct view *v)
{
	for (size_t i = 0; i < v->endpoints_n; i++)
		SAMPLE_AT(out, name, v, v->endpoints[i].seen_at,
		       ENDPOINT(v, i));
}

static void endpoint_not_after(struct buf *out, const char *name, const struct view *v)
{
	for (size_t i = 0; i < v->endpoints_n; i++)
		SAMPLE_AT(out, name, v, v->endpoints[i].not_after_at,
		       ENDPOINT(v, i));
}

/* clang-format off */
static const struct {
	const char *name, *help;
	void      (*samples)(struct buf *out, const char *name, const struct view *v);
} metrics[] = {
	{ "certline_line_ok", "Whether all is as it should be with the line: nothing failed, nothing is owed.", ok },
	{ "certline_line_pending", "How many things are owed or wrong.", pending },
	{ "certline_line_phase", "1 for the phase of the rollover that the line is in, 0 for the others.", phase },
	{ "certline_next_step_at_seconds", "When the next step is due if all goes well.", next_step },
	{ "certline_step_failures", "How often in a row a step has failed; no sample: it has not.", step_failures },
	{ "certline_key_created_at_seconds", "When the key was made.", key_created },
	{ "certline_certificate_not_before_seconds", "When the certificate begins to be valid.", not_before },
	{ "certline_certificate_not_after_seconds", "When the certificate ends.", not_after },
	{ "certline_certificate_renew_at_seconds", "When the live certificate is renewed.", renew_at },
	{ "certline_deployed_at_seconds", "Since when the servers have the live key, by the word of the hooks.", deployed },
	{ "certline_published_at_seconds", "When every publisher had acknowledged the TLSA records.", published },
	{ "certline_looked_at_seconds", "When the name servers were asked last.", looked },
	{ "certline_dns_secure", "Whether the zone of the owner is signed, and all signatures are good.", secure },
	{ "certline_dns_uncovered", "1: a name server gives TLSA records that do not fit the live key.", uncovered },
	{ "certline_endpoint_ok", "Whether the server presents what it should.", endpoint_ok },
	{ "certline_endpoint_seen_at_seconds", "When the server answered last.", endpoint_seen },
	{ "certline_endpoint_not_after_seconds", "When the certificate that the server presents ends.", endpoint_not_after },
};
/* clang-format on */

/* Files ------------------------------------------------------------------------------------------ */

static void look(struct view *v, struct world *w, struct line *l, int64_t now)
{
	struct strv list = { 0 };
	enum standing stands;

	*v = (struct view){ .l = l };
	world_load(w, l);
	stands = pending_find(&list, NULL, w, l);
	v->pending = stands == STANDS_FAILED ? 1 : list.n;
	v->ok = stands <= STANDS_WAITING && !l->untidy;
	strv_free(&list);
	if (l->failed)
		return;
	line_facts(&v->f, w, l);
	v->f.tried = 0;
	v->next = rollover_forecast(&l->policy, &v->f, now);
}

static int write_file(const char *path, const struct view *views, size_t n, int64_t now, struct err *e)
{
	const struct metric_label version = { "version", CERTLINE_VERSION };
	struct buf out;
	int rc;

	buf_init(&out, FILE_MAX);
	metric_head(&out, "certline_info", "The version of certline that wrote this.");
	metric_sample(&out, "certline_info", &version, 1, 1);
	metric_head(&out, "certline_run_at_seconds", "When certline ran last.");
	metric_sample(&out, "certline_run_at_seconds", NULL, 0, now);
	for (size_t m = 0; m < ARRAY_LEN(metrics); m++) {
		metric_head(&out, metrics[m].name, metrics[m].help);
		for (size_t i = 0; i < n; i++) {
			const char *its = views[i].l->cfg->metrics_file;

			if (its && strcmp(its, path) == 0)
				metrics[m].samples(&out, metrics[m].name, &views[i]);
		}
	}
	fs_sweep_beside(path);
	rc = out.over ? err_set(e, ERR_LOCAL, "%s would be larger than %zu bytes", path, FILE_MAX)
		      : fs_write(path, out.s, out.len, (struct fs_mode){ 0644, (gid_t)-1 }, e);
	buf_free(&out);
	return rc < 0 ? err_wrap(e, "metrics") : 0;
}

int metrics_write(struct world *w,
		  size_t (*endpoints)(struct metric_endpoint **out, const struct world *w, const struct line *l),
		  int64_t now, struct err *e)
{
	struct view *views = mem_array(w->n, sizeof(*views));
	struct strv paths = { 0 };
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n; i++) {
		const char *path = w->lines[i].cfg->metrics_file;

		if (!path)
			continue;
		look(&views[n], w, &w->lines[i], now);
		if (!w->lines[i].failed)
			views[n].endpoints_n = endpoints(&views[n].endpoints, w, &w->lines[i]);
		n++;
		if (!strv_has(&paths, path))
			strv_add(&paths, path);
	}
	for (size_t i = 0; i < paths.n && rc == 0; i++)
		rc = write_file(paths.v[i], views, n, now, e);
	for (size_t i = 0; i < n; i++)
		free(views[i].endpoints);
	free(views);
	strv_free(&paths);
	return rc;
}
