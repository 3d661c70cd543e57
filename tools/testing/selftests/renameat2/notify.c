// SPDX-License-Identifier: GPL-2.0
/* Who watches is told of a rename with new flags what he is told of a plain one. */
#include <stdalign.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "fixture.h"
#include "on_two.h"

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID	0x1000
#endif
#ifndef FAN_RENAME
#define FAN_RENAME		0x10000000
#endif
#ifndef FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME	10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME	12
#endif

#define OF_FILES	(FAN_OPEN | FAN_CLOSE | FAN_MODIFY | FAN_ATTRIB | FAN_ACCESS | \
			 FAN_MOVE_SELF | FAN_DELETE_SELF)
#define OF_DIRECTORIES	(OF_FILES | FAN_RENAME | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE | \
			 FAN_CREATE | FAN_EVENT_ON_CHILD | FAN_ONDIR)

#define TEXT	2048

/* Events as text: two of them are equal when these are. */
struct watches {
	int inotify, fanotify;
};

static void watch(struct watches *w, const char *const names[], int nr)
{
	int i;

	w->inotify = inotify_init1(IN_NONBLOCK);
	w->fanotify = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_REPORT_FID |
				    FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID,
				    0);
	if (w->fanotify < 0)
		broken("fanotify_init");
	for (i = 0; i < nr; i++) {
		if (inotify_add_watch(w->inotify, names[i], IN_ALL_EVENTS) < 0)
			broken("inotify_add_watch");
		/* A slash: a file. Events of renames are of directories. */
		if (fanotify_mark(w->fanotify, FAN_MARK_ADD, strchr(names[i], '/') ?
				  OF_FILES : OF_DIRECTORIES, AT_FDCWD, names[i]))
			broken("fanotify_mark");
	}
}

/* Cookies are numbered anew: only which of them are the same matters. */
static int cookie_number(unsigned int cookie)
{
	static unsigned int seen[256];
	static int nr;
	int i;

	if (!cookie) {
		nr = 0;
		return 0;
	}
	for (i = 0; i < nr; i++)
		if (seen[i] == cookie)
			return i + 1;
	seen[nr++] = cookie;
	return nr;
}

static void read_inotify(int fd, char text[TEXT])
{
	alignas(8) char buffer[4096];
	ssize_t len = read(fd, buffer, sizeof(buffer)), at;

	cookie_number(0);
	for (at = 0; at < len;) {
		struct inotify_event *e = (void *)(buffer + at);
		size_t end = strlen(text);

		snprintf(text + end, TEXT - end, "%d:%x:%d:%s ", e->wd, e->mask,
			 e->cookie ? cookie_number(e->cookie) : 0, e->len ? e->name : "");
		at += sizeof(*e) + e->len;
	}
}

static void read_fanotify(int fd, char text[TEXT])
{
	alignas(8) char buffer[8192];
	ssize_t len = read(fd, buffer, sizeof(buffer));
	struct fanotify_event_metadata *e = (void *)buffer;

	for (; FAN_EVENT_OK(e, len); e = FAN_EVENT_NEXT(e, len)) {
		char *info = (char *)(e + 1), *end = (char *)e + e->event_len;
		size_t at = strlen(text);

		snprintf(text + at, TEXT - at, "%llx", (unsigned long long)e->mask);
		while (info < end) {
			struct fanotify_event_info_header *h = (void *)info;
			struct fanotify_event_info_fid *fid = (void *)info;
			struct file_handle *handle = (void *)fid->handle;
			const char *name = "";

			/* Names are after the handle of the directory. */
			if (h->info_type != FAN_EVENT_INFO_TYPE_FID)
				name = (char *)handle->f_handle + handle->handle_bytes;
			at = strlen(text);
			snprintf(text + at, TEXT - at, ":%d:%s", h->info_type, name);
			info += h->len;
		}
		strcat(text, " ");
	}
}

static const char *told(struct watches *w, char text[TEXT])
{
	text[0] = 0;
	read_inotify(w->inotify, text);
	strcat(text, "| ");
	read_fanotify(w->fanotify, text);
	close(w->inotify);
	close(w->fanotify);
	return text;
}

static const char *const watched[] = { "one", "two", "one/source", "two/target" };

static void make_pair(void)
{
	unlink("one/source");
	unlink("two/target");
	make_file("one/source", "new");
	make_file("two/target", "old");
	set_mtime("two/target", 1000, 0);
}

TEST_F(fs, as_with_a_plain_rename)
{
	static const unsigned int flags[] = { 0, RENAME_EXCHANGE, RENAME_WHITEOUT };
	struct rename_cond cond;
	char plain[TEXT], ours[TEXT];
	struct watches w;
	unsigned int i;

	make_dir("one");
	make_dir("two");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		make_pair();
		watch(&w, watched, 4);
		ASSERT_EQ(0, ren("one/source", "two/target", flags[i]));
		told(&w, plain);
		EXPECT_LT(40, strlen(plain));

		make_pair();
		watch(&w, watched, 4);
		ASSERT_EQ(0, ren("one/source", "two/target", flags[i] | RENAME_SYNC));
		EXPECT_STREQ(plain, told(&w, ours));

		make_pair();
		cond = both(both(target_is(open_path("two/target")), unchanged("two/target")),
			    both(source_is(open_path("one/source")), source_newer()));
		watch(&w, watched, 4);
		ASSERT_EQ(0, ren_if("one/source", "two/target", flags[i] | RENAME_SYNC, cond));
		close(cond.target_fd);
		close(cond.source_fd);
		EXPECT_STREQ(plain, told(&w, ours));

		if (flags[i] == RENAME_EXCHANGE)
			continue;
		make_pair();
		watch(&w, watched, 4);
		ASSERT_EQ(0, ren("one/source", "two/target", flags[i] | RENAME_REPLACE));
		EXPECT_STREQ(plain, told(&w, ours));
	}
}

/* Of a rename that was not done nobody is told. */
TEST_F(fs, nothing_when_refused)
{
	static const unsigned int flags[] = { 0, RENAME_EXCHANGE, RENAME_WHITEOUT, RENAME_SYNC };
	struct rename_cond changed;
	char silence[TEXT], text[TEXT];
	struct watches w;
	unsigned int i;
	int source, target;

	make_dir("one");
	make_dir("two");
	make_pair();
	set_mtime("one/source", 500, 0);
	changed = unchanged("two/target");
	changed.target_size++;
	source = open_path("one/source");
	target = open_path("two/target");
	watch(&w, watched, 4);
	told(&w, silence);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		watch(&w, watched, 4);
		EXPECT_EQ(-EAGAIN, ren_if("one/source", "two/target", flags[i],
					  target_is(source)));
		EXPECT_EQ(-EAGAIN, ren_if("one/source", "two/target", flags[i],
					  source_is(target)));
		EXPECT_EQ(-EAGAIN, ren_if("one/source", "two/target", flags[i], source_newer()));
		EXPECT_EQ(-EAGAIN, ren_if("one/source", "two/target", flags[i], changed));
		EXPECT_EQ(-ENOENT, ren_if("one/source", "two/absent", flags[i],
					  target_is(target)));
		EXPECT_EQ(-EINVAL, ren("one/source", "two/target", flags[i] | 8));
		EXPECT_STREQ(silence, told(&w, text));
	}
	watch(&w, watched, 4);
	EXPECT_EQ(-ENOENT, ren("one/source", "two/absent", RENAME_REPLACE));
	EXPECT_EQ(-EAGAIN, ren_if("one/source", "two/target", 0, no_target()));
	EXPECT_STREQ(silence, told(&w, text));
}

int main(int argc, char **argv)
{
	need_flags();
	return run_tests(argc, argv);
}
