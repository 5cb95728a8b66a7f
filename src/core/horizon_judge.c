/* horizon_judge.c - whether servers may present a key now, by what was seen; and that in words.
 *
 * Does something hold, so that time alone will not mend it?  Then the first such thing is the
 * answer.  Else, when is the last of the waits over?  What is left is GO.
 * Touches: nothing but memory.
 */
#include "core/horizon.h"

#include "base/mem.h"
#include "base/when.h"

/* One owner, one keyset of it. */
struct case_of {
	const struct horizon          *h;
	size_t                         k;
	const struct horizon_question *q;
	const struct horizon_policy   *p;
	int64_t                        now;
	struct horizon_judgement      *hold, *wait;
};

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void hold(const struct case_of *c, enum horizon_reason why, const struct horizon_server *s)
{
	if (c->hold->reason == HR_NONE)
		*c->hold = (struct horizon_judgement){
			.verdict = HORIZON_HOLD, .reason = why, .owner = c->h, .server = s,
		};
}

static void wait_until(const struct case_of *c, int64_t at, enum horizon_reason why,
		       const struct horizon_server *s)
{
	if (at > c->wait->at)
		*c->wait = (struct horizon_judgement){
			.verdict = HORIZON_WAIT, .reason = why, .at = at, .owner = c->h,
			.server = s,
		};
}

static int64_t old_ttl(const struct case_of *c)
{
	return larger(c->h->keysets[c->k].lacking_ttl_for, c->p->old_ttl_for);
}

/* Servers -------------------------------------------------------------------------------------- */

static const char *zone_of(const struct horizon_server *s)
{
	const char *blank = strchr(s->id, ' ');

	return blank ? blank + 1 : "";
}

/* A server that is silent because this host has no way to its kind of addresses is the same machine
 * as its other address, if that answers. */
static bool stood_for(const struct horizon *h, const struct horizon_server *s)
{
	for (size_t i = 0; s->no_route && *s->names && i < h->servers_n; i++) {
		const struct horizon_server *o = &h->servers[i];

		if (o->listed && !o->failing_at && strcmp(o->names, s->names) == 0 &&
		    strcmp(zone_of(o), zone_of(s)) == 0)
			return true;
	}
	return false;
}

static bool zone_answers(const struct horizon *h, const struct horizon_server *s)
{
	for (size_t i = 0; i < h->servers_n; i++)
		if (h->servers[i].listed && !h->servers[i].failing_at &&
		    strcmp(zone_of(&h->servers[i]), zone_of(s)) == 0)
			return true;
	return false;
}

/* What caches may have from a server that lacks the key until last_at. */
static void wait_for_last(const struct case_of *c, const struct horizon_server *s, int64_t last_at)
{
	const struct horizon_view *v = &s->views[c->k];
	int64_t ttl_for = v->bad_ttl_for;

	if (v->state == H_GOOD)
		return;
	if (v->state == H_UNKNOWN)
		ttl_for = larger(c->p->assume_ttl_for, old_ttl(c));
	wait_until(c, when_add(when_add(last_at, ttl_for), c->p->margin_for), HR_HORIZON, s);
}

/* Left the server set: resolvers may ask it for a while, and may reach it where we do not. */
static void judge_unlisted(const struct case_of *c, const struct horizon_server *s)
{
	const struct horizon_view *v = &s->views[c->k];

	if (v->state == H_BAD && !s->failing_at && !s->unsigned_ &&
	    s->answered_at >= c->q->fresh_at && c->now < s->unlisted_until_at)
		hold(c, s->records ? HR_LACKS : HR_EMPTY, s);
	if (!s->no_route)
		wait_for_last(c, s, s->unlisted_until_at);
}

static enum horizon_reason objection(const struct case_of *c, const struct horizon_server *s)
{
	if (s->failing_at)
		return HR_SILENT;
	if (s->answered_at < c->q->fresh_at || s->views[c->k].state == H_UNKNOWN)
		return s->unsigned_ ? HR_UNSIGNED : HR_STALE;
	if (s->unsigned_)
		return HR_UNSIGNED;
	if (s->records == 0)
		return HR_EMPTY;
	if (s->views[c->k].state == H_BAD)
		return HR_LACKS;
	if (s->signed_until_at && s->signed_until_at - c->now <= c->p->signature_left_for)
		return HR_SIGNATURE_ENDS;
	return HR_NONE;
}

static void confirm(const struct case_of *c, const struct horizon_server *s)
{
	const struct horizon_view *v = &s->views[c->k];
	int64_t at = when_add(v->good_since_at, c->p->confirm_for);

	if (v->rounds < 1 || (!c->q->urgent && v->rounds < c->p->confirm))
		wait_until(c, c->q->urgent ? c->now + 1 : larger(at, c->now + 1), HR_CONFIRM, s);
	else if (!c->q->urgent)
		wait_until(c, at, HR_CONFIRM, s);
}

static void judge_server(const struct case_of *c, const struct horizon_server *s)
{
	const struct horizon_view *v = &s->views[c->k];
	enum horizon_reason why;

	if (!zone_answers(c->h, s))
		hold(c, c->p->ignore_after_for ? HR_NO_SERVER : HR_SILENT, s);
	if (s->failing_at && stood_for(c->h, s))
		return;
	if (s->failing_at && c->p->ignore_after_for && s->failed_at >= c->q->fresh_at &&
	    c->now - s->silent_at >= c->p->ignore_after_for) {
		wait_for_last(c, s, when_add(s->silent_at, c->p->ignore_after_for));
		return;
	}
	why = objection(c, s);
	if (why == HR_NONE) {
		confirm(c, s);
		return;
	}
	hold(c, why, s);
	/* were all well from now on */
	wait_for_last(c, s, c->now);
	if (!c->q->urgent && !v->rounds)
		wait_until(c, when_add(c->now, c->p->confirm_for), HR_CONFIRM, s);
}

/* Owners --------------------------------------------------------------------------------------- */

static void judge_security(const struct case_of *c)
{
	switch (c->h->security) {
	case HS_UNKNOWN:
		hold(c, HR_UNKNOWN, NULL);
		break;
	case HS_INSECURE:
		if (!c->p->insecure_ok)
			hold(c, HR_INSECURE, NULL);
		break;
	case HS_SECURE:
		break;
	case HS_BOGUS:
		hold(c, HR_BOGUS, NULL);
		break;
	}
}

static int64_t times(int64_t d_for, int n)
{
	return n > 0 && d_for > WHEN_NEVER / n ? WHEN_NEVER : d_for * n;
}

static void judge_caches(const struct case_of *c)
{
	const struct horizon_keyset *k = &c->h->keysets[c->k];

	if (k->stale_until_at)
		wait_until(c, when_add(k->stale_until_at, c->p->margin_for), HR_HORIZON, NULL);
	if (c->q->urgent || !c->p->old_ttls)
		return;
	wait_until(c, when_add(k->seen_at ? k->seen_at : c->now, times(old_ttl(c), c->p->old_ttls)),
		   HR_OLD_TTLS, NULL);
	if (c->wait->reason == HR_OLD_TTLS && c->wait->owner == c->h)
		c->wait->ttl_for = old_ttl(c);
}

static void judge_owner(struct case_of *c)
{
	const struct horizon *h = c->h;
	bool listed = false;

	c->k = horizon_place(h, c->q->keyset);
	if (!h->looked_at || c->k == h->keysets_n) {
		hold(c, HR_NEVER_LOOKED, NULL);
		return;
	}
	judge_security(c);
	for (size_t i = 0; i < h->servers_n; i++) {
		listed |= h->servers[i].listed;
		if (h->servers[i].listed)
			judge_server(c, &h->servers[i]);
		else
			judge_unlisted(c, &h->servers[i]);
	}
	/* an alias alone is no set, and neither is nobody's silence */
	if (!listed || !h->keysets[c->k].seen_at)
		hold(c, HR_NO_SERVER, NULL);
	judge_caches(c);
}

/* From which the way to GO has no known length. */
static bool endless(enum horizon_reason why)
{
	return why == HR_NEVER_LOOKED || why == HR_BOGUS || why == HR_UNKNOWN ||
	       why == HR_INSECURE || why == HR_NO_SERVER;
}

struct horizon_judgement horizon_judge(const struct horizon *hs, size_t n,
				       const struct horizon_question *q,
				       const struct horizon_policy *p, int64_t now)
{
	struct horizon_judgement held = { 0 }, waiting = { .verdict = HORIZON_GO };
	struct case_of c = { .q = q, .p = p, .now = now, .hold = &held, .wait = &waiting };

	if (n == 0)
		hold(&c, HR_NEVER_LOOKED, NULL);
	for (size_t i = 0; i < n; i++) {
		c.h = &hs[i];
		judge_owner(&c);
	}
	c.h = NULL;
	if (!q->published_at)
		wait_until(&c, WHEN_NEVER, HR_OVERLAP, NULL);
	else
		wait_until(&c, when_add(q->published_at, q->urgent ? 0 : p->overlap_for),
			   HR_OVERLAP, NULL);
	if (held.reason != HR_NONE) {
		held.at = endless(held.reason) ? WHEN_NEVER : larger(waiting.at, now);
		return held;
	}
	if (waiting.at > now)
		return waiting;
	waiting.verdict = HORIZON_GO;
	waiting.reason = HR_NONE;
	return waiting;
}

bool horizon_uncovered(const struct horizon *h, int keyset, const struct horizon_server **server)
{
	size_t k = horizon_place(h, keyset);

	for (size_t i = 0; k < h->keysets_n && i < h->servers_n; i++) {
		const struct horizon_server *s = &h->servers[i];

		if (s->views[k].state != H_BAD || s->views[k].accepted || s->records <= 0 || s->failing_at ||
		    s->unsigned_ || !s->listed)
			continue;
		*server = s;
		return true;
	}
	return false;
}

const struct horizon_server *horizon_unsigned(const struct horizon *h)
{
	for (size_t i = 0; i < h->servers_n && h->security == HS_SECURE; i++) {
		const struct horizon_server *s = &h->servers[i];

		if (s->listed && s->answered_at && !s->failing_at && s->unsigned_)
			return s;
	}
	return NULL;
}

/* In words ------------------------------------------------------------------------------------- */

/* "192.0.2.3 (ns2.example.org)". */
static void add_server(struct buf *b, const struct horizon_server *s)
{
	buf_add(b, s->id, strcspn(s->id, " "));
	if (*s->names)
		buf_addf(b, " (%s)", s->names);
}

/* " until 2026-11-28 14:02 UTC (1h 5m)". */
static void add_until(struct buf *b, int64_t at, int64_t now)
{
	char minute[WHEN_TEXT_LEN], rest[WHEN_TEXT_LEN];

	when_format_minute(minute, at);
	when_format_rough(rest, at > now ? at - now : 0);
	buf_addf(b, " until %s UTC (%s)", minute, rest);
}

static void say_silent(struct buf *b, const struct horizon_server *s, const char *owner,
		       int64_t now)
{
	char d[WHEN_TEXT_LEN];

	when_format_rough(d, s->failing_at ? now - s->failing_at : 0);
	buf_addf(b, " has given no answer about %s for %s", owner, d);
	if (s->why)
		buf_addf(b, " (%s)", s->why);
	if (s->no_route)
		buf_add_str(b, "; this host has no route to it, and no other address of it "
			    "answers: give the zone's addresses by servers = ZONE ADDRESS ...");
	else
		buf_add_str(b, "; mend it, take it out of the delegation, or give unreachable = a "
			    "duration after which it is left out");
}

static void say_server(struct buf *b, const struct horizon_judgement *j, int64_t now)
{
	const struct horizon_server *s = j->server;
	const char *owner = j->owner->owner;
	char minute[WHEN_TEXT_LEN];

	add_server(b, s);
	if (j->reason == HR_SILENT) {
		say_silent(b, s, owner, now);
	} else if (j->reason == HR_STALE) {
		buf_addf(b, " was not asked about %s in this run", owner);
	} else if (j->reason == HR_LACKS) {
		buf_addf(b, " gives a set without the key for %s", owner);
		if (s->why)
			buf_addf(b, " (%s)", s->why);
	} else if (j->reason == HR_EMPTY) {
		buf_addf(b, " has no TLSA record for %s", owner);
	} else if (j->reason == HR_UNSIGNED) {
		buf_addf(b, " gives no good signature for %s", owner);
		if (s->why)
			buf_addf(b, " (%s)", s->why);
	} else {
		when_format_minute(minute, s->signed_until_at);
		buf_addf(b, " gives a signature for %s that ends %s UTC: is the zone signed anew "
			 "in time?", owner, minute);
	}
	if (!s->listed)
		buf_add_str(b, "; it left the zone's server set, but resolvers may ask it yet");
	if ((j->reason == HR_LACKS || j->reason == HR_EMPTY) && j->at != WHEN_NEVER) {
		buf_add_str(b, "; even if that changed now, the key would wait");
		add_until(b, j->at, now);
	}
}

static void say_security(struct buf *b, const struct horizon_judgement *j)
{
	const struct horizon *h = j->owner;

	if (j->reason == HR_BOGUS)
		buf_addf(b, "%s is bogus, so that validating resolvers refuse it", h->owner);
	else if (j->reason == HR_UNKNOWN)
		buf_addf(b, "whether %s is signed could not be found out", h->owner);
	else
		buf_addf(b, "%s: the zone is not signed (or lost its DS): DANE has no effect "
			 "there; give insecure = go to roll all the same", h->owner);
	if (h->why && *h->why && j->reason != HR_INSECURE)
		buf_addf(b, ": %s", h->why);
}

static void say_caches(struct buf *b, const struct horizon_judgement *j)
{
	buf_addf(b, "caches may hold a set without the key for %s", j->owner->owner);
	if (!j->server)
		return;
	buf_add_str(b, " from ");
	add_server(b, j->server);
	buf_add_str(b, j->server->listed ? ", which is silent and left out,"
					 : ", which left the zone's server set,");
}

static void say_wait(struct buf *b, const struct horizon_judgement *j, int64_t now)
{
	char d[WHEN_TEXT_LEN];

	if (j->at == WHEN_NEVER && j->reason == HR_OVERLAP) {
		buf_add_str(b, "not every publisher has acknowledged the set");
		return;
	}
	if (j->reason == HR_HORIZON) {
		say_caches(b, j);
	} else if (j->reason == HR_OLD_TTLS) {
		when_format_rough(d, j->ttl_for);
		buf_addf(b, "the old set's TTL (%s) has to pass as often as old-ttls says since "
			 "the key was first seen at %s:", d, j->owner->owner);
	} else if (j->reason == HR_CONFIRM) {
		add_server(b, j->server);
		buf_addf(b, " has to show the key for %s in another run, or for longer: at least",
			 j->owner->owner);
	} else {
		buf_add_str(b, "the key has to be published for longer (staging):");
	}
	add_until(b, j->at, now);
}

static void say_no_server(struct buf *b, const struct horizon_judgement *j)
{
	if (j->server)
		buf_addf(b, "no name server of %s answers about %s", zone_of(j->server),
			 j->owner->owner);
	else
		buf_addf(b, "no name server has shown a set with the key for %s yet",
			 j->owner->owner);
}

char *horizon_text(const struct horizon_judgement *j, int64_t now)
{
	struct buf b;
	char *s;

	buf_init(&b, 4096);
	switch (j->reason) {
	case HR_NONE:
		buf_add_str(&b, "every name server shows the key, and no cache can hold a set "
			    "without it");
		break;
	case HR_NEVER_LOOKED:
		buf_addf(&b, "no name server was asked yet%s%s", j->owner ? " about " : "",
			 j->owner ? j->owner->owner : "");
		break;
	case HR_BOGUS:
	case HR_UNKNOWN:
	case HR_INSECURE:
		say_security(&b, j);
		break;
	case HR_SILENT:
	case HR_STALE:
	case HR_LACKS:
	case HR_EMPTY:
	case HR_UNSIGNED:
	case HR_SIGNATURE_ENDS:
		say_server(&b, j, now);
		break;
	case HR_NO_SERVER:
		say_no_server(&b, j);
		break;
	case HR_HORIZON:
	case HR_OLD_TTLS:
	case HR_OVERLAP:
	case HR_CONFIRM:
		say_wait(&b, j, now);
		break;
	}
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}
