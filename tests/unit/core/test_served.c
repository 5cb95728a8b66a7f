/* test_served.c - what follows from what servers presented.
 * Touches: nothing.
 */
#include "core/served.h"

#include "base/mem.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define T ((int64_t)1800000000)

static const struct served_key keys[] = {
	{ .spki = "live-ec", .cert = "cert-ec-2", .family = KEY_FAMILY_ECDSA, .wanted = true,
	  .words = "the live key" },
	{ .spki = "live-rsa", .cert = "cert-rsa-2", .family = KEY_FAMILY_RSA, .wanted = true,
	  .words = "the live key" },
	{ .spki = "old-ec", .cert = "cert-ec-1", .family = KEY_FAMILY_ECDSA, .words = "the old key (generation 1)" },
	{ .spki = "sister", .family = KEY_FAMILY_ECDSA, .tolerated = true, .words = "a key of another line" },
};

static struct served_question question(void)
{
	return (struct served_question){ .keys = keys, .keys_n = ARRAY_LEN(keys), .told_at = T,
					 .away_for = 2 * DAY };
}

static struct served_answer shows(const char *address, enum key_family f, const char *spki, const char *cert,
				  int64_t at)
{
	return (struct served_answer){ .name = "mx", .address = address, .family = f, .state = SERVED_PRESENTED,
				       .spki = spki, .cert = cert, .serial = "0a", .until_at = T + 90 * DAY,
				       .at = at };
}

static struct served_answer fails(const char *address, enum key_family f, enum served_state state, int64_t at)
{
	return (struct served_answer){ .name = "mx", .address = address, .family = f, .state = state,
				       .why = "for a reason", .at = at };
}

/* Both families of one address. */
static void note_two(struct served *s, struct served_answer ec, struct served_answer rsa)
{
	const struct served_answer answers[] = { ec, rsa };

	served_note(s, answers, 2);
}

static const struct served_row {
	const char *what;
	enum served_state ec_state;
	const char *ec;
	enum served_state rsa_state;
	const char *rsa;
	enum served_verdict verdict;
	enum served_reason  reason;
	enum key_family family;
	const char *words;
} rows[] = {
	/* clang-format off */
	{ "both live", SERVED_PRESENTED, "live-ec", SERVED_PRESENTED, "live-rsa", SERVED_YES, SR_NONE, 0, "every server" },
	{ "ECDSA switched and RSA not", SERVED_PRESENTED, "live-ec", SERVED_PRESENTED, "old-rsa", SERVED_NO, SR_OTHER_KEY, KEY_FAMILY_RSA, "not of this line, to clients that ask for RSA" },
	{ "RSA switched and ECDSA not", SERVED_PRESENTED, "old-ec", SERVED_PRESENTED, "live-rsa", SERVED_NO, SR_OTHER_KEY, KEY_FAMILY_ECDSA, "the old key (generation 1), to clients that ask for ECDSA" },
	{ "no RSA key", SERVED_PRESENTED, "live-ec", SERVED_ABSENT, NULL, SERVED_YES, SR_NONE, 0, NULL },
	{ "no RSA key, and the old one", SERVED_PRESENTED, "old-ec", SERVED_ABSENT, NULL, SERVED_NO, SR_OTHER_KEY, KEY_FAMILY_ECDSA, "presents the old key (generation 1)" },
	{ "neither switched", SERVED_PRESENTED, "old-ec", SERVED_PRESENTED, "old-rsa", SERVED_NO, SR_OTHER_KEY, KEY_FAMILY_RSA, "192.0.2.1:25 presents a key that is not of this line" },
	{ "no key at all", SERVED_ABSENT, NULL, SERVED_ABSENT, NULL, SERVED_NO, SR_ABSENT, KEY_FAMILY_RSA, NULL },
	{ "a key of a sister line", SERVED_PRESENTED, "sister", SERVED_PRESENTED, "live-rsa", SERVED_YES, SR_NONE, 0, NULL },
	{ "hangs in the handshake", SERVED_FAULTY, NULL, SERVED_PRESENTED, "live-rsa", SERVED_NO, SR_FAULTY, KEY_FAMILY_ECDSA, "shows no certificate: for a reason" },
	{ "away", SERVED_AWAY, NULL, SERVED_AWAY, NULL, SERVED_WAIT, SR_AWAY, KEY_FAMILY_RSA, "is not reached: for a reason" },
	{ "no route to it", SERVED_UNROUTED, NULL, SERVED_UNROUTED, NULL, SERVED_WAIT, SR_UNROUTED, KEY_FAMILY_RSA, "is not reached: for a reason (have it" },
	{ "away and another key", SERVED_AWAY, NULL, SERVED_PRESENTED, "what", SERVED_NO, SR_OTHER_KEY, KEY_FAMILY_RSA, NULL },
	/* clang-format on */
};

static struct served_answer answer(enum served_state state, enum key_family f, const char *spki)
{
	return state == SERVED_PRESENTED ? shows("192.0.2.1:25", f, spki, spki, T + HOUR)
					 : fails("192.0.2.1:25", f, state, T + HOUR);
}

static void one_endpoint(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct served_row *r = &rows[i];
		struct served_question q = question();
		struct served_judgement j;
		struct served s = { 0 };
		char *text;

		note_two(&s, answer(r->ec_state, KEY_FAMILY_ECDSA, r->ec),
			 answer(r->rsa_state, KEY_FAMILY_RSA, r->rsa));
		j = served_judge(&s, &q);
		text = served_text(&j);
		if (j.verdict != r->verdict || j.reason != r->reason ||
		    (j.reason != SR_NONE && j.family != r->family))
			fail_msg("%s: verdict %d, reason %d, family %d: %s", r->what, j.verdict, j.reason, j.family, text);
		if (r->words && (!strstr(text, r->words) || !strstr(text, "to clients") != !strstr(r->words, "to clients")))
			fail_msg("%s: %s", r->what, text);
		free(text);
		served_free(&s);
	}
}

/* What is not looked at is not assumed. */
static void nothing_is_no_proof(void **state)
{
	struct served_question q = question();
	struct served s = { 0 };

	(void)state;
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_NO);
	assert_int_equal(served_judge(&s, &q).reason, SR_NEVER_LOOKED);
	/* one family alone says nothing of the other */
	served_note(&s, &(struct served_answer[]){ shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T) }[0], 1);
	assert_int_equal(served_judge(&s, &q).reason, SR_NEVER_LOOKED);
	served_free(&s);
}

static void every_address_counts(void **state)
{
	struct served_question q = question();
	struct served s = { 0 };
	struct served_judgement j;
	const struct served_answer answers[] = {
		shows("b", KEY_FAMILY_ECDSA, "live-ec", "c", T + 5), shows("b", KEY_FAMILY_RSA, "live-rsa", "c", T + 9),
		shows("a", KEY_FAMILY_ECDSA, "old-ec", "c", T + 5), shows("a", KEY_FAMILY_RSA, "old-rsa", "c", T + 5),
	};
	char *text;

	(void)state;
	served_note(&s, answers, 4);
	assert_int_equal(s.n, 2);
	j = served_judge(&s, &q);
	assert_int_equal(j.verdict, SERVED_NO);
	assert_string_equal(j.who->address, "a");
	assert_int_equal(j.in_the_way, 1);
	/* the address left DNS: nobody goes there any more */
	served_note(&s, answers, 2);
	assert_int_equal(s.n, 1);
	j = served_judge(&s, &q);
	assert_int_equal(j.verdict, SERVED_YES);
	assert_true(j.at == T + 9);
	served_note(&s, &(struct served_answer[]){ fails("-", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 20) }[0], 1);
	assert_int_equal(s.n, 1);
	j = served_judge(&s, &q);
	assert_int_equal(j.reason, SR_NEVER_LOOKED);            /* RSA was not asked for at "-" */
	note_two(&s, fails("-", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 20), fails("-", KEY_FAMILY_RSA, SERVED_AWAY, T + 20));
	j = served_judge(&s, &q);
	assert_int_equal(j.reason, SR_NO_ADDRESS);
	text = served_text(&j);
	assert_non_null(strstr(text, "mx has no address to look at: for a reason"));
	free(text);
	served_free(&s);
}

/* It is waited for from the moment at which the servers were told, or from when it was found away, if that is later
 * and it was not last seen with the key. */
static void away_counts_after_a_time(void **state)
{
	struct served_question q = question();
	struct served s = { 0 };
	struct served_judgement j;

	(void)state;
	note_two(&s, fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T + HOUR), fails("a", KEY_FAMILY_RSA, SERVED_AWAY, T + HOUR));
	j = served_judge(&s, &q);
	assert_int_equal(j.verdict, SERVED_WAIT);
	assert_true(j.at == T + 2 * DAY + HOUR);
	/* seen once more with the old key */
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "old-ec", "c", T + DAY), shows("a", KEY_FAMILY_RSA, "old", "c", T + DAY));
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_NO);
	/* nobody has looked for days */
	note_two(&s, fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 9 * DAY), fails("a", KEY_FAMILY_RSA, SERVED_AWAY, T + 9 * DAY));
	note_two(&s, fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 10 * DAY), fails("a", KEY_FAMILY_RSA, SERVED_AWAY, T + 10 * DAY));
	j = served_judge(&s, &q);
	assert_int_equal(j.verdict, SERVED_WAIT);
	assert_true(j.at == T + 11 * DAY);
	/* of the key that it has shown nobody is in doubt */
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T + 11 * DAY), shows("a", KEY_FAMILY_RSA, "live-rsa", "c", T + 11 * DAY));
	note_two(&s, fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 12 * DAY), fails("a", KEY_FAMILY_RSA, SERVED_AWAY, T + 12 * DAY));
	assert_true(served_judge(&s, &q).at == T + 2 * DAY);
	/* nobody told it, or it is to be waited for whatever comes */
	q.told_at = 0;
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_NO);
	q.told_at = T;
	q.away_for = WHEN_NEVER;
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_NO);
	served_free(&s);
}

/* Several servers behind one address: one that has switched does not speak for the others. */
static void changing_keys(void **state)
{
	static const char *const keys_shown[] = { "old-ec", "live-ec", "old-ec", "live-ec" };
	struct served_question q = question();
	struct served s = { 0 };
	struct served_judgement j;
	char *text;

	(void)state;
	q.keys_n = 1;
	for (int i = 0; i < 2; i++)
		served_note(&s, &(struct served_answer[]){ shows("a", KEY_FAMILY_ECDSA, keys_shown[i], "c", T + i) }[0], 1);
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	for (int i = 2; i < 4; i++)
		served_note(&s, &(struct served_answer[]){ shows("a", KEY_FAMILY_ECDSA, keys_shown[i], "c", T + i) }[0], 1);
	j = served_judge(&s, &q);
	assert_int_equal(j.verdict, SERVED_WAIT);
	assert_int_equal(j.reason, SR_UNSTEADY);
	assert_true(j.at == T + 3 + SERVED_STEADY_FOR);
	text = served_text(&j);
	assert_non_null(strstr(text, "mx at a presented now this key, now that"));
	free(text);
	served_note(&s, &(struct served_answer[]){ shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", j.at) }[0], 1);
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	served_free(&s);
	/* of two lines with one owner each has its server there */
	q = question();
	q.keys_n = ARRAY_LEN(keys);
	for (int i = 0; i < 4; i++)
		note_two(&s, shows("a", KEY_FAMILY_ECDSA, i & 1 ? "live-ec" : "sister", "c", T + i),
			 shows("a", KEY_FAMILY_RSA, "live-rsa", "c", T + i));
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	served_free(&s);
}

static void only_looks_of_this_run_count(void **state)
{
	struct served_question q = question();
	struct served s = { 0 };

	(void)state;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T + 10), shows("a", KEY_FAMILY_RSA, "live-rsa", "c", T + 10));
	q.fresh_at = T + 10;
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	q.fresh_at = T + 11;
	assert_int_equal(served_judge(&s, &q).reason, SR_STALE);
	/* an old look that says no goes on saying no */
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "old-ec", "c", T + 10), shows("a", KEY_FAMILY_RSA, "live-rsa", "c", T + 11));
	assert_int_equal(served_judge(&s, &q).reason, SR_OTHER_KEY);
	served_free(&s);
}

/* The key of a family that is not wanted any more must not be shown, and need not be. */
static void a_family_that_went(void **state)
{
	static const struct served_key ec_only[] = {
		{ .spki = "live-ec", .family = KEY_FAMILY_ECDSA, .wanted = true, .words = "the live key" },
		{ .spki = "old-rsa", .family = KEY_FAMILY_RSA, .words = "the old key (generation 1)" },
	};
	struct served_question q = { .keys = ec_only, .keys_n = 2, .told_at = T, .away_for = DAY };
	struct served s = { 0 };

	(void)state;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T), shows("a", KEY_FAMILY_RSA, "old-rsa", "c", T));
	assert_int_equal(served_judge(&s, &q).reason, SR_OTHER_KEY);
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T), fails("a", KEY_FAMILY_RSA, SERVED_ABSENT, T));
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	/* nobody asks for RSA any more: what it was is of no interest */
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T), shows("a", KEY_FAMILY_RSA, "old-rsa", "c", T));
	served_note(&s, &(struct served_answer[]){ shows("a", KEY_FAMILY_ECDSA, "live-ec", "c", T + 9) }[0], 1);
	q.fresh_at = T + 9;
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	served_free(&s);
}

static void since_when(void **state)
{
	struct served s = { 0 };
	const struct served_view *v;

	(void)state;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "k", "c1", T), shows("a", KEY_FAMILY_RSA, "r", "c", T));
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "k", "c2", T + 5), shows("a", KEY_FAMILY_RSA, "r", "c", T + 5));
	v = &s.v[0].views[KEY_FAMILY_ECDSA];
	assert_true(v->spki_since_at == T && v->cert_since_at == T + 5 && v->seen_at == T + 5 && !v->failing_at);
	note_two(&s, fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 7), shows("a", KEY_FAMILY_RSA, "r", "c", T + 7));
	note_two(&s, fails("a", KEY_FAMILY_ECDSA, SERVED_FAULTY, T + 8), shows("a", KEY_FAMILY_RSA, "r", "c", T + 8));
	assert_true(v->failing_at == T + 7 && v->seen_at == T + 5);
	assert_string_equal(v->spki, "k");
	/* whoever was away may have been another one */
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "k", "c2", T + 9), shows("a", KEY_FAMILY_RSA, "r", "c", T + 9));
	assert_true(v->spki_since_at == T + 9 && v->cert_since_at == T + 9 && !v->failing_at && !v->why);
	assert_true(s.v[0].views[KEY_FAMILY_RSA].spki_since_at == T);
	served_shift(&s, 100);
	assert_true(v->spki_since_at == T + 109 && v->seen_at == T + 109 && v->failing_at == 0);
	served_restart(&s, T + 110, T + 111);
	assert_true(v->spki_since_at == T + 110 && v->seen_at == T + 110);
	served_restart(&s, T, T + 50);
	assert_true(v->spki_since_at == T + 50 && v->failing_at == 0);
	served_free(&s);
}

static void old_certificates(void **state)
{
	struct served_question q = question();
	struct served s = { 0 };
	enum key_family family;
	size_t at = 0;

	(void)state;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "cert-ec-1", T), shows("a", KEY_FAMILY_RSA, "live-rsa", "cert-rsa-2", T));
	assert_ptr_equal(served_outdated(&s, &q, &at, &family), &s.v[0]);
	assert_int_equal(family, KEY_FAMILY_ECDSA);
	assert_null(served_outdated(&s, &q, &at, &family));
	/* the key is right, so that nothing is in the way of the records */
	assert_int_equal(served_judge(&s, &q).verdict, SERVED_YES);
	at = 0;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "live-ec", "cert-ec-2", T), fails("a", KEY_FAMILY_RSA, SERVED_AWAY, T));
	assert_null(served_outdated(&s, &q, &at, &family));
	/* of another key than the wanted one no certificate is the right one */
	at = 0;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "old-ec", "cert-ec-0", T), shows("a", KEY_FAMILY_RSA, "live-rsa", "cert-rsa-2", T));
	assert_null(served_outdated(&s, &q, &at, &family));
	served_free(&s);
}

static void names_that_went(void **state)
{
	static const char *const kept[] = { "other" };
	struct served s = { 0 };

	(void)state;
	note_two(&s, shows("a", KEY_FAMILY_ECDSA, "k", "c", T), shows("a", KEY_FAMILY_RSA, "r", "c", T));
	served_note(&s, &(struct served_answer){ .name = "other", .address = "x", .family = KEY_FAMILY_ECDSA,
						 .state = SERVED_ABSENT, .at = T }, 1);
	assert_int_equal(s.n, 2);
	served_keep(&s, kept, 1);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.v[0].name, "other");
	served_free(&s);
}

static enum served_verdict verdict(const struct served *s, const struct served_question *q)
{
	return served_judge(s, q).verdict;
}

/* A compromised key is gone when nobody shows it; what they show instead is another matter. */
static void keys_that_leave(void **state)
{
	static const struct served_key two[] = {
		{ .spki = "live-ec", .family = KEY_FAMILY_ECDSA, .wanted = true, .words = "the live key" },
		{ .spki = "old-ec", .family = KEY_FAMILY_ECDSA, .leaving = true, .words = "the old key" },
		{ .spki = "older-ec", .family = KEY_FAMILY_ECDSA, .words = "the old key" },
	};
	static const struct {
		enum served_state state;
		const char *before, *spki;
		enum served_verdict normally, leaving;
	} cases[] = {
		{ SERVED_PRESENTED, NULL, "live-ec", SERVED_YES, SERVED_YES },
		{ SERVED_PRESENTED, NULL, "foreign", SERVED_NO, SERVED_YES },
		{ SERVED_PRESENTED, NULL, "older-ec", SERVED_NO, SERVED_YES },
		{ SERVED_PRESENTED, NULL, "old-ec", SERVED_NO, SERVED_NO },
		{ SERVED_ABSENT, "old-ec", NULL, SERVED_NO, SERVED_YES },
		{ SERVED_FAULTY, "live-ec", NULL, SERVED_NO, SERVED_WAIT },
		{ SERVED_FAULTY, "old-ec", NULL, SERVED_NO, SERVED_WAIT },
		{ SERVED_AWAY, "foreign", NULL, SERVED_WAIT, SERVED_WAIT },
		{ SERVED_AWAY, NULL, NULL, SERVED_WAIT, SERVED_WAIT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct served_question q = { .keys = two, .keys_n = 3, .told_at = T, .away_for = DAY };
		struct served s = { 0 };
		struct served_answer a = shows("a", KEY_FAMILY_ECDSA, cases[i].before, "c", T + 10);

		if (cases[i].before)
			served_note(&s, &a, 1);
		a = cases[i].spki ? shows("a", KEY_FAMILY_ECDSA, cases[i].spki, "c", T + 20)
				 : fails("a", KEY_FAMILY_ECDSA, cases[i].state, T + 20);
		served_note(&s, &a, 1);
		if (verdict(&s, &q) != cases[i].normally)
			fail_msg("row %zu: not %d", i, cases[i].normally);
		q.about_leaving = true;
		if (verdict(&s, &q) != cases[i].leaving)
			fail_msg("row %zu, leaving: not %d", i, cases[i].leaving);
		served_free(&s);
	}
}

/* One that was last seen with the key that leaves may have shown it until it was found away. */
static void away_with_a_key_that_leaves(void **state)
{
	static const struct served_key one[] = { { .spki = "old-ec", .leaving = true } };
	struct served_question q = { .keys = one, .keys_n = 1, .told_at = T, .away_for = DAY,
				     .about_leaving = true };
	static const struct { const char *spki; int64_t at; } cases[] = {
		{ "old-ec", T + 50 + DAY }, { "foreign", T + DAY },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct served_answer a = shows("a", KEY_FAMILY_ECDSA, cases[i].spki, "c", T - 10);
		struct served s = { 0 };

		served_note(&s, &a, 1);
		a = fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T + 50);
		served_note(&s, &a, 1);
		assert_true(served_judge(&s, &q).at == cases[i].at);
		served_free(&s);
	}
}

static void of_some_names(void **state)
{
	static char mx[] = "mx", www[] = "www", imap[] = "imap";
	static char *good[] = { mx }, *bad[] = { www }, *none[] = { imap };
	struct strv names = { good, 1 };
	struct served_question q = question();
	struct served s = { 0 };
	struct served_answer a[] = { shows("a", KEY_FAMILY_ECDSA, "live-ec", "cert-ec-2", T),
				     shows("a", KEY_FAMILY_RSA, "live-rsa", "cert-rsa-2", T),
				     shows("b", KEY_FAMILY_ECDSA, "foreign", "c", T),
				     shows("b", KEY_FAMILY_RSA, "foreign", "c", T) };

	(void)state;
	a[2].name = a[3].name = "www";
	served_note(&s, a, 4);
	assert_int_equal(verdict(&s, &q), SERVED_NO);
	q.among = &names;
	assert_int_equal(verdict(&s, &q), SERVED_YES);
	assert_true(served_first_at(&s, &q) == 0);
	names.v = bad;
	assert_int_equal(verdict(&s, &q), SERVED_NO);
	assert_true(served_first_at(&s, &q) == WHEN_NEVER);
	names.v = none;
	assert_int_equal(verdict(&s, &q), SERVED_NO);
	served_free(&s);
}

/* What nobody was seen with is not published, however long servers are away. */
static void first_records_need_one_that_was_seen(void **state)
{
	struct served_question q = question();
	struct served s = { 0 };
	struct served_answer a[] = { fails("a", KEY_FAMILY_ECDSA, SERVED_AWAY, T),
				     fails("a", KEY_FAMILY_RSA, SERVED_AWAY, T),
				     fails("b", KEY_FAMILY_ECDSA, SERVED_AWAY, T),
				     fails("b", KEY_FAMILY_RSA, SERVED_AWAY, T) };

	(void)state;
	served_note(&s, a, 4);
	assert_int_equal(verdict(&s, &q), SERVED_WAIT);
	assert_true(served_first_at(&s, &q) == WHEN_NEVER);
	note_two(&s, shows("b", KEY_FAMILY_ECDSA, "live-ec", "cert-ec-2", T + 5),
		 shows("b", KEY_FAMILY_RSA, "live-rsa", "cert-rsa-2", T + 5));
	assert_true(served_first_at(&s, &q) == 0);      /* "a" has gone */
	served_note(&s, a, 4);
	a[2] = shows("b", KEY_FAMILY_ECDSA, "live-ec", "cert-ec-2", T + 9);
	a[3] = shows("b", KEY_FAMILY_RSA, "live-rsa", "cert-rsa-2", T + 9);
	served_note(&s, a, 4);
	assert_true(served_first_at(&s, &q) == T + 2 * DAY);
	q.away_for = WHEN_NEVER;
	assert_true(served_first_at(&s, &q) == WHEN_NEVER);
	served_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_endpoint),
		cmocka_unit_test(nothing_is_no_proof),
		cmocka_unit_test(every_address_counts),
		cmocka_unit_test(away_counts_after_a_time),
		cmocka_unit_test(changing_keys),
		cmocka_unit_test(only_looks_of_this_run_count),
		cmocka_unit_test(a_family_that_went),
		cmocka_unit_test(since_when),
		cmocka_unit_test(old_certificates),
		cmocka_unit_test(names_that_went),
		cmocka_unit_test(keys_that_leave),
		cmocka_unit_test(away_with_a_key_that_leaves),
		cmocka_unit_test(of_some_names),
		cmocka_unit_test(first_records_need_one_that_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
