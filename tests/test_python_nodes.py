#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Nodes in Python: operators beside numpy, gradients, and mistakes in words.

usage: test_python_nodes.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import inspect
import math
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, Folder  # noqa: E402

if not MISSING:
    import duet
    import numpy


class Nodes(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.device = duet.Device()
        cls.addClassCleanup(cls.device.close)

    def compute(self, make, *arrays):
        graph = duet.Graph(duet.Store(1))
        inputs = [duet.input(graph, f"x{i}", "float32", array.shape) for i, array in enumerate(arrays)]
        root = make(*inputs)
        with duet.Plan(self.device, [root]) as plan:
            for node, array in zip(inputs, arrays):
                plan.write(node, array)
            plan.replay()
            return plan.read(root)

    def test_operators_compute_what_numpy_does(self):
        random = numpy.random.default_rng(1)
        a, b = (random.uniform(0.5, 2, shape).astype(numpy.float32) for shape in ((4, 6), (6, 3)))
        formulas = [
            lambda a, b: 2 * a - a / 3 + 1 - -a,
            lambda a, b: 1 / a**2,
            lambda a, b: (a @ b)[1:3, -2:],
            lambda a, b: a[..., 0] * 3 + a[:, 5],
            lambda a, b: b[2] - 7 * a[0, 1],
        ]
        for number, formula in enumerate(formulas):
            with self.subTest(number):
                numpy.testing.assert_allclose(
                    self.compute(lambda x, y: formula(x, y) + 0 * y[0, 0], a, b), formula(a, b), rtol=1e-5
                )
        numpy.testing.assert_array_equal(self.compute(lambda x: (x > 1) + (x <= 0.75), a), (a > 1) * 1.0 + (a <= 0.75))
        numpy.testing.assert_allclose(self.compute(lambda x: duet.sum(x, axes=-1), a), a.sum(-1), rtol=1e-5)

    def test_equality_is_an_operator_too(self):
        a = numpy.array([[1, 2, 3], [3, 2, 0]], numpy.float32)
        for formula in (lambda x: (x == 2) * 1.0 + x, lambda x: (2 != x) * x, lambda x: 1.0 * (x == x)):
            numpy.testing.assert_array_equal(self.compute(formula, a), formula(a))
        chosen = self.compute(lambda x: duet.select(x == 3, 7, x), a)
        numpy.testing.assert_array_equal(chosen, numpy.where(a == 3, 7, a))
        numpy.testing.assert_array_equal(self.compute(lambda x: duet.max(x == 0), a), 1)
        x = duet.Graph(duet.Store(1)).constant(1)
        self.assertEqual({x: "kept"}[x], "kept")
        self.assertTrue(duet.Graph(duet.Store(1)))
        self.assertIs(x == None, False)  # noqa: E711
        self.assertIs(x != "text", True)

    def test_a_node_is_neither_true_nor_an_array(self):
        x = duet.input(duet.Graph(duet.Store(1)), "x", "float32", (2, 3))
        for use in (
            lambda: 0 < x < 3,
            lambda: max(x, 0.0),
            lambda: min(x, x * 2),
            lambda: x if x > 0 else -x,
            lambda: (x > 0) and x,
            lambda: not x,
            lambda: any(x > 0),
            lambda: x * 2 in [x],
            lambda: [x * 2, x].index(x),
        ):
            with self.assertRaisesRegex(TypeError, r"duet\.select.*duet\.maximum.*any\(a is one"):
                use()
        for use, instead in (
            (lambda: numpy.clip(x, 0, 1), r"duet\.clamp"),
            (lambda: numpy.mean(x), r"duet\.mean"),
            (lambda: numpy.where(x > 0, x, 0), r"duet\.select"),
            (lambda: numpy.concatenate([x, x]), r"duet\.concat"),
            (lambda: numpy.prod(x), r"numpy\.prod is for arrays, and a node stands for numbers that are computed later$"),
            (lambda: numpy.asarray(x), r"Plan"),
            (lambda: x * numpy.ones((2, 3)), r"duet\.constant_values"),
            (lambda: numpy.ones((2, 3)) == x, r"duet\.constant_values"),
            (lambda: x == [1, 2, 3], r"a list.*duet\.constant_values"),
            (lambda: (1, 2, 3) != x, r"a tuple.*duet\.constant_values"),
            (lambda: 2.0 in x, r"duet\.max"),
            (lambda: numpy.exp(x), "ufunc"),
            (lambda: float(x), "float"),
            (lambda: list(duet.mean(x)), "one number"),
        ):
            with self.assertRaisesRegex(TypeError, instead):
                use()
        self.assertEqual([row.shape for row in x], [(3,), (3,)])
        for use in (lambda: x * 1e39, lambda: duet.maximum(x, -1e40)):
            with self.assertRaisesRegex(OverflowError, "beyond float32"):
                use()
        self.assertEqual((x * math.inf).shape, x.shape)

    def test_numbers_are_within_float32(self):
        graph = duet.Graph(duet.Store(1))
        x = duet.input(graph, "x", "float32", (3,))
        plan = duet.Plan(self.device, [x * 2])
        for use in (
            lambda: duet.constant_values(graph, [1e39]),
            lambda: plan.write(x, numpy.full(3, -1e39)),
        ):
            with self.assertRaisesRegex(duet.Error, r"1e\+39, beyond what float32 holds"):
                use()
        plan.write(x, numpy.full(3, math.inf))
        duet.constant_values(graph, [math.inf])
        duet.scale(x, 1e39)
        with self.assertRaisesRegex(duet.Error, "scale: 1e\\+39 is beyond float32"):
            graph.check()

    def test_gradients(self):
        a = numpy.array([1, 2, 3], numpy.float32)
        gradient = self.compute(lambda x: duet.grad(duet.sum(x * x * x), [x])[0], a)
        numpy.testing.assert_allclose(gradient, 3 * a * a, rtol=1e-6)

    def test_mistakes_name_the_line(self):
        graph = duet.Graph(duet.Store(1))
        x = duet.input(graph, "x", "float32", (2, 3))
        root = x @ x
        with self.assertRaises(duet.Error) as caught:
            duet.Plan(self.device, [root])
        self.assertEqual(caught.exception.status, "graph")
        self.assertRegex(str(caught.exception), r"test_python_nodes\.py:\d+")
        with self.assertRaises(duet.Error) as caught:
            duet.sum(x, axes=4)
        self.assertIn("axis 4", str(caught.exception))

    def test_a_plan_tells_why_there_is_no_update(self):
        for rate, loss, words in (
            (-0.1, duet.sum, r'test_python_nodes\.py:\d+: the optimiser of "net": learning_rate is -0\.1'),
            (0.1, lambda w: duet.sum(duet.stop_gradient(w)), r'update: the loss does not depend on .* "net"'),
        ):
            store = duet.Store(1)
            graph, net = duet.Graph(store), store.group("net")
            w = duet.parameter(graph, net, "w", (3,), 0)
            with self.assertRaisesRegex(duet.Error, words):
                duet.Plan(self.device, duet.update(net, duet.adam(rate), loss(w)))

    def test_what_follows_a_mistake_does_not_hide_it(self):
        def graph_with_mistake():
            graph = duet.Graph(duet.Store(1))
            return duet.input(graph, "x", "float32", (16, 4)) + duet.input(graph, "y", "float32", (16, 3))

        for use in (
            lambda y: duet.sum(y, 1, False),
            lambda y: y[:, 0],
            lambda y: y.shape[1],
            list,
            lambda y: duet.permute(y, [1, 0]),
            lambda y: y @ y,
        ):
            y = graph_with_mistake()
            with self.assertRaisesRegex(duet.Error, r"test_python_nodes\.py:\d+: add: shapes \[16, 4\] and \[16, 3\] do not"):
                use(y)
        self.assertEqual(repr(y), "<node, of a mistake>")

    def test_functions_have_their_names_of_python(self):
        family = duet.Family("mine", lambda model: model.minimise(duet.sum(model.batch())))
        data = duet.Data.from_arrays(numpy.random.default_rng(0).random((20, 4)))
        with self.assertRaisesRegex(duet.Error, "minimise: open a phase first with model.phase"):
            duet.Trainer(self.device, duet.Model(family, data), 10)
        graph = duet.Graph(duet.Store(1))
        duet.inference_end(graph)
        with self.assertRaisesRegex(duet.Error, "duet.inference_end: no duet.inference_begin came"):
            graph.check()
        for said, here in (
            ("duet_model_batch, duet_with_labels", "model.batch, model.with_labels"),
            ("duet_store_bind and duet_watch", "store.bind and duet.watch"),
            ("(duet_run_set_samples)", "(duet.c.run_set_samples)"),
            ("enum duet_division", "enum duet_division"),
            ("column \"duet_watch\", class 'duet_dense'", "column \"duet_watch\", class 'duet_dense'"),
            ("/home/duet_watch/a duet_watch.npy runs/duet_watch", "/home/duet_watch/a duet_watch.npy runs/duet_watch"),
        ):
            self.assertEqual(duet.library.in_python(said), here)

    def test_a_number_is_a_prior_of_normals(self):
        graph = duet.Graph(duet.Store(1))
        self.assertEqual(duet.prior_draw(graph, 3, 5).shape, (5, 3))
        self.assertEqual(duet.prior_draw(graph, [3, duet.prior_uniform(2, 0, 1)], 5).shape, (5, 5))
        with self.assertRaisesRegex(duet.Error, "is no prior"):
            duet.prior_draw(graph, "normal", 5)

    def test_closed_things_say_so(self):
        store = duet.Store(1)
        store.close()
        with self.assertRaises(duet.Error) as caught:
            duet.Graph(store)
        self.assertIn("closed", caught.exception.message)

    def test_what_is_made_on_something_is_closed_with_it(self):
        data = duet.Data.from_arrays(numpy.random.default_rng(0).random((200, 4)))
        device, store = duet.Device(), duet.Store(1)
        model = duet.Model("ae", data, {"hidden": [4]})
        graph = duet.Graph(store)
        plans = [duet.Plan(on, [graph.constant(3) + 1]) for on in (device, self.device)]
        trainer = duet.Trainer(device, model, 50)
        device.close()
        for use in (trainer.step, plans[0].replay):
            with self.assertRaisesRegex(duet.Error, "made on"):
                use()
        plans[1].replay()
        store.close()
        for use in (plans[1].replay, graph.check):
            with self.assertRaisesRegex(duet.Error, "made on"):
                use()
        data.close()
        with self.assertRaisesRegex(duet.Error, "this Model is closed"):
            duet.Trainer(self.device, model, 50)

    def test_what_a_call_uses_is_freed_behind_it(self):
        x = numpy.random.default_rng(0).random((200, 4), numpy.float32)
        given = []

        def rows(split, first, count):
            for data in given:
                data.close()
            return x[first : first + count]

        data = duet.Data.from_function(rows, (4,), 200)
        given.append(data)
        numpy.testing.assert_array_equal(data.read("train", 3, 5), x[3:8])
        with self.assertRaisesRegex(duet.Error, "this Data is closed"):
            data.read()
        given.clear()
        data = duet.Data.from_function(rows, (4,), 200)
        data.set_streaming()
        run = duet.train("ae", data, epochs=3, batch=16, out=self.path("streamed"), on_epoch=lambda *_: given.append(data))
        self.assertEqual(run.metrics[-1]["step"], 3 * 11)
        data = duet.Data.from_arrays(x)
        run = duet.train("ae", data, epochs=3, batch=16, out=self.path("closed"), on_epoch=lambda *_: data.close())
        self.assertEqual(run.encode(x[:2]).shape[0], 2)

        def build(model):
            data.close()
            net = model.group("net")
            model.phase("fit", 1)
            model.minimise(duet.batch_mean(duet.square(duet.dense(net, "out", model.batch(), 1))), net)

        data = duet.Data.from_arrays(x)
        model = duet.Model(duet.Family("closes", build), data)
        with duet.Trainer(self.device, model, 50) as trainer:
            trainer.step()

    def test_variables_are_read_and_written_as_what_they_are(self):
        store = duet.Store(1)
        graph = duet.Graph(store)
        count = duet.state(graph, "count", "uint32", (), 5)
        pair = duet.state(graph, "pair", "float32", (4,), 2)
        with duet.Plan(self.device, [duet.assign(count, duet.increment(count)), pair * 2]) as plan:
            plan.replay()
            self.assertEqual((store.read(self.device, "count").dtype, int(store.read(self.device, "count"))), (numpy.uint32, 6))
            store.write(self.device, "count", 7)
            plan.replay()
            self.assertEqual(int(store.read(self.device, "count", (), numpy.uint32)), 8)
            store.write(self.device, "pair", [1, 2, 3, 4])
            store.write(self.device, "pair", numpy.arange(4), numpy.float32)
            numpy.testing.assert_array_equal(store.read(self.device, "pair", 4), numpy.arange(4, dtype=numpy.float32))
            for use, said in (
                (lambda: store.read(self.device, "count", (), numpy.float32), r'"count" is of shape \(\) and type uint32, and not float32'),
                (lambda: store.read(self.device, "pair", (2,), numpy.float64), r"of shape \(4,\) and type float32, and not \(2,\)"),
                (lambda: store.read(self.device, "pair", dtype=numpy.uint32), "and not uint32"),
                (lambda: store.read(self.device, "pair", (2, 2)), r"and not \(2, 2\)"),
                (lambda: store.write(self.device, "pair", numpy.ones((2, 2))), r"and not \(2, 2\)"),
                (lambda: store.write(self.device, "pair", numpy.ones(4), numpy.uint32), "and not uint32"),
                (lambda: store.write(self.device, "count", 1.5), "where uint32 is expected"),
                (lambda: store.write(self.device, "count", -1), "where uint32 is expected"),
                (lambda: store.read(self.device, "nothing"), 'no variable "nothing"'),
            ):
                with self.subTest(said), self.assertRaisesRegex(duet.Error, said):
                    use()
        self.assertEqual(int(store.read(self.device, "count")), 8)


class Nothing(Folder):
    """None where something is expected: refused in words, by every function, before the library reads through it."""

    def build(self, use):
        """What use(model, group, node) gives, in a function that builds a model."""
        given = []

        def build(model):
            net, x = model.group("net"), model.batch()
            model.phase("train", 1)
            loss = duet.mean(duet.square(duet.dense(net, "out", x, 4) - x))
            model.report("loss", loss)
            model.minimise(loss, net)
            given.append(use(model, net, x))

        data = duet.Data.from_arrays(numpy.zeros((20, 4), numpy.float32), labels=numpy.arange(20) % 2)
        with duet.Device() as device, duet.Model(duet.Family("own", build, settings=[duet.number("it", 1)]), data) as model:
            duet.Trainer(device, model, 10).close()
        return given[0]

    def all_functions(self, model, group, x):
        pictures = duet.reshape(x, (x.shape[0], 2, 2, 1))
        by_hint = {"Operand": x, "Optional[Operand]": x, "Graph": model.graph, "Model": model, "Group": group,
                   "Optional[Group]": group, "str": "it", "int": 1, "float": 0.5, "bool": True, "ShapeLike": (2, 3),
                   "InitialiserLike": 0, "Axes": 0, "Sequence[Node]": [x], "Priors": 2, "Optional[str]": "it"}
        by_name = {"type": "float32", "padding": "same", "window": duet.window_valid(1, 1), "optimiser": duet.adam(0.1),
                   "part": duet.prior_normal(2), "options": duet.struct("duet_hidden_options")}
        taken, silent = [], []
        for name in duet.functions.__all__:
            function = getattr(duet, name)
            given = {one: by_name.get(one, by_hint.get(it.annotation)) for one, it in inspect.signature(function).parameters.items()}
            self.assertNotIn(None, [None for value in given.values() if value is None], (name, given))
            if name.startswith(("conv", "transposed", "max_pool", "average_pool", "windows")):
                given = {one: pictures if value is x else value for one, value in given.items()}
            for argument, it in inspect.signature(function).parameters.items():
                if "Optional" in it.annotation:
                    taken.append(f"{name}({argument})")
                if "Optional" in it.annotation or it.annotation in ("InitialiserLike", "Axes"):
                    continue
                try:
                    function(**{**given, argument: None})
                    silent.append(f"{name}({argument})")
                except (TypeError, duet.Error):
                    pass
        return taken, silent

    def test_every_function_refuses_it(self):
        taken, silent = self.build(self.all_functions)
        self.assertEqual(silent, [])
        norms = [f"{norm}_norm({argument})" for norm in ("layer", "instance", "group") for argument in ("group", "layer")]
        self.assertEqual(taken, ["linear(bias)", *norms])

    def test_what_may_be_none_works_without(self):
        def use(model, net, x):
            pictures = duet.reshape(x, (x.shape[0], 2, 2, 1))
            duet.linear(x, duet.weight(model.graph, net, "w", (3, 4), 0), None)
            duet.layer_norm(None, "norm", x, -1)
            duet.layer_norm(None, None, x, -1)
            duet.instance_norm(None, None, pictures)
            duet.group_norm(None, None, pictures, 1)
            with self.assertRaisesRegex(TypeError, "None, where a text is expected"):
                duet.layer_norm(net, None, x, -1)

        self.build(use)

    def test_what_is_said_otherwise_refuses_it_too(self):
        def uses(model, net, x):
            store, loss, rate = duet.Store(1), duet.sum(x), duet.adam(0.1)
            model.latent(3)
            yield from (
                lambda: store.group(None),
                lambda: duet.grad(None, [x]),
                lambda: duet.grad(loss, [None]),
                lambda: duet.grad(loss, None),
                lambda: duet.update(None, rate, loss),
                lambda: duet.update(net, None, loss),
                lambda: duet.update(net, rate, None),
                lambda: duet.state_updates([None]),
                lambda: duet.permute(None, [0]),
                lambda: duet.constant_values(None, [1]),
                lambda: duet.fail(None, "it"),
                lambda: duet.fail(model.graph, None),
                lambda: duet.refuse(None, "usage", "it"),
                lambda: duet.refuse(model.graph, "usage", None),
                lambda: duet.refuse(model.graph, None, "it"),
                lambda: duet.Graph(None),
                lambda: duet.Plan(None, [x]),
                lambda: model.setting(None),
                lambda: model.setting_text(None),
                lambda: model.setting_sizes(None),
                lambda: model.minimise(None, net),
                lambda: model.minimise(loss, None),
                lambda: model.warn(None),
                lambda: model.invert(None),
                lambda: model.invert(lambda m, z: None),
                lambda: model.invert(lambda m, z: 3),
                lambda: model.anneal_decoder(None),
                lambda: model.anneal_decoder(lambda m, z: None),
                lambda: model.anneal(draw=None, log_prior=None, nll=None, observe=None),
            )

        def use(model, net, x):
            for number, one in enumerate(uses(model, net, x)):
                with self.subTest(number), self.assertRaises((TypeError, duet.Error)):
                    one()

        with self.assertRaises(duet.Error):  # a decoder that gives no node is the graph's mistake
            self.build(use)

    def test_so_does_what_trains_and_opens(self):
        x = numpy.random.default_rng(1).random((20, 4), numpy.float32)
        data = duet.Data.from_arrays(x)
        store, device = duet.Store(1), duet.Device()
        self.addCleanup(device.close)
        uses = (
            lambda: duet.train(None),
            lambda: duet.train(None, x),
            lambda: duet.train("ae", x, settings={"hidden": None}),
            lambda: duet.train("ae", x, metrics=[None]),
            lambda: duet.open(None),
            lambda: duet.Model(None, data),
            lambda: duet.Model("ae", None),
            lambda: duet.Family(None, lambda model: None),
            lambda: duet.Family("own", None),
            lambda: duet.Family("own", lambda model: None, groups=[None]),
            lambda: duet.Family("own", lambda model: None, settings=[None]),
            lambda: duet.Model(duet.Family("own", lambda model: None, settings=[duet.number(None, 1)]), data),
            lambda: duet.Model(duet.Family("own", lambda model: None, settings=[duet.choice("it", None, ["a"])]), data),
            lambda: duet.Model(duet.Family("own", lambda model: None, settings=[duet.struct("duet_setting")]), data),
            lambda: duet.choice("it", "a", None),
            lambda: duet.choice("it", "a", [None]),
            lambda: duet.sizes("it", None),
            lambda: duet.settings(None),
            lambda: duet.check_settings(None, {}),
            lambda: duet.check_settings("ae", [None]),
            lambda: duet.training_size(None),
            lambda: duet.Device.on_paper(None),
            lambda: duet.Data.from_arrays(None),
            lambda: duet.Data.from_arrays(x, name=None),
            lambda: duet.Data.from_arrays(x, labels=numpy.arange(20) % 2, class_names=["a", None]),
            lambda: duet.Data.from_function(None, 4, 20),
            lambda: duet.Plan(device, [None]),
            lambda: duet.Plan(device, [duet.Graph(store).constant(1)], None),
            lambda: store.read(device, None, ()),
            lambda: store.write(device, None, 1),
            lambda: store.read(None, "it", ()),
            lambda: store.bind(device, None, None),
            lambda: duet.compare(None),
            lambda: duet.compare([None]),
            lambda: duet.grid(None),
            lambda: duet.write_lines(None, None, None),
            lambda: duet.write_points(None, None),
            lambda: duet.prior_mixture(None, 1),
        )
        for number, use in enumerate(uses):
            with self.subTest(number), self.assertRaises((TypeError, ValueError, duet.Error)):
                use()


if __name__ == "__main__":
    cases.main()
