/* links.c - stable links into the store.
 * Touches: [dirs] certs and keys.
 */
#include "run/links.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/store.h"

#include <errno.h>
#include <sys/stat.h>

struct link {
	char *path;
	char *target;           /* where a link of ours at that place leads */
	const char *tail;       /* the part of target that says so whatever STATE is */
	bool  wanted;
};

/* Its files carry the name of the type. */
static bool has_further(const struct generation *g, enum key_type t)
{
	for (size_t i = 1; i < g->leaves_n; i++)
		if (g->leaves[i].type == t)
			return true;
	return false;
}

/* The link of one file: kind is "cert" or "key"; place 0 is the first key, whose files carry no type name,
 * and after it comes one place a type. */
static struct link link_of(const struct line_config *c, const struct generation *g, const char *slot,
			   const char *kind, size_t place)
{
	bool cert = strcmp(kind, "cert") == 0;
	const char *prefix = strcmp(slot, "live") == 0 ? c->live : c->staging;
	enum key_type type = place ? (enum key_type)(place - 1) : KEY_OTHER;
	char *tail = place ? mem_format("-%s", key_type_name(type)) : mem_copy_str("");
	char *file = generation_file(kind, place, type), *at = mem_format("%s/%s", slot, file);
	struct link k = { .wanted = place ? has_further(g, type) : g->leaves_n > 0 };

	k.path = mem_format("%s/%s%s.%s", cert ? c->certs : c->keys, prefix, tail,
			    cert ? "crt" : "key");
	k.target = store_path(c, at);
	k.tail = k.target + strlen(c->state);
	free(tail);
	free(file);
	free(at);
	return k;
}

static void link_free(struct link *k)
{
	free(k->path);
	free(k->target);
}

static bool right(const struct link *k)
{
	struct err ignored;
	char *target = NULL;
	bool ok;

	if (fs_readlink(&target, k->path, &ignored) < 0)
		return !k->wanted;
	if (k->wanted)
		ok = target && strcmp(target, k->target) == 0;
	else
		ok = !target || !text_ends(target, k->tail);
	free(target);
	return ok;
}

/* A symlink may be moved, and one of ours removed; anything else is not ours. */
static int set_right(const struct link *k, struct err *e)
{
	struct stat st;

	if (right(k))
		return 0;
	if (lstat(k->path, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(e, ERR_LOCAL, "%s is in the way: certline wants a link to %s there; move the "
			       "file away, or change [dirs] and [files]", k->path, k->target);
	return k->wanted ? fs_symlink(k->target, k->path, e) : fs_unlink(k->path, e);
}

/* There may be links of this type, if only of a key that was live or staged before. */
static bool concerns(const struct line *l, enum key_type t)
{
	for (size_t i = 1; i < l->cfg->key_types.n; i++)
		if (l->cfg->key_types.v[i] == t)
			return true;
	for (size_t i = 0; i < l->retired_n; i++)
		if (has_further(&l->retired[i], t))
			return true;
	return has_further(&l->live, t) || has_further(&l->staging, t);
}

/* Walks over every link that a slot may have, until act fails; g is what the slot holds. */
static int each(const struct line *l, const char *slot, const struct generation *g,
		int (*act)(const struct link *, struct err *), struct err *e)
{
	static const char *const kinds[] = { "key", "cert" };
	int rc = 0;

	for (size_t place = 0; place <= KEY_TYPE_N && rc == 0; place++) {
		if (place && !concerns(l, (enum key_type)(place - 1)))
			continue;
		for (size_t k = 0; k < ARRAY_LEN(kinds) && rc == 0; k++) {
			struct link x = link_of(l->cfg, g, slot, kinds[k], place);

			rc = act(&x, e);
			link_free(&x);
		}
	}
	return rc;
}

static int is_right(const struct link *k, struct err *e)
{
	(void)e;
	return right(k) ? 0 : -1;
}

bool links_wrong(const struct line *l)
{
	struct err ignored;

	if (!l->cfg->certs)
		return false;
	return each(l, "live", &l->live, is_right, &ignored) < 0 ||
	       each(l, "staging", &l->staging, is_right, &ignored) < 0;
}

void links_drop_staging(const struct line *l)
{
	static const struct generation none;
	struct err ignored;

	if (l->cfg->certs)
		each(l, "staging", &none, set_right, &ignored);
}

/* A folder that is there may be shared with others, like /etc/ssl/private: its mode is theirs. */
static int make_missing_dir(const char *path, struct fs_mode m, struct err *e)
{
	struct stat st;

	return stat(path, &st) == 0 ? 0 : fs_mkdir(path, m, e);
}

int links_make(const struct line *l, struct err *e)
{
	if (make_missing_dir(l->cfg->keys, store_private_dir(l->cfg), e) < 0 ||
	    make_missing_dir(l->cfg->certs, (struct fs_mode){ 0755, (gid_t)-1 }, e) < 0)
		return -1;
	if (each(l, "live", &l->live, set_right, e) < 0)
		return -1;
	return each(l, "staging", &l->staging, set_right, e);
}

static bool regular(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* *there: a regular file.  One that cannot be looked at is not one that is missing. */
static int look(bool *there, const char *path, struct err *e)
{
	struct stat st;

	*there = false;
	if (lstat(path, &st) == 0)
		*there = S_ISREG(st.st_mode);
	else if (errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "look at %s", path);
	return 0;
}

/* A link, where no key of ours is live: it leads to somebody else's key, or to a store that is gone. */
static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int links_foreign(char **key_path, char **cert_path, const struct line_config *c, const char *slot,
		  struct err *e)
{
	const char *prefix = strcmp(slot, "live") == 0 ? c->live : c->staging;
	bool key, cert;
	int rc = -1;

	*key_path = *cert_path = NULL;
	if (!c->certs)
		return 0;
	*key_path = mem_format("%s/%s.key", c->keys, prefix);
	*cert_path = mem_format("%s/%s.crt", c->certs, prefix);
	if (look(&key, *key_path, e) == 0 && look(&cert, *cert_path, e) == 0)
		rc = 0;
	if (rc == 0 && key && cert)
		return 0;
	if (rc == 0 && key != cert)
		rc = err_set(e, ERR_LOCAL, "%s is there without %s: both are taken in, or neither; put the "
			     "missing one back, or move the other away", key ? *key_path : *cert_path,
			     key ? *cert_path : *key_path);
	if (rc == 0 && strcmp(slot, "live") == 0 && (is_link(*key_path) || is_link(*cert_path)))
		rc = err_set(e, ERR_LOCAL, "%s or its certificate is a link, but this line has no key in %s: a "
			     "key that servers use must not be replaced unseen. Restore the store, or put the "
			     "files themselves there to have them taken in, or move the links away",
			     *key_path, c->state);
	free(*key_path);
	free(*cert_path);
	*key_path = *cert_path = NULL;
	return rc;
}

static bool same_bytes(const char *a, const char *b)
{
	struct buf x, y;
	struct err ignored;
	bool same;

	buf_init(&x, FS_READ_MAX);
	buf_init(&y, FS_READ_MAX);
	same = fs_read(&x, a, FS_READ_MAX, NULL, &ignored) == 0 &&
	       fs_read(&y, b, FS_READ_MAX, NULL, &ignored) == 0 && x.len == y.len &&
	       memcmp(x.s, y.s, x.len) == 0;
	buf_wipe(&x);
	buf_wipe(&y);
	return same;
}

/* The key comes first: its bytes must be in the store before its file goes.  The certificate beside it
 * is one for that key, and was read together with it. */
static int put_in_place(const struct link *k, struct err *e)
{
	if (!k->wanted || right(k))
		return 0;
	if (text_ends(k->path, ".key") && regular(k->path) && !same_bytes(k->path, k->target))
		return err_set(e, ERR_LOCAL, "%s is not the key that was adopted: move it away", k->path);
	return fs_symlink(k->target, k->path, e);
}

int links_replace(const struct line *l, const char *slot, struct err *e)
{
	return each(l, slot, strcmp(slot, "live") == 0 ? &l->live : &l->staging, put_in_place, e);
}
