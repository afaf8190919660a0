#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds the documentation as a site: `meson compile -C build site` runs it, build/site/html/index.html is the front page.

Idea: one folder of sources as Sphinx wants them. The documents are those of the repository, in their places, so that links
hold on a forge and on the site; beside them lie pages made of what knows best: commands of their manual pages, the C
interface of its headers, the Python package of itself, and code that documents link to.
usage: build.py SOURCE_FOLDER BUILD_FOLDER VERSION
"""
import pathlib
import re
import shutil
import subprocess
import sys

import c_reference
import links
import manual_pages
import python_reference
import theme

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**/*.md", "bench/devices/README.md", "examples/**/*.md")
LANGUAGES = {".c": "c", ".h": "c", ".cl": "c", ".py": "python"}
PACKAGES = "doxygen python3-sphinx python3-myst-parser furo"  # Debian's
LINK = re.compile(r"(?<=\]\()([^()#\s:]+)(?=[#)])")


def number_first(path):
    """The order of names that start with a number: 2 before 10."""
    number = re.match(r"\d+", path.name)
    return int(number[0]) if number else 0, path.name


def code_page(root, path):
    """A page that shows a file; of a folder, its files."""
    name = path.relative_to(root)
    lines = ["---", "orphan: true", "---", f"# {name}", ""]
    for file in [path] if path.is_file() else sorted(path.iterdir(), key=number_first):
        if path.is_dir():
            lines += [f"## {file.name}", ""]
        lines += [f"``````{LANGUAGES[file.suffix]}", file.read_text().rstrip("\n"), "``````", ""]
    return "\n".join(lines)


def stage_document(root, document, pages):
    """Adds a document to the pages, {place: text or path to copy}, and what it links to."""
    def target(found):
        path = (document.parent / found[1]).resolve()
        if root not in path.parents or not path.exists() or path.suffix == ".md":
            return found[1]
        name = path.relative_to(root)
        if path.is_dir() or path.suffix in LANGUAGES:
            pages.setdefault(name / "index.md" if path.is_dir() else f"{name}.md", code_page(root, path))
            return found[1].rstrip("/") + ("/index.md" if path.is_dir() else ".md")
        pages.setdefault(name, path)
        return found[1]

    pages[document.relative_to(root)] = LINK.sub(target, document.read_text())


def collect(root, build):
    """All sources of the site, {place: text or path to copy}."""
    here, pages = root / "docs" / "site", {}
    for document in sorted({path for pattern in DOCUMENTS for path in root.glob(pattern)} - {here / "contents.md"}):
        stage_document(root, document, pages)
    pages["index.md"] = pages.pop(pathlib.Path("README.md")) + (here / "contents.md").read_text()

    names = []
    for manual in sorted((build / "docs").glob("duet*.1")):
        names.append(manual.stem)
        pages[f"commands/{manual.stem}.rst"] = manual_pages.page(manual.read_text())
    pages["commands/index.rst"] = manual_pages.index(names)

    headers = sorted((root / "include" / "duet").glob("*.h"))
    xml = c_reference.run_doxygen(here / "Doxyfile", headers, build / "site" / "doxygen")
    for name, text in c_reference.pages(xml, headers, root / "include" / "duet.h").items():
        pages[f"reference/c/{name}.rst"] = text
    package = python_reference.stage_package(root / "python", root / "include", build / "site" / "python")
    pages["reference/python.rst"] = python_reference.page(package, root / "include")
    return pages


def write(pages, folder):
    """Makes the folder hold these pages and nothing else; what has not changed is left alone, so that Sphinx is quick."""
    for place, page in pages.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        content = page.read_bytes() if isinstance(page, pathlib.Path) else page.encode()
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    kept = {folder / place for place in pages}
    for path in [path for path in folder.rglob("*") if path.is_file() and path not in kept]:
        path.unlink()


def missing():
    """What the site needs and this machine has not."""
    programs = [name for name in ("doxygen", "sphinx-build") if shutil.which(name) is None]
    if "sphinx-build" in programs:
        return programs
    python = pathlib.Path(shutil.which("sphinx-build")).read_text(errors="replace").split("\n")[0].removeprefix("#!").split()
    if shutil.which(python[0]) is None:
        return [*programs, python[0]]
    return programs + [module for module in ("sphinx", "myst_parser", "furo")
                       if subprocess.run([*python, "-c", f"import {module}"], capture_output=True).returncode != 0]


def main():
    root, build, version = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
    if missing():
        raise SystemExit(f"the site needs what is not installed here: {', '.join(missing())}; on Debian: apt-get install {PACKAGES}")
    folder = build / "site"
    write(collect(root, build), folder / "source")
    status = subprocess.run(["sphinx-build", "-q", "-W", "--keep-going", "-c", root / "docs" / "site", "-D", f"version={version}",
                             "-D", f"release={version}", folder / "source", folder / "html"]).returncode
    if status != 0:
        raise SystemExit("the site is not right: see the warnings above")
    theme.mend(folder / "html" / "_static")
    faults = list(links.faults(folder / "html"))
    if faults:
        raise SystemExit("\n".join(faults))
    print(f"{folder}/html/index.html")


if __name__ == "__main__":
    main()
