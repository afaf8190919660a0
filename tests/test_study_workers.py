#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Several workers at one study, examples/vae-versus-gan: leases, a worker that is killed, and the same pages as from one.

usage: test_study_workers.py; ends with exit status 0 if all holds
"""
import collections
import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TESTS = pathlib.Path(__file__).resolve().parent
STUDY = TESTS.parent / "examples" / "vae-versus-gan"
sys.path[:0] = [str(STUDY)]
sys.dont_write_bytecode = True

import cases  # noqa: E402
from lab import Lab, Strange  # noqa: E402
from shared import Elsewhere, Leases  # noqa: E402

# Claims by seconds and by steps, of all of the family and with runs that go on from others, one with a call that is refused and
# one that cannot be measured here; and the few that a test of one run needs.
CLAIMS, FEW = (2, 9, 12, 19, 26), (9, 19, 26)
PAGES = ("study.json", "study.md", "study.html")


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)


class LeasesOfWorkers(Folder):
    def leases(self, machine, beat=1000, stale=1000):
        return Leases(self.folder, machine, beat, stale)

    def test_one_of_two_has_it(self):
        first, second = self.leases("a"), self.leases("a")
        self.assertTrue(first.take("x"))
        self.assertFalse(second.take("x"))
        self.assertTrue(second.take("y"))
        self.assertEqual((second.holder("x"), first.holder("y")), (first.worker, second.worker))
        first.give_back("x")
        self.assertIsNone(second.holder("x"))
        self.assertTrue(second.take("x"))
        first.give_back("x")  # not its own
        self.assertEqual(first.holder("x"), second.worker)
        first.last = lambda name: (0, None)  # it has looked, and another one was faster
        self.assertFalse(first.take("x"))

    def test_a_silent_worker_of_another_machine_is_gone(self):
        silent, living, other = self.leases("a"), self.leases("b", beat=0.05), self.leases("c", stale=4)
        self.assertTrue(silent.take("x") and living.take("y"))
        self.assertFalse(other.take("x") or other.take("y"))
        until = time.monotonic() + 5
        while time.monotonic() < until:
            self.assertFalse(other.take("y"))
            time.sleep(0.05)
        self.assertTrue(other.take("x"))
        self.assertFalse(silent.take("x"))  # it wakes up, and another one has it
        silent.give_back("x")
        self.assertEqual(other.holder("x"), other.worker)

    def test_a_silent_worker_of_this_machine_is_there_until_it_ends(self):
        silent, other = self.leases("a"), self.leases("a", stale=0)
        self.assertTrue(silent.take("x"))
        self.assertFalse(other.take("x") or other.take("x"))
        os.close(silent.file)  # as its end does
        self.assertTrue(other.take("x"))

    def test_one_of_many_takes_over(self):
        gone = self.leases("a")
        names = [f"x{i}" for i in range(50)]
        for name in names:
            self.assertTrue(gone.take(name))
        os.close(gone.file)
        workers = [self.leases("a") for _ in range(6)]
        with concurrent.futures.ThreadPoolExecutor(len(workers)) as pool:
            took = list(pool.map(lambda worker: [name for name in names if worker.take(name)], workers))
        self.assertEqual(sorted(sum(took, [])), sorted(names))


class Labs(Folder):
    def lab(self, **kind):
        lab = Lab(TESTS / "study_program.py", self.folder, False, 1, 1, 1, 1)
        lab.environment["STUDY_LOG"] = str(self.folder / "log")
        lab.leases = Leases(self.folder, **kind)
        return lab


class Sleepers(Labs):
    def test_a_worker_that_wakes_up_comes_second(self):
        sleeper, other = self.lab(machine="a", beat=1000), self.lab(machine="b", stale=0)
        call = sleeper.call

        def call_and_sleep(*words):
            call(*words)
            with self.assertRaises(Elsewhere):
                other.train("gan", ["gan"], steps=10)
            (other.train("gan", ["gan"], steps=10) / "made-by-the-other").touch()
        sleeper.call = call_and_sleep
        self.assertTrue((sleeper.train("gan", ["gan"], steps=10) / "made-by-the-other").exists())
        self.assertEqual(sorted(path.name for path in (self.folder / "runs").iterdir()), ["gan-0", "gan-0.json"])


class Facts(Labs):
    """What was made otherwise is not taken for what is asked."""

    def test_words_are_compared(self):
        first, again = self.lab(machine="a", beat=1000), self.lab(machine="a", beat=1000)
        run = first.train("gan", ["gan", "--data", self.folder / "few"], steps=10)
        later = first.go_on(run, "late", 20, ["--set", "lr=1"])
        self.assertEqual(again.train("gan", ["gan", "--data", self.folder / "few"], steps=10), run)
        self.assertEqual(again.go_on(run, "late", 20, ["--set", "lr=1"]), later)
        for call in (lambda: again.train("gan", ["gan", "--data", self.folder / "few", "--set", "lr=2"], steps=10),
                     lambda: again.train("gan", ["gan", "--data", self.folder / "few"], steps=11),
                     lambda: again.go_on(run, "late", 20, ["--set", "lr=2"]), lambda: again.go_on(run, "late", 21, ["--set", "lr=1"])):
            self.assertRaisesRegex(Strange, "was made otherwise.* name another folder with --out", call)

    def test_a_study_may_be_moved(self):
        self.lab(machine="a", beat=1000).train("gan", ["gan", "--data", self.folder / "few"], steps=10)
        moved = self.folder.with_name(self.folder.name + "-moved")
        self.folder.rename(moved)
        self.folder = moved
        self.addCleanup(shutil.rmtree, moved, ignore_errors=True)
        self.lab(machine="a", beat=1000).train("gan", ["gan", "--data", self.folder / "few"], steps=10)
        self.assertEqual((self.folder / "log").read_text(), "train gan-0\n")


class Workers(Folder):
    def setUp(self):
        super().setUp()
        self.started = []
        self.addCleanup(self.end)

    def end(self):
        (self.folder / "go").touch()
        for worker in self.started:
            worker.kill()
            worker.communicate()

    def start(self, name, claims, **environment):
        """A worker at the study in a folder, as mpirun starts it with two others, or a shell with `&`, without Ctrl-C."""
        words = [word for number in claims for word in ("--claim", str(number))]
        worker = subprocess.Popen(
            [sys.executable, STUDY / "study", *words, "--seconds", "1", "--sweep-seconds", "0.5", "--jobs", "2",
             "--duet", TESTS / "study_program.py", "--out", name], cwd=self.folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, "STUDY_LOG": str(self.folder / f"{name}.log"), "STUDY_GO":
                                           str(self.folder / "go"), "OMPI_COMM_WORLD_SIZE": "3", **environment},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        self.started.append(worker)
        return worker

    def finish(self, *workers):
        """Ends with 1: there is a claim that cannot be measured."""
        for worker in workers:
            said = worker.communicate(timeout=400)[0]
            self.assertEqual(worker.returncode, 1, said)
            self.assertIn("claim 19: a fixed family of priors hurts: not measured", said)

    def calls(self, name):
        """{call: how often}"""
        file = self.folder / f"{name}.log"
        return collections.Counter(file.read_text().splitlines()) if file.exists() else {}

    def wait_for(self, what):
        until = time.monotonic() + 300
        while not what():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def same_pages(self, one, other):
        for page in PAGES:
            self.assertEqual((self.folder / one / page).read_bytes(), (self.folder / other / page).read_bytes(), page)

    def once_each(self, name):
        """Trials of speed are several calls, and what is refused is asked again by a worker that outlives the one that knew."""
        calls = self.calls(name)
        again = [call for call, count in calls.items() if count > 1 and "trial-" not in call and "log-likelihood" not in call]
        self.assertEqual(again, [])
        self.assertEqual([path.name for path in (self.folder / name / "runs").glob("*.part-*")], [])
        return set(calls)

    def test_three_make_the_pages_of_one(self):
        self.finish(self.start("one", CLAIMS))
        unfit = self.start("three", CLAIMS, STUDY_UNFIT="yes")
        said = unfit.communicate(timeout=300)[0]
        self.assertEqual(unfit.returncode, 3, said)
        self.assertIn("no device fits", said)
        self.finish(*(self.start("three", CLAIMS) for _ in range(3)))
        self.same_pages("one", "three")
        self.assertEqual(self.once_each("one"), self.once_each("three"))
        takers = {os.readlink(link) for link in (self.folder / "three" / "leases").iterdir()}
        self.assertGreater(len(takers), 1)

    def test_a_worker_that_is_killed_is_taken_over(self):
        self.finish(self.start("one", FEW))
        run = "starve-minimax-1-0"
        killed = self.start("two", FEW, STUDY_HANGS=run)
        left = self.folder / "two" / "runs"
        self.wait_for(lambda: list(left.glob(f"{run}.part-*/run/checkpoint.safetensors")))
        other = self.start("two", FEW, STUDY_HANGS="none")
        killed.kill()
        killed.wait()
        # Its training goes on without it, and is left alone for so long; all else is made.
        self.wait_for(lambda: "train starve-non-saturating-5-0" in self.calls("two") and "train far-0" in self.calls("two"))
        self.assertNotIn(f"resume {run}", self.calls("two"))
        (self.folder / "go").touch()
        self.finish(other)
        self.same_pages("one", "two")
        self.assertEqual(self.calls("two")[f"train {run}"], 1)
        self.assertEqual(self.calls("two")[f"resume {run}"], 1)

    def test_another_program_makes_a_study_of_its_own(self):
        self.finish(self.start("one", (19,)))
        other = self.start("one", (19,), STUDY_VERSION="2")
        said = other.communicate(timeout=300)[0]
        self.assertEqual(other.returncode, 1, said)
        self.assertIn("program stand-in 1 then, stand-in 2 now", said)

    def test_a_study_that_is_stopped_goes_on(self):
        self.stopped_by(lambda worker, program: worker.send_signal(signal.SIGTERM))

    def test_a_study_whose_programs_are_stopped_goes_on(self):
        self.stopped_by(lambda worker, program: os.kill(program, signal.SIGTERM))

    def stopped_by(self, stop):
        self.finish(self.start("one", FEW))
        run = "starve-minimax-1-0"
        stopped = self.start("two", FEW, STUDY_HANGS=run)
        self.wait_for(lambda: list((self.folder / "two" / "runs").glob(f"{run}.part-*/run/checkpoint.safetensors")))
        stop(stopped, int(next((self.folder / "two" / "runs").glob(f"{run}.part-*/run/pid")).read_text()))
        said = stopped.communicate(timeout=300)[0]
        self.assertEqual(stopped.returncode, 130, said)
        self.finish(self.start("two", FEW))
        self.same_pages("one", "two")
        self.assertEqual(self.calls("two")[f"resume {run}"], 1)


if __name__ == "__main__":
    cases.main()
