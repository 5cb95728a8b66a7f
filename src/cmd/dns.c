/* dns.c - `certline dns`: asks every name server now and shows what each one says and what follows.  Changes
 * nothing and takes no lock.
 * Touches: the network (in a child process), stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"
#include "run/eyes.h"
#include "run/observe.h"
#include "sys/clock.h"
#include "sys/proc.h"

static const char *const sights[] = {
	[SIGHT_HOLD] = "hold",
	[SIGHT_WAIT] = "wait",
	[SIGHT_GO] = "go",
};

const char *sight_name(enum sight s)
{
	return sights[s];
}

void columns_of(struct column out[COLUMNS_N], const struct line *l)
{
	const struct keyset *retired = ledger_retired_last(&l->ledger);

	out[0] = (struct column){ "live", l->live.keyset };
	out[1] = (struct column){ "staging", l->staging.number ? l->staging.keyset : 0 };
	out[2] = (struct column){ "retired", retired ? retired->id : 0 };
}

bool server_answers(const struct horizon_server *s)
{
	return s->answered_at && !s->failing_at;
}

void server_records(char *out, const struct horizon_server *s, const char *other)
{
	if (s->records < 0)
		snprintf(out, 16, "alias");
	else if (server_answers(s))
		snprintf(out, 16, "%d", s->records);
	else
		snprintf(out, 16, "%s", other);
}

const char *server_covers(const struct horizon *h, const struct horizon_server *s, int keyset)
{
	size_t k = horizon_place(h, keyset);

	if (!keyset)
		return "-";
	if (k == h->keysets_n || !server_answers(s))
		return "?";
	if (s->records == 0)
		return "none";
	return s->views[k].state == H_GOOD ? "yes" : "no";
}

static const struct horizon_keyset *keyset_of(const struct horizon *h, int keyset)
{
	size_t k = horizon_place(h, keyset);

	return k < h->keysets_n ? &h->keysets[k] : NULL;
}

/* Text -------------------------------------------------------------------------------------------- */

static void print_server(const struct horizon *h, const struct horizon_server *s, const struct column *c)
{
	char ttl[WHEN_TEXT_LEN] = "-", records[16], until[WHEN_TEXT_LEN] = "-", serial[16] = "-";
	char *address = mem_copy_strn(s->id, strcspn(s->id, " "));

	if (s->ttl_for)
		when_format_duration(ttl, s->ttl_for);
	server_records(records, s, "-");
	if (s->signed_until_at)
		when_format_date(until, s->signed_until_at);
	fputs("    ", stdout);
	print_cell(address, 4, 22);
	if (s->answered_at)
		snprintf(serial, sizeof(serial), "%lu", (unsigned long)s->serial);
	printf(" %10s %5s %5s %4s %6s %4s  %s\n", serial, ttl, records,
	       server_covers(h, s, c[0].keyset), server_covers(h, s, c[1].keyset),
	       server_covers(h, s, c[2].keyset), until);
	free(address);
	if (s->names && *s->names)
		print_wrapped(s->names, "      ", "      ", 80);
	if (!s->listed)
		print_wrapped("left the zone's server set; resolvers may still ask it", "      ", "      ", 80);
	if (s->why)
		print_wrapped(s->why, "      ! ", "        ", 80);
}

/* Servers of one zone, asked about one name, stand together. */
static void print_servers(const struct horizon *h, const struct column *c)
{
	const char *zone = "";

	for (size_t i = 0; i < h->servers_n; i++) {
		const char *of = h->servers[i].id + strcspn(h->servers[i].id, " ");

		if (strcmp(of, zone) != 0) {
			printf("   %s\n    %-22s %10s %5s %5s %4s %6s %4s  %s\n", of, "SERVER", "SERIAL", "TTL",
			       "RECS", "LIVE", "STAGED", "OLD", "SIGNED TO");
			zone = of;
		}
		print_server(h, &h->servers[i], c);
	}
}

static void print_owner(const struct horizon *h, const struct column *c, int64_t now)
{
	char *head = mem_format("%s (%s%s%s)", h->owner, horizon_security_name(h->security),
				horizon_unsigned(h) ? ", but not all answers are" : "",
				h->wildcard ? ", wildcard" : "");

	putchar('\n');
	print_wrapped(head, "", "  ", 80);
	free(head);
	if (h->why)
		print_wrapped(h->why, "  ! ", "    ", 80);
	print_servers(h, c);
	for (size_t i = 0; i < COLUMNS_N; i++) {
		const struct horizon_keyset *k = c[i].keyset ? keyset_of(h, c[i].keyset) : NULL;
		char at[WHEN_TEXT_LEN];

		if (!k || k->stale_until_at <= now)
			continue;
		when_format_minute(at, k->stale_until_at);
		printf("  caches may hold a set without the %s key until %s UTC\n", c[i].name, at);
	}
}

static void print_sight(const struct line *l, const char *name, const struct key_facts *k)
{
	char at[WHEN_TEXT_LEN] = "", *text;

	if (!k->present)
		return;
	if (k->sight == SIGHT_WAIT && k->safe_at != WHEN_NEVER)
		when_format_minute(at, k->safe_at);
	text = mem_format("%s: %s key: %s%s%s%s%s", l->cfg->name, name, sights[k->sight],
			  *at ? " until " : "", at, k->seen ? ": " : "", k->seen ? k->seen : "");
	print_wrapped(text, "", "    ", 80);
	free(text);
}

static void print_line(struct line *l, const struct facts *f, const struct strv *alarms,
		       const struct strv *warnings)
{
	struct column c[COLUMNS_N];
	int64_t now = clock_now();

	columns_of(c, l);
	print_sight(l, "live", &f->live);
	print_sight(l, "staged", &f->staging);
	for (size_t i = 0; i < l->ledger.eyes_n; i++)
		print_owner(&l->ledger.eyes[i], c, now);
	putchar('\n');
	for (size_t i = 0; i < alarms->n; i++)
		print_wrapped(alarms->v[i], "  ! ", "    ", 80);
	for (size_t i = 0; i < warnings->n; i++)
		print_wrapped(warnings->v[i], "  note: ", "        ", 80);
}

/* JSON -------------------------------------------------------------------------------------------- */

static void put_server(struct json *list, const struct horizon *h, const struct horizon_server *s,
		       const struct column *c)
{
	struct json *o = json_put(list, NULL, json_object()), *covers;

	json_put_str(o, "server", s->id);
	json_put_str(o, "names", s->names);
	json_put_bool(o, "listed", s->listed);
	json_put_bool(o, "answers", server_answers(s));
	json_put_str(o, "why", s->why);
	json_put_int(o, "serial", s->serial);
	json_put_int(o, "ttl", s->ttl_for);
	json_put_bool(o, "alias", s->records < 0);
	json_put_int(o, "records", s->records < 0 ? 0 : s->records);
	json_put_bool(o, "signed", !s->unsigned_);
	put_instant(o, "signed_until", s->signed_until_at);
	covers = json_put(o, "covers", json_object());
	for (size_t i = 0; i < COLUMNS_N; i++)
		if (c[i].keyset)
			json_put_str(covers, c[i].name, server_covers(h, s, c[i].keyset));
}

static void put_owner(struct json *list, const struct horizon *h, const struct column *c)
{
	struct json *o = json_put(list, NULL, json_object()), *part;

	json_put_str(o, "owner", h->owner);
	json_put_str(o, "dnssec", horizon_security_name(h->security));
	json_put_str(o, "why", h->why);
	json_put_bool(o, "wildcard", h->wildcard);
	part = json_put(o, "stale_until", json_object());
	for (size_t i = 0; i < COLUMNS_N; i++) {
		const struct horizon_keyset *k = c[i].keyset ? keyset_of(h, c[i].keyset) : NULL;

		if (k)
			put_instant(part, c[i].name, k->stale_until_at);
	}
	part = json_put(o, "servers", json_array());
	for (size_t i = 0; i < h->servers_n; i++)
		put_server(part, h, &h->servers[i], c);
}

static void put_key(struct json *o, const char *name, const struct key_facts *k)
{
	struct json *j;

	if (!k->present)
		return;
	j = json_put(o, name, json_object());
	json_put_str(j, "verdict", sights[k->sight]);
	put_instant(j, "safe", k->safe_at);
	json_put_str(j, "why", k->seen);
}

static void put_line(struct json *lines, struct line *l, const struct facts *f,
		     const struct strv *alarms, const struct strv *warnings)
{
	struct json *o = json_put(lines, NULL, json_object()), *list;
	struct column c[COLUMNS_N];

	columns_of(c, l);
	json_put_str(o, "line", l->cfg->name);
	json_put_bool(o, "ok", alarms->n == 0);
	put_key(o, "live", &f->live);
	put_key(o, "staging", &f->staging);
	list = json_put(o, "owners", json_array());
	for (size_t i = 0; i < l->ledger.eyes_n; i++)
		put_owner(list, &l->ledger.eyes[i], c);
	json_put_texts(o, "alarms", alarms);
	json_put_texts(o, "warnings", warnings);
}

/* ------------------------------------------------------------------------------------------------- */

static enum exit_status show(struct scene *s, struct line *l, struct json *lines, const struct args *a)
{
	struct strv alarms = { 0 }, warnings = { 0 };
	enum exit_status status = EXIT_OK;
	struct facts f;

	if (l->failed) {
		complain("%s: %s", l->cfg->name, l->err.text);
		return EXIT_BAD;
	}
	if (!l->policy.verifies) {
		if (!a->json && !a->quiet && !l->cfg->owners.n)
			printf("%s: no owners, so that nothing can be looked up\n", l->cfg->name);
		else if (!a->json && !a->quiet)
			printf("%s: verify = no: name servers are not asked\n", l->cfg->name);
		return EXIT_OK;
	}
	line_facts(&f, &s->world, l);
	eyes_alarms(&alarms, l, &f);
	eyes_warnings(&warnings, l, &f);
	if (alarms.n)
		status = EXIT_BAD;
	if (a->json)
		put_line(lines, l, &f, &alarms, &warnings);
	else if (!a->quiet)
		print_line(l, &f, &alarms, &warnings);
	strv_free(&alarms);
	strv_free(&warnings);
	return status;
}

enum exit_status cmd_dns(const struct args *a)
{
	enum exit_status status;
	struct json *doc, *lines;
	struct looks looks = { 0 };
	struct scene s;

	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	proc_init();
	doc = begin_document(&lines, "lines");
	for (size_t i = 0; i < s.n; i++)
		world_load(&s.world, s.lines[i]);
	show_waits(a);
	eyes_add(&looks, s.lines, s.n);
	looks_run(&looks);
	for (size_t i = 0; i < s.n; i++)
		if (show(&s, s.lines[i], lines, a) != EXIT_OK)
			status = EXIT_BAD;
	end_document(doc, a);
	scene_close(&s);
	return status;
}
