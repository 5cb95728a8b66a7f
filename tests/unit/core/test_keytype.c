/* test_keytype.c - names and lists of key types.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "core/keytype.h"

static void every_name_reads_back(void **state)
{
	(void)state;
	for (int i = 0; i < KEY_OTHER; i++) {
		enum key_type t = KEY_TYPE_N;

		assert_true(key_type_parse(key_type_name((enum key_type)i), &t));
		assert_int_equal(t, i);
	}
}

static void names_are_those_of_the_manual(void **state)
{
	(void)state;
	assert_string_equal(key_type_name(KEY_EC_256), "ec-256");
	assert_string_equal(key_type_name(KEY_EC_384), "ec-384");
	assert_string_equal(key_type_name(KEY_RSA_2048), "rsa-2048");
	assert_string_equal(key_type_name(KEY_RSA_3072), "rsa-3072");
	assert_string_equal(key_type_name(KEY_RSA_4096), "rsa-4096");
	assert_string_equal(key_type_name(KEY_OTHER), "other");
}

static void other_words_are_refused(void **state)
{
	static const char *const words[] = { "", "other", "rsa", "rsa-1024", "rsa-2048 ", " ec-256",
					     "EC-256", "ec-25", "ec-2566", "2048" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		enum key_type t = KEY_EC_384;

		if (key_type_parse(words[i], &t))
			fail_msg("\"%s\" is read as %s", words[i], key_type_name(t));
		assert_int_equal(t, KEY_EC_384);
	}
}

static void lists_know_their_members(void **state)
{
	struct key_types none = { .n = 0 };
	struct key_types l = { .v = { KEY_RSA_2048, KEY_EC_256 }, .n = 2 };

	(void)state;
	assert_false(key_types_have(&none, KEY_EC_256));
	assert_true(key_types_have(&l, KEY_EC_256));
	assert_true(key_types_have(&l, KEY_RSA_2048));
	assert_false(key_types_have(&l, KEY_RSA_4096));
}

static void lists_are_the_same_in_any_order(void **state)
{
	static const struct {
		struct key_types a, b;
		bool same;
	} rows[] = {
		{ { .n = 0 }, { .n = 0 }, true },
		{ { { KEY_EC_256 }, 1 }, { .n = 0 }, false },
		{ { .n = 0 }, { { KEY_EC_256 }, 1 }, false },
		{ { { KEY_EC_256 }, 1 }, { { KEY_EC_256 }, 1 }, true },
		{ { { KEY_EC_256 }, 1 }, { { KEY_EC_384 }, 1 }, false },
		{ { { KEY_EC_256, KEY_RSA_2048 }, 2 }, { { KEY_RSA_2048, KEY_EC_256 }, 2 }, true },
		{ { { KEY_EC_256, KEY_RSA_2048 }, 2 }, { { KEY_RSA_2048, KEY_EC_384 }, 2 }, false },
		{ { { KEY_EC_256, KEY_RSA_2048 }, 2 }, { { KEY_EC_256 }, 1 }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(key_types_same(&rows[i].a, &rows[i].b), rows[i].same);
		assert_int_equal(key_types_same(&rows[i].b, &rows[i].a), rows[i].same);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_reads_back),
		cmocka_unit_test(names_are_those_of_the_manual),
		cmocka_unit_test(other_words_are_refused),
		cmocka_unit_test(lists_know_their_members),
		cmocka_unit_test(lists_are_the_same_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
