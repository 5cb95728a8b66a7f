/* issue.c - issuers.  For now there is one: the key itself (DANE-EE needs no other, RFC 7671 5.1).
 * Touches: private keys in memory.
 */
#include "run/issue.h"

#include "base/mem.h"
#include "base/when.h"

static int self_sign(struct issued *out, const struct key *k, const struct line_config *c,
		     int64_t now, struct err *e)
{
	/* a client whose clock is a little slow must not find it "not yet valid" */
	int64_t early_for = c->self_lifetime_for / 10 < HOUR ? c->self_lifetime_for / 10 : HOUR;

	out->cert = cert_self_sign(k, &c->domains, now - early_for, now + c->self_lifetime_for, e);
	out->chain = mem_copy_str("");
	return out->cert ? 0 : -1;
}

int issue_certificates(struct issued *out, struct key *const *keys, size_t n,
		       const struct line_config *c, int64_t now, struct err *e)
{
	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		switch (c->issuer) {
		case ISSUER_SELF:
			if (self_sign(&out[i], keys[i], c, now, e) < 0)
				goto fail;
			break;
		case ISSUER_ACME:
			err_set(e, ERR_REFUSED, "issuer = acme: this version of certline cannot ask a CA; "
				"use issuer = self");
			goto fail;
		}
	}
	return 0;
fail:
	issued_free(out, n);
	return -1;
}

void issued_free(struct issued *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cert_free(v[i].cert);
		free(v[i].chain);
		v[i] = (struct issued){ 0 };
	}
}
