#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""tree.py: apply, unapply and status on a tree; what is refused; what a kill leaves behind."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import mini
import tap
from mini import put, series, snapshot, tree

BOTH = ["hot_tracking", "renameat2"]
KILLS = 20


class Killed(BaseException):
    """Not an Exception: nothing in tree.py may catch it, as nothing catches SIGKILL."""


class Killer:
    """Raises Killed at the n-th operation that changes something below a folder.

    Python announces every such operation to audit hooks just before it happens. A file that
    was about to be written is left behind empty, as by a kill after open().
    """

    CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.utime", "open"}

    def __init__(self):
        self.left, self.seen = None, 0
        sys.addaudithook(self.hook)

    def hook(self, event, args):
        if self.left is None or event not in self.CHANGES:
            return
        if event == "open" and not (isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)):
            return
        if not str(args[0]).startswith(str(self.below)) and not self.relative(event, args):
            return
        self.seen += 1
        self.left -= 1
        if self.left == 0:
            self.left = None
            if event == "open":
                open(args[0], "w").close()
            raise Killed(f"{event} {args[0]}")

    def relative(self, event, args):
        """shutil.rmtree works relative to an open folder; nothing else here does."""
        return event in ("os.remove", "os.rmdir") and not os.path.isabs(args[0])

    def run(self, below, n, function, *args):
        """True if function was killed before it ended."""
        self.below, self.left, self.seen = below, n, 0
        try:
            function(*args)
        except Killed:
            return True
        finally:
            self.left = None
        return False


killer = Killer()


class Case(mini.Case):
    def change(self, features):
        """As one run of the program: the lock goes with the object."""
        return tree.Tree(self.tree).change(features)

    def wanted(self, features):
        """What the tree should be, by other means than tree.py's: path -> (mode, text) of all files."""
        files = {p.relative_to(self.tree).as_posix(): (p.stat().st_mode & 0o777, p.read_text())
                 for p in self.tree.rglob("*") if p.is_file()}
        for path, (text, mode) in series.result(series.place_all(self.base, features)).items():
            files[path] = files[path][0] if path in files else mode, text
        return files

    def have(self):
        return {p.relative_to(self.tree).as_posix(): (p.stat().st_mode & 0o777, p.read_text())
                for p in self.tree.rglob("*") if p.is_file() and ".septet" not in p.parts}


class Changing(Case):
    """apply and unapply."""

    def test_round_trip(self):
        before, want = snapshot(self.tree), self.wanted(BOTH)
        self.assertTrue(self.change(BOTH))
        self.assertEqual(self.have(), want)
        self.assertFalse(self.change(BOTH))
        self.assertTrue(self.change(None))
        self.assertEqual(snapshot(self.tree), before)
        self.assertFalse(self.change(None))
        self.assertEqual(snapshot(self.tree), before)

    def test_from_any_subset_to_any(self):
        before = snapshot(self.tree)
        subsets = ([], BOTH[:1], BOTH[1:], BOTH)
        want = [self.wanted(s) for s in subsets]
        for a in range(4):
            for b in range(4):
                self.change(subsets[a])
                self.change(subsets[b])
                self.assertEqual(self.have(), want[b], f"{subsets[a]} -> {subsets[b]}")
                self.change(None)
                self.assertEqual(snapshot(self.tree), before, f"{subsets[a]} -> {subsets[b]} -> nothing")

    def test_only_what_differs_is_written(self):
        self.change(BOTH)
        times = {p: (self.tree / p).stat().st_mtime_ns for p in self.have()}
        put(self.project / "mm/hot.c", "/* hotter */\n")
        time.sleep(0.02)
        self.assertTrue(self.change(BOTH))
        now = {p: (self.tree / p).stat().st_mtime_ns for p in self.have()}
        self.assertEqual([p for p in now if now[p] != times[p]], ["mm/hot.c"])
        self.assertGreater(now["mm/hot.c"], times["mm/hot.c"])

    def test_restored_files_look_new(self):
        """make must see that a file went back to what it was."""
        self.change(BOTH)
        applied = (self.tree / "fs/shared.c").stat().st_mtime_ns
        time.sleep(0.02)
        self.change(None)
        self.assertGreater((self.tree / "fs/shared.c").stat().st_mtime_ns, applied)

    def test_permissions_stay(self):
        (self.tree / "fs/shared.c").chmod(0o600)
        before = snapshot(self.tree)
        self.change(BOTH)
        self.assertEqual((self.tree / "fs/shared.c").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.tree / "mm/Makefile").stat().st_mode & 0o777, 0o755)
        self.change(None)
        self.assertEqual(snapshot(self.tree), before)

    def test_bytes_survive(self):
        put(self.tree / "fs/shared.c", b"dos\r\n\xff\n" + "".join(mini.SHARED).encode())
        before = snapshot(self.tree)
        self.change(BOTH)
        self.assertTrue((self.tree / "fs/shared.c").read_bytes().startswith(b"dos\r\n\xff\n"))
        self.change(None)
        self.assertEqual(snapshot(self.tree), before)

    def test_foreign_files_stay(self):
        self.change(BOTH)
        put(self.tree / "new/deep/theirs", "theirs")
        self.change(None)
        self.assertEqual((self.tree / "new/deep/theirs").read_text(), "theirs")
        self.assertEqual([p.name for p in (self.tree / "new/deep").iterdir()], ["theirs"])

    def test_lost_file_comes_back(self):
        want = self.wanted(BOTH)
        self.change(BOTH)
        for lost in ("mm/hot.c", "fs/shared.c"):
            (self.tree / lost).unlink()
        self.assertTrue(self.change(BOTH))
        self.assertEqual(self.have(), want)

    def test_file_out_of_the_overlay_goes(self):
        self.change(BOTH)
        (self.project / "new/deep/x").unlink()
        self.change(BOTH)
        self.assertFalse((self.tree / "new/deep/x").exists())


class Refusing(Case):
    """What is refused, with nothing changed."""

    def test_not_a_kernel(self):
        for path, text in (("nowhere", "not a folder"), ("project", "not a Linux kernel tree")):
            self.assertIn(text, self.refused("kdir", tree.Tree, self.folder / path))

    def test_other_version(self):
        put(self.tree / "Makefile", "VERSION = 6\nPATCHLEVEL = 11\nSUBLEVEL = 3\nEXTRAVERSION =\n")
        message = self.refused("version", tree.Tree, self.tree)
        self.assertIn("6.11.3", message)
        self.assertIn("6.12.y", message)

    def test_conflict(self):
        put(self.tree / "fs/shared.c", "".join(mini.SHARED).replace("line 10\n", "line ten\n"))
        message = self.refused("conflict", self.change, BOTH)
        for word in ("hot_tracking", "fs/shared.c", "hunk 1"):
            self.assertIn(word, message)

    def test_edited(self):
        self.change(BOTH)
        put(self.tree / "fs/shared.c", "edited\n")
        for features in (None, BOTH[:1]):
            self.assertIn("fs/shared.c", self.refused("edited", self.change, features))
        put(self.tree / "fs/shared.c", "".join(mini.SHARED))
        self.assertIn("fs/shared.c", self.refused("edited", self.change, BOTH))

    def test_symbolic_link(self):
        shutil.move(self.tree / "fs/shared.c", self.folder / "elsewhere.c")
        (self.tree / "fs/shared.c").symlink_to(self.folder / "elsewhere.c")
        self.assertIn("symbolic link", self.refused("kdir", self.change, BOTH))

    def test_read_only(self):
        (self.tree / "mm").chmod(0o555)
        self.addCleanup((self.tree / "mm").chmod, 0o755)
        if os.geteuid() == 0:       # root may write everywhere; be somebody else for a while
            self.folder.chmod(0o755)
            for p in (self.tree, *self.tree.rglob("*")):
                os.chown(p, 65534, 65534)
            self.addCleanup(os.setresuid, 0, 0, 0)
            os.setresuid(65534, 65534, 0)
        self.assertIn("mm", self.refused("readonly", self.change, BOTH))

    def test_no_room(self):
        full = shutil.disk_usage(self.tree)._replace(free=1000)
        self.addCleanup(setattr, shutil, "disk_usage", shutil.disk_usage)
        shutil.disk_usage = lambda path: full
        self.assertIn("free", self.refused("space", self.change, BOTH))

    def test_two_at_once(self):
        self.change(BOTH)
        first = tree.Tree(self.tree)
        first.lock()
        self.assertIn("another run", self.refused("busy", self.change, None))


class Program(Case):
    """tree.py as a program: its lines and its exit codes."""

    def program(self, command, **environment):
        """(exit code, standard output, standard error) of one run, with these variables on top."""
        env = {**mini.environment(KDIR=str(self.tree), OUT=str(self.folder / "out")), **environment}
        r = subprocess.run([sys.executable, self.project / "scripts/tree.py", command], env=env,
                           capture_output=True, text=True)
        return r.returncode, r.stdout, r.stderr

    def test_life(self):
        before = snapshot(self.tree)
        for command, words in (("status", "not applied"), ("apply", "applied: hot_tracking renameat2"),
                               ("apply", "nothing to do"), ("status", "applied: hot_tracking renameat2"),
                               ("unapply", "every file as it was"), ("unapply", "nothing to do")):
            status, text, errors = self.program(command)
            self.assertEqual((status, text.count("\n"), errors), (0, 1, ""), text)
            self.assertIn(words, text)
        self.assertEqual(snapshot(self.tree), before)

    def test_refusals(self):
        for command, environment, code, words in (
                ("apply", {"KDIR": ""}, 11, "KDIR="), ("apply", {"KDIR": "/nowhere"}, 11, "not a folder"),
                ("apply", {"FEATURES": "warp"}, 10, "unknown feature 'warp'"),
                ("apply", {"FEATURES": "compaction_demand"}, 10, "has not landed"),
                ("unapply", {"FEATURES": "renameat2"}, 10, "whole series")):
            before = snapshot(self.tree)
            status, text, errors = self.program(command, **environment)
            self.assertEqual((status, errors.count("\n"), text), (code, 1, ""), errors)
            self.assertIn(words, errors)
            self.assertEqual(snapshot(self.tree), before)


class Base(Case):
    """Which base is taken: the newest that apt has if the series fits it, else the newest tested one."""

    def setUp(self):
        super().setUp()
        self.said = []
        tree.say = self.said.append
        self.fetched, self.archives = [], {}
        for name, value in (("download", self.fetch), ("hold_out", lambda: None),
                            ("tested", lambda: {"2": "", "3": ""})):
            self.addCleanup(setattr, tree, name, getattr(tree, name))
            setattr(tree, name, value)
        for version in "1234":
            self.archive(version)

    def archive(self, version, edited=False):
        """A source tarball; with edited, one that the series does not fit."""
        top = self.folder / "linux"
        shutil.copytree(self.tree, top)
        put(top / "version", version)
        if edited:
            put(top / "fs/shared.c", "something else\n")
        self.archives[version] = self.folder / f"{version}.tar"
        subprocess.run(["tar", "-C", self.folder, "-cf", self.archives[version], "linux"], check=True)
        shutil.rmtree(top)

    def fetch(self, version):
        self.fetched.append(version)
        return self.archives[version]

    def taken(self, *available):
        """The version that OUT/septet/src is made from when apt has these, newest first."""
        self.addCleanup(setattr, tree, "available", tree.available)
        tree.available = lambda: list(available)
        return (tree.source() / "version").read_text()

    def test_newest(self):
        self.assertEqual(self.taken("4", "3", "2"), "4")
        self.assertEqual(self.fetched, ["4"])
        self.assertIn("newer than the versions", " ".join(self.said))

    def test_drift(self):
        self.archive("4", edited=True)
        self.assertEqual(self.taken("4", "3", "2"), "3")
        drift, = (t for t in self.said if t.startswith("DRIFT"))
        self.assertRegex(drift, "DRIFT: 4: .*hunk 1 of fs/shared.c")

    def test_drift_with_an_old_one_gone(self):
        self.archive("4", edited=True)
        self.assertEqual(self.taken("4", "2", "1"), "2")

    def test_drift_without_a_way_out(self):
        self.archive("4", edited=True)
        self.assertIn("fs/shared.c", self.refused("conflict", self.taken, "4", "1"))

    def test_nothing_to_be_had(self):
        self.assertIn("make doctor", self.refused("network", self.taken))

    def test_stays(self):
        self.taken("3")
        self.assertEqual(self.taken("4", "3"), "3")

    def test_given(self):
        os.environ["BASE"] = str(self.archives["1"])
        self.addCleanup(os.environ.pop, "BASE")
        self.assertEqual(self.taken("4"), "1")
        self.assertEqual(self.fetched, [])


class Interrupting(Case):
    """After a kill the next run ends in one of the two clean states."""

    def settle(self, before, want, where):
        """Whatever is there, apply must complete it and unapply must undo it, from the same wreck."""
        wreck = self.folder / "wreck"
        shutil.rmtree(wreck, ignore_errors=True)
        shutil.copytree(self.tree, wreck)
        self.change(BOTH)
        self.assertEqual(self.have(), want, f"apply after a kill at {where}")
        shutil.rmtree(self.tree)
        shutil.move(wreck, self.tree)
        self.change(None)
        self.assertEqual(snapshot(self.tree), before, f"unapply after a kill at {where}")

    def every_moment(self, start, features):
        before, want = snapshot(self.tree), self.wanted(BOTH)
        n = 1
        while True:
            if start is not None:
                self.change(start)
            killed = killer.run(self.tree, n, self.change, features)
            self.settle(before, want, f"change {n} of {start} -> {features}")
            if not killed:
                break
            n += 1
        self.assertGreater(n, 20)

    def test_apply(self):
        self.every_moment(None, BOTH)

    def test_unapply(self):
        self.every_moment(BOTH, None)

    def test_more_features(self):
        self.every_moment(BOTH[:1], BOTH)

    def test_fewer_features(self):
        self.every_moment(BOTH, BOTH[1:])

    def test_killed_again_while_recovering(self):
        """A second kill, at every moment of the run that cleans up after a kill in the middle."""
        before, want = snapshot(self.tree), self.wanted(BOTH)
        for start, features in ((None, BOTH), (BOTH, None)):
            if start:
                self.change(start)
            killer.run(self.tree, 10**9, self.change, features)
            total = killer.seen
            self.change(None)
            n, killed = 1, True
            while killed:
                if start:
                    self.change(start)
                self.assertTrue(killer.run(self.tree, total * 2 // 3, self.change, features))
                killed = killer.run(self.tree, n, self.change, features)
                self.settle(before, want, f"change {n} after {total * 2 // 3} of {start} -> {features}")
                n += 1

    def test_sigkill(self):
        """The program itself, SIGKILL at random moments of both directions."""
        for n in range(300):
            put(self.project / f"new/deep/many{n}", f"{n}\n")
        before, want = snapshot(self.tree), self.wanted(BOTH)
        command = [sys.executable, str(self.project / "scripts/tree.py")]
        environment = mini.environment(KDIR=str(self.tree), OUT=str(self.folder / "out"))

        def run(what, limit=None):
            """Seconds it took, or None if it was killed."""
            begin = time.monotonic()
            p = subprocess.Popen([*command, what], env=environment, stdout=subprocess.DEVNULL)
            try:
                self.assertEqual(p.wait(limit), 0)
                return time.monotonic() - begin
            except subprocess.TimeoutExpired:
                p.send_signal(signal.SIGKILL)
                p.wait()
                return None

        length = {what: run(what) for what in ("apply", "unapply")}
        idle = run("status")        # starting Python; a kill there shows nothing
        dice, kills, tries = random.Random(), 0, 0
        while kills < KILLS and tries < 10 * KILLS:
            tries += 1
            what = ("apply", "unapply")[tries % 2]
            if what == "unapply":
                run("apply")
            took = run(what, dice.uniform(idle / 2, max(length[what], idle)))
            kills += took is None and (self.tree / ".septet").exists()
            finish = dice.choice(("apply", "unapply"))
            run(finish)
            if finish == "apply":
                self.assertEqual(self.have(), want)
                run("unapply")
            self.assertEqual(snapshot(self.tree), before)
        self.assertEqual(kills, KILLS)


if __name__ == "__main__":
    tap.main()
