/* suggestion.c - windows and when to ask for them.
 * Touches: nothing.
 */
#include "core/suggestion.h"

#include "base/mem.h"
#include "base/when.h"

#define ASK_MIN_FOR     MINUTE          /* section 4.3.2: a client sets itself limits */
#define ASK_MAX_FOR     DAY
#define ASK_USUAL_FOR   (6 * HOUR)
#define FAILED_FIRST_FOR (10 * MINUTE)
#define FAILED_MAX_FOR  (6 * HOUR)

void suggestion_free(struct suggestion *s)
{
	free(s->id);
	free(s->explanation);
	*s = (struct suggestion){ 0 };
}

static int64_t clamp(int64_t d_for)
{
	return d_for < ASK_MIN_FOR ? ASK_MIN_FOR : d_for > ASK_MAX_FOR ? ASK_MAX_FOR : d_for;
}

void suggestion_answer(struct suggestion *s, int64_t start_at, int64_t end_at, const char *explanation,
		       int64_t retry_after_for, int64_t now, uint16_t draw)
{
	char *copy;

	if (end_at <= start_at || start_at < 0 || end_at == WHEN_NEVER) {
		suggestion_failed(s, true, now);
		return;
	}
	/* 0 would be no instant at all */
	if (start_at == 0 && end_at > 1)
		start_at = 1;
	if (start_at != s->start_at || end_at != s->end_at) {
		s->start_at = start_at;
		s->end_at = end_at;
		s->at = start_at + (end_at - start_at) / 65536 * draw +
			(end_at - start_at) % 65536 * draw / 65536;
	}
	copy = mem_copy_str(explanation);
	free(s->explanation);
	s->explanation = copy;
	s->failures = 0;
	s->next_at = when_add(now, clamp(retry_after_for < 0 ? ASK_USUAL_FOR : retry_after_for));
}

void suggestion_failed(struct suggestion *s, bool lasting, int64_t now)
{
	int64_t d_for = FAILED_FIRST_FOR;

	for (int i = 0; i < s->failures && d_for < FAILED_MAX_FOR; i++)
		d_for *= 2;
	if (lasting || d_for > FAILED_MAX_FOR)
		d_for = FAILED_MAX_FOR;
	if (s->failures < INT32_MAX)
		s->failures++;
	s->next_at = when_add(now, d_for);
}
