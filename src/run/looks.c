/* looks.c - one batch of children for all looks, and another one for the halves of those that died.
 * Touches: child processes (workers and hooks).
 */
#include "run/looks.h"

#include "base/mem.h"
#include "run/look_how.h"
#include "run/worker.h"
#include "sys/progress.h"

#define AT_ONCE 32              /* each asks many at a time */

static void add(struct looks *all, const struct look_kind *kind, struct line *const *lines, size_t n)
{
	struct look k = { .kind = kind, .lines = mem_array(n, sizeof(struct line *)), .n = n };

	memcpy(k.lines, lines, n * sizeof(struct line *));
	all->v = mem_resize(all->v, all->n + 1, sizeof(*all->v));
	all->v[all->n++] = k;
}

void looks_add(struct looks *all, const struct look_kind *kind, struct line *const *lines, size_t n)
{
	struct line **left = mem_array(n, sizeof(struct line *)), **group = mem_array(n, sizeof(struct line *));

	for (size_t i = 0; i < n; i++)
		left[i] = lines[i];
	while (n) {
		size_t group_n = 0, left_n = 0;

		for (size_t i = 0; i < n; i++)
			if (i == 0 || look_how_same(group[0]->cfg, left[i]->cfg))
				group[group_n++] = left[i];
			else
				left[left_n++] = left[i];
		add(all, kind, group, group_n);
		n = left_n;
	}
	free(left);
	free(group);
}

/* Notes what came of a look, or puts its halves among those of the next batch: one answer has ended it, and
 * whose line that costs has to be found out. */
static void settle(struct looks *again, const struct look *k, const struct proc *p)
{
	struct err e = { 0 };
	struct json *seen = worker_result(p, &e);
	char *why;

	if (seen && k->kind->note(k, seen)) {
		json_free(seen);
		return;
	}
	if (seen)
		err_set(&e, ERR_LOCAL, "a worker told of something else");
	json_free(seen);
	if (k->n > 1 && !proc_stopping()) {
		add(again, k->kind, k->lines, k->n / 2);
		add(again, k->kind, k->lines + k->n / 2, k->n - k->n / 2);
		return;
	}
	why = mem_format("looking at its %s failed: %s", k->kind->what, e.text);
	k->kind->give_up(k, why);
	free(why);
}

static void begin_progress(const struct looks *all)
{
	const struct look_kind *first = all->v[0].kind;
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].kind == first)
			n += all->v[i].n;
	if (all->v[all->n - 1].kind == first)
		progress_begin(all->v[0].lines[0]->cfg->name, n, "looking at %s", first->what);
	else
		progress_begin(all->v[0].lines[0]->cfg->name, n, "looking at %s and %s", first->what,
			       all->v[all->n - 1].kind->what);
}

/* Hooks are run beside the first batch.  Looks that are to be repeated are left in `all`. */
static void run(struct looks *all, bool first)
{
	struct proc *procs = mem_array(all->n + all->elsewhere.n, sizeof(*procs));
	struct looks again = { .elsewhere = all->elsewhere };
	size_t n = all->n;

	for (size_t i = 0; i < all->n; i++) {
		struct look *k = &all->v[i];

		worker_prepare(&procs[i], k->kind->work, k, k->kind->limit_ms(k));
	}
	if (first)
		n += vantage_begin(&all->elsewhere, procs + all->n);
	begin_progress(all);
	proc_run_all(procs, n, AT_ONCE);
	progress_end();
	if (first)
		vantage_end(&all->elsewhere, procs + all->n);
	for (size_t i = 0; i < all->n; i++) {
		settle(&again, &all->v[i], &procs[i]);
		buf_free(&procs[i].out);
		free(all->v[i].lines);
	}
	free(procs);
	free(all->v);
	*all = again;
}

void looks_run(struct looks *all)
{
	for (bool first = true; all->n; first = false)
		run(all, first);
	free(all->v);
	vantage_free(&all->elsewhere);
	*all = (struct looks){ 0 };
}
