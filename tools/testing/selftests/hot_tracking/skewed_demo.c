// SPDX-License-Identifier: GPL-2.0
/*
 * A skewed workload for the demo: some tables with hot places, a log that is appended to, and
 * settings that are read all the time but never from the device.
 *
 * skewed_demo fill DIR           make its files
 * skewed_demo run DIR            run it, and print how many requests each file cost
 * skewed_demo move DIR SECONDS   read one table, at a place that moves through it
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096
#define TABLES		12
#define TABLE_BYTES	(8 << 20)
#define REQUESTS	3000
#define COMMITS		200
#define LOOKS		20000

static char *page;

static int open_in(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

static int open_table(unsigned int n, int flags)
{
	char name[32];

	snprintf(name, sizeof(name), "table.%02u", n);
	return open_in(name, flags);
}

static void fill(void)
{
	int fd;

	for (unsigned int n = 0; n < TABLES; n++) {
		fd = open_table(n, O_RDWR | O_CREAT | O_TRUNC);

		for (off_t at = 0; at < TABLE_BYTES; at += PAGE) {
			if (pwrite(fd, page, PAGE, at) != PAGE)
				err(1, "filling table.%02u", n);
		}
		if (fsync(fd))
			err(1, "fsync");
		close(fd);
	}
	close(open_in("journal", O_RDWR | O_CREAT | O_TRUNC));
	fd = open_in("settings", O_RDWR | O_CREAT | O_TRUNC);
	if (pwrite(fd, page, PAGE, 0) != PAGE || fsync(fd))
		err(1, "settings");
	close(fd);
}

/* Of n tables, or places in a table, each is used less than the one before. */
static unsigned int skewed(unsigned int n)
{
	unsigned int pick = 0;

	while (pick + 1 < n && random() % 100 < 60)
		pick++;
	return pick;
}

static void read_page(int fd, off_t at)
{
	if (pread(fd, page, PAGE, at) != PAGE)
		err(1, "reading");
}

static void use_tables(void)
{
	unsigned int count[TABLES] = { 0 };
	int fds[TABLES];

	for (unsigned int n = 0; n < TABLES; n++)
		fds[n] = open_table(n, O_RDONLY | O_DIRECT);
	for (unsigned int i = 0; i < REQUESTS; i++) {
		unsigned int n = skewed(TABLES);
		off_t place = (skewed(8) * 5 + n) % 8 * (TABLE_BYTES / 8);

		read_page(fds[n], place + random() % 256 * PAGE);
		count[n]++;
	}
	for (unsigned int n = 0; n < TABLES; n++) {
		printf("table.%02u %u\n", n, count[n]);
		close(fds[n]);
	}
}

static void commit(void)
{
	int fd = open_in("journal", O_WRONLY | O_DIRECT);

	for (unsigned int i = 0; i < COMMITS; i++) {
		if (write(fd, page, PAGE) != PAGE)
			err(1, "journal");
	}
	printf("journal %u\n", COMMITS);
	close(fd);
}

static void look_at_settings(void)
{
	int fd = open_in("settings", O_RDONLY);

	for (unsigned int i = 0; i < LOOKS; i++)
		read_page(fd, 0);
	close(fd);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void move_through_table(double seconds)
{
	int fd = open_table(0, O_RDONLY | O_DIRECT);
	double begin = now(), done = 0;

	while ((done = (now() - begin) / seconds) < 1) {
		off_t place = (off_t)(done * 7) * (TABLE_BYTES / 8);

		for (unsigned int i = 0; i < 16; i++)
			read_page(fd, place + random() % 512 * PAGE);
		usleep(20000);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	srandom(1);
	page = aligned_alloc(PAGE, PAGE);
	if (!page)
		err(1, "memory");
	memset(page, 's', PAGE);
	if (argc > 2 && chdir(argv[2]))
		err(1, "%s", argv[2]);
	if (!strcmp(what, "fill") && argc == 3) {
		fill();
	} else if (!strcmp(what, "run") && argc == 3) {
		use_tables();
		commit();
		look_at_settings();
	} else if (!strcmp(what, "move") && argc == 4) {
		move_through_table(atof(argv[3]));
	} else {
		errx(2, "usage: skewed_demo fill|run DIR, or move DIR SECONDS");
	}
	return 0;
}
