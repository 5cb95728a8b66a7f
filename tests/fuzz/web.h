/* web.h - a web without network: what io/http.c needs of libcurl, apart from its functions for URLs and
 * dates; and clocks that move on when somebody waits or asks.  Linked in place of libcurl's own and of
 * sys/clock.c.  Whoever includes it says in web_answer what servers answer.
 * Touches: nothing.
 */
#ifndef TESTS_FUZZ_WEB_H
#define TESTS_FUZZ_WEB_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "sys/clock.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <strings.h>

#define WEB_NOW ((int64_t)1800000000)

struct web_request {
	const char *method, *url;       /* "GET", "HEAD", "POST" */
	struct buf  payload;
};

struct web_reply {
	CURLcode    failed;             /* CURLE_OK: there is a reply */
	long        status;
	struct strv headers;            /* "Name: value" */
	struct buf  body;
};

static void web_answer(const struct web_request *q, struct web_reply *r);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

/* Clocks --------------------------------------------------------------------------------------- */

static int64_t web_ms;

int64_t clock_monotonic_ms(void)
{
	return web_ms;
}

void clock_pause_ms(unsigned ms)
{
	web_ms += ms;
}

int64_t clock_real(void)
{
	return WEB_NOW + web_ms / 1000;
}

int64_t clock_now(void)
{
	return clock_real();
}

void clock_read(struct clock_reading *r)
{
	*r = (struct clock_reading){ .real_at = clock_real(), .boot_for = web_ms / 1000 };
}

void clock_pretend(int64_t at)
{
	(void)at;
	mem_bug("a clock that is pretended already");
}

bool clock_pretended(int64_t *at)
{
	(void)at;
	return false;
}

/* Transfers ------------------------------------------------------------------------------------ */

typedef size_t web_callback(char *, size_t, size_t, void *);

#define WEB_HEADERS_MAX 256

struct web_transfer {
	const char *url, *protocols;
	bool        get, head, post, follows, lax;
	curl_off_t  payload_len;
	web_callback *on_header, *on_body, *on_payload;
	void       *header_arg, *body_arg, *payload_arg, *private_;
	char       *why;
	struct web_reply reply;
	CURLMsg     message;
	bool        done;
	struct curl_header headers[WEB_HEADERS_MAX];
	char       *names[WEB_HEADERS_MAX];
	size_t      headers_n;
};

struct web_multi {
	struct web_transfer *v[256];
	size_t n;
};

static void web_forget(struct web_transfer *t)
{
	strv_free(&t->reply.headers);
	buf_free(&t->reply.body);
	for (size_t i = 0; i < t->headers_n; i++)
		free(t->names[i]);
	*t = (struct web_transfer){ .lax = true, .follows = true };
}

CURL *curl_easy_init(void)
{
	struct web_transfer *t = mem_alloc(sizeof(*t));

	web_forget(t);
	return t;
}

void curl_easy_reset(CURL *easy)
{
	web_forget(easy);
}

void curl_easy_cleanup(CURL *easy)
{
	if (easy)
		web_forget(easy);
	free(easy);
}

CURLcode (curl_easy_setopt)(CURL *easy, CURLoption option, ...)
{
	struct web_transfer *t = easy;
	void *p = NULL;
	long n = 0;
	curl_off_t off = 0;
	va_list ap;

	va_start(ap, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		n = va_arg(ap, long);
	else if (option < CURLOPTTYPE_OFF_T)
		p = va_arg(ap, void *);
	else
		off = va_arg(ap, curl_off_t);
	va_end(ap);
	if (option == CURLOPT_URL)
		t->url = p;
	else if (option == CURLOPT_PROTOCOLS_STR)
		t->protocols = p;
	else if (option == CURLOPT_FOLLOWLOCATION)
		t->follows = n;
	else if (option == CURLOPT_SSL_VERIFYPEER)
		t->lax = n != 1;
	else if (option == CURLOPT_SSL_VERIFYHOST)
		t->lax |= n != 2;
	else if (option == CURLOPT_HTTPGET)
		t->get = n;
	else if (option == CURLOPT_NOBODY)
		t->head = n;
	else if (option == CURLOPT_POST)
		t->post = n;
	else if (option == CURLOPT_POSTFIELDSIZE_LARGE)
		t->payload_len = off;
	else if (option == CURLOPT_HEADERFUNCTION)
		t->on_header = (web_callback *)p;
	else if (option == CURLOPT_HEADERDATA)
		t->header_arg = p;
	else if (option == CURLOPT_WRITEFUNCTION)
		t->on_body = (web_callback *)p;
	else if (option == CURLOPT_WRITEDATA)
		t->body_arg = p;
	else if (option == CURLOPT_READFUNCTION)
		t->on_payload = (web_callback *)p;
	else if (option == CURLOPT_READDATA)
		t->payload_arg = p;
	else if (option == CURLOPT_ERRORBUFFER)
		t->why = p;
	else if (option == CURLOPT_PRIVATE)
		t->private_ = p;
	return CURLE_OK;
}

CURLcode (curl_easy_getinfo)(CURL *easy, CURLINFO info, ...)
{
	struct web_transfer *t = easy;
	va_list ap;
	void *to;

	va_start(ap, info);
	to = va_arg(ap, void *);
	va_end(ap);
	if (info == CURLINFO_RESPONSE_CODE)
		*(long *)to = t->reply.status;
	else if (info == CURLINFO_EFFECTIVE_URL)
		*(const char **)to = t->url;
	else if (info == CURLINFO_PRIVATE)
		*(void **)to = t->private_;
	else
		*(long *)to = 0;        /* REDIRECT_COUNT, OS_ERRNO */
	return CURLE_OK;
}

CURLHcode curl_easy_header(CURL *easy, const char *name, size_t index, unsigned origin, int request,
			   struct curl_header **out)
{
	struct web_transfer *t = easy;

	must(origin == CURLH_HEADER && request == -1, "headers of something else");
	for (size_t i = 0; i < t->headers_n; i++)
		if (strcasecmp(t->headers[i].name, name) == 0 && index-- == 0) {
			*out = &t->headers[i];
			return CURLHE_OK;
		}
	return CURLHE_MISSING;
}

/* As libcurl does it: blanks around values go, and lines without a colon are no headers. */
static void web_keep_header(struct web_transfer *t, const char *line)
{
	char *copy = mem_copy_str(line), *value = strchr(copy, ':');

	if (!value || value == copy || t->headers_n == WEB_HEADERS_MAX) {
		free(copy);
		return;
	}
	*value++ = '\0';
	t->names[t->headers_n] = copy;
	t->headers[t->headers_n++] = (struct curl_header){ .name = copy, .value = text_trim(value) };
}

static bool web_receive_body(struct web_transfer *t, size_t from, size_t to)
{
	return from == to || t->on_body(t->reply.body.s + from, 1, to - from, t->body_arg) == to - from;
}

static CURLcode web_receive(struct web_transfer *t)
{
	struct web_reply *r = &t->reply;

	for (size_t i = 0; i < r->headers.n; i++) {
		char *line = mem_format("%s\r\n", r->headers.v[i]);
		size_t len = strlen(line), taken = t->on_header(line, 1, len, t->header_arg);

		free(line);
		if (taken != len)
			return CURLE_WRITE_ERROR;
		web_keep_header(t, r->headers.v[i]);
	}
	/* in two parts, as it may come */
	if (!t->head && (!web_receive_body(t, 0, r->body.len / 2) ||
			 !web_receive_body(t, r->body.len / 2, r->body.len)))
		return CURLE_WRITE_ERROR;
	return CURLE_OK;
}

static void web_perform(struct web_transfer *t)
{
	struct web_request q = { t->get ? "GET" : t->head ? "HEAD" : "POST", t->url, { 0 } };
	char part[4096];
	size_t n;

	buf_init(&q.payload, (size_t)1 << 24);
	while (t->post && (n = t->on_payload(part, 1, sizeof(part), t->payload_arg)) > 0)
		buf_add(&q.payload, part, n);
	must((curl_off_t)q.payload.len == t->payload_len, "a payload of another length");
	buf_init(&t->reply.body, (size_t)1 << 24);
	web_ms += 10;
	web_answer(&q, &t->reply);
	buf_free(&q.payload);
	if (t->reply.failed == CURLE_OK)
		t->reply.failed = web_receive(t);
	t->message = (CURLMsg){ .msg = CURLMSG_DONE, .easy_handle = t };
	t->message.data.result = t->reply.failed;
	t->done = true;
}

CURLM *curl_multi_init(void)
{
	return mem_alloc(sizeof(struct web_multi));
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
	must(((struct web_multi *)multi)->n == 0, "transfers that nobody ended");
	free(multi);
	return CURLM_OK;
}

CURLMcode (curl_multi_setopt)(CURLM *multi, CURLMoption option, ...)
{
	(void)multi;
	(void)option;
	return CURLM_OK;
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	struct web_multi *m = multi;
	struct web_transfer *t = easy;

	must(t->url && text_starts(t->url, "https://") && strcspn(t->url, " \t\r\n") == strlen(t->url),
	     "a request to what is no https URL");
	must(t->protocols && strcmp(t->protocols, "https") == 0 && !t->follows && !t->lax,
	     "a transfer that is not careful");
	must(m->n < ARRAY_LEN(m->v), "too many transfers");
	m->v[m->n++] = t;
	return CURLM_OK;
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	struct web_multi *m = multi;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i] == easy) {
			memmove(&m->v[i], &m->v[i + 1], (m->n - i - 1) * sizeof(m->v[0]));
			m->n--;
			return CURLM_OK;
		}
	mem_bug("a transfer that was not there");
}

CURLMcode curl_multi_perform(CURLM *multi, int *running)
{
	struct web_multi *m = multi;

	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i]->done)
			web_perform(m->v[i]);
	*running = 0;
	return CURLM_OK;
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *left)
{
	struct web_multi *m = multi;

	*left = 0;
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i]->done)
			return &m->v[i]->message;
	return NULL;
}

CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd *fds, unsigned fds_n, int ms, int *events)
{
	(void)multi;
	(void)fds;
	(void)fds_n;
	web_ms += ms;
	*events = 0;
	return CURLM_OK;
}

#endif
