/* view.c - a line as it stands: what is shown of it, whoever shows it.
 * Touches: files under STATE, reading only.
 */
#include "cmd/cmd.h"

#include "run/eyes.h"
#include "run/observe.h"
#include "run/servers.h"
#include "sys/clock.h"

void view_take(struct view *v, struct scene *s, struct line *l)
{
	world_load(&s->world, l);
	*v = (struct view){ .l = l, .w = &s->world, .now = clock_now() };
	/* before the facts are taken, since it takes some of its own */
	v->stands = pending_find(&v->pending, NULL, &s->world, l);
	if (l->failed)
		return;
	line_facts(&v->f, &s->world, l);
	v->next = rollover_forecast(&l->policy, &v->f, v->now);
	v->held = held_step(l, &v->f, &v->next, v->now);
	list_orders(&v->orders, &v->f);
	eyes_warnings(&v->warnings, l, &v->f);
	servers_warnings(&v->warnings, v->w, l, &v->f);
}

void view_free(struct view *v)
{
	strv_free(&v->pending);
	strv_free(&v->warnings);
	strv_free(&v->orders);
}

enum exit_status view_status(const struct view *v, enum exit_status so_far)
{
	if (v->stands > STANDS_WAITING)
		return EXIT_BAD;
	return v->stands == STANDS_WAITING && so_far == EXIT_OK ? EXIT_NOT_NOW : so_far;
}
