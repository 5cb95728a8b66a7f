/* publish.c - TLSA sets as text, and the include file.
 * RFC 1035 section 5 (zone files), RFC 3597 section 5 (unknown record types), RFC 6698 section 2.2.
 * Touches: include files.
 */
#include "run/publish.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/names.h"
#include "io/json.h"
#include "sys/fs.h"

#include <stdint.h>

#define TEXT_MAX     ((size_t)256 << 20)
#define TLSA_TYPE    52

static const char *const formats[] = {
	[FORMAT_ZONE] = "zone",
	[FORMAT_GENERIC] = "generic",
	[FORMAT_JSON] = "json",
	[FORMAT_NSUPDATE] = "nsupdate",
	[FORMAT_TINYDNS] = "tinydns",
	[FORMAT_CSV] = "csv",
};
_Static_assert(ARRAY_LEN(formats) == FORMAT_N, "a name for each format");

bool tlsa_format_parse(const char *name, enum tlsa_format *f)
{
	for (int i = 0; i < FORMAT_N; i++) {
		if (strcmp(name, formats[i]) == 0) {
			*f = (enum tlsa_format)i;
			return true;
		}
	}
	return false;
}

const char *tlsa_format_names(void)
{
	return "zone, generic, json, nsupdate, tinydns, csv";
}

/* Rows ----------------------------------------------------------------------------------------- */

static const char *role_of(const struct line *l, int keyset)
{
	const struct keyset *k = ledger_keyset(&l->ledger, keyset);

	if (!k || k->removed_at || k->retired_at)
		return "retired";
	return k->live_at ? "live" : "staging";
}

static int by_owner_data(const void *a, const void *b)
{
	const struct tlsa_row *x = a, *y = b;
	int c = strcmp(x->owner, y->owner);

	if (c == 0)
		c = strcmp(x->data, y->data);
	return c ? c : strcmp(x->line, y->line);
}

static void add_row(struct tlsa_rows *out, const struct line *l, const struct set_entry *s)
{
	if ((out->n & (out->n - 1)) == 0)
		out->v = mem_resize(out->v, out->n ? out->n * 2 : 1, sizeof(*out->v));
	out->v[out->n++] = (struct tlsa_row){
		.owner = s->owner,
		.data = s->data,
		.ttl_for = l->ledger.set.ttl_for,
		.line = l->cfg->name,
		.role = role_of(l, s->keyset),
		.keyset = s->keyset,
	};
}

/* A line's own records, at one owner or (NULL) at all. */
static void add_own(struct tlsa_rows *out, const struct line *l, const char *owner)
{
	for (size_t i = 0; i < l->ledger.set.n; i++) {
		const struct set_entry *s = &l->ledger.set.v[i];

		if (*s->owner && s->keyset && (!owner || strcmp(owner, s->owner) == 0))
			add_row(out, l, s);
	}
}

void publish_rows(struct tlsa_rows *out, const struct world *w, struct line *const *lines, size_t n)
{
	size_t kept = 0;

	*out = (struct tlsa_rows){ 0 };
	for (size_t i = 0; i < n; i++) {
		const struct strv *owners = &lines[i]->cfg->owners;
		size_t first, past;

		add_own(out, lines[i], NULL);
		for (size_t o = 0; o < owners->n; o++) {
			world_shared(w, owners->v[o], &first, &past);
			for (size_t k = first; k < past; k++)
				if (&w->lines[w->shared[k].line] != lines[i])
					add_own(out, &w->lines[w->shared[k].line], owners->v[o]);
		}
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_owner_data);
	for (size_t i = 0; i < out->n; i++)
		if (!kept || strcmp(out->v[kept - 1].owner, out->v[i].owner) != 0 ||
		    strcmp(out->v[kept - 1].data, out->v[i].data) != 0)
			out->v[kept++] = out->v[i];
	out->n = kept;
}

void tlsa_rows_free(struct tlsa_rows *r)
{
	free(r->v);
	*r = (struct tlsa_rows){ 0 };
}

/* Formats -------------------------------------------------------------------------------------- */

/* Relative to origin in zone format, else absolute with a dot. */
static void add_name(struct buf *out, const char *owner, const char *origin)
{
	size_t lo = strlen(owner), lx = origin ? strlen(origin) : 0;

	if (lx && lo > lx + 1)
		buf_add(out, owner, lo - lx - 1);
	else
		buf_addf(out, "%s.", owner);
}

static void print_zone(struct buf *out, const struct tlsa_row *r, const char *origin, int64_t ttl_for)
{
	add_name(out, r->owner, origin);
	buf_addf(out, " %lld IN TLSA %s\n", (long long)ttl_for, r->data);
}

static void print_generic(struct buf *out, const struct tlsa_row *r, const struct tlsa_rdata *d,
			  const char *origin, int64_t ttl_for)
{
	add_name(out, r->owner, origin);
	buf_addf(out, " %lld IN TYPE%d \\# %zu %02x%02x%02x%s\n", (long long)ttl_for, TLSA_TYPE,
		 3 + strlen(d->hex) / 2, d->p.usage, d->p.selector, d->p.matching, d->hex);
}

static void print_tinydns(struct buf *out, const struct tlsa_row *r, const struct tlsa_rdata *d,
			  int64_t ttl_for)
{
	buf_addf(out, ":%s:%d:\\%03o\\%03o\\%03o", r->owner, TLSA_TYPE, d->p.usage, d->p.selector,
		 d->p.matching);
	for (const char *p = d->hex; *p; p += 2) {
		char pair[3] = { p[0], p[1], '\0' };

		buf_addf(out, "\\%03lo", strtoul(pair, NULL, 16));
	}
	buf_addf(out, ":%lld\n", (long long)ttl_for);
}

/* One delete per owner, then its full set: the whole RRset changes in one transaction. */
static void print_nsupdate(struct buf *out, const struct tlsa_row *r, bool first, int64_t ttl_for)
{
	if (first)
		buf_addf(out, "update delete %s. TLSA\n", r->owner);
	buf_addf(out, "update add %s. %lld TLSA %s\n", r->owner, (long long)ttl_for, r->data);
}

static void add_json(struct json *list, const struct tlsa_row *r, const struct tlsa_rdata *d,
		     int64_t ttl_for)
{
	struct json *o = json_put(list, NULL, json_object());

	json_put_str(o, "owner", r->owner);
	json_put_int(o, "ttl", ttl_for);
	json_put_int(o, "usage", d->p.usage);
	json_put_int(o, "selector", d->p.selector);
	json_put_int(o, "matching_type", d->p.matching);
	json_put_str(o, "data", d->hex);
	json_put_str(o, "line", r->line);
	json_put_str(o, "key", r->role);
	json_put_int(o, "keyset", r->keyset);
}

static int check(const struct tlsa_rows *r, struct err *e)
{
	static const char *const nothing[] = {
		[1] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		[2] = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	};

	for (size_t i = 0; i < r->n; i++) {
		struct tlsa_rdata d;

		if (!tlsa_parse(&d, r->v[i].data) || d.p.matching < 1 || d.p.matching > 2 ||
		    strlen(d.hex) != strlen(nothing[d.p.matching]) ||
		    strcmp(d.hex, nothing[d.p.matching]) == 0)
			return err_set(e, ERR_UNSAFE, "the record of %s at %s cannot be right (\"%s\"); "
				       "nothing was written. Restore state.json of the line from a backup",
				       r->v[i].line, r->v[i].owner, r->v[i].data);
	}
	return 0;
}

int publish_print(struct buf *out, const struct tlsa_rows *r, enum tlsa_format f, const char *origin,
		  int64_t ttl_for, struct err *e)
{
	const char *last = NULL;
	struct json *doc = NULL, *list = NULL;

	if (check(r, e) < 0)
		return -1;
	if (f == FORMAT_JSON) {
		doc = json_object();
		json_put_int(doc, "version", 1);
		list = json_put(doc, "records", json_array());
	}
	if (f == FORMAT_CSV)
		buf_add_str(out, "owner,ttl,usage,selector,matching_type,data,line,key\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct tlsa_row *row = &r->v[i];
		int64_t ttl = ttl_for ? ttl_for : row->ttl_for;
		struct tlsa_rdata d;

		if (origin && !name_below(row->owner, origin))
			continue;
		if (!tlsa_parse(&d, row->data))
			mem_bug("a record that was checked does not parse");
		switch (f) {
		case FORMAT_ZONE:
			print_zone(out, row, origin, ttl);
			break;
		case FORMAT_GENERIC:
			print_generic(out, row, &d, origin, ttl);
			break;
		case FORMAT_JSON:
			add_json(list, row, &d, ttl);
			break;
		case FORMAT_NSUPDATE:
			print_nsupdate(out, row, !last || strcmp(last, row->owner) != 0, ttl);
			break;
		case FORMAT_TINYDNS:
			print_tinydns(out, row, &d, ttl);
			break;
		case FORMAT_CSV:
			buf_addf(out, "%s,%lld,%d,%d,%d,%s,%s,%s\n", row->owner, (long long)ttl,
				 d.p.usage, d.p.selector, d.p.matching, d.hex, row->line, row->role);
			break;
		case FORMAT_N:
			mem_bug("a format that does not exist");
		}
		last = row->owner;
	}
	if (f == FORMAT_NSUPDATE && last)
		buf_add_str(out, "send\n");
	if (doc)
		json_print(out, doc, true);
	json_free(doc);
	return 0;
}

/* The include file ----------------------------------------------------------------------------- */

static const char head_mark[] = "; TLSA records by certline";

/* The name of the line that a row of the comment is about, or NULL; the caller frees. */
static char *line_of_comment(const char *row)
{
	static const char mark[] = "; line ";
	const char *end;

	if (!text_starts(row, mark))
		return NULL;
	row += strlen(mark);
	end = strchr(row, ':');
	return end ? mem_copy_strn(row, (size_t)(end - row)) : NULL;
}

/* A line of the file's by its name; NULL: none is called so.  The rows of the comment come in the order of
 * the lines, so that the one at `at`, behind the last one that was found, is looked at first. */
static const struct line *find_contributor(const struct world *w, const struct include_view *v,
					   const char *name, size_t *at)
{
	for (size_t i = 0; i < v->lines_n; i++) {
		size_t k = (*at + i) % v->lines_n;

		if (strcmp(w->lines[v->lines[k]].cfg->name, name) != 0)
			continue;
		*at = k + 1;
		return &w->lines[v->lines[k]];
	}
	return NULL;
}

/* Every line that the file says it has records of must be here to say what they are now: one that is
 * missing from this configuration, or has lost its state, would lose them. */
static int check_contributors(struct world *w, const struct include_view *v, const char *text,
			      struct err *e)
{
	size_t at = 0;

	for (const char *row = text; *row == ';'; row = strchr(row, '\n') ? strchr(row, '\n') + 1 : "") {
		char *name = line_of_comment(row);
		const struct line *found = name ? find_contributor(w, v, name, &at) : NULL;

		if (name && (!found || found->lost || !found->ledger.set.n)) {
			err_set(e, ERR_UNSAFE, "%s has records of line %s, which %s: they would vanish. %s",
				v->path, name,
				found ? "has lost its state or is not set up" : "is not configured with it",
				found ? "Run `certline init` or `certline cron` for that line first"
				      : "Run with the whole configuration; if the line is gone for good, "
					"delete the row \"; line ...\" about it from the file");
			free(name);
			return -1;
		}
		free(name);
	}
	return 0;
}

/* Everything below the comment: what servers see of the file.  `have` is the file as it is. */
static int include_body(struct buf *out, struct tlsa_rows *rows, struct world *w, const char *path,
			const char *have, struct err *e)
{
	const struct include_view *v = world_include(w, path);
	struct line **lines = mem_array(v->lines_n, sizeof(struct line *));

	for (size_t i = 0; i < v->lines_n; i++) {
		struct line *l = &w->lines[v->lines[i]];

		/* a line that cannot be read may have records in the file: they must not vanish */
		if (l->unreadable) {
			free(lines);
			return err_set(e, ERR_LOCAL, "%s is not rewritten, since line %s has records in it "
				       "and cannot be read (%s)", path, l->cfg->name, l->err.text);
		}
		lines[i] = l;
	}
	publish_rows(rows, w, lines, v->lines_n);
	free(lines);
	if (check_contributors(w, v, have, e) < 0)
		return -1;
	return publish_print(out, rows, FORMAT_ZONE, NULL, 0, e);
}

static void include_head(struct buf *out, struct world *w, const char *path, int64_t now)
{
	const struct include_view *v = world_include(w, path);
	char at[WHEN_TEXT_LEN];

	when_format_instant(at, now);
	buf_addf(out, "%s, %s; written anew at every change: do not edit.\n", head_mark, at);
	for (size_t i = 0; i < v->lines_n; i++) {
		const struct line *l = &w->lines[v->lines[i]];

		if (!l->ledger.set.n)
			continue;
		buf_addf(out, "; line %s: live generation %d", l->cfg->name, l->live.number);
		if (l->staging.number)
			buf_addf(out, ", staging generation %d", l->staging.number);
		for (size_t k = 0; k < l->retired_n; k++)
			buf_addf(out, ", retired generation %d", l->retired[k].number);
		buf_addf(out, ", set %d\n", l->ledger.set_serial);
	}
}

/* Where the comment ends. */
static const char *body_of(const char *text)
{
	while (*text == ';') {
		const char *end = strchr(text, '\n');

		if (!end)
			return "";
		text = end + 1;
	}
	return text;
}

bool publish_include_wrong(struct world *w, const char *path)
{
	struct include_view *v = world_include(w, path);
	struct tlsa_rows rows = { 0 };
	struct buf want, have;
	struct err ignored;
	bool missing;

	if (v->looked)
		return v->wrong;
	buf_init(&want, TEXT_MAX);
	buf_init(&have, TEXT_MAX);
	v->looked = true;
	v->unknown = fs_read(&have, path, TEXT_MAX, &missing, &ignored) < 0 ||
		     include_body(&want, &rows, w, path, have.s, &ignored) < 0;
	v->wrong = v->unknown || (rows.n > 0 && strcmp(body_of(have.s), want.s) != 0);
	tlsa_rows_free(&rows);
	buf_free(&want);
	buf_free(&have);
	return v->wrong;
}

bool publish_include_changed(struct world *w, const char *path)
{
	return publish_include_wrong(w, path) && !world_include(w, path)->unknown;
}

int publish_check_siblings(const struct world *w, const struct line *l, struct err *e)
{
	for (size_t o = 0; o < l->cfg->owners.n; o++) {
		size_t first, past;

		world_shared(w, l->cfg->owners.v[o], &first, &past);
		for (size_t k = first; k < past; k++) {
			const struct line *other = &w->lines[w->shared[k].line];

			if (other == l || (!other->unreadable && !other->lost))
				continue;
			return err_set(e, ERR_UNSAFE, "line %s has records at %s too, and %s: they would "
				       "vanish; mend that line first", other->cfg->name,
				       l->cfg->owners.v[o], other->unreadable ? other->err.text
									  : "its state.json is lost");
		}
	}
	return 0;
}

/* may_lack: owners without any record that are not refused; NULL: all. */
static int check_cover(const struct line_config *c, const struct generation *g, const struct set *s,
		       const struct strv *may_lack, struct err *e)
{
	struct tlsa_leaf leaves[KEY_TYPE_N];
	struct tlsa_rdata *at_owner = mem_array(s->n, sizeof(*at_owner));
	int rc = 0;

	for (size_t i = 0; i < g->leaves_n; i++)
		leaves[i] = g->leaves[i].spki;
	for (size_t o = 0; o < c->owners.n && rc == 0; o++) {
		size_t n = 0;

		for (size_t i = 0; i < s->n; i++)
			if (strcmp(s->v[i].owner, c->owners.v[o]) == 0 &&
			    tlsa_parse(&at_owner[n], s->v[i].data))
				n++;
		if (n == 0 ? may_lack && !strv_has(may_lack, c->owners.v[o])
			   : tlsa_covers(at_owner, n, leaves, g->leaves_n) != TLSA_COVERS)
			rc = err_set(e, ERR_UNSAFE, "the TLSA set of %s does not cover the keys of generation "
				     "%d of %s: a DANE client would refuse them", c->owners.v[o], g->number,
				     c->name);
	}
	free(at_owner);
	return rc;
}

int publish_check_cover(const struct line_config *c, const struct generation *g, const struct set *s,
			const struct strv *held, struct err *e)
{
	return check_cover(c, g, s, held, e);
}

int publish_check_sets(const struct line_config *c, const struct generation *g, const struct set *s,
		       struct err *e)
{
	return check_cover(c, g, s, NULL, e);
}

int publish_include(struct world *w, const char *path, int64_t now, struct err *e)
{
	const struct include_view *v = world_include(w, path);
	struct tlsa_rows rows = { 0 };
	struct buf text, body, have;
	bool missing;
	int rc = -1;

	buf_init(&text, TEXT_MAX);
	buf_init(&body, TEXT_MAX);
	buf_init(&have, TEXT_MAX);
	if (fs_read(&have, path, TEXT_MAX, &missing, e) < 0 ||
	    include_body(&body, &rows, w, path, have.s, e) < 0)
		goto out;
	if (rows.n == 0) {
		err_set(e, ERR_UNSAFE, "%s would be empty, and a server that loads it would serve no TLSA "
			"record at all: not written", path);
		goto out;
	}
	for (size_t i = 0; i < v->lines_n; i++) {
		const struct line *l = &w->lines[v->lines[i]];

		if (l->ledger.set.n && l->live.number &&
		    publish_check_sets(l->cfg, &l->live, &l->ledger.set, e) < 0)
			goto out;
	}
	include_head(&text, w, path, now);
	buf_add(&text, body.s, body.len);
	if (text.over) {
		err_set(e, ERR_LOCAL, "%s would be larger than %zu bytes", path, TEXT_MAX);
		goto out;
	}
	fs_sweep_beside(path);
	rc = fs_write(path, text.s, text.len, (struct fs_mode){ 0644, (gid_t)-1 }, e);
out:
	tlsa_rows_free(&rows);
	buf_free(&text);
	buf_free(&body);
	buf_free(&have);
	return rc;
}
