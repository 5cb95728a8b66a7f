/* test_worker.c - what a worker reports, and what is made of one that does not.
 * Touches: child processes.
 */
#include "run/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"

#define LIMIT_MS 60000

static int three_numbers(void *arg, int out_fd)
{
	struct json *all = json_array();

	for (int i = 1; i <= 3; i++)
		json_put_int(json_put(all, NULL, json_object()), "n", *(int *)arg * i);
	return worker_report(out_fd, all);
}

/* More than a pipe holds. */
static int long_texts(void *arg, int out_fd)
{
	struct strv l = { 0 };
	struct json *all = json_array();

	(void)arg;
	for (int i = 0; i < 20000; i++)
		strv_add(&l, "0123456789");
	json_put_texts(all, NULL, &l);
	strv_free(&l);
	return worker_report(out_fd, all);
}

static int no_json(void *arg, int out_fd)
{
	struct buf text;
	int status;

	(void)arg;
	buf_init(&text, 100);
	buf_add_str(&text, "[1, 2");
	status = worker_write(out_fd, &text);
	buf_free(&text);
	return status;
}

static int death(void *arg, int out_fd)
{
	(void)arg;
	(void)out_fd;
	abort();
}

static void what_it_reports(void **state)
{
	int seven = 7;
	struct strv texts = { 0 };
	struct err e = { 0 };
	struct json *all = worker_run(three_numbers, &seven, LIMIT_MS, 3, &e);

	(void)state;
	assert_non_null(all);
	assert_int_equal(e.kind, ERR_NONE);
	assert_int_equal(json_int(json_at(all, 2), "n", 0), 21);
	json_free(all);
	all = worker_run(long_texts, NULL, LIMIT_MS, 1, &e);
	assert_non_null(all);
	json_texts(&texts, json_at(all, 0));
	assert_int_equal(texts.n, 20000);
	assert_string_equal(texts.v[19999], "0123456789");
	strv_free(&texts);
	json_free(all);
}

static void what_is_no_report(void **state)
{
	static const struct {
		int       (*work)(void *arg, int out_fd);
		size_t      n;
		const char *why;
	} rows[] = {
		{ three_numbers, 4, "a worker told of 3 things instead of 4" },
		{ three_numbers, 0, "a worker told of 3 things instead of 0" },
		{ no_json, 2, "line 1 column" },
		{ death, 1, "killed by signal 6" },
	};
	int one = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };

		assert_null(worker_run(rows[i].work, &one, LIMIT_MS, rows[i].n, &e));
		assert_int_equal(e.kind, ERR_LOCAL);
		if (!strstr(e.text, rows[i].why))
			fail_msg("row %zu: %s", i, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_reports),
		cmocka_unit_test(what_is_no_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
