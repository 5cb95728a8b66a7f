/* options.c - the command line: one table of options, which also prints --help.
 * Touches: nothing but stdout and stderr.
 */
#include "cmd/cmd.h"

#include "acme/revocation.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/names.h"
#include "io/idn.h"
#include "run/publish.h"
#include "sys/addr.h"
#include "sys/clock.h"
#include "tls/starttls.h"

struct option {
	const char *name;               /* without "--" */
	char        letter;             /* or 0 */
	const char *argument;           /* its name in --help, or NULL */
	const char *commands;           /* blank-separated, or NULL: every command */
	const char *help;
	bool      (*set)(struct args *a, const char *value);
};

#define ACTING "init cron renew roll revoke"

static bool set_config(struct args *a, const char *v)
{
	strv_add(&a->configs, v);
	return *v != '\0';
}

static bool set_hooks(struct args *a, const char *v)
{
	(void)a;
	(void)v;
	return true;            /* hooks run anyway; the option is there for old crontabs */
}

static bool set_dry_run(struct args *a, const char *v)
{
	(void)v;
	return a->dry_run = true;
}

static bool set_verbose(struct args *a, const char *v)
{
	(void)v;
	return a->verbose = true;
}

static bool set_quiet(struct args *a, const char *v)
{
	(void)v;
	return a->quiet = true;
}

static bool set_json(struct args *a, const char *v)
{
	(void)v;
	return a->json = true;
}

static bool set_no_color(struct args *a, const char *v)
{
	(void)v;
	return a->no_color = true;
}

static bool set_now(struct args *a, const char *v)
{
	int64_t at;

	(void)a;
	/* zero stands for "not yet" everywhere */
	if (!when_parse_instant(v, &at) || at < 1)
		return false;
	clock_pretend(at);
	return true;
}

static bool set_jobs(struct args *a, const char *v)
{
	int64_t n;

	if (!text_number(v, 256, &n) || n < 1)
		return false;
	a->jobs = (unsigned)n;
	return true;
}

static bool set_emergency(struct args *a, const char *v)
{
	(void)v;
	return a->emergency = true;
}

static bool set_force(struct args *a, const char *v)
{
	(void)v;
	return a->force = true;
}

static bool set_revoke(struct args *a, const char *v)
{
	(void)v;
	return a->revoke = true;
}

static bool set_reason(struct args *a, const char *v)
{
	enum revocation_reason r;

	if (!revocation_reason_parse(v, &r))
		return false;
	a->reason = (int)r;
	return true;
}

static bool set_back(struct args *a, const char *v)
{
	(void)v;
	return a->back = true;
}

static bool set_days(struct args *a, const char *v)
{
	return text_number(v, 36500, &a->days) && a->days > 0;
}

static bool set_svg(struct args *a, const char *v)
{
	a->svg = v;
	return *v != '\0';
}

static bool set_html(struct args *a, const char *v)
{
	a->html = v;
	return *v != '\0';
}

static bool set_format(struct args *a, const char *v)
{
	a->format = v;
	return *v != '\0';
}

static bool set_origin(struct args *a, const char *v)
{
	a->origin = v;
	return *v && strspn(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == strlen(v);
}

static bool set_ttl(struct args *a, const char *v)
{
	int64_t n;

	/* zone files count seconds, and so do zone generators: a bare number is fine here */
	if (text_number(v, WEEK, &n) || when_parse_duration(v, &n)) {
		a->ttl_for = n;
		return n > 0 && n <= WEEK;
	}
	return false;
}

/* A name that somebody typed, in A-labels, without the dot at the end. */
static bool add_name(struct strv *l, const char *v, int (*check)(const char *name, struct err *e))
{
	size_t len = strlen(v);
	char *typed = mem_copy_strn(v, len - (len > 1 && v[len - 1] == '.')), *name = NULL;
	struct err ignored;
	bool ok = idn_to_ascii(&name, typed, &ignored) == 0 && check(name, &ignored) == 0;

	if (ok && !strv_has(l, name))
		strv_add(l, name);
	free(typed);
	free(name);
	return ok;
}

static bool set_owner(struct args *a, const char *v)
{
	return add_name(&a->owners, v, name_check_owner);
}

static bool set_mx(struct args *a, const char *v)
{
	return add_name(&a->domains, v, name_check_host);
}

static bool set_starttls(struct args *a, const char *v)
{
	const char *word = strrchr(v, '=');
	struct strv owner = { 0 };
	enum starttls s;

	if (!starttls_parse(word ? word + 1 : v, &s))
		return false;
	if (word) {
		char *typed = mem_copy_strn(v, (size_t)(word - v));
		bool ok = add_name(&owner, typed, name_check_owner);

		if (ok)
			strv_take(&a->starttls_of, mem_format("%s%s", owner.v[0], word));
		strv_free(&owner);
		free(typed);
		return ok;
	}
	a->starttls = (int)s;
	return true;
}

static bool add_address(struct strv *l, const char *v)
{
	struct addr ignored;

	strv_add(l, v);
	return addr_parse(&ignored, v, 1);
}

static bool set_connect(struct args *a, const char *v)
{
	return add_address(&a->connects, v);
}

static bool set_resolver(struct args *a, const char *v)
{
	return add_address(&a->resolvers, v);
}

static bool set_trust_anchor(struct args *a, const char *v)
{
	a->trust_anchor = v;
	return *v != '\0';
}

static bool set_port(struct args *a, const char *v)
{
	return text_number(v, 65535, &a->dns_port) && a->dns_port > 0;
}

static bool set_nagios(struct args *a, const char *v)
{
	(void)v;
	return a->nagios = true;
}

static bool set_warn(struct args *a, const char *v)
{
	return when_parse_duration(v, &a->warn_for);
}

static bool set_critical(struct args *a, const char *v)
{
	return when_parse_duration(v, &a->critical_for);
}

static const struct option options[] = {
	/* clang-format off */
	{ "config",    'c', "FILE|DIR", NULL, "read this instead of " CONFIG_DEFAULT_DIR "; may be repeated", set_config },
	{ "json",      0,   NULL, NULL, "print one JSON document", set_json },
	{ "verbose",   'v', NULL, NULL, "say why, and show what hooks print", set_verbose },
	{ "quiet",     'q', NULL, NULL, "print errors only", set_quiet },
	{ "no-color",  0,   NULL, NULL, "no colours, even on a terminal", set_no_color },
	{ "now",       0,   "TIME", NULL, "pretend that it is TIME (@EPOCH or RFC 3339), for rehearsals", set_now },
	{ "dry-run",   'n', NULL, ACTING, "print what would be done and why; change nothing", set_dry_run },
	{ "jobs",      'j', "N", ACTING, "at most N workers and hooks at a time (default 8)", set_jobs },
	{ "hooks",     'k', NULL, ACTING, "accepted for old crontabs; hooks run anyway", set_hooks },
	{ "emergency", 0,   NULL, "roll", "the live key is compromised: wait for caches only", set_emergency },
	{ "force",     0,   NULL, "roll renew", "roll --emergency: do not wait for caches either; renew: heed no rate limit, and let a "
	  "test CA replace a trusted certificate", set_force },
	{ "revoke",    0,   NULL, "roll", "with --emergency: revoke the old key's certificates once it is not served", set_revoke },
	{ "reason",    0,   "WORD", "revoke", "unspecified (default), key-compromise, superseded, cessation ...", set_reason },
	{ "back",      0,   NULL, "roll", "back to the retired key whose records are still published", set_back },
	{ "days",      0,   "N", "plan report", "how far to look ahead (default 365)", set_days },
	{ "svg",       0,   "FILE", "plan", "draw it instead, into FILE; \"-\": to standard output", set_svg },
	{ "html",      0,   "FILE", "report", "where to; \"-\": to standard output", set_html },
	{ "format",    0,   "FORMAT", "tlsa", "zone (default), generic, json, nsupdate, tinydns or csv", set_format },
	{ "origin",    0,   "ZONE", "tlsa", "only owners in ZONE; zone format prints names relative to it", set_origin },
	{ "ttl",       0,   "TTL", "tlsa", "instead of the configured TTL", set_ttl },
	{ "owner",     0,   "OWNER", "check", "look at this TLSA owner, of whomever; may be repeated", set_owner },
	{ "mx",        0,   "DOMAIN", "check", "... at port 25 of all mail hosts of a domain; may be repeated", set_mx },
	{ "starttls",  0,   "WORD", "check", "smtp, lmtp, imap, pop3, ... or none, or OWNER=WORD; else by port", set_starttls },
	{ "connect",   0,   "ADDRESS", "check", "instead of the host's addresses; may be repeated", set_connect },
	{ "resolver",  0,   "ADDRESS", "check", "ask this resolver; may be repeated", set_resolver },
	{ "trust-anchor", 0, "FILE", "check", "of the root; instead of the configured one", set_trust_anchor },
	{ "port",      0,   "N", "check", "of name servers (default 53)", set_port },
	{ "nagios",    0,   NULL, "check", "one line and performance data; exit status 0, 1, 2 or 3", set_nagios },
	{ "warn",      0,   "DURATION", "check", "warn when less is left of a certificate (default 14d)", set_warn },
	{ "critical",  0,   "DURATION", "check", "an error when less is left (default 3d)", set_critical },
	/* clang-format on */
};

static bool takes(const struct option *o, const char *command)
{
	size_t len = strlen(command);

	if (!o->commands)
		return true;
	for (const char *p = o->commands; *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		if (n == len && strncmp(p, command, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static void print_option(const struct option *o)
{
	char left[40];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->letter ? '-' : ' ',
		 o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name, o->argument ? " " : "",
		 o->argument ? o->argument : "");
	printf("  %-24s %s\n", left, o->help);
}

void options_help(const struct command *c)
{
	size_t n;
	const struct command *all = command_list(&n);

	if (c) {
		printf("usage: certline [OPTION...] %s %s\n\n%s.\n\n", c->name, c->synopsis, c->help);
	} else {
		printf("certline " CERTLINE_VERSION ": keys, certificates and TLSA records that never "
		       "disagree\n\nusage: certline [OPTION...] COMMAND [LINE...]\n\nCommands (all lines if "
		       "none is named):\n");
		for (size_t i = 0; i < n; i++)
			printf("  %-7s %-16s %s\n", all[i].name, all[i].synopsis, all[i].help);
		printf("\n");
	}
	printf("Options:\n");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!c || takes(&options[i], c->name))
			print_option(&options[i]);
	printf("      --version            print the version\n"
	       "  -h, --help               this text; after a command, what that command takes\n\n"
	       "Exit status: 0 all is well; 1 a line failed or owes something; 2 usage or\n"
	       "configuration, nothing was tried; 75 not now, nothing is at risk.\n"
	       "Manual: certline(8), certline.conf(5), certline-hooks(7).\n");
}

static const struct option *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strlen(options[i].name) == len && strncmp(options[i].name, name, len) == 0)
			return &options[i];
	return NULL;
}

static const struct option *find_short(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (options[i].letter && options[i].letter == letter)
			return &options[i];
	return NULL;
}

static int unknown_option(const char *arg)
{
	const char *names[ARRAY_LEN(options)], *near;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		names[n++] = options[i].name;
	near = text_starts(arg, "--") ? text_nearest(arg + 2, names, n) : NULL;
	if (near)
		complain("unknown option %s (did you mean --%s?)", arg, near);
	else
		complain("unknown option %s; see certline --help", arg);
	return -1;
}

struct parse {
	struct args *a;
	char **argv;
	int argc, i;
	const struct option *used[64];
	size_t used_n;
	bool help, version;
};

/* What an argument has to be, in words: its name in --help says too little to somebody who got it wrong. */
static const char *wanted(const struct option *o)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "config", "the path of a configuration file, or of a folder with such files" },
		{ "now", "@EPOCH or RFC 3339, like 2027-01-31T12:00:00Z" },
		{ "jobs", "a number from 1 to 256" },
		{ "reason", "unspecified, key-compromise, superseded, cessation, affiliation-changed or "
			    "privilege-withdrawn" },
		{ "days", "a number of days from 1 to 36500" },
		{ "svg", "the name of a file, or \"-\"" },
		{ "html", "the name of a file, or \"-\"" },
		{ "origin", "the name of a zone, like example.org" },
		{ "ttl", "a number of seconds, or a duration like 1h; from 1s to 7d" },
		{ "owner", "a TLSA owner, like _25._tcp.mx.example.org" },
		{ "mx", "the name of a domain, like example.org" },
		{ "starttls", "smtp, lmtp, imap, pop3, sieve, xmpp-client, xmpp-server, ftp, ldap, nntp, postgres, mysql "
			      "or none" },
		{ "connect", "an address, with or without a port, like 192.0.2.1:25 or [2001:db8::1]:25" },
		{ "resolver", "an address, with or without a port" },
		{ "trust-anchor", "the path of a file in zone format" },
		{ "port", "a number from 1 to 65535" },
		{ "warn", "a duration like 14d" },
		{ "critical", "a duration like 3d" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].name, o->name) == 0)
			return rows[i].text;
	return strcmp(o->name, "format") == 0 ? tlsa_format_names() : o->argument;
}

static int apply(struct parse *p, const struct option *o, const char *value)
{
	if (p->used_n < ARRAY_LEN(p->used))
		p->used[p->used_n++] = o;
	if (o->set(p->a, value))
		return 0;
	complain("--%s does not take \"%s\"; it wants %s", o->name, value, wanted(o));
	return -1;
}

static int need_value(struct parse *p, const struct option *o)
{
	if (p->i + 1 >= p->argc) {
		complain("--%s needs an argument: %s", o->name, wanted(o));
		return -1;
	}
	return apply(p, o, p->argv[++p->i]);
}

static int parse_long(struct parse *p, const char *arg)
{
	const char *eq = strchr(arg, '=');
	size_t len = eq ? (size_t)(eq - arg - 2) : strlen(arg) - 2;
	const struct option *o = find_long(arg + 2, len);

	if (strcmp(arg, "--help") == 0)
		return p->help = true, 0;
	if (strcmp(arg, "--version") == 0)
		return p->version = true, 0;
	if (!o)
		return unknown_option(arg);
	if (o->argument)
		return eq ? apply(p, o, eq + 1) : need_value(p, o);
	if (eq) {
		complain("--%s takes no argument", o->name);
		return -1;
	}
	return apply(p, o, "");
}

static int parse_short(struct parse *p, const char *arg)
{
	for (const char *c = arg + 1; *c; c++) {
		const struct option *o = find_short(*c);

		if (*c == 'h') {
			p->help = true;
			continue;
		}
		if (!o)
			return unknown_option(arg);
		if (o->argument)
			return c[1] ? apply(p, o, c + 1) : need_value(p, o);
		if (apply(p, o, "") < 0)
			return -1;
	}
	return 0;
}

static const struct command *find_command(const char *name)
{
	size_t n;
	const struct command *all = command_list(&n);
	const char *names[32], *near;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
		names[i] = all[i].name;
	}
	near = text_nearest(name, names, n);
	if (near)
		complain("there is no command \"%s\" (did you mean \"%s\"?)", name, near);
	else
		complain("there is no command \"%s\"; see certline --help", name);
	return NULL;
}

static bool was_given(const struct parse *p, const char *name)
{
	for (size_t i = 0; i < p->used_n; i++)
		if (strcmp(p->used[i]->name, name) == 0)
			return true;
	return false;
}

/* Who gives one of the two means it, whatever the other one is when nobody says. */
static int fit_limits(const struct parse *p)
{
	struct args *a = p->a;

	if (a->critical_for <= a->warn_for)
		return 0;
	if (!was_given(p, "critical")) {
		a->critical_for = a->warn_for;
	} else if (!was_given(p, "warn")) {
		a->warn_for = a->critical_for;
	} else {
		complain("--critical is longer than --warn: less must be left for an error than for a warning");
		return -1;
	}
	return 0;
}

static int check_fit(const struct parse *p)
{
	for (size_t i = 0; i < p->used_n; i++) {
		if (takes(p->used[i], p->a->command))
			continue;
		complain("%s does not take --%s; it goes with: %s", p->a->command, p->used[i]->name,
			 p->used[i]->commands);
		return -1;
	}
	if (p->a->force && !p->a->emergency && strcmp(p->a->command, "renew") != 0) {
		complain("--force goes with --emergency: promoting before caches have forgotten the old set "
			 "locks DANE clients out");
		return -1;
	}
	if (p->a->revoke && !p->a->emergency) {
		complain("--revoke goes with --emergency: `certline revoke` revokes at once");
		return -1;
	}
	if (p->a->back && (p->a->emergency || p->a->force)) {
		complain("--back and --emergency exclude each other");
		return -1;
	}
	if (strcmp(p->a->command, "report") == 0 && !p->a->html) {
		complain("report needs --html FILE");
		return -1;
	}
	if (p->a->json && (p->a->svg || p->a->html)) {
		complain("--json does not go with --%s", p->a->svg ? "svg" : "html");
		return -1;
	}
	if (p->a->json && p->a->format && strcmp(p->a->format, "json") != 0) {
		complain("--json and --format %s exclude each other", p->a->format);
		return -1;
	}
	if (p->a->nagios && p->a->json) {
		complain("--nagios and --json exclude each other");
		return -1;
	}
	return fit_limits(p);
}

int options_parse(struct args *a, int argc, char **argv, enum exit_status *status)
{
	struct parse p = { .a = a, .argv = argv, .argc = argc, .i = 1 };
	const struct command *c = NULL;
	bool only_names = false;

	*a = (struct args){ .jobs = 8, .days = 365, .starttls = -1, .warn_for = 14 * DAY,
			    .critical_for = 3 * DAY };
	*status = EXIT_USAGE;
	for (; p.i < argc; p.i++) {
		const char *arg = argv[p.i];

		if (!only_names && strcmp(arg, "--") == 0) {
			only_names = true;
		} else if (!only_names && text_starts(arg, "--")) {
			if (parse_long(&p, arg) < 0)
				return -1;
		} else if (!only_names && arg[0] == '-' && arg[1]) {
			if (parse_short(&p, arg) < 0)
				return -1;
		} else if (!c) {
			c = find_command(arg);
			if (!c)
				return -1;
			a->command = c->name;
		} else {
			strv_add(&a->lines, arg);
		}
	}
	if (p.version || p.help) {
		if (p.version)
			printf("certline " CERTLINE_VERSION "\n");
		else
			options_help(c);
		*status = EXIT_OK;
		return -1;
	}
	if (!c) {
		complain("no command given: init, cron, renew, roll, revoke, account, status, plan, report, "
			 "history, dns, check, caa, tlsa or config; see certline --help");
		return -1;
	}
	return check_fit(&p);
}

void options_free(struct args *a)
{
	strv_free(&a->configs);
	strv_free(&a->lines);
	strv_free(&a->owners);
	strv_free(&a->domains);
	strv_free(&a->starttls_of);
	strv_free(&a->connects);
	strv_free(&a->resolvers);
}
