/* check.c - `certline check`: lines, or services of whomever, as clients meet them now.  Changes nothing
 * and takes no lock.
 * Touches: the network (in child processes); files under STATE, reading only; stdout, stderr.
 */
#include "cmd/check.h"

#include "base/mem.h"
#include "core/names.h"
#include "run/endpoints.h"
#include "run/doctor.h"
#include "run/doctor_line.h"
#include "run/look_how.h"
#include "sys/clock.h"
#include "sys/proc.h"
#include "sys/progress.h"

#define RESOLVERS_MAX 3
#define MX_PORT	      25

/* As plug-ins of Nagios and its kin end. */
static const struct {
	const char *name;
	int status;
} nagios[] = {
	[DOCTOR_OK] = { "OK", 0 },
	[DOCTOR_NOTE] = { "OK", 0 },
	[DOCTOR_WARNING] = { "WARNING", 1 },
	[DOCTOR_ERROR] = { "CRITICAL", 2 },
};

static enum doctor_severity worst_of(const struct check *c)
{
	enum doctor_severity worst = DOCTOR_OK, s;

	for (size_t i = 0; i < c->services_n; i++)
		worst = (s = doctor_worst(&c->services[i].found.findings)) > worst ? s : worst;
	for (size_t i = 0; i < c->domains_n; i++)
		worst = (s = doctor_worst(&c->domains[i].found.findings)) > worst ? s : worst;
	for (size_t i = 0; i < c->lines_n; i++)
		worst = (s = doctor_worst(&c->lines[i].findings)) > worst ? s : worst;
	return worst;
}

/* At anything, or nothing was to be looked at. */
static bool has_looked(const struct check *c)
{
	bool looked = c->services_n == 0 && c->domains_n == 0;

	for (size_t i = 0; i < c->services_n; i++)
		looked |= c->services[i].looked;
	for (size_t i = 0; i < c->domains_n; i++)
		looked |= !c->domains[i].mail.problem ||
			  c->domains[i].mail.security != SECURITY_UNKNOWN;
	return looked;
}

/* How to look ----------------------------------------------------------------------------------- */

static const char *default_anchor(void)
{
	size_t n;
	const struct config_option *o = config_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, "dns") == 0 && strcmp(o[i].key, "trust-anchor") == 0)
			return o[i].fallback;
	return NULL;
}

/* c: NULL: there is no configuration. */
static void how_to_look(struct look_config *how, const struct line_config *c, const struct args *a)
{
	if (c) {
		look_how(how, c);
	} else {
		*how = (struct look_config){ .port = 53,
					     .validate = VALIDATE_DNSSEC,
					     .trust_anchor = default_anchor(),
					     .limits = ask_defaults };
		clock_pretended(&how->pretended_at);
	}
	if (a->dns_port)
		how->port = (uint16_t)a->dns_port;
	if (a->trust_anchor)
		how->trust_anchor = a->trust_anchor;
	if (c && !a->resolvers.n)
		return;
	free(how->resolvers);
	how->resolvers = mem_array(a->resolvers.n + RESOLVERS_MAX, sizeof(*how->resolvers));
	for (how->resolvers_n = 0; how->resolvers_n < a->resolvers.n; how->resolvers_n++)
		if (!addr_parse(&how->resolvers[how->resolvers_n], a->resolvers.v[how->resolvers_n], 53))
			mem_bug("an address that was checked is none");
	if (!how->resolvers_n)
		how->resolvers_n = look_system_resolvers(how->resolvers, RESOLVERS_MAX, NULL);
}

/* The ways of looking, each once. */
struct hows {
	struct way {
		const struct line_config *c;
		struct look_config *how;
	} * v;
	size_t n;
};

static const struct look_config *way_of(struct hows *h, const struct line_config *c, const struct args *a)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].c == c || (c && h->v[i].c && look_how_same(h->v[i].c, c)))
			return h->v[i].how;
	h->v = mem_resize(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n] = (struct way){ c, mem_alloc(sizeof(struct look_config)) };
	how_to_look(h->v[h->n].how, c, a);
	return h->v[h->n++].how;
}

static void hows_free(struct hows *h)
{
	for (size_t i = 0; i < h->n; i++) {
		look_how_free(h->v[i].how);
		free(h->v[i].how);
	}
	free(h->v);
}

/* What to look at ------------------------------------------------------------------------------- */

/* The services in the making. */
struct plan {
	struct check *check;
	const struct args *a;
	struct scene scene;
	bool has_scene;
	struct hows hows;
	struct doctor_ask *asks;
	struct strv owners; /* of mail hosts: what asks point to */
	struct addr **addrs; /* ... owned */
	struct endpoint_spec **specs; /* of each line */
	size_t *specs_n;
};

/* The line that has the owner, whether or not it is asked for; NULL. */
static struct line *line_with(const struct plan *p, const char *owner)
{
	for (size_t i = 0; p->has_scene && owner && i < p->scene.world.n; i++)
		if (strv_has(&p->scene.world.lines[i].cfg->owners, owner))
			return &p->scene.world.lines[i];
	return NULL;
}

/* The configuration that tells how to look at other people's services, if there is one: that of the line
 * with this owner, else of the first one. */
static const struct line_config *config_for(const struct plan *p, const char *owner)
{
	const struct config *c = &p->scene.config;
	const struct line *l = line_with(p, owner);

	return l ? l->cfg : p->has_scene && c->lines_n ? &c->lines[0] : NULL;
}

/* The last word of the command line about this owner, or about all. */
static void heed_words(struct doctor_ask *a, const struct args *args)
{
	size_t len = a->owner ? strlen(a->owner) : 0;
	enum starttls word;

	if (args->starttls >= 0)
		a->starttls = args->starttls;
	for (size_t i = 0; len && i < args->starttls_of.n; i++) {
		const char *row = args->starttls_of.v[i];

		if (strncasecmp(row, a->owner, len) == 0 && row[len] == '=' &&
		    starttls_parse(row + len + 1, &word))
			a->starttls = (int)word;
	}
}

/* What a points to stays; how to look, and what the command line has to say, is added. */
static void add_service(struct plan *p, struct doctor_ask a, struct line *l)
{
	size_t n = p->check->services_n++;

	a.how = way_of(&p->hows, l ? l->cfg : config_for(p, a.owner), p->a);
	heed_words(&a, p->a);
	p->asks = mem_resize(p->asks, n + 1, sizeof(*p->asks));
	p->asks[n] = a;
	p->check->services = mem_resize(p->check->services, n + 1, sizeof(*p->check->services));
	p->check->services[n] = (struct check_service){ .line = l };
}

/* How the line with that owner looks at it, although it is not asked for. */
static void heed_line(struct doctor_ask *a, const struct line_config *c)
{
	struct endpoint_spec *specs;
	size_t n;

	endpoints_of(&specs, &n, c);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(specs[i].name, a->owner) != 0)
			continue;
		a->starttls = (int)specs[i].starttls;
		a->domain = specs[i].domain;
	}
	endpoints_free(specs, n);
}

static void add_owner(struct plan *p, const char *owner, struct line *l)
{
	struct doctor_ask a = { .owner = owner, .starttls = DOCTOR_STARTTLS_OF_PORT };
	const struct line *with = line_with(p, owner);

	if (with)
		heed_line(&a, with->cfg);
	add_service(p, a, l);
}

/* The addresses of the command line, with the port of the service where none was given. */
static void set_addresses(struct plan *p)
{
	p->addrs = mem_array(p->check->services_n, sizeof(struct addr *));
	for (size_t i = 0; i < p->check->services_n && p->a->connects.n; i++) {
		struct doctor_ask *a = &p->asks[i];
		uint16_t port = (uint16_t)a->port;
		const char *host;

		if (!port && a->owner)
			(void)name_split_tcp(a->owner, &port, &host);
		p->addrs[i] = mem_array(p->a->connects.n, sizeof(struct addr));
		a->addrs_n = 0;
		for (size_t k = 0; k < p->a->connects.n; k++)
			if (addr_parse(&p->addrs[i][a->addrs_n], p->a->connects.v[k], port))
				a->addrs_n++;
		a->addrs = p->addrs[i];
	}
}

static void add_domains(struct plan *p)
{
	const struct strv *names = &p->a->domains;
	struct mail_hosts *mail = mem_array(names->n, sizeof(*mail));
	struct check *c = p->check;

	progress_begin(names->n ? names->v[0] : "", names->n, "looking up mail hosts");
	doctor_mail(mail, (const char *const *)names->v, names->n,
		    way_of(&p->hows, config_for(p, NULL), p->a));
	progress_end();
	c->domains = mem_array(names->n, sizeof(*c->domains));
	for (; c->domains_n < names->n; c->domains_n++) {
		struct check_domain *d = &c->domains[c->domains_n];

		d->mail = mail[c->domains_n];
		d->first = c->services_n;
		for (size_t i = 0; i < d->mail.n; i++) {
			char *owner = mem_format("_%d._tcp.%s", MX_PORT, d->mail.v[i].name);
			struct doctor_ask ask = { .owner = owner, .starttls = DOCTOR_STARTTLS_OF_PORT,
						  .mail_domain = d->mail.domain };
			struct err ignored;

			strv_take(&p->owners, owner);
			/* it comes from outside */
			if (name_check_owner(owner, &ignored) < 0) {
				free(d->mail.v[i].name);
				d->odd++;
				continue;
			}
			add_service(p, ask, NULL);
			d->mail.v[d->n++] = d->mail.v[i];
		}
		d->mail.n = d->n;
	}
	free(mail);
}

/* The servers of the line, and owners whose servers cannot be looked at. */
static void add_line(struct plan *p, size_t i, struct line *l)
{
	const struct strv *owners = &l->cfg->owners;

	endpoints_of(&p->specs[i], &p->specs_n[i], l->cfg);
	for (size_t k = 0; k < p->specs_n[i]; k++) {
		const struct endpoint_spec *s = &p->specs[i][k];

		add_service(p, (struct doctor_ask){ .owner = s->is_owner ? s->name : NULL, .host = s->host,
						    .port = s->port, .starttls = (int)s->starttls,
						    .domain = s->domain, .addrs = s->addrs,
						    .addrs_n = s->addrs_n }, l);
	}
	for (size_t o = 0; o < owners->n; o++) {
		bool found = false;

		for (size_t k = 0; k < p->specs_n[i] && !found; k++)
			found = strcmp(p->specs[i][k].name, owners->v[o]) == 0;
		if (!found)
			add_owner(p, owners->v[o], l);
	}
}

static void add_lines(struct plan *p)
{
	struct check *c = p->check;

	p->specs = mem_array(p->scene.n, sizeof(struct endpoint_spec *));
	p->specs_n = mem_array(p->scene.n, sizeof(*p->specs_n));
	c->lines = mem_array(p->scene.n, sizeof(*c->lines));
	for (; c->lines_n < p->scene.n; c->lines_n++) {
		struct line *l = p->scene.lines[c->lines_n];

		world_load(&p->scene.world, l);
		c->lines[c->lines_n] = (struct check_line){ .line = l };
		add_line(p, c->lines_n, l);
	}
}

/* Diagnosis ------------------------------------------------------------------------------------- */

static bool somebody_answered(const struct doctor_seen *s)
{
	const struct look_zone *ignored;

	/* an answer of which nobody knows whether it counts is none */
	for (size_t k = 0; k < s->dns_n; k++)
		for (size_t i = 0; i < s->dns[k].servers_n; i++)
			if (s->dns[k].servers[i].answer != ANSWER_FAIL &&
			    look_security(&s->dns[k], &ignored) != SECURITY_UNKNOWN)
				return true;
	for (size_t i = 0; i < s->views_n; i++)
		if (probe_reached(s->views[i].outcome))
			return true;
	/* that there is no address is an answer */
	return !s->addrs_given && s->at.name && !s->at.addrs_n && s->at.security != SECURITY_UNKNOWN;
}

static void diagnose_lines(struct plan *p)
{
	struct check *c = p->check;
	struct doctor_findings **out = mem_array(c->lines_n, sizeof(struct doctor_findings *));
	const struct line_config **lines = mem_array(c->lines_n, sizeof(struct line_config *));

	for (size_t i = 0; i < c->lines_n; i++) {
		struct check_line *l = &c->lines[i];

		out[i] = &l->findings;
		lines[i] = l->line->cfg;
		doctor_find_pending(&l->findings, &p->scene.world, l->line);
		if (!lines[i]->owners.n)
			doctor_add(&l->findings, DOCTOR_NOTE, "no-owners",
				   p->specs_n[i] ? "the line has no owners, so that its servers are "
						   "compared with no records"
						 : "the line has no owners, so that no server is "
						   "looked at");
	}
	progress_begin(c->lines_n ? lines[0]->name : "", c->lines_n, "looking whether CAA lets the CA issue");
	doctor_find_caa(out, lines, c->lines_n);
	progress_end();
	for (size_t i = 0; i < c->lines_n; i++)
		doctor_sort(&c->lines[i].findings);
	free(lines);
	free(out);
}

static void diagnose(struct plan *p)
{
	struct check *c = p->check;
	struct doctor_terms terms = { .now = clock_now(),
				      .warn_for = p->a->warn_for,
				      .critical_for = p->a->critical_for };
	struct doctor_own *own = NULL;
	const struct line *own_line = NULL;

	c->now = terms.now;
	for (size_t i = 0; i < c->services_n; i++) {
		struct check_service *s = &c->services[i];
		/* its records are told from others' also if it is not asked for */
		struct line *line = s->line ? s->line : line_with(p, s->seen.owner);

		if (line != own_line) {
			doctor_own_free(own, terms.own_n);
			own = NULL;
			terms.own_n = 0;
			if (line) {
				world_load(&p->scene.world, line);
				doctor_own_of(&own, &terms.own_n, &p->scene.world, line);
			}
			terms.own = own;
			own_line = line;
		}
		terms.newest = s->line ? &s->line->live : NULL;
		terms.strict = s->line || p->a->nagios;
		terms.self_signed = s->line && s->line->cfg->issuer == ISSUER_SELF;
		doctor_find(&s->found, &s->seen, &terms);
		if (s->line) {
			doctor_find_line(&s->found.findings, s->line, &s->seen);
			doctor_sort(&s->found.findings);
		}
		s->looked = somebody_answered(&s->seen);
	}
	doctor_own_free(own, terms.own_n);
	for (size_t i = 0; i < c->domains_n; i++) {
		struct check_domain *d = &c->domains[i];
		const struct doctor_diagnosis **hosts = mem_array(d->n, sizeof(struct doctor_diagnosis *));

		for (size_t k = 0; k < d->n; k++)
			hosts[k] = &c->services[d->first + k].found;
		doctor_find_mail(&d->found, &d->mail, hosts);
		if (d->odd)
			doctor_add(&d->found.findings, DOCTOR_WARNING, "mx-odd-name",
				   "%zu mail hosts of %s have names that are no host names", d->odd,
				   d->mail.domain);
		free(hosts);
	}
	diagnose_lines(p);
}

/* ----------------------------------------------------------------------------------------------- */

static enum exit_status show(const struct check *c)
{
	enum doctor_severity worst = worst_of(c);

	if (c->a->nagios) {
		bool looked = has_looked(c);

		check_print_nagios(c, looked ? nagios[worst].name : "UNKNOWN");
		return looked ? (enum exit_status)nagios[worst].status : EXIT_NAGIOS_UNKNOWN;
	}
	if (c->a->json)
		check_print_json(c);
	else
		check_print(c);
	if (!has_looked(c))
		return EXIT_NOT_NOW;
	return worst == DOCTOR_ERROR ? EXIT_BAD : EXIT_OK;
}

static bool is_configured(const struct args *a)
{
	const char *from = getenv("CERTLINE_CONFIG");

	return a->configs.n || (from && *from) || access(CONFIG_DEFAULT_DIR, F_OK) == 0;
}

static void check_free(struct check *c)
{
	for (size_t i = 0; i < c->services_n; i++) {
		doctor_diagnosis_free(&c->services[i].found);
		doctor_seen_free(&c->services[i].seen, 1);
	}
	for (size_t i = 0; i < c->domains_n; i++) {
		doctor_diagnosis_free(&c->domains[i].found);
		mail_hosts_free(&c->domains[i].mail);
	}
	for (size_t i = 0; i < c->lines_n; i++)
		doctor_findings_free(&c->lines[i].findings);
	free(c->services);
	free(c->domains);
	free(c->lines);
}

static const char *name_of(const struct doctor_ask *a)
{
	return a->owner ? a->owner : a->host;
}

static void look(struct plan *p)
{
	struct check *c = p->check;
	struct doctor_seen *seen = mem_array(c->services_n, sizeof(*seen));

	set_addresses(p);
	progress_begin(c->services_n ? name_of(&p->asks[0]) : "", c->services_n,
		       "looking at servers");
	doctor_look(seen, p->asks, c->services_n);
	progress_end();
	for (size_t i = 0; i < c->services_n; i++)
		c->services[i].seen = seen[i];
	free(seen);
	diagnose(p);
}

static void plan_free(struct plan *p)
{
	for (size_t i = 0; p->addrs && i < p->check->services_n; i++)
		free(p->addrs[i]);
	free(p->addrs);
	free(p->asks);
	for (size_t i = 0; i < p->check->lines_n; i++)
		endpoints_free(p->specs[i], p->specs_n[i]);
	free(p->specs);
	free(p->specs_n);
	hows_free(&p->hows);
	strv_free(&p->owners);
	if (p->has_scene)
		scene_close(&p->scene);
}

enum exit_status cmd_check(const struct args *a)
{
	bool others = a->owners.n || a->domains.n;
	struct check c = { .a = a, .now = clock_now() };
	struct plan p = { .check = &c, .a = a };
	enum exit_status status;

	/* without it the resolvers of the system do for other people's services */
	if (!others || a->lines.n || is_configured(a)) {
		p.has_scene = scene_open(&p.scene, a, &status) == 0;
		if (!p.has_scene && a->nagios)
			printf("CERTLINE UNKNOWN - the configuration or the command line is wrong\n");
		if (!p.has_scene)
			return a->nagios ? EXIT_NAGIOS_UNKNOWN : status;
	}
	proc_init();
	show_waits(a);
	if (!others || a->lines.n)
		add_lines(&p);
	for (size_t i = 0; i < a->owners.n; i++)
		add_owner(&p, a->owners.v[i], NULL);
	add_domains(&p);
	look(&p);
	status = show(&c);
	check_free(&c);
	plan_free(&p);
	return status;
}
