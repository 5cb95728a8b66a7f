/* test_horizon.c - what was seen, step by step, and what follows from it for a key.
 *
 * A scenario is one line of events, in seconds relative to T0, with a judgement at its end:
 *      "0 a=1:3600 b=1:3600"   a round: a gives a set with keyset 1 and TTL 3600, so does b
 *      "a=12:300"              records of the keysets 1 and 2; "a=12?:300" and one nobody can
 *                              compute; "a=12!:300" without a good signature
 *      "a=E:1800" "a=F" "a=R" "a=A:300"        no set; silence; no route; an alias
 *      "-a=1:300"              asked, but not in the server set any more
 *      "keep 12"               the keysets that matter are 1 and 2
 *      "as bogus" "path x" "sign 600" "ns 600" "reach 60" of the rounds that follow
 *      "shift 60" "restart 60" "lose"          the clock was set; a reboot; nothing is remembered
 *      "B 0 a=1:3600"          a round of the second owner
 * The servers are a and A (named ns1), b and B (ns2), c and C (ns3), where capitals are the other
 * address family; i (ns1), j (ns2) serve another zone.
 * Touches: nothing.
 */
#include "core/horizon.h"

#include "base/mem.h"
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define T0     ((int64_t)1800000000)
#define NEVER  INT64_MAX
#define OWNER  "_25._tcp.mx.example.org"
#define OWNER2 "_443._tcp.www.example.org"

static const struct horizon_policy rfc = {
	.margin_for = 300, .old_ttls = 2, .ttl_floor_for = 60, .assume_ttl_for = DAY,
	.count_negative = true, .confirm = 2, .confirm_for = 300, .signature_left_for = HOUR,
};

struct bench {
	struct horizon        h[2];
	size_t                h_n;
	struct horizon_policy p;
	enum horizon_security security;
	const char           *path;
	int64_t               sign_for, ns_ttl_for, reach_for, at;
};

/* The world of a scenario ---------------------------------------------------------------------- */

static void bench_init(struct bench *b, const struct horizon_policy *p)
{
	*b = (struct bench){ .h_n = 1, .p = *p, .security = HS_SECURE, .path = "example.org",
			     .ns_ttl_for = DAY };
	horizon_init(&b->h[0], OWNER);
	horizon_init(&b->h[1], OWNER2);
	horizon_keep(&b->h[0], (int[]){ 1 }, 1);
	horizon_keep(&b->h[1], (int[]){ 1 }, 1);
}

static void bench_free(struct bench *b)
{
	horizon_free(&b->h[0]);
	horizon_free(&b->h[1]);
}

static void keep(struct bench *b, const char *digits)
{
	int ids[8];
	size_t n = 0;

	for (; *digits; digits++)
		ids[n++] = *digits - '0';
	horizon_keep(&b->h[0], ids, n);
	horizon_keep(&b->h[1], ids, n);
}

static void answer(struct bench *b, struct horizon *h, char server, const char *code,
		   size_t code_len, int64_t at, char id[32])
{
	enum tlsa_cover covers[8] = { TLSA_LACKS };
	struct horizon_answer a = { .id = id, .covers = covers, .at = at, .kind = HA_DATA };
	char names[8], c[32];
	const char *ttl;

	assert_in_range(code_len, 1, sizeof(c) - 1);
	memcpy(c, code, code_len);
	c[code_len] = '\0';
	ttl = strchr(c, ':');
	snprintf(id, 32, "192.0.2.%d example.%s", server, (server | 0x20) < 'i' ? "org" : "net");
	snprintf(names, sizeof(names), "ns%d", ((server | 0x20) - 'a') % 8 + 1);
	a.names = names;
	a.reach_for = b->reach_for;
	a.ttl_for = ttl ? strtoll(ttl + 1, NULL, 10) : 0;
	a.unsigned_ = strchr(c, '!') != NULL;
	a.signed_until_at = b->sign_for ? at + b->sign_for : 0;
	a.why = a.unsigned_ ? "it has expired" : NULL;
	if (*c == 'E') {
		a.kind = HA_EMPTY;
	} else if (*c == 'A') {
		a.kind = HA_ALIAS;
	} else if (*c == 'N') {
		a.kind = HA_UNASKED;
		a.why = "not asked in time";
	} else if (*c == 'F' || *c == 'R') {
		a.kind = HA_FAIL;
		a.no_route = *c == 'R';
		a.why = *c == 'R' ? "no route" : "no answer in time";
	}
	for (const char *d = c; a.kind == HA_DATA && *d >= '0' && *d <= '9'; d++)
		a.records++;
	for (size_t k = 1; a.kind == HA_DATA && k < h->keysets_n; k++) {
		const char *has = strchr(c, '0' + h->keysets[k].keyset);

		covers[k] = !has || (ttl && has > ttl) ? TLSA_LACKS
			    : strchr(c, '?')           ? TLSA_UNKNOWN
						       : TLSA_COVERS;
	}
	horizon_note(h, &a, &b->p);
}

static void round_of(struct bench *b, struct horizon *h, const char *s)
{
	char ids[8][32], *end;
	const char *listed[8];
	size_t n = 0, used = 0;
	struct horizon_round r = { .path = b->path, .security = b->security };

	b->at = r.now = T0 + strtoll(s, &end, 10);
	r.why = b->security == HS_BOGUS ? "signature expired" : NULL;
	horizon_begin(h, &r, &b->p);
	for (s = end; *(s += strspn(s, " "));) {
		bool gone = *s == '-';
		size_t len = strcspn(s, " ");

		s += gone;
		answer(b, h, *s, s + 2, len - gone - 2, r.now, ids[used]);
		if (!gone)
			listed[n++] = ids[used];
		used++;
		s += len - gone;
	}
	horizon_end(h, listed, n, b->ns_ttl_for, &b->p, r.now);
}

static enum horizon_security security_named(const char *s)
{
	return strcmp(s, "bogus") == 0	    ? HS_BOGUS
	       : strcmp(s, "insecure") == 0 ? HS_INSECURE
	       : strcmp(s, "unknown") == 0  ? HS_UNKNOWN
					    : HS_SECURE;
}

static bool word(const char **s, const char *w)
{
	size_t len = strlen(w);

	if (strncmp(*s, w, len) != 0)
		return false;
	*s += len;
	return true;
}

static void event(struct bench *b, const char *s)
{
	static const char *const paths[] = { "x", "y" };

	if (word(&s, "keep")) {
		keep(b, s + strspn(s, " "));
	} else if (word(&s, "as ")) {
		b->security = security_named(s);
	} else if (word(&s, "path ")) {
		b->path = paths[*s == 'y'];
	} else if (word(&s, "sign ")) {
		b->sign_for = strtoll(s, NULL, 10);
	} else if (word(&s, "reach ")) {
		b->reach_for = strtoll(s, NULL, 10);
	} else if (word(&s, "ns ")) {
		b->ns_ttl_for = strtoll(s, NULL, 10);
	} else if (word(&s, "shift ")) {
		b->at += strtoll(s, NULL, 10);
		horizon_shift(&b->h[0], strtoll(s, NULL, 10));
	} else if (word(&s, "restart ")) {
		horizon_restart(&b->h[0], T0 + strtoll(s, NULL, 10));
	} else if (word(&s, "lose")) {
		horizon_free(&b->h[0]);
		horizon_init(&b->h[0], OWNER);
	} else if (word(&s, "B ")) {
		b->h_n = 2;
		round_of(b, &b->h[1], s);
	} else {
		round_of(b, &b->h[0], s);
	}
}

static void play(struct bench *b, const char *events)
{
	char one[256];

	while (*events) {
		size_t len = strcspn(events, "|");

		assert_in_range(len, 0, sizeof(one) - 1);
		memcpy(one, events, len);
		one[len] = '\0';
		while (len && one[len - 1] == ' ')
			one[--len] = '\0';
		event(b, one);
		events += strcspn(events, "|");
		events += strspn(events, "| ");
	}
}

/* The scenarios -------------------------------------------------------------------------------- */

/* Two servers that were seen with the live key for long, and then a next key is made. */
#define BASE(ttl)  "-20000 a=1:" ttl " b=1:" ttl " | -10000 a=1:" ttl " b=1:" ttl " | keep 12 | "
#define BASE1(ttl) "-20000 a=1:" ttl " | -10000 a=1:" ttl " | keep 12 | "
#define NONE       "-20000 a=E:1800 b=E:1800 | -10000 a=E:1800 b=E:1800 | keep 12 | "
#define BOTH       " a=12:3600 b=12:3600"
#define HALF       " a=12:3600 b=1:3600"

enum { RFC = 0, H_ONLY = 1, NO_NEG = 2, GO_INSECURE = 4, IGNORE = 8,
       URGENT = 16, ANY_AGE = 32, STAGE = 64, UNPUBLISHED = 128, LATER = 256, KNOWN_TTL = 512,
       KEY_1 = 1024, ONCE = 2048 };

static const struct scenario {
	const char           *name;
	int                   how;
	const char           *events;
	int64_t               at;       /* of the judgement, as everything relative to T0 */
	enum horizon_verdict  verdict;
	enum horizon_reason   reason;
	int64_t               until;
} scenarios[] = {
	/* clang-format off */
	{ "1 both at +300", RFC, BASE("3600") "300" BOTH, 300, HORIZON_WAIT, HR_OLD_TTLS, 7500 },
	{ "2 the same, later", RFC, BASE("3600") "300" BOTH "| 7500" BOTH, 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "2 a second too early", RFC, BASE("3600") "300" BOTH "| 7499" BOTH, 7499, HORIZON_WAIT, HR_OLD_TTLS, 7500 },
	{ "3 H alone", H_ONLY, BASE("3600") "300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 4200 },
	{ "3 and then", H_ONLY, BASE("3600") "300" BOTH "| 4200" BOTH, 4200, HORIZON_GO, HR_NONE, 4200 },
	{ "3 a second too early", H_ONLY, BASE("3600") "300" BOTH "| 4199" BOTH, 4199, HORIZON_WAIT, HR_HORIZON, 4200 },
	{ "4 a secondary is still old after two TTLs", RFC, BASE("3600") "300" HALF "| 7500" HALF, 7500,
	  HORIZON_HOLD, HR_LACKS, 11400 },
	{ "5 it catches up", RFC, BASE("3600") "300" HALF "| 7500" HALF "| 10200" BOTH, 10200, HORIZON_WAIT, HR_HORIZON, 14100 },
	{ "6 old TTL raised before publication", RFC, BASE("3600") "-9000 a=1:86400 b=1:86400 | 600" BOTH, 600,
	  HORIZON_WAIT, HR_OLD_TTLS, 600 + 2 * DAY },
	{ "7 old TTL lowered just before", H_ONLY, BASE("86400") "900 a=12:300 b=12:300", 900, HORIZON_WAIT, HR_HORIZON, 900 + DAY + 300 },
	{ "7 and that was seen", H_ONLY, BASE("86400") "0 a=1:300 b=1:300 | 900 a=12:300 b=12:300", 900,
	  HORIZON_WAIT, HR_HORIZON, DAY + 300 },
	{ "7 long before", H_ONLY, "-99999 a=1:86400 | -99000 a=1:300 | 0 a=1:300 | keep 12 | 900 a=12:300", 900,
	  HORIZON_WAIT, HR_HORIZON, 1500 },
	{ "7 long before, with two TTLs", RFC, "-99999 a=1:86400 | -99000 a=1:300 | 0 a=1:300 | keep 12 | 900 a=12:300", 900,
	  HORIZON_WAIT, HR_HORIZON, 1500 },
	{ "7 not so long before, with two TTLs", RFC, "-10000 a=1:86400 | -9000 a=1:300 | 0 a=1:300 | keep 12 | 900 a=12:300", 900,
	  HORIZON_WAIT, HR_OLD_TTLS, 900 + 2 * (DAY - 9000) },
	{ "8 TTL raised on the new set", RFC, BASE("3600") "300 a=12:86400 b=12:86400 | 900 a=12:86400 b=12:86400", 900,
	  HORIZON_WAIT, HR_OLD_TTLS, 7500 },
	{ "9 publication lowers the TTL", RFC, BASE("3600") "300 a=12:300 b=12:300", 300, HORIZON_WAIT, HR_OLD_TTLS, 7500 },
	{ "10 TTL 5", H_ONLY, BASE("5") "0 a=12:5 b=12:5", 0, HORIZON_WAIT, HR_HORIZON, 360 },
	{ "11 falls back for one round", RFC, BASE("3600") "300" BOTH "| 7000" HALF "| 8000" BOTH, 8000, HORIZON_WAIT, HR_HORIZON, 11900 },
	{ "11 and holds while it does", RFC, BASE("3600") "300" BOTH "| 7000" HALF, 7000, HORIZON_HOLD, HR_LACKS, 10900 },
	{ "12 the set vanished", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=E:1800", 7500, HORIZON_HOLD, HR_EMPTY, 9600 },
	{ "13 and is back", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=E:1800 | 8000" BOTH, 8000, HORIZON_WAIT, HR_HORIZON, 10100 },
	{ "14 first publication", RFC, NONE "300" BOTH, 300, HORIZON_WAIT, HR_OLD_TTLS, 3900 },
	{ "14 the horizon of it", H_ONLY, NONE "300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 2400 },
	{ "15 negatives do not count", NO_NEG, NONE "300" BOTH, 300, HORIZON_WAIT, HR_CONFIRM, 600 },
	{ "15 and then", NO_NEG, NONE "300" BOTH "| 600" BOTH, 600, HORIZON_GO, HR_NONE, 600 },
	{ "15 while there is none", NO_NEG, NONE "300" BOTH "| 600 a=12:3600 b=E:1800", 600, HORIZON_HOLD, HR_EMPTY, 900 },
	{ "15 a set that vanished counts", NO_NEG | H_ONLY, BASE("3600") "0 a=E:1800 b=E:1800 | 300" BOTH, 300,
	  HORIZON_WAIT, HR_HORIZON, 3900 },
	{ "16 no baseline", RFC, "keep 12 | 300" BOTH, 300, HORIZON_WAIT, HR_OLD_TTLS, 300 + 2 * DAY },
	{ "16 no baseline, H alone", H_ONLY, "keep 12 | 300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 600 + DAY },
	{ "16 state lost", H_ONLY, BASE("3600") "300" BOTH "| lose | keep 12 | 9000" BOTH, 9000, HORIZON_WAIT, HR_HORIZON, 9300 + DAY },
	{ "16 a recorded TTL is larger", H_ONLY | KNOWN_TTL, "keep 12 | 300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 600 + 3 * DAY },
	{ "16 a long TTL is seen itself", H_ONLY, "keep 12 | 300 a=12:200000 b=12:3600", 300, HORIZON_WAIT, HR_HORIZON, 200600 },
	{ "17 never answers", RFC, BASE("3600") "300 a=12:3600 b=F | 99999 a=12:3600 b=F", 99999, HORIZON_HOLD, HR_SILENT, 99999 + 3900 },
	{ "17 not even once", RFC, "-9000 a=1:3600 b=F | keep 12 | 300 a=12:3600 b=F | 99999 a=12:3600 b=F", 99999,
	  HORIZON_HOLD, HR_SILENT, 99999 + DAY + 300 },
	{ "18 ignored after a day", IGNORE, BASE("3600") "300 a=12:3600 b=F | 43500 a=12:3600 b=F | 86700 a=12:3600 b=F", 86700,
	  HORIZON_WAIT, HR_HORIZON, 86700 + 3900 },
	{ "18 but not before", IGNORE, BASE("3600") "300 a=12:3600 b=F | 43500 a=12:3600 b=F | 86699 a=12:3600 b=F", 86699,
	  HORIZON_HOLD, HR_SILENT, 86699 + 3900 },
	{ "18 and then", IGNORE, BASE("3600") "300 a=12:3600 b=F | 43500 a=12:3600 b=F | 86700 a=12:3600 b=F | 90600 a=12:3600 b=F", 90600,
	  HORIZON_GO, HR_NONE, 90600 },
	{ "18 never seen: assumed", IGNORE, "-9000 a=1:3600 b=F | keep 12 | 300 a=12:3600 b=F | 43000 a=12:3600 b=F | 86000 a=12:3600 b=F | 90000 a=12:3600 b=F", 90000,
	  HORIZON_WAIT, HR_HORIZON, -9000 + DAY + DAY + 300 },
	{ "18 was good: no wait", IGNORE, BASE("3600") "300" BOTH "| 600" BOTH "| 900 a=12:3600 b=F | 44000 a=12:3600 b=F | 87000 a=12:3600 b=F | 90000 a=12:3600 b=F", 90000,
	  HORIZON_GO, HR_NONE, 7500 },
	{ "18 two looks that are far apart are no silence", IGNORE, BASE("3600") "300 a=12:3600 b=F | 86700 a=12:3600 b=F", 86700,
	  HORIZON_HOLD, HR_SILENT, 86700 + 3900 },
	{ "18 silent for long, and not asked now", IGNORE, BASE("3600") "300 a=12:3600 b=F | 43500 a=12:3600 b=F | 86700 a=12:3600 b=F "
	  "| 90600 a=12:3600 b=N", 90600, HORIZON_HOLD, HR_SILENT, 90600 + 3900 },
	{ "18 not asked is not silent", IGNORE, BASE("3600") "300 a=12:3600 b=N | 86700 a=12:3600 b=N", 86700,
	  HORIZON_HOLD, HR_STALE, 86700 + 3900 },
	{ "18 not asked, never seen", IGNORE, "-9000 a=1:3600 b=N | keep 12 | 300 a=12:3600 b=N | 90000 a=12:3600 b=N", 90000,
	  HORIZON_HOLD, HR_STALE, 90000 + DAY + 300 },
	{ "18 nobody is left", IGNORE, BASE1("3600") "300 a=12:3600 | 600 a=F | 43000 a=F | 86000 a=F | 90000 a=F", 90000, HORIZON_HOLD, HR_NO_SERVER, NEVER },
	{ "19 comes back old", IGNORE, BASE("3600") "300 a=12:3600 b=F | 90600" HALF, 90600, HORIZON_HOLD, HR_LACKS, 94500 },
	{ "19 and catches up", IGNORE, BASE("3600") "300 a=12:3600 b=F | 90600" HALF "| 91000" BOTH, 91000, HORIZON_WAIT, HR_HORIZON, 94900 },
	{ "19 comes back new", IGNORE, BASE("3600") "300 a=12:3600 b=F | 90600" BOTH, 90600, HORIZON_WAIT, HR_HORIZON, 94500 },
	{ "20 a good one is silent", RFC, BASE("3600") "300" BOTH "| 600" BOTH "| 7500 a=12:3600 b=F", 7500, HORIZON_HOLD, HR_SILENT, 7500 },
	{ "21 it answers again", RFC, BASE("3600") "300" BOTH "| 600" BOTH "| 7500 a=12:3600 b=F | 7600" BOTH, 7600, HORIZON_GO, HR_NONE, 7500 },
	{ "22 bad signature", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=12!:3600", 7500, HORIZON_HOLD, HR_UNSIGNED, 7800 },
	{ "22 and it lacks the key too", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=1!:3600", 7500, HORIZON_HOLD, HR_UNSIGNED, 11400 },
	{ "22 good again: rounds begin anew", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=12!:3600 | 7600" BOTH, 7600,
	  HORIZON_WAIT, HR_CONFIRM, 7900 },
	{ "22 proves nothing", H_ONLY, BASE("3600") "300 a=12!:3600 b=12!:3600 | 9000" BOTH, 9000, HORIZON_WAIT, HR_HORIZON, 12900 },
	{ "22 not at first either", H_ONLY, "keep 12 | 300 a=12!:3600 | 400 a=12!:3600", 400, HORIZON_HOLD, HR_UNSIGNED, 700 + DAY },
	{ "23 signature ends in ten minutes", RFC, BASE("3600") "300" BOTH "| sign 600 | 7500" BOTH, 7500, HORIZON_HOLD, HR_SIGNATURE_ENDS, 7500 },
	{ "23 in an hour, just so", RFC, BASE("3600") "300" BOTH "| sign 3600 | 7500" BOTH, 7500, HORIZON_HOLD, HR_SIGNATURE_ENDS, 7500 },
	{ "23 a second later", RFC, BASE("3600") "300" BOTH "| sign 3601 | 7500" BOTH, 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "24 bogus", RFC, BASE("3600") "300" BOTH "| as bogus | 7500" BOTH, 7500, HORIZON_HOLD, HR_BOGUS, NEVER },
	{ "24 unknown", RFC, BASE("3600") "300" BOTH "| as unknown | 7500" BOTH, 7500, HORIZON_HOLD, HR_UNKNOWN, NEVER },
	{ "25 insecure", RFC, BASE("3600") "300" BOTH "| as insecure | 7500" BOTH, 7500, HORIZON_HOLD, HR_INSECURE, NEVER },
	{ "26 insecure, allowed", GO_INSECURE, BASE("3600") "300" BOTH "| as insecure | 7500" BOTH, 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "26 bogus is not", GO_INSECURE, BASE("3600") "300" BOTH "| as bogus | 7500" BOTH, 7500, HORIZON_HOLD, HR_BOGUS, NEVER },
	{ "27 a new server without the record", RFC, BASE("3600") "300" BOTH "| 7500" BOTH " c=1:3600", 7500, HORIZON_HOLD, HR_LACKS, 11400 },
	{ "27 a new one with it: nothing known", RFC, BASE("3600") "300" BOTH "| 7500" BOTH " c=12:3600", 7500, HORIZON_WAIT, HR_HORIZON, 7800 + DAY },
	{ "27 does not change the old TTL", RFC, BASE("3600") "300" BOTH " c=12:3600", 300, HORIZON_WAIT, HR_HORIZON, 600 + DAY },
	{ "28 a removed one still old", RFC, BASE("3600") "300" HALF "| 7500 a=12:3600 -b=1:3600", 7500, HORIZON_HOLD, HR_LACKS, 7500 + DAY + 3900 },
	{ "28 a removed one has nothing", RFC, BASE("3600") "300" HALF "| 7500 a=12:3600 -b=E:1800", 7500, HORIZON_HOLD, HR_EMPTY, 7500 + DAY + 2100 },
	{ "28 and one with it does not count", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 -b=12:3600", 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "28 badly signed: not what resolvers take", RFC, BASE("3600") "300" HALF "| 7500 a=12:3600 -b=1!:3600", 7500,
	  HORIZON_WAIT, HR_HORIZON, 7500 + DAY + 3900 },
	{ "28 but no longer than resolvers may ask it", ANY_AGE, BASE("3600") "300" HALF "| 7500 a=12:3600 -b=1:3600", 7500 + DAY,
	  HORIZON_WAIT, HR_HORIZON, 7500 + DAY + 3900 },
	{ "29 gone", H_ONLY, "ns 600 |" BASE("3600") "300" HALF "| 7500 a=12:3600", 7500, HORIZON_WAIT, HR_HORIZON, 8100 + 3900 },
	{ "29 gone, and its address lasts longer", H_ONLY, "ns 600 | reach 7200 |" BASE("3600") "300" HALF "| 7500 a=12:3600", 7500,
	  HORIZON_WAIT, HR_HORIZON, 14700 + 3900 },
	{ "29 gone, and that was lowered before", H_ONLY, "ns 600 | reach 7200 |" BASE("3600") "300" HALF "| reach 60 | 7000" HALF
	  "| 7500 a=12:3600", 7500, HORIZON_WAIT, HR_HORIZON, 14700 + 3900 },
	{ "29 gone and silent", H_ONLY, "ns 600 |" BASE("3600") "300" HALF "| 7000 a=12:3600 b=F | 7500 a=12:3600 -b=F", 7500,
	  HORIZON_WAIT, HR_HORIZON, 8100 + 3900 },
	{ "29 forgotten, its sets not", H_ONLY, "ns 600 |" BASE("3600") "300" HALF "| 7500 a=12:3600 | 8101 a=12:3600", 8101,
	  HORIZON_WAIT, HR_HORIZON, 8100 + 3900 },
	{ "29 never seen, and gone", H_ONLY, "ns 600 | -9000 a=1:300 b=F | keep 12 | 300 a=12:300 b=F | 7500 a=12:300", 7500,
	  HORIZON_WAIT, HR_HORIZON, 8100 + DAY + 300 },
	{ "29 never seen, and forgotten", H_ONLY, "ns 600 | -9000 a=1:300 b=F | keep 12 | 300 a=12:300 b=F | 7500 a=12:300 | 9000 a=12:300", 9000,
	  HORIZON_WAIT, HR_HORIZON, 8100 + DAY + 300 },
	{ "29 floor for the server set", H_ONLY, "ns 0 |" BASE("3600") "300" HALF "| 7500 a=12:3600", 7500, HORIZON_WAIT, HR_HORIZON, 7560 + 3900 },
	{ "29 no route to it anyway", H_ONLY, "-9000 a=1:300 A=R | keep 12 | 300 a=12:300 A=R | 7500 a=12:300", 7500, HORIZON_GO, HR_NONE, 900 },
	{ "29 no route, and forgotten", H_ONLY, "ns 60 | -9000 a=1:300 A=R | keep 12 | 300 a=12:300 A=R | 7500 a=12:300 | 8000 a=12:300", 8000,
	  HORIZON_GO, HR_NONE, 900 },
	{ "30 later", H_ONLY, "ns 600 |" BASE("3600") "300" HALF "| 7500 a=12:3600 | 12000 a=12:3600", 12000, HORIZON_GO, HR_NONE, 12000 },
	{ "30 listed again", H_ONLY, "ns 600 |" BASE("3600") "300" HALF "| 7500 a=12:3600 -b=1:3600 | 8000" BOTH "| 12000" BOTH, 12000,
	  HORIZON_GO, HR_NONE, 11900 },
	{ "31 one server", RFC, BASE1("3600") "300 a=12:3600 | 7500 a=12:3600", 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "32 two owners", H_ONLY, "B -9000 a=1:7200 |" BASE("3600") "300" BOTH "| B 300 a=12:7200", 300, HORIZON_WAIT, HR_HORIZON, 7800 },
	{ "32 the other way round", H_ONLY, "B -9000 a=1:300 |" BASE("3600") "B 300 a=12:7200 | 300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 4200 },
	{ "33 one forgotten", RFC, "B -9000 a=1:7200 |" BASE("3600") "300" BOTH "| 7500" BOTH "| B 7500 a=1:7200", 7500,
	  HORIZON_HOLD, HR_LACKS, 7500 + 14400 },
	{ "35 roll back: the record is there", KEY_1, BASE("3600") "300" BOTH "| 7500" BOTH "| 200000" BOTH, 200000, HORIZON_GO, HR_NONE, 2 * DAY - 20000 },
	{ "36 it was removed", KEY_1, BASE("3600") "300" BOTH "| 200000 a=2:3600 b=2:3600", 200000, HORIZON_HOLD, HR_LACKS, 203900 },
	{ "37 published again", KEY_1, BASE("3600") "300" BOTH "| 200000 a=2:3600 b=2:3600 | 210000" BOTH, 210000, HORIZON_WAIT, HR_HORIZON, 213900 },
	{ "37 forgotten between", KEY_1, BASE("3600") "300" BOTH "| 200000 a=2:3600 b=2:3600 | keep 2 | 205000 a=2:3600 b=2:3600 | keep 12 | 210000" BOTH,
	  210000, HORIZON_WAIT, HR_OLD_TTLS, 217200 },
	{ "38 standby for 90 days", RFC, BASE("3600") "300" BOTH "| 600" BOTH "| 7776000" BOTH, 7776000, HORIZON_GO, HR_NONE, 7500 },
	{ "39 another staged key", RFC, BASE("3600") "300" BOTH "| 7500" BOTH "| keep 13 | 8000" BOTH, 8000, HORIZON_HOLD, HR_NEVER_LOOKED, NEVER },
	{ "40 clock 30 days ahead", RFC, BASE("3600") "300" BOTH "| shift 2592000 | 2593000" BOTH, 2593000, HORIZON_WAIT, HR_OLD_TTLS, 2592000 + 7500 },
	{ "41 clock two hours back", RFC, BASE("3600") "300" BOTH "| shift -7200 | -6000" BOTH, -6000, HORIZON_WAIT, HR_OLD_TTLS, 300 },
	{ "42 no fresh round", RFC, BASE("3600") "300" BOTH "| 600" BOTH, 7500, HORIZON_HOLD, HR_STALE, 7500 },
	{ "42 any will do", ANY_AGE, BASE("3600") "300" BOTH "| 600" BOTH, 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "43 asked once a day", RFC, BASE("3600") "86400" BOTH, DAY, HORIZON_WAIT, HR_OLD_TTLS, DAY + 7200 },
	{ "43 the day after", RFC, BASE("3600") "86400" BOTH "| 172800" BOTH, 2 * DAY, HORIZON_GO, HR_NONE, DAY + 7200 },
	{ "44 anycast alternates", H_ONLY, BASE1("3600") "300 a=12:3600 | 600 a=1:3600 | 900 a=12:3600 | 1200 a=1:3600 | 1500 a=12:3600", 1500,
	  HORIZON_WAIT, HR_HORIZON, 5400 },
	{ "44 the old node", H_ONLY, BASE1("3600") "300 a=12:3600 | 600 a=1:3600 | 900 a=12:3600 | 1200 a=1:3600", 1200,
	  HORIZON_HOLD, HR_LACKS, 5100 },

	{ "silence while it lacks the key counts once", H_ONLY, BASE("3600") "300 a=12:3600 b=F | 900 a=12:3600 b=F | 950 a=12:3600 -b=F | 999999 a=12:3600 -b=F", 999999,
	  HORIZON_GO, HR_NONE, 950 + DAY + 3900 },
	{ "urgent: the horizon alone", URGENT | STAGE, BASE("3600") "300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 4200 },
	{ "urgent: one round will do", URGENT | STAGE, "-9000 a=1:60 | keep 12 | 300 a=12:60", 300, HORIZON_WAIT, HR_HORIZON, 660 },
	{ "urgent: and no time of it", URGENT | STAGE, BASE("3600") "300" BOTH "| 350 a=12:3600 b=12!:3600 | 4200" BOTH, 4200, HORIZON_GO, HR_NONE, 4200 },
	{ "urgent: but one", URGENT, BASE("3600") "300" BOTH "| restart 4100", 4200, HORIZON_HOLD, HR_STALE, 8000 },
	{ "urgent: which is enough after a reboot", URGENT, BASE("3600") "300" BOTH "| restart 4100 | 8000" BOTH, 8000, HORIZON_GO, HR_NONE, 8000 },
	{ "urgent: and even if nobody asks for a fresh one", URGENT | ANY_AGE, BASE("3600") "300" BOTH "| restart 4100", 8000,
	  HORIZON_WAIT, HR_CONFIRM, 8001 },
	{ "urgent, not published", URGENT | UNPUBLISHED, BASE("3600") "300" BOTH "| 4200" BOTH, 4200, HORIZON_WAIT, HR_OVERLAP, NEVER },
	{ "not published", UNPUBLISHED, BASE("3600") "300" BOTH "| 7500" BOTH, 7500, HORIZON_WAIT, HR_OVERLAP, NEVER },
	{ "not published, and lacks it", UNPUBLISHED, BASE("3600") "300" HALF, 300, HORIZON_HOLD, HR_LACKS, NEVER },
	{ "staging", STAGE, BASE("3600") "300" BOTH "| 7500" BOTH, 7500, HORIZON_WAIT, HR_OVERLAP, 2 * DAY },
	{ "staging is over", STAGE, BASE("3600") "300" BOTH "| 172800" BOTH, 2 * DAY, HORIZON_GO, HR_NONE, 2 * DAY },
	{ "acknowledged after it was seen", STAGE | LATER, BASE("3600") "300" BOTH "| 172800" BOTH, 2 * DAY, HORIZON_WAIT, HR_OVERLAP, 2 * DAY + 9000 },
	{ "confirm: a second round", H_ONLY, BASE("60") "300" BOTH, 300, HORIZON_WAIT, HR_HORIZON, 660 },
	{ "confirm: after the caches", H_ONLY, "-9000 a=1:60 b=12:60 | keep 12 | 0 a=12:60 b=12:60 | 400 a=12:60 b=12!:60 | 500 a=12:60 b=12:60", 500,
	  HORIZON_WAIT, HR_CONFIRM, 800 },
	{ "confirm: the time alone is not enough", ONCE, BASE1("3600") "300 a=12:3600 | 4500 a=12!:3600 | 4600 a=12:3600", 4600,
	  HORIZON_WAIT, HR_CONFIRM, 4601 },
	{ "a fallback begins the rounds anew", ONCE, BASE1("60") "300 a=12:60 | 400 a=12:60 | 500 a=1:60 | 1000 a=12:60", 1000,
	  HORIZON_WAIT, HR_HORIZON, 1360 },
	{ "old TTL on record", KNOWN_TTL, BASE("3600") "300" BOTH, 300, HORIZON_WAIT, HR_OLD_TTLS, 300 + 6 * DAY },
	{ "a record nobody can compute", RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=12?:3600", 7500, HORIZON_HOLD, HR_LACKS, 11400 },
	{ "an alias has no set", H_ONLY, "-9000 a=A:600 b=1:300 | -8000 a=A:600 b=1:300 | keep 12 | 300 a=A:600 b=12:300", 300,
	  HORIZON_WAIT, HR_HORIZON, 1200 },
	{ "a set became an alias", H_ONLY, BASE1("3600") "300 a=A:600 b=12:300", 300, HORIZON_WAIT, HR_HORIZON, 600 + DAY },
	{ "aliases alone are no set", H_ONLY, "-9000 a=A:600 | keep 12 | 300 a=A:600 | 3000 a=A:600", 3000, HORIZON_HOLD, HR_NO_SERVER, NEVER },
	{ "aliases lead elsewhere", H_ONLY, "path x | -9000 a=A:600 b=1:300 | keep 12 | 300 a=A:600 b=12:300 | path y | 5000 a=A:600 b=12:300", 5000,
	  HORIZON_WAIT, HR_HORIZON, 5900 + DAY },
	{ "aliases that were ended", H_ONLY, "path x | -9000 a=A:10 b=1:300 | keep 12 | 300 a=A:10 b=12:300 | path y | 5000 a=12:60 b=12:300", 5000,
	  HORIZON_WAIT, HR_HORIZON, 5360 + DAY },
	{ "but not when nothing could be found out", H_ONLY, "path x | -9000 a=A:600 b=1:300 | keep 12 | 300 a=A:600 b=12:300 | path y | as unknown |"
	  "5000 a=F b=F | path x | as secure | 6000 a=A:600 b=12:300", 6000, HORIZON_GO, HR_NONE, 1200 },
	{ "no route, but another address", RFC, "-20000 a=1:3600 A=R | keep 12 | 300 a=12:3600 A=R | 7500 a=12:3600 A=R", 7500, HORIZON_GO, HR_NONE, 7500 },
	{ "the way to it was lost before it had the key", H_ONLY, "-20000 a=1:3600 A=1:3600 | keep 12 | 0 a=12:3600 A=1:3600 |"
	  "900 a=12:3600 A=1:3600 | 1000 a=12:3600 A=R", 1000, HORIZON_WAIT, HR_HORIZON, 4900 },
	{ "no route, and the other is silent", RFC, "-20000 a=1:3600 A=R b=1:3600 | keep 12 | 300 a=12:3600 A=R b=12:3600 | 7500 a=F A=R b=12:3600", 7500,
	  HORIZON_HOLD, HR_SILENT, 7500 + DAY + 300 },
	{ "no route, and the other is another's", RFC, "-20000 a=1:3600 B=R | keep 12 | 300 a=12:3600 B=R | 7500 a=12:3600 B=R", 7500,
	  HORIZON_HOLD, HR_SILENT, 7500 + DAY + 300 },
	{ "no route, and the other is of another zone", RFC, "-20000 A=R b=1:3600 i=A:60 | keep 12 | 300 A=R b=12:3600 i=A:60 | 7500 A=R b=12:3600 i=A:60",
	  7500, HORIZON_HOLD, HR_SILENT, 7500 + DAY + 300 },
	{ "a zone of which nobody answers", IGNORE, BASE1("3600") "300 a=12:3600 i=A:60 | 600 a=12:3600 i=F | 90000 a=12:3600 i=F", 90000,
	  HORIZON_HOLD, HR_NO_SERVER, NEVER },
	{ "silent is not without route", RFC, "-20000 a=1:3600 A=F | keep 12 | 300 a=12:3600 A=F | 7500 a=12:3600 A=F", 7500,
	  HORIZON_HOLD, HR_SILENT, 7500 + DAY + 300 },
	{ "the other address left the set", RFC, "-20000 a=1:3600 b=1:3600 A=R | keep 12 | 300" BOTH " A=R | 7500 -a=12:3600 b=12:3600 A=R", 7500,
	  HORIZON_HOLD, HR_SILENT, 7500 + DAY + 300 },
	{ "nobody answers", RFC, BASE("3600") "300" BOTH "| 7500 a=F b=F", 7500, HORIZON_HOLD, HR_SILENT, 7500 },
	{ "a round without servers says nothing of them", RFC, BASE("3600") "300" BOTH "| as unknown | 600 | as secure | 7500" BOTH, 7500,
	  HORIZON_GO, HR_NONE, 7500 },
	{ "no round yet", RFC, "keep 12", 0, HORIZON_HOLD, HR_NEVER_LOOKED, NEVER },
	{ "reboot: the wait goes on", H_ONLY, BASE("3600") "300" BOTH "| 1300" BOTH "| restart 900000 | 900100" BOTH "| 900500" BOTH, 900500,
	  HORIZON_WAIT, HR_HORIZON, 902900 },
	{ "reboot: with a clock gone back", H_ONLY, BASE("3600") "300" BOTH "| 1300" BOTH "| restart -900000 | -899900" BOTH "| -899500" BOTH, -899500,
	  HORIZON_WAIT, HR_HORIZON, -897100 },
	{ "reboot: rounds anew", H_ONLY, BASE("3600") "300" BOTH "| 9000" BOTH "| restart 900000 | 900100" BOTH, 900100, HORIZON_WAIT, HR_CONFIRM, 900400 },
	{ "reboot: two TTLs anew", RFC, BASE("3600") "300" BOTH "| 9000" BOTH "| restart 900000 | 900100" BOTH "| 900500" BOTH, 900500,
	  HORIZON_WAIT, HR_OLD_TTLS, 907200 },
	{ "reboot: silence anew", IGNORE, BASE("3600") "300 a=12:3600 b=F | 86000 a=12:3600 b=F | restart 900000 | 900500 a=12:3600 b=F", 900500,
	  HORIZON_HOLD, HR_SILENT, 907200 },
	{ "reboot: a server that left", H_ONLY, "ns 600 |" BASE("3600") "300" HALF "| 7500 a=12:3600 | restart 100000 | 100100 a=12:3600", 100100,
	  HORIZON_WAIT, HR_HORIZON, 100600 + 3900 },
	/* clang-format on */
};

static struct horizon_judgement judge(const struct bench *b, const struct scenario *s)
{
	const struct horizon_question q = {
		.keyset = s->how & KEY_1 ? 1 : 2,
		.published_at = s->how & UNPUBLISHED ? 0 : T0 + (s->how & LATER ? 9000 : 0) -
							   (s->how & STAGE ? 0 : DAY * 30),
		.fresh_at = s->how & ANY_AGE ? 0 : T0 + s->at,
		.urgent = s->how & URGENT,
	};

	return horizon_judge(b->h, b->h_n, &q, &b->p, T0 + s->at);
}

static struct horizon_policy policy_of(int how)
{
	struct horizon_policy p = rfc;

	if (how & (H_ONLY | ONCE))
		p.old_ttls = 0;
	if (how & ONCE)
		p.confirm_for = 0;
	if (how & STAGE)
		p.overlap_for = 2 * DAY;
	if (how & IGNORE)
		p.ignore_after_for = DAY;
	if (how & KNOWN_TTL)
		p.old_ttl_for = 3 * DAY;
	p.count_negative = !(how & NO_NEG);
	p.insecure_ok = how & GO_INSECURE;
	return p;
}

static void plays_scenarios(void **state)
{
	static const char *const verdicts[] = { "GO", "WAIT", "HOLD" };
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		struct horizon_policy p = policy_of(s->how);
		int64_t until = s->until == NEVER ? NEVER : T0 + s->until;
		struct horizon_judgement j;
		struct bench b;
		char *text;

		bench_init(&b, &p);
		play(&b, s->events);
		j = judge(&b, s);
		text = horizon_text(&j, T0 + s->at);
		if (j.verdict != s->verdict || j.reason != s->reason || j.at != until) {
			print_error("%s: %s (%d) %+lld, not %s (%d) %+lld: %s\n", s->name,
				    verdicts[j.verdict], (int)j.reason,
				    (long long)(j.at == NEVER ? NEVER : j.at - T0),
				    verdicts[s->verdict], (int)s->reason, (long long)s->until,
				    text);
			wrong++;
		}
		free(text);
		bench_free(&b);
	}
	assert_int_equal(wrong, 0);
}

/* 34: the alarm -------------------------------------------------------------------------------- */

static void reports_who_does_not_cover_the_live_key(void **state)
{
	static const struct {
		const char *events, *server;
	} rows[] = {
		{ "0 a=1:60 b=1:60", NULL },
		{ "0 a=1:60 b=2:60", "192.0.2.98 example.org" },
		{ "0 a=12?:60 b=1:60", "192.0.2.97 example.org" },
		{ "0 a=E:60 b=A:60", NULL },
		{ "0 a=1:60 b=2!:60", NULL },
		{ "0 a=1:60 b=2:60 | 60 a=1:60 b=F", NULL },
		{ "0 a=1:60 b=2:60 | 60 a=1:60 b=1:60", NULL },
		{ "keep 2 | 0 a=2:60", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct horizon_server *s = NULL;
		struct bench b;

		bench_init(&b, &rfc);
		play(&b, rows[i].events);
		assert_int_equal(horizon_uncovered(&b.h[0], 1, &s), rows[i].server != NULL);
		if (rows[i].server)
			assert_string_equal(s->id, rows[i].server);
		else
			assert_null(s);
		bench_free(&b);
	}
}

static void reports_who_does_not_sign(void **state)
{
	static const struct {
		const char *events, *server;
	} rows[] = {
		{ "0 a=1:60 b=1:60", NULL },
		{ "0 a=1:60 b=1!:60", "192.0.2.98 example.org" },
		{ "0 a=1:60 b=1!:60 | 60 a=1:60 b=F", NULL },   /* silent: told as such */
		{ "0 a=1:60 b=1!:60 | 60 a=1:60 b=1:60", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct horizon_server *s;
		struct bench b;

		bench_init(&b, &rfc);
		play(&b, rows[i].events);
		s = horizon_unsigned(&b.h[0]);
		assert_string_equal(s ? s->id : "-", rows[i].server ? rows[i].server : "-");
		bench_free(&b);
	}
}

/* 45-51: what a set covers --------------------------------------------------------------------- */

#define D256(c) c c c c c c c c c c c c c c c c
#define LEAF(c) { .spki_sha256 = D256(c), .spki_sha512 = D256(c) D256(c), \
		  .ta_spki_sha256 = D256("dddd"), .ta_cert_sha256 = D256("eeee") }

static struct tlsa_rdata record(int usage, int matching, const struct tlsa_leaf *l)
{
	struct tlsa_rdata r;

	assert_true(tlsa_make(&r, (struct tlsa_params){ (uint8_t)usage, 1, (uint8_t)matching }, l));
	return r;
}

static void knows_what_a_set_covers(void **state)
{
	static const struct tlsa_leaf live = LEAF("aaaa"), next = LEAF("bbbb"), dual[2] = {
		LEAF("aaaa"), LEAF("cccc"),
	};
	struct tlsa_rdata set[3] = {
		record(3, 1, &live), record(3, 1, &next), record(3, 2, &live),
	};

	(void)state;
	assert_int_equal(tlsa_covers(set, 2, &live, 1), TLSA_COVERS);           /* 45 */
	assert_int_equal(tlsa_covers(set, 2, &next, 1), TLSA_COVERS);
	assert_int_equal(tlsa_covers(set, 3, &next, 1), TLSA_LACKS);            /* 46 */
	set[1] = (struct tlsa_rdata){ .p = { 2, 0, 1 }, .hex = D256("ffff") };
	assert_int_equal(tlsa_covers(set, 2, &live, 1), TLSA_LACKS);            /* 47 */
	set[1] = record(2, 1, &live);
	assert_int_equal(tlsa_covers(set, 2, &live, 1), TLSA_COVERS);           /* 48 */
	set[1] = record(3, 1, &dual[1]);
	assert_int_equal(tlsa_covers(set, 2, dual, 2), TLSA_COVERS);            /* 49 */
	assert_int_equal(tlsa_covers(set, 1, dual, 2), TLSA_LACKS);
	set[1] = (struct tlsa_rdata){ .p = { 3, 1, 3 }, .hex = D256("aaaa") };
	assert_int_equal(tlsa_covers(set, 2, &live, 1), TLSA_UNKNOWN);          /* 50 */
	assert_int_equal(tlsa_covers(set, 0, &live, 1), TLSA_COVERS);           /* 51 */
}

/* Keysets -------------------------------------------------------------------------------------- */

static void fits_keysets(void **state)
{
	static const int want[] = { 0, 3, 1, 2 };
	const struct horizon *h;
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	h = &b.h[0];
	play(&b, "-9000 a=1:3600 | -8000 a=1:3600 | keep 3120331");
	assert_int_equal(h->keysets_n, 4);
	for (size_t k = 0; k < 4; k++)
		assert_int_equal(h->keysets[k].keyset, want[k]);
	assert_int_equal(h->keysets[2].seen_at, T0 - 9000);
	assert_int_equal(h->servers[0].views[2].state, H_GOOD);
	assert_int_equal(h->servers[0].views[2].rounds, 2);
	for (size_t k = 0; k < 4; k++) {
		if (k == 2)
			continue;
		assert_int_equal(h->keysets[k].stale_until_at, T0 - 8000 + 3600);
		assert_int_equal(h->keysets[k].lacking_ttl_for, 3600);
		assert_int_equal(h->keysets[k].seen_at, 0);
		assert_int_equal(h->servers[0].views[k].state, H_BAD);
		assert_int_equal(h->servers[0].views[k].bad_ttl_for, 3600);
		assert_int_equal(h->servers[0].views[k].rounds, 0);
	}
	play(&b, "keep ");
	assert_int_equal(h->keysets_n, 1);
	assert_int_equal(h->keysets[0].keyset, 0);
	bench_free(&b);
}

static void nothing_covers_a_key_that_does_not_exist(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	play(&b, "0 a=12:300 b=A:600 | 600 a=12:300 b=A:600");
	assert_int_equal(b.h[0].servers[0].views[0].state, H_BAD);
	assert_int_equal(b.h[0].servers[1].views[0].state, H_BAD);
	assert_int_equal(b.h[0].keysets[0].seen_at, 0);
	bench_free(&b);
}

static void an_empty_answer_starts_no_round(void **state)
{
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	b.p.count_negative = false;
	play(&b, "0 a=E:300 | 600 a=E:300 | 700 a=E!:300");
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(b.h[0].servers[0].views[k].state, H_GOOD);
		assert_int_equal(b.h[0].servers[0].views[k].rounds, 0);
		assert_int_equal(b.h[0].keysets[k].stale_until_at, 0);
		assert_int_equal(b.h[0].keysets[k].seen_at, 0);
	}
	bench_free(&b);
}

/* What is remembered of a round ---------------------------------------------------------------- */

static void remembers_a_server(void **state)
{
	const struct horizon_server *s;
	struct horizon h;
	const enum tlsa_cover covers[] = { TLSA_COVERS, TLSA_UNKNOWN };
	struct horizon_answer a = { .id = "2001:db8::1 example.org", .names = "ns1, ns2", .at = T0,
				    .kind = HA_DATA, .covers = covers, .records = 2, .ttl_for = 30,
				    .signed_until_at = T0 + DAY, .serial = 7, .wildcard = true };
	struct horizon_round round = { .now = T0, .security = HS_SECURE, .path = "p" };

	(void)state;
	horizon_init(&h, OWNER);
	horizon_keep(&h, (int[]){ 1 }, 1);
	horizon_begin(&h, &round, &rfc);
	horizon_note(&h, &a, &rfc);
	s = &h.servers[0];
	assert_string_equal(s->id, "2001:db8::1 example.org");
	assert_string_equal(s->names, "ns1, ns2");
	assert_string_equal(s->why, "it has records that certline cannot compute");
	assert_int_equal(s->answered_at, T0);
	assert_int_equal(s->records, 2);
	assert_int_equal(s->ttl_for, 30);
	assert_int_equal(s->serial, 7);
	assert_int_equal(s->signed_until_at, T0 + DAY);
	assert_int_equal(s->views[0].state, H_BAD);
	assert_int_equal(s->views[0].bad_ttl_for, 60);
	assert_true(h.wildcard);
	assert_string_equal(h.path, "p");
	assert_int_equal(h.looked_at, T0);

	a = (struct horizon_answer){ .id = a.id, .kind = HA_FAIL, .why = "no route",
				     .no_route = true, .at = T0 + 5 };
	horizon_note(&h, &a, &rfc);
	a.at = T0 + 10;
	horizon_note(&h, &a, &rfc);
	s = &h.servers[0];
	assert_int_equal(s->failing_at, T0 + 5);
	assert_int_equal(s->answered_at, T0);
	assert_true(s->no_route);
	assert_string_equal(s->why, "no route");
	assert_string_equal(s->names, "ns1, ns2");

	a = (struct horizon_answer){ .id = a.id, .kind = HA_ALIAS, .ttl_for = 500, .at = T0 + 20 };
	round = (struct horizon_round){ .now = T0, .security = HS_BOGUS, .why = "w" };
	horizon_begin(&h, &round, &rfc);
	assert_false(h.wildcard);
	assert_string_equal(h.path, "p");
	assert_string_equal(h.why, "w");
	horizon_note(&h, &a, &rfc);
	s = &h.servers[0];
	assert_int_equal(s->failing_at, 0);
	assert_false(s->no_route);
	assert_null(s->why);
	assert_int_equal(s->records, -1);
	assert_int_equal(h.alias_ttl_for, 500);
	horizon_free(&h);
	horizon_free(&h);
}

static void moves_with_the_clock(void **state)
{
	struct horizon_server *s;
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	play(&b, "keep 12 | sign 9999 | 0 a=12:300 b=1:300 | 60 a=12:300 b=F | 120 a=12:300");
	horizon_shift(&b.h[0], 5);
	s = b.h[0].servers;
	assert_int_equal(b.h[0].looked_at, T0 + 125);
	assert_int_equal(b.h[0].keysets[2].seen_at, T0 + 5);
	assert_int_equal(b.h[0].keysets[0].stale_until_at, T0 + 425);
	assert_int_equal(s[0].answered_at, T0 + 125);
	assert_int_equal(s[0].failing_at, 0);
	assert_int_equal(s[0].unlisted_until_at, 0);
	assert_int_equal(s[0].views[2].good_since_at, T0 + 5);
	assert_int_equal(s[0].signed_until_at, T0 + 120 + 9999);
	assert_int_equal(s[1].failing_at, T0 + 65);
	assert_int_equal(s[1].answered_at, T0 + 5);
	assert_int_equal(s[1].unlisted_until_at, T0 + 125 + DAY);
	b.h[0].keysets[0].stale_until_at = NEVER;
	b.h[0].keysets[1].stale_until_at = NEVER - 5;
	horizon_shift(&b.h[0], 10);
	assert_int_equal(b.h[0].keysets[0].stale_until_at, NEVER);
	assert_int_equal(b.h[0].keysets[1].stale_until_at, NEVER);
	horizon_shift(&b.h[0], -3 * T0);
	assert_int_equal(b.h[0].keysets[0].stale_until_at, NEVER);
	assert_int_equal(b.h[0].looked_at, 1);
	assert_int_equal(s[0].views[2].good_since_at, 1);
	assert_int_equal(s[0].failing_at, 0);
	bench_free(&b);
}

/* An answer from before a reboot is no answer of the run after it. */
static void restarts(void **state)
{
	struct horizon_server *s;
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	play(&b, "keep 12 | 0 a=12:300 b=1:300 | 60 a=12:300 b=F | 120 a=12:300 | restart -500");
	s = b.h[0].servers;
	assert_int_equal(b.h[0].looked_at, T0 - 500);
	assert_int_equal(b.h[0].keysets[0].stale_until_at, T0 - 200);
	assert_int_equal(b.h[0].keysets[2].seen_at, T0 - 500);
	assert_true(s[0].answered_at < T0 - 500);
	assert_int_equal(s[0].views[2].rounds, 0);
	assert_int_equal(s[0].views[2].state, H_GOOD);
	assert_int_equal(s[0].failing_at, 0);
	assert_int_equal(s[1].failing_at, T0 - 500);
	assert_int_equal(s[1].unlisted_until_at, T0 - 500 + DAY);
	bench_free(&b);
	bench_init(&b, &rfc);
	play(&b, "restart 5");
	assert_int_equal(b.h[0].looked_at, 0);
	assert_int_equal(b.h[0].keysets[0].stale_until_at, 0);
	bench_free(&b);
}

static void large_times_stay_large(void **state)
{
	static const char *const rounds[] = {
		"0 a=1:9223372036854775807 b=1:9223372036854775807",
		"0 a=1:6223372036854775807 b=1:6223372036854775807",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rounds); i++) {
		const struct scenario s = { .how = RFC, .at = 300 };
		struct horizon_judgement j;
		struct bench b;

		bench_init(&b, &rfc);
		play(&b, "keep 12");
		play(&b, rounds[i]);
		play(&b, "300" BOTH);
		j = judge(&b, &s);
		assert_int_equal(j.verdict, HORIZON_WAIT);
		assert_int_equal(j.at, NEVER);
		bench_free(&b);
	}
}

/* So does a multiple of one, and does not come out as 20. */
static void many_ttls_stay_large(void **state)
{
	const struct scenario s = { .how = RFC, .at = 300 };
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	play(&b, BASE("3600") "300" BOTH);
	b.p.old_ttls = 4;
	b.p.old_ttl_for = NEVER / 2 + 1 + 5;
	assert_int_equal(judge(&b, &s).at, NEVER);
	bench_free(&b);
}

static void forgets_servers_that_left(void **state)
{
	const struct scenario s = { .how = ANY_AGE, .at = 90000 };
	struct horizon *h;
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	h = &b.h[0];
	play(&b, "ns 600 | keep 12 | 0 a=12:60 b=12:60 | 60 b=12:60 | 660 b=12:60");
	assert_int_equal(h->servers_n, 2);
	assert_false(h->servers[0].listed);
	assert_int_equal(h->servers[0].unlisted_until_at, T0 + 660);
	play(&b, "661 b=12:60");
	assert_int_equal(h->servers_n, 1);
	assert_string_equal(h->servers[0].id, "192.0.2.98 example.org");
	assert_true(h->servers[0].listed);
	play(&b, "700");
	assert_true(h->servers[0].listed);

	/* a server set of which nobody was ever asked */
	horizon_end(h, (const char *const[]){ "192.0.2.7 example.org" }, 1, 60, &b.p, T0 + 800);
	assert_false(h->servers[0].listed);
	assert_int_equal(judge(&b, &s).reason, HR_NO_SERVER);
	bench_free(&b);
}

/* Servers that were configured have no names by which two addresses could be one machine. */
static void nobody_stands_in_without_a_name(void **state)
{
	const struct scenario s = { .how = ANY_AGE, .at = 90000 };
	struct bench b;

	(void)state;
	bench_init(&b, &rfc);
	play(&b, "-20000 a=1:3600 A=R | keep 12 | 300 a=12:3600 A=R | 7500 a=12:3600 A=R");
	for (size_t i = 0; i < b.h[0].servers_n; i++)
		*b.h[0].servers[i].names = '\0';
	assert_int_equal(judge(&b, &s).reason, HR_SILENT);
	bench_free(&b);
}

static void needs_an_owner(void **state)
{
	const struct horizon_question q = { .published_at = 1 };
	struct horizon_judgement j = horizon_judge(NULL, 0, &q, &rfc, T0);
	char *text = horizon_text(&j, T0);

	(void)state;
	assert_int_equal(j.verdict, HORIZON_HOLD);
	assert_int_equal(j.reason, HR_NEVER_LOOKED);
	assert_int_equal(j.at, NEVER);
	assert_null(j.owner);
	assert_string_equal(text, "no name server was asked yet");
	free(text);
}

/* In words ------------------------------------------------------------------------------------- */

static void says_why(void **state)
{
	static const struct {
		int         how;
		const char *events;
		int64_t     at;
		const char *text;
	} rows[] = {
		/* clang-format off */
		{ RFC, BASE("3600") "300" BOTH "| 7500" BOTH, 7500,
		  "every name server shows the key, and no cache can hold a set without it" },
		{ RFC, "keep 12", 0,
		  "no name server was asked yet about _25._tcp.mx.example.org" },
		{ RFC, BASE("3600") "300" BOTH "| as bogus | 7500" BOTH, 7500,
		  "_25._tcp.mx.example.org is bogus, so that validating resolvers refuse it: "
		  "signature expired" },
		{ RFC, BASE("3600") "300" BOTH "| as unknown | 7500" BOTH, 7500,
		  "whether _25._tcp.mx.example.org is signed could not be found out" },
		{ RFC, BASE("3600") "300" BOTH "| as insecure | 7500" BOTH, 7500,
		  "_25._tcp.mx.example.org: the zone is not signed (or lost its DS): DANE has no "
		  "effect there; give insecure = go to roll all the same" },
		{ RFC, BASE("3600") "300" BOTH "| 6000 a=12:3600 b=F | 7500 a=12:3600 b=F", 7500,
		  "192.0.2.98 (ns2) has given no answer about _25._tcp.mx.example.org for 25m (no "
		  "answer in time); mend it, take it out of the delegation, or give unreachable = "
		  "a duration after which it is left out" },
		{ RFC, "-9000 a=1:60 B=R | keep 12 | 300 a=12:60 B=R", 300,
		  "192.0.2.66 (ns2) has given no answer about _25._tcp.mx.example.org for 2h 35m "
		  "(no route); this host has no route to it, and no other address of it answers: "
		  "give the zone's addresses by servers = ZONE ADDRESS ..." },
		{ RFC, BASE("3600") "300" BOTH, 400,
		  "192.0.2.97 (ns1) was not asked about _25._tcp.mx.example.org in this run" },
		{ RFC, BASE("3600") "300" HALF, 300,
		  "192.0.2.98 (ns2) gives a set without the key for _25._tcp.mx.example.org; even "
		  "if that changed now, the key would wait until 2027-01-15 10:05 UTC (2h)" },
		{ RFC, BASE("3600") "300 a=12:3600 b=12?:3600", 300,
		  "192.0.2.98 (ns2) gives a set without the key for _25._tcp.mx.example.org (it "
		  "has records that certline cannot compute); even if that changed now, the key "
		  "would wait until 2027-01-15 10:05 UTC (2h)" },
		{ RFC, BASE("3600") "300" HALF "| 7500 a=12:3600 -b=1:3600", 7500,
		  "192.0.2.98 (ns2) gives a set without the key for _25._tcp.mx.example.org; it "
		  "left the zone's server set, but resolvers may ask it yet; even if that changed "
		  "now, the key would wait until 2027-01-16 11:10 UTC (1d 1h)" },
		{ RFC, NONE "300 a=12:3600 b=E:1800", 300,
		  "192.0.2.98 (ns2) has no TLSA record for _25._tcp.mx.example.org; even if that "
		  "changed now, the key would wait until 2027-01-15 09:05 UTC (1h)" },
		{ RFC, BASE("3600") "300" BOTH "| 7500 a=12:3600 b=12!:3600", 7500,
		  "192.0.2.98 (ns2) gives no good signature for _25._tcp.mx.example.org (it has "
		  "expired)" },
		{ RFC, BASE("3600") "sign 600 | 300" BOTH, 300,
		  "192.0.2.97 (ns1) gives a signature for _25._tcp.mx.example.org that ends "
		  "2027-01-15 08:15 UTC: is the zone signed anew in time?" },
		{ IGNORE, BASE1("3600") "300 a=F", 300,
		  "no name server of example.org answers about _25._tcp.mx.example.org" },
		{ H_ONLY, "-9000 a=A:600 | keep 12 | 300 a=A:600 | 3000 a=A:600", 3000,
		  "no name server has shown a set with the key for _25._tcp.mx.example.org yet" },
		{ H_ONLY, BASE("3600") "300" BOTH, 300,
		  "caches may hold a set without the key for _25._tcp.mx.example.org until "
		  "2027-01-15 09:10 UTC (1h 5m)" },
		{ IGNORE, BASE("3600") "300 a=12:3600 b=F | 43500 a=12:3600 b=F | 86700 a=12:3600 b=F", 86700,
		  "caches may hold a set without the key for _25._tcp.mx.example.org from "
		  "192.0.2.98 (ns2), which is silent and left out, until 2027-01-16 09:10 UTC (1h "
		  "5m)" },
		{ H_ONLY, BASE("3600") "300" HALF "| 7500 a=12:3600", 7500,
		  "caches may hold a set without the key for _25._tcp.mx.example.org from "
		  "192.0.2.98 (ns2), which left the zone's server set, until 2027-01-16 11:10 UTC "
		  "(1d 1h)" },
		{ RFC, BASE("3600") "300" BOTH, 300,
		  "the old set's TTL (1h) has to pass as often as old-ttls says since the key was "
		  "first seen at _25._tcp.mx.example.org: until 2027-01-15 10:05 UTC (2h)" },
		{ STAGE, BASE("3600") "300" BOTH "| 7500" BOTH, 7500,
		  "the key has to be published for longer (staging): until 2027-01-17 08:00 UTC "
		  "(1d 21h)" },
		{ UNPUBLISHED, BASE("3600") "300" BOTH "| 7500" BOTH, 7500,
		  "not every publisher has acknowledged the set" },
		{ NO_NEG, NONE "300" BOTH, 300,
		  "192.0.2.97 (ns1) has to show the key for _25._tcp.mx.example.org in another "
		  "run, or for longer: at least until 2027-01-15 08:10 UTC (5m)" },
		/* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct scenario s = { .how = rows[i].how, .at = rows[i].at };
		struct horizon_policy p = policy_of(s.how);
		struct horizon_judgement j;
		struct bench b;
		char *text;

		bench_init(&b, &p);
		play(&b, rows[i].events);
		j = judge(&b, &s);
		text = horizon_text(&j, T0 + s.at);
		assert_string_equal(text, rows[i].text);
		free(text);
		bench_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plays_scenarios),
		cmocka_unit_test(reports_who_does_not_cover_the_live_key),
		cmocka_unit_test(reports_who_does_not_sign),
		cmocka_unit_test(knows_what_a_set_covers),
		cmocka_unit_test(fits_keysets),
		cmocka_unit_test(nothing_covers_a_key_that_does_not_exist),
		cmocka_unit_test(an_empty_answer_starts_no_round),
		cmocka_unit_test(remembers_a_server),
		cmocka_unit_test(moves_with_the_clock),
		cmocka_unit_test(restarts),
		cmocka_unit_test(large_times_stay_large),
		cmocka_unit_test(many_ttls_stay_large),
		cmocka_unit_test(forgets_servers_that_left),
		cmocka_unit_test(nobody_stands_in_without_a_name),
		cmocka_unit_test(needs_an_owner),
		cmocka_unit_test(says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
