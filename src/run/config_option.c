/* config_option.c - the table of options; values back to text.
 * Touches: nothing.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"

#define VALUE_MAX ((size_t)4 << 20) /* of a printed value: a file has at most 1 MiB */

/* OWN: belongs in a line's own file; ROW: may stand among the defaults too. */
#define OWN(sec, name, form, field) \
	.section = sec, .key = name, .type = form, .offset = offsetof(struct line_config, field)
#define ROW(sec, name, form, field) OWN(sec, name, form, field), .defaults_too = true

static const char *const verify_words[] = { "servers", "no", NULL };
static const char *const validate_words[] = { "dnssec", "resolver", "no", NULL };
static const char *const dialect_words[] = { "native", "dehydrated", "uacme", "lego", "lego-raw", "certbot",
					     NULL };
static const char *const bootstrap_words[] = { "self", "no", NULL };
static const char *const insecure_words[] = { "hold", "go", NULL };

/* clang-format off */
static const struct config_option options[] = {
	[OPT_NAME] = { OWN("", "name", VALUE_LINE_NAME, name),
		.help = "Name of the line: of its folder in the store and in every message.",
		.fallback = "the file's name without .conf", .fallback_words = true },
	[OPT_DOMAINS] = { OWN("", "domains", VALUE_HOSTS, domains),
		.help = "Names that the certificate is for, the most important one first." },
	[OPT_ISSUER] = { ROW("", "issuer", VALUE_ISSUER, issuer),
		.help = "Who signs certificates: acme (a CA) or self (self-signed).",
		.fallback = "acme" },
	[OPT_KEY_TYPES] = { ROW("", "key-types", VALUE_KEY_TYPES, key_types),
		.help = "Kinds of keys, with a certificate each: ec-256, ec-384, rsa-2048, "
			"rsa-3072, rsa-4096.",
		.fallback = "ec-256", .rival = OPT_KEY_LENGTH },
	[OPT_KEY_LENGTH] = { ROW("", "key-length", VALUE_KEY_LENGTH, key_length),
		.help = "One RSA key of this many bits: 2048, 3072 or 4096.",
		.rival = OPT_KEY_TYPES },

	[OPT_MAX_KEY_AGE] = { ROW("timing", "max-key-age", VALUE_DURATION, max_key_age_for),
		.help = "Age at which a key is replaced.",
		.fallback = "180d", .rival = OPT_MAX_KEY_AGE_DAYS, .min = 1, .max = 100 * YEAR },
	[OPT_MAX_KEY_AGE_DAYS] = { ROW("timing", "max-key-age-days", VALUE_COUNT, max_key_age_for),
		.help = "The same as a bare number of days.",
		.rival = OPT_MAX_KEY_AGE, .unit = DAY, .min = DAY, .max = 100 * YEAR },
	[OPT_STAGING_FOR] = { ROW("timing", "staging", VALUE_DURATION, staging_for),
		.help = "How long a new key is published before it is used.",
		.fallback = "48h, or twice the ttl if that is longer; 0s if there are neither "
			    "owners nor a post-keychange command",
		.fallback_words = true, .rival = OPT_STAGING_HOURS, .min = 0, .max = YEAR },
	[OPT_STAGING_HOURS] = { ROW("timing", "staging-hours", VALUE_COUNT, staging_for),
		.help = "The same as a bare number of hours.",
		.rival = OPT_STAGING_FOR, .unit = HOUR, .min = 0, .max = YEAR },
	[OPT_RENEW_BEFORE] = { ROW("timing", "renew-before", VALUE_TIME_LEFT, renew_before),
		.help = "When a certificate is renewed: a time before it expires, or the part of "
			"its lifetime that is left then (1/3, 33%).",
		.fallback = "a third of the lifetime, or half of it if that is under ten days",
		.fallback_words = true,
		.rival = OPT_RENEW_BEFORE_DAYS, .min = MINUTE, .max = 20 * YEAR },
	[OPT_RENEW_BEFORE_DAYS] = { ROW("timing", "renew-cert-before-expiry-days", VALUE_COUNT,
					renew_before.before_for),
		.help = "The same as a bare number of days before it expires.",
		.rival = OPT_RENEW_BEFORE, .unit = DAY, .min = DAY, .max = 20 * YEAR },
	[OPT_WARN_BEFORE] = { ROW("timing", "warn-before", VALUE_TIME_LEFT, warn_before),
		.help = "When the end of a certificate is an alarm, if renewing it has failed; as renew-before.",
		.fallback = "25%", .min = MINUTE, .max = 20 * YEAR },
	[OPT_URGENT_BEFORE] = { ROW("timing", "urgent-before", VALUE_TIME_LEFT, urgent_before),
		.help = "When the end of a certificate is urgent, whatever the reason; as renew-before.",
		.fallback = "10%", .min = MINUTE, .max = 20 * YEAR },
	[OPT_STANDBY] = { ROW("timing", "standby", VALUE_YES_NO, standby),
		.help = "Whether a next key is always published, so that it can be used at once: "
			"yes or no.",
		.fallback = "no" },
	[OPT_RETIRE_AFTER] = { ROW("timing", "retire-after", VALUE_DURATION, retire_after_for),
		.help = "How long the records of a replaced key stay published.",
		.fallback = "48h", .min = 0, .max = YEAR },
	[OPT_ROLLBACK_WINDOW] = { ROW("timing", "rollback-window", VALUE_DURATION, rollback_for),
		.help = "How long a replaced key's records stay at least, so that it can be used again at once.",
		.fallback = "as retire-after", .fallback_words = true, .min = 0, .max = YEAR },

	[OPT_POST_CERTCHANGE] = { ROW("hooks", "post-certchange", VALUE_COMMANDS, post_certchange),
		.help = "Commands to run after the live certificate changed, one a line.",
		.may_be_empty = true },
	[OPT_POST_KEYCHANGE] = { ROW("hooks", "post-keychange", VALUE_COMMANDS, post_keychange),
		.help = "Commands to run after the keys and TLSA records changed, one a line.",
		.may_be_empty = true },

	[OPT_LIFETIME] = { ROW("self", "lifetime", VALUE_DURATION, self_lifetime_for),
		.help = "Lifetime of self-signed certificates.",
		.fallback = "90d", .min = HOUR, .max = 20 * YEAR },

	[OPT_CA] = { ROW("acme", "ca", VALUE_CAS, cas),
		.help = "CA: letsencrypt, letsencrypt-staging, zerossl, google, google-staging, sslcom-ecc, "
			"sslcom-rsa, actalis, or the URL of an ACME directory; further ones are asked when "
			"those before them fail.",
		.fallback = "letsencrypt" },
	[OPT_CA_FILE] = { ROW("acme", "ca-file", VALUE_PATH, ca_file),
		.help = "Certificates, in PEM, that the CA's own web server is trusted by, instead of the "
			"system's.",
		.may_be_empty = true },
	[OPT_ACCOUNT_KEY] = { ROW("acme", "account-key", VALUE_PATH, account_key),
		.help = "File with the key of the account at the CA, made if it is not there; if nothing is said, "
			"there is one in the store for each CA.",
		.may_be_empty = true },
	[OPT_CONTACT] = { ROW("acme", "contact", VALUE_CONTACTS, contacts),
		.help = "Mail addresses that the CA may write to.", .may_be_empty = true },
	[OPT_AGREE_TOS] = { ROW("acme", "agree-tos", VALUE_YES_NO, agree_tos),
		.help = "Whether you agree to the terms of service of the CA: yes or no.",
		.fallback = "no" },
	[OPT_EAB] = { ROW("acme", "eab", VALUE_EAB, eab),
		.help = "What a CA gave out for external account binding: key id and a file with the MAC key, "
			"with the CA in front if there are several; one a line.",
		.may_be_empty = true },
	[OPT_CHALLENGES] = { ROW("acme", "challenges", VALUE_CHALLENGES, challenges),
		.help = "How names are shown to be ours: one or more of webroot, standalone, tls-alpn, dns-update, "
			"hook-http, hook-dns and hook-tls-alpn, in order of preference, for all names or with a name "
			"in front; one row a line.",
		.fallback = "hook-dns if there is a challenge-hook, webroot if there is a challenge-dir, "
			    "dns-update if there are keys in [update]",
		.fallback_words = true },
	[OPT_CHALLENGE_DIR] = { ROW("acme", "challenge-dir", VALUE_PATH, challenge_dir),
		.help = "Folder that web servers show as /.well-known/acme-challenge/.",
		.may_be_empty = true },
	[OPT_CHALLENGE_HOOK] = { ROW("acme", "challenge-hook", VALUE_COMMANDS, challenge_hook),
		.help = "Command that puts challenges in place and takes them away.",
		.may_be_empty = true },
	[OPT_CHALLENGE_DIALECT] = { ROW("acme", "challenge-dialect", VALUE_WORD, challenge_dialect),
		.help = "How the challenge-hook is called: native, or as dehydrated, uacme, lego, lego-raw or "
			"certbot would.",
		.fallback = "native", .words = dialect_words },
	[OPT_CHALLENGE_ALIAS] = { ROW("acme", "challenge-alias", VALUE_ALIASES, challenge_aliases),
		.help = "A name and the name of the TXT record that is written for it instead of "
			"_acme-challenge.NAME, where no public CNAME says so; one a line.",
		.may_be_empty = true },
	[OPT_HTTP_LISTEN] = { ROW("acme", "http-listen", VALUE_LISTEN, http_listen),
		.help = "Where standalone listens: ports, or addresses with ports.",
		.fallback = "80" },
	[OPT_TLS_LISTEN] = { ROW("acme", "tls-listen", VALUE_LISTEN, tls_listen),
		.help = "Where tls-alpn listens: ports, or addresses with ports.",
		.fallback = "443" },
	[OPT_ALLOW_SUBSET] = { ROW("acme", "allow-subset", VALUE_YES_NO, allow_subset),
		.help = "Whether names that the CA does not authorize are left out, rather than to be without a "
			"certificate.",
		.fallback = "no" },
	[OPT_COMMON_NAME] = { ROW("acme", "common-name", VALUE_YES_NO, common_name),
		.help = "Whether the CA is asked for a certificate with the first name as its common name.",
		.fallback = "no" },
	[OPT_SELF_CHECK] = { ROW("acme", "self-check", VALUE_YES_NO, self_check),
		.help = "Whether certline looks at a challenge itself before it tells the CA to.",
		.fallback = "yes" },
	[OPT_CHECK_PORT] = { ROW("acme", "check-port", VALUE_NUMBER, check_port),
		.help = "Port at which the web servers are looked at then.",
		.fallback = "80", .min = 1, .max = 65535 },
	[OPT_DNS_WAIT] = { ROW("acme", "dns-wait", VALUE_DURATION, dns_wait_for),
		.help = "How long all name servers may take to show the record of a challenge.",
		.fallback = "5m", .min = 1, .max = HOUR },
	[OPT_ORDER_LIMIT] = { ROW("acme", "order-limit", VALUE_DURATION, order_limit_for),
		.help = "How long one run may take for a certificate; the next one goes on with the order.",
		.fallback = "10m", .min = 1, .max = HOUR },
	[OPT_PROFILE] = { ROW("acme", "profile", VALUE_TEXT, profile),
		.help = "Profile of the certificate, of those that the CA offers.", .may_be_empty = true },
	[OPT_REQUIRE_PROFILE] = { ROW("acme", "require-profile", VALUE_YES_NO, require_profile),
		.help = "Whether to do without a certificate if the CA does not offer that profile.",
		.fallback = "no" },
	[OPT_CHAIN] = { ROW("acme", "chain", VALUE_TEXT, chain_by),
		.help = "Which of the CA's chains is preferred: the common name of an issuer in it, or the "
			"SHA-256 fingerprint of a certificate.",
		.may_be_empty = true },
	[OPT_BOOTSTRAP] = { ROW("acme", "bootstrap", VALUE_WORD, bootstrap),
		.help = "What servers get while there is no certificate of the CA yet: self (a self-signed one) or "
			"no (nothing).",
		.fallback = "self", .words = bootstrap_words },

	[OPT_OWNERS] = { OWN("dane", "owners", VALUE_OWNERS, owners),
		.help = "Names of the TLSA records, like _25._tcp.mx.example.org." },
	[OPT_PARAMETERS] = { ROW("dane", "parameters", VALUE_PARAMETERS, params),
		.help = "Usage, selector and matching type of the TLSA records: 3 1 1, 3 1 2, 2 1 1 or "
			"2 0 1, one a line.",
		.fallback = "3 1 1" },
	[OPT_TTL] = { ROW("dane", "ttl", VALUE_DURATION, ttl_for),
		.help = "TTL of the TLSA records, and so how long caches keep an old set.",
		.fallback = "1h", .min = 1, .max = WEEK },
	[OPT_PUBLISH] = { ROW("dane", "publish", VALUE_PUBLISH, publish),
		.help = "How the records get into the zone: hook (by post-keychange), include (by "
			"include-file), update (by RFC 2136), or several of them.",
		.fallback = "hook if there is a post-keychange command, include if there is an "
			    "include-file, update if there are keys in [update]",
		.fallback_words = true },
	[OPT_INCLUDE_FILE] = { ROW("dane", "include-file", VALUE_PATH, include_file),
		.help = "File with the TLSA records, for an $INCLUDE in the zone file.",
		.may_be_empty = true },
	[OPT_VERIFY] = { ROW("dane", "verify", VALUE_WORD, verify),
		.help = "Whether published records are looked up: servers (every authoritative server is "
			"asked, and a key is used when no cache can lack it) or no (the publisher is "
			"believed).",
		.fallback = "servers in a line with owners, else no", .fallback_words = true,
		.words = verify_words },
	[OPT_ALLOW_TA] = { ROW("dane", "allow-ta", VALUE_YES_NO, allow_ta),
		.help = "Whether usage 2 may name a certificate of a CA, which may change without notice.",
		.fallback = "no" },

	[OPT_LOOK] = { ROW("endpoints", "look", VALUE_YES_NO, look),
		.help = "Whether servers are looked at: the first records of an owner, and the removal of old ones, "
			"wait until servers present the live key.",
		.fallback = "yes where name servers are asked or servers are named here, else no",
		.fallback_words = true },
	[OPT_ENDPOINTS] = { ROW("endpoints", "servers", VALUE_ENDPOINTS, endpoints),
		.help = "Servers that DNS does not tell: an owner or HOST:PORT, then how TLS begins if that is not "
			"what is usual at the port, then addresses if not those in DNS; one a line.",
		.may_be_empty = true },
	[OPT_STARTTLS] = { ROW("endpoints", "starttls", VALUE_STARTTLS, starttls),
		.help = "How TLS begins: smtp, lmtp, imap, pop3, sieve, xmpp-client, xmpp-server, ftp, ldap, nntp, "
			"postgres, mysql or none, with a port or an endpoint in front; one a line.",
		.fallback = "what is usual at the port", .fallback_words = true },
	[OPT_XMPP_DOMAIN] = { ROW("endpoints", "xmpp-domain", VALUE_TEXT, xmpp_domain),
		.help = "The domain that XMPP servers are asked for, if it is not the name of the host.",
		.may_be_empty = true },
	[OPT_SOURCE] = { ROW("endpoints", "source", VALUE_ADDRESSES, sources),
		.help = "Addresses to look from, one of IPv4 and one of IPv6.", .may_be_empty = true },
	[OPT_VANTAGE] = { ROW("endpoints", "vantage", VALUE_COMMANDS, vantage),
		.help = "Commands that look at the servers of the owners from somewhere else, one a line.",
		.may_be_empty = true },
	[OPT_LOOK_EVERY] = { ROW("endpoints", "look-every", VALUE_DURATION, look_every_for),
		.help = "How often servers are looked at while nothing depends on it.",
		.fallback = "1h", .min = 0, .max = 30 * DAY },
	[OPT_AWAY] = { ROW("endpoints", "unreachable", VALUE_HOLD, away_for),
		.help = "What to do while a server cannot be reached: hold, or believe the post-certchange hooks "
			"after so long a time.",
		.fallback = "as retire-after; hold in a line without post-certchange",
		.fallback_words = true, .min = 1, .max = YEAR },

	[OPT_SERVERS] = { ROW("dns", "servers", VALUE_ZONE_SERVERS, dns_servers),
		.help = "Authoritative servers of a zone, instead of those that DNS names: the zone and "
			"addresses, one zone a line.",
		.may_be_empty = true },
	[OPT_RESOLVER] = { ROW("dns", "resolver", VALUE_RESOLVERS, resolvers),
		.help = "Resolvers to ask: addresses, system (those of /etc/resolv.conf), or recurse (none).",
		.fallback = "system", .fallback_words = true },
	[OPT_PORT] = { ROW("dns", "port", VALUE_NUMBER, dns_port),
		.help = "Port of authoritative servers that were found in DNS.",
		.fallback = "53", .min = 1, .max = 65535 },
	[OPT_VALIDATE] = { ROW("dns", "validate", VALUE_WORD, validate),
		.help = "Who checks signatures: dnssec (certline itself, from the trust anchor), resolver "
			"(the AD bit of a resolver on this host), or no.",
		.fallback = "dnssec", .words = validate_words },
	[OPT_TRUST_ANCHOR] = { ROW("dns", "trust-anchor", VALUE_PATH, trust_anchor),
		.help = "File with the keys of the root, as DS or DNSKEY records.",
		.fallback = "/usr/share/dns/root.key" },
	[OPT_INSECURE] = { ROW("dns", "insecure", VALUE_WORD, insecure),
		.help = "What to do while a zone is not signed, so that DANE has no effect: hold (keys are not "
			"rolled) or go.",
		.fallback = "hold", .words = insecure_words },
	[OPT_UNREACHABLE] = { ROW("dns", "unreachable", VALUE_HOLD, unreachable_for),
		.help = "What to do while a name server does not answer: hold, or leave it out after so long a "
			"time.",
		.fallback = "hold", .min = HOUR, .max = YEAR },
	[OPT_MARGIN] = { ROW("dns", "margin", VALUE_DURATION, margin_for),
		.help = "Time added to the end of the last old TTL.",
		.fallback = "5m", .min = 1, .max = WEEK },
	[OPT_OLD_TTLS] = { ROW("dns", "old-ttls", VALUE_NUMBER, old_ttls),
		.help = "How many TTLs of the old set must pass from the first sight of the new one (RFC 7671 "
			"8.1); 0 for what is proved alone.",
		.fallback = "2", .min = 0, .max = 100 },
	[OPT_TTL_FLOOR] = { ROW("dns", "ttl-floor", VALUE_DURATION, ttl_floor_for),
		.help = "The least that resolvers are assumed to keep any set.",
		.fallback = "1m", .min = 1, .max = DAY },
	[OPT_ASSUME_TTL] = { ROW("dns", "assume-ttl", VALUE_DURATION, assume_ttl_for),
		.help = "TTL of a set that may have been there before certline looked.",
		.fallback = "1d", .min = 1, .max = 30 * DAY },
	[OPT_COUNT_NEGATIVE] = { ROW("dns", "count-negative", VALUE_YES_NO, count_negative),
		.help = "Whether \"there is no record\" counts like a set without the new key.",
		.fallback = "yes" },
	[OPT_CONFIRM] = { ROW("dns", "confirm", VALUE_NUMBER, confirm),
		.help = "In how many runs every server must have shown the new key.",
		.fallback = "2", .min = 1, .max = 100 },
	[OPT_CONFIRM_OVER] = { ROW("dns", "confirm-over", VALUE_DURATION, confirm_for),
		.help = "Over what time these runs must be spread.",
		.fallback = "5m", .min = 0, .max = WEEK },
	[OPT_SIGNATURE_LEFT] = { ROW("dns", "signature-left", VALUE_DURATION, signature_left_for),
		.help = "How long the signatures of the records must be valid yet.",
		.fallback = "1h", .min = 0, .max = 30 * DAY },

	[OPT_UPDATE_KEYS] = { ROW("update", "keys", VALUE_ZONE_FILES, update_keys),
		.help = "Files with TSIG keys, as tsig-keygen writes them, each with the zone it is for "
			"before it, one a line.",
		.may_be_empty = true },
	[OPT_UPDATE_SERVERS] = { ROW("update", "servers", VALUE_ZONE_SERVER, update_servers),
		.help = "Primary servers: a zone and an address, one a line; without it the one that the "
			"zone's SOA names.",
		.may_be_empty = true },

	[OPT_NOTIFY_MAIL] = { ROW("notify", "mail", VALUE_MAILBOXES, notify_mail),
		.help = "Mail addresses that are told of what happens.", .may_be_empty = true },
	[OPT_NOTIFY_FROM] = { ROW("notify", "from", VALUE_TEXT, notify_from),
		.help = "The From of these mails; without it what sendmail puts there.", .may_be_empty = true },
	[OPT_SENDMAIL] = { ROW("notify", "sendmail", VALUE_PATH, sendmail),
		.help = "The program that takes mails.",
		.fallback = "/usr/sbin/sendmail" },
	[OPT_NOTIFY_HOOK] = { ROW("notify", "hook", VALUE_COMMANDS, notify_hooks),
		.help = "Commands that are told of what happens, one a line.", .may_be_empty = true },
	[OPT_WEBHOOK] = { ROW("notify", "webhook", VALUE_URLS, webhooks),
		.help = "URLs that a JSON document about what happens is posted to: https, or http to this host.",
		.may_be_empty = true },
	[OPT_WEBHOOK_TOKEN] = { ROW("notify", "webhook-token", VALUE_PATH, webhook_token),
		.help = "File with a bearer token for webhooks.", .may_be_empty = true },
	[OPT_NOTIFY_EVENTS] = { ROW("notify", "events", VALUE_EVENTS, notify_events),
		.help = "What is told: staged, promoted, retired, renewed, failing, recovered, overdue, expiry, "
			"ari, uncovered, dnssec-lost, endpoint, or all.",
		.fallback = "promoted retired failing recovered overdue expiry uncovered dnssec-lost endpoint" },
	[OPT_OVERDUE_AFTER] = { ROW("notify", "overdue-after", VALUE_DURATION, overdue_for),
		.help = "How long something may be owed before it is overdue.",
		.fallback = "6h", .min = MINUTE, .max = YEAR },
	[OPT_PING] = { ROW("notify", "ping", VALUE_URLS, pings),
		.help = "URLs that hear of each run: with /start behind it before, with /STATUS after it.",
		.may_be_empty = true },
	[OPT_SYSLOG] = { ROW("notify", "syslog", VALUE_YES_NO, syslog),
		.help = "Whether events go to the journal or syslog, too: yes or no.",
		.fallback = "no" },

	[OPT_CERTS] = { ROW("dirs", "certs", VALUE_PATH, certs),
		.help = "Folder for links to the certificates.", .may_be_empty = true },
	[OPT_KEYS] = { ROW("dirs", "keys", VALUE_PATH, keys),
		.help = "Folder for links to the keys.", .may_be_empty = true },
	[OPT_BACKUPS] = { ROW("dirs", "backups", VALUE_PATH, backups),
		.help = "Folder for copies of old keys and certificates.", .may_be_empty = true },
	[OPT_STATE] = { ROW("dirs", "state", VALUE_PATH, state),
		.help = "The store of keys, certificates and facts about them, one for all lines.",
		.fallback = LOCALSTATEDIR "/lib/certline" },
	[OPT_KEY_GROUP] = { ROW("dirs", "key-group", VALUE_GROUP, key_group),
		.help = "Group that may read the keys; without it only their owner may.",
		.may_be_empty = true },

	[OPT_LIVE] = { ROW("files", "live", VALUE_PREFIX, live),
		.help = "Name, without extension, of the links to the live key and certificate.",
		.fallback = "live" },
	[OPT_STAGING_PREFIX] = { ROW("files", "staging", VALUE_PREFIX, staging),
		.help = "Name, without extension, of the links to the staged key and certificate.",
		.fallback = "staging" },

	[OPT_HOOK_LIMIT] = { ROW("run", "hook-limit", VALUE_DURATION, hook_limit_for),
		.help = "How long one hook may run.",
		.fallback = "5m", .min = 1, .max = HOUR },
	[OPT_METRICS_FILE] = { ROW("run", "metrics-file", VALUE_PATH, metrics_file),
		.help = "File that Prometheus' node exporter collects (its name ends in .prom), written at each run.",
		.may_be_empty = true },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(options) == OPTIONS_N, "a row for each option");

const struct config_option *config_options(size_t *n)
{
	*n = OPTIONS_N;
	return options;
}

const char *issuer_name(enum issuer i)
{
	static const char *const names[] = {
		[ISSUER_ACME] = "acme",
		[ISSUER_SELF] = "self",
	};
	_Static_assert(ARRAY_LEN(names) == ISSUER_SELF + 1, "a name for each issuer");

	return names[i];
}

static char *duration_text(int64_t d_for)
{
	char text[WHEN_TEXT_LEN];

	when_format_duration(text, d_for);
	return mem_copy_str(text);
}

static char *time_left_text(const struct time_left *r)
{
	if (r->before_for > 0)
		return duration_text(r->before_for);
	if (r->den == 0)
		return NULL;
	if (r->den == 100)
		return mem_format("%d%%", (int)r->num);
	return mem_format("%d/%d", (int)r->num, (int)r->den);
}

static char *list_text(const struct strv *l)
{
	return l->n ? strv_join(l, "\n  ") : NULL;
}

/* Rows that begin with "* " where nothing was written. */
static char *starred_text(const struct strv *l)
{
	struct strv rows = { 0 };
	char *text;

	for (size_t i = 0; i < l->n; i++)
		strv_add(&rows, text_starts(l->v[i], "* ") ? l->v[i] + 2 : l->v[i]);
	text = list_text(&rows);
	strv_free(&rows);
	return text;
}

static char *key_types_text(const struct key_types *l)
{
	struct buf b;
	char *text;

	buf_init(&b, VALUE_MAX);
	for (size_t i = 0; i < l->n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", key_type_name(l->v[i]));
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

static char *parameters_text(const struct line_config *l)
{
	struct buf b;
	char *text;

	buf_init(&b, VALUE_MAX);
	for (size_t i = 0; i < l->params_n; i++)
		buf_addf(&b, "%s%d %d %d", i ? "\n  " : "", l->params[i].usage,
			 l->params[i].selector, l->params[i].matching);
	text = buf_steal(&b);
	buf_free(&b);
	return text;
}

static char *publish_text(unsigned publish)
{
	static const char *const texts[] = {
		[PUBLISH_HOOK] = "hook",
		[PUBLISH_INCLUDE] = "include",
		[PUBLISH_HOOK | PUBLISH_INCLUDE] = "hook include",
		[PUBLISH_UPDATE] = "update",
		[PUBLISH_HOOK | PUBLISH_UPDATE] = "hook update",
		[PUBLISH_INCLUDE | PUBLISH_UPDATE] = "include update",
		[PUBLISH_HOOK | PUBLISH_INCLUDE | PUBLISH_UPDATE] = "hook include update",
	};

	return mem_copy_str(texts[publish]);
}

char *config_value(const struct line_config *l, size_t i)
{
	const struct config_option *o = &options[i];
	const void *field = (const char *)l + o->offset;

	if (o->rival && l->origin[i].file < 0 && (!o->fallback || l->origin[o->rival].file >= 0))
		return NULL;
	switch (o->type) {
	case VALUE_LINE_NAME:
	case VALUE_PATH:
	case VALUE_PREFIX:
	case VALUE_GROUP:
	case VALUE_TEXT:
		return mem_copy_str(*(char *const *)field);
	case VALUE_HOSTS:
	case VALUE_OWNERS:
	case VALUE_COMMANDS:
	case VALUE_ZONE_SERVERS:
	case VALUE_ZONE_SERVER:
	case VALUE_ZONE_FILES:
	case VALUE_CAS:
	case VALUE_CONTACTS:
	case VALUE_ALIASES:
	case VALUE_LISTEN:
	case VALUE_ENDPOINTS:
	case VALUE_ADDRESSES:
	case VALUE_MAILBOXES:
	case VALUE_URLS:
		return list_text(field);
	case VALUE_EVENTS:
		return option_events_text(*(const unsigned *)field);
	case VALUE_EAB:
	case VALUE_CHALLENGES:
	case VALUE_STARTTLS:
		return starred_text(field);
	case VALUE_RESOLVERS:
		return l->recurse ? mem_copy_str("recurse")
				  : l->resolvers.n ? list_text(field) : mem_copy_str("system");
	case VALUE_WORD:
		return mem_copy_str(o->words[*(const int *)field]);
	case VALUE_NUMBER:
		return mem_format("%lld", (long long)*(const int64_t *)field);
	case VALUE_HOLD:
		return *(const int64_t *)field ? duration_text(*(const int64_t *)field)
					       : mem_copy_str("hold");
	case VALUE_ISSUER:
		return mem_copy_str(issuer_name(*(const enum issuer *)field));
	case VALUE_KEY_TYPES:
		return key_types_text(field);
	case VALUE_KEY_LENGTH:
		return mem_format("%lld", (long long)*(const int64_t *)field);
	case VALUE_DURATION:
		return duration_text(*(const int64_t *)field);
	case VALUE_COUNT:
		return mem_format("%lld", (long long)(*(const int64_t *)field / o->unit));
	case VALUE_TIME_LEFT:
		return time_left_text(field);
	case VALUE_YES_NO:
		return mem_copy_str(*(const bool *)field ? "yes" : "no");
	case VALUE_PARAMETERS:
		return parameters_text(l);
	case VALUE_PUBLISH:
		return publish_text(*(const unsigned *)field);
	}
	mem_bug("an option without a form");
}

char *config_origin(const struct config *c, const struct line_config *l, size_t i)
{
	const struct origin *from = &l->origin[i];

	if (from->file < 0)
		return mem_copy_str("default");
	return mem_format("%s:%d", c->files.v[from->file], (int)from->line);
}

void option_free_all(struct line_config *l)
{
	for (size_t i = 0; i < OPTIONS_N; i++) {
		void *field = (char *)l + options[i].offset;

		switch (options[i].type) {
		case VALUE_LINE_NAME:
		case VALUE_PATH:
		case VALUE_PREFIX:
		case VALUE_GROUP:
		case VALUE_TEXT:
			free(*(char **)field);
			break;
		case VALUE_HOSTS:
		case VALUE_OWNERS:
		case VALUE_COMMANDS:
		case VALUE_RESOLVERS:
		case VALUE_ZONE_SERVERS:
		case VALUE_ZONE_SERVER:
		case VALUE_ZONE_FILES:
		case VALUE_CAS:
		case VALUE_CONTACTS:
		case VALUE_EAB:
		case VALUE_CHALLENGES:
		case VALUE_ALIASES:
		case VALUE_LISTEN:
		case VALUE_ENDPOINTS:
		case VALUE_STARTTLS:
		case VALUE_ADDRESSES:
		case VALUE_MAILBOXES:
		case VALUE_URLS:
			strv_free(field);
			break;
		case VALUE_ISSUER:
		case VALUE_KEY_TYPES:
		case VALUE_KEY_LENGTH:
		case VALUE_DURATION:
		case VALUE_COUNT:
		case VALUE_TIME_LEFT:
		case VALUE_YES_NO:
		case VALUE_PARAMETERS:
		case VALUE_PUBLISH:
		case VALUE_WORD:
		case VALUE_NUMBER:
		case VALUE_HOLD:
		case VALUE_EVENTS:
			break;
		}
	}
	free(l->origin);
	*l = (struct line_config){ 0 };
}
