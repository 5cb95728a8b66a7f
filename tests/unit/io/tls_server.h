/* tls_server.h - a TLS server of tests: a process of its own, and one more for each connection.
 *
 * It has keys of three kinds, made once; speaks a script of clear text first; and then shakes hands, or does
 * what servers should not do.
 */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include "base/mem.h"
#include "sys/addr.h"
#include "sys/clock.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

enum { SERVES_RSA = 1, SERVES_EC = 2, SERVES_ED = 4 };
enum manner { SHAKES, IS_SILENT, CLOSES, RESETS, SAYS_TEXT, FLOODS, SENDS_ALERT, FLOODS_RECORDS };

struct tls_seen {                       /* shared with the server */
	int  total, now, most;          /* connections */
	int  ended;                     /* ... that heard a close_notify */
	char sni[256], alpn[64];
};

struct tls_server {
	const char  *script[6];         /* what is said; a line is waited for after each, up to the last one */
	enum manner  manner;
	const char  *text;              /* SAYS_TEXT, FLOODS */
	unsigned     keys;              /* 0: RSA and EC */
	int          newest;            /* TLS1_2_VERSION; 0: any */
	int          extra;             /* certificates more in the chain */
	int          busy;              /* so many connections are ended at once, then it has time */
	unsigned     pause_ms;          /* before each connection is served */

	struct addr  addr;
	pid_t        pid;
	struct tls_seen *seen;
};

struct served_key {
	EVP_PKEY *key;
	X509     *cert;
};
static struct served_key served[3];     /* RSA, EC, Ed25519 */

static X509 *sign_self(EVP_PKEY *key, bool ed)
{
	X509 *x = X509_new();
	X509_NAME *name;

	assert_non_null(x);
	name = X509_get_subject_name(x);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"mail.test", -1, -1, 0);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, ed ? NULL : EVP_sha256()) > 0);
	return x;
}

static inline int make_served_keys(void **state)
{
	(void)state;
	served[0].key = EVP_RSA_gen(2048);
	served[1].key = EVP_EC_gen("P-256");
	served[2].key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	for (size_t i = 0; i < ARRAY_LEN(served); i++)
		served[i].cert = sign_self(served[i].key, i == 2);
	return 0;
}

static inline int free_served_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(served); i++) {
		EVP_PKEY_free(served[i].key);
		X509_free(served[i].cert);
	}
	return 0;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
		       unsigned in_len, void *arg)
{
	struct tls_seen *seen = arg;

	(void)ssl;
	(void)in_len;
	snprintf(seen->alpn, sizeof(seen->alpn), "%.*s", in[0], (const char *)in + 1);
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static int note_sni(SSL *ssl, int *alert, void *arg)
{
	struct tls_seen *seen = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	snprintf(seen->sni, sizeof(seen->sni), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_context(const struct tls_server *s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(ctx, s->newest);
	SSL_CTX_set_cipher_list(ctx, "ALL:@SECLEVEL=0");
	SSL_CTX_set_tlsext_servername_callback(ctx, note_sni);
	SSL_CTX_set_tlsext_servername_arg(ctx, s->seen);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, s->seen);
	for (size_t i = 0; i < ARRAY_LEN(served); i++)
		if (s->keys >> i & 1) {
			SSL_CTX_use_certificate(ctx, served[i].cert);
			SSL_CTX_use_PrivateKey(ctx, served[i].key);
		}
	for (int i = 0; i < s->extra; i++) {
		X509_up_ref(served[1].cert);
		SSL_CTX_add_extra_chain_cert(ctx, served[1].cert);
	}
	return ctx;
}

static void say_all(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = send(fd, s, len, MSG_NOSIGNAL);

		if (n <= 0)
			_exit(0);
		s += n;
		len -= (size_t)n;
	}
}

static void hear_line(int fd)
{
	char c = 0;

	while (c != '\n' && recv(fd, &c, 1, 0) == 1)
		;
}

static void shake_hands(const struct tls_server *s, SSL_CTX *ctx, int fd)
{
	SSL *ssl = SSL_new(ctx);
	char c;

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, &c, 1) <= 0 && SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN)
		__atomic_add_fetch(&s->seen->ended, 1, __ATOMIC_SEQ_CST);
	SSL_free(ssl);
}

static void serve_one(const struct tls_server *s, SSL_CTX *ctx, int fd, int nth)
{
	static const char alert[] = "\x15\x03\x03\0\2\2\x50", record[] = "\x14\x03\x03\0\1\1";
	const struct linger now = { 1, 0 };
	char first;

	if (nth <= s->busy)
		return;
	clock_pause_ms(s->pause_ms);
	for (size_t i = 0; i < ARRAY_LEN(s->script) && s->script[i]; i++) {
		say_all(fd, s->script[i], strlen(s->script[i]));
		if (i + 1 < ARRAY_LEN(s->script) && s->script[i + 1])
			hear_line(fd);
	}
	switch (s->manner) {
	case SHAKES:
		shake_hands(s, ctx, fd);
		return;
	case IS_SILENT:
		clock_pause_ms(60000);
		return;
	case CLOSES:
		shutdown(fd, SHUT_WR);
		clock_pause_ms(200);
		return;
	case RESETS:
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		return;
	case SAYS_TEXT:
		if (s->script[0])       /* after the ClientHello, or it goes with the script */
			recv(fd, &first, 1, 0);
		say_all(fd, s->text, strlen(s->text));
		clock_pause_ms(60000);
		return;
	case FLOODS:
		for (;;)
			say_all(fd, s->text, strlen(s->text));
	case SENDS_ALERT:
		say_all(fd, alert, sizeof(alert) - 1);
		clock_pause_ms(60000);
		return;
	case FLOODS_RECORDS:
		for (;;)
			say_all(fd, record, sizeof(record) - 1);
	}
}

static _Noreturn void serve(const struct tls_server *s, int listener)
{
	SSL_CTX *ctx = server_context(s);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL), nth, now;
		pid_t pid;

		if (fd < 0)
			continue;
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			nth = __atomic_add_fetch(&s->seen->total, 1, __ATOMIC_SEQ_CST);
			now = __atomic_add_fetch(&s->seen->now, 1, __ATOMIC_SEQ_CST);
			if (now > s->seen->most)
				s->seen->most = now;
			serve_one(s, ctx, fd, nth);
			__atomic_sub_fetch(&s->seen->now, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
		close(fd);
	}
}

/* On a free port of host; false if there is no such address here. */
static bool tls_server_start_on(struct tls_server *s, const char *host)
{
	int listener;

	assert_true(addr_parse(&s->addr, host, 0));
	s->keys = s->keys ? s->keys : SERVES_RSA | SERVES_EC;
	listener = socket(s->addr.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&s->addr.sa, s->addr.len) < 0) {
		close(listener);
		return false;
	}
	assert_int_equal(listen(listener, 500), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&s->addr.sa, &s->addr.len), 0);
	s->seen = mmap(NULL, sizeof(*s->seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s->seen != MAP_FAILED);
	s->pid = fork();
	if (s->pid == 0)
		serve(s, listener);
	assert_true(s->pid > 0);
	close(listener);
	return true;
}

static inline void tls_server_start(struct tls_server *s)
{
	assert_true(tls_server_start_on(s, "127.0.0.1"));
}

/* Its connections end with it. */
static void tls_server_stop(struct tls_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	munmap(s->seen, sizeof(*s->seen));
}

/* The certificate is that of served[i]. */
static inline bool is_served(const unsigned char *der, size_t len, size_t i)
{
	unsigned char *own = NULL;
	int n = i2d_X509(served[i].cert, &own);
	bool same = n > 0 && (size_t)n == len && memcmp(own, der, len) == 0;

	OPENSSL_free(own);
	return same;
}

#endif
