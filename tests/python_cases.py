# SPDX-License-Identifier: MIT
"""What the tests of the Python package share: the package, whose folder is the program's first argument, a folder to
write to, and pictures to learn. MISSING says why all is skipped, if it is."""

import os
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [*sys.argv[1:2], str(ROOT / "examples" / "python")]
TWIN = sys.argv[2] if len(sys.argv) > 2 else ""
try:
    import cffi  # noqa: F401
    import numpy

    MISSING = "" if TWIN else "the package was not built: the Python that runs Meson has no cffi"
except ImportError as error:
    MISSING = f"{error}: install python3-cffi and python3-numpy"


def pictures(count=200):
    """Bytes that have something to be learnt: squares at different places, and a number that tells them apart."""
    x = numpy.zeros((count, 8, 8), numpy.uint8)
    for i in range(count):
        x[i, i % 5 : i % 5 + 4, i // 5 % 5 : i // 5 % 5 + 4] = 255
        x[i, 7, 7] = i % 256
    return x


class Index(list):
    """As pandas' Index: the names of rows."""

    equals = list.__eq__


class Table:
    """As pandas' DataFrame: columns by their names, which numpy passes over."""

    def __init__(self, rows=None, **columns):
        self.held, self.columns = columns, list(columns)
        self.index = None if rows is None else Index(rows)

    def __getitem__(self, names):
        return numpy.asarray(self.held[names]) if isinstance(names, str) else Table(**{name: self.held[name] for name in names})

    def __array__(self, *given, **named):
        columns = [numpy.asarray(self.held[name]) for name in self.columns]
        alike = len({one.dtype for one in columns}) == 1
        return numpy.stack(columns if alike else [one.astype(object) for one in columns], 1)


@unittest.skipIf(MISSING, MISSING)
class Folder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)
