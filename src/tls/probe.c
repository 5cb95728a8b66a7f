/* probe.c - many handshakes side by side by one poll loop.
 *
 * A probe waits in the queue of its address, or is in flight on a socket of its own, or is settled.  In
 * flight it goes through the phases CONNECTING, TALKING (what precedes TLS) and SHAKING; only start(),
 * go_on() and settle() move it.  Addresses take turns, so that a slow one does not keep the others waiting.
 * Touches: network.
 */
#include "tls/probe.h"

#include "base/mem.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>

#define NOBODY     SIZE_MAX
#define LOOK_UP_MS 250          /* a signal may come just before poll() */
#define READ_MAX   2048         /* of one socket, before the others get their turn */
#define OUT_MAX    4096
#define WHY_MAX    300
#define PORT_MAX   2            /* connections with one port at a time: servers count them, and one that is
				 * silent is so for both kinds of keys */

const struct probe_limits probe_defaults = {
	.in_flight = 200, .in_flight_each = 4, .connect_ms = 5000, .each_ms = 15000, .all_ms = 120000,
};

enum phase { CONNECTING, TALKING, SHAKING };

struct task {                   /* one for each probe, with the same index */
	size_t host, port;      /* of hosts, of busy */
	size_t next;            /* that waits for the same host */
	bool   hung_up;         /* the server ended the handshake without a word */
	bool   repeated;        /* ... and was asked again */
};

struct host {                   /* an address without port */
	size_t   first;         /* of the tasks that wait */
	unsigned in_flight;
};

struct flight {
	size_t               p;
	int                  fd;
	enum phase           phase;
	int64_t              connect_until_ms, until_ms;
	short                wants;             /* of poll() */
	struct starttls_talk talk;
	enum starttls_next   next;
	struct buf           out;               /* of the talk */
	size_t               sent;
	struct tls_client   *tls;
};

struct run {
	struct probe       *p;
	struct probe_limits limits;
	char                own_name[256];
	struct task        *tasks;
	struct host        *hosts;
	size_t              hosts_n, turn;
	unsigned           *busy;               /* in flight, for each address with port */
	struct flight      *flights;
	struct pollfd      *polls;
	size_t              flights_n;
	size_t              unsettled;
	bool                no_sockets;         /* the system has none left: wait for one of ours */
};

const char *probe_outcome_name(enum probe_outcome o)
{
	/* clang-format off */
	static const char *const names[] = {
		[PROBE_UNTRIED] = "not tried",
		[PROBE_NO_ROUTE] = "no route to it",
		[PROBE_UNREACHABLE] = "unreachable, as a router says",
		[PROBE_CONN_REFUSED] = "connection refused",
		[PROBE_NO_ANSWER] = "no answer in time",
		[PROBE_BUSY] = "busy",
		[PROBE_SILENT] = "connected, and silent",
		[PROBE_CLOSED] = "ends the connection early",
		[PROBE_GARBAGE] = "no way to TLS",
		[PROBE_NO_STARTTLS] = "offers no STARTTLS",
		[PROBE_TLS_FAILED] = "TLS failed",
		[PROBE_NOT_OFFERED] = "has no such key",
		[PROBE_OK] = "presents a certificate",
	};
	/* clang-format on */
	_Static_assert(ARRAY_LEN(names) == PROBE_OUTCOME_N, "a name for every outcome");

	return names[o];
}

bool probe_reached(enum probe_outcome o)
{
	return o >= PROBE_SILENT;
}

/* Before it stands what was said. */
#define ADVICE "; it speaks "

bool probe_advises(const char *why)
{
	return why && strstr(why, ADVICE);
}

/* Of a connection: errors that say something of the other side, all others are "unreachable". */
static enum probe_outcome outcome_of(int error)
{
	static const struct {
		int error;
		enum probe_outcome outcome;
	} rows[] = {
		{ ECONNREFUSED, PROBE_CONN_REFUSED },
		{ ECONNRESET, PROBE_CLOSED },             /* it was made, and ended at once */
		{ ETIMEDOUT, PROBE_NO_ANSWER },
		{ ENETUNREACH, PROBE_NO_ROUTE },
		{ EADDRNOTAVAIL, PROBE_NO_ROUTE },
		{ EAFNOSUPPORT, PROBE_NO_ROUTE },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].error == error)
			return rows[i].outcome;
	return PROBE_UNREACHABLE;
}

/* Moving probes -------------------------------------------------------------------------------- */

static void enqueue(struct run *r, size_t p)
{
	struct host *h = &r->hosts[r->tasks[p].host];

	r->tasks[p].next = h->first;
	h->first = p;
}

/* The first that waits for a port that takes one more; NOBODY. */
static size_t dequeue(struct run *r, struct host *h)
{
	for (size_t *link = &h->first; *link != NOBODY; link = &r->tasks[*link].next) {
		size_t p = *link;

		if (r->busy[r->tasks[p].port] < PORT_MAX) {
			*link = r->tasks[p].next;
			return p;
		}
	}
	return NOBODY;
}

/* why: NULL, or the probe's from now on. */
static void settle(struct run *r, size_t i, enum probe_outcome o, char *why)
{
	struct probe *p = &r->p[i];

	if (why && strlen(why) > WHY_MAX)
		memcpy(why + WHY_MAX - 3, "...", 4);
	p->outcome = o;
	p->why = why;
	p->at = clock_now();
	r->unsettled--;
}

/* The last flight takes its place. */
static void land(struct run *r, struct flight *f)
{
	const struct task *t = &r->tasks[f->p];

	tls_client_close(f->tls);
	close(f->fd);
	starttls_end(&f->talk);
	buf_free(&f->out);
	r->hosts[t->host].in_flight--;
	r->busy[t->port]--;
	*f = r->flights[--r->flights_n];
	r->no_sockets = false;
}

static void end(struct run *r, struct flight *f, enum probe_outcome o, char *why)
{
	settle(r, f->p, o, why);
	land(r, f);
}

/* Starting ------------------------------------------------------------------------------------- */

static bool out_of_sockets(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* A socket on its way to the address, or -1 with errno; whether the source address was at fault. */
static int open_socket(const struct addr *to, const struct addr *from, bool *from_wrong)
{
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error;

	*from_wrong = false;
	if (fd < 0)
		return -1;
	if (from->len && from->sa.ss_family != to->sa.ss_family)
		errno = EAFNOSUPPORT;
	else if (from->len && bind(fd, (const struct sockaddr *)&from->sa, from->len) < 0)
		*from_wrong = true;
	else if (connect(fd, (const struct sockaddr *)&to->sa, to->len) == 0 || errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void could_not_start(struct run *r, size_t p, int error, bool from_wrong)
{
	char from[ADDR_TEXT_LEN];

	if (out_of_sockets(error) && r->flights_n) {
		r->no_sockets = true;
		enqueue(r, p);
	} else if (from_wrong) {
		addr_format(from, &r->p[p].from);
		settle(r, p, PROBE_UNTRIED, mem_format("from %s: %s", from, strerror(error)));
	} else {
		settle(r, p, out_of_sockets(error) ? PROBE_UNTRIED : outcome_of(error),
		       mem_copy_str(strerror(error)));
	}
}

static void start(struct run *r, size_t i, int64_t now_ms)
{
	const struct probe *p = &r->p[i];
	struct flight f = { .p = i, .phase = CONNECTING, .wants = POLLOUT,
			    .connect_until_ms = now_ms + r->limits.connect_ms,
			    .until_ms = now_ms + r->limits.each_ms };
	bool from_wrong;

	f.fd = open_socket(&p->to, &p->from, &from_wrong);
	if (f.fd < 0) {
		could_not_start(r, i, errno, from_wrong);
		return;
	}
	starttls_begin(&f.talk, p->starttls, p->domain ? p->domain : p->sni, r->own_name);
	buf_init(&f.out, OUT_MAX);
	r->hosts[r->tasks[i].host].in_flight++;
	r->busy[r->tasks[i].port]++;
	r->flights[r->flights_n++] = f;
}

/* One probe of each address in turn, as long as anything may start. */
static void start_all(struct run *r, int64_t now_ms)
{
	size_t passed = 0;

	while (passed < r->hosts_n && r->flights_n < r->limits.in_flight && !r->no_sockets) {
		struct host *h = &r->hosts[r->turn];
		size_t p = h->in_flight < r->limits.in_flight_each ? dequeue(r, h) : NOBODY;

		r->turn = (r->turn + 1) % r->hosts_n;
		passed++;
		if (p != NOBODY) {
			start(r, p, now_ms);
			passed = 0;
		}
	}
}

/* In flight ------------------------------------------------------------------------------------ */

/* Some servers (Dovecot, OpenLDAP) send no alert when they have no such key; nor do those that fail.  See
 * tell_absent_keys(). */
static char *perhaps_no_key(char *why, enum tls_offer o)
{
	char *text;

	if (o == TLS_OFFER_ANY)
		return why;
	text = mem_format("%s (perhaps it has no %s key)", why, tls_offer_name(o));
	free(why);
	return text;
}

/* A port that STARTTLS is not usual at. */
static char *perhaps_starttls(char *why, const struct probe *p)
{
	const char *said = strchr(why, '"');
	enum starttls how = p->starttls == STARTTLS_NONE && said ? starttls_of_greeting(said + 1) : STARTTLS_NONE;
	char *text;

	if (how == STARTTLS_NONE)
		return why;
	text = mem_format("%s" ADVICE "%s: [endpoints] starttls = %u %s, or check --starttls %s", why,
			  starttls_name(how), addr_port(&p->to), starttls_name(how), starttls_name(how));
	free(why);
	return text;
}

static void shake(struct run *r, struct flight *f)
{
	struct probe *p = &r->p[f->p];
	enum probe_outcome o = PROBE_TLS_FAILED;
	enum tls_fault fault;
	char *why;

	switch (tls_client_step(f->tls)) {
	case TLS_READ:
		f->wants = POLLIN;
		return;
	case TLS_WRITE:
		f->wants = POLLOUT;
		return;
	case TLS_DONE:
		tls_client_take(&p->presented, f->tls);
		end(r, f, PROBE_OK, NULL);
		return;
	case TLS_FAILED:
		break;
	}
	why = tls_client_why(f->tls, &fault);
	switch (fault) {
	case TLS_FAULT_REFUSED:
		o = p->offer == TLS_OFFER_ANY ? PROBE_TLS_FAILED : PROBE_NOT_OFFERED;
		break;
	case TLS_FAULT_NOT_TLS:
		o = PROBE_GARBAGE;
		why = perhaps_starttls(why, p);
		break;
	case TLS_FAULT_CLOSED:
		o = PROBE_CLOSED;
		r->tasks[f->p].hung_up = p->offer != TLS_OFFER_ANY;
		why = perhaps_no_key(why, p->offer);
		break;
	case TLS_FAULT_OTHER:
		break;
	}
	end(r, f, o, why);
}

static void begin_to_shake(struct run *r, struct flight *f)
{
	const struct probe *p = &r->p[f->p];

	f->phase = SHAKING;
	f->tls = tls_client_new(f->fd, p->sni, p->offer, NULL);
	if (f->tls)
		shake(r, f);
	else
		end(r, f, PROBE_TLS_FAILED, mem_copy_str("OpenSSL cannot make a client of this server name"));
}

/* False, with errno, when the connection is broken. */
static bool send_more(struct flight *f)
{
	while (f->sent < f->out.len) {
		ssize_t n = send(f->fd, f->out.s + f->sent, f->out.len - f->sent, MSG_NOSIGNAL);

		if (n >= 0)
			f->sent += (size_t)n;
		else if (errno == EAGAIN)
			return true;
		else if (errno != EINTR)
			return false;
	}
	buf_clear(&f->out);
	f->sent = 0;
	return true;
}

/* What the talk has come to, after a step. */
static void talk_on(struct run *r, struct flight *f)
{
	switch (f->next) {
	case STARTTLS_MISSING:
		end(r, f, PROBE_NO_STARTTLS, mem_copy_str(f->talk.why));
		return;
	case STARTTLS_BUSY:
		end(r, f, PROBE_BUSY, mem_copy_str(f->talk.why));
		return;
	case STARTTLS_FAILED:
		end(r, f, PROBE_GARBAGE, mem_copy_str(f->talk.why));
		return;
	case STARTTLS_MORE:
	case STARTTLS_GO:
		break;
	}
	if (!send_more(f))
		end(r, f, PROBE_CLOSED, mem_format("before TLS: %s", strerror(errno)));
	else if (f->out.len)
		f->wants = POLLOUT;
	else if (f->next == STARTTLS_GO)
		begin_to_shake(r, f);
	else
		f->wants = POLLIN;
}

static void listen_on(struct run *r, struct flight *f)
{
	char bytes[READ_MAX];
	ssize_t n = recv(f->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end(r, f, PROBE_CLOSED,
		    mem_format("before TLS: %s", n ? strerror(errno) : "the server ends the connection"));
		return;
	}
	f->next = starttls_step(&f->talk, bytes, (size_t)n, &f->out);
	talk_on(r, f);
}

static void connected(struct run *r, struct flight *f)
{
	int error = 0;
	socklen_t len = sizeof(error);
	enum probe_outcome o;

	if (getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error) {
		o = outcome_of(error);          /* our own lack of a route shows before that */
		end(r, f, o == PROBE_NO_ROUTE ? PROBE_UNREACHABLE : o, mem_copy_str(strerror(error)));
		return;
	}
	f->phase = TALKING;
	f->next = starttls_step(&f->talk, "", 0, &f->out);
	talk_on(r, f);
}

static void go_on(struct run *r, struct flight *f)
{
	switch (f->phase) {
	case CONNECTING:
		connected(r, f);
		break;
	case TALKING:
		if (f->wants == POLLOUT)
			talk_on(r, f);
		else
			listen_on(r, f);
		break;
	case SHAKING:
		shake(r, f);
		break;
	}
}

static int64_t deadline(const struct flight *f)
{
	return f->phase == CONNECTING && f->connect_until_ms < f->until_ms ? f->connect_until_ms : f->until_ms;
}

static void overstay(struct run *r, struct flight *f)
{
	static const char *const where[] = {
		[CONNECTING] = NULL,
		[TALKING] = "no answer before TLS",
		[SHAKING] = "no answer in the TLS handshake",
	};

	end(r, f, f->phase == CONNECTING ? PROBE_NO_ANSWER : PROBE_SILENT, mem_copy_str(where[f->phase]));
}

static void wait_for_events(struct run *r, int64_t wait_ms)
{
	for (size_t i = 0; i < r->flights_n; i++)
		r->polls[i] = (struct pollfd){ .fd = r->flights[i].fd, .events = r->flights[i].wants };
	if (poll(r->polls, r->flights_n, (int)(wait_ms > 0 ? wait_ms : 0)) < 0)
		for (size_t i = 0; i < r->flights_n; i++)
			r->polls[i].revents = 0;
}

/* From the last to the first, since land() moves the last one. */
static void handle_events(struct run *r)
{
	for (size_t i = r->flights_n; i-- > 0;) {
		struct flight *f = &r->flights[i];
		size_t before = r->flights_n;

		if (r->polls[i].revents)
			go_on(r, f);
		if (r->flights_n == before && deadline(f) <= clock_monotonic_ms())
			overstay(r, f);
	}
}

/* The call ------------------------------------------------------------------------------------- */

struct sorted {
	const struct addr *to;
	size_t             p;
};

/* By address, then port; those of one port in their order. */
static int by_address(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;
	int order = addr_compare(x->to, y->to);

	return order ? order : (x->p > y->p) - (x->p < y->p);
}

static bool same_host(const struct addr *a, const struct addr *b)
{
	struct addr x = *a, y = *b;
	struct addr *both[] = { &x, &y };

	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		if (addr_is_ipv6(both[i]))
			((struct sockaddr_in6 *)&both[i]->sa)->sin6_port = 0;
		else
			((struct sockaddr_in *)&both[i]->sa)->sin_port = 0;
	return addr_same(&x, &y);
}

static void find_hosts(struct run *r, size_t n)
{
	struct sorted *s = mem_array(n, sizeof(*s));
	size_t ports_n = 0;

	for (size_t i = 0; i < n; i++)
		s[i] = (struct sorted){ &r->p[i].to, i };
	qsort(s, n, sizeof(*s), by_address);
	for (size_t i = n; i-- > 0;) {
		if (i == n - 1 || !same_host(s[i].to, s[i + 1].to))
			r->hosts[r->hosts_n++] = (struct host){ .first = NOBODY };
		if (i == n - 1 || !addr_same(s[i].to, s[i + 1].to))
			ports_n++;
		r->tasks[s[i].p] = (struct task){ .host = r->hosts_n - 1, .port = ports_n - 1 };
		enqueue(r, s[i].p);
	}
	free(s);
}

static void run_begin(struct run *r, struct probe *p, size_t n, const struct probe_limits *limits)
{
	*r = (struct run){ .p = p, .limits = *limits, .unsettled = n };
	if (r->limits.in_flight > n)
		r->limits.in_flight = (unsigned)n;
	if (r->limits.in_flight == 0)
		r->limits.in_flight = 1;
	if (r->limits.in_flight_each == 0)
		r->limits.in_flight_each = 1;
	if (limits->own_name)
		snprintf(r->own_name, sizeof(r->own_name), "%s", limits->own_name);
	else if (gethostname(r->own_name, sizeof(r->own_name) - 1) < 0 || !r->own_name[0])
		snprintf(r->own_name, sizeof(r->own_name), "localhost");
	r->tasks = mem_array(n, sizeof(*r->tasks));
	r->hosts = mem_array(n, sizeof(*r->hosts));
	r->busy = mem_array(n, sizeof(*r->busy));
	r->flights = mem_array(r->limits.in_flight, sizeof(*r->flights));
	r->polls = mem_array(r->limits.in_flight, sizeof(*r->polls));
	for (size_t i = 0; i < n; i++) {
		p[i].outcome = PROBE_UNTRIED;
		p[i].why = NULL;
		p[i].presented = (struct tls_presented){ 0 };
		p[i].at = 0;
	}
}

/* Ports that have shown a certificate. */
static bool *find_shows(const struct run *r, size_t n)
{
	bool *shows = mem_array(n, sizeof(*shows));

	for (size_t i = 0; i < n; i++)
		shows[r->tasks[i].port] |= r->p[i].outcome == PROBE_OK;
	return shows;
}

/* It may have hung up for another reason, a limit of connections say: it is asked again when all others are
 * over. */
static void repeat_hang_ups(struct run *r, size_t n)
{
	bool *shows = find_shows(r, n);

	for (size_t i = 0; i < n; i++) {
		struct task *t = &r->tasks[i];

		if (!t->hung_up || t->repeated || !shows[t->port])
			continue;
		t->hung_up = false;
		t->repeated = true;
		free(r->p[i].why);
		r->p[i].why = NULL;
		r->p[i].outcome = PROBE_UNTRIED;
		r->p[i].at = 0;
		r->unsettled++;
		enqueue(r, i);
	}
	free(shows);
}

/* A server that hung up twice, and at the same time shows a key of another kind, has none of this one. */
static void tell_absent_keys(struct run *r, size_t n)
{
	bool *shows = find_shows(r, n);

	for (size_t i = 0; i < n; i++)
		if (r->tasks[i].hung_up && shows[r->tasks[i].port])
			r->p[i].outcome = PROBE_NOT_OFFERED;
	free(shows);
}

static void run_end(struct run *r, size_t n)
{
	while (r->flights_n)
		land(r, &r->flights[0]);
	for (size_t i = 0; i < n; i++)
		if (!r->p[i].at) {
			r->p[i].at = clock_now();
			r->p[i].why = mem_copy_str("there was no time left");
		}
	free(r->tasks);
	free(r->hosts);
	free(r->busy);
	free(r->flights);
	free(r->polls);
}

void probe_all(struct probe *p, size_t n, const struct probe_limits *limits)
{
	int64_t now_ms = clock_monotonic_ms(), until_ms = now_ms + limits->all_ms;
	struct run r;

	run_begin(&r, p, n, limits);
	find_hosts(&r, n);
	while (r.unsettled && now_ms < until_ms && !proc_stopping()) {
		int64_t wait_ms = LOOK_UP_MS;

		start_all(&r, now_ms);
		for (size_t i = 0; i < r.flights_n; i++)
			if (deadline(&r.flights[i]) - now_ms < wait_ms)
				wait_ms = deadline(&r.flights[i]) - now_ms;
		if (until_ms - now_ms < wait_ms)
			wait_ms = until_ms - now_ms;
		if (r.unsettled) {
			wait_for_events(&r, wait_ms);
			handle_events(&r);
		}
		if (!r.unsettled)
			repeat_hang_ups(&r, n);
		now_ms = clock_monotonic_ms();
	}
	tell_absent_keys(&r, n);
	run_end(&r, n);
}

void probes_free(struct probe *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].why);
		p[i].why = NULL;
		tls_presented_free(&p[i].presented);
	}
}
