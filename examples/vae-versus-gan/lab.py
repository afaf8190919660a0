# SPDX-License-Identifier: MIT
"""The laboratory: trainings and measurements by `duet`, each made once and kept in a folder.

Everything computes on one thread, as many at a time as there are cores, so that runs beside each other have equal means.
What is there already is not made again: a study that was stopped goes on where it was.
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

from evidence import over_seeds


class Refused(Exception):
    """Duet would not do it; the words are its own."""


class Lab:
    def __init__(self, duet, folder, full, seeds, seconds, sweep_seconds):
        self.duet, self.folder, self.full, self.seeds = str(duet), pathlib.Path(folder), full, range(seeds)
        self.seconds, self.sweep_seconds = seconds, sweep_seconds  # of a core: a training of the family, or of a sweep
        self.environment = dict(os.environ, POCL_MAX_PTHREAD_COUNT="1", DUET_TUNING="off")
        self.jobs = len(os.sched_getaffinity(0))
        self.start = time.monotonic()
        self.locks, self.lock = {}, threading.Lock()
        self.children, self.stopping = set(), False
        for name in ("runs", "results", "data"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def pick(self, quick, full):
        return full if self.full else quick

    def each(self, function, *items):
        """function of each item (or of each row of several lists), two or more at a time; results in order."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            try:
                return list(pool.map(function, *items))
            except BaseException:
                self.stop()  # else what runs would be waited for
                pool.shutdown(cancel_futures=True)
                raise

    def by_seed(self, labels, one):
        """{label: {name: estimate over the seeds}}, where one(label, seed) is {name: estimate}."""
        pairs = [(label, seed) for label in labels for seed in self.seeds]
        results = dict(zip(pairs, self.each(lambda pair: one(*pair), pairs)))
        found = {}
        for label in labels:
            names = dict.fromkeys(name for seed in self.seeds for name in results[label, seed])
            found[label] = {name: over_seeds([results[label, seed].get(name) for seed in self.seeds]) for name in names}
        return found

    def say(self, words):
        print(f"[{time.monotonic() - self.start:5.0f} s] {words}", file=sys.stderr, flush=True)

    # What is made once.

    def once(self, path, make):
        """The JSON document at `path`, made by `make` if it is not there; two who ask at a time make it once."""
        with self.lock:
            lock = self.locks.setdefault(path, threading.Lock())
        with lock:
            if not path.exists():
                document = make()
                part = path.with_suffix(".part")
                part.write_text(json.dumps(document, indent=1) + "\n")
                part.replace(path)
            return json.loads(path.read_text())

    def call(self, *words):
        """Standard output of a call of duet."""
        if self.stopping:
            raise KeyboardInterrupt
        child = subprocess.Popen([self.duet, *map(str, words)], env=self.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.children.add(child)
        try:
            out, complaint = child.communicate()
        finally:
            self.children.discard(child)
        if self.stopping:
            raise KeyboardInterrupt
        if child.returncode != 0:
            raise Refused(complaint.strip().splitlines()[-1] if complaint.strip() else
                          f"duet {words[0]} ended with exit status {child.returncode}")
        return out

    def stop(self):
        """Ends what runs: trainings with a checkpoint."""
        self.stopping = True
        for child in list(self.children):
            child.send_signal(signal.SIGINT)

    # Trainings.

    def step_seconds(self, words):
        """How long a step takes here, on one core: longer trainings less a short one, after one that compiled."""
        name = hashlib.sha256(repr(words).encode()).hexdigest()[:12]
        run = self.folder / "runs" / f"trial-{name}"

        def seconds_of(steps):
            shutil.rmtree(run, ignore_errors=True)
            self.call("train", *words, "--steps", steps, "--quiet", "--out", run)
            return self.log(run)[-1]["seconds"]

        def measure():
            self.say(f"how long does a step of {' '.join(words)} take?")
            seconds_of(2)
            begin = seconds_of(2)
            for count in (20, 400):
                took = seconds_of(2 + count) - begin
                if took > 0.5:
                    break
            shutil.rmtree(run, ignore_errors=True)
            return {"words": words, "seconds": max(took, 1e-3) / count}
        return self.once(self.folder / "results" / f"step-{name}.json", measure)["seconds"]

    def train(self, name, words, seed=0, steps=None, seconds=None, like=None, more=()):
        """A run of `words`, for that many steps or as many as take `seconds` of a core here. Its directory. `like`: words
        of a training whose steps take as long and are measured instead."""
        run = self.folder / "runs" / f"{name}-{seed}"

        def make():
            count = steps or max(20, round(seconds / self.step_seconds(like or words)))
            whole = ["train", *words, *more, "--seed", seed, "--steps", count, "--quiet", "--out", run]
            asked = [str(word) for word in whole]
            begun = run.parent / f"{name}-{seed}.begun"  # what a training that was stopped had been asked
            begin = time.monotonic()
            self.say(f"training {name}, seed {seed}, {count} steps")
            if begun.exists() and json.loads(begun.read_text()) == asked and (run / "checkpoint.safetensors").exists():
                self.call("train", "--resume", run, "--steps", count, "--quiet")
            else:
                shutil.rmtree(run, ignore_errors=True)
                begun.write_text(json.dumps(asked))
                self.call(*whole)
            return {"words": asked, "steps": count, "seconds": time.monotonic() - begin}
        self.once(run.parent / f"{name}-{seed}.json", make)
        return run

    def go_on(self, run, name, steps, changed):
        """A copy of a run that went on to `steps`, with other rates."""
        copy = self.folder / "runs" / f"{name}-{run.name.rpartition('-')[2]}"

        def make():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(run, copy)
            self.call("train", "--resume", copy, "--steps", steps, "--quiet", *changed)
            return {"of": run.name, "steps": steps, "changed": changed}
        self.once(copy.parent / f"{copy.name}.json", make)
        return copy

    def log(self, run):
        """The training's reports."""
        path = pathlib.Path(run) / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def curve(self, run, key):
        """[(step, value)] of one of its numbers."""
        return [(line["step"], line[key]) for line in self.log(run) if line.get(key) is not None]

    # Measurements.

    def ask(self, *words):
        """The JSON document of a command of duet."""
        name = hashlib.sha256(repr(words).encode()).hexdigest()[:16]
        return self.once(self.folder / "results" / f"{words[0]}-{name}.json", lambda: {
            "words": [str(word) for word in words], "document": json.loads(self.call(*words, "--json"))})["document"]

    def evaluate(self, run, metrics, judge=None, more=()):
        """{name: {"value", "low", "high", "n"}} of a run."""
        asked = [word for metric in metrics for word in ("--metric", metric)]
        told = ["--judge", judge] if judge else []
        return self.ask("eval", run, *told, *asked, *more)["metrics"]

    def judge(self):
        """A classifier of the data's classes, by whose features distances are taken."""
        return self.train("judge", ["classifier"], steps=self.pick(469, 2000))

    def source(self):
        """Where Fashion-MNIST's files are."""
        for row in self.ask("datasets")["datasets"]:
            if row["name"] == "fashion-mnist" and row["present"]:
                return row["source"]
        raise Refused("fashion-mnist is not on this machine: see 'duet datasets'")

    def parameters(self, run):
        """How many numbers a run's model has."""
        return sum(self.description(run)["parameters"].values())

    def description(self, run):
        return json.loads((pathlib.Path(run) / "run.json").read_text())
