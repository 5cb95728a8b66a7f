/* hosts_try.c - addresses and mail hosts from the command line, for hosts.sh.
 *
 *     hosts_try hosts RESOLVER ANCHOR NAME...
 *     hosts_try mail RESOLVER ANCHOR DOMAIN...
 *
 * ANCHOR is a trust anchor, "ad": the resolver validates, or "-": nobody does.  One line for each name:
 *     SECURITY [-> END] ADDRESS... [(PROBLEM)] [WHY]
 *     SECURITY [implicit] [null] PREFERENCE:HOST... [(PROBLEM)] [WHY]
 * Touches: network, the trust anchor.
 */
#include "base/mem.h"
#include "dns/hosts.h"
#include "sys/proc.h"

#define MANY 256
#define PORT 25

static const char *const securities[] = {
	[SECURITY_UNKNOWN] = "unknown", [SECURITY_INSECURE] = "insecure", [SECURITY_SECURE] = "secure",
	[SECURITY_BOGUS] = "bogus",
};

static void end_line(const char *problem, const char *why)
{
	if (problem)
		printf(" (%s)", problem);
	if (why)
		printf(" [%s]", why);
	puts("");
}

static void print_hosts(char **names, size_t n, const struct look_config *c)
{
	static struct host h[MANY];
	static uint16_t ports[MANY];

	for (size_t i = 0; i < n; i++)
		ports[i] = PORT;
	hosts_find(h, (const char *const *)names, ports, n, c);
	for (size_t i = 0; i < n; i++) {
		printf("%s", securities[h[i].security]);
		if (strcmp(h[i].name, h[i].end) != 0)
			printf(" -> %s", h[i].end);
		for (size_t k = 0; k < h[i].addrs_n; k++) {
			char address[ADDR_TEXT_LEN];

			addr_format(address, &h[i].addrs[k]);
			printf(" %s", address);
		}
		end_line(h[i].problem, h[i].why);
	}
	hosts_free(h, n);
}

static void print_mail_hosts(const char *domain, const struct look_config *c)
{
	struct mail_hosts m;

	mail_hosts_find(&m, domain, c);
	printf("%s%s%s", securities[m.security], m.implicit ? " implicit" : "", m.null_mx ? " null" : "");
	for (size_t k = 0; k < m.n; k++)
		printf(" %u:%s", m.v[k].preference, m.v[k].name);
	end_line(m.problem, m.why);
	mail_hosts_free(&m);
}

int main(int argc, char **argv)
{
	struct look_config c = { .limits = ask_defaults };
	struct addr resolver;

	if (argc < 5 || argc - 4 > MANY || !addr_parse(&resolver, argv[2], 53))
		return 2;
	proc_init();
	c.resolvers = &resolver;
	c.resolvers_n = 1;
	c.validate = strcmp(argv[3], "-") == 0 ? VALIDATE_NO : strcmp(argv[3], "ad") == 0 ? VALIDATE_RESOLVER :
		     VALIDATE_DNSSEC;
	c.trust_anchor = argv[3];
	if (strcmp(argv[1], "hosts") == 0)
		print_hosts(argv + 4, (size_t)argc - 4, &c);
	else
		for (char **domain = argv + 4; *domain; domain++)
			print_mail_hosts(*domain, &c);
	return 0;
}
