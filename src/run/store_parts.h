/* store_parts.h - what store.c and store_*.c share; nobody else includes it. */
#ifndef RUN_STORE_PARTS_H
#define RUN_STORE_PARTS_H

#include "core/ledger.h"
#include "io/json.h"

/* "eyes" of the state; what is missing or not understood is as if it had never been seen. */
void store_put_eyes(struct json *state, const struct ledger *l);
void store_get_eyes(struct ledger *l, const struct json *list);
/* "served" of the state; the same. */
void store_put_served(struct json *state, const struct ledger *l);
void store_get_served(struct ledger *l, const struct json *list);

#endif
