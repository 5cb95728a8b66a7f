/* rollover.h - the decision: what is the next step of a line, and if there is none, when to come back.
 *
 * Pure: no I/O, no clock, no allocation, cannot fail.  The phase is derived from facts and stored
 * nowhere.  The rules are rows of a table (rollover.c); the first row whose guard holds and whose step
 * is not switched off is the answer, and its sentence is what `status`, `plan` and the log print.
 *
 *      NEW --make key--> STEADY --stage--> STAGED --promote--> RETIRING --retire--> STEADY
 *                                  ^---unstage---'       '--roll back--> RETIRING (keys swapped)
 *      RETIRING --stage (compromised live key only)--> CROWDED --promote/retire--> ...
 *
 *      NEW       no live key
 *      STEADY    a live key, nothing else
 *      STAGED    a next key exists; its records are or will be published; no server presents it
 *      RETIRING  a former live key whose records are still published
 *      CROWDED   both of these
 *
 * In every phase but NEW: links, renewals on the same keys, deployment, publication.
 * Safety (RFC 7671 section 8, RFC 6698 A.4): a key is promoted only when its records were acknowledged
 * by every publisher and no cache can hold a set without them; the record of a key that servers may
 * still present is not taken away; the first records of an owner are wanted only when its servers have the
 * key (run/wanted.h), and rules speak of the owners that have records.
 */
#ifndef CORE_ROLLOVER_H
#define CORE_ROLLOVER_H

#include <stdbool.h>
#include <stdint.h>

enum phase {
	PH_NEW      = 1 << 0,
	PH_STEADY   = 1 << 1,
	PH_STAGED   = 1 << 2,
	PH_RETIRING = 1 << 3,
	PH_CROWDED  = 1 << 4,
};

enum step {
	DO_NOTHING,
	DO_MAKE_KEY,            /* first keys and certificates, at once live */
	DO_LINK,                /* the stable links into the store */
	DO_ROLL_BACK,           /* the newest retired key is live again */
	DO_UNSTAGE,             /* drop the staged key */
	DO_RENEW_STAGING,       /* new certificates for the staged keys */
	DO_PROMOTE,             /* staging becomes live */
	DO_RENEW,               /* new certificates for the live keys */
	DO_DEPLOY,              /* tell the servers: post-certchange hooks */
	DO_PUBLISH,             /* record the wanted TLSA set and hand it to every publisher */
	DO_RETIRE,              /* a retired key's records are wanted no more */
	DO_STAGE,               /* make the next keys */
	DO_REVOKE,              /* tell the CA that a key's certificates are not to be trusted any more */
	DO_PURGE,               /* delete keys that nothing refers to any more */
	STEP_N,
};

#define EMERGENCY_MARGIN_FOR ((int64_t)5 * 60)          /* beside the TTL, for slow secondaries */
#define CACHE_ROUNDING_FOR   ((int64_t)2)               /* we count whole seconds, and so do caches */
#define ROLLED_BACK_REST_FOR ((int64_t)7 * 86400)       /* after a roll-back, before the next stage */
#define PURGE_AFTER_FOR      ((int64_t)30 * 86400)      /* a removed key is kept that long */

/* What the configuration wants.  Durations in seconds. */
struct policy {
	int64_t max_key_age_for;
	int64_t staging_for;            /* from the acknowledged publication to the promotion */
	int64_t retire_after_for;       /* from "servers were told" to the removal of old records, where
					 * nobody looks at the servers, or at some of them */
	int64_t rollback_for;           /* old records stay so long after the promotion */
	int64_t renew_before_for;       /* 0: by fraction */
	int32_t renew_num, renew_den;   /* num/den of the lifetime left; 0/0: 1/3, or 1/2 under ten days */
	int64_t cert_for;               /* lifetime of certificates, for forecasts */
	int64_t ttl_for;                /* of the TLSA records; 0 without owners */
	bool    standby;                /* a next key is always staged */
	bool    publishes;              /* TLSA owners or a key-change hook: somebody relies on DNS */
	bool    tells;                  /* there is a post-certchange hook */
	bool    no_stand_in;            /* servers get nothing before a certificate of the issuer's */
	bool    looks;                  /* servers are looked at: what they present decides, not the hooks' word */
	int64_t away_for;               /* then: how long one that is away is waited for; 0: for ever */
	bool    half_looks;             /* then: some owners are of services that cannot be looked at */
	bool    verifies;               /* name servers are asked: what they show decides, not the wait */
	int64_t verified_for;           /* then: what it takes from publication to proof, for forecasts */
	bool    blind;                  /* publishes, does not tell nor look, and retire-after was not given:
	                                 * we cannot know when servers have switched */
};

/* What was seen in DNS of a key (core/horizon.h): may servers present it now? */
enum sight {
	SIGHT_HOLD,                     /* no, and time alone will not change that */
	SIGHT_WAIT,                     /* no, but from safe_at on if all stays as it is */
	SIGHT_GO,                       /* yes */
};

/* What was seen at the servers (core/served.h): does every one of them present the live key? */
enum shown {
	SHOWN_NO,                       /* no, and time alone will not change that */
	SHOWN_LATER,                    /* some are away, and from shown_at on are not waited for */
	SHOWN_YES,
};

struct key_facts {
	bool    present;
	int     id;                     /* of the keyset */
	bool    fits_types;             /* its key types are the configured ones */
	bool    fits_names;             /* its certificates are for the configured names */
	bool    bootstrap;              /* a stand-in certificate, not yet from the configured issuer */
	bool    compromised;
	bool    disowned;               /* ... and revoked as such, or about to be: no CA takes it again */
	int64_t created_at;             /* of the key */
	int64_t staged_at;
	int64_t live_at;
	int64_t retired_at;
	int     gen;                    /* number of its newest generation */
	int64_t cert_from_at;           /* validity of the certificate that ends first */
	int64_t cert_until_at;
	int64_t suggested_at;           /* when its CA suggests to renew it; 0: it does not */
	int64_t published_at;           /* the last of its records was acknowledged; 0: not all are */
	int64_t stale_until_at;         /* until then a cache may hold a set without them; 0: unknown */
	enum sight sight;               /* where the policy verifies */
	int64_t safe_at;
	const char *seen;               /* the reason in words, of HOLD and WAIT; the caller's; or NULL */
};

struct facts {
	struct key_facts live, staging;
	struct key_facts retired;       /* the one that goes next */
	int     retired_n;
	bool    links_wrong;            /* a stable link is missing or points elsewhere */
	bool    set_changed;            /* the wanted TLSA set is not the recorded one */
	bool    set_pending;            /* a publisher has not acknowledged the recorded one */
	bool    deploy_pending;         /* a post-certchange hook has not acknowledged the live certificate */
	int64_t deployed_at;            /* servers have the live *key* since; 0: not (known) yet */
	enum shown shown;               /* where the policy looks */
	int64_t shown_at;
	const char *shown_why;          /* in words, of NO and LATER; the caller's; or NULL */
	enum shown gone;                /* ... and if the retired key is compromised: does none present that? */
	int64_t gone_at;
	const char *gone_why;
	bool    lies, away;             /* of forecasts: some server will not present another key either, or
					 * will have to be waited for again */
	bool    published;              /* a set was handed out before: the next one changes it */
	int64_t held_until_at;          /* no record belongs in DNS before that, since no server is known to
					 * present the live key; WHEN_NEVER: time alone will not change that;
					 * 0: some do */
	bool    roll_wanted;            /* an operator ordered a rollover of the present live key */
	bool    force;                  /* ... without waiting for caches */
	bool    back_wanted;            /* an operator ordered the newest retired key back */
	bool    back_published;         /* and its records are still published */
	enum sight back_sight;
	const char *back_seen;
	bool    revoke_due;             /* an operator wants certificates revoked, and nothing stands in the way */
	int     renew_gen;              /* an operator wants new certificates where gen is below this */
	int64_t rolled_back_at;         /* last roll-back to the present live key; 0: none */
	int64_t purge_at;               /* when the next removed key may be deleted; 0: none waits */
	int64_t retry_at[STEP_N];       /* a failed step is switched off until then */
	unsigned tried;                 /* mask of 1 << step: failed in this run, off until the next */
};

struct decision {
	enum step   step;
	int64_t     again_at;           /* for DO_NOTHING: when time alone may change the answer, or
	                                 * WHEN_NEVER: only an outside event can; else now */
	const char *why;
	const char *detail;             /* what exactly, from the facts; or NULL */
};

struct decision rollover_next(const struct policy *p, const struct facts *f, int64_t now);

enum phase rollover_phase(const struct facts *f);
const char *rollover_phase_name(enum phase ph);         /* "steady" */
const char *rollover_step_name(enum step s);            /* "promote" */

/* What the facts become if the step succeeds at `now`: the fold behind `plan`. */
void rollover_assume(const struct policy *p, struct facts *f, enum step s, int64_t now);

/* True if a rule asks for the step now, were it not switched off. */
bool rollover_wants(const struct policy *p, const struct facts *f, enum step s, int64_t now);

/* The next step that will be done if everything goes well, and when: now or later; purging aside.
 * DO_NOTHING if none comes.  why: what the line waits for, or the reason of the step if it waits for
 * nothing but time. */
struct forecast {
	enum step   step;
	int64_t     at;
	const char *why, *detail;
};
struct forecast rollover_forecast(const struct policy *p, const struct facts *f, int64_t now);

/* The single instants, for status and messages; WHEN_NEVER if nothing is under way. */
int64_t rollover_renew_at(const struct policy *p, const struct key_facts *k);
int64_t rollover_key_due_at(const struct policy *p, const struct facts *f);
int64_t rollover_settled_at(const struct policy *p, const struct facts *f);
int64_t rollover_retire_at(const struct policy *p, const struct facts *f);

#endif
