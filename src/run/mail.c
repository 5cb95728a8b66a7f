/* mail.c - composing mails.
 * Touches: nothing.
 */
#include "run/mail.h"

#include "base/mem.h"

#define WIDTH       76
#define WORD_MAX    900                 /* a row has at most 998 bytes: RFC 5322 2.1.1 */
#define WORDS_MAX 70             /* of the subject */
#define NAMES_MAX   3                   /* of lines in the subject */

/* One row of a header, printable ASCII. */
static void add_plain(struct buf *out, const char *text)
{
	for (size_t i = 0; i < 400 && text[i]; i++)
		buf_add_char(out, text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
}

static void add_host(struct buf *out, const char *host)
{
	for (size_t i = 0; i < 255 && host[i]; i++)
		buf_add_char(out, strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", host[i])
					  ? host[i] : '?');
}

static void add_date(struct buf *out, int64_t at)
{
	time_t t = (time_t)at;
	char text[64];
	struct tm tm;

	/* no locale is ever set */
	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm))
		buf_addf(out, "Date: %s\n", text);
}

static bool is_again(const struct parcel *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(p->v[k]->line, p->v[i]->line) == 0)
			return true;
	return false;
}

/* What it is, short enough for a list of mails: the first problem, or what all such events have in common. */
static void add_what(struct buf *out, const struct message *m)
{
	const char *words = m->event == EVENT_FAILING || m->event == EVENT_OVERDUE ? m->text : event_title(m->event);

	for (size_t i = 0; words[i] && words[i] != '\n'; i++) {
		if (i == WORDS_MAX) {
			buf_add_str(out, "...");
			return;
		}
		buf_add_char(out, words[i] < 0x20 || words[i] > 0x7e ? '?' : words[i]);
	}
}

static void add_subject(struct buf *out, const struct mail *m, const struct parcel *p)
{
	size_t n = 0;

	buf_addf(out, "Subject: [certline] %s: ", event_name(p->v[0]->event));
	for (size_t i = 0; i < p->n; i++) {
		if (is_again(p, i))
			continue;
		if (n < NAMES_MAX) {
			buf_add_str(out, n ? ", " : "");
			add_plain(out, p->v[i]->line);
		}
		n++;
	}
	if (n > NAMES_MAX)
		buf_addf(out, " and %zu more", n - NAMES_MAX);
	buf_add_str(out, ": ");
	add_what(out, p->v[0]);
	buf_add_str(out, " (");
	add_host(out, m->host);
	buf_add_str(out, ")\n");
}

static void add_header(struct buf *out, const struct mail *m, const struct parcel *p)
{
	if (m->from) {
		buf_add_str(out, "From: ");
		add_plain(out, m->from);
		buf_add_char(out, '\n');
	}
	buf_add_str(out, "To: ");
	for (const char *s = m->to; *s; s++)
		if (*s == ' ')
			buf_add_str(out, ",\n ");
		else
			buf_add_char(out, *s);
	buf_add_char(out, '\n');
	add_subject(out, m, p);
	add_date(out, m->at);
	buf_addf(out, "Message-ID: <%s@", m->id);
	add_host(out, m->host);
	buf_add_str(out, ">\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
			 "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n");
	buf_addf(out, "X-Certline-Event: %s\n\n", event_name(p->v[0]->event));
}

/* One paragraph, of words that are not broken if they are not monstrous. */
static void add_folded(struct buf *out, const char *text)
{
	size_t col = 0;

	while (*(text += strspn(text, " \t\r"))) {
		size_t len = strcspn(text, " \t\r\n");

		if (*text == '\n') {
			buf_add_str(out, "\n  ");
			col = 2;
			text++;
			continue;
		}
		if (len > WORD_MAX)
			for (len = WORD_MAX; len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80; len--)
				;
		if (col > 2 && col + 1 + len > WIDTH) {
			buf_add_str(out, "\n  ");
			col = 2;
		} else if (col > 2) {
			buf_add_char(out, ' ');
			col++;
		} else if (col == 0) {
			buf_add_str(out, "  ");
			col = 2;
		}
		for (size_t i = 0; i < len; i++)
			buf_add_char(out, (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i]);
		col += len;
		text += len;
	}
	buf_add_char(out, '\n');
}

void mail_compose(struct buf *out, const struct mail *m, const struct parcel *p)
{
	add_header(out, m, p);
	for (size_t i = 0; i < p->n; i++) {
		char at[WHEN_TEXT_LEN];

		when_format_minute(at, p->v[i]->at);
		add_plain(out, p->v[i]->line);
		buf_addf(out, ", %s UTC:\n", at);
		add_folded(out, p->v[i]->text);
		buf_add_char(out, '\n');
	}
	buf_add_str(out, "-- \ncertline on ");
	add_host(out, m->host);
	buf_add_str(out, "; `certline status` says what holds now.\n");
}
