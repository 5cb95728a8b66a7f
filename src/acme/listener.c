/* listener.c - a small server for two kinds of questions, in a child process.
 *
 * HTTP: "GET /.well-known/acme-challenge/TOKEN", whatever Host says, since the token is a secret of
 * the CA's and ours.  TLS: a handshake with ALPN acme-tls/1.  Nobody gets more than a moment or a few
 * hundred bytes.
 * Touches: network; listens, on ports that are given.
 */
#include "acme/listener.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/request.h"
#include "sys/addr.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#define CONNECTIONS 128                 /* more wait to be accepted */
#define LINGER_MS   10000               /* for one connection, all in all */
#define REQUEST_MAX 4096
#define ANSWER_MAX  1024
#define BACKLOG     1024
#define PATH        "/.well-known/acme-challenge/"

struct connection {
	int     fd;                     /* 0: free */
	int64_t until_ms;
	struct alpn_connection *tls;    /* NULL: HTTP */
	bool    writing;
	char    in[REQUEST_MAX + 1];
	size_t  in_len;
	char    out[ANSWER_MAX];
	size_t  out_len, sent;
};

struct server {
	const struct listener  *l;
	size_t                  http_n;         /* the first ones of l->fds */
	const struct challenge *v;
	size_t                  n;
	struct alpn_answers    *answers;
	struct connection       c[CONNECTIONS];
	size_t                  used;
};

/* HTTP ----------------------------------------------------------------------------------------- */

static const struct challenge *asked_for(const struct server *s, const char *target)
{
	size_t len = strcspn(target, " ?#\r\n");

	for (size_t i = 0; i < s->n; i++) {
		const struct challenge *c = &s->v[i];

		if (c->type == HTTP_01 && len == strlen(PATH) + strlen(c->token) && text_starts(target, PATH) &&
		    strncmp(target + strlen(PATH), c->token, strlen(c->token)) == 0)
			return c;
	}
	return NULL;
}

/* The answer to a whole head of a request. */
static void answer_http(const struct server *s, struct connection *c)
{
	bool get = text_starts(c->in, "GET "), head = text_starts(c->in, "HEAD ");
	const struct challenge *found = get ? asked_for(s, c->in + 4) : head ? asked_for(s, c->in + 5) : NULL;
	const char *body = found ? found->key_authorization : "not here\n";
	int n = snprintf(c->out, sizeof(c->out),
			 "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n"
			 "%s",
			 found ? "200 OK" : get || head ? "404 Not Found" : "405 Method Not Allowed", strlen(body),
			 head ? "" : body);

	c->out_len = n > 0 && (size_t)n < sizeof(c->out) ? (size_t)n : 0;
	c->writing = true;
}

/* False: the connection is over. */
static bool step_http(const struct server *s, struct connection *c)
{
	ssize_t n;

	if (!c->writing) {
		n = recv(c->fd, c->in + c->in_len, REQUEST_MAX - c->in_len, 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		c->in_len += (size_t)n;
		c->in[c->in_len] = '\0';
		if (strstr(c->in, "\r\n\r\n") || strstr(c->in, "\n\n"))
			answer_http(s, c);
		else
			return c->in_len < REQUEST_MAX;
	}
	n = send(c->fd, c->out + c->sent, c->out_len - c->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	return c->sent < c->out_len;
}

/* The loop ------------------------------------------------------------------------------------- */

static void hang_up(struct server *s, struct connection *c)
{
	s->used--;
	if (c->tls)
		alpn_close(c->tls);
	shutdown(c->fd, SHUT_WR);
	close(c->fd);
	*c = (struct connection){ 0 };
}

static void take_in(struct server *s, int listening, bool tls)
{
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct connection *c = NULL;

	if (fd < 0)
		return;
	for (size_t i = 0; i < CONNECTIONS && !c; i++)
		if (!s->c[i].fd)
			c = &s->c[i];
	if (!c) {
		close(fd);
		return;
	}
	s->used++;
	*c = (struct connection){ .fd = fd, .until_ms = clock_monotonic_ms() + LINGER_MS };
	if (tls) {
		c->tls = alpn_accept(s->answers, fd);
		if (!c->tls)
			hang_up(s, c);
	}
}

static void attend(struct server *s, struct connection *c)
{
	enum alpn_wants wants;

	if (!c->tls) {
		if (!step_http(s, c))
			hang_up(s, c);
		return;
	}
	wants = alpn_step(c->tls);
	if (wants == ALPN_DONE)
		hang_up(s, c);
	else
		c->writing = wants == ALPN_WRITE;
}

static void round_of(struct server *s, struct pollfd *p)
{
	const struct listener *l = s->l;
	int64_t now_ms;
	nfds_t n = 0;

	for (size_t i = 0; i < l->fds_n; i++)
		p[n++] = (struct pollfd){ .fd = s->used < CONNECTIONS ? l->fds[i] : -1, .events = POLLIN };
	for (size_t i = 0; i < CONNECTIONS; i++)
		p[n++] = (struct pollfd){ .fd = s->c[i].fd ? s->c[i].fd : -1,
					  .events = s->c[i].writing ? POLLOUT : POLLIN };
	if (poll(p, n, 250) < 0)
		return;
	now_ms = clock_monotonic_ms();
	for (size_t i = 0; i < CONNECTIONS; i++) {
		if (!s->c[i].fd)
			continue;
		if (p[l->fds_n + i].revents)
			attend(s, &s->c[i]);
		else if (s->c[i].until_ms < now_ms)
			hang_up(s, &s->c[i]);
	}
	for (size_t i = 0; i < l->fds_n; i++)
		if (p[i].revents)
			take_in(s, l->fds[i], i >= s->http_n);
}

static int serve(void *arg)
{
	struct server *s = arg;
	struct pollfd *p = mem_array(s->l->fds_n + CONNECTIONS, sizeof(*p));

	while (!proc_stopping())
		round_of(s, p);
	free(p);
	return 0;
}

/* Sockets -------------------------------------------------------------------------------------- */

static int listen_error(const char *where, struct err *e)
{
	if (errno == EACCES)
		return err_set(e, ERR_LOCAL, "%s cannot be listened at without the right to: run as root, or give a "
			       "port above 1023 that the one the CA knows is forwarded to", where);
	if (errno == EADDRINUSE)
		return err_set(e, ERR_LOCAL, "another server listens at %s: let it show the challenges (webroot), or "
			       "give another port that the one the CA knows is forwarded to", where);
	return err_sys(e, "listening at %s", where);
}

static int open_socket(const struct sockaddr *sa, socklen_t len, bool both)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, off = 0, error;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (sa->sa_family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, sizeof(on)) == 0) &&
	    bind(fd, sa, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int open_one(const char *where, struct err *e)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_in any4 = { .sin_family = AF_INET };
	struct addr a;
	int64_t port;
	int fd;

	if (text_number(where, 65535, &port)) {
		any6.sin6_port = any4.sin_port = htons((uint16_t)port);
		fd = open_socket((struct sockaddr *)&any6, sizeof(any6), true);
		/* a host without IPv6 */
		if (fd < 0 && errno != EADDRINUSE && errno != EACCES)
			fd = open_socket((struct sockaddr *)&any4, sizeof(any4), false);
	} else {
		if (!addr_parse(&a, where, 0))
			mem_bug("an address that was checked is none");
		fd = open_socket((const struct sockaddr *)&a.sa, a.len, false);
	}
	return fd < 0 ? listen_error(where, e) : fd;
}

static int open_all(struct listener *l, const struct strv *where, struct err *e)
{
	for (size_t i = 0; i < where->n; i++) {
		int fd = open_one(where->v[i], e);

		if (fd < 0)
			return -1;
		l->fds = mem_resize(l->fds, l->fds_n + 1, sizeof(*l->fds));
		l->fds[l->fds_n++] = fd;
	}
	return 0;
}

static bool any_of(const struct challenge *v, size_t n, enum challenge_type t)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].type == t)
			return true;
	return false;
}

/* Certificates that say yes, all for one key that is thrown away. */
static int make_answers(struct server *s, struct err *e)
{
	struct key *k;
	int rc = 0;

	if (!any_of(s->v, s->n, TLS_ALPN_01))
		return 0;
	s->answers = alpn_answers_new();
	k = key_make(KEY_EC_256, e);
	if (!k)
		return -1;
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		const struct challenge *c = &s->v[i];
		struct cert *cert;
		char *name;

		if (c->type != TLS_ALPN_01)
			continue;
		cert = cert_alpn_answer(k, c->name, c->key_authorization, clock_real(), e);
		name = alpn_server_name(c->name);
		rc = cert ? alpn_answers_add(s->answers, name, k, cert, e) : -1;
		cert_free(cert);
		free(name);
	}
	key_free(k);
	return rc;
}

int listener_start(struct listener *l, const struct strv *http, const struct strv *tls,
		   const struct challenge *v, size_t n, struct err *e)
{
	struct server *s = mem_alloc(sizeof(*s));
	int rc = 0;

	*l = (struct listener){ 0 };
	s->l = l;
	s->v = v;
	s->n = n;
	if (any_of(v, n, HTTP_01))
		rc = open_all(l, http, e);
	s->http_n = l->fds_n;
	if (rc == 0 && any_of(v, n, TLS_ALPN_01))
		rc = open_all(l, tls, e);
	if (rc == 0)
		rc = make_answers(s, e);
	if (rc == 0)
		rc = proc_begin(&l->pid, serve, s, e);
	alpn_answers_free(s->answers);
	free(s);
	if (rc < 0)
		listener_stop(l);
	return rc;
}

void listener_stop(struct listener *l)
{
	proc_end(l->pid);
	for (size_t i = 0; i < l->fds_n; i++)
		close(l->fds[i]);
	free(l->fds);
	*l = (struct listener){ 0 };
}
