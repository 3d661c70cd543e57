// SPDX-License-Identifier: GPL-2.0
/*
 * What all commands have in common: sizes, flags, reserved fields, addresses, numbers and kinds
 * of files. Built as a 32-bit program too, see compat_32.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fixture.h"
#include "layout.h"
#include "on_ext4.h"
#include "records.h"

#define FILLER 0x5a

/* What a command points to beside its structure. */
static struct hot_record *made_up;
static char *records;
#define RECORDS_BYTES (16 * HOT_RECORD_MAX)

struct command {
	const char *name;
	unsigned long request;
	__u32 flags;		/* all that the command knows */
	size_t size;
	size_t reserved, reserved_end;	/* offsets, 0 without any */
	bool writes_back;
	bool of_a_file;
	void (*fill)(void *arg);	/* a good request; size and flags are set, the rest is 0 */
};

static void fill_nothing(void *arg)
{
	(void)arg;
}

static void fill_ranges(void *arg)
{
	struct hot_ranges *ranges = arg;

	ranges->ranges = (uintptr_t)records;
	ranges->count = 4;
}

static void fill_top(void *arg)
{
	struct hot_top *top = arg;

	top->buffer = (uintptr_t)records;
	top->buffer_bytes = RECORDS_BYTES;
	top->count = 16;
}

static void fill_load(void *arg)
{
	struct hot_load *load = arg;

	load->buffer = (uintptr_t)made_up;
	load->buffer_bytes = made_up->size;
}

#define BY (HOT_OF_RANGES | HOT_BY_READS | HOT_BY_WRITES)
#define CTL_ALL (HOT_CTL_ON | HOT_CTL_OFF | HOT_CTL_SET_RANGE_SHIFT | HOT_CTL_SET_HALF_LIFE |	\
		 HOT_CTL_SET_ITEM_BYTES | HOT_CTL_SET_RANGE_BYTES)

static const struct command commands[] = {
	{
		.name = "HOT_CTL",
		.request = HOT_CTL,
		.flags = CTL_ALL,
		.size = sizeof(struct hot_ctl),
		.reserved = offsetof(struct hot_ctl, reserved),
		.reserved_end = sizeof(struct hot_ctl),
		.writes_back = true,
		.fill = fill_nothing,
	},
	{
		.name = "HOT_GET_INODE",
		.request = HOT_GET_INODE,
		.size = sizeof(struct hot_inode),
		.writes_back = true,
		.of_a_file = true,
		.fill = fill_nothing,
	},
	{
		.name = "HOT_GET_RANGES",
		.request = HOT_GET_RANGES,
		.size = sizeof(struct hot_ranges),
		.writes_back = true,
		.of_a_file = true,
		.fill = fill_ranges,
	},
	{
		.name = "HOT_TOP",
		.request = HOT_TOP,
		.flags = BY,
		.size = sizeof(struct hot_top),
		.reserved = offsetof(struct hot_top, reserved),
		.reserved_end = offsetof(struct hot_top, buffer),
		.writes_back = true,
		.fill = fill_top,
	},
	{
		.name = "HOT_HISTOGRAM",
		.request = HOT_HISTOGRAM,
		.flags = BY,
		.size = sizeof(struct hot_histogram),
		.writes_back = true,
		.fill = fill_nothing,
	},
	{
		.name = "HOT_RESET",
		.request = HOT_RESET,
		.flags = HOT_RESET_FILE,
		.size = sizeof(struct hot_reset),
		.fill = fill_nothing,
	},
	{
		.name = "HOT_LOAD",
		.request = HOT_LOAD,
		.size = sizeof(struct hot_load),
		.writes_back = true,
		.fill = fill_load,
	},
	{
		.name = "HOT_STREAM",
		.request = HOT_STREAM,
		.flags = BY | HOT_STREAM_EVENTS,
		.size = sizeof(struct hot_stream),
		.fill = fill_nothing,
	},
};

static const struct command *const commands_end = commands + ARRAY_SIZE(commands);

/* Two pages that can be used and one that cannot, in this order. */
struct pages {
	char *start, *end;
};

static struct pages get_pages(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct pages p;

	p.start = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p.start == MAP_FAILED)
		broken("mmap");
	p.end = p.start + 2 * page;
	if (mprotect(p.end, page, PROT_NONE))
		broken("mprotect");
	return p;
}

static void *prepare(const struct command *c, void *arg, __u32 size)
{
	struct hot_reset *head = arg;

	memset(arg, 0, c->size);
	c->fill(arg);
	head->size = size;
	return arg;
}

/* A stream is a descriptor; here only that there is one matters. */
static int do_request(int fd, unsigned long request, void *arg)
{
	int ret = hot(fd, request, arg);

	if (ret > 0 && _IOC_NR(request) == _IOC_NR(HOT_STREAM)) {
		close(ret);
		ret = 0;
	}
	return ret;
}

static int do_command(int fd, const struct command *c, void *arg)
{
	return do_request(fd, c->request, arg);
}

/* What each test begins with: memory for requests, and a file that has heat. */
static struct pages begin(int direct)
{
	struct records list = {};

	records_add_inode(&list, 1, HOT_ONE, 0);
	made_up = (void *)list.data;
	records = malloc(RECORDS_BYTES);
	if (!records)
		broken("malloc");
	write_at(direct, 0, PAGE);
	return get_pages();
}

TEST_F(fs, good_requests)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;

	for (c = commands; c < commands_end; c++) {
		EXPECT_EQ(0, do_command(self->direct, c, prepare(c, arg, c->size)))
			TH_LOG("%s", c->name);
	}
}

/* What a command has filled in can be given to it again, as a loop does. */
TEST_F(fs, what_came_back_can_be_sent_again)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;
	__u32 size;

	for (c = commands; c < commands_end; c++) {
		if (!c->writes_back || c->request == HOT_LOAD)
			continue;
		prepare(c, arg, c->size);
		ASSERT_EQ(0, do_command(self->direct, c, arg)) TH_LOG("%s", c->name);
		memcpy(&size, arg, sizeof(size));
		EXPECT_EQ(c->size, size) TH_LOG("%s", c->name);
		EXPECT_EQ(0, do_command(self->direct, c, arg)) TH_LOG("%s", c->name);
	}
}

/* Nothing beyond the structure is written. */
TEST_F(fs, nothing_behind_it_changes)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;
	size_t i;

	for (c = commands; c < commands_end; c++) {
		memset(arg, FILLER, 4096);
		prepare(c, arg, c->size);
		ASSERT_EQ(0, do_command(self->direct, c, arg)) TH_LOG("%s", c->name);
		for (i = c->size; i < 4096 && arg[i] == FILLER; i++)
			;
		EXPECT_EQ(4096, i) TH_LOG("%s", c->name);
	}
}

/* This is the first version: no program can know a shorter structure. */
TEST_F(fs, shorter_than_the_first_version)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;
	__u32 size;

	for (c = commands; c < commands_end; c++) {
		for (size = 0; size < c->size; size++) {
			EXPECT_EQ(-EINVAL, do_command(self->direct, c, prepare(c, arg, size)))
				TH_LOG("%s, size %u", c->name, size);
		}
	}
}

TEST_F(fs, longer_with_nothing_new)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	static const unsigned int more[] = { 1, 4, 8, 64 };
	const struct command *c;
	unsigned int i;

	for (c = commands; c < commands_end; c++) {
		for (i = 0; i < ARRAY_SIZE(more); i++) {
			memset(arg, 0, 4096);
			prepare(c, arg, c->size + more[i]);
			EXPECT_EQ(0, do_command(self->direct, c, arg))
				TH_LOG("%s, %u more", c->name, more[i]);
			/* How the program sees that the kernel is older. */
			if (c->writes_back)
				EXPECT_EQ(c->size, *(__u32 *)arg) TH_LOG("%s", c->name);
		}
		memset(arg, 0, 4096);
		EXPECT_EQ(0, do_command(self->direct, c, prepare(c, arg, 4096)))
			TH_LOG("%s, a page", c->name);
		memset(arg, 0, 8192);
		EXPECT_EQ(-E2BIG, do_command(self->direct, c, prepare(c, arg, 4097)))
			TH_LOG("%s, more than a page", c->name);
		EXPECT_EQ(-E2BIG, do_command(self->direct, c, prepare(c, arg, ~0U)))
			TH_LOG("%s, all there is", c->name);
	}
}

TEST_F(fs, longer_with_something_new)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	static const unsigned int more[] = { 1, 4, 8, 64, 1024 };
	const struct command *c;
	unsigned int i;

	for (c = commands; c < commands_end; c++) {
		for (i = 0; i < ARRAY_SIZE(more); i++) {
			/* In its first byte, and in its last. */
			memset(arg, 0, 4096);
			prepare(c, arg, c->size + more[i]);
			arg[c->size] = 1;
			EXPECT_EQ(-E2BIG, do_command(self->direct, c, arg))
				TH_LOG("%s, %u more", c->name, more[i]);
			memset(arg, 0, 4096);
			prepare(c, arg, c->size + more[i]);
			arg[c->size + more[i] - 1] = 0x80;
			EXPECT_EQ(-E2BIG, do_command(self->direct, c, arg))
				TH_LOG("%s, %u more", c->name, more[i]);
		}
	}
}

TEST_F(fs, unknown_flags)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	struct hot_ctl before = hot_look(self->direct), after;
	const struct command *c;
	__u32 bit;

	for (c = commands; c < commands_end; c++) {
		for (bit = 1; bit; bit <<= 1) {
			struct hot_reset *head = prepare(c, arg, c->size);

			if (c->flags & bit)
				continue;
			head->flags = bit;
			EXPECT_EQ(-EINVAL, do_command(self->direct, c, head))
				TH_LOG("%s, flag %#x", c->name, bit);
			/* A known flag beside it must not have worked either. */
			if (c->request == HOT_CTL)
				head->flags = bit | HOT_CTL_OFF;
			if (c->request == HOT_RESET)
				head->flags = bit | HOT_RESET_FILE;
			EXPECT_EQ(-EINVAL, do_command(self->direct, c, head))
				TH_LOG("%s, flags %#x", c->name, head->flags);
		}
	}
	after = hot_look(self->direct);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(fs, reserved_fields)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;
	size_t at;

	for (c = commands; c < commands_end; c++) {
		for (at = c->reserved; at < c->reserved_end; at++) {
			prepare(c, arg, c->size);
			arg[at] = 1;
			EXPECT_EQ(-EINVAL, do_command(self->direct, c, arg))
				TH_LOG("%s, byte %zu", c->name, at);
		}
	}
}

TEST_F(fs, bad_addresses)
{
	struct pages pages = begin(self->direct);
	/* The second is the kernel's on 64-bit machines, the last wraps around. */
	const uintptr_t bad[] = {
		0, (uintptr_t)-4096, 8, (uintptr_t)pages.end, (uintptr_t)-1,
	};
	const struct command *c;
	unsigned int i;

	for (c = commands; c < commands_end; c++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			EXPECT_EQ(-EFAULT, do_command(self->direct, c, (void *)bad[i]))
				TH_LOG("%s, address %#lx", c->name, (unsigned long)bad[i]);
		}
	}
}

/* The structure begins where there is memory and goes on where there is none. */
TEST_F(fs, half_of_the_structure)
{
	struct pages pages = begin(self->direct);
	const struct command *c;
	size_t there;
	char *arg;

	for (c = commands; c < commands_end; c++) {
		for (there = 4; there < c->size; there += 4) {
			arg = pages.end - there;
			memcpy(arg, prepare(c, pages.start, c->size), there);
			EXPECT_EQ(-EFAULT, do_command(self->direct, c, arg))
				TH_LOG("%s, %zu bytes of it", c->name, there);
		}
		/* And one that ends just there is fine. */
		arg = pages.end - c->size;
		EXPECT_EQ(0, do_command(self->direct, c, prepare(c, arg, c->size)))
			TH_LOG("%s", c->name);
		/* A tail that is not there cannot be known to be zero. */
		EXPECT_EQ(-EFAULT, do_command(self->direct, c, prepare(c, arg, c->size + 8)))
			TH_LOG("%s", c->name);
	}
}

/* Commands that only take something work from memory that cannot be written, others do not. */
TEST_F(fs, memory_for_reading_only)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	struct hot_ctl before, after;
	const struct command *c;

	for (c = commands; c < commands_end; c++) {
		prepare(c, arg, c->size);
		before = hot_look(self->direct);
		ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ));
		EXPECT_EQ(c->writes_back ? -EFAULT : 0, do_command(self->direct, c, arg))
			TH_LOG("%s", c->name);
		ASSERT_EQ(0, mprotect(arg, 4096, PROT_READ | PROT_WRITE));
		after = hot_look(self->direct);
		EXPECT_EQ(before.state, after.state) TH_LOG("%s", c->name);
	}
}

/* Addresses in the structures are 64 bits wide: no bit of them may be ignored. */
TEST_F(fs, bad_addresses_in_the_structure)
{
	struct pages pages = begin(self->direct);
	const __u64 good = (uintptr_t)records;
	const __u64 bad[] = {
		0, 8, (uintptr_t)pages.end, good | 1ULL << 63, good | 1ULL << 32, -8ULL,
	};
	unsigned int i;

	write_at(self->direct, 0, PAGE);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct hot_ranges ranges = { .size = sizeof(ranges), .count = 1 };
		struct hot_load load = { .size = sizeof(load) };
		struct hot_top top = { .size = sizeof(top), .count = 1 };

		if (bad[i] == good)
			continue;	/* a 64-bit address may well have that bit */
		ranges.ranges = bad[i];
		EXPECT_EQ(-EFAULT, hot(self->direct, HOT_GET_RANGES, &ranges))
			TH_LOG("address %#llx", bad[i]);
		top.buffer = bad[i];
		top.buffer_bytes = HOT_RECORD_MAX;
		EXPECT_EQ(-EFAULT, hot(self->direct, HOT_TOP, &top))
			TH_LOG("address %#llx", bad[i]);
		load.buffer = bad[i];
		load.buffer_bytes = made_up->size;
		EXPECT_EQ(-EFAULT, hot(self->direct, HOT_LOAD, &load))
			TH_LOG("address %#llx", bad[i]);
		EXPECT_EQ(0, load.loaded);
	}
}

/* Arrays that end where memory does, and one element too early. */
TEST_F(fs, arrays_at_the_end_of_memory)
{
	struct pages pages = begin(self->direct);
	struct hot_ranges ranges = { .size = sizeof(ranges), .count = 2 };
	struct hot_load load = { .size = sizeof(load) };
	struct hot_top top = { .size = sizeof(top), .count = 2 };
	int second = open_file(self->dir, "second", O_DIRECT);

	write_at(self->direct, (off_t)64 << HOT_RANGE_SHIFT_DEFAULT, PAGE);
	write_at(second, 0, PAGE);

	ranges.ranges = (uintptr_t)pages.end - 2 * sizeof(struct hot_range);
	EXPECT_EQ(0, hot(self->direct, HOT_GET_RANGES, &ranges));
	EXPECT_EQ(2, ranges.count);
	ranges.ranges += sizeof(struct hot_range);
	ranges.count = 2;
	EXPECT_EQ(-EFAULT, hot(self->direct, HOT_GET_RANGES, &ranges));

	/* It is told how long the buffer is, not how much of it is there. */
	top.buffer_bytes = 2 * HOT_RECORD_MAX;
	top.buffer = (uintptr_t)pages.end - top.buffer_bytes;
	EXPECT_EQ(0, hot(self->direct, HOT_TOP, &top));
	EXPECT_EQ(2, top.count);
	top.buffer = (uintptr_t)pages.end - top.buffer_bytes + 8;
	top.buffer_bytes = 2 * HOT_RECORD_MAX;
	EXPECT_EQ(-EFAULT, hot(self->direct, HOT_TOP, &top));

	load.buffer_bytes = made_up->size;
	load.buffer = (uintptr_t)memcpy(pages.end - made_up->size, made_up, made_up->size);
	EXPECT_EQ(0, hot(self->direct, HOT_LOAD, &load));
	EXPECT_EQ(1, load.loaded);
	load.buffer_bytes = 2 * made_up->size;
	EXPECT_EQ(-EFAULT, hot(self->direct, HOT_LOAD, &load));
}

/*
 * The size in the number is that of the structure the program was built with. Kernel and
 * program may know different ones, so it must not matter.
 */
TEST_F(fs, size_and_direction_in_the_number)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	static const unsigned int sizes[] = { 0, 4, 8, 1024, 16383 };
	const struct command *c;
	unsigned int i;

	for (c = commands; c < commands_end; c++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			unsigned long request = _IOC(_IOC_DIR(c->request), _IOC_TYPE(c->request),
						     _IOC_NR(c->request), sizes[i]);

			EXPECT_EQ(0, do_request(self->direct, request, prepare(c, arg, c->size)))
				TH_LOG("%s with size %u", c->name, sizes[i]);
		}
	}
}

TEST_F(fs, numbers_beside_ours)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	static const int others[] = { 0x5f, 0x68, 0x6f };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		memset(arg, 0, 4096);
		*(__u32 *)arg = 128;
		EXPECT_EQ(-ENOTTY, hot(self->direct, _IOWR(0x15, others[i], struct hot_ctl), arg))
			TH_LOG("number %#x", others[i]);
		EXPECT_EQ(-ENOTTY, hot(self->direct, _IOWR(0x14, 0x60 + i, struct hot_ctl), arg))
			TH_LOG("type 0x14, number %#x", 0x60 + i);
	}
}

TEST_F(fs, directories)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;

	for (c = commands; c < commands_end; c++) {
		EXPECT_EQ(c->of_a_file ? -EINVAL : 0,
			  do_command(self->dir_fd, c, prepare(c, arg, c->size)))
			TH_LOG("%s", c->name);
	}
}

/* There is heat of what lies on a block device alone. */
TEST_F(fs, other_filesystems)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	struct {
		const char *name;
		int fd;
	} others[] = {
		{ "tmpfs", open("/tmp", O_RDONLY | O_TMPFILE | O_RDWR, 0600) },
		{ "proc", open("/proc/version", O_RDONLY) },
		{ "socket", socket(AF_UNIX, SOCK_STREAM, 0) },
		{ "pipe", -1 },
	};
	const struct command *c;
	unsigned int i;
	int ends[2];

	ASSERT_EQ(0, pipe(ends));
	others[3].fd = ends[0];
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		ASSERT_LE(0, others[i].fd) TH_LOG("%s", others[i].name);
		for (c = commands; c < commands_end; c++) {
			EXPECT_EQ(-EOPNOTSUPP, do_command(others[i].fd, c,
							  prepare(c, arg, c->size)))
				TH_LOG("%s on %s", c->name, others[i].name);
		}
	}
}

TEST_F(fs, no_open_file)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	int path_only = open(self->dir, O_PATH);
	const struct command *c;

	ASSERT_LE(0, path_only);
	for (c = commands; c < commands_end; c++) {
		EXPECT_EQ(-EBADF, do_command(path_only, c, prepare(c, arg, c->size)))
			TH_LOG("%s", c->name);
		EXPECT_EQ(-EBADF, do_command(-1, c, prepare(c, arg, c->size)))
			TH_LOG("%s", c->name);
	}
}

TEST_F(fs, while_off)
{
	struct pages pages = begin(self->direct);
	char *arg = pages.start;
	const struct command *c;
	struct hot_ctl ctl;

	ASSERT_EQ(0, hot_off(self->direct));
	for (c = commands; c < commands_end; c++) {
		EXPECT_EQ(c->request == HOT_CTL ? 0 : -ENODATA,
			  do_command(self->direct, c, prepare(c, arg, c->size)))
			TH_LOG("%s", c->name);
	}
	ctl = hot_look(self->direct);
	EXPECT_EQ(0, ctl.state & HOT_STATE_ON);
	ctl = (struct hot_ctl) { .size = sizeof(ctl), .flags = HOT_CTL_SET_HALF_LIFE,
				 .half_life_ms = 60000 };
	EXPECT_EQ(-ENODATA, hot(self->direct, HOT_CTL, &ctl));
}

struct setting {
	__u32 flags;
	__u32 range_shift;
	__u64 half_life_ms, item_bytes, range_bytes;
	int ret;
};

/* On a tracked filesystem. What fails changes nothing. */
static const struct setting settings[] = {
	{ .flags = HOT_CTL_ON | HOT_CTL_OFF, .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = HOT_HALF_LIFE_MIN_MS },
	{ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = HOT_HALF_LIFE_MAX_MS },
	{ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = 0, .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = 999, .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = HOT_HALF_LIFE_MAX_MS + 1,
	  .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_HALF_LIFE, .half_life_ms = ~0ULL, .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_RANGE_BYTES, .range_bytes = 49152 },
	{ .flags = HOT_CTL_SET_RANGE_BYTES, .range_bytes = 49151, .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_RANGE_BYTES, .range_bytes = 0, .ret = -EINVAL },
	{ .flags = HOT_CTL_SET_ITEM_BYTES, .item_bytes = 1 << 20 },
	/* Another range size would make sense of no heat that there is. */
	{ .flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT, .range_shift = 16, .ret = -EBUSY },
	{ .flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT, .range_shift = HOT_RANGE_SHIFT_DEFAULT },
	{ .flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT, .range_shift = 15, .ret = -EINVAL },
	{ .flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT, .range_shift = 31, .ret = -EINVAL },
	{ .flags = HOT_CTL_ON | HOT_CTL_SET_RANGE_SHIFT, .range_shift = ~0U, .ret = -EINVAL },
	/* One of two is wrong: neither is taken. */
	{ .flags = HOT_CTL_SET_HALF_LIFE | HOT_CTL_SET_RANGE_BYTES, .half_life_ms = 5000,
	  .range_bytes = 1, .ret = -EINVAL },
	{ .flags = HOT_CTL_ON | HOT_CTL_SET_HALF_LIFE | HOT_CTL_SET_RANGE_SHIFT,
	  .half_life_ms = 5000, .range_shift = 16, .ret = -EBUSY },
};

TEST_F(fs, settings)
{
	const struct setting *s;

	begin(self->direct);
	for (s = settings; s < settings + ARRAY_SIZE(settings); s++) {
		struct hot_ctl before = hot_look(self->direct), after, ctl = {
			.size = sizeof(ctl),
			.flags = s->flags,
			.range_shift = s->range_shift,
			.half_life_ms = s->half_life_ms,
			.max_item_bytes = s->item_bytes,
			.max_range_bytes = s->range_bytes,
		};

		EXPECT_EQ(s->ret, hot(self->direct, HOT_CTL, &ctl))
			TH_LOG("setting %zu", s - settings);
		EXPECT_EQ(s->flags, ctl.flags);
		after = hot_look(self->direct);
		if (s->ret) {
			EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)))
				TH_LOG("setting %zu", s - settings);
			continue;
		}
		if (s->flags & HOT_CTL_SET_HALF_LIFE)
			EXPECT_EQ(s->half_life_ms, after.half_life_ms);
		if (s->flags & HOT_CTL_SET_ITEM_BYTES)
			EXPECT_EQ(s->item_bytes, after.max_item_bytes);
		if (s->flags & HOT_CTL_SET_RANGE_BYTES)
			EXPECT_EQ(s->range_bytes, after.max_range_bytes);
		/* Heat stays, whatever is set. */
		EXPECT_EQ(HOT_TRACKED, heat_of(self->direct).item_flags & HOT_TRACKED);
	}
}

TEST_F(fs, counts)
{
	static const __u32 wrong[] = { 0, HOT_COUNT_MAX + 1, ~0U };
	struct hot_load load = {
		.size = sizeof(load),
		.buffer = (uintptr_t)made_up,
		.buffer_bytes = HOT_LOAD_MAX + 8,
	};
	unsigned int i;

	begin(self->direct);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct hot_ranges ranges = { .size = sizeof(ranges) };
		struct hot_top top = { .size = sizeof(top) };

		fill_ranges(&ranges);
		ranges.count = wrong[i];
		EXPECT_EQ(-EINVAL, hot(self->direct, HOT_GET_RANGES, &ranges))
			TH_LOG("%u", wrong[i]);
		fill_top(&top);
		top.count = wrong[i];
		EXPECT_EQ(-EINVAL, hot(self->direct, HOT_TOP, &top)) TH_LOG("%u", wrong[i]);
	}
	EXPECT_EQ(-EINVAL, hot(self->direct, HOT_LOAD, &load));
}

TEST_F(fs, thresholds)
{
	static const struct {
		__u32 flags;
		__u64 threshold;
		int ret;
	} tries[] = {
		{ 0, 1, -EINVAL },
		{ HOT_OF_RANGES, HOT_ONE, -EINVAL },
		{ HOT_STREAM_EVENTS, 0, -EINVAL },
		{ HOT_STREAM_EVENTS, 1, 0 },
		{ HOT_STREAM_EVENTS | HOT_OF_RANGES | HOT_BY_READS, HOT_HEAT_MAX, 0 },
	};
	unsigned int i;
	int stream;

	begin(self->direct);
	for (i = 0; i < ARRAY_SIZE(tries); i++) {
		struct hot_stream request = {
			.size = sizeof(request),
			.flags = tries[i].flags,
			.threshold = tries[i].threshold,
		};

		stream = hot(self->direct, HOT_STREAM, &request);
		EXPECT_EQ(tries[i].ret, stream < 0 ? stream : 0) TH_LOG("try %u", i);
		if (stream >= 0) {
			EXPECT_EQ(FD_CLOEXEC, fcntl(stream, F_GETFD));
			EXPECT_EQ(O_RDONLY, fcntl(stream, F_GETFL) & O_ACCMODE);
			close(stream);
		}
	}
}

/* Ranges in portions: each once, in order, whatever the portion. */
TEST_F(fs, ranges_in_portions)
{
	enum { RANGES = 37 };
	static const __u32 portions[] = { 1, 2, 36, 37, 38, 1000 };
	struct hot_range array[1000];
	unsigned int i, n, seen;

	begin(self->direct);
	for (i = 0; i < RANGES; i++)
		write_at(self->direct, (off_t)i << HOT_RANGE_SHIFT_DEFAULT, PAGE);
	for (n = 0; n < ARRAY_SIZE(portions); n++) {
		struct hot_ranges ranges = { .size = sizeof(ranges) };

		seen = 0;
		do {
			ranges.ranges = (uintptr_t)array;
			ranges.count = portions[n];
			ranges.offset = ranges.next;
			ASSERT_EQ(0, hot(self->direct, HOT_GET_RANGES, &ranges));
			ASSERT_GE(portions[n], ranges.count);
			EXPECT_EQ(HOT_RANGE_SHIFT_DEFAULT, ranges.range_shift);
			for (i = 0; i < ranges.count; i++, seen++)
				EXPECT_EQ((__u64)seen << HOT_RANGE_SHIFT_DEFAULT, array[i].offset);
		} while (ranges.next);
		EXPECT_EQ(RANGES, seen) TH_LOG("portions of %u", portions[n]);
	}
}

/* Offsets and lengths at the ends of what they can be. */
TEST_F(fs, ranges_at_the_edges)
{
	static const struct {
		__u64 offset, length;
		__u32 count;
		int ret;
	} looks[] = {
		{ 0, 0, 1 },
		{ 0, 1, 1 },
		{ 0, ~0ULL, 1 },
		{ 1, 0, 1 },			/* in the middle of a range that has heat */
		{ 1 << HOT_RANGE_SHIFT_DEFAULT, 0, 0 },
		{ 0x7fffffffffffffffULL, 0, 0 },
		{ 0x7fffffffffffffffULL, 1, 0 },
		{ ~0ULL, 0, 0 },
		{ ~0ULL, ~0ULL, 4, -EINVAL },
		{ ~0ULL - 4096, 8192, 4, -EINVAL },
	};
	struct hot_range array[4];
	unsigned int i;

	begin(self->direct);
	for (i = 0; i < ARRAY_SIZE(looks); i++) {
		struct hot_ranges ranges = {
			.size = sizeof(ranges),
			.offset = looks[i].offset,
			.length = looks[i].length,
			.ranges = (uintptr_t)array,
			.count = 4,
		};

		EXPECT_EQ(looks[i].ret, hot(self->direct, HOT_GET_RANGES, &ranges))
			TH_LOG("look %u", i);
		EXPECT_EQ(looks[i].count, ranges.count) TH_LOG("look %u", i);
		EXPECT_EQ(0, ranges.next) TH_LOG("look %u", i);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
