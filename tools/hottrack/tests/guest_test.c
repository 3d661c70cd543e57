// SPDX-License-Identifier: GPL-2.0
/*
 * hotctl, hottop and hotmap, found in the PATH, and the library on a running kernel, with an ext4
 * in a file behind a loop device. mkfs.ext4 is in the PATH or /usr/sbin. Prints TAP; wants root.
 *
 * With a half-life of 30 days nothing cools while this runs, so most figures are exact.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hottrack.h"

#define SLOW	"--half-life 30d"
#define PAGE	4096
#define MIB	1048576
#define SAID	65536

/* All is below this, which is a tmpfs of our own, and fs is where the filesystem is mounted. */
static char root[32], fs[40], said[SAID];
static int failed;

static void result(bool ok, const char *name)
{
	static int count;

	printf("%sok %d - %s\n", ok ? "" : "not ", ++count, name);
	if (!ok)
		for (char *line = strtok(said, "\n"); line; line = strtok(NULL, "\n"))
			printf("# %s\n", line);
	failed += !ok;
	fflush(stdout);
}

/* A shell command; its exit status, and what it printed is in said. */
static int run(const char *format, ...)
{
	char command[1024], both[1100];
	va_list list;
	size_t n;
	FILE *f;
	int status;

	va_start(list, format);
	vsnprintf(command, sizeof(command), format, list);
	va_end(list);
	snprintf(both, sizeof(both), "{ %s; } 2>&1", command);
	f = popen(both, "r");
	if (!f)
		return -1;
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	status = pclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool tells(const char *text)
{
	return strstr(said, text);
}

/* The number behind a key of the JSON in said; the first one. */
static double number(const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(said, quoted);
	return at ? strtod(at + strlen(quoted), NULL) : -1;
}

static char *in_fs(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", fs, name);
	return path;
}

static char *in_root(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static bool make(const char *image)
{
	return !run("truncate -s 64M %s/%s && PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F %s/%s",
		    root, image, root, image);
}

/*
 * Some kernels mount no device that somebody has open for writing, and a loop device that nobody
 * has open is given back.
 */
static int attach(const char *image, char device[32])
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control, writer, reader = -1;
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", root, image);
	config.fd = open(path, O_RDWR | O_CLOEXEC);
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	snprintf(device, 32, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	writer = open(device, O_RDWR | O_CLOEXEC);
	if (writer >= 0 && !ioctl(writer, LOOP_CONFIGURE, &config))
		reader = open(device, O_RDONLY | O_CLOEXEC);
	close(writer);
	close(control);
	close(config.fd);
	return reader;
}

static bool mount_fs(const char *image)
{
	char device[32];
	int fd = attach(image, device);
	bool ok = fd >= 0 && !mount(device, fs, "ext4", 0, NULL);

	if (!ok)
		snprintf(said, sizeof(said), "%s on %s: %s", image, device, strerror(errno));
	close(fd);
	return ok;
}

static bool remount(void)
{
	return !run("sync; echo 3 >/proc/sys/vm/drop_caches; umount %s", fs) && mount_fs("image");
}

/* 4 MiB that are on the disk. */
static bool fill(const char *name)
{
	static const char zeros[MIB];
	int fd = open(in_fs(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool ok = fd >= 0;

	for (int i = 0; ok && i < 4; i++)
		ok = write(fd, zeros, MIB) == MIB;
	ok = ok && !fsync(fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Read a page from the disk this many times. */
static bool heat_up(const char *name, off_t offset, int times)
{
	char *page = aligned_alloc(PAGE, PAGE);
	int fd = open(in_fs(name), O_RDONLY | O_DIRECT | O_CLOEXEC);
	bool ok = page && fd >= 0;

	while (ok && times--)
		ok = pread(fd, page, PAGE, offset) == PAGE;
	if (fd >= 0)
		close(fd);
	free(page);
	return ok;
}

/* 8 reads of the first MiB of the file, and 3 of the third. */
static bool heat_pattern(const char *name)
{
	return fill(name) && !run("hotctl reset %s", fs) && heat_up(name, PAGE, 8) &&
	       heat_up(name, 2 * MIB + PAGE, 3);
}

static void on_and_off(void)
{
	bool ok = !run("hotctl status --json %s", fs) && tells("\"off\"") &&
		  run("hotctl reset %s", fs) == 7 && tells("is off") &&
		  !run("hotctl on " SLOW " %s", fs) && !run("hotctl status --json %s", fs) &&
		  tells("\"on\"") && number("half_life_ms") == 30.0 * 24 * 3600 * 1000 &&
		  number("range_size") == MIB && number("items") == 0;

	result(ok, "on");
	/* All that are tracked are found, this one among them. */
	ok = !run("hotctl status") && tells(fs);
	result(ok, "status_of_all");
	ok = !run("hotctl off %s", fs) && !run("hotctl status %s", fs) && tells(": off") &&
	     !run("hotctl status") && !tells(fs);
	result(ok, "off");
}

static void heat_of_a_file(void)
{
	bool ok = !run("hotctl on " SLOW " %s", fs) && heat_pattern("a") &&
		  !run("hotctl file %s", in_fs("a")) &&
		  tells("heat 11.00 of reads, 0.00 of writes") &&
		  tells("44K read, 0 written") && !run("hotctl file --json %s", in_fs("a")) &&
		  number("reads") == 11 && number("bytes_read") == 11 * PAGE;

	result(ok, "file");
	ok = !run("hotctl file %s | tail -n 2 | tr -s ' '", in_fs("a")) &&
	     tells(" 0 1M 8.00 0.00 ") && tells("2097152 1M 3.00 0.00 ");
	result(ok, "ranges");
	ok = !run("hotctl histogram %s | tail -n +2 | tr -s ' '", fs) && tells("8 16 1 #");
	result(ok, "histogram");
}

static void limits(void)
{
	bool ok = !run("hotctl set --half-life 1h --item-memory 1M --range-memory 96K %s", fs) &&
		  !run("hotctl status --json %s", fs) && number("half_life_ms") == 3600000 &&
		  number("max_item_bytes") == MIB && number("max_range_bytes") == 96 << 10 &&
		  number("range_slots") == 4096;

	result(ok, "set");
	ok = run("hotctl on --range-size 64K %s", fs) == 1 && tells("another range size") &&
	     run("hotctl set --range-memory 999999T %s", fs) == 1 && tells("half of memory") &&
	     !run("hotctl on " SLOW " %s", fs) && !run("hotctl file --json %s", in_fs("a")) &&
	     number("reads") == 11;
	result(ok, "refused_limits_change_nothing");
}

static void reset_one(void)
{
	bool ok = fill("b") && heat_up("b", 0, 5) && !run("hotctl reset --file %s", in_fs("b")) &&
		  !run("hotctl file %s", in_fs("b")) && tells("no request") &&
		  !run("hotctl file --json %s", in_fs("a")) && number("reads") == 11;

	result(ok, "reset_one_file");
}

/* What hotctl file tells, without the age, which saving does not keep. */
static bool keep_heat(const char *name, char *copy)
{
	bool ok = !run("hotctl file --json %s | grep -v age_ms", in_fs(name)) &&
		  number("reads") > 0;

	stpcpy(copy, said);
	return ok;
}

static void survives_remount(void)
{
	static char before[SAID], after[SAID];
	bool ok = heat_pattern("a") && keep_heat("a", before) &&
		  !run("hotctl save %s %s/heat", fs, root) && remount() &&
		  run("hotctl load %s %s/heat", fs, root) == 7 &&
		  tells("--half-life 30d --range-size 1M") && !run("hotctl on " SLOW " %s", fs) &&
		  !run("hotctl load %s %s/heat", fs, root) && !*said;

	ok = ok && keep_heat("a", after);
	result(ok && !strcmp(before, after), "heat_survives_remount");
}

/* Heat may lose what time took, and an epoch at each end, but no more. */
static void cools_meanwhile(void)
{
	const double half_life = 30;
	double before, after, least;
	struct timespec then, now;
	bool ok;

	ok = !run("hotctl set --half-life 30s %s", fs) && heat_pattern("a") &&
	     heat_up("a", 0, 500) && !run("hotctl file --json %s", in_fs("a"));
	clock_gettime(CLOCK_REALTIME, &then);
	before = number("reads");
	ok = ok && !run("hotctl save %s %s/cools", fs, root) && remount() && !run("sleep 8") &&
	     !run("hotctl on --half-life 30s %s", fs) &&
	     !run("hotctl load %s %s/cools", fs, root) && !run("hotctl file --json %s", in_fs("a"));
	after = number("reads");
	clock_gettime(CLOCK_REALTIME, &now);
	least = before * exp2(-(now.tv_sec - then.tv_sec + 1) / half_life - 2.0 / 8) - 1;
	printf("# %.2f before, %.2f after %ld s, at least %.2f wanted\n", before, after,
	       (long)(now.tv_sec - then.tv_sec), least);
	/* In 8 s at least one of the 8 epochs of a half-life has passed. */
	ok = ok && before > 100 && after < before * 0.95 && after >= least;
	result(ok, "heat_cools_meanwhile");
}

static void refused_files(void)
{
	bool ok = !run("hotctl off %s && hotctl on " SLOW " %s", fs, fs) &&
		  !run("head -c 100 %s/heat >%s/cut", root, root) &&
		  run("hotctl load %s %s/cut", fs, root) == 4 && tells("cut off") &&
		  !run("hotctl histogram %s", fs) && tells("nothing has heat");

	result(ok, "damaged_file_is_refused");
	ok = make("other") && !run("umount %s", fs) && mount_fs("other") &&
	     !run("hotctl on " SLOW " %s", fs) && run("hotctl load %s %s/heat", fs, root) == 1 &&
	     tells("another filesystem") && !run("hotctl histogram %s", fs) &&
	     tells("nothing has heat") && !run("umount %s", fs) && mount_fs("image");
	result(ok, "other_filesystem_is_refused");
}

/* A new file that got the number of the old one is told apart from it by its generation. */
static void no_heat_for_others(void)
{
	struct stat old, new;
	bool ok, same;

	ok = !run("hotctl on " SLOW " %s", fs) && heat_pattern("d") && !stat(in_fs("d"), &old) &&
	     !run("hotctl save %s %s/other.heat", fs, root) && remount() && !unlink(in_fs("d")) &&
	     !run("sync; echo 2 >/proc/sys/vm/drop_caches; touch %s", in_fs("new")) &&
	     !stat(in_fs("new"), &new);
	same = ok && old.st_ino == new.st_ino;
	ok = ok && !run("hotctl on " SLOW " %s", fs) &&
	     !run("hotctl load %s %s/other.heat", fs, root) &&
	     !run("hotctl file %s", in_fs("new")) && tells("no request");
	if (!same)
		printf("# the inode number was not used again\n");
	result(ok && same, "new_file_inherits_nothing");
}

/* From records to files, with the names that the kernel does not know after a mount. */
static void names(void)
{
	struct hottrack_file cold = { 0 }, found = { 0 }, gone = { 0 };
	struct hottrack_list *list = NULL;
	struct hottrack *ht = NULL;
	struct stat st;
	bool ok;
	int fd;

	ok = !mkdir(in_fs("deep"), 0755) && heat_pattern("deep/e") && !stat(in_fs("deep/e"), &st) &&
	     !run("hotctl save %s %s/named", fs, root) && remount() &&
	     !run("hotctl on " SLOW " %s", fs) && !run("hotctl load %s %s/named", fs, root) &&
	     !hottrack_open(&ht, fs) && !hottrack_top(ht, 0, 1, &list) && list->count == 1 &&
	     !hottrack_resolve(ht, list->records[0], &cold);
	ok = ok && cold.known == HOTTRACK_NAMELESS && cold.inode == st.st_ino;
	result(ok, "name_unknown_after_mount");
	ok = ok && hottrack_search(ht, 1) == 1 && hottrack_search(ht, 0) == 0 &&
	     !hottrack_resolve(ht, list->records[0], &found);
	ok = ok && found.known == HOTTRACK_NAMED && !strcmp(found.path, in_fs("deep/e"));
	result(ok, "name_found");
	free(found.path);
	fd = ok ? hottrack_open_record(ht, list->records[0], O_RDONLY) : -1;
	ok = ok && fd >= 0 && !fstat(fd, &st) && st.st_size == 4 * MIB;
	if (fd >= 0)
		close(fd);
	ok = ok && !unlink(in_fs("deep/e")) &&
	     hottrack_open_record(ht, list->records[0], O_RDONLY) == -ESTALE;
	hottrack_close(ht);
	ht = NULL;
	ok = ok && !hottrack_open(&ht, fs) && !hottrack_resolve(ht, list->records[0], &gone);
	result(ok && gone.known == HOTTRACK_GONE, "deleted_file_is_gone");
	free(list);
	hottrack_close(ht);
}

/* The table of the hottest files and ranges, by their names. */
static void tables(void)
{
	char first[96];
	bool ok;

	ok = heat_pattern("a") && heat_up("b", 0, 2) && !run("hottop --json %s", fs) &&
	     number("heat") == 11 && number("bytes_read") == 11 * PAGE && number("items") == 2 &&
	     number("requests") >= 13;
	snprintf(first, sizeof(first), "\"path\": \"%s\"", in_fs("a"));
	ok = ok && tells(first) && !run("hottop --filter /b %s | tr -s ' '", fs) &&
	     tells(in_fs("b")) && !tells(in_fs("a")) && tells(" 2.00 ");
	result(ok, "hottop_files");
	ok = !run("hottop --ranges --columns heat,offset,name %s | tr -s ' ' '|'", fs) &&
	     tells("8.00|0|") && tells("3.00|2M|") && tells("2.00|0|") && tells(in_fs("a"));
	result(ok, "hottop_ranges");
	ok = !run("hotctl off %s", fs) && run("hottop %s", fs) == 7 && tells("hotctl on") &&
	     run("hottop %s", fs) == 7 && !run("hottop --enable %s", fs) && tells("is now on") &&
	     !run("hottop %s", fs) && tells("0 files") && !run("hotctl on " SLOW " %s", fs) &&
	     run("hottop %s", root) == 5 && tells("block device");
	result(ok, "hottop_enable");
}

/* The first of four MiB is hottest, then the third; the second becomes hot while it records. */
static void pictures(void)
{
	pid_t recorder;
	bool ok;

	ok = heat_pattern("a") &&
	     !run("hotmap show %s | grep -E '/a +@+[.]+[+]+[.]+ +11.0 '", fs) &&
	     !run("hotmap show --json %s", in_fs("a")) &&
	     tells("\"offset\":2097152,\"heat\":3.0");
	result(ok, "hotmap_show");
	recorder = fork();
	if (!recorder) {
		execlp("hotmap", "hotmap", "record", "--interval", "200ms", fs, in_root("rec"),
		       NULL);
		_exit(127);
	}
	/* The first sample is there; what comes then is in one of the others. */
	ok = ok && !run("for i in $(seq 600); do test -s %s/rec && break; sleep 0.1; done", root) &&
	     !run("sleep 1") && heat_up("a", MIB, 20) && !run("sleep 1");
	kill(recorder, SIGTERM);
	ok = waitpid(recorder, NULL, 0) == recorder && ok &&
	     !run("hotmap render --json %s/rec | sed -n 2p", root) && number("offset") == 0 &&
	     !tells("\"offset\":1048576") &&
	     !run("hotmap render --json %s/rec | tail -n 2", root) &&
	     tells("\"offset\":1048576,\"heat\":20.0");
	result(ok, "hotmap_record");
	ok = ok && !run("cd %s; hotmap render -o x.svg rec && hotmap render -o x.png rec", root) &&
	     !*said && !run("head -c 5 %s/x.svg", root) && tells("<?xml") &&
	     !run("head -c 4 %s/x.png", root) && tells("PNG");
	result(ok, "hotmap_render");
}

/* An open stream does not keep the filesystem from being unmounted. */
static void stream(void)
{
	struct hottrack_stream *pass = NULL, *events = NULL;
	const struct hot_record *record;
	struct hottrack *ht = NULL;
	int count = 0, ret = 0;
	bool ok;

	ok = heat_pattern("f") && !hottrack_open(&ht, fs) &&
	     !hottrack_stream_open(ht, HOT_OF_RANGES, 0, &pass);
	while (ok && (ret = hottrack_stream_next(pass, &record)) == 1)
		count++;
	result(ok && !ret && count == 3, "stream_of_all");
	ok = ok && !hottrack_stream_open(ht, HOT_STREAM_EVENTS, 20 * HOT_ONE, &events) &&
	     !fcntl(hottrack_stream_fd(events), F_SETFL, O_NONBLOCK) &&
	     hottrack_stream_next(events, &record) == -EAGAIN && heat_up("f", 0, 10) &&
	     /* A look passes on what the processors still hold. */
	     !run("hotctl file %s", in_fs("f")) && tells("heat 21.00") &&
	     hottrack_stream_next(events, &record) == 1 && record->reads >= 20 * HOT_ONE &&
	     !hottrack_stream_pending(events);
	result(ok, "stream_of_events");
	hottrack_close(ht);
	ok = ok && !run("umount %s", fs) && hottrack_stream_next(events, &record) == -ENODEV &&
	     hottrack_stream_rewind(pass) == 0 && hottrack_stream_next(pass, &record) == -ENODEV;
	result(ok, "stream_ends_with_the_mount");
	hottrack_stream_close(pass);
	hottrack_stream_close(events);
}

int main(void)
{
	int status;

	stpcpy(root, "/tmp/hotctl.XXXXXX");
	if (!mkdtemp(root) || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("hot", root, "tmpfs", 0, NULL)) {
		perror("Bail out! a tmpfs");
		return 1;
	}
	snprintf(fs, sizeof(fs), "%s/fs", root);
	if (mkdir(fs, 0755) || !make("image") || !mount_fs("image")) {
		printf("Bail out! no ext4: %s\n", said);
		return 1;
	}
	status = run("hotctl status %s", fs);
	if (status == 5 && !getenv("SEPTET_REQUIRE")) {
		printf("1..0 # SKIP no hot tracking here\n");
	} else {
		printf("1..26\n");
		on_and_off();
		heat_of_a_file();
		limits();
		reset_one();
		survives_remount();
		cools_meanwhile();
		refused_files();
		no_heat_for_others();
		names();
		tables();
		pictures();
		stream();
	}
	run("umount %s; umount %s", fs, root);
	rmdir(root);
	return failed > 0;
}
