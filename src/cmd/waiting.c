/* waiting.c - what is being waited for, on a terminal: one row of standard error that moves, and is gone
 * before anything else is printed.
 * Touches: stderr.
 */
#include "cmd/cmd.h"

#include "sys/progress.h"

#include <sys/ioctl.h>

#define COLUMNS_USUAL 80
#define ERASE "\r\033[K"

static bool on;

static size_t columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : COLUMNS_USUAL;
}

void hide_wait(void)
{
	/* in a worker nobody knows what its parent has drawn */
	if (on)
		fputs(ERASE, stderr);
}

static void draw(const char *text, int64_t for_ms)
{
	char end[40];
	size_t room = columns() - 1;
	int end_len;

	hide_wait();
	if (!text)
		return;
	fflush(stdout);
	end_len = snprintf(end, sizeof(end), " %lld s %c", (long long)(for_ms / 1000),
			   "-\\|/"[for_ms / 200 % 4]);
	room = room > (size_t)end_len ? room - (size_t)end_len : 0;
	fprintf(stderr, "%.*s%s", (int)room, text, end);
}

void show_waits(const struct args *a)
{
	const char *term = getenv("TERM");

	on = !a->quiet && !a->json && isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
	progress_to(on ? draw : NULL);
}
