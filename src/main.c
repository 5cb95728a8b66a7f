/* main.c - from the command line to one command, and its exit status.
 * Touches: through the commands, everything.
 */
#include "cmd/cmd.h"

int main(int argc, char **argv)
{
	enum exit_status status;
	const struct command *all;
	struct args a;
	size_t n;

	all = command_list(&n);
	if (options_parse(&a, argc, argv, &status) == 0)
		for (size_t i = 0; i < n; i++)
			if (all[i].name == a.command)
				status = all[i].run(&a);
	options_free(&a);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("writing to standard output failed; nothing else is wrong");
		status = status == EXIT_OK ? EXIT_BAD : status;
	}
	return (int)status;
}
