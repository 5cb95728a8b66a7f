/* ari.c - renewal information.
 * Touches: network.
 */
#include "acme/ari.h"

#include "acme/problem.h"
#include "acme/text.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"

#define REQUEST_MS 10000          /* nobody waits for it longer: there is a rule without it */

/* RFC 3339 with date and time; a leap second, which our clocks do not have, is the one before it. */
static bool read_instant(const char *s, int64_t *at)
{
	const size_t second = strlen("2016-12-31T23:59:");
	char *copy;
	bool good;

	if (strspn(s, "0123456789-") != strlen("2016-12-31"))
		return false;
	copy = mem_copy_str(s);
	if (strlen(s) > second && text_starts(s + second, "60"))
		memcpy(copy + second, "59", 2);
	good = when_parse_instant(copy, at);
	free(copy);
	/* some say "long ago" with the first instant that they know; ours is 1 */
	if (good && *at < 1)
		*at = 1;
	return good;
}

static int read_window(struct ari *a, const struct http_request *r, struct err *e)
{
	struct json *o = json_parse(r->body.s, r->body.len, e);
	const struct json *w = json_get(o, "suggestedWindow");
	int rc = 0;

	if (!o)
		return -1;
	if (!read_instant(json_str(w, "start", ""), &a->start_at) ||
	    !read_instant(json_str(w, "end", ""), &a->end_at) || a->end_at <= a->start_at) {
		a->start_at = a->end_at = 0;
		rc = err_set(e, ERR_REFUSED, "the CA gives no window that could be read");
	} else if (acme_url(o, "explanationURL")) {
		a->explanation = mem_copy_str(acme_url(o, "explanationURL"));
	}
	json_free(o);
	return rc;
}

void ari_ask_all(struct session *s, struct ari *v, size_t n)
{
	const char *base = session_directory(s)->renewal_info;
	struct http_request *r = mem_array(n, sizeof(*r));
	char **urls = mem_array(n, sizeof(*urls));

	for (size_t i = 0; i < n && base; i++) {
		urls[i] = mem_format("%s%s%s", base, text_ends(base, "/") ? "" : "/", v[i].id);
		r[i] = (struct http_request){ .method = HTTP_GET, .url = urls[i], .limit_ms = REQUEST_MS };
	}
	if (base)
		http_send_all(session_http(s), r, n);
	for (size_t i = 0; i < n; i++) {
		v[i] = (struct ari){ .id = v[i].id, .retry_after_for = -1 };
		if (!base) {
			err_set(&v[i].err, ERR_REFUSED, "the CA offers no renewal information");
			continue;
		}
		v[i].retry_after_for = r[i].retry_after_for;
		if (!r[i].status)
			v[i].err = r[i].err;
		else if (r[i].status != 200)
			problem_error(&v[i].err, &r[i], NULL, NULL);
		else if (read_window(&v[i], &r[i], &v[i].err) == 0)
			v[i].err = (struct err){ 0 };
		free(urls[i]);
	}
	if (base)
		http_requests_free(r, n);
	free(urls);
	free(r);
}

void aris_free(struct ari *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].explanation);
		v[i].explanation = NULL;
	}
}
