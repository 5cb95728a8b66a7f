/* config_dns.c - values that name zones, servers and key files.
 * Touches: nothing.
 */
#include "run/config_parts.h"

#include "base/mem.h"
#include "io/dnsmsg.h"
#include "sys/addr.h"

#define BLANKS   " \t\n"
#define TEXT_MAX ((size_t)1 << 20)

/* The address in the form in which messages show it; NULL: refused. */
static char *parse_address(struct parser *p, const char *word)
{
	char text[ADDR_TEXT_LEN];
	struct addr a;

	if (!addr_parse(&a, word, 53)) {
		option_refuse(p, word, " is not an address: write 192.0.2.1, 192.0.2.1:5353, 2001:db8::1 or "
		       "[2001:db8::1]:5353");
		return NULL;
	}
	addr_format(text, &a);
	return mem_copy_str(text);
}

void option_resolvers(struct parser *p, const char *value, struct line_config *l)
{
	char *word, *address;

	if (strcmp(value, "system") == 0)
		return;
	if (strcmp(value, "recurse") == 0) {
		l->recurse = true;
		return;
	}
	while ((word = option_item(&value, BLANKS))) {
		address = parse_address(p, word);
		if (address)
			strv_take(&l->resolvers, address);
		free(word);
	}
}

/* A zone as in core/names: lower case, no dot at the end, "." for the root. */
static char *parse_zone(struct parser *p, const char *word)
{
	char *zone = option_name_canon(word);

	if (!zone)
		option_refuse(p, word, " is not the name of a zone");
	return zone;
}

void option_zone_servers(struct parser *p, const char *value, bool one, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		const char *rest = row;
		char *word = option_item(&rest, BLANKS), *zone = word ? parse_zone(p, word) : NULL;
		struct buf b;
		size_t n = 0;

		buf_init(&b, TEXT_MAX);
		buf_add_str(&b, zone ? zone : "");
		free(zone);
		free(word);
		while ((word = option_item(&rest, BLANKS))) {
			char *address = parse_address(p, word);

			buf_addf(&b, " %s", address ? address : "");
			n++;
			free(address);
			free(word);
		}
		if (n == 0 || (one && n > 1))
			option_refuse(p, row, one ? " is not a zone and an address"
					   : " is not a zone and the addresses of its servers");
		strv_take(out, buf_steal(&b));
		buf_free(&b);
		free(row);
	}
}

void option_zone_files(struct parser *p, const char *value, struct strv *out)
{
	char *row;

	while ((row = option_item(&value, "\n"))) {
		const char *rest = row;
		char *first = option_item(&rest, BLANKS), *second = first ? option_item(&rest, BLANKS) : NULL;
		char *more = second ? option_item(&rest, BLANKS) : NULL;
		const char *file = second ? second : first;
		char *zone = second ? parse_zone(p, first) : NULL;

		if (more || !file || file[0] != '/')
			option_refuse(p, row, " is not a zone and the absolute path of a key file");
		else if (!second || zone)
			strv_take(out, mem_format("%s %s", zone ? zone : "*", file));
		free(zone);
		free(first);
		free(second);
		free(more);
		free(row);
	}
}
