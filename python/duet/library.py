# SPDX-License-Identifier: MIT
"""The library itself: where it is found, its errors as one exception, and every function of its headers under `c`."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import sys
import weakref
from typing import TYPE_CHECKING, Any, Dict, Iterator, Optional, Sequence

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

    def __reduce__(self) -> Any:  # as it travels between processes: Python's own way passes the message alone
        return type(self), (self.status, self.message), self.__dict__


def brief(value: Any) -> str:
    """A value in a message: itself if that is short, else what it is."""
    is_short = isinstance(value, (str, type(None), float)) and len(repr(value)) < 80
    return repr(value) if is_short else article(type(value).__name__)


def article(name: str) -> str:
    """The word with its article."""
    return f"a{'n' if name[0] in 'aeiouAEIOU' or name.startswith('nd') else ''} {name}"


_texts: Dict[str, Any] = {}


def text(value: str) -> Any:
    """A text as the library takes it. Kept for good: names of nodes and places in code have to outlive graphs."""
    if not isinstance(value, (str, bytes, os.PathLike)):
        raise TypeError(f"{brief(value)}, where a text is expected")
    value = os.fsdecode(value)
    if "\0" in value:
        raise Error("usage", f"{value!r} has a zero character, at which the library would take it to end")
    kept = _texts.get(value)
    if kept is None:
        made = ffi.new("char[]", value.encode("utf-8", "surrogateescape"))
        kept = _texts.setdefault(value, made)  # where two threads make one, both have the one that stays
    return kept


def text_or_null(value: Optional[str]) -> Any:
    """The same where the library takes a NULL for "none"."""
    return NULL if value is None else text(value)


def selector(device: Any) -> Any:
    """A device's number in devices(), its type or a piece of its name, as the library takes it."""
    return NULL if device is None else text(str(device))


def words(value: Any) -> Any:
    """A text of the library's as one of Python's; None for NULL."""
    return None if value == NULL else ffi.string(value).decode("utf-8", "replace")


def path_of(value: Any) -> str:
    """The same of a path or a data set's name, whose bytes need be no UTF-8: what is made of it leads there."""
    return "" if value == NULL else os.fsdecode(ffi.string(value))


def shown(path: str) -> str:
    """Such a path in what a program prints or a notebook shows, which is UTF-8 and would end with an exception."""
    return os.fsencode(path).decode("utf-8", "replace")


def new_error() -> Any:
    return ffi.new("duet_error *")


# Options of the program that are keywords here under another name.
_KEYWORDS = {"watch": "metrics", "size": "data", "labels": "data", "split": "data"}
_FLAGS = "other-data|stream|stop-on-collapse"
_OPTIONS = "batch|checkpoint-every|data|device|epochs|gemm|judge|keep-best|labels|out|patience|resume|seed|size|split|steps|watch"


def _own_name(found: Any) -> str:
    """A function of the library's by the name that it has here: a method, a function of the package, or one of duet.c."""
    package, name = sys.modules[__package__], found[1]
    kind, _, rest = name.partition("_")
    for holder, attribute, said in (
        (package.Model, name, f"model.{name}"),
        (getattr(package, kind.capitalize(), None), rest, f"{kind}.{rest}"),
        (package, name, f"duet.{name}"),
        (lib, f"duet_{name}", f"duet.c.{name}"),
    ):
        if attribute and hasattr(holder, attribute):
            return said
    return found[0]


def in_python(message: str) -> str:
    """What a message says of the program's options as keywords, and of the library's functions by their names here;
    commands and names in quotes stay as they are."""

    def keyword(found: Any) -> str:
        name, value = found[1].replace("-", "_"), found[2]
        if _KEYWORDS.get(name) == "data":
            value = (value or "").strip("'")  # quotes of a shell
            return f'data="PATH:{name}={value}"' if value else f"data=PATH:{name}=..."
        return _KEYWORDS.get(name, name) + (f"={value}" if value else "")

    def outside(part: str) -> str:
        part = re.sub(r"(?<![\w./'\"-])duet_([a-z]\w*)(?![\w/-]|\.\w)", _own_name, part)
        part = re.sub(r"--set ([\w.]+)=(\.{3}|[\w.,]*[\w])", r'settings={"\1": "\2"}', part).replace('"..."', "...")
        part = re.sub(r"\bduet train (\w+)", r'duet.train("\1")', part)
        part = re.sub(r"\bduet train (?=--)", "duet.train with ", part)
        part = re.sub(rf"--({_FLAGS})\b", lambda found: found[1].replace("-", "_") + "=True", part)
        value = r"(?: (?!(?:a|and|ends|gives|goes|has|is|names|or|says|starts|the|to|too|which|would)\b)"
        value += r"('[^']*'|[^\s;,:)]+(?::column=[^\s;,:)]+)?))?"
        return re.sub(rf"--({_OPTIONS})\b{value}", keyword, part)

    parts = re.split(r"('duet [^']*')", message)
    return "".join(part if i % 2 else outside(part) for i, part in enumerate(parts))


def check(error: Any) -> None:
    """Raises what the error says, if it says anything."""
    if error.status != lib.DUET_OK:
        raise Error(words(lib.duet_status_name(error.status)) or "", in_python(words(error.message) or ""))


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
# Parameters of what opens a device, and the ends of names of what has them and opens none.
_OPENED = ("struct duet_device * *", "struct duet_run * *", "struct duet_tune_options *")
_NOT_OPENED = ("_close", "_free", "_on_paper")


_opener = 0  # the process that opened a device, or was about to


def refuse_forked() -> None:
    """In a process that was forked after a device was opened OpenCL would wait for ever: a fork takes its threads not
    along."""
    if _opener not in (0, os.getpid()):
        raise Error(
            "device",
            "this process was forked after OpenCL was used, whose threads stay behind: start it by "
            "multiprocessing.get_context('spawn'), or use Duet in such processes alone",
        )


def opening() -> None:
    """Before a call of the library's that opens a device: even if it fails, or a callback of it forks, OpenCL has been
    used."""
    global _opener
    refuse_forked()
    fill_standard()
    _opener = os.getpid()


def fill_standard() -> None:
    """Takes the place of standard descriptors that are closed, as a daemon's are: a file that the library opens would
    get one, and drivers and compilers would write their words into it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # which gets the lowest number that is free


class Single:
    """What lies in the library's memory, once and in this process: neither copied nor pickled, which would free it
    twice or make it of nothing."""

    __slots__ = ()
    _elsewhere: str = "make it there"  # how another process comes to one

    def __reduce_ex__(self, _: Any) -> Any:
        raise TypeError(
            f"a duet.{type(self).__name__} is neither copied nor pickled; where another process needs one, "
            f"{self._elsewhere}"
        )


class Handle(Single):
    """Something of the library's that is freed: by close(), at the end of a `with`, or when nobody holds it. What is
    made on something else holds it, and is closed with it."""

    _free: str = ""
    _on_device: bool = False  # whether it is used by way of OpenCL
    _gone: str = ""  # what is said where it is closed

    _pointer: Any = None
    _left: Any = None  # the pointer of one that is closed and not freed yet
    _ended = False  # closed
    _kept: Any = ()  # what lives as long as it
    _below: Sequence["Handle"] = ()  # what it was made on, freed after it
    _above: Any = ()  # what was made on it, freed before it
    _open_above = 0  # how many of those are not freed, and calls use it; a collector of garbage clears weak references before all else

    def __init__(self, pointer: Any, *keeps: Any):
        self._process = os.getpid()
        self._pointer = pointer
        self._kept = keeps
        self._above = weakref.WeakSet()
        on = [one if isinstance(one, Handle) else getattr(one, "keeps", None) for one in keeps]  # of a node its graph
        self._below = [one for one in on if isinstance(one, Handle)]
        for one in self._below:
            one._above.add(self)
            one._open_above += 1

    @property
    def pointer(self) -> Any:
        if self._pointer is None:
            gone = self._gone or f"this {type(self).__name__} is closed, or something that it was made on was"
            raise Error("usage", gone)
        if self._on_device and self._process != os.getpid():
            refuse_forked()
        return self._pointer

    def close(self) -> None:
        """Frees it, and before it what was made on it, which then says that it is closed. In a process that was forked
        since it is left to the one that made it."""
        for one in list(self._above):
            one.close()
        self._left, self._pointer, self._ended = self._pointer or self._left, None, True
        self._free_left()

    def _free_left(self) -> None:
        """Frees what was closed, unless something on it is not: of garbage that holds itself, the collector may close
        what is below first, and cannot tell it of what is above."""
        if not self._ended or self._open_above:
            return
        left, below, kept = self._left, self._below, self._kept  # which another thread that closes it must not find
        self._left, self._below, self._kept = None, (), ()
        if left is not None and self._free and self._process == os.getpid():
            slot = ffi.new(ffi.typeof(getattr(lib, self._free)).args[0])
            slot[0] = left
            getattr(lib, self._free)(slot)
        del kept
        for one in below:
            one._open_above -= 1
            one._free_left()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        try:
            self.close()
        except (TypeError, AttributeError):  # the interpreter ends
            pass


@contextlib.contextmanager
def held(*things: Any) -> Iterator[None]:
    """Of these, what a callback or another thread closes meanwhile is freed behind the call that uses it."""
    used = [one for one in things if isinstance(one, Handle)]
    for one in used:
        one._open_above += 1
    try:
        yield
    finally:
        for one in used:
            one._open_above -= 1
            one._free_left()


class Record:
    """A structure of the library's as plain values; `fields` are its names."""

    def __init__(self, **values: Any):
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

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
        opens = any(one.cname in _OPENED for one in kind.args) and not name.endswith(_NOT_OPENED)

        def call(*given: Any) -> Any:
            if len(given) < count or len(given) > count and not kind.ellipsis:
                raise TypeError(f"duet.c.{name} takes {count} arguments, not {len(given)}")
            error = new_error()
            with held(*given):
                passed = [self._convert(one) for one in given]
                try:
                    if opens:
                        opening()
                    result = function(*passed, error) if takes_error else function(*passed)
                except (OverflowError, TypeError) as reason:  # cffi's words know neither the function nor the argument
                    raise type(reason)(f"duet.c.{name}{tuple(given)}: {reason}") from None
                if not takes_error:
                    return self._result(kind.result, result)
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
