# SPDX-License-Identifier: GPL-2.0
"""Checks of lint.py on kernel code: what the compiler, sparse, coccinelle and kernel-doc make of it.

Nothing but the touched files is compiled, in folders prepared once: OUT/<tree>/lint-<arch>.
"""

import collections
import functools
import hashlib
import os
import re
import shlex
import shutil
import subprocess

import common
import series
import tree
from common import ROOT, out
from lint_base import (Message, Skip, added, base, commits, fresh, kernel, messages, need, output, parallel,
                       result, touched)

Build = collections.namedtuple("Build", "src objdir log")

# With __LINE__ a constant, the line numbers in __bug_table and in immediates cannot differ;
# everything else must not.
SAME_LINE = "-D__LINE__=0 -Wno-builtin-macro-redefined"


def asked(arch, on):
    """The guest's configuration, with the symbols of the features or without; and whether there are any."""
    ours = set(re.findall(r"^(CONFIG_\w+)=", (ROOT / "configs/features.config").read_text(), re.M))
    gone = (set() if on else ours) | ({"CONFIG_64BIT"} if arch == "i386" else set())
    lines = [l + "\n" for l in tree.fragments("plain").splitlines() if l.partition("=")[0] not in gone]
    return "".join(lines), bool(ours)


@functools.cache
def build(which, arch, on=False):
    """Compile the touched files (with on: the new ones too) of a tree, W=1 and, where it matters, C=2."""
    config, ours = asked(arch, on)
    if on and not ours:
        return build(which, arch)       # no symbols, so on and off are the same
    src = tree.source(which)
    files = kernel(touched() + (added() if which == "septet" else []), ".c")
    # a sibling of src, as every build folder: then ccache takes the two trees for one
    d = out(which, f"lint-{arch}{'-on' if on else ''}", make=True)
    # __FILE__ must not name the tree, which ccache reaches by a relative path.
    same = f"{SAME_LINE} -fmacro-prefix-map={os.path.relpath(src, d)}/="
    args = [*tree.toolchain(), f"ARCH={arch}", "W=1", f"KCFLAGS={same}"]
    if shutil.which("sparse") and arch == "x86_64" and (on or which == "stock" or not ours):
        args.append("C=2")
    objects = [p[:-2] + ".o" for p in files if on or not ours or base(p) is not None]
    state = common.read_text(src / ".septet" / "state.json") or str(tree.base_tarball())
    stamp = hashlib.sha256("\n".join([state, config, *args, *objects]).encode()).hexdigest()
    log = d / "lint.log"
    if common.read_text(d / "stamp") != stamp:
        make = ["make", "-k", "-Otarget", "-C", src, f"O={d}", *args]
        if common.read_text(d / "asked.config") != config:
            (d / "all.config").write_text(config)
            common.run([*make, "-s", "allnoconfig"],
                       env={**os.environ, "KCONFIG_ALLCONFIG": str(d / "all.config")})
            (d / "asked.config").write_text(config)
        for o in objects:
            (d / o).unlink(missing_ok=True)
        log.write_text(output(make + objects)[1] if objects else "")
        (d / "stamp").write_text(stamp)
    return Build(src, d, log)


def allocated(obj):
    """section -> size, bytes and relocations, of every section that is loaded.

    The numbers that gcc appends to make local names unique are left out.
    """
    found, current = {}, None
    for l in output(["objdump", "-hwsr", obj])[1].splitlines():
        if m := re.match(r" *\d+ (\S+) +([0-9a-f]{8}) .*\bALLOC\b", l):
            found[m[1]] = [m[2]]
        elif m := re.match(r"(?:RELOCATION RECORDS FOR \[|Contents of section )(.*?)\]?:$", l):
            current = found.get(m[1])
        elif current is not None:
            current.append(re.sub(r"(__UNIQUE_ID_\w*?|\.)\d+(?=[+-]|$)", r"\1", l))
    return found


def differing(a, b):
    """Names of the sections in which two objects differ."""
    a, b = allocated(a), allocated(b)
    return sorted(s for s in a.keys() | b.keys() if a.get(s) != b.get(s))


def put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, errors="surrogateescape")


def only_ungated(stocks, path, patches):
    """The object of a stock file plus nothing but these patches, by the command that made the stock one."""
    obj = path[:-2] + ".o"
    work = out("lint", "ungated", make=True)
    folder, name = os.path.split(path)
    shutil.rmtree(work)
    # A header that stock finds beside the file is looked for here first, changed or not.
    for side in (stocks.src / folder).glob("*.h"):
        put(work / folder / side.name, side.read_text(errors="surrogateescape"))
    for changed_file in {f for p in patches for f in p.files if f == path or f.endswith(".h")}:
        text = base(changed_file)
        for p in patches:
            if changed_file in p.files:
                text = series.place(p, changed_file, text)[0]
        put(work / changed_file, text)
    new = work / path
    name = name[:-2] + ".o"
    cmd = (stocks.objdir / folder / f".{name}.cmd").read_text().splitlines()[0].partition(" := ")[2]
    cmd = re.sub(r"-Wp,-MMD,\S+", f"-iquote {stocks.src / folder} -I {work / 'include'} -I {work / 'include/uapi'} "
                                  f"-fmacro-prefix-map={work}/=", cmd)
    cmd = cmd.replace("$(pound)", "#").replace("$$", "$").replace(str(stocks.src / path), str(new))
    made = new.with_suffix(".o")
    output(["sh", "-c", re.sub(rf"(?<=\s){re.escape(obj)}\b", str(made), cmd)], cwd=stocks.objdir,
           env={**os.environ, "CCACHE_DISABLE": "1"})
    return made


def sections(r):
    """with every symbol off, the loaded sections of touched objects equal stock"""
    need("objdump")
    files, same = kernel(touched(), ".c"), 0
    ungated = [c.patch for c in commits() if c.patch.trailers["Ungated"]]
    for p in ungated:
        r.note(f"ungated: {p.name}: {'; '.join(p.trailers['Ungated'])}")
    for arch in ("x86_64", "i386"):
        a, b = build("stock", arch), build("septet", arch)
        for path in files:
            obj = path[:-2] + ".o"
            if not (a.objdir / obj).exists() and not (b.objdir / obj).exists():
                r.note(f"{arch} {obj}: not compared, needs options that the guest's configuration lacks")
                continue
            for x in (a, b):
                if not (x.objdir / obj).exists():
                    r.bad(f"{arch} {obj}: does not compile in {x.src}; log: {x.log}")
                    break
            else:
                differ = differing(a.objdir / obj, b.objdir / obj)
                causes = [p for p in ungated if path in p.files]
                if not differ:
                    same += 1
                elif causes and not differing(only_ungated(a, path, causes), b.objdir / obj):
                    r.note(f"{arch} {obj}: differs through nothing but {', '.join(p.name for p in causes)}")
                else:
                    r.bad(f"{arch} {obj}: {' '.join(differ)} differ from stock with every feature off; "
                          f"compare: objdump -dr {a.objdir / obj} {b.objdir / obj}")
    return f"{len(files)} files, {same} of {2 * len(files)} objects equal"


def warnings(r):
    """sparse (C=2) and W=1 say nothing new about touched files, nothing at all about new ones"""
    need("sparse")
    ours, theirs = build("septet", "x86_64", True), build("stock", "x86_64")
    files = kernel(result(), ".c")
    for p in kernel(added(), ".c"):
        if not (ours.objdir / p).with_suffix(".o").exists():
            r.bad(f"{p}: does not compile; log: {ours.log}")
    said = []
    for b in (ours, theirs):
        found = messages(b.log.read_text(), b.src, os.path.relpath(b.src, b.objdir))
        said.append([m for m in found if re.match("warning:|error:", m.text) and "__LINE__" not in m.text])
    for text in fresh(*said):
        r.bad(text)
    return f"{len(files)} files, {len(said[1])} messages in stock"


def kernel_doc(r):
    """scripts/kernel-doc says nothing new about touched files, nothing at all about new ones"""
    need("perl")
    said = []
    for which in ("septet", "stock"):
        src = tree.source(which)
        files = [p for p in kernel(result(), ".c", ".h") if which == "septet" or base(p) is not None]
        cmd = ["perl", src / "scripts/kernel-doc", "-none", "-Wall", *files]
        said.append(messages(output(cmd, cwd=src)[1]) if files else [])
    for text in fresh(*said):
        r.bad(text)
    return f"{len(kernel(result(), '.c', '.h'))} files, {len(said[1])} messages in stock"


# ---------------------------------------------------------------- coccinelle

RULE_TIMEOUT = 40


def pieces(text):
    """A C file cut after each '}' at the start of a line: a function, and what stands before it."""
    return re.findall(r"(?ms).*?^\}[^\n]*\n|.+\Z", text)


def changed(path):
    """What of a file is ours and what is stock's, in whole functions: rules take seconds then, not minutes.

    Empty lines stand for the rest, so that line numbers are those of the file.
    """
    sides = pieces(result()[path][0]), pieces(base(path) or "")
    return ["".join("\n" * p.count("\n") if p in other else p for p in mine)
            for mine, other in (sides, sides[::-1])]


def coccinelle(r):
    """the tree's semantic patches report nothing new about touched functions and new files"""
    need("spatch")
    files = kernel(result(), ".c", ".h")
    ours, theirs = out("lint", "coccinelle", "septet"), out("lint", "coccinelle", "stock")
    for folder, side in ((ours, 0), (theirs, 1)):
        shutil.rmtree(folder, ignore_errors=True)
        for p in files:
            (folder / p).parent.mkdir(parents=True, exist_ok=True)
            (folder / p).write_text(changed(p)[side], errors="surrogateescape")
    # Debian's spatch runs no OCaml, in which two rules of other subsystems are written. Ours for flags
    # follows calls into files that are not here, and has a test of its own.
    rules = [f for f in sorted(tree.source("septet").glob("scripts/coccinelle/*/*.cocci"))
             if "ocaml" not in f.read_text() and f.name != "unchecked_flags.cocci"]

    spatch = ["spatch", "-D", "report", "--no-show-diff", "--very-quiet"]

    def report(rule, folder):
        options = " ".join(re.findall(r"^// Options:(.*)", rule.read_text(), re.M))
        try:
            status, text = output([*spatch, *shlex.split(options), "--cocci-file", rule, *files], cwd=folder,
                                  timeout=RULE_TIMEOUT)
        except subprocess.TimeoutExpired:
            return None
        return [Message(rule.name, 0, f"spatch ended with {status}: {text}")] if status else messages(text)

    def new(rule):
        found = report(rule, ours)
        if found is None:
            return f"{rule.name}: not done in {RULE_TIMEOUT} s"
        return fresh(found, report(rule, theirs) or []) if found else []

    if not files:
        raise Skip("no kernel code yet")
    for found in parallel(new, rules):
        if isinstance(found, str):
            r.note(found)
        else:
            for text in found:
                r.bad(text)
    return f"{len(rules)} rules, {len(files)} files"


# ---------------------------------------------------------------- headers for programs

def uapi(r):
    """each header for programs compiles alone: C90 and C++, 64 and 32 bit"""
    need("gcc", "g++")
    headers = [p for p in added() if p.startswith("include/uapi/")]
    ways = [("gcc", "-xc", "-std=c90", "-m64"), ("gcc", "-xc", "-std=c90", "-m32"),
            ("g++", "-xc++", "-std=c++98", "-m64"), ("g++", "-xc++", "-std=c++98", "-m32")]
    strict = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    for h in headers:
        for way in ways:
            status, text = output([*way, *strict, f"-I{ROOT}/include/uapi", "-include", ROOT / h, os.devnull])
            if status:
                r.bad(f"{h}: {' '.join(way)}: {text.strip()}")
    return f"{len(headers)} headers, {len(ways)} ways"
