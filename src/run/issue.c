/* issue.c - self-signed certificates: DANE-EE needs no others (RFC 7671 5.1).
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

int issue_self(struct issued *out, const struct issue_want *w, const struct line_config *c,
		    struct err *e)
{
	memset(out, 0, w->n * sizeof(*out));
	for (size_t i = 0; i < w->n; i++) {
		if (self_sign(&out[i], w->keys[i], c, w->now, e) == 0)
			continue;
		issued_free(out, w->n);
		return -1;
	}
	return 0;
}

void issued_free(struct issued *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cert_free(v[i].cert);
		free(v[i].chain);
		v[i] = (struct issued){ 0 };
	}
}

void issue_report_free(struct issue_report *r)
{
	free(r->ca);
	strv_free(&r->left_out);
	strv_free(&r->notes);
	json_free(r->problems);
	*r = (struct issue_report){ .retry_after_for = -1 };
}
