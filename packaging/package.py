# SPDX-License-Identifier: GPL-2.0
"""What both kinds of Debian package need: the version, the changes, the maintainer, the tools."""

import datetime
import email.utils
import pathlib
import re
import subprocess
import sys
import textwrap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

from common import ROOT, Refusal, read_text     # noqa: E402


def releases():
    """(version, date, changes) of every release in CHANGELOG.md, newest first."""
    found = []
    for section in re.split(r"^## ", read_text(ROOT / "CHANGELOG.md") or "", flags=re.M)[1:]:
        m = re.match(r"(\d+\.\d+\.\d+) - (\d{4}-\d\d-\d\d)\n", section)
        if m:
            bullets = re.findall(r"^- (.+(?:\n  .+)*)", section, re.M)
            found.append((m[1], datetime.datetime.fromisoformat(m[2] + "T00:00:00+00:00"),
                          [" ".join(b.split()) for b in bullets]))
    if not found:
        raise Refusal("usage", "CHANGELOG.md has no release; wanted a line like '## 0.1.0 - 2026-11-22'")
    return found


def debian_changelog(package):
    """CHANGELOG.md in the form that Debian's tools read."""
    entries = []
    for version, date, changes in releases():
        lines = [textwrap.fill(c.replace("`", ""), 78, initial_indent="  * ", subsequent_indent="    ")
                 for c in changes]
        entries.append(f"{package} ({version}) unstable; urgency=medium\n\n" + "\n".join(lines)
                       + f"\n\n -- {maintainer()}  {email.utils.format_datetime(date)}\n")
    return "\n".join(entries)


def maintainer():
    """'Name <address>' of the newest patch, else of git's configuration."""
    signed = []
    for path in ROOT.glob("patches/*/*.patch"):
        head = read_text(path).partition("\n\n")[0]
        fields = dict(re.findall(r"^(From|Date): (.+)$", head, re.M))
        if len(fields) == 2:
            signed.append((email.utils.parsedate_to_datetime(fields["Date"]), fields["From"]))
    if signed:
        return max(signed)[1]
    name, address = (subprocess.run(["git", "-C", ROOT, "config", key], capture_output=True,
                                    text=True).stdout.strip() for key in ("user.name", "user.email"))
    if not name or not address:
        raise Refusal("usage", "nobody to name as maintainer: no patch has From: and Date:; "
                               "type: git config user.name NAME; git config user.email ADDRESS")
    return f"{name} <{address}>"
