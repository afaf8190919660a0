#!/usr/bin/env -S python3 -IS
# SPDX-License-Identifier: MIT
"""A stand-in for `duet` that test_study_workers.py gives to the study: what it answers follows from the run's name and the
metric alone, and each call is a line in $STUDY_LOG. It waits at the half of the training that $STUDY_HANGS names until there
is a file $STUDY_GO. With $STUDY_UNFIT it has no device."""
import hashlib
import json
import os
import pathlib
import sys
import time

TOGETHER = ["recall", "density", "coverage", "largest-share", "sharpness-reconstruction", "authenticity", "kl"]
DEVICE = {"name": "none", "platform": "stand-in", "driver": "1"}


def value(*words):
    return int(hashlib.sha256(repr(words).encode()).hexdigest()[:6], 16) / 16 ** 6


def after(words, option):
    return words[words.index(option) + 1]


def log(*words):
    with open(os.environ["STUDY_LOG"], "a") as file:
        file.write(" ".join(words) + "\n")


def label_of(run):
    """runs/gan-0, or runs/gan-0.part-WORKER/run while it is made."""
    run = pathlib.Path(run)
    return (run.parent if run.name == "run" else run).name.partition(".part-")[0]


def train(words):
    resumed = "--resume" in words
    run, steps = pathlib.Path(after(words, "--resume" if resumed else "--out")), int(after(words, "--steps"))
    label = label_of(run)
    log("resume" if resumed else "train", label)
    if run.exists() != resumed:
        sys.exit(f"duet: {run} {'is there' if run.exists() else 'is not there'}")
    run.mkdir(exist_ok=True)
    if label == os.environ.get("STUDY_HANGS"):
        (run / "pid").write_text(str(os.getpid()))
        (run / "checkpoint.safetensors").write_text(str(steps // 2))
        while not os.path.exists(os.environ["STUDY_GO"]):
            time.sleep(0.02)
    (run / "run.json").write_text(json.dumps({"device": DEVICE, "parameters": {"all": round(1e6 * value(label))}}))
    with open(run / "metrics.jsonl", "w") as file:
        for i in range(1, 21):
            names = ("accuracy", "gradient.generator", "posterior_sigma", "elbo", "g_loss")
            file.write(json.dumps({"step": steps * i // 20, "seconds": steps * i / 2000, "epoch": i,
                                   **{name: value(label, name, i) for name in names}}) + "\n")
    (run / "checkpoint.safetensors").write_text(str(steps))


def evaluate(words):
    label = label_of(words[0])
    asked = [words[i + 1] for i, word in enumerate(words) if word == "--metric"]
    log("eval", label, ",".join(asked), *(word for word in words if "=" in word))
    if "log-likelihood" in asked and label.startswith("gan"):
        sys.exit("duet: a gan has no likelihood")
    found = {name: {"value": value(label, name), "low": value(label, name) - 0.1, "high": value(label, name) + 0.1, "n": 100}
             for name in (*asked, *TOGETHER)}
    print(json.dumps({"metrics": found}))


def main():
    if os.environ.get("DUET_RANKS") != "off":
        sys.exit("duet: it would take itself for a rank")
    command, *words = sys.argv[1:]
    if command == "--version":
        print("stand-in", os.environ.get("STUDY_VERSION", "1"))
        return
    if os.environ.get("STUDY_UNFIT"):
        print("duet: no device fits", file=sys.stderr)
        sys.exit(3)
    if command == "train":
        train(words)
    elif command == "eval":
        evaluate(words)
    else:
        sys.exit(f"duet: the stand-in has no {command}")


if __name__ == "__main__":
    main()
