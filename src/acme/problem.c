/* problem.c - error replies in words.
 * Touches: nothing but memory.
 */
#include "acme/problem.h"

#include "acme/text.h"
#include "base/mem.h"
#include "base/text.h"

#define PREFIX       "urn:ietf:params:acme:error:"
#define TEXT_MAX     4000
#define SUBPROBLEMS  PROBLEMS_TOLD      /* that are in the text */
#define LIST_MAX     200
#define BODY_SHOWN   120
#define KEPT_MAX     20
#define KEPT_SUBS    200
#define KEPT_TEXT    1000

char *problem_type(const struct json *problem)
{
	const char *type = json_str(problem, "type", "");

	return acme_printable(text_starts(type, PREFIX) ? type + strlen(PREFIX) : type);
}

/* 0: it gives none that could be one. */
static int status_of(const struct json *problem)
{
	int64_t status = json_int(problem, "status", 0);

	return status >= 100 && status <= 599 ? (int)status : 0;
}

/* What it says, and then its type and, if that is not 0, its status. */
static void add_text(struct buf *b, const struct json *problem, int status)
{
	char *type = problem_type(problem);
	char *title = acme_printable(json_str(problem, "title", ""));
	char *detail = acme_printable(json_str(problem, "detail", ""));
	char *instance = acme_printable(json_str(problem, "instance", ""));

	buf_add_str(b, *detail ? detail : *title ? title : "no reason given");
	if (*type && status)
		buf_addf(b, " (%s, HTTP status %d)", type, status);
	else if (*type)
		buf_addf(b, " (%s)", type);
	else if (status)
		buf_addf(b, " (HTTP status %d)", status);
	if (*instance)
		buf_addf(b, ", see %s", instance);
	free(type);
	free(title);
	free(detail);
	free(instance);
}

static void add_sub(struct buf *b, const struct json *sub)
{
	char *name = acme_printable(json_str(json_get(sub, "identifier"), "value", "?"));

	buf_addf(b, "%s: ", name);
	add_text(b, sub, 0);
	free(name);
}

void problem_list(struct strv *out, const struct json *problem)
{
	const struct json *subs = json_get(problem, "subproblems");

	for (size_t i = 0; json_len(subs) > SUBPROBLEMS && i < json_len(subs) && i < LIST_MAX; i++) {
		struct buf b;

		buf_init(&b, TEXT_MAX);
		add_sub(&b, json_at(subs, i));
		strv_take(out, buf_steal(&b));
		buf_free(&b);
	}
}

char *problem_text(const struct json *problem)
{
	const struct json *subs = json_get(problem, "subproblems");
	struct buf b;
	char *s;

	buf_init(&b, TEXT_MAX);
	add_text(&b, problem, status_of(problem));
	for (size_t i = 0; i < json_len(subs) && i < SUBPROBLEMS; i++) {
		buf_add_str(&b, "; ");
		add_sub(&b, json_at(subs, i));
	}
	if (json_len(subs) > SUBPROBLEMS)
		buf_addf(&b, "; and %zu more", json_len(subs) - SUBPROBLEMS);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

/* Keeping -------------------------------------------------------------------------------------- */

static void put_text(struct json *to, const char *key, const char *s)
{
	char *shown;

	if (!s)
		return;
	shown = acme_printable(s);
	if (strlen(shown) > KEPT_TEXT)
		memcpy(shown + KEPT_TEXT - strlen("..."), "...", sizeof("..."));
	json_put_str(to, key, shown);
	free(shown);
}

static struct json *copy_of(const struct json *problem, const char *name)
{
	struct json *o = json_object();

	put_text(o, "type", json_str(problem, "type", NULL));
	put_text(o, "title", json_str(problem, "title", NULL));
	put_text(o, "detail", json_str(problem, "detail", NULL));
	if (status_of(problem))
		json_put_int(o, "status", status_of(problem));
	put_text(o, "instance", json_str(problem, "instance", NULL));
	put_text(o, "identifier", name ? name : json_str(json_get(problem, "identifier"), "value", NULL));
	return o;
}

static void copy_subs(struct json *to, const struct json *subs, size_t room)
{
	struct json *list = NULL;

	for (size_t i = 0; i < json_len(subs) && json_len(list) < room; i++) {
		if (!json_has_members(json_at(subs, i)))
			continue;
		if (!list)
			list = json_put(to, "subproblems", json_array());
		json_put(list, NULL, copy_of(json_at(subs, i), NULL));
	}
}

void problem_keep(struct json *list, const struct json *problem, const char *name)
{
	size_t room = KEPT_SUBS;
	struct json *o;

	if (!list || !json_has_members(problem) || json_len(list) >= KEPT_MAX)
		return;
	for (size_t i = 0; i < json_len(list); i++)
		room -= json_len(json_get(json_at(list, i), "subproblems"));
	o = copy_of(problem, name);
	copy_subs(o, json_get(problem, "subproblems"), room);
	for (size_t i = 0; i < json_len(list); i++) {
		if (!json_same(json_at(list, i), o))
			continue;
		json_free(o);
		return;
	}
	json_put(list, NULL, o);
}

/* Replies -------------------------------------------------------------------------------------- */

/* "ca.example.org" of a URL. */
static char *host_of(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return mem_copy_strn(host, strcspn(host, "/?#"));
}

/* A web server, a proxy or a broken CA wrote it. */
static char *no_problem(const struct http_request *r)
{
	char *start = mem_copy_strn(r->body.s, r->body.len < BODY_SHOWN ? r->body.len : BODY_SHOWN);
	char *shown = acme_printable(start), *text;

	if (r->body.len)
		text = mem_format("HTTP status %d with a text that is no ACME error: %s%s", r->status, shown,
				  r->body.len > BODY_SHOWN ? "..." : "");
	else
		text = mem_format("HTTP status %d without a reason", r->status);
	free(start);
	free(shown);
	return text;
}

/* Where the way out is, if the CA says so: new terms of service (RFC 8555 section 7.3.3). */
static char *remedy(const struct http_request *r, const char *kind)
{
	static const char rel[] = "terms-of-service ";

	if (strcmp(kind, "userActionRequired") == 0)
		for (size_t i = 0; i < r->links.n; i++)
			if (text_starts(r->links.v[i], rel)) {
				char *url = acme_printable(r->links.v[i] + strlen(rel)), *text;

				text = mem_format("; read %s, and do what it says before the next run", url);
				free(url);
				return text;
			}
	/* another account would have other limits, and not be the one of CAA records: that is not for us to say */
	if (strcmp(kind, "accountDoesNotExist") == 0)
		return mem_copy_str("; if the account is gone for good, move account.json away: the next run finds one by "
				    "the key, or makes one");
	return mem_copy_str("");
}

int problem_error(struct err *e, const struct http_request *r, char **type, struct json **doc)
{
	struct err ignored;
	struct json *o = json_parse(r->body.s, r->body.len, &ignored);
	bool is_problem = json_str(o, "type", NULL) || json_str(o, "detail", NULL);
	char *host = host_of(r->url), *kind = problem_type(o), *text, *way_out = remedy(r, kind);
	bool later = r->status >= 500 || r->status == 429 || strcmp(kind, "rateLimited") == 0;

	if (is_problem)
		json_put_int(o, "status", r->status);
	text = is_problem ? problem_text(o) : no_problem(r);
	err_set(e, later ? ERR_LATER : ERR_REFUSED, "%s: %s%s%s", host, is_problem ? "the CA says: " : "", text,
		way_out);
	if (type)
		*type = is_problem ? mem_copy_str(kind) : NULL;
	if (doc && is_problem) {
		*doc = o;
		o = NULL;
	}
	json_free(o);
	free(host);
	free(kind);
	free(text);
	free(way_out);
	return -1;
}
