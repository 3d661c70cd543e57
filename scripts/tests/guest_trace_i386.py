#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The fcntl_setlk trace event on 32-bit kernels, where fcntl64(2) has a function of its own for
locks. Stock leaves no event there, this series exactly one a request; both kernels are booted."""

import errno
import fcntl
import pathlib
import re
import sys
import tempfile
import typing
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import boot     # noqa: E402
import common   # noqa: E402
import ktap     # noqa: E402
import tap      # noqa: E402
import tree     # noqa: E402

KERNELS = ("i386", "i386-stock")
PATIENCE = 10       # seconds for an answer, times slowness

# What the guest has open, all the same file.
FIRST, SECOND, READER = range(3)

GIB = 1 << 30
TO_THE_END = (1 << 63) - 1
PRIVATE, PRIVATE_WAIT = "FL_POSIX|FL_OFDLCK", "FL_POSIX|FL_SLEEP|FL_OFDLCK"


class Request(typing.NamedTuple):
    call: str
    command: str
    file: int
    type: str
    start: int
    length: int
    pid: int = 0
    error: int = 0
    flags: str | None = None        # in the event; None where no kernel traces

    def __str__(self):
        return f"{self.call} {self.command} {self.file} {self.type} {self.start}+{self.length} {self.pid}"

    def line(self):
        """For the guest."""
        kind = getattr(fcntl, self.type)
        return f"{self.call} {self.command} {self.file} {kind} {self.start} {self.length} {self.pid}\n"

    def event(self):
        """What the event says about it."""
        end = self.start + self.length - 1 if self.length else TO_THE_END
        return self.flags, self.type, self.start, end, -self.error


# In this order: a lock that is there makes the next request fail.
FCNTL64 = (
    Request("fcntl64", "F_SETLKP", FIRST, "F_WRLCK", 0, 10, flags=PRIVATE),
    Request("fcntl64", "F_SETLKP", SECOND, "F_WRLCK", 5, 10, error=errno.EAGAIN, flags=PRIVATE),
    Request("fcntl64", "F_SETLKP", SECOND, "F_RDLCK", 5 * GIB, 10, flags=PRIVATE),
    Request("fcntl64", "F_SETLKPW", FIRST, "F_RDLCK", 4 * GIB, 0, flags=PRIVATE_WAIT),
    Request("fcntl64", "F_SETLKP", FIRST, "F_UNLCK", 0, 0, flags=PRIVATE),
    Request("fcntl64", "F_SETLKPW", SECOND, "F_UNLCK", 5 * GIB, 10, flags=PRIVATE_WAIT),
    # refused before the lock becomes a file-private one
    Request("fcntl64", "F_SETLKP", READER, "F_WRLCK", 0, 10, error=errno.EBADF, flags="FL_POSIX"),
    Request("fcntl64", "F_SETLKPW", FIRST, "F_WRLCK", 0, 10, pid=1, error=errno.EINVAL, flags="FL_POSIX"),
    Request("fcntl64", "F_SETLK64", FIRST, "F_WRLCK", 6 * GIB, GIB, flags="FL_POSIX"),
    Request("fcntl64", "F_SETLKW64", FIRST, "F_UNLCK", 0, 0, flags="FL_POSIX|FL_SLEEP"),
)
FCNTL = (
    Request("fcntl", "F_SETLK", FIRST, "F_WRLCK", 0, 10, flags="FL_POSIX"),
    Request("fcntl", "F_SETLK", FIRST, "F_UNLCK", 0, 0, flags="FL_POSIX"),
)
SILENT = (
    Request("fcntl64", "F_GETLKP", FIRST, "F_WRLCK", 0, 10),
    Request("fcntl", "F_GETLKP", FIRST, "F_WRLCK", 0, 10, error=errno.EINVAL),
    Request("fcntl", "F_SETLKP", FIRST, "F_WRLCK", 0, 10, error=errno.EINVAL),
    Request("fcntl", "F_SETLKPW", FIRST, "F_WRLCK", 0, 10, error=errno.EINVAL),
)


class Answer(typing.NamedTuple):
    error: int
    events: list        # lines of the trace


def parse(line):
    """(inode, what Request.event() gives) of a line of the trace."""
    m = re.search(r" fcntl_setlk: .* (ino=\S+) .* fl_flags=(\S+) fl_type=(\S+) "
                  r"fl_start=(-?\d+) fl_end=(-?\d+) ret=(-?\d+)$", line)
    return m and (m[1], (m[2], m[3], *map(int, m.group(4, 5, 6))))


class Trace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        folder = pathlib.Path(scratch.name)
        common.run(["gcc", "-m32", "-static", "-Wall", "-Werror", f"-I{common.ROOT}/include/uapi",
                    "-o", folder / "init", common.ROOT / "scripts/tests/trace_i386.c"])
        initramfs = boot.Initramfs("trace-i386")
        initramfs.add("/init", folder / "init")
        initrd = initramfs.write()
        cls.built, cls.said, cls.inode, cls.answers, cls.log = {}, {}, {}, {}, {}
        for name in KERNELS:
            cls.built[name] = tree.build(name)
            guest = boot.start(cls.built[name].image, initrd, cpus=1, memory=128, accel=boot.accelerator()[0],
                               console_log=folder / f"{name}.log")
            try:
                cls.inode[name] = guest.line(PATIENCE)
                cls.said[name] = guest.release
                cls.answers[name] = {r: cls.ask(guest, r) for r in FCNTL64 + FCNTL + SILENT}
            finally:
                guest.stop()
            cls.log[name] = guest.console_log.read_text(errors="replace")

    @staticmethod
    def ask(guest, request):
        guest.send(request.line())
        events = []
        while line := guest.line(PATIENCE * boot.slowness()):
            if line.startswith("errno "):
                return Answer(int(line[6:]), events)
            events.append(line)
        raise common.Refusal("guest", f"the guest went down at: {request}\n{guest.tail()}")

    def each(self, requests, kernels, check):
        """check() the answer to each request on each kernel."""
        for name in kernels:
            for r in requests:
                with self.subTest(f"{name}: {r}"):
                    check(name, r, self.answers[name][r])

    def one_event(self, name, request, answer):
        self.assertEqual(len(answer.events), 1, answer.events)
        self.assertEqual(parse(answer.events[0]), (self.inode[name], request.event()), answer.events[0])

    def no_event(self, name, request, answer):
        self.assertEqual(answer.events, [])

    def result(self, name, request, answer):
        self.assertEqual(*(errno.errorcode.get(e, "granted") for e in (answer.error, request.error)))

    def test_kernels(self):
        """both kernels are the ones built, 32-bit, and complained about nothing"""
        for name in KERNELS:
            with self.subTest(name):
                self.assertEqual(self.said[name], f"{self.built[name].release} i686")
                self.assertEqual(ktap.splats(self.log[name]), [])

    def test_results(self):
        """a request ends alike on both kernels"""
        self.each(FCNTL64 + FCNTL + SILENT, KERNELS, self.result)

    def test_fcntl64(self):
        """a request through fcntl64() leaves one event that says what it was and how it ended"""
        self.each(FCNTL64, ["i386"], self.one_event)

    def test_fcntl64_stock(self):
        """without the series it leaves none"""
        self.each(FCNTL64, ["i386-stock"], self.no_event)

    def test_fcntl(self):
        """a request through fcntl() leaves one event on either kernel"""
        self.each(FCNTL, KERNELS, self.one_event)

    def test_silent(self):
        """no event for F_GETLKP, nor where fcntl() refuses the file-private commands"""
        self.each(SILENT, KERNELS, self.no_event)


if __name__ == "__main__":
    tap.main()
