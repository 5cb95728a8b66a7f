/* update_rows.h - the rows of [update]: which server and which key a zone has. */
#ifndef RUN_UPDATE_ROWS_H
#define RUN_UPDATE_ROWS_H

#include "dns/tsig.h"
#include "run/config.h"

/* Of rows "ZONE REST" the rest of the one whose zone is nearest above the name ("*": of any), and that
 * zone, which the caller frees; both NULL if there is none. */
const char *update_row(const struct strv *rows, const char *name, char **zone);

/* The key of a zone; *signs is false if none is configured.  tsig_key_free in any case. */
int update_key(struct tsig_key *key, bool *signs, const struct line_config *c, const char *zone,
	       struct err *e) NEEDS_CHECK;

#endif
