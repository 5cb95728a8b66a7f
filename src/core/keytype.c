/* keytype.c - names of key types.
 * Touches: nothing.
 */
#include "core/keytype.h"

static const char *const names[] = {
	[KEY_EC_256] = "ec-256",
	[KEY_EC_384] = "ec-384",
	[KEY_RSA_2048] = "rsa-2048",
	[KEY_RSA_3072] = "rsa-3072",
	[KEY_RSA_4096] = "rsa-4096",
	[KEY_OTHER] = "other",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == KEY_TYPE_N, "a name for each key type");

static const enum key_family families[] = {
	[KEY_EC_256] = KEY_FAMILY_ECDSA,
	[KEY_EC_384] = KEY_FAMILY_ECDSA,
	[KEY_RSA_2048] = KEY_FAMILY_RSA,
	[KEY_RSA_3072] = KEY_FAMILY_RSA,
	[KEY_RSA_4096] = KEY_FAMILY_RSA,
	[KEY_OTHER] = KEY_FAMILY_ANY,
};
_Static_assert(sizeof(families) / sizeof(families[0]) == KEY_TYPE_N, "a family for each key type");

static const char *const family_names[] = {
	[KEY_FAMILY_RSA] = "RSA",
	[KEY_FAMILY_ECDSA] = "ECDSA",
	[KEY_FAMILY_ANY] = "any",
};
_Static_assert(sizeof(family_names) / sizeof(family_names[0]) == KEY_FAMILY_N, "a name for each family");

enum key_family key_type_family(enum key_type t)
{
	return families[t];
}

const char *key_family_name(enum key_family f)
{
	return family_names[f];
}

const char *key_type_name(enum key_type t)
{
	return names[t];
}

bool key_type_parse(const char *name, enum key_type *t)
{
	for (int i = 0; i < KEY_OTHER; i++) {
		if (strcmp(names[i], name) == 0) {
			*t = (enum key_type)i;
			return true;
		}
	}
	return false;
}

bool key_types_have(const struct key_types *l, enum key_type t)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == t)
			return true;
	return false;
}

bool key_types_same(const struct key_types *a, const struct key_types *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!key_types_have(b, a->v[i]))
			return false;
	return true;
}
