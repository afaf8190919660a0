#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains for minutes what the other suites train for seconds, and holds it to thresholds: ./quickstart test --long.

A row trains its models once for each seed, evaluates them, and tests the median over the seeds, or the worst of them,
against a threshold. Each training computes on one thread; as many run at a time as there are cores ($DUET_TEST_JOBS).
usage: long.py BUILD_FOLDER [--totals FILE] [ROW...]   without a row all of them; --list names them
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time


def test(name, of, over, relation, threshold):
    """What is tested: `of` makes a number of the values of a seed, {"model.metric": number}."""
    return {"name": name, "of": of, "over": over, "relation": relation, "threshold": threshold}


def metric(name):
    return lambda values: values[name]


def row(source, seconds, seeds, trainings, metrics, *tests, sets=()):
    """trainings: {label: words after `duet train`}; metrics: those asked of `duet eval`, with `sets` for its --set."""
    return {"source": source, "seconds": seconds, "seeds": seeds, "trainings": trainings, "metrics": metrics,
            "tests": tests, "sets": sets}


FIVE, THREE = range(5), range(3)
STABLE = "--set preset=stable --steps 20000"
FLOW = "--data ring8 --steps 1000 --set hidden=64,64"

# The thresholds. "measured" is what the library reached when the row was written (docs/models.md has the tables); the
# margin is how far a threshold lies from that. `seconds` is about what a seed takes on one core.
ROWS = {
    "ring8": row(
        "measured, seeds 0 to 4: 8 modes each, 90.6 to 93.0% high-quality; margin 1 mode and 10 points",
        60, FIVE, {"gan": f"gan --data ring8 {STABLE}"}, ["modes"],
        test("modes", metric("gan.modes"), "median", ">=", 7),
        test("high-quality", metric("gan.high-quality"), "median", ">=", 0.80)),
    "grid25": row(
        "measured, seeds 0 to 4: 25 modes each, 75.4 to 81.4% high-quality; margin 5 modes and 15 points",
        150, FIVE, {"gan": f"gan --data grid25 {STABLE}"}, ["modes"],
        test("modes", metric("gan.modes"), "median", ">=", 20),
        test("high-quality", metric("gan.high-quality"), "median", ">=", 0.60)),
    "vae": row(
        "measured, seeds 0 to 2: -250.9, -251.2 and -251.6 nats; margin 2.4 nats below the worst",
        30, THREE, {"vae": "vae --epochs 3"}, ["elbo"],
        test("test ELBO", metric("vae.elbo"), "worst", ">=", -254)),
    "mixture": row(
        "measured, seeds 0 to 4: nll 1.417 to 1.420 (the entropy is 1.419), 2 modes, 99.6% high-quality; margin 0.01 nats",
        10, FIVE, {"mixture": "mixture --data two-peaks --steps 1500"}, ["nll", "modes"],
        test("test nll", metric("mixture.nll"), "worst", "<=", 1.43),
        test("modes", metric("mixture.modes"), "worst", ">=", 2),
        test("high-quality", metric("mixture.high-quality"), "worst", ">=", 0.99)),
    "pixelcnn": row(
        "measured, seed 0: after one epoch made has 265.2 nats; margin 0, as pixelcnn must be the better",
        700, THREE, {"pixelcnn": "pixelcnn --epochs 1", "made": "made --epochs 1"}, ["nll"],
        test("made's test nll less pixelcnn's",
             lambda values: values["made.nll"] - values["pixelcnn.nll"], "worst", ">=", 0)),
    "flows": row(
        "measured, seed 0: squared errors of 1e-14 to 8e-11, roundings of float32; 1e-8 is an error of 1e-4",
        20, FIVE, {"realnvp": f"realnvp {FLOW}", "nice": f"nice {FLOW}"}, ["mse", "latent-mse"],
        *[test(f"{error} of {name}", metric(f"{name}.{error}"), "worst", "<=", 1e-8)
          for name in ("realnvp", "nice") for error in ("mse", "latent-mse")]),
}
# A program of the build folder's tests, with its arguments, is a row too: it passes with exit status 0.
HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = {
    "families": (1200, ["tests/test_families", "all"]),  # every family on the six kinds of data, two steps and all outputs
    "kills": (8000, [sys.executable, str(HERE / "test_kill_sweep.py"), "duet", "--kills", "100"]),  # of each family
    "ranks": (2500, [sys.executable, str(HERE / "test_mpi_runs.py"), "duet", "--kills", "100"]),  # of 2 and of 4 ranks
    "power": (700, [sys.executable, str(HERE / "test_power_cut.py"), "duet", "tests/libpreload_journal.so", "--whole"]),  # every state
    "sweeps": (15000, [sys.executable, str(HERE / "test_sweeps.py"), "duet", "tests/liblayer_calls.so",
                       "tests/libpreload_files.so", "tests/libpreload_memory.so",
                       "--whole"]),  # every call of short runs, each allocation too, fails once for each error
}
WORST = {">=": min, "<=": max}


def call(words, environment):
    """Standard output of a program that must not fail."""
    done = subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with exit status {done.returncode}:\n{done.stderr}")
    return done.stdout


def run_seed(build, it, seed, folder):
    """Trains and evaluates; returns the values of a seed."""
    environment = dict(os.environ, POCL_MAX_PTHREAD_COUNT="1", DUET_TUNING="off")
    duet, values = str(build / "duet"), {}
    for label, words in it["trainings"].items():
        run = str(folder / f"{label}-{seed}")
        call([duet, "train", *words.split(), "--seed", str(seed), "--quiet", "--out", run], environment)
        asked = [word for name in it["metrics"] for word in ("--metric", name)]
        asked += [word for pair in it["sets"] for word in ("--set", pair)]
        document = json.loads(call([duet, "eval", run, "--json", *asked], environment))
        for name, value in document["metrics"].items():
            values[f"{label}.{name}"] = value["value"]
    return values


def judge(it, values):
    """A line for each test of a row, and whether all of them held."""
    lines, good = [], True
    for one in it["tests"]:
        numbers = [one["of"](of_seed) for of_seed in values]
        found = (statistics.median if one["over"] == "median" else WORST[one["relation"]])(numbers)
        holds = found >= one["threshold"] if one["relation"] == ">=" else found <= one["threshold"]
        lines.append(f"    {'ok' if holds else 'FAILED':<6} {one['name']}: {one['over']} {found:.6g}, must be "
                     f"{one['relation']} {one['threshold']:g}; by seed " + " ".join(f"{x:.6g}" for x in numbers))
        good &= holds
    return lines, good


def run_row(build, name, pool, folder):
    """Whether a row passed; prints what it does as it goes."""
    start = time.monotonic()
    if name in PROGRAMS:
        print(f"{name}: {' '.join(PROGRAMS[name][1])}", flush=True)
        program, *arguments = PROGRAMS[name][1]
        environment = dict(os.environ, DUET_TUNING="off")
        good = subprocess.run([build / program, *arguments], env=environment, cwd=build).returncode == 0
    else:
        it = ROWS[name]
        print(f"{name}: {', '.join('duet train ' + words for words in it['trainings'].values())}\n    {it['source']}",
              flush=True)
        values, good = {}, True
        futures = {pool.submit(run_seed, build, it, seed, folder): seed for seed in it["seeds"]}
        for future in concurrent.futures.as_completed(futures):
            seed = futures[future]
            try:
                values[seed] = future.result()
                told = "  ".join(f"{key} {value:.6g}" for key, value in values[seed].items())
                print(f"    seed {seed}: {told}   after {time.monotonic() - start:.0f} s", flush=True)
            except (RuntimeError, ValueError, KeyError) as trouble:
                print(f"    seed {seed} FAILED: {trouble}", flush=True)
                good = False
        if good:
            lines, good = judge(it, [values[seed] for seed in it["seeds"]])
            print("\n".join(lines))
    print(f"{name}: {'passed' if good else 'FAILED'} after {time.monotonic() - start:.0f} s", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--totals", help="a line 'passed failed skipped' is appended to it")
    parser.add_argument("--seeds", type=int, help="no more than this many seeds of a row: a trial, not the test")
    parser.add_argument("--list", action="store_true", help="name the rows and about how long they take")
    arguments = parser.parse_intermixed_args()
    every = [*ROWS, *PROGRAMS]
    unknown = [name for name in arguments.rows if name not in every]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; the rows are {' '.join(every)}")
    if arguments.list:
        for name in every:
            seeds, seconds = (len(ROWS[name]["seeds"]), ROWS[name]["seconds"]) if name in ROWS else (1, PROGRAMS[name][0])
            print(f"{name:<10} {seeds} x {seconds} s of one core")
        return 0
    for it in ROWS.values():
        it["seeds"] = list(it["seeds"])[:arguments.seeds]
    passed = failed = 0
    jobs = int(os.environ.get("DUET_TEST_JOBS", len(os.sched_getaffinity(0))))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, tempfile.TemporaryDirectory(prefix="duet-long-") as path:
        for name in arguments.rows or every:
            good = run_row(arguments.build, name, pool, pathlib.Path(path))
            passed, failed = passed + good, failed + (not good)
    if arguments.totals:
        with open(arguments.totals, "a") as file:
            file.write(f"{passed} {failed} 0\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
