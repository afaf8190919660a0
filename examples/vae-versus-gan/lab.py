# SPDX-License-Identifier: MIT
"""The laboratory: trainings and measurements by `duet`, each made once and kept in a folder.

Everything computes on one thread, as many at a time as there are cores, so that runs beside each other have equal means.
What is there already is not made again: a study that was stopped goes on where it was, and what another worker is making
is left to it.
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
from shared import Elsewhere, Leases, write_whole


class Refused(Exception):
    """Duet would not do it; the words are its own."""


class Strange(Exception):
    """What is kept here was made otherwise than it would be now."""


class Unfit(Exception):
    """No device here does the work; another worker's may."""


# Exit statuses of duet: no device that works, and a signal that ended it, with its leave or without.
NO_DEVICE = 3
STOPPED = {status for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) for status in (128 + number, -number)}


class Lab:
    def __init__(self, duet, folder, full, seeds, jobs, seconds, sweep_seconds):
        self.duet, self.folder, self.full, self.seeds = str(duet), pathlib.Path(folder), full, range(seeds)
        self.seconds, self.sweep_seconds = seconds, sweep_seconds  # of a core: a training of the family, or of a sweep
        # Each program is alone, though mpirun or srun may have started this one with others.
        self.environment = dict(os.environ, POCL_MAX_PTHREAD_COUNT="1", DUET_TUNING="off", DUET_RANKS="off")
        self.jobs = jobs
        self.start = time.monotonic()
        self.locks, self.lock, self.made = {}, threading.Lock(), 0
        self.children, self.stopping = set(), False
        for name in ("runs", "results", "data"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.leases = Leases(self.folder)

    def pick(self, quick, full):
        return full if self.full else quick

    def each(self, function, *items):
        """function of each item (or of each row of several lists), two or more at a time; results in order. Where another
        worker is at some, all others come first."""
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            try:
                futures = [pool.submit(function, *row) for row in zip(*items)]
                concurrent.futures.wait(futures)
            except BaseException:
                self.stop()  # else what runs would be waited for
                pool.shutdown(cancel_futures=True)
                raise
        failures = [future.exception() for future in futures if future.exception()]
        if failures:  # what ends the worker counts first, and a refusal when no other one can come before it
            raise min(failures, key=lambda one: isinstance(one, Elsewhere) + 2 * isinstance(one, Refused))
        return [future.result() for future in futures]

    def finish(self, tasks):
        """{key: result} of {key: function}. What waits for another worker is asked again when that has come to an end."""
        found, waits, pause = {}, {}, 0.25
        while True:
            made = self.made
            for key, function in tasks.items():
                if key in found or (key in waits and self.is_elsewhere(waits[key])):
                    continue
                try:
                    found[key] = function()
                except Elsewhere as other:
                    waits[key] = other.path
            if len(found) == len(tasks):
                return {key: found[key] for key in tasks}
            pause = min(2 * pause, 5) if made == self.made else 0.25
            time.sleep(pause)

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
                self.make(path, make)
            return json.loads(path.read_text())

    def once_by(self, path, asked, make):
        """The same of what is made as `asked` says, which the document keeps; what was made otherwise is not taken for it."""
        found = self.once(path, lambda: {"asked": asked, **make()})
        if found.get("asked") != asked:
            raise Strange(f"{path} was made otherwise, as by an earlier version of the study ({found.get('asked')} then, "
                          f"{asked} now): name another folder with --out")
        return found

    def named(self, words):
        """Words as they are in a study that lies elsewhere too."""
        folder = f"{self.folder}/"
        return ["STUDY/" + word[len(folder):] if word.startswith(folder) else word for word in map(str, words)]

    def make(self, path, make):
        lease, refused = self.lease_of(path), path.with_suffix(".refused")
        if not self.leases.take(lease) and self.refusal(path) is None:
            raise Elsewhere(path)
        words = self.refusal(path)
        if words is not None:
            raise Refused(words)
        if path.exists():  # since a moment ago
            return
        try:
            document = make()
            if not path.exists():  # a worker that slept long enough to be thought gone comes second
                write_whole(path, json.dumps(document, indent=1) + "\n")
            self.made += 1
            refused.unlink(missing_ok=True)
        except Refused as words:
            write_whole(refused, json.dumps({"worker": self.leases.worker, "words": str(words)}) + "\n")
            self.made += 1
            raise
        except BaseException:
            self.leases.give_back(lease)
            raise

    def lease_of(self, path):
        return str(path.relative_to(self.folder)).replace("/", "-")

    def refusal(self, path):
        """Why what belongs at `path` could not be made, as a worker found that is still here; a study that is called again
        tries again."""
        try:
            told = json.loads(path.with_suffix(".refused").read_text())
        except FileNotFoundError:
            return None
        return told["words"] if self.leases.lives(told["worker"]) else None

    def is_elsewhere(self, path):
        """Whether another worker is making what belongs at `path`."""
        return (not path.exists() and self.refusal(path) is None
                and self.leases.holder(self.lease_of(path)) not in (None, self.leases.worker))

    def call(self, *words):
        """Standard output of a call of duet."""
        if self.stopping:
            raise KeyboardInterrupt
        child = subprocess.Popen([self.duet, *map(str, words)], env=self.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                                 pass_fds=(self.leases.file,))
        self.children.add(child)
        try:
            out, complaint = child.communicate()
        except BaseException:
            child.terminate()
            child.communicate()
            raise
        finally:
            self.children.discard(child)
        if child.returncode in STOPPED:  # whoever stops a job may reach it before this process
            self.stopping = True
        if self.stopping:
            raise KeyboardInterrupt
        if child.returncode != 0:
            raise (Unfit if child.returncode == NO_DEVICE else Refused)(
                complaint.strip().splitlines()[-1] if complaint.strip() else
                f"duet {words[0]} ended with exit status {child.returncode}")
        return out

    def stop(self):
        """Ends what runs: trainings with a checkpoint. By SIGTERM: a shell's `&` has SIGINT ignored."""
        self.stopping = True
        for child in list(self.children):
            child.terminate()

    # Trainings.

    def part(self, run):
        """A place of this worker's own in which a run is made. Another one, thought gone, may still write into its."""
        part = run.with_name(f"{run.name}.part-{self.leases.worker}")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        return part

    def clear(self, run):
        """Removes what this worker, and those that are gone, have in parts."""
        for part in run.parent.glob(f"{run.name}.part-*"):
            shutil.rmtree(part, ignore_errors=True)

    def publish(self, part, run):
        """The run that was made in a part, at its place, unless another worker was first."""
        if not run.with_name(f"{run.name}.json").exists():
            shutil.rmtree(run, ignore_errors=True)
            (part / "run").rename(run)
        self.clear(run)

    def left_over(self, run, asked, part):
        """Whether a training of the same words had been stopped, and is copied into this part with its last checkpoint."""
        def is_of(one):
            asked_file = one.parents[1] / "asked.json"
            return asked_file.exists() and json.loads(asked_file.read_text()) == asked
        try:
            found = filter(is_of, run.parent.glob(f"{run.name}.part-*/run/checkpoint.safetensors"))
            for checkpoint in sorted(found, key=lambda one: one.stat().st_mtime)[-1:]:
                shutil.copytree(checkpoint.parent, part / "run", ignore=shutil.ignore_patterns("lock"))
                return True
        except OSError:  # it changed under the hand: a worker that was thought gone
            shutil.rmtree(part / "run", ignore_errors=True)
        return False

    def step_seconds(self, words):
        """How long a step takes here, on one core: longer trainings less a short one, after one that compiled."""
        name = hashlib.sha256(repr(words).encode()).hexdigest()[:12]

        def seconds_of(steps):
            trial = self.folder / "runs" / f"trial-{name}"
            part = self.part(trial)
            self.call("train", *words, "--steps", steps, "--quiet", "--out", part / "run")
            took = self.log(part / "run")[-1]["seconds"]
            self.clear(trial)
            return took

        def measure():
            self.say(f"how long does a step of {' '.join(words)} take?")
            seconds_of(2)
            begin = seconds_of(2)
            for count in (20, 400):
                took = seconds_of(2 + count) - begin
                if took > 0.5:
                    break
            return {"words": words, "seconds": max(took, 1e-3) / count}
        return self.once(self.folder / "results" / f"step-{name}.json", measure)["seconds"]

    def train(self, name, words, seed=0, steps=None, seconds=None, like=None, more=()):
        """A run of `words`, for that many steps or as many as take `seconds` of a core here. Its directory. `like`: words
        of a training whose steps take as long and are measured instead."""
        run = self.folder / "runs" / f"{name}-{seed}"

        def make():
            count = steps or max(20, round(seconds / self.step_seconds(like or words)))
            whole = ["train", *words, *more, "--seed", seed, "--steps", count, "--quiet", "--out"]
            asked, part = [str(word) for word in (*whole, run)], self.part(run)
            begin = time.monotonic()
            goes_on = self.left_over(run, asked, part)
            write_whole(part / "asked.json", json.dumps(asked))
            self.say(f"training {name}, seed {seed}, {'goes on to ' if goes_on else ''}{count} steps")
            if goes_on:
                self.call("train", "--resume", part / "run", "--steps", count, "--quiet")
            else:
                self.call(*whole, part / "run")
            self.publish(part, run)
            return {"words": asked, "steps": count, "seconds": time.monotonic() - begin}
        self.once_by(run.parent / f"{name}-{seed}.json", {"words": self.named((*words, *more)), "steps": steps}, make)
        return run

    def go_on(self, run, name, steps, changed):
        """A copy of a run that went on to `steps`, with other rates."""
        copy = self.folder / "runs" / f"{name}-{run.name.rpartition('-')[2]}"

        def make():
            part = self.part(copy)
            shutil.copytree(run, part / "run")
            self.call("train", "--resume", part / "run", "--steps", steps, "--quiet", *changed)
            self.publish(part, copy)
            return {}
        self.once_by(copy.parent / f"{copy.name}.json", {"of": run.name, "steps": steps, "changed": changed}, make)
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

    def devices(self):
        """What the runs were trained on, in words."""
        devices = [json.loads(path.read_text())["device"] for path in self.folder.glob("runs/*/run.json")]
        return " and ".join(sorted({f"{it['name']} with {it['platform']} {it['driver']}" for it in devices}))
