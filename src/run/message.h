/* message.h - what is to be told and was not yet: a queue on disk, and what is wrong with lines and since
 * when.
 *
 * Pure but for reading and writing STATE/notify.json.  A message is an obligation to one channel of one line:
 * it is on disk before it is tried, it is tried again at later runs, after longer and longer waits, and given
 * up after a week.  A run that is killed between a delivery and its note delivers once more.
 */
#ifndef RUN_MESSAGE_H
#define RUN_MESSAGE_H

#include "base/when.h"
#include "io/json.h"
#include "run/event.h"

#define MESSAGES_MAX     10000
#define MESSAGE_LIFE_FOR (7 * DAY)
#define MESSAGE_TEXT_MAX 4000

enum channel { CHANNEL_MAIL, CHANNEL_HOOK, CHANNEL_WEBHOOK, CHANNEL_SYSLOG, CHANNELS_N };
const char *channel_name(enum channel c);

struct message {
	enum event   event;
	char        *line, *text;
	int64_t      at;                /* when it happened */
	int64_t      queued_at;
	enum channel channel;
	char        *to;                /* addresses, a command, a URL; "" */
	char        *id;                /* of what happens once ("promoted 2 3"), that it is not queued twice; "" */
	int          failures;
	int64_t      next_at;
	char        *error;             /* of the last failure, or NULL */
	bool         done;
};

/* What is wrong with a line, and goes on. */
struct condition {
	char      *line, *key;          /* key: of several of the same event, which: an owner, an endpoint, or "" */
	char      *text;                /* when it began */
	enum event event;
	int64_t    since_at, told_at;   /* told_at 0: not yet */
};

struct messages {
	struct message   *v;
	size_t            n;
	struct condition *conditions;
	size_t            conditions_n;
};
void messages_free(struct messages *m);

/* Copies what is given; a text that is too long is cut.  A message with an id that is in the queue already is
 * not put there again. */
void messages_add(struct messages *m, const struct message *what);
/* Those that are done go; those that are too old too, with a text each in `lost`; and the oldest of those
 * that are too many: how many. */
size_t messages_tidy(struct messages *m, struct strv *lost, int64_t now);
void message_failed(struct message *m, const char *error, int64_t now, uint16_t draw);

/* What is wrong with a line now. */
struct alarm {
	enum event event;
	char      *key, *text;
};
struct alarms {
	struct alarm *v;
	size_t n;
};
void alarms_add(struct alarms *a, enum event event, const char *key, char *text);       /* takes over text */
void alarms_free(struct alarms *a);

/* Fits the conditions of a line to what is wrong with it now.  tell is called for what is to be told: what is
 * new, what lasts, once a day, and when nothing is wrong with a line any more.  EVENT_OVERDUE is told when it
 * has lasted for overdue_for; EVENT_FAILING with the same key is not repeated where that is told. */
void conditions_fit(struct messages *m, const char *line, const struct alarms *now_wrong, unsigned events,
		    int64_t overdue_for, int64_t now,
		    void (*tell)(void *arg, enum event event, const char *text), void *arg);
/* Forgets those of lines that `keep` does not know. */
void conditions_keep(struct messages *m, bool (*keep)(void *arg, const char *line), void *arg);

/* Messages that go in one delivery: of a mail all with the same event and addresses, else one. */
struct parcel {
	struct message **v;
	size_t n;
};
/* The next one that is due, not done, and to no destination in `busy` (message_destination); false: none. */
bool messages_next(struct parcel *out, const struct messages *m, const struct strv *busy, int64_t now);
char *message_destination(const struct message *m);     /* "webhook https://..."; the caller frees */

/* Without those that are done. */
struct json *messages_encode(const struct messages *m);
void messages_decode(struct messages *m, const struct json *o);

#endif
