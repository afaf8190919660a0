#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the exercises from the solutions: what stands between a comment with HOLE and END is left out."""
import pathlib
import re

HERE = pathlib.Path(__file__).parent
HOLE = re.compile(r"(/\*(?:(?!\*/).)*?HOLE:(?:(?!\*/).)*\*/\n)(.*?)( *)/\* END \*/\n", re.S)


def exercise(text):
    def cut(match):
        kept = "// schedule:\n" if match[2].startswith("// schedule:") else "\n"
        return match[1] + kept

    return HOLE.sub(cut, text)


def main():
    for solution in sorted((HERE / "solutions").glob("*.cl")):
        (HERE / "exercises" / solution.name).write_text(exercise(solution.read_text()))


if __name__ == "__main__":
    main()
