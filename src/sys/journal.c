/* journal.c - datagrams to the journal, and syslog.
 * Touches: the sockets of journal and syslog.
 */
#include "sys/journal.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>

#define ENTRY_MAX ((size_t)64 << 10)    /* a datagram of that size fits into any socket's buffer */

/* "NAME=value", or for a value of several lines the name, its length in 8 bytes (little endian), and it. */
static void add_field(struct buf *out, const struct journal_field *f)
{
	uint64_t len = strlen(f->value);

	buf_add_str(out, f->name);
	if (strchr(f->value, '\n')) {
		buf_add_char(out, '\n');
		for (int i = 0; i < 8; i++)
			buf_add_char(out, (char)(len >> 8 * i & 0xff));
	} else {
		buf_add_char(out, '=');
	}
	buf_add_str(out, f->value);
	buf_add_char(out, '\n');
}

int journal_send(const char *socket_path, const struct journal_field *f, size_t n, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct buf entry;
	int fd, rc = -1;

	if (strlen(socket_path) >= sizeof(to.sun_path))
		return err_set(e, ERR_LOCAL, "%s is too long for a socket", socket_path);
	memcpy(to.sun_path, socket_path, strlen(socket_path) + 1);
	buf_init(&entry, ENTRY_MAX);
	for (size_t i = 0; i < n; i++)
		add_field(&entry, &f[i]);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (entry.over)
		err_set(e, ERR_LOCAL, "an entry of the journal is larger than %zu bytes", ENTRY_MAX);
	else if (fd < 0 || sendto(fd, entry.s, entry.len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
				  sizeof(to)) < 0)
		err_set(e, ERR_LATER, "%s: %s", socket_path, strerror(errno));
	else
		rc = 0;
	if (fd >= 0)
		close(fd);
	buf_free(&entry);
	return rc;
}

bool journal_is_there(const char *socket_path)
{
	struct stat st;

	return stat(socket_path, &st) == 0 && S_ISSOCK(st.st_mode);
}

int journal_syslog(const char *socket_path, int priority, const char *text, struct err *e)
{
	char *row;

	/* syslog(3) says nothing of it */
	if (!journal_is_there(socket_path))
		return err_set(e, ERR_LATER, "neither a journal nor %s is there", socket_path);
	row = mem_copy_str(text);
	text_make_printable(row);
	openlog("certline", LOG_PID | LOG_NDELAY, LOG_DAEMON);
	syslog(priority, "%s", row);
	closelog();
	free(row);
	return 0;
}
