/* init.c - `certline init`: first key, certificate, TLSA records, hooks; adopts what is there already.
 * Touches: everything that a run touches.
 */
#include "cmd/cmd.h"

enum exit_status cmd_init(const struct args *a)
{
	return act(a, &(struct act){ .init = true, .outlook = true });
}
