# SPDX-License-Identifier: MIT
"""Examples as pictures: grids, histograms and scatter plots, as files and in notebooks."""

from __future__ import annotations

import html
import math
import os
import tempfile
from typing import Any, Optional, Sequence

import numpy

from .convert import labels_of, numbers, same_rows, shape_struct, whole
from .library import NULL, Error, c, ffi


class Grid:
    """Examples that a notebook shows: pictures as a grid, single numbers as a histogram, two numbers as points.

    values: [count, ...shape of an example], pictures [count, height, width, 1 or 3] in [0, 1], or uint8
    columns: pictures a row; None: about as many as rows
    originals: the same of what the examples are compared with, NULL: none
    """

    def __init__(self, values: Any, columns: Optional[int] = None, originals: Any = None):
        self.values, self.originals = _drawn(values), None if originals is None else _drawn(originals)
        if self.originals is not None and self.originals.shape[1:] != self.values.shape[1:]:
            raise ValueError(f"originals of shape {self.originals.shape[1:]} beside values of {self.values.shape[1:]}")
        shape = self.values.shape
        if len(self.values) == 0 or not (shape[1:] in ((1,), (2,)) or len(shape) == 4 and shape[3] in (1, 3)):
            raise ValueError(
                f"values of shape {numpy.shape(values)}; what can be drawn are pictures, [count, height, width] or "
                "[count, height, width, 1 or 3], points, [count, 2], and numbers, [count, 1]"
            )
        usual = max(1, math.ceil(math.sqrt(len(self.values))))
        self.columns = usual if columns is None else whole("columns", columns, 1, 2**31)

    def save(self, path: str) -> None:
        """Writes it as a PNG file."""
        shape = self.values.shape[1:]
        drawing = ffi.new("duet_drawing *")
        drawing.shape = shape_struct(shape)
        drawing.unit_range = len(shape) == 3 and bool((self.values >= 0).all() and (self.values <= 1).all())
        drawing.values, drawing.count = ffi.from_buffer("float[]", self.values), len(self.values)
        if self.originals is not None:
            drawing.originals = ffi.from_buffer("float[]", self.originals)
            drawing.original_count = len(self.originals)
        drawing.columns = self.columns
        c.write_png_examples(os.fspath(path), drawing)

    def _repr_png_(self) -> bytes:
        return png(self.save)

    def __repr__(self) -> str:
        return f"<grid of {len(self.values)} examples of {list(self.values.shape[1:])}>"


def _drawn(values: Any) -> numpy.ndarray:
    array = numbers(values, "values")
    array = array.astype(numpy.float32) / 255 if array.dtype == numpy.uint8 else array
    array = numpy.ascontiguousarray(array, numpy.float32)
    if array.ndim == 0:
        raise ValueError("a number alone is nothing to be drawn; several are, [count, 1]")
    wrong = int((~numpy.isfinite(array)).sum())
    if wrong > 0:
        raise ValueError(
            f"values of which {wrong} of {array.size} are not finite, and would look like others; "
            "numpy.nan_to_num(values) draws them as numbers"
        )
    if array.ndim == 1:
        array = array[:, None]
    return array[..., None] if array.ndim == 3 else array


def grid(values: Any, columns: Optional[int] = None, originals: Any = None) -> Grid:
    """Examples as something that a notebook shows and .save(path) writes."""
    return Grid(values, columns, originals)


def png(save: Any) -> bytes:
    """The bytes of the picture that save(path) writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "picture.png")
        try:
            save(path)
        except Error as error:  # of a file that nobody has named
            raise Error(error.status, error.message.replace(path, "a picture")) from None
        with open(path, "rb") as file:
            return file.read()


def frame(page: str) -> str:
    """A whole HTML page inside a cell of a notebook."""
    return (
        f'<iframe srcdoc="{html.escape(page)}" style="width: 100%; height: 40em; border: 0" sandbox="allow-scripts">'
        "</iframe>"
    )


def write_points(path: str, values: Any, labels: Any = None, reference: Any = None) -> None:
    """Points in the plane, [count, 2], as a PNG: each in the colour of its label, or before `reference` in grey.
    Without labels numbers, [count, 1], are drawn as a histogram."""
    array = numpy.ascontiguousarray(numbers(values, "values"), numpy.float32)
    if labels is not None and reference is not None:
        raise ValueError("labels and a reference; points are drawn in the colours of their labels, or before a reference")
    if labels is not None:
        same_rows(values, labels, "labels", "values")
        classes = labels_of(labels, len(array))
        if array.shape != (len(classes), 2):
            raise ValueError(f"values of shape {array.shape} with {len(classes)} labels; points are [count, 2]")
        c.write_png_classes(
            os.fspath(path), ffi.from_buffer("float[]", array), ffi.from_buffer("uint8_t[]", classes), len(array)
        )
        return
    if array.ndim != 2:
        raise ValueError(f"values of shape {array.shape}; they are [count, 1] or [count, 2]")
    behind = (
        numpy.zeros((0, array.shape[1]), numpy.float32)
        if reference is None
        else numpy.ascontiguousarray(numbers(reference, "a reference"), numpy.float32)
    )
    if behind.ndim != 2 or behind.shape[1] != array.shape[1]:
        raise ValueError(f"a reference of shape {behind.shape} behind values of {array.shape}")
    c.write_png_points(
        os.fspath(path),
        ffi.from_buffer("float[]", array),
        len(array),
        array.shape[1],
        NULL if reference is None else ffi.from_buffer("float[]", behind),
        len(behind),
    )


def write_lines(path: str, lines: Sequence[Any], panels: Optional[Sequence[int]] = None) -> None:
    """Lines of equally many values as a PNG, in panels one above the other (numbered from 0); NaN leaves a hole."""
    if not hasattr(lines, "__iter__"):
        raise ValueError(f"{lines!r} as lines; a list of lines is expected, each of equally many numbers")
    arrays = [numpy.ascontiguousarray(numbers(line, "lines"), numpy.float32) for line in lines]
    if panels is not None and len(panels) != len(arrays):
        raise ValueError(f"{len(panels)} panels for {len(arrays)} lines; there is one a line")
    if not arrays or len({array.shape for array in arrays}) != 1:
        raise ValueError("lines of equal length are needed")
    rows = ffi.new("duet_line[]", len(arrays))
    for index, array in enumerate(arrays):
        rows[index].values, rows[index].ink = ffi.from_buffer("float[]", array), index % 5
        rows[index].panel = 0 if panels is None else whole("panel", panels[index], 0, len(arrays) - 1)
    c.write_png_lines(os.fspath(path), rows, len(arrays), len(arrays[0]))
