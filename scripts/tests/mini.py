# SPDX-License-Identifier: GPL-2.0
"""A project and a kernel tree of a few lines each, for tests of the series and of trees.

  project/                          tree/ (says it is Linux 6.12.117)
    patches/septet/01-tool            Makefile Kconfig
    patches/hot_tracking/01-hook      fs/shared.c       both features change it
    patches/renameat2/01-hook         mm/Makefile       executable, changed by hot_tracking
    mm/hot.c tools/one/* new/deep/x   lib/Makefile      changed by renameat2
                                      MAINTAINERS
"""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SCRIPTS))

import common   # noqa: E402
import series   # noqa: E402
import tree     # noqa: E402

WHO = "Somebody <somebody@localhost>"
SHARED = [f"line {n}\n" for n in range(1, 61)]
MAINTAINERS = """Intro

Maintainers List
----------------

3C59X NETWORK DRIVER
M:\tSomebody <somebody@localhost>
F:\tdrivers/net/3c59x.c

LOCKS
F:\tfs/locks.c

ZSWAP
F:\tmm/zswap.c

THE REST
F:\t*
"""
OURS = """HOT TRACKING
S:\tMaintained
F:\tmm/hot.c

RENAMEAT2
S:\tMaintained
F:\tnew/
"""


def put(path, content, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogateescape"))
    path.chmod(mode)


def edit(lines, at, text):
    """A copy of lines with text after line number `at`."""
    return lines[:at] + [text] + lines[at:]


def snapshot(folder):
    """path -> permissions and content of everything in a folder; times do not count."""
    return {p.relative_to(folder).as_posix(): (p.lstat().st_mode, p.read_bytes() if p.is_file() else b"")
            for p in sorted(folder.rglob("*"))}


class Case(unittest.TestCase):
    """Each test has its own project and tree; the modules take that project for theirs."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="septet-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.project, self.tree = self.folder / "project", self.folder / "tree"
        for module in (common, series, tree):
            self.addCleanup(setattr, module, "ROOT", module.ROOT)
            module.ROOT = self.project
        self.addCleanup(setattr, common, "OUT", common.OUT)
        common.OUT = self.folder / "out"
        self.addCleanup(setattr, common, "say", common.say)
        common.say = tree.say = lambda text: None
        self.make_tree()
        self.make_project()

    def make_tree(self):
        put(self.tree / "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 117\nEXTRAVERSION =\n")
        put(self.tree / "Kconfig", "mainmenu\n")
        put(self.tree / "MAINTAINERS", MAINTAINERS)
        put(self.tree / "fs/shared.c", "".join(SHARED))
        put(self.tree / "mm/Makefile", "obj-y := a.o \\\n\tb.o\n", 0o755)
        put(self.tree / "lib/Makefile", "obj-y := c.o\n")

    def make_project(self):
        for name in ("common.py", "series.py", "tree.py"):
            put(self.project / "scripts" / name, (SCRIPTS / name).read_text())
        put(self.project / "MAINTAINERS", OURS)
        put(self.project / "tools/one/one.c", "/* one */\n")
        put(self.project / "tools/one/run.sh", "#!/bin/sh\n", 0o755)
        put(self.project / "mm/hot.c", "/* hot */\nint hot;\n")
        put(self.project / "new/deep/x", "no newline at the end")
        put(self.project / "new/empty", "")
        self.patch("septet", "01-tool", {}, "Overlay: tools/one/*")
        self.patch("hot_tracking", "01-hook", {
            "fs/shared.c": (SHARED, edit(SHARED, 10, "hot\n")),
            "mm/Makefile": (["obj-y := a.o \\\n", "\tb.o\n"], ["obj-y := a.o \\\n", "\tb.o hot.o\n"])},
            "Overlay: mm/hot.c")
        # Made on top of the other feature: without it the hunk lies a line higher.
        both = edit(SHARED, 10, "hot\n")
        self.patch("renameat2", "01-hook", {
            "fs/shared.c": (both, edit(both, 40, "rename\n")),
            "lib/Makefile": (["obj-y := c.o\n"], ["obj-y := c.o d.o\n"])},
            "Overlay: new/*")

    def patch(self, feature, name, edits, *trailers):
        """Write patches/<feature>/<name>.patch: edits is path -> (lines before, lines after)."""
        diff = "".join(series.unified(p, "".join(a), "".join(b)) for p, (a, b) in edits.items())
        put(self.project / "patches" / feature / "cover", f"{feature}: what it is\n\nWhy.\n")
        put(self.project / "patches" / feature / f"{name}.patch",
            f"From: {WHO}\nDate: Sun, 22 Nov 2026 00:00:00 +0000\nSubject: {feature}: {name}\n\n"
            + "The reason.\n\n" + "".join(t + "\n" for t in trailers)
            + f"Signed-off-by: {WHO}\n\n" + diff)

    def base(self, path):
        return common.read_text(self.tree / path)

    def refused(self, kind, function, *args):
        """The message of a refusal, which must be of this kind and must not have changed the tree."""
        before = snapshot(self.tree) if self.tree.exists() else None
        with self.assertRaises(common.Refusal) as caught:
            function(*args)
        self.assertEqual(caught.exception.code, common.EXIT[kind][0], caught.exception)
        self.assertNotIn("\n", str(caught.exception))
        if before is not None:
            self.assertEqual(snapshot(self.tree), before, "a refusal changed the tree")
        return str(caught.exception)


def environment(**more):
    """The environment without what a make above us has set."""
    gone = ("KDIR", "FEATURES", "OUT", "BASE", "P", "F", "T")
    return {**{k: v for k, v in os.environ.items() if k not in gone and not k.startswith("GIT_")}, **more}
