#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed serves: headers and libraries a tiny program of its own, by pkg-config, statically too, and by CMake; the
manual pages man; and the tarball of `meson dist` a build without git.

usage: test_install.py SOURCE_ROOT BUILD_ROOT. What a case needs and the system lacks has it skipped.
"""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

import cases

source, build = (pathlib.Path(word) for word in sys.argv[1:3])

PROGRAM = """#include <duet.h>
#include <stdio.h>
int main(void)
{
    printf("%s %zu\\n", duet_version(), duet_family_count());
    return duet_family_find("vae") == NULL;
}
"""
RANKS = PROGRAM.replace("#include <stdio.h>", "#include <duet/mpi.h>\n#include <stdio.h>").replace("    return", "    duet_mpi_close(NULL);\n    return")
CMAKE = """cmake_minimum_required(VERSION 3.13)
project(tiny C)
find_package(duet 0.1 REQUIRED)
add_executable(tiny tiny.c)
target_link_libraries(tiny PRIVATE duet::duet)
"""


def run(*words, **options):
    """Its standard output; fails with all that it said."""
    end = subprocess.run(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", **options)
    if end.returncode != 0:
        raise AssertionError(f"{words}: exit status {end.returncode}\n{end.stdout}\n{end.stderr}")
    return end.stdout


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise unittest.SkipTest(f"{program} is not installed")


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("meson")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="duet-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        run("meson", "install", "--no-rebuild", "-C", build, "--destdir", cls.folder / "root")
        cls.prefix = next((cls.folder / "root").glob("**/bin/duet")).parents[1]
        cls.libraries = next(cls.prefix.glob("**/pkgconfig/duet.pc")).parents[1]
        (cls.folder / "tiny.c").write_text(PROGRAM)
        cls.expected = run(build / "duet", "--version").split()[1]

    def say(self, program):
        """Of the program that was built."""
        said = run(program, env=dict(os.environ, LD_LIBRARY_PATH=str(self.libraries))).split()
        self.assertEqual(said[0], self.expected)
        self.assertGreater(int(said[1]), 10)

    def flags(self, *words, package="duet"):
        need("pkg-config")
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.libraries / "pkgconfig"))
        return shlex.split(run("pkg-config", f"--define-variable=prefix={self.prefix}", *words, package, env=environment))

    def test_shared_by_pkg_config(self):
        need("cc")
        run("cc", self.folder / "tiny.c", "-o", self.folder / "shared", *self.flags("--cflags", "--libs"))
        self.assertIn("libduet.so.0", run("ldd", self.folder / "shared"))
        self.say(self.folder / "shared")

    def test_static_by_pkg_config(self):
        """Where libduet.a alone is, and nothing but what pkg-config --static says."""
        need("cc")
        alone = self.folder / "alone"
        alone.mkdir()
        shutil.copy(self.libraries / "libduet.a", alone)
        flags = [f"-L{alone}" if flag == f"-L{self.libraries}" else flag for flag in self.flags("--static", "--cflags", "--libs")]
        self.assertIn(f"-L{alone}", flags)
        run("cc", self.folder / "tiny.c", "-o", self.folder / "static", *flags)
        self.assertNotIn("libduet", run("ldd", self.folder / "static"))
        self.say(self.folder / "static")

    def test_ranks_by_pkg_config(self):
        """libduet-mpi, where this build has it: what it exports, and a program linked with it."""
        need("cc", "nm")
        if not (self.libraries / "pkgconfig/duet-mpi.pc").exists():
            self.skipTest("the build found no MPI")
        (self.folder / "ranks.c").write_text(RANKS)
        run("cc", self.folder / "ranks.c", "-o", self.folder / "ranks", *self.flags("--cflags", "--libs", package="duet-mpi"))
        self.assertIn("libduet-mpi.so.0", run("ldd", self.folder / "ranks"))
        self.say(self.folder / "ranks")
        lines = run("nm", "-D", "--defined-only", self.libraries / "libduet-mpi.so").splitlines()
        declared = set(re.findall(r"(duet_mpi_\w+)\(", (source / "include/duet/mpi.h").read_text()))
        self.assertEqual({line.split()[-1] for line in lines}, declared)

    def test_cmake(self):
        need("cmake", "cc")
        project = self.folder / "project"
        project.mkdir()
        shutil.copy(self.folder / "tiny.c", project)
        (project / "CMakeLists.txt").write_text(CMAKE)
        run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "--build", project / "build")
        self.say(project / "build/tiny")
        for words, found in (("", True), ("0.1.0 EXACT", True), ("0.1...0.3", True), ("0.0.1", False), ("0.2", False), ("0.1.9", False),
                             ("7.0", False)):
            (project / "CMakeLists.txt").write_text(CMAKE.replace("duet 0.1 ", f"duet {words} "))
            other = subprocess.run(["cmake", "-S", project, "-B", project / "other", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            shutil.rmtree(project / "other")
            self.assertEqual(other.returncode == 0, found, f"find_package(duet {words}): {other.stdout.decode()}")

    def test_headers_are_those_of_the_source(self):
        installed = {path.relative_to(self.prefix / "include") for path in self.prefix.glob("include/**/*.h")}
        self.assertEqual(installed, {path.relative_to(source / "include") for path in source.glob("include/**/*.h")})

    def pages(self):
        pages = sorted(self.prefix.glob("share/man/man?/*"))
        if not pages:
            self.skipTest("the build made no manual pages")
        return pages

    def test_manual_pages_have_no_faults(self):
        need("mandoc")
        for page in self.pages():
            said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual(said.stdout, "")

    def test_man_shows_them_without_a_warning(self):
        need("man")
        for page in self.pages():
            said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env=dict(os.environ, MANWIDTH="80"))
            self.assertEqual((said.returncode, said.stderr), (0, ""), page.name)
            self.assertIn("NAME", said.stdout)

    def test_shells_find_their_completion(self):
        for place in ("bash-completion/completions/duet", "zsh/site-functions/_duet", "fish/vendor_completions.d/duet.fish"):
            self.assertIn("duet", (self.prefix / "share" / place).read_text())


class Tarball(unittest.TestCase):
    def test_it_builds_without_git_or_cmake(self):
        need("meson", "ninja", "git", "cc")
        if not (source / ".git").exists():
            self.skipTest("this is no checkout")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="duet-dist-"))
        self.addCleanup(shutil.rmtree, folder, True)
        run("meson", "setup", folder / "first", source)
        run("meson", "dist", "-C", folder / "first", "--no-tests", "--allow-dirty", "--formats", "gztar")
        archive = next((folder / "first/meson-dist").glob("duet-*.tar.gz"))
        with tarfile.open(archive) as file:
            file.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
        unpacked = folder / archive.name.removesuffix(".tar.gz")
        self.assertFalse((unpacked / ".git").exists())
        programs = folder / "programs"  # a git and a cmake that fail, as where there are none
        programs.mkdir()
        for name in ("git", "cmake"):
            (programs / name).write_text("#!/bin/sh\nexit 127\n")
            (programs / name).chmod(0o755)
        environment = dict(os.environ, PATH=f"{programs}:{os.environ['PATH']}")
        run("meson", "setup", "--buildtype", "debug", folder / "second", unpacked, env=environment)
        run("ninja", "-C", folder / "second", "duet", "docs/duet-train.1", env=environment)
        version = run(build / "duet", "--version").split()[1]
        self.assertEqual(run(folder / "second/duet", "--version").split(), ["duet", version])  # and no commit


if __name__ == "__main__":
    sys.argv[1:] = []
    cases.main()
