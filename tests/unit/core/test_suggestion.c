/* test_suggestion.c - what is kept of a CA's word on when to renew, and when it is asked again.
 * Touches: nothing.
 */
#include "core/suggestion.h"

#include "base/mem.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW   ((int64_t)1800000000)
#define START (NOW + 30 * DAY)
#define END   (NOW + 32 * DAY)
#define LAST  65535                     /* the largest draw */

static struct suggestion answered(int64_t start_at, int64_t end_at, uint16_t draw)
{
	struct suggestion s = { 0 };

	suggestion_answer(&s, start_at, end_at, NULL, -1, NOW, draw);
	return s;
}

/* The instant --------------------------------------------------------------------------------------- */

static void the_instant_is_in_the_window(void **state)
{
	static const int64_t lengths_for[] = { 1, 2, 59, HOUR, DAY, 2 * DAY, 90 * DAY, 8000 * YEAR };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths_for); i++) {
		int64_t before_at = 0;

		for (int draw = 0; draw <= LAST; draw += 257) {
			struct suggestion s = answered(START, START + lengths_for[i], (uint16_t)draw);

			assert_int_equal(s.start_at, START);
			assert_int_equal(s.end_at, START + lengths_for[i]);
			assert_true(s.at >= START && s.at < START + lengths_for[i]);
			assert_true(s.at >= before_at);
			before_at = s.at;
		}
		/* the whole of it is used: the last draw is as near to the end as draws are far apart */
		assert_true(START + lengths_for[i] - before_at <= lengths_for[i] / 65536 + 1);
	}
	assert_int_equal(answered(START, END, 0).at, START);
	assert_int_equal(answered(START, END, 32768).at, NOW + 31 * DAY);
	assert_int_equal(answered(START, END, 16384).at, START + 12 * HOUR);
}

static void every_part_of_the_window_is_as_likely(void **state)
{
	int in_tenth[10] = { 0 };

	(void)state;
	for (int draw = 0; draw <= LAST; draw++)
		in_tenth[(answered(START, END, (uint16_t)draw).at - START) * 10 / (END - START)]++;
	for (size_t i = 0; i < ARRAY_LEN(in_tenth); i++)
		assert_in_range(in_tenth[i], 6552, 6555);
}

static void it_stays_until_the_window_changes(void **state)
{
	struct suggestion s = answered(START, END, 1000);
	int64_t at = s.at;

	(void)state;
	suggestion_answer(&s, START, END, NULL, -1, NOW + 6 * HOUR, 60000);
	assert_int_equal(s.at, at);
	suggestion_answer(&s, START, END + 1, NULL, -1, NOW + 12 * HOUR, 60000);
	assert_int_not_equal(s.at, at);
	at = s.at;
	suggestion_answer(&s, START - 1, END + 1, NULL, -1, NOW + 18 * HOUR, 0);
	assert_int_equal(s.at, START - 1);
	assert_int_not_equal(s.at, at);
	assert_int_equal(s.start_at, START - 1);
	assert_int_equal(s.end_at, END + 1);
}

static void a_past_window_is_one(void **state)
{
	struct suggestion s = answered(START, END, 5);

	(void)state;
	suggestion_answer(&s, NOW - 2 * DAY, NOW - DAY, NULL, -1, NOW, LAST);
	assert_true(s.at > 0 && s.at < NOW - DAY);
	assert_int_equal(s.failures, 0);
	/* from the epoch on; 0 would mean that nothing is known */
	suggestion_answer(&s, 0, NOW - DAY, NULL, -1, NOW, 0);
	assert_int_equal(s.failures, 0);
	assert_true(s.at > 0 && s.at < NOW);
}

static void what_is_no_window_changes_nothing(void **state)
{
	static const struct {
		int64_t start_at, end_at;
	} rows[] = {
		{ END, START }, { START, START }, { START, 0 }, { 0, 0 }, { -5, START }, { -5, -4 },
		{ START, WHEN_NEVER }, { WHEN_NEVER, WHEN_NEVER }, { INT64_MIN, INT64_MAX }, { 0, INT64_MIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct suggestion s = answered(START, END, 1000);
		int64_t at = s.at;

		s.explanation = mem_copy_str("https://ca.example/why");
		suggestion_answer(&s, rows[i].start_at, rows[i].end_at, "https://ca.example/other", 60,
				  NOW + HOUR, 7);
		assert_int_equal(s.at, at);
		assert_int_equal(s.start_at, START);
		assert_int_equal(s.end_at, END);
		assert_string_equal(s.explanation, "https://ca.example/why");
		assert_int_equal(s.failures, 1);
		/* what is wrong there is not right a minute later */
		assert_int_equal(s.next_at, NOW + 7 * HOUR);
		suggestion_free(&s);
	}
}

/* Asking again -------------------------------------------------------------------------------------- */

static void the_ca_says_when_to_ask_again(void **state)
{
	static const struct {
		int64_t said_for, want_for;
	} rows[] = {
		{ -1, 6 * HOUR }, { 0, MINUTE }, { 1, MINUTE }, { 59, MINUTE }, { 60, MINUTE }, { 61, 61 },
		{ 6 * HOUR, 6 * HOUR }, { DAY - 1, DAY - 1 }, { DAY, DAY }, { DAY + 1, DAY },
		{ 7 * DAY, DAY }, { YEAR, DAY }, { INT64_MAX, DAY }, { INT64_MIN, 6 * HOUR },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct suggestion s = { .failures = 3 };

		suggestion_answer(&s, START, END, NULL, rows[i].said_for, NOW, 0);
		assert_int_equal(s.next_at, NOW + rows[i].want_for);
		assert_int_equal(s.failures, 0);
	}
}

static void failures_are_spaced_out(void **state)
{
	static const int64_t want_for[] = { 10, 20, 40, 80, 160, 320, 360, 360, 360 };  /* minutes */
	struct suggestion s = answered(START, END, 1000);
	int64_t at = s.at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(want_for); i++) {
		suggestion_failed(&s, false, NOW);
		assert_int_equal(s.next_at, NOW + want_for[i] * MINUTE);
		assert_int_equal(s.failures, i + 1);
	}
	assert_int_equal(s.at, at);
	assert_int_equal(s.start_at, START);
	/* an answer ends it, and the next failure is a first one again */
	suggestion_answer(&s, START, END, NULL, -1, NOW, 0);
	assert_int_equal(s.failures, 0);
	suggestion_failed(&s, false, NOW);
	assert_int_equal(s.next_at, NOW + 10 * MINUTE);
}

static void lasting_failures_wait_at_once(void **state)
{
	struct suggestion s = { 0 };

	(void)state;
	suggestion_failed(&s, true, NOW);
	assert_int_equal(s.next_at, NOW + 6 * HOUR);
	assert_int_equal(s.at, 0);
	s.failures = INT32_MAX;
	suggestion_failed(&s, true, NOW);
	assert_int_equal(s.failures, INT32_MAX);
	suggestion_failed(&s, false, WHEN_NEVER - 5);
	assert_int_equal(s.next_at, WHEN_NEVER);
}

/* The explanation ----------------------------------------------------------------------------------- */

static void the_explanation_is_that_of_the_last_answer(void **state)
{
	struct suggestion s = { 0 };

	(void)state;
	suggestion_answer(&s, START, END, "https://ca.example/why", -1, NOW, 0);
	assert_string_equal(s.explanation, "https://ca.example/why");
	suggestion_answer(&s, START, END, s.explanation, -1, NOW, 0);
	assert_string_equal(s.explanation, "https://ca.example/why");
	suggestion_failed(&s, false, NOW);
	assert_string_equal(s.explanation, "https://ca.example/why");
	suggestion_answer(&s, START, END, NULL, -1, NOW, 0);
	assert_null(s.explanation);
	suggestion_answer(&s, START, END, "https://ca.example/why", -1, NOW, 0);
	s.id = mem_copy_str("a.b");
	suggestion_free(&s);
	assert_null(s.explanation);
	assert_null(s.id);
	assert_int_equal(s.at, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_instant_is_in_the_window),
		cmocka_unit_test(every_part_of_the_window_is_as_likely),
		cmocka_unit_test(it_stays_until_the_window_changes),
		cmocka_unit_test(a_past_window_is_one),
		cmocka_unit_test(what_is_no_window_changes_nothing),
		cmocka_unit_test(the_ca_says_when_to_ask_again),
		cmocka_unit_test(failures_are_spaced_out),
		cmocka_unit_test(lasting_failures_wait_at_once),
		cmocka_unit_test(the_explanation_is_that_of_the_last_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
