/* fs.h - files that are there completely or not at all.
 *
 * Every change is: write to a temporary name in the same folder, fsync, rename, fsync the folder.
 * A temporary name starts with ".tmp-" and may be swept by fs_sweep_temporary().  Modes are set at
 * creation, whatever the umask.  All errors are ERR_LOCAL and name the path.
 */
#ifndef SYS_FS_H
#define SYS_FS_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

#define FS_READ_MAX ((size_t)16 << 20)

/* Who may read what we write.  gid (gid_t)-1: the group is what the system makes it, so that mode
 * should give the group nothing that others do not have too. */
struct fs_mode {
	mode_t mode;            /* all bits, and exactly these; 0600, 0640, 0644, 0700 ... */
	gid_t  gid;
};

/* The whole file, at most max bytes and what out has room for (more is an error).  out must be
 * initialised; what it had is dropped, and after an error it is empty.  *missing, if not NULL,
 * turns "does not exist" into success with an empty out.  Folders, FIFOs and devices are errors and
 * are not waited for. */
int fs_read(struct buf *out, const char *path, size_t max, bool *missing, struct err *e)
	NEEDS_CHECK;

/* Replaces path (or makes it) atomically and durably.  A symlink is replaced, not followed; devices,
 * FIFOs and sockets, and links to these, are errors, and stay.  After
 * an error path has its old content; only if the very last step failed (fsync of the folder) it has
 * the new one, and a crash may bring the old one back. */
int fs_write(const char *path, const void *bytes, size_t len, struct fs_mode m, struct err *e)
	NEEDS_CHECK;

/* A new file in a folder that nobody looks at yet (a generation under its temporary name): created
 * exclusively, written, fsynced; no rename.  The caller fsyncs the folder.  After an error nothing
 * is left of it; a file that was there before is not touched. */
int fs_write_new(const char *path, const void *bytes, size_t len, struct fs_mode m, struct err *e)
	NEEDS_CHECK;

/* Puts whole rows (each with its newline) at the end of a file, durably; it is made if it is
 * missing.  What is there without a newline at its end (a row that was cut by a crash) is ended first, so
 * that a row never begins in the middle of another.  After an error the file is as long as before, as far
 * as the system lets us. */
int fs_append(const char *path, const char *rows, size_t len, struct fs_mode m, struct err *e) NEEDS_CHECK;

/* The last `max` bytes of a file, or all of it: then *cut is false.  Not existing is an empty file. */
int fs_read_tail(struct buf *out, const char *path, size_t max, bool *cut, struct err *e) NEEDS_CHECK;

/* A file for others to read for a moment, in a folder that may be theirs: `name` is a plain name, a file or
 * link of that name is replaced and never written through.  Not durable. */
int fs_put(const char *dir, const char *name, const void *bytes, size_t len, struct fs_mode m,
	   struct err *e) NEEDS_CHECK;
int fs_take(const char *dir, const char *name, struct err *e) NEEDS_CHECK;      /* not existing is success */

/* Like mkdir -p for the last `path` component and its parents; parents get 0755 whatever the umask,
 * the last one gets m.  Existing folders are left as they are, except that the mode and group of
 * the last one are corrected if they differ.  Folders made are fsynced into their parents. */
int fs_mkdir(const char *path, struct fs_mode m, struct err *e) NEEDS_CHECK;

/* Atomic and durable: path becomes a symlink to target, replacing any file or link (not a folder).
 * Does nothing (and writes nothing) if it already is that link. */
int fs_symlink(const char *target, const char *path, struct err *e) NEEDS_CHECK;

/* The target of a symlink, or *out = NULL if path does not exist.  Not a link: an error.  The
 * caller frees *out. */
int fs_readlink(char **out, const char *path, struct err *e) NEEDS_CHECK;

/* rename() and fsync of the folder(s). */
int fs_rename(const char *from, const char *to, struct err *e) NEEDS_CHECK;

/* unlink() and fsync of the folder; not existing is success. */
int fs_unlink(const char *path, struct err *e) NEEDS_CHECK;

/* A folder and the files in it (one level below is followed too, symlinks are not: they are removed
 * themselves).  Folders deeper inside are an error, with part of the tree already gone.  A path
 * that is a file or a symlink is removed.  Not existing is success. */
int fs_remove_tree(const char *path, struct err *e) NEEDS_CHECK;

int fs_sync_dir(const char *path, struct err *e) NEEDS_CHECK;

/* Names in a folder, sorted, without "." and ".."; replaces what out had.  Not existing: empty. */
int fs_list(struct strv *out, const char *path, struct err *e) NEEDS_CHECK;

/* Removes every ".tmp-*" in a folder, files and folders: leftovers of a run that was killed.  Best
 * effort.  For the holder of the lock only: it cannot tell a leftover from work in progress. */
void fs_sweep_temporary(const char *dir);
/* Removes what killed writers of this very file have left in its folder, which may be anybody's.  Best
 * effort. */
void fs_sweep_beside(const char *path);

/* 0 if nobody but root and the effective user can change the file or folder (owner is one of them,
 * not writable by group or others, not even with the sticky bit).  Otherwise ERR_USAGE that says
 * who can and the chown or chmod that mends it, quoted for a shell.  The folders above are not
 * looked at.  A symlink is followed.  Not existing: ERR_LOCAL. */
int fs_check_trusted(const char *path, struct err *e) NEEDS_CHECK;

#endif
