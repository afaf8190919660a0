# SPDX-License-Identifier: MIT
"""Runs side by side, from what their files say."""
from __future__ import annotations

import json
import os
import pathlib
import tempfile
from typing import Any, Dict, Sequence, Union

from .convert import text_array
from .library import c, check, ffi, host, lib, new_error, shown
from .pictures import frame
from .run import Run, directory_of


class Comparison:
    """Runs side by side, from their files alone: `document` is what `duet compare --json` prints; a notebook shows the
    page that save(path) writes."""

    def __init__(self, runs: Sequence[Union[str, Run]]):
        self.runs = [os.fspath(directory_of(run)) for run in runs]
        written, error = ffi.new("char **"), new_error()
        lib.duet_page_document(text_array(self.runs), len(self.runs), written, error)
        check(error)
        try:
            self.document: Dict[str, Any] = json.loads(ffi.string(written[0]).decode())
        finally:
            host.free(written[0])

    def save(self, path: str) -> None:
        """Writes the page, one HTML file that needs no other."""
        c.page_write(os.fspath(path), text_array(self.runs), len(self.runs))

    def _repr_html_(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "page.html")
            self.save(str(path))
            return frame(path.read_text())

    def __repr__(self) -> str:
        return f"<comparison of {', '.join(map(shown, self.runs))}>"


def compare(runs: Sequence[Union[str, Run]]) -> Comparison:
    """Runs, or their directories, side by side."""
    return Comparison([runs] if isinstance(runs, (str, Run)) else runs)
