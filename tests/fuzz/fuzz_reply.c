/* fuzz_reply.c - any bytes as a reply: taken apart, and its RRsets verified with keys from the same reply, so
 * that signatures are reached.
 * Touches: nothing.
 */
#include "base/mem.h"
#include "dns/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_rr(const struct dns_rr *rr)
{
	struct dns_rrsig sig = { 0 };
	struct dns_soa soa = { 0 };
	struct dns_dnskey key;
	char *text = NULL, *canon;

	if (dns_rr_target(&text, rr))
		free(text);
	if (dns_rr_soa(&soa, rr))
		free(soa.mname);
	if (dns_rr_rrsig(&sig, rr))
		free(sig.signer);
	(void)dns_rr_dnskey(&key, rr);
	if (dns_rr_tlsa(&text, rr))
		free(text);
	canon = dns_name_canon(rr->owner);
	if (!canon || strcmp(canon, rr->owner) != 0)
		mem_bug("an owner is not in its canonical spelling");
	free(canon);
}

static void verify(const struct dns_rrs *section, const struct dns_rrs *keys)
{
	for (size_t i = 0; i < section->n && i < 8; i++) {
		const char *owner = section->v[i].owner;
		char *apex = mem_copy_str(owner);
		struct verified v;

		while (apex) {
			char *up = dns_name_parent(apex);

			verify_rrset(&v, section, owner, section->v[i].type, apex, keys, 1800000000);
			if (v.ok ? v.why[0] : !v.why[0])
				mem_bug("a verdict without a reason, or the other way round");
			free(apex);
			apex = up;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dns_msg m = { 0 };
	struct dns_rrs keys = { 0 };
	struct err e;

	if (dns_msg_parse(&m, data, size, &e) < 0)
		return 0;
	const struct dns_rrs *sections[] = { &m.answer, &m.authority, &m.additional };

	for (size_t s = 0; s < ARRAY_LEN(sections); s++) {
		for (size_t i = 0; i < sections[s]->n; i++) {
			read_rr(&sections[s]->v[i]);
			if (sections[s]->v[i].type == DNS_DNSKEY)
				dns_rrs_add(&keys, &sections[s]->v[i]);
		}
	}
	for (size_t s = 0; s < ARRAY_LEN(sections); s++)
		verify(sections[s], &keys);
	dns_rrs_free(&keys);
	dns_msg_free(&m);
	return 0;
}
