/* resolvers.c - one question to each resolver, for the signed keys of the root.
 * Touches: the network.
 */
#include "dns/resolvers.h"

#include "base/mem.h"

#define UDP_MS 1000                     /* others have waited for it already */
#define TCP_MS 1500

static bool has(const struct dns_msg *m, uint16_t type)
{
	for (size_t i = 0; i < m->answer.n; i++)
		if (m->answer.v[i].type == type)
			return true;
	return false;
}

/* NULL: nothing; the caller frees. */
static char *fault_of(const struct question *q)
{
	char address[ADDR_TEXT_LEN], *text = NULL;
	struct dns_msg m = { 0 };
	struct err e;

	addr_format(address, &q->to);
	if (q->outcome == ASK_TIMEOUT)
		text = mem_format("no answer from the resolver %s", address);
	else if (q->outcome != ASK_ANSWERED)
		text = mem_format("no answer from the resolver %s: %s", address, ask_outcome_text(q->outcome));
	else if (dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		text = mem_format("the resolver %s: %s", address, e.text);
	else if (m.rcode != DNS_NOERROR)
		text = mem_format("the resolver %s answers %s when it is asked for the root's keys", address,
				  dns_rcode_name(m.rcode));
	else if (!has(&m, DNS_DNSKEY) || !has(&m, DNS_RRSIG))
		text = mem_format("the resolver %s gives no DNSSEC data", address);
	dns_msg_free(&m);
	return text;
}

char *resolvers_fault(const struct look_config *c)
{
	struct question *q = mem_array(c->resolvers_n, sizeof(*q));
	struct ask_limits limits = c->limits;
	struct strv faults = { 0 };
	bool good = false;
	char *text = NULL;

	limits.udp_ms = UDP_MS;
	limits.tcp_ms = TCP_MS;
	for (size_t i = 0; i < c->resolvers_n; i++)
		q[i] = (struct question){ .to = c->resolvers[i], .name = ".", .type = DNS_DNSKEY,
					  .flags = { .rd = true, .cd = true } };
	if (c->validate == VALIDATE_DNSSEC)
		ask_all(q, c->resolvers_n, &limits);
	for (size_t i = 0; i < c->resolvers_n && c->validate == VALIDATE_DNSSEC; i++) {
		char *fault = fault_of(&q[i]);

		good |= !fault;
		if (fault)
			strv_take(&faults, fault);
	}
	if (!good && faults.n)
		text = strv_join(&faults, "; ");
	strv_free(&faults);
	questions_free(q, c->resolvers_n);
	free(q);
	return text;
}
