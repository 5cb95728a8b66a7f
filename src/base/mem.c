/* mem.c - allocation that ends the program when it fails.
 * Touches: nothing but memory and, when dying, stderr.
 */
#include "base/mem.h"

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "certline: out of memory; nothing half-done is left on disk\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(70);
	_exit(70);
}

void *mem_alloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_array(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_resize(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *mem_copy_str(const char *s)
{
	return s ? mem_copy_strn(s, strlen(s)) : NULL;
}

char *mem_copy_strn(const char *s, size_t len)
{
	char *copy = mem_alloc(len + 1);

	memcpy(copy, s, len);
	return copy;
}

char *mem_format(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = mem_vformat(fmt, ap);
	va_end(ap);
	return s;
}

char *mem_vformat(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	return s;
}

void mem_wipe(void *p, size_t len)
{
	if (p)
		explicit_bzero(p, len);
}

void mem_bug(const char *what)
{
	fprintf(stderr, "certline: internal error: %s; please report it\n", what);
	abort();
}
