// SPDX-License-Identifier: GPL-2.0
/*
 * From a line of /sys/kernel/tracing/trace or trace_pipe to a struct event:
 *
 *            <idle>-0       [001] d.h2.   123.456789: hrtimer_cancel: hrtimer=00000000c0ffee00
 *   task's name-pid         [CPU] flags   seconds     event           fields
 *
 * Anything may be missing or cut: such a line is EVENT_MALFORMED, never guessed at.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define HRTIMER_MODE_REL 0x01
#define HRTIMER_MODE_DEFERRABLE 0x10

static void copy(char *to, size_t size, const char *from, size_t len)
{
	if (len > size - 1)
		len = size - 1;
	memset(to, 0, size);
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
}

static bool number(const char **text, __u64 *value, int base)
{
	const char *p = *text;
	char *end;

	/* strtoull() would accept blanks and a sign. */
	if (base == 16 ? !isxdigit((unsigned char)*p) : !isdigit((unsigned char)*p))
		return false;
	errno = 0;
	*value = strtoull(p, &end, base);
	*text = end;
	return !errno;
}

static const char *skip_blanks(const char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* What follows "key=" at the start of a word; NULL if there is none. */
static const char *field(const char *fields, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = fields; (p = strstr(p, key)); p += len)
		if ((p == fields || p[-1] == ' ') && p[len] == '=')
			return p + len + 1;
	return NULL;
}

static bool number_field(const char *fields, const char *key, __u64 *value, int base)
{
	const char *p = field(fields, key);

	/* A word that goes on after the digits is not a number. */
	return p && number(&p, value, base) && (!*p || *p == ' ');
}

static bool name_field(const char *fields, const char *key, struct event *e)
{
	const char *p = field(fields, key);

	if (!p || !*p || *p == ' ')
		return false;
	copy(e->name, sizeof(e->name), p, strcspn(p, " "));
	return true;
}

/* "ABS|DEFERRABLE", or a number where the kernel has no name for the combination. */
static bool mode_field(const char *fields, struct event *e)
{
	const char *p = field(fields, "mode");
	__u64 bits = 0;
	size_t len;

	if (!p || !*p || *p == ' ')
		return false;
	len = strcspn(p, " ");
	if (number(&p, &bits, 16) && (!*p || *p == ' ')) {
		e->relative = bits & HRTIMER_MODE_REL;
		e->deferrable = bits & HRTIMER_MODE_DEFERRABLE;
		return true;
	}
	p = field(fields, "mode");
	e->relative = !strncmp(p, "REL", 3);
	e->deferrable = memmem(p, len, "DEFERRABLE", strlen("DEFERRABLE"));
	return e->relative || !strncmp(p, "ABS", 3);
}

static bool hrtimer_init(const char *fields, struct event *e)
{
	return number_field(fields, "hrtimer", &e->timer, 16) && mode_field(fields, e);
}

static bool hrtimer_start(const char *fields, struct event *e)
{
	__u64 hard, soft;

	if (!number_field(fields, "hrtimer", &e->timer, 16) ||
	    !name_field(fields, "function", e) || !number_field(fields, "expires", &hard, 10) ||
	    !number_field(fields, "softexpires", &soft, 10) || !mode_field(fields, e))
		return false;
	e->slack = hard > soft ? hard - soft : 0;
	return true;
}

static bool hrtimer_cancel(const char *fields, struct event *e)
{
	return number_field(fields, "hrtimer", &e->timer, 16);
}

static bool hrtimer_expire(const char *fields, struct event *e)
{
	__u64 now;

	return number_field(fields, "hrtimer", &e->timer, 16) &&
	       name_field(fields, "function", e) && number_field(fields, "now", &now, 10);
}

static bool timer_start(const char *fields, struct event *e)
{
	const char *flags = field(fields, "flags");

	if (!flags || !number_field(fields, "timer", &e->timer, 16) ||
	    !name_field(fields, "function", e))
		return false;
	for (; *flags && *flags != ' '; flags++)
		e->deferrable |= *flags == 'D';
	return true;
}

static bool timer_expire(const char *fields, struct event *e)
{
	__u64 now;

	return number_field(fields, "timer", &e->timer, 16) && name_field(fields, "function", e) &&
	       number_field(fields, "now", &now, 10);
}

static bool cpu_idle(const char *fields, struct event *e)
{
	__u64 state, cpu;

	if (!number_field(fields, "state", &state, 10) ||
	    !number_field(fields, "cpu_id", &cpu, 10))
		return false;
	e->idle = (__u32)state != 0xffffffff;
	return true;
}

static bool waking(const char *fields, struct event *e)
{
	const char *end = NULL;
	__u64 pid;

	if (strncmp(fields, "comm=", 5))
		return false;
	/* The name is the only field that can hold blanks, and " pid=". */
	for (const char *p = fields; (p = strstr(p, " pid=")); p++)
		end = p;
	if (!end || !number_field(end + 1, "pid", &pid, 10) || pid > INT32_MAX)
		return false;
	copy(e->other_comm, sizeof(e->other_comm), fields + 5, end - fields - 5);
	e->other_pid = pid;
	return true;
}

static bool device_interrupt(const char *fields, struct event *e)
{
	const char *name = field(fields, "name");

	if (!name || !*name)
		return false;
	copy(e->name, sizeof(e->name), name, strlen(name));
	return true;
}

static bool vector(const char *fields, struct event *e)
{
	__u64 nr;

	e->ipi = true;
	return number_field(fields, "vector", &nr, 10);
}

static const struct {
	const char *name;
	enum event_type type;
	bool (*read)(const char *fields, struct event *e);
	const char *interrupt;
} events[] = {
	{ "cpu_idle", EVENT_IDLE, cpu_idle },
	{ "hrtimer_init", EVENT_TIMER_INIT, hrtimer_init },
	{ "hrtimer_setup", EVENT_TIMER_INIT, hrtimer_init },
	{ "hrtimer_start", EVENT_TIMER_START, hrtimer_start },
	{ "hrtimer_cancel", EVENT_TIMER_CANCEL, hrtimer_cancel },
	{ "hrtimer_expire_entry", EVENT_TIMER_EXPIRE, hrtimer_expire },
	{ "timer_start", EVENT_TIMER_START, timer_start },
	{ "timer_expire_entry", EVENT_TIMER_EXPIRE, timer_expire },
	{ "sched_waking", EVENT_WAKING, waking },
	{ "irq_handler_entry", EVENT_INTERRUPT, device_interrupt },
	{ "local_timer_entry", EVENT_INTERRUPT, vector, "local_timer" },
	{ "reschedule_entry", EVENT_INTERRUPT, vector, "reschedule" },
	{ "call_function_entry", EVENT_INTERRUPT, vector, "call_function" },
	{ "call_function_single_entry", EVENT_INTERRUPT, vector, "call_function_single" },
	{ "irq_work_entry", EVENT_INTERRUPT, vector, "irq_work" },
};

/* After the '-' behind the task's name: pid, perhaps (tgid), and where "[CPU]" begins. */
static const char *after_pid(const char *p, struct event *e)
{
	__u64 pid;

	if (!number(&p, &pid, 10) || pid > INT32_MAX)
		return NULL;
	p = skip_blanks(p);
	if (*p == '(') {
		p += strcspn(p, ")");
		if (*p)
			p = skip_blanks(p + 1);
	}
	e->pid = pid;
	return *p == '[' ? p : NULL;
}

static const char *read_task(const char *line, struct event *e)
{
	const char *dash = NULL, *p = NULL;

	/* The kernel pads names to 16 columns; text that was copied may have lost the blanks. */
	if (strlen(line) > COMM_SIZE && line[COMM_SIZE] == '-') {
		dash = line + COMM_SIZE;
		p = after_pid(dash + 1, e);
	}
	for (dash = p ? dash : line; !p && (dash = strchr(dash, '-')); dash += !p)
		p = after_pid(dash + 1, e);
	if (!p)
		return NULL;
	line = skip_blanks(line);
	copy(e->comm, sizeof(e->comm), line, dash > line ? dash - line : 0);
	return p;
}

/* "   123.456789:", with any number of decimals up to the nanosecond. */
static const char *read_time(const char *p, __u64 *ns)
{
	__u64 seconds, part = 0, unit = 1000000000;

	if (!number(&p, &seconds, 10) || *p++ != '.' || seconds > INT64_MAX / unit)
		return NULL;
	while (isdigit((unsigned char)*p) && unit > 1) {
		unit /= 10;
		part += unit * (*p++ - '0');
	}
	*ns = seconds * 1000000000 + part;
	return unit < 1000000000 && (*p == ':' || !*p) ? p : NULL;
}

static const char *read_prefix(const char *line, struct event *e)
{
	const char *p = read_task(line, e);
	__u64 cpu;

	if (!p)
		return NULL;
	p++;
	if (!number(&p, &cpu, 10) || *p++ != ']' || cpu >= MAX_CPUS)
		return NULL;
	e->cpu = cpu;
	p = skip_blanks(p);
	/* Absent if the option irq-info is off. The third letter tells the context. */
	if (!isdigit((unsigned char)*p)) {
		size_t len = strcspn(p, " ");

		if (len < 4)
			return NULL;
		e->in_interrupt = strchr("hHsSzZ", p[2]);
		p = skip_blanks(p + len);
	}
	p = read_time(p, &e->ns);
	return p && *p == ':' ? skip_blanks(p + 1) : NULL;
}

static void read_comment(const char *line, struct event *e)
{
	const size_t header = strlen(RECORDING_HEADER), time = strlen(RECORDING_TIME);

	if (!strncmp(line, RECORDING_HEADER, header)) {
		line += header;
		e->type = number(&line, &e->count, 10) ? EVENT_HEADER : EVENT_MALFORMED;
	} else if (!strncmp(line, RECORDING_TIME, time)) {
		line = read_time(line + time, &e->ns);
		e->type = line && !*line ? EVENT_TIME : EVENT_MALFORMED;
	}
}

/* "CPU:0 [LOST 123 EVENTS]", or without the number. */
static bool read_lost(const char *line, struct event *e)
{
	__u64 cpu;

	if (strncmp(line, "CPU:", 4))
		return false;
	line += 4;
	if (!number(&line, &cpu, 10) || cpu >= MAX_CPUS || strncmp(line, " [LOST ", 7))
		return false;
	line += 7;
	if (number(&line, &e->count, 10) && *line++ != ' ')
		return false;
	e->cpu = cpu;
	return !strcmp(line, "EVENTS]");
}

/**
 * parse_line - read one line of trace text
 * @line: the line, without its newline
 * @e: filled in
 */
void parse_line(const char *line, struct event *e)
{
	const char *p, *fields;
	size_t len;

	memset(e, 0, sizeof(*e));
	p = skip_blanks(line);
	if (!*p || *p == '#') {
		read_comment(p, e);
		return;
	}
	if (read_lost(p, e)) {
		e->type = EVENT_LOST;
		return;
	}
	e->type = EVENT_MALFORMED;
	p = read_prefix(line, e);
	if (!p)
		return;
	len = strcspn(p, ": ");
	if (!len || p[len] != ':')
		return;
	fields = skip_blanks(p + len + 1);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		if (strlen(events[i].name) != len || memcmp(events[i].name, p, len))
			continue;
		if (!events[i].read(fields, e))
			return;
		if (events[i].interrupt)
			copy(e->name, sizeof(e->name), events[i].interrupt,
			     strlen(events[i].interrupt));
		e->type = events[i].type;
		return;
	}
	e->type = EVENT_UNUSED;
}
