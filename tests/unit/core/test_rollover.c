/* test_rollover.c - the rule table: every row, their order, and what holds for all facts.
 * Touches: nothing.
 */
#include "core/rollover.h"

#include "base/mem.h"
#include "base/when.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW ((int64_t)1800000000)

static const struct policy dane = {
	.max_key_age_for = 180 * DAY, .staging_for = 2 * DAY, .retire_after_for = 2 * DAY,
	.cert_for = 90 * DAY, .ttl_for = HOUR, .publishes = true, .tells = true,
};
static const struct policy plain = {
	.max_key_age_for = 180 * DAY, .retire_after_for = 2 * DAY, .cert_for = 90 * DAY,
	.tells = true,
};

static struct key_facts key(int id, int64_t age_for)
{
	return (struct key_facts){
		.present = true, .id = id, .gen = id, .fits_types = true, .fits_names = true,
		.created_at = NOW - age_for, .staged_at = NOW - age_for,
		.cert_from_at = NOW - 10 * DAY, .cert_until_at = NOW + 80 * DAY,
		.published_at = NOW - age_for + HOUR,
	};
}

static struct facts steady(void)
{
	return (struct facts){ .live = key(1, 20 * DAY), .deployed_at = NOW - 20 * DAY, .published = true };
}

/* Staged three days ago, published an hour later: settled since almost a day. */
static struct facts staged(void)
{
	struct facts f = steady();

	f.live.created_at = NOW - 190 * DAY;
	f.staging = key(2, 3 * DAY);
	return f;
}

static struct facts retiring(void)
{
	struct facts f = steady();

	f.retired = key(0, 200 * DAY);
	f.retired.retired_at = NOW - DAY;
	f.retired_n = 1;
	f.deployed_at = NOW - DAY + 5;
	return f;
}

static enum step next(const struct policy *p, const struct facts *f)
{
	return rollover_next(p, f, NOW).step;
}

/* The steps that come when each, once chosen, is switched off for this run. */
static void assert_order(const struct policy *p, struct facts f, const enum step *want, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		enum step got = next(p, &f);

		if (got != want[i])
			fail_msg("place %zu: %s instead of %s", i, rollover_step_name(got),
				 rollover_step_name(want[i]));
		f.tried |= 1U << got;
	}
}

#define ORDER(p, f, ...) do { \
	const enum step want_[] = { __VA_ARGS__, DO_NOTHING }; \
	assert_order((p), (f), want_, ARRAY_LEN(want_)); \
} while (0)

/* Rows ----------------------------------------------------------------------------------------- */

static void new_line_makes_a_key(void **state)
{
	struct facts f = { 0 };

	(void)state;
	assert_int_equal(next(&dane, &f), DO_MAKE_KEY);
	f.tried = 1U << DO_MAKE_KEY;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.tried = 0;
	f.retry_at[DO_MAKE_KEY] = NOW + 77;
	assert_int_equal(rollover_next(&dane, &f, NOW).again_at, NOW + 77);
}

static void steady_line_does_nothing_until_something_is_due(void **state)
{
	struct facts f = steady();
	struct decision d = rollover_next(&dane, &f, NOW);

	(void)state;
	assert_int_equal(d.step, DO_NOTHING);
	assert_string_equal(d.why, "up to date");
	/* a third of 90 days is left 30 days before the end */
	assert_int_equal(d.again_at, NOW + 50 * DAY);
}

static void order_in_steady(void **state)
{
	struct facts f = steady();

	(void)state;
	f.links_wrong = f.deploy_pending = f.set_changed = true;
	f.live.fits_names = false;
	f.live.compromised = true;
	f.back_wanted = f.back_published = true;        /* without a retired key: no meaning */
	f.purge_at = NOW;
	ORDER(&dane, f, DO_LINK, DO_RENEW, DO_DEPLOY, DO_PUBLISH, DO_STAGE);
	f.set_changed = false;
	ORDER(&dane, f, DO_LINK, DO_RENEW, DO_DEPLOY, DO_STAGE, DO_PURGE);
}

static void order_in_staged(void **state)
{
	struct facts f = staged();

	(void)state;
	f.links_wrong = f.deploy_pending = true;
	f.purge_at = NOW;
	f.live.cert_until_at = NOW + DAY;
	f.staging.cert_until_at = NOW + DAY;
	ORDER(&dane, f, DO_LINK, DO_RENEW_STAGING, DO_PROMOTE, DO_RENEW, DO_DEPLOY, DO_PURGE);
	f.set_pending = true;
	ORDER(&dane, f, DO_LINK, DO_RENEW_STAGING, DO_RENEW, DO_DEPLOY, DO_PUBLISH);
	f.staging.fits_types = false;
	ORDER(&dane, f, DO_LINK, DO_UNSTAGE, DO_RENEW_STAGING, DO_RENEW, DO_DEPLOY, DO_PUBLISH);
}

static void order_in_retiring(void **state)
{
	struct facts f = retiring();

	(void)state;
	f.retired.retired_at = f.deployed_at = NOW - 3 * DAY;
	f.links_wrong = f.deploy_pending = true;
	f.live.fits_names = false;
	f.live.compromised = true;
	f.purge_at = NOW;
	ORDER(&dane, f, DO_LINK, DO_RENEW, DO_DEPLOY, DO_RETIRE, DO_STAGE, DO_PURGE);
	f.back_wanted = f.back_published = true;
	ORDER(&dane, f, DO_LINK, DO_ROLL_BACK, DO_RENEW, DO_DEPLOY, DO_STAGE, DO_PURGE);
}

static void order_in_crowded(void **state)
{
	struct facts f = staged();

	(void)state;
	f.retired = key(0, 200 * DAY);
	f.retired.retired_at = f.deployed_at = NOW - 3 * DAY;
	f.retired_n = 1;
	f.back_wanted = f.back_published = true;
	f.staging.compromised = true;
	f.staging.fits_names = false;
	ORDER(&dane, f, DO_ROLL_BACK, DO_UNSTAGE, DO_RENEW_STAGING);
	f.back_wanted = false;
	f.staging.compromised = false;
	f.staging.fits_names = true;
	ORDER(&dane, f, DO_PROMOTE, DO_RETIRE);
}

static void reasons_in_order(void **state)
{
	struct policy blind = dane;
	struct facts f = staged();

	(void)state;
	/* everything that could be done has failed in this run: the sentence names the first cause */
	f.tried = ~0U;
	f.deployed_at = 0;
	f.set_pending = f.set_changed = true;
	f.retired = key(0, 200 * DAY);
	f.back_wanted = true;
	f.staging.fits_names = false;
	assert_ptr_equal(strstr(rollover_next(&dane, &f, NOW).why, "a post-certchange hook"),
			 rollover_next(&dane, &f, NOW).why);
	f.deployed_at = NOW;
	assert_non_null(strstr(rollover_next(&dane, &f, NOW).why, "a publisher has not"));
	f.set_pending = f.set_changed = false;
	assert_non_null(strstr(rollover_next(&dane, &f, NOW).why, "roll-back waits"));
	f.back_wanted = false;
	f.staging.published_at = NOW;
	assert_non_null(strstr(rollover_next(&dane, &f, NOW).why, "no certificate that fits"));
	f.staging.fits_names = true;
	assert_non_null(strstr(rollover_next(&dane, &f, NOW).why, "caches may still"));
	f.live.created_at = NOW;
	assert_non_null(strstr(rollover_next(&dane, &f, NOW).why, "a next key is staged"));
	blind.blind = true;
	assert_non_null(strstr(rollover_next(&blind, &f, NOW).why, "a next key is staged"));
	f.staging = (struct key_facts){ 0 };
	f.deployed_at = NOW;
	assert_non_null(strstr(rollover_next(&dane, &f, NOW).why, "servers may still present"));
	f.retired = (struct key_facts){ 0 };
	assert_string_equal(rollover_next(&dane, &f, NOW).why, "up to date");
}

/* Where name servers are asked, their rows come before the plain ones, and say what exactly. */
static void reasons_of_eyes(void **state)
{
	struct policy p = dane;
	struct facts f = staged();

	(void)state;
	p.verifies = true;
	f.staging.sight = SIGHT_HOLD;
	f.staging.seen = "ns2 lacks it";
	assert_int_equal(next(&p, &f), DO_NOTHING);
	assert_non_null(strstr(rollover_next(&p, &f, NOW).why, "were not all seen"));
	assert_string_equal(rollover_next(&p, &f, NOW).detail, "ns2 lacks it");
	assert_int_equal(rollover_settled_at(&p, &f), WHEN_NEVER);
	f.staging.sight = SIGHT_WAIT;
	f.staging.safe_at = NOW + HOUR;
	assert_non_null(strstr(rollover_next(&p, &f, NOW).why, "caches may still"));
	assert_string_equal(rollover_next(&p, &f, NOW).detail, "ns2 lacks it");
	assert_int_equal(rollover_next(&p, &f, NOW).again_at, NOW + HOUR);
	assert_int_equal(rollover_next(&p, &f, NOW + HOUR).step, DO_PROMOTE);
	f.staging.sight = SIGHT_GO;
	f.staging.safe_at = NOW - HOUR;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
	/* by force without them, but never without publication */
	f.staging.sight = SIGHT_HOLD;
	f.roll_wanted = f.force = true;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
	f.staging.published_at = 0;
	assert_int_equal(next(&p, &f), DO_NOTHING);

	f = retiring();
	f.retired.retired_at = f.deployed_at = NOW - 3 * DAY;
	f.live.sight = SIGHT_GO;
	assert_int_equal(next(&p, &f), DO_RETIRE);
	f.live.sight = SIGHT_HOLD;
	f.live.seen = "bogus";
	assert_int_equal(next(&p, &f), DO_NOTHING);
	assert_non_null(strstr(rollover_next(&p, &f, NOW).why, "old records stay until"));
	assert_string_equal(rollover_next(&p, &f, NOW).detail, "bogus");
	f.live.sight = SIGHT_WAIT;
	f.live.safe_at = NOW + HOUR;
	assert_int_equal(rollover_next(&p, &f, NOW).again_at, NOW + HOUR);
	assert_int_equal(rollover_next(&p, &f, NOW + HOUR).step, DO_RETIRE);

	f.back_wanted = f.back_published = true;
	f.back_sight = SIGHT_HOLD;
	f.back_seen = "ns1 lacks it";
	assert_int_equal(next(&p, &f), DO_NOTHING);
	assert_string_equal(rollover_next(&p, &f, NOW).detail, "ns1 lacks it");
	f.back_sight = SIGHT_GO;
	assert_int_equal(next(&p, &f), DO_ROLL_BACK);
}

static void blind_lines_never_retire(void **state)
{
	struct policy p = dane;
	struct facts f = retiring();

	(void)state;
	p.tells = false;
	p.blind = true;
	f.deployed_at = 0;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	assert_non_null(strstr(rollover_next(&p, &f, NOW + YEAR / 8).why, "old records stay"));
}

/* Promotion ------------------------------------------------------------------------------------ */

static void promotion_waits_for_staging_after_the_publication_succeeded(void **state)
{
	struct facts f = staged();

	(void)state;
	f.staging.published_at = NOW - 2 * DAY + 1;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	assert_int_equal(rollover_next(&dane, &f, NOW).again_at, NOW + 1);
	f.staging.published_at = NOW - 2 * DAY;
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
	f.staging.published_at = 0;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
}

static void promotion_waits_for_a_longer_old_ttl(void **state)
{
	struct facts f = staged();

	(void)state;
	f.staging.stale_until_at = NOW - CACHE_ROUNDING_FOR + 1;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.staging.stale_until_at = NOW - CACHE_ROUNDING_FOR;
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
}

static void promotion_is_blocked_by_any_open_publication(void **state)
{
	struct facts f = staged();

	(void)state;
	f.tried = 1U << DO_PUBLISH;
	f.set_pending = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.set_pending = false;
	f.set_changed = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
}

static void promotion_needs_a_certificate_that_fits(void **state)
{
	struct facts f = staged();

	(void)state;
	f.tried = 1U << DO_RENEW_STAGING;
	f.staging.fits_names = false;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f = staged();
	f.tried = 1U << DO_RENEW_STAGING;
	f.staging.cert_until_at = NOW;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.staging.cert_until_at = NOW + 1;              /* late, but good */
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
	f = staged();
	f.tried = 1U << DO_RENEW_STAGING;
	f.staging.bootstrap = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.live.bootstrap = true;
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
}

/* It was made when the last one went live, and would be due as soon as it is live itself. */
static void the_age_of_a_standby_key_counts_from_when_it_is_used(void **state)
{
	struct policy p = dane;
	struct facts f = staged();

	(void)state;
	p.standby = true;
	f.staging = key(2, 178 * DAY);
	rollover_assume(&p, &f, DO_PROMOTE, NOW);
	assert_true(rollover_key_due_at(&p, &f) == NOW + 180 * DAY);
	f = staged();
	f.live.live_at = NOW - 100 * DAY;
	assert_true(rollover_key_due_at(&p, &f) == NOW + 80 * DAY);
	assert_true(rollover_key_due_at(&dane, &f) == NOW - 10 * DAY);
}

static void standby_is_staged_early_and_promoted_when_due(void **state)
{
	struct policy p = dane;
	struct facts f = steady();

	(void)state;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	p.standby = true;
	assert_int_equal(next(&p, &f), DO_STAGE);
	f.staging = key(2, 3 * DAY);
	assert_int_equal(next(&p, &f), DO_NOTHING);
	f.roll_wanted = true;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
	f.roll_wanted = false;
	f.live.compromised = true;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
}

static void a_key_that_was_revoked_gets_no_certificate(void **state)
{
	struct facts f = steady();

	(void)state;
	f.live.cert_until_at = NOW + 1;
	assert_int_equal(next(&dane, &f), DO_RENEW);
	f.live.compromised = true;                      /* servers go on with it for a while */
	assert_int_equal(next(&dane, &f), DO_RENEW);
	f.live.disowned = true;
	assert_int_not_equal(next(&dane, &f), DO_RENEW);
}

static void emergency_waits_for_caches_only(void **state)
{
	struct facts f = staged();

	(void)state;
	f.live.compromised = true;
	f.staging.published_at = NOW - HOUR - EMERGENCY_MARGIN_FOR;
	f.staging.stale_until_at = f.staging.published_at + HOUR;
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
	f.staging.stale_until_at += 1;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.roll_wanted = f.force = true;
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
	f.staging.published_at = 0;                     /* not even by force before it is published */
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	/* the TTL is unknown: there is nothing to compute with but the configured time */
	f.force = false;
	f.staging.published_at = NOW - DAY;
	f.staging.stale_until_at = 0;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
}

static void without_dns_promotion_follows_staging(void **state)
{
	struct facts f = staged();
	struct policy p = plain;

	(void)state;
	f.staging.published_at = 0;
	f.staging.staged_at = NOW;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
	p.staging_for = DAY;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	f.force = f.roll_wanted = true;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
}

/* The other steps ------------------------------------------------------------------------------ */

static void first_set_only_after_the_servers_have_the_key(void **state)
{
	struct facts f = steady();

	(void)state;
	f.live.published_at = 0;
	f.published = false;
	f.set_changed = f.deploy_pending = true;
	f.deployed_at = 0;
	f.tried = 1U << DO_DEPLOY;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.deployed_at = NOW;
	assert_int_equal(next(&dane, &f), DO_PUBLISH);
	f.deployed_at = 0;                              /* a later one adds to a set that is served */
	f.published = true;
	assert_int_equal(next(&dane, &f), DO_PUBLISH);
}

static void retirement_waits_for_the_servers(void **state)
{
	struct facts f = retiring();

	(void)state;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	assert_int_equal(rollover_retire_at(&dane, &f), f.deployed_at + 2 * DAY);
	assert_int_equal(rollover_next(&dane, &f, f.deployed_at + 2 * DAY).step, DO_RETIRE);
	f.deployed_at = 0;
	assert_int_equal(rollover_next(&dane, &f, NOW + 20 * DAY).step, DO_NOTHING);
	f = retiring();
	f.retired.compromised = true;                   /* told is enough: away with it */
	assert_int_equal(next(&dane, &f), DO_RETIRE);
	f.tried = 1U << DO_PUBLISH;
	f.set_pending = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
}

static void one_change_at_a_time(void **state)
{
	struct facts f = retiring();

	(void)state;
	f.roll_wanted = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.live.compromised = true;
	assert_int_equal(next(&dane, &f), DO_STAGE);
	f = steady();
	f.roll_wanted = true;
	assert_int_equal(next(&dane, &f), DO_STAGE);
	f.tried = 1U << DO_PUBLISH;
	f.set_pending = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.set_pending = false;
	f.deployed_at = 0;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
}

static void what_makes_a_key_due(void **state)
{
	struct facts f = steady();

	(void)state;
	f.live.created_at = NOW - 180 * DAY + 1;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.live.created_at = NOW - 180 * DAY;
	assert_int_equal(next(&dane, &f), DO_STAGE);
	f.rolled_back_at = NOW - 1;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	assert_int_equal(rollover_next(&dane, &f, NOW - 1 + ROLLED_BACK_REST_FOR).step, DO_STAGE);
	f = steady();
	f.live.fits_types = false;
	assert_int_equal(next(&dane, &f), DO_STAGE);
}

static void what_makes_a_certificate_due(void **state)
{
	struct policy p = dane;
	struct key_facts k = key(1, DAY);

	(void)state;
	k.cert_from_at = NOW;
	k.cert_until_at = NOW + 90 * DAY;
	assert_int_equal(rollover_renew_at(&p, &k), NOW + 60 * DAY);
	k.cert_until_at = NOW + 6 * DAY;
	assert_int_equal(rollover_renew_at(&p, &k), NOW + 3 * DAY);
	p.renew_num = 1;
	p.renew_den = 6;
	assert_int_equal(rollover_renew_at(&p, &k), NOW + 5 * DAY);
	p.renew_before_for = 15 * DAY;
	k.cert_until_at = NOW + 90 * DAY;
	assert_int_equal(rollover_renew_at(&p, &k), NOW + 75 * DAY);
	/* longer than the certificate lives: not a storm of renewals */
	p.renew_before_for = 400 * DAY;
	assert_int_equal(rollover_renew_at(&p, &k), NOW + 30 * DAY);
}

static void what_a_suggestion_of_the_ca_changes(void **state)
{
	static const struct {
		int64_t life_for, suggested_for, want_for;      /* since the beginning */
		int64_t renew_before_for;
		int32_t renew_num, renew_den;
	} rows[] = {
		/* sooner or later than a third of the life before the end: the CA's word */
		{ 90 * DAY, 40 * DAY, 40 * DAY, 0, 0, 0 },
		{ 90 * DAY, 70 * DAY, 70 * DAY, 0, 0, 0 },
		{ 160 * HOUR, 100 * HOUR, 100 * HOUR, 0, 0, 0 },
		/* but not in the last tenth, or the last two days (of short ones the last third), nor after the end */
		{ 90 * DAY, 81 * DAY, 81 * DAY, 0, 0, 0 },
		{ 90 * DAY, 81 * DAY + 1, 81 * DAY, 0, 0, 0 },
		{ 90 * DAY, 1000 * DAY, 81 * DAY, 0, 0, 0 },
		{ 15 * DAY, 14 * DAY, 13 * DAY, 0, 0, 0 },
		{ 160 * HOUR, 159 * HOUR, 112 * HOUR, 0, 0, 0 },
		/* nor for one that is younger than a day, or a tenth of a short life */
		{ 90 * DAY, DAY, DAY, 0, 0, 0 },
		{ 90 * DAY, DAY - 1, DAY, 0, 0, 0 },
		{ 90 * DAY, -500 * DAY, DAY, 0, 0, 0 },
		{ 160 * HOUR, 1, 16 * HOUR, 0, 0, 0 },
		{ 10 * DAY, 0, DAY, 0, 0, 0 },
		{ 90 * MINUTE, -1, 9 * MINUTE, 0, 0, 0 },
		/* the configuration's rule counts where it is sooner */
		{ 90 * DAY, 70 * DAY, 50 * DAY, 40 * DAY, 0, 0 },
		{ 90 * DAY, 45 * DAY, 45 * DAY, 40 * DAY, 0, 0 },
		{ 90 * DAY, 70 * DAY, 45 * DAY, 0, 1, 2 },
		{ 90 * DAY, 40 * DAY, 40 * DAY, 0, 1, 2 },
		{ 90 * DAY, 1000 * DAY, 81 * DAY, DAY, 0, 0 },
		/* even then it is no storm of renewals */
		{ 90 * DAY, 70 * DAY, 30 * DAY, 400 * DAY, 0, 0 },
		{ 90 * DAY, -1, DAY, 400 * DAY, 0, 0 },
	};
	struct key_facts k = key(1, DAY);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct policy p = dane;
		int64_t at;

		p.renew_before_for = rows[i].renew_before_for;
		p.renew_num = rows[i].renew_num;
		p.renew_den = rows[i].renew_den;
		k.cert_from_at = NOW;
		k.cert_until_at = NOW + rows[i].life_for;
		k.suggested_at = NOW + rows[i].suggested_for;
		at = rollover_renew_at(&p, &k);
		if (at != NOW + rows[i].want_for)
			fail_msg("row %zu: %" PRId64 " after the beginning", i, at - NOW);
	}
	k.present = false;
	assert_int_equal(rollover_renew_at(&dane, &k), WHEN_NEVER);
}

static void a_suggestion_is_acted_upon(void **state)
{
	struct facts f = steady();

	(void)state;
	/* the certificate is ten days old */
	f.live.suggested_at = NOW - 1;
	assert_int_equal(next(&dane, &f), DO_RENEW);
	f.live.suggested_at = NOW + 3 * DAY;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	assert_int_equal(rollover_next(&dane, &f, NOW).again_at, NOW + 3 * DAY);
	assert_int_equal(rollover_next(&dane, &f, NOW + 3 * DAY).step, DO_RENEW);
	/* what is made is another certificate, of which nothing is suggested yet */
	rollover_assume(&dane, &f, DO_RENEW, NOW + 3 * DAY);
	assert_int_equal(f.live.suggested_at, 0);
	assert_int_equal(rollover_renew_at(&dane, &f.live), NOW + 63 * DAY);
	f = staged();
	f.live.created_at = NOW - 20 * DAY;
	f.staging.suggested_at = NOW - 1;
	assert_int_equal(next(&dane, &f), DO_RENEW_STAGING);
}

/* A stand-in comes to the servers before a CA is asked, which may be asked through them. */
static void a_stand_in_starts_servers(void **state)
{
	struct policy strict = dane;
	struct facts f = steady();
	struct decision d;

	(void)state;
	f.live.bootstrap = f.deploy_pending = true;
	assert_order(&dane, f, (enum step[]){ DO_DEPLOY, DO_RENEW, DO_NOTHING }, 3);
	f.deployed_at = 0;
	strict.no_stand_in = true;
	assert_order(&strict, f, (enum step[]){ DO_RENEW, DO_NOTHING }, 2);
	f.tried = 1U << DO_RENEW;
	d = rollover_next(&strict, &f, NOW);
	assert_non_null(strstr(d.why, "the CA has given no certificate yet"));
	/* a key that can go live comes before anything is done for the one that goes */
	f = staged();
	f.live.bootstrap = f.deploy_pending = f.staging.bootstrap = true;
	f.tried = 1U << DO_RENEW_STAGING;
	assert_int_equal(next(&dane, &f), DO_PROMOTE);
}

static void a_revocation_comes_when_servers_were_told(void **state)
{
	struct facts f = steady();

	(void)state;
	f.revoke_due = f.deploy_pending = f.set_changed = true;
	assert_order(&dane, f, (enum step[]){ DO_DEPLOY, DO_REVOKE, DO_PUBLISH, DO_NOTHING }, 4);
	rollover_assume(&dane, &f, DO_REVOKE, NOW);
	assert_false(f.revoke_due);
}

static void renewals_go_on_while_a_key_is_staged(void **state)
{
	struct facts f = staged();

	(void)state;
	f.staging.published_at = NOW;
	f.live.cert_until_at = NOW + DAY;
	assert_int_equal(next(&dane, &f), DO_RENEW);
	f.live.cert_until_at = NOW + 80 * DAY;
	f.staging.cert_until_at = NOW + DAY;
	assert_int_equal(next(&dane, &f), DO_RENEW_STAGING);
}

static void ordered_renewal_is_for_older_generations(void **state)
{
	struct facts f = steady();

	(void)state;
	f.live.gen = 7;
	f.renew_gen = 7;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.renew_gen = 8;
	assert_int_equal(next(&dane, &f), DO_RENEW);
	f.renew_gen = 0;
	f.live.bootstrap = true;
	assert_int_equal(next(&dane, &f), DO_RENEW);
}

static void roll_back_needs_published_records(void **state)
{
	struct facts f = retiring();

	(void)state;
	f.back_wanted = true;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	f.back_published = true;
	assert_int_equal(next(&dane, &f), DO_ROLL_BACK);
	f.back_published = false;
	assert_int_equal(next(&plain, &f), DO_ROLL_BACK);
}

/* What servers present decides, and not the time since they were told. */
static void old_records_stay_until_all_servers_switched(void **state)
{
	struct policy p = dane;
	struct facts f = retiring();
	struct decision d;

	(void)state;
	p.looks = true;
	p.rollback_for = 2 * DAY;
	f.retired.retired_at = NOW - 30 * DAY;
	f.deployed_at = NOW - 30 * DAY + 5;
	f.shown_why = "_25._tcp.mx at 192.0.2.1:25 presents the old key";
	d = rollover_next(&p, &f, NOW);
	assert_int_equal(d.step, DO_NOTHING);
	assert_non_null(strstr(d.why, "until every server presents"));
	assert_ptr_equal(d.detail, f.shown_why);
	/* of two reasons the servers are the one that somebody can do something about; in plain words where there
	 * are no records; and a way back that is open says less than name servers that are not sure */
	p.verifies = true;
	f.live.sight = SIGHT_HOLD;
	assert_non_null(strstr(rollover_next(&p, &f, NOW).why, "until every server presents"));
	f.shown = SHOWN_YES;
	assert_non_null(strstr(rollover_next(&p, &f, NOW).why, "until name servers were seen"));
	f.shown = SHOWN_NO;
	p.verifies = p.publishes = false;
	assert_string_equal(rollover_next(&p, &f, NOW).why, "the old key is kept until every server presents the live one");
	p.publishes = true;
	f.shown = SHOWN_LATER;
	f.shown_at = NOW + HOUR;
	d = rollover_next(&p, &f, NOW);
	assert_int_equal(d.step, DO_NOTHING);
	assert_true(d.again_at == NOW + HOUR);
	assert_int_equal(rollover_next(&p, &f, NOW + HOUR).step, DO_RETIRE);
	f.shown = SHOWN_YES;
	assert_int_equal(next(&p, &f), DO_RETIRE);
	/* the way back stays open for a while, whatever was seen */
	f.retired.retired_at = f.deployed_at = NOW - DAY;
	d = rollover_next(&p, &f, NOW);
	assert_int_equal(d.step, DO_NOTHING);
	assert_non_null(strstr(d.why, "rolled back"));
	assert_true(d.again_at == NOW + DAY);
	/* but for a key that nobody wants back */
	f.retired.compromised = true;
	f.gone = SHOWN_YES;
	assert_int_equal(next(&p, &f), DO_RETIRE);
	/* ... once no server presents it, whatever else they present */
	f.shown = SHOWN_NO;
	assert_int_equal(next(&p, &f), DO_RETIRE);
	f.shown = SHOWN_YES;
	f.gone = SHOWN_NO;
	f.gone_why = "_25._tcp.mx at 192.0.2.1:25 presents the old key";
	d = rollover_next(&p, &f, NOW);
	assert_int_equal(d.step, DO_NOTHING);
	assert_non_null(strstr(d.why, "compromised key's records stay"));
	assert_ptr_equal(d.detail, f.gone_why);
	f.gone = SHOWN_LATER;
	f.gone_at = NOW + HOUR;
	assert_true(rollover_next(&p, &f, NOW).again_at == NOW + HOUR);
	assert_int_equal(rollover_next(&p, &f, NOW + HOUR).step, DO_RETIRE);
	/* a hook that did not succeed may have other servers to tell */
	f.gone = SHOWN_YES;
	f.deployed_at = 0;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	/* some services cannot be looked at: retire-after counts for them */
	p.half_looks = true;
	f.retired.compromised = false;
	f.deployed_at = NOW;
	assert_true(rollover_retire_at(&p, &f) == NOW + p.retire_after_for);
	p.half_looks = false;
	/* nobody looks: the roll-back window and the time since the servers were told, whichever is longer */
	f = retiring();
	p.looks = false;
	p.rollback_for = 10 * DAY;
	f.retired.retired_at = f.deployed_at = NOW - 9 * DAY;
	assert_true(rollover_retire_at(&p, &f) == NOW + DAY);
	assert_true(rollover_retire_at(&dane, &f) == NOW - 7 * DAY);
}

static void first_records_wait_for_servers(void **state)
{
	struct policy p = dane;
	struct facts f = steady();
	struct decision d;

	(void)state;
	p.looks = true;
	f.live.published_at = 0;
	f.published = false;
	f.held_until_at = WHEN_NEVER;
	f.shown_why = "nobody answers";
	d = rollover_next(&p, &f, NOW);
	assert_int_equal(d.step, DO_NOTHING);
	assert_non_null(strstr(d.why, "first records wait"));
	assert_ptr_equal(d.detail, f.shown_why);
	f.deployed_at = 0;              /* why they present something else */
	assert_non_null(strstr(rollover_next(&p, &f, NOW).why, "a post-certchange hook"));
	f.deployed_at = NOW - 20 * DAY;
	f.held_until_at = NOW + HOUR;
	d = rollover_next(&p, &f, NOW);
	assert_int_equal(d.step, DO_NOTHING);
	assert_true(d.again_at == NOW + HOUR);
	assert_int_equal(rollover_next(&p, &f, NOW + HOUR).step, DO_PUBLISH);
	/* the first set waits for the hooks, too; later ones have the live key in them, whatever servers do */
	f.held_until_at = 0;
	f.set_changed = true;
	assert_int_equal(next(&p, &f), DO_PUBLISH);
	f.deployed_at = 0;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	f.published = true;
	assert_int_equal(next(&p, &f), DO_PUBLISH);
}

/* Nobody relies on DNS then: a key that must go goes, and others are in no hurry. */
static void without_records_a_key_is_rolled_by_order_alone(void **state)
{
	struct policy p = dane;
	struct facts f = steady();

	(void)state;
	p.looks = p.verifies = true;
	f.published = false;
	f.live.published_at = 0;
	f.held_until_at = WHEN_NEVER;
	f.live.created_at = NOW - 190 * DAY;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	f.roll_wanted = true;
	assert_int_equal(next(&p, &f), DO_NOTHING);
	f.force = true;
	assert_int_equal(next(&p, &f), DO_STAGE);
	f.roll_wanted = f.force = false;
	f.live.compromised = true;
	assert_int_equal(next(&p, &f), DO_STAGE);
	rollover_assume(&p, &f, DO_STAGE, NOW);
	f.set_changed = false;
	assert_int_equal(next(&p, &f), DO_PROMOTE);
	rollover_assume(&p, &f, DO_PROMOTE, NOW);
	rollover_assume(&p, &f, DO_DEPLOY, NOW);
	f.live.sight = SIGHT_HOLD;
	assert_int_equal(next(&p, &f), DO_RETIRE);
}

/* What a server does not do with this key it will not do with the next one. */
static void forecasts_go_on_with_what_servers_do(void **state)
{
	struct policy p = dane;
	struct facts f = retiring();

	(void)state;
	p.looks = true;
	p.away_for = 2 * DAY;
	f.shown_why = "_25._tcp.mx at 192.0.2.1:25 presents the old key";
	f.retired.retired_at = f.deployed_at = NOW - 30 * DAY;
	rollover_assume(&p, &f, DO_RENEW, NOW + DAY);
	rollover_assume(&p, &f, DO_DEPLOY, NOW + DAY);
	assert_int_equal(rollover_next(&p, &f, NOW + 30 * DAY).step, DO_NOTHING);
	/* told of the key for the first time, they are assumed to follow */
	f.deployed_at = 0;
	f.deploy_pending = true;
	rollover_assume(&p, &f, DO_DEPLOY, NOW + DAY);
	assert_int_equal(rollover_next(&p, &f, NOW + 30 * DAY).step, DO_RETIRE);
	/* one that is away is waited for again */
	f = staged();
	f.deployed_at = NOW - 30 * DAY;
	f.shown = SHOWN_LATER;
	f.shown_at = NOW - 20 * DAY;
	rollover_assume(&p, &f, DO_PROMOTE, NOW);
	rollover_assume(&p, &f, DO_DEPLOY, NOW);
	assert_true(rollover_retire_at(&p, &f) == NOW + 2 * DAY);
	f.retired.compromised = true;
	assert_true(rollover_retire_at(&p, &f) == NOW + 2 * DAY);
	p.away_for = 0;
	f = staged();
	f.deployed_at = NOW - 30 * DAY;
	f.shown = SHOWN_LATER;
	rollover_assume(&p, &f, DO_PROMOTE, NOW);
	rollover_assume(&p, &f, DO_DEPLOY, NOW);
	assert_true(rollover_retire_at(&p, &f) == WHEN_NEVER);
	/* one that shows a key of its own is no reason to keep a compromised one */
	f = staged();
	f.deployed_at = NOW - 30 * DAY;
	f.live.compromised = true;
	rollover_assume(&p, &f, DO_PROMOTE, NOW);
	rollover_assume(&p, &f, DO_DEPLOY, NOW);
	assert_int_equal(f.shown, SHOWN_NO);
	assert_true(rollover_retire_at(&p, &f) == NOW);
}

static void purge_waits_until_dns_is_clean(void **state)
{
	struct facts f = steady();

	(void)state;
	f.purge_at = NOW + 1;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
	assert_int_equal(rollover_next(&dane, &f, NOW).again_at, NOW + 1);
	f.purge_at = NOW;
	assert_int_equal(next(&dane, &f), DO_PURGE);
	f.deployed_at = 0;                              /* of no concern to an old key */
	assert_int_equal(next(&dane, &f), DO_PURGE);
	f.deployed_at = NOW;
	f.set_pending = true;
	f.tried = 1U << DO_PUBLISH;
	assert_int_equal(next(&dane, &f), DO_NOTHING);
}

static void a_failed_step_hides_no_other(void **state)
{
	struct facts f = staged();

	(void)state;
	f.staging.published_at = 0;
	f.set_pending = true;
	f.live.fits_names = false;
	f.retry_at[DO_RENEW] = NOW + HOUR;
	assert_int_equal(next(&dane, &f), DO_PUBLISH);
	f.tried = 1U << DO_PUBLISH;
	assert_int_equal(rollover_next(&dane, &f, NOW).again_at, NOW + HOUR);
	assert_int_equal(rollover_next(&dane, &f, NOW + HOUR).step, DO_RENEW);
	assert_true(rollover_wants(&dane, &f, DO_RENEW, NOW));          /* switched off, but wanted */
	assert_false(rollover_wants(&dane, &f, DO_PROMOTE, NOW));
}

/* For all facts -------------------------------------------------------------------------------- */

/* Takes the lowest bits of *n. */
static bool bit(uint32_t *n)
{
	bool b = *n & 1;

	*n >>= 1;
	return b;
}

static int64_t instant(uint32_t *n)
{
	static const int64_t at[] = { 0, NOW - 3 * DAY, NOW - HOUR, NOW - 3 * DAY };
	int64_t r = at[*n & 3];

	*n >>= 2;
	return r;
}

static void build(struct policy *p, struct facts *f, uint32_t n)
{
	static const enum sight sights[] = { SIGHT_HOLD, SIGHT_WAIT, SIGHT_GO, SIGHT_GO };
	static const enum shown shown[] = { SHOWN_NO, SHOWN_LATER, SHOWN_YES, SHOWN_YES };
	uint32_t drawn = (n + 1) * 2654435761U, more = (drawn ^ drawn >> 15) * 2246822519U;

	*p = dane;
	*f = (struct facts){ .live = key(1, 20 * DAY), .staging = key(2, 3 * DAY),
			     .retired = key(0, 200 * DAY) };
	p->publishes = bit(&n);
	p->tells = bit(&n);
	f->live.present = bit(&n);
	f->published = bit(&n);
	f->staging.present = bit(&n);
	f->retired.present = bit(&n);
	f->retired_n = f->retired.present;
	f->retired.retired_at = NOW - 3 * DAY;
	f->live.fits_names = bit(&n);
	f->live.compromised = bit(&n);
	if (bit(&n))
		f->live.created_at = NOW - 190 * DAY;
	f->staging.fits_types = bit(&n);
	f->staging.fits_names = bit(&n);
	if (bit(&n))
		f->staging.cert_until_at = NOW;
	f->staging.published_at = instant(&n);
	f->links_wrong = bit(&n);
	f->set_changed = bit(&n);
	f->set_pending = bit(&n);
	f->deploy_pending = bit(&n);
	f->deployed_at = instant(&n);
	f->roll_wanted = bit(&n);
	f->force = bit(&n);
	f->back_wanted = bit(&n);
	f->back_published = bit(&n);
	p->standby = bit(&n);
	/* what was seen in DNS: one of all combinations for each of the above, drawn by its number */
	p->verifies = drawn >> 31;
	f->staging.sight = sights[drawn >> 29 & 3];
	f->live.sight = sights[drawn >> 27 & 3];
	f->back_sight = sights[drawn >> 25 & 3];
	f->staging.safe_at = f->live.safe_at = drawn >> 24 & 1 ? NOW + HOUR : NOW - HOUR;
	f->revoke_due = drawn >> 23 & 1;
	f->live.bootstrap = f->live.present && (drawn >> 22 & 1);
	p->no_stand_in = drawn >> 21 & 1;
	if (drawn >> 20 & 1)
		f->tried = 1U << DO_RENEW;
	f->live.disowned = f->live.compromised && (drawn >> 19 & 1);
	p->looks = drawn >> 18 & 1;
	f->shown = shown[drawn >> 16 & 3];
	f->shown_at = drawn >> 15 & 1 ? NOW + HOUR : NOW - HOUR;
	p->rollback_for = drawn >> 14 & 1 ? 4 * DAY : 0;
	f->retired.compromised = (drawn >> 12 & 3) == 0;
	f->gone = shown[more >> 30];
	f->gone_at = more >> 29 & 1 ? NOW + HOUR : NOW - HOUR;
	if (p->looks && p->publishes && (more >> 27 & 3) == 0)
		f->held_until_at = more >> 25 & 3 ? NOW + HOUR : more >> 24 & 1 ? WHEN_NEVER : NOW - HOUR;
}

#define BITS 26

/* Written from the rules, not from the table: what may never be, whatever the row order. */
static const char *broken(const struct policy *p, const struct facts *f, const struct decision *d)
{
	bool held = f->held_until_at > NOW, first = f->held_until_at && !held;
	bool open = p->publishes && !held && (f->set_changed || f->set_pending || first);
	bool in_dns = p->publishes && !held;
	bool presented = !p->looks || held || f->shown == SHOWN_YES ||
			 (f->shown == SHOWN_LATER && NOW >= f->shown_at);
	bool gone = !p->looks || held || f->gone == SHOWN_YES || (f->gone == SHOWN_LATER && NOW >= f->gone_at);
	const struct key_facts *k = &f->staging;

	if (d->step >= STEP_N || !d->why || !*d->why)
		return "no answer";
	if (d->step == DO_NOTHING ? d->again_at <= NOW : d->again_at != NOW)
		return "a wrong time to come back";
	if ((d->step == DO_MAKE_KEY) != !f->live.present)
		return "a first key beside another, or none";
	if (d->step == DO_PROMOTE) {
		if (!k->present || open || !k->fits_types || !k->fits_names || k->compromised ||
		    k->cert_until_at <= NOW)
			return "promotion of a key that is not fit";
		if (in_dns && (!k->published_at ||
				     (!p->verifies && !f->force &&
				      NOW < k->published_at + p->staging_for)))
			return "promotion before caches have forgotten";
		if (in_dns && p->verifies && !f->force &&
		    (k->sight == SIGHT_HOLD || NOW < k->safe_at))
			return "promotion of a key that name servers do not vouch for";
	}
	if (d->step == DO_RETIRE && p->verifies && !held &&
	    (f->live.sight == SIGHT_HOLD || (f->live.sight == SIGHT_WAIT && NOW < f->live.safe_at)))
		return "retirement while the live key is not everywhere";
	if (d->step == DO_DEPLOY && p->no_stand_in && f->live.bootstrap)
		return "servers are given a stand-in";
	if (d->step == DO_RENEW && f->live.disowned)
		return "a certificate for a key that was revoked";
	if (d->step == DO_REVOKE && !f->revoke_due)
		return "revocation that nobody has ordered";
	if (d->step == DO_ROLL_BACK && p->verifies && f->back_sight != SIGHT_GO)
		return "roll-back to a key that name servers do not vouch for";
	if (d->step == DO_RETIRE && (!f->retired.present || open || f->back_wanted || !f->deployed_at ||
				     (!p->looks && !f->retired.compromised &&
				      NOW < f->deployed_at + p->retire_after_for)))
		return "retirement of a key that may be served";
	if (d->step == DO_RETIRE && !f->retired.compromised && !presented)
		return "retirement of a key although a server does not present the live one";
	if (d->step == DO_RETIRE && f->retired.compromised && !gone)
		return "retirement of a compromised key although a server presents it";
	if (d->step == DO_RETIRE && !f->retired.compromised && NOW < f->retired.retired_at + p->rollback_for)
		return "retirement of a key that may yet be rolled back to";
	if (d->step == DO_PUBLISH && held)
		return "first records of a key that no server was seen to present";
	if (d->step == DO_PUBLISH && (!open || (p->tells && !f->deployed_at && !f->published)))
		return "publication of a key that is not served";
	if (d->step == DO_STAGE && (k->present || (!f->live.compromised && (open || f->retired.present))))
		return "two changes at a time";
	if (d->step == DO_ROLL_BACK && (!f->retired.present || !f->back_wanted ||
					(p->publishes && !f->back_published)))
		return "roll-back to a key that DNS does not vouch for";
	if (d->step == DO_NOTHING && f->live.present &&
	    (f->links_wrong || (f->deploy_pending && !(p->no_stand_in && f->live.bootstrap)) || f->revoke_due ||
	     ((!f->live.fits_names || f->live.bootstrap) && !f->tried && !f->live.disowned) ||
	     (open && (!p->tells || f->deployed_at || f->published)) ||
	     (k->present && (!k->fits_types || !k->fits_names))))
		return "something due is left undone";
	return NULL;
}

static void holds_for_all_facts(void **state)
{
	size_t seen[STEP_N] = { 0 };

	(void)state;
	for (uint32_t n = 0; n < (uint32_t)1 << BITS; n++) {
		struct policy p;
		struct facts f;
		struct decision d;
		const char *what;

		build(&p, &f, n);
		d = rollover_next(&p, &f, NOW);
		what = broken(&p, &f, &d);
		if (what)
			fail_msg("facts %u: %s (%s: %s)", n, what, rollover_step_name(d.step), d.why);
		seen[d.step]++;
	}
	for (int s = 0; s < STEP_N; s++)
		if (s != DO_PURGE && seen[s] == 0)
			fail_msg("no facts lead to \"%s\"", rollover_step_name((enum step)s));
}

/* Whatever the facts, assumed successes lead to rest at this instant: a run ends. */
static void every_run_comes_to_rest(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < (uint32_t)1 << BITS; n += 61) {
		struct policy p;
		struct facts f;
		int steps = 0;

		build(&p, &f, n);
		for (; steps < 40; steps++) {
			struct decision d = rollover_next(&p, &f, NOW);

			if (d.step == DO_NOTHING)
				break;
			rollover_assume(&p, &f, d.step, NOW);
		}
		if (steps == 40)
			fail_msg("facts %u: no rest after %d steps", n, steps);
	}
}

static void forecast_says_what_comes_and_when(void **state)
{
	struct facts f = steady();
	struct forecast c = rollover_forecast(&dane, &f, NOW);

	(void)state;
	assert_int_equal(c.step, DO_RENEW);
	assert_int_equal(c.at, NOW + 50 * DAY);
	f = staged();
	f.staging.published_at = NOW;
	c = rollover_forecast(&dane, &f, NOW);
	assert_int_equal(c.step, DO_PROMOTE);
	assert_int_equal(c.at, NOW + 2 * DAY);
	assert_non_null(strstr(c.why, "caches"));
	f.staging.published_at = 0;
	f.tried = ~0U;
	f.live.cert_until_at = WHEN_NEVER;
	f.staging.cert_until_at = WHEN_NEVER;
	f.live.created_at = NOW - 190 * DAY;
	c = rollover_forecast(&dane, &f, NOW);
	assert_int_equal(c.step, DO_NOTHING);
	assert_int_equal(c.at, WHEN_NEVER);
}

static void names_exist(void **state)
{
	(void)state;
	for (int s = 0; s < STEP_N; s++)
		assert_non_null(rollover_step_name((enum step)s));
	assert_string_equal(rollover_phase_name(PH_NEW), "new");
	assert_string_equal(rollover_phase_name(PH_CROWDED), "crowded");
}

/* A fingerprint of all decisions (FNV-1a), to tell a mutant that changes nothing from one that nobody
 * noticed. */
static int print_decisions(void)
{
	uint64_t h = 0xcbf29ce484222325;

	for (uint32_t n = 0; n < (uint32_t)1 << BITS; n++) {
		struct policy p;
		struct facts f;
		struct decision d;

		build(&p, &f, n);
		d = rollover_next(&p, &f, NOW);
		h = (h ^ (uint64_t)d.step) * 0x100000001b3;
		for (size_t c = 0, len = strlen(d.why); c < len; c += 7)
			h = (h ^ (uint64_t)d.why[c]) * 0x100000001b3;
	}
	printf("%u combinations of facts: %016llx\n", (unsigned)1 << BITS, (unsigned long long)h);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--decisions") == 0)
		return print_decisions();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_line_makes_a_key),
		cmocka_unit_test(steady_line_does_nothing_until_something_is_due),
		cmocka_unit_test(order_in_steady),
		cmocka_unit_test(order_in_staged),
		cmocka_unit_test(order_in_retiring),
		cmocka_unit_test(order_in_crowded),
		cmocka_unit_test(reasons_in_order),
		cmocka_unit_test(reasons_of_eyes),
		cmocka_unit_test(blind_lines_never_retire),
		cmocka_unit_test(promotion_waits_for_staging_after_the_publication_succeeded),
		cmocka_unit_test(promotion_waits_for_a_longer_old_ttl),
		cmocka_unit_test(promotion_is_blocked_by_any_open_publication),
		cmocka_unit_test(promotion_needs_a_certificate_that_fits),
		cmocka_unit_test(the_age_of_a_standby_key_counts_from_when_it_is_used),
		cmocka_unit_test(standby_is_staged_early_and_promoted_when_due),
		cmocka_unit_test(a_key_that_was_revoked_gets_no_certificate),
		cmocka_unit_test(emergency_waits_for_caches_only),
		cmocka_unit_test(without_dns_promotion_follows_staging),
		cmocka_unit_test(first_set_only_after_the_servers_have_the_key),
		cmocka_unit_test(retirement_waits_for_the_servers),
		cmocka_unit_test(one_change_at_a_time),
		cmocka_unit_test(what_makes_a_key_due),
		cmocka_unit_test(what_makes_a_certificate_due),
		cmocka_unit_test(what_a_suggestion_of_the_ca_changes),
		cmocka_unit_test(a_suggestion_is_acted_upon),
		cmocka_unit_test(a_stand_in_starts_servers),
		cmocka_unit_test(a_revocation_comes_when_servers_were_told),
		cmocka_unit_test(renewals_go_on_while_a_key_is_staged),
		cmocka_unit_test(ordered_renewal_is_for_older_generations),
		cmocka_unit_test(roll_back_needs_published_records),
		cmocka_unit_test(old_records_stay_until_all_servers_switched),
		cmocka_unit_test(first_records_wait_for_servers),
		cmocka_unit_test(without_records_a_key_is_rolled_by_order_alone),
		cmocka_unit_test(forecasts_go_on_with_what_servers_do),
		cmocka_unit_test(purge_waits_until_dns_is_clean),
		cmocka_unit_test(a_failed_step_hides_no_other),
		cmocka_unit_test(holds_for_all_facts),
		cmocka_unit_test(every_run_comes_to_rest),
		cmocka_unit_test(forecast_says_what_comes_and_when),
		cmocka_unit_test(names_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
