/* update_send.c - one update message: signed, sent, and its reply believed or not.
 *
 * An error says what the server said, and what can be done about it.
 * RFC 2136 section 3, RFC 8945 section 5.4.
 * Touches: network.
 */
#include "dns/update_send.h"

#include "base/mem.h"
#include "base/when.h"

#define WRITE_MS 10000          /* a server may sign and sync to disk before it answers */

static void tsig_remedy(struct buf *b, const struct update_target *to, const struct update_reply *r)
{
	char off[WHEN_TEXT_LEN];

	when_format_rough(off, r->ahead_for < 0 ? -r->ahead_for : r->ahead_for);
	if (r->tsig_error == DNS_BADKEY)
		buf_addf(b, " (BADKEY): it does not know the key %s with %s: name and algorithm "
			 "must be the same there", to->key->name, to->key->algorithm);
	else if (r->tsig_error == TSIG_BADSIG)
		buf_addf(b, " (BADSIG): it has another secret for the key %s", to->key->name);
	else if (r->tsig_error == DNS_BADTIME && r->ahead_for)
		buf_addf(b, " (BADTIME): our clock is %s %s the server's: set the wrong one", off,
			 r->ahead_for < 0 ? "behind" : "ahead of");
	else if (r->tsig_error == DNS_BADTIME)
		buf_add_str(b, " (BADTIME): our clock and the server's differ: set the wrong one");
	else
		buf_addf(b, " (TSIG error %d)", r->tsig_error);
}

static void rcode_remedy(struct buf *b, const struct update_target *to, int rcode)
{
	const char *type = dns_type_name(to->type);

	switch (rcode) {
	case DNS_FORMERR:
		buf_add_str(b, ": it does not understand the update: publish by a hook");
		break;
	case DNS_SERVFAIL:
		buf_add_str(b, ": its log should say why (a journal that it cannot write, a zone "
			       "that is not loaded)");
		break;
	case DNS_NOTIMP:
		buf_add_str(b, ": it takes no updates (NSD never does): name the primary server in "
			       "[update] servers, or publish by a hook");
		break;
	case DNS_REFUSED:
		if (to->key)
			buf_addf(b, ": allow the key %s to change %s there (BIND: update-policy "
				 "{ grant %s zonesub %s; };), and see whether the zone is frozen",
				 to->key->name, type, to->key->name, type);
		else
			buf_add_str(b, ": it does not allow that without a key: name one in "
				       "[update] keys");
		break;
	case DNS_NOTAUTH:
		buf_addf(b, ": it is not the primary server of %s: name that in [update] servers",
			 to->zone);
		break;
	case DNS_NOTZONE:
		buf_addf(b, ": one of the names is not in the zone %s: correct [update] servers",
			 to->zone);
		break;
	}
}

static int judge(int *unmet, const struct update_target *to, const struct update_reply *r,
		 struct err *e)
{
	bool trusted = !to->key || r->tsig == TSIG_GOOD;
	const char *says = dns_rcode_name(r->rcode);
	struct buf text;

	if (r->tsig == TSIG_WRONG)
		return err_set(e, ERR_REFUSED, "a reply that says %s is not believed: %s", says,
			       r->why);
	if (!trusted && r->rcode == DNS_NOERROR)
		return err_set(e, ERR_REFUSED, "a reply that says NOERROR is not believed: it is "
			       "not signed with the key %s", to->key->name);
	if (r->rcode == DNS_NOERROR && !r->tsig_error)
		return 0;
	if (trusted && (r->rcode == DNS_NXRRSET || r->rcode == DNS_YXRRSET)) {
		*unmet = r->rcode;
		return 0;
	}
	buf_init(&text, 800);
	if (to->key && r->tsig_error)
		tsig_remedy(&text, to, r);
	else
		rcode_remedy(&text, to, r->rcode);
	if (!trusted)
		buf_add_str(&text, " (the reply is not signed: it may be from somebody else)");
	err_set(e, ERR_REFUSED, "the server says %s to the update%s", says, text.s);
	buf_free(&text);
	return -1;
}

static int exchange(int *unmet, const struct update_target *to, const struct update_msg *m,
		    const struct buf *wire, struct err *e)
{
	struct question q = { .to = to->server, .message = (const unsigned char *)wire->s,
			      .message_len = wire->len };
	struct ask_limits limits = to->limits;
	struct update_reply r;
	int rc;

	if (limits.tcp_ms < WRITE_MS)
		limits.tcp_ms = WRITE_MS;
	ask_all(&q, 1, &limits);
	if (q.outcome != ASK_ANSWERED)
		rc = err_set(e, ERR_LATER, "sending the update by TCP: %s",
			     ask_outcome_text(q.outcome));
	else if (update_msg_reply(&r, m, q.reply, q.reply_len, e) < 0)
		rc = err_wrap(e, "the reply to the update");
	else
		rc = judge(unmet, to, &r, e);
	questions_free(&q, 1);
	return rc;
}

int update_send(int *unmet, const struct update_target *to, const struct update_rrset *sets, size_t n,
		struct err *e)
{
	struct update_sign sign;
	struct update_msg *m;
	struct buf wire;
	int rc;

	if (to->key)
		sign = (struct update_sign){ to->key->name, to->key->algorithm, to->key->secret };
	buf_init(&wire, UINT16_MAX);
	*unmet = 0;
	rc = update_msg_make(&m, &wire, to->zone, sets, n, to->key ? &sign : NULL, e);
	if (rc == 0)
		rc = exchange(unmet, to, m, &wire, e);
	update_msg_drop(m);
	buf_free(&wire);
	return rc;
}
