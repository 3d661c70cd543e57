#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What scripts/coccinelle/api/unchecked_flags.cocci says about system calls and ioctls written for it."""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import tap                  # noqa: E402
from common import ROOT     # noqa: E402

RULE = ROOT / "scripts/coccinelle/api/unchecked_flags.cocci"

# Each system call here tests its flags, in place or where they go.
TESTED = """
SYSCALL_DEFINE2(masked, int, fd, int, flags)
{
	if (flags & ~(ONE | TWO))
		return -EINVAL;
	return work(fd);
}

SYSCALL_DEFINE2(left_at_once, int, fd, unsigned int, flags)
{
	int ret = -EINVAL;

	if ((flags & ~ONE) || fd < 0)
		goto out;
	ret = work(fd);
out:
	return ret;
}

SYSCALL_DEFINE2(left_later, int, fd, unsigned int, flags)
{
	int ret;

	if (flags != 0) {
		ret = -EINVAL;
		goto out;
	}
	ret = work(fd);
out:
	return ret;
}

SYSCALL_DEFINE1(compared, unsigned int, flags)
{
	if ((flags & (ONE | TWO)) != flags)
		return -EINVAL;
	return 0;
}

SYSCALL_DEFINE1(joined, unsigned int, flags)
{
	if ((flags | ALL) != ALL)
		return -EINVAL;
	return 0;
}

SYSCALL_DEFINE1(none_yet, unsigned int, flags)
{
	if (unlikely(flags))
		return -EINVAL;
	return 0;
}

SYSCALL_DEFINE2(nested, int, fd, unsigned int, flags)
{
	if (flags) {
		if (flags == VERSION && fd < 0)
			return 7;
		return -EINVAL;
	}
	return work(fd);
}

SYSCALL_DEFINE1(turned, unsigned int, flags)
{
	int ret = -EINVAL;

	if (!(flags & ~ONE))
		ret = work(1);
	return ret;
}

SYSCALL_DEFINE1(named, unsigned int, flags)
{
	if (flags & NAMED_INVALID)
		return -EINVAL;
	return 0;
}

SYSCALL_DEFINE1(chosen, unsigned int, flags)
{
	switch (flags) {
	case ONE:
		return work(1);
	default:
		return -EINVAL;
	}
}

static int test(int fd, unsigned int how)
{
	if (how & ~ONE)
		return -EINVAL;
	return work(fd);
}

static int pass_on(unsigned int how, int fd)
{
	return test(fd, how | ONE);
}

SYSCALL_DEFINE2(one_level, int, fd, int, flags)
{
	return test(fd, flags);
}

SYSCALL_DEFINE2(two_levels, int, fd, int, flags)
{
	unsigned int how = flags;

	return pass_on(how, fd);
}

struct context {
	int fd;
	unsigned int how;
};

static int test_context(struct context *ctx)
{
	if (ctx->how & ~ONE)
		return -EINVAL;
	return work(ctx->fd);
}

SYSCALL_DEFINE2(in_a_struct, int, fd, int, flags)
{
	struct context ctx = {
		.fd = fd,
		.how = flags,
	};

	return test_context(&ctx);
}

SYSCALL_DEFINE2(in_a_member, int, fd, int, flags)
{
	struct context ctx;

	ctx.how = flags;
	return test_context(&ctx);
}
"""

# No call here does, but the last three are of those that must not be reported.
UNTESTED = """
static void look(unsigned int how)
{
	if (how & ONE)
		work(1);
}

SYSCALL_DEFINE1(never, int, flags)
{
	return 0;
}

SYSCALL_DEFINE2(known_bit, int, fd, unsigned int, flags)
{
	if (flags & ONE)
		return -EINVAL;
	return work(fd);
}

SYSCALL_DEFINE1(in_helper, int, shmflg)
{
	look(shmflg);
	return 0;
}

SYSCALL_DEFINE3(by_pointer, struct clock *, clock, int, flags, void *, arg)
{
	return clock->sleep(arg, flags);
}

SYSCALL_DEFINE2(other_word, int, mode, int, flags)
{
	if (mode & ~ONE)
		return -EINVAL;
	return 0;
}

SYSCALL_DEFINE1(cut_off, int, flags)
{
	look(flags & ONE);
	return 0;
}

SYSCALL_DEFINE2(sendmsg, int, fd, int, flags)
{
	return 0;
}

SYSCALL_DEFINE2(fills_in, int, fd, int __user *, flags)
{
	return 0;
}

static int no_system_call(int flags)
{
	return 0;
}
"""
REPORTED = {"never", "known_bit", "in_helper", "by_pointer", "other_word", "cut_off"}

AWAY = """
SYSCALL_DEFINE1(tested_away, int, flags)
{
	return test_elsewhere(flags);
}

SYSCALL_DEFINE1(passed_away, int, flags)
{
	return look_elsewhere(0, flags);
}
"""

ELSEWHERE = """
int test_elsewhere(int how)
{
	if (how & ~ONE)
		return -EINVAL;
	return 0;
}

int look_elsewhere(int n, int how)
{
	return how & ONE;
}
"""

HEADER = """
struct request {
	__u32 flags;
	__u32 value;
	__u64 reserved[2];
};
"""

IOCTLS = """
static long tests_all(struct file *file, void __user *arg)
{
	struct request req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.flags & ~ONE || req.reserved[0] || req.reserved[1])
		return -EINVAL;
	return work(req.value);
}

static long forgets_reserved(struct file *file, void __user *arg)
{
	struct request req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.flags)
		return -EINVAL;
	return work(req.value);
}

static long forgets_both(struct file *file, void __user *arg)
{
	struct request *req = memdup_user(arg, sizeof(*req));

	if (IS_ERR(req))
		return PTR_ERR(req);
	return work(req->value);
}

static int check(struct request *r)
{
	if (r->flags || memchr_inv(r->reserved, 0, sizeof(r->reserved)))
		return -EINVAL;
	return 0;
}

static long helper_tests(struct file *file, void __user *arg)
{
	struct request req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	return check(&req) ?: work(req.value);
}

static long unknown_tests(struct file *file, void __user *arg)
{
	struct request req;

	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	return elsewhere(&req);
}
"""


@unittest.skipUnless(shutil.which("spatch"), "spatch is not installed")
class UncheckedFlags(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def put(self, **files):
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)

    def spatch(self, *args, mode="report"):
        options = re.search(r"^// Options: (.*)", RULE.read_text(), re.M)[1].split()
        r = subprocess.run(["spatch", "-D", mode, "--no-show-diff", "--very-quiet", *options, "--cocci-file", RULE,
                            *args], cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        return r.stdout.splitlines()

    def calls(self, *args):
        """Names of the system calls that it reports."""
        return sorted(re.search(r"WARNING: (\w+)\(\)", l)[1] for l in self.spatch(*args))

    def test_tested(self):
        self.put(a_c=TESTED)
        self.assertEqual(self.spatch("a.c"), [])

    def test_untested(self):
        self.put(a_c=UNTESTED)
        self.assertEqual(self.calls("a.c"), sorted(REPORTED))

    def test_message(self):
        self.put(a_c=UNTESTED)
        line = UNTESTED.split("\n").index("SYSCALL_DEFINE1(in_helper, int, shmflg)") + 1
        self.assertIn(f"a.c:{line}:16-25: WARNING: in_helper() does not reject unknown bits of shmflg, "
                      "nor does what gets them: look", self.spatch("a.c"))

    def test_one_file_of_two(self):
        self.put(a_c=AWAY)
        self.assertEqual(self.calls("a.c"), [])

    def test_two_files(self):
        self.put(a_c=AWAY, b_c=ELSEWHERE)
        for args in (("a.c", "b.c"), ("b.c", "a.c"), ("--dir", "."), ("--dir", ".", "--jobs", "2", "--chunksize", "1")):
            with self.subTest(args):
                self.assertEqual(self.calls(*args), ["passed_away"])

    def test_org(self):
        self.put(a_c=UNTESTED)
        found = self.spatch("a.c", mode="org")
        self.assertEqual(len(found), len(REPORTED))
        for line in found:
            self.assertRegex(line, r"^\* TODO \[\[view:a\.c::.*WARNING: \w+\(\)")

    def test_ioctls(self):
        self.put(a_c=IOCTLS, a_h=HEADER)
        lines = IOCTLS.split("\n")
        found = {(re.search(r"a\.c:(\d+):", l)[1], l.split("its member ")[1]) for l in self.spatch("--dir", ".")}

        def after(function, text):
            start = next(i for i, l in enumerate(lines) if function in l)
            return str(next(i for i in range(start, len(lines)) if text in lines[i]) + 1)
        self.assertEqual(found, {
            (after("forgets_reserved", "copy_from_user"), "reserved never tested"),
            (after("forgets_both", "memdup_user"), "reserved never tested"),
            (after("forgets_both", "memdup_user"), "flags never tested")})

    def test_ioctls_without_the_header(self):
        self.put(a_c=IOCTLS)
        self.assertEqual(self.spatch("a.c"), [])


if __name__ == "__main__":
    tap.main()
