// SPDX-License-Identifier: GPL-2.0
/* The file of hotctl save: what is whole is read, whatever is not whole is refused. */
#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "hotctl_saved.h"
#include "hottrack.h"
#include "lib_mock.h"

/* Of a file with 7 records of different lengths. */
#define RECORDS 7

static char folder[64], path[80];
static char whole[2048];
static size_t bytes;

static void write_file(const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, length), length);
	close(fd);
}

static struct saved_header header(void)
{
	return (struct saved_header){
		.flags = SAVED_HAS_UUID, .uuid = "0123456789abcde", .half_life_ms = 600000,
		.saved_ms = 1700000000000, .range_shift = 20,
	};
}

/* Write the file and keep its bytes. */
static void save(void)
{
	struct saved_header h = header();
	struct saved_writer *writer;
	int fd;

	assert_int_equal(saved_create(path, &writer), 0);
	for (unsigned int i = 0; i < RECORDS; i++) {
		union {
			struct hot_record record;
			char space[HOT_RECORD_MAX];
		} r = { 0 };

		r.record.handle_bytes = 4 * i + 4;
		r.record.size = (sizeof(r.record) + r.record.handle_bytes + 7) / 8 * 8;
		r.record.reads = i;
		memset(r.record.handle, 'a' + i, r.record.handle_bytes);
		assert_int_equal(saved_add(writer, &r, r.record.size), 0);
	}
	/* Not there before it is whole. */
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(saved_commit(writer, &h), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bytes = read(fd, whole, sizeof(whole));
	assert_true(bytes > sizeof(h) && bytes < sizeof(whole));
	close(fd);
}

static int setup(void **state)
{
	(void)state;
	stpcpy(folder, "/tmp/hotctl.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/heat", folder);
	save();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	/* Nothing else is left in it. */
	return rmdir(folder);
}

static int read_back(const char **why)
{
	struct saved saved;
	int ret;

	*why = NULL;
	ret = saved_read(path, &saved, why);
	if (ret)
		assert_null(saved.records);
	free(saved.records);
	return ret;
}

static void round_trip(void **state)
{
	struct saved_header wanted = header();
	struct saved saved;
	const char *why;
	struct stat st;

	(void)state;
	assert_int_equal(saved_read(path, &saved, &why), 0);
	assert_int_equal(saved.header.count, RECORDS);
	assert_memory_equal(saved.header.uuid, wanted.uuid, 16);
	assert_true(saved.header.saved_ms == wanted.saved_ms);
	assert_true(saved.header.half_life_ms == wanted.half_life_ms);
	assert_int_equal(saved.header.range_shift, 20);
	assert_memory_equal(saved.records, whole + sizeof(saved.header), saved.header.bytes);
	free(saved.records);
	/* Handles are for root's eyes. */
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* No records is no error. */
	struct saved_writer *writer;

	assert_int_equal(saved_create(path, &writer), 0);
	assert_int_equal(saved_commit(writer, &wanted), 0);
	assert_int_equal(saved_read(path, &saved, &why), 0);
	assert_int_equal(saved.header.count, 0);
	free(saved.records);
}

static void cut_off(void **state)
{
	const char *why;

	(void)state;
	for (size_t length = 0; length < bytes; length++) {
		write_file(whole, length);
		assert_int_equal(read_back(&why), -EBADMSG);
		assert_string_equal(why, length < sizeof(SAVED_MAGIC) - 1 ?
				    "is not a file of hotctl save" : "is cut off");
	}
	write_file(whole, bytes);
	assert_int_equal(read_back(&why), 0);
	whole[bytes] = 0;
	write_file(whole, bytes + 1);
	assert_int_equal(read_back(&why), -EBADMSG);
}

static void flipped_bits(void **state)
{
	const char *why;

	(void)state;
	for (size_t bit = 0; bit < bytes * 8; bit++) {
		whole[bit / 8] ^= 1 << bit % 8;
		write_file(whole, bytes);
		assert_int_equal(read_back(&why), -EBADMSG);
		assert_non_null(why);
		whole[bit / 8] ^= 1 << bit % 8;
	}
}

/* Damage with checksums that are right, as only malice can make it. */
static void right_checksums(void **state)
{
	struct saved_header *h = (void *)whole;
	const size_t magic = sizeof(h->magic);
	unsigned int refused = 0, accepted = 0;
	char good[sizeof(whole)];
	const char *why;

	(void)state;
	memcpy(good, whole, sizeof(good));
	srand(4);
	for (int round = 0; round < 4000; round++) {
		for (int flips = rand() % 3 + 1; flips; flips--)
			whole[magic + rand() % (bytes - magic)] ^= 1 << rand() % 8;
		h->version = SAVED_VERSION;
		if (h->bytes <= bytes - sizeof(*h))
			h->records_crc = crc32(0, (void *)(h + 1), h->bytes);
		h->header_crc = crc32(0, (void *)h, offsetof(struct saved_header, header_crc));
		write_file(whole, bytes);
		/* The sanitizers watch what it does. */
		if (read_back(&why))
			refused++;
		else
			accepted++;
		memcpy(whole, good, sizeof(good));
	}
	assert_true(refused > 100 && accepted > 100);
}

static void wrong_count(void **state)
{
	struct saved_header *h = (void *)whole;
	const char *why;

	(void)state;
	h->count++;
	h->header_crc = crc32(0, (void *)h, offsetof(struct saved_header, header_crc));
	write_file(whole, bytes);
	assert_int_equal(read_back(&why), -EBADMSG);
	assert_non_null(strstr(why, "number of its records"));
}

static void version_and_order(void **state)
{
	struct saved_header *h = (void *)whole;
	const char *why;

	(void)state;
	h->version = 2;
	write_file(whole, bytes);
	assert_int_equal(read_back(&why), -EBADMSG);
	assert_non_null(strstr(why, "newer"));
	h->version = bswap_32(1);
	write_file(whole, bytes);
	assert_int_equal(read_back(&why), -EBADMSG);
	assert_non_null(strstr(why, "byte order"));
}

static void not_files(void **state)
{
	struct saved_writer *writer;
	const char *why;

	(void)state;
	unlink(path);
	assert_int_equal(read_back(&why), -ENOENT);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_back(&why), -EINVAL);
	assert_int_equal(saved_create(path, &writer), -EINVAL);
	unlink(path);
	assert_int_equal(saved_create("/dev/null", &writer), -EINVAL);
	assert_int_equal(saved_create("/no/such/folder/file", &writer), -ENOENT);
}

static void replaced_whole_or_not(void **state)
{
	struct saved_writer *writer;
	struct saved_header h = header();
	char other[96];
	struct stat st;
	const char *why;

	(void)state;
	assert_int_equal(saved_create(path, &writer), 0);
	assert_int_equal(saved_add(writer, whole + sizeof(h), 80), 0);
	saved_abandon(writer);
	saved_abandon(NULL);
	assert_int_equal(read_back(&why), 0);
	/* A link stays a link. */
	snprintf(other, sizeof(other), "%s/link", folder);
	assert_int_equal(symlink("heat", other), 0);
	assert_int_equal(saved_create(other, &writer), 0);
	assert_int_equal(saved_commit(writer, &h), 0);
	assert_int_equal(lstat(other, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(other);
	assert_int_equal(read_back(&why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, sizeof(h));
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		test(round_trip),
		test(cut_off),
		test(flipped_bits),
		test(right_checksums),
		test(wrong_count),
		test(version_and_order),
		test(not_files),
		test(replaced_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
