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

void worker_prepare(struct proc *p, int (*work)(void *arg, int out_fd), void *arg, int64_t limit_ms)
{
	*p = (struct proc){ .work = work, .arg = arg, .limit_ms = limit_ms };
	buf_init(&p->out, REPORT_MAX);
}

struct json *worker_result(const struct proc *p, struct err *e)
{
	if (p->status == 0)
		return json_parse(p->out.s, p->out.len, e);
	*e = p->err;
	return NULL;
}

struct json *worker_run(int (*work)(void *arg, int out_fd), void *arg, int64_t limit_ms, size_t n,
			struct err *e)
{
	struct proc p;
	struct json *all;

	worker_prepare(&p, work, arg, limit_ms);
	/* with one job it would run in this process */
	proc_run_all(&p, 1, 2);
	all = worker_result(&p, e);
	if (all && json_len(all) != n) {
		err_set(e, ERR_LOCAL, "a worker told of %zu things instead of %zu", json_len(all), n);
		json_free(all);
		all = NULL;
	}
	buf_free(&p.out);
	return all;
}
