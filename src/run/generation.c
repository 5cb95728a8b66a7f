/* generation.c - immutable generations on disk.
 * Touches: private keys, files under STATE, [dirs] backups.
 */
#include "run/generation.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/crypto.h"
#include "io/json.h"
#include "io/request.h"
#include "run/issue_acme.h"
#include "run/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PEM_MAX      ((size_t)1 << 20)
#define MANIFEST_MAX ((size_t)1 << 20)
#define URGENT_PART  6          /* of its life is left: names may be left out then */

#define FILES_PER_LEAF 5        /* key, cert, chain, fullchain, combined */

void generation_free(struct generation *g)
{
	free(g->issuer);
	free(g->ca);
	strv_free(&g->names);
	strv_free(&g->left_out);
	strv_free(&g->exposed);
	for (size_t i = 0; i < g->leaves_n; i++) {
		free(g->leaves[i].serial);
		free(g->leaves[i].fingerprint);
		free(g->leaves[i].renewal_id);
	}
	free(g->leaves);
	*g = (struct generation){ 0 };
}

char *generation_dir(int number)
{
	return mem_format("gen/%06d", number);
}

char *generation_file(const char *base, size_t i, enum key_type t)
{
	return i == 0 ? mem_format("%s.pem", base) : mem_format("%s-%s.pem", base, key_type_name(t));
}

static char *path_in(const struct line_config *c, int number, const char *file)
{
	char *dir = generation_dir(number), *at = store_path(c, dir), *path;

	path = file ? mem_format("%s/%s", at, file) : mem_copy_str(at);
	free(dir);
	free(at);
	return path;
}

/* Reading -------------------------------------------------------------------------------------- */

static int decode_leaf(struct leaf *l, const struct json *j, struct err *e)
{
	const char *type = json_str(j, "type", "");
	const char *s256 = json_str(j, "spki_sha256", ""), *s512 = json_str(j, "spki_sha512", "");

	if (!key_type_parse(type, &l->type))
		l->type = KEY_OTHER;
	if (!text_is_hex(s256, 32) || !text_is_hex(s512, 64))
		return err_set(e, ERR_LOCAL, "a key without a digest");
	memcpy(l->spki.spki_sha256, s256, sizeof(l->spki.spki_sha256));
	memcpy(l->spki.spki_sha512, s512, sizeof(l->spki.spki_sha512));
	snprintf(l->spki.ta_spki_sha256, sizeof(l->spki.ta_spki_sha256), "%s",
		 json_str(j, "ta_spki_sha256", ""));
	snprintf(l->spki.ta_cert_sha256, sizeof(l->spki.ta_cert_sha256), "%s",
		 json_str(j, "ta_certificate_sha256", ""));
	l->from_at = json_int(j, "not_before", 0);
	l->until_at = json_int(j, "not_after", 0);
	l->serial = mem_copy_str(json_str(j, "serial", ""));
	l->fingerprint = mem_copy_str(json_str(j, "certificate_sha256", ""));
	l->renewal_id = mem_copy_str(json_str(j, "renewal_id", NULL));
	return 0;
}

static int decode(struct generation *g, const struct json *o, struct err *e)
{
	const struct json *list;

	if (json_int(o, "version", 0) != MANIFEST_VERSION)
		return err_set(e, ERR_LOCAL, "version %lld is not known to this program",
			       (long long)json_int(o, "version", 0));
	g->number = (int)json_int(o, "generation", 0);
	g->keyset = (int)json_int(o, "keyset", 0);
	g->made_at = json_int(o, "made_at", 0);
	g->key_created_at = json_int(o, "key_created_at", 0);
	g->issuer = mem_copy_str(json_str(o, "issuer", ""));
	g->ca = mem_copy_str(json_str(o, "ca", NULL));
	g->bootstrap = json_bool(o, "bootstrap", false);
	json_texts(&g->names, json_get(o, "names"));
	json_texts(&g->left_out, json_get(o, "left_out"));
	list = json_get(o, "keys");
	if (json_len(list) == 0 || json_len(list) > KEY_TYPE_N || g->keyset <= 0)
		return err_set(e, ERR_LOCAL, "it names no keys");
	g->leaves = mem_array(json_len(list), sizeof(*g->leaves));
	for (size_t i = 0; i < json_len(list); i++) {
		g->leaves_n++;
		if (decode_leaf(&g->leaves[i], json_at(list, i), e) < 0)
			return -1;
	}
	return 0;
}

static bool holds_key(const char *name)
{
	return text_starts(name, "key") || text_starts(name, "combined");
}

/* Somebody has changed the mode, or key-group was another one once. */
static void check_mode(struct strv *exposed, const struct line_config *c, const char *path,
		       const struct stat *st)
{
	struct fs_mode want = store_private_file(c);
	mode_t more = st->st_mode & 0077 & ~want.mode;
	bool stranger = (st->st_mode & 0070) && c->key_group && st->st_gid != want.gid;
	char *mend;

	if (!more && !stranger)
		return;
	mend = stranger ? mem_format("chgrp %s %s && chmod %o %s", c->key_group, path, (unsigned)want.mode, path)
			: mem_format("chmod %o %s", (unsigned)want.mode, path);
	strv_take(exposed, mem_format("private key %s can be read by others: %s (and if somebody may have read it, "
				      "`certline roll --emergency %s`)", path, mend, c->name));
	free(mend);
}

/* Files are compared by size only: an idle run looks at thousands of them. */
static int check_files(struct strv *exposed, const struct line_config *c, const struct json *files,
		       const char *dir, struct err *e)
{
	struct stat st;
	int rc = 0;

	if (json_len(files) < FILES_PER_LEAF)
		return err_set(e, ERR_LOCAL, "it names too few files");
	for (size_t i = 0; i < json_len(files) && rc == 0; i++) {
		const struct json *f = json_at(files, i);
		const char *name = json_str(f, "name", "");
		char *path;

		if (!*name || strchr(name, '/'))
			return err_set(e, ERR_LOCAL, "it names no file");
		path = mem_format("%s/%s", dir, name);
		if (stat(path, &st) < 0)
			rc = err_sys(e, "%s", path);
		else if (!S_ISREG(st.st_mode) || st.st_size != json_int(f, "size", -1))
			rc = err_set(e, ERR_LOCAL, "%s was changed: %lld bytes instead of %lld", path,
				     (long long)st.st_size, (long long)json_int(f, "size", -1));
		else if (holds_key(name))
			check_mode(exposed, c, path, &st);
		free(path);
	}
	return rc;
}

int generation_load(struct generation *out, const struct line_config *c, int number, struct err *e)
{
	char *dir = path_in(c, number, NULL), *path = mem_format("%s/manifest.json", dir);
	struct json *o = NULL;
	struct buf text;
	int rc = -1;

	*out = (struct generation){ 0 };
	buf_init(&text, MANIFEST_MAX);
	if (fs_read(&text, path, MANIFEST_MAX, NULL, e) < 0)
		goto out;
	o = json_parse(text.s, text.len, e);
	if (!o || decode(out, o, e) < 0) {
		err_wrap(e, "%s is damaged", path);
		goto out;
	}
	if (out->number != number) {
		err_set(e, ERR_LOCAL, "%s is the manifest of generation %d", path, out->number);
		goto out;
	}
	rc = check_files(&out->exposed, c, json_get(o, "files"), dir, e);
out:
	if (rc < 0) {
		generation_free(out);
		err_wrap(e, "generation %d cannot be used; restore %s from a backup", number, dir);
	}
	json_free(o);
	buf_free(&text);
	free(dir);
	free(path);
	return rc;
}

static struct key *read_key(const char *path, struct err *e)
{
	struct key *k = NULL;
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	if (fs_read(&pem, path, PEM_MAX, NULL, e) == 0) {
		k = key_parse(pem.s, pem.len, e);
		if (!k)
			err_wrap(e, "%s", path);
	}
	buf_wipe(&pem);
	return k;
}

/* One certificate of a file; *rest_out, if wanted, is a copy of what follows it. */
static struct cert *read_cert(const char *path, char **rest_out, struct err *e)
{
	struct cert *c = NULL;
	const char *rest = NULL;
	struct buf pem;

	buf_init(&pem, PEM_MAX);
	if (fs_read(&pem, path, PEM_MAX, NULL, e) == 0) {
		c = cert_parse(pem.s, pem.len, &rest, e);
		if (!c)
			err_wrap(e, "%s", path);
		else if (rest_out)
			*rest_out = mem_copy_str(rest ? rest : "");
	}
	buf_free(&pem);
	return c;
}

static int verify_leaf(const struct generation *g, size_t i, const struct line_config *c,
		       struct err *e)
{
	const struct leaf *l = &g->leaves[i];
	char *kf = generation_file("key", i, l->type), *cf = generation_file("cert", i, l->type);
	char *kp = path_in(c, g->number, kf), *cp = path_in(c, g->number, cf);
	struct key *k = read_key(kp, e);
	struct cert *x = k ? read_cert(cp, NULL, e) : NULL;
	struct spki_digests d;
	int rc = -1;

	if (!x || key_spki(&d, k, e) < 0)
		goto out;
	if (strcmp(d.sha256, l->spki.spki_sha256) != 0)
		err_set(e, ERR_LOCAL, "%s is not the key that it was when it was made", kp);
	else if (!cert_matches_key(x, k))
		err_set(e, ERR_LOCAL, "%s is not a certificate of the key beside it", cp);
	else
		rc = 0;
out:
	key_free(k);
	cert_free(x);
	free(kf);
	free(cf);
	free(kp);
	free(cp);
	return rc;
}

int generation_verify(const struct generation *g, const struct line_config *c, struct err *e)
{
	for (size_t i = 0; i < g->leaves_n; i++)
		if (verify_leaf(g, i, c, e) < 0)
			return -1;
	return 0;
}

int generation_list(int **numbers, size_t *n, const struct line_config *c, struct err *e)
{
	char *dir = store_path(c, "gen");
	struct strv names = { 0 };
	int rc = fs_list(&names, dir, e);

	*numbers = mem_array(names.n, sizeof(**numbers));
	*n = 0;
	for (size_t i = 0; i < names.n; i++) {
		const char *p = names.v[i];
		int64_t number;

		while (*p == '0' && p[1])
			p++;
		if (text_number(p, 999999, &number) && number > 0)
			(*numbers)[(*n)++] = (int)number;
	}
	strv_free(&names);
	free(dir);
	return rc;
}

/* Making --------------------------------------------------------------------------------------- */

/* What is put into a new generation, one of each per leaf. */
struct material {
	struct generation g;            /* becomes the manifest */
	struct key   *keys[KEY_TYPE_N];
	struct issued issued[KEY_TYPE_N];
	char         *link_key[KEY_TYPE_N];     /* an existing key file to link to, or NULL */
	struct buf    key_pem[KEY_TYPE_N];      /* written if there is no file to link to */
};

static void material_free(struct material *m)
{
	size_t n = m->g.leaves_n;

	for (size_t i = 0; i < n; i++) {
		key_free(m->keys[i]);
		free(m->link_key[i]);
		buf_wipe(&m->key_pem[i]);
	}
	issued_free(m->issued, n);
	generation_free(&m->g);
}

static void start_leaves(struct material *m, size_t n)
{
	m->g.leaves = mem_array(n, sizeof(*m->g.leaves));
	m->g.leaves_n = n;
	for (size_t i = 0; i < n; i++)
		buf_init(&m->key_pem[i], PEM_MAX);
}

static int fresh_keys(struct material *m, const struct line_config *c, int64_t now, struct err *e)
{
	start_leaves(m, c->key_types.n);
	m->g.key_created_at = now;
	for (size_t i = 0; i < m->g.leaves_n; i++) {
		m->g.leaves[i].type = c->key_types.v[i];
		m->keys[i] = key_make(c->key_types.v[i], e);
		if (!m->keys[i] || key_write(&m->key_pem[i], m->keys[i], e) < 0)
			return -1;
	}
	return 0;
}

static int same_keys(struct material *m, const struct line_config *c, const struct generation *from,
		     struct err *e)
{
	/* never renew on a key that is not the one whose digest is in DNS */
	if (generation_verify(from, c, e) < 0)
		return -1;
	start_leaves(m, from->leaves_n);
	m->g.keyset = from->keyset;
	m->g.key_created_at = from->key_created_at;
	for (size_t i = 0; i < m->g.leaves_n; i++) {
		char *file = generation_file("key", i, from->leaves[i].type);

		m->g.leaves[i].type = from->leaves[i].type;
		m->link_key[i] = path_in(c, from->number, file);
		free(file);
		m->keys[i] = read_key(m->link_key[i], e);
		if (!m->keys[i] || key_write(&m->key_pem[i], m->keys[i], e) < 0)
			return -1;
	}
	return 0;
}

/* The last certificate that the server sends after the leaf, if there is one. */
static int describe_anchor(struct tlsa_leaf *out, const char *chain, struct err *e)
{
	const char *rest = chain;
	struct cert *last = NULL;

	while (strstr(rest, "-----BEGIN CERTIFICATE-----")) {
		struct cert *c = cert_parse(rest, strlen(rest), &rest, e);

		cert_free(last);
		last = c;
		if (!c)
			return -1;
	}
	if (!last)
		return 0;
	if (cert_anchor(out->ta_spki_sha256, out->ta_cert_sha256, last, e) < 0) {
		cert_free(last);
		return -1;
	}
	cert_free(last);
	return 0;
}

/* Fills the manifest from what was really issued, not from what was asked for. */
static int describe(struct material *m, struct err *e)
{
	struct cert_info info;

	for (size_t i = 0; i < m->g.leaves_n; i++) {
		struct leaf *l = &m->g.leaves[i];
		struct spki_digests d;

		if (key_spki(&d, m->keys[i], e) < 0)
			return -1;
		if (!cert_matches_key(m->issued[i].cert, m->keys[i]))
			return err_set(e, ERR_REFUSED, "the certificate is not for the key that was asked for");
		if (cert_inspect(&info, m->issued[i].cert, e) < 0)
			return -1;
		if (describe_anchor(&l->spki, m->issued[i].chain, e) < 0) {
			cert_info_free(&info);
			return err_wrap(e, "the chain");
		}
		memcpy(l->spki.spki_sha256, d.sha256, sizeof(d.sha256));
		memcpy(l->spki.spki_sha512, d.sha512, sizeof(d.sha512));
		l->from_at = info.not_before_at;
		l->until_at = info.not_after_at;
		l->serial = mem_copy_str(info.serial);
		l->fingerprint = mem_copy_str(info.sha256);
		l->renewal_id = cert_renewal_id(m->issued[i].cert);
		if (i == 0)
			strv_copy(&m->g.names, &info.names);
		cert_info_free(&info);
	}
	return 0;
}

static int write_file(struct json *files, const char *dir, const char *base, size_t i,
		      enum key_type t, const struct buf *b, struct fs_mode mode, struct err *e)
{
	char *name = generation_file(base, i, t), *path = mem_format("%s/%s", dir, name);
	struct json *f = json_put(files, NULL, json_object());
	int rc = fs_write_new(path, b->s, b->len, mode, e);

	json_put_str(f, "name", name);
	json_put_int(f, "size", (int64_t)b->len);
	free(name);
	free(path);
	return rc;
}

/* A renewal links to the old key file, so that there is one inode per key; where links are not to be
 * had, or the configured group is another one now, the same key is written. */
static int put_key(struct json *files, const char *dir, struct material *m, size_t i,
		   struct fs_mode mode, struct err *e)
{
	char *name = generation_file("key", i, m->g.leaves[i].type);
	char *path = mem_format("%s/%s", dir, name);
	struct json *f;
	struct stat st;
	int rc = 0;

	if (m->link_key[i] && stat(m->link_key[i], &st) == 0 && (st.st_mode & 07777) == mode.mode &&
	    (mode.gid == (gid_t)-1 || st.st_gid == mode.gid) && link(m->link_key[i], path) == 0) {
		f = json_put(files, NULL, json_object());
		json_put_str(f, "name", name);
		json_put_int(f, "size", (int64_t)st.st_size);
	} else {
		rc = write_file(files, dir, "key", i, m->g.leaves[i].type, &m->key_pem[i], mode, e);
	}
	free(name);
	free(path);
	return rc;
}

static int write_leaf(struct json *files, const char *dir, struct material *m, size_t i,
		      const struct line_config *c, struct err *e)
{
	struct fs_mode secret = store_private_file(c), open_to_all = { 0644, (gid_t)-1 };
	enum key_type t = m->g.leaves[i].type;
	struct buf b;
	int rc = -1;

	buf_init(&b, 4 * PEM_MAX);
	if (put_key(files, dir, m, i, secret, e) < 0)
		goto out;
	if (cert_write(&b, m->issued[i].cert, e) < 0 ||
	    write_file(files, dir, "cert", i, t, &b, open_to_all, e) < 0)
		goto out;
	buf_add_str(&b, m->issued[i].chain);
	if (write_file(files, dir, "fullchain", i, t, &b, open_to_all, e) < 0)
		goto out;
	buf_clear(&b);
	buf_add_str(&b, m->issued[i].chain);
	if (write_file(files, dir, "chain", i, t, &b, open_to_all, e) < 0)
		goto out;
	buf_clear(&b);
	buf_add(&b, m->key_pem[i].s, m->key_pem[i].len);
	if (cert_write(&b, m->issued[i].cert, e) < 0)
		goto out;
	buf_add_str(&b, m->issued[i].chain);
	rc = write_file(files, dir, "combined", i, t, &b, secret, e);
out:
	buf_wipe(&b);
	return rc;
}

static struct json *manifest(const struct generation *g)
{
	struct json *o = json_object(), *list;

	json_put_int(o, "version", MANIFEST_VERSION);
	json_put_int(o, "generation", g->number);
	json_put_int(o, "keyset", g->keyset);
	json_put_int(o, "made_at", g->made_at);
	json_put_int(o, "key_created_at", g->key_created_at);
	json_put_str(o, "issuer", g->issuer);
	if (g->ca)
		json_put_str(o, "ca", g->ca);
	if (g->bootstrap)
		json_put_bool(o, "bootstrap", true);
	json_put_texts(o, "names", &g->names);
	if (g->left_out.n)
		json_put_texts(o, "left_out", &g->left_out);
	list = json_put(o, "keys", json_array());
	for (size_t i = 0; i < g->leaves_n; i++) {
		const struct leaf *l = &g->leaves[i];
		struct json *j = json_put(list, NULL, json_object());

		json_put_str(j, "type", key_type_name(l->type));
		json_put_str(j, "spki_sha256", l->spki.spki_sha256);
		json_put_str(j, "spki_sha512", l->spki.spki_sha512);
		if (*l->spki.ta_spki_sha256) {
			json_put_str(j, "ta_spki_sha256", l->spki.ta_spki_sha256);
			json_put_str(j, "ta_certificate_sha256", l->spki.ta_cert_sha256);
		}
		json_put_int(j, "not_before", l->from_at);
		json_put_int(j, "not_after", l->until_at);
		json_put_str(j, "serial", l->serial);
		json_put_str(j, "certificate_sha256", l->fingerprint);
		if (l->renewal_id)
			json_put_str(j, "renewal_id", l->renewal_id);
	}
	return o;
}

static int fill_dir(const char *dir, struct material *m, const struct line_config *c, struct err *e)
{
	char *path = mem_format("%s/manifest.json", dir);
	struct json *o = manifest(&m->g), *files = json_put(o, "files", json_array());
	struct buf text;
	int rc = 0;

	buf_init(&text, MANIFEST_MAX);
	for (size_t i = 0; i < m->g.leaves_n && rc == 0; i++)
		rc = write_leaf(files, dir, m, i, c, e);
	if (rc == 0) {
		json_print(&text, o, true);
		rc = fs_write_new(path, text.s, text.len, (struct fs_mode){ 0644, (gid_t)-1 }, e);
	}
	if (rc == 0)
		rc = fs_sync_dir(dir, e);
	buf_free(&text);
	json_free(o);
	free(path);
	return rc;
}

/* Half-made and half-removed generations of runs that were killed; the lock says that nobody works on
 * them now. */
static int clear_leftovers(const char *gen, struct err *e)
{
	struct strv names = { 0 };
	int rc = fs_list(&names, gen, e);

	for (size_t i = 0; i < names.n && rc == 0; i++) {
		char *path = mem_format("%s/%s", gen, names.v[i]);

		if (text_starts(names.v[i], ".tmp-"))
			rc = fs_remove_tree(path, e);
		free(path);
	}
	strv_free(&names);
	return rc;
}

static int next_number(int *number, const struct line_config *c, struct err *e)
{
	int *all, rc;
	size_t n;

	rc = generation_list(&all, &n, c, e);
	*number = n ? all[n - 1] + 1 : 1;
	free(all);
	return rc;
}

/* Writes everything under a temporary name and renames it into place. */
static int put_down(int *number, struct material *m, const struct line_config *c, int64_t now,
		    struct err *e)
{
	char *gen = store_path(c, "gen"), *tmp = NULL, *final = NULL;
	int rc = -1;

	if (next_number(&m->g.number, c, e) < 0)
		goto out;
	if (!m->g.keyset)
		m->g.keyset = m->g.number;
	m->g.made_at = now;
	tmp = mem_format("%s/.tmp-%06d", gen, m->g.number);
	final = path_in(c, m->g.number, NULL);
	if (clear_leftovers(gen, e) < 0 || fs_mkdir(tmp, store_private_dir(c), e) < 0)
		goto out;
	if (fill_dir(tmp, m, c, e) < 0 || fs_rename(tmp, final, e) < 0) {
		struct err ignored;

		if (fs_remove_tree(tmp, &ignored) < 0)
			goto out;
		goto out;
	}
	*number = m->g.number;
	rc = 0;
out:
	free(gen);
	free(tmp);
	free(final);
	return rc;
}

/* Whether what servers have will not do for much longer. */
static bool urgent(const struct generation *g, const struct line_config *c, int64_t now)
{
	int64_t from_at, until_at;

	generation_validity(g, &from_at, &until_at);
	return !g->number || g->bootstrap || !generation_fits_names(g, c) ||
	       until_at - now < (until_at - from_at) / URGENT_PART;
}

static int issue(struct material *m, const struct line_config *c, const struct generation *from,
		 const struct generation *live, bool force, bool pressing, int64_t now, struct issue_report *r,
		 struct err *e)
{
	const char *ids[KEY_TYPE_N] = { NULL };
	struct issue_want w = { .keys = m->keys, .n = m->g.leaves_n, .renewal_ids = ids, .force = force,
				.now = now };
	bool stand_in = !from && c->issuer != ISSUER_SELF;

	if (from) {
		w.ca = from->ca;
		for (size_t i = 0; i < from->leaves_n; i++)
			ids[i] = from->leaves[i].renewal_id;
	}
	w.urgent = from && (pressing || !live || urgent(live, c, now));
	if (live && live->number)
		w.served_ca = live->ca ? live->ca : strcmp(live->issuer, "adopted") == 0 ? "" : NULL;
	m->g.bootstrap = stand_in;
	m->g.issuer = mem_copy_str(issuer_name(stand_in ? ISSUER_SELF : c->issuer));
	if (stand_in || c->issuer == ISSUER_SELF)
		return issue_self(m->issued, &w, c, e);
	if (issue_acme(m->issued, &w, c, r, e) < 0)
		return -1;
	m->g.ca = mem_copy_str(r->ca);
	strv_copy(&m->g.left_out, &r->left_out);
	return 0;
}

int generation_make(int *number, const struct line_config *c, const struct generation *from,
		    const struct generation *live, bool force, bool pressing, int64_t now, struct issue_report *r,
		 struct err *e)
{
	struct material m = { 0 };
	int rc;

	rc = from ? same_keys(&m, c, from, e) : fresh_keys(&m, c, now, e);
	if (rc == 0)
		rc = issue(&m, c, from, live, force, pressing, now, r, e);
	if (rc == 0)
		rc = describe(&m, e);
	if (rc == 0)
		rc = put_down(number, &m, c, now, e);
	material_free(&m);
	return rc;
}

int generation_adopt(int *number, const struct line_config *c, const char *key_path,
		     const char *cert_path, int64_t now, struct err *e)
{
	struct material m = { 0 };
	struct stat st;
	int rc = -1;

	m.g.issuer = mem_copy_str("adopted");
	start_leaves(&m, 1);
	/* whoever can write them knows the key, or can change it until it is taken in */
	if (fs_check_trusted(key_path, e) < 0 || fs_check_trusted(cert_path, e) < 0)
		goto out;
	if (stat(key_path, &st) < 0) {
		err_sys(e, "%s", key_path);
		goto out;
	}
	m.g.key_created_at = (int64_t)st.st_mtime < now ? (int64_t)st.st_mtime : now;
	/* byte by byte: what was read is what is written, not a new encoding of the same key */
	if (fs_read(&m.key_pem[0], key_path, PEM_MAX, NULL, e) < 0)
		goto out;
	m.keys[0] = read_key(key_path, e);
	if (!m.keys[0])
		goto out;
	m.g.leaves[0].type = key_kind(m.keys[0]);
	m.issued[0].cert = read_cert(cert_path, &m.issued[0].chain, e);
	if (!m.issued[0].cert)
		goto out;
	if (!cert_matches_key(m.issued[0].cert, m.keys[0])) {
		err_set(e, ERR_LOCAL, "%s is not a certificate of the key in %s", cert_path, key_path);
		goto out;
	}
	if (describe(&m, e) == 0)
		rc = put_down(number, &m, c, now, e);
out:
	material_free(&m);
	return rc;
}

/* Removing ------------------------------------------------------------------------------------- */

static int back_up_file(const struct line_config *c, const char *dir, const char *file, int number,
			const char *suffix, struct fs_mode mode, struct err *e)
{
	char *from = mem_format("%s/%s", dir, file);
	char *stem = mem_copy_strn(file, strlen(file) - strlen(".pem"));
	const char *type = strchr(stem, '-');
	char *to = mem_format("%s/%s-%06d%s.%s", c->backups, c->name, number, type ? type : "", suffix);
	struct buf b;
	int rc;

	buf_init(&b, PEM_MAX);
	rc = fs_read(&b, from, PEM_MAX, NULL, e);
	if (rc == 0)
		rc = fs_write(to, b.s, b.len, mode, e);
	buf_wipe(&b);
	free(from);
	free(stem);
	free(to);
	return rc;
}

static int back_up(const struct line_config *c, const char *dir, int number, struct err *e)
{
	struct strv files = { 0 };
	struct stat st;
	int rc = stat(c->backups, &st) == 0 ? 0 : fs_mkdir(c->backups, store_private_dir(c), e);

	if (rc == 0)
		rc = fs_list(&files, dir, e);
	for (size_t i = 0; i < files.n && rc == 0; i++) {
		if (!text_ends(files.v[i], ".pem"))
			continue;
		if (text_starts(files.v[i], "key"))
			rc = back_up_file(c, dir, files.v[i], number, "key", store_private_file(c), e);
		else if (text_starts(files.v[i], "fullchain"))
			rc = back_up_file(c, dir, files.v[i], number, "crt",
					  (struct fs_mode){ 0644, (gid_t)-1 }, e);
	}
	strv_free(&files);
	return rc < 0 ? err_wrap(e, "keeping a copy in [dirs] backups") : 0;
}

int generation_remove(const struct line_config *c, int number, struct err *e)
{
	char *gen = store_path(c, "gen"), *dir = path_in(c, number, NULL);
	char *tmp = mem_format("%s/.tmp-%06d", gen, number);
	int rc = 0;

	if (c->backups)
		rc = back_up(c, dir, number, e);
	/* gone at once, not file by file */
	if (rc == 0)
		rc = fs_rename(dir, tmp, e);
	if (rc == 0)
		rc = clear_leftovers(gen, e);
	free(gen);
	free(dir);
	free(tmp);
	return rc;
}

/* Questions ------------------------------------------------------------------------------------ */

bool generation_fits_names(const struct generation *g, const struct line_config *c)
{
	struct strv all = { 0 };
	bool same;

	strv_copy(&all, &g->names);
	for (size_t i = 0; i < g->left_out.n && c->allow_subset; i++)
		strv_add(&all, g->left_out.v[i]);
	same = strv_same(&all, &c->domains);
	strv_free(&all);
	return same;
}

bool generation_fits_types(const struct generation *g, const struct line_config *c)
{
	struct key_types have = { .n = 0 };

	for (size_t i = 0; i < g->leaves_n; i++)
		have.v[have.n++] = g->leaves[i].type;
	return key_types_same(&have, &c->key_types);
}

void generation_validity(const struct generation *g, int64_t *from_at, int64_t *until_at)
{
	*from_at = *until_at = 0;
	for (size_t i = 0; i < g->leaves_n; i++) {
		if (i && g->leaves[i].until_at >= *until_at)
			continue;
		*from_at = g->leaves[i].from_at;
		*until_at = g->leaves[i].until_at;
	}
}
