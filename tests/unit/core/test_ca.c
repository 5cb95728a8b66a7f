/* test_ca.c - CAs by name, which of them are test environments, and their folders.
 * Touches: nothing.
 */
#include "core/ca.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void names_and_urls(void **state)
{
	size_t n;
	const struct ca *list = ca_list(&n);

	(void)state;
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(ca_directory(list[i].name), list[i].directory);
		assert_string_equal(ca_directory(list[i].directory), list[i].directory);
	}
	assert_string_equal(ca_directory("https://ca.example/dir"), "https://ca.example/dir");
	assert_null(ca_directory("http://ca.example/dir"));
	assert_null(ca_directory("https://"));
	assert_string_equal(ca_address_profile("https://acme-v02.api.letsencrypt.org/directory"), "shortlived");
	assert_null(ca_address_profile("https://acme.zerossl.com/v2/DV90"));
	assert_null(ca_address_profile("https://ca.example/dir"));
	assert_null(ca_directory("letsencrypt2"));
	assert_null(ca_directory("LetsEncrypt"));
	assert_null(ca_directory(""));
}

static void test_environments(void **state)
{
	static const struct {
		const char *url;
		bool is;
	} rows[] = {
		{ "https://acme-staging-v02.api.letsencrypt.org/directory", true },
		{ "https://dv.acme-v02.test-api.pki.goog/directory", true },
		{ "https://acme-v02.api.letsencrypt.org/directory", false },
		{ "https://dv.acme-v02.api.pki.goog/directory", false },
		{ "https://staging.localhost:14000/dir", true },
		{ "https://Acme-STAGING.example/dir", true },
		{ "https://ca.example/staging/directory", false },
		{ "https://ca.example:443/test-ca", false },
		{ "https://ca.example?staging", false },
		{ "https://ca.example#staging", false },
		{ "https://127.0.0.1:14000/dir", false },
		{ "https://latest.example/dir", false },
		{ "https://latest-acme.example/dir", false },
		{ "https://acme-test-2.example/dir", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (ca_is_test(rows[i].url) != rows[i].is)
			fail_msg("%s is taken for %s", rows[i].url, rows[i].is ? "a real CA" : "a test");
}

static void folders(void **state)
{
	static const struct {
		const char *url, *folder;
	} rows[] = {
		{ "https://acme-v02.api.letsencrypt.org/directory", "letsencrypt" },
		{ "https://acme-staging-v02.api.letsencrypt.org/directory", "letsencrypt-staging" },
		{ "https://127.0.0.1:14000/dir", "127.0.0.1_14000_dir" },
		{ "https://[::1]:14000/dir", "___1__14000_dir" },
		{ "https://ca.example/a/../b", "ca.example_a_.._b" },
		{ "https://../../etc", "_._.._etc" },
		{ "https://.", "_" },
		{ "https://ca.example/\xc3\xa4?x=1&y", "ca.example____x_1_y" },
	};
	char *url, *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		s = ca_folder(rows[i].url);
		assert_string_equal(s, rows[i].folder);
		free(s);
	}
	/* one that nobody has to type has a name that fits into a path */
	url = mem_format("https://ca.example/%0200d", 1);
	s = ca_folder(url);
	assert_int_equal(strlen(s), 100);
	free(s);
	free(url);
}

/* The account and its key are in it. */
static void folders_of_two_are_two(void **state)
{
	char *urls[4], *v[32];
	size_t n, all = 0;
	const struct ca *list = ca_list(&n);

	(void)state;
	assert_true(n + ARRAY_LEN(urls) <= ARRAY_LEN(v));
	for (size_t i = 0; i < n; i++)
		v[all++] = ca_folder(list[i].directory);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		urls[i] = mem_format("https://ca.example/%0200zu/dir", i);
		v[all++] = ca_folder(urls[i]);
		free(urls[i]);
	}
	for (size_t i = 0; i < all; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(v[i], v[k]);
	for (size_t i = 0; i < all; i++)
		free(v[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_urls),
		cmocka_unit_test(test_environments),
		cmocka_unit_test(folders),
		cmocka_unit_test(folders_of_two_are_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
