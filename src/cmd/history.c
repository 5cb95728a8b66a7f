/* history.c - `certline history`: what happened to the keys of each line.  Reads only, takes no lock.
 * Touches: stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/json.h"
#include "run/history.h"

static void put_rows(struct json *o, const struct history_rows *rows)
{
	struct json *list = json_put(o, "events", json_array());

	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *r = &rows->v[i];
		struct json *j = json_put(list, NULL, json_object());

		put_instant(j, "at", r->at);
		json_put_str(j, "event", life_name(r->what));
		if (r->keyset)
			json_put_int(j, "keyset", r->keyset);
		if (r->gen)
			json_put_int(j, "generation", r->gen);
		json_put_str(j, "text", r->text);
	}
}

/* The file may have been written by anybody who could write the store. */
static void print_text(const char *text)
{
	char *plain = mem_copy_str(text);

	text_make_printable(plain);
	puts(plain);
	free(plain);
}

static void print_rows(const char *line, const struct history_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *r = &rows->v[i];
		char at[WHEN_TEXT_LEN];

		when_format_minute(at, r->at);
		printf("%-16s  ", at);
		print_cell(line, 18, 16);
		printf(" %6d %4d  %-12s ", r->keyset, r->gen, life_name(r->what));
		print_text(r->text);
	}
}

enum exit_status cmd_history(const struct args *a)
{
	struct json *doc, *lines;
	enum exit_status status;
	struct scene s;

	if (scene_open(&s, a, &status) < 0)
		return status;
	status = EXIT_OK;
	doc = begin_document(&lines, "lines");
	if (!a->json && !a->quiet)
		printf("%-16s  %-16s %6s %4s  %-12s %s\n", "WHEN (UTC)", "LINE", "KEYSET", "GEN", "EVENT",
		       "WHAT");
	for (size_t i = 0; i < s.n; i++) {
		const struct line_config *c = s.lines[i]->cfg;
		struct json *o = json_put(lines, NULL, json_object());
		struct history_rows rows;
		size_t damaged;
		bool cut;
		struct err e;

		if (history_read(&rows, &damaged, &cut, c, &e) < 0) {
			complain("%s: %s", c->name, e.text);
			status = EXIT_BAD;
		}
		if (damaged)
			complain("%s: history.jsonl: %zu damaged row%s left out", c->name, damaged,
				 damaged == 1 ? " is" : "s are");
		if (cut)
			complain("%s: history.jsonl is very long: only its end was read", c->name);
		json_put_str(o, "line", c->name);
		json_put_int(o, "damaged", (int64_t)damaged);
		put_rows(o, &rows);
		if (!a->json && !a->quiet)
			print_rows(c->name, &rows);
		history_rows_free(&rows);
	}
	end_document(doc, a);
	scene_close(&s);
	return status;
}
