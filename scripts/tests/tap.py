# SPDX-License-Identifier: GPL-2.0
"""Lets a unittest script report its cases as KTAP, which ktap.py counts one by one."""

import sys
import unittest


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.verdict = ("ok", "")

    def addFailure(self, test, error):
        for line in self._exc_info_to_string(error, test).splitlines():
            print("# " + line)
        self.verdict = ("not ok", "")
        super().addFailure(test, error)

    addError = addFailure

    def addSubTest(self, test, subtest, error):
        if error:
            print(f"# {subtest}")
            self.addFailure(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.verdict = ("ok", f" # SKIP {reason}")

    def stopTest(self, test):
        name = test.shortDescription() or test.id().removeprefix("__main__.")
        print(f"{self.verdict[0]} {self.testsRun} {name}{self.verdict[1]}", flush=True)


def main():
    """Run the tests of the calling script; call this at its end."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    print(f"KTAP version 1\n1..{suite.countTestCases()}")
    sys.exit(0 if suite.run(Result()).wasSuccessful() else 1)
