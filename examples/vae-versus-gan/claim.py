# SPDX-License-Identifier: MIT
"""The table of claims: a number, what people say, how it is measured, and a function that measures it in a lab."""
from dataclasses import dataclass, field


@dataclass
class Claim:
    """What came out: a table whose cells are words, estimates or None; a verdict; what the reader has to know."""
    columns: list
    rows: list
    verdict: str
    note: str
    curves: list = field(default_factory=list)  # (title, unit of x, {name: [(x, y)]})


@dataclass
class Row:
    number: int
    says: str
    measured_by: str
    measure: callable


CLAIMS = {}


def claim(number, says, measured_by):
    def add(measure):
        CLAIMS[number] = Row(number, says, measured_by, measure)
        return measure
    return add
