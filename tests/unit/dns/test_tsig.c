/* test_tsig.c - key files: what is read, what is refused and at which line, and that no message
 * tells a secret.
 * Touches: a folder under TMPDIR.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "dns/tsig.h"

#include <sys/stat.h>

#define S16 "MTIzNDU2Nzg5MDEyMzQ1Ng=="                          /* 16 bytes */
#define S17 "MTIzNDU2Nzg5MDEyMzQ1Njc="
#define S32 "U2VjcmV0U2VjcmV0U2VjcmV0U2VjcmV0U2VjcmV0U2U="
#define ALG "algorithm hmac-sha256; "

static void reads_what_bind_writes(void **state)
{
	static const struct {
		const char *text, *name, *algorithm, *secret;
	} rows[] = {
		{ "key \"tlsa\" {\n\talgorithm hmac-sha256;\n\tsecret \"" S32 "\";\n};\n", "tlsa",
		  "hmac-sha256", S32 },
		{ "key tlsa { algorithm hmac-sha512; secret \"" S16 "\"; };", "tlsa", "hmac-sha512", S16 },
		{ "key tlsa { algorithm HMAC-SHA384.; secret \"" S16 "\"; };", "tlsa", "hmac-sha384", S16 },
		{ "key tlsa{algorithm hmac-sha256;secret\"" S17 "\";};", "tlsa", "hmac-sha256", S17 },
		{ "key a.b.example. { secret " S16 "; algorithm \"HMAC-SHA256.\"; } ;", "a.b.example",
		  "hmac-sha256", S16 },
		{ "KEY \"Big.Example\" { Algorithm HMAC-SHA512; SECRET \"" S16 "\"; };", "big.example",
		  "hmac-sha512", S16 },
		{ "# one\n// two\n/* three\n * } ; */key/**/k/**/{" ALG "//x\nsecret \"" S16 "\"#y\n;};#z",
		  "k", "hmac-sha256", S16 },
		{ "key k { " ALG "secret \"MTIzNDU2Nzg5 MDEyMzQ1Ng==\"; };\r\n", "k", "hmac-sha256", S16 },
		{ "key \"a\\\"b\" { " ALG "secret \"" S16 "\"; };", "a\\034b", "hmac-sha256", S16 },
		{ "key _x-1.example { " ALG "secret \"/+/+/+/+/+/+/+/+/+/+/w==\"; };", "_x-1.example",
		  "hmac-sha256", "/+/+/+/+/+/+/+/+/+/+/w==" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tsig_key k;
		struct err e = { 0 };

		if (tsig_key_parse(&k, rows[i].text, strlen(rows[i].text), "f", &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.text);
		assert_string_equal(k.name, rows[i].name);
		assert_string_equal(k.algorithm, rows[i].algorithm);
		assert_string_equal(k.secret, rows[i].secret);
		tsig_key_free(&k);
		assert_null(k.secret);
	}
}

static void refuses_the_rest(void **state)
{
	static const struct {
		const char *text, *begins;
	} rows[] = {
		{ "", "f: no key in it" },
		{ "\n# nothing\n", "f: no key in it" },
		{ "\n\nzone x { };", "f:3: not a key statement" },
		{ "Private-key-format: v1.3\n", "f:1: not a key statement" },
		{ "key", "f:1: the name of the key is missing" },
		{ "key {", "f:1: the name of the key is missing" },
		{ "key \"\" {", "f:1: the name of the key is no domain name" },
		{ "key a..b {", "f:1: the name of the key is no domain name" },
		{ "key . {", "f:1: the name of the key is no domain name" },
		{ "key k\n;", "f:2: a \"{\" is missing" },
		{ "key k { };", "f:1: the key has no algorithm" },
		{ "key k {\n" ALG "\n};", "f:3: the key has no secret" },
		{ "key k { secret \"" S16 "\"; };", "f:1: the key has no algorithm" },
		{ "key k { " ALG "\n" ALG, "f:2: a second algorithm" },
		{ "key k { secret \"" S16 "\";\n secret \"" S16 "\"; };", "f:2: a second secret" },
		{ "key k {\n" ALG "\n\"" S16 "\"; };", "f:3: a key has an algorithm and a secret" },
		{ "key k { " ALG "secret \"" S16 "\"\n};", "f:2: a \";\" is missing" },
		{ "key k { " ALG "secret \"" S16 "\"; }", "f:1: a \";\" is missing behind" },
		{ "key k { " ALG "secret \"" S16 "\"; };\n\nkey j { ", "f:3: a second key" },
		{ "key k { " ALG "secret \"" S16 "\"; };\noptions", "f:2: the key must be all" },
		{ "key k { " ALG "secret \"" S16 "\"; };\n;", "f:2: the key must be all" },
		{ "key k { algorithm HMAC-SHA224;", "f:1: the algorithm hmac-sha224 is not supported" },
		{ "key k { algorithm hmac-sha1;", "f:1: the algorithm hmac-sha1 is not supported" },
		{ "key k { algorithm hmac-md5;", "f:1: the algorithm hmac-md5 is not supported" },
		{ "key k { algorithm hmac-md5.sig-alg.reg.int.;", "f:1: the algorithm hmac-md5" },
		{ "key k { algorithm hmac-sha256-128;", "f:1: an unknown algorithm" },
		{ "key k { algorithm \"\";", "f:1: an unknown algorithm" },
		{ "key k { algorithm ;", "f:1: the name of the algorithm is missing" },
		{ "key k { secret ;", "f:1: the secret is missing" },
		{ "key k { secret \"\";", "f:1: the secret is no base64" },
		{ "key k { secret \"====\";", "f:1: the secret is no base64" },
		{ "key k { secret \"MTIzNDU2Nzg5MDEyMzQ1Ng=\";", "f:1: the secret is no base64" },
		{ "key k { secret \"MTIzNDU2Nzg5MDEyMzQ1Nh==\";", "f:1: the secret is no base64" },
		{ "key k { secret \"MTIzNDU2Nzg5MDEyMzQ1Njd=\";", "f:1: the secret is no base64" },
		{ "key k { secret \"MTIz=DU2Nzg5MDEyMzQ1Ng==\";", "f:1: the secret is no base64" },
		{ "key k { secret \"MTIzNDU2Nzg5MDEyMzQ1-_==\";", "f:1: the secret is no base64" },
		{ "key k { secret \"MTIzNDU2Nzg5MDEyMzQ1\";", "f:1: the secret is shorter than 16" },
		{ "key k { secret \"MTIzNDU2Nzg5MDEyMzQ1\n\";", "f:1: the closing quote is missing" },
		{ "key k { secret MTIz//Nzg5MDEyMzQ1Ng==;\n };", "f:2: a \";\" is missing (a secret" },
		{ "key \"k", "f:1: the closing quote is missing" },
		{ "key \"k\\", "f:1: the closing quote is missing" },
		{ "\n/* key k { ", "f:2: the comment that begins here does not end" },
		{ "\n/*/ key k { ", "f:2: the comment that begins here does not end" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tsig_key k;
		struct err e = { 0 };

		memset(&k, 0x55, sizeof(k));
		if (tsig_key_parse(&k, rows[i].text, strlen(rows[i].text), "f", &e) == 0)
			fail_msg("read: %s", rows[i].text);
		if (strncmp(e.text, rows[i].begins, strlen(rows[i].begins)) != 0)
			fail_msg("%s\n%s\nnot %s", rows[i].text, e.text, rows[i].begins);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_null(strstr(e.text, "MTIz"));
		assert_null(k.name);
		assert_null(k.secret);
	}
}

static void refuses_nul_bytes(void **state)
{
	static const char good[] = "key \"k\" { algorithm \"hmac-sha256\"; secret \"" S16 "\"; };";
	char text[sizeof(good) + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good); i++) {
		struct tsig_key k;
		struct err e = { 0 };

		memcpy(text, good, i);
		text[i] = '\0';
		memcpy(text + i + 1, good + i, sizeof(good) - 1 - i);
		assert_int_equal(tsig_key_parse(&k, text, sizeof(good), "f", &e), -1);
	}
}

static void write_file(const char *path, const char *text, size_t times, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	while (times--)
		fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void reads_files(void **state)
{
	const char *base = getenv("TMPDIR");
	char *dir = mem_format("%s/test_tsig.XXXXXX", base ? base : "/tmp"), *path;
	struct tsig_key k;
	struct err e = { 0 };
	int exposed = 7;

	(void)state;
	assert_non_null(mkdtemp(dir));
	path = mem_format("%s/key", dir);
	assert_int_equal(tsig_key_read(&k, path, &exposed, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	assert_non_null(strstr(e.text, "does not exist (tsig-keygen"));
	assert_int_equal(exposed, 0);
	assert_int_equal(tsig_key_read(&k, dir, &exposed, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	write_file(path, "key k { " ALG "secret \"" S16 "\"; };\n", 1, 0640);
	assert_int_equal(tsig_key_read(&k, path, &exposed, &e), 0);
	assert_int_equal(exposed, 0);
	assert_string_equal(k.secret, S16);
	tsig_key_free(&k);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(tsig_key_read(&k, path, &exposed, &e), 0);
	assert_int_equal(exposed, 1);
	tsig_key_free(&k);
	write_file(path, "# more than a key file may have ...............................\n", 1025,
		   0600);
	assert_int_equal(tsig_key_read(&k, path, &exposed, &e), -1);
	assert_int_equal(e.kind, ERR_LOCAL);
	assert_non_null(strstr(e.text, "larger than"));
	unlink(path);
	rmdir(dir);
	free(path);
	free(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_bind_writes),
		cmocka_unit_test(refuses_the_rest),
		cmocka_unit_test(refuses_nul_bytes),
		cmocka_unit_test(reads_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
