/* config_parts.h - what config.c and config_*.c share; nobody else includes it. */
#ifndef RUN_CONFIG_PARTS_H
#define RUN_CONFIG_PARTS_H

#include "run/config.h"

/* Rows of the table. */
enum option_id {
	OPT_NAME,
	OPT_DOMAINS,
	OPT_ISSUER,
	OPT_KEY_TYPES,
	OPT_KEY_LENGTH,
	OPT_MAX_KEY_AGE,
	OPT_MAX_KEY_AGE_DAYS,
	OPT_STAGING_FOR,
	OPT_STAGING_HOURS,
	OPT_RENEW_BEFORE,
	OPT_RENEW_BEFORE_DAYS,
	OPT_WARN_BEFORE,
	OPT_URGENT_BEFORE,
	OPT_STANDBY,
	OPT_RETIRE_AFTER,
	OPT_ROLLBACK_WINDOW,
	OPT_POST_CERTCHANGE,
	OPT_POST_KEYCHANGE,
	OPT_LIFETIME,
	OPT_CA,
	OPT_CA_FILE,
	OPT_ACCOUNT_KEY,
	OPT_CONTACT,
	OPT_AGREE_TOS,
	OPT_EAB,
	OPT_CHALLENGES,
	OPT_CHALLENGE_DIR,
	OPT_CHALLENGE_HOOK,
	OPT_CHALLENGE_DIALECT,
	OPT_CHALLENGE_ALIAS,
	OPT_HTTP_LISTEN,
	OPT_TLS_LISTEN,
	OPT_ALLOW_SUBSET,
	OPT_COMMON_NAME,
	OPT_SELF_CHECK,
	OPT_CHECK_PORT,
	OPT_DNS_WAIT,
	OPT_ORDER_LIMIT,
	OPT_PROFILE,
	OPT_REQUIRE_PROFILE,
	OPT_CHAIN,
	OPT_BOOTSTRAP,
	OPT_OWNERS,
	OPT_PARAMETERS,
	OPT_TTL,
	OPT_PUBLISH,
	OPT_INCLUDE_FILE,
	OPT_VERIFY,
	OPT_ALLOW_TA,
	OPT_LOOK,
	OPT_ENDPOINTS,
	OPT_STARTTLS,
	OPT_XMPP_DOMAIN,
	OPT_SOURCE,
	OPT_VANTAGE,
	OPT_LOOK_EVERY,
	OPT_AWAY,
	OPT_SERVERS,
	OPT_RESOLVER,
	OPT_PORT,
	OPT_VALIDATE,
	OPT_TRUST_ANCHOR,
	OPT_INSECURE,
	OPT_UNREACHABLE,
	OPT_MARGIN,
	OPT_OLD_TTLS,
	OPT_TTL_FLOOR,
	OPT_ASSUME_TTL,
	OPT_COUNT_NEGATIVE,
	OPT_CONFIRM,
	OPT_CONFIRM_OVER,
	OPT_SIGNATURE_LEFT,
	OPT_UPDATE_KEYS,
	OPT_UPDATE_SERVERS,
	OPT_NOTIFY_MAIL,
	OPT_NOTIFY_FROM,
	OPT_SENDMAIL,
	OPT_NOTIFY_HOOK,
	OPT_WEBHOOK,
	OPT_WEBHOOK_TOKEN,
	OPT_NOTIFY_EVENTS,
	OPT_OVERDUE_AFTER,
	OPT_PING,
	OPT_SYSLOG,
	OPT_CERTS,
	OPT_KEYS,
	OPT_BACKUPS,
	OPT_STATE,
	OPT_KEY_GROUP,
	OPT_LIVE,
	OPT_STAGING_PREFIX,
	OPT_HOOK_LIMIT,
	OPT_METRICS_FILE,
	OPTIONS_N,
};

#define DOMAINS_MAX 100                 /* what public CAs accept in one certificate */

/* Something to tell, and where: sorted and made into text at the end.  line 0: the whole file;
 * line -1: text says where, and it comes before those of file. */
struct note {
	int32_t file, line;
	size_t  order;                  /* of finding */
	char   *text;
};

struct notes {
	struct note *v;
	size_t       n;
};

void notes_add(struct notes *l, int32_t file, int32_t line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* An option as one file, or the defaults under it, gives it. */
struct setting {
	const char *value;              /* NULL: not given; lives in a struct ini */
	int32_t     file, line;
	bool        bad;                /* could not be parsed: its checks are pointless */
};

struct layer {
	struct setting s[OPTIONS_N];
};

/* What parsing a value needs beside the value: the last group looked up (there may be ten thousand
 * lines with the same one), and the reasons why the value is refused, one for each bad item. */
struct parser {
	struct strv why;
	char       *group;
	gid_t       gid;
};
void parser_free(struct parser *p);

/* value goes into l's field for option id; refusals are added to p->why. */
void option_parse(struct parser *p, enum option_id id, const char *value, struct line_config *l);
/* What the parsers of values share.  The next run of bytes that are not in `ends`, as a copy; NULL: no
 * more. */
char *option_item(const char **p, const char *ends);
/* A DNS name in its canonical form (core/names), also one with letters beyond ASCII; NULL: it is none. */
char *option_name_canon(const char *word);
/* "VALUE" in quotes, then the reason. */
void option_refuse(struct parser *p, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Values of [dns] and [update].  Rows of a zone and any number of addresses, or exactly one. */
void option_resolvers(struct parser *p, const char *value, struct line_config *l);
void option_zone_servers(struct parser *p, const char *value, bool one, struct strv *out);
/* Rows "ZONE FILE", or "FILE" for every zone. */
void option_zone_files(struct parser *p, const char *value, struct strv *out);
/* Values of [endpoints], in the form in which struct line_config has them. */
void option_endpoints(struct parser *p, const char *value, struct strv *out);
void option_starttls(struct parser *p, const char *value, struct strv *out);
void option_addresses(struct parser *p, const char *value, struct strv *out);
/* Values of [acme]. */
void option_cas(struct parser *p, const char *value, struct strv *out);
void option_contacts(struct parser *p, const char *value, struct strv *out);
void option_eab(struct parser *p, const char *value, struct strv *out);
void option_challenges(struct parser *p, const char *value, struct strv *out);
void option_aliases(struct parser *p, const char *value, struct strv *out);
void option_listen(struct parser *p, const char *value, struct strv *out);
void option_text(struct parser *p, const char *value, char **out);
/* Values of [notify]. */
void option_mailboxes(struct parser *p, const char *value, struct strv *out);
void option_urls(struct parser *p, const char *value, struct strv *out);
void option_events(struct parser *p, const char *value, unsigned *out);
char *option_events_text(unsigned mask);
/* Frees all that l owns, and empties it. */
void option_free_all(struct line_config *l);

/* A value for messages: one line, in quotes, cut if it is long.  The caller frees. */
char *option_shown(const char *value);

/* One line: what depends on more than one option, and the defaults that are computed.  `given` is
 * what the line's file and the defaults under it set. */
void check_line(struct notes *problems, struct notes *warnings, struct line_config *l,
		const struct layer *given);

/* The commands that `file` itself sets: whether they look as if a shell were to read them. */
void check_commands(struct notes *warnings, const struct line_config *l, const struct layer *given,
		    int32_t file);

/* All lines, sorted by name and then by file: names, owners, links and stores that clash. */
void check_lines(struct notes *problems, const struct config *c);

#endif
