/* fuzz_told.c - any text as a history or as notify.json: what is read of it is written so that it reads back as
 * the same, and as a mail it keeps the rules of mails.
 * Touches: nothing.
 */
#include "base/mem.h"
#include "run/history.h"
#include "run/mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

static void history(const char *text)
{
	struct history_rows rows = { 0 }, again = { 0 };
	struct history_mark m = { 0 }, n = { 0 };
	size_t unmarked, damaged;
	struct buf out;

	history_decode(&rows, &m, &unmarked, &damaged, text);
	must(unmarked <= rows.n, "more rows without a mark than rows");
	buf_init(&out, 1 << 26);
	history_encode(&out, &rows, &m);
	history_decode(&again, &n, &unmarked, &damaged, out.s);
	must(damaged == 0 && unmarked == 0 && again.n == rows.n, "rows are lost");
	must(rows.n == 0 || n.n == m.n, "the mark is lost");
	history_rows_free(&rows);
	history_rows_free(&again);
	history_mark_free(&m);
	history_mark_free(&n);
	buf_free(&out);
}

static void mail(const struct messages *m)
{
	struct strv busy = { 0 };
	struct parcel p;
	struct buf out;
	char *end;

	if (!messages_next(&p, m, &busy, 0))
		return;
	buf_init(&out, 1 << 26);
	mail_compose(&out, &(struct mail){ .to = "a@b", .host = p.v[0]->line, .id = "id" }, &p);
	for (const char *s = out.s; *s; s += strcspn(s, "\n") + 1)
		must(strcspn(s, "\n") <= 998, "a row is too long");
	for (size_t i = 0; i < out.len; i++)
		must((unsigned char)out.s[i] >= 0x20 || out.s[i] == '\n', "a control character");
	end = strstr(out.s, "\n\n");
	must(end && strstr(out.s, "\nX-Certline-Event: ") < end, "no end of the header");
	free(p.v);
	buf_free(&out);
}

static void queue(const char *text, size_t len)
{
	struct messages m, n;
	struct json *o, *a, *b;
	struct err e;

	o = json_parse(text, len, &e);
	if (!o)
		return;
	messages_decode(&m, o);
	a = messages_encode(&m);
	messages_decode(&n, a);
	b = messages_encode(&n);
	must(json_same(a, b), "the queue does not read back");
	mail(&m);
	json_free(o);
	json_free(a);
	json_free(b);
	messages_free(&m);
	messages_free(&n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_copy_strn((const char *)data, size);

	history(text);
	queue((const char *)data, size);
	free(text);
	return 0;
}
