/* respond_http.c - looks at http-01 challenges as the CA will: by plain HTTP, at the addresses that
 * DNS gives.
 *
 * Only a wrong answer counts against a challenge.  That we do not get through proves nothing: the way
 * from here to our own public address is not the CA's.
 * Touches: network.
 */
#include "run/respond_parts.h"

#include "base/mem.h"
#include "dns/zone.h"
#include "io/http.h"
#include "run/look_how.h"

#define LOOK_LIMIT_MS 10000
#define BODY_MAX      4096
#define ADDRESSES_MAX 4                 /* of a name, of each family */
#define CA_READS      128               /* bytes, Boulder's limit */

struct look {
	struct placed *p;
	char          *url, *at;
	bool           six;             /* at an address of IPv6 */
};

enum seen { SEEN_RIGHT, SEEN_NOTHING, SEEN_STATUS, SEEN_TEXT };

static bool wanted(const struct placed *p)
{
	return method_type(p->method) == HTTP_01 && p->c->err.kind == ERR_NONE;
}

static void add(struct look **v, size_t *n, const struct respond *x, struct placed *p, const struct addr *a)
{
	struct addr plain = *a;
	char text[ADDR_TEXT_LEN];
	bool six = strchr(p->c->name, ':');
	struct look *l;

	addr_format(text, &plain);
	*v = mem_resize(*v, *n + 1, sizeof(**v));
	l = &(*v)[(*n)++];
	l->p = p;
	l->url = mem_format("http://%s%s%s:%lld/.well-known/acme-challenge/%s", six ? "[" : "", p->c->name,
			    six ? "]" : "", (long long)x->c->check_port, p->c->token);
	l->six = addr_is_ipv6(a);
	l->at = addr_is_ipv6(a) && text[0] != '[' ? mem_format("[%s]", text) : mem_copy_str(text);
}

/* Addresses of all names, side by side. */
static void find(struct respond *x, struct look **v, size_t *n)
{
	struct resolved *r = mem_array(2 * x->n, sizeof(*r));
	struct placed **of = mem_array(x->n, sizeof(struct placed *));
	struct look_config how;
	struct finder f;
	size_t names = 0;
	struct addr a;

	for (size_t i = 0; i < x->n; i++) {
		struct placed *p = &x->v[i];

		if (!wanted(p))
			continue;
		if (addr_parse(&a, p->c->name, 53)) {
			add(v, n, x, p, &a);
			continue;
		}
		r[2 * names] = (struct resolved){ .name = p->c->name, .type = DNS_AAAA };
		r[2 * names + 1] = (struct resolved){ .name = p->c->name, .type = DNS_A };
		of[names++] = p;
	}
	if (names) {
		look_how(&how, x->c);
		finder_init(&f, &how);
		finder_resolve(&f, r, 2 * names);
		finder_free(&f);
		look_how_free(&how);
	}
	for (size_t i = 0; i < 2 * names; i++)
		for (size_t k = 0, used = 0; k < r[i].msg.answer.n && used < ADDRESSES_MAX; k++) {
			const struct dns_rr *rr = &r[i].msg.answer.v[k];

			if (rr->type != r[i].type || !addr_from_bytes(&a, rr->rdata, rr->rdata_len, 53))
				continue;
			add(v, n, x, of[i / 2], &a);
			used++;
		}
	resolved_free(r, 2 * names);
	free(of);
	free(r);
}

static enum seen seen_of(const struct look *l, const struct http_request *r)
{
	const char *want = l->p->c->key_authorization;
	size_t len = strlen(want);

	if (!r->status)
		return SEEN_NOTHING;
	if (r->status != 200)
		return SEEN_STATUS;
	if (r->body.len < len || strncmp(r->body.s, want, len) != 0 ||
	    strspn(r->body.s + len, " \t\r\n") != r->body.len - len || r->body.len > CA_READS)
		return SEEN_TEXT;
	return SEEN_RIGHT;
}

/* An address of IPv4 that shows the challenge, if look i is at one of IPv6 of the same name; NULL: none. */
static const char *good_by_four(const struct look *v, const struct http_request *r, size_t n, size_t i)
{
	for (size_t k = 0; v[i].six && k < n; k++)
		if (v[k].p == v[i].p && !v[k].six && seen_of(&v[k], &r[k]) == SEEN_RIGHT)
			return v[k].at;
	return NULL;
}

/* Look i of n. */
static void judge(struct respond *x, const struct look *v, const struct http_request *r, size_t n, size_t i)
{
	const char *four = good_by_four(v, r, n, i), *url = v[i].url, *at = v[i].at;
	struct challenge *c = v[i].p->c;
	char *why = NULL;

	if (c->err.kind != ERR_NONE)
		return;
	if (four)
		why = mem_format("; %s shows it, but CAs try IPv6 first: let the web server listen at %s too, or remove "
				 "that AAAA record", four, at);
	switch (seen_of(&v[i], &r[i])) {
	case SEEN_RIGHT:
		break;
	case SEEN_NOTHING:
		strv_take(&x->warnings, mem_format("%s at %s could not be looked at from here: %s%s", url, at,
						   r[i].err.text, why ? why : ""));
		break;
	case SEEN_STATUS:
		err_set(&c->err, ERR_LATER, "%s at %s: HTTP status %d instead of the challenge%s (self-check = no leaves "
			"that to the CA)", url, at, r[i].status,
			why ? why : ": does the web server show challenge-dir there?");
		break;
	case SEEN_TEXT:
		err_set(&c->err, ERR_LATER, "%s at %s: another text instead of the challenge%s (self-check = no leaves "
			"that to the CA)", url, at, why ? why : ": does another server answer there?");
		break;
	}
	free(why);
}

void respond_http_look(struct respond *x)
{
	struct http_config hc = { .user_agent = CERTLINE_AGENT, .probe = true, .body_max = BODY_MAX,
				  .in_flight = 32 };
	struct look *v = NULL;
	struct http_request *r;
	struct http *h;
	struct err e;
	size_t n = 0;

	find(x, &v, &n);
	r = mem_array(n, sizeof(*r));
	for (size_t i = 0; i < n; i++)
		r[i] = (struct http_request){ .method = HTTP_GET, .url = v[i].url, .limit_ms = LOOK_LIMIT_MS,
					      .resolve_to = v[i].at };
	if (n && http_new(&h, &hc, &e) == 0) {
		http_send_all(h, r, n);
		for (size_t i = 0; i < n; i++)
			judge(x, v, r, n, i);
		http_requests_free(r, n);
		http_drop(h);
	}
	for (size_t i = 0; i < n; i++) {
		free(v[i].url);
		free(v[i].at);
	}
	free(r);
	free(v);
}
