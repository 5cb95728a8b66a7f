/* horizon.h - from what name servers were seen to say, the moment at which no cache can hold a set
 * that would break a key: the stale horizon.
 *
 * Pure: no I/O, no clock.  For each owner and each keyset k a cache may hold a non-empty TLSA set
 * that does not cover k until H[owner][k] at most; every server that was seen to give such a set
 * moves H to the arrival of its answer plus the set's TTL, and so does the change of a server from
 * not covering to covering, since it may have given the old set until just before.  Promotion,
 * roll-back, retirement and the alarm about the live key are the same question with another
 * keyset.
 *
 * The keyset 0 stands for a key that does not exist yet: no set covers it.  It is kept at all
 * times, so that a new key starts with everything that was seen before it was made (its baseline).
 *
 * RFC 7671 section 8 (publisher rules), RFC 6698 A.4, RFC 2308 section 5, RFC 4035 section 5.3.3.
 */
#ifndef CORE_HORIZON_H
#define CORE_HORIZON_H

#include "core/tlsa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Durations in seconds. */
struct horizon_policy {
	int64_t margin_for;             /* after H, for clocks and slow forwarding */
	int     old_ttls;               /* RFC 7671 8.1: at least so many TTLs of the old set
					 * after the new one was first seen; 0: H alone */
	int64_t ttl_floor_for;          /* resolvers raise small TTLs up to this */
	int64_t assume_ttl_for;         /* where nothing was seen before */
	bool    count_negative;         /* "there was nothing" counts like a set without the key */
	int     confirm;                /* good rounds that every server must have had, the last
					 * in this run */
	int64_t confirm_for;            /* ... and over at least this time */
	int64_t ignore_after_for;       /* a server that is silent so long is left out; 0: never */
	bool    insecure_ok;            /* an unsigned zone does not hold */
	int64_t signature_left_for;     /* signatures must last longer than this */
	int64_t old_ttl_for;            /* TTL of sets that were published before, as far as is
					 * recorded: tau is at least this */
	int64_t overlap_for;            /* from the acknowledged publication at least (staging) */
};

enum horizon_state { H_UNKNOWN, H_BAD, H_GOOD };

/* One keyset in the eyes of one server. */
struct horizon_view {
	enum horizon_state state;
	int64_t bad_ttl_for;            /* of the last set (or denial) that lacked it */
	int64_t good_since_at;          /* when GOOD began */
	int     rounds;                 /* good ones in a row */
	bool    accepted;               /* clients accept the key by the last set, whatever else is in it */
};

struct horizon_server {
	char   *id;                     /* "192.0.2.1 example.org": address and zone */
	char   *names;                  /* NS names, for people; may be "" */
	bool    listed;                 /* in the zone's server set at the last round */
	int64_t unlisted_until_at;      /* left the set, but resolvers may ask it until then; 0
					 * while listed */
	int64_t answered_at;            /* last usable answer; 0: never */
	int64_t failing_at;             /* since; 0: it answers */
	int64_t failed_at;              /* the last time */
	int64_t silent_at;              /* since when it was looked at often enough to call it silent */
	char   *why;                    /* of the failure, of the bad signature, or of records
					 * that cannot be computed; NULL */
	bool    no_route;
	int64_t reach_for;              /* largest seen: how long resolvers go on asking when it has left */
	bool    unsigned_;              /* its last answer had no good signature */
	int64_t signed_until_at;        /* 0: not signed */
	uint32_t serial;
	int64_t ttl_for;                /* of its last set */
	int     records;                /* in its last set; 0: no set, -1: an alias */
	struct horizon_view *views;     /* parallel to the owner's keysets */
};

struct horizon_keyset {
	int     keyset;                 /* 0: the key that does not exist yet */
	int64_t stale_until_at;         /* H; 0: nothing is known that lacks it */
	int64_t seen_at;                /* F: first covering answer; 0: none yet */
	int64_t lacking_ttl_for;        /* tau: largest TTL of a set that lacks it; until F, of
					 * those that are given or may be in a cache yet */
};

enum horizon_security { HS_UNKNOWN, HS_INSECURE, HS_SECURE, HS_BOGUS };
const char *horizon_security_name(enum horizon_security s);     /* "unknown", "insecure", ... */

struct horizon {
	char   *owner;
	char   *path;                   /* zones and names on the way, to notice that it changed;
					 * NULL: never looked */
	enum horizon_security security; /* the worst of all hops */
	char   *why;                    /* of bogus and unknown; NULL */
	bool    wildcard;
	int64_t looked_at;              /* last round; 0: never */
	int64_t alias_ttl_for;          /* largest TTL of an alias on this path; 0: none */
	struct horizon_keyset *keysets; /* [0] is keyset 0 */
	size_t  keysets_n;
	struct horizon_server *servers;
	size_t  servers_n;
};

void horizon_init(struct horizon *h, const char *owner);
void horizon_free(struct horizon *h);           /* accepts a zeroed one */

/* Its place in h->keysets, and in the views of every server; h->keysets_n: it has none. */
size_t horizon_place(const struct horizon *h, int keyset);

/* Fits the keysets to those that matter now: new ones get the history of keyset 0, others go. */
void horizon_keep(struct horizon *h, const int *keysets, size_t n);

/* A round: begin, one answer for each server asked, end. */
struct horizon_round {
	const char *path;               /* not looked at while security is unknown: NULL will do */
	enum horizon_security security;
	const char *why;
	int64_t now;
};
void horizon_begin(struct horizon *h, const struct horizon_round *r,
		   const struct horizon_policy *p);

struct horizon_answer {
	const char *id, *names;
	enum { HA_UNASKED, HA_FAIL, HA_EMPTY, HA_DATA, HA_ALIAS } kind;
	const char *why;
	bool        no_route;
	int64_t     reach_for;          /* TTLs by which resolvers know of the server */
	/* DATA: parallel to h->keysets; of keyset 0 it is not looked at.  UNKNOWN (records that we
	 * cannot compute) counts as lacking. */
	const enum tlsa_cover *covers;
	const bool *accepts;            /* DATA, parallel too: tlsa_accepted; NULL: whom it covers */
	int         records;
	int64_t     ttl_for;            /* DATA, ALIAS: the larger of TTL and Original TTL;
					 * EMPTY: negative */
	bool        unsigned_;
	int64_t     signed_until_at;
	uint32_t    serial;
	bool        wildcard;
	int64_t     at;                 /* when it arrived */
};
void horizon_note(struct horizon *h, const struct horizon_answer *a,
		  const struct horizon_policy *p);

/* listed_ids are the servers of the round (also those that failed); all others have left the set,
 * and go when ns_ttl_for, or what is known of their own TTLs (reach_for), has passed since.  Until
 * then resolvers may ask them: what they give, or gave last if they are asked no more, counts.  They
 * may be asked on while h->servers has them.  n = 0 says nothing of who left. */
void horizon_end(struct horizon *h, const char *const *listed_ids, size_t n, int64_t ns_ttl_for,
		 const struct horizon_policy *p, int64_t now);

/* What resets or moves everything: a clock that was set. */
void horizon_shift(struct horizon *h, int64_t by_for);
/* Nothing is known of the time between the last round and `sure_at` (a reboot with a clock that
 * cannot be trusted): what caches may hold lasts from there as long as it did from the last round,
 * and rounds, old TTLs and silences begin anew there. */
void horizon_restart(struct horizon *h, int64_t sure_at);

/* The decision --------------------------------------------------------------------------------- */

enum horizon_verdict { HORIZON_GO, HORIZON_WAIT, HORIZON_HOLD };

enum horizon_reason {
	HR_NONE,
	/* HOLD */
	HR_NEVER_LOOKED,                /* no owner, or no round yet */
	HR_BOGUS, HR_UNKNOWN, HR_INSECURE,
	HR_SILENT,                      /* a server fails */
	HR_STALE,                       /* a server was not asked in this run */
	HR_LACKS,                       /* a server has a set without the key */
	HR_EMPTY,                       /* a server has no set */
	HR_UNSIGNED,
	HR_SIGNATURE_ENDS,
	HR_NO_SERVER,                   /* none answers for a zone, or has shown a set with the key */
	/* WAIT */
	HR_HORIZON,                     /* caches */
	HR_OLD_TTLS,
	HR_OVERLAP,
	HR_CONFIRM,
};

struct horizon_judgement {
	enum horizon_verdict verdict;
	enum horizon_reason  reason;
	int64_t at;                     /* WAIT: earliest safe instant, later than now,
					 * WHEN_NEVER before the publication; GO: when it became
					 * safe; HOLD: a lower bound if all were well from now
					 * on, WHEN_NEVER if none can be given */
	int64_t ttl_for;                /* OLD_TTLS: of the old set */
	const struct horizon        *owner;     /* what rules; NULL if none */
	const struct horizon_server *server;    /* NO_SERVER: one of the zone */
};

struct horizon_question {
	int     keyset;
	int64_t published_at;           /* every publisher acknowledged; 0: not yet */
	int64_t fresh_at;               /* every server must have answered since; 0: any answer
					 * will do */
	bool    urgent;                 /* compromised: H and margin only, no old_ttls, no
					 * overlap, one round */
};

/* hs: the horizons of all owners of the line. */
struct horizon_judgement horizon_judge(const struct horizon *hs, size_t n,
				       const struct horizon_question *q,
				       const struct horizon_policy *p, int64_t now);

/* The judgement in words, with owner, server, what is missing and until when; the caller frees:
 * "192.0.2.3 (ns2.example.org) gives a set without the key for _25._tcp.mx.example.org". */
char *horizon_text(const struct horizon_judgement *j, int64_t now);

/* True if some server gives a non-empty signed set by which clients do not accept the keyset: for the live
 * key, an alarm.  The first such server is returned too. */
bool horizon_uncovered(const struct horizon *h, int keyset, const struct horizon_server **server);

/* The first server whose last answer is not signed as it must be in a signed zone; NULL: there is none. */
const struct horizon_server *horizon_unsigned(const struct horizon *h);

#endif
