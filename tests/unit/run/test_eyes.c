/* test_eyes.c - what was seen, to text and back: over the pipe of a worker, and in state.json.
 * Touches: nothing but memory.
 */
#include "run/eyes_wire.h"
#include "run/store_parts.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static char *text_of(const struct look_owner *o, size_t n)
{
	struct json *all = eyes_encode(o, n);
	struct buf b;
	char *s;

	buf_init(&b, 1 << 20);
	json_print(&b, all, false);
	assert_false(b.over);
	json_free(all);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static bool owners_of(struct look_owner *o, size_t n, const char *text)
{
	struct err e;
	struct json *all = json_parse(text, strlen(text), &e);
	bool ok = eyes_decode(o, n, all);

	assert_non_null(all);
	json_free(all);
	return ok;
}

static void fill(struct look_owner *o)
{
	struct look_server *s;

	*o = (struct look_owner){
		.owner = mem_copy_str("_25._tcp.mx.example.org"), .end = mem_copy_str("_dane.example.org"),
		.zones = mem_array(1, sizeof(*o->zones)), .zones_n = 1,
		.servers = mem_array(2, sizeof(*o->servers)), .servers_n = 2,
	};
	o->zones[0] = (struct look_zone){ .apex = mem_copy_str("example.org"), .security = SECURITY_BOGUS,
					  .why = mem_copy_str("no \"DS\""), .ns_ttl_for = 86400,
					  .mname = mem_copy_str("ns1.example.org") };
	s = &o->servers[0];
	*s = (struct look_server){ .zone = mem_copy_str("example.org"),
				   .name = mem_copy_str("_25._tcp.mx.example.org"), .answer = ANSWER_DATA, .ttl_for = 3600,
				   .signed_ok = true, .signed_until_at = 1800000000, .wildcard = true,
				   .serial = 4294967295U, .nsid = mem_copy_str("6e31"), .at = 1790000000 };
	assert_true(addr_parse(&s->addr, "192.0.2.1", 53));
	strv_add(&s->names, "ns1.example.org");
	strv_add(&s->data, "3 1 1 ab");
	strv_add(&s->data, "3 1 1 cd");
	s = &o->servers[1];
	*s = (struct look_server){ .zone = mem_copy_str("example.org"),
				   .name = mem_copy_str("_25._tcp.mx.example.org"), .answer = ANSWER_FAIL,
				   .why = mem_copy_str("no answer in time"), .no_route = true, .unasked = true, .at = 1790000001,
				   .target = mem_copy_str("x.example.org"), .negative_for = 30 };
	assert_true(addr_parse(&s->addr, "[2001:db8::1]:5353", 53));
}

static void what_a_worker_saw(void **state)
{
	struct look_owner in[2], out[2] = { { 0 } };
	char *first, *again;

	(void)state;
	fill(&in[0]);
	in[1] = (struct look_owner){ .owner = mem_copy_str("_25._tcp.b.example.org"),
				     .problem = mem_copy_str("no resolver answers") };
	first = text_of(in, 2);
	assert_true(owners_of(out, 2, first));
	again = text_of(out, 2);
	assert_string_equal(first, again);
	assert_int_equal(out[0].servers[0].answer, ANSWER_DATA);
	assert_string_equal(out[0].servers[0].data.v[1], "3 1 1 cd");
	assert_int_equal(addr_port(&out[0].servers[1].addr), 5353);
	assert_null(out[0].problem);
	look_free(out, 2);
	memset(out, 0, sizeof(out));
	assert_false(owners_of(out, 1, first));
	assert_false(owners_of(out, 1, "[{\"owner\":\"a\",\"servers\":[{\"address\":\"x\"}]}]"));
	look_free(in, 2);
	look_free(out, 2);
	free(first);
	free(again);
}

static char *state_of(const struct ledger *l)
{
	struct json *o = json_object();
	struct buf b;
	char *s;

	store_put_eyes(o, l);
	buf_init(&b, 1 << 20);
	json_print(&b, o, true);
	s = buf_steal(&b);
	buf_free(&b);
	json_free(o);
	return s;
}

static const struct horizon_policy policy = { .margin_for = 300, .ttl_floor_for = 60, .assume_ttl_for = 86400,
					      .confirm = 2, .confirm_for = 300, .old_ttls = 2 };

static void what_is_remembered(void **state)
{
	static const enum tlsa_cover covers[] = { TLSA_LACKS, TLSA_COVERS };
	static const char *const ids[] = { "192.0.2.1 example.org", "192.0.2.2 example.org" };
	struct horizon_round r = { .path = "_25._tcp.mx.example.org example.org", .security = HS_SECURE,
				   .now = 1790000000 };
	struct strv owners = { 0 };
	struct ledger l = { 0 }, m = { 0 };
	char *first, *again;
	struct json *o;
	struct err e;

	(void)state;
	strv_add(&owners, "_25._tcp.mx.example.org");
	l.keysets = mem_array(1, sizeof(*l.keysets));
	l.keysets[l.keysets_n++] = (struct keyset){ .id = 7, .gen = 9, .live_at = 1 };
	ledger_eyes_fit(&l, &owners);
	horizon_begin(&l.eyes[0], &r, &policy);
	horizon_note(&l.eyes[0], &(struct horizon_answer){ .id = ids[0], .names = "ns1", .kind = HA_DATA,
			.covers = covers, .records = 1, .ttl_for = 3600, .signed_until_at = 1800000000,
			.serial = 4000000000U, .at = r.now }, &policy);
	horizon_note(&l.eyes[0], &(struct horizon_answer){ .id = ids[1], .names = "ns2", .kind = HA_FAIL,
			.why = "no answer in time", .covers = covers, .at = r.now }, &policy);
	horizon_end(&l.eyes[0], ids, 2, 86400, &policy, r.now);
	first = state_of(&l);
	o = json_parse(first, strlen(first), &e);
	assert_non_null(o);
	store_get_eyes(&m, json_get(o, "eyes"));
	again = state_of(&m);
	assert_string_equal(first, again);
	assert_int_equal(m.eyes_n, 1);
	assert_int_equal(m.eyes[0].servers_n, 2);
	assert_int_equal(m.eyes[0].keysets[1].keyset, 7);
	assert_int_equal(m.eyes[0].servers[0].serial, 4000000000U);
	json_free(o);
	free(first);
	free(again);
	ledger_free(&l);
	ledger_free(&m);
	strv_free(&owners);
}

/* A state that somebody edited costs what was seen, and nothing else. */
static void what_is_damaged(void **state)
{
	static const char *const texts[] = {
		"{\"eyes\":[{}]}", "{\"eyes\":[7]}", "{\"eyes\":{}}", "{}",
		"{\"eyes\":[{\"owner\":\"a\",\"keysets\":[{\"id\":3}],\"servers\":[{}]}]}",
		"{\"eyes\":[{\"owner\":\"a\",\"keysets\":[{\"id\":0},{\"id\":-5}],\"servers\":"
			"[{\"id\":\"x\",\"views\":[{\"state\":\"??\"}]}]}]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct ledger l = { 0 };
		struct strv owners = { 0 };
		struct json *o;
		struct err e;

		strv_add(&owners, "a");
		o = json_parse(texts[i], strlen(texts[i]), &e);
		assert_non_null(o);
		store_get_eyes(&l, json_get(o, "eyes"));
		ledger_eyes_fit(&l, &owners);
		assert_int_equal(l.eyes_n, 1);
		assert_int_equal(l.eyes[0].keysets[0].keyset, 0);
		json_free(o);
		ledger_free(&l);
		strv_free(&owners);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_worker_saw),
		cmocka_unit_test(what_is_remembered),
		cmocka_unit_test(what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
