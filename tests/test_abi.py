#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that were linked with libduet.so.0 go on working with it.

usage: test_abi.py SOURCE_ROOT BUILD_ROOT symbols   the headers, the map of symbols and the library name the same functions
       test_abi.py SOURCE_ROOT BUILD_ROOT types     abidiff finds nothing broken since tests/abi/x86_64.abi.gz
       test_abi.py SOURCE_ROOT BUILD_ROOT store     makes that file anew: CONTRIBUTING.md says when
"""
import gzip
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases

source, build = (pathlib.Path(word) for word in sys.argv[1:3])
STORED = source / "tests/abi/x86_64.abi.gz"


def describe(folder):
    """The file that abidw writes of a library with debugging information, which is built for it."""
    subprocess.run(["meson", "setup", "--buildtype", "debug", "-Dtests=false", folder / "build", source], check=True, stdout=subprocess.DEVNULL)
    version = next(folder.glob("build/build.ninja")).read_text()
    name = re.search(r"^build (libduet\.so\.[\d.]+):", version, re.M)[1]
    subprocess.run(["ninja", "-C", folder / "build", name], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["abidw", "--suppressions", source / "tests/abi/private.suppr", "--exported-interfaces-only",
                    "--no-parameter-names", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-elf-needed",
                    "--no-write-default-sizes", "--out-file", folder / "new.abi", folder / "build" / name], check=True)
    return folder / "new.abi"


def compare(old, new):
    """Exit status and words of abidiff, to which a struct of another size is a change like any other; 0: only additions."""
    end = subprocess.run(["abidiff", "--no-added-syms", old, new], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return end.returncode, end.stdout


class Symbols(unittest.TestCase):
    def test_the_map_lists_what_headers_declare(self):
        listed = re.findall(r"^\s+(duet_\w+);$", (source / "src/libduet.map").read_text(), re.M)
        text = "".join(path.read_text() for path in sorted(source.glob("include/**/*.h")) if path.name != "mpi.h")
        text = re.sub(r"^#.*?[^\\]$", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S), flags=re.M | re.S)
        declared = {re.search(r"(duet_\w+)\s*(?:\(|;|\[)", words)[1] for words in re.findall(r"DUET_API\s+([^;]*;)", text)}
        self.assertGreater(len(declared), 300)
        self.assertEqual(sorted(declared - set(listed)), [], "declared, but not in src/libduet.map: add them there")
        self.assertEqual(sorted(set(listed) - declared), [], "in src/libduet.map, but declared nowhere")
        self.assertEqual(listed, sorted(set(listed)))

    def test_the_library_shows_the_map_and_no_more(self):
        if shutil.which("nm") is None or platform.system() != "Linux":
            self.skipTest("nm reads no library here")
        lines = subprocess.run(["nm", "-D", "--defined-only", build / "libduet.so"], stdout=subprocess.PIPE, check=True, text=True).stdout.split("\n")
        shown = {line.split()[-1] for line in lines if line and line.split()[-2] != "A"}
        listed = re.findall(r"^\s+(duet_\w+);$", (source / "src/libduet.map").read_text(), re.M)
        self.assertEqual(shown, {f"{name}@@DUET_0" for name in listed})


class Types(unittest.TestCase):
    def test_nothing_is_broken(self):
        if platform.machine() != "x86_64":
            self.skipTest("the stored description is of x86-64")
        for program in ("abidw", "abidiff", "meson", "ninja"):
            if shutil.which(program) is None:
                self.skipTest(f"{program} is not installed")
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "old.abi").write_bytes(gzip.decompress(STORED.read_bytes()))
            new = describe(folder)
            status, words = compare(folder / "old.abi", new)
            self.assertEqual(status, 0, f"programs of before would break (CONTRIBUTING.md, \"The interface in C\"):\n{words}")
            # were the description empty, or abidiff blind, the comparison would pass for nothing
            for pattern, instead in ((r"(elf-symbol|function-decl) name='duet_version'", r"\1 name='duet_verse'"),
                                     (r"(name='duet_request' size-in-bits=)'(\d+)'", r"\1'8\2'")):
                text, count = re.subn(pattern, instead, new.read_text())
                self.assertGreater(count, 0, pattern)
                (folder / "broken.abi").write_text(text)
                self.assertNotEqual(compare(folder / "old.abi", folder / "broken.abi")[0], 0, pattern)


def store():
    with tempfile.TemporaryDirectory() as name:
        STORED.write_bytes(gzip.compress(describe(pathlib.Path(name)).read_bytes(), mtime=0))


if __name__ == "__main__":
    if sys.argv[3] == "store":
        store()
        sys.exit()
    if sys.argv[3] == "symbols":
        del Types
    else:
        del Symbols
    sys.argv[1:] = []
    cases.main()
