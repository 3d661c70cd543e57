#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The benchmark runner without a guest: what it makes of results, and the guest program itself."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import xml.etree.ElementTree

SCRIPTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(SCRIPTS), str(SCRIPTS.parent / "bench")]

import boot     # noqa: E402
import common   # noqa: E402
import locks_threads    # noqa: E402
import page     # noqa: E402
import run      # noqa: E402
import tap      # noqa: E402
import timer_wakeups    # noqa: E402

BENCH = {"name": "locks", "feature": "file_private_locks", "title": "Lock & unlock", "unit": "pair",
         "param": "other locks", "max_ratio": 1.01, "peer": "", "peer_kernel": "septet"}
KEY = ("locks", "tmpfs", 32)
CALIBRATED = '{"instructions": 2000000, "ticks": 2000007}'


def record(*ticks, ops=1, key=KEY, **more):
    return {"bench": key[0], "fs": key[1], "n": key[2], "ops": ops, "ticks": list(ticks), **more}


def failure(key=KEY):
    return {"bench": key[0], "fs": key[1], "n": key[2], "error": "fcntl: Invalid argument"}


def row(stock, septet, rounds=((None,) * 4,), cycles=False, bench=BENCH):
    return run.result(bench, KEY, {"stock": {KEY: stock}, "septet": {KEY: septet}}, rounds, cycles)


def report(*rows, accelerator="tcg", bench=BENCH):
    return {"kernels": {"stock": "6.12.1", "septet": "6.12.1-septet"},
            "ticks_per_instruction": {"stock": 1.0, "septet": 1.0},
            "accelerator": accelerator, "accelerator_reason": "no /dev/kvm",
            "benchmarks": {bench["name"]: bench}, "results": list(rows), "extras": {},
            "goals_met": sum(r["met"] is True for r in rows),
            "goals_not_met": sum(r["met"] is False for r in rows), "failed": 0}


class FakeGuest:
    """Says the given lines, whatever it is told."""

    def __init__(self, lines):
        self.said = lines
        self.sent = 0

    def lines(self, timeout):
        yield from self.said

    def send(self, text):
        self.sent += 1

    def stop(self):
        pass


def runner(*lines, icount=True):
    kernel = unittest.mock.Mock(release="6.12.1", image="bzImage")
    with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(run, "note"), \
            unittest.mock.patch.object(common, "OUT", pathlib.Path(folder)), \
            unittest.mock.patch.object(boot, "start", return_value=FakeGuest(lines)):
        return run.Runner(kernel, "initrd", "stock-counted", icount)


class Choice(unittest.TestCase):
    KNOWN = {"locks_classic": {}, "locks_pair": {}, "rename_plain": {}}

    def test_nothing_given_means_all(self):
        self.assertEqual(run.choose(self.KNOWN, None), list(self.KNOWN))
        self.assertEqual(run.choose(self.KNOWN, ""), list(self.KNOWN))

    def test_pattern(self):
        self.assertEqual(run.choose(self.KNOWN, "locks_*"), ["locks_classic", "locks_pair"])

    def test_who_is_compared_with_comes_along(self):
        known = {"a": {"peer": "c"}, "b": {}, "c": {"peer": ""}}
        self.assertEqual(run.choose(known, "a"), ["a", "c"])
        self.assertEqual(run.choose(known, "[bc]"), ["b", "c"])

    def test_unknown_name_is_refused_with_the_names(self):
        with self.assertRaises(common.Refusal) as caught:
            run.choose(self.KNOWN, "lokcs")
        self.assertEqual(caught.exception.code, common.EXIT["usage"][0])
        self.assertIn("locks_classic locks_pair rename_plain", str(caught.exception))

    def test_unknown_option_is_refused(self):
        for argv in (["--jsno"], ["locks_pair", "rename_plain"]):
            with self.subTest(argv), self.assertRaises(common.Refusal):
                run.main(argv)


class Guests(unittest.TestCase):
    """Reading what a guest says."""

    def test_results_until_done(self):
        r = runner("can't create /x", CALIBRATED, json.dumps(record(5)), '{"done": true}')
        self.assertEqual(r.read(), record(5))
        self.assertIsNone(r.read())

    def test_clock_that_does_not_count_instructions(self):
        with self.assertRaises(common.Refusal) as caught:
            runner('{"instructions": 2000000, "ticks": 2100000}')
        self.assertIn("1.0500", str(caught.exception))

    def test_clock_is_free_without_icount(self):
        self.assertEqual(runner('{"instructions": 2000000, "ticks": 5000000}', icount=False).scale, 2.5)

    def test_guest_that_dies(self):
        r = runner(CALIBRATED, json.dumps(record(5)))
        r.read()
        with self.assertRaises(common.Refusal) as caught:
            r.read()
        self.assertEqual(caught.exception.code, common.EXIT["guest"][0])

    def test_turns_go_on_after_a_failure_on_one_kernel(self):
        other = ("locks", "tmpfs", 1000)
        good = [json.dumps(record(6, 4, ops=2, key=k)) for k in (KEY, other) for _ in range(run.TIMED[2])]
        bad = [json.dumps(failure())] + good[run.TIMED[2]:]
        runners = [runner(CALIBRATED, *(bad if kernel == "stock" else good), icount=False)
                   for kernel in run.ABBA]
        with unittest.mock.patch.object(run, "note"):
            timed = run.take_turns(runners, [KEY, other])
        self.assertEqual(timed[KEY], [[None, 2, 2, None]] * run.TIMED[2])
        self.assertEqual(timed[other], [[2, 2, 2, 2]] * run.TIMED[2])
        self.assertEqual([r.guest.sent for r in runners], [13, 24, 24, 13])


class Figures(unittest.TestCase):
    def test_ticks_of_one_operation(self):
        self.assertEqual(run.per_op(record(40, 10, 20, ops=2), min), 5)
        self.assertIsNone(run.per_op(failure(), min))
        self.assertIsNone(run.per_op(None, min))

    def test_wall_ratio(self):
        w = run.wall([[1, 2, 4, 3]] * 3)
        self.assertEqual((w["ratio"], w["spread"], w["stock"], w["septet"]), (1.5, 0, 2, 3))

    def test_wall_spread_ignores_the_outer_tenths(self):
        rounds = [[1, r, r, 1] for r in (9, *[1] * 4, *[1.2] * 5, 0.1)]
        w = run.wall(rounds)
        self.assertEqual(w["ratio"], 1.2)
        self.assertAlmostEqual(w["spread"], 0.1)

    def test_no_wall_ratio_without_both_kernels(self):
        self.assertIsNone(run.wall([[None, 2, 2, None], [1, 2, 2, 1]]))

    def test_goal(self):
        self.assertTrue(row(record(1000), record(1010))["met"])
        self.assertFalse(row(record(1000), record(1011))["met"])
        self.assertIsNone(row(record(1000), record(2000), bench={**BENCH, "max_ratio": 0})["met"])

    def test_goal_without_a_stock_figure_is_not_met(self):
        r = row(failure(), record(1000))
        self.assertEqual((r["stock"], r["ratio"], r["met"]), (None, None, False))
        self.assertEqual(r["stock_error"], "fcntl: Invalid argument")

    def test_ratio_to_another_benchmark_on_the_same_kernel(self):
        bench = {**BENCH, "name": "new", "peer": "locks"}
        key = ("new", *KEY[1:])
        r = run.result(bench, key, {"stock": {key: failure(key), KEY: record(1)},
                                    "septet": {key: record(1030), KEY: record(1000)}},
                       [[None] * 4], False)
        self.assertEqual((r["ratio"], r["met"]), (1.03, False))
        self.assertEqual(page.goal(r), "<= 1.01 of locks NOT MET")
        r = run.result(bench, key, {"stock": {}, "septet": {key: record(1)}}, [[None] * 4], False)
        self.assertEqual((r["ratio"], r["met"]), (None, False))

    def test_ratio_to_another_benchmark_on_stock(self):
        bench = {**BENCH, "name": "new", "peer": "locks", "peer_kernel": "stock"}
        key = ("new", *KEY[1:])
        counted = {"stock": {key: failure(key), KEY: record(1000)},
                   "septet": {key: record(1020), KEY: record(1015)}}
        r = run.result(bench, key, counted, [], False)
        self.assertEqual((r["ratio"], r["met"]), (1.02, False))
        self.assertEqual(page.goal(r), "<= 1.01 of locks on stock NOT MET")
        r = run.result({**bench, "max_ratio": 0}, key, counted, [], False)
        self.assertEqual((r["ratio"], page.goal(r)), (1.02, "- of locks on stock"))
        counted["stock"][KEY] = failure()
        self.assertIsNone(run.result(bench, key, counted, [], False)["ratio"])

    def test_no_absolute_time_from_emulation(self):
        self.assertNotIn("stock", row(record(1), record(1), [[1, 2, 2, 1]] * 2)["wall"])
        self.assertEqual(row(record(1), record(1), [[1, 2, 2, 1]] * 2, True)["wall"]["septet"], 2)


class Words(unittest.TestCase):
    """The table and the page."""

    def test_table_is_aligned_and_marks_goals(self):
        lines = run.table(report(row(record(2900), record(2901), [[1, 1, 1, 1]] * 2),
                                 row(record(2900), record(290000)))).splitlines()
        self.assertEqual(lines[1].split()[:4], ["benchmark", "variant", "stock", "septet"])
        self.assertIn("2,901", lines[2])
        self.assertTrue(lines[2].endswith("<= 1.01 met"))
        self.assertTrue(lines[3].endswith("<= 1.01 NOT MET"))
        self.assertEqual({line.index("<=") for line in lines[2:4]}, {lines[1].index("goal")})
        self.assertEqual(lines[-1], "1 goals met, 1 not met")

    def test_table_shows_cycles_and_errors(self):
        text = run.table(report(row(record(1), record(1), [[4000, 5000, 5000, 4000]] * 2, True),
                                row(failure(), record(1)), accelerator="kvm"))
        self.assertIn("4,000", text)
        self.assertIn("cycles", text)
        self.assertIn("on stock: fcntl: Invalid argument", text)

    def test_page_is_complete_and_loads_nothing(self):
        flat = {**BENCH, "param": ""}
        for name, r in {"curve": report(row(record(3), record(4)), row(record(70000), record(9))),
                        "bars": report(row(record(3), failure(), bench=flat), bench=flat),
                        "nothing": report(row(failure(), failure())),
                        "cycles": report(row(record(3), record(4), [[1, 1, 1, 1]] * 2, True),
                                         accelerator="kvm")}.items():
            with self.subTest(name):
                text = page.render(r)
                self.assertNotIn("http", text)
                self.assertIn("Lock &amp; unlock", text)
                for part in text.split("<svg")[1:]:
                    xml.etree.ElementTree.fromstring("<svg" + part.split("</svg>")[0] + "</svg>")


def waited(interrupts, late=None, seconds=10):
    late = late or {"p50": 1.0, "p99": 4.0, "max": 9.0}
    return {"wait": "timerfd", "programs": 100, "period_ms": 1000, "interrupts": interrupts,
            "seconds": seconds, "late_ms": late}


class Threads(unittest.TestCase):
    """What is made of the rates of several threads."""

    def rounds(self, *, septet, lost=()):
        """Guests in their order; those of septet have so many times the rate of stock."""
        return [(name, {n: 1000.0 * n * (next(factors) if name == "septet" else 1)
                        for n in locks_threads.THREADS if (i, n) not in lost})
                for factors in [itertools.cycle(septet)]
                for i, name in enumerate(locks_threads.TURNS)]

    def test_ratio_is_the_median_of_the_rounds(self):
        n = len(locks_threads.THREADS)
        s = locks_threads.section(self.rounds(septet=[1] * 2 * n + [2] * 2 * n + [1.5] * 2 * n))
        self.assertEqual([row["threads"] for row in s["rows"]], list(locks_threads.THREADS))
        for row in s["rows"]:
            self.assertEqual((row["ratio"], row["least"], row["most"]), (1.5, 1, 2))
        self.assertEqual((s["failed"], s["errors"]), (0, []))

    def test_a_guest_that_ends_early_fails(self):
        s = locks_threads.section(self.rounds(septet=[1], lost={(3, 64)}))
        self.assertEqual(s["errors"], ["64 threads: no result of some guests"])
        self.assertEqual((s["failed"], len(s["rows"])), (1, len(locks_threads.THREADS) - 1))

    def test_table_and_page(self):
        s = locks_threads.section(self.rounds(septet=[1.25]))
        r = {**report(), "extras": {locks_threads.NAME: s}}
        self.assertIn("     64           1.250  1.250  1.250", run.table(r))
        text = page.render({**r, "benchmarks": {}}, locks_threads.render(s))
        self.assertIn("<td>64</td><td>1.250</td>", text)


class Wakeups(unittest.TestCase):
    """What is made of the counts of timer interrupts."""

    def section(self, deferrable, late):
        idle = {v.name: waited(deferrable if timer_wakeups.is_deferrable(v) else 2050)
                for v in timer_wakeups.ON_IDLE_CPU}
        idle["idle"] = waited(50)
        busy = {v.name: waited(0, late) for v in timer_wakeups.ON_BUSY_CPU}
        return timer_wakeups.section({"stock": {}, "septet": idle}, busy)

    def test_all_goals_met(self):
        s = self.section(60, {"p50": 2.4, "p99": 5.0, "max": 5.0})
        self.assertEqual((s["goals_met"], s["goals_not_met"], s["failed"]), (10, 0, 0))
        row = {r["variant"]: r for r in s["rows"]}["deferrable timerfd"]
        self.assertEqual([g["value"] for g in row["goals"]], [0.005, 0.005])
        self.assertEqual((row["stock"], row["septet"]), (None, 6))

    def test_no_goal_met(self):
        s = self.section(900, {"p50": 2.5, "p99": 5.1, "max": 5.1})
        self.assertEqual((s["goals_met"], s["goals_not_met"]), (0, 10))

    def test_fewer_than_idle_is_none_at_all(self):
        self.assertEqual(timer_wakeups.beyond_idle({"idle": 5, "a": 4, "b": 10}, "a", "b"), 0)

    def test_no_ratio_to_what_costs_nothing(self):
        self.assertIsNone(timer_wakeups.beyond_idle({"idle": 5, "a": 9, "b": 5}, "a", "b"))
        self.assertIsNone(timer_wakeups.beyond_idle({"idle": 5, "a": None, "b": 10}, "a", "b"))
        self.assertFalse(timer_wakeups.goal("of b", None, 0.05)["met"])

    def test_every_goal_names_a_variant_of_its_guest(self):
        names = [v.name for v in timer_wakeups.ON_IDLE_CPU]
        self.assertEqual(len(set(names)), len(names))
        for v in timer_wakeups.ON_IDLE_CPU:
            self.assertLessEqual(set(v.goals), set(names))

    def test_what_the_guest_says(self):
        self.assertEqual(timer_wakeups.parse('idle: {"interrupts": 3}'), ("idle", {"interrupts": 3}))
        name, r = timer_wakeups.parse("a b: /bench/wakeups: timerfd_settime: Invalid argument")
        self.assertEqual((name, r["error"]), ("a b", "/bench/wakeups: timerfd_settime: Invalid argument"))
        self.assertEqual(timer_wakeups.parse("a: ")[1]["error"], "said nothing")

    def test_a_guest_that_ends_early_fails(self):
        idle = {"idle": waited(50), "timerfd": {"error": "no timer"}}
        s = timer_wakeups.section({"stock": {}, "septet": idle}, {})
        self.assertEqual((s["goals_met"], s["goals_not_met"], s["failed"]), (0, 10, 1))
        self.assertIn("timerfd on septet: no timer", timer_wakeups.table(s))

    def test_table_and_page(self):
        s = self.section(60, {"p50": 2.4, "p99": 5.1, "max": 5.1})
        r = {**report(), "extras": {timer_wakeups.NAME: s}}
        text = run.table(r)
        self.assertIn("<= 0.05 of timerfd: 0.005 met; <= 0.3 of nanosleep, slack 50 ms: 0.005 met", text)
        self.assertIn("<= 1.25 ticks late (p99): 1.275 NOT MET", text)
        self.assertNotIn("instructions", text)
        text = page.render({**r, "benchmarks": {}}, timer_wakeups.render(s))
        self.assertIn("deferrable timerfd, busy CPU", text)
        self.assertIn("100 x 1000 ms", text)
        self.assertEqual(text.count("<table>"), 1)
        for part in text.split("<svg")[1:]:
            xml.etree.ElementTree.fromstring("<svg" + part.split("</svg>")[0] + "</svg>")


@unittest.skipUnless(shutil.which("gcc"), "gcc is not installed")
class WakeupsProgram(unittest.TestCase):
    """The program that counts timer interrupts, on this machine."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        with unittest.mock.patch.object(common, "OUT", pathlib.Path(cls.folder.name)):
            cls.program = run.compiled("wakeups", [common.ROOT / timer_wakeups.SOURCE])

    def wakeups(self, *words):
        r = subprocess.run([self.program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return r.returncode, r.stdout, r.stderr

    def test_runs_that_are_due_in_the_window_are_counted(self):
        cpu = str(min(os.sched_getaffinity(0)))
        for way in ("timerfd", "nanosleep", "posix", "epoll"):
            with self.subTest(way):
                code, said, _ = self.wakeups("-j", "-c", cpu, "-t", "1", "-p", "100", "-n", "3", way)
                self.assertEqual(code, 0)
                r = json.loads(said)
                self.assertEqual((r["wait"], r["programs"], r["seconds"]), (way, 3, 1))
                self.assertIn(r["runs"], range(1, 31))
                self.assertGreaterEqual(r["late_ms"]["p50"], 0)
                self.assertLessEqual(r["late_ms"]["p99"], r["late_ms"]["max"])

    def test_bad_arguments(self):
        for words in ([], ["idle", "idle"], ["sleep"], ["-n", "0", "idle"], ["-n", "1001", "idle"],
                      ["-d", "epoll"], ["-b", "5", "timerfd"], ["-s", "5", "timerfd"], ["-p", "1x", "idle"]):
            with self.subTest(words):
                code, said, complaint = self.wakeups(*words)
                self.assertEqual((code, said), (2, ""))
                self.assertTrue(complaint)

    def test_a_cpu_that_is_not_there(self):
        code, said, complaint = self.wakeups("-c", "1023", "-t", "1", "idle")
        self.assertEqual((code, said), (1, ""))
        self.assertIn("1023", complaint)


@unittest.skipUnless(shutil.which("gcc"), "gcc is not installed")
class Program(unittest.TestCase):
    """The guest program, on this machine."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        with unittest.mock.patch.object(common, "OUT", pathlib.Path(cls.folder.name)):
            cls.program = run.build()
            cls.known = run.described(cls.program)

    def test_a_benchmark_is_called_like_its_file(self):
        self.assertEqual(sorted(self.known),
                         sorted(f.stem for f in run.HERE.glob("*.c") if f.stem != "main"))
        for b in self.known.values():
            with self.subTest(b["name"]):
                self.assertIn(b["feature"], common.FEATURES)

    def test_each_round_waits_for_its_turn(self):
        scratch = tempfile.mkdtemp(dir=self.folder.name)
        # The directory of ext4 is missing: that variant fails, and takes one turn.
        r = subprocess.run([self.program, "run", "1000", "3", "2", "rename_plain", "locks_classic"],
                           input=b"\n" * 9, stdout=subprocess.PIPE, check=True,
                           env={**os.environ, "tmpfs": scratch, "ext4": scratch + "/missing"})
        said = [json.loads(line) for line in r.stdout.splitlines()]
        self.assertEqual([len(s["ticks"]) for s in said if "ops" in s], [3] * 8)
        self.assertEqual([s["error"] for s in said if "error" in s], ["ext4: No such file or directory"])
        self.assertIn("instructions", said[0])
        self.assertIn("done", said[-1])

    def test_bad_arguments(self):
        for words in ([], ["run"], ["run", "1000", "101", "1", "x"], ["run", "0", "1", "1", "x"]):
            with self.subTest(words):
                r = subprocess.run([self.program, *words], stderr=subprocess.PIPE)
                self.assertEqual(r.returncode, 2)
                self.assertTrue(r.stderr)


if __name__ == "__main__":
    tap.main()
