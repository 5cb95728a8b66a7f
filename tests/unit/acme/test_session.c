/* test_session.c - what becomes of a CA's replies, from a CA that is a table.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "acme/session.h"
#include "../../fuzz/web.h"

#define CA "https://ca.test"

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
	if (strcmp(q->url, CA "/dir") == 0)
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
		{ CA "/terms", "ca.test: the CA says: new terms (userActionRequired); read " CA "/terms/2, "
		  "and do what it says before the next run", "terms-of-service " CA "/terms/2",
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

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(replies) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
