/* store.h - where things are under STATE, and the ledger as state.json.
 *
 *     STATE/lock
 *     STATE/lines/LINE/state.json
 *     STATE/lines/LINE/gen/000017/    immutable generations (generation.h)
 *     STATE/lines/LINE/live    -> gen/000017
 *     STATE/lines/LINE/staging -> gen/000018
 */
#ifndef RUN_STORE_H
#define RUN_STORE_H

#include "core/ledger.h"
#include "io/json.h"
#include "run/config.h"
#include "sys/clock.h"
#include "sys/fs.h"
#include "sys/lock.h"

#define STATE_VERSION 1

/* "STATE/lines/LINE" or, with a tail, "STATE/lines/LINE/TAIL"; the caller frees. */
char *store_path(const struct line_config *c, const char *tail);

/* Modes of private files and folders of a line: 0600 and 0700, or the configured group's. */
struct fs_mode store_private_file(const struct line_config *c);
struct fs_mode store_private_dir(const struct line_config *c);

/* Makes STATE if it is missing and takes its lock for an acting command. */
int store_lock(struct lock *l, const struct config *c, struct err *e) NEEDS_CHECK;

/* A document as a file, atomically and durably; one of more than `max` bytes is an error, and not cut. */
int store_write_json(const char *path, const struct json *o, size_t max, struct fs_mode m,
		     struct err *e) NEEDS_CHECK;

/* Makes the folders of a line. */
int store_make_line(const struct line_config *c, struct err *e) NEEDS_CHECK;

/* *missing: the line has no state.json.  A file that is damaged, or of a newer version, is an error
 * that says what to do.  clock_read() at the time of the last save is in out->clock. */
int store_load_ledger(struct ledger *out, bool *missing, const struct line_config *c,
		      struct err *e) NEEDS_CHECK;
int store_save_ledger(struct ledger *l, const struct line_config *c, struct err *e) NEEDS_CHECK;

/* Removes what a killed run left half-written in the folder of the line.  Best effort. */
void store_sweep(const struct line_config *c);

/* The generation number that STATE/lines/LINE/<slot> points to; 0: there is no such link. */
int store_slot(int *number, const struct line_config *c, const char *slot, struct err *e) NEEDS_CHECK;
int store_set_slot(const struct line_config *c, const char *slot, int number,
		   struct err *e) NEEDS_CHECK;          /* 0: remove the link */

#endif
