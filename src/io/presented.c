/* presented.c - certificates that a server presented, by OpenSSL: reading them, and judging them as a client.
 *
 * A verification goes on after whatever OpenSSL objects to, so that the fault that is told is the one nearest
 * to what must be done, and not the one that OpenSSL happens to meet first.  Dates are compared here, of all
 * certificates on the way, since OpenSSL leaves out the last one of a way that leads nowhere.
 * RFC 5280, RFC 6125, RFC 7671 section 5.
 * Touches: files of trusted CAs.
 */
#include "io/presented.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/crypto_parts.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

/* 112 bits: RSA from 2048 bits on, no SHA-1, as browsers and the OpenSSL of Debian have it; but of a trust
 * anchor from DNS 80 bits, as OpenSSL has it by itself: mail servers that take any certificate for most hosts
 * are no stricter with those that have records. */
#define AUTH_LEVEL      2
#define AUTH_LEVEL_DANE 1
#define NAMES_TOLD 3

/* --- reading --- */

/* NULL: it is none. */
static X509 *parse(const struct tls_der *der)
{
	const unsigned char *p = der->v;
	X509 *x = der->len && der->len <= INT32_MAX ? d2i_X509(NULL, &p, (long)der->len) : NULL;

	if (x && p != der->v + der->len) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

static void copy_der(struct tls_der *to, const unsigned char *bytes, size_t len)
{
	to->v = mem_alloc(len);
	to->len = len;
	memcpy(to->v, bytes, len);
}

static int take_spki(struct presented_cert *c, X509 *x, struct err *e)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (len <= 0)
		return crypto_error(e, "writing the public key");
	copy_der(&c->spki, der, (size_t)len);
	OPENSSL_free(der);
	return 0;
}

/* The NIST's name of a curve, or that of OpenSSL. */
static void curve_name(char *out, size_t size, const EVP_PKEY *pkey)
{
	char group[24] = "";
	const char *nist;
	int nid;

	if (!EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL))
		snprintf(group, sizeof(group), "of a curve of its own");
	nid = EC_curve_nist2nid(group);
	if (nid == NID_undef)
		nid = OBJ_sn2nid(group);
	nist = nid == NID_undef ? NULL : EC_curve_nid2nist(nid);
	snprintf(out, size, "ECDSA %s", nist ? nist : group);
}

static void take_key_kind(struct presented_cert *c, X509 *x)
{
	struct key key = { X509_get0_pubkey(x) };
	const char *type = key.pkey ? EVP_PKEY_get0_type_name(key.pkey) : NULL;

	c->type = key.pkey ? key_kind(&key) : KEY_OTHER;
	if (!type)
		snprintf(c->key, sizeof(c->key), "an unknown kind of key");
	else if (EVP_PKEY_is_a(key.pkey, "EC"))
		curve_name(c->key, sizeof(c->key), key.pkey);
	else if (EVP_PKEY_is_a(key.pkey, "ED25519") || EVP_PKEY_is_a(key.pkey, "ED448"))
		snprintf(c->key, sizeof(c->key), "Ed%s", type + 2);
	else
		snprintf(c->key, sizeof(c->key), "%.16s %d", type, EVP_PKEY_get_bits(key.pkey));
}

/* Names of which one is no name do not make the others worthless to a client. */
static void take_names(struct strv *names, const X509 *x)
{
	int found;
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, &found, NULL);
	struct err ignored;

	for (int i = 0; san && i < sk_GENERAL_NAME_num(san); i++) {
		int type;
		const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(san, i), &type);

		(void)!crypto_alt_name(names, type, s, &ignored);
	}
	if (!san && found == -1)
		(void)!crypto_common_name(names, x, &ignored);
	GENERAL_NAMES_free(san);
	crypto_names_tidy(names);
}

static void take_digests(struct presented_cert *c)
{
	crypto_hex_digest(c->cert_sha256, EVP_sha256(), c->cert.v, c->cert.len);
	crypto_hex_digest(c->cert_sha512, EVP_sha512(), c->cert.v, c->cert.len);
	crypto_hex_digest(c->spki_sha256, EVP_sha256(), c->spki.v, c->spki.len);
	crypto_hex_digest(c->spki_sha512, EVP_sha512(), c->spki.v, c->spki.len);
}

static int take_cert(struct presented_cert *c, const struct tls_der *der, X509 *x, struct err *e)
{
	copy_der(&c->cert, der->v, der->len);
	if (take_spki(c, x, e) < 0 ||
	    crypto_time(&c->from_at, X509_get0_notBefore(x), "notBefore", e) < 0 ||
	    crypto_time(&c->until_at, X509_get0_notAfter(x), "notAfter", e) < 0 ||
	    crypto_name_text(c->subject, X509_get_subject_name(x), e) < 0 ||
	    crypto_name_text(c->issuer, X509_get_issuer_name(x), e) < 0)
		return -1;
	if (crypto_serial(c->serial, x, e) < 0)
		snprintf(c->serial, sizeof(c->serial), "%.*s", (int)sizeof(c->serial) - 1, e->text);
	take_digests(c);
	take_key_kind(c, x);
	take_names(&c->names, x);
	c->self_signed = X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(x)) == 0;
	c->is_ca = X509_check_ca(x) == 1;
	return 0;
}

static int read_cert(struct presented_cert *c, const struct tls_der *der, size_t number, struct err *e)
{
	X509 *x = parse(der);
	int rc;

	if (!x) {
		ERR_clear_error();
		return err_set(e, ERR_REFUSED, "certificate %zu of the chain is damaged (%zu bytes)", number,
			       der->len);
	}
	rc = take_cert(c, der, x, e);
	X509_free(x);
	ERR_clear_error();
	if (rc < 0) {
		e->kind = ERR_REFUSED;
		err_wrap(e, "certificate %zu of the chain", number);
	}
	return rc;
}

int presented_read(struct presented *out, const struct tls_presented *from, struct err *e)
{
	*out = (struct presented){ 0 };
	if (from->n == 0)
		return err_set(e, ERR_REFUSED, "the server presented no certificate");
	if (from->n > TLS_CERTS_MAX)
		return err_set(e, ERR_REFUSED, "the server presented more than %d certificates", TLS_CERTS_MAX);
	out->v = mem_array(from->n, sizeof(*out->v));
	while (out->n < from->n) {
		out->n++;
		if (read_cert(&out->v[out->n - 1], &from->certs[out->n - 1], out->n, e) < 0) {
			presented_free(out);
			return -1;
		}
	}
	return 0;
}

void presented_free(struct presented *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].cert.v);
		free(p->v[i].spki.v);
		strv_free(&p->v[i].names);
	}
	free(p->v);
	*p = (struct presented){ 0 };
}

void presented_pem_sha256(char out[SHA256_HEX_LEN + 1], const struct tls_der *der, bool is_key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long len = 0;

	if (bio && PEM_write_bio(bio, is_key ? PEM_STRING_PUBLIC : PEM_STRING_X509, "", der->v, (long)der->len) > 0)
		len = BIO_get_mem_data(bio, &text);
	crypto_sha256(out, text, len > 0 ? (size_t)len : 0);
	BIO_free(bio);
	ERR_clear_error();
}

static EVP_PKEY *parse_key(const struct tls_der *der)
{
	const unsigned char *p = der->v;
	EVP_PKEY *key = der->len && der->len <= INT32_MAX ? d2i_PUBKEY(NULL, &p, (long)der->len) : NULL;

	if (key && p != der->v + der->len) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

bool presented_readable(const struct tls_der *der, bool is_key)
{
	EVP_PKEY *key = is_key ? parse_key(der) : NULL;
	X509 *x = is_key ? NULL : parse(der);
	bool readable = key || (x && X509_get0_pubkey(x));

	EVP_PKEY_free(key);
	X509_free(x);
	ERR_clear_error();
	return readable;
}

/* --- names --- */

static bool has_name(X509 *x, const char *name)
{
	unsigned char raw[16];
	size_t len = crypto_address(raw, name);
	bool has;

	/* a dot in front would stand for all that is below */
	if (!*name || *name == '.')
		return false;
	has = len ? X509_check_ip(x, raw, len, 0) == 1 :
	      X509_check_host(x, name, strlen(name), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1;
	ERR_clear_error();
	return has;
}

bool presented_names(const struct presented *p, const char *name)
{
	X509 *x = p->n ? parse(&p->v[0].cert) : NULL;
	bool has = x && has_name(x, name);

	X509_free(x);
	ERR_clear_error();
	return has;
}

/* --- verification --- */

/* What OpenSSL objected to, the first of each kind; X509_V_OK: nothing. */
struct objections {
	int   no_way, other;
	char *no_way_at, *other_at;     /* the certificate it was about */
};

/* The way has no end, or not one that is trusted. */
static const int no_ways[] = {
	X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
	X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_CERT_UNTRUSTED, X509_V_ERR_CERT_SIGNATURE_FAILURE,
	X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, X509_V_ERR_SUBJECT_ISSUER_MISMATCH,
};
static const int dates[] = { X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED };

static bool is_one(int code, const int *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* "the certificate", "the CA's certificate CN=Example CA" */
static char *call(const X509 *x, int depth)
{
	char subject[CRYPTO_NAME_LEN] = "";
	struct err ignored;

	if (depth == 0 || !x || crypto_name_text(subject, X509_get_subject_name(x), &ignored) < 0)
		return mem_copy_str(depth == 0 ? "the certificate" : "a certificate of the chain");
	return mem_format("the CA's certificate %s", *subject ? subject : "without a name");
}

static int note_objection(int ok, X509_STORE_CTX *ctx)
{
	struct objections *o = X509_STORE_CTX_get_app_data(ctx);
	int code = X509_STORE_CTX_get_error(ctx);
	bool no_way = is_one(code, no_ways, ARRAY_LEN(no_ways));
	int *first = no_way ? &o->no_way : &o->other;

	if (ok || is_one(code, dates, ARRAY_LEN(dates)) || *first != X509_V_OK)
		return 1;
	*first = code;
	*(no_way ? &o->no_way_at : &o->other_at) =
		call(X509_STORE_CTX_get_current_cert(ctx), X509_STORE_CTX_get_error_depth(ctx));
	return 1;
}

static STACK_OF(X509) *parse_all(const struct presented *p)
{
	STACK_OF(X509) *all = sk_X509_new_null();

	for (size_t i = 0; all && i < p->n; i++) {
		X509 *x = parse(&p->v[i].cert);

		if (!x || sk_X509_push(all, x) <= 0)
			X509_free(x);
	}
	return all;
}

/* Dates of all on the way: who is valid too late, or too early; NULL: nobody. */
static char *find_date(STACK_OF(X509) *way, int64_t now, bool expired)
{
	for (int i = 0; i < sk_X509_num(way); i++) {
		X509 *x = sk_X509_value(way, i);
		int64_t from_at, until_at;
		char when[WHEN_TEXT_LEN], *it, *text;
		struct err ignored;

		if (crypto_time(&from_at, X509_get0_notBefore(x), "", &ignored) < 0 ||
		    crypto_time(&until_at, X509_get0_notAfter(x), "", &ignored) < 0 ||
		    !(expired ? until_at <= now : from_at > now))
			continue;
		when_format_minute(when, expired ? until_at : from_at);
		it = call(x, i);
		text = expired ? mem_format("%s expired at %s", it, when) :
		       mem_format("%s is not valid before %s", it, when);
		free(it);
		return text;
	}
	return NULL;
}

static char *say_names(const struct presented *p, const struct strv *names)
{
	const struct strv *have = &p->v[0].names;
	struct buf b;
	char *text;

	buf_init(&b, 1500);
	buf_addf(&b, "the certificate is not for %s", names->n ? names->v[0] : "any name that was asked for");
	for (size_t i = 0; i < have->n && i < NAMES_TOLD; i++)
		buf_addf(&b, "%s%s", i ? ", " : ", but for ", have->v[i]);
	if (have->n > NAMES_TOLD)
		buf_addf(&b, " and %zu more", have->n - NAMES_TOLD);
	if (!have->n)
		buf_add_str(&b, ": it has no names");
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

/* Where the way ends that leads to nobody who is trusted. */
static char *say_no_way(STACK_OF(X509) *way, const struct objections *o, const X509 *anchor)
{
	int last = sk_X509_num(way) - 1;
	const X509 *top = last >= 0 ? sk_X509_value(way, last) : NULL;
	char issuer[CRYPTO_NAME_LEN] = "", *it = call(top, last < 0 ? 0 : last), *text;
	struct err ignored;

	if (o->no_way == X509_V_ERR_CERT_SIGNATURE_FAILURE)
		text = mem_format("%s is not signed by the key of its issuer", o->no_way_at);
	else if (anchor)
		text = mem_format("the chain does not lead from the certificate to the trust anchor; it ends at %s",
				  it);
	else if (top && X509_NAME_cmp(X509_get_subject_name(top), X509_get_issuer_name(top)) == 0)
		text = mem_format("the chain leads to a CA that is not trusted: %s", it);
	else if (top && crypto_name_text(issuer, X509_get_issuer_name(top), &ignored) == 0)
		text = mem_format("the issuer of %s, %s, is not known here, and the server does not send its "
				  "certificate", it, *issuer ? issuer : "which has no name");
	else
		text = mem_format("%s: %s", it, X509_verify_cert_error_string(o->no_way));
	free(it);
	return text;
}

/* The first fault in the order of the enum. */
static enum presented_fault find_fault(char **why, const struct presented *p, const struct strv *names,
				       STACK_OF(X509) *way, const struct objections *o, const X509 *anchor, int64_t now)
{
	*why = find_date(way, now, false);
	if (*why)
		return PRESENTED_NOT_YET;
	*why = find_date(way, now, true);
	if (*why)
		return PRESENTED_EXPIRED;
	for (size_t i = 0; names && i <= names->n; i++) {
		if (i < names->n && has_name(sk_X509_value(way, 0), names->v[i]))
			break;
		if (i < names->n)
			continue;
		*why = say_names(p, names);
		return PRESENTED_WRONG_NAME;
	}
	if (o->no_way == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT && !anchor) {
		*why = mem_copy_str("the certificate is signed by itself, and not by a CA");
		return PRESENTED_SELF_SIGNED;
	}
	if (o->no_way != X509_V_OK) {
		*why = say_no_way(way, o, anchor);
		return PRESENTED_UNTRUSTED;
	}
	if (o->other != X509_V_OK) {
		*why = mem_format("%s: %s", o->other_at, X509_verify_cert_error_string(o->other));
		return PRESENTED_OTHER;
	}
	return PRESENTED_OK;
}

static void take_way(struct presented *out, STACK_OF(X509) *way)
{
	struct tls_der certs[TLS_CERTS_MAX + 2] = { 0 };
	struct tls_presented from = { .certs = certs };
	struct err ignored;

	for (int i = 0; i < sk_X509_num(way) && from.n < TLS_CERTS_MAX; i++) {
		int len = i2d_X509(sk_X509_value(way, i), &certs[from.n].v);

		if (len > 0)
			certs[from.n++].len = (size_t)len;
	}
	if (presented_read(out, &from, &ignored) < 0)
		*out = (struct presented){ 0 };
	for (size_t i = 0; i < from.n; i++)
		OPENSSL_free(certs[i].v);
}

/* With the CAs in the store, or with `anchor` alone. */
static enum presented_fault verify(char **why, struct presented *way, const struct presented *p,
				   X509_STORE *store, X509 *anchor, const struct strv *names, int64_t now)
{
	enum presented_fault fault = PRESENTED_OTHER;
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *certs = parse_all(p), *found;
	struct objections o = { 0 };
	int rc;

	if (!ctx || !certs || (size_t)sk_X509_num(certs) != p->n || !p->n || !store ||
	    (anchor && !X509_STORE_add_cert(store, anchor)) ||
	    !X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs)) {
		*why = mem_copy_str("OpenSSL cannot verify it");
		goto out;
	}
	X509_STORE_CTX_set_app_data(ctx, &o);
	X509_STORE_CTX_set_verify_cb(ctx, note_objection);
	X509_STORE_CTX_set_time(ctx, 0, (time_t)now);
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(ctx), anchor ? AUTH_LEVEL_DANE : AUTH_LEVEL);
	if (anchor)
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
	rc = X509_verify_cert(ctx);
	found = X509_STORE_CTX_get0_chain(ctx);
	/* no objection that was noted, and no success: memory, or what OpenSSL gives up at */
	if (rc <= 0 && o.other == X509_V_OK && o.no_way == X509_V_OK) {
		o.other = X509_STORE_CTX_get_error(ctx);
		o.other = o.other == X509_V_OK ? X509_V_ERR_UNSPECIFIED : o.other;
		o.other_at = mem_copy_str("the chain");
	}
	fault = find_fault(why, p, names, found && sk_X509_num(found) ? found : certs, &o, anchor, now);
	if (way && fault == PRESENTED_OK)
		take_way(way, found);
out:
	X509_STORE_CTX_free(ctx);
	sk_X509_pop_free(certs, X509_free);
	free(o.no_way_at);
	free(o.other_at);
	ERR_clear_error();
	return fault;
}

/* The system's CAs, read once: there may be hundreds of chains.  NULL: they cannot be read. */
static X509_STORE *system_store(void)
{
	static X509_STORE *store;
	X509_STORE *made;

	if (store)
		return store;
	made = X509_STORE_new();
	if (made && X509_STORE_set_default_paths(made) == 1)
		return store = made;
	X509_STORE_free(made);
	return NULL;
}

/* To be freed; what cannot be read is an empty one, and not *loaded. */
static X509_STORE *store_of(bool *loaded, const char *ca_file)
{
	X509_STORE *store = ca_file ? NULL : system_store();

	*loaded = store && X509_STORE_up_ref(store);
	if (*loaded)
		return store;
	store = X509_STORE_new();
	*loaded = store && ca_file && X509_STORE_load_file(store, ca_file) == 1;
	return store;
}

enum presented_fault presented_path(char **why, struct presented *way, const struct presented *p,
				    const struct strv *names, const char *ca_file, int64_t now)
{
	bool loaded;
	X509_STORE *store = store_of(&loaded, ca_file);
	enum presented_fault fault;

	*why = NULL;
	if (way)
		*way = (struct presented){ 0 };
	fault = verify(why, way, p, store, NULL, names, now);
	if (!loaded && (fault == PRESENTED_UNTRUSTED || fault == PRESENTED_SELF_SIGNED)) {
		free(*why);
		*why = mem_format("no trusted CAs can be read from %s", ca_file ? ca_file : "the system's files");
	}
	X509_STORE_free(store);
	ERR_clear_error();
	return fault;
}

enum presented_fault presented_verify(char **why, const struct presented *p, const struct strv *names,
				      const char *ca_file, int64_t now)
{
	return presented_path(why, NULL, p, names, ca_file, now);
}

static enum presented_fault verify_to(char **why, const struct presented *p, const struct tls_der *anchor,
				      const struct strv *names, int64_t now)
{
	X509_STORE *store = X509_STORE_new();
	X509 *x = parse(anchor);
	enum presented_fault fault = PRESENTED_UNTRUSTED;

	if (x)
		fault = verify(why, NULL, p, store, x, names, now);
	else
		*why = mem_copy_str("the trust anchor is not a certificate");
	X509_free(x);
	X509_STORE_free(store);
	ERR_clear_error();
	return fault;
}

enum presented_fault presented_verify_to(char **why, const struct presented *p, size_t anchor,
					 const struct strv *names, int64_t now)
{
	*why = NULL;
	if (anchor >= p->n)
		mem_bug("a trust anchor that is not in the chain");
	return verify_to(why, p, &p->v[anchor].cert, names, now);
}

/* What the key has signed is as good as an anchor; the nearest to the leaf that holds. */
static enum presented_fault verify_by_key(char **why, const struct presented *p, EVP_PKEY *key,
					  const struct strv *names, int64_t now)
{
	enum presented_fault fault = PRESENTED_UNTRUSTED;

	*why = mem_copy_str("no certificate that the server sends is signed by that key");
	for (size_t i = 0; i < p->n && fault != PRESENTED_OK; i++) {
		X509 *x = parse(&p->v[i].cert);

		if (x && X509_verify(x, key) == 1) {
			free(*why);
			fault = presented_verify_to(why, p, i, names, now);
		}
		X509_free(x);
	}
	ERR_clear_error();
	return fault;
}

enum presented_fault presented_verify_with(char **why, const struct presented *p,
					   const struct tls_der *anchor, bool is_key,
					   const struct strv *names, int64_t now)
{
	enum presented_fault fault;
	EVP_PKEY *key;

	*why = NULL;
	if (!is_key)
		return verify_to(why, p, anchor, names, now);
	key = parse_key(anchor);
	if (!key) {
		ERR_clear_error();
		*why = mem_copy_str("the trust anchor is not a public key");
		return PRESENTED_UNTRUSTED;
	}
	fault = verify_by_key(why, p, key, names, now);
	EVP_PKEY_free(key);
	return fault;
}
