/* test_ini.c - the strict reader: a row for everything that libinih alone gets wrong, and more.
 * Touches: files in a temporary folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/ini.h"

#include <fcntl.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test_ini.XXXXXX";
static char *file;

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	file = mem_format("%s/x.conf", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(file);
	free(file);
	return rmdir(dir);
}

static void write_file(const char *bytes, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

/* "LINE [SECTION] KEY=VALUE" for each entry; line ends in values are shown as "|". */
static char *entries_text(const struct ini *i)
{
	struct buf b;
	char *s;

	buf_init(&b, 4 << 20);
	for (size_t k = 0; k < i->entries_n; k++) {
		const struct ini_entry *x = &i->entries[k];

		buf_addf(&b, "%d [%s] %s=", x->line, x->section, x->key);
		for (const char *p = x->value; *p; p++)
			buf_add_char(&b, *p == '\n' ? '|' : *p);
		buf_add_char(&b, '\n');
	}
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

struct row {
	const char *name;
	const char *text;
	size_t      len;                /* 0: up to the terminator */
	const char *entries;
	const char *problems[6];        /* "LINE: " and a part of the text */
};

static const struct row rows[] = {
	{ "empty file", "", 0, "", { NULL } },
	{ "keys and sections", "a=1\n[s]\nb = 2\n[t-1]\nc= 3 \n", 0,
	  "1 [] a=1\n3 [s] b=2\n5 [t-1] c=3\n", { NULL } },
	{ "no line end at the end", "a = 1", 0, "1 [] a=1\n", { NULL } },
	{ "lines are counted over comments and blanks", "# x\n\n; y\n  \na = 1\n\t# z\nb = 2\n", 0,
	  "5 [] a=1\n7 [] b=2\n", { NULL } },
	{ "empty values", "a =\nb=\n", 0, "1 [] a=\n2 [] b=\n", { NULL } },
	{ "an equals sign in a value", "a = b = c\n", 0, "1 [] a=b = c\n", { NULL } },
	{ "a colon is no equals sign", "a = b:c\nd: e\nf : g = h\n", 0, "1 [] a=b:c\n",
	  { "2: no \"=\"", "3: is not a key" } },
	{ "keys keep their case", "Aa = 1\naA = 2\n", 0, "1 [] Aa=1\n2 [] aA=2\n", { NULL } },
	{ "windows line ends", "a = 1\r\n[s]\r\nb = 2\r\n", 0, "1 [] a=1\n3 [s] b=2\n", { NULL } },
	{ "carriage return before a blank", "a = 1\r \nb = 2\n", 0, "2 [] b=2\n",
	  { "1: a control byte (0x0d)" } },
	{ "carriage return at the end of the file", "a = 1\nb = 2\r", 0, "1 [] a=1\n",
	  { "2: a control byte (0x0d)" } },
	{ "byte order mark", "\xef\xbb\xbf[s]\na = 1\n", 0, "2 [s] a=1\n", { NULL } },
	{ "byte order mark and key", "\xef\xbb\xbf" "a = 1\n", 0, "1 [] a=1\n", { NULL } },
	{ "byte order mark elsewhere", "a = 1\n\xef\xbb\xbf" "b = 1\n", 0, "1 [] a=1\n",
	  { "2: is not a key" } },
	{ "UTF-8", "a = m\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x98\x80\n", 0,
	  "1 [] a=m\xc3\xbcnchen \xe2\x82\xac \xf0\x9f\x98\x80\n", { NULL } },

	/* inline comments are part of the value: libinih would cut the command */
	{ "semicolon in a value", "hook = sh -c 'a; b ; c'\n", 0, "1 [] hook=sh -c 'a; b ; c'\n",
	  { NULL } },
	{ "hash in a value", "a = b # c\n", 0, "1 [] a=b # c\n", { NULL } },
	{ "semicolon in a further line", "hook = /a ; b\n /c ; d\n", 0, "1 [] hook=/a ; b|/c ; d\n",
	  { NULL } },

	/* libinih shows no difference between a value of several lines and a repeated key */
	{ "further lines", "a =\n  b\n\tc d \n  e\nf = 1\n", 0, "1 [] a=b|c d|e\n5 [] f=1\n",
	  { NULL } },
	{ "further lines after a first one", "a = b\n  c\n", 0, "1 [] a=b|c\n", { NULL } },
	{ "comments and blanks in between", "a =\n  b\n# x\n\n  ; y\n  c\n", 0, "1 [] a=b|c\n",
	  { NULL } },
	{ "equals sign in a further line", "a = b\n  c = d\n", 0, "1 [] a=b|c = d\n", { NULL } },
	{ "repeated key", "a = 1\nb = 2\na = 3\n", 0, "1 [] a=1\n2 [] b=2\n",
	  { "3: \"a\" was given in line 1 already" } },
	{ "repeated key, section repeated", "[s]\na = 1\n[t]\na = 2\n[s]\na = 3\nb = 4\n", 0,
	  "2 [s] a=1\n4 [t] a=2\n7 [s] b=4\n", { "6: \"a\" was given in line 2 already" } },
	{ "key given three times", "a = 1\na = 2\na = 3\n", 0, "1 [] a=1\n",
	  { "2: line 1", "3: line 1" } },
	{ "nothing to continue", "  a = 1\n  b = 2\nc = 3\n", 0, "3 [] c=3\n",
	  { "1: here is none", "2: here is none" } },
	{ "nothing to continue after a header", "a = 1\n[s]\n  b = 2\n", 0, "1 [] a=1\n",
	  { "3: here is none" } },
	{ "continuing what was refused", "a = 1\nb\n  c\n  d\ne = 2\n", 0, "1 [] a=1\n5 [] e=2\n",
	  { "2: no \"=\"" } },

	/* headers: libinih takes all of these, or lets the keys slip into the section before */
	{ "something after the header", "[a]\nx = 1\n[b]trailing\ny = 2\n[c]\nz = 3\n", 0,
	  "2 [a] x=1\n6 [c] z=3\n", { "3: something follows the section header" } },
	{ "comment after the header", "[a] # b\ny = 2\n", 0, "", { "1: something follows" } },
	{ "blanks after the header", "[a]  \ny = 2\n", 0, "2 [a] y=2\n", { NULL } },
	{ "header without end", "[a]\nx = 1\n[b\ny = 2\n  more\nz\n", 0, "2 [a] x=1\n",
	  { "3: not a section header" } },
	{ "empty header", "[]\nx = 1\n", 0, "", { "1: not a section header" } },
	{ "blanks in the header", "[ a ]\nx = 1\n", 0, "", { "1: not a section header" } },
	{ "upper case in the header", "[A] \nx = 1\n", 0, "", { "1: not a section header" } },
	{ "bracket in the header", "[a]]\nx = 1\n", 0, "", { "1: section header" } },
	{ "indented header", "[a]\nx = 1\n  [b]\ny = 2\n", 0, "2 [a] x=1\n",
	  { "3: begins in the first column" } },
	{ "header of 40", "[aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd]\nx = 1\n", 0,
	  "2 [aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd] x=1\n", { NULL } },
	{ "header of 41", "[aaaaaaaaaabbbbbbbbbbccccccccccdddddddddde]\nx = 1\n", 0, "",
	  { "1: not a section header" } },
	{ "header of 60, cut by libinih at 49",
	  "[aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff]\nx = 1\n", 0, "",
	  { "1: not a section header" } },

	{ "no equals sign", "a\n", 0, "", { "1: no \"=\"" } },
	{ "empty key", "= b\n", 0, "", { "1: no key" } },
	{ "empty key with a further line", "a = 1\n= b\n  c\n", 0, "1 [] a=1\n", { "2: no key" } },
	{ "blank in a key", "max key age = 5\n", 0, "", { "1: is not a key" } },
	{ "a key of 60",
	  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff = 1\n  2\n", 0,
	  "1 [] aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff=1|2\n", { NULL } },

	{ "NUL in a value", "a = b\0c\nd = 1\n", 14, "2 [] d=1\n", { "1: NUL" } },
	{ "NUL in a comment", "# b\0c\nd = 1\n", 12, "2 [] d=1\n", { "1: NUL" } },
	{ "NUL at the beginning", "\0\na = 1\n", 8, "2 [] a=1\n", { "1: NUL" } },
	{ "NUL in a header", "[a]\nb = 1\n[c\0]\nd = 1\n", 21, "2 [a] b=1\n", { "3: NUL" } },
	{ "control byte", "a = \x1b[31m\n", 0, "", { "1: a control byte (0x1b)" } },
	{ "control byte in a further line", "a = 1\n  \x07\n  2\nb = 3\n", 0,
	  "1 [] a=1\n4 [] b=3\n", { "2: a control byte" } },
	{ "DEL", "a = \x7f\n", 0, "", { "1: a control byte (0x7f)" } },
	{ "carriage return inside", "a = 1\rb = 2\n", 0, "", { "1: a control byte (0x0d)" } },
	{ "vertical tab, a blank for libinih", "a = 1\n\vb\n", 0, "1 [] a=1\n",
	  { "2: a control byte (0x0b)" } },
	{ "C1 control character", "a = \xc2\x9b" "31m\n", 0, "", { "1: U+009B" } },
	{ "Latin-1", "a = m\xfcnchen\n", 0, "", { "1: not UTF-8" } },
	{ "Latin-1 in a comment", "# m\xfcnchen\na = 1\n", 0, "2 [] a=1\n", { "1: not UTF-8" } },
	{ "UTF-8 cut short", "a = \xe2\x82\n", 0, "", { "1: not UTF-8" } },
	{ "UTF-8 cut short by the end", "a = \xe2\x82", 0, "", { "1: not UTF-8" } },
	{ "UTF-8 longer than needed", "a = \xc0\xaf\n", 0, "", { "1: not UTF-8" } },
	{ "UTF-8 longer than needed, 3", "a = \xe0\x80\xaf\n", 0, "", { "1: not UTF-8" } },
	{ "half of a UTF-16 pair", "a = \xed\xa0\x80\n", 0, "", { "1: not UTF-8" } },
	{ "beyond Unicode", "a = \xf4\x90\x80\x80\n", 0, "", { "1: not UTF-8" } },
};

static void every_row(void **state)
{
	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		const struct row *w = &rows[r];
		struct ini i;
		struct err e;
		char *entries;
		size_t n = 0;

		write_file(w->text, w->len ? w->len : strlen(w->text));
		assert_int_equal(ini_read(&i, file, &e), 0);
		entries = entries_text(&i);
		if (strcmp(entries, w->entries) != 0)
			fail_msg("%s: entries are\n%s", w->name, entries);
		while (n < ARRAY_LEN(w->problems) && w->problems[n])
			n++;
		if (i.problems_n != n)
			fail_msg("%s: %zu problems, the first: %s", w->name, i.problems_n,
				 i.problems_n ? i.problems[0].text : "-");
		for (size_t k = 0; k < n; k++) {
			char *line = mem_format("%d: ", i.problems[k].line);

			if (!text_starts(w->problems[k], line) ||
			    !strstr(i.problems[k].text, w->problems[k] + strlen(line)))
				fail_msg("%s: problem %s%s", w->name, line, i.problems[k].text);
			free(line);
		}
		free(entries);
		ini_free(&i);
	}
}

/* A line of 215 bytes: libinih's own buffer of 200 makes the end of it a key of its own. */
static void the_end_of_a_long_line_is_no_key(void **state)
{
	static const char tail[] = "hook = /tmp/evil";
	size_t head = 215 - strlen(tail);
	struct buf b;
	struct ini i;
	struct err e;

	(void)state;
	buf_init(&b, 1024);
	buf_add_str(&b, "a = ");
	while (b.len < head)
		buf_add_char(&b, 'x');
	buf_add_str(&b, tail);
	assert_int_equal(b.len, 215);
	buf_add_char(&b, '\n');
	write_file(b.s, b.len);
	assert_int_equal(ini_read(&i, file, &e), 0);
	assert_int_equal(i.problems_n, 0);
	assert_int_equal(i.entries_n, 1);
	assert_string_equal(i.entries[0].key, "a");
	assert_int_equal(strlen(i.entries[0].value), 211);
	assert_true(text_ends(i.entries[0].value, tail));
	ini_free(&i);
	buf_free(&b);
}

static void a_line_at_the_limit_is_whole_and_one_over_it_is_refused(void **state)
{
	(void)state;
	for (size_t len = INI_LINE_MAX - 1; len <= INI_LINE_MAX + 2; len++) {
		bool fits = len <= INI_LINE_MAX;
		struct buf b;
		struct ini i;
		struct err e;

		buf_init(&b, 8192);
		buf_add_str(&b, "a = ");
		while (b.len < len - 16)
			buf_add_char(&b, 'x');
		buf_add_str(&b, "hook = /tmp/evil\nb = 1\n");
		write_file(b.s, b.len);
		assert_int_equal(ini_read(&i, file, &e), 0);
		assert_int_equal(i.entries_n, fits ? 2 : 1);
		assert_int_equal(i.problems_n, fits ? 0 : 1);
		assert_string_equal(i.entries[i.entries_n - 1].key, "b");
		if (fits)
			assert_int_equal(strlen(i.entries[0].value), len - 4);
		else
			assert_non_null(strstr(i.problems[0].text, "longer than 4000 bytes"));
		ini_free(&i);
		buf_free(&b);
	}
}

static void headers_without_keys_are_reported(void **state)
{
	struct ini i;
	struct err e;

	(void)state;
	write_file("[a]\n[b]\n\n[bad\n[a]\n", 18);
	assert_int_equal(ini_read(&i, file, &e), 0);
	assert_int_equal(i.entries_n, 0);
	assert_int_equal(i.sections_n, 3);
	assert_string_equal(i.sections[0].name, "a");
	assert_string_equal(i.sections[1].name, "b");
	assert_string_equal(i.sections[2].name, "a");
	assert_int_equal(i.sections[1].line, 2);
	assert_int_equal(i.sections[2].line, 5);
	ini_free(&i);
}

static void problems_come_in_order_of_lines_and_end(void **state)
{
	struct buf b;
	struct ini i;
	struct err e;

	(void)state;
	write_file("a = 1\na = 2\nx\n", 14);
	assert_int_equal(ini_read(&i, file, &e), 0);
	assert_int_equal(i.problems_n, 2);
	assert_int_equal(i.problems[0].line, 2);
	assert_int_equal(i.problems[1].line, 3);
	ini_free(&i);

	buf_init(&b, 1 << 20);
	for (int k = 0; k < 500; k++)
		buf_add_str(&b, "x\n");
	write_file(b.s, b.len);
	assert_int_equal(ini_read(&i, file, &e), 0);
	assert_int_equal(i.problems_n, INI_PROBLEMS_MAX + 1);
	assert_non_null(strstr(i.problems[INI_PROBLEMS_MAX].text, "was not looked at"));
	ini_free(&i);
	buf_free(&b);
}

/* As large as a file may be, in the ways that would take long if anything were quadratic. */
static void large_files_are_read_in_time(void **state)
{
	static const char *const lines[] = { "aa = bb\n", " b\n", "\n", "[a]\n" };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(lines); k++) {
		struct buf b;
		struct ini i;
		struct err e;

		buf_init(&b, 1 << 20);
		buf_add_str(&b, "k = 1\n");
		while (b.len + strlen(lines[k]) <= b.max)
			buf_add_str(&b, lines[k]);
		write_file(b.s, b.len);
		assert_int_equal(ini_read(&i, file, &e), 0);
		ini_free(&i);
		buf_free(&b);
	}
}

static void what_is_no_file_is_refused(void **state)
{
	char *none = mem_format("%s/none", dir), *fifo = mem_format("%s/fifo", dir);
	struct ini i;
	struct err e;
	char *big;

	(void)state;
	/* libinih reads a folder as an empty file */
	assert_int_equal(ini_read(&i, dir, &e), -1);
	assert_non_null(strstr(e.text, "a folder, not a file"));
	assert_true(text_starts(e.text, dir));
	ini_free(&i);

	assert_int_equal(ini_read(&i, none, &e), -1);
	assert_non_null(strstr(e.text, "none: No such file"));
	ini_free(&i);

	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(ini_read(&i, fifo, &e), -1);
	assert_non_null(strstr(e.text, "not a regular file"));
	ini_free(&i);
	unlink(fifo);

	big = mem_alloc((1 << 20) + 1);
	memset(big, '\n', (1 << 20) + 1);
	write_file(big, 1 << 20);
	assert_int_equal(ini_read(&i, file, &e), 0);
	ini_free(&i);
	write_file(big, (1 << 20) + 1);
	assert_int_equal(ini_read(&i, file, &e), -1);
	assert_non_null(strstr(e.text, "larger than 1 MiB"));
	ini_free(&i);
	free(big);
	free(none);
	free(fifo);
}

static void knows_who_can_change_the_file(void **state)
{
	static const struct {
		mode_t mode;
		bool   trusted;
	} modes[] = {
		{ 0600, true }, { 0644, true }, { 0660, false }, { 0606, false }, { 0666, false },
	};

	(void)state;
	write_file("a = 1\n", 6);
	for (size_t k = 0; k < ARRAY_LEN(modes); k++) {
		struct ini i;
		struct err e;

		assert_int_equal(chmod(file, modes[k].mode), 0);
		assert_int_equal(ini_read(&i, file, &e), 0);
		assert_int_equal(i.trusted, modes[k].trusted);
		assert_int_equal(i.entries_n, 1);
		ini_free(&i);
	}
	assert_int_equal(chmod(file, 0600), 0);
	if (geteuid() == 0) {
		struct ini i;
		struct err e;

		assert_int_equal(chown(file, 65534, 65534), 0);
		assert_int_equal(ini_read(&i, file, &e), 0);
		assert_false(i.trusted);
		ini_free(&i);
		assert_int_equal(chown(file, 0, 0), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(the_end_of_a_long_line_is_no_key),
		cmocka_unit_test(a_line_at_the_limit_is_whole_and_one_over_it_is_refused),
		cmocka_unit_test(headers_without_keys_are_reported),
		cmocka_unit_test(problems_come_in_order_of_lines_and_end),
		cmocka_unit_test(large_files_are_read_in_time),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(knows_who_can_change_the_file),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
