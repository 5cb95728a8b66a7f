/* links.c - stable links into the store.
 * Touches: [dirs] certs and keys.
 */
#include "run/links.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/store.h"

#include <sys/stat.h>

struct link {
	char *path;
	char *target;           /* NULL: there should be no link of ours */
};

/* The link of one file: kind is "cert" or "key". */
static struct link link_of(const struct line_config *c, const struct generation *g, const char *slot,
			   const char *kind, size_t i)
{
	bool cert = strcmp(kind, "cert") == 0;
	const char *prefix = strcmp(slot, "live") == 0 ? c->live : c->staging;
	enum key_type type = i < g->leaves_n ? g->leaves[i].type : KEY_OTHER;
	char *tail = i == 0 ? mem_copy_str("") : mem_format("-%s", key_type_name(type));
	struct link k = { 0 };

	k.path = mem_format("%s/%s%s.%s", cert ? c->certs : c->keys, prefix, tail,
			    cert ? "crt" : "key");
	if (i < g->leaves_n) {
		char *file = generation_file(kind, i, type), *at = mem_format("%s/%s", slot, file);

		k.target = store_path(c, at);
		free(file);
		free(at);
	}
	free(tail);
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
	struct stat st;
	char *target = NULL;
	bool same;

	if (!k->target)
		return lstat(k->path, &st) < 0 || !S_ISLNK(st.st_mode);
	if (fs_readlink(&target, k->path, &ignored) < 0)
		return false;
	same = target && strcmp(target, k->target) == 0;
	free(target);
	return same;
}

/* A symlink may be moved or removed; anything else is not ours. */
static int set_right(const struct link *k, struct err *e)
{
	struct stat st;

	if (right(k))
		return 0;
	if (lstat(k->path, &st) == 0 && !S_ISLNK(st.st_mode))
		return err_set(e, ERR_LOCAL, "%s is in the way: certline wants a link to %s there; move the "
			       "file away, or change [dirs] and [files]", k->path, k->target);
	return k->target ? fs_symlink(k->target, k->path, e) : fs_unlink(k->path, e);
}

/* Walks over every link of a slot until `stop` says so. */
static int each(const struct line *l, const char *slot, int (*act)(const struct link *, struct err *),
		struct err *e)
{
	static const char *const kinds[] = { "key", "cert" };
	const struct generation *g = strcmp(slot, "live") == 0 ? &l->live : &l->staging;
	size_t n = g->leaves_n ? g->leaves_n : 1;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		for (size_t k = 0; k < ARRAY_LEN(kinds) && rc == 0; k++) {
			struct link x = link_of(l->cfg, g, slot, kinds[k], i);

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
	return each(l, "live", is_right, &ignored) < 0 || each(l, "staging", is_right, &ignored) < 0;
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
	if (each(l, "live", set_right, e) < 0)
		return -1;
	return each(l, "staging", set_right, e);
}

static bool regular(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

void links_foreign(char **key_path, char **cert_path, const struct line_config *c, const char *slot)
{
	const char *prefix = strcmp(slot, "live") == 0 ? c->live : c->staging;

	*key_path = *cert_path = NULL;
	if (!c->certs)
		return;
	*key_path = mem_format("%s/%s.key", c->keys, prefix);
	*cert_path = mem_format("%s/%s.crt", c->certs, prefix);
	if (regular(*key_path) && regular(*cert_path))
		return;
	free(*key_path);
	free(*cert_path);
	*key_path = *cert_path = NULL;
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
	if (!k->target || right(k))
		return 0;
	if (text_ends(k->path, ".key") && regular(k->path) && !same_bytes(k->path, k->target))
		return err_set(e, ERR_LOCAL, "%s is not the key that was adopted: move it away", k->path);
	return fs_symlink(k->target, k->path, e);
}

int links_replace(const struct line *l, const char *slot, struct err *e)
{
	return each(l, slot, put_in_place, e);
}
