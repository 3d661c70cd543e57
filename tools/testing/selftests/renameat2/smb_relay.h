/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A relay between an SMB client and its server, on the loopback device. It reads what it passes
 * on, and it can be the rival who makes a file on the server while a rename is on its way.
 */
#ifndef RENAMEAT2_SMB_RELAY_H
#define RENAMEAT2_SMB_RELAY_H

#include <stdint.h>

#define SMB_STATUS_OK			0
#define SMB_STATUS_NAME_COLLISION	0xc0000035

#define SMB_RIVAL	"rival"		/* what is in the file that the relay makes */

/* Shared with the relay's process. */
struct smb_relay {
	/* Made when a rename has come in, before it is passed on; empty: nothing is. */
	char file[96], dir[96];
	/* The renames that came in, of the last one the ReplaceIfExists byte, and the answer. */
	int renames;
	int replace;
	uint32_t status;
};

/*
 * Listen for clients of the server on @server_port, until this process ends. Stores the port;
 * NULL if there is no network, see errno.
 */
struct smb_relay *smb_relay_start(int server_port, int *port);
/* A TCP socket of 127.0.0.1: connected to @port or, if that is 0, listening on a free one. */
int smb_socket(int *port);

#endif /* RENAMEAT2_SMB_RELAY_H */
