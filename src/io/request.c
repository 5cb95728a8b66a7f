/* request.c - what is asked of a CA, and whether what it gave is that: certificate requests, chains; and the
 * answer to tls-alpn-01.
 *
 * A chain comes from outside and is read as such: its length is capped before anything is looked at, there
 * is nothing in it but certificates, and nothing of it is trusted for its order.  Whether clients trust its
 * root is not asked: it may be one of the administrator's own.
 * Touches: private keys, in memory; sockets that the caller has accepted.
 */
#include "io/request.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/crypto_parts.h"
#include "io/jose.h"

#include <strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define CHAIN_TEXT_MAX ((size_t)1 << 20)
#define COMMON_NAME_MAX 64
#define BEGIN_LINE     "-----BEGIN CERTIFICATE-----"
#define END_LINE       "-----END CERTIFICATE-----"

/* --- asking --- */

static bool add_names(X509_REQ *r, const struct strv *names)
{
	GENERAL_NAMES *list = crypto_general_names(names);
	STACK_OF(X509_EXTENSION) *exts = NULL;
	bool ok = list && X509V3_add1_i2d(&exts, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1 &&
		  X509_REQ_add_extensions(r, exts);

	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	GENERAL_NAMES_free(list);
	return ok;
}

/* Takes over bytes, which may be NULL if len is not positive. */
static int take_der(struct buf *out, unsigned char *bytes, int len, const char *what, struct err *e)
{
	if (len <= 0)
		return crypto_error(e, what);
	buf_add(out, bytes, (size_t)len);
	OPENSSL_free(bytes);
	ERR_clear_error();
	return out->over ? err_set(e, ERR_LOCAL, "%s: longer than %zu bytes", what, out->max) : 0;
}

static bool add_common_name(X509_REQ *r, const struct strv *names)
{
	X509_NAME *subject = X509_REQ_get_subject_name(r);

	for (size_t i = 0; i < names->n; i++)
		if (strlen(names->v[i]) <= COMMON_NAME_MAX)
			return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
							  (const unsigned char *)names->v[i], -1, -1, 0);
	return true;
}

int request_make(struct buf *der, const struct key *k, const struct strv *names, bool common_name,
		 struct err *e)
{
	unsigned char *bytes = NULL;
	X509_REQ *r;
	int len = -1;

	if (crypto_check_names(names, e) < 0)
		return -1;
	r = X509_REQ_new();
	if (r && X509_REQ_set_version(r, X509_REQ_VERSION_1) && X509_REQ_set_pubkey(r, k->pkey) &&
	    add_names(r, names) && (!common_name || add_common_name(r, names)) &&
	    X509_REQ_sign(r, k->pkey, crypto_signing_digest(k)))
		len = i2d_X509_REQ(r, &bytes);
	X509_REQ_free(r);
	return take_der(der, bytes, len, "making a certificate request", e);
}

/* --- reading a chain --- */

/* The line at p: *len is without blanks at its end.  Where the next one starts. */
static const char *line_at(const char *p, const char *end, size_t *len)
{
	const char *eol = memchr(p, '\n', (size_t)(end - p));

	*len = (size_t)((eol ? eol : end) - p);
	while (*len && (p[*len - 1] == ' ' || p[*len - 1] == '\t' || p[*len - 1] == '\r'))
		--*len;
	return eol ? eol + 1 : end;
}

static bool line_is(const char *p, size_t len, const char *line)
{
	return len == strlen(line) && memcmp(p, line, len) == 0;
}

static bool is_base64(const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') ||
		      (p[i] >= '0' && p[i] <= '9') || p[i] == '+' || p[i] == '/' || p[i] == '='))
			return false;
	return true;
}

/* The next block of *p, from *begin to the new *p.  1: there is one, 0: the text is over.  What is wrong may
 * be somebody's private key, so it is not shown. */
static int next_block(const char **p, const char *end, const char **begin, struct err *e)
{
	const char *next;
	size_t len;

	do {
		if (*p == end)
			return 0;
		*begin = *p;
		*p = line_at(*begin, end, &len);
	} while (len == 0);
	if (!line_is(*begin, len, BEGIN_LINE))
		return err_set(e, ERR_REFUSED, len >= 11 && memcmp(*begin, "-----BEGIN ", 11) == 0 ?
			       "a block in PEM that is not a certificate" :
			       "something that is not a certificate in PEM");
	for (;;) {
		if (*p == end)
			return err_set(e, ERR_REFUSED, "a certificate without its end");
		next = line_at(*p, end, &len);
		if (line_is(*p, len, END_LINE)) {
			*p = next;
			return 1;
		}
		if (!is_base64(*p, len))
			return err_set(e, ERR_REFUSED, "a certificate with something in it that is not base64");
		*p = next;
	}
}

static int read_blocks(struct chain *c, const char *p, const char *end, struct err *e)
{
	const char *begin;
	int rc;

	while ((rc = next_block(&p, end, &begin, e)) > 0) {
		if (c->n == CHAIN_MAX)
			return err_set(e, ERR_REFUSED, "more than %d certificates", CHAIN_MAX);
		c->v[c->n] = cert_parse(begin, (size_t)(p - begin), NULL, e);
		if (!c->v[c->n]) {
			e->kind = ERR_REFUSED;
			return -1;
		}
		c->n++;
	}
	if (rc == 0 && c->n == 0)
		return err_set(e, ERR_REFUSED, "there is no certificate in it");
	return rc;
}

/* c is signed by the owner of `by`, who may sign certificates. */
static int check_link(const struct cert *c, const struct cert *by, size_t number, struct err *e)
{
	EVP_PKEY *key = X509_get0_pubkey(by->x509);

	if (X509_NAME_cmp(X509_get_issuer_name(c->x509), X509_get_subject_name(by->x509)) != 0)
		return err_set(e, ERR_REFUSED, "certificate %zu names an issuer that is not the next certificate",
			       number);
	/* 1: basicConstraints say so; other numbers are for what was done before there were any */
	if (X509_check_ca(by->x509) != 1)
		return err_set(e, ERR_REFUSED, "certificate %zu is not one of a CA", number + 1);
	if (!key || X509_verify(c->x509, key) != 1)
		return err_set(e, ERR_REFUSED, "certificate %zu is not signed by the next certificate", number);
	return 0;
}

static int check_links(const struct chain *c, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < c->n && rc == 0; i++)
		if (X509_check_purpose(c->v[i]->x509, -1, 0) != 1)
			rc = err_set(e, ERR_REFUSED, "certificate %zu has damaged extensions", i + 1);
	for (size_t i = 0; i + 1 < c->n && rc == 0; i++)
		rc = check_link(c->v[i], c->v[i + 1], i + 1, e);
	ERR_clear_error();
	return rc;
}

int chain_parse(struct chain *out, const char *pem, size_t len, struct err *e)
{
	*out = (struct chain){ 0 };
	if (len > CHAIN_TEXT_MAX)
		return err_set(e, ERR_REFUSED, "a chain of more than %zu bytes", CHAIN_TEXT_MAX);
	out->v = mem_array(CHAIN_MAX, sizeof(struct cert *));
	if (read_blocks(out, pem, pem + len, e) == 0 && check_links(out, e) == 0)
		return 0;
	chain_free(out);
	return -1;
}

void chain_free(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		cert_free(c->v[i]);
	free(c->v);
	*c = (struct chain){ 0 };
}

/* --- judging a chain --- */

static int compare_names(const struct strv *want, const struct strv *have, struct err *e)
{
	for (size_t i = 0; i < want->n; i++)
		if (!strv_has(have, want->v[i]))
			return err_set(e, ERR_REFUSED, "the certificate is not for \"%s\"", want->v[i]);
	for (size_t i = 0; i < have->n; i++)
		if (!strv_has(want, have->v[i]))
			return err_set(e, ERR_REFUSED, "the certificate is also for \"%s\"", have->v[i]);
	return 0;
}

/* The common name is no name: clients do not look at it. */
static int check_names(X509 *x, const struct strv *names, struct err *e)
{
	struct strv want = { 0 }, have = { 0 };
	unsigned char raw[16];
	int rc = crypto_alt_names(&have, x, e);

	if (rc == 0)
		err_set(e, ERR_REFUSED, "the certificate has no names (subjectAltName)");
	if (rc <= 0) {
		e->kind = ERR_REFUSED;
		strv_free(&have);
		return -1;
	}
	for (size_t i = 0; i < names->n; i++)
		strv_take(&want, crypto_name(names->v[i]));
	rc = compare_names(&want, &have, e);
	/* an address in a dNSName is of no use to anybody */
	for (size_t i = 0; i < want.n && rc == 0; i++)
		if (crypto_address(raw, want.v[i]) && X509_check_ip_asc(x, want.v[i], 0) != 1)
			rc = err_set(e, ERR_REFUSED, "the certificate has \"%s\" as a name, not as an address",
				     want.v[i]);
	strv_free(&want);
	strv_free(&have);
	return rc;
}

static bool for_servers(const X509 *x)
{
	bool has = false;
	int found;
	EXTENDED_KEY_USAGE *uses = X509_get_ext_d2i(x, NID_ext_key_usage, &found, NULL);

	if (!uses)
		return found == -1;             /* not there: for anything */
	for (int i = 0; i < sk_ASN1_OBJECT_num(uses); i++)
		has |= OBJ_obj2nid(sk_ASN1_OBJECT_value(uses, i)) == NID_server_auth;
	EXTENDED_KEY_USAGE_free(uses);
	return has;
}

static int check_leaf(const struct cert *c, int64_t now, struct err *e)
{
	struct cert_info info;
	char when[WHEN_TEXT_LEN];
	int64_t from_at, until_at;

	if (cert_inspect(&info, c, e) < 0) {
		e->kind = ERR_REFUSED;
		return -1;
	}
	from_at = info.not_before_at;
	until_at = info.not_after_at;
	cert_info_free(&info);
	when_format_instant(when, from_at > now + HOUR ? from_at : until_at);
	if (from_at > now + HOUR)
		return err_set(e, ERR_REFUSED, "the certificate is valid from %s on only", when);
	if (until_at <= now)
		return err_set(e, ERR_REFUSED, "the certificate has expired at %s", when);
	if (X509_check_ca(c->x509) != 0 || X509_get_extension_flags(c->x509) & EXFLAG_CA)
		return err_set(e, ERR_REFUSED, "the certificate is one of a CA");
	if (!for_servers(c->x509))
		return err_set(e, ERR_REFUSED, "the certificate is not for servers (extendedKeyUsage)");
	if (X509_check_purpose(c->x509, X509_PURPOSE_SSL_SERVER, 0) != 1)
		return err_set(e, ERR_REFUSED, "the certificate is not for servers (keyUsage)");
	/* of a precertificate (RFC 6962), for one */
	if (X509_get_extension_flags(c->x509) & EXFLAG_CRITICAL)
		return err_set(e, ERR_REFUSED, "the certificate has a critical extension that nobody knows");
	return 0;
}

int chain_check(const struct chain *c, const struct key *k, const struct strv *names, int64_t now,
		struct err *e)
{
	int rc;

	if (c->n == 0)
		return err_set(e, ERR_REFUSED, "there is no certificate");
	if (!cert_matches_key(c->v[0], k))
		return err_set(e, ERR_REFUSED, "the certificate is not for the key that was asked for");
	rc = check_names(c->v[0]->x509, names, e);
	if (rc == 0)
		rc = check_leaf(c->v[0], now, e);
	ERR_clear_error();
	return rc;
}

int chain_write(struct buf *pem, const struct chain *c, size_t from, struct err *e)
{
	for (size_t i = from; i < c->n; i++)
		if (cert_write(pem, c->v[i], e) < 0)
			return -1;
	return 0;
}

/* One of the common names, byte by byte. */
static bool has_common_name(const X509_NAME *name, const char *wanted)
{
	bool same = false;
	int at = -1;

	while (!same && (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0) {
		unsigned char *s = NULL;
		int len = ASN1_STRING_to_UTF8(&s, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

		same = len > 0 && (size_t)len == strlen(wanted) && memcmp(s, wanted, (size_t)len) == 0;
		OPENSSL_free(s);
	}
	return same;
}

/* Lower-case hex without colons; "" if wanted is no fingerprint. */
static void read_fingerprint(char out[SHA256_HEX_LEN + 1], const char *wanted)
{
	size_t n = 0;

	for (const char *p = wanted; *p && n < SHA256_HEX_LEN + 1; p++)
		if (*p != ':')
			out[n++] = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
	out[n > SHA256_HEX_LEN ? 0 : n] = '\0';
	if (!text_is_hex(out, SHA256_HEX_LEN / 2))
		out[0] = '\0';
}

int chain_leads_to(const struct chain *c, const char *wanted)
{
	char hex[SHA256_HEX_LEN + 1], spki[SHA256_HEX_LEN + 1], whole[SHA256_HEX_LEN + 1];
	int distance = -1;

	read_fingerprint(hex, wanted);
	for (size_t i = c->n; i-- > 0 && distance < 0;) {
		struct err ignored = { 0 };

		if (has_common_name(X509_get_issuer_name(c->v[i]->x509), wanted) ||
		    (i > 0 && hex[0] && cert_anchor(spki, whole, c->v[i], &ignored) == 0 && strcmp(hex, whole) == 0))
			distance = (int)(c->n - 1 - i);
	}
	ERR_clear_error();
	return distance;
}

int cert_der(struct buf *out, const struct cert *c, struct err *e)
{
	unsigned char *bytes = NULL;
	int len = i2d_X509(c->x509, &bytes);

	return take_der(out, bytes, len, "writing a certificate", e);
}

char *cert_renewal_id(const struct cert *c)
{
	const ASN1_OCTET_STRING *issuer = X509_get0_authority_key_id(c->x509);
	unsigned char *der = NULL;
	int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(c->x509), &der), tag, class;
	const unsigned char *p = der;
	char *id = NULL;
	long content;
	struct buf b;

	if (issuer && ASN1_STRING_length(issuer) > 0 && len > 0 &&
	    !(ASN1_get_object(&p, &content, &tag, &class, len) & 0x80)) {
		buf_init(&b, 4096);
		base64url_encode(&b, ASN1_STRING_get0_data(issuer), (size_t)ASN1_STRING_length(issuer));
		buf_add_char(&b, '.');
		base64url_encode(&b, p, (size_t)content);
		id = b.over ? NULL : buf_steal(&b);
		buf_free(&b);
	}
	OPENSSL_free(der);
	ERR_clear_error();
	return id;
}

/* --- the answer to tls-alpn-01 --- */

/* RFC 8737 section 3: an OCTET STRING of 32 bytes, and critical. */
static bool add_acme_identifier(X509 *x, const char *key_authorization)
{
	unsigned char value[2 + SHA256_LEN] = { V_ASN1_OCTET_STRING, SHA256_LEN };
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	ASN1_OCTET_STRING *s = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext = NULL;
	bool ok;

	crypto_digest(value + 2, key_authorization, strlen(key_authorization));
	ok = id && s && ASN1_OCTET_STRING_set(s, value, sizeof(value)) &&
	     (ext = X509_EXTENSION_create_by_OBJ(NULL, id, 1, s)) != NULL && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(s);
	ASN1_OBJECT_free(id);
	return ok;
}

struct cert *cert_alpn_answer(const struct key *k, const char *name, const char *key_authorization,
			      int64_t now, struct err *e)
{
	struct strv names = { 0 };
	X509 *x;

	strv_add(&names, name);
	x = crypto_leaf(k, &names, now - DAY, now + WEEK, e);
	strv_free(&names);
	if (!x)
		return NULL;
	if (!add_acme_identifier(x, key_authorization)) {
		crypto_error(e, "making the answer to tls-alpn-01");
		X509_free(x);
		return NULL;
	}
	return crypto_seal(x, k, e);
}

char *alpn_server_name(const char *name)
{
	unsigned char raw[16];
	size_t len = crypto_address(raw, name);
	struct buf b;
	char *reverse;

	if (len == 0)
		return mem_copy_str(name);
	buf_init(&b, 100);
	for (size_t i = len; i-- > 0;)
		if (len == 4)
			buf_addf(&b, "%u.", raw[i]);
		else
			buf_addf(&b, "%x.%x.", raw[i] & 15, raw[i] >> 4);
	buf_add_str(&b, len == 4 ? "in-addr.arpa" : "ip6.arpa");
	reverse = buf_steal(&b);
	buf_free(&b);
	return reverse;
}

/* --- giving that answer --- */

struct answer {
	char     *server_name;
	X509     *x509;
	EVP_PKEY *pkey;
};

struct alpn_answers {
	struct answer *v;
	size_t         n;
	SSL_CTX       *ctx;
};

struct alpn_connection {
	SSL *ssl;
	bool shaken, done;              /* the handshake is over; all is */
};

/* Without the extension OpenSSL would not ask pick_protocol, and go on. */
static int want_protocols(SSL *ssl, int *alert, void *unused)
{
	const unsigned char *list;
	size_t len;

	(void)unused;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &list, &len))
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int pick_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			 const unsigned char *in, unsigned in_len, void *unused)
{
	static const char acme[] = "acme-tls/1";

	(void)ssl, (void)unused;
	for (unsigned i = 0; i < in_len && in[i] < in_len - i; i += in[i] + 1u) {
		if (in[i] != sizeof(acme) - 1 || memcmp(in + i + 1, acme, sizeof(acme) - 1) != 0)
			continue;
		*out = in + i + 1;
		*out_len = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;      /* no_application_protocol */
}

static struct answer *find_answer(const struct alpn_answers *a, const char *server_name)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcasecmp(a->v[i].server_name, server_name) == 0)
			return &a->v[i];
	return NULL;
}

/* Is called without a server name, too. */
static int pick_answer(SSL *ssl, int *alert, void *answers)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct answer *answer = name ? find_answer(answers, name) : NULL;

	if (answer && SSL_use_certificate(ssl, answer->x509) == 1 &&
	    SSL_use_PrivateKey(ssl, answer->pkey) == 1)
		return SSL_TLSEXT_ERR_OK;
	*alert = answer ? SSL_AD_INTERNAL_ERROR : SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct alpn_answers *alpn_answers_new(void)
{
	struct alpn_answers *a = mem_alloc(sizeof(*a));

	a->ctx = SSL_CTX_new(TLS_server_method());
	if (!a->ctx || !SSL_CTX_set_min_proto_version(a->ctx, TLS1_2_VERSION) ||
	    !SSL_CTX_set_num_tickets(a->ctx, 0)) {
		ERR_clear_error();
		alpn_answers_free(a);
		return NULL;
	}
	/* nobody comes back, so nothing is to be resumed */
	SSL_CTX_set_options(a->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(a->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_client_hello_cb(a->ctx, want_protocols, NULL);
	SSL_CTX_set_alpn_select_cb(a->ctx, pick_protocol, NULL);
	SSL_CTX_set_tlsext_servername_callback(a->ctx, pick_answer);
	SSL_CTX_set_tlsext_servername_arg(a->ctx, a);
	ERR_clear_error();
	return a;
}

static void answer_free(struct answer *a)
{
	free(a->server_name);
	X509_free(a->x509);
	EVP_PKEY_free(a->pkey);
}

int alpn_answers_add(struct alpn_answers *a, const char *server_name, const struct key *k,
		     const struct cert *c, struct err *e)
{
	struct answer *to = find_answer(a, server_name);

	if (X509_check_private_key(c->x509, k->pkey) != 1)
		return crypto_error(e, "the certificate is not for the key");
	ERR_clear_error();
	if (to) {
		answer_free(to);
	} else {
		a->v = mem_resize(a->v, a->n + 1, sizeof(*a->v));
		to = &a->v[a->n++];
	}
	X509_up_ref(c->x509);
	EVP_PKEY_up_ref(k->pkey);
	*to = (struct answer){ mem_copy_str(server_name), c->x509, k->pkey };
	return 0;
}

void alpn_answers_free(struct alpn_answers *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		answer_free(&a->v[i]);
	free(a->v);
	SSL_CTX_free(a->ctx);
	free(a);
}

struct alpn_connection *alpn_accept(struct alpn_answers *a, int fd)
{
	SSL *ssl = SSL_new(a->ctx);
	struct alpn_connection *c;

	if (!ssl || !SSL_set_fd(ssl, fd)) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(ssl);
	ERR_clear_error();
	c = mem_alloc(sizeof(*c));
	c->ssl = ssl;
	return c;
}

/* What comes after the handshake is neither read nor waited for. */
enum alpn_wants alpn_step(struct alpn_connection *c)
{
	int rc = 0, why;

	ERR_clear_error();                      /* SSL_get_error looks into it */
	if (c->done)
		return ALPN_DONE;
	if (!c->shaken) {
		rc = SSL_accept(c->ssl);
		c->shaken = rc == 1;
	}
	if (c->shaken)
		rc = SSL_shutdown(c->ssl);
	why = rc < 0 ? SSL_get_error(c->ssl, rc) : SSL_ERROR_NONE;
	ERR_clear_error();
	if (why == SSL_ERROR_WANT_READ)
		return ALPN_READ;
	if (why == SSL_ERROR_WANT_WRITE)
		return ALPN_WRITE;
	c->done = true;
	return ALPN_DONE;
}

void alpn_close(struct alpn_connection *c)
{
	if (!c)
		return;
	SSL_free(c->ssl);
	free(c);
	ERR_clear_error();
}
