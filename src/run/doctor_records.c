/* doctor_records.c - the part of the diagnosis that is about single records: which key each of them
 * means, and what was meant by those that mean none.  RFC 6698 section 2.1, RFC 7671 sections 5, 8 and 9,
 * RFC 7672 section 3.1.
 * Touches: nothing.
 */
#include "run/doctor_parts.h"

#include "base/mem.h"
#include "core/tlsa.h"

#include <strings.h>

#define PLACES_MAX 3

static const char *const selectors[] = { "the certificate", "its key" };
static const char *const digests[] = { "the whole data", "SHA-256", "SHA-512" };

const char *doctor_fate_name(const struct doctor_record *r)
{
	static const char *const names[] = {
		[DANE_MALFORMED] = "malformed",	      [DANE_UNKNOWN] = "unknown parameters",
		[DANE_NOT_FOR_MAIL] = "not for mail", [DANE_PASSED_OVER] = "passed over",
		[DANE_DIFFERENT] = "different",	      [DANE_UNPROVEN] = "unproven",
		[DANE_MATCHES] = "matches",
	};
	_Static_assert(ARRAY_LEN(names) == DANE_MATCHES + 1, "a name for each");

	return r->compared ? names[r->fate] : "not compared";
}

char *doctor_place(const struct doctor_view *v)
{
	char address[ADDR_TEXT_LEN];

	addr_format(address, &v->addr);
	return mem_format("%s (%s)", address, v->chain.n ? v->chain.v[0].key : tls_offer_name(v->offer));
}

/* Where a record is in the set; n: it is not there. */
static size_t place_in(const struct doctor_set *set, const char *data)
{
	size_t i = 0;

	while (i < set->data.n && strcmp(set->data.v[i], data) != 0)
		i++;
	return i;
}

/* What a record meets at a view, by the first set that has it; NULL: nothing was compared. */
static const struct dane_record *met(const struct doctor_seen *s, const struct doctor_view *v,
				     const char *data)
{
	for (size_t k = 0; v->dane && k < s->sets_n; k++) {
		size_t i = place_in(&s->sets[k], data);

		if (i < s->sets[k].data.n && i < v->dane[k].n)
			return &v->dane[k].v[i];
	}
	return NULL;
}

/* "3 1 1 0123456789ab..." */
static char *shown(const char *data)
{
	return strlen(data) > 22 ? mem_format("%.18s...", data) : mem_copy_str(data);
}

static const char *hex_of(const char *data)
{
	for (int words = 0; words < 3; words++) {
		data += strcspn(data, " ");
		data += strspn(data, " ");
	}
	return data;
}

/* What the digest of a record is the digest of. */
struct hit {
	const struct doctor_view *view;
	size_t depth;
	int selector, matching;
};

static bool search(struct hit *out, const struct doctor_seen *s, const char *hex)
{
	for (size_t i = 0; i < s->views_n; i++)
		for (size_t d = 0; d < s->views[i].chain.n; d++) {
			const struct presented_cert *c = &s->views[i].chain.v[d];
			const char *all[2][3] = { { "", c->cert_sha256, c->cert_sha512 },
						  { "", c->spki_sha256, c->spki_sha512 } };

			for (int sel = 0; sel < 2; sel++)
				for (int m = 1; m < 3; m++)
					if (*all[sel][m] && strcasecmp(all[sel][m], hex) == 0) {
						*out = (struct hit){ &s->views[i], d, sel, m };
						return true;
					}
		}
	return false;
}

struct sick {
	struct doctor_diagnosis *out;
	const struct doctor_seen *s;
	const struct doctor_terms *t;
	const struct doctor_record *r;
	const struct dane_record *d; /* one that it met */
	int usage, selector, matching; /* as they stand there, whatever a client makes of them */
	char *name; /* of the record, short */
	enum doctor_severity grave; /* an error if a client is refused because of it */
	bool accepted; /* somewhere, by whatever record */
};

/* The digest is right, and the numbers before it are not. */
static bool find_slip(const struct sick *k)
{
	const char *hex = hex_of(k->r->data);
	struct hit h;
	char *place;

	if (tlsa_is_of_nothing(hex)) {
		doctor_add(&k->out->findings, k->grave, "digest-of-nothing",
			   "%s is the digest of empty input: the program that made it could not read the "
			   "certificate; make it anew",
			   k->name);
		return true;
	}
	if (!search(&h, k->s, hex))
		return false;
	place = doctor_place(h.view);
	if (h.selector != k->selector) {
		doctor_add(&k->out->findings, k->grave, "selector-wrong",
			   "%s: the digest is that of %s at %s, which is selector %d, and the record "
			   "says %d: write %d %d %d",
			   k->name, selectors[h.selector], place, h.selector, k->selector,
			   h.depth ? 2 : 3, h.selector, h.matching);
	} else if (h.matching != k->matching) {
		doctor_add(&k->out->findings, k->grave, "matching-wrong",
			   "%s: the digest is a %s of %s at %s, which is matching type %d, and the "
			   "record says %d: write %d %d %d",
			   k->name, digests[h.matching], selectors[h.selector], place, h.matching,
			   k->matching, h.depth ? 2 : 3, h.selector, h.matching);
	} else if ((h.depth == 0) != (k->usage == 1 || k->usage == 3)) {
		doctor_add(&k->out->findings, k->grave, "usage-wrong",
			   "%s: the digest is that of the %s at %s, which is usage %d, and the record "
			   "says %d: write %d %d %d",
			   k->name, h.depth ? "CA certificate" : "server's own certificate", place,
			   h.depth ? 2 : 3, k->usage, h.depth ? 2 : 3, h.selector, h.matching);
	} else {
		free(place);
		return false;
	}
	free(place);
	return true;
}

/* A record that means a CA (usage 0, 2) or wants one beside it (usage 1) is right, the chain is not. */
static void find_unproven(const struct sick *k)
{
	const struct presented_cert *leaf = NULL;
	const char *code = "anchor-unproven",
		   *advice = "send the whole chain, each certificate signed by the next one";
	bool named = true;
	struct hit h;

	if (k->usage < 2) {
		doctor_add(&k->out->findings, k->grave, "usage-pkix",
			   "%s: usage %d wants a chain to a CA that the client knows as well, and there "
			   "is none: %s; usage %d does without",
			   k->name, k->usage, k->d->why ? k->d->why : "?", k->usage + 2);
		return;
	}
	if (search(&h, k->s, hex_of(k->r->data))) {
		leaf = &h.view->chain.v[0];
		named = h.view->named;
	}
	if (leaf && (leaf->until_at < k->t->now || leaf->from_at > k->t->now)) {
		code = "anchor-expired";
		advice = "renew the certificate: with usage 2 its dates count";
	} else if (!named) {
		code = "anchor-name";
		advice = "with usage 2 names count: get a certificate for the name, or use 3 1 1";
	}
	doctor_add(&k->out->findings, k->grave, code, "%s matches, but the chain does not hold: %s; %s",
		   k->name, k->d->why ? k->d->why : "?", advice);
}

/* At each place that was looked at, some record with these parameters matches. */
static bool covered(const struct doctor_seen *s, const struct sick *d)
{
	for (size_t i = 0; i < s->views_n; i++) {
		bool any = !s->views[i].dane;

		for (size_t k = 0; s->views[i].dane && k < s->sets_n; k++)
			for (size_t r = 0; r < s->views[i].dane[k].n; r++) {
				const struct dane_record *o = &s->views[i].dane[k].v[r];

				any |= o->usage == d->usage && o->selector == d->selector &&
				       o->matching == d->matching && o->fate == DANE_MATCHES;
			}
		if (!any)
			return false;
	}
	return true;
}

/* Whose record of the line it is; NULL: nobody's. */
static const struct doctor_own *own_of(const struct sick *k)
{
	for (size_t i = 0; i < k->t->own_n; i++)
		if (strcmp(k->t->own[i].data, k->r->data) == 0)
			return &k->t->own[i];
	return NULL;
}

/* What a line has in DNS on purpose, though nobody presents its key, is not to be taken away. */
static void find_own(const struct sick *k, const struct doctor_own *own)
{
	static const struct {
		const char *whose, *why;
	} texts[] = {
		[DOCTOR_OWN_LIVE] = { "the record of the live key",
				      "the server has not loaded the newest files of the line" },
		[DOCTOR_OWN_STAGED] = { "the record of the staged key", "it is the key to come" },
		[DOCTOR_OWN_REPLACED] = { "the record of the replaced key",
					  "it stays until that key is retired" },
		[DOCTOR_OWN_SIBLING] = { "a record of another line with this owner",
					 "how long it stays is up to that line" },
	};
	char generation[40] = "", *text;

	_Static_assert(ARRAY_LEN(texts) == DOCTOR_OWN_SIBLING + 1, "texts for each");
	if (own->generation)
		snprintf(generation, sizeof(generation), " (generation %d)", own->generation);
	text = mem_format("%s, %s%s, matches nothing that is served: %s", k->name, texts[own->role].whose,
			  generation, texts[own->role].why);
	if (own->role == DOCTOR_OWN_LIVE && !k->accepted)
		doctor_add(&k->out->findings, DOCTOR_ERROR, "no-match", "%s", text);
	else
		doctor_add(&k->out->findings, DOCTOR_NOTE, "record-unserved", "%s", text);
	free(text);
}

static void find_different(const struct sick *k)
{
	const struct doctor_own *own = own_of(k);

	if (find_slip(k))
		return;
	if (own && (k->accepted ? covered(k->s, k) : k->usage % 2 == 1)) {
		find_own(k, own);
	} else if (!k->accepted && (k->usage == 0 || k->usage == 2)) {
		doctor_add(&k->out->findings, DOCTOR_ERROR, "anchor-missing",
			   "%s means a CA certificate that the server does not send: let it send the "
			   "whole "
			   "chain with that certificate (RFC 7671 section 5.2.2), or replace the record",
			   k->name);
	} else if (!k->accepted) {
		doctor_add(&k->out->findings, DOCTOR_ERROR, "no-match",
			   "%s matches nothing that the server presents: publish the record of the key "
			   "that "
			   "is served, or serve the key of the record",
			   k->name);
	} else if (covered(k->s, k)) {
		doctor_add(&k->out->findings, DOCTOR_NOTE, "stale-record",
			   "%s matches nothing that is served: the key to come, or one that is gone; in "
			   "the "
			   "latter case remove it",
			   k->name);
	} else {
		doctor_add(&k->out->findings, DOCTOR_WARNING, "combination-uncovered",
			   "%s matches nothing that is served, and no other record with %d %d %d does "
			   "everywhere: a client may look at these alone; there must be one for each key "
			   "that is served (RFC 7671 section 8)",
			   k->name, k->usage, k->selector, k->matching);
	}
}

static void find_sick(const struct sick *k)
{
	switch (k->r->fate) {
	case DANE_MALFORMED:
		if (!find_slip(k))
			doctor_add(&k->out->findings, k->grave, "record-malformed",
				   "%s is malformed, and no client uses it: %s", k->name,
				   k->d->why ? k->d->why : "?");
		return;
	case DANE_UNKNOWN:
		doctor_add(&k->out->findings, DOCTOR_NOTE, "record-unknown", "%s: no client uses it: %s",
			   k->name, k->d->why ? k->d->why : "its parameters are not defined");
		return;
	case DANE_NOT_FOR_MAIL:
		doctor_add(&k->out->findings, DOCTOR_NOTE, "usage-mail",
			   "%s: usage %d is not used for mail (RFC 7672 section 3.1.3): write %d",
			   k->name, k->usage, k->usage + 2);
		return;
	case DANE_PASSED_OVER: {
		struct hit h;

		if (k->grave == DOCTOR_ERROR && search(&h, k->s, hex_of(k->r->data)))
			doctor_add(&k->out->findings, DOCTOR_ERROR, "digest-agility",
				   "%s matches, but clients pass it over for a stronger digest with the "
				   "same usage and selector, which does not match (RFC 7671 section 9): "
				   "both kinds must be there for each key, or one kind alone",
				   k->name);
		return;
	}
	case DANE_DIFFERENT:
		find_different(k);
		return;
	case DANE_UNPROVEN:
		if (!find_slip(k))
			find_unproven(k);
		return;
	case DANE_MATCHES:
		return;
	}
}

/* The fate of a record at all places. */
static const struct dane_record *take(struct doctor_record *r, const struct doctor_seen *s)
{
	const struct dane_record *best = NULL;
	struct strv places = { 0 };
	size_t compared = 0;

	for (size_t i = 0; i < s->views_n; i++) {
		const struct dane_record *d = met(s, &s->views[i], r->data);

		if (!d)
			continue;
		compared++;
		if (!best || d->fate > best->fate)
			best = d;
		if (d->fate == DANE_MATCHES)
			strv_take(&places, doctor_place(&s->views[i]));
	}
	r->compared = best != NULL;
	if (best) {
		r->fate = best->fate;
		r->why = mem_copy_str(best->why);
	}
	if (places.n && places.n < compared) {
		free(r->why);
		if (places.n > PLACES_MAX)
			r->why = mem_format("%zu of %zu keys that were seen", places.n, compared);
		else
			r->why = strv_join(&places, ", ");
	}
	strv_free(&places);
	return best;
}

static void find_usable(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	size_t unusable = 0, judged = 0;

	for (size_t i = 0; i < s->views_n; i++)
		for (size_t k = 0; s->views[i].dane && k < s->sets_n; k++) {
			judged++;
			unusable += s->views[i].dane[k].outcome == DANE_UNUSABLE;
		}
	if (judged && unusable == judged)
		doctor_add(&out->findings, DOCTOR_WARNING, "unusable",
			   "none of the records at %s can be used by a client, so that there is no "
			   "DANE%s: publish 3 1 1",
			   s->owner, s->mail ? ", and mail is merely encrypted" : "");
}

void doctor_find_records(struct doctor_diagnosis *out, const struct doctor_seen *s, enum doctor_answer a,
			 const struct doctor_terms *t)
{
	struct sick k = { .out = out, .s = s, .t = t, .grave = DOCTOR_WARNING };

	for (size_t i = 0; i < s->views_n; i++)
		for (size_t n = 0; s->views[i].dane && n < s->sets_n; n++) {
			if (!s->sets[n].signed_ok)
				continue;
			if (s->views[i].dane[n].outcome == DANE_REFUSED)
				k.grave = DOCTOR_ERROR;
			k.accepted |= s->views[i].dane[n].outcome == DANE_ACCEPTED;
		}
	for (size_t n = 0; n < s->sets_n; n++)
		for (size_t i = 0; i < s->sets[n].data.n; i++) {
			struct doctor_record r = { .data = s->sets[n].data.v[i] };
			bool known = false;

			for (size_t o = 0; o < n; o++)
				known |= place_in(&s->sets[o], r.data) < s->sets[o].data.n;
			if (known)
				continue;
			k.d = take(&r, s);
			out->records =
				mem_resize(out->records, out->records_n + 1, sizeof(*out->records));
			out->records[out->records_n++] = r;
			k.r = &r;
			k.name = shown(r.data);
			k.usage = k.selector = k.matching = -1;
			(void)sscanf(r.data, "%3d %3d %3d", &k.usage, &k.selector, &k.matching);
			if (k.d)
				find_sick(&k);
			if (k.d && k.usage == 3 && k.selector == 0 && r.fate == DANE_MATCHES)
				doctor_add(&out->findings, DOCTOR_NOTE, "selector-0",
					   "%s is of the certificate, and changes whenever it is "
					   "renewed: 3 1 1 "
					   "is of the key, and stays",
					   k.name);
			if (k.d && k.matching == 0 && r.fate != DANE_MALFORMED)
				doctor_add(&out->findings, DOCTOR_NOTE, "full-data",
					   "%s has the whole data and no digest (matching type 0): large "
					   "answers get lost on the way; a digest is enough (RFC 7671 "
					   "section 10.1.2)",
					   k.name);
			free(k.name);
		}
	if (a == ANSWERED_RECORDS)
		find_usable(out, s);
}
