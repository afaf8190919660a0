#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Cuts the power at every moment of a training and goes on from what a disk may hold then.

usage: test_power_cut.py build/duet JOURNAL.so [--whole]

A preload (preload_journal.c) keeps a journal of what `duet train` makes, writes, syncs and renames. After each of its lines the
folder is rebuilt in the ways that POSIX allows a disk: the names made, renamed and removed in a folder since that folder was
synced are there or not, each for itself; of what was written into a file since it was synced there is nothing, all, a piece, or
zeros for some of it. `train --resume` must then end with the bytes of a training that was left alone. A checkpoint that was
written for certain, with its folder, is never lost; before the first one a folder may hold no run, which is said, and
`train --out` may begin there again. All states are looked at, and some are gone on from; with --whole all of them. The last line of each case is
its count.
"""
import hashlib
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

import cases

SAMPLED, ALL_OF, DRAWN, SECTOR, JOBS = 60, 5, 6, 512, len(os.sched_getaffinity(0))
STEPS = 11  # three epochs and two thirds
TRAIN = ["vae", "--data", "{}/examples.npy", "--set", "hidden=6", "--set", "latent=2", "--batch", "16"]
BEST = ["--keep-best", "elbo"]
OFTEN = ["--checkpoint-every", "2"]
NOTE = b'{"note": "mine"}\n'


def write_examples(path, count=64):
    draw = random.Random(0)
    header = repr({"descr": "|u1", "fortran_order": False, "shape": (count, 4, 4)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                     bytes(draw.randrange(256) for _ in range(count * 16)))


def duet(words, **more):
    return subprocess.run([PROGRAM, "train", *words], env={**ENVIRONMENT, **more}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300)


class Disk:
    """What is certain of a folder, and what is not yet."""

    def __init__(self, root):
        """Begins with all that is in the folder, synced."""
        self.root, self.live, self.lasting, self.pending, self.synced, self.now, self.mixed = root, {}, {}, [], {}, {}, []
        for path in sorted(root.rglob("*")):
            self.live[str(path)] = None if path.is_dir() else self.new(path.read_bytes())
        self.lasting = dict(self.live)

    def new(self, contents):
        """A file with these contents; folders are None."""
        number = len(self.now)
        self.synced[number] = self.now[number] = contents
        return number

    @staticmethod
    def apply(names, change):
        kind, path, *more = change
        if kind == "remove":
            names.pop(path, None)
        elif kind == "rename":
            names.pop(path, None)
            names[more[0]] = more[1]
        else:
            names[path] = more[0]

    def change(self, *change):
        self.apply(self.live, change)
        self.pending.append(change)

    def follow(self, kind, path, other, contents):
        """One line of the journal."""
        if kind == "create":
            self.change("create", path, self.new(b""))
        elif kind == "mkdir":
            self.change("mkdir", path, None)
        elif kind == "rename":
            self.change("rename", path, other, self.live[path])
        elif kind == "remove":
            self.change("remove", path)
        elif self.live.get(path) is not None:
            number = self.live[path]
            if len(self.synced[number]) > len(self.now[number]) < len(contents):
                self.mixed.append(path)  # pieces of the old end may come back between the new ones
            self.now[number] = contents
            if kind == "sync":
                self.synced[number] = contents
        elif kind == "sync":
            for change in [change for change in self.pending if os.path.dirname(change[1]) == path]:
                self.apply(self.lasting, change)
                self.pending.remove(change)

    def build(self, happened, contents_of):
        """Names and contents where these of the pending changes happened. A folder that is not there takes all in it away."""
        names = dict(self.lasting)
        for change in happened:
            self.apply(names, change)
        there = {}
        for path in sorted(names):
            parent = os.path.dirname(path)
            if parent == str(self.root) or there.get(parent, b"") is None:
                there[path] = None if names[path] is None else contents_of(self.synced[names[path]], self.now[names[path]])
        return there

    def states(self, draw):
        """What the disk may hold now: the extremes, and some that are drawn."""
        some = lambda: [change for change in self.pending if draw.random() < 0.5]
        for way in (kept, replaced, zeroed):
            yield self.build(self.pending, way)
        for choice in itertools.product((False, True), repeat=min(len(self.pending), ALL_OF)):
            yield self.build(itertools.compress(self.pending, choice), replaced)
        for _ in range(DRAWN):
            yield self.build(some(), lambda old, new: draw.choice([kept, replaced, zeroed, cut, holed])(old, new, draw))


def kept(old, new, draw=None):
    return old


def replaced(old, new, draw=None):
    return new


def zeroed(old, new, draw=None):
    """The new length without the new bytes."""
    return old[:len(new)] + bytes(max(0, len(new) - len(old)))


def cut(old, new, draw):
    return new[:draw.randint(min(len(old), len(new)), len(new))]


def holed(old, new, draw):
    """Each sector as it was or as it is, in the longer of the two lengths."""
    size = max(len(old), len(new))
    before, after = old.ljust(size, b"\0"), new.ljust(size, b"\0")
    return b"".join((before if draw.random() < 0.5 else after)[at:at + SECTOR] for at in range(0, size, SECTOR))


def number_of(checkpoint, name):
    """What the metadata of a checkpoint say, such as its step; 0: there is none."""
    if not checkpoint:
        return 0
    length, = struct.unpack("<Q", checkpoint[:8])
    return int(json.loads(checkpoint[8:8 + length])["__metadata__"]["duet." + name])


def last_report(lines):
    """The step of the last whole report."""
    return max([0, *(int(step) for step in re.findall(rb'^{"step":(\d+),[^\0\n]*}$', lines, re.MULTILINE))])


def results(run):
    """What must be the same however often the power fails."""
    lines = []
    for line in (run / "metrics.jsonl").read_bytes().splitlines():
        report = json.loads(line)
        lines.append({key: value for key, value in report.items() if "second" not in key})
    files = {str(path.relative_to(run)): path.read_bytes() for path in [*run.glob("*.safetensors"), *run.rglob("*.png")]}
    return {**files, "metrics.jsonl": lines}


class PowerCut(unittest.TestCase):
    maxDiff = None

    def journal(self, words, root):
        """Trains into the folder; yields what is certain and possible after each line of its journal."""
        disk, kept_in = Disk(root), FOLDER / (self.id().split(".")[-1] + "-journal")
        kept_in.mkdir()
        done = duet(words, LD_PRELOAD=PRELOAD, PRELOAD_JOURNAL=str(kept_in), PRELOAD_JOURNAL_OF=str(root))
        self.assertEqual(done.returncode, 0, done.stderr)
        for number, line in enumerate((kept_in / "journal").read_text().splitlines()):
            kind, path, other = line.split("\t")
            contents = kept_in / str(number)
            disk.follow(kind, path, other, contents.read_bytes() if contents.exists() else None)
            yield line, disk
        self.assertEqual(disk.mixed, [], "was cut, and grew again before it was synced")

    def states(self, words, root):
        """Every different state that a cut may leave, as (a line of the journal after which it may, the step of the checkpoint
        that the program takes for safe by then, the state)."""
        checkpoint, found, draw, safe = str(root / "runs" / "r" / "checkpoint.safetensors"), {}, random.Random(self.seed), 0
        for line, disk in self.journal(words, root):
            if checkpoint in disk.live and not any(change[2:3] == (checkpoint,) for change in disk.pending):
                safe = number_of(disk.now[disk.live[checkpoint]], "step")  # renamed, and the folder was synced
            for state in disk.states(draw):
                found[hashlib.sha256(repr(sorted(state.items())).encode()).digest()] = (line, safe, state)
        return list(found.values())

    def losses(self, safe, state, root):
        """Yields what is wrong with a state as it is."""
        saved, lines = (state.get(str(root / "runs" / "r" / name)) or b"" for name in ("checkpoint.safetensors", "metrics.jsonl"))
        step, reported = number_of(saved, "step"), number_of(saved, "reported")
        if last_report(lines) < reported:
            yield f"the checkpoint counts on reports up to step {reported}, and metrics.jsonl has them up to {last_report(lines)}"
        if step < safe:
            yield f"a checkpoint of step {safe} was written, and the disk has {f'one of step {step}' if step else 'none'}"

    def recover(self, state, root):
        """Yields what is wrong with what became of a state."""
        with tempfile.TemporaryDirectory(dir=FOLDER) as held:
            place = pathlib.Path(held)
            for path, contents in state.items():
                path = place / pathlib.Path(path).relative_to(root)
                path.mkdir() if contents is None else path.write_bytes(contents)
            run = place / "runs" / "r"
            done = duet(["--resume", str(run), *self.length])
            if done.returncode == 1 and not (run / "run.json").exists():
                if "is not a run directory" not in done.stderr and "holds no run.json" not in done.stderr:
                    yield f"what is not there is called otherwise: {done.stderr}"
                done = duet([*self.train, *self.length, "--out", str(run)])
            if done.returncode != 0:
                yield f"exit status {done.returncode}: {done.stderr}"
                return
            if "what was between is lost" in done.stderr:
                yield done.stderr
            yield from self.compare(run)
            if "steps already" not in done.stderr:  # else nothing was written, and the next writer removes it
                yield from (f"{path.name} is left" for path in run.rglob(".duet-*"))

    def compare(self, run):
        try:
            found = results(run)
        except ValueError as fault:
            yield f"metrics.jsonl: {fault}: {(run / 'metrics.jsonl').read_bytes()}"
            return
        yield from (f"another {name}: {found.get(name, 'none')!r:.300}" for name in self.alone if found.get(name) != self.alone[name])
        yield from (f"{name} is there" for name in found if name not in self.alone)
        page = run / "report.html"
        if page.exists() and not page.read_text().rstrip().endswith("</html>"):
            yield "report.html is not whole"

    def sweep(self, words, root):
        states = self.states(words, root)
        tried = states if WHOLE else random.Random(self.seed).sample(states, min(SAMPLED, len(states)))
        with ThreadPoolExecutor(JOBS) as pool:
            faults = list(pool.map(lambda row: [f"after {row[0]}: {words}" for words in self.recover(row[2], root)], tried))
        wrong = [f"after {line}: {words}" for line, *row in states for words in self.losses(*row, root)]
        wrong += [words for row in faults for words in row]
        print(f"{len(tried)} of {len(states)} states, {sum(map(bool, faults))} not gone on from (seed {self.seed})", file=sys.stderr)
        self.assertEqual(wrong[:5], [])
        self.assertGreater(len(states), STEPS)

    def setUp(self):
        self.seed = int.from_bytes(os.urandom(4), "little")
        self.length = ["--steps", str(STEPS)]
        self.train = [word.replace("{}", str(FOLDER)) for word in TRAIN]

    def left_alone(self, words, run):
        done = duet(words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.alone = results(run)

    def begin_anew(self, root):
        (root / "alone").mkdir(parents=True)
        self.left_alone([*self.train, *self.length, "--out", str(root / "alone")], root / "alone")
        shutil.rmtree(root / "alone")
        self.sweep([*self.train, *self.length, "--out", str(root / "runs" / "r")], root)

    def test_new_run(self):
        self.begin_anew(FOLDER / "new")

    def test_new_run_with_its_best(self):
        self.train, self.length = self.train + BEST, self.length + OFTEN
        self.begin_anew(FOLDER / "best")

    def go_on(self, root, behind):
        """From a checkpoint of step 4 with reports up to step 7, and something behind them."""
        self.train, self.length = self.train + BEST, self.length + OFTEN
        run, late, again = (root / name for name in ("runs/r", "late", "again"))
        for place, steps in ((run, "4"), (late, "7")):
            self.left_alone([*self.train, "--steps", steps, "--out", str(place)], place)
        (run / "metrics.jsonl").write_bytes((late / "metrics.jsonl").read_bytes() + behind)
        shutil.copytree(run, again)
        self.left_alone(["--resume", str(again), *self.length], again)
        for place in (late, again):
            shutil.rmtree(place)
        self.sweep(["--resume", str(run), *self.length], root)

    def test_resumed_run(self):
        self.go_on(FOLDER / "resumed", b"")

    def test_resumed_run_with_a_note(self):
        self.go_on(FOLDER / "noted", NOTE)
        self.assertIn(json.loads(NOTE), self.alone["metrics.jsonl"])


if __name__ == "__main__":
    PROGRAM, PRELOAD = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
    WHOLE = "--whole" in sys.argv
    ENVIRONMENT = {**os.environ, "POCL_MAX_PTHREAD_COUNT": "1", "DUET_TUNING": "off"}
    sys.argv[1:] = []
    with tempfile.TemporaryDirectory() as held:
        FOLDER = pathlib.Path(held).resolve()
        write_examples(FOLDER / "examples.npy")
        cases.main()
