/* config_acme.c - values of [acme].
 * Touches: nothing.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/ca.h"
#include "core/names.h"
#include "io/dnsmsg.h"
#include "io/jose.h"
#include "sys/addr.h"

#define BLANKS " \t\n"

static const char *const methods[] = {
	[METHOD_WEBROOT] = "webroot",
	[METHOD_STANDALONE] = "standalone",
	[METHOD_TLS_ALPN] = "tls-alpn",
	[METHOD_DNS_UPDATE] = "dns-update",
	[METHOD_HOOK_HTTP] = "hook-http",
	[METHOD_HOOK_DNS] = "hook-dns",
	[METHOD_HOOK_TLS] = "hook-tls-alpn",
};
_Static_assert(ARRAY_LEN(methods) == METHODS_N, "a word for each method");

const char *method_name(enum method m)
{
	return methods[m];
}

static bool method_parse(const char *s, size_t len, enum method *out)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		if (strlen(methods[i]) != len || strncmp(s, methods[i], len) != 0)
			continue;
		*out = (enum method)i;
		return true;
	}
	return false;
}

enum challenge_type method_type(enum method m)
{
	switch (m) {
	case METHOD_WEBROOT:
	case METHOD_STANDALONE:
	case METHOD_HOOK_HTTP:
		return HTTP_01;
	case METHOD_DNS_UPDATE:
	case METHOD_HOOK_DNS:
		return DNS_01;
	case METHOD_TLS_ALPN:
	case METHOD_HOOK_TLS:
		return TLS_ALPN_01;
	case METHODS_N:
		break;
	}
	mem_bug("a method without a challenge");
}

void option_cas(struct parser *p, const char *value, struct strv *out)
{
	const char *names[32];
	const struct ca *list;
	size_t n;
	char *word;

	list = ca_list(&n);
	for (size_t i = 0; i < n; i++)
		names[i] = list[i].name;
	while ((word = option_item(&value, BLANKS))) {
		const char *near = text_nearest(word, names, n);

		if (ca_directory(word))
			strv_add(out, word);
		else if (near)
			option_refuse(p, word, " is neither a CA that is known by name nor an https URL (did you "
				      "mean \"%s\"?)", near);
		else
			option_refuse(p, word, " is neither a CA that is known by name nor an https URL");
		free(word);
	}
}

void option_contacts(struct parser *p, const char *value, struct strv *out)
{
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		const char *address = text_starts(word, "mailto:") ? word + strlen("mailto:") : word;
		const char *at = strchr(address, '@');

		if (!at || at == address || !at[1] || strchr(at + 1, '@') || strpbrk(address, ":,?"))
			option_refuse(p, word, " is not a mail address");
		else
			strv_take(out, mem_format("mailto:%s", address));
		free(word);
	}
}

/* Up to `max` words of a row; false if there are more or less than `min`. */
static bool words_of(const char *row, char **out, size_t min, size_t max)
{
	size_t n = 0;
	char *more;

	for (size_t i = 0; i < max; i++)
		out[i] = NULL;
	while (n < max && (out[n] = option_item(&row, BLANKS)))
		n++;
	more = option_item(&row, BLANKS);
	free(more);
	return n >= min && !more;
}

/* "[CA] KID FILE [ALGORITHM]", as "CA KID FILE ALGORITHM"; a CA "*" is any. */
void option_eab(struct parser *p, const char *value, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		char *w[4];
		bool good = words_of(row, w, 2, 4);
		size_t file = w[1] && w[1][0] == '/' ? 1 : 2;
		const char *ca = file == 2 ? w[0] : "*", *alg = file < 3 && w[file] ? w[file + 1] : NULL;
		enum jose_mac ignored;

		if (!good || !w[file] || w[file][0] != '/' || (file == 1 && w[3]) ||
		    (file == 2 && !ca_directory(ca)) || (alg && !jose_mac_parse(alg, &ignored)))
			option_refuse(p, row, " is not a key id and the absolute path of a file, with a CA in front if "
				      "there are several, and HS384 or HS512 behind if it is not HS256");
		else
			strv_take(out, mem_format("%s %s %s %s", ca, w[file - 1], w[file], alg ? alg : "HS256"));
		for (size_t i = 0; i < ARRAY_LEN(w); i++)
			free(w[i]);
		free(row);
	}
}

/* A name of a certificate in its canonical form, or NULL. */
static char *canonical(const char *word)
{
	char *name = option_name_canon(text_starts(word, "*.") ? word + 2 : word), *whole;

	if (!name || !text_starts(word, "*."))
		return name;
	whole = mem_format("*.%s", name);
	free(name);
	return whole;
}

/* The methods of a row for a name ("*": any); NULL: there is none. */
static const char *row_of(const struct strv *rows, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < rows->n; i++)
		if (strncmp(rows->v[i], name, len) == 0 && rows->v[i][len] == ' ')
			return rows->v[i] + len + 1;
	return NULL;
}

static bool check_methods(struct parser *p, const char *row, char *const *words, size_t n)
{
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++) {
		enum method m;

		if (!method_parse(words[i], strlen(words[i]), &m)) {
			const char *near = text_nearest(words[i], methods, METHODS_N);

			option_refuse(p, words[i], " is not one of webroot, standalone, tls-alpn, dns-update, "
				      "hook-http, hook-dns, hook-tls-alpn%s%s%s", near ? " (did you mean \"" : "",
				      near ? near : "", near ? "\"?)" : "");
			return false;
		}
		if (seen >> m & 1) {
			option_refuse(p, row, " has %s twice", words[i]);
			return false;
		}
		seen |= 1U << m;
	}
	return true;
}

/* "METHOD ..." or "NAME METHOD ...", as "NAME METHOD ..." with "*" for any name. */
void option_challenges(struct parser *p, const char *value, struct strv *out)
{
	char *row, *word;

	while ((row = option_item(&value, "\n"))) {
		struct strv words = { 0 };
		const char *rest = row;
		char *name = NULL, *list = NULL;
		size_t first;

		while ((word = option_item(&rest, BLANKS)))
			strv_take(&words, word);
		/* a name has a dot, an address of IPv6 colons, and "*" is any: no method is like that */
		first = words.n > 1 && strpbrk(words.v[0], ".:*") ? 1 : 0;
		if (check_methods(p, row, words.v + first, words.n - first)) {
			name = first ? canonical(words.v[0]) : mem_copy_str("*");
			list = strv_join(&(struct strv){ words.v + first, words.n - first }, " ");
			if (!name)
				option_refuse(p, row, " is not a list of methods, with or without a name in front");
			else if (row_of(out, name))
				option_refuse(p, row, " is a second row for %s: one row has all its methods",
					      first ? name : "any name");
			else
				strv_take(out, mem_format("%s %s", name, list));
		}
		free(name);
		free(list);
		strv_free(&words);
		free(row);
	}
}

/* "NAME TARGET": where the record for a name, and for its wildcard, is written instead. */
void option_aliases(struct parser *p, const char *value, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		char *w[2];
		bool good = words_of(row, w, 2, 2);
		char *name = good ? option_name_canon(w[0] + (text_starts(w[0], "*.") ? 2 : 0)) : NULL;
		char *target = good ? option_name_canon(w[1]) : NULL;

		if (name && target && row_of(out, name))
			option_refuse(p, row, " is a second row for %s", name);
		else if (name && target)
			strv_take(out, mem_format("%s %s", name, target));
		else
			option_refuse(p, row, " is not a name and the name of the record to write instead");
		free(name);
		free(target);
		free(w[0]);
		free(w[1]);
		free(row);
	}
}

/* "80" for all addresses of this host, "192.0.2.1:80", "[::]:80". */
void option_listen(struct parser *p, const char *value, struct strv *out)
{
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		int64_t port;
		struct addr a;

		if ((text_number(word, 65535, &port) && port > 0) ||
		    (strchr(word, ':') && addr_parse(&a, word, 0) && addr_port(&a)))
			strv_add(out, word);
		else
			option_refuse(p, word, " is neither a port nor an address with a port, like 192.0.2.1:80 or "
				      "[::]:80");
		free(word);
	}
}

void option_text(struct parser *p, const char *value, char **out)
{
	for (const char *s = value; *s; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f) {
			option_refuse(p, value, " is not one line of plain text");
			return;
		}
	*out = mem_copy_str(value);
}

/* What is looked at when everything is read ------------------------------------------------------- */

/* All methods for a name, the preferred one first; how many: 0: nothing says so. */
static size_t methods_for(enum method *out, const struct line_config *l, const char *name)
{
	const char *row = row_of(&l->challenges, name);
	size_t n = 0, len;

	if (!row)
		row = row_of(&l->challenges, "*");
	for (; row && *row; row += len + strspn(row + len, " ")) {
		len = strcspn(row, " ");
		if (!method_parse(row, len, &out[n++]))
			mem_bug("a method that was not looked at");
	}
	if (l->challenges.n)
		return n;
	if (l->challenge_hook.n)
		out[n++] = METHOD_HOOK_DNS;
	else if (l->challenge_dir && !text_starts(name, "*."))
		out[n++] = METHOD_WEBROOT;
	else if (l->update_keys.n)
		out[n++] = METHOD_DNS_UPDATE;
	return n;
}

static bool method_by_hook(enum method m)
{
	return m == METHOD_HOOK_HTTP || m == METHOD_HOOK_DNS || m == METHOD_HOOK_TLS;
}

/* Why a method cannot be used for a name; NULL: it can. */
static const char *method_problem(const struct line_config *l, const char *name, enum method m)
{
	struct addr a;

	if (text_starts(name, "*.") && method_type(m) != DNS_01)
		return "a wildcard needs the method dns-update or hook-dns";
	if (addr_parse(&a, name, 1) && method_type(m) == DNS_01)
		return "an address cannot be shown to be ours in DNS: give it the method webroot, standalone or "
		       "tls-alpn";
	if (m == METHOD_WEBROOT && !l->challenge_dir)
		return "the method webroot needs challenge-dir";
	if (m != METHOD_HOOK_DNS && method_by_hook(m) &&
	    (l->challenge_dialect == DIALECT_LEGO || l->challenge_dialect == DIALECT_LEGO_RAW))
		return "hooks in lego's dialect answer dns-01 only: give it the method hook-dns";
	if (m == METHOD_HOOK_TLS && l->challenge_dialect == DIALECT_CERTBOT)
		return "hooks in certbot's dialect do not answer tls-alpn-01";
	if (method_by_hook(m) && !l->challenge_hook.n)
		return "the methods hook-... need challenge-hook";
	return NULL;
}

int config_method(const struct line_config *l, const char *name, unsigned types, struct err *e)
{
	enum method v[METHODS_N];
	enum err_kind kind = ERR_USAGE;
	struct strv reasons = { 0 };
	size_t n = methods_for(v, l, name), i;
	char *text;

	for (i = 0; i < n; i++) {
		const char *why = method_problem(l, name, v[i]);
		enum challenge_type type = method_type(v[i]);

		if (!why && types >> type & 1)
			break;
		if (!why)
			kind = ERR_REFUSED;
		text = why ? mem_copy_str(why)
			   : mem_format("the CA does not offer %s, which the method %s needs",
					challenge_type_name(type), method_name(v[i]));
		if (!strv_has(&reasons, text))
			strv_add(&reasons, text);
		free(text);
	}
	if (!n)
		strv_add(&reasons, text_starts(name, "*.")
				   ? "a wildcard needs challenges = dns-update or hook-dns"
				   : "nothing says how a CA's challenges are answered for it: give challenge-dir, "
				     "challenge-hook or challenges");
	text = strv_join(&reasons, "; ");
	if (i == n)
		err_set(e, kind, "%s", text);
	free(text);
	strv_free(&reasons);
	return i < n ? (int)v[i] : -1;
}
