# SPDX-License-Identifier: MIT
"""What the pages of a folder link to has to be there, and nothing of them is to come from a network.

Idea: Sphinx checks what it makes links of; this looks at what browsers will see, HTML that stands in pages included.
"""
import html.parser
import pathlib
import urllib.parse

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("object", "data")}


class Page(html.parser.HTMLParser):
    """The places of a page, and what it links to: (tag, attribute, target)."""

    def __init__(self, text):
        super().__init__()
        self.places, self.links = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or tag == "a" and name == "name":
                self.places.add(value)
            elif name in ("href", "src", "data") and value is not None and tag != "base":
                self.links.append((tag, name, value))


def faults(folder):
    """A line for each link that leads nowhere and for each file that a network would have to give."""
    pages = {path.resolve(): Page(path.read_text()) for path in sorted(pathlib.Path(folder).rglob("*.html"))}
    for path, page in pages.items():
        for tag, name, link in page.links:
            address = urllib.parse.urlparse(link)
            if address.scheme or address.netloc:
                if (tag, name) in LOADED and address.scheme != "data":
                    yield f"{path}: <{tag}> needs a network: {link}"
                continue
            target = (path.parent / urllib.parse.unquote(address.path)).resolve() if address.path else path
            if not target.is_file():
                yield f"{path}: leads nowhere: {link}"
            elif address.fragment and target in pages and urllib.parse.unquote(address.fragment) not in pages[target].places:
                yield f"{path}: there is no such place: {link}"
