/* forge.h - certificates for tests, good ones and others: keys, chains and what is in them, by name.
 * Touches: a file in $TMPDIR, for trusted CAs.
 */
#ifndef TEST_FORGE_H
#define TEST_FORGE_H

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/presented.h"

#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define NOW ((int64_t)1800000000)

/* One certificate.  Who has the same key is told by `key`; NULL: nobody. */
struct forge {
	const char *name, *by;          /* by: the name of who signs it; NULL: itself */
	const char *subject;            /* CN; NULL: name; "": an empty one */
	const char *san;                /* as in openssl.cnf; NULL: none */
	const char *constraints, *usage, *uses;
	int64_t     from_for, until_for;        /* around NOW; 0: a day, 90 days */
	const char *key;                /* name of another that has the key, NULL: a fresh one */
	const char *kind;               /* "P-256"; "RSA-1024", "P-384", "ED25519" */
	const char *digest;             /* NULL: SHA256 */
	/* made: */
	X509       *x;
	EVP_PKEY   *pkey;
};

#define CA .constraints = "critical,CA:TRUE", .usage = "critical,keyCertSign"

static inline struct forge *forge_find(struct forge *all, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	mem_bug(name);
}

static inline void forge_extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	if (!value)
		return;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (!ext || !X509_add_ext(x, ext, -1))
		mem_bug(value);
	X509_EXTENSION_free(ext);
}

static inline EVP_PKEY *forge_key(const char *kind)
{
	if (kind && strcmp(kind, "RSA-1024") == 0)
		return EVP_RSA_gen(1024);
	if (kind && strcmp(kind, "RSA-2048") == 0)
		return EVP_RSA_gen(2048);
	if (kind && strcmp(kind, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(kind ? kind : "P-256");
}

static inline void forge_name(X509_NAME *to, const struct forge *f)
{
	const char *cn = f->subject ? f->subject : f->name;

	if (*cn)
		X509_NAME_add_entry_by_NID(to, NID_commonName, MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0);
}

static inline void forge_one(struct forge *all, size_t n, struct forge *f, long serial)
{
	struct forge *by = f->by ? forge_find(all, n, f->by) : f;
	X509 *x = X509_new();

	if (f->key) {
		f->pkey = forge_find(all, n, f->key)->pkey;
		EVP_PKEY_up_ref(f->pkey);
	} else {
		f->pkey = forge_key(f->kind);
	}
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	forge_name(X509_get_subject_name(x), f);
	forge_name(X509_get_issuer_name(x), by);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(NOW + (f->from_for ? f->from_for : -DAY)));
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(NOW + (f->until_for ? f->until_for : 90 * DAY)));
	X509_set_pubkey(x, f->pkey);
	forge_extend(x, NID_basic_constraints, f->constraints);
	forge_extend(x, NID_key_usage, f->usage);
	forge_extend(x, NID_ext_key_usage, f->uses);
	forge_extend(x, NID_subject_alt_name, f->san);
	if (!X509_sign(x, by->pkey, EVP_PKEY_is_a(by->pkey, "ED25519") ? NULL :
		       EVP_get_digestbyname(f->digest ? f->digest : "SHA256")))
		mem_bug("a certificate cannot be signed");
	f->x = x;
	ERR_clear_error();
}

/* Whoever signs, or lends a key, stands before those that it is for. */
static inline void forge_all(struct forge *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		forge_one(all, n, &all[i], (long)i + 1);
}

static inline void forge_free(struct forge *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		X509_free(all[i].x);
		EVP_PKEY_free(all[i].pkey);
	}
}

static inline struct tls_der forge_der(const struct forge *f, bool is_key)
{
	unsigned char *der = NULL;
	int len = is_key ? i2d_PUBKEY(f->pkey, &der) : i2d_X509(f->x, &der);
	struct tls_der out = { mem_alloc((size_t)len), (size_t)len };

	memcpy(out.v, der, (size_t)len);
	OPENSSL_free(der);
	return out;
}

static inline struct strv forge_words(const char *text, const char *between)
{
	struct strv l = { 0 };
	char *copy = mem_copy_str(text), *rest = copy, *s;

	while ((s = strsep(&rest, between)))
		if (*text_trim(s))
			strv_add(&l, text_trim(s));
	free(copy);
	return l;
}

/* "leaf ca root": what a server with these presents. */
static inline struct presented forge_present(struct forge *all, size_t n, const char *names)
{
	struct strv l = forge_words(names, " ");
	struct tls_presented from = { .certs = mem_array(l.n, sizeof(*from.certs)), .n = l.n };
	struct presented out;
	struct err e = { 0 };

	for (size_t i = 0; i < l.n; i++)
		from.certs[i] = forge_der(forge_find(all, n, l.v[i]), false);
	if (presented_read(&out, &from, &e) < 0)
		mem_bug(e.text);
	for (size_t i = 0; i < l.n; i++)
		free(from.certs[i].v);
	free(from.certs);
	strv_free(&l);
	return out;
}

static inline int forge_queue_is_empty(void **state)
{
	(void)state;
	return ERR_peek_error() ? -1 : 0;
}

/* A file of trusted CAs; the caller frees the name and removes the file. */
static inline char *forge_ca_file(struct forge *all, size_t n, const char *names)
{
	const char *dir = getenv("TMPDIR");
	char *path = mem_format("%s/certline-forge.XXXXXX", dir ? dir : "/tmp");
	struct strv l = forge_words(names, " ");
	FILE *f = fdopen(mkstemp(path), "w");

	for (size_t i = 0; f && i < l.n; i++)
		PEM_write_X509(f, forge_find(all, n, l.v[i])->x);
	if (!f || fclose(f) != 0)
		mem_bug(path);
	strv_free(&l);
	return path;
}

#endif
