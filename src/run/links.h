/* links.h - the stable links of the layout of Let's Encrypt Tiny: [dirs] certs and keys, [files].
 *
 *     CERTS/live.crt    -> STATE/lines/LINE/live/cert.pem       KEYS/live.key    -> .../live/key.pem
 *     CERTS/staging.crt -> STATE/lines/LINE/staging/cert.pem    KEYS/staging.key -> .../staging/key.pem
 *
 * and for further key types live-rsa-2048.crt and so on.  The staging links exist only while a key is
 * staged, since zone generators ask whether staging.crt is there.
 */
#ifndef RUN_LINKS_H
#define RUN_LINKS_H

#include "run/line.h"

/* True if a link is missing, points elsewhere, or stands where none should.  False without [dirs]. */
bool links_wrong(const struct line *l);

/* Makes them right.  A regular file in the way is an error: it is somebody's, and stays. */
int links_make(const struct line *l, struct err *e) NEEDS_CHECK;

/* Takes those of the staging slot away, before it is emptied.  Best effort: links_wrong() sees the rest. */
void links_drop_staging(const struct line *l);

/* The paths of a key and certificate that another program left there as regular files; NULL, NULL if
 * there are none.  slot is "live" or "staging".  The caller frees. */
int links_foreign(char **key_path, char **cert_path, const struct line_config *c, const char *slot,
		  struct err *e) NEEDS_CHECK;

/* Puts the links of a slot in the place of the regular files that were adopted. */
int links_replace(const struct line *l, const char *slot, struct err *e) NEEDS_CHECK;

#endif
