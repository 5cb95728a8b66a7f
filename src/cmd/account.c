/* account.c - `certline account show|update|rollover|deactivate`: the accounts that lines have at CAs.
 * Touches: network; files under STATE/accounts; stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/ca.h"
#include "io/json.h"
#include "run/ca.h"
#include "sys/proc.h"

/* An account, and who uses it. */
struct entry {
	const struct line_config *c;
	const char *ca;
	struct strv lines;
};

struct entries {
	struct entry *v;
	size_t        n;
};

static const struct action {
	const char *name;
	int (*act)(struct ca_account *a, const struct entry *x, struct json *o, bool quiet, struct err *e);
} actions[];

/* Showing ----------------------------------------------------------------------------------------- */

static void print_list(const char *label, const struct strv *l)
{
	printf("  %-12s", label);
	for (size_t i = 0; i < l->n; i++)
		printf("%s%s", i ? ", " : "", l->v[i]);
	printf("%s\n", l->n ? "" : "-");
}

static void print_account(const struct ca_account *a, const struct entry *x, const struct account_info *i)
{
	const struct directory *d = session_directory(a->session);

	printf("%s\n", a->ca);
	printf("  %-12s%s\n", "directory", a->directory);
	printf("  %-12s%s\n", "account", a->url ? a->url : "none yet");
	printf("  %-12s%s\n", "status", i->status ? i->status : "-");
	print_list("contact", &i->contacts);
	printf("  %-12s%s (%s, thumbprint %s)\n", "key", a->key_path, jose_alg(a->key), a->thumbprint);
	printf("  %-12s%s%s\n", "terms", d->terms ? d->terms : "-",
	       a->terms && d->terms && strcmp(a->terms, d->terms) != 0 ? " (others were agreed to)" : "");
	print_list("profiles", &d->profiles);
	print_list("CAA", &d->identities);
	printf("  %-12s%s\n", "renewal", d->renewal_info ? "the CA suggests when (ARI)" : "by the lifetime");
	print_list("lines", &x->lines);
}

static void put_account(struct json *o, const struct ca_account *a, const struct entry *x,
			const struct account_info *i)
{
	const struct directory *d = session_directory(a->session);

	json_put_str(o, "ca", a->ca);
	json_put_str(o, "directory", a->directory);
	json_put_str(o, "account", a->url);
	json_put_str(o, "status", i->status);
	json_put_texts(o, "contact", &i->contacts);
	json_put_str(o, "key", a->key_path);
	json_put_str(o, "thumbprint", a->thumbprint);
	json_put_str(o, "terms", d->terms);
	json_put_texts(o, "profiles", &d->profiles);
	json_put_texts(o, "caa_identities", &d->identities);
	json_put_bool(o, "ari", d->renewal_info);
	json_put_bool(o, "eab_required", d->eab_required);
	json_put_texts(o, "lines", &x->lines);
}

static int show(struct ca_account *a, const struct entry *x, struct json *o, bool quiet, struct err *e)
{
	struct account_info i = { 0 };
	int rc = a->url ? account_show(a->session, &i, e) : 0;

	if (rc == 0 && o)
		put_account(o, a, x, &i);
	else if (rc == 0 && !quiet)
		print_account(a, x, &i);
	account_info_free(&i);
	return rc;
}

/* Changing ---------------------------------------------------------------------------------------- */

static void done(struct ca_account *a, struct json *o, bool quiet, const char *what)
{
	if (o) {
		json_put_str(o, "ca", a->ca);
		json_put_str(o, "account", a->url);
		json_put_str(o, "done", what);
	} else if (!quiet) {
		printf("%s: %s: %s\n", a->ca, a->url, what);
	}
}

static int need(const struct ca_account *a, struct err *e)
{
	if (a->url)
		return 0;
	return err_set(e, ERR_REFUSED, "there is no account at %s with the key %s", a->ca, a->key_path);
}

/* Makes one where there is none: that is what else "update" could mean. */
static int update(struct ca_account *a, const struct entry *x, struct json *o, bool quiet, struct err *e)
{
	bool fresh = !a->url;

	if (fresh ? ca_register(a, x->c, e) < 0 : account_update(a->session, &x->c->contacts, e) < 0)
		return -1;
	done(a, o, quiet, fresh ? "made" : "the contacts are those of the configuration now");
	return 0;
}

static int rollover(struct ca_account *a, const struct entry *x, struct json *o, bool quiet, struct err *e)
{
	(void)x;
	if (need(a, e) < 0 || ca_change_key(a, e) < 0)
		return -1;
	done(a, o, quiet, "has a new key; its URL is the same");
	return 0;
}

static int deactivate(struct ca_account *a, const struct entry *x, struct json *o, bool quiet, struct err *e)
{
	char *text;

	(void)x;
	if (need(a, e) < 0 || account_deactivate(a->session, e) < 0)
		return -1;
	text = mem_format("deactivated for ever; lines that use it get no certificates until its key, %s, is moved "
			  "away, or account-key names another one", a->key_path);
	done(a, o, quiet, text);
	free(text);
	return ca_forget(a, e);
}

static const struct action actions[] = {
	{ "show", show },
	{ "update", update },
	{ "rollover", rollover },
	{ "deactivate", deactivate },
};

/* All --------------------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void collect(struct entries *out, const struct scene *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct line_config *c = s->lines[i]->cfg;

		for (size_t k = 0; k < c->cas.n && c->issuer == ISSUER_ACME; k++) {
			size_t x = 0;

			while (x < out->n && !(strcmp(out->v[x].ca, c->cas.v[k]) == 0 &&
					       same(out->v[x].c->account_key, c->account_key)))
				x++;
			if (x == out->n) {
				out->v = mem_resize(out->v, out->n + 1, sizeof(*out->v));
				out->v[out->n++] = (struct entry){ .c = c, .ca = c->cas.v[k] };
			}
			strv_add(&out->v[x].lines, c->name);
		}
	}
}

static const struct action *find_action(const struct args *a)
{
	const char *names[ARRAY_LEN(actions)], *near = NULL;

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (a->lines.n && strcmp(actions[i].name, a->lines.v[0]) == 0)
			return &actions[i];
		names[i] = actions[i].name;
	}
	if (a->lines.n)
		near = text_nearest(a->lines.v[0], names, ARRAY_LEN(names));
	if (near)
		complain("account does not know \"%s\" (did you mean \"%s\"?)", a->lines.v[0], near);
	else
		complain("account needs one of show, update, rollover, deactivate");
	return NULL;
}

/* Where else in the configuration the key of an account is one, too; NULL: nowhere. */
static const char *shared_with(const struct entry *x, const struct world *w)
{
	for (size_t i = 0; x->c->account_key && i < w->n; i++) {
		const struct line_config *c = w->lines[i].cfg;

		if (c->issuer != ISSUER_ACME || !c->account_key || strcmp(c->account_key, x->c->account_key) != 0)
			continue;
		for (size_t k = 0; k < c->cas.n; k++)
			if (strcmp(ca_directory(c->cas.v[k]), ca_directory(x->ca)) != 0)
				return c->cas.v[k];
	}
	return NULL;
}

/* One CA is given a new key after the other: what they share would be lost for the others then. */
static bool may_roll_over(const struct entries *all, const struct world *w)
{
	for (size_t i = 0; i < all->n; i++) {
		const char *other = shared_with(&all->v[i], w);

		if (!other)
			continue;
		complain("%s is the key of the account at %s and of that at %s, and would be lost for one of them: give "
			 "each CA a key of its own ([acme] account-key; or none, then each has one)",
			 all->v[i].c->account_key, all->v[i].ca, other);
		return false;
	}
	return true;
}

static enum exit_status each(const struct action *what, const struct entries *all, const struct args *a)
{
	struct json *list = NULL, *doc = a->json ? begin_document(&list, "accounts") : NULL;
	enum exit_status status = EXIT_OK;

	for (size_t i = 0; i < all->n; i++) {
		struct ca_account account;
		struct err e;
		int rc = ca_open_account(&account, all->v[i].c, all->v[i].ca, what->act == rollover, &e);

		struct json *o = list ? json_put(list, NULL, json_object()) : NULL;

		if (rc == 0)
			rc = what->act(&account, &all->v[i], o, a->quiet, &e);
		ca_close(&account);
		if (rc == 0)
			continue;
		if (o) {
			json_put_str(o, "ca", all->v[i].ca);
			json_put_str(o, "error", e.text);
		}
		complain("%s: %s", all->v[i].ca, e.text);
		status = e.kind == ERR_LATER && status == EXIT_OK ? EXIT_NOT_NOW : EXIT_BAD;
	}
	if (doc)
		print_document(doc);
	return status;
}

enum exit_status cmd_account(const struct args *a)
{
	const struct action *what = find_action(a);
	struct args rest = *a;
	struct entries all = { 0 };
	enum exit_status status;
	struct scene s;

	if (!what)
		return EXIT_USAGE;
	/* the action is the first of what looks like names of lines */
	rest.lines.v++;
	rest.lines.n--;
	if (what->act == deactivate && rest.lines.n == 0) {
		complain("name the lines whose account is to be deactivated");
		return EXIT_USAGE;
	}
	if (scene_open(&s, &rest, &status) < 0)
		return status;
	proc_init();
	print_notices(a);
	collect(&all, &s);
	status = what->act == rollover && !may_roll_over(&all, &s.world) ? EXIT_BAD : each(what, &all, a);
	if (!all.n && !a->quiet && !a->json)
		printf("no line has a CA for its issuer\n");
	for (size_t i = 0; i < all.n; i++)
		strv_free(&all.v[i].lines);
	free(all.v);
	scene_close(&s);
	return status;
}
