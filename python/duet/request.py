# SPDX-License-Identifier: MIT
"""What a request's arrays have to be: the shapes of its examples, latents and classes, and of what it fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Tuple

import numpy

from .convert import numbers
from .device import opencl_memory
from .library import Error

if TYPE_CHECKING:
    from .run import Run

# Outputs that are examples: they have their shape.
EXAMPLES = ("sample", "reconstruction", "decode", "inverse_decode", "simulated")


def room_for(run: "Run", name: str, count: int, out: Any) -> Any:
    """Where an output goes: `out`, if it has that output's shape and type, or a new array."""
    features = run.features(name)
    if features == 0:
        there = ", ".join(sorted({one for all_ in run.procedures().values() for one in all_}))
        raise Error("usage", f"the model of {run.directory} has no output '{name}'; it has {there}")
    shape: Tuple[int, ...] = (count, features)
    if name in EXAMPLES and features == int(numpy.prod(run.shape)):
        shape = (count, *run.shape)
    elif features == 1 and name not in ("latent", "inverse", "prior", "posterior_draw"):
        shape = (count,)
    if out is None:
        return numpy.empty(shape, numpy.float32)
    if opencl_memory(out) is not None and not hasattr(out, "shape"):
        return out
    flags = getattr(out, "flags", None)
    if flags is None or out.shape != shape or out.dtype != numpy.float32 or not flags.c_contiguous:
        had = f"an array of shape {out.shape} and type {out.dtype}" if flags is not None else type(out).__name__
        raise Error("usage", f"out is {had}; for '{name}' it is a contiguous array of shape {shape} and type float32")
    if not getattr(flags, "writeable", True):
        raise Error("usage", "out is an array that may only be read; one that may be written is expected")
    return out


def examples_of(run: "Run", values: Any) -> numpy.ndarray:
    array, shape = numbers(values, "examples"), run.shape
    if array.dtype == numpy.uint8 and not run.unit_range:
        raise Error(
            "usage",
            f"uint8 is read as [0, 1], and the run of {run.directory} learnt numbers of another range: give examples in "
            "its own scale as float32, such as array.astype('float32')",
        )
    array = array.astype(numpy.float32) / numpy.float32(255) if array.dtype == numpy.uint8 else array
    if array.shape == shape:
        array = array[None]
    flat = shape[:-1] if len(shape) == 3 and shape[2] == 1 else shape  # pictures of one channel may leave it out
    if array.ndim != 2 and array.shape[1:] not in (shape, flat) and not (array.ndim == 1 and shape == (1,)):
        turned = len(shape) == 3 and array.shape[1:] == (shape[2], *shape[:2])
        raise Error(
            "usage",
            f"examples of shape {array.shape}; those of the run are {shape}"
            + ("; where the channels are first, pass numpy.moveaxis(array, 1, -1)" if turned else ""),
        )
    return rows_of(array.reshape(len(array), -1) if array.size else array, int(numpy.prod(shape)), "examples")


def rows_of(values: Any, features: int, what: str) -> numpy.ndarray:
    array = numpy.ascontiguousarray(numbers(values, what), numpy.float32)
    if array.ndim not in (1, 2) or len(array) == 0 or array.size != len(array) * features:
        raise Error("usage", f"{what} of shape {array.shape}; each row has {features} numbers")
    return array.reshape(len(array), features)


def class_numbers(run: "Run", classes: Any, count: int) -> numpy.ndarray:
    names = run.classes
    rows = [classes] * count if isinstance(classes, (str, int)) else list(classes)
    if len(rows) != count:
        raise Error("usage", f"{len(rows)} classes for a request of {count} rows")
    for one in rows:
        if one not in names if isinstance(one, str) else not _is_class(one):
            raise Error("usage", f"there is no class '{one}'; there are {', '.join(names) or 'none'}")
    return numpy.array([names.index(one) if isinstance(one, str) else one for one in rows], numpy.uint8)


def _is_class(one: Any) -> bool:
    """numpy would cut 3.9 and wrap 259 round."""
    return isinstance(one, (int, float, numpy.number)) and bool(0 <= one <= 255 and one == int(one))
