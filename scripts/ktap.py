#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run the tests and say what became of each.

  ktap.py check [host]    lint and host tests, then kselftests and KUnit suites in a guest ("host": only
                          the first two; they belong to KERNEL=plain)

Environment: KERNEL=plain|debug|stock  LEVEL=quick|full  FEATURES="a b"  T=glob over collection:test
SEPTET_REQUIRE=1 (a missing interface is a failure).  The last line is: N passed, N failed, N skipped

Verdicts: PASS FAIL SKIP, TIMEOUT (ran too long, or the guest fell silent), CRASH (killed by a signal),
OOPS (the kernel complained in its log, or panicked)."""

import dataclasses
import fnmatch
import json
import math
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time

import boot
import common
import lint
from common import ROOT, Refusal, out, say

DEFAULT_TIMEOUT = 45        # seconds, where a collection has no "timeout=" in its settings file
HOST_TIMEOUT = 600
MOST_SHOWN = 10             # failed cases of one program on the terminal; the report has all
# Tests get this much more time at LEVEL=full.
LEVELS = {"quick": 1, "full": 20}
# After a test's time is up the guest kills it; when that does not help either within this many
# seconds (times slowness), the kernel hangs.
GRACE = 10

# ---------------------------------------------------------------- what tests print

VERSION = re.compile(r"K?TAP version \d+$")
PLAN = re.compile(r"1\.\.(\d+)(?:\s*#\s*SKIP\b:?\s*(.*))?", re.I)
RESULT = re.compile(r"(not )?ok (\d+)(?!\S)(?:\s+-(?!\S))?\s*(.*)$")
DIRECTIVE = re.compile(r"#\s*(SKIP|XFAIL|TODO|TIMEOUT|ERROR)\b:?\s*(.*)$", re.I)


@dataclasses.dataclass
class Case:
    name: str
    verdict: str
    detail: str = ""


class Level:
    """One depth of indentation."""

    def __init__(self, indent):
        self.indent = indent
        self.plan = None
        self.numbers = set()
        self.seen = 0
        self.cases = []
        self.children = []      # cases of the level below, until the line that names them


class Tap:
    """The cases that a program's output reports, and what is wrong with the report itself."""

    def __init__(self, lines):
        self.faults = []
        self.skipped = None         # the reason in "1..0 # SKIP reason"
        self.levels = [Level(0)]
        self.found = False
        for line in lines:
            text = line.strip()
            if text.lower().startswith("bail out!"):
                self.found = True
                self.faults.append(text)
            elif VERSION.match(text) or PLAN.fullmatch(text) or RESULT.match(text):
                self.found = True
                self.take(len(line) - len(line.lstrip(" ")), text)
        while len(self.levels) > 1:
            self.faults.append("the output ends inside a subtest")
            self.close()
        self.check(self.levels[0])
        self.cases = self.levels[0].cases + self.levels[0].children

    def take(self, indent, text):
        while self.levels[-1].indent > indent:
            self.close()
        if self.levels[-1].indent < indent:
            self.levels.append(Level(indent))
        level = self.levels[-1]
        plan, result = PLAN.fullmatch(text), RESULT.match(text)
        if plan:
            if level.plan is not None:
                self.faults.append(f"a second plan: {text}")
            level.plan = int(plan[1])
            if level.plan == 0 and indent == 0:
                self.skipped = plan[2] or "no reason given"
        elif result:
            self.result(level, bool(result[1]), int(result[2]), result[3])

    def result(self, level, failed, number, rest):
        if number in level.numbers:
            self.faults.append(f"case {number} is reported twice")
        level.numbers.add(number)
        level.seen += 1
        directive = DIRECTIVE.search(rest)
        name = rest[:directive.start()].strip() if directive else rest.strip()
        detail = directive[2] if directive else ""
        # Some programs write "ok 3 # SKIP name": the only text there is names the case.
        name = name or detail or f"case {number}"
        verdict = "FAIL" if failed else "PASS"
        if not failed and directive and directive[1].upper() == "SKIP":
            verdict = "SKIP"
        if level.children:
            for case in level.children:
                case.name = f"{name}/{case.name}"
            if failed and all(c.verdict != "FAIL" for c in level.children):
                level.cases.append(Case(name, "FAIL", "fails although no case in it does"))
            level.cases += level.children
            level.children = []
        else:
            level.cases.append(Case(name, verdict, detail))

    def close(self):
        level = self.levels.pop()
        self.check(level)
        self.levels[-1].children += level.cases + level.children

    def check(self, level):
        if level.plan is None:
            if level.seen:
                self.faults.append("no plan (a line 1..N), so missing cases would go unseen")
        elif level.plan != level.seen:
            self.faults.append(f"the plan says {count(level.plan, 'case')}, {level.seen} reported")


# ---------------------------------------------------------------- what the kernel prints

TIMESTAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")
CUT_HERE = re.compile(r"-+\[ cut here \]-+")
END_TRACE = re.compile(r"-+\[ end trace ")
SPLAT = re.compile("|".join((
    r"(?:watchdog: |NMI watchdog: |rcu: |\[ )?BUG[: ]",
    r"(?:\[ )?WARNING: ",
    r"kernel BUG at ",
    r"UBSAN: \S+ in ",
    r"(?:KASAN|KCSAN): ",
    r"Oops\b",
    r"general protection fault",
    r"(?:double fault|divide error|invalid opcode|int3|stack segment): ",
    r"Kernel panic - not syncing",
    r".*\bpossible (?:circular|recursive|irq lock inversion)",
    r".*\bsuspicious RCU usage",
    r"INFO: task .* blocked for more than ",
    r"INFO: trying to register non-static key",
    r"(?:rcu: )?(?:INFO: )?rcu\S* (?:self-)?detected .*stall",
    r"(?:watchdog: |NMI watchdog: ).*\b(?:soft lockup|hard LOCKUP)",
    r"kmemleak: \d+ new suspected memory leaks",
    r"kmemleak: .*\bdisabled",
    r"ODEBUG: (?!selftest passed)",
    r"DMA-API: (?!preallocated|debugging (?:enabled|disabled)|dma_debug_entry pool|nr_\w+ )",
)))


def splats(text):
    """First lines of the complaints in a piece of kernel log."""
    found = []
    inside = 0      # lines that may still belong to a trace that has begun
    named = True    # False between "cut here" and the line that says what happened
    for line in text.splitlines():
        message = TIMESTAMP.sub("", line).rstrip()
        if CUT_HERE.match(message):
            inside, named = 80, False
        elif not named:
            found.append(message)
            named = True
        elif END_TRACE.match(message):
            inside = 0
        elif SPLAT.match(message):
            # The line with WARNING: or Oops: inside a trace belongs to the complaint that
            # began it; a panic is worth naming by itself.
            if not inside or message.startswith("Kernel panic"):
                found.append(message)
        inside = max(0, inside - 1)
    return found


# ---------------------------------------------------------------- verdicts

WEIGHT = ("PASS", "SKIP", "FAIL", "CRASH", "TIMEOUT", "OOPS")


@dataclasses.dataclass
class Result:
    name: str
    cases: list
    verdict: str = "PASS"
    seconds: float = 0.0
    previous: float = None
    splats: list = dataclasses.field(default_factory=list)
    lines: list = dataclasses.field(default_factory=list)
    kernel_log: str = ""
    log: str = ""               # the file with its output, from the report's folder

    def number(self, *verdicts):
        return sum(c.verdict in verdicts for c in self.cases)

    @property
    def passed(self):
        return self.number("PASS")

    @property
    def skipped(self):
        return self.number("SKIP")

    @property
    def failed(self):
        return len(self.cases) - self.passed - self.skipped


@dataclasses.dataclass
class Outcome:
    """How one program ended."""
    lines: list
    status: int = None          # None: the guest was lost with it
    timed_out: float = None     # the limit in seconds that it exceeded
    lost: tuple = None          # (verdict, explanation) when the guest was lost
    begun: bool = False         # the guest had started it
    kernel_log: str = ""
    seconds: float = 0.0


def count(n, noun):
    return f"{n} {noun}{'' if n == 1 else 's'}"


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def judge(name, outcome, waivers=lambda case: None, may_skip=True):
    """The verdict on a program from its output, its exit status and the kernel log.
    waivers(case id) gives the reason why a case may be skipped, or None."""
    tap = Tap(outcome.lines)
    status = outcome.status
    problems = []
    skip = None         # the reason, if the program as a whole was skipped
    found = splats(outcome.kernel_log)
    complaint = found[0] + (f" (and {len(found) - 1} more)" if len(found) > 1 else "") if found else ""
    if outcome.lost:
        problems.append((outcome.lost[0], "; ".join(filter(None, (complaint, outcome.lost[1])))))
    elif outcome.timed_out is not None:
        problems.append(("TIMEOUT", f"still running after {outcome.timed_out:.0f} s"))
    elif status > 128:
        problems.append(("CRASH", f"killed by {signal_name(status - 128)}"))
    elif tap.found:
        failing = any(c.verdict == "FAIL" for c in tap.cases)
        problems += [("FAIL", f) for f in tap.faults]
        if not tap.cases and tap.skipped is None and not tap.faults:
            problems.append(("FAIL", "the output has a header and no case"))
        if status == 0 and failing:
            problems.append(("FAIL", "exit status 0 although a case failed"))
        elif status == 4 and tap.skipped is None and not any(c.verdict == "SKIP" for c in tap.cases):
            problems.append(("FAIL", "exit status 4 (skipped) although no case was skipped"))
        elif status not in (0, 4) and not failing and not tap.faults:
            problems.append(("FAIL", f"exit status {status} although no case failed"))
        skip = tap.skipped
    elif status == 4:
        said = [line.lstrip("# ") for line in outcome.lines if line.strip()]
        skip = said[-1] if said else "no reason given"
    elif status:
        problems.append(("FAIL", f"exit status {status}"))
    if found and not outcome.lost:
        problems.append(("OOPS", complaint))
    problems.sort(key=lambda p: -WEIGHT.index(p[0]))
    if tap.cases:
        cases = tap.cases + [Case("(program)", *p) for p in problems]
    elif problems:      # without cases of its own, a program is one
        cases = [Case("", problems[0][0], "; ".join(p[1] for p in problems))]
    elif skip is not None:
        cases = [Case("", "SKIP", skip)]
    else:
        cases = [Case("", "PASS")]
    for case in cases:
        if case.verdict == "SKIP":
            reason = waivers(case_id(name, case))
            if reason:
                case.detail = reason
            elif not may_skip:
                case.verdict = "FAIL"
                case.detail = f"skipped, and not listed in scripts/skips: {case.detail}"
    result = Result(name, cases, splats=found, lines=outcome.lines, kernel_log=outcome.kernel_log,
                    seconds=outcome.seconds)
    if any(c.verdict != "SKIP" for c in cases):
        result.verdict = max((c.verdict for c in cases if c.verdict != "SKIP"), key=WEIGHT.index)
    else:
        result.verdict = "SKIP"
    return result


def case_id(test, case):
    return test + ("/" + re.sub(r"\s+", "_", case.name) if case.name else "")


def read_skips(path, kernel):
    """scripts/skips as a function: case id -> reason or None."""
    rows = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 2)
        if len(words) < 3 or words[0] not in ("plain", "debug", "stock", "*"):
            raise Refusal("usage", f"{path}:{number}: wanted: plain|debug|stock|* TEST-OR-CASE-GLOB reason")
        if words[0] in (kernel, "*"):
            rows.append(words[1:])
    return lambda case: next((why for glob, why in rows if fnmatch.fnmatchcase(case, glob)
                              or fnmatch.fnmatchcase(case.partition("/")[0], glob)), None)


# ---------------------------------------------------------------- tests in a guest

@dataclasses.dataclass
class Test:
    name: str           # collection:test
    folder: str         # in the guest
    command: str
    timeout: float      # seconds, on a fast machine


class Session:
    """Runs tests in a guest, one after the other; boots anew when a test takes the guest down."""

    def __init__(self, image, initrd, folder, *, cmdline="", level="quick", judge=judge):
        self.image = image
        self.initrd = initrd
        self.folder = folder
        self.cmdline = f"septet.run=/septet/run-tests oops=panic kunit.enable=1 {cmdline}"
        self.factor = LEVELS[level]
        self.judge = judge
        self.guest = None
        self.boots = 0
        self.release = ""
        self.read = 0           # characters of the console log that belong to earlier tests

    @property
    def console_log(self):
        return self.folder / f"console{f'-{self.boots}' if self.boots > 1 else ''}.log"

    def console(self):
        return self.console_log.read_text(errors="replace") if self.console_log.exists() else ""

    def unread(self):
        """The console log from where the last test left it."""
        text = self.console()[self.read:]
        self.read += len(text)
        return text

    def boot(self):
        """A fresh guest; the result says whether the kernel came up without complaint."""
        self.boots += 1
        self.read = 0
        self.last = None        # the test that ran last in this guest
        self.token = "@" + secrets.token_hex(8)
        begin = time.monotonic()
        self.guest = boot.start(self.image, self.initrd, cmdline=self.cmdline,
                                console_log=self.console_log)
        self.guest.send(self.token + "\n")
        while (line := self.guest.line(60)) != self.token + " ready":
            if line is None:
                raise Refusal("guest", f"the guest ended before the first test; log: "
                                       f"{self.guest.console_log}\n{self.guest.tail()}")
        self.release = self.guest.release
        return self.judge("boot" if self.boots == 1 else f"boot {self.boots}",
                          Outcome([], 0, kernel_log=self.unread(), seconds=time.monotonic() - begin))

    def run(self, tests, after):
        """Yield a Result for each test and each boot. after(session) gives the tests to run
        at the end; it is asked in the guest that the last test leaves behind."""
        queue, again = list(tests), set()
        yield self.boot()
        while queue or after:
            if self.guest is None:
                yield self.boot()
            if not queue:
                queue, after = after(self), None
                continue
            test = queue.pop(0)
            outcome = self.execute(test)
            if outcome.lost and test.name not in again and boot.patching_race(outcome.kernel_log):
                say(f"the emulator ran into code that was being patched; {test.name} runs again")
                again.add(test.name)
                queue.insert(0, test)
                continue
            if outcome.lost and not outcome.begun and self.last:
                # The guest died of what ran before; this one gets its turn in the next guest.
                queue.insert(0, test)
                yield self.judge(f"after {self.last}", outcome)
                continue
            self.last = test.name
            yield self.judge(test.name, outcome)
            late = self.late()
            if late:
                yield late
        stuck = self.off()
        late = stuck or self.late()
        if late:
            yield late

    def late(self):
        """Complaints that the kernel made between two tests, or while it powered off."""
        text = self.unread()
        if splats(text):
            return self.judge(f"after {self.last}", Outcome([], 0, kernel_log=text))
        return None

    def log_until(self, mark):
        """The kernel log since the last call, up to the line with a mark. The console may lag
        behind the data channel a little."""
        end = time.monotonic() + 5 * boot.slowness()
        while True:
            text = self.console()
            at = text.find(mark, self.read)
            if at >= 0 or time.monotonic() > end:
                break
            time.sleep(0.05)
        stop = text.find("\n", at) if at >= 0 else len(text)
        piece = text[self.read:stop]
        self.read = stop
        return piece

    def execute(self, test):
        """Run one program in the guest."""
        running(test.name)
        limit = math.ceil(test.timeout * boot.slowness() * self.factor)
        grace = GRACE * boot.slowness()
        guest, token = self.guest, self.token
        word = test.name.replace(" ", "_")
        outcome = Outcome([])
        begin = time.monotonic()
        guest.send(f"{word} {limit} {test.folder} {test.command}\n")
        try:
            while True:
                line = guest.line(limit + 5 + grace)
                if line is None:
                    outcome.lost = ("OOPS", "the guest went down")
                    break
                end = re.fullmatch(rf"(.*){token} end {re.escape(word)} (\d+) (\d+)", line)
                if end:
                    if end[1]:
                        outcome.lines.append(end[1])    # its last line had no newline
                    outcome.status, elapsed = int(end[2]), int(end[3])
                    if outcome.status in (124, 137) and elapsed >= limit:
                        outcome.timed_out = limit
                    outcome.kernel_log = self.log_until(f"septet: end {word} ")
                    break
                if line == f"{token} begin {word}":
                    outcome.begun = True
                else:
                    outcome.lines.append(line)
        except boot.Silent:
            guest.stop()
            outcome.lost = ("TIMEOUT", f"the kernel hangs: silent for {limit + 5 + grace:.0f} s")
        outcome.seconds = time.monotonic() - begin
        if outcome.timed_out is not None and outcome.status == 137:
            # Deaf to SIGTERM; a processor may be stuck in the kernel, so nothing more runs here.
            guest.stop()
            self.guest = None
        if outcome.lost:
            outcome.kernel_log = self.unread()
            self.guest = None
        return outcome

    def off(self):
        """Power the guest off; a result if it does not."""
        if not self.guest:
            return None
        self.guest.send("off\n")
        try:
            for _ in self.guest.lines(30 * boot.slowness()):
                pass
        except boot.Silent as e:
            return self.judge(f"after {self.last}", Outcome([], lost=("TIMEOUT", f"does not power off: {e}"),
                                                            kernel_log=self.unread()))
        finally:
            self.guest.stop()
            self.guest = None
        return None


def settings_timeout(folder):
    """timeout= in a collection's settings file; 0 there means no limit, which we do not grant."""
    path = folder / "settings"
    found = re.findall(r"^timeout=(\d+)", path.read_text(), re.M) if path.exists() else []
    return int(found[-1]) if found and int(found[-1]) else DEFAULT_TIMEOUT


def kselftests(installed):
    """All tests of an installed kselftest folder."""
    listing = installed / "kselftest-list.txt"
    tests = []
    for line in listing.read_text().split() if listing.exists() else ():
        collection, _, program = line.partition(":")
        tests.append(Test(line, f"/septet/kselftest/{collection}", f"./{program}",
                          settings_timeout(installed / collection)))
    return tests


def tool_tests(installed):
    """The tests that the companion tools bring for a guest."""
    return [Test(f"guest-tools:{f.parent.name}", f"/septet/guest-tests/{f.parent.name}", "./run", DEFAULT_TIMEOUT)
            for f in sorted(installed.glob("*/run"))]


def guest_files(initramfs):
    for name in ("run-tests", "run-kunit", "check-leaks", "check-dma"):
        initramfs.add(f"/septet/{name}", ROOT / "scripts/guest" / name)


def closing_tests(session, wanted):
    """KUnit suites, then what the checkers of a debug kernel have found over the whole run."""
    there = session.execute(Test("list", "/sys/kernel/debug",
                                 "find kunit kmemleak dma-api -maxdepth 1", 20)).lines
    suites = [path.partition("/")[2] for path in there if path.startswith("kunit/")]
    tests = [Test(f"kunit:{s}", "/", f"/septet/run-kunit {s}", 120) for s in sorted(suites)]
    tests = [t for t in tests if wanted(t.name)]
    if "kmemleak" in there:
        tests.append(Test("kmemleak", "/", "/septet/check-leaks", 60))
    if "dma-api/error_count" in there:
        tests.append(Test("dma-api", "/", "/septet/check-dma", 20))
    return tests


# ---------------------------------------------------------------- tests on the host

def host_tests(image, wanted):
    """[(name, command, environment)]: tests of the scripts and of the tools."""
    import tree
    tests = []
    for f in sorted((ROOT / "scripts/tests").glob("*")):
        # guest_* boot the kernel that is to be tested
        if f.name.startswith("test_") and f.suffix == ".py" or f.name.startswith("guest_") and image:
            tests.append((f"scripts:{f.stem}", [sys.executable, str(f)], {"SEPTET_IMAGE": str(image or "")}))
    source = tree.source("septet")
    for name in tree.companions():
        if (ROOT / "tools" / name / "tests").is_dir():
            tests.append((f"tools:{name}", ["make", "-s", "-C", str(source / "tools" / name), "check",
                                            f"O={out('septet', 'tools', name, make=True)}"], {}))
    return [t for t in tests if wanted(t[0])]


def run_on_host(name, command, environment):
    """Run a program here as the guest would run it there."""
    running(name)
    begin = time.monotonic()
    timed_out = None
    # A session of its own: whatever a test starts can be ended with it.
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True,
                               env={**os.environ, **environment})
    try:
        text = process.communicate(timeout=HOST_TIMEOUT)[0]
    except subprocess.TimeoutExpired:
        timed_out = HOST_TIMEOUT
        os.killpg(process.pid, signal.SIGKILL)
        text = process.communicate()[0]
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return Outcome(text.decode(errors="replace").splitlines(), status, timed_out,
                   seconds=time.monotonic() - begin)


# ---------------------------------------------------------------- the report

def running(name):
    """On a terminal, what is being waited for; the test's own line replaces it."""
    if sys.stdout.isatty():
        print(f"...      {name}\033[K", end="\r", flush=True)


class Report:
    """What `check` prints while it runs and leaves behind in OUT/report/<kernel>/."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.folder = out("report", kernel, make=True)
        self.facts = {}
        self.results = []
        self.durations = self.folder / "durations.json"
        try:
            self.previous = json.loads(self.durations.read_text())
        except (OSError, ValueError):
            self.previous = {}
        shutil.rmtree(self.folder / "logs", ignore_errors=True)
        (self.folder / "logs").mkdir()
        for old in self.folder.glob("console*"):
            old.unlink()

    def add(self, result, width):
        self.results.append(result)
        result.previous = self.previous.get(result.name)
        result.log = f"logs/{re.sub(r'[^A-Za-z0-9._-]+', '.', result.name)}.log"
        (self.folder / result.log).write_text("".join(line + "\n" for line in result.lines))
        before = f"  ({result.previous:.1f} s)" if result.previous is not None else ""
        cases = f"{result.passed}/{len(result.cases)}"
        say(f"{result.verdict:<7}  {result.name:<{width}}  {cases:>7}  {result.seconds:6.1f} s{before}")
        if result.failed:
            bad = [c for c in result.cases if c.verdict not in ("PASS", "SKIP")]
            for case in bad[:MOST_SHOWN]:
                say(f"         {case.verdict}: " + ": ".join(filter(None, (case.name, case.detail))))
            if bad[MOST_SHOWN:]:
                say(f"         and {len(bad) - MOST_SHOWN} more")
            say(f"         log: {self.folder / result.log}")

    def total(self):
        return tuple(sum(getattr(r, what) for r in self.results) for what in ("passed", "failed", "skipped"))

    def ktap(self):
        """All results as one KTAP 1 document."""
        text = f"KTAP version 1\n1..{len(self.results)}\n"
        for number, r in enumerate(self.results, 1):
            text += f"    KTAP version 1\n    1..{len(r.cases)}\n"
            for n, c in enumerate(r.cases, 1):
                word = "ok" if c.verdict in ("PASS", "SKIP") else "not ok"
                # A "#" in a name would start a directive.
                name = (c.name or r.name).replace("#", "")
                detail = "" if c.verdict == "PASS" and not c.detail else \
                    f" # {c.verdict if c.verdict != 'PASS' else ''} {c.detail}".replace("  ", " ")
                text += f"    {word} {n} {name}{detail.rstrip()}\n"
            flag = {"SKIP": " # SKIP", "TIMEOUT": " # TIMEOUT", "CRASH": " # CRASH", "OOPS": " # OOPS"}
            text += f"{'not ok' if r.failed else 'ok'} {number} {r.name}{flag.get(r.verdict, '')}\n"
        return text

    def write(self):
        import report
        self.previous.update({r.name: round(r.seconds, 2) for r in self.results})
        self.durations.write_text(json.dumps(self.previous, indent=1, sort_keys=True) + "\n")
        (self.folder / "results.ktap").write_text(self.ktap())
        (self.folder / "index.html").write_text(report.page(self))


# ---------------------------------------------------------------- check

def check(host_only):
    import tree
    kernel = os.environ.get("KERNEL") or "plain"
    level = os.environ.get("LEVEL") or "quick"
    pattern = os.environ.get("T") or "*"
    features = common.chosen(os.environ.get("FEATURES"))
    if level not in LEVELS:
        raise Refusal("usage", f"unknown level '{level}'; wanted LEVEL={' | '.join(LEVELS)}")
    if kernel not in tree.FLAVOURS:
        raise Refusal("usage", f"unknown kernel '{kernel}'; wanted KERNEL={' | '.join(tree.FLAVOURS)}")

    def wanted(name):
        """Does a test match T, and FEATURES if it belongs to a feature?"""
        collection, _, program = name.partition(":")
        owner = next((f for f in common.FEATURES if f in (collection.split("/")[0], program[:len(f)])), None)
        return (owner is None or owner in features) and any(
            fnmatch.fnmatchcase(word, pattern) for word in (name, collection, program))

    waivers = read_skips(ROOT / "scripts/skips", kernel)
    if host_only:
        built, image = None, None
    else:
        built = tree.ensure(kernel)
        image = built.image
        installed = tree.kselftests()
        brought = tree.guest_tests()
        tests = [t for t in kselftests(installed) + tool_tests(brought) if wanted(t.name)]
    # None of these depends on the kernel: once, with the default one, is enough.
    lints = [f"lint:{n}" for n in lint.CHECKS if wanted(f"lint:{n}")] if kernel == "plain" else []
    on_host = host_tests(image, wanted) if kernel == "plain" else []
    # KUnit suites are known only once a guest is up.
    boots = not host_only and (tests or pattern == "*" or pattern.startswith("kunit"))
    if not boots and not on_host and not lints:
        raise Refusal("usage", f"no test matches T='{pattern}'; wanted a pattern over names such as "
                               f"{tests[0].name if not host_only and tests else 'file_private_locks:*'}")
    if any(name == "scripts:guest_trace_i386" for name, _, _ in on_host):
        for flavour in ("i386", "i386-stock"):      # here it shows its progress, and no test's time limit runs
            tree.build(flavour)
    report = Report(kernel)
    report.facts = {"Kernel": kernel, "Level": level, "Features": " ".join(features),
                    "Pattern": pattern if pattern != "*" else "",
                    "Started": time.strftime("%Y-%m-%d %H:%M:%S")}
    if os.environ.get("SEPTET_REQUIRE"):
        report.facts["Required"] = "a missing interface is a failure"
    verdict = lambda name, outcome: judge(name, outcome, waivers, may_skip=kernel == "stock")
    names = lints + [n for n, _, _ in on_host] + ([t.name for t in tests] if boots else [])
    width = max(24, *map(len, names)) if names else 24
    session = None
    try:
        for outcome in lint.run(n.partition(":")[2] for n in lints):
            case = Case("", {"ok": "PASS"}.get(outcome.verdict, outcome.verdict), outcome.figures)
            report.add(Result(f"lint:{outcome.name}", [case], case.verdict, outcome.seconds,
                              lines=[*outcome.notes, *outcome.problems]), width)
        for name, command, environment in on_host:
            report.add(verdict(name, run_on_host(name, command, environment)), width)
        if boots:
            accel, reason = boot.accelerator(image)
            say(f"accelerator: {accel} ({reason})")
            report.facts["Accelerator"] = f"{accel} ({reason})"
            initramfs = boot.Initramfs(f"check-{kernel}")
            initramfs.add_kselftests(installed)
            initramfs.add_tree("/septet/guest-tests", brought)
            initramfs.add_tree("", tree.tools())
            guest_files(initramfs)
            env = {"SEPTET_KERNEL": kernel, "SEPTET_LEVEL": level,
                   "SEPTET_REQUIRE": os.environ.get("SEPTET_REQUIRE", "")}
            # The kernel hands words it does not know to init, as its environment.
            session = Session(image, initramfs.write(), report.folder, level=level, judge=verdict,
                              cmdline=" ".join(f"{k}={v}" for k, v in env.items() if v))
            for result in session.run(tests, lambda s: closing_tests(s, wanted)):
                report.add(result, width)
    finally:
        if session:
            if session.guest:
                session.guest.stop()
            report.facts["Release"] = session.release
            report.facts["Slowness"] = f"{boot.slowness():.1f} (factor on timeouts)"
            report.facts["Boots"] = str(session.boots)
        report.write()
    say(f"report: {report.folder / 'index.html'}")
    passed, failed, skipped = report.total()
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main(argv):
    if argv in (["-h"], ["--help"]):
        say(__doc__)
        return 0
    if argv not in (["check"], ["check", "host"]):
        raise Refusal("usage", f"'{' '.join(argv)}' is not a command; type: ktap.py --help")
    return check(argv[1:] == ["host"])


if __name__ == "__main__":
    common.main(main)
