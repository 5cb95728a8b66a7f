/* fuzz_caa.c - what a resolver says of CAA records, and what is permitted by it.
 *
 * The input is the replies, in the order in which they are asked for, with "====" lines in between: "!" and
 * the bytes of a message; or lines of a record each, "FLAGS TAG VALUE", or "rcode N"; or "silent".  Linked in
 * place of dns/ask.c.
 * Touches: nothing.  Seeds: tests/data/caa.
 */
#include "base/mem.h"
#include "base/text.h"
#include "dns/caa.h"

#include <ctype.h>
#include <strings.h>

#define ACCOUNT "https://ca.test/acct/7"
#define WIRE_MAX ((size_t)UINT16_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

/* The resolver --------------------------------------------------------------------------------- */

struct piece {
	const char *s;
	size_t      len;
};

static struct piece input;
static struct strv asked;

/* Up to a separator, which goes away. */
static struct piece cut(struct piece *from, const char *separator)
{
	const char *end = memmem(from->s, from->len, separator, strlen(separator));
	struct piece p = { from->s, end ? (size_t)(end - from->s) : from->len };
	size_t used = end ? p.len + strlen(separator) : p.len;

	from->s += used;
	from->len -= used;
	return p;
}

static void put_16(struct buf *b, unsigned v)
{
	buf_add_char(b, (char)(v >> 8));
	buf_add_char(b, (char)v);
}

/* "FLAGS TAG VALUE" about the name of the question; false: it is no record. */
static bool put_record(struct buf *b, struct piece line)
{
	struct piece flags = cut(&line, " "), tag = cut(&line, " ");
	char *number = mem_copy_strn(flags.s, flags.len);
	int64_t n;
	bool good = text_number(number, 255, &n) && tag.len <= 255;

	free(number);
	if (!good)
		return false;
	put_16(b, 0xc00c);
	put_16(b, DNS_CAA);
	put_16(b, DNS_CLASS_IN);
	put_16(b, 0);
	put_16(b, 60);
	put_16(b, (unsigned)(2 + tag.len + line.len));
	buf_add_char(b, (char)n);
	buf_add_char(b, (char)tag.len);
	buf_add(b, tag.s, tag.len);
	buf_add(b, line.s, line.len);
	return true;
}

static void make_reply(struct buf *b, const char *name, struct piece lines)
{
	unsigned char wire[255];
	unsigned records = 0, rcode = 0;
	size_t len;

	must(dns_name_wire(wire, &len, name), "a question for what is no name");
	buf_add(b, "\0\0\x81\x80\0\1\0\0\0\0\0\0", 12);
	buf_add(b, wire, len);
	put_16(b, DNS_CAA);
	put_16(b, DNS_CLASS_IN);
	while (lines.len && !b->over) {
		struct piece line = cut(&lines, "\n");

		if (line.len == 7 && memcmp(line.s, "rcode ", 6) == 0)
			rcode = line.s[6] & 15;
		else
			records += put_record(b, line);
	}
	b->s[3] = (char)(b->s[3] | rcode);
	b->s[6] = (char)(records >> 8);
	b->s[7] = (char)records;
}

static void answer(struct question *q)
{
	struct piece reply = cut(&input, "\n====\n");
	struct buf b;

	must(q->type == DNS_CAA && q->flags.rd && !q->flags.cd, "another question");
	must(strcmp(q->name, ".") != 0 && !strv_has(&asked, q->name), "the same question twice");
	strv_add(&asked, q->name);
	q->outcome = ASK_TIMEOUT;
	if (reply.len == 6 && memcmp(reply.s, "silent", 6) == 0)
		return;
	buf_init(&b, WIRE_MAX);
	if (reply.len && reply.s[0] == '!')
		buf_add(&b, reply.s + 1, reply.len - 1);
	else
		make_reply(&b, q->name, reply);
	if (!b.over) {
		q->outcome = ASK_ANSWERED;
		q->reply_len = b.len;
		q->reply = mem_alloc(b.len);
		memcpy(q->reply, b.s, b.len);
	}
	buf_free(&b);
}

const struct ask_limits ask_defaults = { 100, 10, 50, 0, 1500, 3000, 120000, 0 };

void ask_all(struct question *q, size_t n, const struct ask_limits *limits)
{
	(void)limits;
	for (size_t i = 0; i < n; i++)
		answer(&q[i]);
}

const char *ask_outcome_text(enum ask_outcome o)
{
	return o == ASK_TIMEOUT ? "no answer in time" : "no answer";
}

void questions_free(struct question *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(q[i].reply);
		q[i].reply = NULL;
	}
}

/* What must hold ------------------------------------------------------------------------------- */

static void check_set(const struct caa_set *s)
{
	const char *name = s->name + (text_starts(s->name, "*.") ? 2 : 0);
	size_t below = s->at ? strlen(name) - strlen(s->at) : 0;

	must((s->n > 0) == (s->at != NULL) && (!s->problem || !s->n), "a set that is not whole");
	if (s->problem)
		must(*s->problem, "a problem without text");
	if (s->at)
		must(strlen(s->at) <= strlen(name) && strcasecmp(name + below, s->at) == 0 &&
		     (!below || name[below - 1] == '.'), "a set that stands somewhere else");
	for (size_t i = 0; i < s->n; i++) {
		must(s->v[i].tag[0] && printable(s->v[i].tag) && printable(s->v[i].value),
		     "an unclean record");
		for (const char *p = s->v[i].tag; *p; p++)
			must(!isupper((unsigned char)*p), "a tag with capitals");
	}
}

static bool parameter_is(const char *p, const char *name)
{
	p += strspn(p, " \t");
	return strncasecmp(p, name, strlen(name)) == 0 && strchr(" \t=", p[strlen(name)]);
}

/* Less strict than it is: who is refused by this must not be permitted. */
static bool may_permit(const char *value, const struct caa_question *q)
{
	const char *issuer = value + strspn(value, " \t");
	size_t len = strcspn(issuer, " \t;");
	bool ours = false;

	for (size_t i = 0; i < q->issuers->n; i++)
		ours |= strlen(q->issuers->v[i]) == len && strncasecmp(issuer, q->issuers->v[i], len) == 0;
	for (const char *p = strchr(value, ';'); p; p = strchr(p, ';')) {
		p++;
		if (parameter_is(p, "accounturi") && (!q->account_url || !strstr(p, q->account_url)))
			return false;
		if (parameter_is(p, "validationmethods") && !strstr(p, q->method))
			return false;
	}
	return ours;
}

static bool expected(const struct caa_set *s, const struct caa_question *q)
{
	static const char *const known[] = { "issue", "issuewild", "issuemail", "iodef" };
	const char *tag = "issue";
	bool any = false, some = false;

	for (size_t i = 0; i < s->n; i++) {
		bool is_known = false;

		for (size_t k = 0; k < ARRAY_LEN(known); k++)
			is_known |= strcmp(s->v[i].tag, known[k]) == 0;
		if (s->v[i].critical && !is_known)
			return false;
		if (text_starts(q->name, "*.") && strcmp(s->v[i].tag, "issuewild") == 0)
			tag = "issuewild";
	}
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->v[i].tag, tag) != 0)
			continue;
		any = true;
		some |= may_permit(s->v[i].value, q);
	}
	return !s->problem && (!any || some);
}

static bool verdict(const struct caa_set *s, const struct caa_question *q)
{
	char *why;
	bool allowed = caa_allows(s, q, &why);

	must(allowed == !why && (!why || *why), "a refusal without a reason, or the other way round");
	free(why);
	return allowed;
}

static void check_verdict(const struct caa_set *s, const char *account)
{
	char first[] = "CA.test", second[] = "ca.example", *list[] = { first, second };
	const struct strv issuers = { list, 2 };
	const struct caa_question q = { s->name, &issuers, account, "dns-01" };
	struct caa_record *back = mem_array(s->n, sizeof(*back));
	struct caa_set turned = *s;
	bool allowed = verdict(s, &q);

	must(!allowed || expected(s, &q), "permitted, and should not be");
	for (size_t i = 0; i < s->n; i++)
		back[i] = s->v[s->n - 1 - i];
	turned.v = back;
	must(verdict(&turned, &q) == allowed, "the order of records matters");
	for (size_t i = 0; i < s->n && !s->problem; i++)
		back[i] = (struct caa_record){ false, s->v[i].tag, first };
	must(s->problem || verdict(&turned, &q), "our own name does not permit");
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct caa_set s[] = { { .name = "www.a.test" }, { .name = "*.B.a.test" }, { .name = "a.test" } };
	struct look_config c = { .validate = VALIDATE_NO, .resolvers_n = 1 };
	struct addr resolver;

	must(addr_parse(&resolver, "192.0.2.53", 53), "an address");
	c.resolvers = &resolver;
	input = (struct piece){ (const char *)data, size };
	caa_find(s, ARRAY_LEN(s), &c);
	for (size_t i = 0; i < ARRAY_LEN(s); i++) {
		check_set(&s[i]);
		check_verdict(&s[i], ACCOUNT);
		check_verdict(&s[i], NULL);
	}
	caa_free(s, ARRAY_LEN(s));
	strv_free(&asked);
	return 0;
}
