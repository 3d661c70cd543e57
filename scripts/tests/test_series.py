#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""series.py: reading patches, placing hunks, writing mail, refreshing from an edited tree."""

import os
import shutil
import subprocess

import mini
import tap
from mini import SHARED, common, edit, series

BOTH = ["hot_tracking", "renameat2"]


class Parsing(mini.Case):
    """A patch file as it is read."""

    def broken(self, old, new):
        path = self.project / "patches/hot_tracking/01-hook.patch"
        path.write_text(path.read_text().replace(old, new, 1))
        return self.refused("usage", series.patches, ["hot_tracking"])

    def test_parts(self):
        tool, hook = series.patches(["hot_tracking"])
        self.assertEqual((tool.feature, hook.feature), ("septet", "hot_tracking"))
        self.assertEqual(hook.subject, "hot_tracking: 01-hook")
        self.assertEqual(hook.trailers, {"Overlay": ["mm/hot.c"], "Depends": [], "Ungated": []})
        self.assertEqual(list(hook.files), ["fs/shared.c", "mm/Makefile"])
        self.assertNotIn("Overlay: mm/hot.c", hook.message)
        self.assertIn(f"Signed-off-by: {mini.WHO}", hook.message)

    def test_no_subject(self):
        self.assertIn("Subject:", self.broken("Subject:", "Topic:"))

    def test_no_sign_off(self):
        self.assertIn("Signed-off-by", self.broken("Signed-off-by:", "Seen-by:"))

    def test_cut_short(self):
        """A hunk that ends early is refused, inside the file and at its end."""
        after = edit(edit(SHARED, 50, "y\n"), 10, "x\n")
        self.patch("hot_tracking", "01-hook", {"fs/shared.c": (SHARED, after)})
        whole = (self.project / "patches/hot_tracking/01-hook.patch").read_text()
        self.assertIn("cut short", self.broken(" line 13\n", ""))
        (self.project / "patches/hot_tracking/01-hook.patch").write_text(whole)
        self.assertIn("cut short", self.broken("+y\n line 51\n line 52\n line 53\n", ""))


class Placing(mini.Case):
    """Hunks on a file."""

    def place(self, before, after, text):
        self.patch("hot_tracking", "02-more", {"fs/shared.c": (before, after)})
        p = series.patches(["hot_tracking"])[-1]
        return series.place(p, "fs/shared.c", "".join(text))[0]

    def test_exact(self):
        after = edit(SHARED, 30, "x\n")
        self.assertEqual(self.place(SHARED, after, SHARED), "".join(after))

    def test_two_hunks_each_way(self):
        after = edit(edit(SHARED, 50, "y\n"), 10, "x\n")
        del after[30]
        self.assertEqual(self.place(SHARED, after, SHARED), "".join(after))
        self.assertEqual(self.place(after, SHARED, after), "".join(SHARED))

    def test_offset_where_unique(self):
        for moved in (["new\n"] * 7 + SHARED, SHARED[5:]):
            want = edit(moved, moved.index("line 30\n") + 1, "x\n")
            self.assertEqual(self.place(SHARED, edit(SHARED, 30, "x\n"), moved), "".join(want))

    def test_offset_ambiguous(self):
        text = ["pad\n"] + SHARED + SHARED
        message = self.refused("conflict", self.place, SHARED, edit(SHARED, 30, "x\n"), text)
        for word in ("hot_tracking", "fs/shared.c", "hunk 1", "2 times"):
            self.assertIn(word, message)

    def test_no_fuzz(self):
        text = [l.replace("line 28", "line28") for l in SHARED]
        self.assertIn("0 times", self.refused("conflict", self.place, SHARED, edit(SHARED, 30, "x\n"), text))

    def test_end_of_file(self):
        self.assertEqual(self.place(SHARED, SHARED + ["x\n"], SHARED), "".join(SHARED) + "x\n")
        bare = SHARED[:-1] + ["line 60"]
        self.assertEqual(self.place(SHARED, bare, SHARED), "".join(bare))
        self.assertEqual(self.place(bare, SHARED, bare), "".join(SHARED))

    def test_printed_places(self):
        """The line numbers of the hunks that are printed are those of the tree, not of the patch."""
        moved = ["new\n"] * 7 + SHARED
        self.place(SHARED, edit(edit(SHARED, 50, "y\n"), 10, "x\n"), moved)
        p = series.patches(["hot_tracking"])[-1]
        _, hunks = series.place(p, "fs/shared.c", "".join(moved))
        self.assertEqual([h[:4] for h in hunks], [(15, 6, 15, 7), (55, 6, 56, 7)])

    def test_bytes_survive(self):
        """Form feeds, carriage returns and bytes that are not UTF-8 stay what they are."""
        odd = [b"a\x0cb\n", b"dos\r\n", b"\xff\xfe\n", "\u2028\x85\n".encode()]
        lines = odd + [l.encode() for l in SHARED] + odd
        mini.put(self.tree / "fs/shared.c", b"".join(lines))
        got = series.result(series.place_all(self.base, BOTH))["fs/shared.c"][0]
        want = edit(edit(lines, 14, b"hot\n"), 44, b"rename\n")
        self.assertEqual(got.encode(errors="surrogateescape"), b"".join(want))


class Whole(mini.Case):
    """The series on a tree."""

    def test_every_subset(self):
        for chosen in ([], ["hot_tracking"], ["renameat2"], BOTH):
            got = series.result(series.place_all(self.base, chosen))
            words = ["rename" if f == "renameat2" else "hot" for f in chosen]
            want = [l for l in edit(edit(SHARED, 39, "rename\n"), 10, "hot\n")
                    if l.startswith("line") or l.strip() in words]
            self.assertEqual(got.get("fs/shared.c", ("".join(SHARED),))[0], "".join(want), chosen)
            self.assertEqual("mm/hot.c" in got, "hot_tracking" in chosen)
            self.assertEqual(got["tools/one/run.sh"][1], 0o755)

    def test_maintainers_in_order(self):
        text = series.result(series.place_all(self.base, BOTH))["MAINTAINERS"][0]
        titles = ["Maintainers List", "3C59X NETWORK DRIVER", "HOT TRACKING", "LOCKS", "RENAMEAT2", "ZSWAP",
                  "THE REST"]
        self.assertEqual(sorted(titles, key=text.index), titles)
        self.assertEqual(text.replace("HOT TRACKING\nS:\tMaintained\nF:\tmm/hot.c\n\n", "")
                         .replace("RENAMEAT2\nS:\tMaintained\nF:\tnew/\n\n", ""), mini.MAINTAINERS)

    def test_depends(self):
        self.patch("renameat2", "02-needs", {}, "Depends: hot_tracking")
        message = self.refused("usage", series.place_all, self.base, ["renameat2"])
        self.assertIn("hot_tracking renameat2", message)
        series.place_all(self.base, BOTH)

    def test_file_is_there_already(self):
        mini.put(self.tree / "mm/hot.c", "somebody else's\n")
        self.assertIn("mm/hot.c", self.refused("conflict", series.place_all, self.base, BOTH))

    def test_file_is_not_there(self):
        (self.tree / "fs/shared.c").unlink()
        self.assertIn("fs/shared.c", self.refused("conflict", series.place_all, self.base, BOTH))

    def test_leftovers_are_no_overlay(self):
        before = common.overlay()
        for leftover in ("mm/hot.c~", "mm/hot.o", "mm/.hot.c.swp", "mm/hot.c.orig", "mm/hot.c.rej"):
            mini.put(self.project / leftover, "x")
        self.assertEqual(common.overlay(), before)


class Mail(mini.Case):
    """What series.py write leaves behind."""

    def git(self, *args):
        env = mini.environment(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1",
                               GIT_CEILING_DIRECTORIES=str(self.folder))
        for who in ("AUTHOR", "COMMITTER"):
            env.update({f"GIT_{who}_NAME": "T", f"GIT_{who}_EMAIL": "t@localhost"})
        return subprocess.run(["git", *args], cwd=self.tree, env=env, check=True, capture_output=True,
                              text=True).stdout

    def test_same_bytes_twice(self):
        first, second = [[(f.name, f.read_bytes()) for f in series.write(self.base, self.folder / target)]
                         for target in "ab"]
        self.assertEqual(first, second)

    def test_git_am(self):
        """git am of the mails gives what apply gives, bytes and x bits, one commit a patch."""
        want = series.result(series.place_all(self.base, common.landed()))
        files = series.write(self.base, self.folder / "series")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "base")
        self.git("am", "-q", "--empty=drop", *map(str, files))
        self.assertEqual(self.git("log", "--format=%s").splitlines(),
                         ["renameat2: 01-hook", "hot_tracking: 01-hook", "septet: 01-tool", "base"])
        for path, (text, mode) in want.items():
            self.assertEqual(self.base(path), text, path)
            if path != "mm/Makefile":
                self.assertEqual((self.tree / path).stat().st_mode & 0o100, mode & 0o100, path)
        self.assertTrue(os.access(self.tree / "mm/Makefile", os.X_OK))
        self.assertEqual(self.git("status", "--porcelain"), "")


class Refresh(mini.Case):
    """Edits of a tree, carried into the series."""

    def refresh(self, name, edits, more=()):
        work = self.folder / "work"
        shutil.copytree(self.tree, work)
        for path, (text, _) in series.result(series.place_all(self.base, BOTH)).items():
            mini.put(work / path, text)
        for path, (old, new) in edits.items():
            text = (work / path).read_text()
            self.assertIn(old, text)
            mini.put(work / path, text.replace(old, new))
        want = {p: (work / p).read_text() for p in edits}
        series.refresh(self.base, work, self.project / "patches" / name, list(edits), more)
        for path, text in want.items():
            self.assertEqual(series.result(series.place_all(self.base, BOTH))[path][0], text)

    def test_hunk_of_the_last(self):
        self.refresh("renameat2/01-hook.patch", {"fs/shared.c": ("rename\n", "rename two\n")})

    def test_hunk_of_an_earlier(self):
        other = (self.project / "patches/renameat2/01-hook.patch").read_text()
        self.refresh("hot_tracking/01-hook.patch", {"fs/shared.c": ("hot\n", "hot\nhotter\n")})
        self.assertEqual((self.project / "patches/renameat2/01-hook.patch").read_text(), other)

    def test_overlay_file(self):
        self.refresh("hot_tracking/01-hook.patch", {"mm/hot.c": ("int hot;", "int hot = 1;")})
        self.assertEqual((self.project / "mm/hot.c").read_text(), "/* hot */\nint hot = 1;\n")

    def test_file_new_to_the_patch(self):
        self.refresh("renameat2/01-hook.patch", {"Kconfig": ("mainmenu\n", "mainmenu\nmore\n")}, ["Kconfig"])

    def test_nothing_edited(self):
        path = self.project / "patches/hot_tracking/01-hook.patch"
        before = path.read_text()
        self.refresh("hot_tracking/01-hook.patch", {})
        self.assertEqual(path.read_text(), before)

    def test_foreign_overlay_file(self):
        with self.assertRaises(common.Refusal):
            self.refresh("renameat2/01-hook.patch", {"mm/hot.c": ("int hot;", "int x;")})


if __name__ == "__main__":
    tap.main()
