/* test_session.c - what becomes of a CA's replies, from a CA that is a table.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/account.h"
#include "../../fuzz/web.h"

#define CA   "https://ca.test"
#define ACME "urn:ietf:params:acme:error:"

static int stumbles;    /* so many replies are no good, before one is */

static void answer(struct web_reply *r, long status, const char *header, const char *body)
{
	r->status = status;
	strv_add(&r->headers, "Replay-Nonce: n");
	if (header)
		strv_add(&r->headers, header);
	buf_add_str(&r->body, body);
}

static void web_answer(const struct web_request *q, struct web_reply *r)
{
	bool stumble = stumbles > 0;

	if (strcmp(q->url, CA "/closed") == 0)
		answer(r, 503, NULL, "{\"detail\": \"closed\"}");
	else if (strcmp(q->url, CA "/nonces") == 0 && stumbles-- > 0)
		answer(r, 400, NULL, "{\"type\": \"" ACME "badNonce\", \"detail\": \"stale\"}");
	else if (strcmp(q->url, CA "/broken") == 0 && stumbles-- > 0)
		answer(r, 500, NULL, "{\"type\": \"" ACME "serverInternal\", \"status\": 200}");
	else if (strcmp(q->url, CA "/accounts") == 0)
		answer(r, 400, NULL, stumble ? "{\"type\": \"" ACME "malformed\"}"
					     : "{\"type\": \"" ACME "accountDoesNotExist\"}");
	else if (strcmp(q->url, CA "/dir") == 0)
		answer(r, 200, NULL, "{\"newNonce\": \"" CA "/nonce\", \"newAccount\": \"" CA "/accounts\", "
		       "\"newOrder\": \"" CA "/orders\"}");
	else if (strcmp(q->url, CA "/terms") == 0)
		answer(r, 403, "Link: </terms/2>; rel=\"terms-of-service\"", "{\"type\": "
		       "\"urn:ietf:params:acme:error:userActionRequired\", \"detail\": \"new terms\"}");
	else if (strcmp(q->url, CA "/busy") == 0)
		answer(r, 429, "Retry-After: 7", "");
	else
		answer(r, 200, "Link: <" CA "/next>; rel=next", "");
}

static void replies(void **state)
{
	static const struct {
		const char *url, *text, *link;
		enum err_kind kind;
		int64_t retry_after_for;
	} rows[] = {
		{ CA "/good", "", "next " CA "/next", ERR_NONE, -1 },
		{ CA "/busy", "ca.test: HTTP status 429 without a reason", NULL, ERR_LATER, 7 },
		{ CA "/terms", "ca.test: the CA says: new terms (userActionRequired, HTTP status 403); read " CA
		  "/terms/2, and do what it says before the next run", "terms-of-service " CA "/terms/2",
		  ERR_REFUSED, -1 },
	};
	const struct session_config config = { .directory = CA "/dir", .request_ms = 1000, .run_ms = 60000 };
	struct err e = { 0 };
	struct session *s;
	struct key *k = key_make(KEY_EC_256, &e);

	(void)state;
	assert_int_equal(session_open(&s, &config, &e), 0);
	session_set_account(s, k, CA "/account");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call c = { .url = rows[i].url };

		assert_int_equal(session_call(s, &c, &e), rows[i].kind == ERR_NONE ? 0 : -1);
		assert_int_equal(c.err.kind, rows[i].kind);
		assert_string_equal(c.err.text, rows[i].text);
		assert_int_equal(c.retry_after_for, rows[i].retry_after_for);
		assert_int_equal(c.links.n, rows[i].link ? 1 : 0);
		if (rows[i].link)
			assert_string_equal(c.links.v[0], rows[i].link);
		calls_free(&c, 1);
	}
	session_close(s);
	key_free(k);
}

/* Frees the list. */
static void check_list(struct json *list, const char *expected)
{
	struct buf b;

	buf_init(&b, 10000);
	json_print(&b, list, false);
	assert_string_equal(b.s, expected);
	buf_free(&b);
	json_free(list);
}

static struct session *open_session(struct json *problems, const struct key *k)
{
	const struct session_config config = { .directory = CA "/dir", .request_ms = 1000, .run_ms = 60000,
					       .problems = problems };
	struct session *s;
	struct err e;

	assert_int_equal(session_open(&s, &config, &e), 0);
	session_set_account(s, k, CA "/account");
	return s;
}

/* Of replies that are no good, those are kept that calls end with. */
static void problems_are_kept(void **state)
{
	static const struct {
		const char *url;
		int stumbles;
		bool judged;
		const char *kept;
	} rows[] = {
		{ CA "/good", 0, false, "[]" },
		{ CA "/terms", 0, false,
		  "[{\"type\":\"" ACME "userActionRequired\",\"detail\":\"new terms\",\"status\":403}]" },
		{ CA "/terms", 0, true, "[]" },
		{ CA "/busy", 0, false, "[]" },
		{ CA "/nonces", 3, false, "[]" },
		{ CA "/nonces", 1000, false,
		  "[{\"type\":\"" ACME "badNonce\",\"detail\":\"stale\",\"status\":400}]" },
		{ CA "/broken", 2, false, "[]" },
		{ CA "/broken", 3, false, "[{\"type\":\"" ACME "serverInternal\",\"status\":500}]" },
	};
	struct err e = { 0 };
	struct key *k = key_make(KEY_EC_256, &e);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct call c = { .url = rows[i].url, .judged = rows[i].judged };
		struct json *list = json_array();
		struct session *s = open_session(list, k);

		stumbles = rows[i].stumbles;
		if (session_call(s, &c, &e) < 0)
			assert_int_not_equal(c.status, 200);
		calls_free(&c, 1);
		session_close(s);
		check_list(list, rows[i].kept);
	}
	stumbles = 0;
	key_free(k);
}

/* A question is answered by "no"; everything else is a problem. */
static void an_account_that_is_not_there_is_no_problem(void **state)
{
	const struct account_eab none = { 0 };
	const struct strv contacts = { 0 };
	struct err e = { 0 };
	struct key *k = key_make(KEY_EC_256, &e);
	struct json *list = json_array();
	struct session *s = open_session(list, k);
	char *url;

	(void)state;
	assert_int_equal(account_find(s, &url, k, &e), 0);
	assert_null(url);
	assert_int_equal(json_len(list), 0);
	assert_int_equal(account_make(s, &url, k, &contacts, &none, &e), -1);
	stumbles = 1;
	assert_int_equal(account_find(s, &url, k, &e), -1);
	stumbles = 0;
	session_close(s);
	check_list(list, "[{\"type\":\"" ACME "accountDoesNotExist\",\"status\":400},"
			 "{\"type\":\"" ACME "malformed\",\"status\":400}]");
	key_free(k);
}

static void a_directory_that_is_refused_is_one(void **state)
{
	struct session_config config = { .directory = CA "/closed", .request_ms = 1000, .run_ms = 60000,
					 .problems = json_array() };
	struct session *s;
	struct err e;

	(void)state;
	assert_int_equal(session_open(&s, &config, &e), -1);
	check_list(config.problems, "[{\"detail\":\"closed\",\"status\":503}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies),
		cmocka_unit_test(problems_are_kept),
		cmocka_unit_test(an_account_that_is_not_there_is_no_problem),
		cmocka_unit_test(a_directory_that_is_refused_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
