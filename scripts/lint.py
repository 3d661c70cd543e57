#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Checks that boot nothing: the series, the code, its documents, our scripts.

  lint.py         all checks, or those whose names match T=pattern; one line each
  lint.py list    their names and what each makes sure of
"""

import collections
import fnmatch
import os
import sys
import time

import common
import lint_files
import lint_kernel
import lint_series
from common import EXIT, Refusal, say
from lint_base import Report, Skip

CHECKS = {function.__name__.replace("_", "-"): function for function in (
    lint_series.owner, lint_series.subsets, lint_series.checkpatch, lint_series.series_tree,
    lint_series.apply_unapply,
    lint_kernel.sections, lint_kernel.warnings, lint_kernel.coccinelle, lint_kernel.kernel_doc,
    lint_kernel.uapi,
    lint_files.rst, lint_files.shell, lint_files.python, lint_files.man, lint_files.hygiene)}

# What a check can run into that is the project's fault; the rest (no room, no network, ...) ends the run.
FAULTS = {EXIT[kind][0] for kind in ("failed", "usage", "conflict", "edited")}

Outcome = collections.namedtuple("Outcome", "name verdict figures seconds problems notes")


def run(names):
    """Yield the Outcome of each check; verdict is ok, FAIL or SKIP."""
    for name in names:
        r, begin, verdict = Report(), time.monotonic(), "ok"
        try:
            figures = CHECKS[name](r)
        except Skip as e:
            figures, verdict = str(e), "SKIP"
        except Refusal as e:
            if e.code not in FAULTS:
                raise
            r.bad(str(e))
        if r.problems:
            verdict, figures = "FAIL", f"{len(r.problems)} problem{'s' * (len(r.problems) != 1)}"
        yield Outcome(name, verdict, figures, time.monotonic() - begin, r.problems, r.notes)


def main(argv):
    if argv == ["list"]:
        for name, function in CHECKS.items():
            say(f"{name:14} {function.__doc__}")
        return 0
    if argv:
        print(__doc__.strip(), file=sys.stderr)
        raise Refusal("usage", f"'{' '.join(argv)}' is not a command; see above, or type: make help")
    pattern = os.environ.get("T") or "*"
    names = [n for n in CHECKS if fnmatch.fnmatchcase(n, pattern)]
    if not names:
        raise Refusal("usage", f"no check matches T='{pattern}'; the checks are: {' '.join(CHECKS)}")
    count = collections.Counter()
    for o in run(names):
        count[o.verdict] += 1
        say(f"{o.verdict:4} {o.name} ({o.figures}, {o.seconds:.1f} s)")
        for text in o.notes + o.problems:
            say("    " + text.rstrip().replace("\n", "\n    "))
    say(f"{count['ok']} passed, {count['FAIL']} failed, {count['SKIP']} skipped")
    return 1 if count["FAIL"] else 0


if __name__ == "__main__":
    common.main(main)
