# SPDX-License-Identifier: MIT
# Sphinx's settings for the site. docs/site/build.py makes the sources it reads, and runs it with warnings as errors.
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import words  # noqa: E402

project = "Duet"
author = "the Duet authors"
copyright = "2026 the Duet authors, MIT licence"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
templates_path = []
root_doc = "index"
smartquotes = False  # what is quoted is often typed

# Headings are places to link to, under the names that forges give them.
myst_heading_anchors = 4

# The Python package, without the library that it would load.
autodoc_mock_imports = ["duet._interface", "numpy"]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_type_aliases = {name: name for name in ("Axes", "InitialiserLike", "Operand", "Priors", "Shape", "ShapeLike", "Struct")}

# Every name is a link that has to lead somewhere, but for those of other libraries and those that are private.
nitpicky = True
nitpick_ignore_regex = [
    (r"c:identifier", r"u?int\d+_t|size_t|cl_\w+|bool|duet_node_record"),
    (r"py:.*", r".*"),
]

html_theme = "furo"
pygments_style, pygments_dark_style = "default", "github-dark"  # all their colours can be read
html_title = "Duet"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it reads the pages found, which browsers refuse where there is no server


def setup(app):
    sys.path.insert(0, str(pathlib.Path(app.srcdir).parent / "python"))

    def docstring(app, what, name, thing, options, lines):
        lines[:] = words.docstring(lines)

    app.connect("autodoc-process-docstring", docstring)
