/* doctor_find.c - the diagnosis as a whole: what a client does at each place, what is wrong with servers
 * and certificates, and the verdict.
 * Touches: nothing.
 */
#include "run/doctor_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"

#include <strings.h>

#define PLACES_MAX 4

/* Findings --------------------------------------------------------------------------------------- */

const char *doctor_severity_name(enum doctor_severity s)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_NOTE] = "note",
		[DOCTOR_WARNING] = "warning",
		[DOCTOR_ERROR] = "error",
	};
	_Static_assert(ARRAY_LEN(names) == DOCTOR_ERROR + 1, "a name for each");

	return names[s];
}

const char *doctor_verdict_name(enum doctor_verdict v)
{
	static const char *const names[] = {
		[DOCTOR_UNKNOWN] = "unknown", [DOCTOR_ACCEPTS] = "accepts", [DOCTOR_REFUSES] = "refuses",
		[DOCTOR_NO_DANE] = "no DANE", [DOCTOR_DEFERS] = "defers",
	};
	_Static_assert(ARRAY_LEN(names) == DOCTOR_DEFERS + 1, "a name for each");

	return names[v];
}

void doctor_add(struct doctor_findings *f, enum doctor_severity s, const char *code, const char *fmt, ...)
{
	struct buf text;
	char *line;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	line = mem_alloc((size_t)(n < 0 ? 0 : n) + 1);
	va_start(ap, fmt);
	(void)vsnprintf(line, (size_t)(n < 0 ? 0 : n) + 1, fmt, ap);
	va_end(ap);
	buf_init(&text, 2000);
	buf_add_str(&text, line);
	free(line);
	for (char *c = text.s; *c; c++)
		if ((unsigned char)*c < ' ' || (unsigned char)*c >= 127)
			*c = '?';
	line = buf_steal(&text);
	buf_free(&text);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].code, code) == 0 && strcmp(f->v[i].text, line) == 0) {
			free(line);
			return;
		}
	f->v = mem_resize(f->v, f->n + 1, sizeof(*f->v));
	f->v[f->n++] = (struct doctor_finding){ s, code, line };
}

enum doctor_severity doctor_worst(const struct doctor_findings *f)
{
	enum doctor_severity worst = DOCTOR_OK;

	for (size_t i = 0; i < f->n; i++)
		worst = f->v[i].severity > worst ? f->v[i].severity : worst;
	return worst;
}

void doctor_sort(struct doctor_findings *f)
{
	struct doctor_finding *sorted = mem_array(f->n, sizeof(*sorted));
	size_t n = 0;

	for (int s = DOCTOR_ERROR; s >= DOCTOR_OK; s--)
		for (size_t i = 0; i < f->n; i++)
			if (f->v[i].severity == (enum doctor_severity)s)
				sorted[n++] = f->v[i];
	free(f->v);
	f->v = sorted;
}

void doctor_findings_free(struct doctor_findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].text);
	free(f->v);
	*f = (struct doctor_findings){ 0 };
}

void doctor_diagnosis_free(struct doctor_diagnosis *d)
{
	doctor_findings_free(&d->findings);
	for (size_t i = 0; i < d->records_n; i++)
		free(d->records[i].why);
	free(d->records);
	free(d->views);
	free(d->why);
	free(d->security_why);
	*d = (struct doctor_diagnosis){ 0 };
}

/* What clients do -------------------------------------------------------------------------------- */

/* At one place, with the records that some servers give. */
static enum doctor_verdict by_records(const struct doctor_seen *s, const struct doctor_view *v)
{
	bool accepted = false;

	/* who does not talk is passed over like who is not there */
	if (!probe_reached(v->outcome) || v->outcome == PROBE_NOT_OFFERED || v->outcome == PROBE_SILENT ||
	    v->outcome == PROBE_CLOSED)
		return DOCTOR_UNKNOWN;
	if (!v->dane)
		return v->offer == TLS_OFFER_ANY || v->outcome == PROBE_OK ? DOCTOR_REFUSES
									   : DOCTOR_UNKNOWN;
	for (size_t i = 0; i < s->sets_n; i++) {
		if (!s->sets[i].signed_ok)
			continue;
		if (v->dane[i].outcome == DANE_REFUSED)
			return DOCTOR_REFUSES;
		accepted |= v->dane[i].outcome == DANE_ACCEPTED;
	}
	return accepted ? DOCTOR_ACCEPTS : DOCTOR_NO_DANE;
}

static enum doctor_verdict at_view(const struct doctor_seen *s, const struct doctor_view *v,
				   enum doctor_answer a)
{
	switch (a) {
	case ANSWERED_NOT_ASKED:
	case ANSWERED_NOTHING:
	case ANSWERED_INSECURE:
		return DOCTOR_NO_DANE;
	case ANSWERED_RECORDS:
		return by_records(s, v);
	case ANSWERED_BOGUS:
		return DOCTOR_DEFERS;
	case ANSWERED_UNKNOWN:
		return DOCTOR_UNKNOWN;
	}
	return DOCTOR_UNKNOWN;
}

static bool is_alias(const struct host *h)
{
	return h->end && h->name && strcmp(h->end, h->name) != 0;
}

/* Mail servers do not look for records of a host whose addresses are not signed (RFC 7672 section 2.2.2).
 */
static bool is_passed_by(const struct doctor_seen *s)
{
	return s->mail && !s->addrs_given && s->at.security == SECURITY_INSECURE && !is_alias(&s->at);
}

static void decide(struct doctor_diagnosis *out, enum doctor_verdict v, const char *why)
{
	out->verdict = v;
	free(out->why);
	out->why = mem_copy_str(why);
}

static void fold_views(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	size_t of[DOCTOR_DEFERS + 1] = { 0 };
	bool compared = false;

	for (size_t i = 0; i < s->views_n; i++)
		of[out->views[i]]++;
	for (size_t i = 0; i < s->views_n; i++)
		compared |= out->views[i] == DOCTOR_REFUSES && s->views[i].dane;
	if (of[DOCTOR_REFUSES] && !compared)
		decide(out, DOCTOR_REFUSES,
		       of[DOCTOR_ACCEPTS] ? "not every address presents a key"
					  : "there are records, and no address presents a key");
	else if (of[DOCTOR_REFUSES])
		decide(out, DOCTOR_REFUSES,
		       of[DOCTOR_ACCEPTS] ? "not every key that is served has a record"
					  : "what is served does not fit the records");
	else if (of[DOCTOR_ACCEPTS])
		decide(out, DOCTOR_ACCEPTS, NULL);
	else if (of[DOCTOR_NO_DANE])
		decide(out, DOCTOR_NO_DANE, "none of the records can be used");
	else if (s->unlookable)
		decide(out, DOCTOR_UNKNOWN, s->unlookable);
	else
		decide(out, DOCTOR_UNKNOWN,
		       s->views_n ? "no address has presented a key" : "there is no address");
}

static void find_verdict(struct doctor_diagnosis *out, const struct doctor_seen *s, enum doctor_answer a)
{
	if (!s->addrs_given && s->at.security == SECURITY_BOGUS)
		a = ANSWERED_BOGUS;
	switch (a) {
	case ANSWERED_NOT_ASKED:
		decide(out, DOCTOR_NO_DANE, "it has no TLSA owner");
		break;
	case ANSWERED_RECORDS:
		if (is_passed_by(s))
			decide(out, DOCTOR_NO_DANE, "the addresses are not signed");
		else
			fold_views(out, s);
		break;
	case ANSWERED_NOTHING:
		decide(out, DOCTOR_NO_DANE, "there are no TLSA records");
		break;
	case ANSWERED_INSECURE:
		decide(out, DOCTOR_NO_DANE, "the zone is not signed");
		break;
	case ANSWERED_BOGUS:
		decide(out, DOCTOR_DEFERS, "DNSSEC is broken");
		break;
	case ANSWERED_UNKNOWN:
		decide(out, DOCTOR_UNKNOWN, "DNS could not be asked");
		break;
	}
}

/* Servers --------------------------------------------------------------------------------------- */

static const char *code_of(enum probe_outcome o)
{
	static const char *const codes[] = {
		[PROBE_UNTRIED] = "untried",
		[PROBE_NO_ROUTE] = "no-route",
		[PROBE_UNREACHABLE] = "unreachable",
		[PROBE_CONN_REFUSED] = "connection-refused",
		[PROBE_NO_ANSWER] = "no-answer",
		[PROBE_BUSY] = "busy",
		[PROBE_SILENT] = "silent",
		[PROBE_CLOSED] = "closed",
		[PROBE_GARBAGE] = "garbage",
		[PROBE_NO_STARTTLS] = "no-starttls",
		[PROBE_TLS_FAILED] = "tls-failed",
		[PROBE_NOT_OFFERED] = "no-common-key",
		[PROBE_OK] = "certificate-unreadable",
	};
	_Static_assert(ARRAY_LEN(codes) == PROBE_OUTCOME_N, "a code for each");

	return codes[o];
}

static const char *advice_of(const struct doctor_seen *s, const struct doctor_view *v)
{
	if (probe_advises(v->why))
		return "";
	switch (v->outcome) {
	case PROBE_UNTRIED:
	case PROBE_NO_ROUTE:
	case PROBE_NOT_OFFERED:
		return "";
	case PROBE_UNREACHABLE:
	case PROBE_NO_ANSWER:
		return s->port == 25
			       ? ": is it up, and does a firewall let port 25 through, here and there?"
			       : ": is it up, and does a firewall let it through?";
	case PROBE_CONN_REFUSED:
		return ": nobody listens there";
	case PROBE_BUSY:
		return ": try again later; if that does not help, look into the server's log, and at its limits";
	case PROBE_SILENT:
	case PROBE_CLOSED:
	case PROBE_GARBAGE:
	case PROBE_TLS_FAILED:
	case PROBE_OK:
		return ": look into the server's log";
	case PROBE_NO_STARTTLS:
		return ": switch TLS on";
	case PROBE_OUTCOME_N:
		break;
	}
	return "";
}

static bool is_seen(const struct doctor_view *v)
{
	return v->outcome == PROBE_OK && v->chain.n;
}

/* Single offers are told apart where one of them was taken: that there is no key for the other is no
 * fault. */
static bool is_absence(const struct doctor_view *v)
{
	return v->outcome == PROBE_NOT_OFFERED && v->offer != TLS_OFFER_ANY;
}

static void find_reach(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	size_t seen = 0;

	for (size_t i = 0; i < s->views_n; i++)
		seen += is_seen(&s->views[i]);
	for (size_t i = 0; i < s->views_n; i++) {
		const struct doctor_view *v = &s->views[i];
		enum doctor_severity severity = DOCTOR_ERROR;
		char address[ADDR_TEXT_LEN];
		const char *what;
		bool more;

		if (is_seen(v) || is_absence(v))
			continue;
		if (seen && (v->outcome == PROBE_NO_ROUTE ||
			     (v->offer != TLS_OFFER_ANY && v->outcome != PROBE_OK)))
			severity = DOCTOR_NOTE;
		addr_format(address, &v->addr);
		what = v->outcome == PROBE_OK ? "a certificate cannot be read"
					      : probe_outcome_name(v->outcome);
		more = v->why && strcasecmp(v->why, what) != 0;
		doctor_add(&out->findings, severity, code_of(v->outcome), "%s: %s%s%s%s", address, what,
			   more ? ": " : "", more ? v->why : "", advice_of(s, v));
	}
	if (s->unlookable)
		doctor_add(&out->findings, DOCTOR_NOTE, "not-looked-at",
			   "%s: what is served there was not looked at: %s",
			   s->owner ? s->owner : s->host, s->unlookable);
}

static void find_key(struct doctor_diagnosis *out, const struct doctor_view *v, const char *place)
{
	const struct presented_cert *c = &v->chain.v[0];
	int64_t bits = 0;

	if (text_starts(c->key, "RSA ") && text_number(c->key + 4, 1 << 20, &bits) && bits < 2048)
		doctor_add(&out->findings, DOCTOR_WARNING, "weak-key",
			   "%s: the key is %s: mail servers still take it, but other clients refuse what "
			   "is below RSA 2048; make a new one",
			   place, c->key);
	if (strcmp(v->protocol, "TLSv1") == 0 || strcmp(v->protocol, "TLSv1.1") == 0 ||
	    text_starts(v->protocol, "SSL"))
		doctor_add(&out->findings, DOCTOR_ERROR, "old-protocol",
			   "%s speaks nothing newer than %s, which many clients refuse (RFC 8996; whatever "
			   "uses OpenSSL on Debian, for one): switch TLS 1.2 and 1.3 on",
			   place, v->protocol);
}

/* The records are for clients that look at no dates, names and CAs; whether one matches is another
 * matter. */
static bool by_usage_3(const struct doctor_view *v, size_t sets_n)
{
	for (size_t i = 0; v->dane && i < sets_n; i++)
		for (size_t k = 0; k < v->dane[i].n; k++)
			if (v->dane[i].v[k].usage == 3 && v->dane[i].v[k].fate > DANE_NOT_FOR_MAIL)
				return true;
	return false;
}

/* Of a certificate that ends: one that is not the store's newest need not be renewed. */
static const char *remedy(const struct presented_cert *c, const struct doctor_terms *t)
{
	const struct generation *g = t->newest;

	if (!g || !g->number)
		return "renew it";
	for (size_t i = 0; i < g->leaves_n; i++)
		if (strcmp(g->leaves[i].fingerprint, c->cert_sha256) == 0)
			return "renew it";
	return "the store has another one: let the server load that";
}

static void find_dates(struct doctor_diagnosis *out, const struct doctor_seen *s,
		       const struct doctor_view *v, const char *place, const struct doctor_terms *t,
		       enum doctor_severity grave)
{
	const struct presented_cert *c = &v->chain.v[0];
	int64_t left = c->until_at - t->now;
	char at[WHEN_TEXT_LEN], rough[WHEN_TEXT_LEN];

	when_format_minute(at, left > 0 && c->from_at > t->now ? c->from_at : c->until_at);
	if (left <= 0) {
		doctor_add(&out->findings, grave, "expired",
			   "%s: the certificate ended at %s UTC%s: %s", place, at,
			   by_usage_3(v, s->sets_n)
				   ? "; clients with DANE do not look at that, all others do"
				   : "",
			   remedy(c, t));
	} else if (c->from_at > t->now) {
		doctor_add(&out->findings, grave, "not-yet",
			   "%s: the certificate is valid from %s UTC on: is a clock wrong?", place, at);
	} else if (left <= t->warn_for) {
		when_format_rough(rough, left);
		doctor_add(&out->findings, left <= t->critical_for ? grave : DOCTOR_WARNING,
			   "expires-soon", "%s: the certificate ends in %s, at %s UTC: %s", place, rough,
			   at, remedy(c, t));
	}
}

/* To clients that know CAs and not DANE.  Mail servers without DANE do not look at any of it. */
static void find_trust(struct doctor_diagnosis *out, const struct doctor_seen *s,
		       const struct doctor_view *v, const char *place, const struct doctor_terms *t,
		       enum doctor_severity grave)
{
	/* dates and names are told of by themselves */
	bool beside = v->beside != PRESENTED_OK;
	const char *why = beside ? v->beside_why : v->fault_why;

	why = why ? why : "?";
	switch (s->mail ? PRESENTED_OK : beside ? v->beside : v->fault) {
	case PRESENTED_OK:
	case PRESENTED_NOT_YET:
	case PRESENTED_EXPIRED:
	case PRESENTED_WRONG_NAME:
		break; /* of the leaf, or of another certificate on the way, which `pkix` tells of */
	case PRESENTED_SELF_SIGNED:
		doctor_add(&out->findings, t->self_signed ? DOCTOR_NOTE : grave, "self-signed",
			   "%s: the certificate is signed by its own key, so that clients without DANE "
			   "cannot trust it",
			   place);
		break;
	case PRESENTED_UNTRUSTED:
		doctor_add(&out->findings, grave, "untrusted",
			   "%s: there is no way to a CA that is known here, so that clients without DANE "
			   "refuse it: %s; does the server send the intermediate certificate?",
			   place, why);
		break;
	case PRESENTED_OTHER:
		doctor_add(&out->findings, grave, "chain-faulty",
			   "%s: clients without DANE refuse it: %s", place, why);
		break;
	}
	if (!v->named) {
		char *names = strv_join(&v->chain.v[0].names, " ");

		doctor_add(&out->findings, s->mail ? DOCTOR_NOTE : grave, "wrong-name",
			   "%s: the certificate is for %.200s, and not for %s: clients without DANE, and "
			   "with usage 2, refuse it",
			   place, *names ? names : "no name", s->base);
		free(names);
	}
}

static void find_certificates(struct doctor_diagnosis *out, const struct doctor_seen *s,
			      enum doctor_answer a, const struct doctor_terms *t)
{
	for (size_t i = 0; i < s->views_n; i++) {
		const struct doctor_view *v = &s->views[i];
		/* where the record is of the key, clients with DANE look at nothing else */
		bool dane = a == ANSWERED_RECORDS && by_usage_3(v, s->sets_n);
		char *place;

		if (!is_seen(v))
			continue;
		place = doctor_place(v);
		find_key(out, v, place);
		find_dates(out, s, v, place, t,
			   t->strict || (!dane && !s->mail) ? DOCTOR_ERROR : DOCTOR_WARNING);
		find_trust(out, s, v, place, t, dane ? DOCTOR_WARNING : DOCTOR_ERROR);
		free(place);
	}
}

/* Refusals -------------------------------------------------------------------------------------- */

static bool same_address(const struct doctor_view *a, const struct doctor_view *b)
{
	return addr_same(&a->addr, &b->addr);
}

/* Who is accepted although this one is not: another key at the address, or another address. */
static void others(const struct doctor_diagnosis *out, const struct doctor_seen *s,
		   const struct doctor_view *v, bool *here, bool *elsewhere)
{
	*here = *elsewhere = false;
	for (size_t i = 0; i < s->views_n; i++) {
		if (out->views[i] != DOCTOR_ACCEPTS)
			continue;
		*here |= same_address(&s->views[i], v);
		*elsewhere |= !same_address(&s->views[i], v);
	}
}

/* The servers whose sets refuse, if those of others do not; NULL: there is no difference. */
static char *guilty(const struct doctor_seen *s, const struct doctor_view *v)
{
	struct strv who = { 0 };
	bool accepted = false;
	char *text = NULL;

	for (size_t i = 0; v->dane && i < s->sets_n; i++) {
		if (!s->sets[i].signed_ok)
			continue;
		accepted |= v->dane[i].outcome == DANE_ACCEPTED;
		for (size_t k = 0; v->dane[i].outcome == DANE_REFUSED && k < s->sets[i].servers.n; k++)
			strv_add(&who, s->sets[i].servers.v[k]);
	}
	if (accepted && who.n)
		text = strv_join(&who, ", ");
	strv_free(&who);
	return text;
}

static void find_refusals(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	for (size_t i = 0; i < s->views_n; i++) {
		const struct doctor_view *v = &s->views[i];
		bool here, elsewhere;
		char *place, *who;

		if (out->views[i] != DOCTOR_REFUSES || !is_seen(v))
			continue;
		place = doctor_place(v);
		who = guilty(s, v);
		others(out, s, v, &here, &elsewhere);
		if (who)
			doctor_add(&out->findings, DOCTOR_ERROR, "server-set-refuses",
				   "clients that ask name server %s refuse %s, as its records do not "
				   "fit, and those of others do: correct them if its zone is the newest, "
				   "and bring it up to date if not",
				   who, place);
		else if (here)
			doctor_add(&out->findings, DOCTOR_ERROR, "key-type-uncovered",
				   "%s is refused, while another key at that address is accepted: "
				   "clients choose the kind of key, so each needs a record; add 3 1 1 %s",
				   place, v->chain.v[0].spki_sha256);
		else if (elsewhere)
			doctor_add(&out->findings, DOCTOR_ERROR, "address-refused",
				   "%s is refused, while another address is accepted: does it serve an "
				   "old key? Reload it, or add 3 1 1 %s",
				   place, v->chain.v[0].spki_sha256);
		else
			doctor_add(&out->findings, DOCTOR_ERROR, "refused",
				   "clients with DANE refuse %s: its record would be 3 1 1 %s", place,
				   v->chain.v[0].spki_sha256);
		free(who);
		free(place);
	}
}

/* Two addresses with different keys of one kind: mostly one that was forgotten. */
static void find_difference(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	for (size_t i = 0; i < s->views_n; i++)
		for (size_t k = i + 1; k < s->views_n; k++) {
			const struct doctor_view *a = &s->views[i], *b = &s->views[k];
			char *one, *other;

			if (!is_seen(a) || !is_seen(b) ||
			    strcmp(a->chain.v[0].key, b->chain.v[0].key) != 0 ||
			    strcmp(a->chain.v[0].spki_sha256, b->chain.v[0].spki_sha256) == 0)
				continue;
			one = doctor_place(a);
			other = doctor_place(b);
			doctor_add(&out->findings, DOCTOR_WARNING, "addresses-differ",
				   "%s and %s present different keys: each needs a record, unless one of "
				   "them was not reloaded",
				   one, other);
			free(one);
			free(other);
			return;
		}
}

static void find_good(struct doctor_diagnosis *out, const struct doctor_seen *s)
{
	struct strv places = { 0 };
	size_t more = 0;
	char *text;

	for (size_t i = 0; i < s->views_n; i++) {
		if (out->views[i] != DOCTOR_ACCEPTS)
			continue;
		if (places.n < PLACES_MAX)
			strv_take(&places, doctor_place(&s->views[i]));
		else
			more++;
	}
	text = strv_join(&places, ", ");
	if (out->verdict == DOCTOR_ACCEPTS && more)
		doctor_add(&out->findings, DOCTOR_OK, "accepted",
			   "clients with DANE accept it: records match %s and %zu more", text, more);
	else if (out->verdict == DOCTOR_ACCEPTS)
		doctor_add(&out->findings, DOCTOR_OK, "accepted",
			   "clients with DANE accept it: records match %s", text);
	free(text);
	strv_free(&places);
}

void doctor_find(struct doctor_diagnosis *out, const struct doctor_seen *s, const struct doctor_terms *t)
{
	enum doctor_answer a;

	*out = (struct doctor_diagnosis){ .views = mem_array(s->views_n, sizeof(*out->views)) };
	if (s->problem) {
		doctor_add(&out->findings, DOCTOR_ERROR, "look-failed", "%s: %s",
			   s->owner ? s->owner : s->host, s->problem);
		decide(out, DOCTOR_UNKNOWN, s->problem);
		return;
	}
	a = doctor_find_dns(out, s, t);
	for (size_t i = 0; i < s->views_n; i++)
		out->views[i] = is_passed_by(s) && a == ANSWERED_RECORDS ? DOCTOR_NO_DANE
									 : at_view(s, &s->views[i], a);
	find_verdict(out, s, a);
	find_reach(out, s);
	find_refusals(out, s);
	doctor_find_records(out, s, a, t);
	find_certificates(out, s, a, t);
	find_difference(out, s);
	find_good(out, s);
	doctor_sort(&out->findings);
}

/* Domains --------------------------------------------------------------------------------------- */

static bool is_host_alias(const struct doctor_diagnosis *d)
{
	for (size_t i = 0; i < d->findings.n; i++)
		if (text_starts(d->findings.v[i].code, "host-alias"))
			return true;
	return false;
}

static void find_hosts(struct doctor_diagnosis *out, const struct mail_hosts *m,
		       const struct doctor_diagnosis *const *hosts)
{
	size_t of[DOCTOR_DEFERS + 1] = { 0 };
	struct strv without = { 0 };
	char *names;

	for (size_t i = 0; i < m->n; i++) {
		of[hosts[i]->verdict]++;
		if (hosts[i]->verdict == DOCTOR_REFUSES || hosts[i]->verdict == DOCTOR_DEFERS)
			doctor_add(&out->findings, DOCTOR_ERROR, "mx-unusable",
				   "senders with DANE cannot use %s (MX %u): %s", m->v[i].name,
				   m->v[i].preference, hosts[i]->why ? hosts[i]->why : "?");
		if (hosts[i]->verdict == DOCTOR_NO_DANE)
			strv_add(&without, m->v[i].name);
		if (is_host_alias(hosts[i]) && !m->implicit)
			doctor_add(&out->findings, DOCTOR_WARNING, "mx-alias",
				   "the mail host %s (MX %u) is an alias, which an MX record must not name (RFC "
				   "2181 section 10.3): name the host itself",
				   m->v[i].name, m->v[i].preference);
	}
	names = strv_join(&without, ", ");
	if (without.n && without.n + of[DOCTOR_UNKNOWN] < m->n)
		doctor_add(&out->findings, DOCTOR_WARNING, "mx-uncovered",
			   "mail to %s goes without DANE by %s, and with it by others: whoever can, "
			   "leads it there; give all of them records",
			   m->domain, names);
	free(names);
	strv_free(&without);
	if (of[DOCTOR_REFUSES] + of[DOCTOR_DEFERS] == m->n)
		decide(out, of[DOCTOR_REFUSES] ? DOCTOR_REFUSES : DOCTOR_DEFERS,
		       "no mail host is left for clients with DANE");
	else if (of[DOCTOR_REFUSES])
		decide(out, DOCTOR_REFUSES, "some mail hosts are refused");
	else if (of[DOCTOR_DEFERS])
		decide(out, DOCTOR_DEFERS, "some mail hosts cannot be used");
	else if (of[DOCTOR_ACCEPTS])
		decide(out, DOCTOR_ACCEPTS, NULL);
	else if (of[DOCTOR_NO_DANE])
		decide(out, DOCTOR_NO_DANE, of[DOCTOR_UNKNOWN] ? "no mail host that could be looked at has it"
							       : "no mail host has it");
	else
		decide(out, DOCTOR_UNKNOWN, "no mail host could be looked at");
}

void doctor_find_mail(struct doctor_diagnosis *out, const struct mail_hosts *m,
		      const struct doctor_diagnosis *const *hosts)
{
	*out = (struct doctor_diagnosis){ .security = m->security, .security_why = mem_copy_str(m->why) };
	if (m->security == SECURITY_BOGUS) {
		doctor_add(&out->findings, DOCTOR_ERROR, "mx-bogus",
			   "the MX records of %s are bogus, so that validating senders find none: %s",
			   m->domain, m->why ? m->why : "?");
		decide(out, DOCTOR_DEFERS, "DNSSEC is broken");
		return;
	}
	if (m->null_mx && !m->n) {
		doctor_add(&out->findings, DOCTOR_NOTE, "mx-null", "%s takes no mail (RFC 7505)",
			   m->domain);
		decide(out, DOCTOR_NO_DANE, "it takes no mail");
		return;
	}
	/* that is an answer, and no failure to get one */
	if (m->problem && m->security != SECURITY_UNKNOWN) {
		doctor_add(&out->findings, DOCTOR_ERROR, "mx-no-name",
			   "%s: %s, so that no mail gets there: correct the name, or add it to DNS",
			   m->domain, m->problem);
		decide(out, DOCTOR_UNKNOWN, m->problem);
		return;
	}
	if (m->problem || !m->n) {
		doctor_add(&out->findings, DOCTOR_ERROR, "mx-unknown",
			   "the mail hosts of %s could not be found out: %s", m->domain,
			   m->problem ? m->problem : "there are none");
		decide(out, DOCTOR_UNKNOWN, "DNS could not be asked");
		return;
	}
	if (m->null_mx)
		doctor_add(&out->findings, DOCTOR_WARNING, "mx-null-beside",
			   "%s has the MX record `0 .` beside its mail hosts: it means that the domain takes no "
			   "mail, and must stand alone (RFC 7505 section 3), so that senders may give up; delete it",
			   m->domain);
	if (m->implicit)
		doctor_add(&out->findings, DOCTOR_NOTE, "mx-implicit",
			   "%s has no MX record, so that mail goes to its own addresses", m->domain);
	if (m->security == SECURITY_INSECURE)
		doctor_add(&out->findings, DOCTOR_WARNING, "mx-insecure",
			   "the MX records of %s are not signed: whoever forges them leads mail "
			   "elsewhere, whatever its hosts do (RFC 7672 section 2.2.1); sign the zone",
			   m->domain);
	find_hosts(out, m, hosts);
	doctor_sort(&out->findings);
}
