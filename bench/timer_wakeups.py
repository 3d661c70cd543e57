# SPDX-License-Identifier: GPL-2.0
"""What waiting programs cost an idle CPU in timer interrupts, and how late they run on a busy one.

The guest program is tools/testing/selftests/deferrable_timers/wakeups.c. Idle guests run on two
virtual CPUs without instruction counting, because there an idle CPU really stops; interrupts are
counted, not timed. The busy guest counts instructions, so that lateness, which is time, does not
depend on the machine."""

import collections
import html
import json

from common import out
import page

NAME = "timer_wakeups"
ABOUT = {"name": NAME, "feature": "deferrable_timers", "max_ratio": 0, "peer": "",
         "title": "Timer interrupts of an idle CPU, lateness on a busy one"}
SOURCE = "tools/testing/selftests/deferrable_timers/wakeups.c"
SYSCTL = "/proc/sys/kernel/"
# A scheduler tick of the guest kernels (CONFIG_HZ_250), in ms.
TICK = 4
# Seconds that no variant takes, on a machine of slowness 1.
PATIENCE = 60

# An idle CPU shall stay idle for longer than the bounds below, so these guests do without what else
# wakes it up: the check of the time-stamp counter twice a second, the detector of lockups every
# four seconds, and the counters of memory management (vm.stat_interval), which are gathered once a
# second where anything ran.
CMDLINE = "tsc=reliable nowatchdog septet.run=/bench/run"

# A variant: its name, the words for the program, {other variant: highest ratio to it}, and a
# sysctl to set for it. Ratios are of interrupts beyond those of "idle".
Variant = collections.namedtuple("Variant", "name words goals sysctl", defaults=({}, None))

IDLE = Variant("idle", "-t 8 idle")
# 100 programs, once a second each
MANY = (
    Variant("timerfd", "-t 6 timerfd"),
    Variant("epoll_wait, slack 50 ms", "-t 6 -s 50 epoll"),
    Variant("nanosleep, slack 50 ms", "-t 6 -s 50 nanosleep"),
    Variant("deferrable timerfd", "-t 12 -d timerfd",
            {"timerfd": 0.05, "nanosleep, slack 50 ms": 0.3}),
    Variant("the same, timer_defer_pull", "-t 12 -d timerfd", {"timerfd": 0.05},
            ("timer_defer_pull", 1)),
    # Real-time, because the scheduler wakes a CPU up about a second after others ran on it.
    Variant("real-time, bound of 5 s", "-t 18 -r -d -b 5 timerfd", {"timerfd": 0.02}),
    Variant("the same, by sysctl", "-t 18 -r -d timerfd", {"timerfd": 0.02},
            ("timer_defer_max_ms", 5000)),
)
# one program, every 10 ms
FAST = tuple(variant for way in ("timerfd", "nanosleep", "posix")
             for variant in (Variant(f"{way} 10 ms", f"-t 4 -n 1 -p 10 {way}"),
                             Variant(f"deferrable {way} 10 ms", f"-t 4 -n 1 -p 10 -d {way}",
                                     {f"{way} 10 ms": 0.05})))
ON_IDLE_CPU = (IDLE, *MANY, *FAST)
# 100 programs, every 100 ms each
ON_BUSY_CPU = (Variant("timerfd, busy CPU", "-t 2 -p 100 -c 0 -B timerfd"),
               Variant("deferrable timerfd, busy CPU", "-t 2 -p 100 -c 0 -B -d timerfd"))
# Goals for the lateness of a deferrable timer on a busy CPU, in ticks.
LATENESS = {"p50": 0.6, "p99": 1.25}


def is_deferrable(variant):
    return "-d" in variant.words.split()


def script(variants):
    """Each variant's name on a line with what the program says."""
    lines = ["#!/bin/sh", "echo 300 >/proc/sys/vm/stat_interval"]
    for v in variants:
        lines.append(f"printf '%s: ' '{v.name}'")
        if v.sysctl:
            lines.append(f"echo {v.sysctl[1]} >{SYSCTL}{v.sysctl[0]}")
        lines.append(f"/bench/wakeups -j {v.words}")
        if v.sysctl:
            lines.append(f"echo 0 >{SYSCTL}{v.sysctl[0]}")
    return "\n".join([*lines, ""])


def parse(line):
    """(name, record); a record without figures has "error"."""
    name, _, said = line.partition(": ")
    try:
        return name, json.loads(said)
    except ValueError:
        return name, {"error": said or "said nothing"}


def start(kernel, program, label, variants, icount):
    """A guest that runs the variants."""
    import boot
    archive = boot.Initramfs(f"bench-{label}")
    archive.add("/bench/wakeups", program)
    archive.text("/bench/run", script(variants), 0o755)
    return boot.start(kernel.image, archive.write(), cmdline=CMDLINE, icount=icount,
                      console_log=out("report/bench", make=True) / f"{label}.log")


def results(guest, note):
    """{name: record} of all that the guest says until it is off."""
    import boot
    found = {}
    for line in guest.lines(timeout=PATIENCE * boot.slowness()):
        name, record = parse(line)
        note(f"  {guest.console_log.stem}: {line}")
        found[name] = record
    return found


def measure(kernels, program, note):
    """Run all on {name: kernel}; the section of the report."""
    note("timer interrupts of an idle CPU:")
    # Nothing here is timed, so the guests may share the machine.
    plain = [v for v in ON_IDLE_CPU if not is_deferrable(v)]
    guests = {name: start(kernel, program, f"{name}-wakeups",
                          ON_IDLE_CPU if name == "septet" else plain, False)
              for name, kernel in kernels.items()}
    idle = {name: results(guest, note) for name, guest in guests.items()}
    note("lateness on a busy CPU:")
    busy = start(kernels["septet"], program, "septet-lateness", ON_BUSY_CPU, True)
    return section(idle, results(busy, note))


def rate(record):
    """Interrupts a second; None without a figure."""
    if not record or "error" in record:
        return None
    return record["interrupts"] / record["seconds"]


def programs(record):
    """How many programs wait, and for how long."""
    if record.get("wait", IDLE.name) == IDLE.name:
        return "-"
    return f"{record['programs']} x {record['period_ms']} ms"


def goal(text, value, most):
    return {"goal": text, "max": most, "value": value, "met": value is not None and value <= most}


def beyond_idle(rates, name, other):
    """Ratio of what two variants cost; less than an idle CPU's noise is nothing."""
    if None in (rates.get(name), rates.get(other), rates.get(IDLE.name)):
        return None
    cost, others = (max(rates[v] - rates[IDLE.name], 0) for v in (name, other))
    return cost / others if others else None


def section(idle, busy):
    """{kernel: {variant: record}}, {variant: record} -> the rows of the report."""
    rates = {name: rate(record) for name, record in idle["septet"].items()}
    rows = []
    for v in ON_IDLE_CPU:
        record = idle["septet"].get(v.name, {})
        row = {"variant": v.name, "programs": programs(record), "late_ms": record.get("late_ms"),
               **{kernel: rate(idle[kernel].get(v.name)) for kernel in idle}}
        row["goals"] = [goal(f"of {other}", beyond_idle(rates, v.name, other), most)
                        for other, most in v.goals.items()]
        rows.append(row)
    for v in ON_BUSY_CPU:
        record = busy.get(v.name, {})
        late = record.get("late_ms")
        row = {"variant": v.name, "programs": programs(record), "late_ms": late,
               "stock": None, "septet": rate(record)}
        row["goals"] = [goal(f"ticks late ({share})", late and late[share] / TICK, most)
                        for share, most in LATENESS.items() if is_deferrable(v)]
        rows.append(row)
    met = [g["met"] for row in rows for g in row["goals"]]
    errors = [f"{name} on {kernel}: {record['error']}"
              for kernel, records in (*idle.items(), ("septet", busy))
              for name, record in records.items() if "error" in record]
    return {"rows": rows, "errors": errors, "goals_met": sum(met),
            "goals_not_met": len(met) - sum(met), "failed": len(errors)}


HEAD = ("timer interrupts a second", "programs", "stock", "septet", "late p50", "late p99", "goal")
NOTE = ("Timer interrupts of the CPU that so many programs run on, each so often and with random "
        "phases; goals compare what is beyond idle. Late: by how many ms a program runs after its "
        "time on septet.")


def cells(row):
    """A row in words, in the order of HEAD."""
    late = [f"{row['late_ms'][share]:,.1f}" if row["late_ms"] else "-" for share in LATENESS]
    figures = ["-" if row[kernel] is None else f"{row[kernel]:,.1f}" for kernel in page.KERNELS]
    text = "; ".join(f"<= {g['max']:g} {g['goal']}: "
                     + ("no figure" if g["value"] is None else f"{g['value']:.3f}")
                     + (" met" if g["met"] else " NOT MET") for g in row["goals"])
    return [row["variant"], row["programs"], *figures, *late, text or "-"]


def table(report):
    """The section for a terminal."""
    return [*page.aligned([HEAD, *map(cells, report["rows"])], (0, 1, len(HEAD) - 1)),
            *report["errors"], "", NOTE]


def render(report):
    """The section of the HTML page."""
    rows = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in HEAD) + "</tr>"]
    for row in report["rows"]:
        met = all(g["met"] for g in row["goals"])
        style = ("met" if met else "missed") if row["goals"] else ""
        *first, last = cells(row)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in first)
                    + f'<td class="{style}">{html.escape(last)}</td></tr>')
    chart = [{"fs": row["variant"], "n": None, **{k: row[k] for k in page.KERNELS}}
             for row in report["rows"][:len(ON_IDLE_CPU)] if row["septet"] is not None]
    return [f"<h2>{html.escape(ABOUT['title'])}</h2>", f"<p>{NAME}: {html.escape(NOTE)}</p>",
            *(f"<p>{html.escape(error)}</p>" for error in report["errors"]),
            page.bars(chart, ABOUT["title"]) if chart else "",
            f'<div class="wide"><table>{"".join(rows)}</table></div>']
