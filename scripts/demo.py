#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot the patched kernel once and show what each feature changes, before and after.

  demo.py      FEATURES="a b" shows only these"""

import base64
import gzip
import os
import pathlib
import sys

import boot
import common
import tree
from common import ROOT, Refusal, out, say


def initramfs(features):
    """Exhibits are named so that their order is the canonical one."""
    image = boot.Initramfs("demo")
    image.add_kselftests(tree.kselftests())
    image.add_tree("", tree.tools())
    for name in ("narrate", "run-exhibits"):
        image.add(f"/septet/{name}", ROOT / "scripts/guest" / name)
    for number, feature in enumerate(features, 1):
        exhibit = ROOT / "scripts/exhibits" / f"{feature}.sh"
        if not exhibit.exists():
            raise Refusal("usage", f"feature '{feature}' has no exhibit; wanted {exhibit}")
        image.add(f"/septet/exhibits/{number}-{feature}.sh", exhibit)
    return image.write()


def told(lines, folder):
    """What an exhibit says, without the files that it hands over, which go to the folder."""
    name, content = None, ""
    for line in lines:
        if line.startswith("@file "):
            name, content = pathlib.Path(line.split(" ", 1)[1]).name, ""
        elif name is None:
            yield line
        elif line == "@end":
            (folder / name).write_bytes(gzip.decompress(base64.b64decode(content)))
            yield f"saved: {folder / name}"
            name = None
        else:
            content += line


def main(argv):
    if argv in (["-h"], ["--help"]):
        say(__doc__)
        return 0
    if argv:
        raise Refusal("usage", f"'{' '.join(argv)}' is too much; type: make demo FEATURES=\"a b\"")
    features = common.chosen(os.environ.get("FEATURES"))
    kernel = tree.ensure("plain")
    initrd = initramfs(features)
    accel, reason = boot.accelerator(kernel.image)
    say(f"accelerator: {accel} ({reason})\nbooting Linux {kernel.release} ...")
    folder = out("report", make=True)
    guest = boot.start(kernel.image, initrd, cmdline="septet.run=/septet/run-exhibits",
                       console_log=folder / "demo-console.log")
    bold = "\033[1m{}\033[0m" if sys.stdout.isatty() else "{}"
    try:
        with open(folder / "demo.txt", "w") as transcript:
            for line in told(guest.lines(60), folder):
                transcript.write(line + "\n")
                say(bold.format(line) if line.startswith("== ") else line)
    finally:
        guest.stop()
    if guest.status is None:
        raise Refusal("guest", f"the guest went down; log: {guest.console_log}\n{guest.tail()}")
    say(f"\nbooted in {guest.boot_seconds:.1f} s; transcript: {folder / 'demo.txt'}, kernel log: "
        f"{guest.console_log}\nnext: make shell   to look around in this kernel"
        "\n      make check   to run all its tests; the report is then in "
        f"{folder / 'plain/index.html'}")
    return 1 if guest.status else 0


if __name__ == "__main__":
    common.main(main)
