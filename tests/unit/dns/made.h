/* made.h - records, zone keys, signatures and messages for tests, made from text by means of our own:
 * canonical forms as RFC 4034 section 6 has them, the arithmetic by OpenSSL.
 * Touches: nothing.
 */
#ifndef TESTS_DNS_MADE_H
#define TESTS_DNS_MADE_H

#include "base/mem.h"
#include "dns/ask.h"

#include <arpa/inet.h>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#define MADE_NOW ((int64_t)1800000000)

#define MADE_OK(x) do { if (!(x)) mem_bug("made.h: " #x); } while (0)

static inline void made_16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

static inline void made_32(struct buf *b, uint32_t v)
{
	made_16(b, v >> 16);
	made_16(b, v & 0xffff);
}

static inline void made_name(struct buf *b, const char *name)
{
	unsigned char wire[255];
	size_t len;

	MADE_OK(dns_name_wire(wire, &len, name));
	buf_add(b, wire, len);
}

static inline void made_hex(struct buf *b, const char *hex)
{
	for (; hex[0] && hex[1]; hex += 2) {
		unsigned byte;

		MADE_OK(sscanf(hex, "%2x", &byte) == 1);
		buf_add_char(b, (char)byte);
	}
}

static inline void made_string(struct buf *b, const char *s, size_t len)
{
	buf_add_char(b, (char)len);
	buf_add(b, s, len);
}

/* "A 192.0.2.1", "AAAA ::1", "NS name", "CNAME name", "DNAME name", "TLSA 3 1 1 hex", "NSEC hex",
 * "SOA mname serial minimum", "TXT text", "CAA flags tag value". */
static inline uint16_t made_rdata(struct buf *b, const char *text)
{
	unsigned u, s, m;
	uint32_t serial, minimum;
	char word[256], type[16];
	unsigned char bytes[16];

	if (sscanf(text, "TLSA %u %u %u %255s", &u, &s, &m, word) == 4) {
		buf_add_char(b, (char)u);
		buf_add_char(b, (char)s);
		buf_add_char(b, (char)m);
		made_hex(b, word);
		return DNS_TLSA;
	}
	if (sscanf(text, "SOA %255s %u %u", word, &serial, &minimum) == 3) {
		made_name(b, word);
		made_name(b, "hostmaster.test");
		made_32(b, serial);
		for (int i = 0; i < 3; i++)
			made_32(b, 3600);
		made_32(b, minimum);
		return DNS_SOA;
	}
	if (strncmp(text, "TXT ", 4) == 0) {
		made_string(b, text + 4, strlen(text + 4));
		return DNS_TXT;
	}
	if (sscanf(text, "CAA %u %255s", &u, word) == 2) {
		buf_add_char(b, (char)u);
		made_string(b, word, strlen(word));
		buf_add_str(b, strchr(strchr(text + 4, ' ') + 1, ' ') + 1);
		return DNS_CAA;
	}
	if (sscanf(text, "TYPE%u %255s", &u, word) == 2) {
		made_hex(b, word);
		return (uint16_t)u;
	}
	MADE_OK(sscanf(text, "%15s %255s", type, word) == 2);
	if (strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0) {
		MADE_OK(inet_pton(type[1] ? AF_INET6 : AF_INET, word, bytes) == 1);
		buf_add(b, bytes, type[1] ? 16 : 4);
		return type[1] ? DNS_AAAA : DNS_A;
	}
	if (strcmp(type, "NSEC") == 0) {
		made_name(b, "zz.test");
		made_hex(b, word);
		return DNS_NSEC;
	}
	made_name(b, word);
	return strcmp(type, "NS") == 0 ? DNS_NS : strcmp(type, "CNAME") == 0 ? DNS_CNAME : DNS_DNAME;
}

static inline void made_add_raw(struct dns_rrs *l, const char *owner, uint32_t ttl, uint16_t type,
				const struct buf *rdata)
{
	char *copy = mem_copy_str(owner);

	dns_rrs_add(l, &(struct dns_rr){ .owner = copy, .type = type, .class_ = DNS_CLASS_IN,
					 .ttl = ttl, .rdata = (unsigned char *)rdata->s,
					 .rdata_len = rdata->len });
	free(copy);
}

static inline void made_add(struct dns_rrs *l, const char *owner, uint32_t ttl, const char *text)
{
	struct buf b;
	uint16_t type;

	buf_init(&b, 65535);
	type = made_rdata(&b, text);
	made_add_raw(l, owner, ttl, type, &b);
	buf_free(&b);
}

/* Keys and signatures --------------------------------------------------------------------------- */

enum { MADE_RSA = 8, MADE_P256 = 13, MADE_ED25519 = 15 };

struct made_key {
	EVP_PKEY *key;
	int       algorithm;
	uint16_t  tag;
};

static inline void made_public(struct buf *b, EVP_PKEY *key, int algorithm)
{
	unsigned char bytes[600];
	size_t len = sizeof(bytes);

	if (algorithm == MADE_RSA) {            /* RFC 3110 section 2 */
		BIGNUM *n = NULL, *e = NULL;

		MADE_OK(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) &&
			EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e));
		len = (size_t)BN_bn2bin(e, bytes);
		buf_add_char(b, (char)len);
		buf_add(b, bytes, len);
		len = (size_t)BN_bn2bin(n, bytes);
		buf_add(b, bytes, len);
		BN_free(n);
		BN_free(e);
	} else if (algorithm == MADE_P256) {    /* RFC 6605 section 4: x and y */
		MADE_OK(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, bytes,
							sizeof(bytes), &len) && len == 65);
		buf_add(b, bytes + 1, 64);
	} else {
		MADE_OK(EVP_PKEY_get_raw_public_key(key, bytes, &len));
		buf_add(b, bytes, len);
	}
}

static inline uint16_t made_tag(const unsigned char *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

/* The DNSKEY record of a key with these flags; its tag goes into the key. */
static inline void made_dnskey(struct dns_rrs *keys, struct made_key *k, const char *zone,
			       unsigned flags, unsigned protocol)
{
	struct buf b;

	buf_init(&b, 1024);
	made_16(&b, flags);
	buf_add_char(&b, (char)protocol);
	buf_add_char(&b, (char)k->algorithm);
	made_public(&b, k->key, k->algorithm);
	k->tag = made_tag((const unsigned char *)b.s, b.len);
	made_add_raw(keys, zone, 3600, DNS_DNSKEY, &b);
	buf_free(&b);
}

static inline struct made_key made_key(int algorithm)
{
	struct made_key k = { .algorithm = algorithm };

	k.key = algorithm == MADE_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048) :
		algorithm == MADE_P256 ? EVP_EC_gen("P-256") :
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	MADE_OK(k.key);
	return k;
}

/* What a signature says; 0 and NULL: as it should be. */
struct made_sig {
	const char *signer;             /* the zone */
	int         labels;             /* -1: those of the owner */
	int64_t     from_at, until_at;
	uint32_t    original_ttl;
	uint16_t    type;               /* covered */
	int         tag, algorithm;     /* other than those of the key, if not 0 */
};

static inline int made_order(const void *a, const void *b)
{
	const struct dns_rr *x = *(const struct dns_rr *const *)a, *y = *(const struct dns_rr *const *)b;
	size_t len = x->rdata_len < y->rdata_len ? x->rdata_len : y->rdata_len;
	int order = memcmp(x->rdata, y->rdata, len);

	return order ? order : (x->rdata_len > y->rdata_len) - (x->rdata_len < y->rdata_len);
}

/* The owner as it was signed: of a wildcard's expansion the wildcard. */
static inline void made_signed_owner(struct buf *b, const char *owner, int labels)
{
	int more = (int)dns_name_labels(owner) - labels;

	if (strncmp(owner, "*.", 2) == 0)
		more--;
	if (more <= 0) {
		made_name(b, owner);
		return;
	}
	while (more--)
		owner = strchr(owner, '.') + 1;
	buf_add(b, "\1*", 2);
	made_name(b, owner);
}

static inline void made_ecdsa_raw(unsigned char *sig, size_t *len)
{
	const unsigned char *p = sig;
	ECDSA_SIG *s = d2i_ECDSA_SIG(NULL, &p, (long)*len);
	unsigned char raw[64];

	MADE_OK(s && BN_bn2binpad(ECDSA_SIG_get0_r(s), raw, 32) == 32 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(s), raw + 32, 32) == 32);
	ECDSA_SIG_free(s);
	memcpy(sig, raw, 64);
	*len = 64;
}

/* Signs those records of l that have this owner and type, and adds the RRSIG. */
static inline void made_sign(struct dns_rrs *l, const char *owner, uint16_t type,
			     const struct made_key *k, const char *zone, struct made_sig s)
{
	const struct dns_rr **set = mem_array(l->n, sizeof(*set));
	unsigned char sig[600];
	size_t len = sizeof(sig), n = 0, head;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf b;

	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].type == type && strcmp(l->v[i].owner, owner) == 0)
			set[n++] = &l->v[i];
	MADE_OK(n);
	qsort(set, n, sizeof(*set), made_order);
	if (s.labels < 0)
		s.labels = (int)dns_name_labels(owner) - (strncmp(owner, "*.", 2) == 0);
	s.original_ttl = s.original_ttl ? s.original_ttl : set[0]->ttl;
	buf_init(&b, 65535);
	made_16(&b, s.type ? s.type : type);
	buf_add_char(&b, (char)(s.algorithm ? s.algorithm : k->algorithm));
	buf_add_char(&b, (char)s.labels);
	made_32(&b, s.original_ttl);
	made_32(&b, (uint32_t)(s.until_at ? s.until_at : MADE_NOW + 86400));
	made_32(&b, (uint32_t)(s.from_at ? s.from_at : MADE_NOW - 3600));
	made_16(&b, s.tag ? (unsigned)s.tag : k->tag);
	made_name(&b, s.signer ? s.signer : zone);
	head = b.len;
	for (size_t i = 0; i < n; i++) {
		made_signed_owner(&b, owner, s.labels);
		made_16(&b, type);
		made_16(&b, DNS_CLASS_IN);
		made_32(&b, s.original_ttl);
		made_16(&b, (unsigned)set[i]->rdata_len);
		buf_add(&b, set[i]->rdata, set[i]->rdata_len);
	}
	MADE_OK(EVP_DigestSignInit(ctx, NULL, k->algorithm == MADE_ED25519 ? NULL : EVP_sha256(), NULL,
				   k->key) == 1);
	MADE_OK(EVP_DigestSign(ctx, sig, &len, (const unsigned char *)b.s, b.len) == 1);
	if (k->algorithm == MADE_P256)
		made_ecdsa_raw(sig, &len);
	b.len = head;
	buf_add(&b, sig, len);
	made_add_raw(l, owner, set[0]->ttl, DNS_RRSIG, &b);
	buf_free(&b);
	EVP_MD_CTX_free(ctx);
	free(set);
}

/* Messages -------------------------------------------------------------------------------------- */

static inline void made_section(struct buf *b, const struct dns_rrs *l)
{
	for (size_t i = 0; i < l->n; i++) {
		made_name(b, l->v[i].owner);
		made_16(b, l->v[i].type);
		made_16(b, l->v[i].class_);
		made_32(b, l->v[i].ttl);
		made_16(b, (unsigned)l->v[i].rdata_len);
		buf_add(b, l->v[i].rdata, l->v[i].rdata_len);
	}
}

/* A reply in wire form; flags as in the header, with QR set, and the rcode in them. */
static inline void made_reply(struct buf *b, uint16_t id, unsigned flags, const char *name,
			      uint16_t type, const struct dns_rrs *answer,
			      const struct dns_rrs *authority, const struct dns_rrs *additional)
{
	made_16(b, id);
	made_16(b, 0x8000 | flags);
	made_16(b, 1);
	made_16(b, (unsigned)answer->n);
	made_16(b, (unsigned)authority->n);
	made_16(b, (unsigned)additional->n);
	made_name(b, name);
	made_16(b, type);
	made_16(b, DNS_CLASS_IN);
	made_section(b, answer);
	made_section(b, authority);
	made_section(b, additional);
}

#endif
