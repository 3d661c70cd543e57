// SPDX-License-Identifier: GPL-2.0
/* Calls on memory. */
#include <stdalign.h>
#include <unistd.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <linux/membarrier.h>
#include <linux/userfaultfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "unchecked_flags.h"

static alignas(4096) char page[4096];
static struct iovec iov = { .iov_base = page, .iov_len = sizeof(page) };
static int policy;

static void make_page(struct call *c)
{
	void *new = mmap(NULL, sizeof(page), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	c->args[0] = must("mmap", new == MAP_FAILED ? -1 : (long)new);
}

struct call memory_calls[] = {
	/* Most bits above 26 are a size of huge pages. */
	{ "mmap", "flags", 1 << 22, ACCEPTED, .nr = __NR_mmap,
	  .args = { 0, sizeof(page), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1 }, .arg = 3 },
	{ "mmap MAP_SHARED_VALIDATE", "flags", 1 << 22, EOPNOTSUPP, .nr = __NR_mmap,
	  .args = { 0, sizeof(page), PROT_READ, MAP_SHARED_VALIDATE, FD_FILE }, .arg = 3 },
	{ "mmap", "prot", 1 << 20, ACCEPTED, .nr = __NR_mmap,
	  .args = { 0, sizeof(page), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1 }, .arg = 2 },
	{ "mprotect", "prot", 1 << 20, EINVAL, .nr = __NR_mprotect,
	  .args = { 0, sizeof(page), PROT_READ }, .arg = 2, .prepare = make_page },
	{ "mremap", "flags", 1 << 20, EINVAL, .nr = __NR_mremap,
	  .args = { 0, sizeof(page), sizeof(page) }, .arg = 3, .prepare = make_page },
	{ "msync", "flags", 1 << 20, EINVAL, .nr = __NR_msync,
	  .args = { PTR(page), sizeof(page), MS_ASYNC }, .arg = 2 },
	{ "mlock2", "flags", 1 << 20, EINVAL, .nr = __NR_mlock2,
	  .args = { PTR(page), sizeof(page) }, .arg = 2 },
	{ "mlockall", "flags", 1 << 20, EINVAL, .nr = __NR_mlockall,
	  .args = { MCL_FUTURE | MCL_ONFAULT } },
	{ "mseal", "flags", 1 << 20, EINVAL, .nr = __NR_mseal,
	  .args = { 0, sizeof(page) }, .arg = 2, .prepare = make_page },
	{ "memfd_secret", "flags", 1 << 20, EINVAL, .nr = __NR_memfd_secret },
	{ "membarrier", "flags", 1 << 20, EINVAL, .nr = __NR_membarrier,
	  .args = { MEMBARRIER_CMD_QUERY }, .arg = 1 },
	{ "process_madvise", "flags", 1 << 20, EINVAL, .nr = __NR_process_madvise,
	  .args = { FD_SELF, PTR(&iov), 1, MADV_COLD }, .arg = 4 },
	{ "process_mrelease", "flags", 1 << 20, EINVAL, EBADF, .nr = __NR_process_mrelease,
	  .args = { -1 }, .arg = 1 },
	{ "process_vm_readv", "flags", 1 << 20, EINVAL, ESRCH, .nr = __NR_process_vm_readv,
	  .args = { 0, PTR(&iov), 1, PTR(&iov), 1 }, .arg = 5 },
	{ "process_vm_writev", "flags", 1 << 20, EINVAL, ESRCH, .nr = __NR_process_vm_writev,
	  .args = { 0, PTR(&iov), 1, PTR(&iov), 1 }, .arg = 5 },
	{ "userfaultfd", "flags", 1 << 20, EINVAL, .nr = __NR_userfaultfd },

	{ "mbind", "flags", 1 << 20, EINVAL, .nr = __NR_mbind,
	  .args = { PTR(page), sizeof(page), MPOL_DEFAULT }, .arg = 5 },
	{ "mbind", "mode", 1 << 20, EINVAL, .nr = __NR_mbind,
	  .args = { PTR(page), sizeof(page), MPOL_DEFAULT }, .arg = 2 },
	{ "set_mempolicy", "mode", 1 << 20, EINVAL, .nr = __NR_set_mempolicy,
	  .args = { MPOL_DEFAULT } },
	{ "get_mempolicy", "flags", 1 << 20, EINVAL, .nr = __NR_get_mempolicy,
	  .args = { PTR(&policy) }, .arg = 4 },
	{ "set_mempolicy_home_node", "flags", 1 << 20, EINVAL, ENOENT,
	  .nr = __NR_set_mempolicy_home_node,
	  .args = { PTR(page), sizeof(page) }, .arg = 3 },
	{ "move_pages", "flags", 1 << 20, EINVAL, .nr = __NR_move_pages, .arg = 5 },
	{ }
};
