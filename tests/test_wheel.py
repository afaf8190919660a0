#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The wheel of the commit that is checked out: built by pip, installed into a fresh environment, and used there by a script.

usage: test_wheel.py SOURCE_ROOT; skipped where pip, or what it fetches, cannot be had
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

import cases

source = pathlib.Path(sys.argv[1])

SCRIPT = """import duet
import numpy

x = numpy.random.default_rng(0).integers(0, 256, (200, 8, 8), numpy.uint8)
run = duet.train("vae", x, epochs=1, batch=50, settings={"latent": 3, "hidden": [16]}, out="vae")
samples, codes = run.sample(5, seed=0), run.encode(x[:7])
duet.grid(samples).save("samples.png")
print(samples.shape, codes.shape, run.evaluate("elbo", split="train")["elbo"].unit)
print(duet.__file__)
print([line.split()[-1] for line in open("/proc/self/maps") if "libduet" in line or "libOpenCL" in line])
"""


def run(*words, **options):
    """Its standard output; fails with all that it said."""
    end = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options)
    if end.returncode != 0:
        raise AssertionError(f"{words}: exit status {end.returncode}\n{end.stdout[-4000:]}\n{end.stderr[-4000:]}")
    return end.stdout


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if shutil.which("git") is None or not (source / ".git").exists():
            raise unittest.SkipTest("this is no checkout, or git is not installed")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="duet-wheel-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        environment = cls.folder / "environment"
        try:
            run("python3", "-m", "venv", environment)
        except AssertionError as error:
            raise unittest.SkipTest(f"no environment can be made (Debian: python3-venv): {error}")
        cls.python = environment / "bin/python3"
        cls.pip = [cls.python, "-m", "pip", "--disable-pip-version-check", "-q"]
        try:
            run(*cls.pip, "--retries", "1", "download", "--no-deps", "-d", cls.folder / "reached", "meson-python")
        except AssertionError as error:
            raise unittest.SkipTest(f"pip fetches nothing here: {str(error).strip().splitlines()[-1]}")
        tree = cls.folder / "tree"
        tree.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=source, stdout=subprocess.PIPE, check=True)
        subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)
        run(*cls.pip, "wheel", "--no-deps", "-w", cls.folder / "wheels", tree)
        cls.wheel = next((cls.folder / "wheels").glob("*.whl"))

    def test_it_carries_the_library_and_nothing_of_the_systems(self):
        self.assertRegex(self.wheel.name, r"^duet-[\d.]+-py3-none-(linux|macosx)_\w+\.whl$")
        version = self.wheel.name.split("-")[1]
        names = [name.replace(f"duet-{version}.data/purelib/", "") for name in zipfile.ZipFile(self.wheel).namelist()]
        self.assertTrue(any(name.startswith(".duet.mesonpy.libs/libduet") for name in names), names)
        for name in ("duet/__init__.py", "duet/_interface.py", "duet/functions.py", "duet/py.typed"):
            self.assertIn(name, names)
        others = [name for name in names if not name.startswith(("duet/", "duet-", ".duet.mesonpy.libs/libduet"))]
        self.assertEqual(others, [])

    def test_a_script_of_ten_lines_trains_samples_and_encodes(self):
        run(*self.pip, "install", self.wheel)
        place = self.folder / "elsewhere"
        place.mkdir()
        (place / "script.py").write_text(SCRIPT)
        self.assertLessEqual(len(SCRIPT.splitlines()), 10)
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DUET_LIBRARY")}
        first, package, libraries = run(self.python, "script.py", cwd=place, env=environment).splitlines()
        self.assertEqual(first, "(5, 8, 8, 1) (7, 3) nats")
        self.assertTrue((place / "samples.png").read_bytes().startswith(b"\x89PNG"))
        self.assertIn(str(self.folder / "environment"), package)
        self.assertIn("/.duet.mesonpy.libs/libduet", libraries)
        self.assertRegex(libraries, r"'(?!\S*duet-wheel-)\S*/libOpenCL\.so", "the loader is the system's")


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
