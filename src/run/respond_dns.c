/* respond_dns.c - records of dns-01: where they belong, written by update, and seen on every server.
 * Touches: network; key files of [update].
 */
#include "run/respond_parts.h"

#include "base/mem.h"
#include "base/when.h"
#include "core/names.h"
#include "dns/txt.h"
#include "run/look_how.h"
#include "run/update_rows.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define RECORD_TTL  1                   /* the next order has another value at the same name */
#define LOOK_MS     200                 /* before it is looked again; doubles */
#define LOOK_MAX_MS 10000
/* Times what a name server is asked in a second otherwise: an order may have a hundred names of one zone.
 * NSD lets everybody ask as often. */
#define PACE        4
#define OWN_PACE    40                  /* the same of one on this host */

static bool wanted(const struct placed *p, enum method m)
{
	return p->method == m && p->c->err.kind == ERR_NONE;
}

/* Where the record of a name is to be written, if the configuration says so. */
static const char *alias_of(const struct line_config *c, const struct challenge *ch)
{
	for (size_t i = 0; i < c->challenge_aliases.n; i++) {
		const char *row = c->challenge_aliases.v[i];
		size_t len = strcspn(row, " ");

		if (strlen(ch->name) == len && strncmp(row, ch->name, len) == 0)
			return row + len + 1;
	}
	return NULL;
}

static void look_briskly(struct look_config *how, const struct line_config *c)
{
	look_how(how, c);
	how->limits.per_second_own = how->limits.per_second_each * OWN_PACE;
	how->limits.per_second_each *= PACE;
}

static void name_record(struct respond *x, struct placed *p)
{
	const char *alias = alias_of(x->c, p->c);

	free(p->record);
	p->record = alias ? mem_copy_str(alias) : challenge_record(p->c->name);
}

/* Places ----------------------------------------------------------------------------------------- */

/* What the configuration says of the zone's server comes before what DNS says. */
static void take_place(struct respond *x, struct placed *p, const struct txt_place *t)
{
	char *zone;
	const char *row;
	struct addr a;

	if (t->problem) {
		err_set(&p->c->err, ERR_LATER, "%s: %s", p->record, t->problem);
		return;
	}
	p->at = mem_copy_str(t->at);
	row = update_row(&x->c->update_servers, p->at, &zone);
	if (row) {
		if (!addr_parse(&a, row, 53))
			mem_bug("an address that was checked is none");
		p->apex = zone;
		p->servers = mem_array(1, sizeof(*p->servers));
		p->servers[p->servers_n++] = a;
		return;
	}
	p->apex = mem_copy_str(t->apex);
	p->servers = mem_array(t->servers_n, sizeof(*p->servers));
	for (size_t i = 0; i < t->servers_n; i++)
		p->servers[p->servers_n++] = t->servers[i];
	if (!p->servers_n)
		err_set(&p->c->err, ERR_LATER, "the primary server of the zone %s has no address: name it in [update] "
			"servers", p->apex);
}

void respond_dns_find(struct respond *x)
{
	struct txt_place *t = mem_array(x->n, sizeof(*t));
	struct placed **of = mem_array(x->n, sizeof(struct placed *));
	struct look_config how;
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		struct placed *p = &x->v[i];

		if (method_type(p->method) == DNS_01)
			name_record(x, p);
		if (!wanted(p, METHOD_DNS_UPDATE))
			continue;
		of[n] = p;
		t[n++] = (struct txt_place){ .name = p->record };
	}
	if (n) {
		look_briskly(&how, x->c);
		txt_places(t, n, &how);
		look_how_free(&how);
	}
	for (size_t i = 0; i < n; i++)
		take_place(x, of[i], &t[i]);
	txt_places_free(t, n);
	free(of);
	free(t);
}

/* Updates ---------------------------------------------------------------------------------------- */

/* All records of the zone of first, in one update. */
static void update_zone(struct respond *x, struct placed *first, struct placed **zone, size_t n, bool remove)
{
	struct txt_change *v = mem_array(n, sizeof(*v));
	struct tsig_key key;
	struct err e = { 0 };
	char address[ADDR_TEXT_LEN];
	bool signs;
	int rc = -1;

	for (size_t i = 0; i < n; i++)
		v[i] = (struct txt_change){ .at = zone[i]->at, .value = zone[i]->c->digest, .remove = remove };
	if (update_key(&key, &signs, x->c, first->apex, &e) == 0) {
		for (size_t i = 0; i < first->servers_n; i++) {
			rc = txt_update(first->apex, &first->servers[i], signs ? &key : NULL, RECORD_TTL, v, n,
					&ask_defaults, &e);
			if (rc == 0 || e.kind != ERR_LATER)
				break;
			addr_format(address, &first->servers[i]);
			err_wrap(&e, "zone %s at %s", first->apex, address);
		}
		tsig_key_free(&key);
	}
	for (size_t i = 0; i < n && rc < 0; i++)
		zone[i]->c->err = e;
	free(v);
}

static bool same_zone(const struct placed *a, const struct placed *b)
{
	return strcmp(a->apex, b->apex) == 0 && addr_same(&a->servers[0], &b->servers[0]);
}

static void update_all(struct respond *x, bool remove)
{
	struct placed **zone = mem_array(x->n, sizeof(struct placed *));
	bool *taken = mem_array(x->n, sizeof(*taken));

	for (size_t i = 0; i < x->n; i++) {
		size_t n = 0;

		if (taken[i] || !wanted(&x->v[i], METHOD_DNS_UPDATE))
			continue;
		for (size_t k = i; k < x->n; k++) {
			if (taken[k] || !wanted(&x->v[k], METHOD_DNS_UPDATE) || !same_zone(&x->v[i], &x->v[k]))
				continue;
			taken[k] = true;
			zone[n++] = &x->v[k];
		}
		update_zone(x, &x->v[i], zone, n, remove);
	}
	free(taken);
	free(zone);
}

void respond_dns_put(struct respond *x)
{
	update_all(x, false);
}

void respond_dns_take(struct respond *x)
{
	update_all(x, true);
}

/* Looking ---------------------------------------------------------------------------------------- */

struct sights {
	struct txt_sight *v;
	struct strv      *values;
	size_t            n;
};

/* One for each record, with all values that belong there. */
static void collect(struct sights *s, const struct respond *x)
{
	s->v = mem_array(x->n, sizeof(*s->v));
	s->values = mem_array(x->n, sizeof(*s->values));
	for (size_t i = 0; i < x->n; i++) {
		const struct placed *p = &x->v[i];
		size_t k = 0;

		if (method_type(p->method) != DNS_01 || p->c->err.kind != ERR_NONE)
			continue;
		while (k < s->n && strcmp(s->v[k].name, p->record) != 0)
			k++;
		if (k == s->n)
			s->v[s->n++] = (struct txt_sight){ .name = p->record, .values = &s->values[k] };
		strv_add(&s->values[k], p->c->digest);
	}
}

/* What was not seen yet is looked at again; true when nothing is left that waiting could change. */
static bool look_once(struct sights *s, const struct look_config *how)
{
	struct txt_sight *left = mem_array(s->n, sizeof(*left));
	size_t *of = mem_array(s->n, sizeof(*of)), n = 0;
	bool done = true;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].seen || s->v[i].bogus)
			continue;
		of[n] = i;
		left[n++] = (struct txt_sight){ .name = s->v[i].name, .values = s->v[i].values };
	}
	txt_look(left, n, how);
	for (size_t i = 0; i < n; i++) {
		txt_sights_free(&s->v[of[i]], 1);
		s->v[of[i]] = left[i];
		done &= left[i].seen || left[i].bogus;
	}
	free(of);
	free(left);
	return done;
}

static void conclude(struct respond *x, const struct sights *s)
{
	for (size_t i = 0; i < x->n; i++) {
		struct challenge *c = x->v[i].c;
		char d[WHEN_TEXT_LEN];
		size_t k = 0;

		if (method_type(x->v[i].method) != DNS_01 || c->err.kind != ERR_NONE)
			continue;
		while (strcmp(s->v[k].name, x->v[i].record) != 0)
			k++;
		when_format_duration(d, x->c->dns_wait_for);
		if (s->v[k].bogus)
			err_set(&c->err, ERR_LATER, "%s is bogus, so that no CA would believe it: %s", x->v[i].record,
				s->v[k].why ? s->v[k].why : "?");
		else if (!s->v[k].seen)
			err_set(&c->err, ERR_LATER, "%s is not everywhere after %s (dns-wait): %s", x->v[i].record, d,
				s->v[k].why ? s->v[k].why : "?");
	}
}

/* A CA reads them all, and may stop before it comes to ours. */
static void tell_leftovers(struct respond *x, const struct sights *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].others.n)
			strv_take(&x->warnings, mem_format("%s has TXT records that are not of this order (%zu): delete "
							   "them if nobody needs them", s->v[i].name, s->v[i].others.n));
}

void respond_dns_look(struct respond *x)
{
	int64_t until_ms = clock_monotonic_ms() + x->c->dns_wait_for * 1000;
	unsigned pause_ms = LOOK_MS;
	struct look_config how;
	struct sights s = { 0 };

	collect(&s, x);
	look_briskly(&how, x->c);
	while (s.n && !look_once(&s, &how) && clock_monotonic_ms() < until_ms && !proc_stopping()) {
		clock_pause_ms(pause_ms);
		pause_ms = pause_ms * 2 < LOOK_MAX_MS ? pause_ms * 2 : LOOK_MAX_MS;
	}
	look_how_free(&how);
	conclude(x, &s);
	tell_leftovers(x, &s);
	for (size_t i = 0; i < s.n; i++)
		strv_free(&s.values[i]);
	txt_sights_free(s.v, s.n);
	free(s.values);
	free(s.v);
}
