/* clock.c - the one clock: wall time, time since boot, and the seam that replaces both.
 * Touches: /proc/sys/kernel/random/boot_id (read).
 */
#include "sys/clock.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>

static bool pretending;
static int64_t pretended_at;

static struct timespec read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) < 0)
		mem_bug("the system has no such clock");
	return t;
}

int64_t clock_real(void)
{
	return (int64_t)read_clock(CLOCK_REALTIME).tv_sec;
}

int64_t clock_now(void)
{
	return pretending ? pretended_at : clock_real();
}

static void read_boot_id(char out[CLOCK_BOOT_ID_LEN])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	do {
		n = fd < 0 ? -1 : read(fd, out, CLOCK_BOOT_ID_LEN - 1);
	} while (n < 0 && fd >= 0 && errno == EINTR);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, " \r\n")] = '\0';
	if (!out[0]) {
		struct timespec t = read_clock(CLOCK_REALTIME);

		snprintf(out, CLOCK_BOOT_ID_LEN, "unknown-%lld%09ld", (long long)t.tv_sec,
			 t.tv_nsec);
	}
}

void clock_read(struct clock_reading *r)
{
	*r = (struct clock_reading){ .real_at = clock_now() };
	if (pretending) {
		r->boot_for = pretended_at;
		snprintf(r->boot_id, sizeof(r->boot_id), "rehearsal");
		return;
	}
	r->boot_for = (int64_t)read_clock(CLOCK_BOOTTIME).tv_sec;
	read_boot_id(r->boot_id);
}

void clock_pretend(int64_t at)
{
	pretending = true;
	pretended_at = at;
}

bool clock_pretended(int64_t *at)
{
	if (pretending && at)
		*at = pretended_at;
	return pretending;
}

int64_t clock_monotonic_ms(void)
{
	struct timespec t = read_clock(CLOCK_MONOTONIC);

	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_pause_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}
