/* test_metrics.c - the text format of Prometheus.
 * Touches: a folder under /tmp.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "run/metrics.h"
#include "sys/fs.h"

#define NOW ((int64_t)1800000000)

static void labels_are_escaped(void **state)
{
	const struct metric_label labels[] = { { "line", "a\"b\\c\nd" }, { "owner", "_25._tcp.mx" } };
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	metric_head(&b, "certline_x", "What it is.");
	metric_sample(&b, "certline_x", labels, 2, -5);
	metric_sample(&b, "certline_x", NULL, 0, 1800000000);
	assert_string_equal(b.s, "# HELP certline_x What it is.\n# TYPE certline_x gauge\n"
		"certline_x{line=\"a\\\"b\\\\c\\nd\",owner=\"_25._tcp.mx\"} -5\ncertline_x 1800000000\n");
	buf_free(&b);
}

static size_t endpoints(struct metric_endpoint **out, const struct world *world, const struct line *l)
{
	static const struct metric_endpoint two[] = {
		{ "_25._tcp.mx", "192.0.2.1:25", "ec-256", true, NOW, NOW + 5 },
		{ "_25._tcp.mx", "[2001:db8::1]:25", "ec-256", false, 0, 0 },
	};

	(void)world;
	if (strcmp(l->cfg->name, "mx") != 0)
		return 0;
	*out = mem_array(2, sizeof(**out));
	memcpy(*out, two, sizeof(two));
	return 2;
}

static void put(const char *dir, const char *name, const char *text)
{
	char *path = mem_format("%s/%s", dir, name);
	struct err e;

	assert_int_equal(fs_write(path, text, strlen(text), (struct fs_mode){ 0600, (gid_t)-1 }, &e), 0);
	free(path);
}

static int lines_with(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void each_file_has_the_lines_that_name_it(void **state)
{
	static const char *const wanted[] = {
		"\ncertline_run_at_seconds 1800000000\n",
		"\ncertline_line_ok{line=\"mx\"} 0\n",          /* not set up yet */
		"\ncertline_line_phase{line=\"mx\",phase=\"new\"} 1\n",
		"\ncertline_endpoint_ok{line=\"mx\",owner=\"_25._tcp.mx\",endpoint=\"192.0.2.1:25\",type=\"ec-256\"} 1\n",
		"\ncertline_endpoint_ok{line=\"mx\",owner=\"_25._tcp.mx\",endpoint=\"[2001:db8::1]:25\",type=\"ec-256\"} 0\n",
		"\ncertline_endpoint_not_after_seconds{line=\"mx\",owner=\"_25._tcp.mx\",endpoint=\"192.0.2.1:25\","
		"type=\"ec-256\"} 1800000005\n",
	};
	char dir[] = "/tmp/certline-metrics.XXXXXX", *text, *path;
	struct strv args = { 0 };
	struct config c;
	struct world w;
	struct buf out;
	struct err e;

	(void)state;
	assert_non_null(mkdtemp(dir));
	text = mem_format("issuer = self\n[dirs]\nstate = %s/state\n[run]\nmetrics-file = %s/a.prom\n", dir, dir);
	put(dir, "certline.conf", text);
	free(text);
	put(dir, "mx.conf", "domains = mx.example.org\n");
	put(dir, "web.conf", "domains = www.example.org\n");
	text = mem_format("domains = x.example.org\n[run]\nmetrics-file = %s/b.prom\n", dir);
	put(dir, "other.conf", text);
	free(text);
	strv_add(&args, dir);
	if (config_load(&c, &args, &e) < 0)
		fail_msg("%s", c.problems.n ? c.problems.v[0] : e.text);
	world_init(&w, &c);
	if (metrics_write(&w, endpoints, NOW, &e) < 0)
		fail_msg("%s", e.text);
	buf_init(&out, 1 << 20);
	path = mem_format("%s/a.prom", dir);
	assert_int_equal(fs_read(&out, path, 1 << 20, NULL, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (!strstr(out.s, wanted[i]))
			fail_msg("not there: %s", wanted[i]);
	assert_int_equal(lines_with(out.s, "\ncertline_line_ok{"), 2);
	assert_int_equal(lines_with(out.s, "\ncertline_endpoint_seen_at_seconds{"), 1);
	free(path);
	path = mem_format("%s/b.prom", dir);
	assert_int_equal(fs_read(&out, path, 1 << 20, NULL, &e), 0);
	assert_int_equal(lines_with(out.s, "\ncertline_line_ok{line=\"other\"} 0\n"), 1);
	assert_int_equal(lines_with(out.s, "\ncertline_line_ok{"), 1);
	free(path);
	buf_free(&out);
	world_free(&w);
	config_free(&c);
	strv_free(&args);
	assert_int_equal(fs_remove_tree(dir, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_escaped),
		cmocka_unit_test(each_file_has_the_lines_that_name_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
