# SPDX-License-Identifier: MIT
"""The reference of the Python package: what `import duet` offers, a section a module of the package, for Sphinx's autodoc.

Idea: __init__.py says what is public and where it comes from. The library is not loaded for it: conf.py puts something
else into the place of the module that would.
"""
import ast
import re
import shutil
import subprocess
import sys

MADE_OF_C = "functions"
DATA = {
    "c": "Every function of the headers, by its name without ``duet_``: ``duet.c.seconds()``.",
    "constants": "The headers' macros that are a number or a text, by name.",
    "ffi": "cffi's own object, for structures and pointers.",
}
# Sections: a module, or a header that functions are made of.
TITLES = {
    "training": "Training", "run": "Runs", "pictures": "Pictures", "metric": "Metrics", "comparison": "Runs side by side",
    "data": "Data", "device": "Devices", "model": "Models", "graph": "Graphs", "node": "Nodes and groups",
    "op.h": "Ops", "nn.h": "Layers, losses and optimisers", "model.h": "What a model's function uses", "graph.h": "Values in graphs",
    "window.h": "Windows on pictures", "convert": "Structures", "library": "Errors, and the library itself",
}


def stage_package(source, include, folder):
    """The package with the module that is made of the headers, in a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source / "duet", folder / "duet", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, source / "generate.py", "functions", include, folder / "duet" / f"{MADE_OF_C}.py"], check=True)
    return folder / "duet"


def public_names(package, include):
    """{section: names} of what __init__.py takes from its modules, and of what is made of the headers."""
    tree = ast.parse((package / "__init__.py").read_text())
    names = {node.module: [one.name for one in node.names] for node in tree.body
             if isinstance(node, ast.ImportFrom) and node.module and node.names[0].name != "*"}
    headers = {path.name: path.read_text() for path in (include / "duet").glob("*.h")}
    for node in ast.parse((package / f"{MADE_OF_C}.py").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found = re.compile(rf"^DUET_API [^;]*?\bduet_{node.name}(_at)?\(", re.M)
            header = next(name for name, text in headers.items() if found.search(text))
            names.setdefault(header, []).append(node.name)
    return names


def entry(name):
    """The lines for one name. Sphinx reads the words of classes and functions itself."""
    if name in DATA:
        return [f".. py:data:: duet.{name}", "", f"   {DATA[name]}", ""]
    if name[0].isupper():
        return [f".. autoclass:: duet.{name}", "   :members:", ""]
    return [f".. autofunction:: duet.{name}", ""]


def page(package, include):
    lines = ["The package for Python", "======================", "",
             ":doc:`/docs/python` is the guide. ``duet.c`` has every function of :doc:`the C interface <c/index>` by its name.", ""]
    sections = public_names(package, include)
    for section in sections.keys() - TITLES.keys():
        raise SystemExit(f"docs/site/python_reference.py has no title for {section}, whose names the package offers")
    for section, title in TITLES.items():
        lines += [title, "-" * len(title), ""]
        for name in sections[section]:
            lines += entry(name)
    return "\n".join(lines) + "\n"
