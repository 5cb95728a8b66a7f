/* lock.h - one acting run at a time. */
#ifndef SYS_LOCK_H
#define SYS_LOCK_H

#include "base/err.h"

struct lock {
	int fd;                 /* -1: not held */
};

/* Takes an exclusive flock on path (made 0600 if missing), waiting at most wait_ms in short steps,
 * and no longer once proc_stopping().  Held by another: ERR_LATER that names path, and the holder's
 * pid and command line if the kernel tells ("pid 4711 (certline cron)").  The descriptor is
 * close-on-exec, so no hook inherits the lock; a forked worker does, and holds it until it ends.
 * Nothing is written.  After an error l->fd is -1.  The file stays when the lock is gone. */
int lock_open(struct lock *l, const char *path, int wait_ms, struct err *e) NEEDS_CHECK;
/* The same, but others may share it; who opens it waits for all of them. */
int lock_share(struct lock *l, const char *path, int wait_ms, struct err *e) NEEDS_CHECK;
void lock_close(struct lock *l);

#endif
