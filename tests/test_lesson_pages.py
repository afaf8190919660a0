#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pages of the lessons: exercises are what the script makes of the solutions, and what a page names is there.

usage: test_lesson_pages.py; ends with exit status 0 if all holds
"""
import importlib.util
import pathlib
import re
import sys
import unittest

import cases

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
LESSONS = ROOT / "docs" / "lessons"
spec = importlib.util.spec_from_file_location("make_exercises", LESSONS / "make_exercises.py")
make_exercises = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_exercises)


class Pages(unittest.TestCase):
    def setUp(self):
        self.solutions = sorted((LESSONS / "solutions").glob("*.cl"))
        self.pages = sorted(LESSONS.glob("*.md"))

    def test_exercises_are_solutions_with_holes(self):
        self.assertEqual(len(self.solutions), 10)
        for solution in self.solutions:
            text = (LESSONS / "exercises" / solution.name).read_text()
            self.assertEqual(text, make_exercises.exercise(solution.read_text()), solution.name)
            self.assertIn("HOLE", text)
            self.assertNotIn("END", text)
            self.assertLess(len(text), len(solution.read_text()))

    def test_each_lesson_has_a_page_with_a_drawing_and_hints(self):
        for solution in self.solutions:
            page = (LESSONS / f"{solution.stem}.md").read_text()
            self.assertIn(f"({solution.stem}.svg)", page)
            self.assertTrue((LESSONS / f"{solution.stem}.svg").exists())
            self.assertIn(f"build/duet lesson {solution.stem.split('-')[0]} lessons", page)
            self.assertIn("## Hints", page)
            self.assertEqual(page.count("<details>"), page.count("</details>"))

    def test_what_pages_name_is_there(self):
        for page in self.pages:
            text = page.read_text()
            for name in re.findall(r"\]\(([^)#:]+)[^)]*\)", text):
                self.assertTrue((LESSONS / name).exists(), f"{page.name}: {name}")
            for name in re.findall(r"`((?:src|cl|bench|tests|examples)/[^`\s]+)`", text):
                self.assertTrue((ROOT / name).exists(), f"{page.name}: {name}")


if __name__ == "__main__":
    cases.main()
