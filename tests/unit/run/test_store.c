/* test_store.c - generations, slots, the ledger on disk, and TLSA sets as text, in a scratch store.
 * Touches: a folder under /tmp.
 */
#include "run/generation.h"
#include "run/publish.h"
#include "run/step.h"
#include "run/store.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

#define NOW ((int64_t)1800000000)

static char *scratch;
static struct issue_report report;

static struct line_config line_of(const char *name)
{
	struct line_config c = { .issuer = ISSUER_SELF, .self_lifetime_for = 90 * DAY, .key_gid = (gid_t)-1,
				 .params = { { 3, 1, 1 } }, .params_n = 1, .ttl_for = HOUR };

	c.name = mem_copy_str(name);
	c.state = mem_copy_str(scratch);
	strv_add(&c.domains, "mx.example.org");
	strv_add(&c.domains, "www.example.org");
	c.key_types = (struct key_types){ { KEY_EC_256, KEY_RSA_2048 }, 2 };
	return c;
}

static void line_drop(struct line_config *c)
{
	free(c->name);
	free(c->state);
	strv_free(&c->domains);
	strv_free(&c->owners);
}

static void read_file(struct buf *out, const struct line_config *c, const char *tail)
{
	char *path = store_path(c, tail);
	struct err e;

	buf_init(out, FS_READ_MAX);
	if (fs_read(out, path, FS_READ_MAX, NULL, &e) < 0)
		fail_msg("%s", e.text);
	free(path);
}

static void write_file(const struct line_config *c, const char *tail, const char *text)
{
	char *path = store_path(c, tail);
	struct err e;

	assert_int_equal(fs_write(path, text, strlen(text), (struct fs_mode){ 0600, (gid_t)-1 }, &e), 0);
	free(path);
}

static int must(int rc, const struct err *e)
{
	if (rc < 0)
		fail_msg("%s", e->text);
	return rc;
}

/* Generations ---------------------------------------------------------------------------------- */

static void a_generation_is_whole_and_private(void **state)
{
	static const char *const names[] = { "key.pem", "cert.pem", "chain.pem", "fullchain.pem",
		"combined.pem", "key-rsa-2048.pem", "cert-rsa-2048.pem", "chain-rsa-2048.pem",
		"fullchain-rsa-2048.pem", "combined-rsa-2048.pem", "manifest.json" };
	struct line_config c = line_of("whole");
	struct generation g;
	mode_t mask = umask(0);
	struct buf key, combined;
	struct err e;
	int number;

	(void)state;
	must(store_make_line(&c, &e), &e);
	must(generation_make(&number, &c, NULL, NULL, false, false, NOW, &report, &e), &e);
	umask(mask);
	assert_int_equal(number, 1);
	must(generation_load(&g, &c, 1, &e), &e);
	must(generation_verify(&g, &c, &e), &e);
	assert_int_equal(g.keyset, 1);
	assert_int_equal(g.leaves_n, 2);
	assert_true(generation_fits_names(&g, &c) && generation_fits_types(&g, &c));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *tail = mem_format("gen/000001/%s", names[i]), *path = store_path(&c, tail);
		bool secret = text_starts(names[i], "key") || text_starts(names[i], "combined");
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, secret ? 0600 : 0644);
		free(tail);
		free(path);
	}
	read_file(&key, &c, "gen/000001/key.pem");
	read_file(&combined, &c, "gen/000001/combined.pem");
	assert_true(text_starts(combined.s, key.s));            /* the key first */
	assert_non_null(strstr(combined.s, "BEGIN CERTIFICATE"));
	buf_free(&key);
	buf_free(&combined);
	generation_free(&g);
	line_drop(&c);
}

static void a_renewal_has_the_same_keys_and_a_new_certificate(void **state)
{
	struct line_config c = line_of("renewed");
	struct generation g, h;
	struct stat a, b;
	char *pa, *pb;
	struct err e;
	int number;

	(void)state;
	must(store_make_line(&c, &e), &e);
	must(generation_make(&number, &c, NULL, NULL, false, false, NOW, &report, &e), &e);
	must(generation_load(&g, &c, number, &e), &e);
	free(c.domains.v[1]);
	c.domains.v[1] = mem_copy_str("new.example.org");
	must(generation_make(&number, &c, &g, NULL, false, false, NOW + DAY, &report, &e), &e);
	must(generation_load(&h, &c, number, &e), &e);
	must(generation_verify(&h, &c, &e), &e);
	assert_int_equal(h.number, 2);
	assert_int_equal(h.keyset, 1);
	assert_int_equal(h.key_created_at, NOW);
	assert_true(generation_fits_names(&h, &c));
	assert_false(generation_fits_names(&g, &c));
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(g.leaves[i].spki.spki_sha256, h.leaves[i].spki.spki_sha256);
		assert_string_not_equal(g.leaves[i].fingerprint, h.leaves[i].fingerprint);
	}
	pa = store_path(&c, "gen/000001/key.pem");
	pb = store_path(&c, "gen/000002/key.pem");
	assert_int_equal(stat(pa, &a), 0);
	assert_int_equal(stat(pb, &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	free(pa);
	free(pb);
	generation_free(&g);
	generation_free(&h);
	line_drop(&c);
}

static void damage_is_noticed(void **state)
{
	struct line_config c = line_of("damaged"), d = line_of("other");
	struct generation g, h;
	struct buf key;
	struct err e;
	int number;

	(void)state;
	c.key_types.n = d.key_types.n = 1;
	must(store_make_line(&c, &e), &e);
	must(store_make_line(&d, &e), &e);
	must(generation_make(&number, &c, NULL, NULL, false, false, NOW, &report, &e), &e);
	must(generation_make(&number, &d, NULL, NULL, false, false, NOW, &report, &e), &e);
	must(generation_load(&g, &c, 1, &e), &e);
	/* another key of the same size: only the full look sees it */
	read_file(&key, &d, "gen/000001/key.pem");
	write_file(&c, "gen/000001/key.pem", key.s);
	buf_free(&key);
	must(generation_load(&h, &c, 1, &e), &e);
	assert_int_equal(generation_verify(&h, &c, &e), -1);
	assert_non_null(strstr(e.text, "key.pem"));
	assert_int_equal(generation_make(&number, &c, &h, NULL, false, false, NOW, &report, &e), -1);        /* no renewal on it */
	generation_free(&h);
	/* empty: the cheap look sees it */
	write_file(&c, "gen/000001/key.pem", "");
	assert_int_equal(generation_load(&h, &c, 1, &e), -1);
	assert_non_null(strstr(e.text, "0 bytes"));
	write_file(&c, "gen/000001/manifest.json", "{}");
	assert_int_equal(generation_load(&h, &c, 1, &e), -1);
	assert_int_equal(generation_load(&h, &c, 7, &e), -1);
	generation_free(&g);
	line_drop(&c);
	line_drop(&d);
}

static void slots(void **state)
{
	struct line_config c = line_of("slots");
	char *path = NULL;
	struct err e;
	int number;

	(void)state;
	must(store_make_line(&c, &e), &e);
	must(store_slot(&number, &c, "live", &e), &e);
	assert_int_equal(number, 0);
	must(store_set_slot(&c, "live", 17, &e), &e);
	must(store_slot(&number, &c, "live", &e), &e);
	assert_int_equal(number, 17);
	must(store_set_slot(&c, "live", 0, &e), &e);
	must(store_slot(&number, &c, "live", &e), &e);
	assert_int_equal(number, 0);
	path = store_path(&c, "live");
	assert_int_equal(symlink("/etc", path), 0);
	assert_int_equal(store_slot(&number, &c, "live", &e), -1);
	assert_non_null(strstr(e.text, "no generation"));
	free(path);
	line_drop(&c);
}

/* The ledger ----------------------------------------------------------------------------------- */

static void fill(struct ledger *l)
{
	struct ledger_links k = { 1, 4, 2, 2, NOW - 9, NOW - 8 };
	struct set s = { .ttl_for = 300 };

	*l = (struct ledger){ 0 };
	ledger_reconcile(l, &k, NOW);
	set_add(&s, "_25._tcp.mx.example.org", "3 1 1 aa", 1);
	set_add(&s, "_25._tcp.mx.example.org", "3 1 1 bb", 0);
	set_sort(&s);
	ledger_set_record(l, &s, NOW);
	ledger_set_done(l, NOW + 1);
	ledger_set_record(l, &s, NOW + 2);
	set_free(&s);
	acks_ok(&l->keychange, "/a b", 2, NOW);
	acks_failed(&l->certchange, "/c", "exit status 3", NOW);
	ledger_deployed(l, NOW + 3);
	ledger_failed(l, DO_RENEW_STAGING, "no \"luck\"\n", NOW, 7);
	ledger_order_roll(l, true, true);
	ledger_order_renew(l, false);
	ledger_assume_retired(l, 9, 9, NOW - 1, NOW);
	ledger_removed(l, 9, NOW + 4);
	l->rolled_back_at = NOW - 5;
}

static void a_ledger_survives_the_disk(void **state)
{
	struct line_config c = line_of("ledger");
	struct ledger l, m;
	struct buf first, second;
	bool missing;
	struct err e;

	(void)state;
	must(store_make_line(&c, &e), &e);
	must(store_load_ledger(&m, &missing, &c, &e), &e);
	assert_true(missing);
	fill(&l);
	must(store_save_ledger(&l, &c, &e), &e);
	read_file(&first, &c, "state.json");
	must(store_load_ledger(&m, &missing, &c, &e), &e);
	assert_false(missing);
	assert_int_equal(m.keysets_n, 3);
	assert_int_equal(ledger_live(&m)->gen, 4);
	assert_true(ledger_live(&m)->compromised);
	assert_int_equal(m.set.v[1].published_at, NOW + 1);
	assert_int_equal(m.set_serial, 2);
	assert_int_equal(m.set_done_at, 0);
	assert_int_equal(m.old_ttl_for, 300);
	assert_string_equal(acks_find(&m.certchange, "/c")->error, "exit status 3");
	assert_int_equal(m.retry[DO_RENEW_STAGING].failures, 0);        /* the order cleared it */
	assert_true(m.force);
	/* nothing is lost that was written: the same bytes come out, the clock aside */
	must(store_save_ledger(&m, &c, &e), &e);
	read_file(&second, &c, "state.json");
	assert_string_equal(strstr(first.s, "\"keysets\""), strstr(second.s, "\"keysets\""));
	buf_free(&first);
	buf_free(&second);
	ledger_free(&l);
	ledger_free(&m);
	line_drop(&c);
}

static void a_ledger_that_is_not_ours_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "{\"version\": 2, \"keysets\": [], \"set\": {}}", "newer" },
		{ "{\"version\": 1, \"keys", "damaged" },
		{ "", "damaged" },
		{ "[]", "damaged" },
		{ "{\"version\": 1}", "damaged" },
		{ "{\"version\": 1, \"keysets\": [], \"set\": {\"done_at\": -2}}", "never writes" },
		{ "{\"version\": 1, \"keysets\": [{\"x\": \"\\u001b[2J\"}], \"set\": {}}", "never writes" },
	};
	struct line_config c = line_of("refused");
	struct ledger l;
	bool missing;
	struct err e;

	(void)state;
	must(store_make_line(&c, &e), &e);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		write_file(&c, "state.json", rows[i].text);
		assert_int_equal(store_load_ledger(&l, &missing, &c, &e), -1);
		if (!strstr(e.text, rows[i].says))
			fail_msg("row %zu: %s", i, e.text);
		ledger_free(&l);
	}
	line_drop(&c);
}

/* Superseded generations ------------------------------------------------------------------------- */

static void only_superseded_generations_are_pruned(void **state)
{
	struct line_config c = line_of("pruned");
	struct line l = { .cfg = &c };
	int *numbers, number;
	size_t n;
	struct err e;

	(void)state;
	c.key_types.n = 1;
	must(store_make_line(&c, &e), &e);
	must(generation_make(&number, &c, NULL, NULL, false, false, NOW, &report, &e), &e);
	must(generation_load(&l.live, &c, 1, &e), &e);
	for (int i = 0; i < 5; i++)
		must(generation_make(&number, &c, &l.live, NULL, false, false, NOW, &report, &e), &e);
	generation_free(&l.live);
	must(generation_load(&l.live, &c, 6, &e), &e);
	ledger_assume_retired(&l.ledger, 2, 2, NOW, NOW);       /* generation 2 is of a retired key */
	must(step_prune(&l, &e), &e);
	must(generation_list(&numbers, &n, &c, &e), &e);
	assert_int_equal(n, 4);
	assert_int_equal(numbers[0], 2);
	assert_int_equal(numbers[1], 4);
	assert_int_equal(numbers[3], 6);
	free(numbers);
	generation_free(&l.live);
	ledger_free(&l.ledger);
	line_drop(&c);
}

/* Formats -------------------------------------------------------------------------------------- */

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct tlsa_row sample[] = {
	{ "_25._tcp.mx.example.org", "3 1 1 " A, 3600, "mx", "live", 1 },
	{ "_25._tcp.mx.example.org", "3 1 1 " B, 3600, "mx", "staging", 2 },
	{ "_443._tcp.www.example.net", "3 1 1 " A, 3600, "mx", "live", 1 },
};

static char *print(enum tlsa_format f, const char *origin, int64_t ttl_for)
{
	struct tlsa_rows rows = { sample, ARRAY_LEN(sample) };
	struct buf b;
	struct err e;
	char *s;

	buf_init(&b, 65536);
	must(publish_print(&b, &rows, f, origin, ttl_for, &e), &e);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static void assert_print(enum tlsa_format f, const char *origin, int64_t ttl_for, const char *want)
{
	char *got = print(f, origin, ttl_for);

	assert_string_equal(got, want);
	free(got);
}

static void every_format(void **state)
{
	char *got, octal[200] = "";

	(void)state;
	assert_print(FORMAT_ZONE, "example.org", 0,
		     "_25._tcp.mx 3600 IN TLSA 3 1 1 " A "\n_25._tcp.mx 3600 IN TLSA 3 1 1 " B "\n");
	assert_print(FORMAT_ZONE, "example.net", 60,
		     "_443._tcp.www 60 IN TLSA 3 1 1 " A "\n");
	assert_print(FORMAT_ZONE, "ample.org", 0, "");          /* not a label boundary */
	assert_print(FORMAT_GENERIC, "example.net", 0,
		     "_443._tcp.www 3600 IN TYPE52 \\# 35 030101" A "\n");
	assert_print(FORMAT_NSUPDATE, "example.org", 0,
		     "update delete _25._tcp.mx.example.org. TLSA\n"
		     "update add _25._tcp.mx.example.org. 3600 TLSA 3 1 1 " A "\n"
		     "update add _25._tcp.mx.example.org. 3600 TLSA 3 1 1 " B "\nsend\n");
	assert_print(FORMAT_NSUPDATE, "example.com", 0, "");
	assert_print(FORMAT_CSV, "example.net", 0,
		     "owner,ttl,usage,selector,matching_type,data,line,key\n"
		     "_443._tcp.www.example.net,3600,3,1,1," A ",mx,live\n");
	got = print(FORMAT_TINYDNS, "example.net", 0);
	for (int i = 0; i < 32; i++)
		memcpy(octal + 4 * i, "\\252", 5);
	assert_true(text_starts(got, ":_443._tcp.www.example.net:52:\\003\\001\\001"));
	assert_non_null(strstr(got, octal));
	assert_true(text_ends(got, ":3600\n"));
	free(got);
	got = print(FORMAT_JSON, NULL, 0);
	assert_non_null(strstr(got, "\"version\": 1"));
	assert_non_null(strstr(got, "\"key\": \"staging\""));
	free(got);
	got = print(FORMAT_ZONE, NULL, 0);
	assert_true(text_starts(got, "_25._tcp.mx.example.org. 3600 IN"));
	free(got);
}

static void impossible_records_are_never_printed(void **state)
{
	static const char *const bad[] = {
		"3 1 1 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"3 1 2 " A, "3 1 1 aa", "3 1 1 ", "", "3 1 0 " A, "nonsense",
		"3 1 2 cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
		"47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct tlsa_row row = { "_25._tcp.mx.example.org", bad[i], 60, "mx", "live", 1 };
		struct tlsa_rows rows = { &row, 1 };
		struct buf b;
		struct err e;

		buf_init(&b, 4096);
		assert_int_equal(publish_print(&b, &rows, FORMAT_ZONE, NULL, 0, &e), -1);
		assert_int_equal(e.kind, ERR_UNSAFE);
		assert_int_equal(b.len, 0);
		buf_free(&b);
	}
}

static void a_set_must_cover_the_keys(void **state)
{
	struct line_config c = line_of("cover");
	struct leaf leaves[2] = { 0 };
	struct generation g = { .number = 1, .leaves = leaves, .leaves_n = 2 };
	struct strv none = { 0 }, held = { 0 };
	struct set s = { 0 };
	struct err e;

	(void)state;
	memcpy(leaves[0].spki.spki_sha256, A, 65);
	memcpy(leaves[1].spki.spki_sha256, B, 65);
	strv_add(&c.owners, "_25._tcp.mx.example.org");
	assert_int_equal(publish_check_cover(&c, &g, &s, &none, &e), -1);      /* empty */
	set_add(&s, "_25._tcp.mx.example.org", "3 1 1 " A, 1);
	assert_int_equal(publish_check_cover(&c, &g, &s, &none, &e), -1);      /* one leaf of two */
	set_add(&s, "_443._tcp.mx.example.org", "3 1 1 " B, 1);
	assert_int_equal(publish_check_cover(&c, &g, &s, &none, &e), -1);      /* at another owner */
	set_add(&s, "_25._tcp.mx.example.org", "3 1 1 " B, 1);
	assert_int_equal(publish_check_cover(&c, &g, &s, &none, &e), 0);
	assert_int_equal(e.kind, ERR_UNSAFE);
	/* one that waits for its servers may have no record, but none that does not fit */
	strv_add(&c.owners, "_465._tcp.mx.example.org");
	assert_int_equal(publish_check_cover(&c, &g, &s, &none, &e), -1);
	strv_add(&held, "_465._tcp.mx.example.org");
	assert_int_equal(publish_check_cover(&c, &g, &s, &held, &e), 0);
	set_add(&s, "_465._tcp.mx.example.org", "3 1 1 " A, 1);
	assert_int_equal(publish_check_cover(&c, &g, &s, &held, &e), -1);
	strv_free(&held);
	set_free(&s);
	line_drop(&c);
}

static int set_up(void **state)
{
	char template[] = "/tmp/certline-store.XXXXXX";

	(void)state;
	if (!mkdtemp(template))
		return -1;
	scratch = mem_copy_str(template);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const lines[] = { "whole", "renewed", "damaged", "other", "slots", "ledger",
		"refused", "pruned" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct line_config c = line_of(lines[i]);
		char *gen = store_path(&c, "gen"), *dir = store_path(&c, NULL);

		if (fs_remove_tree(gen, &e) < 0 || fs_remove_tree(dir, &e) < 0)
			return -1;
		free(gen);
		free(dir);
		line_drop(&c);
	}
	if (fs_remove_tree(scratch, &e) < 0)
		return -1;
	free(scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generation_is_whole_and_private),
		cmocka_unit_test(a_renewal_has_the_same_keys_and_a_new_certificate),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(slots),
		cmocka_unit_test(a_ledger_survives_the_disk),
		cmocka_unit_test(a_ledger_that_is_not_ours_is_refused),
		cmocka_unit_test(only_superseded_generations_are_pruned),
		cmocka_unit_test(every_format),
		cmocka_unit_test(impossible_records_are_never_printed),
		cmocka_unit_test(a_set_must_cover_the_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
