# SPDX-License-Identifier: GPL-2.0
"""What every Septet script agrees on: paths, features, kernels, refusals, running programs."""

import errno
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Canonical order: any subset of the series applies in this order.
FEATURES = ("hot_tracking", "compaction_demand", "dma_page_pool", "file_private_locks",
            "renameat2", "deferrable_timers", "pm_qos_latency")
# Patches that belong to no single feature (the tools) and go in before all of them.
COMMON = "septet"

# Exit codes, as `make help` lists them. make prints them as "Error N" and itself exits 2.
EXIT = {
    "failed": (1, "a check, a test or a build step failed"),
    "usage": (10, "an option, a feature name or a file name is not known"),
    "kdir": (11, "KDIR is missing, or is not a kernel tree"),
    "version": (12, "the tree is not Linux 6.12.y"),
    "conflict": (13, "a patch does not fit the tree"),
    "edited": (14, "a file of ours was edited since it was written"),
    "readonly": (15, "the tree or the output folder cannot be written"),
    "space": (16, "not enough room on the disk"),
    "network": (17, "a download failed"),
    "packages": (18, "a package or a program is missing"),
    "busy": (19, "another run holds the lock of this tree"),
    "guest": (20, "QEMU did not start, or the guest did not come up"),
    "interrupted": (130, "stopped by Ctrl-C or a signal; nothing is left half-done"),
}


class Refusal(Exception):
    """A one-line error: what was found, what was wanted, what to type next."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.code = EXIT[kind][0]


def is_own(path):
    """The path rule: True for what is the project's own and never enters a kernel tree."""
    top, _, rest = path.partition("/")
    if top == "scripts":
        return not rest.startswith("coccinelle/")
    return top in {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "COPYING",
                   "Makefile", "MAINTAINERS", "patches", "configs", "bench", "packaging",
                   "docs", "out", "__pycache__"} or top.startswith(".")


def overlay():
    """Paths of all overlay files, sorted; editor and compiler leftovers do not count."""
    found = []
    for top in sorted(os.listdir(ROOT)):
        if is_own(top) and top != "scripts":
            continue
        start = ROOT / top
        files = [start] if start.is_file() else start.rglob("*")
        for f in files:
            rel = f.relative_to(ROOT).as_posix()
            if f.is_file() and not is_own(rel) and "__pycache__" not in rel \
                    and not rel.endswith(("~", ".o", ".swp", ".orig", ".rej")):
                found.append(rel)
    return sorted(found)


def landed():
    """Features that have patches, in canonical order."""
    return [f for f in FEATURES if any((ROOT / "patches" / f).glob("*.patch"))]


def chosen(words):
    """FEATURES="a b" as a list in canonical order; nothing given means all that have landed."""
    want = words.replace(",", " ").split() if words else []
    for w in want:
        if w not in FEATURES:
            raise Refusal("usage", f"unknown feature '{w}'; the features are: {' '.join(FEATURES)}")
        if w not in landed():
            raise Refusal("usage", f"feature '{w}' has not landed yet; landed: {' '.join(landed())}")
    return [f for f in landed() if not want or f in want]


def out_dir():
    """OUT: out/ in the clone, or a cache folder where kbuild could not work in the clone."""
    if os.environ.get("OUT"):
        out = pathlib.Path(os.environ["OUT"]).absolute()
    elif re.search(r"[\s:]", str(ROOT)):
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        out = cache / "septet" / hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    else:
        out = ROOT / "out"
    if re.search(r"[\s:]", str(out)):
        raise Refusal("usage", f"OUT={out} has a space or a colon, which kbuild refuses; "
                               "type: make OUT=/a/plain/path ...")
    return out


OUT = None      # set by main(): a script that only prints help must not need a valid OUT


def out(*parts, make=False):
    """A path under OUT; with make, its folder exists afterwards."""
    global OUT
    if OUT is None:
        OUT = out_dir()
    p = OUT.joinpath(*parts)
    if make:
        try:
            p.mkdir(parents=True, exist_ok=True)
        except PermissionError:
            raise Refusal("readonly", f"cannot write to {p}; type: make OUT=/a/path/you/own ...")
    return p


def need_room(path, gib, what):
    """Refuse before starting what would fill the disk."""
    p = pathlib.Path(path)
    while not p.exists():
        p = p.parent
    free = shutil.disk_usage(p).free / 2**30
    if free < gib:
        raise Refusal("space", f"{what} needs {gib:g} GiB and {p} has {free:.1f} GiB free; "
                               "free some, or type: make OUT=/another/disk ...")


def say(text):
    """A line of progress for people; results go to standard output too, errors do not."""
    print(text, flush=True)


def duration(seconds):
    """90 -> '1 min 30 s'."""
    m, s = divmod(int(round(seconds)), 60)
    return f"{m} min {s:02d} s" if m else f"{s} s"


def run(cmd, log=None, **kw):
    """Run to the end; on failure name the log and show its last lines."""
    cmd = [str(c) for c in cmd]
    if log is None:
        r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
        text = r.stdout.decode(errors="replace")
    else:
        with open(log, "ab") as f:
            r = subprocess.run(cmd, stdout=f, stderr=subprocess.STDOUT, **kw)
        text = ""
    if r.returncode:
        failed(" ".join(cmd[:4]), r.returncode, log, text)
    return text


def failed(what, code, log, text=""):
    """Raise the refusal of a failed program, with the end of what it said."""
    if log is not None:
        text = pathlib.Path(log).read_text(errors="replace")
    tail = "\n".join("    " + l for l in text.splitlines()[-15:])
    raise Refusal("failed", f"{what} ended with status {code}"
                  + (f"; log: {log}" if log else "") + (f"\n{tail}" if tail else ""))


def read_text(path):
    """A file as text that write_text() turns back into the same bytes; None if there is no such file."""
    try:
        return pathlib.Path(path).read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None


def to_bytes(text):
    return text.encode("utf-8", "surrogateescape")


def write_text(path, text):
    pathlib.Path(path).write_bytes(to_bytes(text))


def lines(text):
    """Lines with their ends, cut at newlines only: str.splitlines() cuts at form feeds, too."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def main(function):
    """Call function(argv); turn refusals and interruptions into one line and an exit code."""
    def stop(signum, frame):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    name = pathlib.Path(sys.argv[0]).name
    try:
        code = function(sys.argv[1:])
    except Refusal as e:
        sys.stdout.flush()
        print(f"{name}: {e}", file=sys.stderr)
        code = e.code
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted", file=sys.stderr)
        code = EXIT["interrupted"][0]
    except BrokenPipeError:
        code = 141
    except OSError as e:
        if e.errno == errno.ENOSPC:
            print(f"{name}: no room left on the disk writing {e.filename}; free some and type the "
                  "same command again", file=sys.stderr)
            code = EXIT["space"][0]
        else:
            raise
    sys.exit(code or 0)
