/* test_output.c - what the commands print for people: folded at 80 columns, with the step that waits and the
 * orders that are taken.
 * Touches: a folder under /tmp; child processes (hooks, workers); closed ports; a pseudo-terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cmd/cmd.h"

#include "base/mem.h"
#include "base/when.h"
#include "io/json.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <termios.h>

#define LONG_LINE  "a-line-whose-name-is-as-long-as-that-of-a-host.example.org"
#define LONG_OWNER "_25._tcp.a-rather-long-name-of-a-mail-server.in-some-department.of-an-organisation.example.org"
#define NOW        ((int64_t)1800000000)        /* 2027-01-15 08:00 UTC */

/* A name server that refuses: nobody listens there. */
#define SERVER_AT(port) "[dns]\nservers = example.org 127.0.0.1:" port "\nvalidate = no\nresolver = 127.0.0.1"

static char dir[64], out[1 << 16];
static bool on_terminal;                /* where standard output of the next runs goes */
static int terminal = -1;               /* our end of it */

/* Scratch --------------------------------------------------------------------------------------- */

static void write_file(const char *name, mode_t mode, const char *text)
{
	char *path = mem_format("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void remove_file(const char *name)
{
	char *path = mem_format("%s/%s", dir, name);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static void write_line(const char *name, const char *owner, const char *more)
{
	char *file = mem_format("%s.conf", name);
	char *text = mem_format("domains = mx.example.org\nissuer = self\n[hooks]\npost-certchange = %s/hook\n"
				"post-keychange = %s/hook\n[timing]\nstaging = 2d\nretire-after = 3d\n"
				"[dirs]\nstate = %s/state\n[dane]\nowners = %s\nttl = 1h\n%s\n", dir, dir, dir,
				owner, more);

	write_file(file, 0644, text);
	free(file);
	free(text);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	char *hook;

	(void)state;
	umask(022);
	snprintf(dir, sizeof(dir), "/tmp/certline-output.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	hook = mem_format("#!/bin/sh\n! [ -e %s/$1-fails ]\n", dir);
	write_file("hook", 0755, hook);
	free(hook);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Running --------------------------------------------------------------------------------------- */

/* A terminal without a person: what is written there can be read here, byte by byte. */
static int open_terminal(void)
{
	struct termios raw;
	int fd;

	terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(terminal >= 0);
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	fd = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(tcgetattr(fd, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(fd, TCSANOW, &raw), 0);
	return fd;
}

static int redirect(int fd)
{
	char *path = mem_format("%s/out.%d", dir, fd);
	int was = dup(fd), to = on_terminal && fd == STDOUT_FILENO
				? open_terminal() : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(was >= 0 && to >= 0 && dup2(to, fd) == fd);
	close(to);
	free(path);
	return was;
}

static void restore(int fd, int was)
{
	assert_int_equal(dup2(was, fd), fd);
	close(was);
}

static void read_back(int fd)
{
	char *path = mem_format("%s/out.%d", dir, fd);
	int from = on_terminal && fd == STDOUT_FILENO ? terminal : open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got;

	assert_true(from >= 0);
	while ((got = read(from, out + n, sizeof(out) - 1 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	close(from);
	free(path);
}

/* "certline -c LINE.conf --now @... ARGUMENTS"; standard output is in `out`.  The arguments are words. */
static int run(const char *line, int64_t now, const char *arguments)
{
	struct strv argv = { 0 };
	enum exit_status status;
	const struct command *all;
	struct args a;
	size_t n;
	int was_out, was_err;

	strv_add(&argv, "certline");
	strv_add(&argv, "-c");
	strv_take(&argv, mem_format("%s/%s.conf", dir, line));
	strv_take(&argv, mem_format("--now=@%lld", (long long)now));
	while (*(arguments += strspn(arguments, " "))) {
		size_t len = strcspn(arguments, " ");

		strv_take(&argv, mem_copy_strn(arguments, len));
		arguments += len;
	}
	fflush(stdout);
	was_out = redirect(STDOUT_FILENO);
	was_err = redirect(STDERR_FILENO);
	all = command_list(&n);
	if (options_parse(&a, (int)argv.n, argv.v, &status) == 0)
		for (size_t i = 0; i < n; i++)
			if (all[i].name == a.command)
				status = all[i].run(&a);
	options_free(&a);
	fflush(stdout);
	restore(STDOUT_FILENO, was_out);
	restore(STDERR_FILENO, was_err);
	read_back(STDOUT_FILENO);
	strv_free(&argv);
	return (int)status;
}

static int run_on_terminal(const char *line, int64_t now, const char *arguments)
{
	int status;

	on_terminal = true;
	status = run(line, now, arguments);
	on_terminal = false;
	return status;
}

static void has(const char *text)
{
	if (!strstr(out, text))
		fail_msg("no \"%s\" in:\n%s", text, out);
}

static void has_not(const char *text)
{
	if (strstr(out, text))
		fail_msg("\"%s\" in:\n%s", text, out);
}

/* No row is longer than 80 columns, but for one that is a single name, marked as a problem perhaps. */
static void fits(void)
{
	for (const char *p = out; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t len = strcspn(p, "\n"), blanks = strspn(p, " !");

		if (len > 80 && strcspn(p + blanks, " \n") + blanks < len)
			fail_msg("%zu columns: %.*s", len, (int)len, p);
	}
}

/* Folded text as one row. */
static void unfold(void)
{
	char *to = out;

	for (const char *p = out; *p; p++)
		if ((*p != ' ' && *p != '\n') || (to != out && to[-1] != ' '))
			*to++ = *p == '\n' ? ' ' : *p;
	*to = '\0';
}

/* Parts ----------------------------------------------------------------------------------------- */

static void wrapped(const char *text, const char *first, const char *rest, size_t width)
{
	int was;

	fflush(stdout);
	was = redirect(STDOUT_FILENO);
	print_wrapped(text, first, rest, width);
	fflush(stdout);
	restore(STDOUT_FILENO, was);
	read_back(STDOUT_FILENO);
}

static void words_and_commands_are_kept_whole(void **state)
{
	(void)state;
	wrapped("one two  three", "  ! ", "    ", 11);
	assert_string_equal(out, "  ! one two\n    three\n");
	wrapped("at once: `roll --force mx`; clients", "", "  ", 20);
	assert_string_equal(out, "at once:\n  `roll --force mx`;\n  clients\n");
	wrapped("a lone ` is a word", "", "", 10);
	assert_string_equal(out, "a lone `\nis a word\n");
}

static void a_cell_that_is_too_long_has_a_row(void **state)
{
	int was;

	(void)state;
	fflush(stdout);
	was = redirect(STDOUT_FILENO);
	print_cell("mx", 2, 4);
	printf("|\n");
	print_cell("mx.example.org", 2, 4);
	printf("|\n");
	fflush(stdout);
	restore(STDOUT_FILENO, was);
	read_back(STDOUT_FILENO);
	assert_string_equal(out, "mx  |\nmx.example.org\n      |\n");
}

/* What waits ------------------------------------------------------------------------------------ */

#define SERVED_KEY(number) { .present = true, .id = (number), .gen = (number), .fits_types = true, \
	.fits_names = true, .created_at = NOW - DAY, .cert_from_at = NOW, .cert_until_at = NOW + 90 * DAY, \
	.published_at = NOW - DAY, .sight = SIGHT_GO, .safe_at = NOW - DAY }

static void expect_held(const struct line *l, const struct facts *f, enum step next, enum step held)
{
	struct forecast c = rollover_forecast(&l->policy, f, NOW);
	char *text, *expected;

	assert_int_equal(c.step, next);
	assert_int_equal(held_step(l, f, &c, NOW), held);
	text = forecast_reason(&c, held_step(l, f, &c, NOW));
	expected = held == DO_NOTHING ? mem_copy_str(c.why)
				      : mem_format("%s waits: %s", rollover_step_name(held), c.why);
	assert_string_equal(text, expected);
	free(expected);
	free(text);
}

static void the_step_that_waits_is_named(void **state)
{
	struct line l = { .policy = { .max_key_age_for = 180 * DAY, .staging_for = 2 * DAY,
				      .retire_after_for = 3 * DAY, .cert_for = 90 * DAY, .ttl_for = HOUR,
				      .publishes = true, .tells = true, .verifies = true } };
	struct facts f = { .live = SERVED_KEY(1), .deployed_at = NOW - DAY };

	(void)state;
	expect_held(&l, &f, DO_RENEW, DO_NOTHING);
	f.staging = (struct key_facts)SERVED_KEY(2);
	f.staging.cert_until_at = NOW + 99 * DAY;
	f.roll_wanted = true;
	expect_held(&l, &f, DO_PROMOTE, DO_NOTHING);
	f.staging.sight = SIGHT_WAIT;
	f.staging.safe_at = NOW + HOUR;
	expect_held(&l, &f, DO_PROMOTE, DO_NOTHING);
	f.staging.sight = SIGHT_HOLD;
	expect_held(&l, &f, DO_RENEW, DO_PROMOTE);
	f.purge_at = NOW;               /* housekeeping is no reason for anything */
	expect_held(&l, &f, DO_RENEW, DO_PROMOTE);
	f.purge_at = 0;
	f.set_pending = true;           /* this comes first, and the reason is its own */
	expect_held(&l, &f, DO_PUBLISH, DO_NOTHING);
	f.set_pending = false;
	f.retired = (struct key_facts)SERVED_KEY(3);
	f.retired.retired_at = NOW - DAY;
	expect_held(&l, &f, DO_RETIRE, DO_PROMOTE);
	f.staging = (struct key_facts){ 0 };
	f.roll_wanted = false;
	expect_held(&l, &f, DO_RETIRE, DO_NOTHING);
	f.live.sight = SIGHT_HOLD;
	expect_held(&l, &f, DO_RENEW, DO_RETIRE);
	f.back_wanted = true;           /* the reason says by itself that the roll-back waits */
	expect_held(&l, &f, DO_RENEW, DO_NOTHING);
}

static void orders_are_listed(void **state)
{
	struct facts f = { .live = SERVED_KEY(4), .roll_wanted = true };
	struct strv orders = { 0 };

	(void)state;
	list_orders(&orders, &f);
	f.live.compromised = true;
	list_orders(&orders, &f);
	f.force = true;
	f.renew_gen = 5;
	list_orders(&orders, &f);
	f = (struct facts){ .live = SERVED_KEY(4), .back_wanted = true, .renew_gen = 4 };
	list_orders(&orders, &f);
	f = (struct facts){ .live = SERVED_KEY(4) };
	list_orders(&orders, &f);
	assert_int_equal(orders.n, 5);
	assert_string_equal(orders.v[0], "roll");
	assert_string_equal(orders.v[1], "roll --emergency");
	assert_string_equal(orders.v[2], "roll --emergency --force");
	assert_string_equal(orders.v[3], "renew");
	assert_string_equal(orders.v[4], "roll --back");
	strv_free(&orders);
}

/* Whole commands -------------------------------------------------------------------------------- */

static struct json *document(void)
{
	struct err e;
	struct json *doc = json_parse(out, strlen(out), &e);

	assert_non_null(doc);
	return doc;
}

static struct json *only_line(void)
{
	struct json *doc = document();

	assert_int_equal(json_len(json_get(doc, "lines")), 1);
	return doc;
}

static void first_order_is(const char *order)
{
	struct json *doc = only_line(), *orders = json_get(json_at(json_get(doc, "lines"), 0), "orders");

	assert_non_null(orders);
	assert_int_equal(json_len(orders), order ? 1 : 0);
	if (order)
		assert_string_equal(json_text(json_at(orders, 0)), order);
	json_free(doc);
}

static void an_order_is_said_until_it_is_done(void **state)
{
	(void)state;
	write_line("mx", "_25._tcp.mx.example.org", "verify = no");
	assert_int_equal(run_on_terminal("mx", NOW, "init"), EXIT_OK);
	has_not("ordered");
	has("\nmx: next: renew on 2027-03-16 07:40 UTC (in 59d): the certificate is due; its\n    key stays\n");
	assert_int_equal(run("mx", NOW, "init"), EXIT_OK);
	assert_string_equal(out, "mx: next: renew on 2027-03-16 07:40 UTC (in 59d): the certificate is due; its "
			    "key stays\n");
	assert_int_equal(run("mx", NOW, "status"), EXIT_OK);
	has_not("ordered");
	assert_int_equal(run("mx", NOW, "roll -n"), EXIT_OK);
	has_not("ordered");
	assert_int_equal(run("mx", NOW, "roll -n --json"), EXIT_OK);
	first_order_is(NULL);

	/* the step fails, the order stands */
	write_file("post-keychange-fails", 0644, "");
	assert_int_equal(run("mx", NOW + DAY, "roll"), EXIT_BAD);
	has("mx: ordered: roll; the next runs go on with it\n");
	assert_int_equal(run("mx", NOW + DAY, "status"), EXIT_BAD);
	has("\n    ordered: roll\n");
	has_not("compromised");
	assert_int_equal(run("mx", NOW + DAY, "status --json"), EXIT_BAD);
	first_order_is("roll");
	assert_int_equal(run("mx", NOW + DAY, "roll --emergency mx"), EXIT_BAD);
	has("mx: ordered: roll --emergency; the next runs go on with it\n");
	assert_int_equal(run("mx", NOW + DAY, "roll --emergency --json mx"), EXIT_BAD);
	first_order_is("roll --emergency");

	remove_file("post-keychange-fails");
	assert_int_equal(run("mx", NOW + 2 * DAY, "cron"), EXIT_OK);
	has_not("ordered");
	assert_int_equal(run("mx", NOW + 2 * DAY, "status"), EXIT_OK);
	has("\n    ordered: roll --emergency\n    compromised: the live key (generation 1)\n");
	assert_int_equal(run_on_terminal("mx", NOW + 2 * DAY, "roll --emergency mx"), EXIT_OK);
	fits();
	has("`certline roll --emergency --force mx`");

	/* done, but for the old key's records */
	write_file("post-certchange-fails", 0644, "");
	assert_int_equal(run("mx", NOW + 3 * DAY, "cron"), EXIT_BAD);
	assert_int_equal(run("mx", NOW + 3 * DAY, "status"), EXIT_BAD);
	has_not("ordered");
	has("\n    compromised: the old key (generation 1)\n");
	remove_file("post-certchange-fails");
	assert_int_equal(run("mx", NOW + 4 * DAY, "cron"), EXIT_OK);
	assert_int_equal(run("mx", NOW + 4 * DAY, "status --json"), EXIT_OK);
	first_order_is(NULL);
	assert_int_equal(run("mx", NOW + 4 * DAY, "status"), EXIT_OK);
	has_not("compromised");
}

static void long_names_and_reasons_are_folded(void **state)
{
	struct json *doc;

	(void)state;
	write_line(LONG_LINE, LONG_OWNER, "verify = no");
	assert_int_equal(run(LONG_LINE, NOW, "init -q"), EXIT_OK);
	assert_int_equal(run(LONG_LINE, NOW + DAY, "roll -q"), EXIT_OK);
	assert_string_equal(out, "");
	write_line(LONG_LINE, LONG_OWNER, SERVER_AT("9"));
	assert_int_equal(run(LONG_LINE, NOW + 2 * DAY, "cron"), EXIT_BAD);
	assert_int_equal(run_on_terminal(LONG_LINE, NOW + 3 * DAY, "roll"), EXIT_BAD);
	fits();
	unfold();
	has(": next: renew on ");
	has("; promote waits: name servers were not all seen with the new key: 127.0.0.1:9 has given no answer "
	    "about " LONG_OWNER " for 1d");
	assert_int_equal(run_on_terminal(LONG_LINE, NOW + 3 * DAY, "roll --emergency " LONG_LINE), EXIT_BAD);
	fits();
	assert_int_equal(run(LONG_LINE, NOW + 3 * DAY, "status -v"), EXIT_BAD);
	fits();
	has("\n" LONG_LINE "\n                       staged ");
	has("\n    promote waits: name servers were not all seen with the new key");
	assert_int_equal(run(LONG_LINE, NOW + 3 * DAY, "status --json"), EXIT_BAD);
	doc = only_line();
	assert_string_equal(json_str(json_at(json_get(doc, "lines"), 0), "next", ""), "renew");
	assert_string_equal(json_str(json_at(json_get(doc, "lines"), 0), "waits", ""), "promote");
	json_free(doc);
	assert_int_equal(run(LONG_LINE, NOW + 3 * DAY, "plan"), EXIT_OK);
	fits();
	has("  " LONG_LINE "\n                        renew ");
	assert_int_equal(run(LONG_LINE, NOW + 3 * DAY, "dns"), EXIT_BAD);
	fits();
}

/* Puts other text of the same length in its place. */
static void change_state(const char *line, const char *from, const char *to)
{
	char *name = mem_format("state/lines/%s/state.json", line), *path = mem_format("%s/%s", dir, name), *at;
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	fclose(f);
	at = strstr(out, from);
	assert_non_null(at);
	memcpy(at, to, strlen(from));
	write_file(name, 0600, out);
	free(name);
	free(path);
}

static void dns_knows_nothing_of_who_was_not_asked(void **state)
{
	struct json *doc, *servers;

	(void)state;
	write_line("mx", "_25._tcp.mx.example.org", "verify = no");
	assert_int_equal(run("mx", NOW, "init -q"), EXIT_OK);
	write_line("mx", "_25._tcp.mx.example.org", SERVER_AT("9"));
	assert_int_equal(run("mx", NOW + MINUTE, "cron"), EXIT_OK);
	/* as if it had not been asked in time; then it leaves the server set */
	change_state("mx", "\"failing_at\"", "\"filling_at\"");
	write_line("mx", "_25._tcp.mx.example.org", SERVER_AT("19"));
	assert_int_equal(run("mx", NOW + MINUTE, "dns"), EXIT_OK);
	has("\n    127.0.0.1:9                     -     -     -    ?      -    -  -\n");
	has_not("none");
	assert_int_equal(run("mx", NOW + MINUTE, "dns --json"), EXIT_OK);
	doc = only_line();
	servers = json_get(json_at(json_get(json_at(json_get(doc, "lines"), 0), "owners"), 0), "servers");
	assert_int_equal(json_len(servers), 2);
	for (size_t i = 0; i < json_len(servers); i++)
		assert_false(json_bool(json_at(servers, i), "answers", true));
	json_free(doc);
}

static void plan_keeps_its_columns(void **state)
{
	(void)state;
	write_line("a-name-of-20-letters", "_25._tcp.twenty.example.org", "verify = no");
	assert_int_equal(run("a-name-of-20-letters", NOW, "init"), EXIT_OK);
	assert_int_equal(run("a-name-of-20-letters", NOW, "plan"), EXIT_OK);
	fits();
	/* a reason goes on below its beginning */
	has("  a-name-of-20-letters  promote       every cache that may hold\n"
	    "                                                      a TLSA set knows the new\n"
	    "                                                      key\n");
}

static void plan_says_what_is_not_known(void **state)
{
	struct json *doc;

	(void)state;
	write_line("mx", "_25._tcp.mx.example.org", "verify = no");
	assert_int_equal(run("mx", NOW, "init -q"), EXIT_OK);
	/* times are UTC, and it says so */
	assert_int_equal(run("mx", NOW, "plan"), EXIT_OK);
	assert_memory_equal(out, "WHEN (UTC)        LINE  STEP          WHY\n", 41);
	assert_int_equal(run("mx", NOW, "plan --days 1"), EXIT_OK);
	assert_string_equal(out, "nothing will happen in the next 1 day\n");
	assert_int_equal(run("mx", NOW, "plan --json"), EXIT_OK);
	doc = document();
	assert_int_equal(json_len(json_get(doc, "failed")), 0);
	json_free(doc);
	/* nothing is not what happens to a line that cannot be read */
	change_state("mx", "\"keysets\"", "\"skeyets\"");
	assert_int_equal(run("mx", NOW, "plan"), EXIT_BAD);
	assert_string_equal(out, "");
	read_back(STDERR_FILENO);
	has("certline: mx: no plan could be made: ");
	has_not("nothing will happen");
	assert_int_equal(run("mx", NOW, "plan --json"), EXIT_BAD);
	doc = document();
	assert_int_equal(json_len(json_get(doc, "events")), 0);
	assert_string_equal(json_str(json_at(json_get(doc, "failed"), 0), "line", ""), "mx");
	assert_non_null(strstr(json_str(json_at(json_get(doc, "failed"), 0), "error", ""), "state.json"));
	json_free(doc);
}

static void every_command_is_offered(void **state)
{
	const struct command *all;
	size_t n;

	(void)state;
	write_line("mx", "_25._tcp.mx.example.org", "verify = no");
	assert_int_equal(run("mx", NOW, ""), EXIT_USAGE);
	read_back(STDERR_FILENO);
	all = command_list(&n);
	for (size_t i = 0; i < n; i++)
		has(all[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(words_and_commands_are_kept_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cell_that_is_too_long_has_a_row, setup, teardown),
		cmocka_unit_test(the_step_that_waits_is_named),
		cmocka_unit_test(orders_are_listed),
		cmocka_unit_test_setup_teardown(an_order_is_said_until_it_is_done, setup, teardown),
		cmocka_unit_test_setup_teardown(long_names_and_reasons_are_folded, setup, teardown),
		cmocka_unit_test_setup_teardown(dns_knows_nothing_of_who_was_not_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(plan_keeps_its_columns, setup, teardown),
		cmocka_unit_test_setup_teardown(plan_says_what_is_not_known, setup, teardown),
		cmocka_unit_test_setup_teardown(every_command_is_offered, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
