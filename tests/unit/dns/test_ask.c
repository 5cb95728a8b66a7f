/* test_ask.c - questions to name servers: stand-ins on loopback that answer, lie, are silent.
 * Touches: network (127.0.0.1, ::1), child processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "dns/ask.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <ctype.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What a server does; proper replies have rcode 0, all others 5. */
enum udp_way { UDP_GOOD, UDP_SILENT, UDP_STRAYS, UDP_TC, UDP_SECOND, UDP_HOLD };
enum tcp_way {
	TCP_GOOD, TCP_SILENT, TCP_CLOSE, TCP_CUT, TCP_TINY, TCP_WRONG_ID, TCP_OTHER_QUESTION,
	TCP_DRIBBLE, TCP_BARE, TCP_OTHER_OPCODE,
};

struct seen {
	int udp, tcp;
};

struct server {
	struct addr   addr;
	int           udp, tcp;
	pid_t         pid;
	struct seen  *seen;             /* shared with the server */
	enum udp_way  udp_way;
	enum tcp_way  tcp_way;
	int           hold;             /* UDP_HOLD: answers all when so many are there */
};

/* The server ----------------------------------------------------------------------------------- */

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	nanosleep(&t, NULL);
}

/* Header and question of the query as a reply; its length. */
static size_t make_reply(unsigned char *out, const unsigned char *query, int rcode)
{
	size_t at = 12;

	memcpy(out, query, 512);
	while (out[at])
		at += out[at] + (size_t)1;
	out[2] |= 0x84;
	out[3] = (unsigned char)rcode;
	memset(out + 6, 0, 6);
	return at + 5;
}

struct client {
	struct sockaddr_storage sa;
	socklen_t               len;
	unsigned char           query[512];
};

static void reply_udp(int fd, const struct client *c, const unsigned char *reply, size_t len)
{
	sendto(fd, reply, len, 0, (const struct sockaddr *)&c->sa, c->len);
}

static void send_strays(const struct server *s, const struct client *c)
{
	/* offset and what is XORed into it: id, QR, opcode, no question, two, a letter, a length */
	static const struct {
		size_t at;
		unsigned char bits;
	} bent[] = { { 0, 1 }, { 1, 0x80 }, { 2, 0x80 }, { 2, 0x28 }, { 5, 1 }, { 5, 3 }, { 13, 1 },
		     { 12, 2 } };
	unsigned char reply[512];
	size_t len = make_reply(reply, c->query, 5);
	int other = socket(c->sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; i < ARRAY_LEN(bent); i++) {
		reply[bent[i].at] ^= bent[i].bits;
		reply_udp(s->udp, c, reply, len);
		reply[bent[i].at] ^= bent[i].bits;
	}
	for (size_t i = 1; i <= 4; i++) {
		reply[len - i] ^= 0x20;
		reply_udp(s->udp, c, reply, len);
		reply[len - i] ^= 0x20;
	}
	for (size_t i = 0; i < len; i++)
		reply_udp(s->udp, c, reply, i);
	reply_udp(other, c, reply, len);
	close(other);
	pause_ms(30);
	len = make_reply(reply, c->query, 0);
	for (size_t i = 12; i < len - 4; i++)
		reply[i] = (unsigned char)toupper(reply[i]);
	reply_udp(s->udp, c, reply, len);
}

static void serve_udp(const struct server *s, struct client *held)
{
	struct client c = { .len = sizeof(c.sa) };
	unsigned char reply[512];
	size_t len;
	ssize_t n = recvfrom(s->udp, c.query, sizeof(c.query), 0, (struct sockaddr *)&c.sa, &c.len);

	if (n < 17)
		return;
	s->seen->udp++;
	len = make_reply(reply, c.query, s->udp_way == UDP_TC ? 5 : 0);
	switch (s->udp_way) {
	case UDP_SILENT:
		return;
	case UDP_STRAYS:
		send_strays(s, &c);
		return;
	case UDP_SECOND:
		if (s->seen->udp % 2)
			return;
		break;
	case UDP_TC:
		reply[2] |= 2;
		break;
	case UDP_HOLD:
		held[s->seen->udp - 1] = c;
		for (int i = 0; s->seen->udp == s->hold && i < s->hold; i++) {
			len = make_reply(reply, held[i].query, 0);
			reply_udp(s->udp, &held[i], reply, len);
		}
		return;
	case UDP_GOOD:
		break;
	}
	reply_udp(s->udp, &c, reply, len);
}

static void serve_tcp(const struct server *s)
{
	unsigned char query[600] = { 0 }, out[600];
	int fd = accept(s->tcp, NULL, NULL);
	size_t len, step;

	s->seen->tcp++;
	if (s->tcp_way == TCP_SILENT)
		return;
	if (s->tcp_way == TCP_CLOSE || recv(fd, query, sizeof(query), 0) < 2 + 17) {
		close(fd);
		return;
	}
	len = make_reply(out + 2, query + 2, s->tcp_way == TCP_GOOD || s->tcp_way == TCP_DRIBBLE ||
						     s->tcp_way == TCP_BARE ? 0 : 5);
	if (s->tcp_way == TCP_TINY)
		len = 5;
	if (s->tcp_way == TCP_WRONG_ID)
		out[2] ^= 1;
	if (s->tcp_way == TCP_OTHER_QUESTION)
		out[2 + 13] ^= 1;
	if (s->tcp_way == TCP_OTHER_OPCODE)
		out[2 + 2] ^= 0x20;
	if (s->tcp_way == TCP_BARE) {
		out[2 + 5] = 0;
		len = 12;
	}
	out[0] = (unsigned char)(len >> 8);
	out[1] = (unsigned char)len;
	len += 2 - (s->tcp_way == TCP_CUT ? 1 : 0);
	step = s->tcp_way == TCP_DRIBBLE ? 1 : len;
	for (size_t at = 0; at < len; at += step) {
		send(fd, out + at, step, MSG_NOSIGNAL);
		if (step == 1)
			pause_ms(1);
	}
	close(fd);
}

static _Noreturn void serve(const struct server *s)
{
	struct pollfd p[] = { { s->udp, POLLIN, 0 }, { s->tcp, POLLIN, 0 } };
	struct client *held = mem_array(1000, sizeof(*held));

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		poll(p, 2, -1);
		if (p[0].revents)
			serve_udp(s, held);
		if (p[1].revents)
			serve_tcp(s);
	}
}

/* Binds UDP and TCP to one free port of host. */
static bool bind_both(struct server *s, const char *host)
{
	assert_true(addr_parse(&s->addr, host, 1));
	for (int i = 0; i < 100; i++) {
		struct addr any = s->addr;

		if (addr_is_ipv6(&any))
			((struct sockaddr_in6 *)&any.sa)->sin6_port = 0;
		else
			((struct sockaddr_in *)&any.sa)->sin_port = 0;
		s->tcp = socket(any.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		s->udp = socket(any.sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (s->tcp < 0 || bind(s->tcp, (struct sockaddr *)&any.sa, any.len) < 0)
			return false;
		assert_int_equal(getsockname(s->tcp, (struct sockaddr *)&any.sa, &any.len), 0);
		s->addr = any;
		if (bind(s->udp, (struct sockaddr *)&any.sa, any.len) == 0)
			return listen(s->tcp, 500) == 0;
		close(s->tcp);
		close(s->udp);
	}
	return false;
}

static bool start_on(struct server *s, const char *host, enum udp_way u, enum tcp_way t, int hold)
{
	int room = 4 << 20;

	*s = (struct server){ .udp_way = u, .tcp_way = t, .hold = hold };
	if (!bind_both(s, host))
		return false;
	setsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	s->seen = mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_true(s->seen != MAP_FAILED);
	s->pid = fork();
	if (s->pid == 0)
		serve(s);
	assert_true(s->pid > 0);
	close(s->udp);
	close(s->tcp);
	return true;
}

static void start(struct server *s, enum udp_way u, enum tcp_way t)
{
	assert_true(start_on(s, "127.0.0.1", u, t, 0));
}

static void stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s->seen, sizeof(*s->seen));
}

/* The tests ------------------------------------------------------------------------------------ */

static const struct ask_limits quick = {
	.in_flight = 100, .in_flight_each = 100, .per_second_each = 5000,
	.udp_ms = 300, .tcp_ms = 600, .all_ms = 20000,
};

static struct question about(const struct server *s)
{
	return (struct question){ .to = s->addr, .name = "_25._tcp.mail.example.org",
				  .type = DNS_TLSA };
}

static void check_good(const struct question *q)
{
	if (q->outcome != ASK_ANSWERED)
		fail_msg("%s", ask_outcome_text(q->outcome));
	assert_true(q->reply_len == 12 + 27 + 4);
	assert_int_equal(q->reply[2] & 0x80, 0x80);
	assert_int_equal(q->reply[3], 0);
	assert_true(q->at >= clock_now() - 30 && q->at <= clock_now());
}

static void answers(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct server s;
		struct question q;

		if (!start_on(&s, hosts[i], UDP_GOOD, TCP_GOOD, 0)) {
			print_message("no %s here\n", hosts[i]);
			continue;
		}
		q = about(&s);
		ask_all(&q, 1, &ask_defaults);
		check_good(&q);
		assert_false(q.by_tcp);
		assert_int_equal(s.seen->udp, 1);
		assert_int_equal(s.seen->tcp, 0);
		questions_free(&q, 1);
		stop(&s);
	}
}

static void ignores_strays(void **state)
{
	struct server s;
	struct question q;

	(void)state;
	start(&s, UDP_STRAYS, TCP_GOOD);
	q = about(&s);
	ask_all(&q, 1, &quick);
	check_good(&q);
	assert_int_equal(q.reply[13], '_');
	assert_int_equal(q.reply[18], 'T');
	assert_false(q.by_tcp);
	assert_int_equal(s.seen->udp, 1);
	questions_free(&q, 1);
	stop(&s);
}

/* Outcome, and how many tries of each kind there were. */
static void outcomes(void **state)
{
	static const struct {
		enum udp_way udp;
		enum tcp_way tcp;
		enum ask_outcome outcome;
		int udp_seen, tcp_seen;
	} rows[] = {
		{ UDP_GOOD, TCP_SILENT, ASK_ANSWERED, 1, 0 },
		{ UDP_SECOND, TCP_SILENT, ASK_ANSWERED, 2, 0 },
		{ UDP_SILENT, TCP_GOOD, ASK_ANSWERED, 2, 1 },
		{ UDP_SILENT, TCP_SILENT, ASK_TIMEOUT, 2, 1 },
		{ UDP_SILENT, TCP_CLOSE, ASK_BROKEN, 2, 1 },
		{ UDP_TC, TCP_GOOD, ASK_ANSWERED, 1, 1 },
		{ UDP_TC, TCP_DRIBBLE, ASK_ANSWERED, 1, 1 },
		{ UDP_TC, TCP_SILENT, ASK_TIMEOUT, 1, 1 },
		{ UDP_TC, TCP_CLOSE, ASK_BROKEN, 1, 1 },
		{ UDP_TC, TCP_CUT, ASK_BROKEN, 1, 1 },
		{ UDP_TC, TCP_TINY, ASK_BROKEN, 1, 1 },
		{ UDP_TC, TCP_BARE, ASK_BROKEN, 1, 1 },
		{ UDP_TC, TCP_WRONG_ID, ASK_BROKEN, 1, 1 },
		{ UDP_TC, TCP_OTHER_QUESTION, ASK_BROKEN, 1, 1 },
		{ UDP_TC, TCP_OTHER_OPCODE, ASK_BROKEN, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server s;
		struct question q;

		start(&s, rows[i].udp, rows[i].tcp);
		q = about(&s);
		ask_all(&q, 1, &quick);
		if (q.outcome != rows[i].outcome || s.seen->udp != rows[i].udp_seen ||
		    s.seen->tcp != rows[i].tcp_seen)
			fail_msg("row %zu: %s, %d by UDP, %d by TCP", i,
				 ask_outcome_text(q.outcome), s.seen->udp, s.seen->tcp);
		assert_int_equal(q.by_tcp, rows[i].tcp_seen);
		assert_int_equal(q.reply != NULL, q.outcome == ASK_ANSWERED);
		if (q.reply)
			check_good(&q);
		assert_true(q.at > 0);
		questions_free(&q, 1);
		stop(&s);
	}
}

static void refused(void **state)
{
	struct server s = { 0 };
	struct question q;

	(void)state;
	assert_true(bind_both(&s, "127.0.0.1"));
	close(s.udp);
	close(s.tcp);
	q = about(&s);
	ask_all(&q, 1, &quick);
	assert_int_equal(q.outcome, ASK_CONN_REFUSED);
	assert_true(q.by_tcp);
}

/* An ICMP message is easily forged. */
static void udp_refused_tcp_answers(void **state)
{
	struct server s = { .tcp_way = TCP_GOOD, .seen = mem_alloc(sizeof(struct seen)) };
	struct question q;
	pid_t pid;

	(void)state;
	assert_true(bind_both(&s, "127.0.0.1"));
	close(s.udp);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_tcp(&s);
		_exit(0);
	}
	close(s.tcp);
	q = about(&s);
	ask_all(&q, 1, &quick);
	check_good(&q);
	assert_true(q.by_tcp);
	questions_free(&q, 1);
	waitpid(pid, NULL, 0);
	free(s.seen);
}

static void what_cannot_be_sent(void **state)
{
	struct question q[] = {
		{ .name = "example.org", .type = DNS_A },
		{ .name = "example.org", .type = DNS_A },
		{ .name = "a..b", .type = DNS_A },
		{ .message = (const unsigned char *)"short", .message_len = 5 },
	};

	(void)state;
	/* sending to all is not allowed */
	assert_true(addr_parse(&q[1].to, "255.255.255.255", 53));
	assert_true(addr_parse(&q[2].to, "127.0.0.1", 53));
	assert_true(addr_parse(&q[3].to, "127.0.0.1", 53));
	ask_all(q, ARRAY_LEN(q), &quick);
	assert_int_equal(q[0].outcome, ASK_NO_ROUTE);
	assert_int_equal(q[1].outcome, ASK_NO_ROUTE);
	assert_int_equal(q[2].outcome, ASK_BROKEN);
	assert_int_equal(q[3].outcome, ASK_BROKEN);
	ask_all(NULL, 0, &quick);
}

/* An update: opcode 5, the zone in place of the question. */
static void ready_messages(void **state)
{
	static const unsigned char update[] = "\xab\xcd\x28\0\0\1\0\0\0\0\0\0"
					      "\7example\3org\0\0\6\0\1";
	static const struct {
		enum tcp_way tcp;
		enum ask_outcome outcome;
	} rows[] = {
		{ TCP_GOOD, ASK_ANSWERED }, { TCP_BARE, ASK_ANSWERED },
		{ TCP_WRONG_ID, ASK_BROKEN }, { TCP_OTHER_OPCODE, ASK_BROKEN },
		{ TCP_OTHER_QUESTION, ASK_BROKEN }, { TCP_SILENT, ASK_TIMEOUT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct server s;
		struct question q;

		start(&s, UDP_GOOD, rows[i].tcp);
		q = (struct question){ .to = s.addr, .message = update,
				       .message_len = sizeof(update) - 1 };
		ask_all(&q, 1, &quick);
		if (q.outcome != rows[i].outcome)
			fail_msg("row %zu: %s", i, ask_outcome_text(q.outcome));
		if (q.reply)
			assert_memory_equal(q.reply, "\xab\xcd\xac\0", 4);
		assert_true(q.by_tcp);
		assert_int_equal(s.seen->udp, 0);
		assert_int_equal(s.seen->tcp, 1);
		questions_free(&q, 1);
		stop(&s);
	}
}

static struct question *many(const struct server *s, size_t n)
{
	struct question *q = mem_array(n, sizeof(*q));

	for (size_t i = 0; i < n; i++)
		q[i] = about(s);
	return q;
}

static size_t count(const struct question *q, size_t n, enum ask_outcome o)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += q[i].outcome == o;
	return found;
}

static void drop(struct question *q, size_t n)
{
	questions_free(q, n);
	free(q);
}

/* The server answers the first when it has the hundredth. */
static void a_hundred_in_flight(void **state)
{
	struct ask_limits l = quick;
	struct server s;
	struct question *q;

	(void)state;
	l.udp_ms = 5000;
	assert_true(start_on(&s, "127.0.0.1", UDP_HOLD, TCP_SILENT, 100));
	q = many(&s, 100);
	ask_all(q, 100, &l);
	assert_int_equal(count(q, 100, ASK_ANSWERED), 100);
	for (size_t i = 0; i < 100; i++)
		check_good(&q[i]);
	drop(q, 100);
	stop(&s);
}

static void not_more_in_flight_than_said(void **state)
{
	static const struct {
		unsigned all, each, seen;
	} rows[] = { { 100, 10, 10 }, { 7, 10, 7 }, { 0, 0, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ask_limits l = quick;
		struct server s;
		struct question *q;

		l.in_flight = rows[i].all;
		l.in_flight_each = rows[i].each;
		l.udp_ms = 5000;
		l.all_ms = 400;
		assert_true(start_on(&s, "127.0.0.1", UDP_HOLD, TCP_SILENT, 900));
		q = many(&s, 50);
		ask_all(q, 50, &l);
		assert_int_equal(count(q, 50, ASK_UNANSWERED), 50);
		assert_int_equal(s.seen->udp, rows[i].seen);
		for (size_t j = 0; j < 50; j++)
			assert_true(q[j].at > 0);
		drop(q, 50);
		stop(&s);
	}
}

/* 4 at once, then 10 more at 20 a second. */
static void paces(void **state)
{
	struct ask_limits l = quick;
	struct server s;
	struct question *q;
	int64_t took;

	(void)state;
	l.per_second_each = 20;
	start(&s, UDP_GOOD, TCP_GOOD);
	q = many(&s, 14);
	took = clock_monotonic_ms();
	ask_all(q, 14, &l);
	took = clock_monotonic_ms() - took;
	assert_int_equal(count(q, 14, ASK_ANSWERED), 14);
	assert_in_range(took, 450, 3000);
	drop(q, 14);
	stop(&s);
}

/* Addresses of this host have a pace of their own, if there is one. */
static void paces_its_own_host_otherwise(void **state)
{
	struct ask_limits l = quick;
	struct server s;
	struct question *q;
	int64_t took;

	(void)state;
	l.per_second_each = 5;
	l.per_second_own = 5000;
	start(&s, UDP_GOOD, TCP_GOOD);
	q = many(&s, 14);
	took = clock_monotonic_ms();
	ask_all(q, 14, &l);
	took = clock_monotonic_ms() - took;
	assert_int_equal(count(q, 14, ASK_ANSWERED), 14);
	assert_in_range(took, 0, 1500);
	drop(q, 14);
	stop(&s);
}

/* An address is paced by itself: 3 of them take no longer than one. */
static void paces_each_address(void **state)
{
	struct ask_limits l = quick;
	struct server s[3];
	struct question *q;
	int64_t took;

	(void)state;
	l.per_second_each = 10;
	for (size_t i = 0; i < 3; i++)
		start(&s[i], UDP_GOOD, TCP_GOOD);
	q = many(&s[0], 21);
	for (size_t i = 0; i < 21; i++)
		q[i].to = s[i % 3].addr;
	took = clock_monotonic_ms();
	ask_all(q, 21, &l);
	took = clock_monotonic_ms() - took;
	assert_int_equal(count(q, 21, ASK_ANSWERED), 21);
	assert_in_range(took, 450, 1400);
	drop(q, 21);
	for (size_t i = 0; i < 3; i++)
		stop(&s[i]);
}

/* A silent address before a good one, and few places for both. */
static void a_silent_address_does_not_starve_others(void **state)
{
	struct ask_limits l = quick;
	struct server silent, good;
	struct question *q;

	(void)state;
	l.in_flight = 4;
	l.in_flight_each = 3;
	l.udp_ms = l.tcp_ms = 1500;
	l.all_ms = 2000;
	start(&silent, UDP_SILENT, TCP_SILENT);
	start(&good, UDP_GOOD, TCP_GOOD);
	q = many(&silent, 300);
	for (size_t i = 200; i < 300; i++)
		q[i].to = good.addr;
	ask_all(q, 300, &l);
	assert_int_equal(count(q + 200, 100, ASK_ANSWERED), 100);
	assert_int_equal(count(q, 200, ASK_UNANSWERED), 200);
	drop(q, 300);
	stop(&silent);
	stop(&good);
}

static void gives_up_an_address(void **state)
{
	struct ask_limits l = quick;
	struct server s;
	struct question *q;

	(void)state;
	l.in_flight_each = 10;
	start(&s, UDP_SILENT, TCP_SILENT);
	q = many(&s, 200);
	ask_all(q, 200, &l);
	assert_int_equal(count(q, 200, ASK_TIMEOUT), 200);
	assert_in_range(s.seen->tcp, 10, 15);
	assert_in_range(s.seen->udp, 20, 40);
	drop(q, 200);
	stop(&s);
}

static void does_not_give_up_what_answers_tcp(void **state)
{
	struct ask_limits l = quick;
	struct server s;
	struct question *q;

	(void)state;
	l.udp_ms = 20;
	l.in_flight_each = 20;
	start(&s, UDP_SILENT, TCP_GOOD);
	q = many(&s, 100);
	ask_all(q, 100, &l);
	assert_int_equal(count(q, 100, ASK_ANSWERED), 100);
	drop(q, 100);
	stop(&s);
}

static void thousands(void **state)
{
	struct ask_limits l = quick;
	struct server s[3];
	struct question *q;

	(void)state;
	l.in_flight_each = 40;
	l.per_second_each = 100000;
	for (size_t i = 0; i < 3; i++)
		start(&s[i], UDP_GOOD, TCP_GOOD);
	q = many(&s[0], 6000);
	for (size_t i = 0; i < 6000; i++)
		q[i].to = s[i % 3].addr;
	ask_all(q, 6000, &l);
	assert_int_equal(count(q, 6000, ASK_ANSWERED), 6000);
	drop(q, 6000);
	for (size_t i = 0; i < 3; i++)
		stop(&s[i]);
}

/* Each address once, most of them nobody's. */
static void thousands_of_addresses(void **state)
{
	struct question *q = mem_array(3000, sizeof(*q));
	struct ask_limits l = quick;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		const unsigned char bytes[] = { 127, 1, (unsigned char)(i >> 8), (unsigned char)i };

		q[i] = (struct question){ .name = "x", .type = DNS_A };
		assert_true(addr_from_bytes(&q[i].to, bytes, 4, 9));
	}
	ask_all(q, 3000, &l);
	assert_int_equal(count(q, 3000, ASK_CONN_REFUSED), 3000);
	drop(q, 3000);
}

/* The signal comes while poll() waits. */
static int stopped_in_the_middle(const struct server *s)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	struct itimerspec when = { .it_value = { .tv_nsec = 100 * 1000000 } };
	struct ask_limits l = quick;
	struct question q = about(s);
	int64_t took = clock_monotonic_ms();
	timer_t timer;

	l.udp_ms = 30000;
	proc_init();
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0 ||
	    timer_settime(timer, 0, &when, NULL) < 0)
		return 2;
	ask_all(&q, 1, &l);
	took = clock_monotonic_ms() - took;
	return q.outcome == ASK_UNANSWERED && q.at > 0 && took >= 90 && took < 3000 ? 0 : 1;
}

static void stops_when_told(void **state)
{
	struct server s;
	pid_t pid;
	int status;

	(void)state;
	start(&s, UDP_SILENT, TCP_SILENT);
	pid = fork();
	if (pid == 0)
		_exit(stopped_in_the_middle(&s));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	stop(&s);
}

static void leaves_no_descriptor(void **state)
{
	int fd = dup(0), again;

	(void)state;
	assert_true(fd > 0);
	close(fd);
	ignores_strays(state);
	not_more_in_flight_than_said(state);
	refused(state);
	again = dup(0);
	assert_int_equal(again, fd);
	close(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(ignores_strays),
		cmocka_unit_test(outcomes),
		cmocka_unit_test(refused),
		cmocka_unit_test(udp_refused_tcp_answers),
		cmocka_unit_test(what_cannot_be_sent),
		cmocka_unit_test(ready_messages),
		cmocka_unit_test(a_hundred_in_flight),
		cmocka_unit_test(not_more_in_flight_than_said),
		cmocka_unit_test(paces),
		cmocka_unit_test(paces_its_own_host_otherwise),
		cmocka_unit_test(paces_each_address),
		cmocka_unit_test(a_silent_address_does_not_starve_others),
		cmocka_unit_test(gives_up_an_address),
		cmocka_unit_test(does_not_give_up_what_answers_tcp),
		cmocka_unit_test(thousands),
		cmocka_unit_test(thousands_of_addresses),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(leaves_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
