/* line.h - a line as one run sees it: configuration, ledger and generations.
 *
 * A `world` holds every configured line; state is read from disk only for the lines that are asked for
 * and for those that share an owner or an include file with them.
 */
#ifndef RUN_LINE_H
#define RUN_LINE_H

#include "core/ledger.h"
#include "run/config.h"
#include "run/generation.h"

struct vantage_answers;

struct line {
	const struct line_config *cfg;
	struct policy     policy;
	struct ledger     ledger;
	struct generation live, staging;        /* number 0: none */
	struct generation *retired;             /* of each retired keyset, oldest first */
	size_t            retired_n;
	struct generation *removed;             /* of those whose records are gone, until destroyed */
	size_t            removed_n;
	bool              loaded;
	bool              known;                /* it has been set up: there is a state or a generation */
	bool              lost;                 /* there are generations, but no state.json */
	int               dropped_gen;          /* its staging link was gone: the key is staged no more */
	bool              stale_staging;        /* the link names a key that has been live: to be removed */
	bool              noted;                /* the ledger was fitted to the disk: to be saved */
	enum ledger_jump  jump;
	bool              untidy;               /* something was told that the line itself does not show */
	bool              swept;                /* leftovers of killed runs are gone */
	unsigned          tried;                /* steps that failed in this run */
	struct horizon_policy horizon;
	int64_t           fresh_at;             /* name servers are asked in this run, since then; 0: not */
	int64_t           servers_fresh_at;     /* servers are looked at in this run, since then; 0: not */
	struct vantage_answers *elsewhere;      /* while what hooks saw of them is noted; NULL */
	char             *servers_problem;      /* why nothing came of that; NULL */
	struct strv       said;                 /* texts that facts point to */
	bool              failed;               /* left alone in this run: err says why */
	bool              unreadable;           /* ... because what it has in DNS is not known */
	struct err        err;
};

/* An include file, and which lines write it. */
struct include_view {
	const char *path;
	size_t     *lines, lines_n;
	bool        loaded;                     /* every one of them */
	bool        looked, wrong;              /* looked at in this round, and found so */
	bool        unknown;                    /* wrong because what belongs in it is not known */
};

struct world {
	struct config  *config;
	struct line    *lines;                  /* as config->lines */
	size_t          n;
	struct shared_owner {                   /* owners that more than one line names */
		const char *owner;
		size_t      line;
	} *shared;                              /* sorted by owner, line */
	size_t          shared_n;
	struct include_view *includes;          /* sorted by path */
	size_t          includes_n;
	size_t         *include_lines;          /* behind includes[].lines */
};

/* `config` must outlive the world.  Nothing is read from disk yet. */
void world_init(struct world *w, struct config *config);
void world_free(struct world *w);
/* The range of w->shared that belongs to an owner: empty if only one line names it. */
void world_shared(const struct world *w, const char *owner, size_t *first, size_t *past);
struct include_view *world_include(const struct world *w, const char *path);
struct line *world_find(const struct world *w, const char *name);

/* Reads the state of a line (once), fits the ledger to links and clock, and loads its generations.  An
 * error stays in the line: failed, err.  Read-only. */
void line_load(struct line *l);
/* Forgets what was read, to read it anew. */
void line_reload(struct line *l);
/* Also loads every line that shares an owner or an include file with it. */
void world_load(struct world *w, struct line *l);
/* Gives back the memory of a line that is not needed any more in this run. */
void line_unload(struct line *l);

/* The generation of a keyset that is live, staging or retired, or NULL. */
const struct generation *line_generation(const struct line *l, int keyset);

/* Who must acknowledge a recorded set: the update (UPDATE_NAME), key-change hooks.  The caller frees. */
void line_publishers(struct strv *out, const struct line_config *c);

void policy_of(struct policy *p, const struct line_config *c);
void horizon_policy_of(struct horizon_policy *p, const struct line_config *c);

#endif
