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
};

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

static void judge(struct respond *x, const struct look *l, const struct http_request *r)
{
	struct challenge *c = l->p->c;
	size_t len = strlen(c->key_authorization);

	if (c->err.kind != ERR_NONE)
		return;
	if (!r->status) {
		strv_take(&x->warnings, mem_format("%s at %s could not be looked at from here: %s", l->url, l->at,
						   r->err.text));
		return;
	}
	if (r->status != 200)
		err_set(&c->err, ERR_LATER, "%s at %s: HTTP status %d instead of the challenge: does the web server show "
			"challenge-dir there? (self-check = no leaves that to the CA)", l->url, l->at, r->status);
	else if (r->body.len < len || strncmp(r->body.s, c->key_authorization, len) != 0 ||
		 strspn(r->body.s + len, " \t\r\n") != r->body.len - len || r->body.len > CA_READS)
		err_set(&c->err, ERR_LATER, "%s at %s: another text instead of the challenge: does another server answer "
			"there? (self-check = no leaves that to the CA)", l->url, l->at);
}

void respond_http_look(struct respond *x)
{
	struct http_config hc = { .user_agent = "certline/" CERTLINE_VERSION, .probe = true, .body_max = BODY_MAX,
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
			judge(x, &v[i], &r[i]);
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
