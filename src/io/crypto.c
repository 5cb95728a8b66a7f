/* crypto.c - keys and certificates by OpenSSL 3; its types stay inside.
 *
 * Every function leaves OpenSSL's error queue empty, so that a reason found there is of this call.
 * What holds a private key in PEM or DER is OpenSSL's secure kind of memory or BIO, which is wiped
 * when it is freed.  Nothing asks the terminal for a passphrase.  RFC 5280, RFC 7468.
 * Touches: private keys, in memory; the system's random numbers.
 */
#include "io/crypto.h"

#include "base/mem.h"
#include "base/text.h"
#include "io/crypto_parts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <sys/random.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define PEM_TEXT_MAX  ((size_t)16 << 20)
#define CN_MAX        64                        /* ub-common-name, RFC 5280 appendix A.1 */
#define SERIAL_BYTES  16
#define FIRST_SECOND  ((int64_t)-62167219200)   /* 0000-01-01, as far as GeneralizedTime reaches */
#define LAST_SECOND   ((int64_t)253402300799)   /* 9999-12-31T23:59:59Z, RFC 5280 4.1.2.5 */

int crypto_error(struct err *e, const char *what)
{
	const char *why = ERR_reason_error_string(ERR_get_error());

	err_set(e, ERR_LOCAL, "%s: %s", what, why ? why : "OpenSSL gives no reason");
	ERR_clear_error();
	return -1;
}

static struct key *key_wrap(EVP_PKEY *pkey)
{
	struct key *k = mem_alloc(sizeof(*k));

	k->pkey = pkey;
	return k;
}

static struct cert *cert_wrap(X509 *x509)
{
	struct cert *c = mem_alloc(sizeof(*c));

	c->x509 = x509;
	return c;
}

/* --- random numbers and digests --- */

void crypto_random(unsigned char *out, size_t len)
{
	while (len) {
		ssize_t n = getrandom(out, len, 0);

		if (n < 0 && errno != EINTR)
			mem_bug("the system gives no random numbers");
		if (n > 0) {
			out += n;
			len -= (size_t)n;
		}
	}
}

uint16_t crypto_draw(void)
{
	uint16_t d;

	crypto_random((unsigned char *)&d, sizeof(d));
	return d;
}

void crypto_hex_digest(char *out, const EVP_MD *md, const void *bytes, size_t len)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int n;

	if (!EVP_Digest(bytes, len, raw, &n, md, NULL))
		mem_bug("OpenSSL cannot compute a digest");
	text_hex(out, raw, n);
}

int crypto_hmac(struct buf *out, const char *digest_name, const void *mac_key, size_t mac_key_len,
		const struct buf *text, struct err *e)
{
	/* OpenSSL takes what it only reads as if it were to be written */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)digest_name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	unsigned char raw[EVP_MAX_MD_SIZE];
	size_t len;
	bool ok = ctx && EVP_MAC_init(ctx, mac_key, mac_key_len, params) &&
		  EVP_MAC_update(ctx, (const unsigned char *)text->s, text->len) &&
		  EVP_MAC_final(ctx, raw, &len, sizeof(raw));

	EVP_MAC_CTX_free(ctx);                  /* wipes its copy of the key */
	EVP_MAC_free(mac);
	if (!ok)
		return crypto_error(e, "computing a MAC");
	buf_add(out, raw, len);
	ERR_clear_error();
	return 0;
}

bool crypto_same(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_digest(unsigned char out[SHA256_LEN], const void *bytes, size_t len)
{
	if (!EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL))
		mem_bug("OpenSSL cannot compute a digest");
}

void crypto_sha256(char out[SHA256_HEX_LEN + 1], const void *bytes, size_t len)
{
	crypto_hex_digest(out, EVP_sha256(), bytes, len);
}

/* Takes over der, of which len bytes are a SubjectPublicKeyInfo if len is positive. */
static int spki_digests(struct spki_digests *out, unsigned char *der, int len, struct err *e)
{
	*out = (struct spki_digests){ 0 };
	if (len <= 0)
		return crypto_error(e, "writing the public key");
	crypto_hex_digest(out->sha256, EVP_sha256(), der, (size_t)len);
	crypto_hex_digest(out->sha512, EVP_sha512(), der, (size_t)len);
	OPENSSL_free(der);
	ERR_clear_error();
	return 0;
}

/* --- keys --- */

struct key *key_make(enum key_type t, struct err *e)
{
	EVP_PKEY *pkey = NULL;

	switch (t) {
	case KEY_EC_256:
		pkey = EVP_EC_gen("P-256");
		break;
	case KEY_EC_384:
		pkey = EVP_EC_gen("P-384");
		break;
	case KEY_RSA_2048:
		pkey = EVP_RSA_gen(2048);
		break;
	case KEY_RSA_3072:
		pkey = EVP_RSA_gen(3072);
		break;
	case KEY_RSA_4096:
		pkey = EVP_RSA_gen(4096);
		break;
	case KEY_OTHER:
	case KEY_TYPE_N:
		mem_bug("a key is to be made of a kind that cannot be configured");
	}
	if (!pkey) {
		crypto_error(e, "making a key");
		return NULL;
	}
	ERR_clear_error();
	return key_wrap(pkey);
}

/* OpenSSL's way to ask for a passphrase: noted and refused. */
static int refuse_passphrase(char *to, int size, int writing, void *asked)
{
	(void)to, (void)size, (void)writing;
	*(bool *)asked = true;
	return -1;
}

static bool no_block_found(void)
{
	unsigned long code = ERR_peek_last_error();

	return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

struct key *key_parse(const char *pem, size_t len, struct err *e)
{
	unsigned char *der = NULL;
	EVP_PKEY *pkey = NULL;
	bool encrypted = false;
	char *label = NULL;
	long der_len = 0;
	BIO *bio;

	if (len > PEM_TEXT_MAX) {
		err_set(e, ERR_LOCAL, "too long for a private key");
		return NULL;
	}
	bio = BIO_new_mem_buf(pem, (int)len);
	/* "ANY PRIVATE KEY" stands for all labels of keys; other blocks are passed over */
	if (!bio || !PEM_bytes_read_bio_secmem(&der, &der_len, &label, PEM_STRING_EVP_PKEY, bio,
					       refuse_passphrase, &encrypted)) {
		if (no_block_found())
			err_set(e, ERR_LOCAL, "there is no private key in it (PEM is expected)");
		else
			crypto_error(e, "not a private key in PEM");
	} else if (strcmp(label, PEM_STRING_PKCS8) == 0) {
		encrypted = true;
	} else {
		const unsigned char *p = der;

		pkey = d2i_AutoPrivateKey(NULL, &p, der_len);
		if (!pkey)
			crypto_error(e, "a damaged private key");
	}
	if (encrypted)
		err_set(e, ERR_LOCAL, "is encrypted; certline needs a key without a passphrase");
	OPENSSL_secure_clear_free(der, (size_t)der_len);
	OPENSSL_secure_free(label);
	BIO_free(bio);
	ERR_clear_error();
	return pkey ? key_wrap(pkey) : NULL;
}

void key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

/* What stands in a memory BIO, which is freed; too much for `out` is an error. */
static int take_bio(struct buf *out, BIO *bio, struct err *e)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	buf_add(out, text, (size_t)len);
	BIO_free(bio);
	ERR_clear_error();
	if (out->over)
		return err_set(e, ERR_LOCAL, "writing PEM: longer than %zu bytes", out->max);
	return 0;
}

int key_write(struct buf *pem_out, const struct key *k, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_secmem());

	if (!bio || !PEM_write_bio_PKCS8PrivateKey(bio, k->pkey, NULL, NULL, 0, NULL, NULL)) {
		BIO_free(bio);
		return crypto_error(e, "writing the private key");
	}
	return take_bio(pem_out, bio, e);
}

static enum key_type ec_kind(const EVP_PKEY *pkey)
{
	char curve[32], encoding[32];
	int nid;

	/* a curve that is spelt out instead of named is one that TLS has no word for */
	if (!EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL) ||
	    !EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING, encoding,
					    sizeof(encoding), NULL) ||
	    strcmp(encoding, OSSL_PKEY_EC_ENCODING_GROUP) != 0)
		return KEY_OTHER;
	nid = EC_curve_nist2nid(curve);
	if (nid == NID_undef)
		nid = OBJ_sn2nid(curve);
	return nid == NID_X9_62_prime256v1 ? KEY_EC_256 :
	       nid == NID_secp384r1 ? KEY_EC_384 : KEY_OTHER;
}

enum key_type key_kind(const struct key *k)
{
	enum key_type t = KEY_OTHER;

	if (EVP_PKEY_is_a(k->pkey, "EC")) {
		t = ec_kind(k->pkey);
	} else if (EVP_PKEY_is_a(k->pkey, "RSA")) {
		int bits = EVP_PKEY_get_bits(k->pkey);

		t = bits == 2048 ? KEY_RSA_2048 : bits == 3072 ? KEY_RSA_3072 :
		    bits == 4096 ? KEY_RSA_4096 : KEY_OTHER;
	}
	ERR_clear_error();
	return t;
}

int key_spki(struct spki_digests *out, const struct key *k, struct err *e)
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(k->pkey, &der);

	return spki_digests(out, der, len, e);
}

/* Key formats are looked up when a key is first read, and when one is first written. */
void crypto_prepare(void)
{
	static bool done;
	struct spki_digests d;
	struct key *k, *again;
	struct err ignored;
	struct buf pem;

	if (done)
		return;
	buf_init(&pem, PEM_TEXT_MAX);
	k = key_make(KEY_EC_256, &ignored);
	if (k && key_write(&pem, k, &ignored) == 0) {
		again = key_parse(pem.s, pem.len, &ignored);
		done = again && key_spki(&d, again, &ignored) == 0;
		key_free(again);
	}
	key_free(k);
	buf_wipe(&pem);
}

/* --- names --- */

/* A visible ASCII text, which every dNSName is. */
static bool plain_name(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] <= 0x20 || s[i] >= 0x7f)
			return false;
	return len > 0;
}

int crypto_check_names(const struct strv *names, struct err *e)
{
	for (size_t i = 0; i < names->n; i++)
		if (!plain_name(names->v[i], strlen(names->v[i])))
			return err_set(e, ERR_LOCAL, "not a name for a certificate: \"%s\"",
				       names->v[i]);
	if (names->n == 0)
		return err_set(e, ERR_LOCAL, "a certificate needs at least one name");
	return 0;
}

/* What addr_parse takes, but for ports and brackets. */
size_t crypto_address(unsigned char out[16], const char *name)
{
	return inet_pton(AF_INET, name, out) == 1 ? 4 : inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

/* len is 4 or 16.  RFC 5952 is what inet_ntop does. */
static char *address_text(const unsigned char *raw, size_t len)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(len == 4 ? AF_INET : AF_INET6, raw, text, sizeof(text));
	return mem_copy_str(text);
}

static char *lower_name(const char *s, size_t len)
{
	char *name = mem_copy_strn(s, len);

	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

char *crypto_name(const char *name)
{
	unsigned char raw[16];
	size_t len = crypto_address(raw, name);

	return len ? address_text(raw, len) : lower_name(name, strlen(name));
}

void crypto_names_tidy(struct strv *names)
{
	size_t n = 0;

	strv_sort(names);
	for (size_t i = 0; i < names->n; i++) {
		if (n && strcmp(names->v[n - 1], names->v[i]) == 0)
			free(names->v[i]);
		else
			names->v[n++] = names->v[i];
	}
	names->n = n;
}

static bool push_name(GENERAL_NAMES *list, const char *name)
{
	unsigned char raw[16];
	size_t len = crypto_address(raw, name);
	ASN1_STRING *s = len ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	GENERAL_NAME *g = GENERAL_NAME_new();
	bool ok = s && g && (len ? ASN1_STRING_set(s, raw, (int)len) : ASN1_STRING_set(s, name, -1));

	if (ok) {
		GENERAL_NAME_set0_value(g, len ? GEN_IPADD : GEN_DNS, s);
		s = NULL;
		ok = sk_GENERAL_NAME_push(list, g) > 0;
	}
	if (ok)
		g = NULL;
	ASN1_STRING_free(s);
	GENERAL_NAME_free(g);
	return ok;
}

/* Built as values, not as a text for X509V3_EXT_conf_nid: that has a syntax of its own. */
GENERAL_NAMES *crypto_general_names(const struct strv *names)
{
	GENERAL_NAMES *list = GENERAL_NAMES_new();
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < names->n; i++)
		ok = push_name(list, names->v[i]);
	if (!ok) {
		GENERAL_NAMES_free(list);
		list = NULL;
	}
	return list;
}

/* --- making certificates --- */

/* RFC 5280 4.1.2.2: positive, and at most 20 bytes. */
static bool set_serial(X509 *x)
{
	static const unsigned char zero[SERIAL_BYTES];
	unsigned char raw[SERIAL_BYTES];
	BIGNUM *n;
	bool ok;

	do
		crypto_random(raw, sizeof(raw));
	while (memcmp(raw, zero, sizeof(raw)) == 0);
	n = BN_bin2bn(raw, sizeof(raw), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

/* For people only, clients look at the SAN.  But an issuer must not be empty (RFC 5280 4.1.2.4),
 * and here it is the subject. */
static bool set_subject(X509 *x, const struct strv *names)
{
	X509_NAME *name = X509_get_subject_name(x);
	unsigned char raw[16];
	const char *text;
	size_t i = 0;
	bool fits;

	while (i < names->n && crypto_address(raw, names->v[i]))
		i++;
	fits = i < names->n && strlen(names->v[i]) <= CN_MAX;
	text = fits ? names->v[i] : "certline";
	return X509_NAME_add_entry_by_NID(name, fits ? NID_commonName : NID_organizationName,
					  MBSTRING_UTF8, (const unsigned char *)text, -1, -1, 0) &&
	       X509_set_issuer_name(x, name);
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool add_names(X509 *x, const struct strv *names)
{
	GENERAL_NAMES *list = crypto_general_names(names);
	bool ok = list && X509_add1_ext_i2d(x, NID_subject_alt_name, list, 0, X509V3_ADD_DEFAULT) == 1;

	GENERAL_NAMES_free(list);
	return ok;
}

const EVP_MD *crypto_signing_digest(const struct key *k)
{
	char name[32];

	if (EVP_PKEY_get_default_digest_name(k->pkey, name, sizeof(name)) == 2 &&
	    strcmp(name, "UNDEF") == 0)
		return NULL;
	return key_kind(k) == KEY_EC_384 ? EVP_sha384() : EVP_sha256();
}

X509 *crypto_leaf(const struct key *k, const struct strv *names, int64_t not_before_at,
		  int64_t not_after_at, struct err *e)
{
	const char *usage = EVP_PKEY_is_a(k->pkey, "RSA") ?
			    "critical,digitalSignature,keyEncipherment" :
			    "critical,digitalSignature";
	X509 *x = NULL;

	if (crypto_check_names(names, e) < 0)
		return NULL;
	if (not_before_at < FIRST_SECOND || not_after_at > LAST_SECOND ||
	    not_after_at < not_before_at) {
		err_set(e, ERR_LOCAL, "a certificate cannot be valid from %lld to %lld",
			(long long)not_before_at, (long long)not_after_at);
		return NULL;
	}
	x = X509_new();
	if (!x || !X509_set_version(x, X509_VERSION_3) || !set_serial(x) ||
	    !set_subject(x, names) ||
	    !ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before_at) ||
	    !ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after_at) ||
	    !X509_set_pubkey(x, k->pkey) ||
	    !add_extension(x, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_extension(x, NID_key_usage, usage) ||
	    !add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth") ||
	    !add_extension(x, NID_subject_key_identifier, "hash") || !add_names(x, names)) {
		crypto_error(e, "making a self-signed certificate");
		X509_free(x);
		return NULL;
	}
	ERR_clear_error();
	return x;
}

struct cert *crypto_seal(X509 *x, const struct key *k, struct err *e)
{
	if (!X509_sign(x, k->pkey, crypto_signing_digest(k))) {
		crypto_error(e, "signing a certificate");
		X509_free(x);
		return NULL;
	}
	ERR_clear_error();
	return cert_wrap(x);
}

struct cert *cert_self_sign(const struct key *k, const struct strv *names, int64_t not_before_at,
			    int64_t not_after_at, struct err *e)
{
	X509 *x = crypto_leaf(k, names, not_before_at, not_after_at, e);

	return x ? crypto_seal(x, k, e) : NULL;
}

/* --- reading and writing certificates --- */

/* The first line of [p, end) that is `line` and perhaps blanks; *after is where the next starts. */
static const char *find_line(const char *p, const char *end, const char *line, const char **after)
{
	size_t len = strlen(line);

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *next = eol ? eol + 1 : end;

		if ((size_t)(next - p) >= len && memcmp(p, line, len) == 0) {
			const char *q = p + len;

			while (q < next && (*q == ' ' || *q == '\t' || *q == '\r' || *q == '\n'))
				q++;
			if (q == next) {
				*after = next;
				return p;
			}
		}
		p = next;
	}
	return NULL;
}

/* OpenSSL reads encodings that it writes in another way, and then does not read. */
static bool reads_back(X509 *x)
{
	X509 *copy = X509_dup(x);
	bool same = copy && X509_cmp(copy, x) == 0;

	X509_free(copy);
	ERR_clear_error();
	return same;
}

struct cert *cert_parse(const char *pem, size_t len, const char **rest, struct err *e)
{
	const char *end = pem + len, *begin, *after;
	unsigned char *der = NULL;
	const unsigned char *p;
	bool encrypted = false;
	X509 *x = NULL;
	long der_len = 0;
	BIO *bio = NULL;

	begin = find_line(pem, end, "-----BEGIN CERTIFICATE-----", &after);
	if (!begin) {
		err_set(e, ERR_LOCAL, "there is no certificate in it (PEM is expected)");
		return NULL;
	}
	if (!find_line(after, end, "-----END CERTIFICATE-----", &after)) {
		err_set(e, ERR_LOCAL, "a certificate without its end");
		return NULL;
	}
	/* nothing but this block, so that no other block's damage is in the way */
	if ((size_t)(after - begin) > PEM_TEXT_MAX) {
		err_set(e, ERR_LOCAL, "too long for a certificate");
		return NULL;
	}
	bio = BIO_new_mem_buf(begin, (int)(after - begin));
	if (!bio || !PEM_bytes_read_bio(&der, &der_len, NULL, PEM_STRING_X509, bio,
					refuse_passphrase, &encrypted)) {
		crypto_error(e, "not a certificate in PEM");
		goto out;
	}
	p = der;
	x = d2i_X509(NULL, &p, der_len);
	if (!x) {
		crypto_error(e, "a damaged certificate");
	} else if (p != der + der_len) {
		err_set(e, ERR_LOCAL, "a damaged certificate: there are bytes behind its end");
		X509_free(x);
		x = NULL;
	} else if (!reads_back(x)) {
		err_set(e, ERR_LOCAL, "a damaged certificate: it would not read back once stored");
		X509_free(x);
		x = NULL;
	}
out:
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	if (x && rest)
		*rest = after;
	return x ? cert_wrap(x) : NULL;
}

void cert_free(struct cert *c)
{
	if (!c)
		return;
	X509_free(c->x509);
	free(c);
}

int cert_write(struct buf *pem_out, const struct cert *c, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (!bio || !PEM_write_bio_X509(bio, c->x509)) {
		BIO_free(bio);
		return crypto_error(e, "writing the certificate");
	}
	return take_bio(pem_out, bio, e);
}

/* --- looking into certificates --- */

int crypto_time(int64_t *out_at, const ASN1_TIME *t, const char *what, struct err *e)
{
	struct tm tm;

	if (!t || !ASN1_TIME_to_tm(t, &tm)) {
		ERR_clear_error();
		return err_set(e, ERR_LOCAL, "a damaged certificate: no date in %s", what);
	}
	*out_at = timegm(&tm);
	return 0;
}

int crypto_serial(char out[CRYPTO_SERIAL_LEN], const X509 *x, struct err *e)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(n);
	bool minus = ASN1_STRING_type(n) == V_ASN1_NEG_INTEGER;

	/* RFC 5280 4.1.2.2: up to 20 bytes; forbidden negative ones exist and are read */
	if (len < 1 || (size_t)len * 2 + 1 + minus > CRYPTO_SERIAL_LEN)
		return err_set(e, ERR_LOCAL, "a serial number of %d bytes", len);
	if (minus)
		out[0] = '-';
	text_hex(out + minus, ASN1_STRING_get0_data(n), (size_t)len);
	return 0;
}

int crypto_name_text(char out[CRYPTO_NAME_LEN], const X509_NAME *name, struct err *e)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	/* RFC 2253 escapes all that is not printable ASCII */
	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0) {
		BIO_free(bio);
		return crypto_error(e, "reading a distinguished name");
	}
	len = BIO_get_mem_data(bio, &text);
	out[0] = '\0';
	if ((size_t)len >= CRYPTO_NAME_LEN)
		snprintf(out, CRYPTO_NAME_LEN, "%.*s...", CRYPTO_NAME_LEN - 4, text);
	else if (len > 0)                       /* text is NULL for an empty name */
		snprintf(out, CRYPTO_NAME_LEN, "%.*s", (int)len, text);
	BIO_free(bio);
	return 0;
}

int crypto_alt_name(struct strv *names, int type, const ASN1_STRING *s, struct err *e)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(s);
	int len = ASN1_STRING_length(s);

	if (type != GEN_IPADD && type != GEN_DNS)
		return 0;
	if (type == GEN_IPADD) {
		if (len != 4 && len != 16)
			return err_set(e, ERR_LOCAL, "an iPAddress of %d bytes", len);
		strv_take(names, address_text(bytes, (size_t)len));
		return 0;
	}
	/* "good.example\0.evil.example" was issued once, and read as "good.example" */
	if (!plain_name((const char *)bytes, (size_t)len))
		return err_set(e, ERR_LOCAL, "a dNSName with bytes that no name has");
	strv_take(names, lower_name((const char *)bytes, (size_t)len));
	return 0;
}

int crypto_alt_names(struct strv *names, const X509 *x, struct err *e)
{
	int found, rc = 1;
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, &found, NULL);

	ERR_clear_error();
	if (!san && found == -1)
		return 0;
	if (!san)
		return err_set(e, ERR_LOCAL, found == -2 ? "more than one list of names" :
			       "a damaged list of names");
	for (int i = 0; rc > 0 && i < sk_GENERAL_NAME_num(san); i++) {
		int type;
		const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, i),
							       &type);

		if (crypto_alt_name(names, type, s, e) < 0)
			rc = -1;
	}
	GENERAL_NAMES_free(san);
	return rc;
}

/* The most specific common name, if it looks like a name of DNS ("Example Root CA" does not). */
int crypto_common_name(struct strv *names, const X509 *x, struct err *e)
{
	const X509_NAME *subject = X509_get_subject_name(x);
	unsigned char *s = NULL;
	int at = -1, next, len;

	while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		at = next;
	if (at < 0)
		return 0;
	len = ASN1_STRING_to_UTF8(&s, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0)
		return crypto_error(e, "reading the common name");
	if (memchr(s, '\0', (size_t)len)) {
		OPENSSL_free(s);
		return err_set(e, ERR_LOCAL, "a common name with bytes that no name has");
	}
	if (plain_name((const char *)s, (size_t)len))
		strv_take(names, lower_name((const char *)s, (size_t)len));
	OPENSSL_free(s);
	return 0;
}

static int inspect_names(struct strv *names, const X509 *x, struct err *e)
{
	int rc = crypto_alt_names(names, x, e);

	if (rc == 0)
		rc = crypto_common_name(names, x, e);
	crypto_names_tidy(names);
	return rc < 0 ? -1 : 0;
}

/* DER of the SubjectPublicKeyInfo, digested. */
static int digest_spki(struct spki_digests *out, const X509 *x, struct err *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	return spki_digests(out, der, len, e);
}

static int digest_cert(char out[SHA256_HEX_LEN + 1], const X509 *x, struct err *e)
{
	unsigned char raw[EVP_MAX_MD_SIZE];
	unsigned int raw_len;

	if (!X509_digest(x, EVP_sha256(), raw, &raw_len))
		return crypto_error(e, "computing the fingerprint");
	text_hex(out, raw, raw_len);
	return 0;
}

int cert_anchor(char spki[SHA256_HEX_LEN + 1], char whole[SHA256_HEX_LEN + 1], const struct cert *c,
		struct err *e)
{
	struct spki_digests d;

	if (digest_spki(&d, c->x509, e) < 0 || digest_cert(whole, c->x509, e) < 0)
		return -1;
	memcpy(spki, d.sha256, sizeof(d.sha256));
	return 0;
}

int cert_inspect(struct cert_info *out, const struct cert *c, struct err *e)
{
	const X509 *x = c->x509;
	int rc = -1;

	*out = (struct cert_info){ 0 };
	if (crypto_time(&out->not_before_at, X509_get0_notBefore(x), "notBefore", e) < 0 ||
	    crypto_time(&out->not_after_at, X509_get0_notAfter(x), "notAfter", e) < 0 ||
	    crypto_serial(out->serial, x, e) < 0 ||
	    crypto_name_text(out->issuer, X509_get_issuer_name(x), e) < 0 ||
	    inspect_names(&out->names, x, e) < 0)
		goto out;
	if (digest_cert(out->sha256, x, e) < 0)
		goto out;
	out->self_signed = X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(x)) == 0;
	rc = digest_spki(&out->spki, x, e);
out:
	ERR_clear_error();
	if (rc < 0)
		cert_info_free(out);
	return rc;
}

void cert_info_free(struct cert_info *i)
{
	strv_free(&i->names);
	*i = (struct cert_info){ 0 };
}

bool cert_matches_key(const struct cert *c, const struct key *k)
{
	unsigned char *a = NULL, *b = NULL;
	int a_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x509), &a);
	int b_len = i2d_PUBKEY(k->pkey, &b);
	bool same = a_len > 0 && a_len == b_len && memcmp(a, b, (size_t)a_len) == 0;

	OPENSSL_free(a);
	OPENSSL_free(b);
	ERR_clear_error();
	return same;
}
