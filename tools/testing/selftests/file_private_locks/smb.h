/* SPDX-License-Identifier: GPL-2.0 */
/* A filesystem with one empty file, "file", behind the kernel's own SMB server and client. */
#ifndef FILE_PRIVATE_LOCKS_SMB_H
#define FILE_PRIVATE_LOCKS_SMB_H

/*
 * Start the server, for this program and on the loopback device only. It does not see mounts in
 * a namespace of ours, so this comes before there is one. NULL, or why there is no server.
 */
const char *smb_start(void);
/* Mount it at @dir: 0 or -errno. */
int smb_mount(const char *dir);
/* To be called by the process that started it, whether it did start or not. */
void smb_stop(void);

#endif /* FILE_PRIVATE_LOCKS_SMB_H */
