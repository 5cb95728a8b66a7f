/* roll.c - `certline roll`: start a rollover now, an urgent one, or go back.
 * Touches: everything that a run touches.
 */
#include "cmd/cmd.h"

enum exit_status cmd_roll(const struct args *a)
{
	struct act what = {
		.order = { .what = a->back ? ORDER_BACK : ORDER_ROLL, .emergency = a->emergency,
			   .force = a->force, .revoke = a->revoke },
		.outlook = true,
	};

	/* the same order for every line of a large installation is more likely a slip */
	if (a->lines.n == 0 && (a->emergency || a->back)) {
		complain("name the lines that %s is for", a->back ? "--back" : "--emergency");
		return EXIT_USAGE;
	}
	return act(a, &what);
}
