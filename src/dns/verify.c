/* verify.c - RRset, signature and key: do they belong together?
 * RFC 4035 section 5.3.1 (the rules), RFC 4034 section 3.1.5 (dates), RFC 5011 section 2.1 (keys that
 * are revoked).
 * Touches: nothing but memory.
 */
#include "dns/verify.h"

#include "base/mem.h"
#include "core/names.h"

#define FLAG_ZONE   0x0100
#define FLAG_REVOKE 0x0080
#define KEYS_TRIED  4                   /* of one tag: more are an attack on our time */
#define SIGS_TRIED  8

/* RFC 4034 section 3.1.3: an asterisk in front is not counted. */
static bool is_star(const char *owner)
{
	return owner[0] == '*' && owner[1] == '.';
}

/* Serial arithmetic over 32 bits: the instant nearest to now that has these low bits. */
static int64_t instant(uint32_t low, int64_t now)
{
	return now + (int32_t)(low - (uint32_t)now);
}

static void miss(struct verified *out, int *best, int rank, const char *why)
{
	if (rank < *best)
		return;
	*best = rank;
	snprintf(out->why, sizeof(out->why), "%.199s", why);
}

struct input {
	const struct dns_rr *const *rrset;
	size_t        n;
	const char   *owner, *apex;
	uint16_t      type;
	const struct dns_rrs *keys;
	int64_t       now;
};

/* Whether the signature can be one of this RRset; NULL: yes. */
static const char *objection(const struct input *in, const struct dns_rrsig *s, int *rank)
{
	size_t labels = dns_name_labels(in->owner);

	if (is_star(in->owner))
		labels--;
	*rank = 1;
	if (strcmp(s->signer, in->apex) != 0)
		return "its signer is not the zone";
	if (!name_below(in->owner, s->signer))
		return "its signer is not above the owner";
	if (s->labels > labels)
		return "it has more labels than the owner";
	*rank = 2;
	if (instant(s->expiration, in->now) < in->now)
		return "it has expired";
	if (instant(s->inception, in->now) > in->now)
		return "it is not valid yet";
	return NULL;
}

static bool check_keys(struct verified *out, int *best, const struct input *in,
		       const struct dns_rr *sig, const struct dns_rrsig *s)
{
	int tried = 0;

	for (size_t i = 0; i < in->keys->n; i++) {
		const struct dns_rr *rr = &in->keys->v[i];
		struct dns_dnskey k;
		struct err e;

		if (!dns_rr_dnskey(&k, rr) || k.tag != s->key_tag || k.algorithm != s->algorithm ||
		    k.protocol != 3 || !(k.flags & FLAG_ZONE) || (k.flags & FLAG_REVOKE))
			continue;
		if (tried++ == KEYS_TRIED)
			break;
		if (dns_sig_check(in->rrset, in->n, sig, rr, &e) == 0)
			return true;
		miss(out, best, 4, e.text);
	}
	if (!tried)
		miss(out, best, 3, "the zone has no key that could have made it");
	return false;
}

static void check_signature(struct verified *out, int *best, const struct input *in,
			    const struct dns_rr *rr, int *tried)
{
	struct dns_rrsig s = { 0 };
	const char *why;
	int rank;

	if (!dns_rr_rrsig(&s, rr) || s.covered != in->type || (*tried)++ >= SIGS_TRIED)
		goto out;
	why = objection(in, &s, &rank);
	if (why) {
		miss(out, best, rank, why);
	} else if (check_keys(out, best, in, rr, &s)) {
		int64_t until_at = instant(s.expiration, in->now);

		out->ok = true;
		if (until_at > out->until_at)
			out->until_at = until_at;
		if (s.original_ttl > out->original_ttl)
			out->original_ttl = s.original_ttl;
		out->wildcard |= s.labels < dns_name_labels(in->owner) - is_star(in->owner);
	}
out:
	free(s.signer);
}

void verify_rrset(struct verified *out, const struct dns_rrs *section, const char *owner,
		  uint16_t type, const char *apex, const struct dns_rrs *keys, int64_t now)
{
	const struct dns_rr **rrset = mem_array(section->n, sizeof(struct dns_rr *));
	struct input in = { .rrset = rrset, .owner = owner, .apex = apex, .type = type,
			    .keys = keys, .now = now };
	int best = 0, tried = 0;

	*out = (struct verified){ 0 };
	for (size_t i = 0; i < section->n; i++) {
		const struct dns_rr *rr = &section->v[i];

		if (rr->type == type && rr->class_ == DNS_CLASS_IN && strcmp(rr->owner, owner) == 0)
			rrset[in.n++] = rr;
	}
	miss(out, &best, 0, in.n ? "there is no signature" : "there is no such record");
	for (size_t i = 0; i < section->n && in.n; i++) {
		const struct dns_rr *rr = &section->v[i];

		if (rr->type != DNS_RRSIG || rr->class_ != DNS_CLASS_IN ||
		    strcmp(rr->owner, owner) != 0)
			continue;
		check_signature(out, &best, &in, rr, &tried);
	}
	if (out->ok)
		out->why[0] = '\0';
	free(rrset);
}
