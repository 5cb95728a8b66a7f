/* fuzz_verify.c - any bytes as the reply of a server to a question for TLSA records, in a zone whose keys are
 * known: what is read out of it keeps the promises of dns/reply.h.
 * Touches: nothing.
 */
#include "base/mem.h"
#include "dns/reply.h"

#define NOW ((int64_t)1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keys that fit nothing. */
static void add_key(struct dns_rrs *keys, unsigned char algorithm, size_t len)
{
	unsigned char rdata[4 + 260] = { 1, 1, 3, algorithm };

	for (size_t i = 0; i < len; i++)
		rdata[4 + i] = (unsigned char)(i * 37 + algorithm);
	if (algorithm == 8)
		memcpy(rdata + 4, "\3\1\0\1", 4);
	dns_rrs_add(keys, &(struct dns_rr){ .owner = (char[]){ "example.test" }, .type = DNS_DNSKEY,
					    .class_ = DNS_CLASS_IN, .ttl = 60, .rdata = rdata,
					    .rdata_len = 4 + len });
}

static void check(const struct look_server *s)
{
	char *canon;

	if ((s->answer == ANSWER_FAIL && !s->why) || (s->answer == ANSWER_DATA) != (s->data.n > 0))
		mem_bug("an answer that is not complete");
	if (s->ttl_for < 0 || s->ttl_for > UINT32_MAX || s->negative_for < 0)
		mem_bug("a TTL that cannot be");
	if (s->answer != ANSWER_FAIL && s->signed_ok != (s->signed_until_at >= NOW))
		mem_bug("a good signature that has ended, or a bad one that lasts");
	if ((s->answer == ANSWER_ALIAS) != (s->target != NULL))
		mem_bug("an alias without a target, or the other way round");
	if (!s->target)
		return;
	canon = dns_name_canon(s->target);
	if (!canon || strcmp(canon, s->target) != 0)
		mem_bug("a target that is not in its canonical spelling");
	free(canon);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[][2] = {
		{ "_25._tcp.mail.example.test", "example.test" }, { "_25._tcp.mx.rsa.test", "rsa.test" },
		{ "_25._tcp.mx.ed.test", "ed.test" }, { "_443._tcp.dn.example.test", "test" },
	};
	static struct dns_rrs keys;
	struct dns_msg m;
	struct err e;

	if (!keys.n) {
		add_key(&keys, 8, 260);
		add_key(&keys, 13, 64);
		add_key(&keys, 15, 32);
	}
	/* a reply may bring its keys: then signatures can be good */
	if (dns_msg_parse(&m, data, size, &e) == 0) {
		struct dns_rrs own = { 0 };

		for (size_t i = 0; i < keys.n; i++)
			dns_rrs_add(&own, &keys.v[i]);
		for (size_t i = 0; i < m.additional.n; i++)
			dns_rrs_add(&own, &m.additional.v[i]);
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			struct look_server s = { .name = mem_copy_str(names[i][0]),
						 .zone = mem_copy_str(names[i][1]) };
			struct question q = { .type = DNS_TLSA, .outcome = ASK_ANSWERED, .reply_len = size };

			q.reply = mem_alloc(size);
			memcpy(q.reply, data, size);
			reply_take(&s, &q, &own, NOW);
			check(&s);
			(void)reply_serial(&q, s.zone);
			questions_free(&q, 1);
			reply_server_free(&s);
		}
		dns_rrs_free(&own);
		dns_msg_free(&m);
	}
	return 0;
}
