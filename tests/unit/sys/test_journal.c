/* test_journal.c - entries of the journal as they arrive at a socket.
 * Touches: a folder under /tmp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "sys/journal.h"

#include <sys/socket.h>
#include <sys/un.h>

static char dir[] = "/tmp/certline-journal.XXXXXX";
static char *path;
static int listener;

static int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_format("%s/socket", dir);
	memcpy(a.sun_path, path, strlen(path) + 1);
	listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	return bind(listener, (struct sockaddr *)&a, sizeof(a));
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	unlink(path);
	free(path);
	return rmdir(dir);
}

static void fields_arrive_as_they_are(void **state)
{
	static const char wanted[] = "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=3\nCERTLINE_LINE=a=b\nX=\n";
	const struct journal_field fields[] = { { "MESSAGE", "two\nlines" }, { "PRIORITY", "3" },
						{ "CERTLINE_LINE", "a=b" }, { "X", "" } };
	char got[200];
	struct err e;

	(void)state;
	assert_true(journal_is_there(path));
	assert_int_equal(journal_send(path, fields, ARRAY_LEN(fields), &e), 0);
	assert_int_equal(recv(listener, got, sizeof(got), 0), sizeof(wanted) - 1);
	assert_memory_equal(got, wanted, sizeof(wanted) - 1);
}

static void trouble_is_told_and_not_waited_for(void **state)
{
	char *big = mem_alloc(100001);
	struct journal_field field = { "MESSAGE", "x" };
	struct err e;
	int n = 0;

	(void)state;
	assert_int_equal(journal_send("/nonexistent/socket", &field, 1, &e), -1);
	assert_int_equal(e.kind, ERR_LATER);
	assert_false(journal_is_there("/nonexistent/socket"));
	assert_int_equal(journal_syslog("/nonexistent/socket", 3, "x", &e), -1);
	assert_int_equal(e.kind, ERR_LATER);
	assert_string_equal(e.text, "neither a journal nor /nonexistent/socket is there");
	memset(big, 'x', 100000);
	field.value = big;
	assert_int_equal(journal_send(path, &field, 1, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	big[60000] = '\0';
	assert_int_equal(journal_send(path, &field, 1, &e), 0);
	/* nobody reads */
	while (n < 100000 && journal_send(path, &field, 1, &e) == 0)
		n++;
	assert_true(n < 100000);
	assert_int_equal(e.kind, ERR_LATER);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_arrive_as_they_are),
		cmocka_unit_test(trouble_is_told_and_not_waited_for),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
