#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The type hints of the Python package hold: mypy has nothing to say, by the rules in pyproject.toml.

usage: test_types.py SOURCE_ROOT PACKAGE_FOLDER; skipped where mypy is not installed
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases

source, packages = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
WRONG = """import duet
run: int = duet.train(model=3, epochs="many")
text: str = duet.relu("x")
"""


class Types(unittest.TestCase):
    def check(self, *words):
        with tempfile.TemporaryDirectory() as cache:
            return subprocess.run(["mypy", "--config-file", source / "pyproject.toml", "--cache-dir", cache, *words], cwd=source,
                                  env=dict(os.environ, MYPYPATH=str(packages)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def setUp(self):
        if shutil.which("mypy") is None:
            self.skipTest("mypy is not installed")
        if not (packages / "duet/functions.py").exists():
            self.skipTest("the Python package was not built")

    def test_the_package_keeps_its_own_hints(self):
        end = self.check("-p", "duet")
        self.assertEqual(end.returncode, 0, end.stdout)

    def test_callers_are_told_of_their_mistakes(self):
        end = self.check("-c", WRONG)
        self.assertEqual(end.returncode, 1, end.stdout)
        for words in ('(expression has type "Run", variable has type "int")', 'Argument "epochs" to "train"', 'Argument 1 to "relu"'):
            self.assertIn(words, end.stdout)


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
