#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What boot.py makes of a guest that dies before its init has come up. A shell stands in for QEMU."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import boot             # noqa: E402
import tap              # noqa: E402
from common import Refusal      # noqa: E402

# Counts its boots in a file, writes what it is told to the console, and comes up at boot number $3.
MACHINE = """echo >>"$1.boots"
[ "$(wc -l <"$1.boots")" -ge "$3" ] && { echo "@septet up 6.12-test"; echo "@septet end 0"; exit; }
echo "$2" >"$1"
"""


class LostBoots(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.log = pathlib.Path(scratch.name) / "console.log"

    def guest(self, complaint, comes_up_at):
        return boot.Guest(["sh", "-c", MACHINE, "sh", str(self.log), complaint, str(comes_up_at)], self.log)

    def boots(self):
        return self.log.with_name("console.log.boots").read_text().count("\n")

    def test_second_boot_after_the_patching_race(self):
        guest = self.guest("[    0.8] Oops: int3: 0000 [#1] SMP", 2)
        self.assertEqual((list(guest.lines(5)), guest.release, guest.status), ([], "6.12-test", 0))
        self.assertEqual(self.boots(), 2)
        self.assertIn("int3", self.log.with_suffix(".int3").read_text())

    def test_no_end_of_races(self):
        guest = self.guest("[    0.8] Oops: int3: 0000 [#1] SMP", 10)
        with self.assertRaisesRegex(Refusal, "ended before its init ran"):
            list(guest.lines(5))
        self.assertEqual(self.boots(), 3)

    def test_other_deaths_are_believed(self):
        guest = self.guest("Kernel panic - not syncing: no init", 2)
        with self.assertRaisesRegex(Refusal, "no init"):
            list(guest.lines(5))
        self.assertEqual(self.boots(), 1)


if __name__ == "__main__":
    tap.main()
