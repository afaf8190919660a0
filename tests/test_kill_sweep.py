#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kills trainings of every family at random moments and resumes them: they end with the bytes of one left alone.

usage: test_kill_sweep.py build/duet [--kills N] [FAMILY...]   N kills of each family, 1 where nothing is said

Each family trains on small pictures with labels, or on points where it takes no pictures. A kill is SIGKILL after a random
part of the time that a training takes; every third is SIGSTOP and SIGCONT, which must change nothing. Compared are the
checkpoint and the lines of metrics.jsonl without their times. The last line of each case is its count.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import cases

POINTS = {"mixture": "two-peaks"}  # families that take no pictures
STEPS, EVERY = 24, 5
LENGTH = ["--steps", str(STEPS), "--checkpoint-every", str(EVERY), "--quiet"]


def write_npy(path, descr, shape, payload):
    header = repr({"descr": descr, "fortran_order": False, "shape": shape})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + payload)


def write_pictures(folder, count=96):
    draw = random.Random(0)
    for split in ("train", "test"):
        write_npy(folder / f"{split}.npy", "|u1", (count, 8, 8), bytes(draw.randrange(256) for _ in range(count * 64)))
        write_npy(folder / f"{split}-labels.npy", "|u1", (count,), bytes(i % 4 for i in range(count)))


def lines_of(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


class Kills(unittest.TestCase):
    def start(self, run):
        words = ["--resume", str(run), *LENGTH] if (run / "run.json").exists() else [*self.words, "--out", str(run), *LENGTH]
        return subprocess.Popen([PROGRAM, "train", *words], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def finish(self, child):
        complaint = child.communicate(timeout=300)[1]
        self.assertEqual(child.returncode, 0, complaint)

    def torment(self, family):
        draw, killed = random.Random(os.urandom(8)), 0
        self.words = [family, "--data", POINTS.get(family, str(FOLDER / "pictures")), "--batch", "16"]
        alone, run = FOLDER / f"{family}-alone", FOLDER / f"{family}-killed"
        self.finish(self.start(alone))
        shutil.rmtree(alone)
        begin = time.monotonic()
        self.finish(self.start(alone))  # once more, as the first compiled
        whole = time.monotonic() - begin
        for attempt in range(KILLS):
            child = self.start(run)
            time.sleep(draw.uniform(0, whole))
            if attempt % 3 == 2:
                child.send_signal(signal.SIGSTOP)
                child.send_signal(signal.SIGCONT)
            else:
                child.kill()
            child.communicate()
            killed += child.returncode == -signal.SIGKILL
            if child.returncode == 0 or attempt == KILLS - 1:
                self.finish(self.start(run))
                self.assertEqual((run / "checkpoint.safetensors").read_bytes(),
                                 (alone / "checkpoint.safetensors").read_bytes())
                self.assertEqual(lines_of(run), lines_of(alone))
                shutil.rmtree(run)
        print(f"{family}: {killed} kills, equal bytes", file=sys.stderr)


def add_case(family):
    setattr(Kills, f"test_{family.replace('-', '_')}", lambda self: self.torment(family))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", type=lambda text: str(pathlib.Path(text).resolve()))
    parser.add_argument("families", nargs="*")
    parser.add_argument("--kills", type=int, default=1)
    arguments = parser.parse_intermixed_args()
    PROGRAM, KILLS = arguments.program, arguments.kills
    ENVIRONMENT = {**os.environ, "POCL_MAX_PTHREAD_COUNT": "1", "DUET_TUNING": "off"}
    listed = json.loads(subprocess.run([PROGRAM, "models", "--json"], capture_output=True, text=True, check=True).stdout)
    for name in arguments.families or [row["name"] for row in listed["models"]]:
        add_case(name)
    sys.argv[1:] = []
    with tempfile.TemporaryDirectory() as held:
        FOLDER = pathlib.Path(held)
        (FOLDER / "pictures").mkdir()
        write_pictures(FOLDER / "pictures")
        cases.main()
