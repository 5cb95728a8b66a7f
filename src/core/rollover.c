/* rollover.c - the rule table: facts and time in, one step out.
 *
 * Owns the order in which things happen to a line, and nothing else; what a step does is run/step.c.
 * Facts true in each phase are in the header.  Row order is the safety argument:
 *   - links first, since hooks and servers read through them;
 *   - an ordered roll-back before anything that would move further away from the key to go back to;
 *   - where name servers are asked, what they show is the gate of every key that servers are given, and
 *     of the removal of records;
 *   - certificates of the staged key before its promotion, promotion before renewing what it replaces;
 *   - deployment before publication, so that the first set names a key that is served;
 *   - where servers are looked at, what they present is the gate of the first set and of retirement;
 *   - retirement before staging, so that one change is finished before the next begins.
 * Touches: nothing.
 */
#include "core/rollover.h"

#include "base/mem.h"
#include "base/when.h"

struct in {
	const struct policy *p;
	const struct facts  *f;
	int64_t now;
};

static const char *const phase_names[] = { "new", "steady", "staged", "retiring", "crowded" };

static const char *const step_names[] = {
	[DO_NOTHING] = "nothing",
	[DO_MAKE_KEY] = "make key",
	[DO_LINK] = "link",
	[DO_ROLL_BACK] = "roll back",
	[DO_UNSTAGE] = "unstage",
	[DO_RENEW_STAGING] = "renew staging",
	[DO_PROMOTE] = "promote",
	[DO_RENEW] = "renew",
	[DO_DEPLOY] = "deploy",
	[DO_PUBLISH] = "publish",
	[DO_RETIRE] = "retire",
	[DO_STAGE] = "stage",
	[DO_REVOKE] = "revoke",
	[DO_PURGE] = "purge",
};
_Static_assert(ARRAY_LEN(step_names) == STEP_N, "a name for each step");

const char *rollover_phase_name(enum phase ph)
{
	for (unsigned i = 0; i < ARRAY_LEN(phase_names); i++)
		if ((unsigned)ph >> i & 1)
			return phase_names[i];
	mem_bug("a phase that does not exist");
}

const char *rollover_step_name(enum step s)
{
	return step_names[s];
}

enum phase rollover_phase(const struct facts *f)
{
	if (!f->live.present)
		return PH_NEW;
	if (f->staging.present)
		return f->retired.present ? PH_CROWDED : PH_STAGED;
	return f->retired.present ? PH_RETIRING : PH_STEADY;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Instants ------------------------------------------------------------------------------------- */

/* The CA's word, but never so late that a failure could not be mended, nor for a certificate that it has just
 * issued; and what the configuration says is done no later than it says. */
static int64_t suggested(const struct policy *p, const struct key_facts *k, int64_t life_for,
			 int64_t usual_at)
{
	int64_t soonest_at = k->cert_from_at + (life_for / 10 < DAY ? life_for / 10 : DAY);
	int64_t room_for = life_for / 3 < 2 * DAY ? life_for / 3 : 2 * DAY;
	int64_t latest_at = k->cert_until_at - later(life_for / 10, room_for);
	int64_t at = k->suggested_at;

	if ((p->renew_before_for > 0 || p->renew_den > 0) && usual_at < at)
		at = usual_at;
	if (at > latest_at)
		at = latest_at;
	return later(at, soonest_at);
}

int64_t rollover_renew_at(const struct policy *p, const struct key_facts *k)
{
	int64_t life_for, before_for;

	if (!k->present)
		return WHEN_NEVER;
	life_for = k->cert_until_at - k->cert_from_at;
	if (p->renew_before_for > 0)
		before_for = p->renew_before_for;
	else if (p->renew_den > 0)
		before_for = life_for / p->renew_den * p->renew_num;
	else
		before_for = life_for < 10 * DAY ? life_for / 2 : life_for / 3;
	/* a certificate that is due as soon as it is made would be renewed at every run */
	if (before_for > life_for / 3 * 2)
		before_for = life_for / 3 * 2;
	if (k->suggested_at)
		return suggested(p, k, life_for, k->cert_until_at - before_for);
	return k->cert_until_at - before_for;
}

int64_t rollover_key_due_at(const struct policy *p, const struct facts *f)
{
	int64_t due_at;

	if (!f->live.present)
		return WHEN_NEVER;
	/* a standby key has lain there, unused, for the whole life of the one before it */
	due_at = when_add(p->standby && f->live.live_at ? f->live.live_at : f->live.created_at,
			  p->max_key_age_for);
	if (f->rolled_back_at)
		due_at = later(due_at, when_add(f->rolled_back_at, ROLLED_BACK_REST_FOR));
	return due_at;
}

int64_t rollover_settled_at(const struct policy *p, const struct facts *f)
{
	const struct key_facts *k = &f->staging;
	int64_t margin_for = p->staging_for < EMERGENCY_MARGIN_FOR ? p->staging_for
								   : EMERGENCY_MARGIN_FOR;

	if (!k->present)
		return WHEN_NEVER;
	if (!p->publishes || f->held_until_at)
		return f->force || f->live.compromised ? k->staged_at
						       : when_add(k->staged_at, p->staging_for);
	if (!k->published_at)
		return WHEN_NEVER;
	if (f->force)
		return k->published_at;
	if (p->verifies)
		return k->sight == SIGHT_HOLD ? WHEN_NEVER : later(k->safe_at, k->published_at);
	if (f->live.compromised && k->stale_until_at)
		return when_add(later(k->published_at, k->stale_until_at), margin_for);
	return later(when_add(k->published_at, p->staging_for),
		     k->stale_until_at ? when_add(k->stale_until_at, CACHE_ROUNDING_FOR) : 0);
}

static int64_t shown_at(enum shown s, int64_t at)
{
	return s == SHOWN_NO ? WHEN_NEVER : s == SHOWN_LATER ? at : 0;
}

/* When every server presents the live key, or is not waited for any more.  Without records nothing waits. */
static int64_t presented_at(const struct policy *p, const struct facts *f)
{
	return !p->looks || f->held_until_at ? 0 : shown_at(f->shown, f->shown_at);
}

/* When none presents the compromised key. */
static int64_t gone_at(const struct policy *p, const struct facts *f)
{
	return !p->looks || f->held_until_at ? 0 : shown_at(f->gone, f->gone_at);
}

int64_t rollover_retire_at(const struct policy *p, const struct facts *f)
{
	const struct key_facts *k = &f->retired;
	int64_t at;

	if (!k->present || !f->deployed_at)
		return WHEN_NEVER;
	if (k->compromised)
		return later(later(k->retired_at, f->deployed_at), gone_at(p, f));
	at = when_add(k->retired_at, p->rollback_for);
	if (!p->looks || p->half_looks)
		at = later(at, when_add(later(k->retired_at, f->deployed_at), p->retire_after_for));
	return later(at, presented_at(p, f));
}

/* Guards --------------------------------------------------------------------------------------- */

static bool always(const struct in *i)
{
	(void)i;
	return true;
}

static bool unlinked(const struct in *i)
{
	return i->f->links_wrong;
}

static bool back_ordered(const struct in *i)
{
	return i->f->back_wanted && (!i->p->publishes || i->f->back_published) &&
	       (!i->p->verifies || i->f->back_sight == SIGHT_GO);
}

/* No owner has records, or may have any yet. */
static bool held(const struct in *i)
{
	return i->p->publishes && i->now < i->f->held_until_at;
}

static bool unpublished(const struct in *i)
{
	return i->p->publishes && !held(i) &&
	       (i->f->set_changed || i->f->set_pending || i->f->held_until_at);
}

/* The servers have the live key, as far as anybody can tell us. */
static bool served(const struct in *i)
{
	return !i->p->tells || i->f->deployed_at;
}

/* Of a compromised key they go when no server presents it, of another one when all present the live key. */
static bool unpresented(const struct in *i)
{
	return !i->f->retired.compromised && i->now < presented_at(i->p, i->f);
}

static bool still_shown(const struct in *i)
{
	return i->f->retired.compromised && i->now < gone_at(i->p, i->f);
}

/* The first set waits for the servers; one that changes what is published need not. */
static bool publishable(const struct in *i)
{
	return unpublished(i) && (served(i) || i->f->published);
}

static bool roll_due(const struct in *i)
{
	return i->f->roll_wanted || i->f->live.compromised || !i->f->live.fits_types ||
	       i->now >= rollover_key_due_at(i->p, i->f);
}

static bool misfit(const struct in *i)
{
	return !i->f->staging.fits_types || i->f->staging.compromised;
}

static bool cert_due(const struct in *i, const struct key_facts *k)
{
	return k->bootstrap || !k->fits_names || k->gen < i->f->renew_gen ||
	       i->now >= rollover_renew_at(i->p, k);
}

static bool live_cert_due(const struct in *i)
{
	return !i->f->live.disowned && cert_due(i, &i->f->live);
}

static bool staging_cert_due(const struct in *i)
{
	return cert_due(i, &i->f->staging);
}

/* Good enough to be shown to clients that look at names and dates. */
static bool certified(const struct in *i)
{
	const struct key_facts *k = &i->f->staging;

	return k->fits_names && i->now < k->cert_until_at &&
	       (!k->bootstrap || i->f->live.bootstrap);
}

static bool uncertified(const struct in *i)
{
	return roll_due(i) && !certified(i);
}

static bool settled(const struct in *i)
{
	return !unpublished(i) && i->now >= rollover_settled_at(i->p, i->f);
}

static bool promotable(const struct in *i)
{
	return roll_due(i) && certified(i) && settled(i) && !misfit(i);
}

static bool bare(const struct in *i)
{
	return i->p->no_stand_in && i->f->live.bootstrap;
}

static bool undeployed(const struct in *i)
{
	return i->f->deploy_pending && !bare(i);
}

/* Without the old key's records every cache must be content with the live key's. */
static bool sure(const struct in *i)
{
	const struct key_facts *k = &i->f->live;

	return !i->p->verifies || held(i) || k->sight == SIGHT_GO ||
	       (k->sight == SIGHT_WAIT && i->now >= k->safe_at);
}

static bool unsure(const struct in *i)
{
	return !sure(i);
}

static bool retirable(const struct in *i)
{
	return !i->f->back_wanted && !unpublished(i) && sure(i) &&
	       i->now >= rollover_retire_at(i->p, i->f);
}

/* Staging a key for a compromised one does not wait for obligations of an earlier change. */
static bool stageable(const struct in *i)
{
	if (i->f->live.compromised)
		return true;
	return rollover_phase(i->f) == PH_STEADY && (roll_due(i) || i->p->standby) &&
	       !unpublished(i) && served(i) && (!held(i) || i->f->force);
}

static bool purgeable(const struct in *i)
{
	return i->f->purge_at && i->now >= i->f->purge_at && !unpublished(i);
}

/* So that servers can be started, and the CA's questions be answered by them. */
static bool standing_in(const struct in *i)
{
	return undeployed(i) && i->f->live.bootstrap;
}

static bool revocable(const struct in *i)
{
	return i->f->revoke_due;
}

static bool unserved(const struct in *i)
{
	return !served(i);
}

static bool unsettled(const struct in *i)
{
	return roll_due(i) && !settled(i);
}

static bool unseen(const struct in *i)
{
	return roll_due(i) && i->p->verifies && !i->f->force && !held(i) && i->f->staging.sight == SIGHT_HOLD;
}

static bool blind(const struct in *i)
{
	return i->p->blind;
}

static bool looked(const struct in *i)
{
	return i->p->looks;
}

static bool back_impossible(const struct in *i)
{
	return i->f->back_wanted;
}

/* The table ------------------------------------------------------------------------------------ */

#define PH_LIVE  (PH_STEADY | PH_STAGED | PH_RETIRING | PH_CROWDED)
#define PH_NEXT  (PH_STAGED | PH_CROWDED)
#define PH_PAST  (PH_RETIRING | PH_CROWDED)

/* Where the reason in words of a row is found. */
enum about { NOBODY, STAGED_KEY, LIVE_KEY, BACK_KEY, SERVERS, LEAVING };

static const struct rule {
	int         phases;                     /* mask of enum phase */
	bool      (*guard)(const struct in *);
	enum step   step;
	const char *why;
	enum about  about;
	const char *plain;                      /* the reason where there are no records, if it is another one */
} rules[] = {
	/* clang-format off */
	{ PH_NEW,                 always,           DO_MAKE_KEY,      "there is no key yet", NOBODY, NULL },
	{ PH_LIVE,                unlinked,         DO_LINK,          "the links to the live and staging files are missing or wrong", NOBODY, NULL },
	{ PH_PAST,                back_ordered,     DO_ROLL_BACK,     "the roll-back was ordered, and the old key's records are still published", NOBODY, NULL },
	{ PH_NEXT,                misfit,           DO_UNSTAGE,       "the staged key does not fit the configuration any more", NOBODY, NULL },
	{ PH_NEXT,                staging_cert_due, DO_RENEW_STAGING, "the staged key's certificate is due; the key stays", NOBODY, NULL },
	{ PH_NEXT,                promotable,       DO_PROMOTE,       "every cache that may hold a TLSA set knows the new key", NOBODY, "the next key was staged for long enough" },
	{ PH_LIVE,                standing_in,      DO_DEPLOY,        "the servers were not told of the stand-in, without which some do not start", NOBODY, NULL },
	{ PH_LIVE,                live_cert_due,    DO_RENEW,         "the certificate is due; its key stays", NOBODY, NULL },
	{ PH_LIVE,                undeployed,       DO_DEPLOY,        "the servers were not told of the live certificate", NOBODY, NULL },
	{ PH_LIVE,                revocable,        DO_REVOKE,        "the revocation was ordered", NOBODY, NULL },
	{ PH_LIVE,                publishable,      DO_PUBLISH,       "the published TLSA set is not the wanted one", NOBODY, NULL },
	{ PH_PAST,                retirable,        DO_RETIRE,        "no server needs the old key any more", NOBODY, NULL },
	{ PH_STEADY | PH_RETIRING, stageable,       DO_STAGE,         "it is time for the next key", NOBODY, NULL },
	{ PH_LIVE,                purgeable,        DO_PURGE,         "a removed key is of no use to anybody", NOBODY, NULL },
	{ PH_LIVE,                bare,             DO_NOTHING,       "the CA has given no certificate yet, and servers do not get another one", NOBODY, NULL },
	{ PH_LIVE,                unserved,         DO_NOTHING,       "a post-certchange hook has not succeeded: servers may not have the live key", NOBODY, NULL },
	{ PH_LIVE,                held,             DO_NOTHING,       "the first records wait until servers present the key", SERVERS, NULL },
	{ PH_LIVE,                unpublished,      DO_NOTHING,       "a publisher has not acknowledged the TLSA set", NOBODY, NULL },
	{ PH_PAST,                back_impossible,  DO_NOTHING,       "the roll-back waits: the old key's records are not published everywhere", BACK_KEY, NULL },
	{ PH_NEXT,                uncertified,      DO_NOTHING,       "the staged key has no certificate that fits", NOBODY, NULL },
	{ PH_NEXT,                unseen,           DO_NOTHING,       "name servers were not all seen with the new key", STAGED_KEY, NULL },
	{ PH_NEXT,                unsettled,        DO_NOTHING,       "caches may still hold the old TLSA set, or the key was not staged for long enough", STAGED_KEY, "the next key was not staged for long enough" },
	{ PH_NEXT,                always,           DO_NOTHING,       "a next key is staged and published; the live key is not due", NOBODY, "a next key is staged; the live key is not due" },
	{ PH_PAST,                blind,            DO_NOTHING,       "no post-certchange hook and no retire-after: old records stay", NOBODY, "no post-certchange hook and no retire-after: the old key is kept" },
	{ PH_PAST,                still_shown,      DO_NOTHING,       "the compromised key's records stay while a server presents it", LEAVING, "the compromised key is kept while a server presents it" },
	{ PH_PAST,                unpresented,      DO_NOTHING,       "old records stay until every server presents the live key", SERVERS, "the old key is kept until every server presents the live one" },
	{ PH_PAST,                unsure,           DO_NOTHING,       "old records stay until name servers were seen with the live key", LIVE_KEY, NULL },
	{ PH_PAST,                looked,           DO_NOTHING,       "old records stay for a while, so that the key can be rolled back", NOBODY, "the old key is kept for a while, so that it can be rolled back" },
	{ PH_PAST,                always,           DO_NOTHING,       "servers may still present the old key", NOBODY, NULL },
	{ PH_LIVE,                always,           DO_NOTHING,       "up to date", NOBODY, NULL },
	/* clang-format on */
};

static const char *detail_of(const struct in *i, enum about a)
{
	switch (a) {
	case NOBODY:
		break;
	case STAGED_KEY:
		return i->p->verifies ? i->f->staging.seen : NULL;
	case LIVE_KEY:
		return i->p->verifies ? i->f->live.seen : NULL;
	case BACK_KEY:
		return i->p->verifies ? i->f->back_seen : NULL;
	case SERVERS:
		return i->p->looks ? i->f->shown_why : NULL;
	case LEAVING:
		return i->p->looks ? i->f->gone_why : NULL;
	}
	return NULL;
}

static bool off(const struct in *i, enum step s)
{
	return s != DO_NOTHING && (i->f->retry_at[s] > i->now || (i->f->tried >> s & 1));
}

static void sooner(int64_t *at, int64_t other, int64_t now)
{
	if (other > now && other < *at)
		*at = other;
}

/* The first instant after now at which a guard may turn true by time alone. */
static int64_t next_instant(const struct in *i, enum phase ph)
{
	int64_t at = WHEN_NEVER;

	sooner(&at, rollover_renew_at(i->p, &i->f->live), i->now);
	sooner(&at, rollover_renew_at(i->p, &i->f->staging), i->now);
	sooner(&at, rollover_key_due_at(i->p, i->f), i->now);
	sooner(&at, rollover_settled_at(i->p, i->f), i->now);
	sooner(&at, rollover_retire_at(i->p, i->f), i->now);
	sooner(&at, presented_at(i->p, i->f), i->now);
	sooner(&at, gone_at(i->p, i->f), i->now);
	sooner(&at, i->f->held_until_at, i->now);
	if (i->p->verifies && i->f->retired.present && i->f->live.sight == SIGHT_WAIT)
		sooner(&at, i->f->live.safe_at, i->now);
	if (i->f->purge_at)
		sooner(&at, i->f->purge_at, i->now);
	for (unsigned r = 0; r < ARRAY_LEN(rules); r++)
		if ((rules[r].phases & (int)ph) && off(i, rules[r].step) && rules[r].guard(i))
			sooner(&at, i->f->retry_at[rules[r].step], i->now);
	return at;
}

struct decision rollover_next(const struct policy *p, const struct facts *f, int64_t now)
{
	struct in in = { p, f, now };
	enum phase ph = rollover_phase(f);

	for (unsigned r = 0; r < ARRAY_LEN(rules); r++) {
		const struct rule *u = &rules[r];

		if (!(u->phases & (int)ph) || off(&in, u->step) || !u->guard(&in))
			continue;
		return (struct decision){
			.step = u->step,
			.again_at = u->step == DO_NOTHING ? next_instant(&in, ph) : now,
			.why = u->plain && !p->publishes ? u->plain : u->why,
			.detail = detail_of(&in, u->about),
		};
	}
	return (struct decision){ DO_NOTHING, next_instant(&in, ph), "making the first key failed",
				  NULL };
}

bool rollover_wants(const struct policy *p, const struct facts *f, enum step s, int64_t now)
{
	struct in in = { p, f, now };
	enum phase ph = rollover_phase(f);

	for (unsigned r = 0; r < ARRAY_LEN(rules); r++)
		if (rules[r].step == s && (rules[r].phases & (int)ph) && rules[r].guard(&in))
			return true;
	return false;
}

struct forecast rollover_forecast(const struct policy *p, const struct facts *now_f, int64_t now)
{
	struct facts tidy = *now_f;
	const struct facts *f = &tidy;
	struct in in = { p, now_f, now };
	bool waits = rollover_phase(f) != PH_STEADY || held(&in);
	struct decision first, d;
	bool by_first;

	tidy.purge_at = 0;              /* housekeeping is nothing to look forward to */
	d = first = rollover_next(p, f, now);

	/* each hop is one instant at which a guard may turn; there are fewer than ten kinds of them */
	for (int hops = 0; d.step == DO_NOTHING && d.again_at != WHEN_NEVER && hops < 32; hops++) {
		now = d.again_at;
		d = rollover_next(p, f, now);
	}
	by_first = first.step == DO_NOTHING && (waits || d.step == DO_NOTHING);
	return (struct forecast){
		.step = d.step,
		.at = d.step == DO_NOTHING ? WHEN_NEVER : now,
		.why = by_first ? first.why : d.why,
		.detail = by_first ? first.detail : d.detail,
	};
}

/* The fold ------------------------------------------------------------------------------------- */

static void certify(const struct policy *p, struct key_facts *k, int renew_gen, int64_t now)
{
	k->gen = renew_gen;
	k->fits_names = true;
	k->bootstrap = false;
	k->suggested_at = 0;
	k->cert_from_at = now;
	k->cert_until_at = when_add(now, p->cert_for);
}

static void make_key(const struct policy *p, struct key_facts *k, int renew_gen, int64_t now)
{
	*k = (struct key_facts){ .present = true, .fits_types = true, .created_at = now,
				 .staged_at = now };
	certify(p, k, renew_gen, now);
}

/* Servers that were told do with the next key what they did with the last one. */
static void present(const struct policy *p, struct facts *f, int64_t now)
{
	f->shown = f->lies ? SHOWN_NO : f->away ? (p->away_for ? SHOWN_LATER : SHOWN_NO) : SHOWN_YES;
	f->shown_at = when_add(now, p->away_for);
	if (f->shown == SHOWN_YES)
		f->shown_why = NULL;
	if (f->gone != SHOWN_YES) {
		f->gone = f->away ? f->shown : SHOWN_YES;
		f->gone_at = f->shown_at;
		f->gone_why = f->shown_why;
	}
}

static void change_live(const struct policy *p, struct facts *f, int64_t now)
{
	if (f->deployed_at) {
		f->lies = f->shown == SHOWN_NO;
		f->away = f->shown == SHOWN_LATER;
	}
	f->deploy_pending = p->tells;
	f->deployed_at = p->tells || p->blind ? 0 : now;
	f->gone = SHOWN_NO;
	if (p->tells)
		f->shown = SHOWN_NO;
	else
		present(p, f, now);
}

static void acknowledge(const struct policy *p, struct key_facts *k, bool first, int64_t now)
{
	if (!k->present || k->published_at)
		return;
	k->published_at = now;
	k->stale_until_at = first || !p->ttl_for ? 0 : when_add(now, p->ttl_for);
	k->sight = SIGHT_WAIT;
	k->safe_at = when_add(now, p->verified_for);
	k->seen = NULL;
}

static void retire_live(struct facts *f, int64_t now)
{
	if (f->retired_n++ == 0)
		f->retired = f->live;
	f->retired.retired_at = now;
}

void rollover_assume(const struct policy *p, struct facts *f, enum step s, int64_t now)
{
	struct key_facts was;
	bool first;

	switch (s) {
	case DO_NOTHING:
		break;
	case DO_MAKE_KEY:
		make_key(p, &f->live, f->renew_gen, now);
		change_live(p, f, now);
		f->set_changed = p->publishes;
		break;
	case DO_LINK:
		f->links_wrong = false;
		break;
	case DO_ROLL_BACK:
		was = f->live;
		f->live = f->retired;
		f->live.sight = SIGHT_GO;
		f->retired = was;
		f->retired.retired_at = now;
		f->back_wanted = f->roll_wanted = false;
		f->rolled_back_at = now;
		change_live(p, f, now);
		break;
	case DO_UNSTAGE:
		f->staging = (struct key_facts){ 0 };
		f->set_changed = p->publishes;
		break;
	case DO_RENEW_STAGING:
		certify(p, &f->staging, f->renew_gen, now);
		break;
	case DO_PROMOTE:
		retire_live(f, now);
		f->live = f->staging;
		f->live.live_at = now;
		f->live.sight = SIGHT_GO;
		f->staging = (struct key_facts){ 0 };
		f->roll_wanted = f->force = false;
		f->rolled_back_at = 0;
		change_live(p, f, now);
		break;
	case DO_RENEW:
		certify(p, &f->live, f->renew_gen, now);
		f->deploy_pending = p->tells;
		break;
	case DO_DEPLOY:
		f->deploy_pending = false;
		if (f->deployed_at)
			break;
		present(p, f, now);
		f->deployed_at = now;
		break;
	case DO_PUBLISH:
		first = !f->live.published_at;
		f->set_changed = f->set_pending = false;
		f->published = true;
		f->held_until_at = 0;
		acknowledge(p, &f->live, first, now);
		acknowledge(p, &f->staging, first, now);
		break;
	case DO_RETIRE:
		if (--f->retired_n == 0)
			f->retired = (struct key_facts){ 0 };
		f->set_changed = p->publishes;
		if (!f->purge_at)
			f->purge_at = when_add(now, PURGE_AFTER_FOR);
		break;
	case DO_STAGE:
		make_key(p, &f->staging, f->renew_gen, now);
		f->set_changed = p->publishes;
		break;
	case DO_REVOKE:
		f->revoke_due = false;
		break;
	case DO_PURGE:
		f->purge_at = 0;
		break;
	case STEP_N:
		mem_bug("a step that does not exist");
	}
}
