#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documentation as a site: it builds without a warning, has what it should, and reads well in headless Chromium.

usage: test_site.py SOURCE_FOLDER BUILD_FOLDER VERSION

The site is built in a folder of its own. At 390 and 1280 pixels, light and dark, pages of each kind are opened as files: nothing is
thrown, nothing asked of a network, no page is wider than the window, words stand out from what is behind them, and searching finds
pages without a server. Without Sphinx, its theme or Doxygen the cases are skipped, without Chromium those that open pages.
Screenshots go to $DUET_TEST_SHOTS, or to the folder of the results.
"""
import functools
import importlib.util
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zlib

import cases
import test_pages

ROOT, BUILD, VERSION = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
sys.path.insert(0, str(ROOT / "docs" / "site"))
import build  # noqa: E402
import links  # noqa: E402
import manual_pages  # noqa: E402
import words  # noqa: E402

MISSING = build.missing()

PAGES = ("index", "CHANGELOG", "commands/duet-train", "docs/commands", "docs/data", "docs/gallery/README", "docs/lessons/4-tiles", "docs/models",
         "docs/performance", "docs/vae-versus-gan/README", "cl/gemm_plain.cl", "docs/lessons/solutions/index", "reference/c/model", "reference/python", "genindex")
WIDTHS, THEMES = (390, 1280), ("light", "dark")
LOOK = "(async () => { const faults = [];" + test_pages.CONTRAST + r"""
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const scrolls = node => node && (/auto|scroll|hidden/.test(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    const wide = [...document.querySelectorAll('article *')].filter(it => it.getBoundingClientRect().right > innerWidth + 1 && !scrolls(it));
    faults.push(`the page is ${root.scrollWidth} pixels wide: ${wide.slice(0, 3).map(words)}`);
  }
  for (const node of document.querySelectorAll('pre, table'))
    if (node.scrollWidth > node.clientWidth + 1 && !/auto|scroll/.test(getComputedStyle(node).overflowX) && getComputedStyle(node).display !== 'table')
      faults.push('wider than its place, and does not scroll: ' + words(node));
  for (const image of document.images)
    if (!image.complete || image.naturalWidth === 0) faults.push('a picture that is not shown: ' + image.src);
  const paper = behind(document.querySelector('article')), dark = matchMedia('(prefers-color-scheme: dark)').matches;
  if (light(paper) > .5 === dark) faults.push(`the paper is rgb(${paper}), and ${dark ? 'dark' : 'light'} was asked for`);
  return faults;
})()"""


def run_build(root, folder):
    return subprocess.run([sys.executable, ROOT / "docs" / "site" / "build.py", root, folder, VERSION], capture_output=True, text=True)


class Parts(unittest.TestCase):
    """What needs no Sphinx."""

    def test_words_are_no_markup(self):
        self.assertEqual(words.rst("|x| * `y`s, a_ and --set"), r"\|x\| \* ``y``\ s, a\_ and --set")
        self.assertEqual(words.rst("see duet_a.", {"duet_a": "c:func"}), r"see :c:func:`duet_a`\ .")

    def test_docstrings_become_lists(self):
        self.assertEqual(words.docstring(["What it does.", "", "a, b: two", "    of them", "c: `one`"]),
                         ["What it does.", "", "* **a, b**: two of them", "* **c**: ``one``"])

    def test_manual_pages_keep_their_words(self):
        page = manual_pages.page('.SH NAME\nduet\\-x \\- try it\n.SH SYNOPSIS\n\\fBduet x\\fR [\\fIA\\fR]\n.SH "OPTIONS"\n.TP\n\\fB\\-q\\fR\n'
                                 'say *less*\n.SH "EXAMPLES"\n.EX\nduet x \\(aqa b\\(aq\n.EE\n.SH "SEE ALSO"\n.BR duet (1)\n')
        for line in ("| **duet x** [\\ *A*\\ ]", ".. option:: -q", "   say \\*less\\*", "   duet x 'a b'", ":doc:`duet(1) <duet>`"):
            self.assertIn(f"\n{line}\n", page)

    def test_broken_links_are_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            page = '<h1 id="here"></h1><a href="#here"></a><a href="b.html#there"></a><a href="#gone"></a><a href="c.html"></a><img src="https://x/y.png">'
            (pathlib.Path(folder) / "a.html").write_text(page + '<a href="https://x/"></a>')
            (pathlib.Path(folder) / "b.html").write_text('<p id="there">')
            faults = [fault.split(": ", 1)[1] for fault in links.faults(folder)]
            self.assertEqual(faults, ["there is no such place: #gone", "leads nowhere: c.html", "<img> needs a network: https://x/y.png"])

    def test_the_gallery_is_what_its_script_says(self):
        folder = ROOT / "docs" / "gallery"
        spec = importlib.util.spec_from_file_location("make_gallery", folder / "make.py")
        gallery = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(gallery)
        self.assertEqual((folder / "README.md").read_text(), gallery.page())
        self.assertEqual({path.stem for path in folder.glob("*.png")}, {row[0] for row in gallery.PICTURES})
        self.assertLess(sum(path.stat().st_size for path in folder.glob("*.png")), 600_000)


@functools.cache
def site():
    """The folder in which the site was built, and what building said."""
    held = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    unittest.addModuleCleanup(held.cleanup)
    folder = pathlib.Path(held.name) / "build"
    shutil.copytree(BUILD / "docs", folder / "docs", ignore=lambda _, names: [name for name in names if not name.endswith(".1")])
    return folder, run_build(ROOT, folder)


@unittest.skipIf(MISSING, f"the site is not built: {', '.join(MISSING)} is not here")
class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.said = site()
        cls.html = cls.folder / "site" / "html"

    def test_it_builds_without_a_warning(self):
        self.assertEqual((self.said.returncode, self.said.stderr), (0, ""), self.said.stdout)

    def test_pages_are_there(self):
        manuals = [f"commands/{path.stem}" for path in (BUILD / "docs").glob("*.1")]
        self.assertGreater(len(manuals), 15)
        for page in [*PAGES, *manuals, "search"]:
            self.assertTrue((self.html / f"{page}.html").is_file(), page)

    def inventory(self, kind):
        """The names that Sphinx knows as things of this kind, such as c:function."""
        lines = zlib.decompress((self.html / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode().splitlines()
        return {line.split()[0] for line in lines if line.split()[1] == kind}

    def test_every_public_function_has_a_place(self):
        known = self.inventory("c:function")
        functions = re.findall(r"^\s+(duet_\w+);$", (ROOT / "src" / "libduet.map").read_text(), re.M)
        self.assertGreater(len(functions), 300)
        self.assertEqual([name for name in functions if not {name, name.removesuffix("_at")} & known], [])
        page = (self.html / "reference" / "c" / "op.html").read_text()
        self.assertEqual(re.findall(r"duet_matmul\(.*\)", re.sub(r"<[^>]*>", "", page))[0],
                         "duet_matmul(duet_node a, duet_node b, bool transpose_a, bool transpose_b)")

    def test_every_public_name_of_python_has_a_place(self):
        known = set().union(*(self.inventory(f"py:{kind}") for kind in ("function", "class", "exception", "data", "method")))
        names = re.findall(r'^    "(\w+)",$', (ROOT / "python" / "duet" / "__init__.py").read_text(), re.M)
        self.assertGreater(len(names), 30)
        self.assertEqual([name for name in [*names, "relu", "dense", "Run.sample"] if f"duet.{name}" not in known], [])

    def test_a_broken_link_is_an_error(self):
        root = self.folder.parent / "broken"
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("build*", ".git", "*.png", "tests", "src", "lessons", "gallery"))
        for name in ("README.md", "docs/data.md"):
            (root / name).write_text("# Title\n\n[gone](nowhere.md), [page](../CONTRIBUTING.md#nowhere) and [place](#nowhere).\n")
        folder = self.folder.parent / "second"
        shutil.copytree(self.folder / "docs", folder / "docs")
        said = run_build(root, folder)
        self.assertNotEqual(said.returncode, 0)
        for line in ("nowhere.md", "CONTRIBUTING.md#nowhere", ": #nowhere"):
            self.assertRegex(said.stderr, rf"docs/data\.md:3: WARNING: .*{re.escape(line)}")


@unittest.skipIf(MISSING, f"the site is not built: {', '.join(MISSING)} is not here")
@unittest.skipIf(test_pages.CHROMIUM is None, "there is no chromium here: pages of the site are not opened")
class Looks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder, _ = site()
        cls.html = folder / "site" / "html"
        home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(home.cleanup)
        try:
            cls.browser = test_pages.Browser(test_pages.CHROMIUM, home.name)
        except (RuntimeError, OSError) as trouble:
            raise unittest.SkipTest(f"{test_pages.CHROMIUM} does not start here: {trouble}") from trouble
        cls.addClassCleanup(cls.browser.close)
        results = os.environ.get("CMOCKA_XML_FILE")
        cls.shots = pathlib.Path(os.environ.get("DUET_TEST_SHOTS") or (os.path.dirname(results) if results else home.name))
        cls.shots.mkdir(parents=True, exist_ok=True)

    def view(self, width, theme):
        self.browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def test_searching_needs_no_server(self):
        self.view(1280, "light")
        self.browser.open(self.html / "search.html", "?q=ELBO")
        found = self.browser.evaluate("""(async () => {
          for (let i = 0; i < 100 && !document.querySelector('ul.search li'); i++) await new Promise(done => setTimeout(done, 100));
          await new Promise(done => setTimeout(done, 1000));
          return [...document.querySelectorAll('ul.search li a')].map(it => it.getAttribute('href'));
        })()""")
        self.assertTrue([link for link in found if link.startswith("docs/models.html")], found)
        self.assertEqual(list(self.browser.faults()), [])

    def test_the_theme_can_be_chosen(self):
        self.view(1280, "light")
        self.browser.open(self.html / "index.html")
        paper = "getComputedStyle(document.body).backgroundColor"
        before = self.browser.evaluate(paper)
        self.browser.evaluate("document.querySelector('.theme-toggle').click()")
        self.browser.evaluate("document.body.dataset.theme === 'dark' || document.querySelector('.theme-toggle').click()")
        self.assertNotEqual(self.browser.evaluate(paper), before)
        self.browser.evaluate("localStorage.clear()")


def add_case(page, width, theme):
    def test(self):
        self.view(width, theme)
        self.browser.open(self.html / f"{page}.html")
        self.browser.shoot(self.shots / f"{page.replace('/', '-')}-{width}-{theme}.png", width)
        self.assertEqual(self.browser.evaluate(LOOK) + list(self.browser.faults()), [])

    setattr(Looks, f"test_{re.sub(r'[^a-z0-9]', '_', page.lower())}_{width}_{theme}", test)


for case in itertools.product(PAGES, WIDTHS, THEMES):
    add_case(*case)

if __name__ == "__main__":
    cases.main()
