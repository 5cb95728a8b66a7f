/* buf.h - growing text and string lists, each with a ceiling set at birth.
 *
 * A buffer that would outgrow its ceiling keeps what it has, drops the rest and sets `over`; whoever
 * takes bytes from outside checks it.  `s` is always a terminated string, also when nothing was added.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char  *s;               /* never NULL after buf_init */
	size_t len;             /* bytes, without the terminator */
	size_t cap;
	size_t max;             /* ceiling for len, bytes */
	bool   over;            /* something did not fit */
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);           /* accepts a zeroed or freed one */
void buf_wipe(struct buf *b);           /* the same for secrets: bytes are wiped first */
void buf_clear(struct buf *b);          /* empty, room is kept */
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *buf_steal(struct buf *b);         /* the caller owns the string; b is as after buf_init */

/* A list of strings that it owns.  A zeroed one is empty. */
struct strv {
	char **v;
	size_t n;
};

void strv_add(struct strv *l, const char *s);           /* copies */
void strv_take(struct strv *l, char *s);                /* takes over */
void strv_free(struct strv *l);
void strv_copy(struct strv *to, const struct strv *from);
void strv_sort(struct strv *l);
bool strv_has(const struct strv *l, const char *s);
char *strv_join(const struct strv *l, const char *between);      /* the caller frees */
bool strv_same(const struct strv *a, const struct strv *b);     /* the same, each as often, in any order */

#endif
