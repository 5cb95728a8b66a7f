/* acme_bare.c - the least that an ACME client can do, for acme.sh to measure others by: no state, no checks,
 * no retries.  One connection of HTTP/2, everything side by side that can be, and http-01 answered by itself.
 *
 *     acme_bare DIRECTORY-URL CA-FILE ACCOUNT-KEY ACCOUNT-URL KEY PORT NAME...
 *
 * The account is there already.  The chain goes to standard output.
 * Touches: network; listens on 127.0.0.1:PORT.
 */
#include "acme/challenge.h"
#include "base/mem.h"
#include "io/request.h"
#include "sys/fs.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BODY_MAX ((size_t)1 << 20)
#define POLL_MS  5
#define WAIT_MS  4                      /* libcurl 7.88 may have read an answer, and not told */

struct reply {
	const char *url;
	CURL       *easy;
	struct buf  sent, body;
	char       *location;
};

static struct {
	CURLM             *multi;
	struct curl_slist *headers;
	const char        *ca_file, *account;
	struct key        *key;
	struct strv        nonces;
	int                fd;          /* that listens */
	char             **tokens, **answers;
	size_t             n;
} bare;

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "acme_bare: %s: %s\n", what, why);
	exit(1);
}

static struct key *read_key(const char *path)
{
	struct err e = { 0 };
	struct key *k = NULL;
	struct buf pem;

	buf_init(&pem, FS_READ_MAX);
	if (fs_read(&pem, path, FS_READ_MAX, NULL, &e) == 0)
		k = key_parse(pem.s, pem.len, &e);
	buf_free(&pem);
	if (!k)
		die(path, e.text);
	return k;
}

/* The answers ---------------------------------------------------------------------------------- */

static void listen_at(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	a.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	bare.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(bare.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(bare.fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(bare.fd, 1024) < 0)
		die(port, "cannot be listened at");
}

static void serve(void)
{
	char in[4096], out[1024];
	int fd;

	while ((fd = accept(bare.fd, NULL, NULL)) >= 0) {
		ssize_t len = recv(fd, in, sizeof(in) - 1, 0);

		in[len > 0 ? len : 0] = '\0';
		for (size_t i = 0; i < bare.n; i++) {
			if (!strstr(in, bare.tokens[i]))
				continue;
			len = snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
				       "Connection: close\r\n\r\n%s", strlen(bare.answers[i]), bare.answers[i]);
			send(fd, out, (size_t)len, MSG_NOSIGNAL);
			break;
		}
		close(fd);
	}
}

/* Requests ------------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	buf_add(arg, bytes, size * n);
	return size * n;
}

static void setup(struct reply *r, const char *url)
{
	r->url = url;
	r->easy = curl_easy_init();
	buf_init(&r->sent, BODY_MAX);
	buf_init(&r->body, BODY_MAX);
	curl_easy_setopt(r->easy, CURLOPT_URL, url);
	curl_easy_setopt(r->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(r->easy, CURLOPT_CAINFO, bare.ca_file);
	curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(r->easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, &r->body);
}

/* payload NULL: POST-as-GET. */
static void sign(struct reply *r, const char *url, const char *payload)
{
	struct jose_header h = { .url = url, .kid = bare.account };
	struct err e = { 0 };

	setup(r, url);
	if (!bare.nonces.n)
		die(url, "no nonce");
	h.nonce = bare.nonces.v[--bare.nonces.n];
	if (jose_sign(&r->sent, bare.key, &h, payload, &e) < 0)
		die(url, e.text);
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, bare.headers);
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)r->sent.len);
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->sent.s);
}

static void ask_nonce(struct reply *r, const char *url)
{
	setup(r, url);
	curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
}

static void serve_while(int running)
{
	struct curl_waitfd w = { .fd = bare.fd, .events = CURL_WAIT_POLLIN };

	while (running) {
		curl_multi_perform(bare.multi, &running);
		serve();
		if (running)
			curl_multi_poll(bare.multi, &w, 1, WAIT_MS, NULL);
	}
}

static void ask_all(struct reply *r, size_t n)
{
	struct curl_header *h;

	for (size_t i = 0; i < n; i++)
		curl_multi_add_handle(bare.multi, r[i].easy);
	serve_while(1);
	for (size_t i = 0; i < n; i++) {
		long status = 0;

		curl_easy_getinfo(r[i].easy, CURLINFO_RESPONSE_CODE, &status);
		if (status < 200 || status >= 300)
			die(r[i].url, r[i].body.len ? r[i].body.s : "no answer");
		if (curl_easy_header(r[i].easy, "Replay-Nonce", 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
			strv_add(&bare.nonces, h->value);
		if (curl_easy_header(r[i].easy, "Location", 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
			r[i].location = mem_copy_str(h->value);
		curl_multi_remove_handle(bare.multi, r[i].easy);
		curl_easy_cleanup(r[i].easy);
	}
}

static struct json *parse(const struct reply *r)
{
	struct err e = { 0 };
	struct json *o = json_parse(r->body.s, r->body.len, &e);

	if (!o)
		die(r->url, e.text);
	return o;
}

static struct json *ask(const char *url, const char *payload)
{
	struct reply r = { 0 };

	sign(&r, url, payload);
	ask_all(&r, 1);
	return parse(&r);
}

/* The order ------------------------------------------------------------------------------------ */

/* Its authorizations; as many nonces as there are names come along. */
static struct json *place(char **names, const char *new_order, const char *new_nonce, char **url)
{
	struct reply *r = mem_array(bare.n + 1, sizeof(*r));
	struct buf payload;

	buf_init(&payload, BODY_MAX);
	for (size_t i = 0; i < bare.n; i++)
		buf_addf(&payload, "%s{\"type\":\"dns\",\"value\":\"%s\"}", i ? "," : "{\"identifiers\":[", names[i]);
	buf_add_str(&payload, "]}");
	ask_nonce(r, new_nonce);
	ask_all(r, 1);
	sign(&r[0], new_order, payload.s);
	for (size_t i = 1; i <= bare.n; i++)
		ask_nonce(&r[i], new_nonce);
	ask_all(r, bare.n + 1);
	*url = r[0].location;
	return parse(&r[0]);
}

static void authorize(const struct json *order)
{
	struct reply *r = mem_array(bare.n, sizeof(*r));
	const struct json *urls = json_get(order, "authorizations");
	char thumbprint[JOSE_DIGEST_LEN + 1];
	struct err e = { 0 };
	size_t n = 0;

	if (json_len(urls) != bare.n || jose_thumbprint(thumbprint, bare.key, &e) < 0)
		die("the order", "not as many authorizations as names");
	bare.tokens = mem_array(bare.n, sizeof(*bare.tokens));
	bare.answers = mem_array(bare.n, sizeof(*bare.answers));
	for (size_t i = 0; i < bare.n; i++)
		sign(&r[i], json_text(json_at(urls, i)), NULL);
	ask_all(r, bare.n);
	for (size_t i = 0; i < bare.n; i++) {
		const struct json *o = parse(&r[i]), *list = json_get(o, "challenges"), *c = NULL;

		for (size_t k = 0; k < json_len(list); k++)
			if (strcmp(json_str(json_at(list, k), "type", ""), "http-01") == 0)
				c = json_at(list, k);
		bare.tokens[i] = mem_copy_str(json_str(c, "token", NULL));
		if (!bare.tokens[i])
			die(r[i].url, "no http-01");
		bare.answers[i] = mem_format("%s.%s", bare.tokens[i], thumbprint);
		if (strcmp(json_str(o, "status", ""), "pending") != 0)
			continue;               /* pebble uses one of a hundred again, whatever it is told */
		r[n] = (struct reply){ 0 };
		sign(&r[n++], json_str(c, "url", ""), "{}");
	}
	ask_all(r, n);
}

static struct json *wait_for(const char *url, const char *status)
{
	struct curl_waitfd w = { .fd = bare.fd, .events = CURL_WAIT_POLLIN };

	for (;;) {
		struct json *o = ask(url, NULL);

		if (strcmp(json_str(o, "status", ""), status) == 0)
			return o;
		if (strcmp(json_str(o, "status", ""), "invalid") == 0)
			die(url, "invalid");
		json_free(o);
		curl_multi_poll(bare.multi, &w, 1, POLL_MS, NULL);
		serve();
	}
}

static char *request(const struct key *k, char **names)
{
	struct strv list = { .v = names, .n = bare.n };
	struct err e = { 0 };
	struct buf der, text;

	buf_init(&der, BODY_MAX);
	buf_init(&text, BODY_MAX);
	if (request_make(&der, k, &list, false, &e) < 0)
		die("the request", e.text);
	buf_add_str(&text, "{\"csr\":\"");
	base64url_encode(&text, der.s, der.len);
	buf_add_str(&text, "\"}");
	return text.s;
}

int main(int argc, char **argv)
{
	struct reply directory = { 0 }, chain = { 0 };
	struct json *d, *order;
	char *url;

	if (argc < 8)
		die("usage", "acme_bare DIRECTORY-URL CA-FILE ACCOUNT-KEY ACCOUNT-URL KEY PORT NAME...");
	curl_global_init(CURL_GLOBAL_DEFAULT);
	bare.multi = curl_multi_init();
	curl_multi_setopt(bare.multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	bare.headers = curl_slist_append(NULL, "Content-Type: application/jose+json");
	bare.ca_file = argv[2];
	bare.key = read_key(argv[3]);
	bare.account = argv[4];
	bare.n = (size_t)argc - 7;
	listen_at(argv[6]);

	setup(&directory, argv[1]);
	ask_all(&directory, 1);
	d = parse(&directory);
	order = place(argv + 7, json_str(d, "newOrder", ""), json_str(d, "newNonce", ""), &url);
	authorize(order);
	order = wait_for(url, "ready");
	ask(json_str(order, "finalize", ""), request(read_key(argv[5]), argv + 7));
	order = wait_for(url, "valid");
	sign(&chain, json_str(order, "certificate", ""), NULL);
	ask_all(&chain, 1);
	fwrite(chain.body.s, 1, chain.body.len, stdout);
	return 0;
}
