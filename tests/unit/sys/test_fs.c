/* test_fs.c - files that are there completely or not at all, also when the disk fails.
 *
 * Some calls of libc are replaced by our own, which note the order of things, look at the modes at
 * that moment, and fail when they are told to.
 * Touches: a temporary folder; child processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ANY_GID ((gid_t)-1)

enum call { CALL_FCHOWN, CALL_FCHMOD, CALL_WRITE, CALL_SYNC, CALL_CLOSE, CALL_RENAME, CALL_SYNC_DIR,
	    CALL_N };
static const char *const call_names[] = {
	[CALL_FCHOWN] = "fchown", [CALL_FCHMOD] = "fchmod", [CALL_WRITE] = "write",
	[CALL_SYNC] = "fsync", [CALL_CLOSE] = "close", [CALL_RENAME] = "rename",
	[CALL_SYNC_DIR] = "fsync of the folder",
};
_Static_assert(ARRAY_LEN(call_names) == CALL_N, "a name for each call");

static int    fail[CALL_N];             /* errno, or 0 */
static bool   trickle;                  /* writes are short, and every other one is interrupted */
static char   order[64];                /* a letter for each call: o m w s r d */
static mode_t mode_at_fchown, mode_at_fchmod, mode_at_write, mode_at_chown;
static gid_t  gid_at_fchmod, gid_at_write;
static char   renamed_from[256];
static char   dir[64];
static gid_t  other_gid;                /* a group that we may give things to */

static int did(enum call c, char letter)
{
	size_t len = strlen(order);

	if (len < sizeof(order) - 1) {
		order[len] = letter;
		order[len + 1] = '\0';
	}
	errno = fail[c];
	return fail[c] ? -1 : 0;
}

static void look(int fd, mode_t *mode, gid_t *gid)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	*mode = st.st_mode & 07777;
	if (gid)
		*gid = st.st_gid;
}

int fchown(int fd, uid_t uid, gid_t gid)
{
	look(fd, &mode_at_fchown, NULL);
	return did(CALL_FCHOWN, 'o') < 0 ? -1 : (int)syscall(SYS_fchown, fd, uid, gid);
}

int chown(const char *path, uid_t uid, gid_t gid)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	mode_at_chown = st.st_mode & 07777;
	return (int)syscall(SYS_fchownat, AT_FDCWD, path, uid, gid, 0);
}

int fchmod(int fd, mode_t mode)
{
	look(fd, &mode_at_fchmod, &gid_at_fchmod);
	return did(CALL_FCHMOD, 'm') < 0 ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	static bool interrupt;

	look(fd, &mode_at_write, &gid_at_write);
	if (trickle) {
		interrupt = !interrupt;
		if (interrupt) {
			errno = EINTR;
			return -1;
		}
		return syscall(SYS_write, fd, bytes, len < 3 ? len : 3);
	}
	return did(CALL_WRITE, 'w') < 0 ? -1 : syscall(SYS_write, fd, bytes, len);
}

int fsync(int fd)
{
	struct stat st;
	bool folder;

	assert_int_equal(fstat(fd, &st), 0);
	folder = S_ISDIR(st.st_mode);
	if (did(folder ? CALL_SYNC_DIR : CALL_SYNC, folder ? 'd' : 's') < 0)
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

int close(int fd)
{
	struct stat st;
	bool file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	int rc = (int)syscall(SYS_close, fd);

	if (!file || !fail[CALL_CLOSE])
		return rc;
	errno = fail[CALL_CLOSE];
	return -1;
}

int rename(const char *from, const char *to)
{
	snprintf(renamed_from, sizeof(renamed_from), "%s", from);
	if (did(CALL_RENAME, 'r') < 0)
		return -1;
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* A path in the temporary folder.  Eight of them can be in use at a time. */
static const char *in(const char *name)
{
	static char paths[8][512];
	static size_t next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static int run(const char *command)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int setup(void **state)
{
	(void)state;
	memset(fail, 0, sizeof(fail));
	trickle = false;
	other_gid = getuid() == 0 ? 1 : getgid();
	snprintf(dir, sizeof(dir), "/tmp/certline-fs-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	order[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	char command[256];

	(void)state;
	memset(fail, 0, sizeof(fail));
	snprintf(command, sizeof(command), "chmod -R u+rwX %s; rm -rf %s", dir, dir);
	return run(command);
}

static void put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) < 0, 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void holds(const char *path, const char *text)
{
	struct buf b;
	struct err e = { 0 };

	buf_init(&b, 1000000);
	if (fs_read(&b, path, 1000000, NULL, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(b.s, text);
	buf_free(&b);
}

static void has_mode(const char *path, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	if ((st.st_mode & 07777) != mode)
		fail_msg("%s is %04o, not %04o", path, st.st_mode & 07777, mode);
}

static void has_names(const char *path, const char *names)
{
	struct strv l = { 0 };
	struct buf b;
	struct err e;

	buf_init(&b, 1000);
	assert_int_equal(fs_list(&l, path, &e), 0);
	for (size_t i = 0; i < l.n; i++)
		buf_addf(&b, "%s%s", i ? " " : "", l.v[i]);
	assert_string_equal(b.s, names);
	buf_free(&b);
	strv_free(&l);
}

static void is_local(const struct err *e, const char *path)
{
	assert_int_equal(e->kind, ERR_LOCAL);
	if (!strstr(e->text, path))
		fail_msg("\"%s\" does not name %s", e->text, path);
}

/* Reading -------------------------------------------------------------------------------------- */

static void a_whole_file_is_read_up_to_the_limit(void **state)
{
	static const char text[] = "line\0with NUL\n";
	static const struct {
		size_t room, max;
		bool   ok;
	} rows[] = {
		{ 100, 100, true }, { 14, 14, true }, { 100, 14, true }, { 14, 100, true },
		{ 100, 13, false }, { 13, 100, false }, { 100, 0, false }, { 0, 100, false },
		{ SIZE_MAX, SIZE_MAX, true },
	};
	struct fs_mode m = { 0600, ANY_GID };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(fs_write(in("f"), text, sizeof(text) - 1, m, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool missing = true;
		struct buf b;

		buf_init(&b, rows[i].room);
		buf_add_str(&b, "old");
		if ((fs_read(&b, in("f"), rows[i].max, &missing, &e) == 0) != rows[i].ok)
			fail_msg("row %zu", i);
		assert_false(missing);
		assert_false(b.over);
		if (rows[i].ok) {
			assert_int_equal(b.len, sizeof(text) - 1);
			assert_memory_equal(b.s, text, sizeof(text));
		} else {
			assert_string_equal(b.s, "");
			is_local(&e, in("f"));
			assert_non_null(strstr(e.text, "larger than"));
		}
		buf_free(&b);
	}
}

static void a_large_file_and_an_empty_one_are_read(void **state)
{
	const size_t len = 1000003;
	char *bytes = mem_alloc(len);
	struct fs_mode m = { 0600, ANY_GID };
	struct buf b;
	struct err e;

	(void)state;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 7 % 251);
	assert_int_equal(fs_write(in("large"), bytes, len, m, &e), 0);
	assert_int_equal(fs_write(in("empty"), NULL, 0, m, &e), 0);
	buf_init(&b, FS_READ_MAX);
	assert_int_equal(fs_read(&b, in("large"), FS_READ_MAX, NULL, &e), 0);
	assert_int_equal(b.len, len);
	assert_memory_equal(b.s, bytes, len);
	assert_int_equal(fs_read(&b, in("large"), len - 1, NULL, &e), -1);
	assert_int_equal(b.len, 0);             /* not the part that fitted */
	assert_int_equal(fs_read(&b, in("empty"), 0, NULL, &e), 0);
	assert_int_equal(b.len, 0);
	buf_free(&b);
	free(bytes);
}

static void a_missing_file_is_what_the_caller_says(void **state)
{
	bool missing = false;
	struct buf b;
	struct err e = { 0 };

	(void)state;
	buf_init(&b, 100);
	buf_add_str(&b, "old");
	assert_int_equal(fs_read(&b, in("none"), 100, &missing, &e), 0);
	assert_true(missing);
	assert_string_equal(b.s, "");
	assert_int_equal(fs_read(&b, in("none"), 100, NULL, &e), -1);
	is_local(&e, in("none"));
	assert_non_null(strstr(e.text, "No such file"));

	/* not "missing": something is wrong with the folder */
	put(in("file"), "x", 0600);
	assert_int_equal(fs_read(&b, in("file/none"), 100, &missing, &e), -1);
	assert_false(missing);
	is_local(&e, in("file/none"));
	buf_free(&b);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	static const char *const names[] = { "folder", "fifo", "socket" };
	struct buf b;
	struct err e;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(mkdir(in("folder"), 0700), 0);
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	assert_int_equal(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	alarm(5);               /* a read that waits would wait for ever */
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool missing = true;

		e = (struct err){ 0 };
		assert_int_equal(fs_read(&b, in(names[i]), 100, &missing, &e), -1);
		assert_false(missing);
		is_local(&e, in(names[i]));
	}
	assert_int_equal(fs_read(&b, "/dev/zero", 100, NULL, &e), -1);
	is_local(&e, "/dev/zero: it is not a regular file");
	assert_int_equal(fs_read(&b, in("folder"), 100, NULL, &e), -1);
	is_local(&e, "it is a folder");
	alarm(0);
	close(s);
	buf_free(&b);
}

/* Writing -------------------------------------------------------------------------------------- */

static void modes_are_exact_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 000, 022, 027, 077, 0777 };
	static const mode_t modes[] = { 0600, 0640, 0644, 0400, 0666, 0755 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		for (size_t j = 0; j < ARRAY_LEN(modes); j++) {
			struct fs_mode m = { modes[j], ANY_GID };
			mode_t mask = umask(masks[i]);
			struct err e = { 0 };
			int rc = fs_write(in("f"), "x", 1, m, &e);

			if (rc == 0)
				rc = fs_write_new(in("new"), "x", 1, m, &e);
			assert_int_equal(umask(mask), masks[i]);
			if (rc < 0)
				fail_msg("%s", e.text);
			has_mode(in("f"), modes[j]);
			has_mode(in("new"), modes[j]);
			assert_int_equal(unlink(in("new")), 0);
		}
	}
}

static void nobody_gets_in_before_the_mode_is_right(void **state)
{
	const struct fs_mode m = { 0640, other_gid };
	mode_t mask = umask(000);
	struct stat st;
	struct err e;

	(void)state;
	put(in("f"), "old", 0666);
	for (int i = 0; i < 2; i++) {
		mode_at_fchown = mode_at_fchmod = mode_at_write = 07777;
		order[0] = '\0';
		if (i == 0)
			assert_int_equal(fs_write(in("f"), "key", 3, m, &e), 0);
		else
			assert_int_equal(fs_write_new(in("g"), "key", 3, m, &e), 0);
		assert_int_equal(mode_at_fchown, 0600);
		assert_int_equal(mode_at_fchmod, 0600);
		assert_int_equal(gid_at_fchmod, other_gid);
		assert_int_equal(mode_at_write, 0640);
		assert_int_equal(gid_at_write, other_gid);
		assert_string_equal(order, i == 0 ? "omwsrd" : "omws");
	}
	umask(mask);
	assert_int_equal(stat(in("f"), &st), 0);
	assert_int_equal(st.st_gid, other_gid);
	has_mode(in("f"), 0640);
	holds(in("f"), "key");
}

static void content_comes_before_the_name_and_both_are_synced(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	struct err e;

	(void)state;
	assert_int_equal(fs_write(in("f"), "one", 3, m, &e), 0);
	assert_string_equal(order, "mwsrd");
	assert_memory_equal(renamed_from, in(".tmp-"), strlen(in(".tmp-")));
	holds(in("f"), "one");
	assert_int_equal(fs_write(in("f"), "2", 1, m, &e), 0);
	holds(in("f"), "2");
	has_names(dir, "f");
}

static void short_and_interrupted_writes_are_continued(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	struct err e;

	(void)state;
	trickle = true;
	assert_int_equal(fs_write(in("f"), "0123456789", 10, m, &e), 0);
	assert_int_equal(fs_write_new(in("g"), "0123456789", 10, m, &e), 0);
	trickle = false;
	holds(in("f"), "0123456789");
	holds(in("g"), "0123456789");
}

static void a_failing_disk_leaves_the_old_content(void **state)
{
	static const int reasons[] = { ENOSPC, EDQUOT, EIO };
	const struct fs_mode m = { 0600, other_gid };

	(void)state;
	put(in("f"), "old", 0600);
	for (int c = 0; c < CALL_SYNC_DIR; c++) {
		for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
			struct err e = { 0 };

			fail[c] = reasons[i];
			if (fs_write(in("f"), "new", 3, m, &e) == 0)
				fail_msg("%s failed and nobody noticed", call_names[c]);
			is_local(&e, in("f"));
			assert_non_null(strstr(e.text, strerror(reasons[i])));
			assert_null(strstr(e.text, ".tmp-"));
			if (c != CALL_RENAME) {
				assert_int_equal(fs_write_new(in("g"), "new", 3, m, &e), -1);
				is_local(&e, in("g"));
				assert_non_null(strstr(e.text, strerror(reasons[i])));
			}
			fail[c] = 0;
			holds(in("f"), "old");
			has_names(dir, "f");
		}
	}
}

static void a_folder_that_cannot_be_synced_is_an_error(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	struct err e = { 0 };

	(void)state;
	put(in("f"), "old", 0600);
	fail[CALL_SYNC_DIR] = EIO;
	assert_int_equal(fs_write(in("f"), "new", 3, m, &e), -1);
	is_local(&e, dir);
	assert_int_equal(fs_symlink("x", in("link"), &e), -1);
	assert_int_equal(fs_rename(in("f"), in("g"), &e), -1);
	assert_int_equal(fs_mkdir(in("d"), m, &e), -1);
	assert_int_equal(fs_unlink(in("link"), &e), -1);
	assert_int_equal(fs_remove_tree(in("g"), &e), -1);
	assert_int_equal(fs_sync_dir(dir, &e), -1);

	fail[CALL_SYNC_DIR] = EINVAL;           /* this file system has nothing to sync */
	assert_int_equal(fs_write(in("f"), "new", 3, m, &e), 0);
	fail[CALL_SYNC_DIR] = 0;
	has_names(dir, "f");
	assert_int_equal(fs_sync_dir(in("f"), &e), -1);
	is_local(&e, in("f"));
	assert_int_equal(fs_sync_dir(in("none"), &e), -1);
	is_local(&e, in("none"));
}

/* Not pretended: the kernel itself refuses more than 4 KB. */
static void a_real_limit_of_the_system_is_noticed(void **state)
{
	static const char large[100000] = { 'x' };
	const struct fs_mode m = { 0600, ANY_GID };
	int status;
	pid_t pid;

	(void)state;
	put(in("f"), "old", 0600);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit limit = { 4096, 4096 };
		struct err e = { 0 };

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) < 0 ||
		    fs_write(in("f"), large, sizeof(large), m, &e) == 0 ||
		    !strstr(e.text, strerror(EFBIG)) || !strstr(e.text, in("f")) ||
		    fs_write_new(in("g"), large, sizeof(large), m, &e) == 0)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	holds(in("f"), "old");
	has_names(dir, "f");
}

static void links_are_replaced_and_folders_are_not(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	struct err e = { 0 };
	struct stat st;

	(void)state;
	put(in("target"), "target", 0600);
	assert_int_equal(symlink("target", in("link")), 0);
	assert_int_equal(fs_write(in("link"), "new", 3, m, &e), 0);
	holds(in("target"), "target");
	holds(in("link"), "new");
	assert_int_equal(lstat(in("link"), &st), 0);
	assert_true(S_ISREG(st.st_mode));

	assert_int_equal(mkdir(in("folder"), 0700), 0);
	assert_int_equal(fs_write(in("folder"), "new", 3, m, &e), -1);
	is_local(&e, in("folder"));
	assert_int_equal(fs_write(in("none/f"), "new", 3, m, &e), -1);
	is_local(&e, in("none/f"));
	has_names(dir, "folder link target");
}

static void devices_and_fifos_are_not_replaced(void **state)
{
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	assert_int_equal(symlink("fifo", in("link")), 0);
	assert_int_equal(fs_write(in("fifo"), "x", 1, (struct fs_mode){ 0600, ANY_GID }, &e), -1);
	assert_non_null(strstr(e.text, "no file"));
	assert_int_equal(fs_write(in("link"), "x", 1, (struct fs_mode){ 0600, ANY_GID }, &e), -1);
	assert_int_equal(lstat(in("fifo"), &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(lstat(in("link"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void leftovers_with_our_pid_are_passed_over(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	const char *number;
	char name[64];
	unsigned next;
	struct err e;

	(void)state;
	assert_int_equal(fs_write(in("f"), "x", 1, m, &e), 0);
	/* ".tmp-PID-NUMBER-f" */
	number = strstr(renamed_from, "/.tmp-");
	assert_non_null(number);
	number = strchr(number + strlen("/.tmp-"), '-');
	assert_non_null(number);
	assert_true(text_ends(number, "-f"));
	next = (unsigned)strtoul(number + 1, NULL, 10) + 1;
	for (unsigned i = next; i < next + 3; i++) {
		snprintf(name, sizeof(name), ".tmp-%ld-%u-f", (long)getpid(), i);
		put(in(name), "leftover", 0600);
	}
	assert_int_equal(fs_write(in("f"), "y", 1, m, &e), 0);
	holds(in("f"), "y");
	holds(in(name), "leftover");
	for (unsigned i = next + 4; i < next + 7; i++) {
		snprintf(name, sizeof(name), ".tmp-%ld-%u-link", (long)getpid(), i);
		put(in(name), "leftover", 0600);
	}
	assert_int_equal(fs_symlink("f", in("link"), &e), 0);
	holds(in("link"), "y");
}

static void a_new_file_is_new(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	struct err e = { 0 };

	(void)state;
	put(in("f"), "old", 0644);
	assert_int_equal(fs_write_new(in("f"), "new", 3, m, &e), -1);
	is_local(&e, in("f"));
	assert_non_null(strstr(e.text, "File exists"));
	holds(in("f"), "old");
	has_mode(in("f"), 0644);
	assert_int_equal(symlink("elsewhere", in("link")), 0);
	assert_int_equal(fs_write_new(in("link"), "new", 3, m, &e), -1);
	has_names(dir, "f link");
}

static void paths_may_be_relative_and_plain(void **state)
{
	const struct fs_mode m = { 0600, ANY_GID };
	struct err e;
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(fs_write("f", "x", 1, m, &e), 0);
	assert_int_equal(fs_symlink("f", "link", &e), 0);
	assert_int_equal(fs_mkdir("a/b", m, &e), 0);
	assert_int_equal(fs_rename("f", "./g", &e), 0);
	assert_int_equal(fs_unlink("link", &e), 0);
	assert_int_equal(fs_remove_tree("a", &e), 0);
	assert_int_equal(fchdir(here), 0);
	close(here);
	has_names(dir, "g");
}

/* Folders -------------------------------------------------------------------------------------- */

static void folders_are_made_with_their_parents(void **state)
{
	static const mode_t masks[] = { 000, 022, 077, 0777 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
		struct fs_mode m = { 0710, other_gid };
		struct err e = { 0 };
		struct stat st;
		mode_t mask = umask(masks[i]);
		int rc;

		order[0] = '\0';
		rc = fs_mkdir(in("a//b/c/"), m, &e);
		assert_int_equal(umask(mask), masks[i]);
		if (rc < 0)
			fail_msg("%s", e.text);
		assert_string_equal(order, "ddd");
		has_mode(in("a"), 0755);
		has_mode(in("a/b"), 0755);
		has_mode(in("a/b/c"), 0710);
		assert_int_equal(stat(in("a/b/c"), &st), 0);
		assert_int_equal(st.st_gid, other_gid);
		assert_int_equal(fs_remove_tree(in("a/b"), &e), 0);
		assert_int_equal(fs_remove_tree(in("a"), &e), 0);
	}
}

/* Root gets into every folder: it takes somebody else to see who is locked out. */
static void a_umask_locks_nobody_out_of_his_own_folder(void **state)
{
	const uid_t we = getuid() == 0 ? 65534 : getuid();
	mode_t mask;
	struct err e = { 0 };
	int rc;

	(void)state;
	assert_int_equal(mkdir(in("home"), 0755), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chown(in("home"), we, (gid_t)-1), 0);
	assert_int_equal(seteuid(we), 0);
	mask = umask(0777);
	rc = fs_mkdir(in("home/a/b"), (struct fs_mode){ 0700, ANY_GID }, &e);
	umask(mask);
	assert_int_equal(seteuid(getuid()), 0);
	if (rc < 0)
		fail_msg("%s", e.text);
	has_mode(in("home/a/b"), 0700);
}

static void existing_folders_stay_and_only_the_last_is_corrected(void **state)
{
	struct err e;
	struct stat st;

	(void)state;
	assert_int_equal(mkdir(in("a"), 0700), 0);
	assert_int_equal(chmod(in("a"), 0701), 0);
	assert_int_equal(mkdir(in("a/b"), 0700), 0);
	put(in("a/b/f"), "x", 0600);
	assert_int_equal(chmod(in("a/b"), 02777), 0);
	order[0] = '\0';
	assert_int_equal(fs_mkdir(in("a/b"), (struct fs_mode){ 0750, other_gid }, &e), 0);
	has_mode(in("a"), 0701);
	has_mode(in("a/b"), 0750);
	assert_int_equal(stat(in("a/b"), &st), 0);
	assert_int_equal(st.st_gid, other_gid);
	holds(in("a/b/f"), "x");
	assert_string_equal(order, "");         /* nothing was made, so there is nothing to sync */

	/* only the mode, only with the owner's own folder locked */
	assert_int_equal(chmod(in("a/b"), 0), 0);
	assert_int_equal(fs_mkdir(in("a/b"), (struct fs_mode){ 0700, ANY_GID }, &e), 0);
	has_mode(in("a/b"), 0700);
	assert_int_equal(symlink("a/b", in("way")), 0);
	assert_int_equal(fs_mkdir(in("way/c"), (struct fs_mode){ 0700, ANY_GID }, &e), 0);
	has_names(in("a/b"), "c f");
}

static void a_correction_opens_no_gap(void **state)
{
	struct err e;

	(void)state;
	if (getuid() != 0)
		skip();         /* only root has a group to change to for certain */
	assert_int_equal(mkdir(in("a"), 0700), 0);
	assert_int_equal(chmod(in("a"), 0770), 0);
	mode_at_chown = 07777;
	assert_int_equal(fs_mkdir(in("a"), (struct fs_mode){ 0750, other_gid }, &e), 0);
	assert_int_equal(mode_at_chown, 0750);
	has_mode(in("a"), 0750);

	assert_int_equal(chown(in("a"), 0, 0), 0);
	assert_int_equal(chmod(in("a"), 0700), 0);
	assert_int_equal(fs_mkdir(in("a"), (struct fs_mode){ 0750, other_gid }, &e), 0);
	assert_int_equal(mode_at_chown, 0700);
	has_mode(in("a"), 0750);
}

static void a_file_in_the_way_is_an_error(void **state)
{
	const struct fs_mode m = { 0700, ANY_GID };
	struct err e = { 0 };

	(void)state;
	put(in("f"), "x", 0600);
	assert_int_equal(fs_mkdir(in("f"), m, &e), -1);
	is_local(&e, in("f"));
	assert_int_equal(fs_mkdir(in("f/a/b"), m, &e), -1);
	is_local(&e, in("f/a/b"));
	assert_int_equal(symlink("nowhere", in("link")), 0);
	assert_int_equal(fs_mkdir(in("link"), m, &e), -1);
	is_local(&e, in("link"));
	assert_int_equal(fs_mkdir("", m, &e), -1);
	has_mode(in("f"), 0600);
	has_names(dir, "f link");
}

static void names_are_listed_in_order(void **state)
{
	struct strv l = { 0 };
	struct err e = { 0 };

	(void)state;
	put(in("b"), "", 0600);
	put(in("a"), "", 0600);
	put(in(".hidden"), "", 0600);
	put(in("..."), "", 0600);
	assert_int_equal(mkdir(in("Z"), 0700), 0);
	has_names(dir, "... .hidden Z a b");
	has_names(in("Z"), "");

	strv_add(&l, "old");
	assert_int_equal(fs_list(&l, in("none"), &e), 0);
	assert_int_equal(l.n, 0);
	strv_add(&l, "old");
	assert_int_equal(fs_list(&l, in("a"), &e), -1);
	assert_int_equal(l.n, 0);
	is_local(&e, in("a"));
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	alarm(5);
	assert_int_equal(fs_list(&l, in("fifo"), &e), -1);
	alarm(0);
	strv_free(&l);
}

/* Links and names ------------------------------------------------------------------------------ */

static void a_link_is_made_and_replaced_in_one_step(void **state)
{
	struct err e = { 0 };
	char *target;

	(void)state;
	assert_int_equal(fs_symlink("gen/1", in("live"), &e), 0);
	assert_string_equal(order, "rd");
	assert_int_equal(fs_readlink(&target, in("live"), &e), 0);
	assert_string_equal(target, "gen/1");
	free(target);

	assert_int_equal(fs_symlink("gen/12", in("live"), &e), 0);
	assert_int_equal(fs_readlink(&target, in("live"), &e), 0);
	assert_string_equal(target, "gen/12");
	free(target);

	put(in("file"), "x", 0600);
	assert_int_equal(fs_symlink("live", in("file"), &e), 0);
	assert_int_equal(fs_readlink(&target, in("file"), &e), 0);
	assert_string_equal(target, "live");
	free(target);
	has_names(dir, "file live");
}

static void a_link_that_is_right_is_left_alone(void **state)
{
	struct stat before, after;
	struct err e;

	(void)state;
	assert_int_equal(fs_symlink("gen/1", in("live"), &e), 0);
	assert_int_equal(lstat(in("live"), &before), 0);
	order[0] = '\0';
	assert_int_equal(fs_symlink("gen/1", in("live"), &e), 0);
	assert_string_equal(order, "");
	assert_int_equal(lstat(in("live"), &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_ctim.tv_nsec, after.st_ctim.tv_nsec);
	/* the beginning of the target is not the target */
	assert_int_equal(fs_symlink("gen/", in("live"), &e), 0);
	assert_string_equal(order, "rd");
}

static void a_link_does_not_replace_a_folder(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(in("folder"), 0700), 0);
	assert_int_equal(fs_symlink("x", in("folder"), &e), -1);
	is_local(&e, in("folder"));
	assert_int_equal(fs_symlink("x", in("none/link"), &e), -1);
	is_local(&e, in("none/link"));
	fail[CALL_RENAME] = EIO;
	assert_int_equal(fs_symlink("x", in("link"), &e), -1);
	is_local(&e, in("link"));
	fail[CALL_RENAME] = 0;
	has_names(dir, "folder");
}

static void a_link_is_read_or_missing_or_none(void **state)
{
	char *target = NULL, *longest;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(fs_readlink(&target, in("none"), &e), 0);
	assert_null(target);
	put(in("file"), "x", 0600);
	assert_int_equal(fs_readlink(&target, in("file"), &e), -1);
	assert_null(target);
	is_local(&e, in("file"));
	assert_non_null(strstr(e.text, "not a symbolic link"));
	assert_int_equal(fs_readlink(&target, in("file/x"), &e), -1);
	is_local(&e, in("file/x"));

	longest = mem_alloc(4096);
	for (size_t len = 250; len < 4096; len = len < 260 ? len + 1 : len * 2 - 1) {
		memset(longest, 't', len);
		longest[len] = '\0';
		assert_int_equal(fs_symlink(longest, in("long"), &e), 0);
		assert_int_equal(fs_readlink(&target, in("long"), &e), 0);
		assert_string_equal(target, longest);
		free(target);
	}
	free(longest);
}

static void a_rename_is_synced_where_it_happened(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(in("a"), 0700), 0);
	put(in("f"), "x", 0600);
	assert_int_equal(fs_rename(in("f"), in("g"), &e), 0);
	assert_string_equal(order, "rd");
	order[0] = '\0';
	assert_int_equal(fs_rename(in("g"), in("a/h"), &e), 0);
	assert_string_equal(order, "rdd");
	holds(in("a/h"), "x");
	assert_int_equal(fs_rename(in("a"), in("b"), &e), 0);
	holds(in("b/h"), "x");
	assert_int_equal(fs_rename(in("none"), in("x"), &e), -1);
	is_local(&e, in("none"));
	is_local(&e, in("x"));
}

static void a_name_is_removed_once(void **state)
{
	struct err e = { 0 };

	(void)state;
	put(in("f"), "x", 0600);
	assert_int_equal(symlink("f", in("link")), 0);
	assert_int_equal(fs_unlink(in("link"), &e), 0);
	assert_string_equal(order, "d");
	holds(in("f"), "x");
	assert_int_equal(fs_unlink(in("f"), &e), 0);
	assert_int_equal(fs_unlink(in("f"), &e), 0);
	assert_int_equal(fs_unlink(in("none/f"), &e), 0);
	assert_int_equal(mkdir(in("folder"), 0700), 0);
	assert_int_equal(fs_unlink(in("folder"), &e), -1);
	is_local(&e, in("folder"));
	has_names(dir, "folder");
}

static void a_tree_goes_and_what_its_links_show_stays(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(in("out"), 0700), 0);
	put(in("out/f"), "precious", 0600);
	assert_int_equal(mkdir(in("t"), 0700), 0);
	assert_int_equal(mkdir(in("t/sub"), 0700), 0);
	put(in("t/f"), "x", 0);
	put(in("t/.hidden"), "x", 0600);
	put(in("t/sub/f"), "x", 0600);
	assert_int_equal(symlink("../out", in("t/folder-link")), 0);
	assert_int_equal(symlink("../../out", in("t/sub/folder-link")), 0);
	assert_int_equal(symlink("../out/f", in("t/file-link")), 0);
	assert_int_equal(symlink("/", in("t/root")), 0);
	assert_int_equal(mkfifo(in("t/fifo"), 0600), 0);
	alarm(5);
	order[0] = '\0';
	assert_int_equal(fs_remove_tree(in("t/"), &e), 0);
	alarm(0);
	assert_string_equal(order, "d");
	holds(in("out/f"), "precious");
	has_names(dir, "out");
	assert_int_equal(fs_remove_tree(in("t"), &e), 0);
}

static void a_tree_that_is_a_link_or_a_file_is_just_that(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in("out"), 0700), 0);
	put(in("out/f"), "precious", 0600);
	for (int slash = 0; slash < 2; slash++) {
		assert_int_equal(symlink("out", in("link")), 0);
		assert_int_equal(fs_remove_tree(in(slash ? "link/" : "link"), &e), 0);
		has_names(dir, "out");
		holds(in("out/f"), "precious");
	}
	put(in("f"), "x", 0600);
	assert_int_equal(fs_remove_tree(in("f"), &e), 0);
	has_names(dir, "out");
}

static void a_tree_too_deep_or_too_high_is_refused(void **state)
{
	static const char *const never[] = { "/", "//", ".", "./" };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(in("t"), 0700), 0);
	assert_int_equal(mkdir(in("t/a"), 0700), 0);
	assert_int_equal(mkdir(in("t/a/b"), 0700), 0);
	put(in("t/a/b/f"), "deep", 0600);
	assert_int_equal(fs_remove_tree(in("t"), &e), -1);
	is_local(&e, in("t/a/b"));
	holds(in("t/a/b/f"), "deep");
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		/* an empty folder to stand in, should it be believed */
		int here;

		if (never[i][0] == '/' && getuid() == 0)
			continue;       /* the test must not be the accident */
		here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(mkdir(in("empty"), 0700), 0);
		assert_int_equal(chdir(in("empty")), 0);
		assert_int_equal(fs_remove_tree(never[i], &e), -1);
		assert_int_equal(fchdir(here), 0);
		close(here);
		is_local(&e, "never");
		assert_int_equal(rmdir(in("empty")), 0);
	}
}

static void leftovers_are_swept_and_nothing_else(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(mkdir(in("out"), 0700), 0);
	put(in("out/f"), "precious", 0600);
	put(in(".tmp-1-2"), "x", 0600);
	put(in(".tmp-"), "x", 0600);
	put(in(".tmp"), "x", 0600);
	put(in("x.tmp-1"), "x", 0600);
	put(in("f"), "x", 0600);
	assert_int_equal(mkdir(in(".tmp-gen"), 0700), 0);
	put(in(".tmp-gen/key.pem"), "x", 0600);
	assert_int_equal(symlink("out", in(".tmp-link")), 0);
	assert_int_equal(mkdir(in(".tmp-deep"), 0700), 0);
	assert_int_equal(fs_mkdir(in(".tmp-deep/a/b"), (struct fs_mode){ 0700, ANY_GID }, &e), 0);
	fs_sweep_temporary(dir);
	has_names(dir, ".tmp .tmp-deep f out x.tmp-1");
	holds(in("out/f"), "precious");
	fs_sweep_temporary(in("none"));
	fs_sweep_temporary(in("f"));
	holds(in("f"), "x");
}

/* In a folder that others use, too. */
static void leftovers_beside_a_file_are_swept(void **state)
{
	/* the pid of a child that is gone is nobody's */
	pid_t gone = fork();
	char names[200], left[64], at_work[64], other[64];

	(void)state;
	if (gone == 0)
		_exit(0);
	assert_int_equal(waitpid(gone, NULL, 0), gone);
	snprintf(left, sizeof(left), ".tmp-%d-0-m.prom", (int)gone);
	snprintf(at_work, sizeof(at_work), ".tmp-%d-7-m.prom", (int)getpid());
	snprintf(other, sizeof(other), ".tmp-%d-0-other.prom", (int)gone);
	assert_int_equal(mkdir(in("web"), 0700), 0);
	for (const char *const *name = (const char *const[]){ left, at_work, other, ".tmp-m.prom", "m.prom", NULL };
	     *name; name++) {
		snprintf(names, sizeof(names), "web/%s", *name);
		put(in(names), "x", 0600);
	}
	fs_sweep_beside(in("web/m.prom"));
	snprintf(names, sizeof(names), "web/%s", left);
	assert_int_equal(access(in(names), F_OK), -1);
	for (const char *const *name = (const char *const[]){ at_work, other, ".tmp-m.prom", "m.prom", NULL };
	     *name; name++) {
		snprintf(names, sizeof(names), "web/%s", *name);
		holds(in(names), "x");
	}
	fs_sweep_beside(in("none/m.prom"));
}

/* Trust ---------------------------------------------------------------------------------------- */

static void what_others_can_change_is_not_trusted(void **state)
{
	static const struct {
		const char *name;
		bool   folder;
		mode_t mode;
		uid_t  uid;             /* not 0: root only */
		const char *words[3];   /* none: trusted */
	} rows[] = {
		{ "f1", false, 0600, 0, { NULL } },
		{ "f2", false, 0755, 0, { NULL } },
		{ "f3", false, 0000, 0, { NULL } },
		{ "d1", true, 0755, 0, { NULL } },
		{ "f4", false, 0620, 0, { "group ", "chmod g-w " } },
		{ "f5", false, 0602, 0, { "by everybody;", "chmod o-w " } },
		{ "f6", false, 0666, 0, { "group ", " and everybody;", "chmod go-w " } },
		{ "d2", true, 01777, 0, { "group ", "and everybody;", "chmod go-w " } },
		{ "d3", true, 0770, 0, { "group ", "chmod g-w " } },
		{ "a b", false, 0666, 0, { "chmod go-w '/tmp/" } },
		{ "it's $HOME;", true, 0777, 0, { "it'\\''s $HOME;'" } },
		{ "f7", false, 0600, 1, { "its owner ", "chown root " } },
		{ "f8", false, 0644, 54321, { "its owner 54321;", "chown root " } },
		{ "f9", false, 0666, 1, { "its owner ", "and everybody;",
					  "&& chmod go-w " } },
	};
	mode_t mask = umask(022);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *path = in(rows[i].name), *command;
		struct err e = { 0 };

		if (rows[i].uid && getuid() != 0)
			continue;
		if (rows[i].folder)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			put(path, "x", 0600);
		assert_int_equal(chmod(path, rows[i].mode), 0);
		if (rows[i].uid)
			assert_int_equal(chown(path, rows[i].uid, (gid_t)-1), 0);
		if (!rows[i].words[0]) {
			if (fs_check_trusted(path, &e) < 0)
				fail_msg("%s", e.text);
			continue;
		}
		if (fs_check_trusted(path, &e) == 0)
			fail_msg("%s is trusted", path);
		assert_int_equal(e.kind, ERR_USAGE);
		assert_memory_equal(e.text, path, strlen(path));
		for (size_t j = 0; j < ARRAY_LEN(rows[i].words) && rows[i].words[j]; j++)
			if (!strstr(e.text, rows[i].words[j]))
				fail_msg("\"%s\" in \"%s\"", rows[i].words[j], e.text);
		if (rows[i].uid == 1 && getpwuid(1) && !strstr(e.text, getpwuid(1)->pw_name))
			fail_msg("no name in \"%s\"", e.text);
		command = strstr(e.text, "mend it with: ");
		assert_non_null(command);
		assert_int_equal(run(command + strlen("mend it with: ")), 0);
		assert_int_equal(fs_check_trusted(path, &e), 0);
	}
	umask(mask);
}

static void trust_follows_links_and_needs_something_there(void **state)
{
	struct err e = { 0 };

	(void)state;
	put(in("f"), "x", 0666);
	assert_int_equal(symlink("f", in("link")), 0);
	assert_int_equal(fs_check_trusted(in("link"), &e), -1);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_int_equal(chmod(in("f"), 0600), 0);
	assert_int_equal(fs_check_trusted(in("link"), &e), 0);
	assert_int_equal(fs_check_trusted(in("none"), &e), -1);
	is_local(&e, in("none"));
}

static void root_and_we_ourselves_are_trusted(void **state)
{
	static const struct {
		uid_t owner, we;
		bool  trusted;
	} rows[] = { { 0, 0, true }, { 0, 1, true }, { 1, 1, true }, { 2, 1, false },
		     { 1, 0, false } };
	struct err e;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	put(in("f"), "x", 0644);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		assert_int_equal(chown(in("f"), rows[i].owner, 0), 0);
		assert_int_equal(seteuid(rows[i].we), 0);
		rc = fs_check_trusted(in("f"), &e);
		assert_int_equal(seteuid(0), 0);
		if ((rc == 0) != rows[i].trusted)
			fail_msg("row %zu", i);
	}
}

static void expect_file(const char *path, const char *wanted)
{
	struct buf b;
	struct err e;
	bool cut;

	buf_init(&b, 1000);
	assert_int_equal(fs_read_tail(&b, path, 1000, &cut, &e), 0);
	assert_false(cut);
	assert_string_equal(b.s, wanted);
	buf_free(&b);
}

static void rows_are_added_whole(void **state)
{
	mode_t mask = umask(077);
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(fs_append(in("log"), "one\n", 4, (struct fs_mode){ 0644, ANY_GID }, &e), 0);
	umask(mask);
	assert_int_equal(stat(in("log"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(fs_append(in("log"), "two\n", 4, (struct fs_mode){ 0600, ANY_GID }, &e), 0);
	expect_file(in("log"), "one\ntwo\n");
	put(in("cut"), "whole\nha", 0600);
	assert_int_equal(fs_append(in("cut"), "next\n", 5, (struct fs_mode){ 0600, ANY_GID }, &e), 0);
	expect_file(in("cut"), "whole\nha\nnext\n");
	assert_int_equal(symlink("log", in("link")), 0);
	assert_int_equal(fs_append(in("link"), "x\n", 2, (struct fs_mode){ 0600, ANY_GID }, &e), -1);
	is_local(&e, in("link"));
	assert_int_equal(fs_append(in("none/log"), "x\n", 2, (struct fs_mode){ 0600, ANY_GID }, &e), -1);
	is_local(&e, in("none/log"));
}

static void rows_that_cannot_be_added_leave_nothing(void **state)
{
	static const enum call calls[] = { CALL_WRITE, CALL_SYNC };
	struct err e;

	(void)state;
	put(in("log"), "one\nha", 0600);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		fail[calls[i]] = ENOSPC;
		assert_int_equal(fs_append(in("log"), "two\n", 4, (struct fs_mode){ 0600, ANY_GID }, &e), -1);
		fail[calls[i]] = 0;
		is_local(&e, in("log"));
		expect_file(in("log"), "one\nha");
	}
}

static void the_end_of_a_file_is_read(void **state)
{
	struct buf b;
	struct err e;
	bool cut;

	(void)state;
	put(in("f"), "0123456789", 0600);
	buf_init(&b, 100);
	assert_int_equal(fs_read_tail(&b, in("f"), 4, &cut, &e), 0);
	assert_true(cut);
	assert_string_equal(b.s, "6789");
	assert_int_equal(fs_read_tail(&b, in("f"), 10, &cut, &e), 0);
	assert_false(cut);
	assert_string_equal(b.s, "0123456789");
	assert_int_equal(fs_read_tail(&b, in("none"), 10, &cut, &e), 0);
	assert_false(cut);
	assert_string_equal(b.s, "");
	assert_int_equal(fs_read_tail(&b, dir, 10, &cut, &e), -1);
	is_local(&e, dir);
	buf_free(&b);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_whole_file_is_read_up_to_the_limit),
		T(a_large_file_and_an_empty_one_are_read),
		T(a_missing_file_is_what_the_caller_says),
		T(what_is_no_file_is_refused_without_waiting),
		T(modes_are_exact_whatever_the_umask),
		T(nobody_gets_in_before_the_mode_is_right),
		T(content_comes_before_the_name_and_both_are_synced),
		T(short_and_interrupted_writes_are_continued),
		T(a_failing_disk_leaves_the_old_content),
		T(a_folder_that_cannot_be_synced_is_an_error),
		T(a_real_limit_of_the_system_is_noticed),
		T(links_are_replaced_and_folders_are_not),
		T(devices_and_fifos_are_not_replaced),
		T(leftovers_with_our_pid_are_passed_over),
		T(a_new_file_is_new),
		T(paths_may_be_relative_and_plain),
		T(folders_are_made_with_their_parents),
		T(a_umask_locks_nobody_out_of_his_own_folder),
		T(existing_folders_stay_and_only_the_last_is_corrected),
		T(a_correction_opens_no_gap),
		T(a_file_in_the_way_is_an_error),
		T(names_are_listed_in_order),
		T(a_link_is_made_and_replaced_in_one_step),
		T(a_link_that_is_right_is_left_alone),
		T(a_link_does_not_replace_a_folder),
		T(a_link_is_read_or_missing_or_none),
		T(a_rename_is_synced_where_it_happened),
		T(a_name_is_removed_once),
		T(a_tree_goes_and_what_its_links_show_stays),
		T(a_tree_that_is_a_link_or_a_file_is_just_that),
		T(a_tree_too_deep_or_too_high_is_refused),
		T(leftovers_are_swept_and_nothing_else),
		T(leftovers_beside_a_file_are_swept),
		T(what_others_can_change_is_not_trusted),
		T(trust_follows_links_and_needs_something_there),
		T(root_and_we_ourselves_are_trusted),
		T(rows_are_added_whole),
		T(rows_that_cannot_be_added_leave_nothing),
		T(the_end_of_a_file_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
