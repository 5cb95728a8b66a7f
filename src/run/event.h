/* event.h - what people and machines are told of (certline.conf(5), [notify]): names, urgency, journal
 * ids. */
#ifndef RUN_EVENT_H
#define RUN_EVENT_H

#include <stdbool.h>

enum event {
	EVENT_STAGED,
	EVENT_PROMOTED,
	EVENT_RETIRED,
	EVENT_RENEWED,
	EVENT_FAILING,
	EVENT_RECOVERED,
	EVENT_OVERDUE,
	EVENT_EXPIRY,
	EVENT_ARI,
	EVENT_UNCOVERED,
	EVENT_DNSSEC_LOST,
	EVENT_ENDPOINT,
	EVENTS_N,
};

const char *event_name(enum event v);           /* "dnssec-lost" */
bool event_parse(const char *name, enum event *out);
/* One sentence about all such events, for the subject of a mail: "a new key is live". */
const char *event_title(enum event v);
/* As in syslog(3): 2 critical, 3 error, 4 warning, 5 notice, 6 informational. */
int event_priority(enum event v);
/* MESSAGE_ID of sd-journal(3), 32 hex digits, the same for ever. */
const char *event_id(enum event v);

#endif
