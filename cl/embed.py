# SPDX-License-Identifier: MIT
"""Turns kernel sources into a C file, so that the library carries them: embed.py OUTPUT TABLE FOLDER FILE...

A file of the table is called by its name, or by its folder and name where that is another
than FOLDER. The texts become arrays of numbers, because C11 promises only 4095 characters for a string literal.
"""
import pathlib
import sys

HEAD = """/* Made by cl/embed.py from kernel files. */
#include "device/source.h"
"""


def array(index, path):
    text = path.read_bytes()
    if not text.isascii():
        sys.exit(f"{path}: kernel sources are plain ASCII, as some OpenCL compilers take nothing else")
    rows = [", ".join(map(str, text[i : i + 24])) + "," for i in range(0, len(text), 24)]
    return f"static const char text_{index}[] = {{\n" + "\n".join(rows) + "\n0};\n"


def main():
    output, table, folder = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    paths = [pathlib.Path(name) for name in sys.argv[4:]]
    names = [path.name if path.parent.name == folder else f"{path.parent.name}/{path.name}" for path in paths]
    arrays = [array(index, path) for index, path in enumerate(paths)]
    rows = [f'    {{"{name}", text_{index}}},' for index, name in enumerate(names)]
    end = f"const duet_embedded_source {table}[] = {{\n" + "\n".join(rows) + "\n    {0, 0},\n};\n"
    output.write_text("\n".join([HEAD, *arrays, end]), encoding="ascii")


main()
