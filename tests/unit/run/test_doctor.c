/* test_doctor.c - the diagnosis: a table of worlds, each with what must be found in it, and what a client does.
 * Every world goes through the pipe's text and back first.
 *
 * The records are written with names for digests: the first letter says of what (c: the certificate, k: its key;
 * C and K: SHA-512), the second whose (a, b, ...: leaves; z: the CA).
 * Touches: a closed port of loopback, in child processes (workers).
 */
#include "run/doctor.h"
#include "run/doctor_find.h"
#include "run/doctor_line.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/json.h"
#include "sys/proc.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW   ((int64_t)1800000000)
#define OWNER "_25._tcp.mx.example.org"

static const struct doctor_terms terms = { .now = NOW, .warn_for = 14 * DAY, .critical_for = 3 * DAY };

/* Making a world -------------------------------------------------------------------------------- */

static bool chain_holds;                /* from the leaf to the CA, for a client of usage 2 */

/* 64 or 128 digits that no other letters give. */
static char *digest(const char *symbol)
{
	size_t len = isupper((unsigned char)symbol[0]) ? 128 : 64;
	char *s = mem_alloc(len + 1);

	for (size_t i = 0; i < len; i++)
		s[i] = "0123456789abcdef"[(size_t)(symbol[0] * 7 + symbol[1] * 3) % 16];
	for (size_t i = 0; i < 2; i++) {
		s[2 * i] = "0123456789abcdef"[(symbol[i] >> 4) & 15];
		s[2 * i + 1] = "0123456789abcdef"[symbol[i] & 15];
	}
	return s;
}

/* "3 1 1 ka": two letters at the end are a digest. */
static char *record(const char *text)
{
	size_t len = strlen(text);
	char *hex, *data;

	if (!isalpha((unsigned char)text[len - 2]) || text[len - 3] != ' ')
		return mem_copy_str(text);
	hex = digest(text + len - 2);
	data = mem_format("%.*s%s", (int)len - 2, text, hex);
	free(hex);
	return data;
}

static void take(char *out, size_t size, char kind, char who)
{
	char *s = digest((char[]){ kind, who, '\0' });

	snprintf(out, size, "%s", s);
	free(s);
}

static void fill_cert(struct presented_cert *c, char who, const char *key)
{
	*c = (struct presented_cert){ .type = KEY_OTHER, .from_at = NOW - 30 * DAY, .until_at = NOW + 60 * DAY };
	take(c->cert_sha256, sizeof(c->cert_sha256), 'c', who);
	take(c->cert_sha512, sizeof(c->cert_sha512), 'C', who);
	take(c->spki_sha256, sizeof(c->spki_sha256), 'k', who);
	take(c->spki_sha512, sizeof(c->spki_sha512), 'K', who);
	snprintf(c->key, sizeof(c->key), "%s", key);
	snprintf(c->serial, sizeof(c->serial), "0%c", who);
	strv_add(&c->names, "mx.example.org");
}

/* A server whose chain is a leaf and the CA that signed it. */
static struct doctor_view *add_view(struct doctor_seen *s, const char *address, enum tls_offer offer, char who)
{
	struct doctor_view *v;

	s->views = mem_resize(s->views, s->views_n + 1, sizeof(*s->views));
	v = &s->views[s->views_n++];
	*v = (struct doctor_view){ .offer = offer, .outcome = PROBE_OK, .named = true, .at = NOW };
	snprintf(v->protocol, sizeof(v->protocol), "TLSv1.3");
	assert_true(addr_parse(&v->addr, address, 25));
	v->chain.v = mem_array(2, sizeof(*v->chain.v));
	fill_cert(&v->chain.v[0], who, offer == TLS_OFFER_RSA ? "RSA 2048" : "ECDSA P-256");
	fill_cert(&v->chain.v[1], 'z', "RSA 4096");
	v->chain.n = 2;
	return v;
}

static void leaf_alone(struct doctor_view *v)
{
	strv_free(&v->chain.v[1].names);
	v->chain.n = 1;
}

static void add_addr(struct doctor_seen *s, const char *address)
{
	s->at.addrs = mem_resize(s->at.addrs, s->at.addrs_n + 1, sizeof(*s->at.addrs));
	assert_true(addr_parse(&s->at.addrs[s->at.addrs_n++], address, 25));
}

static void no_view(struct doctor_view *v, enum probe_outcome o, const char *why)
{
	for (size_t i = 0; i < 2; i++)
		strv_free(&v->chain.v[i].names);
	free(v->chain.v);
	v->chain = (struct presented){ 0 };
	v->offer = TLS_OFFER_ANY;
	v->outcome = o;
	v->why = mem_copy_str(why);
}

static struct look_server *server(struct doctor_seen *s, size_t i)
{
	return &s->dns[0].servers[i];
}

/* Both name servers give these records, up to NULL. */
static void give(struct look_server *v, const char *const *records)
{
	strv_free(&v->data);
	v->answer = ANSWER_DATA;
	for (size_t i = 0; records[i]; i++)
		strv_take(&v->data, record(records[i]));
}
#define RECORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void give_all(struct doctor_seen *s, const char *const *records)
{
	for (size_t i = 0; i < s->dns[0].servers_n; i++)
		give(server(s, i), records);
}

static void add_server(struct look_owner *o, const char *address, const char *name, const char *about)
{
	struct look_server *v;

	o->servers = mem_resize(o->servers, o->servers_n + 1, sizeof(*o->servers));
	v = &o->servers[o->servers_n++];
	*v = (struct look_server){ .zone = mem_copy_str("example.org"), .name = mem_copy_str(about),
				   .signed_ok = true, .signed_until_at = NOW + 10 * DAY, .ttl_for = HOUR,
				   .serial = 7, .at = NOW };
	strv_add(&v->names, name);
	assert_true(addr_parse(&v->addr, address, 53));
}

static void add_zone(struct look_owner *o, const char *apex, enum security security, const char *why)
{
	o->zones = mem_resize(o->zones, o->zones_n + 1, sizeof(*o->zones));
	o->zones[o->zones_n++] = (struct look_zone){ .apex = mem_copy_str(apex), .security = security,
						     .why = mem_copy_str(why) };
}

static void fill_owner(struct look_owner *o, const char *owner)
{
	*o = (struct look_owner){ .owner = mem_copy_str(owner), .end = mem_copy_str(owner) };
	add_zone(o, "example.org", SECURITY_SECURE, NULL);
	add_server(o, "192.0.2.1", "ns1.example.org", owner);
	add_server(o, "192.0.2.2", "ns2.example.org", owner);
}

/* All is well: mail, two name servers, one address, an ECDSA key of a CA, its record. */
static void well(struct doctor_seen *s)
{
	*s = (struct doctor_seen){
		.owner = mem_copy_str(OWNER), .host = mem_copy_str("mx.example.org"),
		.base = mem_copy_str("mx.example.org"), .port = 25, .starttls = STARTTLS_SMTP, .mail = true,
		.dns = mem_array(2, sizeof(*s->dns)), .dns_n = 1,
		.at = { .name = mem_copy_str("mx.example.org"), .end = mem_copy_str("mx.example.org"),
			.security = SECURITY_SECURE },
	};
	fill_owner(&s->dns[0], OWNER);
	give_all(s, RECORDS("3 1 1 ka"));
	add_addr(s, "192.0.2.80");
	add_view(s, "192.0.2.80", TLS_OFFER_ECDSA, 'a');
	chain_holds = true;
}

static void with_rsa(struct doctor_seen *s)
{
	add_view(s, "192.0.2.80", TLS_OFFER_RSA, 'b');
}

static void set_text(char **to, const char *text)
{
	free(*to);
	*to = mem_copy_str(text);
}

static void all_answers(struct doctor_seen *s, enum answer a, bool signed_ok, const char *why)
{
	for (size_t i = 0; i < s->dns[0].servers_n; i++) {
		strv_free(&server(s, i)->data);
		server(s, i)->answer = a;
		server(s, i)->signed_ok = signed_ok;
		set_text(&server(s, i)->why, why);
	}
}

static void security(struct doctor_seen *s, enum security sec, const char *why)
{
	s->dns[0].zones[0].security = sec;
	set_text(&s->dns[0].zones[0].why, why);
}

/* The owner is an alias; its end has what `give_all` made of the servers that are added. */
static void alias(struct doctor_seen *s, const char *target, enum answer at_end)
{
	all_answers(s, ANSWER_ALIAS, true, NULL);
	for (size_t i = 0; i < 2; i++)
		set_text(&server(s, i)->target, target);
	set_text(&s->dns[0].end, target);
	add_server(&s->dns[0], "192.0.2.1", "ns1.example.org", target);
	server(s, 2)->answer = at_end;
}

/* A client's look at one record: a stand-in for tls/dane.h that needs no certificates. */
static enum dane_fate fate_of(struct dane_record *r, const struct doctor_seen *s, const struct doctor_view *v,
			      const struct strv *data)
{
	char hex[300] = "";

	if (sscanf(r->data, "%d %d %d %299s", &r->usage, &r->selector, &r->matching, hex) != 4)
		return DANE_MALFORMED;
	if (r->usage > 3 || r->selector > 1 || r->matching > 2)
		return DANE_UNKNOWN;
	if (r->matching && strlen(hex) != (size_t)r->matching * 64) {
		r->usage = r->selector = r->matching = -1;
		return DANE_MALFORMED;
	}
	if (s->mail && r->usage < 2)
		return DANE_NOT_FOR_MAIL;
	for (size_t i = 0; i < data->n && r->matching == 1; i++) {
		char *stronger = mem_format("%d %d 2 ", r->usage, r->selector);
		bool is = text_starts(data->v[i], stronger);

		free(stronger);
		if (is)
			return DANE_PASSED_OVER;
	}
	for (size_t d = 0; d < v->chain.n; d++) {
		const struct presented_cert *c = &v->chain.v[d];
		const char *of[2][3] = { { "full", c->cert_sha256, c->cert_sha512 },
					 { "full", c->spki_sha256, c->spki_sha512 } };

		if ((d == 0) != (r->usage % 2 == 1) || strcmp(of[r->selector][r->matching], hex) != 0)
			continue;
		r->depth = (int)d;
		if (r->usage == 3)
			return DANE_MATCHES;
		return (r->usage == 2 ? chain_holds : v->fault == PRESENTED_OK) ? DANE_MATCHES : DANE_UNPROVEN;
	}
	return DANE_DIFFERENT;
}

static void judge(struct doctor_seen *s, struct doctor_view *v)
{
	v->dane = mem_array(s->sets_n, sizeof(*v->dane));
	for (size_t i = 0; i < s->sets_n; i++) {
		const struct strv *data = &s->sets[i].data;
		struct dane_verdict *d = &v->dane[i];
		bool usable = false, matches = false;

		d->v = mem_array(data->n, sizeof(*d->v));
		for (; d->n < data->n; d->n++) {
			struct dane_record *r = &d->v[d->n];

			*r = (struct dane_record){ .data = data->v[d->n], .usage = -1, .depth = -1 };
			r->fate = fate_of(r, s, v, data);
			usable |= r->fate >= DANE_PASSED_OVER;
			matches |= r->fate == DANE_MATCHES;
		}
		d->outcome = matches ? DANE_ACCEPTED : usable ? DANE_REFUSED : DANE_UNUSABLE;
	}
}

static void finish(struct doctor_seen *s)
{
	doctor_seen_sets(s);
	for (size_t i = 0; i < s->views_n; i++)
		if (s->views[i].chain.n)
			judge(s, &s->views[i]);
}

/* The worlds ------------------------------------------------------------------------------------- */

#define WORLD(name) static void name(struct doctor_seen *s)

WORLD(as_it_is) { (void)s; }
WORLD(two_keys_both_covered) { with_rsa(s); give_all(s, RECORDS("3 1 1 ka", "3 1 1 kb")); }
WORLD(wrong_digest) { give_all(s, RECORDS("3 1 1 kx")); }
WORLD(wrong_usage_ta) { give_all(s, RECORDS("2 1 1 ka")); }
WORLD(wrong_usage_ee) { give_all(s, RECORDS("3 0 1 cz")); }
WORLD(wrong_selector) { give_all(s, RECORDS("3 0 1 ka")); }
WORLD(wrong_selector_cert) { give_all(s, RECORDS("3 1 1 ca")); }
WORLD(wrong_matching) { give_all(s, RECORDS("3 1 2 ka")); }
WORLD(wrong_matching_512) { give_all(s, RECORDS("3 1 1 Ka")); }
WORLD(of_nothing)
{
	give_all(s, RECORDS("3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}
WORLD(stale_beside_right) { give_all(s, RECORDS("3 1 1 ka", "3 1 1 kx")); }
WORLD(stale_other_kind) { give_all(s, RECORDS("3 1 1 ka", "3 0 1 cx")); }
WORLD(only_stale) { give_all(s, RECORDS("3 1 1 kx", "3 1 1 ky")); }
WORLD(missing_on_one)
{
	strv_free(&server(s, 1)->data);
	server(s, 1)->answer = ANSWER_EMPTY;
	server(s, 1)->serial = 6;
}
WORLD(disagree_harmless) { give(server(s, 1), RECORDS("3 1 1 ka", "3 1 1 kx")); }
WORLD(disagree_harmful) { give(server(s, 1), RECORDS("3 1 1 kx")); server(s, 1)->serial = 6; }
WORLD(lag_alone) { server(s, 1)->serial = 6; }
WORLD(serial_wraps) { server(s, 0)->serial = 3; server(s, 1)->serial = 4294967290U; }
WORLD(one_server_silent) { all_answers(s, ANSWER_FAIL, false, "no answer in time"); give(server(s, 0), RECORDS("3 1 1 ka"));
	server(s, 0)->signed_ok = true; }
WORLD(bogus) { security(s, SECURITY_BOGUS, "the DS at org fits no key"); }
WORLD(zone_unknown) { security(s, SECURITY_UNKNOWN, "no answer in time"); all_answers(s, ANSWER_FAIL, false, "no answer"); }
WORLD(one_answer_unsigned) { server(s, 1)->signed_ok = false; set_text(&server(s, 1)->why, "no RRSIG"); }
WORLD(one_forged) { give(server(s, 1), RECORDS("3 1 1 kx")); server(s, 1)->signed_ok = false; }
WORLD(all_answers_unsigned) { all_answers(s, ANSWER_DATA, false, "no RRSIG"); give_all(s, RECORDS("3 1 1 ka")); }
WORLD(alias_good) { alias(s, "_dane.example.org", ANSWER_DATA); give(server(s, 2), RECORDS("3 1 1 ka")); }
WORLD(alias_dangling) { alias(s, "_dane.example.org", ANSWER_EMPTY); }
WORLD(alias_loop)
{
	alias(s, "_dane.example.org", ANSWER_ALIAS);
	set_text(&server(s, 2)->target, OWNER);
	set_text(&s->dns[0].problem, "its aliases go round in a circle");
}
WORLD(alias_to_nowhere)
{
	alias(s, "_dane.example.net", ANSWER_ALIAS);
	free(server(s, 2)->zone);
	free(server(s, 2)->name);
	strv_free(&server(s, 2)->names);
	s->dns[0].servers_n = 2;
	set_text(&s->dns[0].problem, "no answer in time");
}
WORLD(alias_insecure)
{
	alias(s, "_dane.example.net", ANSWER_DATA);
	give(server(s, 2), RECORDS("3 1 1 ka"));
	add_zone(&s->dns[0], "example.net", SECURITY_INSECURE, NULL);
}
WORLD(alias_disagree)
{
	set_text(&server(s, 1)->target, "_x.example.org");
	strv_free(&server(s, 1)->data);
	strv_add(&server(s, 1)->data, "alias to _x.example.org");
}
WORLD(wildcard) { server(s, 0)->wildcard = server(s, 1)->wildcard = true; }
WORLD(signature_soon) { server(s, 1)->signed_until_at = NOW + 5 * HOUR; }
WORLD(signature_at_once) { server(s, 1)->signed_until_at = NOW + 5 * MINUTE; }
WORLD(no_tlsa) { all_answers(s, ANSWER_EMPTY, true, NULL); }
WORLD(unsigned_tlsa) { security(s, SECURITY_INSECURE, NULL); }
WORLD(unsigned_nothing) { security(s, SECURITY_INSECURE, NULL); all_answers(s, ANSWER_EMPTY, true, NULL); }
WORLD(anchor_good) { give_all(s, RECORDS("2 0 1 cz")); }
WORLD(anchor_not_sent) { give_all(s, RECORDS("2 0 1 cz")); leaf_alone(&s->views[0]); }
WORLD(anchor_name) { give_all(s, RECORDS("2 1 1 kz")); chain_holds = s->views[0].named = false;
	s->views[0].fault = PRESENTED_WRONG_NAME; }
WORLD(anchor_expired) { give_all(s, RECORDS("2 1 1 kz")); chain_holds = false;
	s->views[0].chain.v[0].until_at = NOW - DAY; s->views[0].fault = PRESENTED_EXPIRED; }
WORLD(anchor_unproven) { give_all(s, RECORDS("2 1 1 kz")); chain_holds = false; }
WORLD(pkix_for_mail) { give_all(s, RECORDS("1 1 1 ka")); }
WORLD(pkix_for_mail_beside) { give_all(s, RECORDS("3 1 1 ka", "1 1 1 ka")); }
WORLD(pkix_self_signed)
{
	s->mail = false;
	s->starttls = STARTTLS_NONE;
	give_all(s, RECORDS("1 1 1 ka"));
	s->views[0].fault = PRESENTED_SELF_SIGNED;
}
WORLD(full_data) { give_all(s, RECORDS("3 1 0 full")); }
WORLD(unknown_only) { give_all(s, RECORDS("3 1 3 ka", "4 1 1 ka")); }
WORLD(malformed) { give_all(s, RECORDS("3 1 1 abcd", "3 1 1 ka")); }
WORLD(agility_good) { give_all(s, RECORDS("3 1 1 ka", "3 1 2 Ka")); }
WORLD(agility_trap) { give_all(s, RECORDS("3 1 1 ka", "3 1 2 Kx")); }
WORLD(one_type_covered) { with_rsa(s); }
WORLD(mixed_ttls) { server(s, 1)->ttl_for = 2 * HOUR; }
WORLD(long_ttl) { server(s, 0)->ttl_for = server(s, 1)->ttl_for = WEEK; }
WORLD(short_ttl) { server(s, 0)->ttl_for = server(s, 1)->ttl_for = 5; }
WORLD(eleven)
{
	give_all(s, RECORDS("3 1 1 ka", "3 1 1 kc", "3 1 1 kd", "3 1 1 ke", "3 1 1 kf", "3 1 1 kg", "3 1 1 kh",
			    "3 1 1 ki", "3 1 1 kj", "3 1 1 kl", "3 1 1 km"));
}
WORLD(no_address)
{
	no_view(&s->views[0], PROBE_OK, NULL);
	free(s->views[0].why);
	s->views_n = s->at.addrs_n = 0;
	set_text(&s->at.problem, "there is no such name");
}
WORLD(ipv6_only)
{
	s->at.addrs_n = 0;
	add_addr(s, "[2001:db8::1]:25");
	assert_true(addr_parse(&s->views[0].addr, "[2001:db8::1]:25", 25));
}
WORLD(address_unknown) { no_address(s); s->at.security = SECURITY_UNKNOWN; }
WORLD(address_bogus) { s->at.security = SECURITY_BOGUS; set_text(&s->at.why, "no RRSIG"); }
WORLD(address_insecure) { s->at.security = SECURITY_INSECURE; }
WORLD(address_insecure_web) { s->at.security = SECURITY_INSECURE; s->mail = false; }
WORLD(host_alias_unsigned) { s->at.security = SECURITY_INSECURE; set_text(&s->at.end, "mail.example.net"); }
WORLD(host_alias_signed)
{
	set_text(&s->at.end, "mail.example.net");
	s->dns_n = 2;
	s->used = 1;
	fill_owner(&s->dns[1], "_25._tcp.mail.example.net");
	give(&s->dns[1].servers[0], RECORDS("3 1 1 ka"));
	give(&s->dns[1].servers[1], RECORDS("3 1 1 ka"));
	give_all(s, RECORDS("3 1 1 kx"));
	set_text(&s->base, "mail.example.net");
}
WORLD(host_alias_end_bogus)
{
	set_text(&s->at.end, "mail.example.net");
	s->dns_n = 2;
	fill_owner(&s->dns[1], "_25._tcp.mail.example.net");
	for (size_t i = 0; i < 2; i++) {
		s->dns[1].servers[i].answer = ANSWER_FAIL;
		s->dns[1].servers[i].why = mem_copy_str("it answers SERVFAIL");
	}
}
WORLD(one_address_refuses) { add_addr(s, "192.0.2.81");
	no_view(add_view(s, "192.0.2.81", TLS_OFFER_ANY, 'a'), PROBE_CONN_REFUSED, NULL); }
WORLD(one_address_silent) { add_addr(s, "192.0.2.81");
	no_view(add_view(s, "192.0.2.81", TLS_OFFER_ANY, 'a'), PROBE_SILENT, NULL); }
WORLD(one_address_without_tls) { add_addr(s, "192.0.2.81");
	no_view(add_view(s, "192.0.2.81", TLS_OFFER_ANY, 'a'), PROBE_NO_STARTTLS, NULL); }
WORLD(no_route) { add_addr(s, "[2001:db8::1]:25");
	no_view(add_view(s, "[2001:db8::1]:25", TLS_OFFER_ANY, 'a'), PROBE_NO_ROUTE, NULL); }
WORLD(nobody_reached) { no_view(&s->views[0], PROBE_NO_ANSWER, NULL); }
WORLD(no_starttls) { no_view(&s->views[0], PROBE_NO_STARTTLS, "250 HELP"); }
WORLD(garbage) { no_view(&s->views[0], PROBE_GARBAGE, "SSH-2.0"); }
WORLD(tls_failed) { no_view(&s->views[0], PROBE_TLS_FAILED, "handshake failure"); }
WORLD(unreadable) { no_view(&s->views[0], PROBE_OK, "certificate 0: bad"); }
WORLD(no_rsa_key) { no_view(add_view(s, "192.0.2.80", TLS_OFFER_RSA, 'b'), PROBE_NOT_OFFERED, NULL);
	s->views[1].offer = TLS_OFFER_RSA; }
WORLD(rsa_closes) { no_rsa_key(s); s->views[1].outcome = PROBE_CLOSED; }
WORLD(rsa_fails) { no_rsa_key(s); s->views[1].outcome = PROBE_TLS_FAILED; }
WORLD(ends_now) { s->views[0].chain.v[0].until_at = NOW + DAY; }
WORLD(no_owner) { look_free(s->dns, s->dns_n); s->dns_n = 0; free(s->owner); s->owner = NULL; }
WORLD(expired_3_1_1) { s->views[0].chain.v[0].until_at = NOW - DAY; s->views[0].fault = PRESENTED_EXPIRED; }
WORLD(not_yet) { s->views[0].chain.v[0].from_at = NOW + DAY; s->views[0].fault = PRESENTED_NOT_YET; }
WORLD(ends_soon) { s->views[0].chain.v[0].until_at = NOW + 10 * DAY; }
WORLD(web_ends_now) { s->mail = false; s->views[0].chain.v[0].until_at = NOW + 2 * DAY; give_all(s, RECORDS("2 0 1 cz")); }
WORLD(name_3_1_1) { s->views[0].named = false; s->views[0].fault = PRESENTED_WRONG_NAME; }
WORLD(self_signed_3_1_1) { leaf_alone(&s->views[0]); s->views[0].fault = PRESENTED_SELF_SIGNED; }
WORLD(web_self_signed_3_1_1) { self_signed_3_1_1(s); s->mail = false; }
WORLD(web_name_3_1_1) { name_3_1_1(s); s->mail = false; }
WORLD(web_name_self_signed)
{
	web_name_3_1_1(s);
	leaf_alone(&s->views[0]);
	s->views[0].beside = PRESENTED_SELF_SIGNED;
}
WORLD(web_expired_untrusted)
{
	expired_3_1_1(s);
	s->mail = false;
	s->views[0].beside = PRESENTED_UNTRUSTED;
	s->views[0].beside_why = mem_copy_str("unable to get local issuer certificate");
}
WORLD(certificate_record) { give_all(s, RECORDS("3 0 1 ca")); }
WORLD(web_untrusted)
{
	s->mail = false;
	all_answers(s, ANSWER_EMPTY, true, NULL);
	s->views[0].fault = PRESENTED_UNTRUSTED;
}
WORLD(weak_key) { snprintf(s->views[0].chain.v[0].key, 32, "RSA 1024"); }
WORLD(old_protocol) { snprintf(s->views[0].protocol, 16, "TLSv1"); }
WORLD(other_key_elsewhere) { add_addr(s, "192.0.2.81"); add_view(s, "192.0.2.81", TLS_OFFER_ECDSA, 'c'); }
WORLD(other_key_covered) { other_key_elsewhere(s); give_all(s, RECORDS("3 1 1 ka", "3 1 1 kc")); }
WORLD(denial_servfail) { all_answers(s, ANSWER_FAIL, false, "it answers SERVFAIL"); }
WORLD(nobody_answers) { all_answers(s, ANSWER_FAIL, false, "no answer in time"); }
WORLD(denial_unsigned) { all_answers(s, ANSWER_EMPTY, false, "no NSEC"); }
WORLD(udp) { set_text(&s->unlookable, "\"_udp\" is not TCP"); no_address(s); s->at.problem[0] = '\0'; add_addr(s, "192.0.2.80"); }
WORLD(worker_died) { set_text(&s->problem, "killed by signal 11"); }
WORLD(hostile_words) { no_view(&s->views[0], PROBE_GARBAGE, "\033[31mred\r\n"); }

static const struct {
	void (*make)(struct doctor_seen *s);
	const char *verdict, *codes;    /* o: ok, n: note, w: warning, e: error; in the order in which they are told */
} rows[] = {
	/* clang-format off */
	{ as_it_is,              "accepts", "o:accepted" },
	{ two_keys_both_covered, "accepts", "o:accepted" },
	{ wrong_digest,          "refuses", "e:refused e:no-match" },
	{ wrong_usage_ta,        "refuses", "e:refused e:usage-wrong" },
	{ wrong_usage_ee,        "refuses", "e:refused e:usage-wrong" },
	{ wrong_selector,        "refuses", "e:refused e:selector-wrong" },
	{ wrong_selector_cert,   "refuses", "e:refused e:selector-wrong" },
	{ wrong_matching,        "no DANE", "w:matching-wrong w:unusable" },
	{ wrong_matching_512,    "no DANE", "w:matching-wrong w:unusable" },
	{ of_nothing,            "refuses", "e:refused e:digest-of-nothing" },
	{ stale_beside_right,    "accepts", "n:stale-record o:accepted" },
	{ stale_other_kind,      "accepts", "w:combination-uncovered o:accepted" },
	{ only_stale,            "refuses", "e:refused e:no-match e:no-match" },
	{ missing_on_one,        "accepts", "e:server-missing w:serial-lag o:accepted" },
	{ disagree_harmless,     "accepts", "w:servers-disagree n:stale-record o:accepted" },
	{ disagree_harmful,      "refuses", "e:server-set-refuses w:servers-disagree w:serial-lag n:stale-record" },
	{ lag_alone,             "accepts", "n:serial-lag o:accepted" },
	{ serial_wraps,          "accepts", "n:serial-lag o:accepted" },
	{ one_server_silent,     "accepts", "w:server-fails o:accepted" },
	{ bogus,                 "defers",  "e:bogus" },
	{ zone_unknown,          "unknown", "e:zone-unknown e:server-fails e:server-fails" },
	{ one_answer_unsigned,   "accepts", "e:answer-unsigned o:accepted" },
	{ one_forged,            "accepts", "e:answer-unsigned w:servers-disagree n:stale-record o:accepted" },
	{ all_answers_unsigned,  "defers",  "e:lookup-fails e:answer-unsigned e:answer-unsigned" },
	{ alias_good,            "accepts", "o:alias o:accepted" },
	{ alias_dangling,        "no DANE", "w:alias-broken" },
	{ alias_loop,            "defers",  "e:alias-loop" },
	{ alias_to_nowhere,      "unknown", "e:alias-broken" },
	{ alias_insecure,        "no DANE", "w:alias-insecure o:alias" },
	{ alias_disagree,        "accepts", "e:aliases-differ o:accepted" },
	{ wildcard,              "accepts", "n:wildcard o:accepted" },
	{ signature_soon,        "accepts", "w:signature-ends o:accepted" },
	{ signature_at_once,     "accepts", "e:signature-ends o:accepted" },
	{ no_tlsa,               "no DANE", "w:no-tlsa" },
	{ unsigned_tlsa,         "no DANE", "w:tlsa-unsigned" },
	{ unsigned_nothing,      "no DANE", "w:unsigned" },
	{ anchor_good,           "accepts", "o:accepted" },
	{ anchor_not_sent,       "refuses", "e:refused e:anchor-missing" },
	{ anchor_name,           "refuses", "e:refused e:anchor-name n:wrong-name" },
	{ anchor_expired,        "refuses", "e:refused e:anchor-expired w:expired" },
	{ anchor_unproven,       "refuses", "e:refused e:anchor-unproven" },
	{ pkix_for_mail,         "no DANE", "w:unusable n:usage-mail" },
	{ pkix_for_mail_beside,  "accepts", "n:usage-mail o:accepted" },
	{ pkix_self_signed,      "refuses", "e:refused e:usage-pkix e:self-signed" },
	{ full_data,             "accepts", "n:full-data o:accepted" },
	{ unknown_only,          "no DANE", "w:unusable n:record-unknown n:record-unknown" },
	{ malformed,             "accepts", "w:record-malformed o:accepted" },
	{ agility_good,          "accepts", "o:accepted" },
	{ agility_trap,          "refuses", "e:refused e:digest-agility e:no-match" },
	{ one_type_covered,      "refuses", "e:key-type-uncovered" },
	{ mixed_ttls,            "accepts", "w:ttls-differ o:accepted" },
	{ long_ttl,              "accepts", "w:ttl-long o:accepted" },
	{ short_ttl,             "accepts", "n:ttl-short o:accepted" },
	{ eleven,                "accepts", "w:many-records n:stale-record n:stale-record n:stale-record n:stale-record "
					    "n:stale-record n:stale-record n:stale-record n:stale-record n:stale-record "
					    "n:stale-record o:accepted" },
	{ no_address,            "unknown", "e:no-address" },
	{ ipv6_only,             "accepts", "n:ipv6-only o:accepted" },
	{ address_unknown,       "unknown", "e:address-unknown" },
	{ address_bogus,         "defers",  "e:address-bogus" },
	{ address_insecure,      "no DANE", "w:address-insecure" },
	{ address_insecure_web,  "accepts", "o:accepted" },
	{ host_alias_unsigned,   "accepts", "n:host-alias-insecure o:accepted" },
	{ host_alias_signed,     "accepts", "n:host-alias o:accepted" },
	{ host_alias_end_bogus,  "defers",  "e:lookup-fails n:host-alias" },
	{ one_address_refuses,   "accepts", "e:connection-refused o:accepted" },
	{ one_address_silent,    "accepts", "e:silent o:accepted" },
	{ one_address_without_tls, "refuses", "e:no-starttls" },
	{ no_route,              "accepts", "n:no-route o:accepted" },
	{ nobody_reached,        "unknown", "e:no-answer" },
	{ no_starttls,           "refuses", "e:no-starttls" },
	{ garbage,               "refuses", "e:garbage" },
	{ tls_failed,            "refuses", "e:tls-failed" },
	{ unreadable,            "refuses", "e:certificate-unreadable" },
	{ no_rsa_key,            "accepts", "o:accepted" },
	{ rsa_closes,            "accepts", "n:closed o:accepted" },
	{ rsa_fails,             "accepts", "n:tls-failed o:accepted" },
	{ ends_now,              "accepts", "w:expires-soon o:accepted" },
	{ no_owner,              "no DANE", "" },
	{ expired_3_1_1,         "accepts", "w:expired o:accepted" },
	{ not_yet,               "accepts", "w:not-yet o:accepted" },
	{ ends_soon,             "accepts", "w:expires-soon o:accepted" },
	{ web_ends_now,          "accepts", "e:expires-soon o:accepted" },
	{ name_3_1_1,            "accepts", "n:wrong-name o:accepted" },
	{ self_signed_3_1_1,     "accepts", "o:accepted" },
	{ web_self_signed_3_1_1, "accepts", "w:self-signed o:accepted" },
	{ web_name_3_1_1,        "accepts", "w:wrong-name o:accepted" },
	{ web_name_self_signed,  "accepts", "w:self-signed w:wrong-name o:accepted" },
	{ web_expired_untrusted, "accepts", "w:expired w:untrusted o:accepted" },
	{ certificate_record,    "accepts", "n:selector-0 o:accepted" },
	{ web_untrusted,         "no DANE", "e:untrusted w:no-tlsa" },
	{ weak_key,              "accepts", "w:weak-key o:accepted" },
	{ old_protocol,          "accepts", "e:old-protocol o:accepted" },
	{ other_key_elsewhere,   "refuses", "e:address-refused w:addresses-differ" },
	{ other_key_covered,     "accepts", "w:addresses-differ o:accepted" },
	{ denial_servfail,       "defers",  "e:lookup-fails e:server-fails e:server-fails" },
	{ nobody_answers,        "unknown", "e:lookup-unanswered e:server-fails e:server-fails" },
	{ denial_unsigned,       "defers",  "e:lookup-fails e:answer-unsigned e:answer-unsigned" },
	{ udp,                   "unknown", "n:not-looked-at" },
	{ worker_died,           "unknown", "e:look-failed" },
	{ hostile_words,         "refuses", "e:garbage" },
	/* clang-format on */
};

static char *codes_of(const struct doctor_findings *f)
{
	struct strv codes = { 0 };
	char *text;

	for (size_t i = 0; i < f->n; i++)
		strv_take(&codes, mem_format("%c:%s", doctor_severity_name(f->v[i].severity)[0], f->v[i].code));
	text = strv_join(&codes, " ");
	strv_free(&codes);
	return text;
}

/* To text and back, as from a worker. */
static void over_the_pipe(struct doctor_seen *s)
{
	struct json *all = json_array();
	struct buf text;
	struct err e;

	doctor_seen_put(all, s);
	doctor_seen_free(s, 1);
	buf_init(&text, 1 << 20);
	json_print(&text, all, false);
	json_free(all);
	all = json_parse(text.s, text.len, &e);
	assert_non_null(all);
	assert_true(doctor_seen_get(s, json_at(all, 0)));
	json_free(all);
	buf_free(&text);
}

static void test_worlds(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct doctor_diagnosis d;
		struct doctor_seen s;
		char *codes;

		well(&s);
		rows[i].make(&s);
		finish(&s);
		over_the_pipe(&s);
		doctor_find(&d, &s, &terms);
		codes = codes_of(&d.findings);
		if (strcmp(codes, rows[i].codes) != 0 || strcmp(doctor_verdict_name(d.verdict), rows[i].verdict) != 0) {
			print_error("row %zu: %s\n     is: %s: %s (%s)\n", i, rows[i].codes, doctor_verdict_name(d.verdict),
				    codes, d.why ? d.why : "-");
			for (size_t k = 0; k < d.findings.n; k++)
				print_error("     %s: %s\n", d.findings.v[k].code, d.findings.v[k].text);
			wrong++;
		}
		for (size_t k = 0; k < d.findings.n; k++)
			for (const char *c = d.findings.v[k].text; *c; c++)
				assert_true(*c >= ' ' && *c != 127);
		assert_true((d.verdict == DOCTOR_ACCEPTS) == (d.why == NULL));
		free(codes);
		doctor_diagnosis_free(&d);
		doctor_seen_free(&s, 1);
	}
	assert_int_equal(wrong, 0);
}

/* What is said is of use: who, what, and what to do. */
static void test_words(void **state)
{
	static const struct {
		void (*make)(struct doctor_seen *s);
		const char *code, *part;
	} words[] = {
		{ wrong_selector, "selector-wrong", "write 3 1 1" },
		{ wrong_usage_ta, "usage-wrong", "write 3 1 1" },
		{ wrong_usage_ee, "usage-wrong", "write 2 0 1" },
		{ wrong_matching, "matching-wrong", "write 3 1 1" },
		{ missing_on_one, "server-missing", "192.0.2.2 (ns2.example.org) (serial 6)" },
		{ bogus, "bogus", "the DS at org fits no key" },
		{ one_type_covered, "key-type-uncovered", "192.0.2.80:25 (RSA 2048)" },
		{ disagree_harmful, "server-set-refuses", "192.0.2.2 (ns2.example.org)" },
		{ alias_insecure, "alias-insecure", "example.net" },
		{ serial_wraps, "serial-lag", "serial 4294967290 of example.org, while 3" },
		{ denial_servfail, "lookup-fails", "SERVFAIL" },
		{ garbage, "garbage", "look into the server's log" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct doctor_diagnosis d;
		struct doctor_seen s;
		bool found = false;

		well(&s);
		words[i].make(&s);
		finish(&s);
		doctor_find(&d, &s, &terms);
		for (size_t k = 0; k < d.findings.n; k++)
			found |= strcmp(d.findings.v[k].code, words[i].code) == 0 && strstr(d.findings.v[k].text, words[i].part);
		if (!found)
			fail_msg("%s does not say \"%s\"", words[i].code, words[i].part);
		doctor_diagnosis_free(&d);
		doctor_seen_free(&s, 1);
	}
}

/* Fates of records, and verdicts of single places. */
static void test_places(void **state)
{
	struct doctor_diagnosis d;
	struct doctor_seen s;

	(void)state;
	well(&s);
	one_type_covered(&s);
	finish(&s);
	doctor_find(&d, &s, &terms);
	assert_int_equal(d.views[0], DOCTOR_ACCEPTS);
	assert_int_equal(d.views[1], DOCTOR_REFUSES);
	assert_int_equal(d.records_n, 1);
	assert_string_equal(doctor_fate_name(&d.records[0]), "matches");
	assert_string_equal(d.records[0].why, "192.0.2.80:25 (ECDSA P-256)");
	assert_int_equal(d.security, SECURITY_SECURE);
	doctor_diagnosis_free(&d);
	doctor_seen_free(&s, 1);
	well(&s);
	nobody_reached(&s);
	finish(&s);
	doctor_find(&d, &s, &terms);
	assert_string_equal(doctor_fate_name(&d.records[0]), "not compared");
	doctor_diagnosis_free(&d);
	doctor_seen_free(&s, 1);
}

/* Where nothing was compared with the records, the reason is another one. */
static void test_whys(void **state)
{
	static const struct {
		void (*make)(struct doctor_seen *s);
		const char *why;
	} whys[] = {
		{ wrong_digest, "what is served does not fit the records" },
		{ garbage, "there are records, and no address presents a key" },
		{ no_starttls, "there are records, and no address presents a key" },
		{ one_address_without_tls, "not every address presents a key" },
		{ one_type_covered, "not every key that is served has a record" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whys); i++) {
		struct doctor_diagnosis d;
		struct doctor_seen s;

		well(&s);
		whys[i].make(&s);
		finish(&s);
		doctor_find(&d, &s, &terms);
		assert_int_equal(d.verdict, DOCTOR_REFUSES);
		assert_string_equal(d.why, whys[i].why);
		doctor_diagnosis_free(&d);
		doctor_seen_free(&s, 1);
	}
}

/* Who is told what to configure need not look into a log. */
static void test_advice(void **state)
{
	struct doctor_diagnosis d;
	struct doctor_seen s;

	(void)state;
	well(&s);
	no_view(&s.views[0], PROBE_GARBAGE, "answers without TLS: \"220 mx\"; it speaks smtp: [endpoints] starttls = 2525 smtp");
	finish(&s);
	doctor_find(&d, &s, &terms);
	assert_string_equal(d.findings.v[0].code, "garbage");
	assert_null(strstr(d.findings.v[0].text, "log"));
	doctor_diagnosis_free(&d);
	doctor_seen_free(&s, 1);
}

static const struct doctor_finding *finding(const struct doctor_findings *f, const char *code)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].code, code) == 0)
			return &f->v[i];
	return NULL;
}

/* Of a line of our own, or to a plug-in, a date is an error whatever clients look at; and a line may have no CA. */
static void test_strict(void **state)
{
	char fingerprint[65];
	struct leaf leaf = { 0 };
	struct generation newest = { .number = 2, .leaves = &leaf, .leaves_n = 1 };
	struct doctor_terms strict = terms;
	struct doctor_diagnosis d;
	struct doctor_seen s;
	char *codes;

	(void)state;
	strict.strict = true;
	well(&s);
	ends_now(&s);
	finish(&s);
	doctor_find(&d, &s, &strict);
	codes = codes_of(&d.findings);
	assert_string_equal(codes, "e:expires-soon o:accepted");
	assert_non_null(strstr(finding(&d.findings, "expires-soon")->text, "renew it"));
	free(codes);
	doctor_diagnosis_free(&d);
	/* what is renewed already need only be loaded */
	leaf.fingerprint = fingerprint;
	snprintf(fingerprint, sizeof(fingerprint), "%s", s.views[0].chain.v[0].cert_sha256);
	strict.newest = &newest;
	doctor_find(&d, &s, &strict);
	assert_non_null(strstr(finding(&d.findings, "expires-soon")->text, "renew it"));
	doctor_diagnosis_free(&d);
	fingerprint[0] ^= 1;
	doctor_find(&d, &s, &strict);
	assert_non_null(strstr(finding(&d.findings, "expires-soon")->text, "let the server load that"));
	doctor_diagnosis_free(&d);
	doctor_seen_free(&s, 1);
	well(&s);
	web_self_signed_3_1_1(&s);
	finish(&s);
	strict.self_signed = true;
	doctor_find(&d, &s, &strict);
	codes = codes_of(&d.findings);
	assert_string_equal(codes, "n:self-signed o:accepted");
	free(codes);
	doctor_diagnosis_free(&d);
	doctor_seen_free(&s, 1);
}

/* Lines ------------------------------------------------------------------------------------------ */

/* A record of the line's that nobody serves is called by the name of its key, and is not to be removed. */
static void test_own_records(void **state)
{
	static const struct {
		enum doctor_role role;
		const char *served, *codes, *part;
	} cases[] = {
		{ DOCTOR_OWN_LIVE, "3 1 1 ka", "n:record-unserved o:accepted", "the record of the live key (generation 7)" },
		{ DOCTOR_OWN_STAGED, "3 1 1 ka", "n:record-unserved o:accepted", "the record of the staged key (generation 7)" },
		{ DOCTOR_OWN_REPLACED, "3 1 1 ka", "n:record-unserved o:accepted", "the record of the replaced key (generation 7)" },
		{ DOCTOR_OWN_SIBLING, "3 1 1 ka", "n:record-unserved o:accepted", "a record of another line" },
		{ DOCTOR_OWN_LIVE, NULL, "e:refused e:no-match", "the record of the live key (generation 7)" },
		{ DOCTOR_OWN_STAGED, NULL, "e:refused n:record-unserved", "the key to come" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* the first one with the data counts */
		struct doctor_own own[] = {
			{ record("3 1 1 ky"), DOCTOR_OWN_LIVE, 1 },
			{ record("3 1 1 kx"), cases[i].role, cases[i].role == DOCTOR_OWN_SIBLING ? 0 : 7 },
			{ record("3 1 1 kx"), DOCTOR_OWN_SIBLING, 0 },
		};
		struct doctor_terms t = terms;
		struct doctor_diagnosis d;
		struct doctor_seen s;
		char *codes;
		bool found = false;

		t.own = own;
		t.own_n = ARRAY_LEN(own);
		well(&s);
		give_all(&s, cases[i].served ? RECORDS(cases[i].served, "3 1 1 kx") : RECORDS("3 1 1 kx"));
		finish(&s);
		doctor_find(&d, &s, &t);
		codes = codes_of(&d.findings);
		assert_string_equal(codes, cases[i].codes);
		for (size_t k = 0; k < d.findings.n; k++) {
			found |= strstr(d.findings.v[k].text, cases[i].part) != NULL;
			assert_null(strstr(d.findings.v[k].text, "remove"));
		}
		assert_true(found);
		free(codes);
		doctor_diagnosis_free(&d);
		doctor_seen_free(&s, 1);
		for (size_t k = 0; k < ARRAY_LEN(own); k++)
			free(own[k].data);
	}
}

/* A line with a live, a staged and a replaced key, each with its record at the owner. */
static void fill_line(struct line *l, struct line_config *c)
{
	static const char *const data[] = { "3 1 1 kb", "3 1 1 ks", "3 1 1 ka", "3 1 1 kz" };

	*l = (struct line){ .cfg = c, .live = { .number = 9, .keyset = 1 }, .staging = { .number = 8, .keyset = 2 } };
	l->retired = mem_array(1, sizeof(*l->retired));
	l->retired[0] = (struct generation){ .number = 3, .keyset = 3, .leaves_n = 1 };
	l->retired[0].leaves = mem_array(1, sizeof(*l->retired[0].leaves));
	take(l->retired[0].leaves[0].spki.spki_sha256, sizeof(l->retired[0].leaves[0].spki.spki_sha256), 'k', 'a');
	l->retired[0].leaves[0].fingerprint = mem_copy_str("");
	l->retired_n = 1;
	for (int i = 3; i >= 0; i--) {
		char *text = record(data[i]);

		set_add(&l->ledger.set, OWNER, text, (i + 1) % 4);
		free(text);
	}
	for (size_t i = 0; i < l->ledger.set.n; i++)
		l->ledger.set.v[i].published_at = NOW - HOUR;
}

static void test_own_of_line(void **state)
{
	struct line_config c = { .name = (char *)"mx" };
	struct world w = { .n = 0 };
	struct line l;
	struct doctor_own *own;
	size_t n;

	(void)state;
	fill_line(&l, &c);
	doctor_own_of(&own, &n, &w, &l);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		static const int generations[] = { 9, 8, 3, 0 };

		assert_int_equal(own[i].role, i);
		assert_int_equal(own[i].generation, generations[i]);
	}
	doctor_own_free(own, n);
	l.failed = true;
	doctor_own_of(&own, &n, &w, &l);
	assert_int_equal(n, 0);
	l.failed = false;
	line_unload(&l);
}

/* What nobody could be asked about is not missing; what is served still keeps its records where that is looked at. */
static void test_line(void **state)
{
	struct line_config c = { .name = (char *)"mx" };
	struct doctor_findings f = { 0 };
	struct doctor_seen s;
	struct line l;

	(void)state;
	fill_line(&l, &c);
	well(&s);
	all_answers(&s, ANSWER_EMPTY, true, NULL);
	finish(&s);
	doctor_find_line(&f, &l, &s);
	assert_non_null(finding(&f, "record-missing"));
	assert_non_null(strstr(finding(&f, "store-retired-served")->text, "go when"));
	doctor_findings_free(&f);
	doctor_seen_free(&s, 1);
	well(&s);
	all_answers(&s, ANSWER_FAIL, false, "no route to it");
	finish(&s);
	l.policy.looks = true;
	doctor_find_line(&f, &l, &s);
	assert_null(finding(&f, "record-missing"));
	assert_non_null(strstr(finding(&f, "store-retired-served")->text, "stay until every server presents the live key"));
	doctor_findings_free(&f);
	doctor_seen_free(&s, 1);
	/* the alias is known, and what is at its end is not */
	well(&s);
	alias(&s, "_dane.example.org", ANSWER_FAIL);
	server(&s, 2)->why = mem_copy_str("no answer in time");
	finish(&s);
	doctor_find_line(&f, &l, &s);
	assert_null(finding(&f, "record-missing"));
	doctor_findings_free(&f);
	doctor_seen_free(&s, 1);
	line_unload(&l);
}

/* Mail domains ----------------------------------------------------------------------------------- */

static void test_domains(void **state)
{
	enum { A = DOCTOR_ACCEPTS, R = DOCTOR_REFUSES, N = DOCTOR_NO_DANE, D = DOCTOR_DEFERS, U = DOCTOR_UNKNOWN };
	static const struct {
		struct mail_hosts m;
		int hosts[2];
		const char *verdict, *codes, *why;
	} domains[] = {
		{ { .security = SECURITY_SECURE, .n = 2 }, { A, A }, "accepts", "", NULL },
		{ { .security = SECURITY_SECURE, .n = 2 }, { A, N }, "accepts", "w:mx-uncovered", NULL },
		{ { .security = SECURITY_SECURE, .n = 2 }, { A, R }, "refuses", "e:mx-unusable", NULL },
		{ { .security = SECURITY_SECURE, .n = 2 }, { D, D }, "defers", "e:mx-unusable e:mx-unusable", NULL },
		{ { .security = SECURITY_SECURE, .n = 2 }, { N, N }, "no DANE", "", "no mail host has it" },
		{ { .security = SECURITY_SECURE, .n = 2 }, { N, U }, "no DANE", "", "no mail host that could be looked at has it" },
		{ { .security = SECURITY_SECURE, .n = 2 }, { N, D }, "defers", "e:mx-unusable w:mx-uncovered", NULL },
		{ { .security = SECURITY_SECURE, .n = 2 }, { U, U }, "unknown", "", NULL },
		{ { .security = SECURITY_INSECURE, .n = 1 }, { A }, "accepts", "w:mx-insecure", NULL },
		{ { .security = SECURITY_SECURE, .n = 1, .implicit = true }, { A }, "accepts", "n:mx-implicit", NULL },
		{ { .security = SECURITY_SECURE, .null_mx = true }, { 0 }, "no DANE", "n:mx-null", NULL },
		{ { .security = SECURITY_SECURE, .n = 1, .null_mx = true }, { A }, "accepts", "w:mx-null-beside", NULL },
		{ { .security = SECURITY_BOGUS, .why = (char *)"no RRSIG" }, { 0 }, "defers", "e:mx-bogus", NULL },
		{ { .security = SECURITY_UNKNOWN, .problem = (char *)"no answer" }, { 0 }, "unknown", "e:mx-unknown", NULL },
		{ { .security = SECURITY_SECURE, .problem = (char *)"there is no such name" }, { 0 }, "unknown", "e:mx-no-name", NULL },
		{ { .security = SECURITY_INSECURE, .problem = (char *)"there is no such name" }, { 0 }, "unknown", "e:mx-no-name", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
		struct mail_host names[2] = { { (char *)"mx1.example.org", 10 }, { (char *)"mx2.example.org", 20 } };
		struct mail_hosts m = domains[i].m;
		struct doctor_diagnosis of[2] = { { .verdict = (enum doctor_verdict)domains[i].hosts[0] },
						  { .verdict = (enum doctor_verdict)domains[i].hosts[1] } };
		const struct doctor_diagnosis *hosts[2] = { &of[0], &of[1] };
		struct doctor_diagnosis d;
		char *codes;

		m.domain = (char *)"example.org";
		m.v = names;
		doctor_find_mail(&d, &m, hosts);
		codes = codes_of(&d.findings);
		assert_string_equal(codes, domains[i].codes);
		assert_string_equal(doctor_verdict_name(d.verdict), domains[i].verdict);
		if (domains[i].why)
			assert_string_equal(d.why, domains[i].why);
		free(codes);
		doctor_diagnosis_free(&d);
	}
}

/* What a worker may say that is broken. */
static void test_pipe_refuses(void **state)
{
	static const char *const texts[] = {
		"[{}]", "[[]]", "[{\"starttls\": 99}]", "[{\"starttls\": 0, \"at\": {\"addresses\": [\"x\"]}}]",
		"[{\"starttls\": 0, \"views\": [{\"address\": \"192.0.2.1\", \"offer\": 0, \"outcome\": 99, \"fault\": 0}]}]",
		"[{\"starttls\": 0, \"sets\": [{\"data\": [\"3 1 1 aa\"]}], \"views\": [{\"address\": \"192.0.2.1\", \"offer\": 0, "
		"\"outcome\": 0, \"fault\": 0, \"dane\": [{\"outcome\": 0, \"records\": []}]}]}]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct doctor_seen s;
		struct err e;
		struct json *all = json_parse(texts[i], strlen(texts[i]), &e);

		assert_non_null(all);
		assert_false(doctor_seen_get(&s, json_at(all, 0)));
		doctor_seen_free(&s, 1);
		json_free(all);
	}
}

/* Looking ---------------------------------------------------------------------------------------- */

/* Nobody answers: neither resolvers nor servers. */
static void test_nobody(void **state)
{
	struct addr closed;
	struct look_config how = { .resolvers = &closed, .resolvers_n = 1, .port = 1, .validate = VALIDATE_NO,
				   .limits = ask_defaults };
	struct doctor_ask asks[] = {
		{ .owner = OWNER, .starttls = DOCTOR_STARTTLS_OF_PORT, .addrs = &closed, .addrs_n = 1, .how = &how },
		{ .owner = "_443._udp.mx.example.org", .addrs = &closed, .addrs_n = 1, .how = &how },
		{ .owner = "_*._tcp.mx.example.org", .addrs = &closed, .addrs_n = 1, .how = &how },
		{ .host = "mx.example.org", .port = 1, .addrs = &closed, .addrs_n = 1, .how = &how },
	};
	static const char *const codes[] = {
		"e:zone-unknown e:connection-refused", "e:zone-unknown n:not-looked-at", "e:zone-unknown n:not-looked-at",
		"e:connection-refused",
	};
	struct doctor_seen seen[ARRAY_LEN(asks)];
	struct mail_hosts mail;
	const char *domain = "example.org";

	(void)state;
	proc_init();
	assert_true(addr_parse(&closed, "127.0.0.1:1", 1));
	doctor_look(seen, asks, ARRAY_LEN(asks));
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		struct doctor_diagnosis d;
		char *found;

		doctor_find(&d, &seen[i], &terms);
		found = codes_of(&d.findings);
		assert_string_equal(found, codes[i]);
		free(found);
		doctor_diagnosis_free(&d);
	}
	assert_true(seen[0].mail && seen[0].starttls == STARTTLS_SMTP);
	assert_string_equal(seen[0].host, "mx.example.org");
	doctor_seen_free(seen, ARRAY_LEN(asks));
	doctor_mail(&mail, &domain, 1, &how);
	assert_string_equal(mail.domain, domain);
	assert_non_null(mail.problem);
	mail_hosts_free(&mail);
}

/* What ends the worker costs one service and no more. */
static void test_deadly(void **state)
{
	struct addr closed;
	struct look_config how = { .resolvers = &closed, .resolvers_n = 1, .port = 1, .validate = VALIDATE_NO,
				   .limits = ask_defaults };
	struct doctor_ask asks[5];
	struct doctor_seen seen[ARRAY_LEN(asks)];

	(void)state;
	assert_true(addr_parse(&closed, "127.0.0.1:1", 1));
	for (size_t i = 0; i < ARRAY_LEN(asks); i++)
		asks[i] = (struct doctor_ask){ .owner = OWNER, .addrs = i == 3 ? (const struct addr *)64 : &closed,
					       .addrs_n = 1, .how = &how };
	doctor_look(seen, asks, ARRAY_LEN(asks));
	for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
		assert_string_equal(seen[i].owner, OWNER);
		assert_true((seen[i].problem != NULL) == (i == 3));
		assert_int_equal(seen[i].views_n, i == 3 ? 0 : 1);
	}
	doctor_seen_free(seen, ARRAY_LEN(asks));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_worlds),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_whys),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_own_records),
		cmocka_unit_test(test_own_of_line),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_pipe_refuses),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_deadly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
