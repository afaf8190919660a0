#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian packages of the commit that is checked out: two builds in different folders give equal bytes, lintian has nothing
to say, what is packaged is what is installed, and the package of Python works with the library's.

usage: test_debian.py SOURCE_ROOT; skipped where the tools or what the packages are built with are missing
"""
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases

source = pathlib.Path(sys.argv[1])
PACKAGES = ["duet", "duet-doc", "libduet-dev", "libduet-mpi-dev", "libduet-mpi0", "libduet0", "python3-duet"]


def make(folder):
    environment = dict(os.environ, DEB_BUILD_OPTIONS="noautodbgsym")
    end = subprocess.run([source / "debian/make", folder, "-b"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True,
                         errors="replace")
    if end.returncode != 0:
        raise AssertionError(end.stdout[-4000:])


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("git", "dpkg-buildpackage", "dh", "dpkg-checkbuilddeps"):
            if shutil.which(program) is None:
                raise unittest.SkipTest(f"{program} is not installed")
        if not (source / ".git").exists():
            raise unittest.SkipTest("this is no checkout")
        lacking = subprocess.run(["dpkg-checkbuilddeps"], cwd=source, stderr=subprocess.PIPE, text=True)
        if lacking.returncode != 0:
            raise unittest.SkipTest(lacking.stderr.strip())
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="duet-debian-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        make(cls.folder / "first")

    def packages(self, folder):
        return {path.name.split("_")[0]: path for path in sorted((self.folder / folder).glob("*.deb"))}

    def test_lintian_has_nothing_to_say(self):
        if shutil.which("lintian") is None:
            self.skipTest("lintian is not installed")
        changes = next((self.folder / "first").glob("*.changes"))
        end = subprocess.run(["lintian", "--fail-on", "error,warning", "--allow-root", changes], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(end.returncode, 0, end.stdout)

    def test_each_file_is_in_a_package(self):
        self.assertEqual(sorted(self.packages("first")), PACKAGES)
        held = "".join(subprocess.run(["dpkg-deb", "-c", path], stdout=subprocess.PIPE, check=True, text=True).stdout
                       for path in self.packages("first").values())
        for name in ("/bin/duet\n", "/man1/duet-train.1.gz\n", "/vendor-completions/_duet\n", "/libduet.so.0 ", "/libduet.a\n", "/duet/nn.h\n",
                     "/duetConfig.cmake\n", "/duet.pc\n", "/duet-mpi.pc\n", "/libduet-mpi.so ", "/libduet-mpi.so.0 ", "/own_model.c\n", "/models.md", "/lessons/exercises/1-launch.cl\n", "/dist-packages/duet/_interface.py\n",
                     "/examples/python/own_model.py\n"):
            self.assertIn(name, held)

    def test_python_uses_the_packaged_library(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("numpy is not installed")
        root = self.folder / "root"
        for name in ("libduet0", "python3-duet"):
            subprocess.run(["dpkg-deb", "-x", self.packages("first")[name], root], check=True)
        library = next(root.glob("usr/lib/*/libduet.so.0"))
        environment = dict(os.environ, PYTHONPATH=str(root / "usr/lib/python3/dist-packages"), PYTHONDONTWRITEBYTECODE="1",
                           LD_LIBRARY_PATH=f"{library.parent}:{os.environ.get('LD_LIBRARY_PATH', '')}", AUTOPKGTEST_TMP=str(self.folder))
        environment.pop("DUET_LIBRARY", None)
        end = subprocess.run([sys.executable, source / "debian/tests/python"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                             env=environment)
        self.assertEqual(end.returncode, 0, end.stdout)
        self.assertIn(str(root), end.stdout)

    def test_programs_depend_on_the_version_that_they_were_built_with(self):
        """One that is too old lacks symbols; the next minor one may change them."""
        folder = self.folder / "control"
        subprocess.run(["dpkg-deb", "-e", self.packages("first")["libduet0"], folder], check=True)
        version = re.search(r"version: '(\d+)\.(\d+)\.(\d+)'", (source / "meson.build").read_text()).groups()
        lines = (folder / "symbols").read_text().splitlines()
        self.assertEqual(lines[0], f"libduet.so.0 libduet0 #MINVER#, libduet0 (<< {version[0]}.{int(version[1]) + 1}~)")
        listed = set(re.findall(r"^ +(duet_\w+);", (source / "src/libduet.map").read_text(), re.M))
        packaged = {line.split("@")[0].strip(): line.split()[-1] for line in lines if "@DUET_" in line}
        self.assertEqual(set(packaged) - {"DUET_0"}, listed)
        self.assertEqual(set(packaged.values()), {".".join(version)})

    def test_two_builds_give_equal_bytes(self):
        make(self.folder / "a/second/place")
        first, second = self.packages("first"), self.packages("a/second/place")
        self.assertEqual(list(first), list(second))
        for name, path in first.items():
            self.assertTrue(filecmp.cmp(path, second[name], shallow=False), f"{name} is not the same package")


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
