/* test_starttls.c - the talk before TLS: what servers say, whole and byte by byte, and what comes of it.
 * Touches: nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "tls/starttls.h"

#define TURNS_MAX 4

/* clang-format off */
#define SMTP_ASKED  "EHLO me.test\r\nSTARTTLS\r\n"
#define EHLO_ASKED  "EHLO me.test\r\n"
#define IMAP_ASKED  "a CAPABILITY\r\nb STARTTLS\r\n"
#define POP3_ASKED  "CAPA\r\nSTLS\r\n"
#define STREAM      "<?xml version='1.0'?><stream:stream to='a&#38;b.test' xmlns='jabber:client'" \
		    " xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
#define STARTS      "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define XMPP_OPEN   "<?xml version='1.0'?>\n<stream:stream id=\"a>b\" from='b.test' version='1.0' xml:lang='en'>"
#define LDAP_ASKED  "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" "1.3.6.1.4.1.1466.20037"
#define PG_ASKED    "\0\0\0\x08\x04\xd2\x16\x2f"
#define MYSQL_HELLO "\x0a" "8.0.1\0" "\1\0\0\0" "12345678" "\0"
#define MYSQL_ASKED "\x20\0\0\1\0\x8a\0\0\0\0\0\1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define M(s) { s, sizeof(s) - 1 }

/* What a server says in each turn, what it was asked in all, and the end. */
static const struct row {
	enum starttls how;
	struct { const char *s; size_t len; } says[TURNS_MAX], asked;
	enum starttls_next next;
	const char *why;                /* is part of it */
} rows[] = {
	{ STARTTLS_NONE, { M("") }, M(""), STARTTLS_GO, NULL },

	{ STARTTLS_SMTP, { M("220 x ESMTP\r\n"), M("250-x\r\n250-PIPELINING\r\n250 StartTLS\r\n"), M("220 go\r\n") },
	  M(SMTP_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_SMTP, { M("220-wait\n220-for\n220 it\n"), M("250-STARTTLS\n250-STARTTLS\n250\n"), M("220-a\n220\n") },
	  M(SMTP_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_SMTP, { M("220 x\r\n"), M("250-x\r\n250 SIZE\r\n") }, M(EHLO_ASKED), STARTTLS_MISSING, "list" },
	{ STARTTLS_SMTP, { M("220 x\r\n"), M("250-STARTTLS\r\n250 STARTTLSX\r\n") }, M(EHLO_ASKED), STARTTLS_MISSING, "list" },
	{ STARTTLS_SMTP, { M("220 x\r\n"), M("502 what?\r\n") }, M(EHLO_ASKED), STARTTLS_MISSING, "\"502 what?\"" },
	{ STARTTLS_SMTP, { M("554 5.7.1 go\taway\r\n") }, M(""), STARTTLS_FAILED, "turns us away: \"554 5.7.1 go?away\"" },
	{ STARTTLS_SMTP, { M("421 busy\r\n") }, M(""), STARTTLS_BUSY, "421 busy" },
	{ STARTTLS_SMTP, { M("220 x\r\n"), M("421 bye\r\n") }, M(EHLO_ASKED), STARTTLS_BUSY, "turns everybody away for now: \"421 bye" },
	{ STARTTLS_SMTP, { M("220 x\r\n"), M("250-x\r\n250 STARTTLS\r\n"), M("454 no key\r\n") },
	  M(SMTP_ASKED), STARTTLS_FAILED, "refuses STARTTLS: \"454 no key\"" },
	{ STARTTLS_SMTP, { M("220 x\r\n"), M("250-x\r\n250 STARTTLS\r\n"), M("220 go\r\n250 x\r\n") },
	  M(SMTP_ASKED), STARTTLS_FAILED, "in the clear after its go-ahead: \"250 x" },
	{ STARTTLS_SMTP, { M("SSH-2.0-OpenSSH\r\n") }, M(""), STARTTLS_FAILED, "does not speak SMTP: \"SSH" },
	{ STARTTLS_SMTP, { M("220x\r\n") }, M(""), STARTTLS_FAILED, "does not speak SMTP" },
	{ STARTTLS_SMTP, { M("2\0 x\r\n") }, M(""), STARTTLS_FAILED, "does not speak SMTP: \"2? x\"" },
	{ STARTTLS_SMTP, { M("\r\n") }, M(""), STARTTLS_FAILED, "does not speak SMTP" },
	{ STARTTLS_SMTP, { M("220 half") }, M(""), STARTTLS_MORE, NULL },
	{ STARTTLS_LMTP, { M("220 x LMTP\r\n"), M("250-x\r\n250-STARTTLS\r\n250 SIZE\r\n"), M("220 go\r\n") },
	  M("LHLO me.test\r\nSTARTTLS\r\n"), STARTTLS_GO, NULL },

	{ STARTTLS_IMAP, { M("* OK hi\r\n"), M("* CAPABILITY IMAP4rev1 starttls\r\na OK done\r\n"), M("b OK go\r\n") },
	  M(IMAP_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_IMAP, { M("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n"), M("* OK x\r\n* CAPABILITY STARTTLS A\r\na OK\r\n"),
			   M("* OK y\r\nB ok go\r\n") }, M(IMAP_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_IMAP, { M("* OK [CAPABILITY STARTTLS]\r\n"), M("* CAPABILITY IMAP4rev1 XSTARTTLS\r\na OK\r\n") },
	  M("a CAPABILITY\r\n"), STARTTLS_MISSING, "list" },
	{ STARTTLS_IMAP, { M("* OK hi\r\n"), M("* CAPABILITY STARTTLS\r\na OK\r\n"), M("b NO later\r\n") },
	  M(IMAP_ASKED), STARTTLS_FAILED, "refuses STARTTLS: \"b NO later\"" },
	{ STARTTLS_IMAP, { M("* OK hi\r\n"), M("* CAPABILITY STARTTLS\r\na OK\r\n"), M("b OK go\r\n* BYE\r\n") },
	  M(IMAP_ASKED), STARTTLS_FAILED, "after its go-ahead" },
	{ STARTTLS_IMAP, { M("* OK hi\r\n"), M("* BYE idle\r\n") }, M("a CAPABILITY\r\n"), STARTTLS_BUSY, "for now" },
	{ STARTTLS_IMAP, { M("* OK hi\r\n"), M("a BAD what\r\n") }, M("a CAPABILITY\r\n"), STARTTLS_FAILED, "BAD what" },
	{ STARTTLS_IMAP, { M("* PREAUTH hi\r\n") }, M(""), STARTTLS_FAILED, "PREAUTH" },
	{ STARTTLS_IMAP, { M("* BYE full\r\n") }, M(""), STARTTLS_BUSY, "for now" },
	{ STARTTLS_IMAP, { M("+OK hi\r\n") }, M(""), STARTTLS_FAILED, "does not speak IMAP" },

	{ STARTTLS_POP3, { M("+OK hi\r\n"), M("+OK\r\nTOP\r\nSTLS\r\n.\r\n"), M("+OK go\r\n") }, M(POP3_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_POP3, { M("+OK hi\r\n"), M("-ERR what\r\n"), M("+OK go\r\n") }, M(POP3_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_POP3, { M("+OK hi\r\n"), M("-ERR what\r\n"), M("-ERR no\r\n") }, M(POP3_ASKED), STARTTLS_MISSING, "-ERR no" },
	{ STARTTLS_POP3, { M("+OK hi\r\n"), M("+OK\r\nTOP\r\n.\r\n") }, M("CAPA\r\n"), STARTTLS_MISSING, "list" },
	{ STARTTLS_POP3, { M("+OK hi\r\n"), M("+OK\r\nSTLS\r\n.\r\n"), M("-ERR no\r\n") }, M(POP3_ASKED), STARTTLS_FAILED, "refuses" },
	{ STARTTLS_POP3, { M("+OK hi\r\n"), M("+OK\r\nSTLS\r\n.\r\n"), M("+OK\r\n+OK\r\n") },
	  M(POP3_ASKED), STARTTLS_FAILED, "after its go-ahead" },
	{ STARTTLS_POP3, { M("-ERR busy\r\n") }, M(""), STARTTLS_BUSY, "for now" },
	{ STARTTLS_POP3, { M("* OK hi\r\n") }, M(""), STARTTLS_FAILED, "does not speak POP3" },

	{ STARTTLS_SIEVE, { M("\"IMPLEMENTATION\" \"x\"\r\n\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK \"hi\"\r\n"), M("OK\r\n") },
	  M("STARTTLS\r\n"), STARTTLS_GO, NULL },
	{ STARTTLS_SIEVE, { M("\"IMPLEMENTATION\" {10}\r\nOK\r\nOK\r\nxy\r\n{8+}\r\nSTARTTLS\r\nOK (TAG {3}\r\n\r\nx) \"hi\"\r\n"), M("ok \"go\"\r\n") },
	  M("STARTTLS\r\n"), STARTTLS_GO, NULL },
	{ STARTTLS_SIEVE, { M("\"SIEVE\" {10}\r\n\"STARTTLS\"\r\nOK\r\n") }, M(""), STARTTLS_MISSING, "list" },
	{ STARTTLS_SIEVE, { M("\"STARTTLS\"\r\nOK\r\n"), M("NO \"broken\"\r\n") }, M("STARTTLS\r\n"), STARTTLS_FAILED, "refuses" },
	{ STARTTLS_SIEVE, { M("\"STARTTLS\"\r\nOK\r\n"), M("OK\r\n\"SIEVE\"\r\n") }, M("STARTTLS\r\n"), STARTTLS_FAILED, "after its" },
	{ STARTTLS_SIEVE, { M("BYE \"busy\"\r\n") }, M(""), STARTTLS_BUSY, "for now" },
	{ STARTTLS_SIEVE, { M("220 hi\r\n") }, M(""), STARTTLS_FAILED, "does not speak ManageSieve" },

	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
				    "<mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>"),
				  M("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>") }, M(STREAM STARTS), STARTTLS_GO, NULL },
	{ STARTTLS_XMPP_CLIENT, { M("<s:stream version=\"1.0\">\n <s:features\n><t:starttls/></s:features >"),
				  M(" <t:proceed a='/>' ></t:proceed>") }, M(STREAM STARTS), STARTTLS_GO, NULL },
	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "<stream:features/>") }, M(STREAM), STARTTLS_MISSING, "list" },
	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "<features><a/><nostarttls/></features>") }, M(STREAM), STARTTLS_MISSING, "list" },
	{ STARTTLS_XMPP_CLIENT, { M("<stream:stream from='x'>") }, M(STREAM), STARTTLS_MISSING, "list" },
	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "<stream:error><host-unknown xmlns='x'/>") }, M(STREAM), STARTTLS_FAILED, "\"host-unknown\"" },
	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "</stream:stream>") }, M(STREAM), STARTTLS_FAILED, "turns us away" },
	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "<features><starttls/></features>"), M("<failure/>") }, M(STREAM STARTS), STARTTLS_FAILED, "refuses" },
	{ STARTTLS_XMPP_CLIENT, { M(XMPP_OPEN "<features><starttls/></features>"), M("<proceed/><x/>") },
	  M(STREAM STARTS), STARTTLS_FAILED, "after its" },
	{ STARTTLS_XMPP_CLIENT, { M("220 hi\r\n") }, M(STREAM), STARTTLS_FAILED, "does not speak XMPP" },
	{ STARTTLS_XMPP_CLIENT, { M("<html>") }, M(STREAM), STARTTLS_FAILED, "does not speak XMPP" },

	{ STARTTLS_FTP, { M("220 hi\r\n"), M("234 go\r\n") }, M("AUTH TLS\r\n"), STARTTLS_GO, NULL },
	{ STARTTLS_FTP, { M("120 wait\r\n220-hi\r\n there\r\n230-x\r\n220 it\r\n"), M("234-go\r\nand\r\n234 go\r\n") },
	  M("AUTH TLS\r\n"), STARTTLS_GO, NULL },
	{ STARTTLS_FTP, { M("220 hi\r\n"), M("530 log in\r\n") }, M("AUTH TLS\r\n"), STARTTLS_MISSING, "530 log in" },
	{ STARTTLS_FTP, { M("220 hi\r\n"), M("431 later\r\n") }, M("AUTH TLS\r\n"), STARTTLS_FAILED, "refuses" },
	{ STARTTLS_FTP, { M("220 hi\r\n"), M("234 go\r\n220 x\r\n") }, M("AUTH TLS\r\n"), STARTTLS_FAILED, "after its" },
	{ STARTTLS_FTP, { M("421 full\r\n") }, M(""), STARTTLS_BUSY, "for now" },
	{ STARTTLS_FTP, { M("hello\r\n") }, M(""), STARTTLS_FAILED, "does not speak FTP" },

	{ STARTTLS_LDAP, { M("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0") }, M(LDAP_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_LDAP, { M("\x30\x84\0\0\0\x28\x02\x01\x01\x78\x84\0\0\0\x1f\x0a\x01\0\x04\0\x04\0\x8a\x16" "1.3.6.1.4.1.1466.20037") },
	  M(LDAP_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_LDAP, { M("\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\2\x04\0\x04\2no") }, M(LDAP_ASKED), STARTTLS_MISSING, "\"no\"" },
	{ STARTTLS_LDAP, { M("\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x34\x04\0\x04\2no") }, M(LDAP_ASKED), STARTTLS_FAILED, "refuses STARTTLS: \"no\"" },
	{ STARTTLS_LDAP, { M("\x30\x0e\x02\x01\0\x78\x09\x0a\x01\x34\x04\0\x04\2no") }, M(LDAP_ASKED), STARTTLS_FAILED, "turns us away" },
	{ STARTTLS_LDAP, { M("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0x") }, M(LDAP_ASKED), STARTTLS_FAILED, "after its" },
	{ STARTTLS_LDAP, { M("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\x01") }, M(LDAP_ASKED), STARTTLS_FAILED, "does not speak" },
	{ STARTTLS_LDAP, { M("\x30\x80") }, M(LDAP_ASKED), STARTTLS_FAILED, "does not speak LDAP" },
	{ STARTTLS_LDAP, { M("\x30\x84\xff\xff\xff\xff") }, M(LDAP_ASKED), STARTTLS_FAILED, "does not speak LDAP" },
	{ STARTTLS_LDAP, { M("220 hi\r\n") }, M(LDAP_ASKED), STARTTLS_FAILED, "does not speak LDAP" },

	{ STARTTLS_NNTP, { M("200 hi\r\n"), M("382 go\r\n") }, M("STARTTLS\r\n"), STARTTLS_GO, NULL },
	{ STARTTLS_NNTP, { M("201 hi\r\n"), M("500 what\r\n") }, M("STARTTLS\r\n"), STARTTLS_MISSING, "500 what" },
	{ STARTTLS_NNTP, { M("200 hi\r\n"), M("580 no\r\n") }, M("STARTTLS\r\n"), STARTTLS_FAILED, "refuses" },
	{ STARTTLS_NNTP, { M("200 hi\r\n"), M("382 go\r\n.\r\n") }, M("STARTTLS\r\n"), STARTTLS_FAILED, "after its" },
	{ STARTTLS_NNTP, { M("400 later\r\n") }, M(""), STARTTLS_BUSY, "for now" },
	{ STARTTLS_NNTP, { M("502 no\r\n") }, M(""), STARTTLS_FAILED, "turns us away" },
	{ STARTTLS_NNTP, { M("+OK\r\n") }, M(""), STARTTLS_FAILED, "does not speak NNTP" },

	{ STARTTLS_POSTGRES, { M("S") }, M(PG_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_POSTGRES, { M("N") }, M(PG_ASKED), STARTTLS_MISSING, "no TLS" },
	{ STARTTLS_POSTGRES, { M("Sx") }, M(PG_ASKED), STARTTLS_FAILED, "after its" },
	{ STARTTLS_POSTGRES, { M("E\0\0\0\x14SFATAL\0Mtoo many\0\0") }, M(PG_ASKED), STARTTLS_FAILED, "turns us away: \"too many\"" },
	{ STARTTLS_POSTGRES, { M("E\0\0\0\0") }, M(PG_ASKED), STARTTLS_FAILED, "turns us away" },
	{ STARTTLS_POSTGRES, { M("220 hi") }, M(PG_ASKED), STARTTLS_FAILED, "does not speak" },

	{ STARTTLS_MYSQL, { M("\x17\0\0\0" MYSQL_HELLO "\xff\xff\x21") }, M(MYSQL_ASKED), STARTTLS_GO, NULL },
	{ STARTTLS_MYSQL, { M("\x16\0\0\0" MYSQL_HELLO "\xff\xf7") }, M(""), STARTTLS_MISSING, "no TLS" },
	{ STARTTLS_MYSQL, { M("\x16\0\0\0" MYSQL_HELLO "\xff\xff" "x") }, M(MYSQL_ASKED), STARTTLS_FAILED, "after its" },
	{ STARTTLS_MYSQL, { M("\x07\0\0\0\xff\x10\x04" "full") }, M(""), STARTTLS_FAILED, "turns us away: \"full\"" },
	{ STARTTLS_MYSQL, { M("\x15\0\0\0" MYSQL_HELLO "\xff") }, M(""), STARTTLS_FAILED, "does not speak MySQL" },
	{ STARTTLS_MYSQL, { M("\x16\0\x20\0" MYSQL_HELLO "\xff\xff") }, M(""), STARTTLS_FAILED, "does not speak MySQL" },
	{ STARTTLS_MYSQL, { M("\0\0\0\0") }, M(""), STARTTLS_FAILED, "does not speak MySQL" },
	{ STARTTLS_MYSQL, { M("220 hi\r\n") }, M(""), STARTTLS_FAILED, "does not speak MySQL" },
};
/* clang-format on */

/* step: bytes at a time. */
static void run_row(size_t i, size_t step)
{
	const struct row *r = &rows[i];
	enum starttls_next next;
	struct starttls_talk t;
	struct buf out;

	buf_init(&out, 4096);
	starttls_begin(&t, r->how, "a&b.test", "me.test");
	next = starttls_step(&t, "", 0, &out);
	for (size_t turn = 0; turn < TURNS_MAX && r->says[turn].len; turn++) {
		size_t len = r->says[turn].len, n;

		for (size_t at = 0; at < len && next == STARTTLS_MORE; at += n) {
			n = len - at < step ? len - at : step;
			next = starttls_step(&t, r->says[turn].s + at, n, &out);
		}
	}
	if (next != r->next || out.len != r->asked.len || memcmp(out.s, r->asked.s, out.len) != 0)
		fail_msg("row %zu (%s), steps of %zu: %d, why %s, asked %zu bytes: %s", i, starttls_name(r->how),
			 step, next, t.why ? t.why : "-", out.len, out.s);
	assert_int_equal(t.why != NULL, next >= STARTTLS_MISSING);
	if (r->why && !strstr(t.why, r->why))
		fail_msg("row %zu (%s): \"%s\"", i, starttls_name(r->how), t.why);
	starttls_end(&t);
	buf_free(&out);
}

static void whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_row(i, SIZE_MAX);
}

/* The clear text behind a go-ahead comes later then, and is TLS's business; words of what is no such protocol
 * are fewer. */
static void byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!rows[i].why || (!strstr(rows[i].why, "after its") && !strstr(rows[i].why, "does not speak")))
			run_row(i, 1);
}

/* What a server says again and again, until it is enough. */
static void floods(void **state)
{
	static const struct {
		enum starttls how;
		const char *first, *again;
		const char *why;
	} floods_[] = {
		{ STARTTLS_SMTP, "", "x", "too long a line" },
		{ STARTTLS_SMTP, "", "220-x\r\n", "too many lines" },
		{ STARTTLS_SMTP, "220 x\r\n", "250-x\r\n", "too many lines" },
		{ STARTTLS_IMAP, "* OK\r\n", "* OK a longer line, that so many bytes can be reached before so "
		  "many lines, which takes more than a hundred and fifty letters, this one, and they come to more\r\n",
		  "too many bytes" },
		{ STARTTLS_IMAP, "* OK\r\n", "\r\n", "does not speak" },
		{ STARTTLS_POP3, "+OK\r\n+OK\r\n", "X\r\n", "too many lines" },
		{ STARTTLS_SIEVE, "\"X\" {8191}\r\n", "x", "too long a line" },
		{ STARTTLS_SIEVE, "\"X\" {99999999999999999999}\r\n", "x", "too long a line" },
		{ STARTTLS_SIEVE, "", "\"X\" {0}\r\n", "too long a line" },
		{ STARTTLS_XMPP_CLIENT, "<", "x", "too long a line" },
		{ STARTTLS_XMPP_CLIENT, "<stream version=''><features>", "<x>", "too many lines" },
		{ STARTTLS_XMPP_CLIENT, "<stream version=''><features>", "x", "too long a line" },
		{ STARTTLS_XMPP_CLIENT, "", " ", "too long a line" },
		{ STARTTLS_FTP, "220-", "x\r\n", "too many lines" },
		{ STARTTLS_FTP, "", "120 x\r\n", "too many lines" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(floods_); i++) {
		enum starttls_next next;
		struct starttls_talk t;
		struct buf out;
		size_t n = 0;

		buf_init(&out, 4096);
		starttls_begin(&t, floods_[i].how, NULL, "me.test");
		starttls_step(&t, "", 0, &out);
		next = starttls_step(&t, floods_[i].first, strlen(floods_[i].first), &out);
		for (; next == STARTTLS_MORE && n < (1 << 17); n++)
			next = starttls_step(&t, floods_[i].again, strlen(floods_[i].again), &out);
		if (next != STARTTLS_FAILED || !strstr(t.why, floods_[i].why))
			fail_msg("row %zu: %d after %zu, %s", i, next, n, t.why ? t.why : "-");
		assert_true(strlen(t.why) < 300);
		assert_true(t.in.len <= (64 << 10));
		assert_false(out.over);
		starttls_end(&t);
		buf_free(&out);
	}
}

static void names(void **state)
{
	static const struct {
		unsigned port;
		const char *name;
	} ports[] = {
		{ 25, "smtp" }, { 587, "smtp" }, { 24, "lmtp" }, { 143, "imap" }, { 110, "pop3" },
		{ 4190, "sieve" }, { 5222, "xmpp-client" }, { 5269, "xmpp-server" }, { 21, "ftp" },
		{ 389, "ldap" }, { 119, "nntp" }, { 5432, "postgres" }, { 3306, "mysql" }, { 443, "none" },
		{ 465, "none" }, { 993, "none" }, { 0, "none" },
	};
	enum starttls how = STARTTLS_FTP;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		assert_string_equal(starttls_name(starttls_of_port(ports[i].port)), ports[i].name);
	for (int i = 0; i < STARTTLS_N; i++) {
		assert_true(starttls_parse(starttls_name((enum starttls)i), &how));
		assert_int_equal(how, i);
	}
	assert_false(starttls_parse("SMTP", &how));
	assert_false(starttls_parse("", &how));
}

static void greetings(void **state)
{
	static const struct {
		const char *line, *name;
	} lines[] = {
		{ "220 mx.example.org ESMTP Postfix", "smtp" },
		{ "220-mx.example.org", "smtp" },
		{ "220 mx.example.org LMTP", "lmtp" },
		{ "220 (vsFTPd 3.0.3)", "ftp" },
		{ "220 ProFTPD Server", "ftp" },
		{ "* OK [CAPABILITY IMAP4rev1] Dovecot ready.", "imap" },
		{ "+OK Dovecot ready.", "pop3" },
		{ "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"", "sieve" },
		{ "<?xml version='1.0'?><stream:stream id='1'", "xmpp-client" },
		{ "<stream:stream xmlns='jabber:server'", "xmpp-server" },
		{ "HTTP/1.1 400 Bad Request", "none" },
		{ "SSH-2.0-OpenSSH", "none" },
		{ "554 mx.example.org", "none" },
		{ "", "none" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_string_equal(starttls_name(starttls_of_greeting(lines[i].line)), lines[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(floods),
		cmocka_unit_test(names),
		cmocka_unit_test(greetings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
