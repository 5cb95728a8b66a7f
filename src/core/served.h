/* served.h - what servers were seen to present, and whether all of them present a key.
 *
 * Pure: no I/O, no clock.  An *endpoint* is one address and port that a name leads to; it has a *view* for
 * each family of keys that was asked for, since a server may have a key of each.  What is not seen is not
 * assumed: an endpoint that answers without showing a certificate holds, and one that is not there holds for
 * as long as the configuration says.
 *
 * RFC 7671 section 8.1: the old records go when the new chain was verified to be deployed.  Those of a
 * compromised key go when nobody needs them: no server presents that key.
 */
#ifndef CORE_SERVED_H
#define CORE_SERVED_H

#include "base/buf.h"
#include "core/keytype.h"

#include <stdint.h>

#define SERVED_SPKI_LEN   65
#define SERVED_SERIAL_LEN 48

enum served_state {
	SERVED_UNKNOWN,                 /* never looked */
	SERVED_UNROUTED,                /* the host that looks has no route to it: no IPv6, say */
	SERVED_AWAY,                    /* nobody was reached */
	SERVED_FAULTY,                  /* somebody was, and showed no certificate */
	SERVED_ABSENT,                  /* it has no key of that family */
	SERVED_PRESENTED,
};
const char *served_state_name(enum served_state s);     /* "away", "presented" */

struct served_view {
	enum served_state state;        /* at the last look */
	char   *why;                    /* UNROUTED, AWAY, FAULTY: in words; NULL else */
	int64_t looked_at;              /* 0: never */
	int64_t failing_at;             /* UNROUTED, AWAY or FAULTY since; 0: none of them */
	/* of the last certificate that was presented */
	char    spki[SERVED_SPKI_LEN];  /* SHA-256 of its key, hex; "": none was seen yet */
	char    cert[SERVED_SPKI_LEN];  /* SHA-256 of itself */
	char    serial[SERVED_SERIAL_LEN];
	int64_t until_at;
	int64_t seen_at;
	int64_t spki_since_at;          /* every look since has shown that key */
	int64_t cert_since_at;          /* ... that certificate */
	char    before[SERVED_SPKI_LEN];        /* the key that it showed before that one; "" */
	int64_t relapsed_at;            /* it showed again what it had shown before: several servers may be
					 * behind one address.  0: never */
};

struct endpoint {
	char   *name;                   /* owner, or "HOST:PORT": what the configuration calls it */
	char   *address;                /* "192.0.2.1:25", "[2001:db8::1]:25"; "-": no address was
					 * found (AWAY), or too many (FAULTY) */
	struct served_view views[KEY_FAMILY_N];
};

struct served {
	struct endpoint *v;             /* by name, address */
	size_t n;
};
void served_free(struct served *s);             /* accepts a zeroed one */

/* What a look came to: every endpoint that there is, each family that was asked for once. */
struct served_answer {
	const char *name, *address;
	enum key_family family;
	enum served_state state;        /* not UNKNOWN */
	const char *why;
	const char *spki, *cert, *serial;       /* PRESENTED */
	int64_t until_at;
	int64_t at;
};
/* Endpoints of the names in `answers` that have none any more are forgotten; others stay as they are. */
void served_note(struct served *s, const struct served_answer *answers, size_t n);
/* Endpoints of other names than these are forgotten. */
void served_keep(struct served *s, const char *const *names, size_t n);

/* Another key is wanted from now on: that a server shows again what it showed before is no relapse then. */
void served_turn(struct served *s);

/* A key that may be met, with a word for people. */
struct served_key {
	const char *spki;               /* SHA-256, hex */
	const char *cert;               /* of the certificate that belongs to it now; NULL: any */
	enum key_family family;
	bool        wanted;             /* the key that is asked about: every endpoint must show it */
	bool        tolerated;          /* in its place (of another line with the same owner) */
	bool        leaving;            /* of the keys that must not be met any more, if that is asked */
	bool        removed;            /* its records are gone */
	const char *words;              /* "the old key (generation 3)" */
};

struct served_question {
	const struct served_key *keys;
	size_t  keys_n;
	bool    about_leaving;          /* not "does every one show a wanted key", but "does none show one that
					 * leaves": any other key will do then */
	const struct strv *among;       /* endpoints of these names alone; NULL: all */
	int64_t told_at;                /* the servers were told of the wanted key; 0: not yet */
	int64_t away_for;               /* so long after that, and after it was found away if it was not last
					 * seen with a key that will do, an endpoint that is away counts as
					 * one that shows it; WHEN_NEVER */
	int64_t fresh_at;               /* every endpoint must have been looked at since; 0: any look */
};

#define SERVED_STEADY_FOR ((int64_t)86400)      /* without a relapse, before such an endpoint counts */

enum served_verdict {
	SERVED_NO,                      /* time alone will not change it */
	SERVED_WAIT,                    /* from `at` on it counts, if nobody is seen with another key */
	SERVED_YES,
};
enum served_reason {
	SR_NONE,
	SR_NEVER_LOOKED, SR_STALE,      /* not in this run */
	SR_NO_ADDRESS,
	SR_UNROUTED, SR_AWAY, SR_FAULTY,
	SR_ABSENT,                      /* it shows no wanted key of any family, and has none of this one */
	SR_OTHER_KEY,                   /* it shows another key */
	SR_UNSTEADY,                    /* it shows a key that will do, and not long ago now this, now another */
};

struct served_judgement {
	enum served_verdict verdict;
	enum served_reason  reason;
	int64_t at;                     /* WAIT; YES: since when all present it, as far as was seen */
	const struct endpoint *who;     /* the first one in the way; NULL if none */
	enum key_family family;
	bool partly;                    /* OTHER_KEY: it shows the right one of another family */
	const struct served_key *met;   /* OTHER_KEY, if it is one of the keys */
	size_t  in_the_way;             /* how many endpoints are, this one too */
};
struct served_judgement served_judge(const struct served *s, const struct served_question *q);
/* From when on records may be published where there were none: WHEN_NEVER if time alone will not do.  An
 * endpoint that is away is left out in time only if another one was seen with the key. */
int64_t served_first_at(const struct served *s, const struct served_question *q);
/* In words, the caller frees: "_25._tcp.mx.example.org at 192.0.2.1:25 presents the old key". */
char *served_text(const struct served_judgement *j);
/* One endpoint alone: why it is in the way of the wanted key; SR_NONE: it is not. */
struct served_judgement served_judge_one(const struct endpoint *e, const struct served_question *q);

/* The first endpoint from `*i` on that shows a wanted key by another certificate than the key's own; *i is
 * behind it then.  NULL: none is left. */
const struct endpoint *served_outdated(const struct served *s, const struct served_question *q, size_t *i,
				       enum key_family *family);

void served_shift(struct served *s, int64_t by_for);    /* a clock that was set */
/* Nothing is known of the time before `sure_at` (a reboot with a clock that cannot be trusted): what
 * lasts since earlier lasts since then, and nothing was later than now. */
void served_restart(struct served *s, int64_t sure_at, int64_t now);

#endif
