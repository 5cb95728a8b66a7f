/* starttls.c - the talk before TLS, as a machine without a network.
 *
 * What came is cut into messages: lines, for most; tags of XML; packets.  Each protocol has a function that
 * takes one message, and the three that are asked (may I?, do it, go on) are its states, in order:
 *     GREETING   the server speaks first (XMPP: its stream begins)
 *     OFFERS     what it can do
 *     GO_AHEAD   its answer to STARTTLS
 * A protocol leaves out those that it does not have.
 * Touches: nothing.
 */
#include "tls/starttls.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdint.h>
#include <strings.h>

#define MESSAGE_MAX ((size_t)8192)
#define LINES_MAX   500
#define TOTAL_MAX   ((size_t)64 << 10)
#define WORDS_MAX   160                 /* of the server, in `why` */

enum { GREETING, GREETING_GOES_ON, OFFERS, OFFERS_GO_ON, GO_AHEAD, GO_AHEAD_GOES_ON, AN_ERROR };

struct message {
	const char *s;                  /* not terminated by what follows, but by '\0'; may have '\0' in it */
	size_t      len;
};

/* cut: bytes of t->in that the next message has, with what ends it, and where it is; 0: not whole yet. */
struct protocol {
	const char *name;
	uint16_t    ports[2];
	const char *words;              /* for people: "SMTP" */
	void      (*open)(const struct starttls_talk *t, struct buf *out);      /* the client speaks first; NULL */
	size_t    (*cut)(struct message *m, const struct starttls_talk *t);
	enum starttls_next (*take)(struct starttls_talk *t, const struct message *m, struct buf *out);
};
static const struct protocol protocols[STARTTLS_N];

/* Words ---------------------------------------------------------------------------------------- */

/* `what`, and what the server said, made printable and cut; returns `next`. */
static enum starttls_next say(struct starttls_talk *t, enum starttls_next next, const char *what,
			      const char *s, size_t len)
{
	char shown[WORDS_MAX + 1];
	size_t n = len < WORDS_MAX ? len : WORDS_MAX;

	for (size_t i = 0; i < n; i++)
		shown[i] = (char)(s[i] < ' ' || s[i] > '~' ? '?' : s[i]);
	shown[n] = '\0';
	free(t->why);
	if (len)
		t->why = mem_format("%s: \"%s%s\"", what, shown, n < len ? "..." : "");
	else
		t->why = mem_copy_str(what);
	return next;
}

static enum starttls_next unknown(struct starttls_talk *t, const struct message *m)
{
	char *what = mem_format("does not speak %s", protocols[t->how].words);
	enum starttls_next next = say(t, STARTTLS_FAILED, what, m->s, m->len);

	free(what);
	return next;
}

static enum starttls_next turned_away(struct starttls_talk *t, const struct message *m)
{
	return say(t, STARTTLS_FAILED, "turns us away", m->s, m->len);
}

static enum starttls_next busy(struct starttls_talk *t, const struct message *m)
{
	return say(t, STARTTLS_BUSY, "turns everybody away for now", m->s, m->len);
}

static enum starttls_next refused(struct starttls_talk *t, const struct message *m)
{
	return say(t, STARTTLS_FAILED, "refuses STARTTLS", m->s, m->len);
}

static enum starttls_next missing(struct starttls_talk *t)
{
	return say(t, STARTTLS_MISSING, "does not list STARTTLS", "", 0);
}

static enum starttls_next missing_as(struct starttls_talk *t, const struct message *m)
{
	return say(t, STARTTLS_MISSING, "does not know STARTTLS", m->s, m->len);
}

static enum starttls_next ask(struct starttls_talk *t, struct buf *out, const char *line, int state)
{
	buf_add_str(out, line);
	t->state = state;
	return STARTTLS_MORE;
}

/* The word is the first of the message, whole, in letters of any case. */
static bool first_is(const struct message *m, const char *word)
{
	size_t len = strlen(word);

	return m->len >= len && strncasecmp(m->s, word, len) == 0 &&
	       (m->len == len || m->s[len] == ' ' || m->s[len] == '\t');
}

static bool has_word(const struct message *m, const char *word)
{
	for (size_t i = 0; i < m->len; i++)
		if (i == 0 || m->s[i - 1] == ' ') {
			const struct message rest = { m->s + i, m->len - i };

			if (first_is(&rest, word))
				return true;
		}
	return false;
}

static struct message after(const struct message *m, size_t n)
{
	return (struct message){ m->s + n, m->len - n };
}

/* Lines ---------------------------------------------------------------------------------------- */

/* A line from `from` on. */
static size_t cut_line_from(struct message *m, const struct starttls_talk *t, size_t from)
{
	const char *end = memchr(t->in.s + from, '\n', t->in.len - from);
	size_t len = end ? (size_t)(end - t->in.s) : 0;

	if (!end)
		return 0;
	*m = (struct message){ t->in.s, len && t->in.s[len - 1] == '\r' ? len - 1 : len };
	return len + 1;
}

static size_t cut_line(struct message *m, const struct starttls_talk *t)
{
	return cut_line_from(m, t, 0);
}

/* Reply codes: SMTP, LMTP, FTP, NNTP ----------------------------------------------------------- */

/* "250 text", "250-text", "250"; 0: it is no reply. */
static unsigned code_of(const struct message *m, bool *last)
{
	unsigned code = 0;

	for (size_t i = 0; i < 3; i++) {
		if (m->len < 3 || m->s[i] < '0' || m->s[i] > '9')
			return 0;
		code = code * 10 + (unsigned)(m->s[i] - '0');
	}
	if (m->len > 3 && m->s[3] != ' ' && m->s[3] != '-')
		return 0;
	*last = m->len == 3 || m->s[3] == ' ';
	return code >= 100 && code <= 599 ? code : 0;
}

static enum starttls_next smtp_hello(struct starttls_talk *t, struct buf *out)
{
	buf_addf(out, "%s %s\r\n", t->how == STARTTLS_LMTP ? "LHLO" : "EHLO",
		 t->own_name ? t->own_name : "localhost");
	t->state = OFFERS;
	return STARTTLS_MORE;
}

/* Each line of a reply has the code. */
static enum starttls_next take_smtp(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	bool last = true, first = t->state == OFFERS;
	unsigned code = code_of(m, &last);
	const struct message text = after(m, m->len > 4 ? 4 : m->len);

	if (!code)
		return unknown(t, m);
	switch (t->state) {
	case GREETING:
		if (code != 220)
			return code / 100 == 4 ? busy(t, m) : turned_away(t, m);
		return last ? smtp_hello(t, out) : STARTTLS_MORE;
	case OFFERS:
	case OFFERS_GO_ON:
		if (code == 500 || code == 502 || code == 504)  /* SMTP without extensions */
			return missing_as(t, m);
		if (code != 250)
			return code == 421 ? busy(t, m) : turned_away(t, m);
		t->state = OFFERS_GO_ON;
		t->offered |= !first && first_is(&text, "STARTTLS");
		if (!last)
			return STARTTLS_MORE;
		return t->offered ? ask(t, out, "STARTTLS\r\n", GO_AHEAD) : missing(t);
	}
	if (code != 220)
		return refused(t, m);
	return last ? STARTTLS_GO : STARTTLS_MORE;
}

/* Of a reply of several lines, only the first and the last have the code. */
static enum starttls_next take_ftp(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	bool last = true, goes_on = t->state == GREETING_GOES_ON || t->state == GO_AHEAD_GOES_ON;
	unsigned code = code_of(m, &last);

	if (goes_on && (!code || !last))
		return STARTTLS_MORE;
	if (!code)
		return unknown(t, m);
	switch (t->state) {
	case GREETING:
	case GREETING_GOES_ON:
		if (code == 120)        /* wait: a greeting follows */
			return STARTTLS_MORE;
		if (code != 220)
			return code == 421 ? busy(t, m) : turned_away(t, m);
		if (last)
			return ask(t, out, "AUTH TLS\r\n", GO_AHEAD);
		t->state = GREETING_GOES_ON;
		return STARTTLS_MORE;
	}
	if (code == 500 || code == 502 || code == 504 || code == 530 || code == 534)
		return missing_as(t, m);
	if (code != 234)
		return refused(t, m);
	t->state = GO_AHEAD_GOES_ON;
	return last ? STARTTLS_GO : STARTTLS_MORE;
}

static enum starttls_next take_nntp(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	bool last = true;
	unsigned code = code_of(m, &last);

	if (!code)
		return unknown(t, m);
	if (t->state == GREETING && code != 200 && code != 201)
		return code == 400 ? busy(t, m) : turned_away(t, m);
	if (t->state == GREETING)
		return ask(t, out, "STARTTLS\r\n", GO_AHEAD);
	if (code == 500 || code == 502 || code == 503)
		return missing_as(t, m);
	return code == 382 ? STARTTLS_GO : refused(t, m);
}

/* IMAP, POP3, ManageSieve ---------------------------------------------------------------------- */

static enum starttls_next take_imap(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	const char *tag = t->state == GO_AHEAD ? "b" : "a";
	bool untagged = first_is(m, "*");
	const struct message text = after(m, m->len > 2 ? 2 : m->len);

	if (untagged && first_is(&text, "BYE"))
		return busy(t, m);
	if (t->state == GREETING) {
		if (untagged && first_is(&text, "PREAUTH"))     /* RFC 9051 7.1.4: too late for STARTTLS */
			return turned_away(t, m);
		return untagged && first_is(&text, "OK") ? ask(t, out, "a CAPABILITY\r\n", OFFERS) : unknown(t, m);
	}
	if (untagged) {
		t->offered |= first_is(&text, "CAPABILITY") && has_word(&text, "STARTTLS");
		return STARTTLS_MORE;
	}
	if (!first_is(m, tag))
		return unknown(t, m);
	if (t->state == GO_AHEAD)
		return first_is(&text, "OK") ? STARTTLS_GO : refused(t, m);
	if (!first_is(&text, "OK"))
		return turned_away(t, m);
	return t->offered ? ask(t, out, "b STARTTLS\r\n", GO_AHEAD) : missing(t);
}

/* Servers without CAPA (RFC 2449) may know STLS. */
static enum starttls_next take_pop3(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	bool good = first_is(m, "+OK");

	if (t->state != OFFERS_GO_ON && !good && !first_is(m, "-ERR"))
		return unknown(t, m);
	switch (t->state) {
	case GREETING:
		return good ? ask(t, out, "CAPA\r\n", OFFERS) : busy(t, m);
	case OFFERS:
		if (!good)
			return ask(t, out, "STLS\r\n", GO_AHEAD);
		t->state = OFFERS_GO_ON;
		return STARTTLS_MORE;
	case OFFERS_GO_ON:
		t->offered |= first_is(m, "STLS");
		if (!first_is(m, "."))
			return STARTTLS_MORE;
		return t->offered ? ask(t, out, "STLS\r\n", GO_AHEAD) : missing(t);
	}
	if (good)
		return STARTTLS_GO;
	return t->offered ? refused(t, m) : missing_as(t, m);
}

/* The n of "{n}" or "{n+}" that a line ends with; false if it does not. */
static bool ends_in_literal(const struct message *m, size_t *n)
{
	size_t at = m->len, scale = 1;

	*n = 0;
	if (!at || m->s[--at] != '}')
		return false;
	if (at && m->s[at - 1] == '+')
		at--;
	for (; at && m->s[at - 1] >= '0' && m->s[at - 1] <= '9' && scale <= MESSAGE_MAX; scale *= 10)
		*n += (size_t)(m->s[--at] - '0') * scale;
	return scale > 1 && at && m->s[at - 1] == '{';
}

/* Literals of n bytes (RFC 5804 4) belong to the line, with what follows them. */
static size_t cut_sieve(struct message *m, const struct starttls_talk *t)
{
	size_t end = cut_line(m, t), n;

	while (end && ends_in_literal(m, &n)) {
		if (n > t->in.len - end)
			return 0;
		end = cut_line_from(m, t, end + n);
	}
	return end;
}

/* The name of a capability: "STARTTLS", or as a literal. */
static bool sieve_names(const struct message *m, const char *word)
{
	const char *start = m->s[0] == '{' ? memchr(m->s, '\n', m->len) : m->s;
	size_t len = strlen(word), at = start ? (size_t)(start - m->s) + 1 : m->len;

	return at + len <= m->len && strncasecmp(m->s + at, word, len) == 0 &&
	       (at + len == m->len || strchr("\" \r", m->s[at + len]));
}

static enum starttls_next take_sieve(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	if (first_is(m, "BYE"))
		return busy(t, m);
	if (t->state == GO_AHEAD) {
		if (first_is(m, "OK"))
			return STARTTLS_GO;
		return first_is(m, "NO") ? refused(t, m) : unknown(t, m);
	}
	if (first_is(m, "NO"))
		return turned_away(t, m);
	if (first_is(m, "OK"))
		return t->offered ? ask(t, out, "STARTTLS\r\n", GO_AHEAD) : missing(t);
	if (!m->len || (m->s[0] != '"' && m->s[0] != '{'))
		return unknown(t, m);
	t->offered |= sieve_names(m, "STARTTLS");
	return STARTTLS_MORE;
}

/* XMPP ----------------------------------------------------------------------------------------- */

static void open_xmpp(const struct starttls_talk *t, struct buf *out)
{
	buf_add_str(out, "<?xml version='1.0'?><stream:stream");
	if (t->domain) {
		buf_add_str(out, " to='");
		for (const char *p = t->domain; *p; p++)
			if (strchr("<>&'\"", *p))
				buf_addf(out, "&#%d;", *p);
			else
				buf_add_char(out, *p);
		buf_add_char(out, '\'');
	}
	buf_addf(out, " xmlns='jabber:%s' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>",
		 t->how == STARTTLS_XMPP_SERVER ? "server" : "client");
}

static bool is_blank(const struct message *m)
{
	for (size_t i = 0; i < m->len; i++)
		if (!memchr(" \t\r\n", m->s[i], 4))
			return false;
	return true;
}

/* A tag, with "<" and ">"; what stands before it is a message of its own. */
static size_t cut_tag(struct message *m, const struct starttls_talk *t)
{
	char quote = '\0';

	if (t->in.len && t->in.s[0] != '<') {
		const char *next = memchr(t->in.s, '<', t->in.len);

		*m = (struct message){ t->in.s, next ? (size_t)(next - t->in.s) : t->in.len };
		return next || (t->state == GREETING && !is_blank(m)) ? m->len : 0;
	}
	for (size_t i = 1; i < t->in.len; i++) {
		char c = t->in.s[i];

		if (quote)
			quote = c == quote ? '\0' : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '>') {
			*m = (struct message){ t->in.s, i + 1 };
			return i + 1;
		}
	}
	return 0;
}

/* The name of a tag without prefix; "/" stays in front of the one that ends an element. */
static bool tag_is(const struct message *m, const char *name)
{
	size_t at = 1, end;

	if (m->s[at] == '/' && *name++ != '/')
		return false;
	at += m->s[at] == '/';
	for (end = at; end < m->len && !memchr(" \t\r\n/>", m->s[end], 6); end++)
		if (m->s[end] == ':')
			at = end + 1;
	return end - at == strlen(name) && memcmp(m->s + at, name, end - at) == 0;
}

static bool is_empty(const struct message *m)
{
	return m->len > 2 && m->s[m->len - 2] == '/';
}

/* "<host-unknown xmlns='...'/>": the name is what it says. */
static enum starttls_next xmpp_error(struct starttls_talk *t, const struct message *m)
{
	size_t len = strcspn(m->s + 1, " \t\r\n/>");

	return say(t, STARTTLS_FAILED, "turns us away", m->s + 1, len < m->len - 1 ? len : m->len - 1);
}

/* In the order in which they come: <?xml?>, <stream>, <features>, what it can do, </features>; then
 * <proceed/>, which may have an end of its own.  A stream without version has no features (RFC 6120
 * 4.7.5). */
static enum starttls_next take_xmpp(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	bool ends = tag_is(m, "/features") || (tag_is(m, "features") && is_empty(m));

	if (m->s[0] != '<')
		return is_blank(m) || t->state == OFFERS_GO_ON ? STARTTLS_MORE : unknown(t, m);
	if (t->state == AN_ERROR)
		return xmpp_error(t, m);
	if (tag_is(m, "error")) {
		t->state = AN_ERROR;
		return STARTTLS_MORE;
	}
	switch (t->state) {
	case GREETING:
		if (m->s[1] == '?')
			return STARTTLS_MORE;
		if (!tag_is(m, "stream"))
			return unknown(t, m);
		t->state = OFFERS;
		return memmem(m->s, m->len, " version", 8) ? STARTTLS_MORE : missing(t);
	case OFFERS:
		if (!tag_is(m, "features"))
			return tag_is(m, "/stream") ? turned_away(t, m) : unknown(t, m);
		t->state = OFFERS_GO_ON;
		break;
	case GO_AHEAD:
		if (!tag_is(m, "proceed"))
			return refused(t, m);
		t->state = GO_AHEAD_GOES_ON;
		return is_empty(m) ? STARTTLS_GO : STARTTLS_MORE;
	case GO_AHEAD_GOES_ON:
		return tag_is(m, "/proceed") ? STARTTLS_GO : unknown(t, m);
	}
	t->offered |= tag_is(m, "starttls");
	if (!ends)
		return STARTTLS_MORE;
	if (!t->offered)
		return missing(t);
	return ask(t, out, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", GO_AHEAD);
}

/* LDAP ----------------------------------------------------------------------------------------- */

static void open_ldap(const struct starttls_talk *t, struct buf *out)
{
	static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" "1.3.6.1.4.1.1466.20037";

	(void)t;
	buf_add(out, request, sizeof(request) - 1);
}

/* Takes the head of an element off m: 1, and *in is what is in it, as far as it came; 0: the head is not
 * whole; -1: another tag, or a length that is none. */
static int ber_enter(struct message *in, size_t *len, const struct message *m, unsigned char tag)
{
	const unsigned char *p = (const unsigned char *)m->s;
	size_t more = m->len >= 2 && p[1] > 0x80 ? p[1] & 0x7fU : 0;

	if ((m->len && p[0] != tag) || (m->len >= 2 && p[1] == 0x80) || more > 4)
		return -1;
	if (m->len < 2 + more)
		return 0;
	*len = more ? 0 : p[1];
	for (size_t i = 0; i < more; i++)
		*len = *len << 8 | p[2 + i];
	*in = after(m, 2 + more);
	return 1;
}

/* The element at m is whole: what is in it, and m is what follows. */
static bool ber_next(struct message *in, struct message *m, unsigned char tag)
{
	size_t len;

	if (ber_enter(in, &len, m, tag) != 1 || len > in->len)
		return false;
	*m = after(in, len);
	in->len = len;
	return true;
}

/* One that is no LDAP is handed on as it is. */
static size_t cut_ber(struct message *m, const struct starttls_talk *t)
{
	const struct message all = { t->in.s, t->in.len };
	struct message in;
	size_t len, end;
	int rc = ber_enter(&in, &len, &all, 0x30);

	*m = all;
	if (rc < 0 || (rc && len > MESSAGE_MAX))
		return all.len;
	end = rc ? (size_t)(in.s - all.s) + len : 0;
	if (!rc || end > all.len)
		return 0;
	m->len = end;
	return end;
}

/* ExtendedResponse of RFC 4511 4.12: id, then result code, matched DN, words. */
static enum starttls_next take_ldap(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	struct message rest = *m, in, id, op, code, dn, words;

	(void)out;
	if (!ber_next(&in, &rest, 0x30) || !ber_next(&id, &in, 0x02) || !ber_next(&op, &in, 0x78) ||
	    !ber_next(&code, &op, 0x0a) || code.len != 1 || !ber_next(&dn, &op, 0x04) ||
	    !ber_next(&words, &op, 0x04))
		return unknown(t, m);
	if (id.len != 1 || id.s[0] != 1)        /* 0: it ends the connection (4.4.1) */
		return turned_away(t, &words);
	if (code.s[0] == 2)                     /* protocolError: an operation that it does not know (4.14.1) */
		return missing_as(t, &words);
	return code.s[0] == 0 ? STARTTLS_GO : refused(t, &words);
}

/* PostgreSQL and MySQL ------------------------------------------------------------------------- */

static void open_postgres(const struct starttls_talk *t, struct buf *out)
{
	(void)t;
	buf_add(out, "\0\0\0\10\4\xd2\x16\x2f", 8);
}

/* One byte; or an error, "E" and a length that counts itself. */
static size_t cut_postgres(struct message *m, const struct starttls_talk *t)
{
	const unsigned char *p = (const unsigned char *)t->in.s;
	size_t len = 1;

	if (t->in.len && p[0] == 'E') {
		if (t->in.len < 5)
			return 0;
		len += (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
		if (len < 5 || len > MESSAGE_MAX)
			len = t->in.len;
	}
	*m = (struct message){ t->in.s, len };
	return len <= t->in.len ? len : 0;
}

/* Of an error, the field "M": the message (PostgreSQL's protocol, "Error and Notice Message Fields"). */
static enum starttls_next take_postgres(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	struct message words = after(m, m->len < 5 ? m->len : 5);

	(void)out;
	if (m->s[0] == 'S')
		return STARTTLS_GO;
	if (m->s[0] == 'N')
		return say(t, STARTTLS_MISSING, "has no TLS", "", 0);
	if (m->s[0] != 'E')
		return unknown(t, &(struct message){ t->in.s, t->in.len });
	for (struct message field = words; field.len;) {
		const char *end = memchr(field.s, '\0', field.len);
		size_t len = end ? (size_t)(end - field.s) : field.len;

		if (field.s[0] == 'M' && len)
			words = (struct message){ field.s + 1, len - 1 };
		field = after(&field, end ? len + 1 : len);
	}
	return turned_away(t, &words);
}

#define MYSQL_HEAD 4                    /* three bytes of length, a number */
#define MYSQL_CLIENT_SSL 0x0800

/* Of a packet with its head. */
static size_t mysql_len(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	return MYSQL_HEAD + (p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16);
}

/* One that is too long is handed on as far as it came. */
static size_t cut_mysql(struct message *m, const struct starttls_talk *t)
{
	size_t len = t->in.len < MYSQL_HEAD ? SIZE_MAX : mysql_len(t->in.s);

	*m = (struct message){ t->in.s, t->in.len };
	if (len > t->in.len)
		return len > MESSAGE_MAX && t->in.len >= MYSQL_HEAD ? t->in.len : 0;
	m->len = len;
	return len;
}

/* HandshakeV10: 10, version and NUL, 4 bytes thread, 8 + 1 of a challenge, then what it can do; or 0xff, 2
 * bytes of an error, words.  The answer is the head of a HandshakeResponse41: PROTOCOL_41, SSL,
 * SECURE_CONNECTION. */
static enum starttls_next take_mysql(struct starttls_talk *t, const struct message *m, struct buf *out)
{
	static const char request[MYSQL_HEAD + 32] = "\40\0\0\1" "\0\x8a\0\0" "\0\0\0\1" "\41";
	const struct message body = after(m, MYSQL_HEAD);
	const char *end = memchr(body.s, '\0', body.len);
	size_t at = end ? (size_t)(end - body.s) + 1 + 4 + 8 + 1 : body.len;

	if (mysql_len(m->s) != m->len)
		return unknown(t, m);
	if (body.len >= 3 && body.s[0] == '\xff') {
		const struct message words = after(&body, 3);

		return turned_away(t, &words);
	}
	if (!body.len || body.s[0] != 10 || at + 2 > body.len)
		return unknown(t, m);
	if (!((unsigned char)body.s[at + 1] << 8 & MYSQL_CLIENT_SSL))
		return say(t, STARTTLS_MISSING, "has no TLS", "", 0);
	buf_add(out, request, sizeof(request));
	return STARTTLS_GO;
}

/* The machine ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct protocol protocols[STARTTLS_N] = {
	[STARTTLS_NONE] = { "none", { 0 }, "TLS", NULL, NULL, NULL },
	[STARTTLS_SMTP] = { "smtp", { 25, 587 }, "SMTP", NULL, cut_line, take_smtp },
	[STARTTLS_LMTP] = { "lmtp", { 24 }, "LMTP", NULL, cut_line, take_smtp },
	[STARTTLS_IMAP] = { "imap", { 143 }, "IMAP", NULL, cut_line, take_imap },
	[STARTTLS_POP3] = { "pop3", { 110 }, "POP3", NULL, cut_line, take_pop3 },
	[STARTTLS_SIEVE] = { "sieve", { 4190 }, "ManageSieve", NULL, cut_sieve, take_sieve },
	[STARTTLS_XMPP_CLIENT] = { "xmpp-client", { 5222 }, "XMPP", open_xmpp, cut_tag, take_xmpp },
	[STARTTLS_XMPP_SERVER] = { "xmpp-server", { 5269 }, "XMPP", open_xmpp, cut_tag, take_xmpp },
	[STARTTLS_FTP] = { "ftp", { 21 }, "FTP", NULL, cut_line, take_ftp },
	[STARTTLS_LDAP] = { "ldap", { 389 }, "LDAP", open_ldap, cut_ber, take_ldap },
	[STARTTLS_NNTP] = { "nntp", { 119 }, "NNTP", NULL, cut_line, take_nntp },
	[STARTTLS_POSTGRES] = { "postgres", { 5432 }, "PostgreSQL's protocol", open_postgres, cut_postgres,
				take_postgres },
	[STARTTLS_MYSQL] = { "mysql", { 3306 }, "MySQL's protocol", NULL, cut_mysql, take_mysql },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(protocols) == STARTTLS_MYSQL + 1, "a row for every protocol");

const char *starttls_name(enum starttls s)
{
	return protocols[s].name;
}

bool starttls_parse(const char *name, enum starttls *s)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		if (strcmp(protocols[i].name, name) == 0) {
			*s = (enum starttls)i;
			return true;
		}
	return false;
}

enum starttls starttls_of_port(unsigned port)
{
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		for (size_t k = 0; k < ARRAY_LEN(protocols[i].ports); k++)
			if (port && protocols[i].ports[k] == port)
				return (enum starttls)i;
	return STARTTLS_NONE;
}

enum starttls starttls_of_greeting(const char *line)
{
	static const struct {
		const char *first, *also;       /* NULL: whatever follows */
		enum starttls how;
	} rows[] = {
		{ "220", "LMTP", STARTTLS_LMTP },
		{ "220", "SMTP", STARTTLS_SMTP },
		{ "220", "FTP", STARTTLS_FTP },
		{ "220", NULL, STARTTLS_SMTP },
		{ "* OK", NULL, STARTTLS_IMAP },
		{ "+OK", NULL, STARTTLS_POP3 },
		{ "\"IMPLEMENTATION\"", NULL, STARTTLS_SIEVE },
		{ "<?xml", "jabber:server", STARTTLS_XMPP_SERVER },
		{ "<?xml", NULL, STARTTLS_XMPP_CLIENT },
		{ "<stream", "jabber:server", STARTTLS_XMPP_SERVER },
		{ "<stream", NULL, STARTTLS_XMPP_CLIENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (text_starts(line, rows[i].first) && (!rows[i].also || strcasestr(line, rows[i].also)))
			return rows[i].how;
	return STARTTLS_NONE;
}

void starttls_begin(struct starttls_talk *t, enum starttls how, const char *domain, const char *own_name)
{
	*t = (struct starttls_talk){ .how = how, .domain = domain, .own_name = own_name };
	buf_init(&t->in, TOTAL_MAX);
}

void starttls_end(struct starttls_talk *t)
{
	buf_free(&t->in);
	free(t->why);
	t->why = NULL;
}

static enum starttls_next flood(struct starttls_talk *t, const char *what)
{
	char *text = mem_format("sends %s before it says whether TLS may begin", what);
	enum starttls_next next = say(t, STARTTLS_FAILED, text, t->in.s, t->in.len < 40 ? t->in.len : 40);

	free(text);
	return next;
}

static void drop(struct buf *in, size_t n)
{
	memmove(in->s, in->s + n, in->len - n + 1);
	in->len -= n;
}

enum starttls_next starttls_step(struct starttls_talk *t, const char *bytes, size_t len, struct buf *out)
{
	const struct protocol *p = &protocols[t->how];
	enum starttls_next next = STARTTLS_MORE;
	struct message m = { 0 };
	size_t used = 0;

	if (!p->take)
		return STARTTLS_GO;
	if (p->open && len == 0)
		p->open(t, out);
	t->total += len;
	if (t->total > TOTAL_MAX)
		return flood(t, "too many bytes");
	buf_add(&t->in, bytes, len);
	while (next == STARTTLS_MORE && (used = p->cut(&m, t)) > 0 && used <= MESSAGE_MAX) {
		if (++t->lines > LINES_MAX)
			return flood(t, "too many lines");
		next = p->take(t, &m, out);
		drop(&t->in, used);
	}
	if (next == STARTTLS_MORE && t->in.len > MESSAGE_MAX)
		return flood(t, "too long a line");
	if (next == STARTTLS_GO && t->in.len)   /* not protected by TLS, and taken as if it were */
		return say(t, STARTTLS_FAILED, "sends something in the clear after its go-ahead", t->in.s, t->in.len);
	return next;
}
