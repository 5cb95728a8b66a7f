/* dane_client.c - a DANE client that never rests: asks a validating resolver for the TLSA set of a
 * server, makes a TLS handshake with that server, believes nothing but that set, and begins anew.
 *
 * usage: dane_client RESOLVER OWNER SERVER HOST INTERVAL
 *        RESOLVER and SERVER are ADDRESS:PORT (IPv4), INTERVAL is in milliseconds
 *
 * Each look is one line, with the second at which it began, and the number of records that it got:
 *     1764311234.120034 2 ok 1a2b3c4d [1a2b3c4d 9f8e7d6c]   the record that matched; all of them
 *     1764311234.160034 1 refused WHY [9f8e7d6c]            the server is not the one of the set
 *     1764311234.200034 0 none                              securely no record: no DANE
 *     1764311234.240034 0 nolook WHY                        no answer that a client may use
 * Records are shown by the first digits of their data.  It has no cache, resumes nothing, asks
 * once a look, and ends on TERM.  As mail clients do, it looks at no name in a certificate that a
 * record of usage 3 names (RFC 7671 section 5.1).
 *
 * Touches: the network, stdout.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "io/dnsmsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 500 /* after that a resolver has not answered */
#define SERVER_S  5   /* the same for each step of a handshake */
#define SHOWN	  8   /* digits of a record */
#define HEADER	  12

struct client {
	struct sockaddr_in resolver, server;
	const char *owner, *host;
	SSL_CTX *tls;
};

/* What a resolver said. */
struct set {
	struct strv data; /* "3 1 1 1a2b.." */
	const char *why;  /* not usable; NULL: it is */
	bool none;
};

static void fail(const char *what)
{
	fprintf(stderr, "dane_client: %s\n", what);
	exit(2);
}

static int64_t ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Asking --------------------------------------------------------------------------------------- */

/* The reply to this query: from its address (the socket is connected), with its id and question. */
static bool replies(const struct buf *query, const unsigned char *wire, size_t len)
{
	size_t question = HEADER;

	while (question < query->len && query->s[question])
		question += 1 + (unsigned char)query->s[question];
	question += 1 + 4;
	return len >= question && question <= query->len && memcmp(wire, query->s, 2) == 0 &&
	       (wire[2] & 0x80) && wire[4] == 0 && wire[5] == 1 &&
	       memcmp(wire + HEADER, query->s + HEADER, question - HEADER) == 0;
}

/* The reply's length; 0 if there was none in time. */
static size_t exchange(const struct client *c, const struct buf *query, unsigned char *wire,
		       size_t room)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int64_t until = ms_now() + ANSWER_MS;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t len = 0;

	if (fd < 0)
		fail("no socket");
	if (connect(fd, (const struct sockaddr *)&c->resolver, sizeof(c->resolver)) == 0 &&
	    send(fd, query->s, query->len, 0) == (ssize_t)query->len) {
		for (int64_t left; (left = until - ms_now()) > 0;) {
			if (poll(&p, 1, (int)left) != 1)
				continue;
			len = recv(fd, wire, room, 0);
			if (len < 0 || replies(query, wire, (size_t)len))
				break;
		}
		if (len > 0 && !replies(query, wire, (size_t)len))
			len = 0;
	}
	close(fd);
	return len > 0 ? (size_t)len : 0;
}

static void take(struct set *out, const struct dns_msg *m, const char *owner)
{
	for (size_t i = 0; i < m->answer.n; i++) {
		const struct dns_rr *rr = &m->answer.v[i];
		char *data;

		if (rr->type == DNS_TLSA && rr->class_ == DNS_CLASS_IN &&
		    strcmp(rr->owner, owner) == 0 && dns_rr_tlsa(&data, rr))
			strv_take(&out->data, data);
	}
	strv_sort(&out->data);
	out->none = out->data.n == 0;
}

static void ask(struct set *out, const struct client *c)
{
	struct dns_msg m = {0};
	struct err e = {0};
	unsigned char wire[4096];
	struct buf query;
	uint16_t id;
	size_t len;

	*out = (struct set){0};
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		fail("no random numbers");
	buf_init(&query, 512);
	if (!dns_query_make(&query, id, c->owner, DNS_TLSA, (struct dns_query_flags){.rd = true}))
		fail("no query can be made of the owner");
	len = exchange(c, &query, wire, sizeof(wire));
	if (!len)
		out->why = "no answer";
	else if (dns_msg_parse(&m, wire, len, &e) != 0)
		out->why = "a malformed answer";
	else if (m.rcode != DNS_NOERROR && m.rcode != DNS_NXDOMAIN)
		out->why = dns_rcode_name(m.rcode);
	else if (m.tc)
		out->why = "a truncated answer";
	else if (!m.ad)
		out->why = "an insecure answer";
	else
		take(out, &m, c->owner);
	dns_msg_free(&m);
	buf_free(&query);
}

/* The handshake -------------------------------------------------------------------------------- */

static int connected(const struct client *c)
{
	struct timeval limit = {.tv_sec = SERVER_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail("no socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (const struct sockaddr *)&c->server, sizeof(c->server)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* "3 1 1 1a2b.." for OpenSSL; false if it has no use for such a record. */
static bool add_record(SSL *s, const char *text)
{
	unsigned char data[1024];
	unsigned usage, selector, matching;
	size_t len = 0;
	int at = 0;

	if (sscanf(text, "%3u %3u %3u %n", &usage, &selector, &matching, &at) != 3 || !at)
		return false;
	for (text += at; *text && len < sizeof(data); text += 2) {
		unsigned byte;

		if (sscanf(text, "%2x", &byte) != 1 || !text[1])
			return false;
		data[len++] = (unsigned char)byte;
	}
	return SSL_dane_tlsa_add(s, (uint8_t)usage, (uint8_t)selector, (uint8_t)matching, data,
				 len) > 0;
}

/* NULL if the server is the one that the set names; `by` is then the record that said so. */
static const char *refusal(SSL *s, const struct strv *set, char by[SHOWN + 1])
{
	const unsigned char *data = NULL;
	size_t usable = 0, len = 0;
	unsigned long error;
	long verdict;

	for (size_t i = 0; i < set->n; i++)
		usable += add_record(s, set->v[i]);
	if (!usable)
		return "no record is usable";
	ERR_clear_error();
	if (SSL_connect(s) != 1) {
		verdict = SSL_get_verify_result(s);
		if (verdict != X509_V_OK)
			return X509_verify_cert_error_string(verdict);
		error = ERR_peek_error();
		return error ? ERR_reason_error_string(error) : "the handshake broke off";
	}
	if (SSL_get_verify_result(s) != X509_V_OK)
		return "verified, and yet not";
	if (SSL_get0_dane_authority(s, NULL, NULL) < 0 ||
	    SSL_get0_dane_tlsa(s, NULL, NULL, NULL, &data, &len) < 0)
		return "accepted without DANE";
	for (size_t i = 0; i < SHOWN / 2 && i < len; i++)
		snprintf(by + 2 * i, 3, "%02x", data[i]);
	return NULL;
}

static const char *handshake(const struct client *c, const struct strv *set, char by[SHOWN + 1])
{
	const char *why;
	int fd = connected(c);
	SSL *s;

	if (fd < 0)
		return "no connection";
	s = SSL_new(c->tls);
	if (!s || SSL_dane_enable(s, c->host) <= 0)
		fail("OpenSSL has no DANE");
	SSL_dane_set_flags(s, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	SSL_set_fd(s, fd);
	why = refusal(s, set, by);
	if (!why)
		SSL_shutdown(s);
	SSL_free(s);
	close(fd);
	return why;
}

static SSL_CTX *client_context(void)
{
	SSL_CTX *c = SSL_CTX_new(TLS_client_method());

	if (!c || SSL_CTX_dane_enable(c) <= 0)
		fail("OpenSSL has no DANE");
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	return c;
}

/* Looks ---------------------------------------------------------------------------------------- */

static void say(const struct timespec *at, const struct set *set, const char *verdict,
		const char *more)
{
	printf("%lld.%06ld %zu %s", (long long)at->tv_sec, at->tv_nsec / 1000, set->data.n,
	       verdict);
	if (*more)
		printf(" %s", more);
	for (size_t i = 0; i < set->data.n; i++) {
		const char *digits = strrchr(set->data.v[i], ' ');

		printf("%s%.*s%s", i ? " " : " [", SHOWN, digits ? digits + 1 : "?",
		       i + 1 < set->data.n ? "" : "]");
	}
	putchar('\n');
}

static void look(const struct client *c)
{
	char by[SHOWN + 1] = "";
	struct timespec at;
	const char *why;
	struct set set;

	clock_gettime(CLOCK_REALTIME, &at);
	ask(&set, c);
	if (set.why) {
		say(&at, &set, "nolook", set.why);
	} else if (set.none) {
		say(&at, &set, "none", "");
	} else {
		why = handshake(c, &set.data, by);
		say(&at, &set, why ? "refused" : "ok", why ? why : by);
	}
	strv_free(&set.data);
}

static void address(struct sockaddr_in *out, char *text)
{
	char *port = strrchr(text, ':');
	char *end = NULL;
	unsigned long n = port ? strtoul(port + 1, &end, 10) : 0;

	if (!n || n > 65535 || *end)
		fail("ADDRESS:PORT is expected");
	*port = '\0';
	*out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)n)};
	if (inet_pton(AF_INET, text, &out->sin_addr) != 1)
		fail("an IPv4 address is expected");
}

int main(int argc, char **argv)
{
	struct client c = {0};
	struct timespec next;
	long interval_ms;

	if (argc != 6)
		fail("usage: dane_client RESOLVER OWNER SERVER HOST INTERVAL");
	address(&c.resolver, argv[1]);
	c.owner = dns_name_canon(argv[2]);
	address(&c.server, argv[3]);
	c.host = argv[4];
	interval_ms = strtol(argv[5], NULL, 10);
	if (!c.owner || interval_ms < 1 || interval_ms > 60000)
		fail("OWNER is a name, INTERVAL 1 to 60000 milliseconds");
	c.tls = client_context();
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0); /* TERM may come at any time: lines are whole */

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		struct timespec now;

		look(&c);
		next.tv_nsec += interval_ms % 1000 * 1000000;
		next.tv_sec += interval_ms / 1000 + next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_gettime(CLOCK_MONOTONIC, &now);
		/* who is late does not catch up */
		if (now.tv_sec > next.tv_sec ||
		    (now.tv_sec == next.tv_sec && now.tv_nsec > next.tv_nsec))
			next = now;
		else
			while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) ==
			       EINTR)
				;
	}
}
