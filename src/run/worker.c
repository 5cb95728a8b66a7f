/* worker.c - reports over the pipe of a worker.
 * Touches: child processes.
 */
#include "run/worker.h"

#define REPORT_MAX ((size_t)256 << 20)

int worker_write(int out_fd, const struct buf *text)
{
	size_t done = 0;

	while (done < text->len) {
		ssize_t n = write(out_fd, text->s + done, text->len - done);

		if (n < 0)
			return 1;
		done += (size_t)n;
	}
	return 0;
}

int worker_report(int out_fd, struct json *root)
{
	struct buf text;
	int status;

	buf_init(&text, REPORT_MAX);
	json_print(&text, root, false);
	json_free(root);
	status = worker_write(out_fd, &text);
	buf_free(&text);
	return status;
}

struct json *worker_run(struct proc *p, size_t n, struct err *e)
{
	struct json *all = NULL;

	buf_init(&p->out, REPORT_MAX);
	/* with one job it would run in this process */
	proc_run_all(p, 1, 2);
	if (p->status != 0) {
		*e = p->err;
	} else {
		all = json_parse(p->out.s, p->out.len, e);
		if (all && json_len(all) != n) {
			err_set(e, ERR_LOCAL, "a worker told of %zu things instead of %zu", json_len(all), n);
			json_free(all);
			all = NULL;
		}
	}
	buf_free(&p->out);
	return all;
}
