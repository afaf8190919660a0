# SPDX-License-Identifier: MIT
"""Graphs of one's own: a store of variables, graphs over it, and plans that run on a device.

Idea: as in C; models that are trained need none of it, their engine makes these things.
"""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import numpy

from .convert import (
    Shape,
    ShapeLike,
    address,
    as_held,
    expect,
    extents_of,
    in_order,
    node_array,
    node_or_null,
    node_pointer,
    numbers,
    pointer,
    shape_struct,
    shape_tuple,
    text,
    where,
    whole,
)
from .device import Device, opencl_memory
from .library import Error, Handle, c, check, enumerator, ffi, lib, new_error, word_of, words
from .node import Group, Node, in_float32, keeps_of

DTYPES = {"float32": numpy.float32, "uint32": numpy.uint32, "uint8": numpy.uint8}


class Store(Handle):
    """Variables by name, with their memory once a device is given; parameters start from `seed`."""

    _free = "duet_store_free"
    keeps: Any  # what its groups belong to

    def __init__(self, seed: int = 0):
        super().__init__(lib.duet_store_new(whole("seed", seed)))
        self.keeps = self

    def group(self, name: str) -> Group:
        """Finds or makes the group of that name."""
        return Group(lib.duet_group_of(self.pointer, text(name)), self.keeps)

    def _variable(self, name: str, shape: Any, dtype: Any) -> Tuple[Shape, Any]:
        """The shape and the type of a variable; what else is said of them is refused. None: nothing is."""
        type_, extents, error = ffi.new("duet_type *"), ffi.new("duet_shape *"), new_error()
        lib.duet_store_variable(self.pointer, text(name), type_, extents, error)
        check(error)
        own, kind = shape_tuple(extents), numpy.dtype(DTYPES[word_of("duet_type", type_[0])])
        other = shape is not None and tuple(extents_of(shape)) != own
        if other or dtype is not None and numpy.dtype(dtype) != kind:
            said = f" {tuple(extents_of(shape))}" if other else f" {numpy.dtype(dtype)}"
            raise Error("usage", f'"{name}" is of shape {own} and type {kind}, and not{said}')
        return own, kind

    def read(self, device: Device, name: str, shape: Optional[ShapeLike] = None, dtype: Any = None) -> numpy.ndarray:
        """A variable's numbers from the device, of its shape and type, and of those that are given; it must have
        memory."""
        expect(device, Device, "duet.Device() opens one")
        values = numpy.empty(*self._variable(name, shape, dtype))
        c.store_read(self, device, name, ffi.from_buffer(values), values.nbytes)
        return values

    def write(self, device: Device, name: str, values: Any, dtype: Any = None) -> None:
        """Numbers for a variable, of its shape; they are taken as its type, which is the one that is given."""
        expect(device, Device, "duet.Device() opens one")
        given = numbers(values, "values")
        _, kind = self._variable(name, given.shape, dtype)
        array = as_held(given, kind, "values")
        c.store_write(self, device, name, ffi.from_buffer(array), array.nbytes)

    def bind(self, device: Device, name: str, buffer: Any) -> None:
        """Has the state `name` lie in a buffer of pyopencl's, without a copy: plans read what it holds when they run,
        and duet.assign writes there. Before a plan that uses the state is made; the buffer is retained until close().
        """
        memory = opencl_memory(buffer)
        if memory is None or memory[1] != 0:
            raise Error(
                "usage", f"a buffer of OpenCL's from its first byte on is expected, not {type(buffer).__name__}"
            )
        c.store_bind(self, device, name, memory[0])


class Graph(Handle):
    """An empty graph whose parameters, states and random counters live in `store`. Mistakes stay in the graph with the
    line that made them, and planning or check() reports the first."""

    _free = "duet_graph_free"

    def __init__(self, store: Store):
        expect(store, Store, "duet.Store() makes one")
        super().__init__(lib.duet_graph_new(store.pointer), store)
        if self._pointer == ffi.NULL:
            raise Error("memory", "out of memory for a graph")
        self.keeps = self

    def check(self) -> None:
        """Raises the first mistake made while building, if there is one."""
        c.graph_check(self)

    def constant(self, value: float) -> Node:
        """A number, broadcast wherever it is used."""
        return Node(lib.duet_constant(self.pointer, in_float32(value)), self)

    def __len__(self) -> int:
        return lib.duet_graph_count(self.pointer)

    def __bool__(self) -> bool:
        return True  # also without nodes: `graph or duet.Graph(store)` keeps it


def node_graph_check(node: Node) -> None:
    """Raises the first mistake of the node's graph, if there is one."""
    error = new_error()
    lib.duet_graph_check(lib.duet_node_graph(node.pointer), error)
    check(error)


def constant_values(graph: Any, values: Any) -> Node:
    """An array as a node, float32, copied; no gradient is taken by it."""
    array = as_held(numbers(values, "values"), numpy.float32, "values")
    return Node(
        lib.duet_constant_values_at(
            where(), pointer(graph), shape_struct(array.shape), ffi.from_buffer("float[]", array)
        ),
        graph.keeps,
    )


def permute(x: Node, order: Sequence[int]) -> Node:
    """Dimension i of the result is dimension order[i] of x."""
    in_order(order, "the order of dimensions", "a list")
    expect(x, Node, "what the functions of nodes make")
    if len(order) != len(x.shape) or set(order) != set(range(len(x.shape))):
        raise Error("graph", f"order {list(order)} of a node of {len(x.shape)} dimensions; each is named once")
    return Node(lib.duet_permute_at(where(), x.pointer, ffi.new("size_t[]", list(order))), x.keeps)


def grad(loss: Node, wrt: Sequence[Node]) -> List[Node]:
    """d loss / d each of wrt, as nodes, zeros where the loss does not depend on it. The loss is a scalar; wrt are
    parameters, states, inputs or nodes of watch()."""
    nodes = node_array(wrt)
    made = ffi.new("duet_node[]", len(wrt))
    lib.duet_grad_at(where(), node_pointer(loss), nodes, len(wrt), made)
    return [Node(made[i], loss.keeps) for i in range(len(wrt))]


def state_updates(roots: Sequence[Node], allowed: Any = None, room: int = 256) -> List[Node]:
    """The assignments that a plan of `roots` needs so that every state that follows something it computes does so."""
    made = ffi.new("duet_node[]", room)
    count = lib.duet_state_updates_at(where(), node_array(roots), len(roots), node_or_null(allowed), made, room)
    return [Node(made[i], keeps_of(*roots)) for i in range(count)]


def update(group: Group, optimiser: Any, loss: Node, gate: Any = None, allowed: Any = None) -> List[Node]:
    """The nodes of one update of the group down the gradient of `loss`: assignments to give to a Plan, which refuses an
    optimiser that cannot be meant and a loss that does not depend on the group."""
    made = ffi.new("duet_node[8]")
    count = lib.duet_update_at(
        where(), pointer(group), address(optimiser), node_pointer(loss), node_or_null(gate), node_or_null(allowed), made
    )
    return [Node(made[i], loss.keeps) for i in range(count)]


def fail(graph: Any, message: str) -> None:
    """Records a mistake of the model's own code, with the line that calls; the first one stays."""
    lib.duet_graph_fail_at(where(), pointer(graph), text("%s"), text(message))


def refuse(graph: Any, status: str, message: str) -> None:
    """Records that a graph cannot be built from what its user gave: status "usage", "data" or "memory"."""
    lib.duet_graph_refuse(pointer(graph), enumerator("duet_status", "error_" + status), text("%s"), text(message))


def _check(node: Node, array: Any) -> None:
    """Refuses an array that is not the node's; a buffer of OpenCL's has no shape to be looked at."""
    shape = getattr(array, "shape", None)
    if shape is None:
        return
    if shape != node.shape or array.dtype != DTYPES[node.type] or not array.flags.c_contiguous:
        raise Error(
            "usage",
            f"an array of shape {shape} and type {array.dtype} for {node!r}; it has that shape and type and is contiguous",
        )


def _bytes(node: Node) -> int:
    return int(numpy.prod(node.shape, dtype=numpy.int64)) * numpy.dtype(DTYPES[node.type]).itemsize


class Plan(Handle):
    """The computation of `roots` (values to read, assignments to perform) made ready for one device."""

    _free, _on_device = "duet_plan_free", True

    def __init__(self, device: Device, roots: Sequence[Node], name: str = "plan"):
        expect(device, Device, "duet.Device() opens one")
        made, error = ffi.new("duet_plan **"), new_error()
        lib.duet_plan_new(made, device.pointer, text(name), node_array(roots), len(roots), error)
        check(error)
        super().__init__(made[0], device, *roots)

    def write(self, node: Node, values: Any) -> None:
        """Fills an input with an array of its shape, which is copied before this returns and read where it lies if it
        is contiguous and of the input's type. A buffer or an array of pyopencl's, of the device's context, is copied on
        the device, in the order of its queue; this returns at once."""
        expect(node, Node, "what the plan was made of")
        memory = opencl_memory(values)
        if memory is not None:
            _check(node, values)
            c.plan_write_buffer(self, node, *memory, _bytes(node))
            return
        array = as_held(numbers(values, f"what {node!r} is filled from"), DTYPES[node.type], "values")
        _check(node, array)
        c.plan_write(self, node, ffi.from_buffer(array), array.nbytes)

    def replay(self) -> None:
        """Enqueues one run of the plan and returns at once."""
        c.plan_replay(self)

    def read(self, node: Node, out: Any = None) -> numpy.ndarray:
        """A root's value, of the root's shape and type; waits for the replays before it.

        out: a contiguous array to be filled, which is returned; or a buffer or an array of pyopencl's, which is filled
            on the device in the order of its queue, without a wait
        """
        expect(node, Node, "what the plan was made of")
        memory = opencl_memory(out)
        if memory is not None:
            _check(node, out)
            c.plan_read_buffer(self, node, *memory, _bytes(node))
            return out
        values = numpy.empty(node.shape, DTYPES[node.type]) if out is None else out
        _check(node, values)
        c.plan_read(self, node, ffi.from_buffer(values, require_writable=True), values.nbytes)
        return values

    @property
    def launches(self) -> int:
        """Launches that a replay enqueues."""
        return lib.duet_plan_launches(self.pointer)

    @property
    def arena_bytes(self) -> int:
        """Bytes of intermediate tensors, after sharing."""
        return lib.duet_plan_arena_bytes(self.pointer)

    @property
    def source(self) -> str:
        """The OpenCL C that was generated for the plan."""
        return words(lib.duet_plan_source(self.pointer)) or ""
