/* test_config.c - the configuration: samples, layering, folders, lines that clash, printing.
 *
 * The samples in tests/data/config carry what is expected of them in comments: a good one
 * "#! SECTION.KEY = VALUE" ("-": not set, "|": the next line of the value), a bad one
 * "#! LINE: part of the text" for each problem, in order, and no more.
 * Touches: files in a temporary folder, the environment of the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "run/config.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <sys/stat.h>

#define DATA "tests/data/config/"

static char *top;               /* a folder of its own for each test */

static int make_top(void **state)
{
	char template[] = "/tmp/test_config.XXXXXX";

	(void)state;
	if (!mkdtemp(template))
		return -1;
	top = mem_copy_str(template);
	unsetenv("CERTLINE_CONFIG");
	return 0;
}

static int remove_top(void **state)
{
	struct strv names = { 0 };
	struct err e;
	int rc = 0;

	(void)state;
	/* fs_remove_tree() goes one level down, so it is called for what is in top */
	if (fs_list(&names, top, &e) < 0)
		return -1;
	for (size_t i = 0; i < names.n && rc == 0; i++) {
		char *path = mem_format("%s/%s", top, names.v[i]);

		rc = fs_remove_tree(path, &e);
		free(path);
	}
	strv_free(&names);
	rmdir(top);
	free(top);
	top = NULL;
	return rc;
}

static char *path_of(const char *name)
{
	return mem_format("%s/%s", top, name);
}

static void put_bytes(const char *name, const void *bytes, size_t len)
{
	char *path = path_of(name), *slash = strrchr(path, '/');
	int fd;

	*slash = '\0';
	(void)!mkdir(path, 0700);
	*slash = '/';
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	free(path);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

/* Loads up to four files or folders of top. */
static int load(struct config *c, struct err *e, const char *a, const char *b, const char *d)
{
	const char *names[] = { a, b, d };
	struct strv args = { 0 };
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (names[i])
			strv_take(&args, path_of(names[i]));
	rc = config_load(c, &args, e);
	strv_free(&args);
	return rc;
}

static void load_good(struct config *c, const char *a, const char *b, const char *d)
{
	struct err e;

	if (load(c, &e, a, b, d) < 0)
		fail_msg("%s", c->problems.n ? c->problems.v[0] : e.text);
	assert_int_equal(c->problems.n, 0);
	assert_non_null(c->state);
}

/* The problems, with the name of top taken out, must be these: "FILE:LINE: part of the text". */
static void expect_texts(const struct strv *texts, const char *const *wanted)
{
	size_t n = 0;

	while (wanted[n])
		n++;
	for (size_t i = 0; i < texts->n || i < n; i++) {
		const char *text = i < texts->n ? texts->v[i] : "(nothing)", *part;
		size_t place;

		if (text_starts(text, top) && text[strlen(top)] == '/')
			text += strlen(top) + 1;
		if (i >= n)
			fail_msg("unexpected: %s", text);
		part = strstr(wanted[i], ": ");
		place = part ? (size_t)(part - wanted[i]) + 2 : 0;
		if (strncmp(text, wanted[i], place) != 0 ||
		    !strstr(text + place, wanted[i] + place))
			fail_msg("instead of: %s\nthere is: %s", wanted[i], text);
	}
}

static void expect_problems(const char *a, const char *b, const char *d, const char *const *wanted)
{
	struct config c;
	struct err e;

	assert_int_equal(load(&c, &e, a, b, d), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	expect_texts(&c.problems, wanted);
	config_free(&c);
}

#define PROBLEMS(a, b, d, ...) \
	expect_problems(a, b, d, (const char *const[]){ __VA_ARGS__, NULL })

static size_t option_index(const char *section, const char *key)
{
	size_t n;
	const struct config_option *o = config_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, section) == 0 && strcmp(o[i].key, key) == 0)
			return i;
	fail_msg("no option %s.%s", section, key);
	return 0;
}

static void option_is(const struct line_config *l, const char *section, const char *key,
		      const char *wanted)
{
	char *value = config_value(l, option_index(section, key));

	if (!value != !wanted || (value && strcmp(value, wanted) != 0))
		fail_msg("%s: %s.%s is %s, not %s", l->name, section, key,
			 value ? value : "not set", wanted ? wanted : "not set");
	free(value);
}

static void expect_origin(const struct config *c, const char *line, const char *section,
			  const char *key, const char *wanted)
{
	char *origin = config_origin(c, config_find(c, line), option_index(section, key));
	const char *text = origin;

	if (text_starts(text, top))
		text += strlen(top) + 1;
	assert_string_equal(text, wanted);
	free(origin);
}

/* A line as a file, in the way that `certline config` prints it. */
static char *as_file(const struct line_config *l)
{
	size_t n;
	const struct config_option *o = config_options(&n);
	const char *section = "";
	struct buf b;
	char *s;

	buf_init(&b, 8 << 20);
	for (size_t i = 0; i < n; i++) {
		char *value = config_value(l, i);

		if (value && strcmp(section, o[i].section) != 0)
			buf_addf(&b, "[%s]\n", o[i].section);
		if (value) {
			section = o[i].section;
			buf_addf(&b, "%s = %s\n", o[i].key, value);
		}
		free(value);
	}
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

/* Printed and read again, a line is the same. */
static void expect_round_trip(const struct line_config *l)
{
	char *text = as_file(l), *again;
	struct config c;

	put("again/x.conf", text);
	load_good(&c, "again/x.conf", NULL, NULL);
	assert_int_equal(c.lines_n, 1);
	again = as_file(&c.lines[0]);
	assert_string_equal(again, text);
	assert_int_equal(c.lines[0].staging_for, l->staging_for);
	assert_int_equal(c.lines[0].max_key_age_for, l->max_key_age_for);
	assert_memory_equal(&c.lines[0].renew_before, &l->renew_before, sizeof(l->renew_before));
	assert_int_equal(c.lines[0].key_gid, l->key_gid);
	assert_int_equal(c.lines[0].publish, l->publish);
	assert_true(key_types_same(&c.lines[0].key_types, &l->key_types));
	config_free(&c);
	free(again);
	free(text);
}

/* ---- samples ---- */

/* The "#! " lines of a sample; the caller frees. */
static struct strv expectations(const char *text)
{
	struct strv l = { 0 };

	for (const char *p = text; (p = strstr(p, "#! ")); p++) {
		char *line = mem_copy_strn(p + 3, strcspn(p + 3, "\r\n"));

		strv_take(&l, line);
	}
	return l;
}

/* Copies a sample to where only we can change it. */
static struct buf take_sample(const char *folder, const char *name)
{
	char *from = mem_format(DATA "%s/%s", folder, name);
	char *to = mem_format("%s/%s", folder, name);
	struct buf text;
	struct err e;

	buf_init(&text, FS_READ_MAX);
	if (fs_read(&text, from, FS_READ_MAX, NULL, &e) < 0)
		fail_msg("%s", e.text);
	put_bytes(to, text.s, text.len);
	free(from);
	free(to);
	return text;
}

static void expect_sample_value(const struct line_config *l, char *expectation)
{
	char *dot = strchr(expectation, '.'), *equals = strstr(expectation, " = ");
	struct buf value;

	assert_non_null(dot);
	assert_non_null(equals);
	*dot = *equals = '\0';
	buf_init(&value, 4096);
	for (const char *p = equals + 3; *p; p++)
		buf_add_str(&value, *p == '|' ? "\n  " : (char[]){ *p, '\0' });
	option_is(l, expectation, dot + 1, strcmp(value.s, "-") == 0 ? NULL : value.s);
	buf_free(&value);
}

static void good_samples_are_read(void **state)
{
	struct strv names = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(fs_list(&names, DATA "good", &e), 0);
	assert_true(names.n > 5);
	for (size_t i = 0; i < names.n; i++) {
		struct buf text = take_sample("good", names.v[i]);
		struct strv wanted = expectations(text.s);
		char *path = mem_format("good/%s", names.v[i]);
		struct config c;

		load_good(&c, path, NULL, NULL);
		/* of challenges they say nothing */
		for (size_t k = 0; k < c.warnings.n; k++)
			if (!strstr(c.warnings.v[k], "has issuer = acme, but no way to show a CA"))
				fail_msg("%s", c.warnings.v[k]);
		assert_int_equal(c.lines_n, 1);
		for (size_t k = 0; k < wanted.n; k++)
			expect_sample_value(&c.lines[0], wanted.v[k]);
		expect_round_trip(&c.lines[0]);
		config_free(&c);
		free(path);
		strv_free(&wanted);
		buf_free(&text);
	}
	strv_free(&names);
}

static void bad_samples_are_refused(void **state)
{
	struct strv names = { 0 };
	struct err e;

	(void)state;
	assert_int_equal(fs_list(&names, DATA "bad", &e), 0);
	assert_true(names.n > 20);
	for (size_t i = 0; i < names.n; i++) {
		struct buf text = take_sample("bad", names.v[i]);
		char *path = mem_format("bad/%s", names.v[i]);
		struct strv wanted = { 0 };
		const char *p = text.s, *end = text.s + text.len;
		struct config c;

		/* one of them has a NUL byte */
		while ((p = memmem(p, (size_t)(end - p), "#! ", 3))) {
			p += 3;
			strv_take(&wanted,
				  mem_format("%s:%.*s", path, (int)strcspn(p, "\n"), p));
		}
		strv_take(&wanted, NULL);
		assert_int_equal(load(&c, &e, path, NULL, NULL), -1);
		assert_int_equal(e.kind, ERR_USAGE);
		expect_texts(&c.problems, (const char *const *)wanted.v);
		config_free(&c);
		free(path);
		wanted.n--;
		strv_free(&wanted);
		buf_free(&text);
	}
	strv_free(&names);
}

static void the_lets_encrypt_tiny_sample_keeps_its_meaning(void **state)
{
	struct buf text = take_sample("good", "letsencrypt-tiny.conf");
	const struct line_config *l;
	struct config c;

	(void)state;
	load_good(&c, "good/letsencrypt-tiny.conf", NULL, NULL);
	l = config_find(&c, "letsencrypt-tiny");
	assert_non_null(l);
	assert_int_equal(l->domains.n, 9);
	assert_string_equal(l->domains.v[0], "ralfj.de");
	assert_string_equal(l->domains.v[8], "conference.jabber.ralfj.de");
	assert_int_equal(l->issuer, ISSUER_ACME);
	assert_int_equal(l->key_types.n, 1);
	assert_int_equal(l->key_types.v[0], KEY_RSA_4096);
	assert_int_equal(l->key_length, 4096);
	assert_int_equal(l->max_key_age_for, 256 * DAY);
	assert_int_equal(l->staging_for, 0);
	assert_int_equal(l->renew_before.before_for, 15 * DAY);
	assert_int_equal(l->post_certchange.n, 1);
	assert_string_equal(l->post_certchange.v[0], "/root/letsencrypt/cert-hook");
	assert_int_equal(l->post_keychange.n, 0);
	assert_string_equal(l->account_key, "/etc/ssl/private/letsencrypt/account.key");
	assert_string_equal(l->challenge_dir, "/srv/acme-challenge");
	assert_string_equal(l->certs, "/etc/ssl/mycerts/letsencrypt");
	assert_string_equal(l->keys, "/etc/ssl/private/letsencrypt");
	assert_string_equal(l->backups, "/etc/ssl/old/letsencrypt");
	assert_string_equal(l->live, "live");
	assert_string_equal(l->staging, "staging");
	assert_string_equal(l->state, LOCALSTATEDIR "/lib/certline");
	assert_string_equal(c.state, l->state);
	assert_null(l->key_group);
	assert_true(l->key_gid == (gid_t)-1);
	assert_false(l->retire_after_given);
	expect_origin(&c, l->name, "", "key-length", "good/letsencrypt-tiny.conf:15");
	expect_origin(&c, l->name, "", "key-types", "default");
	expect_origin(&c, l->name, "timing", "staging-hours", "good/letsencrypt-tiny.conf:22");
	expect_origin(&c, l->name, "dirs", "state", "default");
	config_free(&c);
	buf_free(&text);
}

/* ---- files, folders, arguments ---- */

#define PLAIN "domains = www.example.org\n"

static void a_folder_holds_a_line_per_file(void **state)
{
	struct config c;

	(void)state;
	put("d/b.conf", PLAIN);
	put("d/a.conf", PLAIN);
	put("d/c.conf", "name = aa\n" PLAIN);
	put("d/.hidden.conf", "nonsense\n");
	put("d/notes.txt", "nonsense\n");
	put("d/x.conf~", "nonsense\n");
	put("d/x.conf.dpkg-old", "nonsense\n");
	load_good(&c, "d", NULL, NULL);
	assert_int_equal(c.lines_n, 3);
	assert_string_equal(c.lines[0].name, "a");
	assert_string_equal(c.lines[1].name, "aa");
	assert_string_equal(c.lines[2].name, "b");
	assert_int_equal(c.files.n, 3);
	assert_int_equal(c.args.n, 1);
	assert_non_null(config_find(&c, "aa"));
	assert_ptr_equal(config_find(&c, "b"), &c.lines[2]);
	assert_null(config_find(&c, "c"));
	assert_null(config_find(&c, ""));
	config_free(&c);
}

/* It counts for servers that nobody tells, wherever it stands. */
static void retire_after_is_given_or_not(void **state)
{
	static const struct {
		const char *own, *defaults;
		bool        is;
	} rows[] = {
		{ PLAIN, "", false },
		{ PLAIN "[timing]\nretire-after = 48h\n", "", true },
		{ PLAIN, "[timing]\nretire-after = 1d\n", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config c;

		put("w/certline.conf", rows[i].defaults);
		put("w/a.conf", rows[i].own);
		load_good(&c, "w", NULL, NULL);
		assert_int_equal(c.lines[0].retire_after_given, rows[i].is);
		config_free(&c);
	}
}

static void a_file_is_a_line_named_after_it(void **state)
{
	static const struct {
		const char *file, *line;
	} rows[] = {
		{ "letsencrypt.conf", "letsencrypt" }, { "conf", "conf" },
		{ "mail.example.org.conf", "mail.example.org" },
		{ "mail.example.org", "mail.example.org" },
		{ "a.conf.conf", "a.conf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct config c;

		put(rows[i].file, PLAIN);
		load_good(&c, rows[i].file, NULL, NULL);
		assert_string_equal(c.lines[0].name, rows[i].line);
		config_free(&c);
	}
	put("my line.conf", PLAIN);
	put(".conf", PLAIN);
	PROBLEMS("my line.conf", NULL, NULL,
		 "my line.conf:1: the file's name gives the line's name: \"my line\"");
	PROBLEMS(".conf", NULL, NULL, ".conf:1: the file's name gives the line's name: \".conf\"");
	put("my line.conf", "name = ok\n" PLAIN);
	{
		struct config c;

		load_good(&c, "my line.conf", NULL, NULL);
		assert_string_equal(c.lines[0].name, "ok");
		config_free(&c);
	}
}

static void what_is_not_there_is_a_problem(void **state)
{
	char *folder = path_of("odd/x.conf");

	(void)state;
	put("empty/notes.txt", "");
	put("only/certline.conf", "");
	put("odd/a.conf", PLAIN);
	assert_int_equal(mkdir(folder, 0700), 0);
	put("a:b.conf", PLAIN);
	PROBLEMS("none", NULL, NULL, "none: No such file or directory");
	PROBLEMS("empty", NULL, NULL,
		 "empty: no lines: put one file per line into it (see certline.conf(5))");
	PROBLEMS("only", NULL, NULL, "only: no lines: put one file per line");
	PROBLEMS("only/certline.conf", NULL, NULL, "no lines: name a folder");
	PROBLEMS("odd", NULL, NULL, "odd/x.conf: a folder, not a file");
	PROBLEMS("a:b.conf", NULL, NULL, "a:b.conf: its full path has a \":\"");
	PROBLEMS("none", "empty", "none/certline.conf", "none: No such file",
		 "empty: no lines", "none/certline.conf: No such file");
	free(folder);
}

static void the_environment_and_the_default_stand_in_for_arguments(void **state)
{
	struct strv none = { 0 };
	struct config c;
	struct err e;
	char *list;

	(void)state;
	put("d/a.conf", PLAIN);
	put("b.conf", PLAIN);
	list = mem_format(":%s/d::%s/b.conf:", top, top);
	setenv("CERTLINE_CONFIG", list, 1);
	assert_int_equal(config_load(&c, &none, &e), 0);
	assert_int_equal(c.lines_n, 2);
	assert_int_equal(c.args.n, 2);
	config_free(&c);
	load_good(&c, "b.conf", NULL, NULL);
	assert_int_equal(c.lines_n, 1);
	config_free(&c);
	setenv("CERTLINE_CONFIG", "/nowhere/at/all", 1);
	assert_int_equal(config_load(&c, &none, &e), -1);
	assert_string_equal(e.text, "1 problem in the configuration; nothing was done");
	assert_string_equal(c.problems.v[0], "/nowhere/at/all: No such file or directory");
	config_free(&c);
	unsetenv("CERTLINE_CONFIG");
	if (access(CONFIG_DEFAULT_DIR, F_OK) < 0) {
		assert_int_equal(config_load(&c, NULL, &e), -1);
		assert_true(text_starts(c.problems.v[0], CONFIG_DEFAULT_DIR ": No such file"));
		assert_true(text_ends(c.problems.v[0], "with -c)"));
		config_free(&c);
	}
	free(list);
}

static void arguments_become_absolute(void **state)
{
	struct strv args = { 0 };
	char *here = get_current_dir_name(), *wanted = mem_format("%s/d/../d/a.conf", top);
	struct config c;
	struct err e;

	(void)state;
	put("d/a.conf", PLAIN);
	assert_int_equal(chdir(top), 0);
	strv_add(&args, "d/../d/a.conf");
	assert_int_equal(config_load(&c, &args, &e), 0);
	assert_string_equal(c.files.v[0], "d/../d/a.conf");
	assert_string_equal(c.args.v[0], wanted);
	assert_int_equal(chdir(here), 0);
	config_free(&c);
	strv_free(&args);
	strv_add(&args, "");
	assert_int_equal(config_load(&c, &args, &e), -1);
	assert_string_equal(c.problems.v[0], "-c \"\": name a file or a folder");
	config_free(&c);
	strv_free(&args);
	free(wanted);
	free(here);
}

static void files_that_others_can_change_are_refused(void **state)
{
	char *file = path_of("d/a.conf"), *dir = path_of("d");
	struct config c;

	(void)state;
	put("d/a.conf", PLAIN);
	assert_int_equal(chmod(file, 0666), 0);
	PROBLEMS("d", NULL, NULL, "d/a.conf: can be changed by");
	PROBLEMS("d/a.conf", NULL, NULL, "d/a.conf: chmod go-w");
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	PROBLEMS("d", NULL, NULL, "d: can be changed by");
	/* everything that is wrong is told at once */
	assert_int_equal(chmod(file, 0620), 0);
	put("d/b.conf", "nonsense\n");
	PROBLEMS("d", NULL, NULL, "d: can be changed by", "d/a.conf: can be changed by",
		 "d/b.conf:1: no \"=\"", "d/b.conf:1: no domains");
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(file, 0600), 0);
	put("d/b.conf", PLAIN);
	load_good(&c, "d", NULL, NULL);
	config_free(&c);
	free(file);
	free(dir);
}

/* ---- defaults ---- */

static void defaults_are_for_their_folder(void **state)
{
	struct config c;

	(void)state;
	put("d/certline.conf", "issuer = self\n[dane]\nttl = 2h\n");
	put("d/a.conf", PLAIN);
	put("d/b.conf", PLAIN "issuer = acme\n");
	put("c.conf", PLAIN);
	load_good(&c, "d", "c.conf", NULL);
	option_is(config_find(&c, "a"), "", "issuer", "self");
	option_is(config_find(&c, "b"), "", "issuer", "acme");
	option_is(config_find(&c, "c"), "", "issuer", "acme");
	option_is(config_find(&c, "a"), "dane", "ttl", "2h");
	option_is(config_find(&c, "c"), "dane", "ttl", "1h");
	expect_origin(&c, "a", "", "issuer", "d/certline.conf:1");
	expect_origin(&c, "b", "", "issuer", "d/b.conf:2");
	expect_origin(&c, "c", "", "issuer", "default");
	config_free(&c);
}

static void a_file_of_defaults_is_for_what_follows(void **state)
{
	struct config c;

	(void)state;
	put("x/certline.conf", "issuer = self\n[dane]\nttl = 2h\n[timing]\nmax-key-age = 10d\n");
	put("d/certline.conf", "[dane]\nttl = 3h\n[timing]\nmax-key-age-days = 20\n");
	put("d/a.conf", PLAIN);
	put("b.conf", PLAIN);
	put("c.conf", PLAIN);
	load_good(&c, "b.conf", "x/certline.conf", "d");
	option_is(config_find(&c, "b"), "", "issuer", "acme");
	option_is(config_find(&c, "a"), "", "issuer", "self");
	option_is(config_find(&c, "a"), "dane", "ttl", "3h");
	assert_int_equal(config_find(&c, "a")->max_key_age_for, 20 * DAY);
	expect_origin(&c, "a", "", "issuer", "x/certline.conf:1");
	expect_origin(&c, "a", "dane", "ttl", "d/certline.conf:2");
	config_free(&c);
	load_good(&c, "x/certline.conf", "c.conf", NULL);
	option_is(config_find(&c, "c"), "", "issuer", "self");
	option_is(config_find(&c, "c"), "dane", "ttl", "2h");
	assert_int_equal(config_find(&c, "c")->max_key_age_for, 10 * DAY);
	config_free(&c);
}

/* A line's own value takes the place of the whole default, also by the other name of a pair. */
static void own_values_replace_defaults(void **state)
{
	const struct line_config *l;
	struct config c;

	(void)state;
	put("d/certline.conf",
	    "key-types = ec-256 rsa-2048\n"
	    "[timing]\nmax-key-age-days = 256\nstaging-hours = 25\nrenew-before = 1/4\n"
	    "[hooks]\npost-certchange = /a\n  /b\n  /c\npost-keychange = /zone\n"
	    "[dirs]\nstate = /srv/store\n");
	put("d/a.conf",
	    "key-length = 3072\n" PLAIN
	    "[timing]\nmax-key-age = 1w\nstaging = 72h\nrenew-cert-before-expiry-days = 3\n"
	    "[hooks]\npost-certchange = /d\npost-keychange =\n");
	put("d/b.conf", PLAIN "[hooks]\npost-keychange =\n[timing]\nstaging = 0s\n");
	load_good(&c, "d", NULL, NULL);
	l = config_find(&c, "a");
	assert_int_equal(l->key_types.n, 1);
	assert_int_equal(l->key_types.v[0], KEY_RSA_3072);
	option_is(l, "", "key-types", NULL);
	assert_int_equal(l->max_key_age_for, WEEK);
	option_is(l, "timing", "max-key-age-days", NULL);
	assert_int_equal(l->staging_for, 3 * DAY);
	assert_int_equal(l->renew_before.before_for, 3 * DAY);
	assert_int_equal(l->renew_before.den, 0);
	option_is(l, "hooks", "post-certchange", "/d");
	option_is(l, "hooks", "post-keychange", NULL);
	expect_origin(&c, "a", "hooks", "post-keychange", "d/a.conf:9");
	assert_int_equal(l->publish, 0);
	expect_round_trip(l);
	l = config_find(&c, "b");
	assert_int_equal(l->key_types.n, 2);
	assert_int_equal(l->max_key_age_for, 256 * DAY);
	assert_int_equal(l->staging_for, 0);
	assert_int_equal(l->renew_before.num, 1);
	assert_int_equal(l->renew_before.den, 4);
	option_is(l, "hooks", "post-certchange", "/a\n  /b\n  /c");
	expect_round_trip(l);
	assert_string_equal(c.state, "/srv/store");
	config_free(&c);
}

static void defaults_hold_nothing_of_a_single_line(void **state)
{
	(void)state;
	put("d/certline.conf",
	    "name = x\ndomains = www.example.org\n[dane]\nowners = _25._tcp.mx.example.org\n");
	put("d/a.conf", PLAIN);
	PROBLEMS("d", NULL, NULL, "d/certline.conf:1: \"name\" belongs in a line's own file",
		 "d/certline.conf:2: \"domains\" belongs in a line's own file",
		 "d/certline.conf:4: \"owners\" belongs in a line's own file");
}

/* What is wrong among the defaults is told once, however many lines there are. */
static void bad_defaults_are_told_once(void **state)
{
	(void)state;
	put("d/certline.conf",
	    "key-types = ec-257\nfoo = 1\n"
	    "[timing]\nstaging = 25\nmax-key-age = 1d\nmax-key-age-days = 1\n"
	    "[hooks]\npost-keychange = zone\n[dane]\nttl = 1h # x\n");
	put("d/a.conf", PLAIN);
	put("d/b.conf", PLAIN "[dane]\nowners = _25._tcp.mx.example.org\n");
	put("d/c.conf", PLAIN "[timing]\nstaging = 26\n");
	PROBLEMS("d", NULL, NULL, "d/certline.conf:1: key-types: \"ec-257\"",
		 "d/certline.conf:2: unknown key \"foo\"",
		 "d/certline.conf:4: staging: \"25\" has no unit",
		 "d/certline.conf:6: \"max-key-age-days\" and \"max-key-age\" (line 5)",
		 "d/certline.conf:8: post-keychange: \"zone\" does not begin with",
		 "d/certline.conf:10: ttl: \"1h # x\" is not a duration",
		 "d/c.conf:3: staging: \"26\" has no unit");
}

static void staging_from_the_defaults_is_checked_for_each_line(void **state)
{
	struct config c;

	(void)state;
	put("d/certline.conf", "[timing]\nstaging-hours = 0\n[hooks]\npost-keychange = /zone\n");
	put("d/a.conf", PLAIN);
	put("d/b.conf", PLAIN "[dane]\nowners = _25._tcp.mx.example.org\nverify = no\n");
	put("d/c.conf",
	    PLAIN "[dane]\nowners = _25._tcp.mx2.example.org\n[timing]\nstaging = 1h\n");
	PROBLEMS("d", NULL, NULL,
		 "d/certline.conf:2: staging-hours = 0, but \"b\" has TLSA owners");
	put("d/b.conf", PLAIN);
	load_good(&c, "d", NULL, NULL);
	assert_int_equal(config_find(&c, "a")->staging_for, 0);
	assert_int_equal(config_find(&c, "c")->staging_for, HOUR);
	config_free(&c);
}

/* Defaults about publication do not concern a line without owners. */
static void publication_by_default(void **state)
{
	const struct line_config *l;
	struct config c;

	(void)state;
	put("d/certline.conf", "[dane]\npublish = hook include\ninclude-file = /x\n"
	    "[hooks]\npost-keychange = /zone\npost-certchange = /servers\n[acme]\nchallenge-dir = /c\n");
	put("d/a.conf", PLAIN);
	put("d/b.conf", PLAIN "[dane]\nowners = _25._tcp.mx.example.org\n");
	put("d/c.conf", PLAIN "[hooks]\npost-keychange =\n");
	put("d/d.conf", PLAIN "[dane]\nowners = _26._tcp.mx.example.org\npublish = hook\n");
	load_good(&c, "d", NULL, NULL);
	expect_texts(&c.warnings, (const char *const[]){
		"d/certline.conf:3: the include-file of \"d\" is not written", NULL });
	l = config_find(&c, "a");
	assert_null(l->include_file);
	assert_int_equal(l->publish, PUBLISH_HOOK);
	expect_origin(&c, "a", "dane", "publish", "default");
	expect_origin(&c, "a", "dane", "include-file", "default");
	expect_round_trip(l);
	l = config_find(&c, "b");
	assert_string_equal(l->include_file, "/x");
	assert_int_equal(l->publish, PUBLISH_HOOK | PUBLISH_INCLUDE);
	expect_round_trip(l);
	assert_int_equal(config_find(&c, "c")->publish, 0);
	expect_round_trip(config_find(&c, "c"));
	config_free(&c);
	put("d/c.conf",
	    PLAIN "[hooks]\npost-keychange =\n[dane]\nowners = _27._tcp.mx.example.org\n");
	PROBLEMS("d", NULL, NULL, "d/certline.conf:2: publish = hook, but \"c\" has no command");
}

/* ---- lines that clash ---- */

static void names_are_taken_once(void **state)
{
	(void)state;
	put("d/a.conf", PLAIN);
	put("d/b.conf", PLAIN "\n");
	put("e/a.conf", PLAIN);
	put("e/c.conf", PLAIN "name = b\n");
	PROBLEMS("d", "e", NULL, "e/a.conf:1: d/a.conf: rename the file, or set name",
		 "e/c.conf:2: the name \"b\" is taken by");
	PROBLEMS("d/a.conf", "d", NULL, "d/a.conf:1: this file is read twice");
}

#define DANE(port, more) \
	PLAIN "[dane]\nowners = _" port "._tcp.mx.example.org\ninclude-file = /x\n" more

static void lines_with_an_owner_in_common_agree(void **state)
{
	struct config c;

	(void)state;
	put("d/a.conf", DANE("25", "parameters = 3 1 1, 3 1 2\n"));
	put("d/b.conf", DANE("25", "parameters = 3 1 2\n  3 1 1\n"));
	put("d/c.conf", DANE("26", "ttl = 2h\n"));
	load_good(&c, "d", NULL, NULL);
	config_free(&c);
	put("d/b.conf", DANE("25", "parameters = 3 1 2\n"));
	PROBLEMS("d", NULL, NULL,
		 "d/b.conf:3: a.conf:3 3 1 1, 3 1 2 with ttl 1h: lines that share an owner");
	PROBLEMS("d", NULL, NULL,
		 "d/b.conf:3: _25._tcp.mx.example.org is here 3 1 2 with ttl 1h, but in ");
	put("d/b.conf", DANE("25", "parameters = 3 1 1, 3 1 2\nttl = 30m\n"));
	PROBLEMS("d", NULL, NULL, "d/b.conf:3: is here 3 1 1, 3 1 2 with ttl 30m");
	/* a line with a problem of its own is not accused of another one */
	put("d/b.conf", DANE("25", "parameters = 3 0 1\n"));
	PROBLEMS("d", NULL, NULL, "d/b.conf:5: parameters: \"3 0 1\": selector 0");
}

#define DIRS(certs, keys, files) \
	PLAIN "[dirs]\ncerts = " certs "\nkeys = " keys "\n[files]\n" files

static void links_are_made_by_one_line(void **state)
{
	struct config c;

	(void)state;
	put("d/a.conf", DIRS("/c", "/k", ""));
	put("d/b.conf", DIRS("/c", "/k", "live = b\nstaging = b-next\n"));
	put("d/c.conf", DIRS("/c/c", "/k/c", ""));
	load_good(&c, "d", NULL, NULL);
	config_free(&c);
	put("d/b.conf", DIRS("/c/", "//k/.", "live = b\n"));
	PROBLEMS("d", NULL, NULL,
		 "d/b.conf:3: the link /c/staging.crt of \"b\" is wanted by \"a\"");
	put("d/b.conf", DIRS("/b", "/k", "staging = b\n"));
	PROBLEMS("d", NULL, NULL, "d/b.conf:4: the link /k/live.key of \"b\" is wanted by \"a\"");
	put("d/b.conf", DIRS("/b", "/k", "staging = live\nlive = staging\n"));
	PROBLEMS("d", NULL, NULL, "d/b.conf:4: the link /k/live.key of \"b\" is wanted by \"a\"");
	/* a second type of key has its name in those of its links */
	put("d/a.conf", "key-types = ec-256 ec-384\n" DIRS("/c", "/k", ""));
	put("d/b.conf", DIRS("/c", "/k", "live = live-ec-384\nstaging = b\n"));
	PROBLEMS("d", NULL, NULL, "d/b.conf:3: the link /c/live-ec-384.crt of \"b\"");
	put("d/b.conf", DIRS("/c", "/k", "live = live-rsa-2048\nstaging = b\n"));
	load_good(&c, "d", NULL, NULL);
	config_free(&c);
	/* from the defaults: each line after the first one, at its own file */
	put("e/certline.conf", "[dirs]\ncerts = /c\nkeys = /k\n");
	put("e/a.conf", PLAIN);
	put("e/b.conf", PLAIN);
	put("e/c.conf", PLAIN);
	PROBLEMS("e", NULL, NULL, "e/b.conf:1: the link /c/live.crt of \"b\"",
		 "e/c.conf:1: the link /c/live.crt of \"c\"");
}

static void there_is_one_store(void **state)
{
	struct config c;

	(void)state;
	put("d/a.conf", PLAIN "[dirs]\nstate = /srv/a\n");
	put("d/b.conf", PLAIN "[dirs]\nstate = /srv/a/\n");
	load_good(&c, "d", NULL, NULL);
	assert_string_equal(c.state, "/srv/a");
	config_free(&c);
	put("d/b.conf", PLAIN);
	put("d/c.conf", PLAIN);
	PROBLEMS("d", NULL, NULL,
		 "d/a.conf:3: the store of \"a\" is /srv/a, but that of \"b\"");
	put("d/b.conf", PLAIN "[dirs]\nstate = /srv/b\n");
	put("d/c.conf", PLAIN "[dirs]\nstate = /srv/b\n");
	PROBLEMS("d", NULL, NULL, "d/b.conf:3: the store of \"b\" is /srv/b",
		 "d/c.conf:3: the store of \"c\" is /srv/b");
}

/* ---- the rest ---- */

static void problems_come_in_order_and_are_counted(void **state)
{
	struct config c;
	struct err e;

	(void)state;
	put("d/b.conf", "x\ndomains = a_b.example.org\n[dane]\nowners = _25._tcp.mx.example.org\n");
	put("d/a.conf", "\n\nfoo = 1\n[frob]\n");
	assert_int_equal(load(&c, &e, "d", "none", NULL), -1);
	assert_string_equal(e.text, "7 problems in the configuration; nothing was done");
	expect_texts(&c.problems, (const char *const[]){
		"d/a.conf:1: no domains", "d/a.conf:3: unknown key \"foo\"",
		"d/a.conf:4: unknown section [frob]", "d/b.conf:1: no \"=\"",
		"d/b.conf:2: domains: \"a_b.example.org\"", "d/b.conf:4: nothing publishes",
		"none: No such file", NULL });
	config_free(&c);
}

static void warnings_refuse_nothing(void **state)
{
	struct config c;

	(void)state;
	put("d/certline.conf", "[hooks]\npost-certchange = /bin/sh -c 'a; b'\n");
	put("d/a.conf", PLAIN "issuer = acme\n");
	put("d/b.conf", PLAIN "[hooks]\npost-keychange = /x # reload\n"
		"[timing]\nmax-key-age = 3d\n[dane]\nowners = _25._tcp.mx.example.org\n");
	load_good(&c, "d", NULL, NULL);
	expect_texts(&c.warnings, (const char *const[]){
		"d/certline.conf:2: \"/bin/sh -c 'a; b'\": no shell reads this",
		"d/a.conf:2: \"a\" has issuer = acme, but no way to show a CA that www.example.org is ours",
		"d/b.conf:1: \"b\" has issuer = acme, but no way to show a CA that www.example.org is ours",
		"d/b.conf:3: \"/x # reload\": no shell reads this",
		"d/b.conf:5: the keys of \"b\" are to be replaced after 3d, but staging and "
		"retire-after alone take 4d", NULL });
	option_is(config_find(&c, "a"), "hooks", "post-certchange", "/bin/sh -c 'a; b'");
	config_free(&c);
}

/* Whoever wants looks where nobody can look is told so, and what follows from it. */
static void a_look_at_nothing_is_no_look(void **state)
{
	struct config c;

	(void)state;
	put("d/a.conf", PLAIN "issuer = self\n[dane]\nowners = _443._udp.www.example.org *._tcp.www.example.org\n"
		"verify = no\ninclude-file = /x\n[endpoints]\nlook = yes\n");
	put("d/b.conf", PLAIN "issuer = self\n[dane]\nowners = _444._udp.www.example.org\nverify = no\n"
		"include-file = /x\n[endpoints]\nservers = www.example.org:443\n");
	load_good(&c, "d", NULL, NULL);
	assert_false(config_looks(config_find(&c, "a")));
	assert_true(config_looks(config_find(&c, "b")));
	expect_texts(&c.warnings, (const char *const[]){
		"d/a.conf:1: nothing tells the servers of \"a\" about new keys",
		"d/a.conf:5: verify = no: nobody looks whether the records of \"a\" are in DNS",
		"d/a.conf:8: look = yes, but nothing of \"a\" can be looked at",
		"d/b.conf:5: verify = no: nobody looks whether the records of \"b\" are in DNS", NULL });
	config_free(&c);
}

#define WITH_ADDRESS "domains = a.example.org 192.0.2.1\nissuer = acme\n[acme]\nagree-tos = yes\nchallenge-dir = /w\n"

/* Let's Encrypt has certificates for addresses by one profile only. */
static void an_address_needs_a_profile(void **state)
{
	struct config c;

	(void)state;
	put("d/a.conf", WITH_ADDRESS);
	put("d/b.conf", WITH_ADDRESS "ca = https://ca.example/dir letsencrypt-staging\nprofile = classic\n");
	put("d/c.conf", WITH_ADDRESS "profile = shortlived\n");
	put("d/e.conf", WITH_ADDRESS "ca = zerossl\n");
	put("d/f.conf", "domains = a.example.org\nissuer = acme\n[acme]\nchallenge-dir = /w\n");
	put("d/g.conf", "domains = a.example.org 2001:db8::1\nissuer = self\n");
	load_good(&c, "d", NULL, NULL);
	expect_texts(&c.warnings, (const char *const[]){
		"d/a.conf:1: 192.0.2.1: letsencrypt has certificates for addresses only with profile = shortlived: give that",
		"d/b.conf:7: 192.0.2.1: letsencrypt-staging has certificates for addresses only with profile = shortlived: "
		"give that", NULL });
	config_free(&c);
}

static void the_table_is_sound(void **state)
{
	size_t n;
	const struct config_option *o = config_options(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_non_null(o[i].section);
		assert_true(text_ends(o[i].help, "."));
		assert_true(o[i].help[0] >= 'A' && o[i].help[0] <= 'Z');
		if (o[i].rival) {
			assert_true(o[i].rival < n);
			assert_int_equal(o[o[i].rival].rival, i);
			assert_string_equal(o[o[i].rival].section, o[i].section);
			/* at most one of a pair has the default */
			assert_true(!o[i].fallback || !o[o[i].rival].fallback);
		}
		if (o[i].type == VALUE_DURATION || o[i].type == VALUE_COUNT)
			assert_true(o[i].min <= o[i].max && o[i].max > 0);
		if (o[i].type == VALUE_COUNT)
			assert_true(o[i].unit > 0 && o[i].rival);
		assert_false(o[i].may_be_empty && o[i].fallback);
		for (size_t k = 0; k < i; k++)
			assert_false(strcmp(o[i].section, o[k].section) == 0 &&
				     strcmp(o[i].key, o[k].key) == 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_top, remove_top)
	const struct CMUnitTest tests[] = {
		TEST(good_samples_are_read),
		TEST(bad_samples_are_refused),
		TEST(the_lets_encrypt_tiny_sample_keeps_its_meaning),
		TEST(a_folder_holds_a_line_per_file),
		TEST(retire_after_is_given_or_not),
		TEST(a_file_is_a_line_named_after_it),
		TEST(what_is_not_there_is_a_problem),
		TEST(the_environment_and_the_default_stand_in_for_arguments),
		TEST(arguments_become_absolute),
		TEST(files_that_others_can_change_are_refused),
		TEST(defaults_are_for_their_folder),
		TEST(a_file_of_defaults_is_for_what_follows),
		TEST(own_values_replace_defaults),
		TEST(defaults_hold_nothing_of_a_single_line),
		TEST(bad_defaults_are_told_once),
		TEST(staging_from_the_defaults_is_checked_for_each_line),
		TEST(publication_by_default),
		TEST(names_are_taken_once),
		TEST(lines_with_an_owner_in_common_agree),
		TEST(links_are_made_by_one_line),
		TEST(there_is_one_store),
		TEST(problems_come_in_order_and_are_counted),
		TEST(warnings_refuse_nothing),
		TEST(a_look_at_nothing_is_no_look),
		TEST(an_address_needs_a_profile),
		TEST(the_table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
