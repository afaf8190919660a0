#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints the numbers of tests/test_judges.c: Frechet and kernel distances, precision, recall, density and coverage of
three pairs of sets of features, by numpy and scipy. The features are those of `feature` in the test."""
import numpy as np
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

ROWS, WIDTH, K = 240, 6, 5


def scatter(i, j, which):
    """A number in [0, 1) without any order."""
    n = (i * 31 + j * 7919 + which * 104729) * 2654435761 % 2**32
    n = (n ^ n >> 16) * 2246822519 % 2**32
    return ((n ^ n >> 13) >> 8) % 997 / 997


def feature(which, kind, i, j):
    row = i // 2 if kind == "duplicates" else i
    if kind == "constant" and j == 2:
        return 0.5
    own, shared = scatter(row, j, which), scatter(row, 0, which)
    return own + 0.5 * shared + which * 0.05 * j


def frechet(a, b):
    c, d = np.cov(a.T), np.cov(b.T)
    if np.linalg.matrix_rank(c) == len(c):
        traced = np.trace(np.real(sqrtm(c @ d)))
    else:  # sqrtm fails: the eigenvalues of a product of two covariances are at least 0, all the same
        traced = np.sqrt(np.maximum(np.real(np.linalg.eigvals(c @ d)), 0)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c + d) - 2 * traced


def unbiased(kernel, a, b):
    def within(x):
        k = kernel(x, x)
        return (k.sum() - np.trace(k)) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean()


def cubic(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian_of(b):
    squares = cdist(b, b, "sqeuclidean")
    width = squares.sum() / (len(b) * (len(b) - 1))
    return lambda x, y: np.exp(-cdist(x, y, "sqeuclidean") / width)


def prdc(samples, examples):
    between = cdist(samples, examples)
    of_samples = np.sort(cdist(samples, samples), axis=1)[:, K]
    of_examples = np.sort(cdist(examples, examples), axis=1)[:, K]
    in_example = between <= of_examples[None, :]
    return (in_example.any(1).mean(), (between <= of_samples[:, None]).any(0).mean(), in_example.sum(1).mean() / K,
            in_example.any(0).mean())


for kind in ("plain", "constant", "duplicates"):
    sets = [np.array([[np.float32(feature(which, kind, i, j)) for j in range(WIDTH)] for i in range(ROWS)], np.float64)
            for which in (0, 1)]
    numbers = (frechet(*sets), unbiased(cubic, *sets), unbiased(gaussian_of(sets[1]), *sets), *prdc(*sets))
    print(kind, ", ".join(f"{number:.10g}" for number in numbers))
