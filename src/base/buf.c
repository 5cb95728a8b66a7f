/* buf.c - growing text and string lists.
 * Touches: nothing but memory.
 */
#include "base/buf.h"

#include "base/mem.h"

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .cap = max < 64 ? max : 64, .max = max };
	b->s = mem_alloc(b->cap + 1);
}

void buf_free(struct buf *b)
{
	free(b->s);
	*b = (struct buf){ 0 };
}

void buf_wipe(struct buf *b)
{
	mem_wipe(b->s, b->cap);
	buf_free(b);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->over = false;
	b->s[0] = '\0';
}

/* Grows by copying, not by realloc, so that no old copy of a secret stays behind unwiped. */
static void grow(struct buf *b, size_t want)
{
	size_t cap = b->cap;
	char *s;

	if (want <= cap)
		return;
	while (cap < want)
		cap = cap >= b->max / 2 ? b->max : cap * 2 + 1;
	s = mem_alloc(cap + 1);
	memcpy(s, b->s, b->len + 1);
	mem_wipe(b->s, b->cap);
	free(b->s);
	b->s = s;
	b->cap = cap;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (len > b->max - b->len) {
		len = b->max - b->len;
		b->over = true;
	}
	if (len == 0)
		return;
	grow(b, b->len + len);
	memcpy(b->s + b->len, bytes, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_bug("a format that cannot be printed");
	buf_add(b, s, (size_t)n);
	mem_wipe(s, (size_t)n);
	free(s);
}

char *buf_steal(struct buf *b)
{
	char *s = b->s;

	buf_init(b, b->max);
	return s;
}

void strv_take(struct strv *l, char *s)
{
	if ((l->n & (l->n - 1)) == 0)           /* full at every power of two */
		l->v = mem_resize(l->v, l->n ? l->n * 2 : 1, sizeof(*l->v));
	l->v[l->n++] = s;
}

void strv_add(struct strv *l, const char *s)
{
	strv_take(l, mem_copy_str(s));
}

void strv_free(struct strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strv){ 0 };
}

void strv_copy(struct strv *to, const struct strv *from)
{
	strv_free(to);
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *l)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
}

bool strv_has(const struct strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

char *strv_join(const struct strv *l, const char *between)
{
	size_t len = 1;
	char *text, *end;

	for (size_t i = 0; i < l->n; i++)
		len += strlen(l->v[i]) + strlen(between);
	text = end = mem_alloc(len);
	for (size_t i = 0; i < l->n; i++)
		end = stpcpy(stpcpy(end, i ? between : ""), l->v[i]);
	return text;
}

static size_t count(const struct strv *l, const char *s)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += strcmp(l->v[i], s) == 0;
	return n;
}

bool strv_same(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (count(a, a->v[i]) != count(b, a->v[i]))
			return false;
	return true;
}
