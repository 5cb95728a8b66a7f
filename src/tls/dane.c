/* dane.c - TLSA records against a chain that was presented: the fate of each, and what a client does.
 *
 * A record that does not fit is compared with all that it might have been meant for, since most wrong records
 * are right digests under wrong parameters.
 * RFC 6698 sections 2.1 and 4.1; RFC 7671 sections 5 (usages) and 9 (digest agility); RFC 7672 section 3.1.
 * Touches: files of trusted CAs, by io/presented.
 */
#include "tls/dane.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/tlsa.h"

enum { PKIX_TA = 0, PKIX_EE = 1, DANE_TA = 2, DANE_EE = 3 };
enum { WHOLE_CERT = 0, ITS_KEY = 1 };
enum { FULL = 0, SHA_256 = 1, SHA_512 = 2 };

#define SHA1_LEN   20
#define SHA256_LEN 32
#define SHA512_LEN 64
#define TOLD_DIGITS 16          /* of a digest */

static const char *const outcome_names[] = {
	[DANE_ABSENT] = "absent", [DANE_UNUSABLE] = "unusable", [DANE_ACCEPTED] = "accepted",
	[DANE_REFUSED] = "refused",
};
_Static_assert(ARRAY_LEN(outcome_names) == DANE_REFUSED + 1, "a name for every outcome");

const char *dane_outcome_name(enum dane_outcome o)
{
	return outcome_names[o];
}

/* A record taken apart. */
struct reading {
	struct tlsa_params p;
	char          *hex;             /* NULL: there is none */
	struct tls_der bytes;           /* the same */
	bool           usable;
	bool           explained;       /* it is known what it was meant for */
};

/* The side of the client; what CAs say is asked once. */
struct judge {
	const struct presented   *chain;
	const struct dane_client *as;
	bool                      asked;
	enum presented_fault      fault;
	char                     *why;
	struct presented          way;
};

/* Words ---------------------------------------------------------------------------------------- */

/* The beginning of a record, whatever is in it. */
static char *say_record(const struct dane_record *r)
{
	size_t len = strlen(r->data), told = 6 + TOLD_DIGITS;
	char *s = mem_format("%.*s%s", (int)told, r->data, len > told ? "..." : "");

	for (char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
	return s;
}

static char *say_cert(const struct presented *chain, size_t depth)
{
	if (depth == 0)
		return mem_copy_str("the leaf");
	return mem_format("certificate %zu of the chain (%s)", depth + 1,
			  *chain->v[depth].subject ? chain->v[depth].subject : "without a name");
}

static const char *say_selector(int selector)
{
	return selector == ITS_KEY ? "key" : "certificate";
}

static const char *say_matching(int matching)
{
	return matching == SHA_256 ? "the SHA-256 of " : matching == SHA_512 ? "the SHA-512 of " : "";
}

/* What is in a record -------------------------------------------------------------------------- */

static void decode(struct tls_der *out, const char *hex)
{
	static const char digits[] = "0123456789abcdef";

	out->len = strlen(hex) / 2;
	out->v = mem_alloc(out->len);
	for (size_t i = 0; i < out->len; i++)
		out->v[i] = (unsigned char)((strchr(digits, hex[2 * i]) - digits) << 4 |
					    (strchr(digits, hex[2 * i + 1]) - digits));
}

static bool holds(const struct reading *r, const struct presented_cert *c, int selector, int matching)
{
	const struct tls_der *whole = selector == ITS_KEY ? &c->spki : &c->cert;

	if (matching == FULL)
		return r->bytes.len == whole->len && memcmp(r->bytes.v, whole->v, whole->len) == 0;
	if (matching == SHA_256)
		return strcmp(r->hex, selector == ITS_KEY ? c->spki_sha256 : c->cert_sha256) == 0;
	return strcmp(r->hex, selector == ITS_KEY ? c->spki_sha512 : c->cert_sha512) == 0;
}

static bool fits(const struct reading *r, const struct presented_cert *c)
{
	return holds(r, c, r->p.selector, r->p.matching);
}

/* The usage that is nearest to `usage`, for the leaf or for what is above it. */
static int usage_at(int usage, size_t depth)
{
	static const int of_leaf[] = { PKIX_EE, PKIX_EE, DANE_EE, DANE_EE };
	static const int above[] = { PKIX_TA, PKIX_TA, DANE_TA, DANE_TA };

	return depth ? above[usage] : of_leaf[usage];
}

/* Which numbers are wrong, and what they mean. */
static void add_meaning(struct buf *b, const struct tlsa_params *is, int usage, int selector, int matching)
{
	if (is->usage != usage)
		buf_addf(b, "; usage %d means %s", is->usage,
			 is->usage == DANE_EE || is->usage == PKIX_EE ? "the leaf" : "a CA above the leaf");
	if (is->selector != selector)
		buf_addf(b, "; selector %d means the %s", is->selector, say_selector(is->selector));
	if (is->matching != matching)
		buf_addf(b, "; matching type %d means %s", is->matching,
			 is->matching == FULL ? "no digest, but the whole" :
			 is->matching == SHA_256 ? "SHA-256" : "SHA-512");
}

static char *explain_match(const struct reading *r, const struct presented *chain, size_t depth, int selector,
			   int matching)
{
	int usage = usage_at(r->p.usage, depth);
	char *it = say_cert(chain, depth), *text;
	struct buf b;

	buf_init(&b, 2000);
	buf_addf(&b, "it is %sthe %s of %s, of which the record would be %d %d %d", say_matching(matching),
		 say_selector(selector), it, usage, selector, matching);
	if (r->p.usage == usage && r->p.selector == selector && r->p.matching == matching)
		buf_add_str(&b, ", but that is not on the way to the CA that is trusted");
	add_meaning(&b, &r->p, usage, selector, matching);
	free(it);
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

static bool is_of_pem(const struct reading *r, const struct presented_cert *c, int selector)
{
	char hex[SHA256_HEX_LEN + 1];

	presented_pem_sha256(hex, selector == ITS_KEY ? &c->spki : &c->cert, selector == ITS_KEY);
	return strcmp(r->hex, hex) == 0;
}

/* What the record was meant for, if that can be told; NULL: it cannot. */
static char *explain(const struct reading *r, const struct presented *chain)
{
	if (tlsa_is_of_nothing(r->hex))
		return mem_copy_str("it is the digest of nothing: the program that made it could not read the "
				    "certificate");
	for (size_t i = 0; i < chain->n; i++)
		for (int selector = WHOLE_CERT; selector <= ITS_KEY; selector++) {
			for (int matching = FULL; matching <= SHA_512; matching++)
				if (holds(r, &chain->v[i], selector, matching))
					return explain_match(r, chain, i, selector, matching);
			if (is_of_pem(r, &chain->v[i], selector))
				return mem_format("it is the SHA-256 of the %s in PEM; what must be digested is "
						  "its DER", say_selector(selector));
		}
	return NULL;
}

/* Records that cannot be used ------------------------------------------------------------------ */

static char *say_length(const struct reading *r)
{
	size_t len = r->bytes.len;
	const char *seems = len == SHA1_LEN ? "SHA-1, which TLSA records do not know" :
			    len == SHA256_LEN ? "SHA-256, matching type 1" :
			    len == SHA512_LEN ? "SHA-512, matching type 2" : NULL;

	if (r->p.matching == FULL)
		return mem_format("matching type 0 holds the whole %s in DER, and the %zu bytes of the record are "
				  "none%s%s", say_selector(r->p.selector), len,
				  seems ? "; they have the length of " : "", seems ? seems : "");
	return mem_format("a digest of matching type %d has %d bytes, and this has %zu%s%s", r->p.matching,
			  r->p.matching == SHA_256 ? SHA256_LEN : SHA512_LEN, len,
			  seems ? ", the length of " : "", seems ? seems : "");
}

static bool well_formed(const struct reading *r)
{
	if (r->p.matching == FULL)
		return presented_readable(&r->bytes, r->p.selector == ITS_KEY);
	return r->bytes.len == (r->p.matching == SHA_256 ? SHA256_LEN : SHA512_LEN);
}

static void set_fate(struct dane_record *rec, enum dane_fate fate, char *why)
{
	rec->fate = fate;
	free(rec->why);
	rec->why = why;
}

static void read_record(struct dane_record *rec, struct reading *r, const struct judge *j)
{
	*rec = (struct dane_record){ .data = rec->data, .usage = -1, .selector = -1, .matching = -1, .depth = -1 };
	if (!tlsa_split(&r->p, &r->hex, rec->data)) {
		set_fate(rec, DANE_MALFORMED, mem_copy_str("it is no TLSA record: three numbers and hexadecimal "
							   "digits are expected"));
		return;
	}
	decode(&r->bytes, r->hex);
	if (r->p.usage > DANE_EE || r->p.selector > ITS_KEY || r->p.matching > SHA_512) {
		set_fate(rec, DANE_UNKNOWN, mem_format("%s %d is not known to clients",
			 r->p.usage > DANE_EE ? "usage" : r->p.selector > ITS_KEY ? "selector" : "matching type",
			 r->p.usage > DANE_EE ? r->p.usage : r->p.selector > ITS_KEY ? r->p.selector :
			 r->p.matching));
	} else if (!well_formed(r)) {
		char *meant = explain(r, j->chain);

		set_fate(rec, DANE_MALFORMED, meant ? meant : say_length(r));
		return;
	} else if (j->as->mail && r->p.usage <= PKIX_EE) {
		set_fate(rec, DANE_NOT_FOR_MAIL, mem_format("mail servers cannot use records of usage %d, since "
							    "they agree on no CAs; usage %d is the like of it",
							    r->p.usage, r->p.usage + 2));
	} else {
		r->usable = true;
	}
	rec->usage = r->p.usage;
	rec->selector = r->p.selector;
	rec->matching = r->p.matching;
}

static bool same_thing(const struct reading *a, const struct reading *b)
{
	return a->p.usage == b->p.usage && a->p.selector == b->p.selector;
}

/* RFC 7671 section 9; whole certificates and keys stand beside any digest. */
static bool is_passed_over(const struct reading *r, const struct reading *all, size_t n)
{
	for (size_t i = 0; i < n && r->p.matching == SHA_256; i++)
		if (all[i].usable && same_thing(&all[i], r) && all[i].p.matching == SHA_512)
			return true;
	return false;
}

/* Records that can ----------------------------------------------------------------------------- */

static void ask_cas(struct judge *j)
{
	if (j->asked)
		return;
	j->asked = true;
	j->fault = presented_path(&j->why, &j->way, j->chain, j->as->names, j->as->ca_file, j->as->now);
}

/* The next certificate at or after *depth that the record is of; what is the leaf itself is not above it. */
static bool find(const struct reading *r, const struct presented *chain, size_t *depth)
{
	bool above = r->p.usage == PKIX_TA || r->p.usage == DANE_TA;
	size_t end = above ? chain->n : chain->n != 0;

	for (size_t i = *depth; i < end; i++) {
		if (!fits(r, &chain->v[i]) ||
		    (above && strcmp(chain->v[i].cert_sha256, chain->v[0].cert_sha256) == 0))
			continue;
		*depth = i;
		return true;
	}
	return false;
}

static void tell_different(struct dane_record *rec, struct reading *r, const struct presented *chain)
{
	char *why = explain(r, chain);

	r->explained = why != NULL;
	if (!why && (r->p.usage == DANE_EE || r->p.usage == PKIX_EE)) {
		const struct presented_cert *c = &chain->v[0];

		why = mem_format("it is for another %s: that of the server's leaf has the SHA-256 %.*s...",
				 say_selector(r->p.selector), TOLD_DIGITS,
				 r->p.selector == ITS_KEY ? c->spki_sha256 : c->cert_sha256);
	} else if (!why && r->p.matching == FULL && r->p.usage == DANE_TA) {
		why = mem_format("the chain does not lead to the CA whose %s it holds", say_selector(r->p.selector));
	} else if (!why && chain->n == 1) {
		why = mem_format("the server sends the leaf alone; the CA that usage %d speaks of must be in the chain "
				 "that it sends, also if it is a root", r->p.usage);
	} else if (!why) {
		why = mem_format("it is for another CA than those that the server sends (%zu); the CA that usage %d "
				 "speaks of must be among them, also if it is a root", chain->n - 1, r->p.usage);
	}
	set_fate(rec, DANE_DIFFERENT, why);
}

static void tell_unproven(struct dane_record *rec, const char *why)
{
	set_fate(rec, DANE_UNPROVEN, mem_format("it matches, but %s", why));
}

static void judge_pkix(struct dane_record *rec, struct reading *r, struct judge *j)
{
	const struct presented *in;
	size_t depth = 0;

	ask_cas(j);
	in = j->fault == PRESENTED_OK && r->p.usage == PKIX_TA ? &j->way : j->chain;
	if (!find(r, in, &depth)) {
		tell_different(rec, r, j->chain);
		return;
	}
	rec->depth = (int)depth;
	if (j->fault == PRESENTED_OK)
		set_fate(rec, DANE_MATCHES, NULL);
	else
		tell_unproven(rec, j->why);
}

/* The trust anchor is in the record, and not in the chain. */
static void judge_outside(struct dane_record *rec, struct reading *r, const struct judge *j)
{
	char *why = NULL;
	enum presented_fault fault = presented_verify_with(&why, j->chain, &r->bytes, r->p.selector == ITS_KEY,
							   j->as->names, j->as->now);

	if (fault == PRESENTED_OK)
		set_fate(rec, DANE_MATCHES, NULL);
	else if (fault == PRESENTED_UNTRUSTED)
		tell_different(rec, r, j->chain);
	else
		tell_unproven(rec, why);
	free(why);
}

/* The first certificate that fits and that the chain leads to; if there is none, the first that fits. */
static void judge_anchor(struct dane_record *rec, struct reading *r, const struct judge *j)
{
	for (size_t depth = 1; find(r, j->chain, &depth); depth++) {
		char *why = NULL;
		enum presented_fault fault = presented_verify_to(&why, j->chain, depth, j->as->names, j->as->now);

		if (fault == PRESENTED_OK || rec->depth < 0)
			rec->depth = (int)depth;
		if (fault == PRESENTED_OK)
			set_fate(rec, DANE_MATCHES, NULL);
		else if (rec->fate != DANE_UNPROVEN)
			tell_unproven(rec, why);
		free(why);
		if (fault == PRESENTED_OK)
			return;
	}
	if (rec->fate == DANE_UNPROVEN)
		return;
	if (r->p.matching == FULL)
		judge_outside(rec, r, j);
	else
		tell_different(rec, r, j->chain);
}

static void judge_leaf(struct dane_record *rec, struct reading *r, const struct judge *j)
{
	size_t depth = 0;

	if (!find(r, j->chain, &depth)) {
		tell_different(rec, r, j->chain);
		return;
	}
	rec->depth = 0;
	set_fate(rec, DANE_MATCHES, NULL);
}

static void pass_over(struct dane_record *rec, const struct reading *r, const struct judge *j)
{
	size_t depth = 0;
	bool would = find(r, j->chain, &depth);

	if (would)
		rec->depth = (int)depth;
	set_fate(rec, DANE_PASSED_OVER,
		 mem_format("%sclients that know SHA-512 look at the records %d %d 2 alone",
			    would ? "it would match, but " : "", r->p.usage, r->p.selector));
}

static void judge_record(struct dane_record *rec, struct reading *r, struct judge *j)
{
	rec->fate = DANE_DIFFERENT;
	if (!j->chain->n)
		set_fate(rec, DANE_DIFFERENT, mem_copy_str("the server presented no certificate"));
	else if (r->p.usage <= PKIX_EE)
		judge_pkix(rec, r, j);
	else if (r->p.usage == DANE_TA)
		judge_anchor(rec, r, j);
	else
		judge_leaf(rec, r, j);
}

/* The verdict ---------------------------------------------------------------------------------- */

/* How much a record tells about why the whole was refused. */
static int weight(const struct dane_record *rec, const struct reading *r)
{
	switch (rec->fate) {
	case DANE_UNPROVEN:
		return 4;
	case DANE_PASSED_OVER:
		return rec->depth >= 0 ? 3 : 0;
	case DANE_DIFFERENT:
		return r->explained ? 2 : 1;
	case DANE_MALFORMED:
	case DANE_UNKNOWN:
	case DANE_NOT_FOR_MAIL:
	case DANE_MATCHES:
		return 0;
	}
	return 0;
}

static void conclude(struct dane_verdict *out, const struct reading *r, const struct judge *j)
{
	size_t usable = 0, told = 0;
	char *it, *cert;

	for (size_t i = 0; i < out->n; i++) {
		usable += r[i].usable;
		if (out->outcome != DANE_ACCEPTED && out->v[i].fate == DANE_MATCHES) {
			out->outcome = DANE_ACCEPTED;
			told = i;
		} else if (out->outcome != DANE_ACCEPTED &&
			   weight(&out->v[i], &r[i]) > weight(&out->v[told], &r[told])) {
			told = i;
		}
	}
	it = say_record(&out->v[told]);
	if (out->outcome == DANE_ACCEPTED) {
		size_t depth = out->v[told].depth < 0 ? 0 : (size_t)out->v[told].depth;

		cert = out->v[told].depth < 0 ? mem_copy_str("the CA that signed the chain, which is not sent") :
		       say_cert(depth < j->chain->n ? j->chain : &j->way, depth);
		out->why = mem_format("%s matches %s", it, cert);
		free(cert);
	} else if (usable == 0) {
		out->outcome = DANE_UNUSABLE;
		out->why = mem_format("no client can use %s %s: %s",
				      out->n == 1 ? "the record" : "any of the records, as", it,
				      out->v[told].why);
	} else {
		out->outcome = DANE_REFUSED;
		out->why = mem_format("%s %s: %s", usable == 1 ? "the server does not fit the record" :
				      "the server fits none of the records, as", it, out->v[told].why);
	}
	free(it);
}

void dane_judge(struct dane_verdict *out, const struct presented *chain, const struct strv *records,
		const struct dane_client *as)
{
	struct reading *r = mem_array(records->n, sizeof(*r));
	struct judge j = { .chain = chain, .as = as };

	*out = (struct dane_verdict){ .outcome = DANE_ABSENT, .n = records->n };
	out->v = mem_array(records->n, sizeof(*out->v));
	for (size_t i = 0; i < out->n; i++) {
		out->v[i].data = records->v[i];
		read_record(&out->v[i], &r[i], &j);
	}
	for (size_t i = 0; i < out->n; i++) {
		if (!r[i].usable)
			continue;
		if (is_passed_over(&r[i], r, out->n))
			pass_over(&out->v[i], &r[i], &j);
		else
			judge_record(&out->v[i], &r[i], &j);
	}
	if (out->n)
		conclude(out, r, &j);
	for (size_t i = 0; i < out->n; i++) {
		free(r[i].hex);
		free(r[i].bytes.v);
	}
	free(r);
	free(j.why);
	presented_free(&j.way);
}

void dane_verdict_free(struct dane_verdict *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->v[i].why);
	free(v->v);
	free(v->why);
	*v = (struct dane_verdict){ 0 };
}
