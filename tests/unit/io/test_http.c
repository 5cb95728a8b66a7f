/* test_http.c - requests: a server on loopback that answers as it is told (http_server.py), and nginx
 * for HTTP/2, if it is installed.
 * Touches: network (127.0.0.1), child processes, a temporary folder; run from the top of the source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/crypto.h"
#include "io/http.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define LIMIT_MS 20000          /* of requests that should not need it */
#define BODY_MAX 100000

static char dir[64], *ca_file, *other_ca_file;
static unsigned tls_port, plain_port, old_port;
static pid_t server;
static int server_in;           /* it ends when this closes */

/* The servers ---------------------------------------------------------------------------------- */

static char *in_dir(const char *name)
{
	return mem_format("%s/%s", dir, name);
}

static void write_file(const char *path, const char *text, size_t len)
{
	struct err e;

	if (fs_write(path, text, len, (struct fs_mode){ 0600, (gid_t)-1 }, &e) < 0)
		fail_msg("%s", e.text);
}

/* Key and certificate into one file, the certificate into another. */
static char *make_certificate(const char *pair, const char *alone)
{
	static char *names_v[] = { (char *)"ca.example.org", (char *)"localhost" };
	const struct strv names = { names_v, ARRAY_LEN(names_v) };
	int64_t now_at = clock_now();
	struct buf pem;
	struct err e;
	struct key *key = key_make(KEY_EC_256, &e);
	struct cert *cert;
	char *path = in_dir(alone), *pair_path = in_dir(pair);

	assert_non_null(key);
	cert = cert_self_sign(key, &names, now_at - 3600, now_at + 86400, &e);
	assert_non_null(cert);
	buf_init(&pem, 100000);
	assert_int_equal(cert_write(&pem, cert, &e), 0);
	write_file(path, pem.s, pem.len);
	assert_int_equal(key_write(&pem, key, &e), 0);
	write_file(pair_path, pem.s, pem.len);
	buf_wipe(&pem);
	cert_free(cert);
	key_free(key);
	free(pair_path);
	return path;
}

static _Noreturn void become(char *const *argv, int in, int out)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, 0);
	dup2(out, 1);
	execvp(argv[0], argv);
	_exit(127);
}

static int start_server(void **state)
{
	char template[] = "/tmp/certline-http-XXXXXX", *pair, line[64];
	int in[2], out[2];
	FILE *said;

	(void)state;
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	if (!mkdtemp(template) || pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -1;
	snprintf(dir, sizeof(dir), "%s", template);
	ca_file = make_certificate("server.pem", "ca.pem");
	other_ca_file = make_certificate("other-server.pem", "other.pem");
	pair = in_dir("server.pem");
	server = fork();
	if (server == 0)
		become((char *const[]){ (char *)"python3", (char *)"-Wignore", (char *)"tests/unit/io/http_server.py", pair,
					NULL }, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	server_in = in[1];
	said = fdopen(out[0], "r");
	if (!fgets(line, sizeof(line), said) ||
	    sscanf(line, "%u %u %u", &tls_port, &plain_port, &old_port) != 3)
		return -1;
	fclose(said);
	free(pair);
	return 0;
}

static int stop_server(void **state)
{
	struct err e;

	(void)state;
	close(server_in);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	free(ca_file);
	free(other_ca_file);
	return fs_remove_tree(dir, &e);
}

/* A port that nobody listens to. */
static unsigned free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static const char nginx_conf[] =
	"daemon off; master_process off; pid %1$s/nginx.pid; error_log %1$s/error.log;\n"
	"events { worker_connections 400; }\n"
	"http { access_log off; client_body_temp_path %1$s/t1; proxy_temp_path %1$s/t2;\n"
	"fastcgi_temp_path %1$s/t3; scgi_temp_path %1$s/t4; uwsgi_temp_path %1$s/t5;\n"
	"server { listen 127.0.0.1:%2$u ssl http2; root %1$s; default_type Text/Plain;\n"
	"ssl_certificate %1$s/server.pem; ssl_certificate_key %1$s/server.pem;\n"
	"location = /large { alias %1$s/large; }\n"
	"location / { add_header Replay-Nonce abc; add_header Retry-After 7;\n"
	"add_header Link '</up>; rel=up'; return 200 \"$server_protocol $connection\"; } } }\n";

static bool listening(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool there = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

	close(fd);
	return there;
}

/* 0 if there is no nginx. */
static pid_t start_nginx(unsigned *port)
{
	char *path = in_dir("nginx.conf"), *large = in_dir("large"), *text;
	char *body = mem_alloc(2 * BODY_MAX);
	pid_t pid;

	*port = free_port();
	text = mem_format(nginx_conf, dir, *port);
	write_file(path, text, strlen(text));
	write_file(large, body, 2 * BODY_MAX);
	pid = fork();
	if (pid == 0) {
		setenv("PATH", "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/bin", 1);
		become((char *const[]){ (char *)"nginx", (char *)"-c", path, (char *)"-p", dir, NULL }, 0, 2);
	}
	for (int i = 0; pid > 0 && i < 200 && !listening(*port); i++) {
		clock_pause_ms(25);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			pid = 0;
	}
	free(path);
	free(large);
	free(text);
	free(body);
	return pid;
}

/* Helpers -------------------------------------------------------------------------------------- */

static struct http *open_http(const char *ca, bool probe, unsigned in_flight)
{
	const struct http_config c = { .user_agent = "test/1", .ca_file = ca, .probe = probe,
				       .body_max = BODY_MAX, .in_flight = in_flight };
	struct http *h;
	struct err e;

	if (http_new(&h, &c, &e) < 0)
		fail_msg("%s", e.text);
	return h;
}

static char *url_at(unsigned port, const char *path)
{
	return mem_format("https://ca.example.org:%u%s", port, path);
}

static struct http_request get(const char *url)
{
	return (struct http_request){ .method = HTTP_GET, .url = url, .limit_ms = LIMIT_MS,
				      .resolve_to = "127.0.0.1" };
}

static void check_error(const struct http_request *r, enum err_kind kind, const char *words)
{
	if (r->err.kind != kind || !strstr(r->err.text, words))
		fail_msg("kind %d, \"%s\", not %d, \"%s\"", (int)r->err.kind, r->err.text, (int)kind, words);
	assert_int_equal(r->status, 0);
	assert_string_equal(r->body.s, "");
	assert_null(r->nonce);
	assert_null(r->location);
	assert_int_equal(r->links.n, 0);
}

static void check_answer(const struct http_request *r, int status, const char *body)
{
	if (r->err.kind != ERR_NONE)
		fail_msg("%s", r->err.text);
	assert_int_equal(r->status, status);
	if (body)
		assert_string_equal(r->body.s, body);
}

/* One request by a handle of its own. */
static void ask(struct http_request *r, const char *ca, bool probe)
{
	struct http *h = open_http(ca, probe, 4);

	http_send_all(h, r, 1);
	http_drop(h);
}

static void expect_error(const char *url, enum err_kind kind, const char *words)
{
	struct http_request r = get(url);

	ask(&r, ca_file, false);
	check_error(&r, kind, words);
	http_requests_free(&r, 1);
}

static void expect_error_at(unsigned port, const char *path, enum err_kind kind, const char *words)
{
	char *url = url_at(port, path);

	expect_error(url, kind, words);
	free(url);
}

/* The server says exactly this. */
static void hear(struct http_request *r, const char *text)
{
	static char *url;

	free(url);
	url = url_at(tls_port, "/say?close");
	*r = get(url);
	r->method = HTTP_POST;
	r->payload = text;
	r->payload_len = strlen(text);
	ask(r, ca_file, false);
}

static long connections(void)
{
	static char *url;
	struct http_request r;
	long n;

	free(url);
	url = url_at(tls_port, "/count");
	r = get(url);
	ask(&r, ca_file, false);
	check_answer(&r, 200, NULL);
	n = strtol(r.body.s, NULL, 10);
	http_requests_free(&r, 1);
	return n - 1;           /* without this one */
}

/* Requests ------------------------------------------------------------------------------------- */

static void a_get(void **state)
{
	char *url = url_at(tls_port, "/hello");
	struct http_request r = get(url);

	(void)state;
	ask(&r, ca_file, false);
	check_answer(&r, 200, "hello");
	assert_string_equal(r.media_type, "text/plain");
	assert_int_equal(r.retry_after_for, -1);
	assert_true(r.date_at > clock_real() - 60 && r.date_at < clock_real() + 60);
	assert_null(r.nonce);
	assert_null(r.location);
	http_requests_free(&r, 1);
	http_requests_free(&r, 1);
	free(url);
}

static void head_has_no_body(void **state)
{
	char *url = url_at(tls_port, "/hello");
	struct http_request r[2] = { get(url), get(url) };
	struct http *h = open_http(ca_file, false, 1);

	(void)state;
	r[0].method = HTTP_HEAD;
	http_send_all(h, r, 2);
	check_answer(&r[0], 200, "");
	assert_string_equal(r[0].media_type, "text/plain");
	check_answer(&r[1], 200, "hello");
	http_requests_free(r, 2);
	http_drop(h);
	free(url);
}

static bool has_line(const struct http_request *r, const char *line)
{
	char *whole = mem_format("\n%s\n", line);
	bool found = strstr(r->body.s, whole) != NULL;

	free(whole);
	return found;
}

static void posts(void **state)
{
	char *url = url_at(tls_port, "/echo"), *large = mem_alloc(50001);
	struct http_request r[3] = { get(url), get(url), get(url) };
	struct http *h = open_http(ca_file, false, 1);

	(void)state;
	memset(large, 'x', 50000);
	for (size_t i = 0; i < 3; i++)
		r[i].method = HTTP_POST;
	r[0].content_type = "application/jose+json";
	r[0].accept = "application/pem-certificate-chain";
	r[0].language = "en";
	r[0].payload = "{}";
	r[0].payload_len = 2;
	r[2].payload = large;
	r[2].payload_len = 50000;
	http_send_all(h, r, 3);
	for (size_t i = 0; i < 3; i++) {
		check_answer(&r[i], 200, NULL);
		assert_true(text_starts(r[i].body.s, "POST /echo\n"));
		assert_null(strcasestr(r[i].body.s, "Expect:"));
		assert_null(strcasestr(r[i].body.s, "Accept-Encoding:"));
		assert_null(strcasestr(r[i].body.s, "Transfer-Encoding:"));
		assert_non_null(strstr(r[i].body.s, "\nUser-Agent: test/1 libcurl/"));
	}
	assert_true(has_line(&r[0], "Content-Type: application/jose+json"));
	assert_true(has_line(&r[0], "Accept: application/pem-certificate-chain"));
	assert_true(has_line(&r[0], "Accept-Language: en"));
	assert_true(has_line(&r[0], "Content-Length: 2"));
	assert_true(text_ends(r[0].body.s, "\n{}"));
	assert_true(has_line(&r[1], "Content-Length: 0"));
	assert_null(strcasestr(r[1].body.s, "Content-Type:"));
	assert_true(has_line(&r[2], "Content-Length: 50000"));
	assert_true(text_ends(r[2].body.s, large));
	http_requests_free(r, 3);
	http_drop(h);
	free(large);
	free(url);
}

static void statuses_are_no_errors(void **state)
{
	static const int statuses[] = { 201, 204, 304, 400, 401, 403, 404, 407, 417, 429, 500, 503 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		char *text = mem_format("HTTP/1.1 %d x\r\nContent-Type: Application/Problem+JSON ;x=y\r\n"
					"Content-Length: %d\r\nReplay-Nonce: n_-%d\r\n\r\n", statuses[i],
					statuses[i] >= 400 ? 2 : 0, statuses[i]);
		char *all = mem_format("%s%s", text, statuses[i] >= 400 ? "{}" : ""), nonce[8];
		struct http_request r;

		hear(&r, all);
		check_answer(&r, statuses[i], statuses[i] >= 400 ? "{}" : "");
		assert_string_equal(r.media_type, "application/problem+json");
		snprintf(nonce, sizeof(nonce), "n_-%d", statuses[i]);
		assert_string_equal(r.nonce, nonce);
		http_requests_free(&r, 1);
		free(text);
		free(all);
	}
}

/* Who is trusted ------------------------------------------------------------------------------- */

static void an_untrusted_certificate(void **state)
{
	static const char words[] = "certificate verification failed: self";
	char *url = url_at(tls_port, "/hello");
	const char *const cas[] = { other_ca_file, NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cas); i++) {
		struct http_request r = get(url);

		ask(&r, cas[i], false);
		check_error(&r, ERR_REFUSED, words);
		assert_true(text_starts(r.err.text, "ca.example.org:"));
		http_requests_free(&r, 1);
	}
	free(url);
}

static void another_name(void **state)
{
	char *url = mem_format("https://other.example.org:%u/hello", tls_port);
	char *number = mem_format("https://127.0.0.1:%u/hello", tls_port);
	char *good = mem_format("https://localhost:%u/hello", tls_port);
	struct http_request r = get(good);

	(void)state;
	expect_error(url, ERR_REFUSED, "certificate verification failed: no alternative certificate");
	expect_error(number, ERR_REFUSED, "certificate verification failed: no alternative certificate");
	r.resolve_to = NULL;
	ask(&r, ca_file, false);
	check_answer(&r, 200, "hello");
	http_requests_free(&r, 1);
	free(url);
	free(number);
	free(good);
}

static void no_old_tls(void **state)
{
	(void)state;
	expect_error_at(old_port, "/hello", ERR_REFUSED, "no TLS: ");
}

static void ca_files(void **state)
{
	char *missing = in_dir("missing.pem"), *empty = in_dir("empty.pem");
	struct http_config c = { .user_agent = "x", .ca_file = missing, .in_flight = 1 };
	struct http *h;
	struct err e;

	(void)state;
	assert_int_equal(http_new(&h, &c, &e), -1);
	assert_null(h);
	assert_int_equal(e.kind, ERR_LOCAL);
	assert_non_null(strstr(e.text, missing));
	write_file(empty, "nothing\n", 8);
	c.ca_file = empty;
	assert_int_equal(http_new(&h, &c, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	assert_non_null(strstr(e.text, empty));
	http_drop(NULL);
	free(missing);
	free(empty);
}

static void urls_that_are_not_asked(void **state)
{
	static const struct {
		const char *url, *words;
	} rows[] = {
		{ "http://ca.example.org/directory", "ca.example.org: not https" },
		{ "file:///etc/passwd", "not https" },
		{ "ftp://ca.example.org/", "ca.example.org: not https" },
		{ "https://user:pw@ca.example.org/", "" },
		{ "https:///", "" }, { "", "" }, { "x y", "" }, { "https://ca.example.org:99999/", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_error(rows[i].url, ERR_USAGE, rows[i].words);
}

static void requests_that_make_no_sense(void **state)
{
	struct http_request r = get("https://ca.example.org/");

	(void)state;
	r.resolve_to = "localhost";
	ask(&r, ca_file, false);
	check_error(&r, ERR_USAGE, "ca.example.org: no address: localhost");
	http_requests_free(&r, 1);
	r = get("https://ca.example.org/");
	r.accept = "a\r\nEvil: b";
	ask(&r, ca_file, false);
	check_error(&r, ERR_USAGE, "ca.example.org: a header");
	http_requests_free(&r, 1);
	r = get("https://ca.example.org/");
	r.limit_ms = 0;
	ask(&r, ca_file, false);
	check_error(&r, ERR_LATER, "ca.example.org: no time");
	http_requests_free(&r, 1);
}

static void redirects_are_refused(void **state)
{
	(void)state;
	expect_error_at(tls_port, "/to?/hello", ERR_REFUSED, ": redirects to /hello");
	expect_error_at(tls_port, "/to?https://b.example/", ERR_REFUSED, ": redirects to https://b.example/");
}

/* Bad servers ---------------------------------------------------------------------------------- */

static void answers_that_are_too_large(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n";
	struct buf text;
	struct http_request r;

	(void)state;
	expect_error_at(tls_port, "/flood", ERR_REFUSED, ": the answer is larger than 100000 bytes");
	expect_error_at(tls_port, "/headers", ERR_REFUSED, ": the headers of the answer are too large");
	expect_error_at(tls_port, "/continue", ERR_REFUSED, ": the headers of the answer are too large");
	buf_init(&text, 200000);
	buf_add_str(&text, head);
	for (size_t i = 0; i < BODY_MAX / 10; i++)
		buf_add_str(&text, "0123456789");
	hear(&r, text.s);
	check_answer(&r, 200, NULL);
	assert_int_equal(r.body.len, BODY_MAX);
	http_requests_free(&r, 1);
	buf_free(&text);
}

static void answers_that_are_none(void **state)
{
	static const struct {
		const char *text, *words;
		enum err_kind kind;
	} rows[] = {
		{ "", "Empty reply", ERR_LATER },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "the answer is no HTTP", ERR_REFUSED },
		{ "\x01\x02\x03\r\n\r\n", "the answer is no HTTP", ERR_REFUSED },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "", ERR_LATER },
		{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "", ERR_REFUSED },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "", ERR_LATER },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhalf", "", ERR_LATER },
		{ "HTTP/1.1 100 Continue\r\n\r\n", "", ERR_LATER },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_request r;

		hear(&r, rows[i].text);
		check_error(&r, rows[i].kind, rows[i].words);
		assert_true(text_starts(r.err.text, "ca.example.org:"));
		http_requests_free(&r, 1);
	}
	expect_error_at(plain_port, "/hello", ERR_REFUSED, "no TLS: ");
}

static void nobody_there(void **state)
{
	unsigned port = free_port();
	char *there = mem_format("ca.example.org:%u: no connection: Connection refused", port);
	struct http_request r = get("https://nobody.invalid/");

	(void)state;
	expect_error_at(port, "/", ERR_LATER, there);
	r.resolve_to = NULL;
	ask(&r, ca_file, false);
	check_error(&r, ERR_LATER, "nobody.invalid: Could not resolve host");
	http_requests_free(&r, 1);
	free(there);
}

static void times_end(void **state)
{
	static const char *const paths[] = { "/drip", "/hang" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		char *url = url_at(tls_port, paths[i]);
		struct http_request r = get(url);
		int64_t took = clock_monotonic_ms();

		r.limit_ms = 600;
		ask(&r, ca_file, false);
		took = clock_monotonic_ms() - took;
		check_error(&r, ERR_LATER, ": no answer in time");
		assert_in_range(took, 550, 2500);
		http_requests_free(&r, 1);
		free(url);
	}
}

/* The listener never accepts: TLS does not even begin, and all wait for one connection. */
static void times_of_those_that_wait_end(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct http *h = open_http(ca_file, false, 8);
	struct http_request r[20];
	int64_t took = clock_monotonic_ms();
	char *url;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	url = url_at(ntohs(a.sin_port), "/");
	for (size_t i = 0; i < 20; i++) {
		r[i] = get(url);
		r[i].limit_ms = 400;
	}
	http_send_all(h, r, 20);
	took = clock_monotonic_ms() - took;
	for (size_t i = 0; i < 20; i++)
		check_error(&r[i], ERR_LATER, ": no answer in time");
	assert_in_range(took, 1150, 4000);
	http_requests_free(r, 20);
	http_drop(h);
	close(fd);
	free(url);
}

/* Headers -------------------------------------------------------------------------------------- */

static void nonces(void **state)
{
	static const struct {
		const char *value;
		bool good;
	} rows[] = {
		{ "oFvnlFP1wIhRlYS2jTaXbA", true }, { "a-_9", true }, { "  x \t", true },
		{ "", false }, { "a b", false }, { "a=", false }, { "a+/b", false }, { "\xc3\xa4", false },
	};
	struct http_request r;
	char *text, x[514] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		text = mem_format("HTTP/1.1 204 x\r\nreplay-NONCE: %s\r\n\r\n", rows[i].value);
		hear(&r, text);
		check_answer(&r, 204, NULL);
		if ((r.nonce != NULL) != rows[i].good)
			fail_msg("\"%s\"", rows[i].value);
		http_requests_free(&r, 1);
		free(text);
	}
	for (size_t len = 512; len <= 513; len++) {
		memset(x, 'x', len);
		text = mem_format("HTTP/1.1 204 x\r\nReplay-Nonce: %s\r\n\r\n", x);
		hear(&r, text);
		check_answer(&r, 204, NULL);
		assert_int_equal(r.nonce != NULL, len == 512);
		http_requests_free(&r, 1);
		free(text);
	}
}

/* "PORT" stands for that of the server. */
static char *with_port(const char *text)
{
	struct buf out;

	buf_init(&out, 100000);
	for (; *text; text++)
		if (text_starts(text, "PORT")) {
			buf_addf(&out, "%u", tls_port);
			text += 3;
		} else {
			buf_add_char(&out, *text);
		}
	return out.s;
}

#define HERE "https://ca.example.org:PORT"

static void locations(void **state)
{
	static const struct {
		const char *value, *url;
	} rows[] = {
		{ "https://b.example/acme/order/1", "https://b.example/acme/order/1" },
		{ "/acme/order/1", HERE "/acme/order/1" },
		{ "order/1?a=b", HERE "/order/1?a=b" },
		{ "//b.example/x", "https://b.example/x" },
		{ "ftp://b.example/x", NULL }, { "file:///etc/passwd", NULL }, { "https://", NULL },
		{ "https://b.example/a b", NULL }, { "https://b.example/\xc3\xa4", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = mem_format("HTTP/1.1 201 x\r\nContent-Length: 0\r\nlocation: %s\r\n\r\n",
					rows[i].value);
		char *url = rows[i].url ? with_port(rows[i].url) : NULL;
		struct http_request r;

		hear(&r, text);
		check_answer(&r, 201, "");
		if (!url != !r.location || (url && strcmp(url, r.location) != 0))
			fail_msg("%s: %s", rows[i].value, r.location ? r.location : "none");
		http_requests_free(&r, 1);
		free(text);
		free(url);
	}
}

static void links(void **state)
{
	static const struct {
		const char *lines, *links;      /* one behind the other, with "|" between them */
	} rows[] = {
		{ "Link: <https://b.example/d>;rel=\"index\"", "index https://b.example/d" },
		{ "Link: </d>; rel=index", "index " HERE "/d" },
		{ "link: < /d > ; foo ; REL = \"Up\" ; x=y", "up " HERE "/d" },
		{ "Link: </a>;rel=up\r\nLink: </b>;rel=alternate\r\nLINK: </c>;rel=alternate",
		  "up " HERE "/a|alternate " HERE "/b|alternate " HERE "/c" },
		{ "Link: </a>;rel=up, </b,c>;rel=\"alternate\" ,,</d>; title=\"x, </e>; rel=z\"; rel=next",
		  "up " HERE "/a|alternate " HERE "/b,c|next " HERE "/d" },
		{ "Link: </a>; rel=\"up  alternate\thttps://x.example/rel\"",
		  "up " HERE "/a|alternate " HERE "/a|https://x.example/rel " HERE "/a" },
		{ "Link: </a>; title=\"a\\\"; rel=b\"; rel=c; rel=d", "c " HERE "/a" },
		{ "Link: </a>; anchor=\"/b\"; rel=c, </d>;rel=e", "e " HERE "/d" },
		{ "Link: <a?x=1>;rel=a,<?y>;rel=b", "a " HERE "/a?x=1|b " HERE "/say?y" },
		{ "Link: <mailto:a@b.example>;rel=a,<ftp://b.example/>;rel=b,<https://>;rel=c", "" },
		{ "Link: </a>, </b>;rel, </c>;rel=, </d>;rel=\"\", x;rel=y, </e>;rel=good",
		  "good " HERE "/e" },
		{ "Link: </a;rel=b", "" }, { "Link: </a>;rel=\"b", "b " HERE "/a" }, { "Link:", "" },
		{ "Link: \"</a>;rel=b\", \"</c>;rel=d", "" }, { "Link: </a>;rel=\"b\\", "b\\ " HERE "/a" },
		{ "Link: </a> rel=b, </b>;;rel=c;", "c " HERE "/b" },
		{ "Link: </a>;rel=\"\xc3\xa4\"", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = mem_format("HTTP/1.1 204 x\r\n%s\r\n\r\n", rows[i].lines);
		char *expected = with_port(rows[i].links);
		struct http_request r;
		struct buf got;

		hear(&r, text);
		check_answer(&r, 204, "");
		buf_init(&got, 100000);
		for (size_t k = 0; k < r.links.n; k++)
			buf_addf(&got, "%s%s", k ? "|" : "", r.links.v[k]);
		if (strcmp(got.s, expected) != 0)
			fail_msg("%s:\n%s\nnot\n%s", rows[i].lines, got.s, expected);
		buf_free(&got);
		http_requests_free(&r, 1);
		free(text);
		free(expected);
	}
}

static void many_links(void **state)
{
	struct http_request r;
	struct buf text;

	(void)state;
	buf_init(&text, 100000);
	buf_add_str(&text, "HTTP/1.1 204 x\r\nLink: </a>;rel=\"");
	for (int i = 0; i < 5000; i++)
		buf_add_str(&text, "a ");
	buf_add_str(&text, "\"\r\n\r\n");
	hear(&r, text.s);
	check_answer(&r, 204, "");
	assert_in_range(r.links.n, 1, 100);
	http_requests_free(&r, 1);
	buf_free(&text);
}

static void retry_after(void **state)
{
	static const struct {
		const char *lines;
		int64_t retry_for, date_at;
	} rows[] = {
		{ "Retry-After: 120", 120, 0 }, { "retry-after:0", 0, 0 }, { "Retry-After: 007", 7, 0 },
		{ "Retry-After: 99999999999999999999999999", YEAR, 0 },
		{ "Retry-After: -5", -1, 0 }, { "Retry-After: soon", -1, 0 }, { "Retry-After:", -1, 0 },
		{ "Date: Sat, 28 Nov 2026 10:00:00 GMT\r\nRetry-After: Sat, 28 Nov 2026 10:01:30 GMT", 90,
		  1795860000 },
		{ "Date: Sat, 28 Nov 2026 10:00:00 GMT\r\nRetry-After: Sat, 28 Nov 2026 09:00:00 GMT", 0,
		  1795860000 },
		{ "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 0, 0 },
		{ "Date: yesterday", -1, 0 },
		{ "date: Sunday, 06-Nov-94 08:49:37 GMT", -1, 784111777 },
	};
	struct http_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = mem_format("HTTP/1.1 204 x\r\n%s\r\n\r\n", rows[i].lines);

		hear(&r, text);
		check_answer(&r, 204, "");
		if (r.retry_after_for != rows[i].retry_for || r.date_at != rows[i].date_at)
			fail_msg("%s: %lld, %lld", rows[i].lines, (long long)r.retry_after_for,
				 (long long)r.date_at);
		http_requests_free(&r, 1);
		free(text);
	}
	hear(&r, "HTTP/1.1 204 x\r\nRetry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n\r\n");
	assert_int_equal(r.retry_after_for, YEAR);
	http_requests_free(&r, 1);
}

static void the_final_response_counts(void **state)
{
	struct http_request r;

	(void)state;
	hear(&r, "HTTP/1.1 103 Early Hints\r\nReplay-Nonce: early\r\nLink: </x>;rel=y\r\n\r\n"
		 "HTTP/1.1 100 Continue\r\nLocation: /early\r\n\r\n"
		 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: a/b\r\n\r\n"
		 "5\r\nhello\r\n0\r\nReplay-Nonce: late\r\nRetry-After: 5\r\n\r\n");
	check_answer(&r, 200, "hello");
	assert_string_equal(r.media_type, "a/b");
	assert_null(r.nonce);
	assert_null(r.location);
	assert_int_equal(r.links.n, 0);
	assert_int_equal(r.retry_after_for, -1);
	http_requests_free(&r, 1);
}

/* Many ----------------------------------------------------------------------------------------- */

static void send_many(struct http *h, const char *url, size_t n, const char *body)
{
	struct http_request *r = mem_array(n, sizeof(*r));

	for (size_t i = 0; i < n; i++)
		r[i] = get(url);
	http_send_all(h, r, n);
	for (size_t i = 0; i < n; i++)
		check_answer(&r[i], 200, body);
	http_requests_free(r, n);
	free(r);
}

static void connections_are_few_and_kept(void **state)
{
	char *url = url_at(tls_port, "/hello");
	struct http *h = open_http(ca_file, false, 8);
	long before = connections(), after;

	(void)state;
	before++;               /* the one that asked */
	send_many(h, url, 50, "hello");
	send_many(h, url, 50, "hello");
	after = connections();
	assert_in_range(after - before, 1, 8);
	for (int i = 0; i < 5; i++)
		send_many(h, url, 1, "hello");
	http_send_all(h, NULL, 0);
	assert_int_equal(connections(), after + 1);
	http_drop(h);
		free(url);
}

/* The server hangs up on a connection that it promised to keep. */
static void a_connection_that_was_closed(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char *say = url_at(tls_port, "/say?close"), *hello = url_at(tls_port, "/hello");
	struct http *h = open_http(ca_file, false, 2);

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct http_request r = get(say);

		r.method = HTTP_POST;
		r.payload = text;
		r.payload_len = sizeof(text) - 1;
		http_send_all(h, &r, 1);
		check_answer(&r, 200, "hi");
		http_requests_free(&r, 1);
		send_many(h, hello, 1, "hello");
	}
	http_drop(h);
	free(say);
	free(hello);
}

static void one_bad_does_not_spoil_others(void **state)
{
	char *good = url_at(tls_port, "/hello"), *large = url_at(tls_port, "/flood");
	char *hang = url_at(tls_port, "/hang"), *nobody = url_at(free_port(), "/");
	const char *const urls[] = { hang, good, large, good, nobody, good, "http://x/", good };
	struct http *h = open_http(ca_file, false, 3);
	struct http_request r[ARRAY_LEN(urls)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		r[i] = get(urls[i]);
	r[0].limit_ms = 1000;
	http_send_all(h, r, ARRAY_LEN(urls));
	for (size_t i = 1; i < ARRAY_LEN(urls); i += 2)
		check_answer(&r[i], 200, "hello");
	check_error(&r[0], ERR_LATER, "no answer in time");
	check_error(&r[2], ERR_REFUSED, "larger");
	check_error(&r[4], ERR_LATER, "refused");
	check_error(&r[6], ERR_USAGE, "not https");
	http_requests_free(r, ARRAY_LEN(urls));
	http_drop(h);
	free(good);
	free(large);
	free(hang);
	free(nobody);
}

/* All at once, when there is no connection yet; the body names the protocol and the connection. */
static void share_a_connection(struct http *h, const char *url, const char *large)
{
	struct http_request r[50], cut = get(large);
	char *same;

	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		r[i] = get(url);
	http_send_all(h, r, ARRAY_LEN(r));
	check_answer(&r[0], 200, NULL);
	same = mem_copy_str(r[0].body.s);
	assert_true(text_starts(same, "HTTP/2.0 "));
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		check_answer(&r[i], 200, same);
	assert_string_equal(r[0].nonce, "abc");
	assert_string_equal(r[0].media_type, "text/plain");
	assert_int_equal(r[0].retry_after_for, 7);
	assert_int_equal(r[0].links.n, 1);
	assert_true(text_starts(r[0].links.v[0], "up https://ca.example.org:"));
	http_requests_free(r, ARRAY_LEN(r));
	/* a body that is cut off costs its stream, not the connection */
	http_send_all(h, &cut, 1);
	check_error(&cut, ERR_REFUSED, "larger");
	http_requests_free(&cut, 1);
	send_many(h, url, 200, same);
	free(same);
}

static void http_2(void **state)
{
	unsigned port;
	pid_t pid = start_nginx(&port);
	struct http *h;
	char *url, *large;

	(void)state;
	if (pid == 0) {
		print_message("no nginx here\n");
		skip();
	}
	h = open_http(ca_file, false, 50);
	url = url_at(port, "/");
	large = url_at(port, "/large");
	share_a_connection(h, url, large);
	http_drop(h);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(url);
	free(large);
}

/* Told to stop --------------------------------------------------------------------------------- */

static int stopped_in_the_middle(const char *url)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	struct itimerspec when = { .it_value = { .tv_nsec = 300 * 1000000 } };
	struct http *h = open_http(ca_file, false, 3);
	struct http_request r[6];
	int64_t took = clock_monotonic_ms();
	timer_t timer;

	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		r[i] = get(url);
	proc_init();
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0 ||
	    timer_settime(timer, 0, &when, NULL) < 0)
		return 2;
	http_send_all(h, r, ARRAY_LEN(r));
	took = clock_monotonic_ms() - took;
	for (size_t i = 0; i < ARRAY_LEN(r); i++)
		if (r[i].status || r[i].err.kind != ERR_LATER || !strstr(r[i].err.text, "told to stop") ||
		    !strstr(r[i].err.text, "ca.example.org"))
			return 3;
	http_requests_free(r, ARRAY_LEN(r));
	http_drop(h);
	return took >= 290 && took < 800 ? 0 : 1;
}

static void stops_when_told(void **state)
{
	char *url = url_at(tls_port, "/hang");
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(stopped_in_the_middle(url));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	free(url);
}

/* Looking at our own challenge ----------------------------------------------------------------- */

static void probes(void **state)
{
	char *to_tls = mem_format("http://www.example.org:%u/to?https://www.example.org:%u/hello", plain_port,
				  tls_port);
	char *to_ftp = mem_format("http://www.example.org:%u/to?ftp://www.example.org/", plain_port);
	char *for_ever = mem_format("http://www.example.org:%u/round", plain_port);
	char *port = mem_format("127.0.0.1:%u", plain_port);
	struct http_request r[5] = { get(to_tls), get(to_ftp), get(for_ever), get("http://www.example.org/hello"),
				     get("http://www.example.org/to?http://nobody.invalid/") };
	struct http *h = open_http(NULL, true, 4);

	(void)state;
	r[3].resolve_to = r[4].resolve_to = port;
	http_send_all(h, r, ARRAY_LEN(r));
	check_answer(&r[0], 200, "hello");
	assert_null(r[0].nonce);
	assert_null(r[0].location);
	check_error(&r[1], ERR_REFUSED, "redirects to where we do not go");
	check_error(&r[2], ERR_REFUSED, "Maximum (10) redirects");
	check_answer(&r[3], 200, "hello");
	check_error(&r[4], ERR_LATER, "Could not resolve host: nobody.invalid");
	http_requests_free(r, ARRAY_LEN(r));
	http_drop(h);
	free(to_tls);
	free(to_ftp);
	free(for_ever);
	free(port);
}

static void leaves_no_descriptor(void **state)
{
	int fd = dup(0), again;

	assert_true(fd > 0);
	close(fd);
	a_get(state);
	connections_are_few_and_kept(state);
	one_bad_does_not_spoil_others(state);
	again = dup(0);
	assert_int_equal(again, fd);
	close(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_get),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(posts),
		cmocka_unit_test(statuses_are_no_errors),
		cmocka_unit_test(an_untrusted_certificate),
		cmocka_unit_test(another_name),
		cmocka_unit_test(no_old_tls),
		cmocka_unit_test(ca_files),
		cmocka_unit_test(urls_that_are_not_asked),
		cmocka_unit_test(requests_that_make_no_sense),
		cmocka_unit_test(redirects_are_refused),
		cmocka_unit_test(answers_that_are_too_large),
		cmocka_unit_test(answers_that_are_none),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(times_end),
		cmocka_unit_test(times_of_those_that_wait_end),
		cmocka_unit_test(nonces),
		cmocka_unit_test(locations),
		cmocka_unit_test(links),
		cmocka_unit_test(many_links),
		cmocka_unit_test(retry_after),
		cmocka_unit_test(the_final_response_counts),
		cmocka_unit_test(connections_are_few_and_kept),
		cmocka_unit_test(a_connection_that_was_closed),
		cmocka_unit_test(one_bad_does_not_spoil_others),
		cmocka_unit_test(http_2),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(probes),
		cmocka_unit_test(leaves_no_descriptor),
	};

	return cmocka_run_group_tests(tests, start_server, stop_server);
}
