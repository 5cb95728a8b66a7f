/* cmd.h - subcommands: what they are given, and what they share.  The only layer that prints results.
 *
 * stdout is the result, stderr is diagnostics.  With --json, stdout is one document with "version": 1.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "run/engine.h"
#include "run/pending.h"

#define JSON_VERSION 1

enum exit_status {
	EXIT_OK      = 0,       /* all is as it should be */
	EXIT_BAD     = 1,       /* a line failed, or an obligation is pending */
	EXIT_USAGE   = 2,       /* usage or configuration: nothing was tried */
	EXIT_NAGIOS_UNKNOWN = 3,        /* what plug-ins say instead of the latter and of NOT_NOW */
	EXIT_NOT_NOW = 75,      /* could not act now, and nothing is at risk */
};

/* The parsed command line; options that a command does not take are refused before it runs. */
struct args {
	const char *command;
	struct strv configs;            /* -c */
	struct strv lines;              /* LINE... */
	bool        dry_run, verbose, quiet, json, no_color;
	unsigned    jobs;
	bool        emergency, force, back, revoke;
	int         reason;             /* revoke: as enum revocation_reason */
	int64_t     days;               /* plan, report */
	const char *svg, *html;         /* plan, report: where to; "-": standard output */
	const char *format, *origin;    /* tlsa */
	int64_t     ttl_for;            /* tlsa; 0: as configured */
	/* check */
	struct strv owners, domains;    /* --owner, --mx: in A-labels */
	struct strv connects, resolvers;        /* addresses */
	int         starttls;           /* enum starttls; -1: by port */
	struct strv starttls_of;        /* "OWNER=WORD", checked */
	const char *trust_anchor;       /* NULL: as configured, or the default */
	int64_t     dns_port;           /* 0: as configured, or 53 */
	bool        nagios;
	int64_t     warn_for, critical_for;
};

struct command {
	const char *name;
	const char *synopsis;           /* arguments, for --help */
	const char *help;               /* one line */
	enum exit_status (*run)(const struct args *a);
};

const struct command *command_list(size_t *n);

enum exit_status cmd_init(const struct args *a);
enum exit_status cmd_cron(const struct args *a);
enum exit_status cmd_renew(const struct args *a);
enum exit_status cmd_roll(const struct args *a);
enum exit_status cmd_status(const struct args *a);
enum exit_status cmd_plan(const struct args *a);
enum exit_status cmd_report(const struct args *a);
enum exit_status cmd_history(const struct args *a);
enum exit_status cmd_dns(const struct args *a);
enum exit_status cmd_tlsa(const struct args *a);
enum exit_status cmd_config(const struct args *a);
enum exit_status cmd_revoke(const struct args *a);
enum exit_status cmd_account(const struct args *a);
enum exit_status cmd_caa(const struct args *a);
enum exit_status cmd_check(const struct args *a);

/* Parses argv into a; -1: a message was printed, and *status is what to exit with. */
int options_parse(struct args *a, int argc, char **argv, enum exit_status *status);
void options_free(struct args *a);
void options_help(const struct command *c);     /* NULL: the whole program */

/* Shared by the commands ------------------------------------------------------------------------ */

/* Configuration, and the lines that the command line names (none named: all).  Problems are printed. */
struct scene {
	struct config config;
	struct world  world;
	struct line **lines;
	size_t        n;
};
int scene_open(struct scene *s, const struct args *a, enum exit_status *status);
void scene_close(struct scene *s);

/* The acting commands: lock, run, tell. */
struct act {
	struct order order;
	bool         init;              /* may set up new lines */
	bool         outlook;           /* say what comes next when done */
};
enum exit_status act(const struct args *a, const struct act *what);

struct json;
/* What --json prints: an object with the version and one array, which `list` points to. */
struct json *begin_document(struct json **list, const char *key);
void end_document(struct json *doc, const struct args *a);      /* prints it if so; frees it */
void print_document(struct json *doc);          /* to stdout; frees it */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));     /* "certline: ..." */
/* Whether the next complaint is told on stdout too, in the row that is all that Nagios reads. */
void complain_to_nagios(bool next);
/* From now on notices (run/notice.h) go to stdout; warnings, and those beside a document, to stderr. */
void print_notices(const struct args *a);
/* To a file, replaced in one go and readable by all, or to stdout if path is "-".  -1: a message was
 * printed. */
int print_file(const char *path, const struct buf *text) NEEDS_CHECK;
/* As text; not put if it is 0 or never. */
void put_instant(struct json *o, const char *key, int64_t at);
/* Words are kept whole, and so is a command in backticks; the first row begins with `first`, others with
 * `rest`. */
void print_wrapped(const char *text, const char *first, const char *rest, size_t width);
/* A cell of a table that begins at column `left`; a text that is too long has a row of its own. */
void print_cell(const char *text, int left, int width);
/* From now on long waits (sys/progress.h) are shown on standard error, if it is a terminal and nobody
 * objects; hide_wait() comes before everything that is printed meanwhile, in a worker too. */
void show_waits(const struct args *a);
void hide_wait(void);
bool colorful(const struct args *a);            /* stdout is a terminal and nobody objects */

/* A line as it stands, for `status` and the report. */
struct view {
	struct line    *l;
	const struct world *w;
	enum standing   stands;
	struct facts    f;              /* this and what follows: unless the line failed */
	struct forecast next;
	enum step       held;           /* what the reason is about, if it is not what comes next */
	struct strv     pending, warnings, orders;
	bool            color;
	int64_t         now;
};
void view_take(struct view *v, struct scene *s, struct line *l);
void view_free(struct view *v);
/* The exit status of lines that were `so_far`, and this one. */
enum exit_status view_status(const struct view *v, enum exit_status so_far);

const char *sight_name(enum sight s);           /* "hold", "wait", "go" */
/* The keysets of a line in the order of the columns of `dns`. */
struct column {
	const char *name;
	int         keyset;             /* 0: none */
};
#define COLUMNS_N 3
void columns_of(struct column out[COLUMNS_N], const struct line *l);
/* One that was never asked in time is not silent, and has said nothing either. */
bool server_answers(const struct horizon_server *s);
/* How many records it has: "2", "alias", or `other` if it does not answer; out has room for 16. */
void server_records(char *out, const struct horizon_server *s, const char *other);
/* Whether a server's set covers a keyset, in a word. */
const char *server_covers(const struct horizon *h, const struct horizon_server *s, int keyset);

/* What the reason of a forecast is about, if that is not the step which comes next: one that waits.  Else
 * DO_NOTHING. */
enum step held_step(const struct line *l, const struct facts *f, const struct forecast *c, int64_t now);
/* The reason in words, which begins with "STEP waits: " if there is such a step; the caller frees. */
char *forecast_reason(const struct forecast *c, enum step held);
/* Orders that are taken and not carried out yet, each as it is given: "roll --emergency". */
void list_orders(struct strv *out, const struct facts *f);

#endif
