/* history.c - from the ledger to rows of the log, and back.
 * Touches: history.jsonl of a line.
 */
#include "run/history.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"
#include "run/servers.h"
#include "run/store.h"
#include "sys/clock.h"

#define TAIL_FIRST ((size_t)4 << 10)    /* more than most rows have */
#define TAIL_MAX   ((size_t)256 << 10)
#define READ_MAX   ((size_t)64 << 20)
#define TEXT_MAX   ((size_t)2000)

/* In the file a keyset's mask is a string of these letters. */
static const struct {
	const char *name;
	char        letter;
} lives[] = {
	[LIFE_CREATED] = { "created", 'c' },
	[LIFE_STAGED] = { "staged", 's' },
	[LIFE_PUBLISHED] = { "published", 'p' },
	[LIFE_SEEN] = { "seen", 'v' },
	[LIFE_REPLACED] = { "replaced", 'r' },
	[LIFE_PROMOTED] = { "promoted", 'l' },
	[LIFE_ROLLED_BACK] = { "rolled back", 'b' },
	[LIFE_RENEWED] = { "renewed", 'n' },
	[LIFE_DEPLOYED] = { "deployed", 'd' },
	[LIFE_SERVED] = { "served", 'e' },
	[LIFE_COMPROMISED] = { "compromised", 'm' },
	[LIFE_REVOKED] = { "revoked", 'x' },
	[LIFE_RETIRED] = { "retired", 't' },
	[LIFE_DESTROYED] = { "destroyed", 'z' },
};
_Static_assert(ARRAY_LEN(lives) == LIVES_N, "a row for each event of a life");

#define BIT(what) (1U << (what))

const char *life_name(enum life what)
{
	return lives[what].name;
}

void history_rows_free(struct history_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].text);
	free(r->v);
	*r = (struct history_rows){ 0 };
}

void history_mark_free(struct history_mark *m)
{
	free(m->v);
	*m = (struct history_mark){ 0 };
}

void history_due_free(struct history_due *d)
{
	history_rows_free(&d->rows);
	history_mark_free(&d->mark);
}

/* What is missing -------------------------------------------------------------------------------- */

/* Takes over the text. */
static void add(struct history_rows *out, int64_t at, enum life what, int keyset, int gen, char *text)
{
	if ((out->n & (out->n - 1)) == 0)
		out->v = mem_resize(out->v, out->n ? out->n * 2 : 1, sizeof(*out->v));
	out->v[out->n++] = (struct history_row){ at, what, keyset, gen, text };
}

static struct history_known *known(struct history_mark *m, int id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].id == id)
			return &m->v[i];
	m->v = mem_resize(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n] = (struct history_known){ .id = id, .gen = id };
	return &m->v[m->n++];
}

static const struct history_key *key_of(const struct history_view *v, int keyset)
{
	static const struct history_key none;

	for (size_t i = 0; i < v->keys_n; i++)
		if (v->keys[i].keyset == keyset)
			return &v->keys[i];
	return &none;
}

struct noting {
	struct history_rows  *out;
	struct history_known *m;
	const struct keyset  *k;
};

/* Once, when `at` is there. */
static void note(const struct noting *n, enum life what, int64_t at, const char *text)
{
	if (!at || n->m->had & BIT(what))
		return;
	n->m->had |= BIT(what);
	add(n->out, at, what, n->k->id, n->k->gen, mem_copy_str(text));
}

/* What was over has come back. */
static void note_return(const struct noting *n)
{
	const struct keyset *k = n->k;
	unsigned over = BIT(LIFE_REPLACED) | BIT(LIFE_RETIRED);

	if (!(n->m->had & over) || k->removed_at || (k->retired_at && !(n->m->had & BIT(LIFE_RETIRED))))
		return;
	if (k->live_at && !k->retired_at) {
		n->m->had &= ~(over | BIT(LIFE_SERVED));
		add(n->out, k->live_at, LIFE_ROLLED_BACK, k->id, k->gen, mem_copy_str("the key is live again"));
	} else if (n->m->had & BIT(LIFE_RETIRED)) {
		n->m->had &= ~(BIT(LIFE_RETIRED) | BIT(LIFE_STAGED));
	}
}

static void note_keyset(struct history_rows *out, struct history_mark *m, const struct history_view *v,
			const struct keyset *k)
{
	const struct history_key *key = key_of(v, k->id);
	const struct noting n = { out, known(m, k->id), k };
	/* servers that had not left it when it came back present it since then */
	int64_t served_at = key->served_at && key->served_at < k->live_at ? k->live_at : key->served_at;

	note(&n, LIFE_CREATED, k->created_at, key->keys ? key->keys : "a key");
	note_return(&n);
	note(&n, LIFE_STAGED, k->staged_at, "the next key");
	note(&n, LIFE_PUBLISHED, key->published_at, "its TLSA records were acknowledged by every publisher");
	note(&n, LIFE_SEEN, key->seen_at, "every name server shows its TLSA records");
	note(&n, LIFE_PROMOTED, k->live_at, "the key is live");
	note(&n, LIFE_SERVED, served_at, "every server presents it");
	note(&n, LIFE_REPLACED, k->retired_at, "another key is live; its TLSA records stay");
	note(&n, LIFE_COMPROMISED, k->compromised ? v->now : 0, "an operator says so");
	note(&n, LIFE_REVOKED, k->revoked_at, "its certificates were revoked");
	note(&n, LIFE_RETIRED, k->removed_at, k->live_at ? "its TLSA records are wanted no more"
							 : "it was never used");
	if (k->gen > n.m->gen)
		add(out, key->made_at ? key->made_at : v->now, LIFE_RENEWED, k->id, k->gen,
		    mem_copy_str(key->certificates ? key->certificates : "a new certificate"));
	n.m->gen = k->gen;
}

static void note_destroyed(struct history_rows *out, struct history_mark *m, const struct history_view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (ledger_keyset(v->ledger, m->v[i].id))
			m->v[kept++] = m->v[i];
		else
			add(out, v->now, LIFE_DESTROYED, m->v[i].id, m->v[i].gen,
			    mem_copy_str("its files are deleted"));
	}
	m->n = kept;
}

static int by_time(const void *a, const void *b)
{
	const struct history_row *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->what != y->what ? (int)x->what - (int)y->what : x->keyset - y->keyset;
}

void history_missing(struct history_rows *out, struct history_mark *m, const struct history_view *v)
{
	const struct keyset *live = ledger_live(v->ledger);

	note_destroyed(out, m, v);
	for (size_t i = 0; i < v->ledger->keysets_n; i++)
		note_keyset(out, m, v, &v->ledger->keysets[i]);
	if (live && v->told_gen && v->told_gen != m->told_gen) {
		m->told_gen = v->told_gen;
		add(out, v->told_at, LIFE_DEPLOYED, live->id, v->told_gen,
		    mem_copy_str("the servers were told of the generation"));
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), by_time);
}

/* The file --------------------------------------------------------------------------------------- */

static void put_mark(struct json *o, const struct history_mark *m)
{
	struct json *list = json_put(o, "known", json_array());

	for (size_t i = 0; i < m->n; i++) {
		struct json *k = json_put(list, NULL, json_object());
		char had[LIVES_N + 1];
		size_t n = 0;

		for (int w = 0; w < LIVES_N; w++)
			if (m->v[i].had & BIT(w))
				had[n++] = lives[w].letter;
		had[n] = '\0';
		json_put_int(k, "keyset", m->v[i].id);
		json_put_int(k, "generation", m->v[i].gen);
		json_put_str(k, "had", had);
	}
	json_put_int(o, "told", m->told_gen);
}

void history_encode(struct buf *out, const struct history_rows *rows, const struct history_mark *m)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *r = &rows->v[i];
		struct json *o = json_object();
		char at[WHEN_TEXT_LEN], *text = mem_copy_strn(r->text, strnlen(r->text, TEXT_MAX));

		when_format_instant(at, r->at);
		json_put_str(o, "at", at);
		json_put_str(o, "event", life_name(r->what));
		if (r->keyset)
			json_put_int(o, "keyset", r->keyset);
		if (r->gen)
			json_put_int(o, "generation", r->gen);
		json_put_str(o, "text", text);
		if (i == rows->n - 1)
			put_mark(o, m);
		json_print(out, o, false);
		buf_add_char(out, '\n');
		json_free(o);
		free(text);
	}
}

static int number(const struct json *o, const char *key)
{
	int64_t n = json_int(o, key, 0);

	return n < 0 || n > INT32_MAX ? 0 : (int)n;
}

static void get_mark(struct history_mark *m, const struct json *o)
{
	const struct json *list = json_get(o, "known");

	history_mark_free(m);
	m->v = mem_array(json_len(list), sizeof(*m->v));
	m->n = json_len(list);
	m->told_gen = number(o, "told");
	for (size_t i = 0; i < m->n; i++) {
		const struct json *k = json_at(list, i);
		const char *had = json_str(k, "had", "");

		m->v[i] = (struct history_known){ .id = number(k, "keyset"), .gen = number(k, "generation") };
		for (int w = 0; w < LIVES_N; w++)
			if (strchr(had, lives[w].letter))
				m->v[i].had |= BIT(w);
	}
}

static bool get_row(struct history_rows *out, const struct json *o)
{
	const char *name = json_str(o, "event", "");
	int64_t at;
	int what;

	for (what = 0; what < LIVES_N && strcmp(lives[what].name, name) != 0; what++)
		;
	if (what == LIVES_N || !json_plain(o) || !when_parse_instant(json_str(o, "at", ""), &at))
		return false;
	add(out, at, (enum life)what, number(o, "keyset"), number(o, "generation"),
	    mem_copy_str(json_str(o, "text", "")));
	return true;
}

void history_decode(struct history_rows *out, struct history_mark *m, size_t *unmarked, size_t *damaged,
		    const char *text)
{
	*unmarked = *damaged = 0;
	for (size_t len; *text; text += len + (text[len] == '\n')) {
		struct err ignored;
		struct json *o;

		len = strcspn(text, "\n");
		if (len == 0)
			continue;
		o = json_parse(text, len, &ignored);
		/* a row that lacks nothing but its newline is whole, and gets that before the next one */
		if (!o || !get_row(out, o)) {
			(*damaged)++;
		} else if (json_has(o, "known")) {
			get_mark(m, o);
			*unmarked = 0;
		} else {
			(*unmarked)++;
		}
		json_free(o);
	}
}

static bool is_there(const struct history_row *r, const struct history_rows *there, size_t n)
{
	for (size_t i = there->n - n; i < there->n; i++)
		if (there->v[i].what == r->what && there->v[i].keyset == r->keyset &&
		    there->v[i].gen == r->gen)
			return true;
	return false;
}

void history_drop(struct history_rows *rows, const struct history_rows *there, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < rows->n; i++) {
		if (is_there(&rows->v[i], there, n))
			free(rows->v[i].text);
		else
			rows->v[kept++] = rows->v[i];
	}
	rows->n = kept;
}

/* Where the last row of a text begins. */
static const char *last_row(const struct buf *text)
{
	size_t at = text->len;

	while (at && text->s[at - 1] == '\n')
		at--;
	while (at && text->s[at - 1] != '\n')
		at--;
	return text->s + at;
}

/* The end of the log, with a mark if there is one near it: most often the last row has it. */
static int read_end(struct history_rows *rows, struct history_mark *m, size_t *unmarked, const char *path,
		    struct err *e)
{
	static const size_t most[] = { TAIL_FIRST, TAIL_MAX };
	bool cut = true;
	struct buf text;
	int rc = 0;

	*unmarked = 0;
	buf_init(&text, TAIL_MAX);
	for (size_t i = 0; i < ARRAY_LEN(most) && cut && *unmarked == rows->n && rc == 0; i++) {
		size_t damaged;

		history_rows_free(rows);
		rc = fs_read_tail(&text, path, most[i], &cut, e);
		if (rc < 0)
			break;
		history_decode(rows, m, unmarked, &damaged, last_row(&text));
		if (rows->n && *unmarked == 0)
			break;
		history_rows_free(rows);
		history_decode(rows, m, unmarked, &damaged, text.s + (cut ? strcspn(text.s, "\n") : 0));
	}
	buf_free(&text);
	return rc;
}

/* What is known of a line ------------------------------------------------------------------------ */

static int64_t published_at(const struct ledger *l, int keyset)
{
	int64_t at = 0;

	for (size_t i = 0; i < l->set.n; i++) {
		if (l->set.v[i].keyset != keyset)
			continue;
		if (!l->set.v[i].published_at)
			return 0;
		if (l->set.v[i].published_at > at)
			at = l->set.v[i].published_at;
	}
	return at;
}

static int64_t seen_at(const struct line *l, int keyset)
{
	int64_t at = 0;

	if (!l->policy.verifies)
		return 0;
	for (size_t i = 0; i < l->ledger.eyes_n; i++) {
		const struct horizon *h = &l->ledger.eyes[i];
		size_t place = horizon_place(h, keyset), n = 0;

		for (size_t k = 0; k < h->servers_n && place < h->keysets_n; k++) {
			const struct horizon_server *s = &h->servers[k];

			if (!s->listed || s->no_route)
				continue;
			if (s->failing_at || s->views[place].state != H_GOOD)
				return 0;
			if (s->views[place].good_since_at > at)
				at = s->views[place].good_since_at;
			n++;
		}
		if (n == 0)
			return 0;
	}
	return at;
}

static char *keys_text(const struct generation *g)
{
	struct buf b;
	char *s;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < g->leaves_n; i++)
		buf_addf(&b, "%s%s, SHA-256 of the public key %s", i ? "; " : "",
			 key_type_name(g->leaves[i].type), g->leaves[i].spki.spki_sha256);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static char *certificates_text(const struct generation *g)
{
	struct buf b;
	char *s;

	buf_init(&b, TEXT_MAX);
	for (size_t i = 0; i < g->leaves_n; i++) {
		char until[WHEN_TEXT_LEN];

		when_format_instant(until, g->leaves[i].until_at);
		buf_addf(&b, "%s%s, serial %s, until %s", i ? "; " : "", key_type_name(g->leaves[i].type),
			 g->leaves[i].serial, until);
	}
	buf_addf(&b, "; %s", g->ca ? g->ca : g->issuer);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

/* The generation that every hook has acknowledged. */
static int told(int64_t *at, const struct line *l)
{
	const struct strv *hooks = &l->cfg->post_certchange;

	*at = 0;
	for (size_t i = 0; i < hooks->n; i++) {
		const struct ack *a = acks_find(&l->ledger.certchange, hooks->v[i]);

		if (!a || a->acked != l->live.number)
			return 0;
		if (a->acked_at > *at)
			*at = a->acked_at;
	}
	return hooks->n ? l->live.number : 0;
}

int history_due(struct history_due *out, const struct world *w, const struct line *l, struct err *e)
{
	const struct ledger *g = &l->ledger;
	struct history_view v = { .ledger = g, .now = clock_now(), .keys_n = g->keysets_n,
				  .keys = mem_array(g->keysets_n, sizeof(*v.keys)) };
	char *path = store_path(l->cfg, "history.jsonl");
	struct history_rows there = { 0 };
	size_t unmarked;
	int rc;

	*out = (struct history_due){ 0 };
	rc = read_end(&there, &out->mark, &unmarked, path, e);
	free(path);
	v.told_gen = told(&v.told_at, l);
	for (size_t i = 0; i < g->keysets_n && rc == 0; i++) {
		const struct generation *made = line_generation(l, g->keysets[i].id);
		int id = g->keysets[i].id;

		v.keys[i] = (struct history_key){
			.keyset = id,
			.published_at = published_at(g, id),
			.seen_at = seen_at(l, id),
			.served_at = servers_since(w, l, id),
		};
		if (!made)
			continue;
		v.keys[i].made_at = made->made_at;
		v.keys[i].keys = keys_text(made);
		v.keys[i].certificates = certificates_text(made);
	}
	if (rc == 0)
		history_missing(&out->rows, &out->mark, &v);
	history_drop(&out->rows, &there, unmarked);
	history_rows_free(&there);
	for (size_t i = 0; i < v.keys_n; i++) {
		free(v.keys[i].keys);
		free(v.keys[i].certificates);
	}
	free(v.keys);
	return rc;
}

int history_append(const struct history_due *d, const struct line_config *c, struct err *e)
{
	char *path;
	struct buf text;
	int rc;

	if (d->rows.n == 0)
		return 0;
	path = store_path(c, "history.jsonl");
	buf_init(&text, READ_MAX);
	history_encode(&text, &d->rows, &d->mark);
	rc = fs_append(path, text.s, text.len, (struct fs_mode){ 0600, (gid_t)-1 }, e);
	buf_free(&text);
	free(path);
	return rc;
}

int history_read(struct history_rows *out, size_t *damaged, bool *cut, const struct line_config *c,
		 struct err *e)
{
	char *path = store_path(c, "history.jsonl");
	struct history_mark m = { 0 };
	struct buf text;
	size_t unmarked;
	int rc;

	*out = (struct history_rows){ 0 };
	*damaged = 0;
	buf_init(&text, READ_MAX);
	rc = fs_read_tail(&text, path, READ_MAX, cut, e);
	/* a NUL would hide what follows */
	for (size_t i = 0; i < text.len; i++)
		if (text.s[i] == '\0')
			text.s[i] = '?';
	if (rc == 0)
		history_decode(out, &m, &unmarked, damaged, text.s + (*cut ? strcspn(text.s, "\n") : 0));
	history_mark_free(&m);
	buf_free(&text);
	free(path);
	return rc;
}
