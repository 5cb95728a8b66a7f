/* txt.c - TXT records of challenges: found by a look of dns/look.c, written by one message of
 * dns/update_send.c.
 *
 * An update says "if there is no CNAME": at an alias a server would answer NOERROR, and do nothing.
 * RFC 2136 sections 2.4.3, 2.5.1, 2.5.4 and 3.4.2.2; RFC 8555 section 8.4.
 * Touches: the network.
 */
#include "dns/txt.h"

#include "base/mem.h"
#include "dns/update_send.h"

#define MESSAGE_SOFT_MAX ((size_t)16 << 10)
#define COMPLAINTS_MAX 3        /* that are told */

/* "192.0.2.1 (ns1.example.org)" */
static void add_server(struct buf *b, const struct look_server *s)
{
	char address[ADDR_TEXT_LEN];

	addr_format(address, &s->addr);
	buf_add_str(b, address);
	for (size_t i = 0; i < s->names.n; i++)
		buf_addf(b, "%s%s", i ? ", " : " (", s->names.v[i]);
	if (s->names.n)
		buf_add_char(b, ')');
}

static void free_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

/* Places --------------------------------------------------------------------------------------- */

static const struct look_server *first_at_end(const struct look_owner *o)
{
	for (size_t i = 0; i < o->servers_n; i++)
		if (strcmp(o->servers[i].name, o->end) == 0)
			return &o->servers[i];
	return NULL;
}

static bool end_answers(const struct look_owner *o)
{
	for (size_t i = 0; i < o->servers_n; i++)
		if (strcmp(o->servers[i].name, o->end) == 0 && o->servers[i].answer != ANSWER_FAIL)
			return true;
	return false;
}

/* Why the look does not tell where the record belongs; NULL: it does. */
static char *no_place(const struct look_owner *o)
{
	const struct look_server *s;
	struct buf b;
	char *text;

	if (!o->owner)
		return mem_copy_str("it is no name");
	if (o->lost)
		return mem_copy_str(o->problem);
	if (end_answers(o))
		return NULL;
	s = first_at_end(o);
	buf_init(&b, 1024);
	buf_addf(&b, "no server of %s answers for it: ", s->zone);
	add_server(&b, s);
	buf_addf(&b, ": %s", s->why);
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

/* Nothing is validated: whoever lies can do no more than name a zone, and for that one needs a key. */
void txt_places(struct txt_place *p, size_t n, const struct look_config *c)
{
	struct look_config plain = *c;
	struct look_owner *o = mem_array(n, sizeof(*o));
	struct look_primary *found = mem_array(n, sizeof(*found));
	struct zone **z = mem_array(n, sizeof(struct zone *));
	char **names = mem_array(n, sizeof(*names));
	struct finder f;

	plain.validate = VALIDATE_NO;
	for (size_t i = 0; i < n; i++)
		names[i] = dns_name_canon(p[i].name);
	finder_init(&f, &plain);
	look_walk(&f, o, (const char *const *)names, n, DNS_TXT);
	for (size_t i = 0; i < n; i++) {
		p[i] = (struct txt_place){ .name = p[i].name, .problem = no_place(&o[i]) };
		if (!p[i].problem)
			z[i] = finder_zone(&f, first_at_end(&o[i])->zone);
	}
	look_primaries_of(&f, found, z, n);
	for (size_t i = 0; i < n; i++) {
		if (!z[i])
			continue;
		p[i].at = mem_copy_str(o[i].end);
		p[i].aliased = strcmp(o[i].end, names[i]) != 0;
		p[i].apex = mem_copy_str(z[i]->apex);
		p[i].servers = found[i].addrs;
		p[i].servers_n = found[i].addrs_n;
		found[i].addrs = NULL;
	}
	look_primaries_free(found, n);
	look_free(o, n);
	finder_free(&f);
	free_names(names, n);
	free(found);
	free(o);
	free(z);
}

void txt_places_free(struct txt_place *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].at);
		free(p[i].apex);
		free(p[i].servers);
		free(p[i].problem);
		p[i] = (struct txt_place){ .name = p[i].name };
	}
}

/* Writing -------------------------------------------------------------------------------------- */

static int check_change(const struct txt_change *v, struct err *e)
{
	size_t len = strlen(v->value);

	for (size_t i = 0; i < len; i++)
		if (v->value[i] < ' ' || v->value[i] > '~')
			return err_set(e, ERR_LOCAL, "a TXT value for %.200s has bytes that are not printable",
				       v->at);
	if (len > 255)
		return err_set(e, ERR_LOCAL, "a TXT value for %.200s is longer than 255 bytes", v->at);
	return 0;
}

/* How many of the changes, at least one, fit into a message. */
static size_t fitting(const struct txt_change *v, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		/* the record, and that there is no CNAME */
		bytes += 2 * (strlen(v[i].at) + 16) + strlen(v[i].value);
		if (i && bytes > MESSAGE_SOFT_MAX)
			return i;
	}
	return n;
}

static bool adds_before(const struct txt_change *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!v[k].remove && strcmp(v[k].at, v[i].at) == 0)
			return true;
	return false;
}

static int refuse_alias(const struct txt_change *v, size_t n, struct err *e)
{
	size_t names = 0;
	struct buf b;

	buf_init(&b, 600);
	for (size_t i = 0; i < n; i++)
		if (!v[i].remove && !adds_before(v, i))
			buf_addf(&b, "%s%s", names++ ? ", " : "", v[i].at);
	err_set(e, ERR_REFUSED, "%s%s is an alias (CNAME): the record belongs where that leads",
		names > 1 ? "one of " : "", b.s);
	buf_free(&b);
	return -1;
}

/* One message. */
static int send_changes(const struct update_target *to, uint32_t ttl, const struct txt_change *v, size_t n,
			struct err *e)
{
	static const struct strv none;
	struct update_rrset *sets = mem_array(2 * n, sizeof(*sets));
	struct strv *values = mem_array(n, sizeof(*values));
	size_t sets_n = 0;
	int unmet, rc;

	for (size_t i = 0; i < n; i++) {
		strv_add(&values[i], v[i].value);
		sets[sets_n++] = (struct update_rrset){
			.owner = v[i].at, .type = DNS_TXT, .ttl_for = v[i].remove ? 0 : (int64_t)ttl,
			.drop = v[i].remove ? &values[i] : NULL, .add = v[i].remove ? NULL : &values[i],
		};
		if (!v[i].remove && !adds_before(v, i))
			sets[sets_n++] = (struct update_rrset){ .owner = v[i].at, .type = DNS_CNAME,
								.had = &none };
	}
	rc = update_send(&unmet, to, sets, sets_n, e);
	if (rc == 0 && unmet)
		rc = refuse_alias(v, n, e);
	for (size_t i = 0; i < n; i++)
		strv_free(&values[i]);
	free(values);
	free(sets);
	return rc;
}

int txt_update(const char *apex, const struct addr *server, const struct tsig_key *key, uint32_t ttl,
	       const struct txt_change *v, size_t n, const struct ask_limits *limits, struct err *e)
{
	const struct update_target to = { .zone = apex, .server = *server, .key = key, .limits = *limits,
					  .type = DNS_TXT };

	for (size_t i = 0; i < n; i++)
		if (check_change(&v[i], e) < 0)
			return -1;
	while (n) {
		size_t some = fitting(v, n);

		if (send_changes(&to, ttl, v, some, e) < 0)
			return -1;
		v += some;
		n -= some;
	}
	return 0;
}

/* Looking -------------------------------------------------------------------------------------- */

/* Another address of the same machine answers, where this host has no way to this one. */
static bool stood_for(const struct look_owner *o, const struct look_server *s)
{
	for (size_t i = 0; s->no_route && s->names.n && i < o->servers_n; i++) {
		const struct look_server *other = &o->servers[i];

		if (other->answer != ANSWER_FAIL && strcmp(other->name, s->name) == 0 &&
		    strv_same(&other->names, &s->names))
			return true;
	}
	return false;
}

static size_t missing(const struct look_server *s, const struct strv *values)
{
	size_t n = 0;

	for (size_t i = 0; i < values->n; i++)
		n += !strv_has(&s->data, values->v[i]);
	return n;
}

/* What is wrong with one answer; false: nothing. */
static bool complain(struct buf *b, const struct look_owner *o, const struct look_server *s,
		     const struct strv *values)
{
	bool last = strcmp(s->name, o->end) == 0;
	size_t lacks = last ? missing(s, values) : 0;

	if (s->answer == ANSWER_FAIL && stood_for(o, s))
		return false;
	if (s->answer != ANSWER_FAIL && s->signed_ok && (last || s->answer == ANSWER_ALIAS) && !lacks)
		return false;
	buf_add_str(b, b->len ? "; " : "");
	add_server(b, s);
	if (s->target && s->answer != ANSWER_ALIAS)
		buf_addf(b, " has an alias of %s to %s, and others have not", s->name, s->target);
	else if (!last && s->answer != ANSWER_ALIAS && s->answer != ANSWER_FAIL)
		buf_addf(b, " lacks the alias of %s", s->name);
	else if (lacks && s->answer != ANSWER_FAIL)
		buf_addf(b, " lacks %zu of %zu values", lacks, values->n);
	else
		buf_addf(b, ": %s", s->why);
	return true;
}

static void complain_of_servers(struct buf *b, const struct look_owner *o, const struct strv *values)
{
	size_t n = 0;

	for (size_t i = 0; i < o->servers_n; i++) {
		size_t len = b->len;

		n += complain(b, o, &o->servers[i], values);
		if (n <= COMPLAINTS_MAX)
			continue;
		b->len = len;
		b->s[len] = '\0';
	}
	if (n > COMPLAINTS_MAX)
		buf_addf(b, "; and %zu more", n - COMPLAINTS_MAX);
}

static void judge_zones(struct buf *b, bool *bogus, const struct look_owner *o)
{
	for (size_t i = 0; i < o->zones_n; i++) {
		const struct look_zone *z = &o->zones[i];

		if (z->security != SECURITY_BOGUS && z->security != SECURITY_UNKNOWN)
			continue;
		if (z->security == SECURITY_BOGUS)
			*bogus = true;
		buf_addf(b, z->security == SECURITY_BOGUS ? "%s%s is bogus: %s" :
							   "%swhether %s is signed is not known: %s",
			 b->len ? "; " : "", z->apex, z->why ? z->why : "no reason is known");
	}
}

static void tell_others(struct txt_sight *s, const struct look_owner *o)
{
	for (size_t i = 0; i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];

		if (v->target || strcmp(v->name, o->end) != 0)
			continue;
		for (size_t k = 0; k < v->data.n; k++)
			if (!strv_has(s->values, v->data.v[k]) && !strv_has(&s->others, v->data.v[k]))
				strv_add(&s->others, v->data.v[k]);
	}
}

/* The first kind of trouble that there is, is the answer. */
static void judge(struct txt_sight *s, const struct look_owner *o)
{
	struct buf b;

	buf_init(&b, 4096);
	judge_zones(&b, &s->bogus, o);
	if (!b.len && !o->owner)
		buf_addf(&b, "%.200s is no name", s->name);
	if (!b.len && o->problem)
		buf_add_str(&b, o->problem);
	if (!b.len)
		complain_of_servers(&b, o, s->values);
	s->seen = !b.len;
	if (b.len)
		s->why = buf_steal(&b);
	buf_free(&b);
	tell_others(s, o);
}

void txt_look(struct txt_sight *s, size_t n, const struct look_config *c)
{
	struct look_owner *o = mem_array(n, sizeof(*o));
	char **names = mem_array(n, sizeof(*names));
	struct finder f;

	for (size_t i = 0; i < n; i++)
		names[i] = dns_name_canon(s[i].name);
	finder_init(&f, c);
	look_walk(&f, o, (const char *const *)names, n, DNS_TXT);
	for (size_t i = 0; i < n; i++) {
		s[i] = (struct txt_sight){ .name = s[i].name, .values = s[i].values };
		judge(&s[i], &o[i]);
	}
	look_free(o, n);
	finder_free(&f);
	free_names(names, n);
	free(o);
}

void txt_sights_free(struct txt_sight *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(s[i].why);
		strv_free(&s[i].others);
		s[i] = (struct txt_sight){ .name = s[i].name, .values = s[i].values };
	}
}
