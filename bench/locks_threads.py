# SPDX-License-Identifier: GPL-2.0
"""How many locks several threads set and release on one file, on stock and on ours.

The guest program is tools/testing/selftests/file_private_locks/lock_pairs.c. The guests have two
virtual CPUs that really run at the same time, so this is time, and as noisy as time under
emulation is: guests of both kernels take turns, and no goal depends on the ratio."""

import html
import json
import statistics

from common import out
import page

NAME = "locks_threads"
ABOUT = {"name": NAME, "feature": "file_private_locks", "max_ratio": 0, "peer": "",
         "title": "Locks set and released by several threads, each on bytes of its own"}
SOURCE = "tools/testing/selftests/file_private_locks/lock_pairs.c"
THREADS = (1, 2, 4, 8, 16, 32, 64)
SECONDS = 1.5
# Guests, one after the other.
TURNS = ("stock", "septet", "septet", "stock") * 3
# Seconds without a line, on a machine of slowness 1.
PATIENCE = 60
SCRIPT = f"""#!/bin/sh
/bench/lock_pairs /tmp/file {SECONDS} {' '.join(map(str, THREADS))}
"""


def rates(kernel, program, label):
    """{threads: pairs a second} of one guest."""
    import boot
    archive = boot.Initramfs(f"bench-{NAME}")
    archive.add("/bench/lock_pairs", program)
    archive.text("/bench/run", SCRIPT, 0o755)
    guest = boot.start(kernel.image, archive.write(), cmdline="septet.run=/bench/run",
                       console_log=out("report/bench", make=True) / f"{label}.log")
    found = {}
    for line in guest.lines(timeout=PATIENCE * boot.slowness()):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        found[record["threads"]] = record["pairs"] / record["seconds"]
    return found


def measure(kernels, program, note):
    """Run all on {name: kernel}; the section of the report."""
    note("locks of several threads:")
    rounds = []
    for number, name in enumerate(TURNS, 1):
        rounds.append((name, rates(kernels[name], program, f"{name}-threads-{number}")))
        note(f"  {name}: " + ", ".join(f"{n}: {rate:,.0f}" for n, rate in rounds[-1][1].items()))
    return section(rounds)


def section(rounds):
    """[(kernel, {threads: rate})] -> the rows of the report: medians, and the range of the ratio
    over each four guests."""
    rows, errors = [], []
    for n in THREADS:
        if any(n not in rate for _, rate in rounds):
            errors.append(f"{n} threads: no result of some guests")
            continue
        ratios = []
        for i in range(0, len(rounds), 4):
            sums = {"stock": 0, "septet": 0}
            for name, rate in rounds[i:i + 4]:
                sums[name] += rate[n]
            ratios.append(sums["septet"] / sums["stock"])
        rows.append({"threads": n, "ratio": statistics.median(ratios),
                     "least": min(ratios), "most": max(ratios)})
    return {"rows": rows, "errors": errors, "goals_met": 0, "goals_not_met": 0,
            "failed": len(errors)}


HEAD = ("threads", "septet / stock", "least", "most")
NOTE = ("Pairs of lock and unlock a second, septet / stock: median and range over three rounds of four "
        "guests in the order stock, septet, septet, stock. Above 1 is faster.")


def cells(row):
    return [str(row["threads"]), *(f"{row[k]:.3f}" for k in ("ratio", "least", "most"))]


def table(report):
    """The section for a terminal."""
    return [*page.aligned([HEAD, *map(cells, report["rows"])], ()), *report["errors"], "", NOTE]


def render(report):
    """The section of the HTML page."""
    rows = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in HEAD) + "</tr>"]
    rows += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in cells(row)) + "</tr>"
             for row in report["rows"]]
    return [f"<h2>{html.escape(ABOUT['title'])}</h2>", f"<p>{NAME}: {html.escape(NOTE)}</p>",
            *(f"<p>{html.escape(error)}</p>" for error in report["errors"]),
            f'<div class="wide"><table>{"".join(rows)}</table></div>']
