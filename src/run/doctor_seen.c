/* doctor_seen.c - observations: their memory, and as JSON.
 * Touches: nothing but memory.
 */
#include "run/doctor_seen.h"

#include "base/mem.h"
#include "io/json.h"
#include "run/eyes_wire.h"

static void view_free(struct doctor_view *v, size_t sets_n)
{
	for (size_t i = 0; v->dane && i < sets_n; i++)
		dane_verdict_free(&v->dane[i]);
	free(v->dane);
	presented_free(&v->chain);
	free(v->why);
	free(v->fault_why);
	free(v->beside_why);
}

void doctor_seen_free(struct doctor_seen *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < s[i].views_n; k++)
			view_free(&s[i].views[k], s[i].sets_n);
		for (size_t k = 0; k < s[i].sets_n; k++) {
			strv_free(&s[i].sets[k].data);
			strv_free(&s[i].sets[k].servers);
		}
		look_free(s[i].dns, s[i].dns_n);
		hosts_free(&s[i].at, 1);
		free(s[i].views);
		free(s[i].sets);
		free(s[i].dns);
		free(s[i].owner);
		free(s[i].host);
		free(s[i].base);
		free(s[i].mail_domain);
		free(s[i].unlookable);
		free(s[i].problem);
		s[i] = (struct doctor_seen){ 0 };
	}
}

bool doctor_seen_final(const struct look_owner *o, const struct look_server *v)
{
	return !o->end || strcmp(v->name, o->end) == 0;
}

char *doctor_seen_server(const struct look_server *v)
{
	char *names = strv_join(&v->names, ", "), address[ADDR_TEXT_LEN], *text;

	addr_format(address, &v->addr);
	text = mem_format("%s (%s)", address, *names ? names : "by configuration");
	free(names);
	return text;
}

static struct doctor_set *set_like(struct doctor_seen *s, const struct strv *data)
{
	for (size_t i = 0; i < s->sets_n; i++)
		if (strv_same(&s->sets[i].data, data))
			return &s->sets[i];
	s->sets = mem_resize(s->sets, s->sets_n + 1, sizeof(*s->sets));
	s->sets[s->sets_n] = (struct doctor_set){ 0 };
	strv_copy(&s->sets[s->sets_n].data, data);
	strv_sort(&s->sets[s->sets_n].data);
	return &s->sets[s->sets_n++];
}

void doctor_seen_sets(struct doctor_seen *s)
{
	const struct look_owner *o = s->used < s->dns_n ? &s->dns[s->used] : NULL;

	for (size_t i = 0; o && i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];
		struct doctor_set *set;

		/* one that leads elsewhere (`target`) has no set that was looked at */
		if (!doctor_seen_final(o, v) || v->answer != ANSWER_DATA || v->target)
			continue;
		set = set_like(s, &v->data);
		set->signed_ok |= v->signed_ok;
		strv_take(&set->servers, doctor_seen_server(v));
	}
}

/* JSON ------------------------------------------------------------------------------------------ */

static char *get_text(const struct json *o, const char *key)
{
	return mem_copy_str(json_str(o, key, NULL));
}

/* Text of a fixed size; what does not fit is cut. */
static void get_field(char *out, size_t size, const struct json *o, const char *key)
{
	snprintf(out, size, "%s", json_str(o, key, ""));
}

static int get_number(const struct json *o, const char *key, int past)
{
	int64_t n = json_int(o, key, -1);

	return n >= 0 && n < past ? (int)n : -1;
}

static void put_addr(struct json *o, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_LEN];

	addr_format(text, a);
	json_put_str(o, key, text);
}

static void put_cert(struct json *list, const struct presented_cert *c)
{
	struct json *o = json_put(list, NULL, json_object());

	json_put_str(o, "cert_sha256", c->cert_sha256);
	json_put_str(o, "cert_sha512", c->cert_sha512);
	json_put_str(o, "spki_sha256", c->spki_sha256);
	json_put_str(o, "spki_sha512", c->spki_sha512);
	json_put_int(o, "type", c->type);
	json_put_str(o, "key", c->key);
	json_put_int(o, "from", c->from_at);
	json_put_int(o, "until", c->until_at);
	json_put_str(o, "serial", c->serial);
	json_put_str(o, "subject", c->subject);
	json_put_str(o, "issuer", c->issuer);
	json_put_bool(o, "self_signed", c->self_signed);
	json_put_bool(o, "ca", c->is_ca);
	json_put_texts(o, "names", &c->names);
}

static bool get_cert(struct presented_cert *c, const struct json *o)
{
	int type = get_number(o, "type", KEY_TYPE_N);

	*c = (struct presented_cert){
		.type = type < 0 ? KEY_OTHER : (enum key_type)type,
		.from_at = json_int(o, "from", 0),
		.until_at = json_int(o, "until", 0),
		.self_signed = json_bool(o, "self_signed", false),
		.is_ca = json_bool(o, "ca", false),
	};
	get_field(c->cert_sha256, sizeof(c->cert_sha256), o, "cert_sha256");
	get_field(c->cert_sha512, sizeof(c->cert_sha512), o, "cert_sha512");
	get_field(c->spki_sha256, sizeof(c->spki_sha256), o, "spki_sha256");
	get_field(c->spki_sha512, sizeof(c->spki_sha512), o, "spki_sha512");
	get_field(c->key, sizeof(c->key), o, "key");
	get_field(c->serial, sizeof(c->serial), o, "serial");
	get_field(c->subject, sizeof(c->subject), o, "subject");
	get_field(c->issuer, sizeof(c->issuer), o, "issuer");
	json_texts(&c->names, json_get(o, "names"));
	return type >= 0;
}

static void put_dane(struct json *list, const struct dane_verdict *d)
{
	struct json *o = json_put(list, NULL, json_object()), *records;

	json_put_int(o, "outcome", d->outcome);
	json_put_str(o, "why", d->why);
	records = json_put(o, "records", json_array());
	for (size_t i = 0; i < d->n; i++) {
		struct json *r = json_put(records, NULL, json_object());

		json_put_int(r, "usage", d->v[i].usage);
		json_put_int(r, "selector", d->v[i].selector);
		json_put_int(r, "matching", d->v[i].matching);
		json_put_int(r, "fate", d->v[i].fate);
		json_put_int(r, "depth", d->v[i].depth);
		json_put_str(r, "why", d->v[i].why);
	}
}

/* The records are those of the set, in its order. */
static bool get_dane(struct dane_verdict *d, const struct json *o, const struct strv *data)
{
	const struct json *records = json_get(o, "records");
	int outcome = get_number(o, "outcome", DANE_REFUSED + 1);

	*d = (struct dane_verdict){ .why = get_text(o, "why") };
	if (outcome < 0 || json_len(records) != data->n)
		return false;
	d->outcome = (enum dane_outcome)outcome;
	d->v = mem_array(data->n, sizeof(*d->v));
	for (; d->n < data->n; d->n++) {
		const struct json *r = json_at(records, d->n);
		int fate = get_number(r, "fate", DANE_MATCHES + 1);

		d->v[d->n] = (struct dane_record){
			.data = data->v[d->n],
			.usage = (int)json_int(r, "usage", -1),
			.selector = (int)json_int(r, "selector", -1),
			.matching = (int)json_int(r, "matching", -1),
			.fate = fate < 0 ? DANE_MALFORMED : (enum dane_fate)fate,
			.depth = (int)json_int(r, "depth", -1),
			.why = get_text(r, "why"),
		};
	}
	return true;
}

static void put_view(struct json *list, const struct doctor_view *v, size_t sets_n)
{
	struct json *o = json_put(list, NULL, json_object()), *part;

	put_addr(o, "address", &v->addr);
	json_put_int(o, "offer", v->offer);
	json_put_int(o, "outcome", v->outcome);
	json_put_str(o, "why", v->why);
	json_put_str(o, "protocol", v->protocol);
	json_put_bool(o, "named", v->named);
	json_put_int(o, "fault", v->fault);
	json_put_str(o, "fault_why", v->fault_why);
	json_put_int(o, "beside", v->beside);
	json_put_str(o, "beside_why", v->beside_why);
	json_put_int(o, "at", v->at);
	part = json_put(o, "chain", json_array());
	for (size_t i = 0; i < v->chain.n; i++)
		put_cert(part, &v->chain.v[i]);
	part = json_put(o, "dane", json_array());
	for (size_t i = 0; v->dane && i < sets_n; i++)
		put_dane(part, &v->dane[i]);
}

static bool get_view(struct doctor_view *v, const struct json *o, const struct doctor_seen *s)
{
	int offer = get_number(o, "offer", TLS_OFFER_N),
	    outcome = get_number(o, "outcome", PROBE_OUTCOME_N);
	int fault = get_number(o, "fault", PRESENTED_OTHER + 1),
	    beside = get_number(o, "beside", PRESENTED_OTHER + 1);
	const struct json *chain = json_get(o, "chain"), *dane = json_get(o, "dane");
	bool ok = offer >= 0 && outcome >= 0 && fault >= 0 && beside >= 0;

	*v = (struct doctor_view){ .why = get_text(o, "why"),
				   .fault_why = get_text(o, "fault_why"),
				   .beside_why = get_text(o, "beside_why"),
				   .named = json_bool(o, "named", false),
				   .at = json_int(o, "at", 0) };
	if (!ok || !addr_parse(&v->addr, json_str(o, "address", ""), 53))
		return false;
	v->offer = (enum tls_offer)offer;
	v->outcome = (enum probe_outcome)outcome;
	v->fault = (enum presented_fault)fault;
	v->beside = (enum presented_fault)beside;
	get_field(v->protocol, sizeof(v->protocol), o, "protocol");
	v->chain.v = mem_array(json_len(chain), sizeof(*v->chain.v));
	for (; v->chain.n < json_len(chain); v->chain.n++)
		ok &= get_cert(&v->chain.v[v->chain.n], json_at(chain, v->chain.n));
	if (!json_len(dane))
		return ok;
	v->dane = mem_array(s->sets_n, sizeof(*v->dane));
	for (size_t i = 0; i < s->sets_n; i++)
		ok &= get_dane(&v->dane[i], json_at(dane, i), &s->sets[i].data);
	return ok;
}

static void put_host(struct json *o, const struct host *h)
{
	struct json *list;

	json_put_str(o, "name", h->name);
	json_put_str(o, "end", h->end);
	json_put_int(o, "security", h->security);
	json_put_str(o, "why", h->why);
	json_put_str(o, "problem", h->problem);
	list = json_put(o, "addresses", json_array());
	for (size_t i = 0; i < h->addrs_n; i++) {
		char text[ADDR_TEXT_LEN];

		addr_format(text, &h->addrs[i]);
		json_put_str(list, NULL, text);
	}
}

static enum security security_of(const struct json *o)
{
	int n = get_number(o, "security", SECURITY_BOGUS + 1);

	return n < 0 ? SECURITY_UNKNOWN : (enum security)n;
}

static bool get_host(struct host *h, const struct json *o)
{
	const struct json *list = json_get(o, "addresses");
	bool ok = true;

	*h = (struct host){ .name = get_text(o, "name"),
			    .end = get_text(o, "end"),
			    .why = get_text(o, "why"),
			    .problem = get_text(o, "problem"),
			    .security = security_of(o),
			    .addrs = mem_array(json_len(list), sizeof(*h->addrs)),
			    .addrs_n = json_len(list) };
	for (size_t i = 0; i < h->addrs_n; i++) {
		const char *text = json_text(json_at(list, i));

		ok &= text && addr_parse(&h->addrs[i], text, 53);
	}
	return ok;
}

void doctor_seen_put(struct json *all, const struct doctor_seen *s)
{
	struct json *o = json_put(all, NULL, json_object()), *list;

	json_put_str(o, "owner", s->owner);
	json_put_str(o, "host", s->host);
	json_put_str(o, "base", s->base);
	json_put_int(o, "port", s->port);
	json_put_int(o, "starttls", s->starttls);
	json_put_bool(o, "mail", s->mail);
	json_put_str(o, "mail_domain", s->mail_domain);
	json_put_str(o, "unlookable", s->unlookable);
	json_put_str(o, "problem", s->problem);
	json_put(o, "dns", eyes_encode(s->dns, s->dns_n));
	json_put_int(o, "used", (int64_t)s->used);
	put_host(json_put(o, "at", json_object()), &s->at);
	json_put_bool(o, "addrs_given", s->addrs_given);
	list = json_put(o, "sets", json_array());
	for (size_t i = 0; i < s->sets_n; i++) {
		struct json *set = json_put(list, NULL, json_object());

		json_put_texts(set, "data", &s->sets[i].data);
		json_put_texts(set, "servers", &s->sets[i].servers);
		json_put_bool(set, "signed", s->sets[i].signed_ok);
	}
	list = json_put(o, "views", json_array());
	for (size_t i = 0; i < s->views_n; i++)
		put_view(list, &s->views[i], s->sets_n);
}

bool doctor_seen_get(struct doctor_seen *s, const struct json *o)
{
	const struct json *dns = json_get(o, "dns"), *sets = json_get(o, "sets"),
			  *views = json_get(o, "views");
	int starttls = get_number(o, "starttls", STARTTLS_N);
	bool ok = starttls >= 0 && json_has_members(o);

	*s = (struct doctor_seen){
		.owner = get_text(o, "owner"),
		.host = get_text(o, "host"),
		.base = get_text(o, "base"),
		.port = (unsigned)json_int(o, "port", 0),
		.starttls = ok ? (enum starttls)starttls : STARTTLS_NONE,
		.mail = json_bool(o, "mail", false),
		.mail_domain = get_text(o, "mail_domain"),
		.unlookable = get_text(o, "unlookable"),
		.problem = get_text(o, "problem"),
		.used = (size_t)json_int(o, "used", 0),
		.addrs_given = json_bool(o, "addrs_given", false),
		.dns_n = json_len(dns),
		.sets_n = json_len(sets),
		.views_n = json_len(views),
	};
	s->dns = mem_array(s->dns_n, sizeof(*s->dns));
	ok &= eyes_decode(s->dns, s->dns_n, dns);
	ok &= s->used < s->dns_n || (!s->used && !s->dns_n);
	ok &= get_host(&s->at, json_get(o, "at"));
	s->sets = mem_array(s->sets_n, sizeof(*s->sets));
	for (size_t i = 0; i < s->sets_n; i++) {
		const struct json *set = json_at(sets, i);

		json_texts(&s->sets[i].data, json_get(set, "data"));
		json_texts(&s->sets[i].servers, json_get(set, "servers"));
		s->sets[i].signed_ok = json_bool(set, "signed", false);
	}
	s->views = mem_array(s->views_n, sizeof(*s->views));
	for (size_t i = 0; i < s->views_n; i++)
		ok &= get_view(&s->views[i], json_at(views, i), s);
	return ok;
}

void doctor_mail_put(struct json *all, const struct mail_hosts *m)
{
	struct json *o = json_put(all, NULL, json_object()), *list;

	json_put_str(o, "domain", m->domain);
	json_put_int(o, "security", m->security);
	json_put_str(o, "why", m->why);
	json_put_bool(o, "implicit", m->implicit);
	json_put_bool(o, "null", m->null_mx);
	json_put_str(o, "problem", m->problem);
	list = json_put(o, "hosts", json_array());
	for (size_t i = 0; i < m->n; i++) {
		struct json *h = json_put(list, NULL, json_object());

		json_put_str(h, "name", m->v[i].name);
		json_put_int(h, "preference", m->v[i].preference);
	}
}

bool doctor_mail_get(struct mail_hosts *m, const struct json *o)
{
	const struct json *list = json_get(o, "hosts");

	*m = (struct mail_hosts){
		.domain = get_text(o, "domain"),
		.security = security_of(o),
		.why = get_text(o, "why"),
		.implicit = json_bool(o, "implicit", false),
		.null_mx = json_bool(o, "null", false),
		.problem = get_text(o, "problem"),
		.n = json_len(list),
	};
	m->v = mem_array(m->n, sizeof(*m->v));
	for (size_t i = 0; i < m->n; i++) {
		m->v[i].name = mem_copy_str(json_str(json_at(list, i), "name", ""));
		m->v[i].preference = (unsigned)json_int(json_at(list, i), "preference", 0);
	}
	return m->domain != NULL;
}
