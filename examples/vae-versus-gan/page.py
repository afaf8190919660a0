# SPDX-License-Identifier: MIT
"""The study as a page: Markdown for a repository, and one HTML file with the same words, both with charts as SVG."""
import base64
import html
import re

from shared import write_whole

COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]
MARKS = {"supported": "✔", "not supported": "✘", "depends": "≈"}


def short(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def cell(one):
    """Words, or an estimate as 'value (low to high)'."""
    if one is None:
        return ""
    if isinstance(one, str):
        return one
    if one.get("low") is None or one["low"] == one["high"] == one["value"]:
        return short(one["value"])
    return f"{short(one['value'])} ({short(one['low'])} to {short(one['high'])})"


# Charts.

def chart(title, unit, curves):
    """Lines over a common x as SVG; the first and last values stand in its description."""
    width, height, left, top, bottom = 560, 240, 64, 30, 44
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return ""
    (x0, x1), (y0, y1) = ((min(p[i] for p in points), max(p[i] for p in points)) for i in (0, 1))
    x1, y1 = (x1 if x1 > x0 else x0 + 1), (y1 if y1 > y0 else y0 + 1)

    def at(x, y):
        return (left + (x - x0) / (x1 - x0) * (width - left - 20),
                top + (y1 - y) / (y1 - y0) * (height - top - bottom))
    words = "; ".join(f"{name}: {short(curve[0][1])} to {short(curve[-1][1])}" for name, curve in curves.items() if curve)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" font-family="sans-serif" '
           f'font-size="12"><title>{html.escape(title)}</title><desc>{html.escape(words)}</desc>',
           f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
           f'<text x="{left}" y="16" font-weight="bold" fill="#222">{html.escape(title)}</text>']
    for value in (y0, y1):
        out.append(f'<text x="{left - 6}" y="{at(x0, value)[1] + 4:.1f}" text-anchor="end" fill="#444">{short(value)}</text>')
    for value in (x0, x1):
        out.append(f'<text x="{at(value, y0)[0]:.1f}" y="{height - bottom + 18}" text-anchor="middle" fill="#444">'
                   f'{short(value)}</text>')
    out.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 8}" text-anchor="middle" fill="#444">{html.escape(unit)}</text>')
    out.append(f'<path d="M{left} {top}V{height - bottom}H{width - 20}" fill="none" stroke="#888"/>')
    for (name, curve), colour in zip(curves.items(), COLOURS):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in curve))
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for i, (name, colour) in enumerate(zip(curves, COLOURS)):
        out.append(f'<text x="{width - 24}" y="{top + 12 + 15 * i}" text-anchor="end" fill="{colour}">{html.escape(name)}</text>')
    return "".join(out) + "</svg>\n"


# Blocks, which both forms are written from: ("h", level, words), ("p", words), ("table", columns, rows),
# ("picture", file, words), ("svg", file, text, words).

def blocks(study):
    yield "h", 1, "VAE against GAN: what holds"
    yield "p", study["what"]
    rows = [[str(number), claim["says"], f"{MARKS[claim['verdict']]} {claim['verdict']}"] if "verdict" in claim else
            [str(number), claim["says"], "not measured"] for number, claim in sorted(study["claims"].items())]
    yield "table", ["", "claim", "verdict"], rows
    for file, words in study["pictures"]:
        yield "picture", file, words
    if study["tables"]:
        yield "h", 2, "The family"
    for title, columns, rows in study["tables"]:
        yield "h", 3, title
        yield "table", columns, [[cell(one) for one in row] for row in rows]
    for number, claim in sorted(study["claims"].items()):
        yield "h", 2, f"{number}. {claim['says']}"
        yield "p", f"Measured by: {claim['measured_by']}."
        if "verdict" not in claim:
            yield "p", f"Not measured: {claim['trouble']}"
            continue
        yield "table", claim["columns"], [[cell(one) for one in row] for row in claim["rows"]]
        for i, (title, unit, curves) in enumerate(claim["curves"]):
            yield "svg", f"claim-{number}-{i + 1}.svg", chart(title, unit, curves), title
        yield "p", f"**{MARKS[claim['verdict']]} {claim['verdict']}.** {claim['note']}"


def markdown(study, folder):
    out = []
    for kind, *block in blocks(study):
        if kind == "h":
            out.append("#" * block[0] + " " + block[1])
        elif kind == "p":
            out.append(block[0])
        elif kind == "table":
            def line(cells):
                return "| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |"
            out.append("\n".join([line(block[0]), "|" + " --- |" * len(block[0]), *(line(row) for row in block[1])]))
        elif kind == "picture":
            out.append(f"![{block[1]}]({block[0]})\n\n*{block[1]}*")
        elif kind == "svg" and block[1]:
            write_whole(folder / block[0], block[1])
            out.append(f"![{block[2]}]({block[0]})")
    return "\n\n".join(out) + "\n"


STYLE = """:root { color-scheme: light dark; --line: #8886 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top }
img, svg { max-width: 100%; height: auto } figure { margin: 1rem 0 } h2 { margin-top: 2.5rem }"""


def whole_html(study, folder):
    """One file, which needs no other and no network."""
    def inline(text):
        return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))

    def line(tag, cells):
        return "<tr>" + "".join(f"<{tag}>{inline(text)}</{tag}>" for text in cells) + "</tr>"
    out = ['<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
           'content="width=device-width"><title>VAE against GAN</title>', f"<style>{STYLE}</style></head><body><main>"]
    for kind, *block in blocks(study):
        if kind == "h":
            out.append(f"<h{block[0]}>{inline(block[1])}</h{block[0]}>")
        elif kind == "p":
            out.append(f"<p>{inline(block[0])}</p>")
        elif kind == "table":
            out.append(f'<div class="wide" tabindex="0"><table><thead>{line("th", block[0])}</thead><tbody>'
                       + "".join(line("td", row) for row in block[1]) + "</tbody></table></div>")
        elif kind == "picture":
            bytes_of = base64.b64encode((folder / block[0]).read_bytes()).decode()
            out.append(f'<figure><img alt="{html.escape(block[1])}" src="data:image/png;base64,{bytes_of}"><figcaption>'
                       f"{inline(block[1])}</figcaption></figure>")
        elif kind == "svg":
            out.append(f"<figure>{block[1]}</figure>")
    return "\n".join(out) + "</main></body></html>\n"


def write(study, folder):
    """study.md with its pictures, and study.html, in a folder."""
    write_whole(folder / "study.md", markdown(study, folder))
    write_whole(folder / "study.html", whole_html(study, folder))
