# SPDX-License-Identifier: MIT
"""What the peers share: arguments, the data, the clock, and the line of JSON that says how a workload went.

Import it first: the time to the first step is counted from here.
"""
import time

START = time.perf_counter()

import gzip
import json
import math
import os
import resource
import statistics
import sys

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def arguments():
    """Workload, batch and seconds, as `run` passes them on."""
    if len(sys.argv) != 4:
        sys.exit(f"usage: {sys.argv[0]} WORKLOAD BATCH SECONDS")
    return sys.argv[1], int(sys.argv[2]), float(sys.argv[3])


def pictures():
    """Fashion-MNIST's training pictures as bytes: a numpy array [60000, 784]."""
    import numpy

    folders = [os.environ.get("DUET_DATA"), "/usr/share/datasets/fashion-mnist"]
    names = [os.path.join(folder, "train-images-idx3-ubyte.gz") for folder in folders if folder]
    path = next((name for name in names if os.path.exists(name)), None)
    if path is None:
        sys.exit(f"Fashion-MNIST is not there; looked for {', '.join(names)}")
    with gzip.open(path) as stream:
        return numpy.frombuffer(stream.read(), numpy.uint8, offset=16).reshape(-1, 784).copy()


def measure(who, workload, batch, seconds, block, steps=1, agree=None, tells=True):
    """Calls block(), which does `steps` training steps and returns a loss as a float, for `seconds`; prints a line.

    Of processes that train together each has an agree(number), which gives all the number of the first, and one tells.
    """
    block()
    first = time.perf_counter() - START
    for _ in range(3 if steps == 1 else 1):
        block()
    times, start, blocks = [], time.perf_counter(), math.inf
    if agree is not None:  # all do equally many
        block()
        blocks, seconds = max(1, round(agree(seconds / (time.perf_counter() - start)))), math.inf
    while not times or (len(times) < blocks and time.perf_counter() - start < seconds):
        before = time.perf_counter()
        loss = block()
        times.append((time.perf_counter() - before) / steps * 1e3)
    if not tells:
        return
    print(json.dumps({
        "who": who, "workload": workload, "batch": batch, "ms_median": statistics.median(times), "ms_min": min(times),
        "first_seconds": first, "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "loss": loss,
    }))
