/* test_message.c - the queue of messages, conditions, and mails.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "run/event.h"
#include "run/mail.h"
#include "run/message.h"

#define NOW ((int64_t)1800000000)
#define ALL ((1U << EVENTS_N) - 1)

static void put(struct messages *m, const char *line, enum event event, enum channel channel, const char *to)
{
	messages_add(m, &(struct message){ .line = (char *)line, .event = event, .channel = channel,
					   .to = (char *)to, .text = (char *)"text", .at = NOW, .queued_at = NOW });
}

/* Events ----------------------------------------------------------------------------------------- */

static void events_have_names_and_ids_of_their_own(void **state)
{
	(void)state;
	for (int i = 0; i < EVENTS_N; i++) {
		enum event back;

		assert_true(event_parse(event_name((enum event)i), &back));
		assert_int_equal((int)back, i);
		assert_int_equal(strlen(event_id((enum event)i)), 32);
		assert_int_equal(strspn(event_id((enum event)i), "0123456789abcdef"), 32);
		assert_in_range(event_priority((enum event)i), 2, 6);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(event_id((enum event)i), event_id((enum event)k));
	}
	assert_false(event_parse("frob", &(enum event){ 0 }));
}

/* The queue -------------------------------------------------------------------------------------- */

static void what_happens_once_is_queued_once(void **state)
{
	struct messages m = { 0 };
	struct message one = { .event = EVENT_PROMOTED, .line = (char *)"mx", .text = (char *)"t",
			       .channel = CHANNEL_HOOK, .to = (char *)"/a", .id = (char *)"promoted 1 1 5" };

	(void)state;
	messages_add(&m, &one);
	messages_add(&m, &one);
	assert_int_equal(m.n, 1);
	one.to = (char *)"/b";
	messages_add(&m, &one);
	one.line = (char *)"web";
	messages_add(&m, &one);
	one.id = (char *)"";
	messages_add(&m, &one);
	messages_add(&m, &one);
	assert_int_equal(m.n, 5);
	messages_free(&m);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	struct messages m = { 0 };
	char *text = mem_alloc(2 * MESSAGE_TEXT_MAX + 2);

	(void)state;
	text[0] = 'x';
	for (size_t i = 0; i < MESSAGE_TEXT_MAX; i++)
		memcpy(text + 1 + 2 * i, "\xc3\xa4", 2);
	messages_add(&m, &(struct message){ .line = (char *)"mx", .text = text });
	assert_int_equal(strlen(m.v[0].text), MESSAGE_TEXT_MAX - 1 + 3);
	assert_string_equal(m.v[0].text + MESSAGE_TEXT_MAX - 3, "\xc3\xa4...");
	free(text);
	messages_free(&m);
}

static void too_many_and_too_old_are_dropped_and_told(void **state)
{
	struct messages m = { 0 };
	struct strv lost = { 0 };

	(void)state;
	put(&m, "old", EVENT_FAILING, CHANNEL_MAIL, "a@b");
	m.v[0].queued_at = NOW - MESSAGE_LIFE_FOR;
	message_failed(&m.v[0], "no queue", NOW, 0);
	put(&m, "told", EVENT_FAILING, CHANNEL_MAIL, "a@b");
	m.v[1].queued_at = NOW - MESSAGE_LIFE_FOR;
	m.v[1].done = true;
	for (size_t i = 0; i < MESSAGES_MAX + 3; i++)
		put(&m, i < 3 ? "first" : "mx", EVENT_FAILING, CHANNEL_MAIL, "a@b");
	assert_int_equal(messages_tidy(&m, &lost, NOW), 3);
	assert_int_equal(m.n, MESSAGES_MAX);
	assert_string_equal(m.v[0].line, "mx");
	assert_int_equal(lost.n, 1);
	assert_non_null(strstr(lost.v[0], "old: nobody was told of \"failing\" by mail"));
	assert_non_null(strstr(lost.v[0], "no queue"));
	strv_free(&lost);
	messages_free(&m);
}

static void a_failure_is_put_off_longer_and_longer(void **state)
{
	struct messages m = { 0 };
	int64_t last_for = 0;

	(void)state;
	put(&m, "mx", EVENT_FAILING, CHANNEL_MAIL, "a@b");
	for (int i = 0; i < 10000; i++) {
		message_failed(&m.v[0], "no", NOW, 0);
		assert_true(m.v[0].next_at - NOW >= last_for);
		last_for = m.v[0].next_at - NOW;
		assert_in_range(last_for, 1, DAY);
	}
	assert_int_equal(m.v[0].failures, 10000);
	messages_free(&m);
}

static void mails_of_one_event_go_together(void **state)
{
	struct messages m = { 0 };
	struct strv busy = { 0 };
	struct parcel p;

	(void)state;
	put(&m, "a", EVENT_PROMOTED, CHANNEL_MAIL, "x@y");
	put(&m, "b", EVENT_FAILING, CHANNEL_MAIL, "x@y");
	put(&m, "c", EVENT_PROMOTED, CHANNEL_MAIL, "x@y");
	put(&m, "d", EVENT_PROMOTED, CHANNEL_MAIL, "x@y z@y");
	put(&m, "e", EVENT_PROMOTED, CHANNEL_HOOK, "/h");
	put(&m, "f", EVENT_PROMOTED, CHANNEL_HOOK, "/h");
	put(&m, "g", EVENT_PROMOTED, CHANNEL_MAIL, "x@y");
	m.v[6].next_at = NOW + 1;
	assert_true(messages_next(&p, &m, &busy, NOW));
	assert_int_equal(p.n, 2);
	assert_string_equal(p.v[0]->line, "a");
	assert_string_equal(p.v[1]->line, "c");
	free(p.v);
	strv_add(&busy, "mail x@y");
	assert_true(messages_next(&p, &m, &busy, NOW));
	assert_int_equal(p.n, 1);
	assert_string_equal(p.v[0]->line, "d");
	free(p.v);
	strv_add(&busy, "mail x@y z@y");
	assert_true(messages_next(&p, &m, &busy, NOW));
	assert_int_equal(p.n, 1);
	assert_string_equal(p.v[0]->line, "e");
	free(p.v);
	strv_add(&busy, "hook /h");
	assert_false(messages_next(&p, &m, &busy, NOW));
	strv_free(&busy);
	for (size_t i = 0; i < 6; i++)
		m.v[i].done = true;
	assert_false(messages_next(&p, &m, &busy, NOW));
	/* put off by a clock that was wrong */
	m.v[6].next_at = NOW + 100 * DAY;
	assert_true(messages_next(&p, &m, &busy, NOW));
	free(p.v);
	messages_free(&m);
}

static void all_is_read_back(void **state)
{
	struct messages m = { 0 }, back;
	struct alarms a = { 0 };
	struct json *o, *again;

	(void)state;
	put(&m, "mx", EVENT_DNSSEC_LOST, CHANNEL_WEBHOOK, "https://x/");
	free(m.v[0].id);
	m.v[0].id = mem_copy_str("id");
	message_failed(&m.v[0], "no \"answer\"\n", NOW, 7);
	put(&m, "mx", EVENT_ARI, CHANNEL_SYSLOG, "");
	put(&m, "gone", EVENT_ARI, CHANNEL_SYSLOG, "");
	m.v[2].done = true;
	alarms_add(&a, EVENT_EXPIRY, "urgent", mem_copy_str("URGENT"));
	conditions_fit(&m, "mx", &a, 0, HOUR, NOW, NULL, NULL);
	o = messages_encode(&m);
	messages_decode(&back, o);
	assert_int_equal(back.n, 2);
	assert_int_equal(back.conditions_n, 1);
	assert_int_equal(back.conditions[0].told_at, NOW);
	assert_string_equal(back.conditions[0].key, "urgent");
	again = messages_encode(&back);
	assert_true(json_same(o, again));
	json_free(o);
	json_free(again);
	alarms_free(&a);
	messages_free(&m);
	messages_free(&back);
}

static void what_is_not_understood_is_left_out(void **state)
{
	static const char text[] = "{\"version\":1,\"conditions\":[{\"line\":\"mx\",\"event\":\"frob\"},3,null],"
		"\"queue\":[{\"line\":\"mx\",\"event\":\"failing\",\"channel\":\"pigeon\"},"
		"{\"line\":\"mx\",\"event\":\"nothing\",\"channel\":\"mail\"},[],"
		"{\"line\":5,\"event\":\"failing\",\"channel\":\"mail\",\"failures\":-3}]}";
	struct messages m;
	struct json *o;
	struct err e;

	(void)state;
	o = json_parse(text, strlen(text), &e);
	assert_non_null(o);
	messages_decode(&m, o);
	assert_int_equal(m.conditions_n, 0);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.v[0].line, "");
	assert_int_equal(m.v[0].failures, 0);
	json_free(o);
	messages_free(&m);
}

/* Conditions ------------------------------------------------------------------------------------- */

static void hear(void *arg, enum event event, const char *text)
{
	char *row = mem_format("%s %s", event_name(event), text);

	strv_take(arg, row);
}

/* What is told when at `at` this is wrong: events by their names, each with its key after ":". */
static void expect(struct messages *m, int64_t at, unsigned events, const char *wrong, const char *told)
{
	struct alarms a = { 0 };
	struct strv heard = { 0 };
	char *copy = mem_copy_str(wrong), *rest = copy, *word, *all;

	while ((word = strsep(&rest, " "))) {
		char *name = strsep(&word, ":");
		enum event event;

		if (!*name)
			continue;
		assert_true(event_parse(name, &event));
		alarms_add(&a, event, word ? word : "", mem_copy_str("."));
	}
	conditions_fit(m, "mx", &a, events, 6 * HOUR, NOW + at, hear, &heard);
	for (size_t i = 0; i < heard.n; i++)
		heard.v[i][strcspn(heard.v[i], " ")] = '\0';
	all = strv_join(&heard, " ");
	if (strcmp(all, told) != 0)
		fail_msg("after %lld s, with \"%s\": told \"%s\" instead of \"%s\"", (long long)at, wrong, all, told);
	free(all);
	free(copy);
	strv_free(&heard);
	alarms_free(&a);
}

static void what_lasts_is_told_at_first_and_once_a_day(void **state)
{
	struct messages m = { 0 };
	unsigned no_overdue = ALL & ~(1U << EVENT_OVERDUE);

	(void)state;
	expect(&m, 0, no_overdue, "failing overdue", "failing");
	expect(&m, HOUR, no_overdue, "failing overdue", "");
	expect(&m, DAY - 1, no_overdue, "failing overdue", "");
	expect(&m, DAY, no_overdue, "failing overdue", "failing");
	expect(&m, DAY + HOUR, no_overdue, "failing overdue", "");
	expect(&m, 2 * DAY, no_overdue, "failing overdue", "failing");
	expect(&m, 2 * DAY + 1, no_overdue, "", "recovered");
	expect(&m, 2 * DAY + 2, no_overdue, "", "");
	assert_int_equal(m.conditions_n, 0);
	messages_free(&m);
}

static void overdue_takes_the_place_of_failing(void **state)
{
	struct messages m = { 0 };

	(void)state;
	expect(&m, 0, ALL, "failing overdue", "failing");
	expect(&m, 6 * HOUR - 1, ALL, "failing overdue", "");
	expect(&m, 6 * HOUR, ALL, "failing overdue", "overdue");
	expect(&m, DAY, ALL, "failing overdue", "");
	expect(&m, 30 * HOUR, ALL, "failing overdue", "overdue");
	/* an order that a CA works on fails nobody, but may take too long */
	expect(&m, 31 * HOUR, ALL, "overdue", "recovered");
	expect(&m, 54 * HOUR, ALL, "overdue", "overdue");
	expect(&m, 55 * HOUR, ALL, "", "");
	messages_free(&m);
}

static void keys_are_told_apart(void **state)
{
	struct messages m = { 0 };

	(void)state;
	expect(&m, 0, ALL, "expiry:near", "expiry");
	expect(&m, 1, ALL, "expiry:near uncovered:_25._tcp.a", "uncovered");
	expect(&m, 2, ALL, "expiry:urgent uncovered:_25._tcp.a uncovered:_25._tcp.b", "expiry uncovered");
	expect(&m, 3, ALL, "expiry:urgent uncovered:_25._tcp.b", "");
	expect(&m, 4, ALL, "ari:https://a", "recovered ari");
	expect(&m, 9 * DAY, ALL, "ari:https://a", "");
	expect(&m, 9 * DAY, ALL, "ari:https://b", "ari");
	messages_free(&m);
}

static void a_second_failure_is_told_at_once(void **state)
{
	struct messages m = { 0 };

	(void)state;
	expect(&m, 0, ALL, "failing:a overdue:a", "failing");
	expect(&m, HOUR, ALL, "failing:a overdue:a failing:b overdue:b", "failing");
	expect(&m, 6 * HOUR, ALL, "failing:a overdue:a failing:b overdue:b", "overdue");
	expect(&m, 7 * HOUR, ALL, "failing:a overdue:a failing:b overdue:b", "overdue");
	/* all is well when nothing is left, and what then ended is named */
	expect(&m, 8 * HOUR, ALL, "failing:b overdue:b", "");
	expect(&m, 9 * HOUR, ALL, "expiry:near", "recovered expiry");
	messages_free(&m);
}

static void only_what_is_wanted_is_told(void **state)
{
	struct messages m = { 0 };

	(void)state;
	expect(&m, 0, 1U << EVENT_UNCOVERED, "failing overdue uncovered:a", "uncovered");
	expect(&m, DAY, 1U << EVENT_OVERDUE, "failing overdue uncovered:a", "overdue");
	expect(&m, DAY, 1U << EVENT_FAILING, "", "");
	messages_free(&m);
}

static void a_clock_that_was_wrong_silences_nothing(void **state)
{
	struct messages m = { 0 };

	(void)state;
	expect(&m, 1000 * DAY, ALL, "failing", "failing");
	expect(&m, 0, ALL, "failing", "failing");
	expect(&m, 1, ALL, "failing", "");
	messages_free(&m);
}

static bool is_mx(void *arg, const char *line)
{
	(void)arg;
	return strcmp(line, "mx") == 0;
}

static void conditions_of_lines_that_are_gone_go(void **state)
{
	struct messages m = { 0 };
	struct alarms a = { 0 };

	(void)state;
	alarms_add(&a, EVENT_FAILING, "", mem_copy_str("."));
	conditions_fit(&m, "web", &a, 0, HOUR, NOW, NULL, NULL);
	conditions_fit(&m, "mx", &a, 0, HOUR, NOW, NULL, NULL);
	conditions_keep(&m, is_mx, NULL);
	assert_int_equal(m.conditions_n, 1);
	assert_string_equal(m.conditions[0].line, "mx");
	alarms_free(&a);
	messages_free(&m);
}

/* Mails ------------------------------------------------------------------------------------------ */

static char *compose(struct messages *m, const char *from, const char *host)
{
	struct strv busy = { 0 };
	struct parcel p;
	struct buf out;
	char *text;

	assert_true(messages_next(&p, m, &busy, NOW));
	buf_init(&out, 1 << 20);
	mail_compose(&out, &(struct mail){ .from = from, .to = "a@b c@d", .host = host, .id = "id", .at = NOW }, &p);
	free(p.v);
	text = buf_steal(&out);
	buf_free(&out);
	return text;
}

static void a_mail_is_one_that_others_understand(void **state)
{
	struct messages m = { 0 };
	char *text;

	(void)state;
	put(&m, "mx", EVENT_FAILING, CHANNEL_MAIL, "x");
	put(&m, "web", EVENT_FAILING, CHANNEL_MAIL, "x");
	put(&m, "web", EVENT_FAILING, CHANNEL_MAIL, "x");
	put(&m, "c", EVENT_FAILING, CHANNEL_MAIL, "x");
	put(&m, "d", EVENT_FAILING, CHANNEL_MAIL, "x");
	text = compose(&m, "me <m@n>", "host.example.org");
	assert_true(text_starts(text,
		"From: me <m@n>\n"
		"To: a@b,\n c@d\n"
		"Subject: [certline] failing: mx, web, c and 1 more: text (host.example.org)\n"
		"Date: Fri, 15 Jan 2027 08:00:00 +0000\n"
		"Message-ID: <id@host.example.org>\n"
		"Auto-Submitted: auto-generated\n"
		"MIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=UTF-8\n"
		"Content-Transfer-Encoding: 8bit\n"
		"X-Certline-Event: failing\n\n"
		"mx, 2027-01-15 08:00 UTC:\n  text\n\n"));
	assert_non_null(strstr(text, "\n\nmx, 2027-01-15 08:00 UTC:\n  text\n\nweb, "));
	free(text);
	messages_free(&m);
}

static void nothing_from_outside_makes_a_header(void **state)
{
	struct messages m = { 0 };
	char *text, *body;

	(void)state;
	put(&m, "mx\nBcc: x@y", EVENT_FAILING, CHANNEL_MAIL, "x");
	text = compose(&m, "a\r\nBcc: x@y", "h\nBcc: x@y\n.");
	body = strstr(text, "\n\n");
	assert_non_null(body);
	*body = '\0';
	assert_null(strstr(text, "\nBcc"));
	assert_null(strchr(text, '\r'));
	free(text);
	messages_free(&m);
}

static void rows_are_folded_and_never_too_long(void **state)
{
	struct messages m = { 0 };
	char *word = mem_alloc(5001), *text;

	(void)state;
	memset(word, 'w', 5000);
	word[3] = '\x1b';
	word[7] = '\n';
	for (size_t i = 100; i < 400; i += 10)
		word[i] = ' ';
	messages_add(&m, &(struct message){ .line = (char *)"mx", .event = EVENT_FAILING, .text = word });
	text = compose(&m, NULL, "h");
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 998);
	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "\n  www?www\n  w"));
	assert_null(strstr(text, "From:"));
	free(text);
	free(word);
	messages_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_have_names_and_ids_of_their_own),
		cmocka_unit_test(what_happens_once_is_queued_once),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(too_many_and_too_old_are_dropped_and_told),
		cmocka_unit_test(a_failure_is_put_off_longer_and_longer),
		cmocka_unit_test(mails_of_one_event_go_together),
		cmocka_unit_test(all_is_read_back),
		cmocka_unit_test(what_is_not_understood_is_left_out),
		cmocka_unit_test(what_lasts_is_told_at_first_and_once_a_day),
		cmocka_unit_test(overdue_takes_the_place_of_failing),
		cmocka_unit_test(a_second_failure_is_told_at_once),
		cmocka_unit_test(keys_are_told_apart),
		cmocka_unit_test(only_what_is_wanted_is_told),
		cmocka_unit_test(a_clock_that_was_wrong_silences_nothing),
		cmocka_unit_test(conditions_of_lines_that_are_gone_go),
		cmocka_unit_test(a_mail_is_one_that_others_understand),
		cmocka_unit_test(nothing_from_outside_makes_a_header),
		cmocka_unit_test(rows_are_folded_and_never_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
