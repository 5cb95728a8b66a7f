/* ca.c - accounts on disk, and sessions for them.
 * Touches: the account's key; files under STATE/accounts, or where account-key says; network.
 */
#include "run/ca.h"

#include "acme/text.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/ca.h"
#include "io/json.h"
#include "run/notice.h"
#include "run/store.h"
#include "sys/clock.h"
#include "sys/fs.h"

#include <sys/stat.h>

#define FILE_MAX       ((size_t)64 << 10)
#define LOCK_WAIT_MS   60000
#define ALONE_WAIT_MS  300000           /* an order may take that long, and longer */
#define REQUEST_MS     30000
#define ACCOUNT_VERSION 1

static const struct fs_mode private_file = { .mode = 0600, .gid = (gid_t)-1 };
static const struct fs_mode private_dir = { .mode = 0700, .gid = (gid_t)-1 };

/* Keys ------------------------------------------------------------------------------------------ */

/* What is wrong with who may read it; NULL: nothing, or there is none.  The caller frees. */
static char *exposed(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0077))
		return NULL;
	return mem_format("account key %s can be read by others: chmod 600 it", path);
}

/* A link that leads nowhere: the key is elsewhere, and perhaps not mounted. */
static int check_link(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	return err_set(e, ERR_LOCAL, "account key %s is a link to a file that is not there: put the key there, or "
		       "remove the link to have another key made", path);
}

static struct key *read_key(const char *path, bool *missing, struct err *e)
{
	struct key *k = NULL;
	struct buf b;
	char *bad;

	buf_init(&b, FILE_MAX);
	if (fs_read(&b, path, FILE_MAX, missing, e) == 0 && !*missing) {
		k = key_parse(b.s, b.len, e);
		if (!k)
			err_wrap(e, "account key %s is damaged", path);
	}
	buf_wipe(&b);
	if (*missing && check_link(path, e) < 0)
		*missing = false;
	bad = k ? exposed(path) : NULL;
	if (bad) {
		err_set(e, ERR_UNSAFE, "%s", bad);
		key_free(k);
		k = NULL;
	}
	free(bad);
	if (k && !jose_alg(k)) {
		err_set(e, ERR_LOCAL, "account key %s: CAs take P-256, P-384 and RSA keys only", path);
		key_free(k);
		k = NULL;
	}
	return k;
}

static struct key *make_key(const char *path, struct err *e)
{
	struct key *k = key_make(KEY_EC_256, e);
	struct buf pem;

	if (!k)
		return NULL;
	buf_init(&pem, FILE_MAX);
	if (key_write(&pem, k, e) < 0 || fs_write(path, pem.s, pem.len, private_file, e) < 0) {
		key_free(k);
		k = NULL;
	}
	buf_wipe(&pem);
	return k;
}

/* account.json ---------------------------------------------------------------------------------- */

/* Why this cannot be what save() has written; NULL: it can. */
static const char *damage(const struct json *o)
{
	const char *url = json_str(o, "url", NULL);

	if (!json_plain(o))
		return "it has values that certline never writes";
	/* without a URL: the CA wants to be left alone before there is an account */
	if (url ? !acme_is_url(url) : json_int(o, "not_before_at", 0) <= 0)
		return "it has no url";
	if (!json_str(o, "directory", NULL) || !json_str(o, "thumbprint", NULL))
		return "it does not say whose it is";
	if (json_has(o, "terms") && !json_str(o, "terms", NULL))
		return "its terms are no text";
	if (json_has(o, "not_before_at") && json_int(o, "not_before_at", 0) <= 0)
		return "its not_before_at is no time";
	return NULL;
}

/* It is ours, and not something that somebody has put there on purpose. */
static bool own_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
}

/* All that it says can be asked for again, so it keeps nobody from certificates: who has the lock puts it
 * aside, and others do without.  `e` says what is wrong with it. */
static int damaged(struct ca_account *a, const struct line_config *c, struct err *e)
{
	char *aside;
	int rc;

	if (!own_file(a->file))
		return err_wrap(e, "%s is damaged; move it away, and the account will be found by its key",
				a->file);
	a->damaged = true;
	if (a->lock.fd < 0)
		return 0;
	aside = mem_format("%s.damaged", a->file);
	notice_warning(c->name, "%s is damaged (%s): it is kept as %s, and %s is asked for the account by its key",
		       a->file, e->text, aside, a->ca);
	rc = fs_rename(a->file, aside, e);
	free(aside);
	return rc;
}

/* What is of another key, or of a CA whose folder has the same name, is as if it was not there. */
static void take_file(struct ca_account *a, const struct json *o)
{
	if (strcmp(json_str(o, "directory", ""), a->directory) != 0 ||
	    (a->key && strcmp(json_str(o, "thumbprint", ""), a->thumbprint) != 0))
		return;
	a->url = mem_copy_str(json_str(o, "url", NULL));
	a->terms = mem_copy_str(json_str(o, "terms", NULL));
	a->not_before_at = json_int(o, "not_before_at", 0);
}

static int read_file(struct ca_account *a, const struct line_config *c, struct err *e)
{
	struct json *o = NULL;
	const char *why;
	bool missing;
	struct buf b;
	int rc;

	buf_init(&b, FILE_MAX);
	rc = fs_read(&b, a->file, FILE_MAX, &missing, e);
	if (rc == 0 && !missing) {
		o = json_parse(b.s, b.len, e);
		why = o ? damage(o) : NULL;
		if (why)
			err_set(e, ERR_LOCAL, "%s", why);
		if (!o || why)
			rc = damaged(a, c, e);
		else
			take_file(a, o);
	}
	json_free(o);
	buf_free(&b);
	return rc;
}

static int save(const struct ca_account *a, struct err *e)
{
	struct json *o = json_object();
	int rc;

	json_put_int(o, "version", ACCOUNT_VERSION);
	json_put_str(o, "directory", a->directory);
	json_put_str(o, "url", a->url);
	json_put_str(o, "thumbprint", a->thumbprint);
	if (a->terms)
		json_put_str(o, "terms", a->terms);
	if (a->not_before_at)
		json_put_int(o, "not_before_at", a->not_before_at);
	rc = store_write_json(a->file, o, FILE_MAX, private_file, e);
	json_free(o);
	return rc;
}

static char *old_file(const struct ca_account *a)
{
	return mem_format("%s.old", a->file);
}

int ca_forget(const struct ca_account *a, struct err *e)
{
	char *old = old_file(a);
	int rc = fs_rename(a->file, old, e);

	free(old);
	return rc;
}

void ca_rest_until(struct ca_account *a, int64_t at)
{
	struct err ignored;

	if (at <= a->not_before_at)
		return;
	a->not_before_at = at;
	/* if it is lost the CA says it again */
	if (save(a, &ignored) < 0)
		a->not_before_at = at;
}

/* Opening ---------------------------------------------------------------------------------------- */

static void name_files(struct ca_account *a, const struct line_config *c, const char *ca)
{
	char *folder = ca_folder(ca_directory(ca));

	*a = (struct ca_account){ .ca = mem_copy_str(ca), .directory = mem_copy_str(ca_directory(ca)),
				  .lock = { -1 }, .use = { -1 } };
	a->folder = mem_format("%s/accounts/%s", c->state, folder);
	a->file = mem_format("%s/account.json", a->folder);
	a->key_path = c->account_key ? mem_copy_str(c->account_key) : mem_format("%s/account.key", a->folder);
	free(folder);
}

/* Key and account.json of the files that are named. */
static int read_all(struct ca_account *a, const struct line_config *c, struct err *e)
{
	bool missing;

	a->key = read_key(a->key_path, &missing, e);
	if (!a->key && !missing)
		return -1;
	if (a->key && jose_thumbprint(a->thumbprint, a->key, e) < 0)
		return -1;
	return read_file(a, c, e);
}

bool ca_key_lost(const struct ca_account *a)
{
	return a->url && !a->key;
}

static int key_lost(const struct ca_account *a, struct err *e)
{
	return err_set(e, ERR_LOCAL, "its key %s is missing: bring it back from a backup; or, if you want a new "
		       "account instead of %s, move %s away", a->key_path, a->url, a->file);
}

int ca_read(struct ca_account *a, const struct line_config *c, const char *ca, struct err *e)
{
	name_files(a, c, ca);
	return read_all(a, c, e);
}

static int make_folder(const struct ca_account *a, const struct line_config *c, struct err *e)
{
	char *all = mem_format("%s/accounts", c->state);
	int rc = fs_mkdir(c->state, private_dir, e);

	if (rc == 0)
		rc = fs_mkdir(all, private_dir, e);
	if (rc == 0)
		rc = fs_mkdir(a->folder, private_dir, e);
	free(all);
	return rc;
}

/* While the account is worked on: made, found, given another key. */
static int take_lock(struct ca_account *a, struct err *e)
{
	char *path = mem_format("%s/lock", a->folder);
	int rc = lock_open(&a->lock, path, LOCK_WAIT_MS, e);

	free(path);
	return rc;
}

/* While its key signs: many at a time, but for who gives it another key.  It is taken before the other lock,
 * by everybody who takes both. */
static int share_use(struct ca_account *a, struct err *e)
{
	char *path = mem_format("%s/use", a->folder);
	int rc = lock_share(&a->use, path, LOCK_WAIT_MS, e);

	free(path);
	return rc < 0 ? err_wrap(e, "the account at %s gets another key", a->ca) : 0;
}

static int use_alone(struct ca_account *a, const struct line_config *c, struct err *e)
{
	char *path = mem_format("%s/use", a->folder);
	int rc = lock_open(&a->use, path, 0, e);

	if (rc < 0 && e->kind == ERR_LATER) {
		notice_warning(c->name, "the account at %s is in use, which is waited for (%s)", a->ca, e->text);
		rc = lock_open(&a->use, path, ALONE_WAIT_MS, e);
	}
	free(path);
	return rc < 0 ? err_wrap(e, "the account at %s is in use, and keeps its key: give the order again when that "
				 "run has ended", a->ca) : 0;
}

static int start_session(struct ca_account *a, const struct line_config *c, struct err *e)
{
	struct session_config s = { .directory = a->directory, .ca_file = c->ca_file,
				    .request_ms = REQUEST_MS, .run_ms = c->order_limit_for * 1000,
				    .rest = &a->rest, .problems = a->problems };

	a->rest = (struct rest){ .rest_for = -1 };
	if (session_open(&a->session, &s, e) < 0)
		return -1;
	session_set_account(a->session, a->key, a->url);
	return 0;
}

/* The file of the key itself, if key_path is a link to it: that is what is replaced, beside it is the next
 * one, and the link stays. */
static char *key_file(const struct ca_account *a)
{
	char *path = realpath(a->key_path, NULL);

	return path ? path : mem_copy_str(a->key_path);
}

static char *next_file(const struct ca_account *a)
{
	char *file = key_file(a), *next = mem_format("%s.next", file);

	free(file);
	return next;
}

/* Whether account.json.old tells of this key. */
static bool deactivated(const struct ca_account *a)
{
	char *old = old_file(a);
	struct json *o = NULL;
	struct err ignored;
	bool missing, is_ours;
	struct buf b;

	buf_init(&b, FILE_MAX);
	if (!a->url && fs_read(&b, old, FILE_MAX, &missing, &ignored) == 0 && !missing)
		o = json_parse(b.s, b.len, &ignored);
	is_ours = strcmp(json_str(o, "thumbprint", ""), a->thumbprint) == 0 && a->key;
	json_free(o);
	buf_free(&b);
	free(old);
	return is_ours;
}

static int tell_deactivated(const struct ca_account *a, struct err *e)
{
	return err_set(e, ERR_REFUSED, "it was deactivated: for another account, move its key %s away, or name "
		       "another account-key", a->key_path);
}

/* A key that the CA says it does not have: it may be wrong in that, and there is no other copy. */
static int put_aside(const char *path, struct err *e)
{
	char *aside = mem_format("%s.%lld", path, (long long)clock_now());
	int rc = fs_rename(path, aside, e);

	free(aside);
	return rc;
}

static bool is_old(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && clock_now() - (int64_t)st.st_mtime > DAY;
}

static int next_useless(const char *path, struct err *e)
{
	return err_wrap(e, "%s is of no use; the key stays as it is if you move that file away", path);
}

/* The next key was on disk before the CA heard of it: whether it did, only the CA knows. */
static int finish_change(struct ca_account *a, struct err *e)
{
	char *path = next_file(a), *file = key_file(a), *url = NULL;
	bool missing;
	struct key *next = read_key(path, &missing, e);
	int rc = 0;

	if (!next && !missing)
		rc = next_useless(path, e);
	if (next)
		rc = account_find(a->session, &url, next, e);
	if (rc == 0 && url && (!a->url || strcmp(url, a->url) == 0)) {
		rc = fs_rename(path, file, e);
		if (rc == 0) {
			key_free(a->key);
			a->key = next;
			next = NULL;
			free(a->url);
			a->url = url;
			url = NULL;
			rc = jose_thumbprint(a->thumbprint, a->key, e);
			session_set_account(a->session, a->key, a->url);
			if (rc == 0)
				rc = save(a, e);
		}
	} else if (rc == 0 && next && !url && is_old(path)) {
		/* the CA has never heard of it, and will not any more */
		rc = put_aside(path, e);
	}
	key_free(next);
	free(url);
	free(file);
	free(path);
	return rc < 0 ? err_wrap(e, "the change of the account's key that was begun") : 0;
}

/* account.json is of another key: that is what a roll-over that was killed at its end leaves. */
static int find_or_go_on(struct ca_account *a, bool fresh, struct err *e)
{
	if (a->url)
		return finish_change(a, e);
	if (fresh)
		return 0;
	if (deactivated(a))
		return tell_deactivated(a, e);
	if (account_find(a->session, &a->url, a->key, e) < 0)
		return -1;
	/* the CA may have given it its next key before account.json was lost */
	if (!a->url)
		return finish_change(a, e);
	session_set_account(a->session, a->key, a->url);
	return save(a, e);
}

/* A key for a new account.  Where there is an account already its key was lost: a new one in its place would
 * be another account, with other limits, and not the one that CAA records name. */
static int make_first_key(struct ca_account *a, const struct line_config *c, struct err *e)
{
	char *aside = mem_format("%s.damaged", a->file);
	int rc = read_file(a, c, e);
	bool damaged_once = access(aside, F_OK) == 0;

	if (rc == 0 && !a->url && damaged_once)
		rc = err_set(e, ERR_LOCAL, "its key %s is missing: bring it back from a backup; or, if you want a new "
			     "account, move %s away, too", a->key_path, aside);
	free(aside);
	if (rc < 0)
		return -1;
	if (ca_key_lost(a))
		return key_lost(a, e);
	a->key = make_key(a->key_path, e);
	return a->key ? 0 : -1;
}

/* Of one whose files are named, with the lock. */
static int work_on(struct ca_account *a, const struct line_config *c, struct err *e)
{
	bool missing, fresh;

	if (take_lock(a, e) < 0)
		return -1;
	a->key = read_key(a->key_path, &missing, e);
	fresh = !a->key && missing;
	if ((fresh && make_first_key(a, c, e) < 0) || !a->key || jose_thumbprint(a->thumbprint, a->key, e) < 0 ||
	    (!fresh && read_file(a, c, e) < 0) || start_session(a, c, e) < 0 || find_or_go_on(a, fresh, e) < 0)
		return err_wrap(e, "account at %s", a->ca);
	return 0;
}

int ca_open_account(struct ca_account *a, const struct line_config *c, const char *ca, bool alone,
		    struct err *e)
{
	name_files(a, c, ca);
	if (make_folder(a, c, e) < 0 || (alone && use_alone(a, c, e) < 0))
		return -1;
	return work_on(a, c, e);
}

/* Alarms ------------------------------------------------------------------------------------------ */

static bool is_plain(const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_size > 0 && st->st_size <= (off_t)FILE_MAX;
}

/* Whether files are there that should not, or not those that should.  This is asked by every run, for every
 * line, and nearly always in vain. */
static bool looks_odd(const struct ca_account *a)
{
	char *next = next_file(a), *old = old_file(a);
	struct stat st;
	bool known = lstat(a->file, &st) == 0;
	bool odd = known ? !is_plain(&st) : access(old, F_OK) == 0;

	odd |= stat(a->key_path, &st) < 0 || !is_plain(&st) || access(next, F_OK) == 0;
	free(next);
	free(old);
	return odd;
}

/* -1 and *e: an order would fail. */
static int look_closer(struct ca_account *a, const struct line_config *c, struct err *e)
{
	char *path = next_file(a);
	struct key *next = NULL;
	bool missing = true;
	int rc = read_all(a, c, e);

	if (rc == 0 && ca_key_lost(a))
		rc = key_lost(a, e);
	if (rc == 0 && deactivated(a))
		rc = tell_deactivated(a, e);
	if (rc == 0)
		next = read_key(path, &missing, e);
	if (rc == 0 && !next && !missing)
		rc = next_useless(path, e);
	key_free(next);
	free(path);
	return rc;
}

void ca_alarms(struct strv *out, const struct line_config *c)
{
	for (size_t i = 0; i < c->cas.n && c->issuer == ISSUER_ACME; i++) {
		struct ca_account a;
		struct err e;
		char *bad;

		name_files(&a, c, c->cas.v[i]);
		bad = exposed(a.key_path);
		if (!bad && looks_odd(&a) && look_closer(&a, c, &e) < 0)
			bad = mem_format("account at %s: %s", a.ca, e.text);
		if (bad && !strv_has(out, bad))
			strv_add(out, bad);
		free(bad);
		ca_close(&a);
	}
}

/* Registering ------------------------------------------------------------------------------------ */

/* "KID FILE ALGORITHM" of the CA, or of any. */
static const char *eab_row(const struct line_config *c, const char *ca)
{
	const char *any = NULL;

	for (size_t i = 0; i < c->eab.n; i++) {
		const char *row = c->eab.v[i];
		size_t len = strcspn(row, " ");
		char *of = mem_copy_strn(row, len);
		bool fits = strcmp(of, ca) == 0;

		if (strcmp(of, "*") == 0)
			any = row + len + 1;
		free(of);
		if (fits)
			return row + len + 1;
	}
	return any;
}

/* The MAC key in `secret`; kid is NULL if nothing is configured. */
static int read_eab(struct account_eab *out, char **kid, struct buf *secret, const char *row, struct err *e)
{
	const char *file, *alg;
	struct stat st;
	struct buf text;
	char *path;
	int rc = 0;

	*out = (struct account_eab){ .alg = JOSE_HS256 };
	*kid = NULL;
	if (!row)
		return 0;
	file = strchr(row, ' ') + 1;
	alg = strchr(file, ' ') + 1;
	path = mem_copy_strn(file, (size_t)(alg - file) - 1);
	if (!jose_mac_parse(alg, &out->alg))
		mem_bug("an algorithm that was checked is none");
	buf_init(&text, FILE_MAX);
	if (fs_read(&text, path, FILE_MAX, NULL, e) < 0)
		rc = -1;
	else if (stat(path, &st) == 0 && (st.st_mode & 0007))
		rc = err_set(e, ERR_UNSAFE, "%s can be read by everybody: chmod 600 it", path);
	else if (!base64url_decode(secret, text.s, text.len, true) || !secret->len)
		rc = err_set(e, ERR_USAGE, "%s has no MAC key in base64", path);
	buf_wipe(&text);
	free(path);
	if (rc < 0)
		return -1;
	*kid = mem_copy_strn(row, (size_t)(file - row) - 1);
	out->kid = *kid;
	out->mac_key = secret->s;
	out->mac_key_len = secret->len;
	return 0;
}

/* Nobody else will say that somebody has agreed to something, and what is lost with a file. */
static void announce(const struct ca_account *a, const struct line_config *c)
{
	const char *slash = strrchr(a->key_path, '/');

	notice_done(c->name, "made an account at %s: %s; its terms of service (%s) are agreed to, as agree-tos = "
		    "yes says; back up its key, %s in the folder %.*s", a->ca, a->url,
		    a->terms ? a->terms : "it names none", slash + 1, (int)(slash - a->key_path), a->key_path);
}

int ca_register(struct ca_account *a, const struct line_config *c, struct err *e)
{
	const struct directory *d = session_directory(a->session);
	const char *row = eab_row(c, a->ca);
	struct account_eab eab;
	struct buf secret;
	char *kid = NULL;
	int rc;

	if (!c->agree_tos)
		return err_set(e, ERR_USAGE, "there is no account at %s yet: read its terms of service (%s), and if you "
			       "agree, set agree-tos = yes in [acme]", a->ca, d->terms ? d->terms : "it names none");
	if (d->eab_required && !row)
		return err_set(e, ERR_USAGE, "%s makes accounts only for those to whom it gave a key id and a MAC key: "
			       "put them into [acme] eab", a->ca);
	buf_init(&secret, FILE_MAX);
	rc = read_eab(&eab, &kid, &secret, row, e);
	if (rc == 0)
		rc = account_make(a->session, &a->url, a->key, &c->contacts, &eab, e);
	buf_wipe(&secret);
	free(kid);
	if (rc < 0)
		return err_wrap(e, "making an account at %s", a->ca);
	free(a->terms);
	a->terms = mem_copy_str(d->terms);
	session_set_account(a->session, a->key, a->url);
	announce(a, c);
	return save(a, e);
}

/* Everything is read again: until the key could not change any more, it may have. */
static int reread(struct ca_account *a, const struct line_config *c, struct err *e)
{
	char *ca = mem_copy_str(a->ca);
	struct json *problems = a->problems;

	ca_close(a);
	name_files(a, c, ca);
	a->problems = problems;
	free(ca);
	return make_folder(a, c, e) < 0 || share_use(a, e) < 0 || read_all(a, c, e) < 0 ? -1 : 0;
}

static int connect_to(struct ca_account *a, const struct line_config *c, bool make, struct err *e)
{
	bool changing;
	char *next;
	int rc;

	if (reread(a, c, e) < 0)
		return -1;
	next = next_file(a);
	changing = access(next, F_OK) == 0;
	free(next);
	if (ca_key_lost(a) && make) {
		key_lost(a, e);
		return err_wrap(e, "account at %s", a->ca);
	}
	if ((a->url && !changing) || (!a->key && !make))
		return start_session(a, c, e);
	/* the account itself has to be worked on */
	key_free(a->key);
	free(a->url);
	free(a->terms);
	a->key = NULL;
	a->url = a->terms = NULL;
	rc = work_on(a, c, e);
	/* the CA knows the account, and wants to hear no more of it */
	if (rc < 0 && !make && a->session && e->kind == ERR_REFUSED)
		rc = 0;
	if (rc == 0 && make && !a->url)
		rc = ca_register(a, c, e);
	lock_close(&a->lock);
	return rc;
}

int ca_connect(struct ca_account *a, const struct line_config *c, struct err *e)
{
	return connect_to(a, c, true, e);
}

int ca_connect_if_known(struct ca_account *a, const struct line_config *c, struct err *e)
{
	return connect_to(a, c, false, e);
}

int ca_change_key(struct ca_account *a, struct err *e)
{
	char *path = next_file(a);
	bool missing;
	struct key *next = read_key(path, &missing, e);
	int rc = -1;

	if (!next && missing)
		next = make_key(path, e);
	if (next) {
		rc = account_change_key(a->session, next, e);
		/* the reply may be lost: the CA is asked which key it knows */
		if (rc == 0 || e->kind == ERR_LATER) {
			struct err other;

			if (finish_change(a, &other) < 0) {
				*e = other;
				rc = -1;
			} else if (access(path, F_OK) == 0) {
				rc = rc < 0 ? -1 : err_set(e, ERR_REFUSED, "the CA says that the key was changed, and "
							   "does not know the new one");
			} else {
				rc = 0;
			}
		} else {
			struct err ignored;

			/* it was refused: the next try makes another one */
			rc = put_aside(path, &ignored) < 0 ? -1 : rc;
		}
	}
	key_free(next);
	free(path);
	return rc;
}

void ca_close(struct ca_account *a)
{
	session_close(a->session);
	if (a->lock.fd >= 0 && a->ca)
		lock_close(&a->lock);
	if (a->use.fd >= 0 && a->ca)
		lock_close(&a->use);
	key_free(a->key);
	free(a->ca);
	free(a->directory);
	free(a->folder);
	free(a->key_path);
	free(a->file);
	free(a->url);
	free(a->terms);
	free(a->permitted);
	*a = (struct ca_account){ .lock = { -1 }, .use = { -1 } };
}
