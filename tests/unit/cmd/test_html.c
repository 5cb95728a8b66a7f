/* test_html.c - the pieces of the page, and what hostile texts become in them.
 * Touches: nothing.
 */
#include "cmd/html.h"

#include "base/mem.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define NOW ((int64_t)1800000000)       /* 2027-01-15 08:00 UTC */

static struct buf out;

static int empty(void **state)
{
	(void)state;
	buf_free(&out);
	buf_init(&out, 1 << 20);
	return 0;
}

static void assert_has(const char *text)
{
	if (!strstr(out.s, text))
		fail_msg("no \"%s\" in: %s", text, out.s);
}

static void assert_lacks(const char *text)
{
	if (strstr(out.s, text))
		fail_msg("\"%s\" in: %s", text, out.s);
}

static void instants_are_for_people_and_machines(void **state)
{
	static const struct {
		int64_t at;
		const char *want;
	} rows[] = {
		{ 0, "-" },
		{ WHEN_NEVER, "-" },
		{ NOW, "<time datetime=\"2027-01-15T08:00:00Z\">2027-01-15 08:00</time>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		html_time(&out, rows[i].at);
		assert_string_equal(out.s, rows[i].want);
	}
}

static void endpoints_are_rows(void **state)
{
	static const struct html_endpoint rows[] = {
		{ "_25._tcp.mx.example.org", "192.0.2.1 port 25", "ECDSA", "good", "the live key", NOW + DAY, NOW, NULL },
		{ "_25._tcp.mx.example.org", "2001:db8::1 port 25", "ECDSA", "bad", "the old key", NOW, NOW - DAY, NULL },
		{ "_443._tcp.<b>", "192.0.2.2 port 443", "RSA", "bad", "unknown", 0, NOW, NULL },
		{ "_25._tcp.mx.example.org", "192.0.2.3 port 25", "ECDSA", "note", "none seen", 0, 0,
		  "220 <script>alert(1)</script> & \"more\"" },
	};

	(void)state;
	html_endpoints(&out, rows, 0);
	assert_string_equal(out.s, "");
	html_endpoints(&out, rows, ARRAY_LEN(rows));
	assert_has("<h3>Endpoints</h3>");
	/* the state is beside the owner, and each cell knows its column */
	assert_has("<tr><th scope=\"row\">_25._tcp.mx.example.org</th>"
		   "<td data-of=\"Served key\"><span class=\"state good\">the live key</span></td>"
		   "<td data-of=\"Address\">192.0.2.1 port 25</td><td data-of=\"Kind\">ECDSA</td>"
		   "<td data-of=\"Certificate ends\"><time datetime=\"2027-01-16T08:00:00Z\">2027-01-16 08:00</time></td>"
		   "<td data-of=\"Seen\"><time datetime=\"2027-01-15T08:00:00Z\">2027-01-15 08:00</time></td>"
		   "<td class=\"none\" data-of=\"Error\">-</td></tr>");
	assert_has("<span class=\"state bad\">the old key</span>");
	assert_has("<span class=\"state bad\">unknown</span>");
	assert_has("<span class=\"state note\">none seen</span></td><td data-of=\"Address\">192.0.2.3 port 25</td>");
	assert_has("<td data-of=\"Error\">220 &lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;</td>");
	assert_lacks("<script");
	assert_lacks("<b>");
}

static void history_is_rows(void **state)
{
	static const struct html_event rows[] = {
		{ NOW, 2, 3, "promoted", "the key is live" },
		{ NOW - DAY, 0, 0, "failing", "hook <i>x</i>: exit status 1\nand more" },
	};

	(void)state;
	html_history(&out, rows, 0);
	assert_string_equal(out.s, "");
	html_history(&out, rows, ARRAY_LEN(rows));
	/* which key, of which generation: as `certline history` has it */
	assert_has("<tr><th scope=\"row\">promoted</th><td data-of=\"When\"><time datetime=\"2027-01-15T08:00:00Z\">"
		   "2027-01-15 08:00</time></td><td data-of=\"Key\">2</td><td data-of=\"Generation\">3</td>"
		   "<td data-of=\"What\">the key is live</td></tr>");
	assert_has("<td class=\"none\" data-of=\"Key\">-</td><td class=\"none\" data-of=\"Generation\">-</td>");
	assert_has("hook &lt;i&gt;x&lt;/i&gt;: exit status 1 and more");
}

static void the_page_allows_nothing_but_its_style(void **state)
{
	(void)state;
	html_begin(&out, "a </title><script>");
	html_heading(&out, 1, "a\"b", "c<d");
	html_end(&out);
	assert_has("<!DOCTYPE html>\n<html lang=\"en\">");
	assert_has("content=\"default-src 'none'; style-src 'sha256-");
	assert_lacks("unsafe");
	assert_has("<title>a &lt;/title&gt;&lt;script&gt;</title>");
	assert_has("<h1 id=\"a&quot;b\">c&lt;d</h1>");
	assert_lacks("<script");
	assert_has("</main>\n</body>\n</html>\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(instants_are_for_people_and_machines, empty),
		cmocka_unit_test_setup(endpoints_are_rows, empty),
		cmocka_unit_test_setup(history_is_rows, empty),
		cmocka_unit_test_setup(the_page_allows_nothing_but_its_style, empty),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&out);
	return rc;
}
