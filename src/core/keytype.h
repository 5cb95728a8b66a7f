/* keytype.h - the kinds of keys that a line may have, by the names used in the configuration. */
#ifndef CORE_KEYTYPE_H
#define CORE_KEYTYPE_H

#include <stdbool.h>
#include <stddef.h>

enum key_type {
	KEY_EC_256,
	KEY_EC_384,
	KEY_RSA_2048,
	KEY_RSA_3072,
	KEY_RSA_4096,
	KEY_OTHER,              /* an adopted key of a kind that cannot be configured */
	KEY_TYPE_N,
};

/* What a client can ask a server for: of each family it presents one key at most. */
enum key_family { KEY_FAMILY_RSA, KEY_FAMILY_ECDSA, KEY_FAMILY_ANY, KEY_FAMILY_N };
enum key_family key_type_family(enum key_type t);       /* ANY of KEY_OTHER */
const char *key_family_name(enum key_family f);         /* "RSA", "ECDSA", "any" */

const char *key_type_name(enum key_type t);             /* "ec-256" */
bool key_type_parse(const char *name, enum key_type *t);        /* KEY_OTHER is not parsed */

/* An ordered list without duplicates: the first is the primary type, whose files carry no type name. */
struct key_types {
	enum key_type v[KEY_TYPE_N];
	size_t        n;
};

bool key_types_have(const struct key_types *l, enum key_type t);
bool key_types_same(const struct key_types *a, const struct key_types *b);      /* in any order */

#endif
