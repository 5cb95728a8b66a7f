/* main.c - from the command line to one command, and its exit status.
 * Touches: through the commands, everything.
 */
#include "cmd/cmd.h"

/* Options may be wrong: it is looked for before they are read. */
static bool is_plugin(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--nagios") == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	enum exit_status status;
	const struct command *all;
	struct args a;
	bool plugin = is_plugin(argc, argv);
	size_t n;

	all = command_list(&n);
	complain_to_nagios(plugin);
	if (options_parse(&a, argc, argv, &status) == 0) {
		complain_to_nagios(false);
		for (size_t i = 0; i < n; i++)
			if (all[i].name == a.command)
				status = all[i].run(&a);
	} else if (plugin && status == EXIT_USAGE) {
		status = EXIT_NAGIOS_UNKNOWN;
	}
	options_free(&a);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("writing to standard output failed; nothing else is wrong");
		status = status == EXIT_OK ? EXIT_BAD : status;
	}
	return (int)status;
}
