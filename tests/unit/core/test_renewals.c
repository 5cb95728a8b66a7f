/* test_renewals.c - two years of renewals: certificates of several lives, cron that comes rarely, a CA that
 * fails one time in ten, and windows as CAs suggest them.  Is every certificate renewed in time?
 *
 * The rules, the back-off and the suggestions are those of the program; clock, cron and CA are played here.
 * How much of a certificate's life was left when it was replaced is printed.
 * Touches: stdout.
 */
#include "core/retry.h"
#include "core/rollover.h"
#include "core/suggestion.h"

#include "base/mem.h"
#include "base/when.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define BEGIN   ((int64_t)1800000000)
#define WORLDS  50                      /* of each row */
#define ALWAYS  65536                   /* chances are out of that */
#define SOMETIMES (ALWAYS / 10)

/* What the CA suggests.  Shares are those of the life, from its beginning. */
enum windows {
	NONE,                           /* it does not know of it */
	USUAL,                          /* as Let's Encrypt: around two thirds, or half if that is short */
	WIDE,                           /* from half of the life to its end */
	LATE,                           /* after the end: it is of no use */
	MOVING,                         /* another one whenever it is asked */
	WINDOWS_N,
};

static const char *const window_names[] = { "none", "usual", "wide", "late", "moving" };

struct world {
	int64_t  life_for, cron_for;
	enum windows windows;
	uint32_t fails;                 /* of ALWAYS */
	uint64_t rng;

	int64_t  now;
	struct policy p;
	struct facts f;
	struct suggestion s;
	int      failures;              /* of the step, in a row */

	/* what is looked at */
	int64_t  due_at;                /* the first run at which the certificate was due; 0: it is not */
	int      renewals, orders, asked;
	double   least, least_in_time;  /* part of the life that was left; where nothing failed */
	int      runs_late, runs_late_max;
	bool     expired;
};

static uint16_t draw(struct world *w)
{
	uint64_t z = (w->rng += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint16_t)((z ^ (z >> 31)) >> 40);
}

static bool fails(struct world *w)
{
	return draw(w) < w->fails;
}

/* A certificate begins an hour before it is issued. */
static void issue(struct world *w)
{
	struct key_facts *k = &w->f.live;

	k->cert_from_at = w->now - HOUR;
	k->cert_until_at = k->cert_from_at + w->life_for;
	k->suggested_at = 0;
	k->gen++;
	suggestion_free(&w->s);
	w->due_at = 0;
	w->failures = w->runs_late = 0;
	w->f.retry_at[DO_RENEW] = 0;
}

static void window(struct world *w, int64_t *start_at, int64_t *end_at)
{
	const struct key_facts *k = &w->f.live;
	int64_t ideal_at;

	switch (w->windows) {
	case NONE:
	case WINDOWS_N:
		break;
	case USUAL:
		ideal_at = k->cert_until_at - (w->life_for < 10 * DAY ? w->life_for / 2 : w->life_for / 3);
		*start_at = ideal_at - w->life_for / 100;
		*end_at = ideal_at + w->life_for / 100;
		return;
	case WIDE:
		*start_at = k->cert_until_at - w->life_for / 2;
		*end_at = k->cert_until_at;
		return;
	case LATE:
		*start_at = k->cert_until_at + 3 * DAY;
		*end_at = k->cert_until_at + 5 * DAY;
		return;
	case MOVING:
		*start_at = w->now - 12 * HOUR + w->life_for / 2;
		*end_at = *start_at + DAY;
		return;
	}
	*start_at = *end_at = 0;
}

static void ask(struct world *w)
{
	int64_t start_at, end_at;

	if (w->s.next_at > w->now || w->f.live.cert_until_at <= w->now)
		return;
	w->asked++;
	window(w, &start_at, &end_at);
	if (w->windows == NONE)
		suggestion_failed(&w->s, true, w->now);
	else if (fails(w))
		suggestion_failed(&w->s, false, w->now);
	else
		suggestion_answer(&w->s, start_at, end_at, NULL, draw(w) % (12 * HOUR), w->now, draw(w));
	w->f.live.suggested_at = w->s.at;
}

static void renew(struct world *w)
{
	const struct key_facts *k = &w->f.live;
	double left = (double)(k->cert_until_at - w->now) / (double)w->life_for;

	if (!w->due_at)
		w->due_at = w->now;
	w->orders++;
	if (fails(w)) {
		w->f.retry_at[DO_RENEW] = w->now + retry_delay(++w->failures, draw(w));
		return;
	}
	w->renewals++;
	w->expired |= left <= 0;
	if (left < w->least)
		w->least = left;
	if (w->due_at == w->now && left < w->least_in_time)
		w->least_in_time = left;
	issue(w);
}

/* Two years. */
static void live(struct world *w)
{
	int64_t cron_at = BEGIN;

	w->p = (struct policy){ .max_key_age_for = 50 * YEAR, .cert_for = w->life_for };
	w->f = (struct facts){ .live = { .present = true, .id = 1, .fits_types = true, .fits_names = true,
					 .created_at = BEGIN, .staged_at = BEGIN } };
	w->now = BEGIN;
	w->least = w->least_in_time = 1;
	issue(w);
	while (w->now < BEGIN + 2 * YEAR) {
		enum step step;

		/* a timer comes a little late */
		cron_at += w->cron_for;
		w->now = cron_at + draw(w) % (int)(w->cron_for / 10);
		ask(w);
		step = rollover_next(&w->p, &w->f, w->now).step;
		if (step == DO_RENEW)
			renew(w);
		else
			assert_int_equal(step, DO_NOTHING);
		if (w->due_at && ++w->runs_late > w->runs_late_max)
			w->runs_late_max = w->runs_late;
	}
	suggestion_free(&w->s);
}

struct sum {
	double least, least_in_time;
	int    renewals, orders, asked, runs_late_max, expired;
};

static struct sum worlds(int64_t life_for, int64_t cron_for, enum windows windows, uint32_t failing)
{
	struct sum sum = { .least = 1, .least_in_time = 1 };

	for (uint64_t i = 0; i < WORLDS; i++) {
		struct world w = { .life_for = life_for, .cron_for = cron_for, .windows = windows,
				   .fails = failing, .rng = i * 7919 + (uint64_t)windows };

		live(&w);
		sum.renewals += w.renewals;
		sum.orders += w.orders;
		sum.asked += w.asked;
		sum.expired += w.expired;
		if (w.least < sum.least)
			sum.least = w.least;
		if (w.least_in_time < sum.least_in_time)
			sum.least_in_time = w.least_in_time;
		if (w.runs_late_max > sum.runs_late_max)
			sum.runs_late_max = w.runs_late_max;
	}
	return sum;
}

/* The part of the life that a rule wants to be left. */
static double wanted(int64_t life_for, enum windows windows)
{
	double fraction = life_for < 10 * DAY ? 1.0 / 2 : 1.0 / 3;

	switch (windows) {
	case USUAL:
		return fraction - 1.0 / 100;
	case WIDE:
	case LATE:
	case MOVING:
		return 1.0 / 10;
	case NONE:
	case WINDOWS_N:
		break;
	}
	return fraction;
}

static void two_years(int64_t life_for, int64_t cron_for)
{
	for (int windows = NONE; windows < WINDOWS_N; windows++) {
		struct sum s = worlds(life_for, cron_for, (enum windows)windows, SOMETIMES);
		double due = wanted(life_for, (enum windows)windows);
		double run = (double)cron_for / (double)life_for;
		char life[WHEN_TEXT_LEN], cron[WHEN_TEXT_LEN];

		when_format_rough(life, life_for);
		when_format_rough(cron, cron_for);
		print_message("life %-7s cron each %-3s windows %-7s %5d renewals, %5d orders; least left: "
			      "%2.0f %% of the life, %2.0f %% without failures; %d of %d worlds saw one "
			      "expire\n", life, cron, window_names[windows], s.renewals, s.orders,
			      s.least * 100, s.least_in_time * 100, s.expired, WORLDS);
		/* a CA that wants it in the last tenth leaves too few runs for all of them to be good */
		if (due / run > 6)
			assert_int_equal(s.expired, 0);
		/* the run after the instant does it, and if that fails, one of the next */
		assert_true(s.least_in_time >= due - run * 1.1);
		assert_true(s.least >= due - run * (1.1 + s.runs_late_max));
		/* no storm: few orders beside those that were good */
		assert_true(s.orders < s.renewals + s.renewals / 4 + 10);
		assert_true(s.renewals >= (int)(WORLDS * (2 * YEAR / life_for)));
	}
}

static void of_90_days(void **state)
{
	(void)state;
	two_years(90 * DAY, DAY);
}

static void of_64_days(void **state)
{
	(void)state;
	two_years(64 * DAY, DAY);
}

static void of_45_days(void **state)
{
	(void)state;
	two_years(45 * DAY, DAY);
}

static void of_160_hours_each_hour(void **state)
{
	(void)state;
	two_years(160 * HOUR, HOUR);
}

static void of_160_hours_each_6_hours(void **state)
{
	(void)state;
	two_years(160 * HOUR, 6 * HOUR);
}

/* A cron that comes once a day is enough only if the CA answers, and does not suggest the very end. */
static void of_160_hours_each_day(void **state)
{
	(void)state;
	for (int windows = NONE; windows <= USUAL; windows++) {
		struct sum s = worlds(160 * HOUR, DAY, (enum windows)windows, 0);

		assert_int_equal(s.expired, 0);
		s = worlds(160 * HOUR, DAY, (enum windows)windows, SOMETIMES);
		print_message("life 6d 16h  cron each 1d  windows %-7s least left: %2.0f %%; %d of %d worlds "
			      "saw one expire\n", window_names[windows], s.least * 100, s.expired, WORLDS);
	}
}

/* Each failure is a call that somebody pays for: what a CA that is gone for good sees of us. */
static void a_ca_that_is_gone_is_left_alone(void **state)
{
	struct world w = { .life_for = 90 * DAY, .cron_for = 10 * MINUTE, .windows = USUAL, .fails = ALWAYS };

	(void)state;
	live(&w);
	print_message("a CA that never answers, cron each 10m: %d orders, %d questions in two years\n",
		      w.orders, w.asked);
	assert_int_equal(w.renewals, 0);
	/* not more than one each nine hours */
	assert_true(w.orders < 2 * YEAR / (9 * HOUR) + 10);
	assert_true(w.asked < 90 * 4 + 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_90_days),
		cmocka_unit_test(of_64_days),
		cmocka_unit_test(of_45_days),
		cmocka_unit_test(of_160_hours_each_hour),
		cmocka_unit_test(of_160_hours_each_6_hours),
		cmocka_unit_test(of_160_hours_each_day),
		cmocka_unit_test(a_ca_that_is_gone_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
