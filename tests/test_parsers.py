#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Duet reads, read from arbitrary bytes: tests/fuzz/parsers.c on its corpus, and with libFuzzer on what that makes up.

usage: test_parsers.py FOLDER_OF_fuzz_PROGRAMS [SECONDS]

Without SECONDS the corpus alone is read. With them the programs are libFuzzer's and run that long each; a line says how many
inputs there were, and an input that crashes is left in the folder of the results.
"""
import os
import pathlib
import re
import subprocess
import sys
import unittest

import cases

CORPUS = pathlib.Path(__file__).resolve().parent / "fuzz" / "corpus"
# What drivers and threads of theirs keep is no leak of ours, and the leak checker crashes on them: leaks.txt says which.
QUIET = {"DUET_TUNING": "off", "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


class Parsers(unittest.TestCase):
    def read(self, kind):
        words = [FOLDER / f"fuzz_{kind}", CORPUS / kind]
        if SECONDS:
            found = pathlib.Path(os.environ.get("CMOCKA_XML_FILE", "./%g")).parent
            (found / kind).mkdir(parents=True, exist_ok=True)  # what libFuzzer finds new goes to the first folder
            words[1:1] = [found / kind]
            words += [f"-max_total_time={SECONDS}", "-rss_limit_mb=4096", "-timeout=60", f"-artifact_prefix={found}/{kind}-"]
        ended = subprocess.run(words, env={**os.environ, **QUIET}, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.assertEqual(ended.returncode, 0, (ended.stdout + ended.stderr)[-4000:])
        told = re.findall(r"Done (\d+) runs", ended.stderr) if SECONDS else re.findall(r"(\d+) files read", ended.stdout)
        print(f"{kind}: {told[0]} inputs, none crashes", file=sys.stderr)


def add_case(kind):
    setattr(Parsers, f"test_{kind}", lambda self: self.read(kind))


if __name__ == "__main__":
    FOLDER, SECONDS = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else None
    for path in sorted(CORPUS.iterdir()):
        add_case(path.name)
    cases.main()
