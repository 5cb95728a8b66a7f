/* ini.h - reading INI files with libinih, made strict.
 *
 * libinih alone cuts long lines, strips inline comments, accepts broken headers and knows no line
 * numbers in its callback.  Here a reader of our own looks at every physical line first, and the
 * result is a flat list of entries in file order, each with the line it stands on.
 */
#ifndef IO_INI_H
#define IO_INI_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define INI_LINE_MAX 4000               /* bytes of one physical line, without its end */
#define INI_PROBLEMS_MAX 100            /* then the rest is not read, and one more says so */

struct ini_entry {
	char *section;                  /* "" before the first header; owned */
	char *key;                      /* [A-Za-z0-9_-]+ as written, case-sensitive; owned */
	char *value;                    /* trimmed; continuation lines, trimmed, are joined with
	                                 * '\n', and an empty first one adds none; owned */
	int   line;                     /* where the key stands, from 1 */
};

struct ini_section {
	char *name;
	int   line;
};

struct ini_problem {
	int   line;
	char *text;                     /* what is wrong and what to do; owned */
};

struct ini {
	struct ini_entry   *entries;
	size_t              entries_n;
	struct ini_section *sections;   /* every header, in order, duplicates too */
	size_t              sections_n;
	struct ini_problem *problems;   /* everything that is malformed, in order of lines */
	size_t              problems_n;
	bool                trusted;    /* as in fs_check_trusted(), asked of the opened file */
};

/* Reads the whole file.  Problems inside the file are collected, not returned: the result is -1
 * only if it cannot be read at all (missing, a folder, larger than 1 MiB, not a regular file);
 * the text begins with the path.
 *
 * Refused as problems: NUL and control bytes (a CR right before the LF is none), bytes that
 * are not UTF-8, lines over INI_LINE_MAX, a header that is not exactly "[name]" in the first
 * column with name of [a-z0-9-]{1,40}, a line without "=", an empty key or one with other
 * characters, an indented line that continues nothing, the same key twice in a section (also
 * when the section occurs twice; the first one stays).  Dropped without a problem each: the
 * keys after a malformed header, and the lines that continue a malformed one.
 *
 * "#" and ";" start a comment only as the first byte of a line that is not a blank; comments
 * and empty lines may stand between the lines of a value.  On success and on failure the caller
 * frees *out with ini_free(). */
int ini_read(struct ini *out, const char *path, struct err *e) NEEDS_CHECK;
void ini_free(struct ini *i);

#endif
