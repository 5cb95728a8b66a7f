/* respond.c - challenges, by method.
 * Touches: files under STATE and in challenge-dir; by respond_*.c network and hooks.
 */
#include "run/respond_parts.h"

#include "base/mem.h"
#include "io/json.h"
#include "run/store.h"
#include "sys/addr.h"
#include "sys/fs.h"
#include "sys/proc.h"

#define DIARY_MAX ((size_t)4 << 20)
#define TRIES_MAX 10                    /* to take a challenge away */

static bool usable(const struct placed *p, enum method m)
{
	return p->method == m && p->c->err.kind == ERR_NONE;
}

/* Choosing --------------------------------------------------------------------------------------- */

/* As the configuration has it. */
static char *whole_name(const char *name, bool wildcard)
{
	return mem_format("%s%s", wildcard ? "*." : "", name);
}

static unsigned permitted(const struct respond *x, const char *whole)
{
	for (size_t i = 0; i < x->c->domains.n && x->permitted; i++)
		if (strcmp(x->c->domains.v[i], whole) == 0)
			return x->permitted[i];
	return CHALLENGE_TYPES_ALL;
}

static int choose(void *arg, const char *name, bool wildcard, unsigned offered, struct err *e)
{
	const struct respond *x = arg;
	char *whole = whole_name(name, wildcard);
	struct err ignored;
	int m = config_method(x->c, whole, offered & permitted(x, whole), &ignored);

	/* that CAA records forbid the others is for the CA to say, and it may see it another way */
	if (m < 0)
		m = config_method(x->c, whole, offered, e);
	if (m < 0)
		err_wrap(e, "%s", whole);
	free(whole);
	return m < 0 ? -1 : (int)method_type((enum method)m);
}

/* The diary -------------------------------------------------------------------------------------- */

static char *diary_path(const struct line_config *c)
{
	return store_path(c, "challenges.json");
}

static void put_placed(struct json *list, const struct placed *p)
{
	struct json *o = json_put(list, NULL, json_object()), *servers;
	char text[ADDR_TEXT_LEN];

	json_put_str(o, "method", method_name(p->method));
	json_put_str(o, "name", p->c->name);
	json_put_bool(o, "wildcard", p->c->wildcard);
	json_put_str(o, "token", p->c->token);
	json_put_str(o, "key_authorization", p->c->key_authorization);
	json_put_int(o, "tries", p->tries);
	if (p->dir)
		json_put_str(o, "dir", p->dir);
	if (p->output)
		json_put_str(o, "output", p->output);
	if (p->record)
		json_put_str(o, "record", p->record);
	if (!p->at)
		return;
	json_put_str(o, "at", p->at);
	json_put_str(o, "apex", p->apex);
	servers = json_put(o, "servers", json_array());
	for (size_t i = 0; i < p->servers_n; i++) {
		addr_format(text, &p->servers[i]);
		json_put_str(servers, NULL, text);
	}
}

int respond_write_diary(const struct respond *x, struct err *e)
{
	struct json *o = json_object(), *list;
	char *path = diary_path(x->c);
	bool empty;
	int rc;

	json_put_int(o, "version", 1);
	list = json_put(o, "challenges", json_array());
	for (size_t i = 0; i < json_len(x->debts); i++)
		json_put(list, NULL, json_clone(json_at(x->debts, i)));
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].owed)
			put_placed(list, &x->v[i]);
	empty = json_len(list) == 0;
	rc = empty ? fs_unlink(path, e) : store_write_json(path, o, DIARY_MAX, store_private_file(x->c), e);
	json_free(o);
	free(path);
	return rc;
}

/* A file that says nothing would keep the line from its certificates; it may tell a person more. */
static int set_aside(const char *path, struct err *e)
{
	char *aside = mem_format("%s.damaged", path);
	struct err moving;

	if (fs_rename(path, aside, &moving) < 0)
		*e = moving;
	else
		err_wrap(e, "%s was damaged, and is %s now: see to it that no challenge is left in DNS or in "
			 "challenge-dir", path, aside);
	free(aside);
	return -1;
}

static enum method method_of(const struct json *o)
{
	int m = 0;

	while (m < METHODS_N && strcmp(json_str(o, "method", ""), method_name((enum method)m)) != 0)
		m++;
	return (enum method)m;
}

/* Whether it says how to take a challenge away. */
static bool is_entry(const struct json *o)
{
	const struct json *servers = json_get(o, "servers");
	enum method m = method_of(o);
	struct addr ignored;

	for (size_t i = 0; i < json_len(servers); i++)
		if (!json_text(json_at(servers, i)) || !addr_parse(&ignored, json_text(json_at(servers, i)), 53))
			return false;
	return m != METHODS_N && json_str(o, "name", NULL) && challenge_token_ok(json_str(o, "token", "")) &&
	       (m != METHOD_DNS_UPDATE || (json_str(o, "at", NULL) && json_str(o, "apex", NULL) &&
					   json_len(servers)));
}

/* *list: what is written down; NULL: nothing.  It lives as long as *doc. */
static int read_diary(struct json **doc, const struct json **list, const struct line_config *c, struct err *e)
{
	char *path = diary_path(c);
	bool missing, good;
	struct buf b;
	int rc;

	*doc = NULL;
	*list = NULL;
	buf_init(&b, DIARY_MAX);
	rc = fs_read(&b, path, DIARY_MAX, &missing, e);
	if (rc < 0)
		err_wrap(e, "see to it that no challenge is left in DNS or in challenge-dir, and move %s away", path);
	if (rc == 0 && !missing) {
		*doc = json_parse(b.s, b.len, e);
		*list = json_get(*doc, "challenges");
		good = json_len(*list) > 0;
		for (size_t i = 0; i < json_len(*list); i++)
			good &= is_entry(json_at(*list, i));
		if (*doc && !good)
			err_set(e, ERR_LOCAL, "it is no list of challenges");
		if (!good)
			rc = set_aside(path, e);
	}
	buf_free(&b);
	free(path);
	return rc;
}

/* What stands there was written by us, but it is read as if it was not.  What the CA has said of it is not
 * known. */
static void read_placed(struct placed *p, const struct json *o)
{
	const struct json *servers = json_get(o, "servers");
	struct challenge *c = p->c;
	struct addr a;

	p->method = method_of(o);
	c->name = mem_copy_str(json_str(o, "name", ""));
	c->wildcard = json_bool(o, "wildcard", false);
	c->token = mem_copy_str(json_str(o, "token", ""));
	c->key_authorization = mem_copy_str(json_str(o, "key_authorization", ""));
	jose_digest(c->digest, c->key_authorization);
	p->done = p->failed = p->owed = true;
	p->tries = json_int(o, "tries", 0);
	if (p->tries < 0 || p->tries >= TRIES_MAX)
		p->tries = TRIES_MAX - 1;
	p->output = mem_copy_str(json_str(o, "output", NULL));
	c->type = method_type(p->method);
	p->record = mem_copy_str(json_str(o, "record", NULL));
	p->dir = mem_copy_str(json_str(o, "dir", NULL));
	p->at = mem_copy_str(json_str(o, "at", NULL));
	p->apex = mem_copy_str(json_str(o, "apex", NULL));
	p->servers = mem_array(json_len(servers), sizeof(*p->servers));
	for (size_t i = 0; i < json_len(servers); i++)
		if (json_text(json_at(servers, i)) && addr_parse(&a, json_text(json_at(servers, i)), 53))
			p->servers[p->servers_n++] = a;
}

static void free_placed(struct respond *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].record);
		free(x->v[i].dir);
		free(x->v[i].at);
		free(x->v[i].apex);
		free(x->v[i].servers);
		free(x->v[i].output);
	}
	free(x->v);
	x->v = NULL;
	x->n = 0;
}

/* Files of web servers --------------------------------------------------------------------------- */

/* Web servers run as somebody else. */
static const struct fs_mode public_file = { .mode = 0644, .gid = (gid_t)-1 };

static void webroot_put(struct respond *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct challenge *c = x->v[i].c;

		if (usable(&x->v[i], METHOD_WEBROOT) &&
		    fs_put(x->c->challenge_dir, c->token, c->key_authorization, strlen(c->key_authorization),
			   public_file, &c->err) < 0)
			err_wrap(&c->err, "challenge-dir");
	}
}

static void webroot_take(struct respond *x)
{
	for (size_t i = 0; i < x->n; i++) {
		struct challenge *c = x->v[i].c;

		if (x->v[i].method == METHOD_WEBROOT && x->v[i].dir && challenge_token_ok(c->token) &&
		    fs_take(x->v[i].dir, c->token, &c->err) < 0)
			err_wrap(&c->err, "challenge-dir");
	}
}

/* All -------------------------------------------------------------------------------------------- */

/* What our own listener answers ends with us: nothing is owed. */
static bool listens(const struct placed *p)
{
	return p->method == METHOD_STANDALONE || p->method == METHOD_TLS_ALPN;
}

static void start_listening(struct respond *x)
{
	struct challenge *v = mem_array(x->n, sizeof(*v));
	struct err e;
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		if (listens(&x->v[i]))
			v[n++] = *x->v[i].c;
	if (n && listener_start(&x->listener, &x->c->http_listen, &x->c->tls_listen, v, n, &e) < 0)
		for (size_t i = 0; i < x->n; i++)
			if (listens(&x->v[i]))
				x->v[i].c->err = e;
	free(v);
}

static void fail_all(struct respond *x, const struct err *e)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].c->err.kind == ERR_NONE)
			x->v[i].c->err = *e;
}

static void take_all(struct respond *x)
{
	listener_stop(&x->listener);
	webroot_take(x);
	respond_dns_take(x);
	respond_hook_take(x);
}

static void present(void *arg, struct challenge *v, size_t n)
{
	struct respond *x = arg;
	const struct json *debts;
	struct json *doc;
	struct err e;

	x->v = mem_array(n, sizeof(*x->v));
	x->n = n;
	for (size_t i = 0; i < n; i++)
		x->v[i].c = &v[i];
	if (read_diary(&doc, &debts, x->c, &e) < 0) {
		fail_all(x, &e);
		return;
	}
	json_free(x->debts);
	x->debts = json_clone(debts);
	json_free(doc);
	for (size_t i = 0; i < n; i++) {
		char *whole = whole_name(v[i].name, v[i].wildcard);
		int m = config_method(x->c, whole, 1U << v[i].type, &e);

		if (m < 0)
			mem_bug("a challenge that nobody has chosen");
		x->v[i].method = (enum method)m;
		if (x->v[i].method == METHOD_WEBROOT)
			x->v[i].dir = mem_copy_str(x->c->challenge_dir);
		free(whole);
	}
	respond_dns_find(x);
	for (size_t i = 0; i < n; i++)
		x->v[i].owed = v[i].err.kind == ERR_NONE && !listens(&x->v[i]);
	if (respond_write_diary(x, &e) < 0) {
		fail_all(x, &e);
		return;
	}
	for (size_t i = 0; i < n; i++)
		x->v[i].done = v[i].err.kind == ERR_NONE;
	start_listening(x);
	webroot_put(x);
	respond_dns_put(x);
	respond_hook_put(x);
	if (!x->c->self_check)
		return;
	respond_dns_look(x);
	respond_http_look(x);
}

/* What could not be taken away is tried again by the next runs, but not for good: a hook may fail because
 * there is nothing left to take away. */
static int settle(struct respond *x, struct err *e)
{
	const struct placed *first = NULL;

	for (size_t i = 0; i < x->n; i++) {
		struct placed *p = &x->v[i];

		if (p->owed && p->c->err.kind != ERR_NONE && !first)
			first = p;
		p->owed = p->owed && p->c->err.kind != ERR_NONE && ++p->tries < TRIES_MAX;
	}
	if (respond_write_diary(x, e) < 0)
		return -1;
	if (!first)
		return 0;
	*e = first->c->err;
	return err_wrap(e, "taking the challenge of %s away (try %d of %d%s)", first->c->name, (int)first->tries,
			TRIES_MAX, first->owed ? "" : ", the last one: if it is still there, do it by hand");
}

static void withdraw(void *arg, struct challenge *v, size_t n)
{
	struct respond *x = arg;
	struct err e;

	(void)v;
	(void)n;
	/* who was told to stop has seconds left, and uses them */
	proc_undo(true);
	for (size_t i = 0; i < x->n; i++) {
		/* what was never tried needs no taking away; hooks are told of failures by their dialect */
		if (!x->v[i].done) {
			x->v[i].method = METHODS_N;
			x->v[i].owed = false;
		}
		x->v[i].failed = x->v[i].c->err.kind != ERR_NONE;
		x->v[i].c->err = (struct err){ 0 };
	}
	take_all(x);
	if (settle(x, &e) < 0)
		strv_add(&x->warnings, e.text);
	proc_undo(false);
	free_placed(x);
}

void respond_init(struct respond *x, struct responder *r, const struct line_config *c,
		  const unsigned *permitted)
{
	*x = (struct respond){ .c = c, .permitted = permitted };
	*r = (struct responder){ .arg = x, .choose = choose, .present = present, .withdraw = withdraw };
}

void respond_free(struct respond *x)
{
	listener_stop(&x->listener);
	free_placed(x);
	json_free(x->debts);
	strv_free(&x->warnings);
}

bool respond_owes(const struct line_config *c)
{
	char *path = diary_path(c);
	bool owes = access(path, F_OK) == 0;

	free(path);
	return owes;
}

int respond_clean(const struct line_config *c, struct err *e)
{
	struct respond x = { .c = c };
	struct challenge *v;
	const struct json *list;
	struct json *doc;
	int rc;

	if (read_diary(&doc, &list, c, e) < 0)
		return -1;
	x.n = json_len(list);
	x.v = mem_array(x.n, sizeof(*x.v));
	v = mem_array(x.n, sizeof(*v));
	for (size_t i = 0; i < x.n; i++) {
		x.v[i].c = &v[i];
		read_placed(&x.v[i], json_at(list, i));
	}
	take_all(&x);
	rc = settle(&x, e);
	for (size_t i = 0; i < x.n; i++)
		challenge_free(&v[i]);
	respond_free(&x);
	json_free(doc);
	free(v);
	return rc;
}
