/* config_parse.c - values of options from text, each with its own reasons to refuse.
 * Touches: the system's list of groups, for key-group.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/when.h"
#include "core/names.h"
#include "io/dnsmsg.h"
#include "io/idn.h"
#include "sys/addr.h"

#include <errno.h>
#include <grp.h>

#define BLANKS	    " \t\n"
#define SHOWN_MAX   60
#define TEXT_MAX    ((size_t)1 << 20)   /* of a path or command: no file is larger */

void parser_free(struct parser *p)
{
	strv_free(&p->why);
	free(p->group);
	*p = (struct parser){ 0 };
}

char *option_shown(const char *value)
{
	size_t len = strlen(value);
	char *text;

	if (len > SHOWN_MAX) {
		/* not in the middle of a UTF-8 character */
		for (len = SHOWN_MAX; len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80; len--)
			;
	}
	text = mem_format("\"%.*s%s\"", (int)len, value, value[len] ? "..." : "");
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return text;
}

void option_refuse(struct parser *p, const char *value, const char *fmt, ...)
{
	char *shown = option_shown(value);
	char *why;
	va_list ap;

	va_start(ap, fmt);
	why = mem_vformat(fmt, ap);
	va_end(ap);
	strv_take(&p->why, mem_format("%s%s", shown, why));
	free(shown);
	free(why);
}

char *option_item(const char **p, const char *ends)
{
	const char *start = *p + strspn(*p, ends);
	size_t len = strcspn(start, ends);

	*p = start + len;
	return len ? mem_copy_strn(start, len) : NULL;
}

/* A path or name is one line. */
static bool is_one_line(struct parser *p, const char *value)
{
	if (!strchr(value, '\n'))
		return true;
	option_refuse(p, value, " has more than one line; one value is wanted");
	return false;
}

static void parse_line_name(struct parser *p, const char *value, char **out)
{
	struct err e;

	if (name_check_line(value, &e) < 0)
		strv_add(&p->why, e.text);
	else
		*out = mem_copy_str(value);
}

static void add_name(struct parser *p, struct strv *out, const char *word, bool is_owner)
{
	struct err e;
	struct addr a;
	char *name;
	size_t len;

	/* port 53: the form without a port */
	if (!is_owner && !strpbrk(word, "[]") && addr_parse(&a, word, 53) && addr_port(&a) == 53) {
		char text[ADDR_TEXT_LEN];

		addr_format(text, &a);
		strv_add(out, text);
		return;
	}
	if (idn_to_ascii(&name, word, &e) < 0) {
		strv_add(&p->why, e.text);
		return;
	}
	/* zone files write owners with the dot that makes them absolute */
	len = strlen(name);
	if (is_owner && len > 1 && name[len - 1] == '.')
		name[len - 1] = '\0';
	if ((is_owner ? name_check_owner(name, &e) : name_check_host(name, &e)) < 0) {
		strv_add(&p->why, e.text);
		free(name);
		return;
	}
	strv_take(out, name);
}

char *option_name_canon(const char *word)
{
	char *ascii, *name;
	struct err ignored;
	bool plain = true;

	for (const char *s = word; *s; s++)
		plain &= (unsigned char)*s < 0x80;
	if (plain)
		return dns_name_canon(word);
	if (idn_to_ascii(&ascii, word, &ignored) < 0)
		return NULL;
	name = dns_name_canon(ascii);
	free(ascii);
	return name;
}

/* Each name may stand once.  Nothing limits the number of owners, hence the sorted copy. */
static void refuse_repeated(struct parser *p, const struct strv *names)
{
	struct strv sorted = { 0 };

	strv_copy(&sorted, names);
	strv_sort(&sorted);
	for (size_t i = 1; i < sorted.n; i++)
		if (strcmp(sorted.v[i - 1], sorted.v[i]) == 0 &&
		    (i == 1 || strcmp(sorted.v[i - 2], sorted.v[i]) != 0))
			option_refuse(p, sorted.v[i], " is given twice: keep one of them");
	strv_free(&sorted);
}

static void parse_names(struct parser *p, const char *value, struct strv *out, bool is_owner)
{
	size_t n = 0;
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		if (++n > DOMAINS_MAX && !is_owner) {
			strv_take(&p->why,
				  mem_format("more than %d domains: public CAs refuse that, so "
					     "spread them over several lines",
					     DOMAINS_MAX));
			free(word);
			break;
		}
		add_name(p, out, word, is_owner);
		free(word);
	}
	refuse_repeated(p, out);
}

static void refuse_word(struct parser *p, const char *word, const char *const *words, size_t n,
			const char *wanted)
{
	const char *near = text_nearest(word, words, n);

	if (near)
		option_refuse(p, word, " is not one of %s (did you mean \"%s\"?)", wanted, near);
	else
		option_refuse(p, word, " is not one of %s", wanted);
}

static void parse_issuer(struct parser *p, const char *value, enum issuer *out)
{
	const char *const names[] = { issuer_name(ISSUER_ACME), issuer_name(ISSUER_SELF) };

	if (strcmp(value, names[0]) == 0)
		*out = ISSUER_ACME;
	else if (strcmp(value, names[1]) == 0)
		*out = ISSUER_SELF;
	else
		refuse_word(p, value, names, ARRAY_LEN(names), "acme, self");
}

static void parse_key_types(struct parser *p, const char *value, struct key_types *out)
{
	const char *names[KEY_OTHER];
	char *word;

	for (int i = 0; i < KEY_OTHER; i++)
		names[i] = key_type_name((enum key_type)i);
	while ((word = option_item(&value, BLANKS))) {
		enum key_type t;

		if (!key_type_parse(word, &t))
			refuse_word(p, word, names, KEY_OTHER,
				    "ec-256, ec-384, rsa-2048, rsa-3072, rsa-4096");
		else if (key_types_have(out, t))
			option_refuse(p, word, " is given twice: keep one of them");
		else
			out->v[out->n++] = t;
		free(word);
	}
}

static void parse_key_length(struct parser *p, const char *value, struct line_config *l)
{
	static const struct {
		const char   *text;
		int64_t       bits;
		enum key_type type;
	} lengths[] = {
		{ "2048", 2048, KEY_RSA_2048 },
		{ "3072", 3072, KEY_RSA_3072 },
		{ "4096", 4096, KEY_RSA_4096 },
	};

	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		if (strcmp(lengths[i].text, value) == 0) {
			l->key_length = lengths[i].bits;
			l->key_types = (struct key_types){ .v = { lengths[i].type }, .n = 1 };
			return;
		}
	}
	option_refuse(p, value, " is not one of 2048, 3072, 4096; for another kind of key use key-types");
}

static bool is_in_limits(struct parser *p, const struct config_option *o, const char *value,
			 int64_t d_for)
{
	char limit[WHEN_TEXT_LEN];

	if (d_for >= o->min && d_for <= o->max)
		return true;
	when_format_duration(limit, d_for < o->min ? o->min : o->max);
	if (d_for < o->min)
		option_refuse(p, value, " is too short: at least %s", limit);
	else
		option_refuse(p, value, " is too long: at most %s", limit);
	return false;
}

static void refuse_duration(struct parser *p, const char *value)
{
	if (*value && value[strspn(value, "0123456789")] == '\0')
		option_refuse(p, value, " has no unit: write for example 25h, 180d, 2w");
	else
		option_refuse(p, value, " is not a duration: write for example 25h, 180d, 2w");
}

static void parse_duration(struct parser *p, const struct config_option *o, const char *value,
			   int64_t *out)
{
	int64_t d_for;

	if (!when_parse_duration(value, &d_for))
		refuse_duration(p, value);
	else if (is_in_limits(p, o, value, d_for))
		*out = d_for;
}

static void parse_count(struct parser *p, const struct config_option *o, const char *value,
			int64_t *out)
{
	size_t n_options;
	const struct config_option *options = config_options(&n_options);
	int64_t n;

	if (!text_number(value, 1000000, &n))
		option_refuse(p, value, " is not a bare number of %s; %s takes one with a unit",
		       o->unit == DAY ? "days" : "hours", options[o->rival].key);
	else if (is_in_limits(p, o, value, n * o->unit))
		*out = n * o->unit;
}

/* "1/3" or "33%" */
static bool parse_fraction(const char *value, struct time_left *out)
{
	char text[8], *slash;
	size_t len = strlen(value);
	int64_t num, den = 100;

	if (len >= sizeof(text))
		return false;
	memcpy(text, value, len + 1);
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	else if (len > 0 && text[len - 1] == '%')
		text[len - 1] = '\0';
	else
		return false;
	if (!text_number(text, 999, &num) || (slash && !text_number(slash + 1, 999, &den)) ||
	    num == 0 || num >= den)
		return false;
	*out = (struct time_left){ .num = (int32_t)num, .den = (int32_t)den };
	return true;
}

static void parse_time_left(struct parser *p, const struct config_option *o, const char *value,
			       struct time_left *out)
{
	int64_t d_for;

	if (parse_fraction(value, out))
		return;
	if (when_parse_duration(value, &d_for)) {
		if (is_in_limits(p, o, value, d_for))
			*out = (struct time_left){ .before_for = d_for };
	} else if (strpbrk(value, "/%")) {
		option_refuse(p, value, " is not a part of the lifetime: write for example 1/3 or 33%%");
	} else {
		refuse_duration(p, value);
	}
}

static void parse_yes_no(struct parser *p, const char *value, bool *out)
{
	if (strcmp(value, "yes") == 0 || strcmp(value, "no") == 0)
		*out = value[0] == 'y';
	else
		option_refuse(p, value, " is neither yes nor no");
}

static void parse_commands(struct parser *p, const char *value, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		const char *rest = row;
		struct buf b;
		char *word;

		buf_init(&b, TEXT_MAX);
		while ((word = option_item(&rest, BLANKS))) {
			if (b.len)
				buf_add_char(&b, ' ');
			buf_add_str(&b, word);
			free(word);
		}
		if (b.len && b.s[0] != '/')
			option_refuse(p, b.s,
			       " does not begin with \"/\": a command is an absolute path and its "
			       "arguments, and is run without a shell");
		else if (b.len)
			strv_take(out, buf_steal(&b));
		buf_free(&b);
		free(row);
	}
}

/* Why we do not make such records, or NULL. */
static const char *bad_parameters(struct tlsa_params t)
{
	if (t.usage < 2)
		return "usages 0 and 1 are of no use: SMTP clients treat such records as unusable "
		       "(RFC 7672 3.1.3); use 3 1 1";
	if (t.usage > 3)
		return "this usage is not known; use 3 1 1";
	if (t.usage == 2 && t.matching != 1)
		return "of usage 2 there are 2 1 1 and 2 0 1 here";
	if (t.usage == 3 && t.selector == 0)
		return "selector 0 is the whole certificate: every renewal would change the record "
		       "and be a key rollover for DNS; use 3 1 1";
	if (t.selector > 1)
		return "this selector is not known; use 3 1 1";
	if (t.matching == 0)
		return "matching type 0 puts the whole key into the record, which makes answers "
		       "too large; use 3 1 1";
	if (t.matching > 2)
		return "this matching type is not known; use 3 1 1 or 3 1 2";
	return NULL;
}

static bool parse_triple(const char *row, struct tlsa_params *out)
{
	uint8_t *fields[] = { &out->usage, &out->selector, &out->matching };
	size_t n = 0;
	char *word;
	bool ok = true;

	while (ok && (word = option_item(&row, BLANKS))) {
		int64_t number;

		ok = n < ARRAY_LEN(fields) && text_number(word, 255, &number);
		if (ok)
			*fields[n++] = (uint8_t)number;
		free(word);
	}
	return ok && n == ARRAY_LEN(fields);
}

static void parse_parameters(struct parser *p, const char *value, struct line_config *l)
{
	const char *value_given = value;
	char *row;

	while ((row = option_item(&value, "\n,"))) {
		struct tlsa_params t = { 0 };
		bool repeated = false;
		const char *why;

		if (!parse_triple(row, &t)) {
			option_refuse(p, row, " is not usage, selector and matching type: write 3 1 1");
			free(row);
			continue;
		}
		for (size_t i = 0; i < l->params_n; i++)
			repeated |= memcmp(&l->params[i], &t, sizeof(t)) == 0;
		why = bad_parameters(t);
		if (why)
			option_refuse(p, row, ": %s", why);
		else if (repeated)
			option_refuse(p, row, " is given twice: keep one of them");
		else if (l->params_n == TLSA_PARAMS_MAX)
			mem_bug("more kinds of TLSA parameters than room for them");
		else
			l->params[l->params_n++] = t;
		free(row);
	}
	if (!l->params_n && !p->why.n)
		option_refuse(p, value_given, " is not usage, selector and matching type: write 3 1 1");
}

static void parse_publish(struct parser *p, const char *value, unsigned *out)
{
	static const char *const names[] = { "hook", "include", "update" };
	char *word;

	while ((word = option_item(&value, BLANKS))) {
		unsigned bit = 0;

		if (strcmp(word, names[0]) == 0)
			bit = PUBLISH_HOOK;
		else if (strcmp(word, names[1]) == 0)
			bit = PUBLISH_INCLUDE;
		else if (strcmp(word, names[2]) == 0)
			bit = PUBLISH_UPDATE;
		if (!bit)
			refuse_word(p, word, names, ARRAY_LEN(names), "hook, include, update");
		else if (*out & bit)
			option_refuse(p, word, " is given twice: keep one of them");
		*out |= bit;
		free(word);
	}
}

static void parse_word(struct parser *p, const struct config_option *o, const char *value, int *out)
{
	struct buf all;
	size_t n;

	buf_init(&all, TEXT_MAX);
	for (n = 0; o->words[n]; n++) {
		if (strcmp(value, o->words[n]) == 0)
			*out = (int)n;
		buf_addf(&all, "%s%s", n ? ", " : "", o->words[n]);
	}
	if (strcmp(value, o->words[*out]) != 0)
		refuse_word(p, value, o->words, n, all.s);
	buf_free(&all);
}

static void parse_number(struct parser *p, const struct config_option *o, const char *value,
			 int64_t *out)
{
	int64_t n;

	if (!text_number(value, o->max, &n) || n < o->min)
		option_refuse(p, value, " is not a whole number from %lld to %lld", (long long)o->min,
		       (long long)o->max);
	else
		*out = n;
}

static void parse_hold(struct parser *p, const struct config_option *o, const char *value,
		       int64_t *out)
{
	if (strcmp(value, "hold") == 0)
		*out = 0;
	else
		parse_duration(p, o, value, out);
}

/* Paths are compared later, so they get one form. */
static void parse_path(struct parser *p, const char *value, char **out)
{
	struct buf b;

	if (!is_one_line(p, value))
		return;
	if (value[0] != '/') {
		option_refuse(p, value, " is not an absolute path: begin it with \"/\"");
		return;
	}
	buf_init(&b, TEXT_MAX);
	while (*value) {
		size_t len;

		value += strspn(value, "/");
		len = strcspn(value, "/");
		if (len > 0 && !(len == 1 && value[0] == '.')) {
			buf_add_char(&b, '/');
			buf_add(&b, value, len);
		}
		value += len;
	}
	if (!b.len)
		buf_add_char(&b, '/');
	if (b.s[b.len - 1] == ' ' || b.s[b.len - 1] == '\t')
		option_refuse(p, b.s, " ends with a blank");
	else
		*out = buf_steal(&b);
	buf_free(&b);
}

static void parse_prefix(struct parser *p, const char *value, char **out)
{
	if (!is_one_line(p, value))
		return;
	if (strchr(value, '/'))
		option_refuse(p, value,
		       " has a \"/\": it is the beginning of a file's name; the folder is set in "
		       "[dirs]");
	else if (value[0] == '.')
		option_refuse(p, value, " begins with \".\": such files are hidden");
	else if (strlen(value) > 128)
		option_refuse(p, value, " is too long: at most 128 bytes");
	else
		*out = mem_copy_str(value);
}

static void parse_group(struct parser *p, const char *value, struct line_config *l)
{
	if (!is_one_line(p, value))
		return;
	if (!p->group || strcmp(p->group, value) != 0) {
		const struct group *found;

		errno = 0;
		found = getgrnam(value);
		if (!found && (errno == EIO || errno == EMFILE || errno == ENFILE)) {
			option_refuse(p, value, ": the list of groups cannot be read: %s",
			       strerror(errno));
			return;
		}
		if (!found) {
			option_refuse(p, value,
			       " is not a group of this system: make it (groupadd --system) or "
			       "name another");
			return;
		}
		free(p->group);
		p->group = mem_copy_str(value);
		p->gid = found->gr_gid;
	}
	l->key_group = mem_copy_str(value);
	l->key_gid = p->gid;
}

void option_parse(struct parser *p, enum option_id id, const char *value, struct line_config *l)
{
	size_t n;
	const struct config_option *o = &config_options(&n)[id];
	void *field = (char *)l + o->offset;

	if (!*value) {
		if (!o->may_be_empty)
			strv_take(&p->why,
				  mem_format("\"%s\" has no value: give one, or remove the line",
					     o->key));
		return;
	}
	switch (o->type) {
	case VALUE_LINE_NAME:
		parse_line_name(p, value, field);
		break;
	case VALUE_HOSTS:
		parse_names(p, value, field, false);
		break;
	case VALUE_OWNERS:
		parse_names(p, value, field, true);
		break;
	case VALUE_ISSUER:
		parse_issuer(p, value, field);
		break;
	case VALUE_KEY_TYPES:
		parse_key_types(p, value, field);
		break;
	case VALUE_KEY_LENGTH:
		parse_key_length(p, value, l);
		break;
	case VALUE_DURATION:
		parse_duration(p, o, value, field);
		break;
	case VALUE_COUNT:
		parse_count(p, o, value, field);
		break;
	case VALUE_TIME_LEFT:
		parse_time_left(p, o, value, field);
		break;
	case VALUE_YES_NO:
		parse_yes_no(p, value, field);
		break;
	case VALUE_COMMANDS:
		parse_commands(p, value, field);
		break;
	case VALUE_PARAMETERS:
		parse_parameters(p, value, l);
		break;
	case VALUE_PUBLISH:
		parse_publish(p, value, field);
		break;
	case VALUE_WORD:
		parse_word(p, o, value, field);
		break;
	case VALUE_NUMBER:
		parse_number(p, o, value, field);
		break;
	case VALUE_HOLD:
		parse_hold(p, o, value, field);
		break;
	case VALUE_RESOLVERS:
		option_resolvers(p, value, l);
		break;
	case VALUE_ZONE_SERVERS:
		option_zone_servers(p, value, false, field);
		break;
	case VALUE_ZONE_SERVER:
		option_zone_servers(p, value, true, field);
		break;
	case VALUE_ENDPOINTS:
		option_endpoints(p, value, field);
		break;
	case VALUE_STARTTLS:
		option_starttls(p, value, field);
		break;
	case VALUE_ADDRESSES:
		option_addresses(p, value, field);
		break;
	case VALUE_ZONE_FILES:
		option_zone_files(p, value, field);
		break;
	case VALUE_CAS:
		option_cas(p, value, field);
		break;
	case VALUE_CONTACTS:
		option_contacts(p, value, field);
		break;
	case VALUE_EAB:
		option_eab(p, value, field);
		break;
	case VALUE_CHALLENGES:
		option_challenges(p, value, field);
		break;
	case VALUE_ALIASES:
		option_aliases(p, value, field);
		break;
	case VALUE_LISTEN:
		option_listen(p, value, field);
		break;
	case VALUE_MAILBOXES:
		option_mailboxes(p, value, field);
		break;
	case VALUE_URLS:
		option_urls(p, value, field);
		break;
	case VALUE_EVENTS:
		option_events(p, value, field);
		break;
	case VALUE_TEXT:
		option_text(p, value, field);
		break;
	case VALUE_PATH:
		parse_path(p, value, field);
		break;
	case VALUE_PREFIX:
		parse_prefix(p, value, field);
		break;
	case VALUE_GROUP:
		parse_group(p, value, l);
		break;
	}
}
