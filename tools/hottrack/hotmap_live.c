// SPDX-License-Identifier: GPL-2.0
/* hotmap show and record: what the kernel says now. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hotmap_request.h"

#define DEFAULT_INTERVAL_MS 10000
/* Where there is no picture whose room decides. */
#define DEFAULT_FILES 64
/* Files that are asked for if it is not known yet how many have room. */
#define MOST_SHOWN 1000

static int exit_code(int err)
{
	switch (-err) {
	case ENOTTY:
	case EOPNOTSUPP:
		return EXIT_CANNOT_TRACK;
	case ENODATA:
	case ENODEV:
		return EXIT_OFF;
	case EPERM:
	case EACCES:
		return EXIT_NOT_PERMITTED;
	case ENOMEM:
		return EXIT_OUTPUT;
	default:
		return EXIT_INPUT;
	}
}

/* The kernel said no. */
static int fail(const struct subject *subject, int err)
{
	if (err == -ENODATA)
		complain("%s: %s; turn it on with 'hotctl on'", subject->path,
			 hottrack_strerror(err));
	else
		complain("%s: %s", subject->path, hottrack_strerror(err));
	return exit_code(err);
}

/* A path as a name. */
static char *name_of(const char *path)
{
	struct hottrack_file file = { .known = HOTTRACK_NAMED, .path = (char *)path };
	char *described = hottrack_describe(&file), *name = NULL;

	if (described)
		name = text_safe(described, true);
	free(described);
	return name;
}

static int open_path(const char *path, struct hottrack **ht, struct subject *subject)
{
	struct timespec now;
	struct stat st;
	char *real;
	int ret;

	ret = hottrack_open(ht, path);
	if (ret) {
		complain("%s: %s", path, ret == -EINVAL ? "neither a folder nor a regular file" :
			 strerror(-ret));
		return ret == -ENOMEM ? EXIT_OUTPUT : EXIT_INPUT;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	subject->start_ms = now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
	subject->one_file = !fstat(hottrack_fd(*ht), &st) && S_ISREG(st.st_mode);
	real = subject->one_file ? realpath(path, NULL) : NULL;
	if (subject->one_file)
		subject->path = name_of(real ? real : path);
	else
		subject->path = name_of(hottrack_mount_point(*ht));
	free(real);
	return subject->path ? EXIT_DONE : no_memory();
}

static int sample(struct hottrack *ht, const struct request *req, const struct subject *subject,
		  unsigned int files, struct frame *frame)
{
	if (subject->one_file)
		return sample_file(ht, subject->path, frame);
	return sample_filesystem(ht, req->view.by, files, req->search, frame);
}

static int show_frame(struct request *req, const struct subject *subject,
		      const struct frame *frame)
{
	struct picture p;
	int code;

	if (req->format == FORMAT_JSON)
		return output_json(req, subject, frame, NULL);
	if (picture_of_frame(&p, subject, frame, &req->view, NULL))
		code = no_memory();
	else
		code = output_picture(req, &p);
	picture_free(&p);
	return code;
}

static void use_default(struct request *req)
{
	if (!req->view.files)
		req->view.files = DEFAULT_FILES;
}

int run_show(struct request *req)
{
	struct subject subject = { 0 };
	struct hottrack *ht = NULL;
	struct frame frame;
	int code, ret;

	code = open_path(req->nr_arguments ? req->arguments[0] : ".", &ht, &subject);
	if (!code) {
		if (req->format == FORMAT_JSON)
			use_default(req);
		else
			view_fit(req, subject.one_file ? KIND_FILE : KIND_FILES, MOST_SHOWN);
		ret = sample(ht, req, &subject, req->view.files, &frame);
		if (ret) {
			code = fail(&subject, ret);
		} else {
			code = show_frame(req, &subject, &frame);
			frame_free(&frame);
		}
	}
	hottrack_close(ht);
	free(subject.path);
	return code;
}

/* What is there is not overwritten. */
static FILE *create(const char *path)
{
	struct stat st;
	int fd;

	if (!strcmp(path, "-"))
		return stdout;
	/* A FIFO or a device may be there. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	else
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOCTTY | O_CLOEXEC, 0600);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int fail_recording(const char *path, int err)
{
	complain("%s: %s%s", path, strerror(-err),
		 err == -EEXIST ? "; a recording is not overwritten" : "");
	return EXIT_OUTPUT;
}

static int record(struct hottrack *ht, const struct request *req, const struct subject *subject,
		  struct recording *rec)
{
	__u64 begin = boot_ms(), next = begin, now;
	size_t left_out, told = 0;
	struct frame frame;
	int ret;

	do {
		now = boot_ms();
		ret = sample(ht, req, subject, req->view.files, &frame);
		if (ret)
			return fail(subject, ret);
		frame.elapsed_ms = now - begin;
		ret = recording_add(rec, &frame, &left_out);
		frame_free(&frame);
		if (ret)
			return fail_recording(req->arguments[1], ret);
		if (left_out > told)
			complain("%zu files have too many ranges for one sample and are left out",
				 left_out);
		told = left_out > told ? left_out : told;
		/* What was missed, because the machine slept, is not made up for. */
		next += (now - next) / subject->interval_ms * subject->interval_ms;
		next += subject->interval_ms;
	} while ((!req->duration_ms || next - begin <= req->duration_ms) && sleep_until(next));
	return EXIT_DONE;
}

static int record_to(struct hottrack *ht, const struct request *req,
		     const struct subject *subject, FILE *to)
{
	struct recording *rec = NULL;
	int ret = recording_create(&rec, to, subject), code;

	code = ret ? fail_recording(req->arguments[1], ret) : record(ht, req, subject, rec);
	recording_close(rec);
	if (to != stdout && fclose(to) && !code)
		code = fail_recording(req->arguments[1], -errno);
	return code;
}

/* Whether it works at all, before a file is made. */
static int try(struct hottrack *ht, const struct request *req, const struct subject *subject)
{
	struct frame frame;
	int ret = sample(ht, req, subject, 1, &frame);

	if (ret)
		return fail(subject, ret);
	frame_free(&frame);
	return EXIT_DONE;
}

int run_record(struct request *req)
{
	struct subject subject = { 0 };
	struct hottrack *ht = NULL;
	FILE *to;
	int code = open_path(req->arguments[0], &ht, &subject);

	use_default(req);
	subject.interval_ms = req->interval_ms ? req->interval_ms : DEFAULT_INTERVAL_MS;
	if (!code)
		code = try(ht, req, &subject);
	if (!code && !strcmp(req->arguments[1], "-") && isatty(STDOUT_FILENO)) {
		complain("a recording is not for a terminal");
		code = EXIT_OUTPUT;
	}
	if (!code) {
		signals_block();
		to = create(req->arguments[1]);
		code = to ? record_to(ht, req, &subject, to) :
			    fail_recording(req->arguments[1], -errno);
	}
	hottrack_close(ht);
	free(subject.path);
	return code;
}
