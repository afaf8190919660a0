# SPDX-License-Identifier: MIT
"""A bar for long work: tqdm's where it is installed, else one line on a terminal."""

from __future__ import annotations

import sys
from typing import Any


class Bar:
    """While it is entered, show() says how far the work is. Nothing is shown if `wanted` is false."""

    def __init__(self, wanted: bool, unit: str):
        self._wanted, self._unit, self._shown = wanted, unit, False
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        return self

    def show(self, done: float, total: float, words: str = "") -> None:
        if not self._wanted:
            return
        if self._bar is None:
            self._bar = _tqdm(total, self._unit)
        if self._bar:
            self._bar.total = total
            self._bar.n = done
            if words:
                self._bar.set_postfix_str(words, refresh=False)
            self._bar.refresh()
        elif sys.stderr.isatty():
            sys.stderr.write(f"\r{done:.0f}/{total:.0f} {self._unit} {words}\033[K")
            sys.stderr.flush()
            self._shown = True

    def __exit__(self, *_: Any) -> None:
        if self._bar:
            self._bar.close()
        elif self._shown:
            sys.stderr.write("\n")


def _tqdm(total: float, unit: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return False
    return tqdm(total=total, unit=f" {unit}")
