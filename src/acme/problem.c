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

char *problem_type(const struct json *problem)
{
	const char *type = json_str(problem, "type", "");

	return acme_printable(text_starts(type, PREFIX) ? type + strlen(PREFIX) : type);
}

static void add_text(struct buf *b, const struct json *problem)
{
	char *type = problem_type(problem);
	char *title = acme_printable(json_str(problem, "title", ""));
	char *detail = acme_printable(json_str(problem, "detail", ""));
	char *instance = acme_printable(json_str(problem, "instance", ""));

	buf_add_str(b, *detail ? detail : *title ? title : "no reason given");
	if (*type)
		buf_addf(b, " (%s)", type);
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
	add_text(b, sub);
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
	add_text(&b, problem);
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
