#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trainings by several ranks under mpirun: killed, stopped, resumed, and started wrongly; runs that several use.

usage: test_mpi_runs.py build/duet [--layer LAYER.so] [--kills N] [--seconds S]   LAYER: tests/layer_calls.c, which makes a call of OpenCL
fail

A kill is SIGKILL of one rank, picked at random, after a random part of the time that a training takes. All its processes
must have ended S seconds later (ten are promised where the machine does nothing else), or say that others have not come up, and the run that goes on ends with the bytes of one left alone with as many ranks.
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

import cases
from mpirun import ENVIRONMENT, find_launcher, is_alive, lines_of, ranks_below

STEPS = 1200
WAITS = "\nduet: stopping as soon as the device is done; the same once more ends the program at once\n"
MODEL = ["vae", "--data", "ring8", "--set", "hidden=8", "--set", "latent=2", "--batch", "16", "--checkpoint-every", "97"]


class Runs(unittest.TestCase):
    def setUp(self):
        if LAUNCHER is None:
            self.skipTest("there is no mpirun of the MPI that Duet was built with")
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = pathlib.Path(held.name)

    def start(self, count, *words, command="train"):
        child = subprocess.Popen([*LAUNCHER, "-n", str(count), str(PROGRAM), command, *words], env=ENVIRONMENT, cwd=self.folder,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        return child

    def train(self, count, run, *words, steps=STEPS):
        """A training that must end well; returns what it said."""
        child = self.start(count, *MODEL, "--steps", str(steps), "--out", run, "--go-on", *words)
        out, said = child.communicate(timeout=300)
        self.assertEqual(child.returncode, 0, said)
        self.assertEqual(out, f"{run}\n")
        return said

    def await_ranks(self, child, count, run):
        """Waits until the training has begun its steps; returns its processes."""
        limit = time.monotonic() + 300
        while not (self.folder / run / "metrics.jsonl").exists() and child.poll() is None and time.monotonic() < limit:
            time.sleep(0.02)
        found = ranks_below(child, PROGRAM)
        self.assertEqual(sorted(found), list(range(count)), child.stderr.read() if child.poll() is not None else "")
        return found

    def assert_ended(self, pids):
        limit = time.monotonic() + SECONDS
        while (left := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < limit:
            time.sleep(0.05)
        self.assertEqual(left, [])

    def assert_same(self, run, other):
        files = [(self.folder / name / "checkpoint.safetensors").read_bytes() for name in (run, other)]
        self.assertEqual(*files)
        self.assertEqual(lines_of(self.folder / run), lines_of(self.folder / other))

    def await_others_coming_up(self, child, what):
        """A launcher that overlooks a process's end before MPI knew it leaves the others to their own limit: two minutes."""
        try:
            said = child.communicate(timeout=150)[1]
        except subprocess.TimeoutExpired:
            said = "it does not end at all"
        self.assertIn("not all processes have come up", said, f"{what}: it goes on {SECONDS} s after a rank was killed")

    def torment(self, count):
        draw = random.Random(os.urandom(8))
        self.train(count, "alone")
        shutil.rmtree(self.folder / "alone")
        begin = time.monotonic()
        self.train(count, "alone")  # once more, as the first compiled
        whole, kills = time.monotonic() - begin, 0
        while kills < KILLS:
            child = self.start(count, *MODEL, "--steps", str(STEPS), "--out", "killed", "--go-on")
            time.sleep(draw.uniform(0, whole))
            found = ranks_below(child, PROGRAM)
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(draw.choice(list(found.values())), signal.SIGKILL)
            try:
                child.communicate(timeout=SECONDS if found else 300)
            except subprocess.TimeoutExpired:
                self.await_others_coming_up(child, f"{count} ranks, kill {kills}")
            self.assert_ended(found.values())
            kills += child.returncode != 0
            if child.returncode == 0 or kills == KILLS:
                self.train(count, "killed")
                self.assert_same("killed", "alone")
                shutil.rmtree(self.folder / "killed")
        print(f"{count} ranks: {kills} kills, equal bytes", file=sys.stderr)

    def test_2_ranks_are_killed(self):
        self.torment(2)

    def test_4_ranks_are_killed(self):
        self.torment(4)

    def test_signals_on_one_rank_stop_all(self):
        self.train(2, "alone")
        for number, status in ((signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)):
            child = self.start(2, *MODEL, "--steps", "4000000", "--out", "stopped")
            os.kill(self.await_ranks(child, 2, "stopped")[1], number)
            out, said = child.communicate(timeout=300)
            said = said.replace(WAITS, "")
            self.assertEqual((child.returncode, out), (status, "stopped\n"), said)
            self.assertEqual(said.count("go on with --resume stopped"), 1, said)
            shutil.rmtree(self.folder / "stopped")

    def test_a_launcher_that_is_told_to_end_leaves_a_checkpoint(self):
        # told to end, Open MPI would kill its ranks a second later, within which a loaded machine may write no checkpoint
        with unittest.mock.patch.dict(ENVIRONMENT, OMPI_MCA_odls_base_sigkill_timeout="30"):
            child = self.start(2, *MODEL, "--steps", "4000000", "--out", "stopped")
        found = self.await_ranks(child, 2, "stopped")
        before = (self.folder / "stopped/checkpoint.safetensors")
        child.send_signal(signal.SIGTERM)
        # on a loaded machine the other rank says that it waits, which may fall into the midst of a line
        said = child.communicate(timeout=300)[1].replace(WAITS, "")
        self.assert_ended(found.values())
        self.assertIn("go on with --resume stopped", said)
        self.assertTrue(before.exists())
        steps = json.loads((self.folder / "stopped/metrics.jsonl").read_text().splitlines()[-1])["step"] + 200
        self.train(2, "stopped", steps=steps)

    def test_runs_move_between_numbers_of_ranks(self):
        self.train(2, "moved", steps=300)
        self.assertIn("was last trained by 2 ranks and goes on with 1", self.train(1, "moved", steps=600))
        self.assertIn("was last trained by 1 rank and goes on with 4", self.train(4, "moved", steps=900))
        record = json.loads((self.folder / "moved/run.json").read_text())
        self.assertEqual(len(record["ranks"]), 4)
        self.assertEqual([one.get("ranks") for one in record["resumed"]], [None, 4])

    def test_mistakes_are_said_once(self):
        self.train(1, "there", steps=3)
        for words, status, piece in ((["vea", "--steps", "3"], 2, "did you mean 'vae'?"),
                                     ([*MODEL, "--steps", "3", "--set", "lattent=3"], 2, "lattent"),
                                     ([*MODEL, "--steps", "3", "--out", "there"], 1, "already holds a run"),
                                     (["--resume", "nowhere"], 1, "is not a run directory")):
            child = self.start(2, *words)
            out, said = child.communicate(timeout=300)
            self.assertEqual((child.returncode, out), (status, ""), said)
            self.assertEqual(said.count(piece), 1, said)
        with unittest.mock.patch.dict(ENVIRONMENT, DUET_RANK="off"):
            self.assertEqual(self.train(2, "misspelt", steps=3).count("did you mean DUET_RANKS?"), 1)

    def test_a_driver_that_fails_one_rank_ends_all(self):
        if LAYER is None:
            self.skipTest("no layer was given that makes calls of OpenCL fail")
        one = [str(PROGRAM), "train", *MODEL, "--steps", "20", "--quiet", "--out", "failed"]
        self.train(2, "warm", steps=3)
        for rank in (0, 1):
            for call in (60, 130, 400):  # the first ones ask which devices are there, and one may be another driver's
                failing = ["-n", "1", "env", f"OPENCL_LAYERS={LAYER}", f"LAYER_CALLS={call} -5", *one]
                ranks = [failing, ["-n", "1", *one]]
                child = subprocess.run([*LAUNCHER, *ranks[rank], ":", *ranks[1 - rank]], env=ENVIRONMENT, cwd=self.folder,
                                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
                with self.subTest(rank=rank, call=call):
                    self.assertIn(child.returncode, (1, 3), child.stderr)
                    self.assertIn(f"duet: rank {rank} on ", child.stderr)
                    self.assertFalse((self.folder / "failed/run.json").exists())

    def use(self, count, command, *words, status=0):
        child = self.start(count, *words, command=command)
        out, said = child.communicate(timeout=300)
        self.assertEqual(child.returncode, status, said)
        return out, said

    def test_uses_are_shared_to_the_byte(self):
        self.train(1, "run", steps=30)
        uses = [["eval", "run", "--json"], ["sample", "run", "-n", "1234", "--json", "--out", "x.npy"],
                ["encode", "run", "--json", "--out", "x.npy"], ["score", "run", "--out", "x.npy"], ["report", "run", "--out", "x.html"]]
        for use in uses:
            outs, files = [], []
            for count in (1, 2, 4):
                outs.append(self.use(count, *use)[0])
                files.append([path.read_bytes() for path in sorted(self.folder.glob("x*"))])
                for path in self.folder.glob("x*"):  # also the labels, which nothing is written beside
                    path.unlink()
            with self.subTest(use=use):
                self.assertEqual(outs[1:], [outs[0]] * 2)
                self.assertTrue("eval" in use or files[0])
                if "report" not in use:  # which has times in it
                    self.assertEqual(files[1:], [files[0]] * 2)

    def test_rank_0_says_what_is_wrong_with_a_use(self):
        self.train(1, "run", steps=3)
        for words, status, piece in ((["sample", "run", "--sed", "3"], 2, "--sed"), (["sample", "nowhere"], 1, "nowhere"),
                                     (["eval", "run", "--metric", "elbw"], 2, "did you mean 'elbo'?"),
                                     (["sample", "run", "-n", "500", "--out", "nowhere/x.npy"], 1, "nowhere")):
            out, said = self.use(3, *words, status=status)
            self.assertEqual((out, said.count("duet: "), piece in said), ("", 1, True), said)
        self.assertIn("usage: duet sample", self.use(3, "sample", "--help")[0])

    def start_long_use(self, count):
        """A use that takes minutes, at work; and its processes."""
        self.train(1, "run", steps=3)
        child = self.start(count, "run", "--own", "-n", "2000", "--set", "steps=1000000", "--out", "x.npy", command="invert")
        limit = time.monotonic() + 300
        while len(found := ranks_below(child, PROGRAM)) < count and time.monotonic() < limit:
            time.sleep(0.02)
        time.sleep(4)
        self.assertIsNone(child.poll(), child.stderr.read() if child.poll() is not None else "")
        return child, found

    def test_a_rank_that_is_killed_ends_a_use(self):
        child, found = self.start_long_use(3)
        os.kill(found[1], signal.SIGKILL)
        child.communicate(timeout=SECONDS)
        self.assertNotEqual(child.returncode, 0)
        self.assert_ended(found.values())

    def test_signals_stop_a_use(self):
        for ranks, status in (((0, 1), 143), ((1,), 130)):  # rank 0 does not know which signal stopped the other
            child, found = self.start_long_use(2)
            for rank in ranks:
                os.kill(found[rank], signal.SIGTERM)
            said = child.communicate(timeout=300)[1]
            self.assertEqual(child.returncode, status, said)
            self.assertIn("stopped after", said)
            self.assertFalse((self.folder / "x.npy").exists())
            shutil.rmtree(self.folder / "run")

    def test_ranks_with_other_options_are_named(self):
        one = [str(PROGRAM), "train", *MODEL, "--out", "mixed", "--steps"]
        child = subprocess.run([*LAUNCHER, "-n", "1", *one, "3", ":", "-n", "1", *one, "4"], env=ENVIRONMENT, cwd=self.folder,
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(child.returncode, 1, child.stderr)
        self.assertIn('this one has "steps: 4"', child.stderr)
        self.assertFalse((self.folder / "mixed").exists())

    def test_ranks_with_other_command_lines_are_named(self):
        self.train(1, "run", steps=3)
        use = ["encode", "run", "--out", "a.npy"]
        for other, piece in ((["encode", "r2", "--out", "a.npy"], "has 'r2' as word 2, and that of rank 0 has 'run'"),
                             (["encode", "run", "--out", "b.npy"], "has 'b.npy' as word 4"), (use[:3], "has no word as word 4"),
                             ([*use, "--json"], "has '--json' as word 5, and that of rank 0 has no word"),
                             (["train", *MODEL, "--steps", "3", "--out", "new"], "has 'train' as word 1")):
            for words in ((use, other), (other, use)) if other[0] == "train" else ((use, other),):
                first, second = ([str(PROGRAM), *one] for one in words)
                child = subprocess.run([*LAUNCHER, "-n", "1", *first, ":", "-n", "1", *second], env=ENVIRONMENT, cwd=self.folder,
                                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
                with self.subTest(words=words):
                    self.assertEqual((child.returncode, child.stderr.count("duet: rank 1 on ")), (2, 1), child.stderr)
                    self.assertIn(piece if words[0] is use else "has 'encode' as word 1", child.stderr)
                    self.assertEqual([*self.folder.glob("*.npy"), *self.folder.glob("new")], [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--layer", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("--mpirun", help="the one of the MPI that Duet was built with; otherwise it is looked for")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=40)
    arguments = parser.parse_args()
    PROGRAM, LAYER, KILLS, SECONDS = arguments.program, arguments.layer, arguments.kills, arguments.seconds
    LAUNCHER = find_launcher(PROGRAM, arguments.mpirun)
    sys.argv[1:] = []
    cases.main()
