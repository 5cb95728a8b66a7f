/* hook.h - what a hook gets: certline-hooks(7).
 *
 * argv: PATH EVENT LINE [configured arguments].  Environment: clean, PATH and CERTLINE_*.  Standard
 * input: one JSON object.  Never a private key in any of them.
 */
#ifndef RUN_HOOK_H
#define RUN_HOOK_H

#include "run/line.h"
#include "sys/proc.h"

struct json;

#define HOOK_CERTCHANGE "post-certchange"
#define HOOK_KEYCHANGE  "post-keychange"
#define HOOK_VANTAGE    "vantage"

/* The document that says how a line is; the caller frees. */
struct json *hook_describe(const char *event, const struct line *l);

/* Everything that one run of a hook needs, owned; proc points into it.  Must not move in memory. */
struct hook_run {
	char      **argv, **envp;
	struct buf  input;
	struct proc proc;
};

/* command: path and arguments as configured.  The hook sees the state as it is in l now, which must be
 * on disk already.  -1 if the file may not be run (missing, writable by others): nothing is prepared. */
int hook_prepare(struct hook_run *h, const char *event, const char *command, const struct world *w,
		 const struct line *l, struct err *e) NEEDS_CHECK;
/* The same with another document as its input, which stays the caller's. */
int hook_prepare_with(struct hook_run *h, const char *event, const char *command, const struct world *w,
		      const struct line *l, const struct json *input, struct err *e) NEEDS_CHECK;
void hook_free(struct hook_run *h);             /* accepts a zeroed one */

#endif
