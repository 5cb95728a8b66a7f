/* order.c - orders, in lockstep: each stage is one batch of calls for all orders that have come so far.
 *
 *      place or resume -> authorize -> finalize -> wait -> fetch
 *
 * An order whose err is set has dropped out of all later stages.
 * Touches: network.
 */
#include "acme/order.h"

#include "acme/authorization.h"
#include "acme/problem.h"
#include "acme/text.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/names.h"
#include "sys/addr.h"
#include "sys/clock.h"
#include "sys/proc.h"

#define MESSAGE_MAX    ((size_t)256 << 10)
#define NAMES_MAX      1000             /* authorizations of an order */
#define ALTERNATES_MAX 10
#define UNUSED_REST_FOR (12 * 3600)
#define POLL_FIRST_MS  2
#define POLL_MAX_MS    10000
#define POLL_LAST_MS   1000             /* so long before its time is up the run asks for the last time */
#define POLL_CEILING_FOR 600            /* for a Retry-After */
#define REST_MS        10000            /* for the other names, when one has failed */
#define REST_POLL_MS   100
#define POLLS_OF_ORDER 10               /* after these, authorizations are asked about too, each time */

enum status { PENDING, READY, PROCESSING, VALID, INVALID, UNKNOWN };

struct work {
	struct order *o;
	size_t        i;                /* its index, for the diary */
	enum status   status;
	char         *finalize, *certificate;
	struct strv   authorizations;   /* URLs */
	bool          resumed;
	bool          no_replaces;      /* the CA does not like what it is said to replace */
	bool          stuck;            /* it was gone on with, and waited for in vain once more */
	int64_t       retry_after_for;  /* of the last reply */
};

struct run {
	struct session *s;
	struct work    *w;
	size_t          n;
	struct authorization *a;        /* of all orders, each once */
	size_t          a_n;
	struct strv     names;          /* of all orders */
	const struct responder   *r;
	const struct order_diary *d;
	int64_t         now;
};

static bool out(const struct work *w)
{
	return w->o->err.kind != ERR_NONE;
}

/* The next run may have more luck with the same order. */
static bool later(const struct work *w)
{
	return w->o->err.kind == ERR_LATER || w->o->err.kind == ERR_PENDING;
}

/* Reading -------------------------------------------------------------------------------------- */

static enum status status_of(const struct json *doc)
{
	static const char *const words[] = { "pending", "ready", "processing", "valid", "invalid" };
	const char *s = json_str(doc, "status", "");

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s, words[i]) == 0)
			return (enum status)i;
	return UNKNOWN;
}

static void replace(char **to, const char *s)
{
	char *copy = mem_copy_str(s);

	free(*to);
	*to = copy;
}

static void refuse(struct work *w, const char *why)
{
	if (!out(w))
		err_set(&w->o->err, ERR_REFUSED, "%s", why);
}

/* What the CA says of an order that has become invalid. */
static void take_error(struct session *s, struct work *w, const struct json *doc)
{
	char *text;

	if (!json_has(doc, "error"))
		return;
	text = problem_text(json_get(doc, "error"));
	problem_list(&w->o->warnings, json_get(doc, "error"));
	session_keep_problem(s, json_get(doc, "error"), NULL);
	err_set(&w->o->err, ERR_REFUSED, "the order failed: %s", text);
	free(w->o->problem);
	w->o->problem = problem_type(json_get(doc, "error"));
	free(text);
}

/* A CA says which profile an order has (draft-ietf-acme-profiles). */
static void check_profile(struct work *w, const struct json *doc)
{
	const char *profile = json_str(doc, "profile", NULL);
	char *shown = acme_printable(profile);

	if (w->o->profile && profile && strcmp(profile, w->o->profile) != 0 && !out(w))
		err_set(&w->o->err, ERR_REFUSED, "the order has the profile %.80s, and not %s", shown, w->o->profile);
	free(shown);
}

static void take_order(struct session *s, struct work *w, const struct json *doc)
{
	const struct json *list = json_get(doc, "authorizations");

	if (!doc) {
		refuse(w, "the CA's answer about the order is no JSON object");
		return;
	}
	check_profile(w, doc);
	w->status = status_of(doc);
	if (acme_url(doc, "finalize"))
		replace(&w->finalize, acme_url(doc, "finalize"));
	if (acme_url(doc, "certificate"))
		replace(&w->certificate, acme_url(doc, "certificate"));
	strv_free(&w->authorizations);
	for (size_t i = 0; i < json_len(list) && i < NAMES_MAX; i++) {
		const char *url = json_text(json_at(list, i));

		if (url && acme_is_url(url))
			strv_add(&w->authorizations, url);
		else
			refuse(w, "an authorization of the order has no https URL");
	}
	if (w->status == UNKNOWN) {
		char *status = acme_printable(json_str(doc, "status", "(none)"));

		err_set(&w->o->err, ERR_REFUSED, "the order has a status that is not known: %.40s", status);
		free(status);
	} else if (w->status == INVALID) {
		take_error(s, w, doc);
	}
}

/* A call about an order: its error is the order's. */
static void take_call(struct session *s, struct work *w, const struct call *c)
{
	w->retry_after_for = c->retry_after_for;
	if (c->err.kind == ERR_NONE) {
		take_order(s, w, c->doc);
		return;
	}
	w->o->err = c->err;
	problem_list(&w->o->warnings, c->problem_doc);
	replace(&w->o->problem, c->problem);
	if (c->err.kind == ERR_LATER)
		w->o->retry_after_for = c->retry_after_for;
}

/* Asks about the orders that are still in and, if `only` is not UNKNOWN, of that status. */
static void ask_orders(struct run *r, enum status only)
{
	struct call *c = mem_array(r->n, sizeof(*c));
	size_t *of = mem_array(r->n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (out(&r->w[i]) || !r->w[i].o->url || (only != UNKNOWN && r->w[i].status != only))
			continue;
		of[n] = i;
		c[n++] = (struct call){ .url = r->w[i].o->url };
	}
	session_call_all(r->s, c, n, 0);
	for (size_t k = 0; k < n; k++)
		take_call(r->s, &r->w[of[k]], &c[k]);
	calls_free(c, n);
	free(of);
	free(c);
}

/* Placing -------------------------------------------------------------------------------------- */

static char *new_order_payload(const struct order *o, const char *replaces)
{
	struct json *doc = json_object(), *list = json_put(doc, "identifiers", json_array());
	struct buf b;
	char *s;

	for (size_t i = 0; i < o->names->n; i++) {
		struct json *id = json_put(list, NULL, json_object());
		struct addr a;

		json_put_str(id, "type", addr_parse(&a, o->names->v[i], 1) ? "ip" : "dns");
		json_put_str(id, "value", o->names->v[i]);
	}
	if (o->profile)
		json_put_str(doc, "profile", o->profile);
	if (replaces)
		json_put_str(doc, "replaces", replaces);
	buf_init(&b, MESSAGE_MAX);
	json_print(&b, doc, false);
	json_free(doc);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

/* The names that the CA does not take, if it says so of each of its reasons (RFC 8555 section 6.7.1). */
static void blame(struct work *w, const struct json *problem)
{
	const struct json *subs = json_get(problem, "subproblems");

	strv_free(&w->o->unauthorized);
	for (size_t i = 0; i < json_len(subs); i++) {
		const char *name = json_str(json_get(json_at(subs, i), "identifier"), "value", "");

		if (strv_has(w->o->names, name)) {
			strv_add(&w->o->unauthorized, name);
			continue;
		}
		strv_free(&w->o->unauthorized);
		return;
	}
}

/* An order is written down before anything else is done with it. */
static void placed(struct run *r, struct work *w, const struct call *c)
{
	struct err e;

	take_call(r->s, w, c);
	if (out(w)) {
		blame(w, c->problem_doc);
		return;
	}
	if (!c->location || !acme_is_url(c->location)) {
		refuse(w, "the CA gives no URL of the order");
		return;
	}
	replace(&w->o->url, c->location);
	if (r->d->note(r->d->arg, w->i, w->o->url, &e) < 0)
		w->o->err = e;
}

/* A CA that does not like what an order is said to replace says so in many ways. */
static bool without_replaces(struct work *w, const struct call *c)
{
	/* 500: it has stumbled, maybe over that; more than one more try it does not cost */
	if (!w->o->replaces || w->no_replaces || c->status < 400 || c->status > 500 || c->status == 429 ||
	    call_says(c, "rateLimited"))
		return false;
	w->no_replaces = true;
	strv_take(&w->o->warnings, mem_format("the CA does not take the order as the replacement of the last "
					      "certificate (%s); ordered without that", c->err.text));
	return true;
}

/* One that is offered, and not given (draft-ietf-acme-profiles). */
static bool without_profile(struct work *w, const struct call *c)
{
	if (!w->o->profile || w->o->require_profile || !call_says(c, "invalidProfile"))
		return false;
	strv_take(&w->o->warnings, mem_format("the CA does not give the profile %s (%s); ordered without one",
					      w->o->profile, c->err.text));
	w->o->profile = NULL;
	return true;
}

static size_t names_of(const struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->w[i].o->names->n;
	return n;
}

static void place_some(struct run *r, const size_t *which, size_t n)
{
	struct call *c = mem_array(n, sizeof(*c));
	char **payloads = mem_array(n, sizeof(*payloads));
	size_t *again = mem_array(n, sizeof(*again)), again_n = 0;

	for (size_t i = 0; i < n; i++) {
		const struct work *w = &r->w[which[i]];

		payloads[i] = new_order_payload(w->o, w->no_replaces ? NULL : w->o->replaces);
		c[i] = (struct call){ .url = session_directory(r->s)->new_order, .payload = payloads[i],
				      .creates = true };
	}
	session_call_all(r->s, c, n, names_of(r));
	for (size_t i = 0; i < n; i++) {
		struct work *w = &r->w[which[i]];

		if (c[i].err.kind != ERR_NONE && (without_profile(w, &c[i]) || without_replaces(w, &c[i])))
			again[again_n++] = which[i];
		else
			placed(r, w, &c[i]);
		free(payloads[i]);
	}
	calls_free(c, n);
	free(c);
	free(payloads);
	if (again_n)
		place_some(r, again, again_n);
	free(again);
}

/* Whether an order that was begun is one to go on with. */
static bool usable(struct work *w)
{
	if (later(w))
		return true;            /* not known: no reason to place another one */
	return !out(w) && w->status != INVALID && w->authorizations.n == w->o->names->n;
}

static void resume(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct work *w = &r->w[i];

		w->resumed = w->o->resume && acme_is_url(w->o->resume);
		if (w->resumed)
			w->o->url = mem_copy_str(w->o->resume);
	}
	ask_orders(r, UNKNOWN);
	for (size_t i = 0; i < r->n; i++) {
		struct work *w = &r->w[i];

		if (!w->resumed || usable(w))
			continue;
		w->resumed = false;
		w->o->err = (struct err){ 0 };
		replace(&w->o->url, NULL);
		replace(&w->o->problem, NULL);
		replace(&w->certificate, NULL);
	}
}

static void place(struct run *r)
{
	size_t *which = mem_array(r->n, sizeof(*which)), n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!out(&r->w[i]) && !r->w[i].o->url)
			which[n++] = i;
	if (n)
		place_some(r, which, n);
	free(which);
}

/* Authorizations ------------------------------------------------------------------------------- */

/* Orders for the same names may share their authorizations. */
static void list_authorizations(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct work *w = &r->w[i];

		if (out(w) || w->status != PENDING)
			continue;
		for (size_t k = 0; k < w->authorizations.n; k++) {
			size_t a = 0;

			while (a < r->a_n && strcmp(r->a[a].url, w->authorizations.v[k]) != 0)
				a++;
			if (a < r->a_n)
				continue;
			r->a = mem_resize(r->a, r->a_n + 1, sizeof(*r->a));
			r->a[r->a_n++] = (struct authorization){ .url = mem_copy_str(w->authorizations.v[k]) };
		}
	}
}

/* What the CA says of the authorizations that are not valid yet; first: nothing is known of them. */
static void ask_authorizations(struct run *r, bool first, const char *thumbprint)
{
	struct call *c = mem_array(r->a_n, sizeof(*c));
	size_t *of = mem_array(r->a_n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < r->a_n; i++) {
		if (!first && (r->a[i].status == AUTH_VALID || r->a[i].err.kind != ERR_NONE))
			continue;
		of[n] = i;
		c[n++] = (struct call){ .url = r->a[i].url };
	}
	session_call_all(r->s, c, n, 0);
	for (size_t k = 0; k < n; k++) {
		struct authorization *a = &r->a[of[k]];
		const char *status = json_str(c[k].doc, "status", "");

		if (c[k].err.kind != ERR_NONE) {
			if (first)
				a->err = c[k].err;
		} else if (first) {
			authorization_read(a, c[k].doc, &r->names, thumbprint, r->r);
		} else if (strcmp(status, "valid") == 0) {
			a->status = AUTH_VALID;
		} else if (strcmp(status, "pending") != 0) {
			authorization_failed(a, c[k].doc);
		}
		if (a->status == AUTH_INVALID)
			session_keep_problem(r->s, authorization_problem(c[k].doc), a->challenge.name);
	}
	calls_free(c, n);
	free(of);
	free(c);
}

static struct authorization *find_authorization(const struct run *r, const char *url)
{
	for (size_t i = 0; i < r->a_n; i++)
		if (strcmp(r->a[i].url, url) == 0)
			return &r->a[i];
	return NULL;
}

/* The name as it was ordered, if the CA has said which one it is about. */
static void add_unauthorized(struct strv *names, const struct challenge *c)
{
	if (c->name)
		strv_take(names, mem_format("%s%s", c->wildcard ? "*." : "", c->name));
}

/* A few texts in one; if there are more, all of them one by one. */
static void fail(struct order *o, enum err_kind kind, const struct strv *texts)
{
	struct buf b;

	buf_init(&b, sizeof(o->err.text) * 4);
	for (size_t i = 0; i < texts->n && i < PROBLEMS_TOLD; i++)
		buf_addf(&b, "%s%s", i ? "; " : "", texts->v[i]);
	if (texts->n > PROBLEMS_TOLD) {
		buf_addf(&b, "; and %zu more", texts->n - PROBLEMS_TOLD);
		for (size_t i = 0; i < texts->n; i++)
			strv_add(&o->warnings, texts->v[i]);
	}
	err_set(&o->err, kind, "%s", b.s);
	buf_free(&b);
}

/* An order with an authorization that failed has failed: with the errors of all of them. */
static void spread_errors(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct work *w = &r->w[i];
		enum err_kind kind = ERR_NONE;
		struct strv texts = { 0 };

		if (out(w) || w->status != PENDING)
			continue;
		strv_free(&w->o->unauthorized);
		for (size_t k = 0; k < w->authorizations.n; k++) {
			const struct authorization *a = find_authorization(r, w->authorizations.v[k]);
			const struct err *e = !a ? NULL : a->err.kind != ERR_NONE ? &a->err : &a->challenge.err;

			if (!e || e->kind == ERR_NONE)
				continue;
			strv_add(&texts, e->text);
			add_unauthorized(&w->o->unauthorized, &a->challenge);
			if (kind == ERR_NONE || e->kind != ERR_LATER)
				kind = e->kind;
		}
		if (texts.n)
			fail(w->o, kind, &texts);
		if (w->o->unauthorized.n < texts.n)
			strv_free(&w->o->unauthorized);
		strv_free(&texts);
	}
}

/* Whether an order has the authorization that is in, or one that has failed for good. */
static bool belongs(const struct run *r, const struct authorization *a, bool failed)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct work *w = &r->w[i];
		bool lost = w->status == INVALID || w->stuck || (out(w) && !later(w));

		if (strv_has(&w->authorizations, a->url) && (failed ? lost : !out(w)))
			return true;
	}
	return false;
}

static void offer(struct run *r)
{
	struct call *c = mem_array(r->a_n, sizeof(*c));
	size_t *of = mem_array(r->a_n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < r->a_n; i++) {
		const struct authorization *a = &r->a[i];

		if (!a->chosen || a->err.kind != ERR_NONE || a->challenge.err.kind != ERR_NONE ||
		    !belongs(r, a, false))
			continue;
		of[n] = i;
		c[n++] = (struct call){ .url = a->challenge.url, .payload = "{}" };
	}
	session_call_all(r->s, c, n, 0);
	for (size_t k = 0; k < n; k++) {
		if (c[k].err.kind == ERR_NONE)
			continue;
		r->a[of[k]].err = c[k].err;
		err_wrap(&r->a[of[k]].err, "%s", r->a[of[k]].challenge.name);
	}
	for (size_t k = 0; k < n; k++)
		r->a[of[k]].offered = true;
	calls_free(c, n);
	free(of);
	free(c);
}

/* Milliseconds before it is asked again: longer and longer, or as long as the CA says. */
static int64_t pause_ms(int polls, int64_t retry_after_for)
{
	int64_t ms = POLL_FIRST_MS;

	while (polls-- > 0 && ms < POLL_MAX_MS)
		ms = ms * 2;
	if (ms > POLL_MAX_MS)
		ms = POLL_MAX_MS;
	if (retry_after_for > POLL_CEILING_FOR)
		retry_after_for = POLL_CEILING_FOR;
	return retry_after_for * 1000 > ms ? retry_after_for * 1000 : ms;
}

static bool any(const struct run *r, enum status status, int64_t *retry_after_for)
{
	bool found = false;

	*retry_after_for = 0;
	for (size_t i = 0; i < r->n; i++) {
		if (out(&r->w[i]) || r->w[i].status != status)
			continue;
		found = true;
		if (r->w[i].retry_after_for > *retry_after_for)
			*retry_after_for = r->w[i].retry_after_for;
	}
	return found;
}

/* The CA is slow, or has forgotten the order: one that it does not validate in two runs is placed anew. */
static void not_in_time(struct work *w)
{
	w->stuck = w->resumed && w->status == PENDING;
	w->o->retry_after_for = w->retry_after_for;
	if (proc_stopping())
		err_set(&w->o->err, ERR_LATER, "told to stop; the next run goes on with the order %s", w->o->url);
	else
		err_set(&w->o->err, w->stuck ? ERR_LATER : ERR_PENDING, "the CA has not finished in time; the next "
			"run %s the order %s", w->stuck ? "gives up" : "goes on with", w->o->url);
}

/* Until no order has that status any more.  An order turns ready or invalid when its authorizations have come
 * to an end, so that one question about it is enough; if that takes long they are asked about, too. */
static void wait_while(struct run *r, enum status status)
{
	int64_t retry_after_for;

	for (int polls = 0; any(r, status, &retry_after_for); polls++) {
		int64_t ms = pause_ms(polls, retry_after_for), left_ms = session_left_ms(r->s) - POLL_LAST_MS;

		/* a CA may want to be asked later than that, and look at the challenges before: they stay till then */
		if (left_ms <= 0 || !session_wait(r->s, ms < left_ms ? ms : left_ms))
			break;
		ask_orders(r, status);
		if (status == PENDING && polls >= POLLS_OF_ORDER) {
			ask_authorizations(r, false, NULL);
			spread_errors(r);
		}
	}
	for (size_t i = 0; i < r->n; i++)
		if (!out(&r->w[i]) && r->w[i].status == status)
			not_in_time(&r->w[i]);
}

/* Of orders that failed: what is still open at the CA, where only so many may be, is given up. */
static void give_up(struct run *r)
{
	struct call *c = mem_array(r->a_n, sizeof(*c));
	size_t n = 0;

	for (size_t i = 0; i < r->a_n; i++)
		if (r->a[i].status == AUTH_PENDING && belongs(r, &r->a[i], true))
			c[n++] = (struct call){ .url = r->a[i].url, .payload = "{\"status\":\"deactivated\"}",
						.once = true, .judged = true };
	if (session_left_ms(r->s))
		session_call_all(r->s, c, n, 0);
	calls_free(c, n);
	free(c);
}

static bool any_failed(const struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (out(&r->w[i]) || r->w[i].status == INVALID)
			return true;
	return false;
}

static bool any_offered(const struct run *r)
{
	for (size_t i = 0; i < r->a_n; i++)
		if (r->a[i].offered && r->a[i].status == AUTH_PENDING && r->a[i].err.kind == ERR_NONE &&
		    r->a[i].challenge.err.kind == ERR_NONE)
			return true;
	return false;
}

/* One failure ends the order, while the CA still looks at the other names: if their challenges were gone
 * before that, they would fail as well, and CAs count failures by name. */
static void wait_for_the_rest(struct run *r)
{
	int64_t ms = REST_POLL_MS, left_ms = REST_MS;

	ask_authorizations(r, false, NULL);
	while (any_offered(r) && left_ms > 0 && ms < session_left_ms(r->s) - POLL_LAST_MS &&
	       session_wait(r->s, ms)) {
		left_ms -= ms;
		ms = ms * 2;
		ask_authorizations(r, false, NULL);
	}
}

static void answer(struct run *r)
{
	struct challenge *v = mem_array(r->a_n, sizeof(*v));
	size_t *of = mem_array(r->a_n, sizeof(*of)), n = 0;
	int64_t ignored;

	for (size_t i = 0; i < r->a_n; i++) {
		if (!r->a[i].chosen)
			continue;
		of[n] = i;
		v[n++] = r->a[i].challenge;
	}
	if (n)
		r->r->present(r->r->arg, v, n);
	for (size_t k = 0; k < n; k++)
		r->a[of[k]].challenge.err = v[k].err;
	spread_errors(r);
	if (any(r, PENDING, &ignored)) {
		offer(r);
		spread_errors(r);
		wait_while(r, PENDING);
		if (any_failed(r) && session_left_ms(r->s))
			wait_for_the_rest(r);
	}
	/* whoever put them in place is told which ones have come to nothing */
	for (size_t k = 0; k < n; k++) {
		const struct authorization *a = &r->a[of[k]];

		if (a->err.kind != ERR_NONE)
			v[k].err = a->err;
		else if (v[k].err.kind == ERR_NONE && a->status != AUTH_VALID && any_failed(r))
			err_set(&v[k].err, ERR_LATER, "%s: the CA has not accepted it", v[k].name);
	}
	if (n)
		r->r->withdraw(r->r->arg, v, n);
	free(of);
	free(v);
}

static bool names_failed(const struct run *r, const struct work *w)
{
	for (size_t k = 0; k < w->authorizations.n; k++) {
		const struct authorization *a = find_authorization(r, w->authorizations.v[k]);

		if (a && a->err.kind != ERR_NONE)
			return true;
	}
	return false;
}

static void authorize(struct run *r)
{
	char thumbprint[JOSE_DIGEST_LEN + 1];
	struct err e = { 0 };
	bool failed = false;

	list_authorizations(r);
	if (!r->a_n)
		return;
	if (jose_thumbprint(thumbprint, session_key(r->s), &e) < 0) {
		for (size_t i = 0; i < r->n; i++)
			if (!out(&r->w[i]))
				r->w[i].o->err = e;
		return;
	}
	ask_authorizations(r, true, thumbprint);
	spread_errors(r);
	answer(r);
	for (size_t i = 0; i < r->n; i++)
		if (r->w[i].status == INVALID)
			failed = true;
	if (failed) {
		ask_authorizations(r, false, NULL);
		for (size_t i = 0; i < r->n; i++) {
			struct work *w = &r->w[i];

			if (w->status != INVALID)
				continue;
			/* what is said of the names says more than what is said of the order */
			if (names_failed(r, w))
				w->o->err = (struct err){ 0 };
			if (!out(w))
				w->status = PENDING;    /* for spread_errors */
		}
		spread_errors(r);
		for (size_t i = 0; i < r->n; i++)
			if (!out(&r->w[i]) && r->w[i].status == PENDING)
				refuse(&r->w[i], "the order failed, and the CA does not say why");
	}
	give_up(r);
}

/* Certificates --------------------------------------------------------------------------------- */

static char *finalize_payload(const struct order *o, struct err *e)
{
	struct json *doc;
	struct buf der, text;
	char *s = NULL;

	buf_init(&der, MESSAGE_MAX);
	buf_init(&text, MESSAGE_MAX);
	if (request_make(&der, o->key, o->names, o->common_name, e) == 0) {
		base64url_encode(&text, der.s, der.len);
		doc = json_object();
		json_put_str(doc, "csr", text.s);
		buf_clear(&text);
		json_print(&text, doc, false);
		json_free(doc);
		s = buf_steal(&text);
	}
	buf_free(&der);
	buf_free(&text);
	return s;
}

/* The reply may be lost, and the order may be further than we think: whatever is said, the order is asked. */
static void finalize(struct run *r)
{
	struct call *c = mem_array(r->n, sizeof(*c));
	char **payloads = mem_array(r->n, sizeof(*payloads));
	size_t *of = mem_array(r->n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct work *w = &r->w[i];

		if (out(w) || w->status != READY)
			continue;
		if (!w->finalize) {
			refuse(w, "the order has no https URL to finalize it");
			continue;
		}
		payloads[n] = finalize_payload(w->o, &w->o->err);
		if (!payloads[n])
			continue;
		of[n] = i;
		c[n] = (struct call){ .url = w->finalize, .payload = payloads[n], .once = true };
		n++;
	}
	session_call_all(r->s, c, n, 0);
	for (size_t k = 0; k < n; k++) {
		struct work *w = &r->w[of[k]];

		bool unready = call_says(&c[k], "orderNotReady");

		if (unready || (c[k].err.kind == ERR_LATER && c[k].status != 429))
			w->status = PROCESSING;
		else
			take_call(r->s, w, &c[k]);
		free(payloads[k]);
	}
	calls_free(c, n);
	free(payloads);
	free(of);
	free(c);
}

/* An order that was said to be processing turns out not to have been finalized. */
static bool still_ready(const struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!out(&r->w[i]) && r->w[i].status == READY)
			return true;
	return false;
}

/* A certificate that is due at once would be ordered again and again: a third of its life is the most that
 * may be over, since renewals are never due before that. */
static int check_age(const struct cert *leaf, int64_t now, struct err *e)
{
	struct cert_info info;
	char until[WHEN_TEXT_LEN];
	int64_t left_for, life_for;

	if (cert_inspect(&info, leaf, e) < 0)
		return -1;
	left_for = info.not_after_at - now;
	life_for = info.not_after_at - info.not_before_at;
	when_format_minute(until, info.not_after_at);
	cert_info_free(&info);
	if (left_for > life_for / 3 * 2)
		return 0;
	return err_set(e, ERR_REFUSED, "it is valid until %s only, and would be due at once: is the clock of "
		       "this host right?", until);
}

/* What the CA gave, if it is fit for use: `out` is empty otherwise. */
static int take_chain(struct chain *out, const struct order *o, const struct call *c, int64_t now,
		      struct err *e)
{
	if (c->err.kind != ERR_NONE) {
		*e = c->err;
		return -1;
	}
	if (chain_parse(out, c->body.s, c->body.len, e) == 0 && chain_check(out, o->key, o->names, now, e) == 0 &&
	    check_age(out->v[0], now, e) == 0)
		return 0;
	chain_free(out);
	return -1;
}

/* The CA's other chains for the same certificate: the one that ends nearest to where it is to lead. */
static void prefer(struct run *r, struct order *o, const struct strv *links)
{
	static const char rel[] = "alternate ";
	struct call c[ALTERNATES_MAX];
	size_t n = 0;
	int distance = chain_leads_to(&o->chain, o->chain_by);

	for (size_t i = 0; i < links->n && n < ALTERNATES_MAX; i++)
		if (text_starts(links->v[i], rel) && acme_is_url(links->v[i] + strlen(rel)))
			c[n++] = (struct call){ .url = links->v[i] + strlen(rel),
						.accept = "application/pem-certificate-chain" };
	session_call_all(r->s, c, n, 0);
	for (size_t i = 0; i < n && distance != 0; i++) {
		struct chain other = { 0 };
		struct err e;
		int d = take_chain(&other, o, &c[i], r->now, &e) == 0 ? chain_leads_to(&other, o->chain_by) : -1;

		if (d >= 0 && (distance < 0 || d < distance)) {
			chain_free(&o->chain);
			o->chain = other;
			distance = d;
		} else {
			chain_free(&other);
		}
	}
	calls_free(c, n);
	if (distance < 0)
		strv_take(&o->warnings, mem_format("the CA offers no chain that leads to \"%s\"; its default is "
						   "used", o->chain_by));
}

static void fetched(struct run *r, struct work *w, const struct call *c)
{
	struct order *o = w->o;

	if (take_chain(&o->chain, o, c, r->now, &o->err) < 0) {
		/* the next one would be no better, and CAs count them */
		if (c->err.kind == ERR_NONE) {
			err_wrap(&o->err, "the certificate of the CA is not used");
			o->retry_after_for = UNUSED_REST_FOR;
		}
		return;
	}
	if (o->chain_by && chain_leads_to(&o->chain, o->chain_by) != 0)
		prefer(r, o, &c->links);
}

static void fetch(struct run *r)
{
	struct call *c = mem_array(r->n, sizeof(*c));
	size_t *of = mem_array(r->n, sizeof(*of)), n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct work *w = &r->w[i];

		if (out(w) || w->status != VALID)
			continue;
		if (!w->certificate) {
			refuse(w, "the order has no https URL of its certificate");
			continue;
		}
		of[n] = i;
		c[n++] = (struct call){ .url = w->certificate, .accept = "application/pem-certificate-chain" };
	}
	session_call_all(r->s, c, n, 0);
	for (size_t k = 0; k < n; k++)
		fetched(r, &r->w[of[k]], &c[k]);
	calls_free(c, n);
	free(of);
	free(c);
}

/* All ------------------------------------------------------------------------------------------ */

/* An order that can only fail again is forgotten; one that may go on is not. */
static void conclude(struct run *r, struct work *w)
{
	struct err ignored;

	/* whoever has stored the certificate forgets its order: until then it can be fetched again */
	if (!w->o->url || !out(w) || (later(w) && w->status != INVALID && !w->stuck))
		return;
	replace(&w->o->url, NULL);
	r->d->note(r->d->arg, w->i, NULL, &ignored);
}

static void run_once(struct run *r)
{
	resume(r);
	place(r);
	authorize(r);
	for (int tries = 0; tries < 2 && (tries == 0 || still_ready(r)); tries++) {
		finalize(r);
		wait_while(r, PROCESSING);
	}
	for (size_t i = 0; i < r->n; i++)
		if (!out(&r->w[i]) && r->w[i].status != VALID)
			refuse(&r->w[i], "the order failed, and the CA does not say why");
	fetch(r);
	for (size_t i = 0; i < r->n; i++)
		conclude(r, &r->w[i]);
}

static void run_clear(struct run *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->w[i].finalize);
		free(r->w[i].certificate);
		strv_free(&r->w[i].authorizations);
	}
	for (size_t i = 0; i < r->a_n; i++)
		authorization_free(&r->a[i]);
	free(r->a);
	r->a = NULL;
	r->a_n = 0;
}

static void order_reset(struct order *o)
{
	o->chain = (struct chain){ 0 };
	o->err = (struct err){ 0 };
	o->problem = o->url = NULL;
	o->retry_after_for = -1;
	o->unauthorized = o->warnings = (struct strv){ 0 };
}

/* Orders that were gone on with, and came to a bad end, are placed anew: the old one may have been for
 * another key. */
static bool keep_for_another_try(struct run *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct work *w = &r->w[i];

		if (!w->resumed || w->o->err.kind != ERR_REFUSED)
			continue;
		orders_free(w->o, 1);
		order_reset(w->o);
		w->o->resume = NULL;
		r->w[n++] = (struct work){ .o = w->o, .i = w->i, .status = UNKNOWN };
	}
	r->n = n;
	return n > 0;
}

void order_run_all(struct session *s, struct order *v, size_t n, const struct responder *responder,
		   const struct order_diary *d, int64_t now)
{
	struct run r = { .s = s, .w = mem_array(n, sizeof(*r.w)), .n = n, .r = responder, .d = d, .now = now };

	for (size_t i = 0; i < n; i++) {
		order_reset(&v[i]);
		r.w[i] = (struct work){ .o = &v[i], .i = i, .status = UNKNOWN };
		for (size_t k = 0; k < v[i].names->n; k++)
			if (!strv_has(&r.names, v[i].names->v[k]))
				strv_add(&r.names, v[i].names->v[k]);
	}
	run_once(&r);
	run_clear(&r);
	if (keep_for_another_try(&r)) {
		run_once(&r);
		run_clear(&r);
	}
	free(r.w);
	strv_free(&r.names);
}

void orders_free(struct order *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		chain_free(&v[i].chain);
		free(v[i].problem);
		free(v[i].url);
		strv_free(&v[i].unauthorized);
		strv_free(&v[i].warnings);
	}
}
