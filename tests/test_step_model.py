#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench/step_model.py: its sums against src/ranks/collectives.c, its exchanges against plans, its changes against sense.

usage: test_step_model.py build/duet
"""
import pathlib
import re
import sys
import unittest

import cases

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "bench"))
import step_model

PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
SLOW = step_model.Network(1e-5, 1e-6, 1e9)
HOST = step_model.Host(1e10, 1e-5, 5e9)


def plan(model):
    document = step_model.explain(PROGRAM, model, 32, 2, gpu="h100")
    return step_model.Plan(step_model.floor_seconds(document), 0, step_model.exchanges_of(document))


class Sums(unittest.TestCase):
    def test_threshold_is_that_of_the_library(self):
        source = (TOP / "src" / "ranks" / "collectives.c").read_text()
        kib = int(re.search(r"SMALL_BYTES = (\d+) << 10", source).group(1))
        self.assertEqual(step_model.SMALL_BYTES, kib << 10)

    def test_short_sums_go_from_each_to_each(self):
        self.assertEqual(step_model.rounds(4096, 4), [(3, 3 * 4096)])

    def test_longer_ones_go_in_slices_twice(self):
        self.assertEqual(step_model.rounds(4100, 4), 2 * [(3, 3 * 257 * 4)])

    def test_fewer_numbers_than_ranks(self):
        self.assertEqual(step_model.rounds(40, 1024), 2 * [(10, 40)])

    def test_alone_nothing_is_exchanged(self):
        self.assertEqual(step_model.sum_seconds(1 << 20, 1, SLOW), 0)

    def test_seconds(self):
        self.assertAlmostEqual(step_model.sum_seconds(1 << 20, 2, SLOW), 2 * (1e-5 + 1e-6 + (1 << 19) / 1e9))


class Steps(unittest.TestCase):
    def test_a_network_without_batch_norm_has_an_exchange_a_phase(self):
        exchanges = plan("mlpgan").exchanges
        self.assertEqual([exchange.gradients for exchange in exchanges], [True, True])
        self.assertGreaterEqual(sum(exchange.size for exchange in exchanges), 4 * 1083921)

    def test_batch_norm_adds_exchanges_without_gradients(self):
        exchanges = plan("dcgan").exchanges
        self.assertEqual(sum(exchange.gradients for exchange in exchanges), 2)
        for exchange in exchanges:
            self.assertLessEqual(sum(size for size, _ in exchange.pieces), exchange.size)
        self.assertGreater(len(exchanges), 12)  # three layers, passed twice, two sums each

    def test_changes_help_and_only_where_they_should(self):
        dcgan = plan("dcgan")
        today = step_model.step_seconds(dcgan, 1024, SLOW, HOST)
        for change in ("norm", "half", "direct", "halving"):
            self.assertLess(step_model.step_seconds(dcgan, 1024, SLOW, HOST, (change,)), today, change)
        self.assertGreaterEqual(step_model.step_seconds(dcgan, 1024, SLOW, HOST, ("after",)), today)

    def test_a_piece_that_is_fetched_early_is_summed_meanwhile(self):
        def seconds(before):
            exchange = step_model.Exchange(1, 2 << 20, ((1 << 20, before),), True)
            return step_model.exchange_seconds(exchange, 2, SLOW, HOST)

        alone = step_model.exchange_seconds(step_model.Exchange(1, 1 << 20, (), True), 2, SLOW, HOST)
        self.assertLess(seconds(0.0001), seconds(0))
        self.assertAlmostEqual(seconds(0.5), alone, delta=2e-4)

    def test_batch_norm_alone_is_left_out(self):
        mlpgan = plan("mlpgan")
        self.assertEqual(step_model.step_seconds(mlpgan, 1024, SLOW, HOST, ("norm",)),
                         step_model.step_seconds(mlpgan, 1024, SLOW, HOST))
        self.assertEqual(step_model.step_seconds(mlpgan, 1, SLOW, HOST), mlpgan.seconds)


if __name__ == "__main__":
    cases.main()
