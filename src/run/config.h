/* config.h - what the user asked for: lines, read from INI files and checked as a whole.
 *
 * One offsetof table (config_options) drives parsing, defaults, limits, printing and the checks of
 * the manual and the samples.  The options of the Let's Encrypt Tiny sample configuration keep the
 * places and meanings they have there.
 */
#ifndef RUN_CONFIG_H
#define RUN_CONFIG_H

#include "acme/challenge.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/keytype.h"
#include "core/tlsa.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CONFIG_DEFAULT_DIR SYSCONFDIR "/certline"

enum issuer { ISSUER_ACME, ISSUER_SELF };
const char *issuer_name(enum issuer i);         /* as in the configuration: "acme", "self" */

/* `verify`: whether every authoritative server is asked.  NO: the publisher's word is taken. */
enum verify { VERIFY_SERVERS, VERIFY_NO };

/* `validate`, in the order of the words in the table of options. */
enum { CHECK_DNSSEC, CHECK_RESOLVER, CHECK_NOTHING };

/* `publish` as a mask */
enum { PUBLISH_HOOK = 1, PUBLISH_INCLUDE = 2, PUBLISH_UPDATE = 4 };
#define UPDATE_NAME "update"            /* among publishers that acknowledge a set; hooks begin with "/" */

/* `challenges`: how names are shown to be ours. */
enum method { METHOD_WEBROOT, METHOD_STANDALONE, METHOD_TLS_ALPN, METHOD_DNS_UPDATE, METHOD_HOOK_HTTP,
	      METHOD_HOOK_DNS, METHOD_HOOK_TLS, METHODS_N };
const char *method_name(enum method m);         /* "dns-update" */
enum challenge_type method_type(enum method m);

/* `challenge-dialect`, in the order of the words in the table of options. */
enum dialect { DIALECT_NATIVE, DIALECT_DEHYDRATED, DIALECT_UACME, DIALECT_LEGO, DIALECT_LEGO_RAW,
	       DIALECT_CERTBOT };

/* a time before a certificate expires, or a part of its own lifetime */
struct time_left {
	int64_t before_for;             /* > 0: this; 0: the fraction */
	int32_t num, den;               /* of the lifetime still left; 0/0: not given */
};

#define DURATION_UNSET ((int64_t)-1)

struct line_config {
	/* before any section */
	char       *name;               /* the file's name without ".conf", unless given */
	struct strv domains;            /* A-labels, lower case, in the order given */
	enum issuer issuer;
	struct key_types key_types;     /* key-types, or key-length, or ec-256: never empty */
	int64_t     key_length;         /* as written; 0: not given */

	/* [timing] */
	int64_t     max_key_age_for;    /* max-key-age or max-key-age-days */
	int64_t     staging_for;        /* staging or staging-hours, or the safe default (see .c) */
	struct time_left renew_before;  /* renew-before or renew-cert-before-expiry-days */
	struct time_left warn_before, urgent_before;
	bool        standby;
	int64_t     retire_after_for;   /* 48h unless given */
	bool        retire_after_given;
	int64_t     rollback_for;       /* retire_after_for unless given */

	/* [hooks]: commands, one a line of the value: an absolute path and arguments, with one
	 * blank between them; there is no quoting */
	struct strv post_certchange;
	struct strv post_keychange;

	/* [self] */
	int64_t     self_lifetime_for;

	/* [acme]: read and checked, used when the issuer is acme */
	struct strv cas;                /* by name or URL: the first one, and those to fall back on */
	char       *ca_file;            /* NULL: the system's */
	char       *account_key;        /* NULL: in the store */
	struct strv contacts;           /* "mailto:..." */
	bool        agree_tos;
	struct strv eab;                /* "CA KID FILE ALGORITHM"; CA "*": any */
	struct strv challenges;         /* "NAME METHOD ...", each NAME once; "*": any */
	char       *challenge_dir;
	struct strv challenge_hook;     /* one command, or none; for certbot a second one cleans up */
	int         challenge_dialect;  /* enum dialect */
	struct strv challenge_aliases;  /* "NAME TARGET" */
	struct strv http_listen, tls_listen;    /* ports, or addresses with ports */
	bool        allow_subset;
	bool        common_name;
	bool        self_check;
	int64_t     check_port;         /* where the CA will look, for http-01 */
	int64_t     dns_wait_for;
	int64_t     order_limit_for;
	char       *profile;
	bool        require_profile;
	char       *chain_by;
	int         bootstrap;          /* 0 self, 1 no */

	/* [dane] */
	struct strv owners;             /* lower case, A-labels, no trailing dot */
	struct tlsa_params params[TLSA_PARAMS_MAX];
	size_t      params_n;
	int64_t     ttl_for;
	unsigned    publish;            /* mask; default: hook if post-keychange, include if
	                                 * include-file; never 0 in a line with owners */
	char       *include_file;       /* NULL in a line without owners */
	int         verify;             /* enum verify; NO without owners */
	bool        allow_ta;           /* usage 2 with a public CA */

	/* [endpoints]: the servers, and how they are looked at */
	bool        look;               /* computed unless given */
	struct strv endpoints;          /* "NAME [STARTTLS] [ADDRESS ...]": NAME is an owner or
	                                 * "HOST:PORT"; no addresses: those in DNS */
	struct strv starttls;           /* "WHAT WORD": WHAT is a port, a NAME, or "*" */
	char       *xmpp_domain;        /* NULL: the host */
	struct strv sources;            /* addresses to look from */
	struct strv vantage;            /* commands that look from elsewhere */
	int64_t     look_every_for;
	int64_t     away_for;           /* an endpoint that is away is not waited for after this; 0: it is;
	                                 * DURATION_UNSET: as retire-after */

	/* [dns]: how name servers are found, asked and believed (core/horizon.h) */
	struct strv dns_servers;        /* "ZONE ADDRESS ...": instead of what DNS says */
	struct strv resolvers;          /* addresses; none: those of the system, or recursion */
	bool        recurse;            /* resolver = recurse */
	int64_t     dns_port;           /* of servers that were found in DNS */
	int         validate;           /* CHECK_* */
	char       *trust_anchor;
	int         insecure;           /* 0 hold, 1 go */
	int64_t     unreachable_for;    /* a silent server is left out after this; 0: never */
	int64_t     margin_for, ttl_floor_for, assume_ttl_for, confirm_for, signature_left_for;
	int64_t     old_ttls, confirm;
	bool        count_negative;

	/* [update] */
	struct strv update_keys;        /* "ZONE FILE"; ZONE "*": any */
	struct strv update_servers;     /* "ZONE ADDRESS" */

	/* [notify] */
	struct strv notify_mail;        /* addresses */
	char       *notify_from;        /* NULL: what sendmail puts there */
	char       *sendmail;
	struct strv notify_hooks;
	struct strv webhooks;           /* https, or http to this host */
	char       *webhook_token;      /* a file; NULL: none */
	unsigned    notify_events;      /* mask of 1 << enum event (run/event.h) */
	int64_t     overdue_for;
	struct strv pings;              /* URLs, as webhooks */
	bool        syslog;

	/* [dirs]: all paths are absolute, without "//", "/./" and a "/" at the end */
	char       *certs, *keys, *backups;     /* NULL: no such layout wanted */
	char       *state;              /* the store */
	char       *key_group;          /* NULL: keys are 0600 */
	gid_t       key_gid;            /* (gid_t)-1 without key_group */

	/* [files] */
	char       *live, *staging;     /* name prefixes, "live" and "staging" */

	/* [run] */
	int64_t     hook_limit_for;     /* time limit of one hook run */
	char       *metrics_file;       /* NULL: none */

	/* where each option of config_options was set: file is an index into config.files, -1 =
	 * default or not set; of two options that set the same thing at most one is set */
	struct origin { int32_t file, line; } *origin;
	int32_t     file;               /* the line's own file */
};

struct config {
	struct line_config *lines;      /* sorted by name */
	size_t      lines_n;
	struct strv files;              /* as opened */
	const char *state;              /* the one store of all lines; never NULL after success */
	struct strv args;               /* the -c arguments, absolute, none with a ":": handed to
	                                 * hooks as CERTLINE_CONFIG */
	struct strv problems;           /* "FILE:LINE: text", in order of files and lines */
	struct strv warnings;           /* the same form; nothing is refused because of them */
};

/* Reads everything named by args; none: CERTLINE_CONFIG from the environment, a list separated
 * by ":", else CONFIG_DEFAULT_DIR.  A folder: each "*.conf" in it that does not begin with "."
 * is a line, and "certline.conf" holds defaults for these.  A file named "certline.conf":
 * defaults for everything that follows (a folder's own ones come on top).  Any other file: a
 * line.
 *
 * All problems of all files are in out->problems, and then the result is -1 with ERR_USAGE ("3
 * problems in the configuration; nothing was done").  A problem of a whole file or folder is
 * "FILE: text".  Nothing is touched but the files read.  On success and on failure the caller
 * frees *out. */
int config_load(struct config *out, const struct strv *args, struct err *e) NEEDS_CHECK;
void config_free(struct config *c);

const struct line_config *config_find(const struct config *c, const char *name);

/* Servers of the line are looked at: it says so, and there is one that can be. */
bool config_looks(const struct line_config *c);

/* How a name is shown to be the line's: of its methods the first one that can be used for it and whose
 * challenge is among `types` (a mask, 1 << type: what a CA offers).  -1: none; then *e says why not of each:
 * ERR_REFUSED if it is for the CA alone, else ERR_USAGE. */
int config_method(const struct line_config *l, const char *name, unsigned types, struct err *e);

/* The form of an option's value. */
enum value_type {
	VALUE_LINE_NAME,
	VALUE_HOSTS,                    /* list, by blanks or lines */
	VALUE_OWNERS,                   /* list, by blanks or lines */
	VALUE_ISSUER,
	VALUE_KEY_TYPES,                /* list, by blanks or lines */
	VALUE_KEY_LENGTH,               /* bare number of bits */
	VALUE_DURATION,                 /* number and unit; min and max in seconds */
	VALUE_COUNT,                    /* bare number of `unit` seconds; min and max in seconds */
	VALUE_TIME_LEFT,             /* duration, "1/3" or "33%" */
	VALUE_YES_NO,
	VALUE_COMMANDS,                 /* list, by lines */
	VALUE_PARAMETERS,               /* list, by lines or commas */
	VALUE_PUBLISH,                  /* list, by blanks or lines */
	VALUE_WORD,                     /* one of `words`; an int, its index */
	VALUE_NUMBER,                   /* bare; min and max */
	VALUE_HOLD,                     /* "hold" (0), or a duration */
	VALUE_RESOLVERS,                /* addresses, or "system" or "recurse" */
	VALUE_ZONE_SERVERS,             /* rows "ZONE ADDRESS ..." */
	VALUE_ZONE_SERVER,              /* rows "ZONE ADDRESS" */
	VALUE_ENDPOINTS,                /* rows "NAME [STARTTLS] [ADDRESS ...]" */
	VALUE_ADDRESSES,                /* by blanks, without ports */
	VALUE_STARTTLS,                 /* rows "[WHAT] WORD" */
	VALUE_ZONE_FILES,               /* rows "[ZONE] FILE" */
	VALUE_CAS,                      /* names or https URLs, by blanks */
	VALUE_CONTACTS,                 /* mail addresses, by blanks */
	VALUE_EAB,                      /* rows "[CA] KID FILE" */
	VALUE_CHALLENGES,               /* rows "[NAME] METHOD ..." */
	VALUE_ALIASES,                  /* rows "NAME TARGET" */
	VALUE_LISTEN,                   /* ports, or addresses with ports, by blanks */
	VALUE_MAILBOXES,                /* of mail, by blanks or lines */
	VALUE_URLS,                     /* by blanks or lines */
	VALUE_EVENTS,                   /* by blanks or lines, or "all" */
	VALUE_TEXT,                     /* one printable line */
	VALUE_PATH,
	VALUE_PREFIX,                   /* of file names: no "/" */
	VALUE_GROUP,
};

/* A row of the table, for the parser, for printing and for the checks of the documents. */
struct config_option {
	const char *section;            /* "" before any */
	const char *key;
	const char *help;               /* one sentence */
	const char *fallback;           /* what holds when it is not given; NULL: nothing */
	bool        fallback_words;     /* fallback is a description and not a value */
	bool        defaults_too;       /* may stand in certline.conf too */
	bool        may_be_empty;       /* an empty value takes back one from certline.conf */
	enum value_type type;
	size_t      offset;             /* in struct line_config */
	int64_t     unit, min, max;     /* of durations and counts */
	size_t      rival;              /* the option that sets the same thing, 0: none */
	const char *const *words;       /* of VALUE_WORD, ends with NULL */
};
const struct config_option *config_options(size_t *n);
/* The effective value of option i of a line, as it would be written in a file (names, commands
 * and parameters: one per "\n  " continuation); the caller frees.  NULL: not set and no value
 * as default, or the option's rival has it.  All of them in a file make the same line again. */
char *config_value(const struct line_config *l, size_t i);
/* Where it comes from: "default", or "FILE:LINE"; the caller frees. */
char *config_origin(const struct config *c, const struct line_config *l, size_t i);

#endif
