# SPDX-License-Identifier: GPL-2.0
"""Checks of lint.py on the project's files: scripts, manual pages, documentation, hygiene."""

import fnmatch
import functools
import os
import re
import warnings

import common
import tree
from common import ROOT, out
from lint_base import base, need, output, parallel, result

SPDX = "SPDX-License-Identifier: GPL-2.0"
CODE = (".c", ".h", ".S", ".py", ".sh", ".rst", ".1", ".8", ".cocci", "/Makefile", "/Kconfig")
LARGEST = 400_000

# Written so that they do not match themselves.
UNWANTED = (
    (r"(?<![\w.])/(work|root|home/\w+|Users)/\w", "a path of one machine"),
    (r"\b(pypi|pythonhosted|npmjs|crates|rubygems|docker|ghcr|proxy\.golang"
     r"|(deb|ftp|security|snapshot|archive)\.(debian|ubuntu))\.(org|com|io|net)\b",
     "a host that packages come from"),
    (r"\b(TO[D]O|FIX[M]E|XX[X])\b(?=[:(]| [a-z])", "unfinished work"),
)


@functools.cache
def ours():
    """Every file of the project, generated ones left out: path -> bytes."""
    found = {}
    for folder, dirs, files in os.walk(ROOT):
        dirs[:] = [d for d in dirs if d not in (".git", "__pycache__") and (ROOT / folder / d) != out()
                   and (folder, d) != (str(ROOT), "out")]
        for f in files:
            path = os.path.join(folder, f)
            if not os.path.islink(path):
                found[os.path.relpath(path, ROOT)] = open(path, "rb").read()
    return dict(sorted(found.items()))


def scripts_in(interpreter, suffix):
    return [p for p, data in ours().items() if p.endswith(suffix)
            or re.match(rb"#!.*\b" + interpreter + rb"\d*\b", data.partition(b"\n")[0])]


def shell(r):
    """shellcheck on every shell script"""
    need("shellcheck")
    files = scripts_in(rb"(?:ba|da)?sh", ".sh")
    for l in output(["shellcheck", "-f", "gcc", *files], cwd=ROOT)[1].splitlines():
        r.bad(l)
    return f"{len(files)} scripts"


def python(r):
    """every Python script compiles without a warning and pyflakes finds nothing"""
    need("pyflakes3")
    files = scripts_in(b"python", ".py")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for p in files:
            try:
                compile(ours()[p], p, "exec", dont_inherit=True)
            except (SyntaxError, Warning) as e:
                r.bad(f"{p}: {e}")
    for l in output(["pyflakes3", *files], cwd=ROOT)[1].splitlines():
        r.bad(l)
    return f"{len(files)} scripts"


def man(r):
    """every companion tool has a manual page, and man formats it without a warning"""
    need("man")
    pages = [p for p in ours() if re.search(r"\.[1-8]$", p)]
    for name in tree.companions():
        if not any(p.startswith(f"tools/{name}/") for p in pages):
            r.bad(f"tools/{name}: no manual page; wanted tools/{name}/{name}.8")
    env = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    for p, (_, text) in zip(pages, parallel(lambda p: output(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", p], cwd=ROOT, env=env), pages)):
        # the formatted page goes the same way as the warnings, which alone begin so
        for l in re.findall(r"(?m)^(?:troff|man|groff|tbl):.*", text):
            r.bad(f"{p}: {l}")
    return f"{len(pages)} pages"


def rst(r):
    """every .rst page is in a table of contents once applied, and its titles are underlined in full"""
    pages = [p for p in common.overlay() if p.endswith(".rst")]
    for p in pages:
        parts = p.removesuffix(".rst").removesuffix("/index").split("/")
        entry = "/index" if p.endswith("/index.rst") else ""
        for n in range(len(parts) - 1, 0, -1):
            index = "/".join(parts[:n]) + "/index.rst"
            text = result()[index][0] if index in result() else base(index) or ""
            page = "/".join(parts[n:]) + entry
            if any(fnmatch.fnmatchcase(page, l.strip()) for l in text.splitlines()):
                break
        else:
            r.bad(f"{p}: in no table of contents; wanted a line '{parts[-1]}' in "
                  f"{'/'.join(parts[:-1])}/index.rst")
        lines = ours()[p].decode().splitlines()
        for n, (title, line) in enumerate(zip(lines, lines[1:]), 1):
            if title.strip() and re.fullmatch(r"([=\-~^*+\"#])\1{2,}", line) and len(line) < len(title) \
                    and title[0] not in " =-~^*+\"#|":
                r.bad(f"{p}:{n}: the line under '{title}' is shorter than the title")
    return f"{len(pages)} pages"


def hygiene(r):
    """licence lines, white space, sizes, no machine's paths, selftest folders complete"""
    for p, data in ours().items():
        if len(data) > LARGEST:
            r.bad(f"{p}: {len(data)} bytes; wanted at most {LARGEST}")
        if b"\0" in data:
            continue
        text = data.decode(errors="replace")
        if ("/" + p).endswith(CODE) or text.startswith("#!"):
            if SPDX not in "".join(text.splitlines()[:1 + text.startswith("#!")]):
                r.bad(f"{p}: no SPDX-License-Identifier: GPL-2.0 in the first line (after #!)")
        if text and not text.endswith("\n") or "\r" in text:
            r.bad(f"{p}: lines must end with a single newline, the last one too")
        for n, l in enumerate(text.splitlines(), 1):
            if l != l.rstrip() and not p.endswith(".patch"):
                r.bad(f"{p}:{n}: white space at the end of the line")
            for pattern, what in UNWANTED:
                if m := re.search(pattern, l):
                    r.bad(f"{p}:{n}: '{m[0]}': {what}")
        if os.path.basename(p).startswith(".") and os.path.basename(p) not in (".gitignore", ".kunitconfig"):
            r.bad(f"{p}: a hidden file; is it a leftover?")
    mine = common.overlay()
    for folder in {p.rpartition("/")[0] for p in mine if re.match(r"tools/testing/selftests/\w+/[^/]+$", p)}:
        for name in ("Makefile", "config", "settings", ".gitignore"):
            if f"{folder}/{name}" not in mine:
                r.bad(f"{folder}: no {name}")
    return f"{len(ours())} files"
