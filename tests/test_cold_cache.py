#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Eight trainings that begin at once on one cache that is empty, as in a cluster's home: all end well, with equal bytes.
A cache that is damaged is named.

usage: test_cold_cache.py build/duet [--rounds N]

They compile the same kernels and take the driver's files away from each other while they do. A training that has not
ended after ten minutes is told of with what its threads wait in.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases

AT_ONCE, SECONDS = 8, 600
MODELS = {"vae": ["hidden=8", "latent=2"], "gan": ["generator_hidden=8", "discriminator_hidden=8"], "mixture": []}


def waits_of(child):
    """Where the kernel has each thread of a process."""
    tasks = pathlib.Path(f"/proc/{child.pid}/task").glob("*")
    return ", ".join(sorted((task / "wchan").read_text() or "runs" for task in tasks))


class ColdCache(unittest.TestCase):
    def train_at_once(self, model, settings):
        with tempfile.TemporaryDirectory() as held:
            folder = pathlib.Path(held)
            environment = {**os.environ, "POCL_CACHE_DIR": held + "/kernels", "XDG_CACHE_HOME": held + "/cache", "DUET_TUNING": "off",
                           "POCL_MAX_PTHREAD_COUNT": "1"}
            words = [PROGRAM, "train", model, "--data", "ring8", "--steps", "6", *[word for pair in settings for word in ("--set", pair)]]
            children = [subprocess.Popen([*words, "--out", str(folder / str(i))], env=environment, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for i in range(AT_ONCE)]
            try:
                for child in children:
                    complaint = child.communicate(timeout=SECONDS)[1]
                    self.assertEqual(child.returncode, 0, complaint)
                    told = [line for line in complaint.splitlines() if line.startswith("compiling ")]
                    self.assertEqual(len(told), len(set(told)), complaint)
            except subprocess.TimeoutExpired:
                self.fail("hung: " + "; ".join(waits_of(child) for child in children if child.poll() is None))
            finally:
                for child in children:
                    child.kill()
                    child.communicate()
            checkpoints = {(folder / str(i) / "checkpoint.safetensors").read_bytes() for i in range(AT_ONCE)}
            self.assertEqual(len(checkpoints), 1)

    def test_trainings_fill_one_cache(self):
        for _ in range(ROUNDS):
            for model, settings in MODELS.items():
                self.train_at_once(model, settings)
        print(f"{ROUNDS * len(MODELS)} times {AT_ONCE} trainings on an empty cache, equal bytes", file=sys.stderr)

    def test_a_damaged_cache_is_named(self):
        """As after a power cut: what PoCL keeps of a program is there, and is empty."""
        with tempfile.TemporaryDirectory() as held:
            kernels = pathlib.Path(held) / "kernels"
            environment = {**os.environ, "POCL_CACHE_DIR": str(kernels), "DUET_TUNING": "off"}

            def train(out):
                words = [PROGRAM, "train", "mixture", "--data", "ring8", "--steps", "1", "--out", f"{held}/{out}"]
                return subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)

            self.assertEqual(train("whole").returncode, 0)
            programs = list(kernels.rglob("program.bc"))
            if not programs:
                self.skipTest("the driver is not PoCL")
            for program in programs:
                program.write_bytes(b"")
            ended = train("damaged")
            self.assertEqual(ended.returncode, 1)
            self.assertIn(f"remove that, which it makes again; PoCL keeps it in {kernels}", ended.stderr)
            shutil.rmtree(kernels)
            self.assertEqual(train("again").returncode, 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=lambda text: str(pathlib.Path(text).resolve()))
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    PROGRAM, ROUNDS = arguments.program, arguments.rounds
    sys.argv[1:] = []
    cases.main()
