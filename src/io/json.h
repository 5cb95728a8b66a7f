/* json.h - JSON by jansson; its type stays inside.
 *
 * Values are owned by their parent; only roots are freed.  Getters accept NULL and wrong types and
 * then return the given fallback, so that reading is a flat list of lines; what must be there is
 * checked with json_has().  Building a value that cannot be built (bad UTF-8) puts a "?" text in
 * its place, and a key that cannot be one becomes "?".
 */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct json;

#define JSON_DEPTH_MAX 32

/* A document is one object or one array.  Duplicate keys, more than JSON_DEPTH_MAX levels, a NUL in
 * a string, or anything after the value are errors (ERR_LOCAL, "line 3 column 7: ...").  The caller
 * has capped len. */
struct json *json_parse(const char *s, size_t len, struct err *e);
void json_free(struct json *root);

struct json *json_new_object(void);
struct json *json_new_array(void);
/* jansson exports these two names, so ours are called otherwise for the linker */
#define json_object() json_new_object()
#define json_array()  json_new_array()

/* setters take over `value` and return it; key NULL appends to an array; a key that is there is
 * replaced in its place */
struct json *json_put(struct json *to, const char *key, struct json *value);
void json_put_str(struct json *to, const char *key, const char *s);     /* NULL: JSON null */
void json_put_int(struct json *to, const char *key, int64_t n);
void json_put_bool(struct json *to, const char *key, bool b);
void json_put_texts(struct json *to, const char *key, const struct strv *l);      /* as an array */
struct json *json_clone(const struct json *v);           /* NULL of NULL */
void json_drop(struct json *from, const char *key);     /* not being there is no error */

struct json *json_get(const struct json *o, const char *key);           /* NULL if absent */
bool json_has_members(const struct json *v);    /* whether it is an object; false for NULL */
bool json_has(const struct json *o, const char *key);                   /* true for null, too */
const char *json_str(const struct json *o, const char *key, const char *fallback);
/* a real number is not an integer, whatever its value */
int64_t json_int(const struct json *o, const char *key, int64_t fallback);
bool json_bool(const struct json *o, const char *key, bool fallback);
size_t json_len(const struct json *a);                  /* 0 if not an array */
struct json *json_at(const struct json *a, size_t i);
/* added to out, in their order; none if o is not an object */
void json_keys(struct strv *out, const struct json *o);
const char *json_text(const struct json *v);            /* a string value, or NULL */
/* added to out, in their order; "" for what is no string */
void json_texts(struct strv *out, const struct json *a);
/* Nowhere in it a number below -1, or a control character other than newline and tab. */
bool json_plain(const struct json *v);
/* The same value, whatever the order of members. */
bool json_same(const struct json *a, const struct json *b);

/* Two-space indentation and a newline at the end if pretty, else one line without blanks and
 * newline.  Keys stay in the order in which they were put.  What out cannot hold is lost: look at
 * out->over. */
void json_print(struct buf *out, const struct json *v, bool pretty);

#endif
