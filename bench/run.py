#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the benchmarks on the stock kernel and on ours, and compare.

usage: run.py [B] [--json]      measure; B is a name or a pattern of names, default all
       run.py list              what there is to measure
       run.py --help

  make bench                        everything
  make bench B='locks_*'            only what matches the pattern
  make bench B=rename_plain JSON=1  one benchmark, results as JSON on standard output

Both kernels are measured in the same run:
  instructions per operation   QEMU counts them (-icount), so the same kernel always gives the
                               same figure; goals are set on these
  wall ratio                   time on septet / time on stock: two guests of each kernel take turns
                               in the order stock, septet, septet, stock; noisy, so no goal depends
                               on it. Where KVM works, the cycles are shown as well

Exit status: 0 all goals met, 1 a goal was not met or a benchmark failed, 10 no such benchmark."""

import contextlib
import fnmatch
import json
import os
import pathlib
import shutil
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

import common
from common import Refusal, out
import locks_threads
import page
import timer_wakeups

# What is measured in ways of its own, by name.
EXTRAS = {module.NAME: module for module in (locks_threads, timer_wakeups)}
# Kernels in the order of the columns: what a report calls them, what tree.ensure() does.
KERNELS = {"stock": "stock", "septet": "plain"}
ABBA = ("stock", "septet", "septet", "stock")
# Ticks in a sample, samples in a round, rounds. A counted sample is a quarter of the timer
# interrupt's period, so that most hold none and the median is free of them. A timed sample
# is shorter than a time slice of the host, so that some are not disturbed by other programs.
COUNTED = (1_000_000, 51, 1)
TIMED = (4_000_000, 25, 12)
# One tick of the guest's clock must be one instruction to within this.
CALIBRATION = 0.001
# Seconds without a result after which a guest is given up, on a machine of slowness 1.
PATIENCE = 120
# The same boot every time: no address or hash may depend on chance.
CMDLINE = ("nokaslr norandmaps randomize_kstack_offset=off random.trust_cpu=off "
           "null_blk.gb=1 null_blk.bs=4096 null_blk.irqmode=0 null_blk.memory_backed=1 "
           "septet.run=/bench/run")
# An empty ext4 without anything random or dated in it, and with nothing left to initialise. All
# that is not zero is at its beginning: an image needs no more, for so does an empty null_blk.
MKE2FS = ("-q", "-F", "-t", "ext4", "-b", "4096", "-N", "8192",
          "-U", "5e97e700-0000-4000-8000-000000000001",
          "-E", "hash_seed=5e97e700-0000-4000-8000-000000000002,packed_meta_blocks=1,"
          "lazy_itable_init=0")
EXT4_SIZE = "128M"
GUEST_SCRIPT = """#!/bin/sh
mkdir /bench/ext4
dd if=/bench/ext4.img of=/dev/nullb0 bs=64k 2>/dev/null
mount -t ext4 /dev/nullb0 /bench/ext4
export tmpfs=/tmp ext4=/bench/ext4
exec /bench/bench run {plan} {names}
"""


def note(text):
    """Progress goes to standard error: standard output is for the results."""
    print(text, file=sys.stderr, flush=True)


def compiled(name, sources):
    """A guest program, compiled again when a source is newer."""
    program = out("bench", make=True) / name
    include = common.ROOT / "include/uapi"
    # A folder is newer than what was built from it when a file in it came or went.
    inputs = [HERE, *HERE.glob("*.h"), *include.rglob("*"), *sources]
    if not program.exists() or program.stat().st_mtime < max(f.stat().st_mtime for f in inputs):
        if not shutil.which("gcc"):
            raise Refusal("packages", "gcc is not installed; type: apt-get install gcc libc6-dev")
        common.run(["gcc", "-O2", "-static", "-Wall", "-Wextra", "-Werror", "-pthread",
                    f"-I{include}", "-o", program, *sources])
    return program


def build():
    """The guest program with all benchmarks in it."""
    return compiled("bench", sorted(HERE.glob("*.c")))


def described(program):
    """What the program says about each of its benchmarks, by name."""
    rows = [json.loads(line) for line in common.run([program, "list"]).splitlines()]
    return {row["name"]: row for row in rows}


def choose(known, pattern):
    names = fnmatch.filter(known, pattern or "*")
    if not names:
        raise Refusal("usage", f"no benchmark is called '{pattern}'; there are: {' '.join(known)}; "
                               "type: make bench B=NAME")
    peers = {known[name].get("peer") for name in names}
    return [name for name in known if name in names or name in peers]


def ext4_image():
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    mke2fs = shutil.which("mke2fs", path=path)
    if not mke2fs:
        raise Refusal("packages", "mke2fs is not installed; type: apt-get install e2fsprogs")
    image = out("bench", make=True) / "ext4.img"
    image.unlink(missing_ok=True)
    common.run([mke2fs, *MKE2FS, image, EXT4_SIZE], env={**os.environ, "E2FSPROGS_FAKE_TIME": "1"})
    image.write_bytes(image.read_bytes().rstrip(b"\0"))
    return image


def initramfs(program, names, name, plan):
    import boot
    archive = boot.Initramfs(name)
    archive.add("/bench/bench", program)
    archive.add("/bench/ext4.img", ext4_image())
    archive.text("/bench/run", GUEST_SCRIPT.format(plan=" ".join(map(str, plan)),
                                                       names=" ".join(names)), 0o755)
    return archive.write()


class Runner:
    """A guest that runs the benchmarks, and what it says."""

    def __init__(self, kernel, initrd, label, icount):
        import boot
        self.label = label
        self.log = out("report/bench", make=True) / f"{label}.log"
        self.guest = boot.start(kernel.image, initrd, cmdline=CMDLINE, cpus=1, icount=icount,
                                console_log=self.log)
        self.lines = self.guest.lines(timeout=PATIENCE * boot.slowness())
        first = self.read()
        self.scale = first["ticks"] / first["instructions"]
        if icount and abs(self.scale - 1) > CALIBRATION:
            self.guest.stop()
            raise Refusal("guest", f"{label}: an instruction advanced the guest's clock by {self.scale:.4f} "
                                   f"ticks, wanted 1 within {CALIBRATION:.1%}; is this QEMU 7.2 or newer? "
                                   f"log: {self.log}")

    def read(self):
        """The next result; None after the last one."""
        for line in self.lines:
            if not line.startswith("{"):
                note(f"  {self.label} says: {line}")
                continue
            record = json.loads(line)
            return None if "done" in record else record
        raise Refusal("guest", f"{self.label}: the guest ended before the last benchmark did; "
                               f"log: {self.log}")

    def turn(self):
        """Let it do one round."""
        self.guest.send("\n")
        return self.read()


def key_of(record):
    return record["bench"], record["fs"], record["n"]


def count(kernel, initrd, label):
    """Instructions: (ticks per instruction, {key: record})."""
    note(f"  {label}: Linux {kernel.release}")
    runner = Runner(kernel, initrd, label, True)
    records = {}
    while record := runner.read():
        records[key_of(record)] = record
    runner.guest.stop()
    return runner.scale, records


def per_op(record, pick):
    """Ticks of one operation in the sample that pick chooses; None where there is no figure."""
    if not record or "ticks" not in record:
        return None
    return pick(record["ticks"]) / record["ops"]


def take_turns(runners, keys):
    """Time: {key: [figures of one round, in the order of the runners]}; None where there is none."""
    timed = {}
    for key in keys:
        note(f"  {key[0]} {key[1]} n={key[2]}")
        working, timed[key] = set(runners), []
        for _ in range(TIMED[2]):
            figures = []
            for runner in runners:
                record = runner.turn() if runner in working else None
                if record and (key_of(record) != key or "error" in record):
                    working.discard(runner)
                # Whatever else this machine does can only add time: the fastest sample has least of it.
                figures.append(per_op(record, min))
            timed[key].append(figures)
    return timed


def wall(rounds):
    """Rounds of ABBA -> median ratio, and half the range that the middle 80 % of the rounds cover."""
    if not rounds or any(None in figures for figures in rounds):
        return None
    totals = [[sum(f for f, k in zip(figures, ABBA) if k == kernel) / 2 for kernel in KERNELS]
              for figures in rounds]
    ratios = [septet / stock for stock, septet in totals]
    tenths = statistics.quantiles(ratios, n=10, method="inclusive")
    return {"ratio": statistics.median(ratios), "spread": (tenths[-1] - tenths[0]) / 2,
            **{kernel: statistics.median(t[i] for t in totals) for i, kernel in enumerate(KERNELS)}}


def compared(bench):
    """What the ratio is to, in words."""
    if not bench["peer"]:
        return "stock"
    return bench["peer"] + (" on stock" if bench["peer_kernel"] == "stock" else "")


def result(bench, key, counted, timed, cycles):
    """One row of the report."""
    row = {"bench": key[0], "fs": key[1], "n": key[2] if bench["param"] else None}
    for kernel in KERNELS:
        record = counted[kernel].get(key)
        row[kernel] = per_op(record, statistics.median)
        if row[kernel] is None:
            row[kernel + "_error"] = record["error"] if record else "no result"
    base = row["stock"]
    if bench["peer"]:
        base = per_op(counted[bench["peer_kernel"]].get((bench["peer"], *key[1:])), statistics.median)
    row["ratio"] = row["septet"] / base if base and row["septet"] else None
    row["wall"] = wall(timed)
    if row["wall"] and not cycles:
        # Absolute times of an emulator say nothing about any machine.
        del row["wall"]["stock"], row["wall"]["septet"]
    row["goal"] = bench["max_ratio"] or None
    row["peer"] = bench["peer"] and compared(bench)
    row["met"] = None if row["goal"] is None else row["ratio"] is not None and row["ratio"] <= row["goal"]
    return row


def operations(kernels, benches, accel, reason):
    """Instructions and wall ratio of each: (ticks per instruction, rows)."""
    program = build()
    note("instructions per operation, counted by QEMU:")
    initrd = initramfs(program, benches, "bench-counted", COUNTED)
    scale, counted = {}, {}
    for name, kernel in kernels.items():
        scale[name], counted[name] = count(kernel, initrd, f"{name}-counted")
    timed = {}
    # There is no ratio to what stock cannot do.
    known = {key[0] for key, record in counted["stock"].items() if "error" not in record}
    keys = [key for key in counted["septet"] if key[0] in known and not benches[key[0]]["waits"]]
    if keys:
        note(f"wall ratio ({accel}: {reason}):")
        initrd = initramfs(program, dict.fromkeys(key[0] for key in keys), "bench-timed", TIMED)
        runners = [Runner(kernels[name], initrd, f"{name}-timed-{number}", False)
                   for number, name in enumerate(ABBA, 1)]
        timed = take_turns(runners, keys)
        for runner in runners:
            runner.guest.stop()
    return scale, [result(benches[key[0]], key, counted, timed.get(key, ()), accel == "kvm")
                   for key in counted["septet"]]


def measure(benches):
    """Boot everything and return the report."""
    import boot
    import tree
    kernels = {name: tree.ensure(flavour) for name, flavour in KERNELS.items()}
    accel, reason = boot.accelerator(kernels["septet"].image)
    extras = {}
    for name, module in EXTRAS.items():
        if benches.pop(name, None):
            program = compiled(pathlib.Path(module.SOURCE).stem, [common.ROOT / module.SOURCE])
            extras[name] = module.measure(kernels, program, note)
    scale, rows = operations(kernels, benches, accel, reason) if benches else ({}, [])
    report = {"kernels": {name: kernel.release for name, kernel in kernels.items()},
              "ticks_per_instruction": scale,
              "accelerator": accel, "accelerator_reason": reason,
              "benchmarks": benches, "results": rows, "extras": extras,
              "goals_met": sum(row["met"] is True for row in rows),
              "goals_not_met": sum(row["met"] is False for row in rows),
              "failed": sum(row["septet"] is None for row in rows)}
    for total in ("goals_met", "goals_not_met", "failed"):
        report[total] += sum(extra[total] for extra in extras.values())
    return report


def table_of_operations(report):
    cycles = report["accelerator"] == "kvm"
    head = ["benchmark", "variant", "stock", "septet", "ratio", "wall ratio", "goal"]
    if cycles:
        head[6:6] = ["stock cyc", "septet cyc"]
    lines = [head]
    for row in report["results"]:
        time = row["wall"]
        line = [row["bench"], page.variant(row), *(page.number(row[kernel]) for kernel in KERNELS),
                page.ratio(row["ratio"]), page.wall(time), page.goal(row)]
        if cycles:
            line[6:6] = [page.number(time and time[kernel]) for kernel in KERNELS]
        lines.append(line)
    text = page.aligned(lines, (0, 1, len(head) - 1))
    for row in report["results"]:
        for kernel in KERNELS:
            if kernel + "_error" in row:
                text.append(f"{row['bench']} {page.variant(row)} on {kernel}: {row[kernel + '_error']}")
    return text


def table(report):
    """The report as aligned lines for a terminal."""
    text = [""]
    if report["results"]:
        text += [*table_of_operations(report), ""]
    for name, extra in report["extras"].items():
        text += [*EXTRAS[name].table(extra), ""]
    return "\n".join([*text, *page.notes(report),
                      f"{report['goals_met']} goals met, {report['goals_not_met']} not met"])


def write(report):
    folder = out("report/bench", make=True)
    (folder / "bench.json").write_text(json.dumps(report, indent=1) + "\n")
    more = [part for name, extra in report["extras"].items()
            for part in EXTRAS[name].render(extra)]
    (folder / "index.html").write_text(page.render(report, more))
    return folder / "index.html"


def show_list(benches):
    width = max(map(len, benches))
    for b in benches.values():
        goal = f"; goal: at most {b['max_ratio']:g} of {compared(b)}" if b["max_ratio"] else ""
        print(f"{b['name'].ljust(width)}  {b['title']} [{b['feature']}{goal}]")


def main(argv):
    if {"-h", "--help"} & set(argv):
        print(__doc__)
        return 0
    as_json = "--json" in argv or os.environ.get("JSON", "") not in ("", "0")
    words = [w for w in argv if w != "--json"]
    if len(words) > 1 or words[:1] and words[0].startswith("-"):
        raise Refusal("usage", f"do not understand '{' '.join(words)}'; type: bench/run.py --help")
    known = {**described(build()), **{name: module.ABOUT for name, module in EXTRAS.items()}}
    if words == ["list"]:
        show_list(known)
        return 0
    names = choose(known, words[0] if words else os.environ.get("B"))
    # What builds and boots may print its progress; standard output stays for the results.
    with contextlib.redirect_stdout(sys.stderr):
        report = measure({name: known[name] for name in names})
        index = write(report)
    print(json.dumps(report, indent=1) if as_json else table(report))
    note(f"report: {index}")
    return 1 if report["goals_not_met"] or report["failed"] else 0


if __name__ == "__main__":
    common.main(main)
