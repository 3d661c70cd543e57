// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: a file descriptor that gives records, of all there is or of what becomes hot. A
 * stream has a reference to its tracker, not to the superblock: it does not keep a filesystem
 * from being unmounted.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "tracker.h"

union hot_event {
	struct hot_record record;
	u8 bytes[HOT_RECORD_MAX];
};

/**
 * struct hot_cursor - place in a pass over all items and ranges
 * @id: of the item that was read last
 * @set: of the table, to be read next
 * @way: slot in @set, to be read next
 */
struct hot_cursor {
	unsigned long id;
	u32 set;
	unsigned int way;
};

/**
 * struct hot_reader - an open stream
 * @tracker: whose heat it tells; a reference
 * @flags: as it was opened
 * @mutex: one read at a time; protects @at and @first
 * @at: how far the pass is
 * @threshold: that a record is given for
 * @node: in hot_tracker.streams, whose lock protects all below
 * @queue: HOT_STREAM_QUEUE events
 * @first: number of the event that is read next; modulo the length of @queue its place
 * @next: number of the event that is written next
 * @lost: events since the one that was written last
 * @wait: for events, and for the end
 * @wake: wakes them; there are locks held where events come from
 */
struct hot_reader {
	struct hot_tracker *tracker;
	u32 flags;
	struct mutex mutex;	/* of the cursor */
	struct hot_cursor at;
	u64 threshold;
	struct list_head node;
	union hot_event *queue;
	u32 first;
	u32 next;
	u64 lost;
	wait_queue_head_t wait;
	struct irq_work wake;
};

static void hot_reader_wake(struct irq_work *work)
{
	struct hot_reader *reader = container_of(work, struct hot_reader, wake);

	wake_up_all(&reader->wait);
}

static void hot_reader_push(struct hot_reader *reader, const struct hot_item *item, bool range,
			    u64 index, const struct hot_heat *heat)
{
	struct hot_record *record;

	if (reader->next - reader->first == HOT_STREAM_QUEUE) {
		reader->lost++;
		return;
	}
	record = &reader->queue[reader->next % HOT_STREAM_QUEUE].record;
	if (range) {
		hot_record_range(record, reader->tracker, item, index, heat, heat->epoch);
	} else {
		hot_record_item(record, reader->tracker, item, heat->epoch);
		record->reads = heat->reads;
		record->writes = heat->writes;
	}
	record->lost = reader->lost;
	reader->lost = 0;
	WRITE_ONCE(reader->next, reader->next + 1);
	irq_work_queue(&reader->wake);
}

/**
 * hot_stream_check - tell the streams that wait for it that heat rose
 * @t: the tracker
 * @item: of the inode; the caller has a reference
 * @range: it is the heat of a range, not of the item
 * @index: of the range
 * @change: of the heat
 *
 * Context: any but hard interrupts; raw locks may be held.
 */
void hot_stream_check(struct hot_tracker *t, const struct hot_item *item, bool range, u64 index,
		      const struct hot_change *change)
{
	struct hot_reader *reader;

	raw_spin_lock(&t->streams_lock);
	list_for_each_entry(reader, &t->streams, node) {
		if (range == !!(reader->flags & HOT_OF_RANGES) &&
		    hot_rank(&change->before, reader->flags) < reader->threshold &&
		    hot_rank(&change->after, reader->flags) >= reader->threshold)
			hot_reader_push(reader, item, range, index, &change->after);
	}
	raw_spin_unlock(&t->streams_lock);
}

/* The tracker is stopped: who waits is told. */
void hot_streams_stop(struct hot_tracker *t)
{
	struct hot_reader *reader;

	raw_spin_lock(&t->streams_lock);
	list_for_each_entry(reader, &t->streams, node)
		irq_work_queue(&reader->wake);
	raw_spin_unlock(&t->streams_lock);
}

static bool hot_reader_has_events(struct hot_reader *reader)
{
	return READ_ONCE(reader->first) != READ_ONCE(reader->next);
}

static bool hot_reader_peek(struct hot_reader *reader, union hot_event *out)
{
	struct hot_tracker *t = reader->tracker;
	bool found;

	raw_spin_lock(&t->streams_lock);
	found = hot_reader_has_events(reader);
	if (found)
		*out = reader->queue[reader->first % HOT_STREAM_QUEUE];
	raw_spin_unlock(&t->streams_lock);
	return found;
}

/* The next range in the table whose item is there. Return: 1, 0 at the end, or -EINTR. */
static int hot_cursor_next_range(struct hot_tracker *t, struct hot_cursor *at,
				 union hot_event *out)
{
	struct hot_item item;
	struct hot_set set;

	while (hot_table_read_set(t->table, at->set, &set)) {
		while (at->way < HOT_WAYS) {
			const struct hot_slot *slot = &set.slot[at->way++];

			if (!slot->id || !hot_item_copy(t, slot->id, &item))
				continue;
			hot_record_range(&out->record, t, &item, slot->index, &slot->heat,
					 hot_epoch(t));
			return 1;
		}
		at->way = 0;
		at->set++;
		cond_resched();
		if (signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Return: 1 with a record in @out, 0 if there is none, or -EINTR. */
static int hot_reader_next(struct hot_reader *reader, struct hot_cursor *at, union hot_event *out)
{
	struct hot_tracker *t = reader->tracker;
	struct hot_item item;

	if (reader->flags & HOT_STREAM_EVENTS)
		return hot_reader_peek(reader, out);
	if (hot_item_next(t, &at->id, &item)) {
		hot_record_item(&out->record, t, &item, hot_epoch(t));
		return 1;
	}
	return reader->flags & HOT_OF_RANGES ? hot_cursor_next_range(t, at, out) : 0;
}

/* What has been read is not read again. */
static void hot_reader_advance(struct hot_reader *reader, const struct hot_cursor *at)
{
	if (reader->flags & HOT_STREAM_EVENTS)
		WRITE_ONCE(reader->first, reader->first + 1);
	else
		reader->at = *at;
}

/* As many records as fit and are there; an error only if there are none. */
static ssize_t hot_reader_fill(struct hot_reader *reader, char __user *buf, size_t len)
{
	struct hot_tracker *t = reader->tracker;
	struct hot_cursor at = reader->at;
	union hot_event event;
	ssize_t filled = 0;
	int found = 0;

	if (READ_ONCE(t->stopped))
		return -ENODEV;
	if (!(reader->flags & HOT_STREAM_EVENTS))
		hot_combiners_drain(t, HOT_PASS);
	while (len - filled >= HOT_RECORD_MAX) {
		found = hot_reader_next(reader, &at, &event);
		if (found <= 0)
			break;
		if (copy_to_user(buf + filled, &event, event.record.size)) {
			found = -EFAULT;
			break;
		}
		hot_reader_advance(reader, &at);
		filled += event.record.size;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return filled ?: min(found, 0);
}

static ssize_t hot_stream_read(struct file *file, char __user *buf, size_t len, loff_t *pos)
{
	struct hot_reader *reader = file->private_data;
	bool events = reader->flags & HOT_STREAM_EVENTS;
	ssize_t filled;

	if (len < HOT_RECORD_MAX)
		return -EINVAL;
	len = min_t(size_t, len, MAX_RW_COUNT);
	for (;;) {
		if (mutex_lock_interruptible(&reader->mutex))
			return -ERESTARTSYS;
		filled = hot_reader_fill(reader, buf, len);
		mutex_unlock(&reader->mutex);
		if (filled || !events)
			return filled;
		if (file->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(reader->wait, hot_reader_has_events(reader) ||
					     READ_ONCE(reader->tracker->stopped)))
			return -ERESTARTSYS;
	}
}

static __poll_t hot_stream_poll(struct file *file, poll_table *table)
{
	struct hot_reader *reader = file->private_data;

	poll_wait(file, &reader->wait, table);
	if (READ_ONCE(reader->tracker->stopped))
		return EPOLLHUP | EPOLLERR;
	if (!(reader->flags & HOT_STREAM_EVENTS) || hot_reader_has_events(reader))
		return EPOLLIN | EPOLLRDNORM;
	return 0;
}

/* Only back to the beginning of a pass. */
static loff_t hot_stream_llseek(struct file *file, loff_t offset, int whence)
{
	struct hot_reader *reader = file->private_data;

	if (reader->flags & HOT_STREAM_EVENTS)
		return -ESPIPE;
	if (offset || whence != SEEK_SET)
		return -EINVAL;
	mutex_lock(&reader->mutex);
	reader->at = (struct hot_cursor) { };
	mutex_unlock(&reader->mutex);
	return 0;
}

static void hot_reader_unwatch(struct hot_reader *reader)
{
	struct hot_tracker *t = reader->tracker;

	raw_spin_lock(&t->streams_lock);
	list_del(&reader->node);
	WRITE_ONCE(t->watched, !list_empty(&t->streams));
	raw_spin_unlock(&t->streams_lock);
	irq_work_sync(&reader->wake);
}

static void hot_reader_free(struct hot_reader *reader)
{
	hot_tracker_put(reader->tracker);
	kvfree(reader->queue);
	kfree(reader);
}

static int hot_stream_release(struct inode *inode, struct file *file)
{
	struct hot_reader *reader = file->private_data;

	if (reader->flags & HOT_STREAM_EVENTS)
		hot_reader_unwatch(reader);
	hot_reader_free(reader);
	return 0;
}

static const struct file_operations hot_stream_fops = {
	.owner = THIS_MODULE,
	.read = hot_stream_read,
	.poll = hot_stream_poll,
	.llseek = hot_stream_llseek,
	.release = hot_stream_release,
};

/* From here on what rises across the threshold is told. */
static int hot_reader_watch(struct hot_reader *reader)
{
	struct hot_tracker *t = reader->tracker;
	int error = 0;

	/* What was counted before is no news. */
	hot_combiners_drain(t, HOT_PASS);
	raw_spin_lock(&t->streams_lock);
	if (READ_ONCE(t->stopped)) {
		error = -ENODATA;
	} else if (list_count_nodes(&t->streams) < HOT_STREAMS_MAX) {
		list_add(&reader->node, &t->streams);
		WRITE_ONCE(t->watched, true);
	} else {
		error = -EBUSY;
	}
	raw_spin_unlock(&t->streams_lock);
	/* From here on all CPUs see that each request has to be passed on. */
	hot_combiners_drain(t, HOT_PASS);
	return error;
}

/**
 * hot_stream_open - open a stream
 * @t: the tracker, which is on
 * @arg: see HOT_STREAM; its flags are known
 *
 * Context: may sleep.
 *
 * Return: a file descriptor, or -EINVAL, -EBUSY, -ENOMEM, -EMFILE, -ENFILE.
 */
int hot_stream_open(struct hot_tracker *t, const struct hot_stream *arg)
{
	bool events = arg->flags & HOT_STREAM_EVENTS;
	struct hot_reader *reader;
	int fd;

	if (events != !!arg->threshold)
		return -EINVAL;
	reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
	if (!reader)
		return -ENOMEM;
	reader->tracker = hot_tracker_get(t);
	reader->flags = arg->flags;
	reader->threshold = arg->threshold;
	mutex_init(&reader->mutex);
	init_waitqueue_head(&reader->wait);
	init_irq_work(&reader->wake, hot_reader_wake);
	INIT_LIST_HEAD(&reader->node);
	fd = -ENOMEM;
	if (events) {
		reader->queue = kvcalloc(HOT_STREAM_QUEUE, sizeof(*reader->queue),
					 GFP_KERNEL_ACCOUNT);
		if (!reader->queue)
			goto free;
		fd = hot_reader_watch(reader);
		if (fd)
			goto free;
	}
	fd = anon_inode_getfd("[hot_stream]", &hot_stream_fops, reader, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (events)
		hot_reader_unwatch(reader);
free:
	hot_reader_free(reader);
	return fd;
}
