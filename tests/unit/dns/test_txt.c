/* test_txt.c - where TXT records of challenges belong, and who shows them, with stand-ins for the servers; and
 * what is no change.  Updates themselves are tried with real servers, in tests/system/txt.sh.
 * Touches: the network (127.0.0.0/8), a child process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/txt.h"
#include "world.h"

#define CH "_acme-challenge."
#define NO_ROUTE "255.255.255.255"      /* nobody may send to that */

/* a.test at ONE, b.test at TWO; test is at TLD.  A resolver must not be asked for challenges: it would be
 * answered, and with nonsense. */
#define NEVER(name, type) { RESOLVER, name, type, RA, { SOA("test"), name " 60 CNAME evil.test" } }
#define ZONE(zone, host, address) \
	APEX(zone), \
	{ RESOLVER, zone, DNS_NS, RA, { zone " 50 NS ns1." zone } }, \
	{ RESOLVER, "ns1." zone, DNS_A, RA, { "ns1." zone " 50 A " address } }, \
	{ host, zone, DNS_SOA, AA, { SOA(zone) } }
#define WORLD \
	ZONE("a.test", ONE, "127.80.0.1"), ZONE("b.test", TWO, "127.80.0.2"), \
	ZONE("test", TLD, "127.80.0.9"), \
	INSIDE("w.a.test", "a.test"), NEVER(CH "a.test", DNS_SOA), NEVER(CH "a.test", DNS_TXT), \
	NEVER(CH "a.test", DNS_CNAME), NEVER(CH "a.test", DNS_NS)
#define NOTHING(host, name, zone) \
	{ host, name, DNS_SOA, AA | DNS_NXDOMAIN, { "!" SOA(zone) } }, \
	{ host, name, DNS_TXT, AA | DNS_NXDOMAIN, { "!" SOA(zone) } }
#define ALIAS(host, name, target) \
	{ host, name, DNS_SOA, AA, { name " 60 CNAME " target } }, \
	{ host, name, DNS_TXT, AA, { name " 60 CNAME " target } }

/* Places --------------------------------------------------------------------------------------- */

static struct txt_place place(struct world *w, const char *name)
{
	struct txt_place p = { .name = name };

	txt_places(&p, 1, &w->c);
	return p;
}

/* Frees it.  address NULL: no server. */
static void belongs(struct txt_place *p, const char *at, const char *apex, const char *address)
{
	char text[ADDR_TEXT_LEN];

	if (p->problem)
		fail_msg("%s: %s", p->name, p->problem);
	assert_string_equal(p->at, at);
	assert_string_equal(p->apex, apex);
	assert_int_equal(p->aliased, strcasecmp(p->name, at) != 0);
	assert_int_equal(p->servers_n, address ? 1 : 0);
	if (address) {
		addr_format(text, &p->servers[0]);
		text[strcspn(text, ":")] = '\0';
		assert_string_equal(text, address);
	}
	txt_places_free(p, 1);
}

static void has_no_place(struct world *w, const char *name, const char *why)
{
	struct txt_place p = place(w, name);

	if (!p.problem || !strstr(p.problem, why))
		fail_msg("%s: %s, not %s", name, p.problem ? p.problem : "found", why);
	assert_null(p.at);
	txt_places_free(&p, 1);
}

static void places(void **state)
{
	static const struct row rows[] = {
		WORLD, NOTHING(ONE, CH "a.test", "a.test"), ALIAS(ONE, CH "w.a.test", "w." CH "b.test"),
		NOTHING(TWO, "w." CH "b.test", "b.test"), INSIDE(CH "b.test", "b.test"),
	};
	struct txt_place p[] = {
		{ .name = CH "a.test" }, { .name = "_ACME-challenge.a.test" }, { .name = CH "w.a.test" },
		{ .name = CH "a..test" },
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	w.c.validate = VALIDATE_RESOLVER;       /* it is not asked for anything */
	txt_places(p, ARRAY_LEN(p), &w.c);
	belongs(&p[0], CH "a.test", "a.test", "127.80.0.1");
	belongs(&p[1], CH "a.test", "a.test", "127.80.0.1");
	belongs(&p[2], "w." CH "b.test", "b.test", "127.80.0.2");
	assert_string_equal(p[3].problem, "it is no name");
	txt_places_free(&p[3], 1);
	assert_int_equal(world_asked(&w, RESOLVER, CH "a.test", DNS_SOA), 0);
	assert_int_equal(world_asked(&w, RESOLVER, CH "a.test", DNS_TXT), 0);
	assert_int_equal(world_asked(&w, RESOLVER, CH "a.test", DNS_CNAME), 0);
	assert_int_equal(world_asked(&w, RESOLVER, CH "a.test", DNS_NS), 0);
	assert_int_equal(world_asked(&w, ONE, CH "a.test", DNS_TXT), 1);
	world_stop(&w);
}

/* The name is a zone of its own: by a referral, and at a server that has both zones. */
static void cuts(void **state)
{
	static const struct row referred[] = {
		WORLD,
		{ ONE, CH "w.a.test", DNS_SOA, 0, { "!" CH "w.a.test 60 NS ns1." CH "w.a.test",
						    "+ns1." CH "w.a.test 60 A 127.80.0.3" } },
		{ ONE, CH "w.a.test", DNS_NS, 0, { "!" CH "w.a.test 60 NS ns1." CH "w.a.test",
						   "+ns1." CH "w.a.test 60 A 127.80.0.3" } },
		{ RESOLVER, CH "w.a.test", DNS_SOA, RA, { SOA(CH "w.a.test") } },
		{ RESOLVER, "ns1." CH "w.a.test", DNS_A, RA, { "ns1." CH "w.a.test 60 A 127.80.0.3" } },
		{ THREE, CH "w.a.test", DNS_TXT, AA, { "!" SOA(CH "w.a.test") } },
	};
	static const struct row shared[] = {
		WORLD, INSIDE("x.cut.a.test", "a.test"),
		{ ONE, CH "x.cut.a.test", DNS_SOA, AA | DNS_NXDOMAIN, { "!" SOA("cut.a.test") } },
		{ RESOLVER, "cut.a.test", DNS_NS, RA, { "cut.a.test 50 NS ns1.a.test" } },
		{ RESOLVER, "cut.a.test", DNS_SOA, RA, { SOA("cut.a.test") } },
		{ RESOLVER, "ns1.cut.a.test", DNS_A, RA, { NULL } },
		{ ONE, CH "x.cut.a.test", DNS_TXT, AA, { CH "x.cut.a.test 60 TXT abc" } },
	};
	struct txt_place p;
	struct world w;

	(void)state;
	world_start(&w, referred, ARRAY_LEN(referred));
	p = place(&w, CH "w.a.test");
	belongs(&p, CH "w.a.test", CH "w.a.test", "127.80.0.3");
	world_stop(&w);
	world_start(&w, shared, ARRAY_LEN(shared));
	p = place(&w, CH "x.cut.a.test");
	belongs(&p, CH "x.cut.a.test", "cut.a.test", NULL);
	world_stop(&w);
}

static void no_places(void **state)
{
	static const struct row rows[] = {
		WORLD, INSIDE("s.a.test", "a.test"), INSIDE("n.a.test", "a.test"),
		ALIAS(ONE, "c1.a.test", "c2.a.test"), ALIAS(ONE, "c2.a.test", "c1.a.test"),
		ALIAS(ONE, CH "n.a.test", "x.y.org"), ALIAS(ONE, "b.a.test", "x.s.a.test"),
		ALIAS(ONE, "m.a.test", "m.m.a.test"), INSIDE("m.a.test", "a.test"),
		{ ONE, "x.s.a.test", DNS_TXT, DNS_SERVFAIL, { NULL } },
		{ RESOLVER, "t.test", DNS_SOA, DNS_SERVFAIL, { NULL } },
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	has_no_place(&w, "c1.a.test", "circle");
	has_no_place(&w, CH "n.a.test", "nobody tells of a SOA record");
	has_no_place(&w, "b.a.test", "no server of a.test answers for it: 127.80.0.1:");
	has_no_place(&w, "b.a.test", "(ns1.a.test): it answers SERVFAIL");
	has_no_place(&w, CH "t.test", "SERVFAIL");
	has_no_place(&w, ".", "no name above it");
	world_stop(&w);
}

/* As many aliases as there may be, and one more. */
static void many_aliases(void **state)
{
	static const struct row fixed[] = { WORLD };
	struct row rows[ARRAY_LEN(fixed) + 18];
	char names[19][16], texts[17][80];
	size_t n = ARRAY_LEN(fixed);
	struct txt_place p;
	struct world w;

	(void)state;
	memcpy(rows, fixed, sizeof(fixed));
	for (unsigned i = 0; i < 19; i++)
		snprintf(names[i], sizeof(names[i]), "m%u.a.test", i);
	for (size_t i = 0; i < 17; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%.15s 60 CNAME %.15s", names[i], names[i + 1]);
		rows[n++] = (struct row){ ONE, names[i], DNS_TXT, AA, { texts[i] } };
	}
	rows[n++] = (struct row){ ONE, names[17], DNS_TXT, AA, { "!" SOA("a.test") } };
	world_start(&w, rows, n);
	p = place(&w, names[1]);
	belongs(&p, names[17], "a.test", "127.80.0.1");
	has_no_place(&w, names[0], "too many");
	world_stop(&w);
}

static void configured(void **state)
{
	static const struct row rows[] = { NOTHING(ONE, CH "p.corp", "p.corp"), NOTHING(ONE, "p.corp", "p.corp") };
	struct look_servers zone = { .zone = mem_copy_str("p.corp"), .n = 1 };
	struct txt_place p;
	struct addr a;
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	MADE_OK(addr_parse(&a, hosts[ONE], w.port));
	zone.v = &a;
	w.c.zones = &zone;
	w.c.zones_n = 1;
	p = place(&w, CH "p.corp");
	belongs(&p, CH "p.corp", "p.corp", "127.80.0.1");
	p = place(&w, "p.corp");
	belongs(&p, "p.corp", "p.corp", "127.80.0.1");
	world_stop(&w);
	free(zone.zone);
}

/* Looking -------------------------------------------------------------------------------------- */

#define VALUE_1 "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define VALUE_2 "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

/* Frees it.  why NULL: it is seen. */
static void sees(struct world *w, const char *name, const char *why, const char *others)
{
	char one[] = VALUE_1, two[] = VALUE_2, *list[] = { one, two };
	const struct strv values = { list, 2 };
	struct txt_sight s = { .name = name, .values = &values };
	struct buf b;

	txt_look(&s, 1, &w->c);
	assert_int_equal(s.seen, why == NULL);
	if (why && !strstr(s.why, why))
		fail_msg("%s: %s, not %s", name, s.why, why);
	if (!why)
		assert_null(s.why);
	buf_init(&b, 2000);
	for (size_t i = 0; i < s.others.n; i++)
		buf_addf(&b, "%s ", s.others.v[i]);
	assert_string_equal(b.s, others);
	buf_free(&b);
	txt_sights_free(&s, 1);
}

#define BOTH(host, name) \
	{ host, name, DNS_TXT, AA, { name " 60 TXT " VALUE_1, name " 60 TXT " VALUE_2 } }
/* x.test is at ONE, TWO and THREE. */
#define X_TEST \
	APEX("x.test"), ZONE("test", TLD, "127.80.0.9"), \
	{ RESOLVER, "x.test", DNS_NS, RA, { "x.test 50 NS nsa.test", "x.test 50 NS nsb.test" } }, \
	{ RESOLVER, "nsa.test", DNS_A, RA, { "nsa.test 50 A 127.80.0.1", "nsa.test 50 A 127.80.0.3" } }, \
	{ RESOLVER, "nsb.test", DNS_A, RA, { "nsb.test 50 A 127.80.0.2" } }

static void shown_by_all(void **state)
{
	static const struct row rows[] = {
		X_TEST, BOTH(ONE, CH "x.test"), BOTH(TWO, CH "x.test"), BOTH(THREE, CH "x.test"),
		{ ONE, CH "w.x.test", DNS_TXT, AA, { CH "w.x.test 60 CNAME " CH "x.test" } },
		{ TWO, CH "w.x.test", DNS_TXT, AA, { CH "w.x.test 60 CNAME " CH "x.test" } },
		{ THREE, CH "w.x.test", DNS_TXT, AA, { CH "w.x.test 60 CNAME " CH "x.test" } },
		NEVER(CH "x.test", DNS_SOA), NEVER(CH "x.test", DNS_TXT),
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	sees(&w, CH "x.test", NULL, "");
	sees(&w, CH "w.x.test", NULL, "");
	sees(&w, "a..b", "a..b is no name", "");
	assert_int_equal(world_asked(&w, RESOLVER, CH "x.test", DNS_SOA), 0);
	assert_int_equal(world_asked(&w, RESOLVER, CH "x.test", DNS_TXT), 0);
	world_stop(&w);
}

static void lacking(void **state)
{
	static const struct row rows[] = {
		X_TEST, BOTH(ONE, CH "x.test"),
		{ TWO, CH "x.test", DNS_TXT, AA, { CH "x.test 60 TXT " VALUE_2, CH "x.test 60 TXT old" } },
		{ THREE, CH "x.test", DNS_TXT, AA | DNS_NXDOMAIN, { "!" SOA("x.test") } },
		BOTH(ONE, CH "r.x.test"), BOTH(THREE, CH "r.x.test"),
		{ TWO, CH "r.x.test", DNS_TXT, SILENT, { NULL } },
		/* one has not the alias yet, one has another */
		{ ONE, CH "a.x.test", DNS_TXT, AA, { CH "a.x.test 60 CNAME " CH "y.x.test" } },
		{ TWO, CH "a.x.test", DNS_TXT, AA | DNS_NXDOMAIN, { "!" SOA("x.test") } },
		{ THREE, CH "a.x.test", DNS_TXT, AA, { CH "a.x.test 60 CNAME " CH "old.test" } },
		BOTH(ONE, CH "y.x.test"), BOTH(TWO, CH "y.x.test"), BOTH(THREE, CH "y.x.test"),
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	sees(&w, CH "x.test", "(nsb.test) lacks 1 of 2 values; 127.80.0.3:", "old ");
	sees(&w, CH "x.test", "(nsa.test) lacks 2 of 2 values", "old ");
	sees(&w, CH "r.x.test", "(nsb.test): connection refused", "");
	sees(&w, CH "a.x.test", "(nsb.test) lacks the alias of " CH "a.x.test; ", "");
	sees(&w, CH "a.x.test", " has an alias of " CH "a.x.test to " CH "old.test, and others have not", "");
	sees(&w, CH "x.org", "nobody tells of a SOA record", "");
	world_stop(&w);
}

/* Without a way to an address: the other one of the same server must answer. */
static void no_routes(void **state)
{
	static const struct row rows[] = {
		APEX("x.test"), ZONE("test", TLD, "127.80.0.9"),
		{ RESOLVER, "x.test", DNS_NS, RA, { "x.test 50 NS nsa.test" } },
		{ RESOLVER, "nsa.test", DNS_A, RA, { "nsa.test 50 A 127.80.0.1", "nsa.test 50 A " NO_ROUTE } },
		APEX("y.test"),
		{ RESOLVER, "y.test", DNS_NS, RA, { "y.test 50 NS ns1.y.test", "y.test 50 NS ns2.y.test" } },
		{ RESOLVER, "ns1.y.test", DNS_A, RA, { "ns1.y.test 50 A 127.80.0.1" } },
		{ RESOLVER, "ns2.y.test", DNS_A, RA, { "ns2.y.test 50 A " NO_ROUTE } },
		BOTH(ONE, CH "x.test"), BOTH(ONE, CH "y.test"),
		{ ONE, CH "z.x.test", DNS_TXT, AA | DNS_SERVFAIL, { NULL } },
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	sees(&w, CH "x.test", NULL, "");
	sees(&w, CH "y.test", "(ns2.y.test): no route to it", "");
	sees(&w, CH "z.x.test", "(nsa.test): it answers SERVFAIL; 255.255.255.255:", "");
	world_stop(&w);
}

static void many_servers(void **state)
{
	static const struct row rows[] = {
		APEX("x.test"), ZONE("test", TLD, "127.80.0.9"),
		{ RESOLVER, "x.test", DNS_NS, RA, { "x.test 50 NS nsa.test" } },
		{ RESOLVER, "nsa.test", DNS_A, RA, { "nsa.test 50 A 127.80.0.1", "nsa.test 50 A 127.80.0.2",
						     "nsa.test 50 A 127.80.0.3", "nsa.test 50 A 127.80.0.9",
						     "nsa.test 50 A 127.80.0.53" } },
	};
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	sees(&w, CH "x.test", "(nsa.test): it answers REFUSED; and 2 more", "");
	world_stop(&w);
}

/* A set that did not fit into 512 bytes, values of several strings, and such that are none of ours. */
static void large(void **state)
{
	char texts[6][300], value[250];
	const struct row rows[] = {
		ZONE("a.test", ONE, "127.80.0.1"), ZONE("test", TLD, "127.80.0.9"),
		{ ONE, CH "a.test", DNS_TXT, AA, { texts[0], texts[1], texts[2], texts[3], texts[4], texts[5] } },
	};
	struct world w;
	struct buf b;

	(void)state;
	buf_init(&b, 2000);
	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 4; i++) {
		value[0] = (char)('a' + i);
		snprintf(texts[i], sizeof(texts[i]), CH "a.test 60 TXT %s", value);
		buf_addf(&b, "%s ", value);
	}
	snprintf(texts[4], sizeof(texts[4]), CH "a.test 60 TXT " VALUE_1);
	snprintf(texts[5], sizeof(texts[5]), CH "a.test 60 TXT " VALUE_2);
	world_start(&w, rows, ARRAY_LEN(rows));
	sees(&w, CH "a.test", NULL, b.s);
	world_stop(&w);
	buf_free(&b);
}

static void bogus(void **state)
{
	static const struct row rows[] = {
		X_TEST, BOTH(ONE, CH "x.test"), BOTH(TWO, CH "x.test"), BOTH(THREE, CH "x.test"),
		{ RESOLVER, "x.test", DNS_DNSKEY, RA | BOGUS, { NULL } },
	};
	static const struct row unknown[] = {
		X_TEST, BOTH(ONE, CH "x.test"), BOTH(TWO, CH "x.test"), BOTH(THREE, CH "x.test"),
		{ RESOLVER, "x.test", DNS_DNSKEY, RA | DNS_REFUSED, { NULL } },
	};
	struct strv none = { 0 };
	struct txt_sight s = { .name = CH "x.test", .values = &none };
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	w.c.validate = VALIDATE_RESOLVER;
	txt_look(&s, 1, &w.c);
	assert_true(s.bogus && !s.seen);
	assert_non_null(strstr(s.why, "x.test is bogus: "));
	txt_sights_free(&s, 1);
	world_stop(&w);
	world_start(&w, unknown, ARRAY_LEN(unknown));
	w.c.validate = VALIDATE_RESOLVER;
	txt_look(&s, 1, &w.c);
	assert_true(!s.bogus && !s.seen);
	assert_string_equal(s.why, "whether x.test is signed is not known: REFUSED");
	txt_sights_free(&s, 1);
	world_stop(&w);
}

/* Writing -------------------------------------------------------------------------------------- */

static void no_changes(void **state)
{
	char value[257];
	struct txt_change rows[] = {
		{ .at = "x.test", .value = "a\nb" }, { .at = "x.test", .value = "\x80", .remove = true },
		{ .at = "x.test", .value = value }, { .at = "x..test", .value = "a" },
	};
	struct addr a;
	struct err e;

	(void)state;
	memset(value, 'a', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	MADE_OK(addr_parse(&a, "127.0.0.1", 9));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(txt_update("test", &a, NULL, 60, &rows[i], 1, &ask_defaults, &e), -1);
		assert_int_equal(e.kind, ERR_LOCAL);
	}
	assert_int_equal(txt_update("test", &a, NULL, UINT32_MAX, &(struct txt_change){ "a", "b", false }, 1,
				    &ask_defaults, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	assert_int_equal(txt_update("test", &a, NULL, 60, &(struct txt_change){ "a", "b", false }, 1,
				    &ask_defaults, &e), -1);
	assert_int_equal(e.kind, ERR_LATER);
	assert_int_equal(txt_update("test", &a, NULL, 60, NULL, 0, &ask_defaults, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places), cmocka_unit_test(cuts), cmocka_unit_test(no_places),
		cmocka_unit_test(many_aliases), cmocka_unit_test(configured), cmocka_unit_test(shown_by_all),
		cmocka_unit_test(lacking), cmocka_unit_test(no_routes), cmocka_unit_test(many_servers),
		cmocka_unit_test(large), cmocka_unit_test(bogus), cmocka_unit_test(no_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
