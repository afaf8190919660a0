#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the parts of the Python package that say what the headers say: run by the build, nothing of it is kept by hand.

Idea: include/duet is the one description. Stripped of comments and macros it is what cffi reads; a function whose
parameters are all of kinds in TABLE becomes a Python function with the header's own words as its docstring.
usage: generate.py interface|functions INCLUDE_FOLDER OUTPUT
"""

import keyword
import pathlib
import re
import sys

FREE = "void free(void *pointer);\n"  # of the C library
OPENCL = "".join(
    f"typedef struct _{name} *{name};\n" for name in ("cl_context", "cl_device_id", "cl_command_queue", "cl_mem")
)
# A parameter's type in C: its type in Python, and the expression that passes it on.
TABLE = {
    "duet_node": ("Operand", "node_pointer({0})"),
    "duet_graph *": ("Graph", "pointer({0})"),
    "duet_model *": ("Model", "building({0})"),
    "const duet_model *": ("Model", "building({0})"),
    "const duet_graph *": ("Graph", "pointer({0})"),
    "duet_group *": ("Group", "pointer({0})"),
    "const duet_group *": ("Group", "pointer({0})"),
    "const char *": ("str", "text({0})"),
    "size_t": ("int", "whole('{0}', {0})"),
    "uint64_t": ("int", "whole('{0}', {0})"),
    "unsigned": ("Axes", "axes_bits({0}, x)"),
    "double": ("float", "{0}"),
    "bool": ("bool", "truth('{0}', {0})"),
    "duet_shape": ("ShapeLike", "shape_struct({0})"),
    "duet_type": ("str", "enumerator('duet_type', {0})"),
    "duet_padding": ("str", "enumerator('duet_padding', {0})"),
    "duet_status": ("str", "enumerator('duet_status', {0})"),
    "duet_initialiser": ("InitialiserLike", "initialiser({0})"),
    "duet_window": ("Struct", "{0}"),
    "const duet_window *": ("Struct", "address({0})"),
    "const duet_prior *": ("Struct", "address({0})"),
    "const duet_optimiser *": ("Struct", "address({0})"),
    "const duet_hidden_options *": ("Struct", "address({0})"),
}
# Of parameters that may be NULL, which their function's words say: what passes None on.
NULLABLE = {
    "duet_node": ("Optional[Operand]", "node_or_null({0})"),
    "duet_group *": ("Optional[Group]", "pointer_or_null({0})"),
}
# An array and the count after it are one list in Python.
LISTS = {
    "const duet_node *": ("Sequence[Node]", "node_array({0})"),
    "const duet_prior *": ("Priors", "prior_array({0})"),
}
RESULTS = {
    "duet_node": ("Node", "Node({0}, keeps_of({1}))"),
    "duet_group *": ("Group", "Group({0}, keeps_of({1}))"),
    "void": ("None", "{0}"),
    "size_t": ("int", "{0}"),
    "double": ("float", "{0}"),
    "bool": ("bool", "bool({0})"),
    "duet_shape": ("Shape", "shape_tuple({0})"),
    "duet_type": ("str", "word_of('duet_type', {0})"),
    "duet_window": ("Struct", "{0}"),
    "duet_prior": ("Struct", "{0}"),
    "duet_optimiser": ("Struct", "{0}"),
    "const char *": ("Optional[str]", "words({0})"),
}
# Of a model that need not be being built.
ANY_TIME = {"model_group", "model_example_shape", "model_unit_range", "setting_is", "setting_number"}
MADE_OF = ("op.h", "nn.h", "graph.h", "model.h", "window.h")  # headers whose functions are said in Python one by one
# Written by hand, as Python says them in another way: handles that are freed, arrays that are kept.
BY_HAND = {"duet_group_of", "duet_prior_mixture", "duet_model_setting_text", "duet_graph_count"}


def headers(folder):
    """The public headers as (name, text), each after those that it includes."""
    done, order = set(), []

    def visit(path):
        if path in done:
            return
        done.add(path)
        text = path.read_text()
        for name in re.findall(r'^#include "([^"]+)"', text, re.M):
            visit((path.parent / name).resolve())
        order.append((path.name, text))

    visit((folder / "duet.h").resolve())
    visit((folder / "duet" / "opencl.h").resolve())
    return order


def strip(text):
    """Declarations alone: no comments, no directives, no words for the compiler."""
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    text = re.sub(r"\bDUET_API\b|\bDUET_PRINTF\([^)]*\)", "", text)
    return re.sub(r"\n\s*\n+", "\n", text)


def constants(text):
    """Macros that are one number or text: {name: Python's way to write it}."""
    found = {}
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    for name, value in re.findall(r"^#define (DUET_\w+)[ \t]+(\S.*?)[ \t]*$", text, re.M):
        number = re.fullmatch(r"(0x[0-9A-Fa-f]+|[\d.]+(?:e[-+]?\d+)?)u?", value)
        if number:
            found[name] = number[1]
        elif re.fullmatch(r'"[^"]*"', value):
            found[name] = value
    return found


def declarations(order):
    """All of them as cffi reads them. Macros stand in extents of arrays."""
    text = FREE + OPENCL + "".join(strip(text) for _, text in order)
    numbers = {name: value for _, whole in order for name, value in constants(whole).items() if '"' not in value}
    return re.sub(r"\[(DUET_\w+)\]", lambda match: f"[{numbers.get(match[1], match[1])}]", text)


def write_interface(order, output):
    import cffi

    builder = cffi.FFI()
    builder.cdef(declarations(order))
    builder.set_source("duet._interface", None)
    builder.emit_python_code(str(output))
    table = {name: value for _, text in order for name, value in constants(text).items()}
    with open(output, "a") as file:
        file.write("\n# Macros that are a number or a text.\nconstants: dict = {\n")
        file.writelines(f'    "{name}": {value},\n' for name, value in sorted(table.items()))
        file.write("}\n")


FUNCTION = re.compile(r"(?:/\*\*((?:(?!\*/).)*)\*/\s*)?DUET_API\s+([^;{]*?);", re.S)


def split_parameter(text):
    """'const duet_node *parts' -> ('const duet_node *', 'parts'); None for what TABLE has no word for."""
    match = re.fullmatch(r"((?:const )?\w+(?: \*(?:const \*)?)?)\s*(\w+)", re.sub(r"\s+", " ", text.strip()))
    if not match:
        return None
    return match[1].strip(), match[2] + "_" if keyword.iskeyword(match[2]) else match[2]


def defaults_of(header, name, parameters):
    """What the macro of the plain name passes on by itself, such as an epsilon: {parameter: value}."""
    flat = header.replace("\\\n", " ")
    match = re.search(rf"#define {name}\(([^)]*)\)\s+{name}_at\(DUET_WHERE, (.*)\)\s*$", flat, re.M)
    if not match or "..." in match[1]:
        return {}
    passed = [word.strip() for word in match[2].split(",")]
    values = {"true": "True", "false": "False", "NULL": "None", **constants(header)}
    return {parameter: values[word] for (_, parameter), word in zip(parameters, passed) if word in values}


def functions(order):
    """(header, name in C, doc, result, parameters) of each public function; parameters None where one is not simple."""
    for header, text in order:
        text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.S)
        for doc, declaration in FUNCTION.findall(text):
            declaration = re.sub(r"\s+", " ", re.sub(r"\bDUET_PRINTF\([^)]*\)", "", declaration)).strip()
            match = re.fullmatch(r"(.*?)(duet_\w+)\((.*)\)", declaration)
            if not match:
                raise SystemExit(f"{header}: not understood: {declaration}")
            plain = "(" not in match[3] and "[" not in match[3]
            given = [] if match[3] == "void" else match[3].split(",")
            parameters = [split_parameter(part) for part in given] if plain else [None]
            yield header, text, match[2], doc, match[1].strip(), None if None in parameters else parameters


def docstring(doc):
    text = " ".join(line.strip().lstrip("*").strip() for line in doc.replace("**<", "").splitlines()).strip()
    return re.sub(r"\bduet_(\w+)", r"\1", text).replace("\\", "\\\\").replace('"""', "'''")


def may_be_null(doc, argument):
    """Whether a function's words say so: "bias [out], or NULL for none", "neither if group is NULL"."""
    return re.search(rf"\b{argument}\b`?(?: \[[^]]*\])?,? (?:or|is) NULL", " ".join(doc.replace("*", " ").split())) is not None


def python_function(header, text, name, doc, result, parameters):
    """Its lines, and its short name; None if Python says it in another way."""
    placed = bool(parameters) and parameters[0] == ("const char *", "where")
    short = re.sub(r"^duet_|_at$" if placed else r"^duet_", "", name)
    if parameters is None or header not in MADE_OF or name in BY_HAND or result not in RESULTS:
        return None
    defaults = defaults_of(text, name[:-3], parameters[1:]) if placed else {}
    signature, passed, operands, sources, skip = [], ["where()"] if placed else [], [], [], False
    parameters = parameters[1:] if placed else parameters
    for index, (kind, argument) in enumerate(parameters):
        if skip:
            skip = False
            continue
        following = parameters[index + 1] if index + 1 < len(parameters) else None
        if kind in LISTS and following == ("size_t", "count"):
            hint, expression = LISTS[kind]
            skip = True
            passed.append(
                expression.format(argument) + f", len({argument})"
                if kind == "const duet_node *"
                else f"*{expression.format(argument)}"
            )
        elif kind in TABLE and (kind != "unsigned" or argument == "axes"):
            hint, expression = NULLABLE[kind] if kind in NULLABLE and may_be_null(doc, argument) else TABLE[kind]
            if argument == "layer" and may_be_null(doc, "group"):  # a name for what no group has
                hint, expression = "Optional[str]", "layer_name(group, {0})"
            expression = "pointer({0})" if short in ANY_TIME and hint == "Model" else expression
            passed.append(expression.format(argument))
        else:
            return None
        if kind == "duet_node":
            operands.append(argument)
        if kind in ("duet_node", "duet_graph *", "duet_model *", "duet_group *", "const duet_node *"):
            sources.append(argument)
        default = defaults.get(argument)
        if kind == "unsigned" or argument in ("keep", "transpose_a", "transpose_b") and kind in ("bool", "unsigned"):
            default = "None" if kind == "unsigned" else "False"
        if default is None and signature and " = " in signature[-1]:
            signature = [part.split(" = ")[0] for part in signature]
        signature.append(f"{argument}: {hint}" + (f" = {default}" if default is not None else ""))
    hint, expression = RESULTS[result]
    lines = [f"def {short}({', '.join(signature)}) -> {hint}:", f'    """{docstring(doc) or short}"""']
    if operands:
        lines.append(
            f"    {', '.join(operands)}{',' if len(operands) == 1 else ''} = operand_nodes({', '.join(operands)})"
        )
    call = f"lib.{name}({', '.join(passed)})"
    lines.append(f"    return {expression.format(call, ', '.join(sources))}")
    kind = parameters[0][0] if parameters else ""
    return short, kind, "\n".join(lines)


HEAD = '''# SPDX-License-Identifier: MIT
"""The functions of graph.h, op.h, nn.h, model.h and window.h, with the words of these headers. Made by generate.py.

A number may stand wherever a node is taken, beside one: it becomes a constant. Axes are one number or several; None:
all of them.
"""
from __future__ import annotations

from .convert import (Axes, Graph, Group, InitialiserLike, Model, Node, Operand, Optional, Priors, Sequence, Shape,
                      ShapeLike, Struct, address, axes_bits, building, enumerator, initialiser, keeps_of, layer_name, node_array,
                      node_or_null, node_pointer, operand_nodes, pointer, pointer_or_null, prior_array, shape_struct, shape_tuple, text, truth,
                      where, whole, word_of, words)
from .library import lib


'''


def write_functions(order, output):
    made = [found for found in (python_function(*row) for row in functions(order)) if found]
    of_model = [(re.sub(r"^model_", "", short), short) for short, kind, _ in made if kind.endswith("duet_model *")]
    with open(output, "w") as file:
        file.write(HEAD + "\n\n\n".join(lines for _, _, lines in made))
        file.write('\n\n\nclass ModelFunctions:\n    """Those whose first parameter is a model, as its methods."""\n\n')
        file.writelines(f"    {name} = {short}\n" for name, short in of_model)
        file.write("\n\n__all__ = [\n")
        file.writelines(f'    "{short}",\n' for short, _, _ in made)
        file.write("]\n")


def main():
    what, folder, output = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    {"interface": write_interface, "functions": write_functions}[what](headers(folder), output)


if __name__ == "__main__":
    main()
