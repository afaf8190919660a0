# SPDX-License-Identifier: MIT
"""A bar for long work: tqdm's where it is installed, else one line on a terminal."""

from __future__ import annotations

import sys
from typing import Any, Callable


class Bar:
    """While it is entered, show() says how far the work is. Nothing is shown if `wanted` is false. What is wrong with
    the place where it is shown, as a terminal that is gone, ends the bar and never the work."""

    def __init__(self, wanted: bool, unit: str):
        self._wanted, self._unit, self._shown = wanted, unit, False
        self._bar: Any = None

    def __enter__(self) -> "Bar":
        return self

    def show(self, done: float, total: float, words: str = "") -> None:
        if self._wanted:
            self._try(lambda: self._show(done, total, words))

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            self._wanted, self._bar, self._shown = False, False, False

    def _show(self, done: float, total: float, words: str) -> None:
        if self._bar is None:
            self._bar = _tqdm(total, self._unit)
        if self._bar:
            self._bar.total = total
            self._bar.n = done
            if words:
                self._bar.set_postfix_str(words, refresh=False)
            self._bar.refresh()
        elif sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write(f"\r{done:.0f}/{total:.0f} {self._unit} {words}\033[K")
            sys.stderr.flush()
            self._shown = True

    def __exit__(self, *_: Any) -> None:
        self._try(self._end)

    def _end(self) -> None:
        if self._bar:
            self._bar.close()
        elif self._shown:
            sys.stderr.write("\n")
            sys.stderr.flush()


def _tqdm(total: float, unit: str) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return False
    return tqdm(total=total, unit=f" {unit}")
