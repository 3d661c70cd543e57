#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Programs of Debian that use locks, on a file without other locks and on one with a thousand:
flock, lslocks, sqlite3, and lockf() of the C library. Wants the kernel image in SEPTET_IMAGE."""

import errno
import os
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import boot     # noqa: E402
import common   # noqa: E402
import ktap     # noqa: E402
import tap      # noqa: E402

PATIENCE = 60       # seconds for a line, times slowness
OTHERS = (0, 1000)
WRITERS, ROUNDS = 4, 10
PROGRAMS = {"flock": "util-linux", "lslocks": "util-linux", "sqlite3": "sqlite3"}

# Each answer begins with the number of other locks and a name. The locks of others lie far from
# the bytes that SQLite locks (1 GiB) and from those that lockf() is used on.
SCRIPT = f"""\
#!/bin/sh
cd /tmp
for others in {' '.join(map(str, OTHERS))}; do
	say() {{ sed "s/^/$others $1 /"; }}
	mkdir $others; cd $others
	sqlite3 base "create table t (n); insert into t values (0)"
	echo 0 >count
	for file in base count; do
		mkfifo $file.held
		/septet/lock_users hold $others $file >$file.held &
		read held <$file.held
	done

	for writer in $(seq {WRITERS}); do
		for round in $(seq {ROUNDS}); do
			sqlite3 -cmd ".timeout 600000" base "update t set n = n + 1" 2>&1
			flock count sh -c 'n=$(cat count); echo $((n + 1)) >count'
		done | say writer &
		writers="$writers $!"
	done
	wait $writers; writers=
	sqlite3 base "select n from t; pragma integrity_check" | paste -sd' ' | say sqlite
	say count <count

	mkfifo base.open base.close
	sqlite3 base "begin exclusive" ".shell echo open >base.open; cat base.close" &
	read open <base.open
	sqlite3 base "select n from t" 2>&1 | say locked
	flock -n base true; echo "flock $?" | say independent
	inode=$(stat -c %i base)
	lslocks --raw --noheadings -o INODE,COMMAND,TYPE,MODE,START,END,PATH | grep "^$inode " >locks
	grep ' sqlite3 ' locks | cut -d' ' -f2- | say lslocks
	grep -c ' OFDLCK READ ' locks | say lslocks-others
	: >base.close

	flock -n count true; echo "free $?" | say flock
	flock count sh -c 'flock -n count true; echo "held $?"; flock -w 0.2 count true; echo "timeout $?"
		flock -sn count true; echo "shared $?"' | say flock
	flock -s count sh -c 'flock -sn count true; echo "both shared $?"' | say flock
	/septet/lock_users lockf count | say lockf
	pkill lock_users
	cd ..
done
"""


class Users(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        folder = pathlib.Path(scratch.name)
        common.run(["gcc", "-static", "-Wall", "-Werror", f"-I{common.ROOT}/include/uapi",
                    "-o", folder / "lock_users", common.ROOT / "scripts/tests/lock_users.c"])
        initramfs = boot.Initramfs("lock-users")
        initramfs.add("/septet/lock_users", folder / "lock_users")
        initramfs.text("/septet/run", SCRIPT, 0o755)
        for program, package in PROGRAMS.items():
            initramfs.program(boot.needed(program, package), f"/usr/bin/{program}")
        guest = boot.start(pathlib.Path(os.environ["SEPTET_IMAGE"]), initramfs.write(), cmdline="septet.run=/septet/run",
                           console_log=folder / "log")
        cls.answers = {}
        try:
            for line in guest.lines(PATIENCE * boot.slowness()):
                if m := re.match(r"(\d+) (\S+) (.*)", line):
                    cls.answers.setdefault((int(m[1]), m[2]), []).append(m[3])
        finally:
            guest.stop()
        cls.splats = ktap.splats(guest.console_log.read_text(errors="replace"))

    def test_kernel(self):
        """the kernel has no complaint"""
        self.assertEqual(self.splats, [])

    def each(self, name, wanted):
        """The same with and without other locks; wanted may depend on how many there are."""
        for others in OTHERS:
            with self.subTest(f"{others} other locks"):
                self.assertEqual(self.answers.get((others, name), []),
                                 wanted(others) if callable(wanted) else wanted, self.answers)

    def test_sqlite_counts(self):
        """four processes update one database; no update is lost and none fails"""
        self.each("writer", [])
        self.each("sqlite", [f"{WRITERS * ROUNDS} ok"])

    def test_sqlite_exclusive(self):
        """a reader is turned away while a transaction has the database for itself"""
        for others in OTHERS:
            with self.subTest(f"{others} other locks"):
                self.assertIn("database is locked", " ".join(self.answers[others, "locked"]))

    def test_flock_counts(self):
        """four processes count in one file, each time under flock(1)"""
        self.each("count", [str(WRITERS * ROUNDS)])

    def test_flock(self):
        """flock(1): held, timeout, shared; and not in the way of record locks"""
        self.each("flock", ["free 0", "held 1", "timeout 1", "shared 1", "both shared 0"])
        self.each("independent", ["flock 0"])

    def test_lslocks(self):
        """lslocks(8) finds what SQLite holds, with the program, and the others'"""
        for others in OTHERS:
            with self.subTest(f"{others} other locks"):
                lines = self.answers[others, "lslocks"]
                self.assertEqual(lines, [f"sqlite3 POSIX WRITE 1073741824 1073742335 /tmp/{others}/base"])
        self.each("lslocks-others", lambda others: [str(others)])

    def test_lockf(self):
        """lockf(): conflict, test, own lock, partial release"""
        self.each("lockf", [f"within {errno.EAGAIN}", f"test {errno.EACCES}", "beside 0", "own 0", "freed 0",
                            f"kept {errno.EAGAIN}"])


if __name__ == "__main__":
    tap.main()
