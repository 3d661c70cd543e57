#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What security modules say to file-private locks: Smack and SELinux know F_SETLKPT and F_ENUMLKP and
refuse them where they refuse F_SETLK, Landlock refuses none. Each in a guest of its own, whose command
line names the module. Wants the kernel image in SEPTET_IMAGE."""

import errno
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import boot     # noqa: E402
import common   # noqa: E402
import ktap     # noqa: E402
import tap      # noqa: E402

PATIENCE = 10       # seconds for a line, times slowness
CLASSIC = ("F_SETLK", "F_SETLKW")
PRIVATE = ("F_SETLKP", "F_SETLKPW")
TIMED = ("F_SETLKPT",)
LISTING = ("F_ENUMLKP",)

# The scripts print the name of a case, and then what lock_modules has to say about it.
HEAD = """\
#!/bin/sh
try() {
	echo "case $1"
	shift
	/septet/lock_modules "$@"
}
"""

# A task with the label Guest; what it may do to a file stands in the file's label.
SMACK = HEAD + """\
mount -t smackfs smackfs /sys/fs/smackfs || exit 1
mkdir /tmp/dir
for rights in r rl rw; do
	echo "Guest May-$rights $rights" >/sys/fs/smackfs/load2
	(echo "May-$rights" >/proc/self/attr/current; : >"/tmp/dir/$rights")
	chmod 666 "/tmp/dir/$rights"
	for mode in r rw; do
		(echo Guest >/proc/self/attr/current; try "$rights $mode" "$mode" "/tmp/dir/$rights")
	done
done
"""

# Only locks are in this policy: what it does not name is allowed.
SELINUX_POLICY = """\
class process
class file
sid kernel
sid security
sid unlabeled
class process { transition dyntransition }
class file { lock }
type system_t;
type guest_t;
type open_t;
type closed_t;
role r;
role r types { system_t guest_t };
allow system_t { system_t guest_t }:process { transition dyntransition };
allow guest_t open_t:file lock;
user u roles r;
sid kernel u:r:system_t
sid security u:r:system_t
sid unlabeled u:r:system_t
"""
SELINUX = HEAD + """\
mount -t selinuxfs selinuxfs /sys/fs/selinux || exit 1
dd if=/septet/policy of=/sys/fs/selinux/load bs=64k 2>/dev/null || exit 1
for type in open closed; do
	mkdir "/tmp/$type"
	mount -t tmpfs -o "mode=755,context=u:object_r:${type}_t" tmpfs "/tmp/$type"
	: >"/tmp/$type/file"
	chmod 666 "/tmp/$type/file"
	for mode in r rw; do
		(echo u:r:guest_t >/proc/self/attr/current; try "$type $mode" "$mode" "/tmp/$type/file")
	done
done
"""

LANDLOCK = HEAD + """\
mkdir /tmp/in /tmp/out
for dir in in out; do
	: >"/tmp/$dir/file"
	chmod 666 "/tmp/$dir/file"
	for mode in r rw; do
		try "free $dir $mode" "$mode" "/tmp/$dir/file"
		try "sandbox $dir $mode" -s /tmp/in "$mode" "/tmp/$dir/file"
	done
done
"""


class Modules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name)
        cls.program = cls.folder / "lock_modules"
        common.run(["gcc", "-static", "-Wall", "-Werror", f"-I{common.ROOT}/include/uapi",
                    "-o", cls.program, common.ROOT / "scripts/tests/lock_modules.c"])

    def run_guest(self, module, script, files=()):
        """{case: {(command, request): (errno, locks)}}, as the script in the guest tells it."""
        initramfs = boot.Initramfs("lock-modules")
        initramfs.add("/septet/lock_modules", self.program)
        initramfs.text("/septet/script", script, 0o755)
        for path, host_path in files:
            initramfs.add(path, host_path, 0o644)
        guest = boot.start(os.environ["SEPTET_IMAGE"], initramfs.write(), cpus=1, memory=512,
                           cmdline=f"lsm={module} septet.run=/septet/script",
                           console_log=self.folder / f"{module}.log")
        cases, text = {}, []
        try:
            for line in guest.lines(PATIENCE * boot.slowness()):
                text.append(line)
                word, _, rest = line.partition(" ")
                if word == "case":
                    case = cases[rest] = {}
                elif word == "open":
                    case["open"] = int(rest)
                elif word.startswith("F_"):
                    request, *numbers = rest.split()
                    case[word, request] = tuple(map(int, numbers))
        finally:
            guest.stop()
        self.assertEqual(guest.status, 0, "\n".join(text))
        self.assertEqual(ktap.splats(guest.console_log.read_text(errors="replace")), [])
        return cases

    def expect(self, case, writable, refused=(), unchecked=()):
        """What all the requests came to: refused are the commands that end with EACCES whatever is
        asked for, unchecked those that do so once a lock is about to be set or removed."""
        self.assertEqual(len(case), 4 * len(CLASSIC + PRIVATE + TIMED) + 2 * len(LISTING))
        for (command, request), (error, locks) in case.items():
            want = errno.EFAULT if request == "NULL" else 0
            if request == "F_WRLCK" and not writable:
                want = errno.EBADF
            if command in refused or command in unchecked and not want:
                want = errno.EACCES
            # The read lock that was there before a refused write lock stays.
            held = request in ("F_RDLCK", "F_WRLCK", "list") and want in (0, errno.EBADF) and \
                command not in unchecked
            with self.subTest(f"{command} {request}"):
                self.assertEqual(*(errno.errorcode.get(e, "granted") for e in (error, want)))
                self.assertEqual(locks, 1 if held else 0)

    def test_smack(self):
        """Smack: no lock for who may only read; F_SETLKPT and F_ENUMLKP are refused as early as F_SETLK"""
        cases = self.run_guest("smack", SMACK)
        with self.subTest("may read"):
            # Stock does not know the commands without a deadline by their numbers.
            self.expect(cases["r r"], False, refused=CLASSIC + TIMED + LISTING, unchecked=PRIVATE)
            self.assertEqual(cases["r rw"], {"open": errno.EACCES})
        with self.subTest("may read and lock"):
            self.expect(cases["rl r"], False)
            self.assertEqual(cases["rl rw"], {"open": errno.EACCES})
        with self.subTest("may read and write"):
            self.expect(cases["rw r"], False)
            self.expect(cases["rw rw"], True)

    def test_selinux(self):
        """SELinux: no lock without the permission, by any command, and as early by each"""
        compiler = boot.find("checkpolicy")
        if not compiler:
            self.skipTest("wants checkpolicy (package checkpolicy)")
        text, policy = self.folder / "policy.conf", self.folder / "policy"
        text.write_text(SELINUX_POLICY)
        common.run([compiler, "-U", "allow", "-c", "33", "-o", policy, text])
        cases = self.run_guest("selinux", SELINUX, [("/septet/policy", policy)])
        for mode in ("r", "rw"):
            with self.subTest(f"not permitted, {mode}"):
                self.expect(cases[f"closed {mode}"], mode == "rw",
                            refused=CLASSIC + PRIVATE + TIMED + LISTING)
            with self.subTest(f"permitted, {mode}"):
                self.expect(cases[f"open {mode}"], mode == "rw")

    def test_landlock(self):
        """Landlock: whoever could open the file in the sandbox locks it, by all commands"""
        cases = self.run_guest("landlock", LANDLOCK)
        for mode in ("r", "rw"):
            for case in (f"free in {mode}", f"free out {mode}", f"sandbox in {mode}"):
                with self.subTest(case):
                    self.expect(cases[case], mode == "rw")
            self.assertEqual(cases[f"sandbox out {mode}"], {"open": errno.EACCES})


if __name__ == "__main__":
    tap.main()
