/* issue_acme.c - orders of a line: begun, gone on with, ended.
 * Touches: private keys in memory; files under STATE; network.
 */
#include "run/issue_acme.h"

#include "acme/order.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/ca.h"
#include "io/json.h"
#include "run/ca.h"
#include "run/caa_check.h"
#include "run/respond.h"
#include "run/store.h"

#define ORDERS_MAX     ((size_t)256 << 10)
#define FALL_BACK_AFTER 3               /* failures in a row */
#define FALL_BACK_REST_FOR HOUR         /* a CA that wants to rest for longer is not waited for */
#define RATE_REST_FOR  HOUR             /* after "rateLimited" without a Retry-After */
#define REST_MAX_FOR   (14 * DAY)
#define SUBSETS_MAX    2                /* orders with ever fewer names, in one run */

/* orders.json */
struct orders {
	char       *path;
	struct json *doc;
	struct fs_mode mode;
};

/* What the diary of orders needs to know. */
struct diary {
	struct orders *orders;
	char *const   *names;           /* of each order, as order_name */
};

/* orders.json ------------------------------------------------------------------------------------- */

static int orders_read(struct orders *o, const struct line_config *c, struct err *e)
{
	static const char *const members[] = { "orders", "failures", "rests" };
	bool missing;
	struct buf b;
	int rc;

	*o = (struct orders){ .path = store_path(c, "orders.json"), .mode = store_private_file(c) };
	buf_init(&b, ORDERS_MAX);
	rc = fs_read(&b, o->path, ORDERS_MAX, &missing, e);
	if (rc < 0) {
		/* a folder, or too large: it says nothing that is worth a certificate */
		char *aside = mem_format("%s.damaged", o->path);
		struct err ignored;

		missing = fs_rename(o->path, aside, &ignored) == 0;
		rc = missing ? 0 : -1;
		free(aside);
	}
	if (rc == 0 && !missing) {
		struct err ignored;

		/* at worst an order is placed a second time */
		o->doc = json_parse(b.s, b.len, &ignored);
	}
	if (!json_has_members(o->doc)) {
		json_free(o->doc);
		o->doc = json_object();
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (!json_has_members(json_get(o->doc, members[i])))
			json_put(o->doc, members[i], json_object());
	buf_free(&b);
	return rc;
}

static int orders_save(const struct orders *o, struct err *e)
{
	return store_write_json(o->path, o->doc, ORDERS_MAX, o->mode, e);
}

static void orders_close(struct orders *o)
{
	free(o->path);
	json_free(o->doc);
}

/* An order belongs to a key at a CA, and to the certificate that it is to follow: once another one is in its
 * place the order is over, even if a kill left no time to write that down. */
static char *order_name(const char *ca, const char *spki, const char *renewal_id)
{
	return mem_format("%s %s %s", ca, spki, renewal_id ? renewal_id : "-");
}

static int note(void *arg, size_t i, const char *url, struct err *e)
{
	struct diary *d = arg;

	if (url)
		json_put_str(json_get(d->orders->doc, "orders"), d->names[i], url);
	else
		json_drop(json_get(d->orders->doc, "orders"), d->names[i]);
	return orders_save(d->orders, e);
}

static int64_t failures_of(const struct orders *o, const char *ca)
{
	return json_int(json_get(o->doc, "failures"), ca, 0);
}

static void note_outcome(struct orders *o, const char *ca, bool failed)
{
	struct err ignored;
	int64_t n = failures_of(o, ca);

	if (!failed && !n)
		return;
	json_put_int(json_get(o->doc, "failures"), ca, failed ? n + 1 : 0);
	if (orders_save(o, &ignored) < 0)
		return;         /* a count that is lost makes the next CA wait a little longer */
}

/* Ordering ---------------------------------------------------------------------------------------- */

/* The profile to ask for; NULL: the CA's own choice. */
static int choose_profile(const char **profile, const struct ca_account *a, const struct line_config *c,
			  struct issue_report *r, struct err *e)
{
	const struct strv *offered = &session_directory(a->session)->profiles;
	struct buf b;

	*profile = NULL;
	if (!c->profile)
		return 0;
	if (strv_has(offered, c->profile)) {
		*profile = c->profile;
		return 0;
	}
	buf_init(&b, 1000);
	for (size_t i = 0; i < offered->n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", offered->v[i]);
	if (c->require_profile)
		err_set(e, ERR_REFUSED, "%s does not offer the profile %s, but %s", a->ca, c->profile,
			b.len ? b.s : "none at all");
	else
		strv_take(&r->notes, mem_format("%s does not offer the profile %s, but %s: ordered without one", a->ca,
						c->profile, b.len ? b.s : "none at all"));
	buf_free(&b);
	return c->require_profile ? -1 : 0;
}

static int check_keys(const struct ca_account *a, const struct issue_want *w, struct err *e)
{
	struct spki_digests d, account;

	if (key_spki(&account, a->key, e) < 0)
		return -1;
	for (size_t i = 0; i < w->n; i++) {
		if (key_spki(&d, w->keys[i], e) < 0)
			return -1;
		if (strcmp(d.sha256, account.sha256) == 0)
			return err_set(e, ERR_UNSAFE, "the account key %s is the key of the certificate too, which no CA "
				       "takes (RFC 8555 section 11.1): give another account-key", a->key_path);
	}
	return 0;
}

static int name_orders(char **names, const char *ca, const struct issue_want *w, struct err *e)
{
	struct spki_digests d;

	for (size_t i = 0; i < w->n; i++) {
		if (key_spki(&d, w->keys[i], e) < 0)
			return -1;
		names[i] = order_name(ca, d.sha256, w->renewal_ids[i]);
	}
	return 0;
}

static int take_result(struct issued *out, const struct order *o, struct err *e)
{
	struct buf chain;
	int rc = -1;

	buf_init(&chain, ORDERS_MAX);
	if (chain_write(&chain, &o->chain, 1, e) == 0) {
		out->cert = o->chain.v[0];
		out->chain = buf_steal(&chain);
		rc = 0;
	}
	buf_free(&chain);
	return rc;
}

/* How long the CA wants to be left alone; 0: it has not said so. */
static int64_t rest_asked(const struct ca_account *a)
{
	if (a->rest.rest_for < 0)
		return a->rest.limited ? RATE_REST_FOR : 0;
	return a->rest.rest_for < REST_MAX_FOR ? a->rest.rest_for : REST_MAX_FOR;
}

static void rest_for(struct issue_report *r, int64_t some_for)
{
	if (some_for > REST_MAX_FOR)
		some_for = REST_MAX_FOR;
	if (some_for > r->retry_after_for)
		r->retry_after_for = some_for;
}

/* What it said before there was an order is meant for the account, and so for all its lines. */
static void heed_account(struct ca_account *a, struct issue_report *r, int64_t now)
{
	int64_t asked_for = rest_asked(a);

	rest_for(r, asked_for);
	if (asked_for)
		ca_rest_until(a, when_add(now, asked_for));
}

/* What it said of an order may be due to the names: other lines hear from it themselves. */
static void heed_line(struct orders *o, const struct ca_account *a, struct issue_report *r, int64_t now)
{
	int64_t asked_for = rest_asked(a);
	struct err ignored;

	rest_for(r, asked_for);
	if (!asked_for)
		return;
	json_put_int(json_get(o->doc, "rests"), a->ca, when_add(now, asked_for));
	if (orders_save(o, &ignored) < 0)
		return;         /* if it is lost the CA says it again */
}

/* Adds to `all` what one failed order was not authorized for; false: it failed for another reason. */
static bool add_unauthorized(struct strv *all, const struct order *o)
{
	for (size_t i = 0; i < o->unauthorized.n; i++)
		if (!strv_has(all, o->unauthorized.v[i]))
			strv_add(all, o->unauthorized.v[i]);
	return o->unauthorized.n > 0;
}

/* For some of the names of the line; *unauthorized: those to which a failure is due, and to nothing else. */
static int run_orders(struct issued *out, struct strv *unauthorized, const struct strv *names,
		      const struct issue_want *w, struct ca_account *a, const struct line_config *c,
		      struct orders *file, struct issue_report *r, struct err *e)
{
	bool by_names = true;
	struct order *v = mem_array(w->n, sizeof(*v));
	char **order_names = mem_array(w->n, sizeof(*order_names));
	struct diary diary = { file, order_names };
	struct order_diary d = { &diary, note };
	const struct json *known = json_get(file->doc, "orders");
	struct responder responder;
	struct respond x;
	const char *profile;
	int rc = -1;

	respond_init(&x, &responder, c, a->permitted);
	if (check_keys(a, w, e) < 0 || name_orders(order_names, a->ca, w, e) < 0 ||
	    choose_profile(&profile, a, c, r, e) < 0)
		goto out;
	for (size_t i = 0; i < w->n; i++) {
		bool same_ca = w->ca && strcmp(w->ca, a->directory) == 0;

		v[i] = (struct order){ .key = w->keys[i], .names = names, .common_name = c->common_name, .profile = profile,
				       .require_profile = c->require_profile,
				       .chain_by = c->chain_by, .resume = json_str(known, order_names[i], NULL) };
		if (same_ca && session_directory(a->session)->renewal_info)
			v[i].replaces = w->renewal_ids[i];
	}
	order_run_all(a->session, v, w->n, &responder, &d, w->now);
	rc = 0;
	for (size_t i = 0; i < w->n; i++) {
		for (size_t k = 0; k < v[i].warnings.n; k++)
			strv_add(&r->notes, v[i].warnings.v[k]);
		if (v[i].err.kind == ERR_NONE && rc == 0) {
			rc = take_result(&out[i], &v[i], e);
			if (rc == 0)
				v[i].chain.v[0] = NULL;
			continue;
		}
		if (v[i].err.kind == ERR_NONE)
			continue;
		rest_for(r, v[i].retry_after_for);
		/* said in the order itself, and not by a reply */
		a->rest.limited |= v[i].problem && strcmp(v[i].problem, "rateLimited") == 0;
		by_names &= add_unauthorized(unauthorized, &v[i]);
		/* of several that is told which is worse */
		if (rc == 0 || e->kind == ERR_PENDING)
			*e = v[i].err;
		rc = -1;
	}
out:
	for (size_t i = 0; i < x.warnings.n; i++)
		strv_add(&r->notes, x.warnings.v[i]);
	respond_free(&x);
	if (!by_names)
		strv_free(unauthorized);
	orders_free(v, w->n);
	for (size_t i = 0; i < w->n; i++)
		free(order_names[i]);
	free(order_names);
	free(v);
	return rc;
}

/* The first name is what many clients show, and hosts of owners are what the key is vouched for. */
static bool may_go(const struct line_config *c, const char *name)
{
	if (strcmp(name, c->domains.v[0]) == 0)
		return false;
	for (size_t i = 0; i < c->owners.n; i++)
		if (text_ends(c->owners.v[i], name) &&
		    c->owners.v[i][strlen(c->owners.v[i]) - strlen(name) - 1] == '.')
			return false;
	return true;
}

/* Takes names away from those that are left; false: one of them must not go. */
static bool leave_out(struct strv *names, struct issue_report *r, const struct strv *unauthorized,
		      const struct line_config *c)
{
	struct strv left = { 0 };

	for (size_t i = 0; i < unauthorized->n; i++)
		if (!may_go(c, unauthorized->v[i]))
			return false;
	for (size_t i = 0; i < names->n; i++)
		strv_add(strv_has(unauthorized, names->v[i]) ? &r->left_out : &left, names->v[i]);
	strv_free(names);
	*names = left;
	return true;
}

/* With as many of the names as the CA authorizes, if that is allowed and there is nothing better. */
static int order_certificates(struct issued *out, const struct issue_want *w, struct ca_account *a,
			      const struct line_config *c, struct orders *file, struct issue_report *r, struct err *e)
{
	struct strv names = { 0 }, unauthorized = { 0 };
	struct err first;
	int rc;

	strv_copy(&names, &c->domains);
	strv_free(&r->left_out);
	rc = run_orders(out, &unauthorized, &names, w, a, c, file, r, e);
	first = *e;
	for (int tries = c->allow_subset && w->urgent ? SUBSETS_MAX : 0; tries > 0 && rc < 0; tries--) {
		if (!unauthorized.n || !leave_out(&names, r, &unauthorized, c))
			break;
		issued_free(out, w->n);
		strv_free(&unauthorized);
		rc = run_orders(out, &unauthorized, &names, w, a, c, file, r, e);
	}
	if (rc == 0 && r->left_out.n)
		strv_take(&r->notes, mem_format("the certificate is for %zu of %zu names: %s", names.n, c->domains.n,
						first.text));
	strv_free(&unauthorized);
	strv_free(&names);
	return rc;
}

/* A certificate that only tests trust never takes the place of one that everybody trusts. */
static int check_trust(const char *directory, const struct issue_want *w, struct err *e)
{
	if (!ca_is_test(directory) || w->force || !w->served_ca || ca_is_test(w->served_ca))
		return 0;
	return err_set(e, ERR_UNSAFE, "%s is a test environment, and the certificate that it would replace is "
		       "trusted: use a line of its own for tests, or give the order with --force", directory);
}

/* A CA that asked to be left alone is not asked anything. */
static int check_account(const struct ca_account *a, const struct issue_want *w, const struct orders *o,
			 struct issue_report *r, struct err *e)
{
	int64_t line_at = json_int(json_get(o->doc, "rests"), a->ca, 0);
	bool by_line = line_at > a->not_before_at;
	int64_t not_before_at = by_line ? line_at : a->not_before_at;
	char at[WHEN_TEXT_LEN];

	/* before an account is made with it, after which no CA takes it for a certificate */
	if (a->key && check_keys(a, w, e) < 0)
		return -1;
	/* longer than anybody is heeded: the clock was another one when it was noted */
	if (not_before_at <= w->now || not_before_at - REST_MAX_FOR > w->now || w->force)
		return 0;
	when_format_minute(at, not_before_at);
	r->retry_after_for = not_before_at - w->now;
	return err_set(e, ERR_LATER, "%s has asked this %s not to order before %s", a->ca,
		       by_line ? "line" : "account", at);
}

/* Better that we say no than that an order is spoilt. */
static int check_caa(struct ca_account *a, const struct line_config *c, bool urgent,
		     struct issue_report *r, struct err *e)
{
	struct caa_verdict v;
	int rc = 0;

	caa_check(&v, c, &session_directory(a->session)->identities, a->url);
	a->permitted = v.permitted;
	v.permitted = NULL;
	for (size_t i = 0; i < v.doubts.n; i++)
		strv_add(&r->notes, v.doubts.v[i]);
	/* what stands in the way of one name need not stand in the way of the others */
	if (c->allow_subset && urgent)
		for (size_t i = 0; i < v.refusals.n; i++)
			strv_add(&r->notes, v.refusals.v[i]);
	else if (v.refusals.n)
		rc = err_set(e, ERR_REFUSED, "%s%s (`certline caa` prints the records that are needed)",
			     v.refusals.v[0], v.refusals.n > 1 ? ", and others" : "");
	caa_verdict_free(&v);
	return rc;
}

static int try_ca(struct issued *out, const struct issue_want *w, const struct line_config *c, const char *ca,
		  struct orders *file, struct issue_report *r, struct err *e)
{
	struct ca_account a = { 0 };
	int rc = -1;

	if (check_trust(ca_directory(ca), w, e) < 0 || ca_read(&a, c, ca, e) < 0 ||
	    check_account(&a, w, file, r, e) < 0)
		goto out;
	a.problems = r->problems;
	if (ca_connect(&a, c, e) < 0) {
		heed_account(&a, r, w->now);
		goto out;
	}
	rc = check_caa(&a, c, w->urgent, r, e);
	a.rest = (struct rest){ .rest_for = -1 };
	if (rc == 0)
		rc = order_certificates(out, w, &a, c, file, r, e);
	if (rc == 0) {
		r->ca = mem_copy_str(a.directory);
	} else {
		heed_line(file, &a, r, w->now);
		err_wrap(e, "%s", ca);
	}
out:
	ca_close(&a);
	return rc;
}

int issue_acme(struct issued *out, const struct issue_want *w, const struct line_config *c,
	       struct issue_report *r, struct err *e)
{
	struct orders file = { 0 };
	struct err first = { 0 };
	int64_t rest_for = 0;
	int rc = -1;

	memset(out, 0, w->n * sizeof(*out));
	if (orders_read(&file, c, e) < 0)
		goto out;
	for (size_t i = 0; i < c->cas.n && rc < 0; i++) {
		const char *ca = c->cas.v[i];
		bool patient = failures_of(&file, ca) + 1 < FALL_BACK_AFTER;

		r->retry_after_for = -1;
		rc = try_ca(out, w, c, ca, &file, r, e);
		/* the next try is when the first of them may be asked again */
		if (i == 0 || r->retry_after_for < rest_for)
			rest_for = r->retry_after_for;
		note_outcome(&file, ca, rc < 0);
		if (rc < 0)
			issued_free(out, w->n);
		if (rc < 0 && first.kind == ERR_NONE)
			first = *e;
		if (rc == 0 && i > 0)
			strv_take(&r->notes, mem_format("issued by %s, since %s fails: %s", ca, c->cas.v[0],
							first.text));
		if (rc < 0 && patient && r->retry_after_for <= FALL_BACK_REST_FOR)
			break;
	}
	r->retry_after_for = rest_for;
	if (rc < 0 && strcmp(first.text, e->text) != 0) {
		struct err last = *e;

		err_set(e, first.kind, "%.500s; then %.400s", first.text, last.text);
	}
out:
	orders_close(&file);
	return rc;
}

void issue_acme_stored(const struct line_config *c, const char *spki)
{
	struct orders file = { 0 };
	struct strv names = { 0 };
	struct err ignored;

	/* at worst an order is gone on with that is over */
	if (orders_read(&file, c, &ignored) < 0)
		goto out;
	json_keys(&names, json_get(file.doc, "orders"));
	for (size_t k = 0; k < names.n; k++)
		if (strstr(names.v[k], spki))
			json_drop(json_get(file.doc, "orders"), names.v[k]);
	if (orders_save(&file, &ignored) < 0)
		goto out;
out:
	strv_free(&names);
	orders_close(&file);
}
