/* fs.c - files that are there completely or not at all.
 *
 * The order of every change is fixed: exact mode before the first byte, content, fsync, rename,
 * fsync of the folder.  Until the rename nothing under the final name has changed, so every failure
 * before it leaves the old content and takes the temporary name away again.
 * Touches: any file that a caller names, private keys and files under STATE among them.
 */
#include "sys/fs.h"

#include "base/mem.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>

#define TEMPORARY_PREFIX ".tmp-"
#define TEMPORARY_TRIES  100
#define TREE_LEVELS      2
#define CHUNK_LEN        16384
#define NAME_LEN         64
#define BASE_MAX         200            /* of it in a temporary name */

/* The path without slashes at its end ("/" stays). */
static char *trimmed(const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return mem_copy_strn(path, len);
}

/* The folder that holds the last component. */
static char *folder_of(const char *path)
{
	char *folder = trimmed(path);
	char *slash = strrchr(folder, '/');

	if (slash) {
		while (slash > folder && slash[-1] == '/')
			slash--;
		slash[slash == folder ? 1 : 0] = '\0';
		return folder;
	}
	free(folder);
	return mem_copy_str(".");
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A killed run may have left a name with our pid, so the caller tries again on EEXIST. */
static char *temporary_name(const char *folder, const char *path)
{
	static unsigned counter;

	return mem_format("%s/" TEMPORARY_PREFIX "%ld-%u-%.*s", folder, (long)getpid(), counter++, BASE_MAX,
			  base_of(path));
}

static int create_exclusive(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int sync_fd(int fd)
{
	int rc;

	do {
		rc = fsync(fd);
	} while (rc < 0 && errno == EINTR);
	return rc;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_read(struct buf *out, const char *path, size_t max, bool *missing, struct err *e)
{
	char chunk[CHUNK_LEN];
	struct stat st;
	ssize_t n;
	int fd, rc = -1;

	buf_clear(out);
	if (missing)
		*missing = false;
	/* O_NONBLOCK: opening a FIFO must not wait for somebody to write into it */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && missing) {
		*missing = true;
		return 0;
	}
	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (fstat(fd, &st) < 0) {
		err_sys(e, "read %s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_LOCAL, "read %s: it is %s", path,
			S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
		goto out;
	}
	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if ((size_t)n > max - out->len || (size_t)n > out->max - out->len) {
			err_set(e, ERR_LOCAL, "read %s: it is larger than %zu bytes", path,
				max < out->max ? max : out->max);
			goto out;
		}
		buf_add(out, chunk, (size_t)n);
	}
	if (n < 0) {
		err_sys(e, "read %s", path);
		goto out;
	}
	rc = 0;
out:
	mem_wipe(chunk, sizeof(chunk));         /* it may have been a private key */
	close(fd);
	if (rc < 0)
		buf_clear(out);
	return rc;
}

/* Gives a file that was just created its mode, its content and its place on the disk.  Takes fd
 * over.  The group comes before the mode: the other way round the wrong group could read for a
 * moment. */
static int fill(int fd, const char *path, const void *bytes, size_t len, struct fs_mode m,
		struct err *e)
{
	int rc = -1;

	if (m.gid != (gid_t)-1 && fchown(fd, (uid_t)-1, m.gid) < 0) {
		err_sys(e, "give %s to group %lu", path, (unsigned long)m.gid);
		goto out;
	}
	if (fchmod(fd, m.mode) < 0) {
		err_sys(e, "set the mode of %s", path);
		goto out;
	}
	if (write_all(fd, bytes, len) < 0 || sync_fd(fd) < 0) {
		err_sys(e, "write %s", path);
		goto out;
	}
	rc = 0;
out:
	/* some file systems (NFS, quotas) report only now that there was no room */
	if (close(fd) < 0 && errno != EINTR && rc == 0)
		rc = err_sys(e, "write %s", path);
	return rc;
}

/* A rename over /dev/null, by somebody who wants no file, would take it from the whole system. */
static bool is_device(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int fs_write(const char *path, const void *bytes, size_t len, struct fs_mode m, struct err *e)
{
	char *folder = folder_of(path), *tmp = NULL;
	int fd = -1, rc = -1;

	if (is_device(path)) {
		err_set(e, ERR_LOCAL, "write %s: it is a device, a FIFO or a socket, and no file", path);
		goto out;
	}
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		free(tmp);
		tmp = temporary_name(folder, path);
		fd = create_exclusive(tmp);
		if (fd >= 0 || errno != EEXIST)
			break;
	}
	if (fd < 0) {
		err_sys(e, "write %s: create a file in its folder", path);
		goto out;
	}
	if (fill(fd, path, bytes, len, m, e) < 0)
		goto out_unlink;
	if (rename(tmp, path) < 0) {
		err_sys(e, "replace %s", path);
		goto out_unlink;
	}
	rc = fs_sync_dir(folder, e);
	goto out;
out_unlink:
	unlink(tmp);
out:
	free(tmp);
	free(folder);
	return rc;
}

/* Appending ------------------------------------------------------------------------------------ */

/* Whether the last row of the file was cut. */
static int ends_within_row(bool *within, int fd, off_t len)
{
	char last = '\n';

	if (len > 0 && pread(fd, &last, 1, len - 1) != 1)
		return -1;
	*within = last != '\n';
	return 0;
}

static int append_to(int fd, const char *path, const char *rows, size_t len, struct fs_mode m, bool made,
		     struct err *e)
{
	bool within = false;
	struct stat st;

	if (fstat(fd, &st) < 0 || ends_within_row(&within, fd, st.st_size) < 0)
		return err_sys(e, "read %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_LOCAL, "write %s: it is not a regular file", path);
	if (made && ((m.gid != (gid_t)-1 && fchown(fd, (uid_t)-1, m.gid) < 0) || fchmod(fd, m.mode) < 0))
		return err_sys(e, "set the mode of %s", path);
	if ((!within || write_all(fd, "\n", 1) == 0) && write_all(fd, rows, len) == 0 && sync_fd(fd) == 0)
		return 0;
	err_sys(e, "write %s", path);
	if (ftruncate(fd, st.st_size) < 0)
		err_wrap(e, "a row may be cut");
	return -1;
}

int fs_append(const char *path, const char *rows, size_t len, struct fs_mode m, struct err *e)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	char *folder;
	bool made = false;
	int fd = open(path, flags), rc;

	if (fd < 0 && errno == ENOENT) {
		made = true;
		fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	}
	if (fd < 0)
		return err_sys(e, "open %s", path);
	rc = append_to(fd, path, rows, len, m, made, e);
	if (close(fd) < 0 && errno != EINTR && rc == 0)
		rc = err_sys(e, "write %s", path);
	if (rc < 0 || !made)
		return rc;
	folder = folder_of(path);
	rc = fs_sync_dir(folder, e);
	free(folder);
	return rc;
}

int fs_read_tail(struct buf *out, const char *path, size_t max, bool *cut, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc = -1;
	char chunk[CHUNK_LEN];
	struct stat st;
	ssize_t n = 0;
	off_t at;

	buf_clear(out);
	*cut = false;
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", path);
	if (fstat(fd, &st) < 0) {
		err_sys(e, "read %s", path);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(e, ERR_LOCAL, "read %s: it is not a regular file", path);
		goto out;
	}
	*cut = (uintmax_t)st.st_size > max;
	at = *cut ? st.st_size - (off_t)max : 0;
	while (out->len < max) {
		size_t left = max - out->len;

		n = pread(fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		buf_add(out, chunk, (size_t)n);
		at += n;
	}
	rc = n < 0 ? err_sys(e, "read %s", path) : 0;
out:
	close(fd);
	return rc;
}

int fs_write_new(const char *path, const void *bytes, size_t len, struct fs_mode m, struct err *e)
{
	int fd = create_exclusive(path);

	if (fd < 0)
		return err_sys(e, "create %s", path);
	if (fill(fd, path, bytes, len, m, e) < 0) {
		unlink(path);
		return -1;
	}
	return 0;
}

/* At no moment may somebody get in who could not before and shall not after. */
static int correct_folder(const char *path, const struct stat *st, struct fs_mode m, struct err *e)
{
	mode_t had = st->st_mode & 07777;
	bool regroup = m.gid != (gid_t)-1 && m.gid != st->st_gid;

	if (!regroup && had == m.mode)
		return 0;
	if (regroup) {
		if ((had & ~m.mode) && chmod(path, had & m.mode) < 0)
			return err_sys(e, "set the mode of %s", path);
		if (chown(path, (uid_t)-1, m.gid) < 0)
			return err_sys(e, "give %s to group %lu", path, (unsigned long)m.gid);
	}
	if (chmod(path, m.mode) < 0)
		return err_sys(e, "set the mode of %s", path);
	return 0;
}

static int make_folder(const char *path, struct fs_mode m, struct err *e)
{
	char *parent = NULL;
	struct stat st;
	int rc = -1;

	if (mkdir(path, 0700) < 0) {
		int error = errno;

		/* another process may have made it just now */
		if (error == EEXIST && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return 0;
		errno = error;
		return err_sys(e, "make the folder %s", path);
	}
	if (lstat(path, &st) < 0) {
		err_sys(e, "make the folder %s", path);
		goto out;
	}
	if (correct_folder(path, &st, m, e) < 0)
		goto out;
	parent = folder_of(path);
	rc = fs_sync_dir(parent, e);
out:
	if (rc < 0)
		rmdir(path);
	free(parent);
	return rc;
}

int fs_mkdir(const char *path, struct fs_mode m, struct err *e)
{
	static const struct fs_mode parent_mode = { 0755, (gid_t)-1 };
	char *copy = trimmed(path), *p = copy;
	struct stat st;
	int rc = -1;

	for (bool last = false; !last;) {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		last = *p == '\0';
		*p = '\0';
		if (stat(copy, &st) == 0) {
			if (!S_ISDIR(st.st_mode)) {
				err_set(e, ERR_LOCAL, "make the folder %s: %s is not a folder",
					path, copy);
				goto out;
			}
			if (last && correct_folder(copy, &st, m, e) < 0)
				goto out;
		} else if (errno != ENOENT) {
			err_sys(e, "make the folder %s", path);
			goto out;
		} else if (make_folder(copy, last ? m : parent_mode, e) < 0) {
			goto out;
		}
		if (!last)
			*p = '/';
	}
	rc = 0;
out:
	free(copy);
	return rc;
}

/* The target of a link; NULL with errno set if there is none or it is no link. */
static char *link_target(const char *path)
{
	size_t size = 256;
	char *target;
	ssize_t n;

	for (;; size *= 2) {
		target = mem_alloc(size);
		n = readlink(path, target, size - 1);
		if (n >= 0 && (size_t)n < size - 1)
			return target;
		free(target);
		if (n < 0)
			return NULL;
	}
}

int fs_symlink(const char *target, const char *path, struct err *e)
{
	char *folder = folder_of(path), *tmp = NULL, *old = link_target(path);
	int rc = -1;

	if (old && strcmp(old, target) == 0) {
		rc = 0;
		goto out;
	}
	for (int i = 0; i < TEMPORARY_TRIES; i++) {
		free(tmp);
		tmp = temporary_name(folder, path);
		rc = symlink(target, tmp);
		if (rc == 0 || errno != EEXIST)
			break;
	}
	if (rc < 0) {
		err_sys(e, "make the link %s: create a link in its folder", path);
		goto out;
	}
	rc = -1;
	if (rename(tmp, path) < 0) {
		err_sys(e, "make the link %s", path);
		unlink(tmp);
		goto out;
	}
	rc = fs_sync_dir(folder, e);
out:
	free(old);
	free(tmp);
	free(folder);
	return rc;
}

int fs_readlink(char **out, const char *path, struct err *e)
{
	*out = link_target(path);
	if (*out || errno == ENOENT)
		return 0;
	if (errno == EINVAL)
		return err_set(e, ERR_LOCAL, "read the link %s: it is not a symbolic link", path);
	return err_sys(e, "read the link %s", path);
}

int fs_rename(const char *from, const char *to, struct err *e)
{
	char *from_folder = folder_of(from), *to_folder = folder_of(to);
	int rc = -1;

	if (rename(from, to) < 0) {
		err_sys(e, "rename %s to %s", from, to);
		goto out;
	}
	/* the new place first: after a crash a file in both places is better than in none */
	if (fs_sync_dir(to_folder, e) < 0)
		goto out;
	if (strcmp(from_folder, to_folder) != 0 && fs_sync_dir(from_folder, e) < 0)
		goto out;
	rc = 0;
out:
	free(from_folder);
	free(to_folder);
	return rc;
}

int fs_put(const char *dir, const char *name, const void *bytes, size_t len, struct fs_mode m, struct err *e)
{
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd, rc = -1;

	if (at < 0)
		return err_sys(e, "%s", dir);
	if (unlinkat(at, name, 0) < 0 && errno != ENOENT) {
		err_sys(e, "remove %s/%s", dir, name);
		goto out;
	}
	fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_sys(e, "create %s/%s", dir, name);
		goto out;
	}
	if (write_all(fd, bytes, len) == 0 && fchmod(fd, m.mode) == 0)
		rc = 0;
	else
		err_sys(e, "write %s/%s", dir, name);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(e, "write %s/%s", dir, name);
	if (rc < 0)
		unlinkat(at, name, 0);
out:
	close(at);
	return rc;
}

int fs_take(const char *dir, const char *name, struct err *e)
{
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), rc = 0;

	if (at < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", dir);
	if (unlinkat(at, name, 0) < 0 && errno != ENOENT)
		rc = err_sys(e, "remove %s/%s", dir, name);
	close(at);
	return rc;
}

int fs_unlink(const char *path, struct err *e)
{
	char *folder;
	int rc;

	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "remove %s", path);
	folder = folder_of(path);
	rc = fs_sync_dir(folder, e);
	free(folder);
	return rc;
}

/* Takes fd over; the names are as the folder has them.  errno tells what went wrong. */
static int read_names(struct strv *out, int fd)
{
	DIR *d = fdopendir(fd);
	struct dirent *entry;
	int saved;

	if (!d) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	for (errno = 0; (entry = readdir(d)); errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strv_add(out, entry->d_name);
	saved = errno;
	closedir(d);
	errno = saved;
	return saved ? -1 : 0;
}

/* One entry of the folder `at`; path is what errors call it.  Every step goes from the descriptor
 * of the folder above and refuses links, so that nobody can lead us elsewhere by swapping a
 * folder. */
static int remove_entry(int at, const char *name, const char *path, int levels, struct err *e)
{
	struct strv names = { 0 };
	struct stat st;
	int fd = -1, copy, rc = -1;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "remove %s", path);
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(at, name, 0) < 0 && errno != ENOENT)
			return err_sys(e, "remove %s", path);
		return 0;
	}
	if (levels == 0)
		return err_set(e, ERR_LOCAL, "remove %s: a folder too deep to be ours", path);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0 || read_names(&names, copy) < 0) {
		err_sys(e, "remove %s", path);
		goto out;
	}
	for (size_t i = 0; i < names.n; i++) {
		char *below = mem_format("%s/%s", path, names.v[i]);
		int failed = remove_entry(fd, names.v[i], below, levels - 1, e);

		free(below);
		if (failed)
			goto out;
	}
	if (unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		err_sys(e, "remove %s", path);
		goto out;
	}
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	strv_free(&names);
	return rc;
}

int fs_remove_tree(const char *path, struct err *e)
{
	char *clean = trimmed(path), *folder = folder_of(path);
	struct stat st;
	int rc = -1;

	if (strcmp(clean, folder) == 0) {
		err_set(e, ERR_LOCAL, "remove %s: never", path);
		goto out;
	}
	if (lstat(clean, &st) < 0 && errno == ENOENT) {
		rc = 0;
		goto out;
	}
	if (remove_entry(AT_FDCWD, clean, clean, TREE_LEVELS, e) < 0)
		goto out;
	rc = fs_sync_dir(folder, e);
out:
	free(clean);
	free(folder);
	return rc;
}

int fs_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return err_sys(e, "open the folder %s", path);
	/* EINVAL: a file system that cannot do it, so there is nothing to be had */
	if (sync_fd(fd) < 0 && errno != EINVAL)
		rc = err_sys(e, "write the folder %s", path);
	close(fd);
	return rc;
}

int fs_list(struct strv *out, const char *path, struct err *e)
{
	int fd;

	strv_free(out);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "list the folder %s", path);
	if (read_names(out, fd) < 0) {
		err_sys(e, "list the folder %s", path);
		strv_free(out);
		return -1;
	}
	strv_sort(out);
	return 0;
}

void fs_sweep_temporary(const char *dir)
{
	struct strv names = { 0 };
	struct err ignored;

	if (fs_list(&names, dir, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		char *path;

		if (strncmp(names.v[i], TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) != 0)
			continue;
		path = mem_format("%s/%s", dir, names.v[i]);
		(void)!fs_remove_tree(path, &ignored);  /* else the next run tries again */
		free(path);
	}
	strv_free(&names);
}

/* The pid in the name of a temporary file for `base`; 0: it is none. */
static pid_t writer_of(const char *name, const char *base)
{
	char *end;
	long pid;

	if (!text_starts(name, TEMPORARY_PREFIX))
		return 0;
	pid = strtol(name + strlen(TEMPORARY_PREFIX), &end, 10);
	if (pid <= 1 || pid > INT32_MAX || *end++ != '-')
		return 0;
	end += strspn(end, "0123456789");
	return *end == '-' && strncmp(end + 1, base, BASE_MAX) == 0 ? (pid_t)pid : 0;
}

void fs_sweep_beside(const char *path)
{
	char *folder = folder_of(path);
	struct strv names = { 0 };
	struct err ignored;

	if (fs_list(&names, folder, &ignored) < 0)
		names.n = 0;
	for (size_t i = 0; i < names.n; i++) {
		pid_t pid = writer_of(names.v[i], base_of(path));
		char *left;

		if (!pid || kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		left = mem_format("%s/%s", folder, names.v[i]);
		unlink(left);
		free(left);
	}
	strv_free(&names);
	free(folder);
}

/* A number serves where the name cannot be had. */
static void user_name(char out[NAME_LEN], uid_t uid)
{
	char room[4096];
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, room, sizeof(room), &found) == 0 && found)
		snprintf(out, NAME_LEN, "%s", found->pw_name);
	else
		snprintf(out, NAME_LEN, "%lu", (unsigned long)uid);
}

static void group_name(char out[NAME_LEN], gid_t gid)
{
	char room[4096];
	struct group entry, *found = NULL;

	if (getgrgid_r(gid, &entry, room, sizeof(room), &found) == 0 && found)
		snprintf(out, NAME_LEN, "%s", found->gr_name);
	else
		snprintf(out, NAME_LEN, "%lu", (unsigned long)gid);
}

/* As a shell reads it, because the command is there to be copied. */
static void add_quoted(struct buf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789/._-+@:,";

	if (s[0] && s[strspn(s, plain)] == '\0') {
		buf_add_str(b, s);
		return;
	}
	buf_add_char(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			buf_add_str(b, "'\\''");
		else
			buf_add_char(b, *s);
	}
	buf_add_char(b, '\'');
}

int fs_check_trusted(const char *path, struct err *e)
{
	struct buf who, mend;
	char name[NAME_LEN];
	struct stat st;
	int rc = 0;

	if (stat(path, &st) < 0)
		return err_sys(e, "look at %s", path);
	buf_init(&who, sizeof(e->text));
	buf_init(&mend, sizeof(e->text));
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		user_name(name, st.st_uid);
		buf_addf(&who, "its owner %s", name);
		buf_add_str(&mend, "chown root ");
		add_quoted(&mend, path);
	}
	if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		bool group = st.st_mode & S_IWGRP, others = st.st_mode & S_IWOTH;

		group_name(name, st.st_gid);
		if (group)
			buf_addf(&who, "%sgroup %s", who.len ? " and " : "", name);
		if (others)
			buf_addf(&who, "%severybody", who.len ? " and " : "");
		buf_addf(&mend, "%schmod %s%s-w ", mend.len ? " && " : "", group ? "g" : "",
			 others ? "o" : "");
		add_quoted(&mend, path);
	}
	if (who.len)
		rc = err_set(e, ERR_USAGE, "%s can be changed by %s; mend it with: %s", path, who.s,
			     mend.s);
	buf_free(&who);
	buf_free(&mend);
	return rc;
}
