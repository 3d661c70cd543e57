# SPDX-License-Identifier: GPL-2.0
"""Checks of lint.py on the series itself: who owns what, what applies, what git and a tree make of it."""

import fnmatch
import functools
import hashlib
import os
import re
import shutil
import stat

import common
import series
import tree
from common import COMMON, FEATURES, ROOT, out
from lint_base import Message, base, messages, need, output, parallel, result, stock, touched


def owner(r):
    """every overlay file belongs to one patch and to one section of MAINTAINERS"""
    names = {p.relative_to(ROOT).as_posix() for p in ROOT.glob("patches/*/*") if p.name != "cover"}
    for name in sorted(names):
        _, feature, file = name.split("/")
        if feature not in (COMMON, *FEATURES) or not re.fullmatch(r"\d\d-[a-z0-9-]+\.patch", file):
            r.bad(f"{name}: wanted patches/FEATURE/NN-slug.patch; the features are: {' '.join(FEATURES)}")
    patches, files = series.patches(common.landed()), common.overlay()
    for feature in {p.feature for p in patches}:
        if not (ROOT / "patches" / feature / "cover").exists():
            r.bad(f"patches/{feature}: no file 'cover' (a title, an empty line, what the series is for)")
    for f in files:
        owners = [p.name for p in patches if p.owns(f)]
        if len(owners) != 1:
            r.bad(f"{f}: belongs to {' and '.join(owners) or 'no patch'}; "
                  "wanted one Overlay: line that matches it")
    for p in patches:
        for g in p.trailers["Overlay"]:
            if not any(fnmatch.fnmatchcase(f, g) for f in files):
                r.bad(f"{p.name}: Overlay: {g} matches no file")
    claimed = set()
    for name, section in series.sections().items():
        if name not in {p.feature for p in patches}:
            r.bad(f"MAINTAINERS: section '{section.splitlines()[0]}' names no feature that has landed")
        for l in section.splitlines()[1:]:
            if not re.fullmatch(r"S:\t\w[\w ]*|F:\t\S+", l):
                r.bad(f"MAINTAINERS: '{l}': wanted S: or F:, a tab and the value")
            elif l[0] == "F":
                mine = [f for f in files if f == l[3:] or l.endswith("/") and f.startswith(l[3:])]
                claimed.update(mine)
                if not mine and not (stock() / l[3:]).exists():
                    r.bad(f"MAINTAINERS: {l[3:]}: neither ours nor in the base")
    for f in files:
        if f not in claimed:
            r.bad(f"{f}: no F: line of MAINTAINERS covers it")
    return f"{len(patches)} patches, {len(files)} files"


def subsets(r):
    """each feature alone, each left out, all of them: every subset applies in canonical order"""
    landed, needs = common.landed(), {}
    for p in series.patches(landed):
        needs.setdefault(p.feature, set()).update(p.trailers["Depends"])
    wanted = [{f} for f in FEATURES] + [set(FEATURES) - {f} for f in FEATURES] + [set(FEATURES)]
    distinct = []
    for w in wanted:
        w = w.intersection(landed)
        while more := set().union(*(needs[f] for f in w)) - w:      # a feature alone comes with what it needs
            w |= more
        if w not in distinct:
            distinct.append(w)
    for w in distinct:
        chosen = [f for f in landed if f in w]
        try:
            series.place_all(base, chosen)
        except common.Refusal as e:
            r.bad(f"FEATURES=\"{' '.join(chosen)}\": {e}")
    return f"{len(wanted)} subsets, {len(distinct)} of them distinct with {len(landed)} landed"


# ---------------------------------------------------------------- as mail

@functools.cache
def mails():
    """The series written to OUT/series, in order, cover letters included."""
    return series.write(base, out("series"))


def excuses():
    """scripts/checkpatch.ignore as [(type, glob)]."""
    lines = [l for l in (ROOT / "scripts/checkpatch.ignore").read_text().splitlines() if l and l[0] != "#"]
    if len(lines) > 6 or any(len(l.split(None, 2)) < 3 for l in lines):
        raise common.Refusal("usage", "scripts/checkpatch.ignore: wanted at most six lines "
                                      "'TYPE path-glob reason'")
    return [tuple(l.split(None, 2)[:2]) for l in lines]


def checkpatch(r):
    """checkpatch --strict has nothing to say about the series, nor about the benchmarks"""
    need("perl")
    cmd = ["perl", stock() / "scripts/checkpatch.pl", f"--root={stock()}", "--strict", "--show-types",
           "--terse", "--no-summary"]
    # A folder of ours, because checkpatch leaves a cache where it is called; no git repository around it.
    where = {"cwd": out("lint", make=True), "env": {**os.environ, "GIT_CEILING_DIRECTORIES": str(out())}}
    jobs = [["--showfile", f] for f in mails() if not f.name.startswith("0000-")]
    # Copies, because checkpatch cannot take a path with a space.
    shutil.copytree(ROOT / "bench", out("lint", "bench"), dirs_exist_ok=True)
    jobs += [["--file", f"bench/{f.name}"] for f in sorted((ROOT / "bench").glob("*.[ch]"))]
    known, used = excuses(), set()
    for job, (_, text) in zip(jobs, parallel(lambda j: output(cmd + j, **where), jobs)):
        for l in text.splitlines():
            m, = messages(l, ROOT) or [Message(job[-1], 0, l)]
            kind = (m.text.split(":") + [""])[1]
            excuse = [(t, g) for t, g in known if t == kind and fnmatch.fnmatchcase(m.path, g)]
            used.update(excuse)
            if not excuse:
                r.bad(f"{m.path}:{m.line}: {m.text}")
    for t, g in known:
        if (t, g) not in used:
            r.bad(f"scripts/checkpatch.ignore: '{t} {g}' excuses nothing any more; remove it")
    return f"{len(jobs)} inputs, {len(known)} excuses"


def series_tree(r):
    """git am of the generated mails gives the tree that apply gives; the mails are the same twice"""
    need("git")
    again = out("lint", "again")
    for a, b in zip(mails(), series.write(base, again), strict=True):
        if a.read_bytes() != b.read_bytes():
            r.bad(f"{a.name}: written twice, different bytes")
    repo = out("lint", "git")
    scratch(repo)
    who = {f"GIT_{w}_{k}": v for w in ("AUTHOR", "COMMITTER")
           for k, v in (("NAME", "Septet"), ("EMAIL", "septet@localhost"))}
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **who,
           "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
           "GIT_CEILING_DIRECTORIES": str(repo.parent)}
    for args in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "base"],
                 ["am", "-q", "--empty=drop", *mails()]):
        status, text = output(["git", *args], cwd=repo, env=env)
        if status:
            r.bad(f"git {args[0]}: {text.strip()}")
            return ""
    shutil.rmtree(repo / ".git")
    compare(r, "git am", repo)
    return f"{len(mails())} mails, {len(result())} files"


# ---------------------------------------------------------------- in a tree

def scratch(folder):
    """A folder with the base files that the series touches, and what makes it look like a kernel tree."""
    shutil.rmtree(folder, ignore_errors=True)
    for p in {"Makefile", "Kconfig", *touched()}:
        (folder / p).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(stock() / p, folder / p)


def snapshot(folder):
    """path -> type, permissions and content of everything below a folder."""
    found = {}
    for p in sorted(folder.rglob("*")):
        data = hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else ""
        found[p.relative_to(folder).as_posix()] = stat.filemode(p.stat().st_mode), data
    return found


def compare(r, what, folder):
    """Is a scratch folder now base + series, not a byte or an x bit more or less?"""
    want = {p: (text, (mode if base(p) is None else (stock() / p).stat().st_mode) & 0o100)
            for p, (text, mode) in result().items()}
    for p in {"Makefile", "Kconfig"} - set(want):
        want[p] = base(p), 0
    have = {p.relative_to(folder).as_posix(): (common.read_text(p), p.stat().st_mode & 0o100)
            for p in folder.rglob("*") if p.is_file() and ".septet" not in p.parts}
    for p in sorted(want.keys() | have.keys()):
        if want.get(p) != have.get(p):
            how = "is missing" if p not in have else "should not be there" if p not in want else "differs"
            r.bad(f"{what}: {p} {how}")


def apply_unapply(r):
    """apply gives base + series, a second one does nothing, unapply gives every byte back"""
    folder = out("lint", "tree")
    scratch(folder)
    before, features = snapshot(folder), common.landed()
    target = tree.Tree(folder)
    if not target.change(features):
        r.bad("apply: said there was nothing to do")
    compare(r, "apply", folder)
    if target.change(features):
        r.bad("second apply: changed something")
    if not target.change(None):
        r.bad("unapply: said there was nothing to do")
    after = snapshot(folder)
    for p in sorted(before.keys() | after.keys()):
        if before.get(p) != after.get(p):
            r.bad(f"unapply: {p}: was {before.get(p)}, is {after.get(p)}")
    return f"{len(before)} files and folders"
