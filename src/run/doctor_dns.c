/* doctor_dns.c - the part of the diagnosis that is about DNS: aliases, name servers, signatures, TTLs,
 * addresses.  RFC 4035 section 5, RFC 7671 sections 7, 11 and 13, RFC 7672 section 2.
 * Touches: nothing.
 */
#include "run/doctor_parts.h"

#include "base/mem.h"
#include "base/when.h"

#define SIGNATURE_WARN_FOR  DAY /* signers that sign what they answer give a little more */
#define SIGNATURE_ERROR_FOR HOUR
#define TTL_SHORT_FOR	    MINUTE
#define TTL_LONG_FOR	    (2 * DAY)
#define RECORDS_MAX	    10 /* large senders were seen to fail above a dozen */

/* How many of the servers at the end of the aliases say what. */
struct tally {
	size_t all, records, nothing; /* of these two those that are signed as they must be */
	size_t doubtful; /* an answer, or a denial, without a good signature */
	size_t no_route, unasked;
	size_t unreached; /* these, and who has not answered us */
	size_t elsewhere; /* they lead to another alias */
	const struct look_server *bad; /* one of the doubtful or the failed */
};

/* It has not answered us: others may fare better. */
static bool is_unreached(const struct look_server *v)
{
	static const enum ask_outcome of[] = { ASK_TIMEOUT, ASK_CONN_REFUSED, ASK_UNREACHABLE };

	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		if (v->answer == ANSWER_FAIL && v->why && strcmp(v->why, ask_outcome_text(of[i])) == 0)
			return true;
	return false;
}

static struct tally count(const struct look_owner *o)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];

		if (!doctor_seen_final(o, v))
			continue;
		t.all++;
		switch (v->answer) {
		case ANSWER_FAIL:
			t.no_route += v->no_route;
			t.unasked += v->unasked;
			t.unreached += v->no_route || v->unasked || is_unreached(v);
			if (!v->no_route && !v->unasked && (!t.bad || is_unreached(t.bad)))
				t.bad = v;
			break;
		case ANSWER_EMPTY:
			t.nothing += v->signed_ok;
			break;
		case ANSWER_DATA:
			t.elsewhere += v->target != NULL;
			t.records += v->signed_ok && !v->target;
			break;
		case ANSWER_ALIAS:
			break;
		}
		if ((v->answer == ANSWER_EMPTY || v->answer == ANSWER_DATA) && !v->signed_ok) {
			t.doubtful++;
			t.bad = v;
		}
	}
	return t;
}

/* Aliases --------------------------------------------------------------------------------------- */

static bool goes_round(const struct look_owner *o)
{
	for (size_t i = 0; i < o->servers_n; i++)
		for (size_t k = 0; o->servers[i].target && k <= i; k++)
			if (strcmp(o->servers[k].name, o->servers[i].target) == 0)
				return true;
	return false;
}

static void find_aliases(struct doctor_diagnosis *out, const struct look_owner *o, const struct tally *t)
{
	bool is_alias = o->end && strcmp(o->end, o->owner) != 0;

	if (goes_round(o)) {
		doctor_add(&out->findings, DOCTOR_ERROR, "alias-loop",
			   "the aliases (CNAME) of %s go round in a circle, so that there is no record "
			   "at all: point one of them to a name that has TLSA records",
			   o->owner);
		return;
	}
	if (t->elsewhere)
		doctor_add(&out->findings, DOCTOR_ERROR, "aliases-differ",
			   "%zu of %zu name servers lead %s to another place than the others: bring them "
			   "to the same version of the zone",
			   t->elsewhere, t->all, o->owner);
	if (!is_alias)
		return;
	if (!o->problem && t->nothing && !t->records)
		doctor_add(&out->findings, DOCTOR_WARNING, "alias-broken",
			   "%s is an alias (CNAME) that leads to %s, where there are no TLSA records: "
			   "add them there, or correct the alias",
			   o->owner, o->end);
	else if (o->problem)
		doctor_add(&out->findings, DOCTOR_ERROR, "alias-broken",
			   "%s is an alias (CNAME) that leads to %s, and no further: %s", o->owner,
			   o->end, o->problem);
	else
		doctor_add(&out->findings, DOCTOR_OK, "alias",
			   "%s is an alias (CNAME); the records are at %s", o->owner, o->end);
}

/* Name servers ---------------------------------------------------------------------------------- */

static void find_signature(struct doctor_diagnosis *out, const struct look_owner *o,
			   const struct doctor_terms *t)
{
	const struct look_server *first = NULL;
	char at[WHEN_TEXT_LEN], left[WHEN_TEXT_LEN], *who;

	for (size_t i = 0; i < o->servers_n; i++)
		if (o->servers[i].signed_ok && o->servers[i].signed_until_at &&
		    (!first || o->servers[i].signed_until_at < first->signed_until_at))
			first = &o->servers[i];
	if (!first || first->signed_until_at - t->now >= SIGNATURE_WARN_FOR)
		return;
	when_format_minute(at, first->signed_until_at);
	when_format_rough(left, first->signed_until_at > t->now ? first->signed_until_at - t->now : 0);
	who = doctor_seen_server(first);
	doctor_add(&out->findings,
		   first->signed_until_at - t->now < SIGNATURE_ERROR_FOR ? DOCTOR_ERROR : DOCTOR_WARNING,
		   "signature-ends",
		   "the signature (RRSIG) that %s gives for %s ends at %s UTC, in %s; then clients get "
		   "no answer at all: is the signer of %s alive, and does the server get its zone?",
		   who, first->name, at, left, first->zone);
	free(who);
}

static void find_ttl(struct doctor_diagnosis *out, const struct look_owner *o)
{
	int64_t least = INT64_MAX, most = 0;
	char a[WHEN_TEXT_LEN], b[WHEN_TEXT_LEN];

	for (size_t i = 0; i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];

		if (v->answer != ANSWER_DATA || v->target || !doctor_seen_final(o, v))
			continue;
		least = v->ttl_for < least ? v->ttl_for : least;
		most = v->ttl_for > most ? v->ttl_for : most;
	}
	if (least > most)
		return;
	when_format_duration(a, least);
	when_format_duration(b, most);
	if (least != most)
		doctor_add(&out->findings, DOCTOR_WARNING, "ttls-differ",
			   "the TTL of the records is %s at one name server and %s at another: caches "
			   "keep the set for the longer one; a rollover must wait for that",
			   a, b);
	if (most > TTL_LONG_FOR)
		doctor_add(&out->findings, DOCTOR_WARNING, "ttl-long",
			   "the TTL of the records is %s: if the key must be replaced in a hurry, "
			   "clients refuse the new one for that long; an hour is enough",
			   b);
	else if (least < TTL_SHORT_FOR)
		doctor_add(&out->findings, DOCTOR_NOTE, "ttl-short",
			   "the TTL of the records is %s, so that resolvers ask for each connection, and "
			   "fail when the name servers do; an hour is usual",
			   a);
}

static uint32_t newest_serial(const struct look_owner *o, const char *zone)
{
	uint32_t newest = 0;

	for (size_t i = 0; i < o->servers_n; i++) {
		uint32_t serial = o->servers[i].serial;

		/* RFC 1982 */
		if (serial && strcmp(o->servers[i].zone, zone) == 0 &&
		    (!newest || (int32_t)(serial - newest) > 0))
			newest = serial;
	}
	return newest;
}

static void find_lag(struct doctor_diagnosis *out, const struct look_owner *o, bool sets_differ)
{
	for (size_t i = 0; i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];
		uint32_t newest = newest_serial(o, v->zone);
		char *who;

		if (!v->serial || v->serial == newest)
			continue;
		who = doctor_seen_server(v);
		doctor_add(&out->findings, sets_differ ? DOCTOR_WARNING : DOCTOR_NOTE, "serial-lag",
			   "name server %s has serial %lu of %s, while %lu is out: look whether it is "
			   "notified, and whether it can transfer the zone",
			   who, (unsigned long)v->serial, v->zone, (unsigned long)newest);
		free(who);
	}
}

/* What single servers do not do as they should. */
static void find_servers(struct doctor_diagnosis *out, const struct look_owner *o, enum security security,
			 const struct tally *t)
{
	bool believed = t->records || t->nothing;

	for (size_t i = 0; i < o->servers_n; i++) {
		const struct look_server *v = &o->servers[i];
		char *who = doctor_seen_server(v);

		if (v->answer == ANSWER_FAIL && !v->no_route && !v->unasked) {
			doctor_add(&out->findings, believed ? DOCTOR_WARNING : DOCTOR_ERROR,
				   "server-fails",
				   "name server %s gives no usable answer about %s TLSA: %s", who,
				   v->name, v->why ? v->why : "?");
		} else if (security == SECURITY_SECURE && !v->signed_ok && v->answer != ANSWER_FAIL) {
			doctor_add(&out->findings, DOCTOR_ERROR, "answer-unsigned",
				   "name server %s: the %s about %s TLSA is not signed as it must be: %s",
				   who, v->answer == ANSWER_EMPTY ? "denial" : "answer", v->name,
				   v->why ? v->why : "there is no good signature");
		} else if (v->answer == ANSWER_EMPTY && t->records && doctor_seen_final(o, v)) {
			doctor_add(&out->findings, DOCTOR_ERROR, "server-missing",
				   "name server %s (serial %lu) has no TLSA record at %s, while others "
				   "have: does it get the zone's updates?",
				   who, (unsigned long)v->serial, v->name);
		}
		free(who);
	}
	if (t->no_route)
		doctor_add(&out->findings, DOCTOR_NOTE, "server-no-route",
			   "%zu of %zu addresses of name servers cannot be asked: this host has no route "
			   "to them (IPv6?)",
			   t->no_route, t->all);
	if (t->unasked)
		doctor_add(&out->findings, DOCTOR_WARNING, "server-unasked",
			   "%zu of %zu addresses of name servers could not be asked in time", t->unasked,
			   t->all);
}

static void find_sets(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	const struct look_owner *o = &s->dns[s->used];
	size_t most = 0;
	char *some, *others;

	for (size_t i = 0; i < s->sets_n; i++)
		most = s->sets[i].data.n > most ? s->sets[i].data.n : most;
	if (most > RECORDS_MAX)
		doctor_add(&out->findings, DOCTOR_WARNING, "many-records",
			   "there are %zu TLSA records: some mail senders fail above a dozen, and "
			   "answers get too large for UDP; remove those of keys that are gone",
			   most);
	if (s->sets_n < 2)
		return;
	some = strv_join(&s->sets[0].servers, ", ");
	others = strv_join(&s->sets[1].servers, ", ");
	doctor_add(&out->findings, DOCTOR_WARNING, "servers-disagree",
		   "name servers give %zu different sets for %s: %s has %zu records, %s has %zu others; "
		   "what a client gets is chance",
		   s->sets_n, o->end ? o->end : o->owner, some, s->sets[0].data.n, others,
		   s->sets[1].data.n);
	free(others);
	free(some);
}

/* What clients get ------------------------------------------------------------------------------ */

static bool any_records(const struct look_owner *o)
{
	for (size_t i = 0; i < o->servers_n; i++)
		if (o->servers[i].answer == ANSWER_DATA && doctor_seen_final(o, &o->servers[i]))
			return true;
	return false;
}

static enum doctor_answer insecure(struct doctor_diagnosis *out, const struct look_owner *o,
				   const struct look_zone *z)
{
	bool elsewhere = o->zones_n && z != &o->zones[0];

	if (elsewhere)
		doctor_add(&out->findings, DOCTOR_WARNING, "alias-insecure",
			   "%s leads into the zone %s, which is not signed: its records have no effect; "
			   "sign that zone, or put the records where it is signed",
			   o->owner, z->apex);
	else if (any_records(o))
		doctor_add(&out->findings, DOCTOR_WARNING, "tlsa-unsigned",
			   "there are TLSA records at %s, but the zone %s is not signed, or its parent "
			   "has no DS for it: clients do not look at them; sign the zone, and have the "
			   "DS published",
			   o->owner, z->apex);
	else
		doctor_add(&out->findings, DOCTOR_WARNING, "unsigned",
			   "the zone %s is not signed, or its parent has no DS for it, and there are no "
			   "TLSA records: DANE begins with DNSSEC",
			   z->apex);
	return ANSWERED_INSECURE;
}

/* In a zone that is secure itself. */
static enum doctor_answer secure(struct doctor_diagnosis *out, const struct look_owner *o,
				 const struct tally *t)
{
	char *who;

	if (t->records)
		return ANSWERED_RECORDS;
	if (t->nothing)
		return ANSWERED_NOTHING;
	if (!t->bad || t->unreached == t->all) {
		doctor_add(&out->findings, DOCTOR_ERROR, "lookup-unanswered",
			   "none of the name servers answers the question for %s TLSA; if that is not so "
			   "elsewhere: does a firewall let DNS through to all of the world?",
			   o->end ? o->end : o->owner);
		return ANSWERED_UNKNOWN;
	}
	who = doctor_seen_server(t->bad);
	doctor_add(&out->findings, DOCTOR_ERROR, "lookup-fails",
		   "the zone is signed, but the question for %s TLSA gets no answer that can be believed "
		   "(%s: %s), so that validating resolvers say SERVFAIL: mail servers with DANE do not "
		   "deliver at all; mend the name servers, also for names that do not exist",
		   o->end ? o->end : o->owner, who,
		   t->bad->why			    ? t->bad->why
		   : t->bad->answer == ANSWER_EMPTY ? "a denial without a good signature"
						    : "an answer without a good signature");
	free(who);
	return ANSWERED_BOGUS;
}

static void say(struct doctor_diagnosis *out, enum security s, const char *why)
{
	out->security = s;
	free(out->security_why);
	out->security_why = mem_copy_str(why);
}

static enum doctor_answer unknown(struct doctor_diagnosis *out, const struct look_owner *o, const char *why)
{
	doctor_add(&out->findings, DOCTOR_ERROR, "zone-unknown",
		   "nothing could be found out about the zone of %s: %s", o->owner,
		   why ? why : o->problem ? o->problem : "?");
	return ANSWERED_UNKNOWN;
}

static enum doctor_answer answered(struct doctor_diagnosis *out, const struct look_owner *o,
				   const struct tally *t)
{
	const struct look_zone *z;
	enum security security = look_security(o, &z);

	say(out, security, z ? z->why : o->problem);
	if (!z)
		return unknown(out, o, NULL);
	switch (security) {
	case SECURITY_BOGUS:
		doctor_add(&out->findings, DOCTOR_ERROR, "bogus",
			   "the zone %s is bogus, so that validating clients get no answer: %s; compare "
			   "the DS at its parent with its DNSKEY, and look at its signatures",
			   z->apex, z->why ? z->why : "?");
		return ANSWERED_BOGUS;
	case SECURITY_UNKNOWN:
		return unknown(out, o, z->why);
	case SECURITY_INSECURE:
		return insecure(out, o, z);
	case SECURITY_SECURE:
		break;
	}
	if (goes_round(o))
		return ANSWERED_BOGUS;
	if (o->problem && !t->all) {
		say(out, SECURITY_UNKNOWN, o->problem);
		if (!o->end || strcmp(o->end, o->owner) == 0)
			doctor_add(&out->findings, DOCTOR_ERROR, "zone-unknown", "%s: %s", o->owner,
				   o->problem);
		return ANSWERED_UNKNOWN;
	}
	return secure(out, o, t);
}

/* Addresses ------------------------------------------------------------------------------------- */

static void find_addresses(struct doctor_diagnosis *out, const struct doctor_seen *s,
			   enum doctor_answer a)
{
	const struct host *h = &s->at;
	size_t v6 = 0;

	for (size_t i = 0; i < h->addrs_n; i++)
		v6 += addr_is_ipv6(&h->addrs[i]);
	if (s->addrs_given)
		return;
	if (h->security == SECURITY_BOGUS)
		doctor_add(&out->findings, DOCTOR_ERROR, "address-bogus",
			   "the addresses of %s are bogus, so that validating clients get none: %s",
			   s->host, h->why ? h->why : "?");
	else if (h->security == SECURITY_UNKNOWN && !h->addrs_n)
		doctor_add(&out->findings, DOCTOR_ERROR, "address-unknown",
			   "the addresses of %s could not be found out: %s", s->host,
			   h->problem ? h->problem
			   : h->why   ? h->why
				      : "?");
	else if (!h->addrs_n)
		doctor_add(&out->findings, DOCTOR_ERROR, "no-address",
			   "%s has no address: %s; add A or AAAA records", s->host,
			   h->problem ? h->problem : "no A and no AAAA record");
	else if (v6 == h->addrs_n)
		doctor_add(&out->findings, DOCTOR_NOTE, "ipv6-only",
			   "%s has AAAA records and no A: who has no IPv6 does not reach it", s->host);
	if (s->mail && a == ANSWERED_RECORDS && h->security == SECURITY_INSECURE && h->end &&
	    strcmp(h->end, s->host) == 0)
		doctor_add(&out->findings, DOCTOR_WARNING, "address-insecure",
			   "the addresses of %s are not signed, so that mail servers do not even look "
			   "for TLSA records (RFC 7672 section 2.2.2): sign its zone",
			   s->host);
	if (!h->end || strcmp(h->end, s->host) == 0)
		return;
	if (h->security == SECURITY_SECURE)
		doctor_add(&out->findings, DOCTOR_NOTE, "host-alias",
			   "%s is an alias of %s: clients look for TLSA records there first%s (RFC 7671 "
			   "section 7)",
			   s->host, h->end, s->used ? ", and find them" : "");
	else if (h->security == SECURITY_INSECURE)
		doctor_add(&out->findings, DOCTOR_NOTE, "host-alias-insecure",
			   "%s is an alias of %s, and not every step to there is signed: only records at "
			   "%s itself count, and only if its zone is signed",
			   s->host, h->end, s->host);
}

static enum doctor_answer find_owner(struct doctor_diagnosis *out, const struct doctor_seen *s,
				     const struct doctor_terms *t)
{
	const struct look_owner *o = &s->dns[s->used];
	struct tally tally = count(o);
	enum doctor_answer a;

	find_aliases(out, o, &tally);
	a = answered(out, o, &tally);
	/* what there is at the first place must be found out, or nothing is */
	if (s->dns_n > 1 && !s->used) {
		struct tally first = count(&s->dns[1]);
		enum security kept = out->security;
		char *kept_why = mem_copy_str(out->security_why);

		if (answered(out, &s->dns[1], &first) == ANSWERED_BOGUS)
			a = ANSWERED_BOGUS;
		else
			say(out, kept, kept_why);
		free(kept_why);
	}
	if (o->problem && o->servers_n && a != ANSWERED_UNKNOWN && !goes_round(o))
		doctor_add(&out->findings, DOCTOR_WARNING, "servers-unknown",
			   "not all name servers could be found: %s", o->problem);
	find_servers(out, o, out->security, &tally);
	find_sets(out, s);
	find_lag(out, o, s->sets_n > 1 || (tally.records && tally.nothing));
	find_signature(out, o, t);
	find_ttl(out, o);
	for (size_t i = 0; i < o->servers_n; i++)
		if (o->servers[i].wildcard && o->servers[i].answer == ANSWER_DATA) {
			doctor_add(&out->findings, DOCTOR_NOTE, "wildcard",
				   "the records of %s come from a wildcard: all names below it have "
				   "them, and a record at the name itself hides them",
				   o->owner);
			break;
		}
	if (a == ANSWERED_NOTHING && (!o->end || strcmp(o->end, o->owner) == 0))
		doctor_add(&out->findings, DOCTOR_WARNING, "no-tlsa",
			   "the zone is signed, but there is no TLSA record at %s: clients cannot do "
			   "DANE",
			   o->owner);
	return a;
}

enum doctor_answer doctor_find_dns(struct doctor_diagnosis *out, const struct doctor_seen *s,
				   const struct doctor_terms *t)
{
	enum doctor_answer a = s->dns_n ? find_owner(out, s, t) : ANSWERED_NOT_ASKED;

	find_addresses(out, s, a);
	return a;
}
