/* event.c - the table of events.
 * Touches: nothing.
 */
#include "run/event.h"

#include "base/mem.h"


/* clang-format off */
static const struct {
	const char *name, *title;
	int         priority;
	const char *id;
} events[] = {
	[EVENT_STAGED] = { "staged", "a new key is staged", 6,
		"2d1c0852966f43f692801577ea1c5e14" },
	[EVENT_PROMOTED] = { "promoted", "a new key is live", 5,
		"1d557560ad0243b3857085208ab02705" },
	[EVENT_RETIRED] = { "retired", "an old key is retired", 6,
		"b65ee09d4e6d4c5d9e9099b5950615f9" },
	[EVENT_RENEWED] = { "renewed", "a certificate was renewed", 6,
		"94475ece766a45d0951c1e571ceb7989" },
	[EVENT_FAILING] = { "failing", "something fails", 3,
		"0da8c7c7e07e476d820d3696d6a9db41" },
	[EVENT_RECOVERED] = { "recovered", "all is well again", 5,
		"ee97104be4d54be78c39703b58caeb8e" },
	[EVENT_OVERDUE] = { "overdue", "something is owed for long", 3,
		"e568cde0f8d04f0ea212ce4c6ed760b5" },
	[EVENT_EXPIRY] = { "expiry", "a certificate ends soon", 2,
		"019f0b3071314a3f813c27d1037543c5" },
	[EVENT_ARI] = { "ari", "the CA explains why to renew", 5,
		"7272424be73147d5b04bc7842be2cdd0" },
	[EVENT_UNCOVERED] = { "uncovered", "TLSA records do not fit the live key", 2,
		"2d788498bfe14b5bbcd714497dab5477" },
	[EVENT_DNSSEC_LOST] = { "dnssec-lost", "a zone is not secure any more", 2,
		"73c6bc62fe914264987307b04f09a010" },
	[EVENT_ENDPOINT] = { "endpoint", "a server does not present what it should", 3,
		"44c0347ae61f43cd80e915a697ecfced" },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(events) == EVENTS_N, "a row for each event");

const char *event_name(enum event v)
{
	return events[v].name;
}

bool event_parse(const char *name, enum event *out)
{
	for (int i = 0; i < EVENTS_N; i++) {
		if (strcmp(events[i].name, name) != 0)
			continue;
		*out = (enum event)i;
		return true;
	}
	return false;
}

const char *event_title(enum event v)
{
	return events[v].title;
}

int event_priority(enum event v)
{
	return events[v].priority;
}

const char *event_id(enum event v)
{
	return events[v].id;
}
