# SPDX-License-Identifier: MIT
"""Metrics: which there are, and their values."""
from __future__ import annotations

from typing import Any, List, NamedTuple, Optional

from .library import NULL, lib, text, words


class Value(NamedTuple):
    """A metric's value with its interval of 95%; low and high are NaN without one. n: what it was taken over."""

    value: float
    low: float
    high: float
    n: int
    unit: Optional[str]


def value_of(row: Any) -> Value:
    measure = lib.duet_metric_measure_find(row.row, row.name)
    unit = words(measure.unit) if measure != NULL and measure.unit != NULL else words(row.row.unit)
    return Value(row.value, row.low, row.high, row.n, unit)


def asks_features(name: str) -> bool:
    """Whether a metric goes by features, which a judge gives."""
    row = lib.duet_metric_find(text(name))
    return row != NULL and row.by_features != lib.DUET_BY_NO_FEATURES


def metric_names(on_request: bool = False) -> List[str]:
    """All metrics, by name; on_request: those too that take long."""
    names: List[str] = []
    index = 0
    while True:
        row = lib.duet_metric_at(index)
        if row == NULL:
            return names
        if on_request or not row.on_request:
            names.append(words(row.name) or "")
        index += 1
