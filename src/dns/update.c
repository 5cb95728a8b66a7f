/* update.c - the full TLSA set of each owner of one zone: read, written in one transaction, and
 * looked at.
 *
 * What the server has is read from itself, and what is as wanted is left alone.  For the rest one
 * message says "if it is still exactly that" (value dependent, RFC 2136 section 2.4.2) or "if there
 * is none", "without these" and "with these".  A lost race is read again.  Then the server is asked
 * until it shows the sets, since NOERROR proves nothing: an update at an alias, or below a
 * delegation, is answered NOERROR as well, and is without effect.
 *
 * All records that stay are written again, also those that are not ours, and if the TTL is to be
 * another one all are deleted before, in the same message: an RRset has one TTL, and with an added
 * record of another one BIND changes that of all, Knot that of the record.  That is safe: who has
 * the old set keeps it for its old TTL, and whoever waits for them has noted that one.
 *
 * A set that comes from a wildcard is not there at the name: an added record would hide all of it.
 * So all that is wanted is written, under "there is none".  In a signed zone the signature says
 * that it comes from a wildcard; else the server does, by NXRRSET though nothing has changed.  As
 * it does not say at which owner, they are written one by one then.
 *
 * Only a message that would be too large is split, and only between owners.
 * RFC 2136, RFC 2181 section 5.2 (one TTL), RFC 4034 section 3.1.3 (labels).
 * Touches: network.
 */
#include "dns/update.h"

#include "base/mem.h"
#include "core/tlsa.h"
#include "dns/update_send.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <inttypes.h>

#define MESSAGE_SOFT_MAX ((size_t)40 << 10)
#define TRIES 4                 /* of a race: the first, and three again */
#define RACE_PAUSE_MS 250       /* a signer shows some 80 ms late what has changed */
#define SHOWN_MS 5000
#define SHOWN_EACH_MS 20        /* more for each owner: it signs them one after the other */
#define SHOWN_PAUSE_MS 20       /* and twice that, and so on */
#define SHOWN_PAUSE_MAX_MS 500
#define ALIASES_MAX 16

/* What the server shows at an owner. */
struct shown {
	struct strv data;
	int64_t     ttl_for;
	bool        synthesised;        /* by a wildcard: nothing is at the name itself */
};

struct job {                            /* one owner */
	char        *owner;
	int64_t      ttl_for;
	struct strv  want, drop;
	struct shown shown;
	bool         changed;           /* when it was read last, it was not as before */
	bool         none;              /* found by trying: what is shown is of a wildcard */
	bool         written;           /* in the last message */
	struct strv  gone, add;         /* for the message */
};

/* Reading -------------------------------------------------------------------------------------- */

static bool is_at(const struct dns_rr *rr, const char *owner, uint16_t type)
{
	return rr->type == type && rr->class_ == DNS_CLASS_IN && strcmp(rr->owner, owner) == 0;
}

static const struct dns_rr *find(const struct dns_rrs *l, const char *owner, uint16_t type)
{
	for (size_t i = 0; i < l->n; i++)
		if (is_at(&l->v[i], owner, type))
			return &l->v[i];
	return NULL;
}

/* Names the end of the chain of aliases, as far as the reply has it.  One that comes from a
 * wildcard would let an update through, but is refused as well: it says where records are kept. */
static int refuse_alias(const struct dns_msg *m, const char *owner, struct err *e)
{
	const struct dns_rr *cname = find(&m->answer, owner, DNS_CNAME);
	char *target = NULL;

	for (int i = 0; i < ALIASES_MAX && cname; i++) {
		char *next = NULL;

		if (!dns_rr_target(&next, cname))
			break;
		free(target);
		target = next;
		cname = find(&m->answer, target, DNS_CNAME);
	}
	err_set(e, ERR_REFUSED, "%s is an alias (CNAME) for %s: publish at the target: name it in "
		"[dane] owners, or remove the alias", owner, target ? target : "another name");
	free(target);
	return -1;
}

static bool same_name(const char *canonical, const char *name)
{
	char *canon = dns_name_canon(name);
	bool same = canon && strcmp(canonical, canon) == 0;

	free(canon);
	return same;
}

static int refuse_zone(const char *owner, const char *zone, struct err *e)
{
	return err_set(e, ERR_REFUSED, "%s is in a zone of its own, %s: name that one and its "
		       "primary server in [update] servers", owner, zone);
}

/* Whether the RRset is synthesised, and whether another zone signs it. */
static int take_signature(struct shown *out, const char *zone, const struct dns_rr *rr,
			  struct err *e)
{
	size_t labels = dns_name_labels(rr->owner) - (strncmp(rr->owner, "*.", 2) == 0);
	struct dns_rrsig sig;
	int rc = 0;

	if (!dns_rr_rrsig(&sig, rr))
		return err_set(e, ERR_REFUSED, "%s has a malformed signature", rr->owner);
	if (sig.covered == DNS_TLSA && !same_name(sig.signer, zone))
		rc = refuse_zone(rr->owner, sig.signer, e);
	else if (sig.covered == DNS_TLSA && sig.labels < labels)
		out->synthesised = true;
	free(sig.signer);
	return rc;
}

static int take_records(struct shown *out, const struct dns_msg *m, const char *zone,
			const char *owner, struct err *e)
{
	for (size_t i = 0; i < m->answer.n; i++) {
		const struct dns_rr *rr = &m->answer.v[i];
		char *data;

		if (is_at(rr, owner, DNS_RRSIG) && take_signature(out, zone, rr, e) < 0)
			return -1;
		if (!is_at(rr, owner, DNS_TLSA))
			continue;
		if (!dns_rr_tlsa(&data, rr))
			return err_set(e, ERR_REFUSED, "%s has a malformed TLSA record: remove it",
				       owner);
		/* no server should do that, RFC 2181 section 5.2; it is none that can be wanted */
		out->ttl_for = out->data.n && out->ttl_for != rr->ttl ? -1 : (int64_t)rr->ttl;
		strv_take(&out->data, data);
	}
	for (size_t i = 0; i < m->authority.n && !out->data.n; i++)
		if (m->authority.v[i].type == DNS_SOA && !same_name(m->authority.v[i].owner, zone))
			return refuse_zone(owner, m->authority.v[i].owner, e);
	return 0;
}

static int judge_reply(const struct dns_msg *m, const char *owner, struct err *e)
{
	if (find(&m->answer, owner, DNS_CNAME))
		return refuse_alias(m, owner, e);
	if (m->rcode == DNS_REFUSED || m->rcode == DNS_NOTAUTH)
		return err_set(e, ERR_REFUSED, "the server says %s when asked for %s: is it the "
			       "primary server of the zone, and may this host ask it?",
			       dns_rcode_name(m->rcode), owner);
	if (m->rcode != DNS_NOERROR && m->rcode != DNS_NXDOMAIN)
		return err_set(e, ERR_REFUSED, "the server says %s when asked for %s: its log "
			       "should say why", dns_rcode_name(m->rcode), owner);
	if (!m->aa)
		return err_set(e, ERR_REFUSED, "the server does not speak for %s (a resolver, or "
			       "the zone of that is delegated to others): name zone and primary "
			       "server in [update] servers", owner);
	return 0;
}

static int take_reply(struct job *j, const char *zone, const struct question *q, struct err *e)
{
	struct dns_msg m = { 0 };
	struct shown now = { 0 };
	int rc = -1;

	if (q->outcome != ASK_ANSWERED)
		return err_set(e, ERR_LATER, "asking the server for %s: %s", j->owner,
			       ask_outcome_text(q->outcome));
	if (dns_msg_parse(&m, q->reply, q->reply_len, e) < 0)
		return err_wrap(e, "asking the server for %s", j->owner);
	if (judge_reply(&m, j->owner, e) < 0 || take_records(&now, &m, zone, j->owner, e) < 0)
		goto out;
	j->changed = now.synthesised != j->shown.synthesised ||
		     !strv_same(&now.data, &j->shown.data);
	if (j->changed)
		j->none = false;
	strv_free(&j->shown.data);
	j->shown = now;
	now = (struct shown){ 0 };
	rc = 0;
out:
	strv_free(&now.data);
	dns_msg_free(&m);
	return rc;
}

/* What the server shows now, at all owners or at those that were written last. */
static int look(const struct update *u, struct job *jobs, size_t n, bool written_only,
		struct err *e)
{
	struct question *q = mem_array(n, sizeof(*q));
	size_t asked = 0;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		if (jobs[i].written || !written_only)
			q[asked++] = (struct question){ .to = u->server, .name = jobs[i].owner,
							.type = DNS_TLSA };
	ask_all(q, asked, &u->limits);
	asked = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		if (jobs[i].written || !written_only)
			rc = take_reply(&jobs[i], u->zone, &q[asked++], e);
	questions_free(q, n);
	free(q);
	return rc;
}

/* Deciding ------------------------------------------------------------------------------------- */

static bool nothing_there(const struct job *j)
{
	return j->none || j->shown.synthesised;
}

/* Data that is neither wanted nor to be dropped is not looked at. */
static bool as_wanted(const struct job *j)
{
	if (nothing_there(j) || j->shown.ttl_for != j->ttl_for)
		return false;
	for (size_t i = 0; i < j->want.n; i++)
		if (!strv_has(&j->shown.data, j->want.v[i]))
			return false;
	for (size_t i = 0; i < j->drop.n; i++)
		if (strv_has(&j->shown.data, j->drop.v[i]))
			return false;
	return true;
}

static bool is_foreign(const struct job *j, const char *data)
{
	return !strv_has(&j->want, data) && !strv_has(&j->drop, data);
}

/* What the message is to do at this owner.  Returns about how many bytes that takes. */
static size_t plan(struct job *j)
{
	size_t bytes = 0, each = strlen(j->owner) + 16;
	const struct strv *lists[] = { &j->shown.data, &j->gone, &j->add };

	strv_free(&j->gone);
	strv_copy(&j->add, &j->want);
	for (size_t i = 0; i < j->shown.data.n && !nothing_there(j); i++) {
		const char *data = j->shown.data.v[i];

		if (strv_has(&j->drop, data) || j->shown.ttl_for != j->ttl_for)
			strv_add(&j->gone, data);
		if (is_foreign(j, data))
			strv_add(&j->add, data);
	}
	for (size_t l = 0; l < ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->n; i++)
			bytes += each + strlen(lists[l]->v[i]) / 2;
	return bytes;
}

/* Marks what is not as wanted, as much as fits.  Returns how many that are, none: all is well. */
static size_t choose(struct job *jobs, size_t n, bool singly)
{
	size_t chosen = 0, bytes = 0;

	for (size_t i = 0; i < n; i++) {
		jobs[i].written = false;
		if (as_wanted(&jobs[i]) || (chosen && (singly || bytes > MESSAGE_SOFT_MAX)))
			continue;
		bytes += plan(&jobs[i]);
		jobs[i].written = !chosen || bytes <= MESSAGE_SOFT_MAX;
		chosen += jobs[i].written;
	}
	return chosen;
}

/* Writing -------------------------------------------------------------------------------------- */

/* One transaction for the owners that are marked. */
static int send_marked(int *lost, struct update *u, const struct job *jobs, size_t n, struct err *e)
{
	static const struct strv none;
	struct update_rrset *sets = mem_array(n, sizeof(*sets));
	const struct update_target to = { .zone = u->zone, .server = u->server, .key = u->key,
					  .limits = u->limits, .type = DNS_TLSA };
	size_t sets_n = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		if (jobs[i].written)
			sets[sets_n++] = (struct update_rrset){
				.owner = jobs[i].owner,
				.type = DNS_TLSA,
				.had = nothing_there(&jobs[i]) ? &none : &jobs[i].shown.data,
				.drop = &jobs[i].gone,
				.add = &jobs[i].add,
				.ttl_for = jobs[i].ttl_for,
			};
	rc = update_send(lost, &to, sets, sets_n, e);
	if (rc == 0 && !*lost)
		u->changed = true;
	free(sets);
	return rc;
}

/* Looking -------------------------------------------------------------------------------------- */

static int not_shown(const struct job *j, struct err *e)
{
	const char *was = "the server said NOERROR to the update, but does not do it:";
	const char *what = NULL;

	for (size_t i = 0; i < j->drop.n; i++)
		if (strv_has(&j->shown.data, j->drop.v[i]))
			what = j->drop.v[i];
	if (what)
		return err_set(e, ERR_LATER, "%s %s still has TLSA %s", was, j->owner, what);
	for (size_t i = 0; i < j->want.n; i++)
		if (!strv_has(&j->shown.data, j->want.v[i]))
			what = j->want.v[i];
	if (what || nothing_there(j))
		return err_set(e, ERR_LATER, "%s %s has no TLSA %s", was, j->owner,
			       what ? what : "of its own");
	return err_set(e, ERR_LATER, "%s %s TLSA has the TTL %" PRId64 " and not %" PRId64, was,
		       j->owner, j->shown.ttl_for, j->ttl_for);
}

static int wait_until_shown(const struct update *u, struct job *jobs, size_t n, struct err *e)
{
	int64_t until_ms = clock_monotonic_ms() + SHOWN_MS + (int64_t)n * SHOWN_EACH_MS;
	unsigned pause_ms = SHOWN_PAUSE_MS;
	const struct job *late;

	for (size_t i = 0; i < n; i++)
		if (jobs[i].written)
			jobs[i].none = false;
	for (;;) {
		int rc = look(u, jobs, n, true, e);

		late = NULL;
		for (size_t i = 0; i < n && !late; i++)
			if (jobs[i].written && !as_wanted(&jobs[i]))
				late = &jobs[i];
		if (rc == 0 && !late)
			return 0;
		if (clock_monotonic_ms() >= until_ms || proc_stopping()) {
			if (rc == 0)
				return not_shown(late, e);
			e->kind = ERR_LATER;
			return err_wrap(e, "looking at what was written");
		}
		clock_pause_ms(pause_ms);
		if (2 * pause_ms <= SHOWN_PAUSE_MAX_MS)
			pause_ms *= 2;
	}
}

/* The call ------------------------------------------------------------------------------------- */

/* After a race that was lost although nothing has changed: what is shown at one of the owners that
 * were written comes from a wildcard, or is not what updates are compared with. */
static void find_wildcard(struct job *jobs, size_t n, int lost, bool *singly)
{
	struct job *last = NULL;
	size_t written = 0;

	for (size_t i = 0; i < n; i++) {
		if (!jobs[i].written)
			continue;
		if (jobs[i].changed)
			return;
		last = &jobs[i];
		written++;
	}
	if (written > 1)
		*singly = true;
	else if (written)
		last->none = lost == DNS_NXRRSET && last->shown.data.n;
}

static int apply(struct update *u, struct job *jobs, size_t n, struct err *e)
{
	bool singly = false, seen = false;
	size_t written = 0;
	unsigned tries = 0;
	int lost = 0;

	/* every message that is done leaves fewer to do, unless somebody undoes it */
	while (written <= n && tries < TRIES) {
		if (!seen && look(u, jobs, n, false, e) < 0)
			return -1;
		if (lost)
			find_wildcard(jobs, n, lost, &singly);
		if (choose(jobs, n, singly) == 0)
			return 0;
		if (send_marked(&lost, u, jobs, n, e) < 0)
			return -1;
		seen = !lost;
		if (lost) {
			tries++;
			clock_pause_ms(RACE_PAUSE_MS);
			continue;
		}
		if (wait_until_shown(u, jobs, n, e) < 0)
			return -1;
		written++;
		tries = 0;
	}
	return err_set(e, ERR_LATER, "the set changes all the time, or the server shows another "
		       "one than it compares updates with (views?): the last update was answered "
		       "%s", dns_rcode_name(lost));
}

static int take_list(struct strv *to, const struct strv *from, const struct strv *but,
		     struct err *e)
{
	for (size_t i = 0; i < from->n; i++) {
		struct tlsa_rdata r;
		char *data;

		if (!tlsa_parse(&r, from->v[i]))
			return err_set(e, ERR_LOCAL, "\"%.200s\" is no TLSA record", from->v[i]);
		data = tlsa_format(&r);
		if (strv_has(to, data) || (but && strv_has(but, data)))
			free(data);
		else
			strv_take(to, data);
	}
	return 0;
}

static int take_owner(struct job *j, const struct update_owner *o, struct err *e)
{
	j->owner = dns_name_canon(o->owner);
	j->ttl_for = o->ttl_for;
	if (!j->owner)
		return err_set(e, ERR_LOCAL, "\"%.200s\" is no name", o->owner);
	if (o->ttl_for < 0 || o->ttl_for > INT32_MAX)
		return err_set(e, ERR_LOCAL, "%s: %" PRId64 " is no TTL", j->owner, o->ttl_for);
	if (o->want.n == 0)
		return err_set(e, ERR_UNSAFE, "%s would be left without any TLSA record", j->owner);
	if (take_list(&j->want, &o->want, NULL, e) < 0 ||
	    take_list(&j->drop, &o->drop, &j->want, e) < 0)
		return err_wrap(e, "%s", j->owner);
	return 0;
}

static void job_free(struct job *j)
{
	free(j->owner);
	strv_free(&j->want);
	strv_free(&j->drop);
	strv_free(&j->shown.data);
	strv_free(&j->gone);
	strv_free(&j->add);
}

static void tell_foreign(struct strv *out, const struct job *j)
{
	for (size_t i = 0; i < j->shown.data.n && !nothing_there(j); i++)
		if (is_foreign(j, j->shown.data.v[i]))
			strv_take(out, mem_format("%s %s", j->owner, j->shown.data.v[i]));
}

int update_apply(struct update *u, struct err *e)
{
	struct job *jobs = mem_array(u->owners_n, sizeof(*jobs));
	int rc = 0;

	u->changed = false;
	strv_free(&u->foreign);
	for (size_t i = 0; i < u->owners_n && rc == 0; i++)
		rc = take_owner(&jobs[i], &u->owners[i], e);
	if (rc == 0)
		rc = apply(u, jobs, u->owners_n, e);
	for (size_t i = 0; i < u->owners_n; i++) {
		if (rc == 0)
			tell_foreign(&u->foreign, &jobs[i]);
		job_free(&jobs[i]);
	}
	free(jobs);
	return rc;
}
