# SPDX-License-Identifier: MIT
"""Plain words with Markdown's backticks, as comments and docstrings here are written, as reStructuredText.

Idea: what is a word stays a word. Everything that reStructuredText would take for markup is escaped.
"""
import re

NAME = re.compile(r"\b(duet_\w+|DUET_\w+)\b")


def escaped(text):
    """Words as they stand."""
    return re.sub(r"([\\*|_`])", r"\\\1", text)


def joined(text):
    """With a backslash and a space, which are not seen, for each NUL that stands between marks and words without a space."""
    return re.sub(r"\0+(?=\s|$)|(?:^|(?<=\s))\0+", "", text).replace("\0", r"\ ")


def rst(text, roles=None):
    """One paragraph. `roles` has a role for each name that stands in the C reference, which becomes a link to it."""
    def linked(part):
        pieces = NAME.split(part)  # words, name, words, name, ...
        for i in range(1, len(pieces), 2):
            role = (roles or {}).get(pieces[i])
            pieces[i] = f"\0:{role}:`{pieces[i]}`\0" if role else escaped(pieces[i])
        pieces[::2] = map(escaped, pieces[::2])
        return "".join(pieces)

    parts = re.split(r"`([^`\n]+)`", text)
    return joined("".join(linked(part) if i % 2 == 0 else f"\0``{part}``\0" for i, part in enumerate(parts)).strip())


def list_item(text):
    name, words = " ".join(text.split()).split(": ", 1)
    return f"* **{escaped(name)}**: {rst(words)}"


def docstring(lines):
    """A docstring's lines. Lines "name: what it is" become a list, a paragraph that is indented stays as it is."""
    done = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip("\n")):
        if all(row.startswith("    ") for row in block.split("\n")):
            done.append("::\n\n" + block)
        elif re.match(r"\w+(, \w+)*: ", block):
            done.append("\n".join(map(list_item, re.split(r"\n(?=\w+(?:, \w+)*: )", block))))
        else:
            done.append(rst(" ".join(block.split())))
    return "\n\n".join(done).split("\n")
