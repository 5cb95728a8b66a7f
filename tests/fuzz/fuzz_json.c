/* fuzz_json.c - any text as JSON: the quick reader and jansson must agree, and what is printed must
 * read back as the same.
 * Touches: nothing.
 */
#include <jansson.h>                    /* before io/json.h, which gives two of its names to ours */

#include "base/mem.h"
#include "io/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

static void same_text(struct json *a, struct json *b, bool pretty)
{
	struct buf x, y;

	buf_init(&x, 1 << 24);
	buf_init(&y, 1 << 24);
	json_print(&x, a, pretty);
	json_print(&y, b, pretty);
	must(!x.over && !y.over && strcmp(x.s, y.s) == 0, "two values that should be one");
	buf_free(&x);
	buf_free(&y);
}

static void reads_back(struct json *j, bool pretty)
{
	struct err e = { 0 };
	struct json *again;
	struct buf b;

	buf_init(&b, 1 << 24);
	json_print(&b, j, pretty);
	again = json_parse(b.s, b.len, &e);
	must(again, "what was printed is not read");
	same_text(j, again, pretty);
	json_free(again);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct json *j = json_parse((const char *)data, size, &e);
	json_error_t why;
	json_t *other = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &why);

	if (!j) {
		must(e.kind == ERR_LOCAL && strncmp(e.text, "line ", 5) == 0,
		     "an error without text");
		must(!other || strstr(e.text, "levels deep"), "jansson reads it, we do not");
	} else {
		must(other, "we read it, jansson does not");
		must(json_equal(other, (json_t *)j), "jansson reads something else");
		same_text(j, (struct json *)other, false);      /* the order of keys, too */
		reads_back(j, false);
		reads_back(j, true);
	}
	json_free(j);
	json_decref(other);
	return 0;
}
