/* cron.c - `certline cron`: the daily run.  Silent when nothing happened.
 * Touches: everything that a run touches.
 */
#include "cmd/cmd.h"

enum exit_status cmd_cron(const struct args *a)
{
	return act(a, &(struct act){ 0 });
}
