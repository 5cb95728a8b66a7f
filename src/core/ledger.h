/* ledger.h - what is remembered of a line: facts with their instants, and the obligations.
 *
 * The ledger is the content of state.json.  It does not say which generation is live or staging: the
 * links on disk do, and ledger_reconcile() fits the ledger to them, so that a deed whose note was lost
 * is noted by the next run.  A note that comes late only makes waits longer.
 *
 * A *keyset* is the set of keys of a generation (one per key type); its number is that of the first
 * generation that had it, and it lives on in newer generations when certificates are renewed.
 */
#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include "base/buf.h"
#include "core/horizon.h"
#include "core/rollover.h"
#include "core/served.h"
#include "core/suggestion.h"

#include <stddef.h>

#define LEDGER_BOOT_ID_LEN 40

struct keyset {
	int     id;
	int     gen;                    /* newest generation that holds it */
	int64_t created_at;
	int64_t staged_at;              /* each is 0 until it happens */
	int64_t live_at;
	int64_t retired_at;             /* no longer live */
	int64_t removed_at;             /* its records are wanted no more */
	bool    compromised;
	/* ordered: the certificates of its generations up to revoke_gen are to be revoked; 0: no */
	int     revoke_gen;
	int     revoke_reason;          /* RFC 5280 section 5.3.1 */
	bool    revoke_now;             /* else when another key is served */
	int64_t revoked_at;
};

/* One record that belongs in DNS because of this line.  An owner of "" stands for "whatever the
 * key-change hook publishes": certline knows the keyset only. */
struct set_entry {
	char   *owner;
	char   *data;                   /* "3 1 1 ab.."; "" with an empty owner */
	int     keyset;                 /* 0: another line's record at an owner that both name */
	int64_t published_at;           /* acknowledged by every publisher; 0: not yet */
	int64_t stale_until_at;         /* until then a cache may hold a set without it */
};

struct set {
	struct set_entry *v;            /* in order of owner, keyset, data */
	size_t  n;
	int64_t ttl_for;
};

/* What one hook has acknowledged: a set serial or a generation number. */
struct ack {
	char   *command;
	int     acked;
	int64_t acked_at;
	int     failures;               /* in a row */
	int64_t failing_at;             /* since */
	char   *error;                  /* of the last failure, or NULL */
};

struct acks {
	struct ack *v;
	size_t n;
};

struct retry {
	int     failures;
	bool    begun;                  /* the last time it did not fail, but has not come to its end */
	int64_t next_at;
	char   *error;
};

struct ledger_clock {
	int64_t real_at, boot_for;
	char    boot_id[LEDGER_BOOT_ID_LEN];
};

struct ledger {
	struct keyset *keysets;         /* by id */
	size_t  keysets_n;

	struct set set;                 /* the recorded set: an obligation until done */
	int     set_serial;             /* counts recorded sets; 0: none yet */
	int64_t set_at, set_done_at;    /* recorded; acknowledged by all (0: not yet) */
	int64_t old_ttl_for;            /* largest TTL of the sets that the recorded one replaces */
	int64_t horizon_at;             /* until then a cache may hold a set older than the recorded one */
	struct acks keychange;          /* serials */

	struct acks certchange;         /* generations */
	int     deployed_keyset;        /* the keyset that all certchange hooks acknowledged last */
	int64_t deployed_at;

	struct retry retry[STEP_N];

	int     roll_from;              /* ordered: roll away from this keyset; 0: no */
	bool    force;                  /* ... at once */
	int     back_to;                /* ordered: back to this keyset; 0: no */
	bool    renew_force;            /* ordered: a test CA's certificate may replace any */
	int     renew_gen;              /* ordered: certificates of older generations are due */
	int64_t rolled_back_at;

	struct suggestion *suggestions; /* of CAs, for certificates that are live or staged */
	size_t  suggestions_n;

	struct horizon *eyes;           /* what was seen of each owner, in order of owners */
	size_t  eyes_n;

	struct served served;           /* what was seen of each server */

	struct ledger_clock clock;      /* of the last save */
};

void ledger_free(struct ledger *l);                     /* accepts a zeroed one */

/* Keysets.  NULL if there is none in that role. */
struct keyset *ledger_keyset(const struct ledger *l, int id);
struct keyset *ledger_live(const struct ledger *l);
struct keyset *ledger_staging(const struct ledger *l);
struct keyset *ledger_retired_first(const struct ledger *l);    /* goes next */
struct keyset *ledger_retired_last(const struct ledger *l);     /* a roll-back goes here */
int  ledger_retired_n(const struct ledger *l);
int  ledger_newest_gen(const struct ledger *l);

/* Fits the ledger to the links: live_id/staging_id are the keysets they point at (0: no link), the
 * _gen and _created_at those of the generations.  Returns true if something was noted. */
struct ledger_links {
	int live_id, live_gen, staging_id, staging_gen;
	int64_t live_created_at, staging_created_at;
};
bool ledger_reconcile(struct ledger *l, const struct ledger_links *links, int64_t now);

/* A keyset found on disk that the ledger knows nothing of, because the ledger was lost: it may have
 * been live lately, so it counts as retired from now on. */
void ledger_assume_retired(struct ledger *l, int id, int gen, int64_t created_at, int64_t now);

/* Deeds that were done.  Links are moved by the caller, before; reconcile would note the same. */
void ledger_removed(struct ledger *l, int id, int64_t now);
void ledger_purged(struct ledger *l, int id);
void ledger_succeeded(struct ledger *l, enum step s);
void ledger_failed(struct ledger *l, enum step s, const char *error, int64_t now, uint16_t draw);

/* The set.  `wanted` is sorted by set_sort. */
void set_add(struct set *s, const char *owner, const char *data, int keyset);
void set_sort(struct set *s);
bool set_has(const struct set *s, const char *owner);   /* with a record of a key of the line's own */
void set_free(struct set *s);
bool ledger_set_differs(const struct ledger *l, const struct set *wanted);
void ledger_set_record(struct ledger *l, const struct set *wanted, int64_t now);
void ledger_set_done(struct ledger *l, int64_t now);    /* every publisher acknowledged */
void ledger_set_distrust(struct ledger *l);     /* what was published is gone: all waits start anew */

/* Acknowledgements.  A command that is not in the list has acknowledged nothing. */
const struct ack *acks_find(const struct acks *a, const char *command);
bool acks_pending(const struct acks *a, const struct strv *commands, int what);
void acks_ok(struct acks *a, const char *command, int what, int64_t now);
void acks_failed(struct acks *a, const char *command, const char *error, int64_t now);
void acks_keep(struct acks *a, const struct strv *commands);   /* forget all others */
void acks_distrust(struct acks *a);     /* what was acknowledged was not done: owed again */
void ledger_deployed(struct ledger *l, int64_t now);    /* every certchange hook acknowledged */

/* Since when the servers have the live key, as far as hooks tell; 0: not (known) yet. */
int64_t ledger_told_at(const struct ledger *l, const struct policy *p);
/* The owners that have records of the line's own in the recorded set. */
void ledger_set_owners(struct strv *out, const struct ledger *l);

/* Eyes.  Fits them to the owners that are configured, and to the keysets that matter: live, staging, and
 * retired ones.  What was seen of an owner that is not named any more is forgotten. */
void ledger_eyes_fit(struct ledger *l, const struct strv *owners);
struct horizon *ledger_eye(const struct ledger *l, const char *owner);

/* Orders.  The text of *why_not (static) says why an order makes no sense; NULL: it is noted. */
const char *ledger_order_roll(struct ledger *l, bool emergency, bool force);
const char *ledger_order_back(struct ledger *l);
const char *ledger_order_revoke(struct ledger *l, int reason, bool now);        /* of the live key */
struct keyset *ledger_revoke_due(const struct ledger *l);       /* the first one; NULL */
void ledger_revoked(struct ledger *l, int id, int64_t now);
void ledger_order_renew(struct ledger *l, bool force);  /* force: see renew_force */

/* Fits the stored instants to a clock that jumped (see the .c).  The result is what was found. */
enum ledger_jump { JUMP_NONE, JUMP_SHIFTED, JUMP_RESTARTED };
enum ledger_jump ledger_clock_fit(struct ledger *l, const struct ledger_clock *now);

/* Facts for the rule table.  The caller fills what is known from generations and configuration. */
struct ledger_certs {
	int64_t from_at, until_at;
	int64_t suggested_at;           /* when the CA suggests to renew them; 0: it does not */
	bool    fits_types, fits_names, bootstrap;
};
struct ledger_view {
	struct ledger_certs live, staging;
	struct ledger_certs retired;            /* of the key that goes next */
	const struct set  *wanted;
	const struct strv *certchange;          /* configured hook commands */
	const struct strv *keychange;
	const struct horizon_policy *horizon;   /* where the policy verifies; else NULL */
	int64_t fresh_at;                       /* name servers must have been asked since; 0: status only */
	const struct served_question *served;   /* where the policy looks at servers; else NULL */
	const struct strv *held;                /* owners that wait for their servers; NULL: none */
	int64_t held_until_at;                  /* of the first of them, if nothing changes; or WHEN_NEVER */
	bool kept;                              /* wanted: only at owners that are not configured any more, whose
						 * servers nobody looks at */
	int64_t now;
	bool include_wrong;                     /* an include file does not show the recorded set */
	bool links_wrong;
};
/* The texts that facts point to are in `said`, which the caller frees after the facts' last use. */
void ledger_facts(struct facts *f, struct strv *said, const struct ledger *l, const struct policy *p,
		  const struct ledger_view *v);

#endif
