#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a program gives the Python package of its own: arrays, functions of rows, labels, OpenCL queues and buffers.

usage: test_python_arrays.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import os
import pathlib
import sys
import unittest
import warnings
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, Folder, Table, pictures  # noqa: E402

try:
    import pyopencl
    import pyopencl.array
except ImportError:
    pyopencl = None
if not MISSING:
    import duet
    import numpy


class Data(Folder):
    def test_what_has_arrays_in_it_is_none(self):
        """What is given for an array by mistake is told what it is, and where the array is."""
        x, y = numpy.random.default_rng(0).standard_normal((60, 3)), numpy.arange(60) % 2
        file = self.path("x.npz")
        numpy.savez(file, x_train=x, y_train=y)
        for name in ("a.png", "b.png"):
            pathlib.Path(self.path(name)).touch()
        files = sorted(pathlib.Path(self.path("")).glob("?.png"))

        class Sparse:
            def toarray(self):
                return x

        class Inks:
            mode, __array_interface__ = "CMYK", numpy.zeros((8, 8, 4), "u1").__array_interface__

        with numpy.load(file) as archive:
            rows = (
                ({"data": x, "target": y}, r"a dict, where an array is expected; give one of what it has: \['data'\], \['target'\]"),
                (archive, r"a NpzFile, .*: \['x_train'\], \['y_train'\]"),
                ([str(one) for one in files], "a list of names of files; the name of the folder"),
                (files, "a list of names of files"),
                (Sparse(), r"its toarray\(\) gives one"),
                ([x, x], r"the tuple \(train, test\) is two splits"),
                ([x, x[:9]], r"the tuple \(train, test\) is two splits"),
                ([Inks(), Inks()], r"a picture of mode CMYK, .* picture.convert\('RGB'\)"),
                (numpy.c_[x, x[:, :1] * 1e44], "up to .*e.44, beyond what float32 holds: divide them"),
            )
            for given, words in rows:
                with self.subTest(words), self.assertRaisesRegex(duet.Error, words):
                    duet.train("vae", given, steps=1)
        names = {"a": x[:, 0], "b": numpy.where(numpy.arange(60) == 7, numpy.nan, x[:, 1])}
        with self.assertRaisesRegex(duet.Error, "column 'b' has no number in 1 of 60 rows, the first in row 7"):
            duet.Data.from_arrays(Table(**names))
        numbers = numpy.array(list(y), object)
        with self.assertRaisesRegex(duet.Error, r"numbers held as objects; pass numpy.array\(list\(labels\)\)"):
            duet.Data.from_arrays(x, labels=numbers)
        self.assertEqual(duet.Data.from_arrays(x, labels=numpy.array(list(numbers))).info.classes, 2)

    def test_other_arrays_for_a_run_are_told_in_words_of_arrays(self):
        x = numpy.random.default_rng(0).random((60, 8, 8, 3), numpy.float32)
        run = duet.train("vae", x, steps=2, batch=10, out=self.path("words"))
        for other, words, mended in (
            (x.reshape(60, -1), r"array.reshape\(-1, \*\[8, 8, 3\]\) gives", lambda array: array.reshape(-1, *[8, 8, 3])),
            (numpy.moveaxis(x, -1, 1), r"numpy.moveaxis\(array, 1, -1\) turns", lambda array: numpy.moveaxis(array, 1, -1)),
            ((x * 255).astype("i8"), r"array.astype\('u1'\) is scaled to that", lambda array: array.astype("u1")),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                duet.train(data=other, resume=run, steps=4, other_data=True)
            self.assertEqual(duet.Data.from_arrays(mended(other)).shape, (8, 8, 3))

    def test_arrays_are_sets(self):
        x = pictures(50)
        with duet.Data.from_arrays(
            x, x[:7], labels=numpy.arange(50) % 3, class_names=["a", "b", "c"], test_labels=numpy.zeros(7)
        ) as data:
            self.assertEqual((data.info.count, data.shape, data.classes), ([50, 7], (8, 8, 1), ["a", "b", "c"]))
            numpy.testing.assert_allclose(data.read("train", 3, 4)[..., 0], x[3:7] / 255, rtol=1e-6)
            self.assertEqual(list(data.labels("train", 0, 4)), [0, 1, 2, 0])

    def test_functions_are_sets(self):
        rows = numpy.random.default_rng(0).random((40, 3)).astype(numpy.float32)
        with duet.Data.from_function(lambda split, first, count: rows[first : first + count], (3,), 40) as data:
            numpy.testing.assert_array_equal(data.read("train", 5, 6), rows[5:11])
        with self.assertRaisesRegex(duet.Error, "train=-20"):
            duet.Data.from_function(lambda split, first, count: rows, 3, -20)
        with self.assertRaisesRegex(duet.Error, "ZeroDivisionError"):
            duet.Data.from_function(lambda split, first, count: 1 / 0, (3,), 40)
        own = []

        def rows_of_its_set(split, first, count):
            return own[0].read(split, first, count) if own else rows[first : first + count]

        with duet.Data.from_function(rows_of_its_set, (3,), 40) as data:
            own.append(data)
            for asked in (data.read, lambda: duet.train("vae", data, steps=1, batch=8, out=self.path("never"))):
                with self.assertRaisesRegex(duet.Error, "reads the set whose rows it gives|is being trained on"):
                    asked()
            own.clear()
            numpy.testing.assert_array_equal(data.read("train", 5, 6), rows[5:11])
        raised = []

        def rows_or_not(split, first, count):
            if raised:
                raise raised[0]
            return rows[first : first + count]

        with duet.Data.from_function(rows_or_not, (3,), 40) as data:
            raised.append(LookupError("mine"))
            with self.assertRaisesRegex(duet.Error, "LookupError: mine") as caught:
                data.read()
            self.assertIs(caught.exception.__cause__, raised[0])
            raised[0] = KeyboardInterrupt()
            for interrupted in (data.read, lambda: data.convert(self.path("never.npz"))):
                with self.assertRaises(KeyboardInterrupt):
                    interrupted()
        with self.assertRaises(KeyboardInterrupt):
            duet.Data.from_function(rows_or_not, (3,), 40)
        for labels, words in (([0, 1], "one number an example"), ([256] * 40, "0 to 255")):
            with self.assertRaisesRegex(duet.Error, words):
                duet.Data.from_function(
                    lambda split, first, count: rows[first : first + count], (3,), 40, labels=labels
                )

    def test_metrics_know_the_data_that_a_run_was_trained_on(self):
        x = numpy.random.default_rng(0).random((600, 3)).astype("f4")
        numpy.savez(self.path("own.npz"), x_train=x)
        given = lambda split: duet.Data.from_function(lambda _, first, count: x[first : first + count], 3, 600, split=split)
        for i, data in enumerate((given("shuffled"), given("last"), duet.Data(self.path("own.npz")))):
            with data, duet.train("nice", data, steps=1, batch=10, settings={"hidden": 4}, out=self.path(f"own-{i}")) as run:
                self.assertIn("memorisation", run.evaluate("memorisation"))

    def test_metrics_are_of_the_set_that_is_open(self):
        x = numpy.random.default_rng(0).random((600, 3)).astype("f4")
        numpy.savez(self.path("open.npz"), x_train=x)
        for i, change in enumerate((lambda path: os.replace(self.path("other.npz"), path), os.remove)):
            numpy.savez(self.path("other.npz"), x_train=x + numpy.float32(7))
            numpy.savez(self.path("open.npz"), x_train=x)
            with duet.Data(self.path("open.npz")) as data, duet.train(
                "nice", data, steps=1, batch=10, settings={"hidden": 4}, out=self.path(f"open-{i}")
            ) as run:
                run.evaluate("nll")
                change(self.path("open.npz"))
                self.assertLess(run.evaluate("nll")["nll"].value, 5)

    def test_what_a_data_function_raises_for_metrics_is_the_cause(self):
        x, mine = numpy.random.default_rng(0).random((600, 3)).astype("f4"), []

        def rows(split, first, count):
            if mine:
                raise mine[0]
            return x[first : first + count]

        with duet.Data.from_function(rows, 3, 600, name="rows") as data:
            with duet.train("nice", data, steps=1, batch=10, settings={"hidden": 4}, out=self.path("raises")) as run:
                mine.append(LookupError("mine"))
                with self.assertRaisesRegex(duet.Error, "^rows: the function that gives rows raised LookupError: mine") as raised:
                    run.evaluate("nll")
                self.assertIs(raised.exception.__cause__, mine[0])

    def test_what_a_data_function_raises_is_the_cause(self):
        mine, calls = LookupError("mine"), []

        def rows(split, first, count):
            calls.append(count)
            if len(calls) > opened:
                raise mine
            return numpy.zeros((count, 3), numpy.float32) + numpy.arange(first, first + count)[:, None] / 64

        opened = 10**6
        with duet.Data.from_function(rows, (3,), 64) as data:
            opened = len(calls)
            with self.assertRaisesRegex(duet.Error, "LookupError: mine") as caught:
                duet.train("ae", data, epochs=2, batch=8, settings={"hidden": 8}, out=self.path("cause"))
        self.assertIs(caught.exception.__cause__, mine)

    def test_what_a_data_function_raises_spoils_no_other_error(self):
        raised = []

        def rows(split, first, count):
            if raised:
                raise raised[0]
            return numpy.zeros((count, 3), numpy.float32) + numpy.arange(first, first + count)[:, None] / 64

        def fails(use, status="data"):
            with self.assertRaises(duet.Error) as caught:
                use()
            self.assertEqual(caught.exception.status, status)
            return caught.exception.__cause__

        with duet.Device() as device, duet.Data.from_function(rows, (3,), 64) as data:
            model = duet.Model("ae", data, {"hidden": [4]})
            into = numpy.zeros((2, 3), numpy.float32)
            uses = (
                lambda: duet.Trainer(device, model, 32),
                lambda: duet.c.data_read(data, 0, 0, 2, duet.ffi.from_buffer("float[]", into)),
            )
            for reason in (LookupError("mine"), KeyboardInterrupt()):
                for use in uses:
                    raised[:] = [reason]
                    if use is uses[1]:  # a call of the library's own, which nothing wraps
                        self.assertIsNone(fails(use))
                    elif isinstance(reason, Exception):
                        self.assertIs(fails(use), reason)
                    else:
                        self.assertRaises(KeyboardInterrupt, use)
                    raised.clear()
                    self.assertIsNone(fails(lambda: data.convert("/proc/nowhere/x.npz"), "file"))

    def test_what_raises_while_rows_are_read_ahead_is_the_cause(self):
        raised = []

        def rows(split, first, count):
            if raised:
                raise raised[0]
            return numpy.zeros((count, 3), numpy.float32) + numpy.arange(first, first + count)[:, None] / 64

        def step(trainer):
            for _ in range(50):
                trainer.step()
                trainer.losses()

        for reason, expected in ((LookupError("mine"), duet.Error), (KeyboardInterrupt(), KeyboardInterrupt)):
            with duet.Device() as device, duet.Data.from_function(rows, (3,), 64) as data:
                data.set_streaming()
                trainer = duet.Trainer(device, duet.Model("ae", data, {"hidden": [4]}), 16)
                trainer.step()
                raised[:] = [reason]
                with self.assertRaises(expected) as caught:
                    step(trainer)
                self.assertIs(reason, caught.exception.__cause__ if expected is duet.Error else caught.exception)
            raised.clear()

    def test_a_trainer_goes_on_with_examples_of_its_kind_alone(self):
        x, labels = numpy.random.default_rng(0).random((60, 4)).astype("f4"), numpy.arange(60) % 3
        bytes_ = numpy.arange(60 * 4).reshape(60, 4).astype("u1")
        names, likelihood = ["a", "b", "c"], {"likelihood": "gaussian"}
        path = self.path("kind.safetensors")

        def trainer(family, x, settings=None, seed=1, **kept):
            model = duet.Model(family, duet.Data.from_arrays(x, **kept), {"hidden": [4], **(settings or {})}, seed=seed)
            return duet.Trainer(device, model, 16)

        with duet.Device() as device:
            for saved, other, words in (
                (("vae", x, likelihood), ("vae", 20 * x - 10, likelihood), "unit_range=true.* unit_range=false"),
                (("ae", x), ("ae", x[:, :3]), r"shape=\[4\].* shape=\[3\]"),
                (("realnvp", bytes_), ("realnvp", x), "bytes=true.* bytes=false"),
                (("cvae", x, None, 1, names), ("cvae", x, None, 1, names[::-1]), "of classes of other names, or in an"),
                (("cvae", x, None, 1, names), ("cvae", x, None, 1, names), None),
                (("ae", x, None, 1, names), ("ae", bytes_), None),
                (("ae", x), ("ae", x[:20] / 2, None, 77), None),
            ):
                one, two = (
                    trainer(*of[:4], **({"labels": labels, "class_names": of[4]} if len(of) > 4 else {}))
                    for of in (saved, other)
                )
                one.step()
                one.save(path)
                if words is not None:
                    with self.assertRaisesRegex(duet.Error, words):
                        two.load(path)
                    continue
                two.load(path)
                self.assertEqual(two.steps, 1)
                two.save(path)
                self.assertIn(b'"duet.seed":"1"', pathlib.Path(path).read_bytes())

    def test_what_a_data_function_raises_at_an_epoch_is_the_cause(self):
        raised = []

        def rows(split, first, count):
            if raised:
                raise raised[0]
            return numpy.zeros((count, 3), numpy.float32) + numpy.arange(first, first + count)[:, None] / 64

        def on_epoch(run, epoch):
            raised[:] = [LookupError("mine")]
            with self.assertRaises(duet.Error) as caught:
                use(run)
            self.assertIs(caught.exception.__cause__, raised[0])
            raised.clear()
            seen.append(use)

        seen = []
        with duet.Data.from_function(rows, (3,), 64, 64) as data:
            for use in (lambda run: run.data("test", 2), lambda run: run.evaluate("mse")):
                out = self.path(f"epoch{len(seen)}")
                duet.train("ae", data, steps=1, batch=64, settings={"hidden": 8}, out=out, on_epoch=on_epoch)
        self.assertEqual(len(seen), 2)

    def test_what_is_no_set_is_refused(self):
        for given, words in ((numpy.zeros((2, 2, 2, 2, 2)), "shape"), (numpy.full((5, 2), numpy.nan), "finite")):
            with self.assertRaisesRegex(duet.Error, words):
                duet.Data.from_arrays(given)
        bytes_ = pictures(20)
        for given, words in (
            ((None,), "examples: None, where an array of real numbers is expected"),
            ((None, bytes_), "examples: None, where an array"),
            ((numpy.zeros((10, 0)),), r"an array of shape \(10, 0\); .* with an extent of 1 at least"),
            ((numpy.zeros((10, 3, 0)),), r"an array of shape \(10, 3, 0\)"),
            ((bytes_, bytes_[:0]), "test= has no examples: leave it out"),
            ((bytes_, []), "test= has no examples"),
            ((bytes_, bytes_.astype("i8")), "test examples of type int64 beside uint8 to train on: uint8 is scaled"),
            ((bytes_ / 255, bytes_), r"test examples of type uint8 beside float64 .*, such as array.astype\('u1'\) of bytes"),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                duet.Data.from_arrays(*given)
        duet.Data.from_arrays(bytes_, bytes_.astype("i8").astype("u1")).close()
        with self.assertRaisesRegex(TypeError, "^an ndarray, where "):
            duet.Data(bytes_)
        with self.assertRaisesRegex(duet.Error, "0 to 255"):
            duet.Data.from_arrays(numpy.zeros((3, 2)), labels=[0, 1, 256])
        with self.assertRaisesRegex(duet.Error, "masked"):
            duet.Data.from_arrays(numpy.ma.masked_greater(numpy.arange(6.0).reshape(3, 2), 4))

    def test_numbers_are_real_ones(self):
        for given, words, remedy in (
            (numpy.ones((4, 2)) + 1j, "complex", lambda a: numpy.stack([a.real, a.imag], -1)),
            (
                numpy.arange(8).reshape(4, 2).astype("M8[D]"),
                "datetime64",
                lambda a: (a - numpy.datetime64(0, "D")) / numpy.timedelta64(1, "D"),
            ),
            (
                1700000000 + numpy.arange(60).reshape(30, 2),
                "float32 numbers lie 128",
                lambda a: (a - a.min(0)).astype("f4"),
            ),
            (numpy.array([["1", "2"], ["3", "4"]]), "<U1", lambda a: a.astype("f4")),
            (
                numpy.zeros(3, [("a", "f4"), ("b", "i4")]),
                "type",
                lambda a: numpy.stack([a[n] for n in a.dtype.names], -1),
            ),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                duet.Data.from_arrays(given)
            duet.Data.from_arrays(remedy(given)).close()
        with self.assertRaisesRegex(duet.Error, "3.0, where an array"):
            duet.Data.from_arrays(3.0)
        with self.assertRaisesRegex(ValueError, r"shape \(2, 3, 8, 8\); what can be drawn are pictures"):
            duet.grid(numpy.zeros((2, 3, 8, 8)))
        with self.assertRaisesRegex(ValueError, "1 panels for 2 lines"):
            duet.write_lines(self.path("l.png"), [[1, 2], [2, 3]], panels=[0])
        with self.assertRaisesRegex(TypeError, "an ndarray as the model"):
            duet.train(numpy.zeros((4, 2)))

    def test_numbers_lie_as_c_reads_them(self):
        packed = numpy.zeros(40, numpy.dtype([("kind", "u1"), ("values", "f4", 3)], align=False))
        packed["values"] = numpy.arange(120).reshape(40, 3) % 7
        self.assertFalse(packed["values"].flags.aligned)
        kept = duet.convert.numbers(packed["values"], "values")
        self.assertTrue(kept.flags.aligned)
        numpy.testing.assert_array_equal(kept, packed["values"])

    def test_lists_of_others_arrays(self):
        class Picture:  # as one of PIL is
            def __init__(self, pixels):
                self.pixels = pixels

            @property
            def __array_interface__(self):
                return self.pixels.__array_interface__

        pixels = numpy.arange(40 * 8 * 6, dtype="u1").reshape(40, 8, 6)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with duet.Data.from_arrays([Picture(one) for one in pixels]) as data:
                self.assertEqual(data.shape, (8, 6, 1))
            with self.assertRaisesRegex(duet.Error, r"arrays of shapes \(8, 6\), \(4, 6\), where one array is expected"):
                duet.Data.from_arrays([Picture(pixels[0]), Picture(pixels[1, :4])])

        Picture.mode = "P"  # with a palette
        for given in ([Picture(one) for one in pixels], Picture(pixels[0])):
            with self.assertRaisesRegex(duet.Error, r"a picture with a palette, .*picture.convert\('RGB'\) has the colours"):
                duet.Data.from_arrays(given)

    def test_what_is_masked_in_lists_is_seen(self):
        masked = numpy.ma.masked_greater(numpy.arange(24.0).reshape(6, 4), 20)
        for given in (list(masked), tuple(masked), [list(masked[:3]), list(masked[3:])]):
            with self.assertRaisesRegex(duet.Error, "examples: a masked array with masked values"):
                duet.Data.from_arrays(given)
            with self.assertRaisesRegex(duet.Error, "values: a masked array with masked values"):
                duet.grid(given)
        duet.Data.from_arrays(list(masked[:5])).close()

    def test_columns_of_tables_keep_their_names(self):
        x = numpy.random.default_rng(0).random((40, 3))
        table = Table(a=x[:, 0], b=x[:, 1], c=x[:, 2])
        with duet.Data.from_arrays(table, x[:9] / 2) as data, duet.Data.from_arrays(x) as nameless:
            self.assertEqual((data.info.columns, nameless.info.columns), ("a\nb\nc\n", None))
            for again in (data.convert, data._write):
                again(self.path("table.npz"))
                self.assertEqual(duet.Data(self.path("table.npz")).info.columns, "a\nb\nc\n")
        other = Table(a=x[:9, 0], c=x[:9, 2], b=x[:9, 1])
        with self.assertRaisesRegex(duet.Error, "column 2 of the test examples is 'c', and of those to train on 'b'"):
            duet.Data.from_arrays(table, other)
        duet.Data.from_arrays(table, other[table.columns]).close()
        marked = Table(index=numpy.arange(float(len(x))), a=x[:, 0], label=numpy.arange(float(len(x))) % 3)
        with duet.Data.from_arrays(marked) as data:
            self.assertRegex(data.notes[0], '^array: the column "index" counts the rows')
            self.assertRegex(data.notes[1], '^array: the column "label" holds 3 whole numbers, .*, pass it as labels and the others')
        with duet.Data.from_arrays(marked, name="t.csv") as data:  # no file whose options --labels is
            self.assertRegex(data.notes[1], '^t.csv: the column "label" holds 3 whole numbers, .*, pass it as labels and the others')
        words, dates, gaps = ["u", "v"] * 20, numpy.arange(40).astype("M8[D]"), [1.5, None] * 20
        for column, said in ((words, "leave these texts out"), (dates, "makes days of dates"),
                             (gaps, "20 are missing, as None or NaN, the first in row 1"), (["1", "2"] * 20, "makes numbers")):
            with self.assertRaisesRegex(duet.Error, f"^examples: column 'd' of type .*{said}"):
                duet.Data.from_arrays(Table(a=x[:, 0], d=numpy.array(column)))

        class Twice(Table):  # pandas gives a table of columns that have one name
            ndim = 2

            def __getitem__(self, _):
                return self

        twice = Twice(a=words)
        twice.columns = ["a", "a"]
        with self.assertRaisesRegex(duet.Error, "^examples of type .*leave these texts out"):
            duet.Data.from_arrays(twice)

    def test_rows_in_another_order_are_refused(self):
        x, y, rows = numpy.random.default_rng(0).random((40, 2)), numpy.arange(40) % 3, list(range(40))
        table, turned = Table(a=x[:, 0], b=x[:, 1], rows=rows), Table(y=y[::-1], rows=rows[::-1])
        words = r"labels: the index has the rows of (\w+) in another order; labels.loc\[\1.index\] is in theirs"
        with self.assertRaisesRegex(duet.Error, words):
            duet.Data.from_arrays(table, labels=turned)
        with self.assertRaisesRegex(duet.Error, words.replace("labels", "test_labels")):
            duet.Data.from_arrays(x, table, labels=y, test_labels=turned)
        with self.assertRaisesRegex(duet.Error, words):
            duet.write_points(self.path("turned.png"), table, labels=turned)
        twice = [0, 1] * 20  # which names no row
        for names, of in ((rows, y), (range(40, 80), y), (None, y), (twice, y)):
            duet.Data.from_arrays(table, labels=Table(y=of, rows=names)).close()
        duet.Data.from_arrays(Table(a=x[:, 0], rows=twice), labels=Table(y=y, rows=twice[::-1])).close()
        duet.Data.from_arrays(table, labels=turned["y"]).close()
        with duet.Data.from_arrays(table, labels=Table(y=y, rows=rows)) as data:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                run = duet.train("cvae", data, steps=1, batch=10, settings={"hidden": 4, "latent": 2}, out=self.path("rows"))
            for call in (lambda: run.encode(table, classes=turned), lambda: run.reconstruct(table, classes=turned)):
                with self.assertRaisesRegex(duet.Error, "classes: the index has the rows of examples in another order"):
                    call()
            self.assertEqual(run.encode(table, classes=Table(y=y, rows=rows)["y"]).shape, (40, 2))

    def test_columns_that_float32_does_not_tell_apart_are_told_of(self):
        noise = numpy.random.default_rng(0).random((300, 3))
        seconds = numpy.column_stack([1.7e9 + numpy.arange(300), noise])
        words = r"^array: column 1 of 4 goes from 1700000000 to 1700000299, where float32 numbers lie 128 apart, .*: pass"
        for given in (seconds, (seconds * [1, 1000, 1000, 1000]).astype("i8"), numpy.delete(seconds, 270, 0), seconds[::-1].copy("F")):
            with duet.Data.from_arrays(given) as data:
                self.assertRegex(data.notes[0], "array: column 1 of 4 goes from 1700000000 to 17000002")
                self.assertEqual([note for note in data.notes if "numpy.delete" in note or "column 2" in note[:20]], [])
        with duet.Data.from_arrays(seconds[:200], seconds[200:]) as data:
            self.assertEqual([note for note in data.notes if "float32 numbers lie" in note], data.notes[:1])
        out = self.path("seconds")
        with self.assertWarnsRegex(UserWarning, words):
            duet.train("ae", seconds, steps=1, batch=10, settings={"hidden": 4, "latent": 2}, out=out)
        with warnings.catch_warnings(), mock.patch.object(duet.training, "_monitor") as monitor:
            warnings.simplefilter("error")
            with self.assertRaisesRegex(UserWarning, words):
                duet.train("ae", seconds, steps=1, metrics=["mse"], out=self.path("refused"))
        monitor.assert_not_called()  # what is made only when nothing is raised any more is freed
        for given in (seconds - [1700000000, 0, 0, 0], noise, seconds.astype("f4"), numpy.repeat(seconds, 16, 1)):
            with duet.Data.from_arrays(given) as data:
                self.assertNotIn("float32 numbers lie", "".join(data.notes))

    def test_labels_are_whole_numbers(self):
        x, labels = pictures(6), numpy.array(["b", "a", "b", "a", "b", "a"])
        for given, words in (
            ([0, 1, numpy.nan, 1, 0, 1], r"numpy.isfinite\(labels\) is false"),
            ([0, 0.5, 1, 1, 0, 1], "numbers them, if they are classes"),
            (labels, r"searchsorted\(names, labels\) with names = numpy.unique\(both\), where .*, and class_names=names"),
            (numpy.eye(6), r"pass numpy.asarray\(labels\).argmax\(1\)"),
            ([0, 1, 300, 1, 0, 1], "0 to 255"),
            (numpy.ma.masked_equal([0, 1, 2, 1, 0, 1], 2), "masked"),
            ([0, 1, None, 1, 0, 1], "labels of which 1 are missing, as None or NaN, the first that of example 2"),
            ([[0, 1], [0, 1], [None, 1]] * 2, "labels of which 2 are missing, as None or NaN, the first that of example 2"),
            (["a", "b", numpy.nan, "a", "b", "a"], r"searchsorted"),
            (numpy.array(["a", "b", numpy.nan, "a", "b", "a"], object), "1 are missing"),
            ({i: 0 for i in range(6)}, "labels as a dict; a list with one number an example is expected"),
            ({0, 1}, "labels as a set"),
            ((i % 2 for i in range(6)), r"a generator, where an array .*; numpy.array\(list\(them\)\) makes one"),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                duet.Data.from_arrays(x, labels=given)
        with duet.Data.from_arrays(x, labels=numpy.array([[0], [1], [0], [1], [0], [1]])) as data:
            self.assertEqual(list(data.labels("train", 0, 4)), [0, 1, 0, 1])
        names, numbers = numpy.unique(labels, return_inverse=True)
        with duet.Data.from_arrays(x, labels=numbers, class_names=names) as data:
            self.assertEqual((data.classes, list(data.labels("train", 0, 2))), (["a", "b"], [1, 0]))
        with self.assertRaisesRegex(TypeError, "a list of texts is expected"):
            duet.Data.from_arrays(x, labels=numbers, class_names="ab")
        with self.assertRaisesRegex(duet.Error, r"duet.Data.from_arrays\(x, labels=y\)"):
            duet.train("vae", (x, numbers))

    def test_what_is_drawn_together_has_one_shape(self):
        for draw in (
            lambda: duet.grid(numpy.zeros((4, 8, 8)), originals=numpy.zeros((4, 2, 2))),
            lambda: duet.write_points(self.path("p.png"), numpy.zeros((4, 2)), reference=numpy.zeros((4, 3))),
            lambda: duet.write_points(self.path("p.png"), numpy.zeros(4)),
            lambda: duet.grid(numpy.zeros((4, 5))),
            lambda: duet.grid(numpy.zeros((4, 8, 8, 2))),
            lambda: duet.grid(numpy.zeros((0, 8, 8))),
            lambda: duet.grid(numpy.zeros((4, 8, 8)), originals=numpy.zeros(())),
        ):
            with self.assertRaisesRegex(ValueError, "shape|nothing to be drawn"):
                draw()

    def test_arrays_are_looked_at_as_files_are(self):
        y = numpy.random.default_rng(0).random((20, 6, 5, 3)).astype(numpy.float32)
        turned = numpy.moveaxis(y, -1, 1)
        rgba = (numpy.concatenate([y, y[..., :1]], -1) * 255).astype("u1")
        white = (255 - (255 - rgba[..., :3]) * (rgba[..., 3:] / 255)).round().astype("u1")
        twice = numpy.concatenate([y, y])
        for given, words in (
            (turned, "are the channels first"),
            (numpy.moveaxis(turned, 1, -1), None),
            (rgba, "RGBA"),
            (white, None),
            (twice, "training examples too"),
            (twice[numpy.unique(twice, axis=0, return_index=True)[1]], None),
            ((y, y[:5]), "training examples too"),
        ):
            given = given if isinstance(given, tuple) else (given,)
            with duet.Data.from_arrays(*given) as data:
                notes = data.notes
            self.assertEqual(len(notes), 0 if words is None else 1, notes)
            self.assertIn(words or "", "".join(notes))


@unittest.skipIf(MISSING or pyopencl is None, MISSING or "pyopencl is not installed (python3-pyopencl)")
class OpenCL(Folder):
    """A program with kernels of its own, which shares its queue and its buffers with Duet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        mine = pyopencl.get_platforms()[0].get_devices()[0]
        cls.context = pyopencl.Context([mine])
        cls.queue = pyopencl.CommandQueue(cls.context, mine)
        cls.mine = mine
        cls.kernels = pyopencl.Program(
            cls.context, "__kernel void add(__global float *x, float a) { x[get_global_id(0)] += a; }"
        ).build()
        cls.device = duet.Device.from_opencl(cls.queue)
        cls.addClassCleanup(cls.device.close)

    def plan(self, make, shape):
        graph = duet.Graph(duet.Store(1))
        x = duet.input(graph, "x", "float32", shape)
        y = make(x)
        return duet.Plan(self.device, [y]), x, y

    def test_own_kernels_and_plans_run_in_order(self):
        x = numpy.arange(6000, dtype=numpy.float32).reshape(2000, 3)
        there = pyopencl.array.to_device(self.queue, x)
        back = pyopencl.array.zeros_like(there)
        add = pyopencl.Kernel(self.kernels, "add")
        plan, node, root = self.plan(lambda x: 2 * x + 1, (2000, 3))
        with plan:
            for step in range(10):
                add(self.queue, (6000,), None, there.data, numpy.float32(1))
                plan.write(node, there)
                plan.replay()
                self.assertIs(plan.read(root, out=back), back)
                add(self.queue, (6000,), None, back.data, numpy.float32(5))
            numpy.testing.assert_array_equal(back.get(), 2 * (x + 10) + 6)
            for wrong in (there[:100], there.astype(numpy.float64), there.reshape(3, 2000)):
                with self.assertRaisesRegex(duet.Error, "that shape and type"):
                    plan.write(node, wrong)
            with self.assertRaisesRegex(duet.Error, "24000 from byte 0 on are needed"):
                plan.read(root, out=pyopencl.Buffer(self.context, pyopencl.mem_flags.READ_WRITE, 100))

    def test_states_lie_in_buffers(self):
        there = pyopencl.array.to_device(self.queue, numpy.arange(5, dtype=numpy.float32))
        store = duet.Store(1)
        graph = duet.Graph(store)
        state = duet.state(graph, "mine", "float32", (5,), None)
        store.bind(self.device, "mine", there)
        with duet.Plan(self.device, [duet.assign(state, state * 3)]) as plan:
            plan.replay()
        numpy.testing.assert_array_equal(there.get(), [0, 3, 6, 9, 12])
        with self.assertRaisesRegex(duet.Error, "not ndarray"):
            store.bind(self.device, "mine", numpy.zeros(5, numpy.float32))

    def test_samples_go_to_buffers(self):
        trained = duet.train("ae", pictures(), epochs=1, settings={"hidden": 8}, out=self.path("ae"))
        x = pictures(7)
        with duet.open(trained.directory, device=self.device) as run:
            there = pyopencl.array.zeros(self.queue, (7, 8, 8, 1), numpy.float32)
            self.assertIs(run.reconstruct(x, out=there), there)
            numpy.testing.assert_array_equal(there.get(), run.reconstruct(x))
            with self.assertRaisesRegex(duet.Error, r"an Array of OpenCL's, .* its get\(\) makes one"):
                run.reconstruct(there)
            self.assertEqual(run.reconstruct(there.get().clip(0, 1)).shape, there.shape)
            with self.assertRaisesRegex(duet.Error, "of shape"):
                run.reconstruct(x, out=pyopencl.array.zeros(self.queue, (7, 8, 8), numpy.float32))
        with self.assertRaisesRegex(duet.Error, "Trainer"):
            duet.train("ae", pictures(), device=self.device)
        with duet.Device.from_opencl(self.queue) as device:
            run = duet.open(trained.directory, device=device)
        with self.assertRaisesRegex(duet.Error, "is closed"):
            run.reconstruct(x)

    def test_what_is_given(self):
        for given in (
            dict(context=self.queue),
            dict(queue=self.queue.int_ptr),
            dict(context=self.context),
            dict(context=self.context.int_ptr, device=self.mine.int_ptr),
        ):
            with duet.Device.from_opencl(**given) as device:
                self.assertEqual(device.info.name, self.mine.name)
                graph = duet.Graph(duet.Store(1))
                root = graph.constant(3) + duet.constant_values(graph, [1.0, 2.0])
                with duet.Plan(device, [root]) as plan:
                    plan.replay()
                    device.finish()
                    numpy.testing.assert_array_equal(plan.read(root), [4, 5])
        loose = pyopencl.CommandQueue(
            self.context, self.mine, pyopencl.command_queue_properties.OUT_OF_ORDER_EXEC_MODE_ENABLE
        )
        for given, words in (
            (dict(context=loose), "out of order"),
            (dict(context=self.context, queue=self.queue), "one of them"),
            (dict(), "one of them"),
            (dict(queue=self.queue, device=self.mine), "has its device"),
            (dict(context=self.context.int_ptr), "which device"),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                duet.Device.from_opencl(**given)


if __name__ == "__main__":
    cases.main()
