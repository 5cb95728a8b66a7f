/* revoke.c - revocation of a keyset.
 * Touches: private keys in memory; files under STATE, reading only; network.
 */
#include "run/revoke.h"

#include "base/mem.h"
#include "run/ca.h"
#include "run/store.h"
#include "sys/clock.h"

#define FILE_MAX ((size_t)1 << 20)

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

static int revoke_leaf(struct session *s, const struct line_config *c, const struct generation *g, size_t i,
		       enum revocation_reason reason, struct err *e)
{
	struct cert *cert = NULL;
	struct key *key = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, FILE_MAX);
	if (read_file(&b, c, g, "cert", i, e) == 0)
		cert = cert_parse(b.s, b.len, NULL, e);
	if (cert)
		rc = revoke_certificate(s, cert, NULL, reason, e);
	/* who has the key may always say that it is compromised */
	if (cert && rc < 0 && e->kind == ERR_REFUSED && reason == REVOKE_KEY_COMPROMISE) {
		struct err own;

		buf_clear(&b);
		if (read_file(&b, c, g, "key", i, &own) == 0)
			key = key_parse(b.s, b.len, &own);
		if (key && revoke_certificate(s, cert, key, reason, &own) == 0)
			rc = 0;
	}
	buf_wipe(&b);
	key_free(key);
	cert_free(cert);
	return rc;
}

/* A session for the CA that issued it, whether or not it is one that is configured now. */
static int open_for(struct ca_account *a, const struct line_config *c, const char *directory, struct err *e)
{
	if (a->session && strcmp(a->directory, directory) == 0)
		return 0;
	ca_close(a);
	return ca_read(a, c, directory, e) < 0 ? -1 : ca_connect(a, c, e);
}

static int revoke_generation(struct ca_account *a, const struct line *l, const struct generation *g,
			     enum revocation_reason reason, size_t *n, struct err *e)
{
	int64_t now = clock_now();

	if (open_for(a, l->cfg, g->ca, e) < 0)
		return -1;
	for (size_t i = 0; i < g->leaves_n; i++) {
		if (g->leaves[i].until_at <= now)
			continue;
		if (revoke_leaf(a->session, l->cfg, g, i, reason, e) < 0)
			return err_wrap(e, "the certificate with serial %s", g->leaves[i].serial);
		++*n;
	}
	return 0;
}

int revoke_keyset(const struct line *l, int keyset, int up_to, enum revocation_reason reason, size_t *n,
		  struct err *e)
{
	struct ca_account a = { 0 };
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
			rc = revoke_generation(&a, l, &g, reason, n, e);
		generation_free(&g);
	}
	free(numbers);
	ca_close(&a);
	return rc;
}
