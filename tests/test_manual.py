#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Help and manual pages say the same of the same commands, and their examples are command lines that exist.

usage: test_manual.py PROGRAM FOLDER_OF_PAGES; ends with exit status 0 if all holds
"""
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

import cases

program, pages = sys.argv[1], pathlib.Path(sys.argv[2])


def say(*words):
    return subprocess.run([program, *words], stdout=subprocess.PIPE, check=True, text=True).stdout


def commands():
    """The first list of `duet --help`."""
    return re.findall(r"^  (\S+) ", say("--help").split("\n\n")[2], re.M)


def options(help_text):
    """Every option by its long name and by its letter."""
    rows = re.findall(r"^  (?:(-\w),?| {3}) ?(?:(--[\w-]+))?", help_text, re.M)
    return {name for row in rows for name in row if name}


def plain(page):
    """A page without roff's escapes."""
    text = re.sub(r"\\f[BIR]|\\&", "", page)
    for escape, mark in {r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(ha": "^", r"\(ti": "~"}.items():
        text = text.replace(escape, mark)
    return text


class Manual(unittest.TestCase):
    def test_each_command_has_a_page(self):
        self.assertGreater(len(commands()), 15)
        expected = {"duet.1", *(f"duet-{name}.1" for name in commands())}
        self.assertEqual({path.name for path in pages.glob("*.1")}, expected)

    def test_pages_have_what_help_has(self):
        for name in commands():
            text, page = say(name, "--help"), plain((pages / f"duet-{name}.1").read_text())
            entries = re.findall(r"^\.TP\n(.*)$", page, re.M)
            named = {word.rstrip(",") for entry in entries for word in entry.split() if word.startswith("-")}
            self.assertEqual(options(text) - named, set(), name)
            for row in re.findall(r"^  (?:-\w, |    )--([\w-]+) +\S* *(\w.*)$", text, re.M):
                words = " ".join(row[1].replace("'", "").split()[:3])  # quoted commands are bold on a page
                self.assertIn(words, " ".join(page.replace("'", "").split()), (name, row))

    def test_help_is_said_in_two_ways(self):
        for name in commands():
            self.assertEqual(say("help", name), say(name, "--help"))

    def test_examples_are_command_lines(self):
        known = commands()
        for name in known:
            examples = re.findall(r"^  (.*duet .*)$", say(name, "--help").split("\nExample")[-1], re.M)
            self.assertTrue(examples, name)
            for example in examples:
                words = [word for word in shlex.split(example, comments=False)]
                words = words[words.index("duet") + 1 :]
                words = words[: next((i for i, word in enumerate(words) if word in "|>"), len(words))]
                self.assertIn(words[0], known, example)
                given = {word for word in words[1:] if word.startswith("-")}
                self.assertEqual(given - options(say(words[0], "--help")), set(), example)

    def test_topics_are_in_duet_1(self):
        page = plain((pages / "duet.1").read_text())
        for topic in ("exit-status", "environment", "files"):
            self.assertIn(f'.SH "{topic.upper().replace("-", " ")}"', page)
            for row in re.findall(r"^  (\S+) ", say("help", topic), re.M):
                self.assertIn(f".TP\n{row}", page)

    def test_the_library_page_has_each_function(self):
        page, root = plain((pages / "duet.h.3").read_text()), pathlib.Path(__file__).parents[1]
        for name in re.findall(r"^\s+(duet_\w+);$", (root / "src/libduet.map").read_text(), re.M):
            self.assertTrue(re.search(rf"[ *](?:{name}|{name.removesuffix('_at')})\(", page), name)
        for line in ("void duet_device_set_log(duet_device *device, duet_log_function log, void\n    *context);", ".EE\n.RS 4\nWhere long waits (program builds) are announced. NULL:", "duet_node duet_add(duet_node a, duet_node b);", ".SH \"duet/opencl.h\""):
            self.assertIn(f"\n{line}\n", page)

    def test_pages_are_of_this_version(self):
        version = say("--version").split()[1]
        for path in pages.glob("*.[13]"):
            self.assertRegex(path.read_text(), rf'\n\.TH DUET\S* [13] "\d{{4}}-\d\d-\d\d" "duet {re.escape(version)}"')


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
