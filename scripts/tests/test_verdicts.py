#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What ktap.py makes of planted outputs and kernel logs."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import ktap     # noqa: E402
import report   # noqa: E402
import tap      # noqa: E402


def judge(text, status=0, log="", **how):
    return ktap.judge("demo:test", ktap.Outcome(text.strip("\n").split("\n") if text else [], status,
                                                kernel_log=log), **how)


def verdicts(result):
    return [c.verdict for c in result.cases]


class Cases(unittest.TestCase):
    """The output of a program."""

    def test_harness_output(self):
        r = judge("""
TAP version 13
1..3
# Starting 3 tests from 1 test cases.
#  RUN           locks.one ...
#            OK  locks.one
ok 1 locks.one
ok 2 locks.two # SKIP no memory
ok 3 locks.three # XFAIL known
# PASSED: 3 / 3 tests passed.
# Totals: pass:1 fail:0 xfail:1 xpass:0 skip:1 error:0
""")
        self.assertEqual((r.verdict, r.passed, r.failed, r.skipped), ("PASS", 2, 0, 1))
        self.assertEqual([c.name for c in r.cases], ["locks.one", "locks.two", "locks.three"])

    def test_reason_before_name(self):
        r = judge("1..1\nok 1 # SKIP no such device")
        self.assertEqual((r.verdict, r.cases[0].detail), ("SKIP", "no such device"))

    def test_nested_counts_leaves(self):
        r = judge("""
KTAP version 1
1..2
    KTAP version 1
    # Subtest: outer
    1..2
        KTAP version 1
        1..2
        ok 1 a
        ok 2 b
    ok 1 params
    ok 2 plain
ok 1 outer
ok 2 alone
""")
        self.assertEqual([c.name for c in r.cases],
                         ["outer/params/a", "outer/params/b", "outer/plain", "alone"])
        self.assertEqual((r.verdict, r.passed), ("PASS", 4))

    def test_kunit_results_file(self):
        r = judge("""
KTAP version 1
1..1
    KTAP version 1
    # Subtest: file_private_locks
    1..2
    # insert: EXPECTATION FAILED at fs/locks_test.c:7
    not ok 1 insert
    ok 2 remove # SKIP no tree
# file_private_locks: pass:0 fail:1 skip:1 total:2
# Totals: pass:0 fail:1 skip:1 total:2
not ok 1 file_private_locks
""", 1)
        self.assertEqual((r.verdict, verdicts(r)), ("FAIL", ["FAIL", "SKIP"]))

    def test_nested_failure_counts_once(self):
        r = judge("1..1\n  1..2\n  ok 1 a\n  not ok 2 b\nnot ok 1 parent", 1)
        self.assertEqual((r.passed, r.failed), (1, 1))

    def test_parent_fails_alone(self):
        r = judge("1..1\n  1..1\n  ok 1 a\nnot ok 1 parent", 1)
        self.assertEqual((r.passed, r.failed), (1, 1))

    def test_nested_short_plan(self):
        self.assertEqual(judge("1..1\n  1..3\n  ok 1 a\nok 1 parent").verdict, "FAIL")

    def test_output_ends_in_subtest(self):
        self.assertEqual(judge("1..1\n  1..1\n  ok 1 a").verdict, "FAIL")

    def test_not_results(self):
        r = judge("okay 1 day\nok then\nnot ok, I think\n1..x\n# ok 1 quoted")
        self.assertEqual((r.verdict, len(r.cases)), ("PASS", 1))

    def test_dash_before_name(self):
        self.assertEqual(judge("1..1\nok 1 - name").cases[0].name, "name")


class Agreement(unittest.TestCase):
    """Exit status, plan and cases have to agree."""

    def expect(self, verdict, detail, text, status):
        r = judge(text, status)
        self.assertEqual(r.verdict, verdict)
        self.assertIn(detail, "\n".join(c.detail for c in r.cases))
        self.assertGreater(r.failed, 0)

    def test_all_ok_but_exit_1(self):
        self.expect("FAIL", "exit status 1 although", "1..1\nok 1 a", 1)

    def test_not_ok_but_exit_0(self):
        self.expect("FAIL", "exit status 0 although", "1..2\nok 1 a\nnot ok 2 b", 0)

    def test_short_plan(self):
        self.expect("FAIL", "the plan says 5 cases, 3 reported", "1..5\nok 1 a\nok 2 b\nok 3 c", 0)

    def test_long_plan(self):
        self.expect("FAIL", "the plan says 1 case, 2 reported", "1..1\nok 1 a\nok 2 b", 0)

    def test_no_plan(self):
        self.expect("FAIL", "no plan", "ok 1 a", 0)

    def test_twice(self):
        self.expect("FAIL", "case 1 is reported twice", "1..2\nok 1 a\nok 1 a", 0)

    def test_bail_out(self):
        self.expect("FAIL", "Bail out! broken", "1..2\nok 1 a\nBail out! broken", 1)

    def test_empty_report(self):
        self.expect("FAIL", "no case", "TAP version 13", 0)

    def test_skip_status_without_skip(self):
        self.expect("FAIL", "exit status 4", "1..1\nok 1 a", 4)

    def test_no_tap(self):
        self.assertEqual(judge("hello").verdict, "PASS")
        self.expect("FAIL", "exit status 2", "hello", 2)

    def test_signal(self):
        self.expect("CRASH", "SIGSEGV", "1..2\nok 1 a", 139)
        self.expect("CRASH", "SIGABRT", "", 134)

    def test_one_failure_reports_itself(self):
        r = judge("1..2\nok 1 a\nnot ok 2 b", 1)
        self.assertEqual(verdicts(r), ["PASS", "FAIL"])


class Skips(unittest.TestCase):
    """Skipping is failing unless it is listed, or the kernel is stock."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "skips"

    def read(self, text, kernel="plain"):
        self.path.write_text(text)
        return ktap.read_skips(self.path, kernel)

    def test_unlisted(self):
        r = judge("# no disk here", 4, may_skip=False)
        self.assertEqual(r.verdict, "FAIL")
        self.assertIn("no disk here", r.cases[0].detail)

    def test_whole_plan(self):
        r = judge("TAP version 13\n1..0 # SKIP not root", 4)
        self.assertEqual((r.verdict, r.cases[0].detail), ("SKIP", "not root"))

    def test_listed_case(self):
        skips = self.read("# comment\n\nplain demo:test/needs_disk  no disk in the guest\n")
        r = judge("1..2\nok 1 needs disk # SKIP\nok 2 b", waivers=skips, may_skip=False)
        self.assertEqual((r.verdict, r.skipped, r.failed), ("PASS", 1, 0))
        self.assertEqual(r.cases[0].detail, "no disk in the guest")

    def test_listed_test(self):
        r = judge("", 4, waivers=self.read("* demo:* never here\n"), may_skip=False)
        self.assertEqual(r.verdict, "SKIP")

    def test_other_kernel(self):
        r = judge("", 4, waivers=self.read("debug demo:* slow\n"), may_skip=False)
        self.assertEqual(r.verdict, "FAIL")

    def test_line_without_reason(self):
        with self.assertRaisesRegex(ktap.Refusal, "skips:1: wanted"):
            self.read("plain demo:test\n")


SPLATS = """
BUG: KASAN: slab-use-after-free in posix_lock_inode+0x1/0x2
BUG: KCSAN: data-race in a / b
BUG: sleeping function called from invalid context at kernel/locking/mutex.c:1
BUG: unable to handle page fault for address: 0000000000001000
BUG: kernel NULL pointer dereference, address: 0000000000000008
BUG kmalloc-64 (Not tainted): Poison overwritten
[ BUG: Invalid wait context ]
watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [test:77]
watchdog: Watchdog detected hard LOCKUP on cpu 1
WARNING: CPU: 0 PID: 77 at fs/locks.c:1 posix_lock_inode+0x1/0x2
WARNING: possible circular locking dependency detected
WARNING: possible recursive locking detected
WARNING: suspicious RCU usage
kernel BUG at fs/locks.c:2!
UBSAN: shift-out-of-bounds in fs/locks.c:3:4
Oops: Oops: 0002 [#1] PREEMPT SMP KASAN
Oops: general protection fault, probably for non-canonical address 0xdead000000000100: 0000 [#1]
general protection fault: 0000 [#1] SMP
INFO: task append_demo:88 blocked for more than 120 seconds.
rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
rcu: INFO: rcu_sched self-detected stall on CPU
kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
kmemleak: Kernel memory leak detector disabled
ODEBUG: free active (active state 0) object: 00000000abcdef01 object type: timer_list hint: x
DMA-API: pci 0000:00:02.0: device driver failed to check map error
Kernel panic - not syncing: Fatal exception
""".strip().split("\n")

HARMLESS = """
kmemleak: Kernel memory leak detector initialized (mem pool available: 39123)
kmemleak: Automatic memory scanning thread started
kasan: KernelAddressSanitizer initialized
kcsan: enabled early
ODEBUG: selftest passed
DMA-API: preallocated 65536 debug entries
DMA-API: debugging enabled by kernel config
Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on
traps: crasher[91] general protection fault ip:401136 sp:7ffd error:0 in crasher[401000+1000]
crasher[92]: segfault at 0 ip 0000000000401136 sp 00007ffc error 4 in crasher[401000+1000]
Unknown kernel command line parameters "SEPTET_KERNEL=plain", will be passed to user space.
rcu: Hierarchical RCU implementation.
rcu: 	RCU CPU stall warnings timeout set to 60 (rcu_cpu_stall_timeout).
Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar
clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable:
Warning: unable to open an initial console.
FAULT_INJECTION: forcing a failure.
append_demo: page allocation failure: order:0, mode:0xcc0(GFP_KERNEL)
lkdtm: Performing direct entry WARNING
rcu: 	RCU debug extended QS entry/exit.
debug_vm_pgtable: [debug_vm_pgtable         ]: Validating architecture page table helpers
BUGS are described elsewhere
septet: begin demo:WARNING
""".strip("\n").split("\n")


class Splats(unittest.TestCase):
    """The kernel log."""

    def test_each_splat_is_seen(self):
        for line in SPLATS:
            with self.subTest(line):
                self.assertEqual(ktap.splats(f"[    1.234567] {line}\n"), [line])

    def test_caller_column(self):
        self.assertEqual(ktap.splats("[   12.345678][  T123] kernel BUG at a.c:1!"), ["kernel BUG at a.c:1!"])

    def test_harmless_lines(self):
        for line in HARMLESS:
            with self.subTest(line):
                self.assertEqual(ktap.splats(f"[    1.234567] {line}\n"), [])

    def test_one_trace_is_one_splat(self):
        log = "\n".join("[    2.000000] " + line for line in (
            "------------[ cut here ]------------", "ODEBUG: activate active object",
            "WARNING: CPU: 0 PID: 7 at lib/debugobjects.c:1", "Call Trace:",
            "---[ end trace 0000000000000000 ]---", "quiet", "WARNING: suspicious RCU usage"))
        self.assertEqual(ktap.splats(log),
                         ["ODEBUG: activate active object", "WARNING: suspicious RCU usage"])

    def test_splat_fails_a_passing_test(self):
        r = judge("1..1\nok 1 a", log="[    1.0] x\n[    2.000000] BUG: KASAN: wild\n")
        self.assertEqual((r.verdict, verdicts(r)), ("OOPS", ["PASS", "OOPS"]))
        self.assertIn("BUG: KASAN: wild", r.cases[1].detail)
        self.assertEqual(judge("", log="[    2.000000] BUG: KASAN: wild\n").verdict, "OOPS")


class Files(unittest.TestCase):
    """What is read and written."""

    def test_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            self.assertEqual(ktap.settings_timeout(folder), ktap.DEFAULT_TIMEOUT)
            (folder / "settings").write_text("# timeout=7\ntimeout=90\n")
            self.assertEqual(ktap.settings_timeout(folder), 90)

    def report(self):
        class Fake(ktap.Report):
            def __init__(self, results):
                self.kernel, self.facts, self.results = "plain", {"Level": "quick"}, results
        return Fake([judge("1..2\nok 1 a\nnot ok 2 b # c <i>", 1), judge("", 4), judge("", 0)])

    def test_page_stands_alone(self):
        text = report.page(self.report())
        self.assertIn("1 failed", text)
        self.assertIn("b # c &lt;i&gt;", text)
        self.assertNotRegex(text, r"https?:|src=|href=|@import")

    def test_ktap_parses_again(self):
        again = ktap.Tap(self.report().ktap().split("\n"))
        self.assertEqual(again.faults, [])
        self.assertEqual([c.verdict for c in again.cases], ["PASS", "FAIL", "SKIP", "PASS"])


if __name__ == "__main__":
    tap.main()
