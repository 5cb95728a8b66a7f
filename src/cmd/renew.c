/* renew.c - `certline renew`: new certificates for the existing keys, live and staging, now.
 * Touches: everything that a run touches.
 */
#include "cmd/cmd.h"

enum exit_status cmd_renew(const struct args *a)
{
	return act(a, &(struct act){ .order = { .what = ORDER_RENEW, .force = a->force } });
}
