# SPDX-License-Identifier: MIT
"""duet.h(3), made of the headers: headers.py VERSION DATE DUET.H HEADER... prints it in roff.

A comment "/** ... */" belongs to the declarations below it, up to the next comment. Functions with an _at form, which takes the
place to name in errors, are shown as the macro is called that fills it in. Types stand as they are written.
"""
import pathlib
import re
import sys
import textwrap

ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti", '"': r"\(dq"}


def escaped(text):
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def prose(comment):
    """The words of a comment in short lines, one a paragraph."""
    words = re.sub(r"^\s*/\*+<?|\*/\s*$", "", comment)
    words = re.sub(r"^[ \t]*\*[ \t]?", "", words, flags=re.M)
    for paragraph in re.split(r"\n\s*\n", words.strip()):
        lines = textwrap.wrap(" ".join(paragraph.split()), 62, break_on_hyphens=False)
        yield [re.sub(r"^\.", r"\\&.", re.sub(r"\b(duet_\w+)", r"\\fB\1\\fR", escaped(line))) for line in lines]


def put_prose(comment):
    for i, lines in enumerate(prose(comment)):
        if i > 0:
            print(".PP")
        print("\n".join(lines))


def code(text):
    """Lines of C as they stand."""
    return "\n".join((r"\&" if line.startswith(".") else "") + escaped(line) for line in text.strip("\n").split("\n"))


def pieces(text):
    """(kind, text) of a header, in order: "comment" of a part, "doc", "code"."""
    text = re.sub(r"#ifdef __cplusplus.*?#endif\n", "", text, flags=re.S)
    text = re.sub(r"\A.*?#define DUET_\w+_H\n", "", text, flags=re.S)
    text = re.sub(r"#if defined\(__GNUC__\).*?#endif\n", "", text, flags=re.S)
    text = re.sub(r"\n#endif\s*\Z", "\n", text)
    text = re.sub(r"^#(include|ifndef|ifdef|if|else|endif).*\n", "", text, flags=re.M)
    for piece in re.split(r"^(/\*.*?\*/)[ \t]*\n", text, flags=re.M | re.S):
        if piece.strip():
            yield "doc" if piece.startswith("/**") else "comment" if piece.startswith("/*") else "code", piece


def prototype(found):
    words = re.sub(r"\s+", " ", found[1])
    return textwrap.fill(words, 74, subsequent_indent="    ", break_on_hyphens=False)


def declarations(lines):
    """Functions as they are called."""
    for name in re.findall(r"^#define (duet_\w+)\(", lines, re.M):
        lines = re.sub(rf"^#define {name}\((?:.*\\\n)*.*\n?", "", lines, flags=re.M)
        lines = re.sub(rf"\b{name}_at\(\s*const char \*where, ", f"{name}(", lines)
    return re.sub(r"\n{2,}", "\n", re.sub(r"\bDUET_API\s+([^;]*;)", prototype, lines)).strip("\n")


def put_header(path):
    text = path.read_text()
    about = re.findall(r"/\*(?!\*)(?! SPDX).*?\*/", text.split("#ifndef", 1)[0], re.S)
    print(f'.SH "duet/{path.name}"')
    for comment in about:
        put_prose(comment)
    doc = None
    for kind, piece in pieces(text):
        if kind == "comment":
            print(".PP")
            put_prose(piece)
        elif kind == "doc":
            doc = piece
        else:
            lines = declarations(piece)
            if not lines:
                continue
            print(f".PP\n.EX\n{code(lines)}\n.EE")
            if doc is not None:
                print(".RS 4")
                put_prose(doc)
                print(".RE")
            doc = None


def main():
    version, date, whole, *headers = sys.argv[1:]
    print(f'.\\" SPDX-License-Identifier: MIT\n.\\" Made by docs/headers.py of the headers.\n.TH DUET.H 3 "{date}" "duet {version}" "Library Functions"')
    print(".SH NAME\nduet.h \\- generative models through OpenCL\n.SH SYNOPSIS\n\\fB#include <duet.h>\\fR\n.PP\n"
          "cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs duet)\n.SH DESCRIPTION")
    put_prose(re.findall(r"/\*(?! SPDX).*?\*/", pathlib.Path(whole).read_text(), re.S)[0])
    for name in headers:
        put_header(pathlib.Path(name))
    print('.SH "SEE ALSO"\n.BR duet (1)')


main()
