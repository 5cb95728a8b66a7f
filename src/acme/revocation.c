/* revocation.c - revocation.
 * Touches: network.
 */
#include "acme/revocation.h"

#include "base/mem.h"
#include "io/jose.h"
#include "io/request.h"

#define MESSAGE_MAX ((size_t)256 << 10)

static const struct {
	enum revocation_reason reason;
	const char *name;
} reasons[] = {
	{ REVOKE_UNSPECIFIED, "unspecified" },
	{ REVOKE_KEY_COMPROMISE, "key-compromise" },
	{ REVOKE_SUPERSEDED, "superseded" },
	{ REVOKE_CESSATION, "cessation" },
	{ REVOKE_AFFILIATION, "affiliation-changed" },
	{ REVOKE_PRIVILEGE, "privilege-withdrawn" },
};

bool revocation_reason_parse(const char *s, enum revocation_reason *out)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (strcmp(s, reasons[i].name) != 0)
			continue;
		*out = reasons[i].reason;
		return true;
	}
	return false;
}

const char *revocation_reason_name(enum revocation_reason r)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].reason == r)
			return reasons[i].name;
	mem_bug("a reason that does not exist");
}

int revoke_certificate(struct session *s, const struct cert *c, const struct key *key,
		       enum revocation_reason reason, bool *stranger, struct err *e)
{
	struct call call = { .url = session_directory(s)->revoke_cert, .key = key };
	struct json *o;
	struct buf der, text;
	int rc = -1;

	*stranger = false;
	if (!call.url)
		return err_set(e, ERR_REFUSED, "this CA revokes nothing");
	buf_init(&der, MESSAGE_MAX);
	buf_init(&text, MESSAGE_MAX);
	if (cert_der(&der, c, e) == 0) {
		base64url_encode(&text, der.s, der.len);
		o = json_object();
		json_put_str(o, "certificate", text.s);
		json_put_int(o, "reason", reason);
		buf_clear(&text);
		json_print(&text, o, false);
		json_free(o);
		call.payload = text.s;
		rc = session_call(s, &call, e);
		if (rc < 0 && call_says(&call, "alreadyRevoked"))
			rc = 0;
		*stranger = rc < 0 && (call_says(&call, "unauthorized") || call_says(&call, "accountDoesNotExist"));
		calls_free(&call, 1);
	}
	buf_free(&der);
	buf_free(&text);
	return rc;
}
