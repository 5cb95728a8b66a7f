/* journal.h - one entry in the journal of systemd by its native protocol, or in syslog where there is
 * none. */
#ifndef SYS_JOURNAL_H
#define SYS_JOURNAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define SYSLOG_SOCKET  "/dev/log"

struct journal_field {
	const char *name;               /* capitals, digits and "_" */
	const char *value;              /* anything, newlines too */
};

/* Does not wait: a journal that is full is ERR_LATER, and so is any other trouble with one that is there. */
int journal_send(const char *socket_path, const struct journal_field *f, size_t n, struct err *e) NEEDS_CHECK;

/* Whether there is a journal. */
bool journal_is_there(const char *socket_path);

/* facility daemon; priority as in syslog(3).  Control characters become "?".  Nobody says whether it
 * arrived; ERR_LATER if there is no socket at socket_path, which is where syslog(3) sends to. */
int journal_syslog(const char *socket_path, int priority, const char *text, struct err *e) NEEDS_CHECK;

#endif
