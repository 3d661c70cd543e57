/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hot_tracking

#if !defined(_TRACE_HOT_TRACKING_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_HOT_TRACKING_H

#include <linux/fs.h>
#include <linux/kdev_t.h>
#include <linux/tracepoint.h>

/* A request was counted. */
TRACE_EVENT(hot_io,
	    TP_PROTO(dev_t dev, const struct inode *inode, u64 pos, u64 bytes, bool write),
	    TP_ARGS(dev, inode, pos, bytes, write),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, ino)
			     __field(u64, pos)
			     __field(u64, bytes)
			     __field(bool, write)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->ino = inode->i_ino;
			   __entry->pos = pos;
			   __entry->bytes = bytes;
			   __entry->write = write;),
	    TP_printk("dev %d:%d ino %llu pos %llu bytes %llu %s", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->ino, __entry->pos, __entry->bytes,
		      __entry->write ? "write" : "read"));

/* An inode got an item, or found its own again. */
TRACE_EVENT(hot_attach,
	    TP_PROTO(dev_t dev, const struct inode *inode, u32 id, bool again),
	    TP_ARGS(dev, inode, id, again),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, ino)
			     __field(u32, id)
			     __field(bool, again)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->ino = inode->i_ino;
			   __entry->id = id;
			   __entry->again = again;),
	    TP_printk("dev %d:%d ino %llu id %u%s", MAJOR(__entry->dev), MINOR(__entry->dev),
		      __entry->ino, __entry->id, __entry->again ? " again" : ""));

/* An item gave way to another, or to memory pressure. */
TRACE_EVENT(hot_evict,
	    TP_PROTO(dev_t dev, u32 id, u32 reads, u32 writes),
	    TP_ARGS(dev, id, reads, writes),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u32, id)
			     __field(u32, reads)
			     __field(u32, writes)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->id = id;
			   __entry->reads = reads;
			   __entry->writes = writes;),
	    TP_printk("dev %d:%d id %u reads %u/256 writes %u/256", MAJOR(__entry->dev),
		      MINOR(__entry->dev), __entry->id, __entry->reads, __entry->writes));

/* A request was not counted: there was no memory for its inode, or no handle. */
TRACE_EVENT(hot_drop,
	    TP_PROTO(dev_t dev, const struct inode *inode),
	    TP_ARGS(dev, inode),
	    TP_STRUCT__entry(__field(dev_t, dev)
			     __field(u64, ino)),
	    TP_fast_assign(__entry->dev = dev;
			   __entry->ino = inode->i_ino;),
	    TP_printk("dev %d:%d ino %llu", MAJOR(__entry->dev), MINOR(__entry->dev),
		      __entry->ino));

#endif /* _TRACE_HOT_TRACKING_H */

#include <trace/define_trace.h>
