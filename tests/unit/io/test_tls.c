/* test_tls.c - one handshake over a socket: which key a server shows to which offer, and what goes wrong.
 * Touches: network (127.0.0.1), child processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "io/tls.h"

#include "tls_server.h"

#include <fcntl.h>
#include <poll.h>

#define LIMIT_MS 10000

static int connect_to(const struct tls_server *s)
{
	int fd = socket(s->addr.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&s->addr.sa, s->addr.len), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static enum tls_wants run(struct tls_client *c, int fd)
{
	int64_t until_ms = clock_monotonic_ms() + LIMIT_MS;

	for (;;) {
		enum tls_wants w = tls_client_step(c);
		struct pollfd p = { fd, w == TLS_WRITE ? POLLOUT : POLLIN, 0 };

		if (w == TLS_DONE || w == TLS_FAILED)
			return w;
		assert_true(clock_monotonic_ms() < until_ms);
		poll(&p, 1, 100);
	}
}

#define RSA 0
#define EC  1
#define ED  2
#define NO  (-1)

/* Each protocol version has its own way to choose. */
static void offers(void **state)
{
	static const struct {
		unsigned keys;
		enum tls_offer offer;
		int newest;
		int shown;
	} rows[] = {
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_ANY, 0, EC },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_RSA, 0, RSA },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_ECDSA, 0, EC },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_EDDSA, 0, NO },
		{ SERVES_RSA | SERVES_EC | SERVES_ED, TLS_OFFER_EDDSA, 0, ED },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_RSA, TLS1_2_VERSION, RSA },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_ECDSA, TLS1_2_VERSION, EC },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_EDDSA, TLS1_2_VERSION, NO },
		{ SERVES_RSA | SERVES_EC | SERVES_ED, TLS_OFFER_EDDSA, TLS1_2_VERSION, ED },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_RSA, TLS1_VERSION, RSA },
		{ SERVES_RSA | SERVES_EC, TLS_OFFER_ECDSA, TLS1_VERSION, EC },
		{ SERVES_RSA, TLS_OFFER_ANY, 0, RSA },
		{ SERVES_RSA, TLS_OFFER_ECDSA, 0, NO },
		{ SERVES_RSA, TLS_OFFER_ECDSA, TLS1_2_VERSION, NO },
		{ SERVES_RSA, TLS_OFFER_ANY, TLS1_VERSION, RSA },
		{ SERVES_RSA, TLS_OFFER_ANY, TLS1_1_VERSION, RSA },
		{ SERVES_EC, TLS_OFFER_RSA, 0, NO },
		{ SERVES_EC, TLS_OFFER_RSA, TLS1_2_VERSION, NO },
		{ SERVES_EC, TLS_OFFER_RSA, TLS1_1_VERSION, NO },
		{ SERVES_ED, TLS_OFFER_ANY, 0, ED },
		{ SERVES_ED, TLS_OFFER_ECDSA, 0, NO },
		{ SERVES_ED, TLS_OFFER_ECDSA, TLS1_2_VERSION, NO },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server s = { .keys = rows[i].keys, .newest = rows[i].newest };
		struct tls_presented p = { 0 };
		enum tls_fault fault = TLS_FAULT_OTHER;
		struct tls_client *c;
		char *why;
		int fd;

		tls_server_start(&s);
		fd = connect_to(&s);
		c = tls_client_new(fd, "mail.test", rows[i].offer, NULL);
		assert_non_null(c);
		if (run(c, fd) == TLS_DONE)
			tls_client_take(&p, c);
		why = tls_client_why(c, &fault);
		if ((p.n == 1) != (rows[i].shown >= 0) ||
		    (p.n && !is_served(p.certs[0].v, p.certs[0].len, (size_t)rows[i].shown)))
			fail_msg("row %zu: %zu certificates, %s", i, p.n, why ? why : "-");
		if (p.n == 0 && (fault != TLS_FAULT_REFUSED || !strstr(why, "handshake failure")))
			fail_msg("row %zu: fault %d, %s", i, fault, why);
		if (p.n)
			assert_string_equal(p.protocol, rows[i].newest == 0 ? "TLSv1.3" :
				rows[i].newest == TLS1_2_VERSION ? "TLSv1.2" :
				rows[i].newest == TLS1_1_VERSION ? "TLSv1.1" : "TLSv1");
		free(why);
		tls_client_close(c);
		close(fd);
		tls_presented_free(&p);
		tls_server_stop(&s);
	}
}

static void faults(void **state)
{
	static const struct {
		enum manner manner;
		const char *text;
		int extra;
		enum tls_fault fault;
		const char *why;
	} rows[] = {
		{ CLOSES, NULL, 0, TLS_FAULT_CLOSED, "the server ends the connection" },
		{ RESETS, NULL, 0, TLS_FAULT_CLOSED, "reset by peer" },
		{ SAYS_TEXT, "220 hi\x1b\r\nmore", 0, TLS_FAULT_NOT_TLS, "answers without TLS: \"220 hi?\"" },
		{ SAYS_TEXT, "x", 0, TLS_FAULT_NOT_TLS, "answers without TLS: \"x\"" },
		{ SAYS_TEXT, "\x16\x02\1\1", 0, TLS_FAULT_NOT_TLS, "answers without TLS" },
		{ FLOODS, "xxxxxxxxxxxxxxxxxxxx", 0, TLS_FAULT_NOT_TLS, "answers without TLS: \"xxx" },
		{ SENDS_ALERT, NULL, 0, TLS_FAULT_OTHER, "answers with the alert \"internal error\"" },
		{ FLOODS_RECORDS, NULL, 0, TLS_FAULT_OTHER, "" },
		{ SHAKES, NULL, 20, TLS_FAULT_OTHER, "presents 21 certificates, more than 20" },
		{ SHAKES, NULL, 400, TLS_FAULT_OTHER, "excessive message size" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server s = { .manner = rows[i].manner, .text = rows[i].text, .extra = rows[i].extra };
		enum tls_fault fault;
		struct tls_client *c;
		char *why;
		int fd;

		tls_server_start(&s);
		fd = connect_to(&s);
		c = tls_client_new(fd, NULL, TLS_OFFER_ANY, NULL);
		assert_int_equal(run(c, fd), TLS_FAILED);
		why = tls_client_why(c, &fault);
		if (fault != rows[i].fault || !strstr(why, rows[i].why))
			fail_msg("row %zu: fault %d, %s", i, fault, why);
		free(why);
		tls_client_close(c);
		close(fd);
		tls_server_stop(&s);
	}
}

static void chain_and_names(void **state)
{
	static const struct {
		const char *sni, *shown;
	} rows[] = {
		{ "mail.test", "mail.test" }, { NULL, "" }, { "192.0.2.1", "" }, { "2001:db8::1", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_server s = { .keys = SERVES_RSA, .extra = 19 };
		struct tls_presented p;
		struct tls_client *c;
		int fd;

		tls_server_start(&s);
		fd = connect_to(&s);
		c = tls_client_new(fd, rows[i].sni, TLS_OFFER_ANY, "acme-tls/1");
		assert_int_equal(run(c, fd), TLS_DONE);
		tls_client_take(&p, c);
		assert_int_equal(p.n, 20);
		assert_true(is_served(p.certs[0].v, p.certs[0].len, RSA));
		assert_true(is_served(p.certs[19].v, p.certs[19].len, EC));
		assert_string_equal(s.seen->sni, rows[i].shown);
		assert_string_equal(s.seen->alpn, "acme-tls/1");
		tls_client_close(c);
		for (int ms = 0; ms < LIMIT_MS && !s.seen->ended; ms += 10)
			clock_pause_ms(10);
		assert_int_equal(s.seen->ended, 1);
		close(fd);
		tls_presented_free(&p);
		tls_server_stop(&s);
	}
}

static void strange_names(void **state)
{
	char name[300] = "", protocol[300] = "";

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	memset(protocol, 'a', sizeof(protocol) - 1);
	assert_null(tls_client_new(-1, name, TLS_OFFER_ANY, NULL));
	assert_null(tls_client_new(-1, "a", TLS_OFFER_ANY, protocol));
	assert_null(tls_client_new(-1, "a", TLS_OFFER_ANY, ""));
	for (int i = 0; i < TLS_OFFER_N; i++)
		assert_true(*tls_offer_name((enum tls_offer)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers),
		cmocka_unit_test(faults),
		cmocka_unit_test(chain_and_names),
		cmocka_unit_test(strange_names),
	};

	return cmocka_run_group_tests(tests, make_served_keys, free_served_keys);
}
