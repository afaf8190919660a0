# SPDX-License-Identifier: MIT
"""Turns kernel sources into a C file, so that the library carries them: embed.py OUTPUT FILE...

The texts become arrays of numbers, because C11 promises only 4095 characters for a string literal.
"""
import pathlib
import sys

HEAD = """/* Made by cl/embed.py from the files of cl/. */
#include "device/source.h"
"""


def array(index, path):
    text = path.read_bytes()
    if not text.isascii():
        sys.exit(f"{path}: kernel sources are plain ASCII, as some OpenCL compilers take nothing else")
    rows = [", ".join(map(str, text[i : i + 24])) + "," for i in range(0, len(text), 24)]
    return f"static const char text_{index}[] = {{\n" + "\n".join(rows) + "\n0};\n"


def main():
    output, paths = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    arrays = [array(index, path) for index, path in enumerate(paths)]
    rows = [f'    {{"{path.name}", text_{index}}},' for index, path in enumerate(paths)]
    table = "const duet_embedded_source duet_embedded_sources[] = {\n" + "\n".join(rows) + "\n    {0, 0},\n};\n"
    output.write_text("\n".join([HEAD, *arrays, table]), encoding="ascii")


main()
