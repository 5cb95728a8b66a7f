/* config_endpoints.c - values of [endpoints]: which servers are looked at, and how they begin TLS.
 * Touches: nothing.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "core/names.h"
#include "io/dnsmsg.h"
#include "sys/addr.h"
#include "tls/starttls.h"

#define BLANKS   " \t\n"
#define TEXT_MAX ((size_t)1 << 16)

static bool parse_port(const char *text, unsigned *port)
{
	*port = 0;
	if (!*text || strlen(text) > 5)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*port = *port * 10 + (unsigned)(*text - '0');
	}
	return *port > 0 && *port < 65536;
}

/* An owner, or "HOST:PORT", in lower case; NULL: neither.  *port: its own. */
static char *parse_name(const char *word, unsigned *port)
{
	const char *colon = strrchr(word, ':');
	char *name, *canon = NULL;
	struct err ignored;

	if (*word == '_') {
		char *number = mem_copy_strn(word + 1, strcspn(word + 1, "."));
		bool ok = parse_port(number, port);

		free(number);
		canon = ok ? dns_name_canon(word) : NULL;
		if (canon && name_check_owner(canon, &ignored) == 0 && strstr(canon, "._tcp."))
			return canon;
		free(canon);
		return NULL;
	}
	if (!colon || !parse_port(colon + 1, port))
		return NULL;
	name = mem_copy_strn(word, (size_t)(colon - word));
	canon = dns_name_canon(name);
	free(name);
	if (!canon || name_check_host(canon, &ignored) < 0 || *canon == '*') {
		free(canon);
		return NULL;
	}
	name = mem_format("%s:%u", canon, *port);
	free(canon);
	return name;
}

/* "NAME [STARTTLS] [ADDRESS ...]" */
void option_endpoints(struct parser *p, const char *value, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		const char *rest = row;
		unsigned port = 0;
		char *word = option_item(&rest, BLANKS), *name = word ? parse_name(word, &port) : NULL;
		char *how = NULL;
		struct buf b;
		bool first = true;

		buf_init(&b, TEXT_MAX);
		if (!name)
			option_refuse(p, word ? word : row, " is neither the name of TLSA records of a TCP service "
				      "(_25._tcp.mx.example.org) nor a host and a port (imap.example.org:993)");
		free(word);
		for (; name && (word = option_item(&rest, BLANKS)); first = false) {
			enum starttls ignored;
			struct addr a;

			if (first && starttls_parse(word, &ignored)) {
				how = word;
				continue;
			}
			if (addr_parse(&a, word, (uint16_t)port)) {
				char text[ADDR_TEXT_LEN];

				addr_format(text, &a);
				buf_addf(&b, " %s", text);
			} else {
				option_refuse(p, word, " is no address%s",
					      first ? ", and no way to begin TLS (smtp, imap ..., or none)" : "");
			}
			free(word);
		}
		if (name)
			strv_take(out, mem_format("%s%s%s%s", name, how ? " " : "", how ? how : "", b.s));
		buf_free(&b);
		free(how);
		free(name);
		free(row);
	}
}

/* "WHAT WORD"; WHAT is a port, an endpoint, or "*". */
void option_starttls(struct parser *p, const char *value, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		const char *rest = row;
		char *first = option_item(&rest, BLANKS), *second = first ? option_item(&rest, BLANKS) : NULL;
		char *more = second ? option_item(&rest, BLANKS) : NULL, *name = NULL;
		enum starttls how;
		unsigned port;

		if (second && !parse_port(first, &port))
			name = parse_name(first, &port);
		else if (second)
			name = mem_format("%u", port);
		else
			name = mem_copy_str("*");
		if (more || !first || !name || !starttls_parse(second ? second : first, &how))
			option_refuse(p, row, " is not a way to begin TLS (smtp, lmtp, imap, pop3, sieve, "
				      "xmpp-client, xmpp-server, ftp, ldap, nntp, postgres, mysql or none), with a port or "
				      "an endpoint in front of it if it is for that alone");
		else
			strv_take(out, mem_format("%s %s", name, starttls_name(how)));
		free(name);
		free(first);
		free(second);
		free(more);
		free(row);
	}
}

/* One of each family at most. */
void option_addresses(struct parser *p, const char *value, struct strv *out)
{
	bool have[2] = { false, false };
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		char text[ADDR_TEXT_LEN];
		struct addr a;

		if (!addr_parse(&a, word, 53) || addr_port(&a) != 53 || have[addr_is_ipv6(&a)]) {
			option_refuse(p, word, " is not an address, or not the only one of its kind (one of IPv4 and one "
				      "of IPv6, without port)");
		} else {
			have[addr_is_ipv6(&a)] = true;
			addr_format(text, &a);
			strv_add(out, text);
		}
		free(word);
	}
}
