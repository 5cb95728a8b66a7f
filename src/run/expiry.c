/* expiry.c - words about the end of a certificate.
 * Touches: nothing but memory.
 */
#include "run/expiry.h"

#include "base/mem.h"
#include "base/when.h"

static bool near(const struct time_left *t, int64_t left_for, int64_t life_for)
{
	return left_for < (t->before_for > 0 ? t->before_for : life_for / t->den * t->num);
}

const char *expiry_name(enum expiry x)
{
	static const char *const names[] = {
		[EXPIRY_FAR] = "far",
		[EXPIRY_EARLY] = "early",
		[EXPIRY_NEAR] = "near",
		[EXPIRY_URGENT] = "urgent",
		[EXPIRY_OVER] = "over",
	};
	_Static_assert(ARRAY_LEN(names) == EXPIRY_OVER + 1, "a name for each level");

	return names[x];
}

enum expiry expiry_level(const struct line *l, const struct facts *f, int64_t now)
{
	int64_t left_for = f->live.cert_until_at - now, life_for = f->live.cert_until_at - f->live.cert_from_at;

	if (!f->live.present)
		return EXPIRY_FAR;
	if (f->live.cert_from_at > now + HOUR)
		return EXPIRY_EARLY;
	if (left_for <= 0)
		return EXPIRY_OVER;
	if (near(&l->cfg->urgent_before, left_for, life_for))
		return EXPIRY_URGENT;
	return l->ledger.retry[DO_RENEW].failures && near(&l->cfg->warn_before, left_for, life_for) ? EXPIRY_NEAR
												    : EXPIRY_FAR;
}

char *expiry_text(const struct line *l, const struct facts *f, int64_t now)
{
	const struct retry *r = &l->ledger.retry[DO_RENEW];
	int64_t left_for = f->live.cert_until_at - now;
	char rough[WHEN_TEXT_LEN], at[WHEN_TEXT_LEN], *failed, *text = NULL;

	when_format_rough(rough, left_for > 0 ? left_for : -left_for);
	when_format_minute(at, f->live.cert_until_at);
	failed = r->failures ? mem_format("; renewing it failed %d time%s: %s", r->failures,
					  r->failures == 1 ? "" : "s", r->error ? r->error : "?")
			     : mem_copy_str("");
	switch (expiry_level(l, f, now)) {
	case EXPIRY_FAR:
		break;
	case EXPIRY_EARLY:
		when_format_minute(at, f->live.cert_from_at);
		text = mem_format("the live certificate is not valid before %s UTC: was the clock wrong when it was "
				  "made?", at);
		break;
	case EXPIRY_NEAR:
		text = mem_format("the live certificate ends in %s, at %s UTC%s", rough, at, failed);
		break;
	case EXPIRY_URGENT:
		text = mem_format("URGENT: the live certificate ends in %s, at %s UTC%s", rough, at, failed);
		break;
	case EXPIRY_OVER:
		text = mem_format("EXPIRED: the live certificate ended %s ago, at %s UTC%s", rough, at, failed);
		break;
	}
	free(failed);
	return text;
}

static char *names_alarm(const struct line *l)
{
	char *names, *s;

	if (!l->live.left_out.n)
		return NULL;
	names = strv_join(&l->live.left_out, ", ");
	s = mem_format("the live certificate is not for %s, since the CA has not authorized that ([acme] "
		       "allow-subset)", names);
	free(names);
	return s;
}

void expiry_alarms(struct strv *out, const struct line *l, const struct facts *f, int64_t now)
{
	char *texts[] = { expiry_text(l, f, now), names_alarm(l) };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i])
			strv_take(out, texts[i]);
}
