/* SPDX-License-Identifier: GPL-2.0 */
/* The SMB server of the kernel, for one program, on the loopback device only. */
#ifndef RENAMEAT2_SMB_SERVER_H
#define RENAMEAT2_SMB_SERVER_H

#define SMB_SHARE	"share"

/*
 * Export @dir to guests, who are root there. What ksmbd.mountd reads and writes is in @work.
 * Returns NULL, and the port, or why there is no server.
 */
const char *smb_server_start(const char *dir, const char *work, int *port);
void smb_server_stop(void);

#endif /* RENAMEAT2_SMB_SERVER_H */
