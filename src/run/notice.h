/* notice.h - what is told at once and beside all results, since it concerns more than one line: accounts that
 * were made, for example.  It may be said in a worker, whose words nobody else would pass on.
 */
#ifndef RUN_NOTICE_H
#define RUN_NOTICE_H

#include <stdbool.h>

/* Who prints it; NULL, as at the start: nobody.  Workers inherit that. */
void notice_to(void (*tell)(const char *line, bool warning, const char *text));

void notice_done(const char *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void notice_warning(const char *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
