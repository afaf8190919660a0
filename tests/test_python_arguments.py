#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the Python package refuses of arguments: those without effect, those that would be cut or taken for others, and
things of another kind than is expected.

usage: test_python_arguments.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import os
import pathlib
import re
import sys
import unittest
import warnings

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, Folder, pictures  # noqa: E402

if not MISSING:
    import duet
    import numpy

SMALL = {"latent": 3, "hidden": [8]}


class Refused(Folder):
    def refuses(self, *asked):
        for call, kind, words in asked:
            with self.subTest(words), self.assertRaisesRegex(kind, words):
                call()


class Sets(Refused):
    def test_the_test_split_is_of_all_classes(self):
        x, y = pictures(60), numpy.arange(60) // 20
        self.assertEqual(sorted(duet.Data.from_arrays(x, labels=y).labels("test")), [0, 0, 1, 1, 2, 2])
        for made in (duet.Data.from_arrays(x, labels=y, split="last"),
                     duet.Data.from_function(lambda split, first, count: x[first : first + count], x.shape[1:], 60, labels=y)):
            self.assertEqual(list(made.labels("test")), [2] * 6)
            self.assertEqual([note for note in made.notes if "let them be mixed" in note], made.notes[-1:])

    def test_what_has_no_effect_is_refused(self):
        x, y = pictures(60), numpy.arange(60) % 3
        arrays = duet.Data.from_arrays
        self.refuses(
            (lambda: arrays(x, class_names=["a"]), duet.Error, "class_names= has no effect: there are no labels"),
            (lambda: arrays(x, split="first"), duet.Error, "split='first': it is 'shuffled' or 'last'"),
            (lambda: arrays(x, labels=y, test_labels=y), duet.Error, "test_labels= without examples of a test split"),
            (lambda: arrays(x, x[:9], test_labels=y), duet.Error, r"test_labels of shape \(60,\) for 9 examples"),
            (lambda: arrays(x, labels=y, class_names="abc"), TypeError, "a list of texts is expected"),
            *(
                (lambda names=names: arrays(x, labels=y, class_names=names), duet.Error, f"class_names as a {kind}; a list with")
                for kind, names in (("set", set("abc")), ("frozenset", frozenset("abc")), ("dict", dict(a=1, b=0, c=2)))
            ),
            (lambda: duet.train("vae", (x, y, x)), duet.Error, "3 arrays as data; two are those to train on"),
            (
                lambda: duet.write_points(self.path("p.png"), x[:3, 0, :2], labels=y[:3], reference=x[:3, 0, :2]),
                ValueError,
                "labels and a reference",
            ),
        )
        arrays(x, x[:9], labels=y, test_labels=y[:9], class_names=["a", "b", "c"]).close()
        duet.write_points(self.path("p.png"), x[:3, 0, :2], labels=y[:3])

    def test_rows_of_a_function_are_not_cut(self):
        def rows(value):
            return lambda split, first, count: numpy.full((count, 3), value)

        of = duet.Data.from_function
        self.refuses(
            (lambda: of(rows(0.5), 3, 20, dtype="u1"), duet.Error, "rows of type float64 from 0.5 to 0.5, where uint8"),
            (lambda: of(rows(256), 3, 20, dtype="u1"), duet.Error, "from 256 to 256, .* whole numbers from 0 to 255"),
            (lambda: of(rows(1), 3, 20, dtype="f8"), duet.Error, "dtype=float64; rows are float32, or uint8"),
            (lambda: of(rows(1), (3, 1.5), 20), duet.Error, "an extent of a shape=1.5; a whole number"),
            (lambda: of(rows(1), {8, 4}, 20), duet.Error, "a shape as a set; a list of extents, the outermost first, is"),
            (lambda: of(pictures(20), 3, 20), TypeError, r"ndarray, where function\(split, first, count\)"),
        )
        with of(rows(255), 3, 20, dtype="u1") as data:
            self.assertEqual(data.read().max(), 1)


class Words(Refused):
    def test_a_text_is_neither_yes_nor_a_list(self):
        x, build = pictures(60), lambda model: None
        data = duet.Data.from_arrays(x)
        train = lambda **given: duet.train("vae", x, steps=1, out=self.path("none"), **given)  # noqa: E731
        self.refuses(
            *(
                (lambda name=name: train(**{name: "no"}), duet.Error, f"{name}='no'; True or False is expected")
                for name in ("stream", "progress", "stop_on_collapse", "other_data", "other_model")
            ),
            (lambda: data.set_streaming("no"), duet.Error, "streaming='no'; True or False"),
            (lambda: duet.Family("f", build, averaged="no"), duet.Error, "averaged='no'"),
            (lambda: duet.Family("f", build, groups="net"), TypeError, "'net', where a list of texts is expected"),
            (lambda: duet.choice("k", "a", "ab"), TypeError, "'ab', where a list of texts"),
            (lambda: duet.sizes("k", [8, 1.5]), duet.Error, "1.5; a whole number"),
            (lambda: duet.Family("f", build, settings={"lr": 1}), TypeError, "'lr' as a setting; duet.number"),
            (lambda: duet.Family("f", build, settings=[duet.number(3, "lr")]), TypeError, "key=an int, where a text"),
            (lambda: duet.Family("f", build, settings=[duet.number("k", 1, "low")]), TypeError, "low='low', where a number"),
            (lambda: duet.Family("f", build, settings=[duet.count("k", 1, low=None)]), TypeError, "low=None, where a number"),
            (lambda: duet.Family("f", build, settings=[{"kye": 1}]), TypeError, "no field 'kye'; it has key"),
            (lambda: duet.optimiser("adam", lr=1), TypeError, "no field 'lr'; it has kind, learning_rate"),
            (lambda: train(settings=[("latent", 3)]), duet.Error, "a dict is expected, as in settings="),
            (lambda: train(settings=5), duet.Error, "settings=5; a dict is expected"),
            (lambda: train(metrics=5), TypeError, "an int, where a list of texts"),
            (lambda: duet.training_size("vae", {"latnt": 1}), duet.Error, 'no setting "latnt"'),
            (lambda: duet.grid([[[numpy.nan]]]), ValueError, "1 of 1 are not finite, .*; numpy.nan_to_num"),
            (lambda: duet.grid(x).save(5), TypeError, "os.PathLike object, not int"),
        )
        self.assertFalse(os.path.exists(self.path("none")))
        data.set_streaming(numpy.bool_(True))

    def test_callbacks_are_looked_at_before_the_training(self):
        for name in ("on_epoch", "log"):
            call = lambda: duet.train("vae", pictures(), epochs=1, out=self.path(name), **{name: 5})  # noqa: E731
            self.refuses((call, TypeError, f"{name} is an int; a function is expected"))
            self.assertFalse(os.path.exists(self.path(name)))
        for said in ({"mine": "b"}, {1: 2}):
            out = self.path(f"said-{list(said)[0]}")
            call = lambda: duet.train(  # noqa: E731
                "vae", pictures(), epochs=1, out=out, settings=SMALL, on_epoch=lambda run, epoch: said
            )
            self.refuses((call, TypeError, f"on_epoch returned {list(said)[0]!r}: .*; a name and a number are expected"))
        self.refuses((lambda: duet.Family("f", 5), TypeError, "build is an int; a function"))


class Models(Refused):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = duet.Data.from_arrays(pictures(60))
        cls.device = duet.Device()
        cls.addClassCleanup(cls.data.close)
        cls.addClassCleanup(cls.device.close)

    def test_things_are_what_is_expected(self):
        model, graph = duet.Model("vae", self.data, SMALL), duet.Graph(duet.Store(1))
        x, net = duet.input(graph, "x", "float32", (2, 3)), duet.Store(1).group("net")
        self.refuses(
            (lambda: duet.Model("vae", pictures()), TypeError, r"a duet.Data is expected: duet.Data.from_arrays\(x\)"),
            (lambda: duet.Trainer("cpu", model), TypeError, r"'cpu', where a duet.Device is expected: duet.Device\(\)"),
            (lambda: duet.Trainer(self.device, "vae"), TypeError, "'vae', where a duet.Model"),
            (lambda: duet.Trainer(self.device, model, 1.5), duet.Error, "batch=1.5; a whole number"),
            (lambda: duet.Graph(5), TypeError, "an int, where a duet.Store"),
            (lambda: duet.Data(pictures()), TypeError, r"an ndarray, .*; duet.Data.from_arrays\(x\) takes"),
            (lambda: duet.Plan(self.device, [x]).read(None), TypeError, "None, where a duet.Node is expected"),
            (lambda: duet.Plan("cpu", [x]), TypeError, "'cpu', where a duet.Device"),
            (lambda: duet.Plan(self.device, x), TypeError, "a Node, where a list of nodes"),
            (lambda: duet.grad(x, x), TypeError, "a Node, where a list of nodes"),
            (lambda: duet.dense("net", "h", x, 4), TypeError, "'net', where a group, a graph or a model"),
            (lambda: duet.dense(net, "h", x, 4.5), duet.Error, "out=4.5; a whole number"),
            (lambda: duet.sum(x, axes=0.5), duet.Error, "axis=0.5; a whole number"),
            (lambda: x[0.5], TypeError, "index 0.5 of a node"),
            (lambda: duet.permute(x, [0, "a"]), duet.Error, "each is named once"),
            (lambda: duet.permute(x, {1, 0}), duet.Error, "the order of dimensions as a set; a list"),
            (lambda: duet.input(graph, "y", "float32", (2, 1.5)), duet.Error, "an extent of a shape=1.5"),
            (lambda: net.set_spectral_norm(None), duet.Error, "normalises=None; True or False"),
            (lambda: net.set_initialiser(("normal",)), duet.Error, "a word and its scale"),
            (lambda: self.device.set_log(5), TypeError, "a function is expected"),
            (lambda: self.device.set_profiling("no"), duet.Error, "profiling='no'"),
        )

    def test_what_starts_a_variable_is_a_number_or_a_word(self):
        graph = duet.Graph(duet.Store(1))
        words = "as an initialiser; a number, a word or a word and its scale"
        self.refuses(
            *(
                (lambda start=start: duet.state(graph, "q", "float32", (2,), start), duet.Error, words)
                for start in ([1, 2], [1.0, 2.0], numpy.array([1.0, 2.0]), {}, {1, 2})
            )
        )
        half = duet.state(graph, "half", "float32", (2,), numpy.float32(0.5)) + 0.0
        plan = duet.Plan(duet.Device(), [half])
        plan.replay()
        numpy.testing.assert_array_equal(plan.read(half), [0.5, 0.5])

    def test_nothing_is_no_node_and_no_path(self):
        x = pictures(60)
        trainer = duet.Trainer(duet.Device(), duet.Model("ae", duet.Data.from_arrays(x), {"hidden": 8}), 20)
        self.refuses(
            (lambda: duet.concat([], 0), duet.Error, "a list of no nodes"),
            (lambda: trainer.save(None), TypeError, "not NoneType"),
            (lambda: trainer.load(None), TypeError, "not NoneType"),
        )
        self.assertEqual(duet.window_count(duet.window_valid(2, 1), 2**31, 8), 0)

    def test_a_plan_is_filled_with_what_it_is_given(self):
        graph = duet.Graph(duet.Store(1))
        bytes_, floats = (duet.input(graph, kind, kind, (2,)) for kind in ("uint8", "float32"))
        with duet.Plan(self.device, [duet.one_hot(bytes_, 3) + 0 * duet.reshape(floats, (2, 1))]) as plan:
            self.refuses(
                (lambda: plan.write(bytes_, [0.9, 1]), duet.Error, "float64 from 0.9 to 1, where uint8 is expected"),
                (lambda: plan.write(bytes_, [256, 1]), duet.Error, "from 1 to 256, where uint8"),
                (lambda: plan.write(bytes_, [-1, 1]), duet.Error, "from -1 to 1, where uint8"),
                (lambda: plan.write(floats, [1j, 1]), duet.Error, "complex128; real numbers are expected"),
                (lambda: duet.constant_values(graph, ["1"]), duet.Error, "real numbers are expected"),
            )
            plan.write(bytes_, [2, 1])
            plan.write(floats, [1, 2])

    def test_a_number_alone_has_no_extents(self):
        graph = duet.Graph(duet.Store(1))
        x, three = duet.input(graph, "x", "float32", ()), duet.constant_values(graph, 3)
        root = x * 2 + three
        self.assertEqual(three.shape, ())
        with duet.Plan(self.device, [root]) as plan:
            for number in (5, numpy.float32(5), numpy.array(5, "f4"), numpy.array(5)):
                plan.write(x, 0)
                plan.write(x, number)
                plan.replay()
                value = plan.read(root)
                self.assertEqual((value.shape, float(value)), ((), 13))
            self.refuses((lambda: plan.write(x, [5]), duet.Error, r"an array of shape \(1,\) .* for <node \[\] float32>"))

    def test_a_model_is_composed_while_it_is_built(self):
        kept = []

        def build(model):
            kept.append(model)
            net = model.group("net")
            nll = duet.batch_mean(duet.bernoulli_nll(duet.dense(net, "out", model.batch(), 64), model.batch()))
            model.phase("train", 1)
            model.minimise(nll, net)

        made = duet.Model(duet.Family("own", build), self.data)
        trainer = duet.Trainer(self.device, made, 20)
        self.addCleanup(trainer.close)
        self.assertTrue(kept)
        kept.append(made)
        while_it_runs = "for the function that builds a model"
        for model in kept:
            self.assertFalse(model is made and duet.setting_is(model, "nope", "x"))
            self.refuses(
                (lambda: model.batch(), duet.Error, while_it_runs),
                (lambda: model.graph, duet.Error, while_it_runs),
                (lambda: model.phase("train", 1), duet.Error, while_it_runs),
                (lambda: model.batch_size(), duet.Error, while_it_runs),
                (lambda: model.warn("a"), duet.Error, while_it_runs),
                (lambda: model.setting("nope"), duet.Error, "no setting 'nope'" if model is made else while_it_runs),
            )
        self.assertEqual(made.group("net").name, "net")
        self.assertGreater(made.setting("lr"), 0)


    def test_what_is_kept_of_a_build_is_refused(self):
        kept = {}

        def build(model):
            x = model.batch()
            net, rows = model.group("net"), model.batch_size()
            by_store = model.store.group("net")

            def decode(m, z):  # called when the model is built, and for what is asked of it later
                kept["z"], kept["last"] = z, m
                return duet.sigmoid(duet.dense(by_store, "out", z, duet.features(m.batch())))

            z = duet.dense(net, "in", x, 3)
            nll = duet.batch_mean(duet.bernoulli_nll(duet.dense(net, "out", z, duet.features(x)), x))
            model.phase("train", 1)
            model.minimise(nll, net)
            model.output("latent", z)
            model.output("decode", decode(model, model.latent(3)))
            model.invert(decode)
            self.assertGreater(rows, 0)
            kept.update(model=model, x=x, net=net, store=model.store)

        def on_epoch(run, epoch):
            kept["run's"] = run.model
            self.assertGreater(run.model.setting("lr"), 0)

        def refused():
            while_it_runs = "for the function that builds a model"
            self.refuses(
                *((lambda model=kept[name]: model.setting("lr"), duet.Error, while_it_runs) for name in ("model", "last")),
                (lambda: kept["model"].group("net"), duet.Error, while_it_runs),
                *((lambda node=kept[name]: node.shape, duet.Error, while_it_runs) for name in ("x", "z")),
                (lambda: kept["x"] + 1, duet.Error, while_it_runs),
                (lambda: kept["net"].parameters, duet.Error, while_it_runs),
                (lambda: duet.dense(kept["net"], "more", kept["x"], 3), duet.Error, while_it_runs),
                (lambda: kept["store"].group("net"), duet.Error, "this Store is closed"),
            )
            self.assertEqual(repr(kept["x"]), "<node, closed>")

        family, x = duet.Family("own", build), pictures(60)
        run = duet.train(family, x, epochs=1, batch=20, out=self.path("own"), on_epoch=on_epoch)
        refused()
        self.refuses((lambda: kept["run's"].setting("lr"), duet.Error, "this Model is closed"))
        self.assertEqual(run.procedure("invert", x[:2], steps=2, restarts=1)["inverse"].shape, (2, 3))
        refused()
        run.close()
        refused()
        graph = duet.Graph(duet.Store(1))
        node, group = graph.constant(3) + 1, duet.Store(1).group("net")
        graph.close()
        group.keeps.close()
        self.refuses(
            (lambda: node.shape, duet.Error, "this Graph is closed"),
            (lambda: group.name, duet.Error, "this Store is closed"),
        )


class Metrics(Refused):
    def test_arrays_are_known_as_those_of_the_training(self):
        x, y = pictures(600), numpy.arange(600) % 3
        settings = dict(steps=2, batch=50)
        for number, data in enumerate(
            (
                x,
                (x[:500], x[500:]),
                duet.Data.from_arrays(x.astype(numpy.float32) / 255),
                duet.Data.from_arrays(x, labels=y, class_names=["a", "b", "c"]),
                duet.Data.from_arrays(x[:500], x[500:], labels=y[:500], test_labels=y[500:]),
            )
        ):
            run = duet.train("vae", data, settings=SMALL, out=self.path(f"own-{number}"), **settings)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                self.assertIn("memorisation", run.evaluate("memorisation"))
            run.close()

    def test_what_is_left_out_is_told_of(self):
        run = duet.train("vae", pictures(), settings=SMALL, steps=2, batch=50, out=self.path("few"))
        with self.assertWarnsRegex(UserWarning, "^memorisation is left out: memorisation needs at least 50 training"):
            values = run.evaluate()
        self.assertIn("elbo", values)
        said = re.search(r"run.evaluate\((.*?)\)", duet.Run.evaluate.__doc__)[1]
        self.assertIn("mse", run.evaluate(*re.findall('"(.*?)"', said)))
        self.assertNotIn("memorisation", values)
        self.refuses((lambda: run.evaluate(5), TypeError, "an int, where a list of texts"))

    def test_labels_of_one_class_are_told_of(self):
        x, y = pictures(60), numpy.arange(60) % 3
        training = dict(labels=y[:50], test_labels=y[50:])
        data = duet.Data.from_arrays(x[:50], x[50:], **training)
        run = duet.train("classifier", data, steps=2, batch=25, out=self.path("judge"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            run.evaluate("accuracy")
        numpy.savez(self.path("one.npz"), x_train=x[:50], y_train=y[:50], x_test=x[50:], y_test=numpy.ones(10, int))
        other = duet.Run(self.path("judge"), data=self.path("one.npz"))
        with self.assertWarnsRegex(UserWarning, "all 10 labels of the test split are one class, 1"):
            other.evaluate("accuracy")


if __name__ == "__main__":
    cases.main()
