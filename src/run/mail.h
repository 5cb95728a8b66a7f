/* mail.h - a mail about one event of one or more lines, as sendmail takes it.  Pure. */
#ifndef RUN_MAIL_H
#define RUN_MAIL_H

#include "run/message.h"

struct mail {
	const char *from;               /* NULL: sendmail's */
	const char *to;                 /* addresses with blanks between them */
	const char *host;               /* this one; what is no host name in it becomes "?" */
	const char *id;                 /* unique, of letters and digits */
	int64_t     at;
};

/* Header and text (RFC 5322, RFC 3834, UTF-8), rows ended by newlines, none longer than 998 bytes. */
void mail_compose(struct buf *out, const struct mail *m, const struct parcel *p);

#endif
