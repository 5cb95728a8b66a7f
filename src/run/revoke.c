/* revoke.c - revocation of a keyset.
 * Touches: private keys in memory; files under STATE, reading only; network.
 */
#include "run/revoke.h"

#include "base/mem.h"
#include "run/ca.h"
#include "run/notice.h"
#include "run/store.h"
#include "sys/clock.h"

#define FILE_MAX ((size_t)1 << 20)

struct revoker {
	struct ca_account a;            /* at the CA of the last certificate; without a URL if there is none */
	enum revocation_reason reason;
	size_t by_key;                  /* how many there were revoked by their own key */
};

static int read_file(struct buf *b, const struct line_config *c, const struct generation *g, const char *base,
		     size_t i, struct err *e)
{
	char *dir = generation_dir(g->number), *file = generation_file(base, i, g->leaves[i].type);
	char *tail = mem_format("%s/%s", dir, file), *path = store_path(c, tail);
	int rc = fs_read(b, path, FILE_MAX, NULL, e);

	free(path);
	free(tail);
	free(file);
	free(dir);
	return rc;
}

static struct key *read_key(const struct line_config *c, const struct generation *g, size_t i, struct err *e)
{
	struct key *key = NULL;
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (read_file(&b, c, g, "key", i, e) == 0)
		key = key_parse(b.s, b.len, e);
	buf_wipe(&b);
	return key;
}

/* Whoever has the key may revoke (RFC 8555 7.6). */
static int revoke_by_key(struct revoker *r, const struct cert *cert, const struct line_config *c,
			 const struct generation *g, size_t i, struct err *e)
{
	struct key *key = read_key(c, g, i, e);
	bool ignored;
	int rc = key ? revoke_certificate(r->a.session, cert, key, r->reason, &ignored, e) : -1;

	key_free(key);
	if (rc < 0)
		return err_wrap(e, "by the certificate's own key");
	r->by_key++;
	return 0;
}

static int revoke_leaf(struct revoker *r, const struct line_config *c, const struct generation *g, size_t i,
		       struct err *e)
{
	bool stranger = false;
	struct cert *cert = NULL;
	struct err own;
	struct buf b;
	int rc = -1;

	buf_init(&b, FILE_MAX);
	if (read_file(&b, c, g, "cert", i, e) == 0)
		cert = cert_parse(b.s, b.len, NULL, e);
	buf_free(&b);
	if (!cert)
		return -1;
	if (ca_key_lost(&r->a) && r->reason != REVOKE_KEY_COMPROMISE)
		rc = err_set(e, ERR_LOCAL, "the account's key %s is missing: bring it back from a backup; by the "
			     "certificate's own key CAs are told of nothing but keyCompromise", r->a.key_path);
	else if (!r->a.key || !r->a.url)
		rc = revoke_by_key(r, cert, c, g, i, e);
	else
		rc = revoke_certificate(r->a.session, cert, NULL, r->reason, &stranger, e);
	/* what is compromised does not stay valid, whatever the CA has against the account */
	if (r->a.url && r->a.key && rc < 0 &&
	    (stranger || (e->kind == ERR_REFUSED && r->reason == REVOKE_KEY_COMPROMISE)) &&
	    revoke_by_key(r, cert, c, g, i, &own) == 0)
		rc = 0;
	cert_free(cert);
	return rc;
}

/* Let's Encrypt takes it for a proof that somebody has the key who should not. */
static void tell_by_key(const struct revoker *r, const struct line_config *c)
{
	if (!r->by_key)
		return;
	notice_warning(c->name, "the revocation was signed by the certificate's own key, since %s %s: CAs like "
		       "Let's Encrypt take such a key for compromised, whatever the reason, and certify it no "
		       "more; if it is still in use, order `certline roll --emergency %s`",
		       ca_key_lost(&r->a) ? "the key is missing of the account at" : r->a.url
		       ? "the account is refused by" : "there is no account at", r->a.ca, c->name);
}

/* A session for the CA that issued it, whether or not it is one that is configured now.  No account is made
 * for this: a new one has no say about old certificates. */
static int open_for(struct revoker *r, const struct line_config *c, const char *directory, struct err *e)
{
	if (r->a.session && strcmp(r->a.directory, directory) == 0)
		return 0;
	tell_by_key(r, c);
	r->by_key = 0;
	ca_close(&r->a);
	return ca_read(&r->a, c, directory, e) < 0 ? -1 : ca_connect_if_known(&r->a, c, e);
}

static int revoke_generation(struct revoker *r, const struct line *l, const struct generation *g, size_t *n,
			     struct err *e)
{
	int64_t now = clock_now();

	if (open_for(r, l->cfg, g->ca, e) < 0)
		return -1;
	for (size_t i = 0; i < g->leaves_n; i++) {
		if (g->leaves[i].until_at <= now)
			continue;
		if (revoke_leaf(r, l->cfg, g, i, e) < 0)
			return err_wrap(e, "the certificate with serial %s", g->leaves[i].serial);
		++*n;
	}
	return 0;
}

int revoke_keyset(const struct line *l, int keyset, int up_to, enum revocation_reason reason, size_t *n,
		  struct err *e)
{
	struct revoker r = { .reason = reason };
	int *numbers, rc;
	size_t count;

	*n = 0;
	rc = generation_list(&numbers, &count, l->cfg, e);
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct generation g = { 0 };
		struct err ignored;

		/* one that cannot be read has no certificate that could be sent */
		if (generation_load(&g, l->cfg, numbers[i], &ignored) == 0 && g.keyset == keyset &&
		    g.number <= up_to && g.ca)
			rc = revoke_generation(&r, l, &g, n, e);
		generation_free(&g);
	}
	free(numbers);
	tell_by_key(&r, l->cfg);
	ca_close(&r.a);
	return rc;
}
