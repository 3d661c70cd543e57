// SPDX-License-Identifier: GPL-2.0
/* hotmap: where pictures go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hotmap_request.h"

int no_memory(void)
{
	complain("%s", strerror(ENOMEM));
	return EXIT_OUTPUT;
}

/* Fill in what there is room for. */
void view_fit(struct request *req, enum picture_kind kind, size_t files)
{
	if (req->format == FORMAT_TEXT)
		print_view(&req->term, kind, files, &req->view);
	else
		paint_view(&req->page, kind, files, &req->view);
}

static int fail_output(const struct request *req, int err)
{
	complain("%s: %s", req->output ? req->output : "standard output", strerror(-err));
	return EXIT_OUTPUT;
}

/* What is complete takes the place of a file that there is; what is not does it no harm. */
static int put_file(const struct request *req, const char *data, size_t bytes)
{
	FILE *to = req->output ? fopen(req->output, "we") : stdout;
	int ret = 0;

	if (!to)
		return fail_output(req, -errno);
	errno = 0;
	if (fwrite(data, 1, bytes, to) != bytes || fflush(to))
		ret = errno ? -errno : -EIO;
	if (req->output && fclose(to) && !ret)
		ret = -errno;
	return ret ? fail_output(req, ret) : EXIT_DONE;
}

int output_picture(const struct request *req, const struct picture *p)
{
	char *data = NULL;
	size_t bytes;
	FILE *memory = open_memstream(&data, &bytes);
	int ret, code;

	if (!memory)
		return no_memory();
	ret = req->format == FORMAT_TEXT ? print(&req->term, p, memory) :
					   paint(&req->page, p, memory);
	if (fclose(memory) || ret)
		code = no_memory();
	else
		code = put_file(req, data, bytes);
	free(data);
	return code;
}

/* Of a recording if there is one, else of a frame; directly, as it can be larger than memory. */
int output_json(const struct request *req, const struct subject *subject,
		const struct frame *frame, struct recording *rec)
{
	FILE *to = req->output ? fopen(req->output, "we") : stdout;
	int ret;

	if (!to)
		return fail_output(req, -errno);
	ret = rec ? json_recording(to, subject, rec, &req->view, req->file) :
		    json_frame(to, subject, frame, &req->view);
	if (req->output && fclose(to) && !ret)
		ret = -errno;
	return ret ? fail_output(req, ret) : EXIT_DONE;
}
