/* test_challenges.c - by which method a name is shown to be ours: preference, what a CA offers, CAA records.
 * Touches: nothing but memory.
 */
#include "base/mem.h"
#include "run/caa_check.h"
#include "run/respond.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define HTTP (1U << HTTP_01)
#define DNS (1U << DNS_01)
#define TLS (1U << TLS_ALPN_01)
#define ALL CHALLENGE_TYPES_ALL

static char webroot[] = "/srv/acme";

/* Up to four rows, as they are stored. */
static struct line_config line_of(const char *const rows[4])
{
	struct line_config l = { .challenge_dir = webroot };

	for (size_t i = 0; i < 4 && rows[i]; i++)
		strv_add(&l.challenges, rows[i]);
	return l;
}

static void free_line(struct line_config *l)
{
	strv_free(&l->challenges);
	strv_free(&l->domains);
}

#define WILDCARD "a wildcard needs the method dns-update or hook-dns"
#define ADDRESS "an address cannot be shown to be ours in DNS: give it the method webroot, standalone or tls-alpn"
#define NOT_OFFERED(type, method) "the CA does not offer " type ", which the method " method " needs"

static void the_first_method_that_will_do(void **state)
{
	static const struct {
		const char *rows[4], *name;
		unsigned types;
		int method;             /* -1: none, for that reason */
		enum err_kind kind;
		const char *why;
	} rows[] = {
		{ { "* webroot" }, "a.test", ALL, METHOD_WEBROOT, 0, NULL },
		{ { "* webroot dns-update" }, "a.test", ALL, METHOD_WEBROOT, 0, NULL },
		{ { "* dns-update webroot" }, "a.test", ALL, METHOD_DNS_UPDATE, 0, NULL },
		{ { "* webroot dns-update" }, "a.test", DNS | TLS, METHOD_DNS_UPDATE, 0, NULL },
		{ { "* webroot dns-update tls-alpn" }, "a.test", TLS, METHOD_TLS_ALPN, 0, NULL },
		{ { "* webroot dns-update" }, "*.a.test", ALL, METHOD_DNS_UPDATE, 0, NULL },
		{ { "* dns-update webroot" }, "192.0.2.1", ALL, METHOD_WEBROOT, 0, NULL },
		{ { "* dns-update webroot" }, "2001:db8::1", ALL, METHOD_WEBROOT, 0, NULL },
		{ { "* hook-dns dns-update" }, "a.test", ALL, METHOD_DNS_UPDATE, 0, NULL },
		{ { "* standalone webroot" }, "a.test", HTTP, METHOD_STANDALONE, 0, NULL },
		/* the row with the name alone */
		{ { "* webroot", "a.test tls-alpn dns-update" }, "a.test", ALL, METHOD_TLS_ALPN, 0, NULL },
		{ { "* webroot", "a.test tls-alpn dns-update" }, "a.test", HTTP, -1, ERR_REFUSED,
		  NOT_OFFERED("tls-alpn-01", "tls-alpn") "; " NOT_OFFERED("dns-01", "dns-update") },
		{ { "a.test tls-alpn", "* webroot" }, "b.test", ALL, METHOD_WEBROOT, 0, NULL },
		{ { "a.test tls-alpn", "* webroot" }, "x.a.test", ALL, METHOD_WEBROOT, 0, NULL },
		/* none */
		{ { "* webroot" }, "*.a.test", ALL, -1, ERR_USAGE, WILDCARD },
		{ { "* webroot standalone" }, "*.a.test", ALL, -1, ERR_USAGE, WILDCARD },
		{ { "* dns-update" }, "192.0.2.1", ALL, -1, ERR_USAGE, ADDRESS },
		{ { "* webroot" }, "a.test", DNS | TLS, -1, ERR_REFUSED, NOT_OFFERED("http-01", "webroot") },
		{ { "* webroot dns-update" }, "*.a.test", HTTP, -1, ERR_REFUSED,
		  WILDCARD "; " NOT_OFFERED("dns-01", "dns-update") },
		{ { "* hook-http webroot" }, "a.test", DNS, -1, ERR_REFUSED,
		  "the methods hook-... need challenge-hook; " NOT_OFFERED("http-01", "webroot") },
		{ { "a.test webroot" }, "*.b.test", ALL, -1, ERR_USAGE, "a wildcard needs challenges = dns-update or hook-dns" },
		/* nothing is said: by what there is */
		{ { NULL }, "a.test", ALL, METHOD_WEBROOT, 0, NULL },
		{ { NULL }, "*.a.test", ALL, -1, ERR_USAGE, "a wildcard needs challenges = dns-update or hook-dns" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct line_config l = line_of(rows[i].rows);
		struct err e = { 0 };
		int m = config_method(&l, rows[i].name, rows[i].types, &e);

		if (m != rows[i].method || e.kind != rows[i].kind || strcmp(e.text, rows[i].why ? rows[i].why : "") != 0)
			fail_msg("row %zu: method %d, %s", i, m, e.text);
		free_line(&l);
	}
}

/* What CAA records do not permit comes last. */
static void what_a_challenge_is_chosen_by(void **state)
{
	static const struct {
		const char *rows[4];
		bool wildcard;
		unsigned offered, permitted;
		int type;
		const char *why;
	} rows[] = {
		{ { "* webroot dns-update" }, false, ALL, ALL, HTTP_01, NULL },
		{ { "* webroot dns-update" }, false, DNS, ALL, DNS_01, NULL },
		{ { "* webroot dns-update" }, true, ALL, HTTP, DNS_01, NULL },
		{ { "* webroot dns-update" }, false, ALL, DNS, DNS_01, NULL },
		{ { "* webroot dns-update" }, false, HTTP, DNS, HTTP_01, NULL },
		{ { "* webroot dns-update" }, false, ALL, 0, HTTP_01, NULL },
		{ { "* webroot" }, false, DNS, DNS, -1, "a.test: " NOT_OFFERED("http-01", "webroot") },
		{ { "* dns-update" }, true, HTTP, ALL, -1, "*.a.test: " NOT_OFFERED("dns-01", "dns-update") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct line_config l = line_of(rows[i].rows);
		unsigned permitted[] = { rows[i].wildcard ? ALL : rows[i].permitted,
					 rows[i].wildcard ? rows[i].permitted : ALL };
		struct err e = { 0 };
		struct responder r;
		struct respond x;
		int type;

		strv_add(&l.domains, "a.test");
		strv_add(&l.domains, "*.a.test");
		respond_init(&x, &r, &l, permitted);
		type = r.choose(r.arg, "a.test", rows[i].wildcard, rows[i].offered, &e);
		if (type != rows[i].type || strcmp(e.text, rows[i].why ? rows[i].why : "") != 0)
			fail_msg("row %zu: type %d, %s", i, type, e.text);
		respond_init(&x, &r, &l, NULL);
		if (r.choose(r.arg, "a.test", rows[i].wildcard, ALL, &e) < 0)
			fail_msg("row %zu, nothing known of CAA: %s", i, e.text);
		respond_free(&x);
		free_line(&l);
	}
}

/* All methods that can be used are in the records that are recommended. */
static void records_are_for_all_methods(void **state)
{
	static const char *const wanted[] = {
		"a.test. CAA 0 issue \"ca.test; validationmethods=http-01,dns-01\"",
		"a.test. CAA 0 issuewild \"ca.test; validationmethods=dns-01\"",
		"b.test. CAA 0 issue \"ca.test; validationmethods=tls-alpn-01\"",
		"b.test. CAA 0 issuewild \";\"",
	};
	struct line_config l = line_of((const char *const[4]){ "* dns-update standalone webroot", "b.test hook-dns tls-alpn" });
	struct strv names = { 0 }, out = { 0 };
	const struct caa_issuer issuer = { .names = &names };

	(void)state;
	strv_add(&l.domains, "a.test");
	strv_add(&l.domains, "*.a.test");
	strv_add(&l.domains, "b.test");
	strv_add(&l.domains, "192.0.2.1");
	strv_add(&names, "ca.test");
	caa_recommend(&out, &l, &issuer, 1);
	assert_int_equal(out.n, ARRAY_LEN(wanted));
	for (size_t i = 0; i < out.n; i++)
		assert_string_equal(out.v[i], wanted[i]);
	strv_free(&out);
	strv_free(&names);
	free_line(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_method_that_will_do),
		cmocka_unit_test(what_a_challenge_is_chosen_by),
		cmocka_unit_test(records_are_for_all_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
