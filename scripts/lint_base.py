# SPDX-License-Identifier: GPL-2.0
"""What the checks of lint.py share: reports, programs, messages, and the series on the stock base."""

import collections
import concurrent.futures
import functools
import os
import re
import shutil
import subprocess

import common
import series
import tree

Message = collections.namedtuple("Message", "path line text")


class Skip(Exception):
    """A check that cannot run on this machine, and why."""


class Report:
    """What one check found: problems fail it, notes are only told."""

    def __init__(self):
        self.problems, self.notes = [], []
        self.bad, self.note = self.problems.append, self.notes.append


def need(*programs):
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        raise Skip(f"{' and '.join(missing)} not installed; type: make doctor")


def output(cmd, **kw):
    """(exit status, everything it said) of a program that may fail."""
    r = subprocess.run([str(c) for c in cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, errors="replace", **kw)
    return r.returncode, r.stdout


def parallel(function, items):
    """[function(i) for i in items], on as many processors as there are."""
    pool = concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    try:
        return list(pool.map(function, items))
    finally:
        pool.shutdown(cancel_futures=True)      # do not start the rest when one fails


def messages(text, *prefixes):
    """The lines 'path:line: ...' of a program's output, paths without these folders in front."""
    found = []
    for l in text.splitlines():
        if m := re.match(r"(.+?):(\d+):(?:[\d-]+:)? ?(.*)", l):
            path = m[1]
            for p in prefixes:
                path = path.removeprefix(f"{p}/")
            found.append(Message(path, int(m[2]), m[3]))
    return found


def fresh(ours, theirs):
    """What ours has more than theirs; lines move, so numbers do not count."""
    def key(m):
        return m.path, re.sub(r"\d+", "N", m.text)
    known = collections.Counter(map(key, theirs))
    found = []
    for m in ours:
        if known[key(m)]:
            known[key(m)] -= 1
        else:
            found.append(f"{m.path}:{m.line}: {m.text}")
    return found


# ---------------------------------------------------------------- the series on the stock base

@functools.cache
def stock():
    return tree.source("stock")


def base(path):
    """Text of a file of the base, None if it has no such file."""
    return common.read_text(stock() / path)


@functools.cache
def commits():
    return series.place_all(base, common.landed())


@functools.cache
def result():
    """path -> (text, mode) of every file that the series changes or adds."""
    return series.result(commits())


def touched():
    return sorted(p for p in result() if base(p) is not None)


def added():
    return sorted(p for p in result() if base(p) is None)


def kernel(paths, *suffixes):
    """Those that are code of the kernel itself, not of its tools, tests and documents."""
    return [p for p in paths if p.endswith(suffixes)
            and p.split("/")[0] not in ("Documentation", "samples", "scripts", "tools", "usr")]
