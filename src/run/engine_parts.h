/* engine_parts.h - what engine.c and engine_*.c share; nobody else includes it. */
#ifndef RUN_ENGINE_PARTS_H
#define RUN_ENGINE_PARTS_H

#include "run/engine.h"
#include "sys/proc.h"

#define WORK_LIMIT_MS ((int64_t)600 * 1000)

/* A line that has something to do in this round. */
struct task {
	struct line *l;
	enum step    step;
	const char  *why;
	int64_t      now;
	const struct json *problems;    /* as engine.tell */
	bool         failed;
	bool         blocked;           /* what must come before the hooks did not succeed: none is run */
};

struct round {
	struct engine *en;
	struct task   *tasks;
	size_t         n;
	int64_t        now;
};

void engine_tell(struct engine *en, enum tell kind, const struct line *l, const char *text);
void engine_save(struct engine *en, struct line *l);

/* Why a worker that prints its error and exits with its kind has failed. */
void engine_worker_error(struct err *e, const struct proc *p);

/* The step is off for the rest of this run.  Only what costs somebody else something (a CA, processor
 * time) is left alone for longer: a hook, a link or a configuration that fails is tried at every run. */
void engine_step_failed(struct round *r, struct task *t, const struct err *e);
/* Looks again at what is on disk, clears an old failure of the step, and saves what reconcile noted. */
void engine_step_succeeded(struct round *r, struct task *t, const char *text);

/* Hands records and certificates out, for those of the round that publish or deploy.  Each obligation is on
 * disk before anybody is told of it. */
void engine_hand_out(struct round *r);

/* Asks the name servers of the lines, and looks at those of their servers that are due. */
void engine_look(struct engine *en, struct line **lines, size_t n);
/* The same for a while, for what was just published or deployed (told) in the round. */
void engine_look_again(const struct round *r, enum step told);
/* A line whose publishers or hooks said yes, but nothing is seen of it: they owe it again. */
void engine_distrust_unseen(struct engine *en, struct line *l);
void engine_distrust_deployment(struct engine *en, struct line *l);

/* Steps that make keys or ask CAs; all other steps of lines that are ready for them, until there is none. */
bool engine_for_worker(enum step s);
void engine_go_on(struct engine *en, struct line **lines, size_t n);
/* A round of tasks for workers.  While some take long, those that are done go on. */
void engine_work(struct round *r);
/* What killed runs and failed hooks have left in place. */
void engine_clean(struct engine *en, struct line **lines, size_t n);
/* When CAs suggest to renew. */
void engine_ask_cas(struct engine *en, struct line **lines, size_t n);

#endif
