// SPDX-License-Identifier: GPL-2.0
/*
 * Print the load average every now and then, without ever waking a CPU for it.
 *
 * Usage: example [SAMPLES [PERIOD_MS [BOUND_MS]]]
 * By default 5 samples, one a second. A sample waits for an idle CPU for BOUND_MS
 * at most, by default ten seconds; 0 is no bound.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <linux/deferrable_timers.h>

static void fail(const char *what)
{
	fprintf(stderr, "example: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long parse(const char *text, long min)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < min || n > 1000000000) {
		fprintf(stderr, "example: '%s' is not from %ld to 1000000000\n", text, min);
		exit(1);
	}
	return n;
}

static void start(int fd, long period_ms, long bound_ms)
{
	const struct timespec period = {
		.tv_sec = period_ms / 1000,
		.tv_nsec = period_ms % 1000 * 1000000,
	};
	const struct itimerspec setting = { .it_value = period, .it_interval = period };
	__u64 bound_ns = bound_ms * 1000000ULL;

	if (!timerfd_settime(fd, TFD_TIMER_IS_DEFERRABLE, &setting, NULL)) {
		if (ioctl(fd, TFD_IOC_SET_DEFER_MAX, &bound_ns))
			fail("ioctl");
		return;
	}
	/* A kernel without deferrable timers does not know the flag. */
	if (errno != EINVAL)
		fail("timerfd_settime");
	fprintf(stderr, "example: no deferrable timers here, using an ordinary one\n");
	if (timerfd_settime(fd, 0, &setting, NULL))
		fail("timerfd_settime");
}

int main(int argc, char **argv)
{
	long samples = argc > 1 ? parse(argv[1], 1) : 5;
	long period_ms = argc > 2 ? parse(argv[2], 1) : 1000;
	long bound_ms = argc > 3 ? parse(argv[3], 0) : 10000;
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	uint64_t periods;
	double load;

	if (fd < 0)
		fail("timerfd_create");
	start(fd, period_ms, bound_ms);
	while (samples--) {
		/* More than one period has passed if this CPU slept for so long. */
		if (read(fd, &periods, sizeof(periods)) != sizeof(periods))
			fail("read");
		if (getloadavg(&load, 1) != 1)
			fail("getloadavg");
		printf("load %.2f after %llu periods\n", load, (unsigned long long)periods);
		fflush(stdout);
	}
	close(fd);
	return 0;
}
