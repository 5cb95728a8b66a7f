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

#define INI_LINE_MAX 4000               /* bytes of one physical line, without its end */

struct ini_entry {
	char *section;                  /* "" before the first header; owned */
	char *key;                      /* owned; in lower case as written: keys are case-sensitive */
	char *value;                    /* trimmed; continuation lines are joined with '\n'; owned */
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
};

/* Reads the whole file.  Problems inside the file are collected, not returned: the result is -1 only
 * if it cannot be read at all (missing, a folder, larger than 1 MiB, not a regular file).  Refused as
 * problems: NUL and control bytes, bytes that are not UTF-8, lines over INI_LINE_MAX, a header that is
 * not exactly "[name]" with name of [a-z0-9-]{1,40}, a line without "=", an empty key, a continuation
 * line that continues nothing, the same key twice in a section (also when the section occurs twice).
 * The keys after a malformed header are dropped with it, without a problem each.
 * "#" and ";" start a comment only as the first byte of a line that is not blank. */
int ini_read(struct ini *out, const char *path, struct err *e) NEEDS_CHECK;
void ini_free(struct ini *i);

#endif
