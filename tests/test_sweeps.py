#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes calls fail, one in each run of a command: every OpenCL call, every call that writes files, every allocation,
and those that libraries make for Duet: jansson, whose documents are to be whole, and those that read archives.

usage: test_sweeps.py build/duet LAYER.so FILES.so MEMORY.so [--whole] [COMMAND...]

The OpenCL calls fail through a layer (layer_calls.c), those on files and for memory through preloads (preload_*.c). Whatever fails, a
command ends in time: well, with the results of an undisturbed one; or with 1 or 3 and a message. No half-written file is
left, and what was there before is whole. Some of the calls are tried, spread over a command; with --whole each of
them, for each error. Each test's last line is its count.
"""
import collections
import concurrent.futures
import io
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
import zipfile
import zlib

import cases

# CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY; EIO, ENOSPC, EINTR; ENOMEM.
OPENCL, FILES, MEMORY = (-4, -5, -6), (5, 28, 4), (12,)
SAMPLED, QUESTIONS, SECONDS, JOBS = 24, 36, 120, len(os.sched_getaffinity(0))
SMALL = ["--data", "ring8", "--steps", "3", "--quiet"]
VAE, GAN = ["vae", "--set", "hidden=8", *SMALL], ["gan", "--set", "generator_hidden=8", "--set", "discriminator_hidden=8", *SMALL]

# 60 points as numpy saves them.
HEAD = "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 2), }".ljust(117) + "\n"
POINTS = b"\x93NUMPY\1\0" + struct.pack("<H", len(HEAD)) + HEAD.encode() + struct.pack("<120f", *(i * 37 % 101 / 50 - 1 for i in range(120)))

# What is swept, by name: words, where {} is a folder of its own; `run` in it is a trained run that must stay whole.
COMMANDS = {
    "train-vae": ["train", *VAE, "--out", "{}/new"],
    "train-gan": ["train", *GAN, "--out", "{}/new"],
    "train-streamed": ["train", "vae", "--set", "hidden=8", "--data", "POINTS", "--stream", "--batch", "8", "--steps", "6", "--quiet",
                       "--out", "{}/new"],
    "resume": ["train", "--resume", "{}/run", "--steps", "6", "--quiet"],
    "sample": ["sample", "{}/run", "-n", "9", "--out", "{}/new.npy"],
    "eval": ["eval", "{}/run", "--metric", "modes", "--metric", "elbo", "--json"],
    "encode": ["encode", "{}/run", "-n", "50", "--out", "{}/new.npy"],
    "invert": ["invert", "{}/run", "-n", "4", "--set", "steps=3", "--out", "{}/new.npy"],
}

# What is swept for calls on files alone: folders of arrays and of pictures, of which no part may be left out in silence.
OF_FILES = {
    "train-arrays": ["train", "vae", "--set", "hidden=8", "--data", "ARRAYS", "--steps", "3", "--batch", "4", "--quiet", "--out", "{}/new"],
    "train-pictures": ["train", "vae", "--set", "hidden=8", "--data", "PICTURES", "--steps", "3", "--batch", "4", "--quiet", "--out", "{}/new"],
}

# What is swept for allocations of libraries, by the library's name.
OF_LIBRARIES = {
    "jansson": {**{name: COMMANDS[name] for name in ("train-vae", "resume", "sample", "eval")},
                "compare": ["compare", "{}/run", "{}/run", "--json"]},
    "archive": {"unpack": ["data", "PACKED", "--json"]},
    "z": {"unpack": ["data", "PACKED", "--json"]},
}
ALL = {**COMMANDS, **OF_FILES, **{name: words for commands in OF_LIBRARIES.values() for name, words in commands.items()}}
BLAMED = ("was removed, moved or replaced", "there is a file in its place", "it is no file", "and a file was expected")
OF_THE_HOUR = ("seconds", "images_per_second", "made")


def timeless(text):
    """Lines, or a whole text, of JSON without what is of the hour; what is no JSON as it is."""
    def parse(part):
        try:
            return json.loads(part, object_pairs_hook=lambda pairs: [pair for pair in pairs if pair[0] not in OF_THE_HOUR])
        except ValueError:
            return part
    whole = parse(text)
    return [parse(line) for line in text.splitlines()] if whole is text else whole


def picture(seed):
    """A PNG of 4 x 4 grey pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    rows = b"".join(b"\0" + bytes(seed * 31 + row * 53 + column * 97 & 255 for column in range(4)) for row in range(4))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Trial:
    """One run of a command in a folder of its own."""

    def __init__(self, command, switch, environment):
        self.command, self.switch, self.environment = command, switch, environment

    def go(self, folder):
        words = [word.replace("{}", str(folder)).replace("POINTS", str(TRAINED.with_name("points.npy")))
                 .replace("PACKED", str(TRAINED.with_name("packed.npz")))
                 .replace("ARRAYS", str(TRAINED.with_name("arrays"))).replace("PICTURES", str(TRAINED.with_name("pictures"))) for word in ALL[self.command]]
        shutil.copytree(EVALUATED if self.command == "compare" else TRAINED, folder / "run")
        if self.command == "resume":  # from a checkpoint that a report is past of
            reports = folder / "run" / "metrics.jsonl"
            reports.write_text(reports.read_text() + reports.read_text().replace('"step":3,', '"step":5,'))
        environment = {**os.environ, **QUIET, **self.environment, self.switch + "_COUNT": str(folder / "count")}
        try:
            ended = subprocess.run([PROGRAM, *words], env=environment, cwd=folder,
                                   stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.status, self.out, self.complaint, self.calls, self.failed = "hung", "", "", 0, "something"
        else:
            self.status, self.out, self.complaint = ended.returncode, ended.stdout, ended.stderr
            told = (folder / "count").read_text().split() if (folder / "count").exists() else ["0", "something"]
            self.calls, self.failed = int(told[0]), told[1]
        self.results = {path.name: path.read_bytes() for path in folder.glob("new*.npy")}
        self.results["standard output"] = timeless(self.out.replace(str(folder), ""))
        run = folder / ("new" if self.command.startswith("train") else "run")
        self.results["checkpoint"] = (run / "checkpoint.safetensors").read_bytes() if (run / "checkpoint.safetensors").exists() else b""
        for name in ("run.json", "metrics.jsonl", "evaluation.json") if "PRELOAD_MEMORY_OF" in self.environment else ():
            self.results[name] = timeless((run / name).read_text()) if (run / name).exists() else None
        self.left = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(".duet-") or path.name.endswith(".part")]
        return self

    def faults(self, healthy, before):
        """What is wrong with how it ended."""
        if self.status == 0:
            if self.results != healthy.results:
                yield "ended well with other results: " + ", ".join(
                    name for name in healthy.results if self.results.get(name) != healthy.results[name])
            return
        if self.environment.get("PRELOAD_MEMORY_OF") == "archive":  # libarchive itself may crash, or end the program
            if self.status == -signal.SIGSEGV or "in libarchive" in self.complaint:
                return
        if self.status not in (1, 3):
            yield f"exit status {self.status}: {self.complaint.strip()[-300:]}"
        elif not any(line.startswith("duet: ") for line in self.complaint.splitlines()):
            yield f"exit status {self.status} without a message"
        elif "PRELOAD_MEMORY_OF" in self.environment and "memory" not in self.complaint:
            yield f"something else is blamed: {self.complaint.strip()[-300:]}"
        if any(words in self.complaint for words in BLAMED):
            yield f"what a call could not tell is taken for known: {self.complaint.strip()[-300:]}"
        if self.left:
            yield "left " + ", ".join(self.left)
        if not self.command.startswith("train") and self.results["checkpoint"] not in (before, healthy.results["checkpoint"]):
            yield "the checkpoint is not whole"
        for name, written in self.results.items():
            if name.endswith(".npy") and written != healthy.results.get(name):
                yield f"{name} is half-written"


def sweep(test, command, switch, environment, codes):
    def attempt(place, code):
        with tempfile.TemporaryDirectory() as folder:
            asked = {switch: f"{place} {code}"} if place else {}
            return Trial(command, switch, {**environment, **asked}).go(pathlib.Path(folder))
    healthy = attempt(0, 0)
    test.assertEqual(healthy.status, 0, healthy.complaint)
    total = healthy.calls
    test.assertGreater(total, 0)
    if WHOLE:
        points = [(place, code) for place in range(1, total + 1) for code in codes]
    else:
        sampled = total if "PRELOAD_FILES_ONLY" in environment else min(SAMPLED, total)
        places = [1 + i * total // sampled for i in range(sampled)]
        if command == "resume":  # the first calls ask what the device is, each of them something else
            places = list(range(1, QUESTIONS + 1)) + [place for place in places if place > QUESTIONS]
        points = [(place, codes[i % len(codes)]) for i, place in enumerate(places)]
    before = (TRAINED / "checkpoint.safetensors").read_bytes()
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        trials = list(pool.map(lambda point: attempt(*point), points))
    wrong = [f"call {place} of {total}, {trial.failed}, error {code}: {words}"
             for (place, code), trial in zip(points, trials) for words in trial.faults(healthy, before)]
    borne = collections.Counter(trial.failed for trial in trials if trial.status == 0)
    print(f"{command}: {len(points)} failures of {total} calls, {len(points) - borne.total()} refused, {len(wrong)} not clean"
          + "".join(f"; {count} of {name} borne" for name, count in borne.items()), file=sys.stderr)
    test.assertEqual(wrong, [])
    test.assertLess(borne.total(), len(points))  # else nothing failed


class Sweeps(unittest.TestCase):
    pass


class Locks(unittest.TestCase):
    def test_numbers_stand_in_for_locks(self):
        environment = {**os.environ, **QUIET, "LD_PRELOAD": PRELOAD, "PRELOAD_NO_LOCKS": "1"}
        with tempfile.TemporaryDirectory() as held:
            run = pathlib.Path(held) / "run"
            shutil.copytree(TRAINED, run)
            resume = [PROGRAM, "train", "--resume", run, "--quiet", "--steps"]

            def go_on(steps):
                return subprocess.run([*resume, steps], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                      timeout=SECONDS)

            (run / "lock").write_text("999999999\n")  # of a process that is gone
            self.assertEqual(go_on("4").returncode, 0)
            with subprocess.Popen([*resume, "20000000"], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL) as other:
                try:
                    ends = time.monotonic() + SECONDS
                    while not (run / "lock").exists() or not (run / "lock").read_text().strip():
                        self.assertLess(time.monotonic(), ends)
                        time.sleep(0.05)
                    refused = go_on("9")
                finally:
                    other.kill()
            self.assertEqual(refused.returncode, 1, refused.stderr)
            self.assertIn(f"is being trained by process {other.pid}, as far as its lock says", refused.stderr)


class Archives(unittest.TestCase):
    def test_a_read_that_fails_is_no_damage(self):
        preload = str(pathlib.Path(PRELOAD).with_name("libpreload_reads.so"))
        for name in ("packed.npz", "packed.tar.gz"):
            refused = 0
            for number in range(1, 13):
                ended = subprocess.run([PROGRAM, "data", TRAINED.with_name(name)], stdin=subprocess.DEVNULL, capture_output=True,
                                       text=True, timeout=SECONDS,
                                       env={**os.environ, **QUIET, "LD_PRELOAD": preload, "PRELOAD_READS": f"{name} {number} 1"})
                refused += ended.returncode
                if ended.returncode != 0:
                    self.assertEqual((ended.returncode, "Input/output error" in ended.stderr), (1, True), f"{name}, read {number}: {ended.stderr}")
            self.assertGreater(refused, 0)


class Folders(unittest.TestCase):
    def test_a_look_that_fails_makes_no_format_of_a_folder(self):
        """A folder that cannot be looked into is blamed, and not a file of a set that it might be."""
        refused = 0
        for number in range(1, 13):
            ended = subprocess.run([PROGRAM, "data", TRAINED.with_name("pictures")], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS,
                                   env={**os.environ, **QUIET, "LD_PRELOAD": PRELOAD, "PRELOAD_FILES_ONLY": "stat64", "PRELOAD_FILES": f"{number} 13"})
            refused += ended.returncode
            self.assertNotIn("data_batch", ended.stderr, f"look {number}")
        self.assertGreater(refused, 0)


def add_case(command):
    def opencl(self):
        sweep(self, command, "LAYER_CALLS", {"OPENCL_LAYERS": LAYER}, OPENCL)

    def files(self):
        sweep(self, command, "PRELOAD_FILES", {"LD_PRELOAD": PRELOAD}, FILES)

    def listings(self):
        sweep(self, command, "PRELOAD_FILES", {"LD_PRELOAD": PRELOAD, "PRELOAD_FILES_ONLY": "readdir64"}, FILES)

    def looks(self):
        sweep(self, command, "PRELOAD_FILES", {"LD_PRELOAD": PRELOAD, "PRELOAD_FILES_ONLY": "stat64"}, FILES)

    def memory(self):
        sweep(self, command, "PRELOAD_MEMORY", {"LD_PRELOAD": MEMORY_PRELOAD}, MEMORY)
    setattr(Sweeps, f"test_files_{command}", files)
    if command in OF_FILES:
        setattr(Sweeps, f"test_listings_{command}", listings)
        return
    if command == "train-vae":
        setattr(Sweeps, f"test_looks_{command}", looks)
    setattr(Sweeps, f"test_memory_{command}", memory)
    setattr(Sweeps, f"test_opencl_{command}", opencl)


def add_case_of_library(library, command):
    def memory(self):
        environment = {"LD_PRELOAD": MEMORY_PRELOAD, "PRELOAD_MEMORY_OF": library}
        if ALL[command][0] == "train":  # of which nothing is the program's
            environment["PRELOAD_MEMORY_BARE"] = "yes"
        sweep(self, command, "PRELOAD_MEMORY", environment, MEMORY)
    setattr(Sweeps, f"test_{library}_{command}", memory)


if __name__ == "__main__":
    PROGRAM, LAYER, PRELOAD, MEMORY_PRELOAD = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:5])
    WHOLE = "--whole" in sys.argv
    for name in [word for word in sys.argv[5:] if word in ALL] or ALL:
        if name in COMMANDS or name in OF_FILES:
            add_case(name)
        for library in [library for library, commands in OF_LIBRARIES.items() if name in commands]:
            add_case_of_library(library, name)
    QUIET = {"POCL_MAX_PTHREAD_COUNT": "1", "DUET_TUNING": "off"}
    with tempfile.TemporaryDirectory() as held:
        TRAINED = pathlib.Path(held) / "trained"
        TRAINED.with_name("points.npy").write_bytes(POINTS)
        with zipfile.ZipFile(TRAINED.with_name("packed.npz"), "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("x_train.npy", POINTS)
            packed.writestr("x_test.npy", POINTS)
        with tarfile.open(TRAINED.with_name("packed.tar.gz"), "w:gz") as packed:
            for name in ("x_train.npy", "x_test.npy"):
                member = tarfile.TarInfo(name)
                member.size = len(POINTS)
                packed.addfile(member, io.BytesIO(POINTS))
        for name in ("train.npy", "test.npy"):
            (TRAINED.with_name("arrays") / name).parent.mkdir(exist_ok=True)
            (TRAINED.with_name("arrays") / name).write_bytes(POINTS)
        for i in range(24):
            path = TRAINED.with_name("pictures") / ("test" if i % 4 == 3 else "train") / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(i))
        EVALUATED = TRAINED.with_name("evaluated")

        def run(*words):
            subprocess.run([PROGRAM, *words], env={**os.environ, **QUIET}, check=True, stdout=subprocess.DEVNULL)
        run("train", *VAE, "--out", TRAINED)
        if hasattr(Sweeps, "test_jansson_compare"):
            shutil.copytree(TRAINED, EVALUATED)
            run("compare", EVALUATED, EVALUATED)
        cases.main()
