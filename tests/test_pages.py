#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens the pages of `duet report` and `duet compare` in a real browser, headless Chromium, and looks at them.

usage: test_pages.py build/duet

Some small runs are trained, one under a name that would be markup. At 360 and 1440 pixels, light and dark: nothing is
thrown or logged as an error, nothing is asked of a network, no page is wider than the window, text stands out from what
is behind it (WCAG AA, 4.5 to 1), every chart and picture has a name, Tab reaches every control, and every button copies
JSON. Screenshots go to $DUET_TEST_SHOTS, or to the folder of the results. $DUET_TEST_CHROMIUM
names another browser; without one, and where it does not start, the cases are skipped. Speaks the DevTools protocol over a pipe.
"""
import base64
import itertools
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

import cases

WIDTHS, THEMES = (360, 1440), ("light", "dark")

# Adds to `faults` what does not stand out from what is behind it.
CONTRAST = r"""
  const shown = node => node.checkVisibility ? node.checkVisibility() : node.getClientRects().length > 0;
  const words = node => node.tagName + ' "' + (node.textContent || '').trim().slice(0, 40) + '"';
  const parse = colour => {
    const numbers = (colour.match(/[\d.]+/g) || []).map(Number);
    return numbers.length < 3 ? null : {rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1};
  };
  const over = (top, below) => top.rgb.map((value, i) => value * top.alpha + below[i] * (1 - top.alpha));
  const behind = node => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour && colour.alpha > 0) layers.push(colour);
      if (colour && colour.alpha === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = rgb => {
    const [r, g, b] = rgb.map(value => value / 255).map(value => value <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  let texts = 0;
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT|title|desc)$/.test(node.tagName) || !shown(node)) continue;
    const style = getComputedStyle(node), svg = node instanceof SVGElement;
    const ink = parse(svg ? style.fill : style.color), paper = behind(svg ? node.ownerSVGElement : node);
    if (!ink) continue;
    texts++;
    const [a, b] = [light(over(ink, paper)), light(paper)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    const key = style.color + style.fill + paper;
    if (ratio < 4.5 && !seen.has(key)) {
      seen.add(key);
      faults.push(`contrast ${ratio.toFixed(2)} of ${words(node)}`);
    }
  }
"""

# All checks of one view; returns what is wrong.
LOOK = r"""
(async () => {
  const faults = [];
  for (const details of document.querySelectorAll('details')) details.open = true;
  await new Promise(done => setTimeout(done, 300));
""" + CONTRAST + r"""
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll('body *')].filter(it => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('.scroll'));
    faults.push(`the page is ${root.scrollWidth} pixels wide: ${wide.slice(0, 3).map(words)}`);
  }

  if (texts < 50) faults.push(`only ${texts} texts were found`);

  for (const svg of document.querySelectorAll('svg:not([aria-hidden="true"])'))
    if (svg.getAttribute('role') !== 'img' || !svg.getAttribute('aria-label') || !svg.querySelector('title') || !svg.querySelector('desc'))
      faults.push('a chart without a name: ' + words(svg.parentElement));
  for (const svg of document.querySelectorAll('svg[aria-hidden="true"]'))
    if (svg.getBoundingClientRect().width > 40) faults.push('a sign as wide as a chart: ' + words(svg.parentElement));
  for (const node of document.querySelectorAll('main *, header *'))
    if (node.childElementCount === 0 && node.textContent.trim().length > 6 && !(node instanceof SVGElement) && shown(node) &&
        node.getBoundingClientRect().width > 0 && node.getBoundingClientRect().width < 28) faults.push('words squeezed into a column: ' + words(node));
  for (const image of document.images) {
    if (!image.alt) faults.push('a picture without words');
    if (!image.complete || image.naturalWidth === 0) faults.push('a picture that is not shown: ' + image.alt);
  }
  for (const canvas of document.querySelectorAll('canvas'))
    if (![...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data].some((value, i) => i % 4 < 3 && value > 0))
      faults.push('an empty canvas');
  for (const control of document.querySelectorAll('button, a, input, summary, [tabindex]'))
    if (!(control.getAttribute('aria-label') || control.textContent.trim() || control.closest('label'))) faults.push('a control without a name');
  const ids = [...document.querySelectorAll('[id]')].map(it => it.id);
  if (new Set(ids).size !== ids.length) faults.push('an id twice');
  if (window.pwned) faults.push('text of a run became markup');

  const copied = [];
  Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => { copied.push(text); }}, configurable: true});
  const buttons = [...document.querySelectorAll('button')].filter(it => /^copy data/.test(it.textContent));
  for (const button of buttons) button.click();
  await new Promise(done => setTimeout(done, 50));
  if (copied.length !== buttons.length || buttons.length < 3) faults.push(`${buttons.length} buttons copied ${copied.length} texts`);
  for (const text of copied) { try { JSON.parse(text); } catch (error) { faults.push('a copy that is no JSON'); } }

  const sheet = document.querySelector('.blind');
  if (sheet) {
    for (const picture of sheet.querySelectorAll('button')) picture.click();
    document.querySelector('.blind + button').click();
    const words = document.querySelector('[role=status]').textContent;
    if (!/^16 of 32 right, 50% /.test(words)) faults.push('all pictures taken for real: ' + words);
  }

  for (const radio of document.querySelectorAll('input[type=radio]')) radio.click();
  const first = document.querySelector('input[type=radio]');
  if (first) first.click();
  return faults;
})()
"""

# What Tab is to reach: of radios only the chosen one.
MARK = r"""
(() => {
  window.scrollTo(0, 0);
  document.activeElement.blur();
  window.reached = new Set();
  document.addEventListener('focusin', event => window.reached.add(event.target));
  window.controls = [...document.querySelectorAll('button, a[href], input:checked, summary')].filter(it => it.checkVisibility());
  return window.controls.length;
})()
"""
MISSED = "window.controls.filter(it => !window.reached.has(it)).map(it => it.outerHTML.slice(0, 80))"


class Browser:
    """Chromium under the DevTools protocol: JSON messages, each ended by a 0."""

    def __init__(self, program, home):
        to_read, self.to = os.pipe()
        self.back, from_write = os.pipe()
        for end in (to_read, from_write):
            os.set_inheritable(end, True)

        def place():
            # 3 and 4 may be in use by the very pipes
            first, second = os.dup(to_read), os.dup(from_write)
            high = [os.dup2(first, 20), os.dup2(second, 21)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe",
             "--disable-dev-shm-usage", "--no-first-run", f"--user-data-dir={home}", "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_read)
        os.close(from_write)
        self.held, self.count, self.session, self.events = b"", 0, None, []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.ask(part + ".enable")

    def message(self):
        while b"\0" not in self.held:
            if not select.select([self.back], [], [], 120)[0]:
                raise RuntimeError("the browser says nothing any more")
            piece = os.read(self.back, 1 << 16)
            if not piece:
                raise RuntimeError("the browser ended")
            self.held += piece
        text, self.held = self.held.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        self.count += 1
        wanted = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            wanted["sessionId"] = self.session
        os.write(self.to, json.dumps(wanted).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, script):
        result = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(json.dumps(result["exceptionDetails"])[:600])
        return result["result"].get("value")

    def open(self, path, query=""):
        self.events.clear()
        self.ask("Page.navigate", url=pathlib.Path(path).resolve().as_uri() + query)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def faults(self):
        """What was thrown, logged, or asked of a network since the page was opened."""
        for event in self.events:
            method, about = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                yield "thrown: " + json.dumps(about["exceptionDetails"])[:400]
            elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
                yield "on the console: " + json.dumps(about["args"])[:400]
            elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
                yield "logged: " + about["entry"]["text"]
            elif method == "Network.requestWillBeSent" and not about["request"]["url"].startswith(("file:", "data:", "about:")):
                yield "asked of the network: " + about["request"]["url"]

    def shoot(self, path, width):
        height = int(self.evaluate("document.documentElement.scrollHeight"))
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True,
                        clip={"x": 0, "y": 0, "width": width, "height": min(height, 16000), "scale": 1})
        pathlib.Path(path).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait()


def press_tab(browser, times):
    for _ in range(times):
        for kind in ("keyDown", "keyUp"):
            browser.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)


def look(browser, page, width, theme, shots):
    """The faults of one page in one view."""
    browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.open(page)
    browser.shoot(shots / f"{pathlib.Path(page).stem}-{width}-{theme}.png", width)
    faults = browser.evaluate(LOOK)
    if width == max(WIDTHS) and theme == THEMES[0]:
        press_tab(browser, browser.evaluate(MARK) + len(browser.evaluate("[...document.querySelectorAll('.scroll')].map(it => 1)")) + 5)
        faults += ["Tab does not reach " + missed for missed in browser.evaluate(MISSED)]
    size = os.path.getsize(page)
    if size > 5_000_000:
        faults.append(f"the page has {size} bytes")
    return faults + list(browser.faults())


def make_pages(program, folder):
    """Trains small runs, one under a name that would be markup, and writes PAGES of them."""
    def duet(*words):
        subprocess.run([program, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    odd = "<img src=x onerror=window.pwned=1>&amp;\"'"
    duet("train", "vae", "--steps", "60", "--set", "latent=4", "--out", "vae", "-q")
    duet("train", "gan", "--steps", "60", "--out", odd, "-q")
    duet("train", "classifier", "--steps", "60", "--out", "judge", "-q")
    duet("train", "flow-matching", "--data", "ring8", "--steps", "60", "--out", "ring", "-q")
    shutil.copy(folder / "ring" / "report.html", folder / "training.html")  # as training left it
    duet("compare", "vae", odd, "--judge", "judge", "--out", "compare.html")
    duet("compare", "vae", "ring", "--out", "apart.html")
    duet("report", "vae", "--out", "report.html")
    duet("report", "ring", "--set", "steps=5", "--out", "points.html")


PAGES = ("compare", "apart", "report", "points", "training")
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("DUET_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@unittest.skipIf(CHROMIUM is None, "there is no chromium here: pages are not opened")
class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(held.cleanup)
        results = os.environ.get("CMOCKA_XML_FILE")
        cls.folder = pathlib.Path(held.name)
        cls.shots = pathlib.Path(os.environ.get("DUET_TEST_SHOTS") or (os.path.dirname(results) if results else held.name))
        cls.shots.mkdir(parents=True, exist_ok=True)
        try:
            cls.browser = Browser(CHROMIUM, held.name + "/browser")
        except (RuntimeError, OSError) as trouble:
            raise unittest.SkipTest(f"{CHROMIUM} does not start here: {trouble}") from trouble
        cls.addClassCleanup(cls.browser.close)
        make_pages(PROGRAM, cls.folder)


def add_case(page, width, theme):
    def test(self):
        self.assertEqual(look(self.browser, self.folder / f"{page}.html", width, theme, self.shots), [])

    setattr(Pages, f"test_{page}_{width}_{theme}", test)


for case in itertools.product(PAGES, WIDTHS, THEMES):
    add_case(*case)

if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv[1]).resolve()
    cases.main()
