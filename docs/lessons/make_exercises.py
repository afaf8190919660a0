#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the exercises from the solutions: what stands between a comment that begins with HOLE and END is left out.

make_exercises.py writes exercises/; make_exercises.py --check says whether they are what it would write.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
HOLE = re.compile(r"(/\*(?:(?!\*/).)*?HOLE:(?:(?!\*/).)*\*/\n)(.*?)( *)/\* END \*/\n", re.S)


def exercise(text):
    def cut(match):
        kept = "// schedule:\n" if match[2].startswith("// schedule:") else "\n"
        return match[1] + kept

    return HOLE.sub(cut, text)


def main():
    stale = []
    for solution in sorted((HERE / "solutions").glob("*.cl")):
        path, text = HERE / "exercises" / solution.name, exercise(solution.read_text())
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            stale.append(path.name)
    if stale:
        sys.exit("not what docs/lessons/make_exercises.py makes of the solutions: " + ", ".join(stale))


main()
