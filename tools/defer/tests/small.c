// SPDX-License-Identifier: GPL-2.0
/* Tells whether libdefer.so would be loaded into it; it is linked so that it cannot be. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	return puts(getenv("LD_PRELOAD") ?: "nothing") < 0;
}
