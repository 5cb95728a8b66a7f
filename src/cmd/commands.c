/* commands.c - the table of commands.
 * Touches: nothing.
 */
#include "cmd/cmd.h"

#include "base/mem.h"

static const struct command commands[] = {
	/* clang-format off */
	{ "init",   "[LINE...]",    "Set up: first key, certificate, records; adopts what is there", cmd_init },
	{ "cron",   "[LINE...]",    "The daily run: observe, decide, act; silent if nothing happened", cmd_cron },
	{ "renew",  "[LINE...]",    "New certificates for the existing keys, now", cmd_renew },
	{ "roll",   "[LINE...]",    "Start a rollover now; --emergency, --back", cmd_roll },
	{ "revoke", "LINE...",      "Have the CA revoke the certificates of the live key; --reason", cmd_revoke },
	{ "account", "ACTION [LINE...]", "The accounts at CAs; ACTION: show, update, rollover or deactivate", cmd_account },
	{ "status", "[LINE...]",    "What each line is doing, what comes next, when and why", cmd_status },
	{ "plan",   "[LINE...]",    "The coming year", cmd_plan },
	{ "report", "[LINE...]",    "Status, DNS view and plan as one page; --html FILE", cmd_report },
	{ "history", "[LINE...]",   "What happened to the keys of each line", cmd_history },
	{ "dns",    "[LINE...]",    "What every name server shows of the records, and what it means", cmd_dns },
	{ "check",  "[LINE...]",    "What clients meet: DNS, servers, certificates, DANE; --owner and --mx: anybody's", cmd_check },
	{ "caa",    "[LINE...]",    "The tightest CAA records, and whether those in DNS let the CA issue", cmd_caa },
	{ "tlsa",   "[LINE...]",    "The TLSA records that belong in the zone now", cmd_tlsa },
	{ "config", "[LINE...]",    "The effective configuration, and where each value comes from", cmd_config },
	/* clang-format on */
};

const struct command *command_list(size_t *n)
{
	*n = ARRAY_LEN(commands);
	return commands;
}
