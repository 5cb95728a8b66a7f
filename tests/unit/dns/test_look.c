/* test_look.c - zones, servers and aliases found out from stand-ins on loopback, which answer from a
 * script; and resolv.conf.
 * Touches: the network (127.0.0.0/8), a child process, files in a temporary folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "world.h"

#define DATA "TLSA 3 1 1 aabb"

/* "127.80.0.1 ns1.a.test: 3 1 1 aabb; ...": servers, the names that led there, what they say. */
static char *told(const struct look_owner *o)
{
	static const char *const kinds[] = { "fail", "empty", "data", "alias" };
	struct buf b;
	char *s;

	buf_init(&b, 65535);
	for (size_t i = 0; i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];
		char address[ADDR_TEXT_LEN];

		addr_format(address, &v->addr);
		address[strcspn(address, ":")] = '\0';
		buf_addf(&b, "%s%s", i ? "; " : "", address);
		for (size_t k = 0; k < v->names.n; k++)
			buf_addf(&b, " %s", v->names.v[k]);
		buf_addf(&b, ": %s", v->data.n ? v->data.v[0] : kinds[v->answer]);
	}
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static void one_look(struct world *w, struct look_owner *o, const char *owner)
{
	look_all(o, &owner, 1, &w->c);
}

static void expect(struct look_owner *o, const char *end, const char *want, const char *problem)
{
	char *got = told(o);

	if (strcmp(got, want) != 0)
		fail_msg("%s: %s\nnot what was expected: %s", o->owner, got, want);
	free(got);
	if (!problem != !o->problem || (problem && !strstr(o->problem, problem)))
		fail_msg("%s: problem %s, not %s", o->owner, o->problem ? o->problem : "-",
			 problem ? problem : "-");
	if (end)
		assert_string_equal(o->end, end);
	look_free(o, 1);
}

/* Zones ---------------------------------------------------------------------------------------- */

#define A_TEST \
	APEX("a.test"), INSIDE("x.a.test", "a.test"), APEX("test"), \
	{ RESOLVER, "a.test", DNS_NS, RA, { "a.test 50 NS ns1.a.test" } }, \
	{ RESOLVER, "ns1.a.test", DNS_A, RA, { "ns1.a.test 50 A 127.80.0.1" } }, \
	{ RESOLVER, "test", DNS_NS, RA, { "test 50 NS ns.test" } }, \
	{ RESOLVER, "ns.test", DNS_A, RA, { "ns.test 50 A 127.80.0.9" } }, \
	{ ONE, "x.a.test", DNS_TLSA, AA, { "x.a.test 300 " DATA } }, \
	{ ONE, "a.test", DNS_SOA, AA, { SOA("a.test") } }

static void zone_is_found(void **state)
{
	static const struct row rows[] = {
		A_TEST,
		{ TLD, "a.test", DNS_NS, 0, { "!a.test 3600 NS ns1.a.test", "!a.test 3600 NS ns2.b.test",
					      "!a.test 3600 NS ns3.a.test", "+ns3.a.test 60 A 127.80.0.3",
					      "+evil.test 60 A 127.80.0.7" } },
		{ RESOLVER, "ns2.b.test", DNS_A, RA, { "ns2.b.test 50 A 127.80.0.2",
						       "ns2.b.test 50 A 127.80.0.1" } },
		{ TWO, "x.a.test", DNS_TLSA, AA | DNS_NXDOMAIN, { "!" SOA("a.test") } },
	};
	struct look_owner o;
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	one_look(&w, &o, "x.a.test");
	assert_int_equal(o.zones_n, 1);
	assert_string_equal(o.zones[0].apex, "a.test");
	assert_string_equal(o.zones[0].mname, "ns1.a.test");
	assert_int_equal(o.zones[0].security, SECURITY_SECURE);
	assert_int_equal(o.zones[0].ns_ttl_for, 3600);
	assert_int_equal(o.servers[0].serial, 7);
	expect(&o, "x.a.test", "127.80.0.1 ns1.a.test ns2.b.test: 3 1 1 aabb; 127.80.0.2 ns2.b.test: "
	       "empty; 127.80.0.3 ns3.a.test: fail", NULL);
	world_stop(&w);
}

/* However the resolver tells of the apex: with the alias of the name, by climbing, by another one. */
static void apexes(void **state)
{
	static const struct row rows[] = {
		A_TEST,
		/* an alias: the SOA record is that of its target */
		{ RESOLVER, "y.a.test", DNS_SOA, RA, { "y.a.test 60 CNAME z.b.test", "!" SOA("b.test") } },
		{ RESOLVER, "w.a.test", DNS_SOA, RA, { "w.a.test 60 CNAME z.test", "!" SOA("test") } },
		{ RESOLVER, "v.a.test", DNS_SOA, RA, { "v.a.test 60 CNAME b.test", SOA("b.test") } },
		{ RESOLVER, "p.q.a.test", DNS_SOA, RA | DNS_NXDOMAIN, { NULL } },
		INSIDE("q.a.test", "a.test"),
		/* somebody else's, not above the name */
		{ RESOLVER, "u.a.test", DNS_SOA, RA, { "!" SOA("b.test"), SOA("b.test") } },
	};
	const char *const names[] = { "y.a.test", "w.a.test", "v.a.test", "p.q.a.test", "u.a.test" };
	struct look_owner o[ARRAY_LEN(names)];
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	look_all(o, names, ARRAY_LEN(names), &w.c);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_null(o[i].problem);
		assert_string_equal(o[i].zones[0].apex, "a.test");
	}
	assert_int_equal(w.asked[0], 1);        /* "a.test" SOA, for most of them */
	assert_int_equal(w.asked[3], 1);        /* and its name servers */
	look_free(o, ARRAY_LEN(names));
	world_stop(&w);
}

static void resolvers(void **state)
{
	static const struct row rows[] = {
		A_TEST,
		{ RESOLVER, "s.a.test", DNS_SOA, RA | DNS_SERVFAIL, { NULL } },
		{ SECOND_RESOLVER, "s.a.test", DNS_SOA, RA, { "!" SOA("a.test") } },
		{ RESOLVER, "n.a.test", DNS_SOA, 0, { "!a.test 60 NS ns1.a.test" } },
		{ RESOLVER, "t.a.test", DNS_SOA, SILENT, { NULL } },
		{ ONE, "s.a.test", DNS_TLSA, AA, { "s.a.test 300 " DATA } },
	};
	struct look_owner o;
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	one_look(&w, &o, "s.a.test");
	expect(&o, NULL, "", "SERVFAIL");
	one_look(&w, &o, "n.a.test");
	expect(&o, NULL, "", "does not recurse");
	one_look(&w, &o, "t.a.test");
	expect(&o, NULL, "", "127.0.0.1");
	one_look(&w, &o, "b.org");
	expect(&o, NULL, "", "nobody tells of a SOA record");
	w.c.resolvers_n = 2;
	one_look(&w, &o, "s.a.test");
	expect(&o, NULL, "127.80.0.1 ns1.a.test: 3 1 1 aabb", NULL);
	world_stop(&w);
}

/* Who cannot be found out about makes the list incomplete, who does not exist does not. */
static void missing_servers(void **state)
{
	static const struct row rows[] = {
		A_TEST,
		{ TLD, "a.test", DNS_NS, 0, { "!a.test 60 NS gone.test", "!a.test 60 NS half.test" } },
		{ RESOLVER, "gone.test", DNS_A, RA | DNS_NXDOMAIN, { NULL } },
		{ RESOLVER, "gone.test", DNS_AAAA, RA | DNS_NXDOMAIN, { NULL } },
		{ RESOLVER, "half.test", DNS_A, RA, { "half.test 60 A 127.80.0.2" } },
		{ RESOLVER, "half.test", DNS_AAAA, RA | DNS_SERVFAIL, { NULL } },
		{ TWO, "x.a.test", DNS_TLSA, AA, { "x.a.test 300 " DATA } },
	};
	static const struct row broken[] = {
		A_TEST,
		{ TLD, "a.test", DNS_NS, 0, { "!a.test 60 NS broken.test" } },
		{ RESOLVER, "broken.test", DNS_A, RA | DNS_SERVFAIL, { NULL } },
	};
	static const struct row silent[] = {
		APEX("a.test"),
		{ RESOLVER, "a.test", DNS_NS, RA | DNS_SERVFAIL, { NULL } },
		APEX("test"),
		{ RESOLVER, "test", DNS_NS, RA, { "test 50 NS ns.test" } },
		{ RESOLVER, "ns.test", DNS_A, RA, { "ns.test 50 A 127.80.0.9" } },
		{ TLD, "a.test", DNS_NS, 0, { "!a.test 60 NS ns1.a.test", "+ns1.a.test 60 A 127.80.0.1" } },
		{ ONE, "a.test", DNS_TLSA, AA, { "a.test 300 " DATA } },
	};
	static const struct row none[] = { APEX("a.test") };
	struct look_owner o;
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	one_look(&w, &o, "x.a.test");
	expect(&o, NULL, "127.80.0.1 ns1.a.test: 3 1 1 aabb; 127.80.0.2 half.test: 3 1 1 aabb", NULL);
	world_stop(&w);
	world_start(&w, broken, ARRAY_LEN(broken));
	one_look(&w, &o, "x.a.test");
	expect(&o, NULL, "127.80.0.1 ns1.a.test: 3 1 1 aabb", "not all name servers of a.test");
	world_stop(&w);
	world_start(&w, silent, ARRAY_LEN(silent));
	one_look(&w, &o, "a.test");
	expect(&o, NULL, "127.80.0.1 ns1.a.test: 3 1 1 aabb", "SERVFAIL");
	world_stop(&w);
	world_start(&w, none, ARRAY_LEN(none));
	one_look(&w, &o, "a.test");
	expect(&o, NULL, "", "no address");
	world_stop(&w);
}

/* A zone and one below it, in one call: the servers of the upper one tell of the lower one. */
static void two_cuts(void **state)
{
	static const struct row rows[] = {
		A_TEST, APEX("sub.a.test"),
		{ RESOLVER, "sub.a.test", DNS_NS, RA, { "sub.a.test 50 NS ns.sub.a.test" } },
		{ RESOLVER, "ns.sub.a.test", DNS_A, RA, { "ns.sub.a.test 50 A 127.80.0.2" } },
		{ ONE, "sub.a.test", DNS_NS, 0, { "!sub.a.test 60 NS old.sub.a.test",
						  "+old.sub.a.test 60 A 127.80.0.3" } },
		{ TWO, "sub.a.test", DNS_TLSA, AA, { "sub.a.test 300 " DATA } },
	};
	const char *const names[] = { "sub.a.test", "x.a.test" };
	struct look_owner o[2];
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	look_all(o, names, 2, &w.c);
	expect(&o[0], NULL, "127.80.0.2 ns.sub.a.test: 3 1 1 aabb; 127.80.0.3 old.sub.a.test: fail", NULL);
	expect(&o[1], NULL, "127.80.0.1 ns1.a.test: 3 1 1 aabb", NULL);
	assert_int_equal(w.asked[3], 1);        /* the name servers of a.test, once */
	world_stop(&w);
}

static void configured(void **state)
{
	static const struct row rows[] = {
		{ ONE, "x.a.test", DNS_TLSA, AA, { "x.a.test 300 " DATA } },
		{ TWO, "x.sub.a.test", DNS_TLSA, AA, { "x.sub.a.test 300 " DATA } },
		{ TWO, "y.sub.a.test", DNS_TLSA, AA, { "y.sub.a.test 300 CNAME x.a.test" } },
	};
	struct look_servers zones[3] = {
		{ .zone = mem_copy_str("a.test"), .n = 1 }, { .zone = mem_copy_str("sub.a.test"), .n = 1 },
		{ .zone = mem_copy_str("none.test") },
	};
	struct look_owner o;
	struct look_primary p;
	struct addr a[2];
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	MADE_OK(addr_parse(&a[0], hosts[ONE], w.port) && addr_parse(&a[1], hosts[TWO], w.port));
	zones[0].v = &a[0];
	zones[1].v = &a[1];
	w.c.zones = zones;
	w.c.zones_n = 3;
	w.c.resolvers_n = 0;
	one_look(&w, &o, "x.a.test");
	expect(&o, NULL, "127.80.0.1: 3 1 1 aabb", NULL);
	one_look(&w, &o, "y.sub.a.test");
	assert_int_equal(o.zones_n, 2);
	expect(&o, "x.a.test", "127.80.0.2: alias; 127.80.0.1: 3 1 1 aabb", NULL);
	one_look(&w, &o, "x.none.test");
	expect(&o, NULL, "", "no address");
	w.c.resolvers_n = 1;
	look_primaries(&p, &(const char *){ "x.sub.a.test" }, 1, &w.c);
	assert_null(p.problem);
	assert_string_equal(p.apex, "sub.a.test");
	assert_null(p.mname);
	assert_int_equal(p.addrs_n, 1);
	assert_true(addr_same(&p.addrs[0], &a[1]));
	look_primaries_free(&p, 1);
	world_stop(&w);
	for (size_t i = 0; i < 3; i++)
		free(zones[i].zone);
}

static void primaries(void **state)
{
	static const struct row rows[] = {
		A_TEST, { RESOLVER, "t.a.test", DNS_SOA, RA | DNS_SERVFAIL, { NULL } },
	};
	static const char *const names[] = { "x.a.test", "t.a.test", "y.x.a.test" };
	struct look_primary p[3];
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	look_primaries(p, names, 3, &w.c);
	for (size_t i = 0; i < 3; i += 2) {
		assert_null(p[i].problem);
		assert_string_equal(p[i].apex, "a.test");
		assert_string_equal(p[i].mname, "ns1.a.test");
		assert_int_equal(p[i].addrs_n, 1);
	}
	assert_non_null(strstr(p[1].problem, "SERVFAIL"));
	assert_null(p[1].apex);
	look_primaries_free(p, 3);
	world_stop(&w);
}

/* Aliases -------------------------------------------------------------------------------------- */

static void alias_ways(void **state)
{
	static const struct row rows[] = {
		A_TEST,
		INSIDE("_1.a.test", "a.test"), INSIDE("_2.a.test", "a.test"), INSIDE("c1.a.test", "a.test"),
		INSIDE("c2.a.test", "a.test"), INSIDE("m.d.a.test", "a.test"),
		{ ONE, "_1.a.test", DNS_TLSA, AA, { "_1.a.test 300 CNAME x.a.test",
						    "x.a.test 1 TLSA 3 1 1 00" } },
		{ ONE, "_2.a.test", DNS_TLSA, AA, { "_2.a.test 300 CNAME x.a.test" } },
		{ ONE, "c1.a.test", DNS_TLSA, AA, { "c1.a.test 300 CNAME c2.a.test" } },
		{ ONE, "c2.a.test", DNS_TLSA, AA, { "c2.a.test 300 CNAME c1.a.test" } },
		{ ONE, "m.d.a.test", DNS_TLSA, AA, { "d.a.test 300 DNAME a.test",
						     "m.d.a.test 0 CNAME m.a.test" } },
		INSIDE("m.a.test", "a.test"),
		{ ONE, "m.a.test", DNS_TLSA, AA, { "m.a.test 300 CNAME x.b.org" } },
	};
	const char *const names[] = { "_1.a.test", "_2.a.test", "x.a.test", "c1.a.test", "m.d.a.test" };
	struct look_owner o[ARRAY_LEN(names)];
	struct world w;
	unsigned asked = 0;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	look_all(o, names, ARRAY_LEN(names), &w.c);
	expect(&o[0], "x.a.test", "127.80.0.1 ns1.a.test: alias; 127.80.0.1 ns1.a.test: 3 1 1 aabb", NULL);
	expect(&o[1], "x.a.test", "127.80.0.1 ns1.a.test: alias; 127.80.0.1 ns1.a.test: 3 1 1 aabb", NULL);
	expect(&o[2], "x.a.test", "127.80.0.1 ns1.a.test: 3 1 1 aabb", NULL);
	expect(&o[3], "c2.a.test", "127.80.0.1 ns1.a.test: alias; 127.80.0.1 ns1.a.test: alias", "circle");
	expect(&o[4], "m.a.test", "127.80.0.1 ns1.a.test: alias; 127.80.0.1 ns1.a.test: alias",
	       "nobody tells of a SOA record");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].host == ONE && strcmp(rows[i].name, "x.a.test") == 0)
			asked = w.asked[i];
	assert_int_equal(asked, 2);     /* once in a hop, for the one and for the two */
	world_stop(&w);
}

/* Servers that lead elsewhere do not take the others with them, and count as unknown sets. */
static void dissent(void **state)
{
	static const struct row rows[] = {
		A_TEST,
		{ TLD, "a.test", DNS_NS, 0, { "!a.test 60 NS ns2.test", "!a.test 60 NS ns3.test" } },
		{ RESOLVER, "ns2.test", DNS_A, RA, { "ns2.test 50 A 127.80.0.2" } },
		{ RESOLVER, "ns3.test", DNS_A, RA, { "ns3.test 50 A 127.80.0.3" } },
		{ TWO, "x.a.test", DNS_TLSA, AA, { "x.a.test 100 CNAME evil.test" } },
		{ THREE, "x.a.test", DNS_TLSA, AA, { "x.a.test 300 " DATA } },
	};
	struct look_owner o;
	struct world w;

	(void)state;
	world_start(&w, rows, ARRAY_LEN(rows));
	one_look(&w, &o, "x.a.test");
	assert_true(o.servers_n == 3 && o.servers[1].ttl_for > 86400);
	expect(&o, "x.a.test", "127.80.0.1 ns1.a.test: 3 1 1 aabb; 127.80.0.2 ns2.test: alias to "
	       "evil.test; 127.80.0.3 ns3.test: 3 1 1 aabb", NULL);
	world_stop(&w);
}

/* The AD bit ----------------------------------------------------------------------------------- */

static void ad_bit(void **state)
{
	enum { AD = 0x0020 };
	static const struct {
		unsigned flags;
		const char *record;
		enum security security;
		const char *why;
	} kinds[] = {
		{ RA, "a.test 60 CNAME b.test", SECURITY_INSECURE, NULL },
		{ RA | AD, "!a.test 60 SOA ns.a.test 1 1", SECURITY_UNKNOWN, "no DNSKEY records" },
		{ RA | DNS_REFUSED, "!a.test 60 SOA ns.a.test 1 1", SECURITY_UNKNOWN, "REFUSED" },
		{ RA | DNS_SERVFAIL, "!a.test 60 SOA ns.a.test 1 1", SECURITY_UNKNOWN, "no servers" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct row rows[] = {
			A_TEST, { RESOLVER, "a.test", DNS_DNSKEY, kinds[i].flags, { kinds[i].record } },
		};
		struct look_owner o;
		struct world w;

		world_start(&w, rows, ARRAY_LEN(rows));
		w.c.validate = VALIDATE_RESOLVER;
		one_look(&w, &o, "x.a.test");
		assert_int_equal(o.zones_n, 1);
		assert_int_equal(o.zones[0].security, kinds[i].security);
		if (kinds[i].why)
			assert_non_null(strstr(o.zones[0].why, kinds[i].why));
		else
			assert_null(o.zones[0].why);
		look_free(&o, 1);
		world_stop(&w);
	}
}

/* resolv.conf ---------------------------------------------------------------------------------- */

static void resolv_conf(void **state)
{
	static const char text[] =
		"# nameserver 192.0.2.9\n; nameserver 192.0.2.9\nsearch example.org\n"
		"nameserver\nnameserver \nnameservers 192.0.2.9\nnameserver x\nnameserver 192.0.2.1\n"
		"nameserver\t2001:db8::1 # ours\r\nnameserver fe80::1%eth0\noptions edns0\n"
		"nameserver 192.0.2.3";
	static const char *const want[] = { "192.0.2.1", "2001:db8::1", "fe80::1", "192.0.2.3" };
	char path[] = "/tmp/test_look.XXXXXX", shown[ADDR_TEXT_LEN];
	struct addr a[4];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(look_system_resolvers(a, 4, path), 4);
	for (size_t i = 0; i < 4; i++) {
		addr_format(shown, &a[i]);
		assert_string_equal(shown, want[i]);
	}
	assert_int_equal(look_system_resolvers(a, 2, path), 2);
	unlink(path);
	assert_int_equal(look_system_resolvers(a, 4, path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zone_is_found), cmocka_unit_test(apexes), cmocka_unit_test(resolvers),
		cmocka_unit_test(missing_servers), cmocka_unit_test(two_cuts),
		cmocka_unit_test(configured), cmocka_unit_test(primaries), cmocka_unit_test(alias_ways),
		cmocka_unit_test(dissent), cmocka_unit_test(ad_bit), cmocka_unit_test(resolv_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
