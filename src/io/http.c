/* http.c - requests by libcurl: one multi handle that keeps connections, and a pool of easy handles.
 *
 * A request waits in the caller's array, or is in flight in a slot of the pool, or is done; take_off()
 * and land() move it.  The time of each is watched here too: in libcurl no clock runs for a request
 * that waits for a connection.
 * RFC 9110, RFC 8288 (Link), RFC 8555 section 6.5.1 (Replay-Nonce).
 * Touches: network, the file with certificates of CAs.
 */
#include "io/http.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/crypto.h"
#include "sys/addr.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/proc.h"

#include <ctype.h>
#include <curl/curl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed (CURLOPT_PROTOCOLS_STR, CURLOPT_QUICK_EXIT)"
#endif

#define LOOK_UP_MS        200           /* a signal may come just before curl_multi_poll() */
#define LOOK_FIRST_MS     4             /* libcurl 7.88 may read an answer while it sends, and not tell until
                                         * it is called again; doubles while nothing happens */
#define CONNECT_MS        10000
#define REDIRECTS_MAX     10
#define HEADERS_LEN_MAX   ((size_t)64 << 10)
#define HEADERS_MAX       200
#define LINKS_MAX         64
#define NONCE_LEN_MAX     512
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

struct transfer {
	CURL                *easy;      /* kept for the next request */
	struct http_request *r;         /* NULL: the slot is free */
	char                *peer;      /* the host, with the port if the URL has one */
	struct curl_slist   *headers, *connect_to;
	char                 why[CURL_ERROR_SIZE];
	size_t               headers_len, headers_n;
	size_t               sent;      /* of the payload */
	int64_t              until_ms;
};

struct http {
	CURLM           *multi;
	struct transfer *pool;
	size_t           pool_n, in_flight;
	char            *user_agent, *ca_file;
	bool             probe, plain, discreet;
	size_t           body_max;
};

/* Set-up --------------------------------------------------------------------------------------- */

static int check_ca_file(const char *path, struct err *e)
{
	struct cert *cert = NULL;
	struct buf pem;
	int rc;

	buf_init(&pem, FS_READ_MAX);
	rc = fs_read(&pem, path, FS_READ_MAX, NULL, e);
	if (rc == 0)
		cert = cert_parse(pem.s, pem.len, NULL, e);
	buf_free(&pem);
	if (rc == 0 && !cert)
		err_wrap(e, "%s", path);
	if (!cert)
		return err_wrap(e, "the certificates of CAs");
	cert_free(cert);
	return 0;
}

static int open_multi(struct http *h, struct err *e)
{
	static bool ready;
	long most = (long)h->pool_n;
	int bad = 0;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, ERR_LOCAL, "libcurl cannot be set up");
	ready = true;
	h->multi = curl_multi_init();
	if (!h->multi)
		return err_set(e, ERR_LOCAL, "libcurl cannot be set up");
	bad |= curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	bad |= curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, most + 4);
	bad |= curl_multi_setopt(h->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, most < 100 ? 100 : most);
	return bad ? err_set(e, ERR_LOCAL, "libcurl %s cannot do what is needed", curl_version()) : 0;
}

int http_new(struct http **h, const struct http_config *c, struct err *e)
{
	const char *ca_file = c->ca_file ? c->ca_file : secure_getenv("SSL_CERT_FILE");
	struct http *made;

	*h = NULL;
	if (ca_file && check_ca_file(ca_file, e) < 0)
		return -1;
	made = mem_alloc(sizeof(*made));
	made->pool_n = c->in_flight ? c->in_flight : 1;
	made->pool = mem_array(made->pool_n, sizeof(*made->pool));
	made->user_agent = mem_format("%s libcurl/%s", c->user_agent,
				      curl_version_info(CURLVERSION_NOW)->version);
	made->ca_file = mem_copy_str(ca_file);
	made->probe = c->probe;
	made->plain = c->plain;
	made->discreet = c->discreet;
	made->body_max = c->body_max;
	if (open_multi(made, e) < 0) {
		http_drop(made);
		return -1;
	}
	*h = made;
	return 0;
}

/* With CURLOPT_NOSIGNAL libcurl leaves the signal of a closed connection to us. */
static void ignore_sigpipe(struct sigaction *old)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &ignore, old);
}

void http_drop(struct http *h)
{
	struct sigaction old;

	if (!h)
		return;
	ignore_sigpipe(&old);
	for (size_t i = 0; i < h->pool_n; i++)
		curl_easy_cleanup(h->pool[i].easy);
	curl_multi_cleanup(h->multi);
	sigaction(SIGPIPE, &old, NULL);
	free(h->pool);
	free(h->user_agent);
	free(h->ca_file);
	free(h);
}

/* Results -------------------------------------------------------------------------------------- */

static void results_init(struct http_request *r, size_t body_max)
{
	r->status = 0;
	r->err = (struct err){ .kind = ERR_NONE };
	buf_init(&r->body, body_max);
	r->media_type = r->nonce = r->location = NULL;
	r->links = (struct strv){ 0 };
	r->retry_after_for = -1;
	r->date_at = 0;
}

void http_requests_free(struct http_request *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_free(&r[i].body);
		free(r[i].media_type);
		free(r[i].nonce);
		free(r[i].location);
		strv_free(&r[i].links);
		r[i].media_type = r[i].nonce = r[i].location = NULL;
	}
}

/* URLs ----------------------------------------------------------------------------------------- */

static char *part_of(CURLU *u, CURLUPart what, unsigned flags)
{
	char *part = NULL, *copy;

	if (curl_url_get(u, what, &part, flags) != CURLUE_OK)
		return NULL;
	copy = mem_copy_str(part);
	curl_free(part);
	return copy;
}

static bool plain_ascii(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static bool has_scheme(CURLU *u, bool http_too)
{
	char *scheme = part_of(u, CURLUPART_SCHEME, 0);
	bool good = scheme && (strcmp(scheme, "https") == 0 ||
			       (http_too && strcmp(scheme, "http") == 0));

	free(scheme);
	return good;
}

/* What `reference` means in an answer from `base`; NULL if it is no URL of the web. */
static char *resolve(const char *base, const char *reference)
{
	CURLU *u = curl_url();
	char *url = NULL;

	if (curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, reference, 0) == CURLUE_OK && has_scheme(u, true))
		url = part_of(u, CURLUPART_URL, 0);
	curl_url_cleanup(u);
	if (url && !plain_ascii(url)) {
		free(url);
		url = NULL;
	}
	return url;
}

/* Answers -------------------------------------------------------------------------------------- */

/* Of the last response alone: not of redirects, 1xx, the proxy, or behind the body. */
static const char *header(const struct transfer *t, const char *name, size_t index)
{
	struct curl_header *h = NULL;

	if (curl_easy_header(t->easy, name, index, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return NULL;
	return h->value;
}

static char *lower_case(const char *s, size_t len)
{
	char *copy = mem_copy_strn(s, len);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static char *media_type_of(const char *value)
{
	size_t len = value ? strcspn(value, "; \t,") : 0;
	char *type;

	if (len == 0)
		return NULL;
	type = lower_case(value, len);
	if (plain_ascii(type))
		return type;
	free(type);
	return NULL;
}

static char *nonce_of(const char *value)
{
	size_t len = value ? strlen(value) : 0;

	if (len == 0 || len > NONCE_LEN_MAX || strspn(value, BASE64URL) != len)
		return NULL;
	return mem_copy_str(value);
}

static int64_t date_of(const char *value)
{
	time_t at = value ? curl_getdate(value, NULL) : -1;

	return at < 0 ? 0 : (int64_t)at;
}

/* Seconds, or a date, which is taken by the clock of the server if it shows one. */
static int64_t retry_after_of(const char *value, int64_t date_at)
{
	size_t digits = value ? strspn(value, "0123456789") : 0;
	int64_t left_for = 0;

	if (!value || !*value)
		return -1;
	if (!value[digits]) {
		for (; *value && left_for < YEAR; value++)
			left_for = left_for * 10 + (*value - '0');
	} else {
		int64_t at = date_of(value);

		if (at == 0)
			return -1;
		left_for = at - (date_at ? date_at : clock_real());
	}
	return left_for < 0 ? 0 : left_for > YEAR ? YEAR : left_for;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* A parameter behind its ";": the name and the value, which may be missing; returns what follows. */
static const char *read_parameter(const char *p, struct buf *name, struct buf *value)
{
	size_t len = strcspn(p, " \t=;,\"<");

	buf_clear(name);
	buf_clear(value);
	buf_add(name, p, len);
	p = skip_blanks(p + len);
	if (*p != '=')
		return p;
	p = skip_blanks(p + 1);
	if (*p != '"') {
		len = strcspn(p, " \t;,");
		buf_add(value, p, len);
		return p + len;
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		buf_add_char(value, *p);
	}
	return *p ? p + 1 : p;
}

/* To the comma that ends a link, whatever it is made of. */
static const char *skip_link(const char *p)
{
	for (; *p && *p != ','; p++) {
		if (*p != '"')
			continue;
		for (p++; *p && *p != '"'; p++)
			if (*p == '\\' && p[1])
				p++;
		if (!*p)
			break;
	}
	return p;
}

static void add_link(struct http_request *r, char *relations, const char *url)
{
	char *relation;

	while (url && (relation = strsep(&relations, " \t")) && r->links.n < LINKS_MAX)
		if (*relation && plain_ascii(relation)) {
			char *lower = lower_case(relation, strlen(relation));

			strv_take(&r->links, mem_format("%s %s", lower, url));
			free(lower);
		}
}

/* "<URL>; rel=..." at p; returns what follows.  A link with an anchor is about something else. */
static const char *read_link(struct http_request *r, const char *base, const char *p)
{
	const char *end = strchr(p, '>');
	struct buf name, value, relations;
	bool found = false, anchored = false;
	char *reference, *url;

	if (!end)
		return p + strlen(p);
	reference = mem_copy_strn(p + 1, (size_t)(end - p - 1));
	url = resolve(base, text_trim(reference));
	buf_init(&name, HEADERS_LEN_MAX);
	buf_init(&value, HEADERS_LEN_MAX);
	buf_init(&relations, HEADERS_LEN_MAX);
	for (p = skip_blanks(end + 1); *p == ';'; p = skip_blanks(p)) {
		p = read_parameter(skip_blanks(p + 1), &name, &value);
		if (strcasecmp(name.s, "rel") == 0 && !found) {
			buf_add(&relations, value.s, value.len);
			found = true;
		}
		anchored |= strcasecmp(name.s, "anchor") == 0;
	}
	if (!anchored)
		add_link(r, relations.s, url);
	buf_free(&name);
	buf_free(&value);
	buf_free(&relations);
	free(reference);
	free(url);
	return p;
}

static void read_links(struct http_request *r, const char *base, const char *p)
{
	while (*p && r->links.n < LINKS_MAX) {
		p += strspn(p, " \t,");
		if (*p == '<')
			p = read_link(r, base, p);
		p = skip_link(p);
	}
}

static void take_answer(const struct http *h, const struct transfer *t)
{
	struct http_request *r = t->r;
	const char *location = header(t, "Location", 0), *base = NULL, *value;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &base);
	if (status < 200 || status > 999) {
		err_set(&r->err, ERR_REFUSED, "%s: the answer is no HTTP", t->peer);
		return;
	}
	if (!h->probe && status / 100 == 3 && location) {
		size_t len = h->discreet ? text_origin(location) : strlen(location);

		err_set(&r->err, ERR_REFUSED, "%s: redirects to %.*s%s", t->peer, (int)len, location,
			location[len] ? "/..." : "");
		return;
	}
	if (!base)
		base = r->url;
	r->status = (int)status;
	r->media_type = media_type_of(header(t, "Content-Type", 0));
	r->nonce = nonce_of(header(t, "Replay-Nonce", 0));
	r->location = location ? resolve(base, location) : NULL;
	r->date_at = date_of(header(t, "Date", 0));
	r->retry_after_for = retry_after_of(header(t, "Retry-After", 0), r->date_at);
	for (size_t i = 0; (value = header(t, "Link", i)); i++)
		read_links(r, base, value);
}

/* Errors --------------------------------------------------------------------------------------- */

/* What is not in the list is ERR_LATER. */
static const struct {
	CURLcode      code;
	enum err_kind kind;
	const char   *words;            /* put before libcurl's */
} reasons[] = {
	{ CURLE_PEER_FAILED_VERIFICATION, ERR_REFUSED, "certificate verification failed: " },
	{ CURLE_SSL_ISSUER_ERROR, ERR_REFUSED, "certificate verification failed: " },
	{ CURLE_SSL_CONNECT_ERROR, ERR_REFUSED, "no TLS: " },
	{ CURLE_TOO_MANY_REDIRECTS, ERR_REFUSED, "" },
	{ CURLE_LOGIN_DENIED, ERR_REFUSED, "" },
	{ CURLE_WEIRD_SERVER_REPLY, ERR_REFUSED, "the answer is no HTTP: " },
	{ CURLE_UNSUPPORTED_PROTOCOL, ERR_REFUSED, "the answer is no HTTP: " },
	{ CURLE_URL_MALFORMAT, ERR_USAGE, "" },
	{ CURLE_OPERATION_TIMEDOUT, ERR_LATER, "no answer in time: " },
	{ CURLE_SEND_FAIL_REWIND, ERR_LATER, "the connection was closed before the answer: " },
	{ CURLE_SSL_CACERT_BADFILE, ERR_LOCAL, "the certificates of CAs: " },
	{ CURLE_SSL_ENGINE_INITFAILED, ERR_LOCAL, "" },
	{ CURLE_FAILED_INIT, ERR_LOCAL, "" },
	{ CURLE_NOT_BUILT_IN, ERR_LOCAL, "" },
	{ CURLE_UNKNOWN_OPTION, ERR_LOCAL, "" },
	{ CURLE_OUT_OF_MEMORY, ERR_LOCAL, "" },
};

/* libcurl's words without what ours say already. */
static const char *libcurl_words(struct transfer *t, CURLcode code)
{
	static const char *const said[] = { "SSL certificate problem: ", "SSL: " };
	const char *words = text_trim(t->why);

	if (!*words)
		return curl_easy_strerror(code);
	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (text_starts(words, said[i]))
			return words + strlen(said[i]);
	return words;
}

static void take_error(struct transfer *t, CURLcode code)
{
	const char *words = libcurl_words(t, code), *before = "";
	enum err_kind kind = ERR_LATER;
	struct err *e = &t->r->err;
	long redirects = 0, error = 0;

	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &redirects);
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &error);
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].code == code) {
			kind = reasons[i].kind;
			before = reasons[i].words;
		}
	/* that is how a connection that broke is told from a peer that does not want us */
	if (code == CURLE_SSL_CONNECT_ERROR && text_starts(words, "OpenSSL SSL_connect: "))
		kind = ERR_LATER;
	if (redirects && (kind == ERR_USAGE || code == CURLE_UNSUPPORTED_PROTOCOL)) {
		kind = ERR_REFUSED;
		before = "redirects to where we do not go: ";
	}
	if (t->r->body.over)
		err_set(e, ERR_REFUSED, "%s: the answer is larger than %zu bytes", t->peer,
			t->r->body.max);
	else if (t->headers_len > HEADERS_LEN_MAX || t->headers_n > HEADERS_MAX)
		err_set(e, ERR_REFUSED, "%s: the headers of the answer are too large", t->peer);
	else if (code == CURLE_COULDNT_CONNECT && error)
		err_set(e, kind, "%s: no connection: %s", t->peer, strerror((int)error));
	else
		err_set(e, kind, "%s: %s%s", t->peer, before, words);
}

/* In flight ------------------------------------------------------------------------------------ */

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)line;
	t->headers_len += size * n;
	t->headers_n++;
	return t->headers_len > HEADERS_LEN_MAX || t->headers_n > HEADERS_MAX ? 0 : size * n;
}

/* libcurl cannot go back in a payload that it gets here, so that it never sends one twice, as it would where
 * a connection is closed before the answer: whoever asked finds out whether it was done. */
static size_t on_payload(char *to, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	size_t len = t->r->payload_len - t->sent;

	if (len > size * n)
		len = size * n;
	if (len)
		memcpy(to, (const char *)t->r->payload + t->sent, len);
	t->sent += len;
	return len;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct buf *body = &((struct transfer *)arg)->r->body;

	buf_add(body, bytes, size * n);
	return body->over ? 0 : size * n;
}

static void append(struct curl_slist **list, const char *s)
{
	struct curl_slist *longer = curl_slist_append(*list, s);

	if (!longer)
		mem_bug("libcurl has no memory");
	*list = longer;
}

/* Without a value: libcurl shall not send its own. */
static bool add_header(struct transfer *t, const char *name, const char *value)
{
	char *line = value ? mem_format("%s: %s", name, value) : mem_format("%s:", name);
	bool good = strpbrk(line, "\r\n") == NULL;

	if (good)
		append(&t->headers, line);
	free(line);
	return good;
}

static bool add_headers(struct transfer *t)
{
	const struct http_request *r = t->r;

	return add_header(t, "Expect", NULL) && add_header(t, "Content-Type", r->content_type) &&
	       (!r->accept || add_header(t, "Accept", r->accept)) &&
	       (!r->language || add_header(t, "Accept-Language", r->language)) &&
	       (!r->authorization || add_header(t, "Authorization", r->authorization));
}

/* All ports of the host lead to the address, and the one in the URL to the port that was given. */
static bool connect_to(struct transfer *t, CURLU *u)
{
	char *host = part_of(u, CURLUPART_HOST, 0);
	char *port = part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char text[ADDR_TEXT_LEN], *line;
	const char *open = "", *close_ = "";
	int64_t number;
	struct addr a;
	bool good = host && port && text_number(port, UINT16_MAX, &number) &&
		    addr_parse(&a, t->r->resolve_to, (uint16_t)number);

	if (good) {
		number = addr_port(&a);
		if (addr_is_ipv6(&a)) {
			((struct sockaddr_in6 *)&a.sa)->sin6_port = htons(53);
			open = "[";
			close_ = "]";
		} else {
			((struct sockaddr_in *)&a.sa)->sin_port = htons(53);
		}
		addr_format(text, &a);          /* on port 53 the address alone */
		line = mem_format("%s:%s:%s%s%s:%d", host, port, open, text, close_, (int)number);
		append(&t->connect_to, line);
		free(line);
		line = mem_format("%s::%s%s%s:", host, open, text, close_);
		append(&t->connect_to, line);
		free(line);
	}
	free(host);
	free(port);
	return good;
}

/* What the URL says goes into t; false, with an error, if it is not one that we ask. */
static bool read_url(const struct http *h, struct transfer *t)
{
	struct http_request *r = t->r;
	CURLU *u = curl_url();
	CURLUcode rc = curl_url_set(u, CURLUPART_URL, r->url, CURLU_DISALLOW_USER);
	char *host = part_of(u, CURLUPART_HOST, 0), *port = part_of(u, CURLUPART_PORT, 0);

	t->peer = mem_format("%s%s%s", host ? host : "", port ? ":" : "", port ? port : "");
	free(host);
	free(port);
	if (rc != CURLUE_OK)
		err_set(&r->err, ERR_USAGE, "%s: %s", r->url, curl_url_strerror(rc));
	else if (!has_scheme(u, h->probe || h->plain))
		err_set(&r->err, ERR_USAGE, "%s: not https: %s", t->peer, r->url);
	else if (r->resolve_to && !connect_to(t, u))
		err_set(&r->err, ERR_USAGE, "%s: no address: %s", t->peer, r->resolve_to);
	curl_url_cleanup(u);
	return r->err.kind == ERR_NONE;
}

/* These three return 0, or anything else if libcurl does not know an option. */
static int set_manner(const struct http *h, CURL *c)
{
	const char *protocols = h->probe || h->plain ? "http,https" : "https";
	int bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
	bad |= curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, h->probe ? 1L : 0L);
	if (h->plain)
		bad |= curl_easy_setopt(c, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	bad |= curl_easy_setopt(c, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);     /* waits for no resolver when we stop */
	bad |= curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	bad |= curl_easy_setopt(c, CURLOPT_PIPEWAIT, h->probe ? 0L : 1L);
	bad |= curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	bad |= curl_easy_setopt(c, CURLOPT_USERAGENT, h->user_agent);
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, h->probe ? 0L : 1L);
	bad |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, h->probe ? 0L : 2L);
	/* the folder of the system would stand beside the file; and libcurl keeps a bundle that it has
	 * read from one connection to the next only if there is no folder */
	if (h->ca_file || curl_version_info(CURLVERSION_NOW)->cainfo)
		bad |= curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	if (h->ca_file)
		bad |= curl_easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
	return bad;
}

static int set_callbacks(struct transfer *t)
{
	CURL *c = t->easy;
	int bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	bad |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	bad |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
	bad |= curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	return bad;
}

static int set_request(struct transfer *t)
{
	const struct http_request *r = t->r;
	long limit_ms = r->limit_ms > INT_MAX ? INT_MAX : (long)r->limit_ms;
	CURL *c = t->easy;
	int bad = 0;

	bad |= curl_easy_setopt(c, CURLOPT_URL, r->url);
	bad |= curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);     /* the server may have it signed */
	bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, limit_ms);
	bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, limit_ms < CONNECT_MS ? limit_ms : CONNECT_MS);
	bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	if (t->connect_to)
		bad |= curl_easy_setopt(c, CURLOPT_CONNECT_TO, t->connect_to);
	switch (r->method) {
	case HTTP_GET:
		bad |= curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
		break;
	case HTTP_HEAD:
		bad |= curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
		break;
	case HTTP_POST:
		bad |= curl_easy_setopt(c, CURLOPT_POST, 1L);
		bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->payload_len);
		bad |= curl_easy_setopt(c, CURLOPT_READFUNCTION, on_payload);
		bad |= curl_easy_setopt(c, CURLOPT_READDATA, t);
		break;
	}
	return bad;
}

static void release(struct transfer *t)
{
	struct http_request *r = t->r;

	if (r->err.kind != ERR_NONE) {
		size_t max = r->body.max;
		struct err e = r->err;

		http_requests_free(r, 1);
		results_init(r, max);
		r->err = e;
	}
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	free(t->peer);
	t->r = NULL;
	t->peer = NULL;
	t->headers = t->connect_to = NULL;
	t->headers_len = t->headers_n = t->sent = 0;
	t->why[0] = '\0';
}

/* Into a free slot, or an error into r. */
static void take_off(struct http *h, struct transfer *t, struct http_request *r)
{
	t->r = r;
	if (!t->easy)
		t->easy = curl_easy_init();
	else
		curl_easy_reset(t->easy);
	t->until_ms = clock_monotonic_ms() + (r->limit_ms < INT_MAX ? r->limit_ms : INT_MAX);
	if (!read_url(h, t)) {
		release(t);
		return;
	}
	if (r->limit_ms <= 0)
		err_set(&r->err, ERR_LATER, "%s: no time was left", t->peer);
	else if (!add_headers(t))
		err_set(&r->err, ERR_USAGE, "%s: a header of more than one line", t->peer);
	else if (!t->easy || set_manner(h, t->easy) || set_callbacks(t) || set_request(t) ||
		 curl_multi_add_handle(h->multi, t->easy) != CURLM_OK)
		err_set(&r->err, ERR_LOCAL, "%s: libcurl %s cannot do what is needed", t->peer,
			curl_version());
	else
		h->in_flight++;
	if (r->err.kind != ERR_NONE)
		release(t);
}

static void land(struct http *h, struct transfer *t)
{
	curl_multi_remove_handle(h->multi, t->easy);
	h->in_flight--;
	release(t);
}

static struct transfer *free_slot(const struct http *h)
{
	for (size_t i = 0; h->in_flight < h->pool_n && i < h->pool_n; i++)
		if (!h->pool[i].r)
			return &h->pool[i];
	return NULL;
}

/* True if any landed, so that others may start before we wait. */
static bool land_finished(struct http *h)
{
	bool any = false;
	int left;

	for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)); any = true) {
		CURLcode code = m->data.result;
		char *t_ = NULL;
		struct transfer *t;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t_);
		t = (struct transfer *)(void *)t_;
		if (code == CURLE_OK)
			take_answer(h, t);
		else
			take_error(t, code);
		land(h, t);
	}
	return any;
}

static void land_overdue(struct http *h, bool all)
{
	int64_t now_ms = clock_monotonic_ms();

	for (size_t i = 0; i < h->pool_n; i++) {
		struct transfer *t = &h->pool[i];

		if (!t->r || (!all && now_ms < t->until_ms))
			continue;
		err_set(&t->r->err, ERR_LATER, "%s: %s", t->peer,
			all ? "no answer yet when we were told to stop" : "no answer in time");
		land(h, t);
	}
}

void http_send_all(struct http *h, struct http_request *r, size_t n)
{
	struct transfer *slot;
	struct sigaction old;
	int wait_ms = LOOK_FIRST_MS;
	size_t next = 0;
	int running;

	for (size_t i = 0; i < n; i++)
		results_init(&r[i], h->body_max);
	ignore_sigpipe(&old);
	while (!proc_stopping()) {
		while (next < n && (slot = free_slot(h)))
			take_off(h, slot, &r[next++]);
		if (h->in_flight == 0)
			break;
		curl_multi_perform(h->multi, &running);
		if (land_finished(h)) {
			wait_ms = LOOK_FIRST_MS;
		} else {
			int events = 0;

			curl_multi_poll(h->multi, NULL, 0, wait_ms, &events);
			wait_ms = events ? LOOK_FIRST_MS : wait_ms * 2 < LOOK_UP_MS ? wait_ms * 2 : LOOK_UP_MS;
		}
		land_overdue(h, false);
	}
	land_overdue(h, true);
	for (; next < n; next++)
		err_set(&r[next].err, ERR_LATER, "%s: not asked, because we were told to stop",
			r[next].url);
	sigaction(SIGPIPE, &old, NULL);
}
