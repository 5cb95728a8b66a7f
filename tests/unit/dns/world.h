/* world.h - stand-ins for a resolver and name servers on loopback, which answer from a script.
 * Touches: the network (127.0.0.0/8), a child process.
 */
#ifndef TESTS_DNS_WORLD_H
#define TESTS_DNS_WORLD_H

#include "dns/look.h"
#include "made.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* Addresses of the stand-ins: the first is the resolver. */
static const char *const hosts[] = {
	"127.0.0.1", "127.80.0.1", "127.80.0.2", "127.80.0.3", "127.80.0.9", "127.80.0.53",
};
enum { RESOLVER, ONE, TWO, THREE, TLD, SECOND_RESOLVER, HOSTS };

#define AA 0x0400
#define RA 0x0080
#define SILENT 0x10000
#define BOGUS 0x20000           /* SERVFAIL, but to questions with CD */

/* What a host says about (name, type); records are "owner ttl rdata", behind "!" those of the
 * authority section, behind "+" additional ones.  What is not in the script: a resolver knows no
 * such record, others REFUSE. */
struct row {
	int         host;
	const char *name;
	uint16_t    type;
	unsigned    flags;
	const char *records[6];
};

#define SOA(zone) zone " 60 SOA ns1." zone " 7 30"
#define APEX(zone) { RESOLVER, zone, DNS_SOA, RA, { SOA(zone) } }
#define INSIDE(name, zone) { RESOLVER, name, DNS_SOA, RA, { "!" SOA(zone) } }

struct world {
	const struct row *rows;
	size_t            n;
	unsigned         *asked;        /* of each row, shared; of the others behind them */
	uint16_t          port;
	int               fds[HOSTS];
	pid_t             pid;
	struct look_config c;
	struct addr       resolvers[2];
};

/* The stand-ins -------------------------------------------------------------------------------- */

static inline void add_record(struct dns_rrs sections[3], const char *text)
{
	size_t section = *text == '!' ? 1 : *text == '+' ? 2 : 0;
	char owner[256];
	unsigned ttl;
	int at;

	MADE_OK(sscanf(text + (section > 0), "%255s %u %n", owner, &ttl, &at) == 2);
	made_add(&sections[section], owner, ttl, text + (section > 0) + at);
}

static inline const struct row *find_row(const struct world *w, int host, const unsigned char *q, size_t len)
{
	for (size_t i = 0; i < w->n; i++) {
		unsigned char wire[255];
		size_t n;

		MADE_OK(dns_name_wire(wire, &n, w->rows[i].name));
		if (w->rows[i].host == host && 12 + n + 4 <= len && memcmp(q + 12, wire, n) == 0 &&
		    (q[12 + n] << 8 | q[13 + n]) == w->rows[i].type)
			return &w->rows[i];
	}
	return NULL;
}

/* The question section is sent back as it came. */
static inline void answer(struct world *w, int host)
{
	static const struct row refused = { .flags = DNS_REFUSED }, nothing = { .flags = RA };
	static const struct row bogus = { .flags = RA | DNS_SERVFAIL };
	struct sockaddr_storage sa;
	socklen_t sa_len = sizeof(sa);
	unsigned char q[512];
	ssize_t len = recvfrom(w->fds[host], q, sizeof(q), 0, (struct sockaddr *)&sa, &sa_len);
	const struct row *row = len > 16 ? find_row(w, host, q, (size_t)len) : NULL;
	struct dns_rrs sections[3] = { { 0 } };
	struct buf b;
	size_t end = 12;

	w->asked[row ? row - w->rows : (ssize_t)w->n]++;
	if (!row)
		row = host == RESOLVER || host == SECOND_RESOLVER ? &nothing : &refused;
	if (len <= 16 || row->flags & SILENT)
		return;
	if (row->flags & BOGUS && !(q[3] & 0x10))
		row = &bogus;
	while (q[end])
		end += q[end] + (size_t)1;
	for (size_t i = 0; i < ARRAY_LEN(row->records) && row->records[i]; i++)
		add_record(sections, row->records[i]);
	buf_init(&b, 65535);
	buf_add(&b, q, 2);
	made_16(&b, 0x8000 | (row->flags & 0xffff));
	made_16(&b, 1);
	for (size_t i = 0; i < 3; i++)
		made_16(&b, (unsigned)sections[i].n);
	buf_add(&b, q + 12, end + 5 - 12);
	for (size_t i = 0; i < 3; i++)
		made_section(&b, &sections[i]);
	sendto(w->fds[host], b.s, b.len, 0, (struct sockaddr *)&sa, sa_len);
	for (size_t i = 0; i < 3; i++)
		dns_rrs_free(&sections[i]);
	buf_free(&b);
}

static inline void serve(struct world *w)
{
	struct pollfd p[HOSTS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		for (int i = 0; i < HOSTS; i++)
			p[i] = (struct pollfd){ .fd = w->fds[i], .events = POLLIN };
		if (poll(p, HOSTS, -1) < 0)
			continue;
		for (int i = 0; i < HOSTS; i++)
			if (p[i].revents)
				answer(w, i);
	}
}

/* All on one port that is free at every address. */
static inline bool bind_all(struct world *w)
{
	bool ok = true;

	for (int i = 0; i < HOSTS; i++) {
		struct addr a;
		socklen_t len;

		MADE_OK(addr_parse(&a, hosts[i], w->port ? w->port : 53));
		if (!w->port)
			((struct sockaddr_in *)&a.sa)->sin_port = 0;
		w->fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		ok = ok && bind(w->fds[i], (struct sockaddr *)&a.sa, a.len) == 0;
		len = a.len;
		if (!w->port && getsockname(w->fds[i], (struct sockaddr *)&a.sa, &len) == 0)
			w->port = addr_port(&a);
	}
	for (int i = 0; i < HOSTS && !ok; i++)
		close(w->fds[i]);
	return ok;
}

static inline void world_start(struct world *w, const struct row *rows, size_t n)
{
	int tries = 0;

	*w = (struct world){ .rows = rows, .n = n };
	w->asked = mmap(NULL, (n + 1) * sizeof(*w->asked), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(w->asked != MAP_FAILED);
	while (w->port = 0, !bind_all(w))
		assert_true(++tries < 20);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0)
		serve(w);
	MADE_OK(addr_parse(&w->resolvers[0], hosts[RESOLVER], w->port));
	MADE_OK(addr_parse(&w->resolvers[1], hosts[SECOND_RESOLVER], w->port));
	w->c = (struct look_config){
		.resolvers = w->resolvers, .resolvers_n = 1, .port = w->port, .validate = VALIDATE_NO,
		.limits = { .in_flight = 50, .in_flight_each = 50, .per_second_each = 10000,
			    .udp_ms = 100, .tcp_ms = 100, .all_ms = 5000 },
	};
}

static inline void world_stop(struct world *w)
{
	kill(w->pid, SIGKILL);
	waitpid(w->pid, NULL, 0);
	for (int i = 0; i < HOSTS; i++)
		close(w->fds[i]);
	munmap(w->asked, (w->n + 1) * sizeof(*w->asked));
}

/* How often that question was put to the host; it must be in the script. */
static inline unsigned world_asked(const struct world *w, int host, const char *name, uint16_t type)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->rows[i].host == host && w->rows[i].type == type && strcmp(w->rows[i].name, name) == 0)
			return w->asked[i];
	fail_msg("%s is not in the script", name);
	return 0;
}

#endif
