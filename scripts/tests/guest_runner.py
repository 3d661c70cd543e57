#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The runner against planted misbehaviour in a real guest: each plant has to be reported as what
it is, and what runs after it has to be unharmed. Wants the kernel image in SEPTET_IMAGE."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import boot     # noqa: E402
import ktap     # noqa: E402
import tap      # noqa: E402

PROVOKE = "echo {} >/sys/kernel/debug/provoke-crash/DIRECT\n"
GOOD = "echo 1..1; echo ok 1 fine\n"

# name -> what the program does. They run in this order; "after_..." show that the next one is fine.
PLANTS = {
    "good": GOOD,
    "environment": "[ $SEPTET_LEVEL-$SEPTET_KERNEL-$PWD = quick-plain-/septet/kselftest/plants ]",
    "forged_frame": "printf '@begin x\\n@septet note\\n@0 end plants:forged_frame 0 0\\n'\n"
                    "printf 'no newline at the end'; exit 3",
    "warning": PROVOKE.format("WARNING") + GOOD,
    "after_warning": GOOD,
    "lock_splat": "echo 'WARNING: possible circular locking dependency detected' >/dev/kmsg\n" + GOOD,
    "endless": "echo before; exec sleep 1000",
    "deaf": "trap '' TERM; while :; do sleep 1; done",      # another boot: the guest may hang
    "leftover": "sleep 1000 & " + GOOD,
    "after_leftover": "! pidof sleep",
    "exit_1": GOOD + "exit 1",
    "exit_0": "echo 1..1; echo not ok 1 broken",
    "crash": "kill -SEGV $$",
    "exit_124": "exit 124",
    "short_plan": "echo 1..5; echo ok 1 a; echo ok 2 b; echo ok 3 c",
    "nested": "printf '1..1\\n    1..2\\n    ok 1 a\\n    ok 2 b\\nok 1 outer\\n'",
    "skip_unlisted": "echo no such device; exit 4",
    "skip_listed": "exit 4",
    "panic": "echo 1..1; sleep 0.1; " + PROVOKE.format("PANIC"),
    "after_panic": GOOD,
    "patching_race": "echo 'Oops: int3: 0000' >/dev/kmsg; sleep 0.1\n" + PROVOKE.format("PANIC"),    # gets a second try
    "after_patching_race": GOOD,
    "oops": PROVOKE.format("EXCEPTION"),
    "after_oops": GOOD,
    "kernel_hang": PROVOKE.format("HARDLOCKUP"),
    "after_kernel_hang": GOOD,
}


class Runner(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        folder = pathlib.Path(scratch.name)
        plants = folder / "plants"
        plants.mkdir()
        (plants / "settings").write_text("timeout=2\n")
        for name, text in PLANTS.items():
            (plants / name).write_text("#!/bin/sh\n" + text)
            (plants / name).chmod(0o755)
        (folder / "kselftest-list.txt").write_text("".join(f"plants:{n}\n" for n in PLANTS))
        initramfs = boot.Initramfs("plants")
        initramfs.add_tree("/septet/kselftest/plants", plants)
        ktap.guest_files(initramfs)
        (folder / "skips").write_text("plain plants:skip_listed planted\n")
        waivers = ktap.read_skips(folder / "skips", "plain")
        cls.session = ktap.Session(
            os.environ["SEPTET_IMAGE"], initramfs.write(), folder,
            cmdline="SEPTET_KERNEL=plain SEPTET_LEVEL=quick",
            judge=lambda name, outcome: ktap.judge(name, outcome, waivers, may_skip=False))
        cls.results = {r.name: r for r in cls.session.run(ktap.kselftests(folder), None)}

    def expect(self, plant, verdict, detail="", cases=1):
        r = self.results["plants:" + plant]
        said = "\n".join(c.detail for c in r.cases)
        self.assertEqual((r.verdict, len(r.cases)), (verdict, cases), said)
        self.assertIn(detail, said)

    def test_good(self):
        self.expect("good", "PASS")

    def test_environment(self):
        self.expect("environment", "PASS")

    def test_forged_frame(self):
        self.expect("forged_frame", "FAIL", "exit status 3")
        self.assertIn("no newline at the end", self.results["plants:forged_frame"].lines)

    def test_warning(self):
        self.expect("warning", "OOPS", "lkdtm_WARNING", 2)
        self.expect("after_warning", "PASS")

    def test_lock_splat(self):
        self.expect("lock_splat", "OOPS", "possible circular locking", 2)

    def test_user_space_hang(self):
        self.expect("endless", "TIMEOUT", "still running after")
        self.assertEqual(self.results["plants:endless"].lines, ["before"])
        self.expect("deaf", "TIMEOUT", "still running after")

    def test_leftover_processes_end(self):
        self.expect("leftover", "PASS")
        self.expect("after_leftover", "PASS")

    def test_wrong_exit_status(self):
        self.expect("exit_1", "FAIL", "exit status 1 although no case failed", 2)
        self.expect("exit_0", "FAIL", "exit status 0 although a case failed", 2)

    def test_crash(self):
        self.expect("crash", "CRASH", "SIGSEGV")

    def test_exit_124_is_no_timeout(self):
        self.expect("exit_124", "FAIL", "exit status 124")

    def test_short_plan(self):
        self.expect("short_plan", "FAIL", "the plan says 5 cases, 3 reported", 4)

    def test_nested(self):
        self.expect("nested", "PASS", cases=2)

    def test_skips(self):
        self.expect("skip_unlisted", "FAIL", "not listed in scripts/skips: no such device")
        self.expect("skip_listed", "SKIP", "planted")

    def test_panic(self):
        self.expect("panic", "OOPS", "Kernel panic - not syncing: dumptest; the guest went down")
        self.expect("after_panic", "PASS")

    def test_patching_race_of_the_emulator(self):
        # Tried twice, each time in a guest of its own; then it is believed.
        self.expect("patching_race", "OOPS", "Oops: int3: 0000")
        self.expect("after_patching_race", "PASS")

    def test_oops(self):
        self.expect("oops", "OOPS", "BUG: kernel NULL pointer dereference")
        self.expect("after_oops", "PASS")

    def test_kernel_hang(self):
        # Which of the two processors hangs is up to chance, and so who notices: host or guest.
        self.expect("kernel_hang", "TIMEOUT")
        self.expect("after_kernel_hang", "PASS")

    def test_boots(self):
        boots = [r for n, r in self.results.items() if n.startswith("boot")]
        self.assertEqual([r.name for r in boots], ["boot", *(f"boot {n}" for n in range(2, 8))])
        self.assertEqual({r.verdict for r in boots}, {"PASS"})


if __name__ == "__main__":
    tap.main()
