#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What messages on data advise is done by numpy, and what comes of it is taken without another word.

usage: test_python_advice.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import pathlib
import re
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, Folder  # noqa: E402

if not MISSING:
    import duet
    import numpy

STEPS = 3  # of advice at most, until nothing is said any more


def advised(words, **given):
    """What the first expression that a message advises makes of an array; None: there is none."""
    for match in re.finditer(r"(?:save|pass|by) (?=(.+))", words, re.IGNORECASE):
        text = match.group(1)
        for end in range(len(text), 0, -1):  # the longest beginning that is one
            if text[:end].rstrip().endswith(","):
                continue
            main, _, inner = text[:end].partition(" with a = ")
            try:
                scope = {"numpy": numpy, **given}
                compile(main, "advice", "eval")
                if inner:
                    scope["a"] = eval(inner, scope)
                return eval(main, scope)
            except (SyntaxError, NameError):
                continue
    return None


class Advice(Folder):
    def file(self, array):
        path = self.path("advice.npy")
        numpy.save(path, array)
        return duet.Data(path)

    def said(self, open_, array):
        """What opening a set of the array says: its error, or its notes."""
        try:
            with open_(array) as data:
                return list(data.notes)
        except duet.Error as error:
            return [error.message]

    def test_advice_on_examples_is_taken(self):
        random = numpy.random.default_rng(0)
        genes = random.lognormal(3, 2, (200, 200)).astype("f4")
        genes[:, :5] = 0
        times = numpy.stack([1700000000 + numpy.arange(400), random.integers(0, 5, 400)], 1)
        uneven = numpy.stack([random.integers(0, 10**9, 300), random.integers(0, 7, 300)], 1)
        for title, array in (
            ("genes", genes),
            ("times", times),
            ("times as f8", times.astype("f8")),
            ("columns of other scales", uneven),
            ("small whole numbers", random.integers(-30, 30, (200, 3))),
            ("ages", random.integers(0, 90, (200, 3))),
            ("16 bits", random.integers(0, 65536, (60, 8, 8)).astype("u2")),
            ("16 bits with signs", random.integers(-32768, 32768, (60, 8, 8)).astype("i2")),
            ("digits", random.integers(0, 17, (60, 8, 8))),
            ("rows of digits", random.integers(0, 17, (60, 64))),
            ("dark bytes", random.integers(0, 17, (60, 8, 8)).astype("u1")),
            ("a constant column", numpy.stack([numpy.full(50, 0.1), 5000 * random.random(50)], 1).astype("f4")),
            ("constant columns", numpy.where(numpy.arange(300) < 200, 5, random.random((50, 300))).astype("f4")),
            ("columns of nothing", numpy.where(numpy.arange(6) % 3 == 1, numpy.nan, random.random((60, 6))).astype("f4")),
            ("holes in all columns", numpy.where(numpy.arange(60)[:, None] % 4 == range(4), numpy.nan, random.random((60, 4)))),
            ("numbers alone", random.random(60).astype("f4")),
            ("bytes as f2", random.integers(0, 256, (60, 8, 8)).astype("f2")),
            ("bytes, the last byte first", random.integers(0, 256, (60, 8, 8)).astype(">i4")),
            ("a small span far off", 2**60 + numpy.arange(60 * 64).reshape(60, 8, 8) % 1000),
            ("wide pictures", (500 * random.random((60, 8, 8)) - 100).astype("f4")),
        ):
            for open_ in (self.file, duet.Data.from_arrays):
                self.follow(title, open_, array)
        for open_ in (self.file, duet.Data.from_arrays):
            for given in (times, times[:, :1] + numpy.zeros((1, 2), int)):
                said = self.said(open_, given)
                self.assertNotEqual(said, [])
                made = advised("; ".join(said), array=given)
                self.assertIsNotNone(made, said)
                self.assertEqual(len(numpy.unique(made[:, 0])), 400)

    def test_equal_numbers_become_finite_ones(self):
        for number, shape in ((300, (60, 8, 8)), (300, (60, 3)), (5000, (60, 3)), (-(2**60), (60, 8, 8))):
            array = numpy.full(shape, number)
            said = self.said(self.file, array)
            with numpy.errstate(all="raise"):
                made = advised("; ".join(said), array=array)
            self.assertIsNotNone(made, said)
            self.assertTrue(numpy.isfinite(made).all(), said)
            self.assertIn("there is nothing to learn", self.said(self.file, made)[0])

    def follow(self, title, open_, array):
        for _ in range(STEPS):
            said = self.said(open_, array)
            if not said:
                break
            made = advised("; ".join(said), array=array)
            self.assertIsNotNone(made, (title, said))
            array = made
        self.assertEqual(self.said(open_, array), [], title)
        self.assertTrue(numpy.isfinite(array).all(), title)

    def test_advice_on_labels_is_taken(self):
        random = numpy.random.default_rng(0)
        x = random.random((600, 3)).astype("f4")
        order = random.permutation(600)
        for title, labels in (
            ("numbers of examples", order),
            ("300 classes", order % 300),
            ("measurements", random.normal(size=600)),
            ("halves", order % 7 / 2),
            ("from 1000 on", 1000 + order % 3),
            ("minus and plus 1", order % 2 * 2 - 1),
            ("one 1 a row", numpy.eye(3)[order % 3]),
        ):
            path = self.path("labels.npz")
            for open_ in (
                lambda given: numpy.savez(path, x_train=x, y_train=given) or duet.Data(path),
                lambda given: duet.Data.from_arrays(x, labels=given),
            ):
                with self.assertRaises(duet.Error, msg=title) as raised:
                    open_(labels)
                made = advised(str(raised.exception), array=labels, labels=labels)
                self.assertIsNotNone(made, (title, raised.exception))
                with open_(made) as data:
                    self.assertEqual(data.notes, [], title)
                    self.assertGreater(len(data.classes), 1)

    def test_numbers_that_are_scaled_lie_in_bounds(self):
        random = numpy.random.default_rng(0)
        for shape in ((50, 3), (50, 4, 4)):
            for _ in range(40):
                array = (random.normal(random.normal(), 3 * random.random(), shape)).astype("f4")
                with self.assertRaisesRegex(duet.Error, "is for data in") as raised:
                    duet.train("vae", array, steps=1, batch=10, settings={"likelihood": "bernoulli"}, out=self.path("refused"))
                made = advised(str(raised.exception), array=array)
                self.assertEqual(made.dtype, "f4")
                self.assertTrue(made.min() >= 0 and 0.9999 <= made.max() <= 1, raised.exception)

    def test_numbers_of_few_values_are_no_bytes(self):
        random = numpy.random.default_rng(0)
        for shape, most in (((50, 20), 4), ((50, 8, 8), 4), ((50, 8, 8), 127), ((50, 8, 8), 128)):
            array = random.integers(0, most + 1, shape).astype("f4")
            array[0] = most
            with self.assertRaisesRegex(duet.Error, "is for data in") as raised:
                duet.train("vae", array, steps=1, batch=10, settings={"likelihood": "bernoulli"}, out=self.path("refused"))
            made = advised(str(raised.exception), array=array)
            self.assertEqual(made.dtype, "u1" if most == 128 else "f4", raised.exception)
            self.assertEqual(self.said(self.file, made), [], (shape, most))


if __name__ == "__main__":
    cases.main()
