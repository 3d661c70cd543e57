// SPDX-License-Identifier: GPL-2.0
/* hotctl: heat saved in a file and put back. */
#include <errno.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "hotctl.h"
#include "hotctl_saved.h"
#include "libunits.h"

/* Since 6.9; the same in headers that have it. */
#ifndef FS_IOC_GETFSUUID
struct fsuuid2 {
	__u8 len;
	__u8 uuid[16];
};

#define FS_IOC_GETFSUUID _IOR(0x15, 0, struct fsuuid2)
#endif

/* Records between two looks at the clock. */
#define PROGRESS_RECORDS 8192

static bool stopped;

static void stop(int signal)
{
	(void)signal;
	__atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
}

static bool is_stopped(void)
{
	return __atomic_load_n(&stopped, __ATOMIC_RELAXED);
}

/* What is half done can be taken back. */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction action = { .sa_handler = stop };

	for (int i = 0; i < 3; i++)
		sigaction(signals[i], &action, NULL);
}

/* On a terminal, when it takes longer than a second; @done of @all, and an end if both are 0. */
static void progress(const char *what, __u64 done, __u64 all)
{
	static time_t began, told;
	time_t now = time(NULL);

	if (!isatty(STDERR_FILENO))
		return;
	if (!done && !all) {
		if (told)
			fputs("\r\033[K", stderr);
		began = 0;
		told = 0;
		return;
	}
	if (!began)
		began = now;
	if (now == began || now == told)
		return;
	told = now;
	fprintf(stderr, "\rhotctl: %s: %llu of %llu records", what, done, all);
	fflush(stderr);
}

static __u64 now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* The filesystem's own name; without one SAVED_HAS_UUID is missing. */
static void get_uuid(struct hottrack *ht, struct saved_header *header)
{
	static const __u8 none[16];
	struct fsuuid2 uuid = { 0 };

	if (ioctl(hottrack_fd(ht), FS_IOC_GETFSUUID, &uuid) || uuid.len != sizeof(header->uuid) ||
	    !memcmp(uuid.uuid, none, sizeof(none)))
		return;
	memcpy(header->uuid, uuid.uuid, sizeof(header->uuid));
	header->flags |= SAVED_HAS_UUID;
}

/* ---- save ---- */

/* All records go to the file, but those that nothing can be done with after a remount. */
static int save_records(struct hottrack *ht, struct saved_writer *writer, const char *path,
			const char *file, __u64 all)
{
	struct hottrack_stream *stream;
	const struct hot_record *record;
	__u64 seen = 0;
	int ret = hottrack_stream_open(ht, HOT_OF_RANGES, 0, &stream), code = EXIT_DONE;

	if (ret)
		return fail(path, ret);
	while (!code && !is_stopped()) {
		ret = hottrack_stream_next(stream, &record);
		if (!ret)
			break;
		if (ret < 0) {
			code = ret == -EINTR ? EXIT_DONE : fail(path, ret);
			continue;
		}
		if (seen++ % PROGRESS_RECORDS == 0)
			progress("save", seen, all);
		if (record->flags & HOT_VOLATILE)
			continue;
		ret = saved_add(writer, record, record->size);
		if (ret)
			code = say(EXIT_OUTPUT, file, "%s", strerror(-ret));
	}
	progress("save", 0, 0);
	hottrack_stream_close(stream);
	return is_stopped() ? say(EXIT_OTHER, file, "interrupted; nothing was written") : code;
}

static int save_to(struct hottrack *ht, const char *path, const char *file)
{
	struct saved_header header = { .saved_ms = now_ms() };
	struct saved_writer *writer;
	struct hot_ctl ctl;
	int code, ret = hottrack_get(ht, &ctl);

	if (!ret && !(ctl.state & HOT_STATE_ON))
		ret = -ENODATA;
	if (ret)
		return fail(path, ret);
	header.half_life_ms = ctl.half_life_ms;
	header.range_shift = ctl.range_shift;
	get_uuid(ht, &header);

	ret = saved_create(file, &writer);
	if (ret == -EINVAL)
		return say(EXIT_OUTPUT, file, "is not a regular file");
	if (ret)
		return say(EXIT_OUTPUT, file, "%s", strerror(-ret));
	code = save_records(ht, writer, path, file, ctl.items + ctl.ranges);
	if (code) {
		saved_abandon(writer);
		return code;
	}
	ret = saved_commit(writer, &header);
	return ret ? say(EXIT_OUTPUT, file, "%s", strerror(-ret)) : EXIT_DONE;
}

int save_heat(const struct options *o, int count, char **paths)
{
	struct hottrack *ht;
	int code = open_path(&ht, paths[0]);

	(void)o;
	(void)count;
	if (code)
		return code;
	catch_signals();
	code = save_to(ht, paths[0], paths[1]);
	hottrack_close(ht);
	return code;
}

/* ---- load ---- */

/*
 * A record holds what was left of its heat when it was saved; from then on it cools. The kernel
 * lets it cool by the age of the record, so that is the time since then.
 */
static void set_ages(struct saved *saved)
{
	__u64 now = now_ms(), passed = 0;
	struct hot_record *record;

	if (now >= saved->header.saved_ms)
		passed = now - saved->header.saved_ms;
	else
		say(EXIT_DONE, "load", "the clock is behind the time of saving: %s",
		    "heat does not cool");
	for (__u64 at = 0; at < saved->header.bytes; at += record->size) {
		record = (struct hot_record *)(saved->records + at);
		record->age_ms = passed;
	}
}

/* Leave out the ranges, which come last. */
static void drop_ranges(struct saved *saved)
{
	__u64 at = 0, count = 0;

	while (at < saved->header.bytes) {
		const struct hot_record *record = (struct hot_record *)(saved->records + at);

		if (record->flags & HOT_RECORD_RANGE)
			break;
		at += record->size;
		count++;
	}
	saved->header.bytes = at;
	saved->header.count = count;
}

/* Behind this many records. */
static __u64 skip_records(const struct saved *saved, __u64 at, __u64 count)
{
	while (count-- && at < saved->header.bytes)
		at += ((struct hot_record *)(saved->records + at))->size;
	return at;
}

/* Heat that was evicted while other was saved or loaded takes that of its ranges with it. */
static int load_records(struct hottrack *ht, const struct saved *saved, const char *path)
{
	__u64 at = 0, done = 0, orphans = 0, loaded;
	int code = EXIT_DONE, ret = 0;

	while (at < saved->header.bytes && !is_stopped()) {
		__u64 end = skip_records(saved, at, PROGRESS_RECORDS);

		ret = hottrack_load(ht, saved->records + at, end - at, &loaded);
		done += loaded;
		if (!ret) {
			at = end;
		} else if (ret == -ENOENT) {
			orphans++;
			at = skip_records(saved, at, loaded + 1);
		} else {
			break;
		}
		progress("load", done + orphans, saved->header.count);
	}
	progress("load", 0, 0);
	if (is_stopped())
		return say(EXIT_OTHER, path, "interrupted after %llu of %llu records", done,
			   saved->header.count);
	if (ret == -ENOSPC)
		code = say(EXIT_OTHER, path, "%s after %llu of %llu records; %s",
			   "the memory limit was reached", done, saved->header.count,
			   "hotctl set --item-memory can raise it");
	else if (ret == -EINVAL)
		code = say(EXIT_INPUT, path, "the kernel refuses record %llu of %llu as malformed",
			   done + orphans + 1, saved->header.count);
	else if (ret && ret != -ENOENT)
		code = fail(path, ret);
	if (orphans)
		say(code, path, "%llu ranges were left out: their files have no heat", orphans);
	return code;
}

static int is_same(struct hottrack *ht, const struct saved_header *saved, const char *file)
{
	static const char with_force[] = "; with --force it is loaded all the same";
	struct saved_header here = { 0 };

	get_uuid(ht, &here);
	if (!(here.flags & SAVED_HAS_UUID) || !(saved->flags & SAVED_HAS_UUID))
		return say(EXIT_OTHER, file, "no UUID tells whether it is of this filesystem%s",
			   with_force);
	if (memcmp(here.uuid, saved->uuid, sizeof(here.uuid)))
		return say(EXIT_OTHER, file, "was saved from another filesystem%s", with_force);
	return EXIT_DONE;
}

static int load_saved(struct hottrack *ht, const struct options *o, struct saved *saved,
		      const char *path, const char *file)
{
	const struct saved_header *header = &saved->header;
	char then[UNITS_TEXT], now[UNITS_TEXT];
	struct hot_ctl ctl;
	int code = EXIT_DONE, ret = hottrack_get(ht, &ctl);

	if (!ret && !(ctl.state & HOT_STATE_ON))
		ret = -ENODATA;
	if (ret == -ENODATA)
		return say(EXIT_OFF, path, "%s; type: hotctl on --half-life %s --range-size %s %s",
			   hottrack_strerror(ret), duration_text(then, header->half_life_ms),
			   bytes_text(now, 1ULL << header->range_shift), path);
	if (ret)
		return fail(path, ret);
	if (!o->force)
		code = is_same(ht, header, file);
	if (code)
		return code;
	if (header->half_life_ms != ctl.half_life_ms)
		say(EXIT_DONE, path, "the half-life is %s now and was %s: %s",
		    duration_text(now, ctl.half_life_ms), duration_text(then, header->half_life_ms),
		    "the heat of a steady load is another");
	if (header->range_shift != ctl.range_shift) {
		say(EXIT_DONE, path, "ranges are of %s now and were of %s: %s",
		    bytes_text(now, 1ULL << ctl.range_shift),
		    bytes_text(then, 1ULL << header->range_shift),
		    "only the heat of files is loaded");
		drop_ranges(saved);
	}
	set_ages(saved);
	return load_records(ht, saved, path);
}

int load_heat(const struct options *o, int count, char **paths)
{
	struct hottrack *ht;
	struct saved saved;
	const char *why;
	int code, ret;

	(void)count;
	code = open_path(&ht, paths[0]);
	if (code)
		return code;
	ret = saved_read(paths[1], &saved, &why);
	if (ret == -EBADMSG) {
		code = say(EXIT_INPUT, paths[1], "%s", why);
	} else if (ret == -EINVAL) {
		code = say(EXIT_INPUT, paths[1], "is not a regular file");
	} else if (ret) {
		code = say(EXIT_INPUT, paths[1], "%s", strerror(-ret));
	} else {
		catch_signals();
		code = load_saved(ht, o, &saved, paths[0], paths[1]);
		free(saved.records);
	}
	hottrack_close(ht);
	return code;
}
