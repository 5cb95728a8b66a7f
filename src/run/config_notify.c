/* config_notify.c - values of [notify].
 * Touches: nothing.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "run/event.h"
#include "sys/addr.h"

#define BLANKS      " \t\n"
#define EVENTS_TEXT "staged, promoted, retired, renewed, failing, recovered, overdue, expiry, ari, " \
	"uncovered, " \
		    "dnssec-lost, endpoint, all"

/* It is an argument of sendmail, and stands in a header. */
void option_mailboxes(struct parser *p, const char *value, struct strv *out)
{
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		const char *at = strchr(word, '@');
		bool plain = true;

		for (const char *s = word; *s; s++)
			plain &= (unsigned char)*s > 0x20 && *s != 0x7f && !strchr("<>()[],;:\\\"", *s);
		/* a name of this host (root) has no @ */
		if (!plain || *word == '-' || at == word || (at && (!at[1] || strchr(at + 1, '@'))))
			option_refuse(p, word, " is not a mail address");
		else
			strv_add(out, word);
		free(word);
	}
}

/* "127.0.0.1:8080/x" as it stands behind "http://". */
static bool is_this_host(const char *rest)
{
	char *host = mem_copy_strn(rest, strcspn(rest, "/?#"));
	struct addr a;
	bool is;

	is = strcmp(host, "localhost") == 0 || text_starts(host, "localhost:") ||
	     (addr_parse(&a, host, 80) && addr_is_loopback(&a));
	free(host);
	return is;
}

/* Without what may be the password. */
static void refuse_user(struct parser *p, const char *url, const char *authority)
{
	const char *host = authority + strcspn(authority, "@");
	char *shown = mem_format("%.*s...%.*s", (int)(authority - url), url, (int)strcspn(host, "/?#"), host);

	option_refuse(p, shown, " has a user's name or password in it: give a token in a file");
	free(shown);
}

void option_urls(struct parser *p, const char *value, struct strv *out)
{
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		const char *rest = strstr(word, "://");
		bool plain = rest && rest[3] && rest[3] != '/';

		for (const char *s = word; *s; s++)
			plain &= *s > 0x20 && *s < 0x7f;
		if (!plain || (!text_starts(word, "https://") && !text_starts(word, "http://")))
			option_refuse(p, word, " is not an https URL");
		else if (memchr(rest + 3, '@', strcspn(rest + 3, "/?#")))
			refuse_user(p, word, rest + 3);
		else if (text_starts(word, "http://") && !is_this_host(word + strlen("http://")))
			option_refuse(p, word, " is not an https URL; http is for 127.0.0.1, [::1] and localhost");
		else
			strv_add(out, word);
		free(word);
	}
}

void option_events(struct parser *p, const char *value, unsigned *out)
{
	const char *names[EVENTS_N + 1];
	char *word;

	for (int i = 0; i < EVENTS_N; i++)
		names[i] = event_name((enum event)i);
	names[EVENTS_N] = "all";
	while ((word = option_item(&value, BLANKS))) {
		const char *near = text_nearest(word, names, ARRAY_LEN(names));
		enum event v;

		if (event_parse(word, &v))
			*out |= 1U << v;
		else if (strcmp(word, "all") == 0)
			*out |= (1U << EVENTS_N) - 1;
		else if (near)
			option_refuse(p, word, " is not one of " EVENTS_TEXT " (did you mean \"%s\"?)", near);
		else
			option_refuse(p, word, " is not one of " EVENTS_TEXT);
		free(word);
	}
}

char *option_events_text(unsigned mask)
{
	struct strv names = { 0 };
	char *text;

	for (int i = 0; i < EVENTS_N; i++)
		if (mask & 1U << i)
			strv_add(&names, event_name((enum event)i));
	text = strv_join(&names, " ");
	strv_free(&names);
	return text;
}
