// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "helpers.h"
#include "smb_relay.h"

/* [MS-SMB2] 2.2.1.2 and 2.2.39: what of a message is looked at. All little endian. */
struct smb2_header {
	uint8_t protocol[4];
	uint16_t header_size, credit_charge;
	uint32_t status;
	uint16_t command, credits;
	uint32_t flags;
	uint32_t next;		/* distance to the next message of a compound, or 0 */
	uint64_t message_id;
	uint8_t rest[32];
};

struct smb2_set_info {
	struct smb2_header header;
	uint16_t size;
	uint8_t type, class;
	uint32_t buffer_size;
	uint16_t buffer_offset;	/* from the header; a rename begins with ReplaceIfExists */
};

#define SMB2_SET_INFO		17
#define SMB2_INFO_FILE		1
#define SMB2_FILE_RENAME	10
#define FRAME_MAX		0x1000000

struct direction {
	int from, to;
	bool requests;
};

static struct smb_relay *relay;
static uint64_t last_rename;	/* its message id */

static void look_at_request(const uint8_t *message, size_t size)
{
	const struct smb2_set_info *set = (const void *)message;
	size_t offset;

	if (size < sizeof(*set) || le16toh(set->header.command) != SMB2_SET_INFO ||
	    set->type != SMB2_INFO_FILE || set->class != SMB2_FILE_RENAME)
		return;
	offset = le16toh(set->buffer_offset);
	if (offset >= size)
		return;
	relay->renames++;
	relay->replace = message[offset];
	relay->status = -1;
	last_rename = set->header.message_id;
	if (relay->file[0])
		make_file(relay->file, SMB_RIVAL);
	if (relay->dir[0])
		make_dir(relay->dir);
}

static void look_at_response(const uint8_t *message)
{
	const struct smb2_header *header = (const void *)message;

	if (le16toh(header->command) == SMB2_SET_INFO && header->message_id == last_rename)
		relay->status = le32toh(header->status);
}

/* Every message of a compound. Encrypted ones begin otherwise. */
static void look_at(uint8_t *frame, size_t size, bool requests)
{
	struct smb2_header *header;
	size_t next;

	for (; size >= sizeof(*header); frame += next, size -= next) {
		header = (struct smb2_header *)frame;
		if (memcmp(header->protocol, "\xfeSMB", 4))
			return;
		if (requests)
			look_at_request(frame, size);
		else
			look_at_response(frame);
		next = le32toh(header->next);
		if (!next || next > size)
			return;
	}
}

static bool all(ssize_t (*move)(int, void *, size_t, int), int fd, void *buf, size_t size)
{
	ssize_t done;

	for (; size; buf = (char *)buf + done, size -= done) {
		done = move(fd, buf, size, MSG_NOSIGNAL);
		if (done <= 0)
			return false;
	}
	return true;
}

static ssize_t send_from(int fd, void *buf, size_t size, int flags)
{
	return send(fd, buf, size, flags);
}

static void *pass_on(void *arg)
{
	struct direction *way = arg;
	uint8_t *frame = malloc(FRAME_MAX + 4);
	uint32_t size;

	/* A frame is a zero byte, three bytes of length, and that many bytes. */
	while (frame && all(recv, way->from, frame, 4)) {
		memcpy(&size, frame, 4);
		size = ntohl(size) & (FRAME_MAX - 1);
		if (!all(recv, way->from, frame + 4, size))
			break;
		look_at(frame + 4, size, way->requests);
		if (!all(send_from, way->to, frame, size + 4))
			break;
	}
	shutdown(way->from, SHUT_RDWR);
	shutdown(way->to, SHUT_RDWR);
	free(frame);
	return NULL;
}

static void serve(int client, int server)
{
	struct direction there = { client, server, true }, back = { server, client, false };
	pthread_t thread;

	if (!pthread_create(&thread, NULL, pass_on, &back)) {
		pass_on(&there);
		pthread_join(thread, NULL);
	}
	close(client);
	close(server);
}

int smb_socket(int *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(*port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);

	if (fd < 0)
		return -1;
	if (*port) {
		if (!connect(fd, (struct sockaddr *)&address, size))
			return fd;
	} else if (!bind(fd, (struct sockaddr *)&address, size) && !listen(fd, 8) &&
		   !getsockname(fd, (struct sockaddr *)&address, &size)) {
		*port = ntohs(address.sin_port);
		return fd;
	}
	close(fd);
	return -1;
}

struct smb_relay *smb_relay_start(int server_port, int *port)
{
	int listener, client, server;

	*port = 0;
	listener = smb_socket(port);
	relay = mmap(NULL, sizeof(*relay), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (listener < 0 || relay == MAP_FAILED)
		return NULL;
	if (fork()) {
		close(listener);
		return relay;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		client = accept(listener, NULL, NULL);
		if (client < 0)
			_exit(1);
		/* A process for each connection. */
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			server = smb_socket(&server_port);
			if (server >= 0)
				serve(client, server);
			_exit(0);
		}
		close(client);
	}
}
