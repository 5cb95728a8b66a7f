/* json.c - JSON by jansson, which owns every value and decides what is valid.
 *
 * jansson reads byte by byte through a callback: 30 us for the 1.5 KB that describe a line, and an
 * idle run reads thousands of them.  So there is a quick reader for plain documents (nothing but
 * ASCII, no escapes, small integers), which is what json_print() mostly writes; it takes 4 us.  It
 * never says no: whatever it does not know, and all that is wrong, goes to jansson from the start.
 * The fuzzer holds the two against each other.
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

/* --- the quick reader: NULL means "let jansson look at it" --- */

#define PLAIN_KEY_MAX    63
#define PLAIN_DIGITS_MAX 18             /* always within int64_t */

struct plain {
	const char *p, *end;
	int         depth;
};

static json_t *plain_value(struct plain *in);

/* The next byte that is no blank, or NUL, which no document contains. */
static char peek(struct plain *in)
{
	while (in->p < in->end &&
	       (*in->p == ' ' || *in->p == '\n' || *in->p == '\t' || *in->p == '\r'))
		in->p++;
	return in->p < in->end ? *in->p : '\0';
}

/* The inside of a string whose opening quote is next. */
static const char *plain_string(struct plain *in, size_t *len)
{
	const char *start = ++in->p;

	while (in->p < in->end && (unsigned char)*in->p - 0x20u < 0x60 && *in->p != '"' &&
	       *in->p != '\\')
		in->p++;
	if (in->p == in->end || *in->p != '"')
		return NULL;
	*len = (size_t)(in->p++ - start);
	return start;
}

static json_t *plain_integer(struct plain *in)
{
	bool minus = *in->p == '-';
	const char *start;
	json_int_t n = 0;

	if (minus)
		in->p++;
	start = in->p;
	for (; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++) {
		if (in->p - start == PLAIN_DIGITS_MAX)
			return NULL;
		n = n * 10 + (*in->p - '0');
	}
	if (in->p == start || (*start == '0' && (minus || in->p - start > 1)))
		return NULL;
	return json_integer(minus ? -n : n);
}

static bool plain_word(struct plain *in, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(in->end - in->p) < len || memcmp(in->p, word, len) != 0)
		return false;
	in->p += len;
	return true;
}

/* After a member: true at the end of the container; *ok is false if there is neither that nor a
 * comma.  This is also where "1.5" and "nullx" are found out. */
static bool plain_end(struct plain *in, char closing, bool *ok)
{
	char c = peek(in);

	*ok = c == closing || c == ',';
	if (*ok)
		in->p++;
	return c == closing;
}

static bool plain_members(struct plain *in, json_t *object)
{
	char key[PLAIN_KEY_MAX + 1];
	const char *s;
	bool ok = true, last = false;
	size_t len, n = 0;

	in->p++;
	if (peek(in) == '}') {
		in->p++;
		return true;
	}
	while (ok && !last) {
		json_t *v;

		if (peek(in) != '"' || !(s = plain_string(in, &len)) || len > PLAIN_KEY_MAX ||
		    peek(in) != ':')
			return false;
		memcpy(key, s, len);
		key[len] = '\0';
		in->p++;
		v = plain_value(in);
		if (!v || json_object_set_new_nocheck(object, key, v) < 0)
			return false;
		n++;
		last = plain_end(in, '}', &ok);
	}
	return ok && json_object_size(object) == n;     /* fewer: a key came twice */
}

static bool plain_items(struct plain *in, json_t *array)
{
	bool ok = true, last = false;

	in->p++;
	if (peek(in) == ']') {
		in->p++;
		return true;
	}
	while (ok && !last) {
		json_t *v = plain_value(in);

		if (!v || json_array_append_new(array, v) < 0)
			return false;
		last = plain_end(in, ']', &ok);
	}
	return ok;
}

static json_t *plain_container(struct plain *in)
{
	bool object = *in->p == '{';
	json_t *v;

	if (in->depth == JSON_DEPTH_MAX)
		return NULL;
	in->depth++;
	v = object ? json_object() : json_array();
	if (!(object ? plain_members(in, v) : plain_items(in, v))) {
		json_decref(v);
		return NULL;
	}
	in->depth--;
	return v;
}

static json_t *plain_value(struct plain *in)
{
	char c = peek(in);
	const char *s;
	size_t len;

	switch (c) {
	case '"':
		s = plain_string(in, &len);
		return s ? json_stringn_nocheck(s, len) : NULL;
	case '{':
	case '[':
		return plain_container(in);
	case 't':
		return plain_word(in, "true") ? json_true() : NULL;
	case 'f':
		return plain_word(in, "false") ? json_false() : NULL;
	case 'n':
		return plain_word(in, "null") ? json_null() : NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? plain_integer(in) : NULL;
	}
}

static json_t *plain_parse(const char *s, size_t len)
{
	struct plain in = { .p = s, .end = s + len };
	char c = peek(&in);
	json_t *root = c == '{' || c == '[' ? plain_container(&in) : NULL;

	if (root && (peek(&in) != '\0' || in.p != in.end)) {
		json_decref(root);
		return NULL;
	}
	return root;
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

struct json *json_parse(const char *s, size_t len, struct err *e)
{
	json_t *root = plain_parse(s, len);
	json_error_t why;

	if (root)
		return outside(root);
	if (check_depth(s, len, e) < 0)
		return NULL;
	root = json_loadb(s, len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		err_set(e, ERR_LOCAL, "line %d column %d: %s", why.line, why.column, why.text);
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

const char *json_text(const struct json *v)
{
	return json_string_value(inside(v));
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
