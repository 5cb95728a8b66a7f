/* ask.c - many questions to name servers by one poll loop.
 *
 * Every question goes through the stages UDP, UDP, TCP until a reply fits or the last one failed.
 * It waits in the queue of its address, or is in flight on a socket of its own, or is settled; only
 * enqueue(), start_next() and settle() move it.  Addresses take turns, so that a slow one does not
 * keep the others waiting.
 * Replies are matched on their bytes, before anything parses them.  RFC 5452 section 9, RFC 7766.
 * Touches: network.
 */
#include "dns/ask.h"

#include "base/mem.h"
#include "io/crypto.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <errno.h>
#include <poll.h>

#define NOBODY SIZE_MAX
#define HEADER_LEN 12
#define MESSAGE_MAX 65535
#define STRAYS_MAX 64           /* datagrams from one socket before the others get their turn */
#define LOOK_UP_MS 250          /* a signal may come just before poll() */
#define GIVE_UP_AFTER 10

const struct ask_limits ask_defaults = {
	.in_flight = 100, .in_flight_each = 10, .per_second_each = 50,
	.udp_ms = 1500, .tcp_ms = 3000, .all_ms = 120000,
};

enum stage { UDP_FIRST, UDP_AGAIN, TCP_LAST };

struct task {                   /* one for each question, with the same index */
	enum stage stage;
	size_t     host;
	size_t     next;        /* that waits for the same host */
};

struct host {                   /* an address */
	size_t   first;         /* of the tasks that wait */
	unsigned in_flight;
	int64_t  tokens;        /* thousandths of a try */
	int64_t  filled_ms;
	unsigned per_second;
	unsigned failures;      /* in a row */
};

struct flight {
	size_t         q;
	int            fd;
	int64_t        until_ms;
	bool           tcp;
	struct buf     wire;    /* the message; for TCP behind its length */
	size_t         sent;
	unsigned char  prefix[2];
	unsigned char *reply;   /* TCP: room for as much as the prefix says */
	size_t         got;     /* TCP: of prefix and reply */
};

struct run {
	struct question  *q;
	struct ask_limits limits;
	struct task      *tasks;
	struct host      *hosts;
	size_t            hosts_n, turn;
	struct flight    *flights;
	struct pollfd    *polls;
	size_t            flights_n;
	size_t            unsettled;
	bool              no_sockets;   /* the system has none left: wait for one of ours */
	unsigned char    *room;         /* for a datagram */
};

const char *ask_outcome_text(enum ask_outcome o)
{
	/* clang-format off */
	static const char *const texts[] = {
		[ASK_UNANSWERED] = "not asked in time",
		[ASK_ANSWERED] = "answered",
		[ASK_TIMEOUT] = "no answer in time",
		[ASK_CONN_REFUSED] = "connection refused",
		[ASK_NO_ROUTE] = "no route to it",
		[ASK_UNREACHABLE] = "unreachable, as a router says",
		[ASK_BROKEN] = "no proper answer",
	};
	/* clang-format on */
	_Static_assert(ARRAY_LEN(texts) == ASK_BROKEN + 1, "a text for every outcome");

	return texts[o];
}

static enum ask_outcome outcome_of(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return ASK_CONN_REFUSED;
	/* no host that is down, and no firewall, is a family of addresses that this host lacks */
	case ENETUNREACH: case EADDRNOTAVAIL: case EAFNOSUPPORT:
		return ASK_NO_ROUTE;
	case EHOSTUNREACH:
		return ASK_UNREACHABLE;
	case ETIMEDOUT:
		return ASK_TIMEOUT;
	default:
		return ASK_BROKEN;
	}
}

/* Matching ------------------------------------------------------------------------------------- */

static unsigned read_16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Bytes of the first question behind the header; 0 if there is none. */
static size_t question_length(const unsigned char *msg, size_t len)
{
	size_t at = HEADER_LEN;

	while (at < len && msg[at]) {
		if (msg[at] > 63)
			return 0;
		at += msg[at] + (size_t)1;
	}
	return at + 5 <= len ? at + 5 - HEADER_LEN : 0;
}

static unsigned char lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
}

/* Name, type and class; lengths of labels are below the letters. */
static bool same_question(const unsigned char *a, const unsigned char *b, size_t len)
{
	for (size_t i = 0; i + 4 < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return memcmp(a + len - 4, b + len - 4, 4) == 0;
}

/* Whether `got` replies to `sent`.  bare_too: also without a question section. */
static bool matches(const unsigned char *sent, size_t sent_len, const unsigned char *got,
		    size_t got_len, bool bare_too)
{
	size_t len = question_length(sent, sent_len);

	if (got_len < HEADER_LEN || memcmp(got, sent, 2) != 0 || !(got[2] & 0x80) ||
	    (got[2] & 0x78) != (sent[2] & 0x78))
		return false;
	if (read_16(got + 4) == 0)
		return bare_too;
	return read_16(got + 4) == 1 && len && got_len >= HEADER_LEN + len &&
	       same_question(sent + HEADER_LEN, got + HEADER_LEN, len);
}

static bool fits(const struct run *r, const struct flight *f, const unsigned char *got, size_t len)
{
	size_t prefix = f->tcp ? sizeof(f->prefix) : 0;

	return matches((const unsigned char *)f->wire.s + prefix, f->wire.len - prefix, got, len,
		       r->q[f->q].message != NULL);
}

/* Moving questions ----------------------------------------------------------------------------- */

/* In front: what was begun is ended first, so that a dead address is soon known for one. */
static void enqueue(struct run *r, size_t q)
{
	struct host *h = &r->hosts[r->tasks[q].host];

	r->tasks[q].next = h->first;
	h->first = q;
}

static size_t dequeue(struct run *r, struct host *h)
{
	size_t q = h->first;

	h->first = r->tasks[q].next;
	return q;
}

static void settle_one(struct run *r, size_t q, enum ask_outcome o)
{
	r->q[q].outcome = o;
	r->q[q].at = clock_now();
	r->q[q].by_tcp = r->tasks[q].stage == TCP_LAST;
	r->unsettled--;
}

static void settle(struct run *r, size_t q, enum ask_outcome o)
{
	struct host *h = &r->hosts[r->tasks[q].host];

	settle_one(r, q, o);
	switch (o) {
	case ASK_ANSWERED:
		h->failures = 0;
		break;
	case ASK_TIMEOUT:
	case ASK_CONN_REFUSED:
	case ASK_NO_ROUTE:
	case ASK_UNREACHABLE:
		h->failures++;
		while (h->failures >= GIVE_UP_AFTER && h->first != NOBODY)
			settle_one(r, dequeue(r, h), o);
		break;
	case ASK_UNANSWERED:
	case ASK_BROKEN:                /* may be about this question alone */
		break;
	}
}

static void settle_answered(struct run *r, size_t q, const unsigned char *reply, size_t len)
{
	r->q[q].reply = mem_alloc(len);
	memcpy(r->q[q].reply, reply, len);
	r->q[q].reply_len = len;
	settle(r, q, ASK_ANSWERED);
}

/* Of a question that was on its way: our own lack of a route shows before that. */
static void try_failed(struct run *r, size_t q, enum ask_outcome o)
{
	if (o == ASK_NO_ROUTE)
		o = ASK_UNREACHABLE;
	if (r->tasks[q].stage == TCP_LAST ||
	    r->hosts[r->tasks[q].host].failures >= GIVE_UP_AFTER) {
		settle(r, q, o);
		return;
	}
	r->tasks[q].stage++;
	enqueue(r, q);
}

/* The last flight takes its place. */
static void land(struct run *r, struct flight *f)
{
	close(f->fd);
	buf_free(&f->wire);
	free(f->reply);
	r->hosts[r->tasks[f->q].host].in_flight--;
	*f = r->flights[--r->flights_n];
	r->no_sockets = false;
}

/* Starting ------------------------------------------------------------------------------------- */

/* The message of a try, for TCP behind its length.  False if it cannot be made. */
static bool make_wire(struct buf *wire, const struct question *q, bool tcp)
{
	unsigned char id[2], prefix[2];
	struct buf made;
	const void *msg = q->message;
	size_t len = q->message_len;

	buf_init(wire, sizeof(prefix) + MESSAGE_MAX);
	buf_init(&made, 512);
	if (!msg) {
		crypto_random(id, sizeof(id));
		len = dns_query_make(&made, (uint16_t)read_16(id), q->name, q->type, q->flags) ?
			      made.len : 0;
		msg = made.s;
	}
	prefix[0] = (unsigned char)(len >> 8);
	prefix[1] = (unsigned char)len;
	if (tcp)
		buf_add(wire, prefix, sizeof(prefix));
	buf_add(wire, msg, len);
	buf_free(&made);
	return len >= HEADER_LEN && !wire->over;
}

/* Sends what is left to send; false, with errno, when the try has failed. */
static bool send_more(struct flight *f)
{
	while (f->sent < f->wire.len) {
		ssize_t n = send(f->fd, f->wire.s + f->sent, f->wire.len - f->sent, MSG_NOSIGNAL);

		if (n >= 0)
			f->sent += (size_t)n;
		else if (errno == EAGAIN || errno == ENOBUFS)
			return true;    /* a datagram is lost then, and its time runs */
		else if (errno != EINTR)
			return false;
	}
	return true;
}

static bool out_of_sockets(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* A socket on its way to the address, or -1 with errno. */
static int open_socket(const struct addr *to, bool tcp)
{
	int type = (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(to->sa.ss_family, type, 0), error;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to->sa, to->len) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void could_not_start(struct run *r, size_t q, int error)
{
	enum ask_outcome o = outcome_of(error);

	if (out_of_sockets(error) && r->flights_n) {
		r->no_sockets = true;
		enqueue(r, q);
	} else if (out_of_sockets(error)) {
		settle(r, q, ASK_UNANSWERED);
	} else if (o == ASK_NO_ROUTE) {
		settle(r, q, o);        /* TCP has the same routes */
	} else {
		try_failed(r, q, o);
	}
}

/* The first of the queue of h takes off, or fails at once, or waits for a socket. */
static void start_next(struct run *r, struct host *h, int64_t now_ms)
{
	size_t q = dequeue(r, h);
	bool tcp = r->tasks[q].stage == TCP_LAST;
	struct flight f = { .q = q, .tcp = tcp };

	f.until_ms = now_ms + (tcp ? r->limits.tcp_ms : r->limits.udp_ms);
	if (!make_wire(&f.wire, &r->q[q], tcp)) {
		buf_free(&f.wire);
		settle(r, q, ASK_BROKEN);
		return;
	}
	f.fd = open_socket(&r->q[q].to, tcp);
	if (f.fd < 0) {
		int error = errno;

		buf_free(&f.wire);
		could_not_start(r, q, error);
		return;
	}
	h->in_flight++;
	r->flights[r->flights_n++] = f;
	if (!tcp && !send_more(&r->flights[r->flights_n - 1])) {
		enum ask_outcome o = outcome_of(errno);

		land(r, &r->flights[r->flights_n - 1]);
		try_failed(r, q, o);
	}
}

/* Takes a token if a question of h may start; else *wait_ms may become shorter. */
static bool may_start(struct run *r, struct host *h, int64_t now_ms, int64_t *wait_ms)
{
	int64_t rate = h->per_second, most = (rate < 5 ? 1 : rate / 5) * 1000, wait;

	if (h->first == NOBODY || h->in_flight >= r->limits.in_flight_each)
		return false;
	h->tokens += (now_ms - h->filled_ms) * rate;
	h->filled_ms = now_ms;
	if (h->tokens > most)
		h->tokens = most;
	if (h->tokens >= 1000) {
		h->tokens -= 1000;
		return true;
	}
	wait = (1000 - h->tokens + rate - 1) / rate;
	if (wait < *wait_ms)
		*wait_ms = wait;
	return false;
}

/* One question of each address in turn, as long as anything may start. */
static void start_all(struct run *r, int64_t now_ms, int64_t *wait_ms)
{
	size_t passed = 0;

	while (passed < r->hosts_n && r->flights_n < r->limits.in_flight && !r->no_sockets) {
		struct host *h = &r->hosts[r->turn];

		r->turn = (r->turn + 1) % r->hosts_n;
		if (may_start(r, h, now_ms, wait_ms)) {
			start_next(r, h, now_ms);
			passed = 0;
		} else {
			passed++;
		}
	}
}

/* Receiving ------------------------------------------------------------------------------------ */

static void receive_udp(struct run *r, struct flight *f)
{
	size_t q = f->q;

	for (int i = 0; i < STRAYS_MAX; i++) {
		ssize_t n = recv(f->fd, r->room, MESSAGE_MAX, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			enum ask_outcome o = outcome_of(errno);

			land(r, f);
			try_failed(r, q, o);
			return;
		}
		if (!fits(r, f, r->room, (size_t)n))
			continue;
		land(r, f);
		if (r->room[2] & 0x02) {        /* TC */
			r->hosts[r->tasks[q].host].failures = 0;
			r->tasks[q].stage = TCP_LAST;
			enqueue(r, q);
		} else {
			settle_answered(r, q, r->room, (size_t)n);
		}
		return;
	}
}

/* Reads on; 1 when the reply is there, 0 when more is to come, -1 with errno (0: it just ended). */
static int read_more(struct flight *f)
{
	for (;;) {
		size_t head = sizeof(f->prefix), want = head;
		unsigned char *to = f->prefix + f->got;
		ssize_t n;

		if (f->got >= head) {
			want += read_16(f->prefix);
			if (f->got == want)
				return 1;
			if (!f->reply)
				f->reply = mem_alloc(want - head);
			to = f->reply + (f->got - head);
		}
		n = recv(f->fd, to, want - f->got, 0);
		if (n > 0)
			f->got += (size_t)n;
		else if (n == 0)
			errno = 0;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n == 0 || (n < 0 && errno != EINTR))
			return -1;
	}
}

/* What poll() complains of; send() may say "try again" for ever. */
static bool has_failed(const struct flight *f, short events)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (!(events & POLLERR) || getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || !error)
		return false;
	errno = error;
	return true;
}

static void go_on_tcp(struct run *r, struct flight *f, short events)
{
	size_t q = f->q;
	int rc = -1;

	if (!has_failed(f, events) && send_more(f))
		rc = f->sent < f->wire.len ? 0 : read_more(f);
	if (rc == 0)
		return;
	if (rc < 0) {
		enum ask_outcome o = outcome_of(errno);

		land(r, f);
		try_failed(r, q, o);
	} else if (fits(r, f, f->reply, f->got - sizeof(f->prefix))) {
		settle_answered(r, q, f->reply, f->got - sizeof(f->prefix));
		land(r, f);
	} else {
		land(r, f);
		try_failed(r, q, ASK_BROKEN);
	}
}

static void wait_for_events(struct run *r, int64_t wait_ms)
{
	for (size_t i = 0; i < r->flights_n; i++) {
		const struct flight *f = &r->flights[i];
		bool sending = f->tcp && f->sent < f->wire.len;

		r->polls[i] = (struct pollfd){ .fd = f->fd, .events = sending ? POLLOUT : POLLIN };
	}
	if (poll(r->polls, r->flights_n, (int)(wait_ms > 0 ? wait_ms : 0)) < 0)
		for (size_t i = 0; i < r->flights_n; i++)
			r->polls[i].revents = 0;
}

/* From the last to the first, since land() moves the last one. */
static void handle_events(struct run *r)
{
	int64_t now_ms = clock_monotonic_ms();

	for (size_t i = r->flights_n; i-- > 0;) {
		struct flight *f = &r->flights[i];
		size_t q = f->q, before = r->flights_n;

		if (r->polls[i].revents && f->tcp)
			go_on_tcp(r, f, r->polls[i].revents);
		else if (r->polls[i].revents)
			receive_udp(r, f);
		if (r->flights_n == before && f->until_ms <= now_ms) {
			land(r, f);
			try_failed(r, q, ASK_TIMEOUT);
		}
	}
}

/* The call ------------------------------------------------------------------------------------- */

struct sorted {
	const struct addr *to;
	size_t             q, turn;
};

static int by_address(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int order = addr_compare(x->to, y->to);

	return order ? order : (x->turn > y->turn) - (x->turn < y->turn);
}

static void find_hosts(struct run *r, size_t n, int64_t now_ms)
{
	struct sorted *s = mem_array(n, sizeof(*s));
	unsigned own = r->limits.per_second_own;

	for (size_t i = 0; i < n; i++)
		s[i] = (struct sorted){ &r->q[i].to, i, (i + n - r->limits.first % n) % n };
	qsort(s, n, sizeof(*s), by_address);
	for (size_t i = n; i-- > 0;) {
		if (i == n - 1 || !addr_same(s[i].to, s[i + 1].to))
			r->hosts[r->hosts_n++] = (struct host){
				.first = NOBODY, .tokens = INT32_MAX, .filled_ms = now_ms,
				.per_second = addr_is_loopback(s[i].to) && own ? own :
										 r->limits.per_second_each };
		r->tasks[s[i].q].host = r->hosts_n - 1;
		enqueue(r, s[i].q);
	}
	free(s);
}

static void run_begin(struct run *r, struct question *q, size_t n, const struct ask_limits *limits)
{
	unsigned *counts[] = { &r->limits.in_flight, &r->limits.in_flight_each,
			       &r->limits.per_second_each };

	*r = (struct run){ .q = q, .limits = *limits, .unsettled = n };
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		if (*counts[i] == 0)
			*counts[i] = 1;
	if (r->limits.in_flight > n)
		r->limits.in_flight = (unsigned)n;
	r->tasks = mem_array(n, sizeof(*r->tasks));
	r->hosts = mem_array(n, sizeof(*r->hosts));
	r->flights = mem_array(r->limits.in_flight, sizeof(*r->flights));
	r->polls = mem_array(r->limits.in_flight, sizeof(*r->polls));
	r->room = mem_alloc(MESSAGE_MAX);
	for (size_t i = 0; i < n; i++) {
		q[i].outcome = ASK_UNANSWERED;
		q[i].reply = NULL;
		q[i].reply_len = 0;
		q[i].at = 0;
		q[i].by_tcp = false;
		r->tasks[i].stage = q[i].message ? TCP_LAST : UDP_FIRST;
	}
}

static void run_end(struct run *r, size_t n)
{
	while (r->flights_n)
		land(r, &r->flights[0]);
	for (size_t i = 0; i < n; i++)
		if (r->q[i].outcome == ASK_UNANSWERED)
			r->q[i].at = clock_now();
	free(r->tasks);
	free(r->hosts);
	free(r->flights);
	free(r->polls);
	free(r->room);
}

void ask_all(struct question *q, size_t n, const struct ask_limits *limits)
{
	int64_t now_ms = clock_monotonic_ms(), until_ms = now_ms + limits->all_ms;
	struct run r;

	run_begin(&r, q, n, limits);
	find_hosts(&r, n, now_ms);
	while (r.unsettled && now_ms < until_ms && !proc_stopping()) {
		int64_t wait_ms = LOOK_UP_MS;

		start_all(&r, now_ms, &wait_ms);
		for (size_t i = 0; i < r.flights_n; i++)
			if (r.flights[i].until_ms - now_ms < wait_ms)
				wait_ms = r.flights[i].until_ms - now_ms;
		if (until_ms - now_ms < wait_ms)
			wait_ms = until_ms - now_ms;
		if (r.unsettled) {
			wait_for_events(&r, wait_ms);
			handle_events(&r);
		}
		now_ms = clock_monotonic_ms();
	}
	run_end(&r, n);
}

void questions_free(struct question *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(q[i].reply);
		q[i].reply = NULL;
		q[i].reply_len = 0;
	}
}
