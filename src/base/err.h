/* err.h - the one error type.
 *
 * Whoever notices an error sets kind and text; every caller on the way up may put its own words in
 * front, so that the outermost comes first:
 *     mail: loading the live key: open live/key.pem: No such file or directory
 * Whoever returns an error does not print it; a command does, once.  Code tests the kind and nothing
 * else.  The text is a fixed field, so an error needs no freeing and can be copied.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE,
	ERR_USAGE,      /* the command line or the configuration is wrong: nothing was tried */
	ERR_LOCAL,      /* this machine: a file, memory, a permission, a damaged store */
	ERR_LATER,      /* not now, but nothing is at risk: a lock is held, a server does not answer */
	ERR_PENDING,    /* begun, and the next run goes on with it: an order that a CA still works on */
	ERR_REFUSED,    /* somebody said no: a hook, a CA, a name server */
	ERR_UNSAFE,     /* we said no: it would break a promise made in DNS */
};

struct err {
	enum err_kind kind;
	char          text[1024];       /* one line, printable; long texts end in "..." */
};

/* All three return -1, so that "return err_set(e, ...)" reads well.  e must not be NULL. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((nonnull(1), format(printf, 3, 4)));
int err_sys(struct err *e, const char *fmt, ...)        /* ERR_LOCAL; adds ": " and errno in words */
	__attribute__((nonnull(1), format(printf, 2, 3)));
int err_wrap(struct err *e, const char *fmt, ...)       /* puts "words: " in front; keeps the kind */
	__attribute__((nonnull(1), format(printf, 2, 3)));

#define NEEDS_CHECK __attribute__((warn_unused_result))

#endif
