#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What messages on data advise is done by numpy, and what comes of it is taken without another word.

usage: test_python_advice.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import pathlib
import re
import struct
import sys
import unittest
import zlib

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
            main, _, inner = text[:end].partition(" with ")
            try:
                scope = {"numpy": numpy, **given}
                compile(main, "advice", "eval")
                exec(inner, scope)
                return eval(main, scope)
            except (SyntaxError, NameError):
                continue
    return None


def advised_of(words, train, test=None):
    """What one message makes of the examples, or of the labels, of both splits."""
    both = train if test is None else numpy.concatenate([train, test])
    made = [advised(words, array=one, labels=one, test_labels=one, train=train, both=both) for one in (train, test) if one is not None]
    return made[0] if test is None else made


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
            ("fields", numpy.array([(1, 0.5, 2.5), (2, 0.25, 1), (3, 0.75, 2)] * 20, [("a", "i4"), ("b", "f4"), ("c", "f8")])[numpy.arange(60) * 7 % 60]),
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
            ("half floats", random.random((60, 8, 8)).astype("f2")),
            ("bytes, the last byte first", random.integers(0, 256, (60, 8, 8)).astype(">i4")),
            ("a small span far off", 2**60 + numpy.arange(60 * 64).reshape(60, 8, 8) % 1000),
            ("wide pictures", (500 * random.random((60, 8, 8)) - 100).astype("f4")),
            ("channels of other scales", (random.random((60, 8, 8, 2)) * [1, 254.99]).astype("f4")),
        ):
            for open_ in (self.file, duet.Data.from_arrays):
                self.follow(title, open_, array)
        for open_ in (self.file, duet.Data.from_arrays):
            for given in (times, times[:, :1] + numpy.zeros((1, 2), int)):
                said = self.said(open_, given)
                self.assertNotEqual(said, [])
                made = advised_of("; ".join(said), given)
                self.assertIsNotNone(made, said)
                self.assertEqual(len(numpy.unique(made[:, 0])), 400)

    def test_pictures_with_alpha_come_to_lie_on_white(self):
        unit = numpy.random.default_rng(0).random((60, 6, 7, 4))
        rgba = (unit * 255).round().astype("u1")
        for title, array, are in (
            ("[0, 1]", unit.astype("f4"), unit),
            ("[0, 255]", (unit * 255).astype("f4"), unit),
            ("[-1, 1]", (unit * 2 - 1).astype("f4"), unit),
            ("bytes", rgba, rgba / 255),
            ("bytes as floats", rgba.astype("f4"), rgba / 255),
        ):
            white = 1 - (1 - are[..., :3]) * are[..., 3:]
            for open_ in (self.file, duet.Data.from_arrays):
                with self.subTest(title, open_=open_.__name__):
                    asked = [note for note in self.said(open_, array) if "RGBA" in note]
                    self.assertEqual(len(asked), 1)
                    made = advised(asked[0], array=array)
                    self.assertEqual(made is None, open_ == self.file and "bytes" in title)
                    if made is None:
                        said = re.search("Then say [^ ]+npy(:[^ ]+),", asked[0]).group(1)
                    with duet.Data(self.path("advice.npy") + said) if made is None else open_(made) as data:
                        rows = numpy.concatenate([data.read("train"), data.read("test")]).reshape(60, -1)
                        self.assertLess(abs(rows[:, None] - white.reshape(1, 60, -1)).max(-1).min(-1).max(), 0.01)
                        self.assertEqual(data.notes, [])
        numpy.save(self.path("first.npy"), unit.transpose(0, 3, 1, 2).astype("f4"))
        first = self.path("first.npy:channels=first")
        with duet.Data(first) as data, self.assertRaises(duet.Error) as refused:
            asked = [note for note in data.notes if "RGBA" in note]
            duet.Data(first + ":alpha=white")
        for said in (*asked, refused.exception.message):
            made = advised(said, array=numpy.load(self.path("first.npy")))
            self.assertLess(abs(made.transpose(0, 2, 3, 1) - (1 - (1 - unit[..., :3]) * unit[..., 3:])).max(), 1e-5)
        for title, array in (("latents", 5 * unit - 2), ("codes", 4 * unit)):
            for open_ in (self.file, duet.Data.from_arrays):
                self.assertEqual([note for note in self.said(open_, array) if "RGBA" in note], [], title)

    def test_equal_numbers_become_finite_ones(self):
        for number, shape in ((300, (60, 8, 8)), (300, (60, 3)), (5000, (60, 3)), (-(2**60), (60, 8, 8))):
            array = numpy.full(shape, number)
            said = self.said(self.file, array)
            with numpy.errstate(all="raise"):
                made = advised_of("; ".join(said), array)
            self.assertIsNotNone(made, said)
            self.assertTrue(numpy.isfinite(made).all(), said)
            self.assertIn("there is nothing to learn", self.said(self.file, made)[0])

    def follow(self, title, open_, array):
        for _ in range(STEPS):
            said = self.said(open_, array)
            if not said:
                break
            made = advised_of("; ".join(said), array)
            self.assertIsNotNone(made, (title, said))
            array = made
        self.assertEqual(self.said(open_, array), [], title)
        self.assertTrue(numpy.isfinite(array).all(), title)

    def said_of_two(self, way, train, test):
        """What is said of two splits, of a file or of arrays."""
        try:
            if way == "arrays":
                data = duet.Data.from_arrays(train, test)
            else:
                numpy.savez(self.path("two.npz"), x_train=train, x_test=test)
                data = duet.Data(self.path("two.npz"))
            with data:
                return list(data.notes)
        except duet.Error as error:
            return [error.message]

    def test_advice_makes_the_same_of_both_splits(self):
        """What advice makes of the test split is what it makes of these rows among the training examples."""
        random = numpy.random.default_rng(0)
        scales = [1000, 50000, 1, 300, 20]
        holes = random.random((400, 6)).astype("f4")
        holes[:300:2, 1] = holes[300::2, 3] = holes[1:300:2, 4] = numpy.nan
        constant = random.random((400, 6))
        constant[:300, 2] = 5
        constant[:, 4] = 7
        constant[300:, 4] = 8
        for title, both in (
            ("columns of other scales", random.normal(size=(400, 5)) * scales),
            ("whole columns of other scales", (random.normal(size=(400, 5)) * scales).astype("i8")),
            ("wide pictures", (500 * random.random((400, 8, 8)) - 100).astype("f4")),
            ("12 bits", random.integers(0, 4096, (400, 8, 8)).astype("u2")),
            ("holes", holes),
            ("holes in all columns", numpy.where(numpy.arange(400)[:, None] % 4 == range(4), numpy.nan, random.random((400, 4)))),
            ("constant columns", constant.astype("f4")),
        ):
            both[300:] = both[300:] * 0.75  # no split's constants are the other's
            for way in ("file", "arrays"):
                train, test = both[:300], both[300:]
                for _ in range(STEPS):
                    said = self.said_of_two(way, train, test)
                    if not said:
                        break
                    made = advised_of("; ".join(said), train, test)
                    self.assertNotIn(None, [type(one) for one in made], (title, said))
                    alike = advised("; ".join(said), array=numpy.concatenate([train, test]), train=train, both=numpy.concatenate([train, test]))
                    self.assertTrue(numpy.array_equal(numpy.concatenate(made), alike), (title, said))
                    train, test = made
                self.assertEqual(self.said_of_two(way, train, test), [], title)

    def test_channels_of_other_scales_become_alike(self):
        random = numpy.random.default_rng(0)
        for scales in ([1, 254.99], [255, 1000, 10], [-2, 1e6], [0, 1, 254.99], [1, 255]):
            array = random.random((80, 6, 7, len(scales))) * scales
            array = (numpy.round(array) if scales == [1, 255] else array).astype("f4")
            for way, first in (("file", False), ("arrays", False), ("file", True)):
                given = numpy.moveaxis(array, -1, 1).copy() if first else array
                if first:
                    path = self.path("first.npy")
                    numpy.save(path, given)
                    with duet.Data(path + ":channels=first") as data:
                        said = list(data.notes)
                    made = numpy.moveaxis(advised_of("; ".join(said), given), 1, -1)
                else:
                    said = self.said_of_two(way, given[:60], given[60:])
                    made = numpy.concatenate(advised_of("; ".join(said), given[:60], given[60:]))
                self.assertIn("those of one channel far less", said[0])
                for scale, channel in zip(scales, made.reshape(-1, len(scales)).T):
                    self.assertTrue(scale == 0 or numpy.ptp(channel) == 1, (scales, said))
            if 0 not in scales:
                said = self.said(self.file, numpy.round(array).astype("i4"))
                made = advised_of("; ".join(said), numpy.round(array).astype("i4"))
                self.assertEqual(numpy.ptp(made.reshape(-1, len(scales)), 0).tolist(), [1] * len(scales), said)
        for scales in ([255, 200, 40], [1, 12], [300, 300], [1, 10, 100, 300, 200, 100, 1]):
            said = self.said(self.file, (random.random((80, 6, 7, len(scales))) * scales).astype("f4"))
            self.assertNotIn("channel", "; ".join(said))
        said = self.said(self.file, numpy.round(random.random((80, 6, 7, 3)) * [255, 200, 9]).astype("f4"))
        self.assertIn("values=bytes", said[0])

    def test_a_code_of_whole_numbers_is_not_scaled(self):
        random = numpy.random.default_rng(0)
        for shape, most in (((60, 12, 12), 999), ((200, 5), 49), ((60, 8, 8, 2), [9, 9999])):
            array = numpy.where(random.random(shape) < 0.1, -32768, random.integers(0, numpy.array(most) + 1, shape)).astype("i2")
            said = self.said(self.file, array)
            made = advised_of("; ".join(said), array)
            self.assertEqual((made.dtype, made.min()), ("f4", -32768), said)
            self.assertIn("-32768", "; ".join(self.said(self.file, made)))

    def test_the_greatest_number_is_a_code(self):
        random = numpy.random.default_rng(0)
        array = numpy.where(random.random((200, 5)) < 0.3, -float(numpy.finfo("f4").max), random.random((200, 5)))
        self.assertIn("are -3.40282347e+38", "; ".join(self.said(duet.Data.from_arrays, array)))

    def test_each_channel_has_its_own_mean_for_what_is_missing(self):
        random = numpy.random.default_rng(0)
        sound = random.normal([285, 5e-5, 101325], [10, 1e-5, 900], (80, 6, 7, 3)).astype("f4")
        array = numpy.where(random.random(sound.shape) < 0.3, 9.96921e36, sound).astype("f4")
        for first in (False, True):
            given = numpy.moveaxis(array, -1, 1).copy() if first else array
            numpy.save(self.path("missing.npy"), given)
            with duet.Data(self.path("missing.npy") + (":channels=first" if first else "")) as data:
                said = "; ".join(data.notes)
            _, put, means = said.partition("put the mean of the others in its place: ")
            self.assertNotEqual(put, "", said)
            made = advised_of("save " + means, given)
            made = numpy.moveaxis(made, 1, -1) if first else made
            for channel in range(3):
                gaps = made[..., channel][array[..., channel] > 1e36]
                self.assertTrue(numpy.allclose(gaps, sound[..., channel].mean(), 0.01), (first, said))

    def test_windows_in_the_order_of_their_classes_are_not_divided_by_place(self):
        series = numpy.random.default_rng(0).normal(size=204).cumsum().astype("f4")
        windows = numpy.lib.stride_tricks.sliding_window_view(series, 5).copy()
        for labels, last in ((None, True), (numpy.arange(200) // 50, False), (numpy.arange(200) // 5 % 4, True)):
            with duet.Data.from_arrays(windows, labels=labels) as data:
                said = "; ".join(data.notes)
            self.assertIn("4 of 5 numbers in common", said)
            self.assertEqual('split="last"' in said, last, said)
            self.assertEqual("each class's series" in said, not last, said)

    def test_dark_pictures_of_16_bits_keep_their_numbers(self):
        random = numpy.random.default_rng(0)
        for most in (3521, 100):  # of which the upper 8 bits are 0
            folder = pathlib.Path(self.path(f"dark{most}"))
            folder.mkdir()
            array = random.integers(0, most, (40, 8, 8)).astype("u2")
            for number, picture in enumerate(array):
                rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in picture)
                png = b"\x89PNG\r\n\x1a\n"
                for kind, content in ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
                    png += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
                (folder / f"{number:02}.png").write_bytes(png)
            with duet.Data(str(folder)) as data:
                said = list(data.notes)
            self.assertIn("its pictures have 16 bits", said[0])
            made = advised_of("; ".join(said), array)
            self.assertEqual(len(numpy.unique(made)), len(numpy.unique(array)))
            self.assertEqual(self.said(self.file, made), [])

    def test_labels_of_both_splits_are_numbered_alike(self):
        random = numpy.random.default_rng(0)
        x = random.random((80, 3)).astype("f4")
        for names in (numpy.array(["cat", "dog", "fish"]), numpy.array([100, 200, 300])):
            train, test = names[numpy.arange(60) % 3], names[numpy.arange(20) % 2 + 1]
            for way in ("file", "arrays"):
                with self.assertRaises(duet.Error) as raised:
                    if way == "arrays":
                        duet.Data.from_arrays(x[:60], x[60:], labels=train, test_labels=test)
                    else:
                        numpy.savez(self.path("two.npz"), x_train=x[:60], x_test=x[60:], y_train=train, y_test=test)
                        duet.Data(self.path("two.npz"))
                made = advised_of(str(raised.exception), train, test)
                self.assertEqual([one.tolist() for one in made], [[0, 1, 2] * 20, [1, 2] * 10], raised.exception)

    def test_a_split_that_is_scaled_says_nothing_of_the_other(self):
        random = numpy.random.default_rng(0)
        pictures = random.integers(0, 3000, (300, 8, 8))
        for test in (pictures[200:], pictures[200:].astype("f4")):
            said = "; ".join(self.said_of_two("file", (pictures[:200] / 60000).astype("f4"), test))
            self.assertNotIn("2999", said.partition("; ")[2] + said.partition("save")[2])
            self.assertIsNot(said, "")

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
                made = advised_of(str(raised.exception), labels)
                self.assertIsNotNone(made, (title, raised.exception))
                with open_(made) as data:
                    self.assertEqual(data.notes, [], title)
                    self.assertGreater(len(data.classes), 1)

    def test_labels_of_other_types_become_no_others(self):
        order = numpy.random.default_rng(0).permutation(60)
        x = numpy.random.default_rng(1).random((60, 3)).astype("f4")
        for labels in (
            (order % 3).astype(">i4"),
            (order % 2 * 2 - 1).astype(">i2"),
            (order % 3 * 500).astype(">i8"),
            (order % 3).astype("f2"),
            (order % 3).astype("g"),
            numpy.array(["2024-01-01", "2024-02-01", "2025-01-01"], "M8[ns]")[order % 3],
        ):
            made = labels
            for _ in range(STEPS + 1):
                numpy.savez(self.path("labels.npz"), x_train=x, y_train=made, x_test=x[:2] + 1, y_test=made[:2])
                try:
                    with duet.Data(self.path("labels.npz")) as data:
                        self.assertEqual(data.labels("train").tolist(), numpy.unique(labels, return_inverse=True)[1].tolist())
                    break
                except duet.Error as error:
                    made = advised_of(str(error), made)
            else:
                self.fail(labels.dtype)

    def test_numbers_that_are_scaled_lie_in_bounds(self):
        random = numpy.random.default_rng(0)
        for shape in ((50, 3), (50, 4, 4)):
            for _ in range(40):
                array = (random.normal(random.normal(), 3 * random.random(), shape)).astype("f4")
                with self.assertRaisesRegex(duet.Error, "is for data in") as raised:
                    duet.train("vae", array, steps=1, batch=10, settings={"likelihood": "bernoulli"}, out=self.path("refused"))
                made = advised_of(str(raised.exception), array)
                self.assertEqual(made.dtype, "f4")
                self.assertTrue(made.min() >= 0 and 0.9999 <= made.max() <= 1, raised.exception)

    def test_numbers_of_few_values_are_no_bytes(self):
        random = numpy.random.default_rng(0)
        for shape, most in (((50, 20), 4), ((50, 8, 8), 4), ((50, 8, 8), 127), ((50, 8, 8), 128)):
            array = random.integers(0, most + 1, shape).astype("f4")
            array[0] = most
            with self.assertRaisesRegex(duet.Error, "is for data in") as raised:
                duet.train("vae", array, steps=1, batch=10, settings={"likelihood": "bernoulli"}, out=self.path("refused"))
            made = advised_of(str(raised.exception), array)
            self.assertEqual(made.dtype, "u1" if most == 128 else "f4", raised.exception)
            self.assertEqual(self.said(self.file, made), [], (shape, most))


if __name__ == "__main__":
    cases.main()
