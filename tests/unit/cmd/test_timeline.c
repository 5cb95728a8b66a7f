/* test_timeline.c - what was, from a ledger, and what will be, from the rule table.
 * Touches: nothing.
 */
#include "cmd/timeline.h"

#include "base/mem.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW ((int64_t)1800000000)
#define END (NOW + YEAR)

static const struct policy dane = {
	.max_key_age_for = 180 * DAY, .staging_for = 2 * DAY, .retire_after_for = 3 * DAY, .cert_for = 90 * DAY,
	.ttl_for = HOUR, .publishes = true, .tells = true,
};

/* A line with a ledger of these keysets, whose records are in the zone as far as they are not removed. */
struct world_of_one {
	struct line_config cfg;
	struct line l;
	struct facts f;
	struct history_rows past;
	struct timeline t;
};

static void set_up(struct world_of_one *w, const struct policy *p, const struct keyset *keysets, size_t n)
{
	*w = (struct world_of_one){ .cfg.name = (char[]){ "mx" }, .l.policy = *p };
	w->cfg.name = mem_copy_str("mx");
	w->l.cfg = &w->cfg;
	w->l.ledger.keysets = mem_array(n, sizeof(*keysets));
	w->l.ledger.keysets_n = n;
	for (size_t i = 0; i < n; i++)
		w->l.ledger.keysets[i] = keysets[i];
}

static void publish(struct world_of_one *w, int keyset, int64_t at)
{
	set_add(&w->l.ledger.set, "_25._tcp.mx.example.org", "3 1 1 00", keyset);
	w->l.ledger.set.v[w->l.ledger.set.n - 1].published_at = at;
}

static struct key_facts key_of(const struct world_of_one *w, int id)
{
	const struct keyset *k = ledger_keyset(&w->l.ledger, id);
	int64_t published_at = 0;

	for (size_t i = 0; i < w->l.ledger.set.n; i++)
		if (w->l.ledger.set.v[i].keyset == id)
			published_at = w->l.ledger.set.v[i].published_at;
	return (struct key_facts){
		.present = true, .id = id, .gen = k->gen, .fits_types = true, .fits_names = true,
		.created_at = k->created_at, .staged_at = k->staged_at, .retired_at = k->retired_at,
		.compromised = k->compromised, .cert_from_at = NOW - 10 * DAY, .cert_until_at = NOW + 80 * DAY,
		.published_at = published_at,
	};
}

static void look_ahead(struct world_of_one *w)
{
	timeline_make(&w->t, &w->l, &w->f, &w->past, NOW, END);
}

static void tear_down(struct world_of_one *w)
{
	timeline_free(&w->t);
	free(w->l.ledger.keysets);
	set_free(&w->l.ledger.set);
	free(w->cfg.name);
}

/* "live 0..180 retired 180..183": days from now, "<" for what began before and ">" for what does not end. */
static char *days_of(int64_t at)
{
	if (at == WHEN_NEVER)
		return mem_copy_str(">");
	return mem_format("%lld", (long long)((at - NOW) / DAY));
}

static char *stretches(const struct timeline_key *k)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < k->stretches_n; i++) {
		char *from = days_of(k->stretches[i].from_at), *until = days_of(k->stretches[i].until_at);

		buf_addf(&b, "%s%s %s..%s", i ? ", " : "", key_state_name(k->stretches[i].state), from, until);
		free(from);
		free(until);
	}
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

static char *sets(const struct timeline *t)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < t->sets_n; i++) {
		char *from = days_of(t->sets[i].from_at), *until = days_of(t->sets[i].until_at);

		buf_add_str(&b, i ? ", " : "");
		for (size_t k = 0; k < t->sets[i].keys_n; k++)
			buf_addf(&b, "%s%d", k ? "+" : "", t->sets[i].keys[k]);
		buf_addf(&b, " %s..%s", from, until);
		free(from);
		free(until);
	}
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

static char *marks(const struct timeline *t)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < t->marks_n; i++)
		buf_addf(&b, "%s%s %d %lld", i ? ", " : "", rollover_step_name(t->marks[i].step), t->marks[i].key,
			 (long long)((t->marks[i].at - NOW) / DAY));
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

/* "from..until" of each certificate, with the day on which it ends if that is known. */
static char *certs(const struct timeline_key *k)
{
	struct buf b;
	char *text;

	buf_init(&b, 10000);
	for (size_t i = 0; i < k->certs_n; i++) {
		char *from = days_of(k->certs[i].from_at), *until = days_of(k->certs[i].until_at);
		char *ends = days_of(k->certs[i].ends_at);

		buf_addf(&b, "%s%s..%s (%s)", i ? ", " : "", from, until, ends);
		free(from);
		free(until);
		free(ends);
	}
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

static void assert_text(char *got, const char *want)
{
	assert_string_equal(got, want);
	free(got);
}

/* The timeline holds together: no gaps, no span that ends before it begins, sets that follow each other. */
static void assert_sound(const struct timeline *t)
{
	for (size_t i = 0; i < t->keys_n; i++) {
		const struct timeline_key *k = &t->keys[i];

		for (size_t s = 0; s < k->stretches_n; s++) {
			assert_true(k->stretches[s].from_at < k->stretches[s].until_at);
			if (s)
				assert_true(k->stretches[s].from_at == k->stretches[s - 1].until_at);
		}
		for (size_t c = 0; c < k->certs_n; c++) {
			assert_true(k->certs[c].from_at <= k->certs[c].until_at);
			assert_true(k->certs[c].until_at <= k->certs[c].ends_at);
			if (c)
				assert_true(k->certs[c].from_at == k->certs[c - 1].until_at);
		}
	}
	for (size_t i = 0; i < t->sets_n; i++) {
		assert_true(t->sets[i].from_at < t->sets[i].until_at);
		assert_true(t->sets[i].keys_n > 0);
		if (i)
			assert_true(t->sets[i].from_at >= t->sets[i - 1].until_at);
	}
}

/* ------------------------------------------------------------------------------------------------ */

static void a_year_of_a_steady_line(void **state)
{
	static const struct keyset one = { .id = 1, .gen = 1, .created_at = NOW - 20 * DAY, .live_at = NOW - 20 * DAY };
	struct world_of_one w;

	(void)state;
	set_up(&w, &dane, &one, 1);
	publish(&w, 1, NOW - 19 * DAY);
	w.f = (struct facts){ .live = key_of(&w, 1), .deployed_at = NOW - 20 * DAY };
	look_ahead(&w);
	assert_sound(&w.t);
	/* renewals are generations too: 2 and 3 before the first roll-over, 5 and 6 ... before the next */
	assert_int_equal(w.t.keys_n, 3);
	assert_text(stretches(&w.t.keys[0]), "live -20..162, retired 162..165");
	assert_text(stretches(&w.t.keys[1]), "published 160..162, live 162..342, retired 342..345");
	assert_text(stretches(&w.t.keys[2]), "published 340..342, live 342..>");
	assert_int_equal(w.t.keys[1].number, 4);
	assert_text(sets(&w.t), "1 -19..160, 1+4 160..165, 4 165..340, 4+8 340..345, 8 345..>");
	assert_text(marks(&w.t), "make key 1 -20, promote 4 162, promote 8 342");
	assert_null(w.t.marks[0].why);
	assert_string_equal(w.t.marks[1].why, "every cache that may hold a TLSA set knows the new key");
	assert_string_equal(w.t.keys[1].stretches[0].why, "the published TLSA set is not the wanted one");
	assert_int_equal(w.t.phase, PH_STEADY);
	assert_int_equal(w.t.next.step, DO_RENEW);
	/* the certificate of no generation is known here: those to come, each replaced at two thirds */
	assert_int_equal(w.t.keys[1].certs_n, 4);
	assert_int_equal(w.t.keys[1].certs[1].until_at - w.t.keys[1].certs[1].from_at, 60 * DAY);
	assert_int_equal(w.t.keys[1].certs[1].ends_at - w.t.keys[1].certs[1].from_at, 90 * DAY);
	tear_down(&w);
}

static void the_past_is_what_the_ledger_knows(void **state)
{
	static const struct keyset known[] = {
		/* not in order, and one that is gone already */
		{ .id = 3, .gen = 4, .created_at = NOW - 4 * DAY, .staged_at = NOW - 4 * DAY, .live_at = NOW - 2 * DAY },
		{ .id = 1, .gen = 1, .created_at = NOW - 300 * DAY, .live_at = NOW - 300 * DAY,
		  .retired_at = NOW - 120 * DAY, .removed_at = NOW - 110 * DAY },
		{ .id = 2, .gen = 2, .created_at = NOW - 122 * DAY, .staged_at = NOW - 122 * DAY,
		  .live_at = NOW - 120 * DAY, .retired_at = NOW - 2 * DAY },
	};
	struct world_of_one w;

	(void)state;
	set_up(&w, &dane, known, ARRAY_LEN(known));
	publish(&w, 2, NOW - 121 * DAY);
	publish(&w, 3, NOW - 3 * DAY);
	w.f = (struct facts){ .live = key_of(&w, 3), .retired = key_of(&w, 2), .retired_n = 1,
			      .deployed_at = NOW - 2 * DAY };
	look_ahead(&w);
	assert_sound(&w.t);
	assert_text(stretches(&w.t.keys[0]), "live -300..-120, retired -120..-110");
	assert_text(stretches(&w.t.keys[1]), "staged -122..-121, published -121..-120, live -120..-2, retired -2..1");
	assert_text(stretches(&w.t.keys[2]), "staged -4..-3, published -3..-2, live -2..178, retired 178..181");
	assert_memory_equal(((int[]){ w.t.keys[0].number, w.t.keys[1].number, w.t.keys[2].number }),
			    ((int[]){ 1, 2, 3 }), 3 * sizeof(int));
	/* when the first key's records came is forgotten: they were there when the next one was published */
	assert_true(w.t.sets[0].keys_n == 1 && w.t.sets[0].keys[0] == 1);
	assert_int_equal(w.t.phase, PH_RETIRING);
	tear_down(&w);
}

static void a_new_line_begins_now(void **state)
{
	struct world_of_one w;

	(void)state;
	set_up(&w, &dane, NULL, 0);
	look_ahead(&w);
	assert_sound(&w.t);
	assert_text(stretches(&w.t.keys[0]), "live 0..182, retired 182..185");
	assert_int_equal(w.t.keys[0].number, 1);
	assert_int_equal(w.t.marks[0].step, DO_MAKE_KEY);
	assert_text(sets(&w.t), "1 0..180, 1+5 180..185, 5 185..360, 5+9 360..365, 9 365..>");
	tear_down(&w);
}

static void without_dns_there_are_no_sets(void **state)
{
	static const struct policy plain = { .max_key_age_for = 180 * DAY, .cert_for = 90 * DAY, .tells = true };
	struct world_of_one w;

	(void)state;
	set_up(&w, &plain, NULL, 0);
	look_ahead(&w);
	assert_sound(&w.t);
	assert_int_equal(w.t.sets_n, 0);
	assert_text(stretches(&w.t.keys[0]), "live 0..180");
	assert_text(stretches(&w.t.keys[1]), "live 180..360");
	tear_down(&w);
}

static void a_rolled_back_key_is_live_again(void **state)
{
	static const struct keyset known[] = {
		{ .id = 1, .gen = 1, .created_at = NOW - 100 * DAY, .live_at = NOW - 100 * DAY, .retired_at = NOW - DAY },
		{ .id = 2, .gen = 2, .created_at = NOW - 4 * DAY, .staged_at = NOW - 4 * DAY, .live_at = NOW - DAY },
	};
	struct world_of_one w;

	(void)state;
	set_up(&w, &dane, known, ARRAY_LEN(known));
	publish(&w, 1, NOW - 99 * DAY);
	publish(&w, 2, NOW - 4 * DAY);
	w.f = (struct facts){ .live = key_of(&w, 2), .retired = key_of(&w, 1), .retired_n = 1, .deployed_at = NOW - DAY,
			      .back_wanted = true, .back_published = true, .rolled_back_at = 0 };
	look_ahead(&w);
	assert_sound(&w.t);
	assert_text(stretches(&w.t.keys[0]), "live -100..-1, retired -1..0, live 0..82, retired 82..85");
	assert_text(stretches(&w.t.keys[1]), "published -4..-1, live -1..0, retired 0..3");
	assert_int_equal(w.t.marks[2].step, DO_ROLL_BACK);
	tear_down(&w);
}

static void a_roll_back_is_what_the_log_knows(void **state)
{
	static const struct keyset known[] = {
		{ .id = 1, .gen = 1, .created_at = NOW - 100 * DAY, .live_at = NOW - DAY },
		{ .id = 2, .gen = 2, .created_at = NOW - 6 * DAY, .staged_at = NOW - 6 * DAY, .live_at = NOW - 4 * DAY,
		  .retired_at = NOW - DAY },
	};
	static const struct history_row rows[] = {
		{ NOW - 100 * DAY, LIFE_CREATED, 1, 1, NULL },
		{ NOW - 100 * DAY, LIFE_PROMOTED, 1, 1, NULL },
		{ NOW - 6 * DAY, LIFE_STAGED, 2, 2, NULL },
		{ NOW - 4 * DAY, LIFE_REPLACED, 1, 1, NULL },
		{ NOW - 4 * DAY, LIFE_PROMOTED, 2, 2, NULL },
		{ NOW - DAY, LIFE_REPLACED, 2, 2, NULL },
		{ NOW - DAY, LIFE_ROLLED_BACK, 1, 1, NULL },
	};
	struct world_of_one w;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_up(&w, &dane, known, ARRAY_LEN(known));
		publish(&w, 1, NOW - 99 * DAY);
		publish(&w, 2, NOW - 6 * DAY);
		w.l.ledger.rolled_back_at = NOW - DAY;
		w.f = (struct facts){ .live = key_of(&w, 1), .retired = key_of(&w, 2), .retired_n = 1,
				      .deployed_at = NOW - DAY, .rolled_back_at = NOW - DAY };
		if (i == 0)
			w.past = (struct history_rows){ (struct history_row *)rows, ARRAY_LEN(rows) };
		look_ahead(&w);
		assert_sound(&w.t);
		/* each day on which a key went live, in order; without the log, as far as the ledger knows */
		if (i == 0) {
			assert_text(stretches(&w.t.keys[0]), "live -100..-4, retired -4..-1, live -1..82, retired 82..85");
			assert_text(marks(&w.t), "make key 1 -100, promote 2 -4, roll back 1 -1, promote 4 82, promote 8 262");
		} else {
			assert_text(stretches(&w.t.keys[0]), "live -1..82, retired 82..85");
			assert_text(marks(&w.t), "promote 2 -4, roll back 1 -1, promote 4 82, promote 8 262");
		}
		assert_text(stretches(&w.t.keys[1]), "published -6..-4, live -4..-1, retired -1..2");
		tear_down(&w);
	}
}

static void earlier_certificates_are_what_the_log_knows(void **state)
{
	static const struct keyset known[] = {
		{ .id = 1, .gen = 1, .created_at = NOW - 300 * DAY, .live_at = NOW - 300 * DAY,
		  .retired_at = NOW - 120 * DAY, .removed_at = NOW - 110 * DAY },
		{ .id = 2, .gen = 6, .created_at = NOW - 122 * DAY, .staged_at = NOW - 122 * DAY, .live_at = NOW - 120 * DAY },
	};
	static const struct history_row rows[] = {
		{ NOW - 300 * DAY, LIFE_CREATED, 1, 1, NULL },
		{ NOW - 200 * DAY, LIFE_DEPLOYED, 1, 1, NULL },
		{ NOW - 122 * DAY, LIFE_CREATED, 2, 3, NULL },
		{ NOW - 121 * DAY, LIFE_RENEWED, 2, 3, NULL },         /* the stand-in was replaced at once */
		{ NOW - 60 * DAY, LIFE_RENEWED, 2, 5, NULL },
		{ NOW - 300 * DAY, LIFE_RENEWED, 2, 5, NULL },         /* nonsense */
		{ NOW - 10 * DAY, LIFE_RENEWED, 2, 6, NULL },
		{ NOW - 10 * DAY, LIFE_RENEWED, 7, 6, NULL },
	};
	static struct leaf leaf = { .from_at = NOW - 10 * DAY, .until_at = NOW + 80 * DAY };
	struct world_of_one w;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		set_up(&w, &dane, known, ARRAY_LEN(known));
		publish(&w, 2, NOW - 121 * DAY);
		w.f = (struct facts){ .live = key_of(&w, 2), .deployed_at = NOW - 2 * DAY };
		w.l.live = (struct generation){ .number = 6, .keyset = 2, .leaves = &leaf, .leaves_n = 1 };
		if (i == 0)
			w.past = (struct history_rows){ (struct history_row *)rows, ARRAY_LEN(rows) };
		timeline_make(&w.t, &w.l, &w.f, &w.past, NOW, NOW + DAY);
		assert_sound(&w.t);
		assert_text(certs(&w.t.keys[0]), i == 0 ? "-300..-110 (>)" : "");
		assert_text(certs(&w.t.keys[1]), i == 0 ? "-121..-60 (>), -60..-10 (>), -10..80 (80)" : "-10..80 (80)");
		tear_down(&w);
	}
}

static void a_compromised_key_goes_at_once(void **state)
{
	static const struct keyset known[] = {
		{ .id = 1, .gen = 1, .created_at = NOW - 100 * DAY, .live_at = NOW - 100 * DAY, .retired_at = NOW - DAY },
		{ .id = 2, .gen = 2, .created_at = NOW - 4 * DAY, .staged_at = NOW - 4 * DAY, .live_at = NOW - DAY,
		  .compromised = true },
	};
	struct world_of_one w;

	(void)state;
	set_up(&w, &dane, known, ARRAY_LEN(known));
	publish(&w, 1, NOW - 99 * DAY);
	publish(&w, 2, NOW - 4 * DAY);
	w.f = (struct facts){ .live = key_of(&w, 2), .retired = key_of(&w, 1), .retired_n = 1, .deployed_at = NOW - DAY };
	look_ahead(&w);
	assert_sound(&w.t);
	assert_true(w.t.keys[1].compromised);
	/* an hour of TTL, and some minutes: the third one is live on the same day */
	assert_text(stretches(&w.t.keys[2]), "published 0..0, live 0..182, retired 182..185");
	tear_down(&w);
}

/* What is drawn is what `plan` lists: the fold is the same. */
struct count {
	size_t promotions, steps;
	int64_t last_at;
};

static void count(void *arg, int64_t at, const struct decision *d)
{
	struct count *c = arg;

	assert_true(at >= c->last_at);
	assert_non_null(d->why);
	c->last_at = at;
	c->steps++;
	c->promotions += d->step == DO_PROMOTE;
}

static void absurd_policies_come_to_an_end(void **state)
{
	static const struct policy rows[] = {
		{ .max_key_age_for = DAY, .staging_for = HOUR, .retire_after_for = HOUR, .cert_for = 7 * DAY, .ttl_for = HOUR,
		  .publishes = true, .tells = true },
		{ .max_key_age_for = YEAR, .cert_for = HOUR, .tells = true },
		{ .max_key_age_for = DAY, .staging_for = 0, .cert_for = DAY, .publishes = true, .standby = true },
		{ .max_key_age_for = 10 * DAY, .staging_for = 20 * DAY, .cert_for = 30 * DAY, .publishes = true,
		  .blind = true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct count c = { 0 };
		struct world_of_one w;
		size_t promoted = 0;

		set_up(&w, &rows[i], NULL, 0);
		timeline_make(&w.t, &w.l, &w.f, &w.past, NOW, NOW + 100 * YEAR);
		assert_sound(&w.t);
		timeline_foresee(&rows[i], &w.f, NOW, NOW + 100 * YEAR, count, &c);
		for (size_t k = 0; k < w.t.marks_n; k++)
			promoted += w.t.marks[k].step == DO_PROMOTE;
		assert_int_equal(promoted, c.promotions);
		assert_true(c.steps > 1);
		tear_down(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year_of_a_steady_line),
		cmocka_unit_test(the_past_is_what_the_ledger_knows),
		cmocka_unit_test(a_new_line_begins_now),
		cmocka_unit_test(without_dns_there_are_no_sets),
		cmocka_unit_test(a_rolled_back_key_is_live_again),
		cmocka_unit_test(a_roll_back_is_what_the_log_knows),
		cmocka_unit_test(earlier_certificates_are_what_the_log_knows),
		cmocka_unit_test(a_compromised_key_goes_at_once),
		cmocka_unit_test(absurd_policies_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
