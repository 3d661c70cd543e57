// SPDX-License-Identifier: GPL-2.0
/* Processes, modules, and what is asked of security modules, BPF and the performance monitor. */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/lsm.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/rseq.h>
#include <linux/sched.h>
#include <linux/sched/types.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#if defined(__GLIBC__) && __GLIBC_MINOR__ >= 35
#include <sys/rseq.h>
#endif
#include <sys/syscall.h>
#include <sys/wait.h>

#include "unchecked_flags.h"

static char buf[4096];
static unsigned int size = sizeof(buf);
static siginfo_t info;
static stack_t stack = { .ss_flags = SS_DISABLE };
static struct clone_args args = { .exit_signal = SIGCHLD };
static struct sched_attr attr = { .size = sizeof(attr) };

/* What the system call takes, which is not the struct sigaction of the C library. */
static struct {
	void (*handler)(int signal);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
} action;

/* A child that lives as long as this process. */
static void make_child(struct call *c)
{
	pid_t self = getpid(), pid = must("fork", fork());

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == self)
			pause();
		_exit(0);
	}
	c->args[1] = pid;
}

static struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
static struct sock_fprog filter = { .len = 1, .filter = &allow };

static struct landlock_ruleset_attr ruleset = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };
static struct landlock_path_beneath_attr beneath = {
	.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = FD_DIR,
};

static void make_ruleset(struct call *c)
{
	c->args[0] = must("landlock_create_ruleset",
			  syscall(__NR_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0));
}

static union bpf_attr map = {
	.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1,
};

static struct bpf_insn code[] = {
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
	{ .code = BPF_JMP | BPF_EXIT },
};

static union bpf_attr program = {
	.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
	.insns = PTR(code), .insn_cnt = 2, .license = PTR(""),
};

static struct perf_event_attr event = {
	.size = sizeof(event), .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY,
};

static struct rseq area = { .cpu_id = RSEQ_CPU_ID_UNINITIALIZED };
#define SIGNATURE	0x53053053

/* The C library may have registered an area of its own, which is in the way. */
static void free_rseq(struct call *c)
{
#ifdef RSEQ_SIG
	if (__rseq_size)
		must("rseq", syscall(__NR_rseq, (char *)__builtin_thread_pointer() + __rseq_offset,
				     sizeof(area), RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
#endif
}

struct call process_calls[] = {
	/* Every lower bit has a meaning, or had one. */
	{ "clone", "clone_flags", 1ULL << 40, ACCEPTED, .nr = __NR_clone, .args = { SIGCHLD } },
	{ "clone3", "args.flags", 1ULL << 40, EINVAL, .nr = __NR_clone3,
	  .args = { PTR(&args), sizeof(args) }, MEMBER(args.flags) },
	{ "unshare", "unshare_flags", 1 << 2, EINVAL, .nr = __NR_unshare },
	{ "setns", "flags", 1 << 2, EINVAL, .nr = __NR_setns, .args = { FD_SELF, CLONE_NEWNS },
	  .arg = 1 },
	{ "wait4", "options", 1 << 20, EINVAL, ECHILD, .nr = __NR_wait4, .args = { -1 }, .arg = 2 },
	{ "waitid", "options", 1 << 20, EINVAL, ECHILD, .nr = __NR_waitid,
	  .args = { P_ALL, 0, PTR(&info), WEXITED }, .arg = 3 },
	{ "pidfd_open", "flags", 1 << 20, EINVAL, .nr = __NR_pidfd_open, .args = { 1 }, .arg = 1 },
	{ "pidfd_getfd", "flags", 1 << 20, EINVAL, .nr = __NR_pidfd_getfd,
	  .args = { FD_SELF, FD_FILE }, .arg = 2 },
	{ "pidfd_send_signal", "flags", 1 << 20, EINVAL, .nr = __NR_pidfd_send_signal,
	  .args = { FD_SELF }, .arg = 3 },
	{ "ptrace PTRACE_SEIZE", "data", 1 << 30, EIO, .nr = __NR_ptrace,
	  .args = { PTRACE_SEIZE }, .arg = 3, .prepare = make_child },
	{ "prctl PR_SET_MDWE", "arg2", 1 << 20, EINVAL, .nr = __NR_prctl, .args = { PR_SET_MDWE },
	  .arg = 1 },
	{ "personality", "personality", 1 << 28, ACCEPTED, .nr = __NR_personality },
	{ "rt_sigaction", "act.sa_flags", 1 << 20, ACCEPTED, .nr = __NR_rt_sigaction,
	  .args = { SIGUSR1, PTR(&action), 0, sizeof(action.mask) }, MEMBER(action.flags) },
	{ "sigaltstack", "ss.ss_flags", 1 << 20, EINVAL, .nr = __NR_sigaltstack,
	  .args = { PTR(&stack) }, MEMBER(stack.ss_flags) },
	{ "sched_setattr", "flags", 1 << 20, EINVAL, .nr = __NR_sched_setattr,
	  .args = { 0, PTR(&attr) }, .arg = 2 },
	{ "sched_setattr", "attr.sched_flags", 1 << 20, EINVAL, .nr = __NR_sched_setattr,
	  .args = { 0, PTR(&attr) }, MEMBER(attr.sched_flags) },
	{ "sched_getattr", "flags", 1 << 20, EINVAL, .nr = __NR_sched_getattr,
	  .args = { 0, PTR(&attr), sizeof(attr) }, .arg = 3 },
	{ "rseq", "flags", 1 << 20, EINVAL, .nr = __NR_rseq,
	  .args = { PTR(&area), sizeof(area), 0, SIGNATURE }, .arg = 2, .prepare = free_rseq },
	{ "getrandom", "flags", 1 << 20, EINVAL, .nr = __NR_getrandom, .args = { PTR(buf), 1 },
	  .arg = 2 },

	{ "delete_module", "flags", 1 << 20, ACCEPTED, ENOENT, .nr = __NR_delete_module,
	  .args = { PTR("none"), O_NONBLOCK }, .arg = 1 },
	{ "finit_module", "flags", 1 << 20, EINVAL, EBADF, .nr = __NR_finit_module,
	  .args = { -1, PTR("") }, .arg = 2 },
	{ "kexec_file_load", "flags", 1 << 20, EINVAL, EBADF, .nr = __NR_kexec_file_load,
	  .args = { -1, -1 }, .arg = 4 },

	{ "seccomp", "flags", 1 << 20, EINVAL, .nr = __NR_seccomp,
	  .args = { SECCOMP_SET_MODE_FILTER, 0, PTR(&filter) }, .arg = 1 },
	{ "landlock_create_ruleset", "flags", 1 << 20, EINVAL, .nr = __NR_landlock_create_ruleset,
	  .args = { PTR(&ruleset), sizeof(ruleset) }, .arg = 2 },
	{ "landlock_create_ruleset", "attr.handled_access_fs", 1ULL << 40, EINVAL,
	  .nr = __NR_landlock_create_ruleset,
	  .args = { PTR(&ruleset), sizeof(ruleset) }, MEMBER(ruleset.handled_access_fs) },
	{ "landlock_add_rule", "flags", 1 << 20, EINVAL, .nr = __NR_landlock_add_rule,
	  .args = { 0, LANDLOCK_RULE_PATH_BENEATH, PTR(&beneath) }, .arg = 3,
	  .prepare = make_ruleset },
	{ "landlock_add_rule", "attr.allowed_access", 1ULL << 40, EINVAL,
	  .nr = __NR_landlock_add_rule,
	  .args = { 0, LANDLOCK_RULE_PATH_BENEATH, PTR(&beneath) }, MEMBER(beneath.allowed_access),
	  .prepare = make_ruleset },
	{ "landlock_restrict_self", "flags", 1 << 20, EINVAL, .nr = __NR_landlock_restrict_self,
	  .arg = 1, .prepare = make_ruleset },
	{ "lsm_list_modules", "flags", 1 << 20, EINVAL, .nr = __NR_lsm_list_modules,
	  .args = { PTR(buf), PTR(&size) }, .arg = 2 },
	{ "lsm_get_self_attr", "flags", 1 << 20, EINVAL, EOPNOTSUPP, .nr = __NR_lsm_get_self_attr,
	  .args = { LSM_ATTR_CURRENT, PTR(buf), PTR(&size) }, .arg = 3 },
	{ "bpf BPF_MAP_CREATE", "attr.map_flags", 1 << 30, EINVAL, .nr = __NR_bpf,
	  .args = { BPF_MAP_CREATE, PTR(&map), sizeof(map) }, MEMBER(map.map_flags) },
	{ "bpf BPF_PROG_LOAD", "attr.prog_flags", 1 << 30, EINVAL, .nr = __NR_bpf,
	  .args = { BPF_PROG_LOAD, PTR(&program), sizeof(program) }, MEMBER(program.prog_flags) },
	{ "perf_event_open", "flags", 1 << 20, EINVAL, .nr = __NR_perf_event_open,
	  .args = { PTR(&event), 0, -1, -1 }, .arg = 4 },
	{ "perf_event_open", "attr.sample_type", 1ULL << 40, EINVAL, .nr = __NR_perf_event_open,
	  .args = { PTR(&event), 0, -1, -1 }, MEMBER(event.sample_type) },
	{ }
};
