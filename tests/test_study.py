#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The study's arithmetic against sums by hand, and its pages: examples/vae-versus-gan.

usage: test_study.py; ends with exit status 0 if all holds
"""
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

STUDY = pathlib.Path(__file__).resolve().parents[1] / "examples" / "vae-versus-gan"
sys.path[:0] = [str(STUDY)]
sys.dont_write_bytecode = True

import cases  # noqa: E402
import claims_games, claims_latents, claims_pictures  # noqa: E401,E402,F401: each fills the table of claims
import data  # noqa: E402
import evidence  # noqa: E402
import page  # noqa: E402
from claim import CLAIMS  # noqa: E402
from evidence import number  # noqa: E402


class Evidence(unittest.TestCase):
    def test_over_seeds(self):
        one = evidence.over_seeds([number(1), number(2), number(3), None])
        self.assertEqual((one["value"], one["n"]), (2, 3))
        self.assertAlmostEqual(one["high"] - 2, 4.303 / math.sqrt(3))  # t of two degrees, deviation 1
        self.assertEqual(evidence.over_seeds([number(5, 4, 6, 100)]), number(5, 4, 6, 100))
        self.assertIsNone(evidence.over_seeds([None]))

    def test_compare(self):
        self.assertEqual(evidence.compare(number(1, 0, 2), number(3, 2.5, 4)), 1)
        self.assertEqual(evidence.compare(number(3, 2.5, 4), number(1, 0, 2)), -1)
        self.assertEqual(evidence.compare(number(1, 0, 3), number(3, 2.5, 4)), 0)
        self.assertEqual(evidence.compare(None, number(1)), 0)
        # without an interval nobody knows how far another one lies; what is known lies where it lies
        self.assertEqual(evidence.compare(number(2), number(3)), 0)
        self.assertEqual(evidence.compare(number(2), number(3, 2.5, 4)), 0)
        self.assertEqual(evidence.compare(number(1, 0, 2), 3), 1)
        self.assertEqual(evidence.compare(0.5, number(0.2, 0.1, 0.3)), -1)

    def test_deviation(self):
        draw = random.Random(1)
        held = 0
        for _ in range(200):
            found = evidence.deviation([draw.gauss(0, 1) for _ in range(500)])
            held += found["low"] <= 1 <= found["high"]
        self.assertGreater(held, 180)
        self.assertIsNone(evidence.deviation([3, 3, 3])["low"])

    def test_verdict(self):
        self.assertEqual(evidence.verdict([1, 1]), evidence.SUPPORTED)
        self.assertEqual(evidence.verdict([1, 0]), evidence.DEPENDS)
        self.assertEqual(evidence.verdict([0, -1]), evidence.REFUTED)

    def test_spearman(self):
        self.assertEqual(evidence.ranks([3, 1, 3]), [2.5, 1, 2.5])
        rising = evidence.spearman([1, 2, 3, 4, 5], [1, 4, 9, 16, 25])
        self.assertEqual((rising["value"], rising["n"]), (1, 5))
        # 1 - 6 sum d^2 / (n (n^2 - 1)) with d = 0, 0, 1, 1, 0
        self.assertAlmostEqual(evidence.spearman([1, 2, 3, 4, 5], [1, 2, 4, 3, 5])["value"], 0.9)
        self.assertIsNone(evidence.spearman([1, 2, 3], [1, 2, 3]))

    def test_share(self):
        none = claims_games.share(0, 10)  # Wilson: 0 to z^2 / (n + z^2)
        self.assertAlmostEqual(none["low"], 0)
        self.assertAlmostEqual(none["high"], 1.96 ** 2 / (10 + 1.96 ** 2))


class Data(unittest.TestCase):
    def test_arrays_come_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = data.write_npy(pathlib.Path(folder) / "a.npy", [[1, 2, 3], [4, 5, 6]], (2, 3))
            self.assertEqual([list(row) for row in data.rows_of(path)], [[1, 2, 3], [4, 5, 6]])
            self.assertEqual(path.read_bytes().index(b"\n") % 64, 63)  # numpy's alignment

    def test_views_of_pictures(self):
        ramp = [float(i) for i in range(784)]
        self.assertEqual(len(data.pooled(ramp)), 49)
        self.assertAlmostEqual(data.pooled(ramp)[0], (0 + 3) / 2 + 28 * (0 + 3) / 2)
        self.assertEqual(data.patch(ramp, 10)[0], 10 * 28 + 10)
        self.assertEqual(data.rotated(ramp)[0], 27 * 28)
        four = data.rotated(data.rotated(data.rotated(data.rotated(ramp))))
        self.assertEqual(four, ramp)


class Means(unittest.TestCase):
    def test_trainings_of_other_means_are_not_taken_over(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "means.json").write_text('{"full": false, "seconds": 3, "sweep_seconds": 2}')
            ended = subprocess.run([sys.executable, STUDY / "study", "--duet", "/bin/true", "--out", folder],
                                   capture_output=True, text=True)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("seconds 3 then, 5 now", ended.stderr)
        self.assertIn("program unknown then", ended.stderr)


class Pages(unittest.TestCase):
    def test_every_claim_is_there(self):
        self.assertEqual(sorted(CLAIMS), list(range(1, 27)))

    def test_page(self):
        claims = {1: {"says": "a <b> | c", "measured_by": "x", "columns": ["model", "value"],
                      "rows": [["one", number(1234567)], ["two", number(0.5, 0.25, 0.75, 9)], ["three", None]],
                      "verdict": "depends", "note": "why", "curves": [("curve", "step", {"gan": [(0, 1), (10, 3)]})]},
                  2: {"says": "d", "measured_by": "y", "trouble": "it was refused"}}
        study = {"what": "w", "claims": claims, "pictures": [], "tables": [("Cost", ["model", "ms"], [["four", number(2)]])]}
        with tempfile.TemporaryDirectory() as folder:
            page.write(study, pathlib.Path(folder))
            words = (pathlib.Path(folder) / "study.md").read_text()
            whole = (pathlib.Path(folder) / "study.html").read_text()
            drawn = (pathlib.Path(folder) / "claim-1-1.svg").read_text()
        for text in ("| one | 1,234,567 |", "| two | 0.5 (0.25 to 0.75) |", "a <b> \\| c", "Not measured: it was refused",
                     "### Cost", "| four | 2 |"):
            self.assertIn(text, words)
        self.assertIn("a &lt;b&gt; | c", whole)
        self.assertNotIn("<b>", whole)
        self.assertIn("gan: 1 to 3", drawn)


if __name__ == "__main__":
    cases.main()
