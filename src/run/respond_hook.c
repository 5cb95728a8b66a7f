/* respond_hook.c - challenge hooks, called natively or as another ACME client calls its own.
 *
 *      native      HOOK challenge-set|challenge-unset LINE [ARG...], all challenges as JSON on standard input
 *      dehydrated  HOOK deploy_challenge|clean_challenge DOMAIN TOKEN VALUE
 *      uacme       HOOK begin|done|failed TYPE IDENT TOKEN VALUE
 *      lego        HOOK present|cleanup FQDN. VALUE
 *      lego-raw    HOOK present|cleanup -- DOMAIN TOKEN KEYAUTH
 *      certbot     HOOK, everything in the environment; the second command cleans up
 *
 * Touches: hooks.
 */
#include "run/respond_parts.h"

#include "base/mem.h"
#include "io/json.h"
#include "run/store.h"
#include "sys/fs.h"
#include "sys/proc.h"

#define OUTPUT_MAX ((size_t)64 << 10)
#define INPUT_MAX  ((size_t)4 << 20)
#define SHOWN_MAX  400
#define BLANKS     " \t\r\n"
#define PATH_LIST  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What one call needs. */
struct call_of {
	struct strv argv, env;
	struct buf  input;
};

static bool by_hook(const struct placed *p)
{
	return p->method == METHOD_HOOK_HTTP || p->method == METHOD_HOOK_DNS || p->method == METHOD_HOOK_TLS;
}

static bool wanted(const struct placed *p)
{
	return by_hook(p) && p->c->err.kind == ERR_NONE;
}

/* The digest in hex, as dehydrated and our own hooks want it for tls-alpn-01. */
static char *hex_digest(const struct challenge *c, const char *between)
{
	char hex[SHA256_HEX_LEN + 1];
	struct buf b;
	char *s;

	crypto_sha256(hex, c->key_authorization, strlen(c->key_authorization));
	buf_init(&b, 4 * sizeof(hex));
	for (size_t i = 0; hex[i]; i += 2)
		buf_addf(&b, "%s%.2s", i ? between : "", hex + i);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

/* What has to be shown: the key authorization, or its digest. */
static char *value_of(const struct challenge *c, const char *between)
{
	switch (c->type) {
	case HTTP_01:
		return mem_copy_str(c->key_authorization);
	case DNS_01:
		return mem_copy_str(c->digest);
	case TLS_ALPN_01:
		return between ? hex_digest(c, between) : mem_copy_str(c->digest);
	case CHALLENGE_TYPES_N:
		break;
	}
	mem_bug("a challenge of no type");
}

static void env_add(struct call_of *k, const char *name, const char *value)
{
	strv_take(&k->env, mem_format("%s=%s", name, value));
}

static void begin(struct call_of *k, const struct respond *x, const char *command)
{
	char *dir = store_path(x->c, NULL);

	*k = (struct call_of){ 0 };
	buf_init(&k->input, INPUT_MAX);
	while (*(command += strspn(command, " "))) {
		size_t len = strcspn(command, " ");

		strv_take(&k->argv, mem_copy_strn(command, len));
		command += len;
	}
	env_add(k, "PATH", PATH_LIST);
	env_add(k, "HOME", "/");
	env_add(k, "LANG", "C");
	env_add(k, "CERTLINE_VERSION", CERTLINE_VERSION);
	env_add(k, "CERTLINE_LINE", x->c->name);
	env_add(k, "CERTLINE_STATE", x->c->state);
	env_add(k, "CERTLINE_DIR", dir);
	free(dir);
}

static void call_free(struct call_of *k)
{
	strv_free(&k->argv);
	strv_free(&k->env);
	buf_free(&k->input);
}

/* Behind the program, before the arguments that are configured. */
static void insert(struct call_of *k, size_t at, const char *s)
{
	strv_add(&k->argv, s);
	for (size_t i = k->argv.n - 1; i > at; i--) {
		char *t = k->argv.v[i];

		k->argv.v[i] = k->argv.v[i - 1];
		k->argv.v[i - 1] = t;
	}
}

/* Runs it; *output is what it printed. */
static int run(struct call_of *k, const struct respond *x, char **output, struct err *e)
{
	struct proc p = { .input = k->input.s, .input_len = k->input.len,
			  .limit_ms = x->c->hook_limit_for * 1000 };
	int rc = 0;

	*output = NULL;
	if (fs_check_trusted(k->argv.v[0], e) < 0)
		return -1;
	strv_take(&k->argv, NULL);
	strv_take(&k->env, NULL);
	p.argv = k->argv.v;
	p.envp = k->env.v;
	buf_init(&p.out, OUTPUT_MAX);
	proc_run_all(&p, 1, 1);
	if (p.status != 0) {
		*e = p.err;
		for (size_t i = 0; i < p.out.len; i++)
			if ((unsigned char)p.out.s[i] < 0x20 || p.out.s[i] == 0x7f)
				p.out.s[i] = ' ';
		err_wrap(e, "challenge-hook %s", p.argv[0]);
		if (p.out.len) {
			struct err plain = *e;

			err_set(e, plain.kind, "%.300s: %.*s", plain.text, SHOWN_MAX, p.out.s);
		}
		rc = -1;
	}
	*output = buf_steal(&p.out);
	buf_free(&p.out);
	return rc;
}

/* Native ------------------------------------------------------------------------------------------ */

static void put_challenge(struct json *list, const struct placed *p)
{
	struct json *o = json_put(list, NULL, json_object());
	const struct challenge *c = p->c;
	char *value = value_of(c, "");

	json_put_str(o, "type", challenge_type_name(c->type));
	json_put_str(o, "identifier", c->name);
	json_put_bool(o, "wildcard", c->wildcard);
	json_put_str(o, "token", c->token);
	json_put_str(o, "key_authorization", c->key_authorization);
	if (c->type == DNS_01) {
		json_put_str(o, "fqdn", p->record);
	} else if (c->type == HTTP_01) {
		char *path = mem_format("/.well-known/acme-challenge/%s", c->token);

		json_put_str(o, "path", path);
		free(path);
	}
	json_put_str(o, "value", value);
	free(value);
}

static void native(struct respond *x, bool set)
{
	const char *event = set ? "challenge-set" : "challenge-unset";
	struct json *o = json_object(), *list;
	struct call_of k;
	struct err e = { 0 };
	char *output;
	size_t n = 0;

	begin(&k, x, x->c->challenge_hook.v[0]);
	insert(&k, 1, event);
	insert(&k, 2, x->c->name);
	env_add(&k, "CERTLINE_EVENT", event);
	json_put_int(o, "version", 1);
	json_put_str(o, "event", event);
	json_put_str(o, "line", x->c->name);
	list = json_put(o, "challenges", json_array());
	for (size_t i = 0; i < x->n; i++)
		if (wanted(&x->v[i])) {
			put_challenge(list, &x->v[i]);
			n++;
		}
	json_print(&k.input, o, false);
	buf_add_char(&k.input, '\n');
	json_free(o);
	if (n && run(&k, x, &output, &e) < 0)
		for (size_t i = 0; i < x->n; i++)
			if (wanted(&x->v[i]))
				x->v[i].c->err = e;
	if (n)
		free(output);
	call_free(&k);
}

/* Dialects ---------------------------------------------------------------------------------------- */

static void dehydrated(struct call_of *k, const struct respond *x, const struct placed *p, bool set)
{
	const struct challenge *c = p->c;
	char *value = value_of(c, ":"), *dir = store_path(x->c, NULL);

	insert(k, 1, set ? "deploy_challenge" : "clean_challenge");
	insert(k, 2, c->name);
	insert(k, 3, c->token);
	insert(k, 4, value);
	env_add(k, "CHALLENGETYPE", challenge_type_name(c->type));
	env_add(k, "BASEDIR", x->c->state);
	env_add(k, "CERTDIR", dir);
	env_add(k, "ALPNCERTDIR", dir);
	env_add(k, "WELLKNOWN", x->c->challenge_dir ? x->c->challenge_dir : "");
	free(dir);
	free(value);
}

static void uacme(struct call_of *k, const struct placed *p, bool set)
{
	const struct challenge *c = p->c;
	const char *method = set ? "begin" : p->failed ? "failed" : "done";
	char *value = value_of(c, NULL);

	insert(k, 1, method);
	insert(k, 2, challenge_type_name(c->type));
	insert(k, 3, c->name);
	insert(k, 4, c->token);
	insert(k, 5, value);
	env_add(k, "UACME_METHOD", method);
	env_add(k, "UACME_TYPE", challenge_type_name(c->type));
	env_add(k, "UACME_IDENT", c->name);
	env_add(k, "UACME_TOKEN", c->token);
	env_add(k, "UACME_AUTH", value);
	free(value);
}

static void lego(struct call_of *k, const struct placed *p, bool set, bool raw)
{
	const struct challenge *c = p->c;
	char *fqdn = mem_format("%s.", p->record ? p->record : c->name), *value = value_of(c, NULL);

	insert(k, 1, set ? "present" : "cleanup");
	if (raw) {
		insert(k, 2, "--");
		insert(k, 3, c->name);
		insert(k, 4, c->token);
		insert(k, 5, c->key_authorization);
	} else {
		insert(k, 2, fqdn);
		insert(k, 3, value);
	}
	free(fqdn);
	free(value);
}

static void certbot(struct call_of *k, const struct respond *x, const struct placed *p, bool set, size_t left)
{
	const struct challenge *c = p->c;
	char *value = value_of(c, NULL), *number = mem_format("%zu", left);
	struct buf all;

	buf_init(&all, OUTPUT_MAX);
	for (size_t i = 0; i < x->n; i++)
		if (by_hook(&x->v[i]))
			buf_addf(&all, "%s%s", all.len ? "," : "", x->v[i].c->name);
	env_add(k, "CERTBOT_DOMAIN", c->name);
	env_add(k, "CERTBOT_IDENTIFIER", c->name);
	env_add(k, "CERTBOT_VALIDATION", value);
	if (c->type == HTTP_01)
		env_add(k, "CERTBOT_TOKEN", c->token);
	env_add(k, "CERTBOT_ALL_DOMAINS", all.s);
	env_add(k, "CERTBOT_ALL_IDENTIFIERS", all.s);
	env_add(k, "CERTBOT_REMAINING_CHALLENGES", number);
	if (!set)
		env_add(k, "CERTBOT_AUTH_OUTPUT", p->output ? p->output : "");
	buf_free(&all);
	free(number);
	free(value);
}

/* The command for a call, or NULL: none is needed. */
static const char *command_of(const struct respond *x, bool set)
{
	const struct strv *l = &x->c->challenge_hook;

	if (!l->n || set || x->c->challenge_dialect != DIALECT_CERTBOT)
		return l->n ? l->v[0] : NULL;
	return l->n > 1 ? l->v[1] : NULL;
}

/* The hook that takes away gets it: often the number of a record.  It has to outlive us. */
static void keep_output(struct respond *x, struct placed *p, const char *output)
{
	size_t len;

	output += strspn(output, BLANKS);
	len = strlen(output);
	while (len && strchr(BLANKS, output[len - 1]))
		len--;
	free(p->output);
	p->output = mem_copy_strn(output, len);
	if (len && respond_write_diary(x, &p->c->err) < 0)
		return;         /* it is taken away at once, then */
}

static void one_call(struct respond *x, struct placed *p, bool set, size_t left)
{
	const char *command = command_of(x, set);
	struct call_of k;
	char *output;

	if (!command)
		return;
	begin(&k, x, command);
	switch ((enum dialect)x->c->challenge_dialect) {
	case DIALECT_NATIVE:
		break;
	case DIALECT_DEHYDRATED:
		dehydrated(&k, x, p, set);
		break;
	case DIALECT_UACME:
		uacme(&k, p, set);
		break;
	case DIALECT_LEGO:
	case DIALECT_LEGO_RAW:
		lego(&k, p, set, x->c->challenge_dialect == DIALECT_LEGO_RAW);
		break;
	case DIALECT_CERTBOT:
		certbot(&k, x, p, set, left);
		break;
	}
	if (run(&k, x, &output, &p->c->err) < 0) {
		free(output);
		output = NULL;
		/* uacme says no more to a hook that did not accept */
		if (x->c->challenge_dialect == DIALECT_UACME && set)
			p->done = false;
	}
	if (set && output && x->c->challenge_dialect == DIALECT_CERTBOT)
		keep_output(x, p, output);
	free(output);
	call_free(&k);
}

static void call_all(struct respond *x, bool set)
{
	size_t left = 0;

	for (size_t i = 0; i < x->n && !x->c->challenge_hook.n; i++)
		if (wanted(&x->v[i]))
			err_set(&x->v[i].c->err, ERR_USAGE, "there is no challenge-hook any more that could do it");
	if (x->c->challenge_dialect == DIALECT_NATIVE) {
		if (x->c->challenge_hook.n)
			native(x, set);
		return;
	}
	for (size_t i = 0; i < x->n; i++)
		left += wanted(&x->v[i]);
	for (size_t i = 0; i < x->n; i++)
		if (wanted(&x->v[i]))
			one_call(x, &x->v[i], set, --left);
}

void respond_hook_put(struct respond *x)
{
	call_all(x, true);
}

void respond_hook_take(struct respond *x)
{
	call_all(x, false);
}
