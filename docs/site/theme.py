# SPDX-License-Identifier: MIT
"""Mends the theme furo as Debian packages it, in a site that is built; one that is whole is left as it is.

Debian 12 cannot run the tools that furo is put together with. So its style is taken from a server's folder, its script
asks for a module, which browsers refuse in pages that are files, and what it says of people who prefer dark is lost.
"""
import pathlib
import re

NORMALIZE = pathlib.Path("/usr/share/javascript/normalize.css/normalize.css")
IMPORT = '@import url(/javascript/normalize.css/normalize.css);'
MODULE = 'import Gumshoe from "./gumshoe-patched.js";'
DARK = re.compile(r"@media not print \{(.*? \} \})", re.S)


def mended_style(text):
    text = text.replace(IMPORT, NORMALIZE.read_text() if IMPORT in text else "")
    dark = DARK.search(text)
    if dark and "prefers-color-scheme" not in text:
        rules = dark[1].replace('body[data-theme="dark"]', 'body:not([data-theme="light"])')
        text += f"\n@media screen and (prefers-color-scheme: dark) {{{rules}\n"
    return text


def mend(static):
    style, script = static / "styles" / "furo.css", static / "scripts" / "furo.js"
    style.write_text(mended_style(style.read_text()))
    text = script.read_text()
    if MODULE in text:
        script.write_text(text.replace(MODULE, (static / "scripts" / "gumshoe-patched.js").read_text()))
