/* SPDX-License-Identifier: GPL-2.0 */
/* One layout for 64-bit and 32-bit programs: included by tests of both kinds. */
#ifndef HOT_TRACKING_LAYOUT_H
#define HOT_TRACKING_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <linux/hot_tracking.h>

#define HOT_AT(type, field, offset)						\
	static_assert(offsetof(struct type, field) == (offset),			\
		      #field " of struct " #type " is part of the interface")

#define HOT_LONG(type, bytes)							\
	static_assert(sizeof(struct type) == (bytes),				\
		      "the size of struct " #type " is part of the interface")

#define HOT_NUMBER(request, number)						\
	static_assert((request) == (number), #request " is part of the interface")

HOT_AT(hot_ctl, size, 0);
HOT_AT(hot_ctl, flags, 4);
HOT_AT(hot_ctl, state, 8);
HOT_AT(hot_ctl, range_shift, 12);
HOT_AT(hot_ctl, half_life_ms, 16);
HOT_AT(hot_ctl, max_item_bytes, 24);
HOT_AT(hot_ctl, max_range_bytes, 32);
HOT_AT(hot_ctl, item_bytes, 40);
HOT_AT(hot_ctl, range_bytes, 48);
HOT_AT(hot_ctl, items, 56);
HOT_AT(hot_ctl, ranges, 64);
HOT_AT(hot_ctl, range_slots, 72);
HOT_AT(hot_ctl, requests, 80);
HOT_AT(hot_ctl, evicted_items, 88);
HOT_AT(hot_ctl, evicted_ranges, 96);
HOT_AT(hot_ctl, dropped, 104);
HOT_AT(hot_ctl, reserved, 112);
HOT_LONG(hot_ctl, 128);

HOT_AT(hot_inode, size, 0);
HOT_AT(hot_inode, flags, 4);
HOT_AT(hot_inode, reads, 8);
HOT_AT(hot_inode, writes, 12);
HOT_AT(hot_inode, bytes_read, 16);
HOT_AT(hot_inode, bytes_written, 24);
HOT_AT(hot_inode, age_ms, 32);
HOT_AT(hot_inode, item_flags, 40);
HOT_AT(hot_inode, range_shift, 44);
HOT_LONG(hot_inode, 48);

HOT_AT(hot_range, offset, 0);
HOT_AT(hot_range, reads, 8);
HOT_AT(hot_range, writes, 12);
HOT_AT(hot_range, age_ms, 16);
HOT_LONG(hot_range, 24);

HOT_AT(hot_ranges, size, 0);
HOT_AT(hot_ranges, flags, 4);
HOT_AT(hot_ranges, offset, 8);
HOT_AT(hot_ranges, length, 16);
HOT_AT(hot_ranges, ranges, 24);
HOT_AT(hot_ranges, count, 32);
HOT_AT(hot_ranges, range_shift, 36);
HOT_AT(hot_ranges, next, 40);
HOT_LONG(hot_ranges, 48);

HOT_AT(hot_record, size, 0);
HOT_AT(hot_record, flags, 4);
HOT_AT(hot_record, offset, 8);
HOT_AT(hot_record, length, 16);
HOT_AT(hot_record, reads, 24);
HOT_AT(hot_record, writes, 28);
HOT_AT(hot_record, bytes_read, 32);
HOT_AT(hot_record, bytes_written, 40);
HOT_AT(hot_record, age_ms, 48);
HOT_AT(hot_record, lost, 56);
HOT_AT(hot_record, handle_bytes, 64);
HOT_AT(hot_record, handle_type, 68);
HOT_AT(hot_record, handle, 72);
HOT_LONG(hot_record, 72);

HOT_AT(hot_top, size, 0);
HOT_AT(hot_top, flags, 4);
HOT_AT(hot_top, count, 8);
HOT_AT(hot_top, reserved, 12);
HOT_AT(hot_top, buffer, 16);
HOT_AT(hot_top, buffer_bytes, 24);
HOT_AT(hot_top, scanned, 32);
HOT_LONG(hot_top, 40);

HOT_AT(hot_histogram, size, 0);
HOT_AT(hot_histogram, flags, 4);
HOT_AT(hot_histogram, buckets, 8);
HOT_LONG(hot_histogram, 520);

HOT_AT(hot_reset, size, 0);
HOT_AT(hot_reset, flags, 4);
HOT_LONG(hot_reset, 8);

HOT_AT(hot_load, size, 0);
HOT_AT(hot_load, flags, 4);
HOT_AT(hot_load, buffer, 8);
HOT_AT(hot_load, buffer_bytes, 16);
HOT_AT(hot_load, loaded, 24);
HOT_LONG(hot_load, 32);

HOT_AT(hot_stream, size, 0);
HOT_AT(hot_stream, flags, 4);
HOT_AT(hot_stream, threshold, 8);
HOT_LONG(hot_stream, 16);

HOT_NUMBER(HOT_CTL, 0xc0801560);
HOT_NUMBER(HOT_GET_INODE, 0xc0301561);
HOT_NUMBER(HOT_GET_RANGES, 0xc0301562);
HOT_NUMBER(HOT_TOP, 0xc0281563);
HOT_NUMBER(HOT_HISTOGRAM, 0xc2081564);
HOT_NUMBER(HOT_RESET, 0x40081565);
HOT_NUMBER(HOT_LOAD, 0xc0201566);
HOT_NUMBER(HOT_STREAM, 0x40101567);

HOT_NUMBER(HOT_RECORD_MAX, 104);
HOT_NUMBER(HOT_ONE, 256);

#endif /* HOT_TRACKING_LAYOUT_H */
