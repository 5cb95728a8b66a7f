/* reply.c - one reply: records, an alias, a denial, or why it is of no use.
 *
 * Only records of the name that was asked for count, and DNAMEs above it in its zone: servers add
 * what they have of other zones, as if with authority.
 * RFC 2308 section 5, RFC 4035 section 5.3.3, RFC 6672 section 2.2, RFC 8198 section 5.4.
 * Touches: nothing.
 */
#include "dns/reply.h"

#include "base/mem.h"
#include "core/names.h"
#include "dns/verify.h"

#define RECORDS_MAX 200

/* A reply that is being taken apart. */
struct input {
	const struct dns_msg *m;
	const struct dns_rrs *keys;
	int64_t               now;
	uint16_t              type;     /* asked for */
};

static const struct dns_rr *find_rr(const struct dns_rrs *l, const char *owner, uint16_t type)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].type == type && l->v[i].class_ == DNS_CLASS_IN &&
		    strcmp(l->v[i].owner, owner) == 0)
			return &l->v[i];
	return NULL;
}

static void longer(int64_t *d_for, int64_t other_for)
{
	if (other_for > *d_for)
		*d_for = other_for;
}

/* Validators use the smaller of the two, others do not look at signatures. */
int64_t reply_ttl(const struct dns_rrs *section, const char *owner, uint16_t type)
{
	int64_t ttl_for = 0;

	for (size_t i = 0; i < section->n; i++) {
		const struct dns_rr *rr = &section->v[i];
		struct dns_rrsig s = { 0 };

		if (rr->class_ != DNS_CLASS_IN || strcmp(rr->owner, owner) != 0)
			continue;
		if (rr->type == type)
			longer(&ttl_for, rr->ttl);
		else if (dns_rr_rrsig(&s, rr) && s.covered == type && s.original_ttl <= INT32_MAX)
			longer(&ttl_for, s.original_ttl);
		free(s.signer);
	}
	return ttl_for;
}

static void check_signature(struct look_server *s, const struct dns_rrs *section,
			    const char *owner, uint16_t type, const struct input *in)
{
	struct verified v;

	s->signed_ok = true;
	if (!in->keys->n)
		return;
	verify_rrset(&v, section, owner, type, s->zone, in->keys, in->now);
	s->signed_ok = v.ok;
	s->signed_until_at = v.until_at;
	s->wildcard = v.wildcard && type != DNS_SOA;
	if (!v.ok)
		s->why = mem_format("the signature of %s %s: %s", owner, dns_type_name(type),
				    v.why);
}

static void fail(struct look_server *s, const char *why)
{
	s->answer = ANSWER_FAIL;
	free(s->why);
	s->why = mem_copy_str(why);
}

/* What is below the DNAME moves under its target.  NULL: the name would be too long. */
static char *substitute(const char *name, const struct dns_rr *dname)
{
	size_t keep = strlen(name) - strlen(dname->owner);
	char *target, *whole, *canon;

	if (!dns_rr_target(&target, dname))
		return NULL;
	whole = mem_format("%.*s%s", (int)keep, name, strcmp(target, ".") == 0 ? "" : target);
	canon = dns_name_canon(whole);
	free(target);
	free(whole);
	return canon;
}

/* The DNAME record above the name, at or below the apex; NULL: there is none. */
static const struct dns_rr *find_dname(const struct dns_rrs *l, const char *name, const char *apex)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct dns_rr *rr = &l->v[i];

		if (rr->type == DNS_DNAME && rr->class_ == DNS_CLASS_IN &&
		    strcmp(rr->owner, ".") != 0 && strcmp(rr->owner, name) != 0 &&
		    name_below(name, rr->owner) && name_below(rr->owner, apex))
			return rr;
	}
	return NULL;
}

/* True if the answer is an alias. */
static bool take_alias(struct look_server *s, const struct input *in)
{
	const struct dns_rrs *l = &in->m->answer;
	const struct dns_rr *dname = find_dname(l, s->name, s->zone);
	const struct dns_rr *rr = dname ? dname : find_rr(l, s->name, DNS_CNAME);

	if (!rr)
		return false;
	if (dname)
		s->target = substitute(s->name, dname);
	else if (!dns_rr_target(&s->target, rr))
		s->target = NULL;
	if (!s->target) {
		fail(s, "an alias to something that cannot be a name");
		return true;
	}
	s->answer = ANSWER_ALIAS;
	/* a CNAME that was made from a DNAME may last longer in caches than that */
	s->ttl_for = reply_ttl(l, s->name, DNS_CNAME);
	longer(&s->ttl_for, reply_ttl(l, rr->owner, rr->type));
	check_signature(s, l, rr->owner, rr->type, in);
	return true;
}

static char *data_of(const struct dns_rr *rr)
{
	char *data;

	if (dns_rr_tlsa(&data, rr) || dns_rr_txt(&data, rr))
		return data;
	return mem_copy_str("malformed");
}

static bool take_set(struct look_server *s, const struct input *in)
{
	const struct dns_rrs *l = &in->m->answer;
	char why[64];

	for (size_t i = 0; i < l->n; i++) {
		const struct dns_rr *rr = &l->v[i];

		if (rr->type == in->type && rr->class_ == DNS_CLASS_IN &&
		    strcmp(rr->owner, s->name) == 0)
			strv_take(&s->data, data_of(rr));
	}
	if (!s->data.n)
		return false;
	if (s->data.n > RECORDS_MAX) {
		strv_free(&s->data);
		snprintf(why, sizeof(why), "more %s records than anybody can want",
			 dns_type_name(in->type));
		fail(s, why);
		return true;
	}
	s->answer = ANSWER_DATA;
	s->ttl_for = reply_ttl(l, s->name, in->type);
	check_signature(s, l, s->name, in->type, in);
	return true;
}

/* A resolver may deny from an NSEC for as long as that lasts. */
static void take_denial(struct look_server *s, const struct input *in)
{
	const struct dns_rrs *l = &in->m->authority;
	const struct dns_rr *rr = find_rr(l, s->zone, DNS_SOA);
	struct dns_soa soa;

	if (!rr || !dns_rr_soa(&soa, rr)) {
		fail(s, "neither an answer nor the zone's SOA record");
		return;
	}
	free(soa.mname);
	s->answer = ANSWER_EMPTY;
	s->serial = soa.serial;
	s->negative_for = rr->ttl < soa.minimum ? rr->ttl : soa.minimum;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].type == DNS_NSEC || l->v[i].type == DNS_NSEC3)
			longer(&s->negative_for, l->v[i].ttl);
	check_signature(s, l, s->zone, DNS_SOA, in);
}

static void take_message(struct look_server *s, const struct input *in)
{
	char why[64];

	if (in->m->rcode != DNS_NOERROR && in->m->rcode != DNS_NXDOMAIN) {
		snprintf(why, sizeof(why), "it answers %s", dns_rcode_name(in->m->rcode));
		fail(s, why);
	} else if (!in->m->aa) {
		fail(s, "it does not answer with authority for the zone (lame, or delegated "
			"further)");
	} else if (!take_alias(s, in) && !take_set(s, in)) {
		take_denial(s, in);
	}
}

void reply_take(struct look_server *s, const struct question *q, const struct dns_rrs *keys,
		int64_t now)
{
	struct dns_msg m = { 0 };
	struct err e;

	s->at = q->at ? q->at : now;
	s->no_route = q->outcome == ASK_NO_ROUTE;
	s->unasked = q->outcome == ASK_UNANSWERED;
	if (q->outcome != ASK_ANSWERED) {
		fail(s, ask_outcome_text(q->outcome));
	} else if (dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0) {
		fail(s, e.text);
	} else {
		s->nsid = m.nsid;
		m.nsid = NULL;
		take_message(s, &(struct input){ .m = &m, .keys = keys, .now = now,
						 .type = q->type });
	}
	dns_msg_free(&m);
}

void reply_server_free(struct look_server *s)
{
	free(s->zone);
	free(s->name);
	free(s->why);
	free(s->target);
	free(s->nsid);
	strv_free(&s->names);
	strv_free(&s->data);
	*s = (struct look_server){ 0 };
}

uint32_t reply_serial(const struct question *q, const char *apex)
{
	const struct dns_rr *rr;
	struct dns_soa soa = { 0 };
	struct dns_msg m;
	struct err e;

	if (q->outcome != ASK_ANSWERED || dns_msg_parse(&m, q->reply, q->reply_len, &e) < 0)
		return 0;
	rr = find_rr(&m.answer, apex, DNS_SOA);
	if (rr && dns_rr_soa(&soa, rr))
		free(soa.mname);
	dns_msg_free(&m);
	return soa.serial;
}
