// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/fs/hot_track/<major>:<minor>/: settings and statistics, one value a file.
 */
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/sysfs.h>
#include "tracker.h"

static struct kobject *hot_root;

/**
 * struct hot_attribute - a file in the folder of a tracker
 * @attr: name and mode
 * @offset: of the value in struct hot_ctl
 * @size: of the value there
 * @flag: what HOT_CTL needs to change it, 0 if it is not for changing
 */
struct hot_attribute {
	struct attribute attr;
	unsigned int offset;
	unsigned int size;
	u32 flag;
};

#define HOT_ATTRIBUTE(field, permissions, set)				\
static const struct hot_attribute hot_attr_##field = {			\
	.attr = { .name = #field, .mode = permissions },		\
	.offset = offsetof(struct hot_ctl, field),			\
	.size = sizeof_field(struct hot_ctl, field),			\
	.flag = set,							\
}

HOT_ATTRIBUTE(half_life_ms, 0644, HOT_CTL_SET_HALF_LIFE);
HOT_ATTRIBUTE(max_item_bytes, 0644, HOT_CTL_SET_ITEM_BYTES);
HOT_ATTRIBUTE(max_range_bytes, 0644, HOT_CTL_SET_RANGE_BYTES);
HOT_ATTRIBUTE(range_shift, 0444, 0);
HOT_ATTRIBUTE(item_bytes, 0444, 0);
HOT_ATTRIBUTE(range_bytes, 0444, 0);
HOT_ATTRIBUTE(items, 0444, 0);
HOT_ATTRIBUTE(ranges, 0444, 0);
HOT_ATTRIBUTE(range_slots, 0444, 0);
HOT_ATTRIBUTE(requests, 0444, 0);
HOT_ATTRIBUTE(evicted_items, 0444, 0);
HOT_ATTRIBUTE(evicted_ranges, 0444, 0);
HOT_ATTRIBUTE(dropped, 0444, 0);

static const struct attribute *const hot_attributes[] = {
	&hot_attr_half_life_ms.attr,
	&hot_attr_max_item_bytes.attr,
	&hot_attr_max_range_bytes.attr,
	&hot_attr_range_shift.attr,
	&hot_attr_item_bytes.attr,
	&hot_attr_range_bytes.attr,
	&hot_attr_items.attr,
	&hot_attr_ranges.attr,
	&hot_attr_range_slots.attr,
	&hot_attr_requests.attr,
	&hot_attr_evicted_items.attr,
	&hot_attr_evicted_ranges.attr,
	&hot_attr_dropped.attr,
	NULL
};

static struct hot_tracker *hot_tracker_of(struct kobject *kobj)
{
	return container_of(kobj, struct hot_tracker, kobj);
}

static ssize_t hot_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct hot_attribute *a = container_of(attr, struct hot_attribute, attr);
	struct hot_ctl ctl = { };
	const void *value = (const void *)&ctl + a->offset;

	hot_tracker_get_ctl(hot_tracker_of(kobj), &ctl);
	return sysfs_emit(buf, "%llu\n", a->size == sizeof(u32) ? *(const u32 *)value :
								   *(const u64 *)value);
}

static ssize_t hot_store(struct kobject *kobj, struct attribute *attr, const char *buf, size_t len)
{
	const struct hot_attribute *a = container_of(attr, struct hot_attribute, attr);
	struct hot_ctl ctl = { .flags = a->flag };
	int error;

	error = kstrtou64(buf, 0, (void *)&ctl + a->offset);
	if (!error)
		error = hot_ctl_check(&ctl);
	if (!error)
		error = hot_tracker_set(hot_tracker_of(kobj), &ctl);
	return error ?: len;
}

static void hot_release(struct kobject *kobj)
{
	hot_tracker_free(hot_tracker_of(kobj));
}

static const struct sysfs_ops hot_sysfs_ops = {
	.show = hot_show,
	.store = hot_store,
};

static const struct kobj_type hot_type = {
	.sysfs_ops = &hot_sysfs_ops,
	.release = hot_release,
};

/* From here on hot_tracker_put() frees the tracker. */
void hot_sysfs_prepare(struct hot_tracker *t)
{
	kobject_init(&t->kobj, &hot_type);
}

int hot_sysfs_add(struct hot_tracker *t)
{
	int error = kobject_add(&t->kobj, hot_root, "%u:%u", MAJOR(t->dev), MINOR(t->dev));

	if (error)
		return error;
	error = sysfs_create_files(&t->kobj, hot_attributes);
	if (error)
		kobject_del(&t->kobj);
	return error;
}

/* Waits for those who are in one of the files. */
void hot_sysfs_remove(struct hot_tracker *t)
{
	kobject_del(&t->kobj);
}

int __init hot_sysfs_init(void)
{
	hot_root = kobject_create_and_add("hot_track", fs_kobj);
	return hot_root ? 0 : -ENOMEM;
}
