/* config_check.c - what no single value shows: options that depend on each other in a line, and
 * lines that get into each other's way.
 *
 * The rule about the staging time: a cache may answer with the TLSA set as it was for `ttl` after
 * the new one is published (RFC 6698 A.4).  So with owners the time is never under ttl, and where
 * nothing is configured it is long: 48 hours, or twice ttl as RFC 7671 8.1 asks for.
 * Touches: nothing.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/ca.h"
#include "sys/addr.h"

#define STAGING_LEAST (48 * HOUR)

void notes_add(struct notes *l, int32_t file, int32_t line, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = mem_vformat(fmt, ap);
	va_end(ap);
	if ((l->n & (l->n - 1)) == 0)
		l->v = mem_resize(l->v, l->n ? l->n * 2 : 1, sizeof(*l->v));
	l->v[l->n] = (struct note){ .file = file, .line = line, .order = l->n, .text = text };
	l->n++;
}

/* ---- one line ---- */

struct check {
	struct notes       *problems, *warnings;
	struct line_config *l;
	const struct layer *given;
};

static const struct setting *given(const struct check *k, enum option_id id)
{
	return &k->given->s[id];
}

/* In the line's own file, not in certline.conf. */
static bool is_own(const struct check *k, enum option_id id)
{
	return given(k, id)->value && given(k, id)->file == k->l->file;
}

/* Where to point to for option id. */
static struct origin at(const struct check *k, enum option_id id)
{
	const struct setting *s = given(k, id);

	return s->value ? (struct origin){ s->file, s->line } : (struct origin){ k->l->file, 1 };
}

#define PROBLEM(k, id, ...) notes_add((k)->problems, at(k, id).file, at(k, id).line, __VA_ARGS__)
#define WARNING(k, id, ...) notes_add((k)->warnings, at(k, id).file, at(k, id).line, __VA_ARGS__)

static void check_verify(const struct check *k)
{
	struct line_config *l = k->l;

	if (!given(k, OPT_VERIFY)->value || (!l->owners.n && !is_own(k, OPT_VERIFY))) {
		l->verify = l->owners.n ? VERIFY_SERVERS : VERIFY_NO;
		l->origin[OPT_VERIFY] = (struct origin){ -1, 0 };
	} else if (l->verify == VERIFY_SERVERS && !l->owners.n && !given(k, OPT_OWNERS)->bad &&
		   !given(k, OPT_VERIFY)->bad) {
		PROBLEM(k, OPT_VERIFY,
			"verify = servers, but \"%s\" has no owners that could be looked up: name "
			"them in [dane] owners, or remove this",
			l->name);
	}
	if (l->verify == VERIFY_NO && l->owners.n && !given(k, OPT_VERIFY)->bad)
		WARNING(k, OPT_VERIFY,
			"verify = no: nobody looks whether the records of \"%s\" are in DNS, and keys "
			"change when the staging time is over",
			l->name);
	if (l->validate == CHECK_NOTHING && l->verify == VERIFY_SERVERS)
		WARNING(k, OPT_VALIDATE,
			"validate = no: signatures are not checked, so anybody on the way to a name server "
			"can make \"%s\" believe that its records are there",
			l->name);
}

/* What is looked at, and what follows from what is seen. */
static void check_endpoints(const struct check *k)
{
	struct line_config *l = k->l;

	if (!given(k, OPT_LOOK)->value)
		l->look = l->verify == VERIFY_SERVERS || l->endpoints.n;
	else if (!l->look && l->owners.n && l->verify == VERIFY_SERVERS && !given(k, OPT_LOOK)->bad)
		WARNING(k, OPT_LOOK,
			"look = no: nobody looks whether the servers of \"%s\" present its keys; hooks are believed, "
			"and the records of old keys go by time",
			l->name);
	if (l->look && given(k, OPT_LOOK)->value && !config_looks(l))
		WARNING(k, OPT_LOOK,
			"look = yes, but nothing of \"%s\" can be looked at: it has no owner of a TCP service, and no "
			"[endpoints] servers",
			l->name);
	l->retire_after_given = given(k, OPT_RETIRE_AFTER)->value != NULL;
	if (l->rollback_for == DURATION_UNSET)
		l->rollback_for = l->retire_after_for;
	if (l->away_for == DURATION_UNSET)
		l->away_for = !l->post_certchange.n ? 0 : l->retire_after_for > 0 ? l->retire_after_for : 1;
	for (size_t i = 0; i < l->starttls.n && !given(k, OPT_STARTTLS)->bad; i++) {
		char *what = mem_copy_strn(l->starttls.v[i], strcspn(l->starttls.v[i], " "));
		bool found = strpbrk(what, "._") == NULL || strv_has(&l->owners, what);

		for (size_t n = 0; n < l->endpoints.n && !found; n++)
			found = text_starts(l->endpoints.v[n], what) && strchr(" ", l->endpoints.v[n][strlen(what)]);
		if (!found && is_own(k, OPT_STARTTLS))
			PROBLEM(k, OPT_STARTTLS,
				"\"%s\" has no endpoint %s: name it in [dane] owners or [endpoints] servers, or "
				"correct this", l->name, what);
		free(what);
	}
}

static void check_staging(const struct check *k)
{
	bool in_hours = given(k, OPT_STAGING_HOURS)->value;
	enum option_id id = in_hours ? OPT_STAGING_HOURS : OPT_STAGING_FOR;
	struct line_config *l = k->l;
	char staging[WHEN_TEXT_LEN], ttl[WHEN_TEXT_LEN];
	int64_t safe_for = 2 * l->ttl_for > STAGING_LEAST ? 2 * l->ttl_for : STAGING_LEAST;

	if (l->staging_for == DURATION_UNSET) {
		l->staging_for = l->owners.n || l->post_keychange.n ? safe_for : 0;
		return;
	}
	/* with eyes in DNS it is no more than a floor */
	if (!l->owners.n || given(k, OPT_TTL)->bad || l->staging_for >= l->ttl_for ||
	    l->verify == VERIFY_SERVERS)
		return;
	when_format_duration(staging, l->staging_for);
	when_format_duration(ttl, l->ttl_for);
	if (l->staging_for == 0)
		PROBLEM(k, id,
			"%s = %s, but \"%s\" has TLSA owners: caches may still hold the old TLSA "
			"set when the new key goes live, and a DANE client would refuse the key; "
			"leave it out for a safe time, or give at least the ttl, %s",
			in_hours ? "staging-hours" : "staging", in_hours ? "0" : staging, l->name,
			ttl);
	else
		PROBLEM(k, id,
			"a staging time of %s is shorter than the ttl of \"%s\", %s: a cache may "
			"hold the old TLSA set for the ttl, and a DANE client would refuse the new "
			"key; leave it out for a safe time, or give at least %s",
			staging, l->name, ttl, ttl);
}

/* A line without owners has nothing to publish: what certline.conf says about it is for others. */
static void forget_inherited_publication(const struct check *k, unsigned available)
{
	struct line_config *l = k->l;

	if (!is_own(k, OPT_INCLUDE_FILE)) {
		free(l->include_file);
		l->include_file = NULL;
		l->origin[OPT_INCLUDE_FILE] = (struct origin){ -1, 0 };
		available &= ~(unsigned)PUBLISH_INCLUDE;
	}
	if (!is_own(k, OPT_PUBLISH)) {
		l->publish = available;
		l->origin[OPT_PUBLISH] = (struct origin){ -1, 0 };
	}
}

static void check_publication(const struct check *k)
{
	struct line_config *l = k->l;
	const char *name = l->name;
	unsigned available =
		(l->post_keychange.n ? PUBLISH_HOOK : 0) | (l->include_file ? PUBLISH_INCLUDE : 0) |
		(l->owners.n && l->update_keys.n ? PUBLISH_UPDATE : 0);

	if (given(k, OPT_OWNERS)->bad || given(k, OPT_PUBLISH)->bad ||
	    given(k, OPT_INCLUDE_FILE)->bad || given(k, OPT_POST_KEYCHANGE)->bad)
		return;
	if (!given(k, OPT_PUBLISH)->value)
		l->publish = available;
	if (!l->owners.n)
		forget_inherited_publication(k, available);
	if (l->include_file && !l->owners.n)
		PROBLEM(k, OPT_INCLUDE_FILE,
			"include-file without owners: there is no record to write into it; name "
			"the owners, or remove it");
	if (l->publish & ~available & PUBLISH_HOOK)
		PROBLEM(k, OPT_PUBLISH,
			"publish = hook, but \"%s\" has no command that could do it: give [hooks] "
			"post-keychange",
			name);
	if (l->publish & ~available & PUBLISH_INCLUDE)
		PROBLEM(k, OPT_PUBLISH,
			"publish = include, but \"%s\" has no file to write to: give [dane] "
			"include-file",
			name);
	if (l->publish & PUBLISH_UPDATE && !l->owners.n)
		PROBLEM(k, OPT_PUBLISH,
			"publish = update, but \"%s\" has no owners: there is no record to write; name "
			"them in [dane] owners",
			name);
	if (l->publish & PUBLISH_UPDATE && !l->update_keys.n && !l->update_servers.n)
		PROBLEM(k, OPT_PUBLISH,
			"publish = update, but \"%s\" has no key to sign with: give [update] keys, or "
			"[update] servers if your server goes by addresses",
			name);
	if (l->owners.n && !l->publish)
		PROBLEM(k, OPT_OWNERS,
			"nothing publishes the TLSA records: give [dane] include-file, a file that "
			"the zone file takes in with $INCLUDE, or [hooks] post-keychange, a "
			"command that changes the zone, or [update] keys for RFC 2136");
	if (l->owners.n && l->post_keychange.n && !(l->publish & PUBLISH_HOOK))
		PROBLEM(k, OPT_PUBLISH,
			"publish leaves out \"hook\", so that the post-keychange command of \"%s\" "
			"would never run, and its records would count as published; write publish = "
			"hook include, or remove post-keychange",
			name);
	if (l->owners.n && l->include_file && !(l->publish & PUBLISH_INCLUDE))
		WARNING(k, OPT_INCLUDE_FILE,
			"the include-file of \"%s\" is not written, because publish does not name "
			"\"include\"",
			name);
}

/* Nothing is refused here that the sample configuration of Let's Encrypt Tiny allows. */
static void check_visibility(const struct check *k)
{
	struct line_config *l = k->l;

	if (!l->owners.n && l->post_keychange.n && l->staging_for == 0)
		WARNING(k, OPT_STAGING_HOURS,
			"\"%s\" has a post-keychange command and no staging time: if that command "
			"publishes TLSA records, new keys go live before caches know them",
			l->name);
	if ((l->owners.n || l->post_keychange.n) && !l->post_certchange.n && !l->retire_after_given &&
	    !config_looks(l))
		WARNING(k, OPT_RETIRE_AFTER,
			"nothing tells the servers of \"%s\" about new keys, so the records of old "
			"ones are never removed: give [hooks] post-certchange, or [timing] "
			"retire-after for servers that notice by themselves",
			l->name);
}

/* RFC 7671 5.2: usage 2 names a certificate that the server must send. */
static void check_parameters(const struct check *k)
{
	const struct line_config *l = k->l;
	bool ta = false;

	for (size_t i = 0; i < l->params_n; i++)
		ta |= l->params[i].usage == 2;
	if (!ta || !l->owners.n || given(k, OPT_PARAMETERS)->bad || given(k, OPT_ISSUER)->bad)
		return;
	if (l->issuer == ISSUER_SELF)
		PROBLEM(k, OPT_PARAMETERS,
			"usage 2 names the certificate of a CA, but certificates of \"%s\" are self-signed: use "
			"3 1 1",
			l->name);
	else if (!l->allow_ta)
		PROBLEM(k, OPT_PARAMETERS,
			"usage 2 ties \"%s\" to a certificate of its CA, and public CAs change theirs without "
			"notice: use 3 1 1, or give allow-ta = yes if the CA is yours",
			l->name);
}

static void check_layout(const struct check *k)
{
	struct line_config *l = k->l;

	if (!given(k, OPT_CERTS)->bad && !given(k, OPT_KEYS)->bad && !l->certs != !l->keys)
		PROBLEM(k, l->certs ? OPT_CERTS : OPT_KEYS,
			"%s without %s: a server needs the links to both; give %s too, or remove "
			"this",
			l->certs ? "certs" : "keys", l->certs ? "keys" : "certs",
			l->certs ? "keys" : "certs");
	if (l->live && l->staging && strcmp(l->live, l->staging) == 0)
		PROBLEM(k,
			is_own(k, OPT_STAGING_PREFIX) || !is_own(k, OPT_LIVE) ? OPT_STAGING_PREFIX
									      : OPT_LIVE,
			"live and staging are both \"%s\": the staged key would take the live "
			"one's place; give them different names",
			l->live);
}

static void check_times(const struct check *k)
{
	enum option_id renew =
		given(k, OPT_RENEW_BEFORE_DAYS)->value ? OPT_RENEW_BEFORE_DAYS : OPT_RENEW_BEFORE;
	enum option_id age =
		given(k, OPT_MAX_KEY_AGE_DAYS)->value ? OPT_MAX_KEY_AGE_DAYS : OPT_MAX_KEY_AGE;
	struct line_config *l = k->l;
	char a[WHEN_TEXT_LEN], b[WHEN_TEXT_LEN];

	if (l->issuer == ISSUER_SELF && !given(k, OPT_LIFETIME)->bad &&
	    l->renew_before.before_for >= l->self_lifetime_for) {
		when_format_duration(a, l->renew_before.before_for);
		when_format_duration(b, l->self_lifetime_for);
		PROBLEM(k, renew,
			"renewing %s before expiry, but certificates of \"%s\" live for %s ([self] "
			"lifetime): every run would renew; give a shorter time, or a part like 1/3",
			a, l->name, b);
	}
	if (l->owners.n && !given(k, age)->bad &&
	    l->max_key_age_for < l->staging_for + l->retire_after_for) {
		when_format_duration(a, l->max_key_age_for);
		when_format_duration(b, l->staging_for + l->retire_after_for);
		WARNING(k, age,
			"the keys of \"%s\" are to be replaced after %s, but staging and "
			"retire-after alone take %s: the line will always be in the middle of a "
			"rollover",
			l->name, a, b);
	}
}

static void warn_unanswered(const struct check *k, const char *name)
{
	if (given(k, OPT_CHALLENGE_DIR)->bad || given(k, OPT_CHALLENGE_HOOK)->bad ||
	    given(k, OPT_UPDATE_KEYS)->bad || given(k, OPT_ISSUER)->bad)
		return;
	WARNING(k, OPT_ISSUER,
		"\"%s\" has issuer = acme, but no way to show a CA that %s is ours, and gets no certificate: give [acme] "
		"challenge-dir, challenge-hook, or challenges = standalone or tls-alpn, or [update] keys for dns-update; "
		"or issuer = self",
		k->l->name, name);
}

/* What a CA will ask, and whether it can be answered. */
static void check_acme(struct check *k)
{
	const struct line_config *l = k->l;
	enum option_id where = given(k, OPT_CHALLENGES)->value ? OPT_CHALLENGES : OPT_DOMAINS;

	if (l->challenge_hook.n > (l->challenge_dialect == DIALECT_CERTBOT ? 2 : 1))
		PROBLEM(k, OPT_CHALLENGE_HOOK, "challenge-hook is one command (with challenge-dialect = certbot a "
			"second one cleans up)");
	if (given(k, OPT_CHALLENGES)->bad || l->issuer != ISSUER_ACME)
		return;
	for (size_t i = 0; i < l->domains.n; i++) {
		struct err why;

		if (config_method(l, l->domains.v[i], CHALLENGE_TYPES_ALL, &why) >= 0)
			continue;
		/* what says nothing of challenges at all may be on its way to be written: it has a stand-in */
		if (!(l->challenges.n || l->challenge_dir || l->challenge_hook.n)) {
			warn_unanswered(k, l->domains.v[i]);
			return;
		}
		PROBLEM(k, where, "%s: %s (or issuer = self)", l->domains.v[i], why.text);
		return;
	}
}

/* Some CAs have certificates for addresses by one profile only, and would refuse the order. */
static void check_addresses(const struct check *k)
{
	const struct line_config *l = k->l;
	enum option_id where = l->profile ? OPT_PROFILE : OPT_DOMAINS;
	const char *address = NULL;
	struct addr a;

	for (size_t i = 0; i < l->domains.n && !address; i++)
		if (addr_parse(&a, l->domains.v[i], 1))
			address = l->domains.v[i];
	for (size_t i = 0; i < l->cas.n && address && l->issuer == ISSUER_ACME; i++) {
		const char *directory = ca_directory(l->cas.v[i]);
		const char *needed = directory ? ca_address_profile(directory) : NULL;

		if (!needed || (l->profile && strcmp(l->profile, needed) == 0))
			continue;
		WARNING(k, where, "%s: %s has certificates for addresses only with profile = %s: give that in [acme], "
			"and let cron run every hour", address, l->cas.v[i], needed);
		return;
	}
}

void check_line(struct notes *problems, struct notes *warnings, struct line_config *l,
		const struct layer *from)
{
	struct check k = { .problems = problems, .warnings = warnings, .l = l, .given = from };

	if (!given(&k, OPT_DOMAINS)->value)
		PROBLEM(&k, OPT_DOMAINS,
			"no domains: name at least one, \"domains = mx.example.org\" above the "
			"first section");
	check_verify(&k);
	check_endpoints(&k);
	check_staging(&k);
	check_publication(&k);
	check_visibility(&k);
	check_parameters(&k);
	check_layout(&k);
	check_times(&k);
	check_acme(&k);
	check_addresses(&k);
}

void check_commands(struct notes *warnings, const struct line_config *l, const struct layer *from,
		    int32_t file)
{
	static const struct {
		enum option_id id;
		size_t         offset;
	} hooks[] = {
		{ OPT_POST_CERTCHANGE, offsetof(struct line_config, post_certchange) },
		{ OPT_POST_KEYCHANGE, offsetof(struct line_config, post_keychange) },
	};

	for (size_t h = 0; h < ARRAY_LEN(hooks); h++) {
		const struct strv *commands = (const void *)((const char *)l + hooks[h].offset);
		const struct setting *s = &from->s[hooks[h].id];

		for (size_t i = 0; s->value && s->file == file && i < commands->n; i++) {
			char *shown;

			if (!strpbrk(commands->v[i], "'\"\\|&;<>$`") &&
			    !strstr(commands->v[i], " #"))
				continue;
			shown = option_shown(commands->v[i]);
			notes_add(warnings, s->file, s->line,
				  "%s: no shell reads this, so quotes, variables and comments "
				  "reach the command as they are, split at blanks; if that is not "
				  "meant put it into a script",
				  shown);
			free(shown);
		}
	}
}

/* ---- all lines ---- */

/* Where option id of l is set, or the top of l's file if that is elsewhere. */
static struct origin own_place(const struct line_config *l, enum option_id id)
{
	return l->origin[id].file == l->file ? l->origin[id] : (struct origin){ l->file, 1 };
}

static const char *file_of(const struct config *c, const struct line_config *l)
{
	return c->files.v[l->file];
}

/* A claim on something that only one line may have, or that all must agree on. */
struct claim {
	const char *dir, *what, *kind;  /* compared in this order */
	size_t      line;
};

static int by_thing(const struct claim *x, const struct claim *y)
{
	int d = strcmp(x->dir, y->dir);

	if (d == 0)
		d = strcmp(x->what, y->what);
	return d ? d : strcmp(x->kind, y->kind);
}

static int by_claim(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int d = by_thing(x, y);

	return d ? d : (x->line > y->line) - (x->line < y->line);
}

static bool params_same(const struct line_config *a, const struct line_config *b)
{
	size_t same = 0;

	for (size_t i = 0; i < a->params_n; i++)
		for (size_t j = 0; j < b->params_n; j++)
			same += memcmp(&a->params[i], &b->params[j], sizeof(a->params[i])) == 0;
	return a->params_n == b->params_n && same == a->params_n;
}

/* "3 1 1, 3 1 2 with ttl 1h" */
static char *promise_text(const struct line_config *l)
{
	char ttl[WHEN_TEXT_LEN], *text;
	struct buf b;

	when_format_duration(ttl, l->ttl_for);
	buf_init(&b, 256);
	for (size_t i = 0; i < l->params_n; i++)
		buf_addf(&b, "%s%d %d %d", i ? ", " : "", l->params[i].usage, l->params[i].selector,
			 l->params[i].matching);
	buf_addf(&b, " with ttl %s", ttl);
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

/* The records of one owner are one RRset, whichever lines they come from. */
static void check_owners(struct notes *problems, const struct config *c)
{
	const struct claim *first = NULL;
	struct claim *claims;
	size_t n = 0, k = 0;

	for (size_t i = 0; i < c->lines_n; i++)
		n += c->lines[i].owners.n;
	claims = mem_array(n, sizeof(*claims));
	for (size_t i = 0; i < c->lines_n; i++)
		for (size_t j = 0; j < c->lines[i].owners.n; j++)
			claims[k++] = (struct claim){ "", c->lines[i].owners.v[j], "", i };
	qsort(claims, n, sizeof(*claims), by_claim);
	for (k = 0; k < n; k++) {
		const struct line_config *a, *b = &c->lines[claims[k].line];
		struct origin at_b = own_place(b, OPT_OWNERS);
		char *says_a, *says_b;

		if (!first || by_thing(first, &claims[k]) != 0)
			first = &claims[k];
		a = &c->lines[first->line];
		/* unset: refused already */
		if (!a->params_n || !b->params_n || !a->ttl_for || !b->ttl_for)
			continue;
		if (a->ttl_for == b->ttl_for && params_same(a, b))
			continue;
		says_a = promise_text(a);
		says_b = promise_text(b);
		notes_add(problems, at_b.file, at_b.line,
			  "%s is here %s, but in %s:%d %s: lines that share an owner make one set "
			  "of records, so give both the same parameters and ttl",
			  first->what, says_b, file_of(c, a), own_place(a, OPT_OWNERS).line,
			  says_a);
		free(says_a);
		free(says_b);
	}
	free(claims);
}

/* The links of a line as run/links names them: a key type after the first one adds its name to the
 * prefix.  Such names are made here, and kept in `made`. */
static size_t claim_links(struct claim *to, struct strv *made, const struct line_config *l, size_t i)
{
	const char *const prefixes[] = { l->live, l->staging };
	size_t n = 0;

	if (!l->certs || !l->keys || !l->live || !l->staging)
		return 0;
	for (size_t t = 0; t < l->key_types.n; t++) {
		for (size_t p = 0; p < ARRAY_LEN(prefixes); p++) {
			const char *name = prefixes[p];

			if (t > 0) {
				strv_take(made, mem_format("%s-%s", name,
							   key_type_name(l->key_types.v[t])));
				name = made->v[made->n - 1];
			}
			to[n++] = (struct claim){ l->certs, name, "crt", i };
			to[n++] = (struct claim){ l->keys, name, "key", i };
		}
	}
	return n;
}

/* Lines that are `taken` have a problem with another line already: one is enough. */
static void check_links(struct notes *problems, const struct config *c, bool *taken)
{
	const struct claim *first = NULL;
	struct strv made = { 0 };
	struct claim *claims;
	size_t n = 0;

	for (size_t i = 0; i < c->lines_n; i++)
		if (c->lines[i].certs)
			n += 4 * c->lines[i].key_types.n;
	claims = mem_array(n, sizeof(*claims));
	n = 0;
	for (size_t i = 0; i < c->lines_n; i++)
		if (!taken[i])
			n += claim_links(claims + n, &made, &c->lines[i], i);
	qsort(claims, n, sizeof(*claims), by_claim);
	for (size_t k = 0; k < n; k++) {
		const struct line_config *l = &c->lines[claims[k].line];
		struct origin here = own_place(l, claims[k].kind[0] == 'c' ? OPT_CERTS : OPT_KEYS);

		if (!first || by_thing(first, &claims[k]) != 0) {
			first = &claims[k];
			continue;
		}
		/* live and staging of the same name: check_layout has said so */
		if (taken[claims[k].line] || strcmp(l->live, l->staging) == 0)
			continue;
		taken[claims[k].line] = true;
		notes_add(problems, here.file, here.line,
			  "the link %s/%s.%s of \"%s\" is wanted by \"%s\" (%s) too: give the "
			  "lines different folders in [dirs], or different names in [files]",
			  first->dir, first->what, first->kind, l->name, c->lines[first->line].name,
			  file_of(c, &c->lines[first->line]));
	}
	strv_free(&made);
	free(claims);
}

static void check_names(struct notes *problems, const struct config *c, bool *taken)
{
	for (size_t i = 1; i < c->lines_n; i++) {
		const struct line_config *a = &c->lines[i - 1], *b = &c->lines[i];
		struct origin here = own_place(b, OPT_NAME);

		if (strcmp(a->name, b->name) != 0)
			continue;
		taken[i] = true;
		if (strcmp(file_of(c, a), file_of(c, b)) == 0)
			notes_add(problems, here.file, here.line,
				  "this file is read twice: name it, or its folder, only once");
		else
			notes_add(problems, here.file, here.line,
				  "the name \"%s\" is taken by %s: rename the file, or set name "
				  "above the first section",
				  b->name, file_of(c, a));
	}
}

static void check_stores(struct notes *problems, const struct config *c)
{
	const struct line_config *usual = NULL;

	/* the odd one out is the one that says so itself */
	for (size_t i = 0; i < c->lines_n && !usual; i++)
		if (c->lines[i].state && c->lines[i].origin[OPT_STATE].file != c->lines[i].file)
			usual = &c->lines[i];
	for (size_t i = 0; i < c->lines_n; i++) {
		const struct line_config *l = &c->lines[i];
		struct origin here = own_place(l, OPT_STATE);

		if (!l->state)
			continue;
		if (!usual)
			usual = l;
		if (strcmp(usual->state, l->state) != 0)
			notes_add(problems, here.file, here.line,
				  "the store of \"%s\" is %s, but that of \"%s\" (%s) is %s: all "
				  "lines share one, so set state in certline.conf only",
				  l->name, l->state, usual->name, file_of(c, usual), usual->state);
	}
}

void check_lines(struct notes *problems, const struct config *c)
{
	bool *taken = mem_array(c->lines_n, sizeof(*taken));

	check_names(problems, c, taken);
	check_owners(problems, c);
	check_links(problems, c, taken);
	check_stores(problems, c);
	free(taken);
}
