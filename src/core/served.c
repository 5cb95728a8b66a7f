/* served.c - endpoints and their views.
 * Touches: nothing.
 */
#include "core/served.h"

#include "base/mem.h"
#include "base/when.h"

static const char *const state_names[] = {
	[SERVED_UNKNOWN] = "unknown",
	[SERVED_UNROUTED] = "unrouted",
	[SERVED_AWAY] = "away",
	[SERVED_FAULTY] = "faulty",
	[SERVED_ABSENT] = "absent",
	[SERVED_PRESENTED] = "presented",
};
_Static_assert(ARRAY_LEN(state_names) == SERVED_PRESENTED + 1, "a name for each state");

const char *served_state_name(enum served_state s)
{
	return state_names[s];
}

static void drop(struct endpoint *e)
{
	free(e->name);
	free(e->address);
	for (int f = 0; f < KEY_FAMILY_N; f++)
		free(e->views[f].why);
	*e = (struct endpoint){ 0 };
}

void served_free(struct served *s)
{
	for (size_t i = 0; i < s->n; i++)
		drop(&s->v[i]);
	free(s->v);
	*s = (struct served){ 0 };
}

/* Noting ---------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct endpoint *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->address, y->address);
}

static struct endpoint *endpoint_of(struct served *s, const struct served_answer *a)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i].name, a->name) == 0 && strcmp(s->v[i].address, a->address) == 0)
			return &s->v[i];
	s->v = mem_resize(s->v, s->n + 1, sizeof(*s->v));
	s->v[s->n] = (struct endpoint){ .name = mem_copy_str(a->name), .address = mem_copy_str(a->address) };
	return &s->v[s->n++];
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void note_view(struct served_view *v, const struct served_answer *a)
{
	bool failed = a->state == SERVED_UNROUTED || a->state == SERVED_AWAY || a->state == SERVED_FAULTY;
	/* a server that was away may have been another one meanwhile */
	bool went_on = v->state == SERVED_PRESENTED && a->state == SERVED_PRESENTED;

	free(v->why);
	v->why = failed ? mem_copy_str(a->why) : NULL;
	if (!failed)
		v->failing_at = 0;
	else if (!v->failing_at)
		v->failing_at = a->at;
	v->looked_at = a->at;
	if (a->state == SERVED_PRESENTED) {
		if (*v->spki && strcmp(v->spki, a->spki) != 0) {
			if (strcmp(v->before, a->spki) == 0)
				v->relapsed_at = a->at;
			memcpy(v->before, v->spki, sizeof(v->before));
		}
		if (!went_on || strcmp(v->spki, a->spki) != 0)
			v->spki_since_at = a->at;
		if (!went_on || strcmp(v->cert, a->cert) != 0)
			v->cert_since_at = a->at;
		copy_text(v->spki, sizeof(v->spki), a->spki);
		copy_text(v->cert, sizeof(v->cert), a->cert);
		copy_text(v->serial, sizeof(v->serial), a->serial);
		v->until_at = a->until_at;
		v->seen_at = a->at;
	}
	v->state = a->state;
}

/* Of the name, at the address; NULL: at any. */
static bool is_among(const struct served_answer *answers, size_t n, const char *name, const char *address)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(answers[i].name, name) == 0 &&
		    (!address || strcmp(answers[i].address, address) == 0))
			return true;
	return false;
}

static void forget(struct served *s, size_t i)
{
	drop(&s->v[i]);
	s->n--;
	memmove(&s->v[i], &s->v[i + 1], (s->n - i) * sizeof(*s->v));
}

void served_note(struct served *s, const struct served_answer *answers, size_t n)
{
	for (size_t i = s->n; i-- > 0;) {
		const struct endpoint *e = &s->v[i];

		if (is_among(answers, n, e->name, NULL) && !is_among(answers, n, e->name, e->address))
			forget(s, i);
	}
	for (size_t i = 0; i < n; i++)
		note_view(&endpoint_of(s, &answers[i])->views[answers[i].family], &answers[i]);
	qsort(s->v, s->n, sizeof(*s->v), by_name);
}

void served_keep(struct served *s, const char *const *names, size_t n)
{
	for (size_t i = s->n; i-- > 0;) {
		bool named = false;

		for (size_t k = 0; k < n && !named; k++)
			named = strcmp(names[k], s->v[i].name) == 0;
		if (!named)
			forget(s, i);
	}
}

void served_turn(struct served *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++)
			*s->v[i].views[f].before = '\0';
}

/* Judging --------------------------------------------------------------------------------------- */

static const struct served_key *key_of(const struct served_question *q, const char *spki)
{
	for (size_t i = 0; i < q->keys_n; i++)
		if (strcmp(q->keys[i].spki, spki) == 0)
			return &q->keys[i];
	return NULL;
}

static bool wants(const struct served_question *q, enum key_family f)
{
	for (size_t i = 0; i < q->keys_n; i++)
		if (q->keys[i].wanted && q->keys[i].family == f)
			return true;
	return false;
}

static bool fits(const struct served_key *k)
{
	return k && (k->wanted || k->tolerated);
}

/* A key that was seen, in the light of the question. */
static bool will_do(const struct served_question *q, const char *spki)
{
	const struct served_key *k = key_of(q, spki);

	return *spki && (q->about_leaving ? !k || !k->leaving : fits(k));
}

/* It counts as told when the servers were.  Unless it was last seen with the key, it may have had another
 * one until it was found away; looks may be days apart. */
static struct served_judgement judge_away(const struct served_view *v, const struct served_question *q,
					  enum served_reason why)
{
	int64_t from_at = q->told_at;

	if (!will_do(q, v->spki) && v->failing_at > from_at)
		from_at = v->failing_at;
	if (!q->told_at || q->away_for == WHEN_NEVER)
		return (struct served_judgement){ .verdict = SERVED_NO, .reason = why };
	return (struct served_judgement){ .verdict = SERVED_WAIT, .reason = why,
					  .at = when_add(from_at, q->away_for) };
}

/* The endpoint shows the wanted key of one family: then no client gets one of a family that it has not. */
static bool shows_wanted(const struct endpoint *e, const struct served_question *q)
{
	for (int f = 0; f < KEY_FAMILY_N; f++)
		if (e->views[f].state == SERVED_PRESENTED && fits(key_of(q, e->views[f].spki)))
			return true;
	return false;
}

static struct served_judgement judge_view(const struct served_view *v, const struct served_question *q,
					  bool has_live)
{
	struct served_judgement no = { .verdict = SERVED_NO };

	switch (v->state) {
	case SERVED_UNKNOWN:
		no.reason = SR_NEVER_LOOKED;
		return no;
	case SERVED_UNROUTED:
		return judge_away(v, q, SR_UNROUTED);
	case SERVED_AWAY:
		return judge_away(v, q, SR_AWAY);
	case SERVED_FAULTY:
		no.reason = SR_FAULTY;
		return q->about_leaving ? judge_away(v, q, SR_FAULTY) : no;
	case SERVED_ABSENT:
		no.reason = SR_ABSENT;
		if (!has_live && !q->about_leaving)
			return no;
		return (struct served_judgement){ .verdict = SERVED_YES, .at = v->looked_at };
	case SERVED_PRESENTED:
		no.met = key_of(q, v->spki);
		no.reason = SR_OTHER_KEY;
		if (!will_do(q, v->spki))
			return no;
		if (v->relapsed_at && !will_do(q, v->before) &&
		    v->looked_at < when_add(v->relapsed_at, SERVED_STEADY_FOR))
			return (struct served_judgement){ .verdict = SERVED_WAIT, .reason = SR_UNSTEADY,
							  .at = when_add(v->relapsed_at, SERVED_STEADY_FOR) };
		return (struct served_judgement){ .verdict = SERVED_YES, .at = v->spki_since_at };
	}
	mem_bug("a state that does not exist");
}

/* The worse one; of two as bad, the first, but a key that is there says more than one that is not. */
static void worse(struct served_judgement *j, const struct served_judgement *other)
{
	if (other->verdict < j->verdict ||
	    (other->verdict == j->verdict && j->reason == SR_ABSENT && other->reason == SR_OTHER_KEY) ||
	    (other->verdict == j->verdict && j->verdict != SERVED_NO && other->at > j->at))
		*j = *other;
}

struct served_judgement served_judge_one(const struct endpoint *e, const struct served_question *q)
{
	struct served_judgement worst = { .verdict = SERVED_YES };
	bool looked = false, has_live = shows_wanted(e, q);

	for (int f = 0; f < KEY_FAMILY_N; f++) {
		const struct served_view *v = &e->views[f];
		bool is_wanted = wants(q, (enum key_family)f);
		struct served_judgement j;

		/* a family that nobody has asked for lately says nothing */
		if (!is_wanted && (!v->looked_at || v->looked_at < q->fresh_at))
			continue;
		j = judge_view(v, q, has_live);
		if (q->fresh_at && v->looked_at < q->fresh_at && j.verdict != SERVED_NO)
			j = (struct served_judgement){ .verdict = SERVED_NO, .reason = SR_STALE };
		if (j.reason == SR_AWAY && strcmp(e->address, "-") == 0)
			j.reason = SR_NO_ADDRESS;
		j.who = j.reason == SR_NONE ? NULL : e;
		j.family = (enum key_family)f;
		worse(&worst, &j);
		looked = true;
	}
	if (!looked)
		worst = (struct served_judgement){ .verdict = SERVED_NO, .reason = SR_NEVER_LOOKED, .who = e };
	worst.partly = has_live;
	return worst;
}

static bool is_asked(const struct endpoint *e, const struct served_question *q)
{
	return !q->among || strv_has(q->among, e->name);
}

struct served_judgement served_judge(const struct served *s, const struct served_question *q)
{
	struct served_judgement worst = { .verdict = SERVED_YES };
	size_t in_the_way = 0, asked = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct served_judgement j;

		if (!is_asked(&s->v[i], q))
			continue;
		j = served_judge_one(&s->v[i], q);
		in_the_way += j.verdict != SERVED_YES;
		worse(&worst, &j);
		asked++;
	}
	if (!asked)
		return (struct served_judgement){ .verdict = SERVED_NO, .reason = SR_NEVER_LOOKED };
	worst.in_the_way = in_the_way;
	return worst;
}

int64_t served_first_at(const struct served *s, const struct served_question *q)
{
	struct served_judgement j = served_judge(s, q);

	if (j.verdict == SERVED_YES)
		return 0;
	for (size_t i = 0; i < s->n && j.verdict == SERVED_WAIT; i++)
		if (is_asked(&s->v[i], q) && shows_wanted(&s->v[i], q))
			return j.at;
	return WHEN_NEVER;
}

char *served_text(const struct served_judgement *j)
{
	const struct endpoint *e = j->who;
	const char *family = key_family_name(j->family), *why;
	char *more, *text = NULL;

	if (!e)
		return mem_copy_str(j->reason == SR_NONE ? "every server presents it" :
				    "no server was looked at yet");
	why = e->views[j->family].why ? e->views[j->family].why : "?";
	more = j->in_the_way > 1 ? mem_format(" (and %zu more)", j->in_the_way - 1) : mem_copy_str("");
	switch (j->reason) {
	case SR_NONE:
		text = mem_format("%s at %s presents it", e->name, e->address);
		break;
	case SR_NEVER_LOOKED:
		text = mem_format("%s at %s was not looked at yet%s", e->name, e->address, more);
		break;
	case SR_STALE:
		text = mem_format("%s at %s was not looked at in this run%s", e->name, e->address, more);
		break;
	case SR_NO_ADDRESS:
		text = mem_format("%s has no address to look at: %s%s", e->name, why, more);
		break;
	case SR_UNROUTED:
		text = mem_format("%s at %s is not reached: %s (have it looked at from elsewhere by [endpoints] "
				  "vantage, or name the addresses that count in servers)%s", e->name, e->address,
				  why, more);
		break;
	case SR_AWAY:
		text = mem_format("%s at %s is not reached: %s%s", e->name, e->address, why, more);
		break;
	case SR_FAULTY:
		text = mem_format("%s at %s shows no certificate: %s%s", e->name,
				  strcmp(e->address, "-") == 0 ? "other addresses" : e->address, why, more);
		break;
	case SR_ABSENT:
		text = mem_format("%s at %s has no %s key%s", e->name, e->address, family, more);
		break;
	case SR_OTHER_KEY:
		text = mem_format("%s at %s presents %s%s%s%s", e->name, e->address,
				  j->met ? j->met->words : "a key that is not of this line",
				  j->partly ? ", to clients that ask for " : "", j->partly ? family : "", more);
		break;
	case SR_UNSTEADY:
		text = mem_format("%s at %s presented now this key, now that, to clients that ask for %s: are there "
				  "several servers behind it?%s", e->name, e->address, family, more);
		break;
	}
	free(more);
	return text;
}

const struct endpoint *served_outdated(const struct served *s, const struct served_question *q, size_t *i,
				       enum key_family *family)
{
	for (; *i < s->n; (*i)++) {
		const struct endpoint *e = &s->v[*i];

		for (int f = 0; f < KEY_FAMILY_N; f++) {
			const struct served_view *v = &e->views[f];
			const struct served_key *k = key_of(q, v->spki);

			if (v->state != SERVED_PRESENTED || !k || !k->wanted || !k->cert ||
			    strcmp(k->cert, v->cert) == 0)
				continue;
			*family = (enum key_family)f;
			(*i)++;
			return e;
		}
	}
	return NULL;
}

/* The clock ------------------------------------------------------------------------------------- */

#define INSTANTS_N 6

static void instants_of(int64_t *out[INSTANTS_N], struct served_view *v)
{
	int64_t *const all[INSTANTS_N] = { &v->looked_at, &v->failing_at, &v->seen_at, &v->spki_since_at,
					   &v->cert_since_at, &v->relapsed_at };

	memcpy(out, all, sizeof(all));
}

void served_shift(struct served *s, int64_t by_for)
{
	int64_t *at[INSTANTS_N];

	for (size_t i = 0; i < s->n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			instants_of(at, &s->v[i].views[f]);
			for (int k = 0; k < INSTANTS_N; k++)
				if (*at[k])
					*at[k] += by_for;
		}
}

void served_restart(struct served *s, int64_t sure_at, int64_t now)
{
	int64_t *at[INSTANTS_N];

	for (size_t i = 0; i < s->n; i++)
		for (int f = 0; f < KEY_FAMILY_N; f++) {
			instants_of(at, &s->v[i].views[f]);
			for (int k = 0; k < INSTANTS_N; k++) {
				if (*at[k] && *at[k] < sure_at)
					*at[k] = sure_at;
				if (*at[k] > now)
					*at[k] = now;
			}
		}
}
