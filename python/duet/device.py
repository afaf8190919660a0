# SPDX-License-Identifier: MIT
"""Devices: which there are, and one opened. A device and what is made on it are used from one thread at a time."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple, Union

from .convert import callable_or_none, tell, truth
from .library import NULL, Error, Handle, Record, c, check, ffi, host, lib, new_error, opening, record
from .library import refuse_forked, text, words
from .library import selector as selector_text


def devices() -> List[Record]:
    """Every OpenCL device of this machine, in the order of `duet devices`: name, kind, preferred, memory_bytes, refusal
    (why it cannot be used; "" if it can) and what else duet_device_info has. Call it before other OpenCL work."""
    rows, count, error = ffi.new("duet_device_info **"), ffi.new("size_t *"), new_error()
    refuse_forked()
    lib.duet_device_list(rows, count, error)  # in a process of its own, so that this one has used no OpenCL
    check(error)
    try:
        return [record(rows[0] + i) for i in range(count[0])]
    finally:
        lib.duet_device_list_free(rows)


@ffi.callback("duet_log_function")
def _hear(_: Any, line: Any) -> None:
    try:
        tell(words(line))
    except Warning:  # where warnings are errors: nothing goes up through C
        pass


def hear_warnings(device: Any) -> None:
    """Has what the library warns of on a device, such as a variable that says nothing, be Python's warnings."""
    lib.duet_device_set_log(device, _hear, NULL)


@ffi.callback("duet_log_function")
def _log(context: Any, line: Any) -> None:
    ffi.from_handle(context)(words(line))


def _number(handle: Any) -> int:
    """An object of OpenCL's as the number that pyopencl calls int_ptr."""
    return int(getattr(handle, "int_ptr", handle))


def opencl_memory(value: Any) -> Optional[Tuple[Any, int]]:
    """The cl_mem of a buffer or an array of pyopencl's and the byte at which it begins; None for anything else."""
    held = getattr(value, "base_data", value)
    if not hasattr(held, "int_ptr"):
        return None
    return ffi.cast("cl_mem", _number(held)), int(getattr(value, "offset", 0))


class Device(Handle):
    """An open device.

    selector: an index of devices(), a type (cpu, gpu, accelerator), a piece of a name; None takes $DUET_DEVICE if set,
    else the preferred one
    """

    _free, _on_device = "duet_device_close", True
    _elsewhere = "open it there: duet.Device()"

    def __init__(self, selector: Union[None, int, str] = None):
        made, error = ffi.new("duet_device **"), new_error()
        opening()
        lib.duet_device_open(made, selector_text(selector), error)
        check(error)
        super().__init__(made[0])
        hear_warnings(made[0])

    @classmethod
    def _of(cls, pointer: Any, *keeps: Any) -> "Device":
        self = cls.__new__(cls)
        Handle.__init__(self, pointer, *keeps)
        hear_warnings(pointer)
        return self

    @classmethod
    def from_opencl(cls, context: Any = None, device: Any = None, *, queue: Any = None) -> "Device":
        """A device on OpenCL objects that the program has already, which are retained until close(). On a queue all of
        Duet's work is enqueued there, so the program's own kernels before and after are in order with it without a
        wait; on a context alone Duet makes a queue of its own.

        context: a cl_context as a number (pyopencl's int_ptr), an object that has one, or a queue of pyopencl
        device: the cl_device_id, likewise; None: the first of the context. A queue has one already
        queue: a cl_command_queue, likewise, in order; it has its context
        """
        if queue is None and hasattr(context, "context"):
            queue, context = context, None
        if (queue is None) == (context is None):
            raise Error("usage", "a context or a queue is expected, one of them; a queue has its context")
        made, error = ffi.new("duet_device **"), new_error()
        if queue is not None:
            if device is not None:
                raise Error("usage", "a queue has its device already; give a context to choose another one")
            opening()
            lib.duet_device_from_queue(made, ffi.cast("cl_command_queue", _number(queue)), error)
            check(error)
            return cls._of(made[0], queue, getattr(queue, "context", None))
        if device is None and getattr(context, "devices", None):
            device = context.devices[0]
        if device is None:
            raise Error("usage", "the context alone, as a number, does not say which device; give device= too")
        opening()
        lib.duet_device_from(
            made, ffi.cast("cl_context", _number(context)), ffi.cast("cl_device_id", _number(device)), error
        )
        check(error)
        return cls._of(made[0], context, device)

    @classmethod
    def on_paper(cls, name: str) -> "Device":
        """A GPU that need not be here, by its row in the table of duet/device.h: for plans and their explanations."""
        made, error = ffi.new("duet_device **"), new_error()
        lib.duet_device_on_paper(made, text(name), error)
        check(error)
        return cls._of(made[0])

    @property
    def info(self) -> Record:
        """What the device says of itself: a row as of devices()."""
        return record(lib.duet_device_describe(self.pointer))

    def set_log(self, function: Any) -> None:
        """Lines about long waits, such as compilers, go to function(line), and so do warnings, which are Python's at first; None: silence."""
        callable_or_none("the function", function)
        self._log_handle = None if function is None else ffi.new_handle(function)
        lib.duet_device_set_log(self.pointer, NULL if function is None else _log, self._log_handle or NULL)

    @property
    def gemm(self) -> Optional[str]:
        """The provider of matrix products that plans use, by name."""
        return words(lib.duet_device_gemm(self.pointer))

    @gemm.setter
    def gemm(self, provider: Optional[str]) -> None:
        c.device_set_gemm(self, provider)

    def set_profiling(self, profiling: bool) -> None:
        """Times every kernel from now on; replays become slower."""
        c.device_set_profiling(self, truth("profiling", profiling))

    def profile(self) -> List[Record]:
        """All launches of each kernel so far, longest time first: kernel, launches, seconds, flops, bytes."""
        rows, count = ffi.new("duet_profile_row **"), ffi.new("size_t *")
        c.device_profile(self, rows, count)
        try:
            return [record(rows[0] + i) for i in range(count[0])]
        finally:
            host.free(rows[0])

    def finish(self) -> None:
        """Waits until everything enqueued is done: before another queue of the program's reads what Duet wrote into a
        buffer."""
        c.device_finish(self)

    def use_tuning(self) -> None:
        """Plans made from now on use what `duet tune` measured on this device."""
        lib.duet_device_use_tuning(self.pointer)

    def __repr__(self) -> str:
        return f"<device {self.info.name}>" if self._pointer is not None else "<device, closed>"
