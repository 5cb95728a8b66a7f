/* names.c - the syntax of host names, TLSA owners and line names (RFC 1123 2.1, RFC 6698 3).
 * Touches: nothing.
 */
#include "core/names.h"

#include "base/text.h"

#include <strings.h>

#define NAME_MAX_LEN  253
#define LABEL_MAX_LEN 63
#define LINE_MAX_LEN  64

/* Names from outside may be of any length: a text shows enough of one to find it. */
#define SHOWN "\"%.80s\""

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static int check_char(const char *name, char c, struct err *e)
{
	if (is_digit(c) || is_lower(c) || c == '-')
		return 0;
	if (is_upper(c))
		return err_set(e, ERR_USAGE, SHOWN ": write it in lower case", name);
	if (c == '*')
		return err_set(e, ERR_USAGE,
			       SHOWN ": \"*\" can only be the whole first label of a certificate's "
				     "name",
			       name);
	if (c == ',')
		return err_set(e, ERR_USAGE,
			       SHOWN ": names are separated by blanks or lines, not by commas",
			       name);
	if ((unsigned char)c >= 0x80)
		return err_set(e, ERR_USAGE, SHOWN ": not in its ASCII form (xn--...)", name);
	return err_set(e, ERR_USAGE, SHOWN ": \"%c\" cannot stand in a host name", name, c);
}

static int check_label(const char *name, const char *label, size_t len, struct err *e)
{
	if (len == 0)
		return err_set(e, ERR_USAGE,
			       SHOWN ": an empty label (two dots in a row, or a dot in front)",
			       name);
	for (size_t i = 0; i < len; i++)
		if (check_char(name, label[i], e) < 0)
			return -1;
	if (len > LABEL_MAX_LEN)
		return err_set(e, ERR_USAGE, SHOWN ": a label is longer than %d bytes", name,
			       LABEL_MAX_LEN);
	if (label[0] == '-' || label[len - 1] == '-')
		return err_set(e, ERR_USAGE, SHOWN ": a label begins or ends with \"-\"", name);
	return 0;
}

/* host is what of name follows a wildcard label or an owner's two labels, or all of it. */
static int check_host(const char *name, const char *host, struct err *e)
{
	const char *label = host, *last = host;
	size_t n = 0;

	if (strlen(name) > NAME_MAX_LEN)
		return err_set(e, ERR_USAGE, SHOWN ": longer than %d bytes", name, NAME_MAX_LEN);
	if (!*host)
		return err_set(e, ERR_USAGE, SHOWN ": no host name in it", name);
	if (text_ends(host, "."))
		return err_set(e, ERR_USAGE, SHOWN ": write it without the dot at the end", name);
	for (;;) {
		size_t len = strcspn(label, ".");

		if (check_label(name, label, len, e) < 0)
			return -1;
		n++;
		last = label;
		if (!label[len])
			break;
		label += len + 1;
	}
	if (n < 2)
		return err_set(e, ERR_USAGE,
			       SHOWN ": a name of one label; write the full name, like "
				     "mx.example.org",
			       name);
	if (last[strspn(last, "0123456789")] == '\0')
		return err_set(e, ERR_USAGE, SHOWN ": neither a name nor an address",
			       name);
	return 0;
}

int name_check_host(const char *name, struct err *e)
{
	if (!*name)
		return err_set(e, ERR_USAGE, "an empty name");
	return check_host(name, text_starts(name, "*.") ? name + 2 : name, e);
}

static int check_port(const char *name, size_t len, struct err *e)
{
	char digits[8] = "";
	int64_t port;

	if (len == 1 && name[0] == '*')
		return 0;
	if (len == 2 && name[0] == '_' && name[1] == '*')
		return err_set(e, ERR_USAGE, SHOWN ": every port is \"*\", without \"_\"", name);
	if (len > 1 && len <= sizeof(digits) && name[0] == '_') {
		memcpy(digits, name + 1, len - 1);
		if (text_number(digits, 65535, &port))
			return 0;
	}
	return err_set(e, ERR_USAGE,
		       SHOWN ": the first label of a TLSA owner is \"_\" and a port of 0 to 65535, "
			     "like _25._tcp.mx.example.org",
		       name);
}

int name_check_owner(const char *name, struct err *e)
{
	size_t port_len = strcspn(name, "."), proto_len;
	const char *proto;

	if (!*name)
		return err_set(e, ERR_USAGE, "an empty name");
	if (check_port(name, port_len, e) < 0)
		return -1;
	proto = name[port_len] ? name + port_len + 1 : "";
	proto_len = strcspn(proto, ".");
	if (proto_len < 2 || proto[0] != '_')
		return err_set(e, ERR_USAGE,
			       SHOWN ": the second label of a TLSA owner is \"_\" and a protocol, "
				     "like _25._tcp.mx.example.org",
			       name);
	if (check_label(name, proto + 1, proto_len - 1, e) < 0)
		return -1;
	return check_host(name, proto[proto_len] ? proto + proto_len + 1 : "", e);
}

bool name_split_tcp(const char *owner, uint16_t *port, const char **host)
{
	unsigned n = 0;
	const char *s;

	for (s = owner + 1; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (unsigned)(*s - '0');
	if (s == owner + 1 || !n || n > UINT16_MAX || !text_starts(s, "._tcp."))
		return false;
	*port = (uint16_t)n;
	*host = s + strlen("._tcp.");
	return true;
}

bool name_below(const char *name, const char *apex)
{
	size_t ln = strlen(name), la = strlen(apex);

	if (strcmp(apex, ".") == 0)
		return true;
	if (la == 0 || ln < la || strcasecmp(name + ln - la, apex) != 0)
		return false;
	return ln == la || name[ln - la - 1] == '.';
}

int name_check_line(const char *name, struct err *e)
{
	size_t len = strlen(name);

	if (len == 0)
		return err_set(e, ERR_USAGE, "an empty name");
	if (len > LINE_MAX_LEN)
		return err_set(e, ERR_USAGE, SHOWN ": longer than %d bytes", name, LINE_MAX_LEN);
	for (const char *p = name; *p; p++)
		if (!is_digit(*p) && !is_lower(*p) && !is_upper(*p) && !strchr("._-", *p))
			return err_set(e, ERR_USAGE,
				       SHOWN ": a line's name has only letters, digits, \".\", "
					     "\"_\" and \"-\"",
				       name);
	if (name[0] == '.' || name[0] == '-')
		return err_set(e, ERR_USAGE,
			       SHOWN ": a line's name begins with a letter, a digit or \"_\"",
			       name);
	return 0;
}
