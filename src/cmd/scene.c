/* scene.c - what every command begins with: the configuration, and the lines that are meant.
 * Touches: stdout, stderr.
 */
#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "io/json.h"
#include "run/notice.h"
#include "sys/fs.h"

#include <stdarg.h>

static bool nagios_is_next;

void complain_to_nagios(bool next)
{
	nagios_is_next = next;
}

static void tell_nagios(char *text)
{
	/* "|" begins the performance data */
	for (char *c = text; *c; c++)
		if (*c == '|')
			*c = '/';
	printf("CERTLINE UNKNOWN - %s\n", text);
}

void complain(const char *fmt, ...)
{
	char *text;
	va_list ap;

	hide_wait();
	va_start(ap, fmt);
	text = mem_vformat(fmt, ap);
	va_end(ap);
	fprintf(stderr, "certline: %s\n", text);
	if (nagios_is_next)
		tell_nagios(text);
	nagios_is_next = false;
	free(text);
}

static const struct args *notices_for;

/* It may be a worker's turn, whose standard output nobody flushes. */
static void print_notice(const char *line, bool warning, const char *text)
{
	if (warning || notices_for->json) {
		complain("%s: %s", line, text);
	} else if (!notices_for->quiet) {
		hide_wait();
		printf("%s: %s\n", line, text);
		fflush(stdout);
	}
}

void print_notices(const struct args *a)
{
	notices_for = a;
	notice_to(print_notice);
}

struct json *begin_document(struct json **list, const char *key)
{
	struct json *doc = json_object();

	json_put_int(doc, "version", JSON_VERSION);
	*list = json_put(doc, key, json_array());
	return doc;
}

void end_document(struct json *doc, const struct args *a)
{
	if (a->json)
		print_document(doc);
	else
		json_free(doc);
}

void print_document(struct json *doc)
{
	struct buf out;

	buf_init(&out, (size_t)1 << 30);
	json_print(&out, doc, true);
	fwrite(out.s, 1, out.len, stdout);
	buf_free(&out);
	json_free(doc);
}

int print_file(const char *path, const struct buf *text)
{
	const struct fs_mode for_all = { 0644, (gid_t)-1 };
	struct err e;

	if (text->over) {
		complain("%s: this would be larger than %zu MiB; fewer lines or days make it smaller", path,
			 text->max >> 20);
		return -1;
	}
	if (strcmp(path, "-") == 0) {
		fwrite(text->s, 1, text->len, stdout);
		return 0;
	}
	/* /dev/stdout is a link, and would be one no more */
	if (text_starts(path, "/dev/") && !text_starts(path, "/dev/shm/")) {
		complain("%s is no place for a file; - is standard output", path);
		return -1;
	}
	fs_sweep_beside(path);
	if (fs_write(path, text->s, text->len, for_all, &e) == 0)
		return 0;
	complain("%s", e.text);
	return -1;
}

void put_instant(struct json *o, const char *key, int64_t at)
{
	char text[WHEN_TEXT_LEN];

	if (at == 0 || at == WHEN_NEVER)
		return;
	when_format_instant(text, at);
	json_put_str(o, key, text);
}

static size_t word_len(const char *text)
{
	const char *end = *text == '`' ? strchr(text + 1, '`') : NULL;

	return end ? (size_t)(end - text) + strcspn(end, " ") : strcspn(text, " ");
}

void print_wrapped(const char *text, const char *first, const char *rest, size_t width)
{
	size_t col = strlen(first);
	bool begun = false;

	fputs(first, stdout);
	while (*(text += strspn(text, " "))) {
		size_t len = word_len(text);

		if (begun && col + len + 1 > width) {
			printf("\n%s", rest);
			col = strlen(rest);
		} else if (begun) {
			putchar(' ');
			col++;
		}
		begun = true;
		printf("%.*s", (int)len, text);
		col += len;
		text += len;
	}
	putchar('\n');
}

void print_cell(const char *text, int left, int width)
{
	if (strlen(text) > (size_t)width)
		printf("%s\n%*s", text, left + width, "");
	else
		printf("%-*s", width, text);
}

bool colorful(const struct args *a)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return !a->no_color && isatty(STDOUT_FILENO) && !(no && *no) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static int pick(struct scene *s, const struct strv *names)
{
	if (names->n == 0) {
		for (size_t i = 0; i < s->world.n; i++)
			s->lines[s->n++] = &s->world.lines[i];
		return 0;
	}
	for (size_t i = 0; i < names->n; i++) {
		struct line *l = world_find(&s->world, names->v[i]);
		const char **known, *near;
		bool twice = false;

		for (size_t k = 0; k < s->n; k++)
			twice |= s->lines[k] == l;
		if (twice)
			continue;
		if (l) {
			s->lines[s->n++] = l;
			continue;
		}
		known = mem_array(s->world.n, sizeof(*known));
		for (size_t k = 0; k < s->world.n; k++)
			known[k] = s->config.lines[k].name;
		near = text_nearest(names->v[i], known, s->world.n);
		if (near)
			complain("there is no line \"%s\" (did you mean \"%s\"?)", names->v[i], near);
		else
			complain("there is no line \"%s\"; `certline status` lists them", names->v[i]);
		free(known);
		return -1;
	}
	return 0;
}

int scene_open(struct scene *s, const struct args *a, enum exit_status *status)
{
	struct err e;
	int rc;

	*s = (struct scene){ 0 };
	*status = EXIT_USAGE;
	rc = config_load(&s->config, &a->configs, &e);
	for (size_t i = 0; i < s->config.problems.n; i++)
		fprintf(stderr, "%s\n", s->config.problems.v[i]);
	if (rc < 0) {
		complain("%s", e.text);
		config_free(&s->config);
		return -1;
	}
	for (size_t i = 0; i < s->config.warnings.n && (a->verbose || strcmp(a->command, "config") == 0); i++)
		fprintf(stderr, "%s\n", s->config.warnings.v[i]);
	world_init(&s->world, &s->config);
	s->lines = mem_array(s->world.n + a->lines.n, sizeof(struct line *));
	if (pick(s, &a->lines) < 0) {
		scene_close(s);
		return -1;
	}
	return 0;
}

void scene_close(struct scene *s)
{
	world_free(&s->world);
	config_free(&s->config);
	free(s->lines);
	*s = (struct scene){ 0 };
}
