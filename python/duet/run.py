# SPDX-License-Identifier: MIT
"""Runs: what a training left in a directory, asked for samples, codes, reconstructions, metrics."""

from __future__ import annotations

import base64
import functools
import html
import json
import os
import pathlib
import shutil
import tempfile
import threading
import weakref
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union, cast

import numpy

from .convert import Note, absolute, key_values, same_rows, text_array, truth, warn, whole
from .data import Data, absolute_name, data_of, told
from .device import Device, hear_warnings, opencl_memory
from .evaluation import doubt_of_judge, evaluate, unknown_judge
from .interrupt import Stop
from .library import NULL, Error, Handle, c, ffi, held, in_python, lib, new_error, opening, record, selector, shown, text, text_or_null, words
from .metric import Value, metric_names
from .model import Model, family_of, raise_for
from .pictures import Grid
from .progress import Bar
from .request import (
    apart,
    check_columns,
    check_method,
    check_read,
    class_list,
    class_numbers,
    doubt_range,
    examples_of,
    lines_of,
    names_of,
    nearest,
    room_for,
    row_count,
    rows_of,
)

DeviceLike = Union[None, int, str, Device]


_OF_GIVEN = "the numbers that the model gives as"  # in a note of what it answered
_OF_ROWS = "test examples are rows that"  # in a note of examples that the run was trained on

Method = TypeVar("Method", bound=Callable[..., Any])


def _alone(method: Method) -> Method:
    """Holds the run's lock: a run is the library's to use from one thread at a time, so other threads wait."""

    @functools.wraps(method)
    def alone(self: "Run", *given: Any, **named: Any) -> Any:
        with self._lock, held(self):
            return method(self, *given, **named)

    return cast(Method, alone)


@ffi.callback("void(void *, uint64_t, uint64_t)")
def _progress(context: Any, repeat: int, total: int) -> None:
    ffi.from_handle(context).show(repeat, total)


def _remove(folder: str, process: int) -> None:
    """Removes a folder in the process that made it: one that was forked since has no part in it."""
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


def directory_of(run: Any) -> Any:
    """The directory of a run, or what was given in its place: a path, or None."""
    directory = getattr(run, "directory", run)
    if isinstance(run, Run) and not directory:
        raise Error("usage", "the run of on_epoch has no files of its own; name the directory given as out")
    return directory


def judge_of(judge: Any) -> Tuple[Any, Any]:
    """The directory of a judge and its Family, if it is of one: it is opened anew beside the run that it judges."""
    if isinstance(judge, Run):
        judge._check_seen("who judges is")
    return directory_of(judge), getattr(judge, "family", None)


def has_arrays(judge: Any) -> bool:
    return isinstance(judge, Run) and judge._own is not None and judge._own._arrays is not None


def doubt_of_arrays(judge: Any) -> Optional[str]:
    """doubt_of_judge of a Run that was trained on arrays, where who opens its directory has none to weigh it by."""
    if not has_arrays(judge):
        return None
    try:
        with judge._lock, judge._with_files() as filed:
            doubt = doubt_of_judge(filed)
            return None if doubt is None else filed._by_own_name(doubt)
    except Error as error:  # the arrays are closed, say
        return unknown_judge(error.message)


class Run(Handle):
    """A finished or stopped run, opened when it is first asked for something. Several threads may ask one run: each call
    waits for the one before. The weights are those of then; `record` and `metrics` are read from the files each time.

    directory: the run's, or a checkpoint in it, such as RUN/best.safetensors; a path from where the program is now
    device: a selector as of Device; or an open Device, such as one on a queue of the program's, which outlives the run
    data: a name or a path other than run.json has, or an open set or arrays, where its data were a program's own
    family: the Family, of a run whose model is Python's
    """

    _free, _on_device = "duet_run_close", True
    _elsewhere = "pass its directory, and duet.open it there"

    def __init__(self, directory: str, *, device: DeviceLike = None, data: Any = None, family: Any = None):
        self._lock = threading.RLock()
        super().__init__(None, family, device)
        self.directory, self._device, self.family = absolute(directory), device, family
        name, self._own = data_of(data)
        self._name = absolute_name(name)
        self._holder = Data._holder  # of the set that a training has open, while its on_epoch has this run
        self._noted = 0  # notes of the run's data that have been told
        self._doubted = False  # whether the range of arrays has been looked at
        self._stands_for = ""  # the name of arrays in whose place it has a file, which errors and warnings give
        self._folder: Any = None  # removes that where data of a program's own are written for metrics
        self._file = ""  # which opens them there
        self.stopped = ""  # why a training ended before its total
        self._closed = False
        self._seen: Any = None  # what the checkpoint was when it was opened
        self._told: Any = None  # and when another one was last told of
        self._weighed: Optional[Tuple[Any, Optional[str]]] = None  # which judge was last, and what doubts it

    def __repr__(self) -> str:
        return f"<run {shown(self.directory)}>"

    @property
    @_alone
    def pointer(self) -> Any:
        """The duet_run, for duet.c; opened when first asked for."""
        if self._closed:
            again = f"the run {self.directory} is closed; duet.open opens it again"
            raise Error("usage", again if self.directory else "the run of on_epoch is gone when on_epoch returns")
        if self._pointer is None:
            made, error = ffi.new("duet_run **"), new_error()
            family = NULL if self.family is None else family_of(self.family)
            opening()
            seen = self._checkpoint()
            if isinstance(self._device, Device):
                on = self._device.pointer
                lib.duet_run_open_on(made, text(self.directory), on, text_or_null(self._name), family, error)
            else:
                on = selector(self._device)
                lib.duet_run_open_with(made, text(self.directory), on, text_or_null(self._name), family, error)
            raise_for(error, self.family)
            if not isinstance(self._device, Device):
                hear_warnings(lib.duet_run_device(made[0]))
            self._seen = self._told = seen
            self._pointer, self._process = made[0], os.getpid()
            doubt = c.run_doubt(made[0])
            if doubt is not None and not self._stands_for:
                warn(doubt)
            self._tell(aloud=self._name is not None, of=_OF_ROWS if self._stands_for else "")
        return super().pointer

    def _checkpoint(self) -> Any:
        """Which file the checkpoint is now: each one is written anew and takes the place of the last."""
        file = os.path.isfile(self.directory)
        try:
            about = os.stat(self.directory if file else os.path.join(self.directory, "checkpoint.safetensors"))
        except (OSError, ValueError):  # what is said when it is opened
            return None
        return about.st_ino, about.st_mtime_ns, about.st_size

    def _look_for_another(self) -> None:
        """Warns, once each time, that the run was trained further: an open run has the weights that it was opened with,
        so that what is asked of it one after the other is of one model."""
        now = self._checkpoint() if self.directory and self._seen is not None else None
        if now is not None and now not in (self._seen, self._told):
            warn(
                f"{self.directory} has another checkpoint since this run was opened, and answers are by the weights of "
                "then; duet.open opens it with the new ones"
            )
            self._told = now

    def _check_seen(self, what: str) -> None:
        """Refuses what opens the files anew, where they are not those whose weights other answers are by."""
        now = self._checkpoint() if self.directory else None
        self._seen = self._seen or now
        if now is not None and now != self._seen:
            raise Error(
                "usage",
                f"{self.directory} has another checkpoint since this run was opened, whose weights its answers are by, and "
                f"{what} opened anew: duet.open opens it with the new ones",
            )

    def _tell(self, aloud: bool = True, of: str = "") -> None:
        """Warns of what the run's data have to say that has not been told. of: which of it: arrays, of which a file is
        here, have told of themselves, but not of rows that they share with what the run was trained on."""
        data = lib.duet_run_data(self._pointer)
        while True:
            note = c.data_note(data, self._noted, NULL)
            if note is None:
                return
            self._noted += 1
            if aloud and of in note:
                warn(in_python(self._by_own_name(note)))

    def _by_own_name(self, message: str) -> str:
        names = (self._name, (self._name or "").split(":split=")[0]) if self._stands_for else ()
        for name in names:
            message = message.replace(name or "", self._stands_for)
        return message

    @_alone
    def close(self) -> None:
        """Gives back what it holds on the device."""
        super().close()
        self._closed = True
        if getattr(self, "_folder", None) is not None:
            self._folder()

    @property
    def name(self) -> str:
        """The last part of the directory's path."""
        return os.path.basename(os.path.abspath(self.directory))

    @property
    def _path(self) -> pathlib.Path:
        path = pathlib.Path(directory_of(self))
        return path if path.is_dir() else path.parent

    @property
    def record(self) -> Dict[str, Any]:
        """What run.json says: model, settings, data, versions, ... (docs/runs.md)."""
        return json.loads((self._path / "run.json").read_text())

    @property
    def metrics(self) -> List[Dict[str, Any]]:
        """The lines of metrics.jsonl: losses and watched metrics, step by step."""
        return [json.loads(line) for line in (self._path / "metrics.jsonl").read_text().splitlines() if line.strip()]

    @property
    @_alone
    def model(self) -> Any:
        """The run's model, borrowed: for duet.c."""
        return Model._borrowed(lib.duet_run_model(self.pointer), self)

    @property
    @_alone
    def shape(self) -> Tuple[int, ...]:
        """Of an example: (28, 28, 1)."""
        shape = lib.duet_data_describe(lib.duet_run_data(self.pointer)).shape
        return tuple(shape.dims[i] for i in range(shape.rank))

    @property
    @_alone
    def latent_features(self) -> int:
        """Numbers of a latent; 0 if the model has none."""
        return lib.duet_run_latent_features(self.pointer)

    @property
    @_alone
    def classes(self) -> List[str]:
        """Names of the classes that the model was trained with, numbers where they have none."""
        info = lib.duet_data_describe(lib.duet_run_data(self.pointer))
        return [
            words(info.class_names[i]) if info.class_names != NULL else str(i)
            for i in range(lib.duet_run_classes(self.pointer))
        ]

    @_alone
    def features(self, output: str) -> int:
        """Numbers an example of that output; 0: the model does not give it."""
        return lib.duet_run_features(self.pointer, text(output or ""))  # of a NULL the library reads on

    @_alone
    def procedures(self) -> Dict[str, List[str]]:
        """What the model does once trained: the outputs of each procedure, "" for those that take none."""
        rows, count = ffi.new("duet_explained_use **"), ffi.new("size_t *")
        c.model_explain_use(self.model, rows, count)
        try:
            return {
                words(rows[0][i].name)
                or "": [words(rows[0][i].outputs[k]) or "" for k in range(rows[0][i].output_count)]
                for i in range(count[0])
            }
        finally:
            lib.duet_explained_use_free(rows, count[0])

    @_alone
    def ask(
        self,
        outputs: Sequence[str],
        count: Optional[int] = None,
        *,
        procedure: Optional[str] = None,
        seed: int = 0,
        first: int = 0,
        examples: Any = None,
        latents: Any = None,
        classes: Any = None,
        settings: Any = None,
        batch: int = 0,
        progress: bool = False,
        out: Optional[Mapping[str, Any]] = None,
    ) -> Dict[str, Any]:
        """Answers one request: several outputs from the same pass, {name: [count, ...]} float32.

        count: rows; None: as many as there are examples, latents or classes
        examples: [count, ...shape], float32 in the model's own scale, or uint8 scaled to [0, 1]
        latents: [count, latent_features]; None: drawn from the prior by `seed` and the row's number, from `first` on
        classes: names or numbers, [count] or one for all, for a model that reads labels; None: drawn,
            each as often as the training examples have it
        settings: of the procedure: {"steps": 200}, {"weights": "average"}
        batch: rows at a time; 0: 100. The result does not depend on it
        out: {name: what is filled and returned}: a contiguous float32 array of the output's shape; or a buffer or an
            array of pyopencl's, of the context of the run's device, filled on the device in the order of its queue,
            without a wait and without a look at whether numbers are finite. It may be the array of examples or latents
        """
        outputs, progress = names_of(outputs), truth("progress", progress)
        if out is not None and not isinstance(out, Mapping):
            raise Error("usage", f"out is {type(out).__name__}; a dict by the names of outputs is expected")
        seed, first, batch = whole("seed", seed), whole("first", first), whole("batch", batch, 0, 2**32 - 1)
        same_rows(examples, latents, "latents")
        same_rows(examples, classes, "classes")
        same_rows(latents, classes, "classes", "latents")
        examples = None if examples is None else examples_of(self, examples)
        latents = None if latents is None else rows_of(latents, self.latent_features, "latents")
        listed = class_list(classes)
        count = row_count(count, {"examples": examples, "latents": latents, "classes": listed})
        numbers = None if classes is None else class_numbers(self, classes, listed, count)
        alone = len(outputs) == 1
        arrays = {
            name: room_for(self, name, count, (out or {}).get(name), "out" if alone else f"out['{name}']")
            for name in outputs
        }
        for name in out or {}:
            if name not in arrays:
                raise Error("usage", f"out has '{name}', which is not asked for; these are: {', '.join(arrays)}")
        memory = {name: opencl_memory(array) for name, array in arrays.items()}
        for name, held in memory.items():
            if held is not None and held[1] != 0:
                raise Error(
                    "usage", f"out['{name}'] begins at byte {held[1]} of its buffer; it has to begin at the first"
                )
        own = {f"out['{name}']": array for name, array in arrays.items() if memory[name] is None}
        examples, latents = apart(own, examples), apart(own, latents)
        said = key_values(settings)
        kept = text_array(said)
        wanted = ffi.new(
            "duet_wanted[]",
            [
                {
                    "name": text(name),
                    "values": NULL if memory[name] else ffi.from_buffer("float[]", array, require_writable=True),
                }
                for name, array in arrays.items()
            ],
        )
        buffers = ffi.new("cl_mem[]", [NULL if held is None else held[0] for held in memory.values()])
        request = ffi.new("duet_request *")
        request.procedure = text_or_null(procedure)
        request.count, request.first, request.seed, request.batch = count, first, seed, batch
        request.examples = NULL if examples is None else ffi.from_buffer("float[]", examples)
        request.latents = NULL if latents is None else ffi.from_buffer("float[]", latents)
        request.classes = NULL if numbers is None else ffi.from_buffer("uint8_t[]", numbers)
        request.settings, request.setting_count = kept, len(said)
        request.outputs, request.output_count = wanted, len(arrays)
        check_read(self, request, {"examples": examples, "latents": latents, "classes": numbers}, said)
        if examples is not None:
            low, high = float(examples.min()), float(examples.max())
            doubt_range(self, "the examples of the request: their values", low, high, count)
        self._use(request, progress, buffers if any(memory.values()) else NULL)
        return arrays

    def _use(self, request: Any, progress: bool, buffers: Any) -> None:
        run, error = self.pointer, new_error()
        self._look_for_another()
        with Stop() as stop, Bar(progress, "replays") as bar:
            handle = ffi.new_handle(bar)
            if progress:
                request.progress, request.context = _progress, handle
            request.stop = stop.flag
            lib.duet_run_use_buffers(run, request, buffers, error)
        if stop.asked and error.status == lib.DUET_ERROR_INTERRUPTED:
            raise KeyboardInterrupt
        with stop.honoured("the request had been answered"):
            raise_for(error, self.family)
            self._tell(of=_OF_GIVEN)

    def sample(
        self,
        count: Optional[int] = None,
        *,
        seed: int = 0,
        classes: Any = None,
        latents: Any = None,
        settings: Any = None,
        progress: bool = False,
        out: Any = None,
    ) -> numpy.ndarray:
        """New examples, [count, ...shape] float32. The same seed gives the same examples. `latents` are decoded.

        count: None: as many as there are latents or classes, or as `out` has, else 64
        out: as of ask(): an array to be filled, which is returned
        """
        if count is None and latents is None and class_list(classes) is None:
            shape = getattr(out, "shape", None)
            count = shape[0] if shape else 64
        return self._one(
            "sample",
            out,
            count=count,
            seed=seed,
            classes=classes,
            latents=latents,
            settings=settings,
            progress=progress,
        )

    def decode(self, latents: Any, *, classes: Any = None, settings: Any = None, out: Any = None) -> numpy.ndarray:
        """What the decoder makes of latents [count, latent_features]: [count, ...shape] float32. out: as of ask()."""
        return self._one("decode", out, latents=latents, classes=classes, settings=settings)

    def encode(self, examples: Any, *, classes: Any = None, seed: int = 0, out: Any = None) -> numpy.ndarray:
        """The codes of examples [count, ...shape]: [count, latent_features] float32; of a VAE the posterior's means.
        out: as of ask()."""
        return self._one("latent", out, examples=examples, classes=classes, seed=seed)

    def reconstruct(self, examples: Any, *, classes: Any = None, seed: int = 0, out: Any = None) -> numpy.ndarray:
        """Examples [count, ...shape] encoded and decoded again: the same shape, float32. out: as of ask()."""
        return self._one("reconstruction", out, examples=examples, classes=classes, seed=seed)

    def classify(self, examples: Any, *, out: Any = None) -> numpy.ndarray:
        """Logits of the classes, [count, classes] float32, of a run of a classifier. out: as of ask()."""
        return self._one("class_logits", out, examples=examples)

    def _one(self, name: str, out: Any, **request: Any) -> Any:
        check_method(self, name)
        return self.ask([name], out=None if out is None else {name: out}, **request)[name]

    def procedure(
        self,
        name: str,
        examples: Any = None,
        count: Optional[int] = None,
        *,
        outputs: Optional[Sequence[str]] = None,
        latents: Any = None,
        classes: Any = None,
        seed: int = 0,
        progress: bool = False,
        **settings: Any,
    ) -> Dict[str, numpy.ndarray]:
        """Runs a procedure: run.procedure("invert", x, steps=200) gives {output: [count, ...]}, all of them unless
        `outputs` names some. Further keywords are settings of the procedure."""
        if "settings" in settings:
            raise Error("usage", f"settings of a procedure are keywords: run.procedure({name!r}, x, steps=200)")
        known = self.procedures()
        if name not in known:
            there = ", ".join(one for one in known if one) or "none"
            guess = nearest(name, known) or ";"
            raise Error("usage", f"the model of {self.directory} has no procedure '{name}'{guess} it has {there}")
        return self.ask(
            known[name] if outputs is None else outputs,
            count,
            procedure=name,
            seed=seed,
            examples=examples,
            latents=latents,
            classes=classes,
            settings=settings,
            progress=progress,
        )

    @property
    def unit_range(self) -> bool:
        """Whether the run learnt numbers in [0, 1], as bytes are read."""
        return bool(lib.duet_data_describe(lib.duet_run_data(self.pointer)).unit_range)

    @_alone
    def data(self, split: str = "test", count: Optional[int] = None) -> numpy.ndarray:
        """Examples of the run's data, [count, ...shape]."""
        if self._own is not None:
            return self._own.read(split, 0, count)
        data, kept = Data.__new__(Data), lib.duet_run_data(self.pointer)
        data._lock = self._lock
        data._free = ""
        Handle.__init__(data, kept, self)
        data._holder = self._holder
        with told(self._holder):
            c.data_ready(data)
        return data.read(split, 0, count)

    @_alone
    def metric_names(self) -> List[str]:
        """The metrics that run on this run without a judge or long computing."""
        return [name for name in metric_names() if lib.duet_metric_applies(self.pointer, text(name))]

    @_alone
    def evaluate(
        self, *metrics: Any, judge: Optional[str] = None, split: str = "test", seed: int = 0
    ) -> Dict[str, Value]:
        """Metrics of the run's examples: run.evaluate("elbo", "mse") gives {name: Value}. Without names all that fit and
        do not take long. Of several, those that cannot be computed are warned of and left out; where none can be, that
        is an Error. judge: the run of a classifier, or its directory, for metrics that ask one."""
        run, seed = self._with_files(), whole("seed", seed)
        if run is self:
            self.pointer
            self._look_for_another()
        try:
            beside = None if judge is None else judge_of(judge)
            values = evaluate(run, metrics, beside, split, seed, lambda opened: self._doubt_of(judge, opened))
            run._tell(of=_OF_GIVEN)
            self._tell_of_choice(split)
            return values
        except Error as error:
            if run is self:
                raise
            raise Error(error.status, run._by_own_name(error.message)) from None
        finally:
            if run is not self:
                run.close()

    def _tell_of_choice(self, split: str) -> None:
        said = ffi.new("char[]", 300)
        if split == "test" and lib.duet_run_is_chosen(text(self.directory), said, len(said)):
            warn(f"{self.directory}: {in_python(words(said) or '')}", Note)

    def _check_own(self) -> None:
        """That arrays are of the shape and scale of the run's examples: the library sees a file of them, whose name
        would mean nothing here."""
        if self._own is None or self._own.info.generated:
            return
        known, own = record(lib.duet_data_describe(lib.duet_run_data(self.pointer))), self._own.info
        if own.shape != known.shape:
            raise Error(
                "data", f"{own.name}: examples of shape {own.shape}; {self.directory} was trained on {known.shape}"
            )
        if own.unit_range != known.unit_range:
            bytes_ = not own.unit_range and min(own.low) >= 0 and max(own.high) <= 255
            raise Error(
                "data",
                f"{own.name}: values from {min(own.low):g} to {max(own.high):g}; {self.directory} was trained on values "
                + ("within [0, 1]" if known.unit_range else "that leave [0, 1]")
                + ("; if they are bytes, array.astype('u1') is scaled to that" if bytes_ else ""),
            )
        if not self._doubted:
            check_columns(self, lines_of(own.columns), own.name)
            self._doubted = True
            doubt_range(self, f"{own.name}: its values", min(own.low), max(own.high), sum(own.count))

    def _doubt_of(self, judge: Any, opened: Any) -> Optional[str]:
        """What doubts a judge, weighed once while its weights are the same: its test examples may be many."""
        beside = judge if isinstance(judge, Run) else Run(judge)
        which = (beside is judge, beside.directory, beside._checkpoint())
        if self._weighed is None or self._weighed[0] != which:
            self._weighed = which, doubt_of_arrays(judge) if has_arrays(judge) else doubt_of_judge(opened)
        return self._weighed[1]

    def _with_files(self) -> "Run":
        """Itself, or, where its data are a program's own, the same run on a file of them."""
        if self._own is None:
            return self
        self._check_own()
        self.pointer
        self._check_seen("for metrics of arrays it is")
        again = self._own._again()
        if again is None and not self._file:
            folder = tempfile.mkdtemp(prefix="duet-")
            self._folder = weakref.finalize(self, _remove, folder, os.getpid())
            self._file = self._own._write(os.path.join(folder, "data.npz"))
        run = Run(self.directory, device=self._device, data=again or self._file, family=self.family)
        run._stands_for = self._own.info.name
        return run

    def grid(self, count: int = 64, *, seed: int = 0, settings: Any = None) -> Grid:
        """Samples that a notebook shows."""
        return Grid(self.sample(count, seed=seed, settings=settings))

    def _repr_png_(self) -> Optional[bytes]:
        try:
            return self.grid()._repr_png_() if not self._closed and self.features("sample") else None
        except (Error, ValueError):  # what cannot be drawn is shown as text
            return None

    def _repr_html_(self) -> Optional[str]:
        if self._closed:
            return None
        picture = self._repr_png_()
        said = self.record if self.directory else {}
        said = dict(said, data=said["data"].get("name")) if isinstance(said.get("data"), dict) else said
        rows = "".join(
            f"<tr><td>{html.escape(str(key))}</td><td>{html.escape(str(said[key]))}</td></tr>"
            for key in ("model", "data", "seed", "steps", "epochs")
            if isinstance(said.get(key), (str, int, float))
        )
        image = f'<img src="data:image/png;base64,{base64.b64encode(picture).decode()}">' if picture else ""
        return f"<b>{html.escape(shown(self.directory))}</b><table>{rows}</table>{image}"


def open(directory: str, *, device: DeviceLike = None, data: Any = None, family: Any = None) -> Run:
    """Opens a run, and says at once if that cannot be done: see Run."""
    run = Run(directory, device=device, data=data, family=family)
    run.pointer
    run._check_own()
    return run
