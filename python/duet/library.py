# SPDX-License-Identifier: MIT
"""The library itself: where it is found, its errors as one exception, and every function of its headers under `c`."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Any, Dict, Optional

from ._interface import constants, ffi

NULL = ffi.NULL


def _find() -> str:
    """$DUET_LIBRARY; what the wheel carries; that of the build folder that this package lies in; the system's."""
    here = pathlib.Path(__file__).resolve().parent
    said = os.environ.get("DUET_LIBRARY")
    if said:
        return said
    for folder in (here.parent / ".duet.mesonpy.libs", here.parent.parent):
        for name in ("libduet.so.0", "libduet.so", "libduet.0.dylib", "libduet.dylib"):
            if (folder / name).exists():
                return str(folder / name)
        for found in sorted(folder.glob("libduet*.so*")):
            if found.is_file():
                return str(found)
    return "libduet.so.0"


def _load() -> Any:
    path = _find()
    try:
        return ffi.dlopen(path)
    except OSError as error:
        raise ImportError(
            f"Duet's library does not load: {error}. It was looked for as {path}; DUET_LIBRARY=PATH names "
            "another one. It needs an OpenCL loader (Debian: ocl-icd-libopencl1) and CLBlast "
            "(libclblast1)"
        ) from None


lib = _load()
host = ffi.dlopen(None)  # the C library, for free(): what the library leaves to its caller


class Error(Exception):
    """What the library says went wrong: the fields of duet_error.

    status: one word, such as "usage", "file", "data", "graph", "memory", "device", "numeric", "no device"
    message: what was found, what was expected, what to do
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status
        self.message = message


_texts: Dict[str, Any] = {}


def text(value: Optional[str]) -> Any:
    """A text as the library takes it. Kept for good: names of nodes and places in code have to outlive graphs."""
    if value is None:
        return NULL
    value = os.fspath(value)
    kept = _texts.get(value)
    if kept is None:
        made = ffi.new("char[]", value.encode("utf-8", "surrogateescape"))
        kept = _texts.setdefault(value, made)  # where two threads make one, both have the one that stays
    return kept


def words(value: Any) -> Any:
    """A text of the library's as one of Python's; None for NULL."""
    return None if value == NULL else ffi.string(value).decode("utf-8", "replace")


def new_error() -> Any:
    return ffi.new("duet_error *")


def check(error: Any) -> None:
    """Raises what the error says, if it says anything."""
    if error.status != lib.DUET_OK:
        raise Error(words(lib.duet_status_name(error.status)) or "", words(error.message) or "")


def word_of(kind: str, value: int) -> str:
    """The enumerator as a word: "same" for DUET_SAME of duet_padding."""
    names = enumerators(kind)
    return next((word for word, number in names.items() if number == value), str(value))


_enumerators: Dict[str, Dict[str, int]] = {}


def enumerators(kind: str) -> Dict[str, int]:
    """The words of an enumeration: what its names do not have in common, in lower case."""
    found = _enumerators.get(kind)
    if found is None:
        names = ffi.typeof(kind).relements
        common = os.path.commonprefix(list(names))
        common = common[: common.rfind("_") + 1]
        found = _enumerators[kind] = {name[len(common) :].lower(): number for name, number in names.items()}
    return found


def enumerator(kind: str, value: Any) -> int:
    """The number of an enumerator that is given as a word."""
    if isinstance(value, int):
        return value
    known = enumerators(kind)
    word = str(value)
    if word not in known:
        raise Error(
            "usage", f"'{value}' is no {kind.split('duet_')[-1].replace('_', ' ')}; it is one of: {', '.join(known)}"
        )
    return known[word]


_ERROR, _STATUS, _SHAPE = ffi.typeof("duet_error *"), ffi.typeof("duet_status"), ffi.typeof("duet_shape")


class Handle:
    """Something of the library's that is freed: by close(), at the end of a `with`, or when nobody holds it."""

    _free: str = ""

    def __init__(self, pointer: Any, *keeps: Any):
        self._pointer = pointer
        self._kept = keeps  # freed after this one

    @property
    def pointer(self) -> Any:
        if self._pointer is None:
            raise Error("usage", f"this {type(self).__name__} is closed")
        return self._pointer

    def close(self) -> None:
        """Frees it. What was made on it must not be used any more."""
        pointer, self._pointer = getattr(self, "_pointer", None), None
        if pointer is not None and self._free:
            slot = ffi.new(ffi.typeof(getattr(lib, self._free)).args[0])
            slot[0] = pointer
            getattr(lib, self._free)(slot)
        self._kept = ()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except (TypeError, AttributeError):  # the interpreter ends
            pass


class Record:
    """A structure of the library's as plain values; `fields` are its names."""

    def __init__(self, **values: Any):
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({inside})"

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Record) and self.__dict__ == other.__dict__


def _plain(kind: Any, value: Any) -> Any:
    if kind.kind == "enum":
        return word_of(kind.cname, int(value) if not isinstance(value, str) else kind.relements[value])
    if kind.kind == "primitive":
        return value
    if kind.kind == "array":
        if kind.item.cname == "char":
            return words(value)
        return [_plain(kind.item, value[i]) for i in range(kind.length)]
    if kind.kind == "pointer" and kind.item.cname == "char":
        return words(value)
    if kind is _SHAPE:
        return tuple(value.dims[i] for i in range(value.rank))
    if kind.kind == "struct":
        return record(value)
    return value


def record(struct: Any) -> Record:
    """A structure's fields as texts, numbers, tuples; pointers to anything but text stay what they are."""
    kind = ffi.typeof(struct)
    kind = kind.item if kind.kind == "pointer" else kind
    return Record(**{name: _plain(field.type, getattr(struct, name)) for name, field in kind.fields})


class Functions:
    """Every function of the headers, by its name without `duet_`: texts for `const char *`, objects of this package for
    their pointers, and no error parameter, which is raised. Everything else is as cffi has it (duet.ffi)."""

    def __getattr__(self, name: str) -> Any:
        try:
            function = getattr(lib, "duet_" + name)
        except AttributeError:
            raise AttributeError(f"duet.h has no function duet_{name}") from None
        kind = ffi.typeof(function)
        takes_error = bool(kind.args) and kind.args[-1] is _ERROR
        count = len(kind.args) - takes_error

        def call(*given: Any) -> Any:
            if len(given) < count or len(given) > count and not kind.ellipsis:
                raise TypeError(f"duet.c.{name} takes {count} arguments, not {len(given)}")
            passed = [self._convert(one) for one in given]
            if not takes_error:
                return self._result(kind.result, function(*passed))
            error = new_error()
            result = function(*passed, error)
            check(error)
            return None if kind.result is _STATUS else self._result(kind.result, result)

        call.__name__ = name
        setattr(self, name, call)
        return call

    def __dir__(self) -> Any:
        return [name[5:] for name in dir(lib) if name.startswith("duet_")]

    @staticmethod
    def _convert(value: Any) -> Any:
        if value is None:
            return NULL
        if isinstance(value, (str, os.PathLike)):
            return text(os.fspath(value))
        return getattr(value, "pointer", value)

    @staticmethod
    def _result(kind: Any, value: Any) -> Any:
        return words(value) if kind.kind == "pointer" and kind.item.cname == "char" else value


c = Functions()
__all__ = ["Error", "c", "constants", "ffi", "lib"]
