#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Make an initramfs without root and boot a kernel in QEMU.

  boot.py shell [KERNEL]   a shell inside the guest (KERNEL: plain, debug or stock)
  boot.py probe [KERNEL]   say which accelerator QEMU uses here, and why

A guest has two serial ports: the first is the kernel's console and goes to a log file,
the second carries lines between the program under septet.run= and the script here."""

import atexit
import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import time

import common
from common import Refusal, out, say

QEMU = "qemu-system-x86_64"
# Longest wait, in seconds, for a KVM guest to reach its init before TCG is taken.
KVM_PATIENCE = 10
# A guest that has not reached init is given up when its console is quiet for this long.
BOOT_PATIENCE = 120
# Seconds that the plain kernel takes to init under KVM on an ordinary machine: slowness 1.
FAST_BOOT = 1.0
# What selftests make and check their filesystems with, and the packages.
MKFS = {"mkfs.ext4": "e2fsprogs", "mkfs.xfs": "xfsprogs", "mkfs.btrfs": "btrfs-progs", "mkfs.f2fs": "f2fs-tools",
        "mkfs.vfat": "dosfstools", "mkfs.exfat": "exfatprogs", "mkfs.erofs": "erofs-utils", "mkfs.ext2": "e2fsprogs",
        "mkfs.minix": "util-linux", "mkfs.nilfs2": "nilfs-tools", "mkfs.jfs": "jfsutils", "mkudffs": "udftools"}
FSCK = {"e2fsck": "e2fsprogs", "fsck.minix": "util-linux", "fsck.jfs": "jfsutils", "fsck.exfat": "exfatprogs",
        "fsck.vfat": "dosfstools"}
# Servers that selftests start, where they are there: to install them would start them on this machine.
SERVERS = ("ksmbd.mountd",)

live = set()    # QEMU processes that must not outlive this script
slow = 1.0      # factor of the last guest that came up


class Silent(Refusal):
    """The guest said nothing for longer than allowed."""

    def __init__(self, message):
        super().__init__("guest", message)


def stop_all():
    for process in list(live):
        process.kill()
        process.wait()
        live.discard(process)


atexit.register(stop_all)


class Initramfs:
    """A cpio archive in the making. It is written here rather than by the tree's
    gen_init_cpio because that one cannot name a file whose path has a space."""

    def __init__(self, name):
        self.name = name
        self.entries = {}       # guest path -> (mode, content or host path, device numbers)
        self.libraries = {}     # host path of a program -> what ldd says it needs
        for d, mode in (("dev", 0o755), ("proc", 0o755), ("sys", 0o755), ("tmp", 0o1777),
                        ("root", 0o700), ("run", 0o755), ("mnt", 0o755)):
            self.put(d, stat.S_IFDIR | mode, b"")
        self.put("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))
        self.put("dev/null", stat.S_IFCHR | 0o666, b"", (1, 3))
        self.put("dev/kmsg", stat.S_IFCHR | 0o644, b"", (1, 11))
        self.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
        self.text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
        self.symlink("/etc/mtab", "/proc/self/mounts")      # mkfs.nilfs2 looks there
        busybox = needed("busybox", "busybox-static")
        self.add("/bin/busybox", busybox)
        if dynamic(busybox):
            raise Refusal("packages", f"{busybox} is not the static build; "
                                      "type: apt-get install busybox-static")
        for applet in subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True,
                                     check=True).stdout.split():
            if applet not in ("busybox", "init"):
                self.symlink("/bin/" + applet, "busybox")
        # kselftests want options of timeout that busybox has not.
        self.program(needed("timeout", "coreutils"), "/usr/bin/timeout")
        self.add("/init", common.ROOT / "scripts/guest/init")

    def put(self, path, mode, content, device=(0, 0)):
        path = path.strip("/")
        parent = path.rpartition("/")[0]
        if parent and parent not in self.entries:
            self.put(parent, stat.S_IFDIR | 0o755, b"")
        self.entries[path] = (mode, content, device)

    def add(self, guest_path, host_path, mode=0o755):
        """One file as it is."""
        self.put(guest_path, stat.S_IFREG | mode, pathlib.Path(host_path))

    def text(self, guest_path, content, mode=0o644):
        self.put(guest_path, stat.S_IFREG | mode, content.encode())

    def symlink(self, guest_path, target):
        self.put(guest_path, stat.S_IFLNK | 0o777, target.encode())

    def program(self, host_path, guest_path):
        """A program with the loader and the libraries it needs."""
        self.add(guest_path, host_path)
        for library in dynamic(host_path):
            self.add(library, library)

    def add_tree(self, guest_dir, host_dir):
        """A folder with all that is in it; programs bring their libraries."""
        host_dir = pathlib.Path(host_dir)
        for f in sorted(host_dir.rglob("*")):
            path = f"{guest_dir}/{f.relative_to(host_dir).as_posix()}"
            if f.is_symlink():
                self.symlink(path, os.readlink(f))
            elif f.is_dir():
                self.put(path, stat.S_IFDIR | 0o755, b"")
            elif os.access(f, os.X_OK):
                self.program(f, path)
            else:
                self.add(path, f, 0o644)

    def add_kselftests(self, installed):
        """The selftests, and the programs of the machine that they call."""
        self.add_tree("/septet/kselftest", installed)
        for program, package in {**MKFS, **FSCK}.items():
            self.program(needed(program, package), f"/usr/sbin/{program}")
        for program in SERVERS:
            if path := find(program):
                self.program(path, f"/usr/sbin/{program}")

    def write(self):
        """Write the archive and return its path. The order and the times are fixed, so
        the same content gives the same bytes."""
        target = out("guest", make=True) / f"{self.name}.cpio"
        staged = target.with_suffix(f".{os.getpid()}")
        try:
            with open(staged, "wb") as f:
                for number, path in enumerate(sorted(self.entries), 1):
                    mode, content, device = self.entries[path]
                    if isinstance(content, pathlib.Path):
                        content = content.read_bytes()
                    cpio(f, number, path, mode, content, device)
                cpio(f, 0, "TRAILER!!!", 0, b"", (0, 0))
            os.replace(staged, target)
        finally:
            staged.unlink(missing_ok=True)
        return target


def cpio(f, number, path, mode, content, device):
    """One member in the "newc" format that the kernel unpacks."""
    name = path.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(name), 0)
    member = b"070701" + b"".join(b"%08X" % n for n in fields) + name
    for piece in (member, content):
        f.write(piece + b"\0" * (-len(piece) % 4))


def find(program):
    # mkfs is often outside a user's PATH
    return shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")


def needed(program, package):
    path = find(program)
    if not path:
        raise Refusal("packages", f"{program} is not installed; type: apt-get install {package}")
    return path


def dynamic(host_path):
    """The loader and the libraries of a program; empty for scripts and static programs."""
    with open(host_path, "rb") as f:
        if f.read(4) != b"\x7fELF":
            return []
    text = subprocess.run(["ldd", str(host_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    missing = re.search(r"(\S+) => not found", text)
    if missing:
        raise Refusal("packages", f"{host_path} needs the library {missing[1]}, "
                                  "which is not installed here")
    return re.findall(r"(?:^|=>)\s*(/\S+) \(0x", text, re.M)


def patching_race(log):
    """Whether the kernel died of a fault of emulators: QEMU before 8.1, with a thread a processor, can
    run the breakpoint with which the kernel patches its code (static keys) after it was taken away.
    No bug of the kernel, and rare: who sees it tries again."""
    return "Oops: int3:" in log


class Guest:
    """A running machine. Its data channel is the standard input and output of QEMU."""

    def __init__(self, command, console_log):
        self.command = command
        self.retries = 2            # boots that may be lost to patching_race()
        self.console_log = console_log
        self.complaints = console_log.with_suffix(".qemu")
        self.release = None         # kernel release, once init has come up
        self.boot_seconds = None
        self.status = None          # exit status of the program, after an orderly end
        self.measure = False
        self.buffer = b""
        self.unsent = ""
        self.power_on()

    def power_on(self):
        self.started = time.monotonic()
        with open(self.complaints, "wb") as errors:
            # In a session of its own, a Ctrl-C on the terminal reaches this script only.
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=errors, preexec_fn=die_with_parent)
        live.add(self.process)

    def boot_lost(self):
        """Whether a boot that failed is worth another one, which has begun then."""
        if self.release is not None or not self.retries or not self.console_log.exists() or \
           not patching_race(self.console_log.read_text(errors="replace")):
            return False
        self.retries -= 1
        say(f"the emulator ran into code that was being patched ({self.console_log}); booting again")
        self.console_log.replace(self.console_log.with_suffix(".int3"))
        self.buffer = b""
        self.power_on()
        return True

    def send(self, text):
        """Write to the standard input of the program in the guest."""
        if self.release is None:
            self.unsent += text     # before init has set up the line, input would be lost
            return
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass        # the guest is gone: lines() reports how

    def stop(self):
        self.process.kill()
        self.ended()

    def ended(self):
        self.process.wait()
        live.discard(self.process)
        if self.complaints.exists() and not self.complaints.stat().st_size:
            self.complaints.unlink()

    @property
    def returncode(self):
        return self.process.poll()

    def tail(self, count=15):
        """The last lines of the console, and what QEMU itself complained about."""
        text = ""
        for log in (self.console_log, self.complaints):
            if log.exists():
                text += log.read_text(errors="replace")
        return "\n".join("    " + line for line in text.splitlines()[-count:])

    def line(self, timeout):
        """The next line of the data channel, or None when the machine is off; Silent when it
        says nothing for timeout seconds. The time until init has come up does not count."""
        while True:
            line = self.read_line(timeout)
            if line is None:
                self.ended()
                if self.boot_lost():
                    continue
                break
            if line.startswith("@septet up "):
                self.up(line.split(" ", 2)[2])
            elif end := re.fullmatch(r"(.*)@septet end (\d+)", line):
                self.status = int(end[2])
                if end[1]:
                    return end[1]       # the program's last line had no newline
            else:
                return line
        if self.release is None:
            raise Refusal("guest", f"the guest ended before its init ran; log: {self.console_log}\n"
                          + self.tail())
        return None

    def lines(self, timeout=60):
        """All lines until the machine is off."""
        while (line := self.line(timeout)) is not None:
            yield line

    def read_line(self, timeout):
        quiet_since = time.monotonic()
        seen = 0
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.5)
            if ready:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    rest, self.buffer = self.buffer, b""
                    return rest.decode(errors="replace") if rest else None
                self.buffer += data
                quiet_since = time.monotonic()
                continue
            if self.release is None:
                size = self.console_log.stat().st_size if self.console_log.exists() else 0
                if size != seen:
                    seen, quiet_since = size, time.monotonic()
            limit = timeout if self.release else BOOT_PATIENCE
            if time.monotonic() - quiet_since > limit:
                raise Silent(("the guest has been silent" if self.release else "the guest did not come up")
                             + f" for {limit:.0f} s; log: {self.console_log}\n" + self.tail())
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode(errors="replace").rstrip("\r")

    def up(self, release):
        global slow
        self.release = release
        self.boot_seconds = time.monotonic() - self.started
        if self.measure:
            slow = max(1.0, self.boot_seconds / FAST_BOOT)
        self.send(self.unsent)


def die_with_parent():
    os.setsid()
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


def command_line(image, initrd, accel, cmdline, cpus, memory, icount, disks):
    comma = lambda path: str(path).replace(",", ",,")
    command = [needed(QEMU, "qemu-system-x86"), "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-machine", "q35", "-cpu", "host" if accel == "kvm" else "max",
               "-m", str(memory)]
    if icount:
        command += ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-smp", "1"]
    else:
        command += ["-accel", "tcg,thread=multi" if accel == "tcg" else accel, "-smp", str(cpus)]
    for disk in disks:
        command += ["-drive", f"file={comma(disk)},format=raw,if=virtio"]
    return command + ["-kernel", str(image), "-initrd", str(initrd), "-append",
                      f"console=ttyS0,115200 panic=-1 printk.devkmsg=on {cmdline}"]


def start(image, initrd, *, cmdline="", cpus=2, memory=1024, icount=False, disks=(),
          console_log, accel=None):
    """Boot; the Guest that comes back is still on its way to init."""
    if icount:
        accel = "tcg"
    elif accel is None:
        accel = accelerator(image)[0]
    console_log = pathlib.Path(console_log)
    console_log.parent.mkdir(parents=True, exist_ok=True)
    console_log.unlink(missing_ok=True)
    command = command_line(image, initrd, accel, "loglevel=7 " + cmdline, cpus, memory, icount, disks)
    command += ["-chardev", "file,id=console,path=" + str(console_log).replace(",", ",,"),
                "-serial", "chardev:console",
                "-chardev", "stdio,id=data,signal=off", "-serial", "chardev:data"]
    guest = Guest(command, console_log)
    guest.measure = not icount
    return guest


def machine_key():
    """What the answer of the probe depends on."""
    version = subprocess.run([needed(QEMU, "qemu-system-x86"), "--version"], stdout=subprocess.PIPE,
                             text=True).stdout.split("\n")[0]
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return " | ".join([version, os.uname().release, cpu[1] if cpu else "", str(kvm_refused())])


def kvm_refused():
    """Why /dev/kvm cannot even be opened; None if it can."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR))
    except FileNotFoundError:
        return "this machine has no /dev/kvm"
    except OSError as e:
        return f"/dev/kvm: {e.strerror}"
    return None


def accelerator(image=None):
    """("kvm" or "tcg", reason). Opening /dev/kvm, and even creating a machine, succeeds where no
    guest ever makes progress; so a guest is really booted, once, and the answer is kept."""
    store = out("guest", make=True) / "accel.json"
    key = machine_key()
    try:
        kept = json.loads(store.read_text())
        if kept["key"] == key:
            return kept["accel"], kept["reason"]
    except (OSError, ValueError, KeyError):
        pass
    if image is None:
        return "tcg", "not probed yet: no kernel has been built"
    reason = kvm_refused()
    accel = "tcg"
    if not reason:
        accel, reason = probe_kvm(image)
    staged = store.with_suffix(f".{os.getpid()}")
    staged.write_text(json.dumps({"key": key, "accel": accel, "reason": reason,
                                  "probed": time.strftime("%Y-%m-%d %H:%M:%S")}, indent=1) + "\n")
    os.replace(staged, store)
    say(f"accelerator: {accel} ({reason})")
    return accel, reason


def probe_kvm(image):
    initrd = Initramfs("probe").write()
    guest = start(image, initrd, cmdline="septet.run=/bin/true", accel="kvm",
                  console_log=out("guest") / "probe.log")
    end = guest.started + KVM_PATIENCE
    try:
        while time.monotonic() < end:
            if select.select([guest.process.stdout], [], [], 0.2)[0]:
                if os.read(guest.process.stdout.fileno(), 4096):
                    return "kvm", f"kvm guest up in {time.monotonic() - guest.started:.1f} s"
                return "tcg", f"kvm guest ended at once, see {guest.complaints}"
        return "tcg", f"kvm guest made no progress in {KVM_PATIENCE} s"
    finally:
        guest.stop()


def slowness():
    """Factor for timeouts, measured on the guest that came up last; 1.0 is a fast machine with KVM."""
    return slow


WELCOME = """
Septet guest, Linux {release}. Kernel tests are in /septet/kselftest, tools are in the PATH.
Leave with: exit     (from a stuck guest: Ctrl-a, then x)

"""


def shell(flavour):
    """A shell in the guest, on this terminal."""
    import tree
    if not sys.stdin.isatty():
        raise Refusal("usage", "the shell needs a terminal; to run tests without one, type: make check")
    kernel = tree.ensure(flavour)
    accel, reason = accelerator(kernel.image)
    initramfs = Initramfs("shell")
    initramfs.add_kselftests(tree.kselftests())
    initramfs.add_tree("", tree.tools())
    initramfs.text("/septet/welcome", WELCOME.format(release=kernel.release))
    size = shutil.get_terminal_size()
    command = command_line(kernel.image, initramfs.write(), accel,
                           f"loglevel=4 septet.rows={size.lines} septet.cols={size.columns}",
                           os.cpu_count() or 1, 1024, False, ())
    say(f"accelerator: {accel} ({reason})\nbooting Linux {kernel.release}; leave with: exit     "
        "(from a stuck guest: Ctrl-a, then x)")
    # Ctrl-C belongs to the guest here, so QEMU stays in this session and reads the terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(command + ["-serial", "mon:stdio"],
                               preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
    live.add(process)
    return process.wait()


def command(argv):
    if argv in (["-h"], ["--help"]):
        say(__doc__)
        return 0
    if not argv or argv[0] not in ("shell", "probe") or len(argv) > 2:
        raise Refusal("usage", f"'{' '.join(argv)}' is not a command; type: boot.py --help")
    flavour = argv[1] if len(argv) > 1 else os.environ.get("KERNEL") or "plain"
    if argv[0] == "shell":
        return shell(flavour)
    import tree
    accel, reason = accelerator(tree.ensure(flavour).image)
    say(f"accelerator: {accel} ({reason})")
    return 0


if __name__ == "__main__":
    common.main(command)
