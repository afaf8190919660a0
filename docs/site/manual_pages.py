# SPDX-License-Identifier: MIT
"""Manual pages of commands as pages of the site. They are in the roff that `duet manual` writes, and in no other.

Idea: a line of roff starts with a request or is words; each request has a few lines here. What begins with "-" becomes
an option of Sphinx's, so that searching and other pages find it.
"""
import re

from words import escaped, joined

ESCAPES = {r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(ha": "^", r"\(ti": "~", r"\(ga": "`", r"\e": "\\", r"\&": ""}
ESCAPE = re.compile(r"\\[-e&]|\\\([a-z]{2}")
MARKS = {"B": "**", "I": "*"}


def plain(text):
    """Without roff's escapes and changes of font."""
    return ESCAPE.sub(lambda found: ESCAPES[found[0]], re.sub(r"\\f[BIR]", "", text))


def styled(text):
    """With changes of font as marks; names of manual pages as links."""
    done, font = [], "R"
    for i, part in enumerate(re.split(r"\\f([BIR])", text)):
        if i % 2:
            font = part
        elif part:
            mark, words = MARKS.get(font, ""), escaped(plain(part))
            done.append(f"\0{mark}{words}{mark}\0" if mark else words)
    return joined(re.sub("\0\\*\\*(duet[a-z-]*)\\*\\*\0\\(1\\)", r":doc:`\1(1) <\1>`", "".join(done)))


def heading(text, line):
    return f"{text}\n{line * len(text)}\n"


def option(name, words):
    """An entry whose name is an option: '-q, --quiet', '--data NAME|PATH'."""
    return [f".. option:: {plain(name)}", "", f"   {words}", ""]


def section(title, lines):
    """One part of a page, as lines."""
    yield heading(title.capitalize() if title != "GPUS" else "GPUs", "-")
    words, entry = [], None

    def flush():
        nonlocal entry
        text = " ".join(words)
        words.clear()
        if entry is not None and plain(entry).startswith("-"):
            yield from option(entry, text)
        elif entry is not None:
            yield from (styled(entry), f"   {text}", "")
        elif text:
            yield from (text, "")
        entry = None

    rows = iter(lines)
    for row in rows:
        if row == ".TP":
            yield from flush()
            entry = next(rows)
        elif row == ".PP":
            yield from flush()
        elif row == ".EX":
            yield from flush()
            yield from (".. code-block:: sh", "")
            for code in iter(lambda: next(rows), ".EE"):
                yield "   " + plain(code)
            yield ""
        elif row == ".br":
            words.append("\n|")
        elif row.startswith(".BR "):
            name, rest = row[4:].split(" ", 1)
            words.append(styled(rf"\fB{plain(name)}\fR{rest}"))
        elif row.startswith("."):
            raise SystemExit(f"docs/site/manual_pages.py has no lines for the request {row!r}")
        else:
            words.append(styled(row))
    yield from flush()


def page(roff):
    """The whole page in reStructuredText."""
    parts = re.split(r"^\.SH (.*)\n", roff, flags=re.M)[1:]
    texts = {title.strip('"'): text.strip("\n") for title, text in zip(parts[::2], parts[1::2])}
    name, about = plain(texts.pop("NAME")).split(" - ", 1)
    command = name.replace("-", " ", 1)
    done = [heading(command, "="), escaped(about[0].upper() + about[1:]) + ".", "", f".. program:: {command}", ""]
    uses = styled(texts.pop("SYNOPSIS").replace("\n.br\n", "\n\n")).split("\n\n")
    done += [*(f"| {use}" for use in uses), ""]
    for title, text in texts.items():
        done += section(title, text.split("\n"))
    return "\n".join(done) + "\n"


def index(names):
    """The page that lists the others."""
    return "\n".join([heading("Commands, option by option", "="), "What ``man`` shows. :doc:`/docs/commands` is the guide.", "",
                      ".. toctree::", "", *(f"   {name}" for name in names)]) + "\n"
