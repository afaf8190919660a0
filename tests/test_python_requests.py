#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the Python package says of requests that are not what was meant: numbers of another scale, what has no effect,
what is missing, and values of the wrong kind.

usage: test_python_requests.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import functools
import json
import os
import pathlib
import re
import shutil
import sys
import tempfile
import unittest
import warnings
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, Folder, Table, pictures  # noqa: E402

if not MISSING:
    import duet
    import numpy

SMALL = {"latent": 3, "hidden": [8]}


@functools.lru_cache(maxsize=None)
def trained():
    """Data, and runs of a few steps, as what they say does not go by what they have learnt: {name: it}."""
    folder = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(folder.cleanup)
    x = pictures()
    data = duet.Data.from_arrays(x, labels=numpy.arange(200) % 3, class_names=["a", "b", "c"])
    made = {"x": x, "wide": x.astype(numpy.float32) / 127.5 - 1, "data": data}
    for name, family, learnt, settings in (
        ("vae", "vae", x, SMALL),
        ("cvae", "cvae", data, SMALL),
        ("judge", "classifier", data, {}),
        ("ae", "ae", made["wide"], SMALL),
    ):
        out = os.path.join(folder.name, name)
        made[name] = duet.train(family, learnt, steps=2, batch=20, settings=settings, out=out)
        unittest.addModuleCleanup(made[name].close)
    return made


class Asked(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, made in trained().items():
            setattr(cls, name, made)

    def refuses(self, *asked):
        for call, words in asked:
            with self.subTest(words), self.assertRaisesRegex(duet.Error, words):
                call()

    def warnings_of(self, call):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            call()
        self.assertEqual({one.filename for one in said} - {__file__}, set())
        return [str(one.message) for one in said]


class Scales(Asked):
    def test_examples_of_another_scale_are_told_of(self):
        x, wide = self.x.astype(numpy.float32), self.wide
        for run, examples, words in (
            (self.ae, x, "go from 0 to 255, those that .*ae was trained on from -1 to 1: are they of another scale"),
            (self.ae, x / 255, "go from 0 to 1, those"),
            (self.ae, wide / 100, "go from -0.01 to 0.01, those"),
            (self.ae, wide[:3] + 10, "go from 9 to 11, those"),
            (self.ae, 100 * wide[:3], "go from -100 to 100, those"),
            (self.vae, self.x // 255, "go from 0 to 0.00392157, those"),
        ):
            for ask in (run.encode, run.reconstruct, lambda given: run.ask("latent", examples=given)):
                said = self.warnings_of(lambda: ask(examples))
                self.assertEqual(len(said), 1, said)
                self.assertRegex(said[0], "^the examples of the request: their values " + words)
        self.assertEqual(len(self.warnings_of(lambda: self.judge.classify(self.x // 255))), 1)

    def test_examples_of_that_scale_are_not(self):
        for examples in (self.wide, self.wide[:1], self.wide[:9] / 100, abs(self.wide[:9]), 3 * self.wide, self.wide + 1.5):
            self.assertEqual(self.warnings_of(lambda: self.ae.encode(examples)), [])
        self.assertEqual(self.warnings_of(lambda: self.vae.encode(self.x)), [])
        with self.assertRaisesRegex(duet.Error, "holds 255, and the model has learnt values in"):
            self.assertEqual(self.warnings_of(lambda: self.vae.encode(self.x.astype("f4"))), [])

    def test_points_far_from_generated_ones_are_told_of(self):
        ring = duet.train("vae", "ring8", steps=1, out=self.path("ring"), settings={"hidden": 8})
        points = numpy.linspace(-1, 1, 40, dtype="f4").reshape(20, 2)
        self.assertEqual(self.warnings_of(lambda: ring.encode(points)), [])
        said = self.warnings_of(lambda: ring.encode(1000 * points))
        self.assertRegex(said[0], "go from -1000 to 1000, those that .*ring was trained on from -1.05 to 1.05")

    def test_rows_that_a_run_was_trained_on_are_told_of(self):
        turned, path = self.wide[::-1].copy(), self.path("turned.npy")
        numpy.save(path, turned)
        for data in (path, turned):
            said = self.warnings_of(lambda: duet.open(self.ae.directory, data=data).evaluate("mse"))
            self.assertEqual(sum("test examples are rows that" in one for one in said), 1, said)
        self.assertEqual(self.warnings_of(lambda: duet.open(self.ae.directory, data=self.wide).evaluate("mse")), [])

    def test_data_that_a_run_is_opened_on_are_told_of(self):
        path = self.path("big.npy")
        numpy.save(path, 10 * self.wide)
        for data in (path, 10 * self.wide):
            said = self.warnings_of(lambda: duet.open(self.ae.directory, data=data).evaluate("mse"))
            self.assertEqual(sum("go from -10 to 10, those that" in one for one in said), 1, said)
        self.assertEqual(self.warnings_of(lambda: self.ae.evaluate("mse")), [])
        with self.assertRaisesRegex(duet.Error, "was trained on values that leave"):
            self.assertEqual(self.warnings_of(lambda: duet.open(self.ae.directory, data=abs(self.wide))), [])

    def test_a_judge_of_other_numbers_is_told_of(self):
        labels = numpy.arange(200) % 3
        weak = duet.Data.from_arrays(self.x.astype(numpy.float32) / 2550, labels=labels)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            judge = duet.train("classifier", weak, steps=2, batch=20, out=self.path("weak"))
        said = self.warnings_of(lambda: self.cvae.evaluate("agreement", judge=judge))
        self.assertEqual([one.split(":")[0] for one in said[:-1]], ["array", "array"])
        self.assertRegex(said[0], "are they of another scale")
        self.assertRegex(said[1], "its classes have names and those of .*weak none")
        said = self.warnings_of(lambda: self.cvae.evaluate("agreement", judge=self.judge))
        self.assertRegex("".join(said), "^the judge is right about .* of the test examples of array, and .* may be guessing[^:]*$")

        said = self.warnings_of(lambda: self.cvae.evaluate("agreement", judge=self.judge.directory))
        self.assertRegex("".join(said), "^how good the judge is is not known: .*array")
        for judge, words in ((self.judge, "may be guessing"), (self.judge.directory, "how good the judge is is not known: .*array")):
            watched = dict(steps=2, batch=20, metrics=["agreement"], judge=judge)
            said = self.warnings_of(lambda: duet.train("cvae", self.data, **watched))
            self.assertEqual(len([one for one in said if "the judge" in one]), 1, said)
            self.assertRegex("".join(said), words)

    def test_a_judge_without_features_is_told_of(self):
        def build(model):
            logits = duet.dense(model.group("net"), "only", model.batch(), 3)
            model.phase("learn", 1)
            loss = duet.batch_mean(duet.softmax_cross_entropy(logits, model.labels()))
            model.report("loss", loss)
            model.minimise(loss, model.group("net"))
            model.output("class_logits", logits)

        judge = duet.train(duet.Family("plain", build), self.data, steps=2, batch=20, out=self.path("plain"))
        with self.assertRaisesRegex(duet.Error, "\"frechet\" cannot be .*: the judge's model has no output \"features\""):
            self.vae.evaluate("frechet", judge=judge)

    def test_a_judge_that_guesses_is_told_of(self):
        x, y = self.x.copy(), numpy.arange(200) % 2
        x[:, :4, :4] = 255 * y[:, None, None]
        numpy.savez(self.path("told.npz"), x_train=x[:160], x_test=x[160:], y_train=y[:160], y_test=y[160:])
        guesses = "^the judge is right about .* of the test examples of .*, and who always says their commonest class is right about "
        guesses += r"0.5.*: the judge may be guessing, .* train it longer \(duet.train with resume=JUDGE and more epochs\)$"
        for data in (self.path("told.npz"), duet.Data.from_arrays(x, labels=y)):
            small = dict(batch=20, settings=SMALL, steps=2)
            run = duet.train("vae", data, out=self.path("judged"), **small)
            bad, good = (duet.train("classifier", data, batch=20, epochs=4, settings={"lr": lr}, out=self.path(f"judge-{lr}"))
                         for lr in (0, 0.01))
            for call in (lambda judge: run.evaluate("inception-score", judge=judge),
                         lambda judge: duet.train("vae", data, out=self.path("w-" + judge.name), metrics=["inception-score"], judge=judge, **small)):
                told, silent = (self.warnings_of(lambda: call(judge)) for judge in (bad, good))  # noqa: B023
                self.assertEqual(([bool(re.match(guesses, one)) for one in told], silent), ([True], []), told)
            for one in ("judged", "judge-0", "judge-0.01", "w-judge-0", "w-judge-0.01"):
                shutil.rmtree(self.path(one))

    def test_a_judge_is_weighed_once(self):
        data, y = self.path("once.npz"), numpy.arange(200) % 2
        numpy.savez(data, x_train=self.x[:160], x_test=self.x[160:], y_train=y[:160], y_test=y[160:])
        run = duet.train("vae", data, out=self.path("once"), batch=20, settings=SMALL, steps=2)
        asked = dict(batch=20, steps=1, settings={"lr": 0})
        judge = duet.train("classifier", data, out=self.path("weighed"), **asked)
        with mock.patch.object(sys.modules["duet.run"], "doubt_of_judge", wraps=duet.evaluation.doubt_of_judge) as weigh:
            said = [self.warnings_of(lambda: run.evaluate("inception-score", judge=judge)) for _ in range(3)]
            self.assertEqual((said, len(said[0]), weigh.call_count), ([said[0]] * 3, 1, 1))
            run.evaluate("inception-score", judge=duet.train(resume=judge, steps=2))
            self.assertEqual(weigh.call_count, 2)

    def test_a_judge_is_not_weighed_before_mistakes(self):
        weak = duet.Data.from_arrays(self.x, labels=numpy.arange(200) % 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            judge = duet.train("classifier", weak, batch=20, steps=1, settings={"lr": 0}, out=self.path("early"))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            with self.assertRaisesRegex(duet.Error, "none of the metrics that are watched asks the judge"):
                duet.train("vae", weak, batch=20, steps=1, settings=SMALL, out=self.path("late"), metrics=["mse"], judge=judge)
        self.assertNotIn("guessing", "".join(str(one.message) for one in said))

    def test_what_is_judged_of_other_data_is_told(self):
        with duet.Data.from_arrays(self.x[:80] // 2) as other, duet.open(self.vae.directory, data=other) as run:
            share = "array has no test set, so that of its 80 examples a tenth is judged"
            for split, said in (("test", [share]), ("train", [])):
                self.assertEqual([one[: len(share)] for one in self.warnings_of(lambda: run.evaluate("mse", split=split))], said)
        self.assertEqual(self.warnings_of(lambda: self.vae.evaluate("mse")), [])
        directory = shutil.copytree(self.vae.directory, self.path("speeds"))
        with duet.open(directory, data=self.x) as run:
            self.assertEqual(self.warnings_of(lambda: run.evaluate("cost")), [])
            pathlib.Path(directory, "metrics.jsonl").write_text('{"step": 2, "epoch": 0.2, "split": "train", "other": 1}\n')
            self.assertRegex("".join(self.warnings_of(lambda: run.evaluate("cost"))), r"another one\? \(step-ms and images-per")
            pathlib.Path(directory, "metrics.jsonl").unlink()
            self.assertRegex("".join(self.warnings_of(lambda: run.evaluate("cost"))), "^step-ms and images-per-second are left out")

    def test_a_judge_that_does_not_fit_costs_what_needs_one(self):
        two = duet.Data.from_arrays(self.x, labels=numpy.arange(200) % 2)
        judge = duet.train("classifier", two, steps=2, batch=20, out=self.path("two"))
        unfit = "the judge knows 2 classes and the data of the run has 3"
        for names, said in ((["elbo"], ["judge= has no effect: none of these metrics asks one"]),
                            (["elbo", "classes"], [f"the judge is left out: {unfit}"])):
            self.assertEqual(self.warnings_of(lambda: self.cvae.evaluate(*names, judge=judge)), said)
        with self.assertRaisesRegex(duet.Error, unfit):
            self.cvae.evaluate("inception-score", judge=judge)
        with self.assertRaisesRegex(duet.Error, "for models that sample, with a judge"):  # it is forgotten
            self.cvae.evaluate("inception-score")

    def test_a_split_without_labels_costs_what_reads_them(self):
        half = duet.Data.from_arrays(self.x[:150], self.x[150:], labels=numpy.arange(150) % 3, class_names=["a", "b", "c"])
        run, values = duet.open(self.cvae.directory, data=half), {}
        said = self.warnings_of(lambda: values.update(run.evaluate()))
        self.assertIn("neighbour-spread", values)
        self.assertNotIn("elbo", values)
        lack = "elbo is made of examples and their classes, which cvae is told, and the test split of array has no labels"
        self.assertIn(f"elbo is left out: {lack}", said)
        some = lambda: self.assertEqual(list(run.evaluate("elbo", "neighbour-spread")), ["neighbour-spread"])  # noqa: E731
        self.assertIn(f"elbo is left out: {lack}", self.warnings_of(some))
        self.refuses((lambda: run.evaluate("elbo"), lack), (lambda: run.evaluate("elbo", "mse"), lack),
                     (lambda: run.evaluate("neighbour-spread", "elboo"), "no metric \"elboo\""))

    def test_a_judge_is_taken_off_whatever_is_raised(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, kind in (("agrement", duet.Error), (5, TypeError), ("mse", UserWarning)):
                with self.subTest(name), mock.patch.object(duet.c, "run_set_judge", wraps=duet.c.run_set_judge) as set_judge:
                    with self.assertRaises(kind):
                        self.cvae.evaluate(name, judge=self.judge)
                    self.assertEqual([call.args[1] is None for call in set_judge.call_args_list], [False, True])
        with self.assertRaisesRegex(duet.Error, "judge"):
            self.cvae.evaluate("agreement")

    def test_notes_of_a_trainings_data_are_not_repeated(self):
        path = self.path("weak.npy")
        numpy.save(path, self.x.astype(numpy.float32))
        given = dict(steps=2, batch=100, settings={"hidden": 8}, log=lambda line: None)
        self.assertNotEqual(duet.Data(path).notes, [])
        said = []
        ask = lambda run, epoch: said.append(self.warnings_of(lambda: run.evaluate("mse")))  # noqa: E731
        duet.train("ae", path, out=self.path("noted"), on_epoch=ask, **given)
        self.assertEqual([len(one) for one in said], [0] * len(said))
        self.assertNotEqual(said, [])


class Effects(Asked):
    def test_what_has_no_effect_is_refused(self):
        x, vae, z = self.x[:3], self.vae, numpy.zeros((3, 3))
        self.refuses(
            (lambda: vae.ask("sample", 2, settings={"steps": 5}), "setting steps=5 has no effect: nothing that is asked"),
            (lambda: vae.sample(2, settings=["restarts=2"]), "setting restarts=2 has no effect"),
            (lambda: vae.decode(z, settings={"k": 2}), "setting k=2 has no effect"),
            (lambda: vae.ask("sample", 2, settings={"stepz": 5}), "takes KEY=VALUE at use with these keys"),
            (lambda: vae.procedure("invert", x, settings={"steps": 2}), r"are keywords: run.procedure\('invert', x, steps"),
            (lambda: vae.ask("sample", examples=x), "examples= has no effect: nothing that is asked for reads examples"),
            (lambda: vae.ask("latent", examples=x, latents=z), "latents= has no effect"),
            (lambda: self.judge.ask("class_logits", examples=x, classes=1), "classes= has no effect"),
            (lambda: self.judge.ask("class_logits", examples=x, latents=z), "latents are given, and the model reads none"),
            (lambda: vae.sample(3, classes=1), 'the model "vae" reads none'),
        )

    def test_what_has_one_is_not(self):
        x, z = self.x[:3], numpy.zeros((3, 3))
        self.assertEqual(len(self.vae.ask(["nll", "sample"], examples=x)), 2)
        self.assertEqual(len(self.vae.ask(["nll", "decode"], examples=x, latents=z)), 2)
        self.assertEqual(self.vae.sample(3, settings={"weights": "trained"}).shape, (3, 8, 8, 1))
        self.assertEqual(len(self.vae.procedure("invert", x, steps=2, restarts=1)["inverse"]), 3)
        self.assertEqual(len(self.cvae.ask(["sample"], 3, latents=z, classes=["a", "b", "c"])["sample"]), 3)

    def test_counts_agree(self):
        x, vae, z = self.x[:3], self.vae, numpy.zeros((3, 3))
        self.refuses(
            (lambda: vae.sample(5, latents=z), "count=5 with 3 latents; there is one of each a row"),
            (lambda: vae.ask("nll", 5, examples=x), "count=5 with 3 examples"),
            (lambda: vae.procedure("invert", x, 5), "count=5 with 3 examples"),
            (lambda: vae.ask(["nll", "decode"], examples=x, latents=z[:2]), "3 examples with 2 latents"),
            (lambda: self.cvae.sample(3, classes=["a", "b"]), "count=3 with 2 classes"),
            (lambda: self.cvae.encode(x, classes=["a", "b"]), "3 examples with 2 classes"),
            (lambda: self.cvae.sample(classes=[]), "no classes, where one a row"),
        )
        self.assertEqual(len(vae.sample(3, latents=z)), 3)
        self.assertEqual(len(self.cvae.sample(classes=["a", "b"])), 2)
        self.assertEqual(len(self.cvae.sample(classes="a")), 64)

    def test_a_judge_that_nothing_asks_is_told_of(self):
        said = self.warnings_of(lambda: self.vae.evaluate("elbo", judge=self.judge))
        self.assertEqual(said, ["judge= has no effect: none of these metrics asks one"])
        self.assertEqual(self.warnings_of(lambda: self.vae.evaluate("elbo")), [])


class Missing(Asked):
    def test_what_is_missing_is_said_in_words_of_python(self):
        x, cvae = self.x[:3], self.cvae
        self.refuses(
            (lambda: cvae.encode(x), "examples and their classes, and no classes are given: classes=y .* are a, b, c"),
            (lambda: cvae.reconstruct(x), "no classes are given: classes=y"),
            (lambda: cvae.procedure("invert", x, steps=1), "no classes are given: classes=y"),
            (lambda: self.vae.encode(None), r"latent: made of examples, and none are given: run.ask\(\['latent'\], examples=x"),
            (lambda: self.vae.ask("nll", 5), "made of examples, and none are given: .*examples=x"),
        )
        for classes in ("a", 1, ["a", "b", "c"], numpy.array([0, 1, 2]), numpy.array(2), numpy.int64(2), range(3), list(numpy.eye(3)[0])):
            self.assertEqual(cvae.encode(x, classes=classes).shape, (3, 3))

    def test_what_a_model_cannot_do_is_said_as_the_program_does(self):
        x, z = self.x[:3], numpy.zeros((3, 3))
        self.refuses(
            (lambda: self.vae.classify(x), "a model of kind vae cannot classify: a classifier can"),
            (lambda: self.judge.encode(x), r'kind classifier cannot encode: it has no encoder; run.ask\("features"'),
            (lambda: self.judge.sample(3), "kind classifier cannot make samples$"),
            (lambda: self.judge.decode(z), "kind classifier cannot decode latents"),
            (lambda: self.judge.reconstruct(x), "kind classifier cannot reconstruct"),
            (lambda: self.ae.sample(3), r"kind ae cannot make samples: it learns codes, .*; run.reconstruct\(x\) shows"),
        )
        self.assertEqual(len(self.judge.ask("features", examples=x)["features"]), 3)


class Kinds(Asked):
    def test_classes_are_names_or_numbers(self):
        for classes, words in (
            (1.5, "no class '1.5'; there are a, b, c"),
            (True, "no class 'True'"),
            ([1, True, 1], "no class 'True'"),
            ("d", "no class 'd'"),
            ([None, 1, 2], "no class 'None'"),
            (numpy.eye(3), r"classes of shape \(3, 3\); .*numpy.asarray\(classes\).argmax\(1\)"),
            ({"a": 1}, "classes as a dict; a list"),
            ({"a", "b"}, "classes as a set; a list"),
            (frozenset("ab"), "classes as a frozenset; a list"),
            (numpy.ma.masked_equal([0, 1, 2], 1), "classes: a masked array with masked values"),
            (numpy.ma.array(1, mask=True), "classes: a masked array"),
            ([0, numpy.ma.masked, 2], "classes: a masked array"),
            (7, "class 7 is none of the classes 0 to 2"),
        ):
            self.refuses(
                (lambda: self.cvae.sample(3, classes=classes), words),
                (lambda: self.cvae.ask("sample", classes=classes), words),
            )
        for classes in (numpy.eye(3).argmax(1), numpy.ma.array([0, 1, 2]), ("a", "b", "c")):
            self.assertEqual(len(self.cvae.sample(3, classes=classes)), 3)
        bools = numpy.array([True, False, True])  # as labels= takes them
        for classes in (bools, list(bools), [True, False, True]):
            numpy.testing.assert_array_equal(self.cvae.sample(3, classes=classes), self.cvae.sample(3, classes=[1, 0, 1]))
        self.refuses((lambda: self.cvae.encode(self.x[:0], classes=[]), "examples of shape .*: there are none"))

    def test_a_number_that_names_another_class_is_refused(self):
        names = [str(i) for i in (1, 10, 2, 5)]
        data = duet.Data.from_arrays(self.x, labels=numpy.arange(200) % 4, class_names=names)
        run = duet.train("cvae", data, steps=2, batch=20, settings=SMALL, out=self.path("numbers"))
        both = r"class {} is '{}' by its number and number {} by its name: give names as texts"
        self.refuses(
            (lambda: run.sample(3, classes=1), both.format(1, "10", 0)),
            (lambda: run.encode(self.x[:2], classes=numpy.array([0, 1])), both.format(1, "10", 0)),
            (lambda: run.decode(numpy.zeros((2, 3)), classes=[5, 1]), both.format(1, "10", 0)),
            (lambda: run.sample(3, classes=[[1], [2], [3]]), "classes with more than one name or number a row"),
        )
        draw = lambda classes: run.sample(3, seed=1, classes=classes).tolist()  # noqa: E731
        self.assertEqual(draw(2), draw("2"))  # the third by its number too
        self.assertEqual(draw(10), draw("10"))
        self.assertEqual(draw(0), draw("1"))
        self.assertEqual(draw(run.classes[1]), draw("10"))

    def test_columns_are_those_of_the_training(self):
        x = numpy.random.default_rng(0).random((60, 3))
        table = Table(a=x[:, 0], b=x[:, 1], c=x[:, 2])
        run = duet.train("ae", table, steps=2, batch=20, settings=SMALL, out=self.path("table"))
        self.assertEqual(run.record["data"]["columns"], ["a", "b", "c"])
        other = Table(b=x[:, 1], a=x[:, 0], c=x[:, 2])
        self.refuses(
            (lambda: run.encode(other), r"another order: column 1 is 'b' here and 'a' there; table\[\['a', 'b', 'c'\]\]"),
            (lambda: duet.open(run.directory, data=other), "array: the columns are those of .* in another order"),
        )
        numpy.testing.assert_array_equal(run.encode(other[["a", "b", "c"]]), run.encode(x))
        self.assertEqual(self.warnings_of(lambda: run.encode(table) is run.evaluate("mse")), [])
        file = pathlib.Path(self.path("index.csv"))  # as pandas writes one, which reads a column without a name as Unnamed
        file.write_text(",a\n" + "".join(f"{i},{one:.4f}\n" for i, one in enumerate(x[:, 0])))
        indexed = duet.train("ae", str(file), steps=2, batch=20, settings=SMALL, out=self.path("indexed"), log=lambda _: None)
        unnamed = Table(**{"Unnamed: 0": numpy.arange(60.0), "a": x[:, 0]})
        self.assertEqual(self.warnings_of(lambda: indexed.encode(unnamed)), [])
        self.refuses((lambda: indexed.encode(unnamed[["a", "Unnamed: 0"]]), "another order: column 1 is 'a' here and '' there"))
        renamed = Table(a=x[:, 0], b=x[:, 1], z=x[:, 2])
        for call in (lambda: run.encode(renamed), lambda: duet.open(run.directory, data=renamed)):
            self.assertRegex(self.warnings_of(call)[0], "column 3 is 'z', and 'c' in what .*table was trained on: are they")

    def test_examples_are_an_array(self):
        x = self.x
        for examples, words in (
            ([x[:3], x[:2]], r"a list of arrays of shapes \(3, 8, 8\), \(2, 8, 8\).*numpy.concatenate\(list\) joins"),
            ([x[:3], x[:2, :4]], r"arrays of shapes \(3, 8, 8\), \(2, 4, 8\), where one array is expected$"),
            ([[1, 2], [3]], "rows are not equally long"),
            ([x[:3], x[:3]], r"examples of shape \(2, 3, 8, 8\); those of the run are \(8, 8, 1\); numpy.concatenate\(list\) joins"),
            ("x.npy", r"'x.npy', where an array of real numbers is expected; numpy.load\(path\) reads"),
            (self.data, r"a Data, where an array .* its read\(\) gives"),
            ({"x": x}, "a dict, where an array"),
            (x[:3].tobytes(), r"a bytes, where an array .*; numpy.frombuffer\(them, 'u1'\)"),
            (x[:3].astype(object), r"type object; .* array.astype\('f4'\) makes numbers"),
            (x[0].reshape(64), r"shape \(64,\); those of the run are \(8, 8, 1\); array\[None\] is one row"),
        ):
            self.refuses((lambda: self.vae.encode(examples), words))
        self.refuses((lambda: self.vae.decode(numpy.zeros(3)), r"each row has 3 numbers; array\[None\] is one row"))
        for one in (x[0], x[0, :, :, None], x[0].reshape(64)[None]):
            numpy.testing.assert_array_equal(self.vae.encode(one), self.vae.encode(x[:1]))
        self.assertEqual(len(self.vae.encode(numpy.concatenate([x[:3], x[:2]]))), 5)
        self.assertEqual(len(self.vae.encode(self.data.read("test"))), 20)

    def test_outputs_have_names(self):
        room = numpy.zeros((3, 8, 8), numpy.float32)
        self.refuses(
            (lambda: self.vae.ask(None, 2), "outputs=None; a name or a list of names"),
            (lambda: self.vae.ask("sample", 3, out=[room]), "out is list; a dict by the names of outputs"),
            (lambda: self.vae.ask([3], 2), r"outputs=\[3\]; a name"),
            (lambda: self.judge.classify(self.x[:3], out=room), r"^out is an array of shape \(3, 8, 8\) .*; a contiguous"),
            (lambda: self.vae.ask(["nll", "sample"], examples=self.x[:3], out={"sample": room}), r"^out\['sample'\] is"),
        )

    def test_rows_are_as_wide_in_any_batch(self):
        def build(m):
            net, x = m.group("net"), m.batch()
            wide = duet.sigmoid(duet.dense(net, "out", x, 64))
            m.phase("p", 1)
            m.minimise(duet.batch_mean(duet.squared_error(wide, x)), net)
            pairs = duet.uniform(m.graph, (x.shape[0], x.shape[0]))
            m.own_output("noise", duet.concat([duet.slice(x, 1, 0, 1), pairs], 1))

        run = duet.train(duet.Family("pairs", build), self.wide, steps=1, batch=20)
        self.addCleanup(run.close)
        self.assertEqual(run.ask(["noise"], examples=self.wide[:100])["noise"].shape, (100, 101))
        words = 'the output "noise" has rows of 4 numbers in a batch of 3 and of 101 in one of 100'
        self.refuses((lambda: run.ask(["noise"], examples=self.wide[:3]), words))

    def test_outputs_over_examples_are_what_they_are_beside_them(self):
        x = numpy.random.default_rng(2).random((300, 8, 8, 1), numpy.float32)
        apart = self.vae.reconstruct(x.copy())
        for shift in (0, 1, 150, 299, 300):
            room = numpy.zeros((600, 8, 8, 1), numpy.float32)
            room[:300] = x
            with self.subTest(shift):
                numpy.testing.assert_array_equal(self.vae.reconstruct(room[:300], out=room[shift : 300 + shift]), apart)
        z = self.vae.encode(x)
        few = z.shape[1]
        room = numpy.zeros(300 * 64, numpy.float32)
        room[few : few + z.size] = z.ravel()
        drawn = self.vae.decode(room[few : few + z.size].reshape(z.shape), out=room.reshape(300, 8, 8, 1))
        numpy.testing.assert_array_equal(drawn, self.vae.decode(z))
        pair = numpy.zeros((4, 8, 8, 1), numpy.float32)
        asked = {"sample": pair[:3], "reconstruction": pair[1:]}
        self.refuses((lambda: self.vae.ask(list(asked), examples=x[:3], out=asked), r"^out\['sample'\] and out\['reconstruction'\] lie in the same memory"))


class Drawn(Folder):
    """Classes that nobody asks for are as frequent as among the training examples, which samples are compared with."""

    CENTRES = [[9, 9], [0.75, 0.25], [9, 9], [0.25, 0.75]]

    def trained_on(self, name, labels, test):
        """A run whose samples are as the examples of their classes are; of classes 0 and 2 there are none."""
        random, labels = numpy.random.default_rng(3), numpy.asarray(labels)
        x = numpy.float32(self.CENTRES)[labels] + 0.1 * random.random((len(labels), 2), numpy.float32)
        path = self.path(name + ".npz")
        numpy.savez(path, x_train=x[test:], y_train=labels[test:], x_test=x[:test], y_test=labels[:test])

        def build(model):
            group, z = model.group("net"), model.latent(duet.prior_uniform(2, 0.0, 1.0))
            loss = duet.batch_mean(duet.sum(duet.dense(group, "w", model.batch(), 1) ** 2, axes=1))
            model.phase("learn", 1)
            model.report("loss", loss)
            model.minimise(loss, group)
            classes = lambda rows: model.labels() @ duet.constant_values(model.graph, numpy.float32(rows))
            centre, learnt = classes(self.CENTRES), classes([[0, 0], [1, 1], [0, 0], [1, 1]])
            model.output("sample", centre + 0.1 * z)
            model.output("decode", centre + 0.1 * z * learnt)
            model.output("latent", (model.batch() - centre) * 10)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return duet.train(duet.Family("exact", build), path, steps=1, batch=20, out=self.path(name))

    def shares(self, run):
        near = numpy.abs(run.sample(2000)[:, None] - numpy.float32(self.CENTRES) - 0.05).sum(2).argmin(1)
        return numpy.isin(near, (0, 2)).mean(), (near == 3).mean()

    def opened_without_counts(self, run):
        """As a run of before there were any."""
        path = os.path.join(run.directory, "run.json")
        record = json.loads(pathlib.Path(path).read_text())
        del record["data"]["class_counts"]
        pathlib.Path(path).write_text(json.dumps(record))
        return duet.open(run.directory, family=run.family)

    def test_as_often_as_training_examples_have_them(self):
        run = self.trained_on("rare", numpy.where(numpy.arange(600) % 20 == 0, 3, 1), 200)
        self.assertEqual(run.record["data"]["class_counts"], [0, 380, 0, 20])
        strange, rare = self.shares(run)
        self.assertEqual(strange, 0)
        self.assertTrue(0.035 < rare < 0.065, rare)
        said = run.evaluate("memorisation", "latent-mse")
        self.assertTrue(said["memorisation"].low < 0.5 < said["memorisation"].high, said)
        self.assertLess(said["latent-mse"].value, 1e-6)
        before = self.opened_without_counts(run)
        self.assertTrue((before.sample(50) == run.sample(50)).all())
        other = self.path("other.npz")
        with numpy.load(self.path("rare.npz")) as rare:
            numpy.savez(other, **{name: 4 - rows if name[0] == "y" else rows for name, rows in rare.items()})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            asked_of_others = duet.open(run.directory, family=run.family, data=other)
            self.assertTrue((asked_of_others.sample(50) == run.sample(50)).all())
        os.rename(self.path("rare.npz"), self.path("moved.npz"))
        strange, rare = self.shares(duet.open(run.directory, family=run.family))
        self.assertTrue(0.45 < strange < 0.55 and 0.2 < rare < 0.3, (strange, rare))

    def test_alike_of_as_many_each(self):
        run = self.trained_on("alike", numpy.arange(160) % 4, 80)
        before = self.opened_without_counts(run)
        os.remove(self.path("alike.npz"))
        self.assertTrue((duet.open(before.directory, family=run.family).sample(50) == run.sample(50)).all())


class Places(Asked):
    """Where a run lies is where it lay when its path was said, and what it answers is by the weights of then."""

    def go_to(self, name):
        os.makedirs(self.path(name), exist_ok=True)
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.path(name))

    def test_a_run_stays_where_it_was_when_the_program_goes_elsewhere(self):
        given = {"batch": 20, "settings": SMALL, "out": "run"}
        made = {}
        for name, steps in (("here", 1), ("there", 5)):
            self.go_to(name)
            numpy.save("wide.npy", self.wide)
            made[name] = duet.train("ae", "wide.npy", steps=steps, on_epoch=lambda run, epoch: os.chdir("/"), **given)
        self.assertEqual([made[name].record["steps"] for name in made], [1, 5])
        self.go_to("here")
        run = duet.Run("run", data="wide.npy")
        self.go_to("there")
        for one in (run, made["here"]):
            self.assertEqual(one.evaluate("mse"), duet.open(self.path("here/run")).evaluate("mse"))
        self.assertNotEqual(run.evaluate("mse"), made["there"].evaluate("mse"))

    def test_a_path_need_be_no_utf8(self):
        run = duet.train("ae", self.wide, steps=1, batch=20, settings=SMALL, out=os.fsencode(self.path("caf")) + b"\xe9")
        self.assertEqual(os.fsencode(run.directory), os.fsencode(self.path("caf")) + b"\xe9")
        self.assertEqual(run.evaluate("mse"), duet.open(run.directory, data=self.wide).evaluate("mse"))
        path = self.path("caf\udce9.npy")
        numpy.save(path, self.wide)
        with duet.Data(path) as data, duet.Data(data.info.name) as again:
            self.assertEqual((data.info.name, data.info.checksum), (path, again.info.checksum))
            for shown in (repr(data), repr(run), run._repr_html_(), repr(duet.compare([run]))):
                self.assertIn("caf\ufffd", shown)

    def test_a_program_whose_folder_was_removed_trains_all_the_same(self):
        self.go_to("gone")
        os.rmdir(self.path("gone"))
        run = duet.train("ae", self.wide, steps=1, batch=20, settings=SMALL, out=self.path("kept"))
        self.assertEqual(run.directory, self.path("kept"))

    def test_a_run_that_was_trained_further_says_so(self):
        path = self.path("wide.npy")
        numpy.save(path, self.wide)
        run = duet.train("ae", path, steps=1, batch=20, settings=SMALL, out=self.path("further"))
        before = run.evaluate("mse")
        duet.train(resume=run, steps=9)
        said = self.warnings_of(lambda: self.assertEqual(run.evaluate("mse"), before))
        self.assertRegex(said[0], "further has another checkpoint since this run was opened")
        self.assertEqual(self.warnings_of(lambda: run.encode(self.wide)), [])
        self.assertEqual(self.warnings_of(lambda: duet.open(run.directory).evaluate("mse")), [])
        self.assertNotEqual(duet.open(run.directory).evaluate("mse"), before)

    def test_what_is_opened_anew_is_what_it_was(self):
        given = dict(steps=2, batch=20, settings=SMALL)
        run = duet.train("vae", self.x, out=self.path("arrays"), **given)
        judge = duet.train("classifier", self.data, steps=2, batch=20, out=self.path("judging"))
        before = run.evaluate("elbo"), self.cvae.evaluate("agreement", judge=judge)
        self.assertEqual((run.evaluate("elbo"), self.cvae.evaluate("agreement", judge=judge)), before)
        duet.train(data=self.x, resume=run, steps=9)
        duet.train(data=self.data, resume=judge, steps=9)
        anew = "has another checkpoint since this run was opened, .*: duet.open opens it with the new ones"
        watched = dict(metrics=["agreement"], judge=judge, out=self.path("watched"), **given)
        self.refuses(
            (lambda: run.evaluate("elbo"), "arrays " + anew),
            (lambda: self.cvae.evaluate("agreement", judge=judge), "judging " + anew),
            (lambda: duet.train("cvae", self.data, **watched), "judging " + anew),
        )
        self.assertRegex(self.warnings_of(lambda: run.encode(self.x[:2]))[0], "answers are by the weights of then")
        self.refuses((lambda: run.evaluate("elbo"), "arrays " + anew))  # told of or not
        self.assertNotEqual(duet.open(run.directory, data=self.x).evaluate("elbo"), before[0])
        self.assertEqual(len(self.cvae.evaluate("agreement", judge=duet.open(judge.directory))), 1)


if __name__ == "__main__":
    cases.main()
