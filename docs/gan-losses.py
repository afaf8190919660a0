# SPDX-License-Identifier: MIT
"""Draws gan-losses.svg: the two losses of a GAN's generator, and their derivatives, over D's logit of a sample."""
import math
from pathlib import Path

LOW, HIGH = -6, 6
WIDTH, HEIGHT, LEFT, TOP = 330, 250, 50, 44  # of a panel's plot; its place in the panel
PANEL = WIDTH + LEFT + 30
MINIMAX, NON_SATURATING = "#0072b2", "#d55e00"


def softplus(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# Title, range of y, distance of its ticks; then colour, name, function, place of the name, for each curve.
PANELS = [
    ("What G minimises", -6, 6, 2, [
        (MINIMAX, "minimax: log(1 − D)", lambda x: -softplus(x), (-5.7, -1.4)),
        (NON_SATURATING, "non-saturating: −log D", lambda x: softplus(-x), (-2.4, 4.4)),
    ]),
    ("Its derivative by the logit", -1, 0, 0.25, [
        (MINIMAX, "−D", lambda x: -sigmoid(x), (-5.7, -0.15)),
        (NON_SATURATING, "−(1 − D)", lambda x: -sigmoid(-x), (-5.7, -0.88)),
    ]),
]


def panel(left, title, low, high, tick, curves):
    def at(x, y):
        return (left + LEFT + (x - LOW) / (HIGH - LOW) * WIDTH, TOP + (high - y) / (high - low) * HEIGHT)

    def text(x, y, words, more=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'

    out = [text(*(at(0, high)[0], TOP - 16), title, 'text-anchor="middle" font-weight="bold" font-size="15"')]
    for i in range(round((high - low) / tick) + 1):
        y = low + i * tick
        (x0, yy), (x1, _) = at(LOW, y), at(HIGH, y)
        out.append(f'<line x1="{x0:.1f}" y1="{yy:.1f}" x2="{x1:.1f}" y2="{yy:.1f}" stroke="{"#777" if y == 0 else "#ddd"}"/>')
        out.append(text(x0 - 7, yy + 4, f"{y:g}".replace("-", "−"), 'text-anchor="end"'))
    for x in range(LOW, HIGH + 1, 2):
        (xx, y0), (_, y1) = at(x, low), at(x, high)
        out.append(f'<line x1="{xx:.1f}" y1="{y0:.1f}" x2="{xx:.1f}" y2="{y1:.1f}" stroke="#ddd"/>')
        out.append(text(xx, y0 + 18, f"{x}".replace("-", "−"), 'text-anchor="middle"'))
    for colour, name, f, place in curves:
        points = " ".join("%.1f,%.1f" % at(LOW + (HIGH - LOW) * i / 200, f(LOW + (HIGH - LOW) * i / 200)) for i in range(201))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        out.append(text(*at(*place), name, f'fill="{colour}" font-weight="bold"'))
    bottom = TOP + HEIGHT + 40
    out.append(text(at(0, low)[0], bottom, "D’s logit of a sample; D = sigmoid(logit)", 'text-anchor="middle"'))
    out.append(text(at(LOW, low)[0], bottom + 20, "← D sees the fake", 'fill="#555"'))
    out.append(text(at(HIGH, low)[0], bottom + 20, "D is fooled →", 'text-anchor="end" fill="#555"'))
    return out


size = f"{2 * PANEL + 10} {TOP + HEIGHT + 76}"
lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" font-family="sans-serif" font-size="13">',
         '<title>The two losses of a generator and their derivatives</title>',
         '<rect width="100%" height="100%" fill="white"/>']
for number, row in enumerate(PANELS):
    lines += panel(number * PANEL, *row)
Path(__file__).with_suffix(".svg").write_text("\n".join(lines + ["</svg>", ""]), encoding="utf-8")
