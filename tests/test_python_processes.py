#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What of the Python package crosses processes and threads, and what is refused there in words instead of a crash or a
wait without end.

usage: test_python_processes.py PACKAGE_FOLDER TWIN_LIBRARY; without cffi or numpy all is skipped
"""

import copy
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from python_cases import MISSING, Folder, pictures  # noqa: E402

if not MISSING:
    import duet
    import numpy

SMALL = {"latent": 3, "hidden": [8]}


class Copies(Folder):
    def test_errors_travel(self):
        error = duet.Error("data", "what was found")
        error.place = "here"
        for made in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            self.assertEqual((str(made), made.status, made.message), ("what was found", "data", "what was found"))
            self.assertEqual((type(made), made.place), (duet.Error, "here"))

    def test_what_lies_in_the_librarys_memory_stays_there(self):
        data, device, store = duet.Data.from_arrays(pictures(60)), duet.Device(), duet.Store(1)
        self.addCleanup(device.close)
        graph = duet.Graph(store)
        node = graph.constant(3) + 1
        family = duet.Family("mine", lambda model: None)
        run = duet.train("vae", data, steps=1, batch=20, settings=SMALL, out=self.path("run"))
        model = duet.Model("vae", data, SMALL)
        before = data.read().sum()
        for thing, remedy in (
            (data, "open it there by its name or of its arrays"),
            (run, "pass its directory, and duet.open it there"),
            (device, r"open it there: duet.Device\(\)"),
            (family, "make it there of its build function"),
            *((one, "make it there") for one in (store, graph, node, store.group("net"), model)),
            *((one, "make it there") for one in (duet.Plan(device, [node]), duet.Trainer(device, model, 20))),
        ):
            name = type(thing).__name__
            for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
                words = f"a duet.{name} is neither copied nor pickled; where another process needs one, {remedy}"
                with self.subTest(name), self.assertRaisesRegex(TypeError, words):
                    attempt(thing)
        self.assertEqual(data.read().sum(), before)
        self.assertEqual(run.sample(2, seed=1).shape, (2, 8, 8, 1))


class Interrupted(Folder):
    def test_ctrl_c_ends_metrics(self):
        class Asked(duet.evaluation.Stop):
            def __enter__(self):
                super().__enter__()
                self._ask()
                return self

        x, y = pictures(600), numpy.arange(600) % 3
        run = duet.train("vae", x, steps=2, batch=50, settings=SMALL, out=self.path("run"))
        judged = duet.Data.from_arrays(x, labels=y)
        judge = duet.train("classifier", judged, steps=2, batch=50, out=self.path("judge"))
        for name, given in (("ais", {}), ("elbo", {}), ("inception-score", {"judge": judge})):
            with mock.patch.object(duet.evaluation, "Stop", Asked), self.assertRaisesRegex(KeyboardInterrupt, "^$"):
                run.evaluate(name, **given)  # which ends before it is done, else the words say so
        self.assertGreater(run.evaluate("elbo")["elbo"].n, 0)
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)


class Threads(Folder):
    def test_a_set_is_trained_on_by_one_at_a_time(self):
        x, said = pictures(200), []
        data = duet.Data.from_arrays(x)

        def train(data, name, **given):
            return duet.train("ae", data, steps=2, batch=50, settings={"hidden": 8}, out=self.path(name), **given)

        def beside():
            streams = mock.patch.object(duet.Data, "set_streaming")
            with streams as changed, self.assertRaisesRegex(duet.Error, "array is being trained on: open it once more"):
                train(data, "refused", stream=True)
            changed.assert_not_called()
            said.append(train(duet.Data.from_arrays(x), f"opened-{len(said)}"))

        def read():
            with self.assertRaisesRegex(duet.Error, "once more for what another thread reads beside that one"):
                data.read()
            said.append(duet.Data.from_arrays(x).read("train", 0, 2))

        def on_epoch(run, epoch):
            for use in (beside, read):
                thread = threading.Thread(target=use)
                thread.start()
                thread.join()
            beside()
            said.append(data.read("train", 0, 2))

        train(data, "first", on_epoch=on_epoch)
        self.assertEqual(len(said), 4)
        self.assertFalse(os.path.exists(self.path("refused")))
        train(data, "after")

    def test_a_function_reads_the_labels_of_its_set(self):
        x, y, sets, asked = pictures(200) / numpy.float32(255), numpy.arange(200) % 3, [], set()

        def rows(split, first, count):
            for data in sets:
                numpy.testing.assert_array_equal(data.labels(split, first, count), y[first : first + count])
                asked.add(threading.current_thread() is threading.main_thread())
            return x[first : first + count]

        data = duet.Data.from_function(rows, x.shape[1:], 200, labels=y)
        sets.append(data)
        data.set_streaming()
        duet.train("ae", data, steps=2, batch=50, settings={"hidden": 8}, out=self.path("labels"))
        self.assertIn(False, asked)  # on the thread that reads while the set is trained on


class Programs(Folder):
    def run_program(self, program):
        """What a program prints in a process that has used no OpenCL yet; a wait without end fails."""
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(self.beginning) + textwrap.dedent(program)],
            env={**os.environ, "PYTHONPATH": os.path.abspath(sys.argv[1]), "MALLOC_PERTURB_": "165"},
            cwd=self.folder.name,
            capture_output=True,
            text=True,
            timeout=200,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    beginning = """
        import os, numpy, duet
        x = numpy.random.default_rng(0).random((90, 3)).astype("f4")
        settings = {"latent": 2, "hidden": [4]}

        def forked(*calls):
            child = os.fork()
            if child:
                return os.waitpid(child, 0)
            for call in calls:
                try:
                    print(call() is not None, flush=True)
                except duet.Error as error:
                    print(error.status, error, flush=True)
            os._exit(0)
    """


class Garbage(Programs):
    def test_what_holds_itself_is_freed_in_any_order(self):
        orders = "device, data, model, trainer, plan, run", "run, plan, trainer, model, data, device"
        made = """
            import gc
            duet.train("vae", x, steps=1, batch=20, settings=settings, out="run")

            def make():
                device, store = duet.Device(), duet.Store(1)
                data = duet.Data.from_arrays(x)
                model, run = duet.Model("vae", data, settings), duet.open("run", device=device)
                plan, trainer = duet.Plan(device, [duet.Graph(store).constant(3) + 1]), duet.Trainer(device, model, 20)
                trainer.step(), run.sample(2)
                return locals()

            def leave(order):
                made = make()
                ring = [made[name] for name in order.split(", ")]
                for one in ring:
                    one.ring = ring
        """
        said = self.run_program(
            textwrap.dedent(made)
            + textwrap.dedent(
                f"""
                for order in {orders}:
                    leave(order)
                    print(gc.collect() > 0)
                leave({orders[0]!r})
                """
            )
        )
        self.assertEqual(said, ["True"] * len(orders))

    def test_what_threads_close_is_freed_once(self):
        """Whatever calls of other threads it meets."""
        program = """
            import random, sys, threading, time
            sys.setswitchinterval(1e-6)
            make = lambda: duet.Data.from_function(lambda split, first, count: x[first : first + count], 3, 90)
            sets, end = [make()], time.monotonic() + 1.5

            def use(chance):
                while time.monotonic() < end:
                    try:
                        if chance.random() < 0.2:
                            sets[0].close()
                            sets[0] = make()
                        assert sets[0].info.count == [81, 9] and sets[0].read("test").shape == (9, 3)
                    except duet.Error as error:
                        assert "this Data is closed" in str(error), error

            threads = [threading.Thread(target=use, args=(random.Random(i),)) for i in range(12)]
            for one in threads:
                one.start()
            for one in threads:
                one.join()
            print(sets[0]._open_above)
        """
        self.assertEqual(self.run_program(program), ["0"])


class Forks(Programs):
    def test_after_a_device_was_opened_they_are_refused(self):
        refused = "device this process was forked after OpenCL was used, .*'spawn'"
        said = self.run_program(
            """
            data = duet.Data.from_arrays(x)
            run = duet.train("vae", data, steps=1, batch=20, settings=settings, out="run")
            run.sample(2)
            device, model = duet.Device(), duet.Model("vae", data, settings)
            trainer = duet.Trainer(device, model, 20)
            forked(
                lambda: run.sample(2),
                lambda: duet.open("run"),
                lambda: duet.train("vae", x, steps=1, batch=20, settings=settings, out="again"),
                lambda: duet.devices(),
                lambda: duet.Device(),
                lambda: duet.c.device_open(duet.ffi.new("duet_device **"), None),
                lambda: device.gemm,
                lambda: trainer.step(),
                lambda: duet.Trainer(device, model, 20),
                lambda: data.read().sum(),
                lambda: [one.close() for one in (run, trainer, device, data)],
            )
            print(trainer.step() is None, run.sample(2).shape == (2, 3))
            """
        )
        self.assertEqual(len(said), 12, said)
        for line in said[:9]:
            self.assertRegex(line, refused)
        self.assertEqual(said[9:], ["True", "True", "True True"])
        self.assertFalse(os.path.exists(self.path("again")))

    def test_after_an_attempt_they_are_refused_too(self):
        for attempt in ('duet.Device("no such")', 'duet.open("nowhere")', 'duet.train("vae", x, device="no such", steps=1)'):
            said = self.run_program(
                f"""
                try:
                    {attempt}
                except duet.Error:
                    forked(duet.Device)
                """
            )
            self.assertEqual([line[:40] for line in said], ["device this process was forked after Open"[:40]], attempt)

    def test_those_of_on_epoch_are_refused(self):
        said = self.run_program(
            """
            on_epoch = lambda run, epoch: forked(duet.Device) and None
            duet.train("vae", x, steps=1, batch=20, settings=settings, out="watched", on_epoch=on_epoch)
            """
        )
        self.assertEqual([line[:40] for line in said], ["device this process was forked after Open"[:40]])

    def test_closed_standard_descriptors_are_none_of_a_runs_files(self):
        said = self.run_program(
            """
            os.close(0), os.close(2)
            led = lambda: [os.readlink(f"/proc/self/fd/{i}") for i in (0, 2)]
            duet.train("vae", x, steps=1, batch=20, settings=settings, out="closed", on_epoch=lambda run, epoch: print(*led()))
            """
        )
        self.assertEqual(said, ["/dev/null /dev/null"])

    def test_a_variable_that_says_nothing_is_told_of(self):
        said = self.run_program(
            """
            import warnings
            os.environ.update(DUET_BUNDLES="no", DUET_CL_PATH="/nowhere")
            run = duet.train("vae", x, steps=1, batch=20, settings=settings, out="variables", log=lambda line: None)
            with warnings.catch_warnings(record=True) as caught:
                run.encode(x)
            print(*(one.message for one in caught), sep="\\n")
            """
        )
        self.assertEqual(said[0], "DUET_CL_PATH=/nowhere is no folder: the built-in kernels are used")
        self.assertEqual(said[1], "DUET_BUNDLES=no says nothing: only 'off' does")

    def test_they_leave_the_parents_files(self):
        said = self.run_program(
            """
            import gc
            run = duet.train("vae", duet.Data.from_arrays(x), steps=1, batch=20, settings=settings, out="filed")
            run.evaluate("mse")
            def leave():
                global run
                run = None
                return gc.collect()
            folder = os.path.dirname(run._file)
            forked(leave)
            print(os.path.exists(folder), len(run.evaluate("mse")) > 0)
            run.close()
            print(os.path.exists(folder))
            """
        )
        self.assertEqual(said, ["True", "True True", "False"])

    def test_before_that_they_are_as_any(self):
        said = self.run_program(
            """
            data = duet.Data.from_arrays(x)
            duet.devices()  # in a process of its own
            duet.Device.on_paper("h100").close()
            paper = duet.ffi.new("duet_device **")
            duet.c.device_on_paper(paper, "h100")
            duet.c.device_close(paper)
            forked(lambda: duet.train("vae", data, steps=1, batch=20, settings=settings, out="first").sample(2))
            forked(lambda: duet.open("first").sample(2))
            print(duet.open("first").sample(2).shape)
            """
        )
        self.assertEqual(said, ["True", "True", "(2, 3)"])


if __name__ == "__main__":
    cases.main()
