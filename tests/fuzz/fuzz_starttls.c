/* fuzz_starttls.c - what a server says before TLS: the first byte chooses the protocol, the second how many bytes
 * come at a time (0: all).
 *
 * Limits hold, texts are printable, and the end is the same however the bytes arrive, but for what stands behind
 * a go-ahead and for words.
 * Touches: nothing.  Seeds: tests/data/starttls.
 */
#include "base/mem.h"
#include "tls/starttls.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (!holds)
		mem_bug(what);
}

static void check(const struct starttls_talk *t, enum starttls_next next, const struct buf *out)
{
	must(!out->over && out->len <= 1024, "too much to send");
	must(t->in.len <= (64 << 10) && !t->in.over, "too much kept");
	must((next >= STARTTLS_MISSING) == (t->why != NULL), "an end without words");
	must(next != STARTTLS_GO || t->in.len == 0, "clear text behind a go-ahead");
	if (!t->why)
		return;
	must(*t->why && strlen(t->why) < 300, "words of a wrong length");
	for (const char *p = t->why; *p; p++)
		must(*p >= ' ' && *p <= '~', "unclean words");
}

static enum starttls_next talk(enum starttls how, const char *s, size_t len, size_t step, struct buf *out)
{
	enum starttls_next next;
	struct starttls_talk t;

	starttls_begin(&t, how, "a&b.test", "me.test");
	next = starttls_step(&t, "", 0, out);
	while (next == STARTTLS_MORE && len) {
		size_t n = len < step ? len : step;
		char *copy = mem_alloc(n);

		memcpy(copy, s, n);
		next = starttls_step(&t, copy, n, out);
		free(copy);
		s += n;
		len -= n;
	}
	check(&t, next, out);
	starttls_end(&t);
	return next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum starttls_next whole, parts;
	struct buf a, b;

	if (size < 2)
		return 0;
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	whole = talk(data[0] % STARTTLS_N, (const char *)data + 2, size - 2, SIZE_MAX, &a);
	parts = talk(data[0] % STARTTLS_N, (const char *)data + 2, size - 2, data[1] ? data[1] : 1, &b);
	/* a server that is right goes on only when it was asked */
	if (whole == STARTTLS_GO)
		must(parts == STARTTLS_GO, "parts come to another end");
	if (whole == STARTTLS_MISSING)
		must(parts == STARTTLS_MISSING, "parts do not miss it");
	if (parts == STARTTLS_GO)
		must(whole == STARTTLS_GO || whole == STARTTLS_FAILED, "parts go ahead");
	must(b.len <= a.len || whole == STARTTLS_FAILED, "parts are asked more");
	buf_free(&a);
	buf_free(&b);
	return 0;
}
