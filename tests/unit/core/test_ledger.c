/* test_ledger.c - notes, reconciliation with the links, waits under a jumping clock.
 * Touches: nothing.
 */
#include "core/ledger.h"

#include "base/mem.h"
#include "base/when.h"
#include "core/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW ((int64_t)1800000000)
#define OWNER "_25._tcp.mx.example.org"

static struct ledger_links links(int live, int staging)
{
	return (struct ledger_links){ .live_id = live, .live_gen = live, .staging_id = staging,
				      .staging_gen = staging, .live_created_at = NOW - DAY,
				      .staging_created_at = NOW - HOUR };
}

static void note(struct ledger *l, int live, int staging, int64_t now)
{
	struct ledger_links k = links(live, staging);

	ledger_reconcile(l, &k, now);
}

static struct set set_of(int64_t ttl_for, size_t n, const int *ids)
{
	struct set s = { .ttl_for = ttl_for };

	for (size_t i = 0; i < n; i++) {
		char *data = mem_format("3 1 1 %02d", ids[i]);

		set_add(&s, OWNER, data, ids[i]);
		free(data);
	}
	set_sort(&s);
	return s;
}

#define RECORD(l, ttl, now, ...) do { \
	const int ids_[] = { __VA_ARGS__ }; \
	struct set s_ = set_of((ttl), ARRAY_LEN(ids_), ids_); \
	ledger_set_record((l), &s_, (now)); \
	set_free(&s_); \
} while (0)

static void links_become_roles(void **state)
{
	struct ledger l = { 0 };
	struct ledger_links k = links(1, 0);

	(void)state;
	assert_true(ledger_reconcile(&l, &k, NOW));
	assert_int_equal(ledger_live(&l)->id, 1);
	assert_int_equal(ledger_live(&l)->created_at, NOW - DAY);
	assert_int_equal(ledger_live(&l)->live_at, NOW);
	assert_false(ledger_reconcile(&l, &k, NOW + 5));        /* the same again is no news */
	note(&l, 1, 2, NOW + 10);
	assert_int_equal(ledger_staging(&l)->staged_at, NOW + 10);
	assert_int_equal(ledger_newest_gen(&l), 2);
	/* promoted, and the note was lost */
	note(&l, 2, 0, NOW + 20);
	assert_int_equal(ledger_live(&l)->id, 2);
	assert_null(ledger_staging(&l));
	assert_int_equal(ledger_retired_first(&l)->id, 1);
	assert_int_equal(ledger_retired_first(&l)->retired_at, NOW + 20);
	ledger_removed(&l, 1, NOW + 30);
	assert_null(ledger_retired_first(&l));
	assert_int_equal(ledger_retired_n(&l), 0);
	ledger_purged(&l, 1);
	assert_int_equal(l.keysets_n, 1);
	ledger_free(&l);
}

/* What is shown again because it was ordered is no sign of several servers behind one address. */
static void a_roll_back_is_no_relapse(void **state)
{
	struct ledger l = { 0 };
	struct served_answer a = { .name = "mx", .address = "a", .family = KEY_FAMILY_ECDSA, .state = SERVED_PRESENTED,
				   .cert = "c", .serial = "01" };
	static const char *const shown[] = { "old", "new", "old", "new", "old" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		note(&l, i & 1 ? 2 : 1, 0, NOW + i);
		a.spki = shown[i];
		a.at = NOW + i;
		served_note(&l.served, &a, 1);
	}
	assert_int_equal(l.rolled_back_at, NOW + 2);
	assert_int_equal(l.served.v[0].views[KEY_FAMILY_ECDSA].relapsed_at, 0);
	for (int i = 3; i < 5; i++) {
		a.spki = shown[i];
		a.at = NOW + i;
		served_note(&l.served, &a, 1);
	}
	assert_int_equal(l.served.v[0].views[KEY_FAMILY_ECDSA].relapsed_at, NOW + 4);
	ledger_free(&l);
}

static void a_killed_promotion_leaves_no_staged_key(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	note(&l, 1, 2, NOW);
	note(&l, 2, 2, NOW + 1);                        /* live moved, staging not yet removed */
	assert_null(ledger_staging(&l));
	assert_int_equal(ledger_live(&l)->id, 2);
	note(&l, 1, 2, NOW + 2);                        /* and rolled back before anybody tidied up */
	assert_null(ledger_staging(&l));
	assert_int_equal(ledger_retired_first(&l)->id, 2);
	assert_int_equal(l.rolled_back_at, NOW + 2);
	ledger_free(&l);
}

static void a_compromised_key_goes_before_older_ones(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	note(&l, 1, 2, NOW);
	note(&l, 2, 3, NOW + 1);
	assert_null(ledger_order_roll(&l, true, false));
	note(&l, 3, 0, NOW + 2);
	assert_int_equal(ledger_retired_n(&l), 2);
	assert_int_equal(ledger_retired_first(&l)->id, 2);
	ledger_removed(&l, 2, NOW + 3);
	assert_int_equal(ledger_retired_first(&l)->id, 1);
	ledger_free(&l);
}

static void an_unstaged_key_is_removed(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	note(&l, 1, 2, NOW);
	note(&l, 1, 0, NOW + 1);
	assert_null(ledger_staging(&l));
	assert_int_equal(ledger_keyset(&l, 2)->removed_at, NOW + 1);
	ledger_free(&l);
}

static void a_renewal_keeps_the_keyset(void **state)
{
	struct ledger l = { 0 };
	struct ledger_links k = links(1, 0);

	(void)state;
	note(&l, 1, 0, NOW);
	k.live_gen = 5;
	assert_true(ledger_reconcile(&l, &k, NOW + DAY));
	assert_int_equal(l.keysets_n, 1);
	assert_int_equal(ledger_live(&l)->gen, 5);
	assert_int_equal(ledger_live(&l)->live_at, NOW);
	ledger_free(&l);
}

static void orders_expire_by_themselves(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	assert_non_null(ledger_order_roll(&l, false, false));
	assert_non_null(ledger_order_back(&l));
	note(&l, 1, 2, NOW);
	assert_null(ledger_order_roll(&l, false, true));
	note(&l, 2, 0, NOW + 1);
	assert_int_equal(l.roll_from, 0);
	assert_false(l.force);
	assert_null(ledger_order_back(&l));
	assert_int_equal(l.back_to, 1);
	note(&l, 1, 0, NOW + 2);
	assert_int_equal(l.back_to, 0);
	assert_null(ledger_order_roll(&l, true, false));
	assert_true(ledger_live(&l)->compromised);
	note(&l, 2, 0, NOW + 3);
	assert_non_null(ledger_order_back(&l));         /* not to a compromised one */
	ledger_order_renew(&l, false);
	assert_int_equal(l.renew_gen, 3);
	ledger_free(&l);
}

static void a_new_live_key_is_deployed_anew(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	note(&l, 1, 0, NOW);
	acks_ok(&l.certchange, "/hook", 1, NOW);
	ledger_deployed(&l, NOW);
	assert_int_equal(l.deployed_keyset, 1);
	note(&l, 2, 0, NOW + 1);
	note(&l, 1, 0, NOW + 2);                        /* back: the servers may have 2 by now */
	assert_int_equal(l.deployed_keyset, 0);
	assert_int_equal(acks_find(&l.certchange, "/hook")->acked, 0);
	ledger_free(&l);
}

/* The set -------------------------------------------------------------------------------------- */

static void publication_counts_from_the_acknowledgement(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	RECORD(&l, HOUR, NOW, 1);
	assert_int_equal(l.set.v[0].published_at, 0);
	ledger_set_done(&l, NOW + 50);
	assert_int_equal(l.set.v[0].published_at, NOW + 50);
	assert_int_equal(l.set.v[0].stale_until_at, 0);         /* nothing was there before */
	RECORD(&l, 60, NOW + 100, 1, 2);
	assert_int_equal(l.set_serial, 2);
	assert_int_equal(l.set.v[0].published_at, NOW + 50);    /* carried over */
	assert_int_equal(l.set.v[1].published_at, 0);
	ledger_set_done(&l, NOW + 200);
	/* caches may hold the old set for the *old* TTL */
	assert_int_equal(l.set.v[1].stale_until_at, NOW + 200 + HOUR);
	ledger_set_done(&l, NOW + 999);
	assert_int_equal(l.set.v[1].published_at, NOW + 200);   /* once */
	ledger_free(&l);
}

static void a_long_ttl_is_remembered_over_a_short_one(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	RECORD(&l, DAY, NOW, 1);
	ledger_set_done(&l, NOW);
	RECORD(&l, 60, NOW + 10, 1);                            /* lowered shortly before */
	ledger_set_done(&l, NOW + 20);
	RECORD(&l, 60, NOW + 30, 1, 2);
	ledger_set_done(&l, NOW + 40);
	assert_int_equal(l.set.v[1].stale_until_at, NOW + 20 + DAY);
	ledger_free(&l);
}

static void an_unfinished_set_counts_too(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	RECORD(&l, 60, NOW, 1);
	ledger_set_done(&l, NOW);
	RECORD(&l, DAY, NOW + 10, 1);                           /* never acknowledged, perhaps seen */
	RECORD(&l, 60, NOW + 20, 1, 2);
	ledger_set_done(&l, NOW + 30);
	assert_int_equal(l.set.v[1].stale_until_at, NOW + 30 + DAY);
	ledger_free(&l);
}

static void a_set_that_was_tampered_with_is_not_trusted(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	RECORD(&l, 60, NOW, 1, 2);
	acks_ok(&l.keychange, "/hook", 1, NOW);
	ledger_set_done(&l, NOW);
	ledger_set_distrust(&l);
	assert_int_equal(l.set.v[1].published_at, 0);
	assert_int_equal(l.set_done_at, 0);
	assert_int_equal(acks_find(&l.keychange, "/hook")->acked, 0);
	ledger_free(&l);
}

static void sets_differ_by_every_part(void **state)
{
	static const int one[] = { 1 }, two[] = { 1, 2 };
	struct ledger l = { 0 };
	struct set s;

	(void)state;
	RECORD(&l, 60, NOW, 1);
	s = set_of(60, 1, one);
	assert_false(ledger_set_differs(&l, &s));
	s.ttl_for = 61;
	assert_true(ledger_set_differs(&l, &s));
	set_free(&s);
	s = set_of(60, 2, two);
	assert_true(ledger_set_differs(&l, &s));
	set_free(&s);
	s = set_of(60, 1, one);
	s.v[0].keyset = 0;
	assert_true(ledger_set_differs(&l, &s));
	set_free(&s);
	ledger_free(&l);
}

static void acknowledgements(void **state)
{
	struct strv hooks = { 0 };
	struct acks a = { 0 };
	struct ledger l = { 0 };

	(void)state;
	strv_add(&hooks, "/a");
	strv_add(&hooks, "/b x");
	assert_true(acks_pending(&a, &hooks, 3));
	acks_ok(&a, "/a", 3, NOW);
	assert_true(acks_pending(&a, &hooks, 3));
	acks_failed(&a, "/b x", "no", NOW);
	acks_failed(&a, "/b x", "still no", NOW + 9);
	assert_int_equal(acks_find(&a, "/b x")->failures, 2);
	assert_int_equal(acks_find(&a, "/b x")->failing_at, NOW);
	assert_string_equal(acks_find(&a, "/b x")->error, "still no");
	acks_ok(&a, "/b x", 3, NOW);
	assert_null(acks_find(&a, "/b x")->error);
	assert_false(acks_pending(&a, &hooks, 3));
	assert_true(acks_pending(&a, &hooks, 4));
	free(hooks.v[0]);
	hooks.v[0] = mem_copy_str("/c");                /* a hook that is new in the configuration */
	assert_true(acks_pending(&a, &hooks, 3));
	acks_keep(&a, &hooks);
	assert_null(acks_find(&a, "/a"));
	assert_non_null(acks_find(&a, "/b x"));
	l.certchange = a;
	ledger_free(&l);
	strv_free(&hooks);
}

static void failures_are_remembered_and_forgotten(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	ledger_failed(&l, DO_RENEW, "no", NOW, 0);
	assert_int_equal(l.retry[DO_RENEW].next_at, NOW + RETRY_FIRST_FOR);
	ledger_failed(&l, DO_RENEW, "no", NOW, 0);
	assert_int_equal(l.retry[DO_RENEW].next_at, NOW + 10 * RETRY_FIRST_FOR);
	ledger_succeeded(&l, DO_RENEW);
	assert_int_equal(l.retry[DO_RENEW].failures, 0);
	assert_null(l.retry[DO_RENEW].error);
	ledger_free(&l);
}

static void back_off_is_capped_and_never_zero(void **state)
{
	static const int64_t first[] = { 60, 600, 6000, 23 * 3600, 23 * 3600 };
	int64_t last = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(first); i++)
		assert_int_equal(retry_delay((int64_t)i + 1, 0), first[i]);
	for (int64_t n = 1; n <= 10000; n++) {
		int64_t hi = retry_delay(n, 0), lo = retry_delay(n, 65535);

		assert_true(hi >= last && hi <= RETRY_MAX_FOR);
		assert_true(lo > 0 && lo <= hi && lo >= hi - hi / 4);
		last = hi;
	}
	assert_int_equal(last, RETRY_MAX_FOR);
}

static void a_lost_ledger_assumes_the_worst(void **state)
{
	struct ledger l = { 0 };

	(void)state;
	note(&l, 3, 0, NOW);
	ledger_assume_retired(&l, 1, 2, NOW - YEAR, NOW);
	assert_int_equal(ledger_retired_first(&l)->id, 1);
	assert_int_equal(ledger_retired_first(&l)->gen, 2);
	assert_int_equal(ledger_retired_first(&l)->retired_at, NOW);
	ledger_free(&l);
}

/* The clock ------------------------------------------------------------------------------------ */

static struct ledger_clock at(int64_t real_at, int64_t boot_for, const char *boot)
{
	struct ledger_clock c = { .real_at = real_at, .boot_for = boot_for };

	snprintf(c.boot_id, sizeof(c.boot_id), "%s", boot);
	return c;
}

static void make_waiting(struct ledger *l)
{
	*l = (struct ledger){ 0 };
	note(l, 1, 2, NOW);
	RECORD(l, HOUR, NOW, 1, 2);
	ledger_set_done(l, NOW);
	ledger_failed(l, DO_RENEW, "no", NOW, 0);
	l->clock = at(NOW, 1000, "a");
}

static void clock_table(void **state)
{
	/* published at NOW: when does it count as published after each of these? */
	static const struct {
		int64_t real_at, boot_for;
		const char *boot;
		enum ledger_jump jump;
		int64_t published_at;
	} rows[] = {
		{ NOW + DAY, 1000 + DAY, "a", JUMP_NONE, NOW },
		{ NOW + DAY + 59, 1000 + DAY, "a", JUMP_NONE, NOW },
		{ NOW + 31 * DAY, 1000 + DAY, "a", JUMP_SHIFTED, NOW + 30 * DAY },
		{ NOW - HOUR, 1000 + HOUR, "a", JUMP_SHIFTED, NOW - 2 * HOUR },
		{ NOW + 6 * DAY, 100, "b", JUMP_NONE, NOW },
		/* off for long, or a clock that runs wild: only the time since boot is sure */
		{ NOW + 8 * DAY, 100, "b", JUMP_RESTARTED, NOW + 8 * DAY - 100 },
		{ NOW + 80 * DAY, 79 * DAY, "b", JUMP_RESTARTED, NOW + DAY },
		/* put back over a boot: neither early nor years late */
		{ NOW - 300 * DAY, 50, "b", JUMP_RESTARTED, NOW - 300 * DAY },
		{ NOW - 300 * DAY, 5 * DAY, "b", JUMP_RESTARTED, NOW - 300 * DAY },
		/* rehearsals have no boot: they never restart a wait by going ahead */
		{ NOW + 200 * DAY, NOW + 200 * DAY, "rehearsal", JUMP_RESTARTED, NOW },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ledger_clock now = at(rows[i].real_at, rows[i].boot_for, rows[i].boot);
		struct ledger l;

		make_waiting(&l);
		assert_int_equal(ledger_clock_fit(&l, &now), rows[i].jump);
		if (l.set.v[1].published_at != rows[i].published_at)
			fail_msg("row %zu: %lld seconds off", i,
				 (long long)(l.set.v[1].published_at - rows[i].published_at));
		if (rows[i].real_at < NOW) {
			assert_true(ledger_live(&l)->created_at <= rows[i].real_at);
			assert_true(l.retry[DO_RENEW].next_at <= rows[i].real_at + RETRY_MAX_FOR);
		}
		ledger_free(&l);
	}
}

static void a_new_ledger_has_no_clock(void **state)
{
	struct ledger l = { 0 };
	struct ledger_clock now = at(NOW, 5, "a");

	(void)state;
	assert_int_equal(ledger_clock_fit(&l, &now), JUMP_NONE);
}

/* Facts ---------------------------------------------------------------------------------------- */

static void facts_from_notes(void **state)
{
	static const int both[] = { 1, 2 };
	struct policy p = { .publishes = true, .tells = true };
	struct strv hooks = { 0 };
	struct set wanted = set_of(HOUR, 2, both);
	struct ledger_view v = { .wanted = &wanted, .certchange = &hooks, .keychange = &hooks };
	struct strv said = { 0 };
	struct ledger l = { 0 };
	struct facts f;

	(void)state;
	strv_add(&hooks, "/hook");
	note(&l, 1, 2, NOW);
	ledger_facts(&f, &said, &l, &p, &v);
	assert_true(f.live.present && f.staging.present && !f.retired.present);
	assert_true(f.set_changed);
	assert_false(f.set_pending);
	assert_true(f.deploy_pending);
	assert_int_equal(f.deployed_at, 0);
	assert_int_equal(f.staging.published_at, 0);

	ledger_set_record(&l, &wanted, NOW);
	ledger_facts(&f, &said, &l, &p, &v);
	assert_false(f.set_changed);
	assert_true(f.set_pending);
	acks_ok(&l.keychange, "/hook", 1, NOW);
	ledger_set_done(&l, NOW + 1);
	acks_ok(&l.certchange, "/hook", 1, NOW);
	ledger_facts(&f, &said, &l, &p, &v);
	assert_true(f.deploy_pending);                  /* killed before the note: not forgotten */
	ledger_deployed(&l, NOW + 2);
	ledger_facts(&f, &said, &l, &p, &v);
	assert_false(f.set_pending || f.deploy_pending);
	assert_int_equal(f.staging.published_at, NOW + 1);
	assert_int_equal(f.deployed_at, NOW + 2);

	v.include_wrong = true;
	ledger_facts(&f, &said, &l, &p, &v);
	assert_true(f.set_pending);
	v.include_wrong = false;

	/* a new owner: the staged key is not published there yet */
	set_add(&wanted, "_443._tcp.mx.example.org", "3 1 1 02", 2);
	set_sort(&wanted);
	ledger_facts(&f, &said, &l, &p, &v);
	assert_int_equal(f.staging.published_at, 0);
	assert_true(f.set_changed);

	note(&l, 2, 0, NOW + 3);
	ledger_removed(&l, 1, NOW + 4);
	ledger_facts(&f, &said, &l, &p, &v);
	assert_int_equal(f.purge_at, NOW + 4 + PURGE_AFTER_FOR);
	assert_int_equal(f.deployed_at, 0);
	p.tells = false;
	ledger_facts(&f, &said, &l, &p, &v);
	assert_int_equal(f.deployed_at, NOW + 3);
	p.blind = true;
	ledger_facts(&f, &said, &l, &p, &v);
	assert_int_equal(f.deployed_at, 0);
	set_free(&wanted);
	strv_free(&hooks);
	ledger_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_become_roles),
		cmocka_unit_test(a_roll_back_is_no_relapse),
		cmocka_unit_test(a_killed_promotion_leaves_no_staged_key),
		cmocka_unit_test(a_compromised_key_goes_before_older_ones),
		cmocka_unit_test(an_unstaged_key_is_removed),
		cmocka_unit_test(a_renewal_keeps_the_keyset),
		cmocka_unit_test(orders_expire_by_themselves),
		cmocka_unit_test(a_new_live_key_is_deployed_anew),
		cmocka_unit_test(publication_counts_from_the_acknowledgement),
		cmocka_unit_test(a_long_ttl_is_remembered_over_a_short_one),
		cmocka_unit_test(an_unfinished_set_counts_too),
		cmocka_unit_test(a_set_that_was_tampered_with_is_not_trusted),
		cmocka_unit_test(sets_differ_by_every_part),
		cmocka_unit_test(acknowledgements),
		cmocka_unit_test(failures_are_remembered_and_forgotten),
		cmocka_unit_test(back_off_is_capped_and_never_zero),
		cmocka_unit_test(a_lost_ledger_assumes_the_worst),
		cmocka_unit_test(clock_table),
		cmocka_unit_test(a_new_ledger_has_no_clock),
		cmocka_unit_test(facts_from_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
