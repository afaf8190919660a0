# SPDX-License-Identifier: MIT
"""Lets a test program in Python tell its cases as cmocka's programs do: as XML into $CMOCKA_XML_FILE, which run.py reads."""
import os
import sys
import unittest
from xml.sax.saxutils import escape, quoteattr


def whole_of(test):
    """The test that a subtest is part of."""
    return getattr(test, "test_case", test)


class Cases(unittest.TextTestResult):
    def __init__(self, *words):
        super().__init__(*words)
        self.ran = []

    def stopTest(self, test):
        super().stopTest(test)
        self.ran.append(test)

    def xml(self):
        failed = {id(whole_of(test)): words for test, words in self.failures + self.errors}
        skipped = {id(whole_of(test)): words for test, words in self.skipped}
        known = {id(test) for test in self.ran}
        classes = [test for test, _ in self.errors + self.skipped if id(whole_of(test)) not in known]  # what stands for a class
        yield "<testsuites><testsuite>"
        for test in self.ran + classes:
            yield f"<testcase name={quoteattr(test.id().split('.')[-1].rstrip(')'))}>"
            if id(test) in failed:
                yield f"<failure>{escape(failed[id(test)])}</failure>"
            elif id(test) in skipped:
                yield f"<skipped>{escape(skipped[id(test)])}</skipped>"
            yield "</testcase>"
        yield "</testsuite></testsuites>"


def main():
    """Runs the tests of the program that calls; its exit status is the number of failed cases, as cmocka's is."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(resultclass=Cases, verbosity=2).run(suite)
    path = os.environ.get("CMOCKA_XML_FILE")
    if path:
        with open(path.replace("%g", "cases"), "w") as file:
            file.write("\n".join(result.xml()) + "\n")
    sys.exit(min(len(result.failures) + len(result.errors), 100))
