#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The live view of hottop on a terminal that this program plays: a vt100 with some more keys.

Usage: hottop_live_test.py FOLDER_OF_THE_PROGRAMS; prints TAP. The kernel is played by lib_mock.c.
Every step waits for what must appear on the screen; time decides nothing, but a view that
never shows it is given up after GIVE_UP seconds.
"""

import errno
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

GIVE_UP = 60
TERMINFO = r"played|a vt100 with more keys,use=vt100,khome=\E[1~,kend=\E[4~,kpp=\E[5~,knp=\E[6~,"
PROGRAMS = pathlib.Path(sys.argv[1]).resolve()
ESCAPE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z])|([()].)|([=>78DM]))")


class Terminal:
    """hottop on a screen of its own."""

    def __init__(self, arguments, columns=100, lines=24, term="played"):
        self.status = None
        self.text = ""
        self.lines, self.columns = lines, columns
        self.clear()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            for name in ("COLUMNS", "LINES"):
                os.environ.pop(name, None)
            # Before the program looks for it.
            self.set_size(0)
            os.environ.update(TERM=term, TERMINFO=str(scratch / "terminfo"), LC_ALL="C.UTF-8",
                              HOT_MOCK=str(scratch / "state"),
                              LD_PRELOAD=str(PROGRAMS / "libmock.so"))
            os.execv(PROGRAMS / "hottop", ["hottop", *arguments])

    def set_size(self, fd):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", self.lines, self.columns, 0, 0))

    def resize(self, columns, lines):
        """As a terminal does that keeps nothing of what was shown."""
        self.columns, self.lines = columns, lines
        self.screen = [["#"] * columns for _ in range(lines)]
        self.set_size(self.fd)

    def clear(self):
        self.screen = [[" "] * self.columns for _ in range(self.lines)]
        self.row = self.column = 0

    def put(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.row = min(self.row + 1, self.lines - 1)
        elif char == "\b":
            self.column = max(self.column - 1, 0)
        elif char == "\t":
            self.column = min((self.column // 8 + 1) * 8, self.columns - 1)
        elif char >= " ":
            if self.row < self.lines and self.column < self.columns:
                self.screen[self.row][self.column] = char
            self.column += 1

    def control(self, numbers, letter):
        count = [int(n or 0) for n in numbers.lstrip("?").split(";")]
        first = count[0] or 1
        # Behind the last character of a line, the cursor is still on it.
        self.column = min(self.column, self.columns - 1)
        if letter == "H":
            self.row = first - 1
            self.column = (count[1] or 1) - 1 if len(count) > 1 else 0
        elif letter in "ABCD":
            self.row += {"A": -first, "B": first}.get(letter, 0)
            self.column += {"C": first, "D": -first}.get(letter, 0)
        # What is behind the edge, for a program that has not yet heard of another size.
        self.row = min(max(self.row, 0), self.lines - 1)
        self.column = min(max(self.column, 0), self.columns - 1)
        if letter in "ABCDH":
            return
        if letter == "J" and not count[0]:
            for row in range(self.row + 1, self.lines):
                self.screen[row] = [" "] * self.columns
            self.screen[self.row][self.column:] = [" "] * (self.columns - self.column)
        elif letter == "K":
            begin, end = (0, self.column + 1) if count[0] == 1 else (self.column, self.columns)
            self.screen[self.row][begin:end] = [" "] * (end - begin)
        elif letter not in "mhlr":
            raise AssertionError(f"a vt100 knows no {numbers}{letter}")

    def feed(self, text):
        self.text += text
        while self.text:
            if self.text[0] != "\x1b":
                self.put(self.text[0])
                self.text = self.text[1:]
            elif found := ESCAPE.match(self.text):
                if found[2]:
                    self.control(found[1], found[2])
                self.text = self.text[found.end():]
            elif len(self.text) > 30:
                raise AssertionError(f"not understood: {self.text!r}")
            else:
                return

    def read(self, timeout):
        """False at the end."""
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        # Where a read cuts a character in two, the rest comes with the next one.
        self.bytes = getattr(self, "bytes", b"") + data
        whole = self.bytes.decode(errors="ignore")
        rest = len(self.bytes) - len(whole.encode())
        self.bytes = self.bytes[len(self.bytes) - rest:] if 0 < rest < 4 else b""
        self.feed(whole)
        return bool(data)

    def shown(self):
        return "\n".join("".join(line).rstrip() for line in self.screen)

    def expect(self, *patterns, absent=()):
        """Wait until all of these regular expressions, and none of the absent, match the screen."""
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            text = self.shown()
            if all(re.search(p, text, re.M) for p in patterns) and \
                    not any(re.search(p, text, re.M) for p in absent):
                return
            if not self.read(0.2):
                break
        raise AssertionError(f"wanted {patterns}, not {absent}, on the screen:\n{self.shown()}")

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def wait(self):
        """The exit status; -1 if it does not end."""
        end = time.monotonic() + GIVE_UP
        while time.monotonic() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
        return -1

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


def kernel(*lines):
    (scratch / "state").unlink(missing_ok=True)
    (scratch / "state.txt").write_bytes(b"".join(os.fsencode(l) + b"\n" for l in lines))


def usual_kernel(*more):
    kernel("on", "half_life 100000",
           f"file 100 20 9000000 0 25000 0 {files}/apple",
           f"file 10 60 5000 0 12500 0 {files}/berry",
           f"file 40 0 9 0 90000 0 {files}/cherry",
           f"file 0 1 0 0 0 0 {files}/evil\x1b[2J\udcff",
           f"file 0.5 0 0 0 50000 10000 {files}/lost",
           f"range 1048576 90 10 25000 {files}/apple",
           f"range 0 9 9 25000 {files}/berry", *more)


def other(*command):
    """Another program that uses the same kernel."""
    subprocess.run([PROGRAMS / command[0], *command[1:]], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "HOT_MOCK": str(scratch / "state"),
                        "LD_PRELOAD": str(PROGRAMS / "libmock.so")})


def fail(command, error):
    """From now on. In the state, errors by command follow struct hot_ctl."""
    with open(scratch / "state", "r+b") as state:
        state.seek(128 + 4 * (command - 0x60))
        state.write(struct.pack("i", error))


def rows(*names):
    """A pattern for rows with these names, just below the headings."""
    return r"HEAT.*NAME\n" + "".join(rf".*/{n}.*\n" for n in names)


ALL = rows("apple", "berry", "cherry", "evil") + r".*\(inode \d+, name unknown\)\n\n"


def sorts(t):
    t.expect(ALL, r"^\S+: files by total", r"5 files .* 0 dropped", r"^\[total\] q quit")
    t.press("r")
    t.expect(rows("apple", "cherry", "berry"), r"files by reads", r"^\[reads\]")
    t.press("w")
    t.expect(rows("berry", "apple", "evil"), r"^\[writes\]")
    t.press("b")
    t.expect(rows("apple", "berry", "cherry"), r"^\[bytes\]")
    t.press("a")
    t.expect(rows("evil", "berry", "apple"), r"^\[age\]")
    t.press("t")
    t.expect(ALL, r"^\[total\]")
    t.press("q")
    assert t.wait() == 0


def cells_of_a_row(t):
    t.expect(r"^ *120\.0 █{8} +100\.0 +20\.00 +8\.58M +0 +25s /\S+/apple$",
             r"^ *40\.00 ██▋ +40\.00 +0\.00 +9 +0 +90s /\S+/cherry$")


def wide_kernel():
    usual_kernel("file 1234567 16777215 0 0 0 0 " + str(files / "lost"))


def wide_numbers(t):
    t.expect(r"^18011782 █{8} 1234567 16777215 ", r"^ {4}1\.00 ▏ {11}0\.00 {5}1\.00 ")


def hostile_name(t):
    t.expect(r"/evil\\033\[2J\\377$")


def ranges(t):
    t.expect(ALL)
    t.press("\t")
    t.expect(r"OFFSET", r"ranges by total",
             r"^ *100\.0 .* 1M +25s /\S+/apple\n.* 0 +25s /\S+/berry$",
             absent=["cherry", "WRITTEN"])
    t.press("\t")
    t.expect(ALL)


def filters(t):
    t.expect(ALL)
    t.press("/rrx")
    t.expect(r"^Filter: rrx_$")
    t.press("\x7fy\r")
    t.expect(rows("berry", "cherry"), r"^\[total, filter rry\]", absent=["apple", "evil"])
    t.press("/\x15\\377")
    t.expect(r"^Filter: \\377_$")
    t.press("\r")
    t.expect(rows("evil"), absent=["berry"])
    t.press("/zzz")
    t.expect(r"^Filter: \\377zzz_$")
    t.press("\x1b")
    t.expect(rows("evil"), r"filter \\377\]")
    t.press("/\x15none\r")
    t.expect("Nothing passes the filter", absent=["evil"])
    t.press("c")
    t.expect(ALL, r"^\[total\]")


def filter_keeps_characters_whole(t):
    t.expect(ALL)
    t.press("/aäb\x7f\x7f")
    t.expect(r"^Filter: a_$")
    t.press("ä")
    t.expect(r"^Filter: aä_$")


def pause(t):
    t.expect(ALL)
    t.press("p")
    t.expect(r"^\[total, paused\]")
    other("hotctl", "reset", str(files))
    # Two updates that do not come, and one by a key.
    time.sleep(2.5)
    t.press("w")
    t.expect(rows("berry", "apple", "evil"), r"^\[writes, paused\]")
    t.press(" ")
    t.expect(r"There was no request", r"^\[writes\]", absent=["berry"])


def help_overlay(t):
    t.expect(ALL)
    t.press("h")
    t.expect(r"Tab +files or ranges", r"half-life", absent=["apple"])
    t.press("x")
    t.expect(ALL, absent=["Any key"])
    t.press("?")
    t.expect("Any key")


def search(t):
    t.expect(ALL)
    t.press("n")
    t.expect(rows("apple", "berry", "cherry", "evil", "lost"), absent=["searching", "unknown"])


def search_while_paused(t):
    t.expect(ALL)
    t.press("pn")
    t.expect(rows("apple", "berry", "cherry", "evil", "lost"), r"^\[total, paused\]",
             absent=["searching", "unknown"])


def resize(t):
    t.expect(ALL)
    t.resize(50, 8)
    t.expect(r"HEAT +READS +WRITES +READ +NAME\n", r"^ *120\.0 +100\.0 +20\.00 8\.58M \S*/apple$",
             absent=["BAR", "█"])
    assert len(t.shown().split("\n")) == 8
    t.expect(r"\A[^\n]{1,50}\n(.*\n){6}\[total\]", absent=["unknown"])
    # Of a path the end tells most, of a remark the beginning.
    t.resize(50, 12)
    t.expect(r" \.\.\.\S+/apple$", r" \(inode \d+,[^)\n]*$", absent=["unknown"])
    t.resize(10, 2)
    t.resize(160, 40)
    t.expect(ALL, "█", r"sort: t r w b a$")


def scroll(t):
    t.expect(ALL)
    t.resize(100, 6)
    t.expect(rows("apple", "berry") + r"\[total", absent=["cherry"])
    t.press("\x1bOB")
    t.expect(rows("berry", "cherry") + r"\[total", absent=["apple"])
    # End, not further than the last row: another step down changes nothing, one up does.
    t.press("\x1b[4~\x1bOB\x1bOB\x1bOA")
    t.expect(rows("cherry", "evil") + r"\[total", absent=["unknown"])
    t.press("\x1b[5~")
    t.expect(rows("apple", "berry") + r"\[total")
    t.press("\x1b[6~")
    t.expect(rows("cherry", "evil") + r"\[total")


def turned_off_and_on(t):
    t.expect(ALL)
    other("hotctl", "off", str(files))
    t.expect(r"is off.*'hotctl on \S+'", rows("apple", "berry"))
    other("hotctl", "on", str(files))
    t.expect(r"There was no request", absent=["is off", "apple"])


def error_and_recovery(t):
    t.expect(ALL)
    fail(0x63, errno.EPERM)
    t.expect(r"^not permitted", rows("apple", "berry"), absent=["dropped"])
    fail(0x63, 0)
    t.expect(ALL, "0 dropped", absent=["not permitted"])


def updates_by_itself(t):
    t.expect(ALL)
    other("hotctl", "reset", str(files))
    t.expect(r"There was no request", absent=["apple"])


def a_signal_ends_it(t):
    t.expect(ALL)
    os.kill(t.pid, signal.SIGTERM)
    assert t.wait() == 0


def terminal_is_left_as_it_was(t):
    before = termios.tcgetattr(t.fd)
    t.expect(ALL)
    assert termios.tcgetattr(t.fd)[3] != before[3] or not before[3] & termios.ECHO
    t.press("q")
    assert t.wait() == 0
    assert termios.tcgetattr(t.fd)[3] & (termios.ECHO | termios.ICANON), "no echo"


def starts_with_options(t):
    t.expect(rows("berry", "apple") + r"\n", r"files by writes, ", r"HEAT +NAME",
             absent=["cherry", "WRITTEN"])


def unknown_terminal(t):
    assert t.wait() == 6
    t.expect(r"'no-such-terminal'.*--once")


def tracking_is_off(t):
    assert t.wait() == 7
    t.expect(r"is off.*hotctl on .*--enable", absent=["q quit"])


def enable(t):
    t.expect(r"There was no request", r"0 files")
    t.press("q")
    assert t.wait() == 0


TESTS = (
    (sorts, {}), (cells_of_a_row, {}), (wide_numbers, {"make_kernel": wide_kernel}),
    (hostile_name, {}), (ranges, {}), (filters, {}), (filter_keeps_characters_whole, {}),
    (pause, {}), (help_overlay, {}), (search, {}),
    (search_while_paused, {}), (resize, {}), (scroll, {}), (turned_off_and_on, {}),
    (error_and_recovery, {}), (updates_by_itself, {}), (a_signal_ends_it, {}),
    (terminal_is_left_as_it_was, {}),
    (starts_with_options,
     {"arguments": ["--sort", "writes", "--min-heat=41", "--columns=heat,name"]}),
    (unknown_terminal, {"term": "no-such-terminal"}),
    (tracking_is_off, {"make_kernel": kernel}),
    (enable, {"make_kernel": kernel, "arguments": ["--enable"]}),
)


def run(test, arguments=(), term="played", make_kernel=usual_kernel):
    make_kernel()
    terminal = Terminal(["--interval", "1", *arguments, str(files)], term=term)
    try:
        test(terminal)
    finally:
        terminal.close()


def main():
    failed = 0
    print(f"KTAP version 1\n1..{len(TESTS)}")
    for number, (test, how) in enumerate(TESTS, 1):
        try:
            run(test, **how)
            verdict = "ok"
        except AssertionError as e:
            verdict = "not ok"
            failed += 1
            print(*(f"# {l}" for l in str(e).split("\n")), sep="\n")
        print(f"{verdict} {number} - {test.__name__}", flush=True)
    return failed > 0


scratch = pathlib.Path(tempfile.mkdtemp())
files = scratch / "files"
try:
    files.mkdir()
    for name in ("apple", "berry", "cherry", "evil\x1b[2J\udcff", "lost"):
        (files / name).touch()
    subprocess.run(["tic", "-o", scratch / "terminfo", "-"], input=TERMINFO, text=True, check=True)
    sys.exit(main())
finally:
    shutil.rmtree(scratch)
