/* hook.c - arguments, environment and standard input of hooks.
 * Touches: nothing; the caller starts the child.
 */
#include "run/hook.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"
#include "run/endpoints.h"
#include "run/publish.h"
#include "run/store.h"
#include "sys/fs.h"

#define INPUT_MAX  ((size_t)16 << 20)
#define OUTPUT_MAX ((size_t)64 << 10)

static void split(struct strv *out, const char *command)
{
	while (*(command += strspn(command, " \t"))) {
		size_t len = strcspn(command, " \t");

		strv_take(out, mem_copy_strn(command, len));
		command += len;
	}
}

/* A list that ends with NULL, as execve wants it. */
static char **steal_list(struct strv *l)
{
	char **v;

	strv_take(l, NULL);
	v = l->v;
	*l = (struct strv){ 0 };
	return v;
}

static char *join(const struct strv *l, char with)
{
	struct buf b;
	char *s;

	buf_init(&b, INPUT_MAX);
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_add_char(&b, with);
		buf_add_str(&b, l->v[i]);
	}
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static void env_add(struct strv *env, const char *name, char *value)
{
	strv_take(env, mem_format("%s=%s", name, value));
	free(value);
}

/* The keyset that the servers were told of last is another one. */
static bool key_changed(const struct line *l)
{
	return l->ledger.deployed_keyset != l->live.keyset;
}

static char *program_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	return n > 0 && (size_t)n < sizeof(path) ? mem_copy_strn(path, (size_t)n)
						 : mem_copy_str("certline");
}

/* Of the owners at which TLS does not begin as is usual at the port. */
static char *unusual_starttls(const struct line_config *c)
{
	struct endpoint_spec *specs;
	struct strv rows = { 0 };
	char *all;
	size_t n;

	endpoints_of(&specs, &n, c);
	for (size_t i = 0; i < n; i++)
		if (specs[i].is_owner && specs[i].starttls != starttls_of_port(specs[i].port))
			strv_take(&rows, mem_format("%s=%s", specs[i].name, starttls_name(specs[i].starttls)));
	endpoints_free(specs, n);
	all = join(&rows, ' ');
	strv_free(&rows);
	return all;
}

static void environment(struct strv *env, const char *event, const struct world *w,
			const struct line *l)
{
	const struct line_config *c = l->cfg;

	strv_add(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_add(env, "HOME=/");
	strv_add(env, "LANG=C");
	env_add(env, "CERTLINE_VERSION", mem_copy_str(CERTLINE_VERSION));
	env_add(env, "CERTLINE", program_path());
	env_add(env, "CERTLINE_CONFIG", join(&w->config->args, ':'));
	env_add(env, "CERTLINE_EVENT", mem_copy_str(event));
	env_add(env, "CERTLINE_LINE", mem_copy_str(c->name));
	env_add(env, "CERTLINE_STATE", mem_copy_str(c->state));
	env_add(env, "CERTLINE_DIR", store_path(c, NULL));
	env_add(env, "CERTLINE_LIVE", store_path(c, "live"));
	if (l->staging.number)
		env_add(env, "CERTLINE_STAGING", store_path(c, "staging"));
	env_add(env, "CERTLINE_NAMES", join(&c->domains, ' '));
	env_add(env, "CERTLINE_OWNERS", join(&c->owners, ' '));
	env_add(env, "CERTLINE_STARTTLS", unusual_starttls(c));
	if (c->include_file)
		env_add(env, "CERTLINE_INCLUDE_FILE", mem_copy_str(c->include_file));
	env_add(env, "CERTLINE_KEY_CHANGED", mem_copy_str(key_changed(l) ? "yes" : "no"));
}

static void put_generation(struct json *o, const char *key, const struct generation *g)
{
	struct json *j, *list;
	char at[WHEN_TEXT_LEN];

	if (!g->number)
		return;
	j = json_put(o, key, json_object());
	json_put_int(j, "generation", g->number);
	json_put_int(j, "keyset", g->keyset);
	json_put_str(j, "issuer", g->issuer);
	list = json_put(j, "keys", json_array());
	for (size_t i = 0; i < g->leaves_n; i++) {
		struct json *k = json_put(list, NULL, json_object());

		json_put_str(k, "type", key_type_name(g->leaves[i].type));
		json_put_str(k, "spki_sha256", g->leaves[i].spki.spki_sha256);
		json_put_str(k, "spki_sha512", g->leaves[i].spki.spki_sha512);
		json_put_str(k, "certificate_sha256", g->leaves[i].fingerprint);
		when_format_instant(at, g->leaves[i].until_at);
		json_put_str(k, "not_after", at);
	}
}

static void put_records(struct json *o, const struct line *l)
{
	struct json *list = json_put(o, "records", json_array());

	for (size_t i = 0; i < l->ledger.set.n; i++) {
		const struct set_entry *s = &l->ledger.set.v[i];
		struct json *r;

		if (!*s->owner)
			continue;
		r = json_put(list, NULL, json_object());
		json_put_str(r, "owner", s->owner);
		json_put_int(r, "ttl", l->ledger.set.ttl_for);
		json_put_str(r, "data", s->data);
	}
}

struct json *hook_describe(const char *event, const struct line *l)
{
	struct json *o = json_object(), *list;

	json_put_int(o, "version", 1);
	json_put_str(o, "event", event);
	json_put_str(o, "line", l->cfg->name);
	json_put_texts(o, "names", &l->cfg->domains);
	json_put_texts(o, "owners", &l->cfg->owners);
	json_put_bool(o, "key_changed", key_changed(l));
	put_generation(o, "live", &l->live);
	put_generation(o, "staging", &l->staging);
	list = json_put(o, "retired", json_array());
	for (size_t i = 0; i < l->retired_n; i++) {
		struct json *j = json_put(list, NULL, json_object());

		json_put_int(j, "generation", l->retired[i].number);
		json_put_int(j, "keyset", l->retired[i].keyset);
	}
	json_put_int(o, "set", l->ledger.set_serial);
	put_records(o, l);
	return o;
}

int hook_prepare(struct hook_run *h, const char *event, const char *command, const struct world *w,
		 const struct line *l, struct err *e)
{
	struct json *input = hook_describe(event, l);
	int rc = hook_prepare_with(h, event, command, w, l, input, e);

	json_free(input);
	return rc;
}

int hook_prepare_with(struct hook_run *h, const char *event, const char *command, const struct world *w,
		      const struct line *l, const struct json *input, struct err *e)
{
	struct strv argv = { 0 }, env = { 0 }, words = { 0 };
	int rc = -1;

	*h = (struct hook_run){ 0 };
	split(&words, command);
	if (words.n == 0) {
		err_set(e, ERR_USAGE, "an empty %s hook", event);
		goto out;
	}
	/* a hook runs with our rights: whoever can write the file has them too */
	if (fs_check_trusted(words.v[0], e) < 0)
		goto out;
	strv_add(&argv, words.v[0]);
	strv_add(&argv, event);
	strv_add(&argv, l->cfg->name);
	for (size_t i = 1; i < words.n; i++)
		strv_add(&argv, words.v[i]);
	environment(&env, event, w, l);
	buf_init(&h->input, INPUT_MAX);
	json_print(&h->input, input, false);
	buf_add_char(&h->input, '\n');
	h->argv = steal_list(&argv);
	h->envp = steal_list(&env);
	h->proc = (struct proc){
		.argv = h->argv,
		.envp = h->envp,
		.input = h->input.s,
		.input_len = h->input.len,
		.limit_ms = l->cfg->hook_limit_for * 1000,
		.exclusive = h->argv[0],
	};
	buf_init(&h->proc.out, OUTPUT_MAX);
	rc = 0;
out:
	strv_free(&words);
	strv_free(&argv);
	strv_free(&env);
	return rc;
}

static void free_list(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
}

void hook_free(struct hook_run *h)
{
	free_list(h->argv);
	free_list(h->envp);
	buf_free(&h->input);
	buf_free(&h->proc.out);
	*h = (struct hook_run){ 0 };
}
