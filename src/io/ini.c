/* ini.c - the only user of libinih: INI files, read strictly.
 *
 * ini_parse_stream() asks next_line() for each physical line.  next_line() judges the line, and
 * hands libinih an empty one instead of what was refused, so that libinih never sees anything that
 * it would cut, skip or take for something else.  As it calls take() between two lines, the
 * reader's line number is the line of the key.
 * Touches: the file that it reads.
 */
#include "io/ini.h"

#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <ini.h>

#define FILE_MAX      ((size_t)1 << 20)
#define SECTION_MAX   40
#define KEY_CHARS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
#define SECTION_CHARS "abcdefghijklmnopqrstuvwxyz0123456789-"
#define BLANKS        " \t"

/* What an indented line would continue. */
enum after { AFTER_NOTHING, AFTER_KEY, AFTER_BAD_KEY };

struct reader {
	struct ini *out;
	const char *next, *end;         /* the text not yet handed out */
	int         line;               /* the one handed out last, from 1 */
	enum after  after;
	bool        continues;          /* the line handed out continues a value */
	bool        skipping;           /* under a malformed header */
	struct buf  value;              /* of the last entry, until it is complete */
};

/* Room in a list of n is doubled at every power of two, as in base/buf. */
static void *grown(void *list, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? mem_resize(list, n ? n * 2 : 1, size) : list;
}

static void add_problem(struct ini *out, int line, char *text)
{
	out->problems = grown(out->problems, out->problems_n, sizeof(*out->problems));
	out->problems[out->problems_n++] = (struct ini_problem){ .line = line, .text = text };
}

static void add_section(struct ini *out, int line, const char *name, size_t len)
{
	out->sections = grown(out->sections, out->sections_n, sizeof(*out->sections));
	out->sections[out->sections_n++] =
		(struct ini_section){ .name = mem_copy_strn(name, len), .line = line };
}

/* Bytes of the UTF-8 character at s, or 0: not one (RFC 3629; no surrogates, no longer forms). */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char first_lo, first_hi, second_lo, second_hi;
		size_t len;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (s[0] < 0x80)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if (s[0] < forms[i].first_lo || s[0] > forms[i].first_hi)
			continue;
		if (left < forms[i].len || s[1] < forms[i].second_lo || s[1] > forms[i].second_hi)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if (s[k] < 0x80 || s[k] > 0xbf)
				return 0;
		return forms[i].len;
	}
	return 0;
}

/* What is wrong with the bytes of a line, or NULL.  The caller frees. */
static char *bad_bytes(const char *s, size_t len)
{
	if (len > INI_LINE_MAX)
		return mem_format(
			"longer than %d bytes: continue the value on further, indented lines",
			INI_LINE_MAX);
	for (size_t i = 0; i < len;) {
		const unsigned char *c = (const unsigned char *)s + i;
		size_t step = utf8_len(c, len - i);

		if (*c == '\0')
			return mem_copy_str(
				"a NUL byte: this is not a text file, or a damaged one");
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return mem_format("a control byte (0x%02x): remove it", *c);
		if (step == 0)
			return mem_format(
				"a byte (0x%02x) that is not UTF-8: convert the file, for example "
				"with iconv",
				*c);
		if (step == 2 && c[0] == 0xc2 && c[1] < 0xa0)
			return mem_format("a control character (U+%04X): remove it", c[1]);
		i += step;
	}
	return NULL;
}

/* "[name]", trailing blanks already gone. */
static bool is_header(const char *s, size_t len)
{
	return len > 2 && len <= SECTION_MAX + 2 && s[0] == '[' && s[len - 1] == ']' &&
	       strspn(s + 1, SECTION_CHARS) == len - 2;
}

static char *bad_header(const char *s, size_t len)
{
	const char *close = memchr(s, ']', len);

	if (close && close + 1 < s + len)
		return mem_copy_str(
			"something follows the section header: it stands alone on its line, and so "
			"does a comment");
	return mem_format(
		"not a section header: write \"[name]\", at most %d of a-z, 0-9 and \"-\", alone "
		"on the line",
		SECTION_MAX);
}

/* What is wrong with a line that begins in the first column and is no header, or NULL. */
static char *bad_key_line(const char *s, size_t len)
{
	const char *equals = memchr(s, '=', len);
	size_t key_len = strspn(s, KEY_CHARS);

	if (!equals)
		return mem_copy_str(
			"no \"=\" in this line: write \"key = value\"; further lines of a value "
			"are indented");
	if (equals == s)
		return mem_copy_str("no key before the \"=\"");
	if (s + key_len + strspn(s + key_len, BLANKS) != equals)
		return mem_copy_str(
			"what stands before the \"=\" is not a key: a key has letters, digits and "
			"\"-\"");
	return NULL;
}

/* What is wrong with a line, or NULL: then it goes to libinih, or with *skip nowhere.  What
 * follows s in the file comes after its len bytes, hence the lengths.  The caller frees. */
static char *judge(struct reader *r, const char *s, size_t len, bool *skip)
{
	size_t indent = strspn(s, BLANKS);
	char *why = bad_bytes(s, len);

	*skip = false;
	r->continues = false;
	if (!why && (indent >= len || s[indent] == '#' || s[indent] == ';'))
		return NULL;
	if (!why && s[indent] == '[') {
		r->after = AFTER_NOTHING;
		r->skipping = indent > 0 || !is_header(s, len);
		if (indent > 0)
			return mem_copy_str("a section header begins in the first column");
		if (r->skipping)
			return bad_header(s, len);
		add_section(r->out, r->line, s + 1, len - 2);
		return NULL;
	}
	if (why) {
		/* such a header would end the section as well */
		if (s[0] == '[')
			r->skipping = true;
		if (indent == 0 || r->after == AFTER_KEY)
			r->after = AFTER_BAD_KEY;
		return why;
	}
	*skip = r->skipping;
	if (*skip)
		return NULL;
	if (indent > 0) {
		*skip = r->after == AFTER_BAD_KEY;
		r->continues = r->after == AFTER_KEY;
		if (r->after != AFTER_NOTHING)
			return NULL;
		return mem_copy_str("an indented line continues the value above it, and here is "
				    "none: keys begin in the first column");
	}
	why = bad_key_line(s, len);
	r->after = why ? AFTER_BAD_KEY : AFTER_KEY;
	return why;
}

/* The ini_reader: like fgets() over what is left of the file. */
static char *next_line(char *str, int room, void *stream)
{
	struct reader *r = stream;
	const char *s = r->next, *newline;
	size_t len;
	bool skip;
	char *why;

	if (s == r->end || r->out->problems_n >= INI_PROBLEMS_MAX)
		return NULL;
	newline = memchr(s, '\n', (size_t)(r->end - s));
	r->next = newline ? newline + 1 : r->end;
	len = (size_t)((newline ? newline : r->end) - s);
	while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r')) {
		bool cr = s[len - 1] == '\r';

		/* only the one of a CR LF belongs to the line's end */
		if (cr && s + len != newline)
			break;
		len--;
	}
	r->line++;
	why = judge(r, s, len, &skip);
	if (why)
		add_problem(r->out, r->line, why);
	if (why || skip)
		len = 0;
	if (room < 2 || len > (size_t)room - 2)
		mem_bug("libinih offers less room than ini_max_line");
	memcpy(str, s, len);
	memcpy(str + len, "\n", 2);
	return str;
}

/* The value of the last entry is complete. */
static void finish_entry(struct reader *r)
{
	struct ini *out = r->out;

	if (out->entries_n && !out->entries[out->entries_n - 1].value)
		out->entries[out->entries_n - 1].value = mem_copy_strn(r->value.s, r->value.len);
	buf_clear(&r->value);
}

/* The ini_handler. */
static int take(void *user, const char *section, const char *key, const char *value)
{
	struct reader *r = user;
	struct ini *out = r->out;

	if (r->continues) {
		if (r->value.len)
			buf_add_char(&r->value, '\n');
		buf_add_str(&r->value, value);
		return 1;
	}
	finish_entry(r);
	out->entries = grown(out->entries, out->entries_n, sizeof(*out->entries));
	out->entries[out->entries_n++] = (struct ini_entry){
		.section = mem_copy_str(section),
		.key = mem_copy_str(key),
		.line = r->line,
	};
	buf_add_str(&r->value, value);
	return 1;
}

static int by_key(const void *a, const void *b)
{
	const struct ini_entry *x = *(struct ini_entry *const *)a;
	const struct ini_entry *y = *(struct ini_entry *const *)b;
	int d = strcmp(x->section, y->section);

	if (d == 0)
		d = strcmp(x->key, y->key);
	return d ? d : x->line - y->line;
}

static int by_line(const void *a, const void *b)
{
	return ((const struct ini_problem *)a)->line - ((const struct ini_problem *)b)->line;
}

static void free_entry(struct ini_entry *e)
{
	free(e->section);
	free(e->key);
	free(e->value);
	*e = (struct ini_entry){ 0 };
}

/* Each key of a section stays once. */
static void drop_repeated(struct ini *out)
{
	struct ini_entry **sorted = mem_array(out->entries_n, sizeof(struct ini_entry *));
	size_t kept = 0;
	const struct ini_entry *first = NULL;

	for (size_t i = 0; i < out->entries_n; i++)
		sorted[i] = &out->entries[i];
	qsort(sorted, out->entries_n, sizeof(struct ini_entry *), by_key);
	for (size_t i = 0; i < out->entries_n; i++) {
		if (!first || strcmp(first->section, sorted[i]->section) != 0 ||
		    strcmp(first->key, sorted[i]->key) != 0) {
			first = sorted[i];
			continue;
		}
		if (out->problems_n < INI_PROBLEMS_MAX)
			add_problem(out, sorted[i]->line,
				    mem_format("\"%s\" was given in line %d already: keep one of "
					       "them",
					       first->key, first->line));
		free_entry(sorted[i]);
	}
	free(sorted);
	for (size_t i = 0; i < out->entries_n; i++)
		if (out->entries[i].key)
			out->entries[kept++] = out->entries[i];
	out->entries_n = kept;
	if (out->problems_n)
		qsort(out->problems, out->problems_n, sizeof(*out->problems), by_line);
}

static void parse(struct ini *out, const struct buf *text)
{
	struct reader r = { .out = out, .next = text->s, .end = text->s + text->len };
	int rc;

	if (text_starts(r.next, "\xef\xbb\xbf"))
		r.next += 3;
	/* libinih's own settings: nothing cut, nothing stripped, no line number needed */
	ini_max_line = INI_LINE_MAX + 3;
	ini_use_stack = true;
	ini_allow_multiline = true;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = false;
	buf_init(&r.value, FILE_MAX);
	rc = ini_parse_stream(next_line, &r, take, &r);
	if (rc < 0)
		mem_bug("libinih has no memory");
	if (rc > 0)
		add_problem(out, rc,
			    mem_copy_str("this line is not understood: write \"key = value\""));
	if (out->problems_n >= INI_PROBLEMS_MAX && r.next < r.end)
		add_problem(out, r.line,
			    mem_copy_str("more problems than anybody wants to read: the rest of "
					 "the file was not looked at"));
	finish_entry(&r);
	buf_free(&r.value);
	if (out->entries_n)
		drop_repeated(out);
}

/* One open, fstat, read, close: there may be ten thousand files. */
static int read_file(struct buf *text, bool *trusted, const char *path, struct err *e)
{
	char chunk[16384];
	struct stat st;
	ssize_t n = 0;
	int rc = -1;
	/* a FIFO without a writer must not stop the run */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) < 0) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_LOCAL, "%s: %s", path,
			S_ISDIR(st.st_mode) ? "a folder, not a file" : "not a regular file");
		goto out;
	}
	*trusted =
		(st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH));
	while (!text->over && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_sys(e, "%s", path);
			goto out;
		}
		buf_add(text, chunk, (size_t)n);
	}
	if (text->over) {
		err_set(e, ERR_LOCAL, "%s: larger than 1 MiB: this cannot be a configuration",
			path);
		goto out;
	}
	rc = 0;
out:
	close(fd);
	return rc;
}

int ini_read(struct ini *out, const char *path, struct err *e)
{
	struct buf text;
	int rc;

	*out = (struct ini){ 0 };
	buf_init(&text, FILE_MAX);
	rc = read_file(&text, &out->trusted, path, e);
	if (rc == 0)
		parse(out, &text);
	buf_free(&text);
	return rc;
}

void ini_free(struct ini *i)
{
	for (size_t k = 0; k < i->entries_n; k++)
		free_entry(&i->entries[k]);
	for (size_t k = 0; k < i->sections_n; k++)
		free(i->sections[k].name);
	for (size_t k = 0; k < i->problems_n; k++)
		free(i->problems[k].text);
	free(i->entries);
	free(i->sections);
	free(i->problems);
	*i = (struct ini){ 0 };
}
