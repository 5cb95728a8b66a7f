/* eyes.c - lines to questions, answers to horizons.
 * Touches: the network, in child processes (workers).
 */
#include "run/eyes.h"

#include "base/mem.h"
#include "base/when.h"
#include "core/names.h"
#include "dns/look.h"
#include "io/crypto.h"
#include "run/eyes_wire.h"
#include "run/look_how.h"
#include "run/worker.h"
#include "sys/clock.h"
#include "sys/progress.h"

#define LOOK_LIMIT_MS ((int64_t)300 * 1000)
#define TTL_MAX       (30 * DAY)        /* no resolver keeps anything so long; a lie may say more */
#define OWNER_MS      40                /* more for each owner: twice what the pace of asking needs */
#define OLD_ZONE_FOR  (28 * DAY)

/* Noting ---------------------------------------------------------------------------------------- */

static enum horizon_security security_of(const struct look_owner *o, const char **why)
{
	static const enum horizon_security of[] = {
		[SECURITY_UNKNOWN] = HS_UNKNOWN,
		[SECURITY_INSECURE] = HS_INSECURE,
		[SECURITY_SECURE] = HS_SECURE,
		[SECURITY_BOGUS] = HS_BOGUS,
	};
	const struct look_zone *zone;
	enum security worst = look_security(o, &zone);

	*why = worst != SECURITY_SECURE && zone ? zone->why : NULL;
	if (worst != SECURITY_BOGUS && (o->problem || !o->zones_n)) {
		worst = SECURITY_UNKNOWN;
		*why = o->problem;
	}
	return of[worst];
}

/* Where the owner leads to; only when this changes have aliases been changed. */
static char *path_of(const struct look_owner *o)
{
	struct buf b;
	char *s;

	buf_init(&b, (size_t)1 << 16);
	buf_add_str(&b, o->end ? o->end : o->owner);
	for (size_t i = 0; i < o->zones_n; i++)
		buf_addf(&b, " %s", o->zones[i].apex);
	s = buf_steal(&b);
	buf_free(&b);
	return s;
}

static enum tlsa_cover covers(bool *accepts, const struct line *l, int keyset, const struct strv *data)
{
	const struct generation *g = keyset ? line_generation(l, keyset) : NULL;
	struct tlsa_rdata *set = mem_array(data->n, sizeof(*set));
	struct tlsa_leaf leaves[KEY_TYPE_N];
	enum tlsa_cover cover = TLSA_LACKS;
	size_t n = 0;

	*accepts = false;
	for (size_t i = 0; i < data->n; i++)
		n += tlsa_parse(&set[n], data->v[i]);
	if (g) {
		for (size_t i = 0; i < g->leaves_n; i++)
			leaves[i] = g->leaves[i].spki;
		cover = tlsa_covers(set, n, leaves, g->leaves_n);
		*accepts = tlsa_accepted(set, n, leaves, g->leaves_n);
		if (n < data->n && cover == TLSA_COVERS)
			cover = TLSA_UNKNOWN;
	}
	free(set);
	return cover;
}

/* "2 1 1, 3 0 1": the kinds of records that certline does not make for the line. */
static char *other_kinds(const struct line *l, const struct strv *data)
{
	struct strv kinds = { 0 };
	char *text;

	for (size_t i = 0; i < data->n; i++) {
		size_t len = 0;
		bool ours = false;
		char *kind;

		for (int words = 0; words < 3; words++) {
			len += strspn(data->v[i] + len, " ");
			len += strcspn(data->v[i] + len, " ");
		}
		kind = mem_copy_strn(data->v[i], len);
		for (size_t p = 0; p < l->cfg->params_n; p++) {
			const struct tlsa_params *q = &l->cfg->params[p];
			char *own = mem_format("%u %u %u", q->usage, q->selector, q->matching);

			ours |= strcmp(own, kind) == 0;
			free(own);
		}
		if (!ours && !strv_has(&kinds, kind))
			strv_add(&kinds, kind);
		free(kind);
	}
	text = kinds.n ? strv_join(&kinds, ", ") : NULL;
	strv_free(&kinds);
	return text;
}

/* A server that is asked about the end of an alias is another one, in what follows from its answer. */
static char *id_of(const struct look_server *s, const char *owner)
{
	char address[ADDR_TEXT_LEN];
	bool end = strcmp(s->name, owner) != 0;

	addr_format(address, &s->addr);
	return mem_format("%s %s%s%s", address, s->zone, end ? " for " : "", end ? s->name : "");
}

/* While it is not known whether the zone is secure, or its keys cannot be believed, no answer is: whoever
 * keeps us from the keys may be the one who answers. */
static void note_server(struct horizon *h, const struct line *l, const struct look_server *s, const char *id,
			enum horizon_security security)
{
	enum tlsa_cover *cover = mem_array(h->keysets_n, sizeof(*cover));
	bool *accepts = mem_array(h->keysets_n, sizeof(*accepts));
	char *names = strv_join(&s->names, ", "), *kinds, *why = NULL;
	struct horizon_answer a = {
		.id = id,
		.names = names,
		.why = s->why,
		.no_route = s->no_route,
		/* where it was configured, nobody knows how others came to it */
		.reach_for = !s->names.n ? l->horizon.assume_ttl_for
					 : s->reach_for < TTL_MAX ? s->reach_for : TTL_MAX,
		.covers = cover,
		.accepts = accepts,
		.ttl_for = s->ttl_for < TTL_MAX ? s->ttl_for : TTL_MAX,
		.unsigned_ = !s->signed_ok || security == HS_UNKNOWN || security == HS_BOGUS,
		.signed_until_at = s->signed_until_at,
		.serial = s->serial,
		.wildcard = s->wildcard,
		.at = s->at,
	};

	switch (s->answer) {
	case ANSWER_FAIL:
		a.kind = s->unasked ? HA_UNASKED : HA_FAIL;
		break;
	case ANSWER_EMPTY:
		a.kind = HA_EMPTY;
		a.ttl_for = s->negative_for < TTL_MAX ? s->negative_for : TTL_MAX;
		break;
	case ANSWER_DATA:
		a.kind = HA_DATA;
		a.records = (int)s->data.n;
		for (size_t k = 0; k < h->keysets_n; k++)
			cover[k] = covers(&accepts[k], l, h->keysets[k].keyset, &s->data);
		kinds = other_kinds(l, &s->data);
		if (!a.why && kinds)
			a.why = why = mem_format("it has records of other kinds: %s", kinds);
		free(kinds);
		break;
	case ANSWER_ALIAS:
		a.kind = HA_ALIAS;
		a.records = -1;
		break;
	}
	horizon_note(h, &a, &l->horizon);
	free(names);
	free(why);
	free(accepts);
	free(cover);
}

/* A new zone between the old one and the owner.  A server of the old one that does not know of it
 * yet goes on answering with what it has, and resolvers go on asking it, until its zone expires (RFC
 * 1912 section 2.2: two to four weeks). */
static bool is_cut_anew(const char *path, const struct look_owner *o)
{
	const char *old = path ? strchr(path, ' ') : NULL;
	char *apex;
	bool is;

	if (!old || !o->zones_n)
		return false;
	old++;
	apex = mem_copy_strn(old, strcspn(old, " "));
	is = strcmp(apex, o->zones[0].apex) != 0 && name_below(o->zones[0].apex, apex);
	free(apex);
	return is;
}

static void note_owner(struct line *l, const struct look_owner *o)
{
	struct horizon *h = ledger_eye(&l->ledger, o->owner);
	char *path = path_of(o), **ids = mem_array(o->servers_n, sizeof(*ids));
	struct horizon_round r = { .path = path, .now = clock_now() };
	int64_t ns_ttl_for = 0;

	if (is_cut_anew(h->path, o))
		ns_ttl_for = OLD_ZONE_FOR;
	r.security = security_of(o, &r.why);
	horizon_begin(h, &r, &l->horizon);
	for (size_t i = 0; i < o->servers_n; i++) {
		ids[i] = id_of(&o->servers[i], o->owner);
		note_server(h, l, &o->servers[i], ids[i], r.security);
	}
	for (size_t i = 0; i < o->zones_n; i++)
		if (o->zones[i].ns_ttl_for > ns_ttl_for)
			ns_ttl_for = o->zones[i].ns_ttl_for;
	/* nothing was found out about the servers of an owner that has a problem: none has left */
	if (!o->problem)
		horizon_end(h, (const char *const *)ids, o->servers_n, ns_ttl_for, &l->horizon, r.now);
	for (size_t i = 0; i < o->servers_n; i++)
		free(ids[i]);
	free(ids);
	free(path);
}

/* Looking --------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of all lines, each once, sorted. */
static void collect_owners(struct strv *out, const struct look *k)
{
	struct strv all = { 0 };

	for (size_t i = 0; i < k->n; i++)
		for (size_t o = 0; o < k->lines[i]->cfg->owners.n; o++)
			strv_add(&all, k->lines[i]->cfg->owners.v[o]);
	strv_sort(&all);
	*out = (struct strv){ 0 };
	for (size_t i = 0; i < all.n; i++)
		if (i == 0 || strcmp(all.v[i - 1], all.v[i]) != 0)
			strv_add(out, all.v[i]);
	strv_free(&all);
}

/* In a worker. */
static int look_work(void *arg, int out_fd)
{
	const struct look *k = arg;
	struct look_owner *seen;
	struct look_config c;
	struct strv owners;
	int status;

	collect_owners(&owners, k);
	seen = mem_array(owners.n, sizeof(*seen));
	look_how(&c, k->lines[0]->cfg);
	c.limits.all_ms += (int64_t)owners.n * OWNER_MS;
	crypto_random((unsigned char *)&c.limits.first, sizeof(c.limits.first));
	look_all(seen, (const char *const *)owners.v, owners.n, &c);
	status = worker_report(out_fd, eyes_encode(seen, owners.n));
	look_free(seen, owners.n);
	free(seen);
	look_how_free(&c);
	strv_free(&owners);
	return status;
}

static int64_t limit_ms(const struct look *k)
{
	struct strv owners;
	int64_t ms;

	collect_owners(&owners, k);
	ms = LOOK_LIMIT_MS + (int64_t)owners.n * OWNER_MS * 2;
	strv_free(&owners);
	return ms;
}

static bool note(const struct look *k, const struct json *all)
{
	struct look_owner *seen;
	struct strv owners;
	bool good;

	collect_owners(&owners, k);
	seen = mem_array(owners.n, sizeof(*seen));
	good = json_len(all) == owners.n && eyes_decode(seen, owners.n, all);
	for (size_t i = 0; i < k->n && good; i++) {
		struct line *l = k->lines[i];

		for (size_t o = 0; o < l->cfg->owners.n; o++) {
			char **at = bsearch(&l->cfg->owners.v[o], owners.v, owners.n, sizeof(char *), by_text);

			note_owner(l, &seen[at - owners.v]);
		}
	}
	look_free(seen, owners.n);
	free(seen);
	strv_free(&owners);
	return good;
}

static void give_up(const struct look *k, const char *why)
{
	char *text = mem_copy_str(why);

	for (size_t i = 0; i < k->n; i++)
		for (size_t o = 0; o < k->lines[i]->cfg->owners.n; o++) {
			struct look_owner nothing = { .owner = k->lines[i]->cfg->owners.v[o], .problem = text };

			note_owner(k->lines[i], &nothing);
		}
	free(text);
}

void eyes_add(struct looks *all, struct line *const *lines, size_t n)
{
	static const struct look_kind kind = {
		.what = "name servers",
		.work = look_work,
		.limit_ms = limit_ms,
		.note = note,
		.give_up = give_up,
	};
	struct line **due = mem_array(n, sizeof(struct line *));
	size_t due_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (lines[i]->failed || !lines[i]->policy.verifies || !lines[i]->cfg->owners.n)
			continue;
		lines[i]->fresh_at = clock_now();
		ledger_eyes_fit(&lines[i]->ledger, &lines[i]->cfg->owners);
		due[due_n++] = lines[i];
	}
	looks_add(all, &kind, due, due_n);
	free(due);
}

/* What came of it -------------------------------------------------------------------------------- */

static bool shows(const struct horizon *h, int keyset)
{
	size_t k = horizon_place(h, keyset);

	if (k == h->keysets_n)
		return false;
	for (size_t i = 0; i < h->servers_n; i++)
		if (h->servers[i].listed && !h->servers[i].no_route &&
		    (h->servers[i].failing_at ||
		     (h->servers[i].views[k].state != H_GOOD && !h->servers[i].views[k].accepted)))
			return false;
	return h->servers_n > 0;
}

bool eyes_content(const struct line *l)
{
	for (size_t i = 0; i < l->ledger.eyes_n; i++) {
		const struct horizon *h = &l->ledger.eyes[i];

		if (set_has(&l->ledger.set, h->owner) &&
		    ((l->live.number && !shows(h, l->live.keyset)) ||
		     (l->staging.number && !shows(h, l->staging.keyset))))
			return false;
	}
	return true;
}

static bool recorded(const struct line *l, const char *owner)
{
	for (size_t i = 0; i < l->ledger.set.n; i++)
		if (strcmp(l->ledger.set.v[i].owner, owner) == 0 && l->ledger.set.v[i].published_at)
			return true;
	return false;
}

static bool shown_nowhere(const struct horizon *h, int keyset)
{
	size_t k = horizon_place(h, keyset), answers = 0;

	for (size_t i = 0; i < h->servers_n && k < h->keysets_n; i++) {
		const struct horizon_server *s = &h->servers[i];

		if (!s->listed || !s->answered_at || s->failing_at || s->no_route)
			continue;
		if ((s->views[k].state == H_GOOD || s->views[k].accepted) && s->records != 0)
			return false;
		answers++;
	}
	return answers > 0;
}

const char *eyes_unseen(const struct line *l)
{
	for (size_t i = 0; i < l->ledger.eyes_n; i++) {
		const struct horizon *h = &l->ledger.eyes[i];

		if (!recorded(l, h->owner))
			continue;
		if ((l->live.number && shown_nowhere(h, l->live.keyset)) ||
		    (l->staging.number && shown_nowhere(h, l->staging.keyset)))
			return h->owner;
	}
	return NULL;
}

/* -------------------------------------------------------------------------------------------- */

#define ALARM_AFTER_FOR HOUR            /* what servers are given for what takes its time */
#define RECORDS_MAX     10              /* large senders were seen to fail above a dozen */

static const char *shown(const struct horizon_server *s)
{
	return s->names && *s->names ? s->names : "by configuration";
}

/* What one server does not do as it should. */
static void server_alarm(struct strv *out, const struct line *l, const struct facts *f,
			 const struct horizon *h, const struct horizon_server *s, int64_t now)
{
	char at[WHEN_TEXT_LEN];

	if (!s->listed || s->no_route || (!s->answered_at && !s->failing_at))
		return;
	if (s->failing_at) {
		if (now - s->failing_at < ALARM_AFTER_FOR)
			return;
		when_format_minute(at, s->failing_at);
		strv_take(out, mem_format("name server %s (%s) gives no usable answer about %s since %s: "
					  "%s", s->id, shown(s), h->owner, at, s->why ? s->why : "?"));
		return;
	}
	if (s->unsigned_ && h->security == HS_SECURE) {
		strv_take(out, mem_format("name server %s (%s): the answer about %s is not signed as it "
					  "must be: %s", s->id, shown(s), h->owner, s->why ? s->why : "?"));
	} else if (s->signed_until_at && s->signed_until_at - now < l->horizon.signature_left_for) {
		when_format_minute(at, s->signed_until_at);
		strv_take(out, mem_format("name server %s (%s): the signature of %s ends at %s: is the signer "
					  "of the zone alive?", s->id, shown(s), h->owner, at));
	}
	if (s->records == 0 && recorded(l, h->owner) && f->live.published_at &&
	    now - f->live.published_at >= ALARM_AFTER_FOR)
		strv_take(out, mem_format("name server %s (%s) shows no record at %s, although it was "
					  "published", s->id, shown(s), h->owner));
}

static void security_alarm(struct strv *out, const struct line *l, const struct horizon *h)
{
	switch (h->security) {
	case HS_SECURE:
		return;
	case HS_INSECURE:
		if (!l->horizon.insecure_ok)
			strv_take(out, mem_format("the zone of %s is not signed, or its parent has no DS for "
						  "it: DANE has no effect there ([dns] insecure = go rolls keys "
						  "all the same)", h->owner));
		return;
	case HS_BOGUS:
		strv_take(out, mem_format("the zone of %s is bogus, so that validating clients get no answer: "
					  "%s", h->owner, h->why ? h->why : "?"));
		return;
	case HS_UNKNOWN:
		strv_take(out, mem_format("nothing is known of %s: %s", h->owner,
						  h->why ? h->why : "?"));
	}
}

void eyes_alarms(struct strv *out, struct line *l, const struct facts *f)
{
	int64_t now = clock_now();

	for (size_t i = 0; i < l->ledger.eyes_n && l->policy.verifies; i++) {
		const struct horizon *h = &l->ledger.eyes[i];
		const struct horizon_server *s;

		if (!h->looked_at)
			continue;
		security_alarm(out, l, h);
		/* where servers are waited for, clients see another key than the live one */
		if (f->live.present && f->deployed_at &&
		    (!l->policy.looks || set_has(&l->ledger.set, h->owner)) && horizon_uncovered(h, f->live.id, &s))
			strv_take(out, mem_format("name server %s (%s) gives TLSA records for %s that do not "
						  "fit the live key: DANE clients refuse it", s->id, shown(s),
						  h->owner));
		for (size_t k = 0; k < h->servers_n; k++)
			server_alarm(out, l, f, h, &h->servers[k], now);
	}
	if (l->policy.verifies && f->staging.present && f->staging.published_at &&
	    f->staging.sight == SIGHT_HOLD &&
	    now - f->staging.published_at >= ALARM_AFTER_FOR)
		strv_take(out, mem_format("the staged key cannot be used: %s",
					  f->staging.seen ? f->staging.seen : "?"));
}

/* Records of somebody else that fit no key of ours, beside ours. */
static bool foreign(const struct horizon *h, const struct horizon_server *s, int keyset)
{
	size_t k = horizon_place(h, keyset);

	return k < h->keysets_n && s->listed && !s->failing_at && s->views[k].state == H_BAD &&
	       s->views[k].accepted;
}

void eyes_warnings(struct strv *out, struct line *l, const struct facts *f)
{
	for (size_t i = 0; i < l->ledger.eyes_n && l->policy.verifies; i++) {
		const struct horizon *h = &l->ledger.eyes[i];
		int64_t until_at = 0;
		int records = 0;

		for (size_t k = 0; k < h->servers_n; k++) {
			const struct horizon_server *s = &h->servers[k];

			if (s->records > records)
				records = s->records;
			if (s->signed_until_at && (!until_at || s->signed_until_at < until_at))
				until_at = s->signed_until_at;
		}
		if (records > RECORDS_MAX)
			strv_take(out, mem_format("%s has %d TLSA records: some mail senders fail above a "
						  "dozen", h->owner, records));
		if (f->staging.present && f->staging.sight == SIGHT_WAIT && until_at &&
		    until_at < f->staging.safe_at) {
			char at[WHEN_TEXT_LEN];

			when_format_minute(at, until_at);
			strv_take(out, mem_format("a signature of %s ends at %s, before the staged key can be "
						  "used: the zone must be signed anew until then", h->owner, at));
		}
		for (size_t k = 0; k < h->servers_n; k++)
			if (foreign(h, &h->servers[k], f->live.id)) {
				strv_take(out, mem_format("name server %s: clients accept the live key by the records of %s, but "
							  "%s: no key is rolled while they are there", h->servers[k].id,
							  h->owner, h->servers[k].why ? h->servers[k].why : "?"));
				break;
			}
		if (h->wildcard)
			strv_take(out, mem_format("the records of %s come from a wildcard", h->owner));
		if (h->security == HS_INSECURE && l->horizon.insecure_ok)
			strv_take(out, mem_format("the zone of %s is not signed: DANE has no effect there",
						  h->owner));
	}
}
