/* session.c - the directory, nonces, and signed requests.
 *
 * Retries live in session_call_all() alone: every round makes the calls that have no final reply yet, each
 * signed anew with a nonce of its own.
 * Touches: network.
 */
#include "acme/session.h"

#include "acme/problem.h"
#include "acme/text.h"
#include "base/mem.h"
#include "io/jose.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define BODY_MAX       ((size_t)1 << 20)
#define NONCES_MAX     256
#define BAD_NONCES     20               /* tries of one call */
#define LOST_REPLIES   2
#define IN_FLIGHT      64
#define PAUSE_MS       500              /* before a lost call is made again; doubles */
#define PAUSE_MAX_FOR  30               /* a Retry-After that is waited for here; longer ones end the call */
#define LIST_MAX       64               /* profiles, identities */

struct session {
	struct http     *http;
	struct directory dir;
	struct strv      nonces;
	const struct key *key;
	char            *account;
	int64_t          request_ms, until_ms;
	struct rest     *rest;          /* NULL: nobody wants to know */
	struct json     *problems;      /* the same */
};

static void note_rest(const struct session *s, int status, const char *problem, int64_t retry_after_for)
{
	bool limited = status == 429 || (problem && strcmp(problem, "rateLimited") == 0);

	if (!s->rest || (!limited && status != 503))
		return;
	s->rest->limited |= limited;
	if (retry_after_for > s->rest->rest_for)
		s->rest->rest_for = retry_after_for;
}

/* The directory -------------------------------------------------------------------------------- */

static void take_list(struct strv *out, const struct json *list)
{
	for (size_t i = 0; i < json_len(list) && i < LIST_MAX; i++)
		if (json_text(json_at(list, i)))
			strv_take(out, acme_printable(json_text(json_at(list, i))));
}

static void take_profiles(struct directory *d, const struct json *profiles)
{
	struct strv names = { 0 };

	json_keys(&names, profiles);
	for (size_t i = 0; i < names.n && i < LIST_MAX; i++) {
		strv_take(&d->profiles, acme_printable(names.v[i]));
		strv_take(&d->descriptions, acme_printable(json_str(profiles, names.v[i], "")));
	}
	strv_free(&names);
}

static char *copy_url(const struct json *o, const char *key)
{
	return mem_copy_str(acme_url(o, key));
}

static int take_directory(struct directory *d, const struct http_request *r, struct err *e)
{
	struct json *o = json_parse(r->body.s, r->body.len, e);
	const struct json *meta = json_get(o, "meta");

	if (!o)
		return -1;
	*d = (struct directory){
		.new_nonce = copy_url(o, "newNonce"), .new_account = copy_url(o, "newAccount"),
		.new_order = copy_url(o, "newOrder"), .revoke_cert = copy_url(o, "revokeCert"),
		.key_change = copy_url(o, "keyChange"), .renewal_info = copy_url(o, "renewalInfo"),
		.eab_required = json_bool(meta, "externalAccountRequired", false),
	};
	if (json_str(meta, "termsOfService", NULL))
		d->terms = acme_printable(json_str(meta, "termsOfService", NULL));
	take_list(&d->identities, json_get(meta, "caaIdentities"));
	take_profiles(d, json_get(meta, "profiles"));
	json_free(o);
	if (!d->new_nonce || !d->new_account || !d->new_order)
		return err_set(e, ERR_REFUSED, "it lacks newNonce, newAccount or newOrder, or these are no https "
			       "URLs: is this the URL of an ACME directory?");
	return 0;
}

static void directory_free(struct directory *d)
{
	char *texts[] = { d->new_nonce, d->new_account, d->new_order, d->revoke_cert, d->key_change,
			  d->renewal_info, d->terms };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	strv_free(&d->identities);
	strv_free(&d->profiles);
	strv_free(&d->descriptions);
	*d = (struct directory){ 0 };
}

static int64_t request_limit(const struct session *s)
{
	int64_t left_ms = session_left_ms(s);

	return left_ms < s->request_ms ? left_ms : s->request_ms;
}

/* What every reply may bring along. */
static void take_extras(struct session *s, const struct http_request *r)
{
	if (r->nonce && s->nonces.n < NONCES_MAX)
		strv_add(&s->nonces, r->nonce);
}

static int ask_directory(struct session *s, const char *url, struct err *e)
{
	int rc = -1;

	for (int tries = 0;; tries++) {
		struct http_request r = { .method = HTTP_GET, .url = url, .limit_ms = request_limit(s) };
		struct json *problem = NULL;
		bool again;

		http_send_all(s->http, &r, 1);
		take_extras(s, &r);
		again = r.status >= 500 || (!r.status && r.err.kind == ERR_LATER);
		if (!r.status)
			*e = r.err;
		else if (r.status != 200)
			problem_error(e, &r, NULL, &problem);
		else
			rc = take_directory(&s->dir, &r, e);
		again = again && r.retry_after_for <= PAUSE_MAX_FOR && tries < LOST_REPLIES;
		if (rc < 0 && !again) {
			note_rest(s, r.status, NULL, r.retry_after_for);
			problem_keep(s->problems, problem, NULL);
		}
		json_free(problem);
		http_requests_free(&r, 1);
		if (!again || !session_wait(s, PAUSE_MS << tries))
			break;
	}
	return rc < 0 ? err_wrap(e, "directory %s", url) : 0;
}

int session_open(struct session **out, const struct session_config *c, struct err *e)
{
	struct http_config hc = { .user_agent = CERTLINE_AGENT, .ca_file = c->ca_file, .body_max = BODY_MAX,
				  .in_flight = IN_FLIGHT };
	struct session *s;

	*out = NULL;
	if (!acme_is_url(c->directory))
		return err_set(e, ERR_USAGE, "%s is not an https URL", c->directory);
	s = mem_alloc(sizeof(*s));
	s->request_ms = c->request_ms;
	s->until_ms = clock_monotonic_ms() + c->run_ms;
	s->rest = c->rest;
	s->problems = c->problems;
	if (http_new(&s->http, &hc, e) < 0 || ask_directory(s, c->directory, e) < 0) {
		session_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	http_drop(s->http);
	directory_free(&s->dir);
	strv_free(&s->nonces);
	free(s->account);
	free(s);
}

const struct directory *session_directory(const struct session *s)
{
	return &s->dir;
}

struct http *session_http(const struct session *s)
{
	return s->http;
}

void session_set_account(struct session *s, const struct key *key, const char *url)
{
	char *copy = mem_copy_str(url);

	free(s->account);
	s->account = copy;
	s->key = key;
}

const struct key *session_key(const struct session *s)
{
	return s->key;
}

const char *session_account(const struct session *s)
{
	return s->account;
}

int64_t session_left_ms(const struct session *s)
{
	int64_t left_ms = s->until_ms - clock_monotonic_ms();

	return proc_stopping() || left_ms < 0 ? 0 : left_ms;
}

bool session_wait(const struct session *s, int64_t ms)
{
	int64_t until_ms = clock_monotonic_ms() + ms;

	for (;;) {
		int64_t left_ms = until_ms - clock_monotonic_ms();

		if (left_ms <= 0)
			return true;
		if (!session_left_ms(s))
			return false;
		clock_pause_ms(left_ms < 200 ? (unsigned)left_ms : 200);
	}
}

void session_keep_problem(struct session *s, const struct json *problem, const char *name)
{
	problem_keep(s->problems, problem, name);
}

/* Calls ---------------------------------------------------------------------------------------- */

/* What is known of a call between rounds. */
struct effort {
	int     bad_nonces, lost;
	bool    done;
	int64_t not_before_ms;
};

static void call_reset(struct call *c)
{
	free(c->problem);
	free(c->location);
	json_free(c->problem_doc);
	json_free(c->doc);
	buf_free(&c->body);
	strv_free(&c->links);
	c->problem = c->location = NULL;
	c->problem_doc = c->doc = NULL;
	c->status = 0;
	c->err = (struct err){ 0 };
	c->retry_after_for = -1;
}

/* HEAD requests for as many nonces as are missing, behind the n requests of the calls. */
static size_t add_nonce_requests(const struct session *s, struct http_request *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		r[i] = (struct http_request){ .method = HTTP_HEAD, .url = s->dir.new_nonce,
					      .limit_ms = request_limit(s) };
	return n;
}

static int fetch_nonces(struct session *s, size_t n, struct err *e)
{
	struct http_request *r;
	int rc = 0;

	if (n <= s->nonces.n)
		return 0;
	n -= s->nonces.n;
	r = mem_array(n, sizeof(*r));
	http_send_all(s->http, r, add_nonce_requests(s, r, n));
	for (size_t i = 0; i < n; i++) {
		take_extras(s, &r[i]);
		if (r[i].nonce)
			continue;
		rc = r[i].status ? problem_error(e, &r[i], NULL, NULL) : -1;
		if (!r[i].status)
			*e = r[i].err;
		note_rest(s, r[i].status, NULL, r[i].retry_after_for);
		if (r[i].status && r[i].status < 300)
			err_set(e, ERR_REFUSED, "the CA gives no nonce at %s", s->dir.new_nonce);
	}
	http_requests_free(r, n);
	free(r);
	return s->nonces.n ? 0 : rc;
}

static int make_body(struct session *s, struct buf *out, const struct call *c, struct err *e)
{
	struct jose_header h = { .url = c->url, .kid = c->key ? NULL : s->account };
	int rc;

	if (!c->key && (!s->key || !s->account))
		mem_bug("a request that the account signs, before there is one");
	if (!s->nonces.n)
		return err_set(e, ERR_LATER, "the CA gives too few nonces");
	h.nonce = s->nonces.v[s->nonces.n - 1];
	rc = jose_sign(out, c->key ? c->key : s->key, &h, c->payload, e);
	free(s->nonces.v[--s->nonces.n]);
	return rc;
}

/* The reply's parts go over to the call. */
static void take_reply(struct call *c, struct http_request *r)
{
	c->status = r->status;
	c->retry_after_for = r->retry_after_for;
	if (!r->status)
		c->err = r->err;
	else if (r->status >= 300)
		problem_error(&c->err, r, &c->problem, &c->problem_doc);
	c->location = r->location;
	r->location = NULL;
	c->links = r->links;
	r->links = (struct strv){ 0 };
	if (c->err.kind != ERR_NONE)
		return;
	c->body = r->body;
	r->body = (struct buf){ 0 };
	if (r->media_type && strcmp(r->media_type, "application/json") == 0) {
		struct err ignored;

		/* who needs it will say that it is not there */
		c->doc = json_parse(c->body.s, c->body.len, &ignored);
	}
}

/* Whether the call is made again, and when. */
static bool again(const struct session *s, struct call *c, struct effort *f)
{
	int64_t wait_ms = (int64_t)PAUSE_MS << f->lost;
	int most = c->once ? 0 : c->creates ? 1 : LOST_REPLIES;

	if (call_says(c, "badNonce"))
		return ++f->bad_nonces < BAD_NONCES;
	/* a 429 is meant as it is said: who gives no time does not want to be asked again soon */
	if (c->err.kind != ERR_LATER || (c->status == 429 ? c->retry_after_for < 0 : c->status && c->status < 500))
		return false;
	if (c->retry_after_for > PAUSE_MAX_FOR || f->lost++ == most)
		return false;
	if (c->retry_after_for * 1000 > wait_ms)
		wait_ms = c->retry_after_for * 1000;
	f->not_before_ms = clock_monotonic_ms() + wait_ms;
	return wait_ms < session_left_ms(s);
}

/* One round of the calls of[0..n-1]; `ahead` more nonces are fetched beside them. */
static void send_round(struct session *s, struct call *c, const size_t *of, size_t n, size_t ahead)
{
	struct http_request *r = mem_array(n + ahead, sizeof(*r));
	struct buf *bodies = mem_array(n, sizeof(*bodies));
	struct call **sent = mem_array(n, sizeof(struct call *));
	size_t sent_n = 0, all;

	for (size_t i = 0; i < n; i++) {
		struct call *x = &c[of[i]];
		struct buf *body = &bodies[sent_n];

		call_reset(x);
		buf_init(body, BODY_MAX);
		if (make_body(s, body, x, &x->err) < 0) {
			buf_free(body);
			continue;
		}
		r[sent_n] = (struct http_request){ .method = HTTP_POST, .url = x->url, .accept = x->accept,
						   .content_type = "application/jose+json", .language = "en",
						   .payload = body->s, .payload_len = body->len,
						   .limit_ms = request_limit(s) };
		sent[sent_n++] = x;
	}
	all = sent_n + add_nonce_requests(s, r + sent_n, ahead);
	http_send_all(s->http, r, all);
	for (size_t i = 0; i < all; i++)
		take_extras(s, &r[i]);
	for (size_t i = 0; i < sent_n; i++) {
		take_reply(sent[i], &r[i]);
		buf_free(&bodies[i]);
	}
	http_requests_free(r, all);
	free(sent);
	free(bodies);
	free(r);
}

void session_call_all(struct session *s, struct call *c, size_t n, size_t nonces_ahead)
{
	struct effort *f = mem_array(n, sizeof(*f));
	size_t *of = mem_array(n, sizeof(*of)), left = n;

	for (size_t i = 0; i < n; i++)
		of[i] = i;
	while (left) {
		struct err e = { 0 };
		int64_t from_ms = 0;
		size_t still = 0;

		if (fetch_nonces(s, left, &e) < 0) {
			for (size_t i = 0; i < left; i++) {
				call_reset(&c[of[i]]);
				c[of[i]].err = e;
			}
		} else {
			send_round(s, c, of, left, nonces_ahead);
		}
		nonces_ahead = 0;
		for (size_t i = 0; i < left; i++) {
			if (c[of[i]].err.kind == ERR_NONE || !again(s, &c[of[i]], &f[of[i]]))
				continue;
			if (f[of[i]].not_before_ms > from_ms)
				from_ms = f[of[i]].not_before_ms;
			of[still++] = of[i];
		}
		left = still;
		if (left && from_ms > clock_monotonic_ms() &&
		    !session_wait(s, from_ms - clock_monotonic_ms()))
			break;
	}
	for (size_t i = 0; i < n; i++) {
		if (c[i].err.kind == ERR_NONE)
			continue;
		note_rest(s, c[i].status, c[i].problem, c[i].retry_after_for);
		if (!c[i].judged)
			session_keep_problem(s, c[i].problem_doc, NULL);
	}
	free(of);
	free(f);
}

int session_call(struct session *s, struct call *c, struct err *e)
{
	session_call_all(s, c, 1, 0);
	if (c->err.kind == ERR_NONE)
		return 0;
	*e = c->err;
	return -1;
}

bool call_says(const struct call *c, const char *problem)
{
	return c->problem && strcmp(c->problem, problem) == 0;
}

void calls_free(struct call *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		call_reset(&c[i]);
}
