# SPDX-License-Identifier: MIT
"""Ctrl-C while the library works: it stops at the next step's end instead of at once.

Idea: the library runs without the interpreter's lock, so no Python runs in this thread. A signal writes a byte to a
pipe (signal.set_wakeup_fd) from within C; a thread reads it and sets the number that the library looks at. What
comes too late for that is noted all the same, by Python's own handler, and is the caller's to raise.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from typing import Any, Iterator

from .library import ffi, fill_standard


class Stop:
    """While it is entered, `flag` is what the library looks at; it becomes 1 at Ctrl-C, or by set()."""

    def __init__(self) -> None:
        self.flag = ffi.new("int *")
        self.asked = False  # by Ctrl-C
        self._watches = False

    def set(self) -> None:
        self.flag[0] = 1

    def __enter__(self) -> "Stop":
        if threading.current_thread() is not threading.main_thread():
            return self  # signals are the main thread's
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return self  # the program has a way of its own, which it keeps
        fill_standard()
        self._ends = os.pipe()
        for end in self._ends:
            os.set_blocking(end, end == self._ends[0])
        self._before = signal.signal(signal.SIGINT, lambda *_: self._ask())
        self._wakeup = signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self._watches = True
        return self

    def _ask(self) -> None:
        self.asked = True
        self.set()

    def _watch(self) -> None:
        while True:
            numbers = os.read(self._ends[0], 64)
            if not numbers or 0 in numbers:
                return
            if signal.SIGINT in numbers:
                self._ask()

    def __exit__(self, *_: Any) -> None:
        if not self._watches:
            return
        signal.set_wakeup_fd(self._wakeup)
        os.write(self._ends[1], b"\0")
        self._thread.join()
        for end in self._ends:
            os.close(end)
        signal.signal(signal.SIGINT, self._before)  # the last: until then what comes is noted, from now on it raises

    @contextlib.contextmanager
    def honoured(self, words: str) -> Iterator[None]:
        """Raises KeyboardInterrupt(words) behind its block if a Ctrl-C came; an exception of the block is its cause."""
        try:
            yield
        except BaseException as reason:
            if self.asked:
                raise KeyboardInterrupt(str(reason)) from reason
            raise
        if self.asked:
            raise KeyboardInterrupt(words)
