#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs in Python as their users train, watch and stop them, and beside a twin in C.

usage: test_python_runs.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import types
import warnings
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, ROOT, TWIN, Folder, pictures  # noqa: E402

if not MISSING:
    import cffi
    import conditional_gan
    import duet
    import numpy
    import own_model


class Runs(Folder):
    def test_bytes_are_refused_by_a_run_of_another_range(self):
        x = pictures()
        wide = x.astype(numpy.float32) / 64 - 2
        run = duet.train("ae", wide, steps=2, batch=20, settings={"latent": 2, "hidden": [8]}, out=self.path("wide"))
        self.assertFalse(run.unit_range)
        with self.assertRaisesRegex(duet.Error, "uint8 is read as .0, 1., and the run of .* learnt numbers of another"):
            run.encode(x[:3])
        self.assertEqual(run.encode(wide[:3]).shape, (3, 2))

    def test_the_run_of_on_epoch_has_no_directory(self):
        seen, given = [], dict(steps=2, batch=50, settings={"hidden": 8})

        def on_epoch(run, epoch):
            uses = (
                lambda: duet.compare([run]),
                lambda: run.evaluate(["mse"], judge=run),
                lambda: duet.train("ae", pictures(), resume=run, steps=3),
                lambda: duet.train("ae", pictures(), judge=run, out=self.path("judged"), **given),
                lambda: run.record,
            )
            for use in uses:
                with self.assertRaisesRegex(duet.Error, "the run of on_epoch has no files of its own; name the directory"):
                    use()
            seen.append(epoch)

        duet.train("ae", pictures(), out=self.path("nameless"), on_epoch=on_epoch, **given)
        self.assertEqual(len(seen), 1)

    def test_a_run_is_trained_and_used(self):
        x, epochs = pictures(), []
        run = duet.train(
            "vae",
            x,
            epochs=2,
            batch=50,
            settings={"latent": 3, "hidden": [16]},
            out=self.path("vae"),
            on_epoch=lambda run, epoch: epochs.append((epoch, run.sample(2).shape)) or {"mine": epoch},
        )
        self.assertEqual(epochs, [(1, (2, 8, 8, 1)), (2, (2, 8, 8, 1))])
        self.assertIn(2, [line.get("mine") for line in run.metrics])
        samples = run.sample(5, seed=3)
        self.assertEqual((samples.shape, samples.dtype), ((5, 8, 8, 1), numpy.float32))
        with self.assertRaisesRegex(duet.Error, "no class '256'"):
            run.sample(2, classes=[256, 256])
        numpy.testing.assert_array_equal(samples, run.sample(5, seed=3))
        self.assertTrue((samples != run.sample(5, seed=4)).any())
        codes = run.encode(x[:7])
        self.assertEqual(codes.shape, (7, 3))
        numpy.testing.assert_array_equal(codes, run.encode(x[:7] / numpy.float32(255)))
        numpy.testing.assert_allclose(run.decode(codes), run.reconstruct(x[:7]), atol=1e-5)
        found = run.procedure("invert", x[:2], outputs=["inverse", "inverse_error"], steps=3, restarts=1)
        self.assertEqual(
            [(name, array.shape) for name, array in found.items()], [("inverse", (2, 3)), ("inverse_error", (2,))]
        )
        self.fills_what_it_is_given(run, x)
        values = run.evaluate("elbo", split="train")
        self.assertEqual((values["elbo"].n, values["elbo"].unit), (180, "nats"))
        self.assertEqual(values, run.evaluate(["elbo"], split="train"))
        for flat in (x[:7].reshape(7, 64), x[:7, :, :, None]):
            numpy.testing.assert_array_equal(codes, run.encode(flat))
        self.assertEqual(list(run.ask("nll", examples=x[:2])), ["nll"])
        self.assertEqual(run.features(None), 0)
        self.assertEqual(duet.compare(run.directory).runs, [run.directory])
        self.assertEqual(run._repr_png_()[:4], b"\x89PNG")
        self.assertIn("data:image/png", run._repr_html_())
        self.assertIn("<td>data</td><td>array</td>", run._repr_html_())
        self.assertIn("<iframe", duet.compare([run, run.directory])._repr_html_())
        for wrong, words in (
            (lambda: run.encode(x[:, :4]), r"those of the run are \(8, 8, 1\)"),
            (lambda: run.encode(x.reshape(200, 1, 8, 8)), r"pass numpy.moveaxis\(array, 1, -1\)"),
            (lambda: run.encode(x.reshape(200, 64)[:, 1:]), "64 numbers"),
            (lambda: run.encode(numpy.ma.masked_greater(x, 4)), "masked"),
            (lambda: run.encode(x[:0]), "shape"),
            (lambda: run.decode(numpy.zeros((2, 1, 3))), "3 numbers"),
            (lambda: run.decode(numpy.zeros((2, 3)) + 1j), "complex"),
            (lambda: run.sample(2, classes=[3.9, 3.9]), "no class '3.9'"),
            (lambda: run.sample(0), "count=0; it goes from 1"),
            (lambda: run.sample(2, seed=-1), "seed=-1; it goes from 0"),
            (lambda: run.sample(2, seed=2**63), r"to 2\^63 - 1"),
            (lambda: run.sample(1, settings={"weights": "average"}), 'settings={"average": "0.999"}, say'),
            (lambda: run.procedure("fly"), "invert"),
            (lambda: run.procedure("invrt"), "no procedure 'invrt'; did you mean 'invert'[?] it has"),
            (lambda: run.ask(["smaple"], 1), "no output 'smaple'; did you mean 'sample'[?] it has"),
            (lambda: run.evaluate("elboo"), "no metric \"elboo\"; did you mean 'elbo'[?]"),
            (lambda: run.ask(["logit"], 1), "no output"),
            (lambda: run.evaluate("elbow"), "elbow"),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                wrong()
        self.assertTrue(self.opens_elsewhere(run.directory))
        run.close()
        with self.assertRaisesRegex(duet.Error, "closed"):
            run.sample(1)

    def fills_what_it_is_given(self, run, x):
        room = numpy.full((5, 8, 8, 1), numpy.nan, numpy.float32)
        self.assertIs(run.sample(seed=3, out=room), room)
        numpy.testing.assert_array_equal(room, run.sample(5, seed=3))
        whole = numpy.zeros((9, 3), numpy.float32)
        self.assertIs(run.encode(x[:4], out=whole[2:6]).base, whole)
        numpy.testing.assert_array_equal(whole[2:6], run.encode(x[:4]))
        self.assertFalse(whole[6:].any())
        frozen = numpy.zeros((5, 8, 8, 1), numpy.float32)
        frozen.flags.writeable = False
        for wrong, words in (
            (numpy.zeros((5, 8, 8), numpy.float32), "shape"),
            (numpy.zeros((5, 8, 8, 1)), "float64"),
            (numpy.zeros((5, 8, 8, 2), numpy.float32)[..., :1], "contiguous"),
            (frozen, "may only be read"),
            ([0.0], "list"),
        ):
            with self.assertRaisesRegex(duet.Error, words):
                run.sample(5, out=wrong)
        with self.assertRaisesRegex(duet.Error, "not asked for"):
            run.ask(["sample"], 2, out={"latent": whole})

    def opens_elsewhere(self, directory):
        program = "import duet, sys; print(duet.open(sys.argv[1]).sample(2).shape)"
        environment = dict(os.environ, PYTHONPATH=sys.argv[1])
        done = subprocess.run(
            [sys.executable, "-c", program, directory], env=environment, capture_output=True, text=True
        )
        return done.stdout == "(2, 8, 8, 1)\n" or print(done.stderr)

    def test_what_cannot_be_drawn_is_shown_as_text(self):
        x = numpy.random.default_rng(0).random((60, 5)).astype(numpy.float32)
        run = duet.train("vae", x, epochs=1, batch=20, settings={"hidden": [8]}, out=self.path("table"), device=0)
        self.assertIsNone(run._repr_png_())
        self.assertIn("<td>model</td><td>vae</td>", run._repr_html_())
        run.close()
        self.assertEqual((run._repr_png_(), run._repr_html_()), (None, None))

    def test_bars_are_tqdms_where_it_is(self):
        shown = []

        class Bar:
            def __init__(self, total, unit):
                self.total, self.n = total, 0

            def set_postfix_str(self, words, refresh):
                shown.append(words)

            def refresh(self):
                shown.append((self.n, self.total))

            def close(self):
                shown.append("closed")

        there = types.ModuleType("tqdm.auto")
        there.tqdm = Bar
        with mock.patch.dict(sys.modules, {"tqdm": types.ModuleType("tqdm"), "tqdm.auto": there}):
            duet.train("ae", pictures(), steps=3, settings={"hidden": 8}, out=self.path("bar"), progress=True)
        self.assertEqual(shown[-1], "closed")
        self.assertIn((3, 3), shown)
        self.assertTrue(any(isinstance(one, str) and one.startswith("nll ") for one in shown), shown)

    def test_a_bar_never_ends_a_training(self):
        class Gone:  # a terminal that was closed meanwhile
            def isatty(self):
                return True

            def write(self, _):
                raise OSError(5, "Input/output error")

        class Left(Gone):
            def write(self, words):
                if words == "\n":
                    raise OSError(5, "Input/output error")

            def flush(self):
                pass

        for number, place in enumerate((None, Gone(), Left())):
            hidden = {"tqdm": None, "tqdm.auto": None}
            with mock.patch.dict(sys.modules, hidden), mock.patch.object(sys, "stderr", place), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                out = self.path(f"bar-{number}")
                run = duet.train("ae", pictures(), steps=3, settings={"hidden": 8}, out=out, progress=True)
                run.ask("reconstruction", examples=pictures(2), progress=True)
            self.assertEqual(run.record["steps"], 3)

    def test_a_judge_may_be_of_a_family_in_python(self):
        def build(model, activation=lambda node: node):
            net, x, y = model.group("net"), model.batch(), model.labels()
            logits = activation(duet.dense(net, "logits", x, 3))
            loss = duet.batch_mean(duet.softmax_cross_entropy(logits, y))
            model.phase("learn", 1)
            model.minimise(loss, net)
            model.report("loss", loss)
            model.output("class_logits", logits)

        data = duet.Data.from_arrays(pictures(), labels=numpy.arange(200) % 3)
        judge = duet.train(duet.Family("of-mine", build), data, steps=3, batch=20, out=self.path("own-judge"))
        given = dict(batch=20, settings={"latent": 2, "hidden": [8]}, judge=judge, metrics=["inception-score"])
        run = duet.train("vae", data, steps=2, out=self.path("judged-by-own"), **given)
        self.assertIn("inception-score", run.metrics[-1])
        self.assertIn("inception-score", run.evaluate("inception-score", judge=judge))
        with self.assertRaisesRegex(duet.Error, 'own-judge is a run of "of-mine"'):
            run.evaluate("inception-score", judge=judge.directory)
        other = duet.Run(judge.directory, family=duet.Family("of-mine", lambda model: build(model, duet.tanh)))
        for use in (
            lambda: run.evaluate("inception-score", judge=other),
            lambda: duet.train("vae", data, steps=2, out=self.path("judged-by-other"), **dict(given, judge=other)),
        ):
            with self.assertWarnsRegex(UserWarning, 'own-judge: this "of-mine" computes class_logits otherwise'):
                use()

    def test_a_model_in_python_is_its_twin_in_c_to_the_bit(self):
        ffi = cffi.FFI()
        ffi.cdef("const void *twin_family(void);")
        twin = ffi.dlopen(TWIN)
        in_c = duet.ffi.cast("duet_family *", int(ffi.cast("uintptr_t", twin.twin_family())))
        options = dict(epochs=2, batch=50, seed=7, settings={"hidden": 24})
        runs = [
            duet.train(family, pictures(), out=self.path(name), **options)
            for family, name in ((own_model.family, "python"), (in_c, "c"))
        ]
        here, there = (pathlib.Path(run.directory, "checkpoint.safetensors").read_bytes() for run in runs)
        self.assertEqual(here, there)
        self.assertEqual(*([line["nll"] for line in run.metrics if "nll" in line] for run in runs))
        opened = duet.open(runs[0].directory, family=in_c)  # what Python trained, by the family in C
        self.assertEqual(opened.record["model"], "denoising-ae")

    def test_the_conditional_gan_draws_what_it_is_told(self):
        x = pictures(150)
        data = duet.Data.from_arrays(x, labels=numpy.arange(150) % 3, class_names=["a", "b", "c"])
        run = duet.train(
            conditional_gan.family,
            data,
            epochs=1,
            batch=50,
            out=self.path("gan"),
            settings={"generator.average": 0.9},
            progress=True,
        )
        latents = numpy.zeros((2, conditional_gan.LATENT))
        first, other = run.sample(latents=latents, classes=["a", "b"], settings={"weights": "average"})
        self.assertTrue((first != other).any())
        with self.assertRaisesRegex(duet.Error, "no class 'd'"):
            run.sample(1, classes="d")

    def test_cells_of_the_notebook_name_what_there_is(self):
        notebook = json.loads((ROOT / "examples" / "python" / "vae_against_gan.ipynb").read_text())
        code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
        compile(code, "notebook", "exec")
        self.assertGreater(len(code), 400)
        for name in re.findall(r"duet\.(\w+)", code):
            self.assertTrue(hasattr(duet, name), name)
        for name in re.findall(r"(?:vae|gan|run)\.(\w+)", code):
            self.assertTrue(hasattr(duet.Run, name), name)
        for model in re.findall(r'train\("(\w+)"', code):
            duet.check_settings(model, {})
        for metric in re.findall(r'evaluate\("(\w+)"', code):
            self.assertIn(metric, duet.metric_names())

    def test_logits_given_as_examples_are_warned_of_once(self):
        def build(model, last):
            net, x = model.group("net"), model.batch()
            logits = 40 * duet.dense(net, "all", x, duet.features(x))
            nll = duet.bernoulli_nll(logits, x)
            model.phase("restore", 1)
            model.minimise(duet.batch_mean(nll), net)
            model.report("nll", duet.batch_mean(nll))
            model.output("reconstruction", last(logits))

        for last, words in ((lambda node: node, 'gives as "reconstruction" go from .* from 0 to 1: are they'), (duet.sigmoid, "")):
            family = duet.Family("unbounded", lambda model: build(model, last))
            out = self.path(f"logits-{bool(words)}")
            run = duet.train(family, pictures(), steps=3, batch=20, out=out, on_epoch=lambda run, epoch: None)
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                run.reconstruct(pictures(2))
                run.reconstruct(pictures(2))
            self.assertEqual(len(heard), 1 if words else 0, [str(one.message) for one in heard])
            if words:
                self.assertRegex(str(heard[0].message), words)
                with self.assertWarnsRegex(UserWarning, words):
                    run.evaluate("mse")

    def test_a_kl_below_0_is_warned_of_where_it_is_sure(self):
        def build(model, give):
            net, x = model.group("net"), model.batch()
            mean, log_variance = (duet.dense(net, name, x, 2) for name in ("mean", "log_variance"))
            z = duet.gaussian_sample(mean, log_variance)
            nll = duet.bernoulli_nll(duet.dense(net, "all", z, duet.features(x)), x)
            kl = duet.gaussian_kl(mean, log_variance)
            model.phase("restore", 1)
            model.minimise(duet.batch_mean(nll + kl), net)
            model.report("nll", duet.batch_mean(nll))
            model.output("nll", nll)
            model.output("kl", give(nll, kl, duet.sum_features(z - mean)))

        rows = (  # of what is drawn a mean below 0 may be chance
            (lambda nll, kl, drawn: kl, False),
            (lambda nll, kl, drawn: drawn, False),
            (lambda nll, kl, drawn: drawn - 0.2, False),
            (lambda nll, kl, drawn: 0 * kl - 1e-5, False),
            (lambda nll, kl, drawn: -kl, True),
            (lambda nll, kl, drawn: -nll, True),
            (lambda nll, kl, drawn: 0 * kl - 3, True),
        )
        for i, (give, told) in enumerate(rows):
            family = duet.Family("turned", lambda model: build(model, give))
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                values = duet.train(family, pictures(), steps=1, batch=20, out=self.path(f"kl-{i}")).evaluate("elbo")
            said = [str(one.message) for one in heard if "divergence" in str(one.message)]
            kl = values["kl"]
            self.assertEqual(len(said), 1 if told else 0, (i, said, kl))
            if told:
                self.assertIn('the output "kl" of turned is -', said[0])
            if kl.low == kl.low:
                self.assertTrue(kl.low <= kl.value <= kl.high and (kl.low < kl.value or kl.high > 0), (i, kl))

    def test_examples_that_are_no_logits_are_not_said_to_be(self):
        def build(model, give):
            net, x = model.group("net"), model.batch()
            logits = duet.dense(net, "all", x, duet.features(x))
            nll = duet.bernoulli_nll(logits, x)
            model.phase("restore", 1)
            model.minimise(duet.batch_mean(nll), net)
            model.report("nll", duet.batch_mean(nll))
            model.output("reconstruction", give(logits, x))

        rare = numpy.full((200, 8, 8), 0.5, numpy.float32)
        rare[0, 0, :2] = 0, 1
        for place, (data, give) in enumerate((
            ((pictures() / 12750).astype(numpy.float32), lambda logits, x: duet.sigmoid(40 * logits)),  # of faint pictures
            (rare, lambda logits, x: 8 * x - 3.5),  # one far beyond, as a linear decoder's may be
        )):
            family = duet.Family("bounded", lambda model: build(model, give))
            out = self.path(f"bounded-{place}")
            run = duet.train(family, data, steps=3, batch=20, out=out, on_epoch=lambda run, epoch: None)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                run.reconstruct(data[:50])

    def test_exceptions_of_callbacks_come_back(self):
        def build(model):
            raise LookupError("mine")

        with self.assertRaisesRegex(LookupError, "mine"):
            duet.train(duet.Family("broken", build), pictures(), out=self.path("broken"))

        def build_to_train(model):
            if not model.training():
                raise LookupError("in use")
            net = model.group("net")
            loss = duet.mean(duet.square(duet.dense(net, "all", model.batch(), 1)))
            model.phase("walk", 1)
            model.minimise(loss, net)
            model.report("loss", loss)

        with self.assertWarnsRegex(UserWarning, "what is learnt cannot be used: .*LookupError: in use"):
            run = duet.train(
                duet.Family("trains", build_to_train), pictures(), steps=2, batch=20, out=self.path("trains")
            )
        with self.assertRaisesRegex(LookupError, "in use"):
            run.shape

        def on_epoch(run, epoch):
            raise LookupError("at an epoch")

        with self.assertRaisesRegex(LookupError, "at an epoch"):
            duet.train("ae", pictures(), epochs=50, out=self.path("ae"), settings={"hidden": 8}, on_epoch=on_epoch)
        self.assertLess(duet.open(self.path("ae")).metrics[-1]["epoch"], 50)

    def test_what_a_build_raised_hides_no_error_of_another_cause(self):
        left = [10]  # builds for use that fail

        def build(model):
            if not model.training():
                left[0] -= 1
                if left[0] >= 0:
                    raise RuntimeError("cannot be used")
            net, x = model.group("net"), model.batch()
            loss = duet.batch_mean(duet.square(duet.dense(net, "all", x, duet.features(x)) - x))
            model.phase("restore", 1)
            model.minimise(loss, net)
            model.report("gone", duet.log(1 - 0.4 * model.step()))

        def on_epoch(run, epoch):
            raise ValueError("of on_epoch")

        family, x = duet.Family("no-use", build), pictures()
        options = dict(batch=20, out=self.path("no-use"))
        with self.assertRaisesRegex(duet.Error, "gone"):
            duet.train(family, x, steps=10, **options)
        with self.assertRaisesRegex(RuntimeError, "cannot be used"):
            duet.train(family, x, steps=2, on_epoch=on_epoch, **dict(options, out=self.path("no-use-at-epochs")))
        left[0] = 1
        with self.assertRaisesRegex(ValueError, "of on_epoch"):
            duet.train(family, x, steps=2, on_epoch=on_epoch, **dict(options, batch=100, out=self.path("no-use-once")))
        left[0] = 10
        run = duet.train(family, x, steps=2, **dict(options, out=self.path("no-use-at-all")))
        with self.assertRaisesRegex(duet.Error, "lr"):
            duet.train(family, x, resume=run, steps=3, settings={"lr": -1})
        with self.assertRaisesRegex(RuntimeError, "cannot be used"):
            run.shape

    def test_a_build_function_raises_whatever_its_words_are(self):
        for words in ("", "two\nlines", "\x1b[1mbold", "gr\xf6\xdfer " * 300, "100 %s", "--set lr=..."):

            def build(model):
                raise LookupError(words)

            with self.assertRaises(LookupError) as caught:
                duet.train(duet.Family("broken", build), pictures(), out=self.path("broken"))
            self.assertEqual(caught.exception.args, (words,))

    def test_errors_have_status_and_remedy(self):
        with self.assertRaises(duet.Error) as caught:
            duet.train("vea", pictures())
        self.assertEqual(caught.exception.status, "usage")
        self.assertIn("vae", caught.exception.message)
        with self.assertRaisesRegex(duet.Error, "latnt"):
            duet.train("vae", pictures(), settings={"latnt": 3}, out=self.path("none"))
        self.assertFalse(os.path.exists(self.path("none")))

    def test_the_run_of_on_epoch_is_gone_with_it(self):
        kept = []

        def on_epoch(run, epoch):
            with self.assertRaisesRegex(duet.Error, "no files of its own"):
                run.record
            kept.append(run)

        duet.train("ae", pictures(), epochs=1, settings={"hidden": 8}, out=self.path("kept"), on_epoch=on_epoch)
        with self.assertRaisesRegex(duet.Error, "gone when on_epoch returns"):
            kept[0].sample(1)

    def test_warnings_are_pythons(self):
        with self.assertWarnsRegex(UserWarning, "whole numbers from 0 to 255"):
            x = pictures().astype(numpy.float32)
            duet.train("ae", x, epochs=1, settings={"hidden": 8}, out=self.path("warned"))
        for asked, words in (({"epochs": 0}, "at least 1"), ({"other_data": True}, "resume"), ({"other_model": True}, "resume")):
            with self.assertRaisesRegex(ValueError, words):
                duet.train("ae", pictures(), **asked)

    def test_what_had_no_effect_is_noted(self):
        given = dict(steps=1, batch=20, settings={"hidden": 8, "latent": 2, "momentum": 0.5})
        idle, lines = "without effect, since with the other settings nothing follows it: momentum=0.5", []
        with self.assertWarnsRegex(duet.Note, f"^{idle}$") as said:
            duet.train("ae", pictures(), out=self.path("noted"), **given)
        self.assertEqual(said.filename, __file__)
        duet.train("ae", pictures(), out=self.path("logged"), log=lines.append, **given)
        self.assertIn(f"note: {idle}", lines)
        with duet.Device() as device, duet.Data.from_arrays(pictures()) as data:
            with duet.Model("ae", data, settings=given["settings"]) as model, self.assertWarnsRegex(duet.Note, idle):
                duet.Trainer(device, model, batch=20)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", duet.Note)
            duet.train("ae", pictures(), out=self.path("silent"), **given)

    def test_a_finished_run_says_so(self):
        given = dict(batch=20, settings={"hidden": 8, "latent": 2})
        duet.train("ae", pictures(), steps=2, out=self.path("finished"), **given)
        with self.assertWarnsRegex(duet.Note, "finished has 2 steps already: ask for more with steps or epochs"):
            duet.train(resume=self.path("finished"), data=pictures(), steps=2)

    def test_a_run_knows_its_family_again(self):
        def family(activation):
            def build(model):
                net, x = model.group("net"), model.batch()
                logits = duet.dense(net, "logits", activation(duet.dense(net, "hidden", x, 4)), duet.features(x))
                nll = duet.batch_mean(duet.bernoulli_nll(logits, x))
                model.phase("restore", 1)
                model.minimise(nll, net)
                model.report("nll", nll)
                model.output("reconstruction", duet.sigmoid(logits))

            return duet.Family("of-mine", build)

        x = pictures()
        run = duet.train(family(duet.relu), x, steps=2, batch=20, out=self.path("of-mine"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            duet.open(run.directory, family=family(duet.relu)).reconstruct(x[:2])
            duet.train(family(duet.relu), x, resume=run, steps=3)
        with self.assertWarnsRegex(UserWarning, 'this "of-mine" computes reconstruction otherwise'):
            duet.open(run.directory, family=family(duet.tanh)).reconstruct(x[:2])
        with self.assertRaisesRegex(duet.Error, "trains otherwise than the family .*; other_model goes on with this one"):
            duet.train(family(duet.tanh), x, resume=run, steps=4)
        with self.assertWarnsRegex(UserWarning, "goes on with another"):
            duet.train(family(duet.tanh), x, resume=run, steps=4, other_model=True)
        was, now = duet.open(run.directory, family=family(duet.tanh)).record["resumed"][-1]["changed"]["composition"]
        self.assertNotEqual(was, now)

    def test_a_run_knows_its_arrays_again(self):
        x = pictures()
        run = duet.train("ae", x, steps=2, batch=20, settings={"hidden": 8}, out=self.path("known"))
        self.assertEqual(len(run.record["data"]["checksum"]), 16)
        duet.train(data=x, resume=run, steps=3)
        with self.assertRaisesRegex(duet.Error, "with other contents: .*; other_data goes on with these"):
            duet.train(data=255 - x, resume=run, steps=4)
        with self.assertRaisesRegex(duet.Error, 'trained on "array", which a program held in its memory'):
            duet.train(resume=run, steps=4)
        with self.assertWarnsRegex(UserWarning, "goes on with other data"):
            duet.train(data=255 - x, resume=run, steps=4, other_data=True)
        floats = x.astype(numpy.float32)
        with self.assertRaisesRegex(duet.Error, r"^array: values from 0 to 255; .*array.astype\('u1'\)"):
            duet.open(run.directory, data=floats)
        duet.open(run.directory, data=floats.astype("u1")).evaluate("mse")
        with self.assertRaisesRegex(duet.Error, "examples of shape"):
            duet.open(run.directory, data=x[:, :4])
        with self.assertRaisesRegex(duet.Error, "which a program held in its memory"):
            duet.open(run.directory).evaluate("mse")

    def test_on_epoch_changes_no_report(self):
        for said in ({"step": 5}, {"mse": 0.0}):
            with self.assertRaisesRegex(ValueError, "has already"):
                duet.train(
                    "ae",
                    pictures(),
                    epochs=1,
                    settings={"hidden": 8},
                    metrics=["mse"],
                    out=self.path("-".join(said)),
                    on_epoch=lambda run, epoch: said,
                )

    def test_a_run_that_goes_on_is_watched_as_before(self):
        def looks(run):
            text = pathlib.Path(run.directory, "metrics.jsonl").read_text()
            return [line for line in map(json.loads, text.splitlines()) if line["split"] == "test"]

        path = self.path("watched")
        said = dict(batch=20, settings={"hidden": 8}, metrics="mse", keep_best="elbo", patience=50)
        run = duet.train("vae", pictures(), epochs=1, seed=3, out=path, **said)
        lines = []
        run = duet.train(data=pictures(), resume=run, epochs=3, log=lines.append)
        self.assertIn("watched as before: metrics=mse keep_best=elbo patience=50", "\n".join(lines))
        self.assertEqual([("mse" in look, "elbo" in look) for look in looks(run)], [(True, True)] * 3)
        best = duet.open(os.path.join(path, "best.safetensors"), data=pictures())
        with self.assertWarnsRegex(duet.Note, "best.safetensors: its epoch was chosen by elbo on the test examples"):
            best.evaluate("mse")
        with warnings.catch_warnings():
            warnings.simplefilter("error", duet.Note)
            run.evaluate("mse")
            best.evaluate("mse", split="train")
        run = duet.train(data=pictures(), resume=run, epochs=4, metrics="none", keep_best="none")
        self.assertEqual((len(looks(run)), run.record["watch"]["best"]), (3, None))
        with self.assertRaisesRegex(duet.Error, "seed: the run goes on with 3, not 0"):
            duet.train(data=pictures(), resume=run, epochs=5, seed=0)
        duet.train(data=pictures(), resume=run, epochs=5, seed=3)

    def test_on_epoch_may_change_the_folder(self):
        here = os.getcwd()
        os.chdir(self.folder.name)
        try:
            run = duet.train(
                "ae",
                pictures(),
                epochs=2,
                batch=20,
                settings={"hidden": 8},
                metrics="mse",
                out="from-here",
                on_epoch=lambda run, epoch: os.chdir("/"),
            )
            self.assertEqual(os.path.realpath(run.directory), os.path.realpath(self.path("from-here")))
            self.assertEqual(run.metrics[-1]["split"], "test")
        finally:
            os.chdir(here)

    def test_on_epoch_can_stop_it(self):
        run = duet.train(
            "ae",
            pictures(),
            epochs=50,
            out=self.path("stopped"),
            settings={"hidden": 8},
            on_epoch=lambda run, epoch: "enough" if epoch == 2 else None,
        )
        self.assertIn("enough", run.stopped)

    def test_ctrl_c_that_comes_too_late_is_raised_all_the_same(self):
        path, options = self.path("late"), dict(epochs=1, settings={"hidden": 8})
        with self.assertRaisesRegex(KeyboardInterrupt, r"had ended at step \d+; duet.open\('.*late'\) has it"):
            duet.train(
                "ae", pictures(), out=path, on_epoch=lambda run, epoch: signal.raise_signal(signal.SIGINT), **options
            )
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)
        whole = duet.train("ae", pictures(), out=self.path("in time"), **options)
        late, there = (pathlib.Path(one, "checkpoint.safetensors").read_bytes() for one in (path, whole.directory))
        self.assertEqual(late, there)
        with self.assertRaisesRegex(KeyboardInterrupt, "answered"):
            with mock.patch.object(duet.run.Bar, "__exit__", lambda *_: signal.raise_signal(signal.SIGINT)):
                whole.reconstruct(pictures(3))

    def test_ctrl_c_and_an_error_are_both_told(self):
        def on_epoch(run, epoch):
            signal.raise_signal(signal.SIGINT)
            raise LookupError("at an epoch")

        with self.assertRaises(KeyboardInterrupt) as caught:
            duet.train("ae", pictures(), epochs=1, out=self.path("both"), settings={"hidden": 8}, on_epoch=on_epoch)
        self.assertIsInstance(caught.exception.__cause__, LookupError)

    def test_threads_share_a_run(self):
        settings = {"latent": 3, "hidden": [16]}
        run = duet.train("vae", pictures(), epochs=1, batch=50, settings=settings, out=self.path("shared"))
        seeds, errors, found = range(1, 5), [], {}
        together = threading.Barrier(len(seeds))

        def ask(seed):
            try:
                together.wait()
                for turn in range(3):
                    found[seed, turn] = run.sample(1000 + seed, seed=seed), run.encode(pictures(40 * seed))
                run.evaluate("elbo")
            except Exception as reason:
                errors.append(reason)

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in seeds]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        self.assertEqual(errors, [])
        alone = duet.open(run.directory)
        for (seed, _), (samples, codes) in found.items():
            numpy.testing.assert_array_equal(samples, alone.sample(1000 + seed, seed=seed))
            numpy.testing.assert_array_equal(codes, alone.encode(pictures(40 * seed)))

    def test_the_model_of_a_run_is_reached_alone(self):
        run = duet.train("ae", pictures(), steps=1, settings={"hidden": 8}, out=self.path("alone"))
        with mock.patch.object(duet.Model, "_borrowed", lambda *_: run._lock._is_owned()):
            self.assertIs(run.model, True)

    def test_ctrl_c_leaves_a_checkpoint_and_other_threads_run(self):
        def interrupt(run, epoch):
            if epoch == 1:
                threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGINT)).start()

        turns, over = [0], threading.Event()

        def count():
            while not over.wait(0.001):
                turns[0] += 1

        counter = threading.Thread(target=count)
        counter.start()
        try:
            with self.assertRaisesRegex(KeyboardInterrupt, "resume"):
                duet.train(
                    "ae",
                    pictures(),
                    epochs=10**6,
                    out=self.path("interrupted"),
                    settings={"hidden": 8},
                    on_epoch=interrupt,
                )
        finally:
            over.set()
            counter.join()
        self.assertGreater(turns[0], 10)
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)
        run = duet.open(self.path("interrupted"))
        epochs = run.metrics[-1]["epoch"]
        self.assertEqual(run.reconstruct(pictures(3)).shape, (3, 8, 8, 1))
        self.assertLess(epochs, 10**6)


if __name__ == "__main__":
    cases.main()
