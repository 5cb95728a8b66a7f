/* account.c - accounts.
 * Touches: network.
 */
#include "acme/account.h"

#include "acme/text.h"
#include "base/mem.h"

#define MESSAGE_MAX  ((size_t)64 << 10)
#define CONTACTS_MAX 20

static char *text_of(struct json *o)
{
	struct buf b;
	char *s;

	buf_init(&b, MESSAGE_MAX);
	json_print(&b, o, false);
	s = buf_steal(&b);
	buf_free(&b);
	json_free(o);
	return s;
}

/* Posts to newAccount, signed by the key itself.  The caller says whether a refusal is a problem. */
static int new_account(struct session *s, struct call *c, const struct key *key, char *payload, char **url,
		       struct err *e)
{
	int rc;

	*url = NULL;
	*c = (struct call){ .url = session_directory(s)->new_account, .payload = payload, .key = key,
			    .judged = true };
	rc = session_call(s, c, e);
	if (rc == 0 && (!c->location || !acme_is_url(c->location)))
		rc = err_set(e, ERR_REFUSED, "the CA gives no URL of the account");
	if (rc == 0)
		*url = mem_copy_str(c->location);
	free(payload);
	return rc;
}

int account_find(struct session *s, char **url, const struct key *key, struct err *e)
{
	struct json *o = json_object();
	struct call c;
	int rc;

	json_put_bool(o, "onlyReturnExisting", true);
	rc = new_account(s, &c, key, text_of(o), url, e);
	/* some ask for an external account before they look */
	if (call_says(&c, "accountDoesNotExist") || call_says(&c, "externalAccountRequired"))
		rc = 0;
	else
		session_keep_problem(s, c.problem_doc, NULL);
	calls_free(&c, 1);
	return rc;
}

/* The public key of the account, signed with what the CA gave out. */
static struct json *binding(struct session *s, const struct key *key, const struct account_eab *eab,
			    struct err *e)
{
	struct buf jwk, signed_;
	struct json *o = NULL;

	buf_init(&jwk, MESSAGE_MAX);
	buf_init(&signed_, MESSAGE_MAX);
	if (jose_jwk(&jwk, key, e) == 0 &&
	    jose_sign_mac(&signed_, eab->alg, eab->mac_key, eab->mac_key_len, eab->kid,
			  session_directory(s)->new_account, jwk.s, e) == 0)
		o = json_parse(signed_.s, signed_.len, e);
	buf_free(&jwk);
	buf_free(&signed_);
	return o;
}

int account_make(struct session *s, char **url, const struct key *key, const struct strv *contacts,
		 const struct account_eab *eab, struct err *e)
{
	struct json *o = json_object(), *bound;
	struct call c;
	int rc;

	*url = NULL;
	json_put_bool(o, "termsOfServiceAgreed", true);
	json_put_texts(o, "contact", contacts);
	if (eab->kid) {
		bound = binding(s, key, eab, e);
		if (!bound) {
			json_free(o);
			return -1;
		}
		json_put(o, "externalAccountBinding", bound);
	}
	rc = new_account(s, &c, key, text_of(o), url, e);
	session_keep_problem(s, c.problem_doc, NULL);
	if (rc == 0 && strcmp(json_str(c.doc, "status", "valid"), "valid") != 0) {
		char *status = acme_printable(json_str(c.doc, "status", ""));

		rc = err_set(e, ERR_REFUSED, "the account %s is %s: give another account key", *url, status);
		free(status);
		free(*url);
		*url = NULL;
	}
	calls_free(&c, 1);
	return rc;
}

static int post_account(struct session *s, struct call *c, char *payload, struct err *e)
{
	int rc;

	*c = (struct call){ .url = session_account(s), .payload = payload };
	rc = session_call(s, c, e);
	free(payload);
	return rc;
}

int account_show(struct session *s, struct account_info *out, struct err *e)
{
	const struct json *list;
	struct call c;
	int rc;

	*out = (struct account_info){ 0 };
	rc = post_account(s, &c, NULL, e);
	if (rc == 0 && !c.doc)
		rc = err_set(e, ERR_REFUSED, "the CA says nothing of the account that could be read");
	if (rc == 0) {
		out->status = acme_printable(json_str(c.doc, "status", "?"));
		list = json_get(c.doc, "contact");
		for (size_t i = 0; i < json_len(list) && i < CONTACTS_MAX; i++)
			strv_take(&out->contacts, acme_printable(json_text(json_at(list, i))));
	}
	calls_free(&c, 1);
	return rc;
}

void account_info_free(struct account_info *i)
{
	free(i->status);
	strv_free(&i->contacts);
	*i = (struct account_info){ 0 };
}

int account_update(struct session *s, const struct strv *contacts, struct err *e)
{
	struct json *o = json_object();
	struct call c;
	int rc;

	json_put_texts(o, "contact", contacts);
	rc = post_account(s, &c, text_of(o), e);
	calls_free(&c, 1);
	return rc;
}

int account_deactivate(struct session *s, struct err *e)
{
	struct json *o = json_object();
	struct call c;
	int rc;

	json_put_str(o, "status", "deactivated");
	rc = post_account(s, &c, text_of(o), e);
	calls_free(&c, 1);
	return rc;
}

/* The old key, named in a message that the new key signs. */
static int inner_message(struct session *s, struct buf *out, const struct key *new_key, struct err *e)
{
	struct jose_header h = { .url = session_directory(s)->key_change };
	struct json *o = json_object();
	struct buf jwk;
	char *payload;
	int rc;

	buf_init(&jwk, MESSAGE_MAX);
	rc = jose_jwk(&jwk, session_key(s), e);
	json_put_str(o, "account", session_account(s));
	if (rc == 0) {
		struct json *old = json_parse(jwk.s, jwk.len, e);

		if (old)
			json_put(o, "oldKey", old);
		else
			rc = -1;
	}
	payload = text_of(o);
	if (rc == 0)
		rc = jose_sign(out, new_key, &h, payload, e);
	free(payload);
	buf_free(&jwk);
	return rc;
}

int account_change_key(struct session *s, const struct key *new_key, struct err *e)
{
	struct call c = { .url = session_directory(s)->key_change, .once = true };
	struct buf inner;
	int rc;

	if (!c.url)
		return err_set(e, ERR_REFUSED, "this CA does not let accounts change their key");
	buf_init(&inner, MESSAGE_MAX);
	rc = inner_message(s, &inner, new_key, e);
	if (rc == 0) {
		c.payload = inner.s;
		rc = session_call(s, &c, e);
		calls_free(&c, 1);
	}
	buf_free(&inner);
	return rc;
}
