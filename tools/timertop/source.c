// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tracing in an instance of our own: buffers, clock and events of whoever else
 * traces are not touched, and removing it ends everything that was turned on here.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>

#include "timertop.h"

#define PREFIX "timertop-"

struct source {
	struct tracefs_instance *instance;
	int fd;
};

static const struct {
	const char *system;
	const char *name;
	bool required;
	const char *filter;
} wanted[] = {
	{ "power", "cpu_idle", .required = true },
	{ "timer", "hrtimer_start", .required = true },
	{ "timer", "hrtimer_expire_entry", .required = true },
	/* Its name up to Linux 6.14, and then. */
	{ "timer", "hrtimer_init" },
	{ "timer", "hrtimer_setup" },
	{ "timer", "hrtimer_cancel" },
	{ "timer", "timer_start" },
	{ "timer", "timer_expire_entry" },
	{ "irq", "irq_handler_entry" },
	{ "irq_vectors", "local_timer_entry" },
	{ "irq_vectors", "reschedule_entry" },
	{ "irq_vectors", "call_function_entry" },
	{ "irq_vectors", "call_function_single_entry" },
	{ "irq_vectors", "irq_work_entry" },
	/* Only wakeups from hard and soft interrupts can come from a timer. */
	{ "sched", "sched_waking", .filter = "common_flags & 0x18" },
};

static void no_tracing(const char *what, const char *why)
{
	fprintf(stderr, "timertop: %s: %s\n", what, why);
}

static bool event_exists(const char *system, const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "events/%s/%s", system, name);
	return tracefs_dir_exists(NULL, path);
}

/**
 * source_check - can this process trace this kernel?
 *
 * Return: a source to start, or NULL after a message.
 */
struct source *source_check(void)
{
	struct source *src;
	const char *dir;
	char *instances;
	int denied;

	if (tracefs_tracing_dir_is_mounted(false, &dir) <= 0) {
		no_tracing("tracefs is not mounted",
			   "type: mount -t tracefs nodev /sys/kernel/tracing");
		return NULL;
	}
	instances = tracefs_get_tracing_file("instances");
	denied = !instances || access(instances, W_OK | X_OK);
	tracefs_put_tracing_file(instances);
	if (denied) {
		if (errno == EACCES)
			no_tracing("tracing is for root", "run this as root, or use --replay");
		else
			no_tracing("the kernel cannot trace", strerror(errno));
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (!wanted[i].required || event_exists(wanted[i].system, wanted[i].name))
			continue;
		fprintf(stderr, "timertop: the kernel has no event %s:%s\n", wanted[i].system,
			wanted[i].name);
		return NULL;
	}
	src = calloc(1, sizeof(*src));
	if (!src)
		no_tracing("cannot trace", strerror(ENOMEM));
	return src;
}

/*
 * One that was killed could not remove its instance, which would cost time until the next
 * boot. One that is in use cannot be removed: the kernel answers EBUSY.
 */
static int remove_if_stale(const char *name, void *arg)
{
	struct tracefs_instance *instance;
	int pid;

	(void)arg;
	if (sscanf(name, PREFIX "%d", &pid) != 1 || !kill(pid, 0) || errno != ESRCH)
		return 0;
	instance = tracefs_instance_create(name);
	if (instance) {
		tracefs_instance_destroy(instance);
		tracefs_instance_free(instance);
	}
	return 0;
}

static bool enable_events(struct tracefs_instance *instance)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		char path[80];

		if (!event_exists(wanted[i].system, wanted[i].name))
			continue;
		snprintf(path, sizeof(path), "events/%s/%s/filter", wanted[i].system,
			 wanted[i].name);
		/* Without the filter there are more events, but the figures are the same. */
		if (wanted[i].filter)
			tracefs_instance_file_write(instance, path, wanted[i].filter);
		if (tracefs_event_enable(instance, wanted[i].system, wanted[i].name) &&
		    wanted[i].required)
			return false;
	}
	return true;
}

/**
 * source_start - begin to trace
 * @src: from source_check()
 * @buffer_kb: size of the buffer of each CPU
 *
 * Return: a descriptor from which trace text can be read without blocking, -1 after a message.
 */
int source_start(struct source *src, unsigned int buffer_kb)
{
	const char *failed = "create a trace instance";
	char name[40];

	tracefs_instances_walk(remove_if_stale, NULL);
	snprintf(name, sizeof(name), PREFIX "%d", getpid());
	src->fd = -1;
	src->instance = tracefs_instance_create(name);
	if (!src->instance)
		goto fail;
	failed = "set the size of the trace buffers";
	/* Enabling an event interrupts all CPUs: nothing of that is to be seen. */
	tracefs_trace_off(src->instance);
	if (tracefs_instance_set_buffer_size(src->instance, buffer_kb, -1))
		goto fail;
	failed = "set the trace clock";
	if (tracefs_instance_file_write(src->instance, "trace_clock", "mono") < 0)
		goto fail;
	failed = "open trace_pipe";
	src->fd = tracefs_instance_file_open(src->instance, "trace_pipe",
					     O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (src->fd < 0)
		goto fail;
	failed = "enable the trace events";
	if (!enable_events(src->instance) || tracefs_trace_on(src->instance))
		goto fail;
	return src->fd;

fail:
	fprintf(stderr, "timertop: cannot %s: %s\n", failed, strerror(errno));
	return -1;
}

/* What was traced can still be read. */
void source_pause(struct source *src)
{
	tracefs_trace_off(src->instance);
}

void source_stop(struct source *src)
{
	if (!src)
		return;
	if (src->instance) {
		if (src->fd >= 0)
			close(src->fd);
		if (tracefs_instance_destroy(src->instance))
			fprintf(stderr, "timertop: cannot remove the trace instance %s: %s\n",
				tracefs_instance_get_name(src->instance), strerror(errno));
		tracefs_instance_free(src->instance);
	}
	free(src);
}
