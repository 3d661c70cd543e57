/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel does not replay the journal of jfs, fsck.jfs does; but that of Debian 12 ends each
 * replay with an error and repairs without the journal then. So the tests replay it.
 */
#ifndef RENAMEAT2_CRASH_JFS_H
#define RENAMEAT2_CRASH_JFS_H

/*
 * Do what the committed transactions in the journal say, for those that change inodes and
 * directories but add no blocks to these. The maps of blocks and inodes are left to fsck.jfs.
 */
void jfs_replay(int image);

#endif /* RENAMEAT2_CRASH_JFS_H */
