/* revoke.c - `certline revoke`: certificates of the live key are revoked now, and what follows is begun.
 * Touches: everything that a run touches.
 */
#include "cmd/cmd.h"

enum exit_status cmd_revoke(const struct args *a)
{
	/* there is no way back from it */
	if (a->lines.n == 0) {
		complain("name the lines whose certificates are to be revoked");
		return EXIT_USAGE;
	}
	return act(a, &(struct act){ .order = { .what = ORDER_REVOKE, .reason = a->reason }, .outlook = true });
}
