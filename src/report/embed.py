# SPDX-License-Identifier: MIT
"""Turns the files of page/ into a C file, so that the library carries them: embed.py OUTPUT FILE...

page.css becomes duet_page_css. Arrays of numbers, because C11 promises only 4095 characters for a string literal.
"""
import pathlib
import sys


def array(path):
    text = path.read_bytes()
    if not text.isascii():
        sys.exit(f"{path}: the files of a page are plain ASCII")
    rows = [", ".join(map(str, text[i : i + 24])) + "," for i in range(0, len(text), 24)]
    return f"const char duet_page_{path.suffix[1:]}[] = {{\n" + "\n".join(rows) + "\n0};\n"


output, paths = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
head = '/* Made by src/report/embed.py from the files of src/report/page/. */\n#include "report/page.h"\n'
output.write_text("\n".join([head, *map(array, paths)]), encoding="ascii")
