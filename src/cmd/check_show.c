/* check_show.c - what was found out by `certline check`: for people, as JSON, for Nagios and its kin.
 * Touches: stdout, stderr.
 */
#include "cmd/check.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"
#include "run/doctor_line.h"

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

static const char *const securities[] = {
	[SECURITY_UNKNOWN] = "unknown",
	[SECURITY_INSECURE] = "insecure",
	[SECURITY_SECURE] = "secure",
	[SECURITY_BOGUS] = "bogus",
};

/* As clients that know CAs see a certificate. */
static const char *const faults[] = {
	[PRESENTED_OK] = "fine",
	[PRESENTED_NOT_YET] = "not yet",
	[PRESENTED_EXPIRED] = "expired",
	[PRESENTED_WRONG_NAME] = "wrong name",
	[PRESENTED_SELF_SIGNED] = "self-signed",
	[PRESENTED_UNTRUSTED] = "untrusted",
	[PRESENTED_OTHER] = "refused",
};
_Static_assert(ARRAY_LEN(securities) == SECURITY_BOGUS + 1, "a name for each");
_Static_assert(ARRAY_LEN(faults) == PRESENTED_OTHER + 1, "a name for each");

static const char *name_of(const struct doctor_seen *s)
{
	return s->owner ? s->owner : s->host;
}

/* The kind of key, as it was seen, or asked for. */
static const char *type_of(const struct doctor_view *v)
{
	static const char *const known[] = { "RSA", "ECDSA" };

	for (size_t i = 0; v->chain.n && i < ARRAY_LEN(known); i++)
		if (strncmp(v->chain.v[0].key, known[i], strlen(known[i])) == 0)
			return known[i];
	return v->chain.n ? v->chain.v[0].key : tls_offer_name(v->offer);
}

/* For people ------------------------------------------------------------------------------------ */

static const char *const marks[] = {
	[DOCTOR_OK] = "+",
	[DOCTOR_NOTE] = "-",
	[DOCTOR_WARNING] = "?",
	[DOCTOR_ERROR] = "!",
};
_Static_assert(ARRAY_LEN(marks) == DOCTOR_ERROR + 1, "a mark for each");

static void print_findings(const struct check *c, const char *name, const struct doctor_findings *f)
{
	bool color = colorful(c->a);

	for (size_t i = 0; i < f->n; i++) {
		const struct doctor_finding *x = &f->v[i];
		char *first;

		if (c->a->quiet) {
			if (x->severity == DOCTOR_ERROR)
				complain("%s: %s: %s", name, x->code, x->text);
			continue;
		}
		if (x->severity == DOCTOR_OK && !c->a->verbose)
			continue;
		first = mem_format("  %s %s: ", marks[x->severity], x->code);
		if (color && x->severity == DOCTOR_ERROR)
			fputs(RED, stdout);
		print_wrapped(x->text, first, "    ", 80);
		if (color && x->severity == DOCTOR_ERROR)
			fputs(PLAIN, stdout);
		free(first);
	}
}

static void print_head(const struct check *c, const char *name, const struct doctor_diagnosis *d)
{
	bool color = colorful(c->a), good = d->verdict == DOCTOR_ACCEPTS;
	char *text = mem_format("%s: %s%s%s%s", name, doctor_verdict_name(d->verdict), d->why ? " (" : "",
				d->why ? d->why : "", d->why ? ")" : "");

	if (color)
		printf("%s%s", BOLD, good ? GREEN : d->verdict == DOCTOR_NO_DANE ? "" : RED);
	print_wrapped(text, "", "  ", 80);
	if (color)
		fputs(PLAIN, stdout);
	free(text);
}

static void print_server(const struct look_server *v)
{
	char ttl[WHEN_TEXT_LEN] = "-", until[WHEN_TEXT_LEN] = "-", records[24] = "?",
	     *who = doctor_seen_server(v);

	if (v->answer == ANSWER_DATA && !v->target)
		snprintf(records, sizeof(records), "%zu", v->data.n);
	else if (v->answer == ANSWER_EMPTY)
		snprintf(records, sizeof(records), "none");
	else if (v->answer != ANSWER_FAIL)
		snprintf(records, sizeof(records), "alias");
	if (v->ttl_for)
		when_format_duration(ttl, v->ttl_for);
	if (v->signed_until_at)
		when_format_date(until, v->signed_until_at);
	fputs("    ", stdout);
	print_cell(who, 4, 39);
	printf(" %10lu %6s %6s  %s\n", (unsigned long)v->serial, ttl, records, until);
	free(who);
}

static void print_dns(const struct doctor_seen *s)
{
	for (size_t k = 0; k < s->dns_n; k++) {
		const char *about = "";

		for (size_t i = 0; i < s->dns[k].servers_n; i++) {
			const struct look_server *v = &s->dns[k].servers[i];

			if (strcmp(v->name, about) != 0)
				printf("    %-39s %10s %6s %6s  %s\n", "NAME SERVER", "SERIAL", "TTL",
				       "RECS", "SIGNED TO");
			if (strcmp(v->name, about) != 0 && strcmp(v->name, s->owner) != 0) {
				char *text = mem_format("about %s", v->name);

				print_wrapped(text, "    ", "      ", 80);
				free(text);
			}
			about = v->name;
			print_server(v);
		}
	}
}

static void print_records(const struct doctor_diagnosis *d)
{
	for (size_t i = 0; i < d->records_n; i++) {
		const struct doctor_record *r = &d->records[i];
		bool more = r->fate == DANE_MATCHES && r->why;
		char *text = mem_format("%.22s%s  %s%s%s", r->data, strlen(r->data) > 22 ? "..." : "",
					doctor_fate_name(r), more ? ": " : "", more ? r->why : "");

		print_wrapped(text, "    ", "      ", 80);
		free(text);
	}
}

static void print_view(const struct check *c, const struct check_service *s, size_t i)
{
	const struct doctor_view *v = &s->seen.views[i];
	char address[ADDR_TEXT_LEN], left[WHEN_TEXT_LEN] = "over", *text;
	int64_t left_for;

	addr_format(address, &v->addr);
	if (!v->chain.n) {
		if (v->outcome == PROBE_NOT_OFFERED && v->offer != TLS_OFFER_ANY && !c->a->verbose)
			return;
		text = mem_format("%s %s",
				  v->outcome == PROBE_NOT_OFFERED ? tls_offer_name(v->offer) : "",
				  v->outcome == PROBE_OK ? "certificate unreadable"
							 : probe_outcome_name(v->outcome));
		fputs("    ", stdout);
		print_cell(address, 4, 26);
		printf(" %.48s\n", text + (*text == ' '));
		free(text);
		return;
	}
	left_for = v->chain.v[0].until_at - c->now;
	if (left_for > 0)
		when_format_rough(left, left_for);
	fputs("    ", stdout);
	print_cell(address, 4, 26);
	printf(" %-12.12s %9s  %-8s %s\n", v->chain.v[0].key, left,
	       doctor_verdict_name(s->found.views[i]), faults[v->fault]);
}

static void print_service(const struct check *c, const struct check_service *s)
{
	const struct doctor_seen *n = &s->seen;

	if (c->a->quiet) {
		print_findings(c, name_of(n), &s->found.findings);
		return;
	}
	print_head(c, name_of(n), &s->found);
	if (n->dns_n) {
		char *text = mem_format("%s%s%srecords: %s; names and SNI: %s; %s",
					s->line ? "line " : "", s->line ? s->line->cfg->name : "",
					s->line ? "; " : "", securities[s->found.security], n->base,
					n->starttls == STARTTLS_NONE ? "TLS from the start" : "STARTTLS");

		print_wrapped(text, "  ", "  ", 80);
		free(text);
	}
	if (c->a->verbose)
		print_dns(n);
	print_records(&s->found);
	if (n->views_n)
		printf("    %-26s %-12s %9s  %-8s %s\n", "ADDRESS", "KEY", "CERT LEFT", "DANE", "BY CAS");
	for (size_t i = 0; i < n->views_n; i++)
		print_view(c, s, i);
	print_findings(c, name_of(n), &s->found.findings);
}

void check_print(const struct check *c)
{
	bool begun = false;

	for (size_t i = 0; i < c->lines_n; i++) {
		const struct check_line *l = &c->lines[i];

		if (!l->findings.n)
			continue;
		if (!c->a->quiet)
			printf("%s%s:\n", begun ? "\n" : "", l->line->cfg->name);
		begun = true;
		print_findings(c, l->line->cfg->name, &l->findings);
	}
	for (size_t i = 0; i < c->domains_n; i++) {
		const struct check_domain *d = &c->domains[i];

		if (begun && !c->a->quiet)
			putchar('\n');
		begun = true;
		if (!c->a->quiet) {
			print_head(c, d->mail.domain, &d->found);
			for (size_t k = 0; k < d->mail.n; k++)
				printf("    MX %u %s\n", d->mail.v[k].preference, d->mail.v[k].name);
		}
		print_findings(c, d->mail.domain, &d->found.findings);
	}
	for (size_t i = 0; i < c->services_n; i++) {
		if (begun && !c->a->quiet)
			putchar('\n');
		begun = true;
		print_service(c, &c->services[i]);
	}
}

/* JSON ------------------------------------------------------------------------------------------ */

static void put_findings(struct json *o, const struct doctor_findings *f)
{
	struct json *list = json_put(o, "findings", json_array());

	for (size_t i = 0; i < f->n; i++) {
		struct json *x = json_put(list, NULL, json_object());

		json_put_str(x, "severity", doctor_severity_name(f->v[i].severity));
		json_put_str(x, "code", f->v[i].code);
		json_put_str(x, "text", f->v[i].text);
	}
}

static void put_verdict(struct json *o, const struct doctor_diagnosis *d)
{
	json_put_str(o, "verdict", doctor_verdict_name(d->verdict));
	json_put_str(o, "why", d->why);
}

static void put_server(struct json *list, const struct look_server *v)
{
	static const char *const answers[] = {
		[ANSWER_FAIL] = "none",
		[ANSWER_EMPTY] = "no records",
		[ANSWER_DATA] = "records",
		[ANSWER_ALIAS] = "alias",
	};
	struct json *o = json_put(list, NULL, json_object());
	char address[ADDR_TEXT_LEN];

	addr_format(address, &v->addr);
	json_put_str(o, "address", address);
	json_put_texts(o, "names", &v->names);
	json_put_str(o, "zone", v->zone);
	json_put_str(o, "asked", v->name);
	json_put_str(o, "answer", v->target ? answers[ANSWER_ALIAS] : answers[v->answer]);
	json_put_str(o, "target", v->target);
	json_put_str(o, "why", v->why);
	json_put_int(o, "serial", v->serial);
	json_put_int(o, "ttl", v->ttl_for);
	json_put_bool(o, "signed", v->signed_ok);
	put_instant(o, "signed_until", v->signed_until_at);
	json_put_bool(o, "wildcard", v->wildcard);
	if (v->answer == ANSWER_DATA && !v->target)
		json_put_texts(o, "data", &v->data);
}

static void put_view(struct json *list, const struct check_service *s, size_t i)
{
	const struct doctor_view *v = &s->seen.views[i];
	struct json *o = json_put(list, NULL, json_object());
	char address[ADDR_TEXT_LEN];
	bool current;

	addr_format(address, &v->addr);
	json_put_str(o, "address", address);
	json_put_str(o, "type", type_of(v));
	json_put_str(o, "outcome",
		     v->outcome == PROBE_OK && v->chain.n ? "ok"
		     : v->outcome == PROBE_OK		  ? "certificate unreadable"
							  : probe_outcome_name(v->outcome));
	json_put_str(o, "why", v->why);
	json_put_str(o, "dane", doctor_verdict_name(s->found.views[i]));
	put_instant(o, "seen", v->at);
	if (!v->chain.n)
		return;
	json_put_str(o, "protocol", v->protocol);
	json_put_str(o, "key", v->chain.v[0].key);
	json_put_str(o, "spki", v->chain.v[0].spki_sha256);
	json_put_str(o, "certificate", v->chain.v[0].cert_sha256);
	json_put_str(o, "serial", v->chain.v[0].serial);
	put_instant(o, "not_before", v->chain.v[0].from_at);
	put_instant(o, "not_after", v->chain.v[0].until_at);
	json_put_str(o, "subject", v->chain.v[0].subject);
	json_put_str(o, "issuer", v->chain.v[0].issuer);
	json_put_texts(o, "names", &v->chain.v[0].names);
	json_put_int(o, "chain", (int64_t)v->chain.n);
	json_put_bool(o, "name_fits", v->named);
	json_put_str(o, "pkix", faults[v->fault]);
	json_put_str(o, "pkix_why", v->fault_why);
	if (!s->line || s->line->failed)
		return;
	json_put_str(o, "keyset", doctor_keyset(s->line, v, &current));
	json_put_bool(o, "certificate_current", current);
}

static void put_service(struct json *list, const struct check_service *s)
{
	const struct doctor_seen *n = &s->seen;
	struct json *o = json_put(list, NULL, json_object()), *part;

	json_put_str(o, "owner", n->owner);
	json_put_str(o, "line", s->line ? s->line->cfg->name : NULL);
	json_put_str(o, "host", n->host);
	json_put_str(o, "base", n->base);
	json_put_int(o, "port", n->port);
	json_put_str(o, "starttls", starttls_name(n->starttls));
	json_put_str(o, "dnssec", securities[s->found.security]);
	json_put_str(o, "dnssec_why", s->found.security_why);
	part = json_put(o, "servers", json_array());
	for (size_t k = 0; k < n->dns_n; k++)
		for (size_t i = 0; i < n->dns[k].servers_n; i++)
			put_server(part, &n->dns[k].servers[i]);
	part = json_put(o, "records", json_array());
	for (size_t i = 0; i < s->found.records_n; i++) {
		struct json *r = json_put(part, NULL, json_object());

		json_put_str(r, "data", s->found.records[i].data);
		json_put_str(r, "fate", doctor_fate_name(&s->found.records[i]));
		json_put_str(r, "why", s->found.records[i].why);
	}
	part = json_put(o, "endpoints", json_array());
	for (size_t i = 0; i < n->views_n; i++)
		put_view(part, s, i);
	put_findings(o, &s->found.findings);
	put_verdict(o, &s->found);
}

void check_print_json(const struct check *c)
{
	struct json *list, *doc = begin_document(&list, "owners");

	for (size_t i = 0; i < c->services_n; i++)
		put_service(list, &c->services[i]);
	if (c->domains_n)
		list = json_put(doc, "domains", json_array());
	for (size_t i = 0; i < c->domains_n; i++) {
		const struct check_domain *d = &c->domains[i];
		struct json *o = json_put(list, NULL, json_object()), *hosts;

		json_put_str(o, "domain", d->mail.domain);
		json_put_str(o, "dnssec", securities[d->mail.security]);
		hosts = json_put(o, "hosts", json_array());
		for (size_t k = 0; k < d->mail.n; k++)
			json_put_str(hosts, NULL, d->mail.v[k].name);
		put_findings(o, &d->found.findings);
		put_verdict(o, &d->found);
	}
	if (c->lines_n)
		list = json_put(doc, "lines", json_array());
	for (size_t i = 0; i < c->lines_n; i++) {
		struct json *o = json_put(list, NULL, json_object());

		json_put_str(o, "line", c->lines[i].line->cfg->name);
		put_findings(o, &c->lines[i].findings);
	}
	print_document(doc);
}

/* Nagios ---------------------------------------------------------------------------------------- */

/* "|" begins the performance data. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		putchar(*text == '|' ? '/' : *text);
}

/* What is left of the certificate that ends first, of the services from i on that have this name. */
static bool least_left(const struct check *c, size_t i, const char *name, int64_t *left_for)
{
	bool any = false;

	for (; i < c->services_n; i++) {
		const struct check_service *s = &c->services[i];

		if (strcmp(s->line ? s->line->cfg->name : name_of(&s->seen), name) != 0)
			continue;
		for (size_t k = 0; k < s->seen.views_n; k++) {
			const struct doctor_view *v = &s->seen.views[k];
			int64_t left = v->chain.n ? v->chain.v[0].until_at - c->now : 0;

			if (!v->chain.n || (any && left >= *left_for))
				continue;
			*left_for = left;
			any = true;
		}
	}
	return any;
}

static void print_data(const struct check *c)
{
	struct strv done = { 0 };
	bool begun = false;

	for (size_t i = 0; i < c->services_n; i++) {
		const struct check_service *s = &c->services[i];
		const char *name = s->line ? s->line->cfg->name : name_of(&s->seen);
		int64_t left_for = 0;

		if (strv_has(&done, name))
			continue;
		strv_add(&done, name);
		if (!least_left(c, i, name, &left_for))
			continue;
		printf("%s'%s cert'=%llds;%lld:;%lld:", begun ? " " : " | ", name, (long long)left_for,
		       (long long)c->a->warn_for, (long long)c->a->critical_for);
		begun = true;
	}
	putchar('\n');
	strv_free(&done);
}

struct told {
	size_t of[DOCTOR_ERROR + 1];
	const char *name; /* of the first of the worst */
	const struct doctor_finding *worst;
};

static void count(struct told *t, const char *name, const struct doctor_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		t->of[f->v[i].severity]++;
		if (t->worst && f->v[i].severity <= t->worst->severity)
			continue;
		t->worst = &f->v[i];
		t->name = name;
	}
}

static void print_long(const char *name, const struct doctor_findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].severity == DOCTOR_OK || f->v[i].severity == DOCTOR_NOTE)
			continue;
		printf("%s: %s: %s: ", name, doctor_severity_name(f->v[i].severity), f->v[i].code);
		print_plain(f->v[i].text);
		putchar('\n');
	}
}

static void each(const struct check *c, struct told *t)
{
	for (size_t i = 0; i < c->lines_n; i++) {
		if (t)
			count(t, c->lines[i].line->cfg->name, &c->lines[i].findings);
		else
			print_long(c->lines[i].line->cfg->name, &c->lines[i].findings);
	}
	for (size_t i = 0; i < c->domains_n; i++) {
		if (t)
			count(t, c->domains[i].mail.domain, &c->domains[i].found.findings);
		else
			print_long(c->domains[i].mail.domain, &c->domains[i].found.findings);
	}
	for (size_t i = 0; i < c->services_n; i++) {
		if (t)
			count(t, name_of(&c->services[i].seen), &c->services[i].found.findings);
		else
			print_long(name_of(&c->services[i].seen), &c->services[i].found.findings);
	}
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

void check_print_nagios(const struct check *c, const char *state)
{
	size_t of[DOCTOR_DEFERS + 1] = { 0 };
	struct told t = { 0 };

	each(c, &t);
	for (size_t i = 0; i < c->services_n; i++)
		of[c->services[i].found.verdict]++;
	printf("CERTLINE %s - ", state);
	if (t.worst && t.worst->severity >= DOCTOR_WARNING) {
		printf("%zu error%s, %zu warning%s; %s: %s: ", t.of[DOCTOR_ERROR], plural(t.of[DOCTOR_ERROR]),
		       t.of[DOCTOR_WARNING], plural(t.of[DOCTOR_WARNING]), t.name, t.worst->code);
		print_plain(t.worst->text);
	} else {
		printf("%zu service%s: DANE accepts %zu, %zu without DANE", c->services_n,
		       plural(c->services_n), of[DOCTOR_ACCEPTS], of[DOCTOR_NO_DANE]);
	}
	print_data(c);
	each(c, NULL);
}
