/* test_looks.c - looks that meet, looks that die, and what is noted of them.
 * Touches: child processes.
 */
#include "run/looks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/worker.h"

#define LINES    8
#define MEET_MS  20000          /* a look waits no longer for the others */

static struct line_config configs[LINES];
static struct line lines[LINES];
static struct line *all_lines[LINES];
static struct strv noted;               /* "NAME saw N", "NAME: why" */
static int doors[LINES][2];             /* pipes */
static size_t guests;

/* Lines a to h; those before `others` ask 127.0.0.1, and each of the others a resolver of its own. */
static void set_up(size_t others)
{
	strv_free(&noted);
	for (size_t i = 0; i < LINES; i++) {
		struct line_config *c = &configs[i];

		free(c->name);
		free(c->trust_anchor);
		strv_free(&c->resolvers);
		*c = (struct line_config){ .name = mem_format("%c", (int)('a' + i)), .trust_anchor = mem_copy_str("") };
		strv_take(&c->resolvers, mem_format("127.0.0.%zu", i < others ? 1 : i + 1));
		lines[i] = (struct line){ .cfg = c };
		all_lines[i] = &lines[i];
	}
}

static struct json *names_of(const struct look *k)
{
	struct json *all = json_array();

	for (size_t i = 0; i < k->n; i++)
		json_put_str(json_put(all, NULL, json_object()), "name", k->lines[i]->cfg->name);
	return all;
}

static int sees(void *arg, int out_fd)
{
	return worker_report(out_fd, names_of(arg));
}

/* Rings at every door, and waits until everybody has rung at its own. */
static int meets(void *arg, int out_fd)
{
	const struct look *k = arg;

	for (size_t g = 0; g < guests; g++)
		if (write(doors[g][1], "x", 1) != 1)
			return 1;
	for (size_t g = 0; g < guests; g++) {
		struct pollfd p = { .fd = doors[*k->lines[0]->cfg->name - 'a'][0], .events = POLLIN };
		char c;

		if (poll(&p, 1, MEET_MS) != 1 || read(p.fd, &c, 1) != 1)
			return 1;
	}
	return worker_report(out_fd, names_of(k));
}

static int dies_of_e(void *arg, int out_fd)
{
	const struct look *k = arg;

	for (size_t i = 0; i < k->n; i++)
		if (*k->lines[i]->cfg->name == 'e')
			abort();
	return worker_report(out_fd, names_of(k));
}

static int tells_nonsense(void *arg, int out_fd)
{
	(void)arg;
	return worker_report(out_fd, json_array());
}

static int64_t limit_ms(const struct look *k)
{
	(void)k;
	return 60000;
}

static bool note(const struct look *k, const struct json *seen)
{
	if (json_len(seen) != k->n)
		return false;
	for (size_t i = 0; i < k->n; i++) {
		assert_string_equal(json_str(json_at(seen, i), "name", ""), k->lines[i]->cfg->name);
		strv_take(&noted, mem_format("%s with %zu", k->lines[i]->cfg->name, k->n));
	}
	return true;
}

static void give_up(const struct look *k, const char *why)
{
	for (size_t i = 0; i < k->n; i++)
		strv_take(&noted, mem_format("%s: %s", k->lines[i]->cfg->name, why));
}

#define KIND(name, function) \
	static const struct look_kind name = { .what = #name, .work = function, .limit_ms = limit_ms, \
					       .note = note, .give_up = give_up }
KIND(stars, sees);
KIND(friends, meets);
KIND(neighbours, meets);
KIND(dragons, dies_of_e);
KIND(liars, tells_nonsense);

static void run_and_expect(struct looks *k, const char *expected)
{
	struct buf b;

	looks_run(k);
	assert_int_equal(k->n, 0);
	strv_sort(&noted);
	buf_init(&b, 10000);
	for (size_t i = 0; i < noted.n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", noted.v[i]);
	assert_string_equal(b.s, expected);
	buf_free(&b);
}

static void one_for_all_that_look_alike(void **state)
{
	struct looks k = { 0 };

	(void)state;
	set_up(6);
	looks_add(&k, &stars, all_lines, LINES);
	run_and_expect(&k, "a with 6, b with 6, c with 6, d with 6, e with 6, f with 6, g with 1, h with 1");
	looks_add(&k, &stars, all_lines, 0);
	run_and_expect(&k, "a with 6, b with 6, c with 6, d with 6, e with 6, f with 6, g with 1, h with 1");
}

/* Eight looks of two kinds, none of which ends before all have begun. */
static void all_side_by_side(void **state)
{
	struct looks k = { 0 };

	(void)state;
	set_up(0);
	guests = LINES;
	for (size_t i = 0; i < LINES; i++)
		assert_int_equal(pipe(doors[i]), 0);
	looks_add(&k, &friends, all_lines, 4);
	looks_add(&k, &neighbours, all_lines + 4, 4);
	run_and_expect(&k, "a with 1, b with 1, c with 1, d with 1, e with 1, f with 1, g with 1, h with 1");
	for (size_t i = 0; i < LINES; i++) {
		close(doors[i][0]);
		close(doors[i][1]);
	}
}

static void one_that_dies_costs_one_line(void **state)
{
	struct looks k = { 0 };

	(void)state;
	set_up(LINES);
	looks_add(&k, &dragons, all_lines, LINES);
	run_and_expect(&k, "a with 4, b with 4, c with 4, d with 4, "
			   "e: looking at its dragons failed: killed by signal 6 (Aborted), "
			   "f with 1, g with 2, h with 2");
}

static void nonsense_is_not_noted(void **state)
{
	struct looks k = { 0 };

	(void)state;
	set_up(LINES);
	looks_add(&k, &liars, all_lines, 2);
	run_and_expect(&k, "a: looking at its liars failed: a worker told of something else, "
			   "b: looking at its liars failed: a worker told of something else");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_for_all_that_look_alike),
		cmocka_unit_test(all_side_by_side),
		cmocka_unit_test(one_that_dies_costs_one_line),
		cmocka_unit_test(nonsense_is_not_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
