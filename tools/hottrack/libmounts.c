// SPDX-License-Identifier: GPL-2.0
/* The mounts of this process. */
#include <stdlib.h>
#include <string.h>

#include "libmounts.h"

/* The kernel writes blanks and backslashes of a path as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; to++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*to = (text[1] & 3) << 6 | (text[2] & 7) << 3 | (text[3] & 7);
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

bool mounts_next(FILE *f, struct mount_line *mount)
{
	while (getline(&mount->line, &mount->size, f) > 0) {
		free(mount->point);
		mount->point = NULL;
		if (sscanf(mount->line, "%llu %*u %u:%u %*s %ms", &mount->id, &mount->major,
			   &mount->minor, &mount->point) == 4) {
			unescape(mount->point);
			return true;
		}
	}
	mounts_free(mount);
	return false;
}

void mounts_free(struct mount_line *mount)
{
	free(mount->line);
	free(mount->point);
	memset(mount, 0, sizeof(*mount));
}
