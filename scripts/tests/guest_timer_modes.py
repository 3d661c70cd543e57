#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The kselftests of deferrable timers on kernels that keep time in other ways: with low-resolution
timers, with a tick that never stops, with a CPU that has hardly any; and a bound of five seconds,
where no watchdog of the clock source wakes an idle CPU before. Wants the kernel image in
SEPTET_IMAGE."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import boot     # noqa: E402
import ktap     # noqa: E402
import tap      # noqa: E402
import tree     # noqa: E402

IN_GUEST = "/septet/kselftest/deferrable_timers"
PROGRAMS = ("flags", "idle", "kick", "bound", "early", "busy", "overdue", "posix", "sleep")
# word on the kernel's command line -> programs
MODES = {
    "highres=off": PROGRAMS,
    "nohz=off": PROGRAMS,
    "nohz_full=1": PROGRAMS,
    "tsc=nowatchdog": ("bound_5s",),
}


class Modes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        folder = tree.kselftests() / "deferrable_timers"
        initramfs = boot.Initramfs("timer-modes")
        initramfs.add_tree(IN_GUEST, folder)
        ktap.guest_files(initramfs)
        initrd = initramfs.write()
        limit = ktap.settings_timeout(folder)
        cls.results = {}
        for mode, programs in MODES.items():
            logs = pathlib.Path(scratch.name) / mode
            logs.mkdir()
            tests = [ktap.Test(name, IN_GUEST, f"./{name}", limit) for name in programs]
            session = ktap.Session(os.environ["SEPTET_IMAGE"], initrd, logs,
                                   cmdline=f"{mode} SEPTET_KERNEL=plain SEPTET_LEVEL=quick")
            cls.results[mode] = {r.name: r for r in session.run(tests, None)}

    def expect(self, mode, *passing):
        """The kernel has no complaint, and nothing fails; what may not even be skipped is named."""
        self.assertEqual(set(self.results[mode]), {"boot", *MODES[mode]})
        for name, r in self.results[mode].items():
            with self.subTest(f"{mode}: {name}"):
                bad = [f"{c.name}: {c.verdict} {c.detail}" for c in r.cases
                       if c.verdict not in ("PASS", "SKIP")]
                self.assertEqual(bad, [], "\n".join(r.lines))
                if name in passing:
                    self.assertEqual(r.verdict, "PASS", "\n".join(r.lines))

    def cannot_idle(self, mode, reason):
        """Without an idle CPU there is no deferral to be seen, and the programs say why."""
        for c in self.results[mode]["idle"].cases:
            self.assertEqual((c.verdict, c.detail), ("SKIP", reason))

    def test_low_resolution(self):
        """highres=off: a tick is all the precision there is, and idle CPUs are left alone"""
        self.expect("highres=off", *PROGRAMS)

    def test_periodic_tick(self):
        """nohz=off: every CPU ticks, so all timers are on time"""
        self.expect("nohz=off", "flags", "bound", "early", "busy", "posix", "sleep")
        self.cannot_idle("nohz=off", "no CPU stops its tick with nohz=off")

    def test_full_dynticks(self):
        """nohz_full=1: the CPU that keeps the time serves the timers of the one without a tick"""
        self.expect("nohz_full=1", "flags", "bound", "early", "busy", "posix", "sleep")
        self.cannot_idle("nohz_full=1",
                         "timers of a nohz_full CPU wait on one that never stops its tick")

    def test_bound_of_5_s(self):
        """tsc=nowatchdog: both bounds wake a CPU that nothing else wakes, after five seconds"""
        self.expect("tsc=nowatchdog", "bound_5s")


if __name__ == "__main__":
    tap.main()
