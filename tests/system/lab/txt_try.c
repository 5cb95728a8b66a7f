/* txt_try.c - TXT records of challenges, and CAA records, from the command line, for txt.sh.
 *
 *     txt_try update APEX ADDRESS KEYFILE|- TTL [+OWNER=VALUE | -OWNER=VALUE]...
 *     txt_try places RESOLVER PORT ANCHOR NAME...
 *     txt_try look RESOLVER PORT ANCHOR NAME[=VALUE]... [NAME=...]
 *     txt_try caa RESOLVER PORT ANCHOR NAME...
 *
 * ANCHOR is a trust anchor, or "-": nothing is validated.  update prints "done", or "KIND: TEXT" and exits 1.
 * The others print one line for each name; look also "other VALUE" for each that was not asked for; the values
 * of one name are arguments in a row.
 * Touches: network, the key file, the trust anchor.
 */
#include "base/mem.h"
#include "dns/caa.h"
#include "dns/txt.h"
#include "sys/proc.h"

#define MANY 1024

static int failed(const struct err *e)
{
	static const char *const kinds[] = {
		[ERR_NONE] = "none", [ERR_USAGE] = "usage", [ERR_LOCAL] = "local",
		[ERR_LATER] = "later", [ERR_REFUSED] = "refused", [ERR_UNSAFE] = "unsafe",
	};

	printf("%s: %s\n", kinds[e->kind], e->text);
	return 1;
}

/* The value behind the "=" of an argument, which ends there. */
static char *cut(char *arg)
{
	char *value = strchr(arg, '=');

	if (value)
		*value++ = '\0';
	return value;
}

static int update(char **args)
{
	static struct txt_change v[MANY];
	struct tsig_key key = { 0 };
	struct addr server;
	struct err e = { 0 };
	int exposed = 0, rc;
	size_t n = 0;

	if (!addr_parse(&server, args[1], 53))
		return 2;
	if (strcmp(args[2], "-") != 0 && tsig_key_read(&key, args[2], &exposed, &e) < 0)
		return failed(&e);
	for (char **a = args + 4; *a && n < MANY; a++) {
		v[n] = (struct txt_change){ .at = *a + 1, .remove = **a == '-' };
		v[n++].value = cut(*a);
	}
	rc = txt_update(args[0], &server, key.name ? &key : NULL, (uint32_t)strtoul(args[3], NULL, 10), v, n,
			&ask_defaults, &e);
	tsig_key_free(&key);
	if (rc < 0)
		return failed(&e);
	puts("done");
	return 0;
}

static void places(char **names, size_t n, const struct look_config *c)
{
	static struct txt_place p[MANY];

	for (size_t i = 0; i < n; i++)
		p[i].name = names[i];
	txt_places(p, n, c);
	for (size_t i = 0; i < n; i++) {
		if (p[i].problem)
			printf("%s: %s\n", p[i].name, p[i].problem);
		else
			printf("%s%s in %s", p[i].at, p[i].aliased ? " (alias)" : "", p[i].apex);
		for (size_t k = 0; k < p[i].servers_n; k++) {
			char address[ADDR_TEXT_LEN];

			addr_format(address, &p[i].servers[k]);
			printf(" at %s", address);
		}
		if (!p[i].problem)
			puts("");
	}
	txt_places_free(p, n);
}

static void look(char **args, const struct look_config *c)
{
	static struct txt_sight s[MANY];
	static struct strv values[MANY];
	size_t n = 0;

	for (; *args && n < MANY; args++) {
		char *value = cut(*args);

		if (!n || strcmp(s[n - 1].name, *args) != 0) {
			s[n] = (struct txt_sight){ .name = *args, .values = &values[n] };
			n++;
		}
		if (value)
			strv_add(&values[n - 1], value);
	}
	txt_look(s, n, c);
	for (size_t i = 0; i < n; i++) {
		printf("%s%s%s\n", s[i].bogus ? "bogus: " : s[i].seen ? "seen" : "not seen: ",
		       s[i].seen ? "" : s[i].why, s[i].seen && s[i].why ? s[i].why : "");
		for (size_t k = 0; k < s[i].others.n; k++)
			printf("other %s\n", s[i].others.v[k]);
		strv_free(&values[i]);
	}
	txt_sights_free(s, n);
}

static void caa(char **names, size_t n, const struct look_config *c)
{
	static struct caa_set s[MANY];

	for (size_t i = 0; i < n; i++)
		s[i].name = names[i];
	caa_find(s, n, c);
	for (size_t i = 0; i < n; i++) {
		printf("%s", s[i].problem ? s[i].problem : s[i].at ? s[i].at : "nothing");
		for (size_t k = 0; k < s[i].n; k++)
			printf("%s%d %s %s", k ? "; " : ": ", s[i].v[k].critical, s[i].v[k].tag, s[i].v[k].value);
		puts("");
	}
	caa_free(s, n);
}

int main(int argc, char **argv)
{
	struct look_config c = { .limits = ask_defaults };
	struct addr resolver;

	if (argc < 6)
		return 2;
	proc_init();
	if (strcmp(argv[1], "update") == 0)
		return update(argv + 2);
	if (!addr_parse(&resolver, argv[2], 53))
		return 2;
	c.resolvers = &resolver;
	c.resolvers_n = 1;
	c.port = (uint16_t)strtoul(argv[3], NULL, 10);
	c.validate = strcmp(argv[4], "-") == 0 ? VALIDATE_NO : VALIDATE_DNSSEC;
	c.trust_anchor = argv[4];
	if (strcmp(argv[1], "places") == 0)
		places(argv + 5, (size_t)argc - 5, &c);
	else if (strcmp(argv[1], "look") == 0)
		look(argv + 5, &c);
	else
		caa(argv + 5, (size_t)argc - 5, &c);
	return 0;
}
