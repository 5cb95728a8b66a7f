/* challenge.h - what a CA wants to see: RFC 8555 section 8, RFC 8737, RFC 8738. */
#ifndef ACME_CHALLENGE_H
#define ACME_CHALLENGE_H

#include "io/jose.h"
#include "io/json.h"

enum challenge_type { HTTP_01, DNS_01, TLS_ALPN_01, CHALLENGE_TYPES_N };
#define CHALLENGE_TYPES_ALL ((1U << CHALLENGE_TYPES_N) - 1)      /* a mask, 1 << type */
const char *challenge_type_name(enum challenge_type t);         /* "http-01" */
bool challenge_type_parse(const char *s, enum challenge_type *out);

/* The one challenge of an authorization that is answered. */
struct challenge {
	char *name;                     /* the identifier: no "*." */
	bool  wildcard;                 /* it is for "*." and the name */
	bool  address;                  /* it is an IP address */
	enum challenge_type type;
	char *url;
	char *token;                    /* [A-Za-z0-9_-]+: fit for a file name */
	char *key_authorization;
	char  digest[JOSE_DIGEST_LEN + 1];      /* of that: the value of a TXT record */
	struct err err;                 /* why it cannot be answered, or what the CA says of it */
};

/* How challenges are answered. */
struct responder {
	void *arg;
	/* One of the types in `offered` (a mask, 1 << type) for a name; -1 and *e if none will do. */
	int  (*choose)(void *arg, const char *name, bool wildcard, unsigned offered, struct err *e);
	/* Puts all in place and looks whether a CA would see each; those that it would not see have their
	 * err set, and are not offered to the CA. */
	void (*present)(void *arg, struct challenge *v, size_t n);
	/* Takes all away again.  Follows every present. */
	void (*withdraw)(void *arg, struct challenge *v, size_t n);
};

/* A token: base64url, 1 to 128 bytes. */
bool challenge_token_ok(const char *s);
void challenge_free(struct challenge *c);

/* "_acme-challenge.www.example.org"; the caller frees. */
char *challenge_record(const char *name);

#endif
