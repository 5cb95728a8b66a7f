/* message.c - the queue of messages, and the conditions of lines.
 * Touches: nothing but memory.
 */
#include "run/message.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/retry.h"

#define REPEAT_AFTER_FOR DAY

static const char *const channel_names[] = {
	[CHANNEL_MAIL] = "mail",
	[CHANNEL_HOOK] = "hook",
	[CHANNEL_WEBHOOK] = "webhook",
	[CHANNEL_SYSLOG] = "syslog",
};
_Static_assert(ARRAY_LEN(channel_names) == CHANNELS_N, "a name for each channel");

const char *channel_name(enum channel c)
{
	return channel_names[c];
}

static void message_free(struct message *m)
{
	free(m->line);
	free(m->text);
	free(m->to);
	free(m->id);
	free(m->error);
}

static void condition_free(struct condition *c)
{
	free(c->line);
	free(c->key);
	free(c->text);
}

void messages_free(struct messages *m)
{
	for (size_t i = 0; i < m->n; i++)
		message_free(&m->v[i]);
	for (size_t i = 0; i < m->conditions_n; i++)
		condition_free(&m->conditions[i]);
	free(m->v);
	free(m->conditions);
	*m = (struct messages){ 0 };
}

static char *cut(const char *text)
{
	size_t len = text_fit(text, MESSAGE_TEXT_MAX);

	return mem_format("%.*s%s", (int)len, text, text[len] ? "..." : "");
}

static bool is_queued(const struct messages *m, const struct message *what)
{
	for (size_t i = 0; i < m->n && what->id && *what->id; i++)
		if (m->v[i].channel == what->channel && strcmp(m->v[i].id, what->id) == 0 &&
		    strcmp(m->v[i].line, what->line) == 0 && strcmp(m->v[i].to, what->to) == 0)
			return true;
	return false;
}

void messages_add(struct messages *m, const struct message *what)
{
	if (is_queued(m, what))
		return;
	if ((m->n & (m->n - 1)) == 0)
		m->v = mem_resize(m->v, m->n ? m->n * 2 : 1, sizeof(*m->v));
	m->v[m->n] = *what;
	m->v[m->n].line = mem_copy_str(what->line);
	m->v[m->n].text = cut(what->text);
	m->v[m->n].to = mem_copy_str(what->to ? what->to : "");
	m->v[m->n].id = mem_copy_str(what->id ? what->id : "");
	m->v[m->n].error = mem_copy_str(what->error);
	m->n++;
}

size_t messages_tidy(struct messages *m, struct strv *lost, int64_t now)
{
	size_t kept = 0, dropped;

	for (size_t i = 0; i < m->n; i++) {
		struct message *q = &m->v[i];
		bool old = !q->done && now - q->queued_at >= MESSAGE_LIFE_FOR;

		if (old)
			strv_take(lost, mem_format("%s: nobody was told of \"%s\" by %s, which failed for a week: %s",
						   q->line, event_name(q->event), channel_name(q->channel),
						   q->error ? q->error : "it was never tried"));
		if (old || q->done)
			message_free(q);
		else
			m->v[kept++] = *q;
	}
	dropped = kept > MESSAGES_MAX ? kept - MESSAGES_MAX : 0;
	for (size_t i = 0; i < dropped; i++)
		message_free(&m->v[i]);
	m->n = kept - dropped;
	if (dropped)
		memmove(m->v, m->v + dropped, m->n * sizeof(*m->v));
	return dropped;
}

void message_failed(struct message *m, const char *error, int64_t now, uint16_t draw)
{
	if (m->failures < INT32_MAX)
		m->failures++;
	m->next_at = when_add(now, retry_delay(m->failures, draw));
	free(m->error);
	m->error = mem_copy_str(error);
}

/* Conditions ------------------------------------------------------------------------------------- */

void alarms_add(struct alarms *a, enum event event, const char *key, char *text)
{
	if ((a->n & (a->n - 1)) == 0)
		a->v = mem_resize(a->v, a->n ? a->n * 2 : 1, sizeof(*a->v));
	a->v[a->n++] = (struct alarm){ event, mem_copy_str(key), text };
}

void alarms_free(struct alarms *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].key);
		free(a->v[i].text);
	}
	free(a->v);
	*a = (struct alarms){ 0 };
}

static struct condition *find(const struct messages *m, const char *line, enum event event, const char *key)
{
	for (size_t i = 0; i < m->conditions_n; i++) {
		struct condition *c = &m->conditions[i];

		if (c->event == event && strcmp(c->line, line) == 0 && strcmp(c->key, key) == 0)
			return c;
	}
	return NULL;
}

static struct condition *add(struct messages *m, const char *line, enum event event, const char *key,
			     const char *text)
{
	struct condition *c;

	if ((m->conditions_n & (m->conditions_n - 1)) == 0)
		m->conditions = mem_resize(m->conditions, m->conditions_n ? m->conditions_n * 2 : 1,
					   sizeof(*m->conditions));
	c = &m->conditions[m->conditions_n++];
	*c = (struct condition){ .line = mem_copy_str(line), .key = mem_copy_str(key),
				  .text = mem_copy_str(text), .event = event };
	return c;
}

static bool is_wrong(const struct alarms *a, const struct condition *c)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].event == c->event && strcmp(a->v[i].key, c->key) == 0)
			return true;
	return false;
}

/* What ends by itself, or is told in another way when it does. */
static bool is_failure(enum event v)
{
	return v != EVENT_ARI && v != EVENT_EXPIRY && v != EVENT_OVERDUE;
}

static void note_end(struct strv *ended, const struct condition *c)
{
	char since[WHEN_TEXT_LEN];

	if (!c->told_at || !is_failure(c->event))
		return;
	when_format_minute(since, c->since_at);
	strv_take(ended, mem_format("over: %s (since %s UTC)", c->text, since));
}

static bool any_failure(const struct messages *m, const char *line)
{
	for (size_t i = 0; i < m->conditions_n; i++)
		if (strcmp(m->conditions[i].line, line) == 0 && is_failure(m->conditions[i].event))
			return true;
	return false;
}

/* An instant that has not come yet is of a clock that was wrong. */
static bool is_past(int64_t at, int64_t for_, int64_t now)
{
	return at > now || now - at >= for_;
}

static bool must_tell(const struct messages *m, const struct condition *c, unsigned events,
		      int64_t overdue_for, int64_t now)
{
	const struct condition *overdue = find(m, c->line, EVENT_OVERDUE, c->key);

	if (!c->told_at)
		return c->event != EVENT_OVERDUE || is_past(c->since_at, overdue_for, now);
	if (c->event == EVENT_ARI || !is_past(c->told_at, REPEAT_AFTER_FOR, now))
		return false;
	return c->event != EVENT_FAILING || !overdue || !(events & 1U << EVENT_OVERDUE) ||
	       !is_past(overdue->since_at, overdue_for, now);
}

static void tell_condition(const struct condition *c, const char *text,
			   void (*tell)(void *arg, enum event event, const char *text), void *arg)
{
	char since[WHEN_TEXT_LEN], *whole = NULL;

	if (c->event == EVENT_OVERDUE) {
		when_format_minute(since, c->since_at);
		whole = mem_format("%s (since %s UTC)", text, since);
	}
	tell(arg, c->event, whole ? whole : text);
	free(whole);
}

void conditions_fit(struct messages *m, const char *line, const struct alarms *now_wrong, unsigned events,
		    int64_t overdue_for, int64_t now,
		    void (*tell)(void *arg, enum event event, const char *text), void *arg)
{
	struct strv ended = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < m->conditions_n; i++) {
		struct condition *c = &m->conditions[i];

		if (strcmp(c->line, line) != 0 || is_wrong(now_wrong, c)) {
			m->conditions[kept++] = *c;
			continue;
		}
		note_end(&ended, c);
		condition_free(c);
	}
	m->conditions_n = kept;
	for (size_t i = 0; i < now_wrong->n; i++) {
		const struct alarm *a = &now_wrong->v[i];

		if (!find(m, line, a->event, a->key))
			add(m, line, a->event, a->key, a->text)->since_at = now;
	}
	if (ended.n && !any_failure(m, line) && events & 1U << EVENT_RECOVERED) {
		char *text = strv_join(&ended, "\n");

		tell(arg, EVENT_RECOVERED, text);
		free(text);
	}
	strv_free(&ended);
	for (size_t i = 0; i < now_wrong->n; i++) {
		const struct alarm *a = &now_wrong->v[i];
		struct condition *c = find(m, line, a->event, a->key);

		if (!c || !must_tell(m, c, events, overdue_for, now))
			continue;
		c->told_at = now;
		if (events & 1U << a->event)
			tell_condition(c, a->text, tell, arg);
	}
}

void conditions_keep(struct messages *m, bool (*keep)(void *arg, const char *line), void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->conditions_n; i++) {
		if (keep(arg, m->conditions[i].line))
			m->conditions[kept++] = m->conditions[i];
		else
			condition_free(&m->conditions[i]);
	}
	m->conditions_n = kept;
}

/* Parcels ---------------------------------------------------------------------------------------- */

char *message_destination(const struct message *m)
{
	return mem_format("%s %s", channel_name(m->channel), m->to);
}

static bool is_due(const struct message *m, int64_t now)
{
	/* nothing is put off for longer than a day: the clock was wrong then */
	return !m->done && (m->next_at <= now || m->next_at - now > DAY);
}

static bool together(const struct message *a, const struct message *b)
{
	return a == b || (a->channel == CHANNEL_MAIL && b->channel == CHANNEL_MAIL && a->event == b->event &&
			  strcmp(a->to, b->to) == 0);
}

bool messages_next(struct parcel *out, const struct messages *m, const struct strv *busy, int64_t now)
{
	*out = (struct parcel){ 0 };
	for (size_t i = 0; i < m->n; i++) {
		struct message *first = &m->v[i];
		char *destination;
		bool is_busy;

		if (!is_due(first, now))
			continue;
		destination = message_destination(first);
		is_busy = strv_has(busy, destination);
		free(destination);
		if (is_busy)
			continue;
		out->v = mem_array(m->n - i, sizeof(struct message *));
		for (size_t k = i; k < m->n; k++)
			if (is_due(&m->v[k], now) && together(first, &m->v[k]))
				out->v[out->n++] = &m->v[k];
		return true;
	}
	return false;
}

/* notify.json ------------------------------------------------------------------------------------ */

struct json *messages_encode(const struct messages *m)
{
	struct json *o = json_object(), *list;

	json_put_int(o, "version", 1);
	list = json_put(o, "conditions", json_array());
	for (size_t i = 0; i < m->conditions_n; i++) {
		const struct condition *c = &m->conditions[i];
		struct json *j = json_put(list, NULL, json_object());

		json_put_str(j, "line", c->line);
		json_put_str(j, "event", event_name(c->event));
		json_put_str(j, "key", c->key);
		json_put_str(j, "text", c->text);
		json_put_int(j, "since_at", c->since_at);
		json_put_int(j, "told_at", c->told_at);
	}
	list = json_put(o, "queue", json_array());
	for (size_t i = 0; i < m->n; i++) {
		const struct message *q = &m->v[i];
		struct json *j;

		if (q->done)
			continue;
		j = json_put(list, NULL, json_object());
		json_put_str(j, "line", q->line);
		json_put_str(j, "event", event_name(q->event));
		json_put_int(j, "at", q->at);
		json_put_str(j, "text", q->text);
		json_put_str(j, "channel", channel_name(q->channel));
		json_put_str(j, "to", q->to);
		json_put_str(j, "id", q->id);
		json_put_int(j, "queued_at", q->queued_at);
		json_put_int(j, "failures", q->failures);
		json_put_int(j, "next_at", q->next_at);
		if (q->error)
			json_put_str(j, "error", q->error);
	}
	return o;
}

static bool get_channel(enum channel *out, const char *name)
{
	for (int i = 0; i < CHANNELS_N; i++) {
		if (strcmp(channel_names[i], name) != 0)
			continue;
		*out = (enum channel)i;
		return true;
	}
	return false;
}

void messages_decode(struct messages *m, const struct json *o)
{
	const struct json *list = json_get(o, "conditions");
	enum event event;

	*m = (struct messages){ 0 };
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *j = json_at(list, i);
		struct condition *c;

		if (!event_parse(json_str(j, "event", ""), &event))
			continue;
		c = add(m, json_str(j, "line", ""), event, json_str(j, "key", ""), json_str(j, "text", ""));
		c->since_at = json_int(j, "since_at", 0);
		c->told_at = json_int(j, "told_at", 0);
	}
	list = json_get(o, "queue");
	for (size_t i = 0; i < json_len(list); i++) {
		const struct json *j = json_at(list, i);
		int64_t failures = json_int(j, "failures", 0);
		enum channel channel;

		if (!event_parse(json_str(j, "event", ""), &event) ||
		    !get_channel(&channel, json_str(j, "channel", "")))
			continue;
		messages_add(m, &(struct message){
			.line = (char *)json_str(j, "line", ""),
			.event = event,
			.at = json_int(j, "at", 0),
			.text = (char *)json_str(j, "text", ""),
			.channel = channel,
			.to = (char *)json_str(j, "to", ""),
			.id = (char *)json_str(j, "id", ""),
			.queued_at = json_int(j, "queued_at", 0),
			.failures = failures < 0 || failures > INT32_MAX ? 0 : (int)failures,
			.next_at = json_int(j, "next_at", 0),
			.error = (char *)json_str(j, "error", NULL),
		});
	}
}
