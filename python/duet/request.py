# SPDX-License-Identifier: MIT
"""What a request's arrays have to be: the shapes of its examples, latents and classes, and of what it fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Sequence, Tuple

import numpy

from .convert import column_names, in_order, numbers, unmasked, warn, whole
from .device import opencl_memory
from .library import Error, check, ffi, lib, new_error, record, text, words

if TYPE_CHECKING:
    from .run import Run

# Outputs that are examples: they have their shape.
EXAMPLES = ("sample", "reconstruction", "decode", "inverse_decode", "simulated")

# What is said of a model that has not the output that a method of a run asks for.
CANNOT = {
    "sample": "make samples",
    "decode": "decode latents",
    "latent": "encode: it has no encoder",
    "reconstruction": "reconstruct: nothing in it takes an example to codes and back",
    "class_logits": "classify: a classifier can",
}
# What a request may give, by the bit that says whether it is read.
GIVEN = {
    "examples": lib.DUET_READS_EXAMPLES,
    "latents": lib.DUET_READS_LATENTS,
    "classes": lib.DUET_READS_CLASSES,
}


def check_method(run: "Run", output: str) -> None:
    """That the model can do what a method of the run is for."""
    if run.features(output) > 0:
        return
    family = words(lib.duet_model_family(lib.duet_run_model(run.pointer)).name)
    instead = ""
    if output == "sample" and run.features("latent") > 0 and run.features("decode") > 0:
        instead = ": it learns codes, and no distribution to draw them from; run.reconstruct(x) shows what it has learnt"
    if output == "latent" and run.features("features") > 0:
        instead = '; run.ask("features", examples=x) gives what its last hidden layer says'
    raise Error("usage", f"a model of kind {family} cannot {CANNOT[output]}{instead}")


def row_count(count: Optional[int], given: Dict[str, Any]) -> int:
    """The rows of a request: what is said, or as many as are given; all that is given has to agree."""
    counts = {name: len(rows) for name, rows in given.items() if rows is not None}
    if count is not None:
        counts = {"count": whole("count", count, 1), **counts}
    for name, number in counts.items():
        first = next(iter(counts))
        if number != counts[first]:
            said = f"count={count}" if first == "count" else f"{counts[first]} {first}"
            raise Error("usage", f"{said} with {number} {name}; there is one of each a row")
        if number == 0:
            raise Error("usage", f"no {name}, where one a row is expected")
    return next(iter(counts.values()), 1)


def check_read(run: "Run", request: Any, given: Dict[str, Any], settings: Sequence[str]) -> None:
    """That all that is given has an effect, and that what is read is given where it cannot be drawn."""
    inputs, error = ffi.new("unsigned *"), new_error()
    lib.duet_run_inputs(run.pointer, request, inputs, error)
    check(error)
    for name, bit in GIVEN.items():
        known = name != "classes" or lib.duet_run_has_classes(run.pointer)  # else the library says so
        if given[name] is not None and known and not inputs[0] & bit:
            raise Error("usage", f"{name}= has no effect: nothing that is asked for reads {name}")
    outputs = [request.outputs[i].name for i in range(request.output_count)]
    for setting in settings:
        known = lib.duet_run_takes(run.pointer, text(setting.split("=")[0]))  # else the library says so
        if known and not any(lib.duet_run_reads(run.pointer, name, text(setting)) for name in outputs):
            raise Error("usage", f"the setting {setting} has no effect: nothing that is asked for reads it")
    if not inputs[0] & lib.DUET_READS_EXAMPLES:
        return
    if given["examples"] is None:
        asked = [words(name) for name in outputs]
        raise Error("usage", f"{', '.join(asked)}: made of examples, and none are given: run.ask({asked}, examples=x) gives some")
    if inputs[0] & lib.DUET_READS_CLASSES and given["classes"] is None:
        raise Error(
            "usage",
            "what is asked for is made of examples and their classes, and no classes are given: classes=y gives names or "
            f"numbers, one an example or one for all; there are {', '.join(run.classes)}",
        )


def doubt_range(run: "Run", what: str, low: float, high: float, count: int) -> None:
    """Warns of numbers that are spread much otherwise than those that the run was trained on."""
    said = ffi.new("char[]", 1024)
    if lib.duet_run_doubts_range(run.pointer, text(what), low, high, count, said, len(said)):
        warn(words(said))


def names_of(outputs: Any) -> List[str]:
    """The outputs of a request by name: one or several."""
    names = [outputs] if isinstance(outputs, str) else outputs
    if not isinstance(names, Iterable) or not all(isinstance(one, str) for one in names):
        raise Error("usage", f"outputs={outputs!r}; a name or a list of names is expected, as run.procedures() has them")
    return list(names)


def nearest(word: str, known: Iterable[str]) -> str:
    """The words "; did you mean 'x'?"; "" where none of the known words is near."""
    kept = text(word)
    offered, room = [text(one) for one in known], ffi.new("char[80]")
    best = ffi.new("duet_spelling *", {"word": kept})
    for one in offered:
        lib.duet_spelling_offer(best, one)
    return words(lib.duet_spelling_words(best, room, 80)) or ""


def room_for(run: "Run", name: str, count: int, out: Any, said: str) -> Any:
    """Where an output goes: `out`, if it has that output's shape and type, or a new array. said: what errors call it."""
    features = run.features(name)
    if features == 0:
        there = sorted({one for all_ in run.procedures().values() for one in all_})
        guess = nearest(name, there) or ";"
        raise Error("usage", f"the model of {run.directory} has no output '{name}'{guess} it has {', '.join(there)}")
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
        raise Error("usage", f"{said} is {had}; a contiguous array of shape {shape} and type float32 is expected")
    if not getattr(flags, "writeable", True):
        raise Error("usage", f"{said} is an array that may only be read; one that may be written is expected")
    return out


def apart(outs: Dict[str, numpy.ndarray], given: Optional[numpy.ndarray]) -> Optional[numpy.ndarray]:
    """What a request is given, in memory of its own where an output would be written over a part of it that is still to
    be read: one that is the same array has each row written after it was read. Outputs are apart from each other."""
    names = list(outs)
    for i, name in enumerate(names):
        for other in names[:i]:
            if numpy.may_share_memory(outs[name], outs[other]):
                raise Error("usage", f"{other} and {name} lie in the same memory; each output needs its own")
    if given is None:
        return None
    over = [out for out in outs.values() if numpy.may_share_memory(out, given)]
    same = all(out.ctypes.data == given.ctypes.data and out.nbytes == given.nbytes for out in over)
    return given if same else given.copy()


def examples_of(run: "Run", values: Any) -> numpy.ndarray:
    """Examples as rows, float32 in the run's own scale."""
    array, shape = numbers(values, "examples"), run.shape
    check_columns(run, column_names(values), "examples")
    if array.dtype == numpy.uint8 and not run.unit_range:
        raise Error(
            "usage",
            f"uint8 is read as [0, 1], and the run of {run.directory} learnt numbers of another range: give examples in "
            "its own scale as float32, such as array.astype('float32')",
        )
    array = array.astype(numpy.float32) / numpy.float32(255) if array.dtype == numpy.uint8 else array
    flat = shape[:-1] if len(shape) == 3 and shape[2] == 1 else shape  # pictures of one channel may leave it out
    if array.shape in (shape, flat):
        array = array[None]
    if array.ndim != 2 and array.shape[1:] not in (shape, flat) and not (array.ndim == 1 and shape == (1,)):
        joined = isinstance(values, (list, tuple)) and array.shape[2:] in (shape, flat)
        turned = len(shape) == 3 and array.shape[1:] == (shape[2], *shape[:2])
        raise Error(
            "usage",
            f"examples of shape {array.shape}; those of the run are {shape}"
            + _one_row(array, int(numpy.prod(shape)))
            + ("; numpy.concatenate(list) joins arrays of several examples" if joined else "")
            + ("; where the channels are first, pass numpy.moveaxis(array, 1, -1)" if turned else ""),
        )
    return rows_of(array.reshape(len(array), -1) if array.size else array, int(numpy.prod(shape)), "examples")


def _one_row(array: numpy.ndarray, features: int) -> str:
    return "; array[None] is one row" if array.shape == (features,) else ""


def rows_of(values: Any, features: int, what: str) -> numpy.ndarray:
    array = numpy.ascontiguousarray(numbers(values, what), numpy.float32)
    if features == 0:
        raise Error("usage", f"{what} are given, and the model reads none")
    if array.ndim > 0 and len(array) == 0:
        raise Error("usage", f"{what} of shape {array.shape}: there are none")
    if array.ndim not in (1, 2) or array.size != len(array) * features:
        alone = _one_row(array, features)
        raise Error("usage", f"{what} of shape {array.shape}; each row has {features} numbers{alone}")
    return array.reshape(len(array), features)


def class_list(classes: Any) -> Optional[List[Any]]:
    """Classes as a list with one a row; None: it is one name or number, that of all rows, or nothing."""
    unmasked(classes, "classes")
    in_order(classes, "classes", "a list with one name or number a row")
    if hasattr(classes, "__array__"):
        classes = numpy.asarray(classes)
        if classes.ndim > 1:
            remedy = "; of rows with one 1 each pass numpy.asarray(classes).argmax(1)" if classes.ndim == 2 else ""
            raise Error("usage", f"classes of shape {classes.shape}; there is one name or number a row{remedy}")
    alone = isinstance(classes, (str, bytes)) or numpy.ndim(classes) == 0
    return None if alone else list(classes)


def class_numbers(run: "Run", classes: Any, listed: Optional[Sequence[Any]], count: int) -> numpy.ndarray:
    """The numbers of classes that are named or numbered: of those listed, or of one that is all rows'."""
    names = run.classes
    rows = [classes] * count if listed is None else listed
    rows = [one.item() if hasattr(one, "item") and numpy.ndim(one) == 0 else one for one in rows]
    if listed is not None and all(isinstance(one, bool) for one in rows):  # as Data.from_arrays takes labels
        rows = [str(one) if str(one) in names else int(one) for one in rows]
    try:
        distinct = {(type(one), one) for one in rows}  # True is equal to 1, and no class
    except TypeError:  # a list among them, say
        raise Error("usage", "classes with more than one name or number a row") from None
    places = {(kind, one): _class_number(names, one) for kind, one in distinct}
    return numpy.array([places[type(one), one] for one in rows], numpy.uint8)


def _class_number(names: Sequence[str], one: Any) -> int:
    """A class's number, by its name or by that number. Of classes that are named by numbers, such as folders 1 to 9, a
    number may mean either: where both are classes, and not the same one, the program has to say which."""
    if isinstance(one, str) and one in names:
        return names.index(one)
    if isinstance(one, str) or not _is_class(one):
        raise Error("usage", f"there is no class '{one}'; there are {', '.join(names) or 'none'}")
    number = int(one)
    named = [place for place, name in enumerate(names) if name.isdecimal() and int(name) == number]
    if named and named != [number] and number < len(names):
        raise Error(
            "usage",
            f"class {number} is '{names[number]}' by its number and number {named[0]} by its name: give names as texts, of "
            f"numbers run.classes[{number}], of names str({number})",
        )
    return named[0] if named else number


def _is_class(one: Any) -> bool:
    """numpy would cut 3.9 and wrap 259 round."""
    number = isinstance(one, (int, float, numpy.number)) and not isinstance(one, bool)
    return number and bool(0 <= one <= 255 and one == int(one))


def lines_of(names: Optional[str]) -> Optional[List[str]]:
    """Names that the library has a line each."""
    return None if names is None else names.split("\n")[:-1]


def check_columns(run: "Run", names: Optional[Sequence[str]], what: str) -> None:
    """Holds names of columns against those that the run was trained on, as the library does with those of files."""
    if names is None:
        return
    owner = run.directory or "the run"
    learnt = lines_of(record(lib.duet_data_describe(lib.duet_run_data(run.pointer))).columns)
    known = [one.strip() for one in learnt or ()]
    differ = [place for place, (one, other) in enumerate(zip(names, known)) if one != other]
    if len(known) != len(names) or not differ:
        return
    column, there = names[differ[0]], known[differ[0]]
    if set(known) == set(names):
        raise Error(
            "data",
            f"{what}: the columns are those of {owner} in another order: column {differ[0] + 1} is '{column}' here "
            f"and '{there}' there; table[{known if len(known) < 9 else 'names'}] has them in the order of \"columns\" in its "
            "run.json",
        )
    warn(f"{what}: column {differ[0] + 1} is '{column}', and '{there}' in what {owner} was trained on: are they the same?")
