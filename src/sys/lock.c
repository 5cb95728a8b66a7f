/* lock.c - one acting run at a time: flock on a file.
 *
 * The lock belongs to the open file and not to us: a forked worker keeps it held until it ends too,
 * and the kernel drops it when the last of them is gone, however that happens.  Who holds it is asked
 * of the kernel (/proc/locks), so that a run with nothing to do writes nothing, not even here.
 * Touches: the lock file; /proc.
 */
#include "sys/lock.h"

#include "sys/clock.h"
#include "sys/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define STEP_MS  50

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

/* The pid in the line of /proc/locks that is about our file; 0 if there is none, or none that we may see. */
static long holder_of(int fd)
{
	char line[256], kind[16];
	unsigned major, minor;
	unsigned long inode;
	struct stat st;
	long pid, found = 0;
	FILE *f;

	if (fstat(fd, &st) < 0)
		return 0;
	f = fopen("/proc/locks", "re");
	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %15s %*s %*s %ld %x:%x:%lu", kind, &pid, &major, &minor, &inode) == 5 &&
		    strcmp(kind, "FLOCK") == 0 && inode == st.st_ino && major == major(st.st_dev) &&
		    minor == minor(st.st_dev) && pid > 0)
			found = pid;
	if (f)
		fclose(f);
	return found;
}

/* The command line of a process in one row, "" if it cannot be had. */
static void command_of(char *out, size_t size, long pid)
{
	char path[64];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/cmdline", pid);
	f = fopen(path, "re");
	if (f) {
		n = fread(out, 1, size - 1, f);
		fclose(f);
	}
	while (n && out[n - 1] == '\0')
		n--;
	out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (out[i] == '\0')
			out[i] = ' ';
}

static int held(int fd, const char *path, struct err *e)
{
	char command[256];
	long pid = holder_of(fd);

	if (!pid)
		return err_set(e, ERR_LATER, "%s is held by another process", path);
	command_of(command, sizeof(command), pid);
	return err_set(e, ERR_LATER, "%s is held by pid %ld%s%s%s", path, pid, *command ? " (" : "", command,
		       *command ? ")" : "");
}

static int take(struct lock *l, const char *path, int how, int wait_ms, struct err *e)
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
		if (flock(fd, how | LOCK_NB) == 0) {
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
	l->fd = fd;
	return 0;
failed:
	close(fd);
	return -1;
}

int lock_open(struct lock *l, const char *path, int wait_ms, struct err *e)
{
	return take(l, path, LOCK_EX, wait_ms, e);
}

int lock_share(struct lock *l, const char *path, int wait_ms, struct err *e)
{
	return take(l, path, LOCK_SH, wait_ms, e);
}

void lock_close(struct lock *l)
{
	if (l->fd < 0)
		return;
	/* no LOCK_UN: that would take the lock from a worker that still runs */
	close(l->fd);
	l->fd = -1;
}
