#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The patch series: read patches/, place it on a base, write it as mail for git am.

  series.py write                 OUT/series/<feature>/0000-cover-letter.patch, 0001-...
  series.py refresh patches/F/NN-slug.patch
                                  take the edits made in OUT/septet/src into that patch
  series.py list                  one line a patch
"""

import collections
import fnmatch
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import common
from common import COMMON, ROOT, Refusal

TRAILERS = ("Overlay", "Depends", "Ungated")

Commit = collections.namedtuple("Commit", "patch changes")
# hunks: as placed on this base, ready to print; None for a new file
Change = collections.namedtuple("Change", "old new mode hunks")


class Hunk:
    def __init__(self, header, start):
        self.header, self.start = header, start
        self.body = []

    def side(self, skip):
        """The pre-image (skip '+') or the post-image (skip '-') as a list of lines."""
        lines = []
        for i, l in enumerate(self.body):
            if l[0] == "\\" or l[0] == skip:
                continue
            bare = i + 1 < len(self.body) and self.body[i + 1][0] == "\\"
            lines.append(l[1:] if bare else l[1:] + "\n")
        return lines


class Patch:
    """One mail-style file under patches/: headers, reason, trailers, hunks on existing files."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.name = self.path.relative_to(ROOT).as_posix()
        self.feature = self.path.parent.name
        self.trailers = {t: [] for t in TRAILERS}
        self.headers, self.files = {}, {}
        text = common.read_text(self.path)
        head, _, rest = text.partition("\n\n")
        for l in head.split("\n"):
            key, colon, value = l.partition(": ")
            if not colon:
                raise Refusal("usage", f"{self.name}: '{l}' is not a mail header; wanted From:, "
                                       "Date: and Subject:, then an empty line")
            self.headers[key] = value
        for h in ("From", "Date", "Subject"):
            if h not in self.headers:
                raise Refusal("usage", f"{self.name}: no {h}: header; see CONTRIBUTING.md")
        message, cut, diff = ("\n" + rest).partition("\n--- a/")
        self.message = []
        for l in message.strip("\n").split("\n"):
            m = re.match(r"(\w+): (.*)", l)
            if m and m[1] in TRAILERS:
                self.trailers[m[1]].append(m[2].strip())
            else:
                self.message.append(l)
        if not any(l.startswith("Signed-off-by: ") for l in self.message):
            raise Refusal("usage", f"{self.name}: no Signed-off-by: line; see CONTRIBUTING.md")
        if cut:
            self.parse("--- a/" + diff)

    def parse(self, diff):
        hunk = left = None      # left: lines of the old and of the new side still to come
        for l in diff.removesuffix("\n").split("\n"):
            if left and l[:1] in (" ", "+", "-", ""):
                l = l or " "
                hunk.body.append(l)
                left[0] -= l[0] != "+"
                left[1] -= l[0] != "-"
                if left == [0, 0]:
                    left = None
                elif min(left) < 0:
                    break
            elif l.startswith("\\") and hunk:
                hunk.body.append(l)
            elif left:
                break
            elif l.startswith("--- a/"):
                self.files[l[6:].split("\t")[0]] = hunks = []
            elif m := re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@(.*)", l):
                hunk = Hunk(m[4], int(m[1]))
                left = [int(m[2] or 1), int(m[3] or 1)]
                hunks.append(hunk)
        if left:
            raise Refusal("usage", f"{self.name}: the hunk at line {hunk.start} has not the lines that its header "
                                   "counts (it is cut short, or was edited by hand); make refresh writes hunks anew")

    @property
    def subject(self):
        return self.headers["Subject"]

    def owns(self, path):
        return any(fnmatch.fnmatchcase(path, g) for g in self.trailers["Overlay"])


def place(patch, path, text):
    """Apply the hunks of one file; return the new text and the hunks where they landed."""
    lines = common.lines(text)
    shift, placed = 0, []
    for n, h in enumerate(patch.files[path], 1):
        old, new = h.side("+"), h.side("-")
        at = h.start - 1 + shift if old else h.start + shift
        if lines[at:at + len(old)] != old or not old:
            # An offset hunk can land in the wrong function: only an unambiguous place will do.
            first = [i for i, l in enumerate(lines) if old and l == old[0]]
            spots = [i for i in first if lines[i:i + len(old)] == old]
            if len(spots) != 1:
                raise Refusal("conflict", f"{patch.name} (feature {patch.feature}): hunk {n} of {path} at "
                              f"line {h.start} does not fit: its context occurs {len(spots)} times in the "
                              "tree, wanted once; use a tested base (configs/base) or leave the feature "
                              "out with FEATURES=")
            shift += spots[0] - at
            at = spots[0]
        lines[at:at + len(old)] = new
        # new_start - old_start in the output is what earlier hunks of this file added
        grown = sum(p[3] - p[1] for p in placed)
        placed.append((at + 1 - grown, len(old), at + 1, len(new), h))
        shift += len(new) - len(old)
    return "".join(lines), placed


def patches(features):
    """Patches of these features, canonical order, the tools' first."""
    return [Patch(p) for f in (COMMON, *features)
            for p in sorted((ROOT / "patches" / f).glob("[0-9]*.patch"))]


def sections():
    """Our MAINTAINERS by feature: title 'FILE PRIVATE LOCKS' belongs to file_private_locks."""
    text = (ROOT / "MAINTAINERS").read_text()
    found = {}
    for block in text.strip().split("\n\n"):
        found[block.splitlines()[0].lower().replace(" ", "_")] = block + "\n"
    return found


def maintain(text, section):
    """Insert a section at its alphabetical place in a kernel tree's MAINTAINERS."""
    lines = common.lines(text)
    title = section.partition("\n")[0]
    heading = lines.index("Maintainers List\n") if "Maintainers List\n" in lines else 0
    at = len(lines)
    for i in range(heading + 1, len(lines)):
        l = lines[i]
        if lines[i - 1] == "\n" and re.match(r"[A-Z0-9]", l) and not re.match(r"[A-Z]:\t", l) \
                and (l.upper() > title.upper() or l.startswith("THE REST")):
            at = i
            break
    new = common.lines(section) + ["\n"]
    before, after = lines[max(0, at - 3):at], lines[at:at + 3]
    hunk = Hunk("", at + 1 - len(before))
    hunk.body = [" " + l.rstrip("\n") for l in before] + ["+" + l.rstrip("\n") for l in new] \
        + [" " + l.rstrip("\n") for l in after]
    here = at + 1 - len(before)
    kept = len(before) + len(after)
    return "".join(lines[:at] + new + lines[at:]), [(here, kept, here, kept + len(new), hunk)]


def place_all(read, features):
    """Place the chosen features on a base. read(path) gives its text or None.

    Returns the commits in order; the last change of a path is its final content.
    """
    state, commits = {}, []
    mine, owners = common.overlay(), sections()
    todo = patches(features)
    for p in todo:
        for d in p.trailers["Depends"]:
            if d not in features:
                raise Refusal("usage", f"{p.feature} needs {d}; type: FEATURES=\"{d} {' '.join(features)}\"")
    for i, p in enumerate(todo):
        changes = {}
        for path in p.files:
            old = state[path] if path in state else read(path)
            if old is None:
                raise Refusal("conflict", f"{p.name} (feature {p.feature}): the tree has no {path}; "
                              "use a tested base (configs/base)")
            new, hunks = place(p, path, old)
            changes[path] = Change(old, new, 0o644, hunks)
        for path in filter(p.owns, mine):
            if path in state or read(path) is not None:
                raise Refusal("conflict", f"{p.name} (feature {p.feature}): the tree already has {path}; "
                              "is the series applied to it by other means?")
            mode = 0o755 if os.access(ROOT / path, os.X_OK) else 0o644
            changes[path] = Change(None, common.read_text(ROOT / path), mode, None)
        last = i + 1 == len(todo) or todo[i + 1].feature != p.feature
        if last and p.feature in owners:
            old = state.get("MAINTAINERS") or read("MAINTAINERS")
            if old is None:
                raise Refusal("conflict", "the tree has no MAINTAINERS; is it a whole kernel tree?")
            new, hunks = maintain(old, owners[p.feature])
            changes["MAINTAINERS"] = Change(old, new, 0o644, hunks)
        state.update((path, c.new) for path, c in changes.items())
        commits.append(Commit(p, changes))
    return commits


def result(commits):
    """path -> (text, mode) after the last commit."""
    return {path: (c.new, c.mode) for commit in commits for path, c in commit.changes.items()}


def blob(text):
    data = common.to_bytes(text)
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()[:12]


def diff(path, c):
    """A git-style diff of one file."""
    lines = [f"diff --git a/{path} b/{path}"]
    if c.old is None:
        lines += [f"new file mode 100{c.mode:o}", f"index {'0' * 12}..{blob(c.new)}"]
        body = c.new.removesuffix("\n").split("\n")
        if c.new:
            lines += ["--- /dev/null", f"+++ b/{path}",
                      f"@@ -0,0 +1{',' + str(len(body)) if len(body) > 1 else ''} @@"]
            lines += ["+" + l for l in body]
            if not c.new.endswith("\n"):
                lines.append("\\ No newline at end of file")
    else:
        lines += [f"index {blob(c.old)}..{blob(c.new)} 100{c.mode:o}", f"--- a/{path}", f"+++ b/{path}"]
        for o, on, n, nn, h in c.hunks:
            lines += [f"@@ -{o},{on} +{n},{nn} @@{h.header}"] + h.body
    return lines


def stat(changes):
    """The diffstat that people expect under the three dashes."""
    rows, plus, minus = [], 0, 0
    width = max(map(len, changes))
    for path, c in changes.items():
        body = [l for l in diff(path, c) if not l.startswith(("--- ", "+++ "))]
        a, d = (sum(l.startswith(s) for l in body) for s in "+-")
        plus, minus = plus + a, minus + d
        rows.append(f" {path:{width}} | {a + d}")
    return rows + [f" {len(rows)} file{'s' * (len(rows) != 1)} changed, {plus} insertions(+), {minus} deletions(-)"]


def mail(head, subject, body):
    """One message; the date of the 'From ' line is git's fixed one, so bytes never change."""
    return "\n".join([f"From {'0' * 40} Mon Sep 17 00:00:00 2001", f"From: {head['From']}",
                      f"Date: {head['Date']}", f"Subject: {subject}", "", *body, "-- ", "Septet", "", ""])


def write(read, target):
    """Write the whole series as mail under target/<feature>/; returns the files in order."""
    commits = place_all(read, common.landed())
    by_feature = {}
    for c in commits:
        by_feature.setdefault(c.patch.feature, []).append(c)
    shutil.rmtree(target, ignore_errors=True)
    files = []
    for feature, group in by_feature.items():
        folder = target / feature
        folder.mkdir(parents=True)
        total = len(group)
        cover = (ROOT / "patches" / feature / "cover").read_text()
        title, _, text = cover.partition("\n\n")
        every = {path: ch for c in group for path, ch in c.changes.items()}
        texts = [("0000-cover-letter.patch", mail(
            group[-1].patch.headers, f"[PATCH 0/{total}] {title}",
            [*text.strip().splitlines(), "", *[f"  {i}. {c.patch.subject}" for i, c in enumerate(group, 1)],
             "", *[f" {p}" for p in every]]))]
        for i, c in enumerate(group, 1):
            slug = c.patch.path.stem.partition("-")[2]
            body = [*c.patch.message, "---", *stat(c.changes), ""]
            for path, ch in c.changes.items():
                body += diff(path, ch)
            texts.append((f"{i:04d}-{slug}.patch",
                          mail(c.patch.headers, f"[PATCH {i}/{total}] {c.patch.subject}", body)))
        for name, content in texts:
            common.write_text(folder / name, content)
            files.append(folder / name)
    return files


def unified(path, old, new):
    """Hunks of a diff from text to text, by diff(1)."""
    with tempfile.TemporaryDirectory() as d:
        a, b = pathlib.Path(d, "a"), pathlib.Path(d, "b")
        common.write_text(a, old)
        common.write_text(b, new)
        r = subprocess.run(["diff", "-up", "--label", "a/" + path, "--label", "b/" + path, a, b],
                           capture_output=True)
    return r.stdout.decode("utf-8", "surrogateescape")


def refresh(read, tree, name, edited, more=()):
    """Carry edits of a tree into one patch (hunks) and its overlay files.

    edited: files of the series that are not as they were written into the tree;
    more: files that the series did not touch before and this patch touches from now on.
    """
    target = pathlib.Path(name).absolute()
    commits = place_all(read, common.landed())
    mine = [c for c in commits if c.patch.path == target]
    if not mine:
        known = "\n    ".join(c.patch.name for c in commits)
        raise Refusal("usage", f"P={name} is not a patch of the series; one of:\n    {known}")
    commit, final = mine[0], result(commits)
    edits = {p: common.read_text(tree / p) for p in edited if p in final and p != "MAINTAINERS"}
    overlay = {p for p in edits if commit.patch.owns(p)}
    foreign = [p for p in edits if p not in overlay and p in common.overlay()]
    if foreign:
        raise Refusal("usage", f"{foreign[0]} was edited and belongs to another patch; refresh that one first")
    for path in more:
        if read(path) is None:
            raise Refusal("usage", f"F={path} is not a file of the base; a new file goes into the overlay")
        edits[path] = common.read_text(tree / path)
    out = []
    earlier = result(commits[:commits.index(commit)])
    for path in dict.fromkeys([*commit.patch.files, *edits]):
        if path in overlay:
            continue
        before = earlier[path][0] if path in earlier else read(path)
        after = commit.changes[path].new if path in commit.changes else before
        if path in edits:
            # the edit was made on top of the whole series; take it down to this patch
            step = Patch.__new__(Patch)
            step.name, step.feature, step.files = commit.patch.name, commit.patch.feature, {}
            step.parse(unified(path, final.get(path, (before,))[0], edits[path]))
            after, _ = place(step, path, after)
        out.append(unified(path, before, after))
    text = common.read_text(commit.patch.path)
    head = text.partition("\n--- a/")[0].rstrip("\n")
    new = head + "\n\n" + "".join(out) if any(out) else head + "\n"
    if new == text and not overlay:
        common.say("refresh: nothing was edited")
        return
    for path in overlay:
        common.write_text(ROOT / path, edits[path])
        common.say(f"refresh: {path}")
    if new != text:
        common.write_text(commit.patch.path, new)
        common.say(f"refresh: {commit.patch.name}")
    # The edits are in the series now; the tree takes them from there again.
    again = result(place_all(read, common.landed()))
    for path, edit in edits.items():
        if again[path][0] != edit:
            raise Refusal("failed", f"{path} as edited differs from what the series makes of it; your edit is "
                                    f"in {tree / path} still")
        if path in more:
            common.write_text(tree / path, read(path))


def main(argv):
    import tree     # tree.py imports this module
    if argv == ["write"]:
        read = tree.reader(tree.source("stock"))
        files = write(read, common.out("series"))
        common.say(f"series: {len(files)} files in {common.out('series')}; "
                   "apply one feature with: git am --empty=drop OUT/series/<feature>/*.patch")
    elif argv[:1] == ["refresh"] and len(argv) == 2:
        ours = tree.Tree(common.out("septet", "src"))
        refresh(tree.reader(tree.source("stock")), ours.path, argv[1], ours.edited(),
                os.environ.get("F", "").split())
    elif argv == ["list"]:
        for p in patches(common.landed()):
            common.say(f"{p.name}: {p.subject}" + "".join(f"\n    Ungated: {u}" for u in p.trailers["Ungated"]))
    else:
        print(__doc__.strip(), file=sys.stderr)
        raise Refusal("usage", "wanted: series.py write, refresh PATCH or list; for refresh type: "
                               "make refresh P=patches/FEATURE/NN-slug.patch")


if __name__ == "__main__":
    common.main(main)
