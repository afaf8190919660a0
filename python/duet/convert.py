# SPDX-License-Identifier: MIT
"""Values of Python as the library takes them, and its values back: what the generated functions are made of."""

from __future__ import annotations

import numbers as real_numbers
import operator
import os
import re
import sys
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, List, Optional, Sequence, Set, Tuple, Type, Union

import numpy

from .library import NULL, Error, article, brief, constants, enumerator, ffi, in_python, lib, text, word_of, words
from .node import Group, Node, keeps_of

if TYPE_CHECKING:
    from .graph import Graph
    from .model import Model
else:
    Graph = Model = Any

Shape = Tuple[int, ...]
ShapeLike = Union[int, Sequence[int]]
Operand = Union[Node, float]
Axes = Union[None, int, Sequence[int]]
Struct = Any
Priors = Union[int, Struct, Sequence[Union[int, Struct]]]
InitialiserLike = Union[None, float, str, Tuple[str, float], Struct]
_kept: Any = weakref.WeakKeyDictionary()  # what structures point to


PLAIN_MODES = ("1", "L", "RGB", "RGBA", "I", "I;16", "F")  # of PIL's pictures: numbers of brightness or of these colours


def _are_files(values: Any) -> bool:
    """A list of names of files, as glob gives them."""
    texts_ = isinstance(values, (list, tuple)) and all(isinstance(one, (str, os.PathLike)) for one in values[:9])
    return texts_ and len(values) > 0 and os.path.exists(values[0])


def _rows_of_shapes(values: Any) -> str:
    """What is wrong with a list that makes no array."""
    shapes: List[Tuple[int, ...]] = [one.shape for one in values if hasattr(one, "shape")]
    if len(shapes) < len(values):
        return "a list whose rows are not equally long, or no numbers; each is to have as many numbers"
    joined = "; numpy.concatenate(list) joins arrays of several examples" if len({shape[1:] for shape in shapes}) == 1 else ""
    return f"a list of arrays of shapes {', '.join(map(str, shapes[:4]))}, where one array is expected{joined}"


def _kinds_of(values: Any, are: Callable[[type], bool]) -> Set[type]:
    """Those types of a list's parts; the parts themselves, of which there may be millions, are not asked one by one."""
    return {kind for kind in set(map(type, values)) if are(kind)}


def _has_masked(values: Any) -> bool:
    """Whether something of an array, or of arrays in lists, is masked."""
    if not isinstance(values, (list, tuple)):
        return bool(numpy.ma.is_masked(values))
    nested = _kinds_of(values, lambda kind: issubclass(kind, (list, tuple, numpy.ma.MaskedArray)))
    return bool(nested) and any(type(one) in nested and _has_masked(one) for one in values)


def unmasked(values: Any, what: str) -> None:
    """Refuses values of which some are masked: what lies under a mask would be taken for a number."""
    if _has_masked(values):
        raise Error("data", f"{what}: a masked array with masked values; fill them, or leave their rows out")


def in_order(values: Any, what: str, expected: str) -> None:
    """Refuses what is in no order of the program's, or is only there to look things up."""
    if isinstance(values, (dict, set, frozenset)):
        raise Error("usage", f"{what} as a {type(values).__name__}; {expected} is expected")


def each_as_array(values: Any, what: str) -> Any:
    """Of a list of others' arrays, such as pictures of PIL, numpy makes objects; arrays of them become one. A picture
    with a palette would be the numbers of its colours there."""
    known = (numpy.ndarray, numpy.generic)
    listed = isinstance(values, (list, tuple))
    parts = values if listed else [values]
    kinds = _kinds_of(parts, lambda kind: hasattr(kind, "__array_interface__") and not issubclass(kind, known))
    others = [one for one in parts if type(one) in kinds] if kinds else []
    odd = next((one.mode for one in others if getattr(one, "mode", "L") not in ("P", "PA", *PLAIN_MODES)), None)
    if odd is not None:
        raise Error("data", f"{what}: a picture of mode {odd}, whose numbers are no colours as others have them; "
                    "picture.convert('RGB') has the colours, picture.convert('L') their brightness")
    if any(getattr(one, "mode", "") in ("P", "PA") for one in others):
        raise Error("data", f"{what}: a picture with a palette, of which an array would have the numbers of colours; "
                    "picture.convert('RGB') has the colours, picture.convert('L') their brightness")
    return [numpy.asarray(one) for one in values] if listed and others else values


def _is_iterated(values: Any) -> bool:
    """Whether it is gone through one by one, as what a generator function gives; numpy takes it for one object."""
    return hasattr(type(values), "__iter__") and not isinstance(values, (str, bytes, dict, set, frozenset))


def column_names(values: Any) -> Optional[List[str]]:
    """Names of the columns of a table, such as pandas' DataFrame, as the library has them of a CSV file, where one may
    have none; None: it is none, or they have none."""
    names = list(getattr(values, "columns", ())) if hasattr(values, "__array__") else []
    named = len(names) > 0 and all(isinstance(one, str) for one in names)
    return [re.sub(r"^Unnamed: \d+$", "", " ".join(one.splitlines()).strip()) for one in names] if named else None


def _row_names(values: Any) -> Any:
    """The index of a table or a column of one, as pandas has it; None: it has none."""
    index = getattr(values, "index", None) if hasattr(values, "__array__") else None
    return index if hasattr(index, "equals") else None


def same_rows(examples: Any, values: Any, what: str, of: str = "examples") -> None:
    """Refuses what is given for each row of a table, as labels are, where its index has the names of these rows in
    another order: pandas goes by them, and numbers taken by place would be those of other rows."""
    rows, names = _row_names(examples), _row_names(values)
    if rows is None or names is None or len(rows) != len(names) or rows.equals(names):
        return
    known = set(rows)
    if len(known) == len(rows) and known == set(names):
        raise Error(
            "data",
            f"{what}: the index has the rows of {of} in another order; {what}.loc[{of}.index] is in theirs, and where "
            f"they are meant by place, {what}.to_numpy() has no index",
        )


def _is_missing(one: Any) -> bool:
    """None, NaN, and what pandas has in their place."""
    return one is None or type(one).__name__ in ("NAType", "NaTType") or isinstance(one, float) and one != one


def _missing_in(array: numpy.ndarray) -> Tuple[int, int]:
    """How many objects of an array are missing, and the row of the first."""
    places = [i for i, one in enumerate(array.flat) if _is_missing(one)] if array.dtype.kind == "O" else []
    return len(places), places[0] * len(array) // array.size if places and array.ndim > 0 else 0


def _of_objects(array: numpy.ndarray) -> str:
    """How numbers are made of texts or objects, where they can be."""
    kind = "objects" if array.dtype.kind == "O" else "texts"
    missing, row = _missing_in(array)
    if missing:
        return f"{missing} are missing, as None or NaN, the first in row {row}: leave such rows out"
    if any(numpy.ndim(one) > 0 for one in array.flat):
        return "numpy.stack(list(array)) makes one array of arrays of one shape"
    try:
        array.astype("f4")
    except (TypeError, ValueError):
        return f"leave these {kind} out, or make numbers of them"
    return f"array.astype('f4') makes numbers, if that is what the {kind} are"


def _check_holder(values: Any, what: str) -> None:
    """Refuses what has arrays in it, or numbers in another form, and is none; numpy would make one of its keys."""
    if hasattr(values, "toarray") and not hasattr(values, "__array__"):
        raise Error("data", f"{what}: {brief(values)}, where an array of real numbers is expected; its toarray() gives one")
    if hasattr(values, "keys") and not hasattr(values, "__array__"):
        keys = [key for key in values.keys() if isinstance(key, str)]
        names = ", ".join(f"[{key!r}]" for key in keys[:6])
        raise Error("data", f"{what}: {brief(values)}, where an array is expected; give one of what it has: {names or 'nothing'}")
    if _are_files(values):
        raise Error("data", f"{what}: a list of names of files; the name of the folder that they lie in, as a text, is data")


def numbers(values: Any, what: str) -> numpy.ndarray:
    """Values as an array of real numbers; numpy would make numbers of texts, dates and half of complex ones too."""
    unmasked(values, what)
    _check_holder(values, what)
    values = each_as_array(values, what)
    try:
        array = numpy.asarray(values)
    except ValueError:  # numpy's words for lists of several lengths are of its own parts
        raise Error("data", f"{what}: {_rows_of_shapes(values)}") from None
    if array.dtype.kind in "biuf":
        return array if array.flags.aligned else array.copy()  # C reads no number across two words
    if hasattr(values, "int_ptr") or hasattr(values, "base_data"):
        raise Error("data", f"{what}: {brief(values)} of OpenCL's, where one of numpy's is expected; its get() makes one")
    if array.ndim == 0 and array.dtype.kind in "OUS":
        file = "; numpy.load(path) reads .npy" if isinstance(values, str) else ""
        file = "; numpy.frombuffer(them, 'u1') makes one of bytes" if isinstance(values, bytes) else file
        data = "; its examples are what its read() gives" if hasattr(values, "read") else ""
        data = data or ("; numpy.array(list(them)) makes one" if _is_iterated(values) else "")
        raise Error("data", f"{what}: {brief(values)}, where an array of real numbers is expected{file}{data}")
    if array.dtype.kind == "O" and isinstance(values, (list, tuple)):
        raise Error("data", f"{what}: {_rows_of_shapes(values)}")
    for name in getattr(values, "columns", ()) if array.ndim == 2 else ():
        column = values[name] if isinstance(name, (str, int)) else None
        if numpy.ndim(column) == 1:  # of several of one name pandas gives a table
            numbers(column, f"{what}: column {name!r}")  # refuses the one that holds no numbers
    remedies = {
        "c": "numpy.abs(array), or numpy.stack([array.real, array.imag], -1), makes real ones",
        "M": "(array - numpy.datetime64(0, 'D')) / numpy.timedelta64(1, 'D') makes days of dates",
        "m": "array / numpy.timedelta64(1, 's') makes seconds",
    }
    if array.dtype.kind in "USO":
        remedies[array.dtype.kind] = _of_objects(array)
    fields = "pass numpy.stack([array[name] for name in array.dtype.names], -1).astype('<f4')"
    remedy = remedies.get(array.dtype.kind, fields)
    raise Error("data", f"{what} of type {array.dtype}; real numbers are expected: {remedy}")


def whole(what: str, value: Any, low: int = 0, high: int = 2**63 - 1) -> int:
    """A whole number within bounds; cffi would cut 3.9 and speak of C's types."""
    try:
        number = operator.index(value)
    except TypeError:
        raise Error("usage", f"{what}={value!r}; a whole number is expected") from None
    if not low <= number <= high:
        most = "2^63 - 1" if high == 2**63 - 1 else str(high)
        raise Error("usage", f"{what}={number}; it goes from {low} to {most}")
    return number


def truth(what: str, value: Any) -> bool:
    """Yes or no; of a text Python would say yes, of "no" too."""
    if not isinstance(value, (bool, numpy.bool_)) and not (isinstance(value, int) and value in (0, 1)):
        raise Error("usage", f"{what}={value!r}; True or False is expected")
    return bool(value)


def callable_or_none(what: str, value: Any) -> None:
    """Refuses what cannot be called, before it would be, which may be an epoch later."""
    if value is not None and not callable(value):
        raise TypeError(f"{what} is {brief(value)}; a function is expected")


def as_type(array: numpy.ndarray, dtype: Any, what: str) -> numpy.ndarray:
    """Contiguous and of that type; of whole numbers only those that the type has, as numpy would cut 0.9 to 0 and wrap
    256 round to 0."""
    with numpy.errstate(invalid="ignore", over="ignore"):
        made = numpy.asarray(array, dtype, order="C")  # ascontiguousarray would give a number an extent
    if made.dtype.kind == "u" and made.dtype != array.dtype and not numpy.array_equal(made, array):
        most = numpy.iinfo(made.dtype).max
        raise Error(
            "data",
            f"{what} of type {array.dtype} from {array.min():g} to {array.max():g}, where {made.dtype} is expected: whole "
            f"numbers from 0 to {most}",
        )
    return made


def as_held(array: numpy.ndarray, dtype: Any, what: str) -> numpy.ndarray:
    """As as_type, for numbers that a program says itself: what float32 makes an infinity of is refused."""
    made = as_type(array, dtype, what)
    infinite = numpy.isinf(made) if made.dtype.kind == "f" and made.dtype != array.dtype else None
    if infinite is not None and infinite.any() and numpy.isfinite(array[infinite]).any():  # the first is quick
        most = numpy.abs(array[numpy.isfinite(array)]).max()
        raise Error("data", f"{what} of type {array.dtype} up to {most:g}, beyond what {made.dtype} holds")
    return made


MOST_CLASSES = 256


def labels_of(values: Any, count: int, what: str = "labels") -> numpy.ndarray:
    """Labels [count] as the library takes them: uint8."""
    unmasked(values, what)
    in_order(values, what, "a list with one number an example")
    array = numpy.asarray(values)
    missing, row = _missing_in(array)
    if missing:
        raise Error(
            "data",
            f"{what} of which {missing} are missing, as None or NaN, the first that of example {row}: take out "
            "these examples and their labels",
        )
    if array.ndim > 0 and array.dtype.kind == "O" and all(isinstance(one, real_numbers.Real) for one in array.flat):
        raise Error("data", f"{what} that are numbers held as objects; pass numpy.array(list({what}))")
    if array.ndim > 0 and array.dtype.kind in "USO":
        raise Error(
            "data",
            f"{what} that are no numbers; pass numpy.searchsorted(names, {what}) with names = "
            "numpy.unique(both), where both is the labels of both splits, joined, and class_names=names",
        )
    array = numbers(values, what)
    if array.shape == (count, 1):  # as files may have them
        array = array[:, 0]
    if array.ndim == 2 and len(array) == count and array.shape[1] > 1:
        raise Error("data", f"{what} of shape {array.shape}; of rows with one 1 each pass numpy.asarray({what}).argmax(1)")
    if array.shape != (count,):
        raise Error("data", f"{what} of shape {array.shape} for {count} examples; there is one number an example")
    if array.dtype.kind == "f" and not numpy.isfinite(array).all():
        raise Error(
            "data",
            f"{what} that are NaN or infinite, which is no class: take out the examples and the {what} for which "
            f"numpy.isfinite({what}) is false",
        )
    if array.size and (array.min() < 0 or array.max() > 255 or (array != numpy.floor(array)).any()):
        distinct = len(numpy.unique(array))
        if distinct > MOST_CLASSES:
            raise Error(
                "data",
                f"{what} that are no whole numbers from 0 to 255, and {distinct} different ones are no classes: leave them out, or "
                f"make a few of them, of measurements as by numpy.digitize({what}, numpy.quantile(train, [0.25, 0.5, 0.75])), "
                "where train is the training split's labels",
            )
        raise Error(
            "data",
            f"{what} that are no whole numbers from 0 to 255; pass numpy.searchsorted(numpy.unique(both), {what}), "
            "where both is the labels of both splits, joined, which numbers them, if they are classes and no measurements",
        )
    return numpy.ascontiguousarray(array, numpy.uint8)


def _outside() -> Tuple[Any, int]:
    """The frame of the code outside this package that called, and how many frames above the caller of this it is."""
    frame, above = sys._getframe(2), 1
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).split(".")[0] == "duet":
        frame, above = frame.f_back, above + 1
    return frame, above


def where() -> Any:
    """ "file:line" of the code outside this package that called, as errors of graphs name it."""
    frame, _ = _outside()
    return text(f"{frame.f_code.co_filename}:{frame.f_lineno}")


class Note(UserWarning):
    """A warning that nothing is wrong with: a setting or an argument that had no effect, a value that there is none of."""


def warn(message: str, category: Type[Warning] = UserWarning) -> None:
    """A warning at the line of the code outside this package that called."""
    warnings.warn(message, category, stacklevel=_outside()[1] + 1)


def tell(line: str) -> None:
    """A line of the library's log as Python has it: a warning, a Note, or, of one about a wait, nothing."""
    for mark, category in (("warning: ", UserWarning), ("note: ", Note)):
        if line.startswith(mark):
            warn(in_python(line[len(mark) :]), category)


def absolute(path: Any) -> str:
    """A path that leads to the same place wherever the program goes; "" stays. Links and ".." are left to the system."""
    path = os.fsdecode(path)
    return os.path.join(os.getcwd(), path) if path and not os.path.isabs(path) else path


def _pointer_of(value: Any, expected: str) -> Any:
    try:
        return value.pointer
    except AttributeError:
        raise TypeError(f"{brief(value)}, where {expected} is expected") from None


def pointer(value: Any) -> Any:
    return _pointer_of(value, "a group, a graph or a model")


def pointer_or_null(value: Any) -> Any:
    return NULL if value is None else pointer(value)


def layer_name(group: Any, layer: Any) -> Any:
    """A layer's name for what its parameters are called; without a group it has none, and needs no name."""
    return NULL if group is None and layer is None else text(layer)


WHILE_BUILT = "this is for the function that builds a model (duet.Family), while it runs"


def building(model: Any) -> Any:
    """The pointer of a model that is being built: outside there is no graph that nodes would go to."""
    held = pointer(model)
    if not model._building:
        raise Error("usage", WHILE_BUILT)
    return held


def expect(value: Any, kind: type, how: str) -> Any:
    """Something of the library's as an argument; `how` says where one comes from."""
    if not isinstance(value, kind):
        raise TypeError(f"{brief(value)}, where a duet.{kind.__name__} is expected: {how}")
    return value


def operand_nodes(*values: Any) -> List[Any]:
    """Numbers among nodes as constants of their graph; None stays None, which what takes the node refuses or not."""
    first = next((value for value in values if isinstance(value, Node)), None)
    if first is None:
        raise TypeError("one of the operands has to be a node; duet.constant(graph, number) makes one of a number")
    return [value if value is None or isinstance(value, Node) else first.like(value) for value in values]


def node_pointer(node: Any) -> Any:
    return _pointer_of(node, "a node")


def node_or_null(node: Any) -> Any:
    return NULL if node is None else node_pointer(node)


def node_array(nodes: Sequence[Node]) -> Any:
    if not isinstance(nodes, (list, tuple)):
        raise TypeError(f"{brief(nodes)}, where a list of nodes is expected")
    if not nodes:
        raise Error("usage", "a list of no nodes; one at least is expected")
    return ffi.new("duet_node[]", [node_pointer(node) for node in nodes])


def extents_of(shape: ShapeLike) -> List[int]:
    """A shape's extents; one number is one extent."""
    in_order(shape, "a shape", "a list of extents, the outermost first,")
    several = [shape] if isinstance(shape, str) or not hasattr(shape, "__iter__") else shape
    return [whole("an extent of a shape", extent) for extent in several]


def shape_struct(shape: ShapeLike) -> Any:
    extents = extents_of(shape)
    if len(extents) > constants["DUET_MAX_RANK"]:
        raise Error("graph", f"a shape of {len(extents)} dimensions; at most {constants['DUET_MAX_RANK']} are possible")
    return ffi.new("duet_shape *", {"rank": len(extents), "dims": extents})[0]


def shape_tuple(shape: Any) -> Shape:
    return tuple(shape.dims[i] for i in range(shape.rank))


def axes_bits(axes: Axes, x: Any) -> int:
    """Bit i for dimension i; negative ones count from the last."""
    if axes is None:
        return constants["DUET_ALL_AXES"]
    rank = len(x.shape)
    bits = 0
    axis: Any
    for axis in [axes] if isinstance(axes, str) or not hasattr(axes, "__iter__") else axes:
        axis = whole("axis", axis, -(2**31), 2**31)
        if not -rank <= axis < rank:
            raise Error("graph", f"axis {axis} of a node of {rank} dimensions; they are -{rank} to {rank - 1}")
        bits |= 1 << (axis % rank)
    return bits


def _field(kind: str, name: str) -> Any:
    fields = dict(ffi.typeof(kind).fields)
    if name not in fields:
        raise TypeError(f"{kind} has no field {name!r}; it has {', '.join(fields)}")
    return fields[name].type


_EXPECTED = {"char *": "a text", "float": "a number", "double": "a number"}


def _set(made: Any, name: str, field: Any, value: Any) -> None:
    taken = NULL if value is None else text(value) if isinstance(value, str) else getattr(value, "pointer", value)
    try:
        setattr(made, name, enumerator(field.cname, value) if field.kind == "enum" else taken)
    except (TypeError, OverflowError):  # cffi's words are of its own types
        expected = _EXPECTED.get(field.cname, field.cname if field.kind == "pointer" else "a whole number")
        raise TypeError(f"{name}={brief(value)}, where {expected} is expected") from None


def struct(kind: str, /, **fields: Any) -> Struct:
    """A structure of the headers by the names of its fields; what is not said is 0 or NULL."""
    made = ffi.new(f"{kind} *")
    for name, value in fields.items():
        _set(made, name, _field(kind, name), value)
    whole = made[0]
    _kept[whole] = made
    return whole


def _prior(given: Any) -> Struct:
    """A number stands for that many of N(0, 1)."""
    if isinstance(given, (int, numpy.integer)):
        return lib.duet_prior_normal(given)
    if not isinstance(given, ffi.CData):
        raise Error(
            "usage", f"{given!r} is no prior: a number of N(0, 1), or what duet.prior_uniform(...) and the like make"
        )
    return given


def address(value: Struct) -> Any:
    if not isinstance(value, ffi.CData):
        raise TypeError(f"{brief(value)}, where a structure of the library's is expected, as duet.optimiser(...) makes one")
    return value if ffi.typeof(value).kind == "pointer" else ffi.addressof(value)


def initialiser(start: InitialiserLike) -> Struct:
    """A number: that constant. A word, or a word and its scale: ("normal", 0.02), "glorot_uniform". None: 0."""
    if start is None or isinstance(start, (int, float)):
        start = ("constant", float(start or 0))
    if isinstance(start, str):
        start = (start, 1.0)
    if isinstance(start, tuple):
        if len(start) != 2:
            raise Error("usage", f"{start!r} as an initialiser; a word and its scale are expected: ('normal', 0.02)")
        return struct("duet_initialiser", kind=start[0], scale=start[1])
    if isinstance(start, ffi.CData):
        return start
    if isinstance(start, real_numbers.Real):
        return struct("duet_initialiser", kind="constant", scale=float(start))
    raise Error(
        "usage",
        f"{brief(start)} as an initialiser; a number, a word or a word and its scale is expected: ('normal', 0.02); numbers "
        "for each element are written by store.write, once the store has memory",
    )


def prior_array(parts: Priors) -> Tuple[Any, int]:
    several = [_prior(part) for part in (parts if isinstance(parts, (list, tuple)) else [parts])]
    return ffi.new("duet_prior[]", several), len(several)


def prior_mixture(centres: Any, deviation: float) -> Struct:
    """Of normals with that deviation about `centres`, [components, features] float32, each as likely."""
    values = as_type(numbers(centres, "centres"), numpy.float32, "centres")
    if values.ndim != 2:
        raise Error("usage", f"centres of shape {values.shape}; they are [components, features]")
    made = lib.duet_prior_mixture(values.shape[1], values.shape[0], ffi.from_buffer("float[]", values), deviation)
    _kept[made] = values
    return made


def optimiser(kind: str = "adam", learning_rate: float = 1e-3, **fields: Any) -> Struct:
    """How a group is updated: "sgd", "rmsprop", "adam" or "adamw"; further fields as duet_optimiser has them (beta1,
    beta2, momentum, weight_decay, clip_norm, average, ...). What is not said is as duet_adam has it."""
    made = ffi.new("duet_optimiser *", lib.duet_adam(learning_rate))
    made.kind = enumerator("duet_optimiser_kind", kind)
    for name, value in fields.items():
        field = _field("duet_optimiser", name)
        setattr(
            made,
            name,
            (
                enumerator(field.cname, value)
                if field.kind == "enum"
                else text(value) if isinstance(value, str) else value
            ),
        )
    whole = made[0]
    _kept[whole] = made
    return whole


def key_values(settings: Any) -> List[str]:
    """{"latent": 20, "hidden": [400, 200]} as "latent=20", "hidden=400,200"; a list of such texts stays."""
    if settings is None:
        return []
    if isinstance(settings, str):
        return [settings]
    if not hasattr(settings, "items"):
        if not isinstance(settings, (list, tuple)) or not all(isinstance(one, str) for one in settings):
            raise Error("usage", f"settings={settings!r}; a dict is expected, as in settings={{'lr': 0.001}}")
        return list(settings)

    def value_text(value: Any) -> str:
        if isinstance(value, numpy.ndarray):
            value = value.tolist()
        if isinstance(value, (bool, numpy.bool_)):
            return "yes" if value else "no"
        if isinstance(value, (list, tuple)):
            return ",".join(value_text(one) for one in value)
        return str(value)

    return [f"{key}={value_text(value)}" for key, value in settings.items()]


def texts(values: Any) -> List[str]:
    """Several texts; one alone would be taken for its letters."""
    if isinstance(values, str):
        raise TypeError(f"{values!r}, where a list of texts is expected: [{values!r}]")
    if not isinstance(values, Iterable):
        raise TypeError(f"{brief(values)}, where a list of texts is expected")
    return list(values)


def text_array(values: Sequence[str]) -> Any:
    values = texts(values)
    return ffi.new("const char *[]", [text(value) for value in values])


__all__ = [
    "Axes",
    "Graph",
    "Group",
    "InitialiserLike",
    "Model",
    "Node",
    "Operand",
    "Optional",
    "Priors",
    "Sequence",
    "Shape",
    "ShapeLike",
    "Struct",
    "address",
    "axes_bits",
    "enumerator",
    "initialiser",
    "keeps_of",
    "labels_of",
    "layer_name",
    "node_array",
    "node_or_null",
    "node_pointer",
    "numbers",
    "operand_nodes",
    "optimiser",
    "pointer",
    "pointer_or_null",
    "prior_array",
    "prior_mixture",
    "shape_struct",
    "shape_tuple",
    "struct",
    "text",
    "truth",
    "warn",
    "where",
    "whole",
    "word_of",
    "words",
]
