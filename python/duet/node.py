# SPDX-License-Identifier: MIT
"""Nodes with operators, and groups. A node is a value in a graph, which it keeps alive; making one runs nothing."""

from __future__ import annotations

import math
import operator
from typing import Any, Iterator, Optional, Tuple

from .library import NULL, Error, Single, check, ffi, lib, new_error, word_of, words


def keeps_of(*sources: Any) -> Any:
    """What has to live as long as something made of these: that of a node if there is one, else of whatever else."""
    flat = [one for source in sources for one in (source if isinstance(source, (list, tuple)) else [source])]
    flat.sort(key=lambda one: not isinstance(one, Node))
    return next((one.keeps for one in flat if hasattr(one, "keeps")), None)


class Borrowed(Single):
    """Something of the library's that belongs to what `keeps` holds, and is gone when that is closed."""

    __slots__ = ("_pointer", "keeps")

    def __init__(self, pointer: Any, keeps: Any = None):
        self._pointer = pointer
        self.keeps = keeps

    @property
    def pointer(self) -> Any:
        """For duet.c."""
        if self.keeps is not None:
            self.keeps.pointer  # which says so if it is closed
        return self._pointer


def in_float32(number: Any) -> float:
    """A number for a constant; one beyond float32 would be an infinity there."""
    value = float(number)
    if math.isfinite(value) and abs(value) >= 2.0**128:
        raise OverflowError(f"{value:g} is beyond float32, whose largest number is 3.4e38")
    return value


def _functions() -> Any:
    from . import functions  # made of nodes itself

    return functions


_NOT_BESIDE = "{} beside a node: duet.constant_values(x.graph, numbers) makes a node of it"


def _operator(name: str, swapped: bool = False) -> Any:
    def compute(self: Any, other: Any) -> "Node":
        if isinstance(other, (list, tuple)):  # of which Python would say that it is not equal
            raise TypeError(_NOT_BESIDE.format(f"a {type(other).__name__}"))
        if not isinstance(other, Node):
            if not isinstance(other, (int, float)) and not hasattr(other, "__float__"):
                return NotImplemented
            other = self.like(other)
        return getattr(_functions(), name)(*((other, self) if swapped else (self, other)))

    return compute


# What numpy calls otherwise than this package.
_OTHER_NAMES = {
    "absolute": "abs",
    "amax": "max",
    "argmax": "largest",
    "clip": "clamp",
    "concatenate": "concat",
    "dot": "matmul",
    "expand_dims": "reshape",
    "squeeze": "reshape",
    "std": "variance",
    "var": "variance",
    "where": "select",
}


class Node(Borrowed):
    """A value in a graph: float32 unless said otherwise. Operators make more nodes: + - * / ** @ < <= > >= == !=, and
    slices with step 1; numbers become constants. Shapes broadcast as numpy's do. Comparisons are 1 or 0, element by
    element, and no truth: `if`, `and`, `not`, max() and a < x < b raise TypeError. Nodes are keys by what they are."""

    __slots__ = ()
    __array_ufunc__ = None  # numpy leaves its operators to a node

    @property
    def shape(self) -> Tuple[int, ...]:
        """Extents, outermost first; () for a scalar. What a mistake left in the place of a node has none: it is raised."""
        shape = lib.duet_node_shape(self.pointer)
        if shape.rank == 0:
            error = new_error()
            lib.duet_graph_check(lib.duet_node_graph(self.pointer), error)
            check(error)
        return tuple(shape.dims[i] for i in range(shape.rank))

    @property
    def type(self) -> str:
        """ "float32", "uint32" or "uint8"."""
        return word_of("duet_type", lib.duet_node_type(self.pointer))

    @property
    def graph(self) -> Any:
        """The graph it is in, for functions that take one."""
        return Borrowed(lib.duet_node_graph(self.pointer), self.keeps)

    def like(self, number: float) -> "Node":
        """The number as a constant of this node's graph."""
        if getattr(number, "shape", ()) != ():
            raise TypeError(_NOT_BESIDE.format("an array"))
        if not isinstance(number, (int, float)) and not hasattr(number, "__float__"):
            raise TypeError(f"a node or a number was expected, not {type(number).__name__}")
        return Node(lib.duet_constant(lib.duet_node_graph(self.pointer), in_float32(number)), self.keeps)

    def __repr__(self) -> str:
        try:
            return f"<node {list(self.shape)} {self.type}>"
        except Error:
            gone = self.keeps is not None and getattr(self.keeps, "_pointer", None) is None
            return "<node, closed>" if gone else "<node, of a mistake>"

    __add__, __radd__ = _operator("add"), _operator("add", True)
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", True)
    __mul__, __rmul__ = _operator("multiply"), _operator("multiply", True)
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", True)
    __pow__, __rpow__ = _operator("power"), _operator("power", True)
    __lt__, __le__, __gt__, __ge__ = map(_operator, ("less", "less_equal", "greater", "greater_equal"))
    __eq__, __ne__ = _operator("equal"), _operator("not_equal")
    __hash__ = object.__hash__  # which a class with __eq__ would lose

    def __bool__(self) -> bool:
        raise TypeError(
            "a node is neither true nor false: it stands for numbers that are computed later. "
            "duet.select(condition, a, b) takes each element's a or b, duet.maximum(a, b) and duet.minimum(a, b) the "
            "larger and the smaller, (low < x) * (x < high) is 1 between; `a is b` and any(a is one for one in nodes) "
            "say whether it is that node, as a == b, `a in nodes` and nodes.index(a) do not"
        )

    def __iter__(self) -> Iterator["Node"]:
        if not self.shape:
            raise TypeError("a node that is one number has no rows to go through")
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, _: Any) -> bool:
        raise TypeError("what a node holds is computed later: duet.max(x == value) is 1 where one element is the value")

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            "a node is no array: it stands for numbers that are computed later. What a duet.Plan has computed is given "
            "by its read(node)"
        )

    def __array_function__(self, function: Any, *_: Any) -> Any:
        name = _OTHER_NAMES.get(function.__name__, function.__name__)
        raise TypeError(
            f"numpy.{function.__name__} is for arrays, and a node stands for numbers that are computed later"
            + (f"; duet.{name} is for nodes" if hasattr(_functions(), name) else "")
        )

    def __neg__(self) -> "Node":
        return _functions().negate(self)

    def __abs__(self) -> "Node":
        return _functions().abs(self)

    def __matmul__(self, other: "Node") -> "Node":
        """[m, k] @ [k, n]; of more dimensions the last two are multiplied and those before are equal."""
        many = len(self.shape) > 2 or len(other.shape) > 2
        return (_functions().batched_matmul if many else _functions().matmul)(self, other, False, False)

    def __getitem__(self, key: Any) -> "Node":
        """x[2:5], x[:, -3:], x[..., 0]: slices of step 1; a number takes that place and its dimension away."""
        keys = list(key) if isinstance(key, tuple) else [key]
        rank = len(self.shape)
        at = next((i for i, one in enumerate(keys) if one is Ellipsis), None)
        if at is not None:
            keys[at : at + 1] = [slice(None)] * (rank - len(keys) + 1)
        if len(keys) > rank:
            raise IndexError(f"{len(keys)} indices of a node of {rank} dimensions")
        made, left = self, []
        for axis, one in enumerate(keys + [slice(None)] * (rank - len(keys))):
            extent = self.shape[axis]
            if isinstance(one, slice):
                start, stop, step = one.indices(extent)
                if step != 1:
                    raise IndexError(f"a slice of step {step}; nodes are sliced in steps of 1")
                left.append(max(stop - start, 0))
            else:
                try:
                    one = operator.index(one)
                except TypeError:
                    raise TypeError(f"index {one!r} of a node; whole numbers and slices are possible") from None
                start = one + extent if one < 0 else one
                if not 0 <= start < extent:
                    raise IndexError(f"index {one} of an extent of {extent}")
                stop = start + 1
            if (start, stop) != (0, extent):
                made = _functions().slice(made, axis, start, max(stop - start, 0))
        return made if tuple(left) == made.shape else _functions().reshape(made, left)


class Group(Borrowed):
    """A network: parameters that one optimiser moves, and the states of their layers. Owned by the store."""

    __slots__ = ()

    def __init__(self, pointer: Any, keeps: Any = None):
        if pointer == ffi.NULL:
            raise Error("memory", "out of memory for a group")
        super().__init__(pointer, keeps)

    @property
    def name(self) -> Optional[str]:
        """As it was given."""
        return words(lib.duet_group_name(self.pointer))

    @property
    def parameters(self) -> int:
        """How many numbers its parameters hold."""
        return lib.duet_group_parameters(self.pointer)

    @property
    def states(self) -> int:
        """How many numbers the states of its layers hold."""
        return lib.duet_group_states(self.pointer)

    def set_initialiser(self, start: Any) -> None:
        """How weights of layers made from now on start; None: as each layer says."""
        from .convert import address, initialiser

        lib.duet_group_set_initialiser(self.pointer, NULL if start is None else address(initialiser(start)))

    def set_spectral_norm(self, normalises: bool) -> None:
        """Whether weights of layers made from now on are divided by their largest singular value."""
        from .convert import truth

        lib.duet_group_set_spectral_norm(self.pointer, truth("normalises", normalises))
