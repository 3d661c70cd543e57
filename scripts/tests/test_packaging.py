#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The Debian package of the tools, and what both packaging scripts refuse."""

import importlib.machinery
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "packaging"))

import package      # noqa: E402
import tap          # noqa: E402

PACKAGING = package.ROOT / "packaging"


def program(name):
    """A script without .py as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(PACKAGING / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Project(unittest.TestCase):
    """Texts that the packages are made from."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        patcher = mock.patch.object(package, "ROOT", self.root)
        patcher.start()
        self.addCleanup(patcher.stop)

    def patch(self, name, author, date):
        path = self.root / "patches" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"From: {author}\nDate: {date}\nSubject: x\n\nFrom: Body <b@example.org>\n")

    def test_releases_newest_first_without_unreleased(self):
        (self.root / "CHANGELOG.md").write_text(
            "# Changelog\n\n## Unreleased\n\n- no\n\n"
            "## 0.2.0 - 2026-12-01\n\n### Added\n\n- two\n  lines\n- b\n\n"
            "## 0.1.0 - 2026-11-22\n\n- first\n")
        self.assertEqual([(v, d.isoformat()[:10], c) for v, d, c in package.releases()],
                         [("0.2.0", "2026-12-01", ["two lines", "b"]), ("0.1.0", "2026-11-22", ["first"])])

    def test_no_release_is_refused(self):
        (self.root / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n")
        with self.assertRaisesRegex(package.Refusal, "no release; wanted a line like"):
            package.releases()

    def test_maintainer_of_the_newest_patch(self):
        self.patch("b/01-x.patch", "New <new@example.org>", "Sun, 22 Nov 2026 10:00:00 +0000")
        self.patch("a/09-x.patch", "Old <old@example.org>", "Sun, 22 Nov 2026 10:00:00 +0200")
        self.assertEqual(package.maintainer(), "New <new@example.org>")

    def test_maintainer_from_git(self):
        subprocess.run(["git", "init", "-q", self.root], check=True)
        for key, value in (("user.name", "Git Name"), ("user.email", "git@example.org")):
            subprocess.run(["git", "-C", self.root, "config", key, value], check=True)
        self.assertEqual(package.maintainer(), "Git Name <git@example.org>")

    def test_nobody_is_refused(self):
        with mock.patch.dict(os.environ, {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
                                          "GIT_CEILING_DIRECTORIES": str(self.root.parent)}):
            with self.assertRaisesRegex(package.Refusal, "git config user.name NAME"):
                package.maintainer()


@unittest.skipUnless(shutil.which("dpkg-shlibdeps"), "dpkg-dev is not installed")
class Tools(unittest.TestCase):
    """packaging/deb-tools"""

    def build(self, folder, *arguments):
        return subprocess.run([PACKAGING / "deb-tools", *arguments], capture_output=True, text=True,
                              env={**os.environ, "OUT": folder, "PYTHONDONTWRITEBYTECODE": "1"})

    def test_package(self):
        with tempfile.TemporaryDirectory() as folder:
            result = self.build(folder)
            self.assertEqual(result.returncode, 0, result.stderr)
            deb, = pathlib.Path(folder, "deb").glob("septet-tools_*.deb")
            first = deb.read_bytes()
            self.assertEqual(self.build(folder).returncode, 0)
            self.assertEqual(first, deb.read_bytes(), "a second build gave other bytes")
            (version, _, _), *_ = package.releases()
            fields = subprocess.run(["dpkg-deb", "-f", deb], capture_output=True, text=True).stdout
            self.assertIn(f"Version: {version}\n", fields)
            self.assertRegex(fields, r"Depends: .*libc6 .*libsmartcols1 ")
            self.assertIn(f"Maintainer: {package.maintainer()}\n", fields)
            subprocess.run(["dpkg-deb", "-R", deb, f"{folder}/unpacked"], check=True)
            unpacked = pathlib.Path(folder, "unpacked")
            sums = subprocess.run(["md5sum", "-c", "--quiet", "DEBIAN/md5sums"], cwd=unpacked)
            self.assertEqual(sums.returncode, 0)
            listed = {l.split(maxsplit=1)[1] for l in (unpacked / "DEBIAN/md5sums").read_text().splitlines()}
            there = {str(f.relative_to(unpacked)) for f in unpacked.rglob("*") if f.is_file()}
            self.assertEqual(listed, {f for f in there if not f.startswith("DEBIAN/")})
            self.assertLessEqual({"usr/bin/septet", "usr/share/man/man8/septet.8.gz",
                                  "usr/share/doc/septet-tools/changelog.gz",
                                  "usr/share/doc/septet-tools/copyright"}, there)
            changelog = subprocess.run(["zcat", unpacked / "usr/share/doc/septet-tools/changelog.gz"],
                                       stdout=subprocess.PIPE).stdout
            parsed = subprocess.run(["dpkg-parsechangelog", "-l", "-", "-S", "Version"], input=changelog,
                                    capture_output=True)
            self.assertEqual((parsed.stdout.decode().strip(), parsed.stderr), (version, b""))

    def test_unexpected_argument(self):
        with tempfile.TemporaryDirectory() as folder:
            result = self.build(folder, "now")
            self.assertEqual((result.returncode, result.stderr.count("\n")), (10, 1))
            self.assertEqual(os.listdir(folder), [])


class Kernel(unittest.TestCase):
    """packaging/deb-kernel, as far as it goes without building one"""

    def setUp(self):
        self.script = program("deb-kernel")

    def config(self, path):
        with mock.patch.dict(os.environ, {"CONFIG": str(path)}):
            return self.script.base_config()

    def test_config_plain_and_gzipped(self):
        with tempfile.TemporaryDirectory() as folder:
            plain = pathlib.Path(folder, "config")
            plain.write_text("# comment\nCONFIG_SMP=y\n")
            subprocess.run(["gzip", "-k", plain], check=True)
            for path in (plain, pathlib.Path(f"{plain}.gz")):
                self.assertEqual(self.config(path), (path, plain.read_text()))

    def test_wrong_config_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            other = pathlib.Path(folder, "other")
            for content in (b"", b"hello\n", b"\x1f\x8bbroken", b"\xff\xfe"):
                other.write_bytes(content)
                with self.assertRaisesRegex(package.Refusal, f"{other}.*wanted a kernel configuration") as c:
                    self.config(other)
                self.assertEqual(c.exception.code, 10)
            with self.assertRaisesRegex(package.Refusal, "CONFIG=.*missing.*wanted a kernel configuration"):
                self.config(other.with_name("missing"))


if __name__ == "__main__":
    tap.main()
