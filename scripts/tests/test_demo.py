#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What demo.py makes of the files that an exhibit hands over."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import demo             # noqa: E402
import tap              # noqa: E402

NARRATE = pathlib.Path(__file__).resolve().parent.parent / "guest/narrate"


class HandedOver(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def exhibit(self, content):
        """The lines of an exhibit that says something before and after it hands over a file."""
        (self.folder / "sent").write_bytes(content)
        script = f". {NARRATE}; say before; hand_over {self.folder}/sent; say after"
        return subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, check=True,
                              text=True).stdout.splitlines()

    def test_file_arrives_as_it_was(self):
        content = bytes(range(256)) * 100
        lines = self.exhibit(content)
        (self.folder / "sent").unlink()
        self.assertEqual(list(demo.told(lines, self.folder)), ["before", f"saved: {self.folder}/sent", "after"])
        self.assertEqual((self.folder / "sent").read_bytes(), content)

    def test_empty_file(self):
        lines = self.exhibit(b"")
        (self.folder / "sent").unlink()
        list(demo.told(lines, self.folder))
        self.assertEqual((self.folder / "sent").read_bytes(), b"")

    def test_guest_that_dies_in_the_middle(self):
        lines = self.exhibit(bytes(range(256)) * 100)
        (self.folder / "sent").unlink()
        self.assertEqual(list(demo.told(lines[:4], self.folder)), ["before"])
        self.assertFalse((self.folder / "sent").exists())

    def test_stays_in_the_folder(self):
        (self.folder / "inner").mkdir()
        list(demo.told(["@file ../escaped", *self.exhibit(b"x")[2:-1]], self.folder / "inner"))
        self.assertFalse((self.folder / "escaped").exists())
        self.assertEqual((self.folder / "inner/escaped").read_bytes(), b"x")


if __name__ == "__main__":
    tap.main()
