# SPDX-License-Identifier: MIT
"""OpenBLAS as numpy brings it: matrix products from and to plain row-major operands.

usage: openblas_peer.py SECONDS M,N,K,OP...   (seconds for each product; OP is nn, nt, tn or tt) prints one JSON line
"""
import json
import statistics
import sys
import time

import numpy

SAMPLE_SECONDS = 0.005


def measure(m, n, k, op, seconds):
    random = numpy.random.default_rng(0)
    a = random.random((k, m) if op[0] == "t" else (m, k), numpy.float32)
    b = random.random((n, k) if op[1] == "t" else (k, n), numpy.float32)
    left, right = a.T if op[0] == "t" else a, b.T if op[1] == "t" else b
    c = numpy.empty((m, n), numpy.float32)

    def run(times):
        before = time.perf_counter()
        for _ in range(times):
            numpy.matmul(left, right, out=c)
        return (time.perf_counter() - before) / times

    run(1)
    times = max(1, int(SAMPLE_SECONDS / run(1)))
    samples, start = [], time.perf_counter()
    while not samples or time.perf_counter() - start < seconds:
        samples.append(run(times))
    median = statistics.median(samples)
    return {"m": m, "n": n, "k": k, "transpose": op, "gflops": 2e-9 * m * n * k / median, "ms_median": 1e3 * median,
            "ms_min": 1e3 * min(samples)}


rows = []
for product in sys.argv[2:]:
    m, n, k, op = product.split(",")
    rows.append(measure(int(m), int(n), int(k), op, float(sys.argv[1])))
print(json.dumps({"who": "openblas", "gemm": rows}))
