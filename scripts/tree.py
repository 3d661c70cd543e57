#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Kernel trees: the base, the series on top of it, and what is built from them.

  tree.py apply | unapply | status     a tree of yours: KDIR=/path [FEATURES="a b"]
  tree.py source [septet|stock]        OUT/<which>/src, up to date
  tree.py build [plain|debug|stock]    the kernel beside its tree, up to date
  tree.py clean | distclean            what was built; all of OUT
  tree.py version                      this release and the bases it was tested on

A tree is changed in one transaction. Everything is computed and staged in KDIR/.septet first;
renaming next.json into being is the commit point; from then on any later run finishes the job.
"""

import collections
import contextlib
import errno
import fcntl
import fnmatch
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import common
import series
from common import ROOT, Refusal, out, say

PACKAGE = "linux-source-6.12"
SERIES = (6, 12)

# ---------------------------------------------------------------- trees that the series goes into


def read_json(path):
    text = common.read_text(path)
    return json.loads(text) if text else None


def digest(path):
    """Content and permissions of a file as one word; None if there is no file."""
    try:
        mode = "x" if os.stat(path).st_mode & 0o100 else "-"
        return mode + hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def version_of(tree):
    """(6, 12, 117) of a kernel tree, or the refusal that says what it is instead."""
    if not tree.is_dir():
        raise Refusal("kdir", f"KDIR={tree} is not a folder; type: make apply KDIR=/path/to/linux-6.12.y")
    text = common.read_text(tree / "Makefile") or ""
    m = re.search(r"^VERSION = (\d+)\nPATCHLEVEL = (\d+)\nSUBLEVEL = (\d+)", text, re.M)
    if not m or not (tree / "Kconfig").exists():
        raise Refusal("kdir", f"{tree} is not a Linux kernel tree (no version in its Makefile); wanted the top "
                              "folder of Linux 6.12.y")
    return tuple(map(int, m.groups()))


class Tree:
    """A kernel tree that the series can be put into and taken out of."""

    def __init__(self, path):
        self.path = pathlib.Path(path).absolute()
        self.version = version_of(self.path)
        if self.version[:2] != SERIES:
            raise Refusal("version", f"{self.path} is Linux {'.'.join(map(str, self.version))}; wanted 6.12.y; "
                                     "type: make apply KDIR=/path/to/linux-6.12.y")
        self.meta = self.path / ".septet"
        self.locked = None

    # state.json: {"features": [...], "files": {path: {"orig": digest or None, "new": digest}}, "dirs": [...]}

    @property
    def state(self):
        return read_json(self.meta / "state.json") or {"features": [], "files": {}, "dirs": []}

    def interrupted(self):
        return (self.meta / "next.json").exists()

    def lock(self):
        """One writer a tree. The lock file lives as long as .septet does."""
        if self.locked:
            return
        f = open(self.meta / "lock", "w")
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("busy", f"another run is changing {self.path}; wait for it and type the same again")
        self.locked = f

    def recover(self):
        """Finish what a killed run had committed; drop what it had only staged."""
        if not self.meta.is_dir():
            return
        self.lock()
        if self.interrupted():
            say(f"{self.path}: finishing an interrupted run")
            self.roll()
        shutil.rmtree(self.meta / "stage", ignore_errors=True)
        (self.meta / "next.json.new").unlink(missing_ok=True)
        if not (self.meta / "state.json").exists():
            self.forget()

    def forget(self):
        shutil.rmtree(self.meta)
        self.locked = None

    def edited(self):
        """The files that are not what we wrote. A file that is gone loses nothing by coming back."""
        return [p for p, f in self.state["files"].items() if digest(self.path / p) not in (None, f["new"])]

    def pristine(self, state):
        """read() of the tree as it was before us."""
        def read(path):
            f = state["files"].get(path)
            if not f:
                return common.read_text(self.path / path)
            return common.read_text(self.meta / "orig" / path) if f["orig"] else None
        return read

    def change(self, features):
        """Bring the tree to base + these features (None: to the base). True if anything changed."""
        self.recover()
        state = self.state
        read = self.pristine(state)
        want = {} if features is None else series.result(series.place_all(read, features))
        for p, (text, mode) in want.items():
            if read(p) is not None:     # a file that was there keeps its permissions
                was = self.meta / "orig" / p if p in state["files"] else self.path / p
                want[p] = text, os.stat(was).st_mode & 0o777
        files = {p: {"orig": state["files"][p]["orig"] if p in state["files"] else digest(self.path / p),
                     "new": ("x" if mode & 0o100 else "-")
                     + hashlib.sha256(common.to_bytes(text)).hexdigest()}
                 for p, (text, mode) in want.items()}
        for p in self.edited():
            if files.get(p, {}).get("new") == digest(self.path / p):
                continue            # edited into what we are about to write
            ours = ", or carry it into the series: make refresh P=patches/FEATURE/NN-slug.patch" \
                if self.path.is_relative_to(out()) else ""
            raise Refusal("edited", f"{self.path / p} was edited since Septet wrote it; move it away "
                                    f"(mv {p} {p}.mine){ours}; then type the same again")
        if files == state["files"] and (features or []) == state["features"] \
                and all((self.path / p).exists() for p in files):
            return False
        self.stage(state, files, want, features or [])
        # Ctrl-C is for before or after these milliseconds; only a kill leaves work for the next run.
        signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            self.roll()
            if features is None:
                self.forget()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        return True

    def stage(self, state, files, want, features):
        """Write every new content, and the originals, beside the tree's files; then commit."""
        self.refuse_unwritable([*files, *state["files"]])
        need = sum(len(t) for t, _ in want.values()) * 3 + (1 << 20)
        if shutil.disk_usage(self.path).free < need:
            raise Refusal("space", f"{self.path} has less than {need >> 20} MiB free; free some and type "
                                   "the same again")
        created = not self.meta.exists()
        dirs = []
        try:
            self.meta.mkdir(exist_ok=True)
            self.lock()
            (self.meta / ".gitignore").write_text("*\n")
            for p, f in files.items():
                for d in reversed(pathlib.PurePosixPath(p).parents[:-1]):
                    if not (self.path / d).is_dir() and str(d) not in dirs:
                        dirs.append(str(d))
                if f["orig"] and p not in state["files"]:
                    self.keep(self.meta / "orig" / p, self.path / p)
                if digest(self.path / p) != f["new"]:
                    text, mode = want[p]
                    self.put(self.meta / "stage" / p, common.to_bytes(text), mode)
            for p, f in state["files"].items():
                if p not in files and f["orig"]:
                    self.keep(self.meta / "stage" / p, self.meta / "orig" / p)
            plan = {"features": features, "files": files,
                    "dirs": (state["dirs"] if files else []) + dirs,
                    "gone": [p for p, f in state["files"].items() if p not in files and not f["orig"]],
                    "empty": state["dirs"] if not files else []}
            new = self.meta / "next.json.new"
            with open(new, "w") as f:
                json.dump(plan, f, indent=1)
                f.flush()
                os.fsync(f.fileno())
        except (Exception, KeyboardInterrupt) as e:
            if created and self.meta.exists():
                self.forget()
            shutil.rmtree(self.meta / "stage", ignore_errors=True)
            if isinstance(e, OSError) and e.errno in (errno.EACCES, errno.EROFS):
                raise Refusal("readonly", f"cannot write in {self.path}: {e.strerror}; wanted a tree you may change")
            raise
        os.rename(new, self.meta / "next.json")

    def refuse_unwritable(self, paths):
        """Find out before the first write, not half-way."""
        folders = {self.path}
        for p in paths:
            d = (self.path / p).parent
            while not d.exists():
                d = d.parent
            folders.add(d)
            if (self.path / p).is_symlink():
                raise Refusal("kdir", f"{self.path / p} is a symbolic link; wanted a tree of real files "
                                      "(copy the tree with cp -aL)")
        for d in sorted(folders):
            if not os.access(d, os.W_OK):
                raise Refusal("readonly", f"cannot write in {d}; wanted a tree you may change "
                                          "(copy it, or become its owner)")

    def put(self, path, data, mode):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(mode)
        if os.geteuid() == 0:       # root must not leave its own files in a user's tree
            st = os.stat(self.path)
            os.chown(path, st.st_uid, st.st_gid)

    def keep(self, path, source):
        self.put(path, source.read_bytes(), os.stat(source).st_mode & 0o777)

    def roll(self):
        """From next.json to the finished state; every step may be repeated."""
        plan = read_json(self.meta / "next.json")
        stage = self.meta / "stage"
        for d in plan["dirs"]:
            (self.path / d).mkdir(exist_ok=True)
        if stage.is_dir():
            for f in sorted(stage.rglob("*")):
                if f.is_file():
                    os.utime(f)     # newer than any object built from the previous content
                    os.rename(f, self.path / f.relative_to(stage))
        for p in plan["gone"]:
            (self.path / p).unlink(missing_ok=True)
        for d in reversed(plan["empty"]):
            with contextlib.suppress(OSError):      # not empty: somebody else's files
                (self.path / d).rmdir()
        shutil.rmtree(stage, ignore_errors=True)
        if plan["files"]:
            os.rename(self.meta / "next.json", self.meta / "state.json")
        else:
            (self.meta / "state.json").unlink(missing_ok=True)
            (self.meta / "next.json").unlink()


def user_tree(argv):
    command = argv[0]
    kdir = os.environ.get("KDIR")
    if not kdir:
        raise Refusal("kdir", f"no tree given; type: make {command} KDIR=/path/to/linux-6.12.y")
    tree = Tree(kdir)
    name = f"{tree.path} (Linux {'.'.join(map(str, tree.version))})"
    features = common.chosen(os.environ.get("FEATURES"))
    if command == "status":
        state = tree.state
        if tree.interrupted():
            say(f"{name}: a run was interrupted; make apply or make unapply finishes it")
        elif not state["files"]:
            say(f"{name}: not applied")
        else:
            say(f"{name}: applied: {' '.join(state['features'])} ({len(state['files'])} files)")
            for p in tree.edited():
                say(f"edited since: {p}")
    elif command == "apply":
        changed = tree.change(features)
        say(f"{name}: " + (f"applied: {' '.join(features)} ({len(tree.state['files'])} files)" if changed
                           else f"nothing to do, {' '.join(features)} applied already"))
    else:
        if os.environ.get("FEATURES"):
            raise Refusal("usage", "unapply takes the whole series out; to keep some of it, type: "
                                   f"make apply KDIR={kdir} FEATURES=\"those to keep\"")
        changed = tree.change(None)
        say(f"{name}: " + ("unapplied, every file as it was" if changed else "nothing to do, not applied"))


# ---------------------------------------------------------------- base and our own trees

lock_file = None


def hold_out():
    """One run at a time in an OUT folder, for the life of this process."""
    global lock_file
    if lock_file or os.environ.get("SEPTET_HOLDS") == str(out()):
        return
    lock_file = open(out(make=True) / "lock", "w")
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refusal("busy", f"another make is at work in {out()}; wait for it, or use another: make OUT=/a/path ...")
    os.environ["SEPTET_HOLDS"] = str(out())     # what this run starts and waits for works under its lock


def tested():
    """version -> sha256 of the source tarball, oldest first."""
    rows = [l.split() for l in (ROOT / "configs" / "base").read_text().splitlines() if l and l[0] != "#"]
    return dict(rows)


def available():
    """Versions of the package that apt can fetch now, newest first; none where there is no apt."""
    if not shutil.which("apt-cache"):
        return []
    r = subprocess.run(["apt-cache", "madison", PACKAGE], capture_output=True, text=True)
    return list(dict.fromkeys(l.split("|")[1].strip() for l in r.stdout.splitlines() if l.count("|") >= 2))


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def download(version):
    """The source tarball of one package version, in OUT/base; checked against configs/base."""
    folder = out("base", make=True)
    tarball = folder / f"{PACKAGE}_{version}.tar.xz"
    if not tarball.exists():
        say(f"base: downloading {PACKAGE} {version} (about 150 MB)")
        work = folder / "download"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        r = subprocess.run(["apt-get", "download", f"{PACKAGE}={version}"], cwd=work, capture_output=True, text=True)
        debs = list(work.glob("*.deb"))
        if r.returncode or not debs:
            why = (r.stderr.strip().splitlines() or ["apt-get gave no reason"])[-1]
            raise Refusal("network", f"cannot download {PACKAGE} {version}: {why}; check the network, or give a "
                                     "tarball: make BASE=/path/linux-6.12.y.tar.xz ...")
        with open(work / "tar", "wb") as f:
            unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", debs[0]], stdout=subprocess.PIPE)
            subprocess.run(["tar", "-xO", f"./usr/src/{PACKAGE}.tar.xz"], stdin=unpack.stdout, stdout=f, check=True)
            unpack.wait()
        os.rename(work / "tar", tarball)
        shutil.rmtree(work)
    want = tested().get(version)
    if want and sha256(tarball) != want:
        tarball.unlink()
        raise Refusal("network", f"{tarball.name} is not the file that configs/base lists (sha256 differs); it was "
                                 "removed, type the same again to fetch it anew")
    return tarball


def unpack(tarball, which):
    """Unpack a tarball as OUT/<which>/src; a killed run leaves nothing that looks whole."""
    target = out(which, make=True) / "src"
    partial = target.with_name("partial")
    for d in (partial, target):
        shutil.rmtree(d, ignore_errors=True)
    common.need_room(out(), 2, "a kernel tree")
    partial.mkdir()
    say(f"base: unpacking {tarball.name} as {target}")
    r = subprocess.run(["tar", "-C", partial, "--strip-components=1", "--no-same-owner", "-xf", tarball],
                       capture_output=True, text=True)
    if r.returncode:
        shutil.rmtree(partial)
        raise Refusal("kdir", f"cannot unpack {tarball}: {(r.stderr.strip().splitlines() or ['?'])[-1]}; wanted a "
                              "linux-6.12.y source tarball")
    os.rename(partial, target)
    return target


def choose_base():
    """Pick and unpack the base of OUT/septet/src; write down which it was in OUT/base/current."""
    note = out("base", make=True) / "current"
    given = os.environ.get("BASE")
    if given:
        path = pathlib.Path(given).absolute()
        if not path.is_file():
            raise Refusal("kdir", f"BASE={given} is not a file; wanted a linux-6.12.y source tarball")
        candidates = [("file", path)]
    else:
        versions = available()
        cached = [v for v in tested() if (out("base") / f"{PACKAGE}_{v}.tar.xz").exists()]
        if not versions and not cached:
            raise Refusal("network", f"apt knows no {PACKAGE}; type: make doctor, or give a tarball: "
                                     "make BASE=/path/linux-6.12.y.tar.xz ...")
        usable = [v for v in reversed(tested()) if v in versions or v in cached]
        candidates = [("apt", v) for v in dict.fromkeys(versions[:1] + usable)]
    for n, (kind, what) in enumerate(candidates):
        tarball = what if kind == "file" else download(what)
        src = unpack(tarball, "septet")
        try:
            tree = Tree(src)
            series.place_all(tree.pristine(tree.state), common.landed())
        except Refusal as e:
            if n + 1 == len(candidates):
                raise
            say(f"DRIFT: {what}: {e}")
            continue
        if kind == "apt" and what not in tested():
            say(f"base: {what} is newer than the versions in configs/base; the series fits it")
        note.write_text(f"{tarball}\n")
        return


def base_tarball():
    return pathlib.Path((out("base") / "current").read_text().strip())


def source(which="septet"):
    """OUT/septet/src (base + series) or OUT/stock/src (base), up to date. Slow the first time."""
    hold_out()
    given = os.environ.get("BASE")
    note = common.read_text(out("base", "current"))
    if note is None or not out("septet", "src").is_dir() or given and pathlib.Path(given).absolute() != base_tarball():
        choose_base()
        shutil.rmtree(out("stock", "src"), ignore_errors=True)
    if which == "stock":
        if not out("stock", "src").is_dir():
            unpack(base_tarball(), "stock")
    else:
        Tree(out("septet", "src")).change(common.landed())
    return out(which, "src")


def reader(tree):
    """read() for series.place_all() over a pristine tree."""
    return lambda path: common.read_text(tree / path)


# ---------------------------------------------------------------- kernels, tests and tools from them

Kernel = collections.namedtuple("Kernel", "flavour src objdir image release")

# which tree, architecture, configuration fragments, and about how many lines a build from nothing prints
FLAVOURS = {
    "plain": ("septet", "x86_64", ["qemu", "features"], 2555),
    "debug": ("septet", "x86_64", ["qemu", "features", "debug"], 2570),
    "stock": ("stock", "x86_64", ["qemu"], 2540),
}
# The 64-bit programs of the guest do not run on these, so KERNEL= cannot name them.
KERNELS = {
    **FLAVOURS,
    "i386": ("septet", "i386", ["i386"], 990),
    "i386-stock": ("stock", "i386", ["i386"], 990),
}


def toolchain(arch="x86_64"):
    """make arguments that every kernel build shares; ccache shares objects between clones."""
    cc = "ccache gcc" if shutil.which("ccache") else "gcc"
    os.environ.setdefault("CCACHE_BASEDIR", str(out()))
    os.environ.setdefault("CCACHE_NOHASHDIR", "1")
    jobs = len(os.sched_getaffinity(0))
    return [f"ARCH={arch}", f"CC={cc}", f"HOSTCC={cc}", f"-j{jobs}", "KBUILD_BUILD_TIMESTAMP=2026-01-01",
            "KBUILD_BUILD_USER=septet", "KBUILD_BUILD_HOST=septet"]


def fragments(flavour):
    """The configuration asked for: the flavour's fragments and what each feature's tests need."""
    _, arch, names, _ = KERNELS[flavour]
    files = [ROOT / "configs" / f"{n}.config" for n in names]
    if arch == "x86_64":
        files += sorted((ROOT / "tools" / "testing" / "selftests").glob("*/config"))
    return "".join(f.read_text() for f in files)


def configure(flavour, src, objdir, args):
    """Write .config when what was asked for has changed; refuse if Kconfig did not grant it."""
    asked = fragments(flavour)
    if common.read_text(objdir / "asked.config") == asked and (objdir / ".config").exists():
        return
    all_config = objdir / "all.config"
    all_config.write_text(asked)
    common.run(["make", "-s", "-C", src, f"O={objdir}", *args, "allnoconfig"],
               env={**os.environ, "KCONFIG_ALLCONFIG": str(all_config)})
    got = (objdir / ".config").read_text().splitlines()
    want = {}
    for l in asked.splitlines():
        if m := re.match(r"# (CONFIG_\w+) is not set|(CONFIG_\w+)=(.*)", l):
            want[m[1] or m[2]] = m[3] or "n"
    have = dict(l.split("=", 1) for l in got if l.startswith("CONFIG_"))
    wrong = [f"{k}={v}" for k, v in want.items() if have.get(k, "n") != v
             and not (KERNELS[flavour][0] == "stock" and k not in "".join(got))]
    if wrong:
        raise Refusal("failed", f"Kconfig did not grant {', '.join(wrong)} for the {flavour} kernel; see "
                                f"{objdir}/.config")
    (objdir / "asked.config").write_text(asked)


def progress(cmd, log, label, expected):
    """Run a build showing objects done / expected and the time; the output goes to the log."""
    begin = last = time.monotonic()
    done, live = 0, sys.stdout.isatty()
    with open(log, "w") as f:
        p = subprocess.Popen([str(c) for c in cmd], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             errors="replace", start_new_session=True)
        try:
            for l in p.stdout:
                f.write(l)
                done += bool(re.match(r"  [A-Z]\S* ", l))
                now = time.monotonic()
                if now - last > (0.2 if live else 10):
                    last = now
                    of = f" of about {expected}" if done <= expected else ""
                    print(f"{label}: {done}{of} steps, {common.duration(now - begin)}",
                          end="   \r" if live else "\n", flush=True)
        except BaseException:
            os.killpg(p.pid, 15)        # make's children ignore nobody but must not outlive us
            raise
        finally:
            p.wait()
    if p.returncode:
        common.failed(label, p.returncode, log)
    say(f"{label}: done, {done} steps in {common.duration(time.monotonic() - begin)}")


def ensure(flavour):
    """build(), for a flavour that somebody typed."""
    if flavour not in FLAVOURS:
        raise Refusal("usage", f"unknown kernel '{flavour}'; wanted KERNEL={' | '.join(FLAVOURS)}")
    return build(flavour)


def build(flavour):
    """Tree and kernel of a flavour, up to date; a second call in the same state costs nothing."""
    which, arch, _, expected = KERNELS[flavour]
    src = source(which)
    # the two trees look alike from their build folders, so ccache serves both from one entry
    objdir = out(which, flavour, make=True)
    args = [*toolchain(arch), f"LOCALVERSION=-{which}" + ("-debug" if flavour == "debug" else "")]
    kernel = Kernel(flavour, src, objdir, objdir / "arch/x86/boot/bzImage",
                    objdir / "include/config/kernel.release")
    state = common.read_text(src / ".septet" / "state.json") or ""
    stamp = hashlib.sha256("\n".join([state, fragments(flavour), str(base_tarball()), *args]).encode()).hexdigest()
    if common.read_text(objdir / "stamp") != stamp or not kernel.image.exists():
        common.need_room(objdir, 2, f"the {flavour} kernel")
        configure(flavour, src, objdir, args)
        progress(["make", "-C", src, f"O={objdir}", *args, "bzImage"], objdir / "build.log",
                 f"{flavour} kernel", expected)
        (objdir / "stamp").write_text(stamp)
    else:
        say(f"{flavour} kernel: up to date")
    return kernel._replace(release=kernel.release.read_text().strip())


def kselftests():
    """OUT/kselftest: the selftests of the landed features with kselftest-list.txt."""
    src = source("septet")
    target, work = out("kselftest"), out("septet", "kselftest", make=True)
    wanted = [d for d in (*common.landed(),) if (src / "tools/testing/selftests" / d / "Makefile").exists()]
    state = common.read_text(src / ".septet" / "state.json")
    if common.read_text(work / "stamp") != state or not target.is_dir():
        headers = out("septet", "headers", make=True)
        # Their makefiles do not know that programs depend on the kernel's headers for them.
        shutil.rmtree(work, ignore_errors=True)
        log = out("septet", "kselftest", make=True) / "build.log"
        args = toolchain()
        common.run(["make", "-C", src, f"O={headers}", *args, "headers"], log)
        shutil.rmtree(target, ignore_errors=True)
        common.run(["make", "-C", src / "tools/testing/selftests", f"O={work}", "ARCH=x86_64", "CC=" + args[1][3:],
                    "TARGETS=" + " ".join(wanted), f"KHDR_INCLUDES=-isystem {headers}/usr/include",
                    f"INSTALL_PATH={target}", "FORCE_TARGETS=1", "install"], log)
        (work / "stamp").write_text(state)
        say(f"kselftests: built ({' '.join(wanted)})")
    return target


def companions():
    """tools/<name> of ours that have a Makefile, by name."""
    return sorted({p.split("/")[1] for p in common.overlay() if fnmatch.fnmatchcase(p, "tools/*/Makefile")
                   and p.count("/") == 2})


def tools():
    """OUT/tools: the companion tools, installed as under /."""
    src = source("septet")
    target = out("tools", make=True)
    for name in companions():
        work = out("septet", "tools", name, make=True)
        log = work / "build.log"
        log.unlink(missing_ok=True)
        common.run(["make", "-C", src / "tools" / name, f"O={work}", f"DESTDIR={target}", "prefix=/usr",
                    "install"], log)
    return target


def guest_tests():
    """OUT/guest-tests/<tool>/run: the tests of companion tools that want a kernel with the features."""
    src, target = source("septet"), out("guest-tests")
    shutil.rmtree(target, ignore_errors=True)
    for name in companions():
        if re.search(r"^guest-tests:", (src / "tools" / name / "Makefile").read_text(), re.M):
            common.run(["make", "-s", "-C", src / "tools" / name, f"O={out('septet', 'tools', name, make=True)}",
                        f"DESTDIR={target / name}", "guest-tests"])
    return target


def clean(everything):
    """Remove what was built; with everything, the whole OUT folder."""
    if not out().is_dir():
        say(f"nothing to do, no {out()}")
        return
    if not (out() / "lock").exists():
        raise Refusal("usage", f"OUT={out()} was not made by this project (no lock file in it); nothing removed")
    hold_out()
    src = out("septet", "src")
    if everything and src.is_dir() and Tree(src).edited():
        raise Refusal("edited", f"{src / Tree(src).edited()[0]} was edited; type: make refresh "
                                "P=patches/FEATURE/NN-slug.patch, or remove the file")
    made = [d for top in out().iterdir() if top.is_dir()
            for d in (top.iterdir() if top.name in ("septet", "stock") else [top])]
    for d in sorted(made):
        if everything or d != out("base") and d.name != "src":
            say(f"removing {d}")
            shutil.rmtree(d)
    if everything:
        shutil.rmtree(out())


def version():
    """The release, the commit and the bases that this clone stands for."""
    m = re.search(r"^## \[?([0-9][^\s\]]*)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    r = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    say(f"Septet {m[1]}" + (f" ({r.stdout.strip()})" if r.returncode == 0 else "")
        + f" for Linux 6.12.y, tested on {', '.join(tested())}; features: {' '.join(common.landed())}")


def main(argv):
    if argv[:1] and argv[0] in ("apply", "unapply", "status") and len(argv) == 1:
        user_tree(argv)
    elif argv[:1] == ["source"] and argv[1:] in ([], ["septet"], ["stock"]):
        say(source(*argv[1:]))
    elif argv[:1] == ["build"] and len(argv) <= 2:
        kernel = ensure(*(argv[1:] or ["plain"]))
        say(f"{kernel.release}: {kernel.image}")
    elif argv in (["clean"], ["distclean"]):
        clean(argv == ["distclean"])
    elif argv == ["version"]:
        version()
    else:
        print(__doc__.strip(), file=sys.stderr)
        raise Refusal("usage", f"'{' '.join(argv)}' is not a command; see above, or type: make help")


if __name__ == "__main__":
    common.main(main)
