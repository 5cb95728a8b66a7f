/* fuzz_json.c - any text as JSON: what is printed of it must read back as the same.
 * Touches: nothing.
 */
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

	if (j) {
		reads_back(j, false);
		reads_back(j, true);
	} else {
		must(e.kind == ERR_LOCAL && strncmp(e.text, "line ", 5) == 0, "an error without text");
	}
	json_free(j);
	return 0;
}
