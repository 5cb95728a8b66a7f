/* fuzz_acme.c - what a CA answers, from its directory to its certificate: the whole of acme/ and of io/http
 * against a CA that is good but for the answers in the input.
 *
 * The first line says what is done, a letter each: "a" an account is made, shown, changed and ended; "e" the
 * same with an external account; "i" renewal information; "r" an order is gone on with; "t" two orders at
 * once; "p" a profile; "s" the certificate that is replaced; "c" another chain is wanted; "f" a challenge
 * that cannot be put in place; "n" no order at all.
 * Then come the answers, in the order of the requests, with "====" lines in between: the status ("!28": an
 * error of libcurl's), headers ("-": without those of the good CA), an empty line, the body.  What is left
 * out is as the good CA says it.
 * Touches: nothing.  Seeds: tests/data/acme.
 */
#include "web.h"

#include "acme/account.h"
#include "acme/ari.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/revocation.h"
#include "base/when.h"
#include "io/jose.h"

#define CA       "https://ca.test"
#define TEXT_MAX ((size_t)1 << 20)
#define RENEWAL_ID "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
#define BASE64URL "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct key *account_key, *new_key, *keys[2];
static char *chains[2], *other_chains[2];       /* in PEM, for keys */
static struct strv names;

/* What is known of one input. */
static struct {
	const char *s;                  /* answers that are left */
	size_t      len;
	struct strv nonces;             /* that were given out, and not used yet */
	unsigned    orders, challenged, finalized;      /* the last two: masks */
	char       *account;            /* who signs, as far as the URL is known */
	struct strv presented;          /* URLs of challenges that may be offered */
	bool        in_place, fails;
	char       *noted[2];           /* what the diary has of each order */
} now;

static bool is_url(const char *s)
{
	for (const char *p = s; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return text_starts(s, "https://") && s[8];
}

static void must_print(const char *s)
{
	for (; s && *s; s++)
		must((unsigned char)*s >= ' ' && *s != 0x7f, "a text that is not printable");
}

static void check_err(const struct err *e)
{
	must(e->kind != ERR_NONE && e->text[0], "a failure without an error");
	must_print(e->text);
}

/* The good CA ---------------------------------------------------------------------------------- */

static void header(struct web_reply *r, const char *name, const char *value)
{
	strv_take(&r->headers, mem_format("%s: %s", name, value));
}

static void json(struct web_reply *r, long status, const char *text)
{
	r->status = status;
	header(r, "Content-Type", "application/json");
	buf_add_str(&r->body, text);
}

static const char directory[] =
	"{\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA "/accounts\",\"newOrder\":\"" CA "/orders\","
	"\"revokeCert\":\"" CA "/revoke\",\"keyChange\":\"" CA "/key\",\"renewalInfo\":\"" CA "/ari\","
	"\"meta\":{\"termsOfService\":\"" CA "/terms\",\"caaIdentities\":[\"ca.test\"],"
	"\"profiles\":{\"tiny\":\"short\"}}}";

static void say_order(struct web_reply *r, long status, unsigned i)
{
	bool done = now.finalized & 1U << i;
	char *text = mem_format("{\"status\":\"%s\",\"authorizations\":[\"" CA "/authz/0\",\"" CA
				"/authz/1\",\"" CA "/authz/2\"],\"finalize\":\"" CA "/finalize/%u\"%s%s%s}",
				done ? "valid" : now.challenged == 7 ? "ready" : "pending", i,
				done ? ",\"certificate\":\"" CA "/cert/" : "", done ? i ? "1" : "0" : "",
				done ? "\"" : "");

	json(r, status, text);
	free(text);
}

static void say_authorization(struct web_reply *r, unsigned i)
{
	static const char *const ids[] = { "dns\",\"value\":\"a.test", "dns\",\"value\":\"b.test",
					   "ip\",\"value\":\"192.0.2.1" };
	static const char *const types[] = { "http-01", "dns-01", "tls-alpn-01" };
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_addf(&b, "{\"identifier\":{\"type\":\"%s\"},\"status\":\"%s\"%s,\"challenges\":[", ids[i],
		 now.challenged & 1U << i ? "valid" : "pending", i == 1 ? ",\"wildcard\":true" : "");
	for (size_t k = 0; k < ARRAY_LEN(types); k++)
		buf_addf(&b, "%s{\"type\":\"%s\",\"url\":\"" CA "/challenge/%u\",\"token\":\"Token_%u-%zu\"}",
			 k ? "," : "", types[k], i, i, k);
	buf_add_str(&b, "]}");
	json(r, 200, b.s);
	buf_free(&b);
}

static void say_chain(struct web_reply *r, const char *pem, const char *link)
{
	r->status = 200;
	header(r, "Content-Type", "application/pem-certificate-chain");
	if (link)
		header(r, "Link", link);
	buf_add_str(&r->body, pem);
}

static void good_answer(const char *url, struct web_reply *r)
{
	static const char window[] = "{\"suggestedWindow\":{\"start\":\"2027-01-02T04:00:00Z\","
				     "\"end\":\"2027-01-03T04:00:00.5Z\"},\"explanationURL\":\"" CA "/why\"}";
	const char *path = text_starts(url, CA) ? url + strlen(CA) : "", *last = path + strlen(path);
	unsigned i = last > path && last[-1] >= '0' && last[-1] <= '2' ? (unsigned)(last[-1] - '0') : 0;
	unsigned k = i & 1;

	if (text_starts(path, "/accounts")) {
		header(r, "Location", CA "/account/1");
		json(r, 201, "{\"status\":\"valid\",\"contact\":[\"mailto:a@ca.test\"]}");
	} else if (text_starts(path, "/orders")) {
		header(r, "Location", now.orders++ % 2 ? "/order/1" : CA "/order/0");
		say_order(r, 201, (now.orders - 1) % 2);
	} else if (text_starts(path, "/order/")) {
		say_order(r, 200, k);
	} else if (text_starts(path, "/authz/")) {
		say_authorization(r, i);
	} else if (text_starts(path, "/challenge/")) {
		now.challenged |= 1U << i;
		json(r, 200, "{}");
	} else if (text_starts(path, "/finalize/")) {
		now.finalized |= 1U << k;
		say_order(r, 200, k);
	} else if (text_starts(path, "/cert/")) {
		say_chain(r, chains[k], k ? "<../other/1>; rel=\"x alternate\"" :
			  "<" CA "/other/0>;rel=alternate");
	} else if (text_starts(path, "/other/")) {
		say_chain(r, other_chains[k], NULL);
	} else if (text_starts(path, "/ari/")) {
		header(r, "Retry-After", "21600");
		json(r, 200, window);
	} else if (strcmp(path, "/dir") == 0) {
		json(r, 200, directory);
	} else {
		json(r, 200, "{\"status\":\"valid\",\"contact\":[\"mailto:a@ca.test\"]}");
	}
}

/* Its answers from the input ------------------------------------------------------------------- */

static char *next_line(const char **p, const char *end)
{
	const char *eol = memchr(*p, '\n', (size_t)(end - *p));
	char *line = mem_copy_strn(*p, (size_t)((eol ? eol : end) - *p));

	*p = eol ? eol + 1 : end;
	return line;
}

/* Headers come before those that are there already; "-": those go.  True: there is a body, from *p on. */
static bool spoil_headers(struct web_reply *r, const char **p, const char *end)
{
	struct strv good = r->headers;
	bool body = false;

	r->headers = (struct strv){ 0 };
	while (*p < end && !body) {
		char *line = next_line(p, end);

		body = !*line;
		if (strcmp(line, "-") == 0)
			strv_free(&good);
		else if (!body)
			strv_add(&r->headers, line);
		free(line);
	}
	for (size_t i = 0; i < good.n; i++)
		strv_add(&r->headers, good.v[i]);
	strv_free(&good);
	return body;
}

/* Puts what there is in place of what the good CA says. */
static void spoil(struct web_reply *r, const char *p, const char *end)
{
	char *status = next_line(&p, end);
	int64_t n;

	if (status[0] == '!' && text_number(status + 1, CURL_LAST - 1, &n))
		r->failed = (CURLcode)n;
	else if (text_number(status, 999, &n))
		r->status = (long)n;
	free(status);
	if (!spoil_headers(r, &p, end))
		return;
	buf_clear(&r->body);
	buf_add(&r->body, p, (size_t)(end - p));
}

static void give_nonces(const struct web_reply *r)
{
	for (size_t i = 0; i < r->headers.n; i++)
		if (strncasecmp(r->headers.v[i], "Replay-Nonce:", 13) == 0) {
			char *copy = mem_copy_str(r->headers.v[i] + 13);

			strv_add(&now.nonces, text_trim(copy));
			free(copy);
		}
}

static void check_post(const struct web_request *q);

static void web_answer(const struct web_request *q, struct web_reply *r)
{
	const char *end = memmem(now.s, now.len, "\n====\n", 6), *p = now.s;
	size_t len = end ? (size_t)(end - p) : now.len, used = end ? len + 6 : len;
	char *nonce = mem_format("Nonce-%lld", (long long)web_ms);

	now.s += used;
	now.len -= used;
	if (strcmp(q->method, "POST") == 0)
		check_post(q);
	header(r, "Replay-Nonce", nonce);
	good_answer(q->url, r);
	if (len)
		spoil(r, p, p + len);
	give_nonces(r);
	free(nonce);
}

/* What must hold of requests ------------------------------------------------------------------- */

static struct json *decode(const struct json *o, const char *key)
{
	const char *text = json_str(o, key, NULL);
	struct err e;
	struct json *j;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	must(text && base64url_decode(&b, text, strlen(text), false), "a request that is not base64url");
	j = b.len ? json_parse(b.s, b.len, &e) : NULL;
	must(j || !b.len, "a request that is no JSON");
	buf_free(&b);
	return j;
}

static void use_nonce(const char *nonce)
{
	for (size_t i = 0; i < now.nonces.n; i++)
		if (strcmp(now.nonces.v[i], nonce) == 0) {
			free(now.nonces.v[i]);
			now.nonces.v[i] = now.nonces.v[--now.nonces.n];
			return;
		}
	mem_bug("a nonce that was not given out, or was used before");
}

static void check_post(const struct web_request *q)
{
	struct err e;
	struct json *jws = json_parse(q->payload.s, q->payload.len, &e), *head, *body;
	const char *nonce, *kid;

	must(jws && *json_str(jws, "signature", ""), "a request without a signature");
	head = decode(jws, "protected");
	body = decode(jws, "payload");
	nonce = json_str(head, "nonce", "");
	must(*nonce && strspn(nonce, BASE64URL) == strlen(nonce), "a nonce that is not base64url");
	use_nonce(nonce);
	must(strcmp(json_str(head, "url", ""), q->url) == 0, "signed for another URL");
	must(strcmp(json_str(head, "alg", ""), "ES256") == 0, "signed by another algorithm");
	kid = json_str(head, "kid", NULL);
	must(json_has(head, "jwk") == !kid, "signed by two, or by nobody");
	must(!kid || (now.account && strcmp(kid, now.account) == 0), "signed by another account");
	/* "{}" is how a challenge is offered */
	if (strcmp(json_str(jws, "payload", ""), "e30") == 0)
		must(now.in_place && strv_has(&now.presented, q->url), "offered what was not put in place");
	json_free(body);
	json_free(head);
	json_free(jws);
}

/* Challenges ----------------------------------------------------------------------------------- */

static int choose(void *arg, const char *name, bool wildcard, unsigned offered, struct err *e)
{
	(void)arg;
	must(offered && offered < 1U << CHALLENGE_TYPES_N, "a choice of nothing");
	must_print(name);
	for (int t = CHALLENGE_TYPES_N - 1; t >= 0; t--)
		if (offered & 1U << t && (!wildcard || t == DNS_01))
			return t;
	return err_set(e, ERR_REFUSED, "%s: dns-01 is not offered", name);
}

static void check_challenge(const struct challenge *c)
{
	char *name = mem_format("%s%s", c->wildcard ? "*." : "", c->name), *key;
	char thumbprint[JOSE_DIGEST_LEN + 1];
	size_t len = strlen(c->token);
	struct err e;

	must(strv_has(&names, name), "a challenge for what was not ordered");
	must(len && len <= 128 && strspn(c->token, BASE64URL) == len, "a token that is not base64url");
	must(is_url(c->url), "a challenge without an https URL");
	must(jose_thumbprint(thumbprint, account_key, &e) == 0, "no thumbprint");
	key = mem_format("%s.%s", c->token, thumbprint);
	must(strcmp(key, c->key_authorization) == 0, "a key authorization for another key");
	must(strlen(c->digest) == JOSE_DIGEST_LEN && strspn(c->digest, BASE64URL) == JOSE_DIGEST_LEN,
	     "a digest that is none");
	free(key);
	free(name);
}

static void present(void *arg, struct challenge *v, size_t n)
{
	(void)arg;
	must(n && !now.in_place, "put in place twice");
	now.in_place = true;
	for (size_t i = 0; i < n; i++) {
		check_challenge(&v[i]);
		if (now.fails && i % 2)
			err_set(&v[i].err, ERR_LOCAL, "%s: cannot be put in place", v[i].name);
		else
			strv_add(&now.presented, v[i].url);
	}
}

static void withdraw(void *arg, struct challenge *v, size_t n)
{
	(void)arg;
	must(n && now.in_place, "taken away before it was there");
	for (size_t i = 0; i < n; i++) {
		check_challenge(&v[i]);
		if (v[i].err.kind != ERR_NONE)
			check_err(&v[i].err);
	}
	now.in_place = false;
	strv_free(&now.presented);
}

/* Orders --------------------------------------------------------------------------------------- */

static int note(void *arg, size_t i, const char *url, struct err *e)
{
	(void)arg;
	(void)e;
	must(i < 2 && (!url || is_url(url)), "an order without an https URL");
	free(now.noted[i]);
	now.noted[i] = mem_copy_str(url);
	return 0;
}

/* By other means than acme/order.c. */
static void check_chain(const struct order *o)
{
	struct cert_info info;
	struct err e;

	must(cert_matches_key(o->chain.v[0], o->key), "a certificate for another key");
	must(cert_inspect(&info, o->chain.v[0], &e) == 0, "a certificate that is odd");
	must(strv_same(&info.names, o->names), "a certificate for other names");
	must(info.not_before_at <= WEB_NOW + HOUR && info.not_after_at > WEB_NOW,
	     "a certificate that is not valid");
	cert_info_free(&info);
}

static void check_order(const struct order *o, const char *noted)
{
	must((o->err.kind == ERR_NONE) == (o->chain.n > 0), "neither a certificate nor an error, or both");
	if (o->chain.n)
		check_chain(o);
	else
		check_err(&o->err);
	must(!o->chain.n || o->url, "a certificate without its order");
	must(!o->url || (is_url(o->url) && noted && strcmp(o->url, noted) == 0),
	     "an order that was not noted");
	for (size_t i = 0; i < o->unauthorized.n; i++)
		must(strv_has(o->names, o->unauthorized.v[i]), "a name that was not ordered");
	must(!o->unauthorized.n || o->err.kind != ERR_NONE, "unauthorized, and no error");
	must(o->retry_after_for >= -1 && o->retry_after_for <= YEAR, "a Retry-After that cannot be");
	must_print(o->problem);
	for (size_t i = 0; i < o->warnings.n; i++)
		must_print(o->warnings.v[i]);
}

static void order(struct session *s, const char *what)
{
	static const struct responder responder = { NULL, choose, present, withdraw };
	static const struct order_diary diary = { NULL, note };
	size_t n = strchr(what, 't') ? 2 : 1;
	struct order v[2];

	for (size_t i = 0; i < n; i++)
		v[i] = (struct order){ .key = keys[i], .names = &names,
				       .profile = strchr(what, 'p') ? "tiny" : NULL,
				       .replaces = strchr(what, 's') ? RENEWAL_ID : NULL,
				       .chain_by = strchr(what, 'c') ? "*.b.test" : NULL };
	if (strchr(what, 'r')) {
		v[0].resume = CA "/order/0";
		now.noted[0] = mem_copy_str(v[0].resume);
		now.challenged = 1;
	}
	now.fails = strchr(what, 'f');
	order_run_all(s, v, n, &responder, &diary, WEB_NOW);
	must(!now.in_place, "challenges that were left in place");
	for (size_t i = 0; i < n; i++)
		check_order(&v[i], now.noted[i]);
	orders_free(v, n);
}

/* The rest ------------------------------------------------------------------------------------- */

static void check_directory(const struct directory *d)
{
	const char *urls[] = { d->new_nonce, d->new_account, d->new_order, d->revoke_cert, d->key_change,
			       d->renewal_info };

	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		must(urls[i] ? is_url(urls[i]) : i >= 3, "a directory without https URLs");
	must_print(d->terms);
	must(d->profiles.n == d->descriptions.n, "profiles without descriptions");
	for (size_t i = 0; i < d->profiles.n; i++) {
		must_print(d->profiles.v[i]);
		must_print(d->descriptions.v[i]);
	}
	for (size_t i = 0; i < d->identities.n; i++)
		must_print(d->identities.v[i]);
}

static void ask_ari(struct session *s)
{
	struct ari v[2] = { { .id = RENEWAL_ID }, { .id = "a.b" } };

	ari_ask_all(s, v, ARRAY_LEN(v));
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		if (v[i].err.kind == ERR_NONE)
			must(v[i].start_at > 0 && v[i].start_at < v[i].end_at, "a window that is none");
		else
			check_err(&v[i].err);
		must(v[i].err.kind == ERR_NONE || (!v[i].start_at && !v[i].end_at),
		     "a window beside an error");
		must(!v[i].explanation || is_url(v[i].explanation), "an explanation that is no https URL");
		must(v[i].retry_after_for >= -1 && v[i].retry_after_for <= YEAR,
		     "a Retry-After that cannot be");
	}
	aris_free(v, ARRAY_LEN(v));
}

static void use_account(struct session *s, const char *url)
{
	must(is_url(url), "an account without an https URL");
	free(now.account);
	now.account = mem_copy_str(url);
	session_set_account(s, account_key, url);
}

static void outcome(int rc, struct err *e)
{
	if (rc < 0)
		check_err(e);
	*e = (struct err){ 0 };
}

/* With that one, or with one that is made; false: there is none. */
static bool make_account(struct session *s, bool external)
{
	char mail[] = "mailto:a@ca.test", *list[] = { mail };
	const struct strv contacts = { list, 1 };
	const struct account_eab eab = { external ? "kid" : NULL, "0123456789abcdef", 16, JOSE_HS256 };
	struct account_info info;
	struct err e = { 0 };
	char *url;
	int rc;

	rc = account_find(s, &url, account_key, &e);
	must(rc == 0 || !url, "an account beside an error");
	outcome(rc, &e);
	free(url);
	rc = account_make(s, &url, account_key, &contacts, &eab, &e);
	must((rc == 0) == (url != NULL), "an account without a URL, or the other way round");
	outcome(rc, &e);
	if (!url)
		return false;
	use_account(s, url);
	free(url);
	rc = account_show(s, &info, &e);
	outcome(rc, &e);
	if (rc == 0) {
		must_print(info.status);
		for (size_t i = 0; i < info.contacts.n; i++)
			must_print(info.contacts.v[i]);
	}
	account_info_free(&info);
	outcome(account_update(s, &contacts, &e), &e);
	return true;
}

static void end_account(struct session *s)
{
	struct err e = { 0 };
	struct cert *c = cert_parse(chains[0], strlen(chains[0]), NULL, &e);
	bool stranger;

	outcome(revoke_certificate(s, c, NULL, REVOKE_SUPERSEDED, &stranger, &e), &e);
	outcome(revoke_certificate(s, c, keys[0], REVOKE_KEY_COMPROMISE, &stranger, &e), &e);
	outcome(account_change_key(s, new_key, &e), &e);
	outcome(account_deactivate(s, &e), &e);
	cert_free(c);
}

/* All ------------------------------------------------------------------------------------------ */

static char *self_signed(const struct key *k, const struct strv *for_names)
{
	struct err e;
	struct cert *c = cert_self_sign(k, for_names, WEB_NOW - DAY, WEB_NOW + 90 * DAY, &e);
	struct buf b;
	char *pem;

	buf_init(&b, TEXT_MAX);
	must(c && cert_write(&b, c, &e) == 0, "no certificate");
	pem = buf_steal(&b);
	buf_free(&b);
	cert_free(c);
	return pem;
}

/* The other chains are of issuers with another name. */
static void prepare(void)
{
	struct err e;
	struct strv turned = { 0 };

	strv_add(&names, "*.b.test");
	strv_add(&names, "192.0.2.1");
	strv_add(&names, "a.test");
	strv_add(&turned, "a.test");
	strv_add(&turned, "*.b.test");
	strv_add(&turned, "192.0.2.1");
	account_key = key_make(KEY_EC_256, &e);
	new_key = key_make(KEY_EC_256, &e);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		keys[i] = key_make(KEY_EC_256, &e);
		chains[i] = self_signed(keys[i], &turned);
		other_chains[i] = self_signed(keys[i], &names);
	}
	strv_free(&turned);
}

static void check_problems(const struct json *list)
{
	struct buf b;

	buf_init(&b, 2 * PROBLEMS_PRINT_MAX);
	json_print(&b, list, false);
	must(b.len < PROBLEMS_PRINT_MAX, "too many problems, or too long ones");
	must_print(b.s);
	must(json_plain(list), "control characters in problems");
	buf_free(&b);
}

static void forget(void)
{
	strv_free(&now.nonces);
	strv_free(&now.presented);
	free(now.account);
	free(now.noted[0]);
	free(now.noted[1]);
	memset(&now, 0, sizeof(now));
	web_ms = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session_config c = { .directory = CA "/dir", .request_ms = 10000, .run_ms = 60000 };
	const char *p = (const char *)data, *end = p + size;
	struct session *s;
	struct err e = { 0 };
	char *what;

	if (!account_key)
		prepare();
	what = next_line(&p, end);
	now.s = p;
	now.len = (size_t)(end - p);
	c.problems = json_array();
	if (session_open(&s, &c, &e) == 0) {
		bool account = strchr(what, 'a') || strchr(what, 'e');

		check_directory(session_directory(s));
		if (!account)
			use_account(s, CA "/account/1");
		if (!account || make_account(s, strchr(what, 'e'))) {
			if (!strchr(what, 'n'))
				order(s, what);
			if (account)
				end_account(s);
		}
		if (strchr(what, 'i'))
			ask_ari(s);
	} else {
		check_err(&e);
		must(!s, "a session beside an error");
	}
	session_close(s);
	check_problems(c.problems);
	json_free(c.problems);
	forget();
	free(what);
	return 0;
}
