/* tls.c - TLS as a client by OpenSSL; its types stay inside.
 *
 * One context for each offer, made when it is first needed and kept.  OpenSSL gets its bytes by a BIO of
 * ours: it must not raise SIGPIPE, what a server may send before the handshake is over is limited, and what
 * was heard first tells a server that does not speak TLS from one that speaks it badly.
 * Touches: network.
 */
#include "io/tls.h"

#include "base/mem.h"
#include "sys/addr.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CERTS_BYTES_MAX (100L << 10)
#define HEARD_MAX       ((size_t)256 << 10)
#define FIRST_LEN       80      /* of what is no TLS, for people */
#define RECORD_FIRST    20      /* ContentType (RFC 8446 B.1): change_cipher_spec, alert, handshake, ... */
#define RECORD_LAST     23      /* ... application_data */

struct tls_client {
	SSL           *ssl;
	int            fd;
	unsigned char  first[FIRST_LEN];
	size_t         heard;
	bool           ended;           /* by the server */
	int            error;           /* errno */
	enum tls_fault fault;
	char          *why;
};

const char *tls_offer_name(enum tls_offer o)
{
	static const char *const names[] = {
		[TLS_OFFER_ANY] = "any",
		[TLS_OFFER_RSA] = "RSA",
		[TLS_OFFER_ECDSA] = "ECDSA",
		[TLS_OFFER_EDDSA] = "EdDSA",
	};
	_Static_assert(ARRAY_LEN(names) == TLS_OFFER_N, "a name for every offer");

	return names[o];
}

void tls_presented_free(struct tls_presented *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->certs[i].v);
	free(p->certs);
	*p = (struct tls_presented){ 0 };
}

/* The wire ------------------------------------------------------------------------------------- */

static int wire_read(BIO *b, char *to, int len)
{
	struct tls_client *c = BIO_get_data(b);
	ssize_t n = -1;

	BIO_clear_retry_flags(b);
	if (c->heard >= HEARD_MAX)
		return -1;
	do
		n = recv(c->fd, to, (size_t)len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		BIO_set_retry_read(b);
	else if (n < 0)
		c->error = errno;
	c->ended |= n == 0;
	for (ssize_t i = 0; i < n && c->heard + (size_t)i < FIRST_LEN; i++)
		c->first[c->heard + (size_t)i] = (unsigned char)to[i];
	c->heard += n > 0 ? (size_t)n : 0;
	return (int)n;
}

static int wire_write(BIO *b, const char *from, int len)
{
	struct tls_client *c = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	do
		n = send(c->fd, from, (size_t)len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		BIO_set_retry_write(b);
	else if (n < 0)
		c->error = errno;
	return (int)n;
}

static long wire_control(BIO *b, int what, long number, void *p)
{
	const struct tls_client *c = BIO_get_data(b);

	(void)number;
	(void)p;
	return what == BIO_CTRL_FLUSH || (what == BIO_CTRL_EOF && c->ended);
}

static const BIO_METHOD *wire(void)
{
	static BIO_METHOD *method;

	if (method)
		return method;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
	if (method && BIO_meth_set_read(method, wire_read) && BIO_meth_set_write(method, wire_write) &&
	    BIO_meth_set_ctrl(method, wire_control))
		return method;
	BIO_meth_free(method);
	method = NULL;
	return NULL;
}

/* The context ---------------------------------------------------------------------------------- */

#define ANY_ECDSA "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:" \
		  "ECDSA+SHA224:ECDSA+SHA1"
#define ANY_EDDSA "ed25519:ed448"
#define ANY_RSA   "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:" \
		  "rsa_pss_pss_sha384:rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512:RSA+SHA224:RSA+SHA1"

/* TLS 1.3 knows the kind of key by the signatures only, TLS 1.2 by the ciphers, too (EdDSA has those of
 * ECDSA), and what is older by the ciphers only. */
static const struct offer {
	const char *ciphers, *signatures;
	int         least;
} offers[TLS_OFFER_N] = {
	[TLS_OFFER_ANY] = { "ALL:!aNULL:!eNULL:@SECLEVEL=0", ANY_ECDSA ":" ANY_EDDSA ":" ANY_RSA, TLS1_VERSION },
	[TLS_OFFER_RSA] = { "aRSA:!eNULL:@SECLEVEL=0", ANY_RSA, TLS1_VERSION },
	[TLS_OFFER_ECDSA] = { "aECDSA:!eNULL:@SECLEVEL=0", ANY_ECDSA, TLS1_VERSION },
	[TLS_OFFER_EDDSA] = { "aECDSA:!eNULL:@SECLEVEL=0", ANY_EDDSA, TLS1_2_VERSION },
};

/* Whether the chain is worth something is not asked here, and no path is built. */
static int accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

/* The system's configuration of OpenSSL was heeded by SSL_CTX_new: what it may forbid is allowed again. */
static bool context_set(SSL_CTX *ctx, const struct offer *o)
{
	SSL_CTX_clear_options(ctx, SSL_OP_NO_SSL_MASK);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);        /* whole lines of what is no TLS, too */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CERTS_BYTES_MAX);
	return SSL_CTX_set_min_proto_version(ctx, o->least) && SSL_CTX_set_max_proto_version(ctx, 0) &&
	       SSL_CTX_set_cipher_list(ctx, o->ciphers) && SSL_CTX_set1_sigalgs_list(ctx, o->signatures) &&
	       SSL_CTX_set1_groups_list(ctx, "X25519:P-256:X448:P-384:P-521");
}

static SSL_CTX *context_of(enum tls_offer o)
{
	static SSL_CTX *contexts[TLS_OFFER_N];
	SSL_CTX *made;

	if (contexts[o])
		return contexts[o];
	made = SSL_CTX_new(TLS_client_method());
	if (made && context_set(made, &offers[o])) {
		contexts[o] = made;
		return made;
	}
	SSL_CTX_free(made);
	return NULL;
}

/* A client ------------------------------------------------------------------------------------- */

static bool set_alpn(SSL *ssl, const char *alpn)
{
	unsigned char list[256];
	size_t len = strlen(alpn);

	if (len == 0 || len > 255)
		return false;
	list[0] = (unsigned char)len;
	memcpy(list + 1, alpn, len);
	return SSL_set_alpn_protos(ssl, list, (unsigned)len + 1) == 0;
}

static bool is_address(const char *name)
{
	struct addr a;

	return addr_parse(&a, name, 0);
}

/* SSL_set_bio takes the BIO over, for both ways at once. */
static bool client_set(struct tls_client *c, const char *sni, enum tls_offer o, const char *alpn)
{
	SSL_CTX *ctx = context_of(o);
	const BIO_METHOD *method = wire();
	BIO *bio = method ? BIO_new(method) : NULL;

	c->ssl = ctx && bio ? SSL_new(ctx) : NULL;
	if (!c->ssl) {
		BIO_free(bio);
		return false;
	}
	BIO_set_data(bio, c);
	BIO_set_init(bio, 1);
	SSL_set_bio(c->ssl, bio, bio);
	SSL_set_connect_state(c->ssl);
	return (!sni || is_address(sni) || SSL_set_tlsext_host_name(c->ssl, sni)) &&
	       (!alpn || set_alpn(c->ssl, alpn));
}

struct tls_client *tls_client_new(int fd, const char *sni, enum tls_offer o, const char *alpn)
{
	struct tls_client *c = mem_alloc(sizeof(*c));

	c->fd = fd;
	if (!client_set(c, sni, o, alpn)) {
		SSL_free(c->ssl);
		free(c);
		c = NULL;
	}
	ERR_clear_error();
	return c;
}

static bool heard_tls(const struct tls_client *c)
{
	return c->first[0] >= RECORD_FIRST && c->first[0] <= RECORD_LAST &&
	       (c->heard < 2 || c->first[1] == 3);
}

/* The first line of what is no TLS. */
static char *first_line(const struct tls_client *c)
{
	size_t len = c->heard < FIRST_LEN ? c->heard : FIRST_LEN;
	char *text = mem_copy_strn((const char *)c->first, len);

	for (size_t i = 0; i < len; i++)
		text[i] = (char)(c->first[i] < ' ' || c->first[i] > '~' ? '?' : c->first[i]);
	for (size_t i = 0; i < len; i++)
		if (c->first[i] == '\r' || c->first[i] == '\n')
			text[i] = '\0';
	return text;
}

/* What OpenSSL says last, as the reason; below it stand causes. */
static int last_reason(const char **text)
{
	unsigned long error, last = 0;

	while ((error = ERR_get_error()))
		if (ERR_GET_LIB(error) == ERR_LIB_SSL || !last)
			last = error;
	*text = last ? ERR_reason_error_string(last) : NULL;
	return ERR_GET_LIB(last) == ERR_LIB_SSL ? ERR_GET_REASON(last) : 0;
}

static enum tls_fault fault_of(int reason)
{
	static const int refusals[] = {
		SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE,
		SSL_AD_REASON_OFFSET + SSL_AD_INSUFFICIENT_SECURITY,
		SSL_AD_REASON_OFFSET + SSL_AD_NO_CERTIFICATE,
		SSL_AD_REASON_OFFSET + SSL_AD_UNSUPPORTED_CERTIFICATE,
		/* it takes what it has, and OpenSSL says no */
		SSL_R_WRONG_SIGNATURE_TYPE,
		SSL_R_WRONG_CERTIFICATE_TYPE,
		SSL_R_WRONG_CIPHER_RETURNED,
	};

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++)
		if (refusals[i] == reason)
			return TLS_FAULT_REFUSED;
	return TLS_FAULT_OTHER;
}

static enum tls_wants fail(struct tls_client *c)
{
	const char *text;
	int reason = last_reason(&text), alert = reason - SSL_AD_REASON_OFFSET;

	c->fault = fault_of(reason);
	if (c->heard && !heard_tls(c)) {
		char *line = first_line(c);

		c->fault = TLS_FAULT_NOT_TLS;
		c->why = mem_format("answers without TLS: \"%s\"", line);
		free(line);
	} else if (c->heard >= HEARD_MAX) {
		c->why = mem_format("sends more than %zu bytes before the handshake is over", HEARD_MAX);
	} else if (alert >= 0 && alert <= 255) {
		c->why = mem_format("answers with the alert \"%s\"", SSL_alert_desc_string_long(alert));
	} else if (c->ended || c->error) {
		c->fault = TLS_FAULT_CLOSED;
		c->why = mem_format("in the TLS handshake: %s",
				    c->error ? strerror(c->error) : "the server ends the connection");
	} else {
		c->why = mem_format("in the TLS handshake: %s", text ? text : "OpenSSL gives no reason");
	}
	return TLS_FAILED;
}

static enum tls_wants fail_with_chain(struct tls_client *c, int n)
{
	c->why = mem_format("presents %d certificates, more than %d", n, TLS_CERTS_MAX);
	return TLS_FAILED;
}

enum tls_wants tls_client_step(struct tls_client *c)
{
	int rc, want, n;

	ERR_clear_error();
	rc = SSL_do_handshake(c->ssl);
	if (rc == 1) {
		n = sk_X509_num(SSL_get_peer_cert_chain(c->ssl));
		return n > TLS_CERTS_MAX ? fail_with_chain(c, n) : TLS_DONE;
	}
	want = SSL_get_error(c->ssl, rc);
	/* less than the head of a record is waited for */
	if (c->heard && !heard_tls(c))
		return fail(c);
	if (want == SSL_ERROR_WANT_READ)
		return TLS_READ;
	return want == SSL_ERROR_WANT_WRITE ? TLS_WRITE : fail(c);
}

static struct tls_der der_of(const X509 *cert)
{
	int len = i2d_X509(cert, NULL);
	struct tls_der d = { mem_alloc(len > 0 ? (size_t)len : 0), len > 0 ? (size_t)len : 0 };
	unsigned char *to = d.v;

	if (d.len)
		i2d_X509(cert, &to);
	return d;
}

void tls_client_take(struct tls_presented *out, struct tls_client *c)
{
	const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(c->ssl);
	int n = chain ? sk_X509_num(chain) : 0;

	*out = (struct tls_presented){ .certs = mem_array((size_t)n, sizeof(*out->certs)), .n = (size_t)n };
	for (int i = 0; i < n; i++)
		out->certs[i] = der_of(sk_X509_value(chain, i));
	snprintf(out->protocol, sizeof(out->protocol), "%s", SSL_get_version(c->ssl));
	ERR_clear_error();
}

char *tls_client_why(const struct tls_client *c, enum tls_fault *kind)
{
	*kind = c->fault;
	return mem_copy_str(c->why);
}

void tls_client_close(struct tls_client *c)
{
	if (!c)
		return;
	if (!c->why && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	ERR_clear_error();
	free(c->why);
	free(c);
}
