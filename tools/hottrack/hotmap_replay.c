// SPDX-License-Identifier: GPL-2.0
/* hotmap render and replay: what a recording says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hotmap_request.h"

#define DEFAULT_PACE_MS 500

/**
 * struct tape - an open recording
 * @file: that it is in
 * @rec: reads it
 * @subject: what it is of
 * @h: what there is in it
 */
struct tape {
	FILE *file;
	struct recording *rec;
	struct subject subject;
	struct history h;
};

/* What cannot be read twice is kept in a file without a name. */
static FILE *rereadable(FILE *from)
{
	char buffer[65536];
	FILE *copy;
	size_t n;

	if (!fseek(from, 0, SEEK_SET))
		return from;
	copy = tmpfile();
	while (copy && (n = fread(buffer, 1, sizeof(buffer), from)) > 0)
		if (fwrite(buffer, 1, n, copy) != n)
			break;
	if (copy && (ferror(from) || ferror(copy) || fseek(copy, 0, SEEK_SET))) {
		fclose(copy);
		copy = NULL;
	}
	fclose(from);
	return copy;
}

static int fail(const struct request *req, int err)
{
	complain("%s: %s", req->arguments[0], strerror(-err));
	return err == -ENOMEM ? EXIT_OUTPUT : EXIT_INPUT;
}

static int no_use(const struct request *req, const char *why)
{
	complain("%s: %s", req->arguments[0], why);
	return EXIT_INPUT;
}

/* Open a recording and look through all of it; an exit code. */
static int load(struct tape *tape, const struct request *req)
{
	const char *path = req->arguments[0];
	FILE *from = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int ret;

	tape->file = from ? rereadable(from) : NULL;
	if (!tape->file)
		return fail(req, -errno);
	ret = recording_open(&tape->rec, tape->file, &tape->subject);
	if (ret == -EBADMSG)
		return no_use(req, recording_problem(tape->rec));
	if (!ret)
		ret = history_read(&tape->h, tape->rec, &tape->subject, req->view.by, req->file);
	if (ret)
		return fail(req, ret);
	if (recording_problem(tape->rec))
		complain("%s: %s; what comes before is used, samples: %lu", path,
			 recording_problem(tape->rec), tape->h.frames);
	if (!tape->h.frames)
		return no_use(req, "there is no sample in it");
	if (!tape->h.nr_files && req->file)
		return no_use(req, "no file has that in its name");
	ret = recording_rewind(tape->rec);
	return ret ? fail(req, ret) : EXIT_DONE;
}

/* A recorder may be killed, but nothing else should happen to a recording. */
static int unload(struct tape *tape, int code)
{
	if (!code && tape->rec && recording_problem(tape->rec) && !recording_cut_off(tape->rec))
		code = EXIT_INPUT;
	history_free(&tape->h);
	recording_close(tape->rec);
	free(tape->subject.path);
	if (tape->file)
		fclose(tape->file);
	return code;
}

static int draw_frame(struct request *req, const struct tape *tape, const struct frame *frame)
{
	struct scale scale;
	struct picture p;
	int code;

	view_fit(req, tape->subject.one_file ? KIND_FILE : KIND_FILES, frame->nr_files);
	/* The same at all times. */
	history_scale(&tape->h, &req->view, tape->h.nr_files, &scale);
	if (picture_of_frame(&p, &tape->subject, frame, &req->view, &scale))
		code = no_memory();
	else
		code = output_picture(req, &p);
	picture_free(&p);
	return code;
}

/* The last frame up to that time. */
static int render_at(struct request *req, struct tape *tape)
{
	struct frame frame = { 0 }, next;
	int ret, code;

	while ((ret = recording_next(tape->rec, &next)) > 0) {
		if (frame.half_life_ms && next.elapsed_ms > req->at_ms) {
			frame_free(&next);
			break;
		}
		frame_free(&frame);
		frame = next;
	}
	if (ret < 0)
		code = fail(req, ret);
	else if (req->format == FORMAT_JSON)
		code = output_json(req, &tape->subject, &frame, NULL);
	else
		code = draw_frame(req, tape, &frame);
	frame_free(&frame);
	return code;
}

static int render_all(struct request *req, struct tape *tape)
{
	struct picture p;
	int ret, code;

	if (req->format == FORMAT_JSON)
		return output_json(req, &tape->subject, NULL, tape->rec);
	if (req->file)
		req->view.files = 1;
	view_fit(req, req->view.files == 1 || tape->h.nr_files == 1 ? KIND_FILE_TIME :
		 KIND_FILES_TIME, tape->h.nr_files);
	ret = picture_of_history(&p, &tape->subject, &tape->h, tape->rec, &req->view);
	code = ret ? fail(req, ret) : output_picture(req, &p);
	picture_free(&p);
	return code;
}

int run_render(struct request *req)
{
	struct tape tape = { 0 };
	int code = load(&tape, req);

	if (!code)
		code = req->at_given ? render_at(req, &tape) : render_all(req, &tape);
	return unload(&tape, code);
}

static int play(struct request *req, struct tape *tape)
{
	__u64 pace = req->interval_ms ? req->interval_ms : DEFAULT_PACE_MS;
	bool terminal = isatty(STDOUT_FILENO), on = true;
	int ret, code = EXIT_DONE;
	struct frame frame;

	signals_block();
	while (on && !code && (ret = recording_next(tape->rec, &frame)) > 0) {
		/* To the top left corner, and an empty screen. */
		if (terminal)
			fputs("\033[H\033[2J", stdout);
		else if (tape->h.frames > 1)
			putchar('\n');
		code = draw_frame(req, tape, &frame);
		frame_free(&frame);
		if (terminal)
			on = sleep_until(boot_ms() + pace);
	}
	return code ? code : ret < 0 ? fail(req, ret) : EXIT_DONE;
}

int run_replay(struct request *req)
{
	struct tape tape = { 0 };
	int code = load(&tape, req);

	if (!code)
		code = play(req, &tape);
	return unload(&tape, code);
}
