# SPDX-License-Identifier: MIT
"""Data sets: named ones, files, and arrays that a program holds."""

from __future__ import annotations

import contextlib
import math
import os
import stat
import threading
import zipfile
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple, Union

import numpy

from .convert import absolute, as_type, column_names, each_as_array, extents_of, in_order, labels_of, numbers, same_rows, shape_struct, shape_tuple, text_array, texts, truth, whole
from .library import NULL, Error, Handle, Record, article, brief, c, check, enumerator, ffi, held, lib, new_error, path_of, record, shown, text, text_or_null

SPLITS = ("train", "test")
STEPS = 256  # that float32 tells apart in a column that is told of, at most
PIECE = 1 << 20  # bytes of rows that are asked for to be written
PICTURE_NUMBERS = 64  # rows of so many numbers may be pictures, as in src/data/plausible.h
# Columns of about 1, each by itself, as in src/data/remedy.h.
STANDARD = (
    "((array - t.mean(0)) / numpy.where(numpy.ptp(t, 0) > 0, t.std(0), 1)).astype('<f4') with t = train.astype('<f8'), "
    "where train is the training split's array, in both splits alike"
)
# What an error begins with that comes of a function that gives rows, behind the set's name.
RAISED = "the function that gives rows raised"


def datasets() -> List[Record]:
    """The named sets: name, summary, present (found on this machine), source."""
    count = lib.duet_dataset_list(NULL, 0)
    rows = ffi.new("duet_dataset_row[]", count)
    lib.duet_dataset_list(rows, count)
    return [record(rows[i]) for i in range(count)]


def split_number(split: str) -> int:
    if split not in SPLITS:
        raise Error("usage", f"'{split}' is no split; they are train and test")
    return SPLITS.index(split)


def _ask(data: Record, split: str, first: int, count: int) -> numpy.ndarray:
    """Rows of the function: of one caller at a time, as a thread of the library's may be one."""
    with data.lock:
        given = data.function(split, first, count)
    rows = as_type(numbers(given, "rows"), data.dtype, "rows")
    if rows.shape != (count, *data.shape):
        raise ValueError(f"rows of shape {rows.shape}, where {(count, *data.shape)} were asked for")
    return rows


def _raised(reason: BaseException) -> str:
    return f"{RAISED} {type(reason).__name__}: {reason}"


@ffi.callback("duet_status(void *, duet_split, size_t, size_t, void *, duet_error *)", error=1)
def _fill(context: Any, split: int, first: int, count: int, examples: Any, error: Any) -> int:
    data = ffi.from_handle(context)
    try:
        rows = _ask(data, SPLITS[split], first, count)
        ffi.memmove(examples, ffi.from_buffer(rows), rows.nbytes)
        return lib.DUET_OK
    except BaseException as reason:  # goes through C as an error
        data.raised = reason
        error.status = lib.DUET_ERROR_DATA
        message = _raised(reason).encode()[:1000]
        ffi.memmove(error.message, message + b"\0", len(message) + 1)
        return lib.DUET_ERROR_DATA


@contextlib.contextmanager
def told(holder: Record) -> Iterator[None]:
    """What the function that gives rows raised is the error's cause; a Ctrl-C in it is raised itself. An error that does
    not speak of the function has another cause: what it raised may be left of a call that nothing here wraps, or be
    that of a row read ahead, whose error comes later."""
    try:
        yield
    except Error as error:
        if holder.raised is None or RAISED not in error.message:
            raise
        reason, holder.raised = holder.raised, None
        if isinstance(reason, Exception):
            raise error from reason
        raise reason


class Data(Handle):
    """An open set of examples.

    name: a named set, "name:options" or a path (docs/data.md); None: "fashion-mnist"
    """

    _free = "duet_data_close"
    _elsewhere = "open it there by its name or of its arrays"
    _opens: Optional[str] = None  # what opens the same set again, as long as its files are as they were; None: it is a program's own
    _found: Any = None  # what they were
    _arrays: List[Any] = []  # of a program's own set: the examples, or what asks a function for them, and labels of both splits
    _notes: List[str] = []  # of a set of arrays: what making float32 of them has to say
    _trained = False  # whether a training has it
    _holder = Record(raised=None)  # of a set that a function gives: that function, and what it raised

    def __init__(self, name: Optional[str] = None):
        if not isinstance(name, (str, bytes, os.PathLike, type(None))):
            raise TypeError(f"{brief(name)}, where the name of data is expected; duet.Data.from_arrays(x) takes arrays")
        made, error = ffi.new("duet_data **"), new_error()
        lib.duet_data_open(made, text_or_null(name), error)
        check(error)
        super().__init__(made[0])
        self._lock = threading.RLock()
        self._opens, self._source = absolute_name(self.info.name), absolute(self.info.source)
        self._found = _file_at(self._source)

    @classmethod
    def _of(cls, open_: Callable[[Any, Any], Any], *keeps: Any) -> "Data":
        made, error = ffi.new("duet_data **"), new_error()
        open_(made, error)
        check(error)
        self = cls.__new__(cls)
        Handle.__init__(self, made[0], *keeps)
        self._notes, self._lock = [], threading.RLock()
        return self

    @classmethod
    def from_arrays(
        cls,
        train: Any,
        test: Any = None,
        *,
        labels: Any = None,
        test_labels: Any = None,
        class_names: Optional[Sequence[str]] = None,
        name: str = "array",
        split: Optional[str] = None,
    ) -> "Data":
        """A set that lies in memory; anything with the buffer protocol. Contiguous uint8 or float32 is read where it
        lies and kept until close(), so leave it as it is; anything else is copied.

        train, test: [examples, ...shape] with 1 to 3 extents of an example: features; height, width; height, width,
        channels. uint8 is scaled to [0, 1]
        split: without `test` a tenth of `train` is the test split: by chance, of each class as much ("shuffled", None),
        or the last ("last"), which lets the device read the others where they lie
        labels, test_labels: [examples] or [examples, 1], whole numbers from 0 to 255

        Names of the columns of a table, such as pandas' DataFrame, are kept, as those of a CSV file are.
        """
        columns, tables = _columns(train, test), [one for one in (train, test) if hasattr(one, "columns")]
        same_rows(train, labels, "labels", "train")
        same_rows(test, test_labels, "test_labels", "test")
        train, test = each_as_array(train, "examples"), each_as_array(test, "test examples")
        arrays: List[Any] = [_examples(train), None if test is None else _examples(test)]
        if arrays[1] is not None and len(arrays[1]) == 0:
            raise Error("data", "test= has no examples: leave it out for a tenth of train to take its place")
        if arrays[1] is not None and arrays[1].shape[1:] != arrays[0].shape[1:]:
            labels_ = "; labels are given by name: duet.Data.from_arrays(x, labels=y)" if arrays[1].ndim == 2 else ""
            raise Error(
                "data",
                f"test examples of shape {arrays[1].shape[1:]} beside {arrays[0].shape[1:]} to train on{labels_}",
            )
        if arrays[1] is not None and arrays[1].dtype != arrays[0].dtype:
            kinds = [numpy.asarray(one).dtype for one in (test, train)]
            raise Error(
                "data",
                f"test examples of type {kinds[0]} beside {kinds[1]} to train on: uint8 is scaled to [0, 1], other types are "
                "not; give both as one, such as array.astype('u1') of bytes",
            )
        counts = [len(one) if one is not None else 0 for one in arrays]
        if test_labels is not None and test is None:
            raise Error("usage", "test_labels= without examples of a test split; test=x gives them, and labels= are those of train")
        kept = _labels(labels, test_labels, counts, class_names)
        own = cls._own(name, arrays[0].shape[1:], arrays[0].dtype, counts, kept, class_names, split, columns)
        for i, array in enumerate(arrays):
            own.examples[i] = ffi.from_buffer(array) if array is not None and array.size else NULL
        try:
            made = cls._of(lambda made, error: lib.duet_data_from_memory(made, own, error), arrays, kept)
        except Error as error:
            _refuse_missing(tables)
            to_numpy = "; array is what the table's to_numpy() gives" if tables and "array" in error.message else ""
            raise Error(error.status, error.message + to_numpy) from None
        made._arrays = [*arrays, *kept]
        for given, array in zip((train, test), arrays):
            if array is not None and not made._notes:
                made._notes = _rounding(name, given, array)
        return made

    @classmethod
    def from_function(
        cls,
        function: Callable[[str, int, int], Any],
        shape: Union[int, Sequence[int]],
        train: int,
        test: int = 0,
        *,
        dtype: Any = numpy.float32,
        labels: Any = None,
        test_labels: Any = None,
        class_names: Optional[Sequence[str]] = None,
        name: str = "function",
        split: Optional[str] = None,
    ) -> "Data":
        """A set whose rows function(split, first, count) gives whenever they are needed, [count, ...shape]; the same
        row always with the same numbers. It may be called on a thread of the library's.

        split: without `test` rows the last tenth of `train` is the test split ("last", None), or a tenth by chance
        ("shuffled"). All rows of float32 are asked for once when the set is made, for their range, and so are those of
        uint8 with split="shuffled"
        """
        train, test = whole("train", train, 1), whole("test", test)
        extents = tuple(extents_of(shape))
        kept = _labels(labels, test_labels, [train, test], class_names)
        if not callable(function):
            raise TypeError(f"{article(type(function).__name__)}, where function(split, first, count) is expected; "
                            "duet.Data.from_arrays takes arrays")
        if numpy.dtype(dtype) not in (numpy.uint8, numpy.float32):
            raise Error("usage", f"dtype={numpy.dtype(dtype)}; rows are float32, or uint8, which are scaled to [0, 1]")
        holder = Record(function=function, shape=extents, dtype=numpy.dtype(dtype), raised=None, lock=threading.RLock())
        own = cls._own(name, holder.shape, holder.dtype, [train, test], kept, class_names, split)
        handle = ffi.new_handle(holder)
        with told(holder):
            made = cls._of(
                lambda made, error: lib.duet_data_from_callback(made, own, _fill, handle, error), handle, holder
            )
        made._holder = holder
        made._arrays = [_Asked(holder, name, *one) if one[1] else None for one in zip(SPLITS, (train, test))] + kept
        return made

    @staticmethod
    def _own(name: str, shape: Any, dtype: Any, counts: List[int], labels: Any, names: Any, split: Any, columns: Any = None) -> Any:
        own = ffi.new("duet_own_data *")
        own.name = text(name)
        own.shape = shape_struct(shape)
        own.type = enumerator("duet_type", str(dtype))
        own.count = counts
        if split not in (None, "shuffled", "last"):
            raise Error("usage", f"split={split!r}: it is 'shuffled' or 'last'")
        own.division = enumerator("duet_division", split or "given")
        arrays: List[Any] = []  # of texts
        for i, array in enumerate(labels):
            own.labels[i] = NULL if array is None else ffi.from_buffer("uint8_t[]", array)
        if names is not None:
            in_order(names, "class_names", "a list with the name of label 0 first")
            names = texts(names)
            arrays.append(text_array(names))
            own.class_names, own.classes = arrays[-1], len(names)
        if columns is not None and shape == (len(columns),):
            arrays.append(text_array(columns))
            own.columns = arrays[-1]
        _keep(own, arrays)
        return own

    @property
    def info(self) -> Record:
        """What duet_data_info says: name, source, shape, type, unit_range, count, labelled, classes, ..."""
        with held(self):
            known = lib.duet_data_describe(self.pointer)
            said = record(known)
            said.name, said.source = path_of(known.name), path_of(known.source)
        return said

    @property
    def shape(self) -> Tuple[int, ...]:
        """Of one example: (28, 28, 1), (2,)."""
        with held(self):
            return shape_tuple(lib.duet_data_describe(self.pointer).shape)

    @property
    def classes(self) -> List[str]:
        """The names of the classes, numbers where they have none; [] without labels."""
        with held(self):
            info = lib.duet_data_describe(self.pointer)
            return [ffi.string(info.class_names[i]).decode() if info.class_names else str(i) for i in range(info.classes)]

    def read(self, split: str = "train", first: int = 0, count: Optional[int] = None) -> numpy.ndarray:
        """Examples [count, ...shape] float32, bytes scaled to [0, 1]; without a count all from `first` on."""
        first, count = self._place(split, first, count)
        values = numpy.empty((count, *self.shape), numpy.float32)
        with self._alone(), told(self._holder):
            c.data_read(self, split_number(split), first, count, ffi.from_buffer("float[]", values))
        return values

    def labels(self, split: str = "train", first: int = 0, count: Optional[int] = None) -> numpy.ndarray:
        """Their labels, [count] uint8."""
        first, count = self._place(split, first, count)
        values = numpy.empty(count, numpy.uint8)
        c.data_labels(self, split_number(split), first, count, ffi.from_buffer("uint8_t[]", values))
        return values

    def _place(self, split: str, first: int, count: Optional[int]) -> Tuple[int, int]:
        with held(self):
            there = lib.duet_data_describe(self.pointer).count[split_number(split)]
        first = whole("first", first)
        count = max(there - first, 0) if count is None else whole("count", count)
        if first + count > there and count > 0 and not self.info.generated:
            raise Error("usage", f"examples {first} to {first + count - 1} of a split of {there}")
        return first, count

    @contextlib.contextmanager
    def _alone(self, use: str = "for what another thread reads") -> Iterator[None]:
        """It is the library's to use from one thread at a time: others wait, but not for a training's end."""
        while not self._lock.acquire(timeout=0.1):
            if self._trained:
                raise self._is_trained_on(use)
        try:
            yield
        finally:
            self._lock.release()

    @contextlib.contextmanager
    def _trained_on(self) -> Iterator[None]:
        """While a training has it: it lies on that one's device, and is used from its thread."""
        use = "for another training"
        with self._alone(use):
            if self._trained:
                raise self._is_trained_on(use)
            self._trained = True
            try:
                yield
            finally:
                self._trained = False

    def _is_trained_on(self, use: str) -> Error:
        return Error(
            "usage",
            f"{self.info.name} is being trained on: open it once more {use} beside that one; arrays of uint8 or float32 are not copied",
        )

    @property
    def notes(self) -> List[str]:
        """What opening the set has to say."""
        found: List[str] = []
        while True:
            note = c.data_note(self, len(found), NULL)
            if note is None:
                return self._notes + found
            found.append(note)

    def set_streaming(self, streaming: bool = True) -> None:
        """Has trainings read the examples batch by batch while the device works, to the same bits."""
        lib.duet_data_set_streaming(self.pointer, truth("streaming", streaming))

    def convert(self, path: str) -> None:
        """Writes both splits and their labels as one .npz file."""
        with self._alone(), told(self._holder):
            c.data_convert(self, os.fspath(path))

    def _again(self) -> Optional[str]:
        """What opens this set as it is open; None: it is a program's own, or its files are gone, or others by now."""
        return self._opens if self._opens is not None and self._found == _file_at(self._source) else None

    def _write(self, path: str) -> str:
        """Returns what opens the file that it writes: of a program's own set as it lies, as a checksum has it."""
        if self._opens is not None:
            self.convert(path)
            return path
        members = dict(zip(("x_train", "x_test", "y_train", "y_test"), self._arrays))
        if self.info.class_names != NULL:
            members["class_names"] = numpy.array([name.encode() for name in self.classes])
        if self.info.columns is not None:
            members["column_names"] = numpy.array([name.encode() for name in self.info.columns.split("\n")[:-1]])
        with zipfile.ZipFile(path, "w") as file:
            for name, values in members.items():
                if values is not None:
                    with file.open(f"{name}.npy", "w", force_zip64=True) as member:
                        _save(values, member)
        return path if self.info.division == "given" else f"{path}:split={self.info.division}"

    def __repr__(self) -> str:
        info = self.info
        return f"<data {shown(info.name)}: {info.count[0]} + {info.count[1]} examples of {list(info.shape)}>"


class _Asked:
    """All rows of a split that a function gives, a piece at a time."""

    def __init__(self, holder: Record, name: str, split: str, count: int):
        self.holder, self.name, self.split, self.count = holder, name, split, count

    def __iter__(self) -> Iterator[numpy.ndarray]:
        piece = max(PIECE // (self.holder.dtype.itemsize * math.prod(self.holder.shape)), 1)
        for first in range(0, self.count, piece):
            try:
                rows = _ask(self.holder, self.split, first, min(piece, self.count - first))
            except Exception as reason:  # as of what the library asks for
                raise Error("data", f"{self.name}: {_raised(reason)}") from reason
            yield rows


def _file_at(path: str) -> Any:
    """Which file or folder it is; None: none, as of a generated set. What can be read once, as a pipe, is never the same."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    kept = stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)
    return (about.st_dev, about.st_ino, about.st_mtime_ns, about.st_size) if kept else object()


def _save(values: Any, file: Any) -> None:
    """As numpy.save, of rows that are not all there at once too."""
    if not isinstance(values, _Asked):
        numpy.lib.format.write_array(file, values)
        return
    about = {"descr": values.holder.dtype.str, "fortran_order": False, "shape": (values.count, *values.holder.shape)}
    numpy.lib.format.write_array_header_1_0(file, about)
    for rows in values:
        file.write(numpy.ascontiguousarray(rows).tobytes())


def _keep(holder: Any, value: Any) -> None:
    from .convert import _kept

    _kept[holder] = value


def _columns(train: Any, test: Any) -> Optional[List[str]]:
    """The names of columns of both splits: numbers of one column under the name of another would never be noticed."""
    names, others = column_names(train), column_names(test)
    for place, (one, other) in enumerate(zip(names or (), others or ())):
        if one != other:
            raise Error(
                "data",
                f"column {place + 1} of the test examples is {other!r}, and of those to train on {one!r}: give both the same "
                "columns in the same order, such as test[train.columns]",
            )
    return names or others


def _examples(values: Any) -> numpy.ndarray:
    array = numbers(values, "examples")
    if array.ndim == 0:
        raise Error("data", f"{values!r}, where an array of examples is expected")
    if array.dtype not in (numpy.uint8, numpy.float32):
        array = _as_floats(array)
    array = numpy.ascontiguousarray(array)
    if array.ndim == 1:
        array = array[:, None]
    if not 2 <= array.ndim <= 4 or 0 in array.shape[1:]:
        raise Error(
            "data",
            f"an array of shape {array.shape}; it is [examples, features], [examples, height, width] or "
            "[examples, height, width, channels], with an extent of 1 at least",
        )
    return array


def _as_floats(array: numpy.ndarray) -> numpy.ndarray:
    """As float32, unless that would lose what tells the numbers apart, as of times in seconds."""
    with numpy.errstate(over="ignore"):  # the library refuses what is not finite
        floats = array.astype(numpy.float32)
    beyond = numpy.isinf(floats) & numpy.isfinite(array)
    if beyond.any():
        most = numpy.abs(array[beyond]).max()
        raise Error(
            "data",
            f"examples of type {array.dtype} up to {most:.6g}, beyond what float32 holds: divide them by such a number first, of a "
            "table the columns that are so far, in both splits",
        )
    if array.size and numpy.isfinite(floats).all():
        low, high = float(array.min()), float(array.max())
        step = _step(low, high)
        if 0 < high - low < STEPS * step:
            raise Error(
                "data",
                f"examples from {low:.15g} to {high:.15g}, where float32 numbers lie {step:g} apart, so that what tells "
                f"them apart would be lost: pass {STANDARD}",
            )
    return floats


def _step(low: float, high: float) -> float:
    """How far apart float32 numbers lie there; the greatest, which GeoTIFF fills with, has none behind it."""
    return min(float(numpy.spacing(numpy.float32(max(abs(low), abs(high))))), 2.0**104)


def _refuse_missing(tables: Sequence[Any]) -> None:
    """Names the column of a table that has no number in some row, as it does not hold them all."""
    for table in tables:
        for name, column in zip(table.columns, numpy.asarray(table, numpy.float64).T):
            missing = numpy.flatnonzero(numpy.isnan(column))
            if missing.size:
                raise Error(
                    "data",
                    f"examples: column {name!r} has no number in {missing.size} of {column.size} rows, the first in row {missing[0]}: "
                    "leave such rows out, and their labels, as by table[table.notna().all(axis=1)], or fill them, as by "
                    "table.fillna(train.mean()), where train is the table to train on",
                )


def _rounding(name: str, given: Any, floats: Any) -> List[str]:
    """What is said of columns of a table whose numbers float32 does not tell apart, as src/data/rounding.c says it of
    files. Where they are all of a table they have been refused."""
    array = numpy.asarray(given)
    if array.dtype == floats.dtype or array.ndim != 2 or not array.size or array.shape[1] >= PICTURE_NUMBERS:
        return []
    notes = []
    for place, (low, high) in enumerate(zip(array.min(0).tolist(), array.max(0).tolist())):
        steps = (high - low) / _step(low, high) if numpy.isfinite([low, high]).all() else 0
        if 0 < steps < min(STEPS, len(array)) and (floats[:, place] != array[:, place]).any():
            notes.append(
                f"{name}: column {place + 1} of {array.shape[1]} goes from {low:.15g} to {high:.15g}, "
                f"where float32 numbers lie {_step(low, high):g} apart, so that what tells its rows apart is lost: pass "
                f"it as 'f4' with {low:.15g} taken off, in both splits"
            )
    return notes


def _labels(train: Any, test: Any, counts: Sequence[int], names: Any) -> List[Any]:
    """Labels of both splits; names of classes are theirs."""
    if names is not None and train is None and test is None:
        raise Error("usage", "class_names= has no effect: there are no labels, which labels= gives")
    return [
        None if values is None else labels_of(values, count, what)
        for values, count, what in zip((train, test), counts, ("labels", "test_labels"))
    ]


DataLike = Union[None, str, Data, numpy.ndarray, Tuple[Any, Any]]


def absolute_name(name: Optional[str]) -> Optional[str]:
    """A data set's name, or the absolute path of it, and of its labels, with what else is said of it."""
    if name is None or name.split(":")[0] in [one.name for one in datasets()]:
        return name
    if os.path.exists(name):
        return absolute(name)
    path, colon, said = name.partition(":")
    found = [one.partition("=") for one in said.split(",")]
    parts = [key + equals + (absolute(it) if key == "labels" and os.path.exists(it) else it) for key, equals, it in found]
    return (absolute(path) if os.path.exists(path) else path) + colon + ",".join(parts)


def data_of(given: Any) -> Tuple[Optional[str], Optional[Data]]:
    """What train() was given: the name or path, or the set that is open; of two arrays the second is the test split."""
    if given is None or isinstance(given, str) or hasattr(given, "__fspath__"):
        return (None if given is None else str(given)), None
    if isinstance(given, Data):
        return None, given
    if isinstance(given, list) and len(given) == 2 and all(isinstance(one, numpy.ndarray) and one.ndim > 1 for one in given):
        raise Error("usage", "a list of two arrays as data: the tuple (train, test) is two splits, and numpy.concatenate(list) joins them")
    if isinstance(given, tuple):
        if len(given) != 2:
            raise Error(
                "usage",
                f"{len(given)} arrays as data; two are those to train on and the test split: labels are given by "
                "duet.Data.from_arrays(x, labels=y)",
            )
        return None, Data.from_arrays(*given)
    return None, Data.from_arrays(given)
