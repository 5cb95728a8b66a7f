/* mem.h - memory that is always there: when there is none left the program ends.
 *
 * Everything on disk changes atomically, so dying is safe and no caller has an out-of-memory branch.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

void *mem_alloc(size_t size);                           /* zeroed; size 0 is fine */
void *mem_array(size_t n, size_t size);                 /* zeroed; n * size is checked */
void *mem_resize(void *p, size_t n, size_t size);       /* new room is not zeroed */
char *mem_copy_str(const char *s);                      /* NULL stays NULL */
char *mem_copy_strn(const char *s, size_t len);
char *mem_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *mem_vformat(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
void  mem_wipe(void *p, size_t len);                    /* not optimised away */
_Noreturn void mem_bug(const char *what);               /* a broken promise inside the program */

#endif
