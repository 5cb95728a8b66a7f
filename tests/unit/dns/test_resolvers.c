/* test_resolvers.c - what is wrong with resolvers through which nothing can be validated, by stand-ins.
 * Touches: the network (127.0.0.0/8), a child process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dns/resolvers.h"
#include "world.h"

#define KEY ". 60 TYPE48 0101030d" \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SIGNATURE ". 60 TYPE46 00300d0000000e10700000006000000012340000112233445566778899aabbccddeeff"

static void one(void **state)
{
	static const struct {
		struct row row;
		const char *fault;              /* NULL: none */
	} kinds[] = {
		{ { RESOLVER, ".", DNS_DNSKEY, RA, { KEY, SIGNATURE } }, NULL },
		{ { RESOLVER, ".", DNS_DNSKEY, RA, { KEY } }, "gives no DNSSEC data" },
		{ { RESOLVER, ".", DNS_DNSKEY, RA, { "!. 60 SOA ns.test 1 1" } }, "gives no DNSSEC data" },
		{ { RESOLVER, ".", DNS_DNSKEY, RA | DNS_REFUSED, { NULL } }, "answers REFUSED when it is asked for the root's keys" },
		{ { RESOLVER, ".", DNS_DNSKEY, SILENT, { NULL } }, "no answer from the resolver 127.0.0.1:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct world w;
		char *fault;

		world_start(&w, &kinds[i].row, 1);
		fault = resolvers_fault(&w.c);
		assert_null(fault);             /* nobody validates */
		assert_int_equal(world_asked(&w, RESOLVER, ".", DNS_DNSKEY), 0);
		w.c.validate = VALIDATE_DNSSEC;
		fault = resolvers_fault(&w.c);
		if (!fault != !kinds[i].fault || (fault && !strstr(fault, kinds[i].fault)))
			fail_msg("%zu: %s", i, fault ? fault : "-");
		free(fault);
		w.c.resolvers_n = 0;
		assert_null(resolvers_fault(&w.c));
		world_stop(&w);
	}
}

/* One that is good is enough; else each is told of. */
static void two(void **state)
{
	static const struct row good[] = { { SECOND_RESOLVER, ".", DNS_DNSKEY, RA, { KEY, SIGNATURE } } };
	static const struct row bad[] = { { RESOLVER, ".", DNS_DNSKEY, RA | DNS_SERVFAIL, { NULL } } };
	struct world w;
	char *fault;

	(void)state;
	world_start(&w, good, ARRAY_LEN(good));
	w.c.validate = VALIDATE_DNSSEC;
	w.c.resolvers_n = 2;
	assert_null(resolvers_fault(&w.c));
	world_stop(&w);
	world_start(&w, bad, ARRAY_LEN(bad));
	w.c.validate = VALIDATE_DNSSEC;
	w.c.resolvers_n = 2;
	fault = resolvers_fault(&w.c);
	assert_non_null(fault);
	assert_non_null(strstr(fault, "answers SERVFAIL"));
	assert_non_null(strstr(fault, "; the resolver 127.80.0.53:"));
	free(fault);
	world_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one), cmocka_unit_test(two) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
