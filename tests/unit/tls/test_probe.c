/* test_probe.c - what servers present: many handshakes side by side with servers that answer, lie, are silent.
 * Touches: network (127.0.0.1, ::1), child processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/proc.h"
#include "tls/probe.h"

#include "../io/tls_server.h"

#include <dirent.h>
#include <sys/resource.h>

#define SMTP_HELLO "220 x\r\n", "250-x\r\n250 STARTTLS\r\n"
#define SMTP_SCRIPT SMTP_HELLO, "220 go\r\n"

static const struct probe_limits quick = {
	.in_flight = 200, .in_flight_each = 50, .connect_ms = 2000, .each_ms = 3000, .all_ms = 20000,
	.own_name = "me.test",
};

static unsigned descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static struct probe about(const struct tls_server *s, enum starttls how)
{
	return (struct probe){ .to = s->addr, .sni = "mail.test", .starttls = how };
}

static void check_ok(const struct probe *p)
{
	if (p->outcome != PROBE_OK)
		fail_msg("%s: %s", probe_outcome_name(p->outcome), p->why ? p->why : "-");
	assert_null(p->why);
	assert_int_equal(p->presented.n, 1);
	assert_true(p->at >= clock_now() - 30 && p->at <= clock_now());
}

static void both_families(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct tls_server s = { .manner = SHAKES };
		struct probe p;

		if (!tls_server_start_on(&s, hosts[i])) {
			print_message("no %s here\n", hosts[i]);
			continue;
		}
		p = about(&s, STARTTLS_NONE);
		assert_true(addr_parse(&p.from, hosts[i], 0));
		probe_all(&p, 1, &probe_defaults);
		check_ok(&p);
		assert_true(is_served(p.presented.certs[0].v, p.presented.certs[0].len, 1));
		assert_string_equal(s.seen->sni, "mail.test");
		for (int ms = 0; ms < 5000 && !s.seen->ended; ms += 10)
			clock_pause_ms(10);
		assert_int_equal(s.seen->ended, 1);
		probes_free(&p, 1);
		tls_server_stop(&s);
	}
}

static void outcomes(void **state)
{
	static const struct {
		struct tls_server s;
		enum starttls how;
		enum tls_offer offer;
		enum probe_outcome outcome;
		const char *why;
	} rows[] = {
		{ { .script = { SMTP_SCRIPT } }, STARTTLS_SMTP, TLS_OFFER_ANY, PROBE_OK, NULL },
		{ { .script = { SMTP_SCRIPT }, .newest = TLS1_2_VERSION }, STARTTLS_SMTP, TLS_OFFER_RSA, PROBE_OK, NULL },
		{ { .script = { "220 x\r\n", "250-x\r\n250 SIZE\r\n" }, .manner = IS_SILENT }, STARTTLS_SMTP, 0,
		  PROBE_NO_STARTTLS, "list" },
		{ { .script = { SMTP_HELLO, "454 no\r\n" }, .manner = IS_SILENT }, STARTTLS_SMTP, 0, PROBE_GARBAGE, "454 no" },
		{ { .script = { SMTP_HELLO, "220 go\r\n250 x\r\n" } }, STARTTLS_SMTP, 0, PROBE_GARBAGE, "in the clear" },
		{ { .script = { "421 full\r\n" }, .manner = CLOSES }, STARTTLS_SMTP, 0, PROBE_BUSY, "421 full" },
		{ { .script = { "554 go away\r\n" }, .manner = CLOSES }, STARTTLS_SMTP, 0, PROBE_GARBAGE, "554 go away" },
		{ { .script = { SMTP_HELLO }, .manner = CLOSES }, STARTTLS_SMTP, 0, PROBE_CLOSED, "before TLS" },
		{ { .script = { SMTP_SCRIPT }, .manner = CLOSES }, STARTTLS_SMTP, 0, PROBE_CLOSED, "handshake" },
		{ { .script = { SMTP_HELLO }, .manner = IS_SILENT }, STARTTLS_SMTP, 0, PROBE_SILENT, "before TLS" },
		{ { .script = { SMTP_SCRIPT }, .manner = IS_SILENT }, STARTTLS_SMTP, 0, PROBE_SILENT, "in the TLS" },
		{ { .script = { SMTP_SCRIPT }, .manner = SAYS_TEXT, .text = "250 x\r\n" }, STARTTLS_SMTP, 0, PROBE_GARBAGE,
		  "without TLS" },
		{ { .manner = FLOODS, .text = "x" }, STARTTLS_SMTP, 0, PROBE_GARBAGE, "too long a line" },
		{ { .manner = FLOODS, .text = "220-x\r\n" }, STARTTLS_SMTP, 0, PROBE_GARBAGE, "too many lines" },
		{ { .manner = FLOODS, .text = "xxxxxxxxxxxx" }, STARTTLS_NONE, 0, PROBE_GARBAGE, "without TLS: \"xxx" },
		{ { .manner = SAYS_TEXT, .text = "220 mx.test ESMTP Postfix\r\n" }, STARTTLS_NONE, 0, PROBE_GARBAGE,
		  "\"220 mx.test ESMTP Postfix\"; it speaks smtp: [endpoints] starttls = " },
		{ { .manner = FLOODS_RECORDS }, STARTTLS_NONE, 0, PROBE_TLS_FAILED, "" },
		{ { .manner = IS_SILENT }, STARTTLS_SMTP, 0, PROBE_SILENT, "before TLS" },
		{ { .manner = IS_SILENT }, STARTTLS_NONE, 0, PROBE_SILENT, "in the TLS" },
		{ { .manner = CLOSES }, STARTTLS_NONE, 0, PROBE_CLOSED, "ends the connection" },
		{ { .manner = CLOSES }, STARTTLS_NONE, TLS_OFFER_RSA, PROBE_CLOSED, "perhaps it has no RSA key" },
		{ { .manner = RESETS }, STARTTLS_NONE, 0, PROBE_CLOSED, "reset" },
		{ { .manner = SENDS_ALERT }, STARTTLS_NONE, 0, PROBE_TLS_FAILED, "internal error" },
		{ { .manner = SAYS_TEXT, .text = "HTTP/1.1 400 Bad Request\r\n" }, STARTTLS_NONE, 0, PROBE_GARBAGE, "400 Bad" },
		{ { .keys = SERVES_RSA }, STARTTLS_NONE, TLS_OFFER_ECDSA, PROBE_NOT_OFFERED, "handshake failure" },
		{ { .keys = SERVES_EC, .newest = TLS1_2_VERSION }, STARTTLS_NONE, TLS_OFFER_RSA, PROBE_NOT_OFFERED, "handshake" },
		{ { .keys = SERVES_RSA, .extra = 30 }, STARTTLS_NONE, 0, PROBE_TLS_FAILED, "31 certificates" },
		{ { .script = { "\x0a\0\0\0" } , .manner = IS_SILENT }, STARTTLS_MYSQL, 0, PROBE_SILENT, "before TLS" },
	};
	unsigned before = descriptors();
	struct tls_server s[ARRAY_LEN(rows)];
	struct probe p[ARRAY_LEN(rows)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		s[i] = rows[i].s;
		tls_server_start(&s[i]);
		p[i] = about(&s[i], rows[i].how);
		p[i].offer = rows[i].offer;
	}
	probe_all(p, ARRAY_LEN(rows), &quick);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (p[i].outcome != rows[i].outcome || (rows[i].why && !strstr(p[i].why ? p[i].why : "", rows[i].why)))
			fail_msg("row %zu: %s: %s", i, probe_outcome_name(p[i].outcome), p[i].why ? p[i].why : "-");
		assert_true(!p[i].why || strlen(p[i].why) <= 300);
		assert_int_equal(p[i].presented.n, p[i].outcome == PROBE_OK);
		assert_int_equal(probe_reached(p[i].outcome), p[i].outcome != PROBE_BUSY);
		assert_true(p[i].at > 0);
		tls_server_stop(&s[i]);
	}
	probes_free(p, ARRAY_LEN(rows));
	assert_int_equal(descriptors(), before);
}

static void nobody_there(void **state)
{
	struct tls_server s = { .manner = SHAKES };
	struct probe p[4];

	(void)state;
	tls_server_start(&s);
	p[0] = p[1] = p[2] = p[3] = about(&s, STARTTLS_NONE);
	tls_server_stop(&s);
	assert_true(addr_parse(&p[1].from, "::1", 0));
	assert_true(addr_parse(&p[2].from, "192.0.2.77", 0));
	p[3].to = (struct addr){ 0 };
	probe_all(p, 4, &quick);
	assert_int_equal(p[0].outcome, PROBE_CONN_REFUSED);
	assert_int_equal(p[1].outcome, PROBE_NO_ROUTE);
	assert_int_equal(p[2].outcome, PROBE_UNTRIED);  /* no fault of the server's */
	assert_non_null(strstr(p[2].why, "from 192.0.2.77: "));
	assert_int_equal(p[3].outcome, PROBE_NO_ROUTE);
	for (size_t i = 0; i < 4; i++) {
		assert_false(probe_reached(p[i].outcome));
		assert_non_null(p[i].why);
	}
	probes_free(p, 4);
}

/* A queue of connections that nobody takes: SYNs are dropped when it is full. */
static void no_answer(void **state)
{
	struct addr a;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[4];
	struct probe_limits limits = quick;
	struct probe p;
	int64_t began_ms;

	(void)state;
	assert_true(addr_parse(&a, "127.0.0.1", 0));
	assert_int_equal(bind(listener, (struct sockaddr *)&a.sa, a.len), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a.sa, &a.len), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(fds[i], (struct sockaddr *)&a.sa, a.len);
	}
	limits.connect_ms = 300;
	p = (struct probe){ .to = a };
	began_ms = clock_monotonic_ms();
	probe_all(&p, 1, &limits);
	assert_int_equal(p.outcome, PROBE_NO_ANSWER);
	assert_in_range(clock_monotonic_ms() - began_ms, 300, 2000);
	probes_free(&p, 1);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
	close(listener);
}

/* Three hundred, on a hundred ports: never two at one port, and all in the time of a few. */
static void many(void **state)
{
	enum { SERVERS = 100, EACH = 3 };
	unsigned before = descriptors();
	struct tls_server *s = mem_array(SERVERS, sizeof(*s));
	struct probe *p = mem_array(SERVERS * EACH, sizeof(*p));
	int64_t began_ms;

	(void)state;
	for (size_t i = 0; i < SERVERS; i++) {
		s[i] = (struct tls_server){ .script = { SMTP_SCRIPT }, .pause_ms = 100 };
		tls_server_start(&s[i]);
		for (size_t k = 0; k < EACH; k++) {
			p[i * EACH + k] = about(&s[i], STARTTLS_SMTP);
			p[i * EACH + k].offer = k;
		}
	}
	began_ms = clock_monotonic_ms();
	probe_all(p, SERVERS * EACH, &(struct probe_limits){ 200, 1000, 5000, 15000, 60000, "me.test" });
	began_ms = clock_monotonic_ms() - began_ms;
	for (size_t i = 0; i < SERVERS * EACH; i++) {
		check_ok(&p[i]);
		assert_true(is_served(p[i].presented.certs[0].v, p[i].presented.certs[0].len,
				      i % EACH == TLS_OFFER_RSA ? 0 : 1));
	}
	/* one after the other they take 30 seconds */
	if (began_ms > 15000)
		fail_msg("%lld ms", (long long)began_ms);
	for (size_t i = 0; i < SERVERS; i++) {
		assert_int_equal(s[i].seen->total, EACH);
		tls_server_stop(&s[i]);
	}
	probes_free(p, SERVERS * EACH);
	free(p);
	free(s);
	assert_int_equal(descriptors(), before);
}

/* The limit counts all ports of an address; and of three probes of one port, the third waits. */
static void limits_of_an_address(void **state)
{
	struct probe_limits limits = quick;
	struct tls_server s[6];
	struct probe p[12];
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		s[i] = (struct tls_server){ .manner = IS_SILENT };
		tls_server_start(&s[i]);
		p[i] = about(&s[i], STARTTLS_NONE);
	}
	limits.each_ms = 300;
	for (unsigned each = 1; each <= 6; each += 5) {
		limits.in_flight_each = each;
		ms = clock_monotonic_ms();
		probe_all(p, 6, &limits);
		ms = clock_monotonic_ms() - ms;
		if ((ms >= 6 * 300) != (each == 1))
			fail_msg("%u at a time: %lld ms", each, (long long)ms);
		probes_free(p, 6);
	}
	limits.in_flight_each = 100;
	for (size_t i = 0; i < 12; i++)
		p[i] = about(&s[i % 2], STARTTLS_NONE);
	limits.each_ms = 100;
	ms = clock_monotonic_ms();
	probe_all(p, 12, &limits);
	ms = clock_monotonic_ms() - ms;
	assert_true(ms >= 300 && ms < 600);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(p[i].outcome, PROBE_SILENT);
	probes_free(p, 12);
	for (size_t i = 0; i < 6; i++)
		tls_server_stop(&s[i]);
}

/* A server that hangs up once, under a limit of connections say, may have the key all the same. */
static void a_busy_server(void **state)
{
	struct tls_server s = { .busy = 1 };
	struct probe p[2];

	(void)state;
	tls_server_start(&s);
	for (int i = 0; i < 2; i++)
		p[i] = about(&s, STARTTLS_NONE);
	p[0].offer = TLS_OFFER_RSA;
	p[1].offer = TLS_OFFER_ECDSA;
	probe_all(p, 2, &quick);
	check_ok(&p[0]);
	check_ok(&p[1]);
	probes_free(p, 2);
	tls_server_stop(&s);
	/* it goes on doing so */
	s = (struct tls_server){ .manner = CLOSES };
	tls_server_start(&s);
	p[0] = about(&s, STARTTLS_NONE);
	p[0].offer = TLS_OFFER_RSA;
	probe_all(p, 1, &quick);
	assert_int_equal(p[0].outcome, PROBE_CLOSED);
	assert_int_equal(s.seen->total, 1);
	probes_free(p, 1);
	tls_server_stop(&s);
}

static void time_for_all(void **state)
{
	struct probe_limits limits = quick;
	struct tls_server s = { .manner = IS_SILENT };
	struct probe p[3];

	(void)state;
	tls_server_start(&s);
	for (size_t i = 0; i < 3; i++)
		p[i] = about(&s, STARTTLS_NONE);
	limits.each_ms = 400;
	limits.all_ms = 600;
	probe_all(p, 3, &limits);
	assert_int_equal(p[0].outcome, PROBE_SILENT);
	assert_int_equal(p[1].outcome, PROBE_SILENT);
	assert_int_equal(p[2].outcome, PROBE_UNTRIED);
	assert_true(p[2].at > 0);
	probes_free(p, 3);
	probe_all(p, 0, &limits);
	tls_server_stop(&s);
}

/* When the system has no more descriptors, the others wait. */
static void few_sockets(void **state)
{
	struct tls_server s[12];
	struct probe p[12];
	struct rlimit old, few;

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		s[i] = (struct tls_server){ .manner = SHAKES, .pause_ms = 20 };
		tls_server_start(&s[i]);
		p[i] = about(&s[i], STARTTLS_NONE);
	}
	getrlimit(RLIMIT_NOFILE, &old);
	few = (struct rlimit){ descriptors() + 2, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &few);
	probe_all(p, 12, &quick);
	setrlimit(RLIMIT_NOFILE, &old);
	for (size_t i = 0; i < 12; i++) {
		check_ok(&p[i]);
		tls_server_stop(&s[i]);
	}
	probes_free(p, 12);
}

static void heeds_a_signal(void **state)
{
	struct probe_limits limits = quick;
	struct tls_server s = { .manner = IS_SILENT };
	struct probe p;
	pid_t pid;
	int status = -1;

	(void)state;
	tls_server_start(&s);
	limits.each_ms = limits.all_ms = 60000;
	pid = fork();
	if (pid == 0) {
		proc_init();
		p = about(&s, STARTTLS_NONE);
		kill(getpid(), SIGTERM);
		probe_all(&p, 1, &limits);
		_exit(p.outcome == PROBE_UNTRIED ? 7 : 8);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	tls_server_stop(&s);
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < PROBE_OUTCOME_N; i++) {
		assert_true(*probe_outcome_name((enum probe_outcome)i));
		assert_int_equal(probe_reached((enum probe_outcome)i), i >= PROBE_SILENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_families),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(no_answer),
		cmocka_unit_test(many),
		cmocka_unit_test(limits_of_an_address),
		cmocka_unit_test(a_busy_server),
		cmocka_unit_test(time_for_all),
		cmocka_unit_test(few_sockets),
		cmocka_unit_test(heeds_a_signal),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, make_served_keys, free_served_keys);
}
