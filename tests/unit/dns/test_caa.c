/* test_caa.c - the search for CAA records, with stand-ins for resolvers; and what records permit.
 * RFC 8659, RFC 8657.
 * Touches: the network (127.0.0.0/8), a child process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/caa.h"
#include "world.h"

#define CAA(name, data) { RESOLVER, name, DNS_CAA, RA, { name " 60 CAA " data } }

/* The search ----------------------------------------------------------------------------------- */

/* "example.org: 0 issue ca.test; 128 tbs x"; "-" for nothing, or the problem. */
static void expect(const struct caa_set *s, const char *want)
{
	struct buf b;

	buf_init(&b, 2000);
	buf_add_str(&b, s->problem ? s->problem : s->at ? s->at : "-");
	for (size_t i = 0; i < s->n; i++)
		buf_addf(&b, "%s %d %s %s", i ? ";" : ":", s->v[i].critical ? 128 : 0, s->v[i].tag,
			 s->v[i].value);
	if (strcmp(b.s, want) != 0)
		fail_msg("%s: \"%s\", not \"%s\"", s->name, b.s, want);
	buf_free(&b);
}

static void climbs(void **state)
{
	static const struct row rows[] = {
		{ RESOLVER, "a.test", DNS_CAA, RA, { "a.test 60 CAA 0 issue ca.test; x=y",
						     "a.test 60 CAA 129 TBS Unknown" } },
		CAA("www.b.test", "1 ISSUE ;"),
		{ RESOLVER, "x.y.a.test", DNS_CAA, RA | DNS_NXDOMAIN, { "!" SOA("a.test") } },
		/* what an alias leads to is a part of the answer; without records there, up from the alias */
		{ RESOLVER, "al.b.test", DNS_CAA, RA, { "al.b.test 60 CNAME other.test",
							"other.test 60 CAA 0 issuewild ca.test" } },
		{ RESOLVER, "al.a.test", DNS_CAA, RA, { "al.a.test 60 CNAME other.b.test" } },
		{ RESOLVER, "test", DNS_CAA, RA, { NULL } },
		{ RESOLVER, ".", DNS_CAA, RA, { ". 60 CAA 0 issue root.test" } },
	};
	struct caa_set s[] = {
		{ .name = "a.test" }, { .name = "*.Y.a.test" }, { .name = "x.y.a.test" },
		{ .name = "www.b.test" }, { .name = "b.test" }, { .name = "al.b.test" },
		{ .name = "al.a.test" }, { .name = "c.test" }, { .name = "a..test" },
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	caa_find(s, ARRAY_LEN(s), &w.c);
	for (size_t i = 0; i < 3; i++)
		expect(&s[i], "a.test: 0 issue ca.test; x=y; 128 tbs Unknown");
	expect(&s[3], "www.b.test: 0 issue ;");
	expect(&s[4], "-");
	expect(&s[5], "al.b.test: 0 issuewild ca.test");
	expect(&s[6], "a.test: 0 issue ca.test; x=y; 128 tbs Unknown");
	expect(&s[7], "-");
	expect(&s[8], "the CAA records of a..test cannot be looked up: it is no name");
	assert_int_equal(world_asked(&w, RESOLVER, "a.test", DNS_CAA), 1);
	assert_int_equal(world_asked(&w, RESOLVER, "test", DNS_CAA), 1);
	assert_int_equal(world_asked(&w, RESOLVER, ".", DNS_CAA), 0);
	caa_free(s, ARRAY_LEN(s));
	assert_string_equal(s[0].name, "a.test");
	assert_null(s[0].v);
	world_stop(&w);
}

static void fails(void **state)
{
	static const struct row rows[] = {
		{ RESOLVER, "s.test", DNS_CAA, RA | DNS_SERVFAIL, { NULL } },
		{ RESOLVER, "t.test", DNS_CAA, SILENT, { NULL } },
		{ RESOLVER, "b.test", DNS_CAA, RA | BOGUS, { "b.test 60 CAA 0 issue ca.test" } },
		{ RESOLVER, "m.test", DNS_CAA, RA, { "m.test 60 CAA 0 issue ca.test" } },
		{ SECOND_RESOLVER, "s.test", DNS_CAA, RA, { "s.test 60 CAA 0 issue ca.test" } },
	};
	struct caa_set s[] = {
		{ .name = "x.s.test" }, { .name = "t.test" }, { .name = "b.test" }, { .name = "m.test" },
	};
	struct look_config dnssec;
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	caa_find(s, ARRAY_LEN(s), &w.c);
	assert_non_null(strstr(s[0].problem, "the CAA records of s.test cannot be looked up: resolver"));
	assert_non_null(strstr(s[0].problem, "SERVFAIL"));
	assert_non_null(strstr(s[1].problem, "t.test"));
	assert_non_null(strstr(s[2].problem, "SERVFAIL"));
	assert_true(!s[0].at && !s[0].n && !s[2].n);
	expect(&s[3], "m.test: 0 issue ca.test");
	caa_free(s, ARRAY_LEN(s));
	w.c.resolvers_n = 2;
	caa_find(s, 1, &w.c);
	expect(&s[0], "s.test: 0 issue ca.test");
	caa_free(s, 1);
	/* a chain of trust that cannot be begun: nothing is asked without it */
	dnssec = w.c;
	dnssec.validate = VALIDATE_DNSSEC;
	dnssec.trust_anchor = "/nonexistent";
	caa_find(s + 3, 1, &dnssec);
	assert_non_null(strstr(s[3].problem, "trust anchor"));
	caa_free(s + 3, 1);
	assert_int_equal(world_asked(&w, RESOLVER, "m.test", DNS_CAA), 1);
	world_stop(&w);
}

/* What is permitted ---------------------------------------------------------------------------- */

#define ACCOUNT "https://ca.test/acme/acct/7"

/* Records are "FLAGS TAG VALUE". */
static void question(const char *name, const char *account, const char *const *records, const char *want)
{
	char first[] = "CA.test", second[] = "ca.example", *list[] = { first, second };
	const struct strv issuers = { list, 2 };
	const struct caa_question q = { name, &issuers, account, "dns-01" };
	struct caa_record v[4];
	char tags[4][32], at_name[] = "example.test", *why = first;
	struct caa_set s = { .name = name, .at = at_name, .v = v };
	bool allowed;

	for (; s.n < 4 && records[s.n]; s.n++) {
		unsigned flags;
		int at;

		assert_int_equal(sscanf(records[s.n], "%u %31s %n", &flags, tags[s.n], &at), 2);
		v[s.n] = (struct caa_record){ flags & 128, tags[s.n], (char *)records[s.n] + at };
	}
	allowed = caa_allows(&s, &q, &why);
	if (allowed != !want || (want && !strstr(why, want)))
		fail_msg("%s with %s...: %s, not %s", name, records[0] ? records[0] : "-",
			 allowed ? "allowed" : why, want ? want : "allowed");
	assert_int_equal(allowed, why == NULL);
	free(why);
}

static void tags(void **state)
{
	static const struct {
		const char *name, *records[4], *want;
	} rows[] = {
		{ "a.test", { NULL }, NULL },
		{ "*.a.test", { NULL }, NULL },
		{ "a.test", { "0 issue ca.test" }, NULL },
		{ "*.a.test", { "0 issue ca.test" }, NULL },
		{ "a.test", { "0 issue other.test" },
		  "CAA 0 issue \"other.test\" of example.test lets another CA issue, and not CA.test" },
		{ "a.test", { "0 issue other.test", "0 issue ca.example" }, NULL },
		{ "a.test", { "0 issue ca.example", "0 issue other.test" }, NULL },
		{ "a.test", { "0 issue other.test", "0 issue ;" }, "other.test" },
		{ "a.test", { "0 issue ;", "0 issue other.test" }, "other.test" },
		{ "a.test", { "128 issue ;" }, "CAA 128 issue \";\" of example.test lets nobody issue" },
		{ "*.a.test", { "0 issue ca.test", "0 issuewild ;" }, "CAA 0 issuewild \";\"" },
		{ "*.a.test", { "0 issue ;", "0 issuewild ca.test" }, NULL },
		{ "a.test", { "0 issue ;", "0 issuewild ca.test" }, "CAA 0 issue \";\"" },
		{ "a.test", { "0 issuewild ;" }, NULL },
		{ "*.a.test", { "0 iodef mailto:x" }, NULL },
		{ "a.test", { "128 iodef mailto:x", "0 tbs x" }, NULL },
		{ "a.test", { "128 issuemail ;" }, NULL },
		{ "a.test", { "0 issue ca.test", "128 tbs x" }, "CAA 128 tbs \"x\" of example.test is critical" },
		{ "*.a.test", { "0 issuewild ca.test", "128 tbs x" }, "is critical" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		question(rows[i].name, ACCOUNT, rows[i].records, rows[i].want);
}

static void values(void **state)
{
	static const struct {
		const char *value, *want;
	} rows[] = {
		{ "ca.test", NULL }, { "  ca.test\t ", NULL }, { "CA.TEST;", NULL }, { "ca.test ; ", NULL },
		{ "ca.test; a=b", NULL }, { "ca.test;a=", NULL }, { "ca.test;a=b;c=d", NULL },
		{ "ca.test ; a1-b = b ; c =d ", NULL }, { "ca.test;a=b=c,\"?", NULL },
		{ "", "lets nobody issue" }, { " ", "lets nobody issue" }, { ";", "lets nobody issue" },
		{ " ; ", "lets nobody issue" }, { "; a=b", "lets nobody issue" },
		{ "ca.test.", "malformed" }, { "-ca.test", "malformed" }, { "ca-.test", "malformed" },
		{ "ca..test", "malformed" }, { ".ca.test", "malformed" }, { "ca_.test", "malformed" },
		{ "ca.test ca.test", "malformed" }, { "ca.test, ca.example", "malformed" },
		{ "ca.test;;", "malformed" }, { "ca.test; a=b;", "malformed" }, { "ca.test; a", "malformed" },
		{ "ca.test; =b", "malformed" }, { "ca.test; a=b c=d", "malformed" },
		{ "ca.test; -a=b", "malformed" }, { "ca.test; a_=b", "malformed" },
		{ "ca.test a=b", "malformed" }, { "ca", "another CA" }, { "ca.test.example", "another CA" },
		{ "a.test", "another CA" },

		{ "ca.test; accounturi=" ACCOUNT, NULL }, { "ca.test; AccountURI = " ACCOUNT " ; a=b", NULL },
		{ "ca.test; accounturi=" ACCOUNT "1", "another account than ours, " ACCOUNT },
		{ "ca.test; accounturi=https://ca.test/acme/acct/", "another account" },
		{ "ca.test; accounturi=HTTPS://ca.test/acme/acct/7", "another account" },
		{ "ca.test; accounturi=", "another account" },
		{ "ca.test; accounturi=" ACCOUNT "; accounturi=" ACCOUNT, "twice" },
		{ "ca.test; validationmethods=dns-01", NULL },
		{ "ca.test; validationmethods=http-01,dns-01,ca-x; accounturi=" ACCOUNT, NULL },
		{ "ca.test; validationmethods=http-01", "does not permit validation by dns-01" },
		{ "ca.test; validationmethods=dns-01x,xdns-01", "does not permit" },
		{ "ca.test; validationmethods=", "does not permit" },
		{ "ca.test; validationmethods=dns-01,", "does not permit" },
		{ "ca.test; validationmethods=,dns-01", "does not permit" },
		{ "ca.test; validationmethods=dns-01;validationmethods=dns-01", "twice" },
		{ "ca.test; validationmethods=dns-01; accounturi=x", "another account" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *record = mem_format("0 issue %s", rows[i].value);
		const char *const records[] = { record, NULL };

		/* blanks in front are lost here */
		question("a.test", ACCOUNT, records, rows[i].want);
		free(record);
	}
	question("a.test", NULL, (const char *const[]){ "0 issue ca.test; accounturi=" ACCOUNT, NULL },
		 "is bound to an account, and ours is not known yet");
	question("a.test", NULL, (const char *const[]){ "0 issue ca.test; accounturi=" ACCOUNT,
							"0 issue ca.example", NULL }, NULL);
	question("a.test", NULL, (const char *const[]){ "0 issue other.test",
							"0 issue ca.test; accounturi=" ACCOUNT,
							"0 issue ;", NULL }, "not known yet");
}

static void others(void **state)
{
	const struct strv none = { 0 };
	const struct caa_question q = { "a.test", &none, NULL, "dns-01" };
	struct caa_record v = { false, (char[]){ "issue" }, (char[]){ " any.test " } };
	struct caa_set s = { .name = "a.test", .at = (char[]){ "a.test" }, .v = &v, .n = 1 };
	char *why;

	(void)state;
	assert_true(caa_allows(&s, &q, &why));
	v.value = (char[]){ ";" };
	assert_false(caa_allows(&s, &q, &why));
	free(why);
	s = (struct caa_set){ .name = "a.test", .problem = (char[]){ "no answer" } };
	assert_false(caa_allows(&s, &q, &why));
	assert_string_equal(why, "no answer");
	free(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(climbs), cmocka_unit_test(fails), cmocka_unit_test(tags),
		cmocka_unit_test(values), cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
