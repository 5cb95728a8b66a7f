/* update_try.c - one update from the command line, for update.sh.
 *
 *     update_try ZONE ADDRESS KEYFILE|- OWNER TTL [+DATA | -DATA]... [OWNER TTL ...]...
 *
 * +DATA is wanted at the owner before it, -DATA is to be dropped.  Prints "changed" or "same", then
 * "foreign OWNER DATA" for each record that was kept; or "KIND: TEXT" of the error, and exits 1.
 * Touches: network, the key file.
 */
#include "base/mem.h"
#include "dns/update.h"
#include "sys/proc.h"

#define OWNERS_MAX 512

static int failed(const struct err *e)
{
	static const char *const kinds[] = {
		[ERR_NONE] = "none", [ERR_USAGE] = "usage", [ERR_LOCAL] = "local",
		[ERR_LATER] = "later", [ERR_REFUSED] = "refused", [ERR_UNSAFE] = "unsafe",
	};

	printf("%s: %s\n", kinds[e->kind], e->text);
	return 1;
}

/* Returns the number of owners. */
static size_t take_owners(struct update_owner *owners, char **args)
{
	size_t n = 0;

	for (; *args; args++) {
		if (**args == '+' && n)
			strv_add(&owners[n - 1].want, *args + 1);
		else if (**args == '-' && n)
			strv_add(&owners[n - 1].drop, *args + 1);
		else if (args[1] && n < OWNERS_MAX) {
			owners[n].owner = args[0];
			owners[n++].ttl_for = strtoll(args[1], NULL, 10);
			args++;
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct update_owner owners[OWNERS_MAX];
	struct update u = { .owners = owners, .limits = ask_defaults };
	struct tsig_key key = { 0 };
	struct err e = { 0 };
	int exposed = 0, rc;

	if (argc < 5 || !addr_parse(&u.server, argv[2], 53))
		return 2;
	proc_init();
	if (strcmp(argv[3], "-") != 0) {
		if (tsig_key_read(&key, argv[3], &exposed, &e) < 0)
			return failed(&e);
		u.key = &key;
	}
	u.zone = argv[1];
	u.owners_n = take_owners(owners, argv + 4);
	rc = update_apply(&u, &e);
	if (rc == 0)
		puts(u.changed ? "changed" : "same");
	else
		failed(&e);
	for (size_t i = 0; i < u.foreign.n; i++)
		printf("foreign %s\n", u.foreign.v[i]);
	strv_free(&u.foreign);
	for (size_t i = 0; i < u.owners_n; i++) {
		strv_free(&owners[i].want);
		strv_free(&owners[i].drop);
	}
	tsig_key_free(&key);
	return rc < 0;
}
