/* fuzz_dnsmsg.c - arbitrary bytes as a reply: taken apart, every record looked into, every
 * signature tried with every key there is; and as the text of a name.
 * Touches: nothing.
 */
#include "base/mem.h"
#include "io/dnsmsg.h"

#define CHECKS_MAX 6            /* of signatures, for each input: they take long */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void must(bool right, const char *what)
{
	if (!right)
		mem_bug(what);
}

/* Takes over name.  What was handed out as canonical must be so. */
static void check_name(char *name)
{
	unsigned char wire[255];
	size_t len;
	char *again = dns_name_canon(name), *parent = dns_name_parent(name);

	must(again && strcmp(again, name) == 0, "a name that is not canonical");
	must(strlen(name) < DNS_NAME_MAX, "a name too long");
	must(dns_name_wire(wire, &len, name) && len <= sizeof(wire) && wire[len - 1] == 0,
	     "wire form of a name");
	must((parent != NULL) == (strcmp(name, ".") != 0), "parent of a name");
	if (parent)
		must(dns_name_labels(parent) + 1 == dns_name_labels(name), "labels of a parent");
	free(again);
	free(parent);
	free(name);
}

static void look_into(const struct dns_rr *rr)
{
	struct dns_rrsig sig;
	struct dns_dnskey key;
	struct dns_soa soa;
	struct dns_caa caa;
	char *s;

	check_name(mem_copy_str(rr->owner));
	must(dns_type_name(rr->type)[0], "name of a type");
	must(rr->ttl <= INT32_MAX, "a TTL too large");
	if (dns_rr_target(&s, rr))
		check_name(s);
	if (dns_rr_soa(&soa, rr))
		check_name(soa.mname);
	if (dns_rr_rrsig(&sig, rr))
		check_name(sig.signer);
	if (dns_rr_tlsa(&s, rr)) {
		must(strlen(s) >= 8, "text of a TLSA record");
		free(s);
	}
	if (dns_rr_txt(&s, rr)) {
		must(strlen(s) < 4 * rr->rdata_len, "text of a TXT record");
		free(s);
	}
	if (dns_rr_caa(&caa, rr)) {
		must(caa.tag[0] && strlen(caa.tag) + strlen(caa.value) + 2 == rr->rdata_len,
		     "parts of a CAA record");
		free(caa.tag);
		free(caa.value);
	}
	if (dns_rr_dnskey(&key, rr))
		must(rr->rdata_len > 4, "DNSKEY");
}

/* All of the type that the signature covers, whatever the owner: more ways to go wrong. */
static void check_signature(const struct dns_rrs *all, const struct dns_rr *rrsig,
			    const struct dns_rr *dnskey)
{
	const struct dns_rr **set = mem_array(all->n, sizeof(*set));
	struct dns_rrsig sig = { 0 };
	struct err e;
	size_t n = 0;
	int rc;

	if (dns_rr_rrsig(&sig, rrsig))
		free(sig.signer);
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].type == sig.covered)
			set[n++] = &all->v[i];
	rc = dns_sig_check(set, n, rrsig, dnskey, &e);
	must(rc == 0 || (e.kind == ERR_REFUSED && e.text[0]), "an error without reason");
	free(set);
}

static void check_signatures(const struct dns_rrs *all)
{
	int checks = 0;

	for (size_t i = 0; i < all->n; i++)
		for (size_t j = 0; j < all->n && checks < CHECKS_MAX; j++)
			if (all->v[i].type == DNS_RRSIG && all->v[j].type == DNS_DNSKEY) {
				check_signature(all, &all->v[i], &all->v[j]);
				checks++;
			}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = mem_copy_strn((const char *)bytes, len), *canon = dns_name_canon(text);
	struct dns_msg m;
	struct dns_rrs all = { 0 };
	struct err e;

	if (canon)
		check_name(canon);
	free(text);
	if (dns_msg_parse(&m, bytes, len, &e) < 0)
		return 0;
	for (const struct dns_rrs *l = &m.answer; l <= &m.additional; l++)
		for (size_t i = 0; i < l->n; i++) {
			look_into(&l->v[i]);
			dns_rrs_add(&all, &l->v[i]);
		}
	check_signatures(&all);
	must(dns_rcode_name(m.rcode)[0], "name of an rcode");
	dns_rrs_free(&all);
	dns_msg_free(&m);
	return 0;
}
