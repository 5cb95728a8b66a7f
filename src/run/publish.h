/* publish.h - the recorded TLSA sets as text: include files, and every format for zone generators.
 *
 * An RRset is always written in full: the union over all lines that name the owner.
 */
#ifndef RUN_PUBLISH_H
#define RUN_PUBLISH_H

#include "run/line.h"

enum tlsa_format { FORMAT_ZONE, FORMAT_GENERIC, FORMAT_JSON, FORMAT_NSUPDATE, FORMAT_TINYDNS, FORMAT_CSV,
		   FORMAT_N };

bool tlsa_format_parse(const char *name, enum tlsa_format *f);
const char *tlsa_format_names(void);            /* for messages: "zone, generic, ..." */

/* One record to be printed. */
struct tlsa_row {
	const char *owner;
	const char *data;
	int64_t     ttl_for;
	const char *line;               /* whose key it is; the first of several */
	const char *role;               /* "live", "staging", "retired" */
	int         keyset;
};

struct tlsa_rows {
	struct tlsa_row *v;             /* by owner, data; no doubles */
	size_t n;
};

/* The records that belong in the zone now because of the given lines (all loaded).  Records without a
 * known owner (published by hook alone) are not in it. */
void publish_rows(struct tlsa_rows *out, const struct world *w, struct line *const *lines, size_t n);
void tlsa_rows_free(struct tlsa_rows *r);

/* origin: only owners at or below it are printed, in zone format relative to it; NULL: all, absolute.
 * ttl_for: instead of the configured one; 0: as configured.  A record that cannot be right (a digest of
 * the wrong length, or of nothing) is an error and nothing is printed. */
int publish_print(struct buf *out, const struct tlsa_rows *r, enum tlsa_format f, const char *origin,
		  int64_t ttl_for, struct err *e) NEEDS_CHECK;

/* True if the include file does not show what the lines that use it have recorded, or if that cannot be
 * told: a line that has records in it cannot be read, or is not among the configured ones. */
bool publish_include_wrong(struct world *w, const char *path);
/* True only if it is known what belongs in it and the file shows something else. */
bool publish_include_changed(struct world *w, const char *path);

/* Every other line that names an owner of this one can be read: else its records would be dropped. */
int publish_check_siblings(const struct world *w, const struct line *l, struct err *e) NEEDS_CHECK;

/* Replaces the include file atomically.  Refuses (ERR_UNSAFE) to write an empty one, or one in which
 * the set of an owner that has one does not cover the live key of a line that names it. */
int publish_include(struct world *w, const char *path, int64_t now, struct err *e) NEEDS_CHECK;

/* At every owner of the line the set must cover the keys of the generation (RFC 7671 section 8):
 * before a set is published, for the live one; before a promotion, for the staged one.  Owners that wait for
 * their servers may have none (servers_held).  ERR_UNSAFE. */
int publish_check_cover(const struct line_config *c, const struct generation *g, const struct set *s,
			const struct strv *held, struct err *e) NEEDS_CHECK;

/* The sets that there are must cover the keys: also before servers are given a renewed chain (usage 2 speaks
 * of the CA, and CAs change without notice).  ERR_UNSAFE. */
int publish_check_sets(const struct line_config *c, const struct generation *g, const struct set *s,
		       struct err *e) NEEDS_CHECK;

#endif
