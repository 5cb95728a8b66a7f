/* json.c - JSON by jansson.
 * Touches: nothing but memory.
 */
#include "io/json.h"

#include "base/mem.h"

#undef json_object                      /* from here on the names are jansson's */
#undef json_array
#include <jansson.h>

static json_t *inside(const struct json *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct json *outside(json_t *v)
{
	return (struct json *)v;
}

/* jansson answers NULL when there is no memory left */
static json_t *need(json_t *v)
{
	if (!v)
		mem_bug("jansson cannot make a value");
	return v;
}

/* --- reading --- */

/* jansson alone would recurse 2048 levels deep.  Up to the first error, strings begin and end at
 * the same places here and there, so the same brackets count. */
static int check_depth(const char *s, size_t len, struct err *e)
{
	size_t line = 1, line_start = 0;
	bool in_string = false;
	int depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n') {
			line++;
			line_start = i + 1;
		} else if (in_string) {
			if (s[i] == '\\')
				i++;
			else if (s[i] == '"')
				in_string = false;
		} else if (s[i] == '"') {
			in_string = true;
		} else if (s[i] == '}' || s[i] == ']') {
			depth--;
		} else if ((s[i] == '{' || s[i] == '[') && ++depth > JSON_DEPTH_MAX) {
			return err_set(e, ERR_LOCAL,
				       "line %zu column %zu: more than %d levels deep", line,
				       i - line_start + 1, JSON_DEPTH_MAX);
		}
	}
	return 0;
}

/* jansson shows the bytes that it stumbled over. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			*s = '?';
}

struct json *json_parse(const char *s, size_t len, struct err *e)
{
	json_error_t why;
	json_t *root;

	if (check_depth(s, len, e) < 0)
		return NULL;
	root = json_loadb(s, len, JSON_REJECT_DUPLICATES, &why);
	if (!root) {
		make_printable(why.text);
		err_set(e, ERR_LOCAL, "line %d column %d: %s", why.line, why.column, why.text);
	}
	return outside(root);
}

void json_free(struct json *root)
{
	json_decref(inside(root));
}

/* --- building --- */

struct json *json_new_object(void)
{
	return outside(need(json_object()));
}

struct json *json_new_array(void)
{
	return outside(need(json_array()));
}

struct json *json_put(struct json *to, const char *key, struct json *value)
{
	json_t *v = inside(value);

	if (!key) {
		if (json_array_append_new(inside(to), v) < 0)
			mem_bug("a JSON value put into what is no array");
		return value;
	}
	/* a failure drops the value; the second reference keeps it for the second attempt */
	json_incref(v);
	if (json_object_set_new(inside(to), key, v) < 0 &&
	    json_object_set(inside(to), "?", v) < 0)
		mem_bug("a JSON value put into what is no object");
	json_decref(v);
	return value;
}

void json_put_str(struct json *to, const char *key, const char *s)
{
	json_t *v = s ? json_string(s) : json_null();

	json_put(to, key, outside(need(v ? v : json_string("?"))));
}

void json_put_texts(struct json *to, const char *key, const struct strv *l)
{
	struct json *list = json_put(to, key, json_new_array());

	for (size_t i = 0; i < l->n; i++)
		json_put_str(list, NULL, l->v[i]);
}

struct json *json_clone(const struct json *v)
{
	return v ? outside(need(json_deep_copy(inside(v)))) : NULL;
}

void json_drop(struct json *from, const char *key)
{
	(void)json_object_del(inside(from), key);
}

void json_put_int(struct json *to, const char *key, int64_t n)
{
	json_put(to, key, outside(need(json_integer(n))));
}

void json_put_bool(struct json *to, const char *key, bool b)
{
	json_put(to, key, outside(need(json_boolean(b))));
}

/* --- looking --- */

struct json *json_get(const struct json *o, const char *key)
{
	return outside(json_object_get(inside(o), key));
}

bool json_has_members(const struct json *v)
{
	return json_is_object(inside(v));
}

bool json_has(const struct json *o, const char *key)
{
	return json_get(o, key) != NULL;
}

const char *json_str(const struct json *o, const char *key, const char *fallback)
{
	const char *s = json_text(json_get(o, key));

	return s ? s : fallback;
}

int64_t json_int(const struct json *o, const char *key, int64_t fallback)
{
	json_t *v = json_object_get(inside(o), key);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

bool json_bool(const struct json *o, const char *key, bool fallback)
{
	json_t *v = json_object_get(inside(o), key);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

size_t json_len(const struct json *a)
{
	return json_array_size(inside(a));
}

struct json *json_at(const struct json *a, size_t i)
{
	return outside(json_array_get(inside(a), i));
}

void json_keys(struct strv *out, const struct json *o)
{
	json_t *in = json_is_object(inside(o)) ? (json_t *)inside(o) : NULL, *part;
	const char *key;

	json_object_foreach(in, key, part)
		strv_add(out, key);
}

const char *json_text(const struct json *v)
{
	return json_string_value(inside(v));
}

void json_texts(struct strv *out, const struct json *a)
{
	for (size_t i = 0; i < json_len(a); i++) {
		const char *text = json_text(json_at(a, i));

		strv_add(out, text ? text : "");
	}
}

static bool plain_text(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

/* json_parse bounds the depth */
static bool plain(const json_t *v)
{
	json_t *in = (json_t *)v, *part;
	const char *key;
	size_t i;

	if (json_is_integer(v))
		return json_integer_value(v) >= -1;
	if (json_is_string(v))
		return plain_text(json_string_value(v));
	json_array_foreach(in, i, part)
		if (!plain(part))
			return false;
	json_object_foreach(in, key, part)
		if (!plain_text(key) || !plain(part))
			return false;
	return true;
}

bool json_plain(const struct json *v)
{
	return plain(inside(v));
}

bool json_same(const struct json *a, const struct json *b)
{
	return json_equal(inside(a), inside(b));
}

/* --- writing --- */

static int add(const char *bytes, size_t len, void *out)
{
	buf_add(out, bytes, len);
	return 0;
}

void json_print(struct buf *out, const struct json *v, bool pretty)
{
	size_t flags = JSON_ENCODE_ANY | (pretty ? JSON_INDENT(2) : JSON_COMPACT);

	if (json_dump_callback(inside(v), add, out, flags) < 0)
		mem_bug("a JSON value that cannot be written");
	if (pretty)
		buf_add_char(out, '\n');
}
