# SPDX-License-Identifier: MIT
"""Models: the built-in families, and families whose build function is Python's.

Idea: build(model) composes nodes once, when a model is made; training runs the plans that come of it, at C's speed.
"""

from __future__ import annotations

import contextlib
import math
import os
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from .convert import WHILE_BUILT, building, expect, extents_of, key_values, node_or_null, node_pointer, pointer, struct, text_array, texts, truth, where, whole
from .data import Data, told
from .device import Device
from .functions import ModelFunctions
from .library import NULL, Error, Handle, Record, Single, article, brief, c, check, constants, ffi, held, lib, new_error, record, text, words
from .node import Borrowed, Group, Node

Built = Callable[["Model"], None]


def families() -> List[Record]:
    """The built-in families: name, summary, paper."""
    found: List[Record] = []
    for index in range(lib.duet_family_count()):
        family = lib.duet_family_at(index)
        found.append(Record(name=words(family.name), summary=words(family.summary), paper=words(family.paper)))
    return found


def settings(model: Union[str, "Family"]) -> List[Record]:
    """The settings of a family: key, kind, initial, low, high, choices, help."""
    family, found = family_of(model), []  # type: Any, List[Record]
    while True:
        row = lib.duet_family_setting(family, len(found))
        if row == NULL:
            return found
        found.append(record(row))


def number(key: str, initial: float, low: float = -math.inf, high: float = math.inf, help: str = "") -> Dict[str, Any]:
    """A setting that is a real number in [low, high]."""
    return dict(key=key, kind="number", initial=str(initial), low=low, high=high, help=help)


def count(key: str, initial: int, low: int = 0, high: int = 2**32, help: str = "") -> Dict[str, Any]:
    """A setting that is a whole number in [low, high]."""
    return dict(key=key, kind="count", initial=str(initial), low=low, high=high, help=help)


def choice(key: str, initial: str, choices: Sequence[str], help: str = "") -> Dict[str, Any]:
    """A setting that is one of the choices."""
    return dict(key=key, kind="choice", initial=initial, choices="|".join(texts(choices)), help=help)


def sizes(key: str, initial: Sequence[int], help: str = "") -> Dict[str, Any]:
    """A setting that is a list of positive whole numbers, such as the widths of layers."""
    return dict(key=key, kind="sizes", initial=",".join(str(one) for one in extents_of(initial)), help=help)


class Family(Single):
    """A kind of model whose build function is Python's: train it as duet.train(family, ...).

    build: composes nodes and says what is minimised; called whenever a model is made, for training and for use, and
        composes the same each time: what it draws or counts itself would make another model of it
    settings: rows by number(), count(), choice(), sizes(); they join or replace the common ones (lr, optimiser, ...)
    groups: the networks whose settings may be said apart ("generator.lr"); None: any name
    batch: examples a step of a training that does not say; 0: 128
    averaged: use reads the averages that groups keep, unless a request says weights=trained
    """

    _elsewhere = "make it there of its build function"

    def __init__(
        self,
        name: str,
        build: Built,
        *,
        settings: Sequence[Dict[str, Any]] = (),
        summary: str = "",
        paper: str = "",
        groups: Optional[Sequence[str]] = None,
        batch: int = 0,
        averaged: bool = False,
    ):
        if not callable(build):
            raise TypeError(f"build is {brief(build)}; a function is expected")
        self.name, self.build, self.raised = name, build, None  # type: str, Built, Optional[BaseException]
        self._said = ""  # of what was raised: the graph's mistake
        self._callback = ffi.callback("void(duet_model *)", self._build)
        rows = ffi.new("duet_setting[]", max(len(settings), 1))
        for index, row in enumerate(settings):
            if not isinstance(row, dict):
                raise TypeError(f"{row!r} as a setting; duet.number(key, initial) and the like make one")
            rows[index] = struct("duet_setting", **row)
        self._rows, self._groups = rows, None if groups is None else self._ended(groups)
        self._family = ffi.new("duet_family *")
        self._family.name, self._family.summary, self._family.paper = text(name), text(summary), text(paper)
        self._family.build, self._family.settings, self._family.setting_count = self._callback, rows, len(settings)
        self._family.groups = NULL if self._groups is None else self._groups
        self._family.batch, self._family.averaged = whole("batch", batch), truth("averaged", averaged)
        c.settings_check(self._family, NULL, 0)

    @staticmethod
    def _ended(names: Sequence[str]) -> Any:
        return ffi.new("const char *[]", [text(name) for name in texts(names)] + [NULL])

    @property
    def pointer(self) -> Any:
        """The duet_family, for duet.c."""
        return self._family

    def _build(self, pointer_: Any) -> None:
        try:
            with _in_build(pointer_, begins=True) as model:
                self.build(model)
        except BaseException as reason:  # C has no exceptions: the graph fails, and who asked for the model raises it
            graph, error = lib.duet_model_graph(pointer_), new_error()
            lib.duet_graph_fail_at(text(_place(reason)), graph, text("%s"), text(f"{type(reason).__name__}: {reason}"))
            lib.duet_graph_check(graph, error)
            self.raised, self._said = reason, _beginning(error)

    def __repr__(self) -> str:
        return f"<family {self.name}>"


def _place(reason: BaseException) -> str:
    trace = reason.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "build"


def _beginning(error: Any) -> str:
    """Of a mistake, without its place, as much as a message has where the place and what was asked for are long."""
    return (words(error.message) or "").partition(": ")[2][:200]


def family_of(model: Any) -> Any:
    """The library's family of that name, or that of a Family."""
    if isinstance(model, Family):
        return model.pointer
    if isinstance(model, ffi.CData):
        return model  # a duet_family * of another library's
    if not isinstance(model, str):
        raise TypeError(f"{article(type(model).__name__)} as the model; it is the name of a family, or a duet.Family")
    found = lib.duet_family_find(text(model))
    if found == NULL:
        known = ", ".join(family.name for family in families())
        raise Error("usage", f"there is no model '{model}'; there are {known}, and families of your own (duet.Family)")
    return found


def raise_for(error: Any, family: Any) -> None:
    """Raises what the family's build function raised while the library called it, else what the error says. An error
    that does not speak of it has another cause: it is left of a build that the library can do without."""
    raised = getattr(family, "raised", None)
    if raised is not None:
        family.raised = None
        if error.status != lib.DUET_OK and family._said in (words(error.message) or ""):
            raise raised
    check(error)


class Model(ModelFunctions, Handle):
    """A model for examples like those of `data`: what a build function composes, and whose groups a Trainer trains."""

    _free = "duet_model_free"
    _building = 0  # functions of the program's that compose it, now

    def __init__(self, family: Any, data: Data, settings: Any = None, seed: int = 1):
        expect(data, Data, "duet.Data.from_arrays(x) makes one of arrays, duet.Data(name) opens one")
        made, error, said = ffi.new("duet_model **"), new_error(), key_values(settings)
        with held(data), told(data._holder):
            lib.duet_model_new(made, family_of(family), data.pointer, text_array(said), len(said), whole("seed", seed), error)
            raise_for(error, family)
            Handle.__init__(self, made[0], family, data)
        self.family, self._holder = family, data._holder

    @classmethod
    def _borrowed(cls, pointer_: Any, *keeps: Any) -> "Model":
        self = cls.__new__(cls)
        self._free, self.family = "", None
        Handle.__init__(self, pointer_, *keeps)
        return self

    @property
    def keeps(self) -> Any:
        """What nodes made on it keep alive: itself."""
        return self

    @property
    def graph(self) -> Any:
        """The graph being built, for functions that take one."""
        return Borrowed(lib.duet_model_graph(building(self)), self)

    @property
    def store(self) -> Any:
        """Its variables: .pointer for duet.c, .group(name)."""
        from .graph import Store

        store = Store.__new__(Store)
        store._free = ""
        Handle.__init__(store, lib.duet_model_store(self.pointer), self)
        store.keeps = self  # also in a later function of the same build
        return store

    def setting_text(self, key: str) -> Optional[str]:
        """The value of a setting, given or default; None for an unknown key."""
        return words(lib.duet_model_setting_text(self.pointer, text(key)))

    def setting_sizes(self, key: str) -> List[int]:
        """The numbers of a setting made by sizes()."""
        self._known(key)
        values = ffi.new("size_t[]", constants["DUET_MOST_SIZES"])
        return list(values[0 : lib.duet_setting_sizes_at(where(), self.pointer, text(key), values)])

    def setting(self, key: str) -> float:
        """The value of a setting that is a number."""
        self._known(key)
        return lib.duet_setting_number_at(where(), self.pointer, text(key))

    def _known(self, key: str) -> None:
        if self.setting_text(key) is None:
            keys = ", ".join(row.key for row in settings(self.family)) if self.family is not None else ""
            raise Error("usage", f"the model has no setting {key!r}" + (f"; it has {keys}" if keys else ""))

    def minimise(self, loss: Node, *groups: Group, gate: Optional[Node] = None) -> None:
        """In this phase, update the groups down the gradient of `loss`, a scalar.

        gate: a scalar that scales the update; at 0 parameters and moments rest
        """
        array = ffi.new("duet_group *[]", [pointer(group) for group in groups] + [NULL])
        lib.duet_minimise_at(where(), building(self), node_pointer(loss), node_or_null(gate), array)

    def warn(self, message: str) -> None:
        """Something that the user of these settings should know, which training says as a warning, once."""
        lib.duet_model_warn(building(self), text("%s"), text(message))

    def invert(self, decode: Callable[["Model", Node], Node]) -> None:
        """The procedure "invert", which finds the latents that decode(model, z) makes examples from."""
        with self._raising() as raised:
            lib.duet_invert_at(where(), building(self), self._decoder(decode, raised))

    def anneal_decoder(self, decode: Callable[["Model", Node], Node]) -> None:
        """Annealed importance sampling for a decoder with normal noise about what it makes."""
        with self._raising() as raised:
            lib.duet_anneal_decoder_at(where(), building(self), self._decoder(decode, raised))

    @staticmethod
    @contextlib.contextmanager
    def _raising() -> Iterator[List[BaseException]]:
        """What functions that the library calls meanwhile raise goes there; the first of it is raised at the end."""
        raised: List[BaseException] = []
        yield raised
        if raised:
            raise raised[0]

    @staticmethod
    def _called(kind: Any, what: str, function: Any, raised: List[BaseException], before: int = 0) -> Any:
        """A function of the program's for the library, which takes no node for a mistake of the graph; `before`:
        arguments that are not for it."""
        if not callable(function):
            raise TypeError(f"{what} is {brief(function)}; a function is expected")

        def call(model: Any, *given: Any) -> Any:
            try:
                with _in_build(model) as built:
                    made = function(built, *(one if isinstance(one, int) else Node(one, built) for one in given[before:]))
                    return node_pointer(made)
            except BaseException as reason:
                raised.append(reason)
                return NULL

        made = ffi.callback(kind, call)
        _callbacks.append(made)  # the library may call it as long as the model lives
        return made

    @classmethod
    def _decoder(cls, decode: Callable[["Model", Node], Node], raised: List[BaseException]) -> Any:
        return cls._called("duet_node(duet_model *, duet_node)", "decode", decode, raised)

    def anneal(self, *, draw: Any, log_prior: Any, nll: Any, observe: Any) -> None:
        """Annealed importance sampling: draw(model, rows), log_prior(model, z), nll(model, z, x), observe(model, z) are
        what duet_joint asks of a model."""
        joint = ffi.new("duet_joint *")
        with self._raising() as raised:
            for name, function in dict(draw=draw, log_prior=log_prior, nll=nll, observe=observe).items():
                kind = dict(ffi.typeof("duet_joint").fields)[name].type
                setattr(joint, name, self._called(kind, name, function, raised, 1))
            _callbacks.append(joint)
            lib.duet_anneal_at(where(), building(self), joint)


_callbacks: List[Any] = []


def training_size(model: Any, settings: Any = None) -> Tuple[int, int]:
    """The batch and the epochs of a training of the family that asks for none."""
    check_settings(model, settings)
    said = key_values(settings)
    size = lib.duet_family_training_size(family_of(model), text_array(said), len(said))
    return size.batch, size.epochs


def check_settings(model: Any, settings: Any) -> None:
    """Raises what is wrong with settings, before anything is opened."""
    said = key_values(settings)
    c.settings_check(family_of(model), text_array(said), len(said))


_built: Dict[int, Model] = {}  # by their addresses, those that were built last


@contextlib.contextmanager
def _in_build(pointer_: Any, begins: bool = False) -> Iterator[Model]:
    """A model while the library has it built; in between, and when it is gone, it and its nodes and groups are refused.
    Functions that are called for more of it have the same one, so that they may use what the first one made."""
    address = int(ffi.cast("uintptr_t", pointer_))
    if begins or address not in _built:
        _built[address] = Model._borrowed(None)
        _built[address]._gone = WHILE_BUILT
    model = _built[address]
    model._pointer, model._building = pointer_, model._building + 1
    try:
        yield model
    finally:
        model._building -= 1
        if model._building == 0:
            model.close()


class Trainer(Handle):
    """Training with the loop in the program's own hands: every phase of the model planned for `batch` examples. A model
    may have several, which take turns: each goes on with the model's steps, and tells the losses of its own."""

    _free, _on_device = "duet_trainer_free", True

    def __init__(self, device: Device, model: Model, batch: int = 128):
        expect(device, Device, "duet.Device() opens one")
        expect(model, Model, "duet.Model(family, data) makes one")
        batch = whole("batch", batch, 1)
        made, error = ffi.new("duet_trainer **"), new_error()
        with held(device, model), told(model._holder):
            lib.duet_trainer_new(made, device.pointer, model.pointer, batch, error)
            raise_for(error, model.family)
            super().__init__(made[0], device, model)
        self._holder = model._holder

    def step(self) -> None:
        """Enqueues one pass of the schedule, and returns while it runs."""
        with told(self._holder):
            c.trainer_step(self)

    @property
    def steps(self) -> int:
        """Steps of the model done, by whichever trainer, when this one made its last step."""
        return lib.duet_trainer_steps(self.pointer)

    @property
    def epoch(self) -> float:
        """Epochs begun and finished so far."""
        return lib.duet_trainer_epoch(self.pointer)

    @property
    def steps_an_epoch(self) -> int:
        """Steps in which every training example is drawn once, but for those that fill no batch."""
        return lib.duet_trainer_steps_an_epoch(self.pointer)

    def losses(self) -> Dict[str, float]:
        """Means of the terms since the last call, by name; waits for the steps."""
        names: List[str] = []
        while True:
            name = c.trainer_term(self, len(names))
            if name is None:
                break
            names.append(name)
        means = ffi.new("double[]", len(names))
        with told(self._holder):
            c.trainer_losses(self, means, len(names))
        return dict(zip(names, means))

    def save(self, path: str) -> None:
        """Weights, states, moments and counters as one safetensors file."""
        c.trainer_save(self, os.fspath(path))

    def load(self, path: str) -> None:
        """Goes on where a file of the same model and batch left off, to the bit. A file of other settings that are no
        rates, or of data of another kind, is refused; other rows are not."""
        c.trainer_load(self, os.fspath(path))
