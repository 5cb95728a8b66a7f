/* lock.c - one acting run at a time: flock on a file, with a note in it about the holder.
 *
 * The lock belongs to the open file and not to us: a forked worker keeps it held until it ends too,
 * and the kernel drops it when the last of them is gone, however that happens.  The note is only
 * for people, so nothing depends on it.
 * Touches: the lock file.
 */
#include "sys/lock.h"

#include "base/mem.h"
#include "base/when.h"
#include "sys/clock.h"
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define STEP_MS  50
#define NOTE_LEN 256

/* Opens the file or makes it; the mode is right before anybody can hold the lock. */
static int open_file(const char *path, struct err *e)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	int fd;

	for (;;) {
		fd = open(path, flags);
		if (fd >= 0 || errno != ENOENT)
			break;
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0 && fchmod(fd, 0600) < 0) {
			err_sys(e, "lock %s", path);
			close(fd);
			return -1;
		}
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0)
		return err_sys(e, "lock %s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_LOCAL, "lock %s: it is not a regular file", path);
	}
	return fd;
}

/* False if somebody removed or replaced the file while we waited: then others lock another one. */
static bool same_file(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	       ours.st_ino == there.st_ino;
}

/* A full disk must not keep us from working, so that a note which cannot be written is no error. */
static void write_note(int fd, const char *what)
{
	char since[WHEN_TEXT_LEN];
	char *note;

	when_format_minute(since, clock_now());
	note = mem_format("pid %ld (%s), since %s UTC\n", (long)getpid(), what, since);
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, note, strlen(note), 0);
	free(note);
}

static int held(int fd, const char *path, struct err *e)
{
	char note[NOTE_LEN];
	ssize_t n = pread(fd, note, sizeof(note) - 1, 0);

	note[n > 0 ? n : 0] = '\0';
	note[strcspn(note, "\n")] = '\0';
	return err_set(e, ERR_LATER, "%s is held by %s", path, note[0] ? note : "another process");
}

int lock_open(struct lock *l, const char *path, int wait_ms, const char *what, struct err *e)
{
	const int64_t until_ms = clock_monotonic_ms() + (wait_ms > 0 ? wait_ms : 0);
	int64_t left_ms;
	int fd = -1;

	l->fd = -1;
	for (;;) {
		if (fd < 0)
			fd = open_file(path, e);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			if (same_file(fd, path))
				break;
			close(fd);
			fd = -1;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK) {
			err_sys(e, "lock %s", path);
			goto failed;
		}
		left_ms = until_ms - clock_monotonic_ms();
		if (left_ms <= 0 || proc_stopping()) {
			held(fd, path, e);
			goto failed;
		}
		if (left_ms > STEP_MS)
			left_ms = STEP_MS;
		nanosleep(&(struct timespec){ .tv_nsec = left_ms * 1000000 }, NULL);
	}
	write_note(fd, what);
	l->fd = fd;
	return 0;
failed:
	close(fd);
	return -1;
}

void lock_close(struct lock *l)
{
	if (l->fd < 0)
		return;
	/* no LOCK_UN: that would take the lock from a worker that still runs */
	close(l->fd);
	l->fd = -1;
}
