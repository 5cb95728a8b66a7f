/* test_history.c - what the log lacks of a ledger, and rows that a crash has cut.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/when.h"
#include "run/history.h"

#define NOW ((int64_t)1800000000)

struct log {
	struct history_mark mark;
	struct ledger       ledger;
	struct history_key  keys[3];
	struct buf          file;
};

static void begin(struct log *g)
{
	*g = (struct log){ 0 };
	buf_init(&g->file, 1 << 20);
}

static void end(struct log *g)
{
	history_mark_free(&g->mark);
	ledger_free(&g->ledger);
	buf_free(&g->file);
}

static struct keyset *keyset(struct log *g, int id)
{
	struct ledger *l = &g->ledger;

	if (ledger_keyset(l, id))
		return ledger_keyset(l, id);
	l->keysets = mem_resize(l->keysets, l->keysets_n + 1, sizeof(*l->keysets));
	l->keysets[l->keysets_n] = (struct keyset){ .id = id, .gen = id, .created_at = NOW };
	return &l->keysets[l->keysets_n++];
}

/* "promoted 2, ..." of what is missing now; the rows go to the file. */
static char *missing(struct log *g, int told_gen)
{
	struct history_view v = { .ledger = &g->ledger, .keys = g->keys, .keys_n = 3, .told_gen = told_gen,
				  .told_at = NOW + 5, .now = NOW + 1000 };
	struct history_rows rows = { 0 };
	struct buf text;
	char *s;

	history_missing(&rows, &g->mark, &v);
	buf_init(&text, 10000);
	for (size_t i = 0; i < rows.n; i++)
		buf_addf(&text, "%s%s %d/%d @%lld", i ? ", " : "", life_name(rows.v[i].what), rows.v[i].keyset,
			 rows.v[i].gen, (long long)(rows.v[i].at - NOW));
	history_encode(&g->file, &rows, &g->mark);
	history_rows_free(&rows);
	s = buf_steal(&text);
	buf_free(&text);
	return s;
}

static void expect(struct log *g, int told_gen, const char *wanted)
{
	char *got = missing(g, told_gen);

	assert_string_equal(got, wanted);
	free(got);
	got = missing(g, told_gen);
	assert_string_equal(got, "");
	free(got);
}

static void a_life_is_told_once(void **state)
{
	struct log g;

	(void)state;
	begin(&g);
	keyset(&g, 1)->live_at = NOW + 2;
	expect(&g, 0, "created 1/1 @0, promoted 1/1 @2");
	g.keys[0] = (struct history_key){ .keyset = 1, .published_at = NOW + 6, .seen_at = NOW + 7 };
	expect(&g, 1, "deployed 1/1 @5, published 1/1 @6, seen 1/1 @7");
	keyset(&g, 1)->gen = 2;
	g.keys[0].made_at = NOW + 8;
	expect(&g, 1, "renewed 1/2 @8");
	expect(&g, 2, "deployed 1/2 @5");
	/* a hook that is owed again, and acknowledges the same */
	expect(&g, 0, "");
	expect(&g, 2, "");
	keyset(&g, 3)->staged_at = NOW + 10;
	g.keys[1] = (struct history_key){ .keyset = 3, .published_at = NOW + 11, .seen_at = NOW + 12 };
	expect(&g, 2, "created 3/3 @0, staged 3/3 @10, published 3/3 @11, seen 3/3 @12");
	keyset(&g, 3)->live_at = keyset(&g, 1)->retired_at = NOW + 20;
	g.keys[1].served_at = NOW + 21;
	expect(&g, 3, "deployed 3/3 @5, replaced 1/2 @20, promoted 3/3 @20, served 3/3 @21");
	keyset(&g, 1)->compromised = true;
	keyset(&g, 1)->revoked_at = NOW + 22;
	keyset(&g, 1)->removed_at = NOW + 23;
	expect(&g, 3, "revoked 1/2 @22, retired 1/2 @23, compromised 1/2 @1000");
	ledger_purged(&g.ledger, 1);
	expect(&g, 3, "destroyed 1/2 @1000");
	assert_int_equal(g.mark.n, 1);
	end(&g);
}

static void back_and_forth(void **state)
{
	struct log g;
	char *first;

	(void)state;
	begin(&g);
	keyset(&g, 1)->live_at = NOW;
	keyset(&g, 1)->retired_at = NOW + 9;
	keyset(&g, 2)->staged_at = NOW + 1;
	keyset(&g, 2)->live_at = NOW + 9;
	first = missing(&g, 0);
	free(first);
	keyset(&g, 2)->retired_at = NOW + 20;
	keyset(&g, 1)->retired_at = 0;
	keyset(&g, 1)->live_at = NOW + 20;
	expect(&g, 0, "replaced 2/2 @20, rolled back 1/1 @20");
	keyset(&g, 1)->retired_at = NOW + 30;
	keyset(&g, 2)->retired_at = 0;
	keyset(&g, 2)->live_at = NOW + 30;
	expect(&g, 0, "replaced 1/1 @30, rolled back 2/2 @30");
	g.keys[1] = (struct history_key){ .keyset = 2, .served_at = NOW + 33 };
	expect(&g, 0, "served 2/2 @33");
	/* again, and some of the servers have had it all the time */
	keyset(&g, 2)->retired_at = NOW + 40;
	keyset(&g, 1)->retired_at = 0;
	keyset(&g, 1)->live_at = NOW + 40;
	expect(&g, 0, "replaced 2/2 @40, rolled back 1/1 @40");
	keyset(&g, 1)->retired_at = NOW + 50;
	keyset(&g, 2)->retired_at = 0;
	keyset(&g, 2)->live_at = NOW + 50;
	expect(&g, 0, "replaced 1/1 @50, rolled back 2/2 @50, served 2/2 @50");
	end(&g);
}

static void a_key_that_was_dropped_may_come_again(void **state)
{
	struct log g;

	(void)state;
	begin(&g);
	keyset(&g, 1)->staged_at = NOW + 1;
	keyset(&g, 1)->removed_at = NOW + 2;
	expect(&g, 0, "created 1/1 @0, staged 1/1 @1, retired 1/1 @2");
	keyset(&g, 1)->removed_at = 0;
	expect(&g, 0, "staged 1/1 @1");
	end(&g);
}

/* Whatever a crash leaves of the file: together with what the next run adds, each event is there once. */
static void any_cut_is_made_up_for(void **state)
{
	struct log g;
	size_t first;

	(void)state;
	begin(&g);
	keyset(&g, 1)->live_at = NOW + 2;
	free(missing(&g, 1));
	first = g.file.len;
	keyset(&g, 2)->staged_at = NOW + 10;
	keyset(&g, 2)->live_at = keyset(&g, 1)->retired_at = NOW + 20;
	free(missing(&g, 2));
	for (size_t len = first; len <= g.file.len; len++) {
		struct history_view v = { .ledger = &g.ledger, .told_gen = 2, .told_at = NOW + 5, .now = NOW + 1000 };
		struct history_rows there = { 0 }, rows = { 0 };
		struct history_mark m = { 0 };
		char *cut = mem_copy_strn(g.file.s, len);
		size_t unmarked, damaged;
		unsigned seen[3][LIVES_N] = { { 0 } };

		history_decode(&there, &m, &unmarked, &damaged, cut);
		assert_int_equal(damaged, cut[len - 1] != '\n' && g.file.s[len] != '\n');
		history_missing(&rows, &m, &v);
		history_drop(&rows, &there, unmarked);
		for (size_t i = 0; i < there.n; i++)
			seen[there.v[i].keyset][there.v[i].what]++;
		for (size_t i = 0; i < rows.n; i++)
			seen[rows.v[i].keyset][rows.v[i].what]++;
		assert_int_equal(there.n + rows.n, 8);
		for (int k = 1; k < 3; k++)
			for (int w = 0; w < LIVES_N; w++)
				assert_int_equal(seen[k][w], w == LIFE_CREATED || w == LIFE_PROMOTED ||
						 w == LIFE_DEPLOYED || (w == LIFE_STAGED && k == 2) ||
						 (w == LIFE_REPLACED && k == 1));
		history_rows_free(&there);
		history_rows_free(&rows);
		history_mark_free(&m);
		free(cut);
	}
	end(&g);
}

static void what_is_no_row_is_counted(void **state)
{
	static const char text[] = "{\"at\":\"2027-01-15T08:00:00Z\",\"event\":\"created\",\"keyset\":1}\n\n"
		"{\"at\":\"never\",\"event\":\"created\"}\n[]\nrubbish\n"
		"{\"at\":\"2027-01-15T08:00:00Z\",\"event\":\"frob\"}\n"
		"{\"at\":\"2027-01-15T08:00:00Z\",\"event\":\"created\",\"keyset\":-5,\"known\":3}\n"
		"{\"at\":\"2027-01-15T08:00:00Z\",\"event\":\"created\"}";
	struct history_rows rows = { 0 };
	struct history_mark m = { 0 };
	size_t unmarked, damaged;

	(void)state;
	history_decode(&rows, &m, &unmarked, &damaged, text);
	assert_int_equal(rows.n, 2);
	assert_int_equal(unmarked, 2);
	assert_int_equal(damaged, 5);
	assert_int_equal(rows.v[0].at, NOW);
	history_rows_free(&rows);
	history_mark_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_is_told_once),
		cmocka_unit_test(back_and_forth),
		cmocka_unit_test(a_key_that_was_dropped_may_come_again),
		cmocka_unit_test(any_cut_is_made_up_for),
		cmocka_unit_test(what_is_no_row_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
